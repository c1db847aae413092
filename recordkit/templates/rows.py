"""Rows of data from the files clerks have: spreadsheets, CSV, TOML, JSON, YAML. Values stay as they stand there.

Spreadsheet and YAML libraries are loaded only by the reader that needs them.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import itertools
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from recordkit.errors import InputRefused, NotFound
from recordkit.messages import Message, listed, msg, nearest
from recordkit.templates.sheetscan import column_letters
from recordkit.templates.spreadsheet import CellError, DamagedWorkbook, day_zero, open_sheet, sheet_titles
from recordkit.templates.unreadable import Unreadable, reason_of

_Name = str | Message
STANDARD_INPUT = msg("standard input")
_EXCEL_TEXT = re.compile(r'^="([^"]*)"$')
# Excel and WPS write ~$list.xlsx, WPS .~list.xlsx too, LibreOffice .~lock.list.xlsx#.
_OPEN_BESIDE = re.compile(r"(?:~\$|\.~lock\.|\.~)(.+?)#?")
_LOOKED_AT = 500
_ARRAY_OF_TABLES = re.compile(r"^[ \t]*\[\[", re.MULTILINE)
_BARE_LABEL = re.compile(r"""^[ \t]*([^\x00-\x7f"'#\[][^\s="']*)[ \t]*=""", re.MULTILINE)


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


class Addresses(Mapping[str, str]):
    """Cell addresses of one row, written only when a message asks for one."""

    __slots__ = ("_columns", "_row")

    def __init__(self, columns: Mapping[str, str], row: int) -> None:
        """``columns``: letters by heading."""
        self._columns = columns
        self._row = row

    def __getitem__(self, heading: str) -> str:
        return f"{self._columns[heading]}{self._row}"

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


@dataclass(frozen=True, slots=True)
class Lazily:
    """Rows that are read anew each time they are asked for, so that a long table never stands in memory."""

    begin: Callable[[], Iterator[RawRow]]

    def __iter__(self) -> Iterator[RawRow]:
        return self.begin()


@dataclass(frozen=True, slots=True)
class RowSource:
    """The rows of one file, empty ones left out, and what the reader should know, e.g. the encoding detected.

    ``rows`` can be gone through again and again; a damage deep in the file shows only there (InputRefused).

    Attributes:
        rows: the rows.
        notes: what the reader should know.
        day_zero: the day from which a spreadsheet counts days; None for other files.
    """

    rows: Iterable[RawRow]
    notes: tuple[Message, ...] = ()
    day_zero: date | None = None


class _Empty(InputRefused):
    """Not even a row of headings."""


def _checked(begin: Callable[[], Iterator[RawRow]], notes: Sequence[Message]) -> RowSource:
    """A source whose first row was looked at: a file that is empty or damaged at once is refused at once."""
    next(begin(), None)
    return RowSource(Lazily(begin), tuple(notes))


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
    given = str(source if isinstance(source, Path | str) else getattr(source, "name", None) or "-")
    name = STANDARD_INPUT if given == "-" else given
    if isinstance(source, Path | str) and Path(source).is_dir():
        raise InputRefused(msg("{file} is a folder.", file=name), msg("Name one file in it."))
    if opened := _OPEN_BESIDE.fullmatch(Path(given).name):
        raise InputRefused(
            msg("{file} is no table: the spreadsheet program lays it beside a table that is open in it.", file=name),
            msg("Save the table there, and name the table itself: {file}", file=str(Path(given).with_name(opened[1]))),
        )
    ending = (kind or Path(given).suffix).lower().removeprefix(".")
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
        raise NotFound(msg("There is no file {file}.", file=name), _where_to_look(Path(given))) from error
    except OSError as error:
        raise InputRefused(
            msg("{file} cannot be read.", file=name), msg("Check its permissions, and that no other program holds it.")
        ) from error
    return reader(data, name, sheet)


def _where_to_look(path: Path) -> Message:
    """The table of nearly this name, in its folder or one below; else the folder in which it was looked for."""
    near: dict[str, Path] = {}
    for pattern in ("*", "*/*"):
        with contextlib.suppress(OSError):
            for one in itertools.islice(path.parent.glob(pattern), _LOOKED_AT):
                if one.suffix.lower().removeprefix(".") in _READERS and not _OPEN_BESIDE.fullmatch(one.name):
                    near.setdefault(one.stem, one)
    if (stem := nearest(path.stem, near)) is not None:
        return msg("Did you mean {near}?", near=str(near[stem]))
    return msg("It was looked for in {folder}. Check the path; a file dragged into the terminal writes its own path.",
               folder=str(path.parent.absolute()))


_QUOTED = r"""(?:"[^"\n]*"|'[^'\n]*')"""
_TOML_LINE = re.compile(rf"(?:{_QUOTED}|[^\s\"'=,;:{{}}\[\]]+)\s*=(?!=)")
_TOML_TABLE = re.compile(r"\[\[?[^\[\]{},:]+\]\]?\s*(?:#.*)?$")
_YAML_LINE = re.compile(rf"(?:- +)?(?:{_QUOTED}|[^\s\"',;:{{}}\[\]][^\t,;:]*?)\s*:(?:\s|$)")


def kind_of(content: bytes) -> str:
    """What data without a file name are: xlsx, json, toml, yaml or csv.

    The first lines decide. What is none of the others is csv, whose reader then says what is wrong.
    """
    if content.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        return "xlsx"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "csv"
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030", "replace")
    lines = (line.rstrip() for line in io.StringIO(text))
    told = (line for line in lines if line and not line.lstrip().startswith("#"))
    first = next(told, "").strip()
    if first.startswith("---") or first.startswith("%YAML"):
        return "yaml"
    if first.startswith("{") or (first.startswith("[") and not _is_table(first)):
        return "json"
    if first.startswith("[") or _TOML_LINE.match(first):
        return "toml"
    if first == "-":
        return "yaml"
    if _YAML_LINE.match(first):
        # A heading of a table may hold a colon; then the row below has none at that place.
        second = next((line for line in told if not line.startswith((" ", "\t"))), "")
        return "yaml" if not second or second.startswith(("-", "]", "}")) or _YAML_LINE.match(second) else "csv"
    return "csv"


def _is_table(line: str) -> bool:
    """Whether a line in brackets heads a table of TOML; a list of JSON such as ``["a"]`` or ``[1]`` holds no rows."""
    return bool(_TOML_TABLE.match(line)) and not re.match(r"\[\s*[-\d]", line)


def _broken(name: _Name, kind: str, reason: object) -> InputRefused:
    return InputRefused(
        msg("{file} is not valid {kind}: {reason}", file=name, kind=kind, reason=reason),
        msg("Correct the file, or save it again from the program that made it."),
    )


# --- text -------------------------------------------------------------------------------------------------


def _decoded(data: bytes, name: _Name) -> tuple[str, str]:
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


def _read_csv(data: bytes, name: _Name, _: str | None) -> RowSource:
    """Comma, tab or semicolon, whichever the first line has most of."""
    text, encoding = _decoded(data, name)
    heading = next((line for line in text.splitlines() if line.strip()), "")
    return _delimited(text, encoding, name, max(",\t;", key=heading.count))


def _read_tsv(data: bytes, name: _Name, _: str | None) -> RowSource:
    return _delimited(*_decoded(data, name), name, "\t")


def _delimited(text: str, encoding: str, name: _Name, delimiter: str) -> RowSource:
    def rows() -> Iterator[RawRow]:
        begun = 1  # a quotation mark that is never closed is found at the end of the file

        def grid() -> Iterator[list[str]]:
            nonlocal begun
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
            for row in reader:
                begun = reader.line_num + 1
                # Billing systems write ="0012" so that Excel keeps the zeros.
                yield [_EXCEL_TEXT.sub(r"\1", cell) if cell.startswith('="') else cell for cell in row]

        try:
            yield from _from_grid(grid(), name)
        except csv.Error as error:
            raise _broken(name, "CSV", reason_of(error, line=begun)) from error

    told = encoding.upper().removesuffix("-SIG")
    return _checked(rows, (msg("{file} read as {encoding}.", file=name, encoding=told),))


def _is_blank(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _from_grid(grid: Iterable[Sequence[object]], name: _Name) -> Iterator[RawRow]:
    headings: list[str] | None = None
    columns: dict[str, str] = {}
    for number, row in enumerate(grid, 1):
        if all(map(_is_blank, row)):
            continue
        if headings is None:
            headings = _headings(row, name, number)
            columns = {heading: column_letters(at) for at, heading in enumerate(headings, 1) if heading}
            named = [(at, heading) for at, heading in enumerate(headings) if heading]
            all_named = len(named) == len(headings)
            continue
        if all_named and len(row) == len(headings):
            yield RawRow(number, dict(zip(headings, row, strict=True)), Addresses(columns, number))
            continue
        values: dict[str, object] = {heading: row[at] if at < len(row) else None for at, heading in named}
        stray = {
            f"[{column_letters(at + 1)}]": (column_letters(at + 1), cell)
            for at, cell in enumerate(row)
            if (at >= len(headings) or not headings[at]) and not _is_blank(cell)
        }
        values |= {heading: cell for heading, (_, cell) in stray.items()}
        known = {**columns, **{heading: letters for heading, (letters, _) in stray.items()}} if stray else columns
        yield RawRow(number, values, Addresses(known, number))
    if headings is None:
        raise _Empty(
            msg("{file} is empty.", file=name), msg("The first row takes the field names, the rows below the data.")
        )


def _headings(row: Sequence[object], name: _Name, number: int) -> list[str]:
    headings = ["" if cell is None or isinstance(cell, CellError) else str(cell).strip() for cell in row]
    while headings and not headings[-1]:
        headings.pop()  # an empty column behind the last heading is no column
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


def _from_document(document: object, name: _Name, kind: str) -> RowSource:
    items = document if isinstance(document, list) else [document]
    rows = []
    for position, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise _broken(name, kind, msg("entry {position} is not a set of names and values", position=position))
        if any(value is not None and value != "" for value in item.values()):
            rows.append(RawRow(position, {str(key): value for key, value in item.items()}, {}))
    return RowSource(tuple(rows))


def _read_toml(data: bytes, name: _Name, _: str | None) -> RowSource:
    """One document, or several as ``[[rows]]`` under any name: TOML has no list at its top."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _broken(name, "TOML", reason_of(error)) from error
    try:
        document: Any = tomllib.loads(text, parse_float=_decimal)
    except (ValueError, RecursionError) as error:
        if bare := _BARE_LABEL.search(text):
            raise InputRefused(
                msg("{file} is not valid TOML: {reason}", file=name, reason=reason_of(error)),
                msg('Write Chinese names in quotes: "{label}" = ...', label=bare[1]),
            ) from error
        raise _broken(name, "TOML", reason_of(error)) from error
    only = next(iter(document.values())) if len(document) == 1 else None
    # [[rows]], [[文书]] ...: but meters = [{...}] is the table of a single document.
    several = isinstance(only, list) and ("rows" in document or _ARRAY_OF_TABLES.search(text))
    return _from_document(only if several else document, name, "TOML")


def _read_json(data: bytes, name: _Name, _: str | None) -> RowSource:
    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        # json keeps the last of two equal names without a word: one of two values would be lost.
        found: dict[str, object] = {}
        for key, value in pairs:
            if key in found:
                raise Unreadable(msg("the name {name} is given twice", name=key))
            found[key] = value
        return found

    try:
        text, _encoding = _decoded(data, name)
        document = json.loads(text, parse_float=_decimal, parse_constant=_no_constant, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise _broken(name, "JSON", reason_of(error)) from error
    return _from_document(document, name, "JSON")


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError as error:  # an exponent of twenty digits
        raise Unreadable(msg("a number in it is too long")) from error


def _no_constant(text: str) -> object:
    raise Unreadable(msg("{text} is no number", text=text))


def _read_yaml(data: bytes, name: _Name, _: str | None) -> RowSource:
    import yaml

    class TextLoader(yaml.SafeLoader):
        """Leaves unquoted values as text: YAML 1.1 reads the account 0123 as 83 and 12:30 as 750."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            # A few lines of aliases to aliases unfold to gigabytes; and a text behind & would lose its first word.
            event = self.peek_event()  # type: ignore[no-untyped-call]
            if getattr(event, "anchor", None) is not None:
                raise Unreadable(msg("line {line}: a value begins with & or *, which stands for something else; "
                                     "quote it", line=event.start_mark.line + 1))
            return super().compose_node(parent, index)

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
        raise _broken(name, "YAML", reason_of(error)) from error
    return _from_document(document, name, "YAML")


# --- spreadsheets -----------------------------------------------------------------------------------------


def _read_xlsx(data: bytes, name: _Name, sheet: str | None) -> RowSource:
    try:
        grid, notes = open_sheet(data, name, sheet)
    except DamagedWorkbook as damage:
        raise _broken(name, "xlsx", damage.reason) from damage

    def rows() -> Iterator[RawRow]:
        try:
            yield from _from_grid(grid(), name)
        except DamagedWorkbook as damage:
            raise _broken(name, "xlsx", damage.reason) from damage

    try:
        found = _checked(rows, notes)
    except _Empty:
        if sheet is not None or len(titles := sheet_titles(data)) == 1:
            raise
        raise InputRefused(
            msg("The first sheet of {file} is empty: {sheet}.", file=name, sheet=titles[0]),
            msg("Name the sheet that holds the data with --sheet: {sheets}.", sheets=listed(titles[1:], 5)),
        ) from None
    return replace(found, day_zero=day_zero(data))


_READERS: Mapping[str, Callable[[bytes, _Name, str | None], RowSource]] = {
    "xlsx": _read_xlsx,
    "csv": _read_csv,
    "tsv": _read_tsv,
    "toml": _read_toml,
    "yaml": _read_yaml,
    "yml": _read_yaml,
    "json": _read_json,
}
ACCEPTED = listed(f".{ending}" for ending in _READERS)
