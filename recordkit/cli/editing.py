"""Commands that change metadata and tell what was changed: edit, history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, Command, dry_run_option, option, pairs_of, pass_app
from recordkit.cli.i18n import N_, tr, tr_list
from recordkit.cli.showing import shown
from recordkit.cli.words import act_name
from recordkit.errors import InputRefused, WrongUsage
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.archive.catalogue import Record
    from recordkit.settings import Settings
    from recordkit.workspace import Workspace

@click.command(cls=Command, help=N_("Change a record's metadata, or that of many by a corrected sheet; the old version "
                                    "stays."))
@click.argument("record", required=False)
@option("--set", "sets", multiple=True, metavar="FIELD=VALUE", help=N_("One field; may be repeated."))
@option("--data", type=click.Path(path_type=Path), metavar="FILE",
        help=N_("A sheet that 'catalogue sheet' wrote, corrected."))
@option("--sheet", help=N_("Sheet of the spreadsheet."))
@option("--reason", required=True, help=N_("Why."))
@option("--yes", is_flag=True, help=N_("Write without asking."))
@dry_run_option
@pass_app
def edit(
    app: App, record: str | None, sets: tuple[str, ...], data: Path | None, sheet: str | None, reason: str, yes: bool,
    dry_run: bool,
) -> int:
    """Edit or print what would change."""
    if (record is None) == (data is None) or (record is None) == bool(sets):
        raise WrongUsage(msg("An edit needs either RECORD with --set FIELD=VALUE, or --data FILE."))
    if data is not None:
        from recordkit.cli.correcting import correct_many

        return correct_many(app, data, sheet, reason, ask=not yes, dry_run=dry_run)
    _edit_one(app, record or "", sets, reason, dry_run=dry_run)
    return 0


def _edit_one(app: App, record: str, sets: tuple[str, ...], reason: str, *, dry_run: bool) -> None:
    from recordkit.archive.access import find_visible
    from recordkit.archive.editing import edit_record, edited
    from recordkit.archive.history import masked, masked_keys
    from recordkit.archive.volume_acts import told_astray
    from recordkit.cli.plans import Step, print_plan
    from recordkit.cli.telling import field_names, short

    with app.acting() as workspace:
        before = find_visible(workspace, record)
        changes: dict[str, object] = dict(_by_key(workspace.settings, before, pairs_of(sets)))
        _require_zeros(before, changes)
        planned = edited(workspace, before, changes)
        after = before
        if not dry_run:
            after = edit_record(workspace, record, changes, reason)
            if after.version != before.version:
                _bring_index_up(app, workspace)
                if "box" in changes:
                    from recordkit.cli.correcting import say_empty

                    say_empty(app, workspace, [before.metadata.get("box")])
        held = _holds_of(workspace, before, app)
        astray = told_astray(workspace, before, planned.get("account"))
        if astray is not None and planned.get("account") != before.account:
            workspace.notices.append(astray)
        hidden = masked_keys(workspace, before)
    if not dry_run and after.version == before.version:
        app.say(tr("Nothing changes: the record says so already."))
    elif held:
        app.say(tr("The record is held ({holds}); a hold stops its destruction, not the correction of its metadata.")
                .format(holds=tr_list(held)))
    new = {**planned, **(planned["fields"] if isinstance(planned["fields"], dict) else {})}
    rows = [
        {"field": key, "label": field_names(after, [key])[0], "old": before.metadata.get(key, before.fields.get(key)),
         "new": planned.get(key, new.get(key))}
        for key in changes
    ]
    rows = [{**row, "old": masked(row["old"]), "new": masked(row["new"])} if row["field"] in hidden else row
            for row in rows]
    if app.json:
        app.print_json({"record_id": before.record_id, "version": after.version, "items": rows, "total": len(rows)})
        return
    if dry_run:
        print_plan(app, [Step(msg("Change {field}", field=row["label"]), before.code, "", short(row["old"]),
                              short(row["new"])) for row in rows if shown(row["old"]) != shown(row["new"])])
        return
    app.print_items([{**row, "old": short(row["old"]), "new": short(row["new"])} for row in rows],
                    [("label", N_("Field")), ("old", N_("Old")), ("new", N_("New"))])
    if after.version != before.version:
        app.say(tr("Version {version}.").format(version=after.version))


def _require_zeros(record: Record, changes: Mapping[str, object]) -> None:
    """Stop where a number is given without the zeros that it has: it came out of a spreadsheet that took them off."""
    from recordkit.cli.telling import field_names

    for key, value in changes.items():
        old, new = str(record.metadata.get(key, record.fields.get(key)) or ""), str(value).strip()
        if old[:1] == "0" and old.isdigit() and new and new == old.lstrip("0"):
            raise InputRefused(
                msg("{new} is the {field} that {code} has, without its leading zeros.", new=new, code=record.code,
                    field=field_names(record, [key])[0]),
                # Whoever means it has looked at the cell.
                msg("If the zeros are wrong, correct it by a sheet, in a cell of text: recordkit catalogue sheet, then "
                    "edit --data."))


def _bring_index_up(app: App, workspace: Workspace) -> None:
    from recordkit.archive.search.service import refresh_index
    from recordkit.cli.hits import index_watch

    refresh_index(workspace, index_watch(app))


def _holds_of(workspace: Workspace, record: Record, app: App) -> list[str]:
    from recordkit.retention.standing import standing_of

    return [str(one["hold"]) for one in standing_of(workspace, record, app.today).holds]


def _by_key(settings: Settings, record: Record, given: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Labels are accepted wherever keys are. What every record has cannot be called something else by its form."""
    from recordkit.archive.editing import fixed_key
    from recordkit.archive.metadata import core_key, key_of

    labels = record.metadata.get("labels")
    keys = {label: key for key, label in labels.items()} if isinstance(labels, dict) else {}
    keys |= {tr(key): key for key in ("party", "address") if tr(key) not in keys}
    for name, value in given.items():
        if fixed_key(name) is not None:
            yield name, value
        else:
            yield core_key(name) or keys.get(name) or key_of(settings, name) or name, value


