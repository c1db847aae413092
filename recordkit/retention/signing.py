"""Statements that people sign about destruction orders, and who may sign as whom.

A statement names act, store, order and the manifest's digest; from appraisal on also the digest of the opinions, so
that what is approved is what the appraisal group decided. It stands in the ledger beside its signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence

from recordkit.errors import RefusedByRule
from recordkit.messages import msg
from recordkit.model import canonical_json
from recordkit.people import Person, Signer, find_person, one_human, require_role
from recordkit.workspace import Workspace

ROLES_OF_ACT: Mapping[str, tuple[str, ...]] = {
    "order.proposed": ("archivist", "administrator"),
    "order.appraised": ("appraiser",),
    "order.approved": ("approver",),
    "order.signed": ("supervisor",),
    "order.completed": ("supervisor",),
}
"""Which of these roles a person needs for each act that is signed."""


def person_in_office(workspace: Workspace, signer: Signer, act: str) -> Person:
    """The signer as the register knows them now; call under the lock.

    Raises:
        NotFound: nobody is registered under the id.
        RefusedByRule: revoked, another key than the registered one, or without the role the act needs.
    """
    person = find_person(workspace.db, signer.person.id)
    if person.revoked:
        raise RefusedByRule(
            msg("{id} was revoked on {day} and cannot sign.", id=person.id, day=person.revoked),
            msg("Let another person sign; 'recordkit people list' shows who may."),
        )
    if signer.private.public_key().public_bytes_raw().hex() != person.public_key:
        raise RefusedByRule(
            msg("The key in hand is not the registered key of {id}.", id=person.id),
            msg("Sign with the key whose public half was registered: 'recordkit people list' shows its mark."),
        )
    require_role(person, ROLES_OF_ACT[act])
    return person


def signed_body(workspace: Workspace, signer: Signer, act: str, order: str, digest: str, **more: object) -> dict[
    str, object
]:
    """Ledger body of a signed act: statement, signer, public key, signature."""
    statement: dict[str, object] = {
        "act": act,
        "store": workspace.settings.store.id,
        "order": order,
        "digest": digest,
        "by": signer.person.id,
        **more,
    }
    return {
        "order": order,
        "statement": statement,
        "by": signer.person.id,
        "key": signer.private.public_key().public_bytes_raw().hex(),
        "signature": signer.sign(statement),
    }


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
