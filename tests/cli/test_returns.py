"""What is out, what came back and is not keyed in, and the sheet on which an office keys it in."""

from __future__ import annotations

from pathlib import Path

from conftest import Cli
from openpyxl import load_workbook
from papers import code_of, pdf_bytes
from test_completing import ONSITE, issue_one

from recordkit.templates.forms import shipped_forms

LATER = ("--as-of", "2026-12-25")


def issue_on(cli: Cli, form: str, day: str) -> str:
    data = shipped_forms() / form / "sample.toml"
    return str(cli.json("generate", form, "--data", data, "--as-of", day)["items"][0]["number"])


def give_back(cli: Cli, number: str, text: str = "") -> None:
    paper = cli.store.parent / f"{number}.pdf"
    paper.write_bytes(pdf_bytes(text=f"{code_of(cli, number)} {text}"))
    assert cli.json("ingest", paper, *LATER)["items"][0]["outcome"] == "archived"


def test_what_is_out_is_listed_oldest_first_with_days_account_and_a_count_by_form(cli: Cli) -> None:
    notice = issue_on(cli, "meter-change-notice", "2026-11-20")
    stop = issue_on(cli, "stop-order", "2026-11-05")
    third = issue_on(cli, "meter-change-notice", "2026-12-24")
    listing = cli.json("issued", "list", "--unreturned", *LATER)
    assert [(one["number"], one["days"]) for one in listing["items"]] == [(stop, 50), (notice, 35), (third, 1)]
    assert listing["summary"] == {"forms": {"meter-change-notice": 2, "stop-order": 1}, "oldest": "2026-11-05"}
    old = cli.json("issued", "list", "--unreturned", "--older-than", "35", *LATER)
    assert [one["number"] for one in old["items"]] == [stop]
    table = cli("issued", "list", "--unreturned", *LATER)
    assert "0012003456" in table
    assert "3 document(s) are out, the oldest for 50 days" in cli.err
    assert [one["number"] for one in cli.json("issued", "list")["items"]] == [notice, stop, third]


def test_a_paper_that_came_back_is_out_no_longer(cli: Cli) -> None:
    number = issue_one(cli)
    give_back(cli, number)
    assert cli.json("issued", "list", "--unreturned", *LATER)["summary"] == {"forms": {}, "oldest": None}


def test_a_table_of_thousands_has_its_columns_one_below_the_other(cli: Cli) -> None:
    import sqlite3

    issue_one(cli)
    with sqlite3.connect(cli.store / "catalogue.sqlite3") as database:
        names = [row[1] for row in database.execute("PRAGMA table_info(issues)")]
        row = dict(zip(names, database.execute("SELECT * FROM issues").fetchone(), strict=True))
        more = [{**row, "issue_id": f"{at:012}", "number": f"换通〔2026〕{at}号"} for at in range(2000)]
        places = ", ".join(f":{name}" for name in names)
        database.executemany(f"INSERT INTO issues VALUES ({places})", more)
    database.close()
    head, rule, *lines = [line for line in cli("issued", "list").splitlines() if line.strip()]
    assert len(lines) == 2001 and set(rule) <= set(" ─")
    from rich.cells import cell_len

    assert {cell_len(line[: line.index("2026-11-20")]) for line in lines} == {cell_len(head[: head.index("Date")])}


