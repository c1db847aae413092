"""The due meters as files: rows for the meter-change notice, with the due dates and the refused rows beside them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal

from recordkit.messages import Message, Translate, msg
from recordkit.model import Problem
from recordkit.templates.fieldtypes import Value
from recordkit.templates.overage import DueMeter, DueMeters
from recordkit.templates.sheetwriter import Sheet, workbook_bytes
from recordkit.templates.spec import FormSpec
from recordkit.templates.spreadsheet import OWN_MARK

_CELL_MAX = 32_767  # characters a spreadsheet cell keeps


def notice_headings(form: FormSpec) -> list[str]:
    """The headings ``generate`` reads, and no others: it refuses a column it does not know."""
    return [one.label for one in form.of_stage("before")]


def notice_row(form: FormSpec, meter: DueMeter) -> list[str]:
    """One meter under ``notice_headings``; empty where something is to be filled in."""
    return [meter.typed.get(one.key) or _text(meter.values[one.key]) for one in form.of_stage("before")]


def notice_csv(form: FormSpec, found: DueMeters) -> bytes:
    """The rows of the notice as CSV, UTF-8 with its mark, as Excel wants it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(notice_headings(form))
    writer.writerows(notice_row(form, one) for one in found.meters)
    return out.getvalue().encode("utf-8-sig", "replace")


def notice_xlsx(form: FormSpec, found: DueMeters, translate: Translate) -> bytes:
    """The rows of the notice as a workbook; ``generate`` reads its first sheet.

    Sheet 2 lists the due dates, sheet 3 the refused rows with their reasons. Every cell is text: leading zeros stay,
    no name can act as a formula, and a date typed later stays as typed.
    """
    first = [notice_headings(form), *(notice_row(form, one) for one in found.meters)]
    sheets = [_sheet(form.name, first)]
    shown = [one for one in form.of_stage("before") if one.key in _SHOWN]
    heads: Sequence[Message | str] = (
        msg("Row"), *(one.label for one in shown), msg("Cycle from"), msg("Years"), msg("Due"), msg("Days left"),
        msg("Rule"),
    )
    rows = [
        [str(one.row), *(_text(one.values[field.key]) for field in shown), one.start.isoformat(),
         str(one.cycle.years), one.due.isoformat(), str(one.days), one.cycle.rule.render(translate)]
        for one in found.meters
    ]
    sheets.append(_sheet(msg("Due dates").render(translate), [[_word(one, translate) for one in heads], *rows]))
    if found.refused:
        heads = (msg("Row"), msg("Cell"), msg("Column"), msg("Reason"))
        sheets.append(_sheet(msg("Refused rows").render(translate),
                             [[_word(one, translate) for one in heads], *_refused(found.refused, translate)]))
    return workbook_bytes(sheets, subject=OWN_MARK)


_SHOWN = ("account", "customer_name", "calibre", "old_meter_no")


def _word(text: Message | str, translate: Translate) -> str:
    return text.render(translate) if isinstance(text, Message) else text


def _refused(problems: Iterable[Problem], translate: Translate) -> Iterable[list[str]]:
    for one in problems:
        yield [str(one.row), one.cell or "", one.label, one.message.render(translate)]


def _sheet(name: str, rows: Sequence[Sequence[str]]) -> Sheet:
    widths = [max(len(row[at].encode("gb18030", "replace")) for row in rows[:200]) for at in range(len(rows[0]))]
    lines = ([_writable(text) or None for text in row] for row in rows)
    return Sheet(name, lines, [min(max(width + 2, 8), 50) for width in widths], head=1, typed=True)


def _writable(text: str) -> str:
    """The text, or nothing when a spreadsheet cannot hold it: a changed value would pass for the right one."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    is_bad = len(text) > _CELL_MAX or ILLEGAL_CHARACTERS_RE.search(text) or not text.isascii() and _has_surrogate(text)
    return "" if is_bad else text


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)


def _text(value: Value) -> str:
    """A value as it is typed into a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list):
        return "; ".join("|".join(_text(cell) for cell in row.values()) for row in value)
    return str(value)
