"""What parsers complain about, in words of our own: never in those of a library."""

from __future__ import annotations

import io
import re
import zipfile

import openpyxl
import pytest

from recordkit.errors import InputRefused
from recordkit.messages import Message
from recordkit.templates.expressions import ExpressionFault, compile_expression
from recordkit.templates.rows import kind_of, read_rows


def reason(data: bytes | str, kind: str) -> Message:
    with pytest.raises(InputRefused) as refused:
        list(read_rows(io.BytesIO(data.encode() if isinstance(data, str) else data), kind=kind).rows)
    found = refused.value.what.params["reason"]
    assert isinstance(found, Message), "a text of a library would stand in the message"
    return found


def rendered(message: Message) -> str:
    """Every word replaced where a translator would replace it: what is left in English came from elsewhere."""
    return message.render(lambda text: "译" + "".join(re.findall(r"\{\w+\}", text)))


@pytest.mark.parametrize(
    ("data", "kind", "line", "column"),
    [
        ('{"户名": }', "json", 1, 8),
        ('{\n "户名" "张"}', "json", 2, 7),
        ('{"户名": "张', "json", 1, 8),
        ('{"户名": "张"} x', "json", 1, 13),
        ('"户名" "张"\n', "toml", 1, 6),
        ('a = 1\nb = \n', "toml", 2, 5),
        ("户名: 张: 三", "yaml", 1, 6),
        ("a: 1\nb:\n\t- x", "yaml", 3, 1),
        ("a: @x", "yaml", 1, 4),
        ("a: 1\na: 2", "yaml", 1, 1),
    ],
)
def test_line_and_column_are_kept_and_the_parsers_words_are_not(data: str, kind: str, line: int, column: int) -> None:
    found = reason(data, kind)
    assert (found.params["line"], found.params["column"]) == (line, column)
    assert not re.search("[A-Za-z]", rendered(found))
    assert "not readable" not in str(found)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ('a = "x', "toml"), ("[" * 100_000, "json"), (b"\xff\xfe\x00", "yaml"), ("a: \x01", "yaml"),
        ('{"a": ' + "9" * 5000 + "}", "json"), (b"PK\x03\x04", "xlsx"), ("- 1", "yaml"), ("a: \t@\n  - [", "yaml"),
    ],
)
def test_other_faults_bring_no_library_text_either(data: bytes | str, kind: str) -> None:
    assert not re.search("[A-Za-z]", rendered(reason(data, kind)))


def test_a_quotation_mark_never_closed_in_a_csv_is_told_with_the_line_it_stands_in() -> None:
    found = reason('a,b\n1,2\n3,"x\n4,5\n6,7\n', "csv")
    assert found.params["line"] == 3


def test_a_damaged_sheet_is_told_without_library_text() -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].append(["a", "=1+1"])
    whole, broken = io.BytesIO(), io.BytesIO()
    book.save(whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(broken, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content[:60] if name == "xl/workbook.xml" else content)
    assert not re.search("[A-Za-z]", rendered(reason(broken.getvalue(), "xlsx")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("口径 = 'DN20'", "a single = cannot compare; write =="),
        ("口径 == “DN20”", "the sign “ at place 7 cannot stand there"),
        ("口径 ==", "it ends too early: something is missing behind it"),
        ("户号 户名", "户名 cannot stand there"),
        ("户号|没有", "there is no filter 没有"),
        ("户号 is 没有", "there is no test 'is 没有'"),
    ],
)
def test_an_expression_that_is_none_says_why_in_our_words(text: str, expected: str) -> None:
    with pytest.raises(ExpressionFault) as fault:
        compile_expression(text)
    assert str(fault.value.reason) == expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('[[rows]]\na = "1"\n', "toml"), ('[[文书]]\n"户名" = "张"\n', "toml"), ('# 注\n\n"户名" = "张"\n', "toml"),
        ('户名 = "张"\n', "toml"), ("[roles]\na = 1\n", "toml"),
        ("户名: 张三\n地址: 甲, 乙\n", "yaml"), ("- a: 1\n  b: 2\n", "yaml"), ("-\n  a: 1\n", "yaml"),
        ("---\na: 1\n", "yaml"), ("meters:\n- no: 1\n", "yaml"),
        ('{"a": 1}', "json"), ('[{"a": 1}]', "json"), ("[\n {", "json"), ("[1]", "json"),
        ("户号,地址\n1,a: b\n", "csv"), ("户号\t户名\n1\t2\n", "csv"), ("时间: 起,止\n1,2\n", "csv"), ("", "csv"),
        ("户名\n张三\n", "csv"), ('="0012",x\n', "csv"),
    ],
)
def test_the_kind_of_nameless_data_shows_in_their_first_lines(text: str, kind: str) -> None:
    assert kind_of(text.encode()) == kind
    assert kind_of(text.encode("utf-8-sig")) == kind


def test_the_kind_of_other_encodings_and_of_spreadsheets_is_seen() -> None:
    assert kind_of("户名: 张三\n".encode("gb18030")) == "yaml"
    assert kind_of("a,b\n".encode("utf-16")) == "csv"
    assert kind_of(b"PK\x03\x04") == kind_of(b"\xd0\xcf\x11\xe0") == "xlsx"
