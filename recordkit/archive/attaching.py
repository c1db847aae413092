"""Attaches scans (ID copies, deeds) to the record of a signed document, or lets them wait until it is filed.

At the counter the attachments often come before the signed paper: they wait in the inbox, bound to the document, and
``join_waiting`` brings them behind the paper as soon as it is there. Killed at any step, nothing is lost and nothing
attached twice: the same bytes are recognised, and the source leaves the inbox last.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

from msgspec import structs

from recordkit import files
from recordkit.archive import catalogue
from recordkit.archive.arrivals import (
    StagedPaper,
    clear_left_beside,
    forget_folder,
    forget_waiting,
    is_waiting_source,
    keep_attachment,
    leave_inbox,
    not_put_aside,
    pages_file,
    quarantine,
    read_note,
    stays_in_inbox,
    sweep,
    texts_of,
    told_name,
    unmatched_folder,
    waited_with,
    waiting_folder,
)
from recordkit.archive.attachments import attachments_of, name_of, number_of, text_name, told_filed
from recordkit.archive.filing import batch_body, batch_of
from recordkit.archive.matching import BLOCKING
from recordkit.archive.papers import facts_of, file_findings, storable, text_findings
from recordkit.archive.pdf import UnreadablePdf
from recordkit.archive.pdf_signatures import trusted_roots
from recordkit.archive.reading import PaperReading, Progress, read_papers, reading_crew
from recordkit.archive.signature_facts import signature_findings
from recordkit.archive.staging import Unreadable, is_ours, stage, stage_window
from recordkit.archive.told import plain_finding, read_findings
from recordkit.archive.versions import add_version
from recordkit.crew import Crew
from recordkit.errors import InputRefused, NotFound, RefusedByRule
from recordkit.messages import Message, msg
from recordkit.model import Finding, PageText
from recordkit.settings import IngestSection
from recordkit.templates import completing
from recordkit.templates import issue as issues
from recordkit.templates.rows import RawRow
from recordkit.workspace import Workspace, Writer

Outcome = Literal["attached", "waits", "duplicate", "quarantined", "refused", "deferred"]
"""``waits``: for the signed paper; ``refused``: it is no attachment, nothing was done; ``deferred``: as in ingest."""

_WINDOW = 64
"""Files staged, read and attached together; one window makes one version of the record."""


@dataclass(frozen=True, slots=True)
class AttachOptions:
    """``item`` names the paper on the form's checklist; ``ocr``, ``jobs`` and ``passwords`` as for ingest."""

    item: str | None = None
    ocr: bool = True
    jobs: int = 1
    dry_run: bool = False
    passwords: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class AttachedPaper:
    """What became of one file. ``attachment`` is its number in the record, None while it waits."""

    source: Path
    outcome: Outcome
    record_id: str | None = None
    code: str | None = None
    number: str | None = None
    attachment: int | None = None
    item: str | None = None
    pages: int = 0
    ocr_pages: int = 0
    reason: Message | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """What is attached to: a document, its record once the signed paper is filed, or a record without a document."""

    issue: issues.Issue | None
    record: catalogue.Record | None

    @property
    def number(self) -> str | None:
        """The document number, where there is one."""
        return self.issue.number if self.issue else self.record.number if self.record else None


@dataclass(frozen=True, slots=True)
class _Read:
    """A staged paper that may be attached, with all that reading it brought."""

    paper: StagedPaper
    texts: tuple[PageText, ...]
    findings: tuple[Finding, ...]
    facts: Mapping[str, object] = field(default_factory=dict)
    item: str | None = None
    copies: Mapping[str, Path] = field(default_factory=dict)
    named: tuple[str, ...] = ()
    """Documents of ours whose code it carries: numbers or ids."""


_OF_A_DOCUMENT = BLOCKING | {
    "not-split", "weak-match", "matched-by-text", "doubtful-match", "worse-scan", "waits", "missing-page",
    "doubled-page", "swapped-page", "page-without-code", "stale-revision", "other-document", "attachment-pages",
}
"""Findings about a paper as the signed paper of a document; they say nothing of an attachment."""


