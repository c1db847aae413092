"""Records copied out of the store as a BagIt 1.0 bag (RFC 8493), with a list of what is transferred (移交清单).

The bag is made in a staging folder beside its target, read back by the ``bagit`` library, entered in the ledger and
then given its name: it appears whole or not at all. Killed between the last two, the ledger names an export that never
appeared; the other way round, a copy would be out that nobody knows of.

Payload: ``data/<record id>/`` with every file of the record's newest version under its logical name, and
``data/transfer-list.json`` and ``.xlsx``. Record ids are ASCII letters and digits, so that no name can lead anywhere.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from recordkit import __version__, files
from recordkit.archive import catalogue
from recordkit.archive.access import OPEN, clearance_of
from recordkit.archive.catalogue import Holding, Record
from recordkit.archive.classes import load_scheme
from recordkit.archive.exported import ACT
from recordkit.archive.held import holds_on_filed
from recordkit.archive.selection import Selection, select_records
from recordkit.archive.vague_dates import given_date
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RefusedByRule
from recordkit.messages import Message, listed, msg
from recordkit.people import find_person, list_people
from recordkit.workspace import Workspace

if TYPE_CHECKING:
    from recordkit.templates.sheetwriter import Cell

ALGORITHMS = ("sha256", "sha512")
LIST_NAME = "transfer-list"
LIST_FORMAT = 1
COLUMNS = ("序号", "档号", "题名", "日期", "页数", "文件", "字节", "SHA-256")
"""Of the transfer list as a spreadsheet: one row for the paper of a record, one for each attachment."""
ROLES_FOR_HELD = ("archivist", "administrator")
"""Who may take copies of held records out, once people are registered."""
MOST_RECORDS = 100_000
"""Records of one bag: more of them are handed over in parts."""
_NAMED = 10
"""Refused records that a message names."""

Progress = Callable[[int], None]
"""Told after each record how many are copied."""


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """Which records go out; ``files`` and ``bytes`` that they have. Nothing is written yet."""

    holdings: tuple[Holding, ...]
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Export:
    """A bag that was made.

    Attributes:
        folder: where it lies; ``files`` and ``bytes`` of its payload, transfer lists included.
        digest: SHA-256 of its tagmanifest-sha256.txt, which binds every byte of the bag.
    """

    export_id: str
    folder: Path
    records: int
    files: int
    bytes: int
    digest: str


def plan_export(workspace: Workspace, wanted: Sequence[str] | Selection) -> ExportPlan:
    """The records that are named, or selected, and may go out.

    Raises:
        NotFound: a name answers to no record, or to a destroyed one; or nothing is selected.
        InputRefused: more than a bag may hold.
        RefusedByRule: some are restricted or held and the actor may not take them out; they are named.
    """
    if isinstance(wanted, Selection):
        found: Iterator[Record] = select_records(workspace.db, wanted)
    else:
        found = (_active(workspace, one) for one in wanted)
    holdings: dict[str, Holding] = {}
    for record in found:
        holdings[record.record_id] = Holding.of(record)
        if len(holdings) > MOST_RECORDS:
            raise InputRefused(msg("A bag holds at most {count} records.", count=MOST_RECORDS),
                               msg("Export in parts: one year or one class at a time."))
    if not holdings:
        raise NotFound(msg("No record is selected."), msg("'recordkit search' finds records; name them, or give "
                                                          "--class, --year or --box."))
    _require_allowed(workspace, holdings.values())
    objects = catalogue.objects_of(workspace)
    sizes = [path.stat().st_size for one in holdings for _, path, _ in objects.current_files(one) if path.exists()]
    return ExportPlan(tuple(holdings.values()), len(sizes), sum(sizes))


def _active(workspace: Workspace, reference: str) -> Record:
    record = catalogue.find_record(workspace.db, reference)
    if record.status != "active":
        raise NotFound(
            msg("The record {code} was destroyed; nothing of it is left.", code=record.code),
            msg("Its row stands in the register: recordkit destruction show {order}", order=record.destroyed_by or "?"),
        )
    return record


def _require_allowed(workspace: Workspace, holdings: Iterable[Holding]) -> None:
    """Stop when one of the records may not go out by the hand of the actor."""
    clearance, may_take_held = clearance_of(workspace), _may_take_held(workspace)
    restricted: list[str] = []
    held: list[str] = []
    for one in holdings:
        record = catalogue.get_record(workspace.db, one.record_id)
        if record is not None and record.access != OPEN and not clearance.full:
            restricted.append(record.code)
        if not may_take_held and holds_on_filed(workspace.db, one.record_id):
            held.append(one.code)
    who = msg("Say who you are with --as ID; 'recordkit people list' shows who holds which role.")
    if restricted:
        raise RefusedByRule(
            msg("{count} record(s) are restricted ({codes}); to see them needs the role {roles}.",
                count=len(restricted), codes=listed(restricted[:_NAMED]), roles=clearance.told_roles), who)
    if held:
        raise RefusedByRule(
            msg("{count} record(s) are held ({codes}); to take copies of them out needs the role {roles}.",
                count=len(held), codes=listed(held[:_NAMED]), roles=tuple(map(msg, ROLES_FOR_HELD))), who)


def _may_take_held(workspace: Workspace) -> bool:
    """In a store where nobody is registered there is nobody to tell apart."""
    if not list_people(workspace.db):
        return True
    if workspace.actor.startswith("os:"):
        return False
    return bool(set(ROLES_FOR_HELD) & set(find_person(workspace.db, workspace.actor).roles))


def require_target(workspace: Workspace, out: Path) -> None:
    """Stop unless a bag may be made at ``out``.

    Raises:
        InputRefused: something is there, its parent is not, or it lies in the store, where no destruction looks.
    """
    if os.path.lexists(out):
        raise InputRefused(msg("The folder {folder} exists already.", folder=str(out)),
                           msg("Name a folder that does not exist; a bag is never written over anything."))
    if not out.parent.is_dir():
        raise InputRefused(msg("There is no folder {folder}.", folder=str(out.parent)), msg("Make it first."))
    if workspace.root.resolve() in (out.resolve(), *out.resolve().parents):
        raise InputRefused(msg("The folder {folder} lies inside the store.", folder=str(out)),
                           msg("Copies for others lie outside: what is destroyed must be gone from the store."))


def export_bag(
    workspace: Workspace,
    plan: ExportPlan,
    out: Path,
    *,
    receiver: str | None = None,
    note: str | None = None,
    progress: Progress | None = None,
) -> Export:
    """Make the bag of a plan at ``out`` and enter it in the ledger.

    Args:
        workspace: the store.
        plan: what goes out.
        out: folder that does not exist.
        receiver: id of the registered person who gets it.
        note: to whom or what for; kept beside each record and destroyed with it.
        progress: see ``Progress``.

    Raises:
        InputRefused: see ``require_target``.
        NotFound: the receiver is not registered.
        IntegrityFailure: a file is not what was filed.
        RefusedByRule: a record was changed, held or destroyed since the plan was made, or the receiver is revoked.
        OSError: disk full; nothing is left.
    """
    require_target(workspace, out)
    if receiver is not None and (person := find_person(workspace.db, receiver)).revoked:
        raise RefusedByRule(msg("{id} was revoked and acts no more.", id=person.id))
    room = out.parent / ".recordkit-bag"
    try:
        with files.staging(room) as staging:
            bag = staging / "bag"
            made = _Bag(workspace, bag, staging)
            for count, holding in enumerate(plan.holdings, 1):
                made.add(holding)
                if progress is not None:
                    progress(count)
            made.finish(len(plan.holdings))
            validate(bag)
            digest = mark_of(bag)
            ready = staging / "ready"
            files.publish(bag, ready)  # what takes time is done before the lock is taken
            with workspace.writing() as writer:
                _require_unchanged(workspace, plan)
                export_id = f"X{writer.next_id()}"
                notes = {one.record_id: writer.note(one.record_id, {"reason": note}) if note else None
                         for one in plan.holdings}
                writer.add(ACT, {
                    "export": export_id, "format": "bagit", "records": notes, "to": receiver,
                    "digest": catalogue.keyed(workspace.settings.store.id, digest),
                    "files": made.count, "bytes": made.bytes,
                })
                writer.commit()
                require_target(workspace, out)
                files.publish(ready, out)
    finally:
        try:
            files.remove_empty(room, within=out.parent)
        except KeyboardInterrupt:
            files.remove_empty(room, within=out.parent)
            raise
    return Export(export_id, out, len(plan.holdings), made.count, made.bytes, digest)


def _require_unchanged(workspace: Workspace, plan: ExportPlan) -> None:
    """Stop when what was copied is no longer what the archive holds, or may no longer go out."""
    changed = []
    for one in plan.holdings:
        record = catalogue.get_record(workspace.db, one.record_id)
        if record is None or record.status != "active" or record.commitment != one.commitment:
            changed.append(one.code)
    if changed:
        raise RefusedByRule(
            msg("Changed or destroyed while the copies were made: {codes}.", codes=listed(changed[:_NAMED])),
            msg("Nothing was written; run it again."))
    _require_allowed(workspace, plan.holdings)


class _Bag:
    """A bag that grows record by record; what is told of each file waits on disk, not in memory."""

    def __init__(self, workspace: Workspace, folder: Path, staging: Path) -> None:
        self.count = self.bytes = 0
        self._workspace, self._folder = workspace, folder
        self._objects = catalogue.objects_of(workspace)
        self._manifests = {name: files.Spool(staging) for name in ALGORITHMS}
        self._entries = files.Spool(staging)
        self._classes: set[str] = set()
        files.draft_folder(folder / "data")

    def add(self, holding: Holding) -> None:
        """Copy all files of a record."""
        record = catalogue.get_record(self._workspace.db, holding.record_id)
        if record is None or record.commitment != holding.commitment or record.status != "active":
            raise RefusedByRule(msg("Changed or destroyed while the copies were made: {codes}.", codes=holding.code),
                                msg("Nothing was written; run it again."))
        folder = files.draft_folder(self._folder / "data" / record.record_id)
        told = []
        for name, path, sha512 in self._objects.current_files(record.record_id):
            digests = _copied(record, name, path, sha512, folder / name)
            self._note(f"data/{record.record_id}/{name}", digests)
            told.append({"path": f"{record.record_id}/{name}", "bytes": digests.size, "sha256": digests.sha256})
        self._classes.add(record.record_class)
        self._entries.append(json.dumps({
            "record_id": record.record_id, "code": record.code, "record_class": record.record_class,
            "title": record.title, "date": record.date.isoformat(), "date_given": given_date(record),
            "pages": record.pages, "access": record.access,
            "version": record.version, "filed_at": record.metadata.get("filed_at"), "files": told,
        }, ensure_ascii=False).encode("utf-8", "replace"))

    def finish(self, records: int) -> None:
        """Write lists, manifests and the files that make a bag of it."""
        self._write_json(records)
        self._write_xlsx()
        for name, spool in self._manifests.items():
            with files.writing(self._folder / f"manifest-{name}.txt") as handle:
                for line in spool:
                    handle.write(line + b"\n")
        files.write_atomic(self._folder / "bagit.txt",
                           b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
        files.write_atomic(self._folder / "bag-info.txt", self._info(records))
        tags = ["bag-info.txt", "bagit.txt", *(f"manifest-{name}.txt" for name in ALGORITHMS)]
        digests = {tag: files.digests_of(self._folder / tag) for tag in tags}
        for name in ALGORITHMS:
            lines = [f"{getattr(digests[tag], name)}  {tag}\n" for tag in tags]
            files.write_atomic(self._folder / f"tagmanifest-{name}.txt", "".join(lines).encode())

    def _note(self, path: str, digests: files.Digests) -> None:
        for name, spool in self._manifests.items():
            spool.append(f"{getattr(digests, name)}  {path}".encode())
        self.count += 1
        self.bytes += digests.size

    def _write_json(self, records: int) -> None:
        settings = self._workspace.settings
        scheme = load_scheme(self._workspace.root)
        classes = {one: {"name": scheme.classes[one].name, "period": scheme.classes[one].period,
                         "access": scheme.classes[one].access}
                   for one in sorted(self._classes) if one in scheme.classes}
        head = {"format": LIST_FORMAT, "store": settings.store.id, "organisation": settings.company.name,
                "fonds": settings.archive.fonds, "fonds_name": settings.archive.fonds_name,
                "date": self._workspace.clock.today.isoformat(), "records": records, "classes": classes}
        path = self._folder / "data" / f"{LIST_NAME}.json"
        with files.writing(path) as handle:
            handle.write(json.dumps(head, ensure_ascii=False, indent=1)[:-2].encode() + b',\n "items": [\n')
            for at, line in enumerate(self._entries):
                handle.write((b",\n" if at else b"") + line)
            handle.write(b"\n]}\n")
        self._note(f"data/{LIST_NAME}.json", files.digests_of(path))

    def _write_xlsx(self) -> None:
        from recordkit.templates.sheetwriter import Sheet, workbook_bytes

        path = self._folder / "data" / f"{LIST_NAME}.xlsx"
        settings = self._workspace.settings
        sheet = Sheet("移交清单", self._sheet_rows(), (7, 30, 36, 12, 6, 27, 11, 36), head=4, centred=(1, 4, 5),
                      header=f"{settings.archive.fonds} {settings.archive.fonds_name}")
        files.write_atomic(path, workbook_bytes([sheet]))
        self._note(f"data/{LIST_NAME}.xlsx", files.digests_of(path))

    def _sheet_rows(self) -> Iterator[Sequence[Cell]]:
        settings = self._workspace.settings
        yield ["移交清单"]
        yield ["", "来源机构", settings.company.name, "", "", f"{settings.archive.fonds} {settings.archive.fonds_name}"]
        yield ["", "移交日期", self._workspace.clock.today, "", "", f"{len(self._entries)} 件"]
        yield COLUMNS
        for number, line in enumerate(self._entries, 1):
            entry = json.loads(line)
            named = [one for one in entry["files"] if _is_paper(one["path"].partition("/")[2])]
            named.sort(key=lambda one: "/original." not in one["path"])
            for at, one in enumerate(named or entry["files"][:1]):
                day = entry["date_given"] or date.fromisoformat(entry["date"])
                first: list[Cell] = [number, entry["code"], entry["title"], day, entry["pages"]]
                yield [*(first if at == 0 else [None] * 5), one["path"], one["bytes"], one["sha256"]]

    def _info(self, records: int) -> bytes:
        settings = self._workspace.settings
        today = self._workspace.clock.today.isoformat()
        pairs = (
            ("Source-Organization", settings.company.name),
            ("External-Description", f"{settings.archive.fonds_name} 移交档案 {records} 件"),
            ("Bagging-Date", today),
            ("Bag-Software-Agent", f"recordkit {__version__}"),
            ("Payload-Oxum", f"{self.bytes}.{self.count}"),
            ("Recordkit-Store", settings.store.id),
            ("Recordkit-Fonds", settings.archive.fonds),
            ("Recordkit-Fonds-Name", settings.archive.fonds_name),
            ("Recordkit-Records", str(records)),
        )
        # A line break in a name would begin another tag.
        return "".join(f"{name}: {' '.join(value.split())}\n" for name, value in pairs).encode()


def _copied(record: Record, name: str, path: Path, sha512: str, target: Path) -> files.Digests:
    if path.exists():
        digests = files.copy_with_digests(path, target, durable=False)
        if digests.sha512 == sha512:
            return digests
    raise IntegrityFailure(
        msg("The file {name} of {code} is not what was filed.", name=name, code=record.code),
        msg("Run 'recordkit verify {code}' and restore it from a backup.", code=record.code),
    )


def _is_paper(name: str) -> bool:
    """Whether a file of a record is the paper itself or an attachment as it came."""
    parts = name.split(".")
    return len(parts) == 2 and (parts[0] == "original" or parts[0].startswith("attachment-"))


def validate(folder: Path) -> None:
    """Have the bagit library read a bag: complete, and every byte as its manifests say.

    Raises:
        IntegrityFailure: it is not; up to ten findings are named.
    """
    import logging

    import bagit

    # The library tells every finding once more on its own log, which nobody has set up here.
    log = logging.getLogger("bagit")
    if not log.handlers:
        log.addHandler(logging.NullHandler())
        log.propagate = False
    try:
        bagit.Bag(str(folder)).validate()
    except (bagit.BagError, ValueError, KeyError) as error:  # the latter two of a bag-info.txt that it cannot read
        details = [_told(one) for one in getattr(error, "details", ()) or (error,)]
        raise IntegrityFailure(
            msg("The bag {folder} does not hold what its manifests say: {findings}", folder=str(folder),
                findings=listed(details[:_NAMED])),
            msg("Have it copied or sent again; nothing of it was taken over."),
        ) from None


def _told(finding: object) -> str | Message:
    """A finding of the library, which knows English alone, in words of ours; what it seldom says stands as it is."""
    import bagit

    path = str(getattr(finding, "path", ""))
    if isinstance(finding, bagit.FileMissing):
        return msg("{file} stands in a manifest and is not there", file=path)
    if isinstance(finding, bagit.UnexpectedFile):
        return msg("{file} is there and stands in no manifest", file=path)
    if isinstance(finding, bagit.ChecksumMismatch):
        return msg("{file}: {algorithm} is {found}, not {expected}", file=path, algorithm=str(finding.algorithm),
                   found=str(finding.found), expected=str(finding.expected))
    sums = re.match(r"Payload-Oxum validation failed\. Expected (\d+) files and (\d+) bytes but found (\d+) files and "
                    r"(\d+) bytes", str(finding))
    if sums:
        return msg("bag-info.txt tells of {files} files and {bytes} bytes, there are {found} files and {size} bytes",
                   files=sums[1], bytes=sums[2], found=sums[3], size=sums[4])
    return str(finding)


def mark_of(folder: Path) -> str:
    """SHA-256 of a bag's tag manifest: it binds every byte of the bag, and by it the bag is known again."""
    best = next(folder / f"tagmanifest-{name}.txt" for name in ALGORITHMS
                 if (folder / f"tagmanifest-{name}.txt").exists())
    return files.digests_of(best).sha256
