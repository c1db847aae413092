"""Other bytes for a document whose paper is filed: a second scan is a new version of its record, or a question.

A worse scan must never replace a better one in silence: ``why_worse`` decides, and what is worse waits for a person.
The older scan stays in the older version of the object.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from recordkit.archive import catalogue
from recordkit.archive.attachments import read_text
from recordkit.archive.filing import NewRecord, batch_body
from recordkit.archive.signature_facts import read_plain
from recordkit.archive.versions import add_version
from recordkit.errors import IntegrityFailure, NotFound, RefusedByRule
from recordkit.messages import Message, msg
from recordkit.model import Finding, PageText
from recordkit.templates import issue as issues
from recordkit.workspace import Workspace, Writer

_SAY_NOTHING_OF_THE_SCAN = frozenset({"missing-field", "doubtful-match", "matched-by-text", "attachment-pages",
                                      "blank-page-dropped", "not-examined"})
_LESS_SURE = 0.03
"""Loss of mean OCR confidence that counts as worse: two scans of one sheet differ by less."""
_OF_THE_DOCUMENT = frozenset({"responsible", "account", "party", "address", "phone", "meters", "form_name", "labels"})
"""Metadata that comes with a new record from its document; a second scan does not change it."""
_OF_THE_SCAN = frozenset({"source", "matched", "match_confidence", "signatures", "pdf", "findings", "page_order",
                          "batch", "repaired"})
"""Metadata that a second scan replaces, also where it has none of it."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What can be compared of two scans.

    Attributes:
        findings: how often each finding was made.
        confidence: of OCR, the mean from 0 to 1.
        pictures: pages that are pictures. A printout has none, and no pen was ever on it.
        signatures: digital signatures that hold.
    """

    pages: int
    findings: Mapping[str, int]
    confidence: float | None = None
    pictures: int = 0
    signatures: int = 0


@dataclass(frozen=True, slots=True)
class Rescan:
    """A paper that is to become the next version of ``record``; of ``new`` only content, digests and ``extra`` count.

    ``reason`` is what the person said who decided so, empty when a setting did.
    """

    record: catalogue.Record
    new: NewRecord
    reason: str = ""


def why_worse(new: Quality, filed: Quality) -> Message | None:
    """Why a second scan must not replace the filed one by itself; None when it is as good or better."""
    if new.pages < filed.pages:
        return msg("it has {new} page(s), the filed one {filed}", new=new.pages, filed=filed.pages)
    if new.signatures < filed.signatures:
        return msg("it has {new} valid digital signature(s), the filed one {filed}", new=new.signatures,
                   filed=filed.signatures)
    if filed.pictures and not new.pictures and not new.signatures:
        return msg("it is no scan and bears no valid digital signature; the filed one is a scan")
    if any(count > filed.findings.get(code, 0) for code, count in new.findings.items()):
        return msg("it has findings that the filed one has not")
    if new.confidence is not None and filed.confidence is not None and new.confidence < filed.confidence - _LESS_SURE:
        return msg("it reads worse than the filed one: confidence {new} against {filed}",
                   new=f"{new.confidence:.2f}", filed=f"{filed.confidence:.2f}")
    return None


def quality_of(
    texts: Sequence[PageText], findings: Iterable[Finding], facts: Mapping[str, object] | None = None
) -> Quality:
    """The quality of a scan that was read; ``facts`` are those of its file."""
    return _quality(len(texts), (one.code for one in findings), [(one.source, one.confidence) for one in texts],
                    facts or {})


def quality_of_filed(workspace: Workspace, record: catalogue.Record) -> Quality:
    """The quality of the scan that a record holds."""
    listed = record.metadata.get("findings")
    codes = [str(one["code"]) for one in listed] if isinstance(listed, list) else []
    texts: list[tuple[str, float | None]] = []
    try:
        for page in read_text(catalogue.objects_of(workspace), record, "text.json"):
            confidence = page.get("confidence")
            texts.append((str(page.get("source")), None if confidence is None else float(str(confidence))))
    except (NotFound, IntegrityFailure):
        pass  # 'verify' names it; a record whose text is gone has nothing to compare.
    return _quality(record.pages, codes, texts, record.metadata)


def _quality(
    pages: int, codes: Iterable[str], texts: Sequence[tuple[str, float | None]], facts: Mapping[str, object]
) -> Quality:
    """``texts`` has where the text of each page came from, and how surely."""
    counted = Counter(code for code in codes if code not in _SAY_NOTHING_OF_THE_SCAN)
    known = [confidence for _, confidence in texts if confidence is not None]
    about = facts.get("pdf")
    scans = about.get("scans") if isinstance(about, Mapping) else None
    # A scanner may have put text behind the picture. A page without text is a picture or blank: the file's facts tell.
    read = sum(source == "ocr" for source, _ in texts)
    pictures = max(scans, read) if isinstance(scans, int) else sum(source != "embedded" for source, _ in texts)
    valid = sum(one.bottom_line for one in read_plain(facts.get("signatures")) if one.kind == "pdf")
    return Quality(pages, counted, sum(known) / len(known) if known else None, pictures, valid)


def as_if_open(find: Callable[[str], issues.Issue]) -> Callable[[str], issues.Issue]:
    """``find`` under which documents whose paper is filed pass for open, so that a second scan is looked at in full."""

    def found(issue_id: str) -> issues.Issue:
        issue = find(issue_id)
        return replace(issue, status="issued") if issue.status == "returned" else issue

    return found


def filed_record(workspace: Workspace, issue: issues.Issue) -> catalogue.Record | None:
    """The record that holds the signed paper of a document; None while that is out."""
    known = issues.find_issue(workspace.db, issue.issue_id)
    record = catalogue.get_record(workspace.db, known.record_id) if known.record_id else None
    return record if record is not None and record.status == "active" else None


def told_filed_already(record: catalogue.Record, issue: issues.Issue, key: str) -> Message:
    """That there is a filed paper already, and how a person makes the waiting one of this key its new version."""
    return msg("the signed paper of {number} is filed already as {code}; "
               "'recordkit match {key} {number} --new-version' files this one in its place, the other stays as an "
               "older version", number=issue.number, code=record.code, key=key)


def file_rescan(writer: Writer, workspace: Workspace, rescan: Rescan, staging: Path) -> catalogue.Record:
    """File a second scan as the next version; code, fields and attachments stay.

    Raises:
        RefusedByRule: meanwhile the record was destroyed, or another scan took the place of the one that was seen.
    """
    record = catalogue.get_record(workspace.db, rescan.record.record_id)
    if record is None or record.status != "active":
        raise RefusedByRule(msg("The record {code} is destroyed; no new version is filed.", code=rescan.record.code))
    if record.sha256 != rescan.record.sha256:
        raise RefusedByRule(msg("another scan of {code} was filed meanwhile", code=record.code))
    new = rescan.new
    store_id = workspace.settings.store.id
    body = {"content": catalogue.keyed(store_id, new.original.sha256), **batch_body(new.batch, store_id)}
    if rescan.reason.strip():
        body["note"] = writer.note(record.record_id, {"reason": rescan.reason})
    kept = catalogue.objects_of(workspace).names(record.record_id)
    without = [name for name in kept if not name.startswith("attachment-") and name != "record.json"
               and name not in new.content]
    return add_version(writer, workspace, record, "record.rescanned", body, _metadata(workspace, record, new),
                       staging=staging, content=new.content, without=without)


def _metadata(workspace: Workspace, record: catalogue.Record, new: NewRecord) -> dict[str, object]:
    metadata = {key: value for key, value in record.metadata.items() if key not in _OF_THE_SCAN}
    attachments = [*_listed(metadata.pop("attachments", None), files=True),
                   *_listed(new.extra.get("attachments"), files=False)]
    metadata |= {key: value for key, value in new.extra.items() if key not in _OF_THE_DOCUMENT}
    metadata.pop("attachments", None)
    return {
        **metadata,
        **({"attachments": attachments} if attachments else {}),
        "pages": new.pages,
        "sha256": new.original.sha256,
        "sha512": new.original.sha512,
        "size": new.original.size,
        "rescanned_at": workspace.clock.stamp(),
        "rescanned_by": workspace.actor,
    }


def _listed(attachments: object, *, files: bool) -> list[object]:
    """Attachments that are files of their own, or those that are pages of the paper's own file."""
    return [one for one in attachments if bool(one.get("name")) is files] if isinstance(attachments, list) else []
