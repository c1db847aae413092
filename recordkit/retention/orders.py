"""Destruction orders up to execution: propose, appraise, approve, sign, withdraw, complete.

Every act is signed by its person over the same frozen manifest (domain, "Destruction"; 会计档案管理办法 art. 17-18).
Who may sign: the proposer is an archivist or administrator, the approver is not the proposer, the supervisors are
distinct human beings and by the settings neither proposer nor approver.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from recordkit.archive.access import access_of_all
from recordkit.archive.catalogue import Record, find_record
from recordkit.archive.filing import file_generated
from recordkit.archive.losses import loss_of
from recordkit.errors import InputRefused, NotFound, RefusedByRule
from recordkit.messages import Message, listed, msg
from recordkit.model import canonical_json
from recordkit.people import Person, Signer, list_people, one_human
from recordkit.retention.adoption import keep_schedule
from recordkit.retention.appraisal_report import file_report
from recordkit.retention.circumstances import decide_record, load_circumstances, told_term
from recordkit.retention.duties import require_duties
from recordkit.retention.grouped import review_items
from recordkit.retention.order_state import Opinion, Order, find_order, next_order_id, open_order_of
from recordkit.retention.paper_route import outcomes_digest, require_days
from recordkit.retention.past import past_of
from recordkit.retention.register import HeldBack, held_back, paper_originals, register_json
from recordkit.retention.review import Decision
from recordkit.retention.schedule import OWN_CLASSES, REGISTER_CLASS
from recordkit.retention.signing import (
    Hand,
    OnPaper,
    digest_of,
    other_self,
    person_in_office,
    signed_body,
    supervisor_account,
)
from recordkit.retention.stops import name_the_stopped
from recordkit.workspace import Workspace

MANIFEST_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that could not go into an order, and why; ``held`` names it in the appraisal report."""

    record_id: str
    code: str
    reason: Message
    held: HeldBack | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would go into an order, and what would not. Nothing is written yet."""

    items: tuple[tuple[Record, Decision], ...]
    refusals: tuple[Refusal, ...]


def plan_order(workspace: Workspace, references: Sequence[str] | None) -> Proposal:
    """Which of the named records - or of all records, when None: those that are due - can go into an order today.

    Raises:
        NotFound: a name answers to no record.
    """
    around, today = load_circumstances(workspace), workspace.clock.today
    decided: Iterable[tuple[Record, Decision]]
    if references is None:
        # Of a large archive only these are read: most of it is not due.
        decided = review_items(workspace, today, decisions=("due", "held"))
    else:
        named = {found.record_id: found for found in (find_record(workspace.db, one) for one in references)}
        decided = ((one, decide_record(workspace, one, around, today)) for one in named.values())
    items: list[tuple[Record, Decision]] = []
    refusals: list[Refusal] = []
    for record, decision in decided:
        reason = _why_not(workspace, record, decision)
        if reason is None:
            items.append((record, decision))
        elif references is not None or decision.due is not None:
            held = held_back(workspace, record, decision, around)
            refusals.append(Refusal(record.record_id, record.code, reason, held))
    return Proposal(tuple(items), tuple(refusals))


def propose_order(
    workspace: Workspace, references: Sequence[str] | None, signer: Signer
) -> tuple[Order, tuple[Refusal, ...]]:
    """Make an order of the named records, or of all that are due (None), and file its register permanently.

    Returns:
        The order, and the records that were left out with their reasons.

    Raises:
        NotFound: a name answers to no record.
        RefusedByRule: the signer may not propose, or nothing can go into the order.
    """
    with workspace.writing() as writer:
        person = person_in_office(workspace, signer, "order.proposed")
        require_duties(workspace, writer)
        witness = supervisor_account(list_people(workspace.db), person)
        if witness is not None:
            raise RefusedByRule(
                msg("{id} is a supervisor; a supervisor does not propose.", id=witness.id),
                msg("Let an archivist or administrator who witnesses no destruction propose the order."),
            )
        plan = plan_order(workspace, references)
        if not plan.items:
            raise RefusedByRule(
                _nothing_eligible(plan),
                msg("'recordkit retention review' shows what is due, 'recordkit retention explain' why one is not."),
            )
        keep_schedule(workspace.root)
        order_id = next_order_id(workspace.db, workspace.clock.today.year)
        held = [one.held for one in plan.refusals if one.held is not None]
        register = register_json(workspace, order_id, plan.items, held)
        manifest = _manifest(workspace, order_id, plan.items, digest_of(register))
        body = signed_body(workspace, signer, "order.proposed", order_id, digest_of(manifest))
        writer.add("order.proposed", {**body, "manifest": manifest})
        # Filing commits: the order and the record of its register stand in one batch, both or neither.
        file_generated(
            writer,
            workspace,
            record_class=REGISTER_CLASS,
            title=f"档案销毁清册 {order_id}",
            on=workspace.clock.today,
            content={"original.json": canonical_json(register), "manifest.json": canonical_json(manifest)},
            fields={"order": order_id},
            access=access_of_all(workspace.db, [*(record.record_id for record, _ in plan.items),
                                                *(one.record_id for one in held)]),
        )
        return find_order(workspace.db, order_id), plan.refusals


def appraise_order(
    workspace: Workspace, order_id: str, opinions: Mapping[str, Opinion] | Opinion, signer: Signer
) -> Order:
    """Enter the appraisal group's opinions, for named records (id or archival code) or one for all without any.

    With the last opinion the appraisal report is filed permanently; changed opinions file another one.

    A later opinion on the same record replaces the earlier one until the order is approved. Records to be extended or
    kept are respected by review from now on.

    Raises:
        NotFound: no such order, or a record that is not in it.
        InputRefused: no opinion at all, or an extension that does not reach beyond today.
        RefusedByRule: the signer is no appraiser, the order is past appraisal, or another order has the record.
    """
    with workspace.writing() as writer:
        order = find_order(workspace.db, order_id)
        person = person_in_office(workspace, signer, "order.appraised")
        _require_status(workspace, order, "proposed", "appraised", "closed")
        require_duties(workspace, writer)
        named = _opinions_by_record(workspace, order, opinions)
        for record_id, opinion in named.items():
            if opinion.until is not None and opinion.until <= workspace.clock.today:
                raise InputRefused(
                    msg("The extension to {until} is over already.", until=opinion.until.isoformat()),
                    msg("Name a day after today, or give the opinion destroy or keep."),
                )
            other = open_order_of(workspace.db, record_id)
            if opinion.kind == "destroy" and other not in (None, order.order_id):
                raise RefusedByRule(
                    msg("The record {record} is in order {order} by now.", record=record_id, order=other),
                    msg("Decide there: recordkit destruction appraise {order}", order=other),
                )
        plain = {record_id: str(opinion) for record_id, opinion in named.items()}
        writer.add(
            "order.appraised",
            # How many appraisals came before: an earlier one entered once more would undo what was decided since.
            signed_body(workspace, signer, "order.appraised", order.order_id, order.digest, opinions=plain,
                        after=len(order.signers("order.appraised"))),
        )
        known = {item.record_id: item.opinion for item in order.items if item.opinion is not None} | named
        if len(known) == len(order.items):
            # Filing commits: the opinions and the report that names them stand in one batch, both or neither.
            file_report(writer, workspace, order, known, person)
        writer.commit()
        return _after_step(workspace, order)


def approve_order(workspace: Workspace, order_id: str, signer: Hand) -> Order:
    """Approve what the appraisal group wants destroyed, by key or on paper. From here on the order does not change.

    Raises:
        NotFound: no such order.
        InputRefused: a signature by hand is of a day to come.
        RefusedByRule: the signer is no approver or is the proposer, or the appraisal is not complete; or the paper is
            not this order's register as it stands, or its day does not fit.
    """
    with workspace.writing() as writer:
        order = find_order(workspace.db, order_id)
        person = person_in_office(workspace, signer, "order.approved")
        _require_status(workspace, order, "appraised")
        require_duties(workspace, writer)
        _require_other(workspace, person, [order.proposer], msg("proposed the order; another person must approve it"))
        require_days(workspace, order, "order.approved", signer)
        _require_two_keys(workspace, order, signer)
        body = signed_body(workspace, signer, "order.approved", order.order_id, order.digest,
                           opinions=order.opinions_digest)
        writer.add("order.approved", body)
        writer.commit()
        return _after_step(workspace, order)


def sign_order(workspace: Workspace, order_id: str, signer: Hand) -> Order:
    """Sign as one of the destruction supervisors (监销人) who have counted the list, by key or on paper.

    Raises:
        NotFound: no such order.
        RefusedByRule: the signer is no supervisor, has signed already under this or another account, or is excluded
            by the settings; or the order is not approved; or the paper is not this order's register as it stands, or
            its day does not fit.
    """
    with workspace.writing() as writer:
        order = find_order(workspace.db, order_id)
        person = person_in_office(workspace, signer, "order.signed")
        _require_status(workspace, order, "approved", "signed")
        require_duties(workspace, writer)
        _require_other(workspace, person, order.signers("order.signed"),
                       msg("has signed already; the supervisors must be different people"))
        for role, ids in excluded_people(workspace, order).items():
            _require_other(workspace, person, ids,
                           msg("is the {role} of the order and cannot supervise it", role=msg(role)))
        require_days(workspace, order, "order.signed", signer)
        _require_two_keys(workspace, order, signer)
        body = signed_body(workspace, signer, "order.signed", order.order_id, order.digest,
                           opinions=order.opinions_digest)
        writer.add("order.signed", body)
        writer.commit()
        return _after_step(workspace, order)


def withdraw_order(workspace: Workspace, order_id: str, reason: str) -> Order:
    """Give up an order; its records may go into another one, and its opinions no longer count.

    Raises:
        NotFound: no such order.
        InputRefused: no reason.
        RefusedByRule: it is past the point of no return, or decided to extend or keep everything, or withdrawn.
    """
    if not reason.strip():
        raise InputRefused(msg("The withdrawal of an order needs a reason."), msg("Give it with --reason TEXT."))
    with workspace.writing() as writer:
        order = find_order(workspace.db, order_id)
        _require_status(workspace, order, "proposed", "appraised", "approved", "signed")
        note = writer.note(order.order_id, {"reason": reason})
        writer.add("order.withdrawn", {"order": order.order_id, "note": note})
        writer.commit()
        return find_order(workspace.db, order.order_id)


def complete_order(workspace: Workspace, order_id: str, signer: Hand) -> Order:
    """Sign after the destruction, as one of those who signed before; the others may add their signature later.

    The statement names the records whose paper originals were destroyed with them.

    Raises:
        NotFound: no such order.
        RefusedByRule: it is not executed, or the signer did not sign it before or has completed it already; or the
            paper is not this order's register as it stands, or its day does not fit.
    """
    with workspace.writing() as writer:
        order = find_order(workspace.db, order_id)
        person = person_in_office(workspace, signer, "order.completed")
        _require_status(workspace, order, "executed", "completed")
        require_duties(workspace, writer)
        if person.id not in order.signers("order.signed"):
            raise RefusedByRule(
                msg("{id} did not sign order {order} as a supervisor.", id=person.id, order=order.order_id),
                msg("Only those who witnessed can complete it: {ids}.", ids=listed(order.signers("order.signed"))),
            )
        _require_other(workspace, person, order.signers("order.completed"),
                       msg("has signed the completion already"))
        require_days(workspace, order, "order.completed", signer)
        _require_two_keys(workspace, order, signer)
        papers = paper_originals(workspace, order)
        gone = sorted(item.record_id for item in order.doomed if item.outcome == "destroyed"
                      and item.record_id in papers)
        more: dict[str, object] = {"papers": gone} if gone else {}
        body = signed_body(workspace, signer, "order.completed", order.order_id, order.digest,
                           outcomes=outcomes_digest(order), **more)
        writer.add("order.completed", body)
        writer.commit()
        return find_order(workspace.db, order.order_id)


def _after_step(workspace: Workspace, order: Order) -> Order:
    """The order as it stands now; what was stopped since it was proposed is told by name."""
    now = find_order(workspace.db, order.order_id)
    name_the_stopped(workspace, now)
    return now


# --- rules ------------------------------------------------------------------------------------------------------


def _require_two_keys(workspace: Workspace, order: Order, hand: Hand) -> None:
    """No order goes on by the keys of one human being: whoever could also enter the others' signatures acts alone."""
    if not isinstance(hand, OnPaper):
        return
    register, entering = list_people(workspace.db), hand.entered_by.person
    signed = {order.proposer, *order.signers("order.appraised")}
    if all(one_human(register, entering, one) for one in register if one.id in signed):
        raise RefusedByRule(
            msg("{id} proposed and appraised order {order} and cannot enter signatures on paper, too.",
                id=entering.id, order=order.order_id),
            msg("Let another archivist or administrator enter it."),
        )


