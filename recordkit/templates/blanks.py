"""Blanks of an ordinary Word form, and tags put in their place.

A blank is 【户名】, ____, ＿＿, underlined spaces, ``年 月 日``, boxes to tick (□甲 □乙), an empty table cell beside or
beneath a label, or empty table rows beneath a heading row. Reading works on any element tree; writing needs the
elements of python-docx.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from recordkit.templates.wordtext import Block, Element, Run, W

_LABEL_MAX = 15
_DATE = re.compile(
    r"(?:20[0-9]{0,2})?[_＿\s]*年[_＿\s]+月[_＿\s]+日(?P<time>[_＿\s]+[时点][_＿\s]+分)?"
)
_BOXES = re.compile(r"(?:[□☐]\s*[^□☐\s_＿，。；;、（）()]{1,12}[\s、，,/；;]*){2,}")
_BOX = re.compile(r"([□☐])\s*([^□☐\s_＿，。；;、（）()]{1,12})")
_NAMED = re.compile(r"【\s*([^【】]{0,20}?)\s*】")
_LINE = re.compile(r"[_＿]{2,}")
_UNIT = re.compile(r"\s*(元|立方米|m³|m3|㎥|吨|只|份|人|%|MPa|毫米|mm)")
_SIGNS = re.compile(r"[，。；;、\n\t：:]")
_PLAIN = re.compile(r"\W+")

Shape = Literal["named", "line", "date", "instant", "choice", "cell", "table"]


@dataclass(frozen=True, eq=False)
class Blank:
    """One blank.

    Attributes:
        label: the words that name it, cleaned; empty when there are none.
        shape: how it looks.
        block: the paragraph it stands in, for a table its first.
        choices: of boxes to tick.
        unit: the word behind it, such as 元.
        columns: headings of a table's columns; a column of running numbers is left out.
        span: in the paragraph's text.
        rows: of a table: the empty ones, of which the first is kept.
        numbered: whether a table's first column holds running numbers.
    """

    label: str
    shape: Shape
    block: Block
    span: tuple[int, int] = (0, 0)
    choices: tuple[str, ...] = ()
    unit: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[_Row, ...] = ()
    numbered: bool = False


@dataclass(eq=False)
class _Cell:
    element: Element
    blocks: list[Block] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(block.text for block in self.blocks).strip()

    @property
    def label(self) -> str:
        """Its text when it is short enough to name something."""
        text = clean_label(self.text)
        marked = _LINE.search(_masked_all(self.blocks)) or "□" in self.text or "{{" in self.text
        return text if text and len(text) <= _LABEL_MAX and not marked else ""


@dataclass(eq=False)
class _Row:
    element: Element
    cells: list[_Cell] = field(default_factory=list)


def find_blanks(blocks: Sequence[Block]) -> Iterator[Blank]:
    """All blanks of the texts, in their order; tables first decide which of their cells are one table."""
    tables = _tables(blocks)
    beside = {id(cell.element): label for rows in tables for cell, label in _labelled(rows)}
    taken: set[int] = set()
    lists: dict[int, Blank] = {}
    for rows in tables:
        for first, blank, cells in _lists(rows, _title_of(rows, blocks)):
            lists[first] = blank
            taken |= cells
    told: set[int] = set()
    for block in blocks:
        if block.origin != "text":
            continue
        if block.cell is not None and id(block.cell) in taken:
            if id(block.row) in lists and id(block.row) not in told:
                told.add(id(block.row))
                yield lists[id(block.row)]
            continue
        label = beside.get(id(block.cell), "") if block.cell is not None else ""
        found = list(_in_text(block, label))
        yield from found
        if not found and label and not block.text.strip() and id(block.cell) not in told:
            inside = next(cell for rows in tables for row in rows for cell in row.cells if cell.element is block.cell)
            if not inside.text:
                told.add(id(block.cell))
                yield Blank(label, "cell", block)


def clean_label(text: str) -> str:
    """Words as a field's label: no brackets with what is in them, no signs; characters and digits only."""
    text = re.sub(r"[（(【\[][^（）()【】\[\]]*[）)】\]]", "", text)
    text = re.split(r"[:：]\s*$", text.strip())[0]
    text = _PLAIN.sub("", text).strip("_")
    return text if text and not text[0].isdigit() else text.lstrip("0123456789")


# --- in running text ----------------------------------------------------------------------------------------------


