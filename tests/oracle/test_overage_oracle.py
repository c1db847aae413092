"""Which meters are due, reckoned a second time by counting days and by a hand-written table."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

from recordkit.settings import MetersSection
from recordkit.templates.forms import load_form
from recordkit.templates.overage import due_date, find_due
from recordkit.templates.rows import read_rows

FORM = load_form(None, "meter-change-notice").spec
YEARS = {"DN15": 6, "DN20": 6, "DN25": 6, "DN32": 4, "DN40": 4, "DN50": 4, "DN65": 2, "DN80": 2, "DN100": 2, "DN300": 2}
DAYS = st.dates(date(2000, 1, 1), date(2040, 12, 31))
LEAP = st.sampled_from([date(2020, 2, 29), date(2024, 2, 29), date(2023, 2, 28), date(2020, 3, 1), date(2022, 12, 31)])


def is_within(start: date, years: int, day: date) -> bool:
    """Whether ``day`` still lies in the period, month by month as 民法典 art. 202 counts it."""
    months = (day.year - start.year) * 12 + day.month - start.month
    if months != years * 12:
        return months < years * 12
    last = (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return day.day <= min(start.day, last.day)


@given(DAYS | LEAP, st.integers(1, 50))
def test_the_due_date_is_the_last_day_within_the_period(start: date, years: int) -> None:
    end = due_date(start, years)
    assert end == start + relativedelta(years=years)
    assert is_within(start, years, end)
    assert not is_within(start, years, end + timedelta(days=1))


METERS = st.lists(
    st.tuples(
        st.sampled_from(sorted(YEARS)),
        st.dates(date(2016, 1, 1), date(2026, 12, 31)) | LEAP,
        st.sampled_from(["", "2.5", "15.999", "16", "16.001", "25", "160"]),
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=150, deadline=None)
@given(METERS, st.dates(date(2022, 1, 1), date(2028, 12, 31)) | LEAP, st.sampled_from([0, 1, 30, 364, 365, 3650]))
def test_exactly_the_meters_at_the_end_of_their_period_are_listed(
    meters: list[tuple[str, date, str]], as_of: date, within: int
) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["表号", "口径", "检定日期", "Q3"])
    expected, later = set(), set()
    for at, (calibre, day, q3) in enumerate(meters):
        writer.writerow([f"S{at}", calibre, day.isoformat(), q3])
        years = min(YEARS[calibre], 2) if q3 in ("16.001", "25", "160") else YEARS[calibre]
        if day > as_of:
            later.add(at + 2)
        elif not is_within(day, years, as_of + timedelta(days=within) + timedelta(days=1)):
            expected.add(f"S{at}")
    source = read_rows(io.BytesIO(out.getvalue().encode()), kind="csv")
    found = find_due(FORM, source, MetersSection(), as_of, within)
    assert {one.values["old_meter_no"] for one in found.meters} == expected
    assert {one.row for one in found.refused} == later
    assert [one.due for one in found.meters] == sorted(one.due for one in found.meters)
