"""The review of a whole archive by groups: equal records are decided once.

What decides about a record is its class, its date, and whatever is known of it in particular: events, holds, decisions
to extend. Most records have nothing particular: those of one class and period are one group, whatever their number.
The others are few, and are decided one by one. Both by ``review.decide``, so that a group says what each of its
records would.

Volumes (案卷) are groups of the same kind: what governs one is the classes in it and the latest start. Where something
particular is known of one record, its whole volume is decided record by record.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

from recordkit.archive.catalogue import Record, find_by_ordinal
from recordkit.archive.classes import RecordClass
from recordkit.db import Database, Row
from recordkit.retention.circumstances import Circumstances, day_in, decide_record, load_circumstances
from recordkit.retention.review import (
    Decision,
    DecisionKind,
    Event,
    Facts,
    Hold,
    Together,
    decide,
    governing,
    period_start,
    trigger_of,
)
from recordkit.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ReviewGroup:
    """Records of a class of which the same is to be said: ``decision`` and first day of appraisal ``due``.

    ``companions``: they wait for nothing themselves, but with another record of their volume. ``unexplained``: they
    wait for somebody to say what their old term means.
    """

    record_class: str
    decision: DecisionKind
    due: date | None
    count: int
    companions: bool = False
    unexplained: bool = False


class _Plain(NamedTuple):
    """A record as far as the review needs it, its date still as text; ``term`` "" where it has none."""

    ordinal: int
    record_id: str
    record_class: str
    date: str
    own: str | None
    term: str
    volume: str | None


TERM = "coalesce(r.old_term, '') AS term"
"""Old term of ``records r``, "" where it has none."""
_COLUMNS = f"r.ordinal, r.record_id, r.record_class, r.date, r.volume, {TERM}"
_PARTICULAR = f"""
SELECT {_COLUMNS}, NULL AS account, 0 AS is_current
FROM (SELECT record_id FROM retention_event_records UNION SELECT record_id FROM hold_records
      UNION SELECT record_id FROM order_items WHERE opinion IN ('extend', 'keep')) p
CROSS JOIN records r ON r.record_id = p.record_id WHERE r.status = 'active'
UNION ALL
SELECT {_COLUMNS}, a.account, a.is_current
FROM (SELECT account FROM retention_events WHERE scope = 'account' AND replaced IS NULL AND account IS NOT NULL
      UNION SELECT account FROM holds WHERE scope = 'account' AND released IS NULL AND account IS NOT NULL) n
CROSS JOIN record_accounts a ON a.account = n.account
CROSS JOIN records r ON r.record_id = a.record_id WHERE r.status = 'active'
"""
"""Active records of which something particular may be known, once for each reason; accounts only where they count.

