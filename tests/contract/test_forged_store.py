"""Whoever can write the store's files does not get a record destroyed that the ledger does not give up."""

import json
import sqlite3
from datetime import date
from pathlib import Path

import pytest
from retention_store import TODAY, Archive, clock_on, make_archive

from recordkit.archive.catalogue import get_record
from recordkit.errors import IntegrityFailure, RefusedByRule
from recordkit.ledger import Act, Ledger
from recordkit.retention.audit import audit_ledger
from recordkit.retention.duties import plain_duties
from recordkit.retention.holds import place_hold, release_hold
from recordkit.retention.order_state import Opinion, find_order
from recordkit.retention.orders import appraise_order, approve_order, complete_order
from recordkit.store import PROJECTIONS
from recordkit.workspace import open_workspace


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return make_archive(tmp_path / "store")


def status(archive: Archive, record: str) -> str:
    found = get_record(archive.workspace.db, record)
    assert found is not None
    return found.status


def forge(archive: Archive, name: str, body: dict[str, object]) -> None:
    """Append an entry with the right hash, as anybody can who writes files and knows the format."""
    archive.workspace.close()
    ledger = Ledger(archive.root / "ledger")
    end = [cursor for _, cursor in ledger.read()][-1]
    ledger.append([Act(name, body)], time=clock_on(TODAY).stamp(), actor="os-user", after=end)
    archive.workspace = open_workspace(archive.root, PROJECTIONS, clock_on(TODAY), "os-user")


def test_an_intent_that_nobody_signed_for_is_not_finished(archive: Archive) -> None:
    record = archive.file()
    order = archive.sign(archive.approve(archive.appraise(archive.propose(record))), "sup1")
    forge(archive, "order.intended", {"order": order.order_id, "records": [record], "place": "p", "method": "m",
                                      "actor": "sup1", "events": [], "holds": []})
    with pytest.raises(IntegrityFailure, match="fewer than 2 supervisors"):
        archive.execute(order)
    assert status(archive, record) == "active"


def edit_tables(archive: Archive, *statements: str) -> None:
    archive.workspace.close()
    tables = sqlite3.connect(archive.root / "catalogue.sqlite3")
    for statement in statements:
        assert tables.execute(statement).rowcount > 0
    tables.commit()
    tables.close()
    archive.workspace = open_workspace(archive.root, PROJECTIONS, clock_on(TODAY), "os-user")


@pytest.mark.parametrize("table", ["holds", "hold_records"])
def test_a_hold_that_was_deleted_from_the_tables_still_holds(archive: Archive, table: str) -> None:
    record = archive.file()
    order = archive.signed(record)
    place_hold(archive.workspace, kind="litigation", reason="诉讼", records=[record])
    edit_tables(archive, f"DELETE FROM {table}")
    assert [one.reason_code for one in archive.execute(order).outcomes] == ["held"]
    assert status(archive, record) == "active"


def test_an_account_that_was_deleted_from_the_tables_is_still_held(archive: Archive) -> None:
    record = archive.file(account="8001")
    order = archive.signed(record)
    place_hold(archive.workspace, kind="debt", reason="欠费", account="8001")
    edit_tables(archive, "DELETE FROM record_accounts")
    assert [one.reason_code for one in archive.execute(order).outcomes] == ["held"]


@pytest.mark.parametrize(("record_class", "on", "change"), [
    ("visit-record", date(2036, 6, 1), "date = '2000-01-01'"),
    ("supply-contract", date(2024, 6, 1), "record_class = 'visit-record'"),
])
def test_a_date_or_class_that_was_changed_in_the_tables_makes_nothing_due(
    archive: Archive, record_class: str, on: date, change: str
) -> None:
    record = archive.file(record_class=record_class, on=on)
    edit_tables(archive, f"UPDATE records SET {change}")
    order = archive.signed(record)
    assert [one.reason_code for one in archive.execute(order).outcomes] == ["not-due"]
    assert status(archive, record) == "active"


