"""A disk that is full, a folder that is read-only: the command says so, and every paper stays where it is."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from papers import pdf_bytes
from scans import DAY, filed, issue_one, signed
from shim import READ_ONLY, deny, stand_in_the_way

from recordkit.db import Database
from recordkit.templates.forms import shipped_forms

FULL = os.strerror(errno.ENOSPC)


def full_for(data: bytes, times: int = 1 << 30) -> Callable[[int, str, tuple[Any, ...]], None]:
    """No room for a file of these bytes, so many times."""
    left = times

    def stops(_: int, name: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if name == "_write" and bytes(arguments[1]) == data and left:
            left -= 1
            raise OSError(errno.ENOSPC, FULL)

    return stops


def kept(cli: Cli, place: str) -> list[bytes]:
    return sorted(path.read_bytes() for path in (cli.store / place).rglob("*.pdf"))


@pytest.mark.parametrize("is_filed", [True, False])
def test_a_disk_too_full_to_attach_leaves_the_paper_in_the_inbox(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_filed: bool
) -> None:
    number, paper = issue_one(cli), pdf_bytes(text="ID card")
    if is_filed:
        filed(cli, tmp_path, number)
    source = cli.store / "inbox" / "id card.pdf"
    source.write_bytes(paper)
    with monkeypatch.context() as patch:
        stand_in_the_way(full_for(paper), patch.setattr)
        assert cli("ingest", "--attach-to", number, source, "--no-ocr", *DAY, expect=1) == ""
    assert FULL in cli.err and "the next run goes on" in cli.err
    assert source.read_bytes() == paper
    assert kept(cli, "quarantine") == [] and kept(cli, "inbox/unmatched") == []
    (item,) = cli.json("ingest", "--attach-to", number, source, "--no-ocr", *DAY)["items"]
    assert item["outcome"] == ("attached" if is_filed else "waits")
    assert paper in kept(cli, "objects" if is_filed else "inbox/unmatched")


def test_what_was_copied_before_the_disk_was_full_is_attached_first(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = issue_one(cli)
    filed(cli, tmp_path, number)
    papers = [pdf_bytes(text=text) for text in ("ID card", "Deed", "Plan")]
    for at, data in enumerate(papers):
        (cli.store / "inbox" / f"{at}.pdf").write_bytes(data)
    with monkeypatch.context() as patch:
        stand_in_the_way(full_for(papers[1], times=1), patch.setattr)
        items = cli.json("ingest", "--attach-to", number, cli.store / "inbox", "--no-ocr", *DAY)["items"]
    assert [(one["outcome"], one["attachment"]) for one in items] == [("attached", 1), ("attached", 2), ("attached", 3)]
    assert set(papers) <= set(kept(cli, "objects"))


def test_a_disk_too_full_to_join_a_waiting_paper_leaves_it_waiting(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, paper = issue_one(cli), pdf_bytes(text="ID card")
    (cli.store / "inbox" / "id card.pdf").write_bytes(paper)
    cli("ingest", "--attach-to", number, cli.store / "inbox", "--no-ocr", *DAY)
    signed(cli, cli.store / "inbox" / "signed.pdf", number)
    with monkeypatch.context() as patch:
        stand_in_the_way(full_for(paper), patch.setattr)
        cli("ingest", "--no-ocr", *DAY, expect=1)
    assert FULL in cli.err
    assert kept(cli, "inbox/unmatched") == [paper]
    assert "damaged" not in cli("unmatched", "list")
    assert [one["outcome"] for one in cli.json("ingest", "--no-ocr", *DAY)["joined"]] == ["attached"]
    assert kept(cli, "inbox/unmatched") == []
    assert paper in kept(cli, "objects")


def test_a_disk_too_full_for_the_catalogue_is_told_as_that(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """To derive the catalogue anew would not help."""
    for at in range(60):
        (cli.store / "inbox" / f"{at}.pdf").write_bytes(pdf_bytes(text=f"Paper {at}"))
    command = ("ingest", "--class", "visit-record", "--set", "title=走访", "--no-ocr", *DAY)
    real = Database._open

    def small(self: Database, path: Path | None) -> None:
        real(self, path)
        self._connection.execute("PRAGMA max_page_count = 1")  # SQLite takes it as: no page more than there are

    with monkeypatch.context() as patch:
        patch.setattr(Database, "_open", small)
        cli(*command, expect=1)
    assert "full" in cli.err and "free space" in cli.err and "rebuild" not in cli.err
    cli(*command)
    assert len(kept(cli, "objects")) == 60
    assert kept(cli, "inbox") == kept(cli, "inbox/done") == kept(cli, "objects")
    assert cli.json("verify")["ok"] and cli.json("ledger", "verify")["ok"]


@pytest.fixture(params=READ_ONLY)
def read_only(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Makes a folder of the store read-only until the test says '' instead; what the system says of it."""
    number = getattr(errno, str(request.param).upper())
    denied = ""

    def stops(_: int, name: str, arguments: tuple[Any, ...]) -> None:
        if denied:
            deny(number, denied, name, arguments)

    def make(folder: str) -> str:
        nonlocal denied
        denied = folder
        return os.strerror(number)

    stand_in_the_way(stops, monkeypatch.setattr)
    return make


