"""What the schedule says about a record on a given day, with the reason. Pure: 'today' is an argument.

Rules (domain, "Retention"):

* The period starts on 1 January of the year after its trigger, or on the trigger's own day where the class says so.
  A record is due on the first day after the period: ten years formed in 2024 run 2025-01-01 to 2034-12-31, due from
  2035-01-01.
* A period in years or months whose last month lacks the day on which it began (29 February, the 31st) is due on the
  first day of the next month: a doubt never shortens a period (民法典 202 ends such a period with the last day of the
  month, too).
* A class may count from a date field of its form. Where the field is empty, or is no date: waiting, never guessed.
* The trigger of a class that waits for events is the earliest event of the types it names. An event entered for the
  record itself may be corrected: the newest of its type counts, and counts before those of the account. An event of
  an account starts a record's period only when it is later than the record: the account's closing in 2010 has not
  ended the contract that was signed under the same number in 2015.
* No event known: waiting, never guessed.
* A decision of the appraisal group to extend or to keep counts before the schedule, unless the schedule by now asks
  for longer.
* A hold wins over everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from recordkit.archive.classes import RecordClass
from recordkit.messages import Message, listed, msg
from recordkit.retention.schedule import event_name, told_period

Day = date  # fields are named ``date``, which hides the type behind them
DecisionKind = Literal["due", "not-due", "held", "permanent", "waiting"]

HOLD_KINDS: dict[str, Message] = {
    "debt": msg("unsettled debt"),  # 未结清债权债务
    "litigation": msg("litigation"),  # 诉讼
    "complaint": msg("open complaint"),  # 投诉未结
    "arrears": msg("arrears"),  # 欠费
    "inspection": msg("open inspection case"),  # 稽查案件未结
    "other": msg("another reason"),  # 其他
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What review needs to know of a record.

    Attributes:
        date: the record's own date (日期).
        own: value of the date field that its class counts from; None where the class names none, or it is no date.
    """

    record_id: str
    record_class: str
    date: date
    own: Day | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened and may start a period.

    Attributes:
        scope: ``record`` when it was entered for this very record, ``account`` when for its account.
        seq: place in the ledger; the newest correction has the greatest.
    """

    type: str
    date: date
    scope: Literal["record", "account"]
    seq: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Something that forbids destruction until a person releases it.

    Attributes:
        until: the day by which somebody should look at it again. Past it the hold still stands, and the reason says
            so: that nobody looked must not become a permission to destroy.
    """

    hold_id: str
    kind: str
    until: date | None = None

    def is_past(self, today: date) -> bool:
        """Whether the day by which somebody should have looked at it is over."""
        return self.until is not None and self.until < today


@dataclass(frozen=True, slots=True)
class Extension:
    """A decision of the appraisal group: keep until ``until``, or for ever when None."""

    order: str
    until: date | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done with a record.

    Attributes:
        due: first day on which the record may be appraised; None when permanent or waiting. Kept for held records,
            too: it is the day on which they would be due without the hold.
        start: first day of the period.
        rule: class and period that decided, e.g. ``visit-record 10y``.
    """

    record_id: str
    decision: DecisionKind
    due: date | None
    start: date | None
    rule: str
    reason: Message


def decide(
    facts: Facts,
    events: Sequence[Event],
    holds: Sequence[Hold],
    record_class: RecordClass | None,
    today: date,
    extension: Extension | None = None,
) -> Decision:
    """The decision for one record. ``record_class`` is None when the schedule no longer has the record's class."""
    bare = _without_holds(facts, events, record_class, today, extension)
    if not holds:
        return bare
    kinds = tuple(HOLD_KINDS.get(kind) or kind for kind in dict.fromkeys(hold.kind for hold in holds))
    ids = listed(one.hold_id for one in holds)
    past = [hold for hold in holds if hold.is_past(today)]
    if past:
        reason = msg("Held: {kind} ({hold}). {past} is past its day {until}: release or extend it. Otherwise: "
                     "{otherwise}", kind=kinds, hold=ids, past=listed(one.hold_id for one in past),
                     until=listed(one.until.isoformat() for one in past if one.until), otherwise=bare.reason)
    else:
        reason = msg("Held: {kind} ({hold}). Otherwise: {otherwise}", kind=kinds, hold=ids, otherwise=bare.reason)
    return Decision(bare.record_id, "held", bare.due, bare.start, bare.rule, reason)


