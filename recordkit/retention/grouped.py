"""The review of a whole archive by groups: equal records are decided once.

What decides about a record is its class, its date, and whatever is known of it in particular: events, holds, decisions
to extend. Most records have nothing particular: those of one class and period are one group, whatever their number.
The others are few, and are decided one by one. Both by ``review.decide``, so that a group says what each of its
records would.

A volume (案卷) comes down to three things: whether a record in it is permanent or waits, the longest period, the latest
start. Of volumes that agree in them, the records of a class and term are decided once. Where something particular is
known of one record, its whole volume is decided record by record.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property, lru_cache
from typing import NamedTuple

from recordkit.archive.catalogue import Record, find_by_ordinal
from recordkit.archive.classes import RecordClass, Start
from recordkit.db import Database, Row
from recordkit.retention.circumstances import Circumstances, day_in, decide_record, load_circumstances
from recordkit.retention.review import (
    GOVERNING,
    Decision,
    DecisionKind,
    Event,
    Facts,
    Hold,
    Outcome,
    Period,
    Together,
    decide,
    own_period,
    period_start,
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
    companions: bool
    unexplained: bool


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
_MEMBERS = ("SELECT r.ordinal FROM json_each(:volumes) v CROSS JOIN records r ON r.volume = v.value "
            "AND r.status = 'active'")
_THESE = f"SELECT {_COLUMNS}, NULL, 0 FROM json_each(:ordinals) o CROSS JOIN records r ON r.ordinal = o.value"
_BETWEEN, _BEFORE_TERM = "\x1f", "\x1e"
"""Between the classes of a volume, and between the class of a record and its old term; in neither (blanks, see
``catalogue``)."""
_STARTS: tuple[Start, ...] = ("next-january", "trigger")
_Kind = tuple[str, str]
"""Class and old term: what decides about a record in a volume of which nothing particular is known."""


class _Lot(NamedTuple):
    """What a volume comes down to for the decision about each of its records.

    ``months`` is 0 and ``start`` None unless the periods of all of them run.
    """

    outcome: Outcome
    months: int
    start: date | None

    @classmethod
    def of(cls, periods: Iterable[Period]) -> _Lot:
        """As ``review.governing``, without saying which record it is that governs."""
        months, start = 0, date.min
        outcomes = set()
        for one in periods:
            outcomes.add(one.outcome)
            months, start = max(months, one.months or 0), max(start, one.start or date.min)
        for outcome in GOVERNING:
            if outcome in outcomes:
                return cls(outcome, 0, None)
        return cls("runs", months, start)

    def together(self) -> Together:
        """For ``review.decide``, whose reason nobody reads here: reasons are told of single records."""
        return Together("", 0, self.outcome, "", "", "", "", self.start, self.months)


def group_review(workspace: Workspace, today: date, *, within_days: int | None = None) -> list[ReviewGroup]:
    """What ``review_items`` says, counted by class, decision and due date.

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
    """The active records of these decisions (None: of all), each with its decision and reason, in the order of filing.

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


def waiting_records(workspace: Workspace, today: date) -> Iterator[tuple[str | None, str, date, str, str]]:
    """Account, class, date, archival code and access level of records that wait for an event, in the order of filing.

    Those that wait only with another record of their volume are left out: it is that one's event they wait for. So
    are those whose old term nobody has explained: no event ends that.
    """
    waiting = {ordinal for ordinal, decision in _decided(Review(workspace, today))
               if decision.decision == "waiting" and decision.companion is None and not decision.unexplained}
    rows = workspace.db.each(
        "SELECT r.ordinal, r.record_class, r.date, r.code, r.access, a.account FROM records r LEFT JOIN "
        "record_accounts a ON a.record_id = r.record_id AND a.is_current = 1 WHERE "
        "r.status = 'active' ORDER BY r.ordinal")
    for row in rows:
        if row["ordinal"] in waiting:
            yield row["account"], row["record_class"], date.fromisoformat(row["date"]), row["code"], row["access"]


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
    """Class and term, decision of each review, and number of the records that agree in them.

    Of volumes of which nothing particular is known; the reviews are of one store and know ``others`` of each other.
    """
    alike: defaultdict[tuple[_Lot, ...], Counter[str]] = defaultdict(Counter)
    for kinds, _, lots in _each_volume(db, reviews, "NULL"):
        alike[lots][kinds] += 1
    for lots, texts in alike.items():
        counts = Counter[_Kind]()
        for kinds, number in texts.items():
            for one in _kinds_in(kinds):
                counts[one] += number
        for one, count in counts.items():
            yield one, tuple(review.of_kind(one, lot) for review, lot in zip(reviews, lots, strict=True)), count


def _each_volume(
    db: Database, reviews: Sequence[Review], ordinals: str
) -> Iterator[tuple[str, str, tuple[_Lot, ...]]]:
    """Class and term of each record (for ``_kinds_in``), what ``ordinals`` gives for them, what the volume comes to.

    Of volumes of which nothing particular is known. The two lists are in the same order: the aggregates of a group see
    its rows in one.
    """
    apart = reviews[0].volumes_apart()
    latest = ", ".join(f"max({one})" for review in reviews for one in review.formed())
    rows = db.each(f"SELECT r.volume, {ordinals}, group_concat(r.record_class || coalesce('{_BEFORE_TERM}' || "
                   f"r.old_term, ''), '{_BETWEEN}'), {latest} "
                   "FROM records r WHERE r.volume IS NOT NULL AND r.status = 'active' GROUP BY r.volume")
    # Kinds decide all but the latest start; volumes whose kinds agree in the rest share what is known by days.
    of_kinds: dict[str, _ByDays] = {}
    of_rest: dict[tuple[_Lot, ...], _ByDays] = {}
    for volume, found, kinds, *latest_days in rows:
        if volume in apart:
            continue
        by_days = of_kinds.get(kinds)
        if by_days is None:
            members = _kinds_in(kinds)
            rest = tuple([review.lot_of_kinds(members) for review in reviews])
            by_days = of_kinds[kinds] = of_rest.setdefault(rest, _ByDays(reviews, rest))
        yield kinds, found, by_days[tuple(latest_days)]


class _ByDays(dict[tuple[str | None, ...], tuple[_Lot, ...]]):
    """What volumes come to by their latest dates, two for each review as ``Review.formed`` has them."""

    def __init__(self, reviews: Sequence[Review], rest: tuple[_Lot, ...]) -> None:
        self._rest = list(zip(reviews, rest, strict=True))

    def __missing__(self, days: tuple[str | None, ...]) -> tuple[_Lot, ...]:
        found = self[days] = tuple(lot if lot.start is None else lot._replace(start=review.latest(*days[at:at + 2]))
                                   for at, (review, lot) in zip(range(0, len(days), 2), self._rest, strict=True))
        return found


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
        self._accounts: dict[int, set[tuple[str, bool]]] = {}
        self._periods: dict[object, Period] = {}
        # Date field by class, of those classes that count from one.
        self.fields = {one.id: one.field for one in self.around.scheme.classes.values()
                        if one.field and one.trigger == "date"}
        # First day of the period by class, of those that count from the date of the record.
        self._starts = {one.id: one.start for one in self.around.scheme.classes.values()
                        if one.trigger == "date" and not one.field and one.months is not None}
        self._awaited = {one.id: frozenset(one.events) for one in self.around.scheme.classes.values()
                         if one.trigger == "event"}
        self._apart = sorted({*self.fields, *others})

    def of_class(self, record_class: str, formed: str, own: str | None, term: str = "") -> Decision:
        """That of a record in no volume, of which nothing particular is known."""
        key = (record_class, self._decisive(record_class, formed, own), term)
        known = self._made.get(key)
        if known is None:
            one = _Plain(0, "", record_class, formed, own, term, None)
            known = self._made[key] = self._decide(one, (), self.around.blind_holds, self._period(one, ()))
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
        for kinds, ordinals, (lot,) in _each_volume(self._db, [self], "group_concat(r.ordinal)"):
            for ordinal, one in zip(ordinals.split(","), _kinds_in(kinds), strict=True):
                yield int(ordinal), self.of_kind(one, lot)

    def of_kind(self, kind: _Kind, lot: _Lot) -> Decision:
        """That of a record of this class and term, of which nothing particular is known, in a volume like that."""
        known = self._made.get((kind, lot))
        if known is None:
            facts, rule = self._facts_of_kind(kind)
            known = self._made[kind, lot] = decide(facts, (), self.around.blind_holds, rule, self._today, None,
                                                   lot.together())
        return known

    def lot_of_kinds(self, kinds: Collection[_Kind]) -> _Lot:
        """What a volume with records of these comes down to; ``start`` is some day where periods run."""
        return _Lot.of(map(self._period_of_kind, kinds))

    def latest(self, formed_later: str | None, formed_at_once: str | None) -> date:
        """Latest start of periods in a volume, all of which run, with these latest dates by ``formed``."""
        days = zip(_STARTS, (formed_later, formed_at_once), strict=True)
        return max(period_start(start, date.fromisoformat(day)) for start, day in days if day is not None)

    def formed(self) -> tuple[str, str]:
        """Two expressions: date of a record whose period starts in January after it, and of one whose starts with it.

        For volumes in which all periods run. Where the schedule knows only one kind of start, the dates of all its
        records are such dates: one that waits for an event makes its volume wait.
        """
        both = [[one for one, start in self._starts.items() if start == wanted] for wanted in _STARTS]
        if not all(both):
            later, at_once = ("r.date" if ids else "NULL" for ids in both)
        else:
            later, at_once = (f"CASE WHEN r.record_class IN ({_quoted(ids)}) THEN r.date END" for ids in both)
        return later, at_once

    def volumes_apart(self) -> frozenset[str]:
        """Ids of the volumes of which something particular is known."""
        return frozenset(one.volume for one in self._known.values() if one.volume is not None)

    def _period_of_kind(self, kind: _Kind) -> Period:
        known = self._periods.get(kind)
        if known is None:
            facts, rule = self._facts_of_kind(kind)
            known = self._periods[kind] = own_period(facts, (), rule)
        return known

    def _facts_of_kind(self, kind: _Kind) -> tuple[Facts, RecordClass | None]:
        # The day is that of nobody: the start of the volume counts, and who counts from an event waits for it.
        record_class, term = kind
        return (Facts("", record_class, date.max, None, term, self.around.meaning(term)),
                self.around.scheme.classes.get(record_class))

    def _without_own(self, rows: Iterator[Row]) -> Iterator[Row]:
        return (row for row in rows if row["record_class"] not in self.fields) if self.fields else rows

    def _place(self, record_class: str) -> dict[str, object]:
        return {"class": record_class, "path": f'$.fields."{self.fields[record_class]}"'}

    def _own(self, ordinal: int, record_class: str) -> str | None:
        if record_class not in self.fields:
            return None
        found = self._db.one("SELECT json_extract(metadata, :path) AS own FROM records WHERE ordinal = :ordinal",
                             {"ordinal": ordinal, "path": self._place(record_class)["path"]})
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
            # Nothing is known of their accounts, or the records would have been found above.
            members = self._db.each(_MEMBERS, {"volumes": json.dumps(sorted(volumes))})
            others = [ordinal for ordinal, in members if ordinal not in found]
            self._take(self._db.each(_THESE, {"ordinals": json.dumps(others)}), found)
        return found

    def _take(self, rows: Iterable[Row], found: dict[int, _Plain]) -> None:
        for ordinal, record_id, record_class, formed, volume, term, account, is_current in rows:
            if ordinal not in found:
                own = self._own(ordinal, record_class)
                found[ordinal] = _Plain(ordinal, record_id, record_class, formed, own, term, volume)
            if account is not None:
                # Once a row: the same account may stand there for several reasons.
                self._accounts.setdefault(ordinal, set()).add((account, bool(is_current)))

    def particular(self) -> Iterator[tuple[_Plain, Decision]]:
        """Those of which something may be known, with the others of their volumes, each once, with its decision."""
        around, blind = self.around, self.around.blind_holds
        found: list[tuple[_Plain, tuple[Event, ...], Sequence[Hold], Period]] = []
        volumes: defaultdict[str, list[Period]] = defaultdict(list)
        for ordinal, one in self._known.items():
            events = tuple(around.events_of_record.get(one.record_id, ()))
            holds: list[Hold] = [*around.holds_of_record.get(one.record_id, ()), *blind]
            for account, is_current in self._accounts.get(ordinal, ()):
                if is_current and account in around.events_of_account:
                    events = (*events, *around.events_of_account[account])
                holds += around.holds_of_account.get(account, ())
            period = self._period(one, events)
            found.append((one, events, holds, period))
            if one.volume is not None:
                volumes[one.volume].append(period)
        lots = {volume: _Lot.of(members) for volume, members in volumes.items()}
        for one, events, its_holds, period in found:
            yield one, self._decide(one, events, its_holds, period, None if one.volume is None else lots[one.volume])

    def _facts(self, one: _Plain) -> Facts:
        own = None if one.own is None else day_in(one.own)
        return Facts(one.record_id, one.record_class, date.fromisoformat(one.date), own, one.term,
                     self.around.meaning(one.term))

    def _period(self, one: _Plain, events: tuple[Event, ...]) -> Period:
        """By ``own_period``, once for all records whose period cannot differ."""
        types = self._awaited.get(one.record_class, frozenset())
        heard = tuple([event for event in events if event.type in types]) if types and events else ()
        # An event of an account counts only for records that are older.
        day = one.date if heard else self._decisive(one.record_class, one.date, one.own)
        key = (one.record_class, one.term, day, heard)
        known = self._periods.get(key)
        if known is None:
            known = self._periods[key] = own_period(self._facts(one), events,
                                                    self.around.scheme.classes.get(one.record_class))
        return known

    def _decide(self, one: _Plain, events: tuple[Event, ...], holds: Sequence[Hold], period: Period,
                lot: _Lot | None = None) -> Decision:
        """By ``decide``, once for all records whose decision cannot differ."""
        extension = self.around.extensions.get(one.record_id)
        # Two records of a class whose periods start on the same day differ in their reasons only.
        key = (one.record_class, one.term, period.start, extension, bool(holds), lot)
        known = self._made.get(key)
        if known is None:
            decided = decide(self._facts(one), events, holds, self.around.scheme.classes.get(one.record_class),
                             self._today, extension, None if lot is None else lot.together())
            known = self._made[key] = replace(decided, record_id="")
        return known


@lru_cache(100_000)
def _kinds_in(text: str) -> list[_Kind]:
    parts = (part.partition(_BEFORE_TERM) for part in text.split(_BETWEEN))
    return [(record_class, term) for record_class, _, term in parts]


def _quoted(ids: Iterable[str]) -> str:
    """Ids as SQL text; classes of a schedule are the office's own words."""
    return ", ".join("'" + one.replace("'", "''") + "'" for one in ids)
