"""Commands of events: what starts retention periods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, Command, Group, dry_run_option, list_options, option, pass_app
from recordkit.cli.dates import DATE
from recordkit.cli.i18n import N_, tr
from recordkit.cli.plans import Step, print_plan
from recordkit.cli.words import meant
from recordkit.errors import WrongUsage
from recordkit.messages import Message, listed, msg

if TYPE_CHECKING:
    from recordkit.db import Database
    from recordkit.retention.events import EventEntry
    from recordkit.retention.proposals import Proposal
    from recordkit.workspace import Workspace


@click.group(cls=Group, help=N_("Events that start retention periods."))
def event() -> None:
    """Group."""


def type_names(workspace: Workspace) -> dict[str, str]:
    """Names of the event types that the store knows, by their code words."""
    from recordkit.archive.classes import load_scheme
    from recordkit.retention.schedule import event_name, event_types

    return {one: event_name(one).render(tr) for one in sorted(event_types(load_scheme(workspace.root)))}


@event.command("add", cls=Command, help=N_("Enter an event for records (id, archival code, number) or an account."))
@click.argument("event_type", metavar="TYPE")
@click.argument("records", nargs=-1, metavar="[RECORD]...")
@option("--date", "on", type=DATE, required=True, metavar="DATE", help=N_("The day it happened."))
@option("--account", help=N_("All records of this account."))
@option("--note", default="", help=N_("A note, kept beside the records."))
@dry_run_option
@pass_app
def event_add(
    app: App, event_type: str, records: tuple[str, ...], on: date, account: str | None, note: str, dry_run: bool
) -> None:
    """Enter one event; a record may be given where an account is meant."""
    from recordkit.archive.access import clearance_of
    from recordkit.archive.catalogue import account_with_zeros, count_of_account, find_record
    from recordkit.errors import NotFound
    from recordkit.retention.events import add_event

    if not records and account is None:
        raise WrongUsage(msg("An event needs records or --account."))
    with app.acting(rehearse=dry_run) as workspace:
        event_type = meant(event_type, type_names(workspace))
        # Else an answer would tell whoever types an account in that there are restricted records of it.
        only_open = not clearance_of(workspace).full
        if len(records) == 1 and account is None:
            # The promised form is RECORD|ACCOUNT: what is no record is taken for an account that has records.
            try:
                find_record(workspace.db, records[0])
            except NotFound:
                if not count_of_account(workspace.db, records[0], only_open=only_open):
                    raise
                account = records[0]
                records = ()
        event_id = add_event(workspace, event_type, on, records=records, account=account, note=note)
        covered = count_of_account(workspace.db, account, only_open=only_open) if account is not None else 0
        likely = (account_with_zeros(workspace.db, account, only_open=only_open)
                  if account is not None and not covered else None)
    if app.json:
        app.print_json({"event": event_id, "type": event_type, "date": on})
    else:
        app.say(tr("Event {id} entered.").format(id=event_id))
        if account is not None:
            app.say(tr("Records of this account today: {count}. The event starts the period only of those dated "
                       "before it.").format(count=covered))
            say_lost_zeros(app, likely)


def say_lost_zeros(app: App, likely: str | None) -> None:
    """Ask whether an account without records was meant to be this one, which has zeros before it."""
    if likely is not None:
        app.say(msg("The archive knows the account {account}: were its leading zeros lost?", account=likely))


@event.command("import", cls=Command, help=N_("Enter the events of a list of the billing system; a second import of "
                                              "the same list enters nothing twice."))
@click.argument("file", type=click.Path(path_type=Path))
@option("--type", "event_type", metavar="TYPE", help=N_("What happened, for all rows; else the list has a column."))
@option("--date", "on", type=DATE, metavar="DATE", help=N_("When, for rows that tell no day."))
@list_options
@option("--date-column", metavar="HEADING", help=N_("Heading of the day."))
@option("--type-column", metavar="HEADING", help=N_("Heading of what happened."))
@option("--also-unknown", is_flag=True, help=N_("Also accounts without a record, for papers filed later."))
@dry_run_option
@pass_app
def event_import(
    app: App, file: Path, event_type: str | None, on: date | None, sheet: str | None, account_column: str | None,
    date_column: str | None, type_column: str | None, also_unknown: bool, dry_run: bool,
) -> int:
    """Plan, print the plan, enter; exit 4 when rows were refused, 3 when all were."""
    from recordkit.cli.importing import Columns, import_events

    columns = Columns(sheet, account_column, date_column, type_column)
    with app.acting() as workspace:
        names = type_names(workspace)
        return import_events(app, workspace, file, columns, names,
                             event_type=None if event_type is None else meant(event_type, names), on=on,
                             also_unknown=also_unknown, dry_run=dry_run)


@event.command("revise", cls=Command, help=N_("Correct day or type of an event; the old one stays listed."))
@click.argument("event_id", metavar="EVENT")
@option("--date", "on", type=DATE, metavar="DATE", help=N_("The day it happened."))
@option("--type", "event_type", metavar="TYPE", help=N_("What it was."))
@option("--reason", required=True, help=N_("Why."))
@dry_run_option
@pass_app
def event_revise(
    app: App, event_id: str, on: date | None, event_type: str | None, reason: str, dry_run: bool
) -> None:
    """Let another event take its place."""
    from recordkit.retention.events import find_event, revise_event

    if on is None and event_type is None:
        raise WrongUsage(msg("Nothing is to be changed: give --date or --type."))
    with app.acting(rehearse=dry_run) as workspace:
        if event_type is not None:
            event_type = meant(event_type, type_names(workspace))
        revised = find_event(workspace.db, revise_event(workspace, event_id, reason, on=on, event_type=event_type))
    if app.json:
        app.print_json({"event": revised.event_id, "replaces": event_id.strip(), "type": revised.type,
                        "date": revised.date})
    else:
        app.say(tr("Event {new} stands in place of {old}.").format(new=revised.event_id, old=event_id.strip()))


@event.command("withdraw", cls=Command, help=N_("Take an event back that has not happened; it stays listed."))
@click.argument("event_id", metavar="EVENT")
@option("--reason", required=True, help=N_("Why."))
@dry_run_option
@pass_app
def event_withdraw(app: App, event_id: str, reason: str, dry_run: bool) -> None:
    """Withdraw one event."""
    from recordkit.retention.events import withdraw_event

    with app.acting(rehearse=dry_run) as workspace:
        withdraw_event(workspace, event_id, reason)
    if app.json:
        app.print_json({"event": event_id.strip(), "withdrawn": True})
    else:
        app.say(tr("Event {id} is withdrawn.").format(id=event_id.strip()))


@event.command("proposed", cls=Command, help=N_("Events that filed papers let expect, for a person to confirm."))
@option("--type", "event_type", metavar="TYPE", help=N_("Only this type."))
@pass_app
def event_proposed(app: App, event_type: str | None) -> None:
    """List proposals by day."""
    from recordkit.retention.proposals import list_proposals

    with app.reading() as workspace:
        names = type_names(workspace)
        wanted = meant(event_type, names) if event_type is not None else None
        found = [one for one in list_proposals(workspace) if wanted in (None, one.type)]
        _print_proposals(app, workspace, found, names)
    if found:
        app.say(tr("Look at the papers, then: recordkit event confirm ID ... (or --all), or: recordkit event reject ID "
                   "--reason TEXT"))


def _print_proposals(
    app: App, workspace: Workspace, proposals: Sequence[Proposal], names: dict[str, str], **more: object
) -> None:
    from recordkit.archive.access import OPEN, clearance_of

    full = clearance_of(workspace).full
    items: list[dict[str, object]] = [
        {"proposal": one.proposal_id, "record_id": one.record_id, "code": one.code,
         "account": one.account if full or one.access == OPEN else None, "type": one.type,
         "name": names.get(one.type, one.type), "date": one.date, "why": one.why, "paper": one.paper,
         "paper_code": one.paper_code}
        for one in proposals
    ]
    if app.json or not items:
        app.print_items(items, [], **more, empty=msg("No filed paper lets an event expect that is not entered yet."))
        return
    # A table of so many columns would be torn to shreds on a terminal.
    for item, one in zip(items, proposals, strict=True):
        click.echo("  ".join(filter(None, (one.proposal_id, one.code, str(item["account"] or "")))))
        click.echo(f"    {item['name']} {one.date}  <-  {one.why.render(tr)}  {one.paper_code}")


@event.command("confirm", cls=Command, help=N_("Enter proposed events."))
@click.argument("proposals", nargs=-1, metavar="[ID]...")
@option("--all", "everything", is_flag=True, help=N_("All that are proposed now."))
@option("--type", "event_type", metavar="TYPE", help=N_("With --all: only this type."))
@option("--date", "on", type=DATE, metavar="DATE", help=N_("The right day, where the paper does not tell it."))
@dry_run_option
@pass_app
def event_confirm(
    app: App, proposals: tuple[str, ...], everything: bool, event_type: str | None, on: date | None, dry_run: bool
) -> None:
    """Confirm some or all."""
    from recordkit.retention.proposals import choose_proposals, confirm_proposals

    if bool(proposals) == everything:
        raise WrongUsage(msg("Name proposals, or give --all."))
    with app.acting() as workspace:
        names = type_names(workspace)
        wanted = meant(event_type, names) if event_type is not None else None
        planned = [one for one in choose_proposals(workspace, proposals or None) if wanted in (None, one.type)]
        if dry_run:
            if app.json:
                _print_proposals(app, workspace, planned, names, dry_run=True)
            else:
                print_plan(app, [Step(msg("Enter the event {name}", name=names.get(one.type, one.type)), one.code,
                                      msg("{why}: {paper}", why=one.why, paper=one.paper_code), None, on or one.date)
                                 for one in planned])
            return
        done = confirm_proposals(workspace, planned, on=on)
    if app.json:
        items = [{"proposal": one.proposal_id, "event": event_id, "record_id": one.record_id, "code": one.code,
                  "type": one.type, "date": on or one.date} for one, event_id in done]
        app.print_json({"items": items, "total": len(items)})
    else:
        app.say(tr("{count} event(s) entered.").format(count=len(done)))


@event.command("reject", cls=Command, help=N_("Refuse proposed events; they are not proposed again."))
@click.argument("proposals", nargs=-1, required=True, metavar="ID...")
@option("--reason", required=True, help=N_("Why."))
@dry_run_option
@pass_app
def event_reject(app: App, proposals: tuple[str, ...], reason: str, dry_run: bool) -> None:
    """Reject some."""
    from recordkit.retention.proposals import choose_proposals, reject_proposals

    with app.acting(rehearse=dry_run) as workspace:
        done = reject_proposals(workspace, choose_proposals(workspace, proposals), reason)
    if app.json:
        items = [{"proposal": one.proposal_id, "record_id": one.record_id, "type": one.type} for one in done]
        app.print_json({"items": items, "total": len(items)})
    else:
        app.say(tr("{count} proposal(s) rejected.").format(count=len(done)))


@event.command("list", cls=Command, help=N_("List events in force."))
@option("--all", "everything", is_flag=True, help=N_("Revised and withdrawn ones too, with the reasons."))
@option("--record", metavar="RECORD", help=N_("Those entered for this very record."))
@option("--account", help=N_("Those of this account."))
@option("--type", "event_type", metavar="TYPE", help=N_("Only this type."))
@option("--waiting", is_flag=True,
        help=N_("Instead, the accounts whose records wait for an event, to ask the billing department."))
@option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
        help=N_("With --waiting: write them to .xlsx or .csv, to be filled in and imported."))
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@pass_app
def event_list(
    app: App, everything: bool, record: str | None, account: str | None, event_type: str | None, waiting: bool,
    out: Path | None, force: bool,
) -> None:
    """Print events in the order of entry, or what is waited for."""
    from recordkit.archive.access import clearance_of
    from recordkit.archive.catalogue import find_record
    from recordkit.cli.asking_for import print_waiting
    from recordkit.retention.events import event_words, list_events, tells_of_restricted

    if (waiting and (everything or record or account)) or (out is not None and not waiting):
        raise WrongUsage(msg("--waiting goes with --type and --out only, and --out with --waiting."))
    with app.reading() as workspace:
        names = type_names(workspace)
        wanted = meant(event_type, names) if event_type is not None else None
        if waiting:
            print_waiting(app, workspace, names, wanted, out, force=force)
            return
        full = clearance_of(workspace).full
        found = [one for one in list_events(
                     workspace.db, account=account,
                     record_id=None if record is None else find_record(workspace.db, record).record_id)
                 if (everything or one.counts) and wanted in (None, one.type)]
        items: list[dict[str, object]] = []
        for one in found:
            item = plain_event(one, names)
            if everything:
                words = event_words(workspace, one.event_id)
                item |= {"note": words.note, "reason": words.end or words.reason}
            if not full and tells_of_restricted(workspace.db, one):
                item |= {key: msg("(restricted)") for key in ("note", "reason") if item.get(key)} | {"account": None}
            if not app.json:
                item |= {"records": told_codes(workspace.db, one.records), "status": tr(str(item["status"]))}
            items.append(item)
    if everything and items and not app.json:
        for item in items:
            _print_event(item)
        return
    app.print_items(items, [("event", N_("Event")), ("name", N_("Type")), ("date", N_("Date")),
                            ("records", N_("Archival codes")), ("account", N_("Account"))], empty=msg(
        "No event is entered for what was asked; 'recordkit event proposed' lists what papers let expect, 'recordkit "
        "event add' enters one."))


def _print_event(item: Mapping[str, object]) -> None:
    """An event with its history, in two lines: a table of so many columns would be torn to shreds on a terminal."""
    status = f"{item['status']} -> {item['replaced']}" if item["replaced"] else str(item["status"])
    click.echo(f"{item['event']}  {item['name']} {item['date']}  {status}")
    said = [words.render(tr) if isinstance(words := item[key], Message) else str(words)
            for key in ("records", "account", "note", "reason") if item[key]]
    click.echo("    " + "  ".join([*said, tr("(entered on {day} by {actor})").format(
        day=item["entered"], actor=item["actor"])]))


def plain_event(one: EventEntry, names: dict[str, str]) -> dict[str, object]:
    """An event as it is listed."""
    status = "revised" if one.replaced else "withdrawn" if one.withdrawn else "in force"
    return {"event": one.event_id, "type": one.type, "name": names.get(one.type, one.type), "date": one.date,
            "records": list(one.records), "account": one.account, "status": status, "replaced": one.replaced,
            "withdrawn": one.withdrawn, "paper": one.paper, "entered": one.entered, "actor": one.actor}


def told_codes(db: Database, record_ids: Sequence[str], most: int = 1) -> str:
    """Archival codes of records, the first ``most`` of many: people know codes, not ids."""
    told = listed(codes_of(db, record_ids[:most])).render(tr)
    if len(record_ids) > most:
        told += " " + tr("… and {count} more").format(count=len(record_ids) - most)
    return told


def codes_of(db: Database, record_ids: Iterable[str]) -> list[str]:
    """Archival codes of records."""
    rows = [db.one("SELECT code FROM records WHERE record_id = :id", {"id": one}) for one in record_ids]
    return [str(row["code"]) for row in rows if row is not None]
