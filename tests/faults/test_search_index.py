"""Whatever becomes of the folder of the index: a search answers rightly or says why not, and never falls over."""

from __future__ import annotations

import errno
import multiprocessing
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from conftest import Cli, clock_at

from recordkit import files
from recordkit.archive.catalogue import list_records
from recordkit.archive.filing import file_generated
from recordkit.archive.search.service import IndexWork, SearchRequest, begin_search, search_records
from recordkit.store import make_store, open_store
from recordkit.workspace import Workspace

TODAY = date(2026, 11, 20)
HELD = 6


def file_some(workspace: Workspace, first: int, count: int) -> None:
    for number in range(first, first + count):
        with workspace.writing() as writer:
            file_generated(writer, workspace, record_class="visit-record", title=f"第{number}号回访记录", on=TODAY,
                           content={"original.json": f"{number}".encode(), "text.json": b'{"pages": []}'}, fields={})


@pytest.fixture(scope="module", params=["tantivy", "whoosh"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory, engine: str) -> Path:
    """A store with records and an index over them; do not change it."""
    root = tmp_path_factory.mktemp("index") / "档案 库"
    make_store(root, clock_at(TODAY), "test", simulation=True)
    settings = root / "recordkit.toml"
    text = settings.read_text(encoding="utf-8")
    assert 'search = "tantivy"' in text
    settings.write_text(text.replace('search = "tantivy"', f'search = "{engine}"'), encoding="utf-8")
    workspace = open_store(root, clock_at(TODAY), "test")
    file_some(workspace, 0, HELD)
    assert search_records(workspace, SearchRequest("回访记录")).total == HELD
    workspace.close()
    return root


def break_shard(root: Path) -> None:
    """What lists the files of a shard is gone, in every engine."""
    lists = [path for path in (root / "index").glob("shard-*/*.json") if not path.name.startswith(".")]
    assert lists
    for path in lists:
        path.unlink()


def delete(path: Path) -> None:
    path.unlink()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def overwrite(path: Path) -> None:
    path.write_bytes(b"\xff\x00 not an index" * 40)


def flip_the_end(path: Path) -> None:
    data = bytearray(path.read_bytes())
    if data:
        data[-3] ^= 0xFF
    path.write_bytes(data)


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "x").write_bytes(b"x")


@pytest.mark.parametrize("harm", [delete, truncate, empty, overwrite, flip_the_end, make_folder])
def test_one_harmed_file_of_the_index_is_healed_by_the_next_search(
    searched: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], harm: Callable[[Path], None]
) -> None:
    names = sorted(path.relative_to(searched) for path in (searched / "index").rglob("*") if path.is_file())
    assert len(names) > 3
    for place, name in enumerate(names):
        root = tmp_path / f"{place}"
        shutil.copytree(searched, root)
        harm(root / name)
        cli = Cli(root, capfd)
        talk = ""
        found = cli.json("search", "回访记录 OR 第3号", "--facets", "--sort", "date")
        talk += cli.err
        assert (found["total"], len(found["items"])) == (HELD, HELD), name
        assert cli.json("search", "第3号")["total"] == 1, name
        talk += cli.err
        assert "Traceback" not in talk, name
        assert "panicked" not in talk, name


