"""A bag exported from a store, beside a bag that the bagit library makes of the same files; processor time and memory.

    python benchmarks/bags.py [--records 2000] [--kilobytes 200]

The peer copies the files and then runs ``bagit.make_bag`` with the same two digests, validates the result, and knows
nothing of records, ledger or durability. Ours copies, digests in the same reading, checks against the inventory of each
record, writes the transfer lists, has the library validate the bag, syncs every file and enters the export.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

import bagit

from recordkit import files
from recordkit.archive.arrivals import pages_file
from recordkit.archive.bagging import export_bag, plan_export
from recordkit.archive.catalogue import list_records, objects_of
from recordkit.archive.filing import NewRecord, file_records
from recordkit.archive.selection import Selection
from recordkit.model import PageText
from recordkit.store import make_store, open_store
from recordkit.workspace import Clock, Workspace

DAY = date(2026, 12, 1)
CLOCK = Clock(lambda: datetime(2026, 12, 1, 12, tzinfo=UTC), DAY)


def fill(workspace: Workspace, records: int, size: int) -> None:
    """File invented papers of one size, each with other bytes."""
    filler = os.urandom(size)
    for start in range(0, records, 500):
        with workspace.writing() as writer, workspace.staging() as staging:
            news = []
            for number in range(start, min(records, start + 500)):
                path = staging / f"{number}.pdf"
                files.draft_file(path, b"%%PDF-1.4 %d\n" % number + filler)
                text = pages_file([PageText(1, "客户回访记录" * 60, "ocr", "benchmark")])
                news.append(NewRecord("visit-record", f"回访记录{number}", date(2025, 1, 1), 1,
                                      {"original.pdf": path, "text.json": text}, files.digests_of(path)))
            file_records(writer, workspace, news, staging)


def by_the_library(workspace: Workspace, folder: Path) -> None:
    """Copy the same files and let the library make and validate a bag of them."""
    objects = objects_of(workspace)
    for record in list_records(workspace.db):
        target = folder / record.record_id
        target.mkdir(parents=True)
        for name, path, _ in objects.current_files(record.record_id):
            shutil.copyfile(path, target / name)
    bagit.make_bag(str(folder), checksums=["sha256", "sha512"])
    bagit.Bag(str(folder)).validate()


def measured(name: str, work: object) -> float:
    """Run it; processor time of this process in seconds."""
    assert callable(work)
    begin, wall = time.process_time(), time.perf_counter()
    work()
    taken = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"{name}: {taken:.2f} s processor, {time.perf_counter() - wall:.1f} s by the clock, peak {peak} MB")
    return taken


def main() -> None:
    """Fill, run both, print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=2000)
    parser.add_argument("--kilobytes", type=int, default=200)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        make_store(place / "store", CLOCK, "benchmark")
        workspace = open_store(place / "store", CLOCK, "benchmark")
        fill(workspace, chosen.records, chosen.kilobytes << 10)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        print(f"{chosen.records} records of {chosen.kilobytes} KB; peak {peak} MB before")
        ours = measured("recordkit export", lambda: export_bag(workspace, plan_export(workspace, Selection()),
                                                               place / "ours"))
        theirs = measured("bagit.make_bag", lambda: by_the_library(workspace, place / "theirs"))
        print(f"ratio {ours / theirs:.2f}")
        workspace.close()


if __name__ == "__main__":
    main()
