"""Execution of a signed destruction order, in phases that can each be repeated.

1. Under the lock every item is checked again, by tables derived anew from ledger and objects: due today, not held,
   unchanged since the proposal, bytes as filed; and from the ledger alone that every signature holds and that its
   people are in office.
2. One intent entry is synced: the point of no return.
3. What belongs to the records goes: documents and copies, notes, issue data, objects (``removal``).
4. The search index forgets them, and the database keeps no trace.
5. It is looked whether anything is left.
6. Only then 'record.destroyed' is entered, item by item. What could not be removed is failed and stays listed.

Killed at any point behind the intent, the next call finishes without deciding again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from recordkit.archive import boxes
from recordkit.archive.catalogue import accounts_of, get_record, has_others, keyed, objects_of
from recordkit.archive.losses import loss_of
from recordkit.archive.volumes import blank_volumes, ending_volumes, still_ending
from recordkit.errors import InputRefused, IntegrityFailure, RefusedByRule
from recordkit.messages import Message, listed, msg
from recordkit.people import Person, find_person, list_people, one_human
from recordkit.retention import events, holds
from recordkit.retention.audit import Audit, audit_ledger
from recordkit.retention.circumstances import Circumstances, decide_record, load_circumstances
from recordkit.retention.duties import require_accepted, require_duties
from recordkit.retention.order_state import Item, Order, Outcome, find_order
from recordkit.retention.orders import excluded_people, wrong_status
from recordkit.retention.paper_route import require_papers
from recordkit.retention.register import filed_register, paper_originals
from recordkit.retention.removal import Remover
from recordkit.retention.schedule import OWN_CLASSES
from recordkit.retention.signing import other_self
from recordkit.retention.stops import WRITTEN_OFF_SINCE, stop_of_decision
from recordkit.templates import issue_data
from recordkit.workspace import Workspace, Writer

Forget = Callable[[set[str]], None]
"""Removes records from the search index so that no trace is left in its files; repeating it does no harm."""
StillFound = Callable[[set[str]], set[str]]
"""Those of the records that the search index still finds."""

REASONS: dict[str, Message] = {
    "missing": msg("the record or its object is not there"),
    "changed": msg("the record was changed after the order was proposed; propose it anew"),
    "tampered": msg("its bytes are not those that were filed; run 'recordkit verify'"),
    "held": msg("it is held"),
    "not-due": msg("it is not due by now"),
    "rule-changed": msg("rule or due date are no longer those that were signed; propose it anew"),
    "undeletable": msg("a file could not be removed; close the programs that use it and execute the order again"),
    "still-there": msg("something of it is still there; execute the order again"),
    "index": msg("the search index still finds it; execute the order again"),
}
"""What the code words mean that stand in the ledger for refused and failed items."""


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """What became of one item. ``reason`` is None for a destroyed one, or for one that nothing stops (in a plan)."""

    record_id: str
    code: str
    outcome: Outcome | None
    reason: Message | None
    reason_code: str | None


@dataclass(frozen=True, slots=True)
class Execution:
    """The order afterwards and what became of each item that the appraisal gave up."""

    order: Order
    outcomes: tuple[ItemOutcome, ...]


def plan_execution(workspace: Workspace, order_id: str, actor: str) -> tuple[ItemOutcome, ...]:
    """What executing by ``actor`` would refuse today, item by item; writes nothing.

    Raises:
        NotFound: no such order.
        RefusedByRule: it is not signed by enough supervisors in office, or the actor is none of them.
        IntegrityFailure: its signatures or the ledger do not hold.
    """
    order = find_order(workspace.db, order_id)
    if order.status(workspace.settings.destruction.supervisors) != "signed":
        raise wrong_status(workspace, order)
    _require_signer(order, actor)
    require_accepted(workspace)
    require_papers(workspace, order)
    _require_proof(workspace, order)
    around = load_circumstances(workspace)
    return tuple(_check(workspace, item, around) for item in order.doomed)


def execute_order(
    workspace: Workspace,
    order_id: str,
    *,
    place: str,
    method: str,
    actor: str,
    forget: Forget,
    still_found: StillFound | None = None,
    confirm: str = "",
    paper_method: str = "",
    progress: Callable[[int], None] | None = None,
    removing: Callable[[int, int], None] | None = None,
) -> Execution:
    """Destroy what the order names, or finish what an interrupted call began.

    Args:
        workspace: the store.
        order_id: the order.
        place: where it is done, ``method`` how; both stand in the register for ever. Ignored when finishing.
        method: see ``place``.
        actor: id of one of the supervisors who signed.
        forget: takes records out of the search index.
        still_found: looks whether the index still finds them.
        paper_method: how the paper originals are destroyed; like ``method`` when empty.
        confirm: ``order.confirmation``, needed when the order takes more than ``destruction.total_share`` of all.
        progress: told how many entries of the ledger the tables were derived from again, to be checked:
            some minutes for a million records.
        removing: told how many records of how many were removed; what they were is entered behind the last one.

    Raises:
        NotFound: no such order.
        InputRefused: place or method is empty.
        RefusedByRule: not signed by enough people in office, the actor is none of them, or the word is missing.
        IntegrityFailure: the ledger, a signature or the register does not hold; nothing is destroyed.
    """
    with workspace.writing() as writer:
        order = find_order(workspace.db, order_id)
        status = order.status(workspace.settings.destruction.supervisors)
        if status not in ("signed", "executing"):
            raise wrong_status(workspace, order)
        _require_signer(order, actor)
        refused: tuple[ItemOutcome, ...] = ()
        if status == "signed":
            refused = _begin(workspace, writer, order, place, (method, paper_method), actor, confirm, progress)
            order = find_order(workspace.db, order.order_id)
        else:
            # Whoever can write the ledger can write an intent, too; only one that signatures bear out is finished.
            _require_sound(audit_ledger(workspace))
        details: dict[str, Message] = {}
        if order.intent is not None:
            details = _finish(workspace, writer, order, forget, still_found, removing or _nobody,
                              resumed=status == "executing")
            order = find_order(workspace.db, order.order_id)
        details |= {one.record_id: one.reason for one in refused if one.reason is not None}
        return Execution(order, outcomes_of(workspace, order, details))


def _require_signer(order: Order, actor: str) -> None:
    if actor not in order.signers("order.signed"):
        raise RefusedByRule(
            msg("{id} did not sign order {order} as a supervisor.", id=actor, order=order.order_id),
            msg("One of the supervisors executes it: {ids}.", ids=listed(order.signers("order.signed"))),
        )


def outcomes_of(
    workspace: Workspace, order: Order, details: dict[str, Message] | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each item given up; ``details`` are fuller reasons than the ledger's code words."""
    found: list[ItemOutcome] = []
    for item in order.doomed:
        reason = (details or {}).get(item.record_id) or (REASONS.get(item.reason) if item.reason else None)
        found.append(ItemOutcome(item.record_id, _code(workspace, item), item.outcome, reason, item.reason))
    return tuple(found)


