"""What stands where in a Word file: its parts, paragraphs and table cells with their text and place.

Only reading, with the standard library alone. A tag may be split over several runs (Word does that while one types);
the text of a paragraph is therefore joined before anyone looks for tags in it.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal
from xml.etree import ElementTree

from recordkit.errors import InputRefused
from recordkit.messages import Message, msg

Element = ElementTree.Element
Kind = Literal["body", "header", "footer", "footnote", "endnote", "comment", "properties", "other"]

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_MATH_TEXT = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"

LARGEST_FILE = 30 << 20
LARGEST_PARTS = 200 << 20
"""Bytes of a Word file, packed and unpacked. A form is some 30 KB; a bomb must not fill the memory."""

FILLED_PROPERTIES = frozenset({"creator", "description", "identifier", "language", "subject", "title"})
"""Core properties that docxtpl fills; tags in the others stay as they are."""

_KINDS: Mapping[str, Kind] = {
    "document.main+xml": "body",
    "template.main+xml": "body",
    "header+xml": "header",
    "footer+xml": "footer",
    "footnotes+xml": "footnote",
    "endnotes+xml": "endnote",
    "comments+xml": "comment",
    "core-properties+xml": "properties",
    "extended-properties+xml": "properties",
    "custom-properties+xml": "properties",
}
FILLED: frozenset[Kind] = frozenset({"body", "header", "footer", "footnote", "properties"})
"""Kinds of parts whose tags are filled."""

_PART_WORDS: Mapping[str, Message] = {
    "body": msg("body"),
    "header": msg("header"),
    "footer": msg("footer"),
    "footnote": msg("footnote"),
    "endnote": msg("endnote"),
    "comment": msg("comment"),
    "properties": msg("file properties"),
    "other": msg("hidden part"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a finding stands, as a person finds it in Word.

    Attributes:
        part: kind of part.
        number: 2 for the second header; 0 when there is one only.
        cells: (table, row, cell) from 1, the outermost table first; empty outside tables.
        paragraph: from 1, counted in the cell, text box, note or, outside of these, in the part; 0 for none.
        text_box: whether it stands in a text box.
        detail: name of a property, of a part nobody sees, or of what else carries the text.
    """

    part: Kind
    number: int = 0
    cells: tuple[tuple[int, int, int], ...] = ()
    paragraph: int = 0
    text_box: bool = False
    detail: str = ""

    @property
    def part_id(self) -> str:
        """A stable word for programs: ``body``, ``header1``, ``textbox``."""
        if self.text_box:
            return "textbox"
        return f"{self.part}{self.number or ''}"

    @property
    def words(self) -> Message:
        """The place in words."""
        steps: list[Message] = [
            msg("{part} {number}", part=_PART_WORDS[self.part], number=self.number)
            if self.number
            else _PART_WORDS[self.part]
        ]
        if self.text_box:
            steps.append(msg("text box"))
        for table, row, cell in self.cells:
            steps.append(msg("table {table} row {row} cell {cell}", table=table, row=row, cell=cell))
        if self.paragraph and (not self.cells or self.paragraph > 1):
            steps.append(msg("paragraph {number}", number=self.paragraph))
        if self.detail:
            steps.append(msg("{text}", text=self.detail))
        found = steps[0]
        for step in steps[1:]:
            found = msg("{outer}, {inner}", outer=found, inner=step)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A stretch of text of one look: its run, and the element that holds the text."""

    text: str
    element: Element | None
    source: Element | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One paragraph, or another text that stands alone.

    Attributes:
        origin: ``text`` of a paragraph; ``deleted`` text under tracked changes; the command of a ``field``; an
            ``attribute``, which nobody sees in Word; a ``property`` of the file.
        element: the paragraph.
        cell, row, table: the innermost ones, None outside tables.
        box: the text box it stands in.
        is_core: whether it is one of the core properties (docProps/core.xml).
    """

    place: Place
    runs: tuple[Run, ...]
    origin: Literal["text", "deleted", "field", "attribute", "property"] = "text"
    element: Element | None = None
    cell: Element | None = None
    row: Element | None = None
    table: Element | None = None
    box: Element | None = None
    is_core: bool = False

    @property
    def text(self) -> str:
        """The text of all runs."""
        return "".join(run.text for run in self.runs)


@dataclass(frozen=True, eq=False)
class Part:
    """One XML part.

    Attributes:
        name: its name in the package.
        relations: (kind, target) by relationship id.
    """

    name: str
    kind: Kind
    number: int
    root: Element
    relations: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """The part as a whole."""
        return Place(self.kind, self.number)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """All its texts, in their order."""
        if self.kind == "properties":
            return tuple(_properties(self))
        if self.kind == "other":
            return tuple(_loose(self))
        return tuple(_walk(self))


