"""The default search engine: tantivy, fed with our own columns.

The tokens of a column are handed over as words between spaces, so that tantivy's own white-space tokenizer gives each
its position (building the tokens in Python takes 1.7 times as long). A term is the phrase of the pairs that cover it:
exactly the substring, whatever the language.

Within a segment records lie in the order of their ranks, later ones first. Of records of equal score tantivy keeps
those that lie first, so that a shard of one segment, which a rebuild makes, gives its best in one pass.
"""

from __future__ import annotations

import errno
import heapq
import itertools
import os
import re
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from recordkit.archive.search.engines.ranks import rank_of, ranks_between
from recordkit.archive.search.grams import COLUMNS, KEYWORDS, Pattern, columns_of, patterns_of
from recordkit.archive.search.port import IndexDamaged, IndexDocument, Sort
from recordkit.archive.search.query import Among, And, Dated, Everything, Is, Not, Or, Query, Term
from recordkit.archive.search.shards import Ranked, ShardedIndex
from recordkit.errors import MissingPart, StoreBusy
from recordkit.messages import msg

try:
    import tantivy
except ImportError as error:
    raise MissingPart(
        msg("{part} is not installed.", part="tantivy"),
        msg("Install it with: pip install tantivy; where it has no wheel: pip install 'recordkit[whoosh]', and write "
            'search = "whoosh" under [engines] in recordkit.toml.'),
    ) from error

_WORDS = "grams"
_WRITER_BYTES = 300_000_000
"""What a writer collects in memory before it writes a segment: a shard of 50,000 records of one page fits into one."""
_MOST_LEVELS = 200
"""Combinations of weights that are looked through for ties; beyond it every hit is ranked one by one."""
_MOST_VALUES = 100_000


@contextmanager
def _damage_named(folder: Path) -> Iterator[None]:
    """Turn whatever tantivy raises over its files into ``IndexDamaged``, or ``OSError`` where there is no room.

    A panic of its Rust code arrives as ``pyo3_runtime.PanicException``, which is no ``Exception``.
    """
    try:
        yield
    except (IndexDamaged, StoreBusy):
        raise
    except BaseException as error:
        if isinstance(error, (OSError, ValueError)) or type(error).__name__ == "PanicException":
            if "LockBusy" in str(error):
                raise StoreBusy(
                    msg("Another process is writing the search index."), msg("Try again when it has finished.")
                ) from error
            if (full := _no_room(folder, str(error))) is not None:
                raise full from error
            raise IndexDamaged(f"{folder.name}: {error}") from error
        raise


def _no_room(folder: Path, told: str) -> OSError | None:
    """The error of the system that tantivy names in words, if it is one of writing: nothing is damaged by it."""
    found = re.search(r"os error ([0-9]+)", told)
    if found is None:
        return None
    code = int(found[1])
    error = OSError(code, os.strerror(code), str(folder))
    if sys.platform == "win32":
        error = OSError(0, told, str(folder), code)
    return error if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS) else None


