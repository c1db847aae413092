"""Keys and people at the command line: where a key may lie, what is seen before it signs, words of the reader."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Cli
from terminal import Terminal
from test_destruction import CODE, DAY, SECRET, office, signed  # noqa: F401  (office is a fixture)


@pytest.mark.parametrize("place", ["admin.key", "keys/admin.key", "work/../admin.key"])
def test_a_private_key_is_never_made_in_the_store(cli: Cli, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", SECRET)
    before = sorted(path.name for path in cli.store.rglob("*"))
    cli("key", "create", cli.store / place, expect=3)
    assert "outside the store" in cli.err
    assert sorted(path.name for path in cli.store.rglob("*")) == before


def test_a_short_passphrase_makes_a_key_and_is_called_weak(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", "x")
    cli("key", "create", tmp_path / "k")
    assert "three words" in cli.err and (tmp_path / "k").exists()


def test_a_supervisor_sees_the_list_and_its_digest_before_the_passphrase_is_asked_for(
    office: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    order = str(office.json("destruction", "propose", CODE.format(1), *signed(office, "arch"))["order"])
    office("destruction", "appraise", order, "--all", "destroy", *signed(office, "appr"))
    office("destruction", "approve", order, *signed(office, "lead"))
    digest = str(office.json("destruction", "show", order)["digest"])
    monkeypatch.delenv("RECORDKIT_PASSPHRASE")
    call = map(str, ("--store", office.store, "--lang", "en", "destruction", "sign", order, *signed(office, "w1")))
    terminal = Terminal("-m", "recordkit", *call)
    try:
        shown = terminal.expect("Passphrase for")
        assert digest in shown and CODE.format(1) in shown and "甲回访记录" in shown
        terminal.type(SECRET + "\n")
        assert terminal.ends() == 0
    finally:
        terminal.close()
    assert [one["person"] for one in office.json("destruction", "show", order)["signatures"]] == ["w1"]


def test_allowed_values_are_told_as_they_are_called_with_what_may_be_typed(
    office: Cli, tmp_path: Path  # noqa: F811
) -> None:
    office("hold", "place", CODE.format(1), "--kind", "x", "--reason", "r", *DAY, expect=3, lang="zh")
    assert "诉讼 (litigation)" in office.err
    office("event", "add", "x", "--date", "2036-01-01", CODE.format(1), *DAY, expect=3, lang="zh")
    assert "结案 (case-closed)" in office.err
    keys = office.keys  # type: ignore[attr-defined]
    new = ("people", "add", "p", "--name", "p", "--role", "x", "--staff-no", "P", "--key", keys / "w1.pub", *DAY)
    office(*new, expect=3, lang="zh")
    assert "监销人 (supervisor)" in office.err
    office(*new, expect=3)
    assert "supervisor, administrator" in office.err and "(supervisor)" not in office.err
