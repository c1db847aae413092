"""Ingest: every paper that comes in is filed once, or waits, or lies in quarantine with its reason. None is lost.

The order of steps makes a kill at any moment harmless: staged copy, reading, object, ledger entry, tables, and only
then the source leaves the inbox. What was not finished is found in the inbox again by the next run, and what was
filed is recognised by its bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Literal

from recordkit import files
from recordkit.archive import catalogue
from recordkit.archive.arrivals import (
    StagedPaper,
    keep_unmatched,
    leave_inbox,
    plain_page,
    quarantine,
    state_of,
    told_name,
    unmatched_folder,
)
from recordkit.archive.classes import load_scheme
from recordkit.archive.filing import CORE_LABELS, NewRecord, file_record, meters_of
from recordkit.archive.pdf import UnreadablePdf
from recordkit.archive.reading import PaperReading, Progress, read_papers
from recordkit.archive.search.text import normalise
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RefusedByRule
from recordkit.messages import Message, msg
from recordkit.model import Finding, PageText
from recordkit.templates import issue as issues
from recordkit.templates.completing import onsite_values
from recordkit.workspace import Workspace

Outcome = Literal["archived", "duplicate", "unmatched", "quarantined", "deferred"]
"""``deferred``: the file changed while it was read (a scanner still writes it); it stays for the next run."""

_WINDOW = 64
"""Files staged and read together: enough to keep every core busy, few enough to fit on a small disk."""

_PAGE_MARK = re.compile(r"第\s*(\d{1,3})\s*页\s*[,，]?\s*共\s*(\d{1,3})\s*页")


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How papers without a code are filed, and how pages are read.

    Attributes:
        record_class: class for papers without a code of ours; None leaves them unmatched.
        fields: core fields for such papers (title, date, responsible, number, account, box, shelf).
        ocr: whether pages without text are read by OCR.
        jobs: reading processes.
    """

    record_class: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    ocr: bool = True
    jobs: int = 1
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class IngestItem:
    """What became of one file. ``reason`` says why, where it was not simply archived."""

    source: Path
    outcome: Outcome
    record_id: str | None = None
    code: str | None = None
    number: str | None = None
    pages: int = 0
    ocr_pages: int = 0
    reason: Message | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class UnmatchedPaper:
    """A paper that waits for a person: ``key`` names it for ``match``."""

    key: str
    path: Path
    pages: int
    findings: tuple[str, ...]
    text: str


def ingest_papers(
    workspace: Workspace, sources: Sequence[Path], options: IngestOptions, progress: Progress | None = None
) -> Iterator[IngestItem]:
    """File papers in the given order; each item is durable when it is yielded.

    Raises:
        NotFound: the class of the options does not exist.
        InputRefused: a field of the options is no core field.
        MissingPart: OCR is wanted but not installed.
    """
    if options.record_class is not None:
        options = replace(options, record_class=load_scheme(workspace.root).get(options.record_class).id)
    options = replace(options, fields=_core_fields(options.fields))
    _class_date(workspace, options)
    for start in range(0, len(sources), _WINDOW):
        with workspace.staging() as staging:
            yield from _ingest_window(workspace, sources[start : start + _WINDOW], options, staging, progress)


def _core_fields(given: Mapping[str, str]) -> dict[str, str]:
    found = {CORE_LABELS.get(name, name): value for name, value in given.items()}
    for key in found:
        if key not in CORE_LABELS.values():
            raise InputRefused(
                msg("{key} is no core field.", key=key),
                msg("Core fields are: {fields}.",
                    fields=", ".join(f"{key} ({label})" for label, key in CORE_LABELS.items())),
            )
    return found


def _class_date(workspace: Workspace, options: IngestOptions) -> date:
    given = options.fields.get("date")
    try:
        return workspace.clock.today if given is None else date.fromisoformat(given)
    except ValueError:
        raise InputRefused(msg("{value} is not a date.", value=given), msg("Write it like 2026-03-02.")) from None


