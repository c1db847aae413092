"""Codes on pictures of pages: any angle, damage, ink over them, strangers, and which page they name."""

from __future__ import annotations

import io

import numpy as np
import pytest
import zxingcpp
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter
from test_reading import PER_MM, drawn, page

from recordkit.archive.codes import PageCode, find_codes, is_coloured, turned_of
from recordkit.templates.code import QR_MM, PrintedCode, draw_qr

DOCUMENT = PrintedCode("7XQ200000042", 0)
PAGE = PrintedCode("7XQ200000042", 0, 2, 3)
SEAL = (222, 46, 50)
PEN = (40, 70, 200)


def paper(document: PrintedCode | None = DOCUMENT, one: PrintedCode | None = PAGE) -> Image.Image:
    """A page with the document's two codes in its head and the page's code in its lower right corner."""
    picture = page(document)
    if one is not None:
        qr = drawn(draw_qr(one.encode()), (QR_MM - 2, QR_MM - 2))
        right, bottom = round(5 * PER_MM), round(12 * PER_MM)
        picture.paste(qr, (picture.width - qr.width - right, picture.height - qr.height - bottom))
    return picture


def scanned(picture: Image.Image, *, noise: float = 0, specks: float = 0, blur: float = 0, quality: int = 70,
            one_bit: bool = False) -> NDArray[np.uint8]:
    chance = np.random.default_rng(11)
    values = np.asarray(picture.filter(ImageFilter.GaussianBlur(blur)), np.float32)
    values = values + chance.normal(0, noise, values.shape[:2]).reshape(values.shape[:2] + (1,) * (values.ndim - 2))
    values[(speck := chance.random(values.shape[:2])) < specks / 2] = 0
    values[speck > 1 - specks / 2] = 255
    clipped = Image.fromarray(values.clip(0, 255).astype(np.uint8))
    if one_bit:
        return np.asarray(clipped.convert("L").point(lambda value: 255 if value > 150 else 0))
    out = io.BytesIO()
    clipped.save(out, "JPEG", quality=quality)
    return np.asarray(Image.open(out))


def strokes(picture: Image.Image, places: list[tuple[int, int]], colour: tuple[int, int, int]) -> Image.Image:
    """Transparent ink in rings over these places, as a seal or a pen leaves it."""
    ink = Image.new("RGB", picture.size, "white")
    for x, y in places:
        for radius in range(6, 130, 22):
            ImageDraw.Draw(ink).ellipse((x - radius, y - radius, x + radius, y + radius), outline=colour, width=11)
    return ImageChops.multiply(picture.convert("RGB"), ink)


def printed(codes: tuple[PageCode, ...]) -> set[PrintedCode]:
    return {code.printed for code in codes if code.printed}


@pytest.mark.parametrize("angle", range(0, 360, 24))
def test_document_and_page_are_named_at_any_angle(angle: int) -> None:
    turned = paper().rotate(angle, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)
    codes = find_codes(np.asarray(turned), 1)
    assert printed(codes) == {DOCUMENT, PAGE}


@pytest.mark.parametrize("skew", [-5, -3, 3, 5])
@pytest.mark.parametrize("lying", [0, 90, 180, 270])
def test_a_crooked_page_is_told_its_quarter_turn(skew: int, lying: int) -> None:
    picture = paper().rotate(lying, expand=True)
    picture = picture.rotate(skew, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)
    codes = find_codes(scanned(picture), 1)
    assert printed(codes) == {DOCUMENT, PAGE}
    assert {code.turned for code in codes} == {lying} == {turned_of(codes)}


@pytest.mark.parametrize("share", [3 / 4, 1, 3 / 2])
@pytest.mark.parametrize("damage", [
    {"noise": 35}, {"specks": 0.05}, {"blur": 1.2, "noise": 10}, {"quality": 40, "noise": 20},
    {"one_bit": True, "noise": 30}, {"one_bit": True, "specks": 0.04},
])
def test_damage_of_the_whole_page_hides_no_code_at_150_to_300_dpi(share: float, damage: dict[str, float]) -> None:
    picture = paper().rotate(1.3, fillcolor=255, resample=Image.Resampling.BICUBIC)
    size = round(picture.width * share), round(picture.height * share)
    if "blur" in damage:
        damage = {**damage, "blur": damage["blur"] * share}
    found = find_codes(scanned(picture.resize(size, Image.Resampling.LANCZOS), **damage), 1)  # type: ignore[arg-type]
    assert printed(found) == {DOCUMENT, PAGE}


