"""Records of an older archive stand in print under the period that it gave them, not under that of our code."""

from __future__ import annotations

import csv
import json
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from conftest import Cli
from docx import Document
from docx.oxml.ns import qn
from openpyxl import load_workbook
from papers import pdf_bytes

from recordkit.archive.listings.items import LOOK
from recordkit.retention.handover import manifest_of
from recordkit.store import open_store
from recordkit.workspace import Clock

OLD = (("C001-长期-88-16", "长期"), ("C001-长期-88-17", "长期"), ("C001-永久-88-3", "永久"))


@pytest.fixture
def archive(cli: Cli, tmp_path: Path) -> Cli:
    """Three papers of 1988 with the periods of their time, one of 2026; all in box 88."""
    folder = tmp_path / "旧扫描"
    folder.mkdir()
    with (tmp_path / "旧目录.csv").open("w", encoding="utf-8-sig", newline="") as handle:
        lines = csv.writer(handle)
        lines.writerow(("档号", "题名", "日期", "保管期限", "盒号", "密级", "文件名", "页数"))
        for at, (code, term) in enumerate(OLD):
            (folder / f"{at}.pdf").write_bytes(pdf_bytes(text=f"Old paper {at}"))
            lines.writerow((code, f"旧件{at}", "19880312", term, "88", "内部", f"{at}.pdf", 1))
    cli("ingest", "--catalogue", tmp_path / "旧目录.csv", folder, "--no-ocr", "--class", "visit-record")
    paper = tmp_path / "paper.pdf"
    paper.write_bytes(pdf_bytes(text="new"))
    cli("ingest", paper, "--class", "visit-record", "--set", "盒号=88", "--no-ocr", "--as-of", "2026-12-01")
    return cli


def test_each_old_period_has_a_catalogue_of_its_own_with_its_own_head(archive: Cli, tmp_path: Path) -> None:
    made = archive.json("catalogue", "export", "--kind", "items", "--out", tmp_path / "目录.xlsx")
    books = [(one["facts"]["period"], one["count"]) for one in made["items"]]
    assert books == [("永久", 1), ("长期", 2), ("10年", 1)] and made["total"] == 4
    archive("catalogue", "export", "--kind", "items", "--out", tmp_path / "目录.json")
    found = json.loads((tmp_path / "目录.json").read_text("utf-8"))
    assert [(one["catalogue"], one["code"]) for one in found["items"][:3]] == [
        (1, "C001-永久-88-3"), (2, "C001-长期-88-16"), (2, "C001-长期-88-17")]
    assert [one["name"] for one in found["catalogues"]][:2] == ["1988-永久-KFZ", "1988-长期-KFZ"]


def test_boxes_and_their_labels_name_the_old_periods_and_whole_item_numbers(archive: Cli, tmp_path: Path) -> None:
    (box,) = archive.json("box", "list")["items"]
    assert box["periods"] == ["永久", "长期", "D10"]
    archive("box", "labels", "88", "--out", tmp_path / "盒签.docx")
    cells = {cell.text for table in Document(str(tmp_path / "盒签.docx")).tables for row in table.rows
             for cell in row.cells}
    assert "永久、长期、10年" in cells
    (numbers,) = {one for one in cells if "16—17" in one}
    assert {"1988-长期 16—17", "1988-永久 3", "2026-D10 0001"} == set(numbers.split("\n"))


def test_statistics_and_handover_count_them_under_their_own_periods(archive: Cli) -> None:
    assert archive.json("stats")["periods"] == {"永久": 1, "长期": 2, "D10": 1}
    clock = Clock(lambda: datetime(2026, 12, 1, tzinfo=UTC), date(2026, 12, 1))
    with closing(open_store(archive.store, clock, "os:user")) as workspace:
        assert manifest_of(workspace, "J")["periods"] == {"永久": 1, "长期": 2, "D10": 1}


def test_a_volume_is_printed_with_the_longest_of_all_its_periods(archive: Cli, tmp_path: Path) -> None:
    new = next(one["code"] for one in archive.json("catalogue", "list")["items"] if "2026" in one["code"])
    made = archive.json("volume", "create", "--project", "旧卷")
    archive("volume", "add", made["code"], new, "C001-长期-88-16")
    archive("catalogue", "export", "--kind", "volumes", "--out", tmp_path / "案卷.csv", "--volume", made["code"])
    assert "50年" in (tmp_path / "案卷.csv").read_text("utf-8-sig")


def test_the_list_in_a_box_has_the_columns_and_the_dates_of_the_catalogue(archive: Cli, tmp_path: Path) -> None:
    archive("edit", "C001-长期-88-16", "--set", "自拟题名=是", "--reason", "原件无题名")
    for kind in ("docx", "xlsx"):
        archive("box", "sheet", "88", "--out", tmp_path / f"盒.{kind}")
    document = Document(str(tmp_path / "盒.docx"))
    (table,) = document.tables
    assert [round(one.width.mm) for one in table.columns] == [round(one.width) for one in LOOK.columns]
    assert document.sections[0].footer.paragraphs[0].alignment == 1
    paper = [[cell.text for cell in row.cells] for row in table.rows]
    sheet = [["" if cell is None else str(cell) for cell in row]
             for row in load_workbook(tmp_path / "盒.xlsx").active.iter_rows(min_row=3, values_only=True)]
    assert paper == sheet
    assert [row[5] for row in paper[1:3]] == ["20261201", "19880312"] and "[旧件0]" in [row[4] for row in paper]
    # Chinese commas stand at the foot of the line, Latin letters in a Latin face, and nobody else's name in the file.
    look = document.styles.element.xpath("w:docDefaults//w:lang")[0]
    assert look.get(qn("w:eastAsia")) == "zh-CN" and document.styles["Normal"].font.name == "Times New Roman"
    about = document.core_properties
    assert (about.author, about.title, about.comments, about.created) == ("recordkit", "盒内清单", "", None)


def test_a_security_level_is_one_of_the_five_wherever_it_comes_from(archive: Cli, tmp_path: Path) -> None:
    archive("edit", "C001-长期-88-16", "--set", "密级=国内", "--reason", "x", expect=3)
    assert "绝密" in archive.err
    archive("edit", "C001-长期-88-16", "--set", "密级=机密", "--reason", "定密")
    with (tmp_path / "二.csv").open("w", encoding="utf-8-sig", newline="") as handle:
        csv.writer(handle).writerows((("档号", "题名", "日期", "密级", "文件名"),
                                      ("C001-长期-88-20", "又一件", "19880312", "保密", "9.pdf")))
    (tmp_path / "旧扫描" / "9.pdf").write_bytes(pdf_bytes(text="Old paper 9"))
    told = archive.json("ingest", "--catalogue", tmp_path / "二.csv", tmp_path / "旧扫描", "--no-ocr", "--class",
                        "visit-record", expect=3)
    (row,) = told["refused"]
    assert row["cell"] == "D2" and "绝密" in str(row)
    made = archive.json("volume", "create", "--project", "旧卷")
    archive("volume", "add", made["code"], "C001-长期-88-17")
    archive("catalogue", "export", "--kind", "covers", "--volume", made["code"], "--out", tmp_path / "封面.csv")
    assert "内部" in (tmp_path / "封面.csv").read_text("utf-8-sig")
