"""Reports of the office: applications of a day, the month's figures, steps that are late."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, Command, Group, next_step_of, option, pass_app, problem_lines
from recordkit.cli.dates import DATE, MONTH, month_before
from recordkit.cli.i18n import N_, tr
from recordkit.cli.progress import Progress
from recordkit.errors import MissingPart, WrongUsage
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.archive.office_report import MetersDue, MonthReport
    from recordkit.settings import MetersSection

_WITHIN_MAX = 3650
_FORMATS = ("docx", "xlsx", "json")


@click.group(cls=Group, help=N_("Reports of the office: a day's applications, a month's figures, what is overdue."))
def report() -> None:
    """Group."""


def _kind(out: Path | None) -> str:
    """The format that the file's name asks for; "" without a file.

    Raises:
        WrongUsage: it is none that is written.
    """
    if out is None:
        return ""
    kind = out.suffix.lower().removeprefix(".")
    if kind not in _FORMATS:
        raise WrongUsage(msg("{file} must end in .docx, .xlsx or .json.", file=str(out)))
    return kind


def _outside(app: App, out: Path | None) -> None:
    """What names customers must not lie in the store, where no destruction would find it.

    Raises:
        WrongUsage: it would.
    """
    if out is not None and out.resolve().is_relative_to(app.store.resolve()):
        raise WrongUsage(msg("{file} lies inside the store; a list that names customers belongs elsewhere.",
                             file=str(out)), msg("Choose a folder outside the store."))


_out_option = option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
                     help=N_("Write the report: .docx, .xlsx or .json."))
_force_option = option("--force", is_flag=True, help=N_("Overwrite files that exist."))


@report.command("daily", cls=Command, help=N_("Applications received on a day."))
@option("--date", "day", type=DATE, metavar="DATE", help=N_("The day (default: today)."))
@_out_option
@_force_option
@pass_app
def report_daily(app: App, day: date | None, out: Path | None, force: bool) -> None:
    """Count and list the day's applications."""
    from recordkit.archive.office_print import day_file, plain_day
    from recordkit.archive.office_report import day_report

    kind = _kind(out)
    _outside(app, out)
    wanted = day or app.today
    if wanted > app.today:
        raise WrongUsage(msg("{date} has not come yet; today is {today}.", date=wanted.isoformat(),
                             today=app.today.isoformat()))
    with app.reading() as workspace:
        found = day_report(workspace, wanted)
    if out is not None:
        app.save(out, day_file(found, kind), force=force)
    if app.json:
        app.print_json({**plain_day(found), "out": str(out) if out else None})
        return
    app.print_table([[one.name, one.office, one.issued, one.void] for one in found.forms],
                    [N_("Application"), N_("Office"), N_("Received"), N_("Void")])
    if found.documents:
        app.print_table([[one.number, one.title, one.account, tr(one.status)] for one in found.documents],
                        [N_("Number"), N_("Title"), N_("Account"), N_("Status")])
    app.say(tr("{date}: {count} application(s).").format(date=wanted, count=found.total))
    _tell_hidden(app, found.hidden)
    _tell_file(app, out)


@report.command("monthly", cls=Command, help=N_("The month's figures beside those of the month before and a year ago."))
@option("--month", type=MONTH, metavar="YYYY-MM", help=N_("The month (default: the newest that is over)."))
@_out_option
@option("--meters", "register", type=click.Path(path_type=Path), metavar="FILE",
        help=N_("Register of meters, to count those that are due in the month."))
@option("--sheet", help=N_("Sheet of the spreadsheet."))
@option("--chart/--no-chart", default=None, help=N_("With a chart or without one; by default with one where "
                                                    "something was counted and it can be drawn."))
@_force_option
@pass_app
def report_monthly(
    app: App, month: tuple[date, date] | None, out: Path | None, register: Path | None, sheet: str | None,
    chart: bool | None, force: bool,
) -> int:
    """Count the month; exit 4 when rows of the register could not be read, 9 when a chart is demanded in vain."""
    from recordkit.archive.office_print import month_chart, month_file, plain_month
    from recordkit.archive.office_report import month_report

    kind = _kind(out)
    if chart and kind not in ("docx", "xlsx"):
        raise WrongUsage(msg("A chart stands in a .docx or .xlsx; name one with --out FILE."))
    if sheet is not None and register is None:
        raise WrongUsage(msg("--sheet belongs to --meters FILE."))
    if month is None:
        month = month_before(app.today)
        app.say(tr("No month named; {month}, the newest that is over, was taken (--month names another).").format(
            month=f"{month[0]:%Y-%m}"))
    if month[0] > app.today:
        raise WrongUsage(msg("The month {month} has not come yet; today is {today}.", month=f"{month[0]:%Y-%m}",
                             today=app.today.isoformat()))
    with app.reading() as workspace:
        meters, refused = (None, 0) if register is None else _meters_due(
            app, register, sheet, workspace.settings.meters, month)
        with Progress(app, tr("Counting"), 0):
            found = month_report(workspace, month, app.today, meters)
    if out is not None:
        picture = None
        if chart is not False and kind != "json" and (chart or any(one.now or one.before or one.year_ago
                                                                   for one in found.figures)):
            try:
                with Progress(app, tr("Drawing the charts"), 0):
                    picture = month_chart(found)
            except MissingPart as missing:
                if chart:
                    raise
                app.say(msg("The report has no chart: {what} {todo}", what=missing.what,
                            todo=next_step_of(missing) or ""))
        app.save(out, month_file(found, kind, tr, picture), force=force)
    if app.json:
        app.print_json({**plain_month(found, tr), "out": str(out) if out else None, "refused_meters": refused})
    else:
        _print_month(app, found)
        _tell_file(app, out)
    return 4 if refused else 0


