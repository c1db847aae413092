"""Mending out of a copy: whatever was damaged is again what it was, byte for byte, and nothing else is touched."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Cli, clock_at
from killing import killed_at
from small_archive import make_small_archive

import recordkit.cli.base
from recordkit.archive import strangers
from recordkit.copies.mending import Mended, mend_store
from recordkit.store import open_store
from recordkit.workspace import Clock

DAY = ("--as-of", "2026-11-20")
LEDGER = "ledger/ledger-000001.jsonl"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store and ``older``, a copy that lacks the last three entries of its ledger."""
    from recordkit.cli.main import run

    root = tmp_path_factory.mktemp("made")
    make_small_archive(root / "store")
    call = ["--store", str(root / "store"), "--quiet"]
    assert run([*call, "hold", "place", "回访〔2026〕00002号", "--kind", "debt", "--reason", "欠费", *DAY]) == 0
    assert run([*call, "backup", "--to", str(root / "older"), *DAY]) == 0
    for number in ("回访〔2026〕00001号", "供合〔2026〕0001号", "供合〔2026〕0002号"):
        assert run([*call, "hold", "place", number, "--kind", "complaint", "--reason", "投诉", *DAY]) == 0
    return root


@pytest.fixture
def office(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    shutil.copytree(made / "store", tmp_path / "store")
    shutil.copytree(made / "older", tmp_path / "older")
    return Cli(tmp_path / "store", capsys)


def older(office: Cli) -> Path:
    return office.store.parent / "older"


def ledger(office: Cli) -> bytes:
    return (office.store / LEDGER).read_bytes()


def mend(office: Cli) -> Mended:
    return mend_store(office.store, older(office), clock_at(date(2026, 11, 21)), "test")


def test_any_damaged_line_that_the_copy_has_comes_back_and_all_behind_it_stays(office: Cli) -> None:
    whole = ledger(office)
    lines = whole.splitlines(keepends=True)
    for at in range(len(lines) - 3):
        for bad in (b"", b"x" + lines[at][1:], lines[at][:-1], lines[at][: len(lines[at]) // 2] + b"\n",
                    lines[at] + lines[at]):
            (office.store / LEDGER).write_bytes(b"".join([*lines[:at], bad, *lines[at + 1 :]]))
            done = mend(office)
            assert ledger(office) == whole, (at, bad)
            assert (done.entries, done.given_up, done.left) == (len(lines), 0, [])
            (kept,) = (office.store / "outbox").glob("damaged-ledger-*")
            assert (kept / Path(LEDGER).name).read_bytes() != whole
            shutil.rmtree(kept)
    assert office.json("ledger", "verify")["ok"] and office.json("verify")["ok"]


def test_what_no_copy_has_is_refused_and_given_up_only_when_told_with_an_entry_that_says_so(office: Cli) -> None:
    lines = ledger(office).splitlines(keepends=True)
    damaged = b"".join([*lines[:-2], b"x" + lines[-2][1:], lines[-1]])
    (office.store / LEDGER).write_bytes(damaged)
    office("mend", older(office), *DAY, expect=7)
    assert f"Entries {len(lines) - 1} to {len(lines)} of the ledger are lost" in office.err
    assert ledger(office) == damaged
    office("mend", older(office), "--accept-loss", "--dry-run", *DAY)
    assert ledger(office) == damaged
    done = office.json("mend", older(office), "--accept-loss", *DAY)
    assert (done["given_up"], done["entries"]) == (2, len(lines) - 1)
    last = json.loads(ledger(office).splitlines()[-1])
    assert last["act"] == "ledger.shortened"
    assert last["body"] == {"kept": len(lines) - 2, "known": len(lines), "head": json.loads(lines[-1])["hash"]}
    assert office.json("ledger", "verify")["ok"] and office.json("verify")["ok"]
    assert office.json("hold", "list")["total"] == 2
    office("mend", older(office), "--accept-loss", *DAY, expect=8)
    assert "nothing to give up" in office.err


def test_what_somebody_did_in_the_copy_is_not_taken(office: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody acted in the copy: its next entry has another hash than the one that the store has read."""
    copy = older(office)
    Cli(copy, capsys)("edit", "供合〔2026〕0001号", "--set", "note=乙", "--reason", "试", *DAY)
    lines = ledger(office).splitlines(keepends=True)
    short = b"".join(lines[:-3])
    (office.store / LEDGER).write_bytes(short)
    office("mend", copy, *DAY, expect=7)
    assert ledger(office) == short
    office("mend", copy, "--accept-loss", *DAY)
    assert ledger(office).startswith(short) and len(ledger(office).splitlines()) == len(lines) - 2
    assert "ledger.shortened" in ledger(office).splitlines()[-1].decode()


@pytest.mark.parametrize("keeps_catalogue", [True, False])
def test_the_last_line_cut_in_two_is_one_entry(office: Cli, keeps_catalogue: bool) -> None:
    shutil.rmtree(older(office))
    office("backup", "--to", older(office), *DAY)
    whole = ledger(office)
    lines = whole.splitlines(keepends=True)
    (office.store / LEDGER).write_bytes(b"".join(lines[:-1]) + lines[-1][:40] + b"\n")
    if not keeps_catalogue:
        (office.store / "catalogue.sqlite3").unlink()
    office("mend", older(office), *DAY)
    assert ledger(office) == whole


def test_a_copy_of_another_store_is_refused(office: Cli, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    office("init", tmp_path / "other", "--no-input")
    Cli(tmp_path / "other", capsys)("backup", "--to", tmp_path / "foreign")
    (office.store / LEDGER).unlink()
    office("mend", tmp_path / "foreign", *DAY, expect=3)
    office("mend", tmp_path / "nowhere", *DAY, expect=5)
    assert not (office.store / LEDGER).exists()


def test_mending_that_is_stopped_at_any_step_is_finished_by_the_next(
    office: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = ledger(office)
    objects = {path.relative_to(office.store): path.read_bytes()
               for path in (office.store / "objects").rglob("*") if path.is_file()}
    (office.store / LEDGER).write_bytes(whole.replace(b'"seq":4', b'"seq":5', 1))
    first, *_, last = sorted((office.store / "objects").rglob("original.txt"))
    first.write_bytes(b"x")
    shutil.rmtree(last.parents[2])
    shutil.copytree(office.store, tmp_path / "damaged")
    step = 0
    while True:
        step += 1
        shutil.rmtree(office.store)
        shutil.copytree(tmp_path / "damaged", office.store)
        with killed_at(step, monkeypatch) as killed:
            mend(office)
        mend(office)
        assert ledger(office) == whole
        assert {path.relative_to(office.store): path.read_bytes()
                for path in (office.store / "objects").rglob("*") if path.is_file()} == objects
        if not killed:
            break
    assert step > 20


def test_what_the_ledger_calls_destroyed_does_not_come_back(office: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy is older than the destruction, and still holds the record."""
    code = office.json("show", "回访〔2024〕00007号")
    record_id = code["record_id"]
    workspace = open_store(office.store, clock_at(date(2026, 11, 20)), "test")
    workspace.db.run("UPDATE records SET status = 'destroyed' WHERE record_id = :id", {"id": record_id})
    workspace.close()
    for folder in (office.store / "objects").rglob(f"*{record_id}"):
        shutil.rmtree(folder)
    assert mend(office).records == []
    assert not list((office.store / "objects").rglob(f"*{record_id}"))


def test_a_file_that_nobody_knows_is_named_and_left(office: Cli) -> None:
    original = sorted((office.store / "objects").rglob("original.txt"))[0]
    stranger = original.with_name("original (PC-03).txt")
    stranger.write_bytes(b"mine")
    original.write_bytes(b"x")
    office("mend", older(office), *DAY, expect=7)
    assert "does not belong to the record" in office.err and stranger.read_bytes() == b"mine"
    stranger.rename(office.store.parent / "aside.txt")
    office("mend", older(office), *DAY)
    assert office.json("verify")["ok"]


def test_damage_that_the_copy_has_too_is_named_and_left(office: Cli) -> None:
    place = sorted((office.store / "objects").rglob("original.txt"))[0].relative_to(office.store)
    for root in (office.store, older(office)):
        (root / place).write_bytes(b"x")
    (left,) = office.json("mend", older(office), *DAY, expect=7)["left"]
    assert left["reason"] == "it is damaged in the copy too"
    assert (office.store / place).read_bytes() == b"x"


def test_another_program_version_does_not_forget_how_far_the_ledger_had_come(office: Cli) -> None:
    catalogue = sqlite3.connect(office.store / "catalogue.sqlite3")
    catalogue.execute("UPDATE meta SET value = 'of another version' WHERE name = 'schema'")
    catalogue.commit()
    catalogue.close()
    whole = ledger(office)
    os.truncate(office.store / LEDGER, len(whole) - 20)
    office("search", "文昌巷", expect=7)
    assert not office.json("ledger", "verify", expect=7)["ok"]
    (office.store / LEDGER).write_bytes(whole)
    assert office.json("search", "文昌巷")["total"] == 5


def test_notes_that_were_lost_come_back(office: Cli) -> None:
    shutil.rmtree(office.store / "notes")
    assert office.json("mend", older(office), *DAY)["notes"] == 1
    assert "欠费" in office("hold", "list")


def test_no_new_store_is_made_over_a_ledger(office: Cli) -> None:
    before = ledger(office)
    for name in ("recordkit.toml", "catalogue.sqlite3"):
        (office.store / name).unlink()
    office("search", "文昌巷", expect=5)
    assert "recordkit.toml is missing" in office.err and "init" not in office.err
    office("init", office.store, "--no-input", expect=3)
    assert ledger(office) == before


# --- clock and rights, in a real store --------------------------------------------------------------------------

@pytest.fixture
def real(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    made = Cli(tmp_path / "real", capsys)
    made("init", tmp_path / "real", "--no-input")
    (tmp_path / "visit.json").write_text(made("forms", "sample", "visit-record", "--json"), "utf-8")
    return made


@pytest.fixture
def months_ago(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    class Slow(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) - timedelta(days=400)

    with monkeypatch.context() as patch:
        patch.setattr(recordkit.cli.base, "datetime", Slow)
        yield


def test_a_clock_that_went_back_is_told_once_and_stays_a_remark(real: Cli, months_ago: None) -> None:
    command = ("generate", "visit-record", "--data", real.store.parent / "visit.json")
    workspace = open_store(real.store, Clock(lambda: datetime.now(UTC), date.today()), "test")
    with workspace.writing() as writer:
        writer.add("ledger.shortened", {"kept": 1, "known": 1, "head": ""})
        writer.commit()
    assert workspace.notices == []
    workspace.close()
    real(*command)
    assert real.err.count("The clock of this machine says") == 1
    told = real.json("ledger", "verify")
    assert told["ok"] and any("lies before that of an earlier entry" in one for one in told["remarks"])


def row(cli: Cli, part: str) -> dict[str, str | None]:
    (found,) = [one for one in cli.json("doctor")["items"] if one["part"] == part]
    return found


def test_the_doctor_names_files_of_another_account(real: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert row(real, "rights")["how"] is None
    access = os.access
    monkeypatch.setattr(strangers.os, "access",
                        lambda path, mode: access(path, mode) and "notes" not in Path(path).parts)
    assert "may not read or write notes." in str(row(real, "rights")["how"])


@pytest.mark.parametrize("folder", ["OneDrive - 供水公司", "我的坚果云", "BaiduSyncdisk", "Dropbox"])
def test_the_doctor_names_a_folder_that_another_program_synchronises(
    tmp_path: Path, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cli = Cli(tmp_path / folder / "store", capsys)
    cli("init", cli.store, "--no-input")
    assert folder in str(row(cli, "folder of the store")["how"])


def test_a_new_store_has_nothing_strange_in_it(real: Cli) -> None:
    assert [row(real, part)["how"] for part in ("folder of the store", "rights", "settings", "catalogue", "clock")] == (
        [None] * 5)
    (real.store / "recordkit-PC03.toml").write_text("x")
    assert "recordkit-PC03.toml" in str(row(real, "folder of the store")["how"])
