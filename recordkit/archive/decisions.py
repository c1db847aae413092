"""What is to become of papers: decided from what was read on them and what the store holds. Nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Literal

from msgspec import structs

from recordkit import files
from recordkit.archive import catalogue, rescanning, vague_dates
from recordkit.archive.access import OPEN, access_of_all
from recordkit.archive.arrivals import (
    StagedPaper,
    is_waiting_source,
    texts_of,
    told_name,
    unmatched_folder,
    waited_with,
    waiting_batches,
    waiting_key,
    waiting_note,
)
from recordkit.archive.attachments import told_filed
from recordkit.archive.classes import load_scheme
from recordkit.archive.cutting import Piece, cut_batch, require_splitting
from recordkit.archive.dropping import dropped_of_batch
from recordkit.archive.filing import Batch, NewRecord, batch_of
from recordkit.archive.matching import Portion, blank_pages, match_pages, waiting_reason
from recordkit.archive.metadata import CORE, keyed_fields, labels_of, own_fields, read_value, require_fields_of
from recordkit.archive.names import SEARCHABLE
from recordkit.archive.papers import (
    CatalogueRow,
    attachment_findings,
    facts_of,
    file_findings,
    missing_fields,
    missing_own_fields,
    record_of_class,
    record_of_issue,
    record_of_rescan,
    record_of_row,
    storable,
    text_findings,
    told_of,
    told_of_pages,
)
from recordkit.archive.pdf import UnreadablePdf
from recordkit.archive.reading import PaperReading
from recordkit.archive.recognising import Recogniser
from recordkit.archive.registers import REGISTER_CLASS, codes_on, require_filable, title_of, why_no_register
from recordkit.archive.signature_facts import signature_findings
from recordkit.archive.splitting import plan_cuts
from recordkit.archive.told import plain_finding, read_findings
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RefusedByRule
from recordkit.messages import Message, listed, msg
from recordkit.model import Finding, PageText
from recordkit.templates import issue as issues
from recordkit.workspace import Workspace

WAITS_ALREADY = "waits-already"

Outcome = Literal["archived", "duplicate", "unmatched", "quarantined", "deferred"]
"""``deferred``: the file changed while it was read (a scanner still writes it); it stays for the next run."""


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How papers without a code are filed, and how pages are read.

    Attributes:
        record_class: class for papers without a code of ours; None leaves them unmatched.
        fields: metadata of such papers (``archive.metadata``), by key.
        ocr: whether pages without text are read by OCR.
        jobs: reading processes.
        split: whether a scan of several papers is cut into them.
        passwords: each is tried on files that are locked; never stored or shown.
        row: what an inherited catalogue says of the paper; class and fields are its own then.
    """

    record_class: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)
    ocr: bool = True
    jobs: int = 1
    dry_run: bool = False
    split: bool = False
    passwords: tuple[str, ...] = field(default=(), repr=False)
    row: CatalogueRow | None = None


@dataclass(frozen=True, slots=True)
class IngestItem:
    """What became of one file, or of one document in it. ``reason`` says why, where it was not simply archived.

    ``version`` is that of the record as it is now; more than 1 after a second scan.
    """

    source: Path
    outcome: Outcome
    record_id: str | None = None
    code: str | None = None
    number: str | None = None
    pages: int = 0
    ocr_pages: int = 0
    reason: Message | None = None
    findings: tuple[Finding, ...] = ()
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What is to become of a paper, or of a portion of its pages.

    Attributes:
        outcome: what is intended.
        texts: of its pages.
        new: the record to file, when ``archived``; ``issue`` the document whose signed paper it is.
        rescan: what becomes a new version of a record instead.
        record: the record that holds the same bytes, when ``duplicate``.
        facts: of the file, kept beside a paper that waits.
        code: stable word for the reason of a quarantine; ``WAITS_ALREADY`` for a paper that need not be noted again.
        copies: files made of the paper that are kept beside it, by name.
        piece: the paper itself, when it was cut out of a batch.
        candidates: documents that a paper that waits might be.
        batch: the scan that the paper was cut out of.
        about: documents that a paper that waits is known to show, with their pages, and the record whose paper it
            would replace.
    """

    outcome: Outcome
    texts: tuple[PageText, ...] = ()
    findings: tuple[Finding, ...] = ()
    reason: Message | None = None
    new: NewRecord | None = None
    rescan: rescanning.Rescan | None = None
    issue: issues.Issue | None = None
    record: catalogue.Record | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    code: str = ""
    copies: Mapping[str, Path] = field(default_factory=dict)
    piece: StagedPaper | None = None
    candidates: tuple[Mapping[str, object], ...] = ()
    batch: Batch | None = None
    about: Mapping[str, object] = field(default_factory=dict)

    @property
    def was_destroyed(self) -> bool:
        """Bytes that come back after their destruction stay where they are: a person decides what that means."""
        return self.record is not None and self.record.status == "destroyed"

    @property
    def is_settled(self) -> bool:
        """Whether the source need not stay for it: it is filed, or its pages wait as a file of their own."""
        if self.outcome == "unmatched":
            return self.piece is not None
        return self.outcome in ("archived", "duplicate") and not self.was_destroyed


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to become of one paper; nothing has been written yet."""

    paper: StagedPaper
    parts: tuple[Part, ...]

    @property
    def marks(self) -> frozenset[str]:
        """Digests and issue ids by which another paper could turn out to be the same one."""
        news = [part.new.original.sha256 for part in self.parts if part.new is not None]
        news += [part.piece.digests.sha256 for part in self.parts if part.piece is not None]
        named = [part.issue.issue_id for part in self.parts if part.issue is not None]
        return frozenset((self.paper.digests.sha256, *news, *named))

    def rehearsed(self) -> list[IngestItem]:
        """The items as they would be."""
        return [item_of(self.paper.source, part) for part in self.parts]


