"""The paper route at the command line: print, sign by hand, scan, file, enter, destroy."""

from __future__ import annotations

import io
import json
import os
from datetime import date
from pathlib import Path

import pytest
from conftest import Cli
from test_destruction import CODE, DAY, EXECUTE, office, signed

from recordkit.archive.filing import file_generated
from recordkit.workspace import Workspace

__all__ = ["office"]


@pytest.fixture
def desk(office: Cli) -> Cli:
    """An office in which leader and witnesses have no key."""
    for person, role in (("leader", "approver"), ("h1", "supervisor"), ("h2", "supervisor")):
        office("people", "add", person, "--name", person, "--role", role, "--staff-no", f"P-{person}", *DAY)
    return office


def appraised(office: Cli, *codes: str) -> str:
    order = str(office.json("destruction", "propose", *codes, *signed(office, "arch"))["order"])
    office("destruction", "appraise", order, "--all", "destroy", *signed(office, "appr"))
    return order


def print_and_scan(office: Cli, order: str, folder: Path, name: str, *who: str) -> Path:
    """The register printed by the real Word document's codes, 'scanned' as a picture in a PDF."""
    from docx import Document
    from PIL import Image

    out = folder / f"{name}.docx"
    printed = office.json("destruction", "register", order, "--for-signing", "--out", out, *who)
    header = Document(str(out)).sections[0].header
    assert printed["code"] in header.paragraphs[0].text
    (picture,) = (part.blob for part in header.part.package.iter_parts()
                  if part.partname.startswith("/word/media") and part in
                  [relation.target_part for relation in header.part.rels.values()])
    page = Image.new("L", (1654, 1169), 255)
    page.paste(Image.open(io.BytesIO(picture)).convert("L").resize((240, 240)), (1300, 60))
    page.putpixel((5, 5 + len(name)), 0)
    scan = folder / f"{name}.pdf"
    page.save(scan, "PDF", resolution=140)
    return scan


def by_hand(office: Cli, paper: object, *signers: str) -> tuple[object, ...]:
    named = [part for one in signers for part in ("--signer", f"P-{one}")]
    return ("--on-paper", paper, *named, *signed(office, "arch"))


def test_the_whole_life_on_paper(desk: Cli, tmp_path: Path) -> None:
    order = appraised(desk, CODE.format(1))
    scan = print_and_scan(desk, order, tmp_path, "签字清册")
    (item,) = desk.json("ingest", scan, "--no-ocr", *DAY)["items"]
    assert item["outcome"] == "archived"
    assert order in desk.json("show", item["record_id"])["title"]
    desk("destruction", "approve", order, *by_hand(desk, item["record_id"], "leader"))
    shown = desk("destruction", "sign", order, *by_hand(desk, item["code"], "h1", "h2"))
    assert f"h2 (on paper, 2037-01-15; entered by arch, scan {item['record_id']})" in shown
    desk("destruction", "execute", order, "--place", "档案室", "--method", "粉碎", "--as", "h1", *DAY)
    outcome = print_and_scan(desk, order, tmp_path, "销毁后")
    desk("destruction", "complete", order, *by_hand(desk, outcome, "h1", "h2"))
    data = desk.json("destruction", "show", order)
    assert (data["status"], {one["route"] for one in data["completed"]}) == ("completed", {"paper"})
    verified = desk.json("ledger", "verify")
    assert verified["ok"]
    assert [(one["person"], one["route"]) for one in verified["acts"]] == [
        ("arch", "key"), ("appr", "key"), ("leader", "paper"), ("h1", "paper"), ("h2", "paper"), ("h1", "paper"),
        ("h2", "paper")]
    desk("ledger", "verify")
    assert "leader signed on paper" in desk.err
    desk("destruction", "register", order, "--format", "json", "--out", tmp_path / "r.json")
    assert "手签" in json.loads((tmp_path / "r.json").read_text("utf-8"))["cover"]["批准人"]
    assert desk.json("search", order)["total"] >= 1


def test_a_scan_that_is_still_a_file_is_filed_first_and_only_once(desk: Cli, tmp_path: Path) -> None:
    order = appraised(desk, CODE.format(1))
    scan = print_and_scan(desk, order, tmp_path, "签字清册")
    before = desk.json("ledger", "verify")["entries"]
    desk("destruction", "approve", order, *by_hand(desk, scan, "leader"), "--dry-run", expect=3)
    assert desk.json("ledger", "verify")["entries"] == before
    desk("destruction", "approve", order, "--paper", scan, "--signer", "P-leader", *signed(desk, "arch"))
    desk("destruction", "sign", order, *by_hand(desk, scan, "h1"))
    data = desk.json("destruction", "show", order)
    assert data["approvals"][0]["paper"] == data["signatures"][0]["paper"]


