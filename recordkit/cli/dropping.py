"""Papers that nobody can use, and files that nobody knows of: ``unmatched drop``, ``quarantine drop``, strays."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, option
from recordkit.cli.i18n import N_, tr
from recordkit.cli.plans import Step, print_plan
from recordkit.cli.showing import quoted
from recordkit.errors import Interrupted, WrongUsage
from recordkit.messages import Message, listed, msg

if TYPE_CHECKING:
    from recordkit.archive.dropping import DroppedPaper
    from recordkit.archive.strays import Stray
    from recordkit.workspace import Workspace

drop_reason_option = option("--reason", default="", metavar="TEXT", help=N_("Why; it is kept."))
yes_option = option("--yes", is_flag=True, help=N_("Do not ask."))


def drop(
    app: App, act: Callable[..., DroppedPaper], references: Sequence[str], reason: str, *, yes: bool, dry_run: bool
) -> None:
    """Show what would go, ask once, drop it and say where it lies. Every name is looked up before anything goes.

    ``act`` is ``waiting.drop_waiting`` or ``retrying.drop_quarantined``.

    Raises:
        WrongUsage: nobody can be asked, and --yes was not given.
    """
    with app.acting() as workspace:
        planned = [act(workspace, one, reason, dry_run=True) for one in references]
        planned = list({one.key: one for one in planned}.values())
        if not dry_run and not yes and not all(one.already for one in planned):
            _ask(app, _question(workspace, [one for one in planned if not one.already]).render(tr))
        done = [one if dry_run or one.already else act(workspace, one.key, reason) for one in planned]
    items = [_plain(one, dry_run=dry_run) for one in done]
    if app.json:
        app.print_json(items[0] if len(references) == 1 else {"items": items, "total": len(items)})
        return
    until = msg("Until {date} it can be moved back to inbox; then it is removed.", date=done[0].until.isoformat())
    if dry_run:
        print_plan(app, [Step(msg("Drop the file"), told_name(one.path), "", None,
                              one.path.relative_to(workspace.root).as_posix()) for one in done if not one.already],
                   total=until)
        return
    for one in done:
        said = tr("Was dropped before") if one.already else tr("Dropped")
        click.echo(f"{said}: {told_name(one.path)}  {one.path.relative_to(workspace.root).as_posix()}")
    app.say(until)


def _question(workspace: Workspace, papers: Sequence[DroppedPaper]) -> Message:
    folder = papers[0].path.parent.relative_to(workspace.root).as_posix()
    if len(papers) == 1:
        return msg("Drop {file}? It lies in {folder} until {date}, and is then removed.",
                   file=told_name(papers[0].path), folder=folder, date=papers[0].until.isoformat())
    return msg("Drop {count} files ({files})? They lie in {folder} until {date}, and are then removed.",
               count=len(papers), files=listed((told_name(one.path) for one in papers), 5),
               folder=papers[0].path.parents[1].relative_to(workspace.root).as_posix(),
               date=papers[0].until.isoformat())


def _plain(one: DroppedPaper, *, dry_run: bool) -> dict[str, object]:
    return {"key": one.key, "file": told_name(one.path), "path": str(one.path), "until": one.until,
            "already": one.already, "dry_run": dry_run}


def told_name(path: Path) -> str:
    """A name that came from outside, fit for a screen."""
    from recordkit.archive import arrivals  # not needed to list the commands

    return arrivals.told_name(path)


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
