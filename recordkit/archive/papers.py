"""What the record of a paper says: from the document it is the signed paper of, or from what a person gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from msgspec import Struct, structs

from recordkit import files
from recordkit.archive.arrivals import pages_file, told_name
from recordkit.archive.catalogue import Record
from recordkit.archive.filing import Batch, NewRecord, batch_of, meters_of
from recordkit.archive.matching import Portion
from recordkit.archive.metadata import own_fields, split_values
from recordkit.archive.names import PAPER
from recordkit.archive.pdf_actions import KINDS
from recordkit.archive.reading import PaperReading
from recordkit.archive.repair import ReadableCopy
from recordkit.archive.signature_facts import plain_signatures
from recordkit.archive.told import plain_finding
from recordkit.messages import Message, listed, msg
from recordkit.model import Finding, PageText
from recordkit.settings import Settings
from recordkit.templates import issue as issues
from recordkit.templates.completing import lacking_papers, onsite_values
from recordkit.workspace import Workspace


def record_of_issue(
    workspace: Workspace,
    issue: issues.Issue,
    original: tuple[Path, files.Digests],
    texts: Sequence[PageText],
    told: Mapping[str, object],
    copies: Mapping[str, Path] | None = None,
) -> NewRecord:
    """The record of a signed paper: it inherits fields, title, class and number of its document.

    Args:
        workspace: the store.
        issue: the document.
        original: the file in a staging folder, and its digests.
        texts: one per page.
        told: ``told_of`` the paper.
        copies: files made of the original that are kept beside it, by name.

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
        content=_content(original[0], texts, copies or {}),
        original=original[1],
        number=issue.number,
        issue_id=issue.issue_id,
        form=spec.id,
        fields=values,
        extra=extra,
        batch=batch_of(told.get("batch")),
    )


def record_of_class(
    record_class: str,
    given: Mapping[str, object],
    on: date,
    original: tuple[Path, files.Digests],
    texts: Sequence[PageText],
    told: Mapping[str, object],
    copies: Mapping[str, Path] | None = None,
) -> NewRecord:
    """The record of a paper without a document of ours; arguments as in ``record_of_issue``.

    ``given`` is metadata by key (``archive.metadata``); the title is the file's name where none is given.
    """
    core, own = split_values(given)
    core.pop("date", None)
    number = core.pop("number", None)
    return NewRecord(
        record_class=record_class,
        title=str(core.pop("title", None) or Path(str(told["source"])).stem),
        on=on,
        pages=len(texts),
        content=_content(original[0], texts, copies or {}),
        original=original[1],
        number=None if number is None else str(number),
        fields=own,
        extra={**core, **told},
        batch=batch_of(told.get("batch")),
    )


class CatalogueRow(Struct, frozen=True):
    """What an inherited catalogue says of a paper.

    Attributes:
        row: where it stands in the sheet, from 1, the head counted.
        record_class: id of its class.
        fields: metadata by key, as it is stored; title and date are among them.
        code: its archival code, kept as it is; None where the catalogue has no codes.
        pages: how many it should have; None where nothing is said.
        period_term: retention period in the words of that time (永久, 长期 ...), never rewritten.
    """

    row: int
    record_class: str
    fields: dict[str, object]
    code: str | None = None
    pages: int | None = None
    period_term: str | None = None


def record_of_row(
    row: CatalogueRow,
    original: tuple[Path, files.Digests],
    texts: Sequence[PageText],
    told: Mapping[str, object],
    copies: Mapping[str, Path] | None = None,
) -> NewRecord:
    """The record of a paper that an inherited catalogue describes; arguments as in ``record_of_issue``."""
    on = date.fromisoformat(str(row.fields["date"]))
    new = record_of_class(row.record_class, row.fields, on, original, texts, told, copies)
    term = {"period_term": row.period_term} if row.period_term else {}
    # Who was responsible then is not known where the old catalogue does not say so: not the office of today.
    return replace(new, code=row.code, extra={"responsible": None, **new.extra, "origin": "catalogue", **term})


def record_of_rescan(
    record: Record,
    original: tuple[Path, files.Digests],
    texts: Sequence[PageText],
    told: Mapping[str, object],
    copies: Mapping[str, Path] | None = None,
) -> NewRecord:
    """What a second scan brings to the record that it belongs to; arguments as in ``record_of_issue``."""
    return NewRecord(
        record_class=record.record_class,
        title=record.title,
        on=record.date,
        pages=len(texts),
        content=_content(original[0], texts, copies or {}),
        original=original[1],
        number=record.number,
        issue_id=record.issue_id,
        form=record.form,
        extra=told,
        batch=batch_of(told.get("batch")),
    )


def missing_fields(given: Mapping[str, object]) -> tuple[Finding, ...]:
    """Core fields that a record without a document should have and has not."""
    # ``responsible`` is filled in with the office's name where it is not given.
    if "account" in given:
        return ()
    return (Finding("missing-field", msg("the field {field} is not filled in", field=msg("account"))),)


def missing_own_fields(settings: Settings, record_class: str, given: Mapping[str, object]) -> tuple[Finding, ...]:
    """Fields that the office added as required for records of this class, and that a record has not."""
    return tuple(Finding("missing-field", msg("the field {field} is not filled in", field=one.label))
                 for one in own_fields(settings, record_class) if one.required and given.get(one.key) in (None, ""))


