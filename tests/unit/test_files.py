from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from recordkit import files
from recordkit.errors import StoreBusy


def test_a_file_is_never_overwritten_by_default(tmp_path: Path) -> None:
    path = tmp_path / "文件.txt"
    files.write_atomic(path, b"one")
    with pytest.raises(FileExistsError):
        files.write_atomic(path, b"two")
    assert path.read_bytes() == b"one"
    files.write_atomic(path, b"two", overwrite=True)
    assert path.read_bytes() == b"two"


def test_a_failing_sync_leaves_the_old_content_and_no_scrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    files.write_atomic(path, b"old")

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_sync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_atomic(path, b"new", overwrite=True)
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


def test_a_name_near_the_limit_of_the_file_system_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("水" * 83 + ".docx")
    files.write_atomic(path, b"x")
    assert path.read_bytes() == b"x"


def test_a_copy_is_digested_as_written(tmp_path: Path) -> None:
    source = tmp_path / "s"
    source.write_bytes(b"abc" * 1_000_000)
    digests = files.copy_with_digests(source, tmp_path / "t")
    assert digests.sha256 == hashlib.sha256((tmp_path / "t").read_bytes()).hexdigest()
    assert digests.size == 3_000_000
    assert digests == files.digests_of(source)


def test_moving_into_a_folder_never_replaces_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for content in (b"1", b"2", b"3"):
        source = tmp_path / "x.pdf"
        source.write_bytes(content)
        files.move_into(source, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "x.pdf": b"1", "x (2).pdf": b"2", "x (3).pdf": b"3"}


def test_removing_a_tree_that_never_came_to_be_prunes_the_parents_that_did(tmp_path: Path) -> None:
    root = tmp_path / "objects"
    (root / "a").mkdir(parents=True)
    files.remove_tree(root / "a" / "b" / "c", within=root)
    assert list(root.iterdir()) == []


def test_removing_a_tree_prunes_the_parents_that_became_empty(tmp_path: Path) -> None:
    files.write_atomic(tmp_path / "objects" / "a" / "b" / "c" / "file", b"")
    files.write_atomic(tmp_path / "objects" / "a" / "other" / "file", b"")
    files.remove_tree(tmp_path / "objects" / "a" / "b" / "c", within=tmp_path / "objects")
    assert sorted(path.name for path in (tmp_path / "objects" / "a").iterdir()) == ["other"]


_HOLD = """
import sys
from pathlib import Path
from recordkit import files
with files.locked(Path(sys.argv[1]), 1):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_held_by_another_process_is_waited_for_and_then_refused(tmp_path: Path) -> None:
    lock = tmp_path / "work" / "locks" / "store"
    with subprocess.Popen([sys.executable, "-c", _HOLD, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreBusy), files.locked(lock, 0.1):
            pass
        holder.stdin.close()
        holder.wait()
    with files.locked(lock, 5):
        pass


_STAGE = """
import os, sys
from pathlib import Path
from recordkit import files
with files.staging(Path(sys.argv[1])) as folder:
    (folder / "half").write_bytes(b"x")
    print(folder, flush=True)
    if sys.argv[2] == "die":
        os._exit(9)
    sys.stdin.read()
"""


def test_staging_of_a_dead_process_is_cleared_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    work = tmp_path / "work"

    def start(how: str) -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, "-c", _STAGE, str(work), how], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)

    with start("die") as dead:
        assert dead.stdout is not None
        left = Path(dead.stdout.readline().strip())
    with start("wait") as living:
        assert living.stdout is not None
        assert living.stdin is not None
        held = Path(living.stdout.readline().strip())
        assert not left.exists()
        with files.staging(work) as mine:
            assert (held / "half").exists()
            assert mine != held
        living.stdin.close()
        living.wait()
    assert [path.name for path in work.iterdir() if path.is_dir()] == []
    assert list(work.iterdir()) == []
