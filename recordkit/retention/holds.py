"""Holds: what forbids destruction until it is released.

A hold may be placed at any moment before an order's intent is in the ledger, and always wins. Reasons are free text:
those of a hold on records lie in a note beside each record and go with it; account and reason of a hold on an account
lie in a note of the hold. The ledger knows salted digests only.

A hold ends by its release alone, which a person gives a reason for. ``until`` is the day by which it should be looked
at again: past it the hold still stands and is listed as past its day, for a doubt never opens the way to destruction.

A hold on what a query finds is one on the records found at that moment; a hold on an account covers what is filed
later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date

from recordkit import pending
from recordkit.archive.access import OPEN
from recordkit.archive.catalogue import accounts_of, find_record
from recordkit.db import Database, Row
from recordkit.errors import InputRefused, NotFound, RefusedByRule
from recordkit.messages import Message, coded, listed, msg
from recordkit.model import Entry, same_account
from recordkit.notes import read_note, remove_notes
from recordkit.retention.order_state import order_of_intent
from recordkit.retention.review import HOLD_KINDS
from recordkit.workspace import Workspace, Writer

PENDING = "holds"
"""Kind of announcement for ids of holds whose notes are about to be written."""


@dataclass(frozen=True, slots=True)
class HoldEntry:
    """One hold.

    Attributes:
        records: the records it names; empty for a hold on an account.
        account: the account it covers, with records filed later; None for records, or when its data was destroyed.
        until: the day by which it should be looked at again, or None; it stands until it is released.
        reason: as long as the note that holds it exists; ``query`` what found its records, likewise.
        placed: date of placing; ``released`` date of release or None.
        from_list: name of the series of lists that it was imported from (may be empty); None when placed by hand.
    """

    hold_id: str
    kind: str
    records: tuple[str, ...]
    account: str | None
    until: date | None
    reason: str | None
    placed: str
    released: str | None
    query: str | None = None
    from_list: str | None = None

    def is_past(self, today: date) -> bool:
        """Whether the day by which somebody should have looked at it is over, and nobody released it."""
        return self.released is None and self.until is not None and self.until < today


@dataclass(frozen=True, slots=True)
class HoldOrder:
    """How the accounts of a list are to be held.

    Attributes:
        series: name of the series of lists that this one continues, such as that of a branch; may be empty.
        release_reason: why holds of the series that the list does not name are released; empty: they stand.
    """

    kind: str
    reason: str
    until: date | None = None
    series: str = ""
    release_reason: str = ""


def require_order(workspace: Workspace, order: HoldOrder) -> None:
    """Stop unless holds may be placed so.

    Raises:
        InputRefused: unknown kind, no reason, or a day that is over.
    """
    _require_words(order.kind, order.reason)
    _require_ahead(workspace, order.until)


def place_hold(
    workspace: Workspace,
    *,
    kind: str,
    reason: str,
    records: Sequence[str] = (),
    account: str | None = None,
    until: date | None = None,
    query: str = "",
) -> str:
    """Forbid the destruction of records (id, archival code or number), or of all records of an account.

    A hold on an account covers records filed later and records that once stood under the account. Those of its
    records that are past an order's intent cannot be saved; they are named in ``workspace.notices``. So are those
    that a query found; one that a person named is refused.

    Args:
        workspace: the store.
        kind: one of ``HOLD_KINDS``.
        reason: why; it lies beside each record, or beside the hold on an account.
        records: what is held, else ``account``.
        account: see ``records``.
        until: the day by which somebody should look at it again.
        query: what found the records; it is noted with the reason.

    Returns:
        The hold's id.

    Raises:
        InputRefused: unknown kind, no reason, a day that is over, or neither or both of records and account.
        NotFound: no such record.
        RefusedByRule: a named record is destroyed, or its destruction has begun and cannot be stopped.
    """
    _require_words(kind, reason)
    name = same_account(account or "")
    if bool(records) == bool(name):
        raise InputRefused(
            msg("A hold is placed on records or on one account."), msg("Name records, or give --account A.")
        )
    _require_ahead(workspace, until)
    with workspace.writing() as writer:
        named = {record.record_id: record for record in (find_record(workspace.db, one) for one in records)}
        for record in list(named.values()):
            order = order_of_intent(workspace.db, record.record_id)
            if order is not None and query:
                workspace.notices.append(_lost(record.code, order))
                del named[record.record_id]
            elif record.status != "active":
                raise RefusedByRule(msg("The record {code} is destroyed; it cannot be held.", code=record.code))
            elif order is not None:
                raise RefusedByRule(
                    msg("The record {code} is past the point of no return of order {order}: its destruction has "
                        "begun and no hold can stop it.", code=record.code, order=order),
                    msg("'recordkit destruction show {order}' tells what became of it. No hold was placed.",
                        order=order),
                )
        if records and not named:
            raise RefusedByRule(msg("Nothing is left of what the query found; no hold was placed."))
        hold_id = f"H{writer.next_id()}"
        body: dict[str, object] = {"hold": hold_id, "kind": kind, "until": until.isoformat() if until else None}
        if named:
            said = {"hold": hold_id, "reason": reason, **({"query": query} if query else {})}
            body["records"] = {record_id: writer.note(record_id, said) for record_id in named}
        else:
            body["account_note"] = writer.note(hold_id, {"account": name, "reason": reason})
            workspace.notices += _lost_of_account(workspace.db, name)
        writer.add("hold.placed", body)
        writer.commit()
    return hold_id


def place_on_accounts(
    workspace: Workspace,
    accounts: Sequence[str],
    *,
    kind: str,
    reason: str,
    until: date | None = None,
    from_list: str | None = None,
) -> list[str]:
    """Hold each of these accounts, all in one batch or none; their holds' ids, in order.

    ``from_list``: the series of lists that names them, see ``HoldEntry``. What cannot be saved any more is named in
    ``workspace.notices``.

    Raises:
        InputRefused: as ``place_hold``.
    """
    _require_words(kind, reason)
    _require_ahead(workspace, until)
    said = {"reason": reason, **({} if from_list is None else {"list": from_list})}
    with workspace.writing() as writer:
        ids: list[str] = []
        for account in accounts:
            name = same_account(account)
            ids.append(f"H{writer.next_id()}")
            note = writer.note(ids[-1], {"account": name, **said})
            writer.add("hold.placed", {"hold": ids[-1], "kind": kind, "account_note": note,
                                       "until": until.isoformat() if until else None})
            workspace.notices += _lost_of_account(workspace.db, name)
        with nullcontext() if workspace.rehearsing else pending.announced(workspace.root, PENDING, ids):
            writer.commit()
    return ids


def release_holds(workspace: Workspace, hold_ids: Sequence[str], reason: str) -> None:
    """End holds on accounts, all in one batch or none; those released meanwhile are passed over.

    Raises:
        InputRefused: no reason.
        NotFound: one does not exist.
    """
    _require_release(reason)
    with workspace.writing() as writer:
        for row in [_row(workspace.db, one) for one in hold_ids]:
            if not row["released"]:
                writer.add("hold.released", _noted(workspace, writer, row, {"released": reason}))
        writer.commit()


def extend_hold(workspace: Workspace, hold_id: str, until: date | None, reason: str) -> None:
    """Set another day by which somebody should look at a hold; None for no such day.

    Raises:
        InputRefused: no reason, or a day that is over.
        NotFound: no such hold.
        RefusedByRule: it is released.
    """
    if not reason.strip():
        raise InputRefused(msg("A new day for a hold needs a reason."), msg("Give it with --reason TEXT."))
    _require_ahead(workspace, until)
    with workspace.writing() as writer:
        row = _standing(workspace.db, hold_id)
        body = {"until": until.isoformat() if until else None}
        writer.add("hold.extended", _noted(workspace, writer, row, {"extended": reason}) | body)
        writer.commit()


def release_hold(workspace: Workspace, hold_id: str, reason: str) -> None:
    """End a hold.

    Raises:
        InputRefused: no reason.
        NotFound: no such hold.
        RefusedByRule: it is released already.
    """
    _require_release(reason)
    with workspace.writing() as writer:
        row = _standing(workspace.db, hold_id)
        writer.add("hold.released", _noted(workspace, writer, row, {"released": reason}))
        writer.commit()


def list_holds(
    workspace: Workspace,
    *,
    released: bool = False,
    record_id: str | None = None,
    account: str | None = None,
) -> list[HoldEntry]:
    """Holds in the order of placing; with ``released`` those that ended, too.

    ``record_id``: those that cover this record, itself or by an account under which it stands or once stood; one whose
    account can no longer be read covers every record. ``account``: those on this account.
    """
    db = workspace.db
    if record_id is not None:
        found = [_row(db, one) for one in holds_on_record(db, record_id, released=released)]
        rows = [row for row in found if account is None or row["account"] == same_account(account)]
    else:
        rows = db.all("SELECT * FROM holds WHERE (:all = 1 OR released IS NULL) "
                      "AND (:account IS NULL OR account = :account) ORDER BY seq",
                      {"all": int(released), "account": None if account is None else same_account(account)})
    return [_hold(workspace, row) for row in rows]


def holds_on_record(db: Database, record_id: str, *, released: bool = False) -> list[str]:
    """Ids of the holds that cover a record, see ``list_holds``."""
    rows = db.all(
        "SELECT h.hold_id, h.seq FROM hold_records n JOIN holds h ON h.hold_id = n.hold_id "
        "WHERE n.record_id = :record AND (:all = 1 OR h.released IS NULL) "
        "UNION SELECT h.hold_id, h.seq FROM record_accounts a JOIN holds h ON h.account = a.account "
        "WHERE a.record_id = :record AND (:all = 1 OR h.released IS NULL) "
        "UNION SELECT hold_id, seq FROM holds WHERE account IS NULL AND scope = 'account' AND released IS NULL "
        "ORDER BY 2", {"record": record_id, "all": int(released)})
    return [str(row["hold_id"]) for row in rows]


def find_hold(workspace: Workspace, hold_id: str) -> HoldEntry:
    """The hold of this id.

    Raises:
        NotFound: none.
    """
    return _hold(workspace, _row(workspace.db, hold_id))


def covers_restricted(db: Database, hold: HoldEntry) -> bool:
    """Whether a hold is on a record that is not open to everybody, or on the account of one: its words tell of it."""
    if hold.account is not None:
        return db.one(
            "SELECT 1 FROM record_accounts a JOIN records r ON r.record_id = a.record_id WHERE a.account = :account "
            "AND r.status = 'active' AND r.access <> :open", {"account": hold.account, "open": OPEN}) is not None
    return any(db.one("SELECT 1 FROM records WHERE record_id = :id AND access <> :open", {"id": one, "open": OPEN})
               for one in hold.records)


def accounts_held_of(db: Database, records: Sequence[str]) -> list[str]:
    """The accounts under which records stand or once stood: what a hold for the future has to name."""
    return sorted(set[str]().union(*(accounts_of(db, record_id) for record_id in records)))


def blank_accounts(db: Database, hold_ids: Sequence[str]) -> None:
    """Forget what the destroyed notes of holds said: what a rebuild from the ledger would give."""
    for hold_id in hold_ids:
        db.run("UPDATE holds SET account = NULL, from_list = NULL WHERE hold_id = :id", {"id": hold_id})


def _require_words(kind: str, reason: str) -> None:
    if kind not in HOLD_KINDS:
        raise InputRefused(
            msg("There is no kind of hold {kind}.", kind=kind),
            msg("Kinds are: {kinds}.", kinds=listed(coded(*one) for one in HOLD_KINDS.items())),
        )
    if not reason.strip():
        raise InputRefused(msg("A hold needs a reason."), msg("Give it with --reason TEXT."))


def _require_release(reason: str) -> None:
    if not reason.strip():
        raise InputRefused(msg("The release of a hold needs a reason."), msg("Give it with --reason TEXT."))


def _require_ahead(workspace: Workspace, until: date | None) -> None:
    if until is not None and until < workspace.clock.today:
        raise InputRefused(
            msg("{date} is over already; it cannot be the day by which the hold is looked at again.",
                date=until.isoformat()),
            msg("Name a day ahead, or none."),
        )


def _lost(code: str, order: str) -> Message:
    return msg("The record {code} is past the point of no return of order {order}; the hold cannot save it.",
               code=code, order=order)


def _lost_of_account(db: Database, account: str) -> list[Message]:
    rows = db.all(
        "SELECT r.code, i.order_id FROM record_accounts a JOIN records r ON r.record_id = a.record_id "
        "JOIN order_items i ON i.record_id = r.record_id AND i.intended = 1 WHERE a.account = :account "
        "ORDER BY r.ordinal", {"account": account})
    return [_lost(row["code"], row["order_id"]) for row in rows]


def _standing(db: Database, hold_id: str) -> Row:
    row = _row(db, hold_id)
    if row["released"]:
        raise RefusedByRule(msg("The hold {id} was released on {day}.", id=row["hold_id"], day=row["released"]))
    return row


def _noted(workspace: Workspace, writer: Writer, row: Row, said: dict[str, object]) -> dict[str, object]:
    """Body of an act on a hold, its words beside the hold on an account or beside each record that it names."""
    body: dict[str, object] = {"hold": row["hold_id"]}
    if row["scope"] == "account":
        body["account_note"] = writer.note(row["hold_id"], said)
    else:
        body["records"] = {
            record_id: writer.note(record_id, {"hold": row["hold_id"], **said})
            for record_id in _records_of(workspace.db, row["hold_id"])
            if order_of_intent(workspace.db, record_id) is None
        }
    return body


def _row(db: Database, hold_id: str) -> Row:
    row = db.one("SELECT * FROM holds WHERE hold_id = :id", {"id": hold_id.strip()})
    if row is None:
        raise NotFound(msg("There is no hold {id}.", id=hold_id), msg("'recordkit hold list' shows the holds."))
    return row


def _records_of(db: Database, hold_id: str) -> list[str]:
    rows = db.all("SELECT record_id FROM hold_records WHERE hold_id = :id ORDER BY record_id", {"id": hold_id})
    return [str(row["record_id"]) for row in rows]


def _hold(workspace: Workspace, row: Row) -> HoldEntry:
    noted = [] if row["scope"] == "account" else workspace.db.all(
        "SELECT record_id, note FROM hold_records WHERE hold_id = :id ORDER BY record_id", {"id": row["hold_id"]})
    said: Mapping[str, object] = {}
    for subject, digest in [(row["hold_id"], row["note"]), *((one["record_id"], one["note"]) for one in noted)]:
        content = read_note(workspace.root, subject, digest) if digest else None
        if content is not None:
            said = content
            break
    return HoldEntry(
        hold_id=row["hold_id"],
        kind=row["kind"],
        records=tuple(one["record_id"] for one in noted),
        account=row["account"],
        until=date.fromisoformat(row["until"]) if row["until"] else None,
        reason=str(said["reason"]) if "reason" in said else None,
        placed=row["placed"],
        released=row["released"],
        query=str(said["query"]) if "query" in said else None,
        from_list=row["from_list"],
    )


def apply_entry(workspace: Workspace, entry: Entry) -> None:
    """Holds, on which records and accounts, and their release."""
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
                "released_by": None,
                "released_seq": None,
                "release_note": None,
                "from_list": str(content["list"]) if content and "list" in content else None,
                "seq": entry.seq,
            },
        )
        records = body.get("records")
        for record_id, record_note in records.items() if isinstance(records, Mapping) else ():
            db.insert("hold_records", {"hold_id": hold_id, "record_id": record_id, "note": record_note})
    elif entry.act == "hold.extended":
        db.run("UPDATE holds SET until = :until WHERE hold_id = :id", {"until": body["until"], "id": body["hold"]})
    elif entry.act == "hold.released":
        db.run(
            "UPDATE holds SET released = :day, released_by = :by, released_seq = :seq, release_note = :note "
            "WHERE hold_id = :id",
            {"day": entry.time[:10], "by": entry.actor, "seq": entry.seq, "note": body.get("account_note"),
             "id": body["hold"]},
        )


def recover(workspace: Workspace) -> None:
    """Remove notes of a bulk entry that was killed before the ledger knew of it: they name accounts."""
    for path, ids in pending.unfinished(workspace.root, PENDING):
        for hold_id in ids:
            if workspace.db.one("SELECT 1 FROM holds WHERE hold_id = :id", {"id": hold_id}) is None:
                remove_notes(workspace.root, hold_id)
        pending.withdraw(path)
