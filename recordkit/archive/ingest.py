"""Ingest: every paper that comes in is filed once, or waits, or lies in quarantine with its reason. None is lost.

First it is decided what is to become of a paper, then that is carried out. The order of steps makes a kill at any
moment harmless: staged copy, reading, object, ledger entry, tables, and only then the source leaves the inbox. What
was not finished is found in the inbox again by the next run, and what was filed is recognised by its bytes.

Waiting for the disk is what costs, so papers are carried out in batches that share syncs, ledger batch and
transaction. A batch never holds two papers that could be the same one: the second is decided when the first is filed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from recordkit import files
from recordkit.archive import catalogue, rescanning
from recordkit.archive.archival_code import is_taken, no_code
from recordkit.archive.arrivals import (
    StagedPaper,
    clear_done,
    forget_waiting,
    keep_as_it_waits,
    keep_unmatched,
    leave_inbox,
    leave_quarantine,
    not_put_aside,
    quarantine,
    stays_in_inbox,
    sweep,
)
from recordkit.archive.decisions import (
    WAITS_ALREADY,
    Decision,
    IngestItem,
    IngestOptions,
    Part,
    checked_options,
    decide,
    is_done_with,
    item_of,
    known_content,
    waiting_part,
    waits_already,
)
from recordkit.archive.dropping import clear_dropped
from recordkit.archive.filing import batch_body, file_records
from recordkit.archive.matching import require_open
from recordkit.archive.pdf_signatures import trusted_roots
from recordkit.archive.reading import PaperReading, Progress, read_papers, reading_crew
from recordkit.archive.rehearsing import Rehearsal
from recordkit.archive.staging import Unreadable, stage_window
from recordkit.crew import Crew
from recordkit.errors import RefusedByRule
from recordkit.messages import msg
from recordkit.model import Finding
from recordkit.templates import issue as issues
from recordkit.workspace import Workspace, Writer

_WINDOW = 512
"""Files staged and read together at most: enough to keep every core busy."""

_BATCH = 128
_BATCH_SECONDS = 2.0
"""Papers carried out together at most, and how long the first of them may wait for the others."""


def ingest_papers(
    workspace: Workspace, sources: Sequence[Path], options: IngestOptions, progress: Progress | None = None,
    options_of: Callable[[Path], IngestOptions] | None = None,
) -> Generator[IngestItem, None, None]:
    """File papers in the given order; each item is durable when it is yielded, and closing ends the work there.

    ``options_of`` gives the options of each paper, checked already, where they differ.

    Raises:
        NotFound: the class of the options does not exist.
        InputRefused: a field of the options is no core field.
        MissingPart: OCR is wanted but not installed.
    """
    options = checked_options(workspace, options)
    if not options.dry_run:
        sweep(workspace)
        clear_done(workspace, partial(is_done_with, workspace))
        clear_dropped(workspace)
    left = deque(sources)
    rehearsal = Rehearsal(workspace.settings.ingest) if options.dry_run else None
    with reading_crew(options.jobs, options.ocr, workspace.settings.ingest) as crew:
        while left:
            with workspace.staging() as staging:
                window = [_unreadable(one) if isinstance(one, Unreadable) else one
                          for one in stage_window(left, staging, _WINDOW)]
                yield from _ingest_window(workspace, window, options, staging, crew, progress, rehearsal,
                                          options_of or (lambda _: options))


def _unreadable(one: Unreadable) -> IngestItem:
    return IngestItem(one.source, "quarantined", reason=one.reason)


class _Batch:
    """Decisions that will be carried out together, and items that are durable and were not told yet."""

    def __init__(self, workspace: Workspace, staging: Path, rehearsal: Rehearsal | None) -> None:
        self._workspace = workspace
        self._staging = staging
        self._rehearsal = rehearsal
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
        if self._rehearsal is not None:
            done = iter([list(self._rehearsal.items(one)) for one in decisions])
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
    rehearsal: Rehearsal | None,
    options_of: Callable[[Path], IngestOptions],
) -> Iterator[IngestItem]:
    # What is known by its bytes need not be read.
    names = {
        one.copy: one.source
        for one in staged
        if isinstance(one, StagedPaper) and known_content(workspace, one.digests) is None
        and waits_already(workspace, one, options_of(one.source)) is None
    }
    batch = _Batch(workspace, staging, rehearsal)

    def report(path: Path, done: int, pages: int) -> None:
        batch.carry_out_when_due()  # A page may take seconds: what is decided does not wait for it.
        if progress is not None:
            progress(names[path], done, pages)

    readings: Iterator[PaperReading] = iter(())
    if names:
        readings = read_papers(
            list(names), jobs=options.jobs, ocr=options.ocr, progress=report, crew=crew,
            limits=workspace.settings.ingest, scratch=staging, passwords=options.passwords,
            trusted=trusted_roots(workspace),
        )
    for one in staged:
        if isinstance(one, IngestItem):
            batch.add(one)
        else:
            reading = next(readings) if one.copy in names else None
            own = options_of(one.source)
            decision = decide(workspace, one, reading, own, staging)
            if batch.clashes(decision):
                batch.carry_out()
                decision = decide(workspace, one, reading, own, staging)
            batch.add(decision)
        batch.carry_out_when_due()
        yield from batch.durable()
    batch.carry_out()
    yield from batch.durable()


def carry_out(workspace: Workspace, decision: Decision, staging: Path) -> list[IngestItem]:
    """Do what was decided about one paper; every item is durable when this returns."""
    return carry_out_all(workspace, [decision], staging)[0]


def carry_out_all(workspace: Workspace, decisions: Sequence[Decision], staging: Path) -> list[list[IngestItem]]:
    """Do what was decided about papers; every item is durable when this returns.

    No two of the papers may share a mark (``Decision.marks``).

    Raises:
        OSError: disk full, or the archive cannot be written to. What was not filed lies where it was, and the next run
            goes on from there.
    """
    done = _file_all(workspace, decisions, staging)
    leaving: list[StagedPaper] = []
    for decision, parts in zip(decisions, done, strict=True):
        for at, part in enumerate(parts):
            parts[at] = _put_aside(workspace, decision.paper, part)
        if all(one.is_settled for one in parts):
            leaving.append(decision.paper)
    stuck = leave_inbox(workspace, leaving)
    for decision, parts in zip(decisions, done, strict=True):
        if decision.paper.source in stuck:
            continue
        for part in parts:
            if part.outcome == "archived":
                paper = part.piece or decision.paper
                forget_waiting(workspace, paper.digests, paper.source)
        if any(part.piece is not None for part in parts) and all(part.is_settled for part in parts):
            forget_waiting(workspace, decision.paper.digests, decision.paper.source)
        if all(one.outcome in ("archived", "duplicate", "unmatched") and not one.was_destroyed for one in parts):
            leave_quarantine(workspace, decision.paper)
    return [
        [item_of(decision.paper.source, _told_stuck(part, stuck.get(decision.paper.source))) for part in parts]
        for decision, parts in zip(decisions, done, strict=True)
    ]


def _put_aside(workspace: Workspace, paper: StagedPaper, part: Part) -> Part:
    """Put a paper that is not filed where it belongs; one that cannot be put there costs itself, not the run."""
    try:
        if part.outcome == "quarantined" and part.reason is not None:
            quarantine(workspace, paper, part.reason, part.code)
        elif part.outcome == "unmatched" and part.code == WAITS_ALREADY:
            keep_as_it_waits(workspace, paper)
        elif part.outcome == "unmatched":
            keep_unmatched(workspace, part.piece or paper, part.texts, part.findings, part.facts, part.copies,
                           part.candidates, part.about)
    except OSError as error:
        if files.is_full(error):
            raise
        return Part("deferred", part.texts, (not_put_aside(error), *part.findings), part.reason)
    return part


def _told_stuck(part: Part, error: OSError | None) -> Part:
    if error is None:
        return part
    return replace(part, findings=(*part.findings, stays_in_inbox(error)))


def _file_all(workspace: Workspace, decisions: Sequence[Decision], staging: Path) -> list[list[Part]]:
    """File the new records of all decisions as one batch; the parts as they turned out."""
    if not any(part.new or part.rescan or _is_news(workspace, part) for one in decisions for part in one.parts):
        return [list(decision.parts) for decision in decisions]
    with workspace.writing() as writer:
        taken: set[str] = set()
        settled = [[_settled(workspace, part, taken) for part in decision.parts] for decision in decisions]
        news = [part.new for parts in settled for part in parts if part.new is not None]
        ids = iter(file_records(writer, workspace, news, staging) if news else ())

        def filed(part: Part) -> Part:
            if part.rescan is not None:
                return _file_rescan(workspace, writer, part, part.rescan, staging)
            return part if part.new is None else replace(part, record=catalogue.get_record(workspace.db, next(ids)))

        done = [[filed(part) for part in parts] for parts in settled]
        _enter_known(workspace, writer, [part for parts in done for part in parts])
        return done


def _is_news(workspace: Workspace, part: Part) -> bool:
    """Whether the ledger does not know yet that this record holds a paper of the batch."""
    if part.outcome != "duplicate" or part.batch is None or part.record is None:
        return False
    batch = catalogue.keyed(workspace.settings.store.id, part.batch.sha256)
    return not catalogue.holds_of_batch(workspace.db, batch, part.batch.first_page, part.record.record_id)


def _enter_known(workspace: Workspace, writer: Writer, parts: Sequence[Part]) -> None:
    """Enter which papers of a batch are held already: else it would never be known to be settled."""
    for part in parts:
        if part.batch is not None and part.record is not None and _is_news(workspace, part):
            writer.add("batch.known", {**batch_body(part.batch, workspace.settings.store.id),
                                       "record": part.record.record_id})
    writer.commit()


def _settled(workspace: Workspace, part: Part, taken: set[str]) -> Part:
    """Asked again under the lock: what another process did meanwhile changes the outcome.

    ``taken`` are the issues whose papers are about to be filed, and inherited codes; one file may hold a document
    twice.
    """
    if part.new is None:
        return part
    known = known_content(workspace, part.new.original)
    if known is not None:
        return _as_part_of(known, part)
    code = part.new.code
    if code is not None:
        if code in taken or is_taken(workspace.db, code):
            return _waiting_instead(part, RefusedByRule(
                msg("The archival code {code} is given to another record.", code=code)))
        if (named := no_code(workspace.db, code)) is not None:
            return _waiting_instead(part, RefusedByRule(named))
        taken.add(code)
    if part.issue is not None:
        try:
            issue = issues.find_issue(workspace.db, part.issue.issue_id)
            require_open(replace(issue, status="returned") if issue.issue_id in taken else issue)
        except RefusedByRule as refusal:
            return _waiting_instead(part, refusal)
        taken.add(issue.issue_id)
    return part


def _waiting_instead(part: Part, refusal: RefusedByRule) -> Part:
    """A part that cannot be filed after all."""
    findings = [Finding("not-open", refusal.what), *part.findings]
    return _as_part_of(waiting_part(part.texts, findings, part.facts, part.copies), part)


def _as_part_of(other: Part, part: Part) -> Part:
    """The other outcome of a part: it is the same piece of the same batch."""
    new = part.rescan.new if part.rescan is not None else part.new
    batch = part.batch if part.batch is not None or new is None else new.batch
    return replace(other, piece=part.piece, batch=batch, about=part.about)


def _file_rescan(
    workspace: Workspace, writer: Writer, part: Part, rescan: rescanning.Rescan, staging: Path
) -> Part:
    """File a new version; what another process did meanwhile changes the outcome."""
    known = known_content(workspace, rescan.new.original)
    if known is not None:
        return _as_part_of(known, part)
    try:
        record = rescanning.file_rescan(writer, workspace, rescan, staging)
    except RefusedByRule as refusal:
        return _waiting_instead(part, refusal)
    reason = msg("a new scan: version {version} of {code}", version=record.version, code=record.code)
    return replace(part, record=record, reason=reason)