def find_target(workspace: Workspace, reference: str) -> Target:
    """What answers to a document number, a record id or an archival code.

    Raises:
        NotFound: nothing does.
        RefusedByRule: the document is void, or the record is destroyed.
    """
    try:
        issue: issues.Issue | None = issues.find_issue(workspace.db, reference)
    except NotFound:
        issue = None
    if issue is None:
        record: catalogue.Record | None = catalogue.find_record(workspace.db, reference)
        assert record is not None
        if record.issue_id is not None:
            with suppress(NotFound):
                issue = issues.find_issue(workspace.db, record.issue_id)
    else:
        record = catalogue.get_record(workspace.db, issue.record_id) if issue.record_id else None
    if record is not None and record.status != "active":
        raise RefusedByRule(msg("The record {code} is destroyed; nothing is attached to it.", code=record.code))
    if record is None and issue is not None and issue.status != "issued":
        raise RefusedByRule(msg("{number} is {status}; nothing is attached to it.", number=issue.number,
                                status=msg(issue.status)))
    return Target(issue, record)


def lacking_of(workspace: Workspace, target: Target) -> tuple[str, ...]:
    """The papers on the checklist that are still to come; none for a record without a document."""
    if target.issue is None:
        return ()
    try:
        return completing.lacking_papers(workspace, issues.find_issue(workspace.db, target.issue.issue_id))
    except NotFound:
        return ()  # Its data was destroyed: nothing is asked for any more.


def attach_papers(
    workspace: Workspace,
    reference: str,
    sources: Sequence[Path],
    options: AttachOptions,
    progress: Progress | None = None,
) -> Iterator[AttachedPaper]:
    """Attach papers to what ``reference`` names, in the given order; each item is durable when it is yielded.

    Raises:
        NotFound: nothing answers to the reference.
        RefusedByRule: the document is void, or the record is destroyed.
        InputRefused: the item is not on the checklist; nothing was done.
        MissingPart: OCR is wanted but not installed.
    """
    target = find_target(workspace, reference)
    if options.item is not None:
        options = replace(options, item=_item_meant(workspace, target, options.item))
    left = deque(sources)
    limits = structs.replace(workspace.settings.ingest, searchable=False)
    with reading_crew(options.jobs, options.ocr, limits) as crew:
        while left:
            with workspace.staging() as staging:
                window = stage_window(left, staging, _WINDOW)
                yield from _attach_window(workspace, reference, window, options, staging, crew, limits, progress)


def join_waiting(workspace: Workspace) -> list[AttachedPaper]:
    """Bring the attachments that wait behind the papers that are filed by now; whatever still has to wait, waits."""
    sweep(workspace)
    clear_left_beside(workspace, partial(_is_filed, workspace))
    found: dict[str, list[Path]] = {}
    for note in sorted(unmatched_folder(workspace).glob("*.*/reading.json")):
        found.setdefault(note.parent.name.rpartition(".")[2], []).append(note)
    joined: list[AttachedPaper] = []
    for issue_id, notes in found.items():
        try:
            target = find_target(workspace, issue_id)
        except (NotFound, RefusedByRule):
            continue  # 'unmatched list' shows them; a person decides.
        if target.record is None:
            continue
        with workspace.staging() as staging:
            ready = [one for position, note in enumerate(notes)
                     if (one := _waiting_paper(note, staging / f"{position:04}.pdf")) is not None]
            joined += _attach(workspace, issue_id, ready, staging)
    return joined


def _is_filed(workspace: Workspace, sha256: str, issue_id: str) -> bool:
    """Whether the archive holds these bytes; those that waited for a document, with its record."""
    record_id = None
    if issue_id:
        try:
            record_id = issues.find_issue(workspace.db, issue_id).record_id
        except NotFound:
            return False
        if record_id is None:
            return False
    return catalogue.find_content(workspace.db, catalogue.keyed(workspace.settings.store.id, sha256),
                                  record_id) is not None


def _waiting_paper(note: Path, copy: Path) -> _Read | None:
    """A paper that waits, staged; None when the note is damaged or its file is gone: 'unmatched list' shows both.

    Raises:
        OSError: the copy cannot be written.
    """
    try:
        raw = json.loads(note.read_bytes())
        texts, findings = texts_of(raw), read_findings(raw["told"])
        facts, item = dict(raw.get("facts", {})), raw.get("item")
        paper = stage(note.parent / str(raw["name"]), copy, durable=False)
        copies = {str(name): copy.with_name(f"{copy.stem}-{name}") for name in raw["copies"]}
        for name, target in copies.items():
            stage(note.parent / name, target, durable=False)
    except OSError as error:
        if is_ours(error, copy.parent):
            raise
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return _Read(paper, texts, findings, facts, item, copies)


