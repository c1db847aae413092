"""Command mend: what is damaged in the store comes back out of a copy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, Command, dry_run_option, option, pass_app, system_user
from recordkit.cli.i18n import N_, tr
from recordkit.cli.plans import close_plan
from recordkit.cli.progress import Progress
from recordkit.errors import RefusedByRule
from recordkit.messages import listed, msg

if TYPE_CHECKING:
    from recordkit.copies.mending import Mended

_SHOWN = 20


@click.command(cls=Command, help=N_(
    "Bring back what is damaged in the store and whole in its copy FROM: entries of the ledger, records, notes, data "
    "of documents. Nothing else is touched; the damaged ledger is kept in outbox/. Begin with --dry-run."))
@click.argument("source", metavar="FROM", type=click.Path(path_type=Path, file_okay=False))
@option("--accept-loss", is_flag=True,
        help=N_("When entries of the ledger are in no copy: end it before them, and enter that it was shortened. Last "
                "resort; what the lost entries said has to be done again."))
@dry_run_option
@pass_app
def mend(app: App, source: Path, accept_loss: bool, dry_run: bool) -> int:
    """Mend; exit 7 when something is still damaged."""
    from recordkit.copies.mending import mend_store
    from recordkit.settings import load_settings

    if app.as_of is not None and not load_settings(app.store).store.simulation:
        raise RefusedByRule(msg("--as-of only computes; an act in a real archive bears its real date."))
    with Progress(app, tr("Reading the archive again"), 0) as progress:
        done = mend_store(app.store, source, app.clock(), app.actor or system_user(), accept_loss=accept_loss,
                          dry_run=dry_run, progress=progress.of)
    if app.json:
        app.print_json(done.plain())
    else:
        _tell(app, done)
    return 7 if done.left else 0


def _tell(app: App, done: Mended) -> None:
    if done.fetched or done.kept:
        first = done.entries - done.fetched + 1
        if done.given_up:
            app.say(msg("Ledger: would end after entry {last}, and a new entry would say so.", last=done.entries)
                    if done.dry_run else
                    msg("Ledger: whole; it ends after entry {last}, and a new entry says so.", last=done.entries - 1))
        else:
            app.say(msg("Ledger: whole again with {entries} entries; from entry {first} on put together out of store "
                        "and copy.", entries=done.entries, first=first) if not done.dry_run else
                    msg("Ledger: would be whole again with {entries} entries; from entry {first} on put together out "
                        "of store and copy. The records are looked at when it is.", entries=done.entries, first=first))
        if not done.dry_run:
            app.say(msg("The damaged one was kept as it was: {folder}", folder=done.kept))
    else:
        app.say(msg("Ledger: whole, {entries} entries.", entries=done.entries))
    if done.given_up:
        app.say(msg("{count} entries were given up as lost. Repeat what they did; 'recordkit verify' names the records "
                    "that the ledger no longer knows.", count=done.given_up))
    if done.records:
        codes = listed(done.records, 5)
        app.say(msg("{count} records would be brought back whole: {codes}", count=len(done.records), codes=codes)
                if done.dry_run else
                msg("{count} records brought back whole: {codes}", count=len(done.records), codes=codes))
    if done.notes:
        app.say(msg("{count} notes would be brought back.", count=done.notes) if done.dry_run
                else msg("{count} notes brought back.", count=done.notes))
    if done.documents:
        app.say(msg("Data of documents in the copy: {numbers}", numbers=listed(done.documents, 5)))
    if done.found:
        codes = listed(done.found, 5)
        app.say(msg("Written off as lost, and whole again; that would be entered: {codes}", codes=codes)
                if done.dry_run else msg("Written off as lost, and whole again; that was entered: {codes}",
                                         codes=codes))
    if done.lost:
        app.say(msg("Written off as lost, and not in this copy: {codes}", codes=listed(done.lost, 5)))
    if done.left:
        app.say(msg("Still damaged:"))
        for one in done.left[:_SHOWN]:
            app.say(msg("  {code} {place}: {reason}", code=one.code, place=one.place, reason=one.reason))
        app.say(msg("Try another copy with the same command. Nothing that is there was touched. What no copy has is "
                    "registered as lost: recordkit lost register RECORD --copy COPY --reason TEXT"))
    if done.dry_run:
        close_plan(app, any_left=bool(done.fetched or done.kept or done.records or done.notes))
    elif not done.left:
        app.say(msg("Check every byte with 'recordkit verify', and the ledger with 'recordkit ledger verify'."))
