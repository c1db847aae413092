"""The command handover: proposed, printed, accepted, shown again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Cli
from docx import Document
from openpyxl import load_workbook
from papers import pdf_bytes

DAY = ("--as-of", "2026-12-01")


@pytest.fixture
def staffed(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", "of a test")
    for at, (person, role) in enumerate((("admin", "administrator"), ("lin", "archivist"), ("wang", "archivist"))):
        cli("key", "create", tmp_path / person)
        cli("people", "add", person, "--name", f"姓名{person}", "--role", role, "--staff-no", f"G00{at}", "--key",
            tmp_path / f"{person}.pub", *DAY)
        monkeypatch.setenv("RECORDKIT_ADMIN_KEY", str(tmp_path / "admin"))
    paper = tmp_path / "paper.pdf"
    paper.write_bytes(pdf_bytes(2))
    cli("ingest", paper, "--class", "visit-record", "--set", "盒号=12", "--no-ocr", *DAY)
    return cli


def texts(path: Path) -> str:
    document = Document(str(path))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(one.text for one in document.paragraphs), *cells])


def test_an_archive_is_handed_over_on_the_command_line_and_both_papers_say_so(staffed: Cli, tmp_path: Path) -> None:
    cli = staffed
    giver, receiver = (("--as", one, "--key", tmp_path / one, *DAY) for one in ("lin", "wang"))
    planned = cli.json("handover", "--to", "wang", "--dry-run", *DAY)
    assert (planned["status"], planned["manifest"]["holdings"]["count"]) == ("proposed", 1)
    assert cli.json("handover", "list") == {"items": [], "total": 0}
    made = cli.json("handover", "--to", "wang", "--note", "钥匙三把", "--out", tmp_path / "交接.docx", *giver)
    assert (made["handover"], made["from"], made["to"], len(made["signatures"])) == ("J2026-0001", "lin", "wang", 1)
    paper = texts(tmp_path / "交接.docx")
    for word in ("档案交接文据", "姓名lin", "G001", "姓名wang", "G002", made["digest"], "钥匙三把", "回访记录", "未签"):
        assert word in paper
    told = cli("handover", "accept", "J2026-0001", "--dry-run", "--out", tmp_path / "文据.xlsx", *receiver)
    assert "1. Accept the handover  J2026-0001  姓名wang  proposed → accepted" in told
    assert told.splitlines()[-1] == f"3. Write the paper of the handover  {tmp_path / '文据.xlsx'}"
    assert not (tmp_path / "文据.xlsx").exists()
    assert cli.json("handover", "show", "J2026-0001")["status"] == "proposed"
    done = cli.json("handover", "accept", "J2026-0001", "--out", tmp_path / "文据.xlsx", *receiver)
    assert (done["status"], done["digest"], len(done["signatures"])) == ("accepted", made["digest"], 2)
    rows = [[cell.value for cell in row] for row in load_workbook(tmp_path / "文据.xlsx").active.iter_rows()]
    assert ["盒", "12", 1] in [row[:3] for row in rows]
    assert [row[1:3] for row in rows if row[0] in ("移交人", "接收人") and row[2]] == [["姓名lin", "G001"],
                                                                              ["姓名wang", "G002"]]
    (item,) = cli.json("handover", "list")["items"]
    assert (item["status"], item["records"], item["record"]) == ("accepted", 1, done["record"])
    shown = cli.json("show", done["record"])
    assert (shown["record_class"], shown["title"]) == ("handover-record", "档案交接文据 J2026-0001")
    cli("get", done["record"], "--out", tmp_path / "filed.docx")
    assert "未签" not in texts(tmp_path / "filed.docx")
    assert "J2026-0001" in cli("handover", "list")
    assert cli.json("ledger", "verify")["ok"]


def test_what_is_missing_or_wrong_is_said_and_nothing_is_entered(staffed: Cli, tmp_path: Path) -> None:
    cli = staffed
    by = ("--as", "lin", "--key", tmp_path / "lin", *DAY)
    before = cli.json("ledger", "list")["total"]
    cli("handover", expect=2)
    assert "--to ID" in cli.err
    cli("handover", "--to", "wang", "--as", "lin", *DAY, expect=8)
    cli("handover", "--to", "nobody", *by, expect=5)
    cli("handover", "--to", "wang", "--out", tmp_path / "x.pdf", *by, expect=2)
    (tmp_path / "there.docx").write_bytes(b"x")
    cli("handover", "--to", "wang", "--out", tmp_path / "there.docx", *by, expect=3)
    cli("handover", "--to", "lin", *by, expect=8)
    cli("handover", "show", "J2026-0001", expect=5)
    assert cli.json("ledger", "list")["total"] == before
    made = json.loads(cli("handover", "--to", "wang", "--json", *by))
    cli("handover", "withdraw", made["handover"], "--reason", "数目要重点", *by)
    shown = cli.json("handover", "show", made["handover"])
    assert (shown["status"], shown["reason"]) == ("withdrawn", "数目要重点")


def test_the_paper_says_where_the_handover_stands_and_only_an_accepted_one_that_both_signed(
    staffed: Cli, tmp_path: Path
) -> None:
    cli, pledge = staffed, "移交人与接收人均以密钥签署"
    giver, receiver = (("--as", one, "--key", tmp_path / one, *DAY) for one in ("lin", "wang"))

    def printed(name: str) -> str:
        cli("handover", "show", name, "--out", tmp_path / "p.docx", "--force")
        cli("handover", "show", name, "--out", tmp_path / "p.xlsx", "--force")
        rows = [str(one.value) for row in load_workbook(tmp_path / "p.xlsx").active.iter_rows() for one in row]
        paper, sheet = texts(tmp_path / "p.docx"), "\n".join(rows)
        for one in (paper, sheet):
            assert "移出人" not in one and (pledge in one) == (pledge in paper)
        return paper + sheet

    # Like every dry run it writes nothing, not even the paper; the plan says where that would go.
    told = cli("handover", "--to", "wang", "--dry-run", "--out", tmp_path / "plan.docx", *DAY)
    assert told.splitlines()[-1] == f"2. Write the paper of the handover  {tmp_path / 'plan.docx'}"
    assert not (tmp_path / "plan.docx").exists()
    cli("handover", "--to", "wang", *giver)
    assert "姓名wang signs it with: recordkit handover accept J2026-0001 --as wang" in cli.err
    open_one = printed("J2026-0001")
    assert pledge not in open_one and "待接收人签署" in open_one
    cli("handover", "withdraw", "J2026-0001", "--reason", "数目要重点", *giver)
    ended = printed("J2026-0001")
    assert pledge not in ended
    for word in ("已撤回（2026-12-01，姓名lin", "撤回原因", "数目要重点"):
        assert word in ended
    cli("handover", "--to", "wang", *giver)
    cli("handover", "accept", "J2026-0002", *receiver)
    done = printed("J2026-0002")
    assert pledge in done and "已接收（2026-12-01）" in done
    book = load_workbook(tmp_path / "p.xlsx").active
    framed = [row for row in book.iter_rows(min_row=2) if row[1].value is not None]
    assert len(framed) > 15 and all(cell.border.left.style == "thin" for row in framed for cell in row[:1])
    document = Document(str(tmp_path / "p.docx"))
    assert all(row._tr.xpath("w:trPr/w:cantSplit") or row._tr.xpath("w:trPr/w:tblHeader")
               for table in document.tables for row in table.rows)
    # What is signed and the hands stand on one page: every row of the digests stays with what follows.
    assert all(one.paragraph_format.keep_with_next for row in document.tables[3].rows for cell in row.cells
               for one in cell.paragraphs)
