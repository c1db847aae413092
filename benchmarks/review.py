"""The review of a whole archive by groups, against the review of one record after the other, over the same catalogue.

Run: ``python benchmarks/review.py [RECORDS ...]`` (default: 10,000, 100,000 and 1,000,000; 10,000,000 needs 6 GB in the
folder for temporary files). The rows are those that the projections write: five classes, four records an account, an
event for every twentieth account, a hold for every two-hundredth, a decision to extend for every thousandth record;
once without volumes and once with all records in the volumes of their accounts. The catalogue is open and its file in
the page cache. One by one is tried on 20,000 records at most and told for a second.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path

from recordkit.retention.circumstances import review_store
from recordkit.retention.grouped import group_review, review_items
from recordkit.store import make_store, open_store
from recordkit.workspace import Clock, Workspace

TODAY = date(2036, 6, 1)
CLASSES = ("visit-record", "supply-contract", "meter-change-notice", "rectification-order", "stop-order")


def fill(workspace: Workspace, records: int, *, volumes: bool) -> None:
    """Rows as the projections write them; ``volumes``: every account has one, with all its records in it."""
    rng = random.Random(1)
    db = workspace.db
    first, accounts = date(2000, 1, 1), max(1, records // 4)

    def day(years: int) -> str:
        return (first + timedelta(days=rng.randrange(365 * years))).isoformat()

    with db.transaction():
        for ordinal in range(1, records + 1):
            record_id, account = f"{ordinal:022x}", f"{rng.randrange(accounts):010d}"
            db.insert("records", {
                "record_id": record_id, "code": f"C001-KF-{ordinal:08d}", "record_class": rng.choice(CLASSES),
                "year": 2020, "period": "D10", "title": "张三换表通知书", "date": day(26), "account": account,
                "access": "open", "pages": 1, "sha256": "", "version": 1, "commitment": "", "status": "active",
                "metadata": "{}" + " " * 400, "touched": 1, "ordinal": ordinal,
                "volume": f"V{account}" if volumes else None, "scope": "", "serial": ordinal,
            })
            db.insert("record_accounts", {"account": account, "record_id": record_id, "is_current": 1})
            if ordinal % 1000 == 0:
                db.insert("order_items", {"order_id": "D1", "record_id": record_id, "position": ordinal, "decided": 1,
                                          "intended": 0, "opinion": "extend", "until": "2050-12-31"})
        for number in range(accounts // 20):
            db.insert("retention_events", {
                "event_id": f"E{number}", "type": rng.choice(["contract-ended", "meter-replaced"]), "date": day(30),
                "scope": "account", "account": f"{rng.randrange(accounts):010d}", "seq": number})
        for number in range(accounts // 200):
            db.insert("holds", {"hold_id": f"H{number}", "kind": "arrears", "scope": "account", "placed": day(30),
                                "account": f"{rng.randrange(accounts):010d}", "seq": number})
        db.insert("orders", {"order_id": "D1", "year": 2030, "serial": 1, "digest": "", "manifest": "{}", "seq": 1,
                             "proposer": "arch", "proposed": ""})


def measure(records: int, *, volumes: bool) -> None:
    """Print one line of the table."""
    with tempfile.TemporaryDirectory() as scratch:
        clock = Clock(lambda: datetime(2036, 6, 1, tzinfo=UTC), TODAY)
        make_store(Path(scratch) / "store", clock, "bench")
        workspace = open_store(Path(scratch) / "store", clock, "bench")
        fill(workspace, records, volumes=volumes)
        group_review(workspace, TODAY)
        begin, used = time.perf_counter(), time.process_time()
        groups = group_review(workspace, TODAY)
        took, used = time.perf_counter() - begin, time.process_time() - used
        assert sum(one.count for one in groups) == records
        begin = time.perf_counter()
        list(islice(review_items(workspace, TODAY, decisions={"due"}), 100))
        listed = time.perf_counter() - begin
        few = min(records, 20_000)
        if few < records:
            workspace.db.run("DELETE FROM records WHERE ordinal > :few", {"few": few})
        begin = time.perf_counter()
        assert sum(1 for _ in review_store(workspace, TODAY)) == few
        single = few / (time.perf_counter() - begin)
        workspace.close()
    print(f"{records:12,} {'each account' if volumes else 'none':>13} {len(groups):8,} {took:9.2f} {used:12.2f} "
          f"{records / took:12,.0f} {single:13,.0f} {records / took / single:6.0f} {listed:17.2f}", flush=True)


def main() -> None:
    """Print the table."""
    print(f"{'records':>12} {'volumes':>13} {'groups':>8} {'seconds':>9} {'processor s':>12} {'records/s':>12} "
          f"{'one by one/s':>13} {'times':>6} {'first 100 due, s':>17}")
    for records in map(int, sys.argv[1:] or ("10000", "100000", "1000000")):
        for volumes in (False, True):
            measure(records, volumes=volumes)


if __name__ == "__main__":
    main()
