"""What is printed for boxes: labels for spine and front (盒脊、盒面, DA/T 22-2015), and the list of what is inside.

Heads and titles are the standard's own words in every language.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from recordkit.archive.access import Clearance, seen_title
from recordkit.archive.boxes import BoxContent
from recordkit.archive.catalogue import Record
from recordkit.archive.listings.items import LOOK
from recordkit.archive.listings.shape import RESTRICTED, printed_date, printed_title, told_period
from recordkit.messages import Message
from recordkit.settings import Settings
from recordkit.templates.sheetwriter import MM_OF_PLACE, Cell, Sheet, workbook_bytes

COLUMNS = tuple(one.label for one in LOOK.columns)
"""Of the list in a box: those of 归档文件目录 (DA/T 22-2015), with their widths."""
_WIDTHS_MM = tuple(one.width for one in LOOK.columns)
_CENTRED = tuple(one.label for one in LOOK.columns if one.centred)
_PER_PAGE = 3


def label_lines(box: BoxContent, settings: Settings) -> list[tuple[str, str]]:
    """What a label says, name and value; item numbers with their year and period where there are several runs."""
    several = len(box.runs) > 1
    numbers = []
    for first, last in box.runs:
        mark = f"{first.year}-{first.old_term or first.period} " if several else ""
        low, high = (one.code.rpartition("-")[2] for one in (first, last))
        numbers.append(f"{mark}{low}" if low == high else f"{mark}{low}—{high}")
    return [
        ("全宗号", settings.archive.fonds),
        ("年度", "、".join(map(str, box.years))),
        ("保管期限", "、".join(map(told_period, box.periods))),
        ("机构（问题）", settings.company.office),
        ("起止件号", "\n".join(numbers)),
        ("盒号", box.box),
    ]


def labels_bytes(boxes: Iterable[BoxContent], settings: Settings) -> bytes:
    """Labels to be cut out, three boxes a page: left the one for the spine, right that for the front."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK
    from docx.shared import Mm, Pt

    from recordkit.templates import wordpage

    document = wordpage.new_page(landscape=False, margins=(12, 12, 12, 12))
    for at, box in enumerate(boxes):
        if at:
            gap = document.add_paragraph()
            gap.paragraph_format.line_spacing = Pt(12)
            if at % _PER_PAGE == 0:
                gap.add_run().add_break(WD_BREAK.PAGE)
        lines = label_lines(box, settings)
        ruled = wordpage.table(document, (18, 36, 6, 30, 96))
        title = ruled.add_row()
        title.height = Mm(13)
        _merged(title, 0, 1, "档案盒", size=12)
        _merged(title, 3, 4, settings.archive.fonds_name, size=16)
        place = [("库位", box.place.shelf)] if box.place is not None and box.place.shelf else []
        count = [("件数", str(box.records)), *place]
        for (name, value), (face, told) in zip([*lines, *count], [*lines, *count], strict=True):
            row = ruled.add_row()
            row.height = Mm(9)
            large = 16.0 if name == "盒号" else 9.0
            for cell, text, size in ((0, name, 8.0), (1, value, large), (3, face, 11.0),
                                     (4, told, 20.0 if name == "盒号" else 12.0)):
                paragraph = wordpage.write(row.cells[cell], text, bold=text != "" and cell in (1, 4) and name == "盒号",
                                           size=size)
                paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        for row in ruled.rows:
            _open(row.cells[2])
            _together(row)
    return wordpage.bytes_of(document)


def _merged(row: Any, first: int, last: int, text: str, *, size: float) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    from recordkit.templates import wordpage

    cell = row.cells[first].merge(row.cells[last])
    wordpage.write(cell, text, bold=True, size=size).alignment = WD_ALIGN_PARAGRAPH.CENTER


def _open(cell: Any) -> None:
    """Without lines above and below: the gap between the two labels."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    borders = OxmlElement("w:tcBorders")
    for side in ("top", "bottom"):
        line = OxmlElement(f"w:{side}")
        line.set(qn("w:val"), "nil")
        borders.append(line)
    cell._tc.get_or_add_tcPr().append(borders)


def _together(row: Any) -> None:
    """A label is not torn by the end of a page."""
    for cell in row.cells:
        for paragraph in cell.paragraphs:
            paragraph.paragraph_format.keep_with_next = True


def contents_bytes(
    box: BoxContent, records: Iterable[Record], settings: Settings, clearance: Clearance, kind: Literal["docx", "xlsx"]
) -> bytes:
    """The list that lies in the box (盒内清单), A4 across."""
    about = _about(box, settings)
    rows = (_row(at, one, clearance) for at, one in enumerate(records, 1))
    if kind == "xlsx":
        def lines() -> Iterator[Sequence[Cell]]:
            yield ["盒内清单"]
            yield [about]
            yield list(COLUMNS)
            yield from rows

        return workbook_bytes([Sheet("盒内清单", lines(), [one / MM_OF_PLACE for one in _WIDTHS_MM],
                                     head=3, title=True, centred=[COLUMNS.index(one) + 1 for one in _CENTRED])])
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    from recordkit.templates import wordpage

    document = wordpage.new_page(landscape=True, margins=(15, 18, 15, 18))
    wordpage.heading(document, "盒内清单")
    wordpage.note(document, about)
    wordpage.rows_of(document, COLUMNS, _WIDTHS_MM, ([_printed(cell) for cell in row] for row in rows), _CENTRED)
    foot = document.sections[0].footer.paragraphs[0]
    foot.alignment = WD_ALIGN_PARAGRAPH.CENTER
    wordpage.page_numbers(foot)
    return wordpage.bytes_of(document)


def _about(box: BoxContent, settings: Settings) -> str:
    shelf = box.place.shelf if box.place is not None else None
    parts = [f"全宗号：{settings.archive.fonds}", f"盒号：{box.box}", *([f"库位：{shelf}"] if shelf else []),
             f"件数：{box.records}", f"页数：{box.pages}"]
    return "　".join(parts)


def _row(at: int, record: Record, clearance: Clearance) -> list[Cell]:
    title = seen_title(record, clearance)
    if isinstance(title, Message):
        return [at, record.code, None, None, RESTRICTED, None, None, record.pages, None]
    about = record.metadata

    def told(key: str) -> str | None:
        return str(about[key]) if about.get(key) else None

    return [at, record.code, record.number, told("responsible"), printed_title(record, clearance),
            printed_date(record), told("security"), record.pages, told("note")]


def _printed(cell: Cell) -> str:
    return "" if cell is None else str(cell)
