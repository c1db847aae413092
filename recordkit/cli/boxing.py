"""Boxes: what lies in them, where they stand, their labels and lists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from recordkit.cli.base import App, Command, Group, dry_run_option, option, pass_app
from recordkit.cli.box_moving import box_forget, box_rename
from recordkit.cli.i18n import N_, tr, tr_list
from recordkit.cli.progress import Progress
from recordkit.cli.standing import again_with
from recordkit.errors import NotFound, WrongUsage
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.archive.boxes import BoxContent
    from recordkit.workspace import Workspace

out_option = option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help=N_("Where it goes."))
force_option = option("--force", is_flag=True, help=N_("Overwrite files that exist."))


@click.group(cls=Group, help=N_("Boxes of paper originals: where they stand and what lies in them."))
def box() -> None:
    """Group."""


box.add_command(box_rename)
box.add_command(box_forget)


@box.command("list", cls=Command, help=N_("List boxes, a page at a time."))
@option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, metavar="N",
        help=N_("Boxes on a page."))
@option("--offset", type=click.IntRange(0), default=0, metavar="N", help=N_("Leave out the first N."))
@pass_app
def box_list(app: App, limit: int, offset: int) -> None:
    """Print one page."""
    from recordkit.archive.boxes import contents_of, list_boxes

    with app.reading() as workspace:
        every = list_boxes(workspace.db)
        found = contents_of(workspace.db, every[offset : offset + limit])
    items = [_plain(one) for one in found]
    app.print_items(items,
                    [("box", N_("Box")), ("records", N_("Records")), ("years", N_("Year")), ("periods", N_("Period")),
                     ("first", N_("First")), ("last", N_("Last")), ("shelf", N_("Shelf"))], total=len(every),
                    empty=msg("No record lies in a box; 'recordkit edit RECORD --set 盒号=1 --reason TEXT' puts one "
                              "in."))
    if not app.json and len(items) < len(every):
        app.say(tr("{first} to {last} of {total}.").format(
            first=offset + 1, last=offset + len(items), total=len(every)))


def _plain(one: BoxContent) -> dict[str, object]:
    return {
        "box": one.box, "records": one.records, "pages": one.pages, "years": list(one.years),
        "periods": list(one.periods), "first": one.runs[0][0].code if one.runs else None,
        "last": one.runs[-1][1].code if one.runs else None,
        "shelf": one.place.shelf if one.place is not None else None,
        "placed": one.place.placed if one.place is not None else None,
        "placed_by": one.place.actor if one.place is not None else None,
    }


@box.command("show", cls=Command, help=N_("Where a box stands and what lies in it."))
@click.argument("number", metavar="BOX")
@pass_app
def box_show(app: App, number: str) -> None:
    """Print the box and its records."""
    from recordkit.archive.access import clearance_of
    from recordkit.archive.boxes import content_of
    from recordkit.archive.selection import Selection, select_records
    from recordkit.cli.cataloguing import plain_record

    with app.reading() as workspace:
        content = content_of(workspace.db, number)
        clearance = clearance_of(workspace)
        items = [plain_record(one, clearance)
                 for one in select_records(workspace.db, Selection(box=content.box))]
    about = _plain(content)
    elsewhere = [str(one["code"]) for one in items if one["shelf"] and one["shelf"] != about["shelf"]]
    if app.json:
        app.print_items(items, [], **about, elsewhere=elsewhere)
        return
    app.print_pairs([(N_("Box"), content.box), (N_("Shelf"), about["shelf"] or tr("nobody has said")),
                     (N_("Records"), content.records), (N_("Pages"), content.pages)])
    told = [{**one, "date": one["date_given"] or one["date"]} for one in items]
    app.print_items(told, [("code", N_("Code")), ("title", N_("Title")), ("date", N_("Date")), ("pages", N_("Pages")),
                            ("shelf", N_("Shelf"))], empty=msg(
        "Nothing lies in the box; 'recordkit box forget {box}' takes it off the list.", box=content.box))
    if elsewhere and about["shelf"]:
        app.say(tr("A place of their own, which counts before that of the box, have: {codes}.").format(
            codes=tr_list(elsewhere, 10)))


@box.command("place", cls=Command, help=N_("Say where a box stands, with all that lies in it."))
@click.argument("number", metavar="BOX")
@option("--shelf", required=True, metavar="PLACE", help=N_("The place (库位), such as 2号库3架4层."))
@option("--reason", default="", help=N_("Why."))
@dry_run_option
@pass_app
def box_place(app: App, number: str, shelf: str, reason: str, dry_run: bool) -> None:
    """One entry, however many records are in it."""
    from recordkit.archive.boxes import content_of, place_box
    from recordkit.archive.catalogue import get_record, records_in_box

    with app.acting(rehearse=dry_run) as workspace:
        placed = place_box(workspace, number, shelf, reason)
        content = content_of(workspace.db, number)
        records = [get_record(workspace.db, one) for one in records_in_box(workspace.db, number)]
    now = content.place.shelf if content.place is not None else shelf
    own = [one.code for one in records if one is not None and one.metadata.get("shelf") not in (None, "", now)]
    if app.json:
        app.print_json({**_plain(content), "changed": placed, "elsewhere": own})
        return
    if not placed:
        app.say(tr("Box {box} stands there already.").format(box=content.box))
        return
    app.say(tr("Box {box} with {count} record(s) stands at {shelf} now.").format(
        box=content.box, count=content.records, shelf=now))
    if own:
        app.say(tr("A place of their own, which counts before that of the box, have: {codes}.").format(
            codes=tr_list(own, 10)))


@box.command("labels", cls=Command, help=N_("Labels for spine and front of boxes, to be printed and cut out."))
@click.argument("numbers", nargs=-1, metavar="[BOX]...")
@option("--all", "everything", is_flag=True, help=N_("Of all boxes that hold something."))
@option("--spine", is_flag=True, help=N_("Strips for the backs (盒脊) alone, 30 mm wide, six a page."))
@out_option
@force_option
@pass_app
def box_labels(app: App, numbers: tuple[str, ...], everything: bool, spine: bool, out: Path, force: bool) -> None:
    """Write them as a Word file; they name no one."""
    from recordkit.archive.box_papers import labels_bytes
    from recordkit.archive.boxes import contents_of, list_boxes
    from recordkit.archive.spines import OF_BOX, box_strip, strips_bytes

    if bool(numbers) == everything:
        raise WrongUsage(msg("Name boxes, or give --all."))
    if out.suffix.lower() != ".docx":
        raise WrongUsage(msg("{file} is no .docx.", file=str(out)), msg("Labels are written as .docx."))
    with app.reading() as workspace:
        found = contents_of(workspace.db, list_boxes(workspace.db) if everything else numbers)
        found = [one for one in found if one.records]
        if not found:
            raise NotFound(msg("Nothing lies in these boxes; no labels were written."))
        strips = [box_strip(one, workspace.settings) for one in found]
        with Progress(app, tr("Making labels"), len(found)) as progress:
            data = (strips_bytes(OF_BOX, strips, progress) if spine
                    else labels_bytes(progress.counted(found), workspace.settings))
        app.save(out, data, force=force)
    if app.json:
        app.print_json({"path": str(out), "labels": len(found)})
    else:
        app.say(tr("Labels of {count} box(es) are in {file}.").format(count=len(found), file=out))


@box.command("sheet", cls=Command, help=N_("The list of what lies in a box (盒内清单), as .docx or .xlsx; with --all "
                                           "one .docx each in a folder."))
@click.argument("number", required=False, metavar="[BOX]")
@option("--all", "everything", is_flag=True, help=N_("Of all boxes that hold something."))
@option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help=N_(
    "Where it goes; with --all a folder."))
@force_option
@pass_app
def box_sheet(app: App, number: str | None, everything: bool, out: Path, force: bool) -> None:
    """Write the list, or all lists."""
    if (number is None) != everything:
        raise WrongUsage(msg("Name a box, or give --all."))
    if number is not None:
        _write_sheet(app, number, out, force=force)
        return
    from recordkit.archive.boxes import contents_of, list_boxes

    with app.reading() as workspace:
        found = [one for one in contents_of(workspace.db, list_boxes(workspace.db)) if one.records]
        if not found:
            raise NotFound(msg("Nothing lies in any box; no list was written."))
        named: dict[str, str] = {}
        for one in found:
            name = f"{file_name(one.box)}.docx"
            if name.casefold() in named:
                name = f"{file_name(one.box)}-{len(named) + 1}.docx"
            named[name.casefold()] = name
        files = [out / name for name in named.values()]
        with again_with("--force"), Progress(app, tr("Writing lists"), len(files)) as progress:
            for done, (place, one) in enumerate(zip(files, found, strict=True), start=1):
                _save_sheet(app, workspace, one, place, "docx", force=force)
                progress.of(done, len(files), last=place.name)
    if app.json:
        app.print_items([{"box": one.box, "path": str(place), "records": one.records}
                         for place, one in zip(files, found, strict=True)], [])
    else:
        app.say(tr("Lists of {count} box(es) are in {folder}.").format(count=len(found), folder=out))


def file_name(text: str) -> str:
    """A file name of a number that may hold what no file name may."""
    return re.sub(r'[\x00-\x1f<>:"/\\|?*]', "_", text).strip(". ")[:80] or "_"


def _write_sheet(app: App, number: str, out: Path, *, force: bool) -> None:
    from recordkit.archive.boxes import content_of

    kind = out.suffix.lower()
    if kind not in (".docx", ".xlsx"):
        raise WrongUsage(msg("{file} is no .docx or .xlsx.", file=str(out)),
                         msg("The ending of the file says how the list is written."))
    with app.reading() as workspace:
        content = content_of(workspace.db, number)
        if not content.records:
            raise NotFound(msg("No record lies in box {box}.", box=number))
        count = _save_sheet(app, workspace, content, out, "docx" if kind == ".docx" else "xlsx", force=force)
    if app.json:
        app.print_json({"path": str(out), "records": count})
    else:
        app.say(tr("{count} record(s) are in {file}.").format(count=count, file=out))


def _save_sheet(
    app: App, workspace: Workspace, content: BoxContent, out: Path, kind: Literal["docx", "xlsx"], *, force: bool
) -> int:
    from recordkit.archive.access import clearance_of
    from recordkit.archive.box_papers import contents_bytes
    from recordkit.archive.selection import Selection, select_records
    from recordkit.cli.saving import save_naming

    records = list(select_records(workspace.db, Selection(box=content.box)))
    data = contents_bytes(content, records, workspace.settings, clearance_of(workspace), kind)
    save_naming(app, out, data, [one.record_id for one in records], force=force)
    return len(records)
