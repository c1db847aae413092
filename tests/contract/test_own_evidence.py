"""Evidence that recordkit makes: nothing from elsewhere is filed as such, and what it says does not change."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Cli
from papers import pdf_bytes
from retention_store import make_archive

from recordkit.archive.catalogue import find_record
from recordkit.archive.editing import edit_record
from recordkit.errors import RefusedByRule


def test_a_filed_register_says_for_ever_what_it_said_but_its_paper_may_be_moved(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    order = archive.propose(archive.file())
    assert order.register is not None
    before = find_record(archive.workspace.db, order.register)
    for key, value in {"title": "别的清册", "date": "2001-01-01", "number": "销1号", "responsible": "他人"}.items():
        with pytest.raises(RefusedByRule, match="evidence that recordkit made"):
            edit_record(archive.workspace, order.register, {key: value}, "改")
    with pytest.raises(RefusedByRule, match="its 电话 stays"):
        edit_record(archive.workspace, order.register, {"phone": "139"}, "改")
    assert find_record(archive.workspace.db, order.register) == before
    after = edit_record(archive.workspace, order.register, {"box": "3", "shelf": "甲柜", "note": "正本"}, "入盒")
    assert (after.title, after.metadata["box"], after.metadata["shelf"]) == (before.title, "3", "甲柜")
    archive.workspace.close()


def test_no_catalogue_and_no_ingest_files_a_paper_as_evidence(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf_bytes(text="a paper"))
    for own in ("destruction-register", "appraisal-report", "handover-record"):
        cli("ingest", tmp_path / "a.pdf", "--no-ocr", "--class", own, expect=8)
        table = tmp_path / "目录.csv"
        table.write_text(f"档号,题名,日期,文件名,类别\n1998-1,清册,1998-01-01,a.pdf,{own}\n", "utf-8")
        found = cli.json("ingest", "--catalogue", table, tmp_path, "--no-ocr", expect=3)
        assert [(one["row"], one["cell"], one["code"]) for one in found["refused"]] == [(2, "E2", "own-class")]
        cli("ingest", "--catalogue", table, tmp_path, "--no-ocr", "--class", own, expect=8)
    assert not list((cli.store / "objects").rglob("*.pdf"))
