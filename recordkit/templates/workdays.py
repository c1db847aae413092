"""Working days: the State Council's yearly notices (package chinesecalendar) and the office's own calendar.toml.

Rules:

* The day on which something starts is not counted (民法典 201).
* A period in months ends on the same day of its last month, or on the last day of a month that lacks it (民法典 202).
* A period whose last day is a holiday ends on the working day after it (民法典 203).
* Saturdays and Sundays are free but for those that a notice makes working days (调休); the office's calendar wins.

The notice for a year appears late in the year before. Of a year that neither the package nor the office knows, only
the weekends are: whoever reckons is told so by ``WorkCalendar.unknown_years``.
"""

from __future__ import annotations

import calendar
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from recordkit.errors import InputRefused
from recordkit.messages import Message, listed, msg

FILE_NAME = "calendar.toml"
Unit = Literal["working", "calendar", "months"]
_LONGEST_RANGE = 366
_DAY = timedelta(days=1)

NEW_CALENDAR = """\
# 本单位工作日历。国务院办公厅每年的放假通知由程序自带（见 recordkit report overdue 的提示）；
# 与通知不同的日子写在这里，以这里为准。改后用 recordkit config check 检查。
# 日期写作 2027-01-01；连续几天写作 "2027-02-05..2027-02-11"（含首尾）。

holidays = []   # 另行放假的日子
workdays = []   # 调休上班的日子
years = []      # 已按放假通知补录齐全的年份，例如 [2027]；未列的年份超出自带日历时会提示
"""
"""What ``init`` writes."""


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """Which days are worked on, where that differs from the days of the week.

    Attributes:
        holidays: free days; ``workdays`` days that are worked on, a weekend or not. No day is in both.
        years: years of which every such day is known.
    """

    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    years: frozenset[int] = frozenset()

    def is_working(self, day: date) -> bool:
        """Whether the day is worked on."""
        return day in self.workdays or (day.weekday() < 5 and day not in self.holidays)

    def next_working(self, day: date) -> date:
        """The day itself when it is worked on, else the next one that is."""
        while not self.is_working(day):
            day += _DAY
        return day

    def after(self, start: date, count: int) -> date:
        """The ``count``-th working day after ``start``, which is not counted; for 0 as ``next_working``."""
        day = start if count else self.next_working(start)
        for _ in range(count):
            day = self.next_working(day + _DAY)
        return day

    def deadline(self, start: date, count: int, unit: Unit, *, moves: bool = True) -> date:
        """Last day of a limit of ``count`` units from ``start``.

        Args:
            start: not counted.
            count: 0 or more.
            unit: working days, calendar days or months.
            moves: a limit in calendar days or months that ends on a holiday ends on the next working day.
        """
        if unit == "working":
            return self.after(start, count)
        last = start + count * _DAY if unit == "calendar" else months_after(start, count)
        return self.next_working(last) if moves else last

    def working_days_late(self, due: date, today: date) -> int:
        """Working days after ``due`` up to ``today``; 0 when it is not past."""
        return sum(self.is_working(due + number * _DAY) for number in range(1, (today - due).days + 1))

    def unknown_years(self, first: date, last: date) -> tuple[int, ...]:
        """Years between two days of which only the weekends are known."""
        return tuple(year for year in range(first.year, last.year + 1) if year not in self.years)


def months_after(start: date, count: int) -> date:
    """The same day ``count`` months later, or the last day of a month that lacks it."""
    year, month = divmod(start.year * 12 + start.month - 1 + count, 12)
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))


def told_unknown(years: tuple[int, ...]) -> Message:
    """That only weekends are counted as free in these years, and what to do."""
    return msg("The holidays of {years} are not known: only weekends were taken for free. Enter them in {file}, or "
               "install a newer chinesecalendar.", years=listed(years), file=FILE_NAME)


def load_calendar(root: Path) -> WorkCalendar:
    """The calendar of the store at ``root``: the package's table with the office's own days over it.

    Raises:
        InputRefused: calendar.toml cannot be read; what is wrong is named.
    """
    own = read_calendar(root)
    table = national_calendar()
    return WorkCalendar((table.holidays - own.workdays) | own.holidays, (table.workdays - own.holidays) | own.workdays,
                        table.years | own.years)


def national_calendar() -> WorkCalendar:
    """The notices of the State Council that the installed package knows."""
    from chinese_calendar.constants import holidays, workdays

    known = range(min(holidays).year, max(holidays).year + 1)
    return WorkCalendar(frozenset(holidays), frozenset(workdays), frozenset(known))


def read_calendar(root: Path) -> WorkCalendar:
    """The office's own days; none where there is no calendar.toml.

    Raises:
        InputRefused: it cannot be read; what is wrong is named.
    """
    path = root / FILE_NAME
    try:
        plain = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return WorkCalendar()
    except UnicodeDecodeError:
        raise _refusal(path, msg("it is not written in UTF-8")) from None
    except tomllib.TOMLDecodeError as error:
        raise _refusal(path, msg("it is no TOML: {error}", error=str(error))) from None
    for name in plain:
        if name not in ("holidays", "workdays", "years"):
            raise _refusal(path, msg("there is no setting {key}", key=name))
    free, worked = (frozenset(_days(path, name, plain.get(name, []))) for name in ("holidays", "workdays"))
    if free & worked:
        raise _refusal(path, msg("{days} stands under holidays and under workdays",
                                 days=listed(sorted(one.isoformat() for one in free & worked), 5)))
    years = plain.get("years", [])
    if not isinstance(years, list) or not all(type(one) is int and 1900 <= one <= 9998 for one in years):
        raise _refusal(path, msg("{key} = {value}; allowed: {allowed}", key="years", value=str(years),
                                 allowed="[2027, 2028]"))
    return WorkCalendar(free, worked, frozenset(years))


def _days(path: Path, name: str, value: object) -> Iterator[date]:
    for one in value if isinstance(value, list) else [value]:
        first, _, last = one.partition("..") if isinstance(one, str) else (one, "", "")
        try:
            start = _day(first)
            end = _day(last) if last else start
        except (ValueError, TypeError):
            raise _refusal(path, msg("{key} has {value}, which is no date; write it like {example}", key=name,
                                     value=str(one), example='2027-01-01, "2027-02-05..2027-02-11"')) from None
        if not 0 <= (end - start).days < _LONGEST_RANGE:
            raise _refusal(path, msg("{key} has {value}, which ends before it begins or is longer than a year",
                                     key=name, value=str(one)))
        yield from (start + number * _DAY for number in range((end - start).days + 1))


def _day(value: object) -> date:
    if type(value) is date:
        found = value
    elif isinstance(value, str):
        found = date.fromisoformat(value.strip())
    else:
        raise TypeError
    if not 1900 <= found.year <= 9998:
        raise ValueError
    return found


def _refusal(path: Path, what: Message) -> InputRefused:
    return InputRefused(msg("The calendar {file} cannot be read: {error}.", file=str(path), error=what),
                        msg("Correct it and run 'recordkit config check'."))
