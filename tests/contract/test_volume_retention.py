"""The longest period of a volume governs its records: in the review, in orders, at execution; and what is left then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from retention_store import Archive, make_archive

from recordkit import files
from recordkit.archive.catalogue import find_record, get_record
from recordkit.archive.classes import load_scheme
from recordkit.archive.volume_acts import NewVolume, add_to_volume, note_volume, open_volume, take_out
from recordkit.archive.volumes import Remarks, Volume, find_volume
from recordkit.errors import RefusedByRule
from recordkit.retention.circumstances import decide_record, explain_record, load_circumstances
from recordkit.retention.events import add_event
from recordkit.retention.grouped import group_review, review_items, waiting_records
from recordkit.retention.holds import place_hold, release_hold
from recordkit.retention.order_state import Opinion, find_order
from recordkit.retention.register import filed_register
from recordkit.retention.review import Decision
from recordkit.retention.review_list import told_waiting, waiting_of
from recordkit.retention.stops import stopped_items
from recordkit.retention.story import story_of

DEED = date(2030, 3, 1)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    made = make_archive(tmp_path / "档案 库")
    made.workspace.actor = "arch"
    yield made
    made.workspace.close()


def volume_with(archive: Archive, *records: str, title: str = "城东管网改造") -> Volume:
    volume = open_volume(archive.workspace, NewVolume("project", title))
    return add_to_volume(archive.workspace, volume.code, records)[0]


def says(archive: Archive, record_id: str, today: date | None = None) -> Decision:
    record = find_record(archive.workspace.db, record_id)
    return explain_record(archive.workspace, record, today or archive.workspace.clock.today)


def test_the_longest_period_counts_from_the_latest_start_for_all(archive: Archive) -> None:
    visit = archive.file("回访", on=date(2024, 6, 1))
    contract = archive.file("合同", on=date(2020, 1, 1), record_class="supply-contract", account="001")
    add_event(archive.workspace, "contract-ended", date(2022, 5, 5), records=[contract])
    later = archive.file("另一回访", on=date(2026, 6, 1))
    assert says(archive, visit).due == date(2035, 1, 1)
    volume = volume_with(archive, visit, contract, later)
    for record in (visit, contract, later):
        found = says(archive, record)
        assert (found.decision, found.due, found.start) == ("not-due", date(2057, 1, 1), date(2027, 1, 1))
        assert found.rule == f"supply-contract 30y @{volume.code}"
        assert volume.code in str(found.reason) and "供用水合同" in str(found.reason)
    assert says(archive, visit, date(2056, 12, 31)).decision == "not-due"
    assert says(archive, visit, date(2057, 1, 1)).decision == "due"
    take_out(archive.workspace, volume.code, contract, "放错")
    assert says(archive, visit).due == date(2037, 1, 1)


def test_while_one_waits_all_wait_and_the_others_say_with_whom(archive: Archive) -> None:
    visit = archive.file("回访")
    contract = archive.file("合同", record_class="supply-contract", account="001")
    volume = volume_with(archive, visit, contract)
    assert says(archive, contract).companion is None
    found = says(archive, visit)
    assert (found.decision, found.companion, found.due) == ("waiting", contract, None)
    assert volume.code in str(found.reason)
    record = find_record(archive.workspace.db, visit)
    code = find_record(archive.workspace.db, contract).code
    assert code in str(story_of(archive.workspace, record, archive.workspace.clock.today).next)
    today = archive.workspace.clock.today
    # Whoever is asked for events is asked for those of the contract alone.
    assert [one[3] for one in waiting_records(archive.workspace, today)] == [code]
    groups = group_review(archive.workspace, today)
    told = {one.companions: one for one in waiting_of(groups, load_scheme(archive.root))}
    assert (told[True].count, told[True].events, told[False].count) == (1, (), 1)
    assert "volume" in str(told_waiting(told[True]))


@pytest.mark.parametrize(("record_class", "extra"), [
    ("appraisal-report", {}), ("visit-record", {"period_term": "永久"})])
def test_one_permanent_record_keeps_the_whole_volume(
    archive: Archive, record_class: str, extra: dict[str, str]
) -> None:
    visit, kept = archive.file("回访"), archive.file("永存", record_class=record_class, **extra)
    assert says(archive, visit).decision == "due"
    volume = volume_with(archive, visit, kept)
    found = says(archive, visit)
    assert found.decision == "permanent" and volume.code in str(found.reason)
    with pytest.raises(RefusedByRule):
        archive.propose(visit)


def test_of_old_term_and_class_the_longer_period_counts_and_the_reason_says_which(archive: Archive) -> None:
    on = date(1988, 6, 1)
    kept = archive.file("旧档", period_term="永久", record_class="supply-contract")
    long, short = archive.file("旧档二", on=on, period_term="长期"), archive.file("旧档三", on=on, period_term="短期")
    years, code = archive.file("旧档四", on=on, period_term="20 年"), archive.file("旧档五", on=on, period_term="D5")
    equal = archive.file("旧档六", on=on, period_term="定期（10年）")
    assert says(archive, kept).decision == "permanent" and "永久" in str(says(archive, kept).reason)
    wanted = {long: (2039, "50y old-term", "50 years by its old term 长期, not 10 years by its class"),
              short: (2004, "15y old-term", "15 years by its old term 短期, not 10 years by its class"),
              years: (2009, "20y old-term", "20 years by its old term 20 年, not 10 years by its class"),
              code: (1999, "10y", "10 years by its class, not 5 years by its old term D5"),
              equal: (1999, "10y", "says the same as its class")}
    for record, (year, rule, told) in wanted.items():
        found = says(archive, record)
        assert (found.due, found.rule, found.start) == (date(year, 1, 1), f"visit-record {rule}", date(1989, 1, 1))
        assert found.decision == ("due" if year < 2037 else "not-due") and told in str(found.reason)
    items = {record.record_id: decision.decision for record, decision in review_items(
        archive.workspace, archive.workspace.clock.today)}
    assert items[long] == "not-due"
    with pytest.raises(RefusedByRule):
        archive.propose(long)
    archive.workspace.rebuild()
    assert says(archive, kept).decision == "permanent" and says(archive, long).decision == "not-due"


def test_a_term_that_nobody_has_explained_waits_and_no_event_is_asked_for_it(archive: Archive) -> None:
    odd = archive.file("旧档", on=date(1980, 1, 1), period_term="定期")
    contract = archive.file("旧合同", record_class="supply-contract", account="001", period_term="定期")
    beside = archive.file("回访", on=date(1980, 1, 1))
    found = says(archive, odd)
    assert (found.decision, found.due, found.unexplained) == ("waiting", None, "定期")
    assert "定期" in str(found.reason) and "old_terms" in str(found.reason)
    today = archive.workspace.clock.today
    story = story_of(archive.workspace, find_record(archive.workspace.db, contract), today)
    assert "定期" in str(story.next) and "old_terms" in str(story.next)
    assert list(waiting_records(archive.workspace, today)) == []
    (told,) = waiting_of(group_review(archive.workspace, today), load_scheme(archive.root))
    assert (told.count, told.unexplained, told.events) == (2, True, ()) and "old_terms" in str(told_waiting(told))
    with pytest.raises(RefusedByRule):
        archive.propose(odd)
    volume_with(archive, odd, beside)
    assert (says(archive, beside).decision, says(archive, beside).companion) == ("waiting", odd)


def test_the_old_term_of_one_record_governs_its_volume(archive: Archive) -> None:
    visit, old = archive.file("回访"), archive.file("旧档", on=date(1988, 6, 1), period_term="长期")
    volume = volume_with(archive, visit, old)
    found = says(archive, visit)
    assert (found.decision, found.due, found.rule) == (
        "not-due", date(2075, 1, 1), f"visit-record 50y old-term @{volume.code}")
    assert "50 years by the old term 长期" in str(found.reason)


def test_a_term_that_the_settings_give_another_meaning_stops_an_order_by_name(archive: Archive) -> None:
    a, b = archive.file("甲", on=date(1988, 6, 1), period_term="短期"), archive.file("乙")
    order = archive.signed(a, b)
    path = archive.root / "recordkit.toml"
    text = path.read_text(encoding="utf-8")
    assert '"短期" = "15y"' in text
    files.write_atomic(path, text.replace('"短期" = "15y"', '"短期" = "20y"').encode(), overwrite=True)
    archive.reopen()
    assert set(stopped_items(archive.workspace, order)) == {a}
    files.write_atomic(path, text.replace(', "短期" = "15y"', "").encode(), overwrite=True)
    archive.reopen()
    assert says(archive, a).decision == "waiting" and set(stopped_items(archive.workspace, order)) == {a}
    outcomes = {one.record_id: (one.outcome, one.reason_code) for one in archive.execute(order).outcomes}
    assert outcomes == {a: ("refused", "not-due"), b: ("destroyed", None)}


def test_a_hold_and_an_appraisal_stay_with_the_single_record(archive: Archive) -> None:
    a, b, c = archive.file("甲"), archive.file("乙"), archive.file("丙")
    volume_with(archive, a, b, c)
    place_hold(archive.workspace, kind="debt", reason="欠款", records=[a])
    order = archive.propose(b, c)
    archive.appraise(order, {b: Opinion("keep"), c: Opinion("destroy")})
    assert [says(archive, one).decision for one in (a, b, c)] == ["held", "permanent", "due"]
    assert stopped_items(archive.workspace, find_order(archive.workspace.db, order.order_id)) == {}


def test_a_longer_record_that_joins_the_volume_stops_the_items_by_name(archive: Archive) -> None:
    a, b = archive.file("甲"), archive.file("乙")
    volume = volume_with(archive, a)
    order = archive.signed(a, b)
    (item, _) = order.manifest["items"]  # type: ignore[misc]
    assert item["volume"] == volume.volume_id and item["rule"] == f"visit-record 10y @{volume.code}"
    deed = archive.file("竣工", on=date(2000, 1, 1), record_class="visit-record")
    add_to_volume(archive.workspace, volume.code, [deed])
    # A record that changes nothing of the period stops nothing.
    assert stopped_items(archive.workspace, order) == {}
    contract = archive.file("合同", on=date(2000, 1, 1), record_class="supply-contract")
    add_event(archive.workspace, "contract-ended", date(2001, 5, 5), records=[contract])
    add_to_volume(archive.workspace, volume.code, [contract])
    assert set(stopped_items(archive.workspace, order)) == {a}
    outcomes = {one.record_id: (one.outcome, one.reason_code) for one in archive.execute(order).outcomes}
    assert outcomes == {a: ("refused", "not-due"), b: ("destroyed", None)}
    assert get_record(archive.workspace.db, a).status == "active"  # type: ignore[union-attr]


def test_an_item_that_left_its_volume_or_came_into_one_is_stopped_by_name(archive: Archive) -> None:
    a, b, c = archive.file("甲"), archive.file("乙"), archive.file("丙")
    volume = volume_with(archive, a, b)
    order = archive.signed(a, b, c)
    take_out(archive.workspace, volume.code, a, "放错")
    volume_with(archive, c, title="城西")
    outcomes = {one.record_id: (one.outcome, one.reason_code) for one in archive.execute(order).outcomes}
    assert outcomes == {a: ("refused", "rule-changed"), b: ("destroyed", None), c: ("refused", "rule-changed")}


def test_the_register_shows_the_period_that_governed_and_the_volume(archive: Archive) -> None:
    archive.reopen(date(2060, 1, 1))
    visit = archive.file("回访", on=date(2024, 6, 1))
    contract = archive.file("合同", on=date(2020, 1, 1), record_class="supply-contract")
    add_event(archive.workspace, "contract-ended", date(2022, 5, 5), records=[contract])
    volume = volume_with(archive, visit, contract)
    register = filed_register(archive.workspace, archive.propose(visit))
    (row,) = register["rows"]  # type: ignore[misc]
    assert (row["应保管期限"], row["备注"]) == ("30年", f"随案卷 {volume.code}")
    assert set(register["rules"]) == {"visit-record", "supply-contract"}  # type: ignore[call-overload]


def test_with_its_last_record_a_volume_forgets_all_but_id_code_and_counts(archive: Archive) -> None:
    a, b = archive.file("甲"), archive.file("乙")
    volume = volume_with(archive, a, b, title="欧阳静家的案卷")
    note_volume(archive.workspace, volume.code, Remarks("欧阳静缺页", "王芳"))
    hold = place_hold(archive.workspace, kind="debt", reason="欠款", records=[b])
    archive.execute(archive.signed(a))
    half = find_volume(archive.workspace, volume.code)
    assert (half.records, half.destroyed, half.title, half.ended) == (1, 1, "欧阳静家的案卷", False)
    with pytest.raises(RefusedByRule, match="last one"):
        take_out(archive.workspace, volume.code, b, "放错")
    release_hold(archive.workspace, hold, "结清")
    archive.execute(archive.signed(b))
    for _ in range(2):
        gone = find_volume(archive.workspace, volume.code)
        assert (gone.volume_id, gone.code, gone.records, gone.destroyed, gone.title, gone.remarks, gone.ended) == (
            volume.volume_id, volume.code, 0, 2, "", Remarks(), True)
        archive.workspace.rebuild()
    assert not (archive.root / "notes" / volume.volume_id).exists()
    data = b"".join(path.read_bytes() for path in archive.root.glob("catalogue.sqlite3*"))
    assert "欧阳静".encode() not in data
    c = archive.file("丙")
    for act in (lambda: add_to_volume(archive.workspace, volume.code, [c]),
                lambda: note_volume(archive.workspace, volume.code, Remarks("又"))):
        with pytest.raises(RefusedByRule, match="destroyed"):
            act()


def test_a_hold_on_one_record_of_a_volume_is_told_of_that_record_alone(archive: Archive) -> None:
    a, b = archive.file("甲"), archive.file("乙")
    volume_with(archive, a, b)
    place_hold(archive.workspace, kind="debt", reason="欠款", records=[a])
    around = load_circumstances(archive.workspace, b)
    told = [decide_record(archive.workspace, find_record(archive.workspace.db, one), around,
                          archive.workspace.clock.today).decision for one in (a, b)]
    assert told == ["held", "due"]
