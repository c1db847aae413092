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
import json
import os
import re
import struct
import sys
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from recordkit.archive.search.engines.ranks import rank_of, ranks_between
from recordkit.archive.search.grams import COLUMNS, KEYWORDS, Pattern, Piece, columns_of, patterns_of
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
_META = "meta.json"
_CHECKED = (".term", ".fast", ".store")
_MAGIC = 1337
_FOOTER = 4096
"""Bytes at the end of a file in which its footer stands as a whole; it has about a hundred."""
_AT_ONCE = 1 << 18
_MUST, _MUST_NOT = tantivy.Occur.Must, tantivy.Occur.MustNot
_WRITER_BYTES = 300_000_000
"""What a writer collects in memory before it writes a segment: a shard of 50,000 records of one page fits into one."""
_CHEAP_TO_RANK = 250
"""Hits that are all fetched, so that none of equal score need be looked for again."""
_MOST_LEVELS = 200
"""Combinations of weights that are looked through for ties; beyond it every hit is ranked one by one."""
_MOST_VALUES = 100_000
_RARER = 2
"""How many times as rare as the others a further piece must be: looking for one more costs something as well."""


Clause = tuple[tantivy.Occur, tantivy.Query]


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
            if "PermissionDenied" in str(error):
                # Somebody else's files: to build the index anew would not be allowed either.
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder)) from error
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


class _Segment(Struct, frozen=True):
    """A segment that counts: how its files are named, how many documents it has, and how many of them are deleted."""

    name: str
    documents: int
    dead: int


def _segments(folder: Path) -> list[_Segment]:
    """The segments of the last commit.

    Raises:
        IndexDamaged: the list cannot be read.
    """
    with _damage_named(folder):
        listed = json.loads((folder / _META).read_bytes())
        try:
            return [
                _Segment(str(one["segment_id"]).replace("-", ""), int(one["max_doc"]),
                         int((one["deletes"] or {"num_deleted_docs": 0})["num_deleted_docs"]))
                for one in listed["segments"]
            ]
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{_META}: {error!r}") from error


def _check(folder: Path) -> None:
    """Compare the files that are small and steer all reading with the checksums that tantivy wrote into them.

    Tantivy checks lengths only. Led astray by a changed byte, its Rust code tells of it on stderr, whoever reads that.

    Raises:
        IndexDamaged: a file is not as it was written.
    """
    for segment in _segments(folder):
        for suffix in _CHECKED:
            path = folder / f"{segment.name}{suffix}"
            try:
                state = path.stat()
            except FileNotFoundError:
                continue  # it may be merged by now; if not, tantivy names it when it opens the shard
            with _damage_named(folder):
                if not _is_sound(path, state.st_ino, state.st_mtime_ns, state.st_size):
                    raise IndexDamaged(f"{folder.name}: {path.name}")


@lru_cache(maxsize=4096)
def _is_sound(path: Path, *_: int) -> bool:
    """Whether a file has its checksum; asked once for each state of a file.

    A file ends with a footer in JSON, its length, and a magic number, both of four bytes, little-endian.
    """
    try:
        with path.open("rb", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _FOOTER))
            end = file.read()
            length, magic = struct.unpack("<II", end[-8:])
            if magic != _MAGIC or length > len(end) - 8:
                return False
            told = json.loads(end[-8 - length : -8])["crc"]
            file.seek(0)
            left, sum_, part = size - 8 - length, 0, memoryview(bytearray(_AT_ONCE))
            while left and (count := file.readinto(part[:left])):
                left, sum_ = left - count, zlib.crc32(part[:count], sum_)
            return bool(told == sum_)
    except FileNotFoundError:
        return True
    except (struct.error, ValueError, KeyError, TypeError):
        return False


