"""Refused rows as a file with their reasons, which can be corrected and fed in again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recordkit import files
from recordkit.cli.base import plain
from recordkit.cli.i18n import tr

if TYPE_CHECKING:
    from recordkit.model import Problem
    from recordkit.templates.rows import RawRow


def write_refused(problems: Iterable[Problem], rows: Iterable[RawRow], name: str | None, folder: Path) -> Path | None:
    """Write the refused rows, in the kind of file they came in.

    Args:
        problems: which rows were refused and why.
        rows: where they came from; gone through again and again.
        name: name of the file they came from; None when there was none to correct.
        folder: where the file goes, under a name that is free.
    """
    if name is None:
        return None
    reasons: dict[int, list[str]] = {}
    for problem in problems:
        if problem.row is not None:
            text = f"{problem.label}: {problem.message.render(tr)}".lstrip(": ")
            reasons.setdefault(problem.row, []).append(text)
    told = {row: "; ".join(texts) for row, texts in reasons.items()}
    stem, ending = Path(name).stem, Path(name).suffix.lower()
    writers = {".xlsx": _xlsx, ".json": _json, ".toml": _json, ".yaml": _json, ".yml": _json}
    kind = ".xlsx" if ending == ".xlsx" else ".json" if ending in writers else ".csv"
    number = 1
    while (path := folder / f"{stem}-refused-{number}{kind}").exists():
        number += 1
    files.write_atomic(path, writers.get(ending, _csv)(rows, told))
    return path


def _of(rows: Iterable[RawRow], told: dict[int, str]) -> Iterator[tuple[RawRow, str]]:
    for row in rows:
        if row.row in told:
            yield row, told[row.row]


def _headings(rows: Iterable[RawRow], told: dict[int, str]) -> list[str]:
    from recordkit.templates.planning import REASON_HEADING

    found = dict.fromkeys(name for row, _ in _of(rows, told) for name in row.values)
    return [name for name in found if name != REASON_HEADING] + [REASON_HEADING]


def _csv(rows: Iterable[RawRow], told: dict[int, str]) -> bytes:
    headings = _headings(rows, told)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(headings)
    for row, reason in _of(rows, told):
        writer.writerow([*(_text(row.values.get(name)) for name in headings[:-1]), reason])
    return out.getvalue().encode("utf-8-sig")


def _xlsx(rows: Iterable[RawRow], told: dict[int, str]) -> bytes:
    """Text stays text there: leading zeros survive the correction, and nothing becomes a formula."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    headings = _headings(rows, told)
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.freeze_panes = "A2"
    sheet.append(headings)
    for row, reason in _of(rows, told):
        cells = []
        for value in (*(row.values.get(name) for name in headings[:-1]), reason):
            held: Any = value
            is_plain = value is None or isinstance(value, (bool, int, float, Decimal, date, datetime))
            cell = WriteOnlyCell(sheet, value=held if is_plain else _text(value))
            if not is_plain:
                cell.data_type = "s"
                cell.number_format = "@"
            cells.append(cell)
        sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _json(rows: Iterable[RawRow], told: dict[int, str]) -> bytes:
    from recordkit.templates.planning import REASON_HEADING

    found = [{**row.values, REASON_HEADING: reason} for row, reason in _of(rows, told)]
    return json.dumps(found, ensure_ascii=False, indent=2, default=plain).encode()


def _text(value: object) -> str:
    """What the cell held; one that held no value (#N/A, a formula never computed) is left empty, not quoted."""
    from recordkit.templates.spreadsheet import CellError

    if value is None or isinstance(value, CellError):
        return ""
    if isinstance(value, list):
        return "; ".join(
            "|".join(str(cell) for cell in row.values()) if isinstance(row, dict) else str(row) for row in value
        )
    return str(value)
