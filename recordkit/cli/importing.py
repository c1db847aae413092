"""Lists of the billing system, imported as events or holds: the plan told, the acts done, what was left out written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, plain_problem, problem_line
from recordkit.cli.i18n import N_, tr
from recordkit.cli.plans import Step, print_plan
from recordkit.cli.progress import Progress
from recordkit.cli.refused import write_refused
from recordkit.cli.showing import quoted
from recordkit.messages import listed, msg

if TYPE_CHECKING:
    from recordkit.model import Problem
    from recordkit.retention.account_lists import AccountList, Role
    from recordkit.retention.holds import HoldOrder
    from recordkit.retention.importing import ImportPlan
    from recordkit.workspace import Workspace

_SHOWN = 10
_ALWAYS = ("rows", "entered", "placed")
"""Counts that are told when they are nothing, too."""
_LISTED = 1000
"""Findings in the JSON document at most; the files hold all."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which sheet and which headings the person named."""

    sheet: str | None = None
    account: str | None = None
    date: str | None = None
    type: str | None = None


def import_events(
    app: App, workspace: Workspace, file: Path, columns: Columns, names: Mapping[str, str], *, event_type: str | None,
    on: date | None, also_unknown: bool, dry_run: bool,
) -> int:
    """Import a list of events; the exit code."""
    from recordkit.retention.account_lists import EVENT_WORDS, event_meant
    from recordkit.retention.events import require_type
    from recordkit.retention.importing import enter_events, plan_events, planned_events

    if event_type is not None:
        require_type(workspace, event_type)
    hints = [names.get(event_type, event_type), *EVENT_WORDS.get(event_type, ())] if event_type is not None else []
    table = _table(app, file, columns, ("account", "date", "type"), hints)
    plan = plan_events(workspace, table, event_type=event_type, on=on, also_unknown=also_unknown,
                       means=lambda word: event_meant(word, names))
    entered = 0
    if not dry_run:
        with Progress(app, tr("Entering events"), len(plan.new)) as progress:
            entered = enter_events(workspace, plan, progress)
    counts: dict[str, int] = {
        N_("rows"): plan.rows, N_("entered"): len(plan.new) if dry_run else entered, N_("known before"): plan.known,
        N_("taken back by a person"): plan.ended, N_("twice in the list"): plan.twice,
        N_("of another type"): plan.other, N_("unknown accounts"): plan.unknown_count,
        N_("refused"): plan.refused_rows, N_("starting nothing now"): plan.idle,
    }
    steps = (Step(msg("Enter the event {name}", name=names.get(one.type, one.type)), _of(one.account), "", None,
                  one.date) for one in planned_events(plan))
    _close(app, workspace, file, table, plan, counts, dry_run=dry_run, unknown_entered=also_unknown, steps=steps)
    return _exit_code(plan)


def import_holds(
    app: App, workspace: Workspace, file: Path, columns: Columns, order: HoldOrder, *, dry_run: bool
) -> int:
    """Import a list of accounts to be held; the exit code."""
    from recordkit.retention.importing import enter_holds, plan_holds

    table = _table(app, file, columns, ("account",), ())
    plan = plan_holds(workspace, table, order)
    placed, released = len(plan.new), len(plan.missing)
    if not dry_run:
        with Progress(app, tr("Placing holds"), len(plan.new) + len(plan.missing)) as progress:
            placed, released = enter_holds(workspace, plan, order, progress)
    counts: dict[str, int] = {
        N_("rows"): plan.rows, N_("placed"): placed, N_("held before"): plan.known,
        N_("twice in the list"): plan.twice, N_("unknown accounts"): plan.unknown_count,
        N_("refused"): plan.refused_rows,
    }
    if order.release_reason:
        counts[N_("released")] = released
    _close(app, workspace, file, table, plan, counts, dry_run=dry_run, unknown_entered=True,
           steps=_hold_steps(workspace, plan, order))
    return _exit_code(plan)


def _hold_steps(workspace: Workspace, plan: ImportPlan, order: HoldOrder) -> Iterator[Step]:
    from recordkit.cli.words import kind_names
    from recordkit.retention.importing import planned_holds

    kind = kind_names().get(order.kind, order.kind)
    accounts, releases = planned_holds(plan)
    for account in accounts:
        yield Step(msg("Place a hold ({kind})", kind=kind), _of(account))
    for hold_id, account in releases:
        yield Step(msg("Release hold {hold} ({kind})", hold=hold_id, kind=kind), _of(account))


