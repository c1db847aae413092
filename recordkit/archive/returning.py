"""Keys in what returned papers say: notes and entries of the issue first, then the record, when one is filed.

And finds the paper to look at while that is done.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from recordkit.archive.catalogue import get_record, objects_of
from recordkit.archive.editing import edit_record
from recordkit.archive.names import READABLE
from recordkit.archive.search.text import normalise
from recordkit.archive.waiting import list_unmatched
from recordkit.errors import IntegrityFailure, NotFound, RecordkitError, RefusedByRule
from recordkit.model import Problem
from recordkit.templates.completing import PlannedCompletion, enter_completion, onsite_values
from recordkit.templates.issue import Issue, find_issue
from recordkit.workspace import Workspace

_HINT_LINES, _HINT_LENGTH = 20, 60
_PROSE = frozenset("。；，")
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


@dataclass(frozen=True, slots=True)
class PaperAtHand:
    """The paper of a document, to look at.

    Attributes:
        path: where it lies; a viewer must be given a copy of it.
        key: digest (SHA-256) of the paper as it came, under which copies are kept and destroyed.
        name: for people.
        page: 1-based, the first page that names a field that was asked for; 1 when none does.
        lines: what the pages say where they name those fields, as it was read by machine.
    """

    path: Path
    key: str
    name: str
    page: int
    lines: tuple[str, ...]


def paper_at_hand(workspace: Workspace, issue: Issue, labels: Sequence[str]) -> PaperAtHand | None:
    """The filed paper of a document; else the only waiting one that says its number; None when there is neither.

    Args:
        workspace: the store.
        issue: the document.
        labels: names of the fields that somebody wants to read.
    """
    record = get_record(workspace.db, issue.record_id) if issue.record_id else None
    if record is not None and record.status == "active":
        objects = objects_of(workspace)
        try:
            names = set(objects.names(record.record_id))
            path = next((objects.locate(record.record_id, one) for one in READABLE if one in names), None)
            pages = json.loads(objects.read(record.record_id, "text.json"))["pages"] if path is not None else []
        except (NotFound, IntegrityFailure, OSError):
            return None  # 'verify' tells what is wrong with it; what is on the paper can be keyed in all the same
        if path is None:
            return None
        page, lines = _near([str(one["text"]) for one in pages], labels)
        return PaperAtHand(path, record.sha256, f"{record.code}-{path.name}", page, lines)
    number = normalise(issue.number)
    waiting = [one for one in list_unmatched(workspace) if number in normalise(one.text)]
    if len(waiting) != 1:
        return None
    return PaperAtHand(waiting[0].path, waiting[0].key, waiting[0].path.name, 1, _near([waiting[0].text], labels)[1])


def _near(pages: Sequence[str], labels: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    wanted = [found for one in labels if (found := normalise(one))]
    first, lines = 0, []
    for at, text in enumerate(pages, 1):
        for line in text.splitlines():
            # A sentence that names a field explains it; what was written by hand stands in tables and beside labels.
            if not _PROSE.intersection(line) and any(one in normalise(line) for one in wanted):
                first = first or at
                lines.append(" ".join(line.split())[:_HINT_LENGTH])
    return first or 1, tuple(lines[:_HINT_LINES])


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
