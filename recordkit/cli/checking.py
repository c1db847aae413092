"""The command of the four-property checks: check."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from recordkit.cli.base import App, Command, option, pass_app
from recordkit.cli.i18n import N_, tr
from recordkit.cli.interrupting import command_again
from recordkit.cli.progress import Progress
from recordkit.cli.saving import require_free
from recordkit.cli.showing import quoted
from recordkit.errors import Interrupted, WrongUsage
from recordkit.messages import Message, listed, msg

if TYPE_CHECKING:
    from recordkit.archive.checks.against import TransferList
    from recordkit.archive.checks.outcome import Stage
    from recordkit.archive.checks.running import CheckOptions, CheckRun

_SHOWN = 30
_ENDINGS = (".docx", ".xlsx", ".json")


@click.command(cls=Command, help=N_(
    "Check records for authenticity, integrity, usability and security (DA/T 70-2018). Exit code 7 when a check fails."
))
@click.argument("records", nargs=-1, metavar="[RECORD]...")
@option("--stage", type=click.Choice(["ingest", "transfer", "preservation"]), default="preservation",
        help=N_("At which stage (default: preservation)."))
@option("--class", "record_class", metavar="CLASS", help=N_("Only this retention class."))
@option("--year", type=click.IntRange(1, 9999), metavar="YEAR",
        help=N_("Check only records with this year in their archival code."))
@option("--against", type=click.Path(path_type=Path), metavar="FILE",
        help=N_("The signed list of a transfer (.xlsx, .csv, .json) with codes and SHA-256; without other conditions "
                "the records of the list are checked."))
@option("--sheet", help=N_("Sheet of the spreadsheet."))
@option("--out", type=click.Path(path_type=Path), metavar="FILE",
        help=N_("Write the report: .docx, .xlsx or .json."))
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@option("--jobs", type=click.IntRange(1, 64), metavar="N",
        help=N_("Records looked at side by side (default: one per core)."))
@pass_app
def check(
    app: App, records: tuple[str, ...], stage: str, record_class: str | None, year: int | None, against: Path | None,
    sheet: str | None, out: Path | None, force: bool, jobs: int | None,
) -> int:
    """Run the checks of a stage; the report is written when the run has ended."""
    from recordkit import __version__
    from recordkit.archive.checks.against import read_transfer_list
    from recordkit.archive.checks.report import make_report, plain_run, report_file
    from recordkit.archive.checks.running import CheckOptions, run_checks
    from recordkit.archive.classes import load_scheme
    from recordkit.archive.selection import Selection

    if records and (record_class is not None or year is not None):
        raise WrongUsage(msg("Name records, or choose them by --class and --year; not both."))
    if against is not None and stage != "transfer":
        raise WrongUsage(msg("A list is compared at the stage transfer only."), msg("Give --stage transfer."))
    if sheet is not None and against is None:
        raise WrongUsage(msg("--sheet names a sheet of the list; give it with --against."))
    if out is not None:
        _refuse_target(out, force)
    signed = read_transfer_list(against, sheet) if against is not None else None
    with app.reading() as workspace:
        chosen = None if record_class is None else load_scheme(workspace.root).get(record_class).id
        selection = Selection(record_class=chosen, year=year)
        options = CheckOptions(cast("Stage", stage), records, selection, signed, jobs or os.cpu_count() or 1)
        with Progress(app, tr("Verifying the ledger"), workspace.ledger.size(), "bytes") as progress:
            started = time.monotonic()
            run = run_checks(workspace, options, progress.then(tr("Checking (records)")), progress)
            seconds = time.monotonic() - started
        if out is not None and not run.interrupted:
            digest = f"{against.name}（SHA-256 {signed.digest}）" if against is not None and signed is not None else ""
            report = make_report(workspace, run, _scope(options, signed), __version__, digest)
            app.save(out, report_file(report, out.suffix[1:].lower(), tr), force=force)
    if app.json:
        app.print_json({**plain_run(run, tr), "seconds": round(seconds, 3), "jobs": options.jobs,
                        "out": str(out) if out is not None and not run.interrupted else None})
    else:
        _show(app, run, seconds)
        if out is not None and not run.interrupted:
            app.say(msg("The report is in {file}.", file=quoted(out)))
    if run.interrupted:
        return Interrupted.exit_code
    return 7 if run.has_failed else 0


def _refuse_target(out: Path, force: bool) -> None:
    """Before a run of hours, not behind it."""
    if out.suffix.lower() not in _ENDINGS:
        raise WrongUsage(msg("{file}: the report is written as {types}.", file=str(out), types=listed(_ENDINGS)))
    require_free(out, force=force)


def _scope(options: CheckOptions, signed: TransferList | None) -> Message:
    chosen = options.selection
    if options.references:
        return msg("{count} record(s) by name", count=len(options.references))
    conditions = [msg("class {id}", id=chosen.record_class)] if chosen.record_class else []
    conditions += [msg("year {year}", year=chosen.year)] if chosen.year else []
    if conditions:
        return listed(conditions)
    if signed is not None:
        return msg("the {count} record(s) of the list", count=len(signed.promises))
    return msg("the whole archive")


def _show(app: App, run: CheckRun, seconds: float) -> None:
    app.print_table(
        [[one.check.number, one.check.property, one.check.name, one.passed, one.failed, one.not_run,
          msg(one.outcome.result)] for one in run.summaries],
        [N_("Check"), N_("Property"), N_("What is checked"), N_("PASS"), N_("FAIL"), N_("NOT_RUN"), N_("Result")])
    as_one = [one for one in run.summaries if one.outcome.result == "FAIL"
              and not any(line.check is one.check for line in run.failures)]
    rows = [*([one.check.number, "", one.outcome.evidence] for one in as_one),
            *([one.check.number, one.code, one.outcome.evidence] for one in run.failures)]
    if rows:
        app.print_table(rows[:_SHOWN], [N_("Check"), N_("Code"), N_("Why it fails")])
        if len(rows) > _SHOWN:
            app.say(msg("  and {count} more; --json or --out lists them", count=len(rows) - _SHOWN))
        if not run.is_whole:
            app.say(msg("Of each check the first failures are listed; the counts are of all."))
    for one in run.summaries:
        if one.outcome.result == "NOT_RUN":
            app.say(msg("Not run: {check} {name}: {reason}", check=one.check.number, name=one.check.name,
                        reason=one.outcome.evidence))
    app.say(msg("{records} record(s) checked, {bytes} bytes read: {passed} check(s) passed, {failed} failed, {not_run} "
                "not run.", records=run.records, bytes=run.bytes, passed=run.count("PASS"), failed=run.count("FAIL"),
                not_run=run.count("NOT_RUN")))
    if seconds >= 2 and run.records:
        app.say(msg("{rate} records/s.", rate=round(run.records / seconds)))
    if run.interrupted:
        app.say(msg("Interrupted. What was found so far is shown; no report was written. To begin again: {command}",
                    command=command_again(app.words)))
