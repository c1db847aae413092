"""Meters whose cycle of use ends: from a register of meters to the rows of the meter-change notice.

The cycle follows the calibre and, for larger flows, Q3; table and start date are settings. Pure but for iterating the
register once: the day and the settings are arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from msgspec import structs

from recordkit.errors import InputRefused
from recordkit.messages import Message, listed, msg
from recordkit.model import Problem
from recordkit.settings import MetersSection
from recordkit.templates.fieldtypes import Value, is_empty, parse
from recordkit.templates.headed import head_rows
from recordkit.templates.headings import aliases_of
from recordkit.templates.rows import RawRow, RowSource
from recordkit.templates.spec import FieldSpec, FormSpec, plain_heading
from recordkit.templates.validate import validate_row

FORM = "meter-change-notice"
REASON = "逾龄"
_REMEMBERED = 20_000
_NEEDED = ("calibre", "old_meter_no", "old_meter_date", "reason")

_Q3 = FieldSpec(key="q3", label="Q3", type="decimal", required=False, min=Decimal(0), exclusive_min=True, unit="m³/h")
_INSTALLED = FieldSpec(key="installed_on", label="安装日期", type="date", required=False)
_OTHER_NAMES = {
    "q3": ("Q3", "常用流量", "常用流量Q3"),
    "installed_on": ("installed_on", "安装日期", "装表日期"),
}
"""Headings of a register that no field of the notice has; the others are in ``headings``."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """How long a meter may be used, and by which rule."""

    years: int
    rule: Message
    by_flow: bool = False


@dataclass(frozen=True, slots=True)
class DueMeter:
    """A meter whose cycle has ended or will end in time.

    Attributes:
        row: its row in the register.
        start: the day the cycle counts from.
        due: last day of the cycle.
        days: from the day of reckoning to ``due``; below 0 when that has passed.
        values: the notice's fields by key, as read; None where empty or unreadable.
        typed: what stood in the register where a value is unreadable, by key, to be corrected there or in the rows.
    """

    row: int
    start: date
    cycle: Cycle
    due: date
    days: int
    values: Mapping[str, Value]
    typed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DueMeters:
    """What a register yields.

    Attributes:
        meters: by due date, the most overdue first.
        refused: problems of rows whose due date cannot be reckoned.
        refused_rows: how many rows that are.
        warnings: what the notice would refuse or doubt in the rows of ``meters``, and columns that are not used.
        to_correct: how many of ``meters`` the notice would refuse as they stand.
        rows: rows of the register.
        until: last day looked at.
        to_fill: fields the notice demands that no row has yet, in the form's order.
        notes: what was assumed.
    """

    meters: tuple[DueMeter, ...]
    refused: tuple[Problem, ...]
    refused_rows: int
    warnings: tuple[Problem, ...]
    to_correct: int
    rows: int
    until: date
    to_fill: tuple[FieldSpec, ...]
    notes: tuple[Message, ...]


def cycle_of(calibre: int, q3: Decimal | None, rules: MetersSection) -> Cycle | None:
    """The cycle of a meter; None when the table ends below its calibre.

    The shorter of both rules holds. Defaults: handbook, and JJG 162-2019 for DN32 and for Q3 above 16 m³/h.

    Args:
        calibre: nominal diameter in mm.
        q3: permanent flow rate in m³/h, where known.
        rules: section ``[meters]`` of the settings.
    """
    found = next((one for one in rules.cycles if calibre <= one.up_to), None)
    if found is None:
        return None
    if q3 is not None and rules.q3_years and q3 > Decimal(str(rules.q3_above)) and rules.q3_years < found.years:
        text = msg("Q3 above {limit} m³/h: {years} years", limit=f"{rules.q3_above:g}", years=rules.q3_years)
        return Cycle(rules.q3_years, text, by_flow=True)
    return Cycle(found.years, msg("up to DN{calibre}: {years} years", calibre=found.up_to, years=found.years))


def due_date(start: date, years: int) -> date:
    """Last day of ``years`` years from ``start``: the same day of the year, 28 February for the 29th.

    民法典 art. 201-202: the first day is not counted; a month without that day ends with its last one.
    """
    try:
        return start.replace(year=start.year + years)
    except ValueError:
        return date(start.year + years, 2, 28)


def find_due(form: FormSpec, register: RowSource, rules: MetersSection, as_of: date, within: int = 0) -> DueMeters:
    """The meters of a register that are due by ``within`` days after ``as_of``, and every problem of the register.

    A row is refused when its due date cannot be reckoned: calibre or date missing or unreadable, a date after
    ``as_of``, a calibre without a cycle. What only the notice asks for (name, address, phone ...) is checked in the
    rows that are due, by the notice's own rules, and warned of: the meter stays in the list.

    Raises:
        InputRefused: no heading is known, two mean the same, or the form lacks a field the list needs.
    """
    reader = _Reader(form, rules, as_of)
    until = as_of + timedelta(days=within)
    refused: list[Problem] = []
    refused_rows = rows = 0
    found: list[tuple[RawRow, Mapping[str, str], date, Cycle, date]] = []
    headed = head_rows(register, reader.means, names={}, who=("account", "customer_name"),
                       days=("old_meter_date", "installed_on"))
    for raw in (headed.source if headed is not None else register).rows:
        rows += 1
        columns = reader.columns(raw)
        start, cycle, problems = reader.reckon(raw, columns)
        if problems or start is None or cycle is None:
            refused += problems
            refused_rows += 1
        elif (due := due_date(start, cycle.years)) <= until:
            found.append((raw, columns, start, cycle, due))
    found.sort(key=lambda one: (one[4], one[0].row))
    meters: list[DueMeter] = []
    doubts: list[Problem] = []
    for raw, columns, start, cycle, due in found:
        values, typed, problems = _notice(form, raw, columns, as_of)
        doubts += problems
        meters.append(DueMeter(raw.row, start, cycle, due, (due - as_of).days, values, typed))
    lacking = [one for one in form.of_stage("before") if one.required and not _given(meters, one.key)]
    absent = {one.key for one in lacking}
    doubts = [one for one in doubts if not (_is_missing(one) and one.field in absent)]
    to_correct = len({one.row for one in doubts if one.severity == "error"})
    warnings = [*reader.unused(), *(structs.replace(one, severity="warning") for one in doubts), *_twice(meters, form)]
    return DueMeters(
        tuple(meters), tuple(refused), refused_rows, tuple(warnings), to_correct, rows, until,
        tuple(lacking) if meters else (), (*reader.notes(), *(headed.passed.told() if headed is not None else ())),
    )


class _Reader:
    """Reads what decides the due date; knows which heading means what."""

    def __init__(self, form: FormSpec, rules: MetersSection, as_of: date) -> None:
        missing = [key for key in _NEEDED if key not in {one.key for one in form.of_stage("before")}]
        if missing:
            raise InputRefused(
                msg("The form {form} has no field {fields}; the due meters cannot be written for it.",
                    form=form.id, fields=listed(missing)),
                msg("Give these fields back their keys in form.toml, or take the shipped form."),
            )
        before = {one.key: one for one in form.of_stage("before")}
        self._specs = {**before, "q3": _Q3, "installed_on": _INSTALLED}
        self._meaning = {plain_heading(name): key for key, names in _OTHER_NAMES.items() for name in names}
        self._meaning |= aliases_of(form)
        self._meaning |= {plain_heading(name): one.key for one in before.values() for name in (one.key, one.label)}
        self._rules = rules
        self._as_of = as_of
        self._start = "old_meter_date" if rules.start == "calibration" else "installed_on"
        self._known: dict[tuple[str, ...], dict[str, str]] = {}
        self._seen: dict[str, str | None] = {}
        self._read: dict[tuple[str, str | datetime], Value] = {}

    def means(self, heading: str) -> str | None:
        """The key that a heading of the register means."""
        plain = plain_heading(heading)
        return self._meaning.get(plain) or self._meaning.get(plain.partition("(")[0])

    def columns(self, raw: RawRow) -> Mapping[str, str]:
        """Heading by key. Of equal headings the same mapping is given again."""
        headings = tuple(raw.values)
        known = self._known.get(headings)
        if known is None:
            known = self._known[headings] = self._read_headings(raw)
        return known

    def _read_headings(self, raw: RawRow) -> dict[str, str]:
        found: dict[str, str] = {}
        for heading in raw.values:
            key = self.means(heading)
            if key is None or key == "reason":
                self._seen.setdefault(heading, None)
            elif key in found:
                raise InputRefused(
                    msg("{first} and {second} mean the same field of the register.", first=found[key], second=heading),
                    msg("Rename or delete one of the two columns."),
                )
            else:
                found[key] = heading
                self._seen[heading] = key
        if raw.cells and not found:
            raise InputRefused(
                msg("The first row of the table has no heading of a meter register."),
                msg("Delete title lines above the headings: the names of the columns stand in row 1, such as {names}.",
                    names="户号, 户名, 接水点编号, 地址, 口径, 表号, 检定日期, Q3"),
            )
        return found

    def reckon(self, raw: RawRow, columns: Mapping[str, str]) -> tuple[date | None, Cycle | None, list[Problem]]:
        """Start and cycle of a row's meter, and every reason why one of them is not known."""
        problems: list[Problem] = []
        size = self._value(raw, columns, "calibre", problems)
        start = self._value(raw, columns, self._start, problems)
        q3 = self._value(raw, columns, "q3", problems) if "q3" in columns else None
        if isinstance(start, date) and start > self._as_of:
            text = msg("{date} lies after {as_of}, the day of reckoning.", date=start.isoformat(),
                       as_of=self._as_of.isoformat())
            problems.append(self._problem(raw, columns, self._start, "range", text))
        cycle = None
        if isinstance(size, str):
            calibre = int(size.removeprefix("DN"))
            cycle = cycle_of(calibre, q3 if isinstance(q3, Decimal) else None, self._rules)
            if cycle is None:
                text = msg("The settings name no cycle for DN{calibre}; add one under [meters].", calibre=calibre)
                problems.append(self._problem(raw, columns, "calibre", "no-cycle", text))
        return (start if isinstance(start, date) else None), cycle, problems

    def _value(self, raw: RawRow, columns: Mapping[str, str], key: str, problems: list[Problem]) -> Value:
        """The cell's value; what is wrong with it goes to ``problems``."""
        cell = raw.values[columns[key]] if key in columns else None
        if is_empty(cell):
            if key == "q3":
                return None
            if key not in columns and raw.cells:
                text, code = msg("The column {label} is missing.", label=self._name(key)), "missing-column"
            elif key == "calibre":
                text, code = msg("{label} is not filled in.", label=self._specs[key].label), "required"
            else:
                text, code = msg("There is no date to count the cycle from."), "no-date"
            problems.append(self._problem(raw, columns, key, code, text))
            return None
        # The same few dates, sizes and flows stand in thousands of rows.
        known = (key, cell) if isinstance(cell, str | datetime) else None
        if known is not None and known in self._read:
            return self._read[known]
        parsed = parse(cell, self._specs[key])
        problems += [self._problem(raw, columns, key, one.code, one.message) for one in parsed.faults
                     if one.severity == "error"]
        if known is not None and not parsed.faults and len(self._read) < _REMEMBERED:
            self._read[known] = parsed.value
        return parsed.value

    def _name(self, key: str) -> str:
        """What a register calls the field."""
        return {"old_meter_date": "检定日期"}.get(key, self._specs[key].label)

    def _problem(self, raw: RawRow, columns: Mapping[str, str], key: str, code: str, text: Message) -> Problem:
        heading = columns.get(key, "")
        return Problem(raw.row, key, heading or self._name(key), raw.cells.get(heading), code, text)

    def unused(self) -> Iterator[Problem]:
        """One warning for each column that nothing was read from."""
        for heading, key in self._seen.items():
            if key is None:
                text = msg("The column {heading} is not used.", heading=heading)
                yield Problem(None, "", heading, None, "unknown-field", text, "warning")

    def notes(self) -> tuple[Message, ...]:
        """What was assumed for want of a column."""
        if self._rules.q3_years and self._seen and "q3" not in self._seen.values():
            return (msg("The register has no column Q3; the cycle follows the calibre alone."),)
        return ()


