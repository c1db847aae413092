"""The command ``check`` as an archivist calls it: exit codes, what it prints, the report read back."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path

import pytest
from conftest import Cli, clock_at
from docx import Document
from openpyxl import load_workbook
from papers import pdf_bytes

from recordkit import __version__
from recordkit.archive.catalogue import objects_of
from recordkit.archive.checks.registry import CHECKS, checks_at
from recordkit.cli.progress import Progress
from recordkit.store import open_store

NAMES = {one.number: one.name for one in CHECKS}


@pytest.fixture
def filed(cli: Cli, tmp_path: Path) -> Cli:
    for number in (1, 2, 3):
        (tmp_path / f"回访{number}.pdf").write_bytes(pdf_bytes(number))
        cli("ingest", tmp_path / f"回访{number}.pdf", "--class", "visit-record", "--set", "户号=0012005101", "--no-ocr",
            "--set", f"文号=回访〔2026〕0000{number}号", "--as-of", "2026-11-20")
    return cli


def damage(cli: Cli, code: str) -> None:
    workspace = open_store(cli.store, clock_at(date(2026, 11, 20)), "test")
    row = workspace.db.one("SELECT record_id FROM records WHERE code = :code", {"code": code})
    assert row is not None
    path = objects_of(workspace).locate(row["record_id"], "original.pdf")
    workspace.close()
    path.write_bytes(path.read_bytes()[:-20])


CODE = "C001-KF·2026-D10-KFZ-0002"


def test_papers_that_were_ingested_pass_at_every_stage(filed: Cli) -> None:
    for stage in ("ingest", "transfer", "preservation"):
        found = filed.json("check", "--stage", stage, "--as-of", "2026-11-20")
        assert [one["check"] for one in found["items"]] == [one.number for one in checks_at(stage)]
        assert {one["result"] for one in found["items"]} == {"PASS", "NOT_RUN"}
        assert all(one["evidence"] and one["property"] in ("真实性", "完整性", "可用性", "安全性")
                   for one in found["items"])
        assert (found["ok"], found["records"], found["stage"], found["total"]) == (True, 3, stage, len(found["items"]))
        assert found["summary"]["FAIL"] == 0


def test_damage_is_named_and_ends_with_exit_code_7(filed: Cli) -> None:
    damage(filed, CODE)
    found = filed.json("check", expect=7)
    failed = {(one["check"], one["code"]) for one in found["items"] if one["result"] == "FAIL" and one["code"]}
    assert failed == {("1-01", CODE), ("1-10", CODE), ("3-02", CODE)}
    assert found["ok"] is False and found["listed_in_full"] is True
    out = filed("check", expect=7)
    assert out.index("1-01") < out.index(CODE)
    assert NAMES["1-01"] in out
    assert "Not run: 4-01" in filed.err and "3 record(s) checked" in filed.err


def test_one_record_by_its_code_lists_every_result(filed: Cli) -> None:
    found = filed.json("check", CODE, "--stage", "ingest")
    own = [one for one in found["items"] if one["code"] == CODE]
    assert {one["check"] for one in own} == {one.number for one in CHECKS if one.judge or one.number == "1-12"}
    assert filed.json("check", "--class", "visit-record", "--year", "2026")["records"] == 3
    assert filed.json("check", "--year", "2020")["records"] == 0


def test_wrong_input_is_named(filed: Cli, tmp_path: Path) -> None:
    filed("check", "C001-KF·2026-D10-KFZ-0099", expect=5)
    filed("check", "--class", "no-such-class", expect=5)
    filed("check", CODE, "--year", "2026", expect=2)
    filed("check", "--stage", "later", expect=2)
    filed("check", "--against", tmp_path / "list.csv", expect=2)
    assert "--stage transfer" in filed.err
    filed("check", "--stage", "transfer", "--against", tmp_path / "list.csv", expect=5)
    filed("check", "--out", tmp_path / "report.pdf", expect=2)
    there = tmp_path / "report.json"
    there.write_text("mine")
    filed("check", "--out", there, expect=3)
    assert there.read_text() == "mine" and "--force" in filed.err
    (tmp_path / "list.csv").write_text(f"档号,SHA-256\n{CODE},12\n", "utf-8")
    filed("check", "--stage", "transfer", "--against", tmp_path / "list.csv", expect=3)
    assert "B2" in filed.err


def test_a_signed_list_is_compared_and_its_digest_stands_in_the_report(filed: Cli, tmp_path: Path) -> None:
    rows = [f"{one['code']},{one['sha256']}" for one in
            (filed.json("show", f"C001-KF·2026-D10-KFZ-000{number}") for number in (1, 2))]
    (tmp_path / "移交清单.csv").write_text("\n".join(["档号,SHA-256", *rows]), "utf-8")
    out = tmp_path / "报告.json"
    found = filed.json("check", "--stage", "transfer", "--against", tmp_path / "移交清单.csv", "--out", out)
    assert found["records"] == 2 and found["out"] == str(out)
    report = json.loads(out.read_bytes())
    assert report["against"].startswith("移交清单.csv（SHA-256 ")
    assert report["items"] == found["items"]


@pytest.mark.parametrize("ending", ["xlsx", "csv", "json"])
def test_the_printed_register_of_a_transfer_is_read_back(filed: Cli, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"移交登记表.{ending}"
    filed("catalogue", "export", "--kind", "transfer", "--out", path)
    found = filed.json("check", "--stage", "transfer", "--against", path)
    assert [(one["result"], one["passed"]) for one in found["items"] if one["check"] == "2-07"] == [("PASS", 3)]
    damage(filed, CODE)
    found = filed.json("check", "--stage", "transfer", "--against", path, expect=7)
    assert [one["code"] for one in found["items"] if one["check"] == "2-07" and one["code"]] == [CODE]


@pytest.mark.parametrize("ending", ["xlsx", "json"])
def test_the_list_in_a_bag_is_read_back(filed: Cli, tmp_path: Path, ending: str) -> None:
    filed("export", CODE, "--format", "bagit", "--out", tmp_path / "bag", "--as-of", "2026-11-20")
    path = tmp_path / "bag" / "data" / f"transfer-list.{ending}"
    found = filed.json("check", "--stage", "transfer", "--against", path)
    assert found["records"] == 1
    assert [one["result"] for one in found["items"] if one["check"] == "2-07"] == ["PASS"]


def test_the_word_report_has_cover_results_failures_and_room_to_sign(filed: Cli, tmp_path: Path) -> None:
    damage(filed, CODE)
    out = tmp_path / "检测报告.docx"
    filed("check", "--out", out, "--as-of", "2026-11-20", expect=7)
    document = Document(str(out))
    cover, results, failures, signatures = document.tables
    facts = {row.cells[at].text: row.cells[at + 1].text for row in cover.rows for at in (0, 2)}
    assert facts["全宗号"] == "C001" and facts["检测环节"] == "长期保存" and facts["检测件数"] == "3"
    assert facts["检测日期"] == "2026-11-20" and facts["检测程序"] == f"recordkit {__version__}"
    assert facts["检测人"].startswith("os:") and facts["检测结论"].startswith("不合格")
    rows = [[cell.text for cell in row.cells] for row in results.rows]
    assert rows[0] == ["编号", "性质", "检测项目", "合格", "不合格", "未检测", "结论", "依据"]
    assert [row[0] for row in rows[1:]] == [one.number for one in checks_at("preservation")]
    assert rows[1][1:7] == ["真实性", NAMES["1-01"], "2", "1", "0", "不合格"]
    assert all(row[7] for row in rows[1:])
    named = [[cell.text for cell in row.cells] for row in failures.rows]
    assert named[0] == ["序号", "档号", "编号", "检测项目", "情况"]
    assert [row[:3] for row in named[1:]] == [["1", CODE, "1-01"], ["2", CODE, "1-10"], ["3", CODE, "3-02"]]
    assert [row.cells[0].text for row in signatures.rows] == ["检测人", "复核人"]
    assert "回访2" not in "".join(cell.text for table in document.tables for row in table.rows for cell in row.cells)


def test_the_spreadsheet_report_has_the_same(filed: Cli, tmp_path: Path) -> None:
    out = tmp_path / "检测报告.xlsx"
    filed("check", "--stage", "ingest", "--out", out)
    book = load_workbook(io.BytesIO(out.read_bytes()))
    assert book.sheetnames == ["检测结果"]  # nothing failed: no page says nothing
    rows = [[cell.value for cell in row] for row in book["检测结果"].iter_rows()]
    facts = {row[0]: row[1] for row in rows if row and row[1] is not None}
    assert (facts["检测环节"], facts["检测件数"], facts["全宗名称"]) == ("归档", "3", "某某市自来水有限公司")
    top = next(at for at, row in enumerate(rows) if row[0] == "编号")
    assert [row[0] for row in rows[top + 1:]] == [one.number for one in checks_at("ingest")]
    assert rows[top + 1][2:7] == [NAMES["1-01"], 3, 0, 0, "合格"]
    assert book["检测结果"].print_title_rows == f"${top + 1}:${top + 1}"
    assert {row[0] for row in rows if row[0]} >= {"检测人：", "复核人："}
    assert facts["检测人"].endswith("（未登记的系统用户）")
    for cell in book["检测结果"][2]:
        assert cell.border.bottom.style == "thin"
    assert "B2:H2" in [str(one) for one in book["检测结果"].merged_cells.ranges]


def test_ctrl_c_says_so_writes_no_report_and_exits_130(
    filed: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(bar: Progress, done: int, total: int, size: int = 0) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "of", stop)
    monkeypatch.setattr(Progress, "__call__", lambda bar, done: None)
    out = tmp_path / "report.docx"
    filed("check", "--out", out, expect=130)
    assert "Interrupted" in filed.err and not out.exists()
    assert filed.json("check", expect=130)["interrupted"] is True


def test_checking_changes_nothing_in_the_store(filed: Cli) -> None:
    def state() -> dict[str, bytes]:
        return {path.relative_to(filed.store).as_posix(): path.read_bytes() for path in filed.store.rglob("*")
                if path.is_file() and path.parent.name != "locks" and not path.name.startswith("catalogue.sqlite3")}

    before = state()
    filed("check")
    assert state() == before
