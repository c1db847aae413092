"""The whole story of one record's retention: rule, events, holds, decisions, orders, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from recordkit.archive.catalogue import Record, accounts_of, get_record
from recordkit.archive.classes import PERMANENT, RecordClass, load_scheme
from recordkit.archive.exported import GivenCopy, copies_of
from recordkit.archive_settings import meaning_of_term
from recordkit.db import Row
from recordkit.messages import Message, listed, msg
from recordkit.model import same_account
from recordkit.retention.adoption import is_changed
from recordkit.retention.circumstances import decide_record, load_circumstances
from recordkit.retention.events import event_words
from recordkit.retention.holds import find_hold
from recordkit.retention.order_state import Opinion, Order, Outcome, find_order, open_order_of
from recordkit.retention.orders import next_step
from recordkit.retention.review import Decision
from recordkit.retention.stops import stop_of_decision
from recordkit.workspace import Workspace

EventState = Literal["counts", "replaced", "withdrawn", "later", "too-early", "own-first", "starts-nothing"]


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """One event that was ever entered for the record, or for the account it stands under.

    Attributes:
        state: what it does: ``counts`` starts the period; ``replaced`` by a later entry; ``withdrawn`` by a person;
            ``later`` than the one that counts; ``too-early`` for an account's, not after the record's own date;
            ``own-first``: one of this very record goes before it; ``starts-nothing`` under the rule of the class.
        by: the event in its place, for ``replaced`` and ``own-first``.
        note: what was said when it was entered; ``reason`` why it was withdrawn or took another's place.
    """

    event_id: str
    type: str
    date: date
    scope: Literal["record", "account"]
    state: EventState
    by: str | None = None
    note: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ToldHold:
    """One hold that covers the record or covered it; ``state`` of today. ``reason`` as long as its note exists.

    One whose day ``until`` is over is ``past`` it: somebody should have looked at it, and it stands all the same.
    """

    hold_id: str
    kind: str
    scope: Literal["record", "account"]
    reason: str | None
    placed: str
    until: date | None
    released: str | None
    state: Literal["in-force", "past", "released"]


@dataclass(frozen=True, slots=True)
class ToldOrder:
    """One order that the record is or was in.

    Attributes:
        stopped: why today's rules would refuse it at execution; None when nothing does, or when it is too late to ask.
        counts: whether its opinion to extend or keep is the one that counts today.
    """

    order_id: str
    status: str
    proposed: str
    due: date
    rule: str
    opinion: Opinion | None
    outcome: Outcome | None
    stopped: Message | None
    counts: bool


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that decides what becomes of a record.

    Attributes:
        decision: today's; None for a destroyed record.
        rule: of its class; None where the schedule has no such class.
        schedule_changed: ``retention.toml`` was edited since the ledger named it.
        next: what happens next; ``next_day`` when, None where no day is known.
        copies: that went out of the store; a destruction does not reach them.
    """

    record: Record
    rule: RecordClass | None
    schedule_changed: bool
    decision: Decision | None
    events: tuple[ToldEvent, ...]
    holds: tuple[ToldHold, ...]
    orders: tuple[ToldOrder, ...]
    next: Message
    next_day: date | None
    copies: tuple[GivenCopy, ...] = ()


def story_of(workspace: Workspace, record: Record, today: date) -> Story:
    """The story of ``record`` as of ``today``.

    Raises:
        InputRefused: the schedule cannot be read.
    """
    around = load_circumstances(workspace)
    rule = load_scheme(workspace.root).classes.get(record.record_class)
    is_destroyed = record.status == "destroyed"
    decision = None if is_destroyed else decide_record(workspace, record, around, today)
    holds = tuple(_holds(workspace, record, today))
    extension = around.extensions.get(record.record_id)
    orders = tuple(_orders(workspace, record, decision, extension.order if extension else None))
    told, day = _next(workspace, record, rule, decision, holds)
    return Story(record, rule, is_changed(workspace), decision, tuple(_events(workspace, record, rule)), holds, orders,
                 told, day, copies_of(workspace, record.record_id))