@pytest.mark.parametrize(("hidden", "left"), [((1400, 80, 1560, 230), "Code128"), ((120, 100, 620, 180), "QRCode")])
def test_ink_over_one_code_leaves_the_other(hidden: tuple[int, int, int, int], left: str) -> None:
    picture = paper(one=None)
    middle = (hidden[1] + hidden[3]) // 2
    for shift in range(-45, 46, 15):
        ImageDraw.Draw(picture).line((hidden[0], middle + shift, hidden[2], middle - shift), fill=30, width=16)
    codes = find_codes(scanned(picture), 1)
    assert {(code.kind, code.printed) for code in codes} == {(left, DOCUMENT)}


@pytest.mark.parametrize("colour", [SEAL, PEN])
def test_coloured_ink_over_every_code_is_seen_through(colour: tuple[int, int, int]) -> None:
    places = [(1471, 151), (150, 136), (310, 136), (470, 136), (1550, 2190)]
    picture = strokes(paper(), places, colour)
    assert printed(find_codes(np.asarray(picture.convert("L")), 1)) == set(), "the ink would not hide anything"
    assert printed(find_codes(scanned(picture, noise=4), 1)) >= {DOCUMENT, PAGE}


def test_a_seal_on_the_code_of_the_page_alone_is_seen_through() -> None:
    picture = strokes(paper(), [(1550, 2190)], SEAL)
    assert printed(find_codes(np.asarray(picture.convert("L")), 1)) == {DOCUMENT}
    assert printed(find_codes(scanned(picture, noise=4), 1)) == {DOCUMENT, PAGE}


def test_codes_of_strangers_are_told_as_foreign_beside_ours() -> None:
    picture = paper()
    for kind, text, at in ((zxingcpp.BarcodeFormat.QRCode, "https://example.org/pay", (200, 900)),
                           (zxingcpp.BarcodeFormat.Code128, "6901234567892", (700, 1000)),
                           (zxingcpp.BarcodeFormat.QRCode, DOCUMENT.encode()[:-1] + "0", (1200, 900))):
        drawing = zxingcpp.write_barcode_to_image(zxingcpp.create_barcode(text, kind), scale=4)
        picture.paste(Image.fromarray(np.array(drawing)), at)
    codes = find_codes(np.asarray(picture), 7)
    assert {code.payload for code in codes if code.printed is None} == {
        "https://example.org/pay", "6901234567892", DOCUMENT.encode()[:-1] + "0"
    }
    assert printed(codes) == {DOCUMENT, PAGE}
    assert {code.page for code in codes} == {7}


def test_an_office_paper_with_a_retail_bar_code_brings_nothing_of_ours() -> None:
    picture = page(None)
    retail = zxingcpp.create_barcode("4006381333931", zxingcpp.BarcodeFormat.EAN13)
    drawing = zxingcpp.write_barcode_to_image(retail, scale=4)
    picture.paste(Image.fromarray(np.array(drawing)), (300, 300))
    assert find_codes(np.asarray(picture), 1) == ()


def test_contradicting_codes_are_all_told() -> None:
    other = PrintedCode("7XQ200000099", 0, 2, 3)
    assert printed(find_codes(np.asarray(paper(one=other)), 1)) == {DOCUMENT, other}


def test_yellowed_paper_is_not_coloured_but_a_seal_is() -> None:
    yellow = np.asarray(ImageChops.multiply(paper().convert("RGB"), Image.new("RGB", (1654, 2339), (250, 240, 212))))
    assert not is_coloured(yellow)
    assert is_coloured(np.asarray(strokes(paper(), [(800, 800)], SEAL)))