def list_unmatched(workspace: Workspace) -> list[UnmatchedPaper]:
    """Papers waiting for ``match``."""
    found = []
    for sidecar in sorted(unmatched_folder(workspace).glob("*/reading.json")):
        raw = json.loads(sidecar.read_bytes())
        text = " ".join(str(page["text"]) for page in raw["pages"])
        path = sidecar.parent / str(raw["name"])
        findings = tuple(str(one) for one in raw["findings"])
        found.append(UnmatchedPaper(sidecar.parent.name, path, len(raw["pages"]), findings, text))
    return found


def match_paper(workspace: Workspace, reference: str, number: str, *, dry_run: bool = False) -> IngestItem:
    """File a waiting paper as the signed document ``number``. ``reference`` is its key, file name or path.

    With ``dry_run`` it is only looked whether that could be done.

    Raises:
        NotFound: no such paper, or no such document.
        RefusedByRule: the document is void or its paper is filed already.
    """
    name = Path(reference).name
    waiting = [one for one in list_unmatched(workspace) if reference == one.key or name == one.path.name]
    if len(waiting) != 1:
        raise NotFound(
            msg("{count} waiting papers answer to {reference}.", count=len(waiting), reference=reference),
            msg("'recordkit unmatched list' shows their keys."),
        )
    paper = waiting[0]
    issue = issues.find_issue(workspace.db, number)
    _require_open(issue)
    raw = json.loads((paper.path.parent / "reading.json").read_bytes())
    texts = tuple(PageText(**page) for page in raw["pages"])
    findings = _doubt_findings(issue, texts)
    if dry_run:
        return IngestItem(paper.path, "archived", number=issue.number, pages=len(texts), findings=findings)
    with workspace.staging() as staging:
        staged = staging / "match.pdf"
        digests = files.copy_with_digests(paper.path, staged)
        return _file_issue(
            workspace, paper.path, staged, digests, issue, texts, findings, staging, "by-hand", raw["facts"]
        )


def _ingest_window(
    workspace: Workspace,
    sources: Sequence[Path],
    options: IngestOptions,
    staging: Path,
    progress: Progress | None,
) -> Iterator[IngestItem]:
    staged: list[StagedPaper | IngestItem] = []
    for position, source in enumerate(sources):
        copy = staging / f"{position:04}.pdf"
        try:
            state = state_of(source)
            digests = files.copy_with_digests(source, copy)
        except OSError as error:
            reason = msg("{file} cannot be read: {error}", file=told_name(source),
                         error=error.strerror or str(error))
            # It stays where it is: what cannot be read cannot be copied to quarantine either.
            staged.append(IngestItem(source, "quarantined", reason=reason))
            continue
        staged.append(StagedPaper(source, copy, digests, state))
    # What is known by its bytes need not be read.
    names = {
        one.copy: one.source
        for one in staged
        if isinstance(one, StagedPaper) and _known_content(workspace, one.source, one.digests) is None
    }

    def report(path: Path, done: int, pages: int) -> None:
        if progress is not None:
            progress(names[path], done, pages)

    readings: Iterator[PaperReading] = iter(())
    if names:
        readings = read_papers(list(names), jobs=options.jobs, ocr=options.ocr, progress=report)
    for one in staged:
        if isinstance(one, IngestItem):
            yield one
            continue
        reading = next(readings) if one.copy in names else None
        item = _settle(workspace, one, reading, options, staging)
        if not options.dry_run and item.outcome in ("archived", "duplicate") and not _was_destroyed(workspace, item):
            leave_inbox(workspace, one.source, one.state)
        yield item


def _was_destroyed(workspace: Workspace, item: IngestItem) -> bool:
    """Bytes that come back after their destruction stay where they are: a person decides what that means."""
    record = catalogue.get_record(workspace.db, item.record_id) if item.record_id else None
    return record is not None and record.status == "destroyed"


