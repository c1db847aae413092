"""An index in shards, whichever engine holds them: which folders count, what is swept, how hits of shards are merged.

On disk: ``index.json`` names the folder of each shard and the cursor. A shard that loses a record is built anew in
another folder, ``index.json`` is replaced, and the old folder is deleted; then the new cursor is written. A process
killed in between leaves either a folder that nothing names, which the next writer deletes, or an old cursor, which
makes the caller apply the same again. A record that is only replaced leaves the grams of its old version in its
segment until the engine merges that segment or the shard is rebuilt; no search finds them. When they come to a third
of what is found, the shard is rebuilt: at most four records are written anew for each one replaced.
"""

from __future__ import annotations

import heapq
import itertools
import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from recordkit.archive.search.port import (
    SHARD_SIZE,
    DocumentsOfShard,
    Hit,
    IndexAbsent,
    IndexDamaged,
    IndexDocument,
    Sort,
)
from recordkit.archive.search.query import Among, And, Query
from recordkit.archive.search.text import TEXT_VERSION
from recordkit.files import make_folder, remove_file, remove_tree, write_atomic
from recordkit.messages import msg

_FORMAT = 2
_MANIFEST = "index.json"
_OPEN_WRITERS = 2
_BATCH = 1_000
_SECONDS_FOR_A_SHARD = 86_400.0
_MOST_REPLACED = 1 / 3
_FEWEST_REPLACED = 100
"""Replaced versions, as a share of the records found and at least so many, at which a shard is rebuilt."""
_SHARDS_FOR_TWO = 4
"""Shards from which on a second thread is worth its start; engines let other threads run while they search."""

SortKey = tuple[Any, ...]
_Shard = TypeVar("_Shard")
_Found = TypeVar("_Found")


class Ranked(Struct, frozen=True):
    """A hit of one shard: the smaller ``key`` comes first; ``place`` means something to its shard only."""

    key: SortKey
    score: float
    place: Any


class ShardReader(Protocol):
    """One shard as it was when it was opened. Raises ``IndexDamaged`` for what cannot be read."""

    def best(self, query: Query, count: int | None, sort: Sort) -> tuple[int, list[Ranked]]:
        """How many records match, and the first ``count`` of them (None: all) in the order of their keys.

        Keys of one sort are comparable across shards. Scores count for ``relevance`` only.
        """
        ...

    def record_id(self, place: Any) -> str:
        """The record at a place."""
        ...

    def tally(self, query: Query, keywords: Sequence[str]) -> dict[str, dict[str, int]]:
        """See ``SearchEngine.tally``."""
        ...

    def held(self, record_ids: Collection[str]) -> set[str]:
        """Those of ``record_ids`` that are found."""
        ...


class ShardWriter(Protocol):
    """Writes one shard; nothing is found until ``commit``, and nothing stays of a writer that is closed without."""

    def put(self, document: IndexDocument) -> None:
        """Add or replace a document."""
        ...

    def commit(self) -> None:
        """Bring everything to disk, remove files that are no longer used, and end."""
        ...

    def abandon(self) -> None:
        """End without a trace."""
        ...


class ShardKind(Protocol):
    """How an engine keeps a shard in a folder. Stateless and picklable."""

    @property
    def name(self) -> str:
        """Name of the engine in the settings."""
        ...

    def create(self, folder: Path) -> None:
        """Make an empty shard in an empty folder."""
        ...

    def replaced(self, folder: Path) -> tuple[int, int]:
        """How many replaced versions of records a shard still keeps, and how many records are found in it.

        Raises:
            IndexDamaged: it cannot be read.
        """
        ...

    def writer(self, folder: Path) -> ShardWriter:
        """Open a shard for writing.

        Raises:
            StoreBusy: another process writes it.
            IndexDamaged: it cannot be read.
        """
        ...

    def reader(self, folder: Path) -> ShardReader:
        """Open a shard for reading.

        Raises:
            IndexDamaged: it cannot be read.
        """
        ...


