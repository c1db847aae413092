"""Where paper originals stand: boxes (盒号) with the place they were put (库位), and what lies in them.

A record says in which box it lies. Where the box stands is one entry for the box, however many records are in it. A
record may name a place of its own, which then counts: a drawing too large for the box. The place itself is free text
and lies in a note that can be destroyed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct

from recordkit.archive.catalogue import Record, record_of, records_in_box
from recordkit.archive.metadata import BY_KEY, read_value
from recordkit.archive.selection import TERM, longest_first
from recordkit.db import Database
from recordkit.errors import InputRefused, NotFound
from recordkit.messages import msg
from recordkit.model import Entry, same_account
from recordkit.notes import read_note, remove_notes
from recordkit.workspace import Workspace


class BoxPlace(Struct, frozen=True):
    """Where a box was put last: shelf (None when the note is gone), moment (ISO 8601 UTC) and who entered it."""

    box: str
    shelf: str | None
    placed: str
    actor: str


class PaperPlace(Struct, frozen=True):
    """Where the paper of a record is.

    Attributes:
        box: number of its box, or None.
        shelf: where it stands: what the record itself says, else where its box stands.
        box_shelf: where its box stands, when the record says another place of its own; else None.
    """

    box: str | None
    shelf: str | None
    box_shelf: str | None = None


class BoxContent(Struct, frozen=True):
    """What lies in a box.

    Attributes:
        records, pages: of the active records in it.
        years: of their archival codes, each once, in order.
        periods: of their codes, or what an older archive wrote (长期), each once, the longest first.
        runs: first and last record of each scope in which item numbers run, in order.
        place: where it stands, when somebody has said so.
    """

    box: str
    records: int
    pages: int
    years: tuple[int, ...]
    periods: tuple[str, ...]
    runs: tuple[tuple[Record, Record], ...]
    place: BoxPlace | None


def apply_entry(workspace: Workspace, entry: Entry) -> None:
    """Places of boxes."""
    if entry.act == "box.placed":
        box, note = str(entry.body["box"]), str(entry.body["note"])
        said = read_note(workspace.root, subject_of(box), note)
        workspace.db.insert("boxes", {
            "box": box, "shelf": None if said is None else said.get("shelf"), "note": note, "seq": entry.seq,
            "placed": entry.time, "actor": entry.actor})
    elif entry.act == "box.forgotten":
        workspace.db.run("DELETE FROM boxes WHERE box = :box", {"box": str(entry.body["box"])})


def subject_of(box: str) -> str:
    """The subject of a box's notes: its number may hold characters that no folder may."""
    return f"box-{hashlib.sha256(same_account(box).encode()).hexdigest()[:16]}"


def place_box(workspace: Workspace, box: str, shelf: str, reason: str = "") -> bool:
    """Say where a box stands from now on; False when it stands there already.

    Raises:
        InputRefused: the number or the place is empty or too long.
    """
    if not same_account(box):
        raise InputRefused(msg("A box needs a number."))
    number = same_account(str(read_value(BY_KEY["box"], box)))
    place = read_value(BY_KEY["shelf"], shelf)
    if not place:
        raise InputRefused(msg("Say where the box stands: --shelf PLACE."))
    with workspace.writing() as writer:
        now = place_of(workspace.db, number)
        if now is not None and now.shelf == place:
            return False
        note = writer.note(subject_of(number), {"shelf": place, **({"reason": reason} if reason.strip() else {})})
        writer.add("box.placed", {"box": number, "note": note})
        writer.commit()
    return True


def place_of(db: Database, box: str) -> BoxPlace | None:
    """Where a box stands; None when nobody has said."""
    row = db.one("SELECT * FROM boxes WHERE box = :box", {"box": same_account(box)})
    return None if row is None else BoxPlace(row["box"], row["shelf"], row["placed"], row["actor"])


def paper_place(db: Database, record: Record) -> PaperPlace:
    """Where the paper of a record is; its own place wins over that of its box."""
    box, own = (str(record.metadata[key]) if record.metadata.get(key) else None for key in ("box", "shelf"))
    stands = place_of(db, box) if box else None
    shelf = stands.shelf if stands is not None else None
    if own is None:
        return PaperPlace(box, shelf)
    return PaperPlace(box, own, shelf if shelf is not None and shelf != own else None)


