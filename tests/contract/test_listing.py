"""Listings and counts of selected records against a plain loop over all of them, and against the cost of a page."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from msgspec import structs

from recordkit.archive import tallies
from recordkit.archive.catalogue import Record, find_record, record_of
from recordkit.archive.listing import PageOrder, list_page
from recordkit.archive.selection import Selection, count_records, select_records
from recordkit.errors import WrongUsage
from recordkit.model import same_account
from recordkit.workspace import Workspace

CLASSES = ("visit-record", "supply-contract", "stop-order")


def fill(workspace: Workspace, seed: int, records: int, *, yearly: bool = True) -> list[Record]:
    """Rows as the projection writes them; scopes by year and period, or one for all (DA/T 13)."""
    draw, db = random.Random(seed), workspace.db
    with db.transaction():
        serials: dict[str, int] = {}
        for ordinal in range(1, records + 1):
            day = date(2019, 11, 1) + timedelta(days=draw.randrange(500))
            period, year = draw.choice(("D10", "D30", "Y")), day.year if draw.random() < 0.9 else 2018
            scope = f"C001-KF·{year}-{period}-0000" if yearly else "C001-KF-0000"
            serial = serials[scope] = serials.get(scope, 0) + 1
            gone = draw.random() < 0.2
            account, box = f"00{draw.randrange(12)}", draw.choice((None, "1", "2", "12"))
            db.insert("records", {
                "record_id": f"R{ordinal:05}", "code": f"{scope[:-4]}{serial:04}", "record_class": draw.choice(CLASSES),
                "form": draw.choice((None, "stop-order", "visit-record")), "year": year, "period": period,
                "title": "" if gone else "题", "date": f"{year}-01-01" if gone else day.isoformat(),
                "access": "open", "pages": 1, "sha256": "", "version": 1, "commitment": "", "touched": 1,
                "account": None if gone else account, "box": None if gone else box, "ordinal": ordinal,
                "status": "destroyed" if gone else "active", "metadata": "{}", "scope": scope, "serial": serial})
            if not gone:
                db.insert("record_accounts", {"account": account, "record_id": f"R{ordinal:05}", "is_current": 1})
        tallies.tally_again(db)
    return [record_of(row) for row in db.all("SELECT * FROM records")]


def boxes_of(workspace: Workspace) -> dict[str, str | None]:
    return {row["record_id"]: row["box"] for row in workspace.db.all("SELECT record_id, box FROM records")}


def is_meant(one: Record, selection: Selection, box: str | None) -> bool:
    return all((
        selection.record_class in (None, one.record_class), selection.form in (None, one.form),
        selection.year in (None, one.year), selection.period in (None, one.period),
        selection.since is None or one.date >= selection.since, selection.until is None or one.date <= selection.until,
        selection.box is None or selection.box == box,
        selection.account is None or one.account is not None and same_account(one.account) == selection.account,
        selection.status in (None, one.status),
    ))


def drawn(draw: random.Random) -> Selection:
    def perhaps(value: object) -> object:
        return value if draw.random() < 0.35 else None

    first = date(2019, 10, 20) + timedelta(days=draw.randrange(400))
    last = first + timedelta(days=draw.choice((0, 3, 40, 200, -5)))
    if draw.random() < 0.3:
        first, last = first.replace(day=1), last.replace(day=1) - timedelta(days=1)
    chosen = {"record_class": draw.choice(CLASSES), "form": "stop-order", "year": draw.choice((2018, 2019, 2020)),
              "period": "D30", "since": first, "until": last, "box": "12", "account": "003"}
    found = Selection(**{name: perhaps(value) for name, value in chosen.items()})  # type: ignore[arg-type]
    if found.since is None and found.until is None:
        found = structs.replace(found, status=draw.choice(("active", "destroyed", None)))
    return found


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


@pytest.mark.parametrize("order", ["code", "date", "filing"])
@pytest.mark.parametrize("selection", [
    Selection(), Selection(year=2020), Selection(record_class="stop-order"), Selection(form="stop-order"),
    Selection(period="D30"), Selection(record_class="stop-order", year=2020, period="Y"), Selection(box="12"),
    Selection(since=date(2020, 2, 10), until=date(2020, 5, 9)), Selection(account="003"),
    Selection(record_class="stop-order", since=date(2020, 2, 10)),
], ids=str)
def test_no_listing_reads_the_whole_table(workspace: Workspace, selection: Selection, order: PageOrder) -> None:
    """Every query that a page needs goes by an index or by the number of filing."""
    fill(workspace, 2, 300)
    asked: list[tuple[str, dict[str, object]]] = []
    each = workspace.db.each

    def heard(sql: str, parameters: object = None) -> object:
        asked.append((sql, dict(parameters or {})))  # type: ignore[call-overload]
        return each(sql, parameters)  # type: ignore[arg-type]

    workspace.db.each = heard  # type: ignore[method-assign,assignment]
    list_page(workspace.db, selection, order, limit=5, after=None)
    count_records(workspace.db, selection)
    assert asked
    for sql, values in asked:
        plan = [str(row["detail"]) for row in workspace.db.all(f"EXPLAIN QUERY PLAN {sql}", values)]
        whole = order == "filing" and "NOT INDEXED" in sql  # in the order of filing, ended by its LIMIT
        assert whole or not any(step.startswith("SCAN records") and "USING" not in step for step in plan), plan


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
    kept = [tuple(row) for row in workspace.db.all("SELECT * FROM record_tallies")]
    tallies.tally_again(workspace.db)
    assert kept == [tuple(row) for row in workspace.db.all("SELECT * FROM record_tallies")]
    workspace.rebuild()
    assert kept == [tuple(row) for row in workspace.db.all("SELECT * FROM record_tallies")]
    assert count_records(workspace.db, Selection(status="destroyed")) == 1
    assert find_record(workspace.db, ids[0]).scope.endswith("0000")
