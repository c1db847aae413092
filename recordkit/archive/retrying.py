"""Papers in quarantine: what lies there and why; another try with a password, a newer part or higher limits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from recordkit import files
from recordkit.archive.arrivals import quarantine_folder
from recordkit.archive.dropping import DroppedPaper, drop_paper, find_dropped
from recordkit.archive.pdf import Reason, UnreadablePdf
from recordkit.archive.referring import meant
from recordkit.errors import NotFound
from recordkit.messages import Message, listed, msg
from recordkit.workspace import Workspace

LOCKED = frozenset({"encrypted", "wrong-password"})
"""Reasons that a password settles."""


@dataclass(frozen=True, slots=True)
class QuarantinedPaper:
    """A paper that could not be filed.

    Attributes:
        key: names it for ``chosen_papers``: the folder, named by its bytes.
        path: the file itself; its name is the one under which it came.
        reason: stable word, see ``pdf.UnreadablePdf``.
        message: what is wrong with it.
        time: since when it lies here (ISO 8601 UTC).
        how: what to do about it.
        twins: equal bytes under other names.
    """

    key: str
    path: Path
    reason: str
    message: Message
    time: str
    how: Message
    twins: tuple[Path, ...] = ()


def list_quarantine(workspace: Workspace) -> list[QuarantinedPaper]:
    """What lies in quarantine, in the order in which it came there; in a folder without a note, its first file."""
    found = []
    for folder in quarantine_folder(workspace).iterdir():
        papers = sorted(one for one in folder.iterdir() if one.is_file() and _is_paper(one)) if folder.is_dir() else []
        if papers:
            found.append(_quarantined(folder, papers))
    return sorted(found, key=lambda one: (one.time, one.key))


def _is_paper(path: Path) -> bool:
    return path.name != "reason.json" and not path.name.startswith(".")


def _quarantined(folder: Path, papers: Sequence[Path]) -> QuarantinedPaper:
    try:
        note = json.loads((folder / "reason.json").read_bytes())
    except (OSError, ValueError):
        note = {}
    note = note if isinstance(note, dict) else {}
    if len(papers) > 1 and "sha256" in note:
        # Equal bytes under several names are one paper; a person may have put other files beside them.
        papers = [one for one in papers if files.digests_of(one).sha256 == note["sha256"]] or papers[:1]
    path, twins = papers[0], tuple(papers[1:]) if "sha256" in note else ()
    reason, time = str(note.get("reason", "")), str(note.get("time", ""))
    for known in get_args(Reason):
        if known == reason:
            told = UnreadablePdf(path, known)
            return QuarantinedPaper(folder.name, path, reason, told.what, time, told.todo or told.what, twins)
    message, how = msg("why it lies here was not noted"), msg("Try it again: recordkit ingest --retry")
    return QuarantinedPaper(folder.name, path, reason, message, time, how, twins)


def drop_quarantined(
    workspace: Workspace, reference: str, reason: str, *, dry_run: bool = False
) -> DroppedPaper:
    """Drop a paper in quarantine, named by key, file name or path; see ``dropping``. Harmless when it is done already.

    Raises:
        NotFound: nothing in quarantine answers to it, or several papers do.
        InputRefused: no reason.
    """
    with workspace.writing():
        try:
            papers = chosen_papers(workspace, [reference])
        except NotFound:
            if (dropped := find_dropped(workspace, reference)) is not None:
                return dropped
            raise
        if len(papers) > 1:
            raise NotFound(
                msg("{count} files in quarantine answer to {reference}.", count=len(papers), reference=reference),
                msg("Name one by its key: {keys}.", keys=listed(one.key for one in papers)),
            )
        return drop_paper(workspace, papers[0].path, reason, room="quarantine", dry_run=dry_run)


def chosen_papers(workspace: Workspace, references: Sequence[str]) -> list[QuarantinedPaper]:
    """Papers in quarantine, each named as for ``referring.meant``; all when none is named.

    Raises:
        NotFound: nothing in quarantine answers to a reference, or a short one may mean several.
    """
    papers = list_quarantine(workspace)
    if not references:
        return papers
    chosen: list[str] = []
    for reference in references:
        found = meant(papers, reference)
        if not found:
            raise NotFound(
                msg("Nothing in quarantine answers to {reference}.", reference=reference),
                msg("'recordkit quarantine list' shows what lies there."),
            )
        chosen += [one.key for one in found]
    return [paper for paper in papers if paper.key in chosen]


def passwords_in(data: bytes) -> tuple[str, ...]:
    """Passwords of a file that has one a line; UTF-8, else GBK as old Windows programs write it. Spaces count."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", "replace")
    return tuple(dict.fromkeys(line for line in text.replace("\r\n", "\n").split("\n") if line))
