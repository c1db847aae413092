"""What every search engine must do. The same contract tests run against each engine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct, field

from recordkit.archive.search.query import Query
from recordkit.errors import IntegrityFailure, NotFound
from recordkit.messages import Message, msg

SHARD_SIZE = 50_000
"""Records per shard: a removal rebuilds the shards it touches, so this bounds its cost."""

Sort = Literal["relevance", "date", "code"]


class IndexDocument(Struct, frozen=True):
    """What is indexed of one record.

    Attributes:
        record_id: the record's identifier.
        ordinal: position of the record in the order of filing, from 0; decides its shard and never changes.
        fields: values by field, the keys of ``grams.FIELD_WEIGHTS`` without ``pages``; no term matches across values.
        pages: the text of each page.
        date: ISO date, its beginning (``2026``, ``2026-03``), or empty.
        code: archival code, by which hits may be sorted; unique.
        form_fields: values by key of the form field.
        keywords: one value for each of ``grams.KEYWORDS`` that the record has; matched whole.
    """

    record_id: str
    ordinal: int
    fields: Mapping[str, tuple[str, ...]]
    pages: tuple[str, ...]
    date: str
    code: str = ""
    form_fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keywords: Mapping[str, str] = field(default_factory=dict)


class Hit(Struct, frozen=True):
    """One record found. ``score``: the sum, over the terms that match, of the greatest weight of a field they match."""

    record_id: str
    score: float


class IndexDamaged(IntegrityFailure):
    """The index cannot be read as it is; nothing is lost, since it can be rebuilt from the records."""

    def __init__(self, detail: Message | str) -> None:
        """Name what could not be read."""
        super().__init__(
            msg("The search index cannot be read: {detail}.", detail=detail),
            msg("Rebuild it with: recordkit rebuild --index"),
        )


class IndexAbsent(IndexDamaged):
    """There is no index, or what a program left that was killed while it made the first one."""


class IndexMissing(NotFound):
    """There is no index, and none can be made: the disk cannot be written or is full. Nothing is damaged (exit 5)."""

    def __init__(self, why: str) -> None:
        """Name what the system says."""
        super().__init__(
            msg("This store has no search index, and none can be made here: {error}.", error=why),
            msg("Free space or let the store be written, then search again; or search in a copy of the store."),
        )


DocumentsOfShard = Callable[[int], Iterable[IndexDocument]]
"""The documents of a shard (``ordinal // SHARD_SIZE``), ascending. To be used by several processes it is picklable."""


class SearchEngine(Protocol):
    """An index over the records of one store. Readers need no lock; one writer at a time.

    No text of a record can be read back from an index: only ``record_id``, code, date and keywords are stored.
    """

    def cursor(self) -> int:
        """``seq`` of the last ledger entry applied, 0 for a fresh index.

        Raises:
            IndexDamaged: the index must be rebuilt.
        """
        ...

    def apply(
        self,
        upserts: Iterable[IndexDocument],
        removals: Collection[str],
        cursor: int,
        documents_of_shard: DocumentsOfShard,
    ) -> None:
        """Add or replace documents, remove records, and note ``cursor`` when all of it is on disk.

        Applying the same again changes nothing, so a caller that was interrupted repeats the call. A record that is
        both in ``upserts`` and in ``removals`` is removed.

        Args:
            upserts: documents to add or to replace by ``record_id``; ascending ordinals are quickest.
            removals: records of which no trace may remain in the files of the index.
            cursor: ``seq`` of the last ledger entry that these changes come from.
            documents_of_shard: the documents that remain in a shard, in their newest versions.

        Raises:
            IndexDamaged: the index must be rebuilt.
            StoreBusy: another process is writing.
        """
        ...

    def rebuild(
        self,
        shards: Sequence[int],
        documents_of_shard: DocumentsOfShard,
        cursor: int,
        *,
        jobs: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> int:
        """Replace the whole index, damaged or not, by the documents of these shards; how many there are.

        Readers find the old index until the new one is whole.

        Args:
            shards: every shard that has documents.
            documents_of_shard: see ``DocumentsOfShard``.
            cursor: as for ``apply``.
            jobs: processes that build shards side by side.
            progress: told the number of documents done.
        """
        ...

    def search(
        self, query: Query, *, limit: int | None = None, offset: int = 0, sort: Sort = "relevance"
    ) -> tuple[int, list[Hit]]:
        """How many records match, and those from ``offset`` on, ``limit`` of them (None: all).

        Order: the greater score first (``relevance``), the later date first (``date``), or by code; then the later
        date, then the order of filing.

        Raises:
            IndexDamaged: the index must be rebuilt.
        """
        ...

    def tally(self, query: Query, keywords: Sequence[str]) -> dict[str, dict[str, int]]:
        """By keyword, how many of the records that match have each value; records without the keyword do not count.

        Raises:
            IndexDamaged: the index must be rebuilt.
        """
        ...

    def held(self, record_ids: Collection[str]) -> set[str]:
        """Those of ``record_ids`` that the index still finds; the check after a destruction."""
        ...
