from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import openpyxl
import pytest

from recordkit.templates.spreadsheet import CellError, DamagedWorkbook, _careful_rows, _is_delicate, open_sheet


def book_of(rows: Sequence[Sequence[Any]], merged: Sequence[str] = (), formats: dict[str, str] | None = None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "表"
    for row in rows:
        sheet.append(row)
    for cell, form in (formats or {}).items():
        sheet[cell].number_format = form
    for ref in merged:
        sheet.merge_cells(ref)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def trimmed(rows: Any) -> list[list[object]]:
    """Rows without what is empty at their end: the two readers pad differently."""
    found = []
    for row in rows:
        cells = list(row)
        while cells and cells[-1] is None:
            cells.pop()
        found.append(cells)
    return found


MOMENTS = [datetime(2026, 11, 26) + timedelta(minutes=7 * step, seconds=step % 60) for step in range(200)]


@pytest.mark.parametrize(
    "rows",
    [
        [["户号", "金额", "说明"], ["0012003456", 12.5, "甲 & 乙<b>"], [12003456, 0.1 + 0.2, " 空格 "]],
        [["数"], [0], [-3], [1e15], [123456789012345678], [2.5], [1e-7], [0.1], [3.0], [99999999999.99]],
        [["是否"], [True], [False]],
        [["日期"], [date(2026, 2, 28)], [date(1900, 3, 1)], [datetime(2026, 11, 26, 9, 20)], [time(9, 5)]],
        [["时刻"], *([moment] for moment in MOMENTS)],
        [[None, None, "x"], [], [None, "y", None, "z"], [], []],
        [["长"], ["字" * 5000], ["a\nb\tc"], ["😀𠮷"], ["#标签"], ["=不是公式"[1:]]],
    ],
)
def test_the_fast_reader_gives_what_the_careful_one_gives(rows: list[list[Any]]) -> None:
    data = book_of(rows)
    assert not _is_delicate(data)
    grid, _ = open_sheet(data, "x.xlsx", None)
    fast = trimmed(grid())
    careful = trimmed(_careful_rows(data, "表"))
    while careful and not careful[-1]:
        careful.pop()
    while fast and not fast[-1]:
        fast.pop()
    assert fast == careful
    assert [[type(cell) for cell in row] for row in fast] == [[type(cell) for cell in row] for row in careful]


@pytest.mark.parametrize(
    ("rows", "formats"),
    [([["a"], [12]], {"A2": "00000"}), ([["a"], ["=1+1"]], {}), ([["a"], ["#N/A"]], {})],
)
def test_a_book_with_zeros_by_format_formulas_or_errors_is_read_carefully(
    rows: list[list[Any]], formats: dict[str, str]
) -> None:
    assert _is_delicate(book_of(rows, formats=formats))


def test_a_cell_merged_downwards_counts_for_each_of_its_rows_and_is_told() -> None:
    grid, notes = open_sheet(book_of([["户号", "表号"], ["0012", "a"], [None, "b"], [None, "c"]], ["A2:A4"]), "x", None)
    assert trimmed(grid())[1:] == [["0012", "a"], ["0012", "b"], ["0012", "c"]]
    assert "A2:A4" in str(notes[0])


def test_what_a_cell_merged_sideways_covers_is_no_value() -> None:
    grid, _ = open_sheet(book_of([["a", "b", "c"], ["x", None, "z"], [None, None, "w"]], ["A2:B3"]), "x", None)
    rows = trimmed(grid())
    assert rows[1] == ["x", CellError("merged A2:B3"), "z"]
    assert rows[2] == [CellError("merged A2:B3"), CellError("merged A2:B3"), "w"]


def test_the_grid_can_be_read_again_and_columns_begin_at_a() -> None:
    grid, _ = open_sheet(book_of([[], [None, "b"], [None, "c"]]), "x", None)
    assert trimmed(grid()) == trimmed(grid()) == [[], [None, "b"], [None, "c"]]


def test_a_chart_is_no_sheet() -> None:
    book = openpyxl.Workbook()
    book.create_chartsheet("图", 0)
    out = io.BytesIO()
    sheet = book.worksheets[0]
    sheet.append(["a"])
    book.save(out)
    grid, notes = open_sheet(out.getvalue(), "x", None)
    assert trimmed(grid()) == [["a"]]
    assert notes == []


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"])
@pytest.mark.parametrize("cut", [0, 40, 400])
def test_a_damaged_part_is_refused_and_never_ends_the_program(part: str, cut: int) -> None:
    data = book_of([["a", "b"], ["1", 2], ["=1+1", "#N/A"]])
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content[:cut] if name == part else content)
    try:
        grid, _ = open_sheet(out.getvalue(), "x", None)
        rows = trimmed(grid())
    except DamagedWorkbook:
        return
    assert part == "xl/styles.xml"  # styles may be missing; the cells are whole
    assert rows[1] == ["1", 2]


def test_a_book_that_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from recordkit.templates import spreadsheet

    monkeypatch.setattr(spreadsheet, "_LARGEST", 1 << 10)
    with pytest.raises(DamagedWorkbook):
        open_sheet(book_of([["a"], ["b"]]), "x", None)
