"""What a person is told of scans that were not read, and of blank ones: counted once, and with the way on."""

from __future__ import annotations

import pikepdf
from conftest import Cli
from PIL import Image, ImageDraw

INGEST = ("ingest", "--no-ocr", "--jobs", "1")


def test_unread_scans_are_counted_once_and_the_list_says_how_they_are_read(cli: Cli) -> None:
    for place, name in enumerate(("来信35", "来信36")):
        picture = Image.new("L", (800, 1100), 255)
        ImageDraw.Draw(picture).rectangle((100 + place, 100, 700, 400), fill=0)
        picture.save(cli.store / "inbox" / f"{name}.pdf", "PDF", resolution=100)
    told = cli(*INGEST)
    assert "was not read" not in told and "2 page(s) of 2 paper(s) are pictures that were not read" in cli.err
    items = cli.json("unmatched", "list")["items"]
    assert [one["file"] for one in items] == ["来信35.pdf", "来信36.pdf"]
    assert all("was not read" in one["findings"][-1] for one in items)
    cli("unmatched", "list")
    assert f"recordkit ingest {items[0]['key']} {items[1]['key']}" in cli.err


def test_a_blank_paper_is_offered_for_dropping(cli: Cli) -> None:
    blank = pikepdf.new()
    blank.add_blank_page(page_size=(595, 842))
    blank.save(cli.store / "inbox" / "空白.pdf")
    cli(*INGEST)
    (one,) = cli.json("unmatched", "list")["items"]
    told = cli("unmatched", "list")
    assert f"recordkit unmatched drop {one['key']} --reason TEXT" in told and "recordkit match" not in told
