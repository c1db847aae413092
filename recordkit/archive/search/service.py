"""Search over the archive: keeps the index up to the catalogue and turns hits into what an archivist reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import date
from typing import Literal, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from recordkit.archive import catalogue
from recordkit.archive.access import OPEN, Clearance, clearance_of
from recordkit.archive.catalogue import Record
from recordkit.archive.classes import load_scheme
from recordkit.archive.objects import ObjectStore
from recordkit.archive.personal import masked, personal_spans
from recordkit.archive.search import query as query_language
from recordkit.archive.search.parser import parse
from recordkit.archive.search.port import Hit, IndexAbsent, IndexDamaged, IndexDocument, IndexMissing, SearchEngine
from recordkit.archive.search.snippet import excerpt, highlighted, nothing_hidden
from recordkit.archive.search.source import ShardSource, documents_of, documents_of_shard, index_document, shards_of
from recordkit.archive.search.vocabulary import vocabulary_of
from recordkit.db import Row
from recordkit.errors import InputRefused, StoreBusy
from recordkit.messages import msg
from recordkit.workspace import Workspace

T = TypeVar("T")

FACETS = ("class", "year", "form", "period")
"""Keywords by which hits are counted."""

IndexWork = Literal["catching-up", "rebuilding"]
Watch = Callable[[IndexWork, int], AbstractContextManager[Callable[[int], None]]]
"""Called when the index is worked on before it can answer: what is done, and how many records it concerns (at most).
The context gives the function that is told how many were done; the work ends with it."""


class SearchRequest(Struct, frozen=True):
    """What is asked. ``field`` restricts every bare term; ``limit`` None gives all hits.

    ``standings``: with ``facets``, the records that are not simply active, by how they stand (held, ordered); a
    record counts for the first one that names it.
    """

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
    standings: Mapping[str, frozenset[str]] | None = None


class Found(Struct, frozen=True):
    """One hit. Texts are as the person may see them: numbers of persons may be masked.

    Attributes:
        title: title of the record; ``headline`` the same with matches between U+2068 and U+2069.
        pages: matching pages from 1; those of attachments are counted on behind the paper's own
            (``attachments.place_of``).
        snippet: piece of a page or field with matches between U+2068 and U+2069.
        field: indexed field of the snippet (``fields.KEY``: a form field); empty for a page.
    """

    record: Record
    score: float
    title: str
    headline: str
    pages: tuple[int, ...]
    snippet: str
    field: str


class SearchResult(Struct, frozen=True):
    """``total`` counts all hits, ``items`` are those of the page asked for; ``behind`` as in ``Search``."""

    total: int
    items: tuple[Found, ...]
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    behind: int = 0


class Search(Struct, frozen=True):
    """An answered search whose hits are not read yet.

    Attributes:
        asked: what the person typed; ``filters`` the other restrictions of the request; ``query`` both, without what
            the person may not see.
        total: number of all hits; ``hits`` those of the page asked for.
        shields: there are restricted records in the archive, and they are left out for this person.
        behind: entries of the ledger that the index has not seen, since nobody could bring it up.
    """

    workspace: Workspace
    engine: SearchEngine
    asked: query_language.Query
    filters: tuple[query_language.Query, ...]
    query: query_language.Query
    clearance: Clearance
    total: int
    hits: tuple[Hit, ...]
    facets: Mapping[str, Mapping[str, int]]
    shields: bool
    behind: int = 0

    def found(self) -> Iterator[Found]:
        """The hits one by one, each read from catalogue and object when it is asked for.

        A record that was destroyed or restricted since the index was asked is passed over, and not in
        ``total_with``. What the archive never had is not among the hits: ``_require_honest`` has seen to that.
        """
        terms = query_language.positive_terms(self.query)
        objects = catalogue.objects_of(self.workspace)
        for hit in self.hits:
            record = catalogue.get_record(self.workspace.db, hit.record_id)
            if record is not None and record.status == "active" and (self.clearance.full or record.access == OPEN):
                yield self._found(objects, record, hit.score, terms)

    def total_with(self, read: int) -> int:
        """The total for who has read all of ``found``, which gave so many: the same in every way of showing it."""
        return self.total - len(self.hits) + read

    def _found(
        self, objects: ObjectStore, record: Record, score: float, terms: tuple[query_language.Term, ...]
    ) -> Found:
        hidden = nothing_hidden if self.clearance.full else personal_spans
        document = index_document(objects, record, readings=False)
        part = excerpt(document.pages, document.fields, terms, form_fields=document.form_fields, hidden=hidden)
        return Found(
            record,
            score,
            record.title if self.clearance.full else masked(record.title),
            highlighted(record.title, "title", terms, hidden),
            part.pages,
            part.snippet,
            part.field,
        )


def _unwatched(_: IndexWork, __: int) -> AbstractContextManager[Callable[[int], None]]:
    return nullcontext(lambda done: None)


def open_engine(workspace: Workspace) -> SearchEngine:
    """The engine that the settings name, over this store's index folder.

    Raises:
        MissingPart: its library is not installed.
    """
    if workspace.settings.engines.search == "whoosh":
        from recordkit.archive.search.engines import whoosh_engine

        return whoosh_engine.open_index(workspace.root / "index")
    from recordkit.archive.search.engines import tantivy_engine

    return tantivy_engine.open_index(workspace.root / "index")


def search_records(workspace: Workspace, request: SearchRequest, watch: Watch = _unwatched) -> SearchResult:
    """Find the records that the workspace's actor may see.

    Raises:
        InputRefused: the query cannot be read; the message points at the character.
        NotFound: the field or the class to search in does not exist, or nobody is registered as the actor.
        RefusedByRule: the actor was revoked.
    """
    search = begin_search(workspace, request, watch)
    items = tuple(search.found())
    return SearchResult(search.total_with(len(items)), items, search.facets, search.behind)


def begin_search(workspace: Workspace, request: SearchRequest, watch: Watch = _unwatched) -> Search:
    """Ask the index, and leave the records to be read one by one; raises as ``search_records``."""
    if request.record_class is not None:
        request = replace(request, record_class=load_scheme(workspace.root).get(request.record_class).id)
    if request.since is not None and request.until is not None and request.since > request.until:
        raise InputRefused(
            msg("{since} lies behind {until}.", since=request.since.isoformat(), until=request.until.isoformat()),
            msg("Give the earlier day with --from, the later one with --to."),
        )
    clearance = clearance_of(workspace)
    own = {one.key: [name for name in (one.label, one.label_en) if name] for one in workspace.settings.archive.fields}
    vocabulary = vocabulary_of(workspace.root, own)
    within = parse(request.text, vocabulary, request.field)
    filters = tuple(_filters(request))
    query = shielded(_all_of(within, *filters), clearance)
    engine = open_engine(workspace)

    def ask() -> Search:
        as_of = engine.cursor()
        total, hits = engine.search(query, limit=request.limit, offset=request.offset, sort=request.sort)
        _require_honest(workspace, engine, [hit.record_id for hit in hits], as_of, clearance)
        facets = _facets(engine, query, request.standings) if request.facets else {}
        shields = not clearance.full and catalogue.holds_restricted(workspace.db)
        behind = max(0, workspace.db.cursor().seq - as_of)
        return Search(
            workspace, engine, within, filters, query, clearance, total, tuple(hits), facets, shields, behind
        )

    return _answered(workspace, engine, ask, watch)


def shielded(query: query_language.Query, clearance: Clearance) -> query_language.Query:
    """The query without what the person may not see; around the whole of it, where no NOT and no OR can reach it."""
    return query if clearance.full else query_language.And((query, query_language.Is("access", OPEN)))


def _all_of(query: query_language.Query, *filters: query_language.Query) -> query_language.Query:
    return query_language.And((query, *filters)) if filters else query


_ASKED_TOGETHER = 500
"""Records that are looked up with one statement; SQLite takes at least 999 parameters."""


def _require_honest(
    workspace: Workspace, engine: SearchEngine, record_ids: Sequence[str], as_of: int, clearance: Clearance
) -> None:
    """Stop when the index gives what the archive did not hold when the index was brought up.

    One bit that changed on the disk makes another name of a record's: it would be missing from every answer, and
    nothing would say so. What was destroyed or restricted behind ``as_of`` is no damage, nor is what the index took in
    behind the last entry that these tables have seen.

    Raises:
        IndexDamaged: a record is unknown, named twice, or was gone or restricted before.
    """
    known: dict[str, Row] = {}
    for start in range(0, len(record_ids), _ASKED_TOGETHER):
        some = {f"id{place}": one for place, one in enumerate(record_ids[start : start + _ASKED_TOGETHER])}
        rows = workspace.db.all(
            "SELECT record_id, status, access, touched FROM records "
            f"WHERE record_id IN ({', '.join(f':{name}' for name in some)})", some)
        known |= {row["record_id"]: row for row in rows}
    behind = [row for row in known.values() if row["touched"] <= as_of and not (
        row["status"] == "active" and (clearance.full or row["access"] == OPEN))]
    twice = len(set(record_ids)) < len(record_ids)
    unknown = len(known) < len(set(record_ids)) and engine.cursor() <= workspace.db.cursor().seq
    if behind or twice or unknown:
        raise IndexDamaged(msg("it names records that the archive does not have"))


# The index is brought up and healed


def _answered(workspace: Workspace, engine: SearchEngine, ask: Callable[[], T], watch: Watch) -> T:
    """The answer of the index, which is brought up to date before and rebuilt when it proves damaged."""
    no_room = update_index(workspace, engine, watch)
    try:
        if engine.cursor() == 0 and catalogue.count_holdings(workspace.db):
            # Not there, and nobody could make it: "nothing found" would be an untruth.
            raise IndexAbsent(msg("it is not there"))
        return ask()
    except IndexDamaged as damage:
        # Damage that shows only when it is read. Nothing is lost: what is indexed stands in catalogue and objects.
        if no_room is not None:
            if isinstance(damage, IndexAbsent):
                raise IndexMissing(_told(no_room)) from no_room
            raise
        try:
            with workspace.writing():
                with suppress(IndexDamaged):
                    return ask()  # Another process has rebuilt it while this one waited.
                _rebuild_watched(workspace, engine, watch)
        except StoreBusy as busy:
            told = (msg("There is no search index yet, and it cannot be made now. {reason}", reason=busy.what)
                    if isinstance(damage, IndexAbsent) else
                    msg("The search index is damaged, and cannot be made anew now. {reason}", reason=busy.what))
            raise StoreBusy(told, msg("Search again when that has finished. Until then 'recordkit catalogue list' and "
                                      "'recordkit show NUMBER' answer.")) from busy
        except OSError as error:
            if isinstance(damage, IndexAbsent):
                raise IndexMissing(_told(error)) from error
            _say_behind(workspace, engine, error)
            raise damage from error
        return ask()


def refresh_index(workspace: Workspace, watch: Watch = _unwatched) -> None:
    """Bring the index up to date right away, so that the next search has nothing to wait for."""
    update_index(workspace, open_engine(workspace), watch)


def update_index(workspace: Workspace, engine: SearchEngine, watch: Watch = _unwatched) -> OSError | None:
    """Bring the index up to the catalogue; a damaged one is rebuilt.

    While a writer holds the store, on a read-only disk or a full one the index stays as it is; how many records it
    lacks is told in ``workspace.notices``. What the system said when it could not be written for want of room.
    """
    readable = missing = False
    try:
        cursor = engine.cursor()
        if cursor == workspace.db.cursor().seq:
            return None
        readable, missing = cursor > 0, cursor == 0
    except IndexDamaged as damage:
        missing = isinstance(damage, IndexAbsent)
    with workspace.maintaining() as free:
        if not free:
            if readable:  # A missing or damaged one answers nothing: whoever asks it waits until it can be made anew.
                _say_behind(workspace, engine, None)
            return None
        try:
            try:
                _apply_changes(workspace, engine, watch)
            except IndexDamaged:
                _rebuild_watched(workspace, engine, watch)
        except OSError as error:
            if not missing:
                _say_behind(workspace, engine, error)
            return error
    return None


def _say_behind(workspace: Workspace, engine: SearchEngine, error: OSError | None) -> None:
    """Whoever searches must know that something may not be found, and why."""
    count = count_behind(workspace, engine)
    if error is not None:
        workspace.notices.append(msg(
            "The search index cannot be written ({error}); {count} new or changed record(s) are not in it. Free "
            "space or let the store be written, then search again.", count=count, error=_told(error)))
    elif count:
        workspace.notices.append(msg(
            "{count} new or changed record(s) are not in the search index yet: another program is writing, or the "
            "store cannot be written.", count=count))


def _told(error: OSError) -> str:
    return error.strerror or str(error)


def count_behind(workspace: Workspace, engine: SearchEngine) -> int:
    """How many records were filed, changed or destroyed since the index was brought up; all when it is damaged."""
    cursor = 0
    with suppress(IndexDamaged):
        cursor = engine.cursor()
    row = workspace.db.one("SELECT count(*) AS n FROM records WHERE touched > :cursor", {"cursor": cursor})
    return 0 if row is None else int(row["n"])


def _rebuild_watched(workspace: Workspace, engine: SearchEngine, watch: Watch) -> None:
    with watch("rebuilding", catalogue.count_holdings(workspace.db)) as progress:
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
        raise IndexDamaged(msg("removed records are still found"))


def _apply_changes(workspace: Workspace, engine: SearchEngine, watch: Watch) -> None:
    cursor = engine.cursor()
    if cursor > workspace.db.cursor().seq:
        # The archive was restored to an older state: the index may find what that state does not hold.
        raise IndexDamaged(msg("it is newer than the archive"))
    rows = workspace.db.all(
        # Plus nothing: else the whole table is read in the order of filing for the few that changed.
        "SELECT record_id, status FROM records WHERE touched > :cursor ORDER BY ordinal + 0", {"cursor": cursor}
    )
    active = [row["record_id"] for row in rows if row["status"] == "active"]
    gone = {row["record_id"] for row in rows if row["status"] != "active"}
    # A record filed and destroyed since the last update was never indexed; removing it would rebuild its shard.
    gone = engine.held(gone) if gone else gone
    objects = catalogue.objects_of(workspace)
    with watch("catching-up", len(active)) as progress:
        engine.apply(
            _counted(documents_of(workspace.db, objects, active), progress),
            gone,
            workspace.db.cursor().seq,
            lambda shard: documents_of_shard(workspace.db, objects, shard),
        )


def _counted(documents: Iterable[IndexDocument], progress: Callable[[int], None]) -> Iterator[IndexDocument]:
    for count, document in enumerate(documents, start=1):
        yield document
        progress(count)


def _filters(request: SearchRequest) -> Iterator[query_language.Query]:
    """What the request asks beside its text."""
    if request.record_class is not None:
        yield query_language.Is("class", request.record_class)
    if request.year is not None:
        yield query_language.Is("year", str(request.year))
    if request.since is not None or request.until is not None:
        since, until = (one.isoformat() if one else None for one in (request.since, request.until))
        yield query_language.Dated(since, until)


def _facets(
    engine: SearchEngine, query: query_language.Query, standings: Mapping[str, frozenset[str]] | None
) -> dict[str, dict[str, int]]:
    facets = {name: dict(sorted(counts.items())) for name, counts in engine.tally(query, FACETS).items()}
    if standings is not None:
        facets["status"] = _by_standing(engine, query, standings)
    return facets


def _by_standing(
    engine: SearchEngine, query: query_language.Query, standings: Mapping[str, frozenset[str]]
) -> dict[str, int]:
    """The few records that stand otherwise are counted; all others are active."""
    counted: frozenset[str] = frozenset()
    counts: dict[str, int] = {}
    for standing, record_ids in standings.items():
        own = record_ids - counted
        counted |= own
        if own:
            counts[standing] = engine.search(query_language.And((query, query_language.Among(own))), limit=1)[0]
    counts["active"] = engine.search(query, limit=1)[0] - sum(counts.values())
    return {standing: count for standing, count in sorted(counts.items()) if count}