def _make_schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("record_id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("sort_code", tokenizer_name="raw", index_option="basic", fast=True)
    builder.add_unsigned_field("rank", indexed=True, fast=True)
    for name in KEYWORDS:
        builder.add_text_field(f"is_{name}", tokenizer_name="raw", index_option="basic", fast=True)
    for name, has_places in COLUMNS.items():
        builder.add_text_field(name, tokenizer_name=_WORDS, index_option="position" if has_places else "basic")
    return builder.build()


_SCHEMA = _make_schema()


class TantivyShards:
    """A ``ShardKind``."""

    name = "tantivy"

    def create(self, folder: Path) -> None:
        """See ``ShardKind.create``."""
        with _damage_named(folder):
            tantivy.Index(_SCHEMA, path=str(folder), sort_by_field="rank", sort_order=tantivy.Order.Desc)

    def writer(self, folder: Path) -> _Writer:
        """See ``ShardKind.writer``."""
        return _Writer(folder)

    def reader(self, folder: Path) -> _Reader:
        """See ``ShardKind.reader``."""
        return _Reader(folder)


def open_index(folder: Path, **options: int) -> ShardedIndex:
    """The index of this engine in a folder."""
    return ShardedIndex(folder, TantivyShards(), **options)


class _Writer:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with _damage_named(folder):
            index = tantivy.Index.open(str(folder))
            words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
            index.register_tokenizer(_WORDS, words)
            self._writer: Any = index.writer(_WRITER_BYTES, 1)

    def put(self, document: IndexDocument) -> None:
        made = tantivy.Document()
        made.add_text("record_id", document.record_id)
        made.add_text("sort_code", document.code)
        made.add_unsigned("rank", rank_of(document.date, document.ordinal))
        for name, value in document.keywords.items():
            made.add_text(f"is_{name}", value)
        for name, tokens in columns_of(document):
            made.add_text(name, tokens)
        with _damage_named(self._folder):
            self._writer.delete_documents_by_term("record_id", document.record_id)
            self._writer.add_document(made)

    def commit(self) -> None:
        with _damage_named(self._folder):
            self._writer.commit()
            self._writer.garbage_collect_files()
            self._writer.wait_merging_threads()

    def abandon(self) -> None:
        del self._writer


class _Reader:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with _damage_named(folder):
            self._searcher: Any = tantivy.Index.open(str(folder)).searcher()

    def best(self, query: Query, count: int | None, sort: Sort) -> tuple[int, list[Ranked]]:
        wanted = max(1, self._searcher.num_docs if count is None else min(count, self._searcher.num_docs))
        with _damage_named(self._folder):
            compiled = self._compile(query)
            if sort == "code":
                found = self._searcher.search(compiled, wanted, order_by_field="sort_code", order=tantivy.Order.Asc)
                return found.count, [Ranked((code or "",), 0.0, address) for code, address in found.hits[:count]]
            if sort == "date":
                found = self._searcher.search(compiled, wanted, order_by_field="rank")
                return found.count, [Ranked((-rank,), 0.0, address) for rank, address in found.hits[:count]]
            found = self._searcher.search(compiled, wanted)
            hits = found.hits
            if found.count > len(hits) and self._searcher.num_segments > 1:
                hits = self._with_ties(query, compiled, hits, wanted)
            ranks = self._searcher.fast_field_values("rank", [address for _, address in hits])
            every = (
                Ranked((-score, -rank), score, address) for (score, address), rank in zip(hits, ranks, strict=True)
            )
            return found.count, heapq.nsmallest(wanted if count is None else count, every, key=lambda one: one.key)

    def record_id(self, place: Any) -> str:
        with _damage_named(self._folder):
            return str(self._searcher.doc(place).get_first("record_id"))

    def tally(self, query: Query, keywords: Sequence[str]) -> dict[str, dict[str, int]]:
        request = {name: {"terms": {"field": f"is_{name}", "size": _MOST_VALUES}} for name in keywords}
        with _damage_named(self._folder):
            counted = self._searcher.aggregate(_compiled(query), request)
        return {
            name: {str(one["key"]): int(one["doc_count"]) for one in counted[name]["buckets"]} for name in keywords
        }

    def held(self, record_ids: Collection[str]) -> set[str]:
        with _damage_named(self._folder):
            found = self._searcher.search(_compiled(Among(frozenset(record_ids))), max(1, len(record_ids)))
            return {str(self._searcher.doc(address).get_first("record_id")) for _, address in found.hits}

    def _compile(self, query: Query) -> tantivy.Query:
        """The query for this shard.

        Where several things must hold, tantivy looks at few records for a common term only if the term can stand in
        one column alone; with several columns it goes through thousands at a time, even if most have no such token.
        """
        return _made(query, self._may_stand) if isinstance(query, And) else _compiled(query)

    def _may_stand(self, pattern: Pattern) -> bool:
        return all(one.is_prefix or self._searcher.doc_freq(pattern.column, one.token) for one in pattern.pieces)

    def _with_ties(
        self, query: Query, compiled: tantivy.Query, hits: list[tuple[float, Any]], wanted: int
    ) -> list[tuple[float, Any]]:
        """Hits among which the best ``wanted`` are for certain: of those with the lowest score they are only some.

        Of the hits that are missing none lies before the last of those that are there.
        """
        lowest = hits[-1][0]
        above = [hit for hit in hits if hit[0] > lowest]
        tied = [address for score, address in hits if score == lowest]
        rank_of_last = min(self._searcher.fast_field_values("rank", tied))
        recent = _both(compiled, _ranked(rank_of_last, 1 << 63))
        levels = _levels(query, int(lowest))
        if levels is None:
            every = self._searcher.search(recent, self._searcher.num_docs, count=False).hits
            return above + [hit for hit in every if hit[0] == lowest]
        newest = self._searcher.search(_both(recent, levels), len(tied), count=False, order_by_field="rank").hits
        return above + [(lowest, address) for _, address in newest]


@lru_cache(maxsize=16)
def _compiled(query: Query) -> tantivy.Query:
    """The query for any shard; kept, because making it takes longer than looking it up in one of them."""
    return _made(query, lambda pattern: True)


def _made(query: Query, may_stand: Callable[[Pattern], bool]) -> tantivy.Query:
    must, should, must_not = tantivy.Occur.Must, tantivy.Occur.Should, tantivy.Occur.MustNot
    match query:
        case Term():
            patterns = [one for one in patterns_of(query) if may_stand(one)]
            if not patterns:
                return _unscored(tantivy.Query.empty_query())
            return _any([tantivy.Query.const_score_query(_found(one), float(one.weight)) for one in patterns])
        case And(parts):
            return tantivy.Query.boolean_query([(must, _made(part, may_stand)) for part in parts])
        case Or(parts):
            return tantivy.Query.boolean_query([(should, _made(part, may_stand)) for part in parts])
        case Not(part):
            every = _made(Everything(), may_stand)
            return tantivy.Query.boolean_query([(must, every), (must_not, _made(part, may_stand))])
        case Everything():
            return _unscored(tantivy.Query.all_query())
        case Is(keyword, value):
            return _unscored(tantivy.Query.term_query(_SCHEMA, f"is_{keyword}", value, index_option="basic"))
        case Among(record_ids):
            return _unscored(tantivy.Query.term_set_query(_SCHEMA, "record_id", sorted(record_ids)))
        case Dated(since, until):
            return _ranked(*ranks_between(since, until))


def _ranked(low: int, high: int) -> tantivy.Query:
    """Records whose rank lies between these, ``high`` not included."""
    return _unscored(tantivy.Query.range_query(
        _SCHEMA, "rank", tantivy.FieldType.Unsigned, low, high, include_upper=False))


def _unscored(query: tantivy.Query) -> tantivy.Query:
    return tantivy.Query.const_score_query(query, 0.0)


def _any(queries: Sequence[tantivy.Query]) -> tantivy.Query:
    return queries[0] if len(queries) == 1 else tantivy.Query.disjunction_max_query(queries)


def _both(one: tantivy.Query, other: tantivy.Query) -> tantivy.Query:
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, one), (tantivy.Occur.Must, other)])


