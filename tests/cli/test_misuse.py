"""Slips at the keyboard: what is wrong is named, and the next step is one that can be typed."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from conftest import ISSUE_DAY, Cli

AS_OF = ("--as-of", ISSUE_DAY)
HEADS = ("客户", "户号", "地址", "回访人", "回访方式", "回访时间", "事项", "处理结果")
ROW = ("卫喆", "0012007001", "桂香路8号", "苗昕", "上门", "2026-11-18 9:30", "水压偏低", "已调阀门")


def workbook(path: Path, *rows: tuple[str, ...]) -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    path.parent.mkdir(exist_ok=True)
    book.save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that a clerk works in: lists lie below it, in one with a blank in its name."""
    place = tmp_path / "工作"
    place.mkdir()
    workbook(place / "十一月 名单" / "回访.xlsx", HEADS, ROW)
    monkeypatch.chdir(place)
    return place


@pytest.mark.parametrize(("typed", "meant"), [
    ("客户回访", "客户回访记录"), ("回访记禄", "客户回访记录"), ("更名", "更名过户申请"),
    ("visit", "visit-record"), ("contract", "supply-contract"), ("vist-record", "visit-record"),
])
def test_a_slip_in_the_name_of_a_form_is_answered_in_the_language_it_was_typed_in(
    cli: Cli, typed: str, meant: str,
) -> None:
    cli("generate", typed, "--ask", expect=5)
    assert f"Did you mean {meant}?" in cli.err
    assert ("visit-record" in cli.err) is (meant == "visit-record")


def test_an_unknown_name_of_a_form_is_answered_with_all_names(cli: Cli) -> None:
    cli("generate", "甲乙丙", "--ask", expect=5)
    assert "供用水合同" in cli.err and "换表通知书" in cli.err and "supply-contract" not in cli.err
    cli("generate", "xqz", "--ask", expect=5)
    assert "supply-contract" in cli.err and "供用水合同" not in cli.err


def test_a_name_with_a_blank_and_no_quotation_marks_is_put_together(cli: Cli, folder: Path) -> None:
    said = 'put it between quotation marks: "十一月 名单/回访.xlsx"'
    cli("generate", "客户回访记录", "--data", "十一月", "名单/回访.xlsx", *AS_OF, expect=2)
    assert said in cli.err
    cli("generate", "客户回访记录", "--data=十一月", "名单/回访.xlsx", *AS_OF, expect=2)
    assert said in cli.err
    cli("ingest", "十一月", "名单/回访.xlsx", *AS_OF, expect=5)
    assert said in cli.err
    cli("generate", "客户回访记录", "--data", "十二月", "名单/回访.xlsx", *AS_OF, expect=2)
    assert "quotation marks" not in cli.err, "no such file either way"


def test_a_file_that_is_not_there_is_looked_for_nearby(cli: Cli, folder: Path) -> None:
    cli("generate", "客户回访记录", "--data", "回访.xlsx", *AS_OF, expect=5)
    assert "Did you mean 十一月 名单/回访.xlsx?" in cli.err
    cli("generate", "客户回访记录", "--data", "十一月 名单/回仿.xlsx", *AS_OF, expect=5)
    assert "Did you mean 十一月 名单/回访.xlsx?" in cli.err
    workbook(folder / "名册.xlsx", HEADS)
    cli("generate", "客户回访记录", "--data", "换表.xlsx", *AS_OF, expect=5)
    assert "Did you mean" not in cli.err and f"looked for in {folder}" in cli.err


@pytest.mark.parametrize("beside", ["~$回访.xlsx", ".~回访.xlsx", ".~lock.回访.xlsx#"])
def test_what_lies_beside_an_open_table_is_not_taken_for_damage(cli: Cli, folder: Path, beside: str) -> None:
    (folder / beside).write_bytes(b"\x06user" + b"\0" * 160)
    cli("generate", "客户回访记录", "--data", beside, *AS_OF, expect=3)
    assert "open in it" in cli.err and "name the table itself: 回访.xlsx" in cli.err


def test_a_first_sheet_without_rows_names_the_others(cli: Cli, folder: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = "说明"
    book.create_sheet("名单").append(HEADS)
    book.save(folder / "两张.xlsx")
    cli("generate", "客户回访记录", "--data", "两张.xlsx", *AS_OF, expect=3)
    assert "first sheet of 两张.xlsx is empty: 说明" in cli.err and "--sheet: 名单" in cli.err
    cli("generate", "客户回访记录", "--data", "两张.xlsx", "--sheet", "说明", *AS_OF, expect=3)
    assert "两张.xlsx is empty" in cli.err and "名单" not in cli.err
    book.active.append(["本表由抄表班提供"])
    book.save(folder / "两张.xlsx")
    cli("generate", "客户回访记录", "--data", "两张.xlsx", *AS_OF, expect=3)
    assert "holds no data" in cli.err and "名单" in cli.err


@pytest.mark.parametrize(("words", "value"), [
    (("issued", "list", "--older-than", "三十"), "三十"), (("verify", "--sample", "it's 1"), "it's 1"),
])
def test_a_number_in_words_is_named_and_shown_in_digits(cli: Cli, words: tuple[str, ...], value: str) -> None:
    cli(*words, expect=2)
    assert f"{value} is no number; write it in digits" in cli.err and "range" not in cli.err


def test_a_number_out_of_range_is_told_the_range(cli: Cli) -> None:
    cli("issued", "list", "--older-than", "-3", expect=2)
    assert "range" in cli.err and "no number" not in cli.err


def test_a_missing_option_is_named_with_a_right_command(cli: Cli) -> None:
    cli("issued", "void", "回访〔2026〕00001号", expect=2)
    assert "The option --reason is missing." in cli.err
    assert "recordkit issued void 换通〔2026〕0001号 --reason" in cli.err


def test_who_gives_no_data_is_told_of_the_questions_and_of_the_table(cli: Cli) -> None:
    cli("generate", "客户回访记录", expect=2)
    assert "--ask" in cli.err and "--data" in cli.err and "forms sample 客户回访记录 --xlsx" in cli.err
