"""The command that finds records."""

from __future__ import annotations

import os
import re
import sys
import time
from datetime import date
from typing import TYPE_CHECKING, Literal

import click

from recordkit.cli.base import App, Command, columns_of, option, pass_app
from recordkit.cli.dates import DATE
from recordkit.cli.i18n import N_, tr

if TYPE_CHECKING:
    from recordkit.archive.search.service import Found


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
@option("--limit", type=click.IntRange(0), default=20, metavar="N", help=N_("Hits shown; 0 for all."))
@option("--offset", type=click.IntRange(0), default=0, metavar="N", help=N_("Hits passed over."))
@option("--facets", is_flag=True, help=N_("Count hits by class, year and form."))
@pass_app
def search(
    app: App, query: tuple[str, ...], record_class: str | None, year: int | None, since: date | None,
    until: date | None, field_name: str | None,
    sort: Literal["relevance", "date", "code"], limit: int, offset: int, facets: bool,
) -> None:
    """Search and print."""
    from recordkit.archive.search.service import SearchRequest, search_records

    started = time.monotonic()
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
        result = search_records(workspace, request)
    if app.json:
        app.print_json({
            "items": [_plain_hit(one) for one in result.items],
            "total": result.total,
            "facets": result.facets,
            "took_ms": round((time.monotonic() - started) * 1000, 1),
        })
        return
    for one in result.items:
        _print_hit(one)
    for name, counts in result.facets.items():
        click.echo(f"{tr(name)}: " + ", ".join(f"{key} {count}" for key, count in counts.items()))
    app.say(tr("{total} record(s) found.").format(total=result.total))


def _plain_hit(one: Found) -> dict[str, object]:
    record = one.record
    return {
        "record_id": record.record_id,
        "code": record.code,
        "title": record.title,
        "date": record.date,
        "record_class": record.record_class,
        "number": record.number,
        "score": one.score,
        "pages": list(one.pages),
        "attachment_pages": _attachment_pages(one),
        "snippet": one.snippet,
    }


def _attachment_pages(one: Found) -> list[dict[str, object]]:
    """Where those of the hit's pages lie that are counted on behind the paper's own."""
    from recordkit.archive.attachments import place_of

    places = [(page, *place_of(one.record, page)) for page in one.pages if page > one.record.pages]
    return [{"page": page, "attachment": number, "attachment_page": inside} for page, number, inside in places]


def _print_hit(one: Found) -> None:
    record = one.record
    own = [str(page) for page in one.pages if page <= record.pages]
    pages = tr("p. {pages}").format(pages=", ".join(own)) if own else ""
    inside: dict[object, list[str]] = {}
    for place in _attachment_pages(one):
        inside.setdefault(place["attachment"], []).append(str(place["attachment_page"]))
    for number, some in inside.items():
        pages += "  " + tr("attachment {number} p. {pages}").format(number=number, pages=", ".join(some))
    head = click.style(record.title, bold=True)
    click.echo(f"{record.code}  {head}  {record.date}  {record.number or ''}  {pages}".rstrip())
    if one.snippet:
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        start, end = ("\x1b[1;33m", "\x1b[0m") if colour else ("【", "】")
        click.echo("    " + one.snippet.replace("\u2068", start).replace("\u2069", end))
