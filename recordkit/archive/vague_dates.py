"""Dates of which only the year or the month is known, or nothing: what old catalogues say, kept in their own words.

A record has a full day, the last one that its paper can bear: it is sorted by it, and its period begins after it, so
that a doubt never shortens a period. What the old catalogue says stands beside it and is what is shown and printed
(DA/T 18 describes what is found; it does not guess).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta

from recordkit.archive.catalogue import Record
from recordkit.errors import InputRefused
from recordkit.messages import Message, msg
from recordkit.templates.chinese import date_parts, spoken_number

KEY = "date_given"
"""Of the wording in a record's metadata (``archive.metadata``)."""
UNDATED = frozenset(("无日期", "不详", "日期不详", "年代不详", "未注明日期", "undated"))
_REPUBLIC = 1911  # 民国元年 is 1912
_DIGITS = str.maketrans("〇○零一二三四五六七八九", "000123456789")
_YEAR = r"(?:19|20|21)\d\d"


def last_day(text: str, today: date) -> date | None:
    """The last day that a paper so dated can bear, at the latest today; None for what is no such date or to come.

    Forms: 1998, 1998年, 一九九八年, 1998-05, 1998.5, 199805, 1998年5月, 19980500, 19980000, 1998-2001, 1980年代,
    八十年代 (of the last century), 民国37年, 民国三十七年五月, 民国37年5月3日, 无日期, 不详.
    """
    tight = "".join(unicodedata.normalize("NFKC", text).split()).casefold()
    if tight in UNDATED:
        return today
    found = _last(tight)
    if found is None:
        return None
    span = re.match(rf"({_YEAR})年?[-–—~至]{_YEAR}", tight)
    first_year = int(span[1]) if span is not None else found.year - 9 if tight.endswith("年代") else found.year
    # A year that has not begun is a slip, 2089 for 1989; capped in silence nobody would see it.
    return None if first_year > today.year else min(found, today)


def told_forms() -> Message:
    """How a date may be given of which not all is known."""
    return msg("a date such as 1998-05-12, or as much of it as is known: 1998-05, 1998, 1980年代, 民国37年; 无日期 "
               "where the old catalogue has none")


def with_last_day(values: Mapping[str, object], today: date) -> dict[str, object]:
    """Metadata whose date agrees with the wording of the old catalogue, where there is one.

    Raises:
        InputRefused: the wording is no date.
    """
    found, said = dict(values), values.get(KEY)
    if said:
        day = last_day(str(said), today)
        if day is None:
            raise InputRefused(msg("{value} is no date of an old catalogue.", value=str(said)),
                               msg("Write {forms}.", forms=told_forms()))
        found["date"] = day.isoformat()
    return found


def given_date(record: Record) -> str | None:
    """What the old catalogue says of the date, where it does not say the day; None for every other record."""
    said = record.metadata.get(KEY)
    return str(said) if said and record.status == "active" else None


def _last(text: str) -> date | None:
    parts = date_parts(text)
    if parts is not None:
        year, month, day = parts
        if day:
            return _day(year, month, day)
        return _end(year, month) if month else _end(year)
    republic = re.fullmatch(r"民国(.{1,3}?)年(?:(.{1,2}?)月(?:(.{1,3}?)日)?)?", text)
    if republic is not None:
        year, month, day = (0 if one is None else spoken_number(one) or -1 for one in republic.groups())
        if min(year, month, day) < 0 or not year:
            return None
        return _day(_REPUBLIC + year, month, day) if day else _end(_REPUBLIC + year, month or None)
    written = re.fullmatch(r"([〇○零一二三四五六七八九]{4})年(?:(.{1,2})月)?", text)
    if written is not None:
        spoken = None if written[2] is None else spoken_number(written[2]) or -1
        return _end(int(written[1].translate(_DIGITS)), spoken)
    if re.fullmatch(rf"{_YEAR}年?", text):
        return _end(int(text[:4]))
    month_of = re.fullmatch(rf"({_YEAR})(?:[-./年](\d{{1,2}})月?|(\d\d))", text)
    if month_of is not None:
        return _end(int(month_of[1]), int(month_of[2] or month_of[3]) or None)
    span = re.fullmatch(rf"({_YEAR})年?[-–—~至]({_YEAR})年?", text)
    if span is not None:
        return _end(int(span[2])) if int(span[1]) < int(span[2]) else None
    decade = re.fullmatch(r"(?:(\d\d\d)0|([5-9])0|([五六七八九])十)年代", text)
    if decade is not None:
        tens = decade[1] or f"19{(decade[2] or decade[3]).translate(_DIGITS)}"
        return _end(int(f"{tens}9"))
    return None


def _end(year: int, month: int | None = None) -> date | None:
    """Last day of a year or of a month."""
    first = _day(year, month or 12, 1)
    return None if first is None else (first.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day) if 1900 <= year < 2200 else None
    except ValueError:
        return None
