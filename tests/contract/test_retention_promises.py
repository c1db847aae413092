"""Sentences of the promise of retention that need a store, people and an order, and are held nowhere else."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec import structs
from retention_store import TODAY, Archive, review_one_by_one
from test_appraisal_report import STEPS
from test_grouped_review import fill

from recordkit.archive.catalogue import objects_of
from recordkit.errors import InputRefused, RefusedByRule
from recordkit.people import ROLES, list_people
from recordkit.retention import destruction
from recordkit.retention.duties import DEFAULTS
from recordkit.retention.events import add_event, withdraw_event
from recordkit.retention.grouped import group_review
from recordkit.retention.holds import place_hold
from recordkit.retention.order_state import find_order


@pytest.mark.parametrize("on_account", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_a_hold_placed_at_any_step_of_an_order_keeps_the_record_whatever_was_signed(
    archive: Archive, step: str, on_account: bool
) -> None:
    record = archive.file("一", account="70001")
    for _ in range(2):
        archive.file("另一件", on=date(2036, 1, 1))
    order = STEPS[step](archive, record)
    scope = {"account": "70001"} if on_account else {"records": [record]}
    place_hold(archive.workspace, kind="litigation", reason="起诉", **scope)  # type: ignore[arg-type]
    assert archive.decision(record) == "held"
    if order.status(2) == "proposed":
        order = archive.appraise(order)
    if order.status(2) == "appraised":
        order = archive.approve(order)
    for supervisor in ("sup1", "sup2"):
        if supervisor not in order.signers("order.signed"):
            order = archive.sign(order, supervisor)
    (outcome,) = archive.execute(order).outcomes
    assert (outcome.outcome, outcome.reason_code) == ("refused", "held")
    assert objects_of(archive.workspace).check(record) == []


def test_a_hold_on_the_account_of_one_item_lets_the_other_item_go(archive: Archive) -> None:
    held, other = archive.file("一", account="70001"), archive.file("二", account="70002")
    order = archive.signed(held, other)
    place_hold(archive.workspace, kind="arrears", reason="欠费", account="７０００１")
    done = {one.record_id: (one.outcome, one.reason_code) for one in archive.execute(order).outcomes}
    assert done == {held: ("refused", "held"), other: ("destroyed", None)}


def test_an_event_withdrawn_after_the_signatures_stops_its_item_alone(archive: Archive) -> None:
    record = archive.file("换表", record_class="meter-change-notice", on=date(2010, 1, 1))
    other = archive.file("二")
    event = add_event(archive.workspace, "next-replacement", date(2015, 1, 1), records=[record])
    order = archive.signed(record, other)
    withdraw_event(archive.workspace, event, "张冠李戴")
    done = {one.record_id: (one.outcome, one.reason_code) for one in archive.execute(order).outcomes}
    assert done == {record: ("refused", "not-due"), other: ("destroyed", None)}


def test_an_item_that_stands_under_another_class_than_was_signed_is_stopped_alone(archive: Archive) -> None:
    """No act changes a class; a schedule under which the class has another rule does the same to the item."""
    from recordkit import files

    record, other = archive.file("一"), archive.file("月报", record_class="monthly-report")
    order = archive.signed(record, other)
    schedule = archive.root / "retention.toml"
    text = schedule.read_text("utf-8").replace('id = "visit-record"', 'id = "visit-record-2037"')
    files.write_atomic(schedule, text.encode(), overwrite=True)
    done = {one.record_id: (one.outcome, one.reason_code) for one in archive.execute(order).outcomes}
    assert done == {record: ("refused", "not-due"), other: ("destroyed", None)}


@pytest.mark.parametrize(("place", "method"), [("", "粉碎"), (" ", "粉碎"), ("库房", ""), ("库房", " ")])
def test_an_execution_names_its_place_and_its_method(archive: Archive, place: str, method: str) -> None:
    record = archive.file()
    order = archive.signed(record)
    with pytest.raises(InputRefused, match="Place and method"):
        destruction.execute_order(archive.workspace, order.order_id, place=place, method=method, actor="sup1",
                                  forget=archive.forgotten.update, confirm=order.confirmation)
    assert find_order(archive.workspace.db, order.order_id).intent is None
    assert objects_of(archive.workspace).exists(record)


def test_an_execution_tells_how_far_its_checks_are(archive: Archive) -> None:
    order = archive.signed(archive.file())
    entries = archive.workspace.db.cursor().seq
    told: list[int] = []
    destruction.execute_order(archive.workspace, order.order_id, place="库房", method="粉碎", actor="sup1",
                              forget=archive.forgotten.update, confirm=order.confirmation, progress=told.append)
    assert told[0] == 1 and told[-1] == entries and told == sorted(told)


def test_the_register_of_people_comes_whole_out_of_the_ledger(archive: Archive) -> None:
    archive.register("both", "archivist", "clerk", staff_no="Ｇ 77")
    archive.revoke("both")
    before = list_people(archive.workspace.db)
    (both,) = [one for one in before if one.id == "both"]
    assert structs.asdict(both) == {
        "id": "both", "name": "姓名both", "staff_no": "Ｇ 77", "roles": ("archivist", "clerk"),
        "public_key": archive.keys["both"].public_key().public_bytes_raw().hex(),
        "since": TODAY.isoformat(), "revoked": TODAY.isoformat(),
    }
    archive.workspace.rebuild()
    assert list_people(archive.workspace.db) == before


def test_the_roles_are_seven_and_those_that_may_not_meet_are_safe_from_the_start(archive: Archive) -> None:
    assert set(ROLES) == {"clerk", "archivist", "appraiser", "approver", "supervisor", "administrator", "auditor"}
    assert DEFAULTS["supervisors"] == 2
    assert set(DEFAULTS["supervisor_excludes"]) == {"proposer", "approver"}  # type: ignore[call-overload]
    shipped = archive.workspace.settings.destruction
    assert set(shipped.supervisor_excludes) == {"proposer", "approver"} and shipped.supervisors == 2
    with pytest.raises(RefusedByRule, match="auditor"):
        archive.register("judge", "auditor", "supervisor")


def test_the_review_of_ten_times_the_records_reads_and_decides_no_more(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linear, with the rows left to the database: what is read and decided grows with the groups, not the records."""
    import random

    from recordkit.db import Database
    from recordkit.retention import grouped

    db = archive.workspace.db
    fill(archive, random.Random(3), 60)
    for table in ("holds", "retention_events", "order_items", "hold_records", "retention_event_records"):
        db.run(f"DELETE FROM {table}")
    decided: list[object] = []
    read: list[object] = []
    genuine, every, each = grouped.decide, Database.all, Database.each
    monkeypatch.setattr(grouped, "decide", lambda *given: decided.append(given) or genuine(*given))
    monkeypatch.setattr(Database, "all", lambda *given: [read.append(row) or row for row in every(*given)])
    monkeypatch.setattr(Database, "each", lambda *given: (read.append(row) or row for row in each(*given)))
    costs = []
    for turn in range(2):
        decided.clear()
        read.clear()
        groups = group_review(archive.workspace, TODAY)
        costs.append((len(read), len(decided)))
        records = sum(one.count for one in groups)
        assert records == len(review_one_by_one(archive.workspace, TODAY))
        columns = [row["name"] for row in db.all("PRAGMA table_info(records)")]
        ten = ("WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < 9) INSERT INTO records "
               f"({', '.join(columns)}) SELECT " + ", ".join(
                   {"record_id": "record_id || '-' || k", "code": "code || '-' || k",
                    "ordinal": "ordinal + 1000 * k"}.get(one, one) for one in columns) + " FROM records, n")
        if turn == 0:
            few = records
            db.run(ten)
    assert records == 10 * few
    assert costs[0] == costs[1]
    assert 0 < costs[0][1] <= few
