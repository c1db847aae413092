"""Commands of destruction orders."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recordkit.cli.base import App, Command, Group, dry_run_option, key_option, option, pass_app, passphrase_option
from recordkit.cli.i18n import N_, tr
from recordkit.cli.onpaper import check_each, hands, paper_options
from recordkit.cli.ordershow import print_order, show_list
from recordkit.cli.plans import Step, print_plan
from recordkit.cli.progress import Progress
from recordkit.cli.saving import kind_of_file
from recordkit.cli.showing import shown
from recordkit.cli.standing import standing
from recordkit.cli.words import meant
from recordkit.errors import InputRefused, RecordkitError, RefusedByRule, WrongUsage
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.retention.destruction import ItemOutcome
    from recordkit.retention.order_state import Opinion, Order
    from recordkit.retention.signing import Hand
    from recordkit.workspace import Workspace


_MOST_REFUSED = 20


@click.group(cls=Group, help=N_("Orders of destruction: propose, appraise, approve, sign (two), execute, complete."))
def destruction() -> None:
    """Group."""


@destruction.command("propose", cls=Command, help=N_("Propose records for destruction; those not due are refused."))
@click.argument("records", nargs=-1, metavar="[RECORD]...")
@option("--due", is_flag=True, help=N_("All records that are due."))
@key_option
@passphrase_option
@dry_run_option
@pass_app
def destruction_propose(
    app: App, records: tuple[str, ...], due: bool, key: Path | None, passphrase_file: str | None, dry_run: bool
) -> int:
    """Make an order, or print what it would hold; exit 4 when some were refused."""
    from recordkit.archive.access import clearance_of, seen_title
    from recordkit.retention.listing import listed_items
    from recordkit.retention.orders import next_step, plan_order, propose_order

    del passphrase_file
    if due == bool(records):
        raise WrongUsage(msg("Name records or give --due, one of the two."))
    with app.acting() as workspace:
        references = None if due else records
        signer = None if dry_run else app.signer(workspace, key)
        plan = plan_order(workspace, references)
        if signer is None or not plan.items:
            clearance = clearance_of(workspace)
            order, refusals = None, plan.refusals
            items: list[dict[str, object]] = [
                {"record_id": record.record_id, "code": record.code, "title": seen_title(record, clearance),
                 "due": decision.due}
                for record, decision in plan.items
            ]
        else:
            order, refusals = propose_order(workspace, references, signer)
            items = [dict(item) for item in listed_items(workspace, order)]
    refused = [{"record_id": one.record_id, "code": one.code, "reason": one.reason} for one in refusals]
    if app.json:
        app.print_json({"order": order.order_id if order else None, "digest": order.digest if order else None,
                        "items": items, "total": len(items), "refused": refused})
    else:
        if order is not None:
            app.print_items(items, [("code", N_("Code")), ("title", N_("Title")), ("due", N_("Due"))])
        # Of all that is due a billing list may hold thousands; names that a person typed are all answered.
        named = refusals[:_MOST_REFUSED] if due else refusals
        for one in named:
            click.echo(f"  {one.code}: {one.reason.render(tr)}", err=True)
        if len(refusals) > len(named):
            app.say(tr("  and {count} more; --json names all of them.").format(count=len(refusals) - len(named)))
        if order is not None:
            app.say(tr("Order {order} is proposed.").format(order=order.order_id))
            app.say(next_step(workspace, order))
    if not items:
        app.say(tr("None of the records can go into an order."))
    if dry_run and not app.json:
        print_plan(app, [Step(msg("Propose for destruction"), str(one["code"]), str(shown(one["title"])), None,
                              msg("due since {day}", day=one["due"])) for one in items],
                   total=msg("In all: {count} record(s) in one order; {refused} left out.", count=len(items),
                             refused=len(refused)))
    if not items:
        return 8
    # With --due, what is held or waits is left out by rule; only records that were named count as refused.
    return 4 if refused and items and not due else 0


@destruction.command("appraise", cls=Command,
                     help=N_("Enter the appraisal group's opinions: one for all, or a file of record and opinion."))
@click.argument("order_id", metavar="ORDER")
@option("--all", "everything", metavar="OPINION", help=N_("destroy, keep, or extend:DATE, for every record."))
@option("--opinion", type=click.Path(path_type=Path), metavar="FILE",
        help=N_("A table (.csv .xlsx) with the columns record and opinion, or JSON."))
@key_option
@passphrase_option
@dry_run_option
@pass_app
def destruction_appraise(
    app: App, order_id: str, everything: str | None, opinion: Path | None, key: Path | None,
    passphrase_file: str | None, dry_run: bool,
) -> None:
    """Sign the opinions."""
    from recordkit.retention.orders import appraise_order

    del passphrase_file
    if (everything is None) == (opinion is None):
        raise WrongUsage(msg("Give --all OPINION or --opinion FILE, one of the two."))
    opinions = _opinion(everything) if everything is not None else _read_opinions(opinion)
    with app.acting(rehearse=dry_run) as workspace:
        order = appraise_order(workspace, order_id, opinions, app.signer(workspace, key))
        print_order(app, workspace, order)


def _opinion(text: str) -> Opinion:
    """An opinion in code words or in those of the reader's language: 销毁, 永久保存, 延期:2040-01-01."""
    from recordkit.retention.order_state import parse_opinion

    # Also as 'destruction show' prints it: 延期至2040-01-01.
    printed = re.fullmatch(re.escape(tr("extended to {date}")).replace(r"\{date\}", r"(\S+)"), text.strip())
    if printed is not None:
        return parse_opinion(f"extend:{printed[1]}")
    word, mark, rest = text.strip().replace("：", ":").partition(":")
    known = {one: tr(one) for one in ("destroy", "keep", "extend")}
    return parse_opinion(f"{meant(word, known)}{mark}{rest}")


