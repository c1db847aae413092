"""What is told of an ingest: each item as it comes, how far it is, the summary. No item is held in memory."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING

import click

from recordkit.cli.attaching import plain_attached, print_attached
from recordkit.cli.base import App, plain
from recordkit.cli.dates import local_time
from recordkit.cli.i18n import tr, tr_list
from recordkit.cli.progress import fitted
from recordkit.cli.streaming import print_list

if TYPE_CHECKING:
    from recordkit.archive.attaching import AttachedPaper
    from recordkit.archive.decisions import IngestItem
    from recordkit.archive.retrying import QuarantinedPaper
    from recordkit.archive.waiting import UnmatchedPaper

_EVERY = 0.1
"""Seconds between two pictures of the progress."""


class IngestReport:
    """One run's talk: lines for a person, or one JSON document at the end.

    Args:
        app: how and where to talk.
        files: how many there are; None when nobody knows, as when a folder is watched.
        dry_run: whether nothing is written.
    """

    def __init__(self, app: App, files: int | None = None, *, dry_run: bool = False) -> None:
        """Begin to count the time."""
        from recordkit.files import Spool

        self.counts = dict.fromkeys(("archived", "duplicate", "unmatched", "quarantined", "deferred"), 0)
        self.is_dry_run = dry_run
        self._app = app
        self._files = files
        self._done = 0
        self._latest: Path | None = None
        self._started = time.monotonic()
        self._shown = 0.0
        self._shows_progress = sys.stderr.isatty() and not app.quiet
        self._stuck = 0
        self._items = Spool()
        self._joined = Spool()

    def page_read(self, path: Path, done: int, pages: int) -> None:
        """A page was read; ten times a second that is shown."""
        from recordkit.archive.arrivals import told_name

        now = time.monotonic()
        if self._shows_progress and now - self._shown >= _EVERY:
            self._shown = now
            text = fitted(f"{self._how_far(now)}{told_name(path)}: {done}/{pages}", get_terminal_size().columns - 1)
            click.echo(f"\r\x1b[K{text}", err=True, nl=False)

    def add(self, item: IngestItem) -> None:
        """Something became of a file, or of a part of it."""
        from recordkit.archive.arrivals import NOT_PUT_ASIDE

        self.counts[item.outcome] += 1
        self._stuck += any(finding.code == NOT_PUT_ASIDE for finding in item.findings)
        if item.source != self._latest:
            self._latest = item.source
            self._done += 1
        if self._app.json:
            self._items.append(_line(plain_item(item)))
            return
        if self._shows_progress:
            click.echo("\r\x1b[K", err=True, nl=False)
        print_item(item, dry_run=self.is_dry_run)

    def join(self, joined: Sequence[AttachedPaper]) -> None:
        """Attachments that waited have found their paper."""
        for one in joined:
            if self._app.json:
                self._joined.append(_line(plain_attached(one)))
            else:
                print_attached(one)

    def close(self, more: Mapping[str, object] | None = None) -> int:
        """The summary, with further members of the JSON document; the exit code."""
        seconds = time.monotonic() - self._started
        if self._app.json:
            self._print_json(seconds, more or {})
        else:
            self._print_summary(seconds)
        return 4 if self.counts["quarantined"] or self._stuck else 0

    def _print_json(self, seconds: float, more: Mapping[str, object]) -> None:
        click.echo("{")
        total = print_list("items", (json.loads(line) for line in self._items))
        click.echo(f',\n  "total": {total},')
        print_list("joined", (json.loads(line) for line in self._joined))
        for name, value in more.items():
            click.echo(f',\n  "{name}": {json.dumps(value, ensure_ascii=False, default=plain)}', nl=False)
        summary = json.dumps({**self.counts, "seconds": round(seconds, 3)})
        click.echo(f',\n  "summary": {summary}\n}}')

    def _print_summary(self, seconds: float) -> None:
        say, counts = self._app.say, self.counts
        if self.is_dry_run:
            say(tr("Rehearsed; nothing was written. It would be:"))
        say(tr("{archived} archived, {duplicate} duplicate, {unmatched} unmatched, {quarantined} in quarantine.")
            .format(**counts))
        if self._files is not None and self._done > 1:
            say(tr("{files} files in {time}, {rate} a second.").format(
                files=self._done, time=_clock_time(seconds), rate=f"{self._done / max(seconds, 0.001):.1f}"))
        if counts["deferred"] > self._stuck:
            say(tr("{deferred} still being written; run it again later.").format(
                deferred=counts["deferred"] - self._stuck))
        if self._stuck:
            say(tr("{count} could not be put aside; they stay where they are.").format(count=self._stuck))
        if counts["unmatched"]:
            say(tr("'recordkit unmatched list' shows what waits; 'recordkit match' settles it."))
        if counts["quarantined"]:
            say(tr("'recordkit quarantine list' shows what is wrong with them and what to do."))

    def _how_far(self, now: float) -> str:
        if self._files is None:
            return ""
        told = tr("{done} of {total} files").format(done=self._done, total=self._files)
        if not self._done:
            return told + "  "
        rate = self._done / (now - self._started)
        left = _clock_time((self._files - self._done) / rate)
        return f"{told}, " + tr("{rate} a second, {time} left").format(rate=f"{rate:.1f}", time=left) + "  "


def plain_item(item: IngestItem) -> dict[str, object]:
    """An item as ``--json`` gives it."""
    return {
        "source": str(item.source).encode("utf-8", "replace").decode(),
        "outcome": item.outcome,
        "record_id": item.record_id,
        "code": item.code,
        "number": item.number,
        "version": item.version,
        "pages": item.pages,
        "ocr_pages": item.ocr_pages,
        "reason": item.reason,
        "findings": [{"code": one.code, "message": one.message} for one in item.findings],
    }


def print_item(item: IngestItem, *, dry_run: bool) -> None:
    """An item for a person: what became of the file, and below it what should be known."""
    from recordkit.archive.arrivals import told_name

    outcome = tr(item.outcome)
    parts = [told_name(item.source), tr("(would be: {outcome})").format(outcome=outcome) if dry_run else outcome]
    parts += [part for part in (item.code, item.number) if part]
    if item.reason is not None:
        parts.append(item.reason.render(tr))
    click.echo("  ".join(parts))
    for one in item.findings:
        if item.reason is None or str(one.message) != str(item.reason):
            click.echo("    - " + one.message.render(tr))


def print_waiting(paper: UnmatchedPaper, text: str) -> None:
    """A waiting paper for a person: why, what it may be, the beginning of its text, and the commands to settle it."""
    from recordkit.archive.arrivals import told_name

    reason = paper.reason.render(tr)
    lines = [reason, *(told for one in paper.findings if (told := one.message.render(tr)) != reason)]
    if paper.candidates:
        likely = tr_list(f"{number} ({confidence:.0%})" for number, confidence in paper.candidates)
        lines.append(tr("Perhaps: {documents}").format(documents=likely))
    if text.strip():
        lines.append(tr("Text: {text}").format(text=text))
    pages = tr("pages: {pages}").format(pages=paper.pages)
    _print_block(f"{paper.key}  {told_name(paper.path)}  {pages}", lines,
                 _settling(paper))


def _settling(paper: UnmatchedPaper) -> list[str]:
    """Commands that settle a waiting paper, the likeliest first."""
    from recordkit.archive.matching import BLOCKING

    number_word, class_word = tr("NUMBER"), tr("CLASS")
    if paper.waits_for:
        return [f"recordkit ingest --attach-to {number_word} {paper.key}"]
    codes = {one.code for one in paper.findings}
    if "several-documents" in codes:
        return [f"recordkit ingest --split {paper.key}"]
    filed = [one.message.params["number"] for one in paper.findings
             if one.code == "not-open" and {"number", "code", "key"} <= one.message.params.keys()]
    if filed:
        return [f"recordkit match {paper.key} {filed[0]} --new-version"]
    found = [f"recordkit match {paper.key} {number}" for number, _ in paper.candidates[:3]]
    found = found or [f"recordkit match {paper.key} {number_word}"]
    # No class takes a paper that names a document of ours.
    return found if codes & BLOCKING else [*found, f"recordkit ingest --class {class_word} {paper.key}"]


def print_quarantined(paper: QuarantinedPaper) -> None:
    """A paper in quarantine for a person: what is wrong with it, what to do, and the command for that."""
    from recordkit.archive.arrivals import told_name
    from recordkit.archive.retrying import LOCKED

    again, file_word = f"recordkit ingest --retry {paper.key}", tr("FILE")
    lines = [paper.message.render(tr), paper.how.render(tr)]
    if paper.time:
        lines.append(tr("since {time}").format(time=local_time(paper.time)))
    _print_block(f"{paper.key}  {told_name(paper.path)}", lines,
                 [again + f" --password-file {file_word}" if paper.reason in LOCKED else again])


_WIDE = 80
"""Columns of a terminal that nobody has made larger."""


def _print_block(head: str, lines: Sequence[str], commands: Sequence[str]) -> None:
    """Head, indented lines folded at the edge of the screen, and commands, each in one piece for copying."""
    from rich.console import Console
    from rich.text import Text

    console = Console(width=_WIDE)
    for text, first in [(head, ""), *((line, "    ") for line in lines)]:
        indent = first or "    "
        for number, line in enumerate(Text(text).wrap(console, _WIDE - 1 - len(indent))):
            click.echo((first if number == 0 else indent) + line.plain.rstrip())
    for command in commands:
        click.echo("    " + command)


def _line(value: dict[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=plain).encode()


def _clock_time(seconds: float) -> str:
    """``1:05`` or ``2:03:09``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
