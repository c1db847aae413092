"""What waits, what it might be, and how a person settles it: by file or by record."""

from __future__ import annotations

import re
from pathlib import Path

import pikepdf
import pytest
from conftest import Cli
from ocfl_judge import assert_valid_root
from papers import pdf_bytes
from rich.cells import cell_len
from scans import NOTICE as NOTICE_FORM
from scans import filed, issue_one, scan, signed

from recordkit.archive.matching import Portion
from recordkit.archive.waiting import _by_page_marks
from recordkit.model import PageText

pytestmark = pytest.mark.office
DAY = ("--as-of", "2026-12-01")
NOTICE, OTHER, VISIT = "换通〔2026〕0001号", "换通〔2026〕0002号", "回访〔2026〕00003号"


def pdf_of(cli: Cli, number: str) -> Path:
    return next(path for path in (cli.store.parent / "pdf").iterdir() if number in path.name)


def uncoded(cli: Cli, target: Path, *numbers: str) -> Path:
    """Papers with their codes taken out, in one file; the rest of their text stays."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with pikepdf.new() as out:
        for number in numbers:
            with pikepdf.open(pdf_of(cli, number)) as document:
                for page in document.pages:
                    page.Resources.XObject = pikepdf.Dictionary()
                out.pages.extend(document.pages)
        out.save(target)
    return target


def test_a_paper_without_code_is_filed_by_its_number_and_says_how_sure_that_is(issued: Cli, tmp_path: Path) -> None:
    item = issued.json("ingest", uncoded(issued, tmp_path / "无码.pdf", VISIT), *DAY)["items"][0]
    assert (item["outcome"], item["number"]) == ("archived", VISIT)
    assert [one["code"] for one in item["findings"]] == ["matched-by-text"]
    shown = issued.json("show", VISIT)
    assert (shown["matched"], shown["match_confidence"]) == ("number", 1.0)
    assert issued.json("issued", "show", VISIT)["status"] == "returned"


def test_a_class_that_is_given_takes_the_paper_before_its_text_is_asked(issued: Cli, tmp_path: Path) -> None:
    path = uncoded(issued, tmp_path / "无码.pdf", VISIT)
    item = issued.json("ingest", path, "--class", "visit-record", *DAY)["items"][0]
    assert item["number"] is None
    assert issued.json("show", item["code"])["matched"] == "class"


def test_what_waits_shows_which_documents_it_might_be(issued: Cli, tmp_path: Path) -> None:
    issued.json("ingest", uncoded(issued, tmp_path / "两份.pdf", NOTICE, OTHER), *DAY)
    (waiting,) = issued.json("unmatched", "list")["items"]
    assert {"key", "file", "path", "pages", "findings", "text"} <= set(waiting)
    assert [one["number"] for one in waiting["candidates"]] == [NOTICE, OTHER]
    assert all(0.9 < one["confidence"] <= 1 for one in waiting["candidates"])
    assert NOTICE in waiting["findings"][0]
    assert f"{NOTICE} (100%)" in issued("unmatched", "list")


def test_of_two_files_of_one_name_the_key_decides(issued: Cli, tmp_path: Path) -> None:
    for name, text in (("甲", "Letter one"), ("乙", "Letter two")):
        path = tmp_path / name / "扫描.pdf"
        path.parent.mkdir()
        path.write_bytes(pdf_bytes(text=text))
        issued.json("ingest", path, *DAY)
    first, second = issued.json("unmatched", "list")["items"]
    issued("match", "扫描.pdf", VISIT, expect=5)
    assert first["key"] in issued.err and second["key"] in issued.err
    assert issued.json("match", second["key"], VISIT, *DAY)["outcome"] == "archived"
    assert [one["key"] for one in issued.json("unmatched", "list")["items"]] == [first["key"]]
    assert issued.json("match", first["path"], NOTICE, *DAY)["outcome"] == "archived"


def test_a_record_filed_under_a_class_is_bound_to_its_document(issued: Cli, tmp_path: Path) -> None:
    path = uncoded(issued, tmp_path / "无码.pdf", VISIT)
    filed = issued.json("ingest", path, "--class", "visit-record", "--set", "盒号=A-07", *DAY)["items"][0]
    rehearsed = issued.json("match", filed["code"], VISIT, "--dry-run", *DAY)
    assert (rehearsed["number"], issued.json("show", filed["code"])["number"]) == (VISIT, None)
    item = issued.json("match", filed["code"], VISIT, *DAY)
    assert (item["record_id"], item["number"], item["findings"]) == (filed["record_id"], VISIT, [])
    shown = issued.json("show", VISIT)
    assert (shown["code"], shown["version"], shown["box"], shown["matched"]) == (filed["code"], 2, "A-07", "by-hand")
    assert (shown["title"], shown["customer_name"]) == ("汤堃回访记录（报修）", "汤堃")
    assert shown["findings"] == []
    assert issued.json("issued", "show", VISIT)["status"] == "returned"
    assert [one["act"] for one in issued.json("history", VISIT)["items"]] == ["record.filed", "record.matched"]
    assert issued.json("search", "汤堃")["total"] == 1
    assert issued.json("verify")["ok"]
    assert_valid_root(issued.store / "objects")
    status = issued.json("issued", "list", "--unreturned")
    issued("rebuild")
    assert issued.json("show", VISIT) == shown
    assert issued.json("issued", "list", "--unreturned") == status
    # Its code comes back on another file: the paper is there already.
    again = issued.json("ingest", pdf_of(issued, VISIT), *DAY)["items"][0]
    assert [one["code"] for one in again["findings"]] == ["not-open"]


def test_a_record_of_another_class_or_with_a_document_is_not_bound(issued: Cli, tmp_path: Path) -> None:
    path = uncoded(issued, tmp_path / "无码.pdf", VISIT)
    filed = issued.json("ingest", path, "--class", "meter-change-notice", *DAY)["items"][0]
    issued("match", filed["code"], VISIT, *DAY, expect=8)
    assert "visit-record" in issued.err and "--class" not in issued.err
    issued.json("ingest", pdf_of(issued, NOTICE), *DAY)
    issued("match", NOTICE, VISIT, *DAY, expect=8)
    issued("match", "没有这个", VISIT, *DAY, expect=5)
    assert issued.json("issued", "show", VISIT)["status"] == "issued"


def test_a_mistaken_match_is_undone_with_a_reason_and_its_document_is_out_again(issued: Cli, tmp_path: Path) -> None:
    issued.json("ingest", uncoded(issued, tmp_path / "两份.pdf", NOTICE, OTHER), *DAY)
    filed = issued.json("match", "两份.pdf", OTHER, *DAY)
    issued("match", OTHER, NOTICE, *DAY, expect=8)
    assert "--reason TEXT" in issued.err
    issued.json("match", OTHER, NOTICE, "--reason", "配错了", "--dry-run", *DAY)
    assert issued.json("issued", "show", OTHER)["status"] == "returned"
    item = issued.json("match", OTHER, NOTICE, "--reason", "配错了", *DAY)
    assert (item["record_id"], item["code"], item["number"]) == (filed["record_id"], filed["code"], NOTICE)
    shown, out = issued.json("show", NOTICE), issued.json("issued", "list", "--unreturned")
    assert (shown["version"], shown["matched"], shown["number"]) == (2, "by-hand", NOTICE)
    assert OTHER in [one["number"] for one in out["items"]]
    assert issued.json("issued", "show", OTHER)["record_id"] is None
    assert issued.json("history", NOTICE)["items"][-1]["reason"] == "配错了"
    assert "配错了" not in "".join(path.read_text("utf-8") for path in (issued.store / "ledger").glob("*.jsonl"))
    issued("rebuild")
    assert issued.json("show", NOTICE) == shown
    assert issued.json("issued", "list", "--unreturned") == out
    assert issued.json("verify")["ok"] and issued.json("ledger", "verify")["ok"]
    # The paper of the document that it was mistaken for can be filed now.
    assert issued.json("ingest", pdf_of(issued, OTHER), *DAY)["items"][0]["number"] == OTHER


def test_a_number_whose_paper_is_still_out_is_no_unknown_one(issued: Cli, tmp_path: Path) -> None:
    for arguments in (["show"], ["text"], ["history"], ["open"], ["get", "--out", tmp_path / "x.pdf"]):
        issued(*arguments[:1], VISIT, *arguments[1:], expect=5)
        assert f"recordkit issued show {VISIT}" in issued.err


def test_who_is_responsible_is_not_missed_where_the_office_is_filled_in(issued: Cli, tmp_path: Path) -> None:
    path = uncoded(issued, tmp_path / "无码.pdf", VISIT)
    item = issued.json("ingest", path, "--class", "visit-record", "--set", "户号=1", *DAY)["items"][0]
    assert "missing-field" not in [one["code"] for one in item["findings"]]
    assert issued.json("show", item["code"])["responsible"] == "某某市自来水有限公司"


def test_people_are_told_how_a_paper_came_and_fields_as_they_are_printed(issued: Cli, tmp_path: Path) -> None:
    item = issued.json("ingest", uncoded(issued, tmp_path / "无码.pdf", VISIT), *DAY)["items"][0]
    said = issued("show", VISIT)
    assert "Matched: by the number in its text, 100% of what is printed stands in its text" in said
    assert re.search(r"Filed: 2026-1\d-\d\d \d\d:\d\d  ", said)
    assert "2026年" in said and not re.search(r"\dT\d|[{\[]", said)
    issued("edit", item["code"], "--set", "盒号=A-1", "--reason", "上架", *DAY)
    assert "盒号" in issued("history", VISIT, lang="zh")
    assert issued.json("history", VISIT)["items"][-1]["keys"] == ["box"]
def two_documents(cli: Cli, tmp_path: Path) -> tuple[str, str, Path]:
    first, second = issue_one(cli, NOTICE_FORM), issue_one(cli, NOTICE_FORM)
    target = tmp_path / "两份.pdf"
    with pikepdf.new() as out:
        for number in (first, second):
            with pikepdf.open(signed(cli, tmp_path / "part.pdf", number, f"paper {number[-5:-1]}")) as part:
                out.pages.extend(part.pages)
        out.save(target)
    return first, second, target


def test_pages_of_two_documents_are_not_matched_as_one_and_their_key_splits_them(cli: Cli, tmp_path: Path) -> None:
    first, second, path = two_documents(cli, tmp_path)
    item = cli.json("ingest", path, *DAY)["items"][0]
    (waiting,) = cli.json("unmatched", "list")["items"]
    assert waiting["reason"] == item["reason"]
    assert f"recordkit ingest --split {waiting['key']}" in item["reason"]
    cli("match", waiting["key"], first, *DAY, expect=8)
    assert f"--split {waiting['key']}" in cli.err
    assert [one["number"] for one in cli.json("ingest", "--split", waiting["key"], *DAY)["items"]] == [first, second]
    assert cli.json("unmatched", "list")["total"] == 0


@pytest.mark.parametrize("way", ["name", "folder", "all"])
def test_a_waiting_paper_is_ingested_by_its_name_or_folder(cli: Cli, tmp_path: Path, way: str) -> None:
    cli.json("ingest", scan(tmp_path / "来信.pdf", "letter"), *DAY)
    folder = next((cli.store / "inbox" / "unmatched").iterdir())
    place = {"name": Path("来信.pdf"), "folder": folder, "all": folder.parent}[way]
    item = cli.json("ingest", "--class", "visit-record", place, *DAY)["items"][0]
    assert item["outcome"] == "archived"
    assert cli.json("unmatched", "list")["total"] == 0


def with_script(path: Path) -> Path:
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
        pdf.save(path)
    return path


@pytest.mark.parametrize("again", [False, True])
def test_what_was_found_when_it_came_goes_with_a_matched_paper(cli: Cli, tmp_path: Path, again: bool) -> None:
    number = issue_one(cli)
    more: tuple[str, ...] = ()
    if again:
        filed(cli, tmp_path, number)
        path, more = signed(cli, tmp_path / "again.pdf", number, "second"), ("--new-version", "--reason", "x")
    else:
        path = scan(tmp_path / "again.pdf", "letter")
    cli.json("ingest", with_script(path), *DAY)
    cli.json("match", "again.pdf", number, *more, *DAY)
    found = [one["code"] for one in cli.json("show", number)["findings"]]
    assert found.count("javascript") == 1
    assert "not-open" not in found


def test_the_code_of_another_document_stays_known_after_a_match(cli: Cli, tmp_path: Path) -> None:
    void, other = issue_one(cli), issue_one(cli)
    path = signed(cli, tmp_path / "a.pdf", void)
    cli("issued", "void", void, "--reason", "x", *DAY)
    cli.json("ingest", path, *DAY)
    item = cli.json("match", "a.pdf", other, *DAY)
    assert "carries-code" in [one["code"] for one in item["findings"]]


def test_pages_of_several_papers_with_one_mark_are_not_called_doubled() -> None:
    def texts(*said: str) -> list[PageText]:
        return [PageText(page, text, "embedded", "x") for page, text in enumerate(said, start=1)]

    pages = Portion((1, 2))
    assert _by_page_marks(pages, texts("甲 第1页共1页", "乙 第1页共1页")) == pages
    (told,) = _by_page_marks(pages, texts("甲 第1页共1页", "甲 第1页共1页")).findings
    assert told.code == "doubled-page"
    assert _by_page_marks(pages, texts("乙 第2页共2页", "甲 第1页共2页")).pages == (2, 1)


def test_a_second_scan_that_waits_is_listed_with_the_command_that_files_it(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    filed(cli, tmp_path, number)
    cli.json("ingest", signed(cli, tmp_path / "again.pdf", number, "second"), *DAY)
    key = cli.json("unmatched", "list")["items"][0]["key"]
    assert cli("unmatched", "list").splitlines()[-1] == f"    recordkit match {key} {number} --new-version"


def test_the_list_of_waiting_papers_fits_the_screen_and_names_the_commands(cli: Cli, tmp_path: Path) -> None:
    first, _, path = two_documents(cli, tmp_path)
    cli.json("ingest", path, scan(tmp_path / "letter.pdf", "Letter " * 30), *DAY)
    listed = cli("unmatched", "list").splitlines()
    keys = {one["file"]: one["key"] for one in cli.json("unmatched", "list")["items"]}
    assert f"    recordkit ingest --split {keys['两份.pdf']}" in listed
    assert any(line.startswith(f"    recordkit match {keys['letter.pdf']} ") for line in listed)
    assert [line.split()[0] for line in listed if not line.startswith(" ")] == [keys[name] for name in sorted(keys)]
    assert max(cell_len(line) for line in listed) <= 80