@pytest.mark.parametrize("folder", ["objects", "ledger"])
def test_an_archive_that_cannot_be_written_is_named_and_the_papers_stay(
    cli: Cli, tmp_path: Path, read_only: Callable[[str], str], folder: str
) -> None:
    number, other = issue_one(cli), issue_one(cli)
    filed(cli, tmp_path, number)
    card, paper = cli.store / "inbox" / "id card.pdf", cli.store / "inbox" / "signed.pdf"
    card.write_bytes(pdf_bytes(text="ID card"))
    signed(cli, paper, other)
    told = read_only(folder)
    for command in (("ingest", "--attach-to", number, card), ("ingest", paper)):
        cli(*command, "--no-ocr", *DAY, expect=1)
        assert told in cli.err and str(cli.store / folder) in cli.err and "permissions" in cli.err
        assert "Traceback" not in cli.err
    assert card.exists() and paper.exists()
    read_only("")
    assert cli.json("ingest", "--attach-to", number, card, "--no-ocr", *DAY)["items"][0]["outcome"] == "attached"
    assert cli.json("ingest", paper, "--no-ocr", *DAY)["items"][0]["outcome"] == "archived"
    assert cli.json("verify")["ok"] and cli.json("ledger", "verify")["ok"]


def test_a_done_folder_that_cannot_be_written_keeps_no_paper_out(
    cli: Cli, tmp_path: Path, read_only: Callable[[str], str]
) -> None:
    number, other = issue_one(cli), issue_one(cli)
    filed(cli, tmp_path, number)
    old = cli.store / "inbox" / "done" / "2026-01-05" / "signed.pdf"
    signed(cli, old, number)
    card, paper = cli.store / "inbox" / "id card.pdf", cli.store / "inbox" / "signed.pdf"
    card.write_bytes(pdf_bytes(text="ID card"))
    signed(cli, paper, other)
    told = read_only("inbox/done")
    attached = cli.json("ingest", "--attach-to", number, card, "--no-ocr", *DAY)["items"][0]
    archived = cli.json("ingest", paper, "--no-ocr", *DAY)["items"][0]
    assert f"{old.parent} could not be cleared: {told}" in cli.err
    for item, outcome in ((attached, "attached"), (archived, "archived")):
        assert item["outcome"] == outcome
        assert item["findings"][-1]["code"] == "stays-in-inbox" and told in item["findings"][-1]["message"]
    assert card.exists() and paper.exists() and old.exists()
    read_only("")
    assert [one["outcome"] for one in cli.json("ingest", "--no-ocr", *DAY)["items"]] == ["duplicate", "duplicate"]
    assert not old.parent.exists()
    assert len(kept(cli, "inbox/done")) == 2
    assert kept(cli, "inbox") == kept(cli, "inbox/done")


def test_a_quarantine_that_cannot_be_written_costs_only_the_paper_that_belongs_there(
    cli: Cli, tmp_path: Path, read_only: Callable[[str], str]
) -> None:
    number = issue_one(cli)
    filed(cli, tmp_path, number)
    (cli.store / "inbox" / "a.pdf").write_bytes(b"no pdf")
    (cli.store / "inbox" / "b.pdf").write_bytes(pdf_bytes(text="ID card"))
    told = read_only("quarantine")
    command = ("ingest", "--attach-to", number, cli.store / "inbox", "--no-ocr", *DAY)
    broken, card = cli.json(*command, expect=4)["items"]
    assert (broken["outcome"], card["outcome"]) == ("deferred", "attached")
    assert broken["findings"][0]["code"] == "not-put-aside" and told in broken["findings"][0]["message"]
    assert kept(cli, "inbox")[-1] == b"no pdf"
    read_only("")
    assert [one["outcome"] for one in cli.json(*command, expect=4)["items"]] == ["quarantined"]
    assert kept(cli, "quarantine") == [b"no pdf"]


def test_an_outbox_that_cannot_be_written_takes_no_number(cli: Cli, read_only: Callable[[str], str]) -> None:
    command = ("generate", "visit-record", "--data", shipped_forms() / "visit-record" / "sample.toml", *DAY)
    told = read_only("outbox")
    cli(*command, expect=3)
    assert f"Nothing can be written to {cli.store / 'outbox'}: {told}" in cli.err
    assert cli.json("issued", "list")["total"] == 0
    read_only("")
    assert cli.json(*command)["items"][0]["number"].endswith("00001号")
