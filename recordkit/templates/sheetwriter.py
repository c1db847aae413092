"""Spreadsheets that are printed as they come: lists of any length, written row by row, nothing that can be computed.

Texts are texts whatever they begin with, dates are dates, A4, heads on every page.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from recordkit.templates.textcells import SIGNS
from recordkit.templates.wordpage import printable

LONGEST_CELL = 32_767
"""Characters that a spreadsheet cell keeps."""
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
        header: text at the right of every page's head.
        pictures: cell of the upper left corner, PNG, width and height in mm.
    """

    name: str
    rows: Iterable[Sequence[Cell]]
    widths: Sequence[float]
    head: int = 0
    centred: Sequence[int] = ()
    landscape: bool = True
    header: str = ""
    pictures: Sequence[tuple[str, bytes, float, float]] = ()


def workbook_bytes(sheets: Sequence[Sheet]) -> bytes:
    """An .xlsx; memory does not grow with the rows, but for the file itself."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    for sheet in sheets:
        _write(book, sheet)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _write(book: Any, plan: Sheet) -> None:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Border, Font, Side
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.header_footer import HeaderFooterItem, _HeaderFooterPart
    from openpyxl.worksheet.properties import PageSetupProperties

    sheet = book.create_sheet("".join(" " if char in "[]:*?/\\" else char for char in plan.name)[:31])
    for at, width in enumerate(plan.widths, 1):
        sheet.column_dimensions[get_column_letter(at)].width = width
    sheet.page_setup.orientation = "landscape" if plan.landscape else "portrait"
    sheet.page_setup.paperSize = 9  # A4 (ECMA-376 part 1, 18.3.1.63)
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.oddFooter = HeaderFooterItem(center=_HeaderFooterPart(text="第&P页 共&N页"))
    if plan.header:
        sheet.oddHeader = HeaderFooterItem(right=_HeaderFooterPart(text=plan.header.replace("&", "&&")))
    for anchor, png, width_mm, height_mm in plan.pictures:
        from openpyxl.drawing.image import Image

        image = Image(io.BytesIO(png))
        image.width, image.height = (round(one / 25.4 * 96) for one in (width_mm, height_mm))
        sheet.add_image(image, anchor)
    if plan.head:
        sheet.freeze_panes = f"A{plan.head + 1}"
        sheet.print_title_rows = f"{plan.head}:{plan.head}"
    thin = Side(style="thin")
    frame = Border(thin, thin, thin, thin)
    # The sheet writes each row at once, so that a few cells with their styles serve all: making them takes longest.
    made: dict[tuple[int, str, str], Any] = {}

    def cell_of(at: int, kind: str, part: str) -> Any:
        cell = made.get((at, kind, part))
        if cell is None:
            cell = made[at, kind, part] = WriteOnlyCell(sheet)
            cell.alignment = Alignment(
                vertical="center", wrap_text=part == "list" and kind in ("text", "sign") or part == "head",
                horizontal="center" if part == "head" or part == "list" and at in plan.centred
                else "left" if kind == "day" else None)
            cell.quotePrefix = kind == "sign"
            if kind in ("text", "sign"):
                cell.number_format = "@"
            elif kind == "day":
                cell.number_format = "yyyy-mm-dd"
            if part in ("head", "list"):
                cell.border = frame
            if part in ("head", "title"):
                cell.font = Font(bold=True, size=16 if part == "title" else 11)
        return cell

    for number, row in enumerate(plan.rows, 1):
        part = ("title" if plan.head and number == 1 and plan.head > 1
                else "above" if number < plan.head or not plan.head else "head" if number == plan.head else "list")
        cells = []
        for at, value in enumerate(row, 1):
            if isinstance(value, str):
                cell = cell_of(at, "sign" if value.startswith(SIGNS) else "text", part)
                cell.value = printable(value)[:LONGEST_CELL]
                cell.data_type = "s"  # else a title that begins with = would be computed
            else:
                cell = cell_of(at, "day" if isinstance(value, date) else "number", part)
                cell.value = value
            cells.append(cell)
        sheet.append(cells)
