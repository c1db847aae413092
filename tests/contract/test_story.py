"""``explain`` tells the whole story: every event, hold and order there ever was, what counts, and what comes next."""

from __future__ import annotations

import json
import random
from datetime import date

import pytest
from retention_store import TODAY, Archive
from test_grouped_review import fill

from recordkit import files
from recordkit.archive.catalogue import find_record, list_records
from recordkit.retention.circumstances import explain_record
from recordkit.retention.events import add_event, revise_event, withdraw_event
from recordkit.retention.holds import place_hold, release_hold
from recordkit.retention.order_state import Opinion
from recordkit.retention.schedule import shipped_schedule
from recordkit.retention.story import Story, story_of


def story(archive: Archive, record_id: str, today: date = TODAY) -> Story:
    return story_of(archive.workspace, find_record(archive.workspace.db, record_id), today)


def contract(archive: Archive, **more: object) -> str:
    return archive.file("供用水合同", on=date(2015, 1, 1), record_class="supply-contract", **more)


def test_every_event_is_told_with_what_it_does(archive: Archive) -> None:
    record = contract(archive, account="0001")
    add = archive.workspace
    first = add_event(add, "contract-ended", date(2016, 1, 1), records=[record])
    corrected = add_event(add, "contract-ended", date(2018, 1, 1), records=[record])
    other = add_event(add, "contract-ended", date(2017, 1, 1), account="0001")
    wrong = add_event(add, "account-closed", date(2019, 1, 1), account="0001")
    right = add_event(add, "account-closed", date(2020, 1, 1), account="0001", replaces=wrong)
    early = add_event(add, "account-closed", date(2010, 1, 1), account="0001")
    same_day = add_event(add, "account-closed", date(2015, 1, 1), account="0001")
    strange = add_event(add, "case-closed", date(2016, 1, 1), records=[record])
    add_event(add, "account-closed", date(2016, 1, 1), account="0002")
    told = {one.event_id: (one.state, one.by) for one in story(archive, record).events}
    assert told == {
        first: ("replaced", corrected), corrected: ("counts", None), other: ("own-first", corrected),
        wrong: ("replaced", right), right: ("later", None), early: ("too-early", None),
        same_day: ("too-early", None), strange: ("starts-nothing", None),
    }
    decision = story(archive, record).decision
    assert decision is not None and decision.start == date(2019, 1, 1)


@pytest.mark.parametrize("seed", range(8))
def test_the_event_that_counts_is_the_one_that_the_review_counts_from(archive: Archive, seed: int) -> None:
    fill(archive, random.Random(seed), 120)
    db = archive.workspace.db
    items = [{"record": row["record_id"], "version": "1", "commitment": "", "class": "visit-record", "issue": None,
              "due": "2030-01-01", "rule": "r"} for row in db.all("SELECT record_id FROM order_items")]
    db.run("UPDATE orders SET manifest = :manifest", {"manifest": json.dumps({"items": items})})
    counted = 0
    for record in list_records(archive.workspace.db):
        told = story_of(archive.workspace, record, TODAY)
        decision = explain_record(archive.workspace, record, TODAY)
        assert told.decision == decision
        is_kept = record.old_term in ("永久", "定期")
        if told.rule is None or told.rule.trigger == "date" or told.rule.months is None or is_kept:
            assert all(one.state in ("starts-nothing", "replaced") for one in told.events)
            continue
        counting = [one for one in told.events if one.state == "counts"]
        if record.volume is not None:
            # The volume starts with the latest of its records, and waits with any of them.
            assert all(decision.start is None or date(one.date.year + 1, 1, 1) <= decision.start for one in counting)
            counted += len(counting)
        elif decision.start is None:
            assert counting == [] or decision.decision == "permanent"
        else:
            (one,) = counting
            assert decision.start == date(one.date.year + 1, 1, 1)
            counted += 1
        in_force = [hold for hold in told.holds if hold.state != "released"]
        assert bool(in_force) == (decision.decision == "held")
    assert counted


