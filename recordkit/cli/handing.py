"""Command handover: the archivist changes, both sign, the protocol is filed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recordkit.cli.base import (
    App,
    Command,
    Group,
    common_options,
    dry_run_option,
    key_option,
    option,
    pass_app,
    passphrase_option,
    take_common,
)
from recordkit.cli.i18n import N_, tr
from recordkit.cli.plans import Step, print_plan
from recordkit.cli.progress import Progress
from recordkit.cli.saving import require_free, require_place
from recordkit.errors import WrongUsage
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.retention.handover_state import Handover
    from recordkit.workspace import Workspace

out_option = option("--out", type=click.Path(path_type=Path), metavar="FILE",
                    help=N_("Print it to this file (.docx or .xlsx)."))
force_option = option("--force", is_flag=True, help=N_("Overwrite files that exist."))


class _Proposing(Group):
    """A group that proposes a handover when no command stands behind it."""

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        """Add the common options behind the group's own."""
        super().__init__(*arguments, **attributes)
        self.params += common_options()

    def invoke(self, ctx: click.Context) -> Any:
        """Move the common options into the App."""
        take_common(ctx)
        return super().invoke(ctx)


@click.group(cls=_Proposing, invoke_without_command=True,
             help=N_("Hand the archive over: list what there is and sign it; the receiver signs with 'accept'."))
@option("--to", "receiver", metavar="ID", help=N_("Archivist or administrator who receives the archive."))
@option("--note", default="", metavar="TEXT", help=N_("What else the receiver must know."))
@out_option
@force_option
@key_option
@passphrase_option
@dry_run_option
@click.pass_context
def handover(
    ctx: click.Context, receiver: str | None, note: str, out: Path | None, force: bool, key: Path | None,
    passphrase_file: str | None, dry_run: bool,
) -> None:
    """Propose a handover, or print what would be handed over."""
    from recordkit.people import find_person
    from recordkit.retention.handover import plan_handover, propose_handover

    del passphrase_file
    if ctx.invoked_subcommand is not None:
        return
    app: App = ctx.obj
    if receiver is None:
        raise WrongUsage(msg("Say who receives the archive: --to ID."),
                         msg("'recordkit people list' shows who is archivist or administrator."))
    _require_writable(out, force)
    with app.acting() as workspace:
        if dry_run:
            found = plan_handover(workspace, receiver)
        else:
            signer = app.signer(workspace, key)
            with Progress(app, tr("Counting"), 0):
                found = propose_handover(workspace, receiver, signer, note)
        _print(app, workspace, found)
        if not dry_run:
            _save(app, workspace, found, out, force)
        name = find_person(workspace.db, found.receiver).name
    if dry_run and not app.json:
        print_plan(app, [Step(msg("Propose the handover of all that is listed above"), found.receiver, name),
                         *_written(out)])
    elif not app.json:
        app.say(tr("{name} signs it with: recordkit handover accept {handover} --as {receiver} --key FILE").format(
            name=name, receiver=found.receiver, handover=found.handover_id))


@handover.command("accept", cls=Command, help=N_("Sign as the receiver; the protocol is filed for ever."))
@click.argument("handover_id", metavar="HANDOVER")
@out_option
@force_option
@key_option
@passphrase_option
@dry_run_option
@pass_app
def handover_accept(
    app: App, handover_id: str, out: Path | None, force: bool, key: Path | None, passphrase_file: str | None,
    dry_run: bool,
) -> None:
    """Sign and file."""
    from recordkit.archive.search.service import refresh_index
    from recordkit.cli.hits import index_watch
    from recordkit.retention.handover import accept_handover

    del passphrase_file
    _require_writable(out, force)
    with app.acting(rehearse=dry_run, also=_written(out)) as workspace:
        signer = app.signer(workspace, key)
        with Progress(app, tr("Counting"), 0):
            found = accept_handover(workspace, handover_id, signer)
        refresh_index(workspace, index_watch(app))
        _print(app, workspace, found)
        _save(app, workspace, found, out, force)


