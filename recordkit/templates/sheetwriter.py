"""Spreadsheets that are printed as they come: lists of any length, written row by row, nothing that can be computed.

Texts are texts whatever they begin with, dates are dates, A4, heads on every page.
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from itertools import product
from math import ceil
from pathlib import Path
from typing import Any, BinaryIO
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from recordkit import files
from recordkit.templates.textcells import SIGNS
from recordkit.templates.wordpage import printable

LONGEST_CELL = 32_767
"""Characters that a spreadsheet cell keeps."""
MM_OF_PLACE = 1.9
"""Width of a character of a spreadsheet's columns."""
Cell = str | int | float | date | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet.

    Attributes:
        name: on its tab; ``rows`` all rows, those above the list included.
        widths: of the columns, in characters.
        head: which row, from 1, holds the names of the columns; 0 for a sheet that is no list.
        centred: 1-based columns that are centred.
        landscape: how the page lies.
        title: the first row is a title over all columns.
        ruled: a cover of three columns, not a list: its cells have borders and room for handwriting, and a row whose
            third cell is None has its second one over both. Its rows are gone through twice.
        framed: tables of several shapes beneath each other: rows of several cells have borders, and the last cell of
            a row goes on to the last column. Its rows are gone through twice.
        repeat: first of the rows that stand on every page, down to ``head``; 0 for the head alone.
        header: text at the right of every page's head.
        locked: 1-based columns of the list that look as if they could not be changed.
        typed: whatever is typed below the rows, or into empty cells, stays as it was typed.
        pictures: cell of the upper left corner, PNG, width and height in mm.
    """

    name: str
    rows: Iterable[Sequence[Cell]]
    widths: Sequence[float]
    head: int = 0
    centred: Sequence[int] = ()
    landscape: bool = True
    header: str = ""
    title: bool = False
    ruled: bool = False
    framed: bool = False
    repeat: int = 0
    locked: Collection[int] = ()
    typed: bool = False
    pictures: Sequence[tuple[str, bytes, float, float]] = ()

    def wraps(self, part: str) -> bool:
        """Whether cells of this part of the sheet are broken into lines."""
        return part in ("list", "head") or part == "above" and (self.ruled or self.framed)


def workbook_bytes(sheets: Sequence[Sheet], *, subject: str = "") -> bytes:
    """An .xlsx; memory does not grow with the rows, but for the file itself."""
    out = io.BytesIO()
    write_workbook(out, sheets, subject=subject)
    return out.getvalue()


def write_workbook(out: BinaryIO, sheets: Sequence[Sheet], *, subject: str = "") -> None:
    """An .xlsx written to a file that is open; memory does not grow with the rows.

    openpyxl makes the package with empty sheets; the rows go straight into it: cell by cell through openpyxl they take
    five times as long, by way of a temporary file that holds titles. What ``rows`` raises goes on.
    """
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    book.properties.subject = subject or None
    styles = [_lay_out(book, sheet, alone=len(sheets) == 1) for sheet in sheets]
    with ZipFile(_package(book)) as source, ZipFile(out, "w", ZIP_DEFLATED, compresslevel=4) as target:
        for entry in source.infolist():
            data = source.read(entry)
            number = re.fullmatch(r"xl/worksheets/sheet(\d+)\.xml", entry.filename)
            with target.open(entry.filename, "w", force_zip64=True) as part:
                if number is None:
                    part.write(data)
                    continue
                at = int(number[1]) - 1
                before, after = _EMPTY.split(data)
                part.write(before + b"<sheetData>")
                for block in _blocks(sheets[at], styles[at]):
                    part.write(block)
                part.write(b"</sheetData>" + after)


def saved(book: Any) -> bytes:
    """A small workbook of openpyxl's own as bytes, without its temporary files."""
    return _package(book).getvalue()


@contextmanager
def streaming() -> Iterator[Any]:
    """A write-only workbook of openpyxl, whose rows lie in temporary files until it is saved; none is left behind.

    It removes them itself only when all goes well or the process ends as others do, and ours ends at once.
    """
    from openpyxl import Workbook
    from openpyxl.worksheet import _writer

    known = len(_writer.ALL_TEMP_FILES)
    book: Any = Workbook(write_only=True)
    try:
        yield book
    finally:
        for sheet in book.worksheets:
            with suppress(Exception):  # what is in it is thrown away; only its file has to be let go
                if not sheet.closed:
                    sheet.close()
        for path in _writer.ALL_TEMP_FILES[known:]:
            files.remove_file(Path(path))
        del _writer.ALL_TEMP_FILES[known:]


