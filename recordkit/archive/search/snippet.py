"""Where the words stand: the pages that hold them and a short piece of the text as it was written."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from msgspec import Struct

from recordkit.archive.personal import KEPT_HEAD, KEPT_TAIL
from recordkit.archive.search.query import FORM_FIELD, Term
from recordkit.archive.search.spans import Span, spans_of, stands_in
from recordkit.archive.search.text import normalise, normalise_with_offsets

MATCH_BEGINS = "\u2068"
MATCH_ENDS = "\u2069"
WIDTH = 60
"""Characters of the original text in a snippet, marks and ellipses not counted."""

Hidden = Callable[[str], Iterable[Span]]
"""The spans of a text that are shown as asterisks, except where one term as it was typed covers the whole number: a
span, with the head before it and the tail behind it that stay readable."""

Match = tuple[int, int, Term]
"""Where in a text as it was written a term stands, half-open."""

# Isolates and other invisible characters of the source would pass for our marks or turn the line round.
_UNSHOWABLE = dict.fromkeys(chain(
    range(0x00, 0x09), range(0x0E, 0x20), range(0x7F, 0xA0), range(0x200B, 0x2010), range(0x2028, 0x202F),
    range(0x2060, 0x2070), range(0xFEFF, 0xFF00), range(0xD800, 0xE000)))
_SENTENCE_ENDS = re.compile(r"[。！？；\n]+[”’」』）]*|[.!?;](?=\s)")


class Excerpt(Struct, frozen=True):
    """Where the terms of a query stand in a record.

    Attributes:
        pages: 1-based, on which a term stands.
        snippet: piece of a page or a field value, terms marked; empty when no text holds a term.
        field: the field the snippet was taken from, ``fields.KEY`` for a form field; empty for a page.
    """

    pages: tuple[int, ...]
    snippet: str
    field: str = ""


def nothing_hidden(_: str) -> Iterable[Span]:
    """For those who may see everything."""
    return ()


def excerpt(
    pages: Sequence[str],
    fields: Mapping[str, Sequence[str]],
    terms: Sequence[Term],
    *,
    form_fields: Mapping[str, Sequence[str]] | None = None,
    hidden: Hidden = nothing_hidden,
) -> Excerpt:
    """The matching pages, and a snippet of the page, else of the field value, that holds most of the terms.

    What only a reading of a name matches (pinyin) is shown by that name, marked whole.

    Args:
        pages: original text of each page.
        fields: original values by indexed field.
        terms: the positive terms of the query.
        form_fields: original values by key of the form field.
        hidden: what is not to be shown.
    """
    page_terms = [term for term in terms if term.field in (None, "pages")]
    found = [(number, held) for number, page in enumerate(pages, start=1) if (held := _held(page, page_terms))]
    if found:
        number, held = max(found, key=lambda one: (len(one[1]), -one[0]))
        return Excerpt(tuple(page for page, _ in found), _snippet(pages[number - 1], held, hidden))
    places = _places_in_fields(fields, form_fields or {}, terms)
    best = max(places, key=lambda one: len(one[2]), default=None)
    if best is not None:
        name, value, held = best
        return Excerpt((), _snippet(value, held, hidden), name)
    return _by_reading(fields, terms, hidden)


def highlighted(text: str, field: str, terms: Sequence[Term], hidden: Hidden = nothing_hidden) -> str:
    """A whole field value with the places marked in which terms stand."""
    held = _held(text, [term for term in terms if term.field in (None, field)])
    matches = _matches(text, held) if held else []
    shown, bare = _veiled(text, hidden, matches)
    return _marked(shown, 0, len(text), bare)


def stands_hidden(
    pages: Sequence[str],
    fields: Mapping[str, Sequence[str]],
    term: Term,
    *,
    form_fields: Mapping[str, Sequence[str]],
    hidden: Hidden,
) -> bool:
    """Whether the term stands in the record, and nowhere but among what is hidden; the arguments are ``excerpt``'s."""
    values = [page for page in pages if term.field in (None, "pages")]
    values += [value for _, value, _ in _places_in_fields(fields, form_fields, [term])]
    held = [value for value in values if _held(value, [term])]
    return bool(held) and not any(_veiled(value, hidden, _matches(value, [term]))[1] for value in held)


def _places_in_fields(
    fields: Mapping[str, Sequence[str]], form_fields: Mapping[str, Sequence[str]], terms: Sequence[Term]
) -> Iterator[tuple[str, str, list[Term]]]:
    """Field, value and the terms that stand in it. A value of a form field is told by its own name."""
    named = [(name, {None, name}, values) for name, values in fields.items() if name not in ("fields", "pinyin")]
    named += [(FORM_FIELD + key, {None, "fields", FORM_FIELD + key}, values) for key, values in form_fields.items()]
    named.append(("fields", {None, "fields"}, fields.get("fields", ())))
    for name, answers_to, values in named:
        wanted = [term for term in terms if term.field in answers_to]
        for value in values:
            if held := _held(value, wanted):
                yield name, value, held


