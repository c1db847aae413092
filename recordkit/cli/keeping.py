"""Commands that keep the store safe: backup, restore."""

from __future__ import annotations

from pathlib import Path

import click

from recordkit.cli.base import App, Command, option, pass_app, system_user
from recordkit.cli.i18n import N_, tr
from recordkit.cli.progress import Progress
from recordkit.messages import msg


@click.command(cls=Command, help=N_("Bring a copy of the store in another folder up to date."))
@option("--to", "target", type=click.Path(path_type=Path, file_okay=False), required=True, metavar="DIR",
        help=N_("Folder of the copy, on another disk."))
@option("--thin-out", is_flag=True,
        help=N_("Also remove what the store no longer has when that is more than half of the copy."))
@pass_app
def backup(app: App, target: Path, thin_out: bool) -> int:
    """Copy what changed; exit 4 when the store lacks objects."""
    from recordkit.backup import make_backup, plain

    with app.reading() as workspace, Progress(app, tr("Copying (files)"), 0) as progress:
        done = make_backup(workspace, target, thin_out=thin_out, progress=progress)
    if app.json:
        app.print_json(plain(done))
    else:
        app.say(msg("{copied} files copied ({size:.1f} MB), {unchanged} unchanged, {removed} removed; the copy knows "
                    "{entries} entries of the ledger.", copied=done.copied, size=done.bytes / 1e6,
                    unchanged=done.unchanged, removed=done.removed, entries=done.entries))
        for record_id in done.missing:
            app.say(msg("The store has no object of record {id}; the copy keeps what it has of it. Run 'recordkit "
                        "verify'.", id=record_id))
    return 4 if done.missing else 0


@click.command(cls=Command, help=N_("Make a store from a copy, without what was destroyed since."))
@click.argument("source", metavar="FROM", type=click.Path(path_type=Path, file_okay=False))
@option("--ledger", type=click.Path(path_type=Path, file_okay=False), required=True, metavar="NEWEST",
        help=N_("Folder of the newest ledger: of the old store, or of a later copy."))
@pass_app
def restore(app: App, source: Path, ledger: Path) -> int:
    """Restore into the folder of --store; exit 4 when records filed after the copy are lost."""
    from recordkit.backup import plain, restore_backup

    with Progress(app, tr("Restoring (files)"), 0) as progress:
        done = restore_backup(source, ledger, app.store, app.clock(), app.actor or system_user(), progress=progress)
    if app.json:
        app.print_json(plain(done))
        return 4 if done.lost else 0
    app.say(msg("{records} records are back; {destroyed} that were destroyed after the copy was made are gone again.",
                records=done.records, destroyed=done.destroyed))
    if done.lost:
        app.say(msg("{count} records were filed after the copy was made and are lost: {codes}", count=len(done.lost),
                    codes=done.lost[:20]))
    app.say(msg("Check every byte with 'recordkit verify', and the ledger with 'recordkit ledger verify'."))
    return 4 if done.lost else 0
