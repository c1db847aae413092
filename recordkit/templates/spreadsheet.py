"""Reads .xlsx as a grid of cells, row by row: nothing a clerk sees in the sheet may change or vanish on the way.

python-calamine reads plain sheets ten times faster than openpyxl, but knows neither number formats nor which cells
hold errors or formulas nobody computed; a workbook that has any of these is read by openpyxl.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from recordkit.errors import InputRefused, NotFound
from recordkit.messages import Message, msg

Grid = Callable[[], Iterator[list[object]]]
"""Rows of a sheet from its first on, each a list from column A on; every call begins anew."""

_OLE = b"\xd0\xcf\x11\xe0"  # old .xls, and .xlsx behind a password
_ZEROS = re.compile(r"0{2,20}")
_ZERO_FORMAT = re.compile(rb'formatCode="0{2,20}"')
_DELICATE = re.compile(rb"""<(?:\w+:)?f[ >/]|\st=["']e["']""")
_OPENPYXL_FAILS = (  # all of these escape on damaged files; SyntaxError is xml.etree's ParseError
    zipfile.BadZipFile, LookupError, ValueError, TypeError, AttributeError, SyntaxError, OSError, EOFError,
)
OWN_MARK = "recordkit: first sheet"
"""What the program writes as the subject of its own workbooks."""
_OWN = re.compile(rf"<dc:subject[^>]*>{OWN_MARK}<".encode())
_CHUNK = 1 << 20
_LARGEST = 2 << 30  # bytes unpacked; Excel's own limit of 1,048,576 rows stays below it
_WHOLE = 2**53  # beyond it a float has no exact whole numbers


@dataclass(frozen=True, slots=True)
class CellError:
    """What a cell holds instead of a value: an error such as #N/A, a formula nobody computed, part of a merged cell.

    ``reason`` says what to do about it, where ``text`` alone does not.
    """

    text: str
    reason: Message | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.text


class DamagedWorkbook(Exception):
    """The file is no workbook that can be read; ``reason`` says why."""

    def __init__(self, reason: Message) -> None:
        """Keep the reason untranslated."""
        super().__init__(reason)
        self.reason = reason


_DAMAGED = msg("it is damaged, or no .xlsx file at all")
_NO_TABLE = msg("a part of the workbook is missing or damaged")


def open_sheet(data: bytes, name: str | Message, sheet: str | None) -> tuple[Grid, list[Message]]:
    """The cells of one sheet, and what the reader should know.

    Values are str, bool, int, float, datetime, time, timedelta, None or ``CellError``.

    Args:
        data: the whole file.
        name: how messages call it.
        sheet: title of the sheet; None for the first one.

    Raises:
        NotFound: there is no such sheet.
        InputRefused: it is protected or an old .xls.
        DamagedWorkbook: it cannot be read; reading the grid may raise it too.
    """
    if data.startswith(_OLE):
        raise InputRefused(
            msg("{file} is protected by a password or an old .xls file under another name.", file=name),
            msg("Open it in the spreadsheet program and save it as .xlsx without a password."),
        )
    import python_calamine

    try:
        delicate = _is_delicate(data)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, EOFError, ValueError) as error:
        raise DamagedWorkbook(_DAMAGED) from error
    book = _workbook(data)
    titles = [one.name for one in book.sheets_metadata if one.typ == python_calamine.SheetTypeEnum.WorkSheet]
    if not titles:
        raise DamagedWorkbook(msg("it has no sheet"))
    title = sheet if sheet is not None else titles[0]
    if title not in titles:
        raise NotFound(
            msg("{file} has no sheet {sheet}.", file=name, sheet=title),
            msg("Its sheets are: {sheets}.", sheets="、".join(titles)),
        )
    found = _guarded(lambda: book.get_sheet_by_name(title))
    notes = []
    if len(titles) > 1 and sheet is None and not _is_own(data):
        notes.append(msg("Only the first of {count} sheets was read: {sheet}. Another one is named with --sheet: "
                         "{sheets}.", count=len(titles), sheet=title, sheets="、".join(titles[1:6])))
    merged = [one for one in found.merged_cell_ranges or () if one[0] != one[1]]
    tall = [_range(one) for one in merged if one[0][1] == one[1][1]]
    if tall:
        notes.append(
            msg("Merged cells {cells}: the value counts for each of their rows.", cells="、".join(tall[:5]))
        )

    def grid() -> Iterator[list[object]]:
        rows = _careful_rows(data, title) if delicate else _plain_rows(found)
        return _spread(rows, merged) if merged else rows

    return grid, notes


