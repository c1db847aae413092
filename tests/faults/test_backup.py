"""Copies of a store: nothing that was destroyed comes back, a killed run harms nothing, the wrong folder is refused."""

import shutil
from pathlib import Path

import pytest
from retention_store import TODAY as DAY
from retention_store import clock_on
from test_destruction_killed import SECRET, KillAt, Killed, places_of, planted

from recordkit import files, mirror
from recordkit.archive import catalogue
from recordkit.archive.fixity import verify_objects
from recordkit.backup import make_backup, restore_backup
from recordkit.checkpoints import keep_checkpoint, make_checkpoint
from recordkit.errors import InputRefused, IntegrityFailure, NotFound
from recordkit.people import find_person
from recordkit.retention.audit import verify_signatures
from recordkit.store import open_store

TODAY = clock_on(DAY)


def restored(copy: Path, ledger: Path, target: Path):
    return restore_backup(copy, ledger, target, TODAY, "os-user")


def assert_whole(root: Path, records: int) -> None:
    workspace = open_store(root, TODAY, "os-user")
    try:
        assert catalogue.count_holdings(workspace.db) == records
        assert verify_signatures(workspace) == []
        assert verify_objects(workspace).findings == ()
    finally:
        workspace.close()


def test_what_was_destroyed_after_the_copy_does_not_come_back(tmp_path: Path) -> None:
    archive, order, record = planted(tmp_path / "库")
    made = make_backup(archive.workspace, tmp_path / "copy")
    assert made.copied and not made.missing
    assert places_of(tmp_path / "copy", SECRET)
    archive.execute(order)
    before = catalogue.count_holdings(archive.workspace.db)
    archive.workspace.close()
    result = restored(tmp_path / "copy", tmp_path / "库", tmp_path / "back")
    assert (result.destroyed, result.lost) == (1, ())
    assert places_of(tmp_path / "back", SECRET) == []
    assert_whole(tmp_path / "back", before)
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".")]
    assert not (tmp_path / "back" / "objects" / record).exists()


def test_a_store_comes_back_as_it_was_and_the_next_act_goes_on(tmp_path: Path) -> None:
    archive, _, _ = planted(tmp_path / "库")
    make_backup(archive.workspace, tmp_path / "copy")
    head = archive.workspace.ledger.verify().head
    rows = [tuple(row) for row in archive.workspace.db.all("SELECT * FROM records ORDER BY ordinal")]
    archive.workspace.close()
    restored(tmp_path / "copy", tmp_path / "copy", tmp_path / "back")
    workspace = open_store(tmp_path / "back", TODAY, "os-user")
    assert workspace.ledger.verify().head == head
    assert [tuple(row) for row in workspace.db.all("SELECT * FROM records ORDER BY ordinal")] == rows
    workspace.close()


def test_the_next_run_copies_what_changed_and_forgets_what_was_destroyed(tmp_path: Path) -> None:
    archive, order, _ = planted(tmp_path / "库")
    first = make_backup(archive.workspace, tmp_path / "copy")
    again = make_backup(archive.workspace, tmp_path / "copy")
    assert (again.copied, again.removed, again.unchanged) == (0, 0, first.copied)
    archive.execute(order)
    last = make_backup(archive.workspace, tmp_path / "copy")
    assert last.removed and last.entries > first.entries
    assert places_of(tmp_path / "copy", SECRET) == []
    archive.workspace.close()
    restored(tmp_path / "copy", tmp_path / "copy", tmp_path / "back")
    assert places_of(tmp_path / "back", SECRET) == []


def test_a_run_killed_anywhere_is_made_good_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive, order, _ = planted(tmp_path / "库")
    make_backup(archive.workspace, tmp_path / "copy")
    archive.execute(order)
    for step in range(1, 40):
        copy = Path(shutil.copytree(tmp_path / "copy", tmp_path / f"copy{step}"))
        kill = KillAt(step, behind=bool(step % 2))
        with monkeypatch.context() as patch:
            for name in ("_rename", "_remove", "_create"):
                kill.wrap(patch, files, name)
            try:
                make_backup(archive.workspace, copy)
                break
            except Killed:
                pass
        # What was destroyed stays away even when the copy was cut off in the middle.
        restored(copy, archive.root, tmp_path / f"back{step}")
        assert places_of(tmp_path / f"back{step}", SECRET) == []
        make_backup(archive.workspace, copy)
        assert places_of(copy, SECRET) == []
    else:
        raise AssertionError("there are more steps than were tried")
    assert step > 5


def test_an_interrupted_restore_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive, order, _ = planted(tmp_path / "库")
    make_backup(archive.workspace, tmp_path / "copy")
    archive.execute(order)
    names = {one.name for one in tmp_path.iterdir()}
    for owner, name, step in ((mirror, "mirror_file", 3), (files, "publish", 1)):
        with monkeypatch.context() as patch:
            KillAt(step, behind=False).wrap(patch, owner, name)
            with pytest.raises(Killed):
                restored(tmp_path / "copy", archive.root, tmp_path / "back")
        assert {one.name for one in tmp_path.iterdir()} == names
    # A process that was killed outright leaves a hidden folder, which the next call clears.
    shutil.copytree(tmp_path / "copy", tmp_path / ".back.restoring")
    restored(tmp_path / "copy", archive.root, tmp_path / "back")
    assert {one.name for one in tmp_path.iterdir()} == {*names, "back"}


