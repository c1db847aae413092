"""Dates as people type them."""

from __future__ import annotations

from datetime import date

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
