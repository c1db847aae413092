"""Listings and counts of selected records against a plain loop over all of them, and against the cost of a page."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from itertools import combinations

import pytest
from msgspec import structs
from rows import put_record

from recordkit.archive.catalogue import Record, find_record, record_of
from recordkit.archive.selection import PageOrder, Selection, count_records, group_records, list_page, select_records
from recordkit.errors import WrongUsage
from recordkit.model import same_account
from recordkit.workspace import Workspace

CLASSES = ("visit-record", "supply-contract", "stop-order")


def fill(
    workspace: Workspace, seed: int, records: int, *, yearly: bool = True, alike: bool = False
) -> list[Record]:
    """Rows as the projection writes them; scopes by year and period, or one for all (DA/T 13).

    ``alike``: of few kinds, so that more records are no more tallies.
    """
    draw, db = random.Random(seed), workspace.db
    with db.transaction():
        serials: dict[str, int] = {}
        for ordinal in range(1, records + 1):
            day = date(2019, 11, 1) + timedelta(days=draw.randrange(500))
            period = draw.choice(("D10", "D30") if alike else ("D10", "D30", "Y"))
            year = day.year if draw.random() < 0.9 else 2018
            scope = f"C001-KF·{year}-{period}-0000" if yearly else "C001-KF-0000"
            serial = serials[scope] = serials.get(scope, 0) + 1
            gone = not alike and draw.random() < 0.2
            account, box = f"00{draw.randrange(12)}", draw.choice((None, "1", "2", "12"))
            put_record(db, {
                "record_id": f"R{ordinal:05}", "code": f"{scope[:-4]}{serial:04}", "record_class": draw.choice(CLASSES),
                "form": "stop-order" if alike else draw.choice((None, "stop-order", "visit-record")), "year": year,
                "period": period,
                "title": "" if gone else "题", "date": f"{year}-01-01" if gone else day.isoformat(),
                "access": "open", "pages": 1, "sha256": "", "version": 1, "commitment": "", "touched": 1,
                "account": None if gone else account, "box": None if gone else box, "ordinal": ordinal,
                "status": "destroyed" if gone else "active", "metadata": "{}", "scope": scope, "serial": serial,
                "old_term": None if gone or alike or draw.random() < 0.7 else draw.choice(("长期", "短期"))})
            if not gone:
                db.insert("record_accounts", {"account": account, "record_id": f"R{ordinal:05}", "is_current": 1})
    return [record_of(row) for row in db.all("SELECT * FROM records")]


def boxes_of(workspace: Workspace) -> dict[str, str | None]:
    return {row["record_id"]: row["box"] for row in workspace.db.all("SELECT record_id, box FROM records")}


def is_meant(one: Record, selection: Selection, box: str | None) -> bool:
    return all((
        selection.scope in (None, one.scope), selection.record_class in (None, one.record_class),
        selection.form in (None, one.form), selection.year in (None, one.year), selection.period in (None, one.period),
        selection.since is None or one.date >= selection.since, selection.until is None or one.date <= selection.until,
        selection.box is None or selection.box == box,
        selection.account is None or one.account is not None and same_account(one.account) == selection.account,
        selection.status in (None, one.status), selection.term in (None, one.old_term or one.period),
    ))


def drawn(draw: random.Random) -> Selection:
    def perhaps(value: object) -> object:
        return value if draw.random() < 0.35 else None

    first = date(2019, 10, 20) + timedelta(days=draw.randrange(400))
    last = first + timedelta(days=draw.choice((0, 3, 40, 200, -5)))
    if draw.random() < 0.3:
        first, last = first.replace(day=1), last.replace(day=1) - timedelta(days=1)
    chosen = {"record_class": draw.choice(CLASSES), "form": "stop-order", "year": draw.choice((2018, 2019, 2020)),
              "period": "D30", "scope": "C001-KF·2020-D30-0000", "since": first, "until": last, "box": "12",
              "account": "003", "term": draw.choice(("长期", "D30"))}
    found = Selection(**{name: perhaps(value) for name, value in chosen.items()})  # type: ignore[arg-type]
    if found.since is None and found.until is None:
        found = structs.replace(found, status=draw.choice(("active", "destroyed", None)))
    return found


@pytest.mark.parametrize("yearly", [True, False])
def test_the_catalogues_are_counted_as_a_plain_loop_counts_them(workspace: Workspace, yearly: bool) -> None:
    every = fill(workspace, 7, 400, yearly=yearly)
    boxes, draw = boxes_of(workspace), random.Random(7)
    for _ in range(100):
        selection = drawn(draw)
        told = {(one.scope, one.year, one.period): (one.count, one.pages, one.since, one.until)
                for one in group_records(workspace.db, selection)}
        meant: dict[tuple[str, int, str], list[Record]] = {}
        for one in every:
            if is_meant(one, selection, boxes[one.record_id]):
                meant.setdefault((one.scope, one.year, one.old_term or one.period), []).append(one)
        assert told == {
            key: (len(ones), sum(one.pages for one in ones),
                  min((one.date for one in ones if one.status == "active"), default=None),
                  max((one.date for one in ones if one.status == "active"), default=None))
            for key, ones in meant.items()}, selection


def in_order(order: PageOrder) -> object:
    keys = {"code": lambda one: (one.scope, one.serial), "filing": lambda one: one.ordinal,
            "date": lambda one: (one.date, one.ordinal)}
    return keys[order]


@pytest.mark.parametrize("yearly", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_every_page_and_count_equals_a_plain_loop_over_all_records(
    workspace: Workspace, seed: int, yearly: bool
) -> None:
    every = fill(workspace, seed, 400, yearly=yearly)
    boxes, draw = boxes_of(workspace), random.Random(seed)
    for _ in range(150):
        selection = drawn(draw)
        meant = [one for one in every if is_meant(one, selection, boxes[one.record_id])]
        assert count_records(workspace.db, selection) == len(meant), selection
        orders: tuple[PageOrder, ...] = ("code", "filing", "date") if selection.status == "active" else (
            "code", "filing")
        for order in orders:
            wanted = [one.code for one in sorted(meant, key=in_order(order))]  # type: ignore[arg-type]
            for offset in (0, 1, 7, len(wanted) // 2, len(wanted)):
                page = list_page(workspace.db, selection, order, limit=9, offset=offset)
                assert [one.code for one in page] == wanted[offset : offset + 9], (selection, order, offset)
            assert list(paged(workspace, selection, order)) == wanted, (selection, order)


def paged(workspace: Workspace, selection: Selection, order: PageOrder) -> Iterator[str]:
    last = None
    while page := list_page(workspace.db, selection, order, limit=17, after=last):
        yield from (one.code for one in page)
        last = page[-1]


def test_selected_records_of_all_pages_come_in_the_order_of_codes(workspace: Workspace) -> None:
    every = fill(workspace, 5, 300)
    found = [one.code for one in select_records(workspace.db, Selection(year=2020))]
    assert found == [one.code for one in sorted(every, key=lambda one: (one.scope, one.serial))
                     if one.year == 2020 and one.status == "active"]


def test_destroyed_records_are_not_asked_for_by_date(workspace: Workspace) -> None:
    fill(workspace, 1, 20)
    with pytest.raises(WrongUsage, match="no date"):
        list_page(workspace.db, Selection(status=None), "date", limit=5)
    with pytest.raises(WrongUsage, match="no date"):
        list_page(workspace.db, Selection(status="destroyed", since=date(2020, 1, 1)), limit=5)


FILTERS: dict[str, object] = {
    "record_class": "stop-order", "form": "stop-order", "year": 2020, "period": "D30", "since": date(2020, 2, 10),
    "until": date(2020, 5, 9), "term": "长期", "status": None, "box": "12", "account": "003", "volume": "V1",
}
FEW = {"box", "account", "volume"}


@pytest.mark.parametrize("order", ["code", "date", "filing"])
@pytest.mark.parametrize("many", range(len(FILTERS) + 1))
def test_no_combination_of_filter_and_order_reads_or_sorts_the_archive(
    workspace: Workspace, many: int, order: PageOrder
) -> None:
    """The plan of every query for a page: records only by an index and in its order, or by the number of filing.

    What lies in one box or volume, or stands under one account, may be sorted: it is found by an index.
    """
    every = fill(workspace, 2, 60)
    asked: dict[str, dict[str, object]] = {}
    originals = {name: getattr(workspace.db, name) for name in ("each", "all", "one")}

    def hearing(name: str) -> Callable[..., object]:
        def heard(sql: str, parameters: Mapping[str, object] | None = None) -> object:
            asked[sql] = dict(parameters or {})
            return originals[name](sql, parameters)
        return heard

    for name in originals:
        setattr(workspace.db, name, hearing(name))
    for names in combinations(FILTERS, many):
        selection = Selection(**{name: FILTERS[name] for name in names})  # type: ignore[arg-type]
        if selection.status is None and (order == "date" or {"since", "until"} & set(names)):
            continue  # refused: a destroyed record has no date
        asked.clear()
        for after in (None, every[10] if every[10].status == "active" else every[11]):
            list_page(workspace.db, selection, order, limit=5, offset=2, after=after)
        count_records(workspace.db, selection)
        assert asked
        for sql, values in asked.items():
            plan = [str(row["detail"]) for row in originals["all"](f"EXPLAIN QUERY PLAN {sql}", values)]
            about = [step for step in plan if "record_tallies" not in step and step.split()[1:2] != ["t"]]
            by_filing = sql.startswith("SELECT ordinal FROM records NOT INDEXED WHERE 1 ")
            assert by_filing or not any(step.startswith("SCAN") for step in about), (selection, sql, plan)
            few = bool(FEW & set(names))
            of_tallies = any("record_tallies" in step or step.split()[1:2] == ["t"] for step in plan)
            assert few or of_tallies or not any("TEMP B-TREE" in step for step in plan), (selection, sql, plan)


def test_a_page_looks_at_few_rows_wherever_in_the_archive_it_lies(workspace: Workspace) -> None:
    """Steps of SQLite's machine for a page of ten: four times the records, nearly the same steps."""
    steps = {}
    for records in (1000, 4000):
        with workspace.db.transaction():
            workspace.db.run("DELETE FROM records")
        fill(workspace, 3, records, yearly=False, alike=True)
        steps[records] = {
            (selection, order): steps_of(workspace, selection, order)
            for selection in (Selection(), Selection(year=2020), Selection(period="D30"), Selection(form="stop-order"),
                              Selection(record_class="stop-order", year=2020),
                              Selection(since=date(2021, 2, 1), until=date(2021, 2, 28)))
            for order in ("code", "date", "filing")}
    for key, few in steps[1000].items():
        assert steps[4000][key] < 2 * few, key


