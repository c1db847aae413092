"""A run of the four-property checks: records looked at side by side in child processes, judged as they come.

Memory does not grow with the archive: results are counted, and of each check the first failures are kept.
"""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

from msgspec import structs

from recordkit.archive.archival_code import CodeTemplate, find_gaps
from recordkit.archive.catalogue import Record, find_by_ordinal, find_record, get_record, objects_of
from recordkit.archive.checks import set_checks
from recordkit.archive.checks.against import TransferList
from recordkit.archive.checks.derived import derived_tables
from recordkit.archive.checks.examine import Examined, examine, examine_many
from recordkit.archive.checks.ledger_facts import LedgerFacts, catalogued
from recordkit.archive.checks.outcome import Outcome, Stage, Verdict, failed, not_run, passed
from recordkit.archive.checks.registry import BY_NUMBER, Check, checks_at
from recordkit.archive.checks.scanner import TOGETHER, scan_folders
from recordkit.archive.checks.subject import Rules, Subject
from recordkit.archive.classes import load_scheme
from recordkit.archive.losses import lost_records
from recordkit.archive.metadata import own_fields
from recordkit.archive.reading import reading_crew
from recordkit.archive.selection import Selection, count_records, select_records
from recordkit.crew import Lost
from recordkit.errors import NotFound
from recordkit.messages import Message, listed, msg
from recordkit.workspace import Workspace

MOST_FAILURES = 1000
"""Failures of one check that are kept and listed; all of them are counted."""
_SUSPECTS = 1000
"""Records that are looked at again while no writer is at work: so many at once are no race."""
_REASONS = 5
_TOGETHER = 8
"""Records of one task."""
_AHEAD = 2
"""Tasks given to each process beyond the one it works at."""

Progress = Callable[[int, int, int], None]
"""Told records done, records in all, and bytes read."""


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What to check.

    Attributes:
        references: records by name; else those of ``selection``, or those of the list where nothing is selected.
        against: the list of a transfer, for the stage ``transfer``.
        jobs: processes that look at records.
    """

    stage: Stage
    references: tuple[str, ...] = ()
    selection: Selection = field(default_factory=Selection)
    against: TransferList | None = None
    jobs: int = 1

    @property
    def selects(self) -> bool:
        """Whether only a part of the archive is meant."""
        return bool(self.references) or self.selection != Selection() or self.against is not None


@dataclass(frozen=True, slots=True)
class Line:
    """What one check said of one record, or of something that is no record: then id and code are empty."""

    check: Check
    outcome: Outcome
    record_id: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """What one check said of all of them: how often which verdict, the verdict as a whole and its evidence."""

    check: Check
    passed: int
    failed: int
    not_run: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class CheckRun:
    """What a run found.

    Attributes:
        summaries: one for each check of the stage, by number.
        lines: every failure, the first ``MOST_FAILURES`` of each check; of named records every result.
        records: looked at; ``bytes`` of all their files, older versions included.
        entries, head: how far the ledger went.
        interrupted: a person stopped it; checks of all records together were not run then.
    """

    stage: Stage
    day: date
    summaries: tuple[Summary, ...]
    lines: tuple[Line, ...]
    records: int
    bytes: int
    entries: int
    head: str
    interrupted: bool = False

    @property
    def has_failed(self) -> bool:
        """Whether any check failed."""
        return any(one.failed for one in self.summaries)

    @property
    def failures(self) -> list[Line]:
        """The failures that are listed."""
        return [one for one in self.lines if one.outcome.result == "FAIL"]

    @property
    def is_whole(self) -> bool:
        """Whether every failure is listed; what judges the whole without naming a record has none."""
        kept = Counter(one.check.number for one in self.failures)
        return all(kept[one.check.number] in (0, one.failed) for one in self.summaries)

    def count(self, verdict: Verdict) -> int:
        """How many checks ended so."""
        return sum(one.outcome.result == verdict for one in self.summaries)


class _Count:
    """One check's results as they come."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self.verdicts: dict[Verdict, int] = {"PASS": 0, "FAIL": 0, "NOT_RUN": 0}
        self.lines: list[tuple[int, Line]] = []
        self.reasons: dict[str, tuple[int, Message]] = {}
        self.whole: Outcome | None = None

    def take(self, outcome: Outcome, record: Record | None, keep_all: bool) -> None:
        self.verdicts[outcome.result] += 1
        reason = str(outcome.evidence) if outcome.result == "NOT_RUN" else ""
        if reason and (reason in self.reasons or len(self.reasons) < _REASONS):
            self.reasons[reason] = self.reasons.get(reason, (0, outcome.evidence))[0] + 1, outcome.evidence
        if keep_all or (outcome.result == "FAIL" and len(self.lines) < MOST_FAILURES):
            line = Line(self.check, outcome, record.record_id if record else "", record.code if record else "")
            self.lines.append((record.ordinal if record else 0, line))

    def summary(self) -> Summary:
        good, bad, unknown = (self.verdicts[one] for one in ("PASS", "FAIL", "NOT_RUN"))
        if self.whole is not None:
            result = self.whole.result
            # What judges the whole counts once where no record was judged.
            one = {"PASS": (good or 1, bad, unknown), "FAIL": (good, bad or 1, unknown),
                   "NOT_RUN": (good, bad, unknown or 1)}[result]
            return Summary(self.check, *one, self.whole)
        return Summary(self.check, good, bad, unknown, self._outcome(good, bad, unknown))

    def _outcome(self, good: int, bad: int, unknown: int) -> Outcome:
        if not good + bad + unknown:
            return not_run(msg("no record was looked at"))
        if unknown and not good and not bad and len(self.reasons) == 1:
            return not_run(msg("{count} record(s): {reason}", count=unknown,
                               reason=next(iter(self.reasons.values()))[1]))
        # How many passed and failed stands in columns of their own.
        told = self.check.basis or msg("each record judged by itself")
        if self.reasons:
            reasons = listed(msg("{count} because {reason}", count=count, reason=reason)
                             for count, reason in self.reasons.values())
            told = msg("{basis}; not run: {reasons}", basis=told, reasons=reasons)
        return failed(told) if bad else passed(told) if good else not_run(told)


