from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordkit.errors import IntegrityFailure
from recordkit.templates.fieldreaders import Refusal, refuse_illegal
from recordkit.templates.fieldtypes import (
    CALIBRES,
    Blank,
    Person,
    Value,
    display,
    display_masked,
    from_plain,
    mask,
    parse,
    to_plain,
)
from recordkit.templates.spec import FieldSpec
from recordkit.templates.spreadsheet import DressedNumber

ID = "110101190303070012"  # fictional: born 1903
USCC = "91110000600037341L"  # the worked example of python-stdnum


def of(type_: str, **more: Any) -> FieldSpec:
    return FieldSpec(key="x", label="某", type=type_, **more)  # type: ignore[arg-type]


METERS = of(
    "table", columns=(of("text", max_length=9), FieldSpec(key="size", label="口径", type="calibre", required=False))
)


def codes(raw: object, spec: FieldSpec) -> list[str]:
    return [fault.code for fault in parse(raw, spec).faults]


@pytest.mark.parametrize(
    ("raw", "spec", "value"),
    [
        ("  <b>甲 & 乙</b> {{ x }} \r\n二", of("text"), "<b>甲 & 乙</b> {{ x }} \n二"),
        (12, of("text"), "12"),
        (12.0, of("text"), "12"),
        (0.5, of("text"), "0.5"),
        ("１，２３４", of("integer"), 1234),
        (3.0, of("integer"), 3),
        ("-3.5", of("decimal"), Decimal("-3.5")),
        (0.1, of("decimal"), Decimal("0.1")),
        (0.1 + 0.2, of("money"), Decimal("0.30")),
        (1409.5, of("money"), Decimal("1409.50")),
        ("￥1,409.50元", of("money"), Decimal("1409.50")),
        (Decimal("1E+3"), of("decimal"), Decimal(1000)),
        ("００１２３４", of("account"), "001234"),
        (" 6222 0200 0000 0000 001 ", of("account"), "6222020000000000001"),
        (15, of("calibre"), "DN15"),
        ("ｄｎ 40", of("calibre"), "DN40"),
        ("Φ100mm", of("calibre"), "DN100"),
        ("13800000000", of("phone"), "13800000000"),
        ("+86 138-0000-0000", of("phone"), "13800000000"),
        ("(0731) 8888 8888", of("phone"), "0731-88888888"),
        ("400-123-4567", of("phone"), "400-123-4567"),
        (ID, of("id_number"), ID),
        ("11010519491231002x", of("id_number"), "11010519491231002X"),
        (USCC.lower(), of("uscc"), USCC),
        ("是", of("yes_no"), True),
        (0, of("yes_no"), False),
        ("No", of("yes_no"), False),
        ("Ａ 类", of("choice", choices=("A类", "B类")), "A类"),
        (1, of("choice", choices=("1", "2")), "1"),
        ("   ", of("integer"), None),
        (None, of("table", columns=(of("text"),)), None),
    ],
)
def test_a_value_is_read_by_its_type(raw: object, spec: FieldSpec, value: Value) -> None:
    parsed = parse(raw, spec)
    assert (parsed.value, parsed.faults) == (value, ())
    assert type(parsed.value) is type(value)


@pytest.mark.parametrize(
    "raw",
    ["2026-03-02", "2026/3/2", "2026.3.2", "20260302", "2026年3月2日", "２０２６ 年 ３ 月 ２ 日", "二〇二六年三月二日",
     "二零二六年三月二日", 20260302, date(2026, 3, 2), datetime(2026, 3, 2)],
)  # fmt: skip
def test_a_date_is_read_in_every_usual_writing(raw: object) -> None:
    parsed = parse(raw, of("date"))
    assert parsed.value == date(2026, 3, 2)
    assert type(parsed.value) is date


@pytest.mark.parametrize(
    "raw",
    ["2026-02-30", "26-3-2", "2026-3/2", "2026年3月2", "2026-3-2日", "03/02/2026", 46083, True, 3.5,
     "二〇二六年三十月二日", datetime(2026, 3, 2, 9), "明天", "2026-03-02 09:00"],
)  # fmt: skip
def test_what_is_no_day_is_refused_as_a_date(raw: object) -> None:
    assert codes(raw, of("date")) == ["wrong-type"]


