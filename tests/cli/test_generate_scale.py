"""Long tables through generate: what is left out, unique, refused, and told without being held."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click
import pytest
from conftest import Cli
from test_generate_tables import AS_OF, accounts, book, generate, rows

from recordkit import files
from recordkit.cli import issued, streaming
from recordkit.db import Database
from recordkit.templates import issue_data
from recordkit.templates.issue import each_issue, list_issues
from recordkit.workspace import Workspace

READING = "上次抄见行度"


def test_a_resumed_run_leaves_out_what_unique_would_refuse(cli: Cli, tmp_path: Path) -> None:
    some = rows(4)
    some[3]["口径"] = "DN17"
    path = book(tmp_path / "清单.xlsx", some)
    assert generate(cli, "--data", path, "--unique", "户号", expect=4)["summary"]["generated"] == 3
    some[3]["口径"] = "DN20"
    some.append({**some[0], "户名": "别人"})
    book(path, some)
    result = generate(cli, "--data", path, "--resume", "--unique", "户号", expect=4)
    assert [one["row"] for one in result["items"]] == [5]
    assert result["summary"]["skipped"] == 3
    assert {one["row"] for one in result["refused"]} == {6}, "another customer under an account that was issued"
    assert {one["row"] for one in result["warnings"]} <= {5, 6}


def test_numbers_written_differently_are_not_unique_in_the_file(cli: Cli, tmp_path: Path) -> None:
    some = [{**row, READING: text} for row, text in zip(rows(3), ("10", "10.00", "11"), strict=True)]
    result = generate(cli, "--data", book(tmp_path / "表.xlsx", some), "--unique", READING, expect=4)
    assert [(one["row"], one["code"]) for one in result["refused"]] == [(3, "duplicate")]


def test_numbers_written_differently_are_not_unique_against_the_store(cli: Cli, tmp_path: Path) -> None:
    generate(cli, "--data", book(tmp_path / "一.xlsx", [{**rows(1)[0], READING: "10.00"}]))
    some = [{**row, READING: text} for row, text in zip(rows(3, 旧表号="T"), ("10", "11", "100"), strict=True)]
    result = generate(cli, "--data", book(tmp_path / "二.xlsx", some), "--unique", READING, expect=4)
    assert [(one["row"], one["code"]) for one in result["refused"]] == [(2, "duplicate")]
    assert "换通〔2026〕0001号" in result["refused"][0]["message"]


def test_a_unique_account_is_asked_of_the_catalogue_and_no_data_is_read(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(cli, "--data", book(tmp_path / "一.xlsx", rows(2)))
    path = book(tmp_path / "二.xlsx", rows(3, 旧表号="T"))

    def read(*_: object) -> bytes:
        raise AssertionError("data was read")

    monkeypatch.setattr(issue_data, "read_line", read)
    result = generate(cli, "--data", path, "--unique", "户号", "--dry-run", expect=4)
    assert [one["row"] for one in result["refused"]] == [2, 3]


def test_documents_whose_data_is_gone_take_no_unique_value(cli: Cli, tmp_path: Path) -> None:
    generate(cli, "--data", book(tmp_path / "一.xlsx", rows(1)))
    for pack in (cli.store / issue_data.FOLDER).glob("*.jsonl"):
        pack.unlink()
    again = generate(cli, "--data", book(tmp_path / "二.xlsx", rows(1, 户名="别人")), "--unique", "旧表号")
    assert again["summary"]["generated"] == 1


@pytest.mark.parametrize("length", [79, 81])
def test_refused_rows_of_a_file_with_a_long_name_are_written(cli: Cli, tmp_path: Path, length: int) -> None:
    some = rows(2)
    some[1]["口径"] = "DN17"
    path = book(tmp_path / f"a{'清' * length}.xlsx", some)
    refused = Path(generate(cli, "--data", path, expect=4)["refused_file"])
    assert refused.exists()
    assert refused.name.startswith("a清清")
    assert len(refused.name.encode()) < 200


def test_a_refused_file_that_cannot_be_written_hides_nothing_that_was_issued(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = rows(2)
    some[1]["口径"] = "DN17"
    path = book(tmp_path / "清单.xlsx", some)
    real = files.writing

    @contextmanager
    def full(target: Path, **options: Any) -> Iterator[BinaryIO]:
        if "-refused-" in target.name:
            raise OSError(28, "No space left on device")
        with real(target, **options) as handle:
            yield handle

    monkeypatch.setattr(files, "writing", full)
    result = generate(cli, "--data", path, expect=4)
    assert [one["row"] for one in result["items"]] == [2]
    assert [one["row"] for one in result["refused"]] == [3]
    assert result["refused_file"] is None
    assert "No space left on device" in cli.err


def test_a_row_with_half_a_character_comes_back_in_the_refused_file(cli: Cli, tmp_path: Path) -> None:
    some = rows(2)
    some[1]["户名"] = "坏\ud800"
    path = tmp_path / "清单.json"
    path.write_text(json.dumps(some, default=str), encoding="utf-8")
    refused = Path(generate(cli, "--data", path, expect=4)["refused_file"])
    assert [row["户名"] for row in json.loads(refused.read_text(encoding="utf-8"))] == ["坏\ud800"]


def test_a_row_with_a_control_character_comes_back_in_the_refused_workbook(cli: Cli, tmp_path: Path) -> None:
    some = rows(2)
    some[1]["户名"] = "坏_x000B_字"  # Excel's way of writing it
    result = generate(cli, "--data", book(tmp_path / "清单.xlsx", some), expect=4)
    assert [one["row"] for one in result["items"]] == [2]
    again = generate(cli, "--data", result["refused_file"], expect=3)
    assert [(one["row"], one["label"]) for one in again["refused"]] == [(2, "户名")]
    assert again["refused"][0]["message"] == result["refused"][0]["message"]


def test_refused_and_warnings_of_many_rows_stand_whole_in_the_json(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "_TOGETHER", 2)
    some = [*rows(5, 口径="DN17"), *rows(3, 户号="0000000009")]
    result = generate(cli, "--data", book(tmp_path / "表.xlsx", some), expect=4)
    assert [one["row"] for one in result["refused"]] == [2, 3, 4, 5, 6]
    assert [one["row"] for one in result["warnings"] if one["code"] == "duplicate"] == [8, 9]
    assert list(result) == ["items", "total", "refused", "warnings", "columns", "unused_columns", "heading_row",
                            "passed", "refused_file", "print_file", "pdf_failures", "summary"]


def test_a_column_that_is_wrong_as_a_whole_is_said_once(cli: Cli, tmp_path: Path) -> None:
    cli("generate", "meter-change-notice", "--data", book(tmp_path / "表.xlsx", rows(3, 多余="x")), *AS_OF, expect=3)
    assert cli.err.count("[refused]") == 1
    assert "(in 3 rows)" in cli.err


def test_the_list_of_issues_goes_out_while_it_is_read(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(cli, "--data", book(tmp_path / "表.xlsx", rows(3)))
    happened: list[str] = []
    plain_issue, echo = issued._plain_issue, click.echo

    def told(one: Any) -> dict[str, object]:
        happened.append("read")
        return plain_issue(one)

    def shown(text: str = "", **options: Any) -> None:
        happened.extend(["shown"] if "issue_id" in text else [])
        echo(text, **options)

    monkeypatch.setattr(streaming, "_TOGETHER", 1)
    monkeypatch.setattr(issued, "_plain_issue", told)
    monkeypatch.setattr(click, "echo", shown)
    found = cli.json("issued", "list")
    assert happened == ["read", "shown"] * 3
    assert (found["total"], [one["account"] for one in found["items"]]) == (3, [f"{n:010}" for n in (1, 2, 3)])


def test_filters_hold_in_the_streamed_list_too(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issued, "_TOGETHER", 2)
    assert cli.json("issued", "list") == {"items": [], "total": 0}
    generate(cli, "--data", book(tmp_path / "表.xlsx", rows(3)))
    cli("issued", "void", "换通〔2026〕0002号", "--reason", "错", *AS_OF)
    assert cli.json("issued", "list", "--unreturned")["total"] == 2
    assert cli.json("issued", "list", "--from", "2026-11-21")["items"] == []
    assert cli.json("issued", "list", "--incomplete")["total"] == 0
    assert cli.json("issued", "list", "--lacking")["items"] == []
    assert len(accounts(cli)) == 3


def test_a_long_table_of_issues_is_cut_into_several_and_loses_none(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issued, "_TABLE_ROWS", 2)
    generate(cli, "--data", book(tmp_path / "表.xlsx", rows(4)))
    out = cli("issued", "list")
    assert [out.count(f"换通〔2026〕000{n}号") for n in (1, 2, 3, 4)] == [1, 1, 1, 1]
    assert out.count("Number") == 2
    cli("issued", "list", "--from", "2026-11-21")
    assert "Nothing to list" in cli.err


def test_issues_are_read_in_their_order_without_sorting_them(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sort would hold every row of a million in memory."""
    asked: list[tuple[str, Mapping[str, object]]] = []
    each = Database.each

    def listen(db: Database, sql: str, parameters: Mapping[str, object] | None = None) -> Iterator[Any]:
        asked.append((sql, parameters or {}))
        return each(db, sql, parameters)

    monkeypatch.setattr(Database, "each", listen)
    assert list(each_issue(workspace.db, form="meter-change-notice")) == list_issues(workspace.db) == []
    steps = [row["detail"] for row in workspace.db.all(f"EXPLAIN QUERY PLAN {asked[0][0]}", asked[0][1])]
    assert not [step for step in steps if "TEMP B-TREE" in step]
