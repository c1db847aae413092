"""The list that was signed at a transfer (移交清单, 移交登记表), read back: records, their digests and sizes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import Path

from recordkit import files
from recordkit.archive.checks.examine import is_paper
from recordkit.errors import InputRefused, NotFound
from recordkit.messages import Message, listed, msg
from recordkit.model import Problem
from recordkit.templates.rows import RawRow, read_rows
from recordkit.templates.sheetscan import column_letters
from recordkit.templates.spreadsheet import CellError, DamagedWorkbook, open_sheet, sheet_titles

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "code": ("档号", "code"),
    "sha256": ("SHA-256", "数字摘要", "数字摘要（SHA-256）", "摘要", "sha256"),
    "size": ("字节", "字节数", "数据量", "数据量（字节）", "size", "bytes"),
    "pages": ("页数", "pages"),
    "file": ("文件", "文件名", "file", "name"),
}
"""Headings that are known, by what stands below them; the first two columns must be there."""
_HEAD_WITHIN = 60
"""Rows in which the heads must stand: a printed list has its cover above."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MANY = 50


@dataclass(frozen=True, slots=True)
class Promise:
    """What the list says of one file of a record; ``file`` is "" for the original. None where it says nothing."""

    row: int
    sha256: str | None
    size: int | None
    pages: int | None
    file: str


@dataclass(frozen=True, slots=True)
class TransferList:
    """The list. ``digest`` is the SHA-256 of its file: that is what was signed."""

    path: Path
    digest: str
    promises: Mapping[str, tuple[Promise, ...]]

    @property
    def bytes(self) -> int:
        """All sizes that it gives."""
        return sum(one.size or 0 for promises in self.promises.values() for one in promises)


def read_transfer_list(path: Path, sheet: str | None = None) -> TransferList:
    """Read a list from .xlsx, .csv or .json.

    Raises:
        NotFound: no such file or sheet.
        InputRefused: it is none, or a row is wrong; every such row is named by row and cell.
    """
    found: dict[str, list[Promise]] = {}
    problems: list[Problem] = []
    last = ""
    for row in _rows(path, sheet):
        # The rows of a record's attachments name it no more.
        code = last = _text(row, "code") or (last if _text(row, "sha256") else "")
        if not code or not _is_data(row):
            continue
        promise = _promise(row, problems)
        if promise is not None:
            twins = found.setdefault(code, [])
            if any(one.file == promise.file for one in twins):
                problems.append(_problem(row, "code", "twice", msg("{code} stands in the list twice", code=code)))
            twins.append(promise)
    if problems:
        raise InputRefused(msg("The list {file} cannot be used.", file=str(path)),
                           msg("Take the list as it was signed; nothing was checked."), problems=problems[:_MANY])
    if not found:
        raise InputRefused(msg("The list {file} names no record.", file=str(path)), _todo())
    digest = files.digests_of(path).sha256
    return TransferList(path, digest, {code: tuple(promises) for code, promises in found.items()})


def _todo() -> Message:
    return msg("It needs the columns {columns}.", columns=listed(COLUMNS[key][0] for key in ("code", "sha256")))


def _key_of(heading: str) -> str | None:
    name = re.sub(r"\s", "", heading).replace("(", "（").replace(")", "）")
    return next((key for key, names in COLUMNS.items() if name.lower() in [one.lower() for one in names]), None)


def _rows(path: Path, sheet: str | None) -> Iterator[RawRow]:
    """Rows with values and cells by our own keys, wherever in a spreadsheet the heads stand."""
    if path.suffix.lower() == ".xlsx":
        yield from _sheet_rows(path, sheet)
        return
    for row in _unwrapped(read_rows(path, sheet).rows):
        keys = {key: name for name in row.values if (key := _key_of(name)) is not None}
        if not {"code", "sha256"} <= set(keys):
            raise InputRefused(msg("{file} is no list of a transfer.", file=str(path)), _todo())
        yield RawRow(row.row, {key: row.values[name] for key, name in keys.items()},
                     {key: row.cells[name] for key, name in keys.items() if name in row.cells})


