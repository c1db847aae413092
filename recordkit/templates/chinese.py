"""Amounts and dates in Chinese characters, as they stand in contracts and receipts."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Literal

from recordkit.errors import InputRefused
from recordkit.messages import msg

ZeroStyle = Literal["after-yuan", "after-wan"]

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_UNITS = ("", "拾", "佰", "仟")
_SECTIONS = ("", "万", "亿")
_DATE_DIGITS = "〇一二三四五六七八九"
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})-|/([0-9]{1,2})/|\.([0-9]{1,2})\.)([0-9]{1,2})")
_DATE_IN_WORDS = re.compile(r"([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})日")
_COMPACT_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_CHINESE_DATE = re.compile(
    r"([〇零○一二三四五六七八九]{4})年([一二三四五六七八九十]{1,3})月([一二三四五六七八九十]{1,3})日"
)
_TO_ASCII = str.maketrans("〇零○一二三四五六七八九", "000123456789")
LARGEST_AMOUNT = Decimal("999999999999.99")


def money_in_capitals(
    amount: Decimal, *, jiao_suffix: bool = False, zero_style: ZeroStyle = "after-yuan", prefix: str = "人民币"
) -> str:
    """An amount of yuan in capitals, e.g. 6007.14 -> 人民币陆仟零柒元壹角肆分.

    Source: 中国人民银行《支付结算办法》附一《正确填写票据和结算凭证的基本规定》, items 2-4: 整 after 元,
    optional after 角, never after 分; 零 once for inner zeros; 零 after 元 when 角 is 0 and 分 is not.
    Where 万位 or 元位 is 0 and the next digit is not, item 4(3) leaves the 零 to the writer.

    Args:
        amount: yuan, 0 to 999999999999.99, no part of a 分.
        jiao_suffix: write 整 after 角 too.
        zero_style: where the free 零 is written: ``after-yuan`` 107000.53 -> 壹拾万柒仟元零伍角叁分; ``after-wan`` ->
            壹拾万零柒仟元伍角叁分.
        prefix: the words directly before the amount.

    Raises:
        InputRefused: a negative amount, one above the limit, or one with more than two decimals (never rounded here).
    """
    if not amount.is_finite() or not 0 <= amount <= LARGEST_AMOUNT or amount != round(amount, 2):
        raise InputRefused(
            msg("The amount {amount} cannot be written in capitals.", amount=amount),
            msg("Give an amount from 0 to {limit} with at most two decimals.", limit=LARGEST_AMOUNT),
        )
    fen_in_all = int(amount * 100)
    yuan, rest = divmod(fen_in_all, 100)
    jiao, fen = divmod(rest, 10)
    text = _integer(yuan, zero_style) + "元" if yuan else ""
    if not rest:
        return f"{prefix}{text or '零元'}整"
    if yuan and (not jiao or (yuan % 10 == 0 and zero_style == "after-yuan")):
        text += "零"
    if jiao:
        text += _DIGITS[jiao] + "角"
    if fen:
        text += _DIGITS[fen] + "分"
    elif jiao_suffix:
        text += "整"
    return prefix + text


def _integer(number: int, zero_style: ZeroStyle) -> str:
    sections: list[int] = []
    while number:
        number, low = divmod(number, 10_000)
        sections.append(low)
    text = ""
    for place in range(len(sections) - 1, -1, -1):
        section = sections[place]
        if not section:
            continue
        if text:
            above = sections[place + 1]
            # Where all of 万 is empty, as in 100007000, the 零 is not free.
            free = above % 10 == 0 and zero_style == "after-wan"
            if section < 1000 or not above or free:
                text += "零"
        text += _section(section) + _SECTIONS[place]
    return text


def _section(section: int) -> str:
    text = ""
    gap = False
    for place in (3, 2, 1, 0):
        digit = section // 10**place % 10
        if not digit:
            gap = bool(text)
            continue
        text += ("零" if gap else "") + _DIGITS[digit] + _UNITS[place]
        gap = False
    return text


def chinese_date(day: date) -> str:
    """二〇二六年十一月二十一日."""
    year = "".join(_DATE_DIGITS[int(digit)] for digit in str(day.year))
    return f"{year}年{_small_number(day.month)}月{_small_number(day.day)}日"


def _small_number(number: int) -> str:
    """1 to 99 as spoken: 十, 十一, 二十, 二十一."""
    tens, ones = divmod(number, 10)
    if not tens:
        return _DATE_DIGITS[ones]
    return (_DATE_DIGITS[tens] if tens > 1 else "") + "十" + (_DATE_DIGITS[ones] if ones else "")


def date_parts(text: str) -> tuple[int, int, int] | None:
    """Year, month and day as written, or None when it is no date; whether the day exists is not asked.

    Forms: 2026-03-02, 2026/3/2, 2026.3.2, 20260302, 2026年3月2日, 二〇二六年三月二日 (ASCII digits, no spaces).
    """
    for form in (_DATE_IN_WORDS, _COMPACT_DATE, _DATE):
        if found := form.fullmatch(text):
            year, *month, day = (int(part) for part in found.groups() if part)
            return year, month[0], day
    found = _CHINESE_DATE.fullmatch(text)
    if found is None or found[2] not in _SPOKEN or found[3] not in _SPOKEN:
        return None
    return int(found[1].translate(_TO_ASCII)), _SPOKEN[found[2]], _SPOKEN[found[3]]


_SPOKEN = {_small_number(number): number for number in range(1, 32)}


def spoken_number(text: str) -> int | None:
    """1 to 99, in ASCII digits or as spoken (元 is 1: 民国元年); None for anything else."""
    if text.isascii() and text.isdecimal():
        return int(text) if 1 <= int(text) <= 99 else None
    return 1 if text == "元" else _COUNTED.get(text)


_COUNTED = {_small_number(number): number for number in range(1, 100)}


def display_date(day: date) -> str:
    """2026年3月2日."""
    return f"{day.year}年{day.month}月{day.day}日"
