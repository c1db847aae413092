"""Dates of which not all is known: the last day that they can be, and nothing that is only nearly a date."""

from __future__ import annotations

from datetime import date

import pytest

from recordkit.archive.vague_dates import last_day

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(("text", "last"), [
    ("1998", date(1998, 12, 31)), ("1998年", date(1998, 12, 31)), ("一九九八年", date(1998, 12, 31)),
    ("1998-05", date(1998, 5, 31)), ("1998.2", date(1998, 2, 28)), ("1996/02", date(1996, 2, 29)),
    ("199805", date(1998, 5, 31)), ("1998年5月", date(1998, 5, 31)), ("１９９８年 ５月", date(1998, 5, 31)),
    ("一九九八年十二月", date(1998, 12, 31)), ("19980500", date(1998, 5, 31)), ("19980000", date(1998, 12, 31)),
    ("1998-00-00", date(1998, 12, 31)), ("1998-2001", date(2001, 12, 31)), ("1980年代", date(1989, 12, 31)),
    ("80年代", date(1989, 12, 31)), ("八十年代", date(1989, 12, 31)), ("民国37年", date(1948, 12, 31)),
    ("民国三十七年五月", date(1948, 5, 31)), ("民国元年", date(1912, 12, 31)),
    ("民国三十七年五月三日", date(1948, 5, 3)),
    ("无日期", TODAY), ("不详", TODAY), ("undated", TODAY), ("2026", TODAY), ("2026-11", TODAY),
    ("2020年代", TODAY), ("2024-2030", TODAY), ("20260000", TODAY),
])
def test_a_date_of_an_old_catalogue_is_the_last_day_that_it_can_be(text: str, last: date) -> None:
    assert last_day(text, TODAY) == last


@pytest.mark.parametrize("text", [
    "", "1988年3月32日", "1998-13", "199813", "约1998年", "1998年前后", "98", "1898", "2001-1998", "三十年代", "民国",
    "民国零年", "民国37年13月", "19981300", "19980532", "=1998", "百年", "文昌巷12号",
    "2027", "2089年", "2030年代", "2027-2030", "2027-01", "民国一百二十年",
])
def test_what_is_no_date_is_not_taken_for_one(text: str) -> None:
    assert last_day(text, TODAY) is None
