"""Commands for papers that come back: ingest, unmatched, match."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, Command, Group, dry_run_option, option, pairs_of, pass_app, plain
from recordkit.cli.i18n import N_, tr
from recordkit.cli.streaming import print_list
from recordkit.messages import msg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recordkit.archive.ingest import IngestItem
    from recordkit.archive.retrying import QuarantinedPaper


@click.command(cls=Command, help=N_("File signed papers: PDFs, folders, or the store's inbox."))
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@option("--class", "record_class", metavar="CLASS", help=N_("Class for papers without a code of ours."))
@option("--set", "sets", multiple=True, metavar="FIELD=VALUE", help=N_("Core field of such papers."))
@option("--no-ocr", is_flag=True, help=N_("Do not read scans; their text cannot be searched."))
@option("--jobs", type=click.IntRange(1, 64), metavar="N", help=N_("Reading processes (default: one per core)."))
@option("--retry", is_flag=True, help=N_("Try what lies in quarantine again; PATHS are keys or names of such files."))
@option("--password-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
        help=N_("File with passwords of locked files, one a line."))
@dry_run_option
@pass_app
def ingest(
    app: App, paths: tuple[Path, ...], record_class: str | None, sets: tuple[str, ...], no_ocr: bool,
    jobs: int | None, retry: bool, password_file: Path | None, dry_run: bool,
) -> int:
    """Read, match, file, print."""
    from recordkit.archive.arrivals import collect_sources
    from recordkit.archive.ingest import IngestOptions, ingest_papers
    from recordkit.archive.retrying import chosen_papers
    from recordkit.archive.search.service import refresh_index

    with app.acting() as workspace:
        if retry:
            papers = chosen_papers(workspace, [str(path) for path in paths])
            sources = [paper.path for paper in papers]
        else:
            papers, sources = [], collect_sources(workspace, paths)
        passwords = _passwords(app, password_file, papers)
        ocr = not no_ocr and workspace.settings.engines.ocr != "none" and _can_read_scans(app)
        options = IngestOptions(record_class, pairs_of(sets), ocr, jobs or os.cpu_count() or 1, dry_run, passwords)
        report = _Report(app, len(sources), dry_run=dry_run)
        for item in ingest_papers(workspace, sources, options, report.page_read):
            report.add(item)
        if not dry_run and report.counts["archived"]:
            refresh_index(workspace)
    report.close()
    return 4 if report.counts["quarantined"] else 0


class _Report:
    """What is told of an ingest: each item as it comes, how far it is, the summary. Holds no item in memory."""

    def __init__(self, app: App, files: int, *, dry_run: bool) -> None:
        from recordkit.files import Spool

        self.counts = dict.fromkeys(("archived", "duplicate", "unmatched", "quarantined", "deferred"), 0)
        self._app = app
        self._dry_run = dry_run
        self._files = files
        self._done = 0
        self._latest: Path | None = None
        self._started = time.monotonic()
        self._shown = 0.0
        self._shows_progress = sys.stderr.isatty() and not app.quiet
        self._items = Spool()

    def page_read(self, path: Path, done: int, pages: int) -> None:
        """A page was read; ten times a second that is shown."""
        from recordkit.archive.arrivals import told_name

        now = time.monotonic()
        if self._shows_progress and now - self._shown >= 0.1:
            self._shown = now
            click.echo(f"\r\x1b[K{self._how_far(now)}  {told_name(path)}: {done}/{pages}", err=True, nl=False)

    def add(self, item: IngestItem) -> None:
        """Something became of a file, or of a part of it."""
        self.counts[item.outcome] += 1
        if item.source != self._latest:
            self._latest = item.source
            self._done += 1
        if self._app.json:
            self._items.append(json.dumps(_plain_item(item), ensure_ascii=False, default=plain).encode())
            return
        if self._shows_progress:
            click.echo("\r\x1b[K", err=True, nl=False)
        _print_item(item, self._dry_run)

    def close(self) -> None:
        """The summary."""
        seconds = time.monotonic() - self._started
        app = self._app
        if app.json:
            click.echo("{")
            total = print_list("items", (json.loads(line) for line in self._items))
            summary = json.dumps({**self.counts, "seconds": round(seconds, 3)})
            click.echo(f',\n  "total": {total},\n  "summary": {summary}\n}}')
            return
        if self._dry_run:
            app.say(tr("Rehearsed; nothing was written. It would be:"))
        app.say(tr("{archived} archived, {duplicate} duplicate, {unmatched} unmatched, {quarantined} in quarantine.")
                .format(**self.counts))
        if self._done > 1:
            app.say(tr("{files} files in {time}, {rate} a second.").format(
                files=self._done, time=_clock_time(seconds), rate=f"{self._done / max(seconds, 0.001):.1f}"))
        if self.counts["deferred"]:
            app.say(tr("{deferred} still being written; run it again later.").format(**self.counts))
        if self.counts["unmatched"]:
            app.say(tr("'recordkit unmatched list' shows what waits; 'recordkit match' settles it."))
        if self.counts["quarantined"]:
            app.say(tr("'recordkit quarantine list' shows what is wrong with them and what to do."))

    def _how_far(self, now: float) -> str:
        told = tr("{done} of {total} files").format(done=self._done, total=self._files)
        if not self._done:
            return told
        rate = self._done / (now - self._started)
        left = _clock_time((self._files - self._done) / rate)
        return f"{told}, " + tr("{rate} a second, {time} left").format(rate=f"{rate:.1f}", time=left)


def _clock_time(seconds: float) -> str:
    """``1:05`` or ``2:03:09``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _passwords(app: App, file: Path | None, papers: Sequence[QuarantinedPaper]) -> tuple[str, ...]:
    """Passwords from a file, or asked for on a terminal when locked files are tried again; never from an argument."""
    from recordkit.archive.retrying import LOCKED, passwords_in

    if file is not None:
        return passwords_in(file.read_bytes())
    locked = [paper.path.name for paper in papers if paper.reason in LOCKED]
    if not locked or app.no_input or not sys.stdin.isatty():
        return ()
    app.say(tr("Locked with a password: {files}").format(files=", ".join(locked)))
    entered: list[str] = []
    while one := click.prompt(tr("Password (Enter: no more)"), default="", show_default=False, hide_input=True,
                              err=True):
        entered.append(one)
    return tuple(entered)


