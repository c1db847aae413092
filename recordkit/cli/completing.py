"""The command that keys in what returned papers say: one document, or many from a spreadsheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, Command, dry_run_option, option, pairs_of, pass_app, plain_problem, problem_lines
from recordkit.cli.i18n import N_, tr, tr_list
from recordkit.cli.plans import Step, print_plan
from recordkit.cli.refused import write_refused
from recordkit.cli.showing import shown
from recordkit.errors import InputRefused, WrongUsage
from recordkit.messages import listed, msg

if TYPE_CHECKING:
    from recordkit.archive.returning import Completed
    from recordkit.model import Problem
    from recordkit.templates.completing import CompletionPlan, PlannedCompletion
    from recordkit.templates.issue import Issue
    from recordkit.templates.rows import RawRow
    from recordkit.workspace import Workspace

_NAMED = 10
"""Unchanged documents named one by one."""


@click.command("complete", cls=Command,
               help=N_("Key in what was written by hand when the paper comes back: one document with --set, --data or "
                       "--ask, or many from a spreadsheet with a column 文书编号."))
@click.argument("number", required=False)
@option("--set", "sets", multiple=True, metavar="FIELD=VALUE", help=N_("One field; may be repeated."))
@option("--data", type=click.Path(path_type=Path), metavar="FILE",
        help=N_("On-site values; without a number, one row for each document, named under 文书编号."))
@option("--sheet", help=N_("Sheet of the spreadsheet."))
@option("--ask", is_flag=True, help=N_("Ask in the terminal for what is missing."))
@option("--no-open", is_flag=True, help=N_("With --ask: do not open the paper in the viewer."))
@option("--collected", multiple=True, metavar="NAME", help=N_("A paper of the checklist that came; may be repeated."))
@option("--not-collected", "uncollected", multiple=True, metavar="NAME", help=N_("A paper ticked by mistake."))
@option("--reason", default="", help=N_("Why what was keyed in before is corrected."))
@dry_run_option
@pass_app
def issued_complete(
    app: App,
    number: str | None,
    sets: tuple[str, ...],
    data: Path | None,
    sheet: str | None,
    ask: bool,
    no_open: bool,
    collected: tuple[str, ...],
    uncollected: tuple[str, ...],
    reason: str,
    dry_run: bool,
) -> int:
    """Plan, refuse or enter, print."""
    from recordkit.archive.access import IssueShield
    from recordkit.archive.returning import complete_documents
    from recordkit.templates.completing import plan_completions, require_completable
    from recordkit.templates.issue import find_issue
    from recordkit.templates.planning import REASON_HEADING
    from recordkit.templates.returnsheet import HELP_HEADINGS

    values: Mapping[str, object] = pairs_of(sets)
    if number is None and (data is None or ask):
        raise WrongUsage(msg("Name a document, or give --data FILE with a column {heading}.", heading="文书编号"))
    if not (values or data or ask or collected or uncollected):
        raise WrongUsage(
            msg("There is nothing to key in."),
            msg("Give --set FIELD=VALUE, --data FILE, --ask or --collected NAME."),
        )
    with app.acting() as workspace:
        issue = find_issue(workspace.db, number) if number is not None else None
        shield = IssueShield(workspace)
        if issue is not None:
            shield.require(issue)
            require_completable(issue)
        rows = _rows(app, data, sheet, single=issue is not None)
        if data and rows and issue is None and not (values or collected or uncollected) and all(map(_is_bare, rows)):
            app.say(msg("No row of {file} is filled in; nothing was keyed in.", file=str(data)))
            rows = []
        if ask and issue is not None:
            rows, values = _asked(app, workspace, issue, rows, values, show=not no_open), {}
        plan = plan_completions(workspace, rows, issue=issue, values=values, collected=collected,
                                uncollected=uncollected, reason=reason, ignore=(REASON_HEADING, *HELP_HEADINGS))
        shield.require(*(one.issue for one in plan.documents))
        if issue is not None and plan.errors:
            raise InputRefused(
                msg("Nothing was keyed in for {number}.", number=issue.number),
                msg("Correct the values named above and give the command again."),
                plan.problems,
            )
        done: list[Completed] = []
        if not dry_run:
            done = list(complete_documents(workspace, plan.documents, reason=reason,
                                           record_reason=tr("on-site values keyed in")))
        late = [one.problem for one in done if one.problem is not None]
        refused = [*plan.errors, *late]
        refused_file = None
        if data and refused and done:
            refused_file = write_refused(refused, rows, data.name, workspace.root / "outbox")
        _print(app, plan, done, late, refused_file, dry_run)
    if not refused:
        return 0
    return 4 if len(plan.documents) > len(late) else 3


def _rows(app: App, data: Path | None, sheet: str | None, *, single: bool) -> list[RawRow]:
    from recordkit.templates.rows import RawRow, read_rows

    if data is None:
        return [RawRow(1, {}, {})]
    source = read_rows(data, sheet)
    for note in source.notes:
        app.say(note)
    rows = list(source.rows)
    if not single:
        filled = [row for row in rows if not _is_bare(row)]
        if filled and len(filled) < len(rows):
            app.say(tr("{count} row(s) without values were passed over.").format(count=len(rows) - len(filled)))
            rows = filled
    if not rows or (single and len(rows) > 1):
        raise InputRefused(
            msg("{file} holds {count} rows.", file=str(data), count=len(rows)),
            msg("Give one row for one document; for many, leave the number out and give a column {heading}.",
                heading="文书编号"),
        )
    return rows


def _is_bare(row: RawRow) -> bool:
    """Whether the row names a document and says nothing of it: nobody has come to it yet."""
    from recordkit.templates.completing import NUMBER_HEADINGS
    from recordkit.templates.fieldtypes import is_empty
    from recordkit.templates.returnsheet import HELP_HEADINGS

    return all(is_empty(value) for name, value in row.values.items() if name not in (*NUMBER_HEADINGS, *HELP_HEADINGS))


def _asked(
    app: App,
    workspace: Workspace,
    issue: Issue,
    rows: Sequence[RawRow],
    values: Mapping[str, object],
    *,
    show: bool,
) -> list[RawRow]:
    """One row with the answers put in; what was keyed in before is not asked again."""
    from recordkit.cli.asking import ask_values
    from recordkit.templates.completing import NUMBER_HEADINGS, issued_values, onsite_values
    from recordkit.templates.issue import form_of_issue
    from recordkit.templates.rows import RawRow

    spec = form_of_issue(workspace, issue)
    file = {name: cell for name, cell in rows[0].values.items() if name not in NUMBER_HEADINGS}
    given = {**onsite_values(workspace, issue), **file, **values}
    known = issued_values(workspace, issue, spec)
    app.say(f"{issue.number}  {issue.title}")

    def show_paper() -> None:
        _show_paper(app, workspace, issue, [one.label for one in spec.of_stage("onsite")], show=show)

    return [RawRow(1, ask_values(app, spec, given, "onsite", known=known, before_asking=show_paper), {})]


def _show_paper(app: App, workspace: Workspace, issue: Issue, labels: Sequence[str], *, show: bool) -> None:
    """Put the returned paper before the person who keys it in, and what a machine read on it."""
    from recordkit.archive.returning import paper_at_hand
    from recordkit.cli.viewing import copy_to_view, show_file

    paper = paper_at_hand(workspace, issue, labels) if labels else None
    if paper is None:
        return
    if show:
        show_file(app, copy_to_view(workspace.root, paper.path, paper.key, paper.name), paper.page)
    if paper.lines:
        app.say(tr("The computer read there (check it against the paper):"))
        for line in paper.lines:
            app.say("    " + line)


def _print(
    app: App,
    plan: CompletionPlan,
    done: Sequence[Completed],
    late: Sequence[Problem],
    refused_file: Path | None,
    dry_run: bool,
) -> None:
    entered = [one for one in done if one.problem is None]
    items = [_item(one.planned, one.record_id) for one in entered]
    if dry_run:
        items = [_item(one, one.issue.record_id) for one in plan.documents]
    unchanged = [str(one["number"]) for one in items if one["outcome"] == "unchanged"]
    count = len(items) - len(unchanged)
    refused = len({problem.row for problem in (*plan.errors, *late)})
    if app.json:
        app.print_json({
            "items": items,
            "total": len(items),
            "refused": [plain_problem(one) for one in (*plan.errors, *late)],
            "warnings": [plain_problem(one) for one in plan.warnings],
            "refused_file": str(refused_file) if refused_file else None,
            "summary": {"completed": 0 if dry_run else count, "unchanged": len(unchanged), "refused": refused,
                        "would_complete": count if dry_run else None},
        })
        return
    for line in problem_lines([*plan.problems, *late]):
        click.echo(line, err=True)
    told = [{**item, "outcome": msg(str(item["outcome"])), "lacking": shown(item["lacking"])} for item in items]
    if dry_run:
        refusals = msg("In all: {count} document(s); {refused} row(s) refused.", count=count, refused=refused)
        print_plan(app, [_step(one) for one in plan.documents if one.completes or one.collects], total=refusals)
        return
    if told:
        app.print_items(told, [("number", N_("Number")), ("outcome", N_("Result")), ("lacking", N_("Still lacking"))])
    app.say(tr("{count} document(s) keyed in, {refused} row(s) refused.").format(count=count, refused=refused))
    if unchanged:
        numbers = tr_list(unchanged, _NAMED)
        app.say(tr("{count} document(s) had these values already and stay as they are: {numbers}").format(
            count=len(unchanged), numbers=numbers))
    if refused_file:
        app.say(tr("The refused rows are in {file}: correct them there and give that file to --data.").format(
            file=refused_file))


def _step(one: PlannedCompletion) -> Step:
    if not one.completes:
        what = msg("Note the papers that came: {names}", names=listed(one.collected))
    elif one.is_correction:
        what = msg("Correct {count} value(s) keyed in before", count=len(one.changed))
    else:
        what = msg("Key in {count} value(s)", count=len(one.changed))
    lacking = msg("still lacking: {names}", names=listed(one.lacking)) if one.lacking else ""
    return Step(what, one.issue.number, lacking, None,
                shown(one.values.get(one.changed[0])) if len(one.changed) == 1 else None)


def _item(planned: PlannedCompletion, record_id: str | None) -> dict[str, object]:
    outcome = "unchanged"
    if planned.completes:
        outcome = "corrected" if planned.is_correction else "keyed-in"
    elif planned.collects:
        outcome = "collected"
    return {
        "row": planned.row,
        "number": planned.issue.number,
        "issue_id": planned.issue.issue_id,
        "form": planned.issue.form,
        "record_id": record_id,
        "outcome": outcome,
        "changed": list(planned.changed),
        "collected": list(planned.collected),
        "lacking": list(planned.lacking),
    }