def test_wrong_papers_signers_and_calls_are_refused_by_name(desk: Cli, tmp_path: Path) -> None:
    order, other = appraised(desk, CODE.format(1)), appraised(desk, CODE.format(2))
    scan = print_and_scan(desk, other, tmp_path, "别的清册")
    desk("destruction", "approve", order, *by_hand(desk, scan, "leader"), expect=8)
    assert other in desk.err
    desk("destruction", "approve", order, *by_hand(desk, scan, "nobody"), expect=5)
    assert "P-nobody" in desk.err
    desk("destruction", "approve", other, *by_hand(desk, scan, "h1"), expect=8)
    assert "approver" in desk.err
    desk("destruction", "approve", other, *by_hand(desk, scan, "leader", "leader"), expect=2)
    desk("destruction", "approve", other, "--on-paper", scan, *signed(desk, "arch"), expect=2)
    desk("destruction", "approve", other, "--signer", "P-leader", *signed(desk, "arch"), expect=2)
    desk("destruction", "approve", other, "--signed-on", "2037-01-10", *signed(desk, "lead"), expect=2)
    desk("destruction", "approve", other, "--on-paper", scan, "--signer", "P-leader", "--as", "arch", *DAY, expect=8)
    desk("destruction", "approve", other, *by_hand(desk, scan, "leader"), "--signed-on", "2037-02-01", expect=3)
    (tmp_path / "白纸.pdf").write_bytes(b"no pdf")
    desk("destruction", "approve", other, *by_hand(desk, tmp_path / "白纸.pdf", "leader"), expect=3)
    desk("destruction", "execute", other, *EXECUTE, expect=8)
    desk("destruction", "register", other, "--for-signing", "--format", "json", "--out", tmp_path / "x", expect=2)


def test_of_several_signers_on_one_paper_none_is_entered_when_one_is_refused(desk: Cli, tmp_path: Path) -> None:
    order = appraised(desk, CODE.format(1))
    scan = print_and_scan(desk, order, tmp_path, "签字清册")
    desk("destruction", "approve", order, *by_hand(desk, scan, "leader"))
    desk("destruction", "sign", order, *by_hand(desk, scan, "h2"))
    desk("destruction", "sign", order, *by_hand(desk, scan, "h1", "h2"), expect=8)
    assert [one["person"] for one in desk.json("destruction", "show", order)["signatures"]] == ["h2"]
    desk("destruction", "sign", order, *by_hand(desk, scan, "h1", "h1"))
    assert [one["person"] for one in desk.json("destruction", "show", order)["signatures"]] == ["h2", "h1"]


def test_the_plan_of_several_signatures_on_one_paper_names_each(desk: Cli, tmp_path: Path) -> None:
    order = appraised(desk, CODE.format(1))
    scan = print_and_scan(desk, order, tmp_path, "签字清册")
    desk("destruction", "approve", order, *by_hand(desk, scan, "leader"))
    plan = desk("destruction", "sign", order, *by_hand(desk, desk.json("destruction", "show", order)
                                                       ["approvals"][0]["paper"], "h1", "h2"), "--dry-run")
    assert [line.split("  ")[1:] for line in plan.splitlines()] == [
        [order, "h1", "0 of 2 signatures → 1 of 2 signatures"], [order, "h2", "1 of 2 signatures → 2 of 2 signatures"]]
    assert desk.json("destruction", "show", order)["signatures"] == []


