"""The search engine for machines that tantivy has no wheel for: ordered hash files of whoosh, searched with numpy.

A shard is a folder of segments (``whoosh_segment``) and ``segments.json``, which names those that count. A commit
writes the new documents as one segment, puts the youngest segments together so that each is more than twice as large
as all the younger ones, and replaces ``segments.json``; files it does not name are deleted then and by every later
writer.
"""

from __future__ import annotations

import json
import operator
import struct
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recordkit.archive.search.engines.ranks import ranks_between
from recordkit.archive.search.engines.whoosh_segment import (
    RECORD,
    Batch,
    FileFormatError,
    Segment,
    keyword_column,
    write_merged,
)
from recordkit.archive.search.grams import patterns_of
from recordkit.archive.search.port import IndexDamaged, IndexDocument, Sort
from recordkit.archive.search.query import Among, And, Dated, Everything, Is, Not, Or, Query, Term
from recordkit.archive.search.shards import Ranked, ShardedIndex
from recordkit.files import locked, remove_file, write_atomic

_MANIFEST = "segments.json"
_LOCK = "writing.lock"
_TOKENS_AT_ONCE = 6_000_000
"""Tokens of documents that are held in memory: about 300 MB."""
_MOST_DEAD = 0.2
"""Share of deleted documents beyond which a segment is written anew."""
_UNREADABLE = (
    OSError, ValueError, LookupError, TypeError, AttributeError, AssertionError, ArithmeticError, EOFError,
    struct.error, FileFormatError,
)  # fmt: skip


@contextmanager
def _damage_named(folder: Path) -> Iterator[None]:
    """Turn whatever the reading of a file that is not what was written raises into ``IndexDamaged``."""
    try:
        yield
    except _UNREADABLE as error:
        raise IndexDamaged(f"{folder.name}: {error!r}") from error


@dataclass(frozen=True, slots=True)
class _Entry:
    """A segment that counts: its file, how many documents it has, its bytes, and which documents are deleted."""

    name: str
    documents: int
    size: int
    dead: tuple[int, ...] = ()

    def opened(self, folder: Path) -> Segment:
        return Segment(folder / self.name, self.documents, self.size, self.dead)


