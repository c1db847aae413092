"""A changed schedule: the ledger knows it, the list tells what moves, nothing that was ordered changes silently."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date

import pytest
from retention_store import TODAY, Archive
from test_grouped_review import fill

from recordkit import files
from recordkit.archive.classes import load_scheme, parse_scheme
from recordkit.errors import InputRefused, RefusedByRule
from recordkit.retention import orders
from recordkit.retention.adoption import adopt_schedule, is_changed, kept_schedule, last_seen, seen_scheme
from recordkit.retention.events import add_event
from recordkit.retention.schedule import shipped_schedule
from recordkit.retention.schedule_moves import moved_groups, moved_in_orders, moved_records
from recordkit.retention.stops import stopped_items

VISIT = 'name = "回访记录"\nperiod = "{}"'
OLD = shipped_schedule().decode()


def with_visits(rule: str) -> bytes:
    assert VISIT.format("10y") in OLD
    return OLD.replace(VISIT.format("10y"), 'name = "回访记录"\n' + rule).encode()


def edit(archive: Archive, data: bytes) -> None:
    files.write_atomic(archive.root / "retention.toml", data, overwrite=True)


def notices(archive: Archive) -> list[str]:
    told = [str(one) for one in archive.workspace.notices]
    archive.workspace.notices.clear()
    return told


def test_the_ledger_knows_the_schedule_from_proposal_and_adoption_and_a_rebuild_knows_the_same(archive) -> None:
    assert last_seen(archive.workspace.db) is None and not is_changed(archive.workspace)
    archive.file()
    archive.propose()
    shipped = load_scheme(archive.root).digest
    seen = last_seen(archive.workspace.db)
    assert seen is not None and (seen.digest, seen.act, seen.day) == (shipped, "order.proposed", TODAY.isoformat())
    edit(archive, with_visits('period = "5y"'))
    assert is_changed(archive.workspace)
    digest = adopt_schedule(archive.workspace)
    assert not is_changed(archive.workspace)
    assert digest == load_scheme(archive.root).digest != shipped
    before = archive.workspace.db.all("SELECT * FROM schedules_seen ORDER BY seq")
    archive.workspace.rebuild()
    assert list(map(tuple, archive.workspace.db.all("SELECT * FROM schedules_seen ORDER BY seq"))) == [
        tuple(row) for row in before]
    for one in (digest, shipped):
        kept = kept_schedule(archive.root, one)
        assert kept is not None and kept.digest == one


def test_a_schedule_adopted_from_a_file_becomes_the_store_s_and_the_one_before_is_kept(archive) -> None:
    before, new = load_scheme(archive.root).digest, with_visits('period = "20y"')
    adopt_schedule(archive.workspace, new, "neu.toml")
    assert (archive.root / "retention.toml").read_bytes() == new
    assert kept_schedule(archive.root, before) is not None
    with pytest.raises(RefusedByRule, match="has named this schedule"):
        adopt_schedule(archive.workspace)
    with pytest.raises(InputRefused, match=r"neu2\.toml"):
        adopt_schedule(archive.workspace, b'[[classes]]\nid = "x"\n', "neu2.toml")
    assert (archive.root / "retention.toml").read_bytes() == new


def test_a_kept_schedule_that_was_changed_on_the_disk_is_not_believed(archive) -> None:
    adopt_schedule(archive.workspace, with_visits('period = "20y"'))
    digest = load_scheme(archive.root).digest
    path = archive.root / "forms" / "versions" / digest / "retention.toml"
    path.write_bytes(path.read_bytes() + b"\n")
    assert kept_schedule(archive.root, digest) is None
    seen, scheme = seen_scheme(archive.workspace)
    assert seen is not None and scheme is None


NEW_SCHEDULES = [
    with_visits('period = "5y"'),
    with_visits('period = "30m"\nstart = "trigger"'),
    with_visits('period = "10y"\nfield = "ended"'),
    with_visits('period = "permanent"'),
    OLD.replace('id = "meter-change-notice"', 'id = "lost"').encode(),
    OLD.replace('events = ["contract-ended", "account-closed"]', 'events = ["account-closed"]').encode(),
]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("new", range(len(NEW_SCHEDULES)))
def test_moved_groups_count_what_moved_records_names_and_that_is_what_either_schedule_says(archive, seed, new) -> None:
    rng = random.Random(seed)
    fill(archive, rng, 160)
    db = archive.workspace.db
    with db.transaction():
        for number in range(0, 160, 3):
            ended = rng.choice(['"2026-05-06"', '"2031-07-08T10:00"', '""', "null", "7"])
            db.run("UPDATE records SET metadata = :m WHERE record_id = :id",
                   {"m": f'{{"fields": {{"ended": {ended}}}}}', "id": f"R{number:04d}"})
    old, other = parse_scheme(OLD.encode(), "alt"), parse_scheme(NEW_SCHEDULES[new], "neu")
    moved = list(moved_records(archive.workspace, old, other, TODAY))
    counted = Counter((one.record.record_class, one.before.decision, one.before.due, one.after.decision, one.after.due)
                      for one in moved)
    groups = moved_groups(archive.workspace, old, other, TODAY)
    assert {(one.record_class, one.before, one.due_before, one.after, one.due_after): one.count
            for one in groups} == counted
    assert moved or new >= 4  # few records of those classes have an event at all
    # What either schedule says of each record is what a review under that schedule says.
    for scheme, side in ((OLD.encode(), "before"), (NEW_SCHEDULES[new], "after")):
        edit(archive, scheme)
        for one in moved[::7]:
            assert archive.decision(one.record.record_id) == getattr(one, side).decision


def test_a_schedule_moves_nothing_against_itself(archive) -> None:
    archive.file()
    scheme = load_scheme(archive.root)
    assert moved_groups(archive.workspace, scheme, scheme, TODAY) == []
    assert list(moved_records(archive.workspace, scheme, scheme, TODAY)) == []


# --- what was ordered -------------------------------------------------------------------------------------------


def test_what_moves_in_open_orders_is_told_with_its_order_and_a_title_for_those_who_may_see_it(archive) -> None:
    archive.workspace.actor = "arch"
    visit, case = archive.file(), archive.file("稽查", record_class="violation-approval", on=date(1990, 1, 1))
    add_event(archive.workspace, "case-closed", date(1991, 1, 1), records=[case])
    archive.file("不在批次内")
    gone = archive.file("已销毁")
    archive.execute(archive.signed(gone))
    order = archive.propose(visit, case)
    old = parse_scheme(OLD.encode(), "alt")
    new = parse_scheme(OLD.replace('period = "10y"', 'period = "40y"').replace('"30y"', '"90y"').encode(), "neu")
    moved = moved_in_orders(archive.workspace, old, new, TODAY)
    assert {(one.record.record_id, str(one.title), one.order) for one in moved} == {
        (visit, "回访记录", order.order_id), (case, "稽查", order.order_id)}
    assert all(one.before.decision == "due" and one.after.decision == "not-due" for one in moved)
    every = [one.record.record_id for one in moved_records(archive.workspace, old, new, TODAY)]
    assert gone not in every and len(every) == 3
    assert [one.order is None for one in moved_records(archive.workspace, old, new, TODAY)] == [False, False, True]
    archive.workspace.actor = "os:x"
    moved = moved_in_orders(archive.workspace, old, new, TODAY)
    assert {str(one.title) for one in moved} == {"回访记录", "(restricted)"}


def test_what_moves_is_listed_by_the_days_before_and_after(archive) -> None:
    for on, ended in ((date(2024, 6, 1), "2030-01-01"), (date(2025, 6, 1), "2000-01-01"),
                      (date(2025, 6, 1), "2001-06-01")):
        record = archive.file(f"回访{ended}", on=on)
        archive.workspace.db.run("UPDATE records SET metadata = :m WHERE record_id = :id",
                                 {"m": f'{{"fields": {{"ended": "{ended}"}}}}', "id": record})
    add_event(archive.workspace, "completed", date(2030, 1, 1), records=[record])
    old, new = parse_scheme(OLD.encode(), "alt"), parse_scheme(NEW_SCHEDULES[2], "neu")
    groups = moved_groups(archive.workspace, old, new, TODAY)
    assert [(one.due_before, one.after, one.due_after, one.count) for one in groups] == [
        (date(2035, 1, 1), "not-due", date(2041, 1, 1), 1), (date(2036, 1, 1), "due", date(2011, 1, 1), 1),
        (date(2036, 1, 1), "due", date(2012, 1, 1), 1)]


def test_a_record_destroyed_while_its_list_is_read_is_left_out(archive) -> None:
    first, second, third = (archive.file(f"第{at}件") for at in range(3))
    old, new = parse_scheme(OLD.encode(), "alt"), parse_scheme(with_visits('period = "40y"'), "neu")
    moved = moved_records(archive.workspace, old, new, TODAY)
    assert next(moved).record.record_id == first
    with archive.workspace.writing() as writer:
        writer.add("record.destroyed", {"record": second, "order": "D2036-0001"})
        writer.commit()
    assert [one.record.record_id for one in moved] == [third]


@pytest.mark.parametrize(
    ("rule", "code", "said"),
    [
        ('period = "30y"', "not-due", "Not due before 2055-01-01"),
        ('period = "permanent"', "not-due", "permanently"),
        ('period = "10y"\ntrigger = "event"\nevents = ["completed"]', "not-due", "not known yet"),
        # Still due, yet not what people signed for: the signatures stand under another rule and day.
        ('period = "5y"', "rule-changed", "signed for visit-record 10y, due 2035-01-01"),
        ('period = "10y"\nstart = "trigger"', "rule-changed", "today it would be visit-record 10y, due 2034-06-01"),
    ],
)
def test_an_item_whose_rule_changed_after_the_signatures_is_stopped_by_name_and_the_others_go_on(
    archive, rule, code, said
) -> None:
    stopped, other = archive.file(), archive.file("月报", record_class="monthly-report")
    archive.file("另一件"), archive.file("再一件")
    order = archive.signed(stopped, other)
    edit(archive, with_visits(rule))
    (reason,) = stopped_items(archive.workspace, order).values()
    assert said in str(reason)
    done = archive.execute(order)
    assert {one.record_id: (one.outcome, one.reason_code) for one in done.outcomes} == {
        stopped: ("refused", code), other: ("destroyed", None)}
    assert said in str(next(one.reason for one in done.outcomes if one.record_id == stopped))


def test_each_step_names_what_the_new_schedule_stopped(archive) -> None:
    stopped, other = archive.file(), archive.file("月报", record_class="monthly-report")
    order = archive.propose(stopped, other)
    assert notices(archive) == []
    edit(archive, with_visits('period = "30y"'))
    code = "C001-KF·2024-D10-KFZ-0001"
    for step in (archive.appraise, archive.approve, lambda one: archive.sign(one, "sup1")):
        order = step(order)
        (told,) = notices(archive)
        assert order.order_id in told and code in told and "2055-01-01" in told


def test_an_event_corrected_after_the_signatures_stops_its_item_though_it_is_still_due(archive) -> None:
    record = archive.file("换表", record_class="meter-change-notice", on=date(2010, 1, 1))
    archive.file("另一件")
    add_event(archive.workspace, "next-replacement", date(2015, 1, 1), records=[record])
    order = archive.signed(record)
    add_event(archive.workspace, "next-replacement", date(2014, 1, 1), records=[record])
    (outcome,) = archive.execute(order).outcomes
    assert (outcome.outcome, outcome.reason_code) == ("refused", "rule-changed")


def test_a_changed_schedule_that_says_the_same_of_the_records_stops_nothing(archive) -> None:
    record = archive.file()
    archive.file("另一件"), archive.file("再一件")
    order = archive.signed(record)
    edit(archive, with_visits('period = "10y"\nnote = "局批复2037-2号"'))
    assert stopped_items(archive.workspace, order) == {}
    assert [one.outcome for one in archive.execute(order).outcomes] == ["destroyed"]


def test_the_proposal_keeps_the_schedule_that_its_manifest_names(archive) -> None:
    archive.file()
    edit(archive, with_visits('period = "5y"'))
    order = archive.propose()
    kept = kept_schedule(archive.root, str(order.manifest["schedule"]))
    assert kept is not None and kept.get("visit-record").period == "5y"


def test_extended_and_kept_items_are_never_named_as_stopped(archive) -> None:
    first, second = archive.file(), archive.file("乙")
    order = archive.propose(first, second)
    order = archive.appraise(order, {first: orders.Opinion("keep"), second: orders.Opinion("destroy")})
    edit(archive, with_visits('period = "permanent"'))
    assert set(stopped_items(archive.workspace, order)) == {second}
