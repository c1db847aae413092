"""Commands of holds: what stops destruction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, Command, Group, dry_run_option, list_options, option, pass_app
from recordkit.cli.dates import DATE
from recordkit.cli.eventing import say_lost_zeros, told_codes
from recordkit.cli.i18n import N_, tr
from recordkit.cli.progress import Progress
from recordkit.cli.words import kind_names, meant
from recordkit.errors import NotFound, WrongUsage
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.retention.holds import HoldOrder
    from recordkit.workspace import Rehearsed, Workspace


_SHOWN_CODES = 5


@click.group(cls=Group, help=N_("Holds that stop destruction."))
def hold() -> None:
    """Group."""


def told_hold(hold: Mapping[str, object]) -> str:
    """A hold of ``standing.plain_hold`` in one line."""
    parts = [str(hold["hold"]), kind_names().get(str(hold["kind"]), str(hold["kind"])), str(hold["reason"] or "")]
    if hold["past"]:
        parts.append(tr("(past its day {until}: release or extend it)").format(until=hold["until"]))
    elif hold["until"]:
        parts.append(tr("(to be looked at again by {until})").format(until=hold["until"]))
    return " ".join(filter(None, parts))


kind_option = option("--kind", required=True, help=N_("debt, litigation, complaint, arrears, inspection or other."))
until_option = option(
    "--until", type=DATE, metavar="DATE",
    help=N_("By when it is to be looked at again; it stands until released all the same."),
)


@hold.command("place", cls=Command, help=N_("Forbid the destruction of records, of all records of an account, of what "
                                            "lies in a box or a volume, or of what a query finds."))
@click.argument("records", nargs=-1, metavar="[RECORD]...")
@option("--account", help=N_("All records of this account, also those filed later."))
@option("--box", metavar="BOX", help=N_("All records that lie in this box now."))
@option("--volume", metavar="VOLUME", help=N_("All records that lie in this volume now."))
@option("--query", metavar="QUERY", help=N_("All records that this search finds now."))
@option("--data", type=click.Path(path_type=Path), metavar="FILE",
        help=N_("All accounts of a list, as 'hold import' does."))
@option("--with-accounts", is_flag=True,
        help=N_("Also hold the accounts of these records, and thereby what is filed later."))
@kind_option
@option("--reason", required=True, help=N_("Why."))
@until_option
@dry_run_option
@pass_app
def hold_place(
    app: App, records: tuple[str, ...], account: str | None, box: str | None, volume: str | None, query: str | None,
    data: Path | None, with_accounts: bool, kind: str, reason: str, until: date | None, dry_run: bool,
) -> int:
    """Place one hold, and with --with-accounts one for each account."""
    from recordkit.archive.access import clearance_of
    from recordkit.archive.catalogue import account_with_zeros, count_of_account
    from recordkit.retention.holds import HoldOrder, accounts_held_of, find_hold, place_hold, place_on_accounts
    from recordkit.workspace import Rehearsed

    if sum((bool(records), *(one is not None for one in (account, box, volume, query, data)))) != 1:
        raise WrongUsage(msg("A hold needs either records, --account, --box, --volume, --query or --data."))
    if data is not None:
        return _import(app, data, kind=kind, reason=reason, until=until, dry_run=dry_run)
    with app.acting(rehearse=dry_run) as workspace:
        kind = meant(kind, kind_names())
        named: Sequence[str] = records
        if box is not None:
            named = _in_box(workspace, box)
        elif volume is not None:
            named = _in_volume(workspace, volume)
        elif query is not None:
            named = _found_by(app, workspace, query)
        found_by = query or (f"box:{box}" if box is not None else f"volume:{volume}" if volume is not None else "")
        if found_by:
            codes = told_codes(workspace.db, named, _SHOWN_CODES)
            app.say(tr("{count} record(s): {codes}").format(count=len(named), codes=codes))
        with Progress(app, tr("Placing holds"), 0):
            try:
                hold_id = place_hold(workspace, kind=kind, reason=reason, records=named, account=account, until=until,
                                     query=found_by)
            except Rehearsed as rehearsed:
                if with_accounts:
                    _rehearse_accounts(workspace, rehearsed, HoldOrder(kind, reason, until))
                raise
            held = find_hold(workspace, hold_id).records
            accounts = accounts_held_of(workspace.db, held) if with_accounts else []
            more = place_on_accounts(workspace, accounts, kind=kind, reason=reason, until=until) if accounts else []
        only_open = not clearance_of(workspace).full
        covered = (count_of_account(workspace.db, account, ever=True, only_open=only_open)
                   if account is not None else len(held))
        likely = (account_with_zeros(workspace.db, account, only_open=only_open)
                  if account is not None and not covered else None)
    if app.json:
        app.print_json({"hold": hold_id, "kind": kind, "until": until, "records": list(held), "covered": covered,
                        "account_holds": more})
        return 0
    app.say(tr("Hold {id} placed.").format(id=hold_id))
    if account is not None:
        app.say(tr("Records of this account today: {count}; those filed later are held, too.").format(count=covered))
        say_lost_zeros(app, likely)
    elif more:
        app.say(tr("{count} account(s) are held, too, and thereby what is filed later under them.").format(
            count=len(more)))
    elif found_by:
        app.say(tr("Held are the records found now. What is filed later is not: for that, hold the account "
                   "(--account, --with-accounts)."))
    return 0


def _rehearse_accounts(workspace: Workspace, first: Rehearsed, order: HoldOrder) -> None:
    """Rehearse also the holds on the accounts of the records: a rehearsal ends at the first step that would write.

    Raises:
        Rehearsed: what both steps would enter; nothing where the records have no account.
    """
    from recordkit.retention.holds import accounts_held_of, place_on_accounts
    from recordkit.workspace import Rehearsed

    records = first.acts[0].body.get("records")
    accounts = accounts_held_of(workspace.db, list(records) if isinstance(records, Mapping) else [])
    try:
        if accounts:
            place_on_accounts(workspace, accounts, kind=order.kind, reason=order.reason, until=order.until)
    except Rehearsed as second:
        raise Rehearsed([*first.acts, *second.acts], {**first.notes, **second.notes}) from None


@hold.command("import", cls=Command, help=N_("Hold the accounts of a list of the billing system, such as that of "
                                             "arrears; a second import of the same list holds nothing twice."))
@click.argument("file", type=click.Path(path_type=Path))
@kind_option
@option("--reason", required=True, help=N_("Why."))
@until_option
@list_options
@option("--list", "series", default="", metavar="NAME",
        help=N_("Name of the series that the list continues, such as that of a branch."))
@option("--release-missing", is_flag=True,
        help=N_("Release the holds of the series whose accounts the list no longer names."))
@option("--release-reason", default="", metavar="TEXT", help=N_("Why they are released (default: the reason)."))
@dry_run_option
@pass_app
def hold_import(
    app: App, file: Path, kind: str, reason: str, until: date | None, sheet: str | None, account_column: str | None,
    series: str, release_missing: bool, release_reason: str, dry_run: bool,
) -> int:
    """Plan, print the plan, place; exit 4 when rows were refused, 3 when all were."""
    return _import(app, file, kind=kind, reason=reason, until=until, dry_run=dry_run, sheet=sheet,
                   account_column=account_column, series=series.strip(),
                   release_reason=(release_reason or reason) if release_missing else "")


def _import(
    app: App, file: Path, *, kind: str, reason: str, until: date | None, dry_run: bool, sheet: str | None = None,
    account_column: str | None = None, series: str = "", release_reason: str = "",
) -> int:
    from recordkit.cli.importing import Columns, import_holds
    from recordkit.retention.holds import HoldOrder

    with app.acting() as workspace:
        order = HoldOrder(meant(kind, kind_names()), reason, until, series, release_reason)
        return import_holds(app, workspace, file, Columns(sheet, account_column), order, dry_run=dry_run)


def _in_box(workspace: Workspace, box: str) -> list[str]:
    from recordkit.archive.catalogue import records_in_box

    found = records_in_box(workspace.db, box)
    if not found:
        raise NotFound(msg("No record lies in box {box}.", box=box), msg("'recordkit show RECORD' tells the box."))
    return found


def _in_volume(workspace: Workspace, reference: str) -> list[str]:
    from recordkit.archive.volumes import find_volume, records_of_volume

    volume = find_volume(workspace, reference)
    found = [record.record_id for record in records_of_volume(workspace.db, volume.volume_id)]
    if not found:
        raise NotFound(msg("Volume {volume} is empty.", volume=volume.code))
    return found


def _found_by(app: App, workspace: Workspace, query: str) -> list[str]:
    from recordkit.archive.catalogue import get_record
    from recordkit.archive.search.service import SearchRequest, begin_search

    search = begin_search(workspace, SearchRequest(query, limit=None))
    records = [get_record(workspace.db, hit.record_id) for hit in search.hits]
    found = [one.record_id for one in records if one is not None and one.status == "active"]
    if search.shields:
        app.say(tr("Restricted records that you may not see are not searched and not held; let someone who may see "
                   "them place the hold (--as ID)."))
    if not found:
        raise NotFound(msg("The search {query} finds nothing; no hold was placed.", query=query))
    return found


@hold.command("extend", cls=Command, help=N_("Set another day by which a hold is to be looked at again."))
@click.argument("hold_id", metavar="HOLD")
@until_option
@option("--reason", required=True, help=N_("Why."))
@dry_run_option
@pass_app
def hold_extend(app: App, hold_id: str, until: date | None, reason: str, dry_run: bool) -> None:
    """Set or, without --until, take away the day."""
    from recordkit.retention.holds import extend_hold

    with app.acting(rehearse=dry_run) as workspace:
        extend_hold(workspace, hold_id, until, reason)
    if app.json:
        app.print_json({"hold": hold_id.strip(), "until": until})
    elif until is None:
        app.say(tr("Hold {id} stands without a day.").format(id=hold_id.strip()))
    else:
        app.say(tr("Hold {id} is to be looked at again by {until}.").format(id=hold_id.strip(), until=until))


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
@option("--all", "everything", is_flag=True, help=N_("Released ones too."))
@option("--past", is_flag=True, help=N_("Only those past the day by which they were to be looked at."))
@option("--record", metavar="RECORD", help=N_("Those that cover this record."))
@option("--account", help=N_("Those on this account."))
@option("--kind", metavar="KIND", help=N_("Only this kind."))
@pass_app
def hold_list(
    app: App, everything: bool, past: bool, record: str | None, account: str | None, kind: str | None
) -> None:
    """Print holds."""
    from recordkit.archive.access import clearance_of
    from recordkit.archive.catalogue import find_record
    from recordkit.retention.holds import covers_restricted, list_holds

    with app.reading() as workspace:
        full = clearance_of(workspace).full
        names = kind_names()
        wanted = meant(kind, names) if kind is not None else None
        found = [one for one in list_holds(
                     workspace, released=everything, account=account,
                     record_id=None if record is None else find_record(workspace.db, record).record_id)
                 if wanted in (None, one.kind) and (not past or one.is_past(app.today))]
        items: list[dict[str, object]] = []
        for one in found:
            item: dict[str, object] = {
                "hold": one.hold_id, "kind": one.kind, "records": list(one.records), "account": one.account,
                "until": one.until, "past": one.is_past(app.today), "reason": one.reason, "placed": one.placed,
                "released": one.released, "query": one.query, "list": one.from_list,
            }
            if not full and covers_restricted(workspace.db, one):
                item |= {"account": None, "reason": msg("(restricted)"), "query": None}
            if not app.json:
                told = tr("{until}, past").format(until=one.until) if one.is_past(app.today) else one.until
                item |= {"kind": names.get(one.kind, one.kind), "records": told_codes(workspace.db, one.records),
                         "until": told}
            items.append(item)
    columns = [("hold", N_("Hold")), ("kind", N_("Kind")), ("records", N_("Archival codes")),
               ("account", N_("Account")), ("until", N_("Look again by")), ("reason", N_("Reason"))]
    app.print_items(items, [*columns, ("released", N_("Released"))] if everything else columns, empty=msg(
        "No hold covers what was asked for; '--all' lists released ones, too, 'recordkit hold place' places one."))
