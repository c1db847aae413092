"""A sheet of records exported, corrected and read back."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import small_archive
from conftest import Cli
from openpyxl import load_workbook
from small_archive import make_small_archive

from recordkit.archive import bulk
from recordkit.templates.planning import REASON_HEADING

WHEN = ("--as-of", "2026-11-21")
CONTRACT, VISIT, REPAIR = "供合〔2026〕0001号", "回访〔2024〕00007号", "维修〔2026〕0015号"


@pytest.fixture
def archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    make_small_archive(tmp_path / "档案 库")
    return Cli(tmp_path / "档案 库", capsys)


@pytest.fixture
def sheet(archive: Cli, tmp_path: Path) -> Path:
    archive("catalogue", "sheet", "--out", tmp_path / "更正.xlsx")
    return tmp_path / "更正.xlsx"


def rows_of(path: Path) -> list[dict[str, Any]]:
    lines = list(load_workbook(path).active.iter_rows(values_only=True))
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def correct(path: Path, changes: Mapping[str, Mapping[str, object]]) -> None:
    """Set cells by 文号 of the row and heading."""
    book = load_workbook(path)
    page = book.active
    heads = [cell.value for cell in page[1]]
    for row in page.iter_rows(min_row=2):
        for heading, value in changes.get(str(row[heads.index("文号")].value), {}).items():
            row[heads.index(heading)].value = value
    book.save(path)


def test_the_sheet_has_every_record_with_version_labels_real_dates_and_texts(archive: Cli, sheet: Path) -> None:
    rows = rows_of(sheet)
    assert len(rows) == 10
    assert list(rows[0])[:6] == ["档号", "版本", "门类", "年度", "保管期限", "页数"]
    (row,) = [one for one in rows if one["文号"] == CONTRACT]
    assert row["档号"] == archive.json("show", CONTRACT)["code"] and row["版本"] == 1
    assert row["日期"] == datetime(2026, 3, 2) and row["户号"] == "0012005101" and row["门类"] == "供用水合同"
    page = load_workbook(sheet).active
    assert page["A2"].fill.fgColor.rgb.endswith("E4E4E4") and page["G2"].fill.fill_type is None
    assert page["A2"].number_format == "@"


def test_corrections_are_shown_written_with_one_reason_and_a_second_run_changes_nothing(
    archive: Cli, sheet: Path
) -> None:
    correct(sheet, {CONTRACT: {"盒号": "0012", "日期": date(2026, 3, 3)},
                    VISIT: {"题名": "曾静走访记录", "备注": "补"}})
    planned = archive.json("edit", "--data", sheet, "--reason", "清点", "--dry-run", *WHEN)
    assert planned["changed"] == 0 and archive.json("show", CONTRACT)["version"] == 1
    told = archive("edit", "--data", sheet, "--reason", "清点", *WHEN, lang="zh")
    assert "0012" in told and "曾静走访记录" in told
    shown = archive.json("show", CONTRACT)
    assert (shown["box"], shown["date"], shown["version"]) == ("0012", "2026-03-03", 2)
    last = archive.json("history", VISIT)["items"][-1]
    assert last["reason"] == "清点" and {one["field"]: one["new"] for one in last["changes"]} == {
        "title": "曾静走访记录", "note": "补"}
    assert planned["items"] == [{**one, "changes": one["changes"]} for one in planned["items"]]
    assert archive.json("search", "曾静走访")["total"] == 1
    again = archive.json("edit", "--data", sheet, "--reason", "清点", *WHEN)
    assert (again["changed"], again["unchanged"], again["refused"]) == (0, 10, [])
    assert archive.json("show", CONTRACT)["version"] == 2
    archive("edit", "--data", sheet, "--reason", "清点", *WHEN)
    assert "Nothing changes" in archive.err


def test_a_row_that_others_have_overtaken_is_refused_and_the_rest_is_done(archive: Cli, sheet: Path) -> None:
    archive("edit", CONTRACT, "--set", "备注=别人先改", "--reason", "x", *WHEN)
    correct(sheet, {CONTRACT: {"盒号": "7"}, VISIT: {"盒号": "7"}})
    done = archive.json("edit", "--data", sheet, "--reason", "入盒", *WHEN, expect=4)
    assert done["changed"] == 1
    (problem,) = done["refused"]
    assert problem["code"] == "stale" and problem["label"] == "版本" and problem["cell"].startswith("B")
    assert archive.json("show", CONTRACT)["box"] is None and archive.json("show", VISIT)["box"] == "7"
    assert done["refused_file"] is None  # fed in again it would be refused for ever
    archive("edit", "--data", sheet, "--reason", "入盒", *WHEN, expect=4)
    assert "catalogue sheet" in archive.err


@pytest.mark.parametrize(("heading", "value", "code"), [
    ("日期", "2026年13月1日", "value"), ("题名", None, "value"), ("题名", "长" * 501, "value"),
    ("档号", "C999-1", "unknown-code"),
    ("年度", 2025, "fixed"), ("保管期限", "D10", "fixed"), ("门类", "换表通知书", "fixed"), ("页数", 99, "fixed"),
    ("版本", "", "stale"), ("档号", None, "required"),
])  # fmt: skip
def test_what_is_wrong_is_refused_by_row_and_cell_and_nothing_of_that_row_is_changed(
    archive: Cli, sheet: Path, heading: str, value: object, code: str
) -> None:
    correct(sheet, {CONTRACT: {"备注": "顺手", heading: value}})
    done = archive.json("edit", "--data", sheet, "--reason", "x", *WHEN, expect=4)
    (problem,) = done["refused"]
    assert problem["code"] == code and problem["label"] == heading and problem["row"] > 1
    assert problem["cell"] and problem["cell"].endswith(str(problem["row"]))
    assert done["changed"] == 0 and archive.json("show", CONTRACT)["version"] == 1


def test_refused_rows_are_corrected_in_their_file_and_fed_in_again(archive: Cli, sheet: Path) -> None:
    correct(sheet, {CONTRACT: {"日期": "三月初三"}, VISIT: {"盒号": "5"}})
    done = archive.json("edit", "--data", sheet, "--reason", "x", *WHEN, expect=4)
    refused = Path(done["refused_file"])
    assert "日期" in rows_of(refused)[0][REASON_HEADING]
    assert refused.with_suffix(".ids").read_text() == f'{archive.json("show", CONTRACT)["record_id"]}\n'
    correct(refused, {CONTRACT: {"日期": "2026-03-03"}})
    assert archive.json("edit", "--data", refused, "--reason", "x", *WHEN)["changed"] == 1
    assert archive.json("show", CONTRACT)["date"] == "2026-03-03"


@pytest.mark.parametrize(("simulation", "told"), [(False, "other-store"), (True, "stale")])
def test_a_sheet_of_another_store_with_the_same_codes_changes_nothing_here(
    archive: Cli, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    simulation: bool, told: str,
) -> None:
    # Simulated stores all have one id: their records differ by the moment of their filing at least.
    real = small_archive.make_store
    monkeypatch.setattr(small_archive, "make_store",
                        lambda root, clock, actor, **_: real(root, clock, actor, simulation=simulation))
    monkeypatch.setattr(small_archive, "DAY", small_archive.DAY + timedelta(days=1))
    make_small_archive(tmp_path / "elsewhere")
    other = Cli(tmp_path / "elsewhere", capsys)
    assert other.json("show", CONTRACT)["code"] == archive.json("show", CONTRACT)["code"]
    other("catalogue", "sheet", "--out", tmp_path / "other.xlsx")
    correct(tmp_path / "other.xlsx", {CONTRACT: {"题名": "别库的题名"}})
    done = archive.json("edit", "--data", tmp_path / "other.xlsx", "--reason", "x", *WHEN,
                        expect=4 if simulation else 3)
    assert {one["code"] for one in done["refused"]} == {told} and done["changed"] == 0
    assert done["refused_file"] is None
    assert archive.json("show", CONTRACT)["version"] == 1


def test_a_sheet_made_before_a_restore_is_stale_though_the_version_has_the_same_number(
    archive: Cli, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The store as it was saved, and as it went on until it was lost.
    lost = tmp_path / "lost"
    shutil.copytree(archive.store, lost)
    gone = Cli(lost, capsys)
    gone("edit", CONTRACT, "--set", "备注=失去的", "--reason", "x", *WHEN)
    gone("catalogue", "sheet", "--out", tmp_path / "old.xlsx")
    archive("edit", CONTRACT, "--set", "备注=现在的", "--reason", "x", *WHEN)
    correct(tmp_path / "old.xlsx", {CONTRACT: {"题名": "旧题名"}})
    done = archive.json("edit", "--data", tmp_path / "old.xlsx", "--reason", "x", *WHEN, expect=4)
    (problem,) = done["refused"]
    assert problem["code"] == "stale" and problem["label"] == "标识"
    assert archive.json("show", CONTRACT)["note"] == "现在的"


@pytest.mark.parametrize(("heading", "value", "meant"), [
    ("户号", 12005101, "0012005101"), ("户号", 12005120, "0012005120"), ("盒号", 12, "0012"),
    ("备注", 12345678901234567890, ""),
])  # fmt: skip
def test_a_number_that_has_lost_digits_is_refused_with_how_to_mend_it(
    archive: Cli, sheet: Path, tmp_path: Path, heading: str, value: object, meant: str
) -> None:
    archive("edit", CONTRACT, "--set", "盒号=0012", "--reason", "x", *WHEN)
    archive("catalogue", "sheet", "--out", sheet, "--force")
    correct(sheet, {CONTRACT: {heading: value}, VISIT: {"盒号": 7}})
    done = archive.json("edit", "--data", sheet, "--reason", "x", *WHEN, expect=4)
    (problem,) = done["refused"]
    assert problem["code"] == "lost-zeros" and problem["label"] == heading and meant in problem["message"]
    assert "as text" in problem["message"] and archive.json("show", CONTRACT)["version"] == 2
    assert archive.json("show", VISIT)["box"] == "7"


def test_what_stays_is_told_in_words_with_its_code(archive: Cli, sheet: Path) -> None:
    correct(sheet, {CONTRACT: {"门类": "换表通知书"}})
    archive("edit", "--data", sheet, "--reason", "x", *WHEN, expect=4)
    assert "供用水合同 (supply-contract)" in archive.err
    correct(sheet, {CONTRACT: {"门类": "供用水合同", "保管期限": "10年"}})
    archive("edit", "--data", sheet, "--reason", "x", *WHEN, expect=4)
    assert "30年 (D30)" in archive.err


def test_a_wrong_column_a_missing_one_and_a_record_twice_are_named(archive: Cli, sheet: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("档号,版本,题明\nx,1,y\n", "utf-8")
    archive("edit", "--data", tmp_path / "a.csv", "--reason", "x", *WHEN, expect=3)
    assert "题明" in archive.err and "Did you mean 题名" in archive.err
    (tmp_path / "b.csv").write_text("档号,题名\nx,y\n", "utf-8")
    archive("edit", "--data", tmp_path / "b.csv", "--reason", "x", *WHEN, expect=3)
    assert "版本" in archive.err and "catalogue sheet" in archive.err
    code, mark = next((one["档号"], one["标识"]) for one in rows_of(sheet) if one["文号"] == CONTRACT)
    (tmp_path / "c.csv").write_text(f"档 号,版 本,备　注,标识\n{code},1,甲,{mark}\n{code},1,乙,{mark}\n", "utf-8")
    done = archive.json("edit", "--data", tmp_path / "c.csv", "--reason", "x", *WHEN, expect=4)
    assert [one["code"] for one in done["refused"]] == ["twice"] and done["changed"] == 1
    archive("edit", "--data", tmp_path / "c.csv", "--set", "a=b", "--reason", "x", expect=2)
    archive("edit", "--reason", "x", expect=2)


def test_whole_batches_stay_when_the_run_is_stopped_and_the_next_run_goes_on(
    archive: Cli, sheet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_BATCH", 3)
    every = [one["number"] for one in archive.json("catalogue", "list")["items"]]
    correct(sheet, {number: {"盒号": "9"} for number in every})
    real, calls = bulk.add_versions, []

    def stopped(*arguments: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments, **named)

    monkeypatch.setattr(bulk, "add_versions", stopped)
    archive("edit", "--data", sheet, "--reason", "入盒", *WHEN, expect=130)
    assert "6 of 10" in archive.err
    assert archive.json("catalogue", "list", "--box", "9")["total"] == 6
    monkeypatch.setattr(bulk, "add_versions", real)
    done = archive.json("edit", "--data", sheet, "--reason", "入盒", *WHEN)
    assert (done["changed"], done["unchanged"]) == (4, 6)
    assert archive.json("ledger", "verify")["ok"] and archive.json("verify")["ok"]


def test_who_may_not_see_restricted_records_gets_no_sheet_of_them_and_no_phones(
    archive: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.store.joinpath("retention.toml")
    archive("catalogue", "sheet", "--out", tmp_path / "a.xlsx", "--class", "visit-record")
    assert "电话" in rows_of(tmp_path / "a.xlsx")[0] and len(rows_of(tmp_path / "a.xlsx")) == 3
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", "three short words")
    archive("key", "create", tmp_path / "admin")
    archive("people", "add", "admin", "--name", "甲", "--role", "administrator", "--staff-no", "G1", "--key",
            tmp_path / "admin.pub", *WHEN)
    archive("catalogue", "sheet", "--out", tmp_path / "b.xlsx", "--class", "visit-record")
    assert "电话" not in rows_of(tmp_path / "b.xlsx")[0]


def test_a_sheet_in_the_outbox_is_known_by_its_records_and_elsewhere_in_the_store_refused(archive: Cli) -> None:
    archive("catalogue", "sheet", "--out", archive.store / "outbox" / "a.xlsx", "--year", "2025")
    record_id = archive.json("show", "供合〔2025〕0041号")["record_id"]
    assert (archive.store / "outbox" / "a.ids").read_text() == f"{record_id}\n"
    archive("catalogue", "sheet", "--out", archive.store / "work" / "a.xlsx", expect=2)
    archive("catalogue", "sheet", "--out", archive.store / "outbox" / "a.xlsx", expect=3)
    archive("catalogue", "sheet", "--out", archive.store / "outbox" / "b.xlsx", "--year", "1999", expect=5)


def test_the_listing_pages_sorts_filters_and_names_the_next_page(archive: Cli) -> None:
    first = archive.json("catalogue", "list", "--limit", "4")
    assert first["total"] == 10 and first["next"] == first["items"][-1]["code"]
    second = archive.json("catalogue", "list", "--limit", "4", "--after", first["next"])
    skipped = archive.json("catalogue", "list", "--limit", "4", "--offset", "4")
    assert second["items"] == skipped["items"] and not {one["code"] for one in first["items"]} & {
        one["code"] for one in second["items"]}
    last = archive.json("catalogue", "list", "--limit", "4", "--after", second["next"])
    assert last["next"] is None and len(last["items"]) == 2
    assert archive.json("catalogue", "list", "--class", "回访记录")["total"] == 3
    assert archive.json("catalogue", "list", "--form", "repair-order")["items"][0]["number"] == REPAIR
    assert archive.json("catalogue", "list", "--account", "0012005120", "--sort", "date")["total"] == 2
    assert archive.json("catalogue", "list", "--period", "30年")["total"] == archive.json(
        "catalogue", "list", "--period", "D30")["total"]
    dates = [one["date"] for one in archive.json("catalogue", "list", "--sort", "date")["items"]]
    assert dates == sorted(dates)
    archive("catalogue", "list", "--form", "nothing", expect=5)
    archive("catalogue", "list", "--class", "没有", expect=5)
    archive("catalogue", "list", "--from", "2026-05-01", "--to", "2026-04-01", expect=2)
    archive("catalogue", "list", "--status", "all", "--sort", "date", expect=2)
    archive("catalogue", "list", "--period", "永恒", expect=2)
    assert "1 to 10 of 10" in (archive("catalogue", "list"), archive.err)[1]


def test_why_pages_are_not_typed_is_told_as_it_is_and_fields_are_named_in_words(archive: Cli) -> None:
    archive("edit", CONTRACT, "--set", "页数=9", "--reason", "x", *WHEN, expect=3)
    assert "taken from the file" in archive.err and "class, year and period" not in archive.err
    archive("edit", CONTRACT, "--set", "年度=2020", "--reason", "x", *WHEN, expect=3)
    assert "class, year and period" in archive.err
    archive("edit", CONTRACT, "--set", "没有此项=9", "--reason", "x", *WHEN, expect=3)
    assert "题名 (title)" in archive.err and "日期 (date)" in archive.err
