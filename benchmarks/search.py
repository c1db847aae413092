"""Search at size: our engines and SQLite's FTS5 side by side, on the same invented records of about 600 characters.

python benchmarks/search.py [--records N ...] [--engines NAME ...] [--keep DIR] [--only-ask | --only-build]

Prints Markdown tables: building (records a second, bytes a record, memory), asking (p50 and p95 of each kind of query
with the engine opened once, and how many times as long FTS5 takes), changing an index, and whole commands.

``--keep`` leaves the indexes and the figures of building in DIR and uses those that are there; ``--only-ask`` builds
nothing, so that the asking can be timed when the machine is quiet. Every step runs in a process of its own. Memory is
what a process and its children hold besides files mapped into memory, looked at twenty times a second (Linux only).
A query's time is the best of three, unless it takes longer than 0.3 s. FTS5 finds nothing for terms shorter than its
trigrams: "misses" counts the queries for which it finds another number of records than ours.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from searching.engines import MOST_RECORDS, missing  # noqa: E402
from searching.records import Records  # noqa: E402
from searching.steps import percentile  # noqa: E402
from searching.store import command_times, fresh_process_times  # noqa: E402

MEBIBYTE = 1 << 20


def run_step(
    step: str, engine: str, folder: Path, count: int, jobs: int = 1, clock: str = "wall"
) -> dict[str, Any]:
    """The figures of one step, with ``memory`` in bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(here.parent), str(here)])}
    command = [sys.executable, "-m", "searching.steps", step, engine, str(folder), str(count), str(jobs), clock]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    peak, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            peak[0] = max(peak[0], memory_of(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, _ = process.communicate()
    ended.set()
    watcher.join()
    if process.returncode:
        sys.exit(f"{step} of {engine} failed")
    return {**json.loads(out), "memory": peak[0]}


def memory_of(process: int) -> int:
    """Bytes that a process and its descendants hold, without mapped files; 0 where there is no /proc."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
        tasks = [*Path(f"/proc/{process}/task").iterdir()]  # each thread lists the children that it has started
        children = [child for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return 0
    own = [int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon")]
    return sum(own) + sum(memory_of(int(child)) for child in children)


def built(engine: str, folder: Path, count: int, jobs: list[int], *, only_ask: bool) -> dict[str, Any]:
    """The figures of building by number of processes; the last index built stays in ``folder / "index"``."""
    figures_file = folder / "built.json"
    if figures_file.exists():
        figures: dict[str, Any] = json.loads(figures_file.read_text())
        return figures
    if only_ask:
        return {}
    figures = {}
    for some in jobs:
        clear(folder)
        figures[str(some)] = run_step("build", engine, folder / "index", count, some)
    figures_file.write_text(json.dumps(figures))
    return figures


def clear(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()


def table(heads: list[str], rows: list[list[str]]) -> None:
    print("\n| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    sys.stdout.flush()


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratio(theirs: float, ours: float) -> str:
    return f"{theirs / ours:,.0f}×" if theirs >= 10 * ours else f"{theirs / ours:.1f}×"


def tell_building(count: int, figures: dict[str, dict[str, Any]]) -> None:
    rows = []
    for engine, by_jobs in figures.items():
        for jobs, one in by_jobs.items():
            rows.append([engine, jobs, number(one["rate"]), number(one["bytes"]),
                         number(one["memory"] / MEBIBYTE) if one["memory"] else "?"])
    print(f"\n### Building, {count:,} records")
    table(["engine", "processes", "records/s", "bytes/record", "MiB of memory"], rows)


def tell_asking(count: int, found: dict[str, dict[str, Any]]) -> None:
    ours = found["tantivy"]
    others = [engine for engine in found if engine != "tantivy"]
    rows = []
    for kind in (kind for kind in ours if kind != "memory"):
        mine = ours[kind]
        row = [kind, number(sum(mine["totals"]) / len(mine["totals"])), number(mine["p50"]), number(mine["p95"])]
        for engine in others:
            theirs = found[engine].get(kind)
            if theirs is None:
                row += ["–", "–", "–", "–"]
                continue
            pairs = list(zip(mine["totals"], theirs["totals"], strict=False))
            missed = sum(one != other for one, other in pairs)
            row += [number(theirs["p50"]), number(theirs["p95"]), ratio(theirs["p95"], mine["p95"]),
                    f"{missed}/{len(pairs)}"]
        rows.append(row)
    print(f"\n### Asking, {count:,} records, milliseconds")
    heads = ["query", "hits", "tantivy p50", "p95"]
    for engine in others:
        heads += [f"{engine} p50", "p95", "ratio of p95", "misses"]
    table(heads, rows)
    print("\nMemory while asking: " + ", ".join(
        f"{engine} {one['memory'] / MEBIBYTE:.0f} MiB" for engine, one in found.items()))


def tell_own(count: int, one: dict[str, Any]) -> None:
    print(f"\n### Opening and changing, tantivy, {count:,} records, milliseconds")
    rows = []
    for name, value in one.items():
        if name != "memory":
            times = value if isinstance(value, list) else [value]
            rows.append([name, *map(number, times[:2] if "anew" in name else (sorted(times)[len(times) // 2],
                                                                            percentile(times)))])
    table(["", "p50", "p95"], rows)


def tell_commands(rows: list[list[str]]) -> None:
    table(["whole process", "ms", "ratio to the bare import"], rows)


def tell_growth(sizes: dict[int, dict[str, Any]]) -> None:
    counts = sorted(sizes)
    print("\n### Growth, tantivy, p95 in milliseconds")
    kinds = [kind for kind in sizes[counts[0]] if kind != "memory"]
    table(["query", *(f"{count:,}" for count in counts)],
          [[kind, *(number(sizes[count][kind]["p95"]) for count in counts)] for kind in kinds])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, nargs="+", default=[10_000])
    parser.add_argument("--engines", nargs="+", choices=list(MOST_RECORDS), default=list(MOST_RECORDS))
    parser.add_argument("--keep", type=Path, help="folder in which the indexes stay")
    parser.add_argument("--only-ask", action="store_true", help="build nothing, ask the indexes that are there")
    parser.add_argument("--only-build", action="store_true")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2], help="processes to build with, in turn")
    parser.add_argument("--clock", choices=["wall", "processor"], default="wall",
                        help="'processor' times asking in one thread by its processor time, for a busy machine")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        measure(chosen, chosen.keep or Path(scratch), Path(scratch))


def measure(chosen: argparse.Namespace, keep: Path, scratch: Path) -> None:
    grown: dict[int, dict[str, Any]] = {}
    for count in chosen.records:
        figures, found = {}, {}
        for engine in chosen.engines:
            reason = missing(engine)
            if reason or count > MOST_RECORDS[engine]:
                print(f"\n{engine} is left out at {count:,} records: {reason or 'it would take hours'}.")
                continue
            folder = keep / str(count) / engine
            folder.mkdir(parents=True, exist_ok=True)
            jobs = [1] if engine.startswith("fts5") else chosen.jobs
            figures[engine] = built(engine, folder, count, jobs, only_ask=chosen.only_ask)
            if figures[engine] and not chosen.only_build:
                found[engine] = run_step("ask", engine, folder / "index", count, clock=chosen.clock)
        tell_building(count, figures)
        if "tantivy" in found:
            tell_asking(count, found)
            grown[count] = found["tantivy"]
        if "tantivy" in found and chosen.clock == "wall":
            index = keep / str(count) / "tantivy" / "index"
            tell_own(count, run_step("own", "tantivy", index, count))
            tell_commands(fresh_process_times(index, Records(count).facts(count // 2).name))
    if len(grown) > 1:
        tell_growth(grown)
    if not chosen.only_build and not chosen.only_ask:
        updated = run_step("updates", "tantivy", scratch / "updates", min(10_000, *chosen.records))
        print("\n### A thousand single updates, tantivy")
        table(["", "value"], [[name, number(value)] for name, value in updated.items() if name != "memory"])
    if not chosen.only_build and chosen.clock == "wall":
        tell_commands(command_times(scratch))


if __name__ == "__main__":
    main()
