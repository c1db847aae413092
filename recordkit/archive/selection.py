"""Which records a listing, an export, a check or a change of many is about: one meaning for all of them.

Records come in pages of the database's own index, so that a writer is not kept waiting and the cost of a page does not
grow with the store.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal

from msgspec import Struct, structs

from recordkit.archive.catalogue import Record, record_of
from recordkit.db import Database
from recordkit.model import same_account

Order = Literal["filing", "code"]
_PAGE = 1000


class Selection(Struct, frozen=True):
    """Conditions that all have to hold; None stands for any.

    Attributes:
        record_class: id of a class; ``form`` id of a form.
        year: of the archival code; ``period`` its code (Y, D30, D10).
        since, until: dates of the records, both included.
        box: number of the box (盒号) that holds the paper, compared as accounts are.
        account: under which a record stands now.
        volume: id of the volume (案卷) that a record lies in.
        status: ``active``, ``destroyed``, or None for both.
        scope: within which item numbers run (``Group.scope``).
        term: the period that stands over them in print: that of an older archive (长期), else the code's.
    """

    record_class: str | None = None
    form: str | None = None
    year: int | None = None
    period: str | None = None
    since: date | None = None
    until: date | None = None
    box: str | None = None
    account: str | None = None
    volume: str | None = None
    status: Literal["active", "destroyed"] | None = "active"
    scope: str | None = None
    term: str | None = None


TERM = "coalesce(old_term, period)"
_CONDITIONS = {
    "record_class": "record_class = :record_class",
    "form": "form = :form",
    "year": "year = :year",
    "period": "period = :period",
    "since": "date >= :since",
    "until": "date <= :until",
    "box": "box = :box",
    "account": "record_id IN (SELECT record_id FROM record_accounts WHERE account = :account AND is_current = 1)",
    "volume": "volume = :volume",
    "scope": "scope = :scope",
    "term": f"{TERM} = :term",
    # A constant, for the index of active records serves no query in which it is not one.
    "status": "status = '{status}'",
}


def condition_of(selection: Selection) -> tuple[str, dict[str, object]]:
    """The selection as a condition of SQL over ``records``, with its values."""
    values: dict[str, object] = {}
    parts = ["1"]
    for name, part in _CONDITIONS.items():
        value = getattr(selection, name)
        if value is None:
            continue
        parts.append(part.format(status="destroyed" if value == "destroyed" else "active"))
        if name != "status":
            values[name] = value.isoformat() if isinstance(value, date) else value
    for name in ("box", "account"):
        if name in values:
            values[name] = same_account(str(values[name]))
    return " AND ".join(parts), values


def tallied_of(selection: Selection, *, partly: bool = False) -> tuple[str, dict[str, object]]:
    """The condition on ``record_tallies`` whose records are all selected, leaving box and account aside.

    ``partly``: those of which some may be: of the first and the last month perhaps not all days are meant.
    """
    names = [name for name in ("scope", "record_class", "form", "year", "period", "status")
             if getattr(selection, name) is not None]
    parts, values = [f"{name} = :{name}" for name in names], {name: getattr(selection, name) for name in names}
    since, until = selection.since, selection.until
    if since is not None:
        name, first = ("low", since) if partly else ("first", since if since.day == 1 else _next_month(since))
        parts.append(f"month >= :{name}")
        values[name] = first.isoformat()[:7]
    if until is not None:
        # A last day of a month is the day before the first one of the next.
        name, last = ("high", until) if partly else ("last", (until + _DAY).replace(day=1) - _DAY)
        parts.append(f"month <= :{name}")
        values[name] = last.isoformat()[:7]
    return " AND ".join(["1", *parts]), values


_DAY = timedelta(days=1)


def count_records(db: Database, selection: Selection) -> int:
    """How many records are selected; the cost does not grow with the archive."""
    few = any(one is not None for one in (selection.box, selection.account, selection.volume, selection.term,
                                          selection.scope))
    dated = selection.since is not None or selection.until is not None
    far = any(one is not None and one.year == date.max.year for one in (selection.since, selection.until))
    if few or far or dated and selection.status != "active":
        return _counted(db, selection)
    where, values = tallied_of(selection)
    row = db.one(f"SELECT coalesce(sum(n), 0) AS n FROM record_tallies WHERE {where}", values)
    whole = 0 if row is None else int(row["n"])
    return whole + sum(_counted(db, structs.replace(selection, since=first, until=last))
                       for first, last in _edges(selection.since, selection.until))


def _counted(db: Database, selection: Selection) -> int:
    where, values = condition_of(selection)
    by = " INDEXED BY records_review" if selection.status == "active" and selection.since and selection.until else ""
    row = db.one(f"SELECT count(*) AS n FROM records{by} WHERE {where}", values)
    return 0 if row is None else int(row["n"])


def _edges(since: date | None, until: date | None) -> list[tuple[date, date]]:
    """The parts of months at both ends of a time, which no tally tells."""
    begins = since is not None and since.day > 1
    ends = until is not None and (until + _DAY).day > 1
    if begins and ends and since is not None and until is not None and since.replace(day=1) == until.replace(day=1):
        return [(since, until)]
    found = []
    if begins and since is not None:
        last = _next_month(since) - _DAY
        if until is None or last <= until:
            found.append((since, last))
    if ends and until is not None and (since is None or since <= until.replace(day=1)):
        found.append((until.replace(day=1), until))
    return found


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


class Group(Struct, frozen=True):
    """Selected records that stand in one catalogue: of one year and period, within one run of item numbers.

    Attributes:
        scope: the code without its item number.
        period: that of an older archive in its own words (长期), else the code's (D30).
        count: of records; ``pages`` theirs together.
        since, until: first and last date of those that are not destroyed; None where all are.
    """

    scope: str
    year: int
    period: str
    count: int
    pages: int
    since: date | None
    until: date | None

    def of(self, selection: Selection) -> Selection:
        """The records of the selection that are in this group."""
        return structs.replace(selection, scope=self.scope, year=self.year, term=self.period)


def group_records(db: Database, selection: Selection) -> list[Group]:
    """The catalogues that the selected records stand in, by year, then by period, the longest first."""
    where, values = condition_of(selection)
    rows = db.all(
        f"SELECT scope, year, {TERM} AS term, count(*) AS count, sum(pages) AS pages, "
        "min(CASE WHEN status = 'active' THEN date END) AS since, "
        "max(CASE WHEN status = 'active' THEN date END) AS until "
        f"FROM records WHERE {where} GROUP BY scope, year, term", values)
    found = [Group(row["scope"], row["year"], row["term"], row["count"], row["pages"],
                   date.fromisoformat(row["since"]) if row["since"] else None,
                   date.fromisoformat(row["until"]) if row["until"] else None) for row in rows]
    return sorted(found, key=lambda one: (one.year, longest_first(one.period), one.scope))


def selected_volumes(db: Database, selection: Selection) -> list[str]:
    """Ids of the volumes in which a selected record lies, by archival code."""
    where, values = condition_of(selection)
    rows = db.all("SELECT volume_id FROM volumes WHERE volume_id IN (SELECT volume FROM records "
                  f"WHERE {where} AND volume IS NOT NULL) ORDER BY scope, serial", values)
    return [row["volume_id"] for row in rows]


_OLD_YEARS = {"长期": 50, "短期": 15}
"""《关于机关档案保管期限的规定》 (1987): 长期 is 16 to 50 years, 短期 up to 15."""


def longest_first(period: str) -> tuple[int, int]:
    """A sort key for periods: Y before D30 before D10; an older archive's by the longest that they could mean."""
    if period in ("Y", "永久"):
        return 0, 0
    if period in _OLD_YEARS:
        return 1, -12 * _OLD_YEARS[period]
    if period[-1:] == "年" and period[:-1].isdecimal():
        return 1, -12 * int(period[:-1])
    if period[:1] in ("D", "M") and period[1:].isdecimal():
        return 1, -int(period[1:]) * (12 if period[0] == "D" else 1)
    return 2, 0


def select_records(db: Database, selection: Selection, order: Order = "code") -> Iterator[Record]:
    """The selected records, by archival code (item numbers as numbers) or in the order of filing.

    Changes that others commit while the caller works through them are seen from the next page on.
    """
    where, values = condition_of(selection)
    start: tuple[object, ...]
    key, start = ("ordinal", (0,)) if order == "filing" else ("scope, serial, ordinal", ("", 0, 0))
    if order == "code" and selection.scope is not None:
        # Within one scope the index leads to the page; with the scope among the keys each page begins at its head.
        key, start = "serial, ordinal", (-1, 0)
    names = [f":after{at}" for at in range(len(start))]
    after = start
    while True:
        rows = db.all(
            f"SELECT * FROM records WHERE {where} AND ({key}) > ({', '.join(names)}) ORDER BY {key} LIMIT {_PAGE}",
            {**values, **{f"after{at}": value for at, value in enumerate(after)}},
        )
        for row in rows:
            yield record_of(row)
        if len(rows) < _PAGE:
            return
        after = tuple(rows[-1][name] for name in key.split(", "))
