"""Puts records into the archive: objects first, ledger second, projections last.

Records filed together share the syncs, one ledger batch and one transaction: all of them are in the archive or none.
Killed between objects and ledger entry, the objects are leftovers, announced beforehand, which the next writer clears;
the sources are still where they were, so nothing is lost and nothing is filed twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from recordkit import files, pending
from recordkit.archive import catalogue
from recordkit.archive.access import OPEN
from recordkit.archive.archival_code import CodeTemplate, Numbering
from recordkit.archive.classes import PERMANENT, RecordClass, code_of_period, load_scheme
from recordkit.archive.objects import NewObject, VersionNote, json_bytes
from recordkit.archive.volume_acts import join_by_account
from recordkit.archive_settings import meaning_of_term
from recordkit.workspace import Workspace, Writer


@dataclass(frozen=True, slots=True)
class NewRecord:
    """What is filed, before it has an id and a code.

    Attributes:
        content: ASCII file names to files in the staging folder, or to bytes; one is named ``original.*``.
        original: digests of the original's bytes.
        extra: further metadata for record.json (account, party, findings, source ...), plain JSON.
        number: document number the record answers to; ``issue_id`` the issue whose paper it is.
        batch: the scan that the paper was cut out of; None when it came as a file of its own.
        attached: SHA-256 of each attachment that comes with the paper, by its name in ``content``.
        code: archival code that the item has already, from an inherited catalogue; None for one of ours.
        access: level where it is stricter than that of the class; None for that one.
    """

    record_class: str
    title: str
    on: date
    pages: int
    content: Mapping[str, Path | bytes]
    original: files.Digests
    number: str | None = None
    issue_id: str | None = None
    form: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)
    batch: Batch | None = None
    attached: Mapping[str, str] = field(default_factory=dict)
    code: str | None = None
    access: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """A scan of several papers in one file, and where in it a paper lay.

    Attributes:
        sha256: of the whole file; ``size`` in bytes.
        papers: how many papers it was cut into.
        pages: 1-based pages of the file that the paper consists of.
        source: the file's name.
    """

    sha256: str
    size: int
    papers: int
    pages: tuple[int, ...]
    source: str

    @property
    def first_page(self) -> int:
        """By which the papers of a batch are told apart: equal bytes, or one record, may hold several of them."""
        return min(self.pages)

    def plain(self) -> dict[str, object]:
        """As it stands in record.json."""
        return {"sha256": self.sha256, "size": self.size, "papers": self.papers, "pages": list(self.pages),
                "source": self.source}


def batch_of(plain: object) -> Batch | None:
    """What ``Batch.plain`` wrote; None for anything else."""
    if not isinstance(plain, Mapping):
        return None
    return Batch(str(plain["sha256"]), int(plain["size"]), int(plain["papers"]), tuple(plain["pages"]),
                 str(plain["source"]))


def batch_body(batch: Batch | None, store_id: str) -> dict[str, object]:
    """What the ledger says of the batch: bytes that come back are recognised, yet it is no public digest."""
    if batch is None:
        return {}
    return {"batch": catalogue.keyed(store_id, batch.sha256), "batch_papers": batch.papers,
            "batch_page": batch.first_page, "batch_size": batch.size}


def file_record(writer: Writer, workspace: Workspace, new: NewRecord, staging: Path) -> str:
    """File one record and commit it; see ``file_records``."""
    return file_records(writer, workspace, [new], staging)[0]


def file_records(writer: Writer, workspace: Workspace, news: Sequence[NewRecord], staging: Path) -> list[str]:
    """File records and commit them as one batch: afterwards all of them are in the archive, or none.

    Returns:
        Their record ids, in order.

    Raises:
        NotFound: a class is not in the scheme; nothing was written.
        InputRefused: an inherited code is given already; nothing was written.
    """
    scheme = load_scheme(workspace.root)
    classes = [scheme.get(new.record_class) for new in news]
    now, store_id = workspace.clock.stamp(), workspace.settings.store.id
    ordinal = catalogue.next_ordinal(workspace.db)
    numbering = Numbering(workspace.db, CodeTemplate.of(workspace.settings))
    objects: list[NewObject] = []
    bodies: list[dict[str, object]] = []
    for position, (new, record_class) in enumerate(zip(news, classes, strict=True)):
        record_id = f"R{writer.next_id(position)}"
        period = _period_code(workspace, new, record_class)
        code, place = numbering.code_of(new.code, record_class.id, new.on.year, period)
        metadata = _metadata(workspace, new, record_class, record_id, code, period, now)
        content = {**new.content, "record.json": json_bytes(metadata)}
        objects.append(NewObject(record_id, content, VersionNote(now, "filed", workspace.actor)))
        bodies.append(
            {
                "record": record_id,
                "version": 1,
                "code": code,
                "scope": place.scope,
                "serial": place.serial,
                "ordinal": ordinal + position,
                "class": record_class.id,
                "year": new.on.year,
                "period": period,
                "access": new.access or record_class.access,
                "number": new.number,
                "issue": new.issue_id,
                "form": new.form,
                "content": _contents(store_id, new),
                **batch_body(new.batch, store_id),
            }
        )
    # A rehearsal ends at the commit: the objects would lie there without an entry, until the next writer finds them.
    with (nullcontext() if workspace.rehearsing else
          pending.announced(workspace.root, "objects", [one.object_id for one in objects])):
        inventories = [] if workspace.rehearsing else catalogue.objects_of(workspace).create_many(objects, staging)
        commitments = [catalogue.keyed(store_id, one) for one in inventories] or [""] * len(bodies)
        for body, commitment in zip(bodies, commitments, strict=True):
            writer.add("record.filed", {**body, "commitment": commitment})
        join_by_account(workspace, writer, [
            (one.object_id, str(new.extra["account"]), record_class.id)
            for one, new, record_class in zip(objects, news, classes, strict=True) if new.extra.get("account")])
        writer.commit()
    return [one.object_id for one in objects]


def _period_code(workspace: Workspace, new: NewRecord, record_class: RecordClass) -> str:
    """That of the class; Y where the old term of the record keeps it for ever.

    Of the other terms none is written into a code that never changes: what they mean, the settings may say anew.
    """
    term = str(new.extra.get("period_term") or "")
    meaning = meaning_of_term(term, workspace.settings.archive.old_terms) if term else ""
    return code_of_period(PERMANENT) if meaning == PERMANENT else record_class.period_code


def _contents(store_id: str, new: NewRecord) -> str | dict[str, str]:
    """What the ledger recognises the bytes by: the original's digest, or one for each file where there are several."""
    original = catalogue.keyed(store_id, new.original.sha256)
    if not new.attached:
        return original
    return {catalogue.ORIGINAL: original,
            **{name: catalogue.keyed(store_id, digest) for name, digest in new.attached.items()}}


