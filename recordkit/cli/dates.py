"""Dates as people type them, and moments as they read them."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

import click

from recordkit.cli.i18n import tr

_FORMS = ("YYYY-MM-DD", "YYYY-M-D", "YYYY/M/D", "YYYY.M.D", "YYYYMMDD", "YYYY年M月D日")


class DateType(click.ParamType[date]):
    """A day: 2026-11-20, 2026/11/20, 2026.11.20, 20261120 or 2026年11月20日."""

    name = "date"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Parse, or fail with the forms that are understood."""
        if isinstance(value, date):
            return value
        import arrow

        try:
            return arrow.get(str(value).strip(), list(_FORMS)).date()
        except (arrow.parser.ParserError, ValueError):
            self.fail(tr("{value} is no date; write it like 2026-11-20.").format(value=value), param, ctx)


DATE = DateType()


class MonthType(click.ParamType[tuple[date, date]]):
    """A month as its first and last day: 2026-11, 2026/11, 202611 or 2026年11月."""

    name = "month"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[date, date]:
        """Parse, or fail with the form that is understood."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"([0-9]{4})(?:[-/.年]?)([0-9]{1,2})月?", str(value).strip())
        if found is None or not 1 <= int(found[2]) <= 12 or not 1900 <= int(found[1]) < 9999:
            self.fail(tr("{value} is no month; write it like 2026-11.").format(value=value), param, ctx)
        year, month = int(found[1]), int(found[2])
        following = date(year + month // 12, month % 12 + 1, 1)
        return date(year, month, 1), following - timedelta(days=1)


MONTH = MonthType()


def month_before(day: date) -> tuple[date, date]:
    """First and last day of the newest month that is over."""
    last = day.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def local_time(stamp: object) -> str:
    """A moment (ISO 8601, UTC) as clocks of this machine show it, to the minute; else as it stands.

    ``2026-11-20T07:03:09Z`` is ``2026-11-20 15:03`` in China. For people only: JSON and files have UTC.
    """
    try:
        moment = datetime.fromisoformat(str(stamp))
        # Without its zone it is no moment: nobody knows which clock it was read from.
        return str(stamp) if moment.tzinfo is None else f"{moment.astimezone():%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        return str(stamp)
