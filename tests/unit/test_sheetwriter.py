"""The writer of printed spreadsheets needs no temporary file: a full or forbidden temporary disk does not matter."""

from __future__ import annotations

import errno
import io
import tempfile
from datetime import date

import pytest
from openpyxl import load_workbook
from PIL import Image

from recordkit.templates.sheetwriter import Sheet, workbook_bytes


def test_sheets_with_a_picture_are_written_where_no_temporary_file_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> object:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", full)
    monkeypatch.setattr("openpyxl.worksheet._writer.NamedTemporaryFile", full)
    png = io.BytesIO()
    Image.new("RGB", (4, 4)).save(png, "PNG")
    data = workbook_bytes([
        Sheet("目录", iter([["题名", "日期"], ["张三供用水合同", date(2026, 3, 2)], ["=1+1", None]]), [30, 12], head=1),
        Sheet("图", iter([["图"]]), [30], pictures=(("A3", png.getvalue(), 20, 20),)),
    ])
    book = load_workbook(io.BytesIO(data))
    assert book.sheetnames == ["目录", "图"]
    assert [row[0].value for row in book["目录"].iter_rows()] == ["题名", "张三供用水合同", "=1+1"]
    assert book["目录"]["B2"].value.date() == date(2026, 3, 2) and book["目录"]["A3"].data_type == "s"
    assert len(book["图"]._images) == 1 and book["目录"].print_title_rows == "$1:$1"
