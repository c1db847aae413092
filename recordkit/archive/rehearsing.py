"""What a run would do, told without writing: what comes earlier in the run counts as if it were filed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from recordkit.archive.decisions import Decision, IngestItem, Part, item_of, waiting_part
from recordkit.archive.rescanning import quality_of, why_worse
from recordkit.messages import msg
from recordkit.model import Finding
from recordkit.settings import IngestSection


class Rehearsal:
    """Remembers, through one run, which bytes and which documents' papers would be filed by now."""

    def __init__(self, settings: IngestSection) -> None:
        self._takes_rescans = settings.rescan == "version"
        self._bytes: set[str] = set()
        self._filed: dict[str, Part] = {}

    def items(self, decision: Decision) -> Iterator[IngestItem]:
        """The items as they would be."""
        for part in decision.parts:
            yield item_of(decision.paper.source, self._settled(part))

    def _settled(self, part: Part) -> Part:
        new = part.new if part.rescan is None else part.rescan.new
        if new is None:
            return part
        if new.original.sha256 in self._bytes:
            return Part("duplicate", reason=msg("the same bytes come earlier in this run"))
        first = self._filed.get(part.issue.issue_id) if part.issue is not None and part.rescan is None else None
        if part.issue is not None and first is not None:
            worse = why_worse(quality_of(part.texts, part.findings), quality_of(first.texts, first.findings))
            if not self._takes_rescans or worse is not None:
                told = [Finding("not-open", msg("the signed paper of {number} comes earlier in this run",
                                                number=part.issue.number))]
                told += [Finding("worse-scan", worse)] if worse is not None else []
                return waiting_part(part.texts, [*told, *part.findings], part.facts, part.copies)
            part = replace(part, reason=msg("a new scan of the paper that comes earlier in this run"))
        self._bytes.add(new.original.sha256)
        if part.issue is not None:
            self._filed[part.issue.issue_id] = part
        return part