def test_holds_past_and_present_are_told_each_with_its_state_and_reason(archive: Archive) -> None:
    record = archive.file(account="0001")
    archive.reopen(date(2030, 1, 1))
    over = place_hold(archive.workspace, kind="debt", reason="旧欠", records=[record], until=date(2031, 1, 1))
    released = place_hold(archive.workspace, kind="complaint", reason="投诉", account="0001")
    release_hold(archive.workspace, released, "办结")
    archive.reopen()
    standing = place_hold(archive.workspace, kind="litigation", reason="诉讼", account="0001", until=date(2040, 5, 6))
    place_hold(archive.workspace, kind="debt", reason="别家", account="0002")
    told = story(archive, record)
    assert {one.hold_id: (one.state, one.scope, one.reason) for one in told.holds} == {
        over: ("past", "record", "旧欠"), released: ("released", "account", "投诉"),
        standing: ("in-force", "account", "诉讼")}
    assert told.next_day is None and over in str(told.next), "past its day, and it holds all the same"
    release_hold(archive.workspace, over, "还清")
    told = story(archive, record)
    assert told.next_day == date(2040, 5, 6) and standing in str(told.next) and over not in str(told.next)


def test_a_withdrawn_event_is_told_with_what_was_said_and_starts_nothing(archive: Archive) -> None:
    record = contract(archive, account="0001")
    gone = add_event(archive.workspace, "contract-ended", date(2016, 1, 1), records=[record], note="来函")
    withdraw_event(archive.workspace, gone, "张冠李戴")
    first = add_event(archive.workspace, "account-closed", date(2017, 1, 1), account="0001")
    second = revise_event(archive.workspace, first, "写错", on=date(2018, 1, 1))
    told = story(archive, record)
    assert [(one.event_id, one.state, one.by, one.note, one.reason) for one in told.events] == [
        (gone, "withdrawn", None, "来函", "张冠李戴"), (first, "replaced", second, None, None),
        (second, "counts", None, None, "写错")]


def test_every_order_is_told_with_opinion_outcome_and_which_decision_counts(archive: Archive) -> None:
    record, other = archive.file(), archive.file("乙")
    archive.file("丙"), archive.file("丁")
    first = archive.propose(record)
    from recordkit.retention.orders import withdraw_order

    withdraw_order(archive.workspace, first.order_id, "误提")
    second = archive.appraise(archive.propose(record), {record: Opinion("extend", date(2040, 12, 31))})
    told = story(archive, record)
    assert [(one.order_id, one.status, one.opinion, one.counts) for one in told.orders] == [
        (first.order_id, "withdrawn", None, False),
        (second.order_id, "closed", Opinion("extend", date(2040, 12, 31)), True)]
    assert (told.decision and told.decision.due, told.next_day) == (date(2041, 1, 1), date(2041, 1, 1))
    third = archive.signed(other)
    assert "destruction execute" in str(story(archive, other).next)
    archive.execute(third)
    gone = story(archive, other)
    assert gone.decision is None and third.order_id in str(gone.next)
    assert [(one.status, one.outcome) for one in gone.orders] == [("executed", "destroyed")]


def test_an_order_that_a_changed_schedule_stopped_says_so_in_the_story(archive: Archive) -> None:
    record = archive.file()
    archive.propose(record)
    text = shipped_schedule().decode().replace('name = "回访记录"\nperiod = "10y"', 'name = "回访记录"\nperiod = "30y"')
    files.write_atomic(archive.root / "retention.toml", text.encode(), overwrite=True)
    told = story(archive, record)
    assert told.schedule_changed and "2055-01-01" in str(told.orders[0].stopped)


@pytest.mark.parametrize(
    ("record_class", "today", "said"),
    [
        ("visit-record", date(2030, 1, 1), "Nothing until 2035-01-01"),
        ("visit-record", TODAY, "destruction propose C001-KF·2024-D10-KFZ-0001"),
        ("drawing", TODAY, "kept for ever"),
        ("supply-contract", TODAY, "event add contract-ended --date DATE C001-KF·2024-D30-KFZ-0001"),
    ],
)
def test_what_comes_next_is_told_with_its_command(archive: Archive, record_class, today, said) -> None:
    record = archive.file(record_class=record_class)
    assert said in str(story(archive, record, today).next)


def test_a_record_whose_class_or_date_field_is_missing_says_what_is_to_be_done(archive: Archive) -> None:
    record = archive.file()
    text = shipped_schedule().decode()
    files.write_atomic(archive.root / "retention.toml",
                       text.replace('id = "visit-record"', 'id = "visit-record"\nfield = "closed_on"').encode(),
                       overwrite=True)
    assert "--set closed_on=DATE" in str(story(archive, record).next)
    files.write_atomic(archive.root / "retention.toml",
                       text.replace('id = "visit-record"', 'id = "lost"').encode(), overwrite=True)
    told = story(archive, record)
    assert told.rule is None and "visit-record" in str(told.next)
