"""Fixity: every byte of the archive read again and held against inventory and ledger.

A run over a large archive takes hours, so it may be stopped and goes on where it was; or it takes a share a day. The
shares are dealt so that successive days take different records and each has its turn within 100/percent days.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from itertools import islice
from pathlib import Path

from recordkit import files
from recordkit.archive import catalogue
from recordkit.archive.catalogue import Holding
from recordkit.archive.checks.ledger_facts import LedgerFacts
from recordkit.archive.losses import LostRecord, loss_of, lost_records
from recordkit.archive.objects import Reading
from recordkit.messages import Message, msg
from recordkit.workspace import Workspace

_TOGETHER = 500
"""Records between two notes of how far the run is: what a killed process has read in vain at most."""
_CIRCLE = 1 << 64
_GOLDEN = 0x9E3779B97F4A7C15
"""``_CIRCLE`` over the golden ratio: its multiples fill the circle evenly, however many there are (Knuth 6.4)."""

Progress = Callable[[int, int, int], None]
"""Told records done, records in all, and bytes read."""


@dataclass(frozen=True, slots=True)
class FixityFinding:
    """One file that is not what was filed; ``code`` is empty for an object the ledger does not know."""

    record_id: str
    code: str
    file: str
    reason: Message


@dataclass(frozen=True, slots=True)
class FixityOptions:
    """How to verify.

    Attributes:
        jobs: threads that read and hash; none holds up the others while it hashes.
        sample: percent of the records, above 0; None or 100 for all of them.
        restart: forget how far an interrupted run was.
    """

    jobs: int = 1
    sample: float | None = None
    restart: bool = False


@dataclass(frozen=True, slots=True)
class FixityResult:
    """What a run found.

    Attributes:
        records: how many were read in this run; ``bytes`` of all their content files.
        findings: everything that differs.
        earlier: how many an interrupted run had read, which this one went on with; its findings are looked at again.
        begun: when that one was begun (ISO 8601 UTC).
        unverified: records of the archive that were read by neither: those of other days' shares, the rest of an
            interrupted run, or all that were not named.
        sampled: archival codes of the share that was read; None without a sample.
        interrupted: a person stopped it; the same call goes on.
        lost: archival codes of the records that are written off as lost, as far as they were asked for; what was
            registered of them is no finding.
        found: those of them whose objects are whole: 'mend' enters that they are back.
    """

    records: int
    bytes: int
    findings: tuple[FixityFinding, ...]
    earlier: int = 0
    begun: str | None = None
    unverified: int = 0
    sampled: tuple[str, ...] | None = None
    interrupted: bool = False
    lost: tuple[str, ...] = ()
    found: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """The records of one day when ``percent`` of all are read a day."""

    percent: float
    day: date

    def takes(self, ordinal: int) -> bool:
        """Whether the record with this running number has its turn: each day's stretch begins where the last ended."""
        width = round(self.percent / 100 * _CIRCLE)
        return (ordinal * _GOLDEN - self.day.toordinal() * width) % _CIRCLE < width


def verify_objects(
    workspace: Workspace,
    references: Sequence[str] = (),
    options: FixityOptions | None = None,
    progress: Progress | None = None,
) -> FixityResult:
    """Check the named records; or all, or a share of them. All means too that no unknown object lies among them.

    What looks wrong is looked at again while no writer is at work: an object is in place a moment before its entry.
    Ctrl-C ends the run with what was found so far; the same call goes on from there, unless records are named.

    Raises:
        NotFound: a named record does not exist.
        StoreBusy: something looks wrong and a writer holds the store for longer than the settings allow.
    """
    options = options or FixityOptions()
    held = catalogue.count_holdings(workspace.db)
    if references:
        named = [Holding.of(catalogue.find_record(workspace.db, one)) for one in references]
        scan = _Scan(workspace, _Run(""), len(named), progress)
        scan.read(named, options.jobs)
        return scan.result(held)
    share = None
    if options.sample is not None and options.sample < 100:
        share = Share(options.sample, workspace.clock.today)
    journal = _Journal(workspace.root / "work", share)
    before = None if options.restart else journal.load()
    run = before or _Run(journal.share, workspace.clock.stamp(), workspace.db.cursor().seq)
    total = held if share is None else sum(1 for _ in _chosen(workspace, share))
    scan = _Scan(workspace, run, total, progress, journal)
    scan.read(scan.left(_chosen(workspace, share)), options.jobs)
    result = scan.result(held, sampled=share is not None, everything=share is None)
    if not result.interrupted:
        journal.clear()
    return result


