"""Tables as wide as the terminal: codes and dates stay in one piece, titles and reasons give way.

What is copied into the next command - a code, a number, a day - is never broken over lines, neither in a column of its
own nor inside a sentence; Chinese is broken between any two characters, but no line begins with a closing sign.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence

Paint = Callable[[int | None, int, str], str]

BETWEEN = "   "
INDENT = "     "
_NARROWEST = 6
_COMFORTABLE = 16
"""Columns below which a text is torn to shreds: it stands under its row rather than in a narrower column."""
_PIECE = r"(?:[!-~·〔〕]+|[^\s])[，。；：、！？）”’》】…]*|\s+"
"""What stays together: a run of letters, digits and signs, or one other character, with closing signs behind it."""


_CONTROL = "[\x00-\x09\x0b-\x1f\x7f-\x9f]"


def columns_of(text: str) -> int:
    """Columns a text takes in a terminal: a Chinese character two (UAX #11, classes W and F), a mark above one none.

    Without rich, which takes longer to load than an error or a help text may take.
    """
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def lines_of(
    rows: Sequence[Sequence[str]], headings: Sequence[str], width: int | None, whole: Collection[int] = (),
    paint: Paint | None = None,
) -> Iterator[str]:
    """The lines of a table: headings, a rule, the rows; where the terminal is narrow, under each row what has no room.

    Args:
        rows: texts; a line break in one begins a line of its cell.
        headings: as many as a row has cells.
        width: columns of the terminal; None when nobody folds lines.
        whole: columns, by place, whose cells are never broken.
        paint: gives a piece of a cell its colour: row (None for the headings), column, text.
    """
    # What a title holds must not steer the terminal.
    rows = [[re.sub(_CONTROL, " ", cell) for cell in row] for row in rows]
    below = _below(rows, headings, width, whole)
    beside = [place for place in range(len(headings)) if place not in below]
    widths = _widths([[row[place] for place in beside] for row in rows], [headings[place] for place in beside], width,
                     {at for at, place in enumerate(beside) if place in whole})

    def painted(number: int | None, place: int, text: str) -> str:
        return text if paint is None else paint(number, place, text)

    def line(cells: Sequence[str], number: int | None) -> Iterator[str]:
        return _row([cells[place] for place in beside], widths, lambda at, text: painted(number, beside[at], text))

    yield from line(headings, None)
    if len(below) == 1 and any(row[below[0]] for row in rows):
        yield from (INDENT + painted(None, below[0], text) for text in folded(headings[below[0]], width or 0))
    yield " " + BETWEEN.join("─" * one for one in widths)
    for number, row in enumerate(rows):
        yield from line(row, number)
        room, used = (width or 0) - 1 - len(INDENT), 0
        under: list[str] = []
        for place in below:
            # Alone it stands under its heading; several are named, for they keep to no column.
            text = row[place] if len(below) == 1 or not row[place] else f"{headings[place]} {row[place]}"
            if not text:
                continue
            parts = list(folded(text, room))
            if under and len(parts) == 1 and used + len(BETWEEN) + columns_of(text) <= room:
                under[-1] += BETWEEN + painted(number, place, text)
                used += len(BETWEEN) + columns_of(text)
            else:
                under += [painted(number, place, part) for part in parts]
                used = columns_of(parts[-1])
        yield from (INDENT + one for one in under)


def _below(
    rows: Sequence[Sequence[str]], headings: Sequence[str], width: int | None, whole: Collection[int]
) -> list[int]:
    """Columns for which there is no room beside the others: their cells stand under the row, in lines of their own.

    A column in which nothing stands goes first; then the widest text, that of a name or a reason; then what is never
    broken, from the right.
    """
    below: list[int] = []
    if width is None:
        return below
    columns = [[*heading_and_cells] for heading_and_cells in zip(headings, *rows, strict=True)]
    wide = [max(map(_wide, column)) for column in columns]
    longest = [max(map(_longest, column)) for column in columns]
    gives = [place not in whole and wide[place] > longest[place] for place in range(len(columns))]
    least = [min(wide[place], max(_COMFORTABLE, longest[place])) if gives[place] else wide[place]
             for place in range(len(columns))]
    empty = [not any(column[1:]) for column in columns]
    beside = set(range(len(columns)))
    while len(beside) > 1 and sum(least[place] for place in beside) > _room(width, len(beside)):
        # The first column says which row it is.
        going = max(beside - {0}, key=lambda place: (
            empty[place], gives[place], wide[place] if gives[place] else place))
        beside.remove(going)
        below = sorted([*below, going])
    return below


def _room(width: int, columns: int) -> int:
    """Columns of the terminal that cells may fill: one is before the table, and one behind it.

    A console of Windows begins a new line after a full one.
    """
    return width - 2 - len(BETWEEN) * (columns - 1)


def _widths(
    rows: Sequence[Sequence[str]], headings: Sequence[str], width: int | None, whole: Collection[int]
) -> list[int]:
    columns = list(zip(headings, *rows, strict=True))
    widths = [max(_wide(cell) for cell in column) for column in columns]
    if width is None:
        return widths
    left = _room(width, len(widths))
    if sum(widths) <= left:
        return widths
    least = [wide if place in whole else min(wide, max(_NARROWEST, *(_longest(cell) for cell in column)))
             for place, (wide, column) in enumerate(zip(widths, columns, strict=True))]
    while sum(widths) > left:
        place = max(range(len(widths)), key=lambda one: (widths[one] > least[one], widths[one]))
        if widths[place] <= least[place]:
            break  # a single cell is wider than the terminal, which folds it
        widths[place] -= 1
    return widths


def _wide(cell: str) -> int:
    return max(map(columns_of, cell.split("\n")))


def _longest(cell: str) -> int:
    return max((columns_of(one) for one in re.findall(_PIECE, cell)), default=0)


def _row(cells: Sequence[str], widths: Sequence[int], paint: Callable[[int, str], str]) -> Iterator[str]:
    parts = [list(folded(cell, wide)) for cell, wide in zip(cells, widths, strict=True)]
    for place in range(max(map(len, parts))):
        line = [part[place] if place < len(part) else "" for part in parts]
        while len(line) > 1 and not line[-1]:
            line.pop()
        yield " " + BETWEEN.join(
            paint(column, text) + " " * (0 if column == len(line) - 1 else wide - columns_of(text))
            for column, (text, wide) in enumerate(zip(line, widths, strict=False))).rstrip()


def folded(cell: str, width: int) -> Iterator[str]:
    """The lines of a cell that is so many columns wide; what is copied, a code or a number, stays in one piece."""
    for part in cell.split("\n"):
        if columns_of(part) <= width:
            yield part
            continue
        line, used = "", 0
        for piece in re.findall(_PIECE, part):
            wide = columns_of(piece)
            if used + wide > width and line:
                yield line.rstrip()
                line, used = "", 0
                if piece.isspace():
                    continue
            line, used = line + piece, used + wide
        yield line.rstrip()
