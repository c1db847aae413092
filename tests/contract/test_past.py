"""Whoever signs a destruction is told that an item was taken out of its volume, or that its date was corrected."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from retention_store import Archive, make_archive

from recordkit.archive.editing import edit_record
from recordkit.archive.volume_acts import NewVolume, add_to_volume, open_volume, take_out
from recordkit.errors import RefusedByRule
from recordkit.retention.listing import listed_items
from recordkit.retention.past import told_past
from recordkit.retention.register import register_of


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    made = make_archive(tmp_path / "档案 库")
    yield made
    made.workspace.close()


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
