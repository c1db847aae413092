"""How one record stands: what show, issued show and the facets of a search say of it."""

from __future__ import annotations

from datetime import date

import pytest
from conftest import Cli, clock_at
from report_store import Office
from retention_store import TODAY, Archive

from recordkit import files
from recordkit.archive.catalogue import find_record, list_records
from recordkit.notes import remove_notes
from recordkit.retention.events import add_event
from recordkit.retention.holds import place_hold, release_hold
from recordkit.retention.schedule import shipped_schedule
from recordkit.retention.standing import Standing, bound_records, holds_on_issue, standing_of
from recordkit.store import open_store
from recordkit.templates.issue import find_issue


def standing(archive: Archive, record: str) -> Standing:
    return standing_of(archive.workspace, find_record(archive.workspace.db, record), TODAY)


NOTHING = {"period": None, "trigger": None, "start": None, "due": None}


def test_a_record_says_its_period_its_trigger_and_when_it_is_due(archive: Archive) -> None:
    visit = standing(archive, archive.file())
    assert (visit.status, visit.class_name, visit.holds) == ("active", "回访记录", ())
    assert visit.retention == {"period": "10y", "trigger": "date", "start": date(2025, 1, 1), "due": date(2035, 1, 1)}
    record = archive.file("合同", record_class="supply-contract")
    waiting = standing(archive, record)
    assert waiting.retention == {"period": "30y", "trigger": ["contract-ended", "account-closed"], "start": None,
                                 "due": None}
    assert "contract ended" in str(waiting.reason)
    add_event(archive.workspace, "contract-ended", date(2025, 4, 1), records=[record])
    started = standing(archive, record)
    assert (started.retention["start"], started.retention["due"]) == (date(2026, 1, 1), date(2056, 1, 1))


def test_a_held_record_names_its_holds_and_when_each_should_have_been_looked_at(archive: Archive) -> None:
    record = archive.file(account="70001")
    by_name = place_hold(archive.workspace, kind="litigation", reason="诉讼", records=[record], until=TODAY)
    by_account = place_hold(archive.workspace, kind="debt", reason="欠费", account="70001")
    held = standing(archive, record)
    assert held.status == "held"
    assert [dict(one) for one in held.holds] == [
        {"hold": by_name, "kind": "litigation", "until": TODAY, "reason": "诉讼", "account": None,
         "placed": TODAY.isoformat(), "past": False},
        {"hold": by_account, "kind": "debt", "until": None, "reason": "欠费", "account": "70001",
         "placed": TODAY.isoformat(), "past": False}]
    found = find_record(archive.workspace.db, record)
    later = standing_of(archive.workspace, found, date(2037, 3, 6))
    assert [one["past"] for one in later.holds] == [True, False]


def test_a_destroyed_record_says_under_which_order_and_counts_no_period(archive: Archive) -> None:
    record = archive.file()
    order = archive.signed(record)
    archive.execute(order)
    gone = standing(archive, record)
    assert (gone.status, gone.class_name, gone.holds) == ("destroyed", "回访记录", ())
    assert gone.retention == {"period": "10y", "trigger": "date", "start": None, "due": None}
    assert order.order_id in str(gone.reason)
    files.write_atomic(archive.root / "retention.toml", b"[[classes", overwrite=True)
    gone = standing(archive, record)
    assert (gone.status, gone.class_name, gone.retention) == ("destroyed", "visit-record", NOTHING)
    assert order.order_id in str(gone.reason)


def test_a_class_that_the_schedule_has_no_more_is_named_by_its_id(archive: Archive) -> None:
    record = archive.file()
    less = shipped_schedule().replace(b'id = "visit-record"', b'id = "another"')
    files.write_atomic(archive.root / "retention.toml", less, overwrite=True)
    lost = standing(archive, record)
    assert (lost.status, lost.class_name, lost.retention) == ("active", "visit-record", NOTHING)


@pytest.mark.parametrize("spoil", ["written over", "removed"])
def test_without_a_schedule_the_holds_are_told_all_the_same(archive: Archive, spoil: str) -> None:
    free, held = archive.file("一"), archive.file("二")
    hold = place_hold(archive.workspace, kind="debt", reason="欠费", records=[held])
    if spoil == "removed":
        (archive.root / "retention.toml").unlink()
    else:
        files.write_atomic(archive.root / "retention.toml", b"[[classes", overwrite=True)
    one, other = standing(archive, free), standing(archive, held)
    assert (one.status, other.status) == ("active", "held")
    assert [dict(told)["hold"] for told in other.holds] == [hold] and one.holds == ()
    assert one.retention == {**NOTHING, "schedule": one.reason}
    assert "retention.toml" in str(one.reason) and one.class_name == "visit-record"


def test_the_holds_on_a_document_are_those_on_its_paper_and_on_the_account_that_it_names(cli: Cli) -> None:
    number = Office(cli).issue("visit-record", "2026-11-19")
    record = Office(cli).file(number, "2026-11-23")
    account = str(cli.json("issued", "show", number)["fields"]["account"])

    def on(day: date, **what: object) -> str:
        workspace = open_store(cli.store, clock_at(day), "test")
        try:
            return place_hold(workspace, kind="debt", reason="x", **what)  # type: ignore[arg-type]
        finally:
            workspace.close()

    second = on(date(2026, 12, 2), records=[record])
    first = on(date(2026, 12, 1), account=account)
    on(date(2026, 12, 1), account="0099999999")
    workspace = open_store(cli.store, clock_at(date(2026, 12, 3)), "test")
    try:
        issue = find_issue(workspace.db, number).issue_id
        assert [one.hold_id for one in holds_on_issue(workspace, issue, record)] == [first, second]
        assert [one.hold_id for one in holds_on_issue(workspace, issue, None)] == [first]
        assert holds_on_issue(workspace, "I-none", None) == []
    finally:
        workspace.close()


def test_the_bound_records_are_those_of_holds_in_force_and_of_open_orders(archive: Archive) -> None:
    named, by_account, ordered, free, gone = (
        archive.file(f"第{at}件", account=f"7000{at}") for at in range(5))
    archive.execute(archive.signed(gone))
    place_hold(archive.workspace, kind="debt", reason="x", records=[named])
    place_hold(archive.workspace, kind="debt", reason="x", account="70001")
    for what in ({"records": [free]}, {"account": "70003"}):
        over = place_hold(archive.workspace, kind="debt", reason="x", **what)  # type: ignore[arg-type]
        release_hold(archive.workspace, over, "已结")
    archive.propose(ordered)
    assert bound_records(archive.workspace) == {"held": {named, by_account}, "ordered": {ordered}}


def test_a_hold_whose_account_nobody_can_read_binds_every_record_that_is_left(archive: Archive) -> None:
    first, second, gone = (archive.file(f"第{at}件") for at in range(3))
    archive.execute(archive.signed(gone))
    hold = place_hold(archive.workspace, kind="debt", reason="x", account="70001")
    assert bound_records(archive.workspace)["held"] == frozenset()
    remove_notes(archive.root, hold)
    archive.workspace.rebuild()
    left = {one.record_id for one in list_records(archive.workspace.db)}
    assert left > {first, second} and gone not in left
    assert bound_records(archive.workspace)["held"] == left
    release_hold(archive.workspace, hold, "已结")
    assert bound_records(archive.workspace)["held"] == frozenset()
