"""A record that was filed under a class becomes the signed paper of its document: a new version of its metadata.

The object's new version comes first, the ledger second, the tables last. Killed between the two, the new version is a
leftover that the next writer removes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from recordkit import files, pending
from recordkit.archive import catalogue
from recordkit.archive.decisions import IngestItem
from recordkit.archive.filing import stage_json
from recordkit.archive.matching import doubts_about, require_open
from recordkit.archive.objects import VersionNote
from recordkit.archive.papers import record_of_issue
from recordkit.archive.told import plain_finding
from recordkit.errors import NotFound, RefusedByRule
from recordkit.messages import msg
from recordkit.model import Finding, PageText
from recordkit.templates import issue as issues
from recordkit.workspace import Workspace


def bind_record(workspace: Workspace, reference: str, number: str, *, dry_run: bool = False) -> IngestItem:
    """Make a record that was filed without a document the signed paper of ``number``.

    Raises:
        NotFound: no such record, or no such document.
        RefusedByRule: the document is void or its paper is filed already; the record has a document, is destroyed, or
            was filed under another class than the document's.
    """
    with workspace.writing() as writer:
        try:
            record = catalogue.find_record(workspace.db, reference)
        except NotFound:
            raise NotFound(
                msg("No waiting paper and no record answers to {reference}.", reference=reference),
                msg("'recordkit unmatched list' shows the keys of waiting papers."),
            ) from None
        issue = issues.find_issue(workspace.db, number)
        require_open(issue)
        metadata, findings = _bound(workspace, record, issue)
        source = Path(str(record.metadata.get("source") or record.code))
        item = IngestItem(source, "archived", record.record_id, record.code, issue.number, record.pages,
                          findings=findings)
        if dry_run:
            return item
        version, now = record.version + 1, workspace.clock.stamp()
        with pending.announced(workspace.root, "objects", [record.record_id]):
            with workspace.staging() as staging:
                content = {"record.json": stage_json(staging, "record.json", metadata)}
                inventory = catalogue.objects_of(workspace).add_version(
                    record.record_id, version, content, VersionNote(now, "matched", workspace.actor), staging
                )
            writer.add(
                "record.matched",
                {
                    "record": record.record_id,
                    "version": version,
                    "issue": issue.issue_id,
                    "number": issue.number,
                    "form": issue.form,
                    "commitment": catalogue.keyed(workspace.settings.store.id, inventory),
                },
            )
            writer.commit()
        return item


def _bound(
    workspace: Workspace, record: catalogue.Record, issue: issues.Issue
) -> tuple[dict[str, object], tuple[Finding, ...]]:
    """The metadata of a record as the signed paper of a document; what its paper is and where it lies stays."""
    if record.status != "active":
        raise RefusedByRule(msg("The record {code} is destroyed; it cannot be matched.", code=record.code))
    if record.issue_id is not None:
        raise RefusedByRule(
            msg("The record {code} is the signed paper of {number} already.", code=record.code,
                number=record.number or record.issue_id)
        )
    raw = json.loads(catalogue.objects_of(workspace).read(record.record_id, "text.json"))
    texts = tuple(PageText(**page) for page in raw["pages"])
    findings = doubts_about(issue, texts)
    old = dict(record.metadata)
    # Only what the document says is taken from here; the file is the one that was filed.
    nothing = (Path(), files.Digests("", "", 0))
    new = record_of_issue(workspace, issue, nothing, texts, {"matched": "by-hand"})
    if new.record_class != record.record_class:
        raise RefusedByRule(
            msg("The record {code} was filed under the class {filed}; {number} belongs to {wanted}.", code=record.code,
                filed=record.record_class, number=issue.number, wanted=new.record_class),
            msg("Class and archival code never change; file the paper again with --class {wanted}.",
                wanted=new.record_class),
        )
    before = old.get("findings")
    told = [one for one in before if one.get("code") != "missing-field"] if isinstance(before, list) else []
    metadata: dict[str, object] = {
        **old,
        **new.extra,
        "title": new.title,
        "date": new.on.isoformat(),
        "number": new.number,
        "issue_id": new.issue_id,
        "form": new.form,
        "fields": dict(new.fields),
        "findings": [*told, *(plain_finding(one) for one in findings)],
    }
    kept: Mapping[str, object] = {name: old[name] for name in ("responsible", "box", "shelf") if name in old}
    return {**metadata, **kept}, findings
