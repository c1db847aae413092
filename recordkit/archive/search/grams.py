"""What a record is in an index, and what a term is to look for there: the same for every engine.

A record becomes *columns*: tokens in a row, the n-th at position n. A term becomes *patterns*: tokens, or beginnings
of tokens, at fixed distances in one column. An engine only stores columns and looks for patterns; it knows nothing of
languages.

==============  ======================================================================================
``title`` …     every pair of neighbouring characters of a field's values (``FIELD_WEIGHTS``)
``title_1`` …   its single CJK characters, each once, in no order
``title_3`` …   its runs of three letters or digits and more, in threes
``keyed``       the pairs of the form fields' values, each led by the key of its field
==============  ======================================================================================

Most records have most of the hundred pairs of digits somewhere: by its pairs, a number of ten digits would have to be
looked for in nearly all of them. Each three of digits stands in one record of twenty.

A value stands between two separators, so that two of them lie between neighbouring values: no term spans two values,
not even with one character left open; every character begins a pair; and a value's beginning and end can be asked for.
The two differ: else the end of one value would be taken for a wrong character before the beginning of the next.
"""

from __future__ import annotations

import re
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from msgspec import Struct

from recordkit.archive.search.port import IndexDocument
from recordkit.archive.search.query import FORM_FIELD, Term
from recordkit.archive.search.text import cjk_characters, normalise

FIELD_WEIGHTS: Mapping[str, int] = {
    "title": 16,
    "number": 16,
    "code": 16,
    "party": 16,
    "account": 12,
    "meters": 12,
    "address": 8,
    "phone": 8,
    "fields": 4,
    "pinyin": 2,
    "pages": 1,
}
"""Every indexed field, ``pages`` being the text of the pages, and what a term found there is worth."""

KEYWORDS = ("class", "year", "form", "period", "access")
"""What is matched whole and counted: id of the class, year of the record, id of the form, code of the retention
period, access level."""

COLUMNS: Mapping[str, bool] = {
    **{f"{name}{kind}": kind != "_1" for name in FIELD_WEIGHTS for kind in ("", "_1", "_3")}, "keyed": True
}
"""Every column, and whether the places of its tokens count."""
_KEYED_WEIGHT = FIELD_WEIGHTS["fields"]
_SPACE = "\x00"
_OPENS = "\x01"
_CLOSES = "\x03"
_KEY_ENDS = "\x02"
_BREAK = "\x04"
_RUN = re.compile("[0-9a-z]{3,}")
_NUMBER, _UTF_32 = "I", f"utf-32-{sys.byteorder[0]}e"


class Piece(Struct, frozen=True):
    """One token of a pattern: ``token`` itself, or with ``is_prefix`` any token that begins so, at ``offset``."""

    offset: int
    token: str
    is_prefix: bool = False


class Pattern(Struct, frozen=True):
    """Pieces that stand in ``column`` at their distances; offsets ascend. Found there, it is worth ``weight``.

    Where they stand, ``sieve`` stands as well, if there is one: few records have it, and an engine may look only there.
    So do the ``spare`` pieces, at their distances: a rare one among them shortens the search.
    """

    column: str
    pieces: tuple[Piece, ...]
    weight: int
    sieve: Pattern | None = None
    spare: tuple[Piece, ...] = ()


def columns_of(document: IndexDocument) -> Iterator[tuple[str, str]]:
    """Each column that has tokens, and its tokens with spaces between."""
    for name in FIELD_WEIGHTS:
        text = _joined(document.pages if name == "pages" else document.fields.get(name, ()))
        if text:
            yield name, _pairs(text)
            if singles := cjk_characters(text):
                yield f"{name}_1", " ".join(singles)
            if runs := _RUN.findall(text):
                # Threes of one term are at most three apart, so that no term spans two runs.
                yield f"{name}_3", f" {_BREAK} {_BREAK} {_BREAK} ".join(map(_threes, runs))
    keyed: list[str] = []
    for key, values in document.form_fields.items():
        if text := _joined(values):
            lead = key + _KEY_ENDS
            keyed.append(lead + _pairs(text).replace(" ", f" {lead}"))
    if keyed:
        yield "keyed", " ".join(keyed)


