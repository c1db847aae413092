"""The review of a whole archive by groups: equal records are decided once.

What decides about a record is its class, its date, and whatever is known of it in particular: events, holds, decisions
to extend. Most records have nothing particular: those of one class and period are one group, whatever their number.
The others are few, and are decided one by one. Both by ``review.decide``, so that a group says what each of its
records would.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

from recordkit.archive.catalogue import Record, find_by_ordinal
from recordkit.db import Row
from recordkit.retention.circumstances import Circumstances, day_in, decide_record, load_circumstances
from recordkit.retention.review import Decision, DecisionKind, Event, Facts, Hold, decide, period_start, trigger_of
from recordkit.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ReviewGroup:
    """Records of a class of which the same is to be said: ``decision`` and first day of appraisal ``due``."""

    record_class: str
    decision: DecisionKind
    due: date | None
    count: int


class _Plain(NamedTuple):
    """A record as far as the review needs it, its date still as text."""

    ordinal: int
    record_id: str
    record_class: str
    date: str
    own: str | None


_PARTICULAR = """
SELECT r.ordinal, r.record_id, r.record_class, r.date, NULL AS account, 0 AS is_current
FROM (SELECT record_id FROM retention_event_records UNION SELECT record_id FROM hold_records
      UNION SELECT record_id FROM order_items WHERE opinion IN ('extend', 'keep')) p
CROSS JOIN records r ON r.record_id = p.record_id WHERE r.status = 'active'
UNION ALL
SELECT r.ordinal, r.record_id, r.record_class, r.date, a.account, a.is_current
FROM (SELECT account FROM retention_events WHERE scope = 'account' AND replaced IS NULL AND account IS NOT NULL
      UNION SELECT account FROM holds WHERE scope = 'account' AND released IS NULL AND account IS NOT NULL) n
CROSS JOIN record_accounts a ON a.account = n.account
CROSS JOIN records r ON r.record_id = a.record_id WHERE r.status = 'active'
"""
"""Active records of which something particular may be known, once for each reason; accounts only where they count.

