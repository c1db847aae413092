"""Where the words stand: the pages that hold them and a short piece of the text as it was written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from recordkit.archive.search.query import Term
from recordkit.archive.search.text import normalise, normalise_with_offsets

MATCH_BEGINS = "\u2068"
MATCH_ENDS = "\u2069"
WIDTH = 60
"""Characters of the original text in a snippet, marks and ellipses not counted."""

# Isolates and other invisible characters of the source would pass for our marks or turn the line round.
_UNSHOWABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Attributes: ``pages``, 1-based, on which a term stands; ``snippet``, empty when no text holds a term."""

    pages: tuple[int, ...]
    snippet: str


def excerpt(pages: Sequence[str], fields: Mapping[str, Sequence[str]], terms: Sequence[Term]) -> Excerpt:
    """The matching pages, and a snippet of the page, else of the field value, that holds most of the terms.

    Args:
        pages: original text of each page.
        fields: original values by indexed field.
        terms: the positive terms of the query.
    """
    page_terms = [term.text for term in terms if term.field in (None, "pages")]
    found = [(number, _held(page, page_terms)) for number, page in enumerate(pages, start=1)]
    found = [(number, held) for number, held in found if held]
    if found:
        number, held = max(found, key=lambda one: (len(one[1]), -one[0]))
        return Excerpt(tuple(page for page, _ in found), _snippet(pages[number - 1], held))
    best = max(_held_in_fields(fields, terms), key=lambda one: len(one[1]), default=("", []))
    return Excerpt((), _snippet(*best))


def _held_in_fields(fields: Mapping[str, Sequence[str]], terms: Sequence[Term]) -> Iterator[tuple[str, list[str]]]:
    for name, values in fields.items():
        wanted = [term.text for term in terms if term.field in (None, name)]
        for value in values:
            if held := _held(value, wanted):
                yield value, held


def _held(text: str, terms: Sequence[str]) -> list[str]:
    if not terms:
        return []
    normal = normalise(text)
    return [term for term in terms if term in normal]


def _snippet(text: str, terms: Sequence[str]) -> str:
    if not terms:
        return ""
    normal, spans = normalise_with_offsets(text)
    matches = sorted(
        (spans[at][0], spans[at + len(term) - 1][1], term) for term in terms for at in _places(normal, term)
    )
    first = _densest(matches)
    reach = max(matches[first][0] + WIDTH, matches[first][1])
    inside = [(begin, end) for begin, end, _ in matches[first:] if end <= reach]
    last = max(end for _, end in inside)
    begin = max(0, matches[first][0] - max(0, WIDTH - (last - matches[first][0])) // 2)
    end = min(len(text), max(begin + WIDTH, last))
    begin = max(0, min(begin, end - WIDTH))
    shown = "".join(_marked(text, begin, end, _merged(_clipped(matches, begin, end))))
    return ("…" if begin else "") + re.sub(r"\s+", " ", shown).strip() + ("…" if end < len(text) else "")


def _places(text: str, term: str) -> Iterator[int]:
    at = text.find(term)
    while at >= 0:
        yield at
        at = text.find(term, at + 1)


def _densest(matches: Sequence[tuple[int, int, str]]) -> int:
    """The first match from which most different terms lie within the width of a snippet."""
    best, most = 0, 0
    for first, (begin, _, _) in enumerate(matches):
        terms: set[str] = set()
        for _, end, term in matches[first:]:
            if end > begin + WIDTH:
                break
            terms.add(term)
        if len(terms) > most:
            best, most = first, len(terms)
    return best


def _clipped(matches: Sequence[tuple[int, int, str]], begin: int, end: int) -> list[tuple[int, int]]:
    return [
        (match_begin, match_end) for match_begin, match_end, _ in matches if begin <= match_begin and match_end <= end
    ]


def _merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted spans with those that touch or overlap made one, since marks must not nest."""
    merged: list[tuple[int, int]] = []
    for begin, end in spans:
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _marked(text: str, begin: int, end: int, spans: Sequence[tuple[int, int]]) -> Iterator[str]:
    at = begin
    for match_begin, match_end in spans:
        yield _showable(text[at:match_begin])
        yield MATCH_BEGINS + _showable(text[match_begin:match_end]) + MATCH_ENDS
        at = match_end
    yield _showable(text[at:end])


def _showable(text: str) -> str:
    return _UNSHOWABLE.sub("", text)