# --- events -----------------------------------------------------------------------------------------------------


def _events(workspace: Workspace, record: Record, rule: RecordClass | None) -> list[ToldEvent]:
    rows = workspace.db.all(
        "SELECT e.* FROM retention_events e WHERE e.event_id IN "
        "(SELECT event_id FROM retention_event_records WHERE record_id = :record) "
        "OR (e.scope = 'account' AND e.account = :account) ORDER BY e.seq",
        {"record": record.record_id, "account": same_account(record.account or "") or None},
    )
    # A term that keeps the record, or that nobody has explained: no event starts a period.
    meaning = meaning_of_term(record.old_term, workspace.settings.archive.old_terms)
    is_kept = bool(record.old_term) and meaning in ("", PERMANENT)
    types = rule.events if rule is not None and rule.trigger == "event" and rule.months is not None else ()
    types = () if is_kept else types
    newest = {row["type"]: row for row in rows if row["scope"] == "record" and _is_open(row)}
    standing = [row for row in rows if _state(row, record, types, newest) is None]
    first = min(standing, key=lambda row: (row["date"], types.index(row["type"])), default=None)
    found = []
    for row in rows:
        state, by = _state(row, record, types, newest) or ("counts" if row is first else "later", None)
        words = event_words(workspace, row["event_id"])
        found.append(ToldEvent(row["event_id"], row["type"], date.fromisoformat(row["date"]), row["scope"], state, by,
                               words.note, words.end or words.reason))
    return found


def _is_open(row: Row) -> bool:
    """Whether an event was neither replaced nor withdrawn."""
    return row["replaced"] is None and row["withdrawn"] is None


def _state(
    row: Row, record: Record, types: Sequence[str], newest: dict[str, Row]
) -> tuple[EventState, str | None] | None:
    """Why an event does not start the period, by which it was replaced; None when it may (review, "Rules")."""
    if row["replaced"] is not None:
        return "replaced", row["replaced"]
    if row["withdrawn"] is not None:
        return "withdrawn", None
    if row["type"] not in types:
        return "starts-nothing", None
    own = newest.get(row["type"])
    if row["scope"] == "record":
        return None if own is row or own is None else ("replaced", own["event_id"])
    if own is not None:
        return "own-first", own["event_id"]
    return None if date.fromisoformat(row["date"]) > record.date else ("too-early", None)


# --- holds and orders -------------------------------------------------------------------------------------------


def _holds(workspace: Workspace, record: Record, today: date) -> list[ToldHold]:
    rows = workspace.db.all("SELECT hold_id FROM hold_records WHERE record_id = :id", {"id": record.record_id})
    ids = {row["hold_id"] for row in rows}
    # One whose account can no longer be read covers everything as long as it stands (circumstances.blind_holds).
    ids |= {row["hold_id"] for row in workspace.db.all(
        "SELECT hold_id FROM holds WHERE scope = 'account' AND account IS NULL AND released IS NULL")}
    for account in accounts_of(workspace.db, record.record_id):
        ids |= {row["hold_id"] for row in workspace.db.all(
            "SELECT hold_id FROM holds WHERE scope = 'account' AND account = :account", {"account": account})}
    found = []
    for hold in sorted((find_hold(workspace, one) for one in ids), key=lambda one: (one.placed, one.hold_id)):
        state: Literal["in-force", "past", "released"] = (
            "released" if hold.released else "past" if hold.is_past(today) else "in-force")
        scope: Literal["record", "account"] = "record" if hold.records else "account"
        found.append(ToldHold(hold.hold_id, hold.kind, scope, hold.reason, hold.placed, hold.until, hold.released,
                              state))
    return found