@dataclass(frozen=True, eq=False)
class WordFile:
    """A Word file, read."""

    parts: tuple[Part, ...]
    size: int

    @property
    def blocks(self) -> Iterator[Block]:
        """All texts of all parts."""
        for part in self.parts:
            yield from part.blocks

    def named(self, name: str) -> Element | None:
        """The root of the part of this name, such as ``word/styles.xml``."""
        return next((part.root for part in self.parts if part.name == name), None)


def read_word(data: bytes, name: str = "template.docx") -> WordFile:
    """Read a Word file.

    Raises:
        InputRefused: it is none, is damaged, or is larger than a form can be.
    """
    damaged = InputRefused(
        msg("{file} is not a Word document.", file=name), msg("Save it as .docx in Word or WPS.")
    )
    if len(data) > LARGEST_FILE:
        raise _too_large(name)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            if sum(one.file_size for one in package.infolist()) > LARGEST_PARTS:
                raise _too_large(name)
            found = {one: package.read(one) for one in package.namelist() if one.endswith((".xml", ".rels"))}
        kinds = _content_types(found["[Content_Types].xml"])
        roots = {one: _parsed(text) for one, text in found.items() if one != "[Content_Types].xml"}
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, OSError, EOFError, NotImplementedError,
            RuntimeError) as error:
        # RuntimeError: a package with a password.
        raise damaged from error
    if "body" not in kinds.values():
        raise damaged
    counts: dict[str, int] = {}
    several = [kind for kind in ("header", "footer") if list(kinds.values()).count(kind) > 1]
    parts = []
    for one in sorted(roots, key=lambda part: (list(_PART_WORDS).index(kinds.get(part, "other")), _natural(part))):
        if one.endswith(".rels"):
            continue
        kind = kinds.get(one, "other")
        counts[kind] = counts.get(kind, 0) + 1
        folder, base = posixpath.split(one)
        relations = _relations(roots.get(f"{folder}/_rels/{base}.rels"), folder)
        parts.append(Part(one, kind, counts[kind] if kind in several else 0, roots[one], relations))
    return WordFile(tuple(parts), len(data))


def _too_large(name: str) -> InputRefused:
    return InputRefused(
        msg("{file} is larger than a form can be ({limit} MB).", file=name, limit=LARGEST_FILE >> 20),
        msg("Shrink its pictures, or take out what does not belong to the form."),
    )


def _parsed(text: bytes) -> Element:
    if b"<!DOCTYPE" in text[:4096]:
        raise ElementTree.ParseError("a document type")  # no Word file has one; entities could fill the memory
    return ElementTree.fromstring(text)  # noqa: S314


def _natural(name: str) -> list[object]:
    return [(int(piece), "") if piece.isdigit() else (0, piece) for piece in re.split(r"(\d+)", name)]


def _content_types(text: bytes) -> dict[str, Kind]:
    found: dict[str, Kind] = {}
    for one in _parsed(text):
        content, name = one.get("ContentType", ""), one.get("PartName", "")
        kind = _KINDS.get(content.rpartition(".")[2]) or _KINDS.get(content.partition("wordprocessingml.")[2])
        if name and kind is not None:
            found[name.lstrip("/")] = kind
    return found


def _relations(root: Element | None, folder: str) -> dict[str, tuple[str, str]]:
    found = {}
    for one in () if root is None else root.iter(_RELATION):
        target = one.get("Target", "")
        if one.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join(folder, target)).lstrip("/") if target[:1] != "/" else target[1:]
        found[one.get("Id", "")] = (one.get("Type", "").rpartition("/")[2], target)
    return found


# --- walking ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Spot:
    place: Place
    cell: Element | None = None
    row: Element | None = None
    table: Element | None = None
    box: Element | None = None


class _Counter:
    def __init__(self) -> None:
        self.paragraphs = 0
        self.tables = 0


def _walk(part: Part) -> Iterator[Block]:
    if part.kind in ("footnote", "endnote", "comment"):
        number = 0
        for note in part.root:
            if note.get(f"{W}type") in ("separator", "continuationSeparator", "continuationNotice"):
                continue
            number += 1
            yield from _inside(note, _Spot(replace(part.place, number=number)), _Counter())
        return
    body = part.root.find(f"{W}body") if part.kind == "body" else part.root
    if body is not None:
        yield from _inside(body, _Spot(part.place), _Counter())


