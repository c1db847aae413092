"""Re-verifies every signature in the ledger against the keys that were registered when it was given.

Reads the ledger alone, never the catalogue: whoever changed the database has not changed what this finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial

from msgspec.structs import replace

from recordkit.archive.registers import REGISTER_CLASS
from recordkit.messages import Message, listed, msg
from recordkit.model import Entry, Finding
from recordkit.people import Person, one_human, signature_holds
from recordkit.retention.duties import ACCEPTED, DEFAULTS, RECORDED, Plain, loosened, settings_of
from recordkit.retention.handover_audit import HANDOVER_ACTS, ProvenHandover, check_handover
from recordkit.retention.loss_audit import LOSS_ACTS, ProvenLoss, check_loss
from recordkit.retention.signing import (
    PAPER_ACTS,
    ROLES_OF_ENTERING,
    another_statement,
    digest_of,
    faults_of_signature,
    statement_of,
    what_is_signed,
)
from recordkit.templates.registercode import decode_register
from recordkit.workspace import Workspace, store_tag_of

MINIMUM_SUPERVISORS = 2
"""Below this no destruction is lawful, whatever the settings of the time said (handbook ch. 8 §7)."""

_MOST_NAMED = 20


@dataclass(slots=True)
class ProvenOrder:
    """What the ledger proves about one order.

    ``opinions`` by record; ``approver`` None until it is approved; ``days`` has the last day of each act;
    ``freed_accounts`` the entries that released a hold on an account while the order was on its way.
    """

    order_id: str
    digest: str
    proposer: str
    records: frozenset[str]
    days: dict[str, str] = field(default_factory=dict)
    opinions: dict[str, str] = field(default_factory=dict)
    appraisers: list[str] = field(default_factory=list)
    approver: str | None = None
    supervisors: list[str] = field(default_factory=list)
    completed: list[str] = field(default_factory=list)
    signers: set[str] = field(default_factory=set)
    intended: set[str] = field(default_factory=set)
    withdrawn: bool = False
    freed_accounts: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ProvenAct:
    """One signed act of an order: entry, act, signer, and on the paper route who entered it and the scan's record."""

    seq: int
    order_id: str
    act: str
    person: str
    entered_by: str | None
    paper: str | None


@dataclass(slots=True)
class Audit:
    """Result of reading the whole ledger: orders by id, people by id, and everything that does not hold.

    ``duties`` are the settings of separation of duty in force, None before the ledger knows any; ``destroyed`` names
    for every destroyed record the order under which it went; ``registers`` for every version of a filed destruction
    register, by commitment, the day on which it was filed; ``held`` the records that each hold in force names (those
    of an account stand in notes alone); ``acts`` the signed acts of all orders as they came. ``remarks`` are what
    somebody should look at though the ledger holds: acts that need no key and that decide what may be destroyed.
    """

    orders: dict[str, ProvenOrder] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    duties: Plain | None = None
    destroyed: dict[str, str] = field(default_factory=dict)
    registers: dict[str, dict[str, str]] = field(default_factory=dict)
    held: dict[str, frozenset[str]] = field(default_factory=dict)
    acts: list[ProvenAct] = field(default_factory=list)
    handovers: dict[str, ProvenHandover] = field(default_factory=dict)
    losses: dict[str, ProvenLoss] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    remarks: list[Finding] = field(default_factory=list)
    last_time: str = ""


def audit_ledger(workspace: Workspace) -> Audit:
    """What the ledger of a store proves, and every statement that nobody entitled has signed.

    Raises:
        IntegrityFailure: the ledger's chain itself is damaged.
    """
    return audit_entries(workspace.settings.store.id, (entry for entry, _ in workspace.ledger.read()))


def audit_entries(store_id: str, entries: Iterable[Entry]) -> Audit:
    """Check entries in their order; pure."""
    audit = Audit()
    for entry in entries:
        audit_entry(audit, entry, store_id)
    return audit


