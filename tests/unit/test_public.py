from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

import recordkit
from recordkit.cli.main import cli


def test_every_public_name_is_there() -> None:
    for name in recordkit.__all__:
        assert getattr(recordkit, name).__name__ == name


def test_the_homes_and_the_list_agree() -> None:
    assert sorted(name for names in recordkit._HOMES.values() for name in names) == sorted(recordkit.__all__)


def commands(command: click.Command, *words: str) -> Iterator[tuple[str, click.Command]]:
    if words:
        yield "_".join(words), command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, *words, name)


def test_the_function_of_every_command_bears_the_words_of_the_command() -> None:
    """An underscore behind it where Python has the word for itself (import, open)."""
    found = {words: inspect.unwrap(one.callback).__name__ for words, one in commands(cli) if one.callback is not None}
    assert len(found) > 100
    assert {words: name for words, name in found.items() if name.removesuffix("_") != words} == {}
