"""Statements that people sign about destruction orders, and who may sign as whom.

A statement names act, store, order and the manifest's digest; from appraisal on also the digest of the opinions, so
that what is approved is what the appraisal group decided. It stands in the ledger beside its signature.

Approver and supervisors may instead sign the printed register by hand. Then an archivist enters that they did, naming
the filed scan, and signs this statement with the own key. The rules about roles and distinct people are the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from recordkit.errors import RefusedByRule
from recordkit.messages import Message, msg
from recordkit.model import Entry, canonical_json
from recordkit.people import (
    Person,
    Signer,
    find_person,
    keyholder,
    list_people,
    one_human,
    require_office,
    require_role,
    signature_holds,
)
from recordkit.templates.registercode import RegisterCode
from recordkit.workspace import Workspace

ROLES_OF_ACT: Mapping[str, tuple[str, ...]] = {
    "order.proposed": ("archivist", "administrator"),
    "order.appraised": ("appraiser",),
    "order.approved": ("approver",),
    "order.signed": ("supervisor",),
    "order.completed": ("supervisor",),
    "handover.proposed": ("archivist", "administrator"),
    "handover.accepted": ("archivist", "administrator"),
    "handover.withdrawn": ("archivist", "administrator"),
    "loss.registered": ("administrator",),
    "loss.confirmed": ("administrator", "archivist", "approver", "supervisor"),
    "loss.withdrawn": ("administrator", "archivist", "approver", "supervisor"),
}
"""Which of these roles a person needs for each act that is signed."""

PAPER_ACTS: Mapping[str, str] = {"order.approved": "approve", "order.signed": "sign", "order.completed": "complete"}
"""Acts that may be signed by hand, and the name of that signature in the printed code."""

ROLES_OF_ENTERING = ("archivist", "administrator")
"""Who may enter that a paper was signed."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A filed scan of a signed register.

    Attributes:
        record: id of its record; ``version`` of it and ``commitment``, the keyed digest of the object, that were read.
        codes: what the codes on it say.
        filed: day (UTC) on which this version was filed.
    """

    record: str
    code: str
    version: int
    commitment: str
    codes: tuple[RegisterCode, ...]
    filed: date


@dataclass(frozen=True, slots=True)
class OnPaper:
    """A signature by hand: ``person`` signed ``paper`` on the day ``signed_on``, as ``entered_by`` says."""

    person: Person
    paper: Paper
    signed_on: date
    entered_by: Signer


Hand = Signer | OnPaper
"""A signature by key or by hand."""


def person_in_office(workspace: Workspace, hand: Hand, act: str) -> Person:
    """The signer as the register knows them now; call under the lock.

    Raises:
        NotFound: nobody is registered under the id.
        RefusedByRule: revoked, another key than the registered one, or without the role the act needs; on paper
            likewise whoever enters it, or the settings want keys, or the signer enters the own signature.
    """
    if isinstance(hand, OnPaper):
        _require_entering(workspace, hand)
        person = find_person(workspace.db, hand.person.id)
        require_office(person)
    else:
        person = keyholder(workspace.db, hand)
    require_role(person, ROLES_OF_ACT[act])
    return person


def _require_entering(workspace: Workspace, hand: OnPaper) -> None:
    if not workspace.settings.destruction.paper:
        raise RefusedByRule(
            msg("In this archive approver and supervisors sign with a key (destruction.paper = false)."),
            msg("Sign with --as ID --key FILE."),
        )
    entering = keyholder(workspace.db, hand.entered_by)
    require_role(entering, ROLES_OF_ENTERING)
    if one_human(list_people(workspace.db), entering, hand.person):
        raise RefusedByRule(
            msg("{id} cannot enter the own signature of {signer}.", id=entering.id, signer=hand.person.id),
            msg("Sign with the key, or let another archivist enter it."),
        )


def signed_body(workspace: Workspace, hand: Hand, act: str, order: str, digest: str, **more: object) -> dict[
    str, object
]:
    """Ledger body of a signed act: statement, signer, public key, signature; on paper also who entered it."""
    person = hand.person
    statement: dict[str, object] = {
        "act": act,
        "store": workspace.settings.store.id,
        "order": order,
        "digest": digest,
        "by": person.id,
        **more,
    }
    entered: dict[str, object] = {}
    key = hand
    if isinstance(hand, OnPaper):
        key = hand.entered_by
        entered = {"entered_by": key.person.id}
        statement |= {
            "route": "paper",
            **entered,
            "signed_on": hand.signed_on.isoformat(),
            "paper": {"record": hand.paper.record, "version": hand.paper.version, "commitment": hand.paper.commitment},
            "code": code_for(workspace, act, order, hand.paper, what_is_signed(digest, **more)).encode(),
        }
    assert isinstance(key, Signer)
    return {
        "order": order,
        "statement": statement,
        "by": person.id,
        **entered,
        "key": key.private.public_key().public_bytes_raw().hex(),
        "signature": key.sign(statement),
    }


def what_is_signed(digest: str, **more: object) -> str:
    """Digest of all that a signature by hand is about: the manifest, and the opinions or the outcomes."""
    signed: dict[str, object] = {key: more[key] for key in ("opinions", "outcomes") if key in more}
    return digest_of({**signed, "digest": digest})


def code_for(workspace: Workspace, act: str, order: str, paper: Paper, signed: str) -> RegisterCode:
    """The code on a paper that stands for this act of this order.

    Raises:
        RefusedByRule: there is none; what the paper is instead is named.
    """
    wanted = PAPER_ACTS[act]
    ours = [code for code in paper.codes if code.store_tag == workspace.store_tag]
    named = {"paper": paper.code, "order": order}
    todo = msg("Print the register with 'recordkit destruction register {order} --for-signing --out FILE', have it "
               "signed, and file its scan.", order=order)
    if not ours:
        raise RefusedByRule(msg("{paper} carries no code of a destruction register that could be read.", **named), todo)
    same = [code for code in ours if code.order == order]
    if not same:
        raise RefusedByRule(msg("{paper} is the register of order {other}, not of {order}.", **named,
                                other=ours[0].order), todo)
    current = [code for code in same if signed.startswith(code.digest)]
    if not current:
        raise RefusedByRule(
            msg("{paper} is an earlier print of the register of order {order}: what was signed there is no longer what "
                "the order says.", **named), todo)
    for code in current:
        if wanted in code.acts:
            return code
    have = tuple(name for act, name in SIGNATURE_NAMES.items() if act in current[0].acts)
    raise RefusedByRule(msg("{paper} has no room for this signature: it was printed for {acts}.", **named, acts=have),
                        todo)


SIGNATURE_NAMES: Mapping[str, Message] = {
    "approve": msg("the approval"),
    "sign": msg("the supervisors before the destruction"),
    "complete": msg("the supervisors after the destruction"),
}
"""What a register has room for, in words."""


def digest_of(value: object) -> str:
    """SHA-256 of the canonical JSON of ``value``."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def other_self(register: Sequence[Person], person: Person, ids: Collection[str]) -> Person | None:
    """The account among ``ids`` behind which the same human being stands, or None."""
    for other in register:
        if other.id in ids and one_human(register, person, other):
            return other
    return None