def checked_options(workspace: Workspace, options: IngestOptions) -> IngestOptions:
    """Options with class and fields by their own names.

    Raises:
        NotFound: the class does not exist.
        RefusedByRule: the class is one of evidence that recordkit makes itself.
        InputRefused: a field is no core field, or a date is none.
        MissingPart: splitting is wanted but not installed.
    """
    if options.record_class is not None:
        options = replace(options, record_class=load_scheme(workspace.root).get(options.record_class).id)
    options = replace(options, fields=_core_fields(workspace, options.fields))
    if options.record_class is not None:
        require_filable(options.record_class)
        require_fields_of(workspace.settings, options.record_class, options.fields)
    if options.split:
        require_splitting()
    return options


def _core_fields(workspace: Workspace, given: Mapping[str, object]) -> dict[str, object]:
    """What was given for papers without a document of ours, by key, each value as it is stored."""
    settings = workspace.settings
    specs = {one.key: one for one in (*CORE, *own_fields(settings))}
    values = {key: read_value(specs[key], value) for key, value in keyed_fields(settings, given).items()}
    return vague_dates.with_last_day(values, workspace.clock.today)


def _class_date(workspace: Workspace, options: IngestOptions) -> date:
    given = options.fields.get("date")
    return workspace.clock.today if given is None else date.fromisoformat(str(given))


def decide(
    workspace: Workspace, paper: StagedPaper, reading: PaperReading | None, options: IngestOptions, staging: Path
) -> Decision:
    """What is to become of one paper that was read; ``reading`` is None for one that need not be."""
    # The same bytes may have been filed a moment ago by this run or another one.
    known = known_content(workspace, paper.digests)
    if known is not None:
        return Decision(paper, (replace(known, batch=batch_of(waited_with(paper.source).get("batch"))),))
    waits = waits_already(workspace, paper, options) if reading is None else None
    if waits is not None:
        return Decision(paper, (waits,))
    if reading is None or not paper.is_still_as_read():
        reason = msg("{file} changed while it was read; it stays for the next run", file=told_name(paper.source))
        return Decision(paper, (Part("deferred", reason=reason),))
    if reading.failure is not None:
        # Told again with the name under which the person knows the file, not that of the staged copy.
        told = UnreadablePdf(Path(told_name(paper.source)), reading.failure.reason)
        reason = msg("{what} {todo}", what=told.what, todo=told.todo or "")
        return Decision(paper, (Part("quarantined", reason=reason, code=reading.failure.reason),))
    reading = _with_known_text(workspace, paper, reading, staging)
    recogniser = Recogniser(workspace)
    pieces: tuple[Piece, ...] = ()
    if options.split:
        cuts = plan_cuts(
            reading, lambda issue_id: issues.find_issue(workspace.db, issue_id), workspace.store_tag, recogniser.named,
            recogniser.shown_forms,
        )
        try:
            pieces = cut_batch(paper, reading, cuts, staging, workspace.settings.ingest)
        except (UnreadablePdf, RefusedByRule) as refusal:
            why = [Finding("not-split", refusal.what)]
            part = waiting_part(storable(reading.texts), why, facts_of(reading), reading.copies)
            return Decision(paper, (replace(part, about={"issues": sorted(reading.issue_ids),
                                                         **_about(workspace, reading)}),))
    if not pieces:
        return Decision(paper, (_part(workspace, Piece(paper, reading), recogniser, options),))
    return Decision(paper, tuple(_part(workspace, piece, recogniser, options) for piece in pieces))


