"""One line on the terminal that says how far a long run is; a short one shows nothing. What stops it is told of it."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Literal, Protocol, Self, TypeVar

import click

from recordkit.cli.base import App
from recordkit.cli.i18n import tr
from recordkit.cli.standing import is_stop, standing
from recordkit.cli.tables import columns_of

_PATIENCE = 2.0
_BETWEEN = 0.2
_SILENCE = 1.0
"""Seconds after which the line is drawn again although nobody told anything: time goes on."""
_LONG = 4.0
"""Seconds of silence after which the line says how long it has taken, too."""

Item = TypeVar("Item")


class Later(Protocol):
    """Tells of a part of the run."""

    def __call__(self, done: int, total: int, size: int = 0, /) -> None:
        """``done`` of ``total``; ``size`` bytes were read for it."""


class Progress:
    """Share done, rate and time left, from two seconds on, where people look: a terminal, no --quiet or --json.

    Call it with how much is done; use it as a context, so that the line is gone before anything else is printed. What
    is printed inside is printed within ``aside``. Where nothing can be counted the line says how long it has taken.
    Ctrl-C inside notes how far it was, for the sentence that is said at the end of the command.

    Args:
        app: what the person said.
        label: what is going on, translated.
        total: what there is to do, in the unit in which it is told; 0 when nobody knows.
        unit: ``bytes``, told in MB, or ``count``.
    """

    def __init__(self, app: App, label: str, total: int, unit: Literal["bytes", "count"] = "count") -> None:
        """Start the clock."""
        self._shown = sys.stderr.isatty() and not app.quiet and not app.json
        self._label, self._total, self._unit = label, total, unit
        self._begin = time.monotonic()
        self._next = self._begin + _PATIENCE
        self._drawn = False
        self._done = self._size = 0
        self._last = self._now = ""
        self._first: tuple[int, float] | None = None
        self._heard = self._begin
        self._lock = threading.RLock()  # of the line: the watcher draws it, too
        self._ended = threading.Event()
        self._watcher: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._shown:
            self._watcher = threading.Thread(target=self._watch, daemon=True)
            self._watcher.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self.clear()
        if is_stop(error):
            self.note(error)

    def __call__(self, done: int) -> None:
        """``done`` of the total."""
        self.of(done, self._total)

    def of(self, done: int, total: int, size: int = 0, *, last: str = "", now: str = "") -> None:
        """``done`` of ``total``; where it is told, ``size`` bytes for it, the ``last`` one done, what is at hand."""
        self._done, self._total, self._size, self._last, self._now = done, total, size, last, now
        if not self._shown:
            return
        moment = self._heard = time.monotonic()
        if self._first is None:
            self._first = done, moment  # what was done, and what time went by, before the counting counts for no rate
        if moment >= self._next:
            self._draw(moment)

    def then(self, label: str) -> Later:
        """What tells of the next part of the run (done, total, bytes), which begins when that is called first."""

        def of(done: int, total: int, size: int = 0, /) -> None:
            if self._label != label:
                with self._lock:
                    self._label, self._unit, self._first = label, "count", None
            self.of(done, total, size)

        return of

    def counted(self, items: Iterable[Item]) -> Iterator[Item]:
        """The same items, each one told as done when the next is asked for."""
        self(0)
        for done, item in enumerate(items, start=1):
            yield item
            self(done)

    def line(self, now: float) -> str:
        """The line at this moment."""
        if self._first is None and not self._total:
            return f"{self._label} {clock_time(now - self._begin)}"
        before, since = self._first or (0, now)
        is_counted = bool(self._total) and self._done >= self._total  # what comes behind it counts for no rate
        seconds = (self._heard if is_counted else now) - since
        rate = (self._done - before) / seconds if seconds > 0 else 0.0
        parts = [f"{self._label}: {_amount(self._done, self._unit)}"]
        if self._total:
            parts[0] += f" / {_amount(self._total, self._unit)} ({min(self._done / self._total, 1):.0%})"
        if rate > 0:
            parts.append(f"{_rate(rate, self._unit)}/s")
            if self._size:
                parts.append(f"{_amount(self._size / seconds, 'bytes')}/s")
            if self._total and not is_counted:
                left = (self._total - self._done) / rate
                parts.append(tr("{time} left").format(time=clock_time(left)))
        if rate <= 0 or now - self._heard >= _LONG:
            parts.append(clock_time(now - self._begin))
        if self._now:
            parts.append(self._now)
        return "  ".join(parts)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Print something else meanwhile: the line is away, and comes back below it."""
        with self._lock:
            self._wipe()
            yield

    def clear(self) -> None:
        """Take the line away for good."""
        self._ended.set()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None
        self._shown = False
        self._wipe()

    def note(self, error: BaseException) -> None:
        """Keep on what stopped the run how far it was."""
        if not self._done:
            return
        done, total = (_amount(one, self._unit) for one in (self._done, self._total))
        told = (tr("{label}: {done} of {total}.") if self._total else tr("{label}: {done}.")).format(
            label=self._label, done=done, total=total)
        if self._last:
            told += " " + tr("The last one: {name}").format(name=self._last)
        about = standing(error)
        about.notes.append(told)
        about.is_begun = True

    def _watch(self) -> None:
        """Draw the line again while nothing is told, so that nobody takes a long step for a dead program."""
        if sys.platform != "win32":  # Ctrl-C is for the thread that can be stopped by it
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        wait = _PATIENCE
        while not self._ended.wait(wait):
            now = time.monotonic()
            if now >= self._next + (_SILENCE if self._drawn else 0):
                self._draw(now)
            wait = _SILENCE

    def _draw(self, now: float) -> None:
        with self._lock:
            if self._ended.is_set():
                return
            self._next, self._drawn = now + _BETWEEN, True
            text = fitted(self.line(now), shutil.get_terminal_size().columns - 1)
            with contextlib.suppress(OSError):  # the terminal was closed: nobody looks any more
                click.echo("\r\x1b[K" + text, err=True, nl=False)

    def _wipe(self) -> None:
        if self._drawn:
            click.echo("\r\x1b[K", err=True, nl=False)
            self._drawn = False


def watched(app: App, label: str, total: int, items: Iterable[Item]) -> Iterator[Item]:
    """The same items, with a line of progress while they come."""
    with Progress(app, label, total) as progress:
        yield from progress.counted(items)


def fitted(text: str, columns: int) -> str:
    """As much of a line as fits: one that wraps cannot be drawn over, and each picture would push the last one up."""
    if columns_of(text) <= columns:
        return text
    while text and columns_of(text) > columns - 1:
        text = text[:-1]
    return text + "…"


def _amount(value: float, unit: str) -> str:
    return f"{value / 1e6:,.0f} MB" if unit == "bytes" else f"{value:,.0f}"


def _rate(value: float, unit: str) -> str:
    """A rate; slow work is told to the tenth."""
    return f"{value:.1f}" if unit == "count" and value < 10 else _amount(value, unit)


def clock_time(seconds: float) -> str:
    """``1:05`` or ``2:03:09``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
