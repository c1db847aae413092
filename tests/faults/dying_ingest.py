"""Stops acts of the archive at one step each, on copies of one store, and judges what is left; a process of its own.

``python dying_ingest.py prepare FOLDER`` makes the stores and prints the steps of each act. ``python dying_ingest.py
run FOLDER JOB...`` does jobs ``act:way:step`` and prints one JSON line for each. The process has one thread and forks
for every job, so that whatever dies there dies alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import signal
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fault_acts import ACTS, Scene, make_scenes, opened, with_known_readings
from ocfl_judge import assert_valid_root
from shim import READ_ONLY, stand_in_the_way, way_of

from recordkit.archive import catalogue
from recordkit.archive.arrivals import collect_sources
from recordkit.archive.fixity import verify_objects
from recordkit.archive.waiting import list_unmatched
from recordkit.errors import RecordkitError
from recordkit.workspace import Workspace

PLACES = ("inbox", "unmatched", "quarantine", "archive")


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


def stopped(act: str, way: str, step: int, store: Path, scene: Scene) -> dict[str, Any]:
    """The act, stopped; what a person would have seen."""
    stand_in_the_way(way_of(way, step))
    try:
        return {"ended": "well", "outcomes": ACTS[act](store, scene)}
    except (OSError, sqlite3.Error, RecordkitError, KeyboardInterrupt) as error:
        return {"ended": type(error).__name__, "error": str(error)}


def job(folder: Path, act: str, way: str, step: int, scene: Scene, whole: dict[str, Any]) -> dict[str, Any]:
    """One stop, the next run, and everything that is wrong behind each of them."""
    store, copy = folder / f"{act}-{way}-{step}", folder / f"{act}-{way}-{step}-copy"
    shutil.copytree(folder / act, store)
    came = lying(store)
    code, told = forked(lambda: stopped(act, way, step, store, scene))
    faults = [f"stopped: {one}" for one in misplaced(store, scene, came)]
    # What the next reader finds. On a copy: the next run must not need one.
    shutil.copytree(store, copy)
    code_read, read = forked(lambda: unsound(copy))
    code_again, again = forked(lambda: finished(act, store, scene, whole["store"], told))
    faults += [f"read: {one}" for one in read or ()] + [f"again: {one}" for one in again or ()]
    if code_read or code_again:
        faults.append(f"ended with {code_read} and {code_again}")
    if told and told["ended"] == "well" and way not in READ_ONLY:
        # A source that could not leave the inbox is a duplicate for the next run.
        more = Counter(told["outcomes"]) - Counter(whole["outcomes"])
        faults += [f"{way} was told as {one}" for one in more if one != "duplicate"]
    shutil.rmtree(store)
    shutil.rmtree(copy)
    return {"act": act, "way": way, "step": step, "code": code, "faults": faults,
            "ended": None, "error": None, "outcomes": None, **(told or {})}


def unsound(store: Path) -> list[str]:
    """Whatever ``verify``, ``ledger verify`` and the independent validator find."""
    workspace = opened(store)
    with workspace.settled():
        pass  # as every act begins
    faults = [f"verify: {one}" for one in verify_objects(workspace).findings]
    if not (verified := workspace.verify_ledger()).ok:
        faults.append(f"ledger: {verified.reason}")
    workspace.close()
    try:
        assert_valid_root(store / "objects")
    except AssertionError as error:
        faults.append(f"ocfl: {error}")
    return faults


def finished(
    act: str, store: Path, scene: Scene, whole: dict[str, Any], told: dict[str, Any] | None
) -> list[str]:
    """The next run, then all that is wrong with the store."""
    ACTS[act](store, scene)
    workspace = opened(store)
    with workspace.writing(), workspace.staging():
        pass  # whoever writes next clears what lies in work/
    faults = unsound(store)
    if left := collect_sources(workspace, []):
        faults.append(f"left in the inbox: {[one.name for one in left]}")
    where = lying(store)
    for digest, place in scene.places.items():
        found = {one: where[one][digest] for one in PLACES}
        if found != {one: int(one == place) for one in PLACES}:
            faults.append(f"{digest[:8]} lies in {found} and belongs into {place}")
    for name, value in outcome_of(store, workspace).items():
        # Where a full disk let papers through in two goes, they have made two versions.
        if value != whole[name] and (name != "history" or told is None or told["ended"] != "well"):
            faults.append(f"{name}: {value}, not {whole[name]} as in a run that nothing stops")
    before = dump(workspace)
    workspace.rebuild()
    if dump(workspace) != before:
        faults.append("the catalogue is not what a rebuild makes")
    faults += [f"left over: {path.relative_to(store)}" for path in sorted(store.rglob(".*"))]
    faults += [f"left over: {path.relative_to(store)}" for path in sorted((store / "work").rglob("*"))
               if path.is_file() and "locks" not in path.parts]
    workspace.close()
    return faults


def lying(store: Path) -> dict[str, Counter[str]]:
    """The PDFs of the store by place: how often each lies there, by SHA-256."""
    inbox, where = store / "inbox", {place: Counter[str]() for place in (*PLACES, "done")}
    roots = {inbox / "unmatched": "unmatched", inbox / "done": "done", inbox: "inbox", store / "objects": "archive",
             store / "quarantine": "quarantine"}
    for path in store.rglob("*.pdf"):
        place = next((place for root, place in roots.items() if root in path.parents), None)
        if place is not None:
            where[place][hashlib.sha256(path.read_bytes()).hexdigest()] += 1
    return where


def misplaced(store: Path, scene: Scene, came: dict[str, Counter[str]]) -> list[str]:
    """Papers that lie nowhere, or in two places of which none is the one that they are just leaving."""
    faults, where = [], lying(store)
    for digest, end in scene.places.items():
        before = {place for place in came if came[place][digest]}
        before |= {"inbox"} if "done" in before else set()  # a stray comes back through it
        places = {place for place in where if where[place][digest]}
        resting = places - before - ({"done"} if end == "archive" else set())
        if not places & {*PLACES, *before, end} or len(resting) > 1 or where["archive"][digest] > 1:
            faults.append(f"{digest[:8]} lies in {sorted(places)}")
    return faults


def outcome_of(store: Path, workspace: Workspace) -> dict[str, Any]:
    """All that an act leaves behind, copies and pieces too."""
    records = catalogue.list_records(workspace.db)
    return {
        "papers": {place: dict(sorted(found.items())) for place, found in lying(store).items()},
        "records": [(one.code, one.title, one.pages, one.sha256) for one in records],
        "waiting": sorted((one.key, str(one.reason)) for one in list_unmatched(workspace)),
        "history": {"versions": [one.version for one in records],
                    "acts": dict(sorted(Counter(entry.act for entry, _ in workspace.ledger.read()).items()))},
    }


def dump(workspace: Workspace) -> list[tuple[Any, ...]]:
    tables = workspace.db.all("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return [(table["name"], *row) for table in tables
            for row in workspace.db.all(f'SELECT * FROM "{table["name"]}" ORDER BY 1, 2')]


def undisturbed(folder: Path, act: str, scene: Scene) -> dict[str, Any]:
    """The names of the steps of an act that nothing stops, its outcomes, and what it leaves behind."""
    store = folder / f"{act}-whole"
    shutil.copytree(folder / act, store)

    def whole() -> dict[str, Any]:
        log = stand_in_the_way(lambda *_: None)
        outcomes = ACTS[act](store, scene)
        steps = tuple(log)
        workspace = opened(store)
        found = outcome_of(store, workspace)
        workspace.close()
        return {"steps": steps, "outcomes": outcomes, "store": found}

    code, found = forked(whole)
    assert code == 0, act
    shutil.rmtree(store)
    return dict(found)


def warm_up(folder: Path, scenes: dict[str, Scene]) -> None:
    """Import once what every job would import again behind its fork."""
    store = folder / f"warm-{os.getpid()}"
    for act in ("split", "attach"):
        shutil.copytree(folder / act, store)
        ACTS[act](store, scenes[act])
        workspace = opened(store)
        assert verify_objects(workspace).findings == ()
        workspace.close()
        shutil.rmtree(store)
    # Not the validator: it starts a thread, which a fork would lack.
    assert threading.active_count() == 1, threading.enumerate()


def main() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell is deaf to it
    os.fsync = lambda _: None  # what a dead process has written is there all the same, and the disk is slow
    what, folder = sys.argv[1], Path(sys.argv[2])
    if what == "prepare":
        made = make_scenes(folder)
        with_known_readings({digest: one for scene in made.values() for digest, one in scene.readings.items()})
        wholes = {act: undisturbed(folder, act, scene) for act, scene in made.items()}
        (folder / "scenes").write_bytes(pickle.dumps((made, wholes)))
        print(json.dumps({act: {"steps": one["steps"], "outcomes": one["outcomes"]} for act, one in wholes.items()}))
        return
    scenes, wholes = pickle.loads((folder / "scenes").read_bytes())
    with_known_readings({digest: one for scene in scenes.values() for digest, one in scene.readings.items()})
    warm_up(folder, scenes)
    for one in sys.argv[3:]:
        act, way, step = one.split(":")
        print(json.dumps(job(folder, act, way, int(step), scenes[act], wholes[act])), flush=True)


if __name__ == "__main__":
    main()