@pytest.mark.parametrize(
    "raw",
    ["2026-03-02 14:05", "2026-03-02T14:05:00", "2026年3月2日14时05分", "2026年3月2日 14：05", "2026/3/2 14:05",
     datetime(2026, 3, 2, 14, 5)],
)  # fmt: skip
def test_an_instant_is_read_in_every_usual_writing(raw: object) -> None:
    assert parse(raw, of("instant")).value == datetime(2026, 3, 2, 14, 5)


@pytest.mark.parametrize(
    "raw", ["2026-03-02", "2026-03-02 24:00", "2026-03-02T14:05Z", date(2026, 3, 2), "2026030214:05"]
)
def test_what_has_no_local_time_is_refused_as_an_instant(raw: object) -> None:
    assert codes(raw, of("instant")) == ["wrong-type"]


def test_a_midnight_cell_is_kept_with_a_warning() -> None:
    parsed = parse(datetime(2026, 3, 2), of("instant"))
    assert parsed.value == datetime(2026, 3, 2)
    assert [fault.severity for fault in parsed.faults] == ["warning"]


@pytest.mark.parametrize("kind", ["account", "phone", "id_number", "uscc"])
@pytest.mark.parametrize("raw", [1234567890123456, 1.5, 1.1010519491231e17, -3, Decimal("6222020000000000001")])
def test_a_number_cell_that_lost_digits_is_refused_as_identifier(kind: str, raw: object) -> None:
    assert codes(raw, of(kind)) == ["number-not-text"]


@pytest.mark.parametrize("raw", [1234567890123456, 6.22202e18])
def test_a_number_cell_that_lost_digits_is_refused_as_text(raw: object) -> None:
    assert codes(raw, of("text")) == ["number-not-text"]


def test_a_number_that_shows_something_else_is_refused_as_text_and_kept_as_number() -> None:
    raw = DressedNumber(12)
    for kind in ("text", "account", "phone", "choice"):
        assert codes(raw, of(kind, choices=("12",) if kind == "choice" else ())) == ["number-not-text"]
    assert parse(raw, of("integer")).value == 12
    assert type(parse(raw, of("decimal")).value) is Decimal


@pytest.mark.parametrize("raw", ["10²", "①", "1 2 3", "1 23", "½", "1\n234", "٣", "1 234 56"])
def test_no_digits_are_invented_or_joined(raw: str) -> None:
    for kind in ("integer", "decimal", "money"):
        assert codes(raw, of(kind)) == ["wrong-type"]


@pytest.mark.parametrize("raw", ["2026-03-0 2", "2 026-03-02", "2026年1 2月3日", "2026-03-0²", "2026 03 02"])
def test_blanks_within_a_part_of_a_date_are_refused(raw: str) -> None:
    assert codes(raw, of("date")) == ["wrong-type"]


@pytest.mark.parametrize("raw", ["1 234 567", "¥ 1 234 567 元", "1\u00a0234\u00a0567.00", "　１ ２３４ ５６７　"])
def test_blanks_between_thousands_are_read(raw: str) -> None:
    assert parse(raw, of("money")).value == Decimal(1234567)


@pytest.mark.parametrize("kind", ["account", "phone", "id_number", "uscc"])
def test_a_sign_that_looks_like_a_digit_is_none_in_an_identifier(kind: str) -> None:
    assert codes("1380000000①", of(kind)) == ["pattern"]


def test_of_a_list_or_table_only_the_kind_is_quoted() -> None:
    for raw in ({"secret": 1}, ["secret"], [["secret"]]):
        assert "secret" not in str(parse(raw, of("text")).faults[0].message)


def test_a_short_number_cell_becomes_digits_with_a_warning_unless_it_is_a_whole_mobile_number() -> None:
    for raw in (12345, 12345.0):
        parsed = parse(raw, of("account"))
        assert parsed.value == "12345"
        assert [(fault.code, fault.severity) for fault in parsed.faults] == [("number-not-text", "warning")]
    assert parse(13800000000, of("phone")).faults == ()
    assert codes(73188888888, of("phone")) == ["pattern"]