def _nobody(_: int, __: int) -> None:
    pass


# --- phases 1 and 2 ---------------------------------------------------------------------------------------------


def _begin(
    workspace: Workspace, writer: Writer, order: Order, place: str, methods: tuple[str, str], actor: str, confirm: str,
    progress: Callable[[int], None] | None,
) -> tuple[ItemOutcome, ...]:
    """Check everything again and enter the intent; returns the refused items. Without a good one there is no intent."""
    method, paper_method = (one.strip() for one in methods)
    if not place.strip() or not method:
        raise InputRefused(
            msg("Place and method of the destruction belong into the register."), msg("Give --place and --method.")
        )
    if find_person(workspace.db, actor).revoked:
        raise RefusedByRule(msg("{id} was revoked and cannot execute the order.", id=actor),
                            msg("Let another of its supervisors do it."))
    _require_proof(workspace, order)
    # Holds, events, dates and accounts are asked of the tables, which anybody can edit who can write the file: what
    # decides is what ledger and objects say now.
    workspace.rebuild(progress)
    order = find_order(workspace.db, order.order_id)
    require_duties(workspace, writer)
    require_papers(workspace, order)
    around = load_circumstances(workspace)
    checked = [_check(workspace, item, around) for item in order.doomed]
    refused = tuple(one for one in checked if one.outcome == "refused")
    good = [one.record_id for one in checked if one.outcome is None]
    _require_confirmation(workspace, order, len(good), confirm)
    if refused:
        codes = {one.record_id: one.reason_code for one in refused}
        writer.add("order.refused", {"order": order.order_id, "records": codes})
    if good:
        event_ids, hold_ids, volume_ids = _orphaned(workspace, good)
        with_paper = not set(good).isdisjoint(paper_originals(workspace, order))
        writer.add(
            "order.intended",
            {"order": order.order_id, "records": good, "place": place.strip(), "method": method,
             "actor": actor, "events": event_ids, "holds": hold_ids,
             "volumes": volume_ids, "boxes": boxes.emptied_by(workspace.db, good),
             **({"paper_method": paper_method or method} if with_paper else {})},
        )
    writer.commit()
    return refused


