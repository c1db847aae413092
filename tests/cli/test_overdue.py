"""Steps with limits: late, in time, ended, not begun; days counted by hand on the calendar of 2026."""

from __future__ import annotations

from typing import Any

import docx
import openpyxl
import pytest
from conftest import Cli
from report_store import Office, report_path

from recordkit.officerules import STEPS


def complaint(office: Office, day: str, **values: str) -> str:
    given = {"received_at": f"{day}T09:00", "forwarded_at": f"{day}T09:30", "due_on": "2026-11-19"} | values
    return office.issue("complaint", day, **given)


def close(office: Office, number: str, day: str) -> None:
    office.complete(number, day, handled_on=day, replied_at=f"{day}T10:00", closed_on=day)


def found(cli: Cli, day: str, *more: object) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = cli.json("report", "overdue", "--as-of", day, *more)["items"]
    return items


def of_step(items: list[dict[str, Any]], step: str) -> list[tuple[object, ...]]:
    return [(one["number"], one["started"], one["due"], one["days_late"], one["working_days_late"])
            for one in items if one["step"] == step]


def test_a_visit_is_due_three_working_days_after_the_complaint_is_closed(cli: Cli) -> None:
    office = Office(cli)
    number = complaint(office, "2026-09-24")
    close(office, number, "2026-09-24")  # a Thursday: 25-27 free (中秋), Monday 28, Tuesday 29, Wednesday 30
    assert of_step(found(cli, "2026-09-30"), "complaint-visit") == [(number, "2026-09-24", "2026-09-30", 0, 0)]
    assert of_step(found(cli, "2026-09-29"), "complaint-visit") == []
    assert of_step(found(cli, "2026-09-29", "--within", 1), "complaint-visit") == [
        (number, "2026-09-24", "2026-09-30", -1, 0)]
    # 1-7 October free, the 8th and the 9th worked, Saturday the 10th worked, too.
    assert of_step(found(cli, "2026-10-10"), "complaint-visit") == [(number, "2026-09-24", "2026-09-30", 10, 3)]
    visit = office.issue("visit-record", "2026-10-12", work_order=number, closed_on="2026-09-24",
                         visit_at="2026-10-12T10:00")
    assert of_step(found(cli, "2026-10-12"), "complaint-visit") != []  # the paper is only out
    office.file(visit, "2026-10-13")
    assert of_step(found(cli, "2026-10-13"), "complaint-visit") == []


def test_a_void_visit_ends_nothing_and_a_void_complaint_begins_nothing(cli: Cli) -> None:
    office = Office(cli)
    number, other = complaint(office, "2026-11-02"), complaint(office, "2026-11-02")
    for one in (number, other):
        close(office, one, "2026-11-03")
    visit = office.issue("visit-record", "2026-11-04", work_order=f"  {number} ".strip().replace("〔", "["),
                         closed_on="2026-11-03", visit_at="2026-11-04T10:00")
    cli("issued", "void", visit, "--reason", "未去", "--as-of", "2026-11-04")
    cli("issued", "void", other, "--reason", "重复", "--as-of", "2026-11-04")
    assert of_step(found(cli, "2026-11-20"), "complaint-visit") == [(number, "2026-11-03", "2026-11-06", 14, 10)]


def test_a_step_whose_paper_names_its_last_day(cli: Cli) -> None:
    office = Office(cli)
    late, done = (complaint(office, "2026-11-12", due_on="2026-11-19") for _ in range(2))
    close(office, done, "2026-11-13")
    items = found(cli, "2026-11-23")
    assert of_step(items, "complaint-closed") == [(late, None, "2026-11-19", 4, 2)]
    # Forwarded on Thursday: an answer by Friday, weekend or not.
    assert of_step(items, "complaint-reply") == [(late, "2026-11-12", "2026-11-13", 10, 6)]
    assert [one["due"] for one in items] == sorted(one["due"] for one in items)


def test_a_month_ends_on_the_same_day_or_moves_behind_the_holidays(cli: Cli) -> None:
    office = Office(cli)
    number = office.issue("meter-label", "2026-09-03", label_date="2026-09-03", changed_on="2026-09-03",
                          keep_until="2026-10-03", new_calibrated_on="2026-08-01")
    assert of_step(found(cli, "2026-10-09"), "old-meter-kept") == [(number, "2026-09-03", "2026-10-08", 1, 1)]
    office.complete(number, "2026-10-09", stored_on="2026-09-03", disposed_on="2026-10-09")
    assert of_step(found(cli, "2026-10-12"), "old-meter-kept") == []


