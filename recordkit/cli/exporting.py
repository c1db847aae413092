"""``catalogue export``: the printed set, as files that are ready to be signed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from recordkit.cli.base import App, Command, option, pass_app
from recordkit.cli.i18n import N_, tr, tr_list
from recordkit.cli.progress import Progress
from recordkit.cli.saving import stream_naming
from recordkit.cli.selecting import selection_of, selection_options
from recordkit.errors import WrongUsage
from recordkit.messages import listed, msg

if TYPE_CHECKING:
    from recordkit.archive.listings.output import Format
    from recordkit.archive.listings.shape import Listing, Part, Row
    from recordkit.archive.selection import Selection
    from recordkit.workspace import Workspace

KINDS = ("items", "volume", "volumes", "transfer", "notes", "covers")
_NAMES = {"归档文件目录": "items", "卷内文件目录": "volume", "案卷目录": "volumes", "移交登记表": "transfer",
          "卷内备考表": "notes", "案卷封面": "covers"}


class _KindType(click.Choice[str]):
    """A kind, also by the Chinese name of what is printed."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The kind by its name, or fail with those that are known."""
        kind = _NAMES.get("".join(value.split()), value)
        if kind not in KINDS:
            known = tr_list(f"{known} ({name})" for name, known in _NAMES.items())
            self.fail(tr("{value} is none of: {known}.").format(value=value, known=known), param, ctx)
        return kind


@click.command("export", cls=Command, help=N_(
    "Write a listing as the standards print it: items (归档文件目录), volume (卷内文件目录), volumes (案卷目录), "
    "transfer (移交登记表), notes (卷内备考表), covers (案卷封面)."))
@option("--kind", type=_KindType(KINDS), required=True,
        help=N_("What to print; its Chinese name is understood, too."))
@option("--format", "file_format", type=click.Choice(("xlsx", "docx", "csv", "json")),
        help=N_("How the file is written (default: as its ending says)."))
@option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE",
        help=N_("The file to write."))
@selection_options
@option("--together", is_flag=True, help=N_("One catalogue of all, not one for each year, period and office."))
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@pass_app
def catalogue_export(app: App, /, kind: str, file_format: str | None, out: Path, force: bool, together: bool,
           **given: object) -> None:
    """Choose the records, make the listing, write it whole or not at all."""
    from recordkit.archive.listings.output import write_listing
    from recordkit.archive.listings.shape import RESTRICTED, restricted_in
    from recordkit.archive.selection import Selection, selected_volumes

    written = _format_of(out, file_format)
    if together and kind != "items":
        raise WrongUsage(msg("{option} goes with --kind {kinds}.", option="--together", kinds="items"))
    if given["status"] != "active" and kind in ("transfer", "notes", "covers"):
        raise WrongUsage(msg("{option} goes with --kind {kinds}.", option=f"--status {given['status']}",
                             kinds=listed(("items", "volume", "volumes"))),
                         msg("Destroyed records are never handed over; their registers are records of their own."))
    with app.reading() as workspace:
        selection = selection_of(workspace, given)
        listing = listing_of(workspace, kind, selection, together=together)
        with (stream_naming(app, out, listing.records(), force=force) as stream,
              Progress(app, tr("Writing rows"), listing.count) as progress):
            write_listing(workspace, counting(listing, progress), written, stream)
        chosen = [selection]
        if kind == "volume":
            chosen = [Selection(volume=one) for one in selected_volumes(workspace.db, selection)]
        hidden = sum(restricted_in(workspace, one) for one in chosen) if kind in ("items", "transfer", "volume") else 0
    _tell(app, listing, out)
    if hidden:
        app.say(tr("Restricted records whose titles were printed as {mark}: {count}. Whoever holds a role that may see "
                   "them prints the titles with --as.").format(mark=RESTRICTED, count=hidden))


def counting(listing: Listing, progress: Progress) -> Listing:
    """The same listing, each row told as it is made."""
    done = itertools.count(1)

    def counted(part: Part) -> Iterator[Row]:
        for row in part.rows():
            yield row
            progress(next(done))

    return replace(listing, parts=tuple(replace(one, rows=partial(counted, one)) for one in listing.parts))


def listing_of(workspace: Workspace, kind: str, selection: Selection, *, together: bool) -> Listing:
    """The listing of a kind; errors as those of ``archive.listings``."""
    from recordkit.archive.losses import with_losses
    from recordkit.retention.order_state import decided_remarks

    decided = with_losses(workspace.db, decided_remarks(workspace.db))
    if kind in ("volume", "volumes", "notes", "covers"):
        from recordkit.archive.listings import volumes

        if kind == "volume":
            return volumes.volume_listing(workspace, selection, decided, destroyed=selection.status != "active")
        made = {"volumes": volumes.volumes_listing, "notes": volumes.notes_listing, "covers": volumes.covers_listing}
        return made[kind](workspace, selection)
    if kind == "transfer":
        from recordkit.archive.listings.transfer import transfer_listing

        return transfer_listing(workspace, selection, decided)
    from recordkit.archive.listings.items import items_listing

    return items_listing(workspace, selection, decided, together=together)


def _format_of(out: Path, named: str | None) -> Format:
    """How the file is written.

    Raises:
        WrongUsage: neither its ending nor --format says it, or they disagree.
    """
    from recordkit.archive.listings.output import FORMATS

    ending = out.suffix.lower().removeprefix(".")
    if ending in FORMATS and named not in (None, ending):
        raise WrongUsage(msg("{file} ends in .{ending}, but --format says {format}.", file=str(out), ending=ending,
                             format=str(named)), msg("Leave one of them out."))
    if named is None and ending not in FORMATS:
        raise WrongUsage(msg("{file} does not end in {endings}.", file=str(out),
                             endings=listed(f".{one}" for one in FORMATS)),
                         msg("Give the file one of these endings, or say --format."))
    return cast("Format", named or ending)


def _tell(app: App, listing: Listing, out: Path) -> None:
    from recordkit.archive.listings.output import plain_part

    parts = [plain_part(one) for one in listing.parts]
    if app.json:
        app.print_json({"kind": listing.look.kind, "title": listing.look.title, "path": str(out), "items": parts,
                        "total": listing.count})
        return
    if not listing.look.columns:  # one sheet for each volume, which lists nothing
        app.say(tr("Written: {file} ({title}, volumes: {parts}).").format(file=out, title=listing.look.title,
                                                                         parts=len(parts)))
        return
    app.say(tr("Written: {file} ({title}, rows: {count}, catalogues: {parts}).").format(
        file=out, title=listing.look.title, count=listing.count, parts=len(parts)))
