"""Ingest: every paper that comes in is filed once, or waits, or lies in quarantine with its reason. None is lost.

First it is decided what is to become of a paper, then that is carried out. The order of steps makes a kill at any
moment harmless: staged copy, reading, object, ledger entry, tables, and only then the source leaves the inbox. What
was not finished is found in the inbox again by the next run, and what was filed is recognised by its bytes.

Waiting for the disk is what costs, so papers are carried out in batches that share syncs, ledger batch and
transaction. A batch never holds two papers that could be the same one: the second is decided when the first is filed.
"""

from __future__ import annotations

import errno
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Literal

from recordkit import files
from recordkit.archive import catalogue
from recordkit.archive.arrivals import (
    StagedPaper,
    clear_done,
    forget_waiting,
    keep_unmatched,
    leave_inbox,
    leave_quarantine,
    quarantine,
    state_of,
    told_name,
)
from recordkit.archive.classes import load_scheme
from recordkit.archive.filing import CORE_LABELS, NewRecord, file_records
from recordkit.archive.matching import BLOCKING, Portion, match_pages, require_open
from recordkit.archive.papers import (
    facts_of,
    file_findings,
    missing_fields,
    record_of_class,
    record_of_issue,
    storable,
    text_findings,
    told_of,
)
from recordkit.archive.pdf import UnreadablePdf
from recordkit.archive.reading import PaperReading, Progress, read_papers, reading_crew
from recordkit.crew import Crew
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RefusedByRule
from recordkit.messages import Message, msg
from recordkit.model import Finding, PageText
from recordkit.templates import issue as issues
from recordkit.workspace import Workspace

Outcome = Literal["archived", "duplicate", "unmatched", "quarantined", "deferred"]
"""``deferred``: the file changed while it was read (a scanner still writes it); it stays for the next run."""

_WINDOW = 512
_WINDOW_BYTES = 1 << 29
"""Files, and bytes, staged and read together: enough to keep every core busy, few enough to fit on a small disk."""

_BATCH = 128
_BATCH_SECONDS = 2.0
"""Papers carried out together at most, and how long the first of them may wait for the others."""


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How papers without a code are filed, and how pages are read.

    Attributes:
        record_class: class for papers without a code of ours; None leaves them unmatched.
        fields: core fields for such papers (title, date, responsible, number, account, box, shelf).
        ocr: whether pages without text are read by OCR.
        jobs: reading processes.
        passwords: each is tried on files that are locked; never stored or shown.
    """

    record_class: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    ocr: bool = True
    jobs: int = 1
    dry_run: bool = False
    passwords: tuple[str, ...] = field(default=(), repr=False)


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
        copies: files made of the paper that are kept beside it, by name.
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
    copies: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to become of one paper; nothing has been written yet."""

    paper: StagedPaper
    parts: tuple[Part, ...]

    @property
    def marks(self) -> frozenset[str]:
        """Digests and issue ids by which another paper could turn out to be the same one."""
        news = [part.new.original.sha256 for part in self.parts if part.new is not None]
        named = [part.issue.issue_id for part in self.parts if part.issue is not None]
        return frozenset((self.paper.digests.sha256, *news, *named))

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
    if not options.dry_run:
        clear_done(workspace, lambda digests: _known_content(workspace, digests) is not None)
    left = deque(sources)
    with reading_crew(options.jobs, workspace.settings.ingest) as crew:
        while left:
            with workspace.staging() as staging:
                window = _stage_window(left, staging)
                yield from _ingest_window(workspace, window, options, staging, crew, progress)


def _stage_window(left: deque[Path], staging: Path) -> list[StagedPaper | IngestItem]:
    """Copies of the next sources; a source that cannot be read stays where it is, and is told."""
    staged: list[StagedPaper | IngestItem] = []
    room = _WINDOW_BYTES
    while left and len(staged) < _WINDOW and room > 0:
        source = left.popleft()
        copy = staging / f"{len(left):08}.pdf"
        try:
            state = state_of(source)
            digests = files.copy_with_digests(source, copy, durable=False)
        except OSError as error:
            if not source.exists():
                continue  # another run was quicker
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            reason = msg("{file} cannot be read: {error}", file=told_name(source),
                         error=error.strerror or str(error))
            staged.append(IngestItem(source, "quarantined", reason=reason))
            continue
        room -= digests.size
        staged.append(StagedPaper(source, copy, digests, state))
    return staged


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


