"""Reads .xlsx as a grid of cells, row by row: nothing a clerk sees in the sheet may change or vanish on the way.

python-calamine reads the values. What it does not know (errors, formulas nobody computed, number formats that show
another text than the number) is learnt from the sheet's XML and laid over its rows.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from recordkit.errors import InputRefused, NotFound
from recordkit.messages import Message, listed, msg
from recordkit.templates.sheetscan import COLUMNS_MAX, Scan, ScanFailure, Special, column_letters, refuse_area, scan

Grid = Callable[[], Iterator[list[object]]]
"""Rows of a sheet from its first on, each a list from column A on; every call begins anew."""

_OLE = b"\xd0\xcf\x11\xe0"  # old .xls, and .xlsx behind a password
OWN_MARK = "recordkit: first sheet"
"""What the program writes as the subject of its own workbooks."""
_OWN = re.compile(rf"<dc:subject[^>]*>{OWN_MARK}<".encode())
_COUNTS_FROM_1904 = re.compile(rb"<(?:\w+:)?workbookPr\b[^>]*\bdate1904=[\"'](?:1|true)[\"']")
_BOOK_HEAD = 1 << 20
_LARGEST = 2 << 30  # bytes unpacked; Excel's own limit of 1,048,576 rows stays below it
_STRINGS_MAX = 256 << 20  # bytes unpacked of the texts, which are all held in memory
_MERGES_MAX = 20_000
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


class DressedNumber(Decimal):
    """A number whose cell shows more than the number: ``No. 0012``, ``010-6655``. Right as a number, not as text."""


class SerialDay(date):
    """A day whose cell held only its number: a spreadsheet counts days and shows a date by the cell's format."""

    number = 0

    @classmethod
    def of(cls, day: date, number: int) -> SerialDay:
        """``day`` that stood there as ``number``."""
        made = cls(day.year, day.month, day.day)
        made.number = number
        return made


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

    Values are str, bool, int, float, datetime, time, timedelta, None, ``DressedNumber`` or ``CellError``.

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
    _refuse_bombs(data)
    book = _workbook(data)
    titles = _titles(book)
    title = sheet if sheet is not None else titles[0]
    if title not in titles:
        raise NotFound(
            msg("{file} has no sheet {sheet}.", file=name, sheet=title),
            msg("Its sheets are: {sheets}.", sheets=listed(titles)),
        )
    scanned = _scanned(data, title)
    found = _guarded(lambda: book.get_sheet_by_name(title))
    notes = []
    if len(titles) > 1 and sheet is None and not _is_own(data):
        notes.append(msg("Only the first of {count} sheets was read: {sheet}. Another one is named with --sheet: "
                         "{sheets}.", count=len(titles), sheet=title, sheets=listed(titles[1:6])))
    merged = _sound_merges(found.merged_cell_ranges or (), scanned)
    tall = [_range(one) for one in merged if one[0][1] == one[1][1]]
    if tall:
        notes.append(
            msg("Merged cells {cells}: the value counts for each of their rows.", cells=listed(tall[:5]))
        )
    if scanned.hidden:
        notes.append(msg("{count} rows are hidden in the sheet and are read too; delete those that are not meant.",
                         count=scanned.hidden))

    def grid() -> Iterator[list[object]]:
        rows = _plain_rows(found)
        if scanned.special:
            rows = _overlaid(rows, scanned)
        return _spread(rows, merged) if merged else rows

    return grid, notes


