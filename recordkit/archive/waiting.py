"""Papers that wait for a person, and how a person settles them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

from recordkit import files
from recordkit.archive.arrivals import (
    OTHER_NAMES,
    StagedPaper,
    collect_sources,
    forget_folder,
    state_of,
    unmatched_folder,
    waiting_notes,
)
from recordkit.archive.attaching import find_target
from recordkit.archive.binding import bind_record
from recordkit.archive.decisions import Decision, IngestItem, Part, known_content
from recordkit.archive.dropping import DroppedPaper, drop_paper, find_dropped
from recordkit.archive.ingest import carry_out
from recordkit.archive.matching import (
    Portion,
    doubts_about,
    page_mark,
    require_open,
    waiting_reason,
    with_page_marks,
)
from recordkit.archive.papers import (
    attachment_findings,
    record_of_issue,
    record_of_rescan,
    told_of,
    told_of_pages,
)
from recordkit.archive.referring import meant
from recordkit.archive.rescanning import Rescan, quality_of, quality_of_filed, why_worse
from recordkit.archive.search.text import normalise
from recordkit.archive.signature_facts import read_plain, signature_findings
from recordkit.archive.told import plain_finding, read_findings
from recordkit.errors import NotFound, RefusedByRule, WrongUsage
from recordkit.messages import Message, listed, msg
from recordkit.model import Finding, PageText
from recordkit.templates import issue as issues
from recordkit.workspace import Workspace

_SETTLED_BY_HAND = frozenset({"not-open", "weak-match", "several-documents", "not-split", "waits"})
_SAID_ANEW = frozenset({"worse-scan", "doubtful-match", "matched-by-text", "attachment-pages"})
"""Findings of a waiting paper that do not go with it: a person has decided, or the match itself says them."""


@dataclass(frozen=True, slots=True)
class UnmatchedPaper:
    """A paper that waits for a person: ``key`` names it for ``match``.

    ``candidates`` are documents that its text points to, the likeliest first: number and confidence. ``waits_for`` is
    the id of the document whose attachment it is, empty for any other paper.
    """

    key: str
    path: Path
    pages: int
    findings: tuple[Finding, ...]
    text: str
    candidates: tuple[tuple[str, float], ...] = ()

    @property
    def waits_for(self) -> str:
        """See the class."""
        return self.key.partition(".")[2]

    @property
    def reason(self) -> Message:
        """Why it waits."""
        told = next((one.message for one in self.findings if one.code == "waits"), None)
        return waiting_reason(self.findings) if told is None else told


def list_unmatched(workspace: Workspace) -> list[UnmatchedPaper]:
    """Papers waiting for ``match_paper``, as they follow each other on the scanner: by name."""
    every = (_waiting(sidecar) for sidecar in waiting_notes(workspace))
    return sorted((one for one in every if one is not None), key=lambda one: (one.path.name, one.key))


def _waiting(sidecar: Path) -> UnmatchedPaper | None:
    """The paper beside a note; None for the note of a paper that a killed run did not put there, or took away."""
    folder = sidecar.parent
    try:
        raw = json.loads(sidecar.read_bytes())
        text = " ".join(str(page["text"]) for page in raw["pages"])
        candidates = tuple((str(one["number"]), float(one["confidence"])) for one in raw.get("candidates", ()))
        found = UnmatchedPaper(folder.name, folder / str(raw["name"]), len(raw["pages"]),
                               read_findings(raw["findings"]), text, candidates)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        papers = [one for one in sorted(folder.iterdir()) if one.name not in OTHER_NAMES]
        told = msg("the note about it is damaged; 'recordkit ingest {key}' reads it anew", key=folder.name)
        return UnmatchedPaper(folder.name, papers[0], 0, (Finding("damaged-note", told),), "") if papers else None
    return found if found.path.is_file() else None


def waiting_sources(workspace: Workspace, paths: Sequence[Path]) -> list[Path]:
    """The files behind ``paths`` as ``collect_sources`` finds them, where a path may also name waiting papers.

    It may be a key or a file name of one, its folder, or the folder of all; attachments that wait for their document
    are taken only where they are named themselves.

    Raises:
        NotFound: a path is neither a file nor a waiting paper, or several papers answer to the name.
    """
    found: list[Path] = []
    room = unmatched_folder(workspace).resolve()
    for path in paths:
        folder = path.resolve()
        if path.is_dir() and room in (folder, *folder.parents):
            found += [one.path for one in list_unmatched(workspace)
                      if one.path.parent.resolve() == folder
                      or (not one.waits_for and one.path.parent.parent.resolve() == folder)]
            continue
        waits = None if path.exists() else find_waiting(workspace, str(path))
        found.append(path if waits is None else waits.path)
    return collect_sources(workspace, found) if found or not paths else []


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
            the paper holds pages of several documents; see ``bind_record`` about records.
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
    _require_one_document(paper, raw)
    texts = tuple(PageText(**page) for page in raw["pages"])
    signed = signature_findings(read_plain(raw["facts"].get("signatures")))
    carried = tuple(one for one in paper.findings if one.code not in _SETTLED_BY_HAND | _SAID_ANEW)
    with workspace.staging() as staging:
        staged = staging / "match.pdf"
        digests = files.copy_with_digests(paper.path, staged)
        known_bytes = known_content(workspace, digests)
        if known_bytes is not None and not dry_run:
            # An earlier run filed it and was killed before it could clear away what waited.
            decision = Decision(StagedPaper(paper.path, staged, digests, state_of(paper.path)), (known_bytes,))
            (item,) = carry_out(workspace, decision, staging)
            forget_folder(workspace, paper.path)
            return item
        if raw["sha256"] != digests.sha256:
            raise RefusedByRule(
                msg("{file} is not the paper that was read when it came.", file=paper.path.name),
                msg("Read it anew: recordkit ingest {key}", key=paper.key),
            )
        told = partial(told_of, paper.path, "by-hand", raw["facts"])
        # A copy that somebody has removed meanwhile is no reason to keep the paper out of the archive.
        copies = {name: staging / name for name in map(str, raw.get("copies", ()))
                  if (paper.path.parent / name).is_file()}
        for name, copy in copies.items():
            files.copy_with_digests(paper.path.parent / name, copy)
        if new_version:
            known = _without_doubles((*carried, *signed))
            part = _as_new_version(workspace, number, (staged, digests), texts, known, raw["facts"], told, reason,
                                   copies)
        else:
            issue = issues.find_issue(workspace.db, number)
            require_open(issue)
            portion = _by_page_marks(Portion(tuple(text.page for text in texts), issue, "by-hand"), texts)
            findings = _without_doubles((
                *doubts_about(issue, texts), *_other_codes(raw, issue), *portion.findings,
                *attachment_findings(workspace, portion), *carried, *signed,
            ))
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


def _require_one_document(paper: UnmatchedPaper, note: Mapping[str, Any]) -> None:
    """Make sure that a waiting paper is not known to hold pages of several documents.

    Raises:
        RefusedByRule: it is.
    """
    every = [set(pages) for pages in note.get("documents", {}).values()]
    coded: set[object] = set().union(*every)
    if (every and coded not in every) or any(one.code == "several-documents" for one in paper.findings):
        raise RefusedByRule(
            msg("{file} holds pages of several documents; it cannot be filed as one of them.", file=paper.path.name),
            msg("Cut it: 'recordkit ingest --split {key}'; or scan its documents one by one.", key=paper.key),
        )


def _other_codes(note: Mapping[str, Any], issue: issues.Issue) -> tuple[Finding, ...]:
    """That the paper carries the code of another document than the one that a person names."""
    return tuple(
        Finding("carries-code", msg("it carries the printed code of {number}", number=number))
        for number in note.get("documents", {}) if number not in (issue.number, issue.issue_id)
    )


def _by_page_marks(portion: Portion, texts: Sequence[PageText]) -> Portion:
    """Pages told from what is printed at their foot; as they lie where different pages bear the same mark.

    Then they are of several papers, and neither their order nor what lacks can be told.
    """
    marked = [(mark, normalise(text.text)) for text in texts if (mark := page_mark(text.text)) is not None]
    if any(one[0] == other[0] and one[1] != other[1] for one, other in combinations(marked, 2)):
        return portion
    return with_page_marks(portion, texts)


def _without_doubles(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings, each once; one that was stored equals the same one that was made now."""
    once: dict[str, Finding] = {}
    for one in findings:
        once.setdefault(f"{one.code} {one.message}" if one.code else json.dumps(plain_finding(one)), one)
    return tuple(once.values())


