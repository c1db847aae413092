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


@pytest.mark.parametrize("folder", [True, False])
def test_a_ledger_that_is_gone_comes_back_though_the_catalogue_is_gone_too(office: Cli, folder: bool) -> None:
    shutil.rmtree(older(office))
    office("backup", "--to", older(office), *DAY)
    whole = ledger(office)
    shutil.rmtree(office.store / "ledger")
    if folder:
        (office.store / "ledger").mkdir()
    for path in office.store.glob("catalogue.sqlite3*"):
        path.unlink()
    office("mend", older(office), *DAY)
    assert ledger(office) == whole and office.json("verify")["ok"]


def test_objects_that_are_all_gone_come_back_with_the_files_of_their_root(office: Cli) -> None:
    shutil.rmtree(older(office))
    office("backup", "--to", older(office), *DAY)
    shutil.rmtree(office.store / "objects")
    office("mend", older(office), *DAY)
    assert office.json("verify")["ok"]


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
    items = office.json("verify", expect=7)["items"]
    assert len(items) == 4 and all(one["file"].startswith("notes/") and one["code"] for one in items)
    done = office.json("mend", older(office), *DAY, expect=7)
    assert done["notes"] == 1 and [one["place"][:6] for one in done["left"]] == ["notes/"] * 3
    assert "欠费" in office("hold", "list")
    assert len(office.json("verify", expect=7)["items"]) == 3


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


def impatient(office: Cli) -> None:
    settings = office.store / "recordkit.toml"
    settings.write_text(settings.read_text("utf-8").replace("wait_seconds = 30.0", "wait_seconds = 0.1"), "utf-8")


def test_who_has_to_wait_is_told_who_holds_the_store(office: Cli) -> None:
    impatient(office)
    note = office.store / "work" / "locks" / "store.holder"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text('{"pid": 1, "by": "os:gone", "command": "left by a killed process"}', "utf-8")
    place = ("hold", "place", "回访〔2026〕00002号", "--kind", "debt", "--reason", "欠费", *DAY)
    office(*place)
    assert not note.exists(), "a note that was left is nobody's"
    other = open_store(office.store, clock_at(date(2026, 11, 20)), "os:wang")
    other.command = "recordkit ingest"
    with other.writing():
        office(*place, expect=6)
        assert f"process {os.getpid()} of os:wang, recordkit ingest, since 20" in office.err
        office("mend", older(office), *DAY, expect=6)
        assert "of os:wang, recordkit ingest" in office.err
        for bad in ("", "{}", '{"pid": "x"}', '{"pid": 1, "by": "\\u001b[2J", "command": ""}', "[" * 9000):
            note.write_text(bad, "utf-8")
            office(*place, expect=6)
            assert f"Another process is writing to the store {office.store}." in office.err and "\x1b" not in office.err
    assert not note.exists()
    other.close()
    office(*place)


def test_a_search_without_an_index_says_who_is_in_the_way_and_what_answers_meanwhile(office: Cli) -> None:
    impatient(office)
    shutil.rmtree(office.store / "index", ignore_errors=True)
    other = open_store(office.store, clock_at(date(2026, 11, 20)), "os:wang")
    with other.writing():
        office("search", "张三", expect=6)
        assert "There is no search index yet" in office.err and "os:wang" in office.err
        assert "catalogue list" in office.err
        assert office.json("catalogue", "list")["total"] == 10
    other.close()
    assert office.json("search", "张三")["total"] > 0


def test_doctor_names_rules_nobody_has_signed_for_and_a_damaged_catalogue_as_wrong(office: Cli) -> None:
    out = office("doctor")
    assert "rules of destruction who signs, old terms all signed for" in " ".join(out.split())
    assert "wrong in the store" not in out
    settings = office.store / "recordkit.toml"
    settings.write_text(settings.read_text("utf-8").replace("total_share = 0.5", "total_share = 0.9"), "utf-8")
    data = bytearray((office.store / "catalogue.sqlite3").read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    rows = {one["part"]: one for one in office.json("doctor")["items"]}
    assert "recordkit config accept" in str(rows["rules of destruction"]["how"])
    (office.store / "catalogue.sqlite3").write_bytes(bytes(data))
    for name in ("catalogue.sqlite3-wal", "catalogue.sqlite3-shm"):
        (office.store / name).unlink(missing_ok=True)
    out = office("doctor")
    assert "✗ wrong in the store: " in out and "catalogue" in out.partition("✗ wrong in the store: ")[2]
    assert "recordkit rebuild" in out
    rows = {one["part"]: one for one in office.json("doctor")["items"]}
    assert rows["catalogue"]["of_store"] and not rows["LibreOffice"]["of_store"]


def test_when_the_only_administrators_key_is_lost_the_records_go_on_in_a_new_store(
    office: Cli, real: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", "another-passphrase")
    monkeypatch.setenv("RECORDKIT_ADMIN_KEY", str(tmp_path / "new.key"))
    for name in ("new", "second"):
        real("key", "create", tmp_path / f"{name}.key")
    real("people", "add", "new", "--name", "李静", "--staff-no", "G009", "--role", "administrator",
         "--key", tmp_path / "new.key.pub")
    before = office.json("catalogue", "list", "--limit", "1000")["items"]
    for year in sorted({one["year"] for one in before}):
        office("export", "--year", year, "--out", tmp_path / f"bag-{year}", *DAY)
        real("import", tmp_path / f"bag-{year}")
    after = real.json("catalogue", "list", "--limit", "1000")["items"]
    same = ("code", "title", "date", "number", "record_class", "period", "pages", "account")
    assert [[one[key] for key in same] for one in after] == [[one[key] for key in same] for one in before]
    for one in before:
        assert real.json("show", one["code"])["sha256"] == office.json("show", one["code"])["sha256"]
    assert real.json("verify")["ok"] and real.json("ledger", "verify")["ok"]
    real("people", "add", "second", "--name", "王芳", "--staff-no", "G010", "--role", "archivist",
         "--key", tmp_path / "second.key.pub")
    assert office.json("hold", "list")["total"] == 4 and real.json("hold", "list")["total"] == 0
