"""The review of a whole archive by groups, against the review of one record after the other, over the same catalogue.

Run: ``python benchmarks/review.py [RECORDS ...]`` (default: 10,000, 100,000 and 1,000,000; 10,000,000 needs 6 GB in the
folder for temporary files). The rows are those that the projections write: five classes, four records an account, an
event for every twentieth account, a hold for every two-hundredth, an old term for every tenth record, a decision to
extend for every thousandth; once without volumes and once with all records in the volumes of their accounts. The
catalogue is open and its file in the page cache. One by one is tried on 20,000 records at most and told for a second.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import chain, islice
from pathlib import Path

from recordkit.archive.catalogue import list_records
from recordkit.retention.circumstances import decide_record, load_circumstances
from recordkit.retention.grouped import group_review, review_items
from recordkit.store import make_store, open_store
from recordkit.workspace import Clock, Workspace

TODAY = date(2036, 6, 1)
CLASSES = ("visit-record", "supply-contract", "meter-change-notice", "rectification-order", "stop-order")
TERMS = ("永久", "长期", "短期", "20年", "定期")


def fill(catalogue: Path, records: int, *, volumes: bool) -> None:
    """Rows as the projections write them; ``volumes``: every account has one, with all its records in it.

    Straight into the file of a closed store, indexes made afterwards: ten million rows would take an hour else.
    """
    rng = random.Random(1)
    first, accounts = date(2000, 1, 1), max(1, records // 4)

    def day(years: int) -> str:
        return (first + timedelta(days=rng.randrange(365 * years))).isoformat()

    def rows() -> Iterator[dict[str, object]]:
        for ordinal in range(1, records + 1):
            account = f"{rng.randrange(accounts):010d}"
            yield {
                "record_id": f"{ordinal:022x}", "code": f"C001-KF-{ordinal:08d}", "record_class": rng.choice(CLASSES),
                "year": 2020, "period": "D10", "title": "张三换表通知书", "date": day(26), "account": account,
                "access": "open", "pages": 1, "sha256": "", "version": 1, "commitment": "", "status": "active",
                "metadata": "{}" + " " * 400, "touched": 1, "ordinal": ordinal,
                "old_term": TERMS[ordinal // 10 % len(TERMS)] if ordinal % 10 == 0 else None,
                "volume": f"V{account}" if volumes else None, "scope": "", "serial": ordinal,
            }

    with closing(sqlite3.connect(catalogue, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("BEGIN")
        indexes = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
        for name, _ in indexes:
            db.execute(f"DROP INDEX {name}")
        put(db, "records", rows())
        db.execute("INSERT INTO record_accounts (account, record_id, is_current) "
                   "SELECT account, record_id, 1 FROM records ORDER BY account, record_id")
        put(db, "order_items", (
            {"order_id": "D1", "record_id": f"{ordinal:022x}", "decided": 1, "intended": 0,
             "opinion": "extend", "until": "2050-12-31"} for ordinal in range(1000, records + 1, 1000)))
        put(db, "retention_events", (
            {"event_id": f"E{number}", "type": rng.choice(["contract-ended", "meter-replaced"]), "date": day(30),
             "scope": "account", "account": f"{rng.randrange(accounts):010d}", "seq": number}
            for number in range(accounts // 20)))
        put(db, "holds", (
            {"hold_id": f"H{number}", "kind": "arrears", "scope": "account", "placed": day(30),
             "account": f"{rng.randrange(accounts):010d}", "seq": number} for number in range(accounts // 200)))
        put(db, "orders", iter([{"order_id": "D1", "year": 2030, "serial": 1, "digest": "", "manifest": "{}", "seq": 1,
                                 "proposer": "arch", "proposed": ""}]))
        for _, sql in indexes:
            db.execute(sql)
        db.execute("COMMIT")


def put(db: sqlite3.Connection, table: str, rows: Iterator[dict[str, object]]) -> None:
    """Insert rows that have the same columns."""
    row = next(rows, None)
    if row is not None:
        names = ", ".join(row)
        db.executemany(f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{name}' for name in row)})",
                       chain([row], rows))


@contextmanager
def filled(records: int, *, volumes: bool) -> Iterator[Workspace]:
    """A store with so many records, open."""
    with tempfile.TemporaryDirectory() as scratch:
        clock = Clock(lambda: datetime(2036, 6, 1, tzinfo=UTC), TODAY)
        root = Path(scratch) / "store"
        make_store(root, clock, "bench")
        fill(root / "catalogue.sqlite3", records, volumes=volumes)
        workspace = open_store(root, clock, "bench")
        try:
            yield workspace
        finally:
            workspace.close()


def measure(records: int, *, volumes: bool) -> None:
    """Print one line of the table."""
    with filled(records, volumes=volumes) as workspace:
        group_review(workspace, TODAY)
        begin, used = time.perf_counter(), time.process_time()
        groups = group_review(workspace, TODAY)
        took, used = time.perf_counter() - begin, time.process_time() - used
        assert sum(one.count for one in groups) == records
        begin = time.perf_counter()
        list(islice(review_items(workspace, TODAY, decisions={"due"}), 100))
        listed = time.perf_counter() - begin
    few = min(records, 20_000)
    with filled(few, volumes=volumes) as workspace:
        begin = time.perf_counter()
        around = load_circumstances(workspace)
        assert sum(1 for one in list_records(workspace.db) if decide_record(workspace, one, around, TODAY)) == few
        single = few / (time.perf_counter() - begin)
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