@handover.command("withdraw", cls=Command, help=N_("End a handover that was not accepted."))
@click.argument("handover_id", metavar="HANDOVER")
@option("--reason", required=True, help=N_("Why."))
@key_option
@passphrase_option
@dry_run_option
@pass_app
def handover_withdraw(
    app: App, handover_id: str, reason: str, key: Path | None, passphrase_file: str | None, dry_run: bool
) -> None:
    """Sign the withdrawal."""
    from recordkit.retention.handover import withdraw_handover

    del passphrase_file
    with app.acting(rehearse=dry_run) as workspace:
        _print(app, workspace, withdraw_handover(workspace, handover_id, app.signer(workspace, key), reason))


@handover.command("list", cls=Command, help=N_("List all handovers."))
@pass_app
def handover_list(app: App) -> None:
    """Print them."""
    from recordkit.retention.handover_state import list_handovers

    with app.reading() as workspace:
        items = [_plain(one, brief=True) for one in list_handovers(workspace)]
    if not app.json:
        items = [{**one, "status": msg(str(one["status"]))} for one in items]
    app.print_items(items, [("handover", N_("Handover")), ("status", N_("Status")), ("from", N_("From")),
                            ("to", N_("To")), ("records", N_("Records")), ("proposed", N_("Proposed on")),
                            ("accepted", N_("Accepted on"))],
                    empty=msg("The archive was never handed over; 'recordkit handover --to ID' proposes it."))


@handover.command("show", cls=Command, help=N_("Show one handover, or print it again."))
@click.argument("handover_id", metavar="HANDOVER")
@out_option
@force_option
@pass_app
def handover_show(app: App, handover_id: str, out: Path | None, force: bool) -> None:
    """Print it."""
    from recordkit.retention.handover_state import find_handover

    _require_writable(out, force)
    with app.reading() as workspace:
        found = find_handover(workspace, handover_id)
        _print(app, workspace, found)
        _save(app, workspace, found, out, force)


def _require_writable(out: Path | None, force: bool) -> None:
    """Asked before anything is signed."""
    if out is not None:
        require_place(out)
        require_free(out, force=force)
    if out is not None and out.suffix.lower() not in (".docx", ".xlsx"):
        raise WrongUsage(msg("{file} is neither .docx nor .xlsx.", file=str(out)))


def _written(out: Path | None) -> list[Step]:
    """The step of a plan that writes the paper; a dry run writes no file either."""
    return [] if out is None else [Step(msg("Write the paper of the handover"), str(out))]


def _save(app: App, workspace: Workspace, found: Handover, out: Path | None, force: bool) -> None:
    from recordkit.retention.handover_print import handover_docx, handover_xlsx
    from recordkit.retention.handover_seen import seen_handover

    if out is not None:
        make = handover_docx if out.suffix.lower() == ".docx" else handover_xlsx
        app.save(out, make(workspace, seen_handover(workspace, found)), force=force)
        app.say(tr("Written: {file}").format(file=out))


def _plain(found: Handover, *, brief: bool = False) -> dict[str, object]:
    from recordkit.retention.handover import plain_handover

    plain = {**plain_handover(found), "note": found.note, "reason": found.reason}
    if brief:
        holdings = found.manifest["holdings"]
        plain |= {"records": holdings["count"] if isinstance(holdings, dict) else None}
        del plain["manifest"], plain["signatures"]
    return plain


def _print(app: App, workspace: Workspace, found: Handover) -> None:
    from recordkit.retention.handover_print import count_rows, digests_of_handover, facts_of, open_rows
    from recordkit.retention.handover_seen import seen_handover

    found = seen_handover(workspace, found)
    if app.json:
        app.print_json(_plain(found))
        return
    app.print_pairs([*facts_of(workspace, found), (N_("Status"), tr(found.status))])
    if found.reason:
        app.print_pairs([(N_("Reason"), found.reason)])
    for kind, name, count in count_rows(workspace, found):
        click.echo(f"  {kind}  {name}  {count}")
    for name, count, told in open_rows(found):
        click.echo(f"  {name}  {count}  {told}".rstrip())
    app.print_pairs(digests_of_handover(found))
    if found.record:
        app.print_pairs([(N_("Filed as"), found.record)])
