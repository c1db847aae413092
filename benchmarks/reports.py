"""Reports and statistics over narrow tables, against counting the same by reading every record's metadata.

Run: ``python benchmarks/reports.py [RECORDS ...]`` (default: 10,000, 100,000 and 1,000,000; a million need 2 GB in the
folder for temporary files). The rows are those that the projections write: one document and one record each, six days
a document, spread over twenty years; four fifths are meter changes and visits, every fortieth a complaint; one in a
hundred is not returned. Seconds of processor time; the database is open and in the page cache. The peer counts the
contracts of the month out of the ``metadata`` of all records, as ``jq`` over the objects would.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from rows import count_filings, put_record  # noqa: E402

from recordkit.archive.deadlines import find_open  # noqa: E402
from recordkit.archive.office_report import month_of, month_report  # noqa: E402
from recordkit.retention.holdings import holdings_of  # noqa: E402
from recordkit.store import make_store, open_store  # noqa: E402
from recordkit.workspace import Clock, Workspace  # noqa: E402

TODAY = date(2026, 11, 20)
MONTH = month_of(date(2026, 10, 1))
FORMS = (("supply-contract", "customer_signed_on", 8), ("meter-change-notice", "changed_at", 18),
         ("visit-record", "visit_at", 13), ("complaint", "closed_on", 1))


def fill(workspace: Workspace, records: int) -> None:
    """Rows as the projections write them."""
    rng = random.Random(1)
    db = workspace.db
    kinds = [(form, key) for form, key, weight in FORMS for _ in range(weight)]
    first = date(2007, 1, 1)
    with db.transaction():
        for number in range(1, records + 1):
            form, key = rng.choice(kinds)
            on = first + timedelta(days=rng.randrange((TODAY - first).days))
            issue, record, filed = f"I{number:011d}", f"R{number:08d}", number % 100 != 0
            done = min(TODAY, on + timedelta(days=rng.randrange(9)))
            days = {"@issued": on, "planned": on, "other": on, key: done}
            if filed:
                days |= {"@filed": done, "@completed": done}
            db.insert("issues", {
                "issue_id": issue, "form": form, "number": f"{form}〔{on.year}〕{number}号", "scope": form,
                "seq": number, "revision": 0, "template": "", "data": "",
                "status": "returned" if filed else "issued", "title": "某某文书",
                "issue_date": on.isoformat(), "account": f"{number:010d}", "record_id": record if filed else None,
                "pack": f"P{number // 500}", "sameness": f"{number:032d}", "source": None, "position": number})
            for name, day in days.items():
                db.run("INSERT INTO milestones VALUES (:form, :key, :day, :issue, '客户服务中心')",
                       {"form": form, "key": name, "day": day.isoformat(), "issue": issue})
            if not filed:
                continue
            metadata = json.dumps({"fields": {key: done.isoformat(), "name": "某某"}, "form": form, "rest": "x" * 900})
            put_record(db, {
                "record_id": record, "code": f"C001-KF-{number:08d}", "record_class": form, "year": on.year,
                "period": "D10", "title": "某某文书", "date": on.isoformat(), "account": f"{number:010d}",
                "number": "", "issue_id": issue, "form": form, "access": "open", "pages": 2, "sha256": "", "version": 1,
                "commitment": "", "status": "active", "metadata": metadata, "touched": 1, "ordinal": number,
                "scope": form, "serial": number})
            db.insert("filings", {
                "record_id": record, "day": done.isoformat(), "record_class": form, "year": on.year, "period": "D10",
                "status": "active", "pages": 2, "bytes": 300_000, "office": "客户服务中心", "issue_id": issue})
        count_filings(db)


def from_metadata(workspace: Workspace) -> int:
    """Contracts signed in the month, out of the metadata of all records."""
    counts = Counter[str]()
    for row in workspace.db.each("SELECT form, metadata FROM records WHERE status = 'active'"):
        signed = json.loads(row["metadata"])["fields"].get("customer_signed_on")
        if signed is not None and MONTH[0].isoformat() <= signed <= MONTH[1].isoformat():
            counts[row["form"]] += 1
    return counts["supply-contract"]


Result = TypeVar("Result")


def timed(act: Callable[..., Result], *arguments: object) -> tuple[Result, float]:
    """The second of two runs."""
    act(*arguments)
    start = time.process_time()
    result = act(*arguments)
    return result, time.process_time() - start


def main() -> None:
    """Print the table."""
    print(f"{'records':>10} {'monthly s':>10} {'overdue s':>10} {'late':>7} {'stats s':>8} {'from metadata s':>16} "
          f"{'times':>6}")
    for records in map(int, sys.argv[1:] or ("10000", "100000", "1000000")):
        with tempfile.TemporaryDirectory() as scratch:
            clock = Clock(lambda: datetime(2026, 11, 20, tzinfo=UTC), TODAY)
            make_store(Path(scratch) / "store", clock, "bench")
            workspace = open_store(Path(scratch) / "store", clock, "bench")
            fill(workspace, records)
            month, monthly = timed(month_report, workspace, MONTH, TODAY)
            late, overdue = timed(find_open, workspace, TODAY)
            held, stats = timed(holdings_of, workspace, TODAY)
            signed, slow = timed(from_metadata, workspace)
            assert held.records == records - records // 100
            assert sum(one.now for one in month.figures if one.id == "contracts") == signed
            workspace.close()
        print(f"{records:10,} {monthly:10.3f} {overdue:10.3f} {len(late.items):7,} {stats:8.3f} {slow:16.3f} "
              f"{slow / monthly:6.0f}", flush=True)


if __name__ == "__main__":
    main()
