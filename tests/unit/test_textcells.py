from __future__ import annotations

import io

import pytest
from openpyxl import Workbook, load_workbook

from recordkit.templates.textcells import csv_text, put_text


@pytest.mark.parametrize("text", ["=1+1", "+86", "-1", "@SUM(A1)", "0012", "甲", "a\x00b"])
def test_a_text_stays_a_text_in_a_spreadsheet(text: str) -> None:
    book, out = Workbook(), io.BytesIO()
    put_text(book.active["A1"], text)
    book.save(out)
    cell = load_workbook(io.BytesIO(out.getvalue())).active["A1"]
    assert (cell.data_type, cell.value) == ("s", text.replace("\x00", "\N{REPLACEMENT CHARACTER}"))


@pytest.mark.parametrize(("text", "written"), [
    ("0012005101", '="0012005101"'), ("甲-1", "甲-1"), ("=1+1", "'=1+1"),
    ('"&HYPERLINK("http://x")&"', '"&HYPERLINK("http://x")&"'),
])
def test_only_plain_letters_and_digits_are_written_as_a_quoted_value(text: str, written: str) -> None:
    assert csv_text(text) == written
