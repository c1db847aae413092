"""Copies of a store: whole whatever happens while they are made, never emptied by a store that lost something."""

import errno
import gc
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "contract"))

from killing import Killed, killed_at  # noqa: E402
from retention_store import TODAY as DAY  # noqa: E402
from retention_store import Archive, clock_on, make_archive  # noqa: E402
from shim import NEEDS_ROOM, stand_in_the_way  # noqa: E402
from test_destruction_killed import SECRET, KillAt, places_of, planted  # noqa: E402
from test_destruction_killed import Killed as Cut  # noqa: E402

from recordkit import files  # noqa: E402
from recordkit.archive import catalogue  # noqa: E402
from recordkit.archive.dropping import drop_paper  # noqa: E402
from recordkit.archive.editing import edit_record  # noqa: E402
from recordkit.archive.fixity import verify_objects  # noqa: E402
from recordkit.copies import backup as backups  # noqa: E402
from recordkit.copies.backup import Backup, make_backup  # noqa: E402
from recordkit.copies.check import check_copy  # noqa: E402
from recordkit.copies.restore import restore_backup  # noqa: E402
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, StoreBusy  # noqa: E402
from recordkit.store import PROJECTIONS, open_store  # noqa: E402
from recordkit.workspace import open_workspace  # noqa: E402

TODAY = clock_on(DAY)


