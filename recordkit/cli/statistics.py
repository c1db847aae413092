"""The archive in numbers."""

from __future__ import annotations

from pathlib import Path

import click

from recordkit.cli.base import App, Command, next_step_of, option, pass_app
from recordkit.cli.i18n import N_, tr
from recordkit.cli.progress import Progress
from recordkit.errors import MissingPart, WrongUsage
from recordkit.messages import msg


@click.command(cls=Command, help=N_("What the archive holds: by class, year and period, growth, storage, what waits."))
@option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
        help=N_("Write the statistics: .docx, .json, or .png (one page of charts)."))
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@pass_app
def stats(app: App, out: Path | None, force: bool) -> None:
    """Count, print, write."""
    from recordkit.archive.listings.shape import told_period
    from recordkit.retention.holdings import (
        holdings_file,
        holdings_of,
        holdings_picture,
        plain_holdings,
    )

    kind = out.suffix.lower().removeprefix(".") if out is not None else ""
    if kind not in ("", "docx", "json", "png"):
        raise WrongUsage(msg("{file} must end in .docx, .json or .png.", file=str(out)))
    with app.reading() as workspace, Progress(app, tr("Counting"), 0):
        found = holdings_of(workspace, app.today)
    if out is not None:
        picture = None
        if kind != "json":
            try:
                with Progress(app, tr("Drawing the charts"), 0):
                    picture = holdings_picture(found, beside_tables=kind == "docx")
            except MissingPart as missing:
                if kind == "png":
                    raise
                app.say(msg("The report has no chart: {what} {todo}", what=missing.what,
                            todo=next_step_of(missing) or ""))
        app.save(out, picture if kind == "png" and picture else holdings_file(found, kind, picture), force=force)
    if app.json:
        app.print_json({**plain_holdings(found), "out": str(out) if out else None})
        return
    if found.classes:
        app.print_table([[one.name, one.records, one.pages, one.destroyed] for one in found.classes],
                        [N_("Class of records"), N_("Number of records"), N_("Pages"), N_("Destroyed")])
        years = sorted({*found.years, *found.filed})
        app.print_table([[year, found.years.get(year, 0), found.filed.get(year, 0)] for year in years],
                        [N_("Year"), N_("Number of records"), N_("Filed in the year")])
        app.print_table([[told_period(one), count] for one, count in found.periods.items()],
                        [N_("Period"), N_("Number of records")])
    review = found.review.get
    sizes = found.storage
    app.print_pairs([
        (N_("Records held"), found.records), (N_("Pages"), found.pages), (N_("Destroyed"), found.destroyed),
        (N_("Due for appraisal"), review("due", 0)), (N_("On hold"), review("held", 0)),
        (N_("Waiting for an event"), review("waiting", 0) - found.unexplained),
        (N_("Waiting for the meaning of an old term"), found.unexplained), (N_("Not due"), review("not-due", 0)),
        (N_("Permanent"), review("permanent", 0)),
        (N_("Documents out, paper not filed"), found.issues.get("issued", 0)),
        (N_("Papers that wait for a person"), found.unmatched), (N_("Files in quarantine"), found.quarantined),
        (N_("Written off as lost"), found.lost),
        (N_("Papers and attachments"), _mb(sizes.papers)), (N_("Catalogue"), _mb(sizes.catalogue)),
        (N_("Search index"), _mb(sizes.index)), (N_("Ledger"), _mb(sizes.ledger)),
    ])
    if out is not None:
        app.say(tr("The report is in {file}.").format(file=out))


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
