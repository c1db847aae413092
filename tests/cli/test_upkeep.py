from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Cli
from papers import pdf_bytes


def test_init_makes_a_store_once_and_never_over_other_files(cli: Cli, tmp_path: Path) -> None:
    root = tmp_path / "新 库"
    made = cli.json("init", root, "--no-input", "--company", "清源市自来水有限公司")
    assert made["company"] == "清源市自来水有限公司"
    cli("init", root, "--no-input", expect=3)
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "x.txt").write_text("mine")
    cli("init", tmp_path / "used", "--no-input", expect=3)
    assert "x.txt" in cli.err
    assert root.stat().st_mode & 0o077 == 0


def test_two_stores_have_different_ids_and_tags(cli: Cli, tmp_path: Path) -> None:
    for name in ("a", "b"):
        cli("init", tmp_path / name, "--no-input")
    ids = set()
    for name in ("a", "b"):
        cli.store = tmp_path / name
        ids.add(cli.json("config", "show")["store"]["id"])
    assert len(ids) == 2


def test_a_missing_store_is_exit_5_and_names_init(cli: Cli, tmp_path: Path) -> None:
    cli.store = tmp_path / "none"
    cli("issued", "list", expect=5)
    assert "recordkit init" in cli.err


@pytest.mark.parametrize(
    ("change", "named"),
    [("wait_seconds = 30.0", "wait_secnds = 3"), ("supervisors = 2", "supervisors = 1"),
     ('fonds = "C001"', "fonds = 7"), ("[company]", "[compny]")],
)
def test_a_wrong_setting_is_named(cli: Cli, change: str, named: str) -> None:
    path = cli.store / "recordkit.toml"
    text = path.read_text(encoding="utf-8")
    assert change in text
    path.write_text(text.replace(change, named), encoding="utf-8")
    cli("config", "check", expect=3)
    assert named.split(" =")[0].strip("[]").removeprefix("wait_") in cli.err


def test_a_newer_store_is_exit_6(cli: Cli) -> None:
    path = cli.store / "recordkit.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("format = 1", "format = 2"), encoding="utf-8")
    cli("issued", "list", expect=6)
    assert "format 2" in cli.err and "newer recordkit" in cli.err


