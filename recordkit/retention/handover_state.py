"""A handover as the ledger tells it, step by step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from recordkit.db import Database, Row
from recordkit.errors import NotFound
from recordkit.messages import msg
from recordkit.model import Entry
from recordkit.notes import read_note
from recordkit.workspace import Workspace

Status = Literal["proposed", "accepted", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Handover:
    """A handover as the ledger tells it.

    Attributes:
        manifest: what was signed; ``digest`` of its canonical JSON.
        proposer, receiver: ids of persons; days are ISO dates (UTC).
        note: what the outgoing archivist said, ``reason`` why it was withdrawn, as long as the notes exist.
        proposed_key, accepted_key: raw public keys of the signatures.
        record: id of the filed protocol.
    """

    handover_id: str
    digest: str
    manifest: Mapping[str, object]
    proposer: str
    receiver: str
    proposed: str
    proposed_key: str
    proposed_signature: str
    accepted: str | None = None
    accepted_key: str | None = None
    accepted_signature: str | None = None
    record: str | None = None
    withdrawn: str | None = None
    withdrawn_by: str | None = None
    note: str | None = None
    reason: str | None = None
    seq: int = 0

    @property
    def status(self) -> Status:
        """Where it stands."""
        return "withdrawn" if self.withdrawn else "accepted" if self.accepted else "proposed"


def find_handover(workspace: Workspace, handover_id: str) -> Handover:
    """The handover of this id.

    Raises:
        NotFound: there is none.
    """
    row = workspace.db.one("SELECT * FROM handovers WHERE handover_id = :id", {"id": handover_id.strip()})
    if row is None:
        raise NotFound(msg("There is no handover {handover}.", handover=handover_id),
                       msg("'recordkit handover list' shows them all."))
    return _handover(workspace, row)


def list_handovers(workspace: Workspace) -> list[Handover]:
    """Every handover, the oldest first."""
    return [_handover(workspace, row) for row in workspace.db.all("SELECT * FROM handovers ORDER BY seq")]


def next_handover_id(db: Database, year: int) -> str:
    """Such as ``J2026-0001``; never used again."""
    (row,) = db.all("SELECT coalesce(max(serial), 0) + 1 AS next FROM handovers WHERE year = :year", {"year": year})
    return f"J{year}-{row['next']:04}"


def _handover(workspace: Workspace, row: Row) -> Handover:
    def said(digest: str | None) -> str | None:
        note = read_note(workspace.root, row["handover_id"], digest) if digest else None
        return str(note["reason"]) if note and note.get("reason") else None

    return Handover(
        row["handover_id"], row["digest"], json.loads(row["manifest"]), row["proposer"], row["receiver"],
        row["proposed"], row["proposed_key"], row["proposed_signature"], row["accepted"], row["accepted_key"],
        row["accepted_signature"], row["record"], row["withdrawn"], row["withdrawn_by"], said(row["note"]),
        said(row["reason"]), row["seq"],
    )


def apply_entry(workspace: Workspace, entry: Entry) -> None:
    """Handovers, step by step."""
    if not entry.act.startswith("handover."):
        return
    db, body, day = workspace.db, entry.body, entry.time[:10]
    statement: Any = body["statement"]
    values = {"id": body["handover"], "day": day, "key": body["key"], "signature": body["signature"]}
    if entry.act == "handover.proposed":
        year, _, serial = str(body["handover"])[1:].partition("-")
        db.insert("handovers", {
            "handover_id": body["handover"], "year": int(year), "serial": int(serial), "digest": statement["digest"],
            "manifest": json.dumps(body["manifest"], ensure_ascii=False), "proposer": body["by"],
            "receiver": statement["to"], "proposed": day, "note": body.get("note"), "proposed_key": body["key"],
            "proposed_signature": body["signature"], "seq": entry.seq,
        })
    elif entry.act == "handover.accepted":
        db.run("UPDATE handovers SET accepted = :day, accepted_key = :key, accepted_signature = :signature, "
               "record = :record WHERE handover_id = :id", {**values, "record": body.get("record")})
    else:
        db.run("UPDATE handovers SET withdrawn = :day, withdrawn_by = :by, reason = :reason WHERE handover_id = :id",
               {"id": body["handover"], "day": day, "by": body["by"], "reason": statement.get("note")})
