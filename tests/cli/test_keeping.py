"""backup and restore as an administrator calls them."""

from pathlib import Path

import pytest
from conftest import Cli
from scans import DAY, filed, issue_one

from recordkit.templates.forms import shipped_forms

SAMPLE = shipped_forms() / "visit-record" / "sample.toml"


@pytest.fixture
def full(cli: Cli, tmp_path: Path) -> Cli:
    """A store with one record and one document that is out."""
    filed(cli, tmp_path, issue_one(cli))
    cli("generate", "visit-record", "--data", SAMPLE, "--as-of", "2026-11-20")
    return cli


def test_a_store_is_copied_brought_back_and_whole(full: Cli, tmp_path: Path) -> None:
    cli, copy = full, tmp_path / "copy"
    assert "1. Copy records into the copy  number: 1" in cli("backup", "--to", copy, "--dry-run")
    assert not copy.exists()
    cli("backup", "--to", copy)
    assert "1 records and" in cli.err and "knows 4 entries of the ledger" in cli.err
    again = cli.json("backup", "--to", copy)
    assert (again["records"], again["files"], again["missing"], again["entries"]) == (0, 0, [], 4)
    cli("backup", "--to", copy, "--check")
    assert "1 records in it are as the ledger says, every byte read; 0 have changed since." in cli.err
    assert cli.json("backup", "--to", copy, "--check")["ok"]
    store, cli.store = cli.store, tmp_path / "back"
    assert cli.json("restore", copy, "--ledger", store, "--dry-run")["records"] == 1
    assert not cli.store.exists()
    found = cli.json("restore", copy, "--ledger", store)
    assert (found["entries"], found["copied"], found["records"], found["lost"]) == (4, 4, 1, [])
    assert cli.json("ledger", "verify")["entries"] == 4 and cli.json("verify")["ok"]
    assert cli.json("search", "水")["total"] == 1


def test_damage_in_a_copy_is_named_and_mended(full: Cli, tmp_path: Path) -> None:
    cli, copy = full, tmp_path / "copy"
    cli("backup", "--to", copy)
    paper = next((copy / "objects").rglob("original.pdf"))
    paper.write_bytes(paper.read_bytes() + b"x")
    cli("backup", "--to", copy, "--check", expect=7)
    assert "original.pdf: the file is missing, or not as it was filed" in cli.err and "--mend" in cli.err
    assert not cli.json("backup", "--to", copy, "--check", expect=7)["ok"]
    store, cli.store = cli.store, tmp_path / "back"
    cli("restore", copy, "--ledger", store, expect=7)
    assert "Damaged in the copy" in cli.err and "v1/content/original.pdf" in cli.err
    cli.store = store
    cli("backup", "--to", copy, "--mend")
    cli("backup", "--to", copy, "--check")
    cli("backup", "--to", copy, "--check", "--mend", expect=2)


def test_what_came_after_the_copy_is_named_as_lost(full: Cli, tmp_path: Path) -> None:
    cli, copy = full, tmp_path / "copy"
    cli("backup", "--to", copy)
    code = cli.json("search", "水")["items"][0]["code"]
    cli("edit", code, "--set", "party=新户主", "--reason", "更名", *DAY)
    number = issue_one(cli)
    late = cli.json("show", filed(cli, tmp_path, number))["code"]
    store, cli.store = cli.store, tmp_path / "back"
    cli("restore", copy, "--ledger", store, expect=4)
    assert late in cli.err and f"{code} (" in cli.err and "version 1 of 2" in cli.err and number in cli.err
    assert "1 notes" in cli.err
    cli("edit", code, "--set", "party=又一户主", "--reason", "更名", *DAY, expect=7)
    assert "lacks version 2" in cli.err
    assert "version" not in cli("show", code) or cli.json("show", code)["code"] == code
    told = cli.json("verify", expect=7)["items"]
    assert {one["code"] for one in told if one["code"]} == {code, late}
    assert [one["reason"] for one in told if not one["code"]] == [f"the data of {number} is missing or changed"]


def test_what_cannot_be_copied_or_restored_is_named_with_the_next_step(cli: Cli, tmp_path: Path) -> None:
    cli("backup", "--to", cli.store / "copy", expect=3)
    assert "Choose a folder on another disk" in cli.err
    cli("backup", "--to", tmp_path / "copy", "--check", expect=5)
    cli("backup", "--to", tmp_path / "copy")
    cli("restore", tmp_path / "copy", "--ledger", cli.store, expect=3)
    assert "not empty" in cli.err
    store, cli.store = cli.store, tmp_path / "back"
    cli("restore", tmp_path / "nothing", "--ledger", store, expect=5)
    (tmp_path / "empty").mkdir()
    cli("restore", tmp_path / "copy", "--ledger", tmp_path / "empty", expect=5)
    assert "newest ledger" in cli.err
    cli("restore", tmp_path / "copy", "--ledger", store, "--against", tmp_path / "none.json", expect=5)
    assert not (tmp_path / "back").exists()
