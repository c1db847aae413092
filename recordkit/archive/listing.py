"""One page of the records that are selected, at a cost that grows with the page and not with the archive.

The tallies say which parts of the catalogue hold records that are wanted, and how many: by archival code the scopes in
which item numbers run, by date the months. Parts without any are not touched, parts before the page are skipped whole,
and inside a part an index gives the order. A page that is asked for by the record before it costs no skipping at all.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal

from msgspec import Struct, structs

from recordkit.archive.catalogue import Record, record_of
from recordkit.archive.selection import Selection, condition_of, tallied_of
from recordkit.db import Database
from recordkit.errors import WrongUsage
from recordkit.messages import msg

PageOrder = Literal["code", "filing", "date"]
_KEYS = {"code": "scope, serial, ordinal", "filing": "ordinal", "date": "date, ordinal"}
_Key = tuple[object, ...]


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

    Order ``date`` is that of active records: a destroyed one has no date any more. Order ``filing`` together with a
    year or dates sorts what is selected; everything else costs by the page.

    Raises:
        WrongUsage: dates are asked of destroyed records.
    """
    dated = order == "date" or selection.since is not None or selection.until is not None
    if dated and selection.status != "active":
        raise WrongUsage(
            msg("Destroyed records have no date any more; they are listed by code."),
            msg("Leave out --sort date, --from and --to, or --status."),
        )
    start = None if after is None else _key_of(after, order)
    if any(one is not None for one in (selection.box, selection.account, selection.volume, selection.term)):
        found = _few(db, selection, order, start, offset + limit)
    elif order == "filing":
        found = _by_filing(db, selection, start, offset + limit)
    else:
        return _rows(db, _by_parts(db, selection, order, start, limit, offset))
    return _rows(db, list(islice(found, offset, offset + limit)))


def _key_of(record: Record, order: PageOrder) -> _Key:
    key: dict[str, _Key] = {"code": (record.scope, record.serial, record.ordinal), "filing": (record.ordinal,),
                            "date": (record.date.isoformat(), record.ordinal)}
    return key[order]


def _rows(db: Database, ordinals: list[int]) -> list[Record]:
    found = []
    for ordinal in ordinals:
        row = db.one("SELECT * FROM records WHERE ordinal = :ordinal", {"ordinal": ordinal})
        if row is not None:
            found.append(record_of(row))
    return found


def _stream(
    db: Database, index: str, condition: str, values: dict[str, object], key: str, start: _Key | None, most: int,
    offset: int = 0,
) -> Iterator[_Key]:
    """Keys of rows in the order of an index, each with the ordinal last."""
    names = [f":start{at}" for at in range(len(start))] if start is not None else []
    behind = f" AND ({key}) > ({', '.join(names)})" if names else ""
    given = {**values, **{f"start{at}": value for at, value in enumerate(start or ())}}
    sql = (f"SELECT {key} FROM records {f'INDEXED BY {index}' if index else 'NOT INDEXED'} WHERE {condition}{behind} "
           f"ORDER BY {key} LIMIT {most} OFFSET {offset}")
    for row in db.each(sql, given):
        yield tuple(row)


def _few(db: Database, selection: Selection, order: PageOrder, start: _Key | None, most: int) -> Iterator[int]:
    """What lies in one box or volume, or stands under one account: so few that they can be sorted."""
    condition, values = condition_of(selection)
    index = ("records_box" if selection.box is not None else "records_volume" if selection.volume is not None
             else "sqlite_autoindex_records_1" if selection.account is not None else "")
    return _ordinals(_stream(db, index, condition, values, _KEYS[order], start, most))


def _ordinals(keys: Iterable[_Key]) -> Iterator[int]:
    return (int(str(key[-1])) for key in keys)


def _by_filing(db: Database, selection: Selection, start: _Key | None, most: int) -> Iterator[int]:
    condition, values = condition_of(selection)
    if selection.scope is not None:
        return _ordinals(_stream(db, "records_serial", condition, values, "ordinal", start, most))
    if selection.year is not None or selection.since is not None or selection.until is not None:
        index = "records_year" if selection.year is not None else "records_review"
        return _ordinals(_stream(db, index, condition, values, "ordinal", start, most))
    if selection.record_class is None and selection.form is None and selection.period is None:
        return _ordinals(_stream(db, "", condition, values, "ordinal", start, most))
    streams = [
        _stream(db, "records_class", f"record_class = :one AND {condition}", {**values, "one": one}, "ordinal", start,
                most)
        for one in _classes(db, selection)
    ]
    return _ordinals(heapq.merge(*streams))


