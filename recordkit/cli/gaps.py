"""Item numbers that no record has."""

from __future__ import annotations

import click

from recordkit.cli.base import App, Command, option, pass_app
from recordkit.cli.i18n import N_, tr


@click.command("gaps", cls=Command,
               help=N_("Item numbers (件号) that no record has, destroyed ones counted; no errors, but an inspection "
                       "asks about them."))
@option("--year", type=click.IntRange(1, 9999), metavar="Y", help=N_("Only where records of this year stand."))
@option("--class", "record_class", metavar="C", help=N_("Only where records of this class stand."))
@pass_app
def catalogue_gaps(app: App, year: int | None, record_class: str | None) -> None:
    """List them as ranges, by lowest class."""
    from recordkit.archive.archival_code import find_gaps
    from recordkit.archive.classes import load_scheme

    with app.reading() as workspace:
        class_id = None if record_class is None else load_scheme(workspace.root).get(record_class).id
        found = list(find_gaps(workspace.db, year=year, record_class=class_id))
    missing = sum(one.count for one in found)
    if app.json:
        app.print_items([{"scope": one.scope, "first": one.first, "last": one.last, "count": one.count,
                          "after": one.after, "before": one.before} for one in found], [], missing=missing)
        return
    items = [{"missing": str(one.first) if one.count == 1 else f"{one.first}-{one.last}", "count": one.count,
              "after": one.after, "before": one.before} for one in found]
    if not items:
        app.say(tr("No item number is missing."))
        return
    app.print_items(items, [("missing", N_("Missing")), ("count", N_("Count")), ("after", N_("Previous code")),
                            ("before", N_("Next code"))])
    app.say(tr("{count} item numbers are missing; numbering goes on behind the last one.").format(count=missing))