def _package(book: Any) -> io.BytesIO:
    """A workbook as openpyxl saves it, a write-only one without rows, and without a temporary file for each sheet.

    On a full disk they end in an error that nobody understands, and killed, it leaves them behind.
    """
    from openpyxl.drawing.spreadsheet_drawing import SpreadsheetDrawing
    from openpyxl.worksheet._writer import WorksheetWriter
    from openpyxl.writer.excel import ExcelWriter

    class InMemory(ExcelWriter):
        _archive: Any
        manifest: Any

        def write_worksheet(self, sheet: Any) -> None:
            page = io.BytesIO()
            sheet._drawing = SpreadsheetDrawing()
            sheet._drawing.charts, sheet._drawing.images = sheet._charts, sheet._images
            writer: Any = WorksheetWriter(sheet, page)
            sheet._writer = writer
            if book.write_only:
                writer.write_top()
                sheet.close()
            else:
                writer.write()
            sheet._rels = writer._rels
            self._archive.writestr(sheet.path[1:], page.getvalue())
            self.manifest.append(sheet)

    package = io.BytesIO()
    with ZipFile(package, "w", ZIP_DEFLATED) as archive:
        InMemory(book, archive).save()
    return package


_EMPTY = re.compile(rb"<sheetData ?/>|<sheetData></sheetData>")
_STYLE_KINDS = ("text", "sign", "day", "number")
_Style = Mapping[tuple[str, str, bool, bool], int]
"""Number of a cell's look by part of the sheet, kind of value, and whether its column is centred or locked."""


