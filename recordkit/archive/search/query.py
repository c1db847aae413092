"""What a person looks for, as an immutable tree that every engine understands."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct


class Term(Struct, frozen=True):
    """A value of ``field`` contains ``text``, which is in normal form.

    Attributes:
        field: an indexed field, ``FORM_FIELD`` and the key of a form field, or None: any field or page.
        text: what to look for.
        begins: the value begins with it.
        ends: the value ends with it.
        fuzzy: one character of ``text`` may be another one, and its first or last one may be missing; at least
            ``FEWEST_FUZZY`` characters.
    """

    field: str | None
    text: str
    begins: bool = False
    ends: bool = False
    fuzzy: bool = False


class Dated(Struct, frozen=True):
    """The record's date lies between these ISO dates, both included; None: no bound. Without a date it never does."""

    since: str | None
    until: str | None


class Is(Struct, frozen=True):
    """The record has this value of a keyword (``grams.KEYWORDS``)."""

    keyword: str
    value: str


class Among(Struct, frozen=True):
    """The record is one of these; none of them when empty."""

    record_ids: frozenset[str]


class Everything(Struct, frozen=True):
    """Every record."""


class And(Struct, frozen=True):
    """All parts hold; at least two parts."""

    parts: tuple[Query, ...]


class Or(Struct, frozen=True):
    """One part or more holds; at least two parts."""

    parts: tuple[Query, ...]


class Not(Struct, frozen=True):
    """The part does not hold."""

    part: Query


Query = Term | Dated | Is | Among | Everything | And | Or | Not

FORM_FIELD = "fields."
"""What stands before the key of a form field in ``Term.field``."""
FEWEST_FUZZY = 4
"""Characters of a term in which one may be wrong."""
MOST_FUZZY = 60
"""Beyond it a term with one wrong character takes seconds, growing with the square of its length."""


def positive_terms(query: Query) -> tuple[Term, ...]:
    """The terms a hit may be found by, in the order they were written, without repetition."""
    return tuple(dict.fromkeys(_positive(query, True)))


def _positive(query: Query, wanted: bool) -> Iterator[Term]:
    match query:
        case Term():
            if wanted:
                yield query
        case Not(part):
            yield from _positive(part, not wanted)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _positive(part, wanted)