@pytest.mark.parametrize(
    ("raw", "spec", "code"),
    [
        ("110101190303070010", of("id_number"), "check-digit"),
        ("110101190313070012", of("id_number"), "pattern"),
        ("11010119030307001", of("id_number"), "pattern"),
        ("91110000600037341M", of("uscc"), "check-digit"),
        ("91110000600037341O", of("uscc"), "pattern"),
        ("12", of("account", pattern="[0-9]{8}"), "pattern"),
        ("123456789", of("account", pattern="[0-9]{8}"), "pattern"),
        ("户12", of("account"), "pattern"),
        ("138000000001", of("phone"), "pattern"),
        ("13800000000 13900000000", of("phone"), "pattern"),
        ("DN16", of("calibre"), "choice"),
        ("大", of("calibre"), "wrong-type"),
        ("丙", of("choice", choices=("甲", "乙")), "choice"),
        ("甲" * 5, of("text", max_length=4), "too-long"),
        ("1.5", of("integer"), "wrong-type"),
        ("1,23", of("integer"), "wrong-type"),
        ("1e3", of("decimal"), "wrong-type"),
        ("0", of("decimal", min=Decimal(0), exclusive_min=True), "range"),
        ("-1", of("integer", min=Decimal(0)), "range"),
        ("11", of("integer", max=Decimal(10)), "range"),
        ("1.005", of("money"), "range"),
        ("1.05", of("decimal", places=1), "range"),
        (float("nan"), of("decimal"), "wrong-type"),
        (float("inf"), of("text"), "wrong-type"),
        (Decimal("1E+999999999"), of("text"), "wrong-type"),
        ("9" * 29, of("integer"), "wrong-type"),
        (True, of("integer"), "wrong-type"),
        (True, of("text"), "wrong-type"),
        (datetime(2026, 3, 2), of("text"), "wrong-type"),
        ({"a": 1}, of("text"), "wrong-type"),
        (object(), of("choice", choices=("甲",)), "wrong-type"),
        ("也许", of("yes_no"), "wrong-type"),
        (2, of("yes_no"), "wrong-type"),
        ("0202-03-02", of("date"), "range"),
    ],
)
def test_a_wrong_value_is_refused_with_its_code(raw: object, spec: FieldSpec, code: str) -> None:
    parsed = parse(raw, spec)
    assert [(fault.code, fault.severity) for fault in parsed.faults] == [(code, "error")]
    assert parsed.value is None
    assert str(parsed.faults[0].message)


@pytest.mark.parametrize(
    "char", ["\x00", "\x0b", "\x0c", "\x1f", "\x7f", "\x85", "\ud800", "\ufffe", "\uffff", "\u202e"]
)
@pytest.mark.parametrize("kind", ["text", "account", "date", "integer"])
def test_a_character_that_would_break_the_paper_is_refused_and_never_printed_back(char: str, kind: str) -> None:
    parsed = parse(f"12{char}3", of(kind))
    assert [fault.code for fault in parsed.faults] == ["illegal-character"]
    text = str(parsed.faults[0].message)
    assert char not in text
    assert "3" in text and f"{ord(char):04X}" in text


def test_rare_characters_and_variants_are_kept() -> None:
    assert parse("𠮷葛\U000e0100堃㙓", of("text")).value == "𠮷葛\U000e0100堃㙓"


def test_the_region_of_an_identity_number_does_not_block() -> None:
    """430103 and the like are missing from common tables; the number is valid by its check digit."""
    weights = [2 ** (17 - place) % 11 for place in range(17)]
    body = "99990119800101001"
    check = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]
    assert parse(body + check, of("id_number")).value == body + check


@given(st.integers(0, 16), st.integers(1, 9))
def test_every_single_mistyped_digit_of_an_identity_number_is_found(place: int, step: int) -> None:
    digit = str((int(ID[place]) + step) % 10)
    assert parse(ID[:place] + digit + ID[place + 1 :], of("id_number")).refused


def test_the_code_of_a_village_cooperative_is_accepted() -> None:
    """GB 32100 names letters as registering authority (N: agriculture)."""
    from stdnum.cn import uscc

    body = "N2430121MF0000001"
    assert parse(body + uscc.calc_check_digit(body), of("uscc")).value == body + uscc.calc_check_digit(body)


