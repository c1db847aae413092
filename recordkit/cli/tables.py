"""Tables as wide as the terminal: codes and dates stay in one piece, titles and reasons give way.

What is copied into the next command - a code, a number, a day - is never broken over lines, neither in a column of its
own nor inside a sentence; Chinese is broken between any two characters, but no line begins with a closing sign.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence

BETWEEN = "   "
_NARROWEST = 6
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
    rows: Sequence[Sequence[str]], headings: Sequence[str], width: int | None, whole: Collection[int] = ()
) -> Iterator[str]:
    """The lines of a table: headings, a rule, the rows.

    Args:
        rows: texts; a line break in one begins a line of its cell.
        headings: as many as a row has cells.
        width: columns of the terminal; None when nobody folds lines.
        whole: columns, by place, whose cells are never broken.
    """
    # What a title holds must not steer the terminal.
    rows = [[re.sub(_CONTROL, " ", cell) for cell in row] for row in rows]
    widths = _widths(rows, headings, width, whole)
    rule = BETWEEN.join("─" * one for one in widths)
    yield from _row(headings, widths)
    yield " " + rule
    for row in rows:
        yield from _row(row, widths)


def _widths(
    rows: Sequence[Sequence[str]], headings: Sequence[str], width: int | None, whole: Collection[int]
) -> list[int]:
    columns = list(zip(headings, *rows, strict=True))
    widths = [max(_wide(cell) for cell in column) for column in columns]
    if width is None:
        return widths
    left = width - 1 - len(BETWEEN) * (len(widths) - 1)
    if sum(widths) <= left:
        return widths
    least = [wide if place in whole else min(wide, max(_NARROWEST, *(_longest(cell) for cell in column)))
             for place, (wide, column) in enumerate(zip(widths, columns, strict=True))]
    while sum(widths) > left:
        place = max(range(len(widths)), key=lambda one: (widths[one] > least[one], widths[one]))
        if widths[place] <= least[place]:
            break  # nothing can give way any more; the terminal folds what stands out
        widths[place] -= 1
    return widths


def _wide(cell: str) -> int:
    return max(map(columns_of, cell.split("\n")))


def _longest(cell: str) -> int:
    return max((columns_of(one) for one in re.findall(_PIECE, cell)), default=0)


def _row(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    parts = [list(_folded(cell, wide)) for cell, wide in zip(cells, widths, strict=True)]
    for place in range(max(map(len, parts))):
        line = [part[place] if place < len(part) else "" for part in parts]
        yield " " + BETWEEN.join(text + " " * (wide - columns_of(text))
                                 for text, wide in zip(line, widths, strict=True)).rstrip()


def _folded(cell: str, width: int) -> Iterator[str]:
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
