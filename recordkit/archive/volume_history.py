"""What happened to a volume: every act on it from the ledger, and what its title and 备考表 said before and after.

Old values are read from the notes of the volume: once its last record is destroyed, there are none.
"""

from __future__ import annotations

from collections.abc import Mapping

from recordkit.archive.access import OPEN, Clearance
from recordkit.archive.catalogue import get_record
from recordkit.archive.volumes import Volume
from recordkit.messages import Message, msg
from recordkit.notes import read_note
from recordkit.workspace import Workspace

CHANGING = ("title", "situation", "arranged_by", "arranged_on", "checked_by", "checked_on")
"""What is said of a volume and may be said anew."""
_NAMING = ("title", "situation")
"""Of these, what may name whose papers a restricted volume holds."""


def history_of_volume(workspace: Workspace, volume: Volume, clearance: Clearance) -> list[dict[str, object]]:
    """Every act on the volume, oldest first.

    Each has ``seq``, ``time``, ``actor``, ``act``, ``records`` (codes of those that were put in or taken out),
    ``reason``, and ``changes``: ``field``, ``old`` and ``new`` (None where nothing was said) of what was said anew.
    Titles, situations and reasons of a restricted volume are told to whoever may see it.
    """
    hidden = volume.restricted and not clearance.full
    said: dict[str, object] = {}
    found: list[dict[str, object]] = []
    for entry in workspace.ledger.naming(volume.volume_id, workspace.db.cursor()):
        if not entry.act.startswith("volume.") or entry.body.get("volume") != volume.volume_id:
            continue
        note, records = entry.body.get("note"), entry.body.get("records")
        content = read_note(workspace.root, volume.volume_id, note) if isinstance(note, str) else None
        new = {key: content[key] for key in CHANGING if content and content.get(key)}
        changes = [{"field": key, "old": _seen(key, said.get(key), hidden), "new": _seen(key, value, hidden)}
                   for key, value in new.items() if said.get(key) != value]
        said |= new
        reason = (content.get("reason") or content.get("reopened")) if content else None
        codes: list[str] = []
        for record_id, value in records.items() if isinstance(records, Mapping) else ():
            record = get_record(workspace.db, record_id)
            codes.append(record.code if record is not None else record_id)
            if entry.act == "volume.taken-out" and record is not None and isinstance(value, str) and (
                    clearance.full or record.access == OPEN):
                reason = (read_note(workspace.root, record_id, value) or {}).get("reason")
        found.append({"seq": entry.seq, "time": entry.time, "actor": entry.actor, "act": entry.act, "records": codes,
                      "reason": _seen("title", reason, hidden), "changes": changes})
    return found


def _seen(key: str, value: object, hidden: bool) -> object | Message:
    return msg("(restricted)") if hidden and value and key in _NAMING else value