def _masked(block: Block) -> str:
    """The text, with underlined spaces as underscores."""
    return "".join(
        re.sub(r"\s", "_", run.text) if _is_underlined(run) and not run.text.strip() else run.text
        for run in block.runs
    )


def _masked_all(blocks: Sequence[Block]) -> str:
    return "".join(map(_masked, blocks))


def _is_underlined(run: Run) -> bool:
    line = None if run.element is None else run.element.find(f"{W}rPr/{W}u")
    return line is not None and line.get(f"{W}val", "single") != "none"


def _in_text(block: Block, beside: str) -> Iterator[Blank]:
    text = _masked(block)
    found: list[tuple[int, int, Shape, re.Match[str]]] = []

    def add(pattern: re.Pattern[str], shape: Shape) -> None:
        for one in pattern.finditer(text):
            if all(one.end() <= start or one.start() >= end for start, end, _, _ in found):
                found.append((one.start(), one.end(), shape, one))

    add(re.compile(r"\{\{.*?\}\}|\{%.*?%\}"), "cell")  # tags that are there already keep their place
    add(_NAMED, "named")
    add(_BOXES, "choice")
    add(_DATE, "date")
    add(_LINE, "line")
    before = 0
    for start, end, shape, one in sorted(found, key=lambda item: item[0]):
        if one[0].startswith("{"):
            before = end
            continue
        if shape == "date":
            apart = text[before:start].strip() and text[:start].rstrip()[-1:] not in ":："
            start += len(one[0]) - len(one[0].lstrip()) if apart else 0
        label = _label_before(text[before:start]) or (beside if not text[:start].strip() else "")
        unit = _UNIT.match(text, end)
        choices: tuple[str, ...] = ()
        if shape == "named":
            label = clean_label(one[1]) or label
        elif shape == "choice":
            choices = tuple(dict.fromkeys(name for _, name in _BOX.findall(one[0])))
        elif shape == "date" and one["time"]:
            shape = "instant"
        yield Blank(label, shape, block, (start, end), choices, unit[1] if unit else "")
        before = end


def _label_before(text: str) -> str:
    """The words right before a blank: those since the last sign, without a sentence that only leads to them."""
    text = re.sub(r"[:：\s]+$", "", text.rstrip())
    piece = _SIGNS.split(text)[-1].strip()
    words = piece.split()
    if len(words) > 1 and not all(len(word) == 1 for word in words):
        piece = words[-1]  # 户　名 is one label, 甲方 户名 are two
    return clean_label(piece)[-_LABEL_MAX:]


# --- tables -------------------------------------------------------------------------------------------------------


def _tables(blocks: Sequence[Block]) -> list[list[_Row]]:
    tables: dict[int, dict[int, _Row]] = {}
    cells: dict[int, _Cell] = {}
    for block in blocks:
        if block.origin != "text" or block.cell is None or block.row is None or block.box is not None:
            continue
        row = tables.setdefault(id(block.table), {}).setdefault(id(block.row), _Row(block.row))
        if id(block.cell) not in cells:
            cells[id(block.cell)] = _Cell(block.cell)
            row.cells.append(cells[id(block.cell)])
        cells[id(block.cell)].blocks.append(block)
    return [list(rows.values()) for rows in tables.values()]


def _title_of(rows: list[_Row], blocks: Sequence[Block]) -> str:
    """The short line right above a table, which names it."""
    above = ""
    for block in blocks:
        if block.cell is not None and block.cell is rows[0].cells[0].element:
            break
        if block.cell is None and block.origin == "text" and block.text.strip():
            above = block.text
    label = clean_label(above)
    return label if len(label) <= _LABEL_MAX and not _LINE.search(above) else ""


def _labelled(rows: list[_Row]) -> Iterator[tuple[_Cell, str]]:
    """Each cell with the label that stands left of it, else above it."""
    for at, row in enumerate(rows):
        for column, cell in enumerate(row.cells):
            label = row.cells[column - 1].label if column else ""
            above = rows[at - 1].cells if at else []
            if not label and len(above) == len(row.cells):
                label = above[column].label
            if label:
                yield cell, label


