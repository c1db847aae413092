"""Gates: another document must be there before this one is issued, such as the approval before a stop order.

The form names its gates, the office's setting documents.gates says how strictly they are kept. Looking up costs one
query for some hundred rows; the decision about a row is pure and says what was found instead.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Literal, Protocol, TypeAlias

from recordkit.errors import IntegrityFailure, NotFound, RecordkitError
from recordkit.messages import Message, listed, msg
from recordkit.model import Problem, as_printed
from recordkit.templates.completing import onsite_values
from recordkit.templates.expressions import ExpressionFault, compile_expression
from recordkit.templates.fieldtypes import Value, from_plain, shown, to_plain
from recordkit.templates.forms import Form, load_form
from recordkit.templates.issue import find_issue, form_of_issue, read_issue_data
from recordkit.templates.spec import FormSpec, GateSpec
from recordkit.workspace import Workspace

_BATCH = 500
"""Values asked for in one query; SQLite takes at least 999 parameters."""


class Candidate(Protocol):
    """A row that is about to be issued: its place in the input, and its values by key."""

    @property
    def row(self) -> int | None:
        """Row in the input."""

    @property
    def values(self) -> Mapping[str, Value]:
        """Values by key."""


@dataclass(frozen=True, slots=True)
class Precedent:
    """A document of the needed form that is there.

    Attributes:
        account: its account; ``number`` its document number, which a paper of old may lack.
        on: its day of issue, or the date of a paper that was filed without an issue.
        is_returned: whether its signed paper is filed.
        content: gives its plain values by key and its form; called only by gates that look into it.
    """

    account: str | None
    number: str | None
    on: date
    is_returned: bool
    content: Callable[[], tuple[Mapping[str, object], FormSpec | None]]


_NONE = msg("there is none")

Filed = Callable[[str, Collection[str], Collection[str]], Iterable[Precedent]]
"""Papers of a form that were filed without having been issued here: form id, accounts, numbers -> precedents."""


def find_gate_problems(
    workspace: Workspace, form: Form, documents: Sequence[Candidate], *, filed: Filed | None = None
) -> list[Problem]:
    """What the gates of the form have against these documents, by row.

    A problem of severity ``error`` refuses its row (code ``gate``). A row that leaves the compared field empty cannot
    be checked; that is a warning (``gate-unchecked``), never silence.

    Args:
        workspace: the store; its setting documents.gates may turn gates off, or all into warnings or errors.
        form: the form that is issued.
        documents: validated rows.
        filed: looks among papers that were not issued here, e.g. approvals on the old forms.
    """
    mode = workspace.settings.documents.gates
    if mode == "off" or not form.spec.gates or not documents:
        return []
    problems: list[Problem] = []
    for gate in form.spec.gates:
        level: Literal["error", "warning"] = gate.level
        if mode != "as-form":
            level = "error" if mode == "stop" else "warning"
        problems += _problems_of(workspace, form.spec, gate, level, documents, filed)
    return problems


def _problems_of(
    workspace: Workspace,
    spec: FormSpec,
    gate: GateSpec,
    level: Literal["error", "warning"],
    documents: Sequence[Candidate],
    filed: Filed | None,
) -> Iterator[Problem]:
    field = spec.by_name[gate.number or spec.roles.account]
    needed = _name_of(workspace, gate.needs)
    standing = [(one, _asked(one.values.get(field.key), gate)) for one in documents
                if _stands(spec, gate, one.values)]
    wanted = {value for _, value in standing if value}
    found: dict[str, list[Precedent]] = {}
    for precedent in _precedents(workspace, gate, wanted, filed):
        key = precedent.number if gate.number else precedent.account
        if key:
            found.setdefault(key, []).append(precedent)
    today = workspace.clock.today
    for one, value in standing:
        if not value:
            text = msg("Whether {form} came first cannot be checked: {label} is empty.", form=needed, label=field.label)
            yield Problem(one.row, field.key, field.label, None, "gate-unchecked", text, "warning")
            continue
        reason = _refusal(spec, gate, one.values, found.get(value, ()), today)
        if reason is None:
            continue
        if not found.get(value):
            reason = msg("there is no {form} for {label} {value}", form=needed, label=field.label,
                         value=shown(value, field))
        told = msg("{text}", text=gate.message) if gate.message else msg("{form} must come first", form=needed)
        text = msg("{rule}: {reason}.", rule=told, reason=reason)
        yield Problem(one.row, field.key, field.label, None, "gate", text, level)


def _name_of(workspace: Workspace, form_id: str) -> str:
    with contextlib.suppress(RecordkitError):
        return load_form(workspace.root, form_id).spec.name
    return form_id


def _asked(value: Value, gate: GateSpec) -> str:
    text = "" if value is None else str(to_plain(value)).strip()
    return as_printed(text) if gate.number else text


def _context(spec: FormSpec, values: Mapping[str, Value]) -> dict[str, Value]:
    return {name: values.get(one.key) for one in spec.fields for name in (one.key, one.label)}


def _stands(spec: FormSpec, gate: GateSpec, values: Mapping[str, Value]) -> bool:
    """Whether the gate is in the way of this row; one whose condition cannot be computed is."""
    if not gate.when:
        return True
    try:
        return bool(compile_expression(gate.when).value(_context(spec, values)))
    except ExpressionFault:
        return True


def _refusal(
    spec: FormSpec, gate: GateSpec, values: Mapping[str, Value], found: Sequence[Precedent], today: date
) -> Message | None:
    """None when one of the documents opens the gate, else what is wrong with the newest."""
    if not found:
        return _NONE
    reason: Message | None = None
    for precedent in sorted(found, key=lambda one: one.on):
        reason = _fault(spec, gate, values, precedent, today)
        if reason is None:
            return None
    return reason


def _fault(
    spec: FormSpec, gate: GateSpec, values: Mapping[str, Value], precedent: Precedent, today: date
) -> Message | None:
    number = precedent.number or precedent.on.isoformat()
    if gate.state == "returned" and not precedent.is_returned:
        return msg("{number} was issued, but its signed paper is not filed", number=number)
    if gate.within_days is not None and precedent.on < today - timedelta(days=gate.within_days):
        return msg("{number} is of {date}, more than {days} days ago", number=number, date=precedent.on.isoformat(),
                   days=gate.within_days)
    others = [key for key in gate.same if gate.number or key != spec.roles.account]
    if not others and not gate.where:
        return None
    try:
        plain, form = precedent.content()
    except RecordkitError:
        return msg("the data of {number} is gone", number=number)
    different = [key for key in others if plain.get(key) != to_plain(values.get(key))]
    if different:
        labels = listed(spec.by_name[key].label for key in different)
        return msg("{number} differs in {labels}", number=number, labels=labels)
    if gate.where and not _is_met(gate.where, plain, form):
        return msg("{number} does not meet: {where}", number=number, where=gate.where)
    return None


def _is_met(where: str, plain: Mapping[str, object], form: FormSpec | None) -> bool:
    context: dict[str, object] = dict(plain)
    if form is not None:
        context = {name: None for one in form.fields for name in (one.key, one.label)}
        for one in form.fields:
            with contextlib.suppress(IntegrityFailure):
                context[one.key] = context[one.label] = from_plain(plain.get(one.key), one)
    try:
        return bool(compile_expression(where).value(context))
    except ExpressionFault:
        return False


def _precedents(
    workspace: Workspace, gate: GateSpec, wanted: Collection[str], filed: Filed | None
) -> Iterator[Precedent]:
    """Every document of the needed form that is out or returned, for these accounts or numbers."""
    column = "number" if gate.number else "account"
    values = sorted(wanted)
    read: dict[str, _Content] = {}
    for start in range(0, len(values), _BATCH):
        part = {f"v{at}": value for at, value in enumerate(values[start : start + _BATCH])}
        marks = ", ".join(f":{name}" for name in part)
        rows = workspace.db.all(
            f"SELECT issue_id, number, account, issue_date, status FROM issues WHERE form = :form "  # noqa: S608
            f"AND status IN ('issued', 'returned') AND {column} IN ({marks})",
            {"form": gate.needs, **part},
        )
        for row in rows:
            yield Precedent(row["account"], row["number"], date.fromisoformat(row["issue_date"]),
                            row["status"] == "returned", partial(_content_of, workspace, row["issue_id"], read))
        if filed is not None:
            yield from filed(gate.needs, [] if gate.number else list(part.values()),
                             list(part.values()) if gate.number else [])


_Content: TypeAlias = tuple[Mapping[str, object], FormSpec | None]


def _content_of(workspace: Workspace, issue_id: str, read: dict[str, _Content]) -> _Content:
    """The plain values of an issue, on-site ones included, and its form; ``read`` keeps what was read before."""
    if issue_id not in read:
        issue = find_issue(workspace.db, issue_id)
        plain = read_issue_data(workspace, issue)["values"]
        if not isinstance(plain, dict):
            raise NotFound(msg("The data of {number} is gone or was changed.", number=issue.number))
        read[issue_id] = ({**plain, **onsite_values(workspace, issue)}, form_of_issue(workspace, issue))
    return read[issue_id]
