"""The default search engine: tantivy, fed with our own grams.

Every field has two columns in the index: its bigrams with their positions, and its single CJK characters. The grams
are handed over as words between spaces, the n-th word being the n-th bigram, so that tantivy's own white-space
tokenizer gives each its position (building the tokens in Python takes 1.7 times as long). A term is the phrase of
the bigrams that cover it: exactly the substring, whatever the language.

On disk: ``index.json`` names the folder of each shard and the cursor. A shard that loses a record is built anew in
another folder, ``index.json`` is replaced, and the old folder is deleted; then the new cursor is written. A process
killed in between leaves either a folder that nothing names, which the next writer deletes, or an old cursor, which
makes the caller apply the same again. A record that is only replaced leaves the grams of its old version in its
segment until tantivy merges that segment or the shard is rebuilt; no search finds them.
"""

from __future__ import annotations

import bisect
import itertools
import json
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import tantivy

from recordkit.archive.search.port import FIELD_WEIGHTS, SHARD_SIZE, Hit, IndexDamaged, IndexDocument, Sort
from recordkit.archive.search.query import And, Not, Or, Query, Term
from recordkit.archive.search.text import (
    TEXT_VERSION,
    bigrams,
    covering_bigrams,
    joined,
    single_characters,
)
from recordkit.errors import StoreBusy
from recordkit.files import make_folder, remove_file, remove_tree, write_atomic
from recordkit.messages import msg

_FORMAT = 1
_MANIFEST = "index.json"
_WORDS = "grams"
_WRITER_BYTES = 64_000_000
_OPEN_WRITERS = 2
_BATCH = 2_000
_DATE_LIMIT = 100_000_000
"""Greater than any date written as YYYYMMDD; a score times this plus the date stays an exact float."""


