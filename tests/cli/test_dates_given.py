"""Of many an old paper only the year is known: what its catalogue says is kept, and no period shrinks by it."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from bags import other_store
from conftest import Cli
from openpyxl import load_workbook
from papers import pdf_bytes

DATES = ("1998", "1998-05", "民国三十七年五月", "无日期", "1998-05-12", "约1998年", "")
WANTED = [("1998", "1998-12-31"), ("1998-05", "1998-05-31"), ("民国三十七年五月", "1948-05-31"),
          ("无日期", "2026-11-20"), (None, "1998-05-12")]
CODES = [f"C001-长期-98-{number}" for number in range(1, 8)]
AS_OF = ("--as-of", "2026-11-20")


def old_catalogue(folder: Path, dates: Sequence[object]) -> Path:
    path = folder / "旧目录.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["档号", "题名", "日期", "保管期限", "类别", "文件名", "盒号"])
        for number, given in enumerate(dates, 1):
            writer.writerow([CODES[number - 1], f"第{number}件", given, "长期", "回访记录", f"98-{number}.pdf", "7"])
    return path


@pytest.fixture
def filed(cli: Cli, tmp_path: Path) -> Cli:
    """Five records, two refused rows."""
    for number in range(1, len(DATES) + 1):
        (tmp_path / f"98-{number}.pdf").write_bytes(pdf_bytes(text=f"Old paper {number}"))
    result = cli.json("ingest", "--catalogue", old_catalogue(tmp_path, DATES), tmp_path, "--no-ocr", *AS_OF, expect=4)
    told = {one["row"]: (one["cell"], str(one["message"])) for one in result["refused"]}
    assert sorted(told) == [7, 8]
    assert told[7][0] == "C7" and "约1998年" in told[7][1] and "1998-05" in told[7][1]
    assert told[8][0] == "C8" and "无日期" in told[8][1]
    return cli


def dates_of(cli: Cli, codes: Sequence[str] = CODES[:5]) -> list[tuple[Any, Any]]:
    shown = [cli.json("show", code) for code in codes]
    return [(one["date_given"], one["date"]) for one in shown]


def test_the_record_has_the_last_day_that_it_can_be_and_keeps_what_the_catalogue_says(filed: Cli) -> None:
    assert dates_of(filed) == WANTED
    filed("rebuild")
    assert dates_of(filed) == WANTED
    told = filed("show", CODES[0], lang="zh")
    assert "1998-12-31" in told and "1998\n" in told.replace(" ", "")
    listed = filed("catalogue", "list", lang="zh")
    assert "民国三十七年五月" in listed and "1948-05-31" not in listed
    items = filed.json("catalogue", "list", "--sort", "date")["items"]
    assert [one["date_given"] for one in items] == ["民国三十七年五月", None, "1998-05", "1998", "无日期"]
    assert "1998-05" in filed("box", "show", "7")


def test_a_period_runs_from_the_end_of_the_doubt(filed: Cli) -> None:
    due = {one["code"]: one["due"] for one in filed.json("retention", "review", "--as-of", "2060-01-01")["items"]}
    # 长期 is 50 years here: of 1998 from 1999, of May 1948 from 1949; what bears no date counts from its filing.
    assert due[CODES[0]] == due[CODES[1]] == due[CODES[4]] == "2049-01-01"
    assert due[CODES[2]] == "1999-01-01"
    assert filed.json("retention", "explain", CODES[3])["due"] == "2077-01-01"


@pytest.mark.parametrize("kind", ["items", "transfer"])
def test_printed_catalogues_say_what_the_old_catalogue_says(filed: Cli, tmp_path: Path, kind: str) -> None:
    whole = ["1998", "1998-05", "民国三十七年五月", "无日期"]
    for ending in ("json", "xlsx", "docx"):
        filed("catalogue", "export", "--kind", kind, "--class", "回访记录", "--out", tmp_path / f"目录.{ending}")
    items = json.loads((tmp_path / "目录.json").read_text("utf-8"))["items"]
    assert [one["date"] for one in sorted(items, key=lambda one: str(one["code"]))][:4] == whole
    book = load_workbook(tmp_path / "目录.xlsx")
    cells = {cell.value for page in book for row in page.iter_rows() for cell in row}
    assert set(whole) <= cells


def test_a_correction_makes_the_day_known_and_a_sheet_that_was_not_touched_changes_nothing(
    filed: Cli, tmp_path: Path
) -> None:
    sheet = tmp_path / "更正.xlsx"
    filed("catalogue", "sheet", "--class", "回访记录", "--out", sheet)
    assert filed.json("edit", "--data", sheet, "--reason", "x", "--dry-run")["unchanged"] == 5
    filed("edit", CODES[0], "--set", "日期=1998-03-04", "--reason", "原件上有日期")
    assert dates_of(filed, CODES[:1]) == [(None, "1998-03-04")]
    filed("edit", CODES[0], "--set", "原目录日期=1998-07", "--reason", "改回", *AS_OF)
    assert dates_of(filed, CODES[:1]) == [("1998-07", "1998-07-31")]
    filed("edit", CODES[0], "--set", "原目录日期=约1998年", "--reason", "x", expect=3)
    assert "约1998年" in filed.err and dates_of(filed, CODES[:1]) == [("1998-07", "1998-07-31")]
    assert "1998-07" in filed("history", CODES[0])


def test_a_bag_brings_the_wording_along(filed: Cli, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag = tmp_path / "移交包"
    filed("export", "--class", "回访记录", "--out", bag, *AS_OF)
    listed = {one["code"]: (one["date_given"], one["date"])
              for one in json.loads((bag / "data" / "transfer-list.json").read_bytes())["items"]}
    assert [listed[code] for code in CODES[:5]] == WANTED
    other = Cli(other_store(tmp_path / "另一库"), capsys)
    codes = [one["code"] for one in other.json("import", bag)["items"]]
    assert sorted(dates_of(other, codes), key=str) == sorted(WANTED, key=str)