def next_step(workspace: Workspace, order: Order) -> Message:
    """What is to be done with an order now."""
    needed = workspace.settings.destruction.supervisors
    status = order.status(needed)
    name = order.order_id
    steps: Mapping[str, Message] = {
        "proposed": msg("Next: recordkit destruction appraise {order} (an opinion on every record).", order=name),
        "appraised": msg("Next: recordkit destruction approve {order}.", order=name),
        "approved": msg("Next: recordkit destruction sign {order}, by {count} more supervisor(s).", order=name,
                        count=needed - len(order.signers("order.signed"))),
        "signed": msg("Next: recordkit destruction execute {order}.", order=name),
        "executing": msg("Next: recordkit destruction execute {order} again, to finish it.", order=name),
        "executed": msg("Next: recordkit destruction complete {order}, by each supervisor.", order=name),
        "completed": msg("Nothing is left to do."),
        "closed": msg("Every record is extended or kept; nothing is left to do."),
        "withdrawn": msg("Make a new one with: recordkit destruction propose."),
    }
    return steps[status]


def wrong_status(workspace: Workspace, order: Order) -> RefusedByRule:
    """The error for an act that does not fit where the order stands; its next step is the order's own."""
    status = order.status(workspace.settings.destruction.supervisors)
    return RefusedByRule(
        msg("Order {order} is {status}; this cannot be done with it now.", order=order.order_id, status=msg(status)),
        next_step(workspace, order),
    )


