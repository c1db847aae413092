"""Ingest: every paper that comes in is filed once, or waits, or lies in quarantine with its reason. None is lost.

First it is decided what is to become of a paper, then that is carried out. The order of steps makes a kill at any
moment harmless: staged copy, reading, object, ledger entry, tables, and only then the source leaves the inbox. What
was not finished is found in the inbox again by the next run, and what was filed is recognised by its bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Literal

from recordkit import files
from recordkit.archive import catalogue
from recordkit.archive.arrivals import (
    StagedPaper,
    forget_waiting,
    keep_unmatched,
    leave_inbox,
    quarantine,
    state_of,
    told_name,
)
from recordkit.archive.classes import load_scheme
from recordkit.archive.filing import CORE_LABELS, NewRecord, file_record
from recordkit.archive.matching import BLOCKING, Portion, match_pages, require_open
from recordkit.archive.papers import (
    facts_of,
    missing_fields,
    record_of_class,
    record_of_issue,
    storable,
    text_findings,
    told_of,
)
from recordkit.archive.pdf import UnreadablePdf
from recordkit.archive.reading import PaperReading, Progress, read_papers
from recordkit.archive.searchable import can_write_searchable
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RefusedByRule
from recordkit.messages import Message, msg
from recordkit.model import Finding, PageText
from recordkit.templates import issue as issues
from recordkit.workspace import Workspace

Outcome = Literal["archived", "duplicate", "unmatched", "quarantined", "deferred"]
"""``deferred``: the file changed while it was read (a scanner still writes it); it stays for the next run."""

_WINDOW = 64
"""Files staged and read together: enough to keep every core busy, few enough to fit on a small disk."""


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
    """What became of one file, or of one document in it. ``reason`` says why, where it was not simply archived."""

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
class Part:
    """What is to become of a paper, or of a portion of its pages.

    Attributes:
        outcome: what is intended.
        texts: of its pages.
        new: the record to file, when ``archived``; ``issue`` the document whose signed paper it is.
        record: the record that holds the same bytes, when ``duplicate``.
        facts: of the file, kept beside a paper that waits.
        code: stable word for the reason of a quarantine.
        searchable: the copy made of the whole file, kept beside a paper that waits.
    """

    outcome: Outcome
    texts: tuple[PageText, ...] = ()
    findings: tuple[Finding, ...] = ()
    reason: Message | None = None
    new: NewRecord | None = None
    issue: issues.Issue | None = None
    record: catalogue.Record | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    code: str = ""
    searchable: Path | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to become of one paper; nothing has been written yet."""

    paper: StagedPaper
    parts: tuple[Part, ...]

    def rehearsed(self) -> list[IngestItem]:
        """The items as they would be."""
        return [_item(self.paper.source, part) for part in self.parts]


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
        if isinstance(one, StagedPaper) and _known_content(workspace, one.digests) is None
    }

    def report(path: Path, done: int, pages: int) -> None:
        if progress is not None:
            progress(names[path], done, pages)

    readings: Iterator[PaperReading] = iter(())
    if names:
        copies = staging if workspace.settings.ingest.searchable and can_write_searchable() else None
        readings = read_papers(list(names), jobs=options.jobs, ocr=options.ocr, progress=report, copies=copies)
    for one in staged:
        if isinstance(one, IngestItem):
            yield one
            continue
        reading = next(readings) if one.copy in names else None
        decision = _decide(workspace, one, reading, options)
        yield from decision.rehearsed() if options.dry_run else carry_out(workspace, decision, staging)


def _decide(
    workspace: Workspace, paper: StagedPaper, reading: PaperReading | None, options: IngestOptions
) -> Decision:
    """What is to become of one paper that was read; None for one that need not be."""
    # The same bytes may have been filed a moment ago by this run or another one.
    known = _known_content(workspace, paper.digests)
    if known is not None:
        return Decision(paper, (known,))
    if reading is None or not paper.is_still_as_read():
        reason = msg("{file} changed while it was read; it stays for the next run", file=told_name(paper.source))
        return Decision(paper, (Part("deferred", reason=reason),))
    if reading.failure is not None:
        # Told again with the name under which the person knows the file, not that of the staged copy.
        told = UnreadablePdf(Path(told_name(paper.source)), reading.failure.reason)
        reason = msg("{what} {todo}", what=told.what, todo=told.todo or "")
        return Decision(paper, (Part("quarantined", reason=reason, code=reading.failure.reason),))
    portions = match_pages(reading, lambda issue_id: issues.find_issue(workspace.db, issue_id), workspace.store_tag)
    return Decision(paper, tuple(_part(workspace, paper, reading, portion, options) for portion in portions))


