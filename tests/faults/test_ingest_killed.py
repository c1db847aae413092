"""Every act on papers stopped at every step: nothing is lost, nothing is filed twice, and the next run finishes.

CI takes a part of the stops, spread over all acts and ways; ``make faults`` takes all of them and writes the matrix to
the file that RECORDKIT_ALL_FAULTS names. Not shown here: what a power cut does to bytes that no sync has confirmed.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import select
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from dying_ingest import lying
from filelock import FileLock
from ocfl_judge import assert_valid_root
from papers import pdf_bytes
from shim import FOLDERS, NEEDS_ROOM, READ_ONLY

from recordkit.archive.arrivals import collect_sources
from recordkit.archive.fixity import verify_objects
from recordkit.templates.code import PrintedCode
from recordkit.templates.forms import shipped_forms
from recordkit.workspace import Workspace

ALL = os.environ.get("RECORDKIT_ALL_FAULTS")
PARTS = 4
EVERY = 1 if ALL else 60
WORKER = Path(__file__).with_name("dying_ingest.py")
TESTS = WORKER.parents[1]
WAYS = ("kill", "torn", "full", "filled", "int", "term", *READ_ONLY)

OUTCOMES = {
    "ingest": ["quarantined", "duplicate", "archived", "unmatched", "duplicate", "archived", "archived"],
    "edit": ["edited"],
    "edit_many": ["edited", "edited"],
    "wait": ["unmatched", "unmatched"],
    "split": ["archived", "unmatched", "archived", "unmatched", "archived"],
    "rescan": ["archived"],
    "attach": ["attached", "attached"],
    "attach_wait": ["waits", "waits"],
    "join": ["archived", "joined attached", "joined attached"],
    "match": ["archived"],
    "match_new": ["archived"],
    "retry": ["archived", "quarantined"],
    "clear_done": ["archived", "archived"],
}
"""What becomes of the papers of each act when nothing stops it."""

FILES_NOTHING = {"wait", "attach_wait"}
ENDS = {(act, folder) for act in OUTCOMES for folder in ("objects", "ledger", "work/pending")
        if act not in FILES_NOTHING} | {("attach_wait", "inbox/unmatched"), ("retry", "quarantine")}
"""Acts that end with an error when a folder is read-only; the others can do without it, or let a paper lie."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork")

Job = tuple[str, str, int]


def worker(*arguments: object) -> list[Any]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}
    found = subprocess.run([sys.executable, str(WORKER), *map(str, arguments)], env=environment, text=True,
                           capture_output=True)
    assert found.returncode == 0, found.stderr[-3000:]
    return [json.loads(line) for line in found.stdout.splitlines() if line.startswith("{")]


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, list[str]]]]:
    """A folder with the stores; of each act the names of its steps and its outcomes when nothing stops it."""
    base = tmp_path_factory.getbasetemp()
    # Made once for all processes of the run.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "scenes"
    with FileLock(f"{folder}.lock"):
        if not (folder / "prepared").exists():
            folder.mkdir()
            (folder / "prepared").write_text(json.dumps(worker("prepare", folder)[-1]))
    return folder, json.loads((folder / "prepared").read_text())


def stops_of(acts: dict[str, dict[str, list[str]]]) -> list[Job]:
    """Every stop there is."""
    def can_be_stopped(way: str, step: str) -> bool:
        return {"torn": step == "_write", "filled": step in NEEDS_ROOM}.get(way, True)

    return [
        (act, way, step) for way in WAYS for act in acts
        for step in (range(len(FOLDERS)) if way in READ_ONLY else
                     [at for at, name in enumerate(acts[act]["steps"], 1) if can_be_stopped(way, name)])
    ]


def spread(jobs: list[Job], every: int) -> list[Job]:
    """One out of each ``every`` neighbours, always the same one."""
    return [jobs[at + random.Random(at).randrange(min(every, len(jobs) - at))] for at in range(0, len(jobs), every)]


