"""The one SQL seam: connection, transaction, and the cursor of the last ledger entry applied.

SQLite through the standard library, not through an SQL toolkit: importing one costs four times what a whole search
may take (docs/architecture.md, "Measured"). The SQL used above this module is the common subset with named
parameters, so that another database needs another connection here and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from recordkit import files
from recordkit.errors import StoreBusy
from recordkit.ledger import Cursor
from recordkit.messages import msg
from recordkit.model import same_code

Row = sqlite3.Row
DatabaseError = sqlite3.DatabaseError
"""Whatever SQLite raises; damage deep in the file shows only when it is read."""
NOT_A_ROW = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError)
"""What it raises for values that no row of the table can have."""
_META = "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)"


class DatabaseDamaged(Exception):
    """The file is not what SQLite wrote. It can be derived anew, so nothing is lost."""


class DatabaseReadOnly(Exception):
    """The file cannot be written, so it cannot be brought up to date."""


def discard(path: Path) -> None:
    """Remove a database file with its log; everything in it can be derived anew."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        files.remove_file(path.with_name(name))


class Database:
    """One open database file of projections. Everything in it can be rebuilt from objects and ledger."""

    def __init__(self, path: Path | None, schema: str, *, wait_seconds: float = 30) -> None:
        """Open or create ``path``, or a database in memory when None.

        Raises:
            DatabaseDamaged: the file is no database.
            DatabaseReadOnly: the file or its folder cannot be written.
        """
        self._schema = schema
        self._wait_seconds = wait_seconds
        self.path = path
        try:
            self._open(path)
        except sqlite3.OperationalError as error:
            raise DatabaseReadOnly(str(error)) from error
        except sqlite3.DatabaseError as error:
            raise DatabaseDamaged(str(error)) from error

    @classmethod
    def scratch(cls, schema: str) -> Database:
        """An empty database of the process's own, on the disk once it is large; gone with ``close``.

        SQLite knows a nameless file of this kind; nothing in it may name a customer, for nobody wipes its pages.
        """
        made = cls(None, schema)
        made._connection.close()
        made._connection = sqlite3.connect("", isolation_level=None)
        made._connection.row_factory = sqlite3.Row
        made._connection.execute("PRAGMA cache_size=-65536")  # KiB: ids come in no order
        made.reset()
        made._connection.execute("BEGIN")
        return made

    def _open(self, path: Path | None) -> None:
        self._connection = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=self._wait_seconds)
        self._connection.row_factory = sqlite3.Row
        # Deleted rows must not linger in free pages: destruction means gone (ISO 16175-1).
        self._connection.execute("PRAGMA secure_delete=ON")
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute("PRAGMA temp_store=MEMORY")
        self._connection.create_function("same_code", 1, same_code, deterministic=True)
        self._digest = hashlib.sha256(self._schema.encode()).hexdigest()

    def has_schema(self) -> bool:
        """Whether the tables are those of this program version."""
        found = self.one("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'meta'")
        return found is not None and self._meta("schema") == self._digest

    def reset(self) -> None:
        """Drop every table and create the schema anew, cursor at the beginning.

        Call it in the transaction that also fills the tables: nobody may ever read them empty.
        """
        # A view in a table's place would stand in the way; triggers and indexes go with their tables.
        for kind in ("view", "table"):
            for found in self.all("SELECT name FROM sqlite_master WHERE type = :kind AND name NOT LIKE 'sqlite_%'",
                                  {"kind": kind}):
                self._connection.execute(f'DROP {kind} "' + str(found["name"]).replace('"', '""') + '"')
        self._connection.execute(_META)
        for statement in filter(None, (part.strip() for part in self._schema.split(";"))):
            self._connection.execute(statement)
        self._set_meta("schema", self._digest)
        self.set_cursor(Cursor())

    def odd_parts(self) -> list[str]:
        """Names of tables, indexes, views and triggers that the schema does not make so, or that lack; sorted."""
        own = Database(None, self._schema)
        try:
            own.reset()
            return sorted({name for _, name, _ in _parts(self) ^ _parts(own)})
        finally:
            own.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: commit at the end, roll back on any exception."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            # On a full disk SQLite has rolled back by itself, and a second time would hide what went wrong.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def run(self, sql: str, parameters: Mapping[str, object] | None = None) -> int:
        """Execute a changing statement; the number of rows it touched."""
        return self._connection.execute(sql, parameters or {}).rowcount

    def all(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[Row]:
        """Every row of a query."""
        return self._connection.execute(sql, parameters or {}).fetchall()

    def each(self, sql: str, parameters: Mapping[str, object] | None = None) -> Iterator[Row]:
        """Rows one by one, for listings that must not fill the memory."""
        yield from self._connection.execute(sql, parameters or {})

    def one(self, sql: str, parameters: Mapping[str, object] | None = None) -> Row | None:
        """The first row, or None."""
        row: Row | None = self._connection.execute(sql, parameters or {}).fetchone()
        return row

    def insert(self, table: str, values: Mapping[str, object]) -> None:
        """Insert one row, replacing one with the same key: applying an entry twice must do no harm."""
        names: Sequence[str] = list(values)
        columns, marks = ", ".join(names), ", ".join(f":{name}" for name in names)
        self.run(f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks})", values)

    def cursor(self) -> Cursor:
        """The place in the ledger up to which these tables are true."""
        value = self._meta("cursor")
        return Cursor(**json.loads(value)) if value else Cursor()

    def remembered(self) -> Cursor:
        """As ``cursor``, also where the tables are those of another program version: the place in the ledger stays."""
        found = self.one("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'meta'")
        try:
            return Cursor() if found is None else self.cursor()
        except (TypeError, ValueError):
            return Cursor()

    def set_cursor(self, cursor: Cursor) -> None:
        """Remember the place; call inside the transaction that applied the entries."""
        plain = {"seq": cursor.seq, "hash": cursor.hash, "file": cursor.file, "offset": cursor.offset}
        self._set_meta("cursor", json.dumps(plain))

    def wipe_traces(self) -> None:
        """Leave no deleted row behind in the write-ahead log or in free pages.

        Raises:
            StoreBusy: another program keeps reading an old state, which the log must hold for it.
        """
        try:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._connection.execute("VACUUM")
            busy = bool(self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
        except sqlite3.OperationalError:
            busy = True
        if busy:
            raise StoreBusy(
                msg("Another program reads the catalogue; its log still holds what was deleted."),
                msg("Close it and give the same command again: it finishes what is left."),
            )

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _meta(self, name: str) -> str | None:
        row = self.one("SELECT value FROM meta WHERE name = :name", {"name": name})
        return None if row is None else str(row["value"])

    def _set_meta(self, name: str, value: str) -> None:
        self.insert("meta", {"name": name, "value": value})


def _parts(db: Database) -> set[tuple[str, str, str]]:
    """Kind, name and statement of all that stands in a database, but for what SQLite makes itself."""
    return {(str(row["type"]), str(row["name"]), str(row["sql"])) for row in db.all(
        "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")}
