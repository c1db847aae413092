"""Stands in the way of every step that changes the disk: kills, fills the disk, makes a folder read-only."""

from __future__ import annotations

import errno
import itertools
import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recordkit import files
from recordkit.db import Database

STEPS = (
    (files, "_create"), (files, "_write"), (files, "_sync"), (files, "sync_folder"), (files, "_rename"),
    (files, "_link"), (files, "_remove"), (files, "_make"), (files, "_remove_empty"), (Database, "run"),
)  # fmt: skip
"""Whatever changes the disk: every call in files.py, and the statements of the database."""

NEEDS_ROOM = frozenset({"_create", "_write", "_sync", "_link", "_make", "run"})
"""Steps that fail on a disk that is full and stays full."""

Stops = Callable[[int, str, tuple[Any, ...]], None]

READ_ONLY = ("eacces", "erofs")
FOLDERS = ("inbox/done", "inbox/unmatched", "quarantine", "objects", "ledger", "work/pending")
"""Folders that may be read-only, by their place here."""


def stand_in_the_way(stops: Stops, put: Callable[[object, str, object], None] = setattr) -> list[str]:
    """Ask ``stops`` before each step with its number, counted from 1, its name and arguments; the names so far.

    ``put`` sets an attribute; that of monkeypatch takes it back at the end of a test.
    """
    counter = itertools.count(1)
    log: list[str] = []

    def guard(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any, **named: Any) -> Any:
            log.append(name)
            stops(next(counter), name, arguments)
            return real(*arguments, **named)

        return guarded

    for owner, name in STEPS:
        put(owner, name, guard(name, getattr(owner, name)))
    return log


def way_of(way: str, step: int) -> Stops:
    """What goes wrong in a job, see ``stand_in_the_way``; a way of ``READ_ONLY`` takes the place of its folder."""
    if way in READ_ONLY:
        return lambda _, name, arguments: deny(getattr(errno, way.upper()), FOLDERS[step], name, arguments)

    def stops(number: int, name: str, arguments: tuple[Any, ...]) -> None:
        if number == step or (way == "filled" and number > step and name in NEEDS_ROOM):
            WAYS[way](name, arguments)

    return stops


def die(_name: str, _arguments: tuple[Any, ...]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_in_mid_write(name: str, arguments: tuple[Any, ...]) -> None:
    if name == "_write":
        handle, data = arguments
        handle.write(bytes(data)[: len(data) // 2])
    die(name, arguments)


def disk_full(name: str, arguments: tuple[Any, ...]) -> None:
    if name == "run":
        raise sqlite3.OperationalError("database or disk is full")
    if name in ("_write", "_sync"):  # what fails on an open file names none
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(arguments[-1]))


def interrupt(_name: str, _arguments: tuple[Any, ...]) -> None:
    os.kill(os.getpid(), signal.SIGINT)


def terminate(_name: str, _arguments: tuple[Any, ...]) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


WAYS = {"kill": die, "torn": die_in_mid_write, "full": disk_full, "filled": disk_full, "int": interrupt,
        "term": terminate}


def deny(number: int, folder: str, name: str, arguments: tuple[Any, ...]) -> None:
    """Fail like a folder that is read-only: nothing appears, changes or goes in it or below."""
    if name in ("sync_folder", "run"):
        return
    touched = [Path(getattr(arguments[0], "name", arguments[0])) if name in ("_write", "_sync") else arguments[0]]
    if name in ("_rename", "_link"):
        touched = list(arguments[name == "_link":])
    for path in touched:
        # What is not there cannot be removed, and what is there need not be made.
        if f"/{folder}/" in f"{path.parent.as_posix()}/" and (name not in ("_remove", "_make") or _changes(name, path)):
            raise OSError(number, os.strerror(number), str(path))


def _changes(name: str, path: Path) -> bool:
    return os.path.lexists(path) == (name == "_remove")
