"""Commands about issued documents: list, show, print again, make void."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit import files
from recordkit.cli.base import (
    App,
    Command,
    Group,
    dry_run_option,
    option,
    pass_app,
)
from recordkit.cli.dates import DATE
from recordkit.cli.i18n import N_, tr
from recordkit.errors import WrongUsage
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.templates.issue import Issue


@click.group(cls=Group, help=N_("Issued documents."))
def issued() -> None:
    """Group."""


@issued.command("list", cls=Command, help=N_("List issued documents."))
@option("--form", help=N_("Only this form."))
@option("--unreturned", is_flag=True, help=N_("Only those whose signed paper is not filed yet."))
@option("--from", "since", type=DATE, metavar="DATE", help=N_("Issued on or after."))
@option("--to", "until", type=DATE, metavar="DATE", help=N_("Issued on or before."))
@pass_app
def issued_list(app: App, form: str | None, unreturned: bool, since: date | None, until: date | None) -> None:
    """Print the register of numbers."""
    from recordkit.templates.forms import load_form
    from recordkit.templates.issue import list_issues

    with app.reading() as workspace:
        found = list_issues(
            workspace.db,
            form=load_form(workspace.root, form).spec.id if form else None,
            unreturned=unreturned,
            since=since,
            until=until,
        )
    items = [_plain_issue(one) for one in found]
    if not app.json:
        items = [{**item, "status": tr(str(item["status"]))} for item in items]
    app.print_items(items, [("number", N_("Number")), ("title", N_("Title")), ("date", N_("Date")),
                            ("status", N_("Status")), ("issue_id", N_("Issue"))])


def _plain_issue(one: Issue) -> dict[str, object]:
    return {
        "number": one.number,
        "issue_id": one.issue_id,
        "form": one.form,
        "title": one.title,
        "date": one.issue_date,
        "status": one.status,
        "account": one.account,
        "record_id": one.record_id,
        "revision": one.revision,
    }


@issued.command("show", cls=Command, help=N_("Show one issued document with its data."))
@click.argument("number")
@pass_app
def issued_show(app: App, number: str) -> None:
    """Print the issue and its fields."""
    from recordkit.templates.issue import find_issue, form_of_issue, read_issue_data

    with app.reading() as workspace:
        found = find_issue(workspace.db, number)
        item = _plain_issue(found)
        values: dict[str, object] = {}
        labels: dict[str, str] = {}
        if found.status != "destroyed":
            raw = read_issue_data(workspace, found)["values"]
            values = raw if isinstance(raw, dict) else {}
            labels = {one.key: one.label for one in form_of_issue(workspace, found).fields}
    if app.json:
        app.print_json({**item, "fields": values})
        return
    names = {"number": N_("Number"), "issue_id": N_("Issue"), "form": N_("Form"), "title": N_("Title"),
             "date": N_("Date"), "status": N_("Status"), "record_id": N_("Record id")}
    told = {**item, "status": tr(found.status)}
    app.print_pairs([(name, told[key]) for key, name in names.items() if told[key] not in (None, "")])
    app.print_pairs([(labels.get(key, key), value) for key, value in values.items()])


@issued.command("render", cls=Command, help=N_("Write an issued document again, byte for byte; or all whose file is "
                                               "missing from the outbox."))
@click.argument("number", required=False)
@option("--missing", is_flag=True, help=N_("All documents whose file is missing from the outbox."))
@option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help=N_("Where it goes."))
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@dry_run_option
@pass_app
def issued_render(
    app: App, number: str | None, missing: bool, out: Path | None, force: bool, dry_run: bool
) -> None:
    """Render from the issue's data."""
    from recordkit.templates.issue import find_issue, list_missing
    from recordkit.templates.issuing import render_issue

    if missing == (number is not None):
        raise WrongUsage(msg("Name a document or give --missing, one of the two."))
    with app.reading() as workspace:
        wanted = list_missing(workspace) if number is None else [find_issue(workspace.db, number)]
        folder = out or workspace.root / "outbox"
        items = []
        for one in wanted:
            path = None if dry_run else render_issue(workspace, one, folder, force=force)
            items.append({"number": one.number, "path": str(path) if path else None,
                          "sha256": files.digests_of(path).sha256 if path else None})
    if app.json and number is not None:
        app.print_json(items[0])
    elif app.json:
        app.print_json({"items": items, "total": len(items)})
    else:
        for item in items:
            click.echo(item["path"] or item["number"])
        told = tr("Would write {count} document(s).") if dry_run else tr("{count} document(s) written.")
        app.say(told.format(count=len(items)))


@issued.command("void", cls=Command, help=N_("Make an issued document void; its number stays used."))
@click.argument("number")
@option("--reason", required=True, help=N_("Why."))
@dry_run_option
@pass_app
def issued_void(app: App, number: str, reason: str, dry_run: bool) -> None:
    """Make void."""
    from recordkit.templates.issue import void_issue

    with app.acting(rehearse=dry_run) as workspace:
        found = void_issue(workspace, number, reason)
    if app.json:
        app.print_json(_plain_issue(found))
    else:
        app.say(tr("{number} is void.").format(number=found.number))
