"""Events are revised and withdrawn; holds are extended and never end by themselves."""

from datetime import date

import pytest
from retention_store import TODAY, Archive, review_one_by_one

from recordkit import pending
from recordkit.archive.catalogue import count_of_account
from recordkit.archive.editing import edit_record
from recordkit.errors import InputRefused, RefusedByRule
from recordkit.retention.circumstances import explain_record
from recordkit.retention.events import (
    PENDING,
    AccountEvent,
    add_account_events,
    add_event,
    event_words,
    find_event,
    list_events,
    revise_event,
    withdraw_event,
)
from recordkit.retention.holds import (
    accounts_held_of,
    extend_hold,
    find_hold,
    list_holds,
    place_hold,
    place_on_accounts,
    release_hold,
    release_holds,
)
from recordkit.retention.standing import bound_records, standing_of


def contract(archive: Archive, account: str | None = None, on: date = date(1990, 1, 1)) -> str:
    extra = {} if account is None else {"account": account}
    return archive.file(f"合同{account}{on}", record_class="supply-contract", on=on, **extra)


@pytest.mark.parametrize("by_account", [False, True])
def test_a_revised_event_supersedes_the_old_one_and_both_stay_listed_with_the_reason(
    archive: Archive, by_account: bool
) -> None:
    record = contract(archive, "70001")
    scope = {"account": "70001"} if by_account else {"records": [record]}
    old = add_event(archive.workspace, "contract-ended", date(2001, 5, 1), note="来函", **scope)  # type: ignore[arg-type]
    assert archive.decision(record) == "due"
    new = revise_event(archive.workspace, old, "合同上是2011年", on=date(2011, 5, 1))
    assert archive.decision(record) == "not-due"
    before, after = list_events(archive.workspace.db)
    assert (before.event_id, before.replaced, before.counts) == (old, new, False)
    assert (after.event_id, after.date, after.counts) == (new, date(2011, 5, 1), True)
    assert (after.records, after.account) == (before.records, before.account)
    words = event_words(archive.workspace, after.event_id)
    assert (words.note, words.reason) == ("来函", "合同上是2011年")


@pytest.mark.parametrize("by_account", [False, True])
def test_a_withdrawn_event_cancels_and_the_record_waits_again(archive: Archive, by_account: bool) -> None:
    record = contract(archive, "70001")
    scope = {"account": "70001"} if by_account else {"records": [record]}
    event = add_event(archive.workspace, "contract-ended", date(2001, 5, 1), **scope)  # type: ignore[arg-type]
    withdraw_event(archive.workspace, event, "张冠李戴")
    assert archive.decision(record) == "waiting"
    (kept,) = list_events(archive.workspace.db)
    assert kept.withdrawn == TODAY.isoformat()
    assert event_words(archive.workspace, kept.event_id).end == "张冠李戴"
    ledger = "".join(path.read_text() for path in (archive.root / "ledger").glob("*.jsonl"))
    assert "张冠李戴" not in ledger and "70001" not in ledger
    rows = (list_events(archive.workspace.db), review_one_by_one(archive.workspace, TODAY))
    archive.workspace.rebuild()
    assert (list_events(archive.workspace.db), review_one_by_one(archive.workspace, TODAY)) == rows


def test_what_no_longer_counts_is_neither_revised_nor_withdrawn_again(archive: Archive) -> None:
    record = contract(archive)
    old = add_event(archive.workspace, "contract-ended", date(2001, 5, 1), records=[record])
    new = revise_event(archive.workspace, old, "更正", on=date(2002, 5, 1))
    with pytest.raises(RefusedByRule, match=new):
        revise_event(archive.workspace, old, "再更正", on=date(2003, 5, 1))
    with pytest.raises(RefusedByRule, match=new):
        withdraw_event(archive.workspace, old, "撤回")
    withdraw_event(archive.workspace, new, "撤回")
    with pytest.raises(RefusedByRule, match="withdrawn"):
        withdraw_event(archive.workspace, new, "撤回")
    with pytest.raises(RefusedByRule, match="withdrawn"):
        add_event(archive.workspace, "contract-ended", date(2003, 5, 1), records=[record], replaces=new)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"on": date(2037, 3, 6)}, "x"), ({"on": date(2001, 5, 1)}, "x"), ({"on": date(2002, 5, 1)}, " "),
     ({"event_type": "nonsense"}, "x")],
)
def test_a_revision_to_the_future_to_nothing_else_or_without_reason_is_refused(
    archive: Archive, changes: dict[str, object], reason: str
) -> None:
    event = add_event(archive.workspace, "contract-ended", date(2001, 5, 1), records=[contract(archive)])
    with pytest.raises(InputRefused):
        revise_event(archive.workspace, event, reason, **changes)  # type: ignore[arg-type]
    assert [one.counts for one in list_events(archive.workspace.db)] == [True]


def test_an_event_before_the_record_is_told(archive: Archive) -> None:
    record = contract(archive, "70001", on=date(2015, 1, 1))
    add_event(archive.workspace, "contract-ended", date(2010, 1, 1), records=[record])
    assert "2015-01-01" in str(archive.workspace.notices[-1])
    add_event(archive.workspace, "account-closed", date(2010, 1, 1), account="70001")
    assert "1 record(s) of the account" in str(archive.workspace.notices[-1])


def test_records_of_an_account_are_counted_however_the_account_is_written(archive: Archive) -> None:
    moved = archive.file("一", account="７０００１ ")
    assert count_of_account(archive.workspace.db, " 70001") == 1
    edit_record(archive.workspace, moved, {"account": "70002"}, "过户")
    assert count_of_account(archive.workspace.db, "70001") == 0
    assert count_of_account(archive.workspace.db, "70001", ever=True) == 1
    assert count_of_account(archive.workspace.db, "70002", since=date(2024, 6, 2)) == 0


