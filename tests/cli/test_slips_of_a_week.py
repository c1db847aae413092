"""A clerk's first week: a command given twice, a search before the paper is back, names and keys mixed up."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from conftest import ISSUE_DAY, Cli
from terminal import Terminal
from test_generate import sample

AS_OF = ("--as-of", ISSUE_DAY)


def test_a_command_given_twice_at_the_terminal_asks_before_it_numbers_again(cli: Cli, tmp_path: Path) -> None:
    words = ("-m", "recordkit", "--lang", "en", "--store", str(cli.store), "generate", "visit-record", "--data",
             sample("visit-record"), *AS_OF)
    cli("generate", "visit-record", "--data", sample("visit-record"), *AS_OF)
    again = Terminal(*words)
    again.expect("回访〔2026〕00001号")
    again.expect("Issue them once more?")
    again.type("\n")
    assert again.ends() != 0
    assert "Nothing was issued" in again.screen and "--resume" in again.screen
    again.close()
    assert "00002" not in cli("issued", "list")
    wanted = Terminal(*words)
    wanted.expect("Issue them once more?")
    wanted.type("y\n")
    assert wanted.ends() == 0
    wanted.close()
    assert "回访〔2026〕00002号" in cli("issued", "list")


def test_nobody_is_asked_where_nobody_sits(cli: Cli) -> None:
    for _ in range(2):
        cli("generate", "visit-record", "--data", sample("visit-record"), *AS_OF)
    assert "回访〔2026〕00002号" in cli("issued", "list")


@pytest.mark.parametrize("text", ["唐喆", "0012005120", "唐喆 回访", "５１２０"])
def test_a_search_tells_of_documents_whose_paper_is_not_back(cli: Cli, text: str) -> None:
    cli("generate", "visit-record", "--data", sample("visit-record"), *AS_OF)
    cli("search", text)
    assert "not filed yet: 回访〔2026〕00001号" in cli.err
    assert "recordkit issued show 回访〔2026〕00001号" in cli.err
    cli("search", text + " 别人")
    assert "not filed yet" not in cli.err
    cli("issued", "void", "回访〔2026〕00001号", "--reason", "重复", *AS_OF)
    cli("search", text)
    assert "not filed yet" not in cli.err


def test_a_search_is_silent_about_an_unfiled_document_that_is_restricted(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", "an-example")
    key = tmp_path / "a.key"
    cli("key", "create", key)
    cli("people", "add", "zhen", "--name", "甄昕", "--role", "administrator", "--staff-no", "K001", "--key",
        f"{key}.pub")
    name = tomllib.loads(Path(sample("stop-order")).read_text(encoding="utf-8"))["party"]
    cli("generate", "stop-order", "--data", sample("stop-order"), *AS_OF)
    assert name in cli("issued", "list", "--as", "zhen")
    cli("search", name)
    assert "not filed yet" not in cli.err
    cli("search", name, "--as", "zhen")
    assert "not filed yet: 稽停字〔2026〕0001号" in cli.err


def test_a_program_s_own_files_in_a_folder_are_not_taken_for_papers(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "扫描"
    folder.mkdir()
    for name in ("~$名单.docx", "Thumbs.db", "desktop.ini", ".~lock.名单.xlsx#"):
        (folder / name).write_bytes(b"x" * 162)
    cli("ingest", folder, *AS_OF)
    assert cli("quarantine", "list").strip() in ("", "Nothing to list.")
    (folder / "名单.txt").write_bytes(b"x")
    cli("ingest", folder, *AS_OF, expect=4)
    assert "名单.txt" in cli("quarantine", "list")


def test_a_person_s_name_in_place_of_the_id_is_answered_with_the_id(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", "an-example")
    cli("key", "create", "a.key")
    add = ("people", "add", "zhen", "--name", "甄昕", "--role", "administrator", "--staff-no", "K001", "--key")
    cli(*add, "b.key.pub", expect=5)
    assert "recordkit key create" in cli.err
    cli(*add, "a.key.pub")
    monkeypatch.setenv("RECORDKIT_ADMIN_KEY", "a.key")
    cli(*add, "a.key.pub", expect=3)
    assert "one person" not in cli.err, "an account is no twin of itself"
    cli("search", "甲", "--as", "甄昕", expect=5)
    assert "Give the id, not the name: zhen." in cli.err
    sign = ("ledger", "checkpoint", "--out", "c.json", "--as", "zhen", "--key")
    cli(*sign, "a.key.pub", expect=3)
    assert "public half" in cli.err and "private key: a.key" in cli.err
    cli(*sign, ".", expect=3)
    assert "is a folder" in cli.err
    cli(*sign, "a.key")


def test_an_unknown_kind_of_listing_is_answered_with_the_chinese_names(cli: Cli, tmp_path: Path) -> None:
    cli("catalogue", "export", "--kind", "目录", "--out", tmp_path / "a.docx", expect=2)
    assert "items (归档文件目录)" in cli.err
