"""The searchable copy on its way through the house: made when a scan is filed, kept while one waits."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pypdfium2
import pytest
from conftest import Cli
from PIL import ImageDraw
from test_ingest import DAY, pdf_of

from recordkit.archive.objects import ObjectStore

pytestmark = pytest.mark.office
CODED, BARE, DIGITAL = "换通〔2026〕0001号", "换通〔2026〕0002号", "换通〔2026〕0003号"


def scan(source: Path, target: Path, *, without_codes: bool = False) -> Path:
    picture = pypdfium2.PdfDocument(source)[0].render(scale=200 / 72, grayscale=True).to_pil()
    if without_codes:
        width, height = picture.size
        ImageDraw.Draw(picture).rectangle((0, 0, width, height * 0.43), fill=255)  # or its text would tell
        ImageDraw.Draw(picture).rectangle((0, height * 0.85, width, height), fill=255)
    picture.save(target, "PDF", resolution=200)
    return target


def words(path: Path) -> str:
    return "".join(pypdfium2.PdfDocument(path)[0].get_textpage().get_text_range().split())


@pytest.mark.ocr
def test_a_scan_that_was_read_keeps_a_copy_whose_text_can_be_searched_filed_at_once_or_by_hand(
    issued: Cli, tmp_path: Path
) -> None:
    inbox = tmp_path / "来件"
    inbox.mkdir()
    coded = scan(pdf_of(issued, CODED), inbox / "1.pdf")
    bare = scan(pdf_of(issued, BARE), inbox / "2.pdf", without_codes=True)
    before = [hashlib.sha256(one.read_bytes()).hexdigest() for one in (coded, bare)]
    items = issued.json("ingest", inbox, *DAY)["items"]
    assert [item["outcome"] for item in items] == ["archived", "unmatched"]
    assert [waiting["file"] for waiting in issued.json("unmatched", "list")["items"]] == ["2.pdf"]
    issued.json("match", "2.pdf", BARE, *DAY)
    for number, account, digest in zip((CODED, BARE), ("0012003456", "0012003461"), before, strict=True):
        copy, original = tmp_path / f"copy-{account}.pdf", tmp_path / f"original-{account}.pdf"
        issued.json("get", number, "--searchable", "--out", copy)
        issued.json("get", number, "--out", original)
        assert account in words(copy)
        assert words(original) == ""
        assert hashlib.sha256(original.read_bytes()).hexdigest() == digest
    assert list((issued.store / "inbox").rglob("*.pdf")) == [issued.store / "inbox" / "done" / DAY[1] / "2.pdf"]
    issued.json("verify")
    record = issued.json("show", CODED)["record_id"]
    damaged = ObjectStore(issued.store / "objects").locate(record, "searchable.pdf")
    damaged.write_bytes(damaged.read_bytes() + b"\n")
    issued("get", CODED, "--searchable", "--out", tmp_path / "x.pdf", expect=7)


def test_a_paper_with_text_of_its_own_has_no_copy_and_says_so(issued: Cli, tmp_path: Path) -> None:
    issued.json("ingest", pdf_of(issued, DIGITAL), *DAY)
    issued("get", DIGITAL, "--searchable", "--out", tmp_path / "x.pdf", expect=5)
    assert not (tmp_path / "x.pdf").exists()


def test_a_scan_that_was_not_read_has_no_copy(issued: Cli, tmp_path: Path) -> None:
    path = scan(pdf_of(issued, CODED), tmp_path / "scan.pdf")
    item = issued.json("ingest", path, "--no-ocr", *DAY)["items"][0]
    names = ObjectStore(issued.store / "objects").names(item["record_id"])
    assert names == ["original.pdf", "record.json", "text.json"]
