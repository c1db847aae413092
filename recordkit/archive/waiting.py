"""Papers that wait for a person, and how a person settles them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from recordkit import files
from recordkit.archive.arrivals import StagedPaper, collect_sources, forget_folder, state_of, unmatched_folder
from recordkit.archive.attaching import find_target
from recordkit.archive.binding import bind_record
from recordkit.archive.decisions import Decision, IngestItem, Part
from recordkit.archive.ingest import carry_out
from recordkit.archive.matching import Portion, doubts_about, require_open, with_page_marks
from recordkit.archive.papers import (
    attachment_findings,
    record_of_issue,
    record_of_rescan,
    told_of,
    told_of_pages,
)
from recordkit.archive.rescanning import Rescan, quality_of, quality_of_filed, why_worse
from recordkit.archive.signature_facts import read_plain, signature_findings
from recordkit.archive.told import read_findings
from recordkit.errors import NotFound, RefusedByRule, WrongUsage
from recordkit.messages import msg
from recordkit.model import Finding, PageText
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
    findings: tuple[Finding, ...]
    text: str
    candidates: tuple[tuple[str, float], ...] = ()


def list_unmatched(workspace: Workspace) -> list[UnmatchedPaper]:
    """Papers waiting for ``match_paper``."""
    found = []
    for sidecar in sorted(unmatched_folder(workspace).glob("*/reading.json")):
        raw = json.loads(sidecar.read_bytes())
        text = " ".join(str(page["text"]) for page in raw["pages"])
        path = sidecar.parent / str(raw["name"])
        findings = read_findings(raw["findings"])
        candidates = tuple((str(one["number"]), float(one["confidence"])) for one in raw.get("candidates", ()))
        found.append(UnmatchedPaper(sidecar.parent.name, path, len(raw["pages"]), findings, text, candidates))
    return found


def waiting_sources(workspace: Workspace, paths: Sequence[Path]) -> list[Path]:
    """The files behind ``paths`` as ``collect_sources`` finds them, where a path may also be a waiting paper's key.

    Raises:
        NotFound: a path is neither a file nor a key.
    """
    waiting = {one.key: one.path for one in list_unmatched(workspace)} if paths else {}
    return collect_sources(workspace, [waiting.get(str(path), path) for path in paths])


def match_paper(
    workspace: Workspace,
    reference: str,
    number: str,
    *,
    new_version: bool = False,
    reason: str = "",
    dry_run: bool = False,
) -> IngestItem:
    """File a waiting paper as the signed document ``number``, or bind a record that was filed without a document.

    Args:
        workspace: the store.
        reference: key, file name or path of a waiting paper; else id or archival code of a record.
        number: document number or issue id; with ``new_version`` also id or archival code of a record.
        new_version: let it take the place of the paper that is filed already.
        reason: why it takes that place, or why a record is bound to another document than before.
        dry_run: only look whether it could be done.

    Raises:
        NotFound: no such paper or record, or no such document.
        RefusedByRule: the document is void or its paper is filed already; no paper is filed that could be replaced;
            see ``bind_record`` about records.
        WrongUsage: a reason for filing a paper that waits.
    """
    paper = find_waiting(workspace, reference)
    if paper is None:
        if new_version:
            raise NotFound(
                msg("No waiting paper answers to {reference}.", reference=reference),
                msg("'recordkit unmatched list' shows their keys."),
            )
        return bind_record(workspace, reference, number, reason, dry_run=dry_run)
    if reason and not new_version:
        raise WrongUsage(msg("--reason belongs to --new-version, or to a record that is filed already."))
    raw = json.loads((paper.path.parent / "reading.json").read_bytes())
    texts = tuple(PageText(**page) for page in raw["pages"])
    signed = signature_findings(read_plain(raw["facts"].get("signatures")))
    with workspace.staging() as staging:
        staged = staging / "match.pdf"
        digests = files.copy_with_digests(paper.path, staged)
        told = partial(told_of, paper.path, "by-hand", raw["facts"])
        # A copy that somebody has removed meanwhile is no reason to keep the paper out of the archive.
        copies = {name: staging / name for name in map(str, raw.get("copies", ()))
                  if (paper.path.parent / name).is_file()}
        for name, copy in copies.items():
            files.copy_with_digests(paper.path.parent / name, copy)
        if new_version:
            part = _as_new_version(workspace, number, (staged, digests), texts, signed, raw["facts"], told, reason,
                                   copies)
        else:
            issue = issues.find_issue(workspace.db, number)
            require_open(issue)
            portion = with_page_marks(Portion(tuple(text.page for text in texts), issue, "by-hand"), texts)
            findings = (*doubts_about(issue, texts), *portion.findings, *attachment_findings(workspace, portion),
                        *signed)
            about = {**told(findings), **told_of_pages(portion)}
            new = record_of_issue(workspace, issue, (staged, digests), texts, about, copies)
            part = Part("archived", texts, findings, new=new, issue=issue, copies=copies)
        decision = Decision(StagedPaper(paper.path, staged, digests, state_of(paper.path)), (part,))
        if dry_run:
            return decision.rehearsed()[0]
        (item,) = carry_out(workspace, decision, staging)
        if item.outcome == "unmatched" and part.issue is not None:
            require_open(issues.find_issue(workspace.db, part.issue.issue_id))
        forget_folder(workspace, paper.path)
        return item


def _as_new_version(
    workspace: Workspace,
    number: str,
    original: tuple[Path, files.Digests],
    texts: tuple[PageText, ...],
    signed: tuple[Finding, ...],
    facts: Mapping[str, object],
    told: Callable[[Sequence[Finding]], dict[str, object]],
    reason: str,
    copies: Mapping[str, Path],
) -> Part:
    target = find_target(workspace, number)
    record = target.record
    if record is None:
        told_number = target.number or number
        raise RefusedByRule(
            msg("No signed paper of {number} is filed yet; there is nothing to replace.", number=told_number),
            msg("Leave out --new-version."),
        )
    findings = (*(doubts_about(target.issue, texts) if target.issue is not None else ()), *signed)
    worse = why_worse(quality_of(texts, (), facts), quality_of_filed(workspace, record))
    if worse is not None:
        # The person has decided; what was known at that time belongs to the record.
        findings = (*findings, Finding("worse-scan", worse))
    new = record_of_rescan(record, original, texts, told(findings), copies)
    what = msg("a new scan: version {version} of {code}", version=record.version + 1, code=record.code)
    rescan = Rescan(record, new, reason)
    return Part("archived", texts, findings, what, rescan=rescan, issue=target.issue, record=record,
                copies=copies)


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
