"""Notes in copies: what was said beside an act is there again after a restore, and not what was destroyed since.

That every act's notes are known to copies is asked of every act in every test, in conftest.py.
"""

import sys
from datetime import date
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "contract"))

from retention_store import TODAY, Archive, clock_on, make_archive  # noqa: E402

from recordkit.archive import box_moves, boxes, volume_acts  # noqa: E402
from recordkit.archive.bagging import export_bag, plan_export  # noqa: E402
from recordkit.archive.editing import edit_record  # noqa: E402
from recordkit.archive.volumes import Remarks  # noqa: E402
from recordkit.copies.backup import make_backup  # noqa: E402
from recordkit.copies.restore import Restored, restore_backup  # noqa: E402
from recordkit.retention import events, handover, holds  # noqa: E402
from recordkit.store import PROJECTIONS  # noqa: E402
from recordkit.workspace import open_workspace  # noqa: E402


def notes_of(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in (root / "notes").rglob("*.json")}


def copied_and_back(archive: Archive, tmp_path: Path, copy: str = "copy", back: str = "back") -> Restored:
    if not (tmp_path / copy).exists():
        assert make_backup(archive.workspace, tmp_path / copy).missing == []
    return restore_backup(tmp_path / copy, archive.root / "ledger", tmp_path / back, clock_on(TODAY),
                          "os:user")


def test_the_notes_of_a_life_are_the_same_after_backup_and_restore(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    workspace = archive.workspace
    workspace.actor = "arch"
    one, two = archive.file("甲", account="0012"), archive.file("乙", account="0012")
    edit_record(workspace, one, {"box": "Ａ－1"}, "入盒")
    boxes.place_box(workspace, "A-1", "2号库3架4层", "搬库房")
    volume = volume_acts.open_volume(workspace, volume_acts.NewVolume("account", account="0012", title="甲的案卷"))
    volume_acts.add_to_volume(workspace, volume.code, [one, two])
    volume_acts.take_out(workspace, volume.code, two, "放错")
    volume_acts.note_volume(workspace, volume.code, Remarks(situation="缺附图"))
    volume_acts.close_volume(workspace, volume.code, Remarks(situation="缺一页"))
    volume_acts.reopen_volume(workspace, volume.code, "补归")
    hold = holds.place_hold(workspace, kind="debt", reason="欠费", account="0012")
    holds.release_hold(workspace, hold, "已还")
    holds.place_hold(workspace, kind="debt", reason="欠费", records=[two])
    event = events.add_event(workspace, "completed", date(2026, 5, 1), records=[one], note="办结")
    events.withdraw_event(workspace, event, "记错")
    archive.revoke("sup3")
    plan = handover.propose_handover(workspace, "arch", archive.signer("admin"), "调岗")
    handover.withdraw_handover(workspace, plan.handover_id, archive.signer("admin"), "不调了")
    export_bag(workspace, plan_export(workspace, [one]), tmp_path / "bag", receiver="boss", note="移交")
    before = notes_of(archive.root)
    assert len(before) > 15 and any(name.startswith("notes/box-") for name in before)
    assert copied_and_back(archive, tmp_path).notes == 0
    assert notes_of(tmp_path / "back") == before
    again = open_workspace(tmp_path / "back", PROJECTIONS, clock_on(TODAY), "os:user")
    place = boxes.place_of(again.db, "A-1")
    again.close()
    workspace.close()
    assert place is not None and place.shelf == "2号库3架4层"


def test_the_place_of_a_box_that_was_emptied_comes_back_from_no_copy_and_its_new_one_does(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    record = archive.file("甲", on=date(2020, 1, 1))
    edit_record(archive.workspace, record, {"box": "7"}, "入盒")
    boxes.place_box(archive.workspace, "7", "甲架")
    make_backup(archive.workspace, tmp_path / "copy")
    archive.execute(archive.signed(record))
    assert not list((archive.root / "notes").glob("box-*"))
    assert copied_and_back(archive, tmp_path).notes == 0
    assert not list((tmp_path / "back" / "notes").glob("box-*"))
    boxes.place_box(archive.workspace, "7", "乙架")
    assert make_backup(archive.workspace, tmp_path / "copy").missing == []
    new = {name for name in notes_of(archive.root) if "box-" in name}
    assert len(new) == 1 and {name for name in notes_of(tmp_path / "copy") if "box-" in name} == new
    assert copied_and_back(archive, tmp_path, back="again").notes == 0
    assert {name for name in notes_of(tmp_path / "again") if "box-" in name} == new
    archive.workspace.close()


@pytest.mark.parametrize("how", ["forgotten", "renamed"])
def test_the_place_of_a_box_that_was_forgotten_or_renamed_leaves_the_copy_and_is_no_loss(
    tmp_path: Path, how: str
) -> None:
    archive = make_archive(tmp_path / "库")
    workspace = archive.workspace
    record = archive.file("甲")
    edit_record(workspace, record, {"box": "7"}, "入盒")
    boxes.place_box(workspace, "7", "甲架")
    boxes.place_box(workspace, "7", "乙架")
    make_backup(workspace, tmp_path / "copy")
    old = {name for name in notes_of(tmp_path / "copy") if "box-" in name}
    if how == "forgotten":
        edit_record(workspace, record, {"box": "8"}, "换盒")
        box_moves.forget_box(workspace, "7")
    else:
        box_moves.rename_boxes(workspace, box_moves.plan_renames(workspace, [("7", "8")]), "改号", lambda _: None)
    assert make_backup(workspace, tmp_path / "copy").missing == []
    assert len(old) == 2 and not old & set(notes_of(tmp_path / "copy"))
    assert copied_and_back(archive, tmp_path).notes == 0
    boxes.place_box(workspace, "7", "甲架")
    assert make_backup(workspace, tmp_path / "copy").missing == []
    assert copied_and_back(archive, tmp_path, back="again").notes == 0
    assert notes_of(tmp_path / "again") == notes_of(archive.root)
    workspace.close()
