"""Commands that keep the store safe: backup, restore."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, Command, dry_run_option, option, pass_app, system_user
from recordkit.cli.dates import local_time
from recordkit.cli.i18n import N_, tr
from recordkit.cli.plans import Step, print_plan
from recordkit.cli.progress import Progress
from recordkit.cli.standing import standing
from recordkit.errors import WrongUsage
from recordkit.messages import Message, msg

if TYPE_CHECKING:
    from recordkit.copies.backup import Backup
    from recordkit.copies.restore import Restored

_SHOWN = 20
_DOOMS = {
    "destroyed": N_("was destroyed"),
    "batch": N_("a scan with a paper in it that was destroyed"),
    "shows": N_("shows a document that was destroyed"),
    "dropped": N_("was given up"),
}


@click.command(cls=Command, help=N_(
    "Bring a copy of the store in another folder up to date. The store is only read; a copy that was interrupted is "
    "finished by the next run."))
@option("--to", "target", type=click.Path(path_type=Path, file_okay=False), required=True, metavar="DIR",
        help=N_("Folder of the copy, on another disk."))
@option("--check", is_flag=True,
        help=N_("Read the copy again, every byte, and hold it against the ledger; nothing is copied."))
@option("--thin-out", is_flag=True,
        help=N_("Also remove from the copy what left the store without the ledger saying why, when it is much."))
@option("--mend", is_flag=True, help=N_("Also read the copy again, every byte, and copy anew what is damaged in it."))
@dry_run_option
@pass_app
def backup(app: App, target: Path, check: bool, thin_out: bool, mend: bool, dry_run: bool) -> int:
    """Copy what changed, or check; exit 4 when something was not copied, 7 when a check finds something."""
    if check:
        if thin_out or mend or dry_run:
            raise WrongUsage(msg("--check changes nothing; give it alone with --to."))
        return _check(app, target)
    from recordkit.cli.saving import require_place
    from recordkit.copies.backup import make_backup

    if not target.resolve().is_relative_to(app.store.resolve()):  # which make_backup refuses in its own words
        require_place(target.resolve().parent)
    with _naming(target), app.reading() as workspace, Progress(app, tr("Copying (records)"), 0) as progress:
        done = make_backup(workspace, target, thin_out=thin_out, mend=mend, dry_run=dry_run, progress=progress.of)
    if app.json:
        app.print_json(done.plain())
    else:
        _tell_backup(app, done, target)
    return 0 if done.is_whole else 4


@contextmanager
def _naming(target: Path) -> Iterator[None]:
    """Two disks are at work: say which of them is full."""
    from recordkit import files

    try:
        yield
    except OSError as error:
        if files.is_full(error) and error.filename is None:
            raise OSError(error.errno, error.strerror, str(target)) from error
        raise


@contextmanager
def _all_or_nothing(store: Path) -> Iterator[None]:
    """Whoever stops a restore is told that nothing of it is left: what was counted lay in a hidden folder."""
    try:
        yield
    except KeyboardInterrupt as stop:
        if not (store / "recordkit.toml").exists():
            standing(stop).state = tr("No store was made in {folder}; copy and ledger were only read.").format(
                folder=store)
        raise


def _tell_backup(app: App, done: Backup, target: Path) -> None:
    if not done.dry_run:
        app.say(msg("{records} records and {files} other files copied ({size:.1f} MB), {unchanged} unchanged.",
                    records=done.records, files=done.files, size=done.bytes / 1e6, unchanged=done.unchanged))
        if done.destroyed or done.removed:
            app.say(msg("{destroyed} destroyed records and {removed} other files left the copy.",
                        destroyed=done.destroyed, removed=done.removed))
        app.say(msg("The copy in {folder} knows {entries} entries of the ledger.", folder=str(target),
                    entries=done.entries))
    _tell_each(app, msg("Being destroyed at this moment; the copy keeps what it has until the ledger says that it is "
                        "done:"), done.executing)
    _tell_each(app, msg("Missing in the store, though the ledger says nothing of it; the copy keeps what it has. Run "
                        "'recordkit verify':"), done.missing)
    _tell_each(app, msg("Not as it was filed, and not copied. Run 'recordkit verify':"), done.damaged)
    _tell_each(app, msg("No longer in the store, and the ledger does not say why; kept in the copy. If that is meant, "
                        "give --thin-out:"), done.kept)
    _tell_each(app, msg("Links and devices are not copied:"), done.links)
    _tell_each(app, msg("Written off as lost; the copy has what is left of them, or what it had:"), done.lost)
    if done.dry_run:
        counted = ((msg("Copy records into the copy"), done.records), (msg("Copy other files"), done.files),
                   (msg("Remove destroyed records from the copy"), done.destroyed),
                   (msg("Remove other files from the copy"), done.removed))
        _print_counts(app, counted)


def _print_counts(app: App, counted: Iterable[tuple[Message, int]]) -> None:
    """A plan of what is too much to be named one by one."""
    steps = [Step(what, "", msg("number: {count}", count=count)) for what, count in counted if count]
    print_plan(app, steps, total=msg("In all: {count}.", count=sum(count for _, count in counted)))


def _tell_each(app: App, heading: Message, items: Iterable[str]) -> None:
    every = list(items)
    if not every:
        return
    app.say(heading)
    for one in every[:_SHOWN]:
        app.say(f"  {one}")
    if len(every) > _SHOWN:
        app.say(msg("  and {count} more; --json lists all", count=len(every) - _SHOWN))


def _check(app: App, target: Path) -> int:
    from recordkit.copies.check import check_copy

    with app.reading() as workspace, Progress(app, tr("Reading the copy (records)"), 0) as progress:
        done = check_copy(workspace, target, progress=progress.of)
    if app.json:
        app.print_json(done.plain())
        return 0 if done.ok else 7
    if done.time is None:
        app.say(msg("No run has ended in this copy yet: give 'recordkit backup --to {folder}' again.",
                    folder=str(target)))
    else:
        app.say(msg("The copy is of {time} and knows {entries} of {newest} entries of the ledger.",
                    time=local_time(done.time), entries=done.entries, newest=done.newest))
    app.say(msg("{records} records in it are as the ledger says, every byte read; {behind} have changed since.",
                records=done.records, behind=done.behind))
    if done.lost:
        app.say(msg("Written off as lost: {count} ('recordkit lost list').", count=done.lost))
    for one in done.findings[:_SHOWN]:
        app.say(msg("  {code} {place}: {reason}", code=one.code, place=one.place, reason=one.reason))
    if len(done.findings) > _SHOWN:
        app.say(msg("  and {count} more; --json lists all", count=len(done.findings) - _SHOWN))
    if done.findings:
        app.say(msg("'recordkit backup --to {folder} --mend' copies anew what is damaged there. See first that the "
                    "store is whole: 'recordkit verify'.", folder=str(target)))
    return 0 if done.ok else 7


@click.command(cls=Command, help=N_(
    "Make a store from a copy, in a new folder, without what was destroyed since. The copy and the old store are only "
    "read. For one damaged record or ledger file, 'recordkit mend' is the shorter way."))
@click.argument("source", metavar="FROM", type=click.Path(path_type=Path, file_okay=False))
@option("--ledger", type=click.Path(path_type=Path, file_okay=False), required=True, metavar="NEWEST",
        help=N_("Folder of the newest ledger: of the old store, or of a later copy."))
@option("--against", type=click.Path(path_type=Path), metavar="CHECKPOINT", multiple=True,
        help=N_("A signed checkpoint kept elsewhere: the newest ledger must bear it out. May be repeated."))
@dry_run_option
@pass_app
def restore(app: App, source: Path, ledger: Path, against: tuple[Path, ...], dry_run: bool) -> int:
    """Restore into the folder of --store; exit 4 when something is lost, 7 when the copy is damaged."""
    from recordkit.cli.saving import require_place
    from recordkit.copies.restore import restore_backup

    if not app.store.resolve().is_relative_to(source.resolve()):  # which restore_backup refuses in its own words
        require_place(app.store.resolve().parent)
    with _naming(app.store), _all_or_nothing(app.store), Progress(app, tr("Restoring (records)"), 0) as progress:
        done = restore_backup(source, ledger, app.store, app.clock(), app.actor or system_user(),
                              checkpoints=against, dry_run=dry_run, progress=progress.then(tr("Restoring (records)")),
                              deriving=progress.then(tr("Deriving the catalogue (entries)")))
    if app.json:
        app.print_json(done.plain())
    else:
        _tell_restored(app, done)
    if done.damaged:
        return 7
    return 4 if done.lost or done.older or done.documents or done.notes else 0


def _tell_restored(app: App, done: Restored) -> None:
    if not done.dry_run:
        app.say(msg("{records} records are back.", records=done.records))
    if done.destroyed:
        app.say(msg("{count} records of the copy were left behind: they were destroyed.", count=done.destroyed))
    if done.copy_damage:
        app.say(msg("The copy's own ledger is damaged: {reason}", reason=done.copy_damage))
    if done.entries == done.copied:
        app.say(msg("The ledger given knows no more than the copy. If there was a newer one, what was destroyed since "
                    "is back: compare the printed registers of destruction, and destroy it again."))
    _tell_each(app, msg("Destruction had begun; let a supervisor execute the order again:"), done.executing)
    _tell_each(app, msg("Lost: filed after the copy was made:"), [f"{one.code} ({one.record_id})" for one in done.lost])
    _tell_each(app, msg("Older: the newest version was made after the copy, and is lost:"),
               [tr("{code} ({id}): version {back} of {newest}").format(
                   code=one.code, id=one.record_id, back=one.versions[0], newest=one.versions[1])
                for one in done.older])
    _tell_each(app, msg("Damaged in the copy; these files were left out:"),
               [f"{one.code} ({one.record_id}): {name}" for one in done.damaged for name in one.files])
    _tell_each(app, msg("Written off as lost by the ledger; what is left of them is back:"),
               [f"{one.code} ({one.record_id})" for one in done.written_off])
    _tell_each(app, msg("Written off as lost, and whole in the copy; 'recordkit mend COPY' enters that they are back:"),
               done.found)
    _tell_each(app, msg("Documents whose data is lost:"), done.documents)
    if done.notes:
        app.say(msg("{count} notes (reasons, what was keyed in) made after the copy are lost.", count=done.notes))
    _tell_each(app, msg("Papers that waited in the copy and do not wait again:"),
               [f"{place}: {tr(_DOOMS[doom])}" for place, doom in done.withheld])
    _tell_each(app, msg("Papers of lost records that waited in the copy; keep them:"), done.papers)
    if done.waiting and not done.dry_run:
        app.say(msg("{count} papers wait again, as when the copy was made: what a person has settled by hand since "
                    "then has to be settled again.", count=done.waiting))
    if done.dry_run:
        _print_counts(app, ((msg("Bring records back"), done.records),
                            (msg("Let papers wait again"), done.waiting)))
    else:
        app.say(msg("Check every byte with 'recordkit verify', and the ledger with 'recordkit ledger verify'."))
