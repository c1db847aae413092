"""How much of a page's text came back: against the text of the PDF that was printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pypdfium2

from recordkit.archive.search.text import normalise
from scanner.printed import Printed

MOST_FIELDS = 9
_LEAST_LINE = 9.0  # points; a lone comma is less high than its line
_GAP = 9.0  # points between two cells of a table, less than the width of a character


@dataclass(frozen=True, slots=True)
class PrintedText:
    """The text of a printed page.

    Attributes:
        rows: from top to bottom; each holds its pieces from left to right: a cell of a table is a piece of its own.
    """

    rows: tuple[tuple[str, ...], ...]

    @property
    def whole(self) -> str:
        """All rows, one a line."""
        return "\n".join(" ".join(row) for row in self.rows)


def printed_text(pdf: Path, index: int) -> PrintedText:
    """What a page says, and where."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        text = document[index].get_textpage()
        boxes = [text.get_rect(place) for place in range(text.count_rects())]
        pieces = sorted(
            (-(top + bottom) / 2, left, right, top - bottom, text.get_text_bounded(left, bottom, right, top))
            for left, bottom, right, top in boxes
        )
    finally:
        document.close()
    rows: list[list[tuple[float, float, str]]] = []
    floor = float("-inf")
    for middle, left, right, tall, said in pieces:
        if middle >= floor:
            rows.append([])
            floor = middle + max(tall, _LEAST_LINE) / 4
        rows[-1].append((left, right, said.strip()))
    return PrintedText(tuple(tuple(_joined(sorted(row))) for row in rows))


def _joined(row: Sequence[tuple[float, float, str]]) -> Iterator[str]:
    """Words that stand close together; the PDF cuts at every change of font."""
    said, end = "", float("-inf")
    for left, right, text in row:
        if left - end > _GAP and said:
            yield said
            said = ""
        said, end = said + text, right
    if said:
        yield said


def plain(text: str) -> str:
    """Chinese characters, letters and digits of the text, as search compares them."""
    return re.sub(r"[\W_]", "", normalise(text))


def edit_distance(first: str, second: str, *, anywhere: bool = False) -> int:
    """Characters to insert, delete or replace to make one of the other (Myers 1999, as Hyyrö 2003 gives it).

    ``anywhere``: to find ``first`` within ``second``, at its best place.
    """
    if not first:
        return 0 if anywhere else len(second)
    masks: dict[str, int] = {}
    for place, character in enumerate(first):
        masks[character] = masks.get(character, 0) | 1 << place
    full, last = (1 << len(first)) - 1, 1 << (len(first) - 1)
    plus, minus, distance = full, 0, len(first)
    best = distance
    for character in second:
        equal = masks.get(character, 0)
        vertical = equal | minus
        horizontal = (((equal & plus) + plus) ^ plus) | equal
        up, down = minus | (full & ~(horizontal | plus)), plus & horizontal
        distance += bool(up & last) - bool(down & last)
        best = min(best, distance)
        up = (up << 1 | (not anywhere)) & full
        down = down << 1 & full
        plus, minus = down | (full & ~(vertical | up)), up & vertical
    return best if anywhere else distance


def pieces_wrong(true: PrintedText, read: str) -> tuple[int, int]:
    """Wrong characters and all characters of the pieces of a page, each looked for anywhere in what was read.

    Order does not count, nor does what was read besides, such as a seal's characters.
    """
    wrong = total = 0
    for piece in (plain(one) for row in true.rows for one in row):
        wrong += edit_distance(piece, read, anywhere=True)
        total += len(piece)
    return wrong, total


def key_fields(printed: Printed, said: str) -> Sequence[str]:
    """Number and values of a document, up to nine, that stand literally on its page, whose text is ``said``."""
    page = plain(said)
    found = [printed.number]
    for value in printed.values.values():
        if isinstance(value, str) and len(plain(value)) >= 3 and plain(value) in page and value not in found:
            found.append(value)
    return [one for one in found if plain(one) in page][:MOST_FIELDS]