def test_a_flipped_byte_in_the_ledger_is_exit_7_with_its_place(cli: Cli) -> None:
    from recordkit.templates.forms import shipped_forms

    cli("generate", "visit-record", "--data", shipped_forms() / "visit-record" / "sample.toml",
        "--as-of", "2026-11-20")
    assert cli.json("ledger", "verify")["ok"]
    path = cli.store / "ledger" / "ledger-000001.jsonl"
    raw = path.read_bytes()
    for place in (10, len(raw) // 2, len(raw) - 1):
        broken = bytearray(raw)
        broken[place] ^= 1
        path.write_bytes(broken)
        found = cli.json("ledger", "verify", expect=7)
        assert set(found) >= {"ok", "entries", "first_bad", "reason", "head"}
        assert found["first_bad"] in (1, 2)
        assert found["reason"]
    path.write_bytes(raw)
    assert cli.json("ledger", "verify")["ok"]


def test_a_ledger_cut_short_is_exit_7(cli: Cli) -> None:
    from recordkit.templates.forms import shipped_forms

    cli("generate", "visit-record", "--data", shipped_forms() / "visit-record" / "sample.toml",
        "--as-of", "2026-11-20")
    path = cli.store / "ledger" / "ledger-000001.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    found = cli.json("ledger", "verify", expect=7)
    assert "cut short" in found["reason"]
    cli("issued", "list", expect=7)


def test_a_busy_store_is_waited_for_and_then_exit_6_while_readers_go_on(cli: Cli) -> None:
    from recordkit import files
    from recordkit.templates.forms import shipped_forms

    path = cli.store / "recordkit.toml"
    text = path.read_text(encoding="utf-8").replace("wait_seconds = 30.0", "wait_seconds = 0.2")
    path.write_text(text, encoding="utf-8")
    sample = shipped_forms() / "visit-record" / "sample.toml"
    with files.locked(cli.store / "work" / "locks" / "store", 1):
        cli("generate", "visit-record", "--data", sample, "--as-of", "2026-11-20", expect=6)
        assert "Another process is writing" in cli.err and "wait_seconds" in cli.err
        assert cli.json("issued", "list")["total"] == cli.json("search", "甲")["total"] == 0
    cli("generate", "visit-record", "--data", sample, "--as-of", "2026-11-20")
    assert cli.json("issued", "list")["total"] == 1


def test_an_unknown_command_offers_the_near_one(cli: Cli) -> None:
    cli("serch", "x", expect=2)
    assert "search" in cli.err


def test_every_command_explains_itself_in_both_languages(cli: Cli) -> None:
    from recordkit.cli.main import _COMMANDS

    for name in _COMMANDS:
        assert "Usage" in cli(name, "--help")
        assert "用法" in cli(name, "--help", lang="zh")


@pytest.mark.parametrize(
    ("line", "wrong", "told"),
    [("rescan", '"maybe"', 'ingest.rescan = "maybe"; allowed: "ask", "version"'),
     ("done_days", '"x"', 'ingest.done_days = "x"; allowed: a whole number'),
     ("searchable", "1", "ingest.searchable = 1; allowed: true or false"),
     ("cycles", '[{up_to = "a", years = 1}]', 'meters.cycles[0].up_to = "a"; allowed: a whole number'),
     ("cycles", "[{up_to = 3}]", "meters.cycles[0].years is missing")],
)
def test_a_wrong_value_is_told_with_what_may_stand_there(cli: Cli, line: str, wrong: str, told: str) -> None:
    path = cli.store / "recordkit.toml"
    text = re.sub(rf"^{line} = .*$", f"{line} = {wrong}", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")
    cli("config", "check", expect=3)
    assert told in cli.err


def test_settings_are_shown_without_programmers_brackets(cli: Cli) -> None:
    shown = cli("config", "show")
    assert "meters.cycles = up_to 25, years 6; up_to 50, years 4" in shown
    patterns = ("archive.code = ", "archive.volume_code = ")
    assert [line for line in shown.splitlines() if "{" in line and not line.startswith(patterns)] == []


def test_doctor_counts_what_asks_for_a_person_and_names_the_next_step(cli: Cli, tmp_path: Path) -> None:
    (cli.store / "inbox" / "a.pdf").write_bytes(pdf_bytes(text="Letter"))
    (cli.store / "inbox" / "b.pdf").write_bytes(b"no pdf")
    cli("ingest", "--no-ocr", expect=4)
    found = cli.json("doctor")
    assert (found["unmatched"], found["quarantine"]) == (1, 1)
    cli("doctor")
    assert "recordkit unmatched list" in cli.err and "recordkit quarantine list" in cli.err
    cli.json("event", "add", "account-closed", "--account", "1", "--date", "2026-01-01")
    path = next((cli.store / "ledger").glob("*.jsonl"))
    path.write_bytes(path.read_bytes().replace(b"2026-01-01", b"2025-01-01"))
    health = cli.json("doctor")["items"][-1]
    assert health["found"] is None
    assert "entry" in health["how"] and "recordkit ledger verify" in health["how"]


def test_a_rehearsed_rebuild_or_export_is_one_json_document(cli: Cli, tmp_path: Path) -> None:
    assert cli.json("rebuild", "--index", "--dry-run") == {"dry_run": True, "catalogue": False, "index": True}
    out = tmp_path / "ledger.jsonl"
    told = cli.json("ledger", "export", "--out", out, "--dry-run")
    assert (told["from"], told["dry_run"], out.exists()) == (1, True, False)


def test_doctor_names_what_is_missing_and_how_to_get_it(cli: Cli) -> None:
    for item in cli.json("doctor")["items"]:
        assert item["found"] or item["how"]


def test_the_module_runs_as_a_program_with_stdout_closed_early(cli: Cli) -> None:
    command = [sys.executable, "-m", "recordkit", "--store", str(cli.store), "retention", "schedule", "show", "--json"]
    shell = subprocess.run(
        ["sh", "-c", f"{' '.join(repr(one) for one in command)} | head -n 1"], capture_output=True, text=True,
        check=True, env={**os.environ, "RECORDKIT_LANG": "en"},
    )
    assert shell.stdout.startswith("{")
    assert "Traceback" not in shell.stderr
    assert json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["total"] > 5
