"""A batch scan, cut and filed as a clerk does it; what waits, what comes twice, what was killed in between."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pikepdf
import pytest
from conftest import Cli, clock_at
from ocfl_judge import assert_valid_root
from papers import pdf_bytes

from recordkit import files
from recordkit.archive.cutting import cut_file
from recordkit.archive.filing import Batch, NewRecord, file_record
from recordkit.retention.order_state import Item
from recordkit.retention.removal import Remover
from recordkit.settings import IngestSection
from recordkit.store import open_store

pytestmark = pytest.mark.office
DAY = ("--as-of", "2026-12-01")
NOTICE, OTHER, CONTRACT, VISIT = "换通〔2026〕0001号", "换通〔2026〕0002号", "供合〔2026〕0001号", "回访〔2026〕00003号"


def pdf_of(cli: Cli, number: str) -> Path:
    return next(path for path in (cli.store.parent / "pdf").iterdir() if number in path.name)


def plain(folder: Path, text: str) -> Path:
    path = folder / f"{text or 'blank'}.pdf"
    path.write_bytes(pdf_bytes(text=text))
    return path


def batch(target: Path, *sources: Path) -> Path:
    with pikepdf.new() as out:
        for source in sources:
            with pikepdf.open(source) as document:
                out.pages.extend(document.pages)
        out.save(target)
    return target


def in_inbox(cli: Cli) -> list[str]:
    inbox = cli.store / "inbox"
    return sorted(path.name for path in inbox.rglob("*.pdf") if "done" not in path.relative_to(inbox).parts)


def test_a_batch_is_filed_document_by_document_and_blank_pages_are_dropped(issued: Cli, tmp_path: Path) -> None:
    blank, deed = plain(tmp_path, ""), plain(tmp_path, "Deed")
    source = batch(issued.store / "inbox" / "一批.pdf", pdf_of(issued, NOTICE), blank, pdf_of(issued, CONTRACT), deed,
                   pdf_of(issued, OTHER))
    contract_pages = len(pikepdf.open(pdf_of(issued, CONTRACT)).pages)
    rehearsed = issued.json("ingest", "--split", "--dry-run", *DAY)["items"]
    assert source.exists()
    items = issued.json("ingest", "--split", *DAY)["items"]
    for found in (rehearsed, items):
        assert [(one["outcome"], one["number"]) for one in found] == [
            ("archived", NOTICE), ("archived", CONTRACT), ("archived", OTHER)]
        assert [one["pages"] for one in found] == [1, contract_pages + 1, 1]
        assert [[one["code"] for one in item["findings"]] for item in found] == [
            ["blank-page-dropped"], ["attachment-pages"], []]
    assert {one["source"] for one in items} == {str(source)}
    shown = issued.json("show", CONTRACT)
    assert (shown["attachments"], shown["attachment_pages"]) == ([], [[contract_pages + 1]])
    assert "产权证" in shown["findings"][0]["message"]
    known = {"sha256": shown["batch"]["sha256"], "size": shown["batch"]["size"]}
    pages = list(range(3, 3 + contract_pages + 1))
    assert shown["batch"] == {"source": "一批.pdf", "papers": 3, "pages": pages, **known}
    text = issued.json("text", CONTRACT)
    assert [one["page"] for one in text["items"]] == list(range(1, contract_pages + 2))
    assert in_inbox(issued) == []
    assert_valid_root(issued.store / "objects")
    before = issued.json("show", NOTICE)
    issued("rebuild")
    assert issued.json("show", NOTICE) == before


def test_a_batch_without_split_waits_and_says_what_to_do(issued: Cli, tmp_path: Path) -> None:
    source = batch(tmp_path / "一批.pdf", pdf_of(issued, NOTICE), pdf_of(issued, OTHER))
    item = issued.json("ingest", source, *DAY)["items"][0]
    assert item["outcome"] == "unmatched"
    assert "--split" in item["reason"]
    waiting = issued.json("unmatched", "list")["items"]
    assert [one["findings"] for one in waiting] == [[item["reason"]]]
    items = issued.json("ingest", waiting[0]["path"], "--split", *DAY)["items"]
    assert [one["outcome"] for one in items] == ["archived", "archived"]
    assert issued.json("unmatched", "list")["total"] == 0


@pytest.mark.parametrize("again", [(), ("--split",)])
def test_the_same_batch_again_is_a_duplicate_that_names_the_records(
    issued: Cli, tmp_path: Path, again: tuple[str, ...]
) -> None:
    source = batch(tmp_path / "一批.pdf", pdf_of(issued, NOTICE), pdf_of(issued, OTHER))
    filed = issued.json("ingest", source, "--split", *DAY)["items"]
    shutil.rmtree(issued.store / "index")
    (issued.store / "catalogue.sqlite3").unlink()
    (item,) = issued.json("ingest", source, *again, *DAY)["items"]
    assert (item["outcome"], item["record_id"]) == ("duplicate", filed[0]["record_id"])
    assert all(one["code"] in item["reason"] for one in filed)


def test_pages_that_nobody_claims_wait_as_a_file_of_their_own(issued: Cli, tmp_path: Path) -> None:
    source = batch(issued.store / "inbox" / "一批.pdf", plain(tmp_path, "Letter"), pdf_of(issued, NOTICE),
                   pdf_of(issued, OTHER))
    digest_first = issued.json("ingest", "--split", *DAY)["items"]
    assert [one["outcome"] for one in digest_first] == ["unmatched", "archived", "archived"]
    assert not source.exists()
    (waiting,) = issued.json("unmatched", "list")["items"]
    assert (waiting["file"], waiting["pages"]) == ("一批-p1.pdf", 1)
    assert in_inbox(issued) == ["一批-p1.pdf"]
    issued.json("match", waiting["key"], VISIT, *DAY)
    shown = issued.json("show", VISIT)
    assert (shown["matched"], shown["batch"]["pages"]) == ("by-hand", [1])
    assert in_inbox(issued) == []


def filed_first(issued: Cli, source: Path, papers: int) -> str:
    """The record id of the first page of a batch, filed as ingest does it before it is killed."""
    digests = files.digests_of(source)
    workspace = open_store(issued.store, clock_at(date(2026, 12, 1)), "test")
    with workspace.staging() as staging, workspace.writing() as writer:
        piece = staging / "piece.pdf"
        cut_file(source, {piece: (1,)}, IngestSection())
        new = NewRecord("meter-change-notice", "通知", date(2026, 12, 1), 1, {
            "original.pdf": piece, "text.json": b'{"pages": []}'}, files.digests_of(piece),
            batch=Batch(digests.sha256, digests.size, papers, (1,), source.name))
        record_id = file_record(writer, workspace, new, staging)
    workspace.close()
    return record_id


def test_killed_between_two_documents_the_next_run_files_only_the_rest(issued: Cli, tmp_path: Path) -> None:
    source = batch(issued.store / "inbox" / "一批.pdf", *(pdf_of(issued, one) for one in (NOTICE, OTHER, CONTRACT)))
    filed = filed_first(issued, source, 3)
    # Without --split it is not called a duplicate: two of its papers are nowhere else.
    shutil.copyfile(source, tmp_path / "copy.pdf")
    assert issued.json("ingest", tmp_path / "copy.pdf", *DAY)["items"][0]["outcome"] == "unmatched"
    items = issued.json("ingest", source, "--split", *DAY)["items"]
    assert [one["outcome"] for one in items] == ["duplicate", "archived", "archived"]
    assert items[0]["record_id"] == filed
    assert not source.exists()
    assert issued.json("verify")["ok"] and issued.json("ledger", "verify")["ok"]


def test_a_signed_batch_is_not_cut(issued: Cli, tmp_path: Path) -> None:
    source = batch(tmp_path / "一批.pdf", pdf_of(issued, NOTICE), pdf_of(issued, OTHER))
    with pikepdf.open(source, allow_overwriting_input=True) as document:
        signature = document.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.Sig, Contents=b"x"))
        signed = document.make_indirect(pikepdf.Dictionary(FT=pikepdf.Name.Sig, T="s", V=signature))
        document.Root.AcroForm = pikepdf.Dictionary(Fields=[signed], SigFlags=3)
        document.save()
    (item,) = issued.json("ingest", source, "--split", *DAY)["items"]
    assert item["outcome"] == "unmatched"
    assert [one["code"] for one in item["findings"]] == ["not-split"]


def locked_batch(cli: Cli, folder: Path) -> tuple[Path, Path]:
    """A locked batch of two documents in the inbox, and a file with its password."""
    source, secrets = cli.store / "inbox" / "锁.pdf", folder / "passwords.txt"
    with pikepdf.open(batch(folder / "open.pdf", pdf_of(cli, NOTICE), pdf_of(cli, OTHER))) as document:
        document.save(source, encryption=pikepdf.Encryption(owner="o", user="1234"))
    secrets.write_text("1234\n")
    return source, secrets


def test_a_locked_batch_is_filed_document_by_document_once_its_password_is_given(issued: Cli, tmp_path: Path) -> None:
    _, secrets = locked_batch(issued, tmp_path)
    issued.json("ingest", "--split", *DAY, expect=4)
    items = issued.json("ingest", "--retry", "--split", "--password-file", secrets, *DAY)["items"]
    assert [(one["outcome"], one["number"]) for one in items] == [("archived", NOTICE), ("archived", OTHER)]
    assert all("decrypted" in [found["code"] for found in one["findings"]] for one in items)
    assert all("owner-password" not in [found["code"] for found in one["findings"]] for one in items)
    assert not [*(issued.store / "objects").rglob("decrypted.pdf")], "the whole batch lies beside one of its papers"
    assert issued.json("verify")["ok"]


def test_what_lies_beside_a_waiting_paper_is_not_filed_in_its_place(issued: Cli, tmp_path: Path) -> None:
    _, secrets = locked_batch(issued, tmp_path)
    issued.json("ingest", "--password-file", secrets, *DAY)
    (waiting,) = issued.json("unmatched", "list")["items"]
    paper = Path(waiting["path"])
    for name in ("decrypted.pdf", "reading.json"):
        issued("ingest", "--split", paper.with_name(name), *DAY, expect=3)
        assert str(paper) in issued.err
    assert paper.exists()
    # Two documents are never filed as one of them.
    issued("match", waiting["key"], NOTICE, *DAY, expect=8)
    assert paper.exists()


def test_a_file_of_one_document_is_filed_as_it_is(issued: Cli, tmp_path: Path) -> None:
    source = pdf_of(issued, NOTICE)
    (item,) = issued.json("ingest", source, "--split", *DAY)["items"]
    assert "batch" not in issued.json("show", item["record_id"])
    original = next((issued.store / "objects").rglob("original.pdf"))
    assert original.read_bytes() == source.read_bytes()


def test_the_batch_is_known_to_the_ledger_only_by_a_keyed_digest(issued: Cli, tmp_path: Path) -> None:
    source = batch(tmp_path / "一批.pdf", pdf_of(issued, NOTICE), pdf_of(issued, OTHER))
    issued.json("ingest", source, "--split", *DAY)
    digest = issued.json("show", NOTICE)["batch"]["sha256"]
    lines = [json.loads(line) for path in (issued.store / "ledger").glob("*.jsonl")
             for line in path.read_text(encoding="utf-8").splitlines()]
    filed = [one["body"] for one in lines if one["act"] == "record.filed"]
    assert len({one["batch"] for one in filed}) == 1
    assert all(one["batch"] != digest and one["batch_papers"] == 2 for one in filed)


def test_copies_of_a_batch_go_with_its_last_paper_and_are_named_before(issued: Cli, tmp_path: Path) -> None:
    source = batch(tmp_path / "一批.pdf", pdf_of(issued, NOTICE), pdf_of(issued, OTHER))
    items = issued.json("ingest", source, "--split", *DAY)["items"]
    kept = issued.store / "inbox" / "done" / "2026-12-01" / "一批.pdf"
    kept.parent.mkdir(parents=True)
    shutil.copyfile(source, kept)
    workspace = open_store(issued.store, clock_at(date(2037, 1, 15)), "test")
    one, other = (item_of(item["record_id"]) for item in items)
    alone = Remover(workspace, [one])
    alone.remove(one)
    assert kept.exists()
    (place,) = [str(place) for place in alone.remains(one) if "一批.pdf" in str(place)]
    assert "take out what is still needed" in place
    both = Remover(workspace, [one, other])
    assert kept.relative_to(issued.store).as_posix() in [*both.remains(one), *both.remains(other)]
    both.remove(one)
    both.remove(other)
    assert not kept.exists()
    assert both.remains(one) == both.remains(other) == []
    workspace.close()


def test_a_batch_with_papers_that_were_never_filed_is_named_not_removed(issued: Cli, tmp_path: Path) -> None:
    source = batch(issued.store / "inbox" / "一批.pdf", pdf_of(issued, NOTICE), pdf_of(issued, OTHER))
    one = item_of(filed_first(issued, source, 2))
    workspace = open_store(issued.store, clock_at(date(2037, 1, 15)), "test")
    remover = Remover(workspace, [one])
    remover.remove(one)
    assert source.exists()
    assert any("一批.pdf" in str(place) for place in remover.remains(one))
    workspace.close()


def item_of(record_id: str) -> Item:
    return Item(record_id, 1, "", "meter-change-notice", None, date(2037, 1, 1), "", None, False, None, None)