def contents(root: Path) -> dict[str, bytes]:
    """What a copy says: every file but the note of when it was made, and what runs leave for themselves."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*"))
            if path.is_file() and "work" not in path.relative_to(root).parts and path.name != backups.NOTE}


def assert_good(archive: Archive, copy: Path) -> None:
    checked = check_copy(archive.workspace, copy)
    assert (checked.findings, checked.behind, checked.entries) == ([], 0, checked.newest)


def restored_records(archive: Archive, copy: Path, target: Path) -> set[str]:
    """Titles in the store that is made of the copy with the newest ledger; nothing of the secret is in it."""
    result = restore_backup(copy, archive.root, target, TODAY, "os-user")
    assert places_of(target, SECRET) == []
    assert result.damaged == []
    workspace = open_workspace(target, PROJECTIONS, TODAY, "os-user")
    try:
        lost = {one.record_id for one in result.lost}
        records = [one for one in catalogue.list_records(workspace.db) if one.record_id not in lost]
        if not result.lost and not result.older:
            assert verify_objects(workspace).findings == ()
        return {one.title for one in records}
    finally:
        workspace.close()


@pytest.fixture
def changed(tmp_path: Path) -> tuple[Archive, Path, set[str]]:
    """A store behind its copy: a record was destroyed, one has a new version, one is new; titles in the copy."""
    archive, order, _ = planted(tmp_path / "库")
    copy = tmp_path / "copy"
    make_backup(archive.workspace, copy)
    archive.execute(order)
    workspace = archive.workspace
    old = {one.title for one in catalogue.list_records(workspace.db)}
    kept = next(one for one in catalogue.list_records(workspace.db) if one.title == "旁人")
    edit_record(workspace, kept.record_id, {"party": "新名"}, "更名")
    archive.file("后来的")
    (archive.root / "inbox" / "新来件.pdf").write_bytes(b"%PDF-new")
    return archive, copy, old


def torn_at(step: int, patch: pytest.MonkeyPatch) -> None:
    def stops(number: int, name: str, arguments: tuple) -> None:
        if number == step and name == "_write":
            handle, data = arguments
            handle.write(bytes(data)[: len(data) // 2])
        if number >= step:
            raise Killed

    stand_in_the_way(stops, patch.setattr)


def full_at(step: int, patch: pytest.MonkeyPatch) -> None:
    def stops(number: int, name: str, _: tuple) -> None:
        if number >= step and name in NEEDS_ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    stand_in_the_way(stops, patch.setattr)


@contextmanager
def stopped(way: str, step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """The list is not empty afterwards when the work did not come to its end."""
    if way == "killed":
        with killed_at(step, monkeypatch) as killed:
            yield killed
        return
    cut: list[bool] = []
    with monkeypatch.context() as patch:
        (torn_at if way == "torn" else full_at)(step, patch)
        try:
            yield cut
        except (Killed, OSError):
            cut.append(True)


STRIDES = [pytest.param(13, id="some"), pytest.param(1, id="all", marks=pytest.mark.slow)]
"""Every step is tried in the slow run; thirteen has no part in how many steps a file takes."""


def sweep(
    way: str, stride: int, monkeypatch: pytest.MonkeyPatch, run: Callable[[int], None], look: Callable[[int], None]
) -> int:
    """Stop a run at its steps, and look each time; the last step."""
    for step in range(1, 2000, stride):
        with stopped(way, step, monkeypatch) as cut:
            run(step)
        gc.collect()  # a process that dies lets go of its locks
        look(step)
        if not cut:
            return step
    raise AssertionError("there are more steps than were tried")


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("way", ["killed", "torn", "full"])
def test_a_first_run_stopped_at_any_step_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, stride: int
) -> None:
    archive = make_archive(tmp_path / "库")
    archive.file("一")
    (archive.root / "inbox" / "来件.pdf").write_bytes(b"%PDF-x")
    copies = tmp_path / "copies"

    def run(step: int) -> None:
        make_backup(archive.workspace, copies / str(step))

    def look(step: int) -> None:
        make_backup(archive.workspace, copies / str(step))
        assert_good(archive, copies / str(step))
        shutil.rmtree(copies / str(step))

    assert sweep(way, stride, monkeypatch, run, look) > 40
    archive.workspace.close()


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("way", ["killed", "torn", "full"])
def test_a_run_stopped_at_any_step_leaves_a_copy_no_worse_and_the_next_one_finishes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, stride: int,
    changed: tuple[Archive, Path, set[str]],
) -> None:
    archive, copy, old = changed
    last: dict[str, bytes] = {}

    def run(step: int) -> None:
        make_backup(archive.workspace, Path(shutil.copytree(copy, tmp_path / str(step))))

    def look(step: int) -> None:
        nonlocal last
        here = tmp_path / str(step)
        now = contents(here)
        if now != last:  # nothing else can have changed what comes back
            assert restored_records(archive, here, tmp_path / f"back{step}") >= old
            shutil.rmtree(tmp_path / f"back{step}")
            last = now
        make_backup(archive.workspace, here)
        assert_good(archive, here)
        assert places_of(here, SECRET) == []
        shutil.rmtree(here)

    assert sweep(way, stride, monkeypatch, run, look) > 60
    archive.workspace.close()


@pytest.mark.parametrize("stride", STRIDES)
def test_a_copy_that_was_cut_off_serves_with_its_own_ledger_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stride: int, changed: tuple[Archive, Path, set[str]]
) -> None:
    """Then the record that was destroyed may be in it, or not; all others are."""
    archive, copy, old = changed

    def run(step: int) -> None:
        make_backup(archive.workspace, Path(shutil.copytree(copy, tmp_path / str(step))))

    def look(step: int) -> None:
        here, back = tmp_path / str(step), tmp_path / f"back{step}"
        restore_backup(here, here, back, TODAY, "os-user")
        workspace = open_workspace(back, PROJECTIONS, TODAY, "os-user")
        assert {one.title for one in catalogue.list_records(workspace.db)} >= old
        workspace.close()
        shutil.rmtree(back)
        shutil.rmtree(here)

    sweep("killed", stride, monkeypatch, run, look)
    archive.workspace.close()


def test_the_next_run_copies_what_changed_and_forgets_what_was_destroyed(
    changed: tuple[Archive, Path, set[str]]
) -> None:
    archive, copy, _ = changed
    assert places_of(copy, SECRET)
    done = make_backup(archive.workspace, copy)
    assert (done.records, done.destroyed) == (2, 1)
    assert done.is_whole and done.removed
    assert places_of(copy, SECRET) == []
    assert_good(archive, copy)
    again = make_backup(archive.workspace, copy)
    assert (again.records, again.files, again.destroyed, again.removed) == (0, 0, 0, 0)
    archive.workspace.close()


def test_a_rehearsal_writes_nothing_and_says_what_the_run_then_does(changed: tuple[Archive, Path, set[str]]) -> None:
    archive, copy, _ = changed
    before = contents(copy)
    said = make_backup(archive.workspace, copy, dry_run=True)
    assert contents(copy) == before
    done = make_backup(archive.workspace, copy)
    assert (said.records, said.destroyed, said.removed) == (done.records, done.destroyed, done.removed)
    fresh = copy.with_name("fresh")
    held = catalogue.count_holdings(archive.workspace.db)
    assert make_backup(archive.workspace, fresh, dry_run=True).records == held
    assert not fresh.exists()
    archive.workspace.close()


def test_two_runs_into_one_copy_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = make_archive(tmp_path / "库")
    archive.file("一")
    real = backups.update_object

    def meanwhile(*arguments: object, **named: object) -> object:
        with pytest.raises(StoreBusy, match="at work in the copy"):
            make_backup(archive.workspace, tmp_path / "copy")
        with pytest.raises(StoreBusy):
            check_copy(archive.workspace, tmp_path / "copy")
        return real(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(backups, "update_object", meanwhile)
    assert make_backup(archive.workspace, tmp_path / "copy").records == 1
    archive.workspace.close()


def test_an_object_that_is_edited_while_it_is_copied_is_copied_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = make_archive(tmp_path / "库")
    record = archive.file("一")
    make_backup(archive.workspace, tmp_path / "copy")
    edit_record(archive.workspace, record, {"party": "二"}, "改")
    real, step = files.copy_with_digests, 0

    def meanwhile(*arguments: object, **named: object) -> object:
        nonlocal step
        step += 1
        if step == 1:
            other = open_workspace(archive.root, PROJECTIONS, TODAY, "other")
            edit_record(other, record, {"party": "三"}, "又改")
            other.close()
        return real(*arguments, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(files, "copy_with_digests", meanwhile)
        make_backup(archive.workspace, tmp_path / "copy")
    assert step
    checked = check_copy(archive.workspace, tmp_path / "copy")
    assert (checked.findings, checked.behind) == ([], 1)
    assert make_backup(archive.workspace, tmp_path / "copy").records == 1
    assert_good(archive, tmp_path / "copy")
    archive.workspace.close()


def test_a_paper_filed_while_the_copy_is_made_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = make_archive(tmp_path / "库")
    archive.file("一")
    paper = archive.root / "inbox" / "来件.pdf"
    paper.write_bytes(b"%PDF-late")
    real = backups.update_object

    def meanwhile(*arguments: object, **named: object) -> object:
        if paper.exists():
            archive.file("后来的", content=b"%PDF-late")
            paper.unlink()
        return real(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(backups, "update_object", meanwhile)
    make_backup(archive.workspace, tmp_path / "copy")
    assert places_of(tmp_path / "copy", "%PDF-late")
    archive.workspace.close()


def test_a_record_under_an_order_in_execution_is_left_as_it_is_in_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, order, record = planted(tmp_path / "库")
    make_backup(archive.workspace, tmp_path / "copy")
    before = {name for name in contents(tmp_path / "copy") if name.startswith(("objects/", "notes/", "issued/"))}
    kill = KillAt(12, behind=False)
    with monkeypatch.context() as patch:
        for name in ("_rename", "_remove_below", "remove_files"):
            kill.wrap(patch, files, name)
        with pytest.raises(Cut):
            archive.execute(order)
    archive.reopen()
    assert archive.workspace.ledger.verify().ok
    code = catalogue.get_record(archive.workspace.db, record).code
    done = make_backup(archive.workspace, tmp_path / "copy")
    assert done.executing == [code]
    assert (done.missing, done.damaged, done.destroyed) == ([], [], 0)
    assert before <= set(contents(tmp_path / "copy"))
    # Whoever has to go back to it finishes what had begun.
    result = restore_backup(tmp_path / "copy", tmp_path / "copy", tmp_path / "back", TODAY, "os-user")
    assert result.executing == [code]
    assert result.lost == result.damaged == []
    back = Archive(tmp_path / "back", open_workspace(tmp_path / "back", PROJECTIONS, TODAY, "os-user"), archive.keys)
    back.execute(order, actor="sup2")
    assert places_of(tmp_path / "back", SECRET) == []
    back.workspace.close()
    # And a copy that never had it does not get it now.
    fresh = make_backup(archive.workspace, tmp_path / "fresh")
    assert fresh.executing == [code]
    assert fresh.records and not list((tmp_path / "fresh" / "objects").rglob(f"*{record}"))
    archive.execute(order, actor="sup2")
    for copy in ("copy", "fresh"):
        make_backup(archive.workspace, tmp_path / copy)
        assert places_of(tmp_path / copy, SECRET) == []
        assert_good(archive, tmp_path / copy)
    archive.workspace.close()


def test_what_another_process_destroys_while_the_copy_is_made_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, order, _ = planted(tmp_path / "库")
    make_backup(archive.workspace, tmp_path / "copy")
    archive.file("后来的")
    real = backups.update_object

    def meanwhile(*arguments: object, **named: object) -> object:
        other = Archive(archive.root, open_workspace(archive.root, PROJECTIONS, TODAY, "other"), archive.keys)
        if other.workspace.db.one("SELECT 1 FROM records WHERE status = 'destroyed'") is None:
            other.execute(order)
        other.workspace.close()
        return real(*arguments, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(backups, "update_object", meanwhile)
        done = make_backup(archive.workspace, tmp_path / "copy")
    assert (done.missing, done.damaged, done.destroyed) == ([], [], 0)
    make_backup(archive.workspace, tmp_path / "copy")
    assert places_of(tmp_path / "copy", SECRET) == []
    assert_good(archive, tmp_path / "copy")
    archive.workspace.close()


@pytest.mark.parametrize("folder", ["objects", "notes", "issued", "inbox", "quarantine", "forms"])
@pytest.mark.parametrize("how", ["gone", "emptied"])
def test_a_store_that_lost_a_folder_does_not_empty_its_copy(tmp_path: Path, folder: str, how: str) -> None:
    """Counted for each folder: many objects must not hide that all notes are gone."""
    archive, _, _ = planted(tmp_path / "库")
    for number in range(3 if how == "gone" else 30):
        for place in ("inbox", "quarantine", "forms"):
            (archive.root / place / f"{number}.pdf").write_bytes(f"{place} {number}".encode())
    make_backup(archive.workspace, tmp_path / "copy")
    before = {name: data for name, data in contents(tmp_path / "copy").items() if name.startswith(f"{folder}/")}
    assert before
    shutil.rmtree(archive.root / folder)
    if how == "emptied":
        (archive.root / folder).mkdir()
    done = make_backup(archive.workspace, tmp_path / "copy")
    left = contents(tmp_path / "copy")
    assert not done.is_whole
    lost = {name for name in before if left.get(name) != before[name]}
    assert lost == set() or folder in ("inbox", "quarantine") and all(SECRET in one or "reading" in one for one in lost)
    if folder in ("inbox", "quarantine", "forms"):
        make_backup(archive.workspace, tmp_path / "copy", thin_out=True)
        assert not [one for one in contents(tmp_path / "copy") if one.startswith(f"{folder}/")]
    else:
        make_backup(archive.workspace, tmp_path / "copy", thin_out=True)
        assert contents(tmp_path / "copy").items() >= before.items(), "only the ledger takes these away"
    archive.workspace.close()


def test_a_waiting_room_that_was_worked_off_leaves_the_copy_too(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    for number in range(30):
        (archive.root / "inbox" / f"{number}.pdf").write_bytes(f"paper {number}".encode())
    room = archive.root / "inbox" / "unmatched" / "0123456789abcdef"
    room.mkdir(parents=True)
    (room / "given up.pdf").write_bytes(b"given up")
    (room / "reading.json").write_text("{}")
    make_backup(archive.workspace, tmp_path / "copy")
    for number in range(30):
        archive.file(f"件{number}", content=f"paper {number}".encode())
        (archive.root / "inbox" / f"{number}.pdf").unlink()
    with archive.workspace.writing():
        drop_paper(archive.workspace, room / "given up.pdf", "看不清", room="unmatched")
    done = make_backup(archive.workspace, tmp_path / "copy")
    assert done.is_whole and done.removed == 32
    assert not list((tmp_path / "copy" / "inbox").rglob("*.pdf"))
    archive.workspace.close()


def test_a_file_that_was_written_anew_with_size_and_time_unchanged_is_copied(tmp_path: Path) -> None:
    """FAT counts two seconds, and some scanners set the time themselves."""
    archive = make_archive(tmp_path / "库")
    paper = archive.root / "inbox" / "来件.pdf"
    paper.write_bytes(b"before")
    os.utime(paper, (1_700_000_000, 1_700_000_000))
    make_backup(archive.workspace, tmp_path / "copy")
    for data in (b"behind", b"beyond"):
        paper.write_bytes(data)
        os.utime(paper, (1_700_000_000, 1_700_000_000))
        make_backup(archive.workspace, tmp_path / "copy")
        assert (tmp_path / "copy" / "inbox" / "来件.pdf").read_bytes() == data
    archive.workspace.close()


def test_a_file_that_became_a_folder_is_no_obstacle(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    first, second = archive.root / "inbox" / "甲", archive.root / "inbox" / "乙"
    first.write_bytes(b"file")
    second.mkdir()
    (second / "a.pdf").write_bytes(b"inside")
    make_backup(archive.workspace, tmp_path / "copy")
    first.unlink()
    shutil.rmtree(second)
    first.mkdir()
    (first / "a.pdf").write_bytes(b"inside")
    second.write_bytes(b"file")
    make_backup(archive.workspace, tmp_path / "copy")
    assert (tmp_path / "copy" / "inbox" / "甲" / "a.pdf").read_bytes() == b"inside"
    assert (tmp_path / "copy" / "inbox" / "乙").read_bytes() == b"file"
    archive.workspace.close()


def test_a_name_that_the_other_disk_does_not_take_keeps_nothing_else_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = make_archive(tmp_path / "库")
    for name in ("a.pdf", "b:b.pdf", "c.pdf"):
        (archive.root / "inbox" / name).write_bytes(name.encode())
    archive.file("一")

    def as_on_fat(_: int, name: str, arguments: tuple) -> None:
        if name == "_rename" and ":" in str(arguments[1]):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(arguments[1]))

    with monkeypatch.context() as patch:
        stand_in_the_way(as_on_fat, patch.setattr)
        done = make_backup(archive.workspace, tmp_path / "copy")
    assert done.damaged == [f"inbox/b:b.pdf: {os.strerror(errno.EINVAL)}"] and not done.is_whole
    assert {path.name for path in (tmp_path / "copy" / "inbox").iterdir()} == {"a.pdf", "c.pdf"}
    assert_good(archive, tmp_path / "copy")
    archive.workspace.close()


def test_what_the_stores_disk_does_not_give_is_named_and_keeps_nothing_else_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = make_archive(tmp_path / "库")
    record = archive.file("一")
    archive.file("二")
    paper = archive.root / "inbox" / "来件.pdf"
    paper.write_bytes(b"bad spot")
    bad = {paper, catalogue.objects_of(archive.workspace).locate(record, "original.txt")}
    real = Path.open

    def as_on_a_bad_disk(self: Path, *arguments: object, **named: object) -> object:
        if self in bad:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(self))
        return real(self, *arguments, **named)  # type: ignore[call-overload]

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", as_on_a_bad_disk)
        done = make_backup(archive.workspace, tmp_path / "copy")
    code = catalogue.get_record(archive.workspace.db, record).code
    assert done.damaged == [f"{code} ({record}): v1/content/original.txt", f"inbox/来件.pdf: {os.strerror(errno.EIO)}"]
    assert done.records == 1
    make_backup(archive.workspace, tmp_path / "copy")
    assert_good(archive, tmp_path / "copy")
    archive.workspace.close()


def test_filed_sources_given_up_papers_documents_and_what_is_derived_are_not_copied(tmp_path: Path) -> None:
    archive, _, _ = planted(tmp_path / "库")
    done = archive.root / "inbox" / "done" / "dropped-2037-03-01" / "0123456789abcdef"
    done.mkdir(parents=True)
    (done / "given up.pdf").write_bytes(b"x")
    make_backup(archive.workspace, tmp_path / "copy")
    assert {path.name for path in (tmp_path / "copy").iterdir()} == {
        "backup.json", "recordkit.toml", "retention.toml", "ledger", "objects", "notes", "issued", "forms",
        "inbox", "quarantine", "work"}
    assert not (tmp_path / "copy" / "inbox" / "done").exists()
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o700
    archive.workspace.close()


def test_a_copy_that_somebody_opened_is_still_one_and_keeps_no_titles(tmp_path: Path) -> None:
    archive, order, _ = planted(tmp_path / "库")
    copy = tmp_path / "copy"
    make_backup(archive.workspace, copy)
    open_store(copy, TODAY, "somebody").close()
    assert SECRET.encode() in b"".join(path.read_bytes() for path in copy.glob("catalogue.sqlite3*"))
    archive.execute(order)
    make_backup(archive.workspace, copy)
    assert places_of(copy, SECRET) == [] and not (copy / "catalogue.sqlite3").exists()
    archive.workspace.close()


def test_a_copy_in_which_somebody_acted_is_another_archive(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    archive.file("一")
    make_backup(archive.workspace, tmp_path / "copy")
    other = Archive(tmp_path / "copy", open_workspace(tmp_path / "copy", PROJECTIONS, TODAY, "x"), archive.keys)
    other.file("另一件")
    other.workspace.close()
    before = contents(tmp_path / "copy")
    for _ in range(2):
        with pytest.raises(IntegrityFailure, match="does not continue that of the copy"):
            make_backup(archive.workspace, tmp_path / "copy")
        archive.file("二")
    assert contents(tmp_path / "copy") == before
    archive.workspace.close()


@pytest.mark.parametrize("place", ["objects", "notes", "inbox", "backup.json", "ledger", "work", "issued"])
def test_a_link_in_a_copy_leads_nobody_out_of_it(tmp_path: Path, place: str) -> None:
    archive, order, _ = planted(tmp_path / "库")
    copy, outside = tmp_path / "copy", tmp_path / "outside"
    make_backup(archive.workspace, copy)
    shutil.move(copy / place, outside)
    (copy / place).symlink_to(outside)
    before = contents(outside) if outside.is_dir() else {"": outside.read_bytes()}
    archive.execute(order)
    archive.file("二")
    with pytest.raises((IntegrityFailure, InputRefused)):
        make_backup(archive.workspace, copy)
    assert (contents(outside) if outside.is_dir() else {"": outside.read_bytes()}) == before
    archive.workspace.close()


def test_links_in_a_store_are_named_and_not_followed(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    (tmp_path / "private.txt").write_text("private")
    (archive.root / "inbox" / "link.pdf").symlink_to(tmp_path / "private.txt")
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "a.pdf").write_text("private")
    (archive.root / "inbox" / "share").symlink_to(tmp_path / "share")
    done = make_backup(archive.workspace, tmp_path / "copy")
    assert done.links == ["inbox/link.pdf", "inbox/share"] and not done.is_whole
    if hasattr(os, "mkfifo"):
        os.mkfifo(archive.root / "inbox" / "pipe.pdf")
        assert "inbox/pipe.pdf" in make_backup(archive.workspace, tmp_path / "copy").links
    assert places_of(tmp_path / "copy", "private") == []
    archive.workspace.close()


@pytest.mark.parametrize("folder", ["库", "库/outbox/copy", "."])
def test_store_and_copy_do_not_lie_in_one_another(tmp_path: Path, folder: str) -> None:
    archive = make_archive(tmp_path / "库")
    with pytest.raises(InputRefused):
        make_backup(archive.workspace, tmp_path / folder)
    (tmp_path / "way").symlink_to(archive.root / "outbox")
    with pytest.raises(InputRefused):
        make_backup(archive.workspace, tmp_path / "way" / "copy")
    archive.workspace.close()


def test_another_folder_or_another_stores_copy_is_not_overwritten(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "letter.txt").write_text("keep")
    with pytest.raises(InputRefused, match="no copy"):
        make_backup(archive.workspace, tmp_path / "papers")
    assert [one.name for one in (tmp_path / "papers").iterdir()] == ["letter.txt"]
    make_backup(archive.workspace, tmp_path / "copy")
    note = tmp_path / "copy" / "backup.json"
    note.write_text(note.read_text().replace(archive.workspace.settings.store.id, "another-store"))
    with pytest.raises(InputRefused, match="no copy of this store"):
        make_backup(archive.workspace, tmp_path / "copy")
    with pytest.raises(NotFound, match="no copy"):
        check_copy(archive.workspace, tmp_path / "nothing")
    archive.workspace.close()


def test_a_destruction_without_signatures_takes_nothing_out_of_a_copy(tmp_path: Path) -> None:
    archive, _, record = planted(tmp_path / "库")
    copy = tmp_path / "copy"
    make_backup(archive.workspace, copy)
    before = contents(copy)
    with archive.workspace.writing() as writer:
        writer.add("record.destroyed", {"order": "D2037-0001", "record": record})
        writer.commit()
    archive.file("新的一件")
    with pytest.raises(IntegrityFailure, match="Signatures in the ledger do not hold"):
        make_backup(archive.workspace, copy)
    after = contents(copy)
    assert after.items() >= before.items(), "nothing left the copy, its ledger is as it was"
    assert len(after) > len(before), "what is new was copied"
    archive.workspace.close()


def test_a_damaged_ledger_is_not_copied(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    make_backup(archive.workspace, tmp_path / "copy")
    archive.file("一")
    path = archive.root / "ledger" / "ledger-000001.jsonl"
    data = path.read_bytes()
    before = contents(tmp_path / "copy")
    path.write_bytes(data[:500] + b"X" + data[501:])
    with pytest.raises(IntegrityFailure):
        make_backup(archive.workspace, tmp_path / "copy")
    path.write_bytes(data)
    assert contents(tmp_path / "copy") == before
    kept = tmp_path / "copy" / "ledger" / path.name
    kept.write_bytes(data[:500] + b"X" + data[501:])
    with pytest.raises(IntegrityFailure, match="copy in .* is damaged"):
        make_backup(archive.workspace, tmp_path / "copy")
    assert kept.read_bytes() == data[:500] + b"X" + data[501:]
    archive.workspace.close()


def test_what_the_store_has_damaged_does_not_take_the_place_of_the_good_copy(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    record = archive.file("一", content=b"genuine")
    make_backup(archive.workspace, tmp_path / "copy")
    fresh = archive.file("二", content=b"second")
    for one in (record, fresh):
        path = catalogue.objects_of(archive.workspace).locate(one, "original.txt")
        path.write_bytes(path.read_bytes().replace(b"e", b"X"))
    done = make_backup(archive.workspace, tmp_path / "copy")
    code = catalogue.get_record(archive.workspace.db, fresh).code
    assert done.damaged == [f"{code} ({fresh}): v1/content/original.txt"]
    assert places_of(tmp_path / "copy", "genuine") and not places_of(tmp_path / "copy", "sXcond")
    # Asked to mend a copy that is whole, it takes nothing out of a store that is not.
    assert make_backup(archive.workspace, tmp_path / "copy", mend=True).damaged == done.damaged
    assert places_of(tmp_path / "copy", "genuine")
    archive.workspace.close()


def spoil(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])


def test_a_check_names_every_damage_in_a_copy_and_mending_takes_it_away(tmp_path: Path) -> None:
    archive, _, _ = planted(tmp_path / "库")
    copy = tmp_path / "copy"
    make_backup(archive.workspace, copy)
    assert_good(archive, copy)
    changed_once = next((copy / "objects").rglob("v2")).parent
    every = [path for folder in (changed_once, copy / "notes", copy / "issued") for path in sorted(folder.rglob("*"))
             if path.is_file()]
    assert len(every) > 15
    for path in every:
        good = path.read_bytes()
        for harm in (spoil, Path.unlink):
            harm(path)
            checked = check_copy(archive.workspace, copy)
            if path.parts[-3] == "notes" and harm is Path.unlink:
                path.write_bytes(good)
                continue
            assert not checked.ok, path
            make_backup(archive.workspace, copy, mend=True)
            assert_good(archive, copy)
            assert path.read_bytes() == good
    stray = next((copy / "objects").rglob("v1")) / "content" / "stray.txt"
    stray.write_text("x")
    assert [one.place.rpartition("/")[2] for one in check_copy(archive.workspace, copy).findings] == ["stray.txt"]
    make_backup(archive.workspace, copy, mend=True)
    assert_good(archive, copy)
    archive.workspace.close()


def test_a_check_counts_what_changed_since_and_calls_only_the_rest_wrong(
    changed: tuple[Archive, Path, set[str]]
) -> None:
    archive, copy, _ = changed
    checked = check_copy(archive.workspace, copy)
    assert checked.ok and checked.behind == 3 and checked.entries < checked.newest
    gone = next(one for one in catalogue.list_records(archive.workspace.db) if one.title == "另一人")
    shutil.rmtree(next((copy / "objects").rglob(f"*{gone.record_id}")))
    assert [one.code for one in check_copy(archive.workspace, copy).findings] == [gone.code]
    make_backup(archive.workspace, copy)
    assert_good(archive, copy)
    archive.workspace.close()


def test_a_copy_that_still_holds_what_its_own_ledger_calls_destroyed_is_found(tmp_path: Path) -> None:
    archive, order, record = planted(tmp_path / "库")
    copy = tmp_path / "copy"
    make_backup(archive.workspace, copy)
    place = next((copy / "objects").rglob(f"*{record}"))
    shutil.copytree(place, tmp_path / "aside")
    archive.execute(order)
    make_backup(archive.workspace, copy)
    shutil.copytree(tmp_path / "aside", place)
    assert [str(one.reason) for one in check_copy(archive.workspace, copy).findings] == [
        "an object that the ledger calls destroyed"]
    done = make_backup(archive.workspace, copy)
    assert done.destroyed == 1 and places_of(copy, SECRET) == []
    archive.workspace.close()


def test_a_rotated_ledger_grows_in_the_copy_as_in_the_store(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    for number in range(12):
        archive.workspace.ledger = type(archive.workspace.ledger)(archive.root / "ledger", 3000)
        archive.file(f"件{number}")
        if number % 3 == 0:
            make_backup(archive.workspace, tmp_path / "copy")
    done: Backup = make_backup(archive.workspace, tmp_path / "copy")
    assert done.is_whole
    assert len(list((tmp_path / "copy" / "ledger").glob("*.jsonl"))) > 3
    for path in (archive.root / "ledger").glob("*.jsonl"):
        assert (tmp_path / "copy" / "ledger" / path.name).read_bytes() == path.read_bytes()
    archive.workspace.close()
