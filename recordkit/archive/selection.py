"""Which records a listing, an export, a check or a change of many is about: one meaning for all of them.

Records come in pages, so that a writer is not kept waiting; what a page costs does not grow with the store.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Literal

from msgspec import Struct, structs

from recordkit.archive.catalogue import Record, record_of
from recordkit.db import Database
from recordkit.errors import WrongUsage
from recordkit.messages import msg
from recordkit.model import same_account

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
        access: level of the records; goes with an account, box or volume, for no tally tells it.
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
    access: str | None = None
    term: str | None = None


TERM = "coalesce(old_term, period)"
_TALLIED_TERM = "coalesce(nullif(old_term, ''), period)"
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
    "access": "access = :access",
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
    """The condition on ``record_tallies`` whose records are all selected; box, account and volume aside.

    ``partly``: those of which some may be: of the first and the last month perhaps not all days are meant.
    """
    names = [name for name in ("scope", "record_class", "form", "year", "period", "status")
             if getattr(selection, name) is not None]
    parts, values = [f"{name} = :{name}" for name in names], {name: getattr(selection, name) for name in names}
    if selection.term is not None:
        parts.append(f"{_TALLIED_TERM} = :term")
        values["term"] = selection.term
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
    if not _is_tallied(selection):
        return _counted(db, selection)
    where, values = tallied_of(selection)
    row = db.one(f"SELECT coalesce(sum(n), 0) AS n FROM record_tallies WHERE {where}", values)
    whole = 0 if row is None else int(row["n"])
    return whole + sum(_counted(db, structs.replace(selection, since=first, until=last))
                       for first, last in _edges(selection.since, selection.until))


def _is_tallied(selection: Selection) -> bool:
    """Whether the tallies, and the days at both ends of a time, tell how many there are."""
    few = selection.box is not None or selection.account is not None or selection.volume is not None
    dated = selection.since is not None or selection.until is not None
    far = any(one is not None and one.year == date.max.year for one in (selection.since, selection.until))
    return not (few or far or dated and selection.status != "active")


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
    if _is_tallied(selection) and not _edges(selection.since, selection.until):
        where, values = tallied_of(selection)
        dated = "SELECT {} FROM records r INDEXED BY records_dated WHERE r.tally = record_tallies.tally"
        rows = db.all(
            f"SELECT scope, year, {_TALLIED_TERM} AS term, sum(n) AS count, sum(pages) AS pages, "
            f"min(CASE WHEN status = 'active' THEN ({dated.format('min(date)')}) END) AS since, "
            f"max(CASE WHEN status = 'active' THEN ({dated.format('max(date)')}) END) AS until "
            f"FROM record_tallies WHERE {where} GROUP BY scope, year, term", values)
    else:
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


PageOrder = Literal["code", "filing", "date"]
_Key = tuple[object, ...]


class _Order(Struct, frozen=True):
    """How pages of an order are found.

    Attributes:
        key: columns that give the order, the last one unlike in all records.
        part: column of the tallies whose values cut the order into stretches; "" where it is one.
        whole: index by which a stretch is read that is wanted wholly, "" the number of filing; ``inside`` what holds of
            all its records, "" where no index has them in this order.
        lines: index by which the records of one tally are read.
    """

    key: str
    part: str
    whole: str
    inside: str
    lines: str


_ORDERS: dict[PageOrder, _Order] = {
    "code": _Order("scope, serial, ordinal", "scope", "records_serial", "scope = :part", "records_coded"),
    "date": _Order("date, ordinal", "month", "", "", "records_dated"),
    "filing": _Order("ordinal", "", "", "1", "records_filed"),
}


class _Part(Struct, frozen=True):
    """A stretch of the order: ``wanted`` of its ``held`` records are selected, or at most as many unless ``exact``."""

    name: str
    wanted: int
    held: int
    exact: bool


def list_page(
    db: Database, selection: Selection, order: PageOrder = "code", *, limit: int, offset: int = 0,
    after: Record | None = None,
) -> list[Record]:
    """``limit`` records in order, behind the first ``offset`` ones or behind the record ``after``.

    It costs what the page costs, not what the archive holds. The tallies say where records that are wanted lie, and how
    many: stretches of the order without any are not touched, those before the page are skipped whole, and inside a
    stretch an index gives the records of each tally in order, to be merged. Order ``date`` is that of active records: a
    destroyed one has no date any more. What lies in one box or volume, or stands under one account, is so little that
    it is sorted.

    Raises:
        WrongUsage: dates are asked of destroyed records.
    """
    dated = order == "date" or selection.since is not None or selection.until is not None
    if dated and selection.status != "active":
        raise WrongUsage(
            msg("Destroyed records have no date any more; they are listed by code."),
            msg("Leave out --sort date, --from and --to, or --status."),
        )
    way = _ORDERS[order]
    start = None if after is None else tuple(
        one.isoformat() if isinstance(one := getattr(after, name), date) else one for name in way.key.split(", "))
    if selection.box is not None or selection.account is not None or selection.volume is not None:
        ordinals = _few(db, selection, way, start, limit, offset)
    else:
        ordinals = _by_parts(db, selection, way, start, limit, offset)
    rows = (db.one("SELECT * FROM records WHERE ordinal = :ordinal", {"ordinal": one}) for one in ordinals)
    return [record_of(row) for row in rows if row is not None]


def _few(db: Database, selection: Selection, way: _Order, start: _Key | None, limit: int, offset: int) -> list[int]:
    condition, values = condition_of(selection)
    index = ("records_box" if selection.box is not None else "records_volume" if selection.volume is not None
             else "sqlite_autoindex_records_1")
    return [int(str(key[-1])) for key in _stream(db, index, condition, values, way.key, start, limit, offset)]


def _stream(
    db: Database, index: str, condition: str, values: Mapping[str, object], key: str, start: _Key | None, most: int,
    offset: int = 0,
) -> Iterator[_Key]:
    """Keys of rows in order, by an index."""
    names = [f":start{at}" for at in range(len(start))] if start is not None else []
    behind = f" AND ({key}) > ({', '.join(names)})" if names else ""
    given = {**values, **{f"start{at}": value for at, value in enumerate(start or ())}}
    sql = (f"SELECT {key} FROM records {f'INDEXED BY {index}' if index else 'NOT INDEXED'} WHERE {condition}{behind} "
           f"ORDER BY {key} LIMIT {most} OFFSET {offset}")
    for row in db.each(sql, given):
        yield tuple(row)


def _by_parts(
    db: Database, selection: Selection, way: _Order, start: _Key | None, limit: int, offset: int
) -> list[int]:
    found: list[int] = []
    for part in _parts(db, selection, way, start):
        if len(found) >= limit:
            break
        if part.exact and offset >= part.wanted and start is None:
            offset -= part.wanted
            continue
        most = limit - len(found)
        if way.inside and part.exact and part.wanted == part.held:
            # Behind a record it is not known how many are left: then the ones to be left out are counted below.
            skipped, offset = (offset, 0) if start is None else (0, offset)
            keys: Iterator[_Key] = _stream(db, way.whole, way.inside, {"part": part.name}, way.key, start,
                                           offset + most, skipped)
        else:
            keys = _merged(db, selection, way, part, start, offset + most)
        for key in keys:
            if offset:
                offset -= 1
                continue
            found.append(int(str(key[-1])))
        start = None
    return found


def _parts(db: Database, selection: Selection, way: _Order, start: _Key | None) -> Iterator[_Part]:
    """The stretches that hold records which are wanted, from that of ``start`` on."""
    surely, values = tallied_of(selection)
    perhaps, more = tallied_of(selection, partly=True)
    name = way.part or "''"
    first = "" if start is None or not way.part else str(start[0])[:7] if way.part == "month" else str(start[0])
    rows = db.all(
        f"SELECT {name} AS name, sum(n) AS held, sum(CASE WHEN {surely} THEN n ELSE 0 END) AS sure, "
        f"sum(CASE WHEN {perhaps} THEN n ELSE 0 END) AS wanted FROM record_tallies WHERE {name} >= :begin"
        f"{_ACTIVE if way.part == 'month' else ''} GROUP BY 1 HAVING wanted > 0 ORDER BY 1",
        {**more, **values, "begin": first},
    )
    for row in rows:
        yield _Part(str(row["name"]), int(row["wanted"]), int(row["held"]), row["sure"] == row["wanted"])


_ACTIVE = " AND status = 'active'"


def _merged(
    db: Database, selection: Selection, way: _Order, part: _Part, start: _Key | None, most: int
) -> Iterator[_Key]:
    """Keys of what is wanted in a stretch: tallies are opened when the order comes to the first record of theirs."""
    key = way.key.removeprefix("scope, ")  # that of every record in the stretch
    if start is not None and way.part == "scope":
        start = start[1:] if start[0] == part.name else None
    names = [f":start{at}" for at in range(len(start))] if start is not None else []
    behind = f" AND ({key}) > ({', '.join(names)})" if names else ""
    surely, values = tallied_of(selection)
    perhaps, more = tallied_of(selection, partly=True)
    begin, _, _ = key.partition(",")
    lines = db.all(
        f"SELECT tally, {surely} AS sure, (SELECT {begin} FROM records r INDEXED BY {way.lines} "
        f"WHERE r.tally = t.tally{behind} ORDER BY {key} LIMIT 1) AS begins FROM record_tallies t "
        f"WHERE {f'{way.part} = :part' if way.part else '1'} AND {perhaps} ORDER BY begins DESC",
        {**values, **more, "part": part.name, **{f"start{at}": one for at, one in enumerate(start or ())}})
    closed = [line for line in lines if line["begins"] is not None]
    dates, bounds = condition_of(Selection(since=selection.since, until=selection.until, status=None))
    heads: list[tuple[_Key, int, Iterator[_Key]]] = []
    for _ in range(most):
        while closed and (not heads or closed[-1]["begins"] <= heads[0][0][0]):
            line = closed.pop()
            condition = "tally = :tally" if line["sure"] else f"tally = :tally AND {dates}"
            _push(heads, len(closed), _stream(db, way.lines, condition, {**bounds, "tally": line["tally"]}, key, start,
                                              most))
        if not heads:
            return
        found, at, keys = heapq.heappop(heads)
        yield found
        _push(heads, at, keys)


def _push(heads: list[tuple[_Key, int, Iterator[_Key]]], at: int, keys: Iterator[_Key]) -> None:
    if (head := next(keys, None)) is not None:
        heapq.heappush(heads, (head, at, keys))


def select_records(db: Database, selection: Selection, order: PageOrder = "code") -> Iterator[Record]:
    """The selected records, by archival code (item numbers as numbers), in the order of filing or by date.

    Changes that others commit while the caller works through them are seen from the next page on.
    """
    last = None
    while page := list_page(db, selection, order, limit=_PAGE, after=last):
        yield from page
        if len(page) < _PAGE:
            return
        last = page[-1]