def _part(workspace: Workspace, piece: Piece, recogniser: Recogniser, options: IngestOptions) -> Part:
    """What is to become of a file, or of a piece that was cut out of one."""
    paper, reading = piece.paper, piece.reading
    # A piece that waited and is read anew is still a paper of its batch.
    batch = piece.batch or batch_of(waited_with(paper.source).get("batch"))
    if piece.batch is not None:
        known = known_content(workspace, paper.digests)
        if known is not None:
            return replace(known, piece=paper, batch=batch)
        reading = _with_known_text(workspace, paper, reading, paper.copy.parent)
    register = _register_part(workspace, paper, reading, options, batch) if piece.waits is None else None
    if register is not None:
        return replace(register, batch=batch, piece=paper if piece.batch is not None else None)
    texts = storable(reading.texts)
    find = rescanning.as_if_open(lambda issue_id: issues.find_issue(workspace.db, issue_id))
    portion = piece.waits or match_pages(
        reading, find, workspace.store_tag, recogniser.named, recogniser.shown_forms
    )
    candidates: tuple[Mapping[str, object], ...] = ()
    if portion.issue is None and not portion.is_blocked and options.record_class is None and not _is_strangers(
        workspace, reading
    ):
        portion, candidates = recogniser.match(portion, texts, blank_pages(reading))
    key = waiting_key(paper.digests)
    portion = replace(portion, findings=(*(_with_command(one, key) for one in portion.findings), *piece.findings))
    part = _intended(workspace, paper, reading, portion, options, batch)
    named = {*reading.issue_ids, *([portion.issue.issue_id] if portion.issue is not None else [])}
    about = {"issues": sorted(named), **_about(workspace, reading), **part.about}
    return replace(part, candidates=candidates, batch=batch, about=about,
                   piece=paper if piece.batch is not None else None)


def _register_part(
    workspace: Workspace, paper: StagedPaper, reading: PaperReading, options: IngestOptions, batch: Batch | None
) -> Part | None:
    """What is to become of a destruction register that comes back signed by hand; None for any other paper.

    Its rows name documents of ours: by text it would be taken for one of them.
    """
    codes = codes_on(reading, workspace.store_tag)
    if not codes or options.record_class is not None:
        return None
    texts, facts = storable(reading.texts), facts_of(reading, batch)
    wrong = why_no_register(codes, reading)
    findings = [*text_findings(texts, options.ocr), *file_findings(reading), *reading.findings,
                *signature_findings(reading.signatures)]
    if wrong is not None:
        return waiting_part(texts, [wrong, *findings], facts, reading.copies)
    told = {**told_of(paper.source, "code", facts, findings), "order": codes[0].order}
    given = {"title": title_of(codes[0]), **options.fields}
    new = record_of_class(REGISTER_CLASS, given, _class_date(workspace, options), (paper.copy, paper.digests), texts,
                          told, reading.copies)
    # Its rows name the records; the table of orders is kept above, by retention.order_state.
    named = [row["record_id"] for row in workspace.db.all("SELECT record_id FROM order_items WHERE order_id = :order",
                                                          {"order": codes[0].order})]
    level = access_of_all(workspace.db, named)
    new = replace(new, access=None if level == OPEN else level)
    return Part("archived", texts, tuple(findings), new=new, facts=facts, copies=reading.copies)


def _with_command(finding: Finding, key: str) -> Finding:
    """A finding that the paper of this key holds several documents, with the command that settles it."""
    if finding.code != "several-documents":
        return finding
    told = msg("the file holds pages of {count} documents; 'recordkit ingest --split {key}' files them one by one",
               count=finding.message.params["count"], key=key)
    return structs.replace(finding, message=told)


def waits_already(workspace: Workspace, paper: StagedPaper, options: IngestOptions) -> Part | None:
    """What is said of a paper that waits and that reading anew could not settle; None for any other.

    One that is named where it lies is read: the person wants it tried again.
    """
    if options.record_class is not None or options.split or is_waiting_source(workspace, paper.source):
        return None
    note = waiting_note(workspace, paper.digests)
    if note is None:
        return None
    findings = read_findings(note["findings"])
    if options.ocr and any(one.code == "no-text" for one in findings):
        return None
    reason = msg("it waits already as {key}", key=waiting_key(paper.digests))
    return Part("unmatched", texts_of(note), findings, reason, code=WAITS_ALREADY)