def test_an_older_or_foreign_ledger_is_refused(tmp_path: Path) -> None:
    archive, order, _ = planted(tmp_path / "库")
    old = Path(shutil.copytree(archive.root / "ledger", tmp_path / "old"))
    archive.execute(order)
    make_backup(archive.workspace, tmp_path / "copy")
    foreign, _, _ = planted(tmp_path / "other")
    foreign.file("多出来的一件")
    for ledger, told in ((old, "newer ledger"), (foreign.root, "newer ledger")):
        with pytest.raises(IntegrityFailure) as refused:
            restored(tmp_path / "copy", ledger, tmp_path / "back")
        assert told in str(refused.value.todo)
    with pytest.raises(NotFound):
        restored(tmp_path / "copy", tmp_path / "nothing", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_a_ledger_behind_a_known_checkpoint_is_refused(tmp_path: Path) -> None:
    archive, order, _ = planted(tmp_path / "库")
    make_backup(archive.workspace, tmp_path / "copy")
    ledger = Path(shutil.copytree(archive.root / "ledger", tmp_path / "ledger"))
    archive.execute(order)
    workspace = archive.workspace
    checkpoint = make_checkpoint(workspace, find_person(workspace.db, "admin"), archive.keys["admin"],
                                 workspace.ledger.verify())
    keep_checkpoint(tmp_path / "copy", checkpoint)
    with pytest.raises(IntegrityFailure, match="checkpoint"):
        restored(tmp_path / "copy", ledger, tmp_path / "back")
    restored(tmp_path / "copy", archive.root, tmp_path / "back")


def test_a_damaged_ledger_is_neither_copied_nor_restored(tmp_path: Path) -> None:
    archive, _, _ = planted(tmp_path / "库")
    make_backup(archive.workspace, tmp_path / "copy")
    path = archive.root / "ledger" / "ledger-000001.jsonl"
    data = path.read_bytes()
    path.write_bytes(data[:500] + b"X" + data[501:])
    kept = (tmp_path / "copy" / "ledger" / path.name).read_bytes()
    with pytest.raises(IntegrityFailure):
        make_backup(archive.workspace, tmp_path / "copy")
    assert (tmp_path / "copy" / "ledger" / path.name).read_bytes() == kept
    with pytest.raises(IntegrityFailure):
        restored(tmp_path / "copy", archive.root, tmp_path / "back")


def test_records_filed_after_the_copy_are_named_as_lost(tmp_path: Path) -> None:
    archive, _, _ = planted(tmp_path / "库")
    make_backup(archive.workspace, tmp_path / "copy")
    late = catalogue.get_record(archive.workspace.db, archive.file("后来的"))
    result = restored(tmp_path / "copy", archive.root, tmp_path / "back")
    assert result.lost == (late.code,)


@pytest.mark.parametrize("folder", ["库", "库/outbox/copy", "."])
def test_a_copy_lies_outside_of_the_store(tmp_path: Path, folder: str) -> None:
    archive, _, _ = planted(tmp_path / "库")
    with pytest.raises(InputRefused):
        make_backup(archive.workspace, tmp_path / folder)


def test_another_folder_or_another_stores_copy_is_not_overwritten(tmp_path: Path) -> None:
    archive, _, _ = planted(tmp_path / "库")
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "letter.txt").write_text("keep")
    with pytest.raises(InputRefused, match="no copy"):
        make_backup(archive.workspace, tmp_path / "papers")
    make_backup(archive.workspace, tmp_path / "copy")
    with pytest.raises(InputRefused, match="not empty"):
        restored(tmp_path / "copy", archive.root, tmp_path / "papers")
    assert [one.name for one in (tmp_path / "papers").iterdir()] == ["letter.txt"]


def test_a_store_that_lost_a_folder_does_not_empty_its_copy(tmp_path: Path) -> None:
    archive, _, _ = planted(tmp_path / "库")
    for number in range(30):
        (archive.root / "inbox" / f"scan-{number}.pdf").write_bytes(b"%PDF-" + bytes([number]))
    make_backup(archive.workspace, tmp_path / "copy")
    shutil.rmtree(archive.root / "objects")
    for name in ("inbox", "notes", "quarantine"):
        shutil.rmtree(archive.root / name)
    with pytest.raises(IntegrityFailure, match="lost"):
        make_backup(archive.workspace, tmp_path / "copy")
    made = make_backup(archive.workspace, tmp_path / "copy", thin_out=True)
    assert len(made.missing) == catalogue.count_holdings(archive.workspace.db)
    assert list((tmp_path / "copy" / "objects").rglob("inventory.json")), "objects go by the ledger only"
