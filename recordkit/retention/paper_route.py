"""The paper route: a printed register that was signed by hand, scanned and filed, stands for a signature by key.

The scan proves what a person can see on it; who signed, and when, an archivist enters and signs for. What can be
checked by the program is: that the paper is this order's register in its present state and has room for the signature
(its printed code), that its bytes are those that were filed, and that the days fit: nobody signs before the step
before was done, nor on a scan that was filed earlier.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from recordkit import files
from recordkit.archive.catalogue import find_record, get_record, keyed, objects_of
from recordkit.archive.names import PAPER
from recordkit.archive.registers import REGISTER_CLASS, codes_on
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RefusedByRule
from recordkit.messages import msg
from recordkit.people import Person, list_people, plain_staff_no, require_office, require_role
from recordkit.retention.order_state import Order
from recordkit.retention.signing import (
    PAPER_ACTS,
    ROLES_OF_ACT,
    Hand,
    OnPaper,
    Paper,
    digest_of,
    what_is_signed,
)
from recordkit.templates.registercode import DIGITS, RegisterCode
from recordkit.workspace import Workspace

_A_DAY = timedelta(days=1)
"""The ledger counts days in UTC, people in their own time."""


def read_paper(workspace: Workspace, reference: str) -> Paper:
    """The filed scan of a signed register, its codes read anew from its bytes, in a child process.

    Raises:
        NotFound: no such record.
        RefusedByRule: it is no destruction register that came in as a paper.
        IntegrityFailure: its bytes are not those that were filed.
    """
    from recordkit.archive.reading import read_papers

    record = find_record(workspace.db, reference)
    objects = objects_of(workspace)
    if record.record_class != REGISTER_CLASS or record.status != "active" or not _is_scan(workspace, record.record_id):
        raise RefusedByRule(
            msg("{record} is not the scan of a destruction register.", record=record.code),
            msg("File the signed paper with: recordkit ingest FILE"),
        )
    _require_whole(workspace, record.record_id, record.commitment)
    with workspace.staging() as staging:
        copy = staging / PAPER
        files.write_atomic(copy, objects.read(record.record_id, PAPER))
        (reading,) = read_papers([copy], jobs=1, ocr=False, limits=workspace.settings.ingest, scratch=staging)
    filed = date.fromisoformat(str(record.metadata["filed_at"])[:10])
    codes = codes_on(reading, workspace.store_tag)
    return Paper(record.record_id, record.code, record.version, record.commitment, codes, filed)


def find_signer(workspace: Workspace, mark: str, act: str) -> Person:
    """The person of a staff number, else of an id, who may do ``act``.

    Raises:
        NotFound: nobody is registered with it.
        RefusedByRule: whoever is was revoked, or has not the role.
    """
    people = list_people(workspace.db)
    # An id that looks like another person's staff number must not take that one's signature.
    found = [one for one in people if plain_staff_no(one.staff_no) == plain_staff_no(mark)] or [
        one for one in people if one.id == mark.strip()]
    if not found:
        raise NotFound(msg("Nobody is registered with the staff number {number}.", number=mark),
                       msg("'recordkit people list' shows who is; an administrator registers with 'people add'."))
    standing = [one for one in found if not one.revoked]
    if not standing:
        require_office(found[0])
    able = [one for one in standing if set(ROLES_OF_ACT[act]) & set(one.roles)]
    if not able:
        require_role(standing[0], ROLES_OF_ACT[act])
    return able[0]


def require_days(workspace: Workspace, order: Order, act: str, hand: Hand) -> None:
    """Stop when the day of a signature by hand cannot be.

    Raises:
        InputRefused: it lies in the future.
        RefusedByRule: it lies before the step before, or after the day on which the scan was filed.
    """
    if not isinstance(hand, OnPaper):
        return
    day = hand.signed_on
    if day > workspace.clock.today:
        raise InputRefused(msg("The signature of {id} cannot be of {day}: that day is yet to come.", id=hand.person.id,
                               day=day.isoformat()), msg("Give the day that stands on the paper with --signed-on."))
    if day > hand.paper.filed + _A_DAY:
        raise RefusedByRule(
            msg("{paper} was filed on {filed}; a signature of {day} cannot be on it.", paper=hand.paper.code,
                filed=hand.paper.filed.isoformat(), day=day.isoformat()),
            msg("Scan the paper again now that it is signed, and file the new scan."),
        )
    before = _day_before(order, act)
    if day < before - _A_DAY:
        raise RefusedByRule(
            msg("A signature of {day} lies before the step before it, of {before}.", day=day.isoformat(),
                before=before.isoformat()),
            msg("Give the day that stands on the paper with --signed-on; who signed too early signs again."),
        )


def require_papers(workspace: Workspace, order: Order) -> None:
    """Stop unless every scan on which signatures of the order rest is still what was filed.

    Raises:
        IntegrityFailure: one is gone or changed.
    """
    for record_id in dict.fromkeys(one.paper for one in order.signatures if one.paper is not None):
        record = get_record(workspace.db, record_id)
        if record is None:
            raise _changed(record_id)
        _require_whole(workspace, record_id, record.commitment)


def printed_code(workspace: Workspace, order: Order) -> RegisterCode:
    """The code for the register of an order as it stands now.

    Raises:
        RefusedByRule: there is nothing to be signed by hand: not yet, or no longer.
    """
    status = order.status(workspace.settings.destruction.supervisors)
    room: Sequence[str] = {
        "appraised": ("approve", "sign"), "approved": ("sign",), "signed": ("sign",), "executed": ("complete",),
        "completed": ("complete",),
    }.get(status, ())
    if not room or not workspace.settings.destruction.paper:
        raise RefusedByRule(
            msg("Order {order} is {status}; there is nothing to be signed by hand now.", order=order.order_id,
                status=msg(status)),
            msg("'recordkit destruction show {order}' says what comes next; without --for-signing it prints for "
                "reading.", order=order.order_id),
        )
    more = {"outcomes": outcomes_digest(order)} if "complete" in room else {"opinions": order.opinions_digest}
    signed = what_is_signed(order.digest, **more)
    return RegisterCode(workspace.store_tag, order.order_id, frozenset(room), signed[:DIGITS])


def outcomes_digest(order: Order) -> str:
    """SHA-256 over what became of each item that was to be destroyed."""
    return digest_of({item.record_id: item.outcome for item in order.doomed})


def _day_before(order: Order, act: str) -> date:
    assert act in PAPER_ACTS
    last = {"order.approved": "order.appraised", "order.signed": "order.approved"}.get(act)
    days = [one.day for one in order.signatures if one.act == last]
    return date.fromisoformat(days[-1] if days else order.executed or order.proposed)


def _is_scan(workspace: Workspace, record_id: str) -> bool:
    return objects_of(workspace).exists(record_id) and PAPER in objects_of(workspace).names(record_id)


def _require_whole(workspace: Workspace, record_id: str, commitment: str) -> None:
    objects = objects_of(workspace)
    inventory = keyed(workspace.settings.store.id, objects.inventory_digest(record_id)) if objects.exists(
        record_id) else None
    if inventory != commitment or objects.check(record_id):
        raise _changed(record_id)


def _changed(record_id: str) -> IntegrityFailure:
    return IntegrityFailure(
        msg("The scan {record} of the signed register is not what was filed.", record=record_id),
        msg("Run 'recordkit verify' and restore the record from a backup."),
    )