@given(st.text(max_size=40))
def test_a_mask_keeps_at_most_three_and_two_and_hides_at_least_half(text: str) -> None:
    hidden = mask(text)
    assert len(hidden) == len(text)
    assert len(text) < 6 or hidden[3:-2] == "*" * (len(text) - 5)
    assert sum(1 for one, two in zip(hidden, text, strict=True) if one == two != "*") <= max(len(text) // 2, 0)


@pytest.mark.parametrize("spec", [of("id_number"), of("phone"), of("account", sensitive=True, pattern="[0-9]{3}")])
@pytest.mark.parametrize("raw", ["110101190303070010", "11010119030307001", "1101011903030700129"])
def test_no_message_shows_a_sensitive_value(spec: FieldSpec, raw: str) -> None:
    parsed = parse(raw, spec)
    assert parsed.refused
    assert raw[3:-2] not in str(parsed.faults[0].message)


@pytest.mark.parametrize(
    "raw",
    [
        [{"某": "A1", "口径": 15}, {"x": "A2"}],
        [["A1", "DN15"], ["A2"]],
        "A1|15; A2",
        "A1｜15\nA2\n",
        "A1|15；；A2|",
    ],
)
def test_a_table_is_read_from_lists_and_from_one_cell(raw: object) -> None:
    assert parse(raw, METERS).value == [{"x": "A1", "size": "DN15"}, {"x": "A2", "size": None}]


def test_lines_win_over_semicolons_in_a_table_cell() -> None:
    assert parse("甲；乙\n丙", of("table", columns=(of("text"),))).value == [{"x": "甲；乙"}, {"x": "丙"}]


def test_faults_in_a_table_name_line_and_column_all_at_once() -> None:
    parsed = parse([{"某": "A" * 10}, {"口径": 16}, {"尺寸": 1, "x": "A"}, ["A", "15", "C"]], METERS)
    found = [(fault.code, fault.line, fault.column.key if fault.column else None) for fault in parsed.faults]
    assert found == [
        ("too-long", 1, "x"),
        ("required", 2, "x"),
        ("choice", 2, "size"),
        ("unknown-field", 3, None),
        ("wrong-type", 4, None),
    ]
    assert parsed.value is None


def test_the_number_of_rows_is_limited() -> None:
    columns = (of("text"),)
    assert codes("a", of("table", columns=columns, min_rows=2)) == ["range"]
    assert codes("a;b;c", of("table", columns=columns, max_rows=2)) == ["range"]


PLAIN = {
    "text": st.text(),
    "integer": st.integers(),
    "decimal": st.decimals(allow_nan=False, allow_infinity=False, places=3),
    "money": st.decimals(allow_nan=False, allow_infinity=False, places=2),
    "date": st.dates(),
    "instant": st.datetimes().map(lambda value: value.replace(microsecond=0)),
    "yes_no": st.booleans(),
    "calibre": st.sampled_from([f"DN{size}" for size in CALIBRES]),
}


@given(st.data(), st.sampled_from(sorted(PLAIN)))
def test_a_value_comes_back_from_its_plain_form(data: st.DataObject, kind: str) -> None:
    value = data.draw(st.none() | PLAIN[kind])
    spec = of(kind)
    again = from_plain(to_plain(value), spec)
    assert again == value and type(again) is type(value)
    table = of("table", columns=(spec, FieldSpec(key="y", label="乙", required=False)))
    rows: Value = [{"x": value, "y": None}]  # type: ignore[dict-item]
    assert from_plain(to_plain(rows), table) == rows


@given(st.sampled_from(["integer", "decimal", "money", "date", "instant", "yes_no", "calibre"]), st.data())
def test_what_was_stored_would_be_accepted_again(kind: str, data: st.DataObject) -> None:
    bounds = {
        "integer": st.integers(-(10**12), 10**12),
        "decimal": st.decimals(-(10**9), 10**9, places=3),
        "money": st.decimals(-(10**9), 10**9, places=2),
        "date": st.dates(date(1900, 1, 1), date(2199, 12, 31)),
        "instant": st.datetimes(datetime(1900, 1, 1), datetime(2199, 12, 31)).map(lambda v: v.replace(microsecond=0)),
    }
    value = data.draw(bounds.get(kind, PLAIN[kind]))
    assert parse(to_plain(value), of(kind)).value == value


@pytest.mark.parametrize(
    ("plain", "kind"),
    [
        (1.5, "decimal"),
        ("x", "money"),
        ("NaN", "money"),
        ("2026-02-30", "date"),
        (True, "integer"),
        (1, "yes_no"),
        ({}, "table"),
        ([1], "table"),
    ],
)
def test_a_stored_value_of_another_type_is_an_integrity_failure(plain: object, kind: str) -> None:
    with pytest.raises(IntegrityFailure):
        from_plain(plain, of(kind, columns=(of("text"),)))


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        (date(2026, 3, 2), of("date"), "2026年3月2日"),
        (datetime(2026, 3, 2, 14, 5), of("instant"), "2026年3月2日14时05分"),
        (Decimal("1E+3"), of("decimal"), "1000"),
        (Decimal("1409.50"), of("money"), "1409.50"),
        (True, of("yes_no"), "是"),
        (False, of("yes_no"), "否"),
        (None, of("text"), ""),
        (None, of("text", stage="onsite", blank=3), "＿＿＿"),
        ([{"x": "A1", "size": "DN15"}, {"x": "A2", "size": None}], METERS, "A1，DN15；A2，"),
    ],
)
def test_values_are_shown_as_printed(value: Value, spec: FieldSpec, text: str) -> None:
    assert display(value, spec) == text


