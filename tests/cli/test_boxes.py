"""Boxes: where paper originals stand, what lies in them, labels and lists."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from conftest import Cli
from docx import Document
from openpyxl import load_workbook
from small_archive import PAPERS, make_small_archive

WHEN = ("--as-of", "2026-11-21")


@pytest.fixture
def archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Ten papers: two in box 2, the visits in box 10, the rest in none."""
    make_small_archive(tmp_path / "档案 库")
    cli = Cli(tmp_path / "档案 库", capsys)
    for paper in PAPERS:
        if paper.form == "visit-record":
            cli("edit", paper.number, "--set", "盒号=10", "--reason", "入盒", *WHEN)
    for paper in PAPERS[:2]:
        cli("edit", paper.number, "--set", "盒号=2", "--set", "密级=内部", "--reason", "入盒", *WHEN)
    return cli


def test_a_box_is_placed_by_one_entry_and_every_record_in_it_tells_the_place(archive: Cli) -> None:
    before = archive.json("ledger", "verify")["entries"]
    archive("box", "place", "2", "--shelf", "2号库3架4层", "--reason", "搬库房", "--dry-run", *WHEN)
    assert archive.json("ledger", "verify")["entries"] == before
    assert archive.json("box", "place", "2", "--shelf", "2号库3架4层", "--reason", "搬库房", *WHEN)["changed"]
    assert archive.json("ledger", "verify")["entries"] == before + 1
    for paper in PAPERS[:2]:
        shown = archive.json("show", paper.number)
        assert shown["paper"] == {"box": "2", "shelf": "2号库3架4层", "box_shelf": None} and shown["shelf"] is None
    assert "2号库3架4层" in archive("show", PAPERS[0].number, lang="zh")
    assert not archive.json("box", "place", "2", "--shelf", "2号库3架4层", *WHEN)["changed"]
    assert archive.json("ledger", "verify")["entries"] == before + 1
    archive("rebuild")
    assert archive.json("box", "show", "2")["shelf"] == "2号库3架4层"
    for path in (archive.store / "ledger").iterdir():
        assert "号库" not in path.read_text("utf-8") and "搬库房" not in path.read_text("utf-8")


def test_a_records_own_place_counts_before_that_of_its_box_and_that_is_said(archive: Cli) -> None:
    archive("box", "place", "2", "--shelf", "甲架", *WHEN)
    archive("edit", PAPERS[0].number, "--set", "库位=图纸柜", "--reason", "太大", *WHEN)
    assert archive.json("show", PAPERS[0].number)["paper"] == {"box": "2", "shelf": "图纸柜", "box_shelf": "甲架"}
    told = archive("show", PAPERS[0].number)
    assert "图纸柜" in told and "甲架" in archive.err
    code = archive.json("show", PAPERS[0].number)["code"]
    assert archive.json("box", "show", "2")["elsewhere"] == [code]
    archive("box", "place", "2", "--shelf", "乙架", *WHEN)
    assert code in archive.err


def test_boxes_are_listed_by_number_with_what_lies_in_them(archive: Cli) -> None:
    archive("box", "place", "0012", "--shelf", "空架", *WHEN)
    found = archive.json("box", "list")
    assert [one["box"] for one in found["items"]] == ["2", "10", "0012"] and found["total"] == 3
    assert [one["records"] for one in found["items"]] == [2, 3, 0]
    assert found["items"][1]["years"] == [2024, 2026] and found["items"][1]["periods"] == ["D10"]
    assert [one["box"] for one in archive.json("box", "list", "--limit", "1", "--offset", "1")["items"]] == ["10"]
    shown = archive.json("box", "show", "10")
    assert [one["number"] for one in shown["items"]] == [PAPERS[8].number, PAPERS[6].number, PAPERS[7].number]
    archive("box", "show", "99", expect=5)
    archive("box", "show", "002", expect=5)
    assert "Did you mean 2?" in archive.err
    archive("box", "place", "2", "--shelf", " ", expect=3)
    archive("box", "place", " ", "--shelf", "x", expect=3)


def test_what_a_hold_by_box_holds_is_what_lies_in_it_wherever_it_stands(archive: Cli) -> None:
    archive("box", "place", "2", "--shelf", "甲架", *WHEN)
    held = archive.json("hold", "place", "--box", "2", "--kind", "debt", "--reason", "x", *WHEN)
    assert len(held["records"]) == 2


