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
* The records of a volume (案卷) are kept alike: the longest of their periods counts from the latest of their starts,
  each by its own trigger. While one of them waits, all wait; where one is permanent, all are. Holds and decisions of
  the appraisal group stay with the single record.
* An inherited record has an old term (保管期限), too. What it means the settings say (``[archive] old_terms``); the
  longer of that and the period of its class counts. A term that nobody has explained makes the record wait.
* A decision of the appraisal group to extend or to keep counts before the schedule, unless the schedule by now asks
  for longer.
* A hold wins over everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from recordkit.archive.classes import PERMANENT, RecordClass, Start, months_of
from recordkit.messages import Message, listed, msg
from recordkit.retention.schedule import event_name, told_period

Day = date  # fields are named ``date``, which hides the type behind them
DecisionKind = Literal["due", "not-due", "held", "permanent", "waiting"]
UNEXPLAINED = "unexplained"
"""What people read instead of ``waiting`` where no event is waited for, but a word on what an old term means."""
Outcome = Literal["permanent", "waiting", "runs"]
"""Of a period by itself, before a day is looked at."""
GOVERNING: tuple[Outcome, ...] = ("permanent", "waiting")
"""Outcomes that govern a whole volume as soon as one record has them, the stronger first."""

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
        term: 保管期限 of an inherited record, as its old catalogue had it; "" for others.
        meaning: period that the term stands for, as a schedule writes it; "" where nobody has said so.
    """

    record_id: str
    record_class: str
    date: date
    own: Day | None = None
    term: str = ""
    meaning: str = ""

    @property
    def is_unexplained(self) -> bool:
        """Whether it has an old term of which nobody has said what it means."""
        return bool(self.term) and not self.meaning


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
        rule: class and period that decided, e.g. ``visit-record 10y``; with the code of the volume where that governs.
        companion: another record of the same volume that this one waits with; None where it waits by itself.
        months: length of the period that counts, where one runs.
        volume: archival code of the volume that governs; None where it lies in none.
        unexplained: its old term, while it waits for somebody to say what that means; "" otherwise.
    """

    record_id: str
    decision: DecisionKind
    due: date | None
    start: date | None
    rule: str
    reason: Message
    companion: str | None = None
    months: int | None = None
    volume: str | None = None
    unexplained: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """What class and old term say of one record, its volume, holds and appraisals left aside.

    Attributes:
        rule: class and period, as in ``Decision``; "" where the schedule has no such class.
        why: a sentence; for one that runs, what started it.
        start, months: of one that runs; ``period`` the same length as a schedule writes it.
        term: the old term, where that is longer than the class; "" otherwise.
    """

    outcome: Outcome
    rule: str
    why: Message
    start: date | None = None
    months: int | None = None
    period: str = ""
    term: str = ""


@dataclass(frozen=True, slots=True)
class Together:
    """What governs all records of a volume (案卷).

    Attributes:
        volume: its archival code; ``count`` how many active records it has.
        record_id: the one that governs, or that the others wait with; ``name`` of its class, ``period`` that counts.
        rule: class and period that govern.
        start, months: latest start and longest period, where all of them run.
        term: the old term, where that governs; "" otherwise.
    """

    volume: str
    count: int
    outcome: Outcome
    record_id: str
    name: str
    period: str
    rule: str
    start: date | None = None
    months: int | None = None
    term: str = ""


def governing(volume: str, members: Sequence[tuple[Facts, Sequence[Event], RecordClass | None]]) -> Together:
    """What governs the records of a volume. ``members``: each of its active records, one at least."""
    periods = [(own_period(facts, events, rule), facts, rule) for facts, events, rule in members]

    def told(chosen: tuple[Period, Facts, RecordClass | None], start: date | None = None) -> Together:
        own, facts, rule = chosen
        return Together(volume, len(periods), own.outcome, facts.record_id, rule.name if rule else facts.record_class,
                        own.period, own.rule, start, own.months, own.term)

    for outcome in GOVERNING:
        such = [one for one in periods if one[0].outcome == outcome]
        if such:
            return told(min(such, key=lambda one: (one[1].record_class, one[1].record_id)))
    # Of equal periods the class last by name: which one it is must not depend on the order of filing.
    longest = max(periods, key=lambda one: (one[0].months or 0, one[1].record_class, one[1].record_id))
    return told(longest, max(own.start for own, _, _ in periods if own.start is not None))


def own_period(facts: Facts, events: Sequence[Event], record_class: RecordClass | None) -> Period:
    """What its class and its old term say of a record."""
    if facts.meaning == PERMANENT:
        return Period("permanent", f"{facts.record_class} {facts.term}",
                      msg("Its old term is {term}: it is kept permanently.", term=facts.term))
    if record_class is None:
        return Period("waiting", "", msg("The schedule has no class {id}; nothing can become due until it has one.",
                                         id=facts.record_class))
    rule = f"{record_class.id} {record_class.period}"
    if record_class.months is None:
        return Period("permanent", rule, msg("Class {name} is kept permanently.", name=record_class.name))
    if facts.is_unexplained:
        return Period("waiting", rule, msg(
            "Nobody has said what its old term {term} means. Say so in recordkit.toml, in old_terms of [archive].",
            term=facts.term))
    period, term = longer_period(facts, record_class)
    if term:
        # A manifest holds the rule, and the ledger the manifest: no words of an old catalogue.
        rule = f"{record_class.id} {period} old-term"
    trigger = trigger_of(facts, events, record_class)
    if trigger is not None:
        start = period_start(record_class.start, trigger[0])
        return Period("runs", rule, trigger[1], start, months_of(period), period, term)
    if record_class.trigger == "date":
        return Period("waiting", rule, msg(
            "The period starts with the date field {field}, which is empty in this record or no date.",
            field=record_class.field))
    names = tuple(msg("{name} ({id})", name=event_name(event), id=event) for event in record_class.events)
    return Period("waiting", rule, msg("The period starts with an event that is not known yet: {events}.",
                                       events=names))


