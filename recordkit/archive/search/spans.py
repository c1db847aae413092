"""Where a term stands in a value: the definition of ``query.Term``, for showing what the index has found."""

from __future__ import annotations

from collections.abc import Iterator

from recordkit.archive.search.query import Term

Span = tuple[int, int]
"""Half-open: first character and the one behind the last."""


def spans_of(term: Term, value: str) -> list[Span]:
    """Every place in a normalised value where the term matches, ascending; none when it does not.

    Of a fuzzy match the first or last character is left out when it is the one that differs or is missing.
    """
    places = _fuzzy(term, value) if term.fuzzy else _exact(term, value)
    return sorted(set(places))


def stands_in(term: Term, value: str) -> bool:
    """Whether the term matches a normalised value."""
    return next(_fuzzy(term, value) if term.fuzzy else _exact(term, value), None) is not None


def _exact(term: Term, value: str) -> Iterator[Span]:
    size = len(term.text)
    if not term.begins and not term.ends:
        yield from ((at, at + size) for at in _places(value, term.text))
        return
    at = 0 if term.begins else len(value) - size
    if at >= 0 and value.startswith(term.text, at) and (not term.ends or at + size == len(value)):
        yield at, at + size


def _fuzzy(term: Term, value: str) -> Iterator[Span]:
    """With one wrong character at most, the first half of the text or the second stands as it is."""
    text, size, half = term.text, len(term.text), len(term.text) // 2
    starts = {*_places(value, text[:half]), *(at - half for at in _places(value, text[half:]))}
    padded = f"{_NOTHING}{value}{_NOTHING}"
    for at in sorted(starts):
        if (term.begins and at != 0) or (term.ends and at + size != len(value)):
            continue
        window = padded[at + 1 : at + 1 + size] if at >= -1 else ""
        if len(window) < size:
            continue
        wrong = _first_difference(text, window)
        if text[wrong + 1 :] == window[wrong + 1 :]:
            yield at + (wrong == 0), at + size - (wrong == size - 1)


_NOTHING = "\0"
"""Stands before and behind a value; no normalised text holds it."""


def _first_difference(one: str, other: str) -> int:
    """Of two texts of equal length; the length when they are equal. Halving compares long texts without a loop."""
    low, high = 0, len(one)
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _places(value: str, text: str) -> Iterator[int]:
    at = value.find(text)
    while at >= 0:
        yield at
        at = value.find(text, at + 1)
