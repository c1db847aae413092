"""What waits, what it might be, and how a person settles it: by file or by record."""

from __future__ import annotations

import re
from pathlib import Path

import pikepdf
import pytest
from conftest import Cli
from ocfl_judge import assert_valid_root
from papers import pdf_bytes

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
    assert issued.json("show", item["code"])["responsible"]


def test_people_are_told_how_a_paper_came_and_fields_as_they_are_printed(issued: Cli, tmp_path: Path) -> None:
    item = issued.json("ingest", uncoded(issued, tmp_path / "无码.pdf", VISIT), *DAY)["items"][0]
    said = issued("show", VISIT)
    assert "Matched: by the number in its text, 100% of what is printed stands in its text" in said
    assert re.search(r"Filed: 2026-1\d-\d\d \d\d:\d\d  ", said)
    assert "2026年" in said and not re.search(r"\dT\d|[{\[]", said)
    issued("edit", item["code"], "--set", "盒号=A-1", "--reason", "上架", *DAY)
    assert "盒号" in issued("history", VISIT, lang="zh")
    assert issued.json("history", VISIT)["items"][-1]["keys"] == ["box"]
