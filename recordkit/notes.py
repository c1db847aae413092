"""Destroyable notes: free text (reasons, account scopes) that must not stand in the ledger.

A note lies in ``notes/<subject>/`` beside the record, issue or hold it belongs to and goes when its subject goes.
The ledger names it by a salted digest: while the note exists it can be proved, afterwards nothing can be guessed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from recordkit import files
from recordkit.model import canonical_json


def new_note(content: Mapping[str, object]) -> tuple[str, bytes]:
    """A note that is not on disk yet.

    Args:
        content: plain JSON values.

    Returns:
        The digest that the ledger may hold, SHA-256 over the note with its random salt, and the note's bytes.
    """
    data = canonical_json({"salt": os.urandom(16).hex(), "content": dict(content)})
    return hashlib.sha256(data).hexdigest(), data


def store_note(root: Path, subject: str, digest: str, data: bytes) -> None:
    """Put a note in its place, durably; an act that names it may follow.

    Raises:
        ValueError: the subject is no plain name and could lead out of the folder.
    """
    _require_subject(subject)
    files.write_atomic(root / "notes" / subject / f"{digest}.json", data, overwrite=True)


def store_notes(root: Path, notes: Sequence[tuple[str, str, bytes]], room: Path) -> None:
    """Put many notes (subject, digest, bytes) in their places, durably, synced together.

    ``room`` is a staging folder of the store. Killed in between, some are in place; whoever calls has announced them,
    or their subjects exist.

    Raises:
        ValueError: as ``store_note``.
    """
    moves: dict[Path, Path] = {}
    for subject, digest, data in notes:
        _require_subject(subject)
        folder, target = room / subject, root / "notes" / subject
        files.draft_file(files.draft_folder(folder) / f"{digest}.json", data)
        if target.is_dir():
            moves[folder / f"{digest}.json"] = target / f"{digest}.json"
        else:
            moves[folder] = target
    files.publish_trees(list(moves.items()))


def _is_subject(subject: str) -> bool:
    return re.fullmatch(r"(?!\.)[\w.-]+", subject) is not None


def _require_subject(subject: str) -> None:
    if not _is_subject(subject):
        raise ValueError(f"not a subject of notes: {subject!r}")


def read_note(root: Path, subject: str, digest: str) -> dict[str, object] | None:
    """The content of a note; None when it was destroyed, or is not what the digest says."""
    path = root / "notes" / subject / f"{digest}.json"
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    if hashlib.sha256(data).hexdigest() != digest:
        return None
    return note_content(data) or None


def note_content(data: bytes) -> dict[str, object]:
    """What the bytes of a note say, without its salt; nothing where they are no note of ours."""
    content = json.loads(data)["content"]
    return content if isinstance(content, dict) else {}


def remove_notes(root: Path, subject: str) -> None:
    """Remove every note of a subject; harmless when there is none.

    Nothing is removed under a name that could lead out of the folder: no note was ever stored there, and a name that
    stands in a forged entry must not remove what lies elsewhere.
    """
    if _is_subject(subject):
        files.remove_tree(root / "notes" / subject)


def note_folder(root: Path, subject: str) -> Path:
    """Where the notes of a subject lie."""
    return root / "notes" / subject
