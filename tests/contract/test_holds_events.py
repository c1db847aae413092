from datetime import date

import pytest
from retention_store import TODAY, Archive, review_one_by_one

from recordkit.archive.editing import edit_record
from recordkit.errors import InputRefused, NotFound, RefusedByRule
from recordkit.notes import remove_notes
from recordkit.retention.events import add_event, list_events
from recordkit.retention.holds import find_hold, list_holds, place_hold, release_hold


def ledger_text(archive: Archive) -> str:
    return "".join(path.read_text() for path in (archive.root / "ledger").glob("*.jsonl"))


def test_an_event_starts_the_period_of_a_record_that_waited(archive):
    record = archive.file("合同", record_class="supply-contract", on=date(1990, 1, 1))
    assert archive.decision(record) == "waiting"
    add_event(archive.workspace, "contract-ended", date(2006, 12, 31), records=[record])
    assert archive.decision(record) == "due"
    add_event(archive.workspace, "contract-ended", date(2007, 1, 1), records=[record], note="日期录错")
    assert archive.decision(record) == "not-due"


def test_an_accounts_event_covers_records_filed_later_and_can_be_replaced(archive):
    wrong = add_event(archive.workspace, "account-closed", date(2001, 1, 1), account="00123456")
    record = archive.file("合同", record_class="supply-contract", on=date(1990, 1, 1), account="00123456")
    other = archive.file("合同二", record_class="supply-contract", on=date(1990, 1, 1), account="123456")
    assert (archive.decision(record), archive.decision(other)) == ("due", "waiting")
    add_event(archive.workspace, "account-closed", date(2030, 1, 1), account="00123456", replaces=wrong)
    assert archive.decision(record) == "not-due"


def test_neither_account_nor_reason_stands_in_the_ledger(archive):
    record = archive.file(account="88001234")
    add_event(archive.workspace, "account-closed", date(2030, 1, 1), account="88001234", note="搬家")
    add_event(archive.workspace, "completed", date(2030, 1, 1), records=[record], note="搬家")
    hold = place_hold(archive.workspace, kind="debt", reason="欠款甲", account="88001234")
    release_hold(archive.workspace, hold, "已还甲")
    place_hold(archive.workspace, kind="debt", reason="欠款甲", records=[record])
    text = ledger_text(archive)
    assert not [word for word in ("88001234", "搬家", "欠款甲", "已还甲") if word in text]


def test_an_event_of_an_unknown_type_or_for_nothing_is_refused(archive):
    with pytest.raises(InputRefused, match="contract-ended"):
        add_event(archive.workspace, "nonsense", TODAY, account="1")
    with pytest.raises(InputRefused):
        add_event(archive.workspace, "completed", TODAY)
    with pytest.raises(NotFound):
        add_event(archive.workspace, "completed", TODAY, records=["R-none"])
    assert list_events(archive.workspace.db) == []


def test_a_hold_stops_a_due_record_until_it_is_released(archive):
    record = archive.file()
    hold = place_hold(archive.workspace, kind="litigation", reason="诉讼中", records=[record])
    assert archive.decision(record) == "held"
    assert find_hold(archive.workspace, hold).reason == "诉讼中"
    release_hold(archive.workspace, hold, "结案")
    assert archive.decision(record) == "due"
    assert list_holds(archive.workspace) == []
    assert [one.hold_id for one in list_holds(archive.workspace, released=True)] == [hold]
    with pytest.raises(RefusedByRule):
        release_hold(archive.workspace, hold, "再次")


def test_a_hold_on_an_account_covers_records_filed_later_and_records_that_left_the_account(archive):
    moved = archive.file("一", account="70001")
    edit_record(archive.workspace, moved, {"account": "70002"}, "过户")
    place_hold(archive.workspace, kind="arrears", reason="欠费", account="70001")
    later = archive.file("二", account="70001")
    free = archive.file("三", account="70003")
    assert [archive.decision(one) for one in (moved, later, free)] == ["held", "held", "due"]


def test_a_hold_whose_account_can_no_longer_be_read_holds_every_record(archive):
    free = archive.file(account="70003")
    hold = place_hold(archive.workspace, kind="arrears", reason="欠费", account="70001")
    assert archive.decision(free) == "due"
    remove_notes(archive.root, hold)
    archive.workspace.rebuild()
    assert archive.decision(free) == "held"


@pytest.mark.parametrize(
    "call",
    [
        {"kind": "boredom", "reason": "x", "account": "1"},
        {"kind": "debt", "reason": " ", "account": "1"},
        {"kind": "debt", "reason": "x"},
    ],
)
def test_a_hold_without_kind_reason_or_object_is_refused(archive, call):
    with pytest.raises(InputRefused):
        place_hold(archive.workspace, **call)
    assert list_holds(archive.workspace) == []


def test_no_hold_is_placed_on_a_record_past_the_point_of_no_return(archive, monkeypatch):
    record, other = archive.file("一"), archive.file("二")
    order = archive.signed(record)
    monkeypatch.setattr("recordkit.retention.removal.remove_notes", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        archive.execute(order)
    with pytest.raises(RefusedByRule, match="point of no return"):
        place_hold(archive.workspace, kind="debt", reason="晚了", records=[other, record])
    assert list_holds(archive.workspace) == []


def test_review_and_holds_are_the_same_after_a_rebuild(archive):
    record = archive.file(account="70001")
    contract = archive.file("合同", record_class="supply-contract", on=date(1990, 1, 1), account="70009")
    add_event(archive.workspace, "account-closed", date(2001, 1, 1), account="70009")
    add_event(archive.workspace, "contract-ended", date(2003, 1, 1), records=[contract])
    place_hold(archive.workspace, kind="arrears", reason="欠费", account="70001")
    place_hold(archive.workspace, kind="debt", reason="欠款", records=[contract, record], until=date(2039, 1, 1))
    before = (review_one_by_one(archive.workspace, TODAY), list_holds(archive.workspace))
    archive.workspace.rebuild()
    assert (review_one_by_one(archive.workspace, TODAY), list_holds(archive.workspace)) == before
