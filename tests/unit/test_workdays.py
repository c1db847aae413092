"""Working days against the notices written out by hand and against a second reckoning."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordkit.errors import InputRefused
from recordkit.templates.workdays import (
    FILE_NAME,
    NEW_CALENDAR,
    WorkCalendar,
    load_calendar,
    months_after,
    national_calendar,
    told_unknown,
)

# 国务院办公厅关于2026年部分节假日安排的通知: first and last free day, and the Saturdays and Sundays worked for them.
FREE_2026 = [("01-01", "01-03"), ("02-15", "02-23"), ("04-04", "04-06"), ("05-01", "05-05"), ("06-19", "06-21"),
             ("09-25", "09-27"), ("10-01", "10-07")]
WORKED_2026 = ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]

days = st.dates(date(2020, 1, 1), date(2030, 12, 31))
calendars = st.builds(
    lambda free, worked: WorkCalendar(frozenset(free - worked), frozenset(worked), frozenset()),
    st.sets(st.dates(date(2025, 1, 1), date(2027, 12, 31)), max_size=40),
    st.sets(st.dates(date(2025, 1, 1), date(2027, 12, 31)), max_size=40),
)

at_leisure = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""On a busy machine one draw takes seconds; that says nothing about the calendar."""


def works(known: WorkCalendar, day: date) -> bool:
    """Written the other way round: what is said of the day, else its place in the week."""
    for answer, listed in ((True, known.workdays), (False, known.holidays)):
        if day in listed:
            return answer
    return day.isoweekday() not in (6, 7)


def walked(known: WorkCalendar, start: date, count: int) -> date:
    """All days after the start in one list, and the one at the place asked for."""
    line = [start + timedelta(days=n) for n in range(1, 14 * count + 200)]
    return [day for day in line if works(known, day)][count - 1]


def test_every_day_of_2026_is_as_the_notice_says() -> None:
    free = {date.fromisoformat(f"2026-{first}") + timedelta(days=n) for first, last in FREE_2026
            for n in range((date.fromisoformat(f"2026-{last}") - date.fromisoformat(f"2026-{first}")).days + 1)}
    worked = {date.fromisoformat(f"2026-{one}") for one in WORKED_2026}
    known = national_calendar()
    for number in range(365):
        day = date(2026, 1, 1) + timedelta(days=number)
        assert known.is_working(day) == (day in worked or (day.isoweekday() < 6 and day not in free)), day


@at_leisure
@given(calendars, days, st.integers(1, 30))
def test_the_nth_working_day_is_the_nth_of_all_that_follow(known: WorkCalendar, start: date, count: int) -> None:
    assert known.after(start, count) == walked(known, start, count)


@at_leisure
@given(calendars, days, st.integers(0, 400), st.sampled_from(["calendar", "months"]))
def test_a_limit_that_ends_on_a_holiday_ends_on_the_next_working_day(
    known: WorkCalendar, start: date, count: int, unit: str
) -> None:
    last = known.deadline(start, count, unit, moves=False)  # type: ignore[arg-type]
    moved = known.deadline(start, count, unit)  # type: ignore[arg-type]
    assert works(known, moved)
    assert not any(works(known, last + timedelta(days=n)) for n in range((moved - last).days))
    if unit == "calendar":
        assert (last - start).days == count


@at_leisure
@given(calendars, days, st.integers(0, 60))
def test_working_days_late_is_how_many_were_let_pass(known: WorkCalendar, due: date, passed: int) -> None:
    today = due + timedelta(days=passed)
    late = known.working_days_late(due, today)
    if late:
        assert walked(known, due, late) <= today < walked(known, due, late + 1)
    assert late == 0 or passed > 0


@at_leisure
@given(days, st.integers(0, 60))
def test_months_keep_the_day_or_end_with_the_month(start: date, count: int) -> None:
    end = months_after(start, count)
    assert (end.year - start.year) * 12 + end.month - start.month == count
    assert end.day == start.day or (end.day < start.day and (end + timedelta(days=1)).day == 1)


@pytest.mark.parametrize(
    ("start", "count", "due"),
    [
        ("2026-02-12", 3, "2026-02-24"),  # Friday, Saturday 14 (worked), holidays to Monday 23
        ("2026-09-30", 1, "2026-10-08"),
        ("2026-10-08", 2, "2026-10-10"),  # a Saturday that is worked
        ("2026-04-30", 3, "2026-05-08"),
        ("2026-11-16", 3, "2026-11-19"),
    ],
)
def test_make_up_saturdays_count_and_holidays_do_not(start: str, count: int, due: str) -> None:
    assert national_calendar().after(date.fromisoformat(start), count) == date.fromisoformat(due)


def test_a_month_from_31_january_ends_with_february_and_moves_over_the_weekend() -> None:
    known = national_calendar()
    assert known.deadline(date(2026, 1, 31), 1, "months") == date(2026, 2, 28)  # a Saturday that is worked
    assert known.deadline(date(2025, 1, 31), 1, "months") == date(2025, 2, 28)
    assert known.deadline(date(2026, 9, 3), 1, "months") == date(2026, 10, 8)


def test_the_offices_days_win_and_its_years_are_known(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(
        'holidays = [2026-11-20, "2027-02-05..2027-02-11"]\nworkdays = [2026-10-01, "2026-11-21"]\nyears = [2027]\n')
    known = load_calendar(tmp_path)
    assert [known.is_working(date(2026, 11, day)) for day in (19, 20, 21, 22)] == [True, False, True, False]
    assert known.is_working(date(2026, 10, 1))
    assert not known.is_working(date(2026, 10, 2))
    assert [known.is_working(date(2027, 2, day)) for day in (4, 5, 11, 12)] == [True, False, False, True]
    assert known.unknown_years(date(2026, 1, 1), date(2029, 1, 1)) == (2028, 2029)


def test_a_year_beyond_both_tables_is_named(tmp_path: Path) -> None:
    last = max(national_calendar().years)
    known = load_calendar(tmp_path)
    assert known.unknown_years(date(last, 12, 30), date(last + 1, 1, 5)) == (last + 1,)
    assert str(last + 1) in str(told_unknown((last + 1,)))
    (tmp_path / FILE_NAME).write_text(f"holidays = [{last + 1}-01-01]\n")  # a day does not make the year complete
    assert load_calendar(tmp_path).unknown_years(date(last + 1, 1, 1), date(last + 1, 1, 1)) == (last + 1,)


def test_the_calendar_that_init_writes_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(NEW_CALENDAR, encoding="utf-8")
    assert load_calendar(tmp_path) == national_calendar()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("holidays = [", "no TOML"),
        ("holiday = []", "holiday"),
        ("holidays = ['2027-02-30']", "2027-02-30"),
        ("holidays = [12]", "12"),
        ("holidays = [2027-02-01T08:00:00]", "2027-02-01 08:00:00"),
        ("holidays = '2027-02-05..2027-02-01'", "2027-02-05..2027-02-01"),
        ("holidays = ['2027-02-05..2037-02-01']", "longer than a year"),
        ("holidays = ['9999-12-31']", "9999-12-31"),
        ("holidays = [2027-01-01]\nworkdays = [2027-01-01]", "2027-01-01 stands under holidays and under workdays"),
        ("years = ['2027']", "years = ['2027']"),
        ("years = 2027", "years = 2027"),
    ],
)
def test_what_is_wrong_in_the_calendar_is_named(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(InputRefused) as refused:
        load_calendar(tmp_path)
    assert told in str(refused.value)
    assert FILE_NAME in str(refused.value)