def _as_new_version(
    workspace: Workspace,
    number: str,
    original: tuple[Path, files.Digests],
    texts: tuple[PageText, ...],
    known: tuple[Finding, ...],
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
    findings = (*(doubts_about(target.issue, texts) if target.issue is not None else ()), *known)
    worse = why_worse(quality_of(texts, (), facts), quality_of_filed(workspace, record))
    if worse is not None:
        # The person has decided; what was known at that time belongs to the record.
        findings = (*findings, Finding("worse-scan", worse))
    new = record_of_rescan(record, original, texts, told(findings), copies)
    what = msg("a new scan: version {version} of {code}", version=record.version + 1, code=record.code)
    rescan = Rescan(record, new, reason)
    return Part("archived", texts, findings, what, rescan=rescan, issue=target.issue, record=record,
                copies=copies)


def drop_waiting(workspace: Workspace, reference: str, reason: str, *, dry_run: bool = False) -> DroppedPaper:
    """Drop a paper that waits, named as for ``match_paper``; see ``dropping``. Harmless when it is done already.

    Raises:
        NotFound: no waiting paper answers to it, or several do.
        InputRefused: no reason.
    """
    with workspace.writing():
        paper = find_waiting(workspace, reference)
        if paper is not None:
            return drop_paper(workspace, paper.path, reason, room="unmatched", dry_run=dry_run)
        dropped = find_dropped(workspace, reference)
        if dropped is None:
            raise NotFound(
                msg("No waiting paper answers to {reference}.", reference=reference),
                msg("'recordkit unmatched list' shows their keys."),
            )
        return dropped


def find_waiting(workspace: Workspace, reference: str) -> UnmatchedPaper | None:
    """The paper that ``referring.meant`` finds by this reference; None when none answers.

    Raises:
        NotFound: several answer to the name.
    """
    found = meant(list_unmatched(workspace), reference)
    if len(found) > 1:
        raise NotFound(
            msg("{count} waiting papers answer to {reference}.", count=len(found), reference=reference),
            msg("Name one by its key: {keys}.", keys=listed(one.key for one in found)),
        )
    return found[0] if found else None
