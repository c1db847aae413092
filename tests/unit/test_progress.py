"""The line of progress: silent while a run is short, then share, rate and time left."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from recordkit.cli.base import App
from recordkit.cli.i18n import use_language
from recordkit.cli.progress import Progress
from recordkit.cli.standing import standing


class Seconds:
    """A clock that is set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, terminal: bool = True) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
        use_language("en")


def test_a_run_of_less_than_two_seconds_shows_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Seconds(monkeypatch)
    with Progress(App(Path()), "Reading", 100) as progress:
        for done in range(1, 100):
            clock.now = done / 50.5
            progress(done)
    assert capsys.readouterr().err == ""


def test_a_longer_run_shows_share_rate_and_time_left_and_leaves_no_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Seconds(monkeypatch)
    with Progress(App(Path()), "Reading", 1000) as progress:
        progress(0)
        clock.now = 4.0
        progress.of(400, 1000, 80_000_000)
    told = capsys.readouterr().err
    assert "Reading: 400 / 1,000 (40%)  100/s  20 MB/s  0:06 left" in told
    assert told.endswith("\r\x1b[K")


def test_what_was_done_before_counts_for_no_rate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Seconds(monkeypatch)
    progress = Progress(App(Path()), "Reading", 1000)
    progress(900)
    clock.now = 5.0
    progress(950)
    assert "10/s  0:05 left" in capsys.readouterr().err


@pytest.mark.parametrize(("terminal", "quiet", "json"), [(False, False, False), (True, True, False),
                                                         (True, False, True)])
def test_nothing_is_shown_where_nobody_looks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terminal: bool, quiet: bool, json: bool
) -> None:
    clock = Seconds(monkeypatch, terminal=terminal)
    with Progress(App(Path(), json=json, quiet=quiet), "Reading", 10, "bytes") as progress:
        clock.now = 9.0
        progress(5)
    assert capsys.readouterr().err == ""


def test_a_long_silence_is_no_dead_program(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Seconds(monkeypatch)
    progress = Progress(App(Path()), "Counting", 0)
    assert progress.line(65.0) == "Counting 1:05"
    progress.of(50, 0)
    clock.now = 10.0
    progress.of(60, 0)
    assert progress.line(11.0) == "Counting: 60  0.9/s"
    assert progress.line(15.0) == "Counting: 60  0.7/s  0:15"
    progress.of(60, 60)
    assert progress.line(80.0) == "Counting: 60 / 60 (100%)  1.0/s  1:20"


def test_the_line_is_drawn_while_nothing_is_told_and_is_away_while_something_else_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("recordkit.cli.progress._PATIENCE", 0.0)
    drawn = threading.Event()
    draw = Progress._draw
    monkeypatch.setattr(Progress, "_draw", lambda self, now: (draw(self, now), drawn.set()))
    with Progress(App(Path()), "Counting", 0) as progress:
        assert drawn.wait(60)
        with progress.aside():
            told = capsys.readouterr().err
            assert "Counting 0:00" in told and told.endswith("\r\x1b[K")
    assert progress._watcher is None


def test_a_run_that_is_stopped_keeps_how_far_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    Seconds(monkeypatch, terminal=False)
    with pytest.raises(KeyboardInterrupt) as caught, Progress(App(Path()), "Filing", 4) as progress:
        progress.of(3, 4, last="甲.pdf")
        raise KeyboardInterrupt
    assert standing(caught.value).notes == ["Filing: 3 of 4. The last one: 甲.pdf"]
    assert standing(caught.value).is_begun
