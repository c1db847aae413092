"""A corrected sheet of records: its differences shown, asked about on a terminal, written, and what was refused."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, plain_problem, problem_line
from recordkit.cli.i18n import N_, tr
from recordkit.cli.plans import Step, print_plan
from recordkit.cli.progress import Progress
from recordkit.cli.showing import quoted
from recordkit.cli.telling import short
from recordkit.messages import Message, msg

if TYPE_CHECKING:
    from recordkit.archive.bulk import BulkPlan
    from recordkit.model import Problem
    from recordkit.workspace import Workspace

_ON_SCREEN = 100
"""Differences that are shown on a terminal; in a pipe and with --json all."""
_FINDINGS = 20


def correct_many(app: App, file: Path, sheet: str | None, reason: str, *, ask: bool, dry_run: bool) -> int:
    """Plan, show, ask, write; exit 4 when some rows were refused, 3 when nothing could be done."""
    from recordkit.archive.access import clearance_of
    from recordkit.archive.bulk import HOPELESS, change_many, find_named, plan_sheet
    from recordkit.archive.search.service import refresh_index
    from recordkit.cli.hits import index_watch
    from recordkit.cli.refused import write_refused
    from recordkit.cli.saving import note_ids
    from recordkit.templates.rows import read_rows

    source = read_rows(file, sheet)
    for note in source.notes:
        app.say(note)
    with app.acting() as workspace:
        plan = plan_sheet(workspace, source, file.name, clearance_of(workspace))
        if not app.json:
            _show(app, plan, dry_run=dry_run)
        wanted = bool(plan.edits) and not dry_run and _is_wanted(app, plan, ask)
        done = 0
        late: list[Problem] = []
        if wanted:
            with Progress(app, tr("Changing records"), len(plan.edits)) as progress:
                done, late = change_many(workspace, plan, reason, progress)
            refresh_index(workspace, index_watch(app))
            say_empty(app, workspace, [change.old for one in plan.edits for change in one.changes
                                       if change.field == "box"])
        problems = [*plan.problems, *late]
        refused: Path | None = None
        # Fed in again, these rows would be refused for ever: they need a new sheet.
        hopeless = {one.row for one in problems if one.code in HOPELESS}
        mendable = [one for one in problems if one.row not in hopeless]
        if mendable and not dry_run:
            refused = write_refused(mendable, source.rows, file.name, workspace.root / "outbox")
            if refused is not None:
                note_ids(refused, find_named(workspace, mendable, source))
    code = _close(app, plan, problems, done, refused, dry_run=dry_run, wanted=wanted)
    if hopeless and not app.json:
        app.say(tr("{count} row(s) cannot be mended in this sheet, which is not of the records as they are here now: "
                   "write a new one with 'recordkit catalogue sheet' and correct that.").format(count=len(hopeless)))
    if dry_run and not app.json:
        print_plan(app, _steps(plan), total=_told_counts(plan))
    return code


def say_empty(app: App, workspace: Workspace, boxes: Sequence[object]) -> None:
    """Say which of these boxes, out of which records were taken, still stand somewhere and hold nothing."""
    from recordkit.archive.boxes import left_empty

    for box in [] if app.json else left_empty(workspace.db, boxes):
        app.say(tr("Nothing lies in box {box} any more, which still has its place: 'recordkit box forget {box}' takes "
                   "it off the list.").format(box=box))


def _steps(plan: BulkPlan) -> list[Step]:
    return [Step(msg("Change {field} (row {row})", field=one.label, row=edit.row), edit.code, "", short(one.old),
                 short(one.new)) for edit in plan.edits for one in edit.changes]


def _show(app: App, plan: BulkPlan, *, dry_run: bool) -> None:
    if dry_run:
        _show_problems(app, plan)
        return
    lines = [[edit.row, edit.code, one.label, short(one.old), short(one.new)]
             for edit in plan.edits for one in edit.changes]
    shown = lines[:_ON_SCREEN] if sys.stdout.isatty() else lines
    if shown:
        app.print_table(shown, [N_("Row"), N_("Code"), N_("Field"), N_("Old"), N_("New")])
    if len(lines) > len(shown):
        app.say(tr("… and {count} more; piped, or with --json, all are shown.").format(count=len(lines) - len(shown)))
    _show_problems(app, plan)
    app.say(_told_counts(plan))


def _show_problems(app: App, plan: BulkPlan) -> None:
    for problem in islice(plan.problems, _FINDINGS):
        click.echo(problem_line(problem), err=True)
    if len(plan.problems) > _FINDINGS:
        click.echo("  " + tr("… and {count} more").format(count=len(plan.problems) - _FINDINGS), err=True)


def _told_counts(plan: BulkPlan) -> Message:
    return msg("{rows} row(s) change a record, {unchanged} change nothing, {refused} are refused.",
               rows=len(plan.edits), unchanged=plan.unchanged, refused=plan.refused_rows)


def _is_wanted(app: App, plan: BulkPlan, ask: bool) -> bool:
    if not ask or app.no_input or app.json or not sys.stdin.isatty():
        return True
    return click.confirm(tr("Change {count} record(s)?").format(count=len(plan.edits)), err=True)


def _close(
    app: App, plan: BulkPlan, problems: Sequence[Problem], done: int, refused: Path | None, *, dry_run: bool,
    wanted: bool,
) -> int:
    rows = {one.row for one in problems}
    if app.json:
        items = [{"row": one.row, "record_id": one.record_id, "code": one.code, "version": one.version,
                  "changes": [change._asdict() for change in one.changes]} for one in plan.edits]
        app.print_json({"items": items, "total": len(items), "dry_run": dry_run, "changed": done,
                        "unchanged": plan.unchanged, "refused": [plain_problem(one) for one in problems],
                        "refused_file": str(refused) if refused else None})
    elif plan.edits and not wanted and not dry_run:
        app.say(tr("Nothing was written."))
    elif plan.edits and not dry_run:
        app.say(tr("{count} record(s) changed.").format(count=done))
    elif not rows and not dry_run:
        app.say(tr("Nothing changes: the records say so already."))
    if refused is not None:
        app.say(tr("The refused rows are in {file}: correct them there and read that file with the same command.")
                .format(file=quoted(refused)))
    if not rows:
        return 0
    return 4 if done or plan.unchanged or (dry_run and plan.edits) else 3
