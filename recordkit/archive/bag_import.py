"""Records of another archive's bag, filed in this one: new ids and codes, the old ones kept as their origin.

All metadata is read and checked before the first record is filed; what is wrong there refuses the bag. Then records
are filed in batches, each whole or not at all: a run that ended early is run again, and what is filed already is
recognised by its bytes. Text and metadata come along; what a PDF is - damage, scripts, signatures - is found out anew
by the processes that read every paper. Copies that the other archive made of a paper are left behind: the paper counts.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from recordkit import files
from recordkit.archive import catalogue
from recordkit.archive.access import OPEN
from recordkit.archive.archival_code import named_already
from recordkit.archive.arrivals import pages_file
from recordkit.archive.attachments import told_filed
from recordkit.archive.bag_metadata import Incoming, in_order_of_list, read_incoming, read_pages
from recordkit.archive.bag_reading import ReadBag, printable_name
from recordkit.archive.catalogue import Record
from recordkit.archive.classes import RecordClass, load_scheme
from recordkit.archive.filing import NewRecord, file_records
from recordkit.archive.papers import facts_of, file_findings, storable, text_findings
from recordkit.archive.pdf_signatures import trusted_roots
from recordkit.archive.reading import PaperReading, read_papers, reading_crew
from recordkit.archive.registers import OWN_CLASSES
from recordkit.archive.signature_facts import signature_findings
from recordkit.archive.told import plain_finding
from recordkit.crew import Crew
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RefusedByRule
from recordkit.messages import Message, listed, msg
from recordkit.model import Finding, PageText
from recordkit.workspace import Workspace

ACT = "bag.imported"
_BATCH = 64
_BATCH_BYTES = 1 << 29
"""Records staged, read and filed together at most."""
_NAMED = 10

Outcome = Literal["archived", "duplicate", "refused"]


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a bag is filed.

    Attributes:
        classes: class here by class there, for those that are not the same.
        jobs: reading processes.
        passwords: tried on locked files; never stored or shown.
    """

    classes: Mapping[str, str] = field(default_factory=dict)
    jobs: int = 1
    passwords: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ImportItem:
    """What became of one record of a bag.

    Attributes:
        source: its folder in the bag; ``origin_code`` its archival code there.
        record_id, code: here; for a duplicate those of the record that has its bytes. None in a plan.
        reason: why it was not filed.
    """

    source: str
    outcome: Outcome
    origin_code: str
    title: str
    record_class: str
    record_id: str | None = None
    code: str | None = None
    pages: int = 0
    reason: Message | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """A bag whose metadata was read, against what the archive holds. Nothing is written yet."""

    bag: ReadBag
    records: tuple[Incoming, ...]
    duplicates: Mapping[str, Record]

    def items(self) -> list[ImportItem]:
        """What would become of each record, as far as it can be told before its paper is read."""
        return [_item(one, "archived") if one.folder not in self.duplicates
                else _item(one, "duplicate", self.duplicates[one.folder]) for one in self.records]


