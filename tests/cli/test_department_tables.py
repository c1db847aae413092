"""The spreadsheet that the meter department really sends goes through as it is, and what was done with it is told."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from conftest import ISSUE_DAY, Cli
from terminal import Terminal

AS_OF = ("--as-of", ISSUE_DAY)
HEADS = ["序号", "用户名称", "用户编号", "接水点", "装表地址", "水表口径", "换表原因", "表身号", "检定日期(年月日)",
         "备注"]
SETS = ("--set", "通知日期=2026-11-20", "--set", "预约换表时间=2026-11-26 9:00", "--set", "换表员=孟昇")


def sent(path: Path, *, heads: list[str] = HEADS, extra: dict[str, Any] | None = None, count: int = 4) -> Path:
    """A merged title, a remark, odd headings, a blank row, a subtotal, a total and a line of signatures."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(["清源市2026年12月到期换表清单"])
    sheet.merge_cells("A1:J1")
    sheet.append(["说明：口径按铭牌填写。填表日期：2026年11月18日"])
    sheet.merge_cells("A2:J2")
    sheet.append([])
    sheet.append(heads)
    days = ["2019年3月5日", date(2019, 3, 6), "2019.3.7", 43532]
    for at in range(count):
        line = [at + 1, f"用户{at + 1}", f" 00{at + 12000000:08} ", f"JD-{at + 1:04}", f"柳荫街{at + 1}号",
                ["DN20", 20, "20mm", "DN20"][at % 4], "逾龄", f"S{at + 1:08}", days[at % 4], None]
        sheet.append([*line, *([None] * (len(heads) - len(line)))])
        if at == 1:
            sheet.append(["小计", *[None] * 6, "2只"])
            sheet.append([])
            sheet.append(heads)
    sheet.append(["合计", *[None] * 6, f"{count}只"])
    sheet.merge_cells(start_row=sheet.max_row, end_row=sheet.max_row, start_column=1, end_column=6)
    sheet.append(["制表人：石磊", None, None, None, "审核人："])
    for cell, value in (extra or {}).items():
        sheet[cell] = value
    workbook.save(path)
    return path


def generate(cli: Cli, path: Path, *more: str, expect: int = 0) -> Any:
    return cli.json("generate", "meter-change-notice", "--data", path, *SETS, *more, *AS_OF, expect=expect)


def test_the_departments_table_is_issued_as_it_was_sent(cli: Cli, tmp_path: Path) -> None:
    result = generate(cli, sent(tmp_path / "换表清单.xlsx"))
    assert [one["row"] for one in result["items"]] == [5, 6, 10, 11]
    assert result["refused"] == []
    assert result["columns"]["表身号"] == "old_meter_no"
    assert result["columns"]["检定日期(年月日)"] == "old_meter_date"
    assert result["unused_columns"] == ["序号", "备注"]
    assert result["heading_row"] == 4
    assert result["passed"] == {"blank": 1, "totals": [7, 12, 13], "repeated": [9]}
    shown = [cli.json("issued", "show", one["number"]) for one in result["items"]]
    told = str(shown)
    for value in ("0012000000", "0012000003", "2019-03-05", "2019-03-06", "2019-03-07", "2019-03-08"):
        assert value in told


def test_what_was_taken_for_what_and_passed_over_is_told(cli: Cli, tmp_path: Path) -> None:
    cli("generate", "meter-change-notice", "--data", sent(tmp_path / "表.xlsx"), *SETS, "--dry-run", *AS_OF)
    assert "The headings stand in row 4." in cli.err
    assert "表身号 → 旧表号" in cli.err
    assert "not used: 序号, 备注" in cli.err
    assert "1 blank row(s)" in cli.err
    assert "row 7, row 12, row 13" in cli.err
    assert "43532 is the number of a day" in cli.err


def test_a_day_number_of_a_workbook_that_counts_from_1904_is_that_day(cli: Cli, tmp_path: Path) -> None:
    path = sent(tmp_path / "表.xlsx")
    with zipfile.ZipFile(path) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    book = parts["xl/workbook.xml"].decode()
    parts["xl/workbook.xml"] = re.sub(r"<workbookPr[^>]*/>", '<workbookPr date1904="1"/>', book).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for name, content in parts.items():
            target.writestr(name, content)
    path.write_bytes(out.getvalue())
    result = generate(cli, path, "--dry-run")
    assert "read as 2023-03-09" in str(result["warnings"])


def unmerged(path: Path, cells: dict[str, Any]) -> Path:
    """The table with its row of totals taken apart, and other values in it."""
    book = openpyxl.load_workbook(sent(path))
    sheet = book.active
    assert sheet is not None
    sheet.unmerge_cells("A12:F12")
    for cell, value in cells.items():
        sheet[cell] = value
    book.save(path)
    return path


@pytest.mark.parametrize("sums", [
    {"D12": 4, "E12": 4, "F12": 80, "G12": 4, "H12": "4只", "I12": 3},
    {"B12": "4户", "C12": "共4户", "D12": 4, "F12": 80, "G12": "4", "H12": "4只", "I12": "-"},
])
def test_a_total_is_one_however_many_sums_stand_in_it(cli: Cli, tmp_path: Path, sums: dict[str, Any]) -> None:
    result = generate(cli, unmerged(tmp_path / "表.xlsx", sums))
    assert (len(result["items"]), result["refused"], result["passed"]["totals"]) == (4, [], [7, 12, 13])


