"""Help begins with examples, and every one of them is a command line that the program accepts."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import pytest
from conftest import Cli

from recordkit.cli.examples import EXAMPLES
from recordkit.cli.main import cli as program
from recordkit.cli.tables import columns_of

LINES = [(key, line) for key, examples in EXAMPLES.items() for line, _ in examples]
DAILY = ("generate", "ingest", "search", "edit", "catalogue", "box", "volume", "report", "retention", "destruction",
         "hold", "event", "backup")


@pytest.mark.parametrize(("key", "line"), LINES)
def test_every_example_parses(key: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The files of the examples are the reader's; all else is held against the real options and arguments.
    monkeypatch.setattr(click.Path, "convert", lambda self, value, param, ctx: Path(value))
    context = program.make_context("recordkit", shlex.split(line))
    words: list[str] = []
    while isinstance(context.command, click.Group):
        name, command, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
        assert name is not None and command is not None
        words.append(name)
        context = command.make_context(name, rest, parent=context)
    assert " ".join(words).startswith(key)
    assert not context.args


@pytest.mark.parametrize("command", DAILY)
def test_help_shows_examples_before_the_options(cli: Cli, command: str) -> None:
    shown = cli(*command.split(), "--help", lang="zh")
    first = EXAMPLES[command][0][0]
    assert shown.index(f"recordkit {first}") < shown.index("--help")


@pytest.mark.parametrize("key", EXAMPLES)
def test_examples_fit_a_terminal_of_eighty_columns(cli: Cli, key: str) -> None:
    from recordkit.cli.examples import lines_of_examples

    assert [line for line in lines_of_examples(key) if columns_of(line) > 79] == []


def test_a_wrong_usage_shows_a_right_one(cli: Cli) -> None:
    cli("catalogue", "export", "--kind", "items", expect=2)
    assert "recordkit catalogue export --kind items" in cli.err
