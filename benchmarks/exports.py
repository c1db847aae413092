"""A catalogue of items written as a printed spreadsheet, against openpyxl writing the same rows without any look.

Run: ``python benchmarks/exports.py [RECORDS ...]`` (default: 10,000 and 100,000). The rows are those that
the projection writes, with record.json as filing makes it. Each way runs in a process of its own over them, the
reading of the catalogue included: ``catalogue export`` with borders, heads, heights and print titles; openpyxl's
write-only workbook and its ordinary one with bare cells. Processor seconds, and how much the peak of memory (ru_maxrss)
is above that of the process before it began to write.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from recordkit import files
from recordkit.archive.listings.items import items_listing
from recordkit.archive.listings.output import write_listing
from recordkit.archive.listings.shape import rows_of
from recordkit.archive.selection import Selection
from recordkit.store import make_store, open_store
from recordkit.workspace import Clock, Workspace

CLOCK = Clock(lambda: datetime(2036, 6, 1, tzinfo=UTC), date(2036, 6, 1))
WAYS = ("recordkit xlsx", "openpyxl write-only", "openpyxl", "recordkit csv", "recordkit json")


def fill(workspace: Workspace, records: int) -> None:
    """Rows as the projection writes them; two thirds of the titles have 12 characters, one third has 60."""
    first = date(2026, 1, 1)
    with workspace.db.transaction():
        for ordinal in range(1, records + 1):
            record_id, code = f"R{ordinal:021x}", f"C001-KF·2026-D10-KFZ-{ordinal:04}"
            title = "张三供用水合同换表通知书" * (5 if ordinal % 3 == 0 else 1)
            on = (first + timedelta(ordinal % 365)).isoformat()
            metadata = {"record_id": record_id, "code": code, "title": title, "date": on, "pages": 2,
                        "responsible": "某某市自来水有限公司", "sha256": f"{ordinal:064x}",
                        "sha512": f"{ordinal:0128x}", "size": 40_000, "number": None,
                        "fields": {"customer_name": "张三", "address": "文昌巷12号", "reason": "逾龄"}}
            workspace.db.insert("records", {
                "record_id": record_id, "code": code, "record_class": "visit-record", "year": 2026, "period": "D10",
                "title": title, "date": on, "number": f"回访〔2026〕{ordinal:05}号", "access": "open", "pages": 2,
                "sha256": f"{ordinal:064x}", "version": 1, "commitment": "", "status": "active", "touched": 1,
                "metadata": json.dumps(metadata, ensure_ascii=False), "ordinal": ordinal,
                "scope": "C001-KF·2026-D10-KFZ-{}", "serial": ordinal})


def write(store: Path, way: str, out: Path) -> None:
    """Write the catalogue one way; print processor seconds, seconds and MB above the start."""
    workspace = open_store(store, CLOCK, "bench")
    listing = items_listing(workspace, Selection(), {})
    import openpyxl  # noqa: F401  (loading it is no part of writing)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin, used = time.perf_counter(), time.process_time()
    if way.startswith("recordkit"):
        with files.writing(out) as stream:
            write_listing(workspace, listing, way.split()[1], stream)  # type: ignore[arg-type]
    else:
        book = openpyxl.Workbook(write_only=way.endswith("only"))
        sheet = book.create_sheet("x")
        for part in listing.parts:
            for row in rows_of(part):
                sheet.append(row)
        book.save(out)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(time.process_time() - used, time.perf_counter() - begin, (after - before) / 1024)


def main() -> None:
    """Print the table."""
    if len(sys.argv) > 2 and sys.argv[1] == "--write":
        write(Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
        return
    print(f"{'rows':>9} {'way':>20} {'processor s':>12} {'seconds':>8} {'rows/s':>9} {'MB more':>8} {'file MB':>8} "
          f"{'times':>6}")
    for records in map(int, sys.argv[1:] or ("10000", "100000")):
        with tempfile.TemporaryDirectory() as scratch:
            store = Path(scratch) / "store"
            make_store(store, CLOCK, "bench")
            workspace = open_store(store, CLOCK, "bench")
            fill(workspace, records)
            workspace.close()
            ours = 0.0
            for way in WAYS:
                out = Path(scratch) / f"{way}.out"
                done = subprocess.run([sys.executable, __file__, "--write", str(store), way, str(out)], check=True,
                                      capture_output=True, text=True)
                used, took, more = map(float, done.stdout.split())
                ours = ours or used
                print(f"{records:>9,} {way:>20} {used:>12.2f} {took:>8.2f} {records / used:>9,.0f} {more:>8.1f} "
                      f"{out.stat().st_size / 1e6:>8.1f} {used / ours:>6.2f}", flush=True)


if __name__ == "__main__":
    main()
