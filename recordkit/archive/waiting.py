"""Papers that wait for a person, and how a person settles them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from recordkit import files
from recordkit.archive.arrivals import StagedPaper, state_of, unmatched_folder
from recordkit.archive.binding import bind_record
from recordkit.archive.ingest import Decision, IngestItem, Part, carry_out
from recordkit.archive.matching import Portion, doubts_about, require_open, with_page_marks
from recordkit.archive.papers import attachment_findings, record_of_issue, told_of, told_of_pages
from recordkit.errors import NotFound
from recordkit.messages import msg
from recordkit.model import PageText
from recordkit.templates import issue as issues
from recordkit.workspace import Workspace


@dataclass(frozen=True, slots=True)
class UnmatchedPaper:
    """A paper that waits for a person: ``key`` names it for ``match``.

    ``candidates`` are documents that its text points to, the likeliest first: number and confidence.
    """

    key: str
    path: Path
    pages: int
    findings: tuple[str, ...]
    text: str
    candidates: tuple[tuple[str, float], ...] = ()


def list_unmatched(workspace: Workspace) -> list[UnmatchedPaper]:
    """Papers waiting for ``match_paper``."""
    found = []
    for sidecar in sorted(unmatched_folder(workspace).glob("*/reading.json")):
        raw = json.loads(sidecar.read_bytes())
        text = " ".join(str(page["text"]) for page in raw["pages"])
        path = sidecar.parent / str(raw["name"])
        findings = tuple(str(one) for one in raw["findings"])
        candidates = tuple((str(one["number"]), float(one["confidence"])) for one in raw.get("candidates", ()))
        found.append(UnmatchedPaper(sidecar.parent.name, path, len(raw["pages"]), findings, text, candidates))
    return found


def match_paper(workspace: Workspace, reference: str, number: str, *, dry_run: bool = False) -> IngestItem:
    """File a waiting paper as the signed document ``number``, or bind a record that was filed without a document.

    With ``dry_run`` it is only looked whether that could be done.

    Args:
        workspace: the store.
        reference: key, file name or path of a waiting paper; else id or archival code of a record.
        number: document number, or issue id.
        dry_run: write nothing.

    Raises:
        NotFound: no such paper or record, or no such document.
        RefusedByRule: the document is void or its paper is filed already; the record has a document, is destroyed, or
            was filed under another class than the document's.
    """
    paper = find_waiting(workspace, reference)
    if paper is None:
        return bind_record(workspace, reference, number, dry_run=dry_run)
    issue = issues.find_issue(workspace.db, number)
    require_open(issue)
    raw = json.loads((paper.path.parent / "reading.json").read_bytes())
    texts = tuple(PageText(**page) for page in raw["pages"])
    portion = with_page_marks(Portion(tuple(text.page for text in texts), issue, "by-hand"), texts)
    findings = (*doubts_about(issue, texts), *portion.findings, *attachment_findings(workspace, portion))
    with workspace.staging() as staging:
        staged = staging / "match.pdf"
        digests = files.copy_with_digests(paper.path, staged)
        told = {**told_of(paper.path, portion.how, raw["facts"], findings), **told_of_pages(portion)}
        new = record_of_issue(workspace, issue, (staged, digests), texts, told)
        part = Part("archived", texts, findings, new=new, issue=issue)
        decision = Decision(StagedPaper(paper.path, staged, digests, state_of(paper.path)), (part,))
        if dry_run:
            return decision.rehearsed()[0]
        (item,) = carry_out(workspace, decision, staging)
        if item.outcome == "unmatched":
            require_open(issues.find_issue(workspace.db, issue.issue_id))
        return item


def find_waiting(workspace: Workspace, reference: str) -> UnmatchedPaper | None:
    """The paper of this key, else of this path, else of this name; None when none answers.

    Raises:
        NotFound: several answer to the name.
    """
    every = list_unmatched(workspace)
    given = Path(reference)
    exact = [one for one in every if reference == one.key or given.parts[-2:] == (one.key, one.path.name)]
    found = exact or [one for one in every if given.name == one.path.name]
    if len(found) > 1:
        raise NotFound(
            msg("{count} waiting papers answer to {reference}.", count=len(found), reference=reference),
            msg("Name one by its key: {keys}.", keys=", ".join(one.key for one in found)),
        )
    return found[0] if found else None
