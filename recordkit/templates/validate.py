"""One row against its form: every problem of the row in one pass, each with row, field, label and cell."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from recordkit.messages import Message, msg, nearest
from recordkit.model import Problem
from recordkit.templates.expressions import Expression, ExpressionFault, compile_expression, scope_of
from recordkit.templates.fieldtypes import Fault, Value, is_empty, parse
from recordkit.templates.rows import RawRow
from recordkit.templates.spec import AttachmentSpec, FieldSpec, FormSpec, RuleSpec, Stage, plain_heading

_NOTHING: Mapping[str, Value] = MappingProxyType({})


def validate_row(
    spec: FormSpec,
    raw: RawRow,
    stage: Stage = "before",
    *,
    known: Mapping[str, Value] = _NOTHING,
    ignore: Collection[str] = (),
) -> tuple[dict[str, Value], list[Problem]]:
    """Read and check one row; ``RowChecker`` does the same for many.

    Args:
        spec: the form.
        raw: the row; a heading may be a field's key or label.
        stage: whose fields are read. Values for the other stage are left unused, with a warning.
        known: values by key from the earlier stage, for conditions that ask for them.
        ignore: headings that are no fields, e.g. the document number in a list of returned papers.

    Returns:
        Values by key for every field of the stage (None where empty or refused), and the problems in the form's order.
        The row is good when no problem has severity ``error``.
    """
    return RowChecker(spec, stage, ignore).check(raw, known)


class RowChecker:
    """Checks rows of one form and stage. What does not depend on the row is found out once."""

    def __init__(self, spec: FormSpec, stage: Stage = "before", ignore: Collection[str] = ()) -> None:
        """See ``validate_row``."""
        self._spec = spec
        self._stage: Stage = stage
        self._ignored = {plain_heading(name) for name in ignore}
        self._fields = spec.of_stage(stage)
        self._onsite = {name for one in spec.of_stage("onsite") for name in (one.key, one.label)}
        # Rules about handwritten values wait for them; the others were checked before printing.
        self._rules = [
            rule
            for rule in spec.rules
            if compile_expression(rule.check).names.isdisjoint(self._onsite) == (stage == "before")
        ]
        self._names = tuple((name, one.key) for one in spec.fields for name in (one.key, one.label))
        self._order = {one.key: at for at, one in enumerate(spec.fields)}
        self._headings: dict[str, FieldSpec | None] = {}

    def check(
        self, raw: RawRow, known: Mapping[str, Value] = _NOTHING
    ) -> tuple[dict[str, Value], list[Problem]]:
        """Values and problems of one row, as ``validate_row`` returns them."""
        problems: list[Problem] = []
        given = self._by_field(raw, problems)
        values: dict[str, Value] = {}
        refused: set[str] = set()
        for one in self._fields:
            heading = given.get(one.key)
            value = raw.values[heading] if heading is not None else None
            if value is None or is_empty(value):
                value = one.default
            parsed = parse(value, one)
            values[one.key] = parsed.value
            if parsed.faults:
                if parsed.refused:
                    refused.add(one.key)
                problems += [_located(fault, one, raw, heading) for fault in parsed.faults]
        everything = {**known, **values}
        conditions = _Conditions(
            {name: everything.get(key) for name, key in self._names},
            {name for name, key in self._names if key in refused} if refused else set(),
        )
        for one in self._fields:
            if values[one.key] is None and one.key not in refused:
                self._ask_for(one, raw, given, conditions, problems)
        for rule in self._rules:
            self._apply(rule, raw, given, conditions, problems)
        if len(problems) > 1:
            problems.sort(key=lambda problem: self._order.get(problem.field.partition("[")[0], -1))
        return values, problems

    def holds(self, expression: Expression, values: Mapping[str, Value]) -> bool:
        """Whether a condition of the person at the terminal is true for a row's values.

        Raises:
            ExpressionFault: it compares what cannot be compared, e.g. an empty field with a number.
        """
        return bool(expression.value({name: values.get(key) for name, key in self._names}))

    def _by_field(self, raw: RawRow, problems: list[Problem]) -> dict[str, str]:
        """Heading by field key, for the fields of the stage."""
        found: dict[str, str] = {}
        for heading, value in raw.values.items():
            if heading in self._headings:
                one = self._headings[heading]
            else:
                one = self._headings[heading] = field_of(self._spec, heading)
            if one is not None and one.stage == self._stage and one.key not in found:
                found[one.key] = heading
                continue
            cell = raw.cells.get(heading)
            if one is None:
                if plain_heading(heading) not in self._ignored:
                    problems.append(_unknown(self._spec, heading, raw, self._stage))
            elif one.stage != self._stage:
                if not is_empty(value):
                    text = msg("This field is filled in at another stage; the value is not used.")
                    problems.append(Problem(raw.row, one.key, one.label, cell, "unknown-field", text, "warning"))
            else:
                text = msg(
                    "{label} stands under {first} and {second}.", label=one.label, first=found[one.key], second=heading
                )
                problems.append(Problem(raw.row, one.key, one.label, cell, "duplicate", text))
        return found

    def _ask_for(
        self, one: FieldSpec, raw: RawRow, given: Mapping[str, str], conditions: _Conditions, problems: list[Problem]
    ) -> None:
        """Report a field that is empty and should not be."""
        try:
            needed = one.required or (bool(one.required_if) and conditions.holds(one.required_if) is True)
        except ExpressionFault:
            problems.append(Problem(raw.row, one.key, one.label, None, "rule", _not_computable(one.required_if)))
            return
        if needed:
            problems.append(_missing(one, raw, given.get(one.key)))
            conditions.wrong |= {one.key, one.label}

    def _apply(
        self, rule: RuleSpec, raw: RawRow, given: Mapping[str, str], conditions: _Conditions, problems: list[Problem]
    ) -> None:
        try:
            if conditions.holds(rule.check) is not False:
                return
            text = msg("{text}", text=rule.message)
        except ExpressionFault:
            text = _not_computable(rule.check)
        targets = [one for key in rule.fields for one in self._spec.fields if one.key == key]
        cells = [raw.cells[given[one.key]] for one in targets if one.key in given and given[one.key] in raw.cells]
        problems.append(
            Problem(
                raw.row,
                targets[0].key if targets else "",
                "、".join(one.label for one in targets),
                cells[0] if cells else None,
                "rule",
                text,
                rule.level,
            )
        )


class _Conditions:
    """The values of one row as conditions see them; ``wrong`` names those that were refused or are missing."""

    __slots__ = ("_scope", "_values", "wrong")

    def __init__(self, values: Mapping[str, Value], wrong: set[str]) -> None:
        self._values = values
        self._scope = scope_of(values)
        self.wrong = wrong

    def holds(self, text: str) -> bool | None:
        """Whether a condition is true; None when it asks for a refused value, or compares one that is not there.

        Raises:
            ExpressionFault: it cannot be computed although all its values are there.
        """
        expression = compile_expression(text)
        if self.wrong and not expression.names.isdisjoint(self.wrong):
            return None
        try:
            return bool(expression.within(self._scope))
        except ExpressionFault:
            if any(self._values.get(name) is None for name in expression.names):
                return None
            raise


def field_of(spec: FormSpec, heading: str) -> FieldSpec | None:
    """The field a heading means. 用水量(m³/日) means 用水量: clerks add the unit in brackets."""
    plain = plain_heading(heading)
    return spec.by_heading.get(plain) or spec.by_heading.get(plain.partition("(")[0])


def _unknown(spec: FormSpec, heading: str, raw: RawRow, stage: Stage) -> Problem:
    cell = raw.cells.get(heading)
    if heading.startswith("["):
        text = msg("This column has no heading. Write one, or empty the cell.")
        return Problem(raw.row, "", "", cell, "unknown-field", text)
    names = {plain_heading(name): name for one in spec.of_stage(stage) for name in (one.key, one.label)}
    near = nearest(plain_heading(heading), names)
    text = (
        msg("{heading} is no field of this form; did you mean {near}?", heading=heading, near=names[near])
        if near is not None
        else msg("{heading} is no field of this form. Delete the column if it is not needed.", heading=heading)
    )
    return Problem(raw.row, "", heading, cell, "unknown-field", text)


def _located(fault: Fault, one: FieldSpec, raw: RawRow, heading: str | None) -> Problem:
    key, label = one.key, one.label
    if fault.line is not None:
        key = f"{key}[{fault.line}]"
        label = f"{label} {fault.line}"
    if fault.column is not None:
        key = f"{key}.{fault.column.key}"
        label = f"{label} {fault.column.label}"
    cell = raw.cells.get(heading) if heading is not None else None
    return Problem(raw.row, key, label, cell, fault.code, fault.message, fault.severity)


def _missing(one: FieldSpec, raw: RawRow, heading: str | None) -> Problem:
    if heading is None and raw.cells:
        text = msg("The column {label} is missing. A value for all rows: --set {label}=VALUE; --ask asks for it.",
                   label=one.label)
        return Problem(raw.row, one.key, one.label, None, "missing-column", text)
    cell = raw.cells.get(heading) if heading is not None else None
    return Problem(raw.row, one.key, one.label, cell, "required", msg("{label} is not filled in.", label=one.label))


def _not_computable(check: str) -> Message:
    return msg("The form's condition {check} cannot be computed with these values.", check=check)


def wanted_attachments(spec: FormSpec, values: Mapping[str, Value]) -> tuple[AttachmentSpec, ...]:
    """The papers that belong to a document with these values. A condition that cannot be computed counts as true."""
    conditions = _Conditions({name: values.get(one.key) for one in spec.fields for name in (one.key, one.label)}, set())

    def is_wanted(one: AttachmentSpec) -> bool:
        try:
            return not one.when or conditions.holds(one.when) is not False
        except ExpressionFault:
            return True

    return tuple(one for one in spec.attachments if is_wanted(one))


def sample_problems(spec: FormSpec) -> list[Problem]:
    """Defaults and examples of a form that its own fields would refuse; for the form's author."""
    problems = []
    for one in spec.fields:
        nowhere = RawRow(0, {}, {})
        for place, raw in (("default", one.default), ("example", one.example)):
            for fault in parse(raw, one).faults:
                text = msg("{place}: {reason}", place=place, reason=fault.message)
                found = _located(fault, one, nowhere, None)
                problems.append(Problem(None, found.field, found.label, None, fault.code, text, fault.severity))
    return problems
