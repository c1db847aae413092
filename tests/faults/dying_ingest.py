"""Runs an ingest again and again on copies of one store, each time stopped at another step; a process of its own.

``python dying_ingest.py prepare FOLDER`` makes the store and takes the readings of its papers once, for real.
``python dying_ingest.py run FOLDER JOB...`` does jobs ``way:step`` and prints one JSON line for each. The process has
one thread and forks for every job, so that whatever dies there dies alone.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import pickle
import shutil
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from conftest import clock_at
from ocfl_judge import assert_valid_root
from papers import pdf_bytes

from recordkit import files
from recordkit.archive import catalogue, ingest
from recordkit.archive.arrivals import collect_sources
from recordkit.archive.decisions import IngestOptions
from recordkit.archive.editing import edit_record
from recordkit.archive.fixity import verify_objects
from recordkit.archive.ingest import ingest_papers
from recordkit.archive.reading import read_papers
from recordkit.cli.main import run as command
from recordkit.db import Database
from recordkit.store import make_store, open_store
from recordkit.templates.code import PrintedCode
from recordkit.templates.forms import shipped_forms
from recordkit.templates.issue import list_issues
from recordkit.workspace import Workspace

TODAY = date(2026, 11, 20)
OPTIONS = IngestOptions("visit-record", {"title": "走访记录"}, ocr=False, jobs=1)
STEPS = (
    (files, "_create"), (files, "_write"), (files, "_sync"), (files, "sync_folder"), (files, "_rename"),
    (files, "_link"), (files, "_remove"), (files, "_make"), (files, "_remove_empty"), (Database, "run"),
)  # fmt: skip
"""Whatever changes the disk: every call in files.py, and the statements of the database."""

PLACES = {"new.pdf": "archive", "新 案/new.pdf": "archive", "twin.pdf": "archive", "filed.pdf": "archive",
          "second.pdf": "unmatched", "broken.pdf": "quarantine", "uncoded.pdf": "archive"}
"""Where each paper of the inbox belongs in the end."""


def prepare(folder: Path) -> None:
    """A store with two filed papers and an inbox in which everything happens that may happen to a paper."""
    store = folder / "store"
    make_store(store, clock_at(TODAY), "test", simulation=True)
    sample = shipped_forms() / "visit-record" / "sample.toml"
    for _ in range(4):
        assert command(["--store", str(store), "--lang", "en", "--quiet", "generate", "visit-record", "--data",
                        str(sample), "--as-of", TODAY.isoformat()]) == 0
    workspace = open_store(store, clock_at(TODAY), "test")
    codes = [PrintedCode(one.issue_id, 1, 1, 1).encode() for one in list_issues(workspace.db)]
    filed, returned, new, other = (pdf_bytes(text=code) for code in codes)
    first = folder / "first"
    first.mkdir()
    (first / "filed.pdf").write_bytes(filed)
    (first / "returned.pdf").write_bytes(returned)
    outcomes = [one.outcome for one in ingest_papers(workspace, sorted(first.iterdir()), OPTIONS)]
    assert outcomes == ["archived", "archived"], outcomes
    inbox = store / "inbox"
    (inbox / "新 案").mkdir()
    papers = {"new.pdf": new, "新 案/new.pdf": other, "twin.pdf": new, "filed.pdf": filed, "broken.pdf": b"no pdf",
              "second.pdf": pdf_bytes(text=codes[1], prefix=" "), "uncoded.pdf": pdf_bytes(text="nothing")}
    assert set(papers) == set(PLACES)
    for name, data in papers.items():
        (inbox / name).write_bytes(data)
    sources = collect_sources(workspace, [])
    readings = {sha256(path): reading
                for path, reading in zip(sources, read_papers(sources, jobs=1, ocr=False), strict=True)}
    workspace.close()
    (folder / "readings").write_bytes(pickle.dumps(readings))
    shutil.rmtree(store / "outbox")
    (store / "outbox").mkdir()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def stand_in_the_way(step: int, stop: Callable[[str, tuple[Any, ...]], None], log: list[str] | None = None) -> None:
    """Call ``stop`` before step number ``step``, counted from 1; ``log`` gets the names of all steps."""
    counter = itertools.count(1)

    def guard(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any, **named: Any) -> Any:
            if log is not None:
                log.append(name)
            if next(counter) == step:
                stop(name, arguments)
            return real(*arguments, **named)

        return guarded

    for owner, name in STEPS:
        setattr(owner, name, guard(name, getattr(owner, name)))


def die(_name: str, _arguments: tuple[Any, ...]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_in_mid_write(name: str, arguments: tuple[Any, ...]) -> None:
    if name == "_write":
        handle, data = arguments
        handle.write(bytes(data)[: len(data) // 2])
    die(name, arguments)


def disk_full(name: str, _arguments: tuple[Any, ...]) -> None:
    if name == "run":
        raise sqlite3.OperationalError("database or disk is full")
    raise OSError(28, "No space left on device")


def interrupt(_name: str, _arguments: tuple[Any, ...]) -> None:
    os.kill(os.getpid(), signal.SIGINT)


def terminate(_name: str, _arguments: tuple[Any, ...]) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


WAYS = {"kill": die, "torn": die_in_mid_write, "full": disk_full, "int": interrupt, "term": terminate}


def take_in(store: Path, readings: dict[str, Any]) -> list[str]:
    """One ingest of the inbox with readings taken before; outcomes in order."""

    def known(paths: Sequence[Path], **_: Any) -> Iterator[Any]:
        return (readings[sha256(path)] for path in paths)

    ingest.read_papers = known  # type: ignore[assignment]
    workspace = open_store(store, clock_at(TODAY), "test")
    found = [one.outcome for one in ingest_papers(workspace, collect_sources(workspace, []), OPTIONS)]
    workspace.close()
    return found


def edit(store: Path, _readings: dict[str, Any]) -> list[str]:
    """Edit the first record."""
    workspace = open_store(store, clock_at(TODAY), "test")
    first = catalogue.list_records(workspace.db)[0]
    edit_record(workspace, first.record_id, {"title": "改过的题名"}, "更正")
    workspace.close()
    return ["edited"]


ACTS = {"ingest": take_in, "edit": edit}


def forked(work: Callable[[], object]) -> tuple[int, Any]:
    """Do it in a child: signal or exit code, and what it returned."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        code = 1
        try:
            with os.fdopen(write, "wb") as out:
                out.write(pickle.dumps(work()))
            code = 0
        except BaseException as error:
            with os.fdopen(2, "w", closefd=False) as err:
                err.write(f"{error!r}\n")
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        data = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code, pickle.loads(data) if data else None