def audit_entry(audit: Audit, entry: Entry, store_id: str) -> None:
    """Check the next entry against those before it; what does not hold goes into the audit's findings."""
    if entry.time < audit.last_time:
        audit.remarks.append(Finding("back-dated", msg(
            "Entry {seq} ({act}): its time {time} lies before that of an earlier entry ({last}): the clock was set "
            "back, or the entry was back-dated", seq=entry.seq, act=entry.act, time=entry.time, last=audit.last_time)))
    audit.last_time = max(audit.last_time, entry.time)
    if "commitment" in entry.body:
        _enter_register(audit, entry)
    if entry.seq == 1 and entry.act != "store.created":
        audit.findings.append(Finding("signature", msg("The ledger does not begin with the making of a store.")))
    try:
        reasons = _reasons(audit, entry, store_id)
    except (AttributeError, KeyError, TypeError, ValueError):
        reasons = [msg("it has not the form of its act")]
    for reason in reasons:
        finding = Finding(
            "signature",
            msg("Entry {seq} ({act}): {reason}", seq=entry.seq, act=entry.act, reason=reason),
        )
        audit.findings.append(finding)
        concerned = audit.orders.get(str(entry.body.get("order")))
        if concerned is not None:
            concerned.findings.append(finding)


def _reasons(audit: Audit, entry: Entry, store_id: str) -> list[Message]:
    if (check := _CHECKS.get(entry.act)) is not None:
        return check(audit, entry, store_id)
    if (step := _STEPS.get(entry.act)) is None:
        return []
    name = str(entry.body.get("order"))
    if name not in audit.orders:
        return [msg("there is no order {order}", order=name)]
    return step(audit, audit.orders[name], entry, store_id)


def remarks_of(audit: Audit) -> list[Finding]:
    """What somebody should look at, that of whole orders last; nothing of it says that the ledger does not hold."""
    return audit.remarks + [
        Finding("hold-released", msg(
            "While order {order} was on its way, {count} hold(s) on accounts were released (entries {first} to "
            "{last}); 'recordkit destruction show {order}' names those that had covered a record of it",
            order=one.order_id, count=len(one.freed_accounts), first=one.freed_accounts[0],
            last=one.freed_accounts[-1]))
        for one in audit.orders.values() if one.freed_accounts and not one.withdrawn
    ]


def _store_entry(audit: Audit, entry: Entry, store_id: str) -> list[Message]:
    if entry.seq != 1:
        return [msg("a store is made a second time")]
    return [] if entry.body.get("store_id") == store_id else [msg("the ledger is that of another store")]


def _person_entry(audit: Audit, entry: Entry, store_id: str) -> list[Message]:
    body = entry.body
    statement = statement_of(entry)
    reasons: list[Message] = []
    if statement.get("act") != entry.act or statement.get("store") != store_id or statement.get("seq") != entry.seq:
        reasons.append(msg("the statement was made for another place or act"))
    if not signature_holds(str(body.get("key")), statement, str(body.get("signature"))):
        reasons.append(msg("the signature does not belong to the statement"))
    if not audit.people and entry.act == "person.added":
        if body.get("key") != statement.get("public_key"):
            reasons.append(msg("the first person did not sign for itself"))
    else:
        reasons += _no_administrator(audit, entry)
    return reasons + _enter_person(audit, statement, entry)


def _no_administrator(audit: Audit, entry: Entry) -> list[Message]:
    signer = audit.people.get(str(entry.body.get("by")))
    if signer is None or signer.revoked or "administrator" not in signer.roles:
        return [msg("{id} was no administrator in office", id=entry.body.get("by"))]
    if signer.public_key != entry.body.get("key"):
        return [msg("the key is not the registered key of {id}", id=signer.id)]
    return []


def _enter_person(audit: Audit, statement: Mapping[str, object], entry: Entry) -> list[Message]:
    person_id = str(statement.get("id"))
    known = audit.people.get(person_id)
    if entry.act == "person.added":
        # A second entry under the id would put another key, or another human being, behind what was signed before.
        reasons = [] if known is None else [msg("{id} is registered a second time", id=person_id)]
        roles = statement.get("roles")
        audit.people[person_id] = Person(
            id=person_id,
            name=str(statement.get("name")),
            staff_no=str(statement.get("staff_no")),
            roles=tuple(str(role) for role in roles) if isinstance(roles, list) else (),
            public_key=str(statement.get("public_key")),
            since=entry.time[:10],
            revoked=None,
        )
        return reasons
    if known is None:
        return [msg("{id} was never registered", id=person_id)]
    audit.people[person_id] = replace(known, revoked=entry.time[:10])
    return []


def _proposal(audit: Audit, entry: Entry, store_id: str) -> list[Message]:
    name, manifest = str(entry.body.get("order")), entry.body.get("manifest")
    items = manifest.get("items") if isinstance(manifest, Mapping) else None
    records = frozenset(str(item["record"]) for item in items) if isinstance(items, list) else frozenset()
    reasons = [msg("the order {order} was proposed before", order=name)] if name in audit.orders else []
    proven = audit.orders[name] = ProvenOrder(name, digest_of(manifest), str(entry.body.get("by")), records)
    return reasons + _signed(audit, proven, entry, store_id)


