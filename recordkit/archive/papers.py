"""What the record of a paper says: from the document it is the signed paper of, or from what a person gave."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from recordkit import files
from recordkit.archive.arrivals import SEARCHABLE, plain_page, told_name
from recordkit.archive.filing import NewRecord, meters_of
from recordkit.archive.reading import PaperReading
from recordkit.messages import msg
from recordkit.model import Finding, PageText
from recordkit.templates import issue as issues
from recordkit.templates.completing import onsite_values
from recordkit.workspace import Workspace


def record_of_issue(
    workspace: Workspace,
    issue: issues.Issue,
    original: tuple[Path, files.Digests],
    texts: Sequence[PageText],
    told: Mapping[str, object],
    searchable: Path | None = None,
) -> NewRecord:
    """The record of a signed paper: it inherits fields, title, class and number of its document.

    Args:
        workspace: the store.
        issue: the document.
        original: the file in a staging folder, and its digests.
        texts: one per page.
        told: ``told_of`` the paper.
        searchable: its searchable copy, in a staging folder.

    Raises:
        NotFound: the data of the document is gone.
        InputRefused, IntegrityFailure: the version of the form it was made with is damaged.
    """
    spec = issues.form_of_issue(workspace, issue)
    data = issues.read_issue_data(workspace, issue)
    assert isinstance(data["values"], dict)
    # What was keyed in before the paper was filed belongs to the record.
    values = {**data["values"], **onsite_values(workspace, issue)}
    roles = spec.roles
    on = str(values.get(roles.date) or data["issue_date"])[:10]
    extra = {
        "account": values.get(roles.account) if roles.account else None,
        "party": values.get(roles.party) if roles.party else None,
        "address": values.get(roles.address) if roles.address else None,
        "phone": values.get(roles.phone) if roles.phone else None,
        "meters": meters_of(roles.meters, values),
        "form_name": spec.name,
        "labels": {one.key: one.label for one in spec.fields},
        **told,
    }
    return NewRecord(
        record_class=spec.record_class or spec.id,
        title=str(data["title"]),
        on=date.fromisoformat(on),
        pages=len(texts),
        content=_content(original[0], texts, searchable),
        original=original[1],
        number=issue.number,
        issue_id=issue.issue_id,
        form=spec.id,
        fields=values,
        extra=extra,
    )


def record_of_class(
    record_class: str,
    given: Mapping[str, str],
    on: date,
    original: tuple[Path, files.Digests],
    texts: Sequence[PageText],
    told: Mapping[str, object],
    searchable: Path | None = None,
) -> NewRecord:
    """The record of a paper without a document of ours; arguments as in ``record_of_issue``.

    ``given`` are core fields; the title is the file's name where none is given.
    """
    extra: dict[str, object] = {key: given[key] for key in ("account", "responsible", "box", "shelf") if key in given}
    return NewRecord(
        record_class=record_class,
        title=given.get("title") or Path(str(told["source"])).stem,
        on=on,
        pages=len(texts),
        content=_content(original[0], texts, searchable),
        original=original[1],
        number=given.get("number"),
        extra={**extra, **told},
    )


def missing_fields(given: Mapping[str, str]) -> tuple[Finding, ...]:
    """Core fields that a record without a document should have and has not."""
    return tuple(
        Finding("missing-field", msg("the field {field} is not filled in", field=msg(key)))
        for key in ("account", "responsible")
        if key not in given
    )


def told_of(
    source: Path, matched: str, facts: Mapping[str, object], findings: Sequence[Finding]
) -> dict[str, object]:
    """What the record keeps of how its paper came in."""
    return {"source": told_name(source), "matched": matched, **facts,
            "findings": [_plain_finding(one) for one in findings]}


def facts_of(reading: PaperReading) -> dict[str, object]:
    """What the file itself is: digital signatures that are there (not whether they hold), and what it carries."""
    facts = reading.facts
    if facts is None:
        return {"signatures": []}
    return {
        "signatures": [{"kind": "pdf", "validated": False} for _ in range(facts.signatures)],
        "pdf": {
            "producer": facts.producer.encode("utf-8", "replace").decode(),
            "encrypted": facts.encrypted,
            "javascript": facts.has_javascript,
            "attached_files": facts.attached_files,
        },
    }


def storable(texts: Sequence[PageText]) -> tuple[PageText, ...]:
    """Texts as they can be stored: a lone surrogate in a hostile text layer could not be written as UTF-8."""
    return tuple(replace(one, text=one.text.encode("utf-8", "replace").decode()) for one in texts)


def text_findings(texts: Sequence[PageText], ocr: bool) -> tuple[Finding, ...]:
    """Pages that search will never find: empty ones, and scans that were not read."""
    return tuple(
        Finding("empty-page", msg("page {page} is empty", page=text.page)) if ocr or text.blank else
        Finding("no-text", msg("page {page} was not read: it has no text and OCR was off", page=text.page))
        for text in texts if text.source == "none"
    )


def _content(original: Path, texts: Sequence[PageText], searchable: Path | None) -> dict[str, Path | bytes]:
    text = json.dumps({"pages": [plain_page(one) for one in texts]}, ensure_ascii=False, indent=1).encode() + b"\n"
    copy: dict[str, Path | bytes] = {SEARCHABLE: searchable} if searchable is not None else {}
    return {"original.pdf": original, "text.json": text, **copy}


def _plain_finding(finding: Finding) -> dict[str, object]:
    return {"code": finding.code, "message": finding.message.msgid,
            "params": {name: str(value) for name, value in finding.message.params.items()}}