def plan_import(workspace: Workspace, bag: ReadBag, options: ImportOptions) -> ImportPlan:
    """Read the metadata of every record of a bag; they are filed in the order of its transfer list.

    Raises:
        InputRefused: a record.json is wrong, or a folder holds none; the first ones are named. Or a class is not here.
        RefusedByRule: a restricted record would be filed under a class that is open to all.
        NotFound: a class that is named in place of another one does not exist.
    """
    if bag.loose or not bag.records:
        names = listed(map(printable_name, bag.loose[:_NAMED])) if bag.loose else "data"
        raise InputRefused(msg("The bag holds no record in: {names} (no record.json).", names=names),
                           msg("Only bags that 'recordkit export' wrote can be filed; others: 'recordkit ingest'."))
    scheme = load_scheme(workspace.root)
    mapped = {there: scheme.get(here) for there, here in options.classes.items()}
    records = [read_incoming(workspace.settings, bag, folder) for folder in in_order_of_list(bag)]
    unknown = Counter(one.record_class for one in records
                      if one.record_class not in mapped and
                      (one.record_class not in scheme.classes or one.record_class in OWN_CLASSES))
    if unknown:
        raise InputRefused(
            msg("Classes of the bag that nothing can be filed under here: {classes}.",
                classes=listed(f"{name} ({count})" for name, count in sorted(unknown.items()))),
            msg("Say under which class of this archive: --class-map FILE with the columns from and to; 'recordkit "
                "retention schedule show' lists the classes."))
    wrong = [one.id for one in mapped.values() if one.id in OWN_CLASSES]
    if wrong:
        raise RefusedByRule(msg("{class_id} holds evidence of this archive alone.", class_id=listed(wrong)),
                            msg("Map to another class."))
    opened = []
    for at, one in enumerate(records):
        target: RecordClass = mapped.get(one.record_class) or scheme.classes[one.record_class]
        if one.access != OPEN and target.access == OPEN:
            opened.append(f"{one.code} -> {target.id}")
        records[at] = replace(one, target=target.id)
    if opened:
        raise RefusedByRule(
            msg("{count} restricted record(s) would be open to all here: {records}.", count=len(opened),
                records=listed(opened[:_NAMED])),
            msg("Map their classes to restricted ones with --class-map, or set access = \"restricted\" in "
                "retention.toml."))
    duplicates = {}
    for one in records:
        known = _known(workspace, _sha256_of(bag, one.original))
        if known is not None:
            duplicates[one.folder] = known[0]
    return ImportPlan(bag, tuple(records), duplicates)


