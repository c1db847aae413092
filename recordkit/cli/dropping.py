"""Papers that nobody can use, and files that nobody knows of: ``unmatched drop``, ``quarantine drop``, strays."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, option, quoted
from recordkit.cli.i18n import N_, tr
from recordkit.errors import Interrupted, WrongUsage
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.archive.dropping import DroppedPaper
    from recordkit.archive.strays import Stray

drop_reason_option = option("--reason", default="", metavar="TEXT", help=N_("Why; it is kept."))
yes_option = option("--yes", is_flag=True, help=N_("Do not ask."))


def drop(
    app: App, act: Callable[..., DroppedPaper], reference: str, reason: str, *, yes: bool, dry_run: bool
) -> None:
    """Show what would go, ask, drop it and say where it lies.

    ``act`` is ``waiting.drop_waiting`` or ``retrying.drop_quarantined``.

    Raises:
        WrongUsage: nobody can be asked, and --yes was not given.
    """
    from recordkit.archive.arrivals import told_name

    with app.acting() as workspace:
        planned = act(workspace, reference, reason, dry_run=True)
        name = told_name(planned.path)
        if not dry_run and not planned.already and not yes:
            _ask(app, msg("Drop {file}? It lies in {folder} until {date}, and is then removed.", file=name,
                          folder=planned.path.parent.relative_to(workspace.root).as_posix(),
                          date=planned.until.isoformat()).render(tr))
        done = planned if dry_run or planned.already else act(workspace, reference, reason)
        where = done.path.relative_to(workspace.root).as_posix()
    if app.json:
        app.print_json({"key": done.key, "file": name, "path": str(done.path), "until": done.until,
                        "already": done.already, "dry_run": dry_run})
        return
    said = tr("Was dropped before") if done.already else tr("Would be dropped") if dry_run else tr("Dropped")
    click.echo(f"{said}: {name}  {where}")
    app.say(msg("Until {date} it can be moved back to inbox; then it is removed.", date=done.until.isoformat()))


def _ask(app: App, question: str) -> None:
    if app.no_input or not sys.stdin.isatty():
        raise WrongUsage(msg("Nobody can be asked whether the file is to be dropped."), msg("Give --yes."))
    if not click.confirm(question, default=False, err=True):
        raise Interrupted(msg("Nothing was dropped."))


def plain_strays(strays: Sequence[Stray]) -> list[dict[str, object]]:
    """Strays with their keys in JSON."""
    return [{"path": str(one.path).encode("utf-8", "replace").decode(), "room": one.room, "message": one.todo}
            for one in strays]


def print_strays(store: Path, strays: Sequence[Stray]) -> None:
    """Where each lies, below it what to do; they stand behind the papers that are listed."""
    for one in strays:
        place = one.path.relative_to(store).as_posix().encode("utf-8", "replace").decode()
        click.echo(quoted(place))
        click.echo("    " + one.todo.render(tr))
