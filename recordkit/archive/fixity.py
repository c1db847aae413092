"""Fixity: every byte of the archive read again and held against inventory and ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recordkit.archive import catalogue
from recordkit.messages import Message, msg
from recordkit.workspace import Workspace


@dataclass(frozen=True, slots=True)
class FixityFinding:
    """One file that is not what was filed; ``code`` is empty for an object the ledger does not know."""

    record_id: str
    code: str
    file: str
    reason: Message


@dataclass(frozen=True, slots=True)
class FixityResult:
    """``records`` checked, ``bytes`` of originals read, and everything that differs."""

    records: int
    bytes: int
    findings: tuple[FixityFinding, ...]


def verify_objects(workspace: Workspace, references: Sequence[str] = ()) -> FixityResult:
    """Check the named records, or all of them and that no unknown object lies among them.

    Raises:
        NotFound: a named record does not exist.
    """
    if references:
        records = [catalogue.find_record(workspace.db, one) for one in references]
    else:
        records = catalogue.list_records(workspace.db)
    objects = catalogue.objects_of(workspace)
    findings: list[FixityFinding] = []
    size = 0
    for record in records:
        faults = objects.check(record.record_id)
        findings += [FixityFinding(record.record_id, record.code, one.file, one.reason) for one in faults]
        size += int(str(record.metadata.get("size") or 0))
        if not faults:
            # A folder that is whole in itself may still be another one than was filed.
            commitment = catalogue.keyed(workspace.settings.store.id, objects.inventory_digest(record.record_id))
            if commitment != record.commitment:
                reason = msg("the object was replaced: its inventory is not the one in the ledger")
                findings.append(FixityFinding(record.record_id, record.code, "inventory.json", reason))
    if not references:
        known = {record.record_id for record in records}
        for object_id in sorted(set(objects.ids()) - known):
            reason = msg("an object that the ledger does not know (a crash while filing; the next filing clears it)")
            findings.append(FixityFinding(object_id, "", "", reason))
    return FixityResult(len(records), size, tuple(findings))
