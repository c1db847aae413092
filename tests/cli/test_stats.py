"""The archive in numbers, each counted by hand."""

from __future__ import annotations

import io
import sys
from datetime import date

import docx
import pytest
from conftest import Cli, clock_at
from PIL import Image
from report_store import Office, report_path

from recordkit.cli.machine import how_to_get_extra
from recordkit.retention.holdings import holdings_file, holdings_of
from recordkit.store import open_store


@pytest.fixture
def office(cli: Cli) -> Office:
    """Three visits, one of them destroyed and one on hold, a permanent contract's worth of nothing, one paper out."""
    made = Office(cli)
    visits = [made.issue("visit-record", "2026-11-19", visit_at="2026-11-18T09:00") for _ in range(3)]
    for number, day in zip(visits, ("2026-11-20", "2026-12-30", "2027-01-04"), strict=True):
        made.file(number, day)
    made.issue("visit-record", "2026-11-19", visit_at="2026-11-18T09:00")
    made.file(made.issue("supply-contract", "2026-11-19", sign_date="2026-11-19"), "2027-01-05")
    cli("hold", "place", visits[1], "--kind", "complaint", "--reason", "投诉", "--as-of", "2027-01-06")
    workspace = open_store(cli.store, clock_at(date(2037, 3, 1)), "test")
    record = cli.json("show", visits[0])["record_id"]
    with workspace.writing() as writer:  # what the last step of an order writes
        writer.add("record.destroyed", {"record": record, "order": "D2037-0001"})
        writer.commit()
    workspace.close()
    return made


def test_every_number_is_the_one_counted_by_hand(office: Office, cli: Cli) -> None:
    found = cli.json("stats", "--as-of", "2037-03-01")
    assert [(one["record_class"], one["records"], one["pages"], one["destroyed"]) for one in found["items"]] == [
        ("visit-record", 2, 4, 1), ("supply-contract", 1, 2, 0)]
    assert (found["records"], found["pages"], found["destroyed"]) == (3, 6, 1)
    assert found["years"] == {"2026": 3}
    assert found["periods"] == {"D10": 2, "D30": 1}
    assert found["filed"] == {"2026": 2, "2027": 2}
    assert found["review"] == {"due": 1, "not-due": 0, "held": 1, "permanent": 0, "waiting": 1}
    assert (found["unreturned"], found["unmatched"], found["quarantined"]) == (1, 0, 0)
    papers = sum(len(number.encode()) for number in (*office.numbers[1:3], office.numbers[4]))
    assert found["storage"]["papers"] == papers
    assert found["storage"]["ledger"] == sum(
        path.stat().st_size for path in (cli.store / "ledger").rglob("*") if path.is_file())
    assert found["storage"]["catalogue"] > 4096


def test_a_rebuild_changes_no_number(office: Office, cli: Cli) -> None:
    def counted() -> dict[str, object]:
        found: dict[str, object] = cli.json("stats", "--as-of", "2037-03-01")
        found.pop("storage")
        return found

    before = counted()
    cli("rebuild", "--catalogue")
    assert counted() == before


def test_word_and_picture(office: Office, cli: Cli) -> None:
    paper, picture = report_path(cli, "馆藏.docx"), report_path(cli, "馆藏.png")
    for path in (paper, picture):
        cli("stats", "--out", path, "--as-of", "2037-03-01")
    tables = [[[cell.text for cell in row.cells] for row in one.rows] for one in docx.Document(str(paper)).tables]
    whole, states = tables
    assert whole == [["类别", "件数", "页数", "已销毁"], ["回访记录", "2", "4", "1"], ["供用水合同", "1", "2", "0"],
                     ["合计", "3", "6", "1"]]
    assert ["冻结", "1"] in [row[:2] for row in states] and ["已签发未归档文书", "1"] in [row[2:] for row in states]
    workspace = open_store(cli.store, clock_at(date(2037, 3, 1)), "test")
    plain = holdings_file(holdings_of(workspace, date(2037, 3, 1)), "docx")
    workspace.close()
    tables = [[[cell.text for cell in row.cells] for row in one.rows]
              for one in docx.Document(io.BytesIO(plain)).tables]
    assert tables[0] == whole[:-1]
    assert tables[1] == [["年度", "馆藏件数", "当年归档件数"], ["2026", "3", "2"], ["2027", "0", "2"]]
    assert tables[2] == [["保管期限", "件数"], ["10年", "2"], ["30年", "1"]]
    assert ["冻结", "1"] in tables[3]
    assert ["已签发未归档文书", "1"] in tables[3]
    assert tables[4][0] == ["内容", "兆字节"]
    with Image.open(io.BytesIO(picture.read_bytes())) as page:
        assert abs(page.height / page.width - 254 / 186) < 0.01
        assert len(set(page.convert("L").resize((150, 200)).tobytes())) > 20
    cli("stats", "--out", picture, expect=3)
    cli("stats", "--out", report_path(cli, "a.pdf"), expect=2)


def test_an_empty_store_has_a_page_too(cli: Cli) -> None:
    picture = report_path(cli, "空.png")
    found = cli.json("stats", "--out", picture)
    assert (found["items"], found["records"], found["unreturned"]) == ([], 0, 0)
    assert picture.exists()
    assert "Records held: 0" in cli("stats")


def test_without_matplotlib_the_picture_is_refused_and_the_paper_comes_without(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [one for one in sys.modules if one.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    cli("stats", "--out", report_path(cli, "a.png"), expect=9)
    cli("stats", "--out", report_path(cli, "a.docx"))
    assert how_to_get_extra("charts") in cli.err
