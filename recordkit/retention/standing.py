"""How one record stands today: active, held or destroyed, and what its retention period says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from recordkit.archive.catalogue import Record
from recordkit.archive.classes import load_scheme
from recordkit.archive.held import account_of_issue
from recordkit.errors import InputRefused, NotFound
from recordkit.messages import Message, msg
from recordkit.retention.circumstances import explain_record
from recordkit.retention.holds import HoldEntry, list_holds
from recordkit.retention.order_state import open_orders
from recordkit.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Standing:
    """What ``show`` adds to the catalogue's own facts.

    Attributes:
        class_name: Chinese name of the class.
        holds: holds in force, each with id and kind.
        retention: period, trigger, start and due, plain values.
        reason: the decision in words.
    """

    status: Literal["held", "active", "destroyed"]
    class_name: str
    holds: tuple[Mapping[str, object], ...]
    retention: Mapping[str, object]
    reason: Message


def standing_of(workspace: Workspace, record: Record, today: date) -> Standing:
    """How ``record`` stands on ``today``.

    A schedule that cannot be read says nothing of periods; everything else is told all the same.
    """
    try:
        record_class = load_scheme(workspace.root).classes.get(record.record_class)
        decision = None if record.status == "destroyed" else explain_record(workspace, record, today)
    except (InputRefused, NotFound) as error:
        return _without_schedule(workspace, record, today, error.what)
    period = record_class.period if record_class else None
    name = record_class.name if record_class else record.record_class
    trigger: object = None
    if record_class is not None:
        trigger = "date" if record_class.trigger == "date" else list(record_class.events)
    if record.status == "destroyed":
        retention = {"period": period, "trigger": trigger, "start": None, "due": None}
        told = msg("Destroyed under order {order}; the register keeps its row.", order=record.destroyed_by or "?")
        return Standing("destroyed", name, (), retention, told)
    assert decision is not None
    standing = tuple(plain_hold(hold, today) for hold in list_holds(workspace, record_id=record.record_id))
    retention = {"period": period, "trigger": trigger, "start": decision.start, "due": decision.due}
    status: Literal["held", "active"] = "held" if decision.decision == "held" else "active"
    return Standing(status, name, standing, retention, decision.reason)


def _without_schedule(workspace: Workspace, record: Record, today: date, why: Message) -> Standing:
    retention = {"period": None, "trigger": None, "start": None, "due": None}
    if record.status == "destroyed":
        told = msg("Destroyed under order {order}; the register keeps its row.", order=record.destroyed_by or "?")
        return Standing("destroyed", record.record_class, (), retention, told)
    standing = tuple(plain_hold(hold, today) for hold in list_holds(workspace, record_id=record.record_id))
    told = msg("What applies to it is not known: {error}", error=why)
    return Standing("held" if standing else "active", record.record_class, standing,
                    {**retention, "schedule": told}, told)


def plain_hold(hold: HoldEntry, today: date) -> Mapping[str, object]:
    """A hold in force as listings of what it covers show it."""
    return {"hold": hold.hold_id, "kind": hold.kind, "until": hold.until, "reason": hold.reason,
            "account": hold.account, "placed": hold.placed, "past": hold.is_past(today)}


def holds_on_issue(workspace: Workspace, issue_id: str, record_id: str | None) -> list[HoldEntry]:
    """Holds on the record of an issued document's paper, and on the account that the document names."""
    found = {one.hold_id: one for one in list_holds(workspace, record_id=record_id)} if record_id else {}
    account = account_of_issue(workspace, issue_id)
    found |= {one.hold_id: one for one in list_holds(workspace, account=account)} if account else {}
    return sorted(found.values(), key=lambda one: (one.placed, one.hold_id))


def bound_records(workspace: Workspace) -> Mapping[str, frozenset[str]]:
    """The records that are not simply active, by how they stand: ``held``, and ``ordered`` (in an open order)."""
    db = workspace.db
    blind = db.one("SELECT 1 FROM holds WHERE scope = 'account' AND account IS NULL AND released IS NULL")
    if blind is not None:
        # The account of a hold can no longer be read: it must not become a permission for any record.
        rows = db.each("SELECT record_id FROM records WHERE status = 'active'")
    else:
        rows = db.each(
            "SELECT n.record_id FROM holds h JOIN hold_records n ON n.hold_id = h.hold_id "
            "JOIN records r ON r.record_id = n.record_id WHERE h.released IS NULL AND r.status = 'active' "
            "UNION SELECT a.record_id FROM holds h JOIN record_accounts a ON a.account = h.account "
            "WHERE h.scope = 'account' AND h.released IS NULL")
    held = frozenset(str(row["record_id"]) for row in rows)
    return {"held": held, "ordered": frozenset(open_orders(db))}