@lru_cache(maxsize=32)
def patterns_of(term: Term) -> tuple[Pattern, ...]:
    """The patterns of which one must be found for the term to match; those of greater weight first.

    Kept, because every shard is asked for the same ones.
    """
    text = term.text.replace(" ", _SPACE)
    ways = tuple(_ways(term, text))
    if term.field is None:
        found = [_in_column(ways, name, weight) for name, weight in FIELD_WEIGHTS.items() if name != "pinyin"]
        if text.isascii() and text.isalpha():
            # A whole name only: in plain text every other pair of letters is the beginning of somebody's.
            found.append(_in_column(_ways(Term("pinyin", text, begins=True, ends=True), text), "pinyin", 2))
        every = [pattern for some in found for pattern in some]
        return tuple(sorted(every, key=lambda one: -one.weight))
    if term.field.startswith(FORM_FIELD):
        lead = term.field.removeprefix(FORM_FIELD) + _KEY_ENDS
        return tuple(
            Pattern("keyed", tuple(Piece(one.offset, lead + one.token, one.is_prefix) for one in pieces), _KEYED_WEIGHT)
            for pieces, _ in _alternatives(term, text)
        )
    return tuple(_in_column(ways, term.field, FIELD_WEIGHTS[term.field]))


class _Way(Struct, frozen=True):
    """How a text may stand in a column of some kind, whichever field it belongs to; see ``Pattern``."""

    kind: str
    pieces: tuple[Piece, ...]
    run: tuple[Piece, ...] = ()
    spare: tuple[Piece, ...] = ()


def _in_column(ways: Iterable[_Way], name: str, weight: int) -> Iterator[Pattern]:
    for way in ways:
        sieve = Pattern(f"{name}_3", way.run, weight) if way.run else None
        yield Pattern(f"{name}{way.kind}", way.pieces, weight, sieve, way.spare)


def _ways(term: Term, text: str) -> Iterator[_Way]:
    if len(text) == 1 and not (term.begins or term.ends):
        yield _Way("_1", (Piece(0, text),))
    elif _RUN.fullmatch(text) and not (term.begins or term.ends or term.fuzzy):
        yield _Way("_3", tuple(_cover(text, 0, 3)))
    else:
        for pieces, parts in _alternatives(term, text):
            longest = max((run for _, part in parts for run in _RUN.findall(part)), key=len, default="")
            pairs = [Piece(at + n, part[n : n + 2]) for at, part in parts for n in range(len(part) - 1)]
            spare = () if term.fuzzy else tuple(one for one in pairs if one not in pieces)
            yield _Way("", pieces, tuple(_cover(longest, 0, 3)), spare)


def _alternatives(term: Term, text: str) -> Iterator[tuple[tuple[Piece, ...], tuple[tuple[int, str], ...]]]:
    """The ways in which the text may stand in a column, each with the parts of the text that it has, and where."""
    before, behind = _OPENS * term.begins, _CLOSES * term.ends
    if not term.fuzzy:
        whole = before + text + behind
        yield tuple(_cover(whole, 0, 2)), ((0, whole),)
        return
    for wrong in range(len(text)):
        left, right = before + text[:wrong], text[wrong + 1 :] + behind
        # Beyond the first and the last character nothing need stand, unless the edge of the value is asked for.
        yield (*_cover(left, 0, 2), *_cover(right, len(left) + 1, 2)), ((0, left), (len(left) + 1, right))


def _cover(text: str, at: int, size: int) -> Iterator[Piece]:
    """The fewest pieces of ``size`` characters that pin down ``text`` at offset ``at``."""
    if 0 < len(text) < size:
        yield Piece(at, text, is_prefix=True)
        return
    for start in range(0, len(text), size):
        start = min(start, len(text) - size)
        yield Piece(at + start, text[start : start + size])


def _pairs(text: str) -> str:
    """Every pair of neighbouring characters of a text of at least two, with spaces between.

    Characters are laid into place as numbers, three for each pair: joining pairs of texts takes eight times as long.
    """
    chars = array(_NUMBER, text.encode(_UTF_32))
    laid = array(_NUMBER, " ".encode(_UTF_32)) * (3 * len(chars) - 4)
    laid[0::3], laid[1::3] = chars[:-1], chars[1:]
    return laid.tobytes().decode(_UTF_32)


def _threes(run: str) -> str:
    return " ".join([run[at : at + 3] for at in range(len(run) - 2)])


def _joined(values: Iterable[str]) -> str:
    """Normalised values as one string, each between its separators; one more, so that the last one begins a pair."""
    text = "".join(f"{_OPENS}{value}{_CLOSES}" for value in map(normalise, values) if value)
    return text.replace(" ", _SPACE) + _OPENS if text else ""