@pytest.mark.parametrize("part", range(PARTS))
def test_stopped_at_any_step_the_next_run_finishes_and_nothing_is_lost_or_filed_twice(
    scenes: tuple[Path, dict[str, dict[str, list[str]]]], part: int
) -> None:
    folder, acts = scenes
    mine = spread(stops_of(acts), EVERY)[part::PARTS]
    done = worker("run", folder, *(f"{act}:{way}:{step}" for act, way, step in mine))
    assert [(one["act"], one["way"], one["step"]) for one in done] == mine
    assert [one for one in done if one["faults"]] == []
    for one in done:
        assert_told(one)
    if ALL:
        (folder / f"done-{part}.json").write_text(json.dumps(done))
        if len(every := sorted(folder.glob("done-*.json"))) == PARTS:
            Path(ALL).parent.mkdir(exist_ok=True)
            Path(ALL).write_text(matrix(acts, [one for path in every for one in json.loads(path.read_text())]) + "\n")


def assert_told(one: dict[str, Any]) -> None:
    """What a person sees of a stop: a dead process, or an error that says what is wrong."""
    way, ended = one["way"], one["ended"]
    ends = {"kill": -signal.SIGKILL, "torn": -signal.SIGKILL, "term": -signal.SIGTERM}
    assert one["code"] == ends.get(way, 0), one
    if way in ends:
        assert ended is None, one
    elif way in READ_ONLY:
        folder = FOLDERS[one["step"]]
        wanted = {"eacces": "PermissionError", "erofs": "OSError"}[way]
        assert ended == (wanted if (one["act"], folder) in ENDS else "well"), one
        assert ended == "well" or f"/{folder}/" in one["error"], one
    else:
        assert ended in {"int": ("KeyboardInterrupt", "well")}.get(way, ("OSError", "OperationalError", "well")), one


def matrix(acts: dict[str, dict[str, list[str]]], done: list[dict[str, Any]]) -> str:
    """How many stops of each kind an act has gone through; none of them has left anything wrong."""
    counts = Counter((one["act"], one["way"]) for one in done)
    rows = [[act, len(acts[act]["steps"]), *(counts[act, way] for way in WAYS)] for act in acts]
    sums = ["all", *(sum(row[at] for row in rows) for at in range(1, len(WAYS) + 2))]
    lines = [["act", "steps", *WAYS], ["---"] * (len(WAYS) + 2), *rows, sums]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def test_the_acts_and_the_steps_that_are_stopped_are_all_there(
    scenes: tuple[Path, dict[str, dict[str, list[str]]]]
) -> None:
    """A seam that is gone round would leave its step untested without a word."""
    _, acts = scenes
    assert {act: sorted(one["outcomes"]) for act, one in acts.items()} == {
        act: sorted(outcomes) for act, outcomes in OUTCOMES.items()}
    for act, one in acts.items():
        names = Counter(one["steps"])
        assert set(names) >= {"_create", "_write", "_sync", "sync_folder", "_rename", "_make", "_remove"}, act
        assert ("run" in names) == (act not in FILES_NOTHING), act
    assert Counter(acts["ingest"]["steps"])["_sync"] > 20


def test_the_stops_that_ci_takes_are_of_every_act_and_way(
    scenes: tuple[Path, dict[str, dict[str, list[str]]]]
) -> None:
    stops = stops_of(scenes[1])
    taken = spread(stops, 60)
    assert {act for act, _, _ in taken} == set(OUTCOMES)
    assert {way for _, way, _ in taken} == set(WAYS)
    assert len(taken) < len(stops) / 50


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
    for number in range(3):
        (cli.store / "inbox" / f"{number}.pdf").write_bytes(pdf_bytes(text=f"Paper {number}"))
    (cli.store / "inbox" / "broken.pdf").write_bytes(b"no pdf")
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
    outcomes = {"quarantine": ["quarantined"], "inbox/done": ["duplicate"] * 3}
    assert [one["outcome"] for one in again["items"]] == outcomes.get(blocked, ["archived"] * 3 + ["quarantined"])
    assert len(list((cli.store / "objects").rglob("original.pdf"))) == 3
    assert len(list((cli.store / "quarantine").rglob("broken.pdf"))) == 1
    assert [path for path in (cli.store / "inbox").glob("*.pdf")] == []
    assert_valid_root(cli.store / "objects")


