"""Commands that enter what retention depends on: event, hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, Command, Group, dry_run_option, option, pass_app
from recordkit.cli.dates import DATE
from recordkit.cli.i18n import N_, tr
from recordkit.cli.words import meant
from recordkit.errors import WrongUsage
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.db import Database


@click.group(cls=Group, help=N_("Events that start retention periods."))
def event() -> None:
    """Group."""


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
    from recordkit.archive.catalogue import count_of_account, find_record
    from recordkit.archive.classes import load_scheme
    from recordkit.errors import NotFound
    from recordkit.retention.events import add_event
    from recordkit.retention.schedule import event_name, event_types

    if not records and account is None:
        raise WrongUsage(msg("An event needs records or --account."))
    with app.acting(rehearse=dry_run) as workspace:
        names = {one: event_name(one).render(tr) for one in event_types(load_scheme(workspace.root))}
        event_type = meant(event_type, names)
        if len(records) == 1 and account is None:
            # The promised form is RECORD|ACCOUNT: what is no record is taken for an account that has records.
            try:
                find_record(workspace.db, records[0])
            except NotFound:
                known = workspace.db.one("SELECT 1 AS n FROM records WHERE account = :a", {"a": records[0]})
                if known is None:
                    raise
                account = records[0]
                records = ()
        event_id = add_event(workspace, event_type, on, records=records, account=account, note=note)
        covered = count_of_account(workspace.db, account) if account is not None else 0
    if app.json:
        app.print_json({"event": event_id, "type": event_type, "date": on})
    else:
        app.say(tr("Event {id} entered.").format(id=event_id))
        if account is not None:
            app.say(tr("Records of this account today: {count}. The event starts the period only of those dated "
                       "before it.").format(count=covered))


@event.command("list", cls=Command, help=N_("List events."))
@pass_app
def event_list(app: App) -> None:
    """Print events in the order of entry."""
    from recordkit.retention.events import list_events
    from recordkit.retention.schedule import event_name

    with app.reading() as workspace:
        items: list[dict[str, object]] = [
            {"event": one.event_id, "type": one.type, "name": event_name(one.type), "date": one.date,
             "records": list(one.records), "account": one.account}
            for one in list_events(workspace.db)
        ]
        codes = _codes(workspace.db, items)
    if not app.json:
        items = [{**item, "records": codes[str(item["event"])]} for item in items]
    app.print_items(items, [("event", N_("Event")), ("name", N_("Type")), ("date", N_("Date")),
                            ("records", N_("Records")), ("account", N_("Account"))])


def _codes(db: Database, items: Sequence[Mapping[str, object]]) -> dict[str, list[str]]:
    """Archival codes of the records of events or holds, by the id of the event or hold: people know codes, not ids."""
    from recordkit.archive.catalogue import get_record

    found: dict[str, list[str]] = {}
    for item in items:
        ids = item["records"] if isinstance(item["records"], list) else []
        records = [get_record(db, str(one)) for one in ids]
        found[str(item.get("event") or item.get("hold"))] = [one.code for one in records if one is not None]
    return found


@click.group(cls=Group, help=N_("Holds that stop destruction."))
def hold() -> None:
    """Group."""


@hold.command("place", cls=Command, help=N_("Forbid the destruction of records, or of all records of an account."))
@click.argument("records", nargs=-1, metavar="[RECORD]...")
@option("--account", help=N_("All records of this account, also those filed later."))
@option("--kind", required=True, help=N_("debt, litigation, complaint, arrears, inspection or other."))
@option("--reason", required=True, help=N_("Why."))
@option("--until", type=DATE, metavar="DATE", help=N_("Last day of the hold (default: until released)."))
@dry_run_option
@pass_app
def hold_place(
    app: App, records: tuple[str, ...], account: str | None, kind: str, reason: str, until: date | None, dry_run: bool
) -> None:
    """Place one hold."""
    from recordkit.archive.catalogue import count_of_account
    from recordkit.retention.holds import place_hold
    from recordkit.retention.review import HOLD_KINDS

    if bool(records) == (account is not None):
        raise WrongUsage(msg("A hold needs either records or --account."))
    with app.acting(rehearse=dry_run) as workspace:
        kind = meant(kind, {code: name.render(tr) for code, name in HOLD_KINDS.items()})
        hold_id = place_hold(workspace, kind=kind, reason=reason, records=records, account=account, until=until)
        covered = count_of_account(workspace.db, account) if account is not None else 0
    if app.json:
        app.print_json({"hold": hold_id, "kind": kind, "until": until})
    else:
        app.say(tr("Hold {id} placed.").format(id=hold_id))
        if account is not None:
            app.say(tr("Records of this account today: {count}; those filed later are held, too.").format(
                count=covered))


@hold.command("release", cls=Command, help=N_("End a hold."))
@click.argument("hold_id", metavar="HOLD")
@option("--reason", required=True, help=N_("Why."))
@dry_run_option
@pass_app
def hold_release(app: App, hold_id: str, reason: str, dry_run: bool) -> None:
    """Release one hold."""
    from recordkit.retention.holds import release_hold

    with app.acting(rehearse=dry_run) as workspace:
        release_hold(workspace, hold_id, reason)
    if app.json:
        app.print_json({"hold": hold_id, "released": True})
    else:
        app.say(tr("Hold {id} released.").format(id=hold_id))


@hold.command("list", cls=Command, help=N_("List holds in force."))
@option("--all", "everything", is_flag=True, help=N_("Released and expired ones too."))
@pass_app
def hold_list(app: App, everything: bool) -> None:
    """Print holds."""
    from recordkit.retention.holds import list_holds
    from recordkit.retention.review import HOLD_KINDS

    with app.reading() as workspace:
        items: list[dict[str, object]] = [
            {"hold": one.hold_id, "kind": one.kind, "records": list(one.records), "account": one.account,
             "until": one.until, "reason": one.reason, "placed": one.placed, "released": one.released}
            for one in list_holds(workspace, released=everything)
            if everything or one.until is None or one.until >= app.today
        ]
        codes = _codes(workspace.db, items)
    if not app.json:
        items = [
            {**item, "kind": HOLD_KINDS.get(str(item["kind"]), item["kind"]), "records": codes[str(item["hold"])]}
            for item in items
        ]
    app.print_items(items, [("hold", N_("Hold")), ("kind", N_("Kind")), ("records", N_("Records")),
                            ("account", N_("Account")), ("until", N_("Until")), ("reason", N_("Reason"))])
