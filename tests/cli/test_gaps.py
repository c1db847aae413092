"""``catalogue gaps``: item numbers that no record has."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from conftest import Cli, clock_at

from recordkit import files
from recordkit.archive.filing import NewRecord, file_records
from recordkit.store import open_store

DAY = date(2026, 11, 20)


def filed(store: Path, *codes: str | None) -> None:
    workspace = open_store(store, clock_at(DAY), "test")
    with workspace.writing() as writer, workspace.staging() as staging:
        news = []
        for at, code in enumerate(codes):
            path = staging / f"paper-{at}"
            files.write_atomic(path, f"{code}{at}".encode())
            news.append(NewRecord("visit-record", "件", DAY, 1, {"original.txt": path}, files.digests_of(path),
                                  code=code))
        file_records(writer, workspace, news, staging)
    workspace.close()


def test_missing_item_numbers_are_listed_as_ranges_with_their_neighbours(cli: Cli) -> None:
    assert cli.json("catalogue", "gaps") == {"items": [], "total": 0, "missing": 0}
    assert "No item number is missing." in (cli("catalogue", "gaps"), cli.err)[1]
    ours = "C001-KF·2026-D10-KFZ-{:04}".format
    filed(cli.store, None, ours(3), ours(12000))
    found = cli.json("catalogue", "gaps", "--year", 2026, "--class", "回访记录")
    assert found["items"] == [
        {"scope": ours(0), "first": 2, "last": 2, "count": 1, "after": ours(1), "before": ours(3)},
        {"scope": ours(0), "first": 4, "last": 11999, "count": 11996, "after": ours(3), "before": ours(12000)},
    ]
    assert (found["total"], found["missing"]) == (2, 11997)
    told = cli("catalogue", "gaps")
    assert "4-11999" in told and ours(3) in told and ours(12000) in told
    assert cli.json("catalogue", "gaps", "--year", 2025)["items"] == []
    cli("catalogue", "gaps", "--class", "nothing-such", expect=5)
    assert "nothing-such" in cli.err