@pytest.mark.parametrize("cells", [
    {"C12": 12000009, "D12": 4, "F12": 80, "G12": 4, "H12": "4只"},  # an account that lost its zeros
    {"D12": "JD-0009", "E12": "柳荫街9号", "F12": "DN20", "G12": "逾龄", "H12": "S00000009", "I12": "2019-03-05"},
])
def test_a_row_with_an_account_or_with_words_is_data_whatever_its_first_cell(
    cli: Cli, tmp_path: Path, cells: dict[str, Any]
) -> None:
    result = generate(cli, unmerged(tmp_path / "表.xlsx", cells), expect=4)
    assert {one["row"] for one in result["refused"]} == {12} and result["passed"]["totals"] == [7, 13]


@pytest.mark.parametrize("extra", [{"B12": "合计利"}, {"C12": "0012000009"}])
def test_a_row_that_names_somebody_is_no_total(cli: Cli, tmp_path: Path, extra: dict[str, str]) -> None:
    path = sent(tmp_path / "表.xlsx")
    book = openpyxl.load_workbook(path)
    sheet = book.active
    assert sheet is not None
    sheet.unmerge_cells("A12:F12")
    for cell, value in extra.items():
        sheet[cell] = value
    book.save(path)
    result = generate(cli, path, expect=4)
    assert {one["row"] for one in result["refused"]} == {12}
    assert result["passed"]["totals"] == [7, 13]


def test_a_column_nobody_knows_refuses_until_it_is_said_what_it_is(cli: Cli, tmp_path: Path) -> None:
    heads = [*HEADS, "安装日期"]
    path = sent(tmp_path / "表.xlsx", heads=heads, extra={f"K{row}": "2019-01-01" for row in (5, 6, 10, 11)})
    assert generate(cli, path, expect=3)["refused"][0]["label"] == "安装日期"
    assert generate(cli, path, "--column", "安装日期=-")["unused_columns"] == ["序号", "备注", "安装日期"]
    cli("generate", "meter-change-notice", "--data", path, *SETS, "--column", "装表日=-", *AS_OF, expect=2)
    assert "装表日" in cli.err and "表身号" in cli.err


def test_two_columns_that_may_mean_one_field_are_not_chosen_between(cli: Cli, tmp_path: Path) -> None:
    path = sent(tmp_path / "表.xlsx", heads=[*HEADS, "水表编号"], extra={"K5": "X1"})
    refused = generate(cli, path, expect=3)["refused"]
    assert {"表身号", "水表编号"} <= {one["label"] for one in refused}
    result = generate(cli, path, "--column", "表身号=旧表号", "--column", "水表编号=-")
    assert len(result["items"]) == 4


def test_the_refused_rows_are_fed_in_again(cli: Cli, tmp_path: Path) -> None:
    path = sent(tmp_path / "表.xlsx", extra={"F5": "DN21"})
    result = generate(cli, path, expect=4)
    again = generate(cli, Path(result["refused_file"]), "--set", "口径=DN20")
    assert len(again["items"]) == 1


def test_an_unknown_column_is_asked_once_and_remembered(cli: Cli, tmp_path: Path) -> None:
    heads = [*HEADS[:7], "表壳码", *HEADS[8:]]
    path = sent(tmp_path / "表.xlsx", heads=heads)
    command = ("-m", "recordkit", "--store", str(cli.store), "--lang", "en", "generate", "meter-change-notice",
               "--data", str(path), "--ask", "--dry-run", *AS_OF)
    with_question = Terminal(*command)
    with_question.expect("表壳码 is no field of this form")
    with_question.expect("not used")
    with_question.type("旧表号\n")
    with_question.expect("Remembered in")
    with_question.answer("Appointment", "2026-11-26 9:00")
    with_question.answer("Fitter", "孟昇")
    with_question.answer("all is right", "")
    with_question.expect("In all: 4 document(s)")
    assert '"表壳码" = "old_meter_no"' in (cli.store / "headings.toml").read_text(encoding="utf-8")
    assert generate(cli, path, "--dry-run")["columns"]["表壳码"] == "old_meter_no"


def test_headings_that_cannot_be_read_are_refused_by_name(cli: Cli, tmp_path: Path) -> None:
    path = sent(tmp_path / "表.xlsx")
    (cli.store / "headings.toml").write_text('["meter-change-notice"]\n"表身号" = "old_metre"\n', encoding="utf-8")
    cli("generate", "meter-change-notice", "--data", path, *SETS, *AS_OF, expect=3)
    assert "headings.toml" in cli.err and "old_metre" in cli.err


def test_the_register_of_meters_is_read_below_its_title_too(cli: Cli, tmp_path: Path) -> None:
    found = cli.json("meters", "due", "--data", sent(tmp_path / "表.xlsx"), *AS_OF)
    assert found["summary"]["rows"] == 4
    assert [one["row"] for one in found["items"]] == [5, 6, 10, 11]