def _appraisal(audit: Audit, order: ProvenOrder, entry: Entry, store_id: str) -> list[Message]:
    reasons = _signed(audit, order, entry, store_id)
    opinions = statement_of(entry).get("opinions")
    if statement_of(entry).get("after", len(order.appraisers)) != len(order.appraisers):
        reasons.append(msg("it is an earlier appraisal entered once more"))
    if isinstance(opinions, Mapping):
        if set(opinions) - order.records:
            reasons.append(msg("it names a record that is not in the order"))
        order.opinions.update({str(record): str(opinion) for record, opinion in opinions.items()})
    order.appraisers.append(str(entry.body.get("by")))
    if order.approver is not None:
        reasons.append(msg("the order was approved before"))
    return reasons


def _approval(audit: Audit, order: ProvenOrder, entry: Entry, store_id: str) -> list[Message]:
    reasons = _signed(audit, order, entry, store_id) + _same_opinions(order, entry)
    by = str(entry.body.get("by"))
    if set(order.opinions) != order.records:
        reasons.append(msg("the appraisal was not complete"))
    if _are_one(audit, by, order.proposer):
        reasons.append(msg("{id} had proposed the order", id=by))
    order.approver = by
    return reasons


def _supervision(audit: Audit, order: ProvenOrder, entry: Entry, store_id: str) -> list[Message]:
    reasons = _signed(audit, order, entry, store_id) + _same_opinions(order, entry)
    by = str(entry.body.get("by"))
    if order.approver is None:
        reasons.append(msg("the order was not approved"))
    if any(_are_one(audit, by, other) for other in order.supervisors):
        reasons.append(msg("{id} had signed before", id=by))
    for role, ids in _excluded(audit, order).items():
        if any(_are_one(audit, by, other) for other in ids):
            reasons.append(msg("{id} was the {role} of the order", id=by, role=msg(role)))
    order.supervisors.append(by)
    return reasons


def _completion(audit: Audit, order: ProvenOrder, entry: Entry, store_id: str) -> list[Message]:
    reasons = _signed(audit, order, entry, store_id)
    by = str(entry.body.get("by"))
    if by not in order.supervisors:
        reasons.append(msg("{id} was no supervisor of the order", id=by))
    if any(_are_one(audit, by, other) for other in order.completed):
        reasons.append(msg("{id} had signed before", id=by))
    order.completed.append(by)
    return reasons


def _intention(audit: Audit, order: ProvenOrder, entry: Entry, store_id: str) -> list[Message]:
    reasons: list[Message] = [msg("the order was withdrawn")] if order.withdrawn else []
    humans: list[str] = []
    for one in order.supervisors:
        if one in audit.people and not any(_are_one(audit, one, other) for other in humans):
            humans.append(one)
    if order.approver is None:
        reasons.append(msg("the order was not approved"))
    wanted = audit.duties.get("supervisors") if audit.duties is not None else None
    needed = max(wanted, MINIMUM_SUPERVISORS) if type(wanted) is int else MINIMUM_SUPERVISORS
    if len(humans) < needed:
        reasons.append(msg("fewer than {count} supervisors had signed", count=needed))
    records = entry.body.get("records")
    order.intended |= {str(one) for one in records} if isinstance(records, list) else set()
    if any(order.opinions.get(one) != "destroy" for one in order.intended):
        reasons.append(msg("it names a record that the appraisal did not give up"))
    held = order.intended & set[str]().union(*audit.held.values())
    return reasons + [msg("it names the record {record}, which was held", record=one) for one in sorted(held)]


def _hold(audit: Audit, entry: Entry, store_id: str) -> list[Message]:
    records = entry.body.get("records")
    if entry.act == "hold.placed" and isinstance(records, Mapping):
        audit.held[str(entry.body["hold"])] = frozenset(map(str, records))
    elif entry.act == "hold.released":
        _freed(audit, entry, audit.held.pop(str(entry.body["hold"]), frozenset()))
    return []


