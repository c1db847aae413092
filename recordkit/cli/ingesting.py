"""Commands for papers that come back: ingest, unmatched, match."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.attaching import attach
from recordkit.cli.base import App, Command, Group, dry_run_option, next_step_of, option, pairs_of, pass_app
from recordkit.cli.dropping import drop, drop_reason_option, plain_strays, print_strays, yes_option
from recordkit.cli.i18n import N_, tr, tr_list
from recordkit.cli.inheriting import ingest_catalogue
from recordkit.cli.plans import Plan
from recordkit.cli.reporting import (
    IngestReport,
    plain_attached,
    plain_item,
    print_attached,
    print_item,
    print_quarantined,
    print_waiting,
    remarks_of,
    step_of,
    tell_short_names,
    tell_ways,
)
from recordkit.cli.showing import quoted
from recordkit.cli.watching import watch_folders
from recordkit.errors import WrongUsage
from recordkit.messages import listed, msg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recordkit.archive.decisions import IngestItem, IngestOptions
    from recordkit.archive.retrying import QuarantinedPaper
    from recordkit.workspace import Workspace


@click.command(cls=Command, help=N_("File signed papers: PDFs, folders, or the store's inbox."))
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@option("--class", "record_class", metavar="CLASS", help=N_("Class for papers without a code of ours."))
@option("--set", "sets", multiple=True, metavar="FIELD=VALUE", help=N_("Core field of such papers."))
@option("--split", is_flag=True, help=N_("Cut a scan of several documents into them, at their codes."))
@option("--no-ocr", is_flag=True, help=N_("Do not read scans; their text cannot be searched."))
@option("--jobs", type=click.IntRange(1, 64), metavar="N", help=N_("Reading processes (default: one per core)."))
@option("--attach-to", "attach_to", metavar="NUMBER",
        help=N_("The files are attachments of this document or record (ID copy, deed ...)."))
@option("--item", metavar="NAME", help=N_("The paper of the form's checklist that the attachment is; it is ticked."))
@option("--catalogue", "catalogue", type=click.Path(path_type=Path), metavar="FILE",
        help=N_("An existing catalogue of these scans (.xlsx, .csv): archival codes and metadata are taken from its "
                "rows."))
@option("--any-serial", is_flag=True, help=N_("Take item numbers of the catalogue that look like slips, too."))
@option("--retry", is_flag=True, help=N_("Try what lies in quarantine again; PATHS are keys or names of such files."))
@option("--password-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
        help=N_("File with passwords of locked files, one a line."))
@option("--watch", is_flag=True, help=N_("Go on looking for new files until Ctrl-C."))
@dry_run_option
@pass_app
def ingest(
    app: App, paths: tuple[Path, ...], record_class: str | None, sets: tuple[str, ...], split: bool, no_ocr: bool,
    jobs: int | None, attach_to: str | None, item: str | None, catalogue: Path | None, any_serial: bool, retry: bool,
    password_file: Path | None, watch: bool, dry_run: bool,
) -> int:
    """Read, match, file, print."""
    from recordkit.archive.attaching import join_waiting
    from recordkit.archive.decisions import IngestOptions
    from recordkit.archive.ingest import ingest_papers
    from recordkit.archive.retrying import chosen_papers
    from recordkit.archive.search.service import refresh_index
    from recordkit.archive.searchable import can_write_searchable
    from recordkit.archive.waiting import waiting_sources
    from recordkit.cli.hits import index_watch

    def reads_scans(workspace: Workspace) -> bool:
        return not no_ocr and workspace.settings.engines.ocr != "none" and _can_read_scans(app)

    def sources_for(workspace: Workspace) -> Sequence[Path]:
        if retry:
            return [paper.path for paper in chosen_papers(workspace, [str(path) for path in paths])]
        return waiting_sources(workspace, paths)

    def passwords_for(workspace: Workspace) -> tuple[str, ...]:
        papers = chosen_papers(workspace, [str(path) for path in paths]) if retry else []
        return _passwords(app, password_file, papers)

    if attach_to is not None:
        _refuse_beside("--attach-to", {"--class": record_class, "--set": sets, "--watch": watch, "--split": split,
                                      "--catalogue": catalogue, "--any-serial": any_serial})
        if not paths:
            raise WrongUsage(
                msg("--attach-to needs the files to attach."),
                msg("Give them behind it: 'recordkit ingest --attach-to {number} FILE ...'.", number=attach_to),
            )
        return attach(app, attach_to, sources_for, passwords_for=passwords_for, item=item, jobs=jobs, dry_run=dry_run,
                      reads_scans=reads_scans)
    if item is not None:
        raise WrongUsage(msg("--item names what is attached; it needs --attach-to NUMBER."))

    def options_for(workspace: Workspace) -> IngestOptions:
        return IngestOptions(record_class, pairs_of(sets), reads_scans(workspace), jobs or os.cpu_count() or 1,
                             dry_run, split, passwords_for(workspace))

    if catalogue is not None:
        _refuse_beside("--catalogue", {"--watch": watch, "--split": split, "--retry": retry, "--set": sets})
        return ingest_catalogue(app, catalogue, sources_for, options_for, record_class, any_serial=any_serial)
    if any_serial:
        raise WrongUsage(msg("--any-serial goes with --catalogue FILE."))
    if watch:
        _refuse_beside("--watch", {"--retry": retry})
        return watch_folders(app, paths, options_for=options_for, report=IngestReport(app, dry_run=dry_run))
    with app.acting() as workspace:
        sources = sources_for(workspace)
        options = options_for(workspace)
        if options.ocr and workspace.settings.ingest.searchable and not can_write_searchable():
            app.say(tr("Scans get no searchable copy: install recordkit[pdf]."))
        if not sources and not retry:
            app.say(msg("No scan lies in {places}. Put PDFs or pictures there, or name them: recordkit ingest FOLDER",
                        places=listed(quoted(one) for one in paths or [app.store / "inbox"])))
        report = IngestReport(app, len(sources), dry_run=dry_run)
        with report.told_when_stopped(), report:
            for one in ingest_papers(workspace, sources, options, report.page_read):
                report.add(one)
        joined = [] if dry_run else join_waiting(workspace)
        report.join(joined)
        if not dry_run and (joined or report.counts["archived"]):
            refresh_index(workspace, index_watch(app))
    return report.close()


def _refuse_beside(name: str, others: Mapping[str, object]) -> None:
    """Refuse options that say something else than ``name`` does."""
    for other, value in others.items():
        if value:
            raise WrongUsage(msg("{name} and {other} do not go together.", name=name, other=other),
                             msg("Leave one of them out; 'recordkit ingest --help' says what each does."))


def _passwords(app: App, file: Path | None, papers: Sequence[QuarantinedPaper]) -> tuple[str, ...]:
    """Passwords from a file, or asked for on a terminal when locked files are tried again; never from an argument."""
    from recordkit.archive.retrying import LOCKED, passwords_in

    if file is not None:
        return passwords_in(file.read_bytes())
    locked = [paper.path.name for paper in papers if paper.reason in LOCKED]
    if not locked or app.no_input or not sys.stdin.isatty():
        return ()
    app.say(tr("Locked with a password: {files}").format(files=tr_list(locked)))
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
        app.say(msg("Scans are filed but not read: {what} {todo}", what=missing.what, todo=next_step_of(missing) or ""))
        return False
    return True


@click.group(cls=Group, help=N_("Papers that wait for a person."))
def unmatched() -> None:
    """Group."""


@unmatched.command("list", cls=Command, help=N_("List the waiting papers."))
@pass_app
def unmatched_list(app: App) -> None:
    """Print key and file, why it waits, what it may be, and how it is settled."""
    from recordkit.archive.strays import list_strays
    from recordkit.archive.waiting import list_unmatched

    with app.reading() as workspace:
        papers = list_unmatched(workspace)
        strays = list_strays(workspace, "unmatched", "done")
    items = [
        {"key": one.key, "file": one.path.name, "path": str(one.path), "pages": one.pages,
         "reason": one.reason, "findings": [finding.message for finding in one.findings],
         "candidates": [{"number": number, "confidence": confidence} for number, confidence in one.candidates],
         "text": re.sub(r"\s+", " ", one.text)[:80]}
        for one in papers
    ]
    if app.json:
        app.print_items(items, [], strays=plain_strays(strays))
        return
    for item, one in zip(items, papers, strict=True):
        print_waiting(one, str(item["text"]))
    print_strays(app.store, strays)
    if papers:
        app.say(tr("{count} waiting papers.").format(count=len(papers)))
        tell_ways(app, papers)
    elif not strays:
        app.print_items([], [], empty=msg("No paper waits for a person in {folder}.",
                                          folder=quoted(app.store / "inbox" / "unmatched")))


@unmatched.command("drop", cls=Command, help=N_("Give up waiting papers: they go to inbox/done/dropped-DATE, and are "
                                                "removed when their days are over."))
@click.argument("papers", metavar="KEY", nargs=-1, required=True)
@drop_reason_option
@yes_option
@dry_run_option
@pass_app
def unmatched_drop(app: App, papers: tuple[str, ...], reason: str, yes: bool, dry_run: bool) -> None:
    """Drop papers of the waiting room."""
    from recordkit.archive.waiting import drop_waiting

    drop(app, drop_waiting, papers, reason, yes=yes, dry_run=dry_run)


@click.group(cls=Group, help=N_("Files that could not be read or filed."))
def quarantine() -> None:
    """Group."""


@quarantine.command("list", cls=Command, help=N_("List the files in quarantine, why, and what to do."))
@pass_app
def quarantine_list(app: App) -> None:
    """Print key, file, what is wrong and what to do."""
    from recordkit.archive.arrivals import told_name
    from recordkit.archive.retrying import list_quarantine
    from recordkit.archive.strays import list_strays

    with app.reading() as workspace:
        papers = list_quarantine(workspace)
        strays = list_strays(workspace, "quarantine")
    items = [
        {"key": one.key, "file": told_name(one.path), "reason": one.reason, "message": one.message, "time": one.time,
         "how": one.how, "path": str(one.path).encode("utf-8", "replace").decode()}
        for one in papers
    ]
    if app.json:
        app.print_items(items, [], strays=plain_strays(strays))
        return
    for one in papers:
        print_quarantined(one)
    print_strays(app.store, strays)
    if papers:
        app.say(tr("{count} files in quarantine.").format(count=len(papers)))
        app.say(tr("What cannot be mended is given up: recordkit quarantine drop {keys} --reason {text}").format(
            keys=papers[0].key, text=tr("TEXT")))
        tell_short_names(app, papers[0])
    elif not strays:
        app.print_items([], [], empty=msg("No file lies in {folder}: all that came could be read.",
                                          folder=quoted(app.store / "quarantine")))


@quarantine.command("drop", cls=Command, help=N_("Give up files: they go to inbox/done/dropped-DATE, and are removed "
                                                 "when their days are over."))
@click.argument("papers", metavar="KEY", nargs=-1, required=True)
@drop_reason_option
@yes_option
@dry_run_option
@pass_app
def quarantine_drop(app: App, papers: tuple[str, ...], reason: str, yes: bool, dry_run: bool) -> None:
    """Drop files in quarantine."""
    from recordkit.archive.retrying import drop_quarantined

    drop(app, drop_quarantined, papers, reason, yes=yes, dry_run=dry_run)


@click.command(cls=Command, help=N_("File a waiting paper, or bind a record, as the signed document NUMBER."))
@click.argument("paper")
@click.argument("number")
@option("--new-version", is_flag=True, help=N_("It takes the place of the filed paper, which stays as an older "
                                               "version."))
@option("--reason", default="", help=N_("Why; kept with the new version. A record that was matched by "
                                               "mistake is bound to another document only with it."))
@option("--swap", is_flag=True, help=N_("PAPER and NUMBER are two records that hold each other's papers: they exchange "
                                        "their documents."))
@dry_run_option
@pass_app
def match(app: App, paper: str, number: str, new_version: bool, reason: str, swap: bool, dry_run: bool) -> None:
    """Settle a paper by hand."""
    from recordkit.archive.attaching import join_waiting
    from recordkit.archive.binding import swap_records
    from recordkit.archive.search.service import refresh_index
    from recordkit.archive.waiting import match_paper
    from recordkit.cli.hits import index_watch

    if swap:
        _refuse_beside("--swap", {"--new-version": new_version})
        with app.acting() as workspace:
            items = swap_records(workspace, paper, number, reason, dry_run=dry_run)
            if not dry_run:
                refresh_index(workspace, index_watch(app))
        if app.json:
            app.print_items([plain_item(one) for one in items], [])
            return
        _print_matched(app, items, dry_run=dry_run)
        return
    with app.acting() as workspace:
        item = match_paper(workspace, paper, number, new_version=new_version, reason=reason, dry_run=dry_run)
        joined = [] if dry_run else join_waiting(workspace)
        if not dry_run:
            refresh_index(workspace, index_watch(app))
    if app.json:
        app.print_json({**plain_item(item), "joined": [plain_attached(one) for one in joined]})
    else:
        _print_matched(app, [item], dry_run=dry_run)
        for attached in joined:
            print_attached(attached)


def _print_matched(app: App, items: Sequence[IngestItem], *, dry_run: bool) -> None:
    if dry_run:
        plan = Plan(app)
        for one in items:
            plan.add(step_of(one), remarks_of(one))
        plan.close()
        return
    for one in items:
        print_item(one)
