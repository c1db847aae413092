import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordkit.archive.personal import masked, personal_spans


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("身份证110101199003071234，", "身份证110***********1234，"),
        ("11010119900307123X", "110***********123X"),
        ("１１０１０１１９９００３０７１２３４", "１１０***********１２３４"),
        ("110101 19900307 1234", "110*************1234"),
        ("旧证110101900307123", "旧证110********7123"),
        ("卡号6222021234567890123", "卡号622************0123"),
        ("卡号4111 1111 1111 1111", "卡号411************1111"),
        ("手机13800138000", "手机138****8000"),
        ("手机138 0013 8000", "手机138******8000"),
        ("电话0731-85551234", "电话073******1234"),
    ],
)
def test_numbers_of_a_person_keep_three_and_four_characters(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    ["户号0012345678", "供合〔2026〕0001号", "C001-KF·2026-D30-KFZ-0026", "2026-11-20 2026-11-21",
     "2023 2024 2025 2026", "水表编号S20231101", "金额107000.53元", "表号202311010001", "110101199013071234567",
     "12800138000"],
)
def test_other_numbers_stay_as_they_are(text: str) -> None:
    assert masked(text) == text


@given(st.text("0123456789Xx -号，", max_size=60))
def test_masking_keeps_the_length_and_changes_nothing_outside_the_spans(text: str) -> None:
    shown, spans = masked(text), list(personal_spans(text))
    assert len(shown) == len(text)
    for place, (before, after) in enumerate(zip(text, shown, strict=True)):
        inside = any(begin <= place < end for begin, end in spans)
        assert after == ("*" if inside else before)
