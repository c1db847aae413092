"""Commands of the schedule and the review: retention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from recordkit.cli.base import App, Command, Group, option, pass_app
from recordkit.cli.i18n import N_, tr
from recordkit.messages import msg
from recordkit.retention.review import DecisionKind

if TYPE_CHECKING:
    from recordkit.archive.classes import RecordClass
    from recordkit.retention.grouped import ReviewGroup


@click.group(cls=Group, help=N_("Retention schedule and review."))
def retention() -> None:
    """Group."""


@retention.group("schedule", cls=Group, help=N_("The retention schedule."))
def schedule() -> None:
    """Group."""


@schedule.command("show", cls=Command, help=N_("Print the schedule in force."))
@pass_app
def schedule_show(app: App) -> None:
    """Print classes with periods."""
    from recordkit.archive.classes import load_scheme
    from recordkit.retention.schedule import event_name

    items: list[dict[str, Any]] = [
        {"class": one.id, "name": one.name, "period": one.period, "code": one.period_code, "trigger": one.trigger,
         "events": list(one.events), "start": one.start, "authority": one.authority, "access": one.access,
         "note": one.note}
        for one in load_scheme(app.store).classes.values()
    ]
    if not app.json:
        items = [
            {**item, "period": _told_period(str(item["period"])), "trigger": tr(str(item["trigger"])),
             "events": [event_name(str(one)) for one in item["events"] or ()]}
            for item in items
        ]
    app.print_items(items, [("class", N_("Class")), ("name", N_("Name")), ("period", N_("Period")),
                            ("trigger", N_("Trigger")), ("events", N_("Events")), ("authority", N_("Authority"))])


def _told_period(period: str) -> str:
    return tr(period) if period == "permanent" else tr("{years} years").format(years=period.removesuffix("y"))


@schedule.command("check", cls=Command, help=N_("Check a schedule file (default: the store's)."))
@click.argument("file", required=False, type=click.Path(path_type=Path))
@pass_app
def schedule_check(app: App, file: Path | None) -> int:
    """Print findings; exit 3 when there are any."""
    from recordkit.archive.classes import FILE_NAME, parse_scheme
    from recordkit.errors import NotFound
    from recordkit.retention.proposals import check_rules, parse_rules
    from recordkit.retention.schedule import check_schedule

    path = file or app.store / FILE_NAME
    if not path.is_file():
        raise NotFound(msg("There is no file {file}.", file=str(path)))
    data = path.read_bytes()
    scheme = parse_scheme(data, str(path))
    findings = [*check_schedule(scheme), *check_rules(parse_rules(data, str(path)) or (), scheme)]
    items = [{"code": one.code, "message": one.message} for one in findings]
    if items or app.json:
        app.print_items(items, [("message", N_("Finding"))])
    else:
        app.say(tr("The schedule is sound."))
    return 3 if items else 0


@retention.command("review", cls=Command, help=N_("What is due for appraisal, what is not, and why: counted first, "
                                                  "then what is due, one by one."))
@option("--within", type=click.IntRange(0), metavar="DAYS", help=N_("Only what is due within so many days."))
@option("--decision", "decisions", multiple=True, type=click.Choice(get_args(DecisionKind)),
        help=N_("List the records of this decision; may be repeated."))
@option("--out", type=click.Path(path_type=Path), metavar="FILE", help=N_("Write the list as JSON to a file."))
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@pass_app
def review(
    app: App, within: int | None, decisions: tuple[DecisionKind, ...], out: Path | None, force: bool
) -> None:
    """Decide for every record; 'today' may be any day."""
    import json

    from recordkit.archive.classes import load_scheme
    from recordkit.cli.asking_for import told_waiting
    from recordkit.cli.base import plain
    from recordkit.cli.eventing import type_names
    from recordkit.retention.grouped import group_review, review_items
    from recordkit.retention.waited_for import waited_for

    chosen: tuple[DecisionKind, ...] | None = decisions or (None if app.json or out is not None else ("due",))
    with app.reading() as workspace:
        groups = group_review(workspace, app.today, within_days=within)
        counts: dict[str, int] = {}
        for one in groups:
            counts[one.decision] = counts.get(one.decision, 0) + one.count
        listed = sum(count for name, count in counts.items() if chosen is None or name in chosen)
        items: list[dict[str, object]] = []
        if app.json or out is not None or decisions or listed <= _MOST_UNASKED:
            items = [
                {
                    "record_id": record.record_id,
                    "code": record.code,
                    "title": record.title,
                    "record_class": record.record_class,
                    "decision": decision.decision,
                    "due": decision.due,
                    "rule": decision.rule,
                    "reason": decision.reason,
                }
                for record, decision in review_items(workspace, app.today, decisions=chosen, within_days=within)
            ]
        scheme = load_scheme(workspace.root)
        classes, names = scheme.classes, type_names(workspace)
    waits = [{"events": list(one.events), "count": one.count} for one in waited_for(groups, scheme)]
    told_groups = [{"record_class": one.record_class, "decision": one.decision, "due": one.due, "count": one.count}
                   for one in groups]
    if out is not None:
        data = {"as_of": app.today, "items": items, "total": len(items), "counts": counts, "groups": told_groups,
                "waiting_for": waits}
        app.save(out, json.dumps(data, ensure_ascii=False, indent=2, default=plain).encode(), force=force)
    if app.json:
        app.print_items(items, [], as_of=app.today, counts=counts, groups=told_groups, waiting_for=waits)
        return
    app.print_table(_by_class(groups, classes), [N_("Class"), N_("Decision"), N_("Records"), N_("First due")])
    if items and out is None:
        rows = [[one["code"], one["title"], tr(str(one["decision"])), one["due"], one["reason"]] for one in items]
        app.print_table(rows, [N_("Code"), N_("Title"), N_("Decision"), N_("Due"), N_("Reason")])
    elif listed > len(items):
        app.say(msg("{count} records are due; '--decision due' lists them, '--out FILE' writes them.", count=listed))
    if waits and within is None:
        for line in told_waiting(groups, scheme, names):
            app.say(line)
        app.say(tr("Of which accounts: recordkit event list --waiting"))
    told = tr(", ").join(f"{tr(name)} {count}" for name, count in sorted(counts.items()))
    app.say(tr("As of {date}: {counts}.").format(date=app.today, counts=told or tr("no records")))


_MOST_UNASKED = 200
"""Due records that a review lists without being asked to."""


def _by_class(groups: Sequence[ReviewGroup], classes: Mapping[str, RecordClass]) -> list[list[object]]:
    """Rows of class, decision (with the events waited for), number of records, and the first day of appraisal."""
    from recordkit.retention.schedule import event_name

    sums: dict[tuple[str, str], tuple[int, date | None]] = {}
    for one in groups:
        count, due = sums.get((one.record_class, one.decision), (0, None))
        first = min((day for day in (due, one.due) if day is not None), default=None)
        sums[one.record_class, one.decision] = count + one.count, first
    rows: list[list[object]] = []
    for (name, decision), (count, first) in sums.items():
        record_class, told = classes.get(name), tr(decision)
        if decision == "waiting" and record_class is not None:
            events = tr(", ").join(event_name(one).render(tr) for one in record_class.events)
            told = tr("{decision} for {events}").format(decision=told, events=events)
        rows.append([record_class.name if record_class else name, told, count, first])
    return rows


@retention.command("explain", cls=Command, help=N_("The whole story of one record's retention."))
@click.argument("record")
@pass_app
def explain(app: App, record: str) -> None:
    """Class, rule, events, holds, decision."""
    from recordkit.archive.catalogue import find_record
    from recordkit.archive.classes import load_scheme
    from recordkit.cli.eventing import events_around, told_event
    from recordkit.cli.holding import told_hold
    from recordkit.retention.circumstances import explain_record
    from recordkit.retention.standing import standing_of

    with app.reading() as workspace:
        found = find_record(workspace.db, record)
        decision = explain_record(workspace, found, app.today)
        standing = standing_of(workspace, found, app.today)
        known = events_around(workspace, found)
        record_class = load_scheme(workspace.root).classes.get(found.record_class)
    data = {
        "record_id": found.record_id,
        "code": found.code,
        "title": found.title,
        "record_class": found.record_class,
        "as_of": app.today,
        "decision": decision.decision,
        "due": decision.due,
        "start": decision.start,
        "rule": decision.rule,
        "reason": decision.reason,
        "authority": record_class.authority if record_class else None,
        "events": known,
        "holds": list(standing.holds),
    }
    if app.json:
        app.print_json(data)
        return
    app.print_pairs([
        (N_("Code"), found.code), (N_("Title"), found.title), (N_("Class"), standing.class_name),
        (N_("Rule"), f"{standing.class_name} {_told_period(record_class.period) if record_class else ''}"),
        (N_("Authority"), data["authority"]), (N_("As of"), app.today),
        (N_("Decision"), tr(decision.decision)), (N_("Reason"), decision.reason),
    ])
    app.print_pairs([(N_("Event"), told_event(one)) for one in known])
    app.print_pairs([(N_("Hold"), told_hold(one)) for one in standing.holds])
