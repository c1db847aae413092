"""What issuing a table of rows would do: every row checked, every finding listed, nothing written.

Rows go through once, a block at a time; good ones and findings wait in spools as plain values, so that a hundred
thousand rows, good or refused, take little more memory than five hundred.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from recordkit.errors import InputRefused, WrongUsage
from recordkit.files import Spool
from recordkit.messages import did_you_mean, listed, msg
from recordkit.model import Problem, canonical_json
from recordkit.templates.expressions import Expression, ExpressionFault, compile_expression
from recordkit.templates.fieldtypes import Value, from_plain, shown, to_plain
from recordkit.templates.finding_spool import Findings, FindingSpool
from recordkit.templates.forms import Form
from recordkit.templates.issue import sameness
from recordkit.templates.rows import RawRow, RowSource
from recordkit.templates.spec import FieldSpec, FormSpec
from recordkit.templates.validate import RowChecker, field_of

REASON_HEADING = "拒绝原因"
"""Column of a file of refused rows that is not read back."""

_BLOCK = 500
"""Rows whose good ones are looked up in the store together."""


@dataclass(frozen=True, slots=True)
class PlannedDocument:
    """A valid row: its position in the input, its plain values by key without the empty ones, and their sameness."""

    row: int | None
    plain: Mapping[str, object]
    sameness: str

    def values(self, spec: FormSpec) -> dict[str, Value]:
        """Typed values by key."""
        return {one.key: from_plain(self.plain[one.key], one) for one in spec.fields if one.key in self.plain}


@dataclass(frozen=True, slots=True)
class IssuePlan:
    """What generating would do: documents to issue, and every finding about the rows.

    Attributes:
        documents: the good rows in their order; can be gone through again and again.
        count: how many they are.
        problems: the findings in the order of the rows; like ``errors`` and ``warnings`` they are read from a spool,
            again and again but in one loop at a time, and know their number (``len``).
        refused: rows refused.
        skipped: good rows left out: not asked for by ``where``, or issued by an earlier run.
    """

    form: Form
    documents: Iterable[PlannedDocument]
    count: int
    problems: Findings
    refused: int
    skipped: int = 0

    @property
    def warnings(self) -> Findings:
        """Findings that refuse nothing."""
        return Findings(self.problems.spool, "warning")

    @property
    def errors(self) -> Findings:
        """Findings that refuse their row."""
        return Findings(self.problems.spool, "error")

    @property
    def has_errors(self) -> bool:
        """Whether any row is refused."""
        return len(self.errors) > 0


class Lookup(Protocol):
    """What the store knows about rows: asked once for every block of good ones."""

    def review(self, form: Form, block: Sequence[PlannedDocument]) -> tuple[set[int], list[Problem]]:
        """Positions in the block that were issued already and are left out, and findings about the others.

        The block holds no row that an earlier lookup left out.
        """


def plan_issue(
    form: Form,
    source: RowSource,
    *,
    where: str = "",
    unique: str = "",
    lookups: Sequence[Lookup] = (),
    room: Path | None = None,
) -> IssuePlan:
    """Check every row; pure but for reading ``source`` and asking ``lookups``.

    Args:
        form: the form.
        source: the rows.
        where: an expression over keys and labels; rows for which it is false are left out.
        unique: key or label of a field; a row whose value stands in an earlier row is refused.
        lookups: what else is asked about good rows. Of a row that one of them leaves out nothing is told.
        room: folder for the spool of a long table.

    Raises:
        InputRefused: the form is that of a listing; or a table without a single heading of the form: its first row is a
            title, not headings.
        WrongUsage: ``where`` is no expression over the form's fields, or ``unique`` is none of them.
    """
    _require_document(form.spec)
    return _Planner(form, where, unique, lookups, room).run(source)


def _require_document(spec: FormSpec) -> None:
    """Stop at the form of a listing.

    Raises:
        InputRefused: it is one.
    """
    if spec.kind == "listing":
        raise InputRefused(msg("{form} is the look of a printed listing; no document is issued from it.", form=spec.id),
                           msg("'recordkit catalogue export' prints it."))


class _Planner:
    def __init__(self, form: Form, where: str, unique: str, lookups: Sequence[Lookup], room: Path | None) -> None:
        spec = form.spec
        self._form = form
        self._checker = RowChecker(spec, "before", (REASON_HEADING,))
        self._where = read_condition(spec, where) if where else None
        self._unique = field_named(spec, unique).key if unique else ""
        self._lookups = lookups
        self._spool = Spool(room)
        self._findings = FindingSpool(room)
        self._problems: list[Problem] = []  # of the block
        self._taken = 0  # rows of the block
        self._refused = self._skipped = 0
        self._equal: dict[str, int] = {}
        self._first: dict[str, int] = {}
        self._waiting: list[PlannedDocument] = []

    def run(self, source: RowSource) -> IssuePlan:
        count = 0
        for count, raw in enumerate(source.rows, 1):
            if count == 1:
                _require_headings(self._form.spec, raw)
            self._take(raw)
            if self._taken >= _BLOCK:
                self._look_up()
        self._look_up()
        return IssuePlan(
            self._form,
            _Spooled(self._spool),
            len(self._spool),
            Findings(self._findings),
            self._refused,
            self._skipped,
        )

    def _take(self, raw: RawRow) -> None:
        values, found = self._checker.check(raw)
        if self._where is not None:
            wanted = self._is_wanted(raw, values, found)
            if wanted is False:
                self._skipped += 1
                return
        self._taken += 1
        self._problems += found
        plain = {key: to_plain(one) for key, one in values.items() if one is not None}
        document = PlannedDocument(raw.row, plain, sameness(plain))
        is_refused = any(problem.severity == "error" for problem in found)
        twice = self._twice(raw, document, is_refused)
        self._problems += twice
        if is_refused or any(problem.severity == "error" for problem in twice):
            self._refused += 1
        else:
            self._waiting.append(document)

    def _is_wanted(self, raw: RawRow, values: Mapping[str, Value], found: list[Problem]) -> bool | None:
        """Whether the row is asked for; None when that cannot be told: it is refused then, not left out."""
        assert self._where is not None
        try:
            return self._checker.holds(self._where, values)
        except ExpressionFault:
            text = msg("The condition {where} cannot be computed for this row.", where=self._where.text)
            if not any(problem.severity == "error" for problem in found):
                found.append(Problem(raw.row, "", "", None, "where", text))
            return None

    def _twice(self, raw: RawRow, document: PlannedDocument, is_refused: bool) -> list[Problem]:
        """Findings about what stands in an earlier row too: the whole row, its account, the field that is unique."""
        spec = self._form.spec
        found: list[Problem] = []
        same = raw.row if is_refused else self._equal.setdefault(document.sameness, raw.row)
        if same != raw.row:
            text = msg("The row is equal to row {row}; both are issued.", row=same)
            found.append(Problem(raw.row, "", "", None, "equal-row", text, "warning"))
        for key in {spec.roles.account, self._unique} - {""}:
            value = document.plain.get(key)
            if value is None:
                continue
            one = field_named(spec, key)
            earlier = self._first.setdefault(f"{key} {comparable(value, one)}", raw.row)
            if earlier == raw.row:
                continue
            cell = next((raw.cells.get(name) for name in raw.values if field_of(spec, name) is one), None)
            text = msg("{value} already stands in row {row}.", value=shown(value, one), row=earlier)
            level: Literal["error", "warning"] = "error" if key == self._unique else "warning"
            found.append(Problem(raw.row, one.key, one.label, cell, "duplicate", text, level))
        return found

    def _look_up(self) -> None:
        block, self._waiting, self._taken = self._waiting, [], 0
        for lookup in self._lookups:
            if not block:
                break
            gone, found = lookup.review(self._form, block)
            self._skipped += len(gone)
            self._problems += found
            left_out = {block[at].row for at in gone}
            if left_out:
                self._problems = [problem for problem in self._problems if problem.row not in left_out]
                block = [one for at, one in enumerate(block) if at not in gone]
        stopped = {problem.row for problem in self._problems if problem.severity == "error"}
        for document in block:
            if document.row in stopped:
                self._refused += 1
            else:
                self._spool.append(msgspec.json.encode((document.row, document.plain, document.sameness)))
        for problem in sorted(self._problems, key=lambda problem: problem.row or 0):
            self._findings.append(problem)
        self._problems = []


@dataclass(frozen=True, slots=True)
class _Spooled:
    spool: Spool

    def __iter__(self) -> Iterator[PlannedDocument]:
        for line in self.spool:
            yield PlannedDocument(*msgspec.json.decode(line))


def comparable(plain: object, spec: FieldSpec) -> str:
    """A plain value as text that is equal for equal values: 10 and 10.00 are one number."""
    if spec.type in ("decimal", "money"):
        with contextlib.suppress(ArithmeticError):
            text = format(Decimal(str(plain)), "f")
            if "." in text:
                text = text.rstrip("0").rstrip(".")
            return "0" if text == "-0" else text
    if spec.type == "table" and isinstance(plain, list):
        columns = {one.key: one for one in spec.columns}
        plain = [
            {key: comparable(cell, columns[key]) for key, cell in row.items() if key in columns and cell is not None}
            for row in plain
            if isinstance(row, dict)
        ]
    return plain if isinstance(plain, str) else canonical_json(plain).decode()


def field_named(spec: FormSpec, name: str) -> FieldSpec:
    """The field of this key or label.

    Raises:
        WrongUsage: there is none; near names are offered.
    """
    one = field_of(spec, name)
    if one is None:
        todo = did_you_mean(name, spec.by_name) or msg("'recordkit forms show {form}' lists the fields.", form=spec.id)
        raise WrongUsage(msg("{name} is no field of form {form}.", name=name, form=spec.name), todo)
    return one


def wanted_rows(spec: FormSpec, source: RowSource, where: str) -> Iterator[RawRow]:
    """Rows for which a condition is true; those for which it cannot be told are left out.

    Raises:
        WrongUsage: ``where`` is no expression over the form's fields.
    """
    condition, checker = read_condition(spec, where), RowChecker(spec, "before", (REASON_HEADING,))
    for raw in source.rows:
        with contextlib.suppress(ExpressionFault):
            if checker.holds(condition, checker.check(raw)[0]):
                yield raw


def read_condition(spec: FormSpec, text: str) -> Expression:
    """A condition over the fields filled in before printing.

    Raises:
        WrongUsage: it is no expression, or asks for a name that is no such field.
    """
    try:
        expression = compile_expression(text)
    except ExpressionFault as fault:
        raise WrongUsage(
            msg("{text} is no condition: {reason}", text=text, reason=fault.reason),
            msg("Write it like: {example}", example=f"{spec.of_stage('before')[0].label} == '…'"),
        ) from None
    for name in sorted(expression.names):
        field_named(spec, name)
    return expression


def _require_headings(spec: FormSpec, first: RawRow) -> None:
    if first.cells and not any(field_of(spec, name) for name in first.values):
        raise InputRefused(
            msg("No row at the top of the table has a heading of form {form}.", form=spec.name),
            msg("Above the data stands a row with the names of the fields, such as {names}; "
                "--column HEADING=FIELD says what another name means.",
                names=listed(one.label for one in spec.of_stage("before")[:4])),
        )