@dataclass(frozen=True, slots=True)
class _Manifest:
    """``shards``: name of the folder of each shard; ``generation``: the number in the newest folder name."""

    cursor: int = 0
    generation: int = 0
    shard_size: int = SHARD_SIZE
    shards: dict[int, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        shards = {str(shard): name for shard, name in sorted(self.shards.items())}
        body = {"format": _FORMAT, "engine": "tantivy", "text": TEXT_VERSION, "cursor": self.cursor}
        body |= {"generation": self.generation, "shard_size": self.shard_size, "shards": shards}
        return json.dumps(body, indent=1).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> _Manifest:
        """Read what ``to_bytes`` wrote.

        Raises:
            IndexDamaged: it is not readable or was written by another version.
        """
        try:
            body = json.loads(data)
            if (body["format"], body["engine"], body["text"]) != (_FORMAT, "tantivy", TEXT_VERSION):
                raise IndexDamaged(f"{_MANIFEST} was written by another version")
            shards = {int(shard): str(name) for shard, name in body["shards"].items()}
            return cls(int(body["cursor"]), int(body["generation"]), int(body["shard_size"]), shards)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise IndexDamaged(f"{_MANIFEST}: {error!r}") from error


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("record_id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("date", fast=True)
    for name in FIELD_WEIGHTS:
        builder.add_text_field(name, tokenizer_name=_WORDS, index_option="position")
        builder.add_text_field(f"{name}_1", tokenizer_name=_WORDS, index_option="basic")
    return builder.build()


@contextmanager
def _damage_named(folder: Path) -> Iterator[None]:
    """Turn whatever tantivy raises over its files into ``IndexDamaged``.

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
            raise IndexDamaged(f"{folder.name}: {error}") from error
        raise


def _date_number(date: str) -> int:
    """``2026-03-02`` as 20260302, missing parts as zeros; 0 when there is no date."""
    digits = date[:10].replace("-", "")[:8]
    return int(digits.ljust(8, "0")) if digits.isascii() and digits.isdigit() else 0


def _document(source: IndexDocument) -> tantivy.Document:
    document = tantivy.Document()
    document.add_text("record_id", source.record_id)
    document.add_unsigned("date", _date_number(source.date))
    for name in FIELD_WEIGHTS:
        text = joined(source.pages if name == "pages" else source.fields.get(name, ()))
        if len(text) > 1:
            document.add_text(name, " ".join(bigrams(text)))
        if singles := single_characters(text):
            document.add_text(f"{name}_1", " ".join(sorted(singles)))
    return document


class TantivyIndex:
    """A ``SearchEngine`` in one folder. Opening reads nothing; a folder that does not exist is a fresh index.

    Args:
        folder: the folder of the index, owned by it alone.
        shard_size: records per shard of an index that is made new; an existing index keeps its own.
    """

    def __init__(self, folder: Path, *, shard_size: int = SHARD_SIZE) -> None:
        self._folder = folder
        self._shard_size = shard_size
        self._tantivy_schema = _schema()

    def cursor(self) -> int:
        """See ``SearchEngine.cursor``."""
        return self._manifest().cursor

    def apply(
        self,
        upserts: Iterable[IndexDocument],
        removals: Collection[str],
        cursor: int,
        documents_of_shard: Callable[[int], Iterable[IndexDocument]],
    ) -> None:
        """See ``SearchEngine.apply``."""
        manifest = self._manifest()
        self._sweep(manifest)
        gone = set(removals)
        touched = [shard for shard in sorted(manifest.shards) if gone and self._held_in(manifest, shard, gone)]
        if touched:
            manifest = self._rebuilt(manifest, touched, gone, documents_of_shard)
        manifest = self._add(manifest, (document for document in upserts if document.record_id not in gone))
        self._write(replace(manifest, cursor=cursor))

    def rebuild(self, documents: Iterable[IndexDocument], cursor: int) -> None:
        """See ``SearchEngine.rebuild``."""
        try:
            old = self._manifest()
        except IndexDamaged:
            old = _Manifest(generation=self._newest_generation(), shard_size=self._shard_size)
        fresh = self._add(replace(old, shards={}, generation=old.generation + 1), documents, publish=False)
        self._write(replace(fresh, cursor=cursor))
        self._sweep(fresh)

    def search(
        self,
        query: Query,
        *,
        limit: int | None = None,
        offset: int = 0,
        sort: Sort = "relevance",
        within: Collection[str] | None = None,
    ) -> tuple[int, list[Hit]]:
        """See ``SearchEngine.search``."""
        wanted = None if within is None else set(within)
        with self._searchers() as searchers:
            compiled = self._compiled(query)
            return _page([_found_in(searcher, compiled, sort, wanted) for searcher in searchers], offset, limit)

    def held(self, record_ids: Collection[str]) -> set[str]:
        """See ``SearchEngine.held``."""
        with self._searchers() as searchers:
            return {
                record_id
                for searcher in searchers
                for record_id in record_ids
                if searcher.search(tantivy.Query.term_query(self._tantivy_schema, "record_id", record_id), 1).hits
            }

    # Reading

    def _manifest(self) -> _Manifest:
        try:
            return _Manifest.from_bytes((self._folder / _MANIFEST).read_bytes())
        except FileNotFoundError:
            if any(self._folder.glob("shard-*")):
                raise IndexDamaged(f"{_MANIFEST} is missing") from None
            return _Manifest(shard_size=self._shard_size)

    @contextmanager
    def _searchers(self) -> Iterator[list[tantivy.Searcher]]:
        """The shards as one consistent state; if a writer swaps a shard while it is opened, all is opened again."""
        manifest = self._manifest()
        while True:
            try:
                searchers = [self._searcher(name) for _, name in sorted(manifest.shards.items())]
                break
            except IndexDamaged:
                now = self._manifest()
                if now.shards == manifest.shards:
                    raise
                manifest = now
        with _damage_named(self._folder):
            yield searchers

    def _searcher(self, name: str) -> tantivy.Searcher:
        with _damage_named(self._folder / name):
            return tantivy.Index.open(str(self._folder / name)).searcher()

    def _held_in(self, manifest: _Manifest, shard: int, record_ids: set[str]) -> bool:
        searcher = self._searcher(manifest.shards[shard])
        with _damage_named(self._folder):
            query = tantivy.Query.term_set_query(self._tantivy_schema, "record_id", sorted(record_ids))
            return bool(searcher.search(query, limit=1).hits)

    def _compiled(self, query: Query) -> tantivy.Query:
        must, should, must_not = tantivy.Occur.Must, tantivy.Occur.Should, tantivy.Occur.MustNot
        match query:
            case Term(None, text):
                return tantivy.Query.disjunction_max_query([self._in_field(name, text) for name in FIELD_WEIGHTS])
            case Term(name, text):
                return self._in_field(str(name), text)
            case And(parts):
                return tantivy.Query.boolean_query([(must, self._compiled(part)) for part in parts])
            case Or(parts):
                return tantivy.Query.boolean_query([(should, self._compiled(part)) for part in parts])
            case Not(part):
                everything = tantivy.Query.const_score_query(tantivy.Query.all_query(), 0.0)
                return tantivy.Query.boolean_query([(must, everything), (must_not, self._compiled(part))])

    def _in_field(self, name: str, text: str) -> tantivy.Query:
        schema = self._tantivy_schema
        grams = covering_bigrams(text)
        if len(text) == 1:
            query = tantivy.Query.term_query(schema, f"{name}_1", text, index_option="basic")
        elif len(grams) == 1:
            query = tantivy.Query.term_query(schema, name, grams[0][1])
        else:
            words: list[str | tuple[int, str]] = list(grams)
            query = tantivy.Query.phrase_query(schema, name, words)
        return tantivy.Query.const_score_query(query, float(FIELD_WEIGHTS[name]))

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

    def _newest_generation(self) -> int:
        numbers = [folder.name.rpartition("-")[2] for folder in self._folder.glob("shard-*")]
        return max((int(number) for number in numbers if number.isdigit()), default=0)

    def _rebuilt(
        self,
        manifest: _Manifest,
        touched: Collection[int],
        gone: set[str],
        documents_of_shard: Callable[[int], Iterable[IndexDocument]],
    ) -> _Manifest:
        remaining = {shard: name for shard, name in manifest.shards.items() if shard not in touched}
        rebuilt = replace(manifest, shards=remaining, generation=manifest.generation + 1)
        documents = itertools.chain.from_iterable(map(documents_of_shard, touched))
        kept = (document for document in documents if document.record_id not in gone)
        rebuilt = self._add(rebuilt, kept, publish=False)
        self._write(rebuilt)
        self._sweep(rebuilt)
        return rebuilt

    def _add(self, manifest: _Manifest, documents: Iterable[IndexDocument], *, publish: bool = True) -> _Manifest:
        """Add or replace; new shards get a folder of the manifest's generation, named in the returned manifest.

        With ``publish`` a new shard is named on disk before its first commit, so that no named folder is ever swept
        and no committed shard is unknown.
        """
        writers = _Writers(self._folder, self._tantivy_schema)
        shards = dict(manifest.shards)
        source = iter(documents)
        with writers:
            while batch := list(itertools.islice(source, _BATCH)):
                for document in batch:
                    shard = document.ordinal // manifest.shard_size
                    if shard not in shards:
                        shards[shard] = f"shard-{shard:04d}-{manifest.generation}"
                        writers.create(shards[shard])
                        if publish:
                            self._write(replace(manifest, shards=shards))
                    writers.put(shards[shard], document)
        return replace(manifest, shards=shards)


class _Writers:
    """Writers of a few shards; the longest unused one is committed when another shard is needed."""

    def __init__(self, folder: Path, schema: tantivy.Schema) -> None:
        self._folder = folder
        self._schema = schema
        self._open: dict[str, Any] = {}

    def __enter__(self) -> _Writers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for name in list(self._open):
            if kind is None:
                self._commit(name)
            else:
                del self._open[name]

    def create(self, name: str) -> None:
        """Make an empty shard."""
        folder = self._folder / name
        if folder.exists():
            remove_tree(folder)
        make_folder(folder)
        with _damage_named(folder):
            tantivy.Index(self._schema, path=str(folder))

    def put(self, name: str, document: IndexDocument) -> None:
        """Add or replace one document."""
        writer = self._writer(name)
        with _damage_named(self._folder / name):
            writer.delete_documents_by_term("record_id", document.record_id)
            writer.add_document(_document(document))

    def _writer(self, name: str) -> Any:
        if name not in self._open:
            while len(self._open) >= _OPEN_WRITERS:
                self._commit(next(iter(self._open)))
            with _damage_named(self._folder / name):
                index = tantivy.Index.open(str(self._folder / name))
                words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
                index.register_tokenizer(_WORDS, words)
                self._open[name] = index.writer(_WRITER_BYTES, 1)
        return self._open[name]

    def _commit(self, name: str) -> None:
        writer = self._open.pop(name)
        with _damage_named(self._folder / name):
            writer.commit()
            writer.garbage_collect_files()
            writer.wait_merging_threads()


@dataclass(frozen=True, slots=True)
class _Found:
    """The hits of one shard. ``ranks``: the greater comes first; equal ranks are ordered by ``record_id``."""

    searcher: tantivy.Searcher
    hits: list[tuple[float, tantivy.DocAddress]]
    ranks: list[float]

    def record_id(self, hit: tuple[float, tantivy.DocAddress]) -> str:
        return str(self.searcher.doc(hit[1]).get_first("record_id"))


def _found_in(searcher: tantivy.Searcher, query: tantivy.Query, sort: Sort, wanted: set[str] | None) -> _Found:
    hits = searcher.search(query, limit=max(1, searcher.num_docs), count=False).hits
    if wanted is not None:
        hits = [hit for hit in hits if str(searcher.doc(hit[1]).get_first("record_id")) in wanted]
    dates = searcher.fast_field_values("date", [address for _, address in hits])
    weight = _DATE_LIMIT if sort == "relevance" else 0
    ranks = [score * weight + (date or 0) for (score, _), date in zip(hits, dates, strict=True)]
    return _Found(searcher, hits, ranks)


def _page(found: list[_Found], offset: int, limit: int | None) -> tuple[int, list[Hit]]:
    """The number of hits and those of one page. Identifiers are read only for ranks that occur on the page."""
    ranks = sorted(itertools.chain.from_iterable(shard.ranks for shard in found), reverse=True)
    end = len(ranks) if limit is None else min(len(ranks), offset + limit)
    if offset >= end:
        return len(ranks), []
    highest, lowest = ranks[offset], ranks[end - 1]
    before = bisect.bisect_left(ranks, -highest, key=lambda rank: -rank)
    candidates = [
        (-rank, shard.record_id(hit), hit[0])
        for shard in found
        for rank, hit in zip(shard.ranks, shard.hits, strict=True)
        if lowest <= rank <= highest
    ]
    candidates.sort()
    return len(ranks), [Hit(record_id, score) for _, record_id, score in candidates[offset - before : end - before]]
