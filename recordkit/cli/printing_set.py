"""``catalogue print``: the whole printed set of a year, or of what else is chosen, in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from recordkit.cli.base import App, Command, option, pass_app
from recordkit.cli.exporting import KINDS, counting, listing_of
from recordkit.cli.i18n import N_, tr
from recordkit.cli.progress import Progress
from recordkit.cli.saving import stream_naming
from recordkit.cli.selecting import selection_of, selection_options
from recordkit.cli.standing import again_with
from recordkit.errors import InputRefused, NotFound, WrongUsage
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.archive.listings.output import Format

_OF_VOLUMES = ("volume", "volumes", "notes", "covers")


@click.command("print", cls=Command, help=N_(
    "Write the whole set into a folder: 归档文件目录, 案卷目录, 卷内文件目录, 卷内备考表, 案卷封面, 移交登记表."))
@option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, metavar="FOLDER",
        help=N_("The folder; it is made where there is none."))
@option("--format", "file_format", type=click.Choice(("docx", "xlsx")), default="docx", show_default=True,
        help=N_("How the files are written."))
@selection_options
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@pass_app
def catalogue_print(app: App, /, out: Path, file_format: str, force: bool, **given: object) -> None:
    """Make every listing, then write each whole or not at all; volumes only where there are any."""
    from recordkit.archive.listings.output import write_listing

    if given["status"] != "active":
        raise WrongUsage(msg("Only records in the archive are printed as a set."), msg("Leave --status out."))
    written: list[dict[str, object]] = []
    with app.reading() as workspace:
        selection = selection_of(workspace, given)
        listings = {}
        for kind in KINDS:
            try:
                listings[kind] = listing_of(workspace, kind, selection, together=False)
            except NotFound:
                if kind not in _OF_VOLUMES:
                    raise
        named = {kind: out / f"{one.look.title}.{file_format}" for kind, one in listings.items()}
        there = next((one for one in named.values() if one.exists()), None)
        if there is not None and not force:
            raise InputRefused(msg("The file {file} exists already.", file=str(there)),
                               msg("Overwrite it with --force."))
        for kind, listing in listings.items():
            with (again_with(*(["--force"] if written else [])),
                  stream_naming(app, named[kind], listing.records(), force=force) as stream,
                  Progress(app, listing.look.title, listing.count) as progress):
                write_listing(workspace, counting(listing, progress), cast("Format", file_format), stream)
            written.append({"kind": kind, "title": listing.look.title, "path": str(named[kind]),
                            "rows": listing.count})
    app.print_items(written, [("title", N_("Title")), ("rows", N_("Rows")), ("path", N_("File"))])
    if not app.json and len(listings) < len(KINDS):
        app.say(tr("None of these records lies in a volume: what belongs to volumes was not written."))