def _lists(rows: list[_Row], title: str) -> Iterator[tuple[int, Blank, set[int]]]:
    """Empty rows beneath a row of headings: (id of the first empty row, the table, ids of the cells used)."""
    at = 0
    while at < len(rows):
        heads = rows[at].cells
        empty: list[_Row] = []
        while at + 1 + len(empty) < len(rows):
            below = rows[at + 1 + len(empty)]
            filled = [cell.text for cell in below.cells]
            numbered = bool(filled and re.fullmatch(r"[0-9]{1,2}|[一二三四五六七八九十]{1,2}", filled[0]))
            if len(filled) != len(heads) or any(filled[1:]) or (filled[0] and not numbered):
                break
            empty.append(below)
        if len(heads) > 1 and all(cell.label for cell in heads) and len(empty) > 1:
            first = empty[0].cells[0]
            numbered = bool(first.text) or heads[0].label in ("序号", "编号", "项次")
            columns = tuple(cell.label for cell in heads[numbered:])
            blank = Blank(title, "table", first.blocks[0], columns=columns, rows=tuple(empty), numbered=numbered)
            yield id(empty[0].element), blank, {id(cell.element) for row in empty for cell in row.cells}
        at += 1 + len(empty)


# --- writing --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Named:
    """A blank with the name of its field, and the names of its columns.

    ``keeps_blank``: what stands there is printed while the field has no value, for handwriting.
    """

    blank: Blank
    name: str
    columns: tuple[str, ...] = ()
    keeps_blank: bool = False


def write_tags(named: Sequence[Named]) -> None:
    """Put tags in the place of blanks; the elements must be those of python-docx."""
    edits: dict[int, tuple[Block, list[tuple[int, int, str]]]] = {}
    for one in named:
        blank = one.blank
        if blank.shape == "table":
            _write_table(one)
            continue
        block, changes = edits.setdefault(id(blank.block), (blank.block, []))
        if blank.shape == "choice":
            for box in _BOX.finditer(_masked(block), *blank.span):
                tag = f"{{{{ '■' if {one.name} == '{box[2]}' else '□' }}}}"
                changes.append((box.start(1), box.start(1) + 1, tag))
        else:
            old = block.text[slice(*blank.span)].replace("\t", "    ") if one.keeps_blank else ""
            changes.append((*blank.span, f"{{{{ {one.name} or '{old}' }}}}" if old else f"{{{{ {one.name} }}}}"))
    for block, changes in edits.values():
        for start, end, text in sorted(changes, reverse=True):
            replace_text(block, start, end, text)


def replace_text(block: Block, start: int, end: int, text: str) -> None:
    """Replace a stretch of a paragraph; the new text looks like the first run it touches."""
    at, pending = 0, text
    for run in block.runs:
        begin, at = at, at + len(run.text)
        if at < start or begin >= max(end, start + 1) or (at == start < end) or run.source is None:
            continue
        source: Any = run.source
        if not source.tag.endswith("}t"):  # a tab or line break inside the blank
            source.getparent().remove(source)
            continue
        old = source.text or ""
        # Earlier edits of this paragraph lie behind this one, so that the offsets still hold.
        source.text = old[: max(0, start - begin)] + pending + old[max(0, end - begin) :]
        source.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
        pending = ""
    if pending:
        _append(block.element, pending)


def _append(paragraph: Any, text: str) -> None:
    from docx.oxml import OxmlElement

    run: Any = OxmlElement("w:r")
    look = paragraph.find(f"{W}pPr/{W}rPr")
    if look is not None:
        run.append(copy.deepcopy(look))
    content: Any = OxmlElement("w:t")
    content.text = text
    run.append(content)
    paragraph.append(run)


def _write_table(one: Named) -> None:
    """The first empty row repeats; rows with the loop's beginning and end stand around it, the others go."""
    kept: Any = one.blank.rows[0].element
    for row in one.blank.rows[1:]:
        element: Any = row.element
        element.getparent().remove(element)
    names = [f"{{{{ m.{name} }}}}" for name in one.columns]
    texts = ["{{ loop.index }}", *names] if one.blank.numbered else names
    marks = [copy.deepcopy(kept), copy.deepcopy(kept)]
    for cells, words in (
        (kept.findall(f"{W}tc"), texts),
        (marks[0].findall(f"{W}tc"), [f"{{%tr for m in {one.name} %}}"]),
        (marks[1].findall(f"{W}tc"), ["{%tr endfor %}"]),
    ):
        for at, cell in enumerate(cells):
            _fill_cell(cell, words[at] if at < len(words) else "")
    kept.addprevious(marks[0])
    kept.addnext(marks[1])


def _fill_cell(cell: Any, text: str) -> None:
    paragraph = next(cell.iter(f"{W}p"))
    for run in list(paragraph.iter(f"{W}r")):
        run.getparent().remove(run)
    if text:
        _append(paragraph, text)