def _item_meant(workspace: Workspace, target: Target, name: str) -> str:
    if target.issue is None:
        raise InputRefused(
            msg("This record was not made from a form; it has no checklist of papers."), msg("Leave out --item.")
        )
    found = completing.paper_on_checklist(issues.form_of_issue(workspace, target.issue), name)
    if isinstance(found, Message):
        raise InputRefused(found, msg("Nothing was attached. Name a paper of the checklist, or leave out --item."))
    return found


def _attach_window(
    workspace: Workspace,
    reference: str,
    window: Sequence[StagedPaper | Unreadable],
    options: AttachOptions,
    staging: Path,
    crew: Crew,
    limits: IngestSection,
    progress: Progress | None,
) -> Iterator[AttachedPaper]:
    staged = {position: one for position, one in enumerate(window) if isinstance(one, StagedPaper)}
    settled = {position: AttachedPaper(one.source, "quarantined", reason=one.reason)
               for position, one in enumerate(window) if isinstance(one, Unreadable)}
    # A paper that waits was read before: what was found then, and the copy without password, go with it.
    known = {position: one for position, paper in staged.items()
             if is_waiting_source(workspace, paper.source)
             and (one := _known_paper(paper, options)) is not None}
    names = {paper.copy: paper.source for position, paper in staged.items() if position not in known}

    def report(path: Path, done: int, pages: int) -> None:
        if progress is not None:
            progress(names[path], done, pages)

    readings: Iterator[PaperReading] = iter(())
    if names:
        readings = read_papers(list(names), jobs=options.jobs, ocr=options.ocr, progress=report, crew=crew,
                               limits=limits, scratch=staging, passwords=options.passwords,
                               trusted=trusted_roots(workspace))
    ready: dict[int, _Read] = {}
    for position, paper in staged.items():
        if position in known:
            decided: AttachedPaper | _Read = _refused(workspace, known[position])
        else:
            reading = next(readings)
            decided = _decide(workspace, paper, reading, options)
        if isinstance(decided, _Read):
            ready[position] = decided
            continue
        if position not in known and reading.failure is not None and not options.dry_run:
            decided = _put_aside(workspace, paper, decided, reading.failure.reason)
        settled[position] = decided
    done = _attach(workspace, reference, list(ready.values()), staging, dry_run=options.dry_run)
    settled |= dict(zip(ready, done, strict=True))
    yield from (settled[position] for position in sorted(settled))


def _put_aside(workspace: Workspace, paper: StagedPaper, one: AttachedPaper, code: str) -> AttachedPaper:
    """Put a paper that could not be read into quarantine; where that fails it stays, and costs the others nothing."""
    assert one.reason is not None
    try:
        quarantine(workspace, paper, one.reason, code)
    except OSError as error:
        if files.is_full(error):
            raise
        return replace(one, outcome="deferred", findings=(not_put_aside(error), *one.findings))
    return one


def _decide(
    workspace: Workspace, paper: StagedPaper, reading: PaperReading, options: AttachOptions
) -> AttachedPaper | _Read:
    """Whether a paper may be attached at all, whatever it is attached to."""
    source = paper.source
    if reading.failure is not None:
        # Told again with the name under which the person knows the file, not that of the staged copy.
        told = UnreadablePdf(Path(told_name(source)), reading.failure.reason)
        return AttachedPaper(source, "quarantined", reason=msg("{what} {todo}", what=told.what, todo=told.todo or ""))
    if not paper.is_still_as_read():
        reason = msg("{file} changed while it was read; it stays for the next run", file=told_name(source))
        return AttachedPaper(source, "deferred", reason=reason)
    texts = storable(reading.texts)
    findings = [*text_findings(texts, options.ocr), *file_findings(reading), *signature_findings(reading.signatures)]
    named = tuple(dict.fromkeys(
        code.printed.issue_id for code in reading.codes
        if code.printed is not None and code.printed.store_tag == workspace.store_tag
    ))
    return _refused(workspace, _Read(
        paper, texts, tuple(findings), facts_of(reading, batch_of(waited_with(source).get("batch"))), options.item,
        reading.copies, named,
    ))


