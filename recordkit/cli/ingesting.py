"""Commands for papers that come back: ingest, unmatched, match."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, Command, Group, dry_run_option, option, pairs_of, pass_app
from recordkit.cli.i18n import N_, tr
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.archive.ingest import IngestItem


@click.command(cls=Command, help=N_("File signed papers: PDFs, folders, or the store's inbox."))
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@option("--class", "record_class", metavar="CLASS", help=N_("Class for papers without a code of ours."))
@option("--set", "sets", multiple=True, metavar="FIELD=VALUE", help=N_("Core field of such papers."))
@option("--no-ocr", is_flag=True, help=N_("Do not read scans; their text cannot be searched."))
@option("--jobs", type=click.IntRange(1, 64), metavar="N", help=N_("Reading processes (default: one per core)."))
@dry_run_option
@pass_app
def ingest(
    app: App, paths: tuple[Path, ...], record_class: str | None, sets: tuple[str, ...], no_ocr: bool,
    jobs: int | None, dry_run: bool,
) -> int:
    """Read, match, file, print."""
    from recordkit.archive.arrivals import collect_sources, told_name
    from recordkit.archive.ingest import IngestOptions, ingest_papers
    from recordkit.archive.search.service import refresh_index
    from recordkit.archive.searchable import can_write_searchable

    started = time.monotonic()
    with app.acting() as workspace:
        sources = collect_sources(workspace, paths)
        ocr = not no_ocr and workspace.settings.engines.ocr != "none" and _can_read_scans(app)
        if ocr and workspace.settings.ingest.searchable and not can_write_searchable():
            app.say(tr("Scans get no searchable copy: install recordkit[pdf]."))
        options = IngestOptions(record_class, pairs_of(sets), ocr, jobs or os.cpu_count() or 1, dry_run)
        show_progress = sys.stderr.isatty() and not app.quiet

        def progress(path: Path, done: int, pages: int) -> None:
            if show_progress:
                click.echo(f"\r\x1b[K{told_name(path)}: {done}/{pages}", err=True, nl=False)

        items: list[IngestItem] = []
        for item in ingest_papers(workspace, sources, options, progress):
            items.append(item)
            if show_progress:
                click.echo("\r\x1b[K", err=True, nl=False)
            if not app.json:
                _print_item(item, dry_run)
        if not dry_run and any(item.outcome == "archived" for item in items):
            refresh_index(workspace)
    counts = {name: sum(1 for item in items if item.outcome == name)
              for name in ("archived", "duplicate", "unmatched", "quarantined", "deferred")}
    if app.json:
        app.print_json({"items": [_plain_item(item) for item in items], "total": len(items),
                        "summary": {**counts, "seconds": round(time.monotonic() - started, 3)}})
    else:
        if dry_run:
            app.say(tr("Rehearsed; nothing was written. It would be:"))
        app.say(tr("{archived} archived, {duplicate} duplicate, {unmatched} unmatched, {quarantined} in quarantine.")
                .format(**counts))
        if counts["deferred"]:
            app.say(tr("{deferred} still being written; run it again later.").format(**counts))
        if counts["unmatched"]:
            app.say(tr("'recordkit unmatched list' shows what waits; 'recordkit match' settles it."))
    return 4 if counts["quarantined"] else 0


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