def rules_of(workspace: Workspace) -> Rules:
    """What the office's settings and schedule demand.

    Raises:
        NotFound, InputRefused: the schedule is gone or wrong.
    """
    settings = workspace.settings
    classes_of = {one.key: one.classes for one in settings.archive.fields}
    return Rules(
        settings.store.id, workspace.clock.today, load_scheme(workspace.root).classes,
        tuple((spec, classes_of[spec.key]) for spec in own_fields(settings)),
        frozenset(settings.checks.formats), _well_formed(workspace),
    )


def _well_formed(workspace: Workspace) -> Callable[[str], bool]:
    """By the template in force, or by one that was in force earlier: codes never change."""
    settings = workspace.settings
    templates = [CodeTemplate.of(structs.replace(settings, archive=structs.replace(settings.archive, code=one)))
                 for one in (settings.archive.code, *settings.checks.earlier_codes)]
    return lambda code: any(one.matches(code) for one in templates)


def run_checks(
    workspace: Workspace, options: CheckOptions, progress: Progress | None = None,
    ledger_progress: Callable[[int], None] | None = None,
) -> CheckRun:
    """Run the checks of a stage.

    A record that looks wrong because a writer is at work this moment is looked at again while none is. Ctrl-C ends the
    run with what was found so far.

    Raises:
        NotFound: a named record does not exist, or is destroyed.
        StoreBusy: something looks wrong and a writer holds the store for longer than the settings allow.
    """
    return _Run(workspace, options, progress).run(ledger_progress)