@pytest.mark.parametrize("what", ["index is a file", "foreign files", "a shard is gone", "empty folder", "no folder"])
def test_a_folder_that_is_no_index_is_made_one(
    searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    root = tmp_path / "store"
    shutil.copytree(searched, root)
    folder = root / "index"
    if what == "foreign files":
        (folder / "Thumbs.db").write_bytes(b"x")
        (folder / "shard-0000-0" / "desktop.ini").write_bytes(b"x")
        (folder / "shard-9999-9").mkdir()
    elif what == "a shard is gone":
        shutil.rmtree(next(folder.glob("shard-*")))
    else:
        shutil.rmtree(folder)
        if what == "index is a file":
            folder.write_bytes(b"x")
        elif what == "empty folder":
            folder.mkdir()
    cli = Cli(root, capsys)
    assert cli.json("search", "回访记录")["total"] == HELD
    assert cli.json("search", "第3号")["total"] == 1


def test_a_damaged_index_is_said_before_it_is_made_anew(
    searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(searched, tmp_path / "store")
    cli = Cli(tmp_path / "store", capsys)
    cli("search", "第3号")
    assert "made anew" not in cli.err
    (cli.store / "index" / "index.json").write_bytes(b"{")
    assert "第3号" in cli("search", "第3号").replace("【", "").replace("】", "")
    assert cli.err.index("made anew") < cli.err.index("1 record(s) found")
    cli("search", "第3号")
    assert "made anew" not in cli.err


def test_an_index_newer_than_the_archive_is_made_anew(workspace: Workspace) -> None:
    file_some(workspace, 0, 2)
    search_records(workspace, SearchRequest("回访记录"))
    manifest = workspace.root / "index" / "index.json"
    cursor = f'"cursor": {workspace.db.cursor().seq}'
    manifest.write_text(manifest.read_text().replace(cursor, '"cursor": 999'))
    works: list[IndexWork] = []
    assert search_records(workspace, SearchRequest("回访记录"), watching(works)).total == 2
    assert works == ["rebuilding"]


def watching(works: list[IndexWork], stop_after: int | None = None) -> Callable[..., object]:
    @contextmanager
    def watch(work: IndexWork, _: int) -> Iterator[Callable[[int], None]]:
        works.append(work)

        def progress(done: int) -> None:
            if stop_after is not None and done >= stop_after:
                raise KeyboardInterrupt

        yield progress

    return watch


@pytest.mark.parametrize("damaged", [True, False])
def test_a_search_interrupted_while_the_index_is_made_leaves_a_store_that_can_be_searched(
    searched: Path, tmp_path: Path, damaged: bool
) -> None:
    shutil.copytree(searched, tmp_path / "store")
    workspace = open_store(tmp_path / "store", clock_at(TODAY), "test")
    if damaged:
        break_shard(workspace.root)
    else:
        file_some(workspace, HELD, 4)
    with pytest.raises(KeyboardInterrupt):
        begin_search(workspace, SearchRequest("回访记录"), watching([], stop_after=2))  # type: ignore[arg-type]
    workspace.close()
    workspace = open_store(tmp_path / "store", clock_at(TODAY), "test")
    assert search_records(workspace, SearchRequest("回访记录")).total == HELD + (0 if damaged else 4)
    folders = [path.name for path in (workspace.root / "index").iterdir()]
    assert len(folders) == 2
    workspace.close()


def test_progress_is_told_for_every_record_taken_in(workspace: Workspace) -> None:
    file_some(workspace, 0, 5)
    told: list[object] = []

    @contextmanager
    def watch(work: IndexWork, total: int) -> Iterator[Callable[[int], None]]:
        told.append((work, total))
        yield told.append

    search_records(workspace, SearchRequest("回访记录"), watch)
    assert told == [("catching-up", 5), 1, 2, 3, 4, 5]


NO_ROOM = """
import resource, sys
from recordkit.cli.main import run
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.exit(run(sys.argv[2:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX only")
@pytest.mark.parametrize("room", [0, 150, 2000])
def test_without_room_the_old_index_answers_and_says_what_it_lacks(
    searched: Path, tmp_path: Path, room: int, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "store"
    shutil.copytree(searched, root)
    workspace = open_store(root, clock_at(TODAY), "test")
    file_some(workspace, HELD, 3)
    workspace.close()
    done = subprocess.run(
        [sys.executable, "-c", NO_ROOM, str(room), "--store", str(root), "--lang", "en", "search", "回访记录"],
        capture_output=True, text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("回访记录】") == HELD
    assert "cannot be written" in done.stderr
    assert "3 new or changed record(s)" in done.stderr
    assert "Traceback" not in done.stderr
    assert Cli(root, capsys).json("search", "回访记录")["total"] == HELD + 3


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX only")
def test_without_room_a_damaged_index_is_an_error_that_says_so(searched: Path, tmp_path: Path) -> None:
    root = tmp_path / "store"
    shutil.copytree(searched, root)
    break_shard(root)
    done = subprocess.run(
        [sys.executable, "-c", NO_ROOM, "0", "--store", str(root), "--lang", "en", "search", "回访记录"],
        capture_output=True, text=True,
    )
    assert done.returncode == 7, done.stderr
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX only")
def test_without_room_a_missing_index_is_an_error_that_says_what_it_is(searched: Path, tmp_path: Path) -> None:
    root = tmp_path / "store"
    shutil.copytree(searched, root)
    shutil.rmtree(root / "index")
    for _ in range(2):  # the first one leaves what it had begun
        done = subprocess.run(
            [sys.executable, "-c", NO_ROOM, "0", "--store", str(root), "--lang", "en", "search", "回访记录"],
            capture_output=True, text=True,
        )
        assert done.returncode == 5, done.stderr
        assert "has no search index, and none can be made here: File too large" in done.stderr
        assert "  -> Free space or let the store be written" in done.stderr
        assert "new or changed record(s)" not in done.stderr


def test_a_full_disk_at_the_last_step_leaves_the_old_index(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_some(workspace, 0, 2)
    assert search_records(workspace, SearchRequest("回访记录")).total == 2
    file_some(workspace, 2, 3)

    def full(path: Path, data: bytes, *, overwrite: bool = False) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr("recordkit.archive.search.shards.write_atomic", full)
        search_records(workspace, SearchRequest("回访记录"))
        assert any("cannot be written" in str(notice) for notice in workspace.notices)
    workspace.notices.clear()
    assert search_records(workspace, SearchRequest("回访记录")).total == 5
    assert workspace.notices == []


def test_while_another_program_writes_the_index_as_it_is_answers(workspace: Workspace) -> None:
    file_some(workspace, 0, 2)
    assert search_records(workspace, SearchRequest("回访记录")).total == 2
    file_some(workspace, 2, 1)
    other = open_store(workspace.root, clock_at(TODAY), "test")
    with files.locked(workspace.root / "work" / "locks" / "store", 1):
        found = search_records(other, SearchRequest("回访记录"))
        assert (found.total, found.behind) == (2, 1)
    assert search_records(other, SearchRequest("回访记录")).behind == 0
    assert "1 new or changed record(s) are not in the search index yet" in str(other.notices[-1])
    other.close()


def test_a_damaged_index_is_waited_for_while_another_program_writes(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    file_some(workspace, 0, 2)
    search_records(workspace, SearchRequest("回访记录"))
    workspace.close()
    settings = workspace.root / "recordkit.toml"
    text = settings.read_text(encoding="utf-8").replace("wait_seconds = 30.0", "wait_seconds = 0.1")
    settings.write_text(text, encoding="utf-8")
    (workspace.root / "index" / "index.json").write_bytes(b"{")
    cli = Cli(workspace.root, capsys)
    with files.locked(workspace.root / "work" / "locks" / "store", 1):
        cli("search", "回访记录", expect=6)
    assert cli.json("search", "回访记录")["total"] == 2
    assert cli.err.count("\n") == 1


def test_a_store_that_cannot_be_written_is_searched(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    file_some(workspace, 0, 2)
    assert search_records(workspace, SearchRequest("回访记录")).total == 2
    file_some(workspace, 2, 1)
    forbid_writing(monkeypatch)
    found = search_records(workspace, SearchRequest("回访记录"))
    assert (found.total, found.behind) == (2, 1)
    assert "store cannot be written" in str(workspace.notices[-1])


def forbid_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    for name in ("_create", "_make", "_rename", "_remove", "_link"):
        monkeypatch.setattr(files, name, read_only)
    monkeypatch.setattr(files, "locked", read_only)


def test_a_store_that_cannot_be_written_and_has_no_index_says_so(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file_some(workspace, 0, 2)
    assert not (workspace.root / "index").exists()
    forbid_writing(monkeypatch)
    cli = Cli(workspace.root, capsys)
    cli("search", "回访记录", expect=5)
    assert "has no search index, and none can be made here: Read-only file system" in cli.err
    assert "record(s)" not in cli.err


def test_json_tells_how_many_entries_the_index_has_not_seen(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    file_some(workspace, 0, 2)
    cli = Cli(workspace.root, capsys)
    assert "behind" not in cli.json("search", "回访记录")
    file_some(workspace, 2, 3)
    with files.locked(workspace.root / "work" / "locks" / "store", 1):
        found = cli.json("search", "回访记录")
        assert (found["total"], found["behind"]) == (2, 3)
    found = cli.json("search", "回访记录")
    assert (found["total"], "behind" in found) == (5, False)


def write_on(root: Path, count: int) -> None:
    workspace = open_store(root, clock_at(TODAY), "test")
    for number in range(count):
        file_some(workspace, 100 + number, 1)
        search_records(workspace, SearchRequest("回访记录"))
    workspace.close()


def test_readers_find_every_whole_state_while_one_writes(searched: Path, tmp_path: Path) -> None:
    root = tmp_path / "store"
    shutil.copytree(searched, root)
    writer = multiprocessing.get_context("spawn").Process(target=write_on, args=(root, 8))
    writer.start()
    seen = []
    while writer.is_alive() or not seen:
        workspace = open_store(root, clock_at(TODAY), "test")
        result = search_records(workspace, SearchRequest("回访记录", limit=None))
        assert len(result.items) == result.total
        seen.append(result.total)
        workspace.close()
    writer.join()
    assert writer.exitcode == 0
    assert seen == sorted(seen)
    workspace = open_store(root, clock_at(TODAY), "test")
    assert search_records(workspace, SearchRequest("回访记录")).total == len(list_records(workspace.db)) == HELD + 8
    workspace.close()


def test_doctor_tells_state_size_and_engine(
    searched: Path, tmp_path: Path, engine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "store"
    shutil.copytree(searched, root)
    cli = Cli(root, capsys)

    def row() -> dict[str, str]:
        return next(item for item in cli.json("doctor")["items"] if item["part"] == "search index")

    assert f"{engine}, 6 records, 0.0 MB, current" in row()["found"]
    workspace = open_store(root, clock_at(TODAY), "test")
    file_some(workspace, HELD, 2)
    workspace.close()
    assert "2 new or changed" in row()["found"]
    cli("search", "回访")
    break_shard(root)
    assert row()["found"] is None
    assert "recordkit rebuild --index" in row()["how"]
    shutil.rmtree(root / "index")
    assert "not there" in row()["found"]
    cli("rebuild", "--index")
    assert "8 records" in row()["found"]
