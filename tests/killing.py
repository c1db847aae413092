"""Work that is killed at a step of its choice: every call that changes the disk counts as one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from recordkit import files

STEPS = ("_create", "_write", "_sync", "sync_folder", "_rename", "_link", "_remove", "_make", "_remove_empty")


class Killed(BaseException):
    """Stands for SIGKILL: no handler of the program catches it."""


@contextmanager
def killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """Kill what is done inside before this step, counted from 1; the list is not empty when that happened."""
    counter = itertools.count(1)
    killed: list[bool] = []

    def guard(real: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any, **named: Any) -> Any:
            if next(counter) >= step:
                killed.append(True)
                raise Killed  # A dead process does nothing more, not even in its handlers.
            return real(*arguments, **named)

        return guarded

    with monkeypatch.context() as patch:
        for name in STEPS:
            patch.setattr(files, name, guard(getattr(files, name)))
        try:
            yield killed
        except Killed:
            assert killed
