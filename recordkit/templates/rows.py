"""Rows of data from the files clerks have: spreadsheets, CSV, TOML, JSON, YAML. Values stay as they stand there.

Spreadsheet and YAML libraries are loaded only by the reader that needs them.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from recordkit.errors import InputRefused, NotFound
from recordkit.messages import Message, msg

_OLE = b"\xd0\xcf\x11\xe0"  # old .xls, and .xlsx behind a password
_EXCEL_TEXT = re.compile(r'="([^"]*)"')
_ZEROS = re.compile(r"0{2,20}")
_FORMULA = re.compile(rb"<(?:\w+:)?f[ >/]")
_BARE_LABEL = re.compile(r"""^[ \t]*([^\x00-\x7f"'#\[][^\s="']*)[ \t]*=""", re.MULTILINE)
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class CellError:
    """What a spreadsheet cell holds instead of a value: an error such as #N/A, or a formula nobody computed."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as it stands in the file.

    Attributes:
        row: 1-based row of the spreadsheet with its header counted, or 1-based position in a list.
        values: by heading; a cell under no heading stands under its column letters in brackets, ``[H]``.
        cells: address such as ``C7`` by heading; empty where there is no grid.
    """

    row: int
    values: Mapping[str, object]
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RowSource:
    """The rows of one file, empty ones left out, and what the reader should know, e.g. the encoding detected."""

    rows: tuple[RawRow, ...]
    notes: tuple[Message, ...] = ()


def read_rows(source: Path | str | BinaryIO, sheet: str | None = None, *, kind: str = "") -> RowSource:
    """Read all rows of a file.

    Args:
        source: path, or an open binary stream.
        sheet: name of a spreadsheet's sheet; default the first one.
        kind: file type such as ``csv`` for a stream without a name; else the name's ending decides.

    Raises:
        NotFound: no such file or sheet.
        InputRefused: an unknown type, or a file that cannot be read as its type.
    """
    name = str(source if isinstance(source, Path | str) else getattr(source, "name", None) or "-")
    ending = (kind or Path(name).suffix).lower().removeprefix(".")
    reader = _READERS.get(ending)
    if reader is None:
        todo = (
            msg("Open it in the spreadsheet program and save it as .xlsx.")
            if ending in {"xls", "et", "ods", "xlsm", "xlsb", "numbers"}
            else msg("Accepted are {types}.", types=ACCEPTED)
        )
        raise InputRefused(msg("{file} is of a type that cannot be read: {type}.", file=name, type=ending or "?"), todo)
    if sheet is not None and ending != "xlsx":
        raise InputRefused(msg("{file} has no sheets; only .xlsx has.", file=name), msg("Leave the sheet out."))
    try:
        data = Path(source).read_bytes() if isinstance(source, Path | str) else source.read()
    except FileNotFoundError as error:
        raise NotFound(msg("There is no file {file}.", file=name), msg("Check the path.")) from error
    except OSError as error:
        raise InputRefused(
            msg("{file} cannot be read: {reason}", file=name, reason=error.strerror), msg("Check its permissions.")
        ) from error
    return reader(data, name, sheet)


def _broken(name: str, kind: str, reason: object) -> InputRefused:
    return InputRefused(
        msg("{file} is not valid {kind}: {reason}", file=name, kind=kind, reason=reason),
        msg("Correct the file, or save it again from the program that made it."),
    )


# --- text -------------------------------------------------------------------------------------------------


def _decoded(data: bytes, name: str) -> tuple[str, str]:
    """Text and encoding. UTF-8 is tried first: GB18030 would accept nearly all of it and yield other characters."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        order = ["utf-16"]
    elif data.startswith(codecs.BOM_UTF8):
        order = ["utf-8-sig"]
    else:
        order = ["utf-8", "gb18030"]
    for encoding in order:
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise InputRefused(
        msg("{file} is neither UTF-8 nor GB18030 text.", file=name),
        msg("Save it as UTF-8, in Excel as: CSV UTF-8."),
    )


def _read_csv(data: bytes, name: str, _: str | None) -> RowSource:
    """Comma, tab or semicolon, whichever the first line has most of."""
    text, encoding = _decoded(data, name)
    heading = next((line for line in text.splitlines() if line.strip()), "")
    return _delimited(text, encoding, name, max(",\t;", key=heading.count))


def _read_tsv(data: bytes, name: str, _: str | None) -> RowSource:
    return _delimited(*_decoded(data, name), name, "\t")


def _delimited(text: str, encoding: str, name: str, delimiter: str) -> RowSource:
    try:
        grid = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise _broken(name, "CSV", error) from error
    # Billing systems write ="0012" so that Excel keeps the zeros.
    cells = ([_EXCEL_TEXT.sub(r"\1", cell) if _EXCEL_TEXT.fullmatch(cell) else cell for cell in row] for row in grid)
    rows = tuple(_from_grid(cells, name))
    return RowSource(rows, (msg("{file} read as {encoding}.", file=name, encoding=encoding.upper()),))


def column_letters(number: int) -> str:
    """1 -> A, 27 -> AA."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _is_blank(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _from_grid(grid: Iterable[Sequence[object]], name: str) -> Iterator[RawRow]:
    headings: list[str] | None = None
    for number, row in enumerate(grid, 1):
        if all(map(_is_blank, row)):
            continue
        if headings is None:
            headings = _headings(row, name, number)
            continue
        values: dict[str, object] = {heading: None for heading in headings if heading}
        cells: dict[str, str] = {
            heading: f"{column_letters(at)}{number}" for at, heading in enumerate(headings, 1) if heading
        }
        for at, cell in enumerate(row, 1):
            heading = headings[at - 1] if at <= len(headings) else ""
            if heading or not _is_blank(cell):
                heading = heading or f"[{column_letters(at)}]"
                values[heading] = cell
                cells[heading] = f"{column_letters(at)}{number}"
        yield RawRow(number, values, cells)
    if headings is None:
        raise InputRefused(
            msg("{file} is empty.", file=name), msg("The first row takes the field names, the rows below the data.")
        )


def _headings(row: Sequence[object], name: str, number: int) -> list[str]:
    headings = ["" if cell is None else str(cell).strip() for cell in row]
    for at, heading in enumerate(headings, 1):
        if heading and heading in headings[: at - 1]:
            raise InputRefused(
                msg(
                    "{file} has the heading {heading} twice, again in cell {cell}.",
                    file=name,
                    heading=heading,
                    cell=f"{column_letters(at)}{number}",
                ),
                msg("Rename or delete one of the two columns."),
            )
    return headings


# --- documents --------------------------------------------------------------------------------------------


def _from_document(document: object, name: str, kind: str) -> RowSource:
    items = document if isinstance(document, list) else [document]
    rows = []
    for position, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise _broken(name, kind, msg("entry {position} is not a set of names and values", position=position))
        if any(value is not None and value != "" for value in item.values()):
            rows.append(RawRow(position, {str(key): value for key, value in item.items()}, {}))
    return RowSource(tuple(rows))


def _read_toml(data: bytes, name: str, _: str | None) -> RowSource:
    """One document, or several as ``[[rows]]``: TOML has no list at its top."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _broken(name, "TOML", error) from error
    try:
        document: Any = tomllib.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        if bare := _BARE_LABEL.search(text):
            raise InputRefused(
                msg("{file} is not valid TOML: {reason}", file=name, reason=error),
                msg('Write Chinese names in quotes: "{label}" = ...', label=bare[1]),
            ) from error
        raise _broken(name, "TOML", error) from error
    several = isinstance(document.get("rows"), list) and len(document) == 1
    return _from_document(document["rows"] if several else document, name, "TOML")


def _read_json(data: bytes, name: str, _: str | None) -> RowSource:
    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        # json keeps the last of two equal names without a word: one of two values would be lost.
        found: dict[str, object] = {}
        for key, value in pairs:
            if key in found:
                raise ValueError(f"{key!r} is given twice")
            found[key] = value
        return found

    try:
        text, _encoding = _decoded(data, name)
        document = json.loads(text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise _broken(name, "JSON", error) from error
    return _from_document(document, name, "JSON")


def _no_constant(text: str) -> object:
    raise ValueError(f"{text} is no number")


def _read_yaml(data: bytes, name: str, _: str | None) -> RowSource:
    import yaml

    class TextLoader(yaml.SafeLoader):
        """Leaves unquoted values as text: YAML 1.1 reads the account 0123 as 83 and 12:30 as 750."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[object, object]:
            names = [key.value for key, _ in node.value]
            if len({str(key) for key in names}) != len(names):
                raise yaml.constructor.ConstructorError(None, None, "a name is given twice", node.start_mark)
            mapping: dict[object, object] = super().construct_mapping(node, deep)
            return mapping

    null = "tag:yaml.org,2002:null"
    TextLoader.yaml_implicit_resolvers = {
        first: kept
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        if (kept := [(tag, form) for tag, form in resolvers if tag == null])
    }
    try:
        document = yaml.load(data.decode("utf-8-sig"), Loader=TextLoader)  # noqa: S506  a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _broken(name, "YAML", error) from error
    return _from_document(document, name, "YAML")


# --- spreadsheets -----------------------------------------------------------------------------------------


def _read_xlsx(data: bytes, name: str, sheet: str | None) -> RowSource:
    if data.startswith(_OLE):
        raise InputRefused(
            msg("{file} is protected by a password or an old .xls file under another name.", file=name),
            msg("Open it in the spreadsheet program and save it as .xlsx without a password."),
        )
    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        titles = [one.title for one in book.worksheets]
        if not titles:
            raise _broken(name, "xlsx", msg("it has no sheet"))
        title = sheet if sheet is not None else titles[0]
        if title not in titles:
            raise NotFound(
                msg("{file} has no sheet {sheet}.", file=name, sheet=title),
                msg("Its sheets are: {sheets}.", sheets="、".join(titles)),
            )
        grid = list(_sheet_cells(book[title]))
        if _has_formulas(data):
            _mark_uncomputed(grid, openpyxl.load_workbook(io.BytesIO(data), read_only=True)[title])
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, SyntaxError, OSError, EOFError) as error:
        # SyntaxError: xml.etree's ParseError. openpyxl lets all of these escape on damaged files.
        raise _broken(name, "xlsx", error) from error
    notes = []
    if len(titles) > 1 and sheet is None:
        notes.append(msg("Only the first of {count} sheets was read: {sheet}.", count=len(titles), sheet=title))
    return RowSource(tuple(_from_grid(grid, name)), tuple(notes))


def _sheet_cells(sheet: Any) -> Iterator[list[object]]:
    sheet.reset_dimensions()  # some programs write a wrong size, and openpyxl would silently stop there
    for row in sheet.iter_rows():
        yield [_cell_value(cell) for cell in row]


def _cell_value(cell: Any) -> object:
    value = cell.value
    if cell.data_type == "e":
        return CellError(str(value))
    if type(value) is int and value >= 0 and _ZEROS.fullmatch(cell.number_format or ""):
        return str(value).zfill(len(cell.number_format))  # the cell shows its leading zeros; so they are meant
    return value


def _has_formulas(data: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.namelist():
            if not entry.startswith("xl/worksheets/"):
                continue
            tail = b""
            with archive.open(entry) as part:
                while chunk := part.read(_CHUNK):
                    if _FORMULA.search(tail + chunk):
                        return True
                    tail = chunk[-40:]
    return False


def _mark_uncomputed(grid: list[list[object]], sheet: Any) -> None:
    """A formula that was never computed reads as empty, and an optional field would be left out without a word."""
    sheet.reset_dimensions()
    for row, cells in zip(grid, sheet.iter_rows(), strict=False):
        for at, cell in enumerate(cells):
            if at < len(row) and row[at] is None and cell.data_type == "f":
                row[at] = CellError(f"formula {cell.value}")


_READERS: Mapping[str, Callable[[bytes, str, str | None], RowSource]] = {
    "xlsx": _read_xlsx,
    "csv": _read_csv,
    "tsv": _read_tsv,
    "toml": _read_toml,
    "yaml": _read_yaml,
    "yml": _read_yaml,
    "json": _read_json,
}
ACCEPTED = ", ".join(f".{ending}" for ending in _READERS)