@click.command(cls=Command, help=N_("Every act on a record, oldest first, with what it changed."))
@click.argument("record")
@pass_app
def history(app: App, record: str) -> None:
    """Print who did what, when and why, old and new."""
    from recordkit.archive.access import find_visible
    from recordkit.archive.history import history_of
    from recordkit.retention.around import acts_around

    with app.reading() as workspace:
        found = find_visible(workspace, record)
        own = [{**one, "of": None, "by": None} for one in history_of(workspace, found)]
        items = sorted([*own, *acts_around(workspace, found)], key=lambda one: int(str(one["seq"])))
    if not app.json:
        items = [{**item, "act": act_name(str(item["act"])), "actor": item["by"] or item["actor"],
                  "keys": "\n".join([*_told(found, item), *([str(item["of"])] if item["of"] else [])])}
                 for item in items]
        if found.status == "destroyed":
            app.say(tr("The record is destroyed; old values went with it."))
    app.print_items(items, [("seq", N_("No.")), ("time", N_("Time")), ("actor", N_("Who")), ("act", N_("Act")),
                            ("version", N_("Version")), ("keys", N_("Changes")), ("reason", N_("Reason"))])


def _told(record: Record, item: Mapping[str, object]) -> list[str]:
    """What an act changed, a line for each field; only the names where no values are left."""
    from recordkit.cli.telling import field_names, short

    changes = item["changes"]
    lines: list[str] = []
    told: set[object] = set()
    for one in changes if isinstance(changes, list) else []:
        (name,) = field_names(record, [one["field"]])
        told.add(one["field"])
        lines.append(tr("{field}: {old} → {new}").format(
            field=name, old=short(one["old"]) or tr("(empty)"), new=short(one["new"]) or tr("(empty)")))
    rest = [*_listed(item["keys"]), *_listed(item["files"])]
    return lines + field_names(record, [one for one in rest if one not in told])


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []
