"""The checks of all records together: counts, duplicates, gaps, the list of a transfer, stray files, the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from recordkit.archive import catalogue
from recordkit.archive.archival_code import Gap
from recordkit.archive.checks.against import Promise, TransferList
from recordkit.archive.checks.ledger_facts import LedgerFacts
from recordkit.archive.checks.outcome import Outcome, failed, not_run, passed
from recordkit.archive.checks.subject import Subject
from recordkit.archive.fixity import beside
from recordkit.archive.selection import Selection, condition_of
from recordkit.archive.strays import list_strays
from recordkit.checkpoints import Witnesses, kept_checkpoints
from recordkit.db import Database
from recordkit.messages import Message, listed, msg
from recordkit.model import Entry
from recordkit.workspace import Workspace

_MANY = 10
Beside = tuple[list[str], list[Message]]


@dataclass(slots=True)
class Tally:
    """What is counted while the records are looked at.

    Attributes:
        records: looked at; ``missing`` those without an object; ``lost`` those of them that are written off.
        recorded: bytes of their papers by their metadata; ``found`` on the disk, compared record by record.
        differing: codes of the first records whose bytes differ.
    """

    records: int = 0
    missing: int = 0
    lost: int = 0
    recorded: int = 0
    found: int = 0
    differ: int = 0
    differing: list[str] | None = None

    def take(self, subject: Subject) -> None:
        """Count one record."""
        self.records += 1
        self.missing += any(not one.file and one.kind == "missing" for one in subject.seen.reading.faults)
        said, data = 0, subject.record.metadata
        attached = data.get("attachments")
        for one in (data, *(attached if isinstance(attached, list) else ())):
            size = one.get("size") if isinstance(one, Mapping) else None
            said += size if isinstance(size, int) else 0
        there = sum(facts.size or 0 for facts in subject.seen.papers().values())
        self.recorded += said
        self.found += there
        if said != there:
            self.differ += 1
            self.differing = [*(self.differing or ()), subject.record.code][:_MANY]

    def take_lost(self, subject: Subject) -> None:
        """Count a record that is written off: its bytes are nobody's to be found."""
        self.records += 1
        self.lost += any(not one.file and one.kind == "missing" for one in subject.seen.reading.faults)

    def bytes(self) -> Outcome:
        """2-02 The papers have as many bytes as the metadata give."""
        if not self.records:
            return not_run(msg("no record was looked at"))
        if self.differ:
            return failed(msg("{count} record(s) differ, {recorded} bytes by the metadata and {found} on the disk: "
                              "{codes}", count=self.differ, recorded=self.recorded, found=self.found,
                              codes=listed(self.differing or (), _MANY if self.differ == len(self.differing or ())
                                           else len(self.differing or ()) - 1)))
        return passed(msg("{found} bytes in the papers of {count} record(s), as the metadata give", found=self.found,
                          count=self.records))


@dataclass(slots=True)
class LedgerCount:
    """What the ledger says in one reading."""

    filed: int = 0
    destroyed: int = 0
    versions: int = 0
    time: str = ""

    def take(self, entry: Entry) -> None:
        """Count one entry."""
        self.time = entry.time
        if entry.act in catalogue.VERSIONING:
            self.versions += 1
            self.filed += entry.act == "record.filed"
        elif entry.act == "record.destroyed":
            self.destroyed += 1


@dataclass(frozen=True, slots=True)
class LedgerReading:
    """The ledger read from its beginning: the verdict about it, its counts, how far it goes.

    ``facts`` is what it says of each record, to be closed; None where it could not be read to its end.
    """

    outcome: Outcome
    counts: LedgerCount
    entries: int
    head: str
    facts: LedgerFacts | None = None

    @property
    def last_day(self) -> date:
        """The day of its last entry."""
        try:
            return date.fromisoformat(self.counts.time[:10])
        except ValueError:
            return date.min


def read_ledger(workspace: Workspace, progress: Callable[[int], None] | None = None) -> LedgerReading:
    """4-03 The log of every act is whole, agrees with every checkpoint kept, and has every version of every record."""
    counts = LedgerCount()
    facts = LedgerFacts()
    witnesses = Witnesses(workspace.settings.store.id, kept_checkpoints(workspace.root))

    def take(entry: Entry) -> None:
        witnesses.take(entry)
        counts.take(entry)
        facts.take(entry)

    found = workspace.verify_ledger(places=witnesses.places, take=take, progress=progress)
    compared = witnesses.compare(found)
    wrong = [finding for one in compared for finding in one.findings]
    row = workspace.db.one("SELECT coalesce(sum(version), 0) AS versions FROM records")
    known = 0 if row is None else int(row["versions"])
    if not found.ok:
        outcome = failed(msg("the ledger is damaged at entry {seq}: {reason}", seq=found.first_bad,
                             reason=found.reason))
    elif wrong:
        outcome = failed(msg("the ledger contradicts a checkpoint: {reasons}", reasons=listed(wrong, _MANY)))
    elif counts.versions < known:
        outcome = failed(msg("the ledger tells of {told} version(s) of records, the catalogue has {known}",
                             told=counts.versions, known=known))
    else:
        outcome = passed(msg("{entries} entries in an unbroken chain, {checkpoints} checkpoint(s) agree, {versions} "
                             "version(s) of records are told of", entries=found.entries, checkpoints=len(compared),
                             versions=counts.versions))
    if not found.ok:
        facts.close()
    return LedgerReading(outcome, counts, found.entries, found.head, facts if found.ok else None)


