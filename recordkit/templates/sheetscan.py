"""What the XML of a sheet tells beyond its values: its true size, hidden rows, and cells that show something else.

The size is learnt before anything is read into memory: one stray cell in XFD1048576 makes a reader lay out 17 billion.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal
from xml.etree import ElementTree
from xml.parsers import expat

from recordkit.messages import Message, msg

COLUMNS_MAX = 1000
_ROWS_MAX = 1_048_576  # of the file format
_CELLS_MAX = 20_000_000
_CHUNK = 1 << 20
_SMALL_PART = 32 << 20  # bytes of workbook.xml, its relations and styles.xml, which are read whole

_TAG = rb"<(?:[\w.-]+:)?"
_CELL = re.compile(_TAG + rb"""c(?=\s)[^<]*?\sr\s*=\s*["']([A-Za-z]+)([0-9]+)["'][^<>]*(?<!/)>""")
_UNPLACED = re.compile(_TAG + rb"c(?=[\s>])(?![^<>]*\sr\s*=)[^<>]*(?<!/)>")
_HIDDEN = re.compile(_TAG + rb"""row\s[^<]*?\shidden\s*=\s*["'](?:1|true)["'][^<>]*(?<!/)>""")
_DELICATE = re.compile(_TAG + rb"""(?:f[\s>/]|c\s[^<]*?\st\s*=\s*["']e["'])""")

_PURE_ZEROS = re.compile(r"(0{2,20})(?:;+@)?")
_FORMAT_PART = re.compile(r'"([^"]*)"|[\\!](.)|\[\$([^\]-]*)[^\]]*\]|(\[[hms]+\])|\[[^\]]*\]|[_*].', re.IGNORECASE)
_HARMLESS = re.compile(r"[\s¥￥$€£元+()-]*(?:人民币|RMB|CNY)?[\s¥￥$€£元+()-]*")  # signs of money
_BUILT_IN = {9: "0%", 10: "0.00%", 12: "# ?/?", 13: "# ??/??"}  # ECMA-376 part 1, 18.8.30

Kind = Literal["error", "formula", "percent", "zeros", "dressed"]


@dataclass(frozen=True, slots=True)
class Special:
    """A cell that is not simply its value; ``text`` is the error, the formula without =, or the number format."""

    kind: Kind
    text: str


@dataclass(slots=True)
class Scan:
    """What one sheet holds.

    Attributes:
        rows: number of the last row with a cell.
        columns: number of the last column with a cell.
        hidden: rows that are hidden and hold cells.
        special: by row and column, both from 0.
    """

    rows: int = 0
    columns: int = 0
    hidden: int = 0
    special: dict[int, dict[int, Special]] = field(default_factory=dict)


class ScanFailure(Exception):  # noqa: N818  (becomes a refusal)
    """The sheet cannot be read; without a reason a part is missing or damaged."""

    def __init__(self, reason: Message | None = None) -> None:
        """Keep the reason untranslated."""
        super().__init__(reason)
        self.reason = reason


def scan(archive: zipfile.ZipFile, title: str) -> Scan:
    """Go through the XML of one sheet without holding it.

    Raises:
        ScanFailure: it is too large, or a part is missing or damaged.
    """
    try:
        part = _part_of(archive, title)
        styles = _special_styles(archive)
        found, careful = _sizes(archive, part)
        if careful or styles:
            exact = _careful(archive, part, styles)
            exact.hidden = found.hidden
            return exact
    except (ElementTree.ParseError, expat.ExpatError) as error:
        raise ScanFailure from error
    return found


def refuse_area(rows: int, columns: int, cell: str) -> None:
    """Refuse a sheet that laid out as a rectangle would fill the memory.

    Raises:
        ScanFailure: naming the cell that makes it so large.
    """
    if rows > _ROWS_MAX:
        raise ScanFailure(msg("cell {cell} lies below row {limit}, the last a sheet has", cell=cell, limit=_ROWS_MAX))
    if columns > COLUMNS_MAX:
        raise ScanFailure(
            msg("cell {cell} lies beyond column {limit}; delete all columns to the right of the table",
                cell=cell, limit=column_letters(COLUMNS_MAX))
        )
    if rows * columns > _CELLS_MAX:
        raise ScanFailure(
            msg("it reaches to cell {cell}, more than {limit} cells; delete all rows and columns outside the table",
                cell=cell, limit=_CELLS_MAX)
        )


def column_letters(number: int) -> str:
    """1 -> A, 27 -> AA."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper()[:6]:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _entry(archive: zipfile.ZipFile, wanted: str) -> str | None:
    """The name of a part as it stands in the archive; programs do not agree on upper and lower case."""
    return next((name for name in archive.namelist() if name.replace("\\", "/").lower() == wanted.lower()), None)


def _tree(archive: zipfile.ZipFile, wanted: str) -> ElementTree.Element | None:
    name = _entry(archive, wanted)
    if name is None:
        return None
    if archive.getinfo(name).file_size > _SMALL_PART:
        raise ScanFailure
    return ElementTree.fromstring(archive.read(name))  # noqa: S314  (expat limits the growth of entities)


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _part_of(archive: zipfile.ZipFile, title: str) -> str:
    book, relations = _tree(archive, "xl/workbook.xml"), _tree(archive, "xl/_rels/workbook.xml.rels")
    if book is None or relations is None:
        raise ScanFailure
    targets = {one.get("Id"): one.get("Target", "") for one in relations}
    for one in book.iter():
        if _local(one.tag) == "sheet" and one.get("name") == title:
            relation = next((value for name, value in one.items() if name.startswith("{") and _local(name) == "id"), "")
            target = targets.get(relation, "").replace("\\", "/")
            inside = target.lstrip("/") if target.startswith(("/", "xl/")) else f"xl/{target}"
            name = _entry(archive, posixpath.normpath(inside))
            if name is not None:
                return name
    raise ScanFailure


def _special_styles(archive: zipfile.ZipFile) -> dict[str, Special]:
    """By index of the style as cells name it: the formats under which a number shows another text."""
    root = _tree(archive, "xl/styles.xml")
    if root is None:
        return {}
    codes = dict(_BUILT_IN)
    for one in root.iter():
        if _local(one.tag) == "numFmt":
            codes[int(one.get("numFmtId", "0"))] = one.get("formatCode", "")
    styles: dict[str, Special] = {}
    for group in root:
        if _local(group.tag) == "cellXfs":
            for index, style in enumerate(group):
                code = codes.get(int(style.get("numFmtId", "0")))
                if code is not None and (special := special_format(code)) is not None:
                    styles[str(index)] = special
    return styles


def special_format(code: str) -> Special | None:
    """How a number format changes what a number shows; None for plain numbers, money, dates.

    Examples: ``00000000`` zeros, ``0.0%`` percent, ``"No. "0`` and ``000-0000`` dressed.
    """
    pure = _PURE_ZEROS.fullmatch(code)
    if pure:
        return Special("zeros", pure[1])
    harmless = True
    dated = False

    def taken(found: re.Match[str]) -> str:
        nonlocal harmless, dated
        literal = next((part for part in found.groups()[:3] if part is not None), None)
        dated = dated or found[4] is not None
        if literal is None:
            return ""
        harmless = harmless and _HARMLESS.fullmatch(literal) is not None
        return "\0" if literal else ""

    bare = _FORMAT_PART.sub(taken, code).lower().replace("general", "0")
    if dated or re.search("[ymdhs]", bare):
        return None  # a date is read as a date, whatever stands between its parts
    if "%" in bare:
        return Special("percent", code)
    sections = bare.split(";")
    zeros = any(section.partition(".")[0].partition("e")[0].count("0") > 1 for section in sections)
    parted = any(re.search(r"[0#?][^0#?.,;e+]+[0#?]", section) for section in sections)
    scaled = any(re.search(r"[0#?],+(?![0#?,])", section) for section in sections)
    strange = re.search(r"[^0#?.,;@e+()¥￥$€£元\s\0-]", bare) is not None
    if zeros or parted or scaled or strange or not harmless or (bare and not bare.strip(";")):
        return Special("dressed", code)
    return None


def _chunks(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """The part in pieces that end before a tag begins, so that no tag is cut."""
    rest = b""
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            whole = rest + chunk
            cut = whole.rfind(b"<")
            if cut < 0 or len(whole) - cut > _CHUNK:
                raise ScanFailure
            yield whole[:cut]
            rest = whole[cut:]
    yield rest


def _sizes(archive: zipfile.ZipFile, part: str) -> tuple[Scan, bool]:
    """Size and hidden rows, and whether the sheet must be gone through cell by cell."""
    found = Scan()
    careful = False
    for chunk in _chunks(archive, part):
        places = _CELL.findall(chunk)
        columns = {letters: _column(letters.decode("ascii")) for letters in {letters for letters, _ in places}}
        for letters, row in {(letters, row) for letters, row in places if columns[letters] > COLUMNS_MAX}:
            refuse_area(1, columns[letters], f"{letters.decode('ascii').upper()[:6]}{int(row[:12])}")
        found.columns = max(found.columns, *columns.values(), 0)
        found.rows = max(found.rows, *(int(row[:12]) for row in {row for _, row in places}), 0)
        found.hidden += len(_HIDDEN.findall(chunk))
        careful = careful or _DELICATE.search(chunk) is not None or _UNPLACED.search(chunk) is not None
    refuse_area(found.rows, found.columns, f"{column_letters(found.columns)}{found.rows}")
    return found, careful


def _careful(archive: zipfile.ZipFile, part: str, styles: dict[str, Special]) -> Scan:
    reader = _CellReader(styles)
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            reader.parser.Parse(chunk, False)
    reader.parser.Parse(b"", True)
    found = reader.found
    refuse_area(found.rows, found.columns, f"{column_letters(found.columns)}{found.rows}")
    return found


class _CellReader:
    """Notes each cell that shows something else than its value."""

    def __init__(self, styles: dict[str, Special]) -> None:
        self.found = Scan()
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._doctype
        self._styles = styles
        self._shared: dict[str, str] = {}
        self._row = self._column = 0  # numbers from 1 of the last row and cell met
        self._cell: dict[str, str] = {}
        self._formula: str | None = None
        self._shared_as = ""
        self._value = ""
        self._text: list[str] = []

    def _doctype(self, *_: object) -> None:
        raise ScanFailure  # no spreadsheet program writes one

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        name = _local(name)
        if name == "row":
            self._row = int(attributes.get("r", self._row + 1))
            self._column = 0
        elif name == "c":
            self._cell, self._formula, self._value = attributes, None, ""
            place = attributes.get("r", "")
            letters = place.rstrip("0123456789")
            self._column = _column(letters) if letters.isalpha() and letters.isascii() else self._column + 1
            if digits := place[len(letters):]:
                self._row = int(digits[:12])
        elif name in {"f", "v"}:
            self._text = []
            self.parser.CharacterDataHandler = self._text.append
            self._shared_as = attributes.get("si", "") if name == "f" else self._shared_as

    def _end(self, name: str) -> None:
        name = _local(name)
        if name == "f":
            self.parser.CharacterDataHandler = None
            self._formula = "".join(self._text)
            if self._shared_as:
                self._formula = self._formula or self._shared.get(self._shared_as, "")
                self._shared.setdefault(self._shared_as, self._formula)
        elif name == "v":
            self.parser.CharacterDataHandler = None
            self._value = "".join(self._text)
        elif name == "c":
            self._note()

    def _note(self) -> None:
        kind = self._cell.get("t", "n")
        special: Special | None = None
        if kind == "e":
            special = Special("error", self._value)
        elif self._formula is not None and not self._value and kind != "str":  # an empty text is a result too
            special = Special("formula", self._formula)
        elif kind == "n" and self._value:
            special = self._styles.get(self._cell.get("s", ""))
        if special is not None or self._value or kind == "inlineStr":
            self.found.rows = max(self.found.rows, self._row)
            self.found.columns = max(self.found.columns, self._column)
        if special is not None:
            if self._column > COLUMNS_MAX or self._row > _ROWS_MAX:
                refuse_area(self._row, self._column, f"{column_letters(self._column)}{self._row}")
            self.found.special.setdefault(self._row - 1, {})[self._column - 1] = special