def _orders(
    workspace: Workspace, record: Record, decision: Decision | None, counting: str | None
) -> list[ToldOrder]:
    rows = workspace.db.all(
        "SELECT i.order_id FROM order_items i JOIN orders o ON o.order_id = i.order_id WHERE i.record_id = :id "
        "ORDER BY o.seq", {"id": record.record_id})
    found = []
    for row in rows:
        order = find_order(workspace.db, row["order_id"])
        (item,) = (one for one in order.items if one.record_id == record.record_id)
        is_open = not (order.withdrawn or order.intent or order.executed)
        stopped = None
        if is_open and decision is not None and (item.opinion is None or item.opinion.kind == "destroy"):
            _, stopped = stop_of_decision(item, decision)
            if (item.version, item.commitment) != (record.version, record.commitment):
                stopped = msg("the record was changed after the order was proposed; propose it anew")
        found.append(ToldOrder(order.order_id, order.status(workspace.settings.destruction.supervisors),
                               order.proposed, item.due, item.rule, item.opinion, item.outcome, stopped,
                               counting == order.order_id))
    return found


# --- next -------------------------------------------------------------------------------------------------------


def _next(
    workspace: Workspace, record: Record, rule: RecordClass | None, decision: Decision | None,
    holds: Sequence[ToldHold],
) -> tuple[Message, date | None]:
    if decision is None:
        return msg("Nothing: it was destroyed under order {order}; the register keeps its row.",
                   order=record.destroyed_by or "?"), None
    if decision.decision == "held":
        return _next_of_held(decision, holds)
    order_id = open_order_of(workspace.db, record.record_id)
    if order_id is not None:
        order: Order = find_order(workspace.db, order_id)
        return msg("It is in order {order}. {next}", order=order_id, next=next_step(workspace, order)), None
    code = record.code
    if decision.decision == "permanent":
        return msg("Nothing: it is kept for ever."), None
    if decision.decision == "due":
        return msg("It is due. The next order may take it: recordkit destruction propose {code}", code=code), None
    if decision.decision == "not-due":
        assert decision.due is not None
        return msg("Nothing until {day}; from then on the review lists it.", day=decision.due.isoformat()), decision.due
    if decision.companion is not None:
        other = get_record(workspace.db, decision.companion)
        return msg("It waits with {other}, which lies in the same volume. Why that one waits: recordkit retention "
                   "explain {other}", other=other.code if other is not None else decision.companion), None
    if rule is None:
        return msg("It waits until the schedule has a rule for class {id}.", id=record.record_class), None
    if decision.unexplained:
        return msg("It waits until somebody says what its old term {term} means: in recordkit.toml, old_terms of "
                   "[archive].", term=decision.unexplained), None
    if rule.trigger == "date":
        return msg("It waits until its date field is filled in: recordkit edit {code} --set {field}=DATE --reason TEXT",
                   code=code, field=rule.field), None
    return msg("It waits for an event; when it has happened: recordkit event add {type} --date DATE {code}",
               type=rule.events[0], code=code), None


def _next_of_held(decision: Decision, holds: Sequence[ToldHold]) -> tuple[Message, date | None]:
    ids = listed(hold.hold_id for hold in holds if hold.state != "released")
    past = listed(hold.hold_id for hold in holds if hold.state == "past")
    if any(hold.state == "past" for hold in holds):
        return msg("Somebody should look at {past}, past the day set for it, and release or extend it; held it stays "
                   "({holds}).", past=past, holds=ids), None
    days = [hold.until for hold in holds if hold.state == "in-force" and hold.until is not None]
    if days:
        return msg("Nothing while it is held ({holds}); it is to be looked at again by {day}.", holds=ids,
                   day=min(days).isoformat()), min(days)
    if decision.due is not None:
        return msg("Nothing while it is held ({holds}); released, it is due from {day}.", holds=ids,
                   day=decision.due.isoformat()), None
    return msg("Nothing while it is held ({holds}); then the schedule decides.", holds=ids), None
