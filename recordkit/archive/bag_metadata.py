"""What a bag says of one record, checked value by value: whoever wrote it is not trusted. Only reads."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from recordkit.archive.bag_reading import ReadBag, printable_name
from recordkit.archive.bagging import LIST_NAME
from recordkit.archive.editing import fixed_key
from recordkit.archive.metadata import BY_KEY, core_key, read_value
from recordkit.errors import InputRefused
from recordkit.messages import Message, msg
from recordkit.model import PageText
from recordkit.settings import Settings

MOST_OF_METADATA = 4 << 20
MOST_OF_TEXT = 64 << 20
MOST_OF_LIST = 512 << 20
"""Bytes of a record.json, of a text.json and of a transfer list."""
LONGEST_VALUE = 20_000
MOST_VALUES = 5_000
DEEPEST = 4
MOST_PAGES = 100_000
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_ATTACHMENT = re.compile(r"attachment-[0-9]{3}\.pdf")
_ORIGINAL = re.compile(r"original\.[^./]+")
_KINDS = ("pdf", "json", "txt", "docx")
"""What an original may be: papers, and what recordkit files of itself. Nothing that a viewer would start."""
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Characters that steer a terminal; line feeds and tabs do not."""
_TURNS = (0, 90, 180, 270)
_OWN = ("title", "date", "number")
"""Core values that a record has outside of ``extra``."""
_THERE = ("box", "shelf")
"""Core values that tell of the other archive's rooms, and belong to the record's origin."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A record of a bag.

    Attributes:
        folder: its name below ``data``; ``original`` the path of its paper below the bag.
        code, record_class, access: those that it had; ``target`` the class it gets here.
        extra: core metadata and what else record.json keeps beside ``fields``.
        attachments: files that came with the paper, with what is said of them; ``page_runs`` pages of the paper's own
            file that are attachments.
        pages: as the bag says; the paper itself decides.
    """

    folder: str
    original: str
    code: str
    record_class: str
    access: str
    title: str
    on: date
    pages: int
    number: str | None
    form: str | None
    source: str
    fields: Mapping[str, object]
    extra: Mapping[str, object]
    attachments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    page_runs: tuple[Mapping[str, object], ...] = ()
    target: str = ""


def read_incoming(settings: Settings, bag: ReadBag, folder: str) -> Incoming:
    """The record in one folder of a bag.

    Raises:
        InputRefused: its record.json is wrong, or its files are not those of one record.
    """
    place = f"data/{folder}/record.json"
    plain = _read_json(bag, place, MOST_OF_METADATA)
    if not isinstance(plain, dict):
        raise _wrong(place, "", msg("it is no object"))
    originals = [f"data/{folder}/{name}" for name in bag.records[folder] if _ORIGINAL.fullmatch(name)]
    if len(originals) != 1:
        raise _wrong(place, "", msg("its folder holds {count} originals, not one", count=len(originals)))
    kind = originals[0].rpartition(".")[2]
    if kind not in _KINDS:
        raise _wrong(place, "", msg("its original is a file of the kind {kind}", kind=printable_name(kind)))
    core: dict[str, object] = {}
    for key, spec in BY_KEY.items():
        if plain.get(key) is None and key not in ("title", "date"):
            continue
        try:
            core[key] = read_value(spec, plain.get(key))
        except InputRefused as refusal:
            raise _wrong(place, key, refusal.what, whole=True) from None
        _text(place, key, None if core[key] is None else str(core[key]))
    fields = plain.get("fields") or {}
    if not isinstance(fields, dict) or any(not _KEY.fullmatch(key) for key in fields):
        raise _wrong(place, "fields", msg("it is no object of fields"))
    _require_plain(place, "fields", fields, [0], 1)
    if not plain.get("form"):
        # Only a form may call a field of its own so; else a second title or box would stand beside the true one. What
        # a form of another archive called so is kept, for it was written; ``history.values_of`` lets the core win.
        fields = {key: value for key, value in fields.items() if core_key(key) is None and fixed_key(key) is None}
    attachments, runs = _attachments(bag, folder, place, plain.get("attachments"))
    extra: dict[str, object] = {key: value for key, value in core.items() if key not in (*_OWN, *_THERE)}
    extra |= {key: found for key in ("form_name", "period_term") if (found := _text(place, key, plain.get(key)))}
    for key in ("meters", "labels"):
        if plain.get(key):
            extra[key] = _texts(place, key, plain[key])
    if plain.get("page_order"):
        extra["page_order"] = _pages(place, "page_order", plain["page_order"])
    extra["origin"] = _origin(bag, place, {**plain, **{key: core.get(key) for key in _THERE}})
    pages = plain.get("pages")
    if type(pages) is not int or not 0 <= pages <= MOST_PAGES:
        raise _wrong(place, "pages", msg("it is no number of pages"))
    return Incoming(
        folder=folder, original=originals[0], code=_text(place, "code", plain.get("code")) or folder,
        record_class=_text(place, "record_class", plain.get("record_class")) or "",
        access=_text(place, "access", plain.get("access")) or "", title=str(core["title"]),
        on=date.fromisoformat(str(core["date"])), pages=pages,
        number=None if core.get("number") is None else str(core["number"]),
        form=_text(place, "form", plain.get("form")), source=_text(place, "source", plain.get("source")) or folder,
        fields=fields, extra=extra, attachments=attachments, page_runs=runs,
    )