def _by_reading(fields: Mapping[str, Sequence[str]], terms: Sequence[Term], hidden: Hidden) -> Excerpt:
    spelled = [one for term in terms if (one := _as_reading(term)) is not None]
    if spelled:
        from recordkit.archive.search.pinyin import readings_of_name, readings_of_title

        parties = fields.get("party", ())
        spoken = [("party", name, readings_of_name(name)) for name in parties]
        spoken += [("title", title, readings_of_title(title, parties)) for title in fields.get("title", ())]
        for field, value, readings in spoken:
            if any(stands_in(term, reading) for term in spelled for reading in map(normalise, readings)):
                shown, _ = _veiled(value, hidden, ())
                return Excerpt((), f"{MATCH_BEGINS}{_showable(shown)}{MATCH_ENDS}", field)
    return Excerpt((), "")


def _as_reading(term: Term) -> Term | None:
    """What of a term can be a reading; see ``grams.patterns_of``."""
    if term.field == "pinyin":
        return term
    letters = term.field is None and term.text.isascii() and term.text.isalpha()
    return Term("pinyin", term.text, begins=True, ends=True) if letters else None


def _held(text: str, terms: Sequence[Term]) -> list[Term]:
    if not terms:
        return []
    normal = normalise(text)
    return [term for term in terms if stands_in(term, normal)]


def _matches(text: str, terms: Sequence[Term]) -> list[Match]:
    """Where the terms stand in the text as it was written, ascending."""
    normal, origin = normalise_with_offsets(text)
    found = [(origin[begin][0], origin[end - 1][1], term) for term in terms for begin, end in spans_of(term, normal)]
    return sorted(found, key=lambda one: one[:2])


def _snippet(text: str, terms: Sequence[Term], hidden: Hidden) -> str:
    matches = _matches(text, terms)
    first = _densest(matches)
    reach = max(matches[first][0] + WIDTH, matches[first][1])
    last = max(end for _, end, _ in matches[first:] if end <= reach)
    begin, end, cut = _window(text, matches[first][0], last)
    veiled, bare = _veiled(text, hidden, matches)
    shown = _marked(veiled, begin, end, bare)
    return ("…" if cut[0] else "") + re.sub(r"\s+", " ", shown).strip() + ("…" if cut[1] else "")


def _window(text: str, first: int, last: int) -> tuple[int, int, tuple[bool, bool]]:
    """What to show around ``first`` to ``last``: whole sentences where they fit, and where one is cut."""
    starts = sorted({0, *(found.end() for found in _SENTENCE_ENDS.finditer(text))} - {len(text)})
    stops = [*starts[1:], len(text)]
    sentence, stop = starts[bisect_right(starts, first) - 1], stops[bisect_left(stops, last)]
    begin = sentence
    if last - sentence > WIDTH:
        begin = max(sentence, first - max(0, WIDTH - (last - first)) // 2)
    end = stop if stop - begin <= WIDTH else min(len(text), max(begin + WIDTH, last))
    if begin > sentence:
        begin = max(sentence, min(begin, end - WIDTH))
    if begin == sentence and end == stop:
        begin, end = _widened(starts, stops, begin, end)
    return begin, end, (begin not in starts, end not in stops)


def _widened(starts: Sequence[int], stops: Sequence[int], begin: int, end: int) -> tuple[int, int]:
    """With the sentences that follow, then with those before, as far as there is room."""
    while following := [stop for stop in stops[bisect_right(stops, end) :][:1] if stop - begin <= WIDTH]:
        end = following[0]
    while before := [start for start in starts[: bisect_left(starts, begin)][-1:] if end - start <= WIDTH]:
        begin = before[0]
    return begin, end


def _densest(matches: Sequence[Match]) -> int:
    """The first match from which most different terms lie within the width of a snippet."""
    best, most = 0, 0
    for first, (begin, _, _) in enumerate(matches):
        terms: set[Term] = set()
        for _, end, term in matches[first:]:
            if end > begin + WIDTH:
                break
            terms.add(term)
        if len(terms) > most:
            best, most = first, len(terms)
    return best


def _merged(spans: Sequence[Span]) -> list[Span]:
    """Sorted spans with those that touch or overlap made one, since marks must not nest."""
    merged: list[Span] = []
    for begin, end in spans:
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _marked(text: str, begin: int, end: int, matches: Sequence[Match]) -> str:
    """That part of the text with its matches between marks."""
    inside = [(one, other) for one, other, _ in matches if begin <= one and other <= end]
    pieces, at = [], begin
    for match_begin, match_end in _merged(inside):
        pieces += [_showable(text[at:match_begin]), MATCH_BEGINS, _showable(text[match_begin:match_end]), MATCH_ENDS]
        at = match_end
    return "".join([*pieces, _showable(text[at:end])])


def _veiled(text: str, hidden: Hidden, matches: Sequence[Match]) -> tuple[str, list[Match]]:
    """The text with asterisks, and the matches that may be marked in it.

    The whole of it is looked through, since a number may begin before the piece that is shown.
    """
    chars = list(text)
    known = [(begin, end) for begin, end, term in matches if not term.fuzzy]
    bare = list(matches)
    for begin, end in hidden(text):
        # Only who typed all of it knows it: pieces of it could be tried until the whole number is laid bare.
        if not any(first <= begin - KEPT_HEAD and end + KEPT_TAIL <= last for first, last in known):
            chars[begin:end] = "*" * (end - begin)
            # A mark would tell where among the asterisks the piece stands.
            bare = [one for one in bare if one[1] <= begin or end <= one[0]]
    return "".join(chars), bare


def _showable(text: str) -> str:
    return text.translate(_UNSHOWABLE)
