from __future__ import annotations

import csv
from pathlib import Path

import openpyxl
import pytest
from conftest import Cli

HEADINGS = ["户号", "户名", "接水点编号", "地址", "联系电话", "口径", "表号", "检定日期", "Q3", "备注"]
ROWS = [
    ["0012003456", "魏堃", "JD-0301-0086", "河湾区柳荫街12号", "13900000021", "DN20", "S1", "2020-11-20", "2.5", ""],
    ["0012003457", "姚喆", "JD-0301-0087", "河湾区柳荫街13号", "", "DN20", "S2", "2020-11-25", "2.5", ""],
    ["0012009901", "玥华餐饮店", "JD-0302-0017", "河湾区滨江路216号", "", "DN50", "S3", "2024-02-29", "25", "大表"],
    ["0012003458", "葛玥", "JD-0301-0088", "河湾区柳荫街14号", "", "DN20", "S4", "2023-01-01", "2.5", ""],
]
DAY = ("--as-of", "2026-11-20")


@pytest.fixture
def register(tmp_path: Path) -> Path:
    """A register of four meters: one due today, one in five days, one overdue by its flow, one not due."""
    return write(tmp_path / "水表 台账.csv", ROWS)


def write(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as handle:
        csv.writer(handle).writerows([HEADINGS, *rows])
    return path


def test_the_due_meters_are_listed_with_their_day_and_rule(cli: Cli, register: Path) -> None:
    found = cli.json("meters", "due", "--data", register, *DAY)
    assert [(one["old_meter_no"], one["due"], one["days"], one["years"], one["rule"]) for one in found["items"]] == [
        ("S3", "2026-02-28", -265, 2, "q3"), ("S1", "2026-11-20", 0, 6, "calibre")]
    assert found["total"] == 2
    assert found["items"][1]["account"] == "0012003456"
    assert found["refused"] == []
    assert [one["label"] for one in found["warnings"]] == ["备注"]
    assert found["summary"] == {"rows": 4, "due": 2, "overdue": 1, "refused": 0, "to_correct": 0,
                                "as_of": "2026-11-20", "until": "2026-11-20", "form": "meter-change-notice"}
    table = cli("meters", "due", "--data", register, *DAY, lang="zh")
    assert table.index("S3") < table.index("S1")
    assert "S2" not in table


def test_within_looks_ahead(cli: Cli, register: Path) -> None:
    for days, numbers in ((4, ["S3", "S1"]), (5, ["S3", "S1", "S2"])):
        found = cli.json("meters", "due", "--data", register, "--within", days, *DAY)["items"]
        assert [one["old_meter_no"] for one in found] == numbers


def test_refused_rows_are_exit_4_and_all_of_them_exit_3(cli: Cli, tmp_path: Path) -> None:
    bad = [*ROWS[0][:5], "DN22", "S9", "", "x", ""]
    found = cli.json("meters", "due", "--data", write(tmp_path / "a.csv", [ROWS[0], bad]), *DAY, expect=4)
    assert [(one["row"], one["cell"], one["label"]) for one in found["refused"]] == [
        (3, "F3", "口径"), (3, "H3", "检定日期"), (3, "I3", "Q3")]
    assert found["total"] == 1
    cli("meters", "due", "--data", write(tmp_path / "b.csv", [bad]), *DAY, expect=3)
    assert "H2 检定日期" in cli.err


def test_what_is_wrong_in_many_rows_is_said_once_with_the_first(cli: Cli, tmp_path: Path) -> None:
    rows = [[*one[:7], "", *one[8:]] for one in ROWS * 5]
    cli("meters", "due", "--data", write(tmp_path / "a.csv", rows), *DAY, expect=3)
    assert cli.err.count("检定日期") == 1
    assert "in 20 rows, first in row 2" in cli.err


def test_from_the_register_to_the_notices(cli: Cli, register: Path, tmp_path: Path) -> None:
    out = tmp_path / "到期.xlsx"
    found = cli.json("meters", "due", "--data", register, "--within", 30, "--out", out, *DAY)
    assert found["to_fill"] == ["appointment", "fitter"]
    assert cli.json("generate", "meter-change-notice", "--data", out, *DAY, expect=3)["summary"]["refused"] == 3
    book = openpyxl.load_workbook(out)
    sheet = book.worksheets[0]
    heads = [cell.value for cell in sheet[1]]
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, heads.index("预约换表时间") + 1).value = f"2026-12-0{row} 9:00"
        sheet.cell(row, heads.index("换表员") + 1).value = "孟昇"
    book.save(out)
    made = cli.json("generate", "meter-change-notice", "--data", out, *DAY)
    assert made["warnings"] == []
    shown = cli.json("issued", "show", made["items"][1]["number"])["fields"]
    assert {key: shown[key] for key in ("account", "old_meter_no", "old_meter_date", "reason", "calibre")} == {
        "account": "0012003456", "old_meter_no": "S1", "old_meter_date": "2020-11-20", "reason": "逾龄",
        "calibre": "DN20"}
    assert [one["row"] for one in made["items"]] == [2, 3, 4]