def test_limits_differ_by_what_the_paper_says(cli: Cli) -> None:
    """Old meters are back in ten working days after a closing, in twenty after a rebuilding, else without a limit."""
    office = Office(cli)
    numbers = {}
    for reason in ("销户", "户表改造", "房屋拆除"):
        numbers[reason] = office.issue("meter-removal-order", "2026-11-02", order_date="2026-11-02",
                                       due_on="2026-11-04", reason=reason, return_by="2026-11-30",
                                       last_read_on="2026-10-15")
        office.complete(numbers[reason], "2026-11-03", removed_at="2026-11-03T10:00", signed_at="2026-11-03T10:10",
                        returned_on="", received_by="")
    items = found(cli, "2026-12-15")
    assert of_step(items, "old-meter-back") == [(numbers["销户"], "2026-11-03", "2026-11-17", 28, 20)]
    assert of_step(items, "old-meter-back-rebuilt") == [(numbers["户表改造"], "2026-11-03", "2026-12-01", 14, 10)]
    assert of_step(items, "meter-removal") == []


def test_filing_ends_a_step_and_a_filed_paper_without_its_day_is_marked(cli: Cli) -> None:
    office = Office(cli)
    number = office.issue("meter-change-notice", "2026-11-02", notice_date="2026-11-02", appointment="2026-11-04T09:00")
    office.file(number, "2026-11-05")
    (one,) = found(cli, "2026-11-09")
    assert (one["step"], one["status"], one["due"]) == ("meter-appointment", "returned", "2026-11-04")
    cli("report", "overdue", "--as-of", "2026-11-09")
    assert "recordkit issued complete NUMBER --ask" in cli.err
    office.complete(number, "2026-11-09", changed_at="2026-11-04T10:00", signed_at="2026-11-04T10:05")
    assert found(cli, "2026-11-09") == []