def stopped(act: str, way: str, step: int, store: Path, readings: dict[str, Any]) -> dict[str, Any]:
    """The act, stopped; what a person would have seen."""
    stand_in_the_way(step, WAYS[way])
    try:
        done = ACTS[act](store, readings)
    except (OSError, sqlite3.Error, KeyboardInterrupt) as error:
        return {"ended": type(error).__name__}
    return {"ended": "well", "done": done}


def job(folder: Path, act: str, way: str, step: int, readings: dict[str, Any]) -> dict[str, Any]:
    """One stop, the next run, and everything that must hold afterwards."""
    store = folder / f"{act}-{way}-{step}"
    shutil.copytree(folder / "store", store, symlinks=True)
    code, told = forked(lambda: stopped(act, way, step, store, readings))
    code_after, done = forked(lambda: finish(act, store, readings))
    shutil.rmtree(store)
    return {"act": act, "way": way, "step": step, "code": code, "ended": told and told["ended"], "again": code_after,
            "faults": done}


def finish(act: str, store: Path, readings: dict[str, Any]) -> list[str]:
    """The next run, then all that is wrong with the store."""
    ACTS[act](store, readings)
    faults = []
    workspace = open_store(store, clock_at(TODAY), "test")
    with workspace.writing(), workspace.staging():
        pass  # whoever writes next clears what lies in work/
    if act == "ingest":
        if left := collect_sources(workspace, []):
            faults.append(f"left in the inbox: {[one.name for one in left]}")
        faults += misplaced(workspace, readings)
    if not (verified := workspace.verify_ledger()).ok:
        faults.append(f"ledger: {verified.reason}")
    faults += [f"verify: {one}" for one in verify_objects(workspace).findings]
    try:
        assert_valid_root(store / "objects")
    except AssertionError as error:
        faults.append(f"ocfl: {error}")
    before = dump(workspace)
    workspace.rebuild()
    if dump(workspace) != before:
        faults.append("the catalogue is not what a rebuild makes")
    faults += [f"left over: {path.relative_to(store)}" for path in sorted(store.rglob(".*"))]
    faults += [f"left over: {path.relative_to(store)}" for path in sorted((store / "work").rglob("*"))
               if path.is_file() and "locks" not in path.parts]
    workspace.close()
    return faults


