"""Where papers lie before they are filed: inbox, waiting room, quarantine. A paper is in exactly one of them.

A file in the inbox is moved, never copied and deleted: whoever is still writing to it goes on writing to the same file.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from recordkit import files
from recordkit.errors import InputRefused, NotFound
from recordkit.messages import Message, msg
from recordkit.model import Finding, PageText
from recordkit.workspace import Workspace

SEARCHABLE = "searchable.pdf"
"""The copy of a scan in which its text can be marked: its name in an object, and where the scan waits."""


@dataclass(frozen=True, slots=True)
class StagedPaper:
    """A source, its copy in the staging folder, and the state of the source when it was copied."""

    source: Path
    copy: Path
    digests: files.Digests
    state: tuple[int, int, int]

    def is_still_as_read(self) -> bool:
        """Whether the source is the file that was copied, not written to since."""
        try:
            return state_of(self.source) == self.state
        except OSError:
            return False


def state_of(path: Path) -> tuple[int, int, int]:
    """What changes when somebody writes to a file: inode, size, time of change in nanoseconds."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def collect_sources(workspace: Workspace, paths: Sequence[Path]) -> list[Path]:
    """The files behind ``paths``, folders searched through, sorted; the store's inbox when none is given.

    Raises:
        NotFound: a path does not exist.
    """
    inbox = workspace.root / "inbox"
    waiting = unmatched_folder(workspace).resolve()
    own, arriving = workspace.root.resolve(), inbox.resolve()
    found: set[Path] = set()

    def is_paper(path: Path) -> bool:
        # A folder that holds the store must not make the archive swallow itself.
        above = path.parent.resolve().parents
        above = (path.parent.resolve(), *above)
        return path.is_file() and not path.name.startswith(".") and (
            own not in above or (arriving in above and waiting not in above)
        )

    for path in paths or [inbox]:
        if path.is_dir():
            found |= {one for one in path.rglob("*") if is_paper(one)}
        elif path.exists() and own in path.resolve().parents and arriving not in path.resolve().parents:
            raise InputRefused(
                msg("{path} belongs to the store itself.", path=str(path)),
                msg("Inside the store only what lies in its inbox can be filed."),
            )
        elif path.exists():
            found.add(path)
        else:
            raise NotFound(msg("There is no file or folder {path}.", path=str(path)))
    return sorted(found)


def told_name(source: Path) -> str:
    """A file's name as it may be stored and shown: valid UTF-8, no control characters that a terminal would obey."""
    name = source.name.encode("utf-8", "replace").decode()
    return "".join(char if char.isprintable() else "_" for char in name)


def leave_inbox(workspace: Workspace, source: Path, state: tuple[int, int, int] | None = None) -> None:
    """Remove a filed source from the inbox, unless it was written to since it was read."""
    with contextlib.suppress(FileNotFoundError):
        if _is_in_inbox(workspace, source) and (state is None or state_of(source) == state):
            files.remove_file(source)


def quarantine(workspace: Workspace, paper: StagedPaper, reason: Message, code: str) -> None:
    """Put a paper that cannot be filed aside, with the reason and its stable code word."""
    folder = workspace.root / "quarantine" / paper.digests.sha256[:16]
    note = {
        "source": told_name(paper.source),
        "reason": code,
        "message": str(reason),
        "time": workspace.clock.stamp(),
        "sha256": paper.digests.sha256,
    }
    _keep(workspace, folder, paper, "reason.json", note)


def keep_unmatched(
    workspace: Workspace,
    paper: StagedPaper,
    texts: tuple[PageText, ...],
    findings: Sequence[Finding],
    facts: Mapping[str, object],
    searchable: Path | None = None,
) -> None:
    """Let a paper wait for a person, with all that reading it brought, its searchable copy included."""
    folder = unmatched_folder(workspace) / paper.digests.sha256[:16]
    note = {
        "name": _safe_name(paper.source),
        "sha256": paper.digests.sha256,
        "findings": [str(one.message) for one in findings],
        "pages": [plain_page(text) for text in texts],
        "facts": dict(facts),
    }
    if searchable is not None and not (folder / SEARCHABLE).exists():
        files.publish(searchable, files.make_folder(folder) / SEARCHABLE)
    _keep(workspace, folder, paper, "reading.json", note)


def unmatched_folder(workspace: Workspace) -> Path:
    """Where papers wait for a person, each in a folder named by its bytes."""
    return workspace.root / "inbox" / "unmatched"


def forget_waiting(workspace: Workspace, digests: files.Digests) -> None:
    """Clear where a paper waited, or lay in quarantine, until somebody said where it belongs."""
    for place in (unmatched_folder(workspace), workspace.root / "quarantine"):
        files.remove_tree(place / digests.sha256[:16])


def plain_page(text: PageText) -> dict[str, object]:
    """One page of text.json."""
    return {
        "page": text.page,
        "text": text.text,
        "source": text.source,
        "engine": text.engine,
        "confidence": text.confidence,
        "turned": text.turned,
        "blank": text.blank,
    }


def _keep(
    workspace: Workspace, folder: Path, paper: StagedPaper, note_name: str, note: Mapping[str, object]
) -> None:
    """Put a paper and a note about it into a folder of its own, named by its bytes: a second run changes nothing.

    A file in the inbox is moved, not copied: whoever is still writing to it goes on writing to the same file.
    """
    target = folder / _safe_name(paper.source)
    data = json.dumps(note, ensure_ascii=False, indent=1).encode() + b"\n"
    files.write_atomic(folder / note_name, data, overwrite=True)
    if _is_in_inbox(workspace, paper.source) and not paper.source.is_symlink():
        if target.exists():
            leave_inbox(workspace, paper.source, paper.state)
        else:
            files.move_into(paper.source, folder, target.name)
        return
    if not target.exists():
        files.publish(paper.copy, target)
    leave_inbox(workspace, paper.source)


def _is_in_inbox(workspace: Workspace, source: Path) -> bool:
    # The folder decides, not where a link points: the link itself is what leaves.
    inbox = (workspace.root / "inbox").resolve()
    folder = source.parent.resolve()
    return folder == inbox or inbox in folder.parents


def _safe_name(source: Path) -> str:
    """The source's name; one that could be taken for the note beside it gets a prefix."""
    name = told_name(source)
    return f"paper-{name}" if name in ("reading.json", "reason.json", SEARCHABLE) else name
