"""A filed record becomes the signed paper of its document, or of another one than a mistaken match said.

Only its metadata gets a new version. The object's new version comes first, the ledger second, the tables last. Killed
between the two, the new version is a leftover that the next writer removes. Two records that hold each other's papers
change places by one batch of the ledger: each document has one paper at any time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from recordkit import files
from recordkit.archive import catalogue
from recordkit.archive.attachments import attachments_of
from recordkit.archive.decisions import IngestItem
from recordkit.archive.matching import doubts_about, require_open
from recordkit.archive.papers import record_of_issue
from recordkit.archive.told import plain_finding
from recordkit.archive.versions import NewVersion, add_version, add_versions
from recordkit.errors import InputRefused, NotFound, RefusedByRule
from recordkit.messages import msg
from recordkit.model import Finding, PageText
from recordkit.templates import issue as issues
from recordkit.templates.completing import onsite_values
from recordkit.workspace import Workspace

_OF_THE_MATCH = frozenset({"missing-field", "doubtful-match", "matched-by-text", "check-onsite", "check-attachments"})
"""Findings that another document makes untrue."""


def bind_record(
    workspace: Workspace, reference: str, number: str, reason: str = "", *, dry_run: bool = False
) -> IngestItem:
    """Make a filed record the signed paper of ``number``; a document that it was matched with before is open again.

    ``reason`` is kept in a note that is destroyed with the record; to undo a match it must be given.

    Raises:
        NotFound: no such record, or no such document.
        RefusedByRule: the document is void or its paper is filed already; the record found its document by its code,
            is destroyed, or was filed under another class than the document's; a match is to be undone without reason.
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
        metadata, findings = _bound(workspace, record, issue, reason)
        source = Path(str(record.metadata.get("source") or record.code))
        if not dry_run:
            body: dict[str, object] = {"issue": issue.issue_id, "number": issue.number, "form": issue.form}
            if reason.strip():
                body["note"] = writer.note(record.record_id, {"reason": reason})
            with workspace.staging() as staging:
                add_version(writer, workspace, record, "record.matched", body, metadata, staging=staging)
        return IngestItem(source, "archived", record.record_id, record.code, issue.number, record.pages,
                          findings=findings)


def swap_records(
    workspace: Workspace, one: str, other: str, reason: str, *, dry_run: bool = False
) -> tuple[IngestItem, IngestItem]:
    """Let two records that were matched by mistake exchange the documents whose signed papers they are.

    Raises:
        NotFound: no such record.
        InputRefused: no reason, or one record named twice.
        RefusedByRule: one of them is the paper of no document, found its document by its code, is destroyed, or was
            filed under another class than the other's document.
    """
    if not reason.strip():
        raise InputRefused(msg("To swap two papers needs a reason."), msg("Give it with --reason TEXT."))
    with workspace.writing() as writer:
        records = [catalogue.find_record(workspace.db, reference) for reference in (one, other)]
        if records[0].record_id == records[1].record_id:
            raise InputRefused(msg("{one} and {other} are the same record.", one=one, other=other))
        documents = [_document_of(workspace, record) for record in records]
        news: list[NewVersion] = []
        items: list[IngestItem] = []
        for record, issue, before in zip(records, reversed(documents), documents, strict=True):
            metadata, findings = _bound(workspace, record, issue, reason)
            findings = (*findings, *_left_behind(workspace, record, issue, before))
            metadata["findings"] = [*_told(metadata), *(plain_finding(one) for one in findings)]
            body: dict[str, object] = {"issue": issue.issue_id, "number": issue.number, "form": issue.form}
            if not dry_run:
                body["note"] = writer.note(record.record_id, {"reason": reason})
            news.append(NewVersion(record, body, metadata))
            source = Path(str(record.metadata.get("source") or record.code))
            items.append(IngestItem(source, "archived", record.record_id, record.code, issue.number, record.pages,
                                    findings=findings))
        if not dry_run:
            with workspace.staging() as staging:
                add_versions(writer, workspace, "record.matched", news, staging=staging)
    return items[0], items[1]


def _document_of(workspace: Workspace, record: catalogue.Record) -> issues.Issue:
    """The document whose signed paper a record is."""
    if record.issue_id is None:
        raise RefusedByRule(
            msg("The record {code} is the signed paper of no document; there is nothing to swap.", code=record.code),
            msg("Bind it: recordkit match {code} NUMBER", code=record.code),
        )
    return issues.find_issue(workspace.db, record.issue_id)


def _left_behind(
    workspace: Workspace, record: catalogue.Record, issue: issues.Issue, before: issues.Issue
) -> tuple[Finding, ...]:
    """What came to a document or a record while the papers were mistaken: only a person can tell whose it is."""
    found: list[Finding] = []
    if onsite_values(workspace, issue):
        found.append(Finding("check-onsite", msg(
            "on-site values of {number} were keyed in while another paper was filed as it; compare them with the paper",
            number=issue.number)))
    if attachments_of(record):
        found.append(Finding("check-attachments", msg(
            "its attachments came while it was filed as {number}; look whether they belong to it",
            number=before.number)))
    return tuple(found)


def _bound(
    workspace: Workspace, record: catalogue.Record, issue: issues.Issue, reason: str
) -> tuple[dict[str, object], tuple[Finding, ...]]:
    """The metadata of a record as the signed paper of a document; what its paper is and where it lies stays."""
    if record.status != "active":
        raise RefusedByRule(msg("The record {code} is destroyed; it cannot be matched.", code=record.code))
    if record.issue_id is not None:
        _require_undoable(record, issue, reason)
    raw = json.loads(catalogue.objects_of(workspace).read(record.record_id, "text.json"))
    texts = tuple(PageText(**page) for page in raw["pages"])
    findings = doubts_about(issue, texts)
    old = {key: value for key, value in record.metadata.items() if key != "match_confidence"}
    # Only what the document says is taken from here; the file is the one that was filed.
    nothing = (Path(), files.Digests("", "", 0))
    new = record_of_issue(workspace, issue, nothing, texts, {"matched": "by-hand"})
    if new.record_class != record.record_class:
        raise RefusedByRule(
            msg("The record {code} was filed under the class {filed}; {number} belongs to {wanted}.", code=record.code,
                filed=record.record_class, number=issue.number, wanted=new.record_class),
            msg("Class and archival code never change, and these bytes are filed. Scan the paper again and file that "
                "scan as {number}; say in {code} that it was misfiled: recordkit edit {code} --set 题名=...",
                number=issue.number, code=record.code),
        )
    told = _told(old)
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


def _told(metadata: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Findings, as they are stored, that stay true whatever document the paper belongs to."""
    before = metadata.get("findings")
    return [one for one in before if one.get("code") not in _OF_THE_MATCH] if isinstance(before, list) else []


def _require_undoable(record: catalogue.Record, issue: issues.Issue, reason: str) -> None:
    """A printed code makes no mistake, a person or a text may."""
    number = record.number or record.issue_id or ""
    if record.metadata.get("matched") == "code":
        raise RefusedByRule(
            msg("The record {code} is the signed paper of {number} already: its printed code says so.",
                code=record.code, number=number)
        )
    if not reason.strip():
        raise RefusedByRule(
            msg("The record {code} is filed as the signed paper of {number}; to undo that needs a reason.",
                code=record.code, number=number),
            msg("Give it: recordkit match {code} {wanted} --reason TEXT. Then {number} is open again.",
                code=record.code, wanted=issue.number, number=number),
        )
