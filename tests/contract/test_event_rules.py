"""What an event needs, covers and says, and what stays of it; each refusal tells the way on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from retention_store import TODAY, Archive

from recordkit import pending
from recordkit.errors import InputRefused, NotFound, RecordkitError, RefusedByRule
from recordkit.notes import read_note, remove_notes
from recordkit.retention.events import (
    PENDING,
    AccountEvent,
    add_account_events,
    add_event,
    blank_accounts,
    event_words,
    find_event,
    list_events,
    require_type,
    revise_event,
    tells_of_restricted,
    withdraw_event,
)
from recordkit.retention.proposals import confirm_proposals, list_proposals, reject_proposals
from recordkit.retention.schedule import EVENT_TYPES
from recordkit.workspace import Rehearsed

TOMORROW = date(2037, 3, 6)
ENDED = date(2001, 5, 1)


def event(archive: Archive, event_type: str = "contract-ended", on: date = ENDED, **given: object) -> str:
    return add_event(archive.workspace, event_type, on, **given)  # type: ignore[arg-type]


def contract(archive: Archive, title: str = "合同", on: date = date(1990, 1, 1), **extra: object) -> str:
    return archive.file(title, record_class="supply-contract", on=on, **extra)


def refused(error: type[RecordkitError], act: Callable[[], object]) -> tuple[str, str]:
    """What was said, and the next step."""
    with pytest.raises(error) as caught:
        act()
    return str(caught.value.what), str(caught.value.todo or "")


def bodies(archive: Archive) -> list[dict[str, object]]:
    return [dict(entry.body) for entry, _ in archive.workspace.ledger.read() if entry.act.startswith("event.")]


def rows(archive: Archive) -> list[tuple[object, ...]]:
    return [tuple(row) for name in ("retention_events", "retention_event_records", "declined_events")
            for row in archive.workspace.db.all(f"SELECT * FROM {name}")]


def test_an_event_is_of_a_known_type_of_the_past_and_of_records_or_one_account(archive: Archive) -> None:
    record = contract(archive)
    what, then = refused(InputRefused, lambda: event(archive, "nonsense", records=[record]))
    assert "nonsense" in what and "contract ended" in then and "schedule show" in then
    places = [then.index(f"({one})") if f"({one})" in then else then.index(one) for one in sorted(EVENT_TYPES)]
    assert places == sorted(places)
    require_type(archive.workspace, "case-closed")
    what, then = refused(InputRefused, lambda: event(archive, on=TOMORROW, records=[record]))
    assert "2037-03-06 lies in the future" in what and "when it has happened" in then
    for given in ({}, {"account": " "}, {"records": [record], "account": "70001"}):
        what, then = refused(InputRefused, lambda given=given: event(archive, **given))
        assert "records or to one account" in what and "--account" in then
    assert list_events(archive.workspace.db) == [] and bodies(archive) == []
    event(archive, on=TODAY, records=[record])
    assert [one.date for one in list_events(archive.workspace.db)] == [TODAY]


def test_a_record_that_is_destroyed_gets_no_event_and_none_is_entered_for_the_others(archive: Archive) -> None:
    gone, other = archive.file("一"), archive.file("二")
    archive.execute(archive.signed(gone))
    what, _ = refused(RefusedByRule, lambda: event(archive, "completed", records=[other, gone]))
    assert "is destroyed" in what and list_events(archive.workspace.db) == []


def test_an_event_keeps_type_day_note_and_who_entered_it(archive: Archive) -> None:
    first, second = contract(archive, "一"), contract(archive, "二")
    named = event(archive, records=[second, first, second], note="来函")
    bare = event(archive, records=[first])
    of_account = event(archive, "account-closed", account=" ７０００１")
    one, other, third = list_events(archive.workspace.db)
    assert (one.event_id, one.type, one.date, one.records, one.account, one.replaced, one.withdrawn, one.paper,
            one.entered, one.actor, one.counts) == (
        named, "contract-ended", ENDED, tuple(sorted([first, second])), None, None, None, None, TODAY.isoformat(),
        "os:user", True)
    assert (third.event_id, third.records, third.account) == (of_account, (), "70001")
    words, body = event_words(archive.workspace, named), bodies(archive)
    assert (words.note, words.reason, words.end) == ("来函", None, None)
    assert read_note(archive.root, first, dict(body[0]["records"])[first]) == {"event": named, "text": "来函"}  # type: ignore[call-overload]
    assert body[1] == {"event": bare, "type": "contract-ended", "date": "2001-05-01", "records": {first: None}}
    assert read_note(archive.root, of_account, str(body[2]["account_note"])) == {"account": "70001", "text": ""}
    assert event_words(archive.workspace, bare).note is event_words(archive.workspace, of_account).note is None
    assert find_event(archive.workspace.db, f" {bare} ") == other
    before = rows(archive)
    archive.workspace.rebuild()
    assert rows(archive) == before


def test_a_record_of_the_same_day_is_not_told_as_later(archive: Archive) -> None:
    record = contract(archive, on=ENDED, account="70001")
    event(archive, records=[record])
    event(archive, "account-closed", on=date(2001, 5, 2), account="70001")
    assert archive.workspace.notices == []
    event(archive, "account-closed", account="70001")
    assert "1 record(s)" in str(archive.workspace.notices[-1])
    event(archive, on=date(2001, 4, 30), records=[record])
    assert "is dated 2001-05-01, after the event" in str(archive.workspace.notices[-1])
    assert len(archive.workspace.notices) == 2


def test_events_are_listed_by_record_account_and_id(archive: Archive) -> None:
    first, second = contract(archive, "一"), contract(archive, "二")
    both, one = event(archive, records=[first, second]), event(archive, records=[second])
    of_account, other = event(archive, account="70001"), event(archive, account="70002")

    def ids(**given: str) -> list[str]:
        return [found.event_id for found in list_events(archive.workspace.db, **given)]

    assert ids() == [both, one, of_account, other]
    assert (ids(record_id=first), ids(record_id=second)) == ([both], [both, one])
    assert (ids(account=" ７０００１"), ids(event_id=other)) == ([of_account], [other])
    assert ids(record_id=first, account="70001") == []


def test_an_event_that_is_not_there_or_no_longer_counts_is_named_with_what_stands_for_it(archive: Archive) -> None:
    record = contract(archive)
    old = event(archive, records=[record])
    for act in (lambda: find_event(archive.workspace.db, "E0"),
                lambda: withdraw_event(archive.workspace, "E0", "x"),
                lambda: revise_event(archive.workspace, "E0", "x", on=TODAY),
                lambda: event(archive, records=[record], replaces="E0")):
        what, then = refused(NotFound, act)
        assert "E0" in what and "event list" in then
    new = event(archive, on=date(2002, 5, 1), records=[record], replaces=f" {old} ")
    assert bodies(archive)[-1]["replaces"] == old
    replaced = find_event(archive.workspace.db, old)
    assert (replaced.replaced, replaced.counts) == (new, False)
    assert find_event(archive.workspace.db, new).counts
    what, then = refused(RefusedByRule, lambda: withdraw_event(archive.workspace, old, "x"))
    assert old in what and new in what and "Name that one" in then
    withdraw_event(archive.workspace, new, "x")
    what, then = refused(RefusedByRule, lambda: revise_event(archive.workspace, new, "x", on=TODAY))
    assert new in what and TODAY.isoformat() in what and "event add" in then
    assert not find_event(archive.workspace.db, new).counts


def test_a_change_of_what_was_entered_needs_a_reason_and_something_to_change(archive: Archive) -> None:
    entered = event(archive, records=[contract(archive)])
    for act in (lambda: withdraw_event(archive.workspace, entered, " "),
                lambda: revise_event(archive.workspace, entered, "", on=TODAY)):
        what, then = refused(InputRefused, act)
        assert "needs a reason" in what and "--reason" in then
    for given in ({}, {"on": ENDED}, {"event_type": "contract-ended"}, {"on": ENDED, "event_type": "contract-ended"}):
        what, then = refused(InputRefused, lambda given=given: revise_event(archive.workspace, entered, "x", **given))
        assert f"{entered} says so already" in what and "--date or --type" in then
    assert len(bodies(archive)) == 1


def test_a_revision_changes_the_day_or_the_type_and_keeps_the_rest(archive: Archive) -> None:
    record = contract(archive, account="70001")
    first = event(archive, records=[record], note="来函")
    second = revise_event(archive.workspace, first, "类型有误", event_type="account-closed")
    third = revise_event(archive.workspace, second, "日期有误", on=TODAY)
    found = [find_event(archive.workspace.db, one) for one in (second, third)]
    assert [(one.type, one.date, one.records, one.paper) for one in found] == [
        ("account-closed", ENDED, (record,), None), ("account-closed", TODAY, (record,), None)]
    words = event_words(archive.workspace, third)
    assert (words.note, words.reason, words.end) == ("来函", "日期有误", None)
    withdraw_event(archive.workspace, third, "没有此事")
    words = event_words(archive.workspace, third)
    assert (words.note, words.reason, words.end) == ("来函", "日期有误", "没有此事")
    of_account = event(archive, account="70001")
    revised = revise_event(archive.workspace, of_account, "更正", on=TODAY)
    withdraw_event(archive.workspace, revised, "撤回")
    body = bodies(archive)
    assert read_note(archive.root, revised, str(body[-2]["account_note"])) == {
        "account": "70001", "text": "", "reason": "更正"}
    assert read_note(archive.root, revised, str(body[-1]["account_note"])) == {"withdrawn": "撤回"}
    assert event_words(archive.workspace, revised).end == "撤回"
    before = rows(archive)
    archive.workspace.rebuild()
    assert rows(archive) == before


def test_of_an_event_whose_records_or_account_are_gone_nothing_is_changed(archive: Archive) -> None:
    gone, left = archive.file("一"), archive.file("二", on=date(2036, 1, 1))
    both, alone = (event(archive, "completed", records=one, note="甲") for one in ([gone, left], [gone]))
    of_account = event(archive, account="70001")
    archive.execute(archive.signed(gone))
    blank_accounts(archive.workspace.db, [of_account])
    assert find_event(archive.workspace.db, of_account).account is None
    for act in (lambda: withdraw_event(archive.workspace, alone, "x"),
                lambda: revise_event(archive.workspace, alone, "x", on=TODAY)):
        assert f"No record of event {alone} is left" in refused(RefusedByRule, act)[0]
    for act in (lambda: withdraw_event(archive.workspace, of_account, "x"),
                lambda: revise_event(archive.workspace, of_account, "x", on=TODAY)):
        assert f"account of event {of_account} was destroyed" in refused(RefusedByRule, act)[0]
    assert event_words(archive.workspace, alone).note is None
    assert event_words(archive.workspace, both).note == "甲"
    revised = revise_event(archive.workspace, both, "更正", on=TODAY)
    assert find_event(archive.workspace.db, revised).records == (left,)


def test_a_confirmed_event_keeps_its_paper_when_it_is_revised_and_a_refused_one_is_remembered(archive: Archive) -> None:
    paper = archive.file("销户", record_class="account-closing", account="70001", on=date(2026, 3, 1))
    for title in ("一", "二"):
        contract(archive, title, account="70001")
    first, *rest = list_proposals(archive.workspace)
    ((_, entered),) = confirm_proposals(archive.workspace, [first])
    assert find_event(archive.workspace.db, entered).paper == paper == first.paper
    revised = revise_event(archive.workspace, entered, "更正", on=TODAY)
    assert find_event(archive.workspace.db, revised).paper == paper
    assert rest
    reject_proposals(archive.workspace, rest, "另有合同")
    declined = archive.workspace.db.all("SELECT record_id, type, paper, note FROM declined_events")
    assert {tuple(row)[:3] for row in declined} == {(one.record_id, one.type, one.paper) for one in rest}
    assert all(row["note"] for row in declined)
    before = rows(archive)
    archive.workspace.rebuild()
    assert rows(archive) == before


def test_of_notes_beside_several_records_the_first_that_is_left_speaks(archive: Archive) -> None:
    records = sorted(contract(archive, f"第{at}件") for at in range(3))
    named = event(archive, records=records, note="来函")
    remove_notes(archive.root, records[0])
    assert event_words(archive.workspace, named).note == "来函"
    withdraw_event(archive.workspace, named, "撤回")
    for record in records[1:]:
        remove_notes(archive.root, record)
    assert (event_words(archive.workspace, named).note, event_words(archive.workspace, named).end) == (None, "撤回")
    remove_notes(archive.root, records[0])
    assert event_words(archive.workspace, named).end is None


@pytest.mark.parametrize("by_account", [False, True])
def test_an_event_tells_of_restricted_records_while_they_are_there(archive: Archive, by_account: bool) -> None:
    closed = archive.file("稽查", record_class="violation-approval", account="70001")
    opened = archive.file("回访", account="70002")
    archive.workspace.actor = "arch"  # who may see restricted records enters their events

    def tells(record: str, account: str) -> bool:
        given = {"account": account} if by_account else {"records": [record]}
        entered = event(archive, "completed", TODAY, **given)
        return tells_of_restricted(archive.workspace.db, find_event(archive.workspace.db, entered))

    assert tells(closed, "70001") and not tells(opened, "70002")


def test_events_of_many_accounts_are_announced_but_not_in_a_rehearsal(archive: Archive) -> None:
    ids = add_account_events(archive.workspace, [AccountEvent("７０００１ ", "completed", ENDED)], "清单")
    entered = find_event(archive.workspace.db, ids[0])
    assert (entered.account, entered.type, entered.date) == ("70001", "completed", ENDED)
    assert event_words(archive.workspace, ids[0]).note == "清单"
    archive.workspace.rehearsing = True
    with pytest.raises(Rehearsed):
        add_account_events(archive.workspace, [AccountEvent("70002", "completed", ENDED)])
    assert pending.unfinished(archive.root, PENDING) == []
    archive.workspace.rehearsing = False
    stray = pending.announce(archive.root, PENDING, [ids[0], "E0"])
    archive.reopen()
    with archive.workspace.writing():
        pass
    assert (event_words(archive.workspace, ids[0]).note, stray.exists()) == ("清单", False), "what came to be stays"
