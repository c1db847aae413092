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
    """Put a paper that cannot be filed aside, with the reason and its stable code word.

    One that lies there already stays as it was; only a new reason is noted.
    """
    folder = quarantine_folder(workspace) / paper.digests.sha256[:16]
    if _is_quarantined(workspace, paper.source):
        folder = paper.source.parent
        if code in (_noted_reason(folder), "wrong-password"):
            return
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
    copies: Mapping[str, Path] | None = None,
) -> None:
    """Let a paper wait for a person, with all that reading it brought; ``copies`` are files made of it, by name."""
    folder = unmatched_folder(workspace) / paper.digests.sha256[:16]
    note = {
        "name": _safe_name(paper.source),
        "sha256": paper.digests.sha256,
        "findings": [str(one.message) for one in findings],
        "pages": [plain_page(text) for text in texts],
        "facts": dict(facts),
        "copies": sorted(copies or ()),
    }
    for name, copy in (copies or {}).items():
        if not (folder / name).exists():
            files.publish(copy, folder / name)
    _keep(workspace, folder, paper, "reading.json", note)


def unmatched_folder(workspace: Workspace) -> Path:
    """Where papers wait for a person, each in a folder named by its bytes."""
    return workspace.root / "inbox" / "unmatched"


def quarantine_folder(workspace: Workspace) -> Path:
    """Where papers lie that could not be read, each in a folder named by its bytes."""
    return workspace.root / "quarantine"


def leave_quarantine(workspace: Workspace, paper: StagedPaper) -> None:
    """Clear away a paper that is no longer in quarantine, unless it was written to since it was read."""
    if not _is_quarantined(workspace, paper.source) or not paper.is_still_as_read():
        return
    folder = paper.source.parent
    others = [one for one in folder.iterdir() if one.name not in (paper.source.name, "reason.json")]
    if all(one.is_file() and files.digests_of(one) == paper.digests for one in others):
        files.remove_tree(folder)
    else:
        files.remove_file(paper.source)


def _is_quarantined(workspace: Workspace, source: Path) -> bool:
    return source.parent.resolve().parent == quarantine_folder(workspace).resolve()


def _noted_reason(folder: Path) -> str | None:
    try:
        note = json.loads((folder / "reason.json").read_bytes())
    except (OSError, ValueError):
        return None
    return str(note.get("reason")) if isinstance(note, dict) else None


def forget_waiting(workspace: Workspace, digests: files.Digests, source: Path | None = None) -> None:
    """Clear where a paper waited, or lay in quarantine, until somebody said where it belongs.

    A quarantine that holds ``source`` itself is left to ``leave_quarantine``: other documents in that file may not be
    settled yet.
    """
    for place in (unmatched_folder(workspace), quarantine_folder(workspace)):
        folder = place / digests.sha256[:16]
        if source is None or source.parent != folder or place != quarantine_folder(workspace):
            files.remove_tree(folder)


def plain_page(text: PageText) -> dict[str, object]:
    """One page of text.json."""
    return {
        "page": text.page,
        "text": text.text,
        "source": text.source,
        "engine": text.engine,
        "confidence": text.confidence,
        "turned": text.turned,
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
    if folder == paper.source.parent:
        return
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
    """The source's name; one that could be taken for what lies beside it gets a prefix."""
    name = told_name(source)
    return f"paper-{name}" if name in _OTHER_NAMES else name


_OTHER_NAMES = frozenset({"reading.json", "reason.json", "repaired.pdf", "decrypted.pdf", "searchable.pdf"})
