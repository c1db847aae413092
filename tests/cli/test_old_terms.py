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
from papers import pdf_bytes

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
    assert "长期" in (tmp_path / "案卷.csv").read_text("utf-8-sig")
