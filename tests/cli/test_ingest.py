from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pikepdf
import pytest
from conftest import Cli
from ocfl_judge import assert_valid_root
from papers import pdf_bytes
from scans import issue_one, signed

from recordkit import files
from recordkit.archive import ingest
from recordkit.archive.objects import ObjectStore

pytestmark = pytest.mark.office
DAY = ("--as-of", "2026-12-01")


def pdf_of(cli: Cli, number: str) -> Path:
    return next(path for path in (cli.store.parent / "pdf").iterdir() if number in path.name)


def places(cli: Cli) -> dict[str, int]:
    """How many copies of papers lie in inbox, archive and quarantine; what is filed and done counts as archived."""
    done = cli.store / "inbox" / "done"
    return {
        "inbox": sum(1 for path in (cli.store / "inbox").rglob("*.pdf") if done not in path.parents),
        "archive": sum(1 for path in (cli.store / "objects").rglob("original.pdf")),
        "quarantine": sum(1 for path in (cli.store / "quarantine").rglob("*") if path.is_file()
                          and path.name != "reason.json"),
    }


def test_a_returned_paper_finds_its_issue_and_inherits_its_metadata(issued: Cli) -> None:
    number = "换通〔2026〕0001号"
    item = issued.json("ingest", pdf_of(issued, number), *DAY)["items"][0]
    assert item["outcome"] == "archived"
    assert item["number"] == number
    assert item["findings"] == []
    shown = issued.json("show", number)
    assert shown["title"] == "魏堃换表通知书"
    assert shown["record_class"] == "meter-change-notice"
    assert shown["account"] == "0012003456"
    assert shown["customer_name"] == "魏堃"
    assert shown["old_meter_no"] == "S20201108"
    assert shown["issue_id"] == issued.json("issued", "show", number)["issue_id"]
    assert issued.json("issued", "show", number)["status"] == "returned"
    assert {"record_id", "code", "year", "pages", "sha256", "status", "holds", "retention", "signatures"} <= set(shown)
    assert_valid_root(issued.store / "objects")


def test_the_source_outside_stays_and_one_inside_leaves_the_inbox(issued: Cli) -> None:
    outside = pdf_of(issued, "换通〔2026〕0001号")
    issued.json("ingest", outside, *DAY)
    assert outside.exists()
    inside = issued.store / "inbox" / "子夹" / "扫描 1.pdf"
    inside.parent.mkdir()
    shutil.copyfile(pdf_of(issued, "换通〔2026〕0002号"), inside)
    assert issued.json("ingest", *DAY)["items"][0]["outcome"] == "archived"
    assert not inside.exists()
    assert issued.json("ingest", *DAY)["total"] == 0


def test_the_same_bytes_again_are_a_duplicate_that_names_the_record(issued: Cli) -> None:
    path = pdf_of(issued, "换通〔2026〕0001号")
    first = issued.json("ingest", path, *DAY)["items"][0]
    again = issued.json("ingest", path, *DAY)["items"][0]
    assert again["outcome"] == "duplicate"
    assert again["record_id"] == first["record_id"]
    shutil.copyfile(path, issued.store / "inbox" / "copy.pdf")
    assert issued.json("ingest", *DAY)["items"][0]["outcome"] == "duplicate"
    assert places(issued) == {"inbox": 0, "archive": 1, "quarantine": 0}


