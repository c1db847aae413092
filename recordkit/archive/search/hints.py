"""What to try when nothing was found: what the index can tell in a few more questions.

Who may not see the numbers of persons must not learn from a hint how far a guess is right: to them a piece of a number,
or one that differs in a digit, is named only when it stands in the open, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from recordkit.archive import catalogue
from recordkit.archive.personal import personal_spans
from recordkit.archive.search.port import IndexDamaged, IndexDocument
from recordkit.archive.search.query import (
    FEWEST_FUZZY,
    MOST_FUZZY,
    And,
    Dated,
    Everything,
    Is,
    Or,
    Query,
    Term,
    positive_terms,
)
from recordkit.archive.search.service import Search, shielded
from recordkit.archive.search.snippet import MATCH_BEGINS, MATCH_ENDS, excerpt, nothing_hidden, stands_hidden
from recordkit.archive.search.source import index_document
from recordkit.archive.search.text import can_be_searched

_MOST_TERMS = 5
_NEAR = 3
_LOOKED_AT = 10
"""Records that are read to find a number in the open."""
_SHORTEST_PIECE = 2
_MARKED = re.compile(f"{MATCH_BEGINS}([^{MATCH_ENDS}]*){MATCH_ENDS}")


@dataclass(frozen=True, slots=True)
class Hints:
    """Numbers of records the person may see.

    Attributes:
        alone: with several terms, each one's text and how many records it alone would find.
        anywhere: how many records the query finds without field, class, year and dates; 0 without such restrictions.
        fuzzy: how many it finds when one character of each longer term may be wrong, with some ``near`` texts found.
        pieces: of each term that finds nothing, the longest beginning or end that is found, and in how many records.
    """

    alone: tuple[tuple[str, int], ...] = ()
    anywhere: int = 0
    fuzzy: int = 0
    near: tuple[str, ...] = ()
    pieces: tuple[tuple[str, int], ...] = ()


def hints_of(search: Search, *, restricted: bool) -> Hints:
    """What may help after a search without hits. ``restricted``: it named field, class, year or dates."""
    try:
        terms = positive_terms(search.asked)[:_MOST_TERMS]
        alone = tuple((term.text, _count(search, term)) for term in terms)
        fuzzy = _loosened(search.asked)
        count = _count_open(search, fuzzy) if fuzzy != search.asked else 0
        anywhere = search.engine.search(shielded(_unfiltered(search.asked), search.clearance), limit=1)[0]
        missing = [term for term, (_, found) in zip(terms, alone, strict=True) if not found and not term.fuzzy]
        pieces = (piece for piece in (_longest_piece(search, term) for term in missing) if piece is not None)
        return Hints(
            alone if len(terms) > 1 else (),
            anywhere if restricted else 0,
            count,
            _near(search, fuzzy) if count else (),
            tuple(pieces),
        )
    except IndexDamaged:
        return Hints()


def _count(search: Search, query: Query) -> int:
    """Records that the query finds within class, year and dates of the request."""
    return search.engine.search(shielded(And((query, *search.filters)), search.clearance), limit=1)[0]


def _unfiltered(query: Query) -> Query:
    """The query with its terms looked for in every field, and without classes and dates that all of it must have."""
    match query:
        case Term():
            return replace(query, field=None)
        case And(parts):
            kept = tuple(_unfiltered(part) for part in parts if not isinstance(part, (Is, Dated)))
            return And(kept) if len(kept) > 1 else kept[0] if kept else Everything()
        case Or(parts):
            return Or(tuple(map(_unfiltered, parts)))
        case _:
            return query


def _loosened(query: Query) -> Query:
    """The query with one wrong character allowed in every term that is long enough."""
    match query:
        case Term():
            return replace(query, fuzzy=True) if FEWEST_FUZZY <= len(query.text) <= MOST_FUZZY else query
        case And(parts):
            return And(tuple(map(_loosened, parts)))
        case Or(parts):
            return Or(tuple(map(_loosened, parts)))
        case _:
            return query


def _near(search: Search, query: Query) -> tuple[str, ...]:
    """Some of the texts that stand in the archive in place of what was typed."""
    found = dict[str, None]()
    terms = [term for term in positive_terms(query) if term.fuzzy]
    hidden = nothing_hidden if search.clearance.full else personal_spans
    for document in _open_documents(search, query, _NEAR):
        part = excerpt(document.pages, document.fields, terms, form_fields=document.form_fields, hidden=hidden)
        found.update(dict.fromkeys(_MARKED.findall(part.snippet)))
    return tuple(found)[:_NEAR]


def _count_open(search: Search, query: Query) -> int:
    """As ``_count``; 0 when of the first records each has what is looked for among masked numbers only."""
    if search.clearance.full or not any(map(_has_digits, positive_terms(query))):
        return _count(search, query)
    return _count(search, query) if next(_open_documents(search, query, _LOOKED_AT), None) is not None else 0


def _open_documents(search: Search, query: Query, limit: int) -> Iterator[IndexDocument]:
    """The first records that the query finds, without those in which a number stands among masked ones only."""
    numbers = [] if search.clearance.full else [term for term in positive_terms(query) if _has_digits(term)]
    workspace, within = search.workspace, shielded(And((query, *search.filters)), search.clearance)
    for hit in search.engine.search(within, limit=limit)[1]:
        record = catalogue.get_record(workspace.db, hit.record_id)
        if record is None or record.status != "active":
            continue
        one = index_document(catalogue.objects_of(workspace), record, readings=False)
        if not any(
            stands_hidden(one.pages, one.fields, term, form_fields=one.form_fields, hidden=personal_spans)
            for term in numbers
        ):
            yield one


def _has_digits(term: Term) -> bool:
    return any(map(str.isdigit, term.text))


def _longest_piece(search: Search, term: Term) -> tuple[str, int] | None:
    """Halving finds it: what contains a text contains every beginning of it."""
    best: tuple[str, int] | None = None
    for from_front in (True, False):
        low, high, found = 0, len(term.text) - 1, 0
        while low < high:
            size = (low + high + 1) // 2
            count = _count_piece(search, term, size, from_front)
            low, high, found = (size, high, count) if count else (low, size - 1, found)
        if low >= _SHORTEST_PIECE and (best is None or low > len(best[0])):
            best = _piece(term.text, low, from_front), found
    return best


def _count_piece(search: Search, term: Term, size: int, from_front: bool) -> int:
    text = _piece(term.text, size, from_front)
    if not can_be_searched(text) or text != text.strip():
        return 0
    return _count_open(search, Term(term.field, text))


def _piece(text: str, size: int, from_front: bool) -> str:
    return text[:size] if from_front else text[-size:]
