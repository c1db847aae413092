"""Brings a copy of a store in another folder up to date.

In this order, so that a run cut off anywhere leaves the older copy, or one with more in it: papers that wait, objects,
notes, issue data, forms; then what the ledger says was destroyed leaves the copy; the ledger grows last. What the
store lacks without the ledger saying why stays in the copy, and is named.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from recordkit import files
from recordkit.archive.losses import LostRecord, lost_records
from recordkit.copies.chain import Chain, end_of, extend_ledger, laid_down, ledger_of, read_chain, require_signatures
from recordkit.copies.fate import Fate, Holding, Told, is_paper
from recordkit.copies.folders import Guarded, Mirror, Walk, is_leftover, kind_of
from recordkit.copies.objects import TOP, Root, draft_object, update_object
from recordkit.errors import InputRefused, IntegrityFailure, StoreBusy
from recordkit.messages import msg
from recordkit.workspace import Workspace

NOTE = "backup.json"
"""What a folder with a copy is known by: the first file that is written, and the last one that is brought up."""
WAITING = ("inbox", "quarantine")
WITHOUT = frozenset({"inbox/done"})
"""Sources that were filed, whose bytes are in the objects, and papers that were given up lie there for some days."""
_DERIVED = ("catalogue.sqlite3", "catalogue.sqlite3-wal", "catalogue.sqlite3-shm", "index", "outbox", "work/viewing",
            "work/verify-all.json", "work/verify-sample.json")
_FEW = 10
"""So many files may leave a folder of the copy without the ledger knowing them, or half of the folder."""

Progress = Callable[[int, int], None]
"""Told records done, and records in all."""


@dataclass(slots=True)
class Backup:
    """What a run did, or would do.

    Attributes:
        entries: of the ledger as it was copied; ``head`` its hash.
        records: objects that were copied, or brought up to a newer version.
        files: other files that were copied; ``bytes`` of both together.
        destroyed: objects that left the copy, because the ledger says that they were destroyed.
        removed: other files that left it.
        executing: archival codes of records whose destruction is under way: the copy keeps what it has until the
            ledger says that it is done.
        missing: what the ledger holds to be there and the store lacks; the copy keeps what it has of it.
        damaged: what is not as it was filed and was not copied.
        kept: files that the store no longer has, nobody knows why.
        links: what is neither file nor folder, and was not copied.
        lost: archival codes of records that are written off; of those the copy has what is left, or what it had.
    """

    entries: int = 0
    head: str = ""
    records: int = 0
    files: int = 0
    bytes: int = 0
    unchanged: int = 0
    destroyed: int = 0
    removed: int = 0
    executing: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    dry_run: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the copy has all that the ledger says there is, and nothing needs a person."""
        return not (self.missing or self.damaged or self.kept or self.links)

    def plain(self) -> dict[str, object]:
        """Keys and values for scripts."""
        return {name: getattr(self, name) for name in self.__slots__}


