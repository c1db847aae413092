"""What click finds wrong in a command line, told in our words and with a right one beside it.

Loaded only when there is something to tell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import click

from recordkit.cli.examples import EXAMPLES, words_of
from recordkit.cli.i18n import tr
from recordkit.messages import nearest

_WORDS_OF_A_NAME = 8


def tell_misuse(error: click.ClickException, arguments: Sequence[str]) -> None:
    """Print what is wrong and what a right command line looks like."""
    _told(error).show()
    context = getattr(error, "ctx", None)
    if not tell_parted_name(arguments) and isinstance(context, click.Context):
        for line, _ in EXAMPLES.get(words_of(context.command_path), ())[:1]:
            click.echo(tr("  -> For example: {example}").format(example=f"recordkit {line}"), err=True)


def tell_parted_name(arguments: Sequence[str]) -> bool:
    """Whether a file was given in parts, its name having a blank and no quotation marks; says so."""
    for begin, first in enumerate(arguments):
        first = first.partition("=")[2] if first.startswith("-") else first
        for end in range(begin + 2, min(begin + _WORDS_OF_A_NAME, len(arguments)) + 1 if first else 0):
            name = " ".join((first, *arguments[begin + 1 : end]))
            if _is_there(name):
                todo = tr('The name has a blank in it; put it between quotation marks: "{name}"').format(name=name)
                click.echo(tr("  -> {todo}").format(todo=todo), err=True)
                return True
    return False


def _is_there(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):  # too long for a name, or holding a NUL
        return False


def _told(error: click.ClickException) -> click.ClickException:
    """Without click's pieced sentences; of the names that it would offer for an unknown one, only the nearest."""
    if isinstance(error, click.NoSuchOption) and error.possibilities:
        near = nearest(error.option_name, error.possibilities)
        return click.NoSuchOption(error.option_name, error.message, near and [near], error.ctx)
    if isinstance(error, click.MissingParameter) and isinstance(error.param, click.Option):
        return click.UsageError(tr("The option {name} is missing.").format(name=error.param.opts[0]), error.ctx)
    if isinstance(error, click.BadParameter) and (value := _no_number(error)):
        said = tr("{value} is no number; write it in digits, such as 30.").format(value=value)
        return click.BadParameter(said, error.ctx, error.param)
    return error


def _no_number(error: click.BadParameter) -> str:
    """What was given in place of a number; empty where something else is wrong."""
    kind = error.param.type if error.param else None
    # A number outside of its range has a sentence of its own, which does not name the type.
    if isinstance(kind, click.types.IntParamType | click.types.FloatParamType) and kind.name in error.message:
        found = re.match("([\"'])(.*)\\1", error.message, re.DOTALL)
        return found[2] if found else ""
    return ""
