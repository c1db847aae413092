"""``catalogue export``: the printed set, as files that are ready to be signed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import click

from recordkit.cli.base import App, Command, option, pass_app
from recordkit.cli.dates import DATE
from recordkit.cli.i18n import N_, tr
from recordkit.errors import InputRefused, WrongUsage
from recordkit.messages import listed, msg

if TYPE_CHECKING:
    from recordkit.archive.listings.output import Format
    from recordkit.archive.listings.shape import Listing
    from recordkit.archive.selection import Selection
    from recordkit.workspace import Workspace

KINDS = ("items", "volume", "volumes", "transfer", "notes", "covers")


@click.command("export", cls=Command, help=N_(
    "Write a listing as the standards print it: items (归档文件目录), volume (卷内文件目录), volumes (案卷目录), "
    "transfer (移交登记表), notes (卷内备考表), covers (案卷封面)."))
@option("--kind", type=click.Choice(KINDS), required=True, help=N_("What to print."))
@option("--format", "file_format", type=click.Choice(("xlsx", "docx", "csv", "json")),
        help=N_("How the file is written (default: as its ending says)."))
@option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE",
        help=N_("The file to write."))
@option("--class", "record_class", metavar="CLASS", help=N_("Records of this class."))
@option("--form", metavar="FORM", help=N_("Records of this form."))
@option("--year", type=int, metavar="YEAR", help=N_("Records of this year."))
@option("--period", metavar="CODE", help=N_("Records of this period: Y, D30, D10."))
@option("--from", "since", type=DATE, metavar="DATE", help=N_("Records of this day or later."))
@option("--to", "until", type=DATE, metavar="DATE", help=N_("Records of this day or earlier."))
@option("--box", metavar="BOX", help=N_("Records whose paper lies in this box."))
@option("--account", metavar="ACCOUNT", help=N_("Records of this account."))
@option("--volume", metavar="VOLUME", help=N_("Records of this volume; volume listings of it alone."))
@option("--destroyed", is_flag=True, help=N_("Destroyed records, too: their codes and the register that has them."))
@option("--together", is_flag=True, help=N_("One catalogue of all, not one for each year, period and office."))
@option("--force", is_flag=True, help=N_("Overwrite a file that exists."))
@pass_app
def export(app: App, kind: str, file_format: str | None, out: Path, force: bool, together: bool, destroyed: bool,
           record_class: str | None, form: str | None, year: int | None, period: str | None, since: date | None,
           until: date | None, box: str | None, account: str | None, volume: str | None) -> None:
    """Choose the records, make the listing, write it whole or not at all."""
    from recordkit.archive.classes import load_scheme
    from recordkit.archive.listings.output import write_listing
    from recordkit.archive.selection import Selection

    written = _format_of(out, file_format)
    if together and kind != "items":
        raise WrongUsage(msg("{option} goes with --kind {kinds}.", option="--together", kinds="items"))
    if destroyed and kind in ("transfer", "notes", "covers"):
        raise WrongUsage(msg("{option} goes with --kind {kinds}.", option="--destroyed",
                             kinds=listed(("items", "volume", "volumes"))),
                         msg("Destroyed records are never handed over; their registers are records of their own."))
    with app.reading() as workspace:
        if record_class is not None:
            load_scheme(workspace.root).get(record_class)
        volume_id = None
        if volume is not None:
            from recordkit.archive.volumes import find_volume

            volume_id = find_volume(workspace, volume).volume_id
        selection = Selection(record_class=record_class, form=form, year=year, period=period, since=since, until=until,
                              box=box, account=account, volume=volume_id, status=None if destroyed else "active")
        listing = _listing(workspace, kind, selection, together=together)
        with _saving(app, out, listing.records(), force=force) as stream:
            write_listing(workspace, listing, written, stream)
    _tell(app, listing, out)


def _listing(workspace: Workspace, kind: str, selection: Selection, *, together: bool) -> Listing:
    from recordkit.retention.order_state import decided_remarks

    decided = decided_remarks(workspace.db)
    if kind in ("volume", "volumes", "notes", "covers"):
        from recordkit.archive.listings import volumes

        if kind == "volume":
            return volumes.volume_listing(workspace, selection, decided, destroyed=selection.status is None)
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


@contextmanager
def _saving(app: App, out: Path, records: Iterable[str], *, force: bool) -> Iterator[BinaryIO]:
    """A stream into the file; in the store's outbox it is kept so that the destruction of a record finds it.

    Raises:
        InputRefused: it exists and ``force`` is false.
        WrongUsage: it would lie in the store, but not in its outbox.
    """
    from recordkit import files
    from recordkit.retention.lists import writing_list

    place, store = out.resolve(), app.store.resolve()
    if place.is_relative_to(store) and not place.is_relative_to(store / "outbox"):
        raise WrongUsage(msg("{file} lies inside the store, where only the outbox takes lists.", file=str(out)),
                         msg("Choose the folder {folder}, or one outside the store.", folder=str(app.store / "outbox")))
    try:
        if place.is_relative_to(store):
            with writing_list(place, records, overwrite=force) as stream:
                yield stream
        else:
            with files.writing(place, overwrite=force) as stream:
                yield stream
    except FileExistsError:
        raise InputRefused(msg("The file {file} exists already.", file=str(out)),
                           msg("Overwrite it with --force.")) from None


def _tell(app: App, listing: Listing, out: Path) -> None:
    from recordkit.archive.listings.output import plain_part

    parts = [plain_part(one) for one in listing.parts]
    if app.json:
        app.print_json({"kind": listing.look.kind, "title": listing.look.title, "path": str(out), "items": parts,
                        "total": listing.count})
        return
    app.say(tr("Written: {file} ({title}, rows: {count}, catalogues: {parts}).").format(
        file=out, title=listing.look.title, count=listing.count, parts=len(parts)))