def _settle(
    workspace: Workspace, paper: StagedPaper, reading: PaperReading | None, options: IngestOptions, staging: Path
) -> IngestItem:
    """Decide what becomes of one paper that was read, and do it."""
    # The same bytes may have been filed a moment ago by this run or another one.
    known = _known_content(workspace, paper.source, paper.digests)
    if known is not None:
        return known
    if reading is None or not paper.is_still_as_read():
        reason = msg("{file} changed while it was read; it stays for the next run", file=told_name(paper.source))
        return IngestItem(paper.source, "deferred", reason=reason)
    if reading.failure is not None:
        # Told again with the name under which the person knows the file, not that of the staged copy.
        told = UnreadablePdf(Path(told_name(paper.source)), reading.failure.reason)
        reason = msg("{what} {todo}", what=told.what, todo=told.todo or "")
        if not options.dry_run:
            quarantine(workspace, paper, reason, reading.failure.reason)
        return IngestItem(paper.source, "quarantined", reason=reason)
    texts = tuple(
        # A lone surrogate in a hostile text layer could not be written as UTF-8.
        PageText(one.page, one.text.encode("utf-8", "replace").decode(), one.source, one.engine, one.confidence,
                 one.turned)
        for one in reading.texts
    )
    issue, findings = _find_issue(workspace, reading)
    findings += _text_findings(texts, options.ocr)
    pages, ocr_pages = len(texts), sum(1 for text in texts if text.source == "ocr")
    if issue is not None:
        findings += _page_findings(texts)
        if options.dry_run:
            return IngestItem(
                paper.source, "archived", number=issue.number, pages=pages, ocr_pages=ocr_pages,
                findings=tuple(findings),
            )
        try:
            return _file_issue(
                workspace, paper.source, paper.copy, paper.digests, issue, texts, tuple(findings), staging, "code",
                _facts(reading),
            )
        except (RefusedByRule, NotFound, InputRefused, IntegrityFailure) as refusal:
            # Filed or voided by another process meanwhile, or its data or form is damaged: a person decides, and
            # the other papers go on.
            findings.insert(0, Finding("not-open", refusal.what))
    if options.record_class is not None and not _blocks_class(findings):
        if options.dry_run:
            return IngestItem(
                paper.source, "archived", pages=pages, ocr_pages=ocr_pages, findings=tuple(findings)
            )
        return _file_class(workspace, paper, texts, options, findings, staging, _facts(reading))
    if not options.dry_run:
        keep_unmatched(workspace, paper, texts, findings, _facts(reading))
    telling = [one.message for one in findings if one.code in (*_BLOCKING, "foreign-code")]
    reason = telling[0] if telling else msg("no printed code of this store was found")
    return IngestItem(
        paper.source, "unmatched", pages=pages, ocr_pages=ocr_pages, reason=reason, findings=tuple(findings)
    )


def _known_content(workspace: Workspace, source: Path, digests: files.Digests) -> IngestItem | None:
    content = catalogue.keyed(workspace.settings.store.id, digests.sha256)
    record = catalogue.find_content(workspace.db, content)
    if record is None:
        return None
    if record.status == "destroyed":
        return IngestItem(
            source,
            "duplicate",
            record.record_id,
            record.code,
            record.number,
            reason=msg("these bytes were destroyed as {code} under order {order}; the file stays where it is",
                       code=record.code, order=record.destroyed_by or "?"),
        )
    return IngestItem(
        source,
        "duplicate",
        record.record_id,
        record.code,
        record.number,
        record.pages,
        reason=msg("the same bytes are filed as {code}", code=record.code),
    )