def _read_opinions(path: Path | None) -> dict[str, Opinion]:
    from recordkit.templates.rows import read_rows

    assert path is not None
    found = {}
    for row in read_rows(path).rows:
        values = {str(name).strip(): value for name, value in row.values.items()}
        record = values.get("record") or values.get("档号") or values.get("档案") or values.get("code")
        opinion = values.get("opinion") or values.get("鉴定意见")
        if not record or not opinion:
            named = {"record", "档号", "档案", "code"} & set(values) and {"opinion", "鉴定意见"} & set(values)
            raise InputRefused(
                msg("Row {row} of {file} needs a record and an opinion.", row=row.row, file=str(path)),
                msg("Fill in both cells; every record of the table needs an opinion.") if named else
                msg("Name the columns record and opinion, or 档号 and 鉴定意见."),
            )
        if str(record) in found:
            raise InputRefused(msg("Row {row} of {file} names {record} a second time.", row=row.row, file=str(path),
                                   record=str(record)), msg("One opinion for each record."))
        try:
            found[str(record)] = _opinion(str(opinion))
        except InputRefused as error:
            raise InputRefused(msg("Row {row} of {file}: {what}", row=row.row, file=str(path), what=error.what),
                               error.todo) from None
    return found


def _sign_order(app: App, order_id: str, name: str, act: Callable[[Workspace, str, Hand], Order], **given: Any) -> None:
    """Sign by key, or enter signatures by hand one after the other; ``given`` are the options of the command."""
    from recordkit.retention.order_state import find_order

    with app.acting(rehearse=given["dry_run"]) as workspace:
        signed = None
        seen = given["paper"] is None and not given["signers"] and name in ("order.approved", "order.signed")
        if seen:
            show_list(app, workspace, find_order(workspace.db, order_id))
        every = list(hands(app, workspace, name, given["key"], given["paper"], given["signers"], given["signed_on"]))
        if len(every) > 1:
            check_each(workspace, order_id, every, act)
        for hand in every:
            signed = act(workspace, order_id, hand)
        assert signed is not None
        print_order(app, workspace, signed, items=not seen)


def _signing(name: str, words: str) -> Callable[[Callable[..., None]], click.Command]:
    """A command that signs an order, by key or by entering the signatures on a paper."""
    def made(function: Callable[..., None]) -> click.Command:
        for part in (pass_app, dry_run_option, passphrase_option, key_option, paper_options,
                     click.argument("order_id", metavar="ORDER")):
            function = part(function)
        return destruction.command(name, cls=Command, help=words)(function)

    return made


@_signing("approve", N_("Approve what the appraisal group wants destroyed."))
def destruction_approve(app: App, /, order_id: str, **given: Any) -> None:
    """Sign as the responsible leader."""
    from recordkit.retention.orders import approve_order

    _sign_order(app, order_id, "order.approved", approve_order, **given)


@_signing("sign", N_("Sign as a destruction supervisor, after counting the list."))
def destruction_sign(app: App, /, order_id: str, **given: Any) -> None:
    """Sign as one of at least two supervisors."""
    from recordkit.retention.orders import sign_order

    _sign_order(app, order_id, "order.signed", sign_order, **given)


