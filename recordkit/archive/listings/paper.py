"""A listing as a Word document: the form of its kind in ``forms/listings``, which an office may change in Word.

Each part is filled by the template engine; the filled parts become sections of one document.
"""

from __future__ import annotations

import io
import re
from datetime import date
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile

from recordkit.archive.listings.shape import Fact, Listing, Look, Part, Value, rows_of
from recordkit.errors import InputRefused
from recordkit.messages import msg
from recordkit.templates.wordpage import printable
from recordkit.workspace import Workspace

ROWS = "rows"
"""Key of the field that holds the rows; 条目 in a template."""
MOST_ROWS = 5_000
"""In one document: each takes some 3 KB of XML, and a word processor turns the pages of more no longer."""
_MAIN, _BEGIN = "word/document.xml", b"<w:body>"
_END = re.compile(rb"(<w:sectPr\b.*</w:sectPr>)\s*</w:body>\s*</w:document>\s*", re.DOTALL)


def write_paper(workspace: Workspace, listing: Listing, out: BinaryIO) -> None:
    """Write the listing as a .docx.

    Raises:
        InputRefused: it has more than ``MOST_ROWS`` rows, or the form cannot be filled.
        NotFound: the form is not there.
        StoreBusy: as ``output.write_listing``.
    """
    if listing.count > MOST_ROWS:
        raise InputRefused(
            msg("{count} rows are too many for a Word document; it takes {most}.", count=listing.count, most=MOST_ROWS),
            msg("Choose fewer records, one year or one class, or write an .xlsx."))
    from recordkit.templates.forms import LISTINGS, load_form
    from recordkit.templates.render import Letterhead, Renderer

    form = load_form(workspace.root, f"{LISTINGS}/{listing.look.kind}")
    renderer = Renderer(form.spec, form.template)
    company = workspace.settings.company
    head = Letterhead("", company.name, company.office, workspace.clock.today)
    out.write(_joined([renderer.render(_values(listing.look, part), head, None) for part in listing.parts]))


def _values(look: Look, part: Part) -> dict[str, object]:
    values: dict[str, object] = {one.key: _shown(one) for one in part.facts}
    if look.columns:
        keys = [one.key for one in look.columns]
        values[ROWS] = [dict(zip(keys, map(_text, row), strict=True)) for row in rows_of(part)]
    return values


def _shown(fact: Fact) -> object:
    """Days of a cover are printed as the form prints dates; everything else is text."""
    if isinstance(fact.value, date):
        return fact.value
    return _text(fact.value, "\n")


def _text(value: Value, gap: str = " ") -> str:
    """As text, its lines with ``gap`` between them."""
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else gap.join(printable(str(value)).splitlines())


def _joined(documents: list[bytes]) -> bytes:
    """One document with a section for each; all were filled from one template, so that styles and heads are the same.

    What tags print in head or foot of the page is that of the first. Deflated, unlike a document that is issued: rows
    are much alike.
    """
    whole = bytearray()
    for number, data in enumerate(documents, 1):
        with ZipFile(io.BytesIO(data)) as package:
            page = package.read(_MAIN)
        begin, end = page.find(_BEGIN), page.rfind(b"<w:sectPr")
        found = _END.fullmatch(page, end) if begin >= 0 and end > begin else None
        if found is None:
            raise InputRefused(msg("The template of the listing has no body of one section at its end."),
                               msg("Compare it with the shipped one: recordkit forms check"))
        whole += page[0 if number == 1 else begin + len(_BEGIN) : end]
        whole += page[end:] if number == len(documents) else b"<w:p><w:pPr>" + found[1] + b"</w:pPr></w:p>"
    made = io.BytesIO()
    with ZipFile(io.BytesIO(documents[0])) as source, ZipFile(made, "w", ZIP_DEFLATED) as target:
        for entry in source.infolist():
            target.writestr(entry, bytes(whole) if entry.filename == _MAIN else source.read(entry),
                            compress_type=ZIP_DEFLATED)
    return made.getvalue()
