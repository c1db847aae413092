"""Commands that read retention: the schedule, the review, the story of one record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from recordkit.cli.base import App, Command, Group, dry_run_option, option, pass_app
from recordkit.cli.explaining import retention_explain
from recordkit.cli.i18n import N_, tr, tr_list
from recordkit.cli.progress import Progress, watched
from recordkit.cli.saving import require_free, save_naming
from recordkit.errors import InputRefused, NotFound, WrongUsage
from recordkit.messages import Message, listed, msg
from recordkit.retention.review import UNEXPLAINED, DecisionKind

if TYPE_CHECKING:
    from recordkit.archive.classes import RecordClass, Scheme
    from recordkit.retention.grouped import ReviewGroup
    from recordkit.retention.schedule_check import ScheduleFinding
    from recordkit.retention.schedule_moves import Moved, MovedGroup
    from recordkit.workspace import Workspace

SOMETHING_DUE = 10
"""Exit code of a review that was asked to tell by it whether anything is due."""


@click.group(cls=Group, help=N_("Retention schedule and review."))
def retention() -> None:
    """Group."""


retention.add_command(retention_explain)


# --- the schedule -----------------------------------------------------------------------------------------------


@retention.group("schedule", cls=Group, help=N_("The retention schedule."))
def retention_schedule() -> None:
    """Group."""


@retention_schedule.command("show", cls=Command, help=N_("Print the schedule in force."))
@pass_app
def retention_schedule_show(app: App) -> None:
    """Print classes with periods."""
    from recordkit.archive.classes import load_scheme
    from recordkit.retention.schedule import event_name, told_period

    classes = load_scheme(app.store).classes.values()
    items: list[dict[str, Any]] = [_plain_rule(one) for one in classes]
    if not app.json:
        items = [
            {**item, "period": told_period(str(item["period"])), "trigger": item["field"] or tr(str(item["trigger"])),
             "events": [event_name(str(one)) for one in item["events"] or ()]}
            for item in items
        ]
    app.print_items(items, [("class", N_("Class")), ("name", N_("Name")), ("period", N_("Period")),
                            ("trigger", N_("Trigger")), ("events", N_("Events")), ("authority", N_("Authority")),
                            ("note", N_("Note"))])


def _plain_rule(one: RecordClass) -> dict[str, Any]:
    return {"class": one.id, "name": one.name, "period": one.period, "code": one.period_code, "trigger": one.trigger,
            "events": list(one.events), "field": one.field, "start": one.start, "authority": one.authority,
            "minimum": one.minimum, "inherits": one.inherits, "access": one.access, "note": one.note}


@retention_schedule.command("check", cls=Command,
                            help=N_("Check a schedule file (default: the store's), and tell what it moves against the "
                                    "one in force."))
@click.argument("file", required=False, type=click.Path(path_type=Path))
@option("--moved", "listing", is_flag=True, help=N_("List the records that move, one by one."))
@pass_app
def retention_schedule_check(app: App, file: Path | None, listing: bool) -> int:
    """Print findings and moves; exit 3 when there are findings."""
    from recordkit.archive.classes import FILE_NAME, read_draft
    from recordkit.retention.schedule_check import Uses, check_schedule, unused_classes, uses_of
    from recordkit.settings import FILE_NAME as SETTINGS

    path = file or app.store / FILE_NAME
    if not path.is_file():
        raise NotFound(msg("There is no file {file}.", file=str(path)))
    data, uses, moves = path.read_bytes(), Uses(), _Moves()
    if (app.store / SETTINGS).is_file():
        with app.reading() as workspace:
            uses = uses_of(app.store, workspace.db)
            findings = check_schedule(data, str(path), uses)
            if file is None or not findings or not read_draft(data, str(path)).faults:
                moves = _find_moves(app, workspace, path if file is not None else None, data, listing=listing)
    else:
        uses = uses_of(None, None)
        findings = check_schedule(data, str(path), uses)
    draft = read_draft(data, str(path))
    rules = {one.id: one for one in draft.classes}
    unused = [one.id for one in unused_classes(draft, uses)]
    if app.json:
        items = [{"code": one.code, "class": one.class_id, "entry": one.number, "line": one.line,
                  "message": one.message, "todo": one.todo} for one in findings]
        app.print_items(items, [], file=str(path), rules=[_plain_rule(one) for one in rules.values()], unused=unused,
                        moved=moves.plain(listing=listing))
        return 3 if findings else 0
    for finding in findings:
        _print_finding(path, finding, rules.get(finding.class_id))
    if unused and findings:
        app.say(msg("No form and no record uses: {classes}. Papers may be filed under them with 'ingest --class'.",
                    classes=listed(unused)))
    if not findings:
        app.say(tr("The schedule is sound."))
    moves.tell(app, listing=listing)
    return 3 if findings else 0


def _print_finding(path: Path, finding: ScheduleFinding, rule: RecordClass | None) -> None:
    place = finding.place
    click.echo(f"{path}{', ' if place else ''}{place.render(tr) if place else ''}")
    click.echo(f"    {finding.message.render(tr)}")
    if rule is not None:
        for name, text in ((N_("Authority"), rule.authority), (N_("Note"), rule.note)):
            if text:
                click.echo(f"    {tr(name)}: {text}")
    todo = tr("  -> {todo}").format(todo=finding.todo.render(tr))
    click.echo(f"  {todo}")


class _Moves:
    """What another schedule moves: the groups, the records that were asked for, and between which two it is."""

    def __init__(
        self,
        groups: Sequence[MovedGroup] = (),
        records: Sequence[Moved] = (),
        ordered: Sequence[Moved] = (),
        since: Message | None = None,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self.groups, self.records, self.ordered, self.since = groups, records, ordered, since
        self.names = names or {}

    def plain(self, *, listing: bool) -> dict[str, object]:
        return {
            "total": sum(one.count for one in self.groups),
            "groups": [{"record_class": one.record_class, "before": one.before, "due_before": one.due_before,
                        "after": one.after, "due_after": one.due_after, "count": one.count} for one in self.groups],
            "ordered": [_plain_moved(one) for one in self.ordered],
            **({"items": [_plain_moved(one) for one in self.records]} if listing else {}),
        }

    def tell(self, app: App, *, listing: bool) -> None:
        if self.since is None:
            return
        app.say(self.since)
        total = sum(one.count for one in self.groups)
        if not total:
            app.say(msg("No record moves by it."))
            return
        rows: list[list[object]] = []
        for key, groups in _by_change(self.groups).items():
            name, before, after = key
            rows.append([self.names.get(name, name),
                         _told_change(before, [one.due_before for one in groups]),
                         _told_change(after, [one.due_after for one in groups]), sum(one.count for one in groups)])
        app.print_table(rows, [N_("Class"), N_("Before"), N_("After"), N_("Records")])
        shown = self.records if listing else self.ordered
        if shown:
            app.print_table(
                [[one.record.code, one.title, _told_change(one.before.decision, [one.before.due]),
                  _told_change(one.after.decision, [one.after.due]), one.order] for one in shown],
                [N_("Code"), N_("Title"), N_("Before"), N_("After"), N_("Order")])
        app.say(msg("{count} records move; '--moved' lists them.", count=total) if not listing else
                msg("{count} records move.", count=total))
        if self.ordered:
            app.say(msg("{count} of them are in open orders; where they no longer stand as signed, the order stops at "
                        "them by name.", count=len(self.ordered)))


def _by_change(groups: Sequence[MovedGroup]) -> dict[tuple[str, str, str], list[MovedGroup]]:
    found: dict[tuple[str, str, str], list[MovedGroup]] = {}
    for one in groups:
        found.setdefault((one.record_class, one.before, one.after), []).append(one)
    return found


def _told_change(decision: str, days: Sequence[date | None]) -> str:
    known = sorted(day for day in days if day is not None)
    if not known:
        return tr(decision)
    span = known[0].isoformat() if known[0] == known[-1] else f"{known[0]}..{known[-1]}"
    return f"{tr(decision)} {span}"


def _plain_moved(one: Moved) -> dict[str, object]:
    return {
        "record_id": one.record.record_id, "code": one.record.code, "title": one.title,
        "record_class": one.record.record_class, "order": one.order,
        "before": {"decision": one.before.decision, "due": one.before.due, "reason": one.before.reason},
        "after": {"decision": one.after.decision, "due": one.after.due, "reason": one.after.reason},
    }


def _find_moves(app: App, workspace: Workspace, path: Path | None, data: bytes, *, listing: bool) -> _Moves:
    """Against the schedule in force when a file is named, else against the one that the ledger named last."""
    from recordkit.archive.classes import load_scheme, parse_scheme
    from recordkit.retention.adoption import is_changed, seen_scheme
    from recordkit.retention.schedule_moves import moved_groups, moved_in_orders, moved_records

    try:
        current = load_scheme(workspace.root)
    except InputRefused:
        return _Moves()  # The findings say what is wrong with it; nothing can be compared with it.
    old: Scheme | None = current
    new = current
    if path is not None:
        new = parse_scheme(data, str(path))
        if new.digest == current.digest:
            return _Moves(since=msg("It is the schedule in force."))
        since = msg("Against the schedule in force:")
    elif not is_changed(workspace):
        return _Moves()
    else:
        seen, old = seen_scheme(workspace)
        since = told_change_of_schedule(seen.day if seen is not None else None)
    if old is None:
        return _Moves(since=since)
    groups = moved_groups(workspace, old, new, app.today)
    moved = list(moved_records(workspace, old, new, app.today)) if groups and listing else []
    names = {one.id: one.name for scheme in (new, old) for one in scheme.classes.values()}
    return _Moves(groups, moved, moved_in_orders(workspace, old, new, app.today), since, names)


def told_change_of_schedule(day: str | None) -> Message:
    """That ``retention.toml`` is not what the ledger named last."""
    if day is None:
        return msg("The ledger has not seen this schedule. 'recordkit retention schedule check' tells what it moves, "
                   "'recordkit retention schedule adopt' enters it.")
    return msg("The schedule was changed after {day}, when the ledger named it last. 'recordkit retention schedule "
               "check' tells what moves, 'recordkit retention schedule adopt' enters it.", day=day)


@retention_schedule.command("adopt", cls=Command,
                            help=N_("Enter the schedule in the ledger; with FILE that becomes the store's first."))
@click.argument("file", required=False, type=click.Path(path_type=Path))
@dry_run_option
@pass_app
def retention_schedule_adopt(app: App, file: Path | None, dry_run: bool) -> None:
    """One act: the digest of the schedule."""
    from recordkit.archive.classes import FILE_NAME
    from recordkit.archive.volume_acts import KEEPERS, require_keeper
    from recordkit.retention.adoption import adopt_schedule

    if file is not None and not file.is_file():
        raise NotFound(msg("There is no file {file}.", file=str(file)))
    with app.acting(rehearse=dry_run) as workspace:
        require_keeper(workspace, msg("To enter another schedule needs the role {roles}.",
                                      roles=listed(map(msg, KEEPERS))))
        data = None if file is None else file.read_bytes()
        moves = _find_moves(app, workspace, file, data or b"", listing=False)
        if not app.json:
            moves.tell(app, listing=False)
        digest = adopt_schedule(workspace, data, str(file or FILE_NAME))
    if app.json:
        app.print_json({"schedule": digest, "moved": moves.plain(listing=False)})
    else:
        app.say(tr("The schedule is in the ledger: {digest}").format(digest=digest))


# --- the review -------------------------------------------------------------------------------------------------


@retention.command("review", cls=Command, help=N_("What is due for appraisal, what is not, and why: counted first, "
                                                  "then what is due, one by one."))
@option("--within", type=click.IntRange(0), metavar="DAYS", help=N_("Only what is due within so many days."))
@option("--decision", "decisions", multiple=True, type=click.Choice(get_args(DecisionKind)),
        help=N_("List the records of this decision; may be repeated."))
@option("--out", type=click.Path(path_type=Path), metavar="FILE",
        help=N_("Write the list to a file: .docx or .xlsx for the appraisal group, .json for programs."))
@option("--exit-code", "by_code", is_flag=True, help=N_("End with exit code 10 when a record is due, else with 0."))
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@pass_app
def retention_review(
    app: App, within: int | None, decisions: tuple[DecisionKind, ...], out: Path | None, by_code: bool, force: bool
) -> int:
    """Decide for every record; 'today' may be any day."""
    import json

    from recordkit.archive.access import clearance_of, seen_title
    from recordkit.archive.classes import load_scheme
    from recordkit.cli.showing import plain
    from recordkit.retention.adoption import is_changed, last_seen
    from recordkit.retention.duties import unaccepted
    from recordkit.retention.grouped import group_review, near_groups, review_items
    from recordkit.retention.review_list import told_waiting, waiting_of

    kind = _kind_of(out)
    if out is not None:
        require_free(out, force=force)
    chosen: tuple[DecisionKind, ...] | None = decisions or (None if app.json or kind == "json" else ("due",))
    with app.reading() as workspace:
        with Progress(app, tr("Reviewing"), 0):
            every = group_review(workspace, app.today)
        groups = near_groups(every, app.today, within)
        counts: dict[str, int] = {}
        for one in groups:
            counts[one.decision] = counts.get(one.decision, 0) + one.count
        wanted = sum(count for name, count in counts.items() if chosen is None or name in chosen)
        items: list[dict[str, object]] = []
        clearance = clearance_of(workspace)
        if app.json or kind == "json" or decisions or (out is None and wanted <= _MOST_UNASKED):
            items = [
                {
                    "record_id": record.record_id,
                    "code": record.code,
                    "title": seen_title(record, clearance),
                    "record_class": record.record_class,
                    "decision": decision.decision,
                    "due": decision.due,
                    "rule": decision.rule,
                    "reason": decision.reason,
                    "unexplained": decision.unexplained or None,
                }
                for record, decision in watched(
                    app, tr("Reviewing"), wanted,
                    review_items(workspace, app.today, decisions=chosen, within_days=within))
            ]
        scheme = load_scheme(workspace.root)
        seen, changed = last_seen(workspace.db), is_changed(workspace)
        loose = unaccepted(workspace)
        waiting = waiting_of(every, scheme)
        if out is not None and kind != "json":
            _save_list(app, workspace, out, kind, within, decisions, force=force)
    told_groups = [{"record_class": one.record_class, "decision": one.decision, "due": one.due, "count": one.count,
                    "unexplained": one.unexplained} for one in groups]
    told_waits = [{"events": list(one.events), "count": one.count, "companions": one.companions,
                   "unexplained": one.unexplained} for one in waiting]
    state = {"digest": scheme.digest, "seen": seen.day if seen else None, "changed": changed}
    if kind == "json" and out is not None:
        data = {"as_of": app.today, "items": items, "total": len(items), "counts": counts, "groups": told_groups,
                "waiting": told_waits, "schedule": state}
        written = json.dumps(data, ensure_ascii=False, indent=2, default=plain).encode("utf-8", "replace")
        save_naming(app, out, written, [str(one["record_id"]) for one in items], force=force)
    code = SOMETHING_DUE if by_code and counts.get("due") else 0
    if app.json:
        app.print_items(items, [], as_of=app.today, counts=counts, groups=told_groups, waiting=told_waits,
                        schedule=state, unaccepted=loose)
        return code
    if groups:
        app.print_table(_by_class(groups, scheme.classes),
                        [N_("Class"), N_("Decision"), N_("Records"), N_("First due")])
    if items and out is None:
        rows = [[one["code"], one["title"], msg(UNEXPLAINED if one["unexplained"] else str(one["decision"])),
                 one["due"], one["reason"]] for one in items]
        app.print_table(rows, [N_("Code"), N_("Title"), N_("Decision"), N_("Due"), N_("Reason")])
    elif wanted > len(items) and out is None:
        app.say(msg("{count} records are due; '--decision due' lists them, '--out FILE' writes them.", count=wanted))
    states = Counter[str]()
    for group in groups:
        states[UNEXPLAINED if group.unexplained else group.decision] += group.count
    told = tr_list(f"{tr(name)} {count}" for name, count in sorted(states.items()))
    app.say(tr("As of {date}: {counts}.").format(date=app.today, counts=told or tr("no records")))
    for wait in waiting:
        app.say(told_waiting(wait))
    if any(wait.events for wait in waiting):
        app.say(tr("Of which accounts: recordkit event list --waiting"))
    if out is not None:
        app.say(msg("The list is in {file}.", file=str(out)))
    elif counts.get("due"):
        app.say(tr("The list for the appraisal group, to be printed: recordkit retention review --out {file}").format(
            file=tr("due.docx")))
    if counts.get("due"):
        app.say(tr("To have them appraised, approved and signed: recordkit destruction propose --due --as {id} --key "
                   "{file}").format(id=tr("ID"), file=tr("FILE")))
    if changed:
        app.say(told_change_of_schedule(seen.day if seen is not None else None))
    for setting in loose:
        app.say(told_unaccepted(setting))
    return code


def told_unaccepted(setting: Message) -> Message:
    """A setting that is looser than the ledger knows, in words."""
    return msg("Looser than the ledger knows; orders of destruction wait for 'recordkit config accept': {setting}",
               setting=setting)


_MOST_UNASKED = 200
"""Due records that a review lists without being asked to."""


def _kind_of(out: Path | None) -> str:
    from recordkit.retention.review_list import FORMATS

    kind = out.suffix.lower().removeprefix(".") if out is not None else ""
    if out is not None and kind not in FORMATS:
        raise WrongUsage(msg("{file} is no .docx, .xlsx or .json.", file=str(out)),
                         msg("The ending of the file says how the list is written."))
    return kind


def _save_list(
    app: App, workspace: Workspace, out: Path, kind: str, within: int | None, decisions: Sequence[DecisionKind], *,
    force: bool,
) -> None:
    from recordkit.retention.review_list import list_file, review_list, told_shortened

    if decisions:
        raise WrongUsage(msg("--decision does not go with a list for the appraisal group (.docx, .xlsx)."),
                         msg("It holds what is due, what is due within the lead time and what is held; "
                             "--out FILE.json takes any decision."))
    with Progress(app, tr("Reviewing"), 0) as progress:
        found = review_list(workspace, app.today, within or 0, progress=progress)
    for told in told_shortened(found):
        app.say(told)
    with Progress(app, tr("Writing the list"), 0):
        data = list_file(found, kind, tr)
    save_naming(app, out, data, [line.record.record_id for line in found.lines], force=force)


def _by_class(groups: Sequence[ReviewGroup], classes: Mapping[str, RecordClass]) -> list[list[object]]:
    """Rows of class, decision, number of records, and the first day of appraisal."""
    from recordkit.retention.review_list import class_rows

    return [[name, msg(decision), count, first] for name, decision, count, first in class_rows(groups, classes)]