@destruction.command("execute", cls=Command, help=N_("Destroy, after checking every item again."))
@click.argument("order_id", metavar="ORDER")
@option("--place", default="", help=N_("Where it is done."))
@option("--method", default="", help=N_("How it is done."))
@option("--paper-method", default="", help=N_("How the paper originals are destroyed (default: as --method)."))
@option("--confirm", default="", metavar="WORD", help=N_("The word shown by 'destruction show' for large orders."))
@dry_run_option
@pass_app
def destruction_execute(
    app: App, order_id: str, place: str, method: str, paper_method: str, confirm: str, dry_run: bool
) -> int:
    """Execute; exit 4 when an item was refused or failed, 8 when a rule stopped all of them."""
    from recordkit.archive.search.service import forget_records, open_engine
    from recordkit.retention.destruction import execute_order, plan_execution
    from recordkit.retention.order_state import find_order
    from recordkit.retention.orders import next_step

    with app.acting() as workspace:
        if app.actor is None:
            raise RefusedByRule(
                msg("Destruction is carried out by one of the supervisors."), msg("Give --as ID.")
            )
        if dry_run:
            outcomes = plan_execution(workspace, order_id, app.actor)
            if not (place.strip() and method.strip()):
                app.say(msg("Without --place and --method it is refused: they belong into the register."))
            order = find_order(workspace.db, order_id)
        else:
            entries = workspace.db.cursor().seq
            with (_told_where_it_stands(workspace, order_id),
                  Progress(app, tr("Checking everything again (entries)"), entries) as progress):
                done = execute_order(
                    workspace, order_id, place=place, method=method, actor=app.actor, confirm=confirm,
                    paper_method=paper_method,
                    forget=lambda ids: forget_records(workspace, ids),
                    still_found=lambda ids: open_engine(workspace).held(ids),
                    progress=progress,
                    removing=progress.then(tr("Destroying (records)")),
                )
            outcomes, order = done.outcomes, done.order
        items = [_plain_outcome(one) for one in outcomes]
        told = [{**item, "outcome": msg(str(item["outcome"])) if item["outcome"] else ""} for item in items]
        status = order.status(workspace.settings.destruction.supervisors)
    bad = [one for one in outcomes if one.outcome in ("refused", "failed")]
    stopped = bool(outcomes) and all(one.outcome == "refused" for one in outcomes)
    if app.json:
        app.print_json({"order": order.order_id, "status": status, "items": items, "total": len(items)})
    else:
        if dry_run:
            _print_execution(app, outcomes)
        else:
            app.print_items(told, [("code", N_("Code")), ("outcome", N_("Outcome")), ("reason", N_("Reason"))])
            app.say(tr("Order {order}: {status}.").format(order=order.order_id, status=tr(status)))
            app.say(next_step(workspace, order))
    return 8 if stopped else 4 if bad else 0


def _print_execution(app: App, outcomes: Sequence[ItemOutcome]) -> None:
    going = sum(not one.outcome for one in outcomes)
    print_plan(app, [Step(msg("Destroy for ever") if not one.outcome else msg("Leave"), one.code,
                          one.reason if one.outcome and one.reason is not None else msg("nothing stops it"))
                     for one in outcomes],
               total=msg("In all: {count} record(s) destroyed, {left} left.", count=going, left=len(outcomes) - going))


@contextmanager
def _told_where_it_stands(workspace: Workspace, order_id: str) -> Iterator[None]:
    """Whoever stops an execution that has begun is told that it has to be finished."""
    from recordkit.retention.order_state import find_order

    try:
        yield
    except KeyboardInterrupt as stop:
        with suppress(RecordkitError):
            order = find_order(workspace.db, order_id)
            if order.status(workspace.settings.destruction.supervisors) == "executing":
                standing(stop).state = tr(
                    "Order {order} has begun and has to be finished: of its records some are gone and not yet entered. "
                    "Nothing else was touched.").format(order=order.order_id)
        raise


def _plain_outcome(one: ItemOutcome) -> dict[str, object]:
    return {"record_id": one.record_id, "code": one.code, "outcome": one.outcome, "reason": one.reason,
            "reason_code": one.reason_code}


@_signing("complete", N_("Sign the outcome, as one of the supervisors who signed before."))
def destruction_complete(app: App, /, order_id: str, **given: Any) -> None:
    """Sign the completion."""
    from recordkit.retention.orders import complete_order

    _sign_order(app, order_id, "order.completed", complete_order, **given)


@destruction.command("withdraw", cls=Command, help=N_("Give up an order before it is executed."))
@click.argument("order_id", metavar="ORDER")
@option("--reason", required=True, help=N_("Why."))
@dry_run_option
@pass_app
def destruction_withdraw(app: App, order_id: str, reason: str, dry_run: bool) -> None:
    """Withdraw an order."""
    from recordkit.retention.orders import withdraw_order

    with app.acting(rehearse=dry_run) as workspace:
        print_order(app, workspace, withdraw_order(workspace, order_id, reason))