def _refused(workspace: Workspace, read: _Read) -> AttachedPaper | _Read:
    """A paper that may be attached, with what its codes say; or why it may not."""
    findings = list(read.findings)
    for number in read.named:
        try:
            issue = issues.find_issue(workspace.db, number)
        except NotFound:
            continue
        if issue.status == "issued":
            # Swallowed as an attachment, the signed paper would count as missing for ever.
            reason = msg("it carries the printed code of {number}, whose signed paper is still out; file it with "
                         "'recordkit ingest'", number=issue.number)
            return AttachedPaper(read.paper.source, "refused", number=issue.number, pages=len(read.texts),
                                 reason=reason)
        findings.append(Finding("carries-code", msg("it carries the printed code of {number}", number=issue.number)))
    return replace(read, findings=tuple(findings))


def _known_paper(paper: StagedPaper, options: AttachOptions) -> _Read | None:
    """A source that is a waiting paper, as it was read when it came; None for one that has to be read."""
    note = read_note(paper.source.parent, paper.digests)
    if note is None or note["name"] != paper.source.name:
        return None
    findings = read_findings(note["told"] if "told" in note else note["findings"])
    is_unread = options.ocr and any(one.code == "no-text" for one in findings)
    if is_unread or not ("told" in note or "documents" in note):
        return None
    # A copy that somebody has removed meanwhile is no reason to keep the paper out of the archive.
    copies = {name: paper.copy.with_name(f"{paper.copy.stem}-{name}") for name in map(str, note.get("copies", ()))
              if (paper.source.parent / name).is_file()}
    for name, copy in copies.items():
        stage(paper.source.parent / name, copy, durable=False)
    about = tuple(one for one in findings if one.code not in _OF_A_DOCUMENT)
    return _Read(paper, texts_of(note), about, note.get("facts", {}), options.item, copies,
                 tuple(note.get("documents", ())))


def _attach(
    workspace: Workspace, reference: str, ready: Sequence[_Read], staging: Path, *, dry_run: bool = False
) -> list[AttachedPaper]:
    """Attach papers, or let them wait, and clear where they came from; one item each, in order."""
    if not ready:
        return []
    if dry_run:
        return _planned(workspace, find_target(workspace, reference), ready)[0]
    with workspace.writing() as writer:
        # Asked again under the lock: the signed paper may have been filed, or the document made void, meanwhile.
        target = find_target(workspace, reference)
        done, new = _planned(workspace, target, ready)
        for item in dict.fromkeys(one.item for one in done if one.item):
            _tick(writer, workspace, target, item)
        if target.record is not None and new:
            _add_to_record(writer, workspace, target.record, new, staging)
        else:
            for one in new.values():
                assert target.issue is not None
                findings = (Finding("waits", msg("waits for the signed paper of {number}",
                                                 number=target.issue.number)), *one.findings)
                more = {"item": one.item, "told": [plain_finding(finding) for finding in one.findings]}
                keep_attachment(workspace, one.paper, one.texts, findings, one.facts, target.issue.issue_id, more,
                                one.copies)
            writer.commit()
    stuck = leave_inbox(workspace, [read.paper for read, what in zip(ready, done, strict=True)
                                    if what.outcome != "waits"])
    for read in ready:
        forget_waiting(workspace, read.paper.digests)
        forget_folder(workspace, read.paper.source)
    return [replace(one, findings=(*one.findings, stays_in_inbox(stuck[one.source]))) if one.source in stuck else one
            for one in done]


