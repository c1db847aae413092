"""The second stage of a document: what was written by hand is keyed in when the paper comes back.

On-site values and the papers collected lie in destroyable notes beside the issue; the ledger names only the notes and
the keys. A later completion corrects an earlier one and needs a reason; the earlier ones stay readable.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from recordkit.db import Database
from recordkit.errors import InputRefused, NotFound, RecordkitError, RefusedByRule
from recordkit.messages import Message, listed, msg, nearest
from recordkit.model import Problem
from recordkit.notes import read_note
from recordkit.templates.fieldtypes import Value, from_plain, is_empty, parse, to_plain
from recordkit.templates.issue import Issue, find_issue, form_of_issue, read_issue_data
from recordkit.templates.rows import RawRow
from recordkit.templates.spec import FieldSpec, FormSpec, plain_heading
from recordkit.templates.validate import validate_row, wanted_attachments
from recordkit.workspace import Workspace, Writer

NUMBER_HEADINGS = ("文书编号", "number", "文号")
"""Columns of a list of returned papers that name the document."""

COLLECTED_HEADINGS = ("已收材料", "collected")
"""Columns that name the papers of the checklist that came with it, separated by 、 or ;"""


@dataclass(frozen=True, slots=True)
class Step:
    """One act of keying in. What its note held is empty when the note was destroyed.

    Attributes:
        seq: number of the ledger entry; ``time`` ISO 8601 UTC.
        values: all on-site values after it, plain, by key; ``collected`` all papers after it.
    """

    seq: int
    time: str
    actor: str
    act: str
    values: Mapping[str, object]
    collected: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Completion:
    """Where the second stage of one document stands: plain on-site values by key, papers collected, every step."""

    is_complete: bool
    values: Mapping[str, object]
    collected: tuple[str, ...]
    history: tuple[Step, ...]

    @property
    def last(self) -> int:
        """Entry number of the newest step, 0 for none."""
        return self.history[-1].seq if self.history else 0


@dataclass(frozen=True, slots=True)
class PlannedCompletion:
    """What would be entered for one document.

    Attributes:
        values: all on-site values by key, plain, None where nothing was written.
        changed: keys whose value is new or another one; empty when only papers were collected, or nothing is new.
        completes: whether on-site values are entered, be it for the first time or as a correction.
        collected: all papers collected so far; ``lacking`` those of the checklist that are still to come.
        collects: whether ``collected`` is another list than before.
        last: newest step that the plan was made from.
    """

    row: int | None
    issue: Issue
    values: Mapping[str, object]
    changed: tuple[str, ...]
    completes: bool
    is_correction: bool
    collected: tuple[str, ...]
    lacking: tuple[str, ...]
    collects: bool
    last: int


@dataclass(frozen=True, slots=True)
class CompletionPlan:
    """What completing would do, and every finding about the rows."""

    documents: tuple[PlannedCompletion, ...]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Findings that refuse their row."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Findings that refuse nothing."""
        return tuple(problem for problem in self.problems if problem.severity == "warning")


def completion_of(workspace: Workspace, issue: Issue) -> Completion:
    """Where the second stage of a document stands, with its history."""
    rows = workspace.db.all("SELECT * FROM completions WHERE issue_id = :id ORDER BY seq", {"id": issue.issue_id})
    values: Mapping[str, object] = {}
    collected: tuple[str, ...] = ()
    steps = []
    for row in rows:
        content = read_note(workspace.root, issue.issue_id, row["note"]) or {}
        if row["act"] == "issue.completed":
            found = content.get("values")
            values = found if isinstance(found, dict) else {}
        else:
            names = content.get("collected")
            collected = tuple(map(str, names)) if isinstance(names, list) else ()
        steps.append(Step(row["seq"], row["time"], row["actor"], row["act"], values, collected,
                          str(content.get("reason") or "")))
    return Completion(any(step.act == "issue.completed" for step in steps), values, collected, tuple(steps))


