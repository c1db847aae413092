"""Plain Word pages made in code, for papers of the archive itself: registers, reports, checkpoints.

Everything that comes in is written as text; what XML cannot hold is replaced. python-docx is untyped where it counts.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from math import ceil
from typing import Any


def new_page(*, landscape: bool, margins: tuple[float, float, float, float]) -> Any:
    """An empty A4 document in 宋体 10.5; margins in mm: top, right, bottom, left."""
    from docx import Document
    from docx.enum.section import WD_ORIENT
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Mm, Pt

    document: Any = Document()
    section = document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = (Mm(297), Mm(210)) if landscape else (Mm(210), Mm(297))
    section.top_margin, section.right_margin, section.bottom_margin, section.left_margin = map(Mm, margins)
    section.header_distance, section.footer_distance = Mm(8), Mm(7)
    style = document.styles["Normal"]
    style.font.name = "Times New Roman"
    style.font.size = Pt(10.5)
    style.paragraph_format.space_after = Pt(0)
    # Word takes the Chinese face from eastAsia alone.
    look = style.element.get_or_add_rPr()
    look.get_or_add_rFonts().set(qn("w:eastAsia"), "宋体")
    # Without it LibreOffice takes the reader's language and may set commas in the middle, as in Taiwan.
    for one in (look, document.styles.element.find(qn("w:docDefaults")).find(".//" + qn("w:rPr"))):
        for old in one.findall(qn("w:lang")):
            one.remove(old)
        language = OxmlElement("w:lang")
        for name, value in (("val", "en-US"), ("eastAsia", "zh-CN"), ("bidi", "ar-SA")):
            language.set(qn(f"w:{name}"), value)
        one.append(language)
    _name(document)
    return document


def _name(document: Any) -> None:
    """Core properties of our own in place of those of python-docx's sample; no time, for papers tell theirs."""
    about = document.core_properties
    about.author = about.last_modified_by = "recordkit"
    about.title = about.comments = about.keywords = ""
    about.language = "zh-CN"
    for one in list(about._element):
        if one.tag.endswith(("}created", "}modified")):
            about._element.remove(one)


def heading(document: Any, text: str) -> None:
    """A centred title; the first one is that of the file, too."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    document.core_properties.title = document.core_properties.title or printable(text)[:255]
    paragraph = document.add_paragraph()
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.space_after = Pt(6)
    if document.styles["Normal"].paragraph_format.line_spacing is not None:
        paragraph.paragraph_format.line_spacing = Pt(28)
    run = paragraph.add_run(printable(text))
    run.bold = True
    run.font.size = Pt(20)


def note(document: Any, text: str, *, bold: bool = False) -> None:
    """A paragraph with a little room around it; a bold one is the head of what follows and stays on its page."""
    from docx.shared import Pt

    paragraph = document.add_paragraph()
    paragraph.paragraph_format.keep_with_next = bold
    paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(4)
    paragraph.add_run(printable(text)).bold = bold


def page_numbers(paragraph: Any) -> None:
    """第n页　共m页, small, at the end of a paragraph."""
    from docx.shared import Pt

    for before, name in (("第", "PAGE"), ("页　共", "NUMPAGES")):
        paragraph.add_run(before).font.size = Pt(9)
        _field(paragraph.add_run(), name)
    paragraph.add_run("页").font.size = Pt(9)


def _field(run: Any, instruction: str) -> None:
    """A field that Word and LibreOffice compute, such as the page number."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Pt

    run.font.size = Pt(9)
    for kind, text in (("begin", None), (None, instruction), ("separate", None), ("text", "1"), ("end", None)):
        if kind == "text":
            run.add_text(text)
            continue
        element = OxmlElement("w:instrText" if kind is None else "w:fldChar")
        if kind is None:
            element.set(qn("xml:space"), "preserve")
            element.text = f" {text} "
        else:
            element.set(qn("w:fldCharType"), kind)
        run._r.append(element)


def table(document: Any, widths: Sequence[float]) -> Any:
    """A ruled table without rows whose columns keep their widths, in mm."""
    from docx.shared import Mm

    made = document.add_table(rows=0, cols=len(widths))
    made.style = "Table Grid"
    made.autofit = False
    for column, width in zip(made.columns, widths, strict=True):
        column.width = Mm(width)
    return made


def untorn(row: Any) -> None:
    """A row that no end of a page tears."""
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))


def fix_lines(document: Any, points: float = 14) -> None:
    """Lines of one height whatever face the reading program has, so that ``pages_of`` counts what is printed."""
    from docx.shared import Pt

    document.styles["Normal"].paragraph_format.line_spacing = Pt(points)


def pages_of(document: Any) -> int:
    """Pages that a document of ``fix_lines`` takes: its tables of untorn rows and paragraphs laid out as Word does."""
    section = document.sections[0]
    room: float = (section.page_height - section.top_margin - section.bottom_margin) / _EMU
    width = (section.page_width - section.left_margin - section.right_margin) / _EMU
    pages, filled = 1, 0.0
    together: list[float] = []
    for height, stays, head in _blocks(document, width):
        together.append(height)
        if stays:
            continue
        if filled and filled + sum(together) > room:
            pages, filled = pages + 1, head
        filled += sum(together)
        together = []
        while filled > room:
            pages, filled = pages + 1, filled - room
    return pages + int(filled + sum(together) > room)