def _freed(audit: Audit, entry: Entry, records: frozenset[str]) -> None:
    """Releasing a hold needs no key: what it opens to an order that is on its way is named.

    A record under a hold cannot be proposed, so the hold came after the proposal.
    """
    for order in audit.orders.values():
        if order.withdrawn or order.intended or "order.executed" in order.days:
            continue
        if "account_note" in entry.body:
            order.freed_accounts.append(entry.seq)
        concerned = sorted(order.records & records)
        if concerned:
            audit.remarks.append(Finding("hold-released", msg(
                "Entry {seq}: {actor} released the hold {hold} on {count} record(s) of order {order} after its "
                "proposal: {records}", seq=entry.seq, actor=entry.actor, hold=str(entry.body["hold"]),
                count=len(concerned), order=order.order_id, records=listed(concerned[:_MOST_NAMED]))))


def _withdrawal(audit: Audit, order: ProvenOrder, entry: Entry, store_id: str) -> list[Message]:
    order.withdrawn = True
    return []


def _destruction(audit: Audit, entry: Entry, store_id: str) -> list[Message]:
    order, record = audit.orders.get(str(entry.body.get("order"))), str(entry.body.get("record"))
    reasons: list[Message] = []
    if order is None or record not in order.intended:
        reasons.append(msg("no signed order covers the record {record}", record=entry.body.get("record")))
    if record in audit.destroyed:
        reasons.append(msg("the record {record} was destroyed before, under order {order}", record=record,
                           order=audit.destroyed[record]))
    audit.destroyed.setdefault(record, str(entry.body.get("order")))
    return reasons


def _duties_entry(audit: Audit, entry: Entry, store_id: str) -> list[Message]:
    settings = settings_of(entry)
    if settings is None:
        return [msg("the entry names no settings")]
    reasons: list[Message] = []
    if entry.act == ACCEPTED:
        statement, body = statement_of(entry), entry.body
        said = (statement.get("act"), statement.get("store"), statement.get("seq"), statement.get("by"))
        if said != (entry.act, store_id, entry.seq, body.get("by")):
            reasons.append(msg("the statement was made for another place or act"))
        if not signature_holds(str(body.get("key")), statement, str(body.get("signature"))):
            reasons.append(msg("the signature does not belong to the statement"))
        reasons += _no_administrator(audit, entry)
    else:
        reasons += [msg("the setting {name} was loosened without an administrator's signature", name=name)
                    for name in loosened(audit.duties if audit.duties is not None else DEFAULTS, settings)]
    audit.duties = settings
    return reasons


def _excluded(audit: Audit, order: ProvenOrder) -> dict[str, list[str]]:
    """Whom the settings of the time kept from supervising; before the first entry the program's own defaults."""
    named = (audit.duties if audit.duties is not None else DEFAULTS).get("supervisor_excludes")
    people = {"proposer": [order.proposer], "appraiser": order.appraisers,
              "approver": [order.approver] if order.approver is not None else []}
    return {role: ids for role, ids in people.items() if isinstance(named, (list, tuple)) and role in named}


def _signed(audit: Audit, order: ProvenOrder, entry: Entry, store_id: str) -> list[Message]:
    body, statement = entry.body, statement_of(entry)
    by = str(body.get("by"))
    order.signers.add(by)
    by_hand = statement.get("route") == "paper"
    reasons = faults_of_signature(entry, store_id, order.digest, audit.people, by_hand=by_hand)
    if statement.get("route") not in (None, "paper") or body.get("entered_by") != statement.get("entered_by"):
        reasons.append(another_statement("order"))
    if by_hand:
        reasons += _on_paper(audit, order, entry, store_id)
    paper = statement.get("paper") if by_hand else None
    record = str(paper.get("record")) if isinstance(paper, Mapping) else None
    entered_by = str(statement.get("entered_by")) if by_hand else None
    audit.acts.append(ProvenAct(entry.seq, order.order_id, entry.act, by, entered_by, record))
    order.days[entry.act] = str(statement.get("signed_on") or entry.time[:10])
    return reasons


