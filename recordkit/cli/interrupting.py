"""Ctrl-C: what is done, that nothing is half-done, and the command that goes on; said in one way for every command."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Collection, Mapping, Sequence
from types import FrameType
from typing import Final

import click

from recordkit.cli.i18n import tr
from recordkit.cli.showing import quoted
from recordkit.cli.standing import Standing, standing
from recordkit.cli.words import act_name
from recordkit.errors import Interrupted

RESUMED: Final[Mapping[str, str]] = {
    "backup": "", "box rename": "", "destruction execute": "", "edit": "--data", "event import": "", "hold import": "",
    "hold place": "--data", "import": "", "ingest": "", "issued complete": "--data", "issued render": "", "mend": "",
    "verify": "", "volume create": "--per-account",
}
"""Commands that go on where they stopped, or pass over what is done, when they are given again; some only with an
option. The others do one thing, which is entered or not; ``generate`` says itself how it goes on."""


def command_again(arguments: Sequence[str], *more: str, without: Collection[str] = ()) -> str:
    """The same command line as it is typed, with ``more`` options that it lacks and ``without`` those that it has."""
    kept = [one for one in arguments if one not in without]
    return " ".join(["recordkit", *map(quoted, kept), *(one for one in more if one not in kept)])


def tell_stop(error: BaseException, arguments: Sequence[str]) -> int:
    """Say what is done and how to go on, on stderr; the exit code. ``arguments`` were typed behind ``recordkit``."""
    about = standing(error)
    told = [tr("Interrupted."), *about.notes]
    if about.state:
        told.append(about.state)
    elif about.entered:
        told.append(tr("{count} act(s) of this run stand in the ledger, each of them whole, the last: {act}. Nothing "
                       "is half-done.").format(count=about.entered, act=act_name(about.last)))
    elif about.entered == 0:
        told.append(tr("Nothing was entered in the ledger, and nothing is half-done."))
    else:
        told.append(tr("What was done stays done; the rest was not begun."))
    click.echo("\n".join(told), err=True)
    click.echo(tr("  -> {todo}").format(todo=_todo(about, arguments)), err=True)
    return Interrupted.exit_code


def _todo(about: Standing, arguments: Sequence[str]) -> str:
    again = command_again(arguments, *about.more)
    if about.is_begun and RESUMED.get(about.words) in ("", *arguments):
        return tr("The same command goes on with the rest: {command}").format(command=again)
    if about.entered:
        return tr("What is entered need not be done again: see 'recordkit ledger list' before you repeat the command.")
    return tr("To begin again: {command}").format(command=again)


_PATIENCE = 2.0
"""Seconds of tidying up after which that is said."""


class _Ear:
    """Hears Ctrl-C: the first ends the run, the second lets it tidy up, the third ends that, too."""

    def __init__(self) -> None:
        self._times = 0
        self._told = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self._times += 1
        if self._times == 1:
            later = threading.Timer(_PATIENCE, self._tell)
            later.daemon = True
            later.start()
        if self._times != 2:
            raise KeyboardInterrupt
        self._told = False
        self._tell()

    def _tell(self) -> None:
        """Past click and its buffers: the signal may have come in the middle of another line."""
        if not self._told:
            self._told = True
            with contextlib.suppress(OSError):
                os.write(2, ("\n" + tr("Tidying up; once more Ctrl-C ends at once.") + "\n").encode())


def hear_interrupts() -> None:
    """Let a second Ctrl-C do no harm while the first one's tidying up is under way.

    Where whoever started the program had it ignored, it stays so.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _Ear())
