"""Waiting room, quarantine and done folder lose nothing: killed in between, on two disks, with files still growing."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import date
from pathlib import Path

import pytest
from conftest import Cli, clock_at
from papers import pdf_bytes
from scans import issue_one

from recordkit import files
from recordkit.archive import arrivals
from recordkit.store import open_store

OPTIONS = ("ingest", "--no-ocr", "--jobs", "1", "--as-of", "2026-11-20")


class Killed(BaseException):
    """Stands for SIGKILL: no handler of the program catches it."""


def test_a_scanner_that_uses_a_name_again_goes_on_writing_to_its_own_file(cli: Cli) -> None:
    inbox = cli.store / "inbox"
    for text in (b"%PDF first day", b"%PDF second day"):
        with (inbox / "SCAN0001.pdf").open("wb") as scanner:
            cli(*OPTIONS, expect=4)
            scanner.write(text)
    kept = {path.read_bytes() for path in (cli.store / "quarantine").rglob("*.pdf")}
    assert kept == {b"%PDF first day", b"%PDF second day"}


def test_what_a_person_put_into_a_folder_of_the_quarantine_stays(cli: Cli) -> None:
    paper = pdf_bytes(text="Paper")
    source = cli.store / "inbox" / "a.pdf"
    source.write_bytes(paper)
    digests = files.digests_of(source)
    folder = cli.store / "quarantine" / digests.sha256[:16]
    folder.mkdir()
    (folder / "better.pdf").write_bytes(b"%PDF a better one")
    cli(*OPTIONS, "--class", "visit-record", "--set", "title=走访")
    assert (folder / "better.pdf").read_bytes() == b"%PDF a better one"


def test_a_note_without_its_paper_does_not_settle_a_batch(cli: Cli) -> None:
    workspace = open_store(cli.store, clock_at(date(2026, 11, 20)), "test")
    folder = arrivals.unmatched_folder(workspace) / "0123456789abcdef"
    folder.mkdir(parents=True)
    note = {"name": "p.pdf", "facts": {"batch": {"sha256": "ab", "pages": [3, 4]}}}
    (folder / "reading.json").write_text(json.dumps(note), encoding="utf-8")
    assert arrivals.waiting_batches(workspace) == []
    (folder / "p.pdf").write_bytes(b"%PDF")
    assert arrivals.waiting_batches(workspace) == [("ab", 3)]
    workspace.close()


def test_a_paper_from_outside_lies_there_before_its_note(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "out.pdf"
    source.write_bytes(b"no pdf")

    def die(items: object, **_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_batch", die)
        with pytest.raises(Killed):
            cli(*OPTIONS, source)
    assert [path.read_bytes() for path in (cli.store / "quarantine").rglob("out.pdf")] == [b"no pdf"]
    cli(*OPTIONS, source, expect=4)
    assert len(list((cli.store / "quarantine").rglob("*.pdf"))) == 1


def test_a_move_to_another_disk_that_is_killed_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    source, folder = tmp_path / "a.pdf", tmp_path / "there"
    source.write_bytes(b"whole")
    real = os.replace

    def other_disk(one: Path, two: Path) -> None:
        if Path(one) == source:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(one, two)

    def die(*_: object, **__: object) -> None:
        raise Killed

    monkeypatch.setattr(files, "_rename", other_disk)
    with monkeypatch.context() as patch:
        patch.setattr(files, "_digest", die)
        with pytest.raises(Killed):
            files.move_into(source, folder)
    assert source.read_bytes() == b"whole"
    assert not (folder / "a.pdf").exists()
    assert files.move_into(source, folder).read_bytes() == b"whole"
    assert not source.exists()


def test_folders_whose_removal_was_cut_off_are_cleared(cli: Cli) -> None:
    for place in ("inbox/unmatched", "quarantine", "inbox/done"):
        left = cli.store / place / ".0123456789abcdef.gone"
        left.mkdir(parents=True)
        (left / "reading.json").write_text("{}", encoding="utf-8")
    cli(*OPTIONS)
    assert list(cli.store.rglob(".*.gone")) == []


def test_an_inbox_that_is_a_link_does_not_swallow_what_waits(cli: Cli, tmp_path: Path) -> None:
    elsewhere = tmp_path / "share"
    (elsewhere / "unmatched" / "0123456789abcdef").mkdir(parents=True)
    (elsewhere / "unmatched" / "0123456789abcdef" / "reading.json").write_text("{}", encoding="utf-8")
    (cli.store / "inbox").rmdir()
    (cli.store / "inbox").symlink_to(elsewhere)
    assert cli.json(*OPTIONS)["total"] == 0
    assert (elsewhere / "unmatched" / "0123456789abcdef" / "reading.json").exists()


def test_what_lies_beside_a_paper_goes_when_the_paper_was_filed_and_its_run_killed(cli: Cli) -> None:
    paper, other = pdf_bytes(text="Filed"), pdf_bytes(text="On its way")
    (cli.store / "inbox" / "a.pdf").write_bytes(paper)
    assert cli.json(*OPTIONS, "--class", "visit-record", "--set", "title=走访")["items"][0]["outcome"] == "archived"
    room = cli.store / "inbox" / "unmatched"
    folders = {}
    for data in (paper, other):
        digest = hashlib.sha256(data).hexdigest()
        folders[data] = room / digest[:16]
        folders[data].mkdir(parents=True)
        note = {"name": "a.pdf", "sha256": digest, "findings": [], "pages": [], "facts": {}, "copies": ["repaired.pdf"]}
        (folders[data] / "reading.json").write_text(json.dumps(note), encoding="utf-8")
        (folders[data] / "repaired.pdf").write_bytes(data)
    cli(*OPTIONS)
    assert not folders[paper].exists()
    assert sorted(path.name for path in folders[other].iterdir()) == ["reading.json", "repaired.pdf"]
    left = room / ".0123456789abcdef.gone"
    number = issue_one(cli)
    (cli.store / "inbox" / "b.pdf").write_bytes(pdf_bytes(text="Uncoded"))
    cli(*OPTIONS)
    left.mkdir()
    cli("match", "b.pdf", number, "--as-of", "2026-11-20")
    assert not left.exists(), "a match clears what the one before it began to remove"
