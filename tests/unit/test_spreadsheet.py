from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import openpyxl
import pytest

from recordkit.templates.sheetscan import special_format
from recordkit.templates.spreadsheet import CellError, DamagedWorkbook, DressedNumber, open_sheet


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
def test_a_sheet_with_special_cells_gives_the_same_values_as_one_without(rows: list[list[Any]]) -> None:
    width = max(map(len, rows))
    plain, _ = open_sheet(book_of(rows), "x.xlsx", None)
    added = [*rows, [None] * (width + 2) + ["=1+1", "#N/A"]]
    careful, _ = open_sheet(book_of(added), "x.xlsx", None)
    fast, slow = trimmed(plain()), trimmed(careful())
    assert slow[len(rows)][-2:] == [CellError("formula =1+1"), CellError("#N/A")]
    kept = trimmed([row[: width + 2] for row in slow[: len(rows)]])
    while kept and not kept[-1]:
        kept.pop()
    while fast and not fast[-1]:
        fast.pop()
    assert fast == kept
    assert [[type(cell) for cell in row] for row in fast] == [[type(cell) for cell in row] for row in kept]


def with_sheet(xml: str, data: bytes | None = None) -> bytes:
    """A workbook whose sheet holds this XML behind the root's own tag."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data or book_of([["a"]]))) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = (
                    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
                    f"{xml}</worksheet>"
                ).encode()
            target.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ('<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>', "XFD1048576"),
        ('<row r="1"><c r="ALM1"><v>1</v></c></row>', "ALM1"),
        ('<row r="1"><c r="ALL1"><v>1</v></c></row><row r="90000"><c r="A90000"><v>1</v></c></row>', "ALL90000"),
        ('<row r="2000000"><c r="A2000000"><v>1</v></c></row>', "A2000000"),
        ('<row r="1">' + "<c><v>1</v></c>" * 1001 + "</row>", "ALM1"),
        ('<row r="1"><c r = "XFD1"><f>1+1</f></c></row>', "XFD1"),
    ],
)
def test_a_stray_cell_far_away_is_refused_by_its_address(rows: str, told: str) -> None:
    with pytest.raises(DamagedWorkbook) as caught:
        open_sheet(with_sheet(f"<sheetData>{rows}</sheetData>"), "x", None)
    assert told in str(caught.value.reason)


def test_formatted_empty_cells_far_away_are_no_table() -> None:
    xml = '<sheetData><row r="1"><c r="A1"><v>7</v></c><c r="XFD1" s="0"/></row></sheetData>'
    grid, _ = open_sheet(with_sheet(xml), "x", None)
    assert trimmed(grid()) == [[7]]


def test_a_formula_whose_result_is_an_empty_text_counts_as_computed() -> None:
    xml = '<sheetData><row r="1"><c r="A1"><v>7</v></c><c r="B1" t="str"><f>""</f><v></v></c></row></sheetData>'
    grid, _ = open_sheet(with_sheet(xml), "x", None)
    assert trimmed(grid()) == [[7]]


def test_special_cells_before_and_below_the_values_stand_where_they_are() -> None:
    xml = ('<sheetData><row r="1"><c r="A1"><f>1+1</f></c></row><row r="3"><c r="C3"><v>7</v></c></row>'
           '<row r="5"><c r="B5"><f>2+2</f></c></row></sheetData>')  # fmt: skip
    grid, _ = open_sheet(with_sheet(xml), "x", None)
    one, two = CellError("formula =1+1"), CellError("formula =2+2")
    assert trimmed(grid()) == trimmed(grid()) == [[one], [], [None, None, 7], [], [None, two]]


def test_hidden_rows_are_counted_in_a_note() -> None:
    xml = ('<sheetData><row r="1"><c r="A1"><v>7</v></c></row><row r="2" hidden="1"><c r="A2"><v>8</v></c></row>'
           '<row r="3" hidden="1"/></sheetData>')  # fmt: skip
    grid, notes = open_sheet(with_sheet(xml), "x", None)
    assert trimmed(grid()) == [[7], [8]]
    assert [str(note)[:2] for note in notes] == ["1 "] and "--where" not in str(notes[0])


@pytest.mark.parametrize(
    "form",
    ["General", "0", "0.00", "#,##0", "#,##0.00", "yyyy-mm-dd", 'yyyy"年"m"月"d"日"', "[h]:mm", "0.00_ ", '"¥"#,##0.00',
     '_ "¥"* #,##0.00_ ;_ "¥"* -#,##0.00_ ;_ "¥"* "-"??_ ;_ @_ ', '#,##0.00"元"', "[Red]-0.00", "@", "0.00E+00",
     "[$¥-804]#,##0.00", "0;-0;;@"],
)  # fmt: skip
def test_formats_that_show_the_number_itself_are_plain(form: str) -> None:
    assert special_format(form) is None


@pytest.mark.parametrize(
    ("form", "kind"),
    [("00000", "zeros"), ("00000;@", "zeros"), ("0%", "percent"), ("0.00%", "percent"), ('"户"0', "dressed"),
     ("000-0000", "dressed"), ("000\\-0000", "dressed"),
     ("0000.0", "dressed"), ('0"吨"', "dressed"), ("0,000", "dressed"),
     ('#,##0.0,"千"', "dressed"), ("0.0,", "dressed"), ("# ?/?", "dressed"), (";;;", "dressed")],
)  # fmt: skip
def test_formats_that_show_another_text_are_known(form: str, kind: str) -> None:
    special = special_format(form)
    assert special is not None and special.kind == kind


def test_a_number_that_shows_something_else_is_no_text_but_stays_a_number() -> None:
    formats = {"A2": "00000", "B2": '"No. "0000', "C2": "0%", "D2": "0%"}
    data = book_of([["a", "b", "c", "d"], [12, 12, 0.05, "x"]], formats=formats)
    grid, _ = open_sheet(data, "x", None)
    zeros, dressed, percent, text = trimmed(grid())[1]
    assert (zeros, text) == ("00012", "x")
    assert isinstance(dressed, DressedNumber) and dressed == 12
    assert isinstance(percent, CellError) and percent.reason is not None


@pytest.mark.parametrize("refs", [["A1:B2", "B2:C3"], ["A1:A9", "A3:A4"]])
def test_overlapping_merged_ranges_are_refused(refs: list[str]) -> None:
    merges = "".join(f'<mergeCell ref="{ref}"/>' for ref in refs)
    xml = f'<sheetData><row r="1"><c r="A1"><v>7</v></c></row></sheetData><mergeCells>{merges}</mergeCells>'
    with pytest.raises(DamagedWorkbook, match="overlap"):
        open_sheet(with_sheet(xml), "x", None)


def test_more_merged_ranges_than_a_person_makes_are_refused() -> None:
    merges = "".join(f'<mergeCell ref="A{row}:B{row}"/>' for row in range(1, 20_002))
    xml = f'<sheetData><row r="1"><c r="A1"><v>7</v></c></row></sheetData><mergeCells>{merges}</mergeCells>'
    with pytest.raises(DamagedWorkbook):
        open_sheet(with_sheet(xml), "x", None)


def test_a_merged_range_to_the_end_of_the_sheet_is_cut() -> None:
    xml = ('<sheetData><row r="1"><c r="A1"><v>7</v></c></row><row r="2"><c r="A2"><v>8</v></c></row></sheetData>'
           '<mergeCells><mergeCell ref="B2:XFD1048576"/></mergeCells>')  # fmt: skip
    grid, _ = open_sheet(with_sheet(xml), "x", None)
    assert trimmed(grid()) == [[7], [8]]


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


def test_texts_that_would_fill_the_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from recordkit.templates import spreadsheet

    out = io.BytesIO(book_of([["a"], ["b"]]))
    with zipfile.ZipFile(out, "a") as book:
        book.writestr("xl/sharedStrings.xml", "<sst/>" + " " * 5000)
    monkeypatch.setattr(spreadsheet, "_STRINGS_MAX", 4096)
    with pytest.raises(DamagedWorkbook, match="texts"):
        open_sheet(out.getvalue(), "x", None)