def _found(pattern: Pattern) -> tantivy.Query:
    """The pieces at their distances, whatever the score."""
    if pattern.sieve is not None:
        return _both(_found(pattern.sieve), _found(replace(pattern, sieve=None)))
    pieces = pattern.pieces
    first = pieces[0]
    if any(one.is_prefix for one in pieces):
        if len(pieces) == 1:
            return tantivy.Query.regex_query(_SCHEMA, pattern.column, re.escape(first.token) + ".*")
        words: list[str | tuple[int, str]] = [
            (one.offset, re.escape(one.token) + ".*" * one.is_prefix) for one in pieces
        ]
        return tantivy.Query.regex_phrase_query(_SCHEMA, pattern.column, words)
    if len(pieces) == 1:
        return tantivy.Query.term_query(_SCHEMA, pattern.column, first.token, index_option="basic")
    return tantivy.Query.phrase_query(_SCHEMA, pattern.column, [(one.offset, one.token) for one in pieces])


def _levels(query: Query, score: int) -> tantivy.Query | None:
    """What holds of the records that match with exactly this score; None when it would take too many combinations."""
    if not _adds_up(query, False):
        return None
    terms = list(_scoring(query))
    groups = [_by_weight(term) for term in terms]
    sizes = 1
    for group in groups:
        sizes *= len(group) + 1
        if sizes > 50 * _MOST_LEVELS:
            return None
    combinations = [
        chosen for chosen in itertools.product(*([0, *group] for group in groups)) if sum(chosen) == score
    ]
    if not 0 < len(combinations) <= _MOST_LEVELS:
        return None
    must, must_not = tantivy.Occur.Must, tantivy.Occur.MustNot
    every = []
    for chosen in combinations:
        clauses = [(must, tantivy.Query.all_query())] if not any(chosen) else []
        for weight, group in zip(chosen, groups, strict=True):
            if weight:
                clauses.append((must, group[weight]))
            clauses += [(must_not, found) for other, found in group.items() if other > weight]
        every.append((tantivy.Occur.Should, tantivy.Query.boolean_query(clauses)))
    return tantivy.Query.boolean_query(every)


def _adds_up(query: Query, is_choice: bool) -> bool:
    """Whether every term that stands in a hit counts; one of a group does not when the group need not hold."""
    match query:
        case And(parts) if is_choice and any(True for part in parts for _ in _scoring(part)):
            return False
        case And(parts):
            return all(_adds_up(part, is_choice) for part in parts)
        case Or(parts):
            return all(_adds_up(part, True) for part in parts)
    return True


def _scoring(query: Query) -> Iterator[Term]:
    """The terms whose weights add up to the score, repetitions included."""
    match query:
        case Term():
            yield query
        case And(parts) | Or(parts):
            for part in parts:
                yield from _scoring(part)


def _by_weight(term: Term) -> dict[int, tantivy.Query]:
    """What holds of the records in which the term stands in a column of each weight, heavier ones first."""
    patterns = patterns_of(term)
    return {
        weight: _any([_found(one) for one in some])
        for weight, some in itertools.groupby(patterns, key=lambda one: one.weight)
    }
