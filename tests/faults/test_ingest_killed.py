"""Ingest stopped at every step: nothing is lost, nothing is filed twice, and the next run finishes.

CI takes a part of the steps, another one in each of its places; ``make faults`` (RECORDKIT_ALL_FAULTS=1) takes all of
them and prints the matrix. Not shown here: what a power cut does to bytes that no sync has confirmed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from ocfl_judge import assert_valid_root

from recordkit.archive.arrivals import collect_sources
from recordkit.archive.fixity import verify_objects
from recordkit.workspace import Workspace

ALL = bool(os.environ.get("RECORDKIT_ALL_FAULTS"))
PARTS = 6
EVERY = 1 if ALL else 12
WORKER = Path(__file__).with_name("dying_ingest.py")
TESTS = WORKER.parents[1]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork")


def worker(*arguments: object) -> list[Any]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}
    found = subprocess.run([sys.executable, str(WORKER), *map(str, arguments)], env=environment, text=True,
                           capture_output=True)
    assert found.returncode == 0, found.stderr[-3000:]
    return [json.loads(line) for line in found.stdout.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[str]]]:
    """A folder with the store, and the names of the steps of each act when nothing stops it."""
    folder = tmp_path_factory.mktemp("ingest")
    return folder, worker("prepare", folder)[-1]


@pytest.mark.parametrize("part", range(PARTS))
def test_stopped_at_any_step_the_next_run_finishes_and_nothing_is_lost_or_filed_twice(
    steps: tuple[Path, dict[str, list[str]]], part: int
) -> None:
    folder, names = steps
    jobs = [(act, way, step) for act in names for way in ("kill", "full", "torn", "int", "term")
            for step, name in enumerate(names[act], 1) if way != "torn" or name == "_write"]
    mine = jobs[part::PARTS][:: EVERY]
    done = worker("run", folder, *(f"{act}:{way}:{step}" for act, way, step in mine))
    assert len(done) == len(mine)
    wrong = [one for one in done if one["faults"] or one["again"]]
    assert wrong == []
    ends = {"kill": -signal.SIGKILL, "torn": -signal.SIGKILL, "term": -signal.SIGTERM}
    for one in done:
        assert one["code"] == ends.get(one["way"], 0), one
        assert one["ended"] in {"full": ("OSError", "OperationalError", "well"),
                                "int": ("KeyboardInterrupt", "well")}.get(one["way"], (None,)), one
    if ALL:
        matrix = Counter((one["act"], names[one["act"]][one["step"] - 1], one["way"], one["ended"]) for one in done)
        with (folder.parent / "matrix.txt").open("a") as out:
            for (act, name, way, ended), count in sorted(matrix.items(), key=str):
                print(act, name, way, ended or "died", count, file=out)
        print((folder.parent / "matrix.txt").read_text() if part == PARTS - 1 else "")


def test_the_steps_that_are_stopped_are_all_there(steps: tuple[Path, dict[str, list[str]]]) -> None:
    """A seam that is gone round would leave its step untested without a word."""
    names = Counter(steps[1]["ingest"])
    assert set(names) >= {"_create", "_write", "_sync", "sync_folder", "_rename", "_make", "_remove", "run"}
    assert names["_sync"] > 20


def put_papers(cli: Cli) -> None:
    from papers import pdf_bytes

    for number in range(3):
        (cli.store / "inbox" / f"{number}.pdf").write_bytes(pdf_bytes(text=f"Paper {number}"))
    (cli.store / "inbox" / "broken.pdf").write_bytes(b"no pdf")


CLASS = ("ingest", "--class", "visit-record", "--set", "title=走访记录", "--no-ocr", "--jobs", "1",
         "--as-of", "2026-11-20")


def in_place_of(folder: Path) -> None:
    """A link to nowhere where a folder should be: nothing can be written there, not even by root."""
    for left in sorted(folder.rglob("*"), reverse=True):
        left.unlink() if left.is_file() else left.rmdir()
    if folder.is_dir():
        folder.rmdir()
    folder.symlink_to(folder.with_name("nowhere"))


@pytest.mark.parametrize("blocked", ["quarantine", "objects", "work/pending", "inbox/done"])
def test_a_folder_that_cannot_be_written_loses_nothing_and_is_told(cli: Cli, blocked: str) -> None:
    put_papers(cli)
    folder = cli.store / blocked
    in_place_of(folder)
    if blocked == "inbox/done":
        items = cli.json(*CLASS, expect=4)["items"]
        assert [one["outcome"] for one in items] == ["archived"] * 3 + ["quarantined"]
        assert [[f["code"] for f in one["findings"]][-1:] for one in items[:3]] == [["stays-in-inbox"]] * 3
    elif blocked == "quarantine":
        items = cli.json(*CLASS, expect=4)["items"]
        assert [one["outcome"] for one in items] == ["archived"] * 3 + ["deferred"]
        assert items[3]["findings"][0]["code"] == "not-put-aside"
        assert [path.name for path in (cli.store / "inbox").glob("*.pdf")] == ["broken.pdf"]
    else:
        cli(*CLASS, expect=1)
        assert "what was done stays done and the next run goes on" in cli.err
        assert "Traceback" not in cli.err
        assert len(list((cli.store / "inbox").glob("*.pdf"))) == 4
    folder.unlink()
    (cli.store / "quarantine").mkdir(exist_ok=True)
    again = cli.json(*CLASS, expect=4 if blocked != "inbox/done" else 0)
    assert {one["outcome"] for one in again["items"]} <= {"archived", "duplicate", "quarantined"}
    assert len(list((cli.store / "objects").rglob("original.pdf"))) == 3
    assert len(list((cli.store / "quarantine").rglob("broken.pdf"))) == 1
    assert [path for path in (cli.store / "inbox").glob("*.pdf")] == []
    assert_valid_root(cli.store / "objects")


def test_two_ingests_at_once_on_one_inbox_file_each_paper_once(cli: Cli) -> None:
    from papers import pdf_bytes

    for number in range(60):
        (cli.store / "inbox" / f"{number:02}.pdf").write_bytes(pdf_bytes(text=f"Paper {number}"))
    command = [sys.executable, "-m", "recordkit", "--store", str(cli.store), "--json", *CLASS]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outcomes = Counter(item["outcome"] for process in running
                       for item in json.loads(process.communicate()[0])["items"])
    assert [process.returncode for process in running] == [0, 0]
    assert outcomes["archived"] == 60
    assert set(outcomes) <= {"archived", "duplicate", "deferred"}
    assert len(list((cli.store / "objects").rglob("original.pdf"))) == 60
    assert len(list((cli.store / "inbox" / "done").rglob("*.pdf"))) == 60
    assert list((cli.store / "inbox").glob("*.pdf")) == []
    assert cli.json("verify")["ok"]
    assert cli.json("ledger", "verify")["ok"]


def test_killed_from_outside_while_it_files_the_next_run_finishes(workspace: Workspace) -> None:
    """The real command, killed when its first objects appear; its reading processes go with it."""
    from papers import pdf_bytes

    for number in range(300):
        (workspace.root / "inbox" / f"{number:03}.pdf").write_bytes(pdf_bytes(text=f"Paper {number}"))
    command = [sys.executable, "-m", "recordkit", "--store", str(workspace.root), "--json", *CLASS]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while running.poll() is None and not any((workspace.root / "work" / "pending").glob("objects-*.json")):
        pass
    running.kill()
    assert running.stderr is not None
    running.stderr.read()  # it is open in the reading processes too: this ends when the last of them has ended
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert collect_sources(workspace, []) == []
    assert len(list((workspace.root / "objects").rglob("original.pdf"))) == 300
    workspace.catch_up()
    assert verify_objects(workspace).findings == ()
    assert workspace.verify_ledger().ok
    assert_valid_root(workspace.root / "objects")
