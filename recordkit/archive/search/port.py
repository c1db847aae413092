"""What every search engine must do. The same contract tests run against each engine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from recordkit.archive.search.query import Query
from recordkit.errors import IntegrityFailure
from recordkit.messages import msg

FIELD_WEIGHTS: Mapping[str, int] = {
    "title": 16,
    "number": 16,
    "code": 16,
    "party": 16,
    "account": 12,
    "meters": 12,
    "address": 8,
    "phone": 8,
    "fields": 4,
    "pages": 1,
}
"""Every indexed field, ``pages`` being the text of the pages, and what a term found there is worth."""

SHARD_SIZE = 50_000
"""Records per shard: a removal rebuilds the shards it touches, so this bounds its cost."""

Sort = Literal["relevance", "date"]


@dataclass(frozen=True, slots=True)
class IndexDocument:
    """What is indexed of one record.

    Attributes:
        record_id: the record's identifier.
        ordinal: position of the record in the order of filing, from 0; decides its shard and never changes.
        fields: values by field, the keys of ``FIELD_WEIGHTS`` without ``pages``; no term matches across two values.
        pages: the text of each page.
        date: ISO date, its beginning (``2026``, ``2026-03``), or empty.
    """

    record_id: str
    ordinal: int
    fields: Mapping[str, tuple[str, ...]]
    pages: tuple[str, ...]
    date: str


@dataclass(frozen=True, slots=True)
class Hit:
    """One record found. ``score``: the sum, over the terms that match, of the greatest weight of a field they match."""

    record_id: str
    score: float


class IndexDamaged(IntegrityFailure):
    """The index cannot be read as it is; nothing is lost, since it can be rebuilt from the records."""

    def __init__(self, detail: str) -> None:
        """Name what could not be read."""
        super().__init__(
            msg("The search index cannot be read: {detail}.", detail=detail),
            msg("Rebuild it with: recordkit rebuild --index"),
        )


class SearchEngine(Protocol):
    """An index over the records of one store. Readers need no lock; one writer at a time.

    No text of a record can be read back from an index: only ``record_id`` and the date are stored.
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
        documents_of_shard: Callable[[int], Iterable[IndexDocument]],
    ) -> None:
        """Add or replace documents, remove records, and note ``cursor`` when all of it is on disk.

        Applying the same again changes nothing, so a caller that was interrupted repeats the call. A record that is
        both in ``upserts`` and in ``removals`` is removed.

        Args:
            upserts: documents to add or to replace by ``record_id``; ascending ordinals are quickest.
            removals: records of which no trace may remain in the files of the index.
            cursor: ``seq`` of the last ledger entry that these changes come from.
            documents_of_shard: the documents that remain in a shard (ordinal // ``SHARD_SIZE``).

        Raises:
            IndexDamaged: the index must be rebuilt.
            StoreBusy: another process is writing.
        """
        ...

    def rebuild(self, documents: Iterable[IndexDocument], cursor: int) -> None:
        """Replace the whole index, damaged or not, by these documents; ascending ordinals are quickest."""
        ...

    def search(
        self,
        query: Query,
        *,
        limit: int | None = None,
        offset: int = 0,
        sort: Sort = "relevance",
        within: Collection[str] | None = None,
    ) -> tuple[int, list[Hit]]:
        """How many records match, and those from ``offset`` on, ``limit`` of them (None: all).

        Order: the greater score first (``relevance``) or the later date first (``date``); then the later date, then
        the ``record_id``.

        Args:
            query: what to look for.
            limit: greatest number of hits returned.
            offset: hits left out before the first one returned.
            sort: the order.
            within: only these records count.

        Raises:
            IndexDamaged: the index must be rebuilt.
        """
        ...

    def held(self, record_ids: Collection[str]) -> set[str]:
        """Those of ``record_ids`` that the index still finds; the check after a destruction."""
        ...