# --- a person with the number of the identity card ----------------------------------------------------------------

PERSON = of("person", max_length=20)


@pytest.mark.parametrize(
    "raw",
    [
        {"name": "张三", "id": ID},
        {"姓名": " 张三 ", "身份证号": ID},
        {"姓名": "张三", "证件号码": "１１０１０１１９０３０３０７００１２"},
        ["张三", ID],
        f"张三 {ID}",
        f"张三|{ID}",
        f"张三｜{ID}",
        f"张三　{ID}",
        f"张三，身份证号：{ID}",
        f"张三（居民身份证号码 {ID}）",
        Person("张三", ID),
    ],
)
def test_a_person_is_read_from_a_table_a_list_and_one_cell(raw: object) -> None:
    parsed = parse(raw, PERSON)
    assert parsed.faults == ()
    assert parsed.value == Person("张三", ID)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("张三", "required"),
        (ID, "required"),
        ({"name": "张三"}, "required"),
        ({"name": "张三", "id": ID, "电话": "1"}, "unknown-field"),
        ({"name": "张三", "姓名": "李四", "id": ID}, "duplicate"),
        (["张三", ID, "甲"], "wrong-type"),
        (f"张三|{ID}|甲", "wrong-type"),
        ("张三 110101800307001", "pattern"),  # the fifteen digits of before 1999
        ("张三 110101190303070010", "check-digit"),
        ({"name": "张\x0b三", "id": ID}, "illegal-character"),
        ({"name": "张三", "id": 110101190303070012}, "number-not-text"),
        ("张" * 21 + ID, "too-long"),
        (3, "wrong-type"),
    ],
)
def test_a_wrong_person_is_refused_and_the_number_never_shown(raw: object, code: str) -> None:
    parsed = parse(raw, PERSON)
    assert [fault.code for fault in parsed.faults] == [code]
    assert parsed.value is None
    assert "03030700" not in str(parsed.faults[0].message)


def test_a_person_is_stored_restored_printed_and_masked() -> None:
    person = Person("张三", ID)
    assert to_plain(person) == {"name": "张三", "id": ID}
    assert from_plain(to_plain(person), PERSON) == person
    assert display(person, PERSON) == f"张三 {ID}"
    assert parse(display(person, PERSON), PERSON).value == person
    assert display_masked(person, PERSON) == "张三 110*************12"
    table = of("table", columns=(PERSON,))
    assert display_masked([{"x": person}], table) == "张三 110*************12"
    for plain in ({"name": "张三"}, "张三", {"name": 1, "id": ID}):
        with pytest.raises(IntegrityFailure):
            from_plain(plain, PERSON)


