"""What an archivist should correct in a retention schedule: every finding in one run, with its place and next step.

Pure but for ``uses_of``, which asks a store what its schedule is used for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path

from recordkit.archive.classes import INHERITED, PERMANENT, Draft, RecordClass, Scheme, months_of, place_of, read_draft
from recordkit.db import Database
from recordkit.errors import InputRefused
from recordkit.messages import Message, did_you_mean, listed, msg, nearest
from recordkit.retention.proposals import check_rules, parse_rules
from recordkit.retention.schedule import (
    EVENT_TYPES,
    HANDOVER_CLASS,
    OWN_CLASSES,
    REGISTER_CLASS,
    REPORT_CLASS,
    shipped_scheme,
    told_period,
)


@dataclass(frozen=True, slots=True)
class ScheduleFinding:
    """One thing to correct.

    Attributes:
        code: code word.
        class_id: the class, "" where an entry has none.
        number: position of the entry in the file from 1, None where the class has no entry; ``line`` that of its head.
        todo: the next step.
    """

    code: str
    class_id: str
    number: int | None
    line: int | None
    message: Message
    todo: Message

    @property
    def place(self) -> Message | None:
        """Where to look in the file; None where the entry is what is missing."""
        return None if self.number is None else place_of(self.number, self.line)


@dataclass(frozen=True, slots=True)
class Uses:
    """What a schedule is used for.

    Attributes:
        records: number of active records by class.
        forms: ids of the forms whose papers are filed under a class, by class.
        dates: keys of the date fields of those forms, by class; None where a form cannot be read.
    """

    records: Mapping[str, int] = dataclass_field(default_factory=dict)
    forms: Mapping[str, tuple[str, ...]] = dataclass_field(default_factory=dict)
    dates: Mapping[str, frozenset[str] | None] = dataclass_field(default_factory=dict)


def uses_of(root: Path | None, db: Database | None) -> Uses:
    """The forms of the store at ``root`` (of the program where None) and the records in its tables."""
    from recordkit.templates.forms import list_form_ids, load_form

    forms: dict[str, list[str]] = {}
    dates: dict[str, frozenset[str] | None] = {}
    for form_id in list_form_ids(root):
        try:
            spec = load_form(root, form_id).spec
        except InputRefused:
            # 'forms check' says what is wrong with it; here its class must not be blamed for what cannot be seen.
            forms.setdefault(form_id, []).append(form_id)
            dates[form_id] = None
            continue
        class_id = spec.record_class or spec.id
        forms.setdefault(class_id, []).append(form_id)
        found = frozenset(one.key for one in spec.fields if one.type in ("date", "instant"))
        earlier = dates.get(class_id, frozenset())
        dates[class_id] = None if earlier is None else earlier | found
    rows = [] if db is None else db.all(
        "SELECT record_class, count(*) AS n FROM records WHERE status = 'active' GROUP BY record_class")
    return Uses({row["record_class"]: row["n"] for row in rows},
                {one: tuple(ids) for one, ids in forms.items()}, dates)


def check_schedule(data: bytes, name: str, uses: Uses | None = None) -> list[ScheduleFinding]:
    """Everything to correct in a schedule, in the order of the file; ``name`` appears in messages.

    Raises:
        InputRefused: it is no TOML, or has no [[classes]].
    """
    draft, uses = read_draft(data, name), uses or Uses()
    found = [ScheduleFinding(one.code, one.class_id, one.number, one.line, one.message, _todo_of_fault(one.code))
             for one in draft.faults]
    shipped = shipped_scheme().classes
    for one in draft.classes:
        found += [ScheduleFinding(code, one.id, draft.numbers[one.id], draft.lines.get(one.id), message, todo)
                  for code, message, todo in _of_class(one, draft, shipped, uses)]
    found.sort(key=lambda finding: finding.number or 0)
    return [*found, *_missing(draft, uses), *_of_proposals(data, name, draft)]


def unused_classes(draft: Draft, uses: Uses) -> list[RecordClass]:
    """Rules that no form and no record uses: nothing wrong, for papers may be filed under them by hand."""
    return [one for one in draft.classes
            if one.id not in uses.forms and one.id not in uses.records and one.id not in OWN_CLASSES]


def _of_proposals(data: bytes, name: str, draft: Draft) -> list[ScheduleFinding]:
    todo = msg("Correct the [[proposals]] entry, or remove it.")
    scheme = Scheme({one.id: one for one in draft.classes}, "")
    return [ScheduleFinding(one.code, "", None, None, one.message, todo)
            for one in check_rules(parse_rules(data, name) or (), scheme)]


_Found = tuple[str, Message, Message]
_OWN_EVENT = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def _of_class(one: RecordClass, draft: Draft, shipped: Mapping[str, RecordClass], uses: Uses) -> Iterator[_Found]:
    if not one.authority.strip():
        yield ("no-authority", msg("class {id}: nobody is named who set the rule (authority)", id=one.id),
               msg("Write who approved it and when: authority = \"...\""))
    yield from _of_trigger(one, draft.own[one.id], uses)
    yield from _of_period(one, shipped.get(one.id))
    yield from _of_inheritance(one, draft)
    twins = [other.id for other in draft.classes if other.name == one.name]
    if twins[0] != one.id:
        yield ("same-name", msg("class {id} has the name of {other}: {name}; whoever types the name gets the first",
                                id=one.id, other=twins[0], name=one.name),
               msg("Give each class a name of its own."))


def _of_trigger(one: RecordClass, own: Mapping[str, object], uses: Uses) -> Iterator[_Found]:
    remove = msg("Remove what starts nothing, or change trigger or period.")
    if one.period == PERMANENT and (own.get("events") or own.get("trigger") == "event" or own.get("field")):
        yield ("unreachable-trigger", msg("class {id} is permanent; its trigger starts nothing", id=one.id), remove)
        return
    if one.trigger == "date" and own.get("events"):
        yield ("unreachable-trigger", msg("class {id} counts from the record's date; its events {events} start "
                                          "nothing", id=one.id, events=listed(one.events)), remove)
    if one.trigger == "event" and own.get("field"):
        yield ("unreachable-trigger", msg("class {id} waits for events; its date field {field} starts nothing",
                                          id=one.id, field=one.field), remove)
    if one.trigger == "date" and one.field and one.period != PERMANENT:
        dates = uses.dates.get(one.id, frozenset()) if uses.forms else None
        if dates is not None and one.field not in dates:
            known = listed(sorted(dates))
            yield ("unreachable-trigger",
                   msg("class {id} counts from the date field {field}, which none of its forms has; its records wait "
                       "for ever", id=one.id, field=one.field),
                   msg("Date fields of its forms are: {fields}.", fields=known) if known else
                   msg("No form of the class has a date field; leave field out and count from the record's date."))
    for event in dict.fromkeys(one.events):
        near = did_you_mean(event, EVENT_TYPES, 0.8)
        # An office may have event types of its own; one that looks like a usual one, or like its name, is none.
        if event not in EVENT_TYPES and (near or not _OWN_EVENT.fullmatch(event)):
            yield ("unknown-event",
                   msg("class {id} waits for {event}, which is none of the usual events {known}; is it misspelt?",
                       id=one.id, event=event, known=listed(EVENT_TYPES)),
                   near or
                   msg("Use one of the usual events: the billing lists and the program's proposals know no other."))
    if len(set(one.events)) != len(one.events):
        yield ("repeated-event", msg("class {id} names an event twice", id=one.id), msg("Name it once."))


def _of_period(one: RecordClass, usual: RecordClass | None) -> Iterator[_Found]:
    if one.minimum and _is_shorter(one.period, one.minimum):
        yield ("below-minimum", msg("class {id}: {period} is below the listed minimum of {minimum}", id=one.id,
                                    period=told_period(one.period), minimum=told_period(one.minimum)),
               msg("Make the period longer; a listed period is a minimum (国家档案局令第10号)."))
    elif usual is not None and not one.minimum and _is_shorter(one.period, usual.period):
        yield ("shorter", msg("class {id}: {period} is shorter than the usual {usual}; listed periods are minimums, "
                              "so name who approved it", id=one.id, period=told_period(one.period),
                              usual=told_period(usual.period)),
               msg("If it was approved, write the listed period as minimum = \"...\" and who approved it as "
                   "authority."))
    if one.id in OWN_CLASSES and one.months is not None:
        told = msg("class {id} must be permanent: it is the evidence of destruction", id=one.id)
        if one.id == HANDOVER_CLASS:
            told = msg("class {id} must be permanent: it is the evidence of who kept the archive", id=one.id)
        yield "not-permanent", told, msg("Write: period = \"permanent\"")


def _is_shorter(period: str, than: str) -> bool:
    months, least = months_of(period), months_of(than)
    return months is not None and (least is None or months < least)


def _of_inheritance(one: RecordClass, draft: Draft) -> Iterator[_Found]:
    if not one.inherits:
        return
    parent = next((other for other in draft.classes if other.id == one.inherits), None)
    own = draft.own[one.id]
    for key in INHERITED:
        mine = getattr(one, key)
        if parent is not None and key in own and key != "authority" and mine != getattr(parent, key):
            yield ("contradicts", msg("class {id} inherits from {parent} and says otherwise: {key} is {mine} here and "
                                      "{theirs} there; its own counts", id=one.id, parent=parent.id, key=key,
                                      mine=_told(mine), theirs=_told(getattr(parent, key))),
                   msg("Remove {key} here, or inherits and write the whole rule.", key=key))


def _told(value: object) -> str | Message:
    return listed(value) if isinstance(value, tuple) else str(value) or "-"


def _missing(draft: Draft, uses: Uses) -> Iterator[ScheduleFinding]:
    """Classes that have no rule at all."""
    known = {one.id for one in draft.classes} | {fault.class_id for fault in draft.faults}
    # That of handovers is asked for when there is one: schedules of older stores lack it and are right without.
    for own in (REGISTER_CLASS, REPORT_CLASS):
        if own not in known:
            yield _without(own, "missing-class", msg("class {id} is missing; no order can be made without it", id=own),
                           known)
    for class_id in sorted({*uses.forms, *uses.records} - known - {REGISTER_CLASS, REPORT_CLASS}):
        count, forms = uses.records.get(class_id, 0), uses.forms.get(class_id, ())
        if count and forms:
            message = msg("class {id} has no rule: {count} records are filed under it and never fall due, and the "
                          "papers of {forms} cannot be filed", id=class_id, count=count, forms=listed(forms))
        elif count:
            message = msg("class {id} has no rule: {count} records are filed under it and never fall due", id=class_id,
                          count=count)
        else:
            message = msg("class {id} has no rule: the papers of {forms} cannot be filed", id=class_id,
                          forms=listed(forms))
        yield _without(class_id, "class-without-rule", message, known)


def _without(class_id: str, code: str, message: Message, known: set[str]) -> ScheduleFinding:
    near = nearest(class_id, known, 0.85)
    todo = (msg("Did you mean it by {near}? Else add [[classes]] with id = \"{id}\", name, period and authority.",
                near=near, id=class_id) if near else
            msg("Add [[classes]] with id = \"{id}\", name, period and authority.", id=class_id))
    return ScheduleFinding(code, class_id, None, None, message, todo)


def _todo_of_fault(code: str) -> Message:
    return {
        "unknown-key": msg("Keys are: {keys}.", keys=listed(RecordClass.__struct_fields__)),
        "two-rules": msg("Keep one of the two rules; the store is refused while there are both."),
        "rule-without-class": msg("Give the id of a class that is in the file."),
        "inherits-itself": msg("Write the rule in one of them."),
        "class-without-rule": msg("Write: period = \"10y\", or inherits = \"another class\"."),
        "no-period": msg("Write \"permanent\", years such as \"10y\" or months such as \"18m\"."),
        "unreachable-trigger": msg("Name the events: events = [\"contract-ended\"], or leave trigger out."),
        "no-field": msg("Write the key of the field as 'recordkit forms show' gives it."),
    }.get(code, msg("Correct the named place; each [[classes]] needs id, name and period."))
