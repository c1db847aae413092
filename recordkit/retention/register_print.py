"""The destruction register on paper: cover with signatures first, then the rows; as a Word document or a spreadsheet.

A4 landscape. What is to be signed by hand carries its code on every page (Word) or on the first one (spreadsheet).
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recordkit.retention.register import COLUMNS, Block, Register
from recordkit.templates import wordpage
from recordkit.templates.sheetwriter import saved
from recordkit.templates.textcells import put_text

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_WIDTHS: Mapping[str, float] = {
    "序号": 12, "题名": 74, "所属年度": 18, "档号": 52, "应保管期限": 22, "已保管期限": 22, "页数": 12, "备注": 45,
}  # fmt: skip
"""Of the columns, in mm; 257 together, what A4 landscape leaves between margins of 20."""
_PLEDGE = {
    "approve": "批准人、监销人签字前请逐件核对清册所列档案；签字即表示同意按本清册及以上摘要办理。",
    "complete": "监销人销毁后签字：以上所列档案已按本清册监督销毁，结果如备注所示。",
}


def register_docx(register: Register) -> bytes:
    """The register as a Word document."""
    above, below = (34, 24) if register.code is not None else (18, 18)
    document = wordpage.new_page(landscape=True, margins=(above, 20, below, 20))
    _margins(document.sections[0], register)
    wordpage.heading(document, register.title)
    _cover_table(document, register)
    _signature_table(document, register)
    document.add_page_break()
    rows = [[row[column] for column in COLUMNS] for row in register.rows]
    centred = [column for column in COLUMNS if column not in ("题名", "档号", "备注")]
    wordpage.rows_of(document, COLUMNS, tuple(_WIDTHS.values()), rows, centred)
    return wordpage.bytes_of(document)


def _margins(section: Any, register: Register) -> None:
    """Order, codes and page numbers at head and foot of every page."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
    from docx.shared import Mm, Pt

    from recordkit.templates.code import draw_code128, draw_qr
    from recordkit.templates.registercode import CODE128_MM, QR_MM

    header, footer = section.header.paragraphs[0], section.footer.paragraphs[0]
    # The styles of head and foot bring tab stops of their own, for pages that stand upright.
    header.style = footer.style = "Normal"
    header.paragraph_format.tab_stops.add_tab_stop(Mm(257), WD_TAB_ALIGNMENT.RIGHT)
    header.add_run(f"{register.title}　{register.order}").font.size = Pt(9)
    footer.paragraph_format.tab_stops.add_tab_stop(Mm(257), WD_TAB_ALIGNMENT.RIGHT)
    if register.code is not None:
        header.add_run(f"　{register.code}\t").font.size = Pt(9)
        header.add_run().add_picture(io.BytesIO(draw_qr(register.code)), width=Mm(QR_MM), height=Mm(QR_MM))
        footer.add_run().add_picture(io.BytesIO(draw_code128(register.code)), width=Mm(CODE128_MM[0]),
                                     height=Mm(CODE128_MM[1]))
        footer.add_run("\t")
    else:
        footer.alignment = WD_ALIGN_PARAGRAPH.CENTER
    wordpage.page_numbers(footer)


def _cover_table(document: Any, register: Register) -> None:
    """Facts of the cover two in a row, long ones and digests alone."""
    table = wordpage.facts_of(document, [(name, value) for name, value in register.cover if name not in _SIGNED])
    for name, digest in register.digests:
        cells = table.add_row().cells
        wordpage.write(cells[0].merge(cells[3]), f"{name}：{digest}", size=8)


_SIGNED = ("鉴定小组负责人", "批准人", "监销人", "监销人销毁后签字", "清册摘要（SHA-256）")
"""Lines of the cover that the signature blocks, or the digests with their own rows, already show."""


def _signature_table(document: Any, register: Register) -> None:
    from docx.shared import Mm

    wordpage.note(document, "" if register.code is None else _PLEDGE[
        "complete" if "complete" in register.room else "approve"])
    table = wordpage.table(document, (58, 92, 35, 72))
    for cell, text in zip(table.add_row().cells, ("签字人", "签字", "工号", "日期"), strict=True):
        wordpage.write(cell, text, bold=True)
    for block in register.blocks:
        row = table.add_row()
        row.height = Mm(10)
        for cell, text in zip(row.cells, _block_cells(block), strict=True):
            wordpage.write(cell, text)


def _block_cells(block: Block) -> tuple[str, str, str, str]:
    if not block.name:
        return block.label, "", "", "　　　　年　　月　　日"
    return block.label, f"{block.name}（{block.how}）", block.staff_no, block.day


def register_xlsx(register: Register) -> bytes:
    """The register as a spreadsheet; every cell is text, so that no title can act as a formula."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Border, Font, Side
    from openpyxl.worksheet.header_footer import HeaderFooterItem, _HeaderFooterPart
    from openpyxl.worksheet.properties import PageSetupProperties
    from openpyxl.worksheet.worksheet import Worksheet

    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = register.title
    cover = [pair for pair in register.cover if register.code is None or pair[0] not in _SIGNED]
    lines: list[Sequence[str]] = [[register.title], *cover, *([name, digest] for name, digest in register.digests
                                                              if (name, digest) not in cover)]
    lines += [["签字人", "签字", "工号", "日期"], *(_block_cells(block) for block in register.blocks)]
    lines += [[], list(COLUMNS)]
    top = len(lines)
    lines += [[row[column] for column in COLUMNS] for row in register.rows]
    thin = Side(style="thin")
    for number, line in enumerate(lines, 1):
        for column, text in enumerate(line, 1):
            cell = sheet.cell(number, column)
            put_text(cell, text)
            cell.alignment = Alignment(vertical="center", wrap_text=number >= top)
            if number >= top:
                cell.border = Border(thin, thin, thin, thin)
        if line and line[0] in {block.label for block in register.blocks}:
            sheet.row_dimensions[number].height = 28
    sheet.cell(1, 1).font = Font(bold=True, size=16)
    for letter, width in zip("ABCDEFGH", (20, 44, 12, 30, 12, 12, 8, 24), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_setup.fitToHeight = 0
    sheet.print_title_rows = f"{top}:{top}"
    sheet.oddFooter = HeaderFooterItem(center=_HeaderFooterPart(text="第&P页 共&N页"))
    if register.code is not None:
        _place_codes(sheet, register.code)
    return saved(book)


def _place_codes(sheet: Worksheet, payload: str) -> None:
    """Both codes at the upper right of the first page, and the payload in words at the head of every page."""
    from openpyxl.drawing.image import Image
    from openpyxl.worksheet.header_footer import HeaderFooterItem, _HeaderFooterPart

    from recordkit.templates.code import draw_code128, draw_qr
    from recordkit.templates.registercode import CODE128_MM, QR_MM

    a_mm = 96 / 25.4  # pixels
    for anchor, data, (width, height) in (("F1", draw_qr(payload), (QR_MM, QR_MM)),
                                          ("D7", draw_code128(payload), CODE128_MM)):
        image = Image(io.BytesIO(data))
        image.width, image.height = round(width * a_mm), round(height * a_mm)
        sheet.add_image(image, anchor)
    sheet.oddHeader = HeaderFooterItem(right=_HeaderFooterPart(text=payload))