def _classes(db: Database, selection: Selection) -> list[str]:
    where, values = tallied_of(selection)
    rows = db.all(f"SELECT DISTINCT record_class FROM record_tallies WHERE {where}", values)
    return [str(row["record_class"]) for row in rows]


def _by_parts(
    db: Database, selection: Selection, order: PageOrder, start: _Key | None, limit: int, offset: int
) -> list[int]:
    found: list[int] = []
    for part in _parts(db, selection, order, start):
        if len(found) >= limit:
            break
        if part.exact and offset >= part.wanted and start is None:
            offset -= part.wanted
            continue
        keys = _keys_in(db, selection, order, part, start, limit - len(found), offset)
        if offset and not keys:
            offset -= _count_in(db, selection, order, part)
        elif keys:
            offset = 0
        found += _ordinals(keys)
        start = None
    return found


def _parts(db: Database, selection: Selection, order: PageOrder, start: _Key | None) -> Iterator[_Part]:
    """The stretches that hold records which are wanted, from that of ``start`` on."""
    name = "scope" if order == "code" else "month"
    surely, values = tallied_of(selection)
    perhaps, more = tallied_of(selection, partly=True)
    first: object = "" if start is None else start[0] if order == "code" else str(start[0])[:7]
    rows = db.each(
        f"SELECT {name} AS name, sum(n) AS held, sum(CASE WHEN {surely} THEN n ELSE 0 END) AS sure, "
        f"sum(CASE WHEN {perhaps} THEN n ELSE 0 END) AS wanted FROM record_tallies "
        f"WHERE {name} >= :begin{_ACTIVE if order == 'date' else ''} GROUP BY {name} HAVING wanted > 0 ORDER BY {name}",
        {**more, **values, "begin": first},
    )
    for row in rows:
        yield _Part(str(row["name"]), int(row["wanted"]), int(row["held"]), row["sure"] == row["wanted"])


_ACTIVE = " AND status = 'active'"


def _keys_in(
    db: Database, selection: Selection, order: PageOrder, part: _Part, start: _Key | None, most: int, offset: int
) -> list[_Key]:
    condition, values = condition_of(selection)
    everything = part.exact and part.wanted == part.held
    if order == "date":
        inside, more = _month(db, selection, part)
        condition = f"{inside} AND status = 'active'" if everything else f"{inside} AND {condition}"
        return list(_stream(db, "records_review", condition, {**values, **more}, _KEYS[order], start, most, offset))
    inside, more = "scope = :part", {"part": part.name}
    kinds = [] if everything else _kinds(db, selection, part)
    if everything or not (selection.record_class or selection.form or selection.year or selection.period):
        condition = inside if everything else f"{inside} AND {condition}"
        return list(_stream(db, "records_serial", condition, {**values, **more}, _KEYS[order], start, most, offset))
    streams = [
        _stream(db, "records_year", f"year = :y AND record_class = :c AND {inside} AND {condition}",
                {**values, **more, "y": year, "c": record_class}, _KEYS[order], start, most + offset)
        for year, record_class in kinds
    ]
    return list(islice(heapq.merge(*streams), offset, offset + most))


def _kinds(db: Database, selection: Selection, part: _Part) -> list[tuple[int, str]]:
    """Years and classes of what is wanted in a scope."""
    where, values = tallied_of(structs.replace(selection, since=None, until=None))
    rows = db.all(f"SELECT DISTINCT year, record_class FROM record_tallies WHERE scope = :part AND {where}",
                  {**values, "part": part.name})
    return [(int(row["year"]), str(row["record_class"])) for row in rows]


def _month(db: Database, selection: Selection, part: _Part) -> tuple[str, dict[str, object]]:
    values: dict[str, object] = {"low": f"{part.name}-01", "high": f"{part.name}-31"}
    inside = "date >= :low AND date <= :high"
    if selection.form is None and selection.period is None:
        return inside, values
    # The index knows the class of a record: those that have none of the form or period need not be looked at.
    classes = _classes(db, structs.replace(selection, since=None, until=None))
    values |= {f"class{at}": one for at, one in enumerate(classes)}
    return f"{inside} AND record_class IN ({', '.join(f':class{at}' for at in range(len(classes)))})", values


def _count_in(db: Database, selection: Selection, order: PageOrder, part: _Part) -> int:
    condition, values = condition_of(selection)
    index, inside, more = "records_serial", "scope = :part", {"part": part.name}
    if order == "date":
        index, inside = "records_review", "date >= :low AND date <= :high"
        more = {"low": f"{part.name}-01", "high": f"{part.name}-31"}
    row = db.one(f"SELECT count(*) AS n FROM records INDEXED BY {index} WHERE {inside} AND {condition}",
                 {**values, **more})
    return 0 if row is None else int(row["n"])