def test_labels_bear_what_the_standard_asks_for(archive: Cli, tmp_path: Path) -> None:
    archive("box", "place", "10", "--shelf", "乙架", *WHEN)
    archive("box", "labels", "--all", "--out", tmp_path / "盒签.docx")
    document = Document(tmp_path / "盒签.docx")
    assert len(document.tables) == 2
    front = {row.cells[3].text: row.cells[4].text for row in document.tables[1].rows}
    spine = {row.cells[0].text: row.cells[1].text for row in document.tables[1].rows}
    for told in (front, spine):
        assert told["全宗号"] == "C001" and told["年度"] == "2024、2026" and told["保管期限"] == "10年"
        assert told["盒号"] == "10" and told["件数"] == "3" and told["库位"] == "乙架"
        # Holes show nothing on a label: the first and the last number of each year.
        assert told["起止件号"] == "2024-D10 0001\n2026-D10 0004—0005" and told["机构（问题）"] == "客户服务中心"
    single = {row.cells[3].text: row.cells[4].text for row in document.tables[0].rows}
    assert single["起止件号"] == "0001—0002" and "库位" not in single
    archive("box", "labels", "--out", tmp_path / "x.docx", expect=2)
    archive("box", "labels", "77", "--out", tmp_path / "x.docx", expect=5)
    archive("box", "labels", "2", "--out", tmp_path / "盒签.docx", expect=3)


def test_the_list_in_the_box_has_each_column_of_each_record(archive: Cli, tmp_path: Path) -> None:
    archive("edit", PAPERS[1].number, "--set", "题名==HYPERLINK(1)", "--reason", "x", *WHEN)
    for name in ("清单.xlsx", "清单.docx"):
        archive("box", "sheet", "2", "--out", tmp_path / name)
    rows = list(load_workbook(tmp_path / "清单.xlsx").active.iter_rows(values_only=True))
    assert rows[0][0] == "盒内清单" and "盒号：2" in rows[1][0] and "件数：2" in rows[1][0]
    assert rows[2] == ("序号", "档号", "文号", "责任者", "题名", "日期", "密级", "页数", "备注")
    shown = [archive.json("show", paper.number) for paper in PAPERS[:2]]
    assert rows[3] == (1, shown[0]["code"], PAPERS[0].number, shown[0]["responsible"], PAPERS[0].title,
                       "20260302", "内部", 2, None)
    page = load_workbook(tmp_path / "清单.xlsx").active
    assert page["E5"].value == "=HYPERLINK(1)" and page["E5"].data_type == "s"
    assert page.print_title_rows == "$3:$3" and page.page_setup.orientation == "landscape"
    document = Document(io.BytesIO((tmp_path / "清单.docx").read_bytes()))
    cells = [[cell.text for cell in row.cells] for row in document.tables[0].rows]
    assert cells[1][1:7] == [shown[0]["code"], PAPERS[0].number, shown[0]["responsible"], PAPERS[0].title, "20260302",
                             "内部"]
    archive("box", "sheet", "2", "--out", tmp_path / "x.pdf", expect=2)


def test_a_box_gets_another_number_with_its_records_and_its_place(archive: Cli) -> None:
    archive("box", "place", "2", "--shelf", "甲架", "--reason", "进库", *WHEN)
    entries = archive.json("ledger", "verify")["entries"]
    planned = archive.json("box", "rename", "2", "0002", "--reason", "统一盒号", "--dry-run", *WHEN)
    assert (planned["items"][0]["records"], planned["changed"]) == (2, 0)
    assert archive.json("ledger", "verify")["entries"] == entries
    assert archive.json("box", "rename", "2", "0002", "--reason", "统一盒号", *WHEN)["changed"] == 2
    assert [one["box"] for one in archive.json("box", "list")["items"]] == ["0002", "10"]
    assert archive.json("box", "show", "0002")["shelf"] == "甲架"
    shown = archive.json("show", PAPERS[0].number)
    assert shown["paper"] == {"box": "0002", "shelf": "甲架", "box_shelf": None}
    assert archive.json("history", PAPERS[0].number)["items"][-1]["reason"] == "统一盒号"
    archive("rebuild")
    assert [one["box"] for one in archive.json("box", "list")["items"]] == ["0002", "10"]
    archive("box", "rename", "2", "0002", "--reason", "x", *WHEN, expect=5)
    assert archive.json("ledger", "verify")["ok"] and archive.json("verify")["ok"]


