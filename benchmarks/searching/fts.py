"""SQLite's FTS5 over the same records, for comparison: trigrams by its own tokenizer, or pre-cut pairs of characters.

Both tables are contentless, so that they hold an index and nothing else, as ours does; a side table has what hits are
filtered and sorted by. FTS5 is given the same normal form, so that indexing and finding alone are compared.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from recordkit.archive.search.grams import FIELD_WEIGHTS
from recordkit.archive.search.port import IndexDocument
from recordkit.archive.search.query import FORM_FIELD, And, Dated, Everything, Is, Not, Or, Query, Term
from recordkit.archive.search.text import normalise

_ORDERS = {"relevance": "rank", "date": "facts.date DESC, records.rowid", "code": "facts.code"}


@cache
def _hexadecimal(char: str) -> str:
    return f"{ord(char):05x}"


class Fts:
    """One file. ``grams``: ``trigram`` or ``pairs``."""

    def __init__(self, path: Path, grams: str) -> None:
        self.grams = grams
        self.path = path
        self.database = sqlite3.connect(path)

    def build(self, documents: Iterable[IndexDocument]) -> None:
        """Make the tables; in one transaction and unsynced, which is the quickest."""
        tokenizer = "trigram" if self.grams == "trigram" else "ascii"
        columns = ", ".join(FIELD_WEIGHTS)
        self.database.execute("PRAGMA journal_mode = OFF")
        self.database.execute("PRAGMA synchronous = OFF")
        self.database.execute(f"CREATE VIRTUAL TABLE records USING fts5({columns}, content='', tokenize='{tokenizer}')")
        self.database.execute("CREATE TABLE facts (id INTEGER PRIMARY KEY, date, code, class, year, form)")
        places = ", ".join("?" * (len(FIELD_WEIGHTS) + 1))
        with self.database:
            for document in documents:
                key, words = document.ordinal + 1, document.keywords
                self.database.execute(f"INSERT INTO records(rowid, {columns}) VALUES ({places})", (
                    key, *(self._cell(document, name) for name in FIELD_WEIGHTS)))
                self.database.execute("INSERT INTO facts VALUES (?, ?, ?, ?, ?, ?)", (
                    key, document.date, document.code, words["class"], words["year"], words["form"]))
        with self.database:
            for name in ("date", "code"):
                self.database.execute(f"CREATE INDEX facts_{name} ON facts({name})")
        self.database.close()

    def search(self, query: Query, offset: int = 0, sort: str = "relevance") -> int | None:
        """How many match, the twenty asked for being fetched as well; None for what FTS5 cannot be asked."""
        condition = self._match(query)
        filters = " AND ".join(_filters(query))
        if condition is None:
            return None
        tables = "records" + " JOIN facts ON facts.id = records.rowid" * bool(filters or sort != "relevance")
        where = "records MATCH ?" + f" AND {filters}" * bool(filters)
        self.database.execute(
            f"SELECT records.rowid FROM {tables} WHERE {where} ORDER BY {_ORDERS[sort]} LIMIT 20 OFFSET {offset}",
            (condition,),
        ).fetchall()
        return int(self.database.execute(f"SELECT count(*) FROM {tables} WHERE {where}", (condition,)).fetchone()[0])

    def tally(self, query: Query) -> int | None:
        """Counts by class, year and form."""
        condition = self._match(query)
        total = 0
        for name in ("class", "year", "form"):
            counted = self.database.execute(
                f"SELECT facts.{name}, count(*) FROM records JOIN facts ON facts.id = records.rowid "
                f"WHERE records MATCH ? GROUP BY facts.{name}", (condition,)).fetchall()
            total = sum(count for _, count in counted)
        return total

    def _cell(self, document: IndexDocument, name: str) -> str:
        values = document.pages if name == "pages" else document.fields.get(name, ())
        normal = [normalise(value) for value in values]
        if self.grams == "trigram":
            return "\n".join(normal)
        every = []
        for text in normal:
            hexes = [*map(_hexadecimal, text), "00000"]
            every += map("".join, zip(hexes, hexes[1:], strict=False))
        return " ".join(every)

    def _match(self, query: Query) -> str | None:
        """In FTS5's own language."""
        match query:
            case Term(fuzzy=True) | Everything():
                return None
            case Term(field, text) if not (field or "").startswith(FORM_FIELD):
                column = f"{{{field}}} : " if field else ""
                if self.grams == "trigram":
                    return column + '"' + text.replace('"', '""') + '"'
                hexes = [*map(_hexadecimal, text)]
                if len(hexes) == 1:
                    return column + hexes[0] + "*"
                return column + '"' + " ".join(map("".join, zip(hexes, hexes[1:], strict=False))) + '"'
            case Or(parts):
                return _joined([self._match(part) for part in parts], " OR ")
            case And(parts):
                wanted = [self._match(one) for one in parts if not isinstance(one, (Not, Dated, Is))]
                refused = [self._match(one.part) for one in parts if isinstance(one, Not)]
                found = _joined(wanted, " AND ")
                if found is None or not refused:
                    return found
                without = _joined(refused, " OR ")
                return None if without is None else f"{found} NOT {without}"
        return None


def _joined(parts: list[str | None], glue: str) -> str | None:
    whole = [part for part in parts if part is not None]
    return "(" + glue.join(whole) + ")" if whole and len(whole) == len(parts) else None


def _filters(query: Query) -> list[str]:
    found = []
    for part in query.parts if isinstance(query, And) else ():
        match part:
            case Dated(since, until):
                found.append(f"facts.date BETWEEN '{since}' AND '{until}~'")
            case Is(keyword, value):
                found.append(f"facts.{keyword} = '{value}'")
    return found
