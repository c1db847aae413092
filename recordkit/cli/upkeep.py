"""Commands of the administrator: verify, rebuild, config."""

from __future__ import annotations

import os
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, Command, Group, dry_run_option, key_option, option, pass_app, passphrase_option
from recordkit.cli.dates import local_time
from recordkit.cli.i18n import N_, tr, tr_list
from recordkit.cli.interrupting import command_again
from recordkit.cli.plans import Step, print_plan
from recordkit.cli.progress import Progress
from recordkit.cli.showing import shown
from recordkit.errors import Interrupted, RecordkitError, WrongUsage
from recordkit.messages import Message, listed, msg

if TYPE_CHECKING:
    from recordkit.archive.fixity import FixityResult


@click.command(cls=Command, help=N_(
    "Read every byte of the archive again and compare with ledger and inventories. Changes nothing; what is damaged, "
    "'recordkit mend' brings back out of a copy."))
@click.argument("records", nargs=-1, metavar="[RECORD]...")
@option("--sample", type=click.FloatRange(0, 100, min_open=True), metavar="PERCENT",
        help=N_("Only today's share of the records; successive days take different ones until all had their turn."))
@option("--jobs", type=click.IntRange(1, 64), metavar="N",
        help=N_("Records read at the same time (default: one per core)."))
@option("--restart", is_flag=True, help=N_("Begin anew instead of going on with an interrupted run."))
@pass_app
def verify(app: App, records: tuple[str, ...], sample: float | None, jobs: int | None, restart: bool) -> int:
    """Check objects; exit 7 when anything differs."""
    from recordkit.archive.catalogue import count_holdings
    from recordkit.archive.checks.ledger_facts import LedgerFacts
    from recordkit.archive.fixity import FixityOptions, note_findings, verify_objects

    if records and (sample is not None or restart):
        raise WrongUsage(msg("--sample and --restart are for the whole archive; leave them out or name no record."))
    options = FixityOptions(jobs or os.cpu_count() or 1, sample, restart)
    with app.reading() as workspace, closing(LedgerFacts()) as facts:
        with Progress(app, tr("Verifying the ledger"), workspace.ledger.size(), "bytes") as progress:
            chain = workspace.verify_ledger(take=facts.take, progress=progress)
        started = time.monotonic()
        with Progress(app, tr("Reading the archive again"), count_holdings(workspace.db)) as bar:
            result = verify_objects(workspace, records, options, bar.of)
        seconds = time.monotonic() - started
        whole = not records and sample is None and not result.interrupted
        notes = note_findings(workspace, facts) if whole and chain.ok else ()
    items = [{"record_id": one.record_id, "code": one.code, "file": one.file, "reason": one.reason}
             for one in (*result.findings, *notes)]
    if not chain.ok:
        reason = msg("The ledger is damaged at entry {seq}: {reason}", seq=chain.first_bad, reason=chain.reason)
        items.insert(0, {"record_id": "", "code": "", "file": "ledger", "reason": reason})
    if app.json:
        app.print_json({"ok": not items and not result.interrupted, "items": items, "total": len(items),
                        "records": result.records, "bytes": result.bytes, "seconds": round(seconds, 3),
                        "bytes_per_second": round(result.bytes / seconds) if seconds else 0, "jobs": options.jobs,
                        "earlier": result.earlier, "begun": result.begun, "unverified": result.unverified,
                        "lost": list(result.lost), "found": list(result.found),
                        "interrupted": result.interrupted, "sample": _plain_sample(app, sample, result)})
    else:
        if items:
            app.print_items(items, [("code", N_("Code")), ("record_id", N_("Record")), ("file", N_("File")),
                                    ("reason", N_("Reason"))])
        _say_how_far(app, sample, result, named=bool(records))
        app.say(tr("{records} record(s), {bytes} bytes read, {faults} fault(s).").format(
            records=result.records, bytes=result.bytes, faults=len(items)))
        if result.lost:
            app.say(msg("Written off as lost: {count} ('recordkit lost list').", count=len(result.lost)))
        if result.found:
            app.say(msg("Of these, whole again: {codes}. 'recordkit mend COPY' enters that.",
                        codes=listed(result.found, 5)))
        if items:
            app.say(msg("Nothing was changed. 'recordkit mend COPY' brings back what a copy of the store has whole; a "
                        "file that does not belong there is moved out by hand; what no copy has is registered with "
                        "'recordkit lost register' (docs/troubleshooting.md)."))
        if seconds >= 2:
            app.say(msg("Read at {rate} MB/s by {jobs} job(s).", rate=round(result.bytes / seconds / 1e6),
                        jobs=options.jobs))
    if result.interrupted:
        return Interrupted.exit_code
    return 7 if items else 0


