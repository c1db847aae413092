"""Commands about meters in use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import structs

from recordkit.cli.base import App, Command, Group, option, pass_app, plain_problem, problem_line
from recordkit.cli.i18n import N_, tr, tr_list
from recordkit.cli.showing import quoted
from recordkit.errors import WrongUsage
from recordkit.messages import msg
from recordkit.model import Problem

if TYPE_CHECKING:
    from recordkit.settings import MetersSection
    from recordkit.templates.overage import DueMeter, DueMeters
    from recordkit.templates.spec import FormSpec

_SHOWN_ROWS = 3
_SHOWN_METERS = 50
_WITHIN_MAX = 36_500


@click.group(cls=Group, help=N_("Meters in use: which are overage."))
def meters() -> None:
    """Group."""


@meters.command("due", cls=Command, help=N_("Overage meters of a register, ready as rows for meter-change-notice."))
@option("--data", type=click.Path(path_type=Path), metavar="FILE", required=True,
        help=N_("The register of meters: .xlsx .csv .tsv .json .yaml .toml."))
@option("--sheet", help=N_("Sheet of the spreadsheet."))
@option("--within", type=click.IntRange(0, _WITHIN_MAX), default=0, metavar="DAYS",
        help=N_("Also those due within so many days."))
@option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
        help=N_("Write the rows for the notice: .xlsx (with the due dates on a second sheet) or .csv."))
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@pass_app
def meters_due(app: App, data: Path, sheet: str | None, within: int, out: Path | None, force: bool) -> int:
    """Print the due meters, most overdue first; write the notice's rows; exit 4 or 3 when rows are refused."""
    from recordkit.templates.due_sheets import notice_csv, notice_xlsx
    from recordkit.templates.forms import load_form
    from recordkit.templates.overage import FORM, find_due
    from recordkit.templates.rows import read_rows

    if out is not None and out.suffix.lower() not in (".xlsx", ".csv"):
        raise WrongUsage(msg("{file} must end in .xlsx or .csv.", file=str(out)))
    root, rules = _settings(app)
    form = load_form(root, FORM).spec
    source = read_rows(data, sheet)
    for note in source.notes:
        app.say(note)
    found = find_due(form, source, rules, app.today, within)
    for note in found.notes:
        app.say(note)
    if out is not None and found.meters:
        content = notice_csv(form, found) if out.suffix.lower() == ".csv" else notice_xlsx(form, found, tr)
        app.save(out, content, force=force)
    if app.json:
        _print_json(app, form, found, out)
    else:
        _print_text(app, form, found, out)
    if not found.refused_rows:
        return 0
    return 3 if found.refused_rows == found.rows else 4


def _settings(app: App) -> tuple[Path | None, MetersSection]:
    """The store's folder and cycles; without a store the defaults, as for looking at forms."""
    from recordkit.settings import FILE_NAME, MetersSection, load_settings

    if (app.store / FILE_NAME).exists():
        return app.store, load_settings(app.store).meters
    app.say(tr("There is no store in {folder}: the usual cycles are taken.").format(folder=app.store))
    return None, MetersSection()


def _plain_meter(one: DueMeter) -> dict[str, object]:
    from recordkit.templates.fieldtypes import to_plain

    values = {key: one.typed.get(key, to_plain(value)) for key, value in one.values.items()}
    return {
        **values,
        "row": one.row,
        "start": one.start,
        "years": one.cycle.years,
        "rule": "q3" if one.cycle.by_flow else "calibre",
        "due": one.due,
        "days": one.days,
    }


def _print_json(app: App, form: FormSpec, found: DueMeters, out: Path | None) -> None:
    app.print_json(
        {
            "items": [_plain_meter(one) for one in found.meters],
            "total": len(found.meters),
            "refused": [plain_problem(one) for one in found.refused],
            "warnings": [plain_problem(one) for one in found.warnings],
            "to_fill": [one.key for one in found.to_fill],
            "out": str(out) if out is not None and found.meters else None,
            "summary": {
                "rows": found.rows,
                "due": len(found.meters),
                "overdue": _overdue(found),
                "refused": found.refused_rows,
                "to_correct": found.to_correct,
                "as_of": app.today,
                "until": found.until,
                "form": form.id,
            },
        }
    )


def _print_text(app: App, form: FormSpec, found: DueMeters, out: Path | None) -> None:
    for line in _lines([*found.refused, *found.warnings]):
        click.echo(line, err=True)
    if out is None:
        columns = [("row", N_("Row")), *((key, form.by_name[key].label) for key in
                   ("account", "customer_name", "calibre", "old_meter_no") if key in form.by_name),
                   ("start", N_("Cycle from")), ("due", N_("Due")), ("days", N_("Days left")), ("rule", N_("Rule"))]
        shown = found.meters[:_SHOWN_METERS]
        app.print_items([{**_plain_meter(one), "rule": one.cycle.rule} for one in shown], columns, empty=msg(
            "No meter that could be read is due by {until}; '--within DAYS' looks further ahead.", until=found.until))
        if len(found.meters) > len(shown):
            app.say(tr("… and {count} more; --out FILE writes them all.").format(
                count=len(found.meters) - len(shown)))
    text = tr("{count} meter(s) due by {until}, {overdue} of them overdue; {rows} row(s) read, {refused} refused.")
    app.say(text.format(count=len(found.meters), until=found.until, overdue=_overdue(found), rows=found.rows,
                        refused=found.refused_rows))
    if found.to_correct:
        app.say(tr("{count} of them must be corrected first: see the warnings.").format(count=found.to_correct))
    if out is None:
        return
    if not found.meters:
        app.say(tr("Nothing is due; no file was written."))
        return
    app.say(tr("The rows are in {file}.").format(file=out))
    if out.suffix.lower() == ".csv":
        app.say(tr("A .csv has no room for the due dates, and Excel drops its leading zeros: better take .xlsx."))
    if "notice_date" in {one.key for one in form.fields}:
        app.say(tr("{label}, where the register names none, is {date}.").format(
            label=form.by_name["notice_date"].label, date=app.today))
    if found.to_fill:
        names = tr_list(one.label for one in found.to_fill)
        app.say(tr("Still to be filled in, in the file or with --set: {names}. Then: recordkit generate {form} --data "
                   "{file}").format(names=names, form=form.id, file=quoted(out)))


def _overdue(found: DueMeters) -> int:
    return sum(one.days < 0 for one in found.meters)


def _lines(problems: Sequence[Problem]) -> list[str]:
    """One line each, but what is the same in many rows once, with how many and the first of them."""
    marks = [(one.severity, one.code, one.label, one.message.render(tr)) for one in problems]
    count = Counter(marks)
    told: set[tuple[str, str, str, str]] = set()
    lines = []
    for one, mark in zip(problems, marks, strict=True):
        if one.row is None or count[mark] <= (1 if one.code == "missing-column" else _SHOWN_ROWS):
            lines.append(problem_line(one))
        elif mark not in told:
            told.add(mark)
            more = tr(" (in {count} rows, first in row {row})").format(count=count[mark], row=one.row)
            lines.append(problem_line(structs.replace(one, row=None, cell=None)) + more)
    return lines