def misplaced(workspace: Workspace, readings: dict[str, Any]) -> list[str]:
    """Papers that are not in exactly one place, or not in the right one, or filed twice."""
    root, faults = workspace.root, []
    unmatched, done = root / "inbox" / "unmatched", root / "inbox" / "done"
    lying = {
        "archive": Counter(sha256(path) for path in (root / "objects").rglob("original.pdf")),
        "unmatched": Counter(sha256(path) for path in unmatched.rglob("*.pdf")),
        "quarantine": Counter(sha256(path) for path in (root / "quarantine").rglob("*.pdf")),
        "inbox": Counter(sha256(path) for path in (root / "inbox").rglob("*.pdf")
                         if not {unmatched, done} & set(path.parents)),
        "done": Counter(sha256(path) for path in done.rglob("*.pdf")),
    }
    wanted = json.loads((root.parent / "digests.json").read_text())
    for name, digest in wanted.items():
        found = {place: lying[place][digest] for place in ("archive", "unmatched", "quarantine", "inbox")}
        if found != {place: int(place == PLACES[name]) for place in found}:
            faults.append(f"{name} lies in {found}")
    copies = Counter(digest for name, digest in wanted.items() if PLACES[name] == "archive")
    if lying["done"] != copies:
        faults.append(f"done holds {dict(lying['done'])}, not {dict(copies)}")
    if twice := [one for one, count in Counter(r.sha256 for r in catalogue.list_records(workspace.db)).items()
                 if count > 1]:
        faults.append(f"filed twice: {twice}")
    return faults


def dump(workspace: Workspace) -> list[tuple[Any, ...]]:
    tables = workspace.db.all("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return [(table["name"], *row) for table in tables
            for row in workspace.db.all(f'SELECT * FROM "{table["name"]}" ORDER BY 1, 2')]


def steps_of(folder: Path, act: str, readings: dict[str, Any]) -> list[str]:
    """The names of the steps of one undisturbed act."""
    store = folder / f"{act}-whole"
    shutil.copytree(folder / "store", store, symlinks=True)

    def whole() -> list[str]:
        log: list[str] = []
        stand_in_the_way(0, die, log)
        ACTS[act](store, readings)
        return log

    code, log = forked(whole)
    assert code == 0
    shutil.rmtree(store)
    return list(log)


def main() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell is deaf to it
    what, folder = sys.argv[1], Path(sys.argv[2])
    if what == "prepare":
        prepare(folder)
        inbox = folder / "store" / "inbox"
        (folder / "digests.json").write_text(json.dumps({name: sha256(inbox / name) for name in PLACES}))
    readings = pickle.loads((folder / "readings").read_bytes())
    if what == "prepare":
        print(json.dumps({act: steps_of(folder, act, readings) for act in ACTS}))
        return
    for one in sys.argv[3:]:
        act, way, step = one.split(":")
        print(json.dumps(job(folder, act, way, int(step), readings)), flush=True)


if __name__ == "__main__":
    main()
