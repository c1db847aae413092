"""What the office did in a month or on a day, counted in the database; cost grows with the month, not with the store.

Definitions (docs/reports.md):

* A figure counts documents whose signed paper is filed, on the day that the paper bears (``officerules.Figure``);
  where that day was not keyed in, on the next day the figure names.
* Issued: documents numbered with this day of issue; void ones are counted apart.
* Filed: papers and records filed on this day, whatever they bear.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from recordkit.archive.access import IssueShield
from recordkit.archive.classes import load_scheme
from recordkit.archive.deadlines import steps_due
from recordkit.archive.milestones import day_of
from recordkit.db import Database
from recordkit.errors import RecordkitError
from recordkit.messages import Message, msg
from recordkit.officerules import FILED, ISSUED, Figure
from recordkit.templates.forms import load_form
from recordkit.templates.issue import Issue, find_issue
from recordkit.templates.workdays import load_calendar, told_unknown
from recordkit.workspace import Workspace

Span = tuple[date, date]


@dataclass(frozen=True, slots=True)
class Line:
    """A number of the month, of the month before and of the same month a year ago, of one office.

    Attributes:
        id: of the figure, form or class; ``name`` for people.
        office: as printed on the documents; "" for a record without a document of ours, or a destroyed one.
        before, year_ago: None where the archive did not exist yet, or nothing is known of that month.
    """

    id: str
    name: str
    office: str
    now: int
    before: int | None
    year_ago: int | None


@dataclass(frozen=True, slots=True)
class MonthReport:
    """The report of one month.

    Attributes:
        first, last: the month; ``until`` its last day or today, if that comes first.
        figures: the handbook's figures, visits due and meters due among them.
        issued, void, returned: documents by form: issued, of these void, papers filed.
        filed: records by class.
        notes: what has to be known to read the numbers.
    """

    company: str
    first: date
    last: date
    until: date
    figures: tuple[Line, ...]
    issued: tuple[Line, ...]
    void: tuple[Line, ...]
    returned: tuple[Line, ...]
    filed: tuple[Line, ...]
    notes: tuple[Message, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened in the month."""
        parts = (self.figures, self.issued, self.returned, self.filed)
        return not any(line.now for part in parts for line in part)


@dataclass(frozen=True, slots=True)
class MetersDue:
    """Meters of a register whose cycle ends in the month, and such whose cycle had ended before."""

    due: int
    overdue: int


def month_report(workspace: Workspace, month: Span, today: date, meters: MetersDue | None = None) -> MonthReport:
    """Count a month, the one before it, and the same month a year ago.

    Raises:
        InputRefused: calendar.toml or retention.toml cannot be read.
    """
    first, last = month
    spans = (month, month_of(first - timedelta(days=1)), month_of(first.replace(year=first.year - 1)))
    created = _created(workspace)
    table = _Table(spans, [span[1] >= created for span in spans])
    notes: list[Message] = []
    for figure in workspace.settings.reports.all():
        _count_figure(workspace.db, table, figure, spans, notes)
    _count_visits(workspace, table, spans, notes)
    _count_forms(workspace, table, spans)
    _count_records(workspace, table, spans)
    figures = table.lines("figure")
    if meters is not None:
        figures += [Line("meters-due", "本月到期水表（水表台账）", "", meters.due, None, None),
                    Line("meters-overdue", "以前到期未换水表（水表台账）", "", meters.overdue, None, None)]
    if first < created <= last:
        notes.insert(0, msg("The archive was begun on {date}; of earlier days only what papers filed since bear is "
                            "counted.", date=created.isoformat()))
    elif last < created:
        notes.insert(0, msg("The archive was begun on {date}, after this month.", date=created.isoformat()))
    if last > today:
        notes.insert(0, msg("The month is not over: counted up to {date}.", date=today.isoformat()))
    return MonthReport(
        workspace.settings.company.name, first, last, min(last, today), tuple(figures), tuple(table.lines("issued")),
        tuple(table.lines("void")), tuple(table.lines("returned")), tuple(table.lines("filed")), tuple(notes),
    )


