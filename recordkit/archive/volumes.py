"""Volumes (案卷): records that are kept together, those of one account or of one project, and what is said of them.

What the ledger knows of a volume is its id, its archival code, which records it has and where they lie in it. Its
title, the account, and what the 备考表 says are destroyable notes of the volume; they go with its last record.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from recordkit import pending
from recordkit.archive.catalogue import Record, record_of
from recordkit.db import Database, Row
from recordkit.errors import NotFound
from recordkit.messages import Message, msg
from recordkit.model import Entry, same_account
from recordkit.notes import read_note, remove_notes
from recordkit.workspace import Workspace

if TYPE_CHECKING:
    from recordkit.archive.access import Clearance

PENDING = "volumes"
"""Kind of announcement for ids of volumes whose notes are about to be written."""
Kind = Literal["account", "project"]
_PAGE = 1000


class Remarks(Struct, frozen=True):
    """What the 备考表 of a volume says: 情况说明, 整理人 and date, 检查人 and date."""

    situation: str = ""
    arranged_by: str = ""
    arranged_on: date | None = None
    checked_by: str = ""
    checked_on: date | None = None


class Volume(Struct, frozen=True):
    """One volume.

    Attributes:
        code: archival code of the volume (案卷号), never reassigned.
        title: "" once its last record is destroyed; then account and remarks are gone, too.
        account: whose papers it holds, in the form in which accounts are compared; None for a project.
        record_class: id of the only class that it takes; None for any.
        opened: day on which it was begun; ``closed`` day from which it takes nothing more.
        records: how many active ones it holds; ``destroyed`` how many of its records are destroyed.
        pages, first, last: sum of the pages, and earliest and latest date, of the active ones.
        restricted: a record that lies or lay in it, or of its account, is not open to everybody.
        ended: all its records are destroyed: it takes no others.
    """

    volume_id: str
    code: str
    title: str
    kind: Kind
    account: str | None
    record_class: str | None
    opened: date
    closed: date | None
    records: int
    destroyed: int
    pages: int
    first: date | None
    last: date | None
    restricted: bool
    ended: bool
    remarks: Remarks = Remarks()


_SELECT = """
SELECT v.*, count(r.record_id) AS members, coalesce(sum(r.status = 'active'), 0) AS records,
  coalesce(sum(CASE WHEN r.status = 'active' THEN r.pages END), 0) AS pages,
  min(CASE WHEN r.status = 'active' THEN r.date END) AS first_date,
  max(CASE WHEN r.status = 'active' THEN r.date END) AS last_date,
  coalesce(max(r.status = 'active' AND r.access <> 'open'), 0)
  OR EXISTS (SELECT 1 FROM volume_past p JOIN records x ON x.record_id = p.record_id
    WHERE p.volume_id = v.volume_id AND x.status = 'active' AND x.access <> 'open')
  OR EXISTS (SELECT 1 FROM record_accounts a JOIN records x ON x.record_id = a.record_id
    WHERE a.account = v.account AND x.status = 'active' AND x.access <> 'open') AS restricted
