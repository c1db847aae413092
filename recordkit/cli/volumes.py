"""Commands of volumes (案卷): records that are kept together, by account or by project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recordkit.cli.base import App, Command, Group, dry_run_option, option, pass_app
from recordkit.cli.dates import DATE
from recordkit.cli.i18n import N_, tr
from recordkit.cli.plans import Step, print_plan
from recordkit.cli.progress import Progress, watched
from recordkit.cli.showing import shown
from recordkit.cli.words import OF_VOLUMES, act_name
from recordkit.errors import NotFound, WrongUsage
from recordkit.messages import Message, msg

if TYPE_CHECKING:
    from recordkit.archive.access import Clearance
    from recordkit.archive.volume_acts import AccountPlan
    from recordkit.archive.volumes import Remarks, Volume
    from recordkit.workspace import Workspace

_SHOWN = 20

_STATES = {"open": N_("open volume"), "closed": N_("closed volume"), "destroyed": N_("destroyed")}


@click.group(cls=Group, help=N_("Volumes: records kept together, by account or by project."))
def volume() -> None:
    """Group."""


def state_of(found: Volume) -> str:
    """Code word of how a volume stands."""
    return "destroyed" if found.ended else "closed" if found.closed else "open"


def plain_volume(found: Volume, clearance: Clearance) -> dict[str, object]:
    """A volume as plain values, without what the person at hand may not see."""
    from recordkit.archive.volumes import seen_volume_title

    hidden = found.restricted and not clearance.full
    remarks = found.remarks
    return {
        "volume_id": found.volume_id, "code": found.code, "title": seen_volume_title(found, clearance),
        "kind": found.kind, "account": None if hidden else found.account, "record_class": found.record_class,
        "status": state_of(found), "opened": found.opened, "closed": found.closed, "records": found.records,
        "destroyed": found.destroyed, "pages": found.pages, "first": found.first, "last": found.last,
        "restricted": found.restricted, "situation": "" if hidden else remarks.situation,
        "arranged_by": remarks.arranged_by, "arranged_on": remarks.arranged_on, "checked_by": remarks.checked_by,
        "checked_on": remarks.checked_on,
    }


def _print_volume(app: App, workspace: Workspace, found: Volume, **more: object) -> None:
    from recordkit.archive.access import clearance_of

    plain = {**plain_volume(found, clearance_of(workspace)), **more}
    if app.json:
        app.print_json(plain)
        return
    names = {
        "code": N_("Volume"), "title": N_("Title"), "account": N_("Account"), "record_class": N_("Class"),
        "status": N_("Status"), "opened": N_("Opened"), "closed": N_("Closed"), "records": N_("Records"),
        "destroyed": N_("Destroyed"), "pages": N_("Pages"), "first": N_("First date"), "last": N_("Last date"),
        "situation": N_("Situation"), "arranged_by": N_("Arranged by"), "arranged_on": N_("Arranged on"),
        "checked_by": N_("Checked by"), "checked_on": N_("Checked on"),
    }
    told = {**plain, "status": msg(_STATES[str(plain["status"])]), "destroyed": plain["destroyed"] or None}
    app.print_pairs([(name, told[key]) for key, name in names.items() if told[key] not in (None, "")])


@volume.command("create", cls=Command, help=N_("Begin a volume: of an account, of a project, or of every account that "
                                               "has filed records and none."))
@option("--account", metavar="A", help=N_("Account whose papers it holds."))
@option("--project", metavar="TITLE", help=N_("Title of the project whose papers it holds."))
@option("--per-account", is_flag=True, help=N_("One for every account that has records and none; what was filed since "
                                               "joins the open ones."))
@option("--title", metavar="TEXT", help=N_("Another title for the volume of an account."))
@option("--class", "record_class", metavar="CLASS", help=N_("It takes records of this class only."))
@dry_run_option
@pass_app
def volume_create(
    app: App, account: str | None, project: str | None, per_account: bool, title: str | None, record_class: str | None,
    dry_run: bool,
) -> None:
    """Open one volume, or many."""
    from recordkit.archive.access import clearance_of
    from recordkit.archive.volume_acts import NewVolume, open_volume

    if (account is not None) + (project is not None) + per_account != 1:
        raise WrongUsage(msg("A volume needs either --account, --project or --per-account."))
    if title is not None and account is None:
        raise WrongUsage(msg("--title goes with --account."))
    if per_account:
        return _create_many(app, record_class, dry_run=dry_run)
    with app.acting(rehearse=dry_run) as workspace:
        new = (NewVolume("account", title or "", account, record_class) if account is not None
               else NewVolume("project", project or "", None, record_class))
        found = open_volume(workspace, new)
        # What was typed in comes back, and nothing by which an account with a restricted record could be told.
        own = {"account": found.account, "title": found.title, "restricted": None}
        _print_volume(app, workspace, found, **({} if clearance_of(workspace).full else own))
        if account is not None and workspace.settings.archive.volumes == "by-hand":
            app.say(tr("Put records into it: recordkit volume add {code} RECORD; with 'volumes = \"per-account\"' in "
                       "recordkit.toml what is filed under the account joins by itself.").format(code=found.code))
    return None


def _create_many(app: App, record_class: str | None, *, dry_run: bool) -> None:
    from recordkit.archive.access import clearance_of
    from recordkit.archive.volume_acts import open_per_account, plan_per_account

    with app.acting() as workspace:
        with Progress(app, tr("Opening volumes"), 0) as progress:
            plan = (plan_per_account(workspace, record_class) if dry_run else
                    open_per_account(workspace, record_class, progress.of))
        items = _planned(workspace, plan, clearance_of(workspace))
    columns = [("account", N_("Account")), ("title", N_("Title")), ("volume", N_("Volume")), ("records", N_("Records"))]
    if app.json:
        app.print_items(items, columns, left=plan.left, dry_run=dry_run)
        return
    if dry_run:
        steps = [Step(msg("Put into volume {volume}", volume=one["volume"]) if one["volume"] else
                      msg("Open a volume with its records"), str(one["account"] or ""), str(shown(one["title"])), None,
                      msg("{count} record(s)", count=one["records"])) for one in items]
        filed, joined = sum(len(new.records) for new in plan.new), sum(map(len, plan.joining.values()))
        _say_left(app, plan)
        print_plan(app, steps, total=msg("In all: {volumes} volume(s) with {filed} record(s); {joined} record(s) join "
                                         "open ones.", volumes=len(plan.new), filed=filed, joined=joined))
        return
    app.print_items(items[:_SHOWN], columns, empty=msg(
        "No record waits for a volume of its account; 'recordkit volume list' lists the volumes."))
    if len(items) > _SHOWN:
        app.say(tr("{count} more; --json lists all.").format(count=len(items) - _SHOWN))
    filed = sum(len(new.records) for new in plan.new)
    joined = sum(map(len, plan.joining.values()))
    app.say(tr("{volumes} volume(s) opened with {filed} record(s); {joined} record(s) joined open ones.").format(
        volumes=len(plan.new), filed=filed, joined=joined))
    _say_left(app, plan)


def _say_left(app: App, plan: AccountPlan) -> None:
    if plan.left:
        app.say(tr("{count} record(s) stay without one: the volume of their account is closed.").format(
            count=plan.left))


def _planned(workspace: Workspace, plan: AccountPlan, clearance: Clearance) -> list[dict[str, object]]:
    """Accounts and titles only where no restricted record of theirs would show through."""
    from recordkit.archive.volumes import find_volume

    closed: set[str] = set()
    if not clearance.full:
        closed = {row["account"] for row in workspace.db.each(
            "SELECT DISTINCT a.account FROM records r JOIN record_accounts a ON a.record_id = r.record_id "
            "WHERE r.access <> 'open' AND r.status = 'active'")}
    items: list[dict[str, object]] = []
    for new in plan.new:
        hidden = new.account in closed
        made = workspace.db.one("SELECT code FROM volumes WHERE account = :account AND record_class IS :class",
                                {"account": new.account, "class": new.record_class})
        items.append({"account": None if hidden else new.account,
                      "title": msg("(restricted)") if hidden else new.title,
                      "volume": None if made is None else made["code"],
                      "records": len(new.records)})
    for volume_id, records in plan.joining.items():
        plain = plain_volume(find_volume(workspace, volume_id), clearance)
        items.append({"account": plain["account"], "title": plain["title"], "volume": plain["code"],
                      "records": len(records)})
    return items


@volume.command("add", cls=Command, help=N_("Put records into a volume, behind what lies in it."))
@click.argument("reference", metavar="VOLUME")
@click.argument("records", nargs=-1, required=True, metavar="RECORD...")
@dry_run_option
@pass_app
def volume_add(app: App, reference: str, records: tuple[str, ...], dry_run: bool) -> None:
    """File records into a volume."""
    from recordkit.archive.volume_acts import add_to_volume

    with app.acting(rehearse=dry_run) as workspace:
        found, new = add_to_volume(workspace, reference, records)
        if app.json:
            _print_volume(app, workspace, found, added=[one.record_id for one in new])
            return
    app.say(tr("{count} record(s) put into volume {code}; it has {records} now.").format(
        count=len(new), code=found.code, records=found.records))


@volume.command("remove", cls=Command, help=N_("Take a record out of a volume."))
@click.argument("reference", metavar="VOLUME")
@click.argument("record")
@option("--reason", required=True, help=N_("Why."))
@dry_run_option
@pass_app
def volume_remove(app: App, reference: str, record: str, reason: str, dry_run: bool) -> None:
    """Take one record out."""
    from recordkit.archive.volume_acts import take_out

    with app.acting(rehearse=dry_run) as workspace:
        found, taken = take_out(workspace, reference, record, reason)
        if app.json:
            _print_volume(app, workspace, found, removed=taken.record_id)
            return
    app.say(tr("{record} is out of volume {code}; its own period counts now.").format(record=taken.code,
                                                                                      code=found.code))


@volume.command("list", cls=Command, help=N_("List volumes."))
@option("--account", metavar="A", help=N_("Those of this account."))
@option("--kind", type=click.Choice(["account", "project"]), help=N_("Only this kind."))
@option("--open", "state", flag_value="open", help=N_("Only open ones."))
@option("--closed", "state", flag_value="closed", help=N_("Only those that take nothing more."))
@option("--limit", type=click.IntRange(0), default=100, show_default=True, help=N_("At most so many; 0 for all."))
@option("--offset", type=click.IntRange(0), default=0, help=N_("Pass over so many."))
@pass_app
def volume_list(
    app: App, account: str | None, kind: Any, state: str | None, limit: int, offset: int
) -> None:
    """Print volumes by code."""
    from recordkit.archive.access import clearance_of
    from recordkit.archive.volumes import count_volumes, list_volumes

    is_open = None if state is None else state == "open"
    with app.reading() as workspace:
        clearance = clearance_of(workspace)
        total = count_volumes(workspace.db, account=account, kind=kind, is_open=is_open)
        if account is not None and not clearance.full:
            # Who types an account in is not told that it has a restricted record.
            seen = [one for one in list_volumes(workspace, account=account, kind=kind, is_open=is_open)
                    if not one.restricted]
            total, found = len(seen), iter(seen[offset:][:limit or None])
        else:
            found = list_volumes(workspace, account=account, kind=kind, is_open=is_open, offset=offset,
                                 limit=limit or None)
        items = [plain_volume(one, clearance) for one in found]
    if not app.json:
        items = [{**one, "status": msg(_STATES[str(one["status"])]), "period": _span(one)} for one in items]
    app.print_items(items, [("code", N_("Volume")), ("title", N_("Title")), ("status", N_("Status")),
                            ("records", N_("Records")), ("pages", N_("Pages")), ("period", N_("From and to"))],
                    total=total, empty=msg("There is no such volume; 'recordkit volume create --account A', or "
                                           "--project NAME, opens one."))
    if not app.json and len(items) < total:
        app.say(tr("{shown} of {total}; --limit 0 lists all.").format(shown=len(items), total=total))


def _span(one: Mapping[str, object]) -> str:
    if not one["first"] or one["first"] == one["last"]:
        return str(one["first"] or "")
    return f"{one['first']} - {one['last']}"


@volume.command("labels", cls=Command, help=N_(
    "Strips for the backs of volumes (案卷脊背), to be printed and cut out."))
@click.argument("references", nargs=-1, metavar="[VOLUME]...")
@option("--all", "everything", is_flag=True, help=N_("Of all volumes that hold something."))
@option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE.docx", help=N_("Where they go."))
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@pass_app
def volume_labels(app: App, references: tuple[str, ...], everything: bool, out: Path, force: bool) -> None:
    """Write them as a Word file; titles as whoever prints may see them."""
    from recordkit.archive.access import clearance_of
    from recordkit.archive.listings.volumes import period_of_volume, volume_title
    from recordkit.archive.spines import OF_VOLUME, strips_bytes, volume_strip
    from recordkit.archive.volumes import find_volume, list_volumes, records_of_volume
    from recordkit.cli.saving import save_naming

    if bool(references) == everything:
        raise WrongUsage(msg("Name volumes, or give --all."))
    if out.suffix.lower() != ".docx":
        raise WrongUsage(msg("{file} is no .docx.", file=str(out)), msg("Labels are written as .docx."))
    with app.reading() as workspace:
        found = list_volumes(workspace) if everything else (find_volume(workspace, one) for one in references)
        chosen, clearance = [one for one in found if one.records], clearance_of(workspace)
        if not chosen:
            raise NotFound(msg("Nothing lies in these volumes; no labels were written."))
        strips = [volume_strip(one, volume_title(one, clearance), period_of_volume(workspace, one),
                               workspace.settings)
                  for one in watched(app, tr("Counting"), len(chosen), chosen)]
        ids = [record.record_id for one in chosen for record in records_of_volume(workspace.db, one.volume_id)]
        with Progress(app, tr("Making labels"), len(strips)) as progress:
            data = strips_bytes(OF_VOLUME, strips, progress)
        save_naming(app, out, data, ids, force=force)
    if app.json:
        app.print_json({"path": str(out), "labels": len(chosen)})
    else:
        app.say(tr("Labels of {count} volume(s) are in {file}.").format(count=len(chosen), file=out))


@volume.command("show", cls=Command, help=N_("Show a volume and the records in it."))
@click.argument("reference", metavar="VOLUME")
@pass_app
def volume_show(app: App, reference: str) -> None:
    """Print a volume, its period and its records."""
    from recordkit.archive.access import clearance_of, seen_title
    from recordkit.archive.vague_dates import given_date
    from recordkit.archive.volumes import find_volume, placed_records
    from recordkit.retention.circumstances import decide_record, load_circumstances

    with app.reading() as workspace:
        found, clearance = find_volume(workspace, reference), clearance_of(workspace)
        items: list[dict[str, object]] = []
        around = None
        for position, record in placed_records(workspace.db, found.volume_id, destroyed=True):
            is_gone = record.status == "destroyed"
            if around is None and not is_gone:
                # What is known around one record of a volume is what is known around all of it.
                around = load_circumstances(workspace, record.record_id)
            decision = None if is_gone or around is None else decide_record(workspace, record, around, app.today)
            items.append({
                "position": position, "record_id": record.record_id, "code": record.code, "number": record.number,
                "title": seen_title(record, clearance), "date": None if is_gone else record.date,
                "date_given": given_date(record), "record_class": record.record_class,
                "pages": None if is_gone else record.pages,
                "status": record.status, "decision": decision.decision if decision else None,
                "due": decision.due if decision else None, "reason": decision.reason if decision else None,
                "unexplained": (decision.unexplained or None) if decision else None})
        _show(app, workspace, found, items)


def _show(app: App, workspace: Workspace, found: Volume, items: Sequence[Mapping[str, object]]) -> None:
    if app.json:
        _print_volume(app, workspace, found, items=list(items), total=len(items))
        return
    _print_volume(app, workspace, found)
    told = [{**one, "date": one["date_given"] or one["date"],
             "decision": msg("unexplained" if one["unexplained"] else str(one["decision"] or one["status"]))}
            for one in items]
    app.print_items(told, [("position", N_("No.")), ("code", N_("Code")), ("title", N_("Title")), ("date", N_("Date")),
                           ("pages", N_("Pages")), ("decision", N_("Decision")), ("due", N_("Due"))],
                    empty=msg("Nothing lies in the volume; 'recordkit volume add {volume} RECORD' puts a record in.",
                              volume=found.code))


def _remarks(
    note: str | None, arranged_by: str | None, arranged_on: date | None, checked_by: str | None,
    checked_on: date | None, today: date,
) -> Remarks:
    """What is given; whoever arranged or checked did so today where no day is named."""
    from recordkit.archive.volumes import Remarks

    return Remarks(note or "", arranged_by or "", arranged_on or (today if arranged_by else None),
                   checked_by or "", checked_on or (today if checked_by else None))


def _remark_options(function: Any) -> Any:
    for one in reversed((
        option("--note", metavar="TEXT", help=N_("What is to be said of the volume: missing, damaged, added.")),
        option("--arranged-by", metavar="NAME", help=N_("Who arranged it.")),
        option("--arranged-on", type=DATE, metavar="DATE", help=N_("When (default: today).")),
        option("--checked-by", metavar="NAME", help=N_("Who checked it.")),
        option("--checked-on", type=DATE, metavar="DATE", help=N_("When (default: today).")),
    )):
        function = one(function)
    return function


@volume.command("close", cls=Command, help=N_("Close a volume: it takes nothing more until it is opened again."))
@click.argument("reference", metavar="VOLUME")
@_remark_options
@dry_run_option
@pass_app
def volume_close(
    app: App, reference: str, note: str | None, arranged_by: str | None, arranged_on: date | None,
    checked_by: str | None, checked_on: date | None, dry_run: bool,
) -> None:
    """Close one volume."""
    from recordkit.archive.volume_acts import close_volume

    with app.acting(rehearse=dry_run) as workspace:
        said = _remarks(note, arranged_by, arranged_on, checked_by, checked_on, app.today)
        _print_volume(app, workspace, close_volume(workspace, reference, said))


@volume.command("note", cls=Command, help=N_("Set the title of a volume, or what is said of it; closed ones, too."))
@click.argument("reference", metavar="VOLUME")
@option("--title", metavar="TEXT", help=N_("Another title."))
@_remark_options
@option("--reason", default="", metavar="TEXT", help=N_("Why; needed where the volume is closed."))
@dry_run_option
@pass_app
def volume_note(
    app: App, reference: str, title: str | None, note: str | None, arranged_by: str | None, arranged_on: date | None,
    checked_by: str | None, checked_on: date | None, reason: str, dry_run: bool,
) -> None:
    """Change what is said of one volume."""
    from recordkit.archive.volume_acts import note_volume

    with app.acting(rehearse=dry_run) as workspace:
        said = _remarks(note, arranged_by, arranged_on, checked_by, checked_on, app.today)
        _print_volume(app, workspace, note_volume(workspace, reference, said, title, reason))


@volume.command("reopen", cls=Command, help=N_("Open a closed volume again."))
@click.argument("reference", metavar="VOLUME")
@option("--reason", required=True, help=N_("Why."))
@dry_run_option
@pass_app
def volume_reopen(app: App, reference: str, reason: str, dry_run: bool) -> None:
    """Open one volume again."""
    from recordkit.archive.volume_acts import reopen_volume

    with app.acting(rehearse=dry_run) as workspace:
        _print_volume(app, workspace, reopen_volume(workspace, reference, reason))


@volume.command("history", cls=Command, help=N_("Every act on a volume, oldest first, with what was said before."))
@click.argument("reference", metavar="VOLUME")
@pass_app
def volume_history(app: App, reference: str) -> None:
    """Print who did what, when and why, old and new."""
    from recordkit.archive.access import clearance_of
    from recordkit.archive.volume_history import history_of_volume
    from recordkit.archive.volumes import find_volume

    with app.reading() as workspace:
        found = find_volume(workspace, reference)
        items = history_of_volume(workspace, found, clearance_of(workspace))
    if not app.json:
        items = [{**one, "act": act_name(str(one["act"])), "told": _told_act(one)} for one in items]
        if found.ended:
            app.say(tr("All records of the volume are destroyed; what was said of it went with them."))
    app.print_items(items, [("seq", N_("No.")), ("time", N_("Time")), ("actor", N_("Who")), ("act", N_("Act")),
                            ("told", N_("Changes")), ("reason", N_("Reason"))])


def _told_act(one: Mapping[str, object]) -> str:
    """The records of an act and what it changed, a line for each field."""
    records, changes = one["records"], one["changes"]
    lines = [str(code) for code in records[:_SHOWN]] if isinstance(records, list) else []
    if isinstance(records, list) and len(records) > _SHOWN:
        lines.append(tr("{count} more; --json lists all.").format(count=len(records) - _SHOWN))
    for change in changes if isinstance(changes, list) else ():
        old, new = (value.render(tr) if isinstance(value, Message) else value
                    for value in (change["old"], change["new"]))
        lines.append(tr("{field}: {old} → {new}").format(
            field=tr(OF_VOLUMES[change["field"]]), old=old or tr("(empty)"), new=new))
    return "\n".join(lines)