class _Batch:
    """Decisions that will be carried out together, and items that are durable and were not told yet."""

    def __init__(self, workspace: Workspace, staging: Path, *, rehearse: bool) -> None:
        self._workspace = workspace
        self._staging = staging
        self._rehearse = rehearse
        self._waiting: list[Decision | IngestItem] = []
        self._marks: set[str] = set()
        self._since = 0.0
        self._told: deque[IngestItem] = deque()

    def clashes(self, decision: Decision) -> bool:
        """Whether what waits here may change what is right for this paper."""
        return not self._marks.isdisjoint(decision.marks)

    def add(self, one: Decision | IngestItem) -> None:
        """Let a decision wait for others, or an item for its turn."""
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.append(one)
        if isinstance(one, Decision):
            self._marks |= one.marks

    def carry_out_when_due(self) -> None:
        """Carry out what waits when it is much or has waited for long."""
        if len(self._waiting) >= _BATCH or (self._waiting and time.monotonic() - self._since >= _BATCH_SECONDS):
            self.carry_out()

    def carry_out(self) -> None:
        """Carry out what waits."""
        waiting, self._waiting, self._marks = self._waiting, [], set()
        decisions = [one for one in waiting if isinstance(one, Decision)]
        if self._rehearse:
            done = iter([one.rehearsed() for one in decisions])
        else:
            done = iter(carry_out_all(self._workspace, decisions, self._staging))
        for one in waiting:
            self._told.extend(next(done) if isinstance(one, Decision) else [one])

    def durable(self) -> Iterator[IngestItem]:
        """Items that were carried out, in the order of their papers; each is told once."""
        while self._told:
            yield self._told.popleft()


def _ingest_window(
    workspace: Workspace,
    staged: Sequence[StagedPaper | IngestItem],
    options: IngestOptions,
    staging: Path,
    crew: Crew,
    progress: Progress | None,
) -> Iterator[IngestItem]:
    # What is known by its bytes need not be read.
    names = {
        one.copy: one.source
        for one in staged
        if isinstance(one, StagedPaper) and _known_content(workspace, one.digests) is None
    }
    batch = _Batch(workspace, staging, rehearse=options.dry_run)

    def report(path: Path, done: int, pages: int) -> None:
        batch.carry_out_when_due()  # A page may take seconds: what is decided does not wait for it.
        if progress is not None:
            progress(names[path], done, pages)

    readings: Iterator[PaperReading] = iter(())
    if names:
        readings = read_papers(
            list(names), jobs=options.jobs, ocr=options.ocr, progress=report, limits=workspace.settings.ingest,
            scratch=staging, passwords=options.passwords, crew=crew,
        )
    for one in staged:
        if isinstance(one, IngestItem):
            batch.add(one)
        else:
            reading = next(readings) if one.copy in names else None
            decision = _decide(workspace, one, reading, options)
            if batch.clashes(decision):
                batch.carry_out()
                decision = _decide(workspace, one, reading, options)
            batch.add(decision)
        batch.carry_out_when_due()
        yield from batch.durable()
    batch.carry_out()
    yield from batch.durable()


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
    findings = [*portion.findings, *text_findings(texts, options.ocr), *file_findings(reading)]
    facts, original, copies = facts_of(reading), (paper.copy, paper.digests), reading.copies
    if portion.issue is not None:
        try:
            told = told_of(paper.source, portion.how, facts, findings)
            new = record_of_issue(workspace, portion.issue, original, texts, told, copies)
            return Part("archived", texts, tuple(findings), new=new, issue=portion.issue, facts=facts, copies=copies)
        except (NotFound, InputRefused, IntegrityFailure) as refusal:
            # Its data or its form is damaged: a person decides, and the other papers go on.
            findings.insert(0, Finding("not-open", refusal.what))
            return _unmatched(texts, findings, facts, copies)
    if options.record_class is not None and not portion.is_blocked:
        findings += missing_fields(options.fields)
        told = told_of(paper.source, "class", facts, findings)
        new = record_of_class(
            options.record_class, options.fields, _class_date(workspace, options), original, texts, told, copies
        )
        return Part("archived", texts, tuple(findings), new=new, facts=facts, copies=copies)
    return _unmatched(texts, findings, facts, copies)