def test_loosened_rules_wait_for_an_administrator(desk: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    order = appraised(desk, CODE.format(1))
    path = desk.store / "recordkit.toml"
    path.write_text(path.read_text("utf-8").replace("total_share = 0.5", "total_share = 0.95"), "utf-8")
    desk("destruction", "approve", order, *signed(desk, "lead"), expect=8)
    assert "total_share = 0.95 (in the ledger: 0.5)" in desk.err and "config accept" in desk.err
    assert "total_share" in desk.json("config", "check", *DAY)["unaccepted"][0]
    assert "total_share" in desk("config", "accept", "--dry-run", *DAY)
    desk("config", "accept", *signed(desk, "lead"), expect=8)
    desk("config", "accept", "--as", "lead", *DAY, expect=8)
    assert desk.json("config", "accept", *DAY)["settings"]["total_share_millionths"] == 950_000
    desk("destruction", "approve", order, *signed(desk, "lead"))
    path.write_text(path.read_text("utf-8").replace("total_share = 0.95", "total_share = 0.96"), "utf-8")
    desk("config", "accept", *signed(desk, "admin"))
    assert desk.json("config", "accept", *DAY)["loosened"] == []
    assert desk.json("ledger", "verify")["ok"]


@pytest.mark.office
def test_the_printed_register_is_read_from_its_own_pages(
    desk: Cli, tmp_path: Path
) -> None:
    """Printed by LibreOffice, turned into pictures of 150 dpi: every page carries a code that is read."""
    import pypdfium2

    from recordkit.archive.codes import find_codes
    from recordkit.archive.pdf import render_colours
    from recordkit.templates.pdf import convert_to_pdf

    order = appraised(desk, *(CODE.format(number) for number in (1, 2, 3)))
    out = tmp_path / "清册.docx"
    code = desk.json("destruction", "register", order, "--for-signing", "--out", out)["code"]
    convert_to_pdf([out], tmp_path / "pdf", os.environ)
    printed = tmp_path / "pdf" / "清册.pdf"
    document = pypdfium2.PdfDocument(printed)
    assert len(document) == 2
    for index in range(len(document)):
        found = find_codes(render_colours(printed, index, 150), index + 1)
        assert {(one.kind, one.payload) for one in found} == {("QRCode", code), ("Code128", code)}
    pages = [page.render(scale=150 / 72).to_pil().convert("L") for page in document]
    document.close()
    scan = tmp_path / "扫描.pdf"
    pages[0].save(scan, "PDF", resolution=150, save_all=True, append_images=pages[1:])
    desk("destruction", "approve", order, *by_hand(desk, scan, "leader"))


def test_one_person_with_all_the_keys_cannot_enter_the_others_signatures(desk: Cli, tmp_path: Path) -> None:
    cli, keys = desk, desk.keys  # type: ignore[attr-defined]
    cli("key", "create", keys / "both")
    cli("people", "add", "both", "--name", "both", "--role", "archivist", "--role", "appraiser", "--staff-no", "B-1",
        "--key", keys / "both.pub", *DAY)
    order = str(cli.json("destruction", "propose", CODE.format(1), *signed(cli, "both"))["order"])
    cli("destruction", "appraise", order, "--all", "destroy", *signed(cli, "both"))
    (item,) = cli.json("ingest", print_and_scan(cli, order, tmp_path, "清册"), "--no-ocr", *DAY)["items"]
    by_one = ("--on-paper", item["record_id"], "--signer", "P-leader", *signed(cli, "both"))
    cli("destruction", "approve", order, *by_one, expect=8)
    assert "another archivist" in cli.err
    cli("destruction", "approve", order, *by_hand(cli, item["record_id"], "leader"))


def test_what_is_printed_of_an_order_over_a_restricted_record_is_as_restricted(
    desk: Cli, workspace: Workspace, tmp_path: Path
) -> None:
    with workspace.writing() as writer:
        file_generated(writer, workspace, record_class="visit-record", title="欧阳静停供令", on=date(2026, 11, 18),
                       content={"original.json": b"x"}, fields={}, access="restricted")
    order, other = appraised(desk, CODE.format(1), CODE.format(4)), appraised(desk, CODE.format(2))
    desk("destruction", "register", order, "--out", tmp_path / "a.docx", expect=8)
    desk("destruction", "report", order, "--out", tmp_path / "a.docx", expect=8)
    desk("destruction", "register", other, "--out", tmp_path / "b.docx")
    desk("destruction", "report", other, "--out", tmp_path / "b2.docx")
    desk("destruction", "register", order, "--out", tmp_path / "a.docx", "--as", "w1")
    desk("destruction", "report", order, "--out", tmp_path / "a2.docx", "--as", "w1")
    for more in ((), ("--json",)):
        told = desk("destruction", "show", order, *more)
        assert "欧阳静" not in told and "甲回访记录" in told and CODE.format(4) in told
        assert "欧阳静" in desk("destruction", "show", order, *more, "--as", "w1")
    scan = print_and_scan(desk, order, tmp_path, "签字清册", "--as", "w1")
    (filed,) = desk.json("ingest", scan, "--no-ocr", *DAY)["items"]
    shown = desk.json("destruction", "show", order)
    for record in (shown["register"], shown["report"], filed["record_id"]):
        desk("get", record, "--out", tmp_path / "got", expect=8)
        assert desk.json("show", record, "--as", "w1")["access"] == "restricted"
    desk("get", desk.json("destruction", "show", other)["register"], "--out", tmp_path / "got")
    desk("destruction", "approve", order, *by_hand(desk, filed["record_id"], "leader"))
    with workspace.writing() as writer:
        file_generated(writer, workspace, record_class="visit-record", title="欧阳静复供令", on=date(2026, 11, 18),
                       content={"original.json": b"y"}, fields={}, access="restricted")
    codes = [one["code"] for one in desk.json("catalogue", "list", "--limit", "100")["items"]
             if one["access"] == "restricted" and one["record_class"] == "visit-record"]
    assert "欧阳静" not in desk("destruction", "propose", codes[-1], "--dry-run", *DAY)
