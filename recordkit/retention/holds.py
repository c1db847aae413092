"""Holds: what forbids destruction until it is released.

A hold may be placed at any moment before an order's intent is in the ledger, and always wins. Reasons are free text:
those of a hold on records lie in a note beside each record and go with it; account and reason of a hold on an account
lie in a note of the hold. The ledger knows salted digests only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from recordkit.archive.catalogue import find_record
from recordkit.db import Database, Row
from recordkit.errors import InputRefused, NotFound, RefusedByRule
from recordkit.messages import listed, msg
from recordkit.model import Entry, same_account
from recordkit.notes import read_note
from recordkit.retention.order_state import order_of_intent
from recordkit.retention.review import HOLD_KINDS
from recordkit.workspace import Projection, Workspace

_SCHEMA = """
CREATE TABLE holds (
  hold_id TEXT PRIMARY KEY, kind TEXT NOT NULL, scope TEXT NOT NULL, account TEXT, note TEXT, until TEXT,
  placed TEXT NOT NULL, released TEXT, release_note TEXT, seq INTEGER NOT NULL);
CREATE TABLE hold_records (
  hold_id TEXT NOT NULL, record_id TEXT NOT NULL, note TEXT, PRIMARY KEY (hold_id, record_id));
CREATE INDEX hold_records_record ON hold_records (record_id)
"""


@dataclass(frozen=True, slots=True)
class HoldEntry:
    """One hold.

    Attributes:
        records: the records it names; empty for a hold on an account.
        account: the account it covers, with records filed later; None for records, or when its data was destroyed.
        until: last day on which it stands, or None.
        reason: as long as the note that holds it exists.
        placed: date of placing; ``released`` date of release or None.
    """

    hold_id: str
    kind: str
    records: tuple[str, ...]
    account: str | None
    until: date | None
    reason: str | None
    placed: str
    released: str | None


def place_hold(
    workspace: Workspace,
    *,
    kind: str,
    reason: str,
    records: Sequence[str] = (),
    account: str | None = None,
    until: date | None = None,
) -> str:
    """Forbid the destruction of records (id, archival code or number), or of all records of an account.

    A hold on an account covers records filed later and records that once stood under the account. Those of its
    records that are past an order's intent cannot be saved; they are named in ``workspace.notices``.

    Returns:
        The hold's id.

    Raises:
        InputRefused: unknown kind, no reason, a last day that is over, or neither or both of records and account.
        NotFound: no such record.
        RefusedByRule: a named record is destroyed, or its destruction has begun and cannot be stopped.
    """
    _require_words(kind, reason)
    name = same_account(account or "")
    if bool(records) == bool(name):
        raise InputRefused(
            msg("A hold is placed on records or on one account."), msg("Name records, or give --account A.")
        )
    if until is not None and until < workspace.clock.today:
        raise InputRefused(
            msg("{date} is over already; the hold would never be in force.", date=until.isoformat()),
            msg("Name its last day, or leave --until out."),
        )
    with workspace.writing() as writer:
        named = {record.record_id: record for record in (find_record(workspace.db, one) for one in records)}
        for record in named.values():
            order = order_of_intent(workspace.db, record.record_id)
            if order is not None:
                raise RefusedByRule(
                    msg("The record {code} is past the point of no return of order {order}: its destruction has "
                        "begun and no hold can stop it.", code=record.code, order=order),
                    msg("'recordkit destruction show {order}' tells what became of it. No hold was placed.",
                        order=order),
                )
            if record.status != "active":
                raise RefusedByRule(msg("The record {code} is destroyed; it cannot be held.", code=record.code))
        hold_id = f"H{writer.next_id()}"
        body: dict[str, object] = {"hold": hold_id, "kind": kind, "until": until.isoformat() if until else None}
        if named:
            body["records"] = {
                record_id: writer.note(record_id, {"hold": hold_id, "reason": reason})
                for record_id in named
            }
        else:
            body["account_note"] = writer.note(hold_id, {"account": name, "reason": reason})
            _name_the_lost(workspace, name)
        writer.add("hold.placed", body)
        writer.commit()
    return hold_id


def release_hold(workspace: Workspace, hold_id: str, reason: str) -> None:
    """End a hold.

    Raises:
        InputRefused: no reason.
        NotFound: no such hold.
        RefusedByRule: it is released already.
    """
    if not reason.strip():
        raise InputRefused(msg("The release of a hold needs a reason."), msg("Give it with --reason TEXT."))
    with workspace.writing() as writer:
        row = _row(workspace.db, hold_id)
        if row["released"]:
            raise RefusedByRule(msg("The hold {id} was released on {day}.", id=row["hold_id"], day=row["released"]))
        body: dict[str, object] = {"hold": row["hold_id"]}
        if row["scope"] == "account":
            body["account_note"] = writer.note(row["hold_id"], {"released": reason})
        else:
            body["records"] = {
                record_id: writer.note(record_id, {"hold": row["hold_id"], "released": reason})
                for record_id in _records_of(workspace.db, row["hold_id"])
                if order_of_intent(workspace.db, record_id) is None
            }
        writer.add("hold.released", body)
        writer.commit()


def list_holds(workspace: Workspace, *, released: bool = False) -> list[HoldEntry]:
    """Holds in the order of placing; with ``released`` those that ended, too."""
    rows = workspace.db.all(
        "SELECT * FROM holds WHERE :all = 1 OR released IS NULL ORDER BY seq", {"all": int(released)}
    )
    return [_hold(workspace, row) for row in rows]


def find_hold(workspace: Workspace, hold_id: str) -> HoldEntry:
    """The hold of this id.

    Raises:
        NotFound: none.
    """
    return _hold(workspace, _row(workspace.db, hold_id))


def blank_accounts(db: Database, hold_ids: Sequence[str]) -> None:
    """Forget the accounts of holds whose notes were destroyed: what a rebuild from the ledger would give."""
    for hold_id in hold_ids:
        db.run("UPDATE holds SET account = NULL WHERE hold_id = :id", {"id": hold_id})


def _require_words(kind: str, reason: str) -> None:
    if kind not in HOLD_KINDS:
        raise InputRefused(
            msg("There is no kind of hold {kind}.", kind=kind), msg("Kinds are: {kinds}.", kinds=listed(HOLD_KINDS))
        )
    if not reason.strip():
        raise InputRefused(msg("A hold needs a reason."), msg("Give it with --reason TEXT."))


def _name_the_lost(workspace: Workspace, account: str) -> None:
    rows = workspace.db.all("SELECT record_id, code, account FROM records WHERE account IS NOT NULL")
    for row in rows:
        order = order_of_intent(workspace.db, row["record_id"]) if same_account(row["account"]) == account else None
        if order is not None:
            workspace.notices.append(
                msg("The record {code} is past the point of no return of order {order}; the hold cannot save it.",
                    code=row["code"], order=order)
            )


def _row(db: Database, hold_id: str) -> Row:
    row = db.one("SELECT * FROM holds WHERE hold_id = :id", {"id": hold_id.strip()})
    if row is None:
        raise NotFound(msg("There is no hold {id}.", id=hold_id), msg("'recordkit hold list' shows the holds."))
    return row


def _records_of(db: Database, hold_id: str) -> list[str]:
    rows = db.all("SELECT record_id FROM hold_records WHERE hold_id = :id ORDER BY record_id", {"id": hold_id})
    return [str(row["record_id"]) for row in rows]


def _hold(workspace: Workspace, row: Row) -> HoldEntry:
    reason: str | None = None
    noted = workspace.db.all("SELECT record_id, note FROM hold_records WHERE hold_id = :id", {"id": row["hold_id"]})
    places = [(row["hold_id"], row["note"]), *((one["record_id"], one["note"]) for one in noted)]
    for subject, digest in places:
        content = read_note(workspace.root, subject, digest) if digest else None
        if content is not None:
            reason = str(content["reason"])
            break
    return HoldEntry(
        hold_id=row["hold_id"],
        kind=row["kind"],
        records=tuple(_records_of(workspace.db, row["hold_id"])),
        account=row["account"],
        until=date.fromisoformat(row["until"]) if row["until"] else None,
        reason=reason,
        placed=row["placed"],
        released=row["released"],
    )


def _apply(workspace: Workspace, entry: Entry) -> None:
    db, body = workspace.db, entry.body
    if entry.act == "hold.placed":
        hold_id, note = str(body["hold"]), body.get("account_note")
        content = read_note(workspace.root, hold_id, str(note)) if note else None
        db.insert(
            "holds",
            {
                "hold_id": hold_id,
                "kind": body["kind"],
                "scope": "account" if note else "record",
                "account": content["account"] if content else None,
                "note": note,
                "until": body.get("until"),
                "placed": entry.time[:10],
                "released": None,
                "release_note": None,
                "seq": entry.seq,
            },
        )
        records = body.get("records")
        for record_id, record_note in records.items() if isinstance(records, Mapping) else ():
            db.insert("hold_records", {"hold_id": hold_id, "record_id": record_id, "note": record_note})
    elif entry.act == "hold.released":
        db.run(
            "UPDATE holds SET released = :day, release_note = :note WHERE hold_id = :id",
            {"day": entry.time[:10], "note": body.get("account_note"), "id": body["hold"]},
        )


PROJECTION = Projection("holds", _SCHEMA, _apply)
PROJECTIONS = (PROJECTION,)
