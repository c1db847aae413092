"""The command that finds records."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal

import click

from recordkit.cli.base import App, Command, option, pass_app
from recordkit.cli.dates import DATE
from recordkit.cli.i18n import N_


class _SearchCommand(Command):
    """Takes an argument such as ``-合同`` for what it is in a query."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """A minus sign before what begins no option belongs to the query."""
        return super().parse_args(ctx, ["－" + one[1:] if re.match(r"-[^-\x00-\x7f]|-[\"(]", one) else one
                                        for one in args])


@click.command(cls=_SearchCommand, help=N_("Find records by any fragment: a name, half an address, the last digits of "
                                           "a number. AND is a space; OR, NOT, quotes, parentheses, field:value."))
@click.argument("query", nargs=-1, required=True)
@option("--class", "record_class", metavar="CLASS", help=N_("Only this class."))
@option("--year", type=int, help=N_("Only this year."))
@option("--from", "since", type=DATE, metavar="DATE", help=N_("Dated on or after."))
@option("--to", "until", type=DATE, metavar="DATE", help=N_("Dated on or before."))
@option("--field", "field_name",
        help=N_("Search in this field only: title, number, text, or any name that may stand before a colon."))
@option("--sort", type=click.Choice(["relevance", "date", "code"]), default="relevance", help=N_("Order of hits."))
@option("--limit", type=click.IntRange(0, 1_000_000_000), default=20, metavar="N", help=N_("Hits shown; 0 for all."))
@option("--offset", type=click.IntRange(0, 1_000_000_000), default=0, metavar="N", help=N_("Hits passed over."))
@option("--facets", is_flag=True, help=N_("Count hits by class, year, form, period and status."))
@pass_app
def search(
    app: App, query: tuple[str, ...], record_class: str | None, year: int | None, since: date | None,
    until: date | None, field_name: str | None,
    sort: Literal["relevance", "date", "code"], limit: int, offset: int, facets: bool,
) -> None:
    """Search and print."""
    from recordkit.archive.search.service import SearchRequest
    from recordkit.cli.hits import print_answer

    request = SearchRequest(
        text=" ".join(query),
        field=field_name,
        record_class=record_class,
        year=year,
        since=since,
        until=until,
        sort=sort,
        limit=limit or None,
        offset=offset,
        facets=facets,
    )
    with app.reading() as workspace:
        print_answer(app, workspace, request)
