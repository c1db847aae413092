"""Which records are written off as lost (遗失、损毁): registered by an administrator, confirmed by a second person.

A record whose bytes are gone stays a record: its code, its entries, its holds and its retention period go on, and what
is left of its object stays. Only what was registered as missing or changed no longer counts as a fault. What the
catalogue said of it lies in a note beside it, since its object may no longer say it; the note goes when the record is
destroyed. When a copy turns up, ``mend`` brings the record back and enters that, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from msgspec import Struct

from recordkit.archive import catalogue, milestones
from recordkit.archive.access import OPEN, access_of_all, clearance_of
from recordkit.archive.shown import read_metadata
from recordkit.db import Database, Row
from recordkit.errors import NotFound
from recordkit.messages import msg
from recordkit.model import Entry
from recordkit.notes import read_note
from recordkit.workspace import Workspace

REGISTERED, CONFIRMED, WITHDRAWN, ENDED = "loss.registered", "loss.confirmed", "loss.withdrawn", "loss.ended"


class LostRecord(Struct, frozen=True):
    """A record that is written off.

    Attributes:
        whole: nothing of its object could be vouched for; else ``files`` are those that are missing or changed, by
            their place in the object.
        day: ISO date (UTC) of the confirmation.
    """

    record_id: str
    loss_id: str
    whole: bool
    files: frozenset[str]
    day: str

    def covers(self, file: str) -> bool:
        """Whether it was registered that this file of the object is missing or changed; "" asks for the object."""
        return self.whole or file in self.files


class LossItem(Struct, frozen=True):
    """A record of a loss, as the manifest froze it.

    Attributes:
        files: each with ``file``, ``found`` (missing or changed) and ``expected`` (keyed digest, or null).
        holds: ids of the holds that were in force; ``order`` the open order of destruction that named it, or None.
        back: ISO date on which it was found whole again, or None.
        said: why, as long as the note exists.
    """

    record_id: str
    code: str
    version: int
    whole: bool
    files: tuple[Mapping[str, object], ...]
    holds: tuple[str, ...]
    order: str | None
    back: str | None
    said: str | None


class Loss(Struct, frozen=True):
    """A registered loss; days are ISO dates (UTC), people are ids.

    Attributes:
        digest: of the manifest's canonical JSON, which both have signed.
        copies: in how many copies the records were looked for.
        reason: why it was withdrawn, as long as the note exists.
        notes: digests of the notes that it names, lost beside records or alone.
    """

    loss_id: str
    digest: str
    copies: int
    registered: str
    registered_by: str
    confirmed: str | None
    confirmed_by: str | None
    withdrawn: str | None
    withdrawn_by: str | None
    reason: str | None
    items: tuple[LossItem, ...]
    notes: tuple[str, ...]

    @property
    def status(self) -> str:
        """``registered``, ``confirmed``, ``withdrawn``, or ``found`` when every record is back."""
        if self.withdrawn:
            return "withdrawn"
        if not self.confirmed:
            return "registered"
        return "found" if self.items and not self.notes and all(one.back for one in self.items) else "confirmed"


_IN_FORCE = ("SELECT l.*, s.confirmed FROM lost_records l JOIN losses s ON s.loss_id = l.loss_id JOIN records r "
             "ON r.record_id = l.record_id WHERE l.is_in_force = 1 AND r.status = 'active'")


def lost_records(db: Database) -> dict[str, LostRecord]:
    """All records that are written off now, by id; none of them was destroyed or is back."""
    return {row["record_id"]: _lost(row) for row in db.all(_IN_FORCE)}


def lost_notes(db: Database) -> frozenset[str]:
    """Digests of the notes that are written off; one that is in its place again is in this set, too."""
    return frozenset(str(row["digest"]) for row in db.each("SELECT digest FROM lost_notes WHERE is_in_force = 1"))


def loss_of(db: Database, record_id: str) -> LostRecord | None:
    """As what a record is written off now; None for a record that is not."""
    row = db.one(f"{_IN_FORCE} AND l.record_id = :id", {"id": record_id})
    return None if row is None else _lost(row)


def _lost(row: Row) -> LostRecord:
    return LostRecord(row["record_id"], row["loss_id"], bool(row["whole"]), frozenset(json.loads(row["files"])),
                      row["confirmed"])


def loss_remark(lost: LostRecord) -> str:
    """What 备注 of a printed list says of a record that is written off: Chinese in every language."""
    return f"{'遗失' if lost.whole else '损毁'}，见遗失登记{lost.loss_id}"


def with_losses(db: Database, remarks: Mapping[str, str]) -> dict[str, str]:
    """Remarks of records, by their ids, for printed lists, and behind them which records are written off."""
    found = dict(remarks)
    for record_id, lost in lost_records(db).items():
        before = f"{found[record_id]}；" if record_id in found else ""
        found[record_id] = before + loss_remark(lost)
    return found


def waiting_losses(db: Database) -> list[str]:
    """Ids of the losses that nobody has confirmed or withdrawn yet."""
    rows = db.all("SELECT loss_id FROM losses WHERE confirmed IS NULL AND withdrawn IS NULL ORDER BY seq")
    return [str(row["loss_id"]) for row in rows]


def find_loss(workspace: Workspace, loss_id: str) -> Loss:
    """The loss of this id.

    Raises:
        NotFound: there is none.
    """
    row = workspace.db.one("SELECT * FROM losses WHERE loss_id = :id", {"id": loss_id.strip()})
    if row is None:
        raise NotFound(msg("There is no registered loss {loss}.", loss=loss_id),
                       msg("'recordkit lost list' shows them all."))
    return _loss(workspace, row)


def list_losses(workspace: Workspace) -> list[Loss]:
    """Every loss that was ever registered, the oldest first."""
    return [_loss(workspace, row) for row in workspace.db.all("SELECT * FROM losses ORDER BY seq")]


def _loss(workspace: Workspace, row: Row) -> Loss:
    """Reasons are free text, typed once for all records: they are kept from whoever may not see one of these."""
    manifest = json.loads(row["manifest"])
    states = {one["record_id"]: one for one in workspace.db.all(
        "SELECT * FROM lost_records WHERE loss_id = :id", {"id": row["loss_id"]})}
    notes = (read_note(workspace.root, one["record_id"], one["withdrawal"]) for one in states.values()
             if one["withdrawal"])
    said = next((str(note["reason"]) for note in notes if note and note.get("reason")), None)
    shown = clearance_of(workspace).full or access_of_all(workspace.db, states) == OPEN
    return Loss(row["loss_id"], row["digest"], manifest["copies"], row["registered"], row["registered_by"],
                row["confirmed"], row["confirmed_by"], row["withdrawn"], row["withdrawn_by"],
                said if shown else None,
                tuple(_item(workspace, one, states[one["record"]], shown=shown) for one in manifest["items"]),
                tuple(str(one["note"]) for one in manifest["notes"]))


def _item(workspace: Workspace, plain: Mapping[str, object], state: Row, *, shown: bool) -> LossItem:
    note = read_note(workspace.root, state["record_id"], state["note"]) if shown else None
    files, holds = plain["files"], plain["holds"]
    assert isinstance(files, list) and isinstance(holds, list)
    order = plain["order"]
    return LossItem(
        state["record_id"], str(plain["code"]), int(str(plain["version"])), bool(plain["whole"]), tuple(files),
        tuple(map(str, holds)), None if order is None else str(order), state["found"],
        str(note["reason"]) if note and note.get("reason") else None)


def next_loss_id(db: Database, year: int) -> str:
    """Such as ``L2026-0001``; never used again."""
    row = db.one("SELECT max(serial) AS last FROM losses WHERE year = :year", {"year": year})
    return f"L{year}-{1 + int(row['last'] or 0) if row is not None else 1:04}"


def catalogued_note(workspace: Workspace, record: catalogue.Record, reason: str) -> dict[str, object]:
    """What the note beside a lost record keeps: why, and what the catalogue says of it."""
    rows = workspace.db.all("SELECT account, is_current FROM record_accounts WHERE record_id = :id ORDER BY account",
                            {"id": record.record_id})
    return {"reason": reason, "metadata": dict(record.metadata),
            "accounts": {row["account"]: row["is_current"] for row in rows}}


def apply_entry(workspace: Workspace, entry: Entry) -> None:
    """Losses, step by step."""
    if not entry.act.startswith("loss."):
        return
    db, body, day = workspace.db, entry.body, entry.time[:10]
    loss = {"id": body["loss"], "day": day, "by": body.get("by")}
    if entry.act == REGISTERED:
        _insert(db, entry)
    elif entry.act == CONFIRMED:
        db.run("UPDATE losses SET confirmed = :day, confirmed_by = :by WHERE loss_id = :id", loss)
        db.run("UPDATE lost_records SET is_in_force = 1 WHERE loss_id = :id", {"id": body["loss"]})
        db.run("UPDATE lost_notes SET is_in_force = 1 WHERE loss_id = :id", {"id": body["loss"]})
        for row in db.all("SELECT record_id, note FROM lost_records WHERE loss_id = :id ORDER BY position",
                          {"id": body["loss"]}):
            _recall(workspace, row["record_id"], row["note"])
    elif entry.act == WITHDRAWN:
        db.run("UPDATE losses SET withdrawn = :day, withdrawn_by = :by WHERE loss_id = :id", loss)
        notes = body["records"]
        for record_id, note in notes.items() if isinstance(notes, Mapping) else ():
            db.run("UPDATE lost_records SET withdrawal = :note WHERE loss_id = :id AND record_id = :record",
                   {"id": body["loss"], "record": record_id, "note": note})
    elif entry.act == ENDED:
        db.run("UPDATE lost_records SET is_in_force = 0, found = :day WHERE loss_id = :id AND record_id = :record",
               {"id": body["loss"], "day": day, "record": body["record"]})
        _read_again(workspace, str(body["record"]))


def _insert(db: Database, entry: Entry) -> None:
    body = entry.body
    statement, manifest, records = body["statement"], body["manifest"], body["records"]
    assert isinstance(statement, Mapping) and isinstance(manifest, Mapping) and isinstance(records, Mapping)
    year, _, serial = str(body["loss"])[1:].partition("-")
    db.insert("losses", {
        "loss_id": body["loss"], "year": int(year), "serial": int(serial), "digest": statement["digest"],
        "manifest": json.dumps(manifest, ensure_ascii=False), "registered": entry.time[:10],
        "registered_by": body["by"], "seq": entry.seq,
    })
    for position, item in enumerate(_items(manifest)):
        names = [str(one["file"]) for one in _mappings(item["files"])]
        db.insert("lost_records", {
            "record_id": item["record"], "loss_id": body["loss"], "position": position,
            "note": records[item["record"]], "withdrawal": None, "whole": int(bool(item["whole"])),
            "files": json.dumps(sorted(names)), "is_in_force": 0, "found": None,
        })
    for note in _mappings(manifest["notes"]):
        db.insert("lost_notes", {"digest": note["note"], "loss_id": body["loss"], "is_in_force": 0})


def _items(manifest: Mapping[str, object]) -> list[Mapping[str, object]]:
    return _mappings(manifest["items"])


def _mappings(value: object) -> list[Mapping[str, object]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, Iterable) else []


def _recall(workspace: Workspace, record_id: str, note: str) -> None:
    """Where the object no longer says what the record is, the catalogue has it from the note."""
    record = catalogue.get_record(workspace.db, record_id)
    if record is None or record.status != "active" or record.metadata:
        return
    content = read_note(workspace.root, record_id, note) or {}
    metadata, accounts = content.get("metadata"), content.get("accounts")
    if isinstance(metadata, Mapping) and metadata:
        known = {str(one): int(str(now)) for one, now in accounts.items()} if isinstance(accounts, Mapping) else {}
        catalogue.show_metadata(workspace.db, record_id, metadata, known)
        milestones.record_changed(workspace, record_id)


def _read_again(workspace: Workspace, record_id: str) -> None:
    """A record that is back: what its object says counts, not what was noted of it."""
    record = catalogue.get_record(workspace.db, record_id)
    if record is None or record.status != "active":
        return
    try:
        metadata = read_metadata(catalogue.objects_of(workspace), record_id, record.version)
    except OSError:
        return
    if metadata is not None and metadata != record.metadata:  # None: lost once more since; the row keeps what it says
        catalogue.show_metadata(workspace.db, record_id, metadata)
        milestones.record_changed(workspace, record_id)
