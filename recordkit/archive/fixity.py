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

    What looks wrong is looked at again while no writer is at work: an object is in place a moment before its entry.

    Raises:
        NotFound: a named record does not exist.
        StoreBusy: something looks wrong and a writer holds the store for longer than the settings allow.
    """
    if references:
        records = [catalogue.find_record(workspace.db, one) for one in references]
    else:
        records = catalogue.list_records(workspace.db)
    suspects = [record.record_id for record in records if _record_findings(workspace, record)]
    if not references:
        known = {record.record_id for record in records}
        suspects += sorted(set(catalogue.objects_of(workspace).ids()) - known)
    findings: list[FixityFinding] = []
    if not references:
        root = catalogue.objects_of(workspace).check_root()
        findings += [FixityFinding("", "", f"objects/{one.file}", one.reason) for one in root]
    if suspects:
        with workspace.settled():
            for record_id in suspects:
                findings += _suspect_findings(workspace, record_id)
    size = sum(int(str(record.metadata.get("size") or 0)) for record in records)
    return FixityResult(len(records), size, tuple(findings))


def _suspect_findings(workspace: Workspace, record_id: str) -> list[FixityFinding]:
    record = catalogue.get_record(workspace.db, record_id)
    if record is not None and record.status == "active":
        return _record_findings(workspace, record)
    if not catalogue.objects_of(workspace).exists(record_id):
        return []
    code = record.code if record is not None else ""
    return [FixityFinding(record_id, code, "", msg("an object that the ledger does not know, or calls destroyed"))]


def _record_findings(workspace: Workspace, record: catalogue.Record) -> list[FixityFinding]:
    objects = catalogue.objects_of(workspace)
    faults = objects.check(record.record_id)
    findings = [FixityFinding(record.record_id, record.code, one.file, one.reason) for one in faults]
    if not faults:
        # A folder that is whole in itself may still be another one than was filed.
        commitment = catalogue.keyed(workspace.settings.store.id, objects.inventory_digest(record.record_id))
        if commitment != record.commitment:
            reason = msg("the object was replaced: its inventory is not the one in the ledger")
            findings.append(FixityFinding(record.record_id, record.code, "inventory.json", reason))
    return findings
