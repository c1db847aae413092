"""One row against its form: every problem of the row in one pass, each with row, field, label and cell."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType

from recordkit.messages import Message, msg
from recordkit.model import Problem
from recordkit.templates.expressions import ExpressionFault, compile_expression
from recordkit.templates.fieldtypes import Fault, Value, is_empty, parse, shown
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
    """Read and check one row.

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
    problems: list[Problem] = []
    given = _by_field(spec, raw, stage, {plain_heading(name) for name in ignore}, problems)
    values: dict[str, Value] = {}
    refused: set[str] = set()
    for one in spec.of_stage(stage):
        heading = given.get(one.key)
        value = raw.values[heading] if heading is not None else None
        parsed = parse(one.default if is_empty(value) else value, one)
        values[one.key] = parsed.value
        if parsed.refused:
            refused.add(one.key)
        problems += [_located(fault, one, raw, heading) for fault in parsed.faults]
    context = _context(spec, {**known, **values})
    wrong = {name for one in spec.fields if one.key in refused for name in (one.key, one.label)}
    for one in spec.of_stage(stage):
        if values[one.key] is not None or one.key in refused:
            continue
        try:
            needed = one.required or (bool(one.required_if) and _holds(one.required_if, context, wrong) is True)
        except ExpressionFault:
            problems.append(Problem(raw.row, one.key, one.label, None, "rule", _not_computable(one.required_if)))
            continue
        if needed:
            problems.append(_missing(one, raw, given.get(one.key)))
            wrong |= {one.key, one.label}
    for rule in spec.rules:
        problems += _rule_problems(spec, rule, stage, raw, given, context, wrong)
    order = {one.key: at for at, one in enumerate(spec.fields)}
    problems.sort(key=lambda problem: order.get(problem.field.partition("[")[0], -1))
    return values, problems


def _by_field(
    spec: FormSpec, raw: RawRow, stage: Stage, ignored: Collection[str], problems: list[Problem]
) -> dict[str, str]:
    """Heading by field key, for the fields of the stage."""
    found: dict[str, str] = {}
    for heading, value in raw.values.items():
        one = _field_of(spec, heading)
        cell = raw.cells.get(heading)
        if one is None:
            if plain_heading(heading) not in ignored:
                problems.append(_unknown(spec, heading, raw, stage))
        elif one.stage != stage:
            if not is_empty(value):
                text = msg("This field is filled in at another stage; the value is not used.")
                problems.append(Problem(raw.row, one.key, one.label, cell, "unknown-field", text, "warning"))
        elif one.key in found:
            text = msg(
                "{label} stands under {first} and {second}.", label=one.label, first=found[one.key], second=heading
            )
            problems.append(Problem(raw.row, one.key, one.label, cell, "duplicate", text))
        else:
            found[one.key] = heading
    return found


def _field_of(spec: FormSpec, heading: str) -> FieldSpec | None:
    """The field a heading means. 用水量(m³/日) means 用水量: clerks add the unit in brackets."""
    plain = plain_heading(heading)
    return spec.by_heading.get(plain) or spec.by_heading.get(plain.partition("(")[0])


def _unknown(spec: FormSpec, heading: str, raw: RawRow, stage: Stage) -> Problem:
    cell = raw.cells.get(heading)
    if heading.startswith("["):
        text = msg("This column has no heading. Write one, or empty the cell.")
        return Problem(raw.row, "", "", cell, "unknown-field", text)
    names = {plain_heading(name): name for one in spec.of_stage(stage) for name in (one.key, one.label)}
    near = difflib.get_close_matches(plain_heading(heading), names, 1, 0.5)
    text = (
        msg("{heading} is no field of this form; did you mean {near}?", heading=heading, near=names[near[0]])
        if near
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
        text = msg("The column {label} is missing.", label=one.label)
        return Problem(raw.row, one.key, one.label, None, "missing-column", text)
    cell = raw.cells.get(heading) if heading is not None else None
    return Problem(raw.row, one.key, one.label, cell, "required", msg("{label} is not filled in.", label=one.label))


def _context(spec: FormSpec, values: Mapping[str, Value]) -> dict[str, Value]:
    return {name: values.get(one.key) for one in spec.fields for name in (one.key, one.label)}


def _not_computable(check: str) -> Message:
    return msg("The form's condition {check} cannot be computed with these values.", check=check)


def _holds(text: str, context: Mapping[str, Value], wrong: Collection[str]) -> bool | None:
    """Whether a condition is true; None when it asks for a refused value, or compares a value that is not there.

    Raises:
        ExpressionFault: it cannot be computed although all its values are there.
    """
    expression = compile_expression(text)
    if not expression.names.isdisjoint(wrong):
        return None
    try:
        return bool(expression.value(context))
    except ExpressionFault:
        if any(context.get(name) is None for name in expression.names):
            return None
        raise


def _rule_problems(
    spec: FormSpec,
    rule: RuleSpec,
    stage: Stage,
    raw: RawRow,
    given: Mapping[str, str],
    context: Mapping[str, Value],
    wrong: Collection[str],
) -> Iterator[Problem]:
    names = compile_expression(rule.check).names
    onsite = {name for one in spec.of_stage("onsite") for name in (one.key, one.label)}
    if names.isdisjoint(onsite) != (stage == "before"):
        return  # rules about handwritten values wait for them; the others were checked before printing
    try:
        if _holds(rule.check, context, wrong) is not False:
            return
        text = msg("{text}", text=rule.message)
    except ExpressionFault:
        text = _not_computable(rule.check)
    targets = [one for key in rule.fields for one in spec.fields if one.key == key]
    cells = [raw.cells[given[one.key]] for one in targets if one.key in given and given[one.key] in raw.cells]
    yield Problem(
        raw.row,
        targets[0].key if targets else "",
        "、".join(one.label for one in targets),
        cells[0] if cells else None,
        "rule",
        text,
        rule.level,
    )


def wanted_attachments(spec: FormSpec, values: Mapping[str, Value]) -> tuple[AttachmentSpec, ...]:
    """The papers that belong to a document with these values. A condition that cannot be computed counts as true."""
    context = _context(spec, values)

    def is_wanted(one: AttachmentSpec) -> bool:
        try:
            return not one.when or _holds(one.when, context, ()) is not False
        except ExpressionFault:
            return True

    return tuple(one for one in spec.attachments if is_wanted(one))


def find_duplicates(spec: FormSpec, rows: Iterable[RawRow], key: str) -> list[Problem]:
    """Warn about every row whose value of ``key`` already stands in an earlier row, e.g. the same 户号 twice."""
    one = spec.by_name[key]
    first: dict[str, int] = {}
    problems = []
    for raw in rows:
        heading = next((name for name in raw.values if _field_of(spec, name) is one), None)
        value = parse(raw.values[heading], one).value if heading is not None else None
        if heading is None or value is None:
            continue
        earlier = first.setdefault(str(value), raw.row)
        if earlier != raw.row:
            text = msg("{value} already stands in row {row}.", value=shown(value, one), row=earlier)
            problems.append(Problem(raw.row, one.key, one.label, raw.cells.get(heading), "duplicate", text, "warning"))
    return problems


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
