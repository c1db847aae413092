"""Which retention schedule the ledger has seen, and the versions of it that are kept.

A schedule is edited as a file. The ledger names its digest when the store is made, with every order of destruction
and when the office adopts it; the bytes of every version so named are kept below ``forms/versions``. So a change can
be told, with what it moves, and nobody has to trust that the file of today is the one that was approved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from recordkit import files
from recordkit.archive.classes import FILE_NAME, Scheme, load_scheme, parse_scheme
from recordkit.db import Database
from recordkit.errors import RefusedByRule
from recordkit.messages import msg
from recordkit.model import Entry
from recordkit.retention.schedule import shipped_schedule
from recordkit.workspace import Workspace


@dataclass(frozen=True, slots=True)
class SeenSchedule:
    """The schedule that the ledger named last: SHA-256, day (ISO) and act of the entry."""

    digest: str
    day: str
    act: str


def last_seen(db: Database) -> SeenSchedule | None:
    """What the ledger named last; None in a store that has named none."""
    row = db.one("SELECT digest, day, act FROM schedules_seen ORDER BY seq DESC LIMIT 1")
    return None if row is None else SeenSchedule(row["digest"], row["day"], row["act"])


def kept_schedule(root: Path, digest: str) -> Scheme | None:
    """The schedule of this digest, where it was kept; None where it was not, or is not what it was."""
    try:
        data = _kept_file(root, digest).read_bytes()
    except OSError:
        return None
    if hashlib.sha256(data).hexdigest() != digest:
        return None
    return parse_scheme(data, _kept_file(root, digest).name)


def seen_scheme(workspace: Workspace) -> tuple[SeenSchedule | None, Scheme | None]:
    """What the ledger named last and its schedule; in a store that has named none, the shipped one counts as seen."""
    seen = last_seen(workspace.db)
    if seen is None:
        return None, parse_scheme(shipped_schedule(), FILE_NAME)
    return seen, kept_schedule(workspace.root, seen.digest)


def is_changed(workspace: Workspace) -> bool:
    """Whether ``retention.toml`` is another one than the ledger named last."""
    seen = last_seen(workspace.db)
    known = hashlib.sha256(shipped_schedule()).hexdigest() if seen is None else seen.digest
    return load_scheme(workspace.root).digest != known


def keep_schedule(root: Path) -> str:
    """Keep the bytes of ``retention.toml`` under their digest, before an entry names it; the digest."""
    data = (root / FILE_NAME).read_bytes()
    return _keep(root, data)


def adopt_schedule(workspace: Workspace, data: bytes | None = None, name: str = FILE_NAME) -> str:
    """Enter the schedule in the ledger; with ``data`` that becomes ``retention.toml`` first.

    Killed in between, the file is the new one and the ledger has not seen it: the next call enters it.

    Returns:
        Its digest.

    Raises:
        InputRefused: it cannot be used; ``name`` appears in the message.
        RefusedByRule: the ledger knows it as the one in force.
    """
    scheme = load_scheme(workspace.root) if data is None else parse_scheme(data, name)
    with workspace.writing() as writer:
        seen = last_seen(workspace.db)
        if seen is not None and seen.digest == scheme.digest == load_scheme(workspace.root).digest:
            raise RefusedByRule(
                msg("The ledger has named this schedule on {day} as the one in force.", day=seen.day),
                msg("There is nothing to adopt; 'recordkit retention schedule show' prints it."),
            )
        if not workspace.rehearsing:
            keep_schedule(workspace.root)  # what was in force, too: else nobody could tell what moved
            if data is not None:
                _keep(workspace.root, data)
                files.write_atomic(workspace.root / FILE_NAME, data, overwrite=True)
        writer.add("schedule.adopted", {"digest": scheme.digest, "before": seen.digest if seen else None})
        writer.commit()
    return scheme.digest


def _keep(root: Path, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    path = _kept_file(root, digest)
    if not path.is_file() or path.read_bytes() != data:
        files.write_atomic(path, data, overwrite=True)
    return digest


def _kept_file(root: Path, digest: str) -> Path:
    return root / "forms" / "versions" / digest / FILE_NAME


# --- projection -------------------------------------------------------------------------------------------------


def apply_entry(workspace: Workspace, entry: Entry) -> None:
    """Bring the tables on by one entry; see ``workspace.Projection``."""
    digest: object = None
    if entry.act == "store.created":
        digest = entry.body.get("schedule")
    elif entry.act == "schedule.adopted":
        digest = entry.body.get("digest")
    elif entry.act == "order.proposed":
        manifest = entry.body.get("manifest")
        digest = manifest.get("schedule") if isinstance(manifest, Mapping) else None
    if digest:
        workspace.db.insert("schedules_seen", {"seq": entry.seq, "digest": str(digest), "day": entry.time[:10],
                                               "act": entry.act})