def _require_status(workspace: Workspace, order: Order, *allowed: str) -> None:
    if order.status(workspace.settings.destruction.supervisors) not in allowed:
        raise wrong_status(workspace, order)


def _require_other(workspace: Workspace, person: Person, ids: Sequence[str], what: Message) -> None:
    same = other_self(list_people(workspace.db), person, ids)
    if same is None:
        return
    if same.id == person.id:
        raise RefusedByRule(msg("{id} {what}.", id=person.id, what=what),
                            msg("Let another person sign; 'recordkit people list' shows who may."))
    raise RefusedByRule(
        msg("{id} and {other} are one human being (same staff number or key), and {other} {what}.", id=person.id,
            other=same.id, what=what),
        msg("Let another person sign; 'recordkit people list' shows who may."),
    )


def excluded_people(workspace: Workspace, order: Order) -> dict[str, list[str]]:
    """Ids of those who by the settings cannot supervise the order, by what they did for it."""
    people = {
        "proposer": [order.proposer],
        "appraiser": order.signers("order.appraised"),
        "approver": order.signers("order.approved"),
    }
    return {role: people[role] for role in workspace.settings.destruction.supervisor_excludes}


def _why_not(workspace: Workspace, record: Record, decision: Decision) -> Message | None:
    if record.status != "active":
        return msg("It is destroyed already.")
    if record.record_class in OWN_CLASSES:
        # Whatever retention.toml says: with the registers would go the proof of every destruction.
        return msg("class {id} must be permanent: it is the evidence of destruction", id=record.record_class)
    if decision.decision != "due":
        return decision.reason
    other = open_order_of(workspace.db, record.record_id)
    return None if other is None else msg("It is in order {order} already.", order=other)