def _plain_sample(app: App, sample: float | None, result: FixityResult) -> dict[str, object] | None:
    if result.sampled is None:
        return None
    return {"percent": sample, "day": app.today, "codes": list(result.sampled)}


def _say_how_far(app: App, sample: float | None, result: FixityResult, *, named: bool) -> None:
    if result.begun is not None:
        app.say(msg("Went on with the run begun at {begun}: {earlier} record(s) had been read then ('--restart' reads "
                    "all again).", begun=local_time(result.begun), earlier=result.earlier))
    if result.sampled is not None:
        codes = listed(result.sampled, 5)
        app.say(msg("The share of {day}, {percent} percent: {count} record(s) {codes}", day=app.today.isoformat(),
                    percent=f"{sample:g}", count=len(result.sampled), codes=codes))
    if result.interrupted:
        again = command_again(app.words, without=("--restart",))
        app.say(msg("Interrupted; nothing was changed. Where it stopped goes on: {command}", command=again)
                if not named else msg("Interrupted; nothing was changed. To begin again: {command}", command=again))
    if result.sampled is not None and result.unverified and not result.interrupted:
        app.say(msg("{count} record(s) are not in this sample; their days come.", count=result.unverified))
    elif result.unverified and not named:
        app.say(msg("{unverified} record(s) of the archive are still unverified.", unverified=result.unverified))


@click.command(cls=Command, help=N_(
    "Derive catalogue and index anew from ledger and objects. Safe at any time: ledger and records are only read. It "
    "mends neither of them; 'recordkit mend' does."))
@option("--index", "index_only", is_flag=True, help=N_("Only the search index."))
@option("--catalogue", "catalogue_only", is_flag=True, help=N_("Only the catalogue."))
@dry_run_option
@pass_app
def rebuild(app: App, index_only: bool, catalogue_only: bool, dry_run: bool) -> None:
    """Rebuild; nothing that is true is touched."""
    from recordkit.archive.catalogue import count_holdings
    from recordkit.archive.search.service import open_engine, rebuild_index

    if dry_run:
        if app.json:
            app.print_json({"dry_run": True, "catalogue": not index_only, "index": not catalogue_only})
        else:
            print_plan(app, [Step(msg("Derive the catalogue anew"), "catalogue.sqlite3")] * (not index_only)
                       + [Step(msg("Derive the search index anew"), "index")] * (not catalogue_only),
                       total=msg("Ledger and records are only read."))
        return
    result: dict[str, object] = {}
    with app.reading() as workspace:
        if not index_only:
            entries = workspace.db.cursor().seq
            with Progress(app, tr("Deriving the catalogue (entries)"), entries) as progress:
                result["entries"] = workspace.rebuild(progress)
        if not catalogue_only:
            with (
                workspace.writing(),
                Progress(app, tr("Deriving the index (records)"), count_holdings(workspace.db)) as progress,
            ):
                result["indexed"] = rebuild_index(workspace, open_engine(workspace), progress)
    if app.json:
        app.print_json(result)
    else:
        names = {"entries": N_("Entries"), "indexed": N_("Records indexed")}
        app.print_pairs([(names[key], value) for key, value in result.items()])


@click.group(cls=Group, help=N_("Settings of the store."))
def config() -> None:
    """Group."""