FROM ({volumes}) v LEFT JOIN records r ON r.volume = v.volume_id
GROUP BY v.volume_id ORDER BY v.scope, v.serial
"""


def find_volume(workspace: Workspace, reference: str) -> Volume:
    """The volume of this id or archival code.

    Raises:
        NotFound: there is none.
    """
    rows = workspace.db.all(
        _SELECT.format(volumes="SELECT * FROM volumes WHERE volume_id = :ref OR code = :ref"),
        {"ref": reference.strip()},
    )
    if not rows:
        raise NotFound(msg("There is no volume {reference}.", reference=reference),
                       msg("'recordkit volume list' shows the volumes."))
    return _volume(rows[0])


def list_volumes(
    workspace: Workspace,
    *,
    account: str | None = None,
    kind: Kind | None = None,
    is_open: bool | None = None,
    offset: int = 0,
    limit: int | None = None,
) -> Iterator[Volume]:
    """Volumes by archival code (numbers as numbers), read in pages; ``is_open`` None gives closed and ended ones, too.

    Args:
        workspace: the store.
        account: only those of this account, compared as accounts are.
        kind: only this kind.
        is_open: only those that take records, or only those that do not.
        offset: how many to pass over.
        limit: how many to give at most; None for all.
    """
    where, values = _condition(account, kind, is_open)
    after: tuple[str, int] = ("", 0)
    while limit is None or limit > 0:
        size = _PAGE if limit is None else min(_PAGE, limit)
        rows = workspace.db.all(
            _SELECT.format(volumes=f"SELECT * FROM volumes WHERE {where} AND (scope, serial) > (:scope, :serial) "
                                   "ORDER BY scope, serial LIMIT :size OFFSET :offset"),
            {**values, "scope": after[0], "serial": after[1], "size": size, "offset": offset},
        )
        yield from map(_volume, rows)
        if len(rows) < size:
            return
        after, offset = (rows[-1]["scope"], rows[-1]["serial"]), 0
        limit = None if limit is None else limit - len(rows)


def count_volumes(
    db: Database, *, account: str | None = None, kind: Kind | None = None, is_open: bool | None = None
) -> int:
    """How many ``list_volumes`` would give."""
    where, values = _condition(account, kind, is_open)
    row = db.one(f"SELECT count(*) AS n FROM volumes WHERE {where}", values)
    return 0 if row is None else int(row["n"])


def _condition(account: str | None, kind: Kind | None, is_open: bool | None) -> tuple[str, dict[str, object]]:
    parts, values = ["1"], dict[str, object]()
    if account is not None:
        parts.append("account = :account")
        values["account"] = same_account(account)
    if kind is not None:
        parts.append("kind = :kind")
        values["kind"] = kind
    if is_open is not None:
        parts.append(f"(closed IS NULL AND ended = 0) = {int(is_open)}")
    return " AND ".join(parts), values


def records_of_volume(db: Database, volume_id: str, *, destroyed: bool = False) -> Iterator[Record]:
    """The records of a volume in their order in it (顺序号); with ``destroyed`` those that are gone, too.

    Changes that others commit while the caller works through them are seen from the next page on.
    """
    return (record for _, record in placed_records(db, volume_id, destroyed=destroyed))


def placed_records(db: Database, volume_id: str, *, destroyed: bool = False) -> Iterator[tuple[int, Record]]:
    """As ``records_of_volume``, each with its number in the volume, which never changes and is never given twice."""
    after = 0
    while True:
        rows = db.all(
            "SELECT n.position, r.* FROM volume_records n JOIN records r ON r.record_id = n.record_id "
            "WHERE n.volume_id = :volume AND n.position > :after AND (:all = 1 OR r.status = 'active') "
            f"ORDER BY n.position LIMIT {_PAGE}", {"volume": volume_id, "after": after, "all": int(destroyed)})
        for row in rows:
            yield row["position"], record_of(row)
        if len(rows) < _PAGE:
            return
        after = rows[-1]["position"]


def volume_of(db: Database, record_id: str) -> Volume | None:
    """The volume that a record lies in, or None."""
    row = db.one(_SELECT.format(volumes="SELECT * FROM volumes WHERE volume_id = (SELECT volume FROM records "
                                        "WHERE record_id = :id)"), {"id": record_id})
    return None if row is None else _volume(row)


def open_volume_of_account(db: Database, account: str, record_class: str) -> tuple[str, int] | None:
    """Id of the open volume that takes a record of this class under this account, and the last number used in it."""
    row = db.one(
        "SELECT volume_id, last FROM volumes WHERE account = :account AND closed IS NULL AND ended = 0 "
        "AND (record_class IS NULL OR record_class = :class) ORDER BY record_class IS NULL, scope, serial LIMIT 1",
        {"account": same_account(account), "class": record_class})
    return None if row is None else (row["volume_id"], row["last"])


def ending_volumes(db: Database, going: Collection[str], accounts: Collection[str] = ()) -> list[str]:
    """Ids of the volumes whose notes go with these records: they lie or lay in them, and no other active record does.

    ``accounts``: of which no record is left; their volumes go, too, filled or not.
    """
    touched: set[str] = set()
    for record_id in going:
        touched |= {row["volume_id"] for row in db.all(
            "SELECT volume_id FROM volume_records WHERE record_id = :id "
            "UNION SELECT volume_id FROM volume_past WHERE record_id = :id", {"id": record_id})}
    for account in accounts:
        touched |= {row["volume_id"] for row in db.all("SELECT volume_id FROM volumes WHERE account = :account",
                                                       {"account": account})}
    return [one for one in sorted(touched) if _is_left_by(db, one, going)]


def still_ending(db: Database, volume_ids: Sequence[str], going: Collection[str]) -> list[str]:
    """Those of these volumes in which no active record lies but such as go."""
    return [one for one in volume_ids if _is_left_by(db, one, going)]


def _is_left_by(db: Database, volume_id: str, going: Collection[str]) -> bool:
    return all(row["record_id"] in going for row in db.each(
        "SELECT record_id FROM records WHERE volume = :volume AND status = 'active'", {"volume": volume_id}))


def blank_volumes(db: Database, volume_ids: Sequence[str]) -> None:
    """Forget what the destroyed notes of volumes said: what a rebuild from the ledger would give."""
    for volume_id in volume_ids:
        db.run("UPDATE volumes SET title = '', account = NULL, remarks = '{}' WHERE volume_id = :id",
               {"id": volume_id})


def seen_volume_title(volume: Volume, clearance: Clearance) -> str | Message:
    """The title for whoever is at hand: that of a volume with a restricted record is kept from the others."""
    return volume.title if clearance.full or not volume.restricted else msg("(restricted)")


def _volume(row: Row) -> Volume:
    noted = json.loads(row["remarks"])
    return Volume(
        volume_id=row["volume_id"],
        code=row["code"],
        title=row["title"],
        kind=row["kind"],
        account=row["account"],
        record_class=row["record_class"],
        opened=date.fromisoformat(row["opened"]),
        closed=_day(row["closed"]),
        records=row["records"],
        destroyed=row["members"] - row["records"],
        pages=row["pages"],
        first=_day(row["first_date"]),
        last=_day(row["last_date"]),
        restricted=bool(row["restricted"]),
        ended=bool(row["ended"]),
        remarks=Remarks(
            situation=noted.get("situation", ""),
            arranged_by=noted.get("arranged_by", ""),
            arranged_on=_day(noted.get("arranged_on")),
            checked_by=noted.get("checked_by", ""),
            checked_on=_day(noted.get("checked_on")),
        ),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


# --- projection -------------------------------------------------------------------------------------------------


def apply_entry(workspace: Workspace, entry: Entry) -> None:
    """Volumes, which records lie in them, and what their notes say."""
    if entry.act == "record.destroyed":
        _apply_destroyed(workspace.db, str(entry.body.get("order")))
    elif entry.act == "order.intended":
        volumes = entry.body.get("volumes")
        for volume_id in volumes if isinstance(volumes, list) else ():
            workspace.db.insert("volume_ending", {"order_id": entry.body["order"], "volume_id": volume_id})
    elif entry.act == "volume.opened":
        _apply_opened(workspace, entry.body)
    elif entry.act.startswith("volume."):
        _apply_change(workspace, entry.act, entry.body)


def _apply_opened(workspace: Workspace, body: Mapping[str, object]) -> None:
    volume_id = str(body["volume"])
    said = read_note(workspace.root, volume_id, str(body["note"])) or {}
    account = said.get("account")
    workspace.db.insert("volumes", {
        "volume_id": volume_id, "code": body["code"], "scope": body["scope"], "serial": body["serial"],
        "kind": body["kind"], "record_class": body.get("class"), "title": str(said.get("title", "")),
        "account": same_account(str(account)) if account else None, "remarks": "{}", "opened": body["date"],
        "closed": None, "last": 0, "ended": 0,
    })


def _apply_change(workspace: Workspace, act: str, body: Mapping[str, object]) -> None:
    db, volume_id = workspace.db, str(body["volume"])
    records = body.get("records")
    for record_id, said in records.items() if isinstance(records, Mapping) else ():
        if act == "volume.filed":
            db.insert("volume_records", {"record_id": record_id, "volume_id": volume_id, "position": said})
            db.run("UPDATE volumes SET last = max(last, :position) WHERE volume_id = :id",
                   {"position": said, "id": volume_id})
        else:
            db.run("DELETE FROM volume_records WHERE record_id = :record", {"record": record_id})
            db.insert("volume_past", {"record_id": record_id, "volume_id": volume_id})
        db.run("UPDATE records SET volume = :volume WHERE record_id = :record",
               {"volume": volume_id if act == "volume.filed" else None, "record": record_id})
    if act in ("volume.closed", "volume.reopened"):
        db.run("UPDATE volumes SET closed = :day WHERE volume_id = :id", {"day": body.get("date"), "id": volume_id})
    if act in ("volume.closed", "volume.noted") and body.get("note"):
        said = read_note(workspace.root, volume_id, str(body["note"])) or {}
        row = db.one("SELECT title, remarks, ended FROM volumes WHERE volume_id = :id", {"id": volume_id})
        if row is not None and said and not row["ended"]:
            noted = {**json.loads(row["remarks"]), **{key: value for key, value in said.items()
                                                    if key not in ("title", "reason")}}
            db.run("UPDATE volumes SET title = :title, remarks = :remarks WHERE volume_id = :id",
                   {"title": str(said.get("title", row["title"])), "id": volume_id,
                    "remarks": json.dumps(noted, ensure_ascii=False)})


def _apply_destroyed(db: Database, order_id: str) -> None:
    """With its last record a volume ends: nothing but what the ledger knows of it stays."""
    ending = [row["volume_id"] for row in db.all("SELECT volume_id FROM volume_ending WHERE order_id = :order",
                                                 {"order": order_id})]
    for volume_id in still_ending(db, ending, ()):
        db.run("UPDATE volumes SET ended = 1 WHERE volume_id = :id", {"id": volume_id})
        blank_volumes(db, (volume_id,))


def recover(workspace: Workspace) -> None:
    """Remove notes of volumes that were about to be opened when the process was killed: they name customers."""
    for path, ids in pending.unfinished(workspace.root, PENDING):
        for volume_id in ids:
            if workspace.db.one("SELECT 1 FROM volumes WHERE volume_id = :id", {"id": volume_id}) is None:
                remove_notes(workspace.root, volume_id)
        pending.withdraw(path)