def list_boxes(db: Database) -> list[str]:
    """Numbers of all boxes that hold a record or were put somewhere, numbers in them counted as numbers."""
    # A step from box to box along the index: the cost grows with the boxes, not with what lies in them.
    rows = db.all(
        "WITH RECURSIVE each(box) AS (SELECT min(box) FROM records WHERE box IS NOT NULL UNION ALL "
        "SELECT (SELECT min(r.box) FROM records r WHERE r.box > each.box) FROM each WHERE each.box IS NOT NULL) "
        "SELECT box FROM each WHERE box IS NOT NULL UNION SELECT box FROM boxes")
    return sorted((str(row["box"]) for row in rows), key=_by_number)


def _by_number(text: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.findall(r"\d+|\D+", text)]


def content_of(db: Database, box: str) -> BoxContent:
    """What lies in a box, and where it stands.

    Raises:
        NotFound: nothing lies in it and nobody has put it anywhere.
    """
    number = same_account(box)
    place = place_of(db, number)
    sums = db.one("SELECT count(*) AS n, coalesce(sum(pages), 0) AS pages FROM records WHERE box = :box "
                  "AND status = 'active'", {"box": number})
    if place is None and (sums is None or not sums["n"]):
        near = [one for one in list_boxes(db) if one.lstrip("0") == number.lstrip("0")]
        raise NotFound(msg("No record lies in box {box}.", box=box),
                       msg("Did you mean {near}?", near=near[0]) if near else msg("'recordkit box list' lists them."))
    kinds = db.all(f"SELECT DISTINCT year, {TERM} AS period FROM records WHERE box = :box "
                   "AND status = 'active'", {"box": number})
    scopes = db.all("SELECT scope, min(serial) AS low, max(serial) AS high FROM records WHERE box = :box "
                    "AND status = 'active' GROUP BY scope ORDER BY scope", {"box": number})
    runs: list[tuple[Record, Record]] = []
    for scope in scopes:
        first, last = (db.one("SELECT * FROM records WHERE scope = :scope AND serial = :serial AND box = :box "
                              "AND status = 'active'", {"scope": scope["scope"], "serial": scope[end], "box": number})
                       for end in ("low", "high"))
        if first is not None and last is not None:
            runs.append((record_of(first), record_of(last)))
    return BoxContent(
        number, int(sums["n"]) if sums else 0, int(sums["pages"]) if sums else 0,
        tuple(sorted({int(row["year"]) for row in kinds})),
        tuple(sorted({str(row["period"]) for row in kinds}, key=longest_first)),
        tuple(runs), place)


def contents_of(db: Database, boxes: Sequence[str]) -> list[BoxContent]:
    """``content_of`` each."""
    return [content_of(db, box) for box in boxes]


def emptied_by(db: Database, records: Collection[str]) -> list[str]:
    """Boxes that were put somewhere and in which nothing is left once these records are gone."""
    found: set[str] = set()
    for record_id in records:
        row = db.one("SELECT box FROM records JOIN boxes USING (box) WHERE record_id = :id", {"id": record_id})
        if row is not None:
            found.add(str(row["box"]))
    return [box for box in sorted(found) if set(records_in_box(db, box)) <= set(records)]


def left_empty(db: Database, boxes: Iterable[object]) -> list[str]:
    """Those of these boxes that stand somewhere, and in which nothing lies."""
    numbers = {same_account(str(one)) for one in boxes if one}
    return [one for one in sorted(numbers) if place_of(db, one) is not None and not records_in_box(db, one)]


def forget_places(workspace: Workspace, boxes: Collection[str]) -> None:
    """Destroy what was said of where boxes stand, and why; that they were put somewhere stays in the ledger.

    Raises:
        OSError: a note could not be removed.
    """
    for box in boxes:
        remove_notes(workspace.root, subject_of(box))
        workspace.db.run("UPDATE boxes SET shelf = NULL WHERE box = :box", {"box": box})
