"""The destroyable data of issued documents: packs of lines, one pack for each batch that was numbered together.

``issued/<pack>.jsonl`` holds one canonical JSON object a line; the ledger names pack and SHA-256 of the line. A batch
of five hundred documents costs one synced write instead of five hundred; destroying one document rewrites its pack
without its line.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from recordkit import files
from recordkit.errors import IntegrityFailure
from recordkit.messages import msg

FOLDER = "issued"


def pack_path(root: Path, pack: str) -> Path:
    """Where a pack lies.

    Raises:
        IntegrityFailure: the name could lead out of the folder; no pack has such a one.
    """
    if not re.fullmatch(r"(?!\.)[\w.-]+", pack):
        raise IntegrityFailure(msg("{pack} is no name of a pack of issue data.", pack=pack),
                               msg("The entry of the ledger that says so was forged; 'recordkit verify' tells more."))
    return root / FOLDER / f"{pack}.jsonl"


def write_pack(root: Path, pack: str, lines: Sequence[bytes]) -> None:
    """Write a new pack, durably; an act that names it may follow."""
    files.write_atomic(pack_path(root, pack), b"".join(line + b"\n" for line in lines), overwrite=True)


def read_line(root: Path, pack: str, digest: str) -> bytes | None:
    """One document's data; None when it was destroyed, or nothing in the pack has this digest."""
    path = pack_path(root, pack)
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    return _lines(path, state.st_mtime_ns, state.st_size, state.st_ino).get(digest)


def lines_of(root: Path, pack: str) -> Mapping[str, bytes]:
    """The lines of a pack by their digests; none where it is not there or cannot be read.

    Raises:
        IntegrityFailure: as ``pack_path``.
    """
    path = pack_path(root, pack)
    try:
        return _split(path.read_bytes())
    except OSError:
        return {}


def holds_line(root: Path, pack: str, issue_id: str, digest: str) -> bool:
    """Whether anything in the pack is, or could be, the data of this document."""
    try:
        lines = pack_path(root, pack).read_bytes().splitlines()
    except FileNotFoundError:
        return False
    return any(_could_be(line, issue_id, digest) for line in lines)


def remove_line(root: Path, pack: str, issue_id: str, digest: str) -> None:
    """Take one document's data out of its pack, durably; the pack goes with its last line. Harmless when it is gone.

    A line that nobody can read goes too: it could be this one, and called destroyed it must not be there.
    """
    path = pack_path(root, pack)
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return
    kept = [line for line in lines if not _could_be(line, issue_id, digest)]
    if not kept:
        files.remove_file(path)
    elif len(kept) < len(lines):
        files.write_atomic(path, b"".join(line + b"\n" for line in kept), overwrite=True)


def _could_be(line: bytes, issue_id: str, digest: str) -> bool:
    if hashlib.sha256(line).hexdigest() == digest:
        return True
    try:
        named = json.loads(line)["issue"]
    except (ValueError, KeyError, TypeError):
        return True
    return bool(named == issue_id)


def remove_pack(root: Path, pack: str) -> None:
    """Remove a pack of documents that were never issued."""
    files.remove_file(pack_path(root, pack))


@lru_cache(maxsize=4)
def _lines(path: Path, changed: int, size: int, inode: int) -> Mapping[str, bytes]:
    """Lines by digest. Issues are read in the order of their packs, so a few packs in memory serve thousands."""
    del changed, size, inode  # part of the key: a rewritten pack is read anew
    return _split(path.read_bytes())


def _split(data: bytes) -> dict[str, bytes]:
    return {hashlib.sha256(line).hexdigest(): line for line in data.split(b"\n") if line}
