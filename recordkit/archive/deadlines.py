"""Steps with a limit (``officerules.DeadlineStep``): which are open, until when, and which ended in time.

A step is known from what was issued, keyed in and filed. A document that is void or destroyed begins no step; one
that began more than ``LOOKED_BACK`` ago is not asked for any more, for the papers that ended it may be destroyed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from recordkit.archive.access import IssueShield
from recordkit.archive.milestones import document_values
from recordkit.db import Row
from recordkit.errors import RecordkitError
from recordkit.messages import Message, msg
from recordkit.officerules import OWN_DAYS, Condition, DeadlineStep
from recordkit.settings import Settings
from recordkit.templates.forms import load_form
from recordkit.templates.issue import find_issue
from recordkit.templates.spec import FormSpec
from recordkit.templates.workdays import WorkCalendar, load_calendar
from recordkit.workspace import Workspace

LOOKED_BACK = timedelta(days=5 * 366)
_DATES = ("date", "instant")


@dataclass(frozen=True, slots=True)
class OpenStep:
    """A step that has not ended.

    Attributes:
        status: of the document that began it: ``issued`` or ``returned`` (then what ends it may only not be keyed in).
        started: the day it began; None where the paper itself names its last day.
        days_late: calendar days from ``due`` to the day of reckoning; below 0 while there is time.
        working_days_late: working days among them.
    """

    step: DeadlineStep
    issue_id: str
    number: str
    account: str | None
    office: str
    status: str
    started: date | None
    due: date
    days_late: int
    working_days_late: int


@dataclass(frozen=True, slots=True)
class OpenSteps:
    """What is open.

    Attributes:
        items: late ones and those due within the time asked for, the longest overdue first.
        hidden: how many more there are that the person may not see.
        unknown_years: years of which only the weekends were known.
    """

    items: tuple[OpenStep, ...]
    hidden: int
    unknown_years: tuple[int, ...]

    @property
    def late(self) -> int:
        """How many of the items are late."""
        return sum(one.days_late > 0 for one in self.items)


@dataclass(frozen=True, slots=True)
class StepsDue:
    """Steps whose last day lies in a span, of one office: how many, how many ended, how many of these in time."""

    due: int
    done: int
    in_time: int


def find_open(workspace: Workspace, today: date, within: int = 0) -> OpenSteps:
    """The steps that are late on a day, and those due within so many days after it.

    Raises:
        InputRefused: calendar.toml cannot be read.
        NotFound, RefusedByRule: as ``access.clearance_of``.
    """
    calendar = load_calendar(workspace.root)
    shield = IssueShield(workspace)
    until = today + timedelta(days=within)
    found: list[OpenStep] = []
    hidden = 0
    unknown: set[int] = set()
    passed = _Passed(calendar, today)
    for step in workspace.settings.deadlines.all():
        limits = _Limits(step, calendar)
        for row in _candidates(workspace, step, today - LOOKED_BACK, until):
            due = limits.due(row["day"])
            if due is None or due > until or not _fulfils(workspace, row, step.where):
                continue
            unknown.update(limits.unknown(row["day"], max(due, today)))
            if shield.hides(find_issue(workspace.db, row["issue_id"])):
                hidden += 1
                continue
            found.append(OpenStep(
                step, row["issue_id"], row["number"], row["account"], row["office"], row["status"],
                date.fromisoformat(row["day"]) if step.start else None, due, (today - due).days,
                passed.since(due),
            ))
    found.sort(key=lambda one: (one.due, one.step.id, one.number))
    return OpenSteps(tuple(found), hidden, tuple(sorted(unknown)))


def steps_due(workspace: Workspace, step: DeadlineStep, first: date, last: date) -> dict[str, StepsDue]:
    """The steps whose last day lies between two days, by office; void and destroyed documents are left out."""
    calendar = load_calendar(workspace.root)
    limits = _Limits(step, calendar)
    longest = timedelta(days=step.days * (31 if step.unit == "months" else 3) + 30)
    counts: dict[str, Counter[str]] = {}
    rows = _started(workspace, step, first - longest if step.start else first, last, "1")
    for row in rows:
        due = limits.due(row["day"])
        if due is None or not first <= due <= last or not _fulfils(workspace, row, step.where):
            continue
        count = counts.setdefault(row["office"], Counter())
        count["due"] += 1
        ended = _ended(workspace, step, row)
        if ended is not None:
            count["done"] += 1
            count["in_time"] += ended <= due.isoformat()
    return {office: StepsDue(one["due"], one["done"], one["in_time"]) for office, one in counts.items()}


class _Passed:
    """Working days from days in the past up to one day, counted once backwards: ``WorkCalendar.working_days_late``."""

    def __init__(self, calendar: WorkCalendar, today: date) -> None:
        self._calendar = calendar
        self._earliest = today
        self._counts = {today: 0}

    def since(self, due: date) -> int:
        """0 for a day that is not past."""
        while self._earliest > due:
            day = self._earliest
            self._earliest = day - timedelta(days=1)
            self._counts[self._earliest] = self._counts[day] + self._calendar.is_working(day)
        return self._counts.get(due, 0)


class _Limits:
    """Last days of one step, each reckoned once."""

    def __init__(self, step: DeadlineStep, calendar: WorkCalendar) -> None:
        self._step = step
        self._calendar = calendar
        self._known: dict[str, date | None] = {}

    def due(self, day: str) -> date | None:
        """None where the text is no day."""
        if day not in self._known:
            try:
                start = date.fromisoformat(day)
                self._known[day] = start if self._step.due else self._calendar.deadline(
                    start, self._step.days, self._step.unit, moves=self._step.moves)
            except (ValueError, OverflowError):
                self._known[day] = None
        return self._known[day]

    def unknown(self, day: str, last: date) -> Iterable[int]:
        """Years without holidays that were reckoned with."""
        if self._step.due or (self._step.unit != "working" and not self._step.moves):
            return ()
        return self._calendar.unknown_years(date.fromisoformat(day), last)


def _candidates(workspace: Workspace, step: DeadlineStep, since: date, until: date) -> Iterator[Row]:
    """Documents that began the step and that nothing has ended yet."""
    return _started(workspace, step, since, until, f"NOT EXISTS ({_end_query(step)})")


def _started(workspace: Workspace, step: DeadlineStep, since: date, until: date, condition: str) -> Iterator[Row]:
    return workspace.db.each(
        "SELECT s.day, s.office, i.* FROM milestones s JOIN issues i ON i.issue_id = s.issue_id "
        "WHERE s.form = :form AND s.key = :key AND s.day BETWEEN :since AND :until "
        f"AND i.status IN ('issued', 'returned') AND {condition} ORDER BY s.day",
        {"form": step.form, "key": step.start or step.due, "since": since.isoformat(), "until": until.isoformat(),
         **_end_values(step)},
    )


def _end_query(step: DeadlineStep) -> str:
    """The days that end the step of document ``i``."""
    keys = ", ".join(f":end{at}" for at in range(len(step.end)))
    if not step.end_form:
        return f"SELECT e.day FROM milestones e WHERE e.issue_id = i.issue_id AND e.key IN ({keys})"
    return ("SELECT e.day FROM document_links l JOIN issues o ON o.issue_id = l.issue_id "
            "JOIN milestones e ON e.issue_id = l.issue_id "
            "WHERE l.target = i.number AND l.key = :link AND o.form = :end_form AND o.status <> 'void' "
            f"AND e.key IN ({keys})")


def _end_values(step: DeadlineStep) -> dict[str, object]:
    values: dict[str, object] = {f"end{at}": key for at, key in enumerate(step.end)}
    return values | ({"link": step.link, "end_form": step.end_form} if step.end_form else {})


def _ended(workspace: Workspace, step: DeadlineStep, document: Row) -> str | None:
    row = workspace.db.one(f"SELECT (SELECT min(day) FROM ({_end_query(step)})) AS day FROM issues i "
                           "WHERE i.issue_id = :issue", {"issue": document["issue_id"], **_end_values(step)})
    return None if row is None else row["day"]


def _fulfils(workspace: Workspace, document: Row, conditions: Iterable[Condition]) -> bool:
    wanted = tuple(conditions)
    if not wanted:
        return True
    values = document_values(workspace, document)
    return all(_holds(one, values) for one in wanted)


def _holds(condition: Condition, values: Mapping[str, object]) -> bool:
    value = values.get(condition.field)
    text = "" if value is None else str(value)
    return text in condition.values or (text != "" and "*" in condition.values)


def check_rules(root: Path, settings: Settings) -> list[Message]:
    """What steps and figures name that the forms do not have; the forms are those of the store and the shipped ones."""
    found: list[Message] = []
    reports = settings.reports
    for step in settings.deadlines.all():
        place = msg("deadline {name}", name=step.id)
        begin = _form(root, step.form, place, found)
        found += _lacking(begin, [step.start or step.due], place, _DATES)
        found += _lacking(begin, [one.field for one in step.where], place)
        end = _form(root, step.end_form, place, found) if step.end_form else begin
        found += _lacking(end, step.end, place, _DATES)
        found += _lacking(end, [step.link] if step.link else [], place)
    for figure in reports.all():
        place = msg("figure {name}", name=figure.id)
        form = _form(root, figure.form, place, found)
        found += _lacking(form, figure.days, place, _DATES)
        found += _lacking(form, [one.field for one in figure.where], place)
    for name in reports.applications:
        _form(root, name, msg("applications"), found)
    return found


def _form(root: Path, name: str, place: Message, found: list[Message]) -> FormSpec | None:
    try:
        return load_form(root, name).spec
    except RecordkitError as error:
        found.append(msg("recordkit.toml, {place}: {error}", place=place, error=error.what))
        return None


def _lacking(
    form: FormSpec | None, keys: Iterable[str], place: Message, types: tuple[str, ...] = ()
) -> Iterator[Message]:
    for key in keys:
        if form is None or key in OWN_DAYS:
            continue
        one = next((field for field in form.fields if field.key == key), None)
        if one is None:
            yield msg("recordkit.toml, {place}: the form {form} has no field {key}", place=place, form=form.id, key=key)
        elif types and one.type not in types:
            yield msg("recordkit.toml, {place}: the field {key} of {form} is no date", place=place, form=form.id,
                      key=key)
