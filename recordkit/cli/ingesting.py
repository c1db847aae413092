"""Commands for papers that come back: ingest, unmatched, match."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.attaching import attach, plain_attached, print_attached
from recordkit.cli.base import App, Command, Group, dry_run_option, option, pairs_of, pass_app
from recordkit.cli.i18n import N_, tr
from recordkit.cli.watching import watch_folders
from recordkit.errors import WrongUsage
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.archive.attaching import AttachedPaper
    from recordkit.archive.ingest import IngestItem, IngestOptions
    from recordkit.workspace import Workspace


@click.command(cls=Command, help=N_("File signed papers: PDFs, folders, or the store's inbox."))
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@option("--class", "record_class", metavar="CLASS", help=N_("Class for papers without a code of ours."))
@option("--set", "sets", multiple=True, metavar="FIELD=VALUE", help=N_("Core field of such papers."))
@option("--no-ocr", is_flag=True, help=N_("Do not read scans; their text cannot be searched."))
@option("--jobs", type=click.IntRange(1, 64), metavar="N", help=N_("Reading processes (default: one per core)."))
@option("--attach-to", "attach_to", metavar="NUMBER",
        help=N_("The files are attachments of this document or record (ID copy, deed ...)."))
@option("--item", metavar="NAME", help=N_("The paper of the form's checklist that the attachment is; it is ticked."))
@option("--watch", is_flag=True, help=N_("Go on looking for new files until Ctrl-C."))
@dry_run_option
@pass_app
def ingest(
    app: App, paths: tuple[Path, ...], record_class: str | None, sets: tuple[str, ...], no_ocr: bool,
    jobs: int | None, attach_to: str | None, item: str | None, watch: bool, dry_run: bool,
) -> int:
    """Read, match, file, print."""
    from recordkit.archive.arrivals import collect_sources
    from recordkit.archive.attaching import join_waiting
    from recordkit.archive.ingest import IngestOptions, ingest_papers
    from recordkit.archive.search.service import refresh_index

    def reads_scans(workspace: Workspace) -> bool:
        return not no_ocr and workspace.settings.engines.ocr != "none" and _can_read_scans(app)

    def options_for(workspace: Workspace) -> IngestOptions:
        return IngestOptions(record_class, pairs_of(sets), reads_scans(workspace), jobs or os.cpu_count() or 1,
                             dry_run)

    report = _Report(app, dry_run=dry_run)
    if attach_to is not None:
        _refuse_beside("--attach-to", {"--class": record_class, "--set": sets, "--watch": watch})
        return attach(app, attach_to, paths, item=item, jobs=jobs, dry_run=dry_run, reads_scans=reads_scans,
                      progress=report.page_read)
    if item is not None:
        raise WrongUsage(msg("--item names what is attached; it needs --attach-to NUMBER."))
    if watch:
        return watch_folders(app, paths, options_for=options_for, report=report)
    with app.acting() as workspace:
        sources = collect_sources(workspace, paths)
        for one in ingest_papers(workspace, sources, options_for(workspace), report.page_read):
            report.add(one)
        if not dry_run:
            report.join(join_waiting(workspace))
            refresh_index(workspace)
    report.close()
    return 4 if report.counts["quarantined"] else 0


class _Report:
    """What is told of an ingest: each item as it comes, the page at hand, the summary."""

    def __init__(self, app: App, *, dry_run: bool) -> None:
        self.counts = dict.fromkeys(("archived", "duplicate", "unmatched", "quarantined", "deferred"), 0)
        self._app = app
        self._dry_run = dry_run
        self._items: list[IngestItem] = []
        self._joined: list[AttachedPaper] = []
        self._started = time.monotonic()
        self._shows_progress = sys.stderr.isatty() and not app.quiet

    def page_read(self, path: Path, done: int, pages: int) -> None:
        """A page was read."""
        from recordkit.archive.arrivals import told_name

        if self._shows_progress:
            click.echo(f"\r\x1b[K{told_name(path)}: {done}/{pages}", err=True, nl=False)

    def add(self, item: IngestItem) -> None:
        """Something became of a file, or of a part of it."""
        self.counts[item.outcome] += 1
        if self._shows_progress:
            click.echo("\r\x1b[K", err=True, nl=False)
        if self._app.json:
            self._items.append(item)
        else:
            _print_item(item, self._dry_run)

    def join(self, joined: Sequence[AttachedPaper]) -> None:
        """Attachments that waited were added to the papers that came."""
        if self._app.json:
            self._joined.extend(joined)
        else:
            for one in joined:
                print_attached(one)

    def close(self) -> None:
        """The JSON document of the run, or its summary for a person."""
        app = self._app
        if app.json:
            app.print_json({"items": [_plain_item(one) for one in self._items], "total": sum(self.counts.values()),
                            "joined": [plain_attached(one) for one in self._joined],
                            "summary": {**self.counts, "seconds": round(time.monotonic() - self._started, 3)}})
            return
        if self._dry_run:
            app.say(tr("Rehearsed; nothing was written. It would be:"))
        app.say(tr("{archived} archived, {duplicate} duplicate, {unmatched} unmatched, {quarantined} in quarantine.")
                .format(**self.counts))
        if self.counts["deferred"]:
            app.say(tr("{deferred} still being written; run it again later.").format(**self.counts))
        if self.counts["unmatched"]:
            app.say(tr("'recordkit unmatched list' shows what waits; 'recordkit match' settles it."))


def _refuse_beside(name: str, others: Mapping[str, object]) -> None:
    """Refuse options that say something else than ``name`` does."""
    for other, value in others.items():
        if value:
            raise WrongUsage(msg("{name} and {other} do not go together.", name=name, other=other),
                             msg("Leave one of them out; 'recordkit ingest --help' says what each does."))


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
        "version": item.version,
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


@click.command(cls=Command, help=N_("File a waiting paper as the signed document NUMBER."))
@click.argument("paper")
@click.argument("number")
@option("--new-version", is_flag=True, help=N_("It takes the place of the filed paper, which stays as an older "
                                               "version."))
@option("--reason", default="", help=N_("Why; kept with the new version."))
@dry_run_option
@pass_app
def match(app: App, paper: str, number: str, new_version: bool, reason: str, dry_run: bool) -> None:
    """Settle a paper by hand."""
    if reason and not new_version:
        raise WrongUsage(msg("--reason belongs to --new-version."))
    from recordkit.archive.attaching import join_waiting
    from recordkit.archive.search.service import refresh_index
    from recordkit.archive.waiting import match_paper

    with app.acting() as workspace:
        item = match_paper(workspace, paper, number, new_version=new_version, reason=reason, dry_run=dry_run)
        joined = [] if dry_run else join_waiting(workspace)
        if not dry_run:
            refresh_index(workspace)
    if app.json:
        app.print_json({**_plain_item(item), "joined": [plain_attached(one) for one in joined]})
    else:
        _print_item(item, dry_run)
        for attached in joined:
            print_attached(attached)
