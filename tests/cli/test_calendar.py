from __future__ import annotations

import pytest
from conftest import Cli

from recordkit.archive import netdisk
from recordkit.templates.workdays import load_calendar, national_calendar


def test_a_new_store_has_a_calendar_that_says_how_it_is_written(cli: Cli) -> None:
    assert "holidays = []" in (cli.store / "calendar.toml").read_text("utf-8")
    assert load_calendar(cli.store) == national_calendar()
    cli("config", "check")


def test_config_check_names_what_is_wrong_in_the_calendar(cli: Cli) -> None:
    (cli.store / "calendar.toml").write_text("holidays = ['2027-02-30']\n")
    cli("config", "check", expect=3)
    assert "calendar.toml" in cli.err
    assert "2027-02-30" in cli.err


def test_a_store_without_a_calendar_works(cli: Cli) -> None:
    (cli.store / "calendar.toml").unlink()
    assert cli.json("config", "check")["findings"] == []


def test_doctor_warns_of_a_store_on_a_network_disk(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk() -> dict[str, object]:
        (row,) = [one for one in cli.json("doctor")["items"] if one["part"] == "disk of the store"]
        return dict(row)

    monkeypatch.setattr(netdisk, "network_kind", lambda folder: None)
    assert (disk()["found"], disk()["how"]) == ("local", None)
    monkeypatch.setattr(netdisk, "network_kind", lambda folder: "nfs4")
    assert disk()["found"] is None
    assert "network file system (nfs4)" in str(disk()["how"])
