"""What is measured, each step in a process of its own so that its memory is its own: ``python -m searching.steps``.

A step prints one JSON object. Times are in milliseconds, sizes in bytes.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from recordkit.archive.search import shards
from recordkit.archive.search.port import SHARD_SIZE, IndexDocument
from searching.asking import asks, term
from searching.engines import build, open_ours, opened
from searching.records import Records

_SLOW = 300.0
"""A query that takes longer is asked once, a quicker one three times, the best counting."""


class Clock:
    """``now`` in seconds: of the wall, or with ``use_processor`` the time that this thread has had a processor."""

    now = staticmethod(time.perf_counter)

    @classmethod
    def use_processor(cls) -> None:
        """Nor is a second thread used, which the clock would not see."""
        cls.now = staticmethod(time.thread_time)
        shards._SHARDS_FOR_TWO = 1 << 30


def build_step(engine: str, folder: Path, records: Records, jobs: int) -> dict[str, Any]:
    begun = time.perf_counter()
    build(engine, folder, records, jobs)
    seconds = time.perf_counter() - begun
    return {"rate": records.count / seconds, "bytes": size_of(folder) / records.count, "jobs": jobs}


def ask_step(engine: str, folder: Path, records: Records, jobs: int) -> dict[str, Any]:
    """Each kind's p50, p95 and totals, with the engine opened once."""
    engine_opened = opened(engine, folder)
    found = {}
    for kind, queries in asks(records).items():
        engine_opened.ask(queries[0])
        times, totals = [], []
        for query in queries:
            begun = Clock.now()
            total = engine_opened.ask(query)
            best = (Clock.now() - begun) * 1000
            for _ in range(2 if best < _SLOW else 0):
                best = min(best, milliseconds(lambda query=query: engine_opened.ask(query)))  # type: ignore[misc]
            if total is None:
                break
            times.append(best)
            totals.append(total)
            if sum(times) > 20_000 and len(times) > 10:
                break
        if times:
            found[kind] = {"p50": statistics.median(times), "p95": percentile(times), "totals": totals}
    return found


def own_step(engine: str, folder: Path, records: Records, jobs: int) -> dict[str, Any]:
    """What only our engines do: opening anew for each search, adding and removing a record."""
    queries = asks(records)
    result: dict[str, Any] = {}
    for kind in ("selective: name", "everything: a phrase in every record"):
        times = [milliseconds(lambda ask=ask: opened(engine, folder).ask(ask)) for ask in queries[kind]]  # type: ignore[misc]
        result[f"opened anew, {kind.split(': ')[1]}"] = [statistics.median(times), percentile(times)]
    index = open_ours(folder, engine)
    last = records.document(records.count - 1)
    shard = last.ordinal // SHARD_SIZE
    added = [replace(last, record_id=f"added {number}", pages=(f"新增第{number}件饕餮",)) for number in range(5)]

    def add(document: IndexDocument) -> None:
        index.apply([document], (), 2, records)
        assert index.search(term("饕餮"), limit=1)[0] == int(document.record_id.split()[1]) + 1

    result["add a record and find it"] = [milliseconds(lambda one=one: add(one)) for one in added]  # type: ignore[misc]
    result["remove records of one shard"] = milliseconds(
        lambda: index.apply((), {one.record_id for one in added}, 1, lambda _: records(shard)))
    assert not index.held({one.record_id for one in added})
    return result


def updates_step(engine: str, folder: Path, records: Records, jobs: int) -> dict[str, Any]:
    """A thousand single updates, and the size against an index made of the same records at once."""
    index = open_ours(folder / "updated", engine)
    index.rebuild(records.shards, records, 1)
    fresh = size_of(folder / "updated")
    times, sizes = [], []
    for number in range(1000):
        document = records.document(number * 7 % records.count)
        changed = replace(document, fields={**document.fields, "phone": (f"139{number:08d}",)})
        times.append(milliseconds(lambda changed=changed: index.apply([changed], (), 2, records)))  # type: ignore[misc]
        sizes.append(size_of(folder / "updated"))
    files = sum(1 for path in (folder / "updated").rglob("*") if path.is_file())
    return {"p50": statistics.median(times), "p95": percentile(times), "size ratio": sizes[-1] / fresh,
            "greatest size ratio": max(sizes) / fresh, "files": files}


def milliseconds(work: Callable[[], object]) -> float:
    begun = Clock.now()
    work()
    return (Clock.now() - begun) * 1000


def percentile(times: list[float]) -> float:
    """The 95th."""
    return sorted(times)[min(len(times) - 1, int(len(times) * 0.95))]


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


STEPS = {"build": build_step, "ask": ask_step, "own": own_step, "updates": updates_step}


if __name__ == "__main__":
    step, engine, folder, count, jobs, clock = sys.argv[1:]
    if clock == "processor":
        Clock.use_processor()
    print(json.dumps(STEPS[step](engine, Path(folder), Records(int(count)), int(jobs))))