def _unwrapped(rows: Iterable[RawRow]) -> Iterator[RawRow]:
    """JSON may have its rows under ``items``, and the files of each under ``files``, as our own lists do."""
    for row in rows:
        items = row.values.get("items")
        for position, one in enumerate(items if isinstance(items, list) else [row.values], 1):
            if not isinstance(one, Mapping):
                continue
            place = position if isinstance(items, list) else row.row
            listed_files = one.get("files")
            if not isinstance(listed_files, list):
                yield RawRow(place, one, row.cells)
                continue
            for part in listed_files:
                name = str(part.get("path", "")).rpartition("/")[2] if isinstance(part, Mapping) else ""
                if is_paper(name):
                    yield RawRow(place, {"code": one.get("code"), "pages": one.get("pages"), "file": name,
                                         "sha256": part.get("sha256"), "bytes": part.get("bytes")}, {})


def _sheet_rows(path: Path, sheet: str | None) -> Iterator[RawRow]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(msg("There is no file {file}.", file=str(path)), msg("Check the path.")) from None
    try:
        first = open_sheet(data, str(path), sheet)[0]()
        yield from _listed_rows(first, data, path, [] if sheet else sheet_titles(data)[1:])
    except DamagedWorkbook as damage:
        raise InputRefused(msg("{file} is not valid {kind}: {reason}", file=str(path), kind="xlsx",
                               reason=damage.reason),
                           msg("Take the list as it was signed; nothing was checked.")) from damage


def _listed_rows(
    grid: Iterator[list[object]], data: bytes, path: Path, further: Sequence[str]
) -> Iterator[RawRow]:
    """The rows below the heads of the first sheet that has any: a cover may stand on a sheet of its own."""
    rows = enumerate(grid, 1)
    for _number, cells in islice(rows, _HEAD_WITHIN):
        places = {key: at for at, cell in enumerate(cells)
                  if isinstance(cell, str) and (key := _key_of(cell)) is not None}
        if {"code", "sha256"} <= set(places):
            break
    else:
        if not further:
            raise InputRefused(msg("{file} is no list of a transfer.", file=str(path)), _todo())
        yield from _listed_rows(open_sheet(data, str(path), further[0])[0](), data, path, further[1:])
        return
    for number, cells in rows:
        yield RawRow(number, {key: cells[at] if at < len(cells) else None for key, at in places.items()},
                     {key: f"{column_letters(at + 1)}{number}" for key, at in places.items()})


def _text(row: RawRow, key: str) -> str:
    value = row.values.get(key)
    return "" if value is None or isinstance(value, CellError) else str(value).strip()


def _is_data(row: RawRow) -> bool:
    """Whether a row is one of the list: a sum or a line for signatures has no digest, size or pages."""
    return any(_text(row, key) for key in ("sha256", "size", "pages"))


def _promise(row: RawRow, problems: list[Problem]) -> Promise | None:
    digest = _text(row, "sha256").lower().removeprefix("sha-256:").removeprefix("sha256:")
    if not _DIGEST.fullmatch(digest):
        problems.append(_problem(row, "sha256", "no-digest", msg("no SHA-256: 64 hexadecimal digits")))
        return None
    numbers: dict[str, int | None] = {}
    for key in ("size", "pages"):
        text = _text(row, key).replace(",", "")
        try:
            number = Decimal(text) if text else None
            numbers[key] = None if number is None else int(number)
            if number is not None and (number != numbers[key] or number < 0):
                raise InvalidOperation
        except (InvalidOperation, OverflowError, ValueError):
            problems.append(_problem(row, key, "no-count", msg("no whole number")))
            return None
    name = _text(row, "file").replace("\\", "/").rpartition("/")[2]
    return Promise(row.row, digest, numbers["size"], numbers["pages"], "" if name.startswith("original.") else name)


def _problem(row: RawRow, key: str, code: str, message: Message) -> Problem:
    return Problem(row.row, key, COLUMNS[key][0], row.cells.get(key), code, message)