def with_notes(workspace: Workspace, ledger: LedgerReading) -> Outcome:
    """4-03 with what the ledger names by digest: reasons, titles of volumes, places of boxes, data of documents."""
    if ledger.facts is None or ledger.outcome.result != "PASS":
        return ledger.outcome
    # Some may be written or destroyed this moment.
    if wrong := ledger.facts.settled(workspace):
        return failed(msg("{count} note(s) or data of issued documents that the ledger names are changed or missing: "
                          "{files}", count=len(wrong), files=listed((one.place for one in wrong), _MANY)))
    count, _ = ledger.facts.lacking(workspace)
    return passed(msg("{ledger}; {count} note(s) and data of issued documents are as the ledger names them",
                      ledger=ledger.outcome.evidence, count=count))


def counts_of_all(workspace: Workspace, ledger: LedgerCount, tally: Tally) -> Outcome:
    """2-01 Catalogue, ledger and storage know the same number of records, and as many were looked at."""
    held = catalogue.count_holdings(workspace.db)
    in_ledger = ledger.filed - ledger.destroyed
    stored = sum(1 for _ in catalogue.objects_of(workspace).ids())
    told = msg("{catalogue} in the catalogue, {ledger} in the ledger ({filed} filed, {destroyed} destroyed), {stored} "
               "in the storage, {checked} looked at", catalogue=held, ledger=in_ledger, filed=ledger.filed,
               destroyed=ledger.destroyed, stored=stored, checked=tally.records)
    if tally.lost:
        told = msg("{counts}, {lost} without an object written off as lost", counts=told, lost=tally.lost)
    agree = held == in_ledger == stored + tally.lost == tally.records
    return passed(told) if agree and not tally.missing else failed(told)


def counts_of_some(expected: int, tally: Tally) -> Outcome:
    """2-01 for a part of the archive: each record that was chosen was found, and its object."""
    told = msg("{expected} chosen, {checked} looked at, {missing} without an object", expected=expected,
               checked=tally.records, missing=tally.missing)
    return passed(told) if expected == tally.records and not tally.missing else failed(told)


Duplicates = Iterator[tuple[int, Message]]


def duplicates(db: Database, selection: Selection) -> Duplicates:
    """1-12 Records in force that bear the same number, or the same title and date and not each a number of its own.

    Archival codes are compared by NFKC and without regard to case and blanks: the table keeps equal ones apart by
    itself.
    Gives the ordinal of the first record of each group, and what it shares with how many others.
    """
    where, values = condition_of(selection)
    for what, key, more in _SAME:
        sql = (f"SELECT min(ordinal) AS first, group_concat(code, '\t') AS codes FROM records "
               f"WHERE {where} AND {more} GROUP BY {key} HAVING count(*) > 1{_NUMBERED if what == 'title' else ''} "
               f"ORDER BY min(ordinal)")
        for row in db.all(sql, values):
            yield int(row["first"]), _told_same(what, str(row["codes"]).split("\t"))


_SAME = (
    ("code", "same_code(code)", "1"),
    ("number", "number", "number IS NOT NULL AND number <> ''"),
    ("title", "title, date", "title <> ''"),
)
_NUMBERED = " AND count(DISTINCT number) < count(*)"


def duplicates_of(db: Database, record: catalogue.Record) -> list[Message]:
    """The same for one record against the whole archive."""
    values = {"id": record.record_id, "code": record.code, "year": record.year, "number": record.number,
              "title": record.title, "date": record.date.isoformat()}
    found = []
    for what, condition in (
        # Within its year, which every code tells: a look at each code of the archive would take seconds.
        ("code", "year = :year AND same_code(code) = same_code(:code)"),
        ("number", "number = :number AND number <> ''"),
        ("title", "date = :date AND title = :title AND (number IS NULL OR :number IS NULL OR number = :number)"),
    ):
        rows = db.all(f"SELECT code FROM records WHERE status = 'active' AND record_id <> :id AND {condition} "
                      f"ORDER BY ordinal LIMIT {_MANY + 1}", values)
        if rows:
            found.append(_told_same(what, [str(row["code"]) for row in rows]))
    return found


def _told_same(what: str, codes: list[str]) -> Message:
    shared = {"code": msg("the same archival code but for case, width and blanks"), "number": msg("the same number"),
              "title": msg("the same title and date")}[what]
    return msg("{what}: {codes}", what=shared, codes=listed(codes, _MANY))