class _Run:
    def __init__(self, workspace: Workspace, options: CheckOptions, progress: Progress | None) -> None:
        self._workspace, self._options, self._progress = workspace, options, progress
        self._rules = rules_of(workspace)
        self._counts = {one.number: _Count(one) for one in checks_at(options.stage)}
        self._judges = [one for one in checks_at(options.stage) if one.judge is not None]
        self._tally = set_checks.Tally()
        self._lost = lost_records(workspace.db)
        self._comparing = None if options.against is None else set_checks.Comparing(options.against, workspace.db)
        self._suspects: dict[str, tuple[Subject, list[tuple[Check, Outcome]]]] = {}
        self._unknown: list[str] = []
        self._to_scan: list[Record] = []
        self._done = self._bytes = 0
        self._folder = workspace.root / "objects"
        self._how = workspace.settings.ingest.most_pages, options.against is not None
        self._facts: LedgerFacts | None = None
        self._named = [self._active(one) for one in options.references]

    def _active(self, reference: str) -> Record:
        record = find_record(self._workspace.db, reference)
        if record.status != "active":
            raise NotFound(msg("The record {code} is destroyed; there is nothing to check.", code=record.code))
        return record

    def run(self, ledger_progress: Callable[[int], None] | None) -> CheckRun:
        interrupted = False
        ledger = None
        try:
            ledger = set_checks.read_ledger(self._workspace, ledger_progress)
            self._facts = ledger.facts
            if self._workspace.settings.store.simulation:
                # Its clock was moved: its own last act is its present.
                self._rules = replace(self._rules, today=max(self._rules.today, ledger.last_day))
            with contextlib.closing(self._look_at(self._records(), self._options.jobs)) as subjects:
                for subject in subjects:
                    self._take(subject)
            self._look_again()
            self._scan()
            self._judge_all(ledger)
        except KeyboardInterrupt:
            interrupted = True
            # Who pressed Ctrl-C does not wait for the lock: what looks wrong is told as it was seen.
            for subject, found in self._suspects.values():
                self._enter(subject, found)
            if ledger is not None:
                self._counts["4-03"].whole = ledger.outcome
            why = not_run(msg("the run was interrupted"))
            for number, one in self._counts.items():
                if BY_NUMBER[number].judge is None and one.whole is None and not sum(one.verdicts.values()):
                    one.whole = why
        finally:
            if self._facts is not None:
                self._facts.close()
        lines = [item for one in self._counts.values() for item in one.lines]
        lines.sort(key=lambda item: (item[0], item[1].check.number))
        return CheckRun(
            self._options.stage, self._workspace.clock.today,
            tuple(one.summary() for one in self._counts.values()), tuple(line for _, line in lines),
            self._tally.records, self._bytes, ledger.entries if ledger else 0, ledger.head if ledger else "",
            interrupted,
        )

    def _records(self) -> Iterator[Record]:
        if self._named:
            yield from self._named
        elif self._comparing is not None and self._options.selection == Selection():
            for code in self._comparing.signed.promises:
                record = self._comparing.find(code)
                if record is None or record.status != "active":
                    self._lack(code, record)
                else:
                    yield record
        else:
            yield from select_records(self._workspace.db, self._options.selection, "filing")

    @cached_property
    def _total(self) -> int:
        if self._named:
            return len(self._named)
        if self._comparing is not None and self._options.selection == Selection():
            return len(self._comparing.signed.promises)
        return count_records(self._workspace.db, self._options.selection)

    def _lack(self, code: str, record: Record | None) -> None:
        told = msg("{code} stands in the list and is destroyed", code=code) if record is not None else msg(
            "{code} stands in the list and the archive has no such record", code=code)
        self._unknown.append(code)
        self._counts["2-07"].take(failed(told), record, False)

    # --- looking ------------------------------------------------------------------------------------------------

    def _look_at(self, records: Iterator[Record], jobs: int) -> Generator[Subject]:
        """Each record with its object, in whatever order the processes bring them.

        A few go together, since a task costs as much as a small paper; those of a lost task go once more, each alone.
        """
        waiting: dict[int, list[Record]] = {}
        numbers = itertools.count()
        with reading_crew(jobs, False, self._workspace.settings.ingest) as crew:

            def put(batch: list[Record]) -> None:
                number = next(numbers)
                waiting[number] = batch
                crew.put((number, 0), examine_many, self._folder, [one.record_id for one in batch], *self._how)

            while True:
                while len(waiting) <= jobs * _AHEAD and (batch := list(itertools.islice(records, _TOGETHER))):
                    put(batch)
                if not waiting:
                    return
                (number, _), outcome = crew.take()
                batch = waiting.pop(number)
                if outcome.error is not None and len(batch) > 1:
                    for one in batch:
                        put([one])
                elif outcome.error is not None:
                    yield self._subject(batch[0], self._unopened(batch[0], outcome.error))
                else:
                    for one, seen in zip(batch, outcome.value, strict=True):
                        yield self._subject(one, seen)

    def _subject(self, record: Record, seen: Examined) -> Subject:
        said = None if self._facts is None else self._facts.of(record.record_id) or {}
        return Subject(record, seen, said, catalogued(self._workspace.db, record.record_id))

    def _unopened(self, record: Record, error: Exception) -> Examined:
        """A process was lost over a paper, or ran out of memory: its bytes are read and it is not opened."""
        reason: str = "too-large" if isinstance(error, MemoryError) else "damaged"
        if isinstance(error, Lost):
            reason = error.reason
        return examine(self._folder, record.record_id, *self._how, lost=reason)

    def _take(self, subject: Subject) -> None:
        found = self._judged(subject)
        self._bytes += subject.seen.reading.bytes
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total, self._bytes)
        if len(self._suspects) < _SUSPECTS and any(one.races and outcome.result == "FAIL" for one, outcome in found):
            self._suspects[subject.record.record_id] = subject, found
        else:
            self._enter(subject, found)

    def _enter(self, subject: Subject, found: Sequence[tuple[Check, Outcome]]) -> None:
        for check, outcome in found:
            self._counts[check.number].take(outcome, subject.record, bool(self._named))
        if self._lost_as(subject) is None:
            self._tally.take(subject)
        else:
            self._tally.take_lost(subject)
        if self._comparing is not None and "2-07" in self._counts:
            self._counts["2-07"].take(self._comparing.compare(subject), subject.record, bool(self._named))
        if self._named:
            same = set_checks.duplicates_of(self._workspace.db, subject.record)
            self._counts["1-12"].take(
                failed(listed(same)) if same else passed(msg("no other record in force has its code, its number, or "
                                                             "its title and date")), subject.record, True)
        if self._workspace.settings.checks.scanner:
            self._to_scan.append(subject.record)
            if len(self._to_scan) >= TOGETHER:
                self._scan()

    def _look_again(self) -> None:
        """What looked wrong, now that no writer is at work and what a killed one left is cleared away."""
        if not self._suspects:
            return
        with self._workspace.settled():
            if self._facts is not None:
                self._facts.follow(self._workspace)
            found = (get_record(self._workspace.db, one) for one in tuple(self._suspects))
            records = (one for one in found if one is not None and one.status == "active")
            with contextlib.closing(self._look_at(records, self._options.jobs)) as subjects:
                for subject in subjects:
                    del self._suspects[subject.record.record_id]
                    self._enter(subject, self._judged(subject))
        self._suspects.clear()  # what was destroyed meanwhile

    def _judged(self, subject: Subject) -> list[tuple[Check, Outcome]]:
        found = [(one, one.judge(subject, self._rules)) for one in self._judges if one.judge is not None]
        if (lost := self._lost_as(subject)) is None:
            return found
        why = not_run(msg("it is written off as lost, as {loss}", loss=lost))
        return [(one, why if outcome.result == "FAIL" else outcome) for one, outcome in found]

    def _lost_as(self, subject: Subject) -> str | None:
        """The loss that tells of all that is damaged in an object; None for one that is whole, or damaged beyond it."""
        lost = self._lost.get(subject.record.record_id)
        faults = subject.seen.reading.faults
        if lost is None or not (faults or lost.whole):
            return None
        is_told = all(one.kind != "stray" and lost.covers(one.file) for one in faults)
        return lost.loss_id if is_told else None

    def _scan(self) -> None:
        records, self._to_scan = self._to_scan, []
        setting = self._workspace.settings.checks
        if not setting.scanner or not records:
            return
        objects = objects_of(self._workspace)
        folders = {objects.folder_of(one.record_id): one for one in records}
        there = [one for one in folders if one.is_dir()]
        scan = scan_folders(there, setting, self._workspace.root)
        for folder, record in folders.items():
            if folder in scan.found:
                outcome = failed(msg("the scanner found {name}", name=scan.found[folder]))
            elif scan.problem is not None or folder not in there:
                outcome = not_run(scan.problem or msg("the object is missing"))
            else:
                outcome = passed(msg("{command} found nothing", command=setting.scanner[0]))
            self._counts["4-01"].take(outcome, record, bool(self._named))

    # --- all of them together -----------------------------------------------------------------------------------

    def _judge_all(self, ledger: set_checks.LedgerReading) -> None:
        workspace, options, counts = self._workspace, self._options, self._counts
        part = not_run(msg("asked of the whole archive only, or of a class or year"))
        counts["4-03"].whole = set_checks.with_notes(workspace, ledger)
        counts["2-02"].whole = self._tally.bytes()
        if not workspace.settings.checks.scanner:
            counts["4-01"].whole = not_run(msg("no virus scanner is set: [checks] scanner in recordkit.toml"))
        if "2-07" in counts:
            self._judge_list(counts["2-07"])
        if "4-04" in counts:
            broken = any(counts[one].verdicts["FAIL"] for one in ("1-01", "1-11", "2-05", "3-01"))
            if options.selects:
                counts["4-04"].whole = not_run(msg("asked of the whole archive only"))
            elif ledger.facts is None:
                counts["4-04"].whole = not_run(msg("the ledger cannot be read; check 4-03 says why"))
            else:
                counts["4-04"].whole = derived_tables(workspace, sound=not broken)
        if options.selects:
            expected = self._total - len(self._unknown)
            counts["2-01"].whole = set_checks.counts_of_some(expected, self._tally)
        if self._named or (self._comparing is not None and options.selection == Selection()):
            counts["2-06"].whole = part
            if not self._named:
                counts["1-12"].whole = part
            return
        self._judge_duplicates(counts["1-12"])
        counts["2-06"].whole = set_checks.gaps(
            find_gaps(workspace.db, year=options.selection.year, record_class=options.selection.record_class))
        if not options.selects:
            self._judge_storage(counts["4-02"])
            # Counted while records may come and go: what is filed meanwhile is in none of the counts, or in some.
            counts["2-01"].whole = set_checks.counts_of_all(workspace, ledger.counts, self._tally)
            if counts["2-01"].whole.result == "FAIL":
                with workspace.settled():
                    again = set_checks.read_ledger(workspace)
                    if again.facts is not None:
                        again.facts.close()
                    now = again.counts
                    counts["2-01"].whole = set_checks.counts_of_all(workspace, now, self._tally)

    def _judge_list(self, count: _Count) -> None:
        if self._comparing is None:
            count.whole = not_run(msg("no list was given: --against FILE"))
            return
        if not self._named:  # of whom the list may say more than of those that were named
            count.whole = self._comparing.total(count.verdicts["FAIL"], self._unknown)

    def _judge_duplicates(self, count: _Count) -> None:
        groups = 0
        for ordinal, told in set_checks.duplicates(self._workspace.db, self._options.selection):
            groups += 1
            count.take(failed(told), find_by_ordinal(self._workspace.db, ordinal), False)
        if not groups:
            count.whole = passed(msg("no two records in force share a code, a number, or a title and date"))
        else:
            count.whole = failed(msg("{count} group(s) of records share a code, a number, or a title and date",
                                     count=groups))

    def _judge_storage(self, count: _Count) -> None:
        unknown, loose = set_checks.lies_beside(self._workspace)
        if unknown:
            with self._workspace.settled():
                unknown, loose = set_checks.lies_beside(self._workspace)
        told = [*loose, *(msg("{file}: {reason}", file=one, reason=msg(
            "an object that the ledger does not know, or calls destroyed")) for one in unknown)]
        for one in told:
            count.take(failed(one), None, False)
        if not told and not count.verdicts["FAIL"]:
            count.whole = passed(msg("nothing lies in {count} package(s) or beside them that does not belong there",
                                     count=count.verdicts["PASS"]))


