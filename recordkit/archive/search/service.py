"""Search over the archive: keeps the index up to the catalogue and turns hits into what an archivist reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from recordkit.archive import catalogue
from recordkit.archive.catalogue import Record
from recordkit.archive.classes import load_scheme
from recordkit.archive.objects import ObjectStore
from recordkit.archive.search import query as query_language
from recordkit.archive.search.parser import parse
from recordkit.archive.search.port import IndexDamaged, IndexDocument, SearchEngine
from recordkit.archive.search.snippet import excerpt
from recordkit.archive.search.source import ShardSource, documents_of, documents_of_shard, index_document, shards_of
from recordkit.archive.search.vocabulary import vocabulary_of
from recordkit.workspace import Workspace


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What is asked. ``field`` restricts every bare term; ``limit`` None gives all hits."""

    text: str
    field: str | None = None
    record_class: str | None = None
    year: int | None = None
    since: date | None = None
    until: date | None = None
    sort: Literal["relevance", "date", "code"] = "relevance"
    limit: int | None = 20
    offset: int = 0
    facets: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """One hit: the record, its matching pages and a snippet with matches between U+2068 and U+2069.

    Pages count from 1; those of attachments are counted on behind the paper's own (``attachments.place_of``).
    """

    record: Record
    score: float
    pages: tuple[int, ...]
    snippet: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    """``total`` counts all hits, ``items`` are those of the page asked for."""

    total: int
    items: tuple[Found, ...]
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def open_engine(workspace: Workspace) -> SearchEngine:
    """The engine that the settings name, over this store's index folder."""
    from recordkit.archive.search.engines.tantivy_engine import open_index

    return open_index(workspace.root / "index")


def search_records(workspace: Workspace, request: SearchRequest) -> SearchResult:
    """Find records.

    Raises:
        InputRefused: the query cannot be read; the message points at the character.
        NotFound: the field or the class to search in does not exist.
    """
    if request.record_class is not None:
        request = replace(request, record_class=load_scheme(workspace.root).get(request.record_class).id)
    query = parse(request.text, vocabulary_of(workspace.root), request.field)
    filters = tuple(_filters(request))
    if filters:
        query = query_language.And((query, *filters))
    engine = open_engine(workspace)
    update_index(workspace, engine)
    try:
        return _search(workspace, request, query, engine)
    except IndexDamaged:
        # Damage that shows only when it is read. Nothing is lost: what is indexed stands in catalogue and objects.
        with workspace.maintaining() as free:
            if not free:
                raise
            rebuild_index(workspace, engine)
        return _search(workspace, request, query, engine)


def _search(
    workspace: Workspace, request: SearchRequest, query: query_language.Query, engine: SearchEngine
) -> SearchResult:
    total, hits = engine.search(query, limit=request.limit, offset=request.offset, sort=request.sort)
    terms = query_language.positive_terms(query)
    items = []
    objects = catalogue.objects_of(workspace)
    for hit in hits:
        record = catalogue.get_record(workspace.db, hit.record_id)
        if record is None or record.status != "active":
            # A destruction that is under way: the index still knows what the catalogue has given up.
            total -= 1
            continue
        document = index_document(objects, record)
        part = excerpt(document.pages, document.fields, terms)
        items.append(Found(record, hit.score, part.pages, part.snippet))
    facets = _facets(engine, query) if request.facets else {}
    return SearchResult(total, tuple(items), facets)


def refresh_index(workspace: Workspace) -> None:
    """Bring the index up to date right away, so that the next search has nothing to wait for."""
    update_index(workspace, open_engine(workspace))


def update_index(
    workspace: Workspace, engine: SearchEngine, progress: Callable[[int], None] | None = None
) -> None:
    """Bring the index up to the catalogue; a damaged one is rebuilt. Does nothing while a writer holds the store."""
    with suppress(IndexDamaged):
        if engine.cursor() == workspace.db.cursor().seq:
            return
    with workspace.maintaining() as free:
        if not free:
            return
        try:
            _apply_changes(workspace, engine)
        except IndexDamaged:
            rebuild_index(workspace, engine, progress)


def rebuild_index(
    workspace: Workspace, engine: SearchEngine, progress: Callable[[int], None] | None = None
) -> int:
    """Make the index anew from catalogue and objects; the number of records in it."""
    cursor = workspace.db.cursor().seq
    shards = shards_of(workspace.db)
    objects, database = workspace.root / "objects", workspace.db.path
    if database is None:
        return engine.rebuild(
            shards, lambda shard: documents_of_shard(workspace.db, ObjectStore(objects), shard), cursor,
            progress=progress,
        )
    return engine.rebuild(
        shards, ShardSource(objects, database), cursor, jobs=os.cpu_count() or 1, progress=progress
    )


def forget_records(workspace: Workspace, record_ids: Collection[str]) -> None:
    """Remove records from the index so that no trace of their text remains in its files.

    Raises:
        IntegrityFailure: the index still finds one of them afterwards.
    """
    engine = open_engine(workspace)
    doomed, objects = set(record_ids), catalogue.objects_of(workspace)

    def remaining(shard: int) -> Iterator[IndexDocument]:
        return (one for one in documents_of_shard(workspace.db, objects, shard) if one.record_id not in doomed)

    try:
        engine.apply((), doomed, engine.cursor(), remaining)
    except IndexDamaged:
        engine.rebuild(shards_of(workspace.db), remaining, workspace.db.cursor().seq)
    if engine.held(doomed):
        raise IndexDamaged("removed records are still found")


def _apply_changes(workspace: Workspace, engine: SearchEngine) -> None:
    cursor = engine.cursor()
    rows = workspace.db.all(
        "SELECT record_id, status FROM records WHERE touched > :cursor ORDER BY ordinal", {"cursor": cursor}
    )
    active = [row["record_id"] for row in rows if row["status"] == "active"]
    gone = {row["record_id"] for row in rows if row["status"] != "active"}
    # A record filed and destroyed since the last update was never indexed; removing it would rebuild its shard.
    gone = engine.held(gone) if gone else gone
    objects = catalogue.objects_of(workspace)
    engine.apply(
        documents_of(workspace.db, objects, active),
        gone,
        workspace.db.cursor().seq,
        lambda shard: documents_of_shard(workspace.db, objects, shard),
    )


def _filters(request: SearchRequest) -> Iterator[query_language.Query]:
    """What the request asks beside its text."""
    if request.record_class is not None:
        yield query_language.Is("class", request.record_class)
    if request.year is not None:
        yield query_language.Is("year", str(request.year))
    if request.since is not None or request.until is not None:
        since, until = (one.isoformat() if one else None for one in (request.since, request.until))
        yield query_language.Dated(since, until)


def _facets(engine: SearchEngine, query: query_language.Query) -> dict[str, dict[str, int]]:
    return {name: dict(sorted(engine.tally(query, name).items())) for name in ("class", "year", "form")}
