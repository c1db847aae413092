"""The catalogue: listings of records by what they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, Command, Group, option, pass_app
from recordkit.cli.exporting import catalogue_export
from recordkit.cli.gaps import catalogue_gaps
from recordkit.cli.i18n import N_, tr
from recordkit.cli.printing_set import catalogue_print
from recordkit.cli.progress import Progress
from recordkit.cli.selecting import NAMES, selection_of, selection_options
from recordkit.cli.showing import quoted
from recordkit.errors import NotFound, WrongUsage
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.archive.access import Clearance
    from recordkit.archive.catalogue import Record


@click.group(cls=Group, help=N_("The catalogue of records: listings, corrections of many, exports."))
def catalogue() -> None:
    """Group."""


catalogue.add_command(catalogue_gaps)
catalogue.add_command(catalogue_export)
catalogue.add_command(catalogue_print)


@catalogue.command("list", cls=Command, help=N_("List records, a page at a time."))
@selection_options
@option("--sort", "order", type=click.Choice(["code", "filing", "date"]), default="code", show_default=True,
        help=N_("By archival code, in the order of filing, or by date."))
@option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, metavar="N",
        help=N_("Records on a page."))
@option("--offset", type=click.IntRange(0), default=0, metavar="N", help=N_("Leave out the first N."))
@option("--after", metavar="CODE", help=N_("Begin behind this record, the last one of the page before."))
@pass_app
def catalogue_list(app: App, /, order: str, limit: int, offset: int, after: str | None, **given: object) -> None:
    """Print one page."""
    from recordkit.archive.access import clearance_of
    from recordkit.archive.catalogue import find_record
    from recordkit.archive.losses import lost_records
    from recordkit.archive.selection import count_records, list_page

    with app.reading() as workspace:
        selection = selection_of(workspace, {name: given[name] for name in NAMES})
        last = None if after is None else find_record(workspace.db, after)
        page = list_page(workspace.db, selection, "date" if order == "date" else "filing" if order == "filing" else
                         "code", limit=limit, offset=offset, after=last)
        total = count_records(workspace.db, selection)
        clearance = clearance_of(workspace)
        lost = lost_records(workspace.db)
    items = [{**plain_record(one, clearance), "lost": lost[one.record_id].loss_id if one.record_id in lost else None}
             for one in page]
    following = page[-1].code if len(page) == limit and (after is not None or offset + limit < total) else None
    if not app.json:
        items = [{**item, "date": item["date_given"] or item["date"]} for item in items]
    columns = [("code", N_("Code")), ("title", N_("Title")), ("date", N_("Date")), ("number", N_("Number")),
               ("pages", N_("Pages")), ("box", N_("Box"))]
    if selection.status != "active":
        items = [{**item, "status": item["status"] if app.json else msg(str(item["status"]))} for item in items]
        columns.append(("status", N_("Status")))
    if any(item["lost"] for item in items):
        columns.append(("lost", N_("Written off as lost")))
    app.print_items(items, columns, total=total, next=following, empty=msg(
        "No record of the archive is of this kind; 'recordkit stats' tells what there is, 'recordkit ingest' files "
        "papers."))
    if app.json or not items:
        return
    if after is None:
        app.say(tr("{first} to {last} of {total}.").format(first=offset + 1, last=offset + len(items), total=total))
    if following is not None:
        app.say(tr("The next page: --after {code}").format(code=following))


@catalogue.command("sheet", cls=Command,
                   help=N_("Write a spreadsheet of records to be corrected; 'edit --data' reads it back."))
@selection_options
@option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE.xlsx", help=N_("Where it goes."))
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@pass_app
def catalogue_sheet(app: App, /, out: Path, force: bool, **given: object) -> None:
    """Write the records that are selected, active ones alone."""
    from recordkit.archive.access import clearance_of
    from recordkit.archive.bulk import sheet_bytes
    from recordkit.archive.classes import load_scheme
    from recordkit.archive.selection import count_records, select_records
    from recordkit.cli.saving import save_naming

    if out.suffix.lower() != ".xlsx":
        raise WrongUsage(msg("{file} is no .xlsx.", file=str(out)), msg("A sheet to be corrected is written as .xlsx."))
    if given["status"] != "active":
        raise WrongUsage(msg("Only records in the archive can be corrected."), msg("Leave --status out."))
    with app.reading() as workspace:
        selection = selection_of(workspace, {name: given[name] for name in NAMES})
        total = count_records(workspace.db, selection)
        if total > MOST_ROWS:
            raise WrongUsage(msg("{total} records are selected; a sheet holds {most}.", total=total, most=MOST_ROWS),
                             msg("Choose fewer, for instance one year of one class: --year Y --class C."))
        if total == 0:
            raise NotFound(msg("No record is selected; no sheet was written."))
        clearance = clearance_of(workspace)
        names = {one.id: one.name for one in load_scheme(workspace.root).classes.values()}
        ids: list[str] = []
        with Progress(app, tr("Writing rows"), total) as progress:
            data = sheet_bytes(workspace.settings, progress.counted(select_records(workspace.db, selection)), names,
                               clearance, lambda record: ids.append(record.record_id))
        save_naming(app, out, data, ids, force=force)
    if app.json:
        app.print_json({"path": str(out), "records": len(ids), "left_out": total - len(ids)})
        return
    app.say(tr("{count} record(s) are in {file}. Correct it there, then: recordkit edit --data {file} --reason TEXT")
            .format(count=len(ids), file=quoted(out)))
    if total > len(ids):
        app.say(tr("{count} restricted record(s) that you may not see were left out.").format(count=total - len(ids)))


MOST_ROWS = 100_000
"""Records in a sheet: what a spreadsheet program still opens without trouble."""


def plain_record(record: Record, clearance: Clearance) -> dict[str, object]:
    """A record of a listing; of one that may not be seen only what stands on the outside of its box."""
    from recordkit.archive.access import OPEN, seen_title
    from recordkit.archive.vague_dates import given_date

    seen = clearance.full or record.access == OPEN
    gone = record.status == "destroyed"
    about = record.metadata if seen else {}
    return {
        "record_id": record.record_id, "code": record.code, "title": seen_title(record, clearance),
        "date": None if gone else record.date, "date_given": given_date(record), "record_class": record.record_class,
        "form": record.form,
        "year": record.year, "period": record.period, "pages": None if gone else record.pages,
        "number": record.number if seen else None, "responsible": about.get("responsible"),
        "account": record.account if seen else None, "party": record.party if seen else None,
        "box": record.metadata.get("box"), "shelf": record.metadata.get("shelf"), "access": record.access,
        "status": record.status, "version": record.version,
    }
