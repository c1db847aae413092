"""Work in progress, announced on disk: what is about to be written before the ledger knows of it.

A process that is killed between the file and its ledger entry leaves an announcement. The next writer asks the
ledger's tables what became of the announced ids and clears what never came to be: no orphan object, no personal
data of a document that was never issued.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from recordkit import files


@contextmanager
def announced(root: Path, kind: str, ids: Sequence[str]) -> Iterator[None]:
    """Announce ``ids`` durably; withdrawn when the block ends well, kept for the next writer when it does not."""
    path = announce(root, kind, ids)
    yield
    withdraw(path)


def announce(root: Path, kind: str, ids: Sequence[str]) -> Path:
    """Announce ``ids`` durably, for work that ends elsewhere; ``withdraw`` takes the file."""
    path = _folder(root) / f"{kind}-{os.urandom(8).hex()}.json"
    files.write_atomic(path, json.dumps(list(ids)).encode())
    return path


def withdraw(path: Path) -> None:
    """Take an announcement back: its work is done."""
    files.remove_file(path)


def sweep(root: Path) -> None:
    """Clear announcements that were never finished, nor then acted upon; call under the store's lock."""
    files.remove_unfinished(_folder(root))


def unfinished(root: Path, kind: str) -> list[tuple[Path, list[str]]]:
    """Announcements of a kind that nobody withdrew, each with its file and ids; call under the store's lock."""
    found: list[tuple[Path, list[str]]] = []
    for path in sorted(_folder(root).glob(f"{kind}-*.json")):
        found.append((path, [str(one) for one in json.loads(path.read_bytes())]))
    return found


def _folder(root: Path) -> Path:
    return root / "work" / "pending"