def month_of(day: date) -> Span:
    """First and last day of the day's month."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


class _Table:
    """Numbers by part, id, office and span, in the order in which ids were named."""

    def __init__(self, spans: Sequence[Span], known: Sequence[bool]) -> None:
        self._spans = spans
        self._known = known
        self._names: dict[tuple[str, str], str] = {}
        self._counts: dict[tuple[str, str, str], list[int]] = {}

    def name(self, part: str, key: str, name: str) -> None:
        self._names[part, key] = name

    def add(self, part: str, key: str, office: str, span: int, count: int) -> None:
        if count:
            self._counts.setdefault((part, key, office), [0] * len(self._spans))[span] += count

    def lines(self, part: str) -> list[Line]:
        """Of each id a line an office; of one that was not counted a line of zeros."""
        found = []
        known = [one or any(counts[at] for counts in self._counts.values()) for at, one in enumerate(self._known)]
        for (own, key), name in self._names.items():
            if own != part:
                continue
            offices = sorted(office for p, k, office in self._counts if (p, k) == (part, key)) or [""]
            for office in offices:
                counts = self._counts.get((part, key, office), [0] * len(self._spans))
                shown = [count if sure else None for count, sure in zip(counts, known, strict=True)]
                found.append(Line(key, name, office, counts[0], shown[1], shown[2]))
        return found


def _days(span: Span) -> dict[str, object]:
    return {"first": span[0].isoformat(), "last": span[1].isoformat()}


def _count_figure(
    db: Database, table: _Table, figure: Figure, spans: Sequence[Span], notes: list[Message]
) -> None:
    table.name("figure", figure.id, figure.name)
    unkeyed = 0
    for at, span in enumerate(spans):
        for place in range(len(figure.days)):
            for row in db.all(*_figure_query(figure, place, span)):
                table.add("figure", figure.id, row["office"], at, row["n"])
                unkeyed += row["n"] if place and not at else 0
    if unkeyed:
        notes.append(msg("{name}: {count} paper(s) were counted by another of their days, for the one that counts is "
                         "not keyed in.", name=figure.name, count=unkeyed))


def _figure_query(figure: Figure, place: int, span: Span) -> tuple[str, dict[str, object]]:
    """Documents by office that count by the ``place``-th of the figure's days, and by none before it."""
    values: dict[str, object] = {"form": figure.form, "key": figure.days[place], "filed": FILED, **_days(span)}
    conditions = ["m.form = :form", "m.key = :key", "m.day BETWEEN :first AND :last"]
    for at, key in enumerate(figure.days[:place]):
        values[f"other{at}"] = key
        conditions.append("NOT EXISTS (SELECT 1 FROM milestones o WHERE o.issue_id = m.issue_id "
                          f"AND o.key = :other{at})")
    join = ""
    for at, one in enumerate(figure.where):
        join = " JOIN records r ON r.issue_id = m.issue_id AND r.status = 'active'"
        values[f"path{at}"] = f'$.fields."{one.field}"'
        field = f"coalesce(json_extract(r.metadata, :path{at}), '')"
        names = []
        for number, value in enumerate(one.values):
            if value != "*":
                values[f"value{at}_{number}"] = value
                names.append(f":value{at}_{number}")
        wanted = [f"{field} IN ({', '.join(names)})"] if names else []
        conditions.append("(" + " OR ".join([*wanted, *([f"{field} <> ''"] if "*" in one.values else [])]) + ")")
    return ("SELECT m.office, count(*) AS n FROM milestones m JOIN milestones f ON f.issue_id = m.issue_id AND "
            f"f.key = :filed{join} WHERE {' AND '.join(conditions)} GROUP BY m.office"), values


def _count_visits(workspace: Workspace, table: _Table, spans: Sequence[Span], notes: list[Message]) -> None:
    wanted = workspace.settings.reports.visit_step
    step = next((one for one in workspace.settings.deadlines.all() if one.id == wanted), None)
    if step is None:
        return
    table.name("figure", "visits-due", f"应回访（{step.name}）")
    table.name("figure", "visits-due-done", "其中已回访")
    table.name("figure", "visits-due-in-time", "其中按期回访")
    for at, span in enumerate(spans):
        for office, one in steps_due(workspace, step, *span).items():
            table.add("figure", "visits-due", office, at, one.due)
            table.add("figure", "visits-due-done", office, at, one.done)
            table.add("figure", "visits-due-in-time", office, at, one.in_time)
    unknown = load_calendar(workspace.root).unknown_years(*spans[0])
    if unknown:
        notes.append(told_unknown(unknown))


