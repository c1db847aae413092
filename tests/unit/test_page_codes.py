"""Codes of single pages: where they go, that they read back, that nothing else changes."""

from __future__ import annotations

import io

import numpy as np
import pikepdf
import pypdf
import pypdfium2
import pytest
from papers import pdf_bytes
from PIL import Image

from recordkit.archive.codes import find_codes
from recordkit.templates.code import PrintedCode
from recordkit.templates.pagecodes import EDGE_MM, HEIGHT_MM, WIDTH_MM, add_page_codes

CODE = PrintedCode("7XQ200000042", 3)


def picture(pdf: bytes, page: int = 0, dpi: int = 200) -> Image.Image:
    return pypdfium2.PdfDocument(pdf)[page].render(scale=dpi / 72, grayscale=True).to_pil()


def codes_on(pdf: bytes, page: int = 0, dpi: int = 200) -> list[PrintedCode]:
    return [one.printed for one in find_codes(np.asarray(picture(pdf, page, dpi)), page + 1) if one.printed]


def place_of_change(before: bytes, after: bytes, page: int = 0) -> tuple[float, float, float, float]:
    """Left, bottom, right and top in mm of what differs."""
    old, new = (np.asarray(picture(one, page)).astype(int) for one in (before, after))
    rows, columns = np.nonzero(abs(old - new) > 8)
    mm = 25.4 / 200
    return columns.min() * mm, (len(old) - rows.max() - 1) * mm, columns.max() * mm, (len(old) - rows.min()) * mm


def test_each_page_says_which_of_how_many_it_is() -> None:
    coded = add_page_codes(pdf_bytes(3), CODE)
    assert coded.without == ()
    assert [codes_on(coded.data, page) for page in range(3)] == [
        [PrintedCode("7XQ200000042", 3, page, 3)] for page in (1, 2, 3)
    ]


@pytest.mark.parametrize("dpi", [150, 200, 300])
@pytest.mark.parametrize("degrees", [-3, 3, 90, 180])
def test_a_scan_reads_it_at_office_resolutions_crooked_or_turned(dpi: int, degrees: int) -> None:
    scan = picture(add_page_codes(pdf_bytes(), CODE).data, 0, dpi)
    crooked = scan.rotate(degrees, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)
    squeezed = io.BytesIO()
    crooked.save(squeezed, "JPEG", quality=60)
    found = [one.printed for one in find_codes(np.asarray(Image.open(squeezed)), 1)]
    assert found == [PrintedCode("7XQ200000042", 3, 1, 1)]


def test_text_can_be_taken_out_of_the_page_again() -> None:
    data = add_page_codes(pdf_bytes(12), CODE).data
    payload = PrintedCode("7XQ200000042", 3, 11, 12).encode()
    for text in (pypdfium2.PdfDocument(data)[10].get_textpage().get_text_range(),
                 pypdf.PdfReader(io.BytesIO(data)).pages[10].extract_text()):
        plain = text.replace(" ", "")
        assert "第11页共12页" in plain
        assert payload[:11] in plain and payload[11:] in plain
        assert "Paper11" in plain


def test_the_same_pdf_gives_the_same_bytes() -> None:
    assert add_page_codes(pdf_bytes(2), CODE).data == add_page_codes(pdf_bytes(2), CODE).data


def test_it_stands_in_the_lower_right_margin_and_the_page_stays_as_it_was() -> None:
    before = pdf_bytes(ink=[(24, 30, 162, 200)])
    left, bottom, right, top = place_of_change(before, add_page_codes(before, CODE).data)
    assert left >= 210 - EDGE_MM - WIDTH_MM - 0.2 and right <= 210 - EDGE_MM + 0.2
    assert bottom >= EDGE_MM - 0.2 and top <= EDGE_MM + HEIGHT_MM + 0.2


def test_where_something_is_printed_it_moves_to_another_corner() -> None:
    before = pdf_bytes(ink=[(190, 10, 5, 5)])
    after = add_page_codes(before, CODE)
    left, _, right, _ = place_of_change(before, after.data)
    assert (left >= EDGE_MM - 0.2, right <= EDGE_MM + WIDTH_MM + 0.2) == (True, True)
    assert codes_on(after.data) == [PrintedCode("7XQ200000042", 3, 1, 1)]


def test_with_all_corners_taken_it_finds_room_along_an_edge() -> None:
    before = pdf_bytes(ink=[(x, y, 25, 25) for x in (0, 185) for y in (0, 272)])
    after = add_page_codes(before, CODE)
    assert after.without == ()
    assert codes_on(after.data) == [PrintedCode("7XQ200000042", 3, 1, 1)]
    old = np.asarray(picture(before))
    assert (np.asarray(picture(after.data))[old < 128] < 140).all(), "something printed was painted over"


def test_a_page_without_room_is_named_and_left_alone() -> None:
    before = pdf_bytes(2, ink=[(0, 0, 210, 297)])
    after = add_page_codes(before, CODE)
    assert after.without == (1, 2)
    assert np.array_equal(np.asarray(picture(before)), np.asarray(picture(after.data)))


def test_a_page_too_small_for_it_is_named() -> None:
    assert add_page_codes(pdf_bytes(size=(60, 60)), CODE).without == (1,)


def test_a_page_that_leaves_its_scale_behind_does_not_shrink_the_code() -> None:
    assert codes_on(add_page_codes(pdf_bytes(prefix="0.1 0 0 0.1 300 300 cm"), CODE).data)


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_on_a_turned_page_it_stands_upright_in_the_lower_right_corner_as_seen(turned: int) -> None:
    with pikepdf.open(io.BytesIO(pdf_bytes())) as document:
        document.pages[0].Rotate = turned
        out = io.BytesIO()
        document.save(out)
    before, after = out.getvalue(), add_page_codes(out.getvalue(), CODE).data
    width = pypdfium2.PdfDocument(after)[0].get_size()[0] * 25.4 / 72
    left, bottom, _, _ = place_of_change(before, after)
    assert left >= width - EDGE_MM - WIDTH_MM - 0.5 and bottom >= EDGE_MM - 0.5
    found = find_codes(np.asarray(picture(after)), 1)
    assert [(one.turned, one.printed.page) for one in found if one.printed] == [(0, 1)]


def test_a_shifted_page_box_shifts_the_code() -> None:
    with pikepdf.open(io.BytesIO(pdf_bytes())) as document:
        document.pages[0].MediaBox = [100, 50, 695.276, 891.89]
        out = io.BytesIO()
        document.save(out)
    assert codes_on(add_page_codes(out.getvalue(), CODE).data)


def test_more_pages_than_a_code_can_say_are_refused() -> None:
    with pytest.raises(ValueError):
        add_page_codes(pdf_bytes(1024, size=(20, 20)), CODE)
