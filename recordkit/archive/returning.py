"""Keys in what returned papers say: notes and entries of the issue first, then the record, when one is filed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from recordkit.archive.catalogue import get_record
from recordkit.archive.editing import edit_record
from recordkit.errors import NotFound, RecordkitError, RefusedByRule
from recordkit.model import Problem
from recordkit.templates.completing import PlannedCompletion, enter_completion, onsite_values
from recordkit.templates.issue import find_issue
from recordkit.workspace import Workspace

_BATCH = 100
"""Documents keyed in under one lock: others may write in between."""


@dataclass(frozen=True, slots=True)
class Completed:
    """One document that was keyed in. ``record_id`` is its record, whose fields say the same now; None before filing.

    ``problem`` says why nothing was entered for it: somebody else was faster.
    """

    planned: PlannedCompletion
    record_id: str | None
    problem: Problem | None = None


def complete_documents(
    workspace: Workspace, planned: Sequence[PlannedCompletion], *, reason: str = "", record_reason: str
) -> Iterator[Completed]:
    """Enter what was planned, batch by batch, and bring the filed records up to it.

    Killed between entry and record, the same command finishes the record; what is entered is not entered twice.

    Args:
        workspace: the store.
        planned: from ``plan_completions``.
        reason: why something is corrected; kept in the notes.
        record_reason: the reason that the record's history shows when none was given.
    """
    for start in range(0, len(planned), _BATCH):
        done: list[Completed] = []
        with workspace.writing() as writer:
            ready: list[PlannedCompletion] = []
            for one in planned[start : start + _BATCH]:
                try:
                    enter_completion(workspace, writer, one, reason)
                    ready.append(one)
                except (RefusedByRule, NotFound) as refusal:
                    problem = Problem(one.row, "", one.issue.number, None, "changed-meanwhile", refusal.what)
                    done.append(Completed(one, None, problem))
            writer.commit()
            for one in ready:
                done.append(_with_record(workspace, one, reason or record_reason))
        yield from done


def _with_record(workspace: Workspace, one: PlannedCompletion, reason: str) -> Completed:
    issue = find_issue(workspace.db, one.issue.issue_id)
    record = get_record(workspace.db, issue.record_id) if issue.record_id else None
    if record is None or record.status != "active":
        return Completed(one, None)
    entered = {key: None for key in one.values} | onsite_values(workspace, issue)
    changes = {key: value for key, value in entered.items() if record.fields.get(key) != value}
    if not changes:
        return Completed(one, record.record_id)
    try:
        edit_record(workspace, record.record_id, changes, reason)
    except RecordkitError as error:
        # What was keyed in is safe with the issue; the record is damaged and is named.
        return Completed(one, record.record_id, Problem(one.row, "", one.issue.number, None, "record", error.what))
    return Completed(one, record.record_id)