def _nothing_eligible(plan: Proposal) -> Message:
    if not plan.refusals:
        return msg("No record is due for appraisal.")
    first = plan.refusals[0]
    return msg("None of the {count} records can go into an order; {code}: {reason}", count=len(plan.refusals),
               code=first.code, reason=first.reason)


def _opinions_by_record(
    workspace: Workspace, order: Order, opinions: Mapping[str, Opinion] | Opinion
) -> dict[str, Opinion]:
    members = [item.record_id for item in order.items]
    if isinstance(opinions, Opinion):
        # One word for all must not sweep away what the group has decided of a single record.
        open_items = [item.record_id for item in order.items if item.opinion is None]
        if not open_items:
            raise RefusedByRule(
                msg("Every record of order {order} has an opinion.", order=order.order_id),
                msg("Change single ones with --opinion FILE, which names the records."),
            )
        return dict.fromkeys(open_items, opinions)
    if not opinions:
        raise InputRefused(msg("There is no opinion."), msg("Give --all destroy, or a file with --opinion."))
    named: dict[str, Opinion] = {}
    for reference, opinion in opinions.items():
        record_id = find_record(workspace.db, reference).record_id
        if record_id not in members:
            raise NotFound(
                msg("The record {reference} is not in order {order}.", reference=reference, order=order.order_id),
                msg("'recordkit destruction show {order}' lists its records.", order=order.order_id),
            )
        named[record_id] = opinion
    return named


def _manifest(
    workspace: Workspace, order_id: str, items: Sequence[tuple[Record, Decision]], register_digest: str
) -> dict[str, object]:
    around = load_circumstances(workspace)
    return {
        "format": MANIFEST_FORMAT,
        "order": order_id,
        "store": workspace.settings.store.id,
        "settings": workspace.settings.digest,
        "schedule": around.scheme.digest,
        "as_of": workspace.clock.today.isoformat(),
        "register": register_digest,
        "items": [
            {
                "record": record.record_id,
                "version": record.version,
                "commitment": record.commitment,
                "class": record.record_class,
                "issue": record.issue_id,
                "due": decision.due.isoformat() if decision.due else "",
                "rule": decision.rule,
                **({"volume": record.volume} if record.volume is not None else {}),
                **told_term(record, around),
                **({"lost": lost.loss_id} if (lost := loss_of(workspace.db, record.record_id)) is not None else {}),
                **({"past": [one.plain for one in past]} if (past := past_of(workspace, record)) else {}),
            }
            for record, decision in items
        ],
    }