def _planned(
    workspace: Workspace, target: Target, ready: Sequence[_Read]
) -> tuple[list[AttachedPaper], dict[str, _Read]]:
    """What becomes of each paper, and those that are new to the record, by the name they get there."""
    record, issue = target.record, target.issue
    number = max((one.number for one in attachments_of(record)), default=0) if record is not None else 0
    done: list[AttachedPaper] = []
    new: dict[str, _Read] = {}
    seen: dict[str, Path] = {}
    lacking = lacking_of(workspace, target)

    def known(base: AttachedPaper, reason: Message, attachment: int | None = None) -> AttachedPaper:
        # It may have come without its name before.
        if base.item in lacking:
            reason = msg("{reason}; {item} is ticked now", reason=reason, item=base.item)
        return replace(base, outcome="duplicate", attachment=attachment, reason=reason)

    for one in ready:
        digests, source = one.paper.digests, one.paper.source
        base = AttachedPaper(source, "attached", number=target.number, item=one.item, pages=len(one.texts),
                             ocr_pages=sum(text.source == "ocr" for text in one.texts), findings=one.findings)
        if record is not None:
            base = replace(base, record_id=record.record_id, code=record.code)
        content = catalogue.keyed(workspace.settings.store.id, digests.sha256)
        filed = catalogue.find_content(workspace.db, content)
        here = catalogue.find_content(workspace.db, content, record.record_id) if record is not None else None
        if digests.sha256 in seen:
            reason = msg("the same bytes as {file}", file=told_name(seen[digests.sha256]))
            done.append(replace(base, outcome="duplicate", reason=reason))
        elif here is not None and here.name == catalogue.ORIGINAL:
            done.append(replace(base, outcome="duplicate", item=None, reason=told_filed(here)))
        elif here is not None:
            done.append(known(base, told_filed(here), number_of(here.name)))
        elif record is None and issue is not None and _waits_already(workspace, issue, one.paper):
            reason = msg("it waits already for the signed paper of {number}", number=issue.number)
            done.append(known(base, reason))
        else:
            # One ID copy may belong to several contracts: that is said, not refused.
            findings = one.findings if filed is None else (*one.findings, Finding("known-bytes", told_filed(filed)))
            number += 1
            name = name_of(number)
            new[name] = replace(one, findings=findings)
            if record is not None:
                done.append(replace(base, attachment=number, findings=findings))
            else:
                reason = msg("the signed paper of {number} is not filed yet; it is added as soon as that comes",
                             number=target.number or "")
                done.append(replace(base, outcome="waits", reason=reason, findings=findings))
        seen.setdefault(digests.sha256, source)
    return done, new


def _waits_already(workspace: Workspace, issue: issues.Issue, paper: StagedPaper) -> bool:
    folder = waiting_folder(workspace, issue.issue_id, paper.digests)
    # The paper itself counts: a copy or a note alone is the leftover of a killed run.
    note = read_note(folder, paper.digests)
    return note is not None and folder / str(note["name"]) != paper.source


def _tick(writer: Writer, workspace: Workspace, target: Target, item: str) -> None:
    """Note that a paper of the checklist came; committed with the attachment."""
    if target.issue is None:
        return
    plan = completing.plan_completions(workspace, [RawRow(1, {}, {})], issue=target.issue, collected=(item,))
    for one in plan.documents:
        if one.collects:
            completing.enter_completion(workspace, writer, one)


def _add_to_record(
    writer: Writer, workspace: Workspace, record: catalogue.Record, new: Mapping[str, _Read], staging: Path
) -> None:
    content: dict[str, Path | bytes] = {}
    listed = record.metadata.get("attachments")
    entries: list[object] = [*listed] if isinstance(listed, list) else []
    for name, one in new.items():
        content[name] = one.paper.copy
        content[text_name(name)] = pages_file(one.texts)
        content |= {f"{name.removesuffix('.pdf')}.{copy}": path for copy, path in one.copies.items()}
        entries.append({
            **one.facts,
            "name": name,
            "pages": [page.page for page in one.texts],
            "sha256": one.paper.digests.sha256,
            "size": one.paper.digests.size,
            "item": one.item,
            "source": told_name(one.paper.source),
            "added_at": workspace.clock.stamp(),
            "added_by": workspace.actor,
            "findings": [plain_finding(finding) for finding in one.findings],
        })
    store_id = workspace.settings.store.id
    body = {"content": {name: catalogue.keyed(store_id, one.paper.digests.sha256) for name, one in new.items()}}
    for one in new.values():
        batch = batch_of(one.facts.get("batch"))
        if batch is not None:
            writer.add("batch.known", {**batch_body(batch, store_id), "record": record.record_id})
    add_version(writer, workspace, record, "record.attached", body, {**record.metadata, "attachments": entries},
                staging=staging, content=content)