@destruction.command("list", cls=Command, help=N_("List orders."))
@pass_app
def destruction_list(app: App) -> None:
    """Print every order with its status."""
    from recordkit.retention.order_state import list_orders

    with app.reading() as workspace:
        needed = workspace.settings.destruction.supervisors
        items: list[dict[str, object]] = [
            {"order": one.order_id, "status": one.status(needed), "records": len(one.items), "proposer": one.proposer,
             "proposed": one.proposed, "executed": one.executed}
            for one in list_orders(workspace.db)
        ]
    if not app.json:
        items = [{**item, "status": msg(str(item["status"]))} for item in items]
    app.print_items(items, [("order", N_("Order")), ("status", N_("Status")), ("records", N_("Records")),
                            ("proposer", N_("Proposer")), ("proposed", N_("Proposed")), ("executed", N_("Executed"))],
                    empty=msg("There was no order of destruction yet; 'recordkit retention review' tells what is due, "
                              "'recordkit destruction propose --due' makes one."))


@destruction.command("show", cls=Command, help=N_("Show an order: items, opinions, approvals, signatures, outcome."))
@click.argument("order_id", metavar="ORDER")
@pass_app
def destruction_show(app: App, order_id: str) -> None:
    """Print one order."""
    from recordkit.retention.order_state import find_order
    from recordkit.retention.stops import name_the_stopped

    with app.reading() as workspace:
        order = find_order(workspace.db, order_id)
        name_the_stopped(workspace, order)
        print_order(app, workspace, order)


@destruction.command("register", cls=Command, help=N_("Print the statutory register (销毁清册) of an order."))
@click.argument("order_id", metavar="ORDER")
@option("--format", "kind", type=click.Choice(["docx", "xlsx", "json"]),
        help=N_("How the file is written (default: as its ending says)."))
@option("--for-signing", is_flag=True,
        help=N_("With the printed code and room for the signatures that are due: to be signed by hand, scanned and "
                "filed."))
@option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help=N_("Where it goes."))
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@pass_app
def destruction_register(app: App, order_id: str, kind: str | None, for_signing: bool, out: Path, force: bool) -> None:
    """Write the register to a file."""
    from recordkit.archive.access import require_all_seen
    from recordkit.retention import register as registers
    from recordkit.retention import register_print
    from recordkit.retention.order_state import find_order

    kind = kind_of_file(out, kind, ("docx", "xlsx", "json"))
    if for_signing and kind == "json":
        raise WrongUsage(msg("What is to be signed is printed: give --format docx or xlsx."))
    with app.reading() as workspace:
        order = find_order(workspace.db, order_id)
        require_all_seen(workspace, [one.record_id for one in order.items])
        found = registers.register_of(workspace, order, for_signing=for_signing)
    if kind == "json":
        plain = {"title": found.title, "cover": dict(found.cover), "items": [dict(row) for row in found.rows],
                 "total": len(found.rows)}
        data = json.dumps(plain, ensure_ascii=False, indent=2).encode()
    else:
        data = register_print.register_docx(found) if kind == "docx" else register_print.register_xlsx(found)
    app.save(out, data, force=force)
    if app.json:
        app.print_json({"order": order_id, "path": str(out), "rows": len(found.rows), "code": found.code})
        return
    click.echo(str(out))
    if for_signing:
        app.say(msg("Print it, have it signed, scan all pages and file the scan: recordkit ingest FILE. Then: "
                    "recordkit destruction {act} {order} --on-paper RECORD --signer STAFFNO --as ID --key FILE",
                    act=found.room[0], order=order_id))


@destruction.command("report", cls=Command, help=N_("Print the appraisal report (鉴定报告) of an order."))
@click.argument("order_id", metavar="ORDER")
@option("--format", "kind", type=click.Choice(["docx", "xlsx", "json"]),
        help=N_("How the file is written (default: as its ending says)."))
@option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help=N_("Where it goes."))
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@pass_app
def destruction_report(app: App, order_id: str, kind: str | None, out: Path, force: bool) -> None:
    """Write the newest report, with the titles that are known, to a file."""
    from recordkit.archive.access import require_all_seen
    from recordkit.retention.appraisal_report import TITLE, report_docx, report_of, report_xlsx
    from recordkit.retention.order_state import find_order

    kind = kind_of_file(out, kind, ("docx", "xlsx", "json"))
    with app.reading() as workspace:
        order = find_order(workspace.db, order_id)
        found = report_of(workspace, order)
        require_all_seen(workspace, [*(one.record_id for one in order.items), *found.held_ids])
    if kind == "json":
        plain = {"title": TITLE, "facts": dict(found.facts), "items": [dict(row) for row in found.items],
                 "total": len(found.items), "held": [dict(row) for row in found.held]}
        data = json.dumps(plain, ensure_ascii=False, indent=2).encode()
    else:
        data = report_docx(found) if kind == "docx" else report_xlsx(found)
    app.save(out, data, force=force)
    if app.json:
        app.print_json({"order": found.order, "path": str(out), "rows": len(found.items), "held": len(found.held)})
    else:
        click.echo(str(out))
