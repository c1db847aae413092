"""What a hold needs, covers and says, and what stays of it; each refusal tells the way on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from retention_store import TODAY, Archive

from recordkit import pending
from recordkit.archive.editing import edit_record
from recordkit.errors import InputRefused, NotFound, RecordkitError, RefusedByRule
from recordkit.notes import read_note, remove_notes
from recordkit.retention.holds import (
    PENDING,
    HoldOrder,
    accounts_held_of,
    blank_accounts,
    covers_restricted,
    extend_hold,
    find_hold,
    holds_on_record,
    list_holds,
    place_hold,
    place_on_accounts,
    release_hold,
    release_holds,
    require_order,
)
from recordkit.workspace import Rehearsed

YESTERDAY, TOMORROW = date(2037, 3, 4), date(2037, 3, 6)


def hold(archive: Archive, **given: object) -> str:
    return place_hold(archive.workspace, **{"kind": "debt", "reason": "欠款", **given})  # type: ignore[arg-type]


def refused(error: type[RecordkitError], act: Callable[[], object]) -> tuple[str, str]:
    """What was said, and the next step."""
    with pytest.raises(error) as caught:
        act()
    return str(caught.value.what), str(caught.value.todo or "")


def notes_of(archive: Archive) -> int:
    return sum(1 for path in (archive.root / "notes").rglob("*.json"))


def entries(archive: Archive) -> list[str]:
    return [entry.act for entry, _ in archive.workspace.ledger.read()]


@pytest.mark.parametrize("place", [
    lambda archive, **given: place_hold(archive.workspace, account="1", **given),
    lambda archive, **given: place_on_accounts(archive.workspace, ["1", "2"], **given),
    lambda archive, **given: require_order(archive.workspace, HoldOrder(**given)),
])
@pytest.mark.parametrize(("given", "what", "then"), [
    ({"kind": "boredom", "reason": "x"}, "boredom", "litigation"),
    ({"kind": "debt", "reason": " "}, "needs a reason", "--reason"),
    ({"kind": "debt", "reason": "x", "until": YESTERDAY}, "2037-03-04 is over", "Name a day ahead"),
])
def test_however_holds_are_placed_kind_reason_and_day_are_asked_for(
    archive: Archive, place: Callable[..., object], given: dict[str, object], what: str, then: str
) -> None:
    said, step = refused(InputRefused, lambda: place(archive, **given))
    assert what in said and then in step
    assert list_holds(archive.workspace) == [] and "hold.placed" not in entries(archive)
    place(archive, kind="other", reason="x", until=TODAY)
    assert all(one.kind == "other" and one.until == TODAY for one in list_holds(archive.workspace))


def test_a_hold_is_on_records_or_on_one_account_and_not_on_both(archive: Archive) -> None:
    record = archive.file()
    for given in ({}, {"account": " "}, {"records": [record], "account": "1"}):
        what, then = refused(InputRefused, lambda given=given: hold(archive, **given))
        assert "records or on one account" in what and "--account" in then
    assert hold(archive, records=[record]) and hold(archive, account="1")


def test_a_hold_says_by_whom_it_was_placed_on_what_and_until_when(archive: Archive) -> None:
    first, second = archive.file("一"), archive.file("二")
    named = hold(archive, records=[second, first, second], until=TOMORROW)
    on_account = place_on_accounts(archive.workspace, [" ７０００１"], kind="arrears", reason="欠费", from_list="")[0]
    archive.reopen(date(2037, 4, 1))
    release_hold(archive.workspace, on_account, "已缴")
    one, other = list_holds(archive.workspace, released=True)
    assert (one.hold_id, one.kind, one.records, one.account, one.until, one.reason, one.placed, one.released,
            one.query, one.from_list) == (named, "debt", tuple(sorted([first, second])), None, TOMORROW, "欠款",
                                          TODAY.isoformat(), None, None, None)
    assert (other.hold_id, other.kind, other.records, other.account, other.until, other.reason, other.placed,
            other.released, other.query, other.from_list) == (
        on_account, "arrears", (), "70001", None, "欠费", TODAY.isoformat(), "2037-04-01", None, "")
    assert [entry.body["until"] for entry, _ in archive.workspace.ledger.read() if entry.act == "hold.placed"] == [
        TOMORROW.isoformat(), None]
    rows = archive.workspace.db.all("SELECT * FROM holds ORDER BY seq")
    before = [tuple(row) for row in rows]
    assert (rows[1]["released_by"], rows[0]["released_by"]) == ("os:user", None)
    archive.workspace.rebuild()
    assert [tuple(row) for row in archive.workspace.db.all("SELECT * FROM holds ORDER BY seq")] == before
    assert (find_hold(archive.workspace, f" {named} "), one.is_past(TOMORROW)) == (one, False)
    assert one.is_past(date(2037, 3, 7)) and not other.is_past(date(2099, 1, 1))


def test_a_released_hold_is_never_past_its_day(archive: Archive) -> None:
    over = hold(archive, account="1", until=TODAY)
    assert find_hold(archive.workspace, over).is_past(TOMORROW)
    release_hold(archive.workspace, over, "已清")
    assert not find_hold(archive.workspace, over).is_past(TOMORROW)


def test_a_hold_that_is_not_there_or_is_over_is_named(archive: Archive) -> None:
    for act in (lambda: find_hold(archive.workspace, "H0"), lambda: release_hold(archive.workspace, "H0", "x"),
                lambda: extend_hold(archive.workspace, "H0", None, "x"),
                lambda: release_holds(archive.workspace, ["H0"], "x")):
        what, then = refused(NotFound, act)
        assert "H0" in what and "hold list" in then
    over = hold(archive, account="1")
    release_hold(archive.workspace, over, "已清")
    for act in (lambda: release_hold(archive.workspace, over, "x"),
                lambda: extend_hold(archive.workspace, over, None, "x")):
        what, _ = refused(RefusedByRule, act)
        assert over in what and TODAY.isoformat() in what


def test_release_and_another_day_need_a_reason_and_a_day_ahead(archive: Archive) -> None:
    standing = hold(archive, account="1", until=TOMORROW)
    for act in (lambda: release_hold(archive.workspace, standing, " "),
                lambda: release_holds(archive.workspace, [standing], "")):
        what, then = refused(InputRefused, act)
        assert "release of a hold" in what and "--reason" in then
    what, then = refused(InputRefused, lambda: extend_hold(archive.workspace, standing, None, " "))
    assert "new day" in what and "--reason" in then
    what, _ = refused(InputRefused, lambda: extend_hold(archive.workspace, standing, YESTERDAY, "x"))
    assert "2037-03-04" in what
    assert (find_hold(archive.workspace, standing).until, find_hold(archive.workspace, standing).released) == (
        TOMORROW, None)
    extend_hold(archive.workspace, standing, None, "不再定期")
    assert find_hold(archive.workspace, standing).until is None


def test_what_is_said_at_each_step_lies_beside_the_records_that_are_left_or_beside_the_hold(archive: Archive) -> None:
    record = archive.file()
    on_record, on_account = hold(archive, records=[record], query="回访"), hold(archive, account="70001")
    for one in (on_record, on_account):
        extend_hold(archive.workspace, one, TOMORROW, "再看")
        release_hold(archive.workspace, one, "已清")
    bodies = [entry.body for entry, _ in archive.workspace.ledger.read() if entry.act.startswith("hold.")]
    said = [read_note(archive.root, record, dict(body["records"])[record]) if "records" in body  # type: ignore[call-overload]
            else read_note(archive.root, str(body["hold"]), str(body["account_note"])) for body in bodies]
    assert said == [
        {"hold": on_record, "reason": "欠款", "query": "回访"}, {"account": "70001", "reason": "欠款"},
        {"hold": on_record, "extended": "再看"}, {"hold": on_record, "released": "已清"},
        {"extended": "再看"}, {"released": "已清"}]
    assert archive.workspace.db.all("SELECT release_note FROM holds WHERE release_note IS NOT NULL")[0][0] == bodies[
        -1]["account_note"]


def test_holds_are_listed_by_record_and_account_and_the_released_ones_on_demand(archive: Archive) -> None:
    record, other = archive.file("一", account="70001"), archive.file("二", account="70002")
    edit_record(archive.workspace, record, {"account": "70002"}, "过户")
    first, second = hold(archive, account="70001"), hold(archive, account="70002")
    named = hold(archive, records=[record])
    over = hold(archive, account="70001")
    over_named = hold(archive, records=[record])
    for one in (over, over_named):
        release_hold(archive.workspace, one, "已清")

    def ids(**given: object) -> list[str]:
        return [one.hold_id for one in list_holds(archive.workspace, **given)]  # type: ignore[arg-type]

    assert ids() == [first, second, named]
    assert ids(released=True) == [first, second, named, over, over_named]
    assert ids(record_id=record) == [first, second, named]
    assert ids(record_id=record, released=True) == [first, second, named, over, over_named]
    assert holds_on_record(archive.workspace.db, record) == [first, second, named]
    assert ids(record_id=other) == [second]
    assert ids(account=" ７０００１") == [first]
    assert ids(account="70001", released=True) == [first, over]
    assert ids(record_id=record, account=" 70002 ") == [second]
    assert ids(record_id=other, account="70001") == []
    assert accounts_held_of(archive.workspace.db, [record]) == ["70001", "70002"]
    assert accounts_held_of(archive.workspace.db, [other]) == ["70002"]
    assert accounts_held_of(archive.workspace.db, []) == []


def test_a_hold_without_its_note_covers_every_record_until_it_is_released(archive: Archive) -> None:
    record = archive.file()
    blind = hold(archive, account="70001")
    blank_accounts(archive.workspace.db, [blind])
    kept = find_hold(archive.workspace, blind)
    assert (kept.account, kept.reason) == (None, "欠款"), "what the tables forget is not read out of the note"
    remove_notes(archive.root, blind)
    assert find_hold(archive.workspace, blind).reason is None
    assert holds_on_record(archive.workspace.db, record) == [blind]
    before = [tuple(row) for row in archive.workspace.db.all("SELECT * FROM holds")]
    archive.workspace.rebuild()
    assert [tuple(row) for row in archive.workspace.db.all("SELECT * FROM holds")] == before
    release_hold(archive.workspace, blind, "已清")
    assert holds_on_record(archive.workspace.db, record) == holds_on_record(
        archive.workspace.db, record, released=True) == []


def test_a_hold_says_its_reason_as_long_as_one_of_its_notes_is_left(archive: Archive) -> None:
    records = sorted(archive.file(f"第{at}件") for at in range(3))
    named = hold(archive, records=records)
    for record in records[:2]:
        remove_notes(archive.root, record)
        assert find_hold(archive.workspace, named).reason == "欠款"
    remove_notes(archive.root, records[2])
    assert (find_hold(archive.workspace, named).reason, find_hold(archive.workspace, named).query) == (None, None)
    hold(archive, account="70001")
    blank = place_on_accounts(archive.workspace, ["70001"], kind="debt", reason="x", from_list="北区")
    blank_accounts(archive.workspace.db, blank)
    assert find_hold(archive.workspace, blank[0]).from_list is None


@pytest.mark.parametrize("by_account", [False, True])
def test_a_hold_tells_of_restricted_records_while_they_are_there(archive: Archive, by_account: bool) -> None:
    closed = archive.file("稽查", record_class="violation-approval", account="70001", on=date(1990, 1, 1))
    opened = archive.file("回访", account="70002")

    def covers(record: str, account: str) -> bool:
        given = {"account": account} if by_account else {"records": [record]}
        return covers_restricted(archive.workspace.db, find_hold(archive.workspace, hold(archive, **given)))

    assert covers(closed, "70001") and not covers(opened, "70002")
    both = hold(archive, records=[opened, closed])
    assert covers_restricted(archive.workspace.db, find_hold(archive.workspace, both))


def stop_midway(archive: Archive, record: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of an order whose execution broke off after its intent."""
    order = archive.signed(record)
    with monkeypatch.context() as broken:
        broken.setattr("recordkit.retention.removal.remove_notes", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            archive.execute(order)
    return order.order_id


def test_what_no_hold_can_save_any_more_is_named_with_its_order(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, other = archive.file("一", account="70001"), archive.file("二", account="70001")
    gone = archive.file("三", content=b"three")
    archive.execute(archive.signed(gone))
    before = hold(archive, account="70009")
    order = stop_midway(archive, record, monkeypatch)
    what, then = refused(RefusedByRule, lambda: hold(archive, records=[record]))
    assert "point of no return" in what and order in what and f"destruction show {order}" in then
    what, _ = refused(RefusedByRule, lambda: hold(archive, records=[gone]))
    assert "is destroyed" in what
    what, _ = refused(RefusedByRule, lambda: hold(archive, records=[record], query="回访"))
    assert "Nothing is left" in what
    archive.workspace.notices.clear()
    hold(archive, account="70001")
    place_on_accounts(archive.workspace, [" 70001", "70009"], kind="debt", reason="x")
    told = [str(one) for one in archive.workspace.notices]
    assert len(told) == 2 and all(order in one and "cannot save" in one for one in told)
    assert find_hold(archive.workspace, before).released is None
    assert archive.decision(other) == "held"


def test_nothing_is_noted_beside_a_record_that_is_being_destroyed(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, other = archive.file("一"), archive.file("二")
    order = archive.signed(record)
    both = hold(archive, records=[record, other])
    monkeypatch.setattr("recordkit.retention.holds.order_of_intent",
                        lambda db, one: order.order_id if one == record else None)
    release_hold(archive.workspace, both, "已清")
    last = [entry.body for entry, _ in archive.workspace.ledger.read()][-1]
    assert list(dict(last["records"])) == [other]  # type: ignore[call-overload]


def test_holds_released_together_pass_over_those_that_are_over_and_are_all_or_none(archive: Archive) -> None:
    ids = place_on_accounts(archive.workspace, ["1", "2", "3"], kind="debt", reason="x")
    release_hold(archive.workspace, ids[1], "已清")
    refused(NotFound, lambda: release_holds(archive.workspace, [ids[0], "H0"], "已缴"))
    assert [one.hold_id for one in list_holds(archive.workspace)] == [ids[0], ids[2]]
    release_holds(archive.workspace, ids, "已缴")
    assert list_holds(archive.workspace) == [] and entries(archive).count("hold.released") == 3


def test_a_rehearsal_announces_and_keeps_nothing(archive: Archive) -> None:
    before = notes_of(archive)
    archive.workspace.rehearsing = True
    with pytest.raises(Rehearsed):
        place_on_accounts(archive.workspace, ["1"], kind="debt", reason="x")
    assert pending.unfinished(archive.root, PENDING) == []
    assert (list_holds(archive.workspace), notes_of(archive)) == ([], before)


def test_an_announcement_of_holds_that_came_to_be_takes_no_note_away(archive: Archive) -> None:
    """Killed between the ledger and the end of the announcement: the accounts stand."""
    kept = hold(archive, account="70001")
    stray = pending.announce(archive.root, PENDING, [kept, "H0"])
    archive.reopen()
    with archive.workspace.writing():
        pass
    assert (find_hold(archive.workspace, kept).reason, stray.exists()) == ("欠款", False)
