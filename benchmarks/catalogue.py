"""What the catalogue costs with a million records: listings, show and edit as whole commands, and the rebuild.

Run: ``python benchmarks/catalogue.py [--records N] [--rebuild N]`` (default 1,000,000 rows and no rebuild). The rows
are those that the projections write: five classes, twenty years, boxes of 200. Each command is run as a clerk runs it
and compared with a bare Python in the same run that imports the modules which the command had imported at its end.
Processor time (user and system) of the process and time by the clock, best of several runs. ``--rebuild N`` files N
real records, objects and all, and derives the catalogue anew.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from rows import count_filings, put_record  # noqa: E402

from recordkit import files  # noqa: E402
from recordkit.archive.filing import NewRecord, file_records  # noqa: E402
from recordkit.db import Database  # noqa: E402
from recordkit.store import make_store, open_store  # noqa: E402
from recordkit.workspace import Clock, Workspace  # noqa: E402

CLASSES = ("visit-record", "supply-contract", "meter-change-notice", "rectification-order", "stop-order")
PERIODS = ("D10", "D30", "D10", "D30", "D30")
TODAY = date(2026, 11, 20)
CLOCK = Clock(lambda: datetime(2026, 11, 20, 4, tzinfo=UTC), TODAY)
METADATA = ('{"responsible": "清源市自来水有限公司", "title": "张三换表通知书", "pages": 1, "box": "%s", '
            '"address": "文昌巷12号", "phone": "13900000001", "filed_at": "2026-11-20T04:00:00Z", '
            '"fields": {"visitor": "夏玥"}%s}')


def fill(workspace: Workspace, records: int) -> None:
    """Rows as the projections write them, in the order of filing: a year after the other."""
    rng, db = random.Random(1), workspace.db
    per_year = max(1, records // 20)
    serials: dict[str, int] = {}
    with db.transaction():
        for ordinal in range(1, records + 1):
            year = min(2006 + (ordinal - 1) // per_year, 2025)
            kind = rng.randrange(5)
            scope = f"C001-KF·{year}-{PERIODS[kind]}-KFZ-0000"
            serial = serials[scope] = serials.get(scope, 0) + 1
            day = (date(year, 1, 1) + timedelta(days=rng.randrange(365))).isoformat()
            record_id, box, account = f"R{ordinal:08d}", f"{ordinal // 200:05d}", f"{rng.randrange(records // 4):010d}"
            put_record(db, {
                "record_id": record_id, "code": f"{scope[:-4]}{serial:04}", "record_class": CLASSES[kind],
                "form": CLASSES[kind], "year": year, "period": PERIODS[kind], "title": "张三换表通知书", "date": day,
                "number": f"换通〔{year}〕{ordinal:06d}号", "account": account, "party": "张三", "access": "open",
                "pages": 1, "sha256": "", "version": 1, "commitment": "", "status": "active",
                "metadata": METADATA % (box, " " * 300), "touched": 0, "ordinal": ordinal, "scope": scope,
                "serial": serial, "box": box, "old_term": "长期" if ordinal % 40 == 0 else None})
            db.insert("record_accounts", {"account": account, "record_id": record_id, "is_current": 1})
            db.insert("filings", {
                "record_id": record_id, "day": day, "record_class": CLASSES[kind], "year": year,
                "period": PERIODS[kind], "status": "active", "pages": 1, "bytes": 90_000, "office": "",
                "issue_id": None})
            if ordinal % 5 == 0:
                put_in_volume(db, record_id, ordinal // 20)
        db.run("INSERT OR REPLACE INTO code_serials SELECT scope, max(serial) FROM records GROUP BY scope")
        count_filings(db)


def put_in_volume(db: Database, record_id: str, volume: int) -> None:
    """A fifth of the records lie in volumes, four in each."""
    volume_id = f"V{volume:08d}"
    db.run("INSERT OR IGNORE INTO volumes VALUES (:id, :code, 'C001-KFZ-AJ0000', :serial, 'account', NULL, '卷', "
           ":account, '{}', '2026-01-01', NULL, 4, 0)",
           {"id": volume_id, "code": f"C001-KFZ-AJ{volume:04}", "serial": volume, "account": f"{volume:010d}"})
    db.insert("volume_records", {"record_id": record_id, "volume_id": volume_id, "position": int(record_id[1:])})
    db.run("UPDATE records SET volume = :volume WHERE record_id = :id", {"volume": volume_id, "id": record_id})


def file_real(workspace: Workspace, records: int, start: int = 0) -> float:
    """File records with objects, in batches as ingest does; seconds."""
    begin, done = time.perf_counter(), 0
    while done < records:
        many = min(128, records - done)
        with workspace.writing() as writer, workspace.staging() as staging:
            news = []
            for at in range(many):
                number = start + done + at
                original = staging / f"paper-{at}"
                files.draft_file(original, b"paper %d" % number)
                kind = number % 5
                news.append(NewRecord(
                    CLASSES[kind], f"张三换表通知书{number}",
                    date(2006 + number % 20, 1 + number % 12, 1 + number % 28), 1,
                    {"original.txt": original}, files.digests_of(original), form=CLASSES[kind],
                    extra={"account": f"{number // 4:010d}", "box": f"{number // 200:05d}", "address": "文昌巷12号"}))
            file_records(writer, workspace, news, staging)
        done += many
    return time.perf_counter() - begin


def cpu_ms(command: Sequence[str], runs: int, expect: int = 0) -> tuple[float, float]:
    """Least processor time and least wall time of a command, in milliseconds."""
    found, walls = [], []
    for at in range(1, runs + 1):
        before, begin = os.times(), time.perf_counter()
        done = subprocess.run([one.replace("{n}", str(at)) for one in command], check=False, capture_output=True)
        walls.append(time.perf_counter() - begin)
        after = os.times()
        if done.returncode != expect:
            raise SystemExit(f"{command}: exit {done.returncode}\n{done.stderr.decode()}")
        found.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return min(found) * 1000, min(walls) * 1000


def imports_of(command: Sequence[str]) -> list[str]:
    """Modules that a command had imported at its end."""
    told = ("import atexit, runpy, sys\n"
            "atexit.register(lambda: print('\\n'.join(sorted(sys.modules)), file=sys.stderr))\n"
            "sys.argv = sys.argv[1:]\n"
            "runpy.run_module('recordkit', run_name='__main__', alter_sys=True)")
    done = subprocess.run([sys.executable, "-c", told, "recordkit", *command], check=False, capture_output=True,
                          text=True)
    names = [name for name in done.stderr.split("\n") if name and " " not in name]
    return [name for name in names if not name.startswith("__")]


_BARE = """import importlib
for name in %r:
    try:
        importlib.import_module(name)
    except Exception:
        pass