@config.command("show", cls=Command, help=N_("Print every setting with its value."))
@pass_app
def config_show(app: App) -> None:
    """Print the settings."""
    from msgspec import to_builtins

    from recordkit.settings import load_settings

    settings = to_builtins(load_settings(app.store))
    if app.json:
        app.print_json(settings)
        return
    for section, values in settings.items():
        if isinstance(values, dict):
            for key, value in values.items():
                click.echo(f"{section}.{key} = {_setting(value)}")


def _setting(value: object) -> str:
    """A setting for people; a list of tables entry by entry."""
    if isinstance(value, dict):
        return tr_list(f"{key} {shown(one)}" for key, one in value.items())
    return "; ".join(map(_setting, value)) if isinstance(value, list | tuple) and value else shown(value)


@config.command("accept", cls=Command,
                help=N_("Sign loosened rules of destruction in recordkit.toml into the ledger, as administrator."))
@key_option
@passphrase_option
@dry_run_option
@pass_app
def config_accept(app: App, key: Path | None, passphrase_file: str | None, dry_run: bool) -> None:
    """Sign with --as and --key, else with the key that RECORDKIT_ADMIN_KEY names."""
    from recordkit.people import Signer, administrator_with, list_people
    from recordkit.retention.duties import accept_settings, plain_duties, unaccepted

    del passphrase_file  # read by App.passphrase
    with app.acting() as workspace:
        loose = unaccepted(workspace)
        if not dry_run:
            if key is None:
                private = app.admin_key(None)
                public = private.public_key().public_bytes_raw().hex()
                known = [one for one in list_people(workspace.db) if app.actor in (None, one.id)]
                signer = Signer(administrator_with(known, public), private)
            else:
                signer = app.signer(workspace, key)
            loose = list(accept_settings(workspace, signer).loosened)
        settings = plain_duties(workspace.settings.destruction, workspace.settings.archive)
    if app.json:
        app.print_json({"dry_run": dry_run, "loosened": loose, "settings": settings})
        return
    for one in () if dry_run else loose:
        click.echo("  " + one.render(tr))
    if not loose:
        app.say(tr("Nothing in recordkit.toml is looser than what the ledger knows."))
    if dry_run:
        print_plan(app, [Step(msg("Sign as administrator"), "", one) for one in loose])
    elif loose:
        app.say(tr("An administrator has signed for these settings; they are in force."))


@config.command("check", cls=Command, help=N_("Check recordkit.toml, retention.toml and calendar.toml."))
@pass_app
def config_check(app: App) -> int:
    """Load them; errors name the place; exit 3 when there are findings."""
    from recordkit.archive.classes import FILE_NAME, load_scheme
    from recordkit.archive.deadlines import check_rules
    from recordkit.archive.metadata import unknown_classes
    from recordkit.archive.pdf_signatures import check_roots
    from recordkit.cli.reviewing import told_unaccepted
    from recordkit.retention.schedule_check import check_schedule, uses_of
    from recordkit.settings import load_settings
    from recordkit.templates.workdays import read_calendar

    settings = load_settings(app.store)
    scheme = load_scheme(app.store)
    read_calendar(app.store)
    written = (app.store / FILE_NAME).read_bytes()
    with Progress(app, tr("Checking forms and rules"), 0):
        messages = [one.message for one in check_schedule(written, FILE_NAME, uses_of(app.store, None))]
        messages += [one.message for one in check_roots(app.store, settings)]
        messages += unknown_classes(settings, scheme.classes)
        messages += check_rules(app.store, settings)
    for one in messages:
        click.echo(one.render(tr), err=True)
    waiting = _unaccepted(app)
    for one in waiting:
        app.say(told_unaccepted(one))
    if app.json:
        app.print_json({"ok": not messages, "findings": messages, "unaccepted": waiting,
                        "settings": settings.digest, "schedule": scheme.digest, "classes": len(scheme.classes)})
    elif not messages:
        app.say(tr("Settings and schedule are sound: {count} classes.").format(count=len(scheme.classes)))
    return 3 if messages else 0


def _unaccepted(app: App) -> list[Message]:
    """Loosened rules of destruction that no administrator has signed for; none where the store cannot be opened."""
    from recordkit.retention.duties import unaccepted

    with suppress(RecordkitError), app.reading() as workspace:
        return unaccepted(workspace)
    return []
