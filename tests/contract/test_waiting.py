"""Which events the archive waits for, of which accounts: counted, and as a list to be filled in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from retention_store import TODAY, Archive, make_archive

from recordkit import files
from recordkit.archive.catalogue import find_record
from recordkit.retention.schedule import shipped_schedule
from recordkit.retention.waited_for import WaitingAccount, request_rows, waiting_accounts

CONTRACT, METER, CASE = ("contract-ended", "account-closed"), ("next-replacement",), ("case-closed",)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    made = make_archive(tmp_path / "store")
    made.workspace.actor = "arch"
    yield made
    made.workspace.close()


def contract(archive: Archive, on: date, account: str | None, record_class: str = "supply-contract") -> str:
    return archive.file(f"{record_class}{on}{account}", record_class=record_class, on=on, account=account)


def code(archive: Archive, record: str) -> str:
    return find_record(archive.workspace.db, record).code


def test_waiting_records_are_counted_by_account_and_events_and_the_oldest_is_named(archive: Archive) -> None:
    contract(archive, date(2017, 3, 1), "002")
    oldest = contract(archive, date(2015, 3, 1), "002")
    same_day = contract(archive, date(2015, 3, 1), "002", "water-application")
    first = contract(archive, date(2016, 3, 1), "001")
    meter = contract(archive, date(2018, 3, 1), "001", "meter-change-notice")
    alone = contract(archive, date(2010, 3, 1), None)
    found, left_out = waiting_accounts(archive.workspace, TODAY)
    assert left_out == 0
    codes = sorted(code(archive, one) for one in (oldest, same_day))
    assert found == [WaitingAccount("001", CONTRACT, 1, date(2016, 3, 1), code(archive, first)),
                     WaitingAccount("001", METER, 1, date(2018, 3, 1), code(archive, meter)),
                     WaitingAccount("002", CONTRACT, 3, date(2015, 3, 1), codes[0]),
                     WaitingAccount(None, CONTRACT, 1, date(2010, 3, 1), code(archive, alone))]
    of_one, left_out = waiting_accounts(archive.workspace, TODAY, event_type="next-replacement")
    assert (of_one, left_out) == ([found[1]], 0)
    assert [one.events for one in waiting_accounts(archive.workspace, TODAY, event_type="account-closed")[0]] == [
        CONTRACT, CONTRACT, CONTRACT]


def test_restricted_records_are_left_out_and_counted_for_whoever_may_not_see_them(archive: Archive) -> None:
    for at in range(2):
        contract(archive, date(2015 + at, 3, 1), "001", "violation-approval")
    contract(archive, date(2016, 3, 1), "001")
    closed, left_out = waiting_accounts(archive.workspace, TODAY, event_type="case-closed")
    assert ([(one.events, one.count) for one in closed], left_out) == ([(CASE, 2)], 0)
    archive.workspace.actor = "os:x"
    found, left_out = waiting_accounts(archive.workspace, TODAY)
    assert ([one.events for one in found], left_out) == ([CONTRACT], 2)
    assert waiting_accounts(archive.workspace, TODAY, event_type="account-closed")[1] == 0, "not asked for"


def test_records_of_a_class_that_the_schedule_has_no_more_wait_for_no_event(archive: Archive) -> None:
    contract(archive, date(2016, 3, 1), "001")
    less = shipped_schedule().replace(b'id = "supply-contract"', b'id = "another"')
    files.write_atomic(archive.root / "retention.toml", less, overwrite=True)
    found, _ = waiting_accounts(archive.workspace, TODAY)
    assert [(one.events, one.count) for one in found] == [((), 1)]
    assert list(request_rows(found, {})) == []
    assert waiting_accounts(archive.workspace, TODAY, event_type="contract-ended") == ([], 0)


def test_the_list_to_be_filled_in_leaves_out_what_has_no_account_or_no_event() -> None:
    names = {"contract-ended": "合同终止", "account-closed": "销户", "next-replacement": "下次换表"}
    given = [WaitingAccount("001", CONTRACT, 2, date(2016, 3, 1), "A-1"),
             WaitingAccount("002", METER, 1, date(2018, 3, 1), "A-2"),
             WaitingAccount("003", ("own",), 1, date(2018, 3, 1), "A-3"),
             WaitingAccount("004", (), 1, date(2018, 3, 1), "A-4"),
             WaitingAccount(None, METER, 1, date(2018, 3, 1), "A-5")]
    rows = [tuple(row.values()) for row in request_rows(given, names)]
    assert rows == [("001", "合同终止或销户", 2, "2016-03-01", "A-1", "", ""),
                    ("002", "下次换表", 1, "2018-03-01", "A-2", "下次换表", ""),
                    ("003", "own", 1, "2018-03-01", "A-3", "own", "")]