def in_order_of_list(bag: ReadBag) -> list[str]:
    """The folders of the records in the order of the bag's transfer list; those that it does not name come last.

    Raises:
        InputRefused: the list is wrong.
    """
    place = f"data/{LIST_NAME}.json"
    folders = dict.fromkeys(bag.records)
    if place not in bag.sizes:
        return list(folders)
    plain = _read_json(bag, place, MOST_OF_LIST)
    items = plain.get("items") if isinstance(plain, dict) else None
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise _wrong(place, "items", msg("it is no list of records"))
    named = [one.get("record_id") for one in items]
    return list({**{one: None for one in named if isinstance(one, str) and one in folders}, **folders})


def read_pages(bag: ReadBag, one: Incoming, name: str, wanted: int | None) -> tuple[PageText, ...] | None:
    """The text of the pages of a paper, as the bag has it; None where it has none.

    ``wanted``: how many pages the paper has, None where only the bag can tell.

    Raises:
        InputRefused: it is wrong, or is that of another number of pages.
    """
    place = f"data/{one.folder}/{name}"
    if place not in bag.sizes:
        return None
    plain = _read_json(bag, place, MOST_OF_TEXT)
    pages = plain.get("pages") if isinstance(plain, dict) else None
    if not isinstance(pages, list) or len(pages) > MOST_PAGES:
        raise _wrong(place, "pages", msg("it is no list of pages"))
    if wanted is not None and len(pages) != wanted:
        raise _wrong(place, "pages", msg("it has the text of {count} pages, the paper has {pages}", count=len(pages),
                                         pages=wanted))
    return tuple(_page(place, page, number) for number, page in enumerate(pages, 1))


def _page(place: str, page: object, number: int) -> PageText:
    said: Mapping[str, Any] = page if isinstance(page, dict) else {}
    confidence, turned = said.get("confidence"), said.get("turned", 0)
    sound = (
        said.get("page") == number and isinstance(said.get("text"), str) and isinstance(said.get("engine"), str)
        and said.get("source") in ("embedded", "ocr", "none") and turned in _TURNS
        and (confidence is None or type(confidence) in (int, float) and 0 <= confidence <= 1)
    )
    if not sound:
        raise _wrong(place, f"pages[{number}]", msg("it is no page as text.json has them"))
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", said["text"])
    engine = _CONTROL.sub("", said["engine"])[:100]
    return PageText(number, text, said["source"], engine, confidence, turned,
                    said.get("blank") is True)


def _read_json(bag: ReadBag, place: str, most: int) -> object:
    """A JSON file of the bag that can be stored again: no lone surrogates, no NaN, not too deep.

    Raises:
        InputRefused: it is none.
    """
    if bag.sizes[place] > most:
        raise _wrong(place, "", msg("it is larger than {bytes} bytes", bytes=most))
    try:
        plain: object = json.loads((bag.folder / place).read_bytes(), parse_constant=_no_constant)
        json.dumps(plain, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError, OSError):
        raise _wrong(place, "", msg("it is no JSON in UTF-8")) from None
    return plain


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _wrong(place: str, key: str, why: Message, *, whole: bool = False) -> InputRefused:
    """The refusal; ``whole``: the reason is a sentence with its full stop already."""
    todo = msg("Nothing of it was taken over; ask the sender for a sound one.")
    if key and whole:
        return InputRefused(msg("The bag is refused: {key} in {file}: {why}", key=key, file=printable_name(place),
                                why=why), todo)
    if key:
        return InputRefused(msg("The bag is refused: {key} in {file}: {why}.", key=key, file=printable_name(place),
                                why=why), todo)
    return InputRefused(msg("The bag is refused: {file}: {why}.", file=printable_name(place), why=why), todo)


