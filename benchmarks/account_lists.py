"""Import of a billing system's lists as events and holds: time and memory by length of the list.

Run: ``python benchmarks/account_lists.py [ROWS ...]`` (default: 10,000 and 100,000). Each import runs in a process of
its own over a store of as many accounts as the list has rows, with a record each; nine of ten rows are of known
accounts. The list is a spreadsheet with a title row and five columns.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

from recordkit.store import make_store, open_store
from recordkit.workspace import Clock

_PEAK = """
import resource, sys
from recordkit.cli.main import run
code = run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
sys.exit(code)
"""


def fill(root: Path, accounts: int) -> None:
    """Rows as the projections write them."""
    clock = Clock(lambda: datetime(2026, 11, 1, tzinfo=UTC), date(2026, 11, 1))
    make_store(root, clock, "bench", simulation=True)
    workspace = open_store(root, clock, "bench")
    db = workspace.db
    with db.transaction():
        for ordinal in range(1, accounts + 1):
            account, record_id = f"{ordinal:010d}", f"R{ordinal:08d}"
            db.insert("records", {
                "record_id": record_id, "code": f"C001-KF-{ordinal:08d}", "record_class": "supply-contract",
                "year": 2015, "period": "D30", "title": "供用水合同", "date": "2015-03-01", "account": account,
                "access": "open", "pages": 1, "sha256": "", "version": 1, "commitment": "", "status": "active",
                "metadata": "{}", "touched": 1, "ordinal": ordinal, "scope": "", "serial": ordinal,
            })
            db.insert("record_accounts", {"account": account, "record_id": record_id, "is_current": 1})
    workspace.close()


def write_list(path: Path, rows: int) -> None:
    """A title, headings, rows, a total."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["2026年10月清单"])
    sheet.append(["序号", "用户编号", "户名", "销户日期", "欠费金额(元)"])
    for number in range(1, rows + 1):
        account = f"{number:010d}" if number % 10 else f"99{number:08d}"
        sheet.append([number, account, "户名", f"2026-10-{number % 28 + 1:02d}", 12.5])
    sheet.append(["合计", None, None, None, rows * 12.5])
    book.save(path)


def main() -> None:
    """Print the table."""
    print(f"{'rows':>8} {'what':>22} {'seconds':>9} {'rows/s':>8} {'peak MB':>8}")
    for rows in map(int, sys.argv[1:] or ("10000", "100000")):
        with tempfile.TemporaryDirectory() as scratch:
            root, path = Path(scratch) / "store", Path(scratch) / "list.xlsx"
            fill(root, rows)
            write_list(path, rows)
            events = ("event", "import", str(path), "--type", "account-closed")
            holds = ("hold", "import", str(path), "--kind", "arrears", "--reason", "欠费")
            for what, command in (("events, plan", (*events, "--dry-run")), ("events", events),
                                  ("events again", events), ("holds", holds), ("holds again", holds)):
                begin = time.perf_counter()
                done = subprocess.run(  # noqa: S603
                    [sys.executable, "-c", _PEAK, "--store", str(root), "--quiet", *command, "--as-of", "2026-11-02"],
                    capture_output=True, text=True, check=True)
                took = time.perf_counter() - begin
                peak = done.stderr.strip().splitlines()[-1]
                print(f"{rows:>8} {what:>22} {took:>9.1f} {rows / took:>8.0f} {peak:>8}", flush=True)


if __name__ == "__main__":
    main()
