"""recordkit, standing still where a test wants it until a signal comes: no test has to hit the right moment.

Called as ``stopping.py LABEL DONE [MODULE:NAME=NUMBER ...] -- ARGUMENTS``: it shows its progress at once, and stands
still when the progress LABEL has come to DONE. Constants that make batches small can be set. With LABEL ``calls
MODULE:FUNCTION`` it stands still before that function is called for the DONE-th time.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import select
import signal
import sys
import time
from typing import Any

from recordkit.cli import main, progress

HEARD, TOLD = os.pipe()
"""A byte for each signal, written the moment it comes: one between the line on the screen and the wait is not lost."""


def stand_still() -> None:
    """Until a signal has come; what its handler raises goes on from here."""
    with contextlib.suppress(BlockingIOError):
        os.read(HEARD, 4096)  # of signals before this one
    os.write(2, b"\r\n[stands still]\r\n")
    select.select([HEARD], [], [])


def stop_at(label: str, done: int) -> None:
    """Stand still when this progress is so far, once."""
    real, stopped = progress.Progress.of, []

    def of(self: progress.Progress, count: int, *given: Any, **named: Any) -> None:
        real(self, count, *given, **named)
        if self._label == label and count >= done and not stopped:
            stopped.append(count)
            self._draw(time.monotonic())
            stand_still()

    progress.Progress.of = of  # type: ignore[method-assign]
    progress._PATIENCE = 0.0


def stop_before(place: str, times: int) -> None:
    """Stand still before a function is called for the so-manieth time, and each time after that."""
    module, name = place.split(":")
    owner = importlib.import_module(module)
    real, counter = getattr(owner, name), itertools.count(1)

    def stopped(*given: Any, **named: Any) -> Any:
        if next(counter) >= times:
            stand_still()
        return real(*given, **named)

    setattr(owner, name, stopped)


if __name__ == "__main__":
    os.set_blocking(HEARD, False)
    os.set_blocking(TOLD, False)
    signal.set_wakeup_fd(TOLD)
    at = sys.argv.index("--")
    what, number, *constants = sys.argv[1:at]
    for constant in constants:
        where, value = constant.split("=")
        owner_name, constant_name = where.split(":")
        setattr(importlib.import_module(owner_name), constant_name, int(value))
    if what.startswith("calls "):
        stop_before(what.removeprefix("calls "), int(number))
    else:
        stop_at(what, int(number))
    sys.argv = ["recordkit", *sys.argv[at + 1:]]
    main.run_process()
