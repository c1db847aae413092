"""Records whose old period term nobody has explained are told apart from those that wait for an event."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from conftest import Cli
from openpyxl import load_workbook
from papers import pdf_bytes


@pytest.fixture
def archive(cli: Cli, tmp_path: Path) -> Cli:
    """An old paper that is to be kept 定期, and nothing else."""
    (tmp_path / "0.pdf").write_bytes(pdf_bytes(text="Old paper"))
    with (tmp_path / "旧目录.csv").open("w", encoding="utf-8-sig", newline="") as handle:
        csv.writer(handle).writerows([("档号", "题名", "日期", "保管期限", "文件名"),
                                      ("88-1", "旧件", "19880312", "定期", "0.pdf")])
    cli("ingest", "--catalogue", tmp_path / "旧目录.csv", tmp_path, "--no-ocr", "--class", "回访记录")
    return cli


def test_the_review_names_the_term_and_does_not_send_people_to_look_for_an_event(archive: Cli, tmp_path: Path) -> None:
    told = archive("retention", "review", "--decision", "waiting")
    assert "unexplained" in told and "waiting" not in told and "--waiting" not in archive.err
    assert "old_terms" in archive.err
    found = archive.json("retention", "review")
    (item,), (group,), (wait,) = found["items"], found["groups"], found["waiting"]
    assert (item["decision"], item["unexplained"], group["unexplained"]) == ("waiting", "定期", True)
    assert wait == {"events": [], "count": 1, "companions": False, "unexplained": True}
    archive("retention", "review", "--out", tmp_path / "清单.json")
    assert json.loads((tmp_path / "清单.json").read_text("utf-8"))["items"][0]["unexplained"] == "定期"
    archive("retention", "review", "--out", tmp_path / "清单.xlsx")
    cells = {cell.value for row in load_workbook(tmp_path / "清单.xlsx").worksheets[0].iter_rows() for cell in row}
    assert "unexplained" in cells and "waiting" not in cells


def test_the_statistics_count_it_apart(archive: Cli) -> None:
    found = archive.json("stats")
    assert (found["review"]["waiting"], found["unexplained"]) == (1, 1)
    lines = [line.split() for line in archive("stats").splitlines()]
    assert ["Waiting", "for", "the", "meaning", "of", "an", "old", "term:", "1"] in lines


def test_where_an_event_is_waited_for_the_hint_says_how_to_find_it(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "1.pdf").write_bytes(pdf_bytes(text="A contract"))
    cli("ingest", tmp_path / "1.pdf", "--class", "supply-contract", "--no-ocr")
    assert "waiting" in cli("retention", "review", "--decision", "waiting") and "--waiting" in cli.err
    assert cli.json("retention", "review")["items"][0]["unexplained"] is None