class _Manifest(Struct, frozen=True):
    """``shards``: name of the folder of each shard; ``generation``: the number in the newest folder name."""

    engine: str
    cursor: int = 0
    generation: int = 0
    shard_size: int = SHARD_SIZE
    shards: dict[int, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        shards = {str(shard): name for shard, name in sorted(self.shards.items())}
        body = {"format": _FORMAT, "engine": self.engine, "text": TEXT_VERSION, "cursor": self.cursor}
        body |= {"generation": self.generation, "shard_size": self.shard_size, "shards": shards}
        return json.dumps(body, indent=1).encode()

    @classmethod
    def from_bytes(cls, data: bytes, engine: str) -> _Manifest:
        """Read what ``to_bytes`` wrote.

        Raises:
            IndexDamaged: it is not readable or was written by another version or engine.
        """
        try:
            body = json.loads(data)
            if (body["format"], body["engine"], body["text"]) != (_FORMAT, engine, TEXT_VERSION):
                raise IndexDamaged(f"{_MANIFEST} was written by another version or engine")
            shards = {int(shard): str(name) for shard, name in body["shards"].items()}
            return cls(engine, int(body["cursor"]), int(body["generation"]), int(body["shard_size"]), shards)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise IndexDamaged(f"{_MANIFEST}: {type(error).__name__}") from error


class ShardedIndex:
    """A ``SearchEngine`` in one folder. Opening reads nothing; a folder that does not exist is a fresh index.

    Args:
        folder: the folder of the index, owned by it alone.
        kind: the engine that keeps the shards.
        shard_size: records per shard of an index that is made new; an existing index keeps its own.
    """

    def __init__(self, folder: Path, kind: ShardKind, *, shard_size: int = SHARD_SIZE) -> None:
        """Read nothing yet."""
        self._folder = folder
        self._kind = kind
        self._shard_size = shard_size
        self._opened: tuple[object, list[ShardReader]] | None = None

    def cursor(self) -> int:
        """See ``SearchEngine.cursor``."""
        return self._manifest().cursor

    def apply(
        self,
        upserts: Iterable[IndexDocument],
        removals: Collection[str],
        cursor: int,
        documents_of_shard: DocumentsOfShard,
    ) -> None:
        """See ``SearchEngine.apply``."""
        self._opened = None
        manifest = self._manifest()
        self._sweep(manifest)
        gone = set(removals)
        touched = [shard for shard, name in sorted(manifest.shards.items()) if gone and self._reader(name).held(gone)]
        if touched:
            manifest = self._rebuilt(manifest, touched, gone, documents_of_shard)
        before = manifest.shards
        manifest, written = self._add(manifest, (one for one in upserts if one.record_id not in gone))
        manifest = replace(manifest, cursor=cursor)
        self._write(manifest)
        self._tidy(manifest, written.intersection(before), documents_of_shard)

    def rebuild(
        self,
        shards: Sequence[int],
        documents_of_shard: DocumentsOfShard,
        cursor: int,
        *,
        jobs: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> int:
        """See ``SearchEngine.rebuild``."""
        self._opened = None
        try:
            old = self._manifest()
        except IndexDamaged:
            old = _Manifest(self._kind.name, generation=self._newest_generation(), shard_size=self._shard_size)
            self._clear_way()
        self._sweep(old)
        fresh = replace(old, shards={}, generation=old.generation + 1)
        done = 0
        for shard, count in self._built(fresh, shards, documents_of_shard, jobs, progress):
            fresh.shards[shard] = _folder_name(fresh, shard)
            done += count
            if progress is not None:
                progress(done)
        self._write(replace(fresh, cursor=cursor))
        self._sweep(fresh)
        return done

    def search(
        self, query: Query, *, limit: int | None = None, offset: int = 0, sort: Sort = "relevance"
    ) -> tuple[int, list[Hit]]:
        """See ``SearchEngine.search``."""
        end = None if limit is None else offset + limit
        readers = self._readers()
        found = _of_each(readers, lambda reader: reader.best(query, end, sort))
        merged = heapq.merge(
            *([(one.key, number, one) for one in best] for number, (_, best) in enumerate(found)),
            key=lambda one: one[:2],
        )
        places = [(readers[number], one) for _, number, one in itertools.islice(merged, offset, end)]
        page = [(reader.record_id(one.place), one.score) for reader, one in places]
        if sort != "relevance" and page:
            with_hits = dict.fromkeys(reader for reader, _ in places)
            scores = _scores(with_hits, query, [record_id for record_id, _ in page])
            page = [(record_id, scores.get(record_id, 0.0)) for record_id, _ in page]
        return sum(total for total, _ in found), [Hit(record_id, score) for record_id, score in page]

    def tally(self, query: Query, keywords: Sequence[str]) -> dict[str, dict[str, int]]:
        """See ``SearchEngine.tally``."""
        counts = {keyword: Counter[str]() for keyword in keywords}
        for values in _of_each(self._readers(), lambda reader: reader.tally(query, keywords)):
            for keyword, found in values.items():
                counts[keyword].update(found)
        return {keyword: dict(found) for keyword, found in counts.items()}

    def held(self, record_ids: Collection[str]) -> set[str]:
        """See ``SearchEngine.held``."""
        return set[str]().union(*(reader.held(record_ids) for reader in self._readers()))

    # Reading

    def _manifest(self) -> _Manifest:
        try:
            return _Manifest.from_bytes((self._folder / _MANIFEST).read_bytes(), self._kind.name)
        except FileNotFoundError:
            if any(self._folder.glob("shard-*")):
                raise IndexAbsent(msg("{file} is missing", file=_MANIFEST)) from None
            return _Manifest(self._kind.name, shard_size=self._shard_size)
        except OSError as error:
            raise IndexDamaged(f"{_MANIFEST}: {error.strerror}") from error

    def _readers(self) -> list[ShardReader]:
        """The shards as one consistent state; if a writer swaps a shard while it is opened, all is opened again.

        They stay open until ``index.json`` is another file, which is the last thing that a writer brings about.
        """
        version = self._version()
        if self._opened is not None and self._opened[0] == version:
            return self._opened[1]
        manifest = self._manifest()
        while True:
            try:
                readers = _of_each([name for _, name in sorted(manifest.shards.items())], self._reader)
                break
            except IndexDamaged:
                now = self._manifest()
                if now.shards == manifest.shards:
                    raise
                manifest = now
        self._opened = version, readers
        return readers

    def _version(self) -> object:
        try:
            state = (self._folder / _MANIFEST).stat()
        except FileNotFoundError:
            return None
        return state.st_ino, state.st_mtime_ns, state.st_size

    def _reader(self, name: str) -> ShardReader:
        return self._kind.reader(self._folder / name)

    # Writing

    def _write(self, manifest: _Manifest) -> None:
        write_atomic(self._folder / _MANIFEST, manifest.to_bytes(), overwrite=True)

    def _sweep(self, manifest: _Manifest) -> None:
        """Delete what no manifest names: a killed writer left it, and it may hold grams of removed records."""
        named = {_MANIFEST, *manifest.shards.values()}
        for left in self._folder.iterdir() if self._folder.is_dir() else ():
            if left.name in named:
                continue
            if left.is_dir():
                remove_tree(left)
            else:
                remove_file(left)

    def _clear_way(self) -> None:
        """Remove what stands where the index or its manifest has to be and is of the wrong kind."""
        if self._folder.exists() and not self._folder.is_dir():
            remove_file(self._folder)
        if (self._folder / _MANIFEST).is_dir():
            remove_tree(self._folder / _MANIFEST)

    def _newest_generation(self) -> int:
        numbers = [folder.name.rpartition("-")[2] for folder in self._folder.glob("shard-*")]
        return max((int(number) for number in numbers if number.isdigit()), default=0)

    def _rebuilt(
        self, manifest: _Manifest, touched: Collection[int], gone: set[str], documents_of_shard: DocumentsOfShard
    ) -> _Manifest:
        rebuilt = replace(
            manifest,
            shards={shard: name for shard, name in manifest.shards.items() if shard not in touched},
            generation=manifest.generation + 1,
        )
        for shard in touched:
            name = _folder_name(rebuilt, shard)
            kept = (document for document in documents_of_shard(shard) if document.record_id not in gone)
            if _build_shard(self._kind, self._folder / name, kept):
                rebuilt.shards[shard] = name
        self._write(rebuilt)
        self._sweep(rebuilt)
        return rebuilt

    def _built(
        self,
        manifest: _Manifest,
        shards: Sequence[int],
        documents_of_shard: DocumentsOfShard,
        jobs: int,
        progress: Callable[[int], None] | None,
    ) -> Iterator[tuple[int, int]]:
        """Build shards in the folders of this manifest's generation; the number and the size of each."""
        if jobs == 1 or len(shards) == 1:
            before = 0
            for shard in shards:
                documents = _counted(documents_of_shard(shard), before, progress)
                count = _build_shard(self._kind, self._folder / _folder_name(manifest, shard), documents)
                before += count
                yield shard, count
            return
        from recordkit.crew import Crew  # not needed to search

        with Crew(min(jobs, len(shards)), _SECONDS_FOR_A_SHARD) as crew:
            for place, shard in enumerate(shards):
                folder = self._folder / _folder_name(manifest, shard)
                crew.put((place, 0), _build_shard_of, self._kind, folder, documents_of_shard, shard)
            for _ in shards:
                (place, _), outcome = crew.take()
                if outcome.error is not None:
                    raise outcome.error
                yield shards[place], outcome.value

    def _tidy(self, manifest: _Manifest, written: Collection[int], documents_of_shard: DocumentsOfShard) -> None:
        """Rebuild the shards that keep too much of what was replaced. Where there is no room for that, they stay."""
        too_full = []
        for shard in sorted(written):
            replaced, found = self._kind.replaced(self._folder / manifest.shards[shard])
            if replaced >= max(_FEWEST_REPLACED, found * _MOST_REPLACED):
                too_full.append(shard)
        try:
            if too_full:
                self._rebuilt(manifest, too_full, set(), documents_of_shard)
        except OSError:
            self._sweep(manifest)

    def _add(self, manifest: _Manifest, documents: Iterable[IndexDocument]) -> tuple[_Manifest, set[int]]:
        """Add or replace; the shards that were written to.

        A new shard is named on disk before its first commit, so that no named folder is ever swept and no committed
        shard is unknown.
        """
        writers = _Writers(self._kind, self._folder)
        shards = dict(manifest.shards)
        written = set()
        source = iter(documents)
        with writers:
            while batch := list(itertools.islice(source, _BATCH)):
                for document in batch:
                    shard = document.ordinal // manifest.shard_size
                    if shard not in shards:
                        shards[shard] = _folder_name(manifest, shard)
                        _create(self._kind, self._folder / shards[shard])
                        self._write(replace(manifest, shards=shards))
                    written.add(shard)
                    writers.put(shards[shard], document)
        return replace(manifest, shards=shards), written


def _of_each(shards: Sequence[_Shard], work: Callable[[_Shard], _Found]) -> list[_Found]:
    """What ``work`` gives for each, in their order; of many shards, a second thread takes every next one as well."""
    if len(shards) < _SHARDS_FOR_TWO or (os.cpu_count() or 1) == 1:
        return [work(shard) for shard in shards]
    from concurrent.futures import ThreadPoolExecutor

    left = iter(range(len(shards)))  # each number goes to one thread only

    def take() -> dict[int, _Found]:
        return {number: work(shards[number]) for number in left}

    with ThreadPoolExecutor(1) as second:
        others = second.submit(take)
        found = take()
        found |= others.result()
    return [found[number] for number in range(len(shards))]


def _folder_name(manifest: _Manifest, shard: int) -> str:
    return f"shard-{shard:04d}-{manifest.generation}"


def _create(kind: ShardKind, folder: Path) -> None:
    if folder.exists():
        remove_tree(folder)
    make_folder(folder)
    kind.create(folder)


def _build_shard_of(kind: ShardKind, folder: Path, documents_of_shard: DocumentsOfShard, shard: int) -> int:
    return _build_shard(kind, folder, documents_of_shard(shard))


def _build_shard(kind: ShardKind, folder: Path, documents: Iterable[IndexDocument]) -> int:
    """Make a shard of these documents; how many they were."""
    count = 0
    _create(kind, folder)
    writer = kind.writer(folder)
    try:
        for document in documents:
            writer.put(document)
            count += 1
    except BaseException:
        writer.abandon()
        raise
    writer.commit()
    return count


def _counted(
    documents: Iterable[IndexDocument], before: int, progress: Callable[[int], None] | None
) -> Iterator[IndexDocument]:
    for count, document in enumerate(documents, start=before + 1):
        yield document
        if progress is not None:
            progress(count)


def _scores(readers: Iterable[ShardReader], query: Query, record_ids: Collection[str]) -> dict[str, float]:
    few = And((query, Among(frozenset(record_ids))))
    return {
        reader.record_id(one.place): one.score for reader in readers for one in reader.best(few, None, "relevance")[1]
    }


class _Writers:
    """Writers of a few shards; the longest unused one is committed when another shard is needed."""

    def __init__(self, kind: ShardKind, folder: Path) -> None:
        self._kind = kind
        self._folder = folder
        self._open: dict[str, ShardWriter] = {}

    def __enter__(self) -> _Writers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for name in list(self._open):
            if kind is None:
                self._open.pop(name).commit()
            else:
                self._open.pop(name).abandon()

    def put(self, name: str, document: IndexDocument) -> None:
        """Add or replace one document."""
        if name not in self._open:
            while len(self._open) >= _OPEN_WRITERS:
                self._open.pop(next(iter(self._open))).commit()
            self._open[name] = self._kind.writer(self._folder / name)
        self._open[name].put(document)