def _is_own(data: bytes) -> bool:
    """Whether the program made the workbook: its first sheet is what is to be read, the others explain it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        try:
            return _OWN.search(archive.read("docProps/core.xml")) is not None
        except (KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError):
            return False


def _guarded(read: Callable[[], Any]) -> Any:
    import python_calamine

    try:
        return read()
    except (python_calamine.CalamineError, ValueError, OSError) as error:
        raise DamagedWorkbook(_NO_TABLE) from error
    except BaseException as error:
        # A panic of the Rust library is a BaseException by design; a hostile file must not end the program.
        if type(error).__name__ == "PanicException":
            raise DamagedWorkbook(_NO_TABLE) from error
        raise


def _workbook(data: bytes) -> Any:
    import python_calamine

    return _guarded(lambda: python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)))


def _is_delicate(data: bytes) -> bool:
    """Whether some cell shows something else than its stored value: leading zeros by format, an error, a formula."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > _LARGEST:
            raise DamagedWorkbook(msg("it would unpack to more than {limit} GB", limit=_LARGEST >> 30))
        for entry in archive.namelist():
            pattern = _DELICATE if entry.startswith("xl/worksheets/") else _ZERO_FORMAT
            if not (entry.startswith("xl/worksheets/") or entry == "xl/styles.xml"):
                continue
            tail = b""
            with archive.open(entry) as part:
                while chunk := part.read(_CHUNK):
                    if pattern.search(tail + chunk):
                        return True
                    tail = chunk[-40:]
    return False


def _plain_rows(sheet: Any) -> Iterator[list[object]]:
    before: list[object] = [None] * (sheet.start[1] if sheet.start else 0)
    for row in sheet.iter_rows():
        cells: list[object] = []
        for value in row:
            kind = type(value)
            if kind is float and value.is_integer() and -_WHOLE < value < _WHOLE:
                value = int(value)
            elif kind is date:
                value = datetime.combine(value, time())
            elif value == "":
                value = None
            cells.append(value)
        yield before + cells


def _careful_rows(data: bytes, title: str) -> Iterator[list[object]]:
    import openpyxl

    try:
        values = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)[title]
        formulas = openpyxl.load_workbook(io.BytesIO(data), read_only=True)[title]
        for sheet in (values, formulas):
            sheet.reset_dimensions()  # some programs write a wrong size, and openpyxl would silently stop there
        for shown, written in zip(values.iter_rows(), formulas.iter_rows(), strict=False):
            yield [_careful_value(cell, twin) for cell, twin in zip(shown, written, strict=False)]
    except _OPENPYXL_FAILS as error:
        raise DamagedWorkbook(_NO_TABLE) from error


def _careful_value(cell: Any, written: Any) -> object:
    value = cell.value
    if cell.data_type == "e":
        return CellError(str(value))
    if value is None and written.data_type == "f":
        # Never computed, it reads as empty, and an optional field would be left out without a word.
        return CellError(
            f"formula {written.value}",
            msg("The cell holds a formula that nobody computed ({formula}). Open the file in the spreadsheet program "
                "and save it.", formula=str(written.value)),
        )
    if type(value) is int and value >= 0 and _ZEROS.fullmatch(cell.number_format or ""):
        return str(value).zfill(len(cell.number_format))  # the cell shows its leading zeros; so they are meant
    return value


Range = tuple[tuple[int, int], tuple[int, int]]


def _spread(rows: Iterator[list[object]], merged: list[Range]) -> Iterator[list[object]]:
    """A cell merged downwards counts for each of its rows; what one merged sideways covers is no value of any field."""
    starting: dict[int, list[Range]] = {}
    for one in merged:
        starting.setdefault(one[0][0], []).append(one)
    open_ranges: list[tuple[Range, object]] = []
    for number, row in enumerate(rows):
        for one in starting.get(number, ()):
            (_, left), (_, right) = one
            value = row[left] if left < len(row) else None
            if left == right:
                open_ranges.append((one, value))
            elif value is not None:
                reason = msg("The cell is part of the merged cells {cells}. Undo the merging and fill in each cell.",
                             cells=_range(one))
                open_ranges.append((one, CellError(f"merged {_range(one)}", reason)))
        for one, value in open_ranges:
            (top, left), (_, right) = one
            row += [None] * (right + 1 - len(row))
            for column in range(left + (number == top), right + 1):
                row[column] = value
        open_ranges = [(one, value) for one, value in open_ranges if one[1][0] > number]
        yield row


def column_letters(number: int) -> str:
    """1 -> A, 27 -> AA."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _range(one: Range) -> str:
    (top, left), (bottom, right) = one
    return f"{column_letters(left + 1)}{top + 1}:{column_letters(right + 1)}{bottom + 1}"
