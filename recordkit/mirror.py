"""Copies of files in another folder that are brought up to date, not made anew."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from recordkit import files


def mirror_file(source: Path, target: Path) -> int | None:
    """Make ``target`` a copy of ``source`` with its time; None when size and time say that it is one already.

    It appears whole or not at all, and is not synced: after a power cut its size differs, and the next call copies it
    again. ``sync_tree`` makes many of them durable at once.

    Returns:
        The number of bytes copied.

    Raises:
        FileNotFoundError: there is no such source.
    """
    state = source.stat()
    if is_mirrored(source, target):
        return None
    files.draft_folder(target.parent)
    draft = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        size = files.copy_with_digests(source, draft, durable=False).size
        os.utime(draft, ns=(state.st_atime_ns, state.st_mtime_ns))
        files.draft_move(draft, target)
    finally:
        if draft.exists():
            files.remove_file(draft)
    return size


def is_mirrored(source: Path, target: Path) -> bool:
    """Whether ``target`` has size and time of ``source``.

    Raises:
        FileNotFoundError: there is no such source.
    """
    state = source.stat()
    try:
        there = target.stat()
    except FileNotFoundError:
        return False
    return (there.st_size, there.st_mtime_ns) == (state.st_size, state.st_mtime_ns)


def sync_tree(folder: Path) -> None:
    """Make durable what lies below ``folder``; in one go where the system can (POSIX), else file by file."""
    if hasattr(os, "sync"):
        os.sync()
        return
    for parent, _, names in os.walk(folder):
        for name in names:
            with Path(parent, name).open("rb+") as handle:
                os.fsync(handle.fileno())


def sweep(folder: Path) -> None:
    """Remove what a killed run left half written or half removed below ``folder``."""
    for parent, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            if name.startswith(".") and name.endswith((".tmp", ".gone")):
                path = Path(parent, name)
                if path.is_dir():
                    files.remove_tree(path)
                else:
                    files.remove_file(path)
