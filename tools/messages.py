"""Keeps the Chinese catalogue complete: extract, update, compile, check.

``python tools/messages.py update`` brings the texts of the program and of click into recordkit.po and compiles it;
``python tools/messages.py check`` exits with 1 when a text is missing, untranslated, fuzzy or not compiled, or when it
is marked inside an f-string, where the extractors of other Pythons and editors do not look.
"""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "recordkit" / "locale" / "zh_CN" / "LC_MESSAGES"
PO, MO = FOLDER / "recordkit.po", FOLDER / "recordkit.mo"
OURS = frozenset({"msg", "N_", "tr"})
CLICKS = {"_": None, "ngettext": (1, 2)}


@dataclass(frozen=True, slots=True)
class Marked:
    """A text marked for translation, the line of its mark, and whether that stands inside an f-string."""

    text: str
    line: int
    in_fstring: bool


def marked_texts(source: str) -> Iterator[Marked]:
    """Texts that a module marks, also as arguments of one another: not every version of Babel looks there."""
    tree = ast.parse(source)
    inside = {id(call) for one in ast.walk(tree) if isinstance(one, ast.JoinedStr) for call in ast.walk(one)}
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and call.args and _name(call.func) in OURS:
            text = call.args[0]
            if isinstance(text, ast.Constant) and isinstance(text.value, str) and text.value:
                yield Marked(text.value, call.lineno, id(call) in inside)


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def extracted() -> Catalog:
    """Every text that a person may see: ours, and those of click that its help and errors use."""
    catalogue = Catalog(project="recordkit", charset="utf-8")
    for path in _modules():
        for one in marked_texts(path.read_text(encoding="utf-8")):
            catalogue.add(one.text)
    for _, _, message, _, _ in extract_from_dir(str(Path(click.__file__).parent), [("**.py", "python")],
                                                keywords=CLICKS):
        catalogue.add(message)
    return catalogue


def hidden_marks() -> list[str]:
    """Marks inside f-strings, by file and line."""
    return [
        f"{path.relative_to(ROOT).as_posix()}:{one.line}: marked inside an f-string, take it out: {one.text!r}"
        for path in _modules() for one in marked_texts(path.read_text(encoding="utf-8")) if one.in_fstring
    ]


def _modules() -> list[Path]:
    return sorted((ROOT / "recordkit").rglob("*.py"))


def current() -> Catalog:
    """The catalogue in the repository."""
    if not PO.exists():
        return Catalog(locale="zh_CN", project="recordkit", charset="utf-8")
    with PO.open("rb") as handle:
        return read_po(handle, locale="zh_CN")


def update() -> None:
    """Bring the catalogue up to the program; obsolete texts are dropped, nothing is guessed."""
    catalogue = current()
    catalogue.update(extracted(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with PO.open("wb") as handle:
        # Without dates and places: a change of code must not change every line of the catalogue.
        write_po(handle, catalogue, sort_output=True, omit_header=False, no_location=True, width=100)
    text = "".join(
        line for line in PO.read_text(encoding="utf-8").splitlines(keepends=True)
        if not line.startswith(('"POT-Creation-Date', '"PO-Revision-Date', '"Generated-By'))
    )
    PO.write_text(text, encoding="utf-8")
    MO.write_bytes(compiled())


def compiled() -> bytes:
    """The binary catalogue that belongs to the .po file."""
    out = io.BytesIO()
    catalogue = current()
    # Babel fills in the minute of compiling; the same texts must give the same bytes.
    catalogue.creation_date = catalogue.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    write_mo(out, catalogue)
    return out.getvalue()


def problems() -> list[str]:
    """What is wrong with the catalogue, one line each."""
    have = current()
    found = hidden_marks()
    for message in extracted():
        if not message.id:
            continue
        entry = have.get(message.id)
        if entry is None:
            found.append(f"not in the catalogue: {message.id!r}")
        elif not all([entry.string] if isinstance(entry.string, str) else entry.string):
            found.append(f"not translated: {message.id!r}")
        elif entry.fuzzy:
            found.append(f"marked fuzzy: {message.id!r}")
        elif isinstance(entry.id, str) and isinstance(entry.string, str) and fields(entry.id) != fields(entry.string):
            found.append(f"other placeholders: {message.id!r}")
    if not MO.exists() or MO.read_bytes() != compiled():
        found.append("recordkit.mo is not compiled from recordkit.po")
    return found


def fields(text: str) -> set[str]:
    """Names of the placeholders in a text."""
    import string

    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}
    except ValueError:
        return set()


if __name__ == "__main__":
    if sys.argv[1:] == ["update"]:
        update()
    elif sys.argv[1:] != ["check"]:
        sys.exit(__doc__)
    rows = problems()
    print("\n".join(rows) or "The catalogue is complete.")
    sys.exit(1 if rows and sys.argv[1:] == ["check"] else 0)
