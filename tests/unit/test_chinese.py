from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recordkit.errors import InputRefused
from recordkit.templates.chinese import ZeroStyle, chinese_date, date_parts, display_date, money_in_capitals

DIGITS = {char: number for number, char in enumerate("零壹贰叁肆伍陆柒捌玖")}
UNITS = {"拾": 10, "佰": 100, "仟": 1000}


def read_capitals(text: str) -> Decimal:
    """An independent reader: adds up digit times unit, ignores 零 and 整."""
    yuan_text, separator, small = text.removeprefix("人民币").rstrip("整").rpartition("元")
    if not separator:
        yuan_text, small = "", text.removeprefix("人民币").rstrip("整")
    total = section = digit = 0
    for char in yuan_text:
        if char in DIGITS:
            digit = DIGITS[char]
        elif char in UNITS:
            section, digit = section + digit * UNITS[char], 0
        else:
            total, section, digit = total + (section + digit) * {"万": 10**4, "亿": 10**8}[char], 0, 0
    fen = 0
    for char in small:
        if char in DIGITS:
            digit2 = DIGITS[char]
        else:
            fen += digit2 * {"角": 10, "分": 1}[char]
    return Decimal(total + section + digit) + Decimal(fen) / 100


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1409.50", "壹仟肆佰零玖元伍角"),
        ("6007.14", "陆仟零柒元壹角肆分"),
        ("16409.02", "壹万陆仟肆佰零玖元零贰分"),
        ("325.04", "叁佰贰拾伍元零肆分"),
        ("1680.32", "壹仟陆佰捌拾元零叁角贰分"),
        ("107000.53", "壹拾万柒仟元零伍角叁分"),
        ("0", "零元整"),
        ("0.05", "伍分"),
        ("0.50", "伍角"),
        ("10", "壹拾元整"),
        ("100007000", "壹亿零柒仟元整"),
        ("100000001.01", "壹亿零壹元零壹分"),
        ("20010000", "贰仟零壹万元整"),
        ("999999999999.99", "玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
    ],
)
def test_amounts_follow_the_rules_of_the_central_bank(amount: str, text: str) -> None:
    assert money_in_capitals(Decimal(amount)) == "人民币" + text


def test_the_free_zero_follows_the_style() -> None:
    assert money_in_capitals(Decimal("107000.53"), zero_style="after-wan") == "人民币壹拾万零柒仟元伍角叁分"
    assert money_in_capitals(Decimal("1680.32"), zero_style="after-wan") == "人民币壹仟陆佰捌拾元叁角贰分"


def test_whole_is_written_after_jiao_only_on_demand_and_never_after_fen() -> None:
    assert money_in_capitals(Decimal("1409.5"), jiao_suffix=True) == "人民币壹仟肆佰零玖元伍角整"
    assert money_in_capitals(Decimal("6007.14"), jiao_suffix=True).endswith("分")


@given(
    st.decimals(0, Decimal("999999999999.99"), places=2),
    st.booleans(),
    st.sampled_from(["after-yuan", "after-wan"]),
)
def test_capitals_read_back_give_the_amount(amount: Decimal, suffix: bool, style: ZeroStyle) -> None:
    text = money_in_capitals(amount, jiao_suffix=suffix, zero_style=style)
    assert read_capitals(text) == amount
    assert "零零" not in text


def zeros_before(figures: str, style: ZeroStyle) -> list[int]:
    """Places of the digits (0 is 元) that a 零 stands before, by the rule itself: inner zeros, once."""
    found = []
    for at in range(1, len(figures)):
        place = len(figures) - 1 - at
        if figures[at] == "0" or figures[at - 1] != "0" or not figures[:at].strip("0"):
            continue
        # Only zeros at the end of 万 or 亿, before a thousand: there the writer is free.
        free = place % 4 == 3 and figures[max(0, at - 4):at].strip("0") != ""
        if not free or style == "after-wan":
            found.append(place)
    return found


@given(st.integers(1, 999_999_999_999), st.sampled_from(["after-yuan", "after-wan"]))
@example(107_000, "after-wan")
@example(11_000, "after-yuan")
@example(11_000, "after-wan")
@example(11_001, "after-wan")
@example(100_107_000, "after-wan")
@example(1_070_000_000, "after-wan")
@example(1_070_000_000, "after-yuan")
@example(200_007_000, "after-yuan")
def test_a_zero_stands_where_figures_within_the_amount_are_zero_and_nowhere_else(yuan: int, style: ZeroStyle) -> None:
    text = money_in_capitals(Decimal(yuan), zero_style=style, prefix="")
    figures, units, place, zeros = str(yuan), {"拾": 1, "佰": 2, "仟": 3}, 0, []
    # Read from the end: every capital but 零 knows its place by the unit behind it.
    unit, section = 0, 0
    for char in reversed(text.removesuffix("元整")):
        if char in "万亿":
            section, unit = {"万": 4, "亿": 8}[char], 0
        elif char in units:
            unit = units[char]
        elif char == "零":
            zeros.append(place)
        else:
            place, unit = section + unit, 0
            assert figures[len(figures) - 1 - place] == str(DIGITS[char])
    assert zeros == sorted(zeros_before(figures, style))


@pytest.mark.parametrize("amount", ["-0.01", "1000000000000", "1.005", "NaN", "Infinity"])
def test_an_amount_that_has_no_capitals_is_refused_not_rounded(amount: str) -> None:
    with pytest.raises(InputRefused):
        money_in_capitals(Decimal(amount))


def test_dates_are_written_in_figures_and_in_characters() -> None:
    assert display_date(date(2026, 3, 2)) == "2026年3月2日"
    assert chinese_date(date(2026, 11, 21)) == "二〇二六年十一月二十一日"
    assert chinese_date(date(2010, 10, 30)) == "二〇一〇年十月三十日"


def test_every_day_of_a_leap_year_reads_back_from_both_writings() -> None:
    for days in range(366):
        day = date(2024, 1, 1) + timedelta(days)
        expected = (day.year, day.month, day.day)
        assert date_parts(chinese_date(day)) == date_parts(display_date(day)) == date_parts(day.isoformat()) == expected


@pytest.mark.parametrize(
    "text", ["二〇二六年三三月二日", "二〇二六年三月二二日", "二〇二六年三月三十二日", "二〇二六年三月", "3月2日"]
)
def test_what_is_no_spoken_month_or_day_is_no_date(text: str) -> None:
    assert date_parts(text) is None


@pytest.mark.parametrize(
    "text", ["2026-3-2", "2026/03/02", "2026.3.2", "20260302", "2026年03月2日", "二零二六年三月二日"]
)
def test_a_day_is_read_from_every_writing(text: str) -> None:
    assert date_parts(text) == (2026, 3, 2)