def test_two_copies_in_one_run_are_filed_once(issued: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "两份"
    folder.mkdir()
    for name in ("a.pdf", "b.pdf"):
        shutil.copyfile(pdf_of(issued, "换通〔2026〕0001号"), folder / name)
    outcomes = [item["outcome"] for item in issued.json("ingest", folder, *DAY)["items"]]
    assert outcomes == ["archived", "duplicate"]


def test_bad_files_go_to_quarantine_with_their_reason_and_the_rest_goes_on(issued: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "混合"
    folder.mkdir()
    good = pdf_of(issued, "换通〔2026〕0001号")
    (folder / "1-empty.pdf").write_bytes(b"")
    (folder / "2-text.pdf").write_text("不是PDF", encoding="utf-8")
    (folder / "3-cut.pdf").write_bytes(good.read_bytes()[:2000])
    with pikepdf.open(good) as document:
        document.save(folder / "4-locked.pdf", encryption=pikepdf.Encryption(owner="o", user="u"))
    shutil.copyfile(good, folder / "5-good.pdf")
    result = issued.json("ingest", folder, *DAY, expect=4)
    assert [item["outcome"] for item in result["items"]] == ["quarantined"] * 4 + ["archived"]
    for item in result["items"][:4]:
        assert Path(item["source"]).name in item["reason"]
    reasons = {json.loads(path.read_bytes())["reason"]
               for path in (issued.store / "quarantine").rglob("reason.json")}
    assert reasons == {"empty-file", "not-a-pdf", "damaged", "encrypted"}
    assert places(issued) == {"inbox": 0, "archive": 1, "quarantine": 4}
    assert issued.json("ingest", folder, *DAY, expect=4)["items"][4]["outcome"] == "duplicate"
    assert places(issued)["quarantine"] == 4


def test_a_bad_file_in_the_inbox_moves_to_quarantine(issued: Cli) -> None:
    (issued.store / "inbox" / "坏.pdf").write_bytes(b"%PDF-1.7 nothing")
    issued.json("ingest", *DAY, expect=4)
    assert places(issued) == {"inbox": 0, "archive": 0, "quarantine": 1}


def merged(folder: Path, *sources: tuple[Path, int]) -> Path:
    target = folder / "merged.pdf"
    with pikepdf.new() as out:
        for source, page in sources:
            with pikepdf.open(source) as document:
                out.pages.append(document.pages[page])
        out.save(target)
    return target


def test_pages_of_two_documents_are_never_filed_as_one(issued: Cli, tmp_path: Path) -> None:
    path = merged(tmp_path, (pdf_of(issued, "换通〔2026〕0001号"), 0), (pdf_of(issued, "换通〔2026〕0002号"), 0))
    item = issued.json("ingest", path, "--class", "visit-record", *DAY)["items"][0]
    assert item["outcome"] == "unmatched"
    assert [one["code"] for one in item["findings"]] == ["several-documents"]


def test_missing_and_swapped_pages_are_reported(issued: Cli, tmp_path: Path) -> None:
    contract = pdf_of(issued, "供合〔2026〕0001号")
    path = merged(tmp_path, (contract, 2), (contract, 0), (contract, 3))
    item = issued.json("ingest", path, *DAY)["items"][0]
    assert item["outcome"] == "archived"
    assert {one["code"] for one in item["findings"]} == {"missing-page", "swapped-page"}
    assert issued.json("show", item["record_id"])["findings"] != []


def test_codes_of_another_store_are_never_taken_for_ours(issued: Cli, tmp_path: Path) -> None:
    from datetime import date

    from conftest import clock_at

    from recordkit.store import make_store

    path = pdf_of(issued, "换通〔2026〕0001号")
    issued.store = tmp_path / "other"
    make_store(issued.store, clock_at(date(2026, 11, 20)), "t")
    item = issued.json("ingest", path)["items"][0]
    assert item["outcome"] == "unmatched"
    assert {one["code"] for one in item["findings"]} == {"foreign-code"}


def letter(cli: Cli, tmp_path: Path, number: str) -> Path:
    """A paper without code that names the account of a document and nothing else of it."""
    account = cli.json("issued", "show", number)["account"]
    path = tmp_path / "无码.pdf"
    path.write_bytes(pdf_bytes(text=f"Account {account}, letter of page"))
    return path


def test_a_paper_without_code_waits_and_is_matched_by_hand(issued: Cli, tmp_path: Path) -> None:
    number = "回访〔2026〕00003号"
    path = letter(issued, tmp_path, number)
    item = issued.json("ingest", path, "--no-ocr", *DAY)["items"][0]
    assert (item["outcome"], item["reason"]) == ("unmatched", "no printed code of this store was found")
    waiting = issued.json("unmatched", "list")["items"]
    assert [one["file"] for one in waiting] == ["无码.pdf"]
    assert issued.json("ingest", *DAY)["total"] == 0
    issued("match", "无码.pdf", "没有这个号", expect=5)
    item = issued.json("match", waiting[0]["key"], number, *DAY)
    assert item["outcome"] == "archived"
    assert issued.json("show", number)["matched"] == "by-hand"
    assert issued.json("unmatched", "list")["total"] == 0
    assert places(issued) == {"inbox": 0, "archive": 1, "quarantine": 0}


def test_a_class_files_what_has_no_code_with_its_file_name_as_title(issued: Cli, tmp_path: Path) -> None:
    path = letter(issued, tmp_path, "回访〔2026〕00003号")
    item = issued.json("ingest", path, "--class", "visit-record", "--set", "account=0099", *DAY)["items"][0]
    assert item["outcome"] == "archived"
    assert "missing-field" not in {one["code"] for one in item["findings"]}
    shown = issued.json("show", item["code"])
    assert (shown["title"], shown["date"], shown["account"]) == ("无码", "2026-12-01", "0099")
    issued("ingest", path, "--class", "nonsense", *DAY, expect=5)


def test_a_second_paper_of_a_returned_document_waits_for_a_person(issued: Cli, tmp_path: Path) -> None:
    path = pdf_of(issued, "换通〔2026〕0001号")
    issued.json("ingest", path, *DAY)
    other = tmp_path / "again.pdf"
    with pikepdf.open(path) as document:
        document.docinfo["/Title"] = "other bytes"
        document.save(other)
    item = issued.json("ingest", other, *DAY)["items"][0]
    assert item["outcome"] == "unmatched"
    assert [one["code"] for one in item["findings"]] == ["not-open"]


def test_a_dry_run_knows_what_comes_earlier_in_it(issued: Cli, tmp_path: Path) -> None:
    first = pdf_of(issued, "换通〔2026〕0001号")
    other, same = tmp_path / "另存.pdf", tmp_path / "副本.pdf"
    other.write_bytes(first.read_bytes() + b"\n")
    same.write_bytes(first.read_bytes())
    rehearsed = issued.json("ingest", first, other, same, "--dry-run", *DAY)["items"]
    done = issued.json("ingest", first, other, same, *DAY)["items"]
    assert sorted(one["outcome"] for one in rehearsed) == ["archived", "duplicate", "unmatched"]
    assert [one["outcome"] for one in done] == [one["outcome"] for one in rehearsed]


def test_a_dry_run_files_nothing(issued: Cli) -> None:
    item = issued.json("ingest", pdf_of(issued, "换通〔2026〕0001号"), "--dry-run", *DAY)["items"][0]
    assert (item["outcome"], item["number"], item["record_id"]) == ("archived", "换通〔2026〕0001号", None)
    assert places(issued) == {"inbox": 0, "archive": 0, "quarantine": 0}


def test_items_come_in_the_order_of_the_sorted_paths(issued: Cli) -> None:
    result = issued.json("ingest", issued.store.parent / "pdf", *DAY)
    sources = [item["source"] for item in result["items"]]
    assert sources == sorted(sources)
    assert {item["outcome"] for item in result["items"]} == {"archived"}
    assert issued.json("issued", "list", "--unreturned")["total"] == 0


def test_a_flipped_byte_in_an_object_is_named(issued: Cli) -> None:
    code = issued.json("ingest", pdf_of(issued, "换通〔2026〕0001号"), *DAY)["items"][0]["code"]
    assert issued.json("verify")["ok"]
    path = next((issued.store / "objects").rglob("original.pdf"))
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    found = issued.json("verify", expect=7)
    assert [(one["code"], one["file"]) for one in found["items"]] == [(code, "v1/content/original.pdf")]
    issued("get", code, "--out", issued.store.parent / "copy.pdf", expect=7)
    assert not (issued.store.parent / "copy.pdf").exists()


def test_an_object_that_was_replaced_as_a_whole_is_named(issued: Cli) -> None:
    """Rewriting file, inventory and sidecar together is consistent in itself; the ledger knows better."""
    import hashlib

    issued.json("ingest", pdf_of(issued, "换通〔2026〕0001号"), *DAY)
    path = next((issued.store / "objects").rglob("original.pdf"))
    root = path.parents[2]
    old = hashlib.sha512(path.read_bytes()).hexdigest()
    path.write_bytes(path.read_bytes() + b"%")
    new = hashlib.sha512(path.read_bytes()).hexdigest()
    for folder in (root, root / "v1"):
        data = (folder / "inventory.json").read_bytes().replace(old.encode(), new.encode())
        (folder / "inventory.json").write_bytes(data)
        (folder / "inventory.json.sha512").write_text(f"{hashlib.sha512(data).hexdigest()} inventory.json\n")
    found = issued.json("verify", expect=7)
    assert [one["file"] for one in found["items"]] == ["inventory.json"]


@pytest.mark.parametrize("step", ["create", "commit", "leave"])
def test_killed_between_the_steps_nothing_is_lost_and_nothing_filed_twice(
    issued: Cli, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    shutil.copyfile(pdf_of(issued, "换通〔2026〕0001号"), issued.store / "inbox" / "a.pdf")
    with monkeypatch.context() as patch:
        if step == "create":
            patch.setattr(ObjectStore, "create_many", die)
        elif step == "commit":
            patch.setattr(files, "append_durable", die)
        else:
            patch.setattr(ingest, "leave_inbox", die)
        with pytest.raises(Killed):
            issued("ingest", *DAY)
    item = issued.json("ingest", *DAY)["items"][0]
    assert item["outcome"] == ("duplicate" if step == "leave" else "archived")
    assert places(issued) == {"inbox": 0, "archive": 1, "quarantine": 0}
    assert issued.json("verify")["ok"]
    assert_valid_root(issued.store / "objects")


def test_two_ingests_at_once_file_each_paper_once(issued: Cli) -> None:
    command = [sys.executable, "-m", "recordkit", "--store", str(issued.store), "--json", "ingest",
               str(issued.store.parent / "pdf"), "--no-ocr", "--jobs", "1", *DAY]
    environment = {**os.environ, "RECORDKIT_LANG": "en"}
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    outcomes = [item["outcome"] for process in running for item in json.loads(process.communicate()[0])["items"]]
    total = len(list((issued.store.parent / "pdf").iterdir()))
    assert outcomes.count("archived") == total
    assert outcomes.count("duplicate") == total
    assert places(issued)["archive"] == total
    assert issued.json("verify")["ok"]
    assert issued.json("ledger", "verify")["ok"]


def test_searching_finds_by_name_address_fragment_and_last_digits(issued: Cli) -> None:
    issued.json("ingest", issued.store.parent / "pdf", *DAY)
    for query, title in (("魏堃", "魏堃换表通知书"), ("柳荫街12号", "魏堃换表通知书"), ("1108", "魏堃换表通知书"),
                         ("供合(2026)0001", "陈堃供用水合同"), ("户号:0012003456", "魏堃换表通知书")):
        result = issued.json("search", query)
        assert title in [one["title"] for one in result["items"]], query
        assert {"record_id", "code", "title", "date", "record_class", "score", "pages", "snippet"} <= set(
            result["items"][0])
    hit = issued.json("search", "魏堃")["items"][0]
    assert "\u2068魏堃\u2069" in hit["snippet"]
    assert hit["pages"] == [1]
    assert issued.json("search", "不存在的人")["total"] == 0
    everything = issued.json("search", "NOT 不存在的人", "--limit", "0", "--facets")
    assert everything["total"] == len(everything["items"]) == sum(everything["facets"]["class"].values())
    issued("search", "(魏堃", expect=3)


def test_an_edit_is_found_at_once_and_history_tells_the_reason(issued: Cli) -> None:
    item = issued.json("ingest", pdf_of(issued, "换通〔2026〕0001号"), *DAY)["items"][0]
    issued.json("edit", item["code"], "--set", "盒号=A-07", "--set", "题名=魏堃换表通知书（补）", "--reason", "上架",
                *DAY)
    assert issued.json("search", "换表通知书（补）")["total"] == 1
    assert issued.json("show", item["code"])["box"] == "A-07"
    acts = [(one["act"], one["reason"]) for one in issued.json("history", item["code"])["items"]]
    assert acts == [("record.filed", None), ("record.edited", "上架")]


def test_a_deleted_or_damaged_index_is_made_anew(issued: Cli) -> None:
    issued.json("ingest", issued.store.parent / "pdf", *DAY)
    want = issued.json("search", "2026")["total"]
    shutil.rmtree(issued.store / "index")
    assert issued.json("search", "2026")["total"] == want
    for path in (issued.store / "index").rglob("*"):
        if path.is_file() and path.name != "index.json":
            path.write_bytes(b"\0" * path.stat().st_size)
    issued("rebuild", "--index")
    assert issued.json("search", "2026")["total"] == want


def test_a_waiting_paper_that_is_filed_by_class_waits_no_longer(issued: Cli, tmp_path: Path) -> None:
    path = letter(issued, tmp_path, "回访〔2026〕00003号")
    issued.json("ingest", path, *DAY)
    issued.json("ingest", path, "--class", "visit-record", "--set", "题名=[走访记录]", *DAY)
    assert issued.json("unmatched", "list")["total"] == 0
    assert places(issued) == {"inbox": 0, "archive": 1, "quarantine": 0}


def test_a_paper_matched_with_the_wrong_document_is_doubted(issued: Cli, tmp_path: Path) -> None:
    issued.json("ingest", letter(issued, tmp_path, "回访〔2026〕00003号"), *DAY)
    assert issued.json("match", "无码.pdf", "回访〔2026〕00003号", "--dry-run", *DAY)["findings"] == []
    item = issued.json("match", "无码.pdf", "换通〔2026〕0001号", *DAY)
    assert [one["code"] for one in item["findings"]] == ["doubtful-match"]


def test_one_document_whose_form_is_damaged_does_not_stop_the_others(issued: Cli) -> None:
    for template in (issued.store / "forms" / "versions").glob("*/meter-change-notice/template.docx"):
        template.write_bytes(template.read_bytes() + b"x")
    result = issued.json("ingest", issued.store.parent / "pdf", *DAY)
    outcomes = {item["source"].rpartition("/")[2][:2]: item["outcome"] for item in result["items"]}
    assert outcomes.pop("换通") == "unmatched"
    assert outcomes == dict.fromkeys(("供合", "稽停", "稽改", "回访"), "archived")
    issued("issued", "render", "换通〔2026〕0001号", "--out", issued.store.parent / "x", expect=7)


def textless(path: Path) -> Path:
    path.write_bytes(pdf_bytes(text="", ink=((20, 20, 60, 60),)))
    return path


def wait_with_text(cli: Cli, path: Path, said: str) -> Path:
    """Let a scan wait as if OCR had read it; its note."""
    cli.json("ingest", path, "--no-ocr", *DAY)
    (note,) = (cli.store / "inbox" / "unmatched").rglob("reading.json")
    about = json.loads(note.read_bytes())
    about["pages"][0] |= {"text": said, "source": "ocr", "confidence": 0.9}
    about["findings"] = []
    note.write_text(json.dumps(about), encoding="utf-8")
    return note


def test_a_paper_that_waits_and_comes_again_is_neither_read_nor_kept_twice(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = textless(tmp_path / "甲.pdf")
    note = wait_with_text(cli, source, "来信")
    before = note.read_bytes()
    shutil.copyfile(source, cli.store / "inbox" / "乙.pdf")
    with monkeypatch.context() as patch:
        patch.setattr(ingest, "read_papers", lambda *_, **__: pytest.fail("read anew"))
        items = [*cli.json("ingest", "--no-ocr", *DAY)["items"], *cli.json("ingest", source, *DAY)["items"]]
    assert [(one["outcome"], one["pages"]) for one in items] == [("unmatched", 1)] * 2
    assert all(note.parent.name in one["reason"] for one in items)
    assert sorted(path.name for path in note.parent.iterdir()) == ["reading.json", "甲.pdf"]
    assert (note.read_bytes(), places(cli)["inbox"]) == (before, 1)


def test_text_that_was_read_before_is_not_lost_to_a_run_without_ocr(cli: Cli, tmp_path: Path) -> None:
    note = wait_with_text(cli, textless(tmp_path / "甲.pdf"), "Letter about water")
    key = note.parent.name
    cli.json("ingest", "--split", "--no-ocr", key, *DAY)
    assert json.loads(note.read_bytes())["pages"][0]["text"] == "Letter about water"
    item = cli.json("ingest", "--class", "visit-record", "--no-ocr", key, *DAY)["items"][0]
    assert "Letter about water" in cli("text", item["code"])


def test_a_finding_that_is_the_reason_is_printed_once(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    path = signed(cli, tmp_path / "a.pdf", number)
    cli("issued", "void", number, "--reason", "x", *DAY)
    reason = cli.json("ingest", path, "--dry-run", *DAY)["items"][0]["reason"]
    assert cli("ingest", path, *DAY).count(reason) == 1
