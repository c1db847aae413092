"""Strips for the backs of boxes and volumes: every field of each, six a page, titles only for whoever may see them."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Cli
from docx import Document
from papers import pdf_bytes

from recordkit.archive.spines import OF_BOX, OF_VOLUME


def columns_of(path: Path) -> list[list[str]]:
    """The texts of each strip, from top to bottom, without the heads."""
    found: list[list[str]] = []
    for table in Document(str(path)).tables:
        rows = [[cell.text for cell in row.cells] for row in table.rows]
        assert [set(row) for row in rows[::2]] == [{row[0]} for row in rows[::2]]
        found += [list(one) for one in zip(*rows[1::2], strict=True)]
    return found


@pytest.fixture
def archive(cli: Cli, tmp_path: Path) -> Cli:
    """Seven papers in seven boxes, each in a volume of its account; one of them restricted."""
    for number in range(1, 8):
        paper = tmp_path / f"{number}.pdf"
        paper.write_bytes(pdf_bytes(text=f"Paper {number}"))
        cli("ingest", paper, "--class", "stop-order" if number == 7 else "visit-record", "--no-ocr", "--set",
            f"盒号={number}", "--set", f"户号=001{number}", "--set", f"当事人=张{number}", "--set", "日期=2026-11-20")
    cli("volume", "create", "--per-account")
    return cli


def test_the_back_of_every_volume_has_its_fields(archive: Cli, tmp_path: Path) -> None:
    told = archive.json("volume", "labels", "--all", "--out", tmp_path / "脊背.docx")
    assert told["labels"] == 7
    strips = columns_of(tmp_path / "脊背.docx")
    volumes = {one["code"]: one for one in archive.json("volume", "list")["items"]}
    assert len(Document(str(tmp_path / "脊背.docx")).tables) == 2 and len(strips) == 7
    assert [one[1] for one in strips] == sorted(volumes)
    first = strips[0]
    assert [field.name for field in OF_VOLUME] == ["全宗号", "案卷号", "题名", "起止日期", "件数", "保管期限"]
    assert (first[0], first[3], first[4], first[5]) == ("C001", "20261120", "1", "10年")
    assert first[2] == volumes[first[1]]["title"]
    restricted = [one for one in strips if one[2] == "（限制利用）"]
    assert len(restricted) <= 1
    archive("volume", "labels", first[1], "--out", tmp_path / "脊背.docx", expect=3)
    archive("volume", "labels", "--out", tmp_path / "x.docx", expect=2)
    archive("volume", "labels", "--all", "--out", tmp_path / "x.xlsx", expect=2)


def test_the_back_of_a_box_has_its_fields(archive: Cli, tmp_path: Path) -> None:
    archive("box", "labels", "2", "1", "--spine", "--out", tmp_path / "盒脊.docx")
    strips = columns_of(tmp_path / "盒脊.docx")
    assert [field.name for field in OF_BOX] == ["全宗号", "年度", "保管期限", "机构（问题）", "起止件号", "盒号"]
    assert [one[-1] for one in strips] == ["2", "1"] and strips[1][:3] == ["C001", "2026", "10年"]
    assert strips[1][4] == "0001"


def test_strips_in_the_outbox_go_with_the_records_that_they_name(archive: Cli) -> None:
    out = archive.store / "outbox" / "脊背.docx"
    archive("volume", "labels", "--all", "--out", out)
    assert len(out.with_suffix(".ids").read_text().split()) == 7


def test_covers_and_notes_are_counted(archive: Cli, tmp_path: Path) -> None:
    rows = {one["kind"]: one["rows"] for one in archive.json("catalogue", "print", "--out", tmp_path / "目录")["items"]}
    assert (rows["covers"], rows["notes"], rows["volume"], rows["items"]) == (7, 7, 7, 7)
    assert archive.json("catalogue", "export", "--kind", "notes", "--out", tmp_path / "备考.docx")["total"] == 7
