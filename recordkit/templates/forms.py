"""The forms an office can issue: those in its own store first, then the shipped ones. A form is data."""

from __future__ import annotations

import contextlib
import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from recordkit.errors import InputRefused, NotFound
from recordkit.messages import Message, did_you_mean, listed, msg
from recordkit.templates.spec import FormSpec
from recordkit.templates.spec_reader import load_form_spec


@dataclass(frozen=True, slots=True)
class Form:
    """A form with its template.

    Attributes:
        folder: where ``form.toml`` and ``template.docx`` lie.
        digest: SHA-256 over both files; names this version of the form for ever.
        own: whether it comes from the store's own forms/.
    """

    spec: FormSpec
    folder: Path
    digest: str
    own: bool

    @property
    def template(self) -> bytes:
        """The Word template."""
        return (self.folder / "template.docx").read_bytes()


def shipped_forms() -> Path:
    """The folder of the forms that come with recordkit: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_forms"
    return installed if installed.is_dir() else package.parent / "forms"


def list_form_ids(root: Path | None) -> list[str]:
    """Ids of all forms, sorted; ``root`` is a store or None for the shipped ones alone."""
    folders = [shipped_forms()] + ([root / "forms"] if root else [])
    return sorted({path.parent.name for folder in folders for path in folder.glob("*/form.toml")})


LISTINGS = "listings"
"""Folder of the forms of printed catalogues, and the first part of their names: ``listings/items``."""


def list_listing_ids(root: Path | None) -> list[str]:
    """Names of all forms of printed catalogues, sorted; no document is issued from them."""
    folders = [shipped_forms()] + ([root / "forms"] if root else [])
    return sorted({f"{LISTINGS}/{path.parent.name}" for folder in folders
                   for path in (folder / LISTINGS).glob("*/form.toml")})


def name_of(spec: FormSpec) -> str:
    """Under which name ``load_form`` finds a form."""
    return f"{LISTINGS}/{spec.id}" if spec.kind == "listing" else spec.id


@dataclass(frozen=True, slots=True)
class FormNames:
    """How a form and its fields are called.

    Attributes:
        fields: names of each field by its key: the key itself, the label, the English label if there is one.
        columns: the same names of the columns of a table, by the table's key.
    """

    id: str
    name: str
    name_en: str
    fields: Mapping[str, tuple[str, ...]]
    columns: Mapping[str, tuple[str, ...]]


def list_form_names(root: Path | None) -> list[FormNames]:
    """The names in all forms, the store's own winning over the shipped ones; a form that cannot be read is left out.

    A tenth of the time that checking every form takes: nothing but the names is looked at.
    """
    found = []
    for form_id in list_form_ids(root):
        own = root / "forms" / form_id / "form.toml" if root else None
        path = own if own is not None and own.is_file() else shipped_forms() / form_id / "form.toml"
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            state = path.stat()
            found.append(_names_in(path, state.st_mtime_ns, state.st_size))
    return found


@lru_cache(maxsize=256)
def _names_in(path: Path, changed: int, size: int) -> FormNames:
    plain = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    fields = {one["key"]: tuple(_names_of(one)) for one in plain["fields"]}
    columns = {
        one["key"]: tuple(name for column in one["columns"] for name in _names_of(column))
        for one in plain["fields"] if one.get("columns")
    }
    return FormNames(path.parent.name, plain["name"], plain.get("name_en", ""), fields, columns)


def _names_of(field: Mapping[str, str]) -> Iterator[str]:
    yield from filter(None, (field["key"], field["label"], field.get("label_en", "")))


def load_form(root: Path | None, form_id: str) -> Form:
    """The form of this id, or of this Chinese or English name; the store's own wins over the shipped one.

    Raises:
        NotFound: no such form; near names are offered.
        InputRefused: its form.toml is wrong or its template is missing.
    """
    for folder, own in ((root / "forms", True) if root else (None, True), (shipped_forms(), False)):
        if folder is not None and (folder / form_id / "form.toml").is_file():
            return read_form(folder / form_id, own=own)
    known = list_form_ids(root)
    for other in known:
        with contextlib.suppress(InputRefused):
            form = load_form(root, other)
            if form_id.strip() in (form.spec.name, form.spec.name_en):
                return form
    raise NotFound(msg("There is no form {form}.", form=form_id), _near_forms(root, form_id))


def _near_forms(root: Path | None, typed: str) -> Message:
    """The form that was probably meant, else all of them; in the language in which a name was typed."""
    names = list_form_names(root)
    chinese = not typed.isascii()
    own = [one.name if chinese else one.id for one in names]
    # A part of a name is what people remember of it, and to difflib it is unlike a long name.
    part = typed.strip().lower()
    if len(part) > 1 and (parts := [name for name in own if part in name.lower()]):
        return msg("Did you mean {near}?", near=listed(parts))
    others = [] if chinese else [one.name_en for one in names if one.name_en]
    return did_you_mean(typed, [*own, *others], 0.4) or msg("Forms are: {forms}.", forms=listed(own))


def read_form(folder: Path, *, own: bool) -> Form:
    """Read the form in ``folder``.

    Raises:
        InputRefused: its form.toml is wrong or its template is missing.
    """
    template = folder / "template.docx"
    if not template.is_file():
        raise InputRefused(
            msg("The form {form} has no template.docx.", form=folder.name),
            msg("Put the Word template into {folder}.", folder=str(folder)),
        )
    toml = (folder / "form.toml").read_bytes()
    spec = load_form_spec(folder)
    return Form(spec, folder, _digest(toml, template.read_bytes()), own)


def _digest(toml: bytes, template: bytes) -> str:
    parts = hashlib.sha256(toml).hexdigest() + hashlib.sha256(template).hexdigest()
    return hashlib.sha256(parts.encode()).hexdigest()