def body_blocks(root: Element, kind: Kind) -> list[Block]:
    """The texts of one part whose root is already parsed, e.g. by python-docx, which can then be changed."""
    return list(_walk(Part("", kind, 0, root)))


def _inside(container: Element, spot: _Spot, counter: _Counter) -> Iterator[Block]:
    for child in container:
        if child.tag == f"{W}p":
            counter.paragraphs += 1
            yield from _paragraph(child, replace(spot, place=replace(spot.place, paragraph=counter.paragraphs)))
        elif child.tag == f"{W}tbl":
            counter.tables += 1
            yield from _table(child, spot, counter.tables)
        elif child.tag != _FALLBACK:
            yield from _inside(child, spot, counter)  # content controls, insertions and the like


def _rows(container: Element, wanted: str) -> Iterator[Element]:
    """Rows of a table or cells of a row, content controls around them looked through."""
    for child in container:
        if child.tag == wanted:
            yield child
        elif child.tag not in (f"{W}tbl", f"{W}p", f"{W}tblPr", f"{W}trPr"):
            yield from _rows(child, wanted)


def _table(table: Element, spot: _Spot, number: int) -> Iterator[Block]:
    for row_number, row in enumerate(_rows(table, f"{W}tr"), 1):
        for cell_number, cell in enumerate(_rows(row, f"{W}tc"), 1):
            place = replace(spot.place, cells=(*spot.place.cells, (number, row_number, cell_number)), paragraph=0)
            yield from _inside(cell, _Spot(place, cell, row, table, spot.box), _Counter())


def _paragraph(paragraph: Element, spot: _Spot) -> Iterator[Block]:
    texts: dict[str, list[Run]] = {"text": [], "deleted": [], "field": []}
    boxes: list[Element] = []
    hidden: list[tuple[str, str]] = []
    _collect(paragraph, None, texts, boxes, hidden)

    def block(runs: list[Run], origin: Literal["text", "deleted", "field", "attribute"], detail: str = "") -> Block:
        place = replace(spot.place, detail=detail)
        return Block(place, tuple(runs), origin, paragraph, spot.cell, spot.row, spot.table, spot.box)

    yield block(texts["text"], "text")
    if texts["deleted"]:
        yield block(texts["deleted"], "deleted")
    if texts["field"]:
        yield block(texts["field"], "field")
    for name, value in hidden:
        yield block([Run(value, None)], "attribute", name)
    for box in boxes:
        place = replace(spot.place, text_box=True)
        yield from _inside(box, replace(spot, place=place, box=box), _Counter())


def _collect(
    element: Element,
    run: Element | None,
    texts: dict[str, list[Run]],
    boxes: list[Element],
    hidden: list[tuple[str, str]],
) -> None:
    for child in element:
        tag = child.tag
        if tag == f"{W}t" or tag == _MATH_TEXT:
            texts["text"].append(Run(child.text or "", run, child))
        elif tag in (f"{W}tab", f"{W}ptab") and run is not None:
            texts["text"].append(Run("\t", run, child))
        elif tag in (f"{W}br", f"{W}cr"):
            texts["text"].append(Run("\n", run, child))
        elif tag == f"{W}delText":
            texts["deleted"].append(Run(child.text or "", run, child))
        elif tag == f"{W}instrText":
            texts["field"].append(Run(child.text or "", run, child))
        elif tag == f"{W}txbxContent":
            boxes.append(child)
            continue
        elif tag == _FALLBACK:
            continue  # the same text once more, for old programs
        for name, value in child.attrib.items():
            if tag == f"{W}fldSimple" and name == f"{W}instr":
                texts["field"].append(Run(value, None))
            elif "{{" in value or "{%" in value:
                hidden.append((name.rpartition("}")[2], value))
        _collect(child, child if tag == f"{W}r" else run, texts, boxes, hidden)


def _properties(part: Part) -> Iterator[Block]:
    for one in part.root.iter():
        if one.text and one.text.strip():
            name = one.get("name") or one.tag.rpartition("}")[2]
            core = part.root.tag.endswith("}coreProperties")
            yield Block(replace(part.place, detail=name), (Run(one.text, None),), "property", one, is_core=core)


def _loose(part: Part) -> Iterator[Block]:
    """Text and attributes with tags of parts that nobody fills: charts, drawings, building blocks, settings."""
    for one in part.root.iter():
        for value in (one.text or "", *one.attrib.values()):
            if "{{" in value or "{%" in value:
                yield Block(replace(part.place, detail=part.name), (Run(value, None),), "attribute", one)
