"""A spreadsheet of returned documents that nobody has keyed in: one row each, their on-site fields to fill in.

``issued complete --data`` reads it back; rows that are still empty are passed over there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recordkit.messages import Translate, msg
from recordkit.templates.issue import Issue
from recordkit.templates.samplesheet import FORMATS, choices_of
from recordkit.templates.sheetscan import column_letters
from recordkit.templates.sheetwriter import saved
from recordkit.templates.spec import FieldSpec, FormSpec
from recordkit.templates.spreadsheet import OWN_MARK

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

NUMBER, TITLE, TEXT = "文书编号", "题名", "页面文字"
HELP_HEADINGS = (TITLE, TEXT)
"""Columns of the sheet that say something and are not read back."""

_NEEDED, _FREE, _FOREIGN = "FFF2CC", "FFFFFF", "D9D9D9"


@dataclass(frozen=True, slots=True)
class ReturnRow:
    """One document: its form, and what its pages say near the names of the fields, as OCR read them."""

    issue: Issue
    spec: FormSpec
    text: str


def return_workbook(rows: Sequence[ReturnRow], translate: Translate) -> bytes:
    """The .xlsx. On-site fields of all forms in it are columns; a cell that a row's form does not have is grey.

    Args:
        rows: documents in the order in which the papers lie.
        translate: the language of the second sheet; headings are the forms' own labels.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

    book: Any = Workbook()
    sheet = book.active
    sheet.title = msg("On-site values").render(translate)
    labels = list(dict.fromkeys(one.label for row in rows for one in row.spec.of_stage("onsite")))
    headings = [NUMBER, TITLE, *labels, TEXT]
    edge = Side(style="thin", color="BFBFBF")
    frame = Border(edge, edge, edge, edge)
    for at, heading in enumerate(headings, 1):
        cell = sheet.cell(1, at, heading)
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="DDEBF7")
        cell.alignment, cell.border = Alignment(vertical="center", wrap_text=True), frame
        wide = {NUMBER: 24, TITLE: 24, TEXT: 60}.get(heading, 14)
        sheet.column_dimensions[column_letters(at)].width = wide
    for at, row in enumerate(rows, 2):
        known = {one.label: one for one in row.spec.of_stage("onsite")}
        for column, heading in enumerate(headings, 1):
            cell = sheet.cell(at, column)
            cell.border, cell.number_format = frame, "@"
            cell.alignment = Alignment(vertical="top", wrap_text=heading == TEXT)
            one = known.get(heading)
            if one is not None:
                cell.number_format = FORMATS.get(one.type, "@")
                cell.fill = PatternFill("solid", fgColor=_NEEDED if one.required else _FREE)
            elif heading in labels:
                cell.fill = PatternFill("solid", fgColor=_FOREIGN)
            else:
                # A text that begins with = must not become a formula of the clerk's spreadsheet.
                cell.value = {NUMBER: row.issue.number, TITLE: row.issue.title, TEXT: row.text}[heading]
                cell.data_type = "s"
    sheet.freeze_panes = "C2"
    help_sheet = book.create_sheet(msg("Help").render(translate))
    _add_lists(help_sheet, sheet, rows, headings, translate)
    sheet.page_setup.orientation = "landscape"
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_setup.fitToHeight = 0
    book.properties.subject = OWN_MARK
    return saved(book)


def _add_lists(
    help_sheet: Worksheet, sheet: Worksheet, rows: Sequence[ReturnRow], headings: Sequence[str], translate: Translate
) -> None:
    """How to fill the sheet in, and the lists to choose from; the same field of the same form has one list."""
    from openpyxl.worksheet.datavalidation import DataValidation

    texts = (
        msg("One row for each document that came back. Fill in what was written on it by hand."),
        msg("Yellow cells are needed; grey ones do not belong to the document. Rows left empty are passed over."),
        msg("The last column is what the computer read on the pages near those fields: a help, never the truth."),
    )
    for at, text in enumerate(texts, 1):
        help_sheet.cell(at, 1, text.render(translate))
    help_sheet.column_dimensions["A"].width = 90
    rules: dict[tuple[str, tuple[str, ...]], Any] = {}
    title = help_sheet.title.replace("'", "''")
    for at, label, one in _cells(rows):
        choices = choices_of(one)
        if not choices:
            continue
        rule = rules.get((label, choices))
        if rule is None:
            column = len(rules) + 2
            letters = column_letters(column)
            for line, choice in enumerate((label, *choices), 1):
                help_sheet.cell(line, column, choice)
            rule = rules[label, choices] = DataValidation(
                "list", formula1=f"'{title}'!${letters}$2:${letters}${len(choices) + 1}", allow_blank=True,
                showErrorMessage=True, errorTitle=label[:30], error=msg("Choose one of the list.").render(translate))
            sheet.add_data_validation(rule)
        rule.add(f"{column_letters(headings.index(label) + 1)}{at}")


def _cells(rows: Sequence[ReturnRow]) -> Iterable[tuple[int, str, FieldSpec]]:
    for at, row in enumerate(rows, 2):
        for one in row.spec.of_stage("onsite"):
            yield at, one.label, one
