"""Lists of the billing system, as offices have them, imported as events and holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from conftest import Cli, clock_at

from recordkit.archive.filing import file_generated
from recordkit.store import open_store
from recordkit.workspace import Workspace

DAY = ("--as-of", "2026-11-22")
CLOSED = "account-closed"


@pytest.fixture
def archive(cli: Cli, workspace: Workspace) -> Cli:
    """Contracts of twelve accounts, 0012000000 and so on, signed in 2015."""
    for number in range(12):
        with workspace.writing() as writer:
            record = file_generated(writer, workspace, record_class="supply-contract", title=f"合同{number}",
                                    on=date(2015, 3, 1), content={"original.json": f"{number}".encode()}, fields={})
        from recordkit.archive.editing import edit_record

        edit_record(workspace, record, {"account": f"001200000{number}" if number < 10 else f"00120000{number}"}, "补")
    return cli


def account(number: int) -> str:
    return f"00120{number:05d}"


def sheet(path: Path, rows: Sequence[Sequence[object]], *, merged: Sequence[str] = ()) -> Path:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    for row in rows:
        page.append(list(row))
    for cells in merged:
        page.merge_cells(cells)
    book.save(path)
    return path


def closing_list(path: Path) -> Path:
    """A merged title, a line about the list, headings of two rows, a blank line, days of all kinds, totals, makers."""
    return sheet(path, [
        ["2026年10月销户清单", None, None, None, None],
        ["单位：清源营业所", None, None, "打印日期：2026-11-01", None],
        ["序号", "用户编号（必填）", "户名", "开户日期", "销户日期"],
        ["序号", "用户编号（必填）", "户名", "开户日期", "销户日期"],
        [1, account(0), "陈堃", datetime(2015, 3, 1), datetime(2026, 10, 8)],
        [2, account(1), "魏冕", datetime(2015, 3, 1), "2026年10月9日"],
        [None, None, None, None, None],
        [3, account(2), "唐喆", datetime(2015, 3, 1), datetime(2026, 10, 12, 14, 30)],
        ["小计", None, None, None, 3],
        [4, account(0), "陈堃", datetime(2015, 3, 1), datetime(2026, 10, 8)],
        [5, "0099000001", "无此户", datetime(2015, 3, 1), "20261020"],
        [6, None, "欠户号", datetime(2015, 3, 1), datetime(2026, 10, 21)],
        [7, account(3), "将来", datetime(2015, 3, 1), datetime(2027, 10, 21)],
        [8, account(4), "无日期", datetime(2015, 3, 1), "不详"],
        ["合计", None, None, None, 8],
        ["制表：李工", None, "审核：王工", None, None],
    ], merged=["A1:E1", "A3:A4", "B3:B4", "C3:C4", "D3:D4", "E3:E4"])


def events(cli: Cli) -> list[tuple[str, str]]:
    return [(one["account"], one["date"]) for one in cli.json("event", "list")["items"]]


def test_a_list_with_title_blank_lines_and_totals_enters_its_events(archive: Cli, tmp_path: Path) -> None:
    path = closing_list(tmp_path / "10月 销户.xlsx")
    done = archive.json("event", "import", path, "--type", "account closed", *DAY, expect=4)
    assert done["columns"] == {"account": "用户编号（必填）", "date": "销户日期"}
    assert events(archive) == [(account(0), "2026-10-08"), (account(1), "2026-10-09"), (account(2), "2026-10-12")]
    assert done["counts"]["rows"] == 8 and done["counts"]["entered"] == 3
    assert done["counts"]["twice in the list"] == 1
    assert done["passed"] == 4, "the repeated headings, the subtotal, the total and those who made the list"
    assert [(one["row"], one["cell"], one["code"]) for one in done["refused"]] == [
        (12, "B12", "required"), (13, "E13", "future"), (14, "E14", "wrong-type")]


def test_refused_rows_come_back_as_a_file_that_is_imported_once_corrected(archive: Cli, tmp_path: Path) -> None:
    done = archive.json("event", "import", closing_list(tmp_path / "销户.xlsx"), "--type", CLOSED, *DAY, expect=4)
    back = openpyxl.load_workbook(done["refused_file"])
    rows = list(back.active.iter_rows(values_only=True))  # type: ignore[union-attr]
    assert rows[0][:5] == ("序号", "用户编号（必填）", "户名", "开户日期", "销户日期")
    assert [row[2] for row in rows[1:]] == ["欠户号", "将来", "无日期"]
    assert all(row[5] for row in rows[1:]), "each with its reason"
    page = back.active
    assert page is not None
    page["B2"], page["E3"], page["E4"] = account(5), "2026-10-21", "2026-10-22"
    back.save(tmp_path / "更正.xlsx")
    again = archive.json("event", "import", tmp_path / "更正.xlsx", "--type", CLOSED, *DAY)
    assert again["counts"]["entered"] == 3 and again["refused"] == []
    assert len(events(archive)) == 6


def test_a_second_import_of_the_same_list_does_no_harm(archive: Cli, tmp_path: Path) -> None:
    path = closing_list(tmp_path / "销户.xlsx")
    archive.json("event", "import", path, "--type", CLOSED, *DAY, expect=4)
    before = events(archive)
    head = archive.json("ledger", "verify")["head"]
    again = archive.json("event", "import", path, "--type", CLOSED, *DAY, expect=4)
    assert again["counts"]["known before"] == 3 and again["counts"]["entered"] == 0
    assert events(archive) == before and archive.json("ledger", "verify")["head"] == head


def test_what_a_person_took_back_is_not_imported_again(archive: Cli, tmp_path: Path) -> None:
    path = closing_list(tmp_path / "销户.xlsx")
    archive.json("event", "import", path, "--type", CLOSED, *DAY, expect=4)
    first, second = (one["event"] for one in archive.json("event", "list")["items"][:2])
    archive("event", "withdraw", first, "--reason", "误列", *DAY)
    archive("event", "revise", second, "--date", "2026-10-19", "--reason", "日期有误", *DAY)
    again = archive.json("event", "import", path, "--type", CLOSED, *DAY, expect=4)
    assert again["counts"]["taken back by a person"] == 2
    assert sorted(events(archive)) == [(account(1), "2026-10-19"), (account(2), "2026-10-12")]


def test_unknown_accounts_are_named_counted_and_written_and_left_out_unless_asked(archive: Cli, tmp_path: Path) -> None:
    path = closing_list(tmp_path / "销户.xlsx")
    done = archive.json("event", "import", path, "--type", CLOSED, *DAY, expect=4)
    assert done["counts"]["unknown accounts"] == 1
    (_, row), = [list(openpyxl.load_workbook(done["unknown_file"]).active.iter_rows(values_only=True))]  # type: ignore[union-attr]
    assert row[1] == "0099000001"
    assert "0099000001" not in [one for one, _ in events(archive)]
    archive("event", "import", path, "--type", CLOSED, "--also-unknown", *DAY, expect=4, lang="zh")
    assert "0099000001" in archive.err
    assert ("0099000001", "2026-10-20") in events(archive)


def test_a_dry_run_tells_the_same_counts_and_writes_nothing(archive: Cli, tmp_path: Path) -> None:
    path = closing_list(tmp_path / "销户.xlsx")
    before = {one: one.read_bytes() for one in archive.store.rglob("*") if one.is_file() and "sqlite" not in one.name}
    planned = archive.json("event", "import", path, "--type", CLOSED, "--dry-run", *DAY, expect=4)
    after = {one: one.read_bytes() for one in archive.store.rglob("*") if one.is_file() and "sqlite" not in one.name}
    assert after == before
    done = archive.json("event", "import", path, "--type", CLOSED, *DAY, expect=4)
    assert planned["counts"] == done["counts"]
    assert planned["dry_run"] and planned["refused_file"] is None


def test_a_csv_of_gbk_with_a_column_of_types_is_read(archive: Cli, tmp_path: Path) -> None:
    path = tmp_path / "业务.csv"
    lines = ["户号,业务类型,日期", f'="{account(0)}",客户销户,2026/10/8', f"{account(1)},过户,2026-10-9",
             f"{account(2)},换热水器,2026-10-9", f"{account(3)},,2026-10-9"]
    path.write_bytes("\r\n".join(lines).encode("gb18030"))
    done = archive.json("event", "import", path, *DAY, expect=4)
    assert [one["type"] for one in archive.json("event", "list")["items"]] == ["account-closed", "contract-ended"]
    assert [one["code"] for one in done["refused"]] == ["unknown-type", "unknown-type"]
    only = archive.json("event", "import", path, "--type", CLOSED, *DAY)
    assert (only["counts"]["known before"], only["counts"]["entered"], only["counts"]["of another type"]) == (1, 1, 2)


def test_a_number_that_lost_its_zeros_is_refused_with_the_account_it_may_mean(archive: Cli, tmp_path: Path) -> None:
    path = sheet(tmp_path / "销户.xlsx", [["户号", "日期"], [12000000, "2026-10-08"], [77, "2026-10-08"]])
    done = archive.json("event", "import", path, "--type", CLOSED, *DAY, expect=4)
    assert [one["code"] for one in done["refused"]] == ["lost-zeros"]
    assert account(0) in done["refused"][0]["message"]
    assert done["counts"]["unknown accounts"] == 1 and events(archive) == []


def test_a_text_that_lost_its_zeros_is_neither_held_nor_entered_under_the_shorter_number(
    archive: Cli, tmp_path: Path
) -> None:
    """A .csv has no numbers: what a spreadsheet program saved without zeros is text there."""
    path = tmp_path / "清单.csv"
    path.write_text(f"户号,日期\n12000000,2026-10-08\n{account(1)},2026-10-08\n77,2026-10-08\n", encoding="utf-8")
    done = archive.json("hold", "import", path, "--kind", "arrears", "--reason", "欠费", *DAY, expect=4)
    assert [one["code"] for one in done["refused"]] == ["lost-zeros"] and account(0) in done["refused"][0]["message"]
    assert sorted(held(archive)) == [account(1), "77"]
    done = archive.json("event", "import", path, "--type", CLOSED, "--also-unknown", *DAY, expect=4)
    assert [one["code"] for one in done["refused"]] == ["lost-zeros"]
    assert [one[0] for one in events(archive)] == [account(1), "77"]


@pytest.mark.parametrize("count", ["2户", "2"])
def test_a_total_whose_count_stands_in_the_column_of_accounts_names_nobody(
    archive: Cli, tmp_path: Path, count: str
) -> None:
    path = tmp_path / "欠费.csv"
    path.write_text(f"序号,户号,金额\n1,{account(0)},5.00\n2,{account(1)},6.00\n合计,{count},11.00\n", encoding="utf-8")
    done = archive.json("hold", "import", path, "--kind", "arrears", "--reason", "欠费", *DAY)
    assert (done["counts"]["placed"], done["refused"]) == (2, [])
    assert sorted(held(archive)) == [account(0), account(1)]


@pytest.mark.parametrize(
    ("rows", "arguments", "told"),
    [
        ([["姓名", "日期"], ["甲", "2026-10-08"]], (), "--account-column"),
        ([["户号", "开户日期", "停用日期"], [account(0), "2015-1-1", "2026-10-08"]], (), "--date-column"),
        ([["户号"], [account(0)]], (), "--date"),
        ([["户号", "日期"], [account(0), "2026-10-08"]], ("--date-column", "销户日"), "销户日"),
        ([["户号", "日期"], [account(0), "2026-10-08"]], ("--account-column", "编号"), "编号"),
    ],
)
def test_a_list_that_does_not_tell_whom_or_when_is_refused_with_what_to_do(
    archive: Cli, tmp_path: Path, rows: list[list[object]], arguments: tuple[str, ...], told: str
) -> None:
    archive("event", "import", sheet(tmp_path / "表.xlsx", rows), "--type", CLOSED, *arguments, *DAY, expect=3)
    assert told in archive.err and "\n  -> " in archive.err
    assert events(archive) == []


def test_columns_may_be_named_and_one_day_given_for_all(archive: Cli, tmp_path: Path) -> None:
    path = sheet(tmp_path / "表.xlsx", [["编码", "开户日期", "停用日期"], [account(0), "2015-1-1", "2026-10-08"],
                                       [account(1), "2015-1-1", None]])
    archive("event", "import", path, "--type", CLOSED, "--account-column", "编码", "--date-column", "停用日期",
            "--date", "2026-10-31", *DAY)
    assert events(archive) == [(account(0), "2026-10-08"), (account(1), "2026-10-31")]


def test_events_on_another_day_and_before_the_records_are_told(archive: Cli, tmp_path: Path) -> None:
    archive("event", "add", CLOSED, "--account", account(0), "--date", "2026-01-05", *DAY)
    path = sheet(tmp_path / "表.xlsx", [["户号", "日期"], [account(0), "2026-10-08"], [account(1), "2014-01-01"]])
    done = archive.json("event", "import", path, "--type", CLOSED, *DAY)
    assert [one["code"] for one in done["warnings"]] == ["other-day"] and "2026-01-05" in done["warnings"][0]["message"]
    assert done["counts"]["starting nothing now"] == 1


def arrears(path: Path, *numbers: int) -> Path:
    rows = [[account(one), 12.5] for one in numbers]
    return sheet(path, [["欠费清单"], ["户号", "欠费金额(元)"], *rows, ["合计", 99]])


def held(cli: Cli) -> list[str]:
    return [str(one["account"]) for one in cli.json("hold", "list")["items"]]


ARREARS = ("--kind", "arrears", "--reason", "欠费")


def test_a_list_of_arrears_holds_its_accounts_once_and_covers_what_is_filed_later(archive: Cli, tmp_path: Path) -> None:
    path = arrears(tmp_path / "欠费.xlsx", 0, 1, 0, 50)
    done = archive.json("hold", "import", path, *ARREARS, *DAY)
    assert held(archive) == [account(0), account(1), account(50)]
    assert done["counts"]["placed"] == 3 and done["counts"]["unknown accounts"] == 1 and done["counts"]["rows"] == 4
    assert archive.json("hold", "import", path, *ARREARS, *DAY)["counts"] == {
        **done["counts"], "placed": 0, "held before": 3, "unknown accounts": 0}
    assert len(held(archive)) == 3
    archive("hold", "place", "--data", arrears(tmp_path / "更多.xlsx", 0, 2), *ARREARS, *DAY)
    assert held(archive)[3:] == [account(2)]


def test_accounts_that_a_later_list_misses_are_released_only_when_asked_and_only_those_of_its_series(
    archive: Cli, tmp_path: Path
) -> None:
    archive("hold", "place", "--account", account(0), *ARREARS, *DAY)
    archive("hold", "import", arrears(tmp_path / "北.xlsx", 7), "--list", "北区", *ARREARS, *DAY)
    archive("hold", "import", arrears(tmp_path / "1.xlsx", 0, 1, 2), *ARREARS, *DAY)
    later = arrears(tmp_path / "2.xlsx", 2, 3)
    archive("hold", "import", later, *ARREARS, *DAY)
    assert sorted(held(archive)) == sorted(account(one) for one in (0, 0, 1, 2, 3, 7))
    planned = archive.json("hold", "import", later, *ARREARS, "--release-missing", "--dry-run", *DAY)
    assert planned["counts"]["released"] == 2 and len(held(archive)) == 6
    archive("hold", "import", later, *ARREARS, "--release-missing", "--release-reason", "已缴清", *DAY)
    assert sorted(held(archive)) == sorted(account(one) for one in (0, 2, 3, 7))
    assert [one["account"] for one in archive.json("hold", "list", "--all")["items"] if one["released"]] == [
        account(0), account(1)]


def test_nothing_is_released_while_a_row_is_refused(archive: Cli, tmp_path: Path) -> None:
    archive("hold", "import", arrears(tmp_path / "1.xlsx", 0, 1), *ARREARS, *DAY)
    bad = sheet(tmp_path / "2.xlsx", [["户号"], [account(1)], ["甲、乙两户"]])
    archive("hold", "import", bad, *ARREARS, "--release-missing", *DAY, expect=3)
    assert "--release-missing" in archive.err
    assert held(archive) == [account(0), account(1)]


@pytest.mark.parametrize("arguments", [("--kind", "boredom", "--reason", "x"), ("--kind", "debt", "--reason", " "),
                                       ("--kind", "debt", "--reason", "x", "--until", "2020-01-01")])
def test_a_list_without_kind_reason_or_with_a_past_day_holds_nothing(
    archive: Cli, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    archive("hold", "import", arrears(tmp_path / "1.xlsx", 0), *arguments, *DAY, expect=3)
    assert held(archive) == []


def test_an_interrupted_import_goes_on_where_it_was(archive: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                    ) -> None:
    monkeypatch.setattr("recordkit.retention.importing._PORTION", 2)
    path = arrears(tmp_path / "1.xlsx", *range(10))
    done: list[int] = []

    def stop(_: object, count: int) -> None:
        done.append(count)
        if count == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr("recordkit.cli.progress.Progress.__call__", stop)
    archive("hold", "import", path, *ARREARS, *DAY, expect=130)
    assert held(archive) == [account(one) for one in range(4)]
    assert open_store(archive.store, clock_at(date(2026, 11, 22)), "test").verify_ledger().ok
    monkeypatch.undo()
    assert archive.json("hold", "import", path, *ARREARS, *DAY)["counts"]["held before"] == 4
    assert held(archive) == [account(one) for one in range(10)]