def _with_known_text(
    workspace: Workspace, paper: StagedPaper, reading: PaperReading, staging: Path
) -> PaperReading:
    """A reading without OCR of a paper that waits: pages that were read before keep their text, and its copy."""
    note = waiting_note(workspace, paper.digests)
    if note is None:
        return reading
    known = {one.page: one for one in texts_of(note) if one.text.strip()}
    lost = [one.page for one in reading.texts if not one.text.strip() and one.page in known]
    if not lost:
        return reading
    reading = replace(reading, texts=tuple(known[one.page] if one.page in lost else one for one in reading.texts))
    copy = unmatched_folder(workspace) / waiting_key(paper.digests) / SEARCHABLE
    if reading.searchable is None and copy.is_file():
        target = staging / f"{paper.copy.stem}.kept-searchable.pdf"
        if not target.exists():
            files.copy_with_digests(copy, target)
        reading = replace(reading, searchable=target)
    return reading


def _about(workspace: Workspace, reading: PaperReading) -> dict[str, object]:
    """Whose codes its pages carry, so that nobody files two documents as one."""
    pages: dict[str, set[int]] = {}
    for code in reading.codes:
        if code.printed is not None and code.printed.store_tag == workspace.store_tag:
            try:
                name = issues.find_issue(workspace.db, code.printed.issue_id).number
            except NotFound:
                name = code.printed.issue_id
            pages.setdefault(name, set()).add(code.page)
    return {"documents": {name: sorted(found) for name, found in pages.items()}}


def _is_strangers(workspace: Workspace, reading: PaperReading) -> bool:
    """Whether it carries the code of another store: however much it says what ours says, it is not ours."""
    return any(code.printed is not None and code.printed.store_tag != workspace.store_tag for code in reading.codes)


def _intended(
    workspace: Workspace,
    paper: StagedPaper,
    reading: PaperReading,
    portion: Portion,
    options: IngestOptions,
    batch: Batch | None,
) -> Part:
    texts = storable(reading.texts)
    findings = [*portion.findings, *attachment_findings(workspace, portion), *text_findings(texts, options.ocr),
                *file_findings(reading), *reading.findings, *signature_findings(reading.signatures)]
    facts, original, copies = facts_of(reading, batch), (paper.copy, paper.digests), reading.copies
    if options.row is not None:
        row = options.row
        if portion.issue is not None:
            findings.insert(0, Finding("not-open", msg(
                "row {row} of the catalogue names this file, yet it is the paper of {number}", row=row.row,
                number=portion.issue.number)))
        if portion.issue is not None or portion.is_blocked:
            return waiting_part(texts, findings, facts, copies)
        if row.pages is not None and row.pages != len(texts):
            findings.append(Finding("page-count", msg("the catalogue says {said} page(s), the file has {found}",
                                                      said=row.pages, found=len(texts))))
        findings += missing_own_fields(workspace.settings, row.record_class, row.fields)
        told = {**told_of(paper.source, "catalogue", facts, findings), **labels_of(workspace.settings, row.fields)}
        new = record_of_row(row, original, texts, told, copies)
        return Part("archived", texts, tuple(findings), new=new, facts=facts, copies=copies)
    if portion.issue is not None:
        told = {**told_of(paper.source, portion.how, facts, findings), **told_of_pages(portion)}
        part = Part("archived", texts, tuple(findings), issue=portion.issue, facts=facts, copies=copies)
        try:
            filed = rescanning.filed_record(workspace, portion.issue)
            if filed is not None:
                new = record_of_rescan(filed, original, texts, told, copies)
                return _second_scan(workspace, portion.issue, filed, new, part)
            new = record_of_issue(workspace, portion.issue, original, texts, told, copies)
            lacking = missing_own_fields(workspace.settings, new.record_class, new.fields)
            if lacking:
                findings += lacking
                part = replace(part, findings=tuple(findings))
                told = {**told, "findings": [plain_finding(one) for one in findings]}
                new = replace(new, extra={**new.extra, **told})
            # A class taken out of the schedule since: the other papers of the batch must not fail with this one.
            load_scheme(workspace.root).get(new.record_class)
            return replace(part, new=new)
        except (NotFound, InputRefused, IntegrityFailure) as refusal:
            # Its data or its form is damaged: a person decides, and the other papers go on.
            findings.insert(0, Finding("not-open", refusal.what))
            return waiting_part(texts, findings, facts, copies)
    if options.record_class is not None and not portion.is_blocked:
        findings += missing_fields(options.fields)
        findings += missing_own_fields(workspace.settings, options.record_class, options.fields)
        told = told_of(paper.source, "class", facts, findings)
        new = record_of_class(
            options.record_class, options.fields, _class_date(workspace, options), original, texts,
            {**told, **labels_of(workspace.settings, options.fields)}, copies
        )
        return Part("archived", texts, tuple(findings), new=new, facts=facts, copies=copies)
    return waiting_part(texts, findings, facts, copies)


