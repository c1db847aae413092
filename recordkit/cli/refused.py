"""Refused rows as a file with their reasons, which can be corrected and fed in again."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from recordkit import files
from recordkit.cli.i18n import tr
from recordkit.cli.showing import plain

if TYPE_CHECKING:
    from recordkit.model import Problem
    from recordkit.templates.rows import RawRow


_STEM_BYTES = 160
"""Of a name at most 255 bytes long, with room for the number and whatever a clerk adds to a copy's name."""

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_Findings: TypeAlias = "Iterable[Problem]"
_Rows: TypeAlias = "Iterable[RawRow]"


def write_refused(
    problems: Iterable[Problem], rows: Iterable[RawRow], name: str | None, folder: Path, mark: str = "refused"
) -> Path | None:
    """Write the refused rows, in the kind of file they came in; row by row, so that their number does not matter.

    Args:
        problems: which rows were refused and why; gone through again and again, in the order of the rows if lazy.
        rows: where they came from, in ascending order; gone through again and again.
        name: name of the file they came from; None when there was none to correct.
        folder: where the file goes, under a name that is free.
        mark: what stands in the file's name behind that of the source.

    Raises:
        OSError: the file cannot be written.
    """
    if name is None:
        return None
    if isinstance(problems, (list, tuple)):
        problems = sorted(problems, key=lambda problem: problem.row or 0)
    ending = Path(name).suffix.lower()
    # Half a character at the cut is dropped; so is a byte that is no UTF-8, which would not stand in a report either.
    stem = os.fsencode(Path(name).stem)[:_STEM_BYTES].decode(errors="ignore")
    writers = {".xlsx": _xlsx, ".json": _json, ".toml": _json, ".yaml": _json, ".yml": _json}
    kind = ".xlsx" if ending == ".xlsx" else ".json" if ending in writers else ".csv"
    number = 1
    while (path := folder / f"{stem}-{mark}-{number}{kind}").exists():
        number += 1
    with files.writing(path) as handle:
        writers.get(ending, _csv)(rows, problems, handle)
    return path


def _of(rows: _Rows, problems: _Findings) -> Iterator[tuple[RawRow, list[Problem]]]:
    """Refused rows with their findings; both come in ascending order."""
    groups = itertools.groupby((one for one in problems if one.row is not None), key=lambda one: one.row or 0)
    wanted, group = next(groups, (None, iter(())))
    for row in rows:
        while wanted is not None and wanted < row.row:
            wanted, group = next(groups, (None, iter(())))
        if wanted is None:
            return
        if wanted == row.row:
            yield row, list(group)


def _reason(found: Iterable[Problem]) -> str:
    return "; ".join(f"{one.label}: {one.message.render(tr)}".lstrip(": ") for one in found)


def _headings(rows: _Rows, problems: _Findings) -> list[str]:
    from recordkit.templates.planning import REASON_HEADING

    found: dict[str, None] = {}
    for row, _ in _of(rows, problems):
        found.update(dict.fromkeys(row.values))
    return [name for name in found if name != REASON_HEADING] + [REASON_HEADING]


def _csv(rows: _Rows, problems: _Findings, handle: BinaryIO) -> None:
    headings = _headings(rows, problems)
    # Half a surrogate pair, for which the row may have been refused, has no UTF-8: it is written as its number.
    out = io.TextIOWrapper(handle, "utf-8-sig", "backslashreplace", newline="")
    writer = csv.writer(out)
    writer.writerow(headings)
    for row, found in _of(rows, problems):
        writer.writerow([*(_text(row.values.get(name)) for name in headings[:-1]), _reason(found)])
    out.detach()  # flushes, and leaves the file open for its owner


def _xlsx(rows: _Rows, problems: _Findings, handle: BinaryIO) -> None:
    """Text stays text there: leading zeros survive the correction, and nothing becomes a formula."""
    from openpyxl.cell import WriteOnlyCell

    from recordkit.templates.sheetwriter import streaming

    headings = _headings(rows, problems)
    with streaming() as book:
        sheet = book.create_sheet()
        sheet.freeze_panes = "A2"
        sheet.append([_NOT_IN_XML.sub(_numbered, name) for name in headings])
        for row, found in _of(rows, problems):
            cells = []
            for value in (*(row.values.get(name) for name in headings[:-1]), _reason(found)):
                held: Any = value
                is_plain = value is None or isinstance(value, (bool, int, float, Decimal, date, datetime))
                cell = WriteOnlyCell(sheet, value=held if is_plain else _NOT_IN_XML.sub(_numbered, _text(value)))
                if not is_plain:
                    cell.data_type = "s"
                    cell.number_format = "@"
                cells.append(cell)
            sheet.append(cells)
        book.save(handle)


def _json(rows: _Rows, problems: _Findings, handle: BinaryIO) -> None:
    from recordkit.templates.planning import REASON_HEADING

    before = "[\n"
    for row, found in _of(rows, problems):
        text = json.dumps({**row.values, REASON_HEADING: _reason(found)}, ensure_ascii=False, indent=2, default=plain)
        # In JSON the number of half a surrogate pair is the pair's own way of being written.
        handle.write((before + text).encode("utf-8", "backslashreplace"))
        before = ",\n"
    handle.write(b"\n]\n" if before != "[\n" else b"[]\n")


def _numbered(found: re.Match[str]) -> str:
    """A character that XML cannot hold, the way Excel writes it (ECMA-376 part 1, 22.9.2.19)."""
    return f"_x{ord(found[0]):04X}_"


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