def test_the_list_is_printed_with_every_column(cli: Cli) -> None:
    office = Office(cli)
    number = complaint(office, "2026-11-12", due_on="2026-11-19")
    paper, book = report_path(cli, "超期.docx"), report_path(cli, "超期.xlsx")
    for path in (paper, book):
        cli("report", "overdue", "--within", 10, "--out", path, "--as-of", "2026-11-16")
    late, coming = ([[cell.text for cell in row.cells] for row in one.rows] for one in docx.Document(str(paper)).tables)
    heads = ["序号", "环节", "文书编号", "户号", "经办机构", "起算日", "到期日", "超期天数", "其中工作日", "文书状态",
             "依据"]
    assert late == [heads, ["1", "投诉转办后答复客户", number, "0012000001", "客户服务中心", "2026-11-12", "2026-11-13",
                            "3", "1", "待归档", "客服手册第3章（24小时，按日计）"]]
    assert coming == [heads, ["1", "投诉办结", number, "0012000001", "客户服务中心", "", "2026-11-19", "0", "0",
                              "待归档", "单据所定期限"]]
    sheet = openpyxl.load_workbook(book)["超期未办结"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    head = rows.index(heads)
    assert rows[head + 1][2:4] == [number, "0012000001"]
    assert rows[head + 1][6].isoformat() == "2026-11-13T00:00:00"
    assert rows[head + 1][7] == 3
    assert sheet.print_title_rows == f"${head + 1}:${head + 1}"
    cli("report", "overdue", "--out", cli.store / "a.docx", expect=2)


def test_restricted_documents_are_counted_and_not_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office(cli)
    number = office.issue("rectification-order", "2026-11-02", notice_date="2026-11-02", deadline="2026-11-10",
                          found_at="2026-10-26T09:00", defence_heard_on="2026-10-28", approved_on="2026-10-30")
    assert [one["number"] for one in found(cli, "2026-11-20")] == [number]
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", "three plain words")
    cli("key", "create", cli.store.parent / "admin")
    cli("people", "add", "admin", "--name", "管理员", "--role", "administrator", "--staff-no", "1",
        "--key", cli.store.parent / "admin.pub", "--as-of", "2026-11-20")
    hidden = cli.json("report", "overdue", "--as-of", "2026-11-20")
    assert (hidden["items"], hidden["hidden"]) == ([], 1)
    seen = cli.json("report", "overdue", "--as-of", "2026-11-20", "--as", "admin")
    assert [one["number"] for one in seen["items"]] == [number]


def test_the_office_changes_limits_and_adds_steps(cli: Cli) -> None:
    office = Office(cli)
    number = complaint(office, "2026-11-02")
    close(office, number, "2026-11-03")
    path = cli.store / "recordkit.toml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("days = {}", "days = { complaint-visit = 1 }").replace(
        "off = []", 'off = ["complaint-closed"]\n[[deadlines.steps]]\nid = "archive"\nname = "投诉归档"\n'
                    'form = "complaint"\nstart = "closed_on"\nend = ["@filed"]\ndays = 7\nunit = "calendar"\n'),
                    "utf-8")
    cli("config", "check")
    items = found(cli, "2026-11-20")
    assert of_step(items, "complaint-visit") == [(number, "2026-11-03", "2026-11-04", 16, 12)]
    assert of_step(items, "archive") == [(number, "2026-11-03", "2026-11-10", 10, 8)]
    office.file(number, "2026-11-20")
    assert of_step(found(cli, "2026-11-20"), "archive") == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("days = { visit = 1 }", "deadlines.days.visit"),
        ("days = { complaint-visit = 9999 }", "deadlines.days.complaint-visit = 9999; allowed: 0 to 3650"),
        ('days = { complaint-visit = "x" }', "allowed: a whole number"),
        ('steps = [{ id = "a", name = "b", form = "complaint", end = ["closed_on"] }]', "deadlines.steps[0].start"),
        ('steps = [{ id = "a", name = "b", form = "complaint", start = "x", end = [] }]', "deadlines.steps[0].end"),
        ('steps = [{ id = "a", name = "b", form = "c", start = "x", end = ["y"], link = "z" }]',
         "deadlines.steps[0].link"),
        ('steps = [{ id = "a", nam = "b" }]', "deadlines.steps"),
    ],
)
def test_a_wrong_limit_is_named(line: str, told: str, cli: Cli) -> None:
    path = cli.store / "recordkit.toml"
    path.write_text(path.read_text("utf-8").replace("days = {}", line), "utf-8")
    cli("config", "check", expect=3)
    assert told in cli.err


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ('form = "nothing", start = "x", end = ["y"]', "nothing"),
        ('form = "complaint", start = "closed", end = ["closed_on"]', "the form complaint has no field closed"),
        ('form = "complaint", start = "subject", end = ["closed_on"]', "the field subject of complaint is no date"),
    ],
)
def test_a_step_that_no_form_can_tell_is_named(step: str, told: str, cli: Cli) -> None:
    path = cli.store / "recordkit.toml"
    path.write_text(path.read_text("utf-8").replace("days = {}", f'steps = [{{ id = "a", name = "b", {step} }}]'),
                    "utf-8")
    cli("config", "check", expect=3)
    assert told in cli.err
    assert "deadline a" in cli.err


def test_the_shipped_steps_name_fields_that_the_shipped_forms_have(cli: Cli) -> None:
    assert len({one.id for one in STEPS}) == len(STEPS)
    cli("config", "check")


def test_a_year_without_holidays_is_said(cli: Cli) -> None:
    office = Office(cli)
    close(office, complaint(office, "2029-03-01", due_on="2029-03-05"), "2029-03-01")
    answer = cli.json("report", "overdue", "--as-of", "2029-03-20")
    assert answer["unknown_years"] == [2029]
    assert "calendar.toml" in answer["notes"][0]
    (cli.store / "calendar.toml").write_text("years = [2029]\n")
    assert cli.json("report", "overdue", "--as-of", "2029-03-20")["notes"] == []


def test_what_began_long_ago_is_not_asked_for(cli: Cli) -> None:
    complaint(Office(cli), "2026-11-12")
    assert {one["step"] for one in found(cli, "2031-11-20")} == {"complaint-closed"}
    assert found(cli, "2032-11-20") == []


def test_that_nothing_is_late_is_said_in_words(cli: Cli) -> None:
    cli("report", "overdue", "--as-of", "2026-11-21")
    assert "Nothing is late, and nothing falls due today." in cli.err
    path = report_path(cli, "无.xlsx")
    cli("report", "overdue", "--within", "7", "--out", path, "--as-of", "2026-11-21")
    assert "Nothing is late, and nothing falls due within 7 day(s)." in cli.err
    book = openpyxl.load_workbook(path)
    assert "无超期，7天内无到期" in [cell.value for cell in book.worksheets[0]["A"]]
    assert [[cell.value for cell in sheet["A"]][-1] for sheet in book] == ["无", "无"]
