"""How many records there are of each kind, kept while records change: a count costs the same however many there are.

A tally is one line of ``record_tallies``: records of the same scope, class, form, year, period, status and month. A
destroyed record has no date any more and stands under the month "".
"""

from __future__ import annotations

from recordkit.db import Database, Row

_OF = ("scope", "record_class", "form", "year", "period", "status", "month")
_KIND = (
    "SELECT scope, record_class, coalesce(form, '') AS form, year, period, status, "
    "CASE status WHEN 'active' THEN substr(date, 1, 7) ELSE '' END AS month"
)


def kind_of(db: Database, record_id: str) -> Row | None:
    """Under which tally a record stands now."""
    return db.one(f"{_KIND} FROM records WHERE record_id = :id", {"id": record_id})


def move(db: Database, before: Row | None, after: Row | None) -> None:
    """A record that stood under one tally stands under another one; None is none."""
    if before is not None and after is not None and tuple(before) == tuple(after):
        return
    if before is not None:
        here = " AND ".join(f"{name} = :{name}" for name in _OF)
        db.run(f"UPDATE record_tallies SET n = n - 1 WHERE {here}", dict(before))
        db.run(f"DELETE FROM record_tallies WHERE {here} AND n <= 0", dict(before))
    if after is not None:
        names = ", ".join(_OF)
        db.run(f"INSERT INTO record_tallies ({names}, n) VALUES ({', '.join(f':{name}' for name in _OF)}, 1) "
               f"ON CONFLICT ({names}) DO UPDATE SET n = n + 1", dict(after))


def tally_again(db: Database) -> None:
    """Count everything anew, from the records themselves."""
    names = ", ".join(_OF)
    db.run("DELETE FROM record_tallies")
    db.run(f"INSERT INTO record_tallies ({names}, n) SELECT {names}, count(*) FROM ({_KIND} FROM records) "
           f"GROUP BY {names}")
