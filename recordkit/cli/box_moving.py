"""New numbers for boxes, and places of boxes that are forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, Command, dry_run_option, option, pass_app
from recordkit.cli.i18n import N_, tr
from recordkit.cli.plans import Step, print_plan
from recordkit.cli.progress import Progress
from recordkit.errors import WrongUsage
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.archive.box_moves import BoxMove


@click.command("rename", cls=Command, help=N_("Give a box another number, with all that lies in it and its place; "
                                              "many by a list."))
@click.argument("old", required=False, metavar="[OLD]")
@click.argument("new", required=False, metavar="[NEW]")
@option("--data", type=click.Path(path_type=Path), metavar="FILE",
        help=N_("A list with the columns 原盒号 and 新盒号."))
@option("--sheet", help=N_("Sheet of the spreadsheet."))
@option("--reason", required=True, help=N_("Why."))
@dry_run_option
@pass_app
def box_rename(
    app: App, old: str | None, new: str | None, data: Path | None, sheet: str | None, reason: str, dry_run: bool
) -> None:
    """Plan, and do it unless it is a rehearsal."""
    from recordkit.archive.box_moves import pairs_in, plan_renames, rename_boxes
    from recordkit.archive.search.service import refresh_index
    from recordkit.cli.hits import index_watch
    from recordkit.templates.rows import read_rows

    if (data is None) == (old is None) or (old is None) != (new is None):
        raise WrongUsage(msg("Name the old and the new number of a box, or give --data FILE."))
    pairs = [(old or "", new or "")] if data is None else pairs_in(read_rows(data, sheet), data.name)
    with app.acting() as workspace:
        moves = plan_renames(workspace, pairs)
        total = sum(len(one.records) for one in moves)
        done = 0
        if not dry_run:
            with Progress(app, tr("Changing records"), total) as progress:
                done = rename_boxes(workspace, moves, reason, progress)
            refresh_index(workspace, index_watch(app))
    items = [{"old": one.old, "new": one.new, "records": len(one.records), "held": one.held, "shelf": one.shelf}
             for one in moves]
    if app.json:
        app.print_items(items, [], changed=done, dry_run=dry_run)
        return
    if dry_run:
        _say_held(app, moves)
        print_plan(app, [Step(msg("Rename a box with {count} record(s)", count=len(one.records)), "", "", one.old,
                              one.new) for one in moves],
                   total=msg("In all: {boxes} box(es) with {records} record(s).", boxes=len(moves), records=total))
        return
    app.print_items(items, [("old", N_("Old number")), ("new", N_("New number")), ("records", N_("Records")),
                            ("shelf", N_("Shelf"))], empty=msg(
        "{file} names no box: a row has the old and the new number of one.", file=str(data)))
    _say_held(app, moves)
    app.say(tr("{count} record(s) changed.").format(count=done))


def _say_held(app: App, moves: Sequence[BoxMove]) -> None:
    for one in moves:
        if one.held:
            app.say(tr("In box {box} lay {count} record(s) before.").format(box=one.new, count=one.held))


@click.command("forget", cls=Command, help=N_("Forget where an empty box stands; it leaves the list of boxes."))
@click.argument("number", metavar="BOX")
@dry_run_option
@pass_app
def box_forget(app: App, number: str, dry_run: bool) -> None:
    """One entry; the place itself is destroyed."""
    from recordkit.archive.box_moves import forget_box

    with app.acting(rehearse=dry_run) as workspace:
        forget_box(workspace, number)
    if app.json:
        app.print_json({"box": number, "forgotten": True})
    else:
        app.say(tr("Box {box} stands nowhere now.").format(box=number))