def test_a_hold_past_its_day_still_holds_until_it_is_released(archive: Archive) -> None:
    record = archive.file()
    hold = place_hold(archive.workspace, kind="debt", reason="欠款", records=[record], until=TODAY)
    archive.reopen(date(2040, 1, 1))
    assert archive.decision(record) == "held"
    assert find_hold(archive.workspace, hold).is_past(date(2040, 1, 1))
    assert bound_records(archive.workspace)["held"] == {record}
    extend_hold(archive.workspace, hold, date(2041, 1, 1), "尚未还清")
    assert find_hold(archive.workspace, hold).until == date(2041, 1, 1)
    archive.workspace.rebuild()
    assert not find_hold(archive.workspace, hold).is_past(date(2040, 1, 1))
    release_hold(archive.workspace, hold, "还清")
    assert archive.decision(record) == "due"
    with pytest.raises(RefusedByRule):
        extend_hold(archive.workspace, hold, None, "再看")


def test_a_hold_by_query_notes_the_query_beside_the_records_and_not_in_the_ledger(archive: Archive) -> None:
    records = [archive.file(f"第{number}件", account=f"7000{number}") for number in range(12)]
    hold = place_hold(archive.workspace, kind="inspection", reason="专项检查", records=records, query="户名:魏堃")
    kept = find_hold(archive.workspace, hold)
    assert (kept.records, kept.query, kept.reason) == (tuple(sorted(records)), "户名:魏堃", "专项检查")
    assert "魏堃" not in "".join(path.read_text() for path in (archive.root / "ledger").glob("*.jsonl"))
    later = archive.file("第13件", account="70001")
    assert [archive.decision(one) for one in (records[0], later)] == ["held", "due"]
    place_on_accounts(archive.workspace, accounts_held_of(archive.workspace.db, records), kind="inspection", reason="x")
    assert archive.decision(later) == "held"


def test_a_query_hold_leaves_out_by_name_what_is_past_the_point_of_no_return(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, other = archive.file("一"), archive.file("二")
    order = archive.signed(record)
    monkeypatch.setattr("recordkit.retention.removal.remove_notes", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        archive.execute(order)
    hold = place_hold(archive.workspace, kind="debt", reason="晚了", records=[other, record], query="回访")
    assert find_hold(archive.workspace, hold).records == (other,)
    assert order.order_id in str(archive.workspace.notices[-1])
    with pytest.raises(RefusedByRule):
        place_hold(archive.workspace, kind="debt", reason="晚了", records=[record], query="回访")


def test_the_holds_that_cover_a_record_are_those_the_review_goes_by(archive: Archive) -> None:
    record = archive.file("一", account="70001")
    edit_record(archive.workspace, record, {"account": "70002"}, "过户")
    wanted = [place_hold(archive.workspace, kind="debt", reason="一", account="70001"),
              place_hold(archive.workspace, kind="debt", reason="二", account="70002"),
              place_hold(archive.workspace, kind="debt", reason="三", records=[record])]
    place_hold(archive.workspace, kind="debt", reason="四", account="70003")
    place_hold(archive.workspace, kind="debt", reason="五", records=[archive.file("二")])
    gone = place_hold(archive.workspace, kind="debt", reason="六", account="70001")
    release_hold(archive.workspace, gone, "还清")
    from recordkit.archive.catalogue import find_record

    found = find_record(archive.workspace.db, record)
    assert [one.hold_id for one in list_holds(archive.workspace, record_id=record)] == wanted
    assert [one["hold"] for one in standing_of(archive.workspace, found, TODAY).holds] == wanted
    reason = str(explain_record(archive.workspace, found, TODAY).reason)
    assert all(one in reason for one in wanted) and gone not in reason


def test_many_holds_and_events_are_entered_together_and_a_killed_entry_leaves_no_account(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    holds = place_on_accounts(archive.workspace, [f"8{n:04d}" for n in range(30)], kind="arrears", reason="欠费",
                              from_list="北区")
    kept = list_holds(archive.workspace)
    assert [one.hold_id for one in kept] == holds
    assert {(one.reason, one.from_list) for one in kept} == {("欠费", "北区")}
    release_holds(archive.workspace, holds[:10], "已缴")
    assert len(list_holds(archive.workspace)) == 20
    events = [AccountEvent(f"9{n:04d}", "account-closed", date(2020, 1, 1)) for n in range(30)]
    ids = add_account_events(archive.workspace, events)
    assert find_event(archive.workspace.db, ids[7]).account == "90007"
    before = {path.name for path in (archive.root / "notes").iterdir()}

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(archive.workspace.ledger, "append", die)
    with pytest.raises(KeyboardInterrupt):
        add_account_events(archive.workspace, [AccountEvent(f"6{n:04d}", "completed", TODAY) for n in range(20)])
    with pytest.raises(KeyboardInterrupt):
        place_on_accounts(archive.workspace, [f"5{n:04d}" for n in range(20)], kind="arrears", reason="欠费")
    assert {path.name for path in (archive.root / "notes").iterdir()} > before
    assert pending.unfinished(archive.root, "holds")
    archive.reopen()
    with archive.workspace.writing():
        pass
    assert {path.name for path in (archive.root / "notes").iterdir()} == before
    assert not pending.unfinished(archive.root, PENDING) and not pending.unfinished(archive.root, "holds")
