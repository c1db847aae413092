"""A handover as whoever is at hand may see it: numbers of restricted documents are kept from the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from recordkit.archive.access import OPEN, Clearance, IssueShield
from recordkit.errors import NotFound
from recordkit.retention.handover_state import Handover
from recordkit.templates.issue import find_issue
from recordkit.workspace import Workspace

RESTRICTED = "restricted"
HIDDEN = "（限制利用）"
"""Stands for a number, in a paper that is Chinese whatever language the screen speaks."""


def seen_handover(workspace: Workspace, handover: Handover) -> Handover:
    """The handover with only those numbers that the actor may see; its digest stays that of what was signed."""
    hidden = set(_hidden(workspace, IssueShield(workspace), handover.manifest))
    if not hidden:
        return handover
    unfinished, unreturned = _parts(handover.manifest)
    oldest = [HIDDEN if one in hidden else one for one in _numbers(handover.manifest)]
    return replace(handover, manifest={
        **handover.manifest, "unfinished": {**unfinished, "unreturned": {**unreturned, "oldest": oldest}}})


def access_of_manifest(workspace: Workspace, manifest: Mapping[str, object]) -> str:
    """Level of a protocol with this manifest: that of the documents it names."""
    shield = IssueShield(workspace)
    shield.clearance = Clearance(False, shield.clearance.roles)
    return RESTRICTED if any(_hidden(workspace, shield, manifest)) else OPEN


def _hidden(workspace: Workspace, shield: IssueShield, manifest: Mapping[str, object]) -> Iterator[str]:
    for number in _numbers(manifest):
        try:
            issue = find_issue(workspace.db, number)
        except NotFound:
            continue
        if shield.hides(issue):
            yield number


def _numbers(manifest: Mapping[str, object]) -> list[str]:
    oldest = _parts(manifest)[1].get("oldest")
    return [str(one) for one in oldest] if isinstance(oldest, Iterable) else []


def _parts(manifest: Mapping[str, object]) -> tuple[Mapping[str, object], Mapping[str, object]]:
    unfinished = manifest.get("unfinished")
    unreturned = unfinished.get("unreturned") if isinstance(unfinished, Mapping) else None
    return (unfinished if isinstance(unfinished, Mapping) else {},
            unreturned if isinstance(unreturned, Mapping) else {})