def _metadata(
    workspace: Workspace, new: NewRecord, record_class: RecordClass, record_id: str, code: str, period: str, now: str
) -> dict[str, object]:
    """What record.json says."""
    return {
        "responsible": workspace.settings.company.name,
        **({"batch": new.batch.plain()} if new.batch is not None else {}),
        **new.extra,
        "record_id": record_id,
        "code": code,
        "record_class": record_class.id,
        "year": new.on.year,
        "period": period,
        "title": new.title,
        "date": new.on.isoformat(),
        "number": new.number,
        "issue_id": new.issue_id,
        "form": new.form,
        "access": new.access or record_class.access,
        "pages": new.pages,
        "sha256": new.original.sha256,
        "sha512": new.original.sha512,
        "size": new.original.size,
        "filed_at": now,
        "filed_by": workspace.actor,
        "fields": dict(new.fields),
    }


def file_generated(
    writer: Writer,
    workspace: Workspace,
    *,
    record_class: str,
    title: str,
    on: date,
    content: Mapping[str, bytes],
    fields: Mapping[str, object],
    pages: int = 1,
    access: str = OPEN,
) -> str:
    """File a record that recordkit itself made (a register, a report) and commit it; returns the record id.

    ``content`` maps ASCII names to bytes; exactly one name begins with ``original.``. ``access``: the
    level of what it tells of; that of its class counts where this is open.
    """
    with workspace.staging() as staging:
        name, data = next((name, data) for name, data in content.items() if name.startswith("original."))
        original = staging / f"new-{name}"
        files.write_atomic(original, data)
        new = NewRecord(
            record_class=record_class,
            title=title,
            on=on,
            pages=pages,
            content={**content, name: original},
            original=files.digests_of(original),
            fields=fields,
            access=None if access == OPEN else access,
        )
        return file_record(writer, workspace, new, staging)


def meters_of(keys: Sequence[str], values: Mapping[str, object]) -> list[str]:
    """Meter numbers named by ``key`` or ``table.column``; a table alone gives all its text cells."""
    found: list[str] = []
    for key in keys:
        name, _, column = key.partition(".")
        value = values.get(name)
        if isinstance(value, list):
            for row in value:
                cells = [row.get(column)] if column else list(row.values())
                found += [str(cell) for cell in cells if cell]
        elif value:
            found.append(str(value))
    return found