CROSS JOIN keeps SQLite from beginning with the table of all records.
"""
_MEMBERS = f"""
SELECT {_COLUMNS}, a.account, coalesce(a.is_current, 0) AS is_current
FROM json_each(:volumes) v CROSS JOIN records r ON r.volume = v.value AND r.status = 'active'
LEFT JOIN record_accounts a ON a.record_id = r.record_id
"""
"""Active records of these volumes, once for each account under which they stand or stood."""
_BETWEEN, _BEFORE_TERM = "\x1f", "\x1e"
"""Between the classes of a volume, and between the class of a record and its old term; in neither (blanks, see
``catalogue``)."""
_Kind = tuple[str, str]
"""Class and old term: what decides about a record in a volume of which nothing particular is known."""


def group_review(workspace: Workspace, today: date, *, within_days: int | None = None) -> list[ReviewGroup]:
    """What ``circumstances.review_store`` would say, counted by class, decision and due date.

    With ``within_days`` only what is due, or would be without a hold, by that many days after ``today``.

    Returns:
        Groups by class, decision and due date.
    """
    review = Review(workspace, today)
    counts = Counter[_Said]()
    rest = Counter[tuple[str, str, str | None, str]]()
    for one, decision in review.particular():
        if one.volume is None:
            rest[one.record_class, one.date, one.own, one.term] -= 1
        counts[_said(one.record_class, decision)] += 1
    for row in review.each_group():
        plain = row["n"] + rest.pop((row["record_class"], row["date"], row["own"], row["term"]), 0)
        if plain:
            decision = review.of_class(row["record_class"], row["date"], row["own"], row["term"])
            counts[_said(row["record_class"], decision)] += plain
    for (record_class, _), (decision,), count in each_volume_group(workspace.db, [review]):
        counts[_said(record_class, decision)] += count
    groups = near_groups((ReviewGroup(record_class, kind, due, count, companions, unexplained)
                          for (record_class, kind, due, companions, unexplained), count in counts.items() if count),
                         today, within_days)
    return sorted(groups, key=lambda one: (one.record_class, one.decision, one.due or date.max, one.companions,
                                           one.unexplained))


_Said = tuple[str, DecisionKind, date | None, bool, bool]


def _said(record_class: str, decision: Decision) -> _Said:
    return (record_class, decision.decision, decision.due, decision.companion is not None, bool(decision.unexplained))


def near_groups(groups: Iterable[ReviewGroup], today: date, within_days: int | None) -> list[ReviewGroup]:
    """Those that are due, or would be without a hold, by so many days after ``today``; all of them when None."""
    return [one for one in groups if _is_near(one.due, today, within_days)]


def review_items(
    workspace: Workspace,
    today: date,
    *,
    decisions: Collection[DecisionKind] | None = None,
    within_days: int | None = None,
) -> Iterator[tuple[Record, Decision]]:
    """The records of these decisions (None: of all), each with its decision and reason, in the order of filing.

    Only they are read from the catalogue. ``within_days`` as for ``group_review``.
    """
    review = Review(workspace, today)
    wanted = [
        ordinal
        for ordinal, decision in _decided(review)
        if (decisions is None or decision.decision in decisions) and _is_near(decision.due, today, within_days)
    ]
    for ordinal in sorted(wanted):
        record = find_by_ordinal(workspace.db, ordinal)
        if record is not None and record.status == "active":
            yield record, decide_record(workspace, record, review.around, today)


def waiting_records(workspace: Workspace, today: date) -> Iterator[tuple[str | None, str, date, str]]:
    """Account, class, date and archival code of every record that waits for an event, in the order of filing.

    Those that wait only with another record of their volume are left out: it is that one's event they wait for. So
    are those whose old term nobody has explained: no event ends that.
    """
    waiting = {ordinal for ordinal, decision in _decided(Review(workspace, today))
               if decision.decision == "waiting" and decision.companion is None and not decision.unexplained}
    rows = workspace.db.each(
        "SELECT r.ordinal, r.record_class, r.date, r.code, a.account FROM records r LEFT JOIN record_accounts a "
        "ON a.record_id = r.record_id AND a.is_current = 1 WHERE r.status = 'active' ORDER BY r.ordinal")
    for row in rows:
        if row["ordinal"] in waiting:
            yield row["account"], row["record_class"], date.fromisoformat(row["date"]), row["code"]


def _decided(review: Review) -> Iterator[tuple[int, Decision]]:
    known = {one.ordinal: decision for one, decision in review.particular()}
    yield from known.items()
    for row in review.each_record():
        if row["ordinal"] not in known:
            yield row["ordinal"], review.of_class(row["record_class"], row["date"], row["own"], row["term"])
    yield from review.each_volume_record()


def _is_near(due: date | None, today: date, within_days: int | None) -> bool:
    return within_days is None or (due is not None and due <= today + timedelta(days=within_days))


def each_volume_group(db: Database, reviews: Sequence[Review]) -> Iterator[tuple[_Kind, tuple[Decision, ...], int]]:
    """Class and term, decision of each review, and number of the records that agree in them, volume by volume.

    Of volumes of which nothing particular is known; the reviews are of one store and know ``others`` of each other. The
    database puts volumes of the same classes and latest start together: what that takes grows with how many kinds of
    them there are.
    """
    starts = [f"max({review.start()})" for review in reviews]
    latest = ", ".join(f"{start} AS latest_{at}" for at, start in enumerate(starts))
    names = ", ".join(f"latest_{at}" for at in range(len(starts)))
    rows = db.each(
        f"SELECT classes, {names}, count(*) AS n FROM (SELECT group_concat(r.record_class || '{_BEFORE_TERM}' || "
        f"coalesce(r.old_term, ''), '{_BETWEEN}') AS classes, {latest} "
        "FROM records r WHERE r.volume IS NOT NULL AND r.status = 'active' AND r.volume NOT IN (SELECT value FROM "
        f"json_each(:volumes)) GROUP BY r.volume) GROUP BY classes, {names}", {"volumes": reviews[0].volumes()})
    for row in rows:
        members = Counter(map(_kind_of, row["classes"].split(_BETWEEN)))
        said = [review.of_volume(frozenset(members), row[f"latest_{at}"]) for at, review in enumerate(reviews)]
        for one, count in members.items():
            yield one, tuple(each[one] for each in said), count * row["n"]


class Review:
    """Decisions of one day, each made once. Reasons are those of one record of the group."""

    def __init__(
        self, workspace: Workspace, today: date, around: Circumstances | None = None, others: Collection[str] = ()
    ) -> None:
        """Nothing is read yet but ``around``, what to decide by; None for what the store holds.

        ``others``: ids of further classes with which a volume is decided record by record, because they count from a
        date field in another review.
        """
        self.around = around or load_circumstances(workspace)
        self._db = workspace.db
        self._today = today
        self._made: dict[object, Decision] = {}
        self._accounts: dict[int, dict[str, bool]] = {}
        # Of volumes of which nothing particular is known, by the classes and terms in them and the latest start.
        self._of_volumes: dict[tuple[frozenset[_Kind], str | None], dict[_Kind, Decision]] = {}
        # Date field by class, of those classes that count from one.
        self.fields = {one.id: one.field for one in self.around.scheme.classes.values()
                        if one.field and one.trigger == "date"}
        # First day of the period by class, of those that count from the date of the record.
        self._starts = {one.id: one.start for one in self.around.scheme.classes.values()
                        if one.trigger == "date" and not one.field}
        self._apart = sorted({*self.fields, *others})

    def of_class(self, record_class: str, formed: str, own: str | None, term: str = "") -> Decision:
        """That of a record in no volume, of which nothing particular is known."""
        key = (record_class, self._decisive(record_class, formed, own), term)
        known = self._made.get(key)
        if known is None:
            one = _Plain(0, "", record_class, formed, own, term, None)
            known = self._decide(one, (), self.around.blind_holds)
            self._made[key] = known
        return known

    def _decisive(self, record_class: str, formed: str, own: str | None) -> str | None:
        """What of the days of a record decides while no event is known of it."""
        if record_class in self.fields:
            return own
        start = self._starts.get(record_class)
        return None if start is None else formed if start == "trigger" else formed[:4]

    def each_group(self) -> Iterator[Row]:
        """Class, date, date field that the class counts from, term, and number of the records that agree in them.

        Of records that lie in no volume, as ``each_record``.
        """
        rows = self._db.each(f"SELECT r.record_class, r.date, NULL AS own, {TERM}, count(*) AS n FROM records r "
                             "WHERE r.status = 'active' AND r.volume IS NULL "
                             "GROUP BY r.date, r.record_class, r.old_term")
        yield from self._without_own(rows)
        for record_class in self.fields:
            yield from self._db.each(
                f"SELECT r.record_class, r.date, json_extract(r.metadata, :path) AS own, {TERM}, count(*) AS n "
                "FROM records r WHERE r.status = 'active' AND r.volume IS NULL AND r.record_class = :class "
                "GROUP BY own, r.date, term", self._place(record_class))

    def each_record(self) -> Iterator[Row]:
        """Ordinal, class, date, date field that the class counts from, and term of every record."""
        rows = self._db.each(f"SELECT r.ordinal, r.record_class, r.date, NULL AS own, {TERM} FROM records r "
                             "WHERE r.status = 'active' AND r.volume IS NULL")
        yield from self._without_own(rows)
        for record_class in self.fields:
            yield from self._db.each(
                f"SELECT r.ordinal, r.record_class, r.date, json_extract(r.metadata, :path) AS own, {TERM} "
                "FROM records r WHERE r.status = 'active' AND r.volume IS NULL AND r.record_class = :class",
                self._place(record_class))

    def each_volume_record(self) -> Iterator[tuple[int, Decision]]:
        """Ordinal and decision of every record of those volumes."""
        rows = self._db.each(
            f"SELECT r.volume, r.ordinal, r.record_class, {TERM}, {self.start()} AS start FROM records r "
            "WHERE r.volume IS NOT NULL AND r.status = 'active' AND r.volume NOT IN (SELECT value FROM "
            "json_each(:volumes)) ORDER BY r.volume", {"volumes": self.volumes()})
        for _, group in groupby(rows, key=lambda row: str(row["volume"])):
            members = [(row["ordinal"], (str(row["record_class"]), str(row["term"])), row["start"]) for row in group]
            latest = max((start for _, _, start in members if start is not None), default=None)
            decisions = self.of_volume(frozenset(one for _, one, _ in members), latest)
            for ordinal, one, _ in members:
                yield ordinal, decisions[one]

    def start(self) -> str:
        """An expression: first day of the period of a record whose class counts from the date; NULL for others.

        Equal to ``review.period_start``, and as text it sorts as the days do.
        """
        by_date = [one for one in self.around.scheme.classes.values()
                   if one.trigger == "date" and not one.field and one.months is not None]
        at_once = [one.id for one in by_date if one.start == "trigger"]
        later = [one.id for one in by_date if one.start != "trigger"]
        january = ("CASE WHEN substr(r.date, 1, 4) = '9999' THEN r.date "
                   "ELSE printf('%04d-01-01', substr(r.date, 1, 4) + 1) END")
        return (f"CASE WHEN r.record_class IN ({_quoted(later)}) THEN {january} "
                f"WHEN r.record_class IN ({_quoted(at_once)}) THEN r.date END")

    def of_volume(self, kinds: frozenset[_Kind], latest: str | None) -> dict[_Kind, Decision]:
        """Decisions by class and term, for a volume with records of these and with this latest start."""
        known = self._of_volumes.get((kinds, latest))
        if known is None:
            # The day is that of nobody: the start of the volume counts, and who counts from an event waits for it.
            members = [(Facts("", one, date.max, None, term, self.around.meaning(term)), (),
                        self.around.scheme.classes.get(one)) for one, term in kinds]
            together = governing("", members)
            if together.outcome == "runs" and latest is not None:
                together = replace(together, start=date.fromisoformat(latest))
            known = {(facts.record_class, facts.term): decide(facts, (), self.around.blind_holds, rule, self._today,
                                                              None, together) for facts, _, rule in members}
            self._of_volumes[kinds, latest] = known
        return known

    def volumes(self) -> str:
        """Ids of the volumes of which something particular is known, as JSON."""
        return json.dumps(sorted({one.volume for one in self._known.values() if one.volume is not None}))

    def _without_own(self, rows: Iterator[Row]) -> Iterator[Row]:
        return (row for row in rows if row["record_class"] not in self.fields) if self.fields else rows

    def _place(self, record_class: str) -> dict[str, object]:
        return {"class": record_class, "path": f'$.fields."{self.fields[record_class]}"'}

    def _own(self, row: Row) -> str | None:
        if row["record_class"] not in self.fields:
            return None
        found = self._db.one("SELECT json_extract(metadata, :path) AS own FROM records WHERE ordinal = :ordinal",
                             {"ordinal": row["ordinal"], "path": self._place(row["record_class"])["path"]})
        return None if found is None else found["own"]

    @cached_property
    def _known(self) -> dict[int, _Plain]:
        """Records by ordinal of which something may be known, and all that lie in one volume with such a one."""
        found: dict[int, _Plain] = {}
        self._take(self._db.each(_PARTICULAR), found)
        volumes = {one.volume for one in found.values() if one.volume is not None}
        for record_class in self._apart:
            # Its records differ by what stands in their date fields.
            volumes |= {row["volume"] for row in self._db.each(
                "SELECT DISTINCT volume FROM records WHERE record_class = :class AND status = 'active' "
                "AND volume IS NOT NULL", {"class": record_class})}
        if volumes:
            self._take(self._db.each(_MEMBERS, {"volumes": json.dumps(sorted(volumes))}), found)
        return found

    def _take(self, rows: Iterable[Row], found: dict[int, _Plain]) -> None:
        for row in rows:
            ordinal = row["ordinal"]
            if ordinal not in found:
                found[ordinal] = _Plain(ordinal, row["record_id"], row["record_class"], row["date"], self._own(row),
                                        row["term"], row["volume"])
            if row["account"] is not None:
                self._accounts.setdefault(ordinal, {})[row["account"]] = bool(row["is_current"])

    def particular(self) -> Iterator[tuple[_Plain, Decision]]:
        """Those of which something may be known, with the others of their volumes, each once, with its decision."""
        around, known = self.around, self._known
        events: dict[int, tuple[Event, ...]] = {}
        volumes: dict[str, list[_Plain]] = {}
        for ordinal, one in known.items():
            of_accounts = [event for account, is_current in self._accounts.get(ordinal, {}).items() if is_current
                           for event in around.events_of_account.get(account, ())]
            events[ordinal] = (*around.events_of_record.get(one.record_id, ()), *of_accounts)
            if one.volume is not None:
                volumes.setdefault(one.volume, []).append(one)
        together = {volume: governing(volume, [self._facts(one, events[one.ordinal]) for one in members])
                    for volume, members in volumes.items()}
        for ordinal, one in known.items():
            holds = [*around.holds_of_record.get(one.record_id, ()), *around.blind_holds]
            for account in self._accounts.get(ordinal, ()):
                holds += around.holds_of_account.get(account, ())
            yield one, self._decide(one, events[ordinal], tuple(holds), together.get(one.volume or ""))

    def _facts(self, one: _Plain, events: tuple[Event, ...]) -> tuple[Facts, tuple[Event, ...], RecordClass | None]:
        own = None if one.own is None else day_in(one.own)
        facts = Facts(one.record_id, one.record_class, date.fromisoformat(one.date), own, one.term,
                      self.around.meaning(one.term))
        return facts, events, self.around.scheme.classes.get(one.record_class)

    def _decide(
        self, one: _Plain, events: tuple[Event, ...], holds: tuple[Hold, ...], together: Together | None = None
    ) -> Decision:
        """By ``decide``, once for all records whose decision cannot differ."""
        facts, _, rule = self._facts(one, events)
        extension = self.around.extensions.get(one.record_id)
        # Two records of a class whose periods start on the same day differ in their reasons only.
        runs = rule is not None and rule.months is not None
        trigger = trigger_of(facts, events, rule) if runs and rule is not None else None
        start = period_start(rule, trigger[0]) if rule is not None and trigger is not None else None
        governed = None if together is None else (together.outcome, together.start, together.months)
        key = (one.record_class, one.term, start, extension, bool(holds), governed)
        known = self._made.get(key)
        if known is None:
            known = decide(facts, events, holds, rule, self._today, extension, together)
            self._made[key] = known = replace(known, record_id="")
        return known


def _kind_of(part: str) -> _Kind:
    record_class, _, term = part.partition(_BEFORE_TERM)
    return record_class, term


def _quoted(ids: Iterable[str]) -> str:
    """Ids as SQL text; classes of a schedule are the office's own words."""
    return ", ".join("'" + one.replace("'", "''") + "'" for one in ids) or "NULL"
