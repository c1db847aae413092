"""Opens a store: settings, lock, ledger, database. Projections register with it and catch up from the ledger.

Two things in a store are true, the objects and the ledger. Everything a projection keeps can be dropped and
applied again; so a crash, a restore or a deleted database heals when the store is opened.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from recordkit import files
from recordkit.db import Database
from recordkit.errors import IntegrityFailure, StoreBusy
from recordkit.ledger import Act, Cursor, Ledger, Verification
from recordkit.messages import Message, msg
from recordkit.model import Entry, crockford
from recordkit.notes import new_note, store_note
from recordkit.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class Clock:
    """Where time comes from: ``now`` gives the instant (UTC) for the ledger, ``today`` the date for computations."""

    now: Callable[[], datetime]
    today: date


@dataclass(frozen=True, slots=True)
class Projection:
    """Tables derived from the ledger: their DDL, and how one entry changes them.

    ``apply`` must do no harm when an entry comes twice, and must bear that an object it names is gone.
    """

    name: str
    schema: str
    apply: Callable[[Workspace, Entry], None]


class Rehearsed(Exception):  # noqa: N818  (no error: the act would have been done)
    """Every check has passed and the next step would have written; ``acts`` is what the ledger would have got."""

    def __init__(self, acts: Sequence[Act]) -> None:
        """Keep the acts."""
        super().__init__(", ".join(act.name for act in acts))
        self.acts = tuple(acts)


class Writer:
    """Collects notes and acts while the store is locked, and writes them together: notes first, then one batch."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._acts: list[Act] = []
        self._notes: list[tuple[str, str, bytes]] = []

    @property
    def next_seq(self) -> int:
        """Sequence number that the next act will get."""
        return self._workspace.db.cursor().seq + len(self._acts) + 1

    def next_id(self) -> str:
        """Eight base32 characters for the thing that the next act creates; unique in this store for ever.

        A permutation of the sequence number, so that neighbours do not look alike when a clerk misreads one.
        """
        start = int.from_bytes(hashlib.sha256(self._workspace.settings.store.id.encode()).digest()[:5])
        return crockford((self.next_seq * 0x5DEECE66D + start) % (1 << 40), 8)

    def add(self, name: str, body: dict[str, object]) -> None:
        """Queue one act; nothing is written before ``commit``."""
        self._acts.append(Act(name, body))

    def note(self, subject: str, content: Mapping[str, object]) -> str:
        """Queue a destroyable note beside ``subject``; the digest by which an act may name it."""
        digest, data = new_note(content)
        self._notes.append((subject, digest, data))
        return digest

    def commit(self) -> None:
        """Write the queued notes, append the queued acts as one durable batch, bring the projections up to it.

        Raises:
            Rehearsed: the workspace only rehearses; nothing was written.
        """
        acts, self._acts = self._acts, []
        notes, self._notes = self._notes, []
        if self._workspace.rehearsing:
            raise Rehearsed(acts)
        for subject, digest, data in notes:
            store_note(self._workspace.root, subject, digest, data)
        if acts:
            self._workspace._append(acts)