@dataclass(frozen=True, slots=True)
class _Manifest:
    """``next``: number of the next segment's file."""

    next: int = 0
    entries: tuple[_Entry, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> _Manifest:
        with _damage_named(folder):
            body = json.loads((folder / _MANIFEST).read_bytes())
            entries = (
                # No more than a name: a manifest must not lead out of its folder.
                _Entry(Path(one["name"]).name, int(one["documents"]), int(one["size"]), tuple(map(int, one["dead"])))
                for one in body["segments"]
            )
            return cls(int(body["next"]), tuple(entries))

    def write(self, folder: Path) -> None:
        segments = [
            {"name": one.name, "documents": one.documents, "size": one.size, "dead": one.dead} for one in self.entries
        ]
        body = json.dumps({"next": self.next, "segments": segments})
        write_atomic(folder / _MANIFEST, body.encode(), overwrite=True)


class WhooshShards:
    """A ``ShardKind``."""

    name = "whoosh"

    def create(self, folder: Path) -> None:
        """See ``ShardKind.create``."""
        _Manifest().write(folder)

    def replaced(self, folder: Path) -> tuple[int, int]:
        """See ``ShardKind.replaced``."""
        entries = _Manifest.read(folder).entries
        dead = sum(len(one.dead) for one in entries)
        return dead, sum(one.documents for one in entries) - dead

    def writer(self, folder: Path) -> _Writer:
        """See ``ShardKind.writer``."""
        return _Writer(folder)

    def reader(self, folder: Path) -> _Reader:
        """See ``ShardKind.reader``."""
        return _Reader(folder)


def open_index(folder: Path, **options: int) -> ShardedIndex:
    """The index of this engine in a folder."""
    return ShardedIndex(folder, WhooshShards(), **options)


@dataclass(slots=True)
class _Written:
    """A segment that the writer knows, and what is deleted of it by now."""

    name: str
    segment: Segment
    size: int
    dead: set[int] = field(default_factory=set)

    @property
    def alive(self) -> int:
        return self.segment.documents - len(self.dead)

    def kill(self, number: int) -> None:
        self.dead.add(number)
        self.segment.live[number] = False


class _Writer:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with ExitStack() as stack:
            stack.enter_context(locked(folder / _LOCK, 0))
            manifest = _Manifest.read(folder)
            self._next = manifest.next
            self._written: list[_Written] = []
            self._batch = Batch()
            self._batch_dead: set[int] = set()
            self._sweep(entry.name for entry in manifest.entries)
            for entry in manifest.entries:
                with _damage_named(folder):
                    segment = entry.opened(folder)
                self._written.append(_Written(entry.name, segment, entry.size, set(entry.dead)))
            self._end = stack.pop_all().close

    def put(self, document: IndexDocument) -> None:
        with _damage_named(self._folder):
            for one in self._written:
                if (number := one.segment.number_of(document.record_id)) is not None:
                    one.kill(number)
        if (earlier := self._batch.add(document)) is not None:
            self._batch_dead.add(earlier)
        if self._batch.size >= _TOKENS_AT_ONCE:
            self._flush()

    def commit(self) -> None:
        try:
            self._flush()
            empty = [one for one in self._written if not one.alive]
            self._written = [one for one in self._written if one.alive]
            replaced = self._merge()
            entries = tuple(
                _Entry(one.name, one.segment.documents, one.size, tuple(sorted(one.dead))) for one in self._written
            )
            _Manifest(self._next, entries).write(self._folder)
            _close(empty + replaced)
            self._sweep(entry.name for entry in entries)
        finally:
            _close(self._written)
            self._end()

    def abandon(self) -> None:
        _close(self._written)
        with suppress(OSError, IndexDamaged):
            self._sweep(entry.name for entry in _Manifest.read(self._folder).entries)
        self._end()

    def _flush(self) -> None:
        if len(self._batch):
            path = self._new_path()
            self._batch.write(path)
            self._know(path, len(self._batch), self._batch_dead)
            self._batch, self._batch_dead = Batch(), set()

    def _merge(self) -> list[_Written]:
        """Put together the youngest segments, from the first on that is too small or has too many deleted documents.

        Returns those that were replaced.
        """
        first, younger = len(self._written) - 1, 0
        for at in reversed(range(len(self._written))):
            one = self._written[at]
            if one.alive <= 2 * younger or len(one.dead) > _MOST_DEAD * one.segment.documents:
                first = at
            younger += one.alive
        doomed = self._written[first:]
        if len(doomed) < 2 and not any(len(one.dead) > _MOST_DEAD * one.segment.documents for one in doomed):
            return []
        path = self._new_path()
        with _damage_named(self._folder):
            count = write_merged(path, [one.segment for one in doomed])
        del self._written[first:]
        self._know(path, count, set())
        return doomed

    def _new_path(self) -> Path:
        self._next += 1
        return self._folder / f"segment-{self._next:06d}"

    def _know(self, path: Path, documents: int, dead: set[int]) -> None:
        size = path.stat().st_size
        self._written.append(_Written(path.name, Segment(path, documents, size, dead), size, dead))

    def _sweep(self, names: Iterator[str]) -> None:
        """Delete what does not count: replaced segments, and what a killed writer left."""
        kept = {_MANIFEST, _LOCK, *names}
        for path in list(self._folder.iterdir()):
            if path.name not in kept:
                # Windows keeps a file that somebody reads; the next writer deletes it.
                with suppress(PermissionError):
                    remove_file(path)


def _close(some: list[_Written]) -> None:
    """Let go of files: Windows deletes none that is mapped."""
    for one in some:
        one.segment.close()


Scores = NDArray[np.int32]
Mask = NDArray[np.bool_]


class _Reader:
    """The segments as one commit left them; their files are mapped, so that a later commit takes nothing away."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        manifest = _Manifest.read(folder)
        while True:
            try:
                with _damage_named(folder):
                    self._segments = [entry.opened(folder) for entry in manifest.entries]
                return
            except IndexDamaged:
                now = _Manifest.read(folder)
                if now == manifest:
                    raise
                manifest = now

    def best(self, query: Query, count: int | None, sort: Sort) -> tuple[int, list[Ranked]]:
        with _damage_named(self._folder):
            found = [self._found(segment, query) for segment in self._segments]
            total = sum(len(numbers) for numbers, _ in found)
            if not total:
                return 0, []
            owners = np.repeat(np.arange(len(found)), [len(numbers) for numbers, _ in found])
            numbers = np.concatenate([numbers for numbers, _ in found])
            scores = np.concatenate([scores for _, scores in found])
            ranks = np.concatenate([
                segment.ranks()[some] for segment, (some, _) in zip(self._segments, found, strict=True)
            ])
            if sort == "code":
                codes = [
                    self._segments[owner].code(number)
                    for owner, number in zip(owners.tolist(), numbers.tolist(), strict=True)
                ]
                order = sorted(range(total), key=lambda at: (codes[at], -ranks[at]))[:count]
                return total, [Ranked((codes[at], -int(ranks[at])), 0.0, (owners[at], numbers[at])) for at in order]
            if sort == "date":
                scores = np.zeros_like(scores)
            order = np.lexsort((-ranks, -scores))[:count].tolist()
            return total, [
                Ranked((-float(scores[at]), -int(ranks[at])), float(scores[at]), (owners[at], numbers[at]))
                for at in order
            ]

    def record_id(self, place: tuple[int, int]) -> str:
        owner, number = place
        with _damage_named(self._folder):
            return self._segments[owner].record_id(number)

    def tally(self, query: Query, keywords: Sequence[str]) -> dict[str, dict[str, int]]:
        counts: dict[str, dict[str, int]] = {keyword: {} for keyword in keywords}
        with _damage_named(self._folder):
            for segment in self._segments:
                mask = self._evaluated(segment, query)[0] & segment.live
                for keyword, values in counts.items():
                    for value, numbers in segment.values(keyword_column(keyword)):
                        if count := int(mask[numbers].sum()):
                            values[value] = values.get(value, 0) + count
        return counts

    def held(self, record_ids: Collection[str]) -> set[str]:
        with _damage_named(self._folder):
            return {
                record_id
                for record_id in record_ids
                if any(segment.number_of(record_id) is not None for segment in self._segments)
            }

    def _found(self, segment: Segment, query: Query) -> tuple[NDArray[np.int64], Scores]:
        mask, scores = self._evaluated(segment, query)
        numbers = np.flatnonzero(mask & segment.live)
        return numbers, scores[numbers]

    def _evaluated(self, segment: Segment, query: Query) -> tuple[Mask, Scores]:
        """Which documents match, dead ones included, and the score of each; 0 for those that do not match."""
        unscored = np.zeros(segment.documents, np.int32)
        match query:
            case Term():
                for pattern in patterns_of(query):
                    numbers = segment.matching(pattern)
                    unscored[numbers] = np.maximum(unscored[numbers], pattern.weight)
                return unscored > 0, unscored
            case And(parts) | Or(parts):
                evaluated = [self._evaluated(segment, part) for part in parts]
                combine = operator.and_ if isinstance(query, And) else operator.or_
                mask = reduce(combine, [mask for mask, _ in evaluated])
                scores = reduce(operator.add, [scores for _, scores in evaluated])
                return mask, np.where(mask, scores, 0).astype(np.int32)
            case Not(part):
                return ~self._evaluated(segment, part)[0], unscored
            case Everything():
                return np.ones(segment.documents, bool), unscored
            case Is(keyword, value):
                return self._marked(segment, [(keyword_column(keyword), value)]), unscored
            case Among(record_ids):
                return self._marked(segment, [(RECORD, one) for one in record_ids]), unscored
            case Dated(since, until):
                low, high = ranks_between(since, until)
                ranks = segment.ranks()
                return (ranks >= low) & (ranks < high), unscored

    @staticmethod
    def _marked(segment: Segment, tokens: list[tuple[str, str]]) -> Mask:
        mask = np.zeros(segment.documents, bool)
        for column, token in tokens:
            mask[segment.with_token(column, token)] = True
        return mask
