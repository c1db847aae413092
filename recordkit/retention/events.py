"""Events that start retention periods: contract ended, case closed, meter replaced again ...

An event belongs to named records, or to an account and thereby to records that are filed later, too. The account is
customer data: it lies in a note, the ledger knows its salted digest only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from recordkit.archive.catalogue import find_record
from recordkit.archive.classes import load_scheme
from recordkit.db import Database, Row
from recordkit.errors import InputRefused, NotFound, RefusedByRule
from recordkit.messages import listed, msg
from recordkit.model import Entry, same_account
from recordkit.notes import read_note
from recordkit.retention.schedule import event_types
from recordkit.workspace import Projection, Workspace

_SCHEMA = """
CREATE TABLE retention_events (
  event_id TEXT PRIMARY KEY, type TEXT NOT NULL, date TEXT NOT NULL, scope TEXT NOT NULL, account TEXT,
  note TEXT, replaced TEXT, seq INTEGER NOT NULL);
CREATE TABLE retention_event_records (
  event_id TEXT NOT NULL, record_id TEXT NOT NULL, note TEXT, PRIMARY KEY (event_id, record_id));
CREATE INDEX retention_event_records_record ON retention_event_records (record_id)
"""


@dataclass(frozen=True, slots=True)
class EventEntry:
    """One event as entered.

    Attributes:
        records: the records it was entered for; empty when it belongs to an account.
        account: the account, or None (also when the account's data was destroyed).
        replaced: id of the event that took its place, or None.
    """

    event_id: str
    type: str
    date: date
    records: tuple[str, ...]
    account: str | None
    replaced: str | None
    seq: int


def add_event(
    workspace: Workspace,
    event_type: str,
    on: date,
    *,
    records: Sequence[str] = (),
    account: str | None = None,
    note: str = "",
    replaces: str | None = None,
) -> str:
    """Enter an event for records (id, archival code or number) or for an account; returns the event's id.

    ``note`` is free text and goes with each record. ``replaces`` names an event entered for the same account by
    mistake; an event of a record is corrected by entering the type again.

    Raises:
        InputRefused: unknown type, a day in the future, or neither or both of records and account.
        NotFound: no such record, or no such event to replace.
        RefusedByRule: a record is destroyed.
    """
    known = event_types(load_scheme(workspace.root))
    if event_type not in known:
        raise InputRefused(
            msg("There is no event type {type}.", type=event_type),
            msg("Types are: {types}. 'recordkit retention schedule show' tells what they start.",
                types=listed(sorted(known))),
        )
    name = same_account(account or "")
    if bool(records) == bool(name):
        raise InputRefused(
            msg("An event belongs to records or to one account."), msg("Name records, or give --account A.")
        )
    if on > workspace.clock.today:
        raise InputRefused(
            msg("{date} lies in the future; an event has happened.", date=on.isoformat()),
            msg("Enter it when it has happened."),
        )
    with workspace.writing() as writer:
        if replaces is not None:
            _require_event(workspace.db, replaces)
        found: dict[str, None] = {}
        for reference in records:
            record = find_record(workspace.db, reference)
            if record.status != "active":
                raise RefusedByRule(msg("The record {code} is destroyed; no event can be entered.", code=record.code))
            found[record.record_id] = None
        event_id = f"E{writer.next_id()}"
        body: dict[str, object] = {"event": event_id, "type": event_type, "date": on.isoformat()}
        if replaces is not None:
            body["replaces"] = replaces
        if found:
            body["records"] = {
                record_id: writer.note(record_id, {"event": event_id, "text": note}) if note else None
                for record_id in found
            }
        else:
            body["account_note"] = writer.note(event_id, {"account": name, "text": note})
        writer.add("event.added", body)
        writer.commit()
    return event_id


def list_events(db: Database, *, record_id: str | None = None) -> list[EventEntry]:
    """Events in the order of entry; with ``record_id`` those entered for that very record."""
    rows = db.all(
        "SELECT * FROM retention_events WHERE :record IS NULL OR event_id IN "
        "(SELECT event_id FROM retention_event_records WHERE record_id = :record) ORDER BY seq",
        {"record": record_id},
    )
    return [_event(db, row) for row in rows]


def blank_accounts(db: Database, event_ids: Sequence[str]) -> None:
    """Forget the accounts of events whose notes were destroyed: what a rebuild from the ledger would give."""
    for event_id in event_ids:
        db.run("UPDATE retention_events SET account = NULL WHERE event_id = :id", {"id": event_id})


def _require_event(db: Database, event_id: str) -> None:
    if db.one("SELECT 1 AS n FROM retention_events WHERE event_id = :id", {"id": event_id}) is None:
        raise NotFound(msg("There is no event {id}.", id=event_id))


def _event(db: Database, row: Row) -> EventEntry:
    records = db.all(
        "SELECT record_id FROM retention_event_records WHERE event_id = :id ORDER BY record_id",
        {"id": row["event_id"]},
    )
    return EventEntry(
        event_id=row["event_id"],
        type=row["type"],
        date=date.fromisoformat(row["date"]),
        records=tuple(one["record_id"] for one in records),
        account=row["account"],
        replaced=row["replaced"],
        seq=row["seq"],
    )


def _apply(workspace: Workspace, entry: Entry) -> None:
    if entry.act != "event.added":
        return
    db, body = workspace.db, entry.body
    event_id, note = str(body["event"]), body.get("account_note")
    content = read_note(workspace.root, event_id, str(note)) if note else None
    db.insert(
        "retention_events",
        {
            "event_id": event_id,
            "type": body["type"],
            "date": body["date"],
            "scope": "account" if note else "record",
            "account": content["account"] if content else None,
            "note": note,
            "replaced": None,
            "seq": entry.seq,
        },
    )
    records = body.get("records")
    for record_id, record_note in records.items() if isinstance(records, Mapping) else ():
        db.insert("retention_event_records", {"event_id": event_id, "record_id": record_id, "note": record_note})
    if body.get("replaces"):
        db.run(
            "UPDATE retention_events SET replaced = :new WHERE event_id = :old",
            {"new": event_id, "old": body["replaces"]},
        )


PROJECTION = Projection("retention_events", _SCHEMA, _apply)
PROJECTIONS = (PROJECTION,)
