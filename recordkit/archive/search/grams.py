"""What a record is in an index, and what a term is to look for there: the same for every engine.

A record becomes *columns*: tokens in a row, the n-th at position n. A term becomes *patterns*: tokens, or beginnings
of tokens, at fixed distances in one column. An engine only stores columns and looks for patterns; it knows nothing of
languages.

==============  ======================================================================================
``title`` …     every pair of neighbouring characters of a field's values (``FIELD_WEIGHTS``)
``title_1`` …   its single CJK characters, each once, in no order
``keyed``       the pairs of the form fields' values, each led by the key of its field
==============  ======================================================================================

A value stands between two separators, so that two of them lie between neighbouring values: no term spans two values,
not even with one character left open; every character begins a pair; and a value's beginning and end can be asked for.
The two differ: else the end of one value would be taken for a wrong character before the beginning of the next.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

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

COLUMNS = (*FIELD_WEIGHTS, "keyed")
_KEYED_WEIGHT = FIELD_WEIGHTS["fields"]
_SPACE = "\x00"
_OPENS = "\x01"
_CLOSES = "\x03"
_KEY_ENDS = "\x02"


@dataclass(frozen=True, slots=True)
class Piece:
    """One token of a pattern: ``token`` itself, or with ``is_prefix`` any token that begins so, at ``offset``."""

    offset: int
    token: str
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Pattern:
    """Pieces that stand in ``column`` at their distances; offsets ascend. Found there, it is worth ``weight``."""

    column: str
    pieces: tuple[Piece, ...]
    weight: int


def columns_of(document: IndexDocument) -> Iterator[tuple[str, str]]:
    """Each column that has tokens, and its tokens with spaces between."""
    for name in FIELD_WEIGHTS:
        text = _joined(document.pages if name == "pages" else document.fields.get(name, ()))
        if text:
            yield name, " ".join(map(operator.add, text, text[1:]))
            if singles := cjk_characters(text):
                yield f"{name}_1", " ".join(singles)
    keyed: list[str] = []
    for key, values in document.form_fields.items():
        text = _joined(values)
        lead = key + _KEY_ENDS
        keyed += [lead + pair for pair in map(operator.add, text, text[1:])]
    if keyed:
        yield "keyed", " ".join(keyed)


def patterns_of(term: Term) -> tuple[Pattern, ...]:
    """The patterns of which one must be found for the term to match; those of greater weight first."""
    text = term.text.replace(" ", _SPACE)
    if term.field is None:
        found = [_in_column(term, text, name, weight) for name, weight in FIELD_WEIGHTS.items() if name != "pinyin"]
        if text.isascii() and text.isalpha():
            # A whole name only: in plain text every other pair of letters is the beginning of somebody's.
            found.append(_in_column(Term("pinyin", text, begins=True, ends=True), text, "pinyin", 2))
        every = [pattern for some in found for pattern in some]
        return tuple(sorted(every, key=lambda one: -one.weight))
    if term.field.startswith(FORM_FIELD):
        lead = term.field.removeprefix(FORM_FIELD) + _KEY_ENDS
        return tuple(
            Pattern("keyed", tuple(Piece(one.offset, lead + one.token, one.is_prefix) for one in pieces), _KEYED_WEIGHT)
            for pieces in _alternatives(term, text, False)
        )
    return tuple(_in_column(term, text, term.field, FIELD_WEIGHTS[term.field]))


def _in_column(term: Term, text: str, column: str, weight: int) -> Iterator[Pattern]:
    for pieces in _alternatives(term, text, True):
        single = len(pieces) == 1 and len(pieces[0].token) == 1 and not pieces[0].is_prefix
        yield Pattern(f"{column}_1" if single else column, pieces, weight)


def _alternatives(term: Term, text: str, has_singles: bool) -> Iterator[tuple[Piece, ...]]:
    """The ways in which the text may stand in a column."""
    before, behind = _OPENS * term.begins, _CLOSES * term.ends
    whole = before + text + behind
    if not term.fuzzy:
        yield (Piece(0, whole),) if len(whole) == 1 and has_singles else _covering(whole, 0)
        return
    for wrong in range(len(text)):
        left, right = before + text[:wrong], text[wrong + 1 :] + behind
        # Beyond the first and the last character nothing need stand, unless the edge of the value is asked for.
        yield (*_covering(left, 0), *_covering(right, len(left) + 1))


def _covering(text: str, at: int) -> tuple[Piece, ...]:
    """The fewest pieces that pin down ``text`` at offset ``at``."""
    if not text:
        return ()
    if len(text) == 1:
        return (Piece(at, text, is_prefix=True),)
    starts = list(range(0, len(text) - 1, 2))
    if len(text) % 2:
        starts.append(len(text) - 2)
    return tuple(Piece(at + start, text[start : start + 2]) for start in starts)


def _joined(values: Iterable[str]) -> str:
    """Normalised values as one string, each between its separators; one more, so that the last one begins a pair."""
    text = "".join(f"{_OPENS}{value}{_CLOSES}" for value in map(normalise, values) if value)
    return text.replace(" ", _SPACE) + _OPENS if text else ""
