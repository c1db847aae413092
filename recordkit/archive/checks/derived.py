"""4-04: the tables beside the records, held against what ledger, objects and notes give.

Who can write the catalogue's file can close a volume, move an event, lift a hold, take out a signature, without an
entry in the ledger. A rebuild puts that right and tells nobody; so the tables are derived in a transaction that is
rolled back, and what differs is named. Of the tables as they were, a scratch database keeps keyed digests and no text.
Whatever the program does not make itself, a view in a table's place, a trigger, fails the check before that.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from collections.abc import Iterator

from recordkit.archive.checks.outcome import Outcome, failed, not_run, passed
from recordkit.db import Database
from recordkit.errors import IntegrityFailure, StoreBusy
from recordkit.messages import Message, listed, msg
from recordkit.workspace import Workspace

OF_NONE = frozenset(("meta",))
OF_RECORDS = frozenset(("records", "record_accounts"))
"""Rows of records, which 1-09 and 3-01 hold against ledger and object."""
OF_OBJECTS = frozenset(("contents", "batches", "milestones", "document_links", "record_past", "record_tallies",
                        "filings", "filing_years"))
"""Come out of the objects: where one is damaged they would differ for that alone, which other checks say."""
_SCHEMA = ("CREATE TABLE seen (name TEXT NOT NULL, key BLOB NOT NULL, row BLOB NOT NULL, shown TEXT NOT NULL, "
           "PRIMARY KEY (name, key)) WITHOUT ROWID")
_NAME = re.compile(r"[a-z][a-z_]{0,40}")
_PLAIN = re.compile(r"[A-Za-z0-9-]{1,40}")
_NAMED = 3


def derived_tables(workspace: Workspace, *, sound: bool, records: bool = False) -> Outcome:
    """4-04 Volumes, events, holds, orders, people, issues and the rest are what their entries made them.

    Args:
        workspace: the store; no writer is at work meanwhile.
        sound: all objects are as they were filed; else tables that come out of them are left out.
        records: hold the rows of the records too, which the checks of each record do.
    """
    without = OF_NONE | (frozenset() if records else OF_RECORDS) | (frozenset() if sound else OF_OBJECTS)
    secret = os.urandom(32)
    scratch = Database.scratch(_SCHEMA)
    try:
        with workspace.settled():
            try:
                if odd := workspace.db.odd_parts():
                    named = [one for one in odd if _NAME.fullmatch(one)][:_NAMED]
                    return failed(msg("the catalogue has {count} part(s) that recordkit does not make so; run "
                                      "'recordkit rebuild --catalogue': {names}", count=len(odd), names=listed(named)))
                before = _names(workspace.db) - without
                for name in sorted(before):
                    for key, row, shown in _rows(workspace.db, name, secret):
                        scratch.insert("seen", {"name": name, "key": key, "row": row, "shown": shown})
            except sqlite3.Error as error:
                # The program writes nothing that it cannot read, and what was forged must not turn the check off.
                return failed(msg("a table of the catalogue cannot be read: {error}", error=type(error).__name__))
            with workspace.derived_anew():
                now = _names(workspace.db) - without
                wrong = [told for name in sorted(now | before)
                         if (told := _compared(workspace.db, scratch, name, secret, is_there=name in now)) is not None]
    except (IntegrityFailure, StoreBusy, OSError) as error:
        return not_run(msg("the tables cannot be derived: {error}", error=str(error)))
    except sqlite3.Error as error:
        return not_run(msg("the tables cannot be derived: {error}", error=type(error).__name__))
    finally:
        scratch.close()
    if wrong:
        return failed(msg("not what ledger and notes give; run 'recordkit rebuild --catalogue': {tables}",
                          tables=listed(wrong)))
    return passed(msg("{count} table(s) are what ledger and notes give", count=len(now)))


def _names(db: Database) -> set[str]:
    return {str(row["name"]) for row in db.all(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")}


def _rows(db: Database, name: str, secret: bytes) -> Iterator[tuple[bytes, bytes, str]]:
    """Keyed digests of key and row of each row of a table, and the key itself where it is an id and no text."""
    table = '"' + name.replace('"', '""') + '"'
    columns = db.all(f"PRAGMA table_info({table})")
    keys = [str(one["name"]) for one in sorted(columns, key=lambda one: int(one["pk"])) if one["pk"]] or [
        str(one["name"]) for one in columns]
    is_id = all(one in ("id", "seq") or one.endswith("_id") for one in keys)
    for row in db.each(f"SELECT * FROM {table}"):
        values = [row[one] for one in keys]
        shown = "/".join(str(one) for one in values) if is_id and all(
            isinstance(one, int) or _PLAIN.fullmatch(str(one)) for one in values) else ""
        yield _digest(secret, values), _digest(secret, list(row)), shown


def _digest(secret: bytes, values: list[object]) -> bytes:
    return hashlib.blake2b(repr(values).encode("utf-8", "surrogatepass"), key=secret, digest_size=20).digest()


def _compared(db: Database, scratch: Database, name: str, secret: bytes, *, is_there: bool) -> Message | None:
    """How many rows of a table were changed, lacking or too many, and the first of those that have an id."""
    differing, ids = 0, list[str]()

    def differs(shown: str) -> None:
        nonlocal differing
        differing += 1
        if shown and len(ids) < _NAMED:
            ids.append(shown)

    for key, row, shown in _rows(db, name, secret) if is_there else ():
        seen = scratch.one("SELECT row FROM seen WHERE name = :name AND key = :key", {"name": name, "key": key})
        if seen is None or seen["row"] != row:
            differs(shown)
        if seen is not None:
            scratch.run("DELETE FROM seen WHERE name = :name AND key = :key", {"name": name, "key": key})
    for left in scratch.each("SELECT shown FROM seen WHERE name = :name ORDER BY shown", {"name": name}):
        differs(str(left["shown"]))
    if not differing:
        return None
    if not ids:
        return msg("{table}: {count} row(s)", table=name, count=differing)
    return msg("{table}: {count} row(s), such as {ids}", table=name, count=differing, ids=listed(ids))
