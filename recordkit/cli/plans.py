"""What ``--dry-run`` prints, of whatever command.

A numbered list of what will happen, how much that is, and last that nothing was changed, with the command that does it.
Nobody who looks first should have to guess whether it is done already: the last line is the same everywhere.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import click

from recordkit.cli.colours import painted
from recordkit.cli.i18n import tr
from recordkit.cli.showing import plain, quoted, shown
from recordkit.cli.tables import columns_of, folded
from recordkit.messages import Message, msg

if TYPE_CHECKING:
    from recordkit.cli.base import App

SHOWN = 20
"""Steps that a terminal is shown; a file or a pipe gets all of them."""

_OPTION = "--dry-run"


class Step(NamedTuple):
    """One thing that will happen.

    Attributes:
        what: what is done, as an order: "Place a hold (debt)".
        on: what it is done to, by the code, number or name that people know; never broken over lines.
        told: what else names it, such as a title.
        before: what stands there now, and ``after`` what will; None where that says nothing.
        after: see ``before``.
    """

    what: Message
    on: str = ""
    told: str | Message = ""
    before: object = None
    after: object = None


class Plan:
    """A plan that is told step by step, as each comes to be known; ``close`` ends it.

    Args:
        app: how and where to talk.
        digits: of the largest number, where it is known.
    """

    def __init__(self, app: App, digits: int = 1) -> None:
        """Nothing is told yet."""
        self._app = app
        self._digits = digits
        self._most = SHOWN if sys.stdout.isatty() else None
        self._width = shutil.get_terminal_size().columns if self._most is not None else None
        self.count = 0

    @property
    def is_full(self) -> bool:
        """Whether the terminal has been shown enough; what follows is counted."""
        return self._most is not None and self.count >= self._most

    def add(self, step: Step, remarks: Iterable[str] = ()) -> None:
        """One more step, and below it what should be known of it."""
        if not self.is_full:
            head = f"{self.count + 1:>{self._digits}}. "
            for line in (*_lines_of(head, step, self._width), *(f"{' ' * len(head)}- {one}" for one in remarks)):
                click.echo(line)
        self.count += 1

    def close(self, total: Message | None = None, *, any_left: bool | None = None) -> None:
        """What was not shown, the totals, and that nothing was changed."""
        if self._most is not None and self.count > self._most:
            self._app.say(msg(
                "… and {count} more. All of them go into a file with: {command} > {file}",
                count=self.count - self._most, command=command_line(self._app, dry_run=True), file=tr("plan.txt")))
        self._app.say(total or msg("In all: {count}.", count=self.count))
        close_plan(self._app, any_left=self.count > 0 if any_left is None else any_left)


def print_plan(app: App, steps: Iterable[Step], *, count: int | None = None, total: Message | None = None) -> None:
    """The list, its total and the closing line; talk that belongs to it has been said before.

    Args:
        app: how and where to talk.
        steps: gone through once; on a terminal the first ``SHOWN``.
        count: how many they are; needed where ``steps`` is no list.
        total: the line of totals, where "{count} things" would say too little.
    """
    steps = list(steps) if count is None else steps
    every = len(steps) if isinstance(steps, list) else count or 0
    plan = Plan(app, len(str(every)))
    for step in steps:
        if plan.is_full:
            plan.count = every
            break
        plan.add(step)
    plan.close(total)


def close_plan(app: App, *, any_left: bool = True) -> None:
    """The last line of every dry run: nothing was changed, and the command that does it, if there is anything to do."""
    if app.json:
        return
    if any_left:
        told = msg("Nothing was changed. Without --dry-run it is done: {command}", command=command_line(app))
    else:
        told = msg("Nothing was changed, and there is nothing to do.")
    app.say(painted(told.render(tr), "waiting"))


def command_line(app: App, *, dry_run: bool = False) -> str:
    """What was typed, ready to be typed again, without --dry-run where that is not asked for."""
    words = [one for one in app.words if dry_run or one != _OPTION]
    return " ".join(["recordkit", *map(quoted, words)])


def plain_steps(steps: Iterable[Step]) -> list[dict[str, object]]:
    """Steps for programs, in words of the reader's language."""
    return [{"what": plain(one.what), "object": one.on, "title": plain(one.told), "before": one.before,
             "after": one.after} for one in steps]


def _lines_of(head: str, step: Step, width: int | None) -> Iterator[str]:
    """The step in one line where it fits; else what changes, then what names it, go to lines of their own."""
    change = _change(step)
    named = "  ".join(filter(None, (shown(step.what), step.on, shown(step.told))))
    whole = "  ".join(filter(None, (named, change)))
    if width is None or columns_of(head + whole) < width:
        yield head + whole
        return
    indent = " " * columns_of(head)
    room = max(width - 1 - columns_of(head), 20)
    for place, line in enumerate(_laid_out([shown(step.what), step.on, shown(step.told), change], room)):
        yield (indent if place else head) + line


def _laid_out(parts: Iterable[str], room: int) -> Iterator[str]:
    """Parts behind one another; one that does not fit begins a line, a code in one piece."""
    line = ""
    for part in filter(None, parts):
        together = f"{line}  {part}" if line else part
        if columns_of(together) <= room:
            line = together
            continue
        if line:
            yield line
        *full, line = folded(part, room)
        yield from full
    if line:
        yield line


def _change(step: Step) -> str:
    if step.before is None and step.after is None:
        return ""
    if step.before is None:
        return f"→ {shown(step.after)}"
    nothing = tr("(empty)")
    return f"{shown(step.before) or nothing} → {shown(step.after) or nothing}"