class TantivyShards:
    """A ``ShardKind``."""

    name = "tantivy"

    def create(self, folder: Path) -> None:
        """See ``ShardKind.create``."""
        with _damage_named(folder):
            tantivy.Index(_SCHEMA, path=str(folder), sort_by_field="rank", sort_order=tantivy.Order.Desc)

    def replaced(self, folder: Path) -> tuple[int, int]:
        """See ``ShardKind.replaced``."""
        segments = _segments(folder)
        dead = sum(one.dead for one in segments)
        return dead, sum(one.documents for one in segments) - dead

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
        _check(folder)
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
        _check(folder)
        with _damage_named(folder):
            self._searcher: Any = tantivy.Index.open(str(folder)).searcher()

    def best(self, query: Query, count: int | None, sort: Sort) -> tuple[int, list[Ranked]]:
        wanted = max(1, self._searcher.num_docs if count is None else min(count, self._searcher.num_docs))
        with _damage_named(self._folder):
            clauses = self._clauses(query)
            compiled = _all_hold(clauses)
            if sort == "code":
                found = self._searcher.search(compiled, wanted, order_by_field="sort_code", order=tantivy.Order.Asc)
                return found.count, [Ranked((code or "",), 0.0, address) for code, address in found.hits[:count]]
            if sort == "date":
                found = self._searcher.search(compiled, wanted, order_by_field="rank")
                return found.count, [Ranked((-rank,), 0.0, address) for rank, address in found.hits[:count]]
            several = self._searcher.num_segments > 1
            found = self._searcher.search(compiled, max(wanted, _CHEAP_TO_RANK) if several else wanted)
            hits = found.hits
            if several and found.count > len(hits):
                hits = self._with_ties(query, clauses, hits[:wanted])
            elif len(hits) > wanted:
                lowest = hits[wanted - 1][0]
                hits = list(itertools.takewhile(lambda hit: hit[0] >= lowest, hits))
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
            counted = self._searcher.aggregate(_all_hold(self._clauses(query)), request)
        return {
            name: {str(one["key"]): int(one["doc_count"]) for one in counted[name]["buckets"]} for name in keywords
        }

    def held(self, record_ids: Collection[str]) -> set[str]:
        with _damage_named(self._folder):
            found = self._searcher.search(_all_hold(_compiled(Among(frozenset(record_ids)))), max(1, len(record_ids)))
            return {str(self._searcher.doc(address).get_first("record_id")) for _, address in found.hits}

    def _clauses(self, query: Query) -> Sequence[Clause]:
        """What must hold in this shard, and what must not.

        Where several things must hold, tantivy looks at few records for a common term only if the term can stand in
        one column alone; with several columns it goes through thousands at a time, even if most have no such token.
        For a term by itself it is quicker to leave that to tantivy, unless there is something to choose.
        """
        if isinstance(query, And) or isinstance(query, Term) and any(one.is_choice for one in _places(query)):
            return _clauses(query, self._found)
        return _compiled(query)

    def _found(self, term: Term) -> list[tantivy.Query]:
        """What finds the term in this shard: ways that need a token which the shard has not are left out."""
        found = []
        for place in _places(term):
            counts = []
            for is_needed, (column, token) in place.tokens:
                counts.append(self._searcher.doc_freq(column, token))
                if is_needed and not counts[-1]:
                    break
            else:
                for way in place.ways:
                    rarest = min((counts[number] for number in way.needs), default=0)
                    if (rarest or not way.needs) and (way.sure is None or self._searcher.search(way.sure, 1).count):
                        found.append(self._with_rare(way, rarest) if way.pattern.spare else way.query)
        return found

    def _with_rare(self, way: _Way, rarest: int) -> tantivy.Query:
        """The way with the rarest spare piece, if that shortens the search."""
        column, spare = way.pattern.column, way.pattern.spare
        count, number = min((self._searcher.doc_freq(column, one.token), n) for n, one in enumerate(spare))
        if not count:
            return tantivy.Query.empty_query()
        return _with(way.pattern, spare[number]) if _RARER * count < rarest else way.query

    def _with_ties(
        self, query: Query, clauses: Sequence[Clause], hits: list[tuple[float, Any]]
    ) -> list[tuple[float, Any]]:
        """Hits among which the best are for certain, as many as ``hits``: of its lowest score these are only some.

        Of the hits that are missing none lies before the last of those that are there.
        """
        lowest = hits[-1][0]
        above = [hit for hit in hits if hit[0] > lowest]
        tied = [address for score, address in hits if score == lowest]
        rank_of_last = min(self._searcher.fast_field_values("rank", tied))
        recent = [*clauses, (_MUST, _ranked(rank_of_last, 1 << 63))]
        levels = _levels(query, int(lowest))
        if levels is None:
            every = self._searcher.search(_all_hold(recent), self._searcher.num_docs, count=False).hits
            return above + [hit for hit in every if hit[0] == lowest]
        compiled = _all_hold([*recent, (_MUST, levels)])
        newest = self._searcher.search(compiled, len(tied), count=False, order_by_field="rank").hits
        return above + [(lowest, address) for _, address in newest]


class _Way(Struct, frozen=True):
    """A pattern, what finds it, and which tokens of its ``_Place`` it needs.

    ``sure``: for a pattern with beginnings of tokens, for which tantivy goes through the whole shard, the other pieces.
    """

    pattern: Pattern
    query: tantivy.Query
    needs: tuple[int, ...]
    sure: tantivy.Query | None


class _Place(Struct, frozen=True):
    """The ways in which a term may stand in one field.

    Attributes:
        tokens: the columns and tokens that the ways need; before each, whether every way needs it.
        ways: the ways.
        is_choice: which way is taken depends on what the shard has.
    """

    tokens: tuple[tuple[bool, tuple[str, str]], ...]
    ways: tuple[_Way, ...]
    is_choice: bool


@lru_cache(maxsize=32)
def _places(term: Term) -> tuple[_Place, ...]:
    """Made once for all shards: it takes longer than looking the term up in one of them."""
    return tuple(_place(list(some)) for _, some in itertools.groupby(patterns_of(term), lambda one: one.column))