def _find_issue(workspace: Workspace, reading: PaperReading) -> tuple[issues.Issue | None, list[Finding]]:
    """The one issue that the codes of a paper name, if there is exactly one and its paper is still out."""
    findings: list[Finding] = []
    foreign = [code for code in reading.codes if code.printed is None or code.printed.store_tag != workspace.store_tag]
    for code in foreign:
        findings.append(
            Finding("foreign-code", msg("page {page} carries a code that is not ours", page=code.page))
        )
    ours = {
        code.printed.issue_id
        for code in reading.codes
        if code.printed is not None and code.printed.store_tag == workspace.store_tag
    }
    if len(ours) > 1:
        findings.insert(0, Finding("several-documents",
                                   msg("the file holds pages of {count} documents", count=len(ours))))
        return None, findings
    if not ours:
        return None, findings
    try:
        issue = issues.find_issue(workspace.db, next(iter(ours)))
        _require_open(issue)
    except NotFound:
        findings.insert(0, Finding("unknown-issue", msg("its code names a document that this store did not issue")))
        return None, findings
    except RefusedByRule as refusal:
        findings.insert(0, Finding("not-open", refusal.what))
        return None, findings
    without = sorted(
        set(range(1, len(reading.texts) + 1))
        - {code.page for code in reading.codes if code.printed and code.printed.issue_id == issue.issue_id}
    )
    for page in without:
        findings.append(Finding("page-without-code", msg("page {page} carries no code", page=page)))
    return issue, findings


def _require_open(issue: issues.Issue) -> None:
    if issue.status == "returned":
        raise RefusedByRule(
            msg("the signed paper of {number} is filed already", number=issue.number),
            msg("Compare both: 'recordkit show {number}'.", number=issue.number),
        )
    if issue.status != "issued":
        raise RefusedByRule(msg("{number} is {status}", number=issue.number, status=msg(issue.status)))


def _blocks_class(findings: Sequence[Finding]) -> bool:
    """Papers that name documents of ours must not be filed as something else by a class for the rest."""
    return any(finding.code in _BLOCKING for finding in findings)


_BLOCKING = ("several-documents", "unknown-issue", "not-open")
"""Findings about a paper that names documents of ours, yet cannot be filed as one of them."""


def _doubt_findings(issue: issues.Issue, texts: Sequence[PageText]) -> tuple[Finding, ...]:
    """A paper that a person matched, but that says neither the number nor the account of the document."""
    said = normalise("".join(text.text for text in texts))
    marks = [one for one in (issue.number, issue.account) if one]
    if any(normalise(mark) in said for mark in marks):
        return ()
    return (Finding("doubtful-match", msg("neither number nor account of {number} stands in its text",
                                          number=issue.number)),)


def _text_findings(texts: Sequence[PageText], ocr: bool) -> list[Finding]:
    """Pages that search will never find: empty ones, and scans that were not read."""
    bare = [text.page for text in texts if text.source == "none"]
    if ocr:
        return [Finding("empty-page", msg("page {page} is empty", page=page)) for page in bare]
    return [
        Finding("no-text", msg("page {page} was not read: it has no text and OCR was off", page=page)) for page in bare
    ]


def _facts(reading: PaperReading) -> dict[str, object]:
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


def _page_findings(texts: Sequence[PageText]) -> list[Finding]:
    """Missing, doubled and swapped pages, told from the printed 第n页 共m页."""
    marks = {text.page: _PAGE_MARK.findall(text.text) for text in texts}
    printed = {page: (int(found[-1][0]), int(found[-1][1])) for page, found in marks.items() if found}
    totals = {total for _, total in printed.values()}
    if len(totals) != 1:
        return []
    total = totals.pop()
    findings = []
    numbers = [number for number, _ in printed.values()]
    if len(printed) == len(texts):
        for missing in sorted(set(range(1, total + 1)) - set(numbers)):
            findings.append(
                Finding("missing-page", msg("page {page} of {total} is missing", page=missing, total=total))
            )
        for number in sorted({number for number in numbers if numbers.count(number) > 1}):
            findings.append(Finding("doubled-page", msg("page {page} is there twice", page=number)))
        if numbers != sorted(numbers):
            findings.append(Finding("swapped-page", msg("the pages are not in order")))
    return findings


