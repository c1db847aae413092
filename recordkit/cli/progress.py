"""One line on the terminal that says how far a long run is; a short one shows nothing."""

from __future__ import annotations

import shutil
import sys
import time
from types import TracebackType
from typing import Literal, Self

import click

from recordkit.cli.base import App
from recordkit.cli.i18n import tr
from recordkit.cli.tables import columns_of

_PATIENCE = 2.0
_BETWEEN = 0.2


class Progress:
    """Share done, rate and time left, from two seconds on, where people look: a terminal, no --quiet or --json.

    Call it with how much is done; use it as a context, so that the line is gone before anything else is printed.

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
        self._first: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self.clear()

    def __call__(self, done: int) -> None:
        """``done`` of the total."""
        self.of(done, self._total)

    def of(self, done: int, total: int, size: int = 0) -> None:
        """``done`` of ``total``; ``size`` bytes were read for it, where that is worth telling beside a count."""
        if not self._shown:
            return
        now = time.monotonic()
        if self._first is None:
            self._first = done  # what was done before the clock started counts for no rate
        if now < self._next:
            return
        self._next = now + _BETWEEN
        self._drawn, self._total = True, total
        text = fitted(self.line(done, size, now - self._begin), shutil.get_terminal_size().columns - 1)
        click.echo("\r\x1b[K" + text, err=True, nl=False)

    def line(self, done: int, size: int, seconds: float) -> str:
        """The line after so many seconds."""
        rate = (done - (self._first or 0)) / seconds if seconds else 0.0
        parts = [f"{self._label}: {_amount(done, self._unit)}"]
        if self._total:
            parts[0] += f" / {_amount(self._total, self._unit)} ({min(done / self._total, 1):.0%})"
        parts.append(f"{_amount(rate, self._unit)}/s")
        if size:
            parts.append(f"{_amount(size / seconds, 'bytes')}/s")
        if self._total and rate > 0:
            left = max(self._total - done, 0) / rate
            parts.append(tr("{time} left").format(time=f"{int(left // 60)}:{int(left % 60):02}"))
        return "  ".join(parts)

    def clear(self) -> None:
        """Take the line away."""
        if self._drawn:
            click.echo("\r\x1b[K", err=True, nl=False)
            self._drawn = False


def fitted(text: str, columns: int) -> str:
    """As much of a line as fits: one that wraps cannot be drawn over, and each picture would push the last one up."""
    if columns_of(text) <= columns:
        return text
    while text and columns_of(text) > columns - 1:
        text = text[:-1]
    return text + "…"


def _amount(value: float, unit: str) -> str:
    return f"{value / 1e6:,.0f} MB" if unit == "bytes" else f"{value:,.0f}"
