from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from recordkit.errors import InputRefused, NotFound
from recordkit.templates.rows import RowSource, read_rows
from recordkit.templates.sheetscan import column_letters
from recordkit.templates.spreadsheet import CellError


def read(data: bytes | str, kind: str, sheet: str | None = None) -> RowSource:
    source = read_rows(io.BytesIO(data.encode() if isinstance(data, str) else data), sheet, kind=kind)
    return RowSource(list(source.rows), source.notes)


def workbook(*rows: list[Any], title: str = "表", formats: dict[str, str] | None = None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    for cell, form in (formats or {}).items():
        sheet[cell].number_format = form
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def swapped(data: bytes, part: str, old: bytes, new: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == part:
                assert old in content
                content = content.replace(old, new)
            target.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv_is_read_in_each_encoding_and_the_encoding_is_told(encoding: str) -> None:
    source = read("户名,地址\n张三,清源市堃路㙓号\n".encode(encoding), "csv")
    assert source.rows[0].values == {"户名": "张三", "地址": "清源市堃路㙓号"}
    # The mark at the beginning has a name of its own in Python, which is none for people.
    assert str(source.notes[0]).endswith(f" {encoding.upper().removesuffix('-SIG')}.")


def test_csv_keeps_leading_zeros_quotes_and_line_breaks_and_counts_records() -> None:
    source = read('户号,地址\n\n00123,"甲,乙\n丙"\n="0045",丁\n', "csv")
    assert [row.row for row in source.rows] == [3, 4]
    assert source.rows[0].values == {"户号": "00123", "地址": "甲,乙\n丙"}
    assert source.rows[0].cells == {"户号": "A3", "地址": "B3"}
    assert source.rows[1].values["户号"] == "0045"


@pytest.mark.parametrize(
    ("text", "kind"), [("a\tb\n1\t2,5\n", "tsv"), ("a;b\n1;2,5\n", "csv"), ("a\tb\n1\t2,5\n", "csv")]
)
def test_the_delimiter_of_the_heading_is_used(text: str, kind: str) -> None:
    assert read(text, kind).rows[0].values == {"a": "1", "b": "2,5"}


def test_a_cell_beyond_the_headings_is_kept_under_its_column() -> None:
    """An unquoted comma in an address shifts the row: the surplus must not vanish."""
    row = read("户名,地址\n张三,东街1号,2室\n", "csv").rows[0]
    assert row.values["[C]"] == "2室"
    assert row.cells["[C]"] == "C2"


def test_a_short_row_has_all_headings() -> None:
    row = read("a,b\n1\n", "csv").rows[0]
    assert row.values == {"a": "1", "b": None}
    assert row.cells["b"] == "B2"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("a,a\n1,2\n", "csv"),
        ("\n\n", "csv"),
        ('a,b\n"1,2\n', "csv"),
        (b"\xff\xff\xff", "csv"),
        ("a = ", "toml"),
        ("a: 1\na: 2", "yaml"),
        ("a: [", "yaml"),
        ("!!python/object/apply:os.getcwd []", "yaml"),
        ("- 1", "yaml"),
        ("", "yaml"),
        ('{"a": 1, "a": 2}', "json"),
        ('{"a": NaN}', "json"),
        ("[" * 100_000, "json"),
        ("[1]", "json"),
        (b"PK\x03\x04 not a zip", "xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "xlsx"),
        (workbook()[:-200], "xlsx"),
        (workbook(), "xlsx"),
        ("x", "xls"),
        ("x", "docx"),
        ("x", ""),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_a_next_step(data: bytes | str, kind: str) -> None:
    with pytest.raises(InputRefused) as refused:
        read(data, kind)
    assert refused.value.todo is not None


def test_a_wrong_type_names_the_file_and_the_accepted_types(tmp_path: Path) -> None:
    path = tmp_path / "户表.docx"
    path.write_bytes(b"x")
    with pytest.raises(InputRefused, match=r"户表\.docx.*\.xlsx"):
        read_rows(path)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_rows(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('"户名" = "张三"\nprice = 2.80\nday = 2026-03-02\nmeters = [{no = "1"}]', "toml"),
        ('[[rows]]\n"户名" = "张三"\nprice = 2.80\nday = 2026-03-02\nmeters = [{no = "1"}]', "toml"),
    ],
)
def test_toml_is_one_document_or_rows(text: str, kind: str) -> None:
    (row,) = read(text, kind).rows
    assert row.values == {"户名": "张三", "price": Decimal("2.80"), "day": date(2026, 3, 2), "meters": [{"no": "1"}]}
    assert (row.row, row.cells) == (1, {})


def test_a_chinese_name_without_quotes_in_toml_is_explained() -> None:
    with pytest.raises(InputRefused) as refused:
        read('account = "1"\n户名 = "张三"\n', "toml")
    assert '"户名" =' in str(refused.value.todo)


def test_json_is_one_document_or_a_list_and_numbers_stay_exact() -> None:
    assert read('{"a": 0.1}', "json").rows[0].values == {"a": Decimal("0.1")}
    source = read('\ufeff[{"a": "x"}, {"a": null}, {"a": true}]', "json")
    assert [(row.row, row.values["a"]) for row in source.rows] == [(1, "x"), (3, True)]


def test_yaml_does_not_reinterpret_accounts_times_and_words() -> None:
    source = read(
        "- account: 0123\n  time: 12:30\n  kind: no\n  day: 2026-03-02\n  none: ~\n  meters:\n  - no: 07\n", "yml"
    )
    assert source.rows[0].values == {
        "account": "0123", "time": "12:30", "kind": "no", "day": "2026-03-02", "none": None, "meters": [{"no": "07"}],
    }  # fmt: skip


@pytest.mark.parametrize("text", ["- a: &x 1\n- b: *x\n", "a: &x 1\n", "a: &x [1]\nb: [*x, *x]\n"])
def test_yaml_that_refers_to_itself_is_refused(text: str) -> None:
    with pytest.raises(InputRefused, match="&"):
        read(text, "yaml")


@pytest.mark.parametrize(
    ("text", "kind"), [('{"a": 1e99999999999999999999}', "json"), ("a = 1e99999999999999999999", "toml")]
)
def test_a_number_with_an_endless_exponent_is_refused(text: str, kind: str) -> None:
    with pytest.raises(InputRefused):
        read(text, kind)


def test_a_sheet_is_read_with_addresses_dates_and_zeros_as_shown() -> None:
    data = workbook(
        ["说明", None],
        [],
        ["张三", datetime(2026, 3, 2)],
        [None, None],
        ["", "x"],
        [123, 0.1],
        formats={"A6": "00000000"},
    )
    source = read(data, "xlsx")
    assert [row.row for row in source.rows] == [3, 5, 6]
    assert source.rows[0].values == {"说明": "张三", "[B]": datetime(2026, 3, 2)}
    assert source.rows[2].values == {"说明": "00000123", "[B]": 0.1}
    assert source.rows[2].cells == {"说明": "A6", "[B]": "B6"}


def test_a_wrong_dimension_does_not_cut_rows() -> None:
    data = workbook(["a", "b"], ["1", "2"], ["3", "4"])
    data = swapped(data, "xl/worksheets/sheet1.xml", b'ref="A1:B3"', b'ref="A1"')
    assert [dict(row.values) for row in read(data, "xlsx").rows] == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_error_cells_and_formulas_nobody_computed_are_no_values() -> None:
    data = workbook(["a", "b", "c"], ["x", "#N/A", "=1+1"])
    row = read(data, "xlsx").rows[0]
    assert row.values["b"] == CellError("#N/A")
    assert row.values["c"] == CellError("formula =1+1")


def test_a_computed_formula_gives_its_value() -> None:
    data = workbook(["a", "b"], ["x", "=1+1"])
    data = swapped(data, "xl/worksheets/sheet1.xml", b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>")
    assert read(data, "xlsx").rows[0].values["b"] == 2


def test_the_first_sheet_is_read_and_told_or_the_named_one() -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook(["a"], ["1"])))
    book.create_sheet("二").append(["b"])
    book["二"].append(["2"])
    out = io.BytesIO()
    book.save(out)
    source = read(out.getvalue(), "xlsx")
    assert source.rows[0].values == {"a": "1"}
    assert "表" in str(source.notes[0])
    assert "--sheet: 二" in str(source.notes[0])
    assert read(out.getvalue(), "xlsx", "二").rows[0].values == {"b": "2"}
    with pytest.raises(NotFound, match="二"):
        read(out.getvalue(), "xlsx", "三")
    with pytest.raises(InputRefused):
        read("a\n1", "csv", "二")


def test_column_letters_follow_the_spreadsheet() -> None:
    from openpyxl.utils import get_column_letter

    assert [column_letters(number) for number in range(1, 800)] == [
        get_column_letter(number) for number in range(1, 800)
    ]


def test_an_array_of_tables_of_any_name_is_the_list_of_rows_but_a_table_field_is_not() -> None:
    rows = read('[["文书"]]\n"户名" = "甲"\n[["文书"]]\n"户名" = "乙"\n', "toml").rows
    assert [row.values["户名"] for row in rows] == ["甲", "乙"]
    (row,) = read('meters = [{no = "1"}, {no = "2"}]', "toml").rows
    assert row.values == {"meters": [{"no": "1"}, {"no": "2"}]}


def test_data_without_a_name_are_called_standard_input() -> None:
    with pytest.raises(InputRefused) as refused:
        read("", "csv")
    told = refused.value.what.render(lambda text: "标准输入" if text == "standard input" else text)
    assert told.startswith("标准输入")


def test_a_folder_is_called_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="is a folder"):
        read_rows(tmp_path)


def test_a_cell_without_a_value_of_its_own_says_what_to_do() -> None:
    from recordkit.templates.fieldtypes import parse
    from recordkit.templates.spec import FieldSpec

    cell = read(workbook(["a", "b"], ["x", "=1+1"]), "xlsx").rows[0].values["b"]
    for kind in ("text", "integer", "table"):
        (fault,) = parse(cell, FieldSpec(key="b", label="项", type=kind)).faults
        assert fault.message.params == {"formula": "=1+1"}
        assert "save it" in str(fault.message)


def test_the_programs_own_workbooks_are_read_without_a_word_about_their_other_sheets() -> None:
    from recordkit.templates.forms import load_form
    from recordkit.templates.samplesheet import sample_workbook

    spec = load_form(None, "visit-record").spec
    data = sample_workbook(spec, {"account": "0012"}, str)
    assert len(openpyxl.load_workbook(io.BytesIO(data)).sheetnames) == 2
    assert read(data, "xlsx").notes == ()
