"""Files that somebody put by hand where papers wait, lie in quarantine, or rest when they are filed.

No ingest looks there, so nobody would ever miss them: they are named until they are moved to the inbox.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from recordkit.archive.arrivals import OTHER_NAMES, done_folder, quarantine_folder, unmatched_folder
from recordkit.archive.retrying import list_quarantine
from recordkit.archive.waiting import list_unmatched
from recordkit.messages import Message, msg
from recordkit.workspace import Workspace

Room = Literal["unmatched", "quarantine", "done"]

_KEY = re.compile(r"[0-9a-f]{16}(\.\w+)?")
"""Names of the folders that the program makes."""


@dataclass(frozen=True, slots=True)
class Stray:
    """A file that no note names, in one of the store's rooms."""

    path: Path
    room: Room

    @property
    def todo(self) -> Message:
        """What to do about it."""
        return msg("no note says what it is; move it to inbox, and 'recordkit ingest' reads it")


def list_strays(workspace: Workspace, *rooms: Room) -> list[Stray]:
    """Files that no note names, sorted by path; of all rooms when none is named.

    In the folders of a day below ``done`` nothing is looked for: when their days are over, what the archive does not
    hold goes back to the inbox.
    """
    found: list[Stray] = []
    for room in rooms or ("unmatched", "quarantine", "done"):
        if room == "done":
            paths = list(_files_below(done_folder(workspace), passing=_is_a_day))
        elif room == "unmatched":
            known = {one.path for one in list_unmatched(workspace)}
            paths = [one for one in _files_below(unmatched_folder(workspace))
                     if one not in known and not _is_made(one, unmatched_folder(workspace))]
        else:
            kept = {path for one in list_quarantine(workspace) for path in (one.path, *one.twins)}
            paths = [one for one in _files_below(quarantine_folder(workspace))
                     if one not in kept and not _is_made(one, quarantine_folder(workspace))]
        found += [Stray(one, room) for one in sorted(paths)]
    return found


def _is_a_day(name: str) -> bool:
    """Whether a folder of ``inbox/done`` is one that a run made and will clear: a day that there is."""
    try:
        return date.fromisoformat(name.removeprefix("dropped-")).isoformat() == name.removeprefix("dropped-")
    except ValueError:
        return False


def _is_made(path: Path, room: Path) -> bool:
    """Whether it is a note or a copy beside a paper; one without paper is the leftover of a killed run."""
    return path.parent.parent == room and path.name in OTHER_NAMES and _KEY.fullmatch(path.parent.name) is not None


def _files_below(room: Path, passing: Callable[[str], bool] | None = None) -> Iterator[Path]:
    """Files of a room that are not hidden, without those in the folders right below it whose names pass."""
    for parent, folders, names in os.walk(room):
        here = Path(parent)
        folders[:] = [one for one in folders if not one.startswith(".")
                      and not (here == room and passing is not None and passing(one))]
        yield from (here / one for one in names if not one.startswith("."))