def test_many_boxes_are_renamed_by_a_list_and_no_number_is_old_and_new(archive: Cli, tmp_path: Path) -> None:
    (tmp_path / "盒号.csv").write_text("原盒号,新盒号\n2,0002\n10,0010\n", "utf-8")
    done = archive.json("box", "rename", "--data", tmp_path / "盒号.csv", "--reason", "补零", *WHEN)
    assert (done["changed"], done["total"]) == (5, 2)
    assert [one["box"] for one in archive.json("box", "list")["items"]] == ["0002", "0010"]
    for rows in ("0002,0010\n0010,7", "0002,7\n0002,8", "0002,0002", "0002,"):
        (tmp_path / "bad.csv").write_text(f"原盒号,新盒号\n{rows}\n", "utf-8")
        archive("box", "rename", "--data", tmp_path / "bad.csv", "--reason", "x", *WHEN, expect=3)
    (tmp_path / "bad.csv").write_text("原盒号\n2\n", "utf-8")
    archive("box", "rename", "--data", tmp_path / "bad.csv", "--reason", "x", *WHEN, expect=3)
    assert "新盒号" in archive.err
    archive("box", "rename", "2", "--reason", "x", expect=2)


def test_the_place_of_an_empty_box_is_forgotten_and_that_of_a_full_one_not(archive: Cli) -> None:
    archive("box", "place", "99", "--shelf", "废架", *WHEN)
    archive("box", "place", "2", "--shelf", "甲架", *WHEN)
    archive("box", "forget", "2", *WHEN, expect=8)
    assert "2 record(s) lie in box 2" in archive.err
    archive("box", "forget", "99", "--dry-run", *WHEN)
    assert archive.json("box", "show", "99")["shelf"] == "废架"
    archive("box", "forget", "99", *WHEN)
    assert "99" not in [one["box"] for one in archive.json("box", "list")["items"]]
    assert not [path for path in (archive.store / "notes").rglob("*") if path.is_file()
                and "废架" in path.read_text("utf-8")]
    archive("rebuild")
    assert "99" not in [one["box"] for one in archive.json("box", "list")["items"]]
    archive("box", "forget", "99", *WHEN, expect=5)
    assert archive.json("verify")["ok"]


def test_lists_of_all_boxes_are_written_into_a_folder(archive: Cli, tmp_path: Path) -> None:
    archive("edit", PAPERS[0].number, "--set", "盒号=甲/1", "--reason", "x", *WHEN)
    done = archive.json("box", "sheet", "--all", "--out", tmp_path / "清单")
    assert sorted(path.name for path in (tmp_path / "清单").iterdir()) == ["10.docx", "2.docx", "甲_1.docx"]
    assert {one["box"]: one["records"] for one in done["items"]} == {"甲/1": 1, "2": 1, "10": 3}
    archive("box", "sheet", "--all", "2", "--out", tmp_path / "x", expect=2)
    archive("box", "sheet", "--out", tmp_path / "x", expect=2)


def test_an_edit_says_when_a_box_that_stands_somewhere_is_empty(archive: Cli, tmp_path: Path) -> None:
    archive("box", "place", "2", "--shelf", "甲架", *WHEN)
    archive("edit", PAPERS[0].number, "--set", "盒号=3", "--reason", "x", *WHEN)
    assert "box forget" not in archive.err
    archive("edit", PAPERS[1].number, "--set", "盒号=3", "--reason", "x", *WHEN)
    assert "Nothing lies in box 2" in archive.err and "box forget 2" in archive.err
    archive("box", "place", "3", "--shelf", "乙架", *WHEN)
    archive("catalogue", "sheet", "--box", "3", "--out", tmp_path / "a.xlsx")
    book = load_workbook(tmp_path / "a.xlsx")
    at = [cell.value for cell in book.active[1]].index("盒号") + 1
    for row in (2, 3):
        book.active.cell(row, at).value = "4"
    book.save(tmp_path / "a.xlsx")
    archive("edit", "--data", tmp_path / "a.xlsx", "--reason", "x", *WHEN)
    assert "box forget 3" in archive.err