def _second_scan(
    workspace: Workspace, issue: issues.Issue, filed: catalogue.Record, new: NewRecord, part: Part
) -> Part:
    """A new version where the settings say so and the scan is no worse than the filed one, else a question."""
    worse = rescanning.why_worse(
        rescanning.quality_of(part.texts, part.findings, part.facts), rescanning.quality_of_filed(workspace, filed)
    )
    if workspace.settings.ingest.rescan == "version" and worse is None:
        reason = msg("a new scan: version {version} of {code}", version=filed.version + 1, code=filed.code)
        return replace(part, rescan=rescanning.Rescan(filed, new), record=filed, reason=reason)
    told = [Finding("not-open", rescanning.told_filed_already(filed, issue, waiting_key(new.original)))]
    if worse is not None:
        told.append(Finding("worse-scan", worse))
    part = waiting_part(part.texts, [*told, *part.findings], part.facts, part.copies)
    return replace(part, about={"record": filed.record_id})


def waiting_part(
    texts: tuple[PageText, ...], findings: Sequence[Finding], facts: Mapping[str, object], copies: Mapping[str, Path]
) -> Part:
    """A paper that waits for a person."""
    return Part("unmatched", texts, tuple(findings), waiting_reason(findings), facts=facts, copies=copies)


def known_content(workspace: Workspace, digests: files.Digests) -> Part | None:
    """What is to be said of bytes that are filed already, or were destroyed; None for new ones."""
    content = catalogue.keyed(workspace.settings.store.id, digests.sha256)
    filed = catalogue.find_content(workspace.db, content)
    if filed is None:
        return _known_batch(workspace, digests)
    return Part("duplicate", reason=told_filed(filed), record=filed.record)


def is_done_with(workspace: Workspace, digests: files.Digests) -> bool:
    """Whether nothing is left to do about a file: it is filed, or every paper of the batch is, waits, or was dropped.

    Fed in again, a batch with dropped papers is cut again and they wait anew: somebody wants them after all.
    """
    if known_content(workspace, digests) is not None:
        return True
    keyed = catalogue.keyed(workspace.settings.store.id, digests.sha256)
    batch = catalogue.find_batch(workspace.db, keyed)
    dropped, papers = dropped_of_batch(workspace.db, keyed)
    held, papers = (batch.held, batch.papers) if batch is not None else (frozenset(), papers)
    return bool(dropped) and len(held | dropped | _waiting_pages(workspace, digests.sha256)) >= papers


def _settled_batch(workspace: Workspace, sha256: str) -> catalogue.KnownBatch | None:
    """What is held of a batch scan, when every paper of it is held or waits as a file of its own; else None."""
    batch = catalogue.find_batch(workspace.db, catalogue.keyed(workspace.settings.store.id, sha256))
    if batch is None:
        return None
    return batch if len(batch.held | _waiting_pages(workspace, sha256)) >= batch.papers else None


def _waiting_pages(workspace: Workspace, sha256: str) -> frozenset[int]:
    """First pages of the papers of a batch scan that wait as files of their own."""
    return frozenset(page for digest, page in waiting_batches(workspace) if digest == sha256)


def _known_batch(workspace: Workspace, digests: files.Digests) -> Part | None:
    """A batch scan whose papers are all settled; another one is cut again."""
    batch = _settled_batch(workspace, digests.sha256)
    if batch is None:
        return None
    destroyed = next((one for one in batch.records if one.status == "destroyed"), None)
    if destroyed is not None:
        reason = msg("a paper of this batch was destroyed as {code} under order {order}; the file stays where it is",
                     code=destroyed.code, order=destroyed.destroyed_by or "?")
        return Part("duplicate", reason=reason, record=destroyed)
    codes = listed(one.code for one in batch.records)
    return Part("duplicate", reason=msg("the papers of this batch are filed as {codes}", codes=codes),
                record=batch.records[0])


def item_of(source: Path, part: Part) -> IngestItem:
    """What became of a part, as the caller is told."""
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
        record.version if record is not None else None,
    )
