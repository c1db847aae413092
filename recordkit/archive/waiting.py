"""Papers that wait for a person, and how a person settles them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from recordkit import files
from recordkit.archive.arrivals import StagedPaper, state_of, unmatched_folder
from recordkit.archive.ingest import Decision, IngestItem, Part, carry_out
from recordkit.archive.matching import doubts_about, require_open
from recordkit.archive.papers import record_of_issue, told_of
from recordkit.errors import NotFound
from recordkit.messages import msg
from recordkit.model import PageText
from recordkit.templates import issue as issues
from recordkit.workspace import Workspace


@dataclass(frozen=True, slots=True)
class UnmatchedPaper:
    """A paper that waits for a person: ``key`` names it for ``match``."""

    key: str
    path: Path
    pages: int
    findings: tuple[str, ...]
    text: str


def list_unmatched(workspace: Workspace) -> list[UnmatchedPaper]:
    """Papers waiting for ``match_paper``."""
    found = []
    for sidecar in sorted(unmatched_folder(workspace).glob("*/reading.json")):
        raw = json.loads(sidecar.read_bytes())
        text = " ".join(str(page["text"]) for page in raw["pages"])
        path = sidecar.parent / str(raw["name"])
        findings = tuple(str(one) for one in raw["findings"])
        found.append(UnmatchedPaper(sidecar.parent.name, path, len(raw["pages"]), findings, text))
    return found


def match_paper(workspace: Workspace, reference: str, number: str, *, dry_run: bool = False) -> IngestItem:
    """File a waiting paper as the signed document ``number``. ``reference`` is its key, file name or path.

    With ``dry_run`` it is only looked whether that could be done.

    Raises:
        NotFound: no such paper, or no such document.
        RefusedByRule: the document is void or its paper is filed already.
    """
    name = Path(reference).name
    waiting = [one for one in list_unmatched(workspace) if reference == one.key or name == one.path.name]
    if len(waiting) != 1:
        raise NotFound(
            msg("{count} waiting papers answer to {reference}.", count=len(waiting), reference=reference),
            msg("'recordkit unmatched list' shows their keys."),
        )
    paper = waiting[0]
    issue = issues.find_issue(workspace.db, number)
    require_open(issue)
    raw = json.loads((paper.path.parent / "reading.json").read_bytes())
    texts = tuple(PageText(**page) for page in raw["pages"])
    findings = doubts_about(issue, texts)
    with workspace.staging() as staging:
        staged = staging / "match.pdf"
        digests = files.copy_with_digests(paper.path, staged)
        told = told_of(paper.path, "by-hand", raw["facts"], findings)
        copies = {str(name): staging / str(name) for name in raw.get("copies", ())}
        for name, copy in copies.items():
            files.copy_with_digests(paper.path.parent / name, copy)
        new = record_of_issue(workspace, issue, (staged, digests), texts, told, copies)
        part = Part("archived", texts, findings, new=new, issue=issue, copies=copies)
        decision = Decision(StagedPaper(paper.path, staged, digests, state_of(paper.path)), (part,))
        if dry_run:
            return decision.rehearsed()[0]
        (item,) = carry_out(workspace, decision, staging)
        if item.outcome == "unmatched":
            require_open(issues.find_issue(workspace.db, issue.issue_id))
        return item