def _file_issue(
    workspace: Workspace,
    source: Path,
    staged: Path,
    digests: files.Digests,
    issue: issues.Issue,
    texts: tuple[PageText, ...],
    findings: tuple[Finding, ...],
    staging: Path,
    matched: str,
    facts: Mapping[str, object],
) -> IngestItem:
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
        "source": told_name(source),
        "matched": matched,
        **facts,
        "findings": [_plain_finding(one) for one in findings],
    }
    new = NewRecord(
        record_class=spec.record_class or spec.id,
        title=str(data["title"]),
        on=date.fromisoformat(on),
        pages=len(texts),
        content=_content(staged, texts, staging),
        original=digests,
        number=issue.number,
        issue_id=issue.issue_id,
        form=spec.id,
        fields=values,
        extra=extra,
    )
    return _file(workspace, source, new, texts, findings, staging, issue)


def _file_class(
    workspace: Workspace,
    paper: StagedPaper,
    texts: tuple[PageText, ...],
    options: IngestOptions,
    findings: list[Finding],
    staging: Path,
    facts: Mapping[str, object],
) -> IngestItem:
    given = dict(options.fields)
    for key in ("account", "responsible"):
        if key not in given:
            findings.append(Finding("missing-field", msg("the field {field} is not filled in", field=msg(key))))
    on = _class_date(workspace, options)
    extra: dict[str, object] = {key: given[key] for key in ("account", "responsible", "box", "shelf") if key in given}
    extra |= {
        "source": told_name(paper.source),
        "matched": "class",
        **facts,
        "findings": [_plain_finding(one) for one in findings],
    }
    new = NewRecord(
        record_class=str(options.record_class),
        title=given.get("title") or Path(told_name(paper.source)).stem,
        on=on,
        pages=len(texts),
        content=_content(paper.copy, texts, staging),
        original=paper.digests,
        number=given.get("number"),
        extra=extra,
    )
    return _file(workspace, paper.source, new, texts, tuple(findings), staging, None)


def _file(
    workspace: Workspace,
    source: Path,
    new: NewRecord,
    texts: tuple[PageText, ...],
    findings: tuple[Finding, ...],
    staging: Path,
    issue: issues.Issue | None,
) -> IngestItem:
    with workspace.writing() as writer:
        # Asked again under the lock: another process may have filed the same paper meanwhile.
        known = _known_content(workspace, source, new.original)
        if known is not None:
            return known
        if issue is not None:
            _require_open(issues.find_issue(workspace.db, issue.issue_id))
        record_id = file_record(writer, workspace, new, staging)
        record = catalogue.get_record(workspace.db, record_id)
    assert record is not None
    # The same paper may have waited, or lain in quarantine, until somebody said where it belongs.
    for place in (unmatched_folder(workspace), workspace.root / "quarantine"):
        files.remove_tree(place / new.original.sha256[:16])
    ocr_pages = sum(1 for text in texts if text.source == "ocr")
    return IngestItem(
        source, "archived", record_id, record.code, record.number, record.pages, ocr_pages, findings=findings
    )


def _content(staged: Path, texts: tuple[PageText, ...], staging: Path) -> dict[str, Path]:
    text_path = staging / f"{staged.stem}-text.json"
    files.write_atomic(text_path, _text_json(texts), overwrite=True)
    return {"original.pdf": staged, "text.json": text_path}


def _text_json(texts: tuple[PageText, ...]) -> bytes:
    return json.dumps({"pages": [plain_page(one) for one in texts]}, ensure_ascii=False, indent=1).encode() + b"\n"


def _plain_finding(finding: Finding) -> dict[str, object]:
    return {"code": finding.code, "message": finding.message.msgid,
            "params": {name: str(value) for name, value in finding.message.params.items()}}
