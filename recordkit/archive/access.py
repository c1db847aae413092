"""Who may see what: restricted records, and the numbers of persons in what is found.

This shields from oversight, not from someone who can read the store's files or who names another person with ``--as``.
A store in which nobody is registered shows everything: there is nobody to tell apart.
"""

from __future__ import annotations

from msgspec import Struct

from recordkit.archive.catalogue import Record, find_record
from recordkit.errors import RefusedByRule
from recordkit.messages import Message, msg
from recordkit.people import find_person, list_people
from recordkit.workspace import Workspace

OPEN = "open"
"""Access level of a record that everybody may see; any other level is restricted."""


class Clearance(Struct, frozen=True):
    """What the person at hand may see.

    Attributes:
        full: restricted records and unmasked numbers.
        roles: one of which gives it.
    """

    full: bool
    roles: tuple[str, ...]

    @property
    def told_roles(self) -> tuple[Message, ...]:
        """The roles, to be shown in the reader's language."""
        return tuple(map(msg, self.roles))


def clearance_of(workspace: Workspace) -> Clearance:
    """What the workspace's actor may see, by the roles of the setting ``search.restricted_roles``.

    Raises:
        NotFound: the actor names an account that nobody has.
        RefusedByRule: the account was revoked.
    """
    roles = workspace.settings.search.restricted_roles
    if not list_people(workspace.db):
        return Clearance(True, roles)
    if workspace.actor.startswith("os:"):
        return Clearance(False, roles)
    person = find_person(workspace.db, workspace.actor)
    if person.revoked:
        raise RefusedByRule(msg("{id} was revoked and acts no more.", id=person.id))
    return Clearance(bool(set(roles) & set(person.roles)), roles)


def find_visible(workspace: Workspace, reference: str) -> Record:
    """``catalogue.find_record``, for a person who wants to see what is in it.

    Raises:
        NotFound: as ``find_record`` and ``clearance_of``.
        RefusedByRule: as ``require_access``.
    """
    record = find_record(workspace.db, reference)
    require_access(workspace, record)
    return record


def require_access(workspace: Workspace, record: Record) -> None:
    """Stop unless the actor may see the record.

    Raises:
        RefusedByRule: it is restricted and they hold none of the roles.
        NotFound: as ``clearance_of``.
    """
    if record.access == OPEN:
        return
    clearance = clearance_of(workspace)
    if not clearance.full:
        raise RefusedByRule(
            msg("The record {code} is restricted; to see it needs the role {roles}.", code=record.code,
                roles=clearance.told_roles),
            msg("Say who you are with --as ID; 'recordkit people list' shows who holds which role."),
        )