def steps_of(workspace: Workspace, selection: Selection, order: PageOrder) -> int:
    count = 0

    def tick() -> int:
        nonlocal count
        count += 1
        return 0

    connection = workspace.db._connection
    connection.set_progress_handler(tick, 10)
    list_page(workspace.db, selection, order, limit=10)
    connection.set_progress_handler(None, 0)
    return count


def counted(workspace: Workspace) -> dict[tuple[object, ...], tuple[int, int, set[int]]]:
    """Records, pages and tally by what a tally is of, by a plain loop."""
    found: dict[tuple[object, ...], tuple[int, int, set[int]]] = {}
    for row in workspace.db.all("SELECT * FROM records"):
        kind = (row["scope"], row["record_class"], row["form"] or "", row["year"], row["period"], row["old_term"] or "",
                row["status"], row["date"][:7] if row["status"] == "active" else "")
        number, pages, tally = found.get(kind, (0, 0, set()))
        found[kind] = (number + 1, pages + row["pages"], tally | {row["tally"]})
    return found


def kept_tallies(workspace: Workspace) -> dict[tuple[object, ...], tuple[int, int, set[int]]]:
    names = ("scope", "record_class", "form", "year", "period", "old_term", "status", "month")
    return {tuple(row[name] for name in names): (row["n"], row["pages"], {row["tally"]})
            for row in workspace.db.all("SELECT * FROM record_tallies")}


def test_the_tallies_follow_filing_edits_and_destruction(workspace: Workspace) -> None:
    from recordkit.archive.editing import edit_record
    from recordkit.archive.filing import file_generated

    ids = []
    with workspace.writing() as writer:
        for month in (5, 6):
            ids.append(file_generated(writer, workspace, record_class="visit-record", title="题",
                                      on=date(2026, month, 3),
                                      content={"original.txt": b"%d" % month}, fields={}))
    assert count_records(workspace.db, Selection(since=date(2026, 5, 1), until=date(2026, 5, 31))) == 1
    edit_record(workspace, ids[0], {"date": "2026-07-09"}, "写错")
    assert count_records(workspace.db, Selection(since=date(2026, 5, 1), until=date(2026, 5, 31))) == 0
    with workspace.writing() as writer:
        writer.add("record.destroyed", {"record": ids[1], "order": "D1"})
        writer.commit()
    kept = kept_tallies(workspace)
    assert kept == counted(workspace) and len(kept) == 2
    workspace.rebuild()
    assert kept == kept_tallies(workspace)
    assert count_records(workspace.db, Selection(status="destroyed")) == 1
    assert find_record(workspace.db, ids[0]).scope.endswith("0000")