def decide(
    facts: Facts,
    events: Sequence[Event],
    holds: Sequence[Hold],
    record_class: RecordClass | None,
    today: date,
    extension: Extension | None = None,
    together: Together | None = None,
) -> Decision:
    """The decision for one record.

    ``record_class`` is None when the schedule no longer has the record's class; ``together`` is what governs the volume
    that it lies in.
    """
    bare = _without_holds(facts, events, record_class, today, extension, together)
    if facts.meaning not in ("", PERMANENT) and record_class is not None and record_class.months is not None:
        bare = replace(bare, reason=msg("{reason} {term}", reason=bare.reason, term=_told_term(facts, record_class)))
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
    return replace(bare, decision="held", reason=reason)


def longer_period(facts: Facts, record_class: RecordClass) -> tuple[str, str]:
    """The longer period of class and old term, as a schedule writes it, and the term where that is the longer one."""
    own, old = record_class.months, months_of(facts.meaning or "0m")
    if own is None or (old is not None and old <= own):
        return record_class.period, ""
    return facts.meaning, facts.term


def _told_term(facts: Facts, record_class: RecordClass) -> Message:
    """Which of class and old term counts."""
    old, own = told_period(facts.meaning), told_period(record_class.period)
    if months_of(facts.meaning) == record_class.months:
        return msg("Its old term {term} says the same as its class.", term=facts.term)
    if longer_period(facts, record_class)[1]:
        return msg("The longer period counts: {old} by its old term {term}, not {own} by its class.", old=old, own=own,
                   term=facts.term)
    return msg("The longer period counts: {own} by its class, not {old} by its old term {term}.", old=old, own=own,
               term=facts.term)


def period_start(start: Start, trigger: date) -> date:
    """First day of the period that ``trigger`` starts, in a class with this ``start``."""
    if start == "trigger" or trigger.year == date.max.year:
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
    facts: Facts, events: Sequence[Event], record_class: RecordClass | None, today: date, extension: Extension | None,
    together: Together | None,
) -> Decision:
    own, record_id = own_period(facts, events, record_class), facts.record_id
    if own.outcome == "permanent":
        return Decision(record_id, "permanent", None, None, own.rule, own.why)
    rule = own.rule if together is None else f"{together.rule} @{together.volume}"
    if together is not None and together.outcome == "permanent":
        reason = msg("Volume {volume} has a record of class {name} that is kept permanently; the longest period "
                     "governs the whole volume.", volume=together.volume, name=together.name)
        return Decision(record_id, "permanent", None, None, rule, reason)
    if record_class is None:
        return Decision(record_id, "waiting", None, None, own.rule, own.why)
    if extension is not None and extension.until is None:
        reason = msg("The appraisal of order {order} decided to keep it permanently.", order=extension.order)
        return Decision(record_id, "permanent", None, None, own.rule, reason)
    if own.outcome == "waiting":
        return Decision(record_id, "waiting", None, None, own.rule, own.why,
                        unexplained=facts.term if facts.is_unexplained else "")
    if together is not None and together.outcome == "waiting":
        reason = msg("Volume {volume} has a record of class {name} of which it is not known yet when its period ends; "
                     "the whole volume waits with it.", volume=together.volume, name=together.name)
        return Decision(record_id, "waiting", None, None, rule, reason, together.record_id)
    start, months = (own.start, own.months) if together is None else (together.start, together.months)
    assert start is not None and months is not None
    volume = None if together is None else together.volume
    due = months_after(start, months)
    if extension is not None and extension.until is not None and extension.until >= due:
        due = _day_after(extension.until)
        why = msg("extended to {until} by the appraisal of order {order}", until=extension.until.isoformat(),
                  order=extension.order)
    elif together is not None and together.term:
        why = msg("{what}; in volume {volume} the longest period governs, {period} by the old term {term} of a record "
                  "of class {name}, from {start}, the latest start of its {count} records", what=own.why,
                  volume=together.volume, period=told_period(together.period), term=together.term, name=together.name,
                  start=start.isoformat(), count=together.count)
    elif together is not None:
        why = msg("{what}; in volume {volume} the longest period governs, {period} of class {name}, from {start}, the "
                  "latest start of its {count} records", what=own.why, volume=together.volume,
                  period=told_period(together.period), name=together.name, start=start.isoformat(),
                  count=together.count)
    else:
        why = msg("{what}; {period} run from {start}", what=own.why, period=told_period(own.period),
                  start=start.isoformat())
    if today >= due:
        reason = msg("{why}. Due for appraisal since {due}.", why=why, due=due.isoformat())
        return Decision(record_id, "due", due, start, rule, reason, None, months, volume)
    reason = msg("{why}. Not due before {due}.", why=why, due=due.isoformat())
    return Decision(record_id, "not-due", due, start, rule, reason, None, months, volume)


def _day_after(day: date) -> date:
    return day if day == date.max else day + timedelta(days=1)
