"""Events that start retention periods: contract ended, case closed, meter replaced again ...

An event belongs to named records, or to an account and thereby to records that are filed later, too. The account is
customer data: it lies in a note, the ledger knows its salted digest only.

An event is never changed. A revision is an event of its own that takes the place of the old one, a withdrawal leaves
nothing in its place; both bear a reason, and what was said before stays listed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date

from recordkit import pending
from recordkit.archive.access import OPEN, access_of_all, clearance_of, require_access
from recordkit.archive.catalogue import count_of_account, find_record, get_record
from recordkit.archive.classes import load_scheme
from recordkit.db import Database, Row
from recordkit.errors import InputRefused, NotFound, RefusedByRule
from recordkit.messages import coded, listed, msg
from recordkit.model import Entry, same_account
from recordkit.notes import read_note, remove_notes
from recordkit.retention.schedule import event_name, event_types
from recordkit.workspace import Workspace

PENDING = "events"
"""Kind of announcement for ids of events whose notes are about to be written."""


@dataclass(frozen=True, slots=True)
class EventEntry:
    """One event as entered.

    Attributes:
        records: the records it was entered for; empty when it belongs to an account.
        account: the account, or None (also when the account's data was destroyed).
        replaced: id of the event that took its place, or None.
        withdrawn: the day on which it was withdrawn, ISO, or None.
        paper: id of the record whose filing proposed it, or None.
        entered: the day on which it was entered, ISO; ``actor`` by whom.
    """

    event_id: str
    type: str
    date: date
    records: tuple[str, ...]
    account: str | None
    replaced: str | None
    seq: int
    withdrawn: str | None = None
    paper: str | None = None
    entered: str = ""
    actor: str = ""

    @property
    def counts(self) -> bool:
        """Whether the review still goes by it."""
        return self.replaced is None and self.withdrawn is None


@dataclass(frozen=True, slots=True)
class EventWords:
    """What was said with an event, as long as its notes exist.

    Attributes:
        note: given when it was entered; ``reason`` why it took another's place.
        end: why it was withdrawn.
    """

    note: str | None
    reason: str | None
    end: str | None


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

    ``note`` is free text and goes with each record. ``replaces`` names an event entered by mistake that is in force.
    That a record is dated after the event is told in ``workspace.notices``: its date may be that of its filing only.

    Raises:
        InputRefused: unknown type, a day in the future, or neither or both of records and account.
        NotFound: no such record, or no such event to replace.
        RefusedByRule: a record is destroyed, or restricted and the actor may not see it; or the event to replace no
            longer counts.
    """
    require_type(workspace, event_type)
    name = same_account(account or "")
    if bool(records) == bool(name):
        raise InputRefused(
            msg("An event belongs to records or to one account."), msg("Name records, or give --account A.")
        )
    _require_past(workspace, on)
    with workspace.writing() as writer:
        if replaces is not None:
            _in_force(workspace.db, replaces)
        found: dict[str, None] = {}
        for reference in records:
            record = find_record(workspace.db, reference)
            require_access(workspace, record)
            if record.status != "active":
                raise RefusedByRule(msg("The record {code} is destroyed; no event can be entered.", code=record.code))
            if record.date > on:
                workspace.notices.append(
                    msg("The record {code} is dated {date}, after the event; check both days. The event counts all "
                        "the same.", code=record.code, date=record.date.isoformat())
                )
            found[record.record_id] = None
        event_id = f"E{writer.next_id()}"
        body: dict[str, object] = {"event": event_id, "type": event_type, "date": on.isoformat()}
        if replaces is not None:
            body["replaces"] = replaces.strip()
        if found:
            body["records"] = {
                record_id: writer.note(record_id, {"event": event_id, "text": note}) if note else None
                for record_id in found
            }
        else:
            body["account_note"] = writer.note(event_id, {"account": name, "text": note})
            later = count_of_account(workspace.db, name, since=on, only_open=not clearance_of(workspace).full)
            if later:
                workspace.notices.append(
                    msg("{count} record(s) of the account are dated on that day or after it; the event starts nothing "
                        "for them.", count=later)
                )
        writer.add("event.added", body)
        writer.commit()
    return event_id


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """What happened to an account on a day."""

    account: str
    type: str
    date: date


def add_account_events(workspace: Workspace, events: Sequence[AccountEvent], note: str = "") -> list[str]:
    """Enter events of accounts, all in one batch or none; their ids, in order. Days and types were checked before."""
    with workspace.writing() as writer:
        ids: list[str] = []
        for one in events:
            ids.append(f"E{writer.next_id()}")
            account_note = writer.note(ids[-1], {"account": same_account(one.account), "text": note})
            writer.add("event.added", {"event": ids[-1], "type": one.type, "date": one.date.isoformat(),
                                       "account_note": account_note})
        with nullcontext() if workspace.rehearsing else pending.announced(workspace.root, PENDING, ids):
            writer.commit()
    return ids


def revise_event(
    workspace: Workspace, event_id: str, reason: str, *, on: date | None = None, event_type: str | None = None
) -> str:
    """Let an event with another day or type take the place of one in force; returns its id.

    Records destroyed since are left out.

    Raises:
        InputRefused: no reason, nothing changes, unknown type, or a day in the future.
        NotFound: no such event.
        RefusedByRule: it no longer counts, or nothing is left that it could belong to; or a record of it is restricted
            and the actor may not see it.
    """
    _require_reason(reason)
    if event_type is not None:
        require_type(workspace, event_type)
    if on is not None:
        _require_past(workspace, on)
    with workspace.writing() as writer:
        row = _in_force(workspace.db, event_id)
        now = (event_type or row["type"], (on or date.fromisoformat(row["date"])).isoformat())
        if now == (row["type"], row["date"]):
            raise InputRefused(
                msg("Event {id} says so already.", id=row["event_id"]), msg("Give another --date or --type.")
            )
        revised = f"E{writer.next_id()}"
        body: dict[str, object] = {
            "event": revised, "type": now[0], "date": now[1], "replaces": row["event_id"]
        }
        if row["paper"]:
            body["paper"] = row["paper"]
        old = event_words(workspace, row["event_id"]).note or ""
        if row["scope"] == "account":
            account = _require_account(row)
            body["account_note"] = writer.note(revised, {"account": account, "text": old, "reason": reason})
        else:
            body["records"] = {
                record_id: writer.note(record_id, {"event": revised, "text": old, "reason": reason})
                for record_id in _require_records(workspace, row)
            }
        writer.add("event.added", body)
        writer.commit()
    return revised


def withdraw_event(workspace: Workspace, event_id: str, reason: str) -> None:
    """Take back an event that has not happened; the records wait again, or go by what else is known.

    Raises:
        InputRefused: no reason.
        NotFound: no such event.
        RefusedByRule: it no longer counts, or nothing is left that it could belong to; or a record of it is restricted
            and the actor may not see it.
    """
    _require_reason(reason)
    with workspace.writing() as writer:
        row = _in_force(workspace.db, event_id)
        body: dict[str, object] = {"event": row["event_id"]}
        if row["scope"] == "account":
            _require_account(row)
            body["account_note"] = writer.note(row["event_id"], {"withdrawn": reason})
        else:
            body["records"] = {
                record_id: writer.note(record_id, {"event": row["event_id"], "withdrawn": reason})
                for record_id in _require_records(workspace, row)
            }
        writer.add("event.withdrawn", body)
        writer.commit()


def list_events(
    db: Database, *, record_id: str | None = None, account: str | None = None, event_id: str | None = None
) -> list[EventEntry]:
    """Events in the order of entry, those that no longer count included.

    ``record_id``: those entered for that very record; ``account``: for that account; ``event_id``: this one.
    """
    rows = db.all(
        "SELECT * FROM retention_events WHERE (:record IS NULL OR event_id IN "
        "(SELECT event_id FROM retention_event_records WHERE record_id = :record)) "
        "AND (:account IS NULL OR account = :account) AND (:event IS NULL OR event_id = :event) ORDER BY seq",
        {"record": record_id, "account": None if account is None else same_account(account), "event": event_id},
    )
    records: dict[str, list[str]] = {}
    for one in db.each("SELECT event_id, record_id FROM retention_event_records WHERE event_id IN "
                       "(SELECT value FROM json_each(:ids)) ORDER BY record_id",
                       {"ids": json.dumps([row["event_id"] for row in rows])}):
        records.setdefault(one["event_id"], []).append(one["record_id"])
    return [_event(row, records.get(row["event_id"], [])) for row in rows]


def find_event(db: Database, event_id: str) -> EventEntry:
    """The event of this id.

    Raises:
        NotFound: none.
    """
    row = _row(db, event_id)
    return _event(row, _records_of(db, row["event_id"]))


def event_words(workspace: Workspace, event_id: str) -> EventWords:
    """What was said with an event; of one for several records what the first note that is left says."""
    db, key = workspace.db, {"id": event_id}
    places = [(event_id, row["note"], row["end_note"])
              for row in db.all("SELECT note, end_note FROM retention_events WHERE event_id = :id", key)]
    places += [(row["record_id"], row["note"], row["end_note"]) for row in db.all(
        "SELECT record_id, note, end_note FROM retention_event_records WHERE event_id = :id", key)]
    said: dict[str, str] = {}
    for subject, *digests in places:
        for digest in filter(None, digests):
            content = read_note(workspace.root, subject, digest) or {}
            said |= {name: str(content[name]) for name in ("text", "reason", "withdrawn")
                     if content.get(name) and name not in said}
    return EventWords(said.get("text"), said.get("reason"), said.get("withdrawn"))


def tells_of_restricted(db: Database, event: EventEntry) -> bool:
    """Whether an event is of a record that is not open to everybody, or of the account of one: its words tell of it."""
    if event.account is not None:
        return db.one(
            "SELECT 1 FROM record_accounts a JOIN records r ON r.record_id = a.record_id WHERE a.account = :account "
            "AND r.status = 'active' AND r.access <> :open", {"account": event.account, "open": OPEN}) is not None
    return access_of_all(db, event.records) != OPEN


def blank_accounts(db: Database, event_ids: Sequence[str]) -> None:
    """Forget the accounts of events whose notes were destroyed: what a rebuild from the ledger would give."""
    for event_id in event_ids:
        db.run("UPDATE retention_events SET account = NULL WHERE event_id = :id", {"id": event_id})


def require_type(workspace: Workspace, event_type: str) -> None:
    """Stop unless the store knows the event type.

    Raises:
        InputRefused: it does not.
    """
    known = event_types(load_scheme(workspace.root))
    if event_type not in known:
        raise InputRefused(
            msg("There is no event type {type}.", type=event_type),
            msg("Types are: {types}. 'recordkit retention schedule show' tells what they start.",
                types=listed(coded(one, event_name(one)) for one in sorted(known))),
        )


def _require_past(workspace: Workspace, on: date) -> None:
    if on > workspace.clock.today:
        raise InputRefused(
            msg("{date} lies in the future; an event has happened.", date=on.isoformat()),
            msg("Enter it when it has happened."),
        )


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise InputRefused(msg("To change what was entered needs a reason."), msg("Give it with --reason TEXT."))


def _row(db: Database, event_id: str) -> Row:
    row = db.one("SELECT * FROM retention_events WHERE event_id = :id", {"id": event_id.strip()})
    if row is None:
        raise NotFound(msg("There is no event {id}.", id=event_id),
                       msg("'recordkit event list' shows the events."))
    return row


def _in_force(db: Database, event_id: str) -> Row:
    row = _row(db, event_id)
    if row["replaced"]:
        raise RefusedByRule(
            msg("Event {id} was revised: {new} stands in its place.", id=row["event_id"], new=row["replaced"]),
            msg("Name that one."),
        )
    if row["withdrawn"]:
        raise RefusedByRule(
            msg("Event {id} was withdrawn on {day}.", id=row["event_id"], day=row["withdrawn"]),
            msg("Enter it anew: recordkit event add"),
        )
    return row


def _require_account(row: Row) -> str:
    if row["account"] is None:
        raise RefusedByRule(msg("The account of event {id} was destroyed with its records.", id=row["event_id"]))
    return str(row["account"])


def _require_records(workspace: Workspace, row: Row) -> list[str]:
    """The records of an event that still exist; whoever may not see all of them changes nothing about it."""
    every = [found for record_id in _records_of(workspace.db, row["event_id"])
             if (found := get_record(workspace.db, record_id)) is not None]
    for one in every:
        require_access(workspace, one)
    left = [one.record_id for one in every if one.status == "active"]
    if not left:
        raise RefusedByRule(msg("No record of event {id} is left.", id=row["event_id"]))
    return left


def _records_of(db: Database, event_id: str) -> list[str]:
    rows = db.all("SELECT record_id FROM retention_event_records WHERE event_id = :id ORDER BY record_id",
                  {"id": event_id})
    return [str(row["record_id"]) for row in rows]


def _event(row: Row, records: Sequence[str]) -> EventEntry:
    return EventEntry(
        event_id=row["event_id"],
        type=row["type"],
        date=date.fromisoformat(row["date"]),
        records=tuple(records),
        account=row["account"],
        replaced=row["replaced"],
        seq=row["seq"],
        withdrawn=row["withdrawn"],
        paper=row["paper"],
        entered=row["entered"] or "",
        actor=row["actor"] or "",
    )


def apply_entry(workspace: Workspace, entry: Entry) -> None:
    """Events, what replaces and what withdraws them, and proposals that were refused."""
    db, body = workspace.db, entry.body
    if entry.act == "event.withdrawn":
        key = {"id": body["event"]}
        db.run("UPDATE retention_events SET withdrawn = :day, end_note = :note WHERE event_id = :id",
               {**key, "day": entry.time[:10], "note": body.get("account_note")})
        records = body.get("records")
        for record_id, note in records.items() if isinstance(records, Mapping) else ():
            db.run("UPDATE retention_event_records SET end_note = :note WHERE event_id = :id AND record_id = :record",
                   {**key, "note": note, "record": record_id})
    elif entry.act == "event.declined":
        db.insert("declined_events", {"record_id": body["record"], "type": body["type"], "paper": body["paper"],
                                      "note": body["note"]})
    elif entry.act == "event.added":
        _apply_added(workspace, entry)


def _apply_added(workspace: Workspace, entry: Entry) -> None:
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
            "withdrawn": None,
            "end_note": None,
            "paper": body.get("paper"),
            "entered": entry.time[:10],
            "actor": entry.actor,
            "seq": entry.seq,
        },
    )
    records = body.get("records")
    for record_id, record_note in records.items() if isinstance(records, Mapping) else ():
        db.insert("retention_event_records", {"event_id": event_id, "record_id": record_id, "note": record_note,
                                              "end_note": None})
    if body.get("replaces"):
        db.run(
            "UPDATE retention_events SET replaced = :new WHERE event_id = :old",
            {"new": event_id, "old": body["replaces"]},
        )


def recover(workspace: Workspace) -> None:
    """Remove notes of a bulk entry that was killed before the ledger knew of it: they name accounts."""
    for path, ids in pending.unfinished(workspace.root, PENDING):
        for event_id in ids:
            if workspace.db.one("SELECT 1 FROM retention_events WHERE event_id = :id", {"id": event_id}) is None:
                remove_notes(workspace.root, event_id)
        pending.withdraw(path)
