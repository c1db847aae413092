"""People read the time of their own clocks, with its distance from UTC; programs read UTC."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Cli
from scans import DAY, filed, issue_one

from recordkit.cli.dates import local_time


@pytest.fixture
def china(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine in China, eight hours before UTC. POSIX only."""
    monkeypatch.setenv("TZ", "CST-8")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("china")
def test_a_moment_is_told_in_the_zone_of_the_machine() -> None:
    assert local_time("2026-11-20T16:03:09Z") == "2026-11-21 00:03"
    assert local_time("2026-11-20T16:03:09.5+01:00") == "2026-11-20 23:03"
    for text in ("", "yesterday", "2026-11-20T16:03:09", "0001-01-01T00:00:00+23:00"):
        assert local_time(text) == text


@pytest.mark.usefixtures("china")
def test_every_listing_tells_local_time_and_json_utc(cli: Cli, tmp_path: Path) -> None:
    number, other = issue_one(cli), issue_one(cli)
    filed(cli, tmp_path, number)
    cli("issued", "void", other, "--reason", "x", *DAY)
    (cli.store / "inbox" / "broken.pdf").write_bytes(b"no pdf")
    cli("ingest", *DAY, expect=4)
    for arguments in (["history", number], ["show", number], ["issued", "show", other], ["ledger", "list"],
                      ["quarantine", "list"]):
        said = cli(*arguments)
        moments = re.findall(r"2026-1\d-\d\d[T ]\d\d:\d\d\S*", said)
        assert moments and all(re.fullmatch(r"2026-1\d-\d\d \d\d:\d\d", one) for one in moments), said
        plain = cli(*arguments, "--json")
        assert "+08:00" not in plain
        assert arguments[0] == "show" or re.search(r"2026-1\d-\d\dT\d\d:\d\d:\d\dZ", plain)
