"""Where results may go: no command writes one into a store but into its outbox, forms into its forms."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from conftest import Cli, clock_at
from small_archive import DAY, make_small_archive

from recordkit.cli.base import Command
from recordkit.cli.main import cli as root
from recordkit.cli.saving import kind_of_file, require_place
from recordkit.errors import InputRefused, WrongUsage
from recordkit.store import make_store

READ_FROM = {"data", "password_file", "against", "key", "public", "source", "passphrase_file", "opinion",
             "class_map", "register", "catalogue", "ledger", "store", "target",
             "copies"}
"""Options with a path that are read, or whose command refuses the inside of a store itself (backup --to)."""


def commands(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))
        else:
            yield (*before, name), command


WRITING = [(words, command, param) for words, command in commands(root) for param in command.params
           if param.name in Command.results and isinstance(param.type, click.Path)]


def test_every_option_with_a_path_is_one_that_is_checked_or_one_that_is_read() -> None:
    found = {param.name for _, command in commands(root) for param in command.params
             if isinstance(param, click.Option) and isinstance(param.type, click.Path)}
    assert found - set(Command.results) <= READ_FROM
    assert len(WRITING) > 25


def filler(param: click.Parameter, tmp_path: Path) -> str:
    if isinstance(param.type, click.Choice):
        return str(param.type.choices[0])
    if isinstance(param.type, click.Path):
        path = tmp_path / "some.docx"
        path.touch()
        return str(path)
    return "2026-11" if param.name == "month" else "1"


def what_it_needs(command: click.Command, param: click.Parameter, tmp_path: Path) -> list[str]:
    """Arguments and options without which the command is not called, but for ``param``."""
    needed: list[str] = []
    for one in command.params:
        if one.required and one is not param:
            needed += [filler(one, tmp_path)] if isinstance(one, click.Argument) else [
                one.opts[0], filler(one, tmp_path)]
    return needed


each = pytest.mark.parametrize(("words", "command", "param"), WRITING,
                               ids=lambda one: "-".join(one) if isinstance(one, tuple) else "")


@each
def test_no_result_goes_into_a_pipe_or_below_a_file_and_that_is_said_in_one_way(
    cli: Cli, tmp_path: Path, words: tuple[str, ...], command: click.Command, param: click.Parameter
) -> None:
    needed = what_it_needs(command, param, tmp_path)
    assert isinstance(param.type, click.Path)
    (tmp_path / "file").touch()
    pipes = []
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        pipes = [str(tmp_path / "pipe"), "/dev/stdout"]
    for place in ("-", *pipes):
        cli(*words, *needed, param.opts[0], place, expect=2)
        assert place in cli.err
        if param.type.file_okay:
            assert "is no file" in cli.err and "Give the name of a file" in cli.err
    cli(*words, *needed, param.opts[0], tmp_path / "file" / "x.docx", expect=3)
    assert f"{tmp_path / 'file'} is a file" in cli.err
    assert not Path("-").exists()


@each
def test_no_result_goes_into_a_store_or_a_copy_of_one(
    cli: Cli, tmp_path: Path, words: tuple[str, ...], command: click.Command, param: click.Parameter
) -> None:
    other = tmp_path / "another"
    make_store(other, clock_at(DAY), "test", simulation=True)
    (tmp_path / "link").symlink_to(cli.store / "ledger")
    needed = what_it_needs(command, param, tmp_path)
    force = ["--force"] if any(one.name == "force" for one in command.params) else []
    before = everything(cli.store), everything(other)
    for place in (cli.store / "ledger" / "ledger-000001.jsonl", cli.store / "objects" / "x.xlsx", other / "inbox" / "x",
                  cli.store / "outbox" / ".." / "notes" / "x", tmp_path / "link" / "x", cli.store):
        if isinstance(param.type, click.Path) and place.exists() and not (
                param.type.file_okay if place.is_file() else param.type.dir_okay):
            continue
        cli(*words, *needed, param.opts[0], place, *force, expect=2)
        assert str(place) in cli.err and "outbox" in cli.err, place
    assert (everything(cli.store), everything(other)) == before


def everything(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and path.suffix != ".lock"}


def test_the_outbox_takes_results_and_forms_take_forms(cli: Cli, tmp_path: Path) -> None:
    cli.store = tmp_path / "库"
    make_small_archive(cli.store)
    cli("get", "供合〔2026〕0001号", "--out", cli.store / "outbox" / "合同.txt")
    cli("get", "供合〔2026〕0001号", "--out", cli.store / "outbox")
    cli("ledger", "export", "--out", cli.store / "outbox" / "entries.jsonl")
    cli("stats", "--out", cli.store / "outbox" / "stats.docx")
    cli("forms", "sample", "visit-record", "--xlsx", cli.store / "forms" / "sample.xlsx")
    assert (cli.store / "outbox" / "合同.txt").read_bytes() == "张三供用水合同".encode()
    cli("get", "供合〔2026〕0001号", "--out", cli.store / "forms" / "合同.txt", expect=2)


def test_no_store_no_demo_and_no_copy_is_made_inside_a_store_or_a_copy(cli: Cli, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    cli("backup", "--to", copy)
    before = sorted(path for place in (cli.store, copy) for path in place.rglob("*"))
    for inside in (cli.store / "objects" / "new", cli.store / "inbox" / "new", copy / "objects" / "new"):
        cli("init", inside, "--no-input", expect=2)
        cli("demo", inside, expect=2)
        cli("backup", "--to", inside, expect=3 if inside.is_relative_to(cli.store) else 2)
        if inside.is_relative_to(cli.store):
            cli("--store", inside, "restore", copy, "--ledger", cli.store / "ledger", expect=2)
    assert sorted(path for place in (cli.store, copy) for path in place.rglob("*")) == before
    cli("backup", "--to", copy)


@pytest.mark.parametrize("inside", ["", "new"])
def test_no_store_is_made_where_a_file_or_a_broken_link_is(cli: Cli, tmp_path: Path, inside: str) -> None:
    (tmp_path / "file.txt").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file.txt", "link"):
        cli("init", tmp_path / name / inside, "--no-input", expect=3)
        assert "is no folder" in cli.err and name in cli.err
    assert (tmp_path / "file.txt").read_bytes() == b"x"


def test_a_folder_in_the_place_of_a_file_is_named_and_the_ending_says_the_kind(cli: Cli, tmp_path: Path) -> None:
    for words in (("ledger", "export"), ("report", "monthly", "--month", "2026-11")):
        cli(*words, "--out", tmp_path, "--force", expect=2)
        assert str(tmp_path) in cli.err
    assert kind_of_file(Path("清册.XLSX"), None, ("docx", "xlsx")) == "xlsx"
    assert kind_of_file(Path("清册"), None, ("docx", "xlsx")) == "docx"
    assert kind_of_file(Path("清册.foo"), "xlsx", ("docx", "xlsx")) == "xlsx"
    with pytest.raises(WrongUsage):
        kind_of_file(Path("清册.docx"), "xlsx", ("docx", "xlsx"))


@contextmanager
def somebody() -> Iterator[None]:
    """Without the rights of the system's administrator, who may write anywhere."""
    if sys.platform == "win32" or os.getuid() != 0:
        yield
        return
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.mark.parametrize(("mode", "named"), [(0o555, "closed"), (0o000, "closed"), (0o000, "closed/deeper")])
def test_a_folder_that_may_not_be_written_or_entered_is_named(tmp_path: Path, mode: int, named: str) -> None:
    closed = tmp_path / "closed"
    (closed / "deeper").mkdir(parents=True)
    (closed / "deeper" / "old.jsonl").write_bytes(b"")
    require_place(tmp_path / "x.jsonl")
    closed.chmod(mode)
    try:
        with somebody(), pytest.raises(InputRefused, match="Nothing can be written into"):
            require_place(tmp_path / named / "old.jsonl")
    finally:
        closed.chmod(0o755)
