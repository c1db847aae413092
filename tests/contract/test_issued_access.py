"""Issued documents of restricted classes: the same people see them who find the records."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Cli
from retention_store import TODAY, Archive, clock_on, make_archive

from recordkit import files
from recordkit.retention.handover_seen import access_of_manifest
from recordkit.store import PROJECTIONS
from recordkit.templates.issue import list_issues
from recordkit.workspace import open_workspace

FORMS = ("stop-order", "visit-record")


@pytest.fixture(scope="module")
def issuing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Archive, dict[str, str]]]:
    """A store with people, and the number of a document of each form; do not change it."""
    root = tmp_path_factory.mktemp("issued") / "档案 库"
    made = make_archive(root)
    made.register("clerk", "clerk")
    made.workspace.close()
    yield made, {}


@pytest.fixture
def cli(issuing: tuple[Archive, dict[str, str]], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    made, numbers = issuing
    cli = Cli(made.root, capsys)
    for form in () if numbers else FORMS:
        data = tmp_path / f"{form}.json"
        files.write_atomic(data, cli("forms", "sample", form, "--json").encode())
        numbers[form] = cli.json("generate", form, "--data", data)["items"][0]["number"]
    return cli


@pytest.fixture
def hidden(cli: Cli, issuing: tuple[Archive, dict[str, str]]) -> str:
    return issuing[1]["stop-order"]


@pytest.fixture
def plain(cli: Cli, issuing: tuple[Archive, dict[str, str]]) -> str:
    return issuing[1]["visit-record"]


def listed(cli: Cli, *options: object) -> list[str]:
    found = cli.json("issued", "list", *options)
    assert found["total"] == len(found["items"])
    return [one["number"] for one in found["items"]]


def test_a_list_leaves_out_what_is_restricted_and_says_so_once(cli: Cli, hidden: str, plain: str) -> None:
    for options in ((), ("--as", "clerk"), ("--unreturned",), ("--older-than", "0"), ("--lacking",)):
        assert hidden not in listed(cli, *options)
        assert cli.err.count("Restricted documents are not shown") == 1
        assert "archivist" in cli.err
    assert listed(cli, "--form", "stop-order") == []
    summary = cli.json("issued", "list", "--unreturned")["summary"]
    assert summary["forms"] == {"visit-record": 1}
    assert sorted(listed(cli, "--as", "arch")) == sorted([hidden, plain])
    assert "Restricted" not in cli.err


def test_what_is_restricted_is_refused_by_every_command_that_takes_its_number(
    cli: Cli, hidden: str, plain: str, tmp_path: Path
) -> None:
    commands: list[tuple[object, ...]] = [
        ("show",), ("render", "--out", tmp_path / "out", "--dry-run"), ("void", "--reason", "x", "--dry-run"),
        ("complete", "--set", "remark=x", "--dry-run"),
    ]
    for name, *options in commands:
        for who in ((), ("--as", "clerk")):
            cli("issued", name, hidden, *options, *who, expect=8)
            assert hidden in cli.err
            assert "archivist" in cli.err
            assert "--as" in cli.err
    for name, *options in commands[:3]:
        cli("issued", name, hidden, *options, "--as", "arch")
        cli("issued", name, plain, *options)
    cli("issued", "render", hidden, plain, "--out", tmp_path / "both", expect=8)
    assert not (tmp_path / "both").exists()


def test_rows_keyed_in_from_a_file_are_refused_with_the_restricted_ones_named(
    cli: Cli, hidden: str, tmp_path: Path
) -> None:
    data = tmp_path / "back.csv"
    files.write_atomic(data, f"文书编号,送达时间,当事人签字\n{hidden},2026-11-21 09:00,张三\n".encode())
    cli("issued", "complete", "--data", data, expect=8)
    assert hidden in cli.err


def test_printing_again_what_is_missing_leaves_out_what_is_restricted(
    cli: Cli, hidden: str, plain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "store"
    shutil.copytree(cli.store, root)
    for paper in (root / "outbox").rglob("*.docx"):
        paper.unlink()
    own = Cli(root, capsys)
    assert [one["number"] for one in own.json("issued", "render", "--missing")["items"]] == [plain]
    assert "Restricted documents are not shown" in own.err
    assert [one["number"] for one in own.json("issued", "render", "--missing", "--as", "arch")["items"]] == [hidden]


def test_a_document_that_is_out_is_as_open_as_the_class_of_its_paper(
    cli: Cli, plain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "store"
    shutil.copytree(cli.store, root)
    own = Cli(root, capsys)
    schedule = (root / "retention.toml").read_text(encoding="utf-8")
    before, mark, rest = schedule.partition('id = "visit-record"')
    files.write_atomic(root / "retention.toml", f'{before}{mark}\naccess = "restricted"{rest}'.encode(), overwrite=True)
    assert listed(own) == []
    own("issued", "show", plain, expect=8)


def test_a_store_without_people_shows_every_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli = Cli(tmp_path / "库", capsys)
    cli("init", "--simulation", "--no-input", cli.store)
    data = tmp_path / "row.json"
    files.write_atomic(data, cli("forms", "sample", "stop-order", "--json").encode())
    number = cli.json("generate", "stop-order", "--data", data)["items"][0]["number"]
    assert listed(cli) == [number]
    cli("issued", "show", number)
    assert "Restricted" not in cli.err


def test_a_document_that_came_back_is_as_open_as_its_record(
    cli: Cli, plain: str, hidden: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "store"
    shutil.copytree(cli.store, root)
    own = Archive(root, open_workspace(root, PROJECTIONS, clock_on(TODAY), "os-user"))
    issues = {one.number: one for one in list_issues(own.workspace.db)}
    own.file("稽查", record_class="stop-order", issue_id=issues[plain].issue_id)
    own.file("回访", record_class="visit-record", issue_id=issues[hidden].issue_id)
    own.workspace.close()
    assert listed(Cli(root, capsys)) == [hidden]


def test_a_document_whose_form_is_lost_is_kept_from_who_may_not_see_what_is_restricted(
    cli: Cli, hidden: str, plain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "store"
    shutil.copytree(cli.store, root)
    shutil.rmtree(root / "forms" / "versions")
    own = Cli(root, capsys)
    assert listed(own) == [plain]
    own("issued", "show", hidden, expect=8)


def test_a_handover_names_restricted_documents_to_whoever_may_see_them(cli: Cli, hidden: str, plain: str) -> None:
    def told(*who: str) -> str:
        return cli("handover", "--to", "arch", "--dry-run", *who) + cli(
            "handover", "--to", "arch", "--dry-run", "--json", *who)

    assert hidden in told("--as", "arch")
    for who in ((), ("--as", "clerk")):
        seen = told(*who)
        assert hidden not in seen and plain in seen and "（限制利用）" in seen


def test_a_protocol_that_names_a_restricted_document_is_restricted(
    cli: Cli, hidden: str, plain: str, issuing: tuple[Archive, dict[str, str]]
) -> None:
    workspace = open_workspace(issuing[0].root, PROJECTIONS, clock_on(TODAY), "os:x")
    try:
        for numbers, level in (([plain, hidden], "restricted"), ([plain], "open")):
            manifest = {"unfinished": {"unreturned": {"count": len(numbers), "oldest": numbers}}}
            assert access_of_manifest(workspace, manifest) == level
    finally:
        workspace.close()