def _of(account: str) -> str:
    return tr("account {account}").format(account=account)


def _exit_code(plan: ImportPlan) -> int:
    if not plan.refused_rows:
        return 0
    return 3 if plan.refused_rows == plan.rows else 4


def _table(
    app: App, file: Path, columns: Columns, wanted: tuple[Role, ...], hints: Iterable[str]
) -> AccountList:
    from recordkit.retention.account_lists import find_accounts
    from recordkit.templates.rows import read_rows

    source = read_rows(file, columns.sheet)
    for note in source.notes:
        app.say(note)
    given: dict[Role, str | None] = {"account": columns.account, "date": columns.date, "type": columns.type}
    named = {role: heading for role, heading in given.items() if heading}
    table = find_accounts(source, file.name, named=named, wanted=wanted, hints=list(hints))
    told = {N_("account"): table.columns.get("account"), N_("date"): table.columns.get("date"),
            N_("type"): table.columns.get("type")}
    app.say(tr("Read from the columns: {columns}.").format(
        columns=tr(", ").join(f"{tr(role)} = {heading}" for role, heading in told.items() if heading)))
    return table


def _close(
    app: App, workspace: Workspace, file: Path, table: AccountList, plan: ImportPlan, counts: Mapping[str, int], *,
    dry_run: bool, unknown_entered: bool, steps: Iterable[Step],
) -> None:
    """Say what became of the list, and write what was left out."""
    from recordkit.templates.finding_spool import Findings

    errors, warnings = Findings(plan.problems, "error"), Findings(plan.problems, "warning")
    unknown = Findings(plan.unknown)
    folder = workspace.root / "outbox"
    files: dict[str, Path | None] = {"refused": None, "unknown": None}
    if not dry_run:
        for mark, found in (("refused", errors), ("unknown", unknown)):
            if len(found):
                files[mark] = write_refused(found, table.rows, file.name, folder, mark)
    if app.json:
        app.print_json({
            "dry_run": dry_run, "columns": dict(table.columns), "counts": dict(counts), "passed": plan.passed,
            "refused": _first(errors), "warnings": _first(warnings), "unknown": _first(unknown),
            "refused_file": str(files["refused"]) if files["refused"] else None,
            "unknown_file": str(files["unknown"]) if files["unknown"] else None,
        })
        return
    for findings in (errors, warnings):
        for problem in islice(findings, _SHOWN):
            click.echo(problem_line(problem), err=True)
        if len(findings) > _SHOWN:
            click.echo("  " + tr("… and {count} more").format(count=len(findings) - _SHOWN), err=True)
    if not dry_run:
        app.print_pairs([(name, count) for name, count in counts.items() if count or name in _ALWAYS])
    if plan.unknown_count:
        first = tr(", ").join(_accounts(unknown, table))
        app.say(tr("Accounts without a record: {accounts}").format(accounts=first)
                + (" …" if plan.unknown_count > _SHOWN else ""))
        app.say(tr("They were entered all the same, for papers that are filed later.") if unknown_entered
                else tr("They were left out; --also-unknown enters them, too, for papers that are filed later."))
    if files["unknown"] is not None:
        app.say(tr("All of them are in {file}.").format(file=quoted(files["unknown"])))
    if files["refused"] is not None:
        app.say(tr("The refused rows are in {file}: correct them there and import that file.").format(
            file=quoted(files["refused"])))
    if dry_run:
        told = [msg("{name}: {count}", name=msg(name), count=count) for name, count in counts.items()
                if count or name in _ALWAYS]
        print_plan(app, steps, count=len(plan.new) + len(plan.missing), total=listed(told))


def _accounts(unknown: Iterable[Problem], table: AccountList) -> list[str]:
    """The first unknown accounts, as they stand in the list."""
    wanted = {problem.row for problem in islice(unknown, _SHOWN)}
    rows = (raw for raw in table.rows if raw.row in wanted)
    return [str(raw.values.get(table.columns["account"])).strip() for raw in islice(rows, len(wanted))]


def _first(findings: Iterable[Problem]) -> list[dict[str, object]]:
    return [plain_problem(problem) for problem in islice(findings, _LISTED)]