def codes_of(cli: Cli, count: int) -> list[str]:
    """The printed codes of that many documents."""
    row = tomllib.loads((shipped_forms() / "visit-record" / "sample.toml").read_text(encoding="utf-8"))
    rows = cli.store.parent / "rows.json"
    rows.write_text(json.dumps([row] * count, default=str), encoding="utf-8")
    cli("generate", "visit-record", "--data", rows, "--as-of", "2026-11-20")
    return [PrintedCode(one["issue_id"], 1, 1, 1).encode() for one in cli.json("issued", "list")["items"]]


def test_two_ingests_at_once_on_one_inbox_put_each_paper_into_one_place(cli: Cli) -> None:
    papers = {"archive": [pdf_bytes(text=code) for code in codes_of(cli, 24)],
              "unmatched": [pdf_bytes(text=f"Uncoded {number}") for number in range(24)],
              "quarantine": [f"no pdf {number}".encode() for number in range(12)]}
    for place, every in papers.items():
        for number, data in enumerate(every):
            (cli.store / "inbox" / f"{number:02} {place}.pdf").write_bytes(data)
    command = [sys.executable, "-m", "recordkit", "--store", str(cli.store), "--json", "ingest", "--no-ocr", "--jobs",
               "1", "--as-of", "2026-11-20"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outcomes = Counter(item["outcome"] for process in running
                       for item in json.loads(process.communicate()[0])["items"])
    codes = [process.returncode for process in running]
    assert set(codes) <= {0, 4} and 4 in codes
    assert outcomes["archived"] == 24
    assert outcomes["unmatched"] >= 24 and outcomes["quarantined"] >= 12
    assert set(outcomes) <= {"archived", "unmatched", "quarantined", "duplicate", "deferred"}
    where = lying(cli.store)
    expected = {place: Counter(hashlib.sha256(data).hexdigest() for data in every) for place, every in papers.items()}
    assert where == {**expected, "done": expected["archive"], "inbox": Counter()}
    assert cli.json("unmatched", "list")["total"] == 24
    assert cli.json("quarantine", "list")["total"] == 12
    assert cli.json("verify")["ok"]
    assert cli.json("ledger", "verify")["ok"]


def test_killed_from_outside_while_it_files_the_next_run_finishes(workspace: Workspace) -> None:
    """The real command, killed when its first objects appear; its reading processes go with it."""
    for number in range(300):
        (workspace.root / "inbox" / f"{number:03}.pdf").write_bytes(pdf_bytes(text=f"Paper {number}"))
    command = [sys.executable, "-m", "recordkit", "--store", str(workspace.root), *CLASS]
    # A short pipe that nobody empties: the command cannot come to its end before it is killed.
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pipesize=4096)
    assert running.stdout is not None and running.stderr is not None
    pending = workspace.root / "work" / "pending"
    while not any(pending.glob("objects-*.json")) and not select.select([running.stdout], [], [], 0)[0]:
        pass
    running.kill()
    running.stderr.read()  # it is open in the reading processes too: this ends when the last of them has ended
    assert running.wait() == -signal.SIGKILL
    assert len(collect_sources(workspace, [])) > 100
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert collect_sources(workspace, []) == []
    assert len(list((workspace.root / "objects").rglob("original.pdf"))) == 300
    workspace.catch_up()
    assert verify_objects(workspace).findings == ()
    assert workspace.verify_ledger().ok
    assert_valid_root(workspace.root / "objects")
