"""Writing and verifying the ledger, against ``sha256sum`` over the same files in the same run.

Run: ``python benchmarks/ledger.py [ENTRIES ...]`` (default: 10,000, 100,000 and 1,000,000). The entries are filings of
papers in batches of 1,000, with bodies as the archive writes them; the files turn at 64 MiB. Prints entries and
megabytes a second of appending (one sync a batch), of verifying the whole chain, of reading it entry by entry as a
rebuild does, and of ``sha256sum``; then what verifying one entry is made of.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable
from pathlib import Path

from recordkit.ledger import Act, Cursor, Ledger
from recordkit.model import Entry

BATCH = 1_000
TIME = "2026-11-20T12:00:00Z"


def filing(number: int) -> Act:
    """The filing of one paper."""
    mark = hashlib.sha256(str(number).encode()).hexdigest()
    year, serial = 2020 + number % 7, number // 7 + 1
    return Act("record.filed", {
        "record": f"R{mark[:8].upper()}", "version": 1, "code": f"C001-KF·{year}-D10-KFZ-{serial:04}",
        "scope": f"C001-KF·{year}-D10-KFZ", "serial": serial, "ordinal": number + 1, "class": "visit-record",
        "year": year, "period": "D10", "access": "restricted", "number": f"回访〔{year}〕{serial:05}号",
        "issue": mark[8:20].upper(), "form": "visit-record", "content": mark, "commitment": mark[::-1],
    })  # fmt: skip


def fill(folder: Path, entries: int) -> Ledger:
    """A ledger of that many entries."""
    ledger, cursor = Ledger(folder), Cursor()
    for start in range(0, entries, BATCH):
        acts = [filing(number) for number in range(start, min(start + BATCH, entries))]
        cursor = ledger.append(acts, time=TIME, actor="os:clerk", after=cursor)[-1][1]
    return ledger


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall seconds, and processor seconds of this process and its children: others may be at work on the machine."""
    before, begin = os.times(), time.perf_counter()
    work()
    wall, after = time.perf_counter() - begin, os.times()
    return wall, sum(after[:4]) - sum(before[:4])


def bound(ledger: Ledger) -> str:
    """Where the time of one entry goes."""
    import msgspec

    entry = next(entry for entry, _ in ledger.read())
    encoder = msgspec.json.Encoder(order="sorted")
    line = encoder.encode(entry)
    decoder = msgspec.json.Decoder(Entry)
    parts = {
        "decoding": lambda: decoder.decode(line),
        "encoding again": lambda: encoder.encode(entry),
        "SHA-256": lambda: hashlib.sha256(line).hexdigest(),
    }
    rounds = 100_000
    costs = {name: timeit.timeit(work, number=rounds) / rounds * 1e6 for name, work in parts.items()}
    told = ", ".join(f"{name} {cost:.1f} µs" for name, cost in costs.items())
    return f"One entry of {len(line)} bytes: {told}; the rest is the loop around. One core is busy, the disk waits."


def main() -> None:
    """Print the table."""
    sizes = [int(one) for one in sys.argv[1:]] or [10_000, 100_000, 1_000_000]
    print("  entries  way        seconds  entries/s   MB/s  times sha256sum  processor s")
    ledger: Ledger | None = None
    with tempfile.TemporaryDirectory() as scratch:
        for size in sizes:
            folder = Path(scratch) / str(size)
            appending = timed(lambda folder=folder, size=size: fill(folder, size))
            ledger = Ledger(folder)
            paths = sorted(folder.glob("*.jsonl"))
            megabytes = sum(path.stat().st_size for path in paths) / 1e6
            verified = ledger.verify()
            assert verified.ok and verified.entries == size
            peer = timed(lambda paths=paths: subprocess.run(["sha256sum", *paths], check=True, capture_output=True))
            ways = {
                "append": appending,
                "verify": timed(ledger.verify),
                "read": timed(lambda ledger=ledger: sum(1 for _ in ledger.read())),
                "sha256sum": peer,
            }
            for name, (seconds, used) in ways.items():
                print(f"{size:9,}  {name:9}  {seconds:7.2f}  {size / seconds:9,.0f}  {megabytes / seconds:5.0f}  "
                      f"{seconds / peer[0]:15.1f}  {used:11.2f}", flush=True)
            if size == sizes[-1]:
                print(bound(ledger))
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