def _lay_out(book: Any, plan: Sheet, *, alone: bool) -> _Style:
    """An empty sheet with everything but its rows, and the looks of its cells."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.header_footer import HeaderFooterItem, _HeaderFooterPart
    from openpyxl.worksheet.properties import PageSetupProperties

    sheet = book.create_sheet("".join(" " if char in "[]:*?/\\" else char for char in plan.name)[:31])
    for at, width in enumerate(plan.widths, 1):
        sheet.column_dimensions[get_column_letter(at)].width = width
        if plan.typed:
            sheet.column_dimensions[get_column_letter(at)].number_format = "@"
    sheet.page_setup.orientation = "landscape" if plan.landscape else "portrait"
    sheet.page_setup.paperSize = 9  # A4 (ECMA-376 part 1, 18.3.1.63)
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_options.horizontalCentered = True
    # &N counts all sheets that are printed together: of several, each begins with 第1页 and tells no sum; covers none.
    if not plan.ruled:
        sheet.oddFooter = HeaderFooterItem(center=_HeaderFooterPart(text="第&P页 共&N页" if alone else "第&P页"))
        if not alone:
            sheet.page_setup.firstPageNumber, sheet.page_setup.useFirstPageNumber = 1, True
    if plan.header:
        sheet.oddHeader = HeaderFooterItem(right=_HeaderFooterPart(text=plan.header.replace("&", "&&")))
    for anchor, png, width_mm, height_mm in plan.pictures:
        from openpyxl.drawing.image import Image

        image = Image(io.BytesIO(png))
        image.width, image.height = (round(one / 25.4 * 96) for one in (width_mm, height_mm))
        sheet.add_image(image, anchor)
    if plan.head:
        sheet.freeze_panes = f"A{plan.head + 1}"
        sheet.print_title_rows = f"{plan.repeat or plan.head}:{plan.head}"
    for number in range(1, (plan.head or 2) if plan.title else 1):
        sheet.merged_cells.add(f"A{number}:{get_column_letter(len(plan.widths))}{number}")
    if plan.framed:
        for number, row in enumerate(plan.rows, 1):
            if number > 1 and 0 < len(row) < len(plan.widths):
                sheet.merged_cells.add(f"{get_column_letter(len(row))}{number}:"
                                       f"{get_column_letter(len(plan.widths))}{number}")
    if plan.ruled:
        for number, row in enumerate(plan.rows, 1):
            if len(row) == 3 and row[2] is None:
                sheet.merged_cells.add(f"B{number}:C{number}")
    thin = Side(style="thin")
    frame = Border(thin, thin, thin, thin)
    grey = PatternFill("solid", fgColor="E4E4E4")
    made: dict[tuple[str, str, bool, bool], int] = {}
    for part, kind, centred, locked in product(("title", "above", "head", "list"), _STYLE_KINDS, (False, True),
                                               (False, True)):
        cell = WriteOnlyCell(sheet)
        cell.alignment = Alignment(
            vertical="center",
            wrap_text=plan.wraps(part) and (part == "head" or kind in ("text", "sign")),
            horizontal="center" if part == "head" or part == "list" and centred or part == "title" and plan.title
            else "left" if kind == "day" or plan.ruled else None)
        cell.quotePrefix = kind == "sign"
        if kind in ("text", "sign"):
            cell.number_format = "@"
        elif kind == "day":
            cell.number_format = "yyyy-mm-dd"
        if part in ("head", "list") or part == "above" and plan.ruled:
            cell.border = frame
        size = 16 if part == "title" else 12 if plan.ruled else 10
        cell.font = Font(name="宋体", bold=part in ("head", "title"), size=size)
        if locked and part == "list":
            cell.fill = grey
        made[part, kind, centred, locked] = cell.style_id
    return made


def _blocks(plan: Sheet, styles: _Style) -> Iterator[bytes]:
    """The rows as XML, some hundred at a time."""
    from openpyxl.utils import get_column_letter

    some: list[str] = []
    letters = [get_column_letter(at) for at in range(1, max(len(plan.widths), 1) + 1)]
    for number, row in enumerate(plan.rows, 1):
        part = ("title" if number == 1 and (plan.head > 1 or plan.title)
                else "above" if number < plan.head or not plan.head else "head" if number == plan.head else "list")
        height = _height(plan, part, row)
        if plan.framed and part == "above" and len(row) > 1:
            part, row = "list", [*row, *[None] * (len(plan.widths) - len(row))]
        while len(letters) < len(row):
            letters.append(get_column_letter(len(letters) + 1))
        some.append(f'<row r="{number}"{height}>')
        for at, (letter, value) in enumerate(zip(letters, row, strict=False), 1):
            look = at in plan.centred, at in plan.locked
            if isinstance(value, str):
                kind = "sign" if value.startswith(SIGNS) else "text"
                some.append(f'<c r="{letter}{number}" s="{styles[part, kind, *look]}" t="inlineStr"><is>'
                            f'<t xml:space="preserve">{_escaped(value)}</t></is></c>')
            elif isinstance(value, date):
                days = (date(value.year, value.month, value.day) - _ZERO).days
                some.append(f'<c r="{letter}{number}" s="{styles[part, "day", *look]}"><v>{days}</v></c>'
                            if days > _FIRST_DAY else
                            f'<c r="{letter}{number}" s="{styles[part, "text", *look]}" t="inlineStr"><is>'
                            f'<t>{value.isoformat()}</t></is></c>')
            elif value is None:
                some.append(f'<c r="{letter}{number}" s="{styles[part, "text", *look]}"/>')
            else:
                some.append(f'<c r="{letter}{number}" s="{styles[part, "number", *look]}"><v>{value}</v></c>')
        some.append("</row>")
        if len(some) > _BLOCK:
            yield "".join(some).encode()
            some.clear()
    yield "".join(some).encode()


_BLOCK = 5000
_LINE, _LIST_ROW = 13, 18
_COVER_LINE, _COVER_ROW = 16, 34
"""Heights in points: of a line in 10 or 12 points, and at least of a row."""
_ZERO = date(1899, 12, 30)
_FIRST_DAY = 60
"""Day 60 is 1900-02-29, which never was: days before 1900-03-01 are written as text."""


def _height(plan: Sheet, part: str, row: Sequence[Cell]) -> str:
    """Room for every line of the longest cell: not every program finds it by itself, and what is cut is lost.

    A cover has room for handwriting. What is not broken into lines keeps the program's own height.
    """
    if part == "title" and plan.title:
        return ' ht="30" customHeight="1"'
    if not plan.wraps(part):
        return ""
    widths = list(plan.widths)
    if plan.ruled and len(row) == 3 and row[2] is None:
        widths[1] += widths[2]
    elif plan.framed and row:
        widths[len(row) - 1 :] = [sum(widths[len(row) - 1 :])]
    lines = 1
    for width, value in zip(widths, row, strict=False):
        # A Chinese character takes two places: most cells fit even if all of theirs are.
        if isinstance(value, str) and 2 * len(value) > width - 2:
            lines = max(lines, sum(_lines(line, width) for line in value.split("\n")))
    least, line = (_COVER_ROW, _COVER_LINE) if plan.ruled else (_LIST_ROW, _LINE)
    return f' ht="{max(least, line * lines + 5)}" customHeight="1"'


def _lines(text: str, width: float) -> int:
    """Lines that a text takes; each may lose a place at its end."""
    places = len(text) + sum(not char.isascii() for char in text)
    return max(1, ceil(places / max(width - 2, 1)))


def _escaped(text: str) -> str:
    """As XML; ``_x0041_`` would be read as an A (ECMA-376 part 1, 22.9.2.19)."""
    text = escape(printable(text)[:LONGEST_CELL], {"\r": "&#13;"})
    return _CODED.sub("_x005F_", text) if "_x" in text else text


_CODED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