def _on_paper(audit: Audit, order: ProvenOrder, entry: Entry, store_id: str) -> list[Message]:
    """What does not hold about a signature by hand: who entered it, the scan, its code and its days."""
    statement, by = statement_of(entry), str(entry.body.get("by"))
    reasons: list[Message] = []
    entering = str(statement.get("entered_by"))
    person = audit.people.get(entering)
    if person is None or person.revoked:
        reasons.append(msg("{id} was not registered, or revoked", id=entering))
    else:
        if person.public_key != entry.body.get("key"):
            reasons.append(msg("the key is not the registered key of {id}", id=entering))
        if not set(ROLES_OF_ENTERING) & set(person.roles):
            reasons.append(msg("{id} did not have the role for it", id=entering))
    if _are_one(audit, entering, by):
        reasons.append(msg("{id} entered the own signature", id=entering))
    if all(_are_one(audit, entering, one) for one in (order.proposer, *order.appraisers)):
        reasons.append(msg("{id} alone had proposed, appraised and entered", id=entering))
    if entry.act not in PAPER_ACTS or (audit.duties is not None and audit.duties.get("paper") is False):
        reasons.append(msg("this act is not signed on paper"))
    paper = statement.get("paper")
    named = paper if isinstance(paper, Mapping) else {}
    filed = audit.registers.get(str(named.get("record")), {}).get(str(named.get("commitment")))
    if filed is None:
        reasons.append(msg("the scan {record} was not filed as a destruction register", record=named.get("record")))
    elif not _fits(order, entry, str(statement.get("signed_on")), filed):
        reasons.append(msg("the day {day} of the signature does not fit", day=statement.get("signed_on")))
    more = {key: statement[key] for key in ("opinions", "outcomes") if key in statement}
    code = decode_register(str(statement.get("code")))
    if code is None or (
        (code.store_tag, code.order) != (store_tag_of(store_id), order.order_id)
        or PAPER_ACTS.get(entry.act) not in code.acts
        or not what_is_signed(order.digest, **more).startswith(code.digest)
    ):
        reasons.append(msg("the printed code is not that of this order as it stood"))
    return reasons


def _fits(order: ProvenOrder, entry: Entry, signed_on: str, filed: str) -> bool:
    """Whether a signature by hand is of a day between the step before it, and scan and entry; a day's grace each."""
    before = {"order.approved": "order.appraised", "order.signed": "order.approved"}.get(entry.act, "order.executed")
    try:
        day = date.fromisoformat(signed_on)
        earliest = date.fromisoformat(order.days.get(before, signed_on)) - timedelta(days=1)
        latest = date.fromisoformat(min(filed, entry.time[:10])) + timedelta(days=1)
    except ValueError:
        return False
    return earliest <= day <= latest


def _enter_register(audit: Audit, entry: Entry) -> None:
    """Remember the versions of destruction registers that were filed."""
    record = str(entry.body.get("record"))
    if entry.body.get("class") == REGISTER_CLASS and entry.act == "record.filed":
        audit.registers[record] = {}
    if record in audit.registers:
        # A later version may only change what the catalogue says: the day of the paper stays that of its filing.
        first = next(iter(audit.registers[record].values()), entry.time[:10])
        audit.registers[record][str(entry.body.get("commitment"))] = first


def _execution(audit: Audit, order: ProvenOrder, entry: Entry, store_id: str) -> list[Message]:
    order.days[entry.act] = entry.time[:10]
    return []


def _handover(audit: Audit, entry: Entry, store_id: str) -> list[Message]:
    return check_handover(audit.handovers, entry, store_id, audit.people, partial(_are_one, audit))


def _loss(audit: Audit, entry: Entry, store_id: str) -> list[Message]:
    reasons, remark = check_loss(audit.losses, entry, store_id, audit.people, partial(_are_one, audit))
    if remark is not None:
        audit.remarks.append(remark)
    return reasons


def _same_opinions(order: ProvenOrder, entry: Entry) -> list[Message]:
    if statement_of(entry).get("opinions") == digest_of(order.opinions):
        return []
    return [msg("the statement names other opinions than those of the appraisal")]


def _are_one(audit: Audit, first: str, second: str) -> bool:
    if first == second:
        return True
    people = audit.people
    if first not in people or second not in people:
        return False
    return one_human(list(people.values()), people[first], people[second])


_CHECKS: Mapping[str, Callable[[Audit, Entry, str], list[Message]]] = {
    "store.created": _store_entry,
    "person.added": _person_entry,
    "person.revoked": _person_entry,
    RECORDED: _duties_entry,
    ACCEPTED: _duties_entry,
    "hold.placed": _hold,
    "hold.released": _hold,
    "order.proposed": _proposal,
    "record.destroyed": _destruction,
    **dict.fromkeys(HANDOVER_ACTS, _handover),
    **dict.fromkeys(LOSS_ACTS, _loss),
}
_STEPS: Mapping[str, Callable[[Audit, ProvenOrder, Entry, str], list[Message]]] = {
    "order.appraised": _appraisal,
    "order.approved": _approval,
    "order.signed": _supervision,
    "order.withdrawn": _withdrawal,
    "order.intended": _intention,
    "order.executed": _execution,
    "order.completed": _completion,
}
"""Steps of an order that was proposed before."""