def period_start(record_class: RecordClass, trigger: date) -> date:
    """First day of the period that ``trigger`` starts."""
    if record_class.start == "trigger" or trigger.year == date.max.year:
        return trigger
    return date(trigger.year + 1, 1, 1)


def months_after(start: date, months: int) -> date:
    """The same day ``months`` later, or the first of the next month where that day is missing; at most the last day."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    try:
        return date(year, month + 1, start.day)
    except ValueError:
        # No month but February and those of 30 days lack a day: December is never the month before.
        return date(year, month + 2, 1)


def trigger_of(facts: Facts, events: Sequence[Event], record_class: RecordClass) -> tuple[date, Message] | None:
    """The day that starts the period and what happened then; None while nothing is known."""
    if record_class.trigger == "date" and record_class.field:
        if facts.own is None:
            return None
        return facts.own, msg("{field} on {date}", field=record_class.field, date=facts.own.isoformat())
    if record_class.trigger == "date":
        return facts.date, msg("formed on {date}", date=facts.date.isoformat())
    found: list[tuple[date, str]] = []
    for event_type in record_class.events:
        own = [event for event in events if event.type == event_type and event.scope == "record"]
        if own:
            found.append((max(own, key=lambda event: event.seq).date, event_type))
            continue
        later = [event.date for event in events
                 if event.type == event_type and event.scope == "account" and event.date > facts.date]
        if later:
            found.append((min(later), event_type))
    if not found:
        return None
    day, event_type = min(found)
    return day, msg("{event} on {date}", event=event_name(event_type), date=day.isoformat())


def _without_holds(
    facts: Facts, events: Sequence[Event], record_class: RecordClass | None, today: date, extension: Extension | None
) -> Decision:
    if record_class is None:
        reason = msg("The schedule has no class {id}; nothing can become due until it has one.", id=facts.record_class)
        return Decision(facts.record_id, "waiting", None, None, "", reason)
    rule = f"{record_class.id} {record_class.period}"
    if record_class.months is None:
        reason = msg("Class {name} is kept permanently.", name=record_class.name)
        return Decision(facts.record_id, "permanent", None, None, rule, reason)
    if extension is not None and extension.until is None:
        reason = msg("The appraisal of order {order} decided to keep it permanently.", order=extension.order)
        return Decision(facts.record_id, "permanent", None, None, rule, reason)
    trigger = trigger_of(facts, events, record_class)
    if trigger is None and record_class.trigger == "date":
        reason = msg("The period starts with the date field {field}, which is empty in this record or no date.",
                     field=record_class.field)
        return Decision(facts.record_id, "waiting", None, None, rule, reason)
    if trigger is None:
        names = tuple(msg("{name} ({id})", name=event_name(event), id=event) for event in record_class.events)
        reason = msg("The period starts with an event that is not known yet: {events}.", events=names)
        return Decision(facts.record_id, "waiting", None, None, rule, reason)
    start = period_start(record_class, trigger[0])
    due = months_after(start, record_class.months)
    if extension is not None and extension.until is not None and extension.until >= due:
        due = _day_after(extension.until)
        why = msg("extended to {until} by the appraisal of order {order}", until=extension.until.isoformat(),
                  order=extension.order)
    else:
        why = msg("{what}; {period} run from {start}", what=trigger[1], period=told_period(record_class.period),
                  start=start.isoformat())
    if today >= due:
        reason = msg("{why}. Due for appraisal since {due}.", why=why, due=due.isoformat())
        return Decision(facts.record_id, "due", due, start, rule, reason)
    reason = msg("{why}. Not due before {due}.", why=why, due=due.isoformat())
    return Decision(facts.record_id, "not-due", due, start, rule, reason)


def _day_after(day: date) -> date:
    return day if day == date.max else day + timedelta(days=1)