def _require_proof(workspace: Workspace, order: Order) -> None:
    """Stop unless the ledger itself proves the order, and its people are still in office."""
    settings = workspace.settings.destruction
    filed_register(workspace, order)
    audit = audit_ledger(workspace)
    _require_sound(audit)
    proven = audit.orders.get(order.order_id)
    shown = (order.digest, order.proposer, order.signers("order.approved"), order.signers("order.signed"),
             {item.record_id: str(item.opinion) for item in order.items})
    if proven is None or shown != (proven.digest, proven.proposer, [proven.approver], proven.supervisors,
                                   proven.opinions):
        raise IntegrityFailure(
            msg("The catalogue shows order {order} otherwise than the ledger.", order=order.order_id),
            msg("Run 'recordkit rebuild --catalogue'."),
        )
    for person_id in sorted(proven.signers - set(proven.supervisors)):
        if audit.people[person_id].revoked:
            raise RefusedByRule(
                msg("{id}, who signed order {order}, was revoked on {day}.", id=person_id, order=order.order_id,
                    day=audit.people[person_id].revoked),
                msg("Withdraw it and propose a new one: recordkit destruction withdraw {order}", order=order.order_id),
            )
    register = list_people(workspace.db)
    barred = [one for ids in excluded_people(workspace, order).values() for one in ids]
    witnesses: list[Person] = []
    for person_id in proven.supervisors:
        person = audit.people[person_id]
        if person.revoked or other_self(register, person, barred) is not None:
            continue
        if not any(one_human(register, person, other) for other in witnesses):
            witnesses.append(person)
    if len(witnesses) < settings.supervisors:
        raise RefusedByRule(
            msg("Order {order} has the signatures of {have} supervisors in office; {need} are needed.",
                order=order.order_id, have=len(witnesses), need=settings.supervisors),
            msg("Let another supervisor sign: recordkit destruction sign {order}", order=order.order_id),
        )


def _require_sound(audit: Audit) -> None:
    if audit.findings:
        raise IntegrityFailure(
            msg("Signatures in the ledger do not hold: {first}", first=audit.findings[0].message),
            msg("Run 'recordkit ledger verify'. Nothing is destroyed while they do not."),
        )


def _check(workspace: Workspace, item: Item, around: Circumstances) -> ItemOutcome:
    code, reason = _stop(workspace, item, around)
    if code is None:
        return ItemOutcome(item.record_id, _code(workspace, item), None, None, None)
    return ItemOutcome(item.record_id, _code(workspace, item), "refused", reason or REASONS[code], code)


def _stop(workspace: Workspace, item: Item, around: Circumstances) -> tuple[str | None, Message | None]:
    """The code word of what stops an item today and a fuller reason; (None, None) when nothing does."""
    record = get_record(workspace.db, item.record_id)
    objects = objects_of(workspace)
    lost = loss_of(workspace.db, item.record_id)
    if record is None or record.status != "active" or (lost is None and not objects.exists(item.record_id)):
        return "missing", None
    if record.record_class in OWN_CLASSES:
        return "not-due", msg("class {id} must be permanent: it is the evidence of destruction", id=record.record_class)
    if (record.version, record.commitment) != (item.version, item.commitment):
        return "changed", None
    if (lost.loss_id if lost is not None else "") != item.lost:
        return "changed", WRITTEN_OFF_SINCE
    faults = [one for one in objects.check(item.record_id)
              if lost is None or one.kind == "stray" or not lost.covers(one.file)]
    if faults:
        return "tampered", msg("{file}: {reason}", file=faults[0].file, reason=faults[0].reason)
    is_vouched = lost is None or not lost.covers("inventory.json")
    if is_vouched and keyed(workspace.settings.store.id, objects.inventory_digest(item.record_id)) != item.commitment:
        return "tampered", None
    if item.issue_id and _is_data_changed(workspace, item.issue_id):
        return "tampered", None
    decision = decide_record(workspace, record, around, workspace.clock.today)
    return stop_of_decision(item, decision)


def _is_data_changed(workspace: Workspace, issue_id: str) -> bool:
    """Whether the issue's data is there but not as it was issued: then nobody knows where its documents lie."""
    row = workspace.db.one("SELECT pack, data FROM issues WHERE issue_id = :issue", {"issue": issue_id})
    return (
        row is not None
        and issue_data.holds_line(workspace.root, row["pack"], issue_id, row["data"])
        and issue_data.read_line(workspace.root, row["pack"], row["data"]) is None
    )


