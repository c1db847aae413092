"""What changes for the records of a store when another schedule takes the place of the one in force.

Counted by groups first, as the review is; the records themselves on demand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from recordkit.archive.access import clearance_of, seen_title
from recordkit.archive.catalogue import Record, find_by_ordinal, get_record
from recordkit.archive.classes import Scheme
from recordkit.messages import Message
from recordkit.retention.circumstances import decide_record, load_circumstances
from recordkit.retention.grouped import TERM, Review, each_volume_group
from recordkit.retention.order_state import open_orders
from recordkit.retention.review import Decision, DecisionKind
from recordkit.workspace import Workspace


@dataclass(frozen=True, slots=True)
class MovedGroup:
    """Records of one class of which the two schedules say different things, each of them the same.

    Attributes:
        before, after: decision under the old and under the new schedule; ``due_before``, ``due_after`` first day of
            appraisal, None when there is none.
    """

    record_class: str
    before: DecisionKind
    due_before: date | None
    after: DecisionKind
    due_after: date | None
    count: int


@dataclass(frozen=True, slots=True)
class Moved:
    """One record of which the two schedules say different things.

    Attributes:
        title: that of the record, where whoever asks may see it.
        order: the open order that it is in, or None.
    """

    record: Record
    title: str | Message
    before: Decision
    after: Decision
    order: str | None


def moved_groups(workspace: Workspace, old: Scheme, new: Scheme, today: date) -> list[MovedGroup]:
    """What moves, counted; by class, decisions and days. Equal to counting ``moved_records``."""
    pair = _Pair(workspace, old, new, today)
    counts: Counter[tuple[str, DecisionKind, date | None, DecisionKind, date | None]] = Counter()
    rest: Counter[tuple[str, str, str | None, str | None, str]] = Counter()
    for (one, before), (other, after) in zip(pair.old.particular(), pair.new.particular(), strict=True):
        if one.volume is None:
            rest[one.record_class, one.date, one.own, other.own, one.term] += 1
        counts[one.record_class, before.decision, before.due, after.decision, after.due] += 1
    for record_class, formed, own, other_own, term, number in pair.each_group():
        plain = number - rest.pop((record_class, formed, own, other_own, term), 0)
        if plain:
            before = pair.old.of_class(record_class, formed, own, term)
            after = pair.new.of_class(record_class, formed, other_own, term)
            counts[record_class, before.decision, before.due, after.decision, after.due] += plain
    for (record_class, _), (before, after), number in each_volume_group(workspace.db, [pair.old, pair.new]):
        counts[record_class, before.decision, before.due, after.decision, after.due] += number
    groups = [MovedGroup(*key, count) for key, count in counts.items() if count and key[1:3] != key[3:]]
    return sorted(groups, key=lambda one: (one.record_class, one.before, one.due_before or date.max, one.after,
                                           one.due_after or date.max))


def moved_records(workspace: Workspace, old: Scheme, new: Scheme, today: date) -> Iterator[Moved]:
    """The records that move, in the order of filing, each with what either schedule says and the reason."""
    touched = {one.record_class for one in moved_groups(workspace, old, new, today)}
    rows = workspace.db.each("SELECT ordinal, record_class FROM records WHERE status = 'active' ORDER BY ordinal")
    ordinals = [row["ordinal"] for row in rows if row["record_class"] in touched]
    found = (find_by_ordinal(workspace.db, one) for one in ordinals)
    yield from _moved(workspace, old, new, today, (one for one in found if one is not None))


def moved_in_orders(workspace: Workspace, old: Scheme, new: Scheme, today: date) -> list[Moved]:
    """Those of ``moved_records`` that lie in open orders."""
    found = (get_record(workspace.db, one) for one in open_orders(workspace.db))
    return list(_moved(workspace, old, new, today, (one for one in found if one is not None)))


def _moved(
    workspace: Workspace, old: Scheme, new: Scheme, today: date, records: Iterable[Record]
) -> Iterator[Moved]:
    around = load_circumstances(workspace)
    before, after = replace(around, scheme=old), replace(around, scheme=new)
    ordered, clearance = open_orders(workspace.db), clearance_of(workspace)
    for record in records:
        if record.status != "active":
            continue
        first, second = (decide_record(workspace, record, one, today) for one in (before, after))
        if (first.decision, first.due) != (second.decision, second.due):
            yield Moved(record, seen_title(record, clearance), first, second, ordered.get(record.record_id))


class _Pair:
    """The same archive seen with two schedules."""

    def __init__(self, workspace: Workspace, old: Scheme, new: Scheme, today: date) -> None:
        around = load_circumstances(workspace)
        self._db = workspace.db
        self.old = Review(workspace, today, replace(around, scheme=old), _counting_from_fields(new))
        self.new = Review(workspace, today, replace(around, scheme=new), _counting_from_fields(old))

    def each_group(self) -> Iterator[tuple[str, str, str | None, str | None, str, int]]:
        """Class, date, date field of the old and of the new rule, term, and number of the records that agree in them.

        Of records that lie in no volume.
        """
        fields = {*self.old.fields, *self.new.fields}
        for row in self._db.each(f"SELECT r.record_class, r.date, {TERM}, count(*) AS n FROM records r WHERE "
                                 "r.status = 'active' AND r.volume IS NULL "
                                 "GROUP BY r.date, r.record_class, r.old_term"):
            if row["record_class"] not in fields:
                yield row["record_class"], row["date"], None, None, row["term"], row["n"]
        for one in sorted(fields):
            places = {name: _place(review.fields.get(one)) for name, review in (("old", self.old), ("new", self.new))}
            for row in self._db.each(
                "SELECT r.date, json_extract(r.metadata, :old) AS own, json_extract(r.metadata, :new) AS other, "
                f"{TERM}, count(*) AS n FROM records r WHERE r.status = 'active' AND r.volume IS NULL "
                "AND r.record_class = :class GROUP BY r.date, own, other, term", {"class": one, **places},
            ):
                yield one, row["date"], row["own"], row["other"], row["term"], row["n"]


def _counting_from_fields(scheme: Scheme) -> list[str]:
    return [one.id for one in scheme.classes.values() if one.field and one.trigger == "date"]


def _place(field: str | None) -> str:
    # A path that no metadata has: json_extract gives NULL, as where the class has no date field.
    return '$.fields.""' if field is None else f'$.fields."{field}"'
