"""Acts that concern a record without naming it: its orders' approval and signatures, holds and events on its account.

The archive's own history (``archive.history``) tells the acts that name the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from recordkit.archive.catalogue import Record, accounts_of
from recordkit.archive.history import SAID, names_record
from recordkit.model import Entry
from recordkit.notes import read_note
from recordkit.workspace import Workspace


def acts_around(workspace: Workspace, record: Record) -> list[dict[str, object]]:
    """Those acts, oldest first, in the form of ``history_of``.

    ``of`` is the id of the order, hold or event; ``by`` who signed, where it was signed. Of a destroyed record the
    accounts are no longer known: what was on them is not told.
    """
    found: dict[int, dict[str, object]] = {}
    for key, subject in _subjects(workspace, record):
        for entry in workspace.ledger.naming(subject, workspace.db.cursor()):
            if entry.body.get(key) == subject and not names_record(entry.body, record.record_id):
                found[entry.seq] = _told(workspace, entry, subject)
    return [found[seq] for seq in sorted(found)]


def _subjects(workspace: Workspace, record: Record) -> Iterator[tuple[str, str]]:
    """Keys of a body and ids under them: the record's orders, and the holds and events of its accounts."""
    db = workspace.db
    for row in db.all("SELECT order_id FROM order_items WHERE record_id = :id", {"id": record.record_id}):
        yield "order", row["order_id"]
    filed = next(workspace.ledger.naming(record.record_id, db.cursor()), None)
    since = filed.seq if filed is not None else 0
    for account in sorted(accounts_of(db, record.record_id)):
        # What was released before the record came never covered it.
        for row in db.all("SELECT hold_id FROM holds WHERE account = :account "
                          "AND (released_seq IS NULL OR released_seq > :since)", {"account": account, "since": since}):
            yield "hold", row["hold_id"]
        for row in db.all("SELECT event_id FROM retention_events WHERE account = :account", {"account": account}):
            yield "event", row["event_id"]


def _told(workspace: Workspace, entry: Entry, subject: str) -> dict[str, object]:
    body = entry.body
    note = body.get("account_note") or body.get("note")
    content = read_note(workspace.root, subject, note) if isinstance(note, str) else None
    by = body.get("by")
    return {
        "seq": entry.seq, "time": entry.time, "actor": entry.actor, "act": entry.act, "version": None, "keys": None,
        "files": None, "changes": [], "of": subject, "by": by if isinstance(by, str) else None,
        "reason": next((content[key] for key in SAID if content.get(key)), None)
        if isinstance(content, Mapping) else None,
    }