def onsite_values(workspace: Workspace, issue: Issue) -> dict[str, object]:
    """The plain on-site values keyed in so far, by key; without those that were left empty."""
    return {key: value for key, value in completion_of(workspace, issue).values.items() if value is not None}


def issued_values(workspace: Workspace, issue: Issue, spec: FormSpec) -> dict[str, Value]:
    """The values that the document was printed with, by key.

    Raises:
        NotFound: its data was destroyed or changed.
    """
    plain = read_issue_data(workspace, issue)["values"]
    assert isinstance(plain, dict)
    return {one.key: from_plain(plain[one.key], one) for one in spec.fields if one.key in plain}


def lacking_papers(workspace: Workspace, issue: Issue) -> tuple[str, ...]:
    """Names on the document's checklist that were not collected yet, in the form's order."""
    spec = form_of_issue(workspace, issue)
    if not spec.attachments:
        return ()
    return _lacking(spec, issued_values(workspace, issue, spec), completion_of(workspace, issue).collected)


def find_incomplete(workspace: Workspace, issues: Iterable[Issue]) -> list[Issue]:
    """Those whose paper is filed, whose form has on-site fields, and whose on-site values nobody has keyed in."""
    done = completed_ids(workspace.db)
    return [one for one in issues if one.status == "returned" and one.issue_id not in done
            and form_of_issue(workspace, one).of_stage("onsite")]


def find_lacking(workspace: Workspace, issues: Iterable[Issue]) -> list[tuple[Issue, tuple[str, ...]]]:
    """Those that are out or returned and of whose checklist something was not collected, with what lacks."""
    found = []
    for one in issues:
        if one.status not in ("issued", "returned"):
            continue
        try:
            lacking = lacking_papers(workspace, one)
        except NotFound:
            continue  # its data was destroyed: nothing is asked for any more
        if lacking:
            found.append((one, lacking))
    return found


def completed_ids(db: Database) -> frozenset[str]:
    """Ids of all issues whose on-site values were keyed in."""
    rows = db.each("SELECT DISTINCT issue_id FROM completions WHERE act = 'issue.completed'")
    return frozenset(row["issue_id"] for row in rows)


def require_completable(issue: Issue) -> None:
    """Refuse documents that nothing can be written on any more.

    Raises:
        RefusedByRule: it is void or destroyed.
    """
    if issue.status not in ("issued", "returned"):
        raise RefusedByRule(msg("{number} is {status}; nothing is keyed in for it.", number=issue.number,
                                status=msg(issue.status)))


def plan_completions(
    workspace: Workspace,
    rows: Iterable[RawRow],
    *,
    issue: Issue | None = None,
    values: Mapping[str, object] | None = None,
    collected: Sequence[str] = (),
    uncollected: Sequence[str] = (),
    reason: str = "",
    ignore: Collection[str] = (),
) -> CompletionPlan:
    """Check every row of on-site values against its document; pure but for reading.

    An empty cell of a spreadsheet leaves what was keyed in before; an empty text of ``values`` takes it away.

    Args:
        workspace: the store.
        rows: on-site values by key or label; without ``issue`` each row names its document under ``文书编号``.
        issue: the one document that the rows are about.
        values: values that are put over every row.
        collected: papers of the checklist that came.
        uncollected: papers that were ticked by mistake.
        reason: why what was keyed in before is corrected.
        ignore: headings that are no fields.
    """
    documents: list[PlannedCompletion] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for raw in rows:
        try:
            heading = "" if issue else _heading_of(raw, NUMBER_HEADINGS)
            target = issue or _named_issue(workspace, raw, heading)
            require_completable(target)
            first = seen.setdefault(target.issue_id, raw.row)
            if first != raw.row:
                raise InputRefused(msg("{value} already stands in row {row}.", value=target.number, row=first))
            spec = form_of_issue(workspace, target)
            known = issued_values(workspace, target, spec)
        except RecordkitError as error:
            if issue is not None:
                raise
            problems.append(Problem(raw.row, "", NUMBER_HEADINGS[0], raw.cells.get(heading), "document", error.what))
            continue
        planned, found = _planned(
            workspace, target, spec, known, raw, values or {}, collected, uncollected, reason, ignore
        )
        problems += found
        if planned is not None:
            documents.append(planned)
    return CompletionPlan(tuple(documents), tuple(problems))


