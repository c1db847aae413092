"""Scans of attachments: kept with the record of the signed document, or waiting for it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from conftest import Cli
from ocfl_judge import assert_valid_root
from scans import DAY, filed, issue_one, scan, signed

sys.path.insert(0, str(Path(__file__).parents[1] / "contract"))

from recordkit import files
from recordkit.archive import attaching
from recordkit.archive.objects import ObjectStore
from recordkit.archive.reading import reading_crew
from recordkit.crew import Crew


def attach(cli: Cli, number: str, *paths: Path, more: tuple[object, ...] = (), expect: int = 0) -> dict[str, object]:
    found: dict[str, object] = cli.json("ingest", "--attach-to", number, *paths, *more, *DAY, expect=expect)
    return found


def only(result: dict[str, object]) -> dict[str, object]:
    (item,) = result["items"]  # type: ignore[misc]
    return item  # type: ignore[no-any-return]


def arriving(cli: Cli) -> list[Path]:
    """What lies in the inbox, filed sources that rest there aside."""
    inbox = cli.store / "inbox"
    return [one for one in inbox.rglob("*.pdf") if inbox / "done" not in one.parents]


def test_an_attachment_becomes_a_new_version_of_the_record(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    record = filed(cli, tmp_path, number)
    before = cli.json("show", record)
    paper = scan(tmp_path / "身份证.pdf", "idcard 430", 2)
    item = only(attach(cli, number, paper))
    assert (item["outcome"], item["attachment"], item["pages"]) == ("attached", 1, 2)
    assert (item["record_id"], item["number"]) == (record, number)
    assert paper.exists()
    shown = cli.json("show", record)
    assert (shown["version"], shown["code"], shown["pages"]) == (2, before["code"], before["pages"])
    (entry,) = shown["attachments"]
    assert (entry["attachment"], entry["pages"], entry["source"], entry["item"]) == (1, 2, "身份证.pdf", None)
    assert entry["sha256"] == files.digests_of(paper).sha256
    out = tmp_path / "copy.pdf"
    cli("get", number, "--attachment", "1", "--out", out)
    assert out.read_bytes() == paper.read_bytes()
    cli("get", number, "--attachment", "2", "--out", tmp_path / "no.pdf", expect=5)
    cli("get", number, "--attachment", "1", "--version", "1", "--out", tmp_path / "no.pdf", expect=5)
    assert "Version 1 of" in cli.err
    acts = [(one["act"], one["files"]) for one in cli.json("history", record)["items"]]
    assert acts == [("record.filed", None), ("record.attached", ["attachment-001.pdf"])]
    assert cli.json("verify")["ok"]
    assert_valid_root(cli.store / "objects")


def test_the_text_of_attachments_is_found_on_pages_counted_on(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    record = filed(cli, tmp_path, number, pages=2)
    attach(cli, number, scan(tmp_path / "a.pdf", "alpha"), scan(tmp_path / "b.pdf", "zebra", 2))
    (hit,) = cli.json("search", "zebra")["items"]
    assert (hit["record_id"], hit["pages"]) == (record, [4, 5])
    assert hit["attachment_pages"] == [
        {"page": 4, "attachment": 2, "attachment_page": 1}, {"page": 5, "attachment": 2, "attachment_page": 2}]
    assert "attachment 2 p. 1, 2" in cli("search", "zebra")
    assert "--file attachment-002.pdf\n" in cli.err
    cli("search", "“zebra 2”")
    assert "--file attachment-002.pdf --page 2\n" in cli.err
    assert cli.json("open", record, "--file", "attachment-002.pdf", "--page", "2")["page"] == 2
    cli("open", record, "--file", "attachment-001.pdf", "--page", "2", expect=5)
    pages = cli.json("text", record)["items"]
    assert [(one["page"], one["attachment"], one["attachment_page"]) for one in pages] == [
        (1, None, None), (2, None, None), (3, 1, 1), (4, 2, 1), (5, 2, 2)]
    assert "zebra 2" in pages[4]["text"]
    assert "zebra 2" in cli("text", record)
    shutil.rmtree(cli.store / "index")
    assert cli.json("search", "zebra")["items"][0]["pages"] == [4, 5]


def test_an_attachment_that_is_a_picture_is_read_by_ocr_and_found(cli: Cli, tmp_path: Path) -> None:
    from test_reading import LINES, page, save

    number = issue_one(cli)
    record = filed(cli, tmp_path, number)
    item = only(attach(cli, number, save(tmp_path / "旧通知.pdf", page(None, LINES))))
    assert (item["outcome"], item["ocr_pages"]) == ("attached", 1)
    (hit,) = cli.json("search", "麓山南路一百二十号")["items"]
    assert (hit["record_id"], hit["pages"]) == (record, [2])
    (text,) = [one for one in cli.json("text", record)["items"] if one["attachment"] == 1]
    assert (text["source"], text["confidence"] > 0.8) == ("ocr", True)


def test_a_damaged_text_of_the_paper_does_not_shift_the_pages_behind_it(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    filed(cli, tmp_path, number, pages=2)
    attach(cli, number, scan(tmp_path / "b.pdf", "zebra"))
    next((cli.store / "objects").rglob("text.json")).write_bytes(b"{")
    cli("rebuild", "--index")
    assert cli.json("search", "zebra")["items"][0]["pages"] == [3]
    cli("text", number, expect=7)


def test_the_checklist_is_ticked_and_what_lacks_is_told(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    wanted = cli.json("issued", "show", number)["lacking"]
    filed(cli, tmp_path, number)
    plain = attach(cli, number, scan(tmp_path / "x.pdf", "something"))
    assert plain["lacking"] == wanted
    ticked = attach(cli, number, scan(tmp_path / "y.pdf", "card"), more=("--item", wanted[0]))
    assert only(ticked)["item"] == wanted[0]
    assert ticked["lacking"] == wanted[1:]
    assert cli.json("issued", "show", number)["collected"] == [wanted[0]]
    assert [one["item"] for one in cli.json("show", number)["attachments"]] == [None, wanted[0]]


def test_an_item_that_is_not_on_the_checklist_is_refused_with_the_near_one(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    wanted = cli.json("issued", "show", number)["lacking"][0]
    record = filed(cli, tmp_path, number)
    paper = scan(tmp_path / "x.pdf", "card")
    cli("ingest", "--attach-to", number, paper, "--item", wanted[:-1] + "啊", *DAY, expect=3)
    assert wanted in cli.err
    assert cli.json("show", record)["attachments"] == []


def test_the_same_bytes_again_name_the_attachment(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    record = filed(cli, tmp_path, number)
    paper = scan(tmp_path / "x.pdf", "card")
    attach(cli, number, paper)
    again = only(attach(cli, number, paper))
    assert (again["outcome"], again["attachment"], again["record_id"]) == ("duplicate", 1, record)
    plain = only(cli.json("ingest", paper, *DAY))
    assert (plain["outcome"], plain["record_id"]) == ("duplicate", record)
    assert "attachment 1 of" in str(plain["reason"])
    two = attach(cli, number, scan(tmp_path / "d.pdf", "twice"), scan(tmp_path / "e.pdf", "twice"))
    assert [one["outcome"] for one in two["items"]] == ["attached", "duplicate"]  # type: ignore[attr-defined]
    cli("rebuild")
    assert only(attach(cli, number, paper))["outcome"] == "duplicate"


def test_one_id_copy_may_belong_to_two_documents_and_that_is_said(cli: Cli, tmp_path: Path) -> None:
    first, second = issue_one(cli), issue_one(cli)
    paper = scan(tmp_path / "x.pdf", "card")
    for number in (first, second):
        filed(cli, tmp_path, number)
    attach(cli, first, paper)
    item = only(attach(cli, second, paper))
    assert item["outcome"] == "attached"
    assert [one["code"] for one in item["findings"]] == ["known-bytes"]  # type: ignore[attr-defined]


def test_an_attachment_that_comes_first_waits_and_joins_the_paper(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    wanted = cli.json("issued", "show", number)["lacking"]
    inside = scan(cli.store / "inbox" / "证件.pdf", "idcard")
    first = attach(cli, number, inside, more=("--item", wanted[0]))
    assert only(first)["outcome"] == "waits"
    assert first["lacking"] == wanted[1:]
    assert not inside.exists()
    assert only(attach(cli, number, scan(tmp_path / "again.pdf", "idcard")))["outcome"] == "duplicate"
    (waiting,) = cli.json("unmatched", "list")["items"]
    assert waiting["file"] == "证件.pdf"
    assert number in waiting["findings"][0]
    result = cli.json("ingest", signed(cli, tmp_path / "signed.pdf", number), *DAY)
    (joined,) = result["joined"]
    assert (joined["outcome"], joined["attachment"], joined["item"]) == ("attached", 1, wanted[0])
    assert [one["item"] for one in cli.json("show", number)["attachments"]] == [wanted[0]]
    assert cli.json("search", "idcard")["total"] == 1
    assert cli.json("unmatched", "list")["total"] == 0
    assert arriving(cli) == []
    assert cli.json("verify")["ok"]


def test_a_waiting_attachment_can_be_given_to_another_document(cli: Cli, tmp_path: Path) -> None:
    wrong, right = issue_one(cli), issue_one(cli)
    filed(cli, tmp_path, right)
    attach(cli, wrong, scan(tmp_path / "x.pdf", "card"))
    key = cli.json("unmatched", "list")["items"][0]["key"]
    assert only(attach(cli, right, Path(key)))["outcome"] == "attached"
    assert cli.json("unmatched", "list")["total"] == 0
    assert list((cli.store / "inbox" / "unmatched").iterdir()) == []


def test_a_paper_that_waited_unmatched_is_attached_by_its_key(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    filed(cli, tmp_path, number)
    assert only(cli.json("ingest", scan(tmp_path / "x.pdf", "card"), *DAY))["outcome"] == "unmatched"
    key = cli.json("unmatched", "list")["items"][0]["key"]
    assert only(attach(cli, number, Path(key)))["outcome"] == "attached"
    assert cli.json("unmatched", "list")["total"] == 0


def test_the_signed_paper_itself_is_never_swallowed_as_an_attachment(cli: Cli, tmp_path: Path) -> None:
    number, other = issue_one(cli), issue_one(cli)
    filed(cli, tmp_path, number)
    item = only(attach(cli, number, signed(cli, tmp_path / "open.pdf", other), expect=3))
    assert (item["outcome"], item["number"]) == ("refused", other)
    mixed = attach(cli, number, tmp_path / "open.pdf", scan(tmp_path / "x.pdf", "card"), expect=4)
    assert sorted(one["outcome"] for one in mixed["items"]) == ["attached", "refused"]  # type: ignore[attr-defined]
    filed(cli, tmp_path, other, "other words")
    later = only(attach(cli, number, tmp_path / "open.pdf"))
    assert later["outcome"] == "attached"
    assert [one["code"] for one in later["findings"]] == ["carries-code"]  # type: ignore[attr-defined]


def test_a_bad_file_goes_to_quarantine_and_the_others_are_attached(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    filed(cli, tmp_path, number)
    (tmp_path / "bad.pdf").write_bytes(b"no pdf")
    result = attach(cli, number, tmp_path / "bad.pdf", scan(tmp_path / "x.pdf", "card"), expect=4)
    assert [one["outcome"] for one in result["items"]] == ["quarantined", "attached"]  # type: ignore[attr-defined]
    (note,) = (cli.store / "quarantine").rglob("reason.json")
    assert json.loads(note.read_bytes())["reason"] == "not-a-pdf"


def test_a_record_without_a_document_takes_attachments_but_has_no_checklist(cli: Cli, tmp_path: Path) -> None:
    item = only(cli.json("ingest", scan(tmp_path / "p.pdf", "visit"), "--class", "visit-record", *DAY))
    paper = scan(tmp_path / "x.pdf", "photo")
    cli("ingest", "--attach-to", item["code"], paper, "--item", "照片", *DAY, expect=3)
    assert only(attach(cli, str(item["code"]), paper))["outcome"] == "attached"
    cli("ingest", "--attach-to", "没有", paper, *DAY, expect=5)


def test_a_void_document_takes_nothing(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    cli("issued", "void", number, "--reason", "写错", *DAY)
    cli("ingest", "--attach-to", number, scan(tmp_path / "x.pdf"), *DAY, expect=8)
    assert number in cli.err and "void" in cli.err
    assert cli.json("unmatched", "list")["total"] == 0


@pytest.mark.parametrize("more", [("--class", "visit-record"), ("--set", "title=x")])
def test_options_for_papers_without_code_are_refused_beside_attach_to(
    cli: Cli, tmp_path: Path, more: tuple[str, ...]
) -> None:
    number = issue_one(cli)
    cli("ingest", "--attach-to", number, scan(tmp_path / "x.pdf"), *more, *DAY, expect=2)
    assert "--attach-to" in cli.err
    cli("ingest", "--attach-to", number, *DAY, expect=2)
    cli("ingest", scan(tmp_path / "x.pdf"), "--item", "x", *DAY, expect=2)


def test_a_rehearsal_attaches_nothing(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    paper = scan(tmp_path / "x.pdf", "card")
    ledger = (cli.store / "ledger" / "ledger-000001.jsonl").read_bytes()
    assert only(attach(cli, number, paper, more=("--dry-run",)))["outcome"] == "waits"
    assert (cli.store / "ledger" / "ledger-000001.jsonl").read_bytes() == ledger
    record = filed(cli, tmp_path, number)
    assert only(attach(cli, number, paper, more=("--dry-run",)))["attachment"] == 1
    assert cli.json("show", record)["version"] == 1


def test_damage_in_an_attachment_is_found(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    filed(cli, tmp_path, number)
    attach(cli, number, scan(tmp_path / "x.pdf", "card"))
    path = next((cli.store / "objects").rglob("attachment-001.pdf"))
    path.write_bytes(path.read_bytes() + b"%")
    assert [one["file"] for one in cli.json("verify", expect=7)["items"]] == ["v2/content/attachment-001.pdf"]
    cli("get", number, "--attachment", "1", "--out", tmp_path / "copy.pdf", expect=7)
    assert not (tmp_path / "copy.pdf").exists()


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("step", ["object", "ledger", "leave"])
def test_killed_between_the_steps_an_attachment_is_neither_lost_nor_added_twice(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, waits: bool
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    number = issue_one(cli)
    paper = scan(cli.store / "inbox" / "x.pdf", "card")
    command: tuple[object, ...] = ("ingest", "--attach-to", number, paper, *DAY)
    if waits:
        cli(*command)
        command = ("ingest", *DAY)
    filing = cli.store.parent / "signed"
    signed(cli, filing / "s.pdf", number)
    workspace_join = attaching.join_waiting
    monkeypatch.setattr("recordkit.archive.attaching.join_waiting", lambda _: [])
    cli("ingest", filing, *DAY)
    monkeypatch.setattr("recordkit.archive.attaching.join_waiting", workspace_join)
    with monkeypatch.context() as patch:
        if step == "object":
            patch.setattr(ObjectStore, "add_versions", die)
        elif step == "ledger":
            patch.setattr(files, "append_durable", die)
        else:
            patch.setattr(attaching, "leave_inbox", die)
        with pytest.raises(Killed):
            cli(*command)
    cli(*command)
    assert len(cli.json("show", number)["attachments"]) == 1
    assert arriving(cli) == []
    assert cli.json("unmatched", "list")["total"] == 0
    assert cli.json("verify")["ok"]
    assert cli.json("ledger", "verify")["ok"]
    assert_valid_root(cli.store / "objects")


def test_two_who_attach_at_once_attach_each_paper_once(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    record = filed(cli, tmp_path, number)
    papers = [scan(tmp_path / f"{name}.pdf", name) for name in ("one", "two", "three")]
    command = [sys.executable, "-m", "recordkit", "--store", str(cli.store), "--json", "ingest", "--attach-to", number,
               *map(str, papers), "--no-ocr", "--jobs", "1", *DAY]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outcomes = [item["outcome"] for process in running for item in json.loads(process.communicate()[0])["items"]]
    assert sorted(outcomes) == ["attached"] * 3 + ["duplicate"] * 3
    assert [one["attachment"] for one in cli.json("show", record)["attachments"]] == [1, 2, 3]
    assert cli.json("verify")["ok"]


def locked(path: Path, text: str = "card") -> Path:
    with pikepdf.open(scan(path.with_suffix(".open.pdf"), text)) as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(owner="o", user="secret"))
    return path


def secrets(cli: Cli) -> tuple[str, Path]:
    path = cli.store.parent / "passwords.txt"
    path.write_text("wrong\nsecret\n", encoding="utf-8")
    return "--password-file", path


def test_a_locked_attachment_is_opened_with_its_password(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    filed(cli, tmp_path, number)
    item = only(attach(cli, number, locked(tmp_path / "x.pdf"), more=secrets(cli)))
    assert (item["outcome"], item["attachment"]) == ("attached", 1)
    assert "card" in cli("text", number)
    assert len(list((cli.store / "objects").rglob("attachment-001.decrypted.pdf"))) == 1


def test_a_locked_attachment_in_quarantine_is_attached_from_there(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    filed(cli, tmp_path, number)
    attach(cli, number, locked(cli.store / "inbox" / "x.pdf"), expect=4)
    key = cli.json("quarantine", "list")["items"][0]["key"]
    (item,) = cli.json("ingest", "--attach-to", number, "--retry", key, *secrets(cli), *DAY)["items"]
    assert item["outcome"] == "attached"
    assert list((cli.store / "quarantine").iterdir()) == []


def test_a_locked_paper_that_waits_is_attached_with_its_copy_and_no_password(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    filed(cli, tmp_path, number)
    cli.json("ingest", locked(tmp_path / "x.pdf"), *secrets(cli), *DAY)
    key = cli.json("unmatched", "list")["items"][0]["key"]
    item = only(attach(cli, number, Path(key)))
    assert (item["outcome"], [one["code"] for one in item["findings"]]) == ("attached", ["decrypted"])  # type: ignore[attr-defined]
    assert "card" in cli("text", number)
    assert len(list((cli.store / "objects").rglob("attachment-001.decrypted.pdf"))) == 1
    assert cli.json("unmatched", "list")["total"] == 0


def test_a_waiting_paper_whose_document_is_still_out_is_no_attachment_of_another(cli: Cli, tmp_path: Path) -> None:
    number, other, third = issue_one(cli), issue_one(cli), issue_one(cli)
    filed(cli, tmp_path, number)
    with pikepdf.open(signed(cli, tmp_path / "a.pdf", other, "a")) as first, pikepdf.new() as both:
        both.pages.extend(first.pages)
        with pikepdf.open(signed(cli, tmp_path / "b.pdf", third, "b")) as second:
            both.pages.extend(second.pages)
            both.save(tmp_path / "both.pdf")
    cli.json("ingest", tmp_path / "both.pdf", *DAY)
    key = cli.json("unmatched", "list")["items"][0]["key"]
    assert only(attach(cli, number, Path(key), expect=3))["outcome"] == "refused"


def test_an_item_named_later_is_ticked_for_the_attachment_that_is_there(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    wanted = cli.json("issued", "show", number)["lacking"]
    filed(cli, tmp_path, number)
    paper = scan(tmp_path / "x.pdf", "card")
    attach(cli, number, paper)
    rehearsed = attach(cli, number, paper, more=("--item", wanted[0], "--dry-run"))
    assert rehearsed["lacking"] == wanted
    again = attach(cli, number, paper, more=("--item", wanted[0]))
    assert only(again)["outcome"] == "duplicate"
    assert wanted[0] in str(only(again)["reason"])
    assert again["lacking"] == wanted[1:]
    assert wanted[0] not in str(only(attach(cli, number, paper, more=("--item", wanted[0])))["reason"])
    assert len(cli.json("show", number)["attachments"]) == 1


def test_one_crew_reads_all_the_papers_of_a_run(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    number = issue_one(cli)
    filed(cli, tmp_path, number)
    for at in range(5):
        scan(cli.store / "inbox" / f"{at}.pdf", f"Deed {at}")
    crews = []

    def crew(*arguments: Any) -> Crew:
        crews.append(reading_crew(*arguments))
        return crews[-1]

    monkeypatch.setattr(attaching, "reading_crew", crew)
    monkeypatch.setattr(attaching, "_WINDOW", 2)
    items = cli.json("ingest", "--attach-to", number, cli.store / "inbox", "--no-ocr", *DAY)["items"]
    assert [(one["outcome"], one["attachment"]) for one in items] == [("attached", at) for at in range(1, 6)]
    assert len(crews) == 1
    assert crews[0].reserve(0) == 5, "every paper was read by it"