_EMU = 12700
"""EMU of a point (ECMA-376 part 1, 20.1.2.1)."""
_CELL_SIDES, _RULE = 10.8, 0.5


def _blocks(document: Any, width: float) -> Iterator[tuple[float, bool, float]]:
    """What stands beneath each other: height in points, whether it stays with the next, the head a new page repeats."""
    from docx.oxml.ns import qn
    from docx.table import Table
    from docx.text.paragraph import Paragraph

    for block in document.iter_inner_content():
        if isinstance(block, Paragraph):
            yield _height(document, block, width), bool(block.paragraph_format.keep_with_next), 0.0
            continue
        assert isinstance(block, Table)
        widths = [(column.width or 0) / _EMU - _CELL_SIDES for column in block.columns]
        head = 0.0
        for row in block._tbl.tr_lst:
            cells = [[Paragraph(one, block) for one in cell.p_lst] for cell in row.tc_lst]
            tall = max(sum(_height(document, one, inner) for one in cell)
                       for cell, inner in zip(cells, widths, strict=True))
            tall = max(tall, (row.trHeight_val or 0) / _EMU) + _RULE
            if row.trPr is not None and row.trPr.find(qn("w:tblHeader")) is not None:
                head = tall
                yield tall, True, 0.0
            else:
                yield tall, bool(cells[0][0].paragraph_format.keep_with_next), head


def _height(document: Any, paragraph: Any, width: float) -> float:
    """In points; a Chinese character is as wide as it is high, others are half of that."""
    shape, normal = paragraph.paragraph_format, document.styles["Normal"]
    size = next((run.font.size for run in paragraph.runs if run.font.size), normal.font.size).pt
    line = (shape.line_spacing or normal.paragraph_format.line_spacing).pt
    text = paragraph.text
    places = sum(1.0 if ord(char) > 0x2000 else 0.52 for char in text) * size
    lines = max(1, ceil(places / width)) if text else 1
    return float(lines * line + sum(one.pt for one in (shape.space_before, shape.space_after) if one is not None))


def write(cell: Any, text: str, *, bold: bool = False, size: float | None = None) -> Any:
    """Put a text into a cell in place of what is there; the paragraph."""
    from docx.enum.table import WD_ALIGN_VERTICAL
    from docx.shared import Pt

    cell.vertical_alignment = WD_ALIGN_VERTICAL.CENTER
    for extra in cell.paragraphs[1:]:
        extra._p.getparent().remove(extra._p)
    paragraph = cell.paragraphs[0]
    for run in paragraph.runs:
        run._r.getparent().remove(run._r)
    run = paragraph.add_run(printable(text))
    run.bold = bold
    if size is not None:
        run.font.size = Pt(size)
    return paragraph


def facts_of(document: Any, facts: Sequence[tuple[str, str]]) -> Any:
    """A ruled table of names and values, two pairs in a row on A4 landscape, long ones alone; the table."""
    made = table(document, (30, 98.5, 30, 98.5))
    at = 0
    while at < len(facts):
        name, value = facts[at]
        following = facts[at + 1] if at + 1 < len(facts) else None
        cells = made.add_row().cells
        write(cells[0], name, bold=True)
        if following is not None and len(value) <= _HALF_ROW and len(following[1]) <= _HALF_ROW:
            write(cells[1], value)
            write(cells[2], following[0], bold=True)
            write(cells[3], following[1])
            at += 2
        else:
            write(cells[1].merge(cells[3]), value)
            at += 1
    return made


_HALF_ROW = 30
"""Characters that half a row holds on one line."""


def rows_of(document: Any, columns: Sequence[str], widths: Sequence[float], rows: Iterable[Sequence[str]],
            centred: Sequence[str] = ()) -> None:
    """A ruled table whose head stands on every page and whose rows do not break; white space in a cell is one blank."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Mm

    ruled = table(document, widths)
    for mark in ("w:tblHeader", "w:cantSplit"):
        row = ruled.add_row()
        row.height = Mm(7)
        row._tr.get_or_add_trPr().append(OxmlElement(mark))
        for cell, column in zip(row.cells, columns, strict=True):
            paragraph = write(cell, column, bold=mark == "w:tblHeader", size=9.5)
            if mark == "w:tblHeader" or column in centred:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    # Every further row is a copy of the first one: python-docx takes milliseconds for each that it makes.
    model = ruled.rows[1]._tr
    body = model.getparent()
    for line in rows:
        made = deepcopy(model)
        for node, text in zip(made.iter(qn("w:t")), line, strict=True):
            node.text = " ".join(printable(text).split())
        body.append(made)
    body.remove(model)


def picture(document: Any, png: bytes, width: float) -> None:
    """A centred picture with a little room around it, ``width`` in mm."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm, Pt

    document.add_picture(io.BytesIO(png), width=Mm(width))
    paragraph = document.paragraphs[-1]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(6)


def bytes_of(document: Any) -> bytes:
    """The document as a file."""
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def printable(text: str) -> str:
    """Without the control characters and lone surrogates that XML cannot hold."""
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "\N{REPLACEMENT CHARACTER}", text)
