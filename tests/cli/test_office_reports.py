"""Every figure of the reports counted by hand from a store in which documents lived through some months."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from conftest import Cli
from PIL import Image
from report_store import Office, report_path

from recordkit.cli.machine import how_to_get_extra

OFFICE = "客户服务中心"


def signed_on(day: str) -> dict[str, str]:
    return {"supplier_signed_on": day, "customer_signed_on": day}


def contract(office: Office, day: str) -> str:
    return office.issue("supply-contract", day, sign_date=day, valid_from=day)


@pytest.fixture
def office(cli: Cli) -> Office:
    """October and November 2026; what is counted stands beside each act."""
    made = Office(cli)
    # Signed in October though issued in September and filed in November.
    late = contract(made, "2026-09-28")
    made.complete(late, "2026-10-09", **signed_on("2026-10-08"))
    made.file(late, "2026-11-02")
    # Signed and filed in November.
    now = contract(made, "2026-11-03")
    made.complete(now, "2026-11-04", **signed_on("2026-11-04"))
    made.file(now, "2026-11-04")
    # Filed in November, its day of signature not keyed in: counts by the date of the contract.
    made.file(contract(made, "2026-11-05"), "2026-11-06")
    # Signed, but the paper is not filed: no contract yet.
    out = contract(made, "2026-11-09")
    made.complete(out, "2026-11-10", **signed_on("2026-11-10"))
    # Void.
    cli("issued", "void", contract(made, "2026-11-09"), "--reason", "填错", "--as-of", "2026-11-09")
    # A transfer that was agreed to, and one that was not; a change of name is no transfer.
    for kind, decision in (("过户", "同意"), ("过户", "不同意"), ("更名", "同意")):
        number = made.issue("account-transfer", "2026-11-10", apply_date="2026-11-10", arrears_checked_on="2026-11-10",
                            transfer_kind=kind, transfer_reason="其他", reason_note="继承后调整")
        days = {key: "2026-11-12" for key in ("reading_on", "settled_on", "former_signed_on", "customer_signed_on",
                                              "decided_on", "completed_on")}
        if decision == "不同意":
            days |= {"new_contract_no": ""}
        made.complete(number, "2026-11-13", decision=decision, decision_note="见附件", **days)
        made.file(number, "2026-11-13")
    # Two meters changed by another office, one of them on the last day of October.
    made.move_to("城东营业厅")
    for noticed, changed in (("2026-10-20", "2026-10-31"), ("2026-11-02", "2026-11-12")):
        number = made.issue("meter-change-notice", noticed, notice_date=noticed, appointment=f"{changed}T09:00")
        made.complete(number, changed, changed_at=f"{changed}T10:00", signed_at=f"{changed}T10:10")
        made.file(number, "2026-11-16")
    made.move_to(OFFICE, "城东营业厅")
    return made


def numbers(found: Any, kind: str) -> dict[tuple[str, str], tuple[int, int | None, int | None]]:
    return {(one["id"], one["office"]): (one["now"], one["before"], one["year_ago"])
            for one in found["items"] if one["kind"] == kind}


def test_the_months_figures_are_those_counted_by_hand(office: Office, cli: Cli) -> None:
    found = cli.json("report", "monthly", "--month", "2026-11", "--as-of", "2026-12-01")
    figures = numbers(found, "figure")
    assert figures["contracts", OFFICE] == (2, 1, None)
    assert figures["transfers", OFFICE] == (1, 0, None)
    assert figures["meter-changes", "城东营业厅"] == (1, 1, None)
    assert figures["points", ""] == (0, 0, None)
    assert numbers(found, "issued") == {
        ("supply-contract", OFFICE): (3, 0, None), ("account-transfer", OFFICE): (3, 0, None),
        ("meter-change-notice", "城东营业厅"): (1, 1, None)}
    assert numbers(found, "void") == {("supply-contract", OFFICE): (1, 0, None)}
    assert numbers(found, "returned") == {
        ("supply-contract", OFFICE): (3, 0, None), ("account-transfer", OFFICE): (3, 0, None),
        ("meter-change-notice", "城东营业厅"): (2, 0, None)}
    assert numbers(found, "filed") == numbers(found, "returned")
    assert len(found["notes"]) == 2
    assert "1 paper(s) were counted by another of their days" in found["notes"][1]


def test_the_same_month_a_year_later_stands_beside_it(office: Office, cli: Cli) -> None:
    last = contract(office, "2027-11-01")
    office.complete(last, "2027-11-02", **signed_on("2027-11-02"))
    office.file(last, "2027-11-02")
    found = cli.json("report", "monthly", "--month", "2027-11", "--as-of", "2027-12-01")
    assert numbers(found, "figure")["contracts", OFFICE] == (1, 0, 2)
    assert found["notes"] == [
        "The holidays of 2027 are not known: only weekends were taken for free. Enter them in calendar.toml, or "
        "install a newer chinesecalendar."]


def test_a_destroyed_paper_is_counted_as_filed_and_by_no_day_of_its_own(office: Office, cli: Cli) -> None:
    """The ledger keeps that and when it was filed; what stood on it is gone."""
    from datetime import date

    from conftest import clock_at

    from recordkit.store import open_store

    workspace = open_store(cli.store, clock_at(date(2026, 12, 1)), "test")
    record = cli.json("show", office.numbers[1])["record_id"]
    with workspace.writing() as writer:  # what the last step of an order writes
        writer.add("record.destroyed", {"record": record, "order": "D2026-0001"})
        writer.commit()
    workspace.close()
    for _ in range(2):
        found = cli.json("report", "monthly", "--month", "2026-11", "--as-of", "2026-12-01")
        assert numbers(found, "figure")["contracts", OFFICE][0] == 1
        assert numbers(found, "issued")["supply-contract", OFFICE][0] == 2
        assert numbers(found, "issued")["supply-contract", ""][0] == 1
        assert sum(n[0] for key, n in numbers(found, "filed").items() if key[0] == "supply-contract") == 3
        cli("rebuild", "--catalogue")


def test_word_and_excel_say_what_json_says(office: Office, cli: Cli) -> None:
    paper, book = report_path(cli, "月报.docx"), report_path(cli, "月报.xlsx")
    for path in (paper, book):
        cli("report", "monthly", "--month", "2026-11", "--out", path, "--chart", "--as-of", "2026-12-01")
    word = docx.Document(str(paper))
    figures, forms, filed = ([[cell.text for cell in row.cells] for row in table.rows] for table in word.tables)
    assert figures[0] == ["指标", "经办机构", "本月", "上月", "去年同月", "较上月"]
    assert ["签订供用水合同", OFFICE, "2", "1", "—", "+1"] in figures
    assert ["换表（换表通知书）", "城东营业厅", "1", "1", "—", "0"] in figures
    assert ["办结过户", OFFICE, "1", "0", "—", "+1"] in figures
    assert forms[0] == ["文书", "经办机构", "签发", "上月", "去年同月", "作废", "归档", "上月", "去年同月"]
    assert ["供用水合同", OFFICE, "3", "0", "—", "1", "3", "0", "—"] in forms
    assert ["换表通知书", "城东营业厅", "1", "1", "—", "0", "2", "0", "—"] in forms
    assert ["供用水合同", OFFICE, "3", "0", "—", "+3"] in filed
    sheets = {sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows()]
              for sheet in openpyxl.load_workbook(book)}
    assert list(sheets) == ["主要指标", "文书签发与归档", "档案归档"]
    assert ["签订供用水合同", OFFICE, 2, 1, "—", "+1"] in sheets["主要指标"]
    assert ["供用水合同", OFFICE, 3, 0, "—", 1, 3, 0, "—"] in sheets["文书签发与归档"]
    assert ["供用水合同", OFFICE, 3, 0, "—", "+3"] in sheets["档案归档"]
    for path, place in ((paper, "word/media/"), (book, "xl/media/")):
        with zipfile.ZipFile(path) as package:
            (picture,) = [name for name in package.namelist() if name.startswith(place)]
            with Image.open(io.BytesIO(package.read(picture))) as chart:
                assert chart.width > 1000
                assert len(set(chart.convert("RGB").resize((200, 200)).tobytes())) > 20
    assert openpyxl.load_workbook(book)["主要指标"].page_setup.orientation == "portrait"


def test_offices_are_summed_up_where_several_did_the_same(office: Office, cli: Cli) -> None:
    number = office.issue("meter-change-notice", "2026-11-17", notice_date="2026-11-17", appointment="2026-11-18T09:00")
    office.complete(number, "2026-11-18", changed_at="2026-11-18T10:00", signed_at="2026-11-18T10:10")
    office.file(number, "2026-11-18")
    path = report_path(cli, "月报.docx")
    cli("report", "monthly", "--month", "2026-11", "--out", path, "--no-chart", "--as-of", "2026-12-01")
    rows = [[cell.text for cell in row.cells] for row in docx.Document(str(path)).tables[0].rows]
    assert [row[1:4] for row in rows if row[0] == "换表（换表通知书）"] == [
        ["城东营业厅", "1", "1"], [OFFICE, "1", "0"], ["合计", "2", "1"]]


def test_a_month_that_runs_is_counted_up_to_today_and_one_to_come_is_refused(office: Office, cli: Cli) -> None:
    found = cli.json("report", "monthly", "--month", "2026-11", "--as-of", "2026-11-20")
    assert found["until"] == "2026-11-20"
    assert "not over" in found["notes"][0]
    cli("report", "monthly", "--month", "2026-12", "--as-of", "2026-11-30", expect=2)
    assert "2026-12 has not come yet" in cli.err
    cli("report", "monthly", "--month", "2026-13", expect=2)
    assert "2026-13 is no month" in cli.err


def test_an_empty_month_is_a_report_of_zeros(cli: Cli) -> None:
    path = report_path(cli, "空.docx")
    shown = cli("report", "monthly", "--month", "2026-11", "--out", path, "--as-of", "2026-11-30")
    assert "Nothing was counted in 2026-11" in cli.err
    assert "签订供用水合同" in shown
    assert any("本月无业务记录" in one.text for one in docx.Document(str(path)).paragraphs)
    book = report_path(cli, "空.xlsx")
    cli("report", "monthly", "--month", "2026-11", "--out", book, "--as-of", "2026-11-30")
    for name in ("文书签发与归档", "档案归档"):
        assert [cell.value for cell in openpyxl.load_workbook(book)[name]["A"]][1:] == ["无"]
    with zipfile.ZipFile(book) as package:  # a chart of zeros shows nothing
        assert not [name for name in package.namelist() if "media" in name]
    before = cli.json("report", "monthly", "--month", "2025-03", "--as-of", "2026-11-30")
    assert {one["now"] for one in before["items"]} == {0}
    assert "begun on 2026-11-20, after this month" in before["notes"][0]


def test_without_matplotlib_the_report_has_no_chart_and_says_how_to_get_one(
    office: Office, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [one for one in sys.modules if one.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    path = report_path(cli, "月报.docx")
    cli("report", "monthly", "--month", "2026-11", "--out", path, "--as-of", "2026-11-30")
    assert how_to_get_extra("charts") in cli.err
    with zipfile.ZipFile(path) as package:
        assert not [name for name in package.namelist() if "media" in name]
    other = report_path(cli, "b.docx")
    cli("report", "monthly", "--month", "2026-11", "--out", other, "--chart", "--as-of", "2026-11-30", expect=9)
    assert not other.exists()


def test_without_a_chinese_font_there_is_no_chart_of_boxes(
    office: Office, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib import font_manager

    latin = [one for one in font_manager.findSystemFonts() if "dejavu" in one.lower() or "nimbus" in one.lower()]
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: latin)
    path = report_path(cli, "月报.xlsx")
    cli("report", "monthly", "--month", "2026-11", "--out", path, "--as-of", "2026-11-30")
    assert "fonts-noto-cjk" in cli.err
    cli("report", "monthly", "--month", "2026-11", "--out", path, "--force", "--chart", "--as-of", "2026-11-30",
        expect=9)


def test_what_the_register_of_meters_says_of_the_month_stands_in_the_report(cli: Cli, tmp_path: Path) -> None:
    register = tmp_path / "台账.csv"
    register.write_text("户号,口径,表号,检定日期\n0012,DN20,S1,2020-11-05\n0013,DN20,S2,2020-11-30\n"
                        "0014,DN20,S3,2020-10-31\n0015,DN20,S4,2020-12-01\n0016,DN22,S5,2020-11-05\n", "utf-8")
    found = cli.json("report", "monthly", "--month", "2026-11", "--meters", register, "--as-of", "2026-11-30", expect=4)
    figures = numbers(found, "figure")
    assert figures["meters-due", ""] == (2, None, None)
    assert figures["meters-overdue", ""] == (1, None, None)
    assert found["refused_meters"] == 1
    assert "B6" in cli.err


def test_the_days_applications_are_counted_and_listed(cli: Cli) -> None:
    office = Office(cli)
    first = office.issue("water-application", "2026-11-19", apply_date="2026-11-19")
    second = office.issue("water-application", "2026-11-19", apply_date="2026-11-19")
    office.issue("water-application", "2026-11-18", apply_date="2026-11-18")
    cli("issued", "void", second, "--reason", "重复", "--as-of", "2026-11-19")
    office.issue("visit-record", "2026-11-19", visit_at="2026-11-19T08:00")
    found = cli.json("report", "daily", "--date", "2026-11-19", "--as-of", "2026-11-20")
    assert (found["applications"], found["total"]) == (1, 2)
    assert {one["form"]: (one["issued"], one["void"]) for one in found["forms"]} == {
        "water-application": (1, 1), "account-transfer": (0, 0), "change-application": (0, 0),
        "account-closing": (0, 0)}
    assert [(one["number"], one["status"]) for one in found["items"]] == [(first, "issued"), (second, "void")]
    paper, book = report_path(cli, "日报.docx"), report_path(cli, "日报.xlsx")
    for path in (paper, book):
        cli("report", "daily", "--date", "2026-11-19", "--out", path, "--as-of", "2026-11-20")
    counts, listed = ([[cell.text for cell in row.cells] for row in one.rows]
                      for one in docx.Document(str(paper)).tables)
    assert counts[1] == ["客户用水申请表", OFFICE, "1", "1"]
    assert [row[1] for row in listed[1:]] == [first, second]
    assert listed[1][4] == "已受理"
    sheet = openpyxl.load_workbook(book)["申请清单"]
    assert [cell.value for cell in sheet[1]] == ["序号", "文书编号", "题名", "户号", "状态"]
    assert [sheet.cell(2, 1).value, sheet.cell(2, 2).value, sheet.cell(2, 2).number_format] == [1, first, "@"]
    cli("report", "daily", "--date", "2026-11-21", "--as-of", "2026-11-20", expect=2)
    cli("report", "daily", "--out", cli.store / "outbox" / "a.docx", expect=2)
    assert "inside the store" in cli.err
    cli("report", "daily", "--out", paper, "--as-of", "2026-11-20", expect=3)
    cli("report", "daily", "--out", report_path(cli, "a.pdf"), expect=2)


def test_json_can_be_written_to_a_file(office: Office, cli: Cli) -> None:
    path = report_path(cli, "月报.json")
    shown = cli.json("report", "monthly", "--month", "2026-11", "--out", path, "--as-of", "2026-12-01")
    saved = json.loads(path.read_text("utf-8"))
    assert saved == {key: value for key, value in shown.items() if key in saved}
    assert saved["total"] == len(saved["items"]) > 10


def test_without_a_month_the_newest_that_is_over_is_reported_and_named(cli: Cli) -> None:
    for today, month in (("2026-12-01", "2026-11"), ("2027-01-31", "2026-12")):
        assert cli.json("report", "monthly", "--as-of", today)["month"] == month
        cli("report", "monthly", "--as-of", today)
        assert month in cli.err