def _part(
    workspace: Workspace, paper: StagedPaper, reading: PaperReading, portion: Portion, options: IngestOptions
) -> Part:
    every = {text.page: text for text in storable(reading.texts)}
    texts = tuple(every[page] for page in portion.pages)
    findings = [*portion.findings, *text_findings(texts, options.ocr), *reading.findings]
    # A copy of the whole file cannot stand beside a part of it.
    searchable = reading.searchable if len(portion.pages) == len(reading.texts) else None
    facts, original = facts_of(reading), (paper.copy, paper.digests)
    if portion.issue is not None:
        try:
            told = told_of(paper.source, portion.how, facts, findings)
            new = record_of_issue(workspace, portion.issue, original, texts, told, searchable)
            return Part("archived", texts, tuple(findings), new=new, issue=portion.issue, facts=facts)
        except (NotFound, InputRefused, IntegrityFailure) as refusal:
            # Its data or its form is damaged: a person decides, and the other papers go on.
            findings.insert(0, Finding("not-open", refusal.what))
            return replace(_unmatched(texts, findings, facts), searchable=searchable)
    if options.record_class is not None and not portion.is_blocked:
        findings += missing_fields(options.fields)
        told = told_of(paper.source, "class", facts, findings)
        new = record_of_class(
            options.record_class, options.fields, _class_date(workspace, options), original, texts, told, searchable
        )
        return Part("archived", texts, tuple(findings), new=new, facts=facts)
    return replace(_unmatched(texts, findings, facts), searchable=searchable)


def _unmatched(texts: tuple[PageText, ...], findings: Sequence[Finding], facts: Mapping[str, object]) -> Part:
    telling = [one.message for one in findings if one.code in BLOCKING or one.code == "foreign-code"]
    reason = telling[0] if telling else msg("no printed code of this store was found")
    return Part("unmatched", texts, tuple(findings), reason, facts=facts)


def carry_out(workspace: Workspace, decision: Decision, staging: Path) -> list[IngestItem]:
    """Do what was decided about one paper; every item is durable when this returns."""
    paper, done = decision.paper, []
    for part in decision.parts:
        if part.new is not None:
            part = _file(workspace, part, part.new, staging)
        if part.outcome == "quarantined" and part.reason is not None:
            quarantine(workspace, paper, part.reason, part.code)
        elif part.outcome == "unmatched":
            keep_unmatched(workspace, paper, part.texts, part.findings, part.facts, part.searchable)
        elif part.outcome == "archived":
            forget_waiting(workspace, paper.digests)
        done.append(part)
    if all(one.outcome in ("archived", "duplicate") and not _was_destroyed(one) for one in done):
        leave_inbox(workspace, paper.source, paper.state)
    return [_item(paper.source, part) for part in done]


def _file(workspace: Workspace, part: Part, new: NewRecord, staging: Path) -> Part:
    """File one record; what another process did meanwhile changes the outcome."""
    with workspace.writing() as writer:
        # Asked again under the lock: another process may have filed the same paper meanwhile.
        known = _known_content(workspace, new.original)
        if known is not None:
            return known
        if part.issue is not None:
            try:
                require_open(issues.find_issue(workspace.db, part.issue.issue_id))
            except RefusedByRule as refusal:
                return _unmatched(part.texts, [Finding("not-open", refusal.what), *part.findings], part.facts)
        record_id = file_record(writer, workspace, new, staging)
        return replace(part, record=catalogue.get_record(workspace.db, record_id))


def _known_content(workspace: Workspace, digests: files.Digests) -> Part | None:
    content = catalogue.keyed(workspace.settings.store.id, digests.sha256)
    record = catalogue.find_content(workspace.db, content)
    if record is None:
        return None
    reason = msg("the same bytes are filed as {code}", code=record.code)
    if record.status == "destroyed":
        reason = msg("these bytes were destroyed as {code} under order {order}; the file stays where it is",
                     code=record.code, order=record.destroyed_by or "?")
    return Part("duplicate", reason=reason, record=record)


def _was_destroyed(part: Part) -> bool:
    """Bytes that come back after their destruction stay where they are: a person decides what that means."""
    return part.record is not None and part.record.status == "destroyed"


def _item(source: Path, part: Part) -> IngestItem:
    record = part.record
    ocr_pages = sum(1 for text in part.texts if text.source == "ocr")
    number = part.issue.number if part.issue is not None else None
    return IngestItem(
        source,
        part.outcome,
        record.record_id if record is not None else None,
        record.code if record is not None else None,
        record.number if record is not None else number if part.outcome == "archived" else None,
        len(part.texts) if record is None or part.texts else record.pages,
        ocr_pages,
        part.reason,
        part.findings,
    )
