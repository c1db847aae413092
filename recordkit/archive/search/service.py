"""Search over the archive: keeps the index up to the catalogue and turns hits into what an archivist reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from recordkit.archive import catalogue
from recordkit.archive.attachments import attachments_of, read_text, text_name
from recordkit.archive.catalogue import Record
from recordkit.archive.classes import load_scheme
from recordkit.archive.search import query as query_language
from recordkit.archive.search.port import SHARD_SIZE, IndexDamaged, IndexDocument, SearchEngine
from recordkit.archive.search.snippet import excerpt
from recordkit.archive.search.text import leaves
from recordkit.errors import IntegrityFailure, NotFound
from recordkit.messages import msg
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
    from recordkit.archive.search.engines.tantivy_engine import TantivyIndex

    return TantivyIndex(workspace.root / "index")


def search_records(workspace: Workspace, request: SearchRequest) -> SearchResult:
    """Find records.

    Raises:
        InputRefused: the query cannot be read; the message points at the character.
        NotFound: the field or the class to search in does not exist.
    """
    if request.record_class is not None:
        request = replace(request, record_class=load_scheme(workspace.root).get(request.record_class).id)
    aliases = query_language.FIELD_ALIASES
    query = query_language.parse(request.text, aliases)
    if request.field is not None:
        name = aliases.get(request.field)
        if name is None:
            raise NotFound(
                msg("There is no searchable field {field}.", field=request.field),
                msg("Fields are: {fields}.", fields=", ".join(aliases)),
            )
        query = query_language.restrict(query, name)
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
    within = _within(workspace, request)
    if request.sort == "code":
        total, hits = engine.search(query, within=within)
        codes = {row["record_id"]: row["code"] for row in workspace.db.each("SELECT record_id, code FROM records")}
        hits = sorted(hits, key=lambda hit: codes.get(hit.record_id, ""))
        end = None if request.limit is None else request.offset + request.limit
        hits = hits[request.offset : end]
    else:
        total, hits = engine.search(
            query, limit=request.limit, offset=request.offset, sort=request.sort, within=within
        )
    terms = query_language.positive_terms(query)
    items = []
    for hit in hits:
        record = catalogue.get_record(workspace.db, hit.record_id)
        if record is None or record.status != "active":
            # A destruction that is under way: the index still knows what the catalogue has given up.
            total -= 1
            continue
        document = index_document(workspace, record)
        part = excerpt(document.pages, document.fields, terms)
        items.append(Found(record, hit.score, part.pages, part.snippet))
    facets = _facets(workspace, engine, query, within) if request.facets else {}
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
    done = 0

    def documents() -> Iterator[IndexDocument]:
        nonlocal done
        for record in catalogue.list_records(workspace.db):
            yield index_document(workspace, record)
            done += 1
            if progress is not None:
                progress(done)

    engine.rebuild(documents(), workspace.db.cursor().seq)
    return done


def forget_records(workspace: Workspace, record_ids: Collection[str]) -> None:
    """Remove records from the index so that no trace of their text remains in its files.

    Raises:
        IntegrityFailure: the index still finds one of them afterwards.
    """
    engine = open_engine(workspace)
    doomed = set(record_ids)

    def remaining(shard: int) -> Iterator[IndexDocument]:
        return (one for one in _documents_of_shard(workspace, shard) if one.record_id not in doomed)

    try:
        engine.apply((), doomed, engine.cursor(), remaining)
    except IndexDamaged:
        kept = (one for one in catalogue.list_records(workspace.db) if one.record_id not in doomed)
        engine.rebuild((index_document(workspace, one) for one in kept), workspace.db.cursor().seq)
    if engine.held(doomed):
        raise IndexDamaged("removed records are still found")


def index_document(workspace: Workspace, record: Record) -> IndexDocument:
    """What is indexed of a record: its catalogue fields, every form field value, and the text of its pages."""
    metadata = record.metadata
    meters = metadata.get("meters", [])

    def values(*names: object) -> tuple[str, ...]:
        return tuple(str(name) for name in names if name)

    fields = {
        "title": values(record.title),
        "number": values(record.number),
        "code": values(record.code),
        "party": values(record.party, metadata.get("responsible")),
        "account": values(record.account),
        "meters": values(*(meters if isinstance(meters, list) else [])),
        "address": values(metadata.get("address")),
        "phone": values(metadata.get("phone")),
        "fields": tuple(leaves(record.fields)),
    }
    return IndexDocument(
        record.record_id, record.ordinal - 1, fields, page_texts(workspace, record), record.date.isoformat()
    )


def page_texts(workspace: Workspace, record: Record) -> tuple[str, ...]:
    """Text of each page as it was read at ingest, those of attachments last; empty for records without pages.

    ``attachments.place_of`` tells where a page that is counted through like this lies.
    """
    found = _texts(workspace, record, "text.json", 0)
    attached = attachments_of(record)
    if attached:
        found += [""] * (record.pages - len(found))
    for one in attached:
        found += _texts(workspace, record, text_name(one.name), one.pages)
    return tuple(found)


def _texts(workspace: Workspace, record: Record, name: str, pages: int) -> list[str]:
    try:
        raw = read_text(catalogue.objects_of(workspace), record, name)
        return [str(page["text"]) for page in raw]
    except (NotFound, IntegrityFailure):
        # A damaged text is for 'verify' to name; it must not keep every other record from being found.
        return [""] * pages


def _apply_changes(workspace: Workspace, engine: SearchEngine) -> None:
    cursor = engine.cursor()
    rows = workspace.db.all(
        "SELECT record_id, status FROM records WHERE touched > :cursor ORDER BY ordinal", {"cursor": cursor}
    )
    active = [row["record_id"] for row in rows if row["status"] == "active"]
    gone = {row["record_id"] for row in rows if row["status"] != "active"}
    # A record filed and destroyed since the last update was never indexed; removing it would rebuild its shard.
    gone = engine.held(gone) if gone else gone
    engine.apply(
        _documents(workspace, active),
        gone,
        workspace.db.cursor().seq,
        lambda shard: _documents_of_shard(workspace, shard),
    )


def _documents(workspace: Workspace, record_ids: Iterable[str]) -> Iterator[IndexDocument]:
    for record_id in record_ids:
        record = catalogue.get_record(workspace.db, record_id)
        if record is not None:
            yield index_document(workspace, record)


def _documents_of_shard(workspace: Workspace, shard: int) -> Iterator[IndexDocument]:
    rows = workspace.db.all(
        "SELECT record_id FROM records WHERE status = 'active' AND ordinal > :low AND ordinal <= :high "
        "ORDER BY ordinal",
        {"low": shard * SHARD_SIZE, "high": (shard + 1) * SHARD_SIZE},
    )
    return _documents(workspace, [row["record_id"] for row in rows])


def _within(workspace: Workspace, request: SearchRequest) -> set[str] | None:
    if (request.record_class, request.year, request.since, request.until) == (None, None, None, None):
        return None
    rows = workspace.db.each(
        "SELECT record_id FROM records WHERE status = 'active' AND (:class IS NULL OR record_class = :class) "
        "AND (:year IS NULL OR year = :year) AND (:since IS NULL OR date >= :since) "
        "AND (:until IS NULL OR date <= :until)",
        {
            "class": request.record_class,
            "year": request.year,
            "since": request.since.isoformat() if request.since else None,
            "until": request.until.isoformat() if request.until else None,
        },
    )
    return {row["record_id"] for row in rows}


def _facets(
    workspace: Workspace, engine: SearchEngine, query: query_language.Query, within: set[str] | None
) -> dict[str, dict[str, int]]:
    _, hits = engine.search(query, within=within)
    counts: dict[str, Counter[str]] = {"class": Counter(), "year": Counter(), "form": Counter()}
    for hit in hits:
        record = catalogue.get_record(workspace.db, hit.record_id)
        if record is not None and record.status == "active":
            counts["class"][record.record_class] += 1
            counts["year"][str(record.year)] += 1
            counts["form"][record.form or ""] += 1
    return {name: dict(sorted(counter.items())) for name, counter in counts.items()}
