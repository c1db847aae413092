"""``retention explain``: the whole story of one record, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, Command, pass_app
from recordkit.cli.i18n import N_, tr
from recordkit.messages import Message, listed, msg

if TYPE_CHECKING:
    from recordkit.archive.classes import RecordClass
    from recordkit.archive.exported import GivenCopy
    from recordkit.retention.story import Story, ToldEvent, ToldHold, ToldOrder


@click.command("explain", cls=Command, help=N_("The whole story of one record's retention."))
@click.argument("record")
@pass_app
def retention_explain(app: App, record: str) -> None:
    """Class, rule, events, holds, orders, decision, and what comes next."""
    from recordkit.archive.access import find_visible
    from recordkit.archive.catalogue import find_record
    from recordkit.retention.story import story_of

    with app.reading() as workspace:
        found = find_record(workspace.db, record)
        if found.status == "active":
            found = find_visible(workspace, record)
        story = story_of(workspace, found, app.today)
    if app.json:
        app.print_json(_plain(story, app.today))
    else:
        _tell(app, story)


def _plain(story: Story, today: date) -> dict[str, object]:
    from recordkit.retention.schedule import event_name

    record, rule, decision = story.record, story.rule, story.decision
    return {
        "record_id": record.record_id, "code": record.code, "title": record.title,
        "record_class": record.record_class, "class_name": rule.name if rule else None, "as_of": today,
        "status": record.status, "decision": decision.decision if decision else "destroyed",
        "due": decision.due if decision else None, "start": decision.start if decision else None,
        "rule": decision.rule if decision else "", "reason": decision.reason if decision else story.next,
        "period": rule.period if rule else None, "trigger": rule.trigger if rule else None,
        "trigger_events": list(rule.events) if rule else [], "field": rule.field if rule else None,
        "authority": rule.authority if rule else None, "note": rule.note if rule else None,
        "schedule_changed": story.schedule_changed,
        "events": [{"event": one.event_id, "type": one.type, "name": event_name(one.type), "date": one.date,
                    "scope": one.scope, "state": one.state, "by": one.by, "note": one.note, "reason": one.reason}
                   for one in story.events],
        "holds": [{"hold": one.hold_id, "kind": one.kind, "scope": one.scope, "reason": one.reason,
                   "placed": one.placed, "until": one.until, "released": one.released, "state": one.state}
                  for one in story.holds],
        "orders": [{"order": one.order_id, "status": one.status, "proposed": one.proposed, "due": one.due,
                    "rule": one.rule, "opinion": str(one.opinion) if one.opinion else None, "outcome": one.outcome,
                    "stopped": one.stopped, "counts": one.counts} for one in story.orders],
        "copies": [{"export": one.export_id, "day": one.day, "actor": one.actor, "to": one.receiver, "note": one.said}
                   for one in story.copies],
        "next": story.next, "next_day": story.next_day,
    }


def _tell(app: App, story: Story) -> None:
    record, rule, decision = story.record, story.rule, story.decision
    app.print_pairs([(N_("Code"), record.code), (N_("Title"), record.title)])
    if rule is None:
        app.print_pairs([(N_("Class"), record.record_class)])
    else:
        told = [(N_("Class"), f"{rule.name} ({rule.id})"), (N_("Rule"), _told_rule(rule)),
                (N_("Authority"), rule.authority), (N_("Note"), rule.note)]
        app.print_pairs([pair for pair in told if pair[1]])
    app.print_pairs([(N_("As of"), app.today),
                     (N_("Decision"), tr(decision.decision if decision else record.status))])
    if decision is not None:
        app.print_pairs([(N_("Reason"), decision.reason)])
    for heading, told_ones in ((N_("Events"), [[_told_event(one)] for one in story.events]),
                               (N_("Holds"), [[_told_hold(one)] for one in story.holds]),
                               (N_("Orders"), [list(_told_order(one)) for one in story.orders]),
                               (N_("Copies outside the store"), [[_told_copy(one)] for one in story.copies])):
        if told_ones:
            app.print_pairs([(heading, "")])
        for first, *more in told_ones:
            click.echo("  " + first.render(tr))
            for line in more:
                click.echo("    " + line.render(tr))
    app.print_pairs([(N_("What comes next"), story.next)])
    if story.schedule_changed:
        app.say(msg("The retention schedule was edited and is not in the ledger yet: 'recordkit retention schedule "
                    "check' tells what it moves."))


def _told_rule(rule: RecordClass) -> Message:
    from recordkit.retention.schedule import event_name, told_period

    period = told_period(rule.period)
    if rule.months is None:
        return period
    if rule.trigger == "event":
        trigger: Message = msg("{events}", events=tuple(event_name(one) for one in rule.events))
    else:
        trigger = msg("date field {field}", field=rule.field) if rule.field else msg("the record's date")
    if rule.start == "trigger":
        return msg("{period} from the very day of: {trigger}", period=period, trigger=trigger)
    return msg("{period} from the 1 January after: {trigger}", period=period, trigger=trigger)


def _told_event(one: ToldEvent) -> Message:
    from recordkit.retention.schedule import event_name

    states = {
        "counts": msg("starts the period"),
        "replaced": msg("replaced by {event}", event=one.by or ""),
        "withdrawn": msg("withdrawn"),
        "later": msg("later than the one that counts"),
        "too-early": msg("of the account, not after the record's date: starts nothing"),
        "own-first": msg("of the account; {event} of this very record goes before it", event=one.by or ""),
        "starts-nothing": msg("starts nothing under this rule"),
    }
    told = msg("{date}  {name} ({event}): {state}", date=one.date.isoformat(), name=event_name(one.type),
               event=one.event_id, state=states[one.state])
    said = listed(filter(None, (one.note, one.reason)))
    return msg("{told}. {said}", told=told, said=said) if one.note or one.reason else told


def _told_hold(one: ToldHold) -> Message:
    from recordkit.retention.review import HOLD_KINDS

    if one.state == "released":
        state = msg("released on {day}", day=one.released or "")
    elif one.until is not None:
        day = one.until.isoformat()
        state = msg("past its day {day}: release or extend it", day=day) if one.state == "past" else msg(
            "in force, to be looked at again by {day}", day=day)
    else:
        state = msg("in force until released")
    of = msg("on the account") if one.scope == "account" else msg("on the record")
    return msg("{day}  {kind} ({hold}) {scope}: {state}. {reason}", day=one.placed,
               kind=HOLD_KINDS.get(one.kind) or one.kind, hold=one.hold_id, scope=of, state=state,
               reason=one.reason or "")


def _told_copy(one: GivenCopy) -> Message:
    to = listed(filter(None, (one.receiver, one.said)))
    told = msg("{day}  {export}, by {actor}", day=one.day, export=one.export_id, actor=one.actor)
    return msg("{told}, to {to}", told=told, to=to) if one.receiver or one.said else told


def _told_order(one: ToldOrder) -> Iterator[Message]:
    opinion: Message = msg("no opinion yet")
    if one.opinion is not None:
        opinion = (msg("extend to {day}", day=one.opinion.until.isoformat()) if one.opinion.until
                   else msg(one.opinion.kind))
    yield msg("{day}  order {order}, {status}: {opinion}", day=one.proposed, order=one.order_id,
              status=msg(one.status), opinion=opinion)
    if one.outcome is not None:
        yield msg("outcome: {outcome}", outcome=msg(one.outcome))
    if one.stopped is not None:
        yield msg("stopped: {reason}", reason=one.stopped)
    if one.counts:
        yield msg("this decision counts before the schedule")