def _text(place: str, key: str, value: object, longest: int = 500) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > longest:
        raise _wrong(place, key, msg("it is no short text"))
    if _CONTROL.search(value):
        raise _wrong(place, key, msg("it holds control characters"))
    return value


def _texts(place: str, key: str, value: object) -> object:
    """A list of short texts, or an object of them by field key."""
    if isinstance(value, list) and key == "meters" and len(value) <= MOST_VALUES:
        return [_text(place, key, one) or "" for one in value]
    if isinstance(value, dict) and key == "labels" and len(value) <= MOST_VALUES:
        told = {name: _text(place, key, one) or "" for name, one in value.items() if _KEY.fullmatch(name)}
        # A label that is the name of something else would lead a later correction to the wrong field.
        return {name: label for name, label in told.items()
                if fixed_key(label) is None and core_key(label) in (None, name)}
    raise _wrong(place, key, msg("it is no list of texts"))


def _pages(place: str, key: str, value: object) -> list[int]:
    if not isinstance(value, list) or len(value) > MOST_PAGES or any(
            type(one) is not int or not 1 <= one <= MOST_PAGES for one in value):
        raise _wrong(place, key, msg("it is no list of pages"))
    return list(value)


def _require_plain(place: str, key: str, value: object, seen: list[int], depth: int) -> None:
    """Stop unless a value of a form is text, a whole number, true or false, or lists and objects of these."""
    seen[0] += 1
    if seen[0] > MOST_VALUES or depth > DEEPEST + 1:
        raise _wrong(place, key, msg("it holds too much"))
    if isinstance(value, dict):
        for name, one in value.items():
            _text(place, key, name, 100)
            _require_plain(place, key, one, seen, depth + 1)
    elif isinstance(value, list):
        for one in value:
            _require_plain(place, key, one, seen, depth + 1)
    elif isinstance(value, str):
        if len(value) > LONGEST_VALUE:
            raise _wrong(place, key, msg("it holds too much"))
        if _CONTROL.search(value):
            raise _wrong(place, key, msg("it holds control characters"))
    elif value is not None and not (isinstance(value, int) and abs(value) <= 1 << 53):
        raise _wrong(place, key, msg("it holds a value that no form has"))


def _attachments(
    bag: ReadBag, folder: str, place: str, value: object
) -> tuple[dict[str, dict[str, str]], tuple[dict[str, object], ...]]:
    files: dict[str, dict[str, str]] = {}
    runs: list[dict[str, object]] = []
    for one in value if isinstance(value, list) else ():
        if not isinstance(one, dict):
            raise _wrong(place, "attachments", msg("it is no list of attachments"))
        name = one.get("name")
        if name is None:
            runs.append({"pages": _pages(place, "attachments", one.get("pages"))})
            continue
        if not isinstance(name, str) or not _ATTACHMENT.fullmatch(name) or name in files \
                or f"data/{folder}/{name}" not in bag.sizes:
            raise _wrong(place, "attachments", msg("it names a file that is not there"))
        said = {key: _text(place, "attachments", one.get(key)) for key in ("item", "source")}
        files[name] = {key: text for key, text in said.items() if text is not None}
    return files, tuple(runs)


def _origin(bag: ReadBag, place: str, plain: Mapping[str, object]) -> dict[str, object]:
    """Where the record comes from, and where it had come from before."""
    def told(of: Mapping[str, object], depth: int) -> dict[str, object]:
        found: dict[str, object] = {key: _text(place, "origin", of.get(key)) for key in
                                    ("store", "fonds", "code", "record_id", "filed_at")}
        found |= {key: _text(place, "origin", of[key]) for key in _THERE if of.get(key)}
        before = of.get("before")
        if isinstance(before, Mapping) and depth < DEEPEST:
            found["before"] = told(before, depth + 1)
        return found

    here = {"store": bag.info.get("Recordkit-Store", "")[:100], "fonds": bag.info.get("Recordkit-Fonds", "")[:100],
            **{key: plain.get(key) for key in ("code", "record_id", "filed_at", *_THERE)}}
    return told({**here, "before": plain.get("origin")}, 0)
