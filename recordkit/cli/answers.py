"""Where answers come from: the keyboard, line by line with an old answer to correct, or a pipe, one answer a line.

And where those of a round that was broken off stay.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from recordkit import files
from recordkit.cli.base import App
from recordkit.cli.i18n import tr
from recordkit.errors import InputRefused
from recordkit.messages import msg
from recordkit.templates.fieldtypes import to_plain
from recordkit.templates.spec import FormSpec


class Keyboard:
    """A person before a terminal."""

    piped = False

    def read(self, prefill: str) -> str:
        """One line, ``prefill`` already typed for the person to correct.

        The question stands on lines of its own above: the line editor may then erase wide characters and redraw its
        own line without damaging it. Answers never enter a history.

        Raises:
            EOFError: the input was closed.
            KeyboardInterrupt: Ctrl-C.
        """
        while True:
            try:
                return _line(prefill)
            except UnicodeDecodeError:  # half a character was erased by a terminal that knows bytes only
                click.echo("    × " + tr("That could not be read; type it again."), err=True)


class Pipe:
    """A file or another program; what it says must be right the first time, for nobody corrects it.

    Attributes:
        line: how many lines were read.
    """

    piped = True

    def __init__(self) -> None:
        self.line = 0

    def read(self, prefill: str) -> str:
        """The next line; ``prefill`` where it is empty.

        Raises:
            EOFError: there is none.
            InputRefused: it is no text.
        """
        try:
            line = sys.stdin.readline()
        except UnicodeDecodeError:
            raise InputRefused(msg("Line {line} of the answers is no text.", line=self.line + 1),
                               msg("Save them as UTF-8.")) from None
        except OSError:  # it was closed behind our back: there are no answers
            raise EOFError from None
        if not line:
            raise EOFError
        self.line += 1
        return line.removeprefix("\ufeff").rstrip("\r\n") or prefill


def answers_of(app: App) -> Keyboard | Pipe | None:
    """Who can be asked; None with --no-input, and where the questions could not be seen."""
    if app.no_input or sys.stdin is None or sys.stdin.closed:
        return None
    if not sys.stdin.isatty():
        return Pipe()
    return Keyboard() if sys.stderr.isatty() else None


def _line(prefill: str) -> str:
    if not sys.stdout.isatty():
        # Standard output carries data: the prompt goes where the questions are, without the line editor.
        click.echo(f"  > {prefill and f'[{prefill}] '}", nl=False, err=True)
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\r\n") or prefill
    try:
        import readline
    except ImportError:  # Windows: its console edits lines by itself
        return input(f"  > {prefill and f'[{prefill}] '}") or prefill
    readline.set_auto_history(False)
    if prefill:
        readline.set_startup_hook(lambda: readline.insert_text(prefill))
    try:
        return input("  > ")
    finally:
        readline.set_startup_hook(None)


def save_answers(app: App, spec: FormSpec, answers: Mapping[str, object], path: Path | None = None) -> Path:
    """Write answers for replay with ``--data``, readable by their owner alone; returns the file.

    Without ``path`` a new name in the store's work folder is taken. A given file is replaced.
    """
    number = 1
    target = path or app.store / "work" / f"{spec.id}-answers-1.json"
    while path is None and target.exists():
        number += 1
        target = target.with_name(f"{spec.id}-answers-{number}.json")
    data = json.dumps(dict(answers), ensure_ascii=False, indent=1, default=_plain).encode()
    mask = os.umask(0o077)  # the file is never open to others, not for a moment
    try:
        files.write_atomic(target, data, overwrite=path is not None)
    finally:
        os.umask(mask)
    return target


def _plain(value: object) -> object:
    return to_plain(value) if not isinstance(value, list | dict) else value  # type: ignore[arg-type]
