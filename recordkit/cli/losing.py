"""Commands of losses: lost register, confirm, withdraw, list, show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import (
    App,
    Command,
    Group,
    dry_run_option,
    key_option,
    option,
    pass_app,
    passphrase_option,
)
from recordkit.cli.i18n import N_, tr
from recordkit.cli.plans import Step, print_plan
from recordkit.cli.progress import Progress
from recordkit.messages import listed, msg

if TYPE_CHECKING:
    from recordkit.archive.losses import Loss

_STATES = (N_("registered"), N_("confirmed"), N_("withdrawn"), N_("found"), N_("missing"), N_("changed"))
_SHOWN = 20


@click.group(cls=Group, help=N_("Records that are lost for good: registered, and confirmed by a second person."))
def lost() -> None:
    """Group."""


@lost.command("register", cls=Command, help=N_(
    "Register, signed by an administrator, records that are missing or damaged and that no copy has; without RECORD "
    "all of them. What is whole cannot be written off. It counts when another person has confirmed it."))
@click.argument("records", nargs=-1, metavar="[RECORD]...")
@option("--copy", "copies", type=click.Path(path_type=Path, file_okay=False), multiple=True, metavar="DIR",
        help=N_("A copy of the store in which the records are looked for; name each one there is. May be repeated."))
@option("--no-copy", is_flag=True, help=N_("There is no copy of the store at all."))
@option("--reason", required=True, metavar="TEXT",
        help=N_("What happened, when it was noticed, to whom it was reported."))
@key_option
@passphrase_option
@dry_run_option
@pass_app
def lost_register(
    app: App, records: tuple[str, ...], copies: tuple[Path, ...], no_copy: bool, reason: str, key: Path | None,
    passphrase_file: str | None, dry_run: bool,
) -> None:
    """Sign and enter."""
    from recordkit.copies.writing_off import plan_loss, register_loss

    del passphrase_file  # read by App.passphrase
    with app.acting() as workspace, Progress(app, tr("Reading the archive again"), 0) as progress:
        if dry_run:
            plan = plan_loss(workspace, records, copies, no_copy=no_copy, progress=progress.of)
            codes = [one.code for one in plan.records]
            items, notes = plan.manifest["items"], len(plan.notes)
        else:
            found = register_loss(workspace, records, copies, app.signer(workspace, key), reason, no_copy=no_copy,
                                  progress=progress.of)
    if dry_run:
        if app.json:
            app.print_json({"dry_run": True, "copies": len(copies), "notes": notes, "items": items,
                            "total": len(codes)})
            return
        if notes:
            app.say(msg("And {count} note(s) (reasons, remarks, data of documents) that are missing or changed.",
                        count=notes))
        print_plan(app, [Step(msg("Register as lost"), one) for one in codes])
        return
    _print(app, found)
    if not app.json:
        app.say(msg("Another person confirms it: recordkit lost confirm {loss} --as ID --key FILE",
                    loss=found.loss_id))


@lost.command("confirm", cls=Command, help=N_(
    "Confirm a registered loss as a second person; the same must be found missing. From then on it is no fault."))
@click.argument("loss", metavar="LOSS")
@key_option
@passphrase_option
@dry_run_option
@pass_app
def lost_confirm(app: App, loss: str, key: Path | None, passphrase_file: str | None, dry_run: bool) -> None:
    """Sign."""
    from recordkit.copies.writing_off import confirm_loss

    del passphrase_file
    with app.acting(rehearse=dry_run) as workspace:
        found = confirm_loss(workspace, loss, app.signer(workspace, key))
    _print(app, found)
    if not app.json:
        app.say(msg("They stay in the catalogue with their codes. When a copy turns up: recordkit mend COPY"))


@lost.command("withdraw", cls=Command, help=N_("End a registration that nobody has confirmed yet."))
@click.argument("loss", metavar="LOSS")
@option("--reason", required=True, help=N_("Why."))
@key_option
@passphrase_option
@dry_run_option
@pass_app
def lost_withdraw(
    app: App, loss: str, reason: str, key: Path | None, passphrase_file: str | None, dry_run: bool
) -> None:
    """Sign the withdrawal."""
    from recordkit.copies.writing_off import withdraw_loss

    del passphrase_file
    with app.acting(rehearse=dry_run) as workspace:
        found = withdraw_loss(workspace, loss, app.signer(workspace, key), reason)
    _print(app, found)


@lost.command("list", cls=Command, help=N_("List every record that was ever registered as lost."))
@pass_app
def lost_list(app: App) -> None:
    """Print them, one row a record."""
    from recordkit.archive.losses import list_losses

    with app.reading() as workspace:
        items = [{**_plain_loss(loss), **item} for loss in list_losses(workspace)
                 for item in (*_plain_items(loss), *_plain_notes(loss))]
    if not app.json:
        items = [{**one, "status": tr(str(one["status"])),
                  "files": _files_told(one["files"]) or tr("{count} note(s)").format(count=one["notes"])}
                 for one in items]
    app.print_items(items, [("loss", N_("Loss")), ("code", N_("Code")), ("status", N_("Status")),
                            ("files", N_("Missing or changed")), ("registered", N_("Registered on")),
                            ("confirmed", N_("Confirmed on")), ("back", N_("Brought back on"))], empty=msg(
        "No record was ever registered as lost; 'recordkit verify' tells what is missing or changed, 'recordkit mend "
        "COPY' brings it back from a copy."))


@lost.command("show", cls=Command, help=N_("Show one registered loss."))
@click.argument("loss", metavar="LOSS")
@pass_app
def lost_show(app: App, loss: str) -> None:
    """Print it."""
    from recordkit.archive.losses import find_loss

    with app.reading() as workspace:
        found = find_loss(workspace, loss)
    _print(app, found)


def _print(app: App, found: Loss) -> None:
    items = _plain_items(found)
    if app.json:
        app.print_json({**_plain_loss(found), "items": items, "total": len(items)})
        return
    app.print_pairs([(name, value) for name, value in (
        (N_("Loss"), found.loss_id), (N_("Status"), tr(found.status)),
        (N_("Registered on"), f"{found.registered} {found.registered_by}"),
        (N_("Confirmed on"), f"{found.confirmed} {found.confirmed_by}" if found.confirmed else None),
        (N_("Withdrawn on"), f"{found.withdrawn} {found.withdrawn_by}" if found.withdrawn else None),
        (N_("Reason of the withdrawal"), found.reason),
        (N_("Notes lost"), len(found.notes) or None),
        (N_("Copies looked in"), found.copies), (N_("Digest"), found.digest)) if value is not None])
    for reason in dict.fromkeys(str(item["reason"]) for item in items if item["reason"]):
        app.print_pairs([(N_("Reason"), reason)])
    for item in items[:_SHOWN]:
        back = tr("found on {day}").format(day=item["back"]) if item["back"] else ""
        click.echo(f"  {item['code']}  {_files_told(item['files'])}  {back}".rstrip())
    if len(items) > _SHOWN:
        app.say(msg("  and {count} more; --json lists all", count=len(items) - _SHOWN))


def _files_told(files: object) -> str:
    """Which files are missing or changed; the whole object in a word."""
    whole = tr("the whole record")
    told = [f"{one['file'] or whole} {tr(str(one['found']))}" for one in (files if isinstance(files, list) else ())]
    return listed(told, 3).render(tr)


def _plain_loss(found: Loss) -> dict[str, object]:
    return {
        "loss": found.loss_id, "status": found.status, "digest": found.digest, "copies": found.copies,
        "registered": found.registered, "registered_by": found.registered_by, "confirmed": found.confirmed,
        "confirmed_by": found.confirmed_by, "withdrawn": found.withdrawn, "withdrawn_by": found.withdrawn_by,
        "withdrawal_reason": found.reason, "notes": len(found.notes),
    }


def _plain_notes(found: Loss) -> list[dict[str, object]]:
    """One row for all notes of a loss."""
    return [{"record_id": "", "code": "", "files": [], "back": None}] if found.notes else []


def _plain_items(found: Loss) -> list[dict[str, object]]:
    return [{"record_id": one.record_id, "code": one.code, "version": one.version,
             "files": [dict(file) for file in one.files], "holds": list(one.holds), "order": one.order,
             "back": one.back, "reason": one.said} for one in found.items]