def _place(patterns: list[Pattern]) -> _Place:
    needed = [_tokens(one) for one in patterns]
    tokens = list(dict.fromkeys(itertools.chain(*needed)))
    places = {token: place for place, token in enumerate(tokens)}
    return _Place(
        tuple((all(token in some for some in needed), token) for token in tokens),
        tuple(
            _Way(pattern, _scored(pattern), tuple(places[token] for token in some), _sure(pattern))
            for pattern, some in zip(patterns, needed, strict=True)
        ),
        len(patterns) > 1 or bool(patterns[0].spare),
    )


def _tokens(pattern: Pattern) -> list[tuple[str, str]]:
    """What stands, as it is, in every record that has the pattern: columns and tokens, each once."""
    own = [(pattern.column, one.token) for one in pattern.pieces if not one.is_prefix]
    return list(dict.fromkeys(own + (_tokens(pattern.sieve) if pattern.sieve is not None else [])))


def _sure(pattern: Pattern) -> tantivy.Query | None:
    pieces = tuple(one for one in pattern.pieces if not one.is_prefix)
    return _standing(replace(pattern, pieces=pieces)) if 0 < len(pieces) < len(pattern.pieces) else None


@lru_cache(maxsize=256)
def _with(pattern: Pattern, piece: Piece) -> tantivy.Query:
    pieces = sorted((*pattern.pieces, piece), key=lambda one: one.offset)
    return _scored(replace(pattern, pieces=tuple(pieces)))


def _scored(pattern: Pattern) -> tantivy.Query:
    return tantivy.Query.const_score_query(_standing(pattern), float(pattern.weight))


@lru_cache(maxsize=16)
def _compiled(query: Query) -> Sequence[Clause]:
    """The query for any shard."""
    return _clauses(query, lambda term: [way.query for place in _places(term) for way in place.ways])


def _clauses(query: Query, found: Callable[[Term], list[tantivy.Query]]) -> list[Clause]:
    """What must hold, at least one clause, and what must not, in one row: what is nested is slow to leave out."""
    wanted, unwanted = [], []
    for part in _conjuncts(query):
        match part:
            case Not(Term() as term):
                # Each way by itself: of several in one, tantivy would go through thousands of records at a time.
                unwanted += found(term)
            case Not(other):
                unwanted.append(_made(other, found))
            case _:
                wanted.append(_made(part, found))
    must = [(_MUST, one) for one in wanted or [_made(Everything(), found)]]
    return [*must, *((_MUST_NOT, one) for one in unwanted)]


def _conjuncts(query: Query) -> Iterator[Query]:
    match query:
        case And(parts):
            for part in parts:
                yield from _conjuncts(part)
        case Not(Or(parts)):
            for part in parts:
                yield from _conjuncts(Not(part))
        case _:
            yield query


def _made(query: Query, found: Callable[[Term], list[tantivy.Query]]) -> tantivy.Query:
    match query:
        case Term():
            return _any(found(query))
        case And() | Not():
            return _all_hold(_clauses(query, found))
        case Or(parts):
            return tantivy.Query.boolean_query([(tantivy.Occur.Should, _made(part, found)) for part in parts])
        case Everything():
            return _unscored(tantivy.Query.all_query())
        case Is(keyword, value):
            return _unscored(tantivy.Query.term_query(_SCHEMA, f"is_{keyword}", value, index_option="basic"))
        case Among(record_ids):
            return _unscored(tantivy.Query.term_set_query(_SCHEMA, "record_id", sorted(record_ids)))
        case Dated(since, until):
            return _ranked(*ranks_between(since, until))


def _all_hold(clauses: Sequence[Clause]) -> tantivy.Query:
    return clauses[0][1] if len(clauses) == 1 else tantivy.Query.boolean_query(clauses)


def _ranked(low: int, high: int) -> tantivy.Query:
    """Records whose rank lies between these, ``high`` not included."""
    return _unscored(tantivy.Query.range_query(
        _SCHEMA, "rank", tantivy.FieldType.Unsigned, low, high, include_upper=False))


def _unscored(query: tantivy.Query) -> tantivy.Query:
    return tantivy.Query.const_score_query(query, 0.0)


def _any(queries: Sequence[tantivy.Query]) -> tantivy.Query:
    if not queries:
        return _unscored(tantivy.Query.empty_query())
    return queries[0] if len(queries) == 1 else tantivy.Query.disjunction_max_query(queries)


def _both(one: tantivy.Query, other: tantivy.Query) -> tantivy.Query:
    return tantivy.Query.boolean_query([(_MUST, one), (_MUST, other)])


def _standing(pattern: Pattern) -> tantivy.Query:
    """The pieces at their distances, whatever the score."""
    if pattern.sieve is not None:
        return _both(_standing(pattern.sieve), _standing(replace(pattern, sieve=None)))
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


@lru_cache(maxsize=16)
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
    every = []
    for chosen in combinations:
        clauses = [(_MUST, tantivy.Query.all_query())] if not any(chosen) else []
        for weight, group in zip(chosen, groups, strict=True):
            if weight:
                clauses.append((_MUST, group[weight]))
            clauses += [(_MUST_NOT, found) for other, found in group.items() if other > weight]
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
        weight: _any([_standing(one) for one in some])
        for weight, some in itertools.groupby(patterns, key=lambda one: one.weight)
    }
