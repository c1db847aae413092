"""Whoever signs a destruction is told that an item was taken out of its volume, or that its date was corrected."""

from __future__ import annotations

from datetime import date

import pytest
from retention_store import Archive

from recordkit.archive.catalogue import Record, find_record
from recordkit.archive.editing import edit_record
from recordkit.archive.volume_acts import NewVolume, add_to_volume, open_volume, take_out
from recordkit.errors import RefusedByRule
from recordkit.model import Entry
from recordkit.retention.listing import listed_items
from recordkit.retention.past import Past, apply_entry, past_of, register_remarks, told_past
from recordkit.retention.register import register_of


def test_an_item_that_became_due_by_an_act_says_so_wherever_it_is_signed(archive: Archive) -> None:
    visit, moved, plain = archive.file("回访"), archive.file("另一回访", on=date(2030, 1, 1)), archive.file("第三")
    contract = archive.file("合同", record_class="supply-contract", account="001")
    code = open_volume(archive.workspace, NewVolume("project", "城东")).code
    add_to_volume(archive.workspace, code, [visit, contract])
    assert archive.decision(visit) == "waiting"
    archive.workspace.actor = "arch"
    take_out(archive.workspace, code, visit, "放错")
    edit_record(archive.workspace, moved, {"date": "2024-01-01"}, "写错")
    edit_record(archive.workspace, plain, {"note": "页边有水渍"}, "补录")
    order = archive.propose(visit, moved, plain)
    out = {"volume": code, "day": "2037-03-05", "actor": "arch"}
    corrected = {"field": "date", "day": "2037-03-05", "actor": "arch"}
    items = order.manifest["items"]
    assert isinstance(items, list)
    assert [one.get("past") for one in items] == [[out], [corrected], None]
    for again in range(2):
        assert [one["past"] for one in listed_items(archive.workspace, order)] == [[out], [corrected], []], again
        assert [row["备注"] for row in register_of(archive.workspace, order).rows] == [
            f"曾随案卷{code}，于2037-03-05由姓名arch取出", "日期曾于2037-03-05由姓名arch更正", ""]
        archive.workspace.rebuild()
    assert code in str(told_past(out)) and "2037-03-05" in str(told_past(corrected))


def test_an_item_in_a_volume_still_says_so_in_the_printed_register(archive: Archive) -> None:
    visit = archive.file("回访")
    code = open_volume(archive.workspace, NewVolume("project", "城东")).code
    add_to_volume(archive.workspace, code, [visit])
    (row,) = register_of(archive.workspace, archive.propose(visit)).rows
    assert row["备注"] == f"随案卷 {code}"


@pytest.mark.parametrize("actor", ["os:user", "appr", "sup1"])
def test_only_an_archivist_or_administrator_takes_a_record_out_of_its_volume(archive: Archive, actor: str) -> None:
    visit = archive.file("回访")
    code = open_volume(archive.workspace, NewVolume("project", "城东")).code
    add_to_volume(archive.workspace, code, [visit])
    archive.workspace.actor = actor
    with pytest.raises(RefusedByRule, match="archivist"):
        take_out(archive.workspace, code, visit, "放错")
    archive.workspace.actor = "admin"
    assert take_out(archive.workspace, code, visit, "放错")[0].records == 0


def test_each_kind_of_correction_has_its_own_words() -> None:
    plain = {"day": "2037-03-05", "actor": "arch"}
    assert [str(told_past({**plain, **more})) for more in (
        {"volume": "V001"}, {"field": "date"}, {"field": "account"}, {"field": "closed_on"})] == [
        "lay in volume V001, taken out on 2037-03-05 by arch",
        "date corrected on 2037-03-05 by arch",
        "account corrected on 2037-03-05 by arch",
        "closed_on, from which the period counts, corrected on 2037-03-05 by arch"]


def enter(archive: Archive, record: str, seq: int, field: str = "", volume: str | None = None) -> None:
    """What the projection remembers of one act."""
    archive.workspace.db.insert("record_past", {"record_id": record, "seq": seq, "volume": volume, "field": field,
                                                "day": "2037-03-05", "actor": "nobody"})


def test_corrections_of_what_starts_the_period_are_told_and_no_others(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from msgspec import structs

    from recordkit.retention import past
    from recordkit.templates.forms import load_form

    schedule = archive.root / "retention.toml"
    text = schedule.read_text("utf-8")
    head = 'id = "visit-record"\n'
    assert text.count(head) == 1
    schedule.write_text(text.replace(head, f'{head}field = "closed_on"\n'), "utf-8")
    archive.reopen()
    with_field = find_record(archive.workspace.db, archive.file("回访"))
    without = find_record(archive.workspace.db, archive.file("月报", record_class="monthly-report"))
    unknown = structs.replace(without, record_class="no-such-class")
    for record in (with_field, without):
        for seq, field in enumerate(("closed_on", "account", "date", "title", "户号"), 900):
            enter(archive, record.record_id, seq, field)

    def told(record: Record) -> list[str | None]:
        return [one.field for one in past_of(archive.workspace, record)]

    assert told(with_field) == ["closed_on", "account", "date"]
    assert told(without) == told(unknown) == ["account", "date"]
    # A form may keep the account under a key of its own.
    spec = load_form(None, "visit-record").spec
    monkeypatch.setattr(past, "form_of", lambda *_: replace(spec, roles=replace(spec.roles, account="户号")))
    assert told(without) == ["account", "date"]  # Told once, though two of its keys were corrected.
    archive.workspace.db.run("DELETE FROM record_past WHERE field = 'account'")
    assert told(without) == ["date", "account"]
    monkeypatch.setattr(past, "form_of", lambda *_: replace(spec, roles=replace(spec.roles, account="")))
    assert told(without) == ["date"]
    assert register_remarks(archive.workspace, past_of(archive.workspace, with_field)) == [
        "起算日期曾于2037-03-05由nobody更正", "日期曾于2037-03-05由nobody更正"]
    assert register_remarks(archive.workspace, [Past(None, "account", "2037-03-05", "arch")]) == [
        "户号曾于2037-03-05由姓名arch更正"]


def test_a_record_that_was_only_taken_out_needs_no_schedule_and_a_volume_that_is_gone_keeps_its_id(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recordkit.retention import past

    out, mixed = (find_record(archive.workspace.db, archive.file(one)) for one in "一二")
    enter(archive, out.record_id, 900, volume="V-gone")
    enter(archive, mixed.record_id, 900, volume="V-gone")
    enter(archive, mixed.record_id, 901, "date")
    assert [one.field for one in past_of(archive.workspace, mixed)] == [None, "date"]
    monkeypatch.setattr(past, "_deciding", lambda *_: pytest.fail("asked for nothing"))
    assert past_of(archive.workspace, out) == (Past("V-gone", None, "2037-03-05", "nobody"),)


@pytest.mark.parametrize(("act", "body"), [
    ("volume.taken-out", {"volume": "V1"}), ("volume.taken-out", {"volume": "V1", "records": ["R1"]}),
    ("record.edited", {"record": "R1"}), ("record.edited", {"record": "R1", "keys": "date"}),
    ("record.filed", {"record": "R1", "keys": ["date"], "volume": "V1", "records": {"R1": "x"}}),
])
def test_acts_that_name_no_field_and_no_record_leave_nothing(
    archive: Archive, act: str, body: dict[str, object]
) -> None:
    apply_entry(archive.workspace, Entry(9, "2037-03-05T00:00:00Z", "arch", act, body, 0, "", ""))
    assert archive.workspace.db.all("SELECT * FROM record_past") == []