def test_one_witness_does_not_complete_an_order_by_a_repeated_signature(archive: Archive) -> None:
    order = archive.signed(archive.file())
    archive.execute(order)
    complete_order(archive.workspace, order.order_id, archive.signer("sup1"))
    entry = [entry for entry, _ in archive.workspace.ledger.read()][-1]
    forge(archive, entry.act, dict(entry.body))
    assert find_order(archive.workspace.db, order.order_id).status(2) == "executed"
    assert ["had signed before" in str(one.message) for one in audit_ledger(archive.workspace).findings] == [True]


def test_loosened_duties_that_only_the_tables_know_are_not_in_force(archive: Archive) -> None:
    path = archive.root / "recordkit.toml"
    text = path.read_text("utf-8")
    path.write_text(text.replace('["proposer", "approver"]', "[]"), "utf-8")
    archive.reopen()
    settings = json.dumps(plain_duties(archive.workspace.settings.destruction, archive.workspace.settings.archive))
    edit_tables(archive, f"INSERT INTO duties (seq, settings) VALUES (1, '{settings}')")
    archive.register("boss2", "approver", "supervisor")
    order = archive.appraise(archive.propose(archive.file()))
    approve_order(archive.workspace, order.order_id, archive.signer("boss2"))
    order = archive.sign(archive.sign(order, "boss2"), "sup1")
    with pytest.raises(IntegrityFailure, match="was the approver"):
        archive.execute(order)


def test_no_schedule_gives_up_the_registers_of_destruction(archive: Archive) -> None:
    order = archive.signed(archive.file())
    archive.execute(order)
    path = archive.root / "retention.toml"
    before, name, behind = path.read_text("utf-8").partition('id = "destruction-register"')
    path.write_text(before + name + behind.replace('"permanent"', '"1y"', 1), "utf-8")
    archive.reopen(date(2040, 1, 1))
    with pytest.raises(RefusedByRule, match="evidence of destruction"):
        archive.propose(str(order.register))


def test_a_register_that_the_tables_show_as_another_class_stays(archive: Archive) -> None:
    first = archive.signed(archive.file())
    archive.execute(first)
    edit_tables(archive, "UPDATE records SET record_class = 'visit-record', date = '2000-01-01' "
                         "WHERE record_class = 'destruction-register'")
    order = archive.signed(str(first.register))
    assert [one.reason_code for one in archive.execute(order).outcomes] == ["not-due"]


def test_an_intent_over_a_hold_is_not_finished_and_the_audit_names_it(archive: Archive) -> None:
    record = archive.file()
    order = archive.signed(record)
    hold = place_hold(archive.workspace, kind="litigation", reason="旧", records=[record])
    release_hold(archive.workspace, hold, "已结")
    place_hold(archive.workspace, kind="litigation", reason="诉讼", records=[record])
    forge(archive, "order.intended", {"order": order.order_id, "records": [record], "place": "p", "method": "m",
                                      "actor": "sup1", "events": [], "holds": []})
    with pytest.raises(IntegrityFailure, match="was held"):
        archive.execute(order)
    assert status(archive, record) == "active"


def test_an_earlier_appraisal_entered_once_more_undoes_no_later_decision(archive: Archive) -> None:
    kept, other = archive.file(), archive.file("乙", content=b"other")
    order = archive.appraise(archive.propose(kept, other))
    first = next(entry.body for entry, _ in archive.workspace.ledger.read() if entry.act == "order.appraised")
    appraise_order(archive.workspace, order.order_id, {kept: Opinion("keep")}, archive.signer("appr"))
    forge(archive, "order.appraised", dict(first))
    order = archive.approve(find_order(archive.workspace.db, order.order_id))
    order = archive.sign(archive.sign(order, "sup1"), "sup2")
    assert any("once more" in str(one) for one in audit_ledger(archive.workspace).findings)
    with pytest.raises(IntegrityFailure):
        archive.execute(order)
    assert status(archive, kept) == "active"