def _unmatched(
    texts: tuple[PageText, ...], findings: Sequence[Finding], facts: Mapping[str, object], copies: Mapping[str, Path]
) -> Part:
    telling = [one.message for one in findings if one.code in BLOCKING or one.code == "foreign-code"]
    reason = telling[0] if telling else msg("no printed code of this store was found")
    return Part("unmatched", texts, tuple(findings), reason, facts=facts, copies=copies)


def carry_out(workspace: Workspace, decision: Decision, staging: Path) -> list[IngestItem]:
    """Do what was decided about one paper; every item is durable when this returns."""
    return carry_out_all(workspace, [decision], staging)[0]


def carry_out_all(workspace: Workspace, decisions: Sequence[Decision], staging: Path) -> list[list[IngestItem]]:
    """Do what was decided about papers; every item is durable when this returns.

    No two of the papers may share a mark (``Decision.marks``).

    Raises:
        OSError: disk full or broken. What was not filed lies where it was, and the next run goes on from there.
    """
    done = _file_all(workspace, decisions, staging)
    leaving: list[StagedPaper] = []
    for decision, parts in zip(decisions, done, strict=True):
        paper = decision.paper
        for part in parts:
            if part.outcome == "quarantined" and part.reason is not None:
                quarantine(workspace, paper, part.reason, part.code)
            elif part.outcome == "unmatched":
                keep_unmatched(workspace, paper, part.texts, part.findings, part.facts, part.copies)
        if all(one.outcome in ("archived", "duplicate") and not _was_destroyed(one) for one in parts):
            leaving.append(paper)
    stuck = leave_inbox(workspace, leaving)
    for decision, parts in zip(decisions, done, strict=True):
        paper = decision.paper
        if any(part.outcome == "archived" for part in parts):
            forget_waiting(workspace, paper.digests, paper.source)
        if all(one.outcome in ("archived", "duplicate", "unmatched") and not _was_destroyed(one) for one in parts):
            leave_quarantine(workspace, paper)
    return [
        [_item(decision.paper.source, _told_stuck(part, stuck.get(decision.paper.source))) for part in parts]
        for decision, parts in zip(decisions, done, strict=True)
    ]


def _told_stuck(part: Part, error: OSError | None) -> Part:
    if error is None:
        return part
    told = msg("it is filed, but could not be taken out of the inbox: {error}", error=error.strerror or str(error))
    return replace(part, findings=(*part.findings, Finding("stays-in-inbox", told)))


def _file_all(workspace: Workspace, decisions: Sequence[Decision], staging: Path) -> list[list[Part]]:
    """File the new records of all decisions as one batch; the parts as they turned out."""
    if not any(part.new is not None for decision in decisions for part in decision.parts):
        return [list(decision.parts) for decision in decisions]
    with workspace.writing() as writer:
        taken: set[str] = set()
        settled = [[_settled(workspace, part, taken) for part in decision.parts] for decision in decisions]
        news = [part.new for parts in settled for part in parts if part.new is not None]
        ids = iter(file_records(writer, workspace, news, staging) if news else ())
        return [
            [part if part.new is None else replace(part, record=catalogue.get_record(workspace.db, next(ids)))
             for part in parts]
            for parts in settled
        ]


def _settled(workspace: Workspace, part: Part, taken: set[str]) -> Part:
    """Asked again under the lock: what another process did meanwhile changes the outcome.

    ``taken`` are the issues whose papers are about to be filed; one file may hold a document twice.
    """
    if part.new is None:
        return part
    known = _known_content(workspace, part.new.original)
    if known is not None:
        return known
    if part.issue is not None:
        try:
            issue = issues.find_issue(workspace.db, part.issue.issue_id)
            require_open(replace(issue, status="returned") if issue.issue_id in taken else issue)
        except RefusedByRule as refusal:
            return _unmatched(part.texts, [Finding("not-open", refusal.what), *part.findings], part.facts, part.copies)
        taken.add(issue.issue_id)
    return part


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
