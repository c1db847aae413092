"""Which pages are blank, and what a seal does to the picture that is read."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from test_codes import SEAL, strokes
from test_pdf_facts import text_pdf
from test_reading import page, read, save

from recordkit.archive.pages import is_blank, without_seals
from recordkit.archive.papers import text_findings
from recordkit.model import PageText

SIZE = (1654, 2339)


def noisy(picture: Image.Image, sigma: float = 8) -> NDArray[np.uint8]:
    values = np.asarray(picture, np.float32)
    shade = np.linspace(0.85, 1, values.shape[1])[None, :]
    return (values * shade + np.random.default_rng(3).normal(0, sigma, values.shape)).clip(0, 255).astype(np.uint8)


def sheet() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("L", SIZE, 244)
    return picture, ImageDraw.Draw(picture)


def test_empty_paper_is_blank_with_grain_and_uneven_light() -> None:
    assert is_blank(noisy(sheet()[0]))
    assert is_blank(noisy(sheet()[0], sigma=25))
    assert is_blank(np.full((2339, 1654), 255, np.uint8))


def test_dust_holes_and_dark_edges_are_not_writing() -> None:
    picture, draw = sheet()
    chance = np.random.default_rng(5)
    for x, y in chance.integers(100, 1500, (40, 2)):
        draw.ellipse((x, y, x + 3, y + 3), fill=40)
    for y in (850, 1480):
        draw.ellipse((70, y, 118, y + 48), fill=15)
    draw.rectangle((0, 0, 22, SIZE[1]), fill=10)
    draw.rectangle((0, SIZE[1] - 90, SIZE[0], SIZE[1]), fill=25)
    assert is_blank(noisy(picture))


def test_what_shines_through_from_the_back_is_not_writing() -> None:
    front = page()
    back = Image.eval(front.transpose(Image.Transpose.FLIP_LEFT_RIGHT).filter(ImageFilter.GaussianBlur(3)),
                      lambda value: 226 + value * 18 // 255)
    assert is_blank(noisy(back, sigma=5))


def test_a_single_character_in_ink_is_writing() -> None:
    picture, draw = sheet()
    draw.line((800, 1200, 830, 1200), fill=70, width=4)
    draw.line((815, 1185, 815, 1225), fill=70, width=4)
    assert not is_blank(noisy(picture))


@pytest.mark.parametrize("grey", [60, 195])
def test_a_line_of_writing_is_writing_in_ink_and_in_pencil(grey: int) -> None:
    picture, draw = sheet()
    for start in range(300, 900, 30):
        draw.line((start, 700, start + 18, 728), fill=grey, width=4)
        draw.line((start + 18, 700, start, 728), fill=grey, width=4)
    assert not is_blank(noisy(picture, sigma=4))


def test_a_dark_page_is_not_taken_for_empty_paper() -> None:
    assert not is_blank(np.full((2339, 1654), 20, np.uint8))


def test_a_small_picture_is_not_judged() -> None:
    assert not is_blank(np.full((90, 90), 255, np.uint8))


def test_blank_pages_are_told_and_not_those_with_codes_or_text(tmp_path) -> None:  # type: ignore[no-untyped-def]
    scan = save(tmp_path / "batch.pdf", page(), Image.fromarray(noisy(sheet()[0])), page())
    empty = text_pdf(tmp_path / "empty.pdf", "")
    readings = read(scan, empty)
    assert [[text.blank for text in reading.texts] for reading in readings] == [[False, True, False], [True]]
    assert {text.source for reading in readings for text in reading.texts} == {"none"}


def test_a_seal_is_paled_but_print_stays() -> None:
    picture = Image.new("RGB", SIZE, (255, 255, 255))
    ImageDraw.Draw(picture).rectangle((400, 400, 500, 500), fill=(20, 20, 20))
    sealed = np.asarray(strokes(picture, [(1000, 1000)], SEAL))
    paled, plain = without_seals(sealed), np.asarray(Image.fromarray(sealed).convert("L"))
    assert paled[450, 450] < 40
    assert int(plain[900:1100, 900:1100].min()) < 115
    assert int(paled[900:1100, 900:1100].min()) > 155


def test_a_blank_page_is_empty_also_where_nothing_was_read() -> None:
    blank, unread = PageText(1, "", "none", "", blank=True), PageText(2, "", "none", "")
    assert [one.code for one in text_findings((blank, unread), ocr=False)] == ["empty-page", "no-text"]