def test_returned_documents_go_to_a_sheet_are_filled_in_there_and_come_back(cli: Cli, tmp_path: Path) -> None:
    numbers = [issue_one(cli), issue_one(cli, "stop-order"), issue_one(cli)]
    for number in numbers:
        give_back(cli, number)
    sheet = tmp_path / "待补录 1.xlsx"
    told = cli.json("issued", "list", "--incomplete", "--out", sheet, *LATER)
    assert told == {"path": str(sheet), "total": 3}
    book = load_workbook(sheet)
    page = book.worksheets[0]
    headings = [cell.value for cell in page[1]]
    assert headings[:2] == ["文书编号", "题名"] and headings[-1] == "页面文字"
    assert set(ONSITE) <= set(headings)
    rows = {page.cell(at, 1).value: at for at in range(2, page.max_row + 1)}
    assert sorted(rows) == sorted(numbers)
    for label, value in ONSITE.items():
        page.cell(rows[numbers[0]], headings.index(label) + 1, value)
    book.save(sheet)
    book.close()
    result = cli.json("issued", "complete", "--data", sheet, *LATER)
    assert result["summary"] == {"completed": 1, "unchanged": 0, "refused": 0, "would_complete": None}
    assert "2 row(s) without values were passed over" in cli.err
    assert cli.json("show", numbers[0])["old_reading"] == "1068"
    left = cli.json("issued", "list", "--incomplete", *LATER)["items"]
    assert sorted(one["number"] for one in left) == sorted(numbers[1:])


def test_the_sheet_offers_the_lists_of_each_form_and_greys_what_is_not_of_the_form(cli: Cli, tmp_path: Path) -> None:
    notice, stop = issue_one(cli), issue_one(cli, "stop-order")
    for number in (notice, stop):
        give_back(cli, number)
    sheet = tmp_path / "sheet.xlsx"
    cli("issued", "list", "--incomplete", "--out", sheet, *LATER)
    page = load_workbook(sheet).worksheets[0]
    headings = [cell.value for cell in page[1]]
    row = {page.cell(at, 1).value: at for at in (2, 3)}
    column = headings.index("旧铅封状态") + 1
    assert page.cell(row[stop], column).fill.fgColor.rgb.endswith("D9D9D9")
    assert not page.cell(row[notice], column).fill.fgColor.rgb.endswith("D9D9D9")
    cell = page.cell(row[notice], column).coordinate
    other = page.cell(row[stop], column).coordinate
    assert any(cell in rule.sqref and other not in rule.sqref for rule in page.data_validations.dataValidation)


def test_a_sheet_that_exists_is_not_overwritten_and_nothing_to_do_makes_none(cli: Cli, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.xlsx"
    assert cli.json("issued", "list", "--incomplete", "--out", sheet) == {"path": None, "total": 0}
    assert not sheet.exists()
    give_back(cli, issue_one(cli))
    sheet.write_bytes(b"the clerk's work")
    cli("issued", "list", "--incomplete", "--out", sheet, *LATER, expect=3)
    assert sheet.read_bytes() == b"the clerk's work"
    cli("issued", "list", "--incomplete", "--out", sheet, "--force", *LATER)
    cli("issued", "list", "--out", sheet, expect=2)
    cli("issued", "list", "--incomplete", "--out", tmp_path / "sheet.csv", expect=2)


def test_a_sheet_nobody_filled_in_says_so_and_is_no_fault(cli: Cli, tmp_path: Path) -> None:
    give_back(cli, issue_one(cli))
    sheet = tmp_path / "sheet.xlsx"
    cli("issued", "list", "--incomplete", "--out", sheet, *LATER)
    assert cli.json("issued", "complete", "--data", sheet, *LATER)["items"] == []
    assert "No row of" in cli.err


def test_what_a_page_says_is_text_in_the_sheet_whatever_it_begins_with(cli: Cli, tmp_path: Path) -> None:
    from test_completing import opened

    from recordkit.templates.forms import load_form
    from recordkit.templates.issue import find_issue
    from recordkit.templates.returnsheet import ReturnRow, return_workbook

    number = issue_one(cli)
    workspace = opened(cli)
    row = ReturnRow(find_issue(workspace.db, number), load_form(workspace.root, "meter-change-notice").spec,
                    '=HYPERLINK("http://x.invalid")')
    workspace.close()
    (tmp_path / "sheet.xlsx").write_bytes(return_workbook([row], str))
    page = load_workbook(tmp_path / "sheet.xlsx").worksheets[0]
    assert page.cell(2, page.max_column).data_type == "s"
