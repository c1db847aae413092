"""How many records there are of each kind, kept while records change: a count costs the same however many there are.

A tally is one line of ``record_tallies``: records of the same scope, class, form, year, period, old term, status and
month, with the number of their pages. A destroyed record has no date any more and stands under the month "". Every
record names its tally, so that those of one kind are found in any order (``selection.list_page``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from recordkit.db import Database, Row

_OF = {
    "scope": "records.scope", "record_class": "records.record_class", "form": "coalesce(records.form, '')",
    "year": "records.year", "period": "records.period", "old_term": "coalesce(records.old_term, '')",
    "status": "records.status",
    "month": "CASE records.status WHEN 'active' THEN substr(records.date, 1, 7) ELSE '' END",
}
_NAMES = ", ".join(_OF)
_HERE = " AND ".join(f"{name} = :{name}" for name in _OF)
_KIND = f"SELECT {', '.join(f'{said} AS {name}' for name, said in _OF.items())}, pages, tally FROM records"


def kind_of(db: Database, record_id: str) -> Row | None:
    """Under which tally a record stands now, and its pages."""
    return db.one(f"{_KIND} WHERE record_id = :id", {"id": record_id})


def insert(db: Database, row: Mapping[str, object]) -> None:
    """A new row of ``records``, active and counted; it names its tally at once, which spares a second write.

    One that is there already is replaced and counted once: applying an entry twice must do no harm.
    """
    kind = {name: row.get(name) or "" for name in _OF} | {"month": str(row["date"])[:7]}
    named = {**row, "tally": _id_of(kind)}
    columns = ", ".join(named)
    if db.run(f"INSERT OR IGNORE INTO records ({columns}) VALUES ({', '.join(f':{name}' for name in named)})", named):
        _count(db, kind, row["pages"])
        return
    stood = kind_of(db, str(row["record_id"]))
    db.insert("records", named)
    move(db, str(row["record_id"]), stood)


def move(db: Database, record_id: str, before: Row | None) -> None:
    """A record that stood under one tally, None for none, stands under the one that its row says now."""
    after = kind_of(db, record_id)
    if before is not None and after is not None and tuple(before) == tuple(after):
        return
    if before is not None:
        db.run(f"UPDATE record_tallies SET n = n - 1, pages = pages - :pages WHERE {_HERE}", dict(before))
        db.run(f"DELETE FROM record_tallies WHERE {_HERE} AND n <= 0", dict(before))
    if after is not None:
        db.run("UPDATE records SET tally = :tally WHERE record_id = :id",
               {"tally": _count(db, dict(after), after["pages"]), "id": record_id})


def _count(db: Database, kind: Mapping[str, object], pages: object) -> int:
    """One more of a kind; its tally."""
    tally = _id_of(kind)
    db.run(f"INSERT INTO record_tallies ({_NAMES}, tally, n, pages) "
           f"VALUES ({', '.join(f':{name}' for name in _OF)}, :tally, 1, :pages) "
           f"ON CONFLICT ({_NAMES}) DO UPDATE SET n = n + 1, pages = pages + excluded.pages",
           {**{name: kind[name] for name in _OF}, "tally": tally, "pages": pages})
    return tally


def _id_of(kind: Mapping[str, object] | Row) -> int:
    """The same number for the same kind in every store and after every rebuild."""
    text = "\0".join(str(kind[name]) for name in _OF)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), signed=True)