def _meters_due(
    app: App, register: Path, sheet: str | None, rules: MetersSection, month: tuple[date, date]
) -> tuple[MetersDue, int]:
    """What the register says of the month, and how many of its rows could not be read."""
    from recordkit.archive.office_report import MetersDue
    from recordkit.templates.forms import load_form
    from recordkit.templates.overage import FORM, find_due
    from recordkit.templates.rows import read_rows

    source = read_rows(register, sheet)
    found = find_due(load_form(app.store, FORM).spec, source, rules, month[1])
    for line in problem_lines(found.refused):
        click.echo(line, err=True)
    for note in (*source.notes, *found.notes):
        app.say(note)
    if found.refused_rows:
        app.say(tr("{count} row(s) of the register could not be counted.").format(count=found.refused_rows))
    overdue = sum(one.due < month[0] for one in found.meters)
    return MetersDue(len(found.meters) - overdue, overdue), found.refused_rows


def _print_month(app: App, found: MonthReport) -> None:
    from recordkit.archive.office_print import line_rows

    heads = [N_("Office"), N_("This month"), N_("Month before"), N_("Year before"), N_("Change")]
    for title, lines in ((N_("Figure"), found.figures), (N_("Issued"), found.issued), (N_("Void"), found.void),
                         (N_("Papers filed"), found.returned), (N_("Records filed"), found.filed)):
        rows = [row for row in line_rows(lines) if title != "Void" or row[2] or row[3]]
        if rows:
            app.print_table(rows, [title, *heads])
    if found.is_empty:
        app.say(tr("Nothing was counted in {month}.").format(month=f"{found.first:%Y-%m}"))
    for note in found.notes:
        app.say(note)


@report.command("overdue", cls=Command, help=N_("Steps that are late, and those due soon, by document."))
@option("--within", type=click.IntRange(0, _WITHIN_MAX), default=0, metavar="DAYS",
        help=N_("Also those due within so many days."))
@_out_option
@_force_option
@pass_app
def report_overdue(app: App, within: int, out: Path | None, force: bool) -> None:
    """List open steps, the longest overdue first."""
    from recordkit.archive.deadlines import find_open
    from recordkit.archive.office_print import plain_steps, steps_file
    from recordkit.templates.workdays import told_unknown

    kind = _kind(out)
    _outside(app, out)
    with app.reading() as workspace:
        found = find_open(workspace, app.today, within)
        company = workspace.settings.company.name
    if out is not None:
        app.save(out, steps_file(found, company, app.today, within, kind, tr), force=force)
    if app.json:
        app.print_json({**plain_steps(found, app.today, within, tr), "out": str(out) if out else None})
        return
    if found.items:
        app.print_table(
            [[one.step.name, one.number, one.account, one.started, one.due, one.days_late, tr(one.status)]
             for one in found.items],
            [N_("Step"), N_("Number"), N_("Account"), N_("Began"), N_("Due"), N_("Days late"), N_("Status")])
    if not found.items and not found.hidden:
        app.say(tr("Nothing is late, and nothing falls due within {days} day(s).").format(days=within) if within
                else tr("Nothing is late, and nothing falls due today."))
    elif within:
        app.say(tr("{late} step(s) late, {coming} due within {days} day(s).").format(
            late=found.late, coming=len(found.items) - found.late, days=within))
    else:
        app.say(tr("{late} step(s) late, {coming} due today.").format(late=found.late,
                                                                      coming=len(found.items) - found.late))
    if any(one.status == "returned" for one in found.items):
        app.say(tr("Where the paper is filed, the step may be done and only its day not keyed in: "
                   "recordkit issued complete NUMBER --ask"))
    if found.unknown_years:
        app.say(told_unknown(found.unknown_years))
    _tell_hidden(app, found.hidden)
    _tell_file(app, out)


def _tell_hidden(app: App, hidden: int) -> None:
    if hidden:
        app.say(tr("{count} more are restricted and not listed; say who you are with --as ID.").format(count=hidden))


def _tell_file(app: App, out: Path | None) -> None:
    if out is not None:
        app.say(tr("The report is in {file}.").format(file=out))
