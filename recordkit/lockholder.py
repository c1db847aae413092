"""Who holds a lock, for those who have to wait: a note beside the lock file, which only its holder writes.

The lock decides, never the note: one that a killed process left is read by nobody, since its lock is free.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from recordkit.messages import Message, msg

_LONGEST = 500


def holder_file(lock: Path) -> Path:
    """Where the note about the holder of a lock file stands."""
    return lock.with_name(lock.name + ".holder")


def holder_note(by: str, command: str) -> bytes:
    """What the holder writes: its process id, ``by`` whom and with which ``command``, of which the words alone.

    No arguments: those may name customers.
    """
    return json.dumps({"pid": os.getpid(), "by": by, "command": command}).encode()


def told_holder(lock: Path) -> Message:
    """That another process holds the lock of a store (``STORE/work/locks/NAME``), and which, as far as it says so."""
    store, note = str(lock.parents[2]), holder_file(lock)
    try:
        since = datetime.fromtimestamp(note.stat().st_mtime, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        with note.open("rb") as stream:
            said = json.loads(stream.read(_LONGEST))
        pid, by, command = int(said["pid"]), str(said["by"]), str(said["command"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return msg("Another process is writing to the store {store}.", store=store)
    if not (by + command).isprintable():
        return msg("Another process is writing to the store {store}.", store=store)
    return msg("Another process is writing to the store {store}: process {pid} of {by}, {command}, since {since}.",
               store=store, pid=pid, by=by or "?", command=command or "recordkit", since=since)
