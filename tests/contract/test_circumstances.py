"""What is known around a record reaches its decision, whatever else the store holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from retention_store import TODAY, Archive

from recordkit.archive.catalogue import find_record
from recordkit.archive.classes import parse_scheme
from recordkit.archive.editing import edit_record
from recordkit.archive.volume_acts import NewVolume, add_to_volume, open_volume
from recordkit.retention.circumstances import decide_record, explain_record, load_circumstances
from recordkit.retention.holds import place_hold
from recordkit.retention.schedule import shipped_schedule


def test_the_holds_of_all_accounts_of_a_record_are_named_in_the_order_of_the_accounts(archive: Archive) -> None:
    accounts = [f"7000{at}" for at in (3, 1, 5, 2, 4, 0)]
    record = archive.file(account=accounts[0])
    for account in accounts[1:]:
        edit_record(archive.workspace, record, {"account": account}, "过户")
    holds = {account: place_hold(archive.workspace, kind="debt", reason="x", account=account) for account in accounts}
    reason = str(explain_record(archive.workspace, find_record(archive.workspace.db, record), TODAY).reason)
    assert sorted(holds, key=lambda account: reason.index(holds[account])) == sorted(accounts)


def test_under_another_schedule_something_else_governs_a_volume(archive: Archive) -> None:
    visit = archive.file()
    volume = open_volume(archive.workspace, NewVolume("project", "城东"))
    add_to_volume(archive.workspace, volume.code, [visit])
    record = find_record(archive.workspace.db, visit)
    around = load_circumstances(archive.workspace)
    assert decide_record(archive.workspace, record, around, TODAY).due == date(2035, 1, 1)
    longer = shipped_schedule().replace('name = "回访记录"\nperiod = "10y"'.encode(),
                                        'name = "回访记录"\nperiod = "20y"'.encode())
    other = replace(around, scheme=parse_scheme(longer, "x"))
    assert decide_record(archive.workspace, record, other, TODAY).due == date(2045, 1, 1)
    assert decide_record(archive.workspace, record, around, TODAY).due == date(2035, 1, 1)
