"""backup and restore as an administrator calls them."""

from pathlib import Path

from conftest import Cli

from recordkit.templates.forms import shipped_forms

SAMPLE = shipped_forms() / "visit-record" / "sample.toml"


def test_a_store_is_copied_brought_back_and_whole(cli: Cli, tmp_path: Path) -> None:
    cli("generate", "visit-record", "--data", SAMPLE, "--as-of", "2026-11-20")
    cli("backup", "--to", tmp_path / "copy")
    assert "files copied" in cli.err
    again = cli.json("backup", "--to", tmp_path / "copy")
    assert (again["copied"], again["missing"], again["entries"]) == (0, [], 2)
    store, cli.store = cli.store, tmp_path / "back"
    found = cli.json("restore", tmp_path / "copy", "--ledger", store)
    assert found == {"entries": 2, "records": 0, "destroyed": 0, "lost": []}
    verified = cli.json("ledger", "verify")
    assert (verified["ok"], verified["entries"]) == (True, 2)


def test_what_cannot_be_copied_or_restored_is_named_with_the_next_step(cli: Cli, tmp_path: Path) -> None:
    cli("backup", "--to", cli.store / "copy", expect=3)
    assert "Choose a folder on another disk" in cli.err
    cli("backup", "--to", tmp_path / "copy")
    cli("restore", tmp_path / "copy", "--ledger", cli.store, expect=3)
    assert "not empty" in cli.err
    store, cli.store = cli.store, tmp_path / "back"
    cli("restore", tmp_path / "nothing", "--ledger", store, expect=5)
    cli("restore", tmp_path / "copy", "--ledger", tmp_path, expect=5)
    assert "newest ledger" in cli.err
    assert not (tmp_path / "back").exists()
