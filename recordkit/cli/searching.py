"""The command that finds records."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal

import click

from recordkit.cli.base import App, Command, option, pass_app
from recordkit.cli.dates import DATE
from recordkit.cli.i18n import N_, tr
from recordkit.cli.tables import columns_of

_EXAMPLES = (
    ("张三 换表", N_("both words, wherever they stand")),
    ("供合2026", N_("a number, with its brackets or without")),
    ("1101", N_("the end of a meter number")),
    ("户名:张三", N_("in one field; fields of forms too")),
    ("日期:2026-01..2026-06", N_("from one day, month or year to another")),
    ("类别:供用水合同 年度:2026", N_("of one class and one year")),
    ("（逾龄 OR 停滞行） NOT 已换", N_("one of them, but not this")),
    ("“甲 OR 乙”", N_("the text itself")),
    ("'户名:欧* 地址:*号'", N_("begins with it, ends with it")),
    ("供水单位~", N_("one character may be wrong, as in scans")),
    ("zs", N_("pinyin: a whole name or its initials")),
    ("pinyin:zhang", N_("pinyin: a part of a name or a title")),
)


class _SearchCommand(Command):
    """Shows examples before the options, and takes an argument such as ``-合同`` for what it is in a query."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help, then what a query may look like."""
        super().format_help_text(ctx, formatter)
        with formatter.section(tr("Examples, each behind recordkit search")):
            wide = max(columns_of(query) for query, _ in _EXAMPLES)
            for query, said in _EXAMPLES:
                formatter.write(f"  {query}{' ' * (wide - columns_of(query))}  {tr(said)}\n")

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
