"""The schedule, the review and its lists as a person calls them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from conftest import Cli

from recordkit.archive.filing import file_generated
from recordkit.retention.schedule import shipped_schedule
from recordkit.workspace import Workspace

DAY = ("--as-of", "2037-01-15")
ROWS = [
    ("visit-record", "=HYPERLINK(\"http://x\")回访", date(2026, 11, 18)),
    ("visit-record", "乙回访记录", date(2026, 12, 31)),
    ("visit-record", "丙回访记录", date(2027, 3, 1)),
    ("complaint", "投诉处理表", date(2026, 1, 5)),
    ("supply-contract", "供用水合同", date(2020, 7, 1)),
    ("drawing", "图纸", date(2018, 1, 1)),
]
FIRST, SECOND = "C001-KF·2026-D10-KFZ-0001", "C001-KF·2026-D10-KFZ-0002"


@pytest.fixture
def office(cli: Cli, workspace: Workspace) -> Cli:
    """Six records: two due in 2037, one in 2038, one permanent, two that wait for events."""
    for record_class, title, on in ROWS:
        with workspace.writing() as writer:
            file_generated(writer, workspace, record_class=record_class, title=title, on=on, fields={},
                           content={"original.json": title.encode(), "text.json": b'{"pages": []}'})
    return cli


def shorter(tmp_path: Path, period: str = "5y") -> Path:
    old = 'name = "回访记录"\nperiod = "10y"'
    text = shipped_schedule().decode()
    assert old in text
    path = tmp_path / "新表.toml"
    path.write_text(text.replace(old, f'name = "回访记录"\nperiod = "{period}"\nminimum = "1y"'), encoding="utf-8")
    return path


# --- check and adopt --------------------------------------------------------------------------------------------


def test_check_names_file_line_class_and_next_step_and_exits_3(office: Cli, tmp_path: Path) -> None:
    path = shorter(tmp_path, "6m")
    told = office("retention", "schedule", "check", path, expect=3)
    line = path.read_text(encoding="utf-8")[: path.read_text(encoding="utf-8").index('id = "visit-record"')].count("\n")
    assert f"{path}, line {line} (entry" in told
    assert "6 months is below the listed minimum of 1 years" in told
    assert "Authority" in told and "待本单位批准" in told
    assert "-> Make the period longer" in told
    plain = office.json("retention", "schedule", "check", path, expect=3)
    assert [(one["code"], one["class"], one["line"]) for one in plain["items"]] == [
        ("below-minimum", "visit-record", line)]
    rules = {one["class"]: one for one in plain["rules"]}
    assert rules["visit-record"]["minimum"] == "1y"
    assert rules["supply-contract"]["note"] == "重要用户的合同可另设永久类别"


def test_check_of_a_sound_file_exits_0_and_lists_what_it_would_move(office: Cli, tmp_path: Path) -> None:
    path = shorter(tmp_path)
    told = office("retention", "schedule", "check", path, "--as-of", "2033-02-01")
    assert "回访记录" in told and "3 records move" in office.err
    assert "乙回访记录" not in told
    told = office("retention", "schedule", "check", path, "--moved", "--as-of", "2033-02-01")
    assert "乙回访记录" in told and "due 2032-01-01" in told
    moved = office.json("retention", "schedule", "check", path, "--moved", "--as-of", "2032-02-01")["moved"]
    assert moved["total"] == 3
    assert [(one["before"], one["due_before"], one["after"], one["due_after"], one["count"])
            for one in moved["groups"]] == [
        ("not-due", "2037-01-01", "due", "2032-01-01", 2), ("not-due", "2038-01-01", "not-due", "2033-01-01", 1)]
    first = moved["items"][0]
    assert (first["code"], first["after"]["decision"], first["order"]) == (FIRST, "due", None)


def test_check_without_a_store_checks_the_file_alone(cli: Cli, tmp_path: Path) -> None:
    path = shorter(tmp_path)
    cli.store = tmp_path / "nowhere"
    assert cli.json("retention", "schedule", "check", path)["moved"]["total"] == 0
    cli("retention", "schedule", "check", expect=5)
    cli("retention", "schedule", "check", tmp_path / "missing.toml", expect=5)


def test_a_file_that_is_no_schedule_is_refused_with_its_line(office: Cli, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("[[classes]\n")
    office("retention", "schedule", "check", tmp_path / "x.toml", expect=3)
    assert "line 1" in office.err


def test_the_review_says_that_the_schedule_was_edited_until_it_is_adopted(office: Cli, tmp_path: Path) -> None:
    office("retention", "review", *DAY)
    assert "schedule was changed" not in office.err
    (office.store / "retention.toml").write_bytes(shorter(tmp_path).read_bytes())
    office("retention", "review", *DAY)
    assert "The schedule was changed after 2026-11-20" in office.err and "schedule adopt" in office.err
    assert office.json("retention", "review", *DAY)["schedule"]["changed"] is True
    told = office("retention", "schedule", "check", *DAY)
    assert "回访记录" in told and "3 records move" in office.err
    office("retention", "schedule", "adopt", "--dry-run", *DAY)
    assert office.json("retention", "review", *DAY)["schedule"]["changed"] is True
    adopted = office.json("retention", "schedule", "adopt", *DAY)
    state = office.json("retention", "review", *DAY)["schedule"]
    assert state == {"digest": adopted["schedule"], "seen": "2037-01-15", "changed": False}
    office("retention", "schedule", "adopt", *DAY, expect=8)
    assert "schedule adopted" in office("ledger", "list")


def test_adopt_puts_a_file_in_force(office: Cli, tmp_path: Path) -> None:
    assert office.json("retention", "explain", FIRST, "--as-of", "2033-01-01")["decision"] == "not-due"
    before = (office.store / "retention.toml").read_bytes()
    office("retention", "schedule", "adopt", shorter(tmp_path), "--dry-run", *DAY)
    assert (office.store / "retention.toml").read_bytes() == before
    office("retention", "schedule", "adopt", shorter(tmp_path), *DAY)
    assert office.json("retention", "explain", FIRST, "--as-of", "2033-01-01")["decision"] == "due"
    office("retention", "schedule", "adopt", tmp_path / "none.toml", *DAY, expect=5)
    office("retention", "schedule", "adopt", shorter(tmp_path, "x"), *DAY, expect=3)


# --- review -----------------------------------------------------------------------------------------------------


def test_the_review_says_how_many_records_wait_for_which_event(office: Cli) -> None:
    office("retention", "review", *DAY)
    assert "1 wait for contract ended / account closed" in office.err
    assert "1 wait for decision of the office" in office.err
    # The lead time narrows what is listed, not what is said of the events.
    office("retention", "review", "--within", "0", *DAY)
    assert "1 wait for decision of the office" in office.err
    waiting = office.json("retention", "review", *DAY)["waiting"]
    assert sorted((tuple(one["events"]), one["count"]) for one in waiting) == [
        (("contract-ended", "account-closed"), 1), (("office-decision",), 1)]


def test_what_is_due_is_told_with_the_way_to_its_list_and_to_the_signatures(office: Cli) -> None:
    office("retention", "review", *DAY)
    assert "recordkit retention review --out" in office.err
    assert "recordkit destruction propose --due --as ID --key FILE" in office.err
    office("retention", "review", "--as-of", "2030-01-15")
    assert "destruction propose" not in office.err


def test_the_exit_code_tells_on_demand_whether_anything_is_due(office: Cli) -> None:
    office("retention", "review", *DAY)
    office("retention", "review", "--exit-code", *DAY, expect=10)
    office.json("retention", "review", "--exit-code", *DAY, expect=10)
    office("retention", "review", "--exit-code", "--within", "90", "--as-of", "2036-12-31")
    office("hold", "place", FIRST, SECOND, "--kind", "debt", "--reason", "欠款", *DAY)
    office("retention", "review", "--exit-code", *DAY)


HEAD = ["No.", "Title", "Year", "Code", "Retention period", "Falls due", "Grounds"]


def test_the_word_list_counts_first_and_then_names_what_is_due_soon_due_and_held(office: Cli, tmp_path: Path) -> None:
    from docx import Document
    from docx.enum.section import WD_ORIENT

    office("hold", "place", SECOND, "--kind", "debt", "--reason", "欠款", *DAY)
    out = tmp_path / "到期 清单.docx"
    office("retention", "review", "--within", "400", "--out", out, *DAY)
    assert str(out) in office.err
    document = Document(str(out))
    section = document.sections[0]
    assert section.orientation == WD_ORIENT.LANDSCAPE and round(section.page_width.mm) == 297
    counts, *lists = [[[cell.text for cell in row.cells] for row in table.rows] for table in document.tables]
    assert ["回访记录", "due", "1", "2037-01-01"] in counts and ["图纸", "permanent", "1", ""] in counts
    assert [rows[0] for rows in lists] == [HEAD] * 3
    assert [[row[:6] for row in rows[1:]] for rows in lists] == [
        [["1", '=HYPERLINK("http://x")回访', "2026", FIRST, "10 years", "2037-01-01"]],
        [["1", "丙回访记录", "2027", "C001-KF·2027-D10-KFZ-0001", "10 years", "2038-01-01"]],
        [["1", "乙回访记录", "2026", SECOND, "10 years", "2037-01-01"]],
    ]
    assert "Due for appraisal since 2037-01-01" in lists[0][1][6] and "Held: unsettled debt" in lists[2][1][6]
    text = "\n".join(paragraph.text for paragraph in document.paragraphs)
    assert "6 records reviewed, 1 due for appraisal" in text and "1 wait for decision of the office" in text
    heads = [one for one in document.paragraphs if one.text.startswith(("Due", "Held"))]
    assert len(heads) == 3 and all(one.paragraph_format.keep_with_next for one in heads)
    head = document.tables[1].rows[0]._tr.xml
    assert "w:tblHeader" in head


def test_the_spreadsheet_list_has_real_dates_and_no_formula(office: Cli, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    out = tmp_path / "清单.xlsx"
    office("retention", "review", "--out", out, *DAY)
    book = load_workbook(out)
    assert book.sheetnames == ["Counts", "Due for appraisal"]
    sheet = book["Due for appraisal"]
    assert [cell.value for cell in sheet[1]] == HEAD
    assert sheet["B2"].value == '=HYPERLINK("http://x")回访' and sheet["B2"].data_type == "s"
    assert sheet["B2"].quotePrefix
    assert sheet["F2"].is_date and sheet["F2"].value.date() == date(2037, 1, 1)
    assert sheet["C2"].value == 2026
    assert sheet.page_setup.orientation == "landscape" and sheet.page_setup.paperSize == 9
    counts = [row for row in book["Counts"].iter_rows(values_only=True)]
    assert any(row[:3] == ("回访记录", "due", 2) and row[3].date() == date(2037, 1, 1) for row in counts)


def test_a_list_that_exists_is_kept_unless_forced_and_other_endings_are_refused(office: Cli, tmp_path: Path) -> None:
    out = tmp_path / "l.xlsx"
    office("retention", "review", "--out", out, *DAY)
    before = out.read_bytes()
    office("retention", "review", "--out", out, *DAY, expect=3)
    assert out.read_bytes() == before
    office("retention", "review", "--out", out, "--force", *DAY)
    for name in ("l.pdf", "l", "l.csv"):
        office("retention", "review", "--out", tmp_path / name, *DAY, expect=2)
    office("retention", "review", "--decision", "waiting", "--out", tmp_path / "w.docx", *DAY, expect=2)
    office("retention", "review", "--decision", "waiting", "--out", tmp_path / "w.json", *DAY)
    assert json.loads((tmp_path / "w.json").read_bytes())["total"] == 2
    assert not (tmp_path / "w.docx").exists()


def test_a_title_that_xml_cannot_hold_does_not_spoil_the_list(cli: Cli, workspace: Workspace, tmp_path: Path) -> None:
    from docx import Document
    from openpyxl import load_workbook

    title = "坏\x0b字\ufffe符 <b>&\t" + "长" * 40_000
    with workspace.writing() as writer:
        file_generated(writer, workspace, record_class="visit-record", title=title, on=date(2020, 1, 1), fields={},
                       content={"original.json": b"x", "text.json": b'{"pages": []}'})
    cli("retention", "review", "--out", tmp_path / "l.docx", *DAY)
    cli("retention", "review", "--out", tmp_path / "l.xlsx", *DAY)
    assert Document(str(tmp_path / "l.docx")).tables[1].rows[1].cells[1].text.startswith("坏\ufffd字")
    assert str(load_workbook(tmp_path / "l.xlsx")["Due for appraisal"]["B2"].value).startswith("坏\ufffd字")


# --- explain, and who sees what ---------------------------------------------------------------------------------


def test_explain_tells_rule_authority_holds_orders_and_what_comes_next(office: Cli) -> None:
    office("hold", "place", FIRST, "--kind", "debt", "--reason", "欠款", *DAY)
    told = office("retention", "explain", FIRST, *DAY)
    for part in ("Rule: 10 years from the 1 January after: the record's date", "待本单位批准", "Decision: held",
                 "unsettled debt", "in force until released. 欠款", "What comes next: Nothing while it is held"):
        assert part in told
    plain = office.json("retention", "explain", "C001-KF·2020-D30-KFZ-0001", *DAY)
    assert (plain["decision"], plain["period"], plain["trigger_events"]) == (
        "waiting", "30y", ["contract-ended", "account-closed"])
    assert plain["note"] == "重要用户的合同可另设永久类别" and "event add" in plain["next"]
    assert plain["events"] == plain["holds"] == plain["orders"] == []
    office("retention", "explain", "C001-KF·1999-D30-KFZ-0001", *DAY, expect=5)


def test_the_title_of_a_restricted_record_is_listed_only_for_those_who_may_see_it(
    cli: Cli, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from docx import Document

    text = shipped_schedule().decode().replace('id = "visit-record"', 'id = "visit-record"\naccess = "restricted"')
    (cli.store / "retention.toml").write_text(text, encoding="utf-8")
    with workspace.writing() as writer:
        file_generated(writer, workspace, record_class="visit-record", title="稽查秘密", on=date(2020, 1, 1), fields={},
                       content={"original.json": b"x", "text.json": b'{"pages": []}'})
    assert cli.json("retention", "review", *DAY)["items"][0]["title"] == "稽查秘密"
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", "demo-passphrase")
    cli("key", "create", tmp_path / "admin")
    cli("people", "add", "admin", "--name", "管理员", "--role", "administrator", "--staff-no", "1",
        "--key", tmp_path / "admin.pub", *DAY)
    code = "C001-KF·2020-D10-KFZ-0001"
    new = shorter(tmp_path)
    for who, title in (((), "(restricted)"), (("--as", "admin"), "稽查秘密")):
        assert cli.json("retention", "review", *DAY, *who)["items"][0]["title"] == title
        cli("retention", "review", "--out", tmp_path / "l.docx", "--force", *DAY, *who)
        assert Document(str(tmp_path / "l.docx")).tables[1].rows[1].cells[1].text == title
        moved = cli.json("retention", "schedule", "check", new, "--moved", "--as-of", "2026-02-01", *who)["moved"]
        assert [one["title"] for one in moved["items"]] == [title]
    cli("retention", "explain", code, *DAY, expect=8)
    assert cli.json("retention", "explain", code, *DAY, "--as", "admin")["title"] == "稽查秘密"