def _can_read_scans(app: App) -> bool:
    """A plain install files text PDFs; that scans stay unread is said, and noted on each record."""
    from recordkit.archive.ocr import require_ocr
    from recordkit.errors import MissingPart

    try:
        require_ocr()
    except MissingPart as missing:
        app.say(msg("Scans are filed but not read: {what} {todo}", what=missing.what, todo=missing.todo or ""))
        return False
    return True


def _plain_item(item: IngestItem) -> dict[str, object]:
    return {
        "source": str(item.source).encode("utf-8", "replace").decode(),
        "outcome": item.outcome,
        "record_id": item.record_id,
        "code": item.code,
        "number": item.number,
        "pages": item.pages,
        "ocr_pages": item.ocr_pages,
        "reason": item.reason,
        "findings": [{"code": one.code, "message": one.message} for one in item.findings],
    }


def _print_item(item: IngestItem, dry_run: bool) -> None:
    from recordkit.archive.arrivals import told_name

    outcome = tr(item.outcome)
    parts = [told_name(item.source), tr("(would be: {outcome})").format(outcome=outcome) if dry_run else outcome]
    parts += [part for part in (item.code, item.number) if part]
    if item.reason is not None:
        parts.append(item.reason.render(tr))
    click.echo("  ".join(parts))
    for one in item.findings:
        click.echo("    - " + one.message.render(tr))


@click.group(cls=Group, help=N_("Papers that wait for a person."))
def unmatched() -> None:
    """Group."""


@unmatched.command("list", cls=Command, help=N_("List the waiting papers."))
@pass_app
def unmatched_list(app: App) -> None:
    """Print key, file and the beginning of the text."""
    from recordkit.archive.waiting import list_unmatched

    with app.reading() as workspace:
        papers = list_unmatched(workspace)
    items = [
        {"key": one.key, "file": one.path.name, "path": str(one.path), "pages": one.pages,
         "findings": list(one.findings), "text": re.sub(r"\s+", " ", one.text)[:80]}
        for one in papers
    ]
    app.print_items(items, [("key", N_("Key")), ("file", N_("File")), ("pages", N_("Pages")),
                            ("findings", N_("Findings")), ("text", N_("Text"))])


@click.group(cls=Group, help=N_("Files that could not be read or filed."))
def quarantine() -> None:
    """Group."""


@quarantine.command("list", cls=Command, help=N_("List the files in quarantine, why, and what to do."))
@pass_app
def quarantine_list(app: App) -> None:
    """Print key, file, what is wrong and what to do."""
    from recordkit.archive.arrivals import told_name
    from recordkit.archive.retrying import list_quarantine

    with app.reading() as workspace:
        papers = list_quarantine(workspace)
    items = [
        {"key": one.key, "file": told_name(one.path), "reason": one.reason, "message": one.message, "time": one.time,
         "how": one.how, "path": str(one.path).encode("utf-8", "replace").decode()}
        for one in papers
    ]
    app.print_items(items, [("key", N_("Key")), ("file", N_("File")), ("message", N_("What is wrong")),
                            ("how", N_("What to do")), ("time", N_("Time"))])


@click.command(cls=Command, help=N_("File a waiting paper as the signed document NUMBER."))
@click.argument("paper")
@click.argument("number")
@dry_run_option
@pass_app
def match(app: App, paper: str, number: str, dry_run: bool) -> None:
    """Settle a paper by hand."""
    from recordkit.archive.search.service import refresh_index
    from recordkit.archive.waiting import match_paper

    with app.acting() as workspace:
        item = match_paper(workspace, paper, number, dry_run=dry_run)
        if not dry_run:
            refresh_index(workspace)
    if app.json:
        app.print_json(_plain_item(item))
    else:
        _print_item(item, dry_run)