def test_what_is_left_empty_is_said_and_may_come_from_the_command_line(
    cli: Cli, register: Path, tmp_path: Path
) -> None:
    out = tmp_path / "到期.csv"
    assert cli("meters", "due", "--data", register, "--out", out, *DAY) == ""
    assert "预约换表时间, 换表员" in cli.err
    made = cli.json("generate", "meter-change-notice", "--data", out, "--set", "预约换表时间=2026-12-01 9:00",
                    "--set", "换表员=孟昇", *DAY)
    assert made["summary"]["generated"] == 2


def test_the_second_sheet_has_the_due_dates_and_the_third_the_refused_rows(
    cli: Cli, tmp_path: Path
) -> None:
    data = write(tmp_path / "a.csv", [*ROWS, [*ROWS[0][:7], "", "", ""]])
    cli("meters", "due", "--data", data, "--out", tmp_path / "out.xlsx", *DAY, expect=4)
    book = openpyxl.load_workbook(tmp_path / "out.xlsx", read_only=True)
    sheets = [[list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book.worksheets]
    assert [row[:1] + row[-5:] for row in sheets[1][1:]] == [
        ["4", "2024-02-29", "2", "2026-02-28", "-265", "Q3 above 16 m³/h: 2 years"],
        ["2", "2020-11-20", "6", "2026-11-20", "0", "up to DN25: 6 years"],
    ]
    assert sheets[2][1][:3] == ["6", "H6", "检定日期"]


def test_nothing_is_overwritten_and_nothing_written_when_nothing_is_due(
    cli: Cli, register: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.xlsx"
    cli("meters", "due", "--data", register, "--out", out, "--as-of", "2025-01-01")
    assert not out.exists()
    out.write_bytes(b"mine")
    cli("meters", "due", "--data", register, "--out", out, *DAY, expect=3)
    assert out.read_bytes() == b"mine"
    cli("meters", "due", "--data", register, "--out", out, "--force", *DAY)
    cli("meters", "due", "--data", register, "--out", tmp_path / "out.docx", *DAY, expect=2)


def test_the_office_edits_the_cycles(cli: Cli, register: Path) -> None:
    settings = cli.store / "recordkit.toml"
    text = settings.read_text(encoding="utf-8")
    assert "q3_years = 2" in text
    settings.write_text(text.replace("q3_years = 2", "q3_years = 0").replace("up_to = 25, years = 6",
                                                                             "up_to = 25, years = 3"), encoding="utf-8")
    found = cli.json("meters", "due", "--data", register, *DAY)["items"]
    assert [(one["old_meter_no"], one["due"]) for one in found] == [
        ("S1", "2023-11-20"), ("S2", "2023-11-25"), ("S4", "2026-01-01")]
    settings.write_text(text.replace("up_to = 50", "up_to = 20"), encoding="utf-8")
    cli("meters", "due", "--data", register, *DAY, expect=3)
    assert "meters.cycles" in cli.err


def test_without_a_store_the_usual_cycles_are_taken_and_said(cli: Cli, register: Path, tmp_path: Path) -> None:
    cli.store = tmp_path / "nowhere"
    assert cli.json("meters", "due", "--data", register, *DAY)["total"] == 2
    assert "usual cycles" in cli.err
    assert not cli.store.exists()


def test_of_many_due_meters_the_first_fifty_are_listed_and_the_rest_counted(cli: Cli, tmp_path: Path) -> None:
    rows = [[f"00120{at:05}", *ROWS[0][1:6], f"SN{at:03}", *ROWS[0][7:]] for at in range(57)]
    path = write(tmp_path / "a.csv", rows)
    assert cli("meters", "due", "--data", path, *DAY).count("SN") == 50
    assert "… and 7 more" in cli.err
    assert len(cli.json("meters", "due", "--data", path, *DAY)["items"]) == 57


def test_the_written_rows_are_read_again_without_a_note_and_the_command_quotes_their_path(
    cli: Cli, register: Path, tmp_path: Path
) -> None:
    from recordkit.templates.rows import read_rows

    out = tmp_path / "到期 通知.xlsx"
    cli("meters", "due", "--data", register, "--out", out, *DAY)
    assert f"--data '{out}'" in cli.err
    assert openpyxl.load_workbook(out).sheetnames == ["换表通知书", "Due dates"]
    assert read_rows(out).notes == ()
