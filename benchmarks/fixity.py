"""Reading the archive again, against ``sha512sum`` over the same content files in the same run.

Run: ``python benchmarks/fixity.py [OBJECTS]`` (default 2,000 of about 200 KB). All files are in the page cache, so the
figures are those of hashing and of the program around it; a disk slower than that is what bounds a real run. Prints
megabytes and records a second for 1 and 2 jobs, the ratio to ``sha512sum`` (one process), and the processor seconds.
"""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

from shared import sha512sum, timed

from recordkit.archive.filing import file_generated
from recordkit.archive.fixity import FixityOptions, verify_objects
from recordkit.store import make_store, open_store
from recordkit.workspace import Clock, Workspace

DAY = date(2026, 11, 20)


def fill(workspace: Workspace, count: int) -> None:
    """Records with an original of 180 KB and a text of 15 KB each."""
    for start in range(0, count, 200):
        with workspace.writing() as writer:
            for number in range(start, min(start + 200, count)):
                file_generated(
                    writer, workspace, record_class="visit-record", title=f"件{number}", on=DAY, fields={},
                    content={"original.json": secrets.token_bytes(180_000), "text.json": secrets.token_bytes(15_000)},
                )
                writer.commit()


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "store"
        clock = Clock(lambda: datetime(2026, 11, 20, 12, tzinfo=UTC), DAY)
        make_store(root, clock, "bench", simulation=True)
        workspace = open_store(root, clock, "bench")
        fill(workspace, count)
        paths = [str(path) for path in (root / "objects").rglob("content/*")]
        megabytes = sum(os.path.getsize(path) for path in paths) / 1e6  # noqa: PTH202
        print(f"{count:,} records, {len(paths):,} content files, {megabytes:,.0f} MB")
        print("way          seconds   MB/s  records/s  ratio  processor s")

        def peer() -> None:
            sha512sum(paths)

        def ours(jobs: int) -> None:
            result = verify_objects(workspace, options=FixityOptions(jobs))
            assert (result.records, result.findings, result.unverified) == (count, (), 0)

        peer()
        base, used = timed(peer)
        ways = {"sha512sum": (base, used)} | {f"{jobs} job(s)": timed(lambda jobs=jobs: ours(jobs)) for jobs in (1, 2)}
        for name, (seconds, used) in ways.items():
            print(f"{name:11}  {seconds:7.2f}  {megabytes / seconds:5,.0f}  {count / seconds:9,.0f}  "
                  f"{base / seconds:5.2f}  {used:11.2f}", flush=True)
        workspace.close()


if __name__ == "__main__":
    main()
