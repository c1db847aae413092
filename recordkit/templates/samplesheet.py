"""A spreadsheet to fill in for a form: one heading row, one sample row, lists to choose from, and a sheet of help."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from recordkit.messages import Message, Translate, listed, msg
from recordkit.templates.fieldtypes import CALIBRES, Person, Value, display
from recordkit.templates.sheetscan import column_letters
from recordkit.templates.sheetwriter import saved
from recordkit.templates.spec import FieldSpec, FormSpec
from recordkit.templates.spreadsheet import OWN_MARK

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

FORMATS = {"date": "yyyy-mm-dd", "instant": "yyyy-mm-dd hh:mm", "money": "0.00", "integer": "0", "decimal": "General"}
"""Number formats; every other type is text, so that leading zeros and long numbers survive typing."""
_ROWS = 2000
"""Rows that offer the lists."""
_TYPES: Mapping[str, Message] = {
    "text": msg("text"), "integer": msg("integer"), "decimal": msg("decimal"), "money": msg("money"),
    "date": msg("date"), "instant": msg("instant"), "choice": msg("choice"), "phone": msg("phone"),
    "id_number": msg("id_number"), "uscc": msg("uscc"), "calibre": msg("calibre"), "account": msg("account"),
    "table": msg("table"), "yes_no": msg("yes_no"),
    "person": msg("person"),
}


def sample_workbook(spec: FormSpec, values: Mapping[str, Value], translate: Translate) -> bytes:
    """The .xlsx: the first sheet is what ``generate --data`` reads, with one row for each document.

    Args:
        spec: the form; its before-fields become columns, the required ones with a star.
        values: validated values of the sample row by key.
        translate: the language of the help; headings are the form's own labels.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font, PatternFill

    book: Any = Workbook()
    sheet = book.active
    sheet.title = re.sub(r"[\[\]:*?/\\]", "", spec.name)[:31] or spec.id
    columns = spec.of_stage("before")
    look = Font(bold=True), PatternFill("solid", fgColor="DDEBF7"), Alignment(vertical="center", wrap_text=True)
    for at, one in enumerate(columns, 1):
        letters = column_letters(at)
        heading = sheet.cell(1, at, one.label + ("*" if one.required else ""))
        heading.font, heading.fill, heading.alignment = look
        cell = sheet.cell(2, at, _cell(values.get(one.key), one))
        cell.number_format = sheet.column_dimensions[letters].number_format = FORMATS.get(one.type, "@")
        cell.alignment = Alignment(vertical="top", wrap_text=one.type == "table")
        widest = max(_width(heading.value), min(_width(_shown(cell.value)), 40))
        sheet.column_dimensions[letters].width = max(10, widest + 2)
    sheet.freeze_panes = "A2"
    sheet.row_dimensions[1].height = 24
    _add_help(book.create_sheet(msg("Help").render(translate)), sheet, columns, translate)
    sheet.page_setup.orientation = "landscape"
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_setup.fitToHeight = 0
    book.properties.subject = OWN_MARK
    return saved(book)


def _cell(value: Value, one: FieldSpec) -> object:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        columns = {column.key: column for column in one.columns}
        return "\n".join("|".join(display(row.get(key), column) for key, column in columns.items()) for row in value)
    if isinstance(value, Person):
        return f"{value.name}|{value.id_number}"
    return value


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return max(str("" if value is None else value).splitlines() or [""], key=_width)


def _width(text: str) -> int:
    """Columns of a fixed-width font: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WFA" else 1 for char in text)


def choices_of(one: FieldSpec) -> tuple[str, ...]:
    """What may be chosen for a field; empty for free text."""
    if one.type == "calibre":
        return tuple(f"DN{size}" for size in CALIBRES)
    return ("是", "否") if one.type == "yes_no" else one.choices


def _add_help(help_sheet: Worksheet, sheet: Worksheet, columns: tuple[FieldSpec, ...], translate: Translate) -> None:
    """One row a column of the first sheet; the lists stand to the right, where the first sheet takes them from."""
    from openpyxl.styles import Alignment, Font
    from openpyxl.worksheet.datavalidation import DataValidation

    heads = [msg("Column"), msg("Required"), msg("Type"), msg("Example"), msg("How to fill it in")]
    for at, head in enumerate(heads, 1):
        help_sheet.cell(1, at, head.render(translate)).font = Font(bold=True)
    lists = len(heads) + 1
    for row, one in enumerate(columns, 2):
        needed = msg("yes") if one.required else msg("in some cases") if one.required_if else msg("no")
        example = one.example if one.type != "table" else ""
        texts = [one.label, needed.render(translate), _TYPES.get(one.type, msg("text")).render(translate),
                 str(example), _help(one, translate)]
        for at, text in enumerate(texts, 1):
            cell = help_sheet.cell(row, at, text)
            cell.number_format = "@"
            cell.alignment = Alignment(vertical="top", wrap_text=True)
        choices = choices_of(one)
        if not choices:
            continue
        lists += 1
        letters = column_letters(lists)
        help_sheet.cell(1, lists, one.label).font = Font(bold=True)
        for at, choice in enumerate(choices, 2):
            help_sheet.cell(at, lists, choice)
        # Word lists in the rule itself may have 255 characters and no comma; a range has no such limit.
        title = help_sheet.title.replace("'", "''")
        source = f"'{title}'!${letters}$2:${letters}${len(choices) + 1}"
        rule = DataValidation("list", formula1=source, allow_blank=True, showErrorMessage=True,
                              errorTitle=one.label[:30], error=msg("Choose one of the list.").render(translate))
        sheet.add_data_validation(rule)
        target = column_letters(columns.index(one) + 1)
        rule.add(f"{target}2:{target}{_ROWS}")
    for letters, width in zip("ABCDE", (22, 10, 16, 26, 60), strict=True):
        help_sheet.column_dimensions[letters].width = width
    help_sheet.freeze_panes = "A2"


def _help(one: FieldSpec, translate: Translate) -> str:
    parts = [one.help]
    if one.type == "table":
        parts.append(msg("One line for each row (Alt+Enter), its columns separated by |: {columns}",
                         columns=" | ".join(column.label for column in one.columns)).render(translate))
    if choices_of(one):
        parts.append(msg("One of: {choices}", choices=listed(choices_of(one))).render(translate))
    if one.unit:
        parts.append(msg("Unit: {unit}", unit=one.unit).render(translate))
    if one.max_length is not None:
        parts.append(msg("At most {count} characters", count=one.max_length).render(translate))
    if one.default not in ("", None):
        parts.append(msg("Empty means {value}", value=one.default).render(translate))
    return "\n".join(part for part in parts if part)
