"""Colours in a real terminal: they mean something, say nothing alone, and vanish where nobody wants them."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from conftest import Cli
from scans import DAY, NOTICE, filed, issue_one

from recordkit.cli.colours import MEANINGS, STYLES, meaning_of, painted
from recordkit.cli.tables import columns_of
from recordkit.messages import msg

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def screen(store: Path, *words: str, columns: int = 80, **environment: str) -> str:
    """What a terminal of so many columns gets, escape sequences and all."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    chosen = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
    process = subprocess.Popen(
        [sys.executable, "-m", "recordkit", "--store", str(store), "--lang", "en", *words], stdin=slave, stdout=slave,
        stderr=slave, env={**chosen, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **environment})
    os.close(slave)
    got = b""
    while select.select([master], [], [], 60)[0]:
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        if not data:
            break
        got += data
    process.wait(60)
    os.close(master)
    return got.decode().replace("\r\n", "\n")


@pytest.fixture
def office(cli: Cli, tmp_path: Path) -> Cli:
    """One document returned, one still out, one void."""
    filed(cli, tmp_path, issue_one(cli))
    issue_one(cli, NOTICE)
    cli("issued", "void", issue_one(cli, "visit-record"), "--reason", "填错", *DAY)
    return cli


def test_statuses_are_coloured_by_their_meaning_and_the_word_stands_there_too(office: Cli) -> None:
    shown = screen(office.store, "issued", "list")
    assert "\x1b[32mreturned\x1b[0m" in shown
    assert "\x1b[36missued\x1b[0m" in shown
    assert "\x1b[2mvoid\x1b[0m" in shown
    assert "\x1b[1m" in shown  # the headings
    assert ESCAPE.sub("", shown) == screen(office.store, "issued", "list", NO_COLOR="1")


def test_a_refusal_is_marked_in_colour_and_in_words(office: Cli) -> None:
    shown = screen(office.store, "show", "no such record")
    assert "\x1b[31mError: \x1b[0m" in shown


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_nothing_is_coloured_where_the_person_wants_none(office: Cli, environment: dict[str, str]) -> None:
    plan = ("box", "place", "1", "--shelf", "2", "--dry-run")
    for words in (("issued", "list"), ("doctor",), ("show", "nothing"), plan):
        assert "\x1b[" not in screen(office.store, *words, **environment), words


def test_an_empty_no_color_is_as_if_it_were_not_set(office: Cli) -> None:
    assert "\x1b[32m" in screen(office.store, "issued", "list", NO_COLOR="")


def test_a_pipe_gets_no_colours(office: Cli) -> None:
    for words in (("issued", "list"), ("doctor",)):
        done = subprocess.run([sys.executable, "-m", "recordkit", "--store", str(office.store), *words],
                              capture_output=True, env={**os.environ, "TERM": "xterm-256color"}, check=False)
        assert b"\x1b[" not in done.stdout + done.stderr, words


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_colours_take_no_room_in_a_table(office: Cli, columns: int) -> None:
    lines = ESCAPE.sub("", screen(office.store, "issued", "list", columns=columns)).splitlines()
    assert max(map(columns_of, lines)) < columns


def test_every_meaning_has_a_style_of_its_own_and_every_word_a_meaning() -> None:
    styles = [tuple(sorted(style.items())) for style in STYLES.values()]
    assert len(set(styles)) == len(styles)
    assert set(MEANINGS.values()) < set(STYLES)
    assert (meaning_of(msg("held")), meaning_of("held"), meaning_of(None)) == ("forbidden", None, None)
    assert painted("held", None) == "held"
