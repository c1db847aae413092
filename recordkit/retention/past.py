"""What may have made a record due: it was taken out of a volume, or corrected where its period counts from.

Both are ordinary acts without a signature, and both shorten periods. So whoever signs a destruction is told of them:
in the lists of an order, in 备注 of its register, and in the manifest that is signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from recordkit.archive.catalogue import Record
from recordkit.archive.classes import load_scheme
from recordkit.archive.editing import form_of
from recordkit.messages import Message, msg
from recordkit.model import Entry
from recordkit.people import list_people
from recordkit.workspace import Workspace


class Past(NamedTuple):
    """One such act, as the ledger says.

    Attributes:
        volume: archival code of the volume that the record was taken out of; None for a correction.
        field: key of the metadata that was corrected, such as ``date``; None when it was taken out.
        day: ISO date (UTC); ``actor`` whoever did it.
    """

    volume: str | None
    field: str | None
    day: str
    actor: str

    @property
    def plain(self) -> dict[str, str]:
        """For manifest and lists; neither title nor value."""
        return {key: value for key, value in self._asdict().items() if value is not None}


def told_past(plain: Mapping[str, object]) -> Message:
    """One of ``Past.plain`` in words."""
    day, actor, field = plain["day"], plain["actor"], plain.get("field")
    if field is None:
        return msg("lay in volume {volume}, taken out on {day} by {actor}", volume=plain["volume"], day=day,
                   actor=actor)
    if field == "date":
        return msg("date corrected on {day} by {actor}", day=day, actor=actor)
    if field == "account":
        return msg("account corrected on {day} by {actor}", day=day, actor=actor)
    return msg("{field}, from which the period counts, corrected on {day} by {actor}", field=field, day=day,
               actor=actor)


def past_of(workspace: Workspace, record: Record) -> tuple[Past, ...]:
    """What was done to a record, in the order of the acts; corrections of what starts its period only."""
    rows = workspace.db.all(
        "SELECT p.*, v.code FROM record_past p LEFT JOIN volumes v ON v.volume_id = p.volume WHERE p.record_id = :id "
        "ORDER BY p.seq, p.field", {"id": record.record_id})
    if not rows:
        return ()
    names = _deciding(workspace, record) if any(row["field"] for row in rows) else {}
    found = [Past(row["code"] or row["volume"], None, row["day"], row["actor"]) if row["volume"] is not None else
             Past(None, names[row["field"]], row["day"], row["actor"])
             for row in rows if row["volume"] is not None or row["field"] in names]
    return tuple(dict.fromkeys(found))


def register_remarks(workspace: Workspace, past: Iterable[Past]) -> list[str]:
    """What 备注 of the register says: Chinese in every language."""
    names = {person.id: person.name for person in list_people(workspace.db)}
    what = {"date": "日期", "account": "户号"}
    return [f"曾随案卷{one.volume}，于{one.day}由{names.get(one.actor, one.actor)}取出" if one.volume is not None else
            f"{what.get(one.field or '', '起算日期')}曾于{one.day}由{names.get(one.actor, one.actor)}更正"
            for one in past]


def _deciding(workspace: Workspace, record: Record) -> dict[str, str]:
    """Keys from which the period of a record counts: its date, its account, by which events reach it, the class's."""
    keys = {"date": "date", "account": "account"}
    record_class = load_scheme(workspace.root).classes.get(record.record_class)
    if record_class is not None and record_class.field:
        keys[record_class.field] = record_class.field
    form = form_of(workspace, record)
    if form is not None and form.roles.account:
        keys[form.roles.account] = "account"
    return keys


def apply_entry(workspace: Workspace, entry: Entry) -> None:
    """Remember the acts; of corrections the names of the fields alone."""
    body = entry.body
    row: dict[str, object] = {"seq": entry.seq, "day": entry.time[:10], "actor": entry.actor}
    if entry.act == "volume.taken-out":
        records = body.get("records")
        for record_id in records if isinstance(records, Mapping) else ():
            workspace.db.insert("record_past", {**row, "record_id": record_id, "volume": body["volume"], "field": ""})
    elif entry.act == "record.edited":
        keys = body.get("keys")
        for key in keys if isinstance(keys, list) else ():
            workspace.db.insert("record_past", {**row, "record_id": body["record"], "volume": None, "field": key})
