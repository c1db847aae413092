"""Copies of the next sources in a staging folder, as many as are read and carried out together."""

from __future__ import annotations

import errno
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from recordkit import files
from recordkit.archive.arrivals import StagedPaper, state_of, told_name
from recordkit.messages import Message, msg

_MOST_BYTES = 1 << 29
"""Staged together at most: few enough to fit on a small disk."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A source that cannot be read; it stays where it is, since it cannot be copied to quarantine either."""

    source: Path
    reason: Message


def stage_window(left: deque[Path], staging: Path, most: int) -> list[StagedPaper | Unreadable]:
    """Take sources from the left of ``left`` and copy them; at most ``most``, and no more than fit.

    A source that another run has taken meanwhile is passed over. Where the disk is full after some copies, those are
    returned: carrying them out makes room for the others.

    Raises:
        OSError: the staging folder cannot be written to (disk full, read-only); the sources lie where they were.
    """
    staged: list[StagedPaper | Unreadable] = []
    room = _MOST_BYTES
    while left and len(staged) < most and room > 0:
        source = left.popleft()
        copy = staging / f"{len(left):08}.pdf"
        try:
            paper = stage(source, copy, durable=False)
        except OSError as error:
            if is_ours(error, staging):
                files.remove_file(copy)
                if not staged or not files.is_full(error):
                    raise
                left.appendleft(source)
                break
            if not source.exists():
                continue
            staged.append(Unreadable(source, msg("{file} cannot be read: {error}", file=told_name(source),
                                                 error=error.strerror or str(error))))
            continue
        room -= paper.digests.size
        staged.append(paper)
    return staged


def stage(source: Path, copy: Path, *, durable: bool = True) -> StagedPaper:
    """A source with its copy; ``durable`` as for ``files.copy_with_digests``.

    Raises:
        OSError: the source cannot be read, or the copy cannot be written.
    """
    state = state_of(source)
    return StagedPaper(source, copy, files.copy_with_digests(source, copy, durable=durable), state)


def is_ours(error: OSError, staging: Path) -> bool:
    """Whether a copy in the staging folder could not be written, which says nothing about its source."""
    is_there = error.filename is not None and staging in Path(error.filename).parents
    return files.is_full(error) or error.errno == errno.EROFS or is_there