def supervisor_account(register: Sequence[Person], person: Person) -> Person | None:
    """The account in office, this one or another of the same human being, that is a supervisor's; or None."""
    for other in register:
        if not other.revoked and "supervisor" in other.roles and one_human(register, person, other):
            return other
    return None


_ANOTHER: Mapping[str, Message] = {
    "order": msg("the statement was made for another act, store, order or person"),
    "handover": msg("the statement was made for another act, store, handover or person"),
    "loss": msg("the statement was made for another act, store, loss or person"),
}


def another_statement(subject: str) -> Message:
    """That a statement about an ``order``, a ``handover`` or a ``loss`` is not about what its entry says."""
    return _ANOTHER[subject]


def statement_of(entry: Entry) -> Mapping[str, object]:
    """The statement that an entry carries; an empty one where it has none."""
    statement = entry.body.get("statement")
    return statement if isinstance(statement, Mapping) else {}


def faults_of_signature(
    entry: Entry, store_id: str, digest: str, people: Mapping[str, Person], *, by_hand: bool = False
) -> list[Message]:
    """What does not hold of a signed act of an order, a handover or a loss: its statement, its signer, the signature.

    Args:
        entry: of the act, which begins with what it is about.
        store_id: of the store that was signed for.
        digest: of the manifest that was signed.
        people: as they were registered when it was entered, by id.
        by_hand: it was entered under the key of another person.
    """
    subject, body, statement = entry.act.partition(".")[0], entry.body, statement_of(entry)
    by, found = str(body.get("by")), list[Message]()
    said = (statement.get("act"), statement.get("store"), statement.get(subject), statement.get("by"))
    if said != (entry.act, store_id, body.get(subject), by):
        found.append(another_statement(subject))
    if statement.get("digest") != digest:
        found.append(msg("the statement names another manifest"))
    person = people.get(by)
    if person is None or person.revoked:
        found.append(msg("{id} was not registered, or revoked", id=by))
    else:
        if person.public_key != body.get("key") and not by_hand:
            found.append(msg("the key is not the registered key of {id}", id=by))
        if not set(ROLES_OF_ACT[entry.act]) & set(person.roles):
            found.append(msg("{id} did not have the role for it", id=by))
    if not signature_holds(str(body.get("key")), statement, str(body.get("signature"))):
        found.append(msg("the signature does not belong to the statement"))
    return found
