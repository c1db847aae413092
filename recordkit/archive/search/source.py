"""What is indexed of a record, read from catalogue and objects; also by a process that builds a shard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from recordkit.archive import catalogue
from recordkit.archive.attachments import attachments_of, read_text, text_name
from recordkit.archive.catalogue import Record
from recordkit.archive.objects import ObjectStore
from recordkit.archive.search.pinyin import is_person, readings_of_name, readings_of_title
from recordkit.archive.search.port import SHARD_SIZE, IndexDocument
from recordkit.archive.search.text import leaves
from recordkit.db import Database
from recordkit.errors import IntegrityFailure, NotFound


class ShardSource(Struct, frozen=True):
    """The documents of a shard of a store, in any process; a ``port.DocumentsOfShard``.

    Attributes:
        objects: folder of the objects.
        database: the catalogue's file.
    """

    objects: Path
    database: Path

    def __call__(self, shard: int) -> Iterator[IndexDocument]:
        """Those of one shard, with a connection of its own."""
        db = Database(self.database, "")
        try:
            yield from documents_of_shard(db, ObjectStore(self.objects), shard)
        finally:
            db.close()


def documents_of_shard(db: Database, objects: ObjectStore, shard: int) -> Iterator[IndexDocument]:
    """The documents of the active records of a shard, ascending."""
    rows = db.all(
        "SELECT record_id FROM records WHERE status = 'active' AND ordinal > :low AND ordinal <= :high "
        "ORDER BY ordinal",
        {"low": shard * SHARD_SIZE, "high": (shard + 1) * SHARD_SIZE},
    )
    return documents_of(db, objects, [row["record_id"] for row in rows])


def documents_of(db: Database, objects: ObjectStore, record_ids: Iterable[str]) -> Iterator[IndexDocument]:
    """The documents of these records, as far as the catalogue knows them."""
    for record_id in record_ids:
        record = catalogue.get_record(db, record_id)
        if record is not None:
            yield index_document(objects, record)


def shards_of(db: Database) -> list[int]:
    """Every shard that has active records, ascending."""
    rows = db.all(
        "SELECT DISTINCT (ordinal - 1) / :size AS shard FROM records WHERE status = 'active' ORDER BY shard",
        {"size": SHARD_SIZE},
    )
    return [int(row["shard"]) for row in rows]


def index_document(objects: ObjectStore, record: Record, *, readings: bool = True) -> IndexDocument:
    """What is indexed of a record: its catalogue fields, every form field value, and the text of its pages.

    Without ``readings`` the pinyin is left out, whose table takes a while to load: to show a record it is not needed.
    """
    metadata = record.metadata
    meters = metadata.get("meters", [])

    def values(*names: object) -> tuple[str, ...]:
        return tuple(str(name) for name in names if name)

    parties = values(record.party, metadata.get("responsible"))
    form_fields = {key: tuple(leaves(value)) for key, value in record.fields.items()}
    fields = {
        "title": values(record.title),
        "number": values(record.number),
        "code": values(record.code, *origin_codes(metadata)),
        "party": parties,
        "account": values(record.account),
        "meters": values(*(meters if isinstance(meters, list) else [])),
        "address": values(metadata.get("address")),
        "phone": values(metadata.get("phone")),
        "fields": tuple(value for some in form_fields.values() for value in some),
        "pinyin": _readings(record, parties) if readings else (),
    }
    keywords = {
        "class": record.record_class,
        "year": str(record.year),
        "form": record.form or "",
        "period": record.period,
        "access": record.access,
    }
    return IndexDocument(
        record.record_id, record.ordinal - 1, fields, page_texts(objects, record), record.date.isoformat(),
        record.code, form_fields, {name: value for name, value in keywords.items() if value},
    )


def origin_codes(metadata: Mapping[str, object]) -> Iterator[str]:
    """Archival codes that a record had in the archives it came from, the last one first."""
    origin = metadata.get("origin")
    while isinstance(origin, Mapping):
        if origin.get("code"):
            yield str(origin["code"])
        origin = origin.get("before")


def _readings(record: Record, parties: tuple[str, ...]) -> tuple[str, ...]:
    # An organisation is responsible for nearly every record: its reading would find them all.
    names = (name for name in parties if name == record.party or is_person(name))
    of_names = (reading for name in names for reading in readings_of_name(name))
    return tuple(dict.fromkeys((*of_names, *readings_of_title(record.title, parties))))


def page_texts(objects: ObjectStore, record: Record) -> tuple[str, ...]:
    """Text of each page as it was read at ingest, those of attachments last; empty for records without pages.

    ``attachments.place_of`` tells where a page that is counted through like this lies.
    """
    found = _texts(objects, record, "text.json", 0)
    attached = attachments_of(record)
    if attached:
        found += [""] * (record.pages - len(found))
    for one in attached:
        found += _texts(objects, record, text_name(one.name), one.pages)
    return tuple(found)


def _texts(objects: ObjectStore, record: Record, name: str, pages: int) -> list[str]:
    try:
        raw = read_text(objects, record, name)
        return [str(page["text"]) for page in raw]
    except (NotFound, IntegrityFailure):
        # A damaged text is for 'verify' to name; it must not keep every other record from being found.
        return [""] * pages