def _chosen(workspace: Workspace, share: Share | None) -> Iterator[Holding]:
    return (one for one in catalogue.list_holdings(workspace.db) if share is None or share.takes(one.ordinal))


@dataclass(slots=True)
class _Run:
    """How far a run is: all up to ``ordinal`` was read and is whole, but for ``suspects`` and changes after ``seq``."""

    share: str
    begun: str = ""
    seq: int = 0
    ordinal: int = 0
    suspects: list[str] | None = None


class _Journal:
    """Keeps in work/ how far a run is, so that the next one can go on; on a read-only disk it keeps nothing."""

    def __init__(self, work: Path, share: Share | None) -> None:
        self._path = work / ("verify-all.json" if share is None else "verify-sample.json")
        self.share = "" if share is None else f"{share.percent:g} {share.day.isoformat()}"

    def load(self) -> _Run | None:
        """The run that was interrupted, if it was about the same share."""
        try:
            run = _Run(**json.loads(self._path.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None
        return run if run.share == self.share else None

    def save(self, run: _Run) -> None:
        with contextlib.suppress(OSError):
            files.write_atomic(self._path, json.dumps(asdict(run)).encode(), overwrite=True)

    def clear(self) -> None:
        with contextlib.suppress(OSError):
            files.remove_file(self._path)


class _Scan:
    """One run: reads objects, remembers what looks wrong."""

    def __init__(
        self, workspace: Workspace, run: _Run, total: int, progress: Progress | None, journal: _Journal | None = None
    ) -> None:
        self._workspace, self._run, self._journal = workspace, run, journal
        self._total, self._progress = total, progress
        self._continued = run.suspects is not None
        self._suspects = set(run.suspects or ())
        self._begin = (run.ordinal, run.seq)
        self._codes: list[str] = []
        self._lost, self._found = lost_records(workspace.db), list[str]()
        self._asked: list[str] | None = None if journal is not None and journal.share == "" else []
        self._earlier = self._bytes = 0
        self._interrupted = False

    def left(self, holdings: Iterable[Holding]) -> Iterator[Holding]:
        """Those that the run before did not read, or that were changed since; its suspects come again in ``result``."""
        ordinal, seq = self._begin
        for one in holdings:
            if one.ordinal <= ordinal and one.touched <= seq:
                self._earlier += 1
            else:
                yield one

    def read(self, holdings: Iterable[Holding], jobs: int) -> None:
        """Read them again, several at a time, in their order."""
        objects = catalogue.objects_of(self._workspace)
        store_id = self._workspace.settings.store.id
        todo = iter(holdings)
        pool = ThreadPoolExecutor(max(jobs, 1))
        try:
            while page := list(islice(todo, _TOGETHER)):
                readings = pool.map(objects.read_again, [one.record_id for one in page])
                for one, reading in zip(page, readings, strict=True):
                    lost = self._lost.get(one.record_id)
                    if lost is not None and not reading.faults and not _findings(reading, one, store_id):
                        self._found.append(one.code)
                    if lost is not None and self._asked is not None:
                        self._asked.append(one.code)
                    if _findings(reading, one, store_id, lost):
                        self._suspects.add(one.record_id)
                    else:
                        self._suspects.discard(one.record_id)
                    self._bytes += reading.bytes
                    self._codes.append(one.code)
                    self._run.ordinal = max(self._run.ordinal, one.ordinal)
                    if self._progress is not None:
                        self._progress(self._earlier + len(self._codes), self._total, self._bytes)
                self._save()
        except KeyboardInterrupt:
            self._interrupted = True
            self._save()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def result(self, held: int, *, sampled: bool = False, everything: bool = False) -> FixityResult:
        """Look again at what looked wrong, now that no writer is at work; ``everything``: at what lies beside, too."""
        everything = everything and not self._interrupted
        unknown, loose = beside(self._workspace) if everything else ([], [])
        findings: list[FixityFinding] = []
        if self._suspects or unknown or loose:
            # Who pressed Ctrl-C does not wait for the lock.
            with contextlib.nullcontext() if self._interrupted else self._workspace.settled():
                if everything:
                    unknown, findings = beside(self._workspace)
                for record_id in [*sorted(self._suspects), *unknown]:
                    findings += _suspect_findings(self._workspace, record_id)
        return FixityResult(
            len(self._codes),
            self._bytes,
            tuple(findings),
            earlier=self._earlier,
            begun=self._run.begun if self._continued else None,
            unverified=max(held - self._earlier - len(self._codes), 0),
            sampled=tuple(self._codes) if sampled else None,
            interrupted=self._interrupted,
            lost=tuple(self._lost_codes()),
            found=tuple(self._found),
        )

    def _lost_codes(self) -> list[str]:
        """Those that were read; of the whole archive all of them, be it that an earlier run has read them."""
        if self._asked is not None:
            return self._asked
        found = (catalogue.get_record(self._workspace.db, one) for one in self._lost)
        return sorted(one.code for one in found if one is not None)

    def _save(self) -> None:
        if self._journal is not None:
            self._run.suspects = sorted(self._suspects)
            self._journal.save(self._run)


def note_findings(workspace: Workspace, facts: LedgerFacts) -> tuple[FixityFinding, ...]:
    """Notes - reasons, remarks, places of boxes - and issue data that the ledger names and that are missing or changed.

    ``facts`` has taken every entry.

    Raises:
        StoreBusy: as ``verify_objects``.
    """
    found = []
    for one in facts.settled(workspace):
        record = catalogue.get_record(workspace.db, one.subject)
        reason = (msg("the data of {number} is missing or changed", number=one.number) if one.pack
                  else msg("the bytes are not those that were filed") if one.changed else msg("the file is missing"))
        found.append(FixityFinding(record.record_id if record else "", record.code if record else "", one.place,
                                   reason))
    return tuple(found)


def beside(workspace: Workspace) -> tuple[list[str], list[FixityFinding]]:
    """Ids of objects that are in no record in force, and what lies in the storage root and belongs to no object."""
    objects = catalogue.objects_of(workspace)
    unknown: list[str] = []
    loose = [FixityFinding("", "", f"objects/{one.file}", one.reason) for one in objects.check_root()]
    for record_id, place in objects.folders():
        if not record_id:
            reason = msg("a file that does not belong to the archive")
            loose.append(FixityFinding("", "", f"objects/{place}", reason))
        elif (record := catalogue.get_record(workspace.db, record_id)) is None or record.status != "active":
            unknown.append(record_id)
    return sorted(unknown), loose


def _suspect_findings(workspace: Workspace, record_id: str) -> list[FixityFinding]:
    record = catalogue.get_record(workspace.db, record_id)
    objects = catalogue.objects_of(workspace)
    if record is not None and record.status == "active":
        return _findings(objects.read_again(record_id), Holding.of(record), workspace.settings.store.id,
                         loss_of(workspace.db, record_id))
    if not objects.exists(record_id):
        return []
    code = record.code if record is not None else ""
    return [FixityFinding(record_id, code, "", msg("an object that the ledger does not know, or calls destroyed"))]


def _findings(
    reading: Reading, holding: Holding, store_id: str, lost: LostRecord | None = None
) -> list[FixityFinding]:
    """What is not as it was filed; of a ``lost`` record only what was not registered as lost."""
    findings = [FixityFinding(holding.record_id, holding.code, one.file, one.reason) for one in reading.faults
                if lost is None or one.kind == "stray" or not lost.covers(one.file)]
    if not reading.faults and catalogue.keyed(store_id, reading.inventory) != holding.commitment:
        # A folder that is whole in itself may still be another one than was filed.
        if lost is not None and lost.covers("inventory.json"):
            return findings
        reason = msg("the object was replaced: its inventory is not the one in the ledger")
        findings.append(FixityFinding(holding.record_id, holding.code, "inventory.json", reason))
    return findings
