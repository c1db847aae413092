"""What is said behind Ctrl-C: the command as it is typed again, and what must not be repeated."""

from __future__ import annotations

import shlex

import click
import pytest

from recordkit.cli.i18n import use_language
from recordkit.cli.interrupting import RESUMED, command_again, tell_stop
from recordkit.cli.main import cli
from recordkit.cli.standing import Standing, again_with, is_stop, standing


def stopped(**known: object) -> KeyboardInterrupt:
    error = KeyboardInterrupt()
    error.standing = Standing(**known)  # type: ignore[attr-defined,arg-type]
    return error


def test_the_command_is_quoted_for_a_shell_and_options_come_and_go_once() -> None:
    typed = ["--store", "档案 库", "verify", "--restart", "C001-KF·2026-D10-KFZ-0001", "a'b"]
    told = command_again(typed, "--force", without=("--restart",))
    assert shlex.split(told) == ["recordkit", "--store", "档案 库", "verify", "C001-KF·2026-D10-KFZ-0001", "a'b",
                                 "--force"]
    assert command_again(["x", "--force"], "--force") == "recordkit x --force"


@pytest.mark.parametrize(("words", "typed", "known", "wanted"), [
    ("ingest", ["ingest", "a"], {"entered": 2, "is_begun": True}, "The same command goes on with the rest"),
    ("backup", ["backup"], {"entered": 0, "is_begun": True}, "The same command goes on with the rest"),
    ("ingest", ["ingest", "a"], {"entered": 0}, "To begin again: recordkit ingest a"),
    ("edit", ["edit", "R", "--set", "a=b"], {"entered": 1, "is_begun": True}, "need not be done again"),
    ("edit", ["edit", "--data", "f"], {"entered": 1, "is_begun": True}, "The same command goes on"),
    ("event add", ["event", "add"], {"entered": 1, "is_begun": True}, "need not be done again"),
    ("event add", ["event", "add"], {"entered": 0}, "To begin again"),
    ("stats", ["stats"], {}, "To begin again: recordkit stats"),
])
def test_what_is_entered_is_not_to_be_repeated_and_what_goes_on_is_said(
    words: str, typed: list[str], known: dict[str, object], wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    use_language("en")
    assert tell_stop(stopped(words=words, last="record.filed", **known), typed) == 130
    told = capsys.readouterr()
    assert told.out == "" and wanted in told.err and told.err.startswith("Interrupted.\n")


def test_each_command_that_goes_on_exists_with_the_option_that_makes_it_so() -> None:
    for words, option in RESUMED.items():
        command: click.Command = cli
        for word in words.split():
            assert isinstance(command, click.Group)
            found = command.get_command(click.Context(command), word)
            assert found is not None, words
            command = found
        assert not option or any(option in one.opts for one in command.params), words


def test_what_is_known_survives_that_click_makes_another_exception_of_it() -> None:
    with pytest.raises(KeyboardInterrupt) as caught, again_with("--force"):
        raise KeyboardInterrupt
    try:
        raise click.exceptions.Abort from caught.value
    except click.exceptions.Abort as abort:
        assert is_stop(abort) and standing(abort).more == ("--force",)
    assert not is_stop(ValueError()) and standing(None).notes == []