def import_bag(workspace: Workspace, plan: ImportPlan, options: ImportOptions) -> Iterator[ImportItem]:
    """File the records of a plan; each item is durable when it is yielded.

    Raises:
        IntegrityFailure: the bag changes while it is read.
        OSError: disk full; what was filed is told, and the next run goes on from there.
    """
    left = deque(plan.records)
    with reading_crew(options.jobs, False, workspace.settings.ingest) as crew:
        while left:
            batch = [left.popleft()]
            size = plan.bag.sizes[batch[0].original]
            while left and len(batch) < _BATCH and size < _BATCH_BYTES:
                size += plan.bag.sizes[left[0].original]
                batch.append(left.popleft())
            yield from _import_batch(workspace, plan, batch, options, crew)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A record that is staged and read."""

    incoming: Incoming
    new: NewRecord
    findings: tuple[Finding, ...]


def _import_batch(
    workspace: Workspace, plan: ImportPlan, batch: Sequence[Incoming], options: ImportOptions, crew: Crew
) -> Iterator[ImportItem]:
    with workspace.staging() as staging:
        told: dict[str, ImportItem] = {}
        staged: list[tuple[Incoming, dict[str, tuple[Path, files.Digests]]]] = []
        for one in batch:
            known = _known(workspace, _sha256_of(plan.bag, one.original))
            if known is not None:
                told[one.folder] = _item(one, "duplicate", known[0], known[1])
            else:
                staged.append((one, _staged(plan.bag, one, staging)))
        readings = _readings(workspace, [copies for _, copies in staged], options, staging, crew)
        ready: list[_Ready] = []
        for one, copies in staged:
            made = _ready(workspace, plan.bag, one, copies, readings)
            if isinstance(made, _Ready):
                ready.append(made)
            else:
                told[one.folder] = _item(one, "refused", reason=made)
        told |= _file(workspace, plan.bag, ready, staging)
    for one in batch:
        yield told[one.folder]


def _file(workspace: Workspace, bag: ReadBag, ready: Sequence[_Ready], staging: Path) -> dict[str, ImportItem]:
    """File what is ready as one batch of the ledger; asked again under the lock whether it is here already."""
    told: dict[str, ImportItem] = {}
    if not ready:
        return told
    with workspace.writing() as writer:
        wanted: dict[str, _Ready] = {}
        for one in ready:
            sha256 = one.new.original.sha256
            if sha256 not in wanted and _known(workspace, sha256) is None:
                wanted[sha256] = one
        if wanted:
            # The act of the bag comes first and takes one number.
            ids = [f"R{writer.next_id(1 + at)}" for at in range(len(wanted))]
            writer.add(ACT, {"bag": catalogue.keyed(workspace.settings.store.id, bag.mark), "records": ids})
            filed = file_records(writer, workspace, [one.new for one in wanted.values()], staging)
            assert filed == ids
        for one in ready:
            known = _known(workspace, one.new.original.sha256)
            assert known is not None
            if wanted.get(one.new.original.sha256) is one:
                told[one.incoming.folder] = replace(_item(one.incoming, "archived", known[0]), findings=one.findings)
            else:
                told[one.incoming.folder] = _item(one.incoming, "duplicate", *known)
    return told


def _item(
    one: Incoming, outcome: Outcome, record: Record | None = None, reason: Message | None = None
) -> ImportItem:
    if outcome == "duplicate" and record is not None and reason is None:
        reason = msg("the same bytes are filed as {code}", code=record.code)
    return ImportItem(one.folder, outcome, one.code, one.title, one.target or one.record_class,
                      record.record_id if record else None, record.code if record else None,
                      record.pages if record else one.pages, reason)


def _known(workspace: Workspace, sha256: str) -> tuple[Record, Message] | None:
    """The record that holds these bytes already, or held them until its destruction, and what is said of it."""
    filed = catalogue.find_content(workspace.db, catalogue.keyed(workspace.settings.store.id, sha256))
    return None if filed is None else (filed.record, told_filed(filed))


def _sha256_of(bag: ReadBag, path: str) -> str:
    return bag.digests[path] if bag.algorithm == "sha256" else files.digests_of(bag.folder / path).sha256


def _staged(bag: ReadBag, one: Incoming, staging: Path) -> dict[str, tuple[Path, files.Digests]]:
    """Paper and attachments of a record in the staging folder, by name, checked once more as they are copied."""
    found = {}
    for path in (one.original, *(f"data/{one.folder}/{name}" for name in one.attachments)):
        name = path.rpartition("/")[2]
        copy = staging / f"{one.folder}-{name}"
        try:
            digests = files.copy_with_digests(bag.folder / path, copy, durable=False)
        except FileNotFoundError:
            digests = None
        if digests is None or getattr(digests, bag.algorithm) != bag.digests[path]:
            raise IntegrityFailure(msg("The bag changed while it was read: {file}.", file=path),
                                   msg("Leave it alone and run it again; what was filed stays filed."))
        found[name] = (copy, digests)
    return found


def _readings(
    workspace: Workspace, staged: Sequence[Mapping[str, tuple[Path, files.Digests]]], options: ImportOptions,
    staging: Path, crew: Crew,
) -> dict[Path, PaperReading]:
    """What the reading processes say of every PDF; no page is read by OCR."""
    papers = [copy for one in staged for name, (copy, _) in one.items() if name.endswith(".pdf")]
    if not papers:
        return {}
    return {one.path: one for one in read_papers(
        papers, jobs=options.jobs, ocr=False, limits=workspace.settings.ingest, scratch=staging,
        passwords=options.passwords, trusted=trusted_roots(workspace), crew=crew)}


def _ready(
    workspace: Workspace, bag: ReadBag, one: Incoming, copies: Mapping[str, tuple[Path, files.Digests]],
    readings: Mapping[Path, PaperReading],
) -> _Ready | Message:
    """The record to be filed, or why it cannot be."""
    if one.number and (named := named_already(workspace.db, one.number)) is not None:
        return named
    name = one.original.rpartition("/")[2]
    original, digests = copies[name]
    reading = readings.get(original)
    content: dict[str, Path | bytes] = {name: original}
    facts: dict[str, object] = {}
    findings: list[Finding] = []
    texts: Sequence[PageText] | None
    try:
        if reading is None:
            texts = read_pages(bag, one, "text.json", None)
        else:
            texts, facts, findings = _of_paper(bag, one, "text.json", reading)
            content |= reading.copies
        entries: list[object] = [*one.page_runs]
        for attachment in one.attachments:
            entries.append(_attached(workspace, bag, one, attachment, copies[attachment], readings, content))
    except InputRefused as refusal:
        return refusal.what
    if texts is not None:
        content["text.json"] = pages_file(texts)
    if entries:
        facts["attachments"] = entries
    told = {"source": one.source, "matched": "bag", "findings": [plain_finding(finding) for finding in findings]}
    new = NewRecord(
        record_class=one.target, title=one.title, on=one.on,
        pages=one.pages if reading is None or texts is None else len(texts), content=content, original=digests,
        number=one.number, form=_form_here(workspace, one.form), fields=one.fields,
        extra={**one.extra, **facts, **told},
        attached={attachment: copies[attachment][1].sha256 for attachment in one.attachments},
    )
    return _Ready(one, new, tuple(findings))


def _attached(
    workspace: Workspace, bag: ReadBag, one: Incoming, name: str, copy: tuple[Path, files.Digests],
    readings: Mapping[Path, PaperReading], content: dict[str, Path | bytes],
) -> dict[str, object]:
    """What record.json says of an attachment, whose files are added to ``content``; raises as ``_of_paper``."""
    path, digests = copy
    stem = name.removesuffix(".pdf")
    texts, facts, findings = _of_paper(bag, one, f"{stem}.text.json", readings[path])
    content |= {name: path, f"{stem}.text.json": pages_file(texts)}
    content |= {f"{stem}.{made}": where for made, where in readings[path].copies.items()}
    about = one.attachments[name]
    return {**facts, "name": name, "pages": [page.page for page in texts], "sha256": digests.sha256,
            "size": digests.size, "item": about.get("item"), "source": about.get("source", ""),
            "added_at": workspace.clock.stamp(), "added_by": workspace.actor,
            "findings": [plain_finding(finding) for finding in findings]}


def _of_paper(
    bag: ReadBag, one: Incoming, text: str, reading: PaperReading
) -> tuple[Sequence[PageText], dict[str, object], list[Finding]]:
    """Pages as the other archive had read them, with facts and findings of our own.

    Raises:
        InputRefused: the PDF cannot be read, or has other pages than its text.
    """
    if reading.failure is not None:
        raise InputRefused(reading.failure.what)
    texts = read_pages(bag, one, text, len(reading.texts)) or storable(reading.texts)
    findings = [*text_findings(texts, True), *file_findings(reading), *reading.findings,
                *signature_findings(reading.signatures)]
    return texts, facts_of(reading), findings


def _form_here(workspace: Workspace, form: str | None) -> str | None:
    """The form of the document, where this archive has one of that name."""
    from recordkit.templates.forms import load_form

    if form is None:
        return None
    try:
        return load_form(workspace.root, form).spec.id
    except (NotFound, InputRefused):
        return None


def read_class_map(path: Path) -> dict[str, str]:
    """Which class here stands for which class there: a table with the columns from and to (来源类别, 本库类别).

    Raises:
        NotFound: no such file.
        InputRefused: it has other columns, an empty cell, or names a class twice.
    """
    from recordkit.templates.rows import read_rows

    found: dict[str, str] = {}
    for row in read_rows(path).rows:
        values = {str(name).strip(): str(value or "").strip() for name, value in row.values.items()}
        there = values.get("from") or values.get("来源类别")
        here = values.get("to") or values.get("本库类别")
        if not there or not here:
            raise InputRefused(msg("Row {row} of {file} does not say which class stands for which.", row=row.row,
                                   file=str(path)), msg("Name the columns from and to, or 来源类别 and 本库类别."))
        if there in found:
            raise InputRefused(msg("Row {row} of {file} names {record} a second time.", row=row.row, file=str(path),
                                   record=there), msg("One row for each class."))
        found[there] = here
    return found