def _count_forms(workspace: Workspace, table: _Table, spans: Sequence[Span]) -> None:
    db = workspace.db
    seen: dict[tuple[str, str], list[tuple[str, int, int]]] = {}
    for form in _forms(db):
        for at, span in enumerate(spans):
            for row in db.all("SELECT m.office, count(*) AS n, coalesce(sum(i.status = 'void'), 0) AS void "
                              "FROM milestones m JOIN issues i ON i.issue_id = m.issue_id WHERE m.form = :form AND "
                              "m.key = :key AND m.day BETWEEN :first AND :last GROUP BY m.office",
                              {"form": form, "key": ISSUED, **_days(span)}):
                seen.setdefault(("issued", form), []).append((row["office"], at, row["n"] - row["void"]))
                seen.setdefault(("void", form), []).append((row["office"], at, row["void"]))
            for row in db.all("SELECT office, count(*) AS n FROM milestones WHERE form = :form AND key = :key "
                              "AND day BETWEEN :first AND :last GROUP BY office",
                              {"form": form, "key": FILED, **_days(span)}):
                seen.setdefault(("returned", form), []).append((row["office"], at, row["n"]))
    for (part, form), counts in seen.items():
        if any(count for _, _, count in counts):
            table.name(part, form, form_name(workspace, form))
            for office, at, count in counts:
                table.add(part, form, office, at, count)


def _forms(db: Database) -> Iterator[str]:
    """Forms of which something was issued, each found by one step down the index: DISTINCT would read all of it."""
    form = ""
    while True:
        row = db.one("SELECT min(form) AS form FROM milestones WHERE form > :form", {"form": form})
        if row is None or row["form"] is None:
            return
        form = row["form"]
        yield form


def _count_records(workspace: Workspace, table: _Table, spans: Sequence[Span]) -> None:
    classes = load_scheme(workspace.root).classes
    for at, span in enumerate(spans):
        for row in workspace.db.all("SELECT record_class, office, count(*) AS n FROM filings WHERE day BETWEEN :first "
                                    "AND :last GROUP BY record_class, office ORDER BY record_class", _days(span)):
            key = row["record_class"]
            table.name("filed", key, classes[key].name if key in classes else key)
            table.add("filed", key, row["office"], at, row["n"])


def form_name(workspace: Workspace, form: str) -> str:
    """Name of a form as it is now; its id where it is gone."""
    try:
        return load_form(workspace.root, form).spec.name
    except RecordkitError:
        return form


def _created(workspace: Workspace) -> date:
    first = next(workspace.ledger.read())
    return date.fromisoformat(day_of(workspace, first[0].time))


@dataclass(frozen=True, slots=True)
class DayForm:
    """Applications of one form and office on a day; ``void`` ones are not in ``issued``."""

    form: str
    name: str
    office: str
    issued: int
    void: int


@dataclass(frozen=True, slots=True)
class DayReport:
    """Applications of a day.

    Attributes:
        forms: every form that is an application, in the order of the settings; a line an office.
        documents: those that the person may see; ``hidden`` how many more there are.
    """

    company: str
    day: date
    forms: tuple[DayForm, ...]
    documents: tuple[Issue, ...]
    hidden: int

    @property
    def total(self) -> int:
        """Applications of the day that are not void."""
        return sum(one.issued for one in self.forms)


def day_report(workspace: Workspace, day: date) -> DayReport:
    """Count and list the applications (setting ``reports.applications``) that bear this day of issue.

    Raises:
        NotFound, RefusedByRule: as ``access.clearance_of``.
    """
    shield = IssueShield(workspace)
    forms: list[DayForm] = []
    documents: list[Issue] = []
    hidden = 0
    for form in workspace.settings.reports.applications:
        rows = workspace.db.all(
            "SELECT m.office, i.status, i.issue_id FROM milestones m JOIN issues i ON i.issue_id = m.issue_id "
            "WHERE m.form = :form AND m.key = :key AND m.day = :day ORDER BY m.office, i.position",
            {"form": form, "key": ISSUED, "day": day.isoformat()})
        name = form_name(workspace, form)
        for office in dict.fromkeys(row["office"] for row in rows) or ("",):
            own = [row["status"] for row in rows if row["office"] == office]
            forms.append(DayForm(form, name, office, sum(one != "void" for one in own), own.count("void")))
        for row in rows:
            issue = find_issue(workspace.db, row["issue_id"])
            if shield.hides(issue):
                hidden += 1
            else:
                documents.append(issue)
    return DayReport(workspace.settings.company.name, day, tuple(forms), tuple(documents), hidden)


def totals(lines: Iterable[Line]) -> list[Line]:
    """One line an id, over all offices."""
    found: dict[str, Line] = {}
    for one in lines:
        known = found.get(one.id)
        found[one.id] = one if known is None else Line(
            one.id, one.name, "", known.now + one.now, _sum(known.before, one.before),
            _sum(known.year_ago, one.year_ago))
    return list(found.values())


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None and second is None else (first or 0) + (second or 0)
