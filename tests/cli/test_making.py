"""``init`` before a person: few questions, each explained, wrong answers told at once, nothing left by Ctrl-C."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Cli
from terminal import Terminal

from recordkit.cli.main import run
from recordkit.settings import load_settings


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.chdir(tmp_path)
    terminal = Terminal("-m", "recordkit", "--lang", "en", "init", "新 库")
    yield terminal
    terminal.close()


def answer(desk: Terminal, until: str, text: str) -> str:
    shown = desk.expect(until) + desk.expect(" > ")
    desk.type(text + "\n")
    return shown


def test_enter_all_the_way_makes_a_store_with_the_shown_defaults(desk: Terminal, tmp_path: Path) -> None:
    shown = answer(desk, "Name of the company", "")
    assert "Stands at the head of every document" in shown and "[某某市自来水有限公司]" in shown
    for name in ("Name of the office", "Code of the office", "Fonds number"):
        answer(desk, name, "")
    assert "C001-KF·2026-D10-KFZ-0001" in answer(desk, "Archival code", "")
    answer(desk, "The first code of a year", "")
    assert desk.ends() == 0
    settings = load_settings(tmp_path / "新 库")
    assert (settings.company.office_code, settings.archive.fonds) == ("KFZ", "C001")
    # The placeholder must not be printed on a first contract by oversight, and the next commands can be copied.
    assert "still called 某某市自来水有限公司" in desk.screen
    assert "recordkit --store '新 库' config check" in desk.screen


def test_a_store_beside_the_usual_one_is_named_in_what_is_next(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    # The demo tells people to set RECORDKIT_STORE: their first real document must not land in the demo's store.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECORDKIT_STORE", "demo")
    assert run(["--lang", "en", "init", "archive_store", "--no-input"]) == 0
    assert "recordkit --store archive_store generate visit-record --ask" in capsys.readouterr().err
    monkeypatch.setenv("RECORDKIT_STORE", "own")
    assert run(["--lang", "en", "init", "--no-input"]) == 0
    assert "recordkit generate visit-record --ask" in capsys.readouterr().err
    assert (tmp_path / "own" / "recordkit.toml").is_file()


def test_wrong_answers_are_told_and_any_line_can_be_changed_before_the_store_is_made(
    desk: Terminal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(desk, "Name of the company", "清源市自来水有限公司")
    answer(desk, "Name of the office", "长" * 81)
    answer(desk, "At most 80 characters", "营业 厅")
    answer(desk, "Code of the office", "K F")
    answer(desk, "without spaces", "YYT")
    answer(desk, "Fonds number", "Q{7}")
    answer(desk, "without spaces and braces", "Q7")
    answer(desk, "Archival code", "{fonds}-{oops}-{seq}")
    answer(desk, "a text with the placeholders", "2")
    answer(desk, "would be Q7-KF-0001", "9")
    answer(desk, "a number from 1 to 5", "4")
    answer(desk, "Fonds number", "Q8")
    answer(desk, "would be Q8-KF-0001", "")
    assert desk.ends() == 0
    root = tmp_path / "新 库"
    settings = load_settings(root)
    assert (settings.company.name, settings.company.office) == ("清源市自来水有限公司", "营业 厅")
    assert (settings.archive.fonds, settings.archive.fonds_name) == ("Q8", "清源市自来水有限公司")
    assert settings.archive.code == "{fonds}-{category}-{seq:04}"
    made = Cli(root, capsys)
    made("config", "check")
    assert stat.S_IMODE(root.stat().st_mode) == 0o700


@pytest.mark.parametrize("questions", [0, 3, 5])
def test_ctrl_c_at_a_question_leaves_nothing(desk: Terminal, tmp_path: Path, questions: int) -> None:
    for _ in range(questions):
        answer(desk, "[", "")
    desk.expect(" > ")
    assert desk.interrupt() == 130
    assert "before anything was written" in desk.screen
    assert list(tmp_path.iterdir()) == []


def test_a_used_folder_is_refused_before_the_first_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.txt").write_text("x")
    terminal = Terminal("-m", "recordkit", "--lang", "en", "init", ".")
    try:
        assert terminal.ends() == 3
    finally:
        terminal.close()
    assert "mine.txt" in terminal.screen and "Name of the company" not in terminal.screen


def test_a_wrong_option_is_refused_by_its_name_and_nothing_is_made(cli: Cli, tmp_path: Path) -> None:
    root = tmp_path / "new"
    for option, value in (("--company", " "), ("--office-code", "K Z"), ("--code", "{fonds}-{seq}")):
        cli("init", root, "--no-input", option, value, expect=3)
        assert f"{option}: " in cli.err
    assert not root.exists()


@pytest.mark.parametrize(("language", "comment"), [("zh", "# ---- 单位："), ("en", "# ---- The office:")])
def test_the_settings_are_explained_in_the_language_of_who_makes_the_store(
    cli: Cli, tmp_path: Path, language: str, comment: str
) -> None:
    cli("init", tmp_path / "s", "--no-input", lang=language)
    assert comment in (tmp_path / "s" / "recordkit.toml").read_text(encoding="utf-8")
