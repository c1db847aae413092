"""The four-property checks of a whole archive, against ``sha512sum`` over the same content files in the same run.

Run: ``python benchmarks/checks.py [RECORDS]`` (default 2,000 PDFs of about 200 KB with one page of text and a picture).
All files are in the page cache. Prints records a second and processor seconds, children included, for 1 and 2 jobs, the
ratio to ``sha512sum`` (one process), to ``recordkit verify`` (which reads the same bytes and opens no paper), and the
highest memory of this process at a tenth of the records and at all of them.
"""

from __future__ import annotations

import io
import os
import resource
import secrets
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import pikepdf
from shared import sha512sum, timed

from recordkit import files
from recordkit.archive.checks.running import CheckOptions, run_checks
from recordkit.archive.filing import NewRecord, file_records
from recordkit.archive.fixity import FixityOptions, verify_objects
from recordkit.archive.selection import Selection
from recordkit.store import make_store, open_store
from recordkit.workspace import Clock, Workspace

DAY = date(2026, 11, 20)


def paper(number: int) -> bytes:
    """A page with a line of text and a picture of noise, so that nothing is alike in two of them."""
    document = pikepdf.new()
    page = document.add_blank_page(page_size=(595, 842))
    picture = document.make_stream(secrets.token_bytes(430 * 450), Type=pikepdf.Name.XObject,
                                   Subtype=pikepdf.Name.Image, Width=430, Height=450, BitsPerComponent=8,
                                   ColorSpace=pikepdf.Name.DeviceGray)
    font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
    page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font), XObject=pikepdf.Dictionary(P=picture))
    page.Contents = document.make_stream(
        f"BT /F1 12 Tf 72 780 Td (Paper {number}) Tj ET q 400 0 0 420 72 72 cm /P Do Q".encode())
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def fill(workspace: Workspace, count: int) -> None:
    """Records of one page, a hundred in a batch; every tenth of another year, so that a tenth can be checked alone."""
    for start in range(0, count, 100):
        with workspace.writing() as writer, workspace.staging() as staging:
            news = []
            for number in range(start, min(start + 100, count)):
                original = staging / f"paper-{number}"
                files.draft_file(original, paper(number))
                news.append(NewRecord(
                    "visit-record", f"回访记录{number}", date(2025 if number % 10 == 0 else 2026, 7, 8), 1,
                    {"original.pdf": original, "text.json": b'{"pages": []}'}, files.digests_of(original),
                    number=f"回访〔2026〕{number:05}号"))
            file_records(writer, workspace, news, staging)


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

        def peer() -> None:
            sha512sum(paths)

        def ours(jobs: int, year: int | None = None) -> None:
            run = run_checks(workspace, CheckOptions("preservation", selection=Selection(year=year), jobs=jobs))
            assert not run.has_failed and run.records == (count if year is None else -(-count // 10))

        def verify() -> None:
            assert verify_objects(workspace, options=FixityOptions(1)).records == count

        peer()
        ours(1, 2025)
        small = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        base = timed(peer)
        ways = {"sha512sum": base, "verify": timed(verify), "check, 1 job": timed(lambda: ours(1)),
                "check, 2 jobs": timed(lambda: ours(2))}
        print("way             seconds  records/s   MB/s  processor s  times sha512sum (processor)")
        for name, (seconds, used) in ways.items():
            print(f"{name:14}  {seconds:7.2f}  {count / seconds:9,.0f}  {megabytes / seconds:5,.0f}  {used:11.2f}  "
                  f"{used / base[1]:6.1f}", flush=True)
        whole = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"memory of the command: {small / 1024:.0f} MB at {-(-count // 10):,} records, {whole / 1024:.0f} MB at "
              f"{count:,}")
        workspace.close()


if __name__ == "__main__":
    main()
