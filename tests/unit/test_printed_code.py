"""The printed code: what it says, what it refuses, how it looks."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable

import pytest
import zxingcpp
from PIL import Image

from recordkit.templates.code import (
    ALPHABET,
    CODE128_MM,
    QR_MM,
    PrintedCode,
    crockford32,
    decode,
    draw_code128,
    draw_qr,
)

Draw = Callable[[str], bytes]
DOCUMENT = PrintedCode("7XQ200000042", 0)
PAGE = PrintedCode("7XQ2ZZRTMK42", 3, 2, 29)


def with_body(body: str) -> str:
    """The valid payload of a 13-character body."""
    return PrintedCode(body[:12], ALPHABET.index(body[12])).encode()


@pytest.mark.parametrize(("code", "payload"), [(DOCUMENT, "RK17XQ2000000420S8"), (PAGE, "RK17XQ2ZZRTMK423020XMP")])
def test_papers_printed_by_the_first_version_stay_readable(code: PrintedCode, payload: str) -> None:
    assert code.encode() == payload
    assert decode(payload) == code


def test_every_single_wrong_character_is_refused() -> None:
    for code in (DOCUMENT, PAGE):
        payload = code.encode()
        for position, wrong in itertools.product(range(len(payload)), "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
            if wrong != payload[position]:
                assert decode(payload[:position] + wrong + payload[position + 1 :]) is None


def test_every_pair_of_characters_is_told_from_its_exchange_at_every_place() -> None:
    for position in range(12):
        for first, second in itertools.permutations(ALPHABET, 2):
            body = "7XQ2MK0PZ91A5"
            payload = with_body(body[:position] + first + second + body[position + 2 :])
            place = 3 + position
            exchanged = payload[:place] + payload[place + 1] + payload[place] + payload[place + 2 :]
            assert decode(payload) is not None
            assert decode(exchanged) is None


def test_exchanges_with_and_within_the_check_characters_are_refused() -> None:
    for serial in range(20_000):
        payload = PrintedCode("7XQ2" + crockford32(serial * 7919, 8), serial % 32).encode()
        for place in (2, len(payload) - 3, len(payload) - 2):
            exchanged = payload[:place] + payload[place + 1] + payload[place] + payload[place + 2 :]
            assert exchanged == payload or decode(exchanged) is None


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "RK1",
        "6901234567892",
        "https://example.org/RK17XQ2000000420S8",
        "RK27XQ2000000420S8",
        "rk17xq2000000420s8",
        "RK17XQ2000000420S8 ",
        "RK17XQ2000000420S",
        "RK17XQ2000000420S80",
        "RK1 户号 0000420S8一",
        "RK17XQ２000000420S8",
    ],
)
def test_foreign_codes_are_not_ours(foreign: str) -> None:
    assert decode(foreign) is None


def test_a_page_code_cut_to_document_length_is_refused() -> None:
    payload = PAGE.encode()
    assert decode(payload[:18]) is None
    assert decode(payload[:16] + payload[-2:]) is None


@pytest.mark.parametrize(
    ("issue_id", "revision", "page", "pages"),
    [
        ("7XQ20000004", 0, None, None),
        ("7XQ20000004O", 0, None, None),
        ("7XQ200000042", 32, None, None),
        ("7XQ200000042", -1, None, None),
        ("7XQ200000042", 0, 1, None),
        ("7XQ200000042", 0, 0, 2),
        ("7XQ200000042", 0, 3, 2),
        ("7XQ200000042", 0, 1, 1024),
    ],
)
def test_a_code_that_could_not_be_read_back_cannot_be_made(
    issue_id: str, revision: int, page: int | None, pages: int | None
) -> None:
    with pytest.raises(ValueError):
        PrintedCode(issue_id, revision, page, pages)


def test_crockford32_pads_and_refuses_what_does_not_fit() -> None:
    assert [crockford32(number, 2) for number in (0, 31, 32, 1023)] == ["00", "0Z", "10", "ZZ"]
    for number in (-1, 1024):
        with pytest.raises(ValueError):
            crockford32(number, 2)


@pytest.mark.parametrize("payload", [DOCUMENT.encode(), PAGE.encode()])
@pytest.mark.parametrize(("draw", "size"), [(draw_qr, (QR_MM, QR_MM)), (draw_code128, CODE128_MM)])
def test_drawn_codes_say_the_payload_at_the_promised_size(draw: Draw, size: tuple[float, float], payload: str) -> None:
    png = draw(payload)
    assert png == draw(payload)
    picture = Image.open(io.BytesIO(png))
    dpi = picture.info["dpi"]
    printed = tuple(pixels / each * 25.4 for pixels, each in zip(picture.size, dpi, strict=True))
    assert printed == pytest.approx(size, rel=1e-3)
    scanned = [round(mm / 25.4 * 300) for mm in size]
    seen = picture.convert("L").resize(scanned, Image.Resampling.BOX)
    assert [code.text for code in zxingcpp.read_barcodes(seen)] == [payload]


@pytest.mark.parametrize(("draw", "modules"), [(draw_qr, 4), (draw_code128, 10)])
def test_quiet_zones_belong_to_the_picture(draw: Draw, modules: int) -> None:
    picture = Image.open(io.BytesIO(draw(DOCUMENT.encode()))).convert("L")
    ink = picture.point(lambda grey: 255 - grey).getbbox()
    assert ink is not None
    assert (ink[0], picture.width - ink[2]) == (8 * modules, 8 * modules)
