"""Who may see what: restricted records and issued documents, and the numbers of persons in what is found.

This shields from oversight, not from someone who can read the store's files or who names another person with ``--as``.
A store in which nobody is registered shows everything: there is nobody to tell apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from recordkit.archive.catalogue import Record, find_record, get_record
from recordkit.db import Database
from recordkit.errors import RecordkitError, RefusedByRule
from recordkit.messages import Message, listed, msg
from recordkit.people import find_person, list_people
from recordkit.workspace import Workspace

if TYPE_CHECKING:
    from recordkit.templates.issue import Issue

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


def seen_title(record: Record, clearance: Clearance) -> str | Message:
    """The title, for a list of many records; that of a restricted one only where it may be seen."""
    return record.title if clearance.full or record.access == OPEN else msg("(restricted)")


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
                roles=clearance.told_roles), _who_you_are()
        )


def access_of_all(db: Database, record_ids: Iterable[str]) -> str:
    """The level of a paper that names these records: what one of them is not open for, it is not open for either."""
    found = (get_record(db, one) for one in record_ids)
    return next((record.access for record in found if record is not None and record.access != OPEN), OPEN)


def require_all_seen(workspace: Workspace, record_ids: Iterable[str]) -> None:
    """Stop unless the actor may see every one of these records, destroyed ones too.

    Raises:
        RefusedByRule, NotFound: as ``require_access``.
    """
    for record in (get_record(workspace.db, one) for one in record_ids):
        if record is not None:
            require_access(workspace, record)


def _who_you_are() -> Message:
    return msg("Say who you are with --as ID; 'recordkit people list' shows who holds which role.")


class IssueShield:
    """Which issued documents the workspace's actor may not see; decided once, for lists of any length.

    A document whose signed paper is filed is as open as its record. Any other one is as open as the class that its
    paper will be filed under, and its form.

    Attributes:
        clearance: of the actor.
    """

    def __init__(self, workspace: Workspace) -> None:
        """Raises as ``clearance_of``."""
        self.clearance = clearance_of(workspace)
        self._workspace = workspace
        self._by_template: dict[tuple[str, str], bool] = {}

    def hides(self, issue: Issue) -> bool:
        """Whether it is kept from the actor."""
        if self.clearance.full:
            return False
        if issue.record_id is not None:
            record = get_record(self._workspace.db, issue.record_id)
            if record is not None:
                return record.access != OPEN
        template = issue.template, issue.form
        if template not in self._by_template:
            self._by_template[template] = self._is_restricted(issue)
        return self._by_template[template]

    def seen(self, issues: Iterable[Issue]) -> Iterator[Issue]:
        """Those that are not hidden."""
        return (one for one in issues if not self.hides(one))

    def hides_any(self) -> bool:
        """Whether there is one among all that were ever issued."""
        from recordkit.templates.issue import each_version

        if self.clearance.full:
            return False
        returned = self._workspace.db.one(
            "SELECT 1 FROM issues JOIN records USING (record_id) WHERE records.access <> :open LIMIT 1", {"open": OPEN})
        return returned is not None or any(map(self.hides, each_version(self._workspace.db)))

    def require(self, *issues: Issue) -> None:
        """Stop unless the actor may see all of them.

        Raises:
            RefusedByRule: one is restricted; all such are named.
        """
        hidden = [one.number for one in issues if self.hides(one)]
        if hidden:
            raise RefusedByRule(
                msg("Restricted: {numbers}; to see it needs the role {roles}.", numbers=listed(hidden),
                    roles=self.clearance.told_roles), _who_you_are(),
            )

    def _is_restricted(self, issue: Issue) -> bool:
        from recordkit.archive.classes import load_scheme
        from recordkit.templates.issue import form_of_issue

        classes, record_class = load_scheme(self._workspace.root).classes, issue.form
        try:
            form = form_of_issue(self._workspace, issue)
        except RecordkitError:
            # Its form is lost; what cannot be told is not shown, unless the schedule knows it under the form's id.
            return record_class not in classes or classes[record_class].access != OPEN
        record_class = form.record_class or record_class
        return form.access != OPEN or (record_class in classes and classes[record_class].access != OPEN)
