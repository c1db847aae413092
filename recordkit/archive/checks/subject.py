"""What the checks of one record are given: the record, its object as it lies there, and the rules of the office."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from recordkit.archive.catalogue import Record
from recordkit.archive.checks.examine import Examined
from recordkit.archive.checks.ledger_facts import Catalogued
from recordkit.archive.classes import RecordClass
from recordkit.templates.spec import FieldSpec


@dataclass(frozen=True, slots=True)
class Rules:
    """What the office demands.

    Attributes:
        store_id: key of the digests in the ledger.
        today: the day of the check.
        classes: of the retention schedule, by id.
        own: the office's own metadata fields, each with the classes that have it (none for all).
        formats: in which papers may lie in the archive.
        well_formed: whether an archival code is one of ours.
    """

    store_id: str
    today: date
    classes: Mapping[str, RecordClass]
    own: tuple[tuple[FieldSpec, tuple[str, ...]], ...]
    formats: frozenset[str]
    well_formed: Callable[[str], bool]

    def own_of(self, record_class: str) -> list[FieldSpec]:
        """The own fields of records of a class."""
        return [spec for spec, classes in self.own if not classes or record_class in classes]


@dataclass(frozen=True, slots=True)
class Subject:
    """One record: ``record`` as the catalogue knows it, ``seen`` what its object is.

    Attributes:
        ledger: what the ledger says of it, by the catalogue's columns; empty when it says nothing, None when the
            ledger could not be read.
        tables: what the catalogue's other tables say; None when nobody asked.
    """

    record: Record
    seen: Examined
    ledger: Mapping[str, object] | None = None
    tables: Catalogued | None = None

    @property
    def metadata(self) -> Mapping[str, object]:
        """record.json as it lies in the object; empty where it cannot be read."""
        return self.seen.metadata or {}