def told_of(
    source: Path, matched: str, facts: Mapping[str, object], findings: Sequence[Finding]
) -> dict[str, object]:
    """What the record keeps of how its paper came in."""
    return {"source": told_name(source), "matched": matched, **facts,
            "findings": [plain_finding(one) for one in findings]}


def told_of_pages(portion: Portion) -> dict[str, object]:
    """What the record keeps of its pages and of how surely they were matched.

    ``page_order`` lists the pages of the file in the order in which the document reads, where that is another one;
    ``attachments`` names runs of pages that are no pages of the document.
    """
    told: dict[str, object] = {}
    if portion.pages != tuple(sorted(portion.pages)):
        told["page_order"] = list(portion.pages)
    if portion.attachments:
        told["attachments"] = [{"pages": list(run)} for run in portion.attachments]
    if portion.confidence is not None:
        told["match_confidence"] = portion.confidence
    return told


def attachment_findings(workspace: Workspace, portion: Portion) -> tuple[Finding, ...]:
    """That attachments lie behind the document, and what its checklist still lacks."""
    if not portion.attachments or portion.issue is None:
        return ()
    pages = listed(str(page) for run in portion.attachments for page in run)
    lacking = lacking_papers(workspace, portion.issue)
    if not lacking:
        return (Finding("attachment-pages", msg("pages {pages} are kept as attachments", pages=pages)),)
    return (Finding("attachment-pages", msg(
        "pages {pages} are kept as attachments; not yet ticked on the checklist: {papers}", pages=pages,
        papers=listed(lacking))),)


def facts_of(reading: PaperReading, batch: Batch | None = None) -> dict[str, object]:
    """What the file is: its digital signatures and whether they hold, what it carries, the batch it was cut from."""
    return {**_pdf_facts(reading), **({"batch": batch.plain()} if batch is not None else {})}


def _pdf_facts(reading: PaperReading) -> dict[str, object]:
    facts = reading.facts
    if facts is None:
        return {"signatures": []}
    return {
        "signatures": plain_signatures(reading.signatures),
        "pdf": {
            "producer": facts.producer.encode("utf-8", "replace").decode(),
            "encrypted": facts.encrypted,
            "javascript": facts.has_javascript,
            "attached_files": facts.attached_files,
            "scans": sum(page.is_scan for page in facts.page_facts),
            "carries": None if facts.carries is None else sorted(facts.carries),
            "copy": _plain_copy(reading.copy),
        },
    }


def _plain_copy(copy: ReadableCopy | None) -> dict[str, object] | None:
    if copy is None:
        return None
    return {"name": copy.name, "damaged": copy.damaged, "locked": copy.locked, "pages": copy.pages,
            "lost_pages": copy.lost_pages}


def file_findings(reading: PaperReading) -> tuple[Finding, ...]:
    """What an archivist should know about the file itself: damage, passwords, what it carries beside its pages."""
    found: list[Finding] = []
    copy, facts = reading.copy, reading.facts
    if copy is not None and copy.damaged and copy.lost_pages:
        found.append(Finding("repaired", msg("the file is damaged; pages brought back: {pages}, lost: {lost}",
                                             pages=copy.pages, lost=copy.lost_pages)))
    elif copy is not None and copy.damaged:
        found.append(Finding("repaired", msg("the file is damaged; pages brought back: {pages}", pages=copy.pages)))
    if copy is not None and copy.locked:
        found.append(Finding("decrypted", msg("the file is locked with a password; a copy without it is kept beside "
                                              "it")))
    elif facts is not None and facts.encrypted:
        found.append(Finding("owner-password", msg("the file opens without a password, but forbids some uses of it")))
    if facts is not None and facts.carries is None:
        found.append(Finding("not-examined", msg("whether the file carries scripts or other files cannot be told")))
    elif facts is not None:
        found += [Finding(kind, _CARRIED[kind]) for kind in KINDS if kind in (facts.carries or ())]
    return tuple(found)


_CARRIED: Mapping[str, Message] = {
    "javascript": msg("the file carries scripts"),
    "launch-action": msg("the file can start other programs"),
    "submit-action": msg("the file can send a form's values away or read them in"),
    "embedded-files": msg("the file carries other files"),
    "rich-media": msg("the file carries sound, film or 3D scenes"),
    "xfa": msg("the file is an XFA form: what it shows depends on the program"),
}


def storable(texts: Sequence[PageText]) -> tuple[PageText, ...]:
    """Texts as they can be stored: a lone surrogate in a hostile text layer could not be written as UTF-8."""
    return tuple(structs.replace(one, text=one.text.encode("utf-8", "replace").decode()) for one in texts)


def text_findings(texts: Sequence[PageText], ocr: bool) -> tuple[Finding, ...]:
    """Pages that search will never find: empty ones, and scans that were not read."""
    return tuple(
        Finding("empty-page", msg("page {page} is empty", page=text.page)) if ocr or text.blank else
        Finding("no-text", msg("page {page} was not read: it has no text and OCR was off", page=text.page))
        for text in texts if text.source == "none"
    )


def _content(
    original: Path, texts: Sequence[PageText], copies: Mapping[str, Path]
) -> dict[str, Path | bytes]:
    return {PAPER: original, "text.json": pages_file(texts), **copies}