"""


def measure(store: Path, name: str, arguments: Sequence[str], runs: int) -> None:
    """One line of the table; {n} in an argument is another number each time."""
    command = ["--store", str(store), *arguments]
    modules = imports_of([one.replace("{n}", "0") for one in command])
    with tempfile.NamedTemporaryFile("w", suffix=".py", encoding="utf-8") as peer:
        peer.write(_BARE % modules)
        peer.flush()
        cpu_ms([sys.executable, peer.name], 1)
        own, wall = cpu_ms([sys.executable, "-m", "recordkit", *command], runs)
        bare, bare_wall = cpu_ms([sys.executable, peer.name], runs)
    print(f"{name:44} {own:8.0f} {bare:8.0f} {own / bare:7.2f} {wall:8.0f} {bare_wall:8.0f} {wall / bare_wall:7.2f}",
          flush=True)


def listings(root: Path, records: int, runs: int) -> None:
    """The table of whole commands."""
    store = root / "store"
    make_store(store, CLOCK, "bench")
    workspace = open_store(store, CLOCK, "bench")
    file_real(workspace, 1)
    # One record is real, for edits; the index knows it before the rows come, of which it is not to hear.
    subprocess.run([sys.executable, "-m", "recordkit", "--store", str(store), "search", "张三"], check=True,
                   capture_output=True)
    real = workspace.db.one("SELECT record_id FROM records")
    assert real is not None
    workspace.db.run("UPDATE records SET ordinal = :far, scope = 'real', code = 'real' WHERE record_id = :id",
                     {"far": records + 1, "id": real["record_id"]})
    begin = time.process_time()
    fill(workspace, records)
    workspace.db.run("PRAGMA wal_checkpoint(TRUNCATE)")
    size = (store / "catalogue.sqlite3").stat().st_size
    print(f"{records:,} rows in {time.process_time() - begin:.0f} s of processor time, database {size / 1e6:,.0f} MB")
    middle = workspace.db.one("SELECT code FROM records WHERE ordinal = :at", {"at": records // 2})
    assert middle is not None
    workspace.close()
    deep = str(min(50_000, records // 2))
    print(f"{'command':44} {'cpu ms':>8} {'bare':>8} {'ratio':>7} {'wall ms':>8} {'bare':>8} {'ratio':>7}")
    page: list[tuple[str, list[str]]] = [
        ("show", ["show", str(middle["code"])]),
        ("catalogue list", ["catalogue", "list"]),
        ("catalogue list --offset 50000 (page 1,001)", ["catalogue", "list", "--offset", deep]),
        ("... --class --year", ["catalogue", "list", "--class", "stop-order", "--year", "2015"]),
        ("... --class, --offset 50000", ["catalogue", "list", "--class", "stop-order", "--offset", deep]),
        ("... --class --after CODE", ["catalogue", "list", "--class", "stop-order", "--after", str(middle["code"])]),
        ("... --from --to (30 days)", ["catalogue", "list", "--from", "2015-03-10", "--to", "2015-04-09"]),
        ("... --from --sort date, --offset 50000",
         ["catalogue", "list", "--from", "2009-03-10", "--sort", "date", "--offset", deep]),
        ("... --form --period --year --sort date",
         ["catalogue", "list", "--form", "stop-order", "--period", "D30", "--year", "2019", "--sort", "date"]),
        ("... --year --sort filing", ["catalogue", "list", "--year", "2012", "--sort", "filing"]),
        ("... --class --sort filing", ["catalogue", "list", "--class", "stop-order", "--sort", "filing"]),
        ("... --from --to (8 years) --sort filing",
         ["catalogue", "list", "--from", "2015-03-10", "--to", "2023-04-09", "--sort", "filing"]),
        ("... --period 长期", ["catalogue", "list", "--period", "长期"]),
        ("... --period 长期 --sort filing", ["catalogue", "list", "--period", "长期", "--sort", "filing"]),
        ("... --box", ["catalogue", "list", "--box", "00777"]),
        ("... --account", ["catalogue", "list", "--account", "0000000777"]),
        ("stats", ["stats"]),
        ("box list", ["box", "list"]),
        ("volume list", ["volume", "list"]),
        ("catalogue gaps", ["catalogue", "gaps"]),
        ("catalogue gaps --year", ["catalogue", "gaps", "--year", "2015"]),
        ("report monthly", ["report", "monthly", "--month", "2025-10"]),
        ("history", ["history", str(real["record_id"])]),
        ("edit", ["edit", str(real["record_id"]), "--set", "note=入盒{n}", "--reason", "x"]),
    ]
    for name, arguments in page:
        measure(store, name, [*arguments, "--json"], runs)


def rebuilding(root: Path, records: int) -> None:
    """Filing and rebuild of real records."""
    make_store(root / "real", CLOCK, "bench")
    workspace = open_store(root / "real", CLOCK, "bench")
    cpu = time.process_time()
    # What is only to be read again need not outlive a power cut: the disk is not waited for, or filing takes an hour.
    with patch.object(files, "_sync", lambda handle: None), patch.object(files, "sync_folder", lambda folder: None):
        file_real(workspace, records)
    print(f"{records:,} records filed, {(time.process_time() - cpu) / records * 1e3:.2f} ms of processor time each",
          flush=True)
    begin, cpu = time.perf_counter(), time.process_time()
    workspace.rebuild()
    took, cpu = time.perf_counter() - begin, time.process_time() - cpu
    print(f"rebuilt: {records / took:,.0f} records/s by the clock, {records / cpu:,.0f} by processor time")
    workspace.close()


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rebuild", type=int, default=0)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, contextlib.suppress(KeyboardInterrupt):
        if given.records:
            listings(Path(scratch), given.records, given.runs)
        if given.rebuild:
            rebuilding(Path(scratch), given.rebuild)


if __name__ == "__main__":
    main()