def test_a_template_reaches_the_parts_of_a_person_and_prints_a_line_where_there_is_none() -> None:
    from jinja2 import StrictUndefined, UndefinedError
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
    template = environment.from_string("{{ 甲 }}/{{ 甲.姓名 }}/{{ 甲.证件号码 }}/{{ 甲.姓名 or '□' }}")
    assert template.render(甲=Person("<张三>", ID)) == f"&lt;张三&gt; {ID}/&lt;张三&gt;/{ID}/&lt;张三&gt;"
    assert template.render(甲=Blank(2)) == "＿＿/＿＿/＿＿/□"
    for value in (Person("张三", ID), Blank(2)):
        with pytest.raises(UndefinedError):
            environment.from_string("{{ 甲.电话 }}").render(甲=value)


# --- the short ways read as the long ones do ----------------------------------------------------------------------


def wide(text: str) -> str:
    """The same in full-width characters: NFKC brings it back, no short way takes it."""
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


@given(
    st.sampled_from(["integer", "decimal", "money", "date", "instant", "phone", "account", "calibre", "yes_no"]),
    st.one_of(
        st.text("0123456789-:.,T +DNdn", max_size=19),
        st.dates(date(1890, 1, 1), date(2210, 1, 1)).map(str),
        st.datetimes(datetime(1890, 1, 1), datetime(2210, 1, 1)).map(lambda v: v.isoformat("T", "minutes")),
        st.datetimes(datetime(1890, 1, 1), datetime(2210, 1, 1)).map(lambda v: v.isoformat(" ", "seconds")),
        st.from_regex(r"1[0-9]{10}|DN?[0-9]{1,3}|[0-9]{1,20}(\.[0-9]{1,4})?", fullmatch=True),
    ),
)
def test_plain_text_is_read_as_its_full_width_twin(kind: str, text: str) -> None:
    plain, other = parse(text, of(kind)), parse(wide(text), of(kind))
    assert plain.value == other.value
    assert type(plain.value) is type(other.value)
    assert repr(plain.value) == repr(other.value)
    assert [fault.code for fault in plain.faults] == [fault.code for fault in other.faults]


@pytest.mark.parametrize("text", ["2026-03-02T24:00", "2026-03-02T09+08", "2026-W10-1", "20260302", "2026-03-02t09:00",
                                  "2026-03-02T09:00:00.5", "2026-02-30", "1899-12-31"])
def test_what_python_alone_would_take_for_a_date_is_read_by_our_rules(text: str) -> None:
    for kind in ("date", "instant"):
        assert parse(text, of(kind)).value == parse(wide(text), of(kind)).value


def test_the_illegal_characters_are_exactly_those_of_xml_and_the_marks_that_turn_text() -> None:
    import sys
    import unicodedata

    for code in range(sys.maxunicode + 1):
        char = chr(code)
        category = unicodedata.category(char)
        bad = (category == "Cc" and char not in "\t\n\r") or category == "Cs" or code & 0xFFFE == 0xFFFE
        bad = bad or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069
        try:
            refuse_illegal(f"甲{char}乙")
            assert not bad, hex(code)
        except Refusal:
            assert bad, hex(code)


def test_a_value_that_cannot_be_looked_up_is_refused_not_raised() -> None:
    for kind in ("calibre", "choice", "phone", "date", "person"):
        assert parse([["15"]], of(kind, choices=("甲",))).refused


@pytest.mark.parametrize(("typed", "unit", "read"), [
    ("1052吨", "m³", "1052"), ("1052 m³", "m³", "1052"), ("１０５２立方米", "m³", "1052"), ("10.5方", "m³", "10.5"),
    ("1,052m3", "m³", "1052"), ("0.14MPa", "MPa", "0.14"), ("4.5元/m³", "元/m³", "4.5"),
])
def test_a_number_is_read_with_its_own_unit_behind_it(typed: str, unit: str, read: str) -> None:
    found = parse(typed, FieldSpec(key="reading", label="行度", type="decimal", unit=unit))
    assert found.value == Decimal(read) and not found.faults


@pytest.mark.parametrize(("typed", "unit"), [
    ("1052吨", ""), ("1052吨", "MPa"), ("吨", "m³"), ("1052吨吨", "m³"), ("1052kg", "m³"),
])
def test_another_unit_behind_a_number_is_refused(typed: str, unit: str) -> None:
    assert parse(typed, FieldSpec(key="reading", label="行度", type="decimal", unit=unit)).refused