def _require_confirmation(workspace: Workspace, order: Order, count: int, confirm: str) -> None:
    # The archive's own registers and reports can never go; counting them would hide that all the rest goes.
    holdings = sum(row["n"] for row in workspace.db.all(
        "SELECT record_class, COUNT(*) AS n FROM records WHERE status = 'active' GROUP BY record_class")
        if row["record_class"] not in OWN_CLASSES)
    share = workspace.settings.destruction.total_share
    if count > share * holdings and confirm.strip() != order.confirmation:
        raise RefusedByRule(
            msg("Order {order} would take {count} of {holdings} records, more than {share:.0%} of the holdings.",
                order=order.order_id, count=count, holdings=holdings, share=share),
            msg("If that is meant, give --confirm {word}.", word=order.confirmation),
        )


def _orphaned(workspace: Workspace, records: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Events, ended holds and volumes that have no record left once these are gone: their notes name customers."""
    going = set(records)
    accounts = {account for record_id in going for account in accounts_of(workspace.db, record_id)}
    alone = {account for account in accounts if not has_others(workspace.db, account, going)}
    event_ids = [one.event_id for one in events.list_events(workspace.db) if one.account in alone]
    hold_ids = [
        one.hold_id for one in holds.list_holds(workspace, released=True)
        if one.account in alone and one.released
    ]
    return event_ids, hold_ids, ending_volumes(workspace.db, going, alone)


# --- phases 3 to 6 ----------------------------------------------------------------------------------------------


def _finish(
    workspace: Workspace,
    writer: Writer,
    order: Order,
    forget: Forget,
    still_found: StillFound | None,
    removing: Callable[[int, int], None],
    *,
    resumed: bool,
) -> dict[str, Message]:
    """Remove, look, and enter what is gone; fuller reasons of the items that failed."""
    intent = order.intent
    assert intent is not None
    pending = {item.record_id: item for item in order.doomed if item.intended and item.outcome != "destroyed"}
    remover = Remover(workspace, list(pending.values()))
    details: dict[str, Message] = {}
    failed: dict[str, str] = {}
    if resumed:
        for left in remover.sweep():
            # Half-removed folders no longer tell whose they were, so nothing counts as gone before they are.
            for record_id in pending:
                failed[record_id] = "undeletable"
                details[record_id] = msg("{place} could not be removed", place=left)

    def remove(record_id: str) -> None:
        try:
            remover.remove(pending[record_id])
        except OSError as error:
            failed[record_id] = "undeletable"
            details[record_id] = msg("a file could not be removed: {error}", error=str(error))

    for done, record_id in enumerate(pending, start=1):
        remove(record_id)
        removing(done, len(pending))
    for record_id in pending:
        # What a person seemed to have to decide about may have gone with a later record.
        if record_id not in failed and remover.is_kept(pending[record_id]):
            remove(record_id)
    # Asked once more: a record may have been put into one since a call that was killed.
    volumes = still_ending(workspace.db, intent.volumes, set(pending))
    # Nobody signs an intent: one that was forged must not take the notes of a hold in force.
    ended = {one.hold_id for one in holds.list_holds(workspace, released=True) if one.released}
    hold_ids = [one for one in intent.holds if one in ended]
    try:
        remover.remove_accounts(intent.events, hold_ids, volumes)
        boxes.forget_places(workspace, boxes.emptied_by(workspace.db, pending))
    except OSError as error:
        for record_id in pending:
            failed.setdefault(record_id, "undeletable")
            details.setdefault(record_id, msg("a file could not be removed: {error}", error=str(error)))
    events.blank_accounts(workspace.db, intent.events)
    holds.blank_accounts(workspace.db, hold_ids)
    blank_volumes(workspace.db, volumes)
    gone = set(pending) - set(failed)
    if pending:
        # The failed ones too: half removed, they could not be read when a shard of the index is built anew.
        forget(set(pending))
    for record_id in sorted(gone):
        for place in remover.remains(pending[record_id]):
            failed[record_id] = "still-there"
            details[record_id] = msg("{place} is still there", place=place)
    for record_id in still_found(set(gone)) if still_found is not None and gone else ():
        failed[record_id] = "index"
    for record_id in pending:
        if record_id not in failed:
            writer.add("record.destroyed", {"order": order.order_id, "record": record_id})
    if failed:
        writer.add("order.failed", {"order": order.order_id, "records": failed})
    writer.commit()
    # Only now the tables have let go of titles and names; free pages and the write-ahead log still hold them.
    workspace.db.wipe_traces()
    if not failed:
        writer.add(
            "order.executed",
            {"order": order.order_id, "place": intent.place, "method": intent.method, "actor": intent.actor},
        )
        writer.commit()
    return details


def _code(workspace: Workspace, item: Item) -> str:
    record = get_record(workspace.db, item.record_id)
    return record.code if record is not None else ""
