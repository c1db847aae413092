"""Opens a store: settings, lock, ledger, database. Projections register with it and catch up from the ledger.

Two things in a store are true, the objects and the ledger. Everything a projection keeps can be dropped and
applied again; so a crash, a restore or a deleted database heals when the store is opened.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import ModuleType

from msgspec import Struct

from recordkit import files
from recordkit.actforms import fault_of
from recordkit.db import NOT_A_ROW, Database, DatabaseDamaged, DatabaseError, DatabaseReadOnly, discard
from recordkit.errors import InputRefused, IntegrityFailure, RecordkitError, StoreBusy
from recordkit.ledger import Act, Cursor, Ledger, Verification
from recordkit.messages import Message, msg
from recordkit.model import Entry, crockford
from recordkit.notes import new_note, note_content, store_note, store_notes
from recordkit.settings import FILE_NAME, Settings, load_settings

STORE_FOLDERS = ("ledger", "objects", "issued", "notes", "forms", "inbox", "quarantine", "work", "outbox")


LOCK = "work/locks/store"
"""Whoever writes to the store holds it."""


class Clock(Struct, frozen=True):
    """Where time comes from: ``now`` gives the instant (UTC) for the ledger, ``today`` the date for computations."""

    now: Callable[[], datetime]
    today: date

    def stamp(self) -> str:
        """The instant as ledger, objects and notes write it: ISO 8601 UTC to the second, ``...Z``."""
        return self.now().isoformat(timespec="seconds").replace("+00:00", "Z")


class Projection:
    """Tables derived from the ledger, kept by one module.

    ``NAME.sql`` beside the module is their DDL. Its ``apply_entry(workspace, entry)`` brings them on by one entry; it
    must do no harm when an entry comes twice, and must bear that an object it names is gone or damaged. Its
    ``recover(workspace)``, if it has one, clears what a killed process left behind; it is called under the lock with
    the tables current.

    The module is loaded when there is something to apply or to recover: who only reads a store that is current pays
    for none of them.
    """

    def __init__(self, module: str) -> None:
        """The projection that a module of recordkit keeps, by its dotted name."""
        self.module = module

    @property
    def schema(self) -> str:
        """The DDL."""
        return Path(__file__).parent.joinpath(*self.module.split(".")[1:]).with_suffix(".sql").read_text("utf-8")

    def apply(self, workspace: Workspace, entry: Entry) -> None:
        """Bring the tables on by one entry."""
        self._keeper.apply_entry(workspace, entry)

    def recover(self, workspace: Workspace) -> None:
        """Clear what a killed process left behind."""
        if hasattr(self._keeper, "recover"):
            self._keeper.recover(workspace)

    @cached_property
    def _keeper(self) -> ModuleType:
        return importlib.import_module(self.module)


_NOTES_ONE_BY_ONE = 8
"""Notes of one commit that are each synced by themselves; more of them share the syncs."""


_SLOW = timedelta(minutes=5)
"""How far the clock may lie behind the last entry without a word: two machines are never quite alike."""


class Rehearsed(Exception):  # noqa: N818  (no error: the act would have been done)
    """Every check has passed and the next step would have written; ``acts`` is what the ledger would have got.

    ``notes`` are the contents of the notes that these acts name, by their digest.
    """

    def __init__(self, acts: Sequence[Act], notes: Mapping[str, Mapping[str, object]]) -> None:
        """Keep the acts and the notes."""
        super().__init__(", ".join(act.name for act in acts))
        self.acts = tuple(acts)
        self.notes = notes


class _Undone(Exception):  # noqa: N818  (no error: what was derived was only to be looked at)
    pass


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

    def next_id(self, ahead: int = 0) -> str:
        """Eight base32 characters for the thing that the next act creates; unique in this store for ever.

        ``ahead`` more acts will come before that one.

        A permutation of the sequence number, so that neighbours do not look alike when a clerk misreads one.
        """
        start = int.from_bytes(hashlib.sha256(self._workspace.settings.store.id.encode()).digest()[:5])
        return crockford(((self.next_seq + ahead) * 0x5DEECE66D + start) % (1 << 40), 8)

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
            raise Rehearsed(acts, {digest: note_content(data) for _, digest, data in notes})
        if len(notes) > _NOTES_ONE_BY_ONE:
            with self._workspace.staging() as room:
                store_notes(self._workspace.root, notes, room)
        else:
            for subject, digest, data in notes:
                store_note(self._workspace.root, subject, digest, data)
        if acts:
            self._workspace._append(acts)


class Workspace:
    """One open store. ``actor`` is whoever acts, as it will stand in the ledger.

    ``command`` is what others are told who have to wait: words of a command line, no arguments.
    """

    def __init__(
        self, root: Path, settings: Settings, projections: Sequence[Projection], clock: Clock, actor: str
    ) -> None:
        """Use ``open_workspace``; a store must not be seen before its projections have caught up."""
        self.root = root
        self.settings = settings
        self.clock = clock
        self.actor = actor
        self.command = ""
        self.notices: list[Message] = []
        self.rehearsing = False
        self._projections = projections
        self.ledger = Ledger(root / "ledger", settings.ledger.max_bytes)
        self._schema = ";\n".join(projection.schema for projection in projections)
        self._writing = False
        self._told_of_clock = False
        self.db = self._open_database()

    @property
    def store_tag(self) -> str:
        """Four characters that tell this store's printed codes from all others."""
        return store_tag_of(self.settings.store.id)

    def catch_up(self, progress: Callable[[int], None] | None = None) -> None:
        """Apply the entries that the tables have not seen; ``progress`` as for ``rebuild``, where all of them are.

        A reader never waits for a writer: where the lock is taken it goes on with what it has, a moment old; where
        it has no tables at all, or may not write them, it derives its own in memory.

        Raises:
            IntegrityFailure: the ledger is damaged, or shorter than what the tables have already seen.
        """
        if self.db.has_schema() and next(self.ledger.read(self.db.cursor()), None) is None:
            return
        try:
            with self._locked(wait_seconds=0):
                self._bring_up(progress)
        except (StoreBusy, OSError):
            if not self.db.has_schema():
                self.db.close()
                self.db = Database(None, self._schema)
                self._bring_up(progress)

    @contextmanager
    def maintaining(self) -> Iterator[bool]:
        """Hold the lock to bring a derived file up to date; gives False, and never waits, when that cannot be."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._locked(wait_seconds=0))
                free = True
            except (StoreBusy, OSError):
                free = False
            yield free

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Hold the store's lock for one batch or a few; the tables are current inside.

        Raises:
            StoreBusy: another process holds the lock for longer than the settings allow.
        """
        nested = self._writing
        with self._locked():
            if self.db.path is None:
                # What is derived in memory cannot be wiped on disk: acts work on the file, which is free now.
                self.db.close()
                self.db = self._open_database()
            self._bring_up()
            self._look_at_clock(self.ledger.check_end(self.db.cursor()))
            for projection in () if nested else self._projections:
                projection.recover(self)
            torn = self.ledger.torn_bytes(self.db.cursor())
            if torn:
                self.notices.append(
                    msg("The ledger ended in an unfinished batch of {bytes} bytes (power cut or crash); it is "
                        "discarded, nothing in it had been confirmed.", bytes=torn)
                )
            yield Writer(self)

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Keep writers away, leftovers of killed ones cleared and the tables current; on a read-only disk as it is."""
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):
                stack.enter_context(self.writing())
            yield

    def rebuild(self, progress: Callable[[int], None] | None = None) -> int:
        """Drop the tables and derive them again from ledger and objects; the number of entries applied.

        ``progress`` is told after every entry how many there were.
        """
        with self._locked():
            try:
                self._fill_anew(progress)
            except DatabaseError:
                self.db.close()
                discard(self.root / "catalogue.sqlite3")
                self.db = self._open_database()
                self._fill_anew(progress)
        return self.db.cursor().seq

    @contextmanager
    def derived_anew(self) -> Iterator[None]:
        """Inside, the tables are those that ledger, objects and notes give; afterwards what they were before.

        Others go on reading what was there. Call it under the lock.

        Raises:
            IntegrityFailure: the ledger is damaged.
        """
        told = len(self.notices)
        try:
            with self.db.transaction():
                self._derive()
                yield
                raise _Undone
        except _Undone:
            del self.notices[told:]

    def verify_ledger(
        self,
        *,
        places: Collection[int] = (),
        take: Callable[[Entry], None] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Verification:
        """Check the whole chain, and that it is still the one that the tables have seen; see ``Ledger.verify``."""
        return self.ledger.verify(self.db.remembered(), places=places, take=take, progress=progress)

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
        with files.locked(self.root / LOCK, wait, self.actor, self.command):
            self._writing = True
            try:
                yield
            finally:
                self._writing = False

    def _look_at_clock(self, last: Entry | None) -> None:
        """Say when time has gone back since the last entry: numbers and dates would be wrong, and nobody could tell."""
        if last is None or self._told_of_clock or self.settings.store.simulation:
            return
        now = self.clock.now()
        if datetime.fromisoformat(last.time) - now > _SLOW:
            self._told_of_clock = True
            self.notices.append(
                msg("The clock of this machine says {now}, but the last entry of the ledger is of {last}. Set date and "
                    "time right; what was entered now bears the time of the clock, and 'recordkit ledger verify' will "
                    "go on naming it.", now=self.clock.stamp(), last=last.time))

    def _append(self, acts: Sequence[Act]) -> None:
        written = self.ledger.append(acts, time=self.clock.stamp(), actor=self.actor, after=self.db.cursor())
        self._apply(written)

    def _open_database(self) -> Database:
        path = self.root / "catalogue.sqlite3"
        try:
            return Database(path, self._schema, wait_seconds=self.settings.locks.wait_seconds)
        except DatabaseReadOnly:
            return Database(None, self._schema)
        except DatabaseDamaged:
            self.notices.append(msg("The catalogue was damaged and is derived anew from ledger and objects."))
            with self._locked():
                discard(path)
                return Database(path, self._schema)

    def _bring_up(self, progress: Callable[[int], None] | None = None) -> None:
        """Apply what the tables lack; derive them anew when they are not those of this program version."""
        if not self.db.has_schema():
            # A newer program must not forget how far the ledger had come: a cut one would pass for whole.
            self.ledger.check_end(self.db.remembered())
            self._fill_anew(progress)
            return
        batch: list[tuple[Entry, Cursor]] = []
        for item in self.ledger.read(self.db.cursor()):
            batch.append(item)
            if len(batch) >= 5000 and item[0].left == 0:
                self._apply(batch)
                batch = []
        self._apply(batch)

    def _fill_anew(self, progress: Callable[[int], None] | None = None) -> None:
        """In one transaction: a reader sees the old tables or the full new ones, never empty ones."""
        with self.db.transaction():
            self._derive(progress)

    def _derive(self, progress: Callable[[int], None] | None = None) -> None:
        self.db.reset()
        for entry, cursor in self.ledger.read():
            self._apply_one(entry)
            if entry.left == 0:
                self.db.set_cursor(cursor)
            if progress is not None:
                progress(entry.seq)

    def _apply(self, entries: Sequence[tuple[Entry, Cursor]]) -> None:
        if entries:
            with self.db.transaction():
                for entry, _ in entries:
                    self._apply_one(entry)
                self.db.set_cursor(entries[-1][1])

    def _apply_one(self, entry: Entry) -> None:
        try:
            for projection in self._projections:
                projection.apply(self, entry)
        except (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
                InputRefused, *NOT_A_ROW) as error:
            raise _not_applied(entry, error) from error


def _not_applied(entry: Entry, error: Exception) -> RecordkitError:
    """Why the tables cannot be brought on by an entry. Without it they would say what nobody decided."""
    place, reason = fault_of(entry.act, entry.body), f"{type(error).__name__}: {error}"
    if place is None:
        return RecordkitError(
            msg("Entry {seq} of the ledger ({act}) has the form of its act, and yet cannot be entered into the tables: "
                "{reason}", seq=entry.seq, act=entry.act, reason=reason),
            msg("Bring no older copy back: the ledger is not at fault. A file that the entry names is not what was "
                "written ('recordkit mend COPY' compares with a copy), or recordkit has a fault: set RECORDKIT_DEBUG=1 "
                "and report what it prints."))
    return IntegrityFailure(
        msg("Entry {seq} of the ledger ({act}) has not the form of its act: {reason}", seq=entry.seq, act=entry.act,
            reason=f"{place} ({reason})"),
        msg("Keep the store as it is: another program wrote this entry, or somebody forged it. A copy of the store "
            "that was made before it has the ledger whole."))


def store_tag_of(store_id: str) -> str:
    """Four characters that tell the printed codes of the store with this id from all others."""
    return crockford(int.from_bytes(hashlib.sha256(store_id.encode()).digest()[-4:]) % (1 << 20), 4)


def open_workspace(
    root: Path, projections: Sequence[Projection], clock: Clock, actor: str,
    progress: Callable[[int], None] | None = None,
) -> Workspace:
    """Open the store at ``root`` with its projections caught up.

    ``progress`` is told how many entries the tables have taken in, where they are derived anew.

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
        if first is None:
            sum(1 for _ in os.scandir(root / "ledger"))  # a folder that may not be read looks empty, and is not gone
            raise IntegrityFailure(
                msg("The ledger of {store} is gone: no entry is left in {folder}.", store=str(root),
                    folder=str(root / "ledger")),
                msg("Keep the store as it is. 'recordkit mend COPY' brings the ledger back out of a copy of it."),
            )
        if first[0].body.get("store_id") != settings.store.id:
            raise IntegrityFailure(
                msg("The ledger of {store} does not begin with this store's own id.", store=str(root)),
                msg("recordkit.toml or the ledger folder comes from another store. Put back the recordkit.toml of this "
                    "store's own copy; [store] id there is {id}.", id=str(first[0].body.get("store_id"))),
            )
        workspace.catch_up(progress)
    except BaseException:
        workspace.close()
        raise
    return workspace


def create_store(
    root: Path, settings_text: str, store_id: str, clock: Clock, actor: str, *, schedule: str | None = None
) -> None:
    """Write the folders, recordkit.toml and the ledger's first entry; ``schedule`` is the digest of retention.toml.

    Raises:
        FileExistsError: there is a store already.
    """
    if (root / FILE_NAME).exists():
        raise FileExistsError(str(root))
    files.make_folder(root)
    for name in STORE_FOLDERS:
        files.make_folder(root / name)
    for left in (root / "ledger").iterdir():
        # An init that was cut off: no store has been seen here yet, since recordkit.toml comes last.
        files.remove_file(left)
    body = {"store_id": store_id, "format": 1, **({"schedule": schedule} if schedule else {})}
    Ledger(root / "ledger").append([Act("store.created", body)], time=clock.stamp(), actor=actor, after=Cursor())
    files.write_atomic(root / FILE_NAME, settings_text.encode("utf-8"))