def gaps(found: Iterable[Gap]) -> Outcome:
    """2-06 The item numbers of each lowest class run on, records destroyed since included: they keep theirs.

    A number that this archive gave and that no record has is a lost entry. What an inherited catalogue left out is
    told and no fault.
    """
    counts, ranges = {True: 0, False: 0}, {True: list[Message | str](), False: list[Message | str]()}
    for one in found:
        counts[one.lost] += one.count
        if len(ranges[one.lost]) <= _MANY:
            first, last = one.code(one.first), one.code(one.last)
            ranges[one.lost].append(first if first == last else msg("{first} to {last}", first=first, last=last))
    if counts[True]:
        return failed(msg("{count} item number(s) that were given here are missing: {ranges}", count=counts[True],
                          ranges=listed(ranges[True], _MANY)))
    if counts[False]:
        return passed(msg("{count} item number(s) of inherited codes have no record; explain them in the 备考表: "
                          "{ranges}", count=counts[False], ranges=listed(ranges[False], _MANY)))
    return passed(msg("the item numbers of every lowest class run on without a gap"))


@dataclass(slots=True)
class Comparing:
    """2-07 The list of a transfer held against the records as they come.

    A list of another archive gives the codes of that archive: a record that came out of a bag is looked for by the
    code that it had there, and no record of ours is, because it happens to have the same code.
    """

    signed: TransferList
    db: Database
    records: int = 0
    bytes: int = 0
    seen: int = 0

    def find(self, code: str) -> catalogue.Record | None:
        """The record that a code of the list is about, destroyed ones too, or None."""
        came = catalogue.find_of_origin(self.db, code)
        if not came:
            return catalogue.find_by_code(self.db, code)
        # Two archives may have had the same code: then the digest says which one is meant.
        wanted = {one.sha256 for one in self.signed.promises[code]}
        return next((one for one in came if one.sha256 in wanted), came[0])

    def _listed(self, record: catalogue.Record) -> tuple[Promise, ...] | None:
        origin = catalogue.origin_code(record)
        if origin is not None and origin in self.signed.promises:
            return self.signed.promises[origin]
        promises = self.signed.promises.get(record.code)
        return None if promises is not None and catalogue.find_of_origin(self.db, record.code) else promises

    def compare(self, subject: Subject) -> Outcome:
        """One record against its rows."""
        self.records += 1
        promises = self._listed(subject.record)
        papers = subject.seen.papers()
        if promises is None:
            return failed(msg("it does not stand in the list"))
        self.seen += 1
        wrong = [problem for one in promises for problem in self._differences(one, subject)]
        if wrong:
            return failed(listed(wrong, _MANY))
        self.bytes += sum(papers[name].size or 0 for one in promises if (name := _name(one, subject)))
        return passed(msg("digest, size and pages are those of row {row}", row=promises[0].row))

    def _differences(self, promise: Promise, subject: Subject) -> Iterator[Message]:
        name = _name(promise, subject)
        facts = subject.seen.papers().get(name)
        if facts is None or facts.size is None:
            yield msg("row {row}: there is no file {file}", row=promise.row, file=promise.file or "original")
            return
        if promise.sha256 != facts.sha256:
            yield msg("row {row}: {file} has another SHA-256", row=promise.row, file=name)
        if promise.size is not None and promise.size != facts.size:
            yield msg("row {row}: {file} has {found} bytes, not {promised}", row=promise.row, file=name,
                      found=facts.size, promised=promise.size)
        pages = subject.metadata.get("pages")
        if not promise.file and promise.pages is not None and promise.pages != pages:
            yield msg("row {row}: {file} has {found} page(s), not {promised}", row=promise.row, file=name, found=pages,
                      promised=promise.pages)

    def total(self, failures: int, unknown: Iterable[str]) -> Outcome:
        """All of it; ``unknown`` are codes of the list that no record in force has."""
        lost = list(unknown)
        told = msg("{listed} record(s) in the list, {found} of them looked at, {bytes} bytes; the list has the "
                   "SHA-256 {digest}", listed=len(self.signed.promises), found=self.seen, bytes=self.bytes,
                   digest=self.signed.digest)
        if lost or failures or self.seen != len(self.signed.promises):
            return failed(told)
        return passed(told)


def _name(promise: Promise, subject: Subject) -> str:
    if promise.file and promise.file in subject.seen.files:
        return promise.file
    original = next((name for name in subject.seen.papers() if name.startswith("original.")), "")
    attached = subject.metadata.get("attachments")
    # A list for people names the file that came in; what it stood for is in the metadata.
    for one in attached if isinstance(attached, list) else ():
        if promise.file and isinstance(one, Mapping) and one.get("source") == promise.file:
            return str(one.get("name"))
    return original if not promise.file or promise.file == subject.metadata.get("source") else promise.file


def lies_beside(workspace: Workspace) -> Beside:
    """4-02 in the store's folders: ids of objects that nobody knows, and loose files."""
    unknown, loose = beside(workspace)
    told = [msg("{file}: {reason}", file=one.file, reason=one.reason) for one in loose]
    for stray in list_strays(workspace):
        told.append(msg("{file}: {reason}", file=stray.path.relative_to(workspace.root).as_posix(),
                        reason=stray.todo))
    return unknown, told
