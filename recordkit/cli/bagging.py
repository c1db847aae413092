"""Commands export and import: records as a BagIt folder, out of one archive and into another."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, Command, dry_run_option, option, pass_app
from recordkit.cli.i18n import N_, tr
from recordkit.cli.plans import Step, print_plan
from recordkit.cli.progress import Progress
from recordkit.cli.showing import quoted
from recordkit.errors import WrongUsage
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.archive.bag_import import ImportItem
    from recordkit.archive.bag_reading import ReadBag
    from recordkit.archive.selection import Selection
    from recordkit.workspace import Workspace


@click.command(cls=Command, help=N_("Copy records out of the store as a BagIt folder, with a transfer list."))
@click.argument("records", nargs=-1, metavar="[RECORD]...")
@option("--class", "record_class", metavar="CLASS", help=N_("All records of this class."))
@option("--year", type=int, metavar="Y", help=N_("All records of this year."))
@option("--box", metavar="B", help=N_("All records of this box."))
@option("--format", "form", type=click.Choice(["bagit"]), default="bagit", show_default=True,
        help=N_("Form of the copy."))
@option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR",
        help=N_("A folder that does not exist."))
@option("--to", "receiver", metavar="ID", help=N_("Registered person who gets the copies."))
@option("--note", metavar="TEXT", help=N_("To whom or what for; it is destroyed with the records."))
@dry_run_option
@pass_app
def export(
    app: App, records: tuple[str, ...], record_class: str | None, year: int | None, box: str | None, form: str,
    out: Path, receiver: str | None, note: str | None, dry_run: bool,
) -> None:
    """Make the bag, or print what would go into it."""
    from recordkit.archive.bagging import export_bag, plan_export, require_target

    del form
    chosen = (record_class, year, box) != (None, None, None)
    if bool(records) == chosen:
        raise WrongUsage(msg("Name records, or select them with --class, --year and --box: one of the two."))
    with app.acting() as workspace:
        wanted = _selection(workspace, record_class, year, box) if chosen else records
        require_target(workspace, out)
        plan = plan_export(workspace, wanted)
        if dry_run:
            if app.json:
                app.print_json({"dry_run": True, "records": len(plan.holdings), "files": plan.files,
                                "bytes": plan.bytes, "items": [{"record_id": one.record_id, "code": one.code}
                                                               for one in plan.holdings],
                                "total": len(plan.holdings)})
            else:
                print_plan(app, [Step(msg("Copy the record"), one.code) for one in plan.holdings],
                           total=msg("In all: {records} record(s), {files} file(s), {bytes} bytes into {folder}.",
                                     records=len(plan.holdings), files=plan.files, bytes=plan.bytes, folder=str(out)))
            return
        with Progress(app, tr("Copied"), len(plan.holdings)) as progress:
            made = export_bag(workspace, plan, out, receiver=receiver, note=note, progress=progress)
    if app.json:
        app.print_json({"export": made.export_id, "folder": str(made.folder), "records": made.records,
                        "files": made.files, "bytes": made.bytes, "digest": made.digest})
        return
    app.say(tr("Export {export}: {records} record(s), {files} file(s), {bytes} bytes in {folder}.").format(
        export=made.export_id, records=made.records, files=made.files, bytes=made.bytes, folder=made.folder))
    app.say(tr("SHA-256 of its tagmanifest-sha256.txt: {digest}").format(digest=made.digest))
    app.say(tr("The receiver checks it with: recordkit import {folder} --check-only").format(folder=quoted(out)))
    app.say(tr("These copies lie outside the store: a destruction does not reach them."))


def _selection(workspace: Workspace, record_class: str | None, year: int | None, box: str | None) -> Selection:
    from recordkit.archive.classes import load_scheme
    from recordkit.archive.selection import Selection

    named = load_scheme(workspace.root).get(record_class).id if record_class else None
    return Selection(record_class=named, year=year, box=box)


@click.command("import", cls=Command, help=N_("File the records of a BagIt folder that another archive exported."))
@click.argument("bag", type=click.Path(path_type=Path))
@option("--check-only", is_flag=True, help=N_("Only check the bag: complete, unchanged, safe. Needs no store."))
@option("--class-map", "class_map", type=click.Path(path_type=Path), metavar="FILE",
        help=N_("A table (.csv .xlsx) with the columns from and to: their class, our class."))
@option("--password-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
        help=N_("File with passwords of locked files, one a line."))
@option("--jobs", type=click.IntRange(1, 64), metavar="N", help=N_("Reading processes (default: one per core)."))
@dry_run_option
@pass_app
def import_(
    app: App, bag: Path, check_only: bool, class_map: Path | None, password_file: Path | None, jobs: int | None,
    dry_run: bool,
) -> int:
    """Check, then file; exit 4 when some records could not be filed."""
    from recordkit.archive.bag_import import ImportOptions, import_bag, plan_import, read_class_map
    from recordkit.archive.bag_reading import read_bag
    from recordkit.archive.retrying import passwords_in
    from recordkit.archive.search.service import refresh_index
    from recordkit.cli.hits import index_watch

    if check_only:
        _told_checked(app, read_bag(bag))
        return 0
    with app.acting() as workspace:
        classes = read_class_map(class_map) if class_map is not None else {}
        passwords = passwords_in(password_file.read_bytes()) if password_file is not None else ()
        options = ImportOptions(classes, jobs or os.cpu_count() or 1, passwords)
        plan = plan_import(workspace, read_bag(bag), options)
        if dry_run:
            items = plan.items()
        else:
            items = []
            with Progress(app, tr("Filed"), len(plan.records)) as progress:
                for one in import_bag(workspace, plan, options):
                    items.append(one)
                    progress(len(items))
            if any(one.outcome == "archived" for one in items):
                refresh_index(workspace, index_watch(app))
    _print_items(app, items, dry_run)
    return 4 if any(one.outcome == "refused" for one in items) else 0


def _told_checked(app: App, read: ReadBag) -> None:
    told = {"valid": True, "folder": str(read.folder), "records": len(read.records), "files": len(read.sizes),
            "bytes": sum(read.sizes.values()), "digest": read.mark, "info": dict(read.info)}
    if app.json:
        app.print_json(told)
        return
    app.say(tr("The bag is complete and unchanged: {records} record(s), {files} file(s), {bytes} bytes.").format(
        **told))
    app.print_pairs(list(read.info.items()))
    click.echo(tr("SHA-256 of its tag manifest: {digest}").format(digest=read.mark))


def _print_items(app: App, items: list[ImportItem], dry_run: bool) -> None:
    counts = {name: sum(one.outcome == name for one in items) for name in ("archived", "duplicate", "refused")}
    plain = [{
        "source": one.source, "outcome": one.outcome, "record_id": one.record_id, "code": one.code,
        "origin_code": one.origin_code, "record_class": one.record_class, "title": one.title, "pages": one.pages,
        "reason": one.reason,
        "findings": [{"code": finding.code, "message": finding.message} for finding in one.findings],
    } for one in items]
    columns = [("outcome", N_("Outcome")), ("origin_code", N_("Code there")), ("code", N_("Code")),
               ("title", N_("Title"))]
    if not app.json:
        # Which record has the same bytes stands in the column of codes already.
        plain = [{**one, "outcome": msg(str(one["outcome"])), "reason": item.reason if _is_news(item) else None}
                 for one, item in zip(plain, items, strict=True)]
        columns += [("reason", N_("Reason"))] if any(map(_is_news, items)) else []
    told = msg("filed {archived}, already here {duplicate}, refused {refused}", **counts)
    if dry_run and not app.json:
        print_plan(app, [Step(msg(_WHAT[one.outcome]), one.origin_code or one.source, one.reason or one.title or "",
                              None, one.code if one.outcome == "archived" else None) for one in items],
                   total=told)
        return
    app.print_items(plain, columns, **counts, dry_run=dry_run)
    if not app.json:
        app.say(told)


_WHAT = {"archived": N_("File as a record"), "duplicate": N_("Leave out, it is here already"),
         "refused": N_("Refuse")}


def _is_news(item: ImportItem) -> bool:
    return item.reason is not None and item.reason.msgid != "the same bytes are filed as {code}"
