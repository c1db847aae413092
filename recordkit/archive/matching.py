"""Which documents the pages of a paper belong to: by the printed codes, page by page.

A wrong match is worse than none: what is not certain waits for a person. Nothing here reads a file or a store.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from recordkit.archive.reading import PaperReading
from recordkit.archive.search.text import normalise
from recordkit.errors import NotFound, RefusedByRule
from recordkit.messages import msg
from recordkit.model import Finding, PageText
from recordkit.templates.issue import Issue

How = Literal["code", "by-hand"]
"""How a paper found its document; stored as ``matched`` in its record."""

BLOCKING = frozenset({"several-documents", "unknown-issue", "not-open"})
"""Findings about a paper that names documents of ours, yet cannot be filed as one of them: no class may take it."""

_PAGE_MARK = re.compile(r"第\s*(\d{1,3})\s*页\s*[,，]?\s*共\s*(\d{1,3})\s*页")


@dataclass(frozen=True, slots=True)
class Portion:
    """Pages of a paper that go one way together.

    Attributes:
        pages: 1-based pages of the file, in the order in which the document reads.
        issue: the document they are the signed paper of; None when nobody knows.
        how: how that was found.
        findings: what an archivist should know about these pages.
    """

    pages: tuple[int, ...]
    issue: Issue | None = None
    how: How = "code"
    findings: tuple[Finding, ...] = ()

    @property
    def is_blocked(self) -> bool:
        """Whether it names documents of ours, yet cannot be filed as one: no class for the rest may take it."""
        return any(finding.code in BLOCKING for finding in self.findings)


def match_pages(reading: PaperReading, find: Callable[[str], Issue], store_tag: str) -> tuple[Portion, ...]:
    """The portions of a paper; together they hold every page of it.

    Args:
        reading: a paper that was read to its end.
        find: the issue of an id; raises NotFound.
        store_tag: of this store; codes with another tag are foreign and decide nothing.
    """
    pages = tuple(text.page for text in reading.texts)
    findings = [
        Finding("foreign-code", msg("page {page} carries a code that is not ours", page=code.page))
        for code in reading.codes
        if code.printed is None or code.printed.store_tag != store_tag
    ]
    ours = {
        code.printed.issue_id: code
        for code in reading.codes
        if code.printed is not None and code.printed.store_tag == store_tag
    }
    if len(ours) > 1:
        told = Finding("several-documents", msg("the file holds pages of {count} documents", count=len(ours)))
        return (Portion(pages, findings=(told, *findings)),)
    if not ours:
        return (Portion(pages, findings=tuple(findings)),)
    try:
        issue = find(next(iter(ours)))
        require_open(issue)
    except NotFound:
        told = Finding("unknown-issue", msg("its code names a document that this store did not issue"))
        return (Portion(pages, findings=(told, *findings)),)
    except RefusedByRule as refusal:
        return (Portion(pages, findings=(Finding("not-open", refusal.what), *findings)),)
    coded = {code.page for code in reading.codes if code.printed and code.printed.issue_id == issue.issue_id}
    findings += [
        Finding("page-without-code", msg("page {page} carries no code", page=page))
        for page in pages
        if page not in coded
    ]
    return (Portion(pages, issue, "code", (*findings, *_page_findings(reading.texts))),)


def require_open(issue: Issue) -> None:
    """Make sure that the paper of an issue is still out.

    Raises:
        RefusedByRule: it is filed already, or the document is void or destroyed.
    """
    if issue.status == "returned":
        raise RefusedByRule(
            msg("the signed paper of {number} is filed already", number=issue.number),
            msg("Compare both: 'recordkit show {number}'.", number=issue.number),
        )
    if issue.status != "issued":
        raise RefusedByRule(msg("{number} is {status}", number=issue.number, status=msg(issue.status)))


def doubts_about(issue: Issue, texts: Sequence[PageText]) -> tuple[Finding, ...]:
    """What speaks against a match that a person made: the paper says neither number nor account of the document."""
    said = normalise("".join(text.text for text in texts))
    marks = [one for one in (issue.number, issue.account) if one]
    if any(normalise(mark) in said for mark in marks):
        return ()
    return (Finding("doubtful-match", msg("neither number nor account of {number} stands in its text",
                                          number=issue.number)),)


def _page_findings(texts: Sequence[PageText]) -> tuple[Finding, ...]:
    """Missing, doubled and swapped pages, told from the printed 第n页 共m页."""
    marks = {text.page: _PAGE_MARK.findall(text.text) for text in texts}
    printed = {page: (int(found[-1][0]), int(found[-1][1])) for page, found in marks.items() if found}
    totals = {total for _, total in printed.values()}
    if len(totals) != 1:
        return ()
    total = totals.pop()
    findings = []
    numbers = [number for number, _ in printed.values()]
    if len(printed) == len(texts):
        for missing in sorted(set(range(1, total + 1)) - set(numbers)):
            findings.append(
                Finding("missing-page", msg("page {page} of {total} is missing", page=missing, total=total))
            )
        for number in sorted({number for number in numbers if numbers.count(number) > 1}):
            findings.append(Finding("doubled-page", msg("page {page} is there twice", page=number)))
        if numbers != sorted(numbers):
            findings.append(Finding("swapped-page", msg("the pages are not in order")))
    return tuple(findings)