def make_backup(
    workspace: Workspace,
    target: Path,
    *,
    thin_out: bool = False,
    mend: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Backup:
    """Bring the copy in ``target`` up to the store, which stays in use.

    Args:
        workspace: the store.
        target: a folder that does not exist, is empty, or has a copy of this store.
        thin_out: also remove from the copy what left the store, nobody knows why, when it is much.
        mend: also read what is in the copy, every byte, and copy anew what is damaged there.
        dry_run: count what would be done; nothing is written.
        progress: told how many records were looked at.

    Raises:
        InputRefused: ``target`` holds something else, lies in the store, or the store in it.
        StoreBusy: another run is bringing this copy up to date.
        IntegrityFailure: a ledger is damaged, or the store's does not continue the copy's; a link stands in the copy;
            signatures in the ledger do not hold: then what is new was copied, and nothing was removed.
    """
    place = target.resolve()
    require_apart(workspace.root, place, target)
    note = require_copy_of(workspace, place, target)
    with ExitStack() as stack:
        if not dry_run:
            if kind_of(place) == "nothing":
                files.make_folder(place)
            with suppress(PermissionError):
                place.chmod(0o700)
            stack.enter_context(copy_lock(place))
            files.remove_unfinished(place)
            if not note:
                write_note(workspace, place, {})
        have, damage = end_of(ledger_of(Guarded(place)))
        if damage is not None:
            raise IntegrityFailure(
                msg("The copy in {folder} is damaged: {reason}", folder=str(target), reason=damage),
                msg("Keep it as it is, and make a new copy in another, empty folder."),
            )
        chain = read_chain(workspace.ledger, workspace.settings.store.id, have,
                           laid_down(workspace.root, place), until=workspace.db.cursor())
        staging = place if dry_run else stack.enter_context(files.staging(place / "work"))
        run = _Run(workspace, Guarded(place), chain, staging, thin_out=thin_out, mend=mend, dry_run=dry_run)
        run.copy(progress)
        if not dry_run:
            require_signatures(chain.findings, msg(
                "What is new was copied, nothing was removed, and the copy's ledger stays as it was. Run 'recordkit "
                "ledger verify'."))
        run.remove()
        if not dry_run:
            run.mirror.flush()
            extend_ledger(workspace.root / "ledger", Guarded(place), have, chain.end)
            write_note(workspace, place, {"entries": chain.end.seq, "head": chain.end.hash,
                                          "time": workspace.clock.stamp()})
        return run.result()


class _Run:
    """One run: what is copied, and what leaves the copy."""

    def __init__(
        self, workspace: Workspace, target: Guarded, chain: Chain, staging: Path, *, thin_out: bool, mend: bool,
        dry_run: bool,
    ) -> None:
        self._workspace, self._root, self._to = workspace, workspace.root, target
        self._thin_out, self._mend, self._dry_run = thin_out, mend, dry_run
        self._is_proven = not chain.findings
        self._fate = Fate(workspace, chain.told, until=chain.end.seq)
        self.mirror = Mirror(target.root, staging, rehearses=dry_run)
        self._done = Backup(chain.end.seq, chain.end.hash, dry_run=dry_run)
        self._end = chain.end
        self._missing: list[tuple[str, str]] = []
        """What the store lacks: subject of the ledger, and how it is told."""
        self._lost = lost_records(workspace.db)
        self._walk = Walk(self._root, WITHOUT)
        self._objects = (Root(self._root, workspace.settings.store.id),
                         Root(target.root, workspace.settings.store.id))

    def copy(self, progress: Progress | None) -> None:
        """Copy what is new. Waiting papers before objects: one that is filed meanwhile is in either."""
        for path in sorted(self._root.glob("*.toml")):
            self._put(path.name)
        for name in (*WAITING, "forms", *self._certificates()):
            for place in self._walk.below(name):
                self._put(place)
        self.mirror.flush()
        total = self._fate.count()
        for count, holding in enumerate(self._fate.holdings(), start=1):
            self._copy_object(holding)
            if progress is not None:
                progress(count, total)
        self._put_object_root()
        self._copy_notes()
        self._copy_lines()
        for path in laid_down(self._root):
            self._put(path.relative_to(self._root).as_posix())
        self.mirror.flush()

    def remove(self) -> None:
        """Take out of the copy what was destroyed, and what is no longer needed in it."""
        self._remove_derived()
        self._remove_objects()
        self._remove_notes()
        for name in (*WAITING, "forms", *self._certificates()):
            self._remove_files(name)

    def result(self) -> Backup:
        """What was done."""
        done, mirror = self._done, self.mirror
        gone = self._gone_meanwhile() if self._missing else set()
        done.missing = [told for subject, told in self._missing if subject not in gone]
        done.files, done.removed = mirror.copied, mirror.removed
        done.bytes += mirror.bytes
        done.unchanged += mirror.unchanged
        done.damaged += mirror.failed
        done.links = sorted(self._walk.others)
        return done

    def _gone_meanwhile(self) -> set[str]:
        """Records, documents, events and holds that other processes have begun to destroy since this run began."""
        later = Told()
        for entry, _ in self._workspace.ledger.read(self._end):
            later.take(entry)
        return later.going() | self._fate.issues_of(later.going()) | {
            one for _, others in later.intents.values() for one in others}

    def _certificates(self) -> tuple[str, ...]:
        name = self._workspace.settings.ingest.trusted_roots
        parts = Path(name).parts
        own = len(parts) == 1 and name not in ("objects", "ledger", "notes", "issued", "work", "outbox", "index", "..")
        return (name,) if own and name not in (*WAITING, "forms") else ()

    def _put(self, place: str) -> None:
        if kind_of(self._root / place) == "file":
            self.mirror.put_file(self._root / place, place)
        elif kind_of(self._root / place) == "other":
            self._walk.others.append(place)

    def _put_object_root(self) -> None:
        """The files of the storage root itself, which say how it is laid out."""
        for path in sorted((self._root / "objects").glob("*")):
            if kind_of(path) == "file" and not is_leftover(path.name):
                self._put(f"objects/{path.name}")
        for place in self._walk.below("objects/extensions"):
            self._put(place)

    def _copy_object(self, one: Holding) -> None:
        source, target = self._objects
        if one.record_id in self._fate.executing:
            self._done.executing.append(one.code)
            return
        if (lost := self._lost.get(one.record_id)) is not None and self._copy_rest(one, lost):
            return
        is_there = target.holds(one.record_id, one.commitment)
        if is_there and not self._mend:
            self._done.unchanged += 1
            if not source.is_there(one.record_id) and self._is_as_it_was(one):
                self._missing.append((one.record_id, f"{one.code} ({one.record_id})"))
            return
        version = source.version(one.record_id, one.version, one.commitment)
        if is_there and version is not None and not target.faults(one.record_id, version):
            self._done.unchanged += 1
            return
        if version is None:
            if self._is_as_it_was(one):
                if source.is_there(one.record_id):
                    self._done.damaged.append(f"{one.code} ({one.record_id})")
                else:
                    self._missing.append((one.record_id, f"{one.code} ({one.record_id})"))
            return
        if self._dry_run:
            self._done.records += 1
            return
        try:
            wrong, size = update_object(source, target, self.mirror, one.record_id, version, self.mirror.draft(),
                                        anew=self._mend)
        except FileNotFoundError:
            if source.is_there(one.record_id):
                raise
            return  # destroyed this moment
        if wrong and self._is_as_it_was(one):
            self._done.damaged += [f"{one.code} ({one.record_id}): {name}" for name in wrong]
        elif not wrong:
            self._done.records += 1
            self._done.bytes += size

    def _copy_rest(self, one: Holding, lost: LostRecord) -> bool:
        """What is left of a record that is written off, where the copy has nothing of it; False when it is whole again.

        Without the inventory at the top: the copy never passes for whole, and a run after the record came back
        replaces it.
        """
        source, target = self._objects
        version = source.version(one.record_id, one.version, one.commitment)
        wrong = ["inventory.json"] if version is None else source.faults(one.record_id, version)
        if not wrong:
            return False
        self._done.lost.append(one.code)
        self._done.damaged += [f"{one.code} ({one.record_id}): {name}" for name in wrong if not lost.covers(name)]
        if version is not None and not self._dry_run and not target.is_there(one.record_id):
            draft = self.mirror.draft()
            _, size = draft_object(source, one.record_id, version, draft)
            for name in TOP:
                files.remove_file(draft / name)
            self.mirror.move(draft, target.folder(one.record_id))
            self._done.bytes += size
        return True

    def _is_as_it_was(self, one: Holding) -> bool:
        """Whether the catalogue still says the same: no other process destroyed or changed the record meanwhile."""
        row = self._workspace.db.one("SELECT status, commitment FROM records WHERE record_id = :id",
                                     {"id": one.record_id})
        return row is not None and (row["status"], row["commitment"]) == ("active", one.commitment)

    def _copy_notes(self) -> None:
        for place in self._walk.below("notes"):
            if not self._keeps_note(place):
                continue
            if not self._mend and kind_of(self._to.path(place)) == "file":
                self.mirror.unchanged += 1
                continue
            try:
                data = (self._root / place).read_bytes()
            except FileNotFoundError:
                continue  # destroyed this moment
            if hashlib.sha256(data).hexdigest() == Path(place).stem:
                self.mirror.put_bytes(data, place)
            else:
                self._done.damaged.append(place)

    def _keeps_note(self, place: str) -> bool:
        parts = Path(place).parts
        return len(parts) == 3 and parts[2].endswith(".json") and self._fate.keeps_note(
            parts[1], parts[2].removesuffix(".json"))

    def _copy_lines(self) -> None:
        """Issue data, pack by pack: what must be there, from the store, and where that lacks it from the copy."""
        for pack in self._fate.packs():
            place = f"issued/{pack}.jsonl"
            path = self._root / place
            if not self._mend and _size(path) == _size(self._to.path(place)) is not None:
                self.mirror.unchanged += 1  # lines only ever leave a pack
                continue
            mine, theirs = lines_in(path), lines_in(self._to.path(place))
            wanted = self._fate.lines_of(pack)
            self._missing += [(one.issue_id, f"{place}: {one.number}") for digest, one in wanted.items()
                              if digest not in mine and not one.is_going]
            lines = {one: mine.get(one) or theirs.get(one) or b"" for one in wanted}
            if not self._is_proven:
                lines |= theirs
            if data := b"".join(lines.values()):
                self.mirror.put_bytes(data, place)

    def _remove_derived(self) -> None:
        """What came to be when somebody opened the copy as a store: it names what may have been destroyed since."""
        for name in _DERIVED:
            path = self._to.path(name)
            if kind_of(path) == "nothing":
                continue
            self.mirror.removed += 1
            if not self._dry_run:
                self.mirror.discard(path)

    def _remove_objects(self) -> None:
        copies = self._objects[1]
        for record_id in self._fate.destroyed:
            if copies.is_there(record_id):
                self._done.destroyed += 1
                if not self._dry_run:
                    self.mirror.discard(copies.folder(record_id))

    def _remove_notes(self) -> None:
        """Notes of what was destroyed or never came to be; others that the store lacks stay, and are named."""
        gone: list[str] = []
        for place in list(self._to.files_below("notes")):
            if not self._keeps_note(place):
                gone.append(place)
            elif kind_of(self._root / place) == "nothing" and not self._fate.is_going(Path(place).parts[1]):
                self._missing.append((Path(place).parts[1], place))
        packs = set(self._fate.packs())
        gone += [place for place in self._to.files_below("issued") if Path(place).stem not in packs]
        self.mirror.remove(gone)

    def _remove_files(self, name: str) -> None:
        """What left a folder of the store. A store that lost a folder must not make its copy lose it, too."""
        there = list(self._to.files_below(name))
        surplus = [one for one in there if kind_of(self._root / one) == "nothing"]
        if not surplus:
            return
        known = self._known_papers(surplus) if name in WAITING else set[str]()
        strange = [one for one in surplus if one not in known]
        is_lost = kind_of(self._root / name) == "nothing"
        if not self._thin_out and (is_lost or (len(strange) > _FEW and 2 * len(strange) > len(there))):
            self._done.kept += strange
            surplus = [one for one in surplus if one in known]
        self.mirror.remove(surplus)

    def _known_papers(self, surplus: list[str]) -> set[str]:
        """Those that were filed, given up or destroyed, or that lie elsewhere in the store now; with their notes."""
        elsewhere = _digests(self._root, self._sizes(surplus))
        known: set[str] = set()
        left: set[str] = set()
        for place in surplus:
            path = self._to.path(place)
            if is_paper(path):
                digest = files.digests_of(path).sha256
                if (self._fate.is_known(digest) or digest in elsewhere
                        or self._fate.shows_destroyed(path.parent)):
                    known.add(place)
                else:
                    left.add(place.rpartition("/")[0])
        known |= {one for one in surplus if not is_paper(Path(one)) and one.rpartition("/")[0] not in left}
        return known

    def _sizes(self, places: Iterable[str]) -> set[int]:
        return {self._to.path(place).stat().st_size for place in places}


def _digests(root: Path, sizes: set[int]) -> set[str]:
    """SHA-256 of the files of these sizes where papers come in, filed ones included."""
    found: set[str] = set()
    walk = Walk(root)
    for name in WAITING:
        for place in walk.below(name):
            try:
                if (root / place).stat().st_size in sizes:
                    found.add(files.digests_of(root / place).sha256)
            except FileNotFoundError:
                continue  # it was filed this moment
    return found


def _size(path: Path) -> int | None:
    return path.stat().st_size if kind_of(path) == "file" else None


def lines_in(path: Path) -> dict[str, bytes]:
    """Lines of a pack of issue data by their SHA-256; none where there is no such file."""
    if kind_of(path) != "file":
        return {}
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    return {hashlib.sha256(line).hexdigest(): line + b"\n" for line in data.split(b"\n") if line}


def require_apart(root: Path, place: Path, named: Path) -> None:
    """Store and copy do not lie in one another.

    Raises:
        InputRefused: they do.
    """
    store = root.resolve()
    if place.is_relative_to(store) or store.is_relative_to(place):
        raise InputRefused(msg("Store and copy do not lie in one another: {folder}.", folder=str(named)),
                           msg("Choose a folder on another disk."))


def require_copy_of(workspace: Workspace, place: Path, named: Path) -> Mapping[str, object]:
    """What a copy notes of itself; nothing for a folder that is empty or not there.

    Raises:
        InputRefused: the folder holds something else.
        IntegrityFailure: the note is a link.
    """
    if kind_of(place) == "nothing" or (kind_of(place) == "folder" and not any(_own(place))):
        return {}
    note = read_note(place)
    if note.get("store") != workspace.settings.store.id:
        raise InputRefused(msg("The folder {folder} is no copy of this store.", folder=str(named)),
                           msg("Choose an empty folder, or the one of an earlier copy."))
    return note


def _own(place: Path) -> Iterator[Path]:
    """What lies in a folder, but for what a first run begins with."""
    return (one for one in place.iterdir() if one.name not in ("work", "lost+found") and not is_leftover(one.name))


def read_note(place: Path) -> dict[str, object]:
    """What a copy notes of itself; empty when it has no such note, or it cannot be read.

    Raises:
        IntegrityFailure: it is a link.
    """
    path = Guarded(place).path(NOTE)
    try:
        note = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


def write_note(workspace: Workspace, place: Path, more: Mapping[str, object]) -> None:
    """Say whose copy this is, and how far it has come."""
    note = {"format": 1, "store": workspace.settings.store.id, **more}
    files.write_atomic(place / NOTE, json.dumps(note, indent=1).encode() + b"\n", overwrite=True)


def copy_lock(place: Path) -> ExitStack:
    """Hold a copy: one run at a time, and nobody who acts in it as in a store.

    Raises:
        StoreBusy: somebody does.
    """
    stack = ExitStack()
    lock = Guarded(place).path("work/locks/store")
    try:
        stack.enter_context(files.locked(lock, 0))
    except StoreBusy:
        raise StoreBusy(msg("Another run is at work in the copy {folder}.", folder=str(place)),
                        msg("Wait until it has finished.")) from None
    return stack