def day_zero(data: bytes) -> date:
    """The day from which the workbook counts: 1904 is what old programs for the Macintosh began with."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        try:
            with archive.open("xl/workbook.xml") as file:
                head = file.read(_BOOK_HEAD)
        except (KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError):
            return date(1899, 12, 30)
    return date(1904, 1, 1) if _COUNTS_FROM_1904.search(head) else date(1899, 12, 30)


def sheet_titles(data: bytes) -> list[str]:
    """Titles of the sheets of a file that ``open_sheet`` has opened, in their order.

    Raises:
        DamagedWorkbook: it cannot be read.
    """
    return _titles(_workbook(data))


def _titles(book: Any) -> list[str]:
    import python_calamine

    titles = [str(one.name) for one in book.sheets_metadata if one.typ == python_calamine.SheetTypeEnum.WorkSheet]
    if not titles:
        raise DamagedWorkbook(msg("it has no sheet"))
    return titles


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


def _refuse_bombs(data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, ValueError) as error:
        raise DamagedWorkbook(_DAMAGED) from error
    if sum(entry.file_size for entry in entries) > _LARGEST:
        raise DamagedWorkbook(msg("it would unpack to more than {limit} GB", limit=_LARGEST >> 30))
    texts = sum(entry.file_size for entry in entries if entry.filename.lower().endswith("sharedstrings.xml"))
    if texts > _STRINGS_MAX:
        raise DamagedWorkbook(msg("its texts would unpack to more than {limit} MB", limit=_STRINGS_MAX >> 20))


def _scanned(data: bytes, title: str) -> Scan:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return scan(archive, title)
    except ScanFailure as failure:
        raise DamagedWorkbook(failure.reason or _NO_TABLE) from failure
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, EOFError, ValueError, LookupError) as error:
        raise DamagedWorkbook(_DAMAGED) from error


def _overlaid(rows: Iterator[list[object]], scanned: Scan) -> Iterator[list[object]]:
    number = -1
    for number, row in enumerate(rows):  # noqa: B007  (counted on below)
        for column, special in scanned.special.get(number, {}).items():
            row += [None] * (column + 1 - len(row))
            row[column] = _as_shown(row[column], special)
        yield row
    # Rows below the last value hold only what has none, such as formulas nobody computed.
    for below in range(number + 1, max(scanned.special, default=-1) + 1):
        cells: list[object] = []
        for column, special in scanned.special.get(below, {}).items():
            cells += [None] * (column + 1 - len(cells))
            cells[column] = _as_shown(None, special)
        yield cells


def _as_shown(value: object, special: Special) -> object:
    if special.kind == "error":
        return CellError(special.text)
    if special.kind == "formula":
        # Never computed, it reads as empty, and an optional field would be left out without a word.
        return CellError(
            f"formula ={special.text}",
            msg("The cell holds a formula that nobody computed ({formula}). Open the file in the spreadsheet program "
                "and save it.", formula=f"={special.text}"),
        )
    if type(value) is not int and type(value) is not float:
        return value
    if special.kind == "percent":
        return CellError(
            "percentage",
            msg("The cell shows a percentage, which is another number than it holds. Format the cell as text and type "
                "it as it is to be printed."),
        )
    if special.kind == "zeros" and type(value) is int and value >= 0:
        return str(value).zfill(len(special.text))  # the cell shows its leading zeros; so they are meant
    if isinstance(value, float) and not value.is_integer():
        shortest = repr(value)  # as of any cell, the 15 digits that a spreadsheet keeps
        return DressedNumber(shortest if len(Decimal(shortest).as_tuple().digits) <= 15 else f"{value:.15g}")
    return DressedNumber(value)


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


Range = tuple[tuple[int, int], tuple[int, int]]


def _sound_merges(found: Any, scanned: Scan) -> list[Range]:
    """The merged ranges, none overlapping, cut to the columns that are read.

    Raises:
        DamagedWorkbook: they are too many, or overlap, which no spreadsheet program writes.
    """
    merged: list[Range] = []
    for (top, left), (bottom, right) in found:
        if (top, left) != (bottom, right) and left < COLUMNS_MAX:
            merged.append(((top, left), (bottom, min(right, COLUMNS_MAX - 1))))
    if len(merged) > _MERGES_MAX:
        raise DamagedWorkbook(msg("it has more than {limit} merged ranges", limit=_MERGES_MAX))
    merged.sort()
    until = [-1] * COLUMNS_MAX  # last row that a range begun above covers, by column
    holder: list[Range | None] = [None] * COLUMNS_MAX
    for one in merged:
        (top, left), (bottom, right) = one
        for column in range(left, right + 1):
            other = holder[column]
            if other is not None and until[column] >= top:
                raise DamagedWorkbook(msg("its merged ranges {first} and {second} overlap",
                                          first=_range(other), second=_range(one)))
            until[column], holder[column] = bottom, one
    widest = max((one[1][1] + 1 for one in merged), default=0)
    try:
        refuse_area(scanned.rows, max(scanned.columns, widest), column_letters(max(scanned.columns, widest))
                    + str(scanned.rows))
    except ScanFailure as failure:
        raise DamagedWorkbook(failure.reason or _NO_TABLE) from failure
    return merged


def _spread(rows: Iterator[list[object]], merged: list[Range]) -> Iterator[list[object]]:
    """A cell merged downwards counts for each of its rows; what one merged sideways covers is no value of any field.

    Ranges do not overlap, so a row costs no more than its columns.
    """
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
        if not open_ranges:
            yield row
            continue
        for one, value in open_ranges:
            (top, left), (_, right) = one
            row += [None] * (right + 1 - len(row))
            for column in range(left + (number == top), right + 1):
                row[column] = value
        open_ranges = [(one, value) for one, value in open_ranges if one[1][0] > number]
        yield row


def _range(one: Range) -> str:
    (top, left), (bottom, right) = one
    return f"{column_letters(left + 1)}{top + 1}:{column_letters(right + 1)}{bottom + 1}"