class Workspace:
    """One open store. ``actor`` is whoever acts, as it will stand in the ledger."""

    def __init__(
        self, root: Path, settings: Settings, projections: Sequence[Projection], clock: Clock, actor: str
    ) -> None:
        """Use ``open_workspace``; a store must not be seen before its projections have caught up."""
        self.root = root
        self.settings = settings
        self.clock = clock
        self.actor = actor
        self.notices: list[Message] = []
        self.rehearsing = False
        self._projections = projections
        self.ledger = Ledger(root / "ledger", settings.ledger.max_bytes)
        schema = ";\n".join(projection.schema for projection in projections)
        self.db = Database(root / "catalogue.sqlite3", schema)
        self._writing = False

    @property
    def store_tag(self) -> str:
        """Four characters that tell this store's printed codes from all others."""
        number = int.from_bytes(hashlib.sha256(self.settings.store.id.encode()).digest()[-4:]) % (1 << 20)
        return crockford(number, 4)

    def catch_up(self) -> None:
        """Apply the entries that the tables have not seen.

        Raises:
            IntegrityFailure: the ledger is damaged, or shorter than what the tables have already seen.
        """
        if not self.db.has_schema():
            with self._locked():
                if not self.db.has_schema():
                    self.db.reset()
        if next(self.ledger.read(self.db.cursor()), None) is None:
            return
        # A reader never waits for a writer: what it sees is then a moment old, not wrong.
        with contextlib.suppress(StoreBusy), self._locked(wait_seconds=0):
            self._apply_new()

    @contextmanager
    def maintaining(self) -> Iterator[bool]:
        """Hold the lock to bring a derived file up to date; gives False, and never waits, when a writer holds it."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._locked(wait_seconds=0))
                free = True
            except StoreBusy:
                free = False
            yield free

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Hold the store's lock for one batch or a few; the tables are current inside.

        Raises:
            StoreBusy: another process holds the lock for longer than the settings allow.
        """
        with self._locked():
            self._apply_new()
            torn = self.ledger.torn_bytes(self.db.cursor())
            if torn:
                self.notices.append(
                    msg("The ledger ended in an unfinished batch of {bytes} bytes (power cut or crash); it is "
                        "discarded, nothing in it had been confirmed.", bytes=torn)
                )
            yield Writer(self)

    def rebuild(self) -> int:
        """Drop the tables and derive them again from ledger and objects; the number of entries applied."""
        with self._locked():
            self.db.reset()
            self._apply_new()
        return self.db.cursor().seq

    def verify_ledger(self) -> Verification:
        """Check the whole chain, and that it has not become shorter than what the tables have seen."""
        found = self.ledger.verify()
        seen = self.db.cursor() if self.db.has_schema() else Cursor()
        if found.ok and found.entries < seen.seq:
            reason = msg("the catalogue has seen {seen} entries, the ledger holds {entries}: it was cut short",
                         seen=seen.seq, entries=found.entries)
            return Verification(False, found.entries, found.entries + 1, reason, found.head)
        return found

    def staging(self) -> AbstractContextManager[Path]:
        """A private folder for files that are not yet in place."""
        return files.staging(self.root / "work")

    def close(self) -> None:
        """Close the database."""
        self.db.close()

    @contextmanager
    def _locked(self, wait_seconds: float | None = None) -> Iterator[None]:
        if self._writing:
            yield
            return
        wait = self.settings.locks.wait_seconds if wait_seconds is None else wait_seconds
        with files.locked(self.root / "work" / "locks" / "store", wait):
            self._writing = True
            try:
                yield
            finally:
                self._writing = False

    def _append(self, acts: Sequence[Act]) -> None:
        time = self.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
        written = self.ledger.append(acts, time=time, actor=self.actor, after=self.db.cursor())
        self._apply(written)

    def _apply_new(self) -> None:
        batch: list[tuple[Entry, Cursor]] = []
        for item in self.ledger.read(self.db.cursor()):
            batch.append(item)
            if len(batch) >= 5000 and item[0].left == 0:
                self._apply(batch)
                batch = []
        if batch:
            self._apply(batch)

    def _apply(self, entries: Sequence[tuple[Entry, Cursor]]) -> None:
        with self.db.transaction():
            for entry, _ in entries:
                for projection in self._projections:
                    projection.apply(self, entry)
            self.db.set_cursor(entries[-1][1])


def open_workspace(root: Path, projections: Sequence[Projection], clock: Clock, actor: str) -> Workspace:
    """Open the store at ``root`` with its projections caught up.

    Raises:
        NotFound: there is no store.
        InputRefused: its settings cannot be read.
        StoreBusy: a newer format, or a lock held too long while the projections must catch up.
        IntegrityFailure: the ledger is damaged.
    """
    settings = load_settings(root)
    workspace = Workspace(root, settings, projections, clock, actor)
    try:
        first = next(workspace.ledger.read(), None)
        if first is None or first[0].body.get("store_id") != settings.store.id:
            raise IntegrityFailure(
                msg("The ledger of {store} does not begin with this store's own id.", store=str(root)),
                msg("recordkit.toml or the ledger folder comes from another store; restore the right one."),
            )
        workspace.catch_up()
    except BaseException:
        workspace.close()
        raise
    return workspace


def create_store(root: Path, settings_text: str, store_id: str, clock: Clock, actor: str) -> None:
    """Write the folders, recordkit.toml and the ledger's first entry.

    Raises:
        FileExistsError: there is a store already.
    """
    files.make_folder(root)
    for name in ("ledger", "objects", "issued", "notes", "forms", "inbox", "quarantine", "work", "outbox"):
        files.make_folder(root / name)
    ledger = Ledger(root / "ledger")
    if next(ledger.read(), None) is not None:
        raise FileExistsError(str(root))
    files.write_atomic(root / "recordkit.toml", settings_text.encode("utf-8"))
    time = clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
    ledger.append(
        [Act("store.created", {"store_id": store_id, "format": 1})], time=time, actor=actor, after=Cursor()
    )
