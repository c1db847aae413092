"""How one record stands today: active, held or destroyed, and what its retention period says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from recordkit.archive.catalogue import Record, accounts_of
from recordkit.archive.classes import load_scheme
from recordkit.messages import Message, msg
from recordkit.model import same_account
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
    """How ``record`` stands on ``today``."""
    record_class = load_scheme(workspace.root).classes.get(record.record_class)
    period = record_class.period if record_class else None
    name = record_class.name if record_class else record.record_class
    trigger: object = None
    if record_class is not None:
        trigger = "date" if record_class.trigger == "date" else list(record_class.events)
    if record.status == "destroyed":
        retention = {"period": period, "trigger": trigger, "start": None, "due": None}
        told = msg("Destroyed under order {order}; the register keeps its row.", order=record.destroyed_by or "?")
        return Standing("destroyed", name, (), retention, told)
    decision = explain_record(workspace, record, today)
    accounts = accounts_of(workspace.db, record.record_id)
    standing = tuple(
        {"hold": hold.hold_id, "kind": hold.kind, "until": hold.until, "reason": hold.reason}
        for hold in list_holds(workspace)
        if _covers(hold, record, accounts) and (hold.until is None or today <= hold.until)
    )
    retention = {"period": period, "trigger": trigger, "start": decision.start, "due": decision.due}
    status: Literal["held", "active"] = "held" if decision.decision == "held" else "active"
    return Standing(status, name, standing, retention, decision.reason)


def bound_records(workspace: Workspace, today: date) -> Mapping[str, frozenset[str]]:
    """The records that are not simply active today, by how they stand: ``held``, and ``ordered`` (in an open order)."""
    db = workspace.db
    standing = [hold for hold in db.all("SELECT * FROM holds WHERE released IS NULL")
                if not hold["until"] or today <= date.fromisoformat(hold["until"])]
    named = db.all("SELECT h.hold_id, h.record_id FROM hold_records h JOIN records r ON r.record_id = h.record_id "
                   "WHERE r.status = 'active'")
    in_force = {hold["hold_id"] for hold in standing}
    held = {row["record_id"] for row in named if row["hold_id"] in in_force}
    accounts = {hold["account"] for hold in standing if hold["scope"] == "account"}
    if None in accounts:
        # The account of a hold can no longer be read: it must not become a permission for any record.
        held = {row["record_id"] for row in db.each("SELECT record_id FROM records WHERE status = 'active'")}
    elif accounts:
        rows = db.all("SELECT a.record_id, a.account FROM holds h JOIN record_accounts a ON a.account = h.account "
                      "WHERE h.scope = 'account' AND h.released IS NULL")
        held |= {row["record_id"] for row in rows if row["account"] in accounts}
    return {"held": frozenset(held), "ordered": frozenset(open_orders(db))}


def _covers(hold: HoldEntry, record: Record, accounts: set[str]) -> bool:
    return record.record_id in hold.records or (hold.account is not None and same_account(hold.account) in accounts)
