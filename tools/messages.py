"""Keeps the Chinese catalogue complete: extract, update, compile, check.

``python tools/messages.py update`` brings the texts of the program and of click into recordkit.po and compiles it;
``python tools/messages.py check`` exits with 1 when a text is missing, untranslated, fuzzy or not compiled.
"""

from __future__ import annotations

import io
import sys
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
OURS = {"msg": None, "N_": None, "tr": None}
CLICKS = {"_": None, "ngettext": (1, 2)}


def extracted() -> Catalog:
    """Every text that a person may see: ours, and those of click that its help and errors use."""
    catalogue = Catalog(project="recordkit", charset="utf-8")
    for folder, keywords in ((ROOT / "recordkit", OURS), (Path(click.__file__).parent, CLICKS)):
        for _, _, message, _, _ in extract_from_dir(str(folder), [("**.py", "python")], keywords=keywords):
            catalogue.add(message)
    return catalogue


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
    found = []
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