def _notice(
    form: FormSpec, raw: RawRow, columns: Mapping[str, str], as_of: date
) -> tuple[dict[str, Value], dict[str, str], list[Problem]]:
    """The row as ``generate`` will read it: values, unreadable texts, and what it would say."""
    labels = {one.key: one.label for one in form.of_stage("before")}
    values: dict[str, object] = {}
    cells: dict[str, str] = {}
    for key, heading in columns.items():
        if key in labels:
            values[labels[key]] = raw.values[heading]
            if heading in raw.cells:
                cells[labels[key]] = raw.cells[heading]
    values[labels["reason"]] = REASON
    if "notice_date" in labels and is_empty(values.get(labels["notice_date"])):
        values[labels["notice_date"]] = as_of
    read, problems = validate_row(form, RawRow(raw.row, values, cells))
    typed = {key: str(values[label]) for key, label in labels.items()
             if read[key] is None and not is_empty(values.get(label))}
    return read, typed, problems


def _is_missing(problem: Problem) -> bool:
    return problem.code in ("required", "missing-column")


def _given(meters: Iterable[DueMeter], key: str) -> bool:
    return any(one.values[key] is not None or key in one.typed for one in meters)


def _twice(meters: Iterable[DueMeter], form: FormSpec) -> Iterator[Problem]:
    """Warn of a meter that stands in two rows: it would be noticed twice."""
    label = form.by_name["old_meter_no"].label
    first: dict[str, int] = {}
    for one in meters:
        number = one.values["old_meter_no"]
        if number is None:
            continue
        earlier = first.setdefault(str(number), one.row)
        if earlier != one.row:
            text = msg("{value} already stands in row {row}.", value=str(number), row=earlier)
            yield Problem(one.row, "old_meter_no", label, None, "duplicate", text, "warning")