def enter_completion(workspace: Workspace, writer: Writer, planned: PlannedCompletion, reason: str = "") -> None:
    """Queue the notes and acts of one planned document; the caller holds the lock and commits.

    Raises:
        RefusedByRule: meanwhile another person made it void, destroyed it or keyed something in.
    """
    issue = find_issue(workspace.db, planned.issue.issue_id)
    require_completable(issue)
    if completion_of(workspace, issue).last != planned.last:
        raise RefusedByRule(
            msg("Somebody else has keyed in {number} meanwhile.", number=issue.number),
            msg("Look at it with 'recordkit issued show {number}' and give the command again.", number=issue.number),
        )
    if planned.completes:
        note = writer.note(issue.issue_id, {"values": dict(planned.values), "reason": reason})
        writer.add("issue.completed", {"issue": issue.issue_id, "keys": sorted(planned.changed), "note": note})
    if planned.collects:
        why = "" if planned.completes else reason
        note = writer.note(issue.issue_id, {"collected": list(planned.collected), "reason": why})
        writer.add("issue.collected", {"issue": issue.issue_id, "note": note})


def _heading_of(raw: RawRow, names: Sequence[str]) -> str:
    wanted = {plain_heading(name) for name in names}
    return next((heading for heading in raw.values if plain_heading(heading) in wanted), "")


def _named_issue(workspace: Workspace, raw: RawRow, heading: str) -> Issue:
    number = raw.values.get(heading) if heading else None
    if is_empty(number):
        raise InputRefused(msg("The row names no document; write its number under {heading}.",
                               heading=NUMBER_HEADINGS[0]))
    return find_issue(workspace.db, str(number))


def _planned(
    workspace: Workspace,
    issue: Issue,
    spec: FormSpec,
    known: Mapping[str, Value],
    raw: RawRow,
    values: Mapping[str, object],
    collected: Sequence[str],
    uncollected: Sequence[str],
    reason: str,
    ignore: Collection[str],
) -> tuple[PlannedCompletion | None, list[Problem]]:
    before = completion_of(workspace, issue)
    heading = _heading_of(raw, COLLECTED_HEADINGS)
    papers = [*collected, *_names_in(raw.values.get(heading) if heading else None)]
    ticked, problems = _ticked(spec, before.collected, papers, uncollected, raw, heading)
    plan = PlannedCompletion(raw.row, issue, before.values, (), False, False, ticked, _lacking(spec, known, ticked),
                             ticked != before.collected, before.last)
    row = _onsite_row(spec, known, raw, values, (*NUMBER_HEADINGS, *COLLECTED_HEADINGS, *ignore))
    if not any(not is_empty(value) or name in values for name, value in row.values.items()) and (
        papers or uncollected
    ):
        # Papers may be collected before the document itself comes back.
        return (None if problems else plan), problems
    found, faults = validate_row(spec, _with_earlier(spec, row, before), "onsite", known=known)
    problems += faults
    plain = {key: to_plain(value) for key, value in found.items()}
    changed = tuple(key for key, value in plain.items() if before.values.get(key) != value)
    is_correction = before.is_complete and bool(changed)
    if is_correction and not reason.strip():
        labels = listed(one.label for one in spec.fields if one.key in changed)
        text = msg("It was keyed in before; to change {labels}, say why with --reason TEXT.", labels=labels)
        problems.append(Problem(raw.row, "", "", None, "reason", text))
    if any(problem.severity == "error" for problem in problems):
        return None, problems
    completes = bool(changed) or not before.is_complete
    return replace(plan, values=plain, changed=changed, completes=completes, is_correction=is_correction), problems


