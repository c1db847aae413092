"""``ingest --watch``: papers are filed as they come, until the person or the system ends it."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App
from recordkit.cli.i18n import tr, tr_list
from recordkit.cli.reporting import IngestReport
from recordkit.errors import Interrupted

if TYPE_CHECKING:
    from recordkit.archive.decisions import IngestOptions
    from recordkit.archive.watching import State
    from recordkit.workspace import Workspace

_SLICE = 0.2
"""Seconds between two looks at whether the watch is to end."""


@dataclass
class _Stop:
    """The signal that ends the watch; None while it goes on."""

    number: int | None = None


def watch_folders(
    app: App,
    paths: Sequence[Path],
    *,
    options_for: Callable[[Workspace], IngestOptions],
    report: IngestReport,
) -> int:
    """File what comes into ``paths`` (default: the inbox) until a signal ends it; the exit code.

    Every look opens the store anew: a watch that runs for weeks follows the date and the settings.
    """
    from recordkit.archive.arrivals import collect_sources
    from recordkit.archive.attaching import join_waiting
    from recordkit.archive.ingest import ingest_papers
    from recordkit.archive.search.service import refresh_index
    from recordkit.archive.watching import Watch, keep_watch, only_watcher, states_of

    def listing() -> Mapping[Path, State]:
        with app.acting() as workspace:
            return states_of(collect_sources(workspace, paths))

    def take(ready: Sequence[Path]) -> Iterator[Path]:
        with app.acting() as workspace:
            with contextlib.closing(ingest_papers(workspace, ready, options, report.page_read)) as done:
                for item in done:
                    report.add(item)
                    yield item.source
                    if stop.number is not None:
                        break
            if options.dry_run:
                return
            report.join(join_waiting(workspace))
            refresh_index(workspace)

    def wait() -> bool:
        end = time.monotonic() + seconds
        while stop.number is None and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _SLICE))
        return stop.number is not None

    with app.acting() as workspace:
        options = options_for(workspace)
        # What is wrong with the call is told now, not when the first paper comes.
        for _ in ingest_papers(workspace, [], options):
            pass
        seconds = workspace.settings.ingest.watch_seconds
        root = workspace.root
    with only_watcher(root), _stopped_by_signal() as stop:
        app.say(tr("Watching {places}; Ctrl-C ends it.").format(
            places=tr_list(paths or [root / "inbox"])))
        watch = Watch()
        keep_watch(watch, listing=listing, take=take, wait=wait, say=app.say)
    if watch.waiting:
        app.say(tr("{count} files were still being written or not dealt with; they stay where they are.").format(
            count=watch.waiting))
    exit_code = report.close()
    return Interrupted.exit_code if stop.number == signal.SIGINT else exit_code


@contextmanager
def _stopped_by_signal() -> Iterator[_Stop]:
    """Ctrl-C and the end that a system asks for are remembered, so that the paper at hand is finished.

    A second Ctrl-C does not wait any longer.
    """
    stop = _Stop()

    def remember(number: int, _: FrameType | None) -> None:
        if stop.number is not None:
            raise KeyboardInterrupt
        stop.number = number
        # Said when it comes: the paper at hand may take a while.
        with contextlib.suppress(RuntimeError):  # the signal came in the middle of another line
            click.echo(tr("Ending after the paper at hand; once more Ctrl-C ends at once."), err=True)

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
