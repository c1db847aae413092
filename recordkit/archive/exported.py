"""Which records went out of the store as copies, when, by whom and to whom.

A copy outside the store cannot be recalled: a destruction does not reach it. So whoever looks at a record, also at one
that was destroyed since, is told that a copy exists elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from recordkit.model import Entry
from recordkit.notes import read_note
from recordkit.workspace import Workspace

ACT = "records.exported"


class GivenCopy(Struct, frozen=True):
    """A copy of one record that went out.

    Attributes:
        day: ISO date (UTC); ``actor`` whoever made it.
        receiver: id of the registered person who got it, or None.
        said: what was noted about it, as long as that exists: it goes with the record.
    """

    export_id: str
    day: str
    actor: str
    receiver: str | None
    said: str | None


def copies_of(workspace: Workspace, record_id: str) -> tuple[GivenCopy, ...]:
    """The copies of a record that went out, the oldest first."""
    rows = workspace.db.all(
        "SELECT e.export_id, e.day, e.actor, e.receiver, r.note FROM export_records r "
        "JOIN exports e ON e.export_id = r.export_id WHERE r.record_id = :id ORDER BY e.seq", {"id": record_id})
    found = []
    for row in rows:
        note = read_note(workspace.root, record_id, row["note"]) if row["note"] else None
        said = str(note["reason"]) if note and note.get("reason") else None
        found.append(GivenCopy(row["export_id"], row["day"], row["actor"], row["receiver"], said))
    return tuple(found)


def apply_entry(workspace: Workspace, entry: Entry) -> None:
    """Remember an export."""
    if entry.act != ACT:
        return
    body, records = entry.body, entry.body["records"]
    assert isinstance(records, Mapping)
    workspace.db.run(
        "INSERT OR REPLACE INTO exports VALUES (:export, :day, :actor, :receiver, :format, :digest, :records, :seq)",
        {"export": body["export"], "day": entry.time[:10], "actor": entry.actor, "receiver": body.get("to"),
         "format": body["format"], "digest": body["digest"], "records": len(records), "seq": entry.seq},
    )
    for record_id, note in records.items():
        workspace.db.run("INSERT OR IGNORE INTO export_records VALUES (:record, :export, :note)",
                         {"record": record_id, "export": body["export"], "note": note})