def _onsite_row(
    spec: FormSpec, known: Mapping[str, Value], raw: RawRow, values: Mapping[str, object], ignored: Sequence[str]
) -> RawRow:
    """The row without what is no on-site value: number, papers, and printed values that are just repeated."""
    out = {plain_heading(name) for name in ignored} - spec.by_heading.keys()
    over = {one.key for name in values if (one := _field_of(spec, name)) is not None}
    kept: dict[str, object] = {}
    for name, cell in raw.values.items():
        one = _field_of(spec, name)
        if plain_heading(name) in out or (one is None and is_empty(cell)) or (one is not None and one.key in over):
            continue  # an empty column may belong to another form of the same list
        if one is not None and one.stage == "before" and parse(cell, one).value == known.get(one.key):
            continue
        kept[name] = cell
    return RawRow(raw.row, {**kept, **values}, raw.cells)


def _with_earlier(spec: FormSpec, row: RawRow, before: Completion) -> RawRow:
    """The row with what was keyed in before for the fields that it leaves empty; ``--set FIELD=`` takes it away."""
    given = {one.key for name, cell in row.values.items()
             if (one := _field_of(spec, name)) is not None and (name not in row.cells and cell == "" or
                                                                not is_empty(cell))}
    kept = {name: cell for name, cell in row.values.items()
            if (one := _field_of(spec, name)) is None or one.key in given or one.key not in before.values}
    earlier = {key: value for key, value in before.values.items() if key not in given and value is not None}
    return RawRow(row.row, {**kept, **earlier}, row.cells)


def _field_of(spec: FormSpec, heading: str) -> FieldSpec | None:
    plain = plain_heading(heading)
    return spec.by_heading.get(plain) or spec.by_heading.get(plain.partition("(")[0])


def _names_in(cell: object) -> list[str]:
    return [name.strip() for name in re.split("[、;；,，\n]", str(cell)) if name.strip()] if cell else []


def _ticked(
    spec: FormSpec,
    before: Sequence[str],
    papers: Sequence[str],
    uncollected: Sequence[str],
    raw: RawRow,
    heading: str,
) -> tuple[tuple[str, ...], list[Problem]]:
    """The papers ticked after this, in the form's order, and the names that are not on the checklist."""
    problems: list[Problem] = []
    ticked = set(before)
    for name, comes in [*((name, True) for name in papers), *((name, False) for name in uncollected)]:
        found = paper_on_checklist(spec, name)
        if isinstance(found, Message):
            problems.append(Problem(raw.row, "", COLLECTED_HEADINGS[0], raw.cells.get(heading), "unknown-paper", found))
        elif comes:
            ticked.add(found)
        else:
            ticked.discard(found)
    order = [one.name for one in spec.attachments]
    return tuple(sorted(ticked, key=lambda name: order.index(name) if name in order else len(order))), problems


def paper_on_checklist(spec: FormSpec, name: str) -> str | Message:
    """The name on the checklist that is meant, in full or by a part that only one has."""
    names = [one.name for one in spec.attachments]
    if name in names:
        return name
    containing = [one for one in names if name in one]
    if len(containing) == 1:
        return containing[0]
    if not names:
        return msg("Form {form} has no checklist of papers.", form=spec.name)
    near = nearest(name, names, 0.4)
    if near is not None and not containing:
        return msg("{name} is not on the checklist; did you mean {near}?", name=name, near=near)
    return msg("{name} is not one of: {names}.", name=name, names=listed(containing or names))


def _lacking(spec: FormSpec, known: Mapping[str, Value], collected: Collection[str]) -> tuple[str, ...]:
    return tuple(one.name for one in wanted_attachments(spec, known) if one.name not in collected)