CROSS JOIN keeps SQLite from beginning with the table of all records.
"""


def group_review(workspace: Workspace, today: date, *, within_days: int | None = None) -> list[ReviewGroup]:
    """What ``circumstances.review_store`` would say, counted by class, decision and due date.

    With ``within_days`` only what is due, or would be without a hold, by that many days after ``today``.

    Returns:
        Groups by class, decision and due date.
    """
    review = Review(workspace, today)
    counts = Counter[tuple[str, DecisionKind, date | None]]()
    rest = Counter[tuple[str, str, str | None]]()
    for one, decision in review.particular():
        rest[one.record_class, one.date, one.own] -= 1
        counts[one.record_class, decision.decision, decision.due] += 1
    for row in review.each_group():
        plain = row["n"] + rest[row["record_class"], row["date"], row["own"]]
        if plain:
            decision = review.of_class(row["record_class"], row["date"], row["own"])
            counts[row["record_class"], decision.decision, decision.due] += plain
    groups = near_groups((ReviewGroup(*key, count) for key, count in counts.items()), today, within_days)
    return sorted(groups, key=lambda one: (one.record_class, one.decision, one.due or date.max))


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
    known = {one.ordinal: decision for one, decision in review.particular()}
    wanted = [
        ordinal
        for ordinal, decision in _decided(review, known)
        if (decisions is None or decision.decision in decisions) and _is_near(decision.due, today, within_days)
    ]
    for ordinal in sorted(wanted):
        record = find_by_ordinal(workspace.db, ordinal)
        if record is not None and record.status == "active":
            yield record, decide_record(workspace, record, review.around, today)


def waiting_records(workspace: Workspace, today: date) -> Iterator[tuple[str | None, str, date, str]]:
    """Account, class, date and archival code of every record that waits for an event, in the order of filing."""
    review = Review(workspace, today)
    known = {one.ordinal: decision for one, decision in review.particular()}
    waiting = {ordinal for ordinal, decision in _decided(review, known) if decision.decision == "waiting"}
    rows = workspace.db.each(
        "SELECT r.ordinal, r.record_class, r.date, r.code, a.account FROM records r LEFT JOIN record_accounts a "
        "ON a.record_id = r.record_id AND a.is_current = 1 WHERE r.status = 'active' ORDER BY r.ordinal")
    for row in rows:
        if row["ordinal"] in waiting:
            yield row["account"], row["record_class"], date.fromisoformat(row["date"]), row["code"]


def _decided(review: Review, known: Mapping[int, Decision]) -> Iterator[tuple[int, Decision]]:
    for row in review.each_record():
        particular = known.get(row["ordinal"])
        yield row["ordinal"], particular or review.of_class(row["record_class"], row["date"], row["own"])


def _is_near(due: date | None, today: date, within_days: int | None) -> bool:
    return within_days is None or (due is not None and due <= today + timedelta(days=within_days))


class Review:
    """Decisions of one day, each made once. Reasons are those of one record of the group."""

    def __init__(self, workspace: Workspace, today: date, around: Circumstances | None = None) -> None:
        """``around``: what to decide by; None for what the store holds."""
        self.around = around or load_circumstances(workspace)
        self._db = workspace.db
        self._today = today
        self._made: dict[object, Decision] = {}
        # Date field by class, of those classes that count from one.
        self.fields = {one.id: one.field for one in self.around.scheme.classes.values()
                        if one.field and one.trigger == "date"}

    def of_class(self, record_class: str, formed: str, own: str | None) -> Decision:
        """That of a record of which nothing particular is known."""
        known = self._made.get((record_class, formed, own))
        if known is None:
            known = self._decide(record_class, formed, (), self.around.blind_holds, own=own)
            self._made[record_class, formed, own] = known
        return known

    def each_group(self) -> Iterator[Row]:
        """Class, date, date field that the class counts from, and number of the records that agree in them."""
        rows = self._db.each("SELECT record_class, date, NULL AS own, count(*) AS n FROM records "
                             "WHERE status = 'active' GROUP BY date, record_class")
        yield from self._without_own(rows)
        for record_class in self.fields:
            yield from self._db.each(
                "SELECT record_class, date, json_extract(metadata, :path) AS own, count(*) AS n FROM records "
                "WHERE status = 'active' AND record_class = :class GROUP BY own, date", self._place(record_class))

    def each_record(self) -> Iterator[Row]:
        """Ordinal, class, date, and date field that the class counts from, of every record."""
        rows = self._db.each("SELECT ordinal, record_class, date, NULL AS own FROM records WHERE status = 'active'")
        yield from self._without_own(rows)
        for record_class in self.fields:
            yield from self._db.each(
                "SELECT ordinal, record_class, date, json_extract(metadata, :path) AS own FROM records "
                "WHERE status = 'active' AND record_class = :class", self._place(record_class))

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

    def particular(self) -> Iterator[tuple[_Plain, Decision]]:
        """Those of which something may be known, each once, with its decision."""
        found: dict[int, _Plain] = {}
        accounts: dict[int, dict[str, bool]] = {}
        for row in self._db.each(_PARTICULAR):
            ordinal = row["ordinal"]
            if ordinal not in found:
                found[ordinal] = _Plain(ordinal, row["record_id"], row["record_class"], row["date"],
                                        self._own(row))
            if row["account"] is not None:
                accounts.setdefault(ordinal, {})[row["account"]] = bool(row["is_current"])
        around = self.around
        for ordinal, one in found.items():
            events = list(around.events_of_record.get(one.record_id, ()))
            holds = [*around.holds_of_record.get(one.record_id, ()), *around.blind_holds]
            for account, is_current in accounts.get(ordinal, {}).items():
                holds += around.holds_of_account.get(account, ())
                if is_current:
                    events += around.events_of_account.get(account, ())
            yield one, self._decide(one.record_class, one.date, tuple(events), tuple(holds), one.record_id, one.own)

    def _decide(
        self,
        record_class: str,
        formed: str,
        events: tuple[Event, ...],
        holds: tuple[Hold, ...],
        record_id: str = "",
        own: str | None = None,
    ) -> Decision:
        """By ``decide``, once for all records whose decision cannot differ."""
        rule = self.around.scheme.classes.get(record_class)
        extension = self.around.extensions.get(record_id)
        held = bool(holds)
        day = date.fromisoformat(formed)
        facts = Facts(record_id, record_class, day, day_in(own))
        # Two records of a class whose periods start on the same day differ in their reasons only.
        trigger = trigger_of(facts, events, rule) if rule is not None and rule.months is not None else None
        start = period_start(rule, trigger[0]) if rule is not None and trigger is not None else None
        key = (record_class, start, extension, held)
        known = self._made.get(key)
        if known is None:
            known = decide(facts, events, holds, rule, self._today, extension)
            self._made[key] = known = replace(known, record_id="")
        return known
