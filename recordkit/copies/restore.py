"""Makes a store from a copy, with nothing in it that was destroyed since.

The newest ledger is read first, alone: it continues the copy's, bears out every known checkpoint, and its signatures
hold. Then only what it says is in force is taken out of the copy, byte for byte as it says: what was destroyed never
reaches the new disk. The store gets its name last; before that nobody can read anything in it.

No entry is made: who tries out a copy on another machine must not make a second ledger of it.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from recordkit import files
from recordkit.archive.arrivals import OTHER_NAMES
from recordkit.archive.losses import lost_records
from recordkit.copies.backup import WAITING, WITHOUT, Progress, copy_lock, lines_in, read_note
from recordkit.copies.chain import Chain, end_of, laid_down, ledger_of, read_chain, require_signatures
from recordkit.copies.fate import Doom, Fate, Holding, is_paper
from recordkit.copies.folders import Guarded, Mirror, kind_of
from recordkit.copies.objects import Root, Version, draft_object
from recordkit.db import discard
from recordkit.errors import InputRefused, NotFound, StoreBusy
from recordkit.ledger import Cursor, Ledger
from recordkit.messages import msg
from recordkit.settings import FILE_NAME, load_settings
from recordkit.store import PROJECTIONS
from recordkit.workspace import STORE_FOLDERS, Clock, Workspace, open_workspace

LOST_PAPERS = "outbox/lost"
"""Papers of lost records that waited in the copy: in the inbox they would pass for filed, and be removed."""
_CATALOGUE = "catalogue.sqlite3"
_MOST_BYTES = 1 << 24
_ATTACHMENT = re.compile(r"[0-9a-f]{16}\.(\w+)")
"""Folder of an attachment that waits for the signed paper of its document."""


@dataclass(frozen=True, slots=True)
class Lack:
    """A record of which something did not come back.

    Attributes:
        versions: the newest version that came back (0 for none) and the newest one that the ledger knows.
        files: of the object that are not as they were filed, and were left out.
    """

    record_id: str
    code: str
    versions: tuple[int, int]
    files: tuple[str, ...] = ()

    def plain(self) -> dict[str, object]:
        """Keys and values for scripts."""
        return {"record": self.record_id, "code": self.code, "back": self.versions[0], "newest": self.versions[1],
                "files": list(self.files)}


@dataclass(slots=True)
class Restored:
    """A store that was brought back, or would be.

    Attributes:
        entries: of the newest ledger; ``copied`` of the copy's.
        records: active records that are back as the ledger knows them.
        destroyed: records of the copy that were left behind, because they were destroyed.
        executing: archival codes of records whose destruction had begun and is still to be finished.
        lost: active records of which nothing is back; ``older`` of which a newer version is lost; ``damaged`` of which
            files in the copy are not as they were filed.
        written_off: active records that the ledger calls lost; what is left of them is back.
        found: archival codes of those of them that the copy has whole: 'mend' enters that they are back.
        documents: numbers of issued documents whose data is lost.
        notes: how many notes are lost.
        waiting: papers that wait again, as they did when the copy was made.
        withheld: papers of the copy that do not wait again, each with the reason.
        papers: where papers of lost records lie.
        copy_damage: what is wrong with the copy's own ledger; None for nothing.
    """

    entries: int = 0
    copied: int = 0
    records: int = 0
    destroyed: int = 0
    executing: list[str] = field(default_factory=list)
    lost: list[Lack] = field(default_factory=list)
    older: list[Lack] = field(default_factory=list)
    damaged: list[Lack] = field(default_factory=list)
    written_off: list[Lack] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    notes: int = 0
    waiting: int = 0
    withheld: list[tuple[str, Doom]] = field(default_factory=list)
    papers: list[str] = field(default_factory=list)
    copy_damage: str | None = None
    dry_run: bool = False

    def plain(self) -> dict[str, object]:
        """Keys and values for scripts."""
        return {
            **{name: getattr(self, name) for name in self.__slots__},
            **{name: [one.plain() for one in getattr(self, name)]
               for name in ("lost", "older", "damaged", "written_off")},
            "withheld": [{"paper": place, "reason": doom} for place, doom in self.withheld],
        }


def restore_backup(
    source: Path,
    ledger: Path,
    target: Path,
    clock: Clock,
    actor: str,
    *,
    checkpoints: Iterable[Path] = (),
    dry_run: bool = False,
    progress: Progress | None = None,
    deriving: Progress | None = None,
) -> Restored:
    """Make the store in ``target`` from a copy, as far as the newest ledger says that it is in force.

    Args:
        source: the copy, or any folder in the form of a store.
        ledger: folder of the newest ledger that was saved, wherever it comes from, or the store that it lies in.
        target: a folder that does not exist or is empty. Interrupted, nothing is there.
        clock: of the store that is made.
        actor: whoever acts.
        checkpoints: signed checkpoints that were kept elsewhere; the newest ledger must bear out each.
        dry_run: say what would come back; nothing is left behind.
        progress: told how many records were looked at.
        deriving: told how many entries of the ledger the tables have taken in, which they do twice.

    Raises:
        NotFound: ``source`` is no copy, ``ledger`` no ledger, or a checkpoint is not there.
        InputRefused: ``target`` holds something, or lies in the copy; a checkpoint is none.
        StoreBusy: another run is making this store.
        IntegrityFailure: the newest ledger is damaged, does not continue the copy's, is behind a checkpoint, or has
            signatures that do not hold; or a link or device stands in the copy.
    """
    place, copy = target.resolve(), Guarded(source.resolve())
    if kind_of(copy.path(FILE_NAME)) != "file":
        raise NotFound(msg("There is no copy of a store in {folder}.", folder=str(source)))
    newest = _ledger_folder(ledger)
    _require_free(place, copy.root, newest, target)
    with _drafting(place) as (draft, lock):
        settings_of(copy, draft)
        _take_ledger(newest, draft)
        done = Restored(dry_run=dry_run)
        chain = _read_newest(copy, newest, draft, checkpoints, done)
        entries = None if deriving is None else partial(_told_of, deriving, done.entries)
        workspace = open_workspace(draft, PROJECTIONS, clock, actor, entries)
        try:
            run = _Run(workspace, copy, draft, chain, done)
            run.take(progress)
        finally:
            workspace.close()
        # Derived from the ledger alone; the next opening derives it with objects, notes and issue data.
        discard(draft / _CATALOGUE)
        if not dry_run:
            open_workspace(draft, PROJECTIONS, clock, actor, entries).close()
            lock.close()  # no system renames a folder in which a file is held
            files.remove_empty(place, within=place.parent)
            files.publish(draft, place)
    return done


def settings_of(copy: Guarded, draft: Path) -> None:
    """Take settings and schedule out of a copy; the folders of a store around them."""
    for name in STORE_FOLDERS:
        files.draft_folder(draft / name)
    for path in sorted(copy.root.glob("*.toml")):
        place = copy.path(path.name)
        if kind_of(place) == "file" and place.stat().st_size <= _MOST_BYTES:
            files.copy_with_digests(place, draft / path.name, durable=False)


def _ledger_folder(given: Path) -> Path:
    for folder in (given / "ledger", given):
        if any(folder.glob("ledger-*.jsonl")):
            return folder.resolve()
    raise NotFound(msg("There is no ledger in {folder}.", folder=str(given)),
                   msg("Give the folder of the newest ledger: of the store itself, or of a later copy."))


def _require_free(place: Path, copy: Path, newest: Path, named: Path) -> None:
    if kind_of(place) not in ("nothing", "folder") or (place.exists() and any(place.iterdir())):
        raise InputRefused(msg("The folder {folder} is not empty.", folder=str(named)),
                           msg("Choose another one with --store; a store is never mixed with other files."))
    if os.path.ismount(place):
        raise InputRefused(msg("{folder} is a disk of its own; the store could not get its name at once.",
                               folder=str(named)), msg("Choose a folder on it with --store."))
    if place.is_relative_to(copy) or place.is_relative_to(newest):
        raise InputRefused(msg("Store and copy do not lie in one another: {folder}.", folder=str(named)),
                           msg("Choose another folder with --store."))


@contextmanager
def _drafting(place: Path) -> Iterator[tuple[Path, ExitStack]]:
    """A hidden folder beside the store's, for its owner alone; what a killed run left there is cleared."""
    draft = Guarded(place.parent).path(f".{place.name}.restoring")
    for left in place.parent.glob(f"{glob.escape(draft.name)}.*.gone"):
        files.remove_tree(left, under=left)
    if kind_of(draft) == "folder":
        try:
            copy_lock(draft).close()
        except StoreBusy:
            raise StoreBusy(msg("Another run is making the store {folder}.", folder=str(place)),
                            msg("Wait until it has finished.")) from None
        files.remove_tree(draft, under=_leaving(draft))
    try:
        files.make_folder(draft)
        draft.chmod(0o700)
        lock = copy_lock(draft)
        try:
            yield draft, lock
        finally:
            lock.close()
    finally:
        if draft.exists():
            files.remove_tree(draft, under=_leaving(draft))


def _leaving(draft: Path) -> Path:
    """The name under which a draft is removed: the next run looks for it, and no draft of that run has it."""
    return draft.with_name(f"{draft.name}.{os.urandom(4).hex()}.gone")


def _take_ledger(newest: Path, draft: Path) -> None:
    """Copy the newest ledger with its checkpoints: it may be in use, so what is read from here on is the copy."""
    guarded = Guarded(newest)
    for path in [*sorted(newest.glob("ledger-*.jsonl")), *sorted(newest.glob("checkpoints/checkpoint-*.json"))]:
        name = path.relative_to(newest).as_posix()
        files.draft_folder((draft / "ledger" / name).parent)
        files.copy_with_digests(guarded.path(name), draft / "ledger" / name, durable=False)


def _read_newest(copy: Guarded, newest: Path, draft: Path, checkpoints: Iterable[Path], done: Restored) -> Chain:
    """Hold the newest ledger against everything that is known of it."""
    store_id = load_settings(draft).store.id
    older, damage = end_of(ledger_of(copy))
    note = read_note(copy.root)
    if damage is not None:
        done.copy_damage = str(damage)
        if isinstance(note.get("entries"), int) and isinstance(note.get("head"), str):
            older = Cursor(int(str(note["entries"])), str(note["head"]))
    done.copied = older.seq
    chain = read_chain(Ledger(draft / "ledger"), store_id, older, laid_down(copy.root, draft), checkpoints)
    done.entries = chain.end.seq
    require_signatures(chain.findings, msg(
        "With such a ledger nothing is brought back: it could destroy what nobody had agreed to. Look for another copy "
        "of it."))
    for path in laid_down(copy.root):
        target = draft / "ledger" / "checkpoints" / path.name
        if not target.exists():
            files.draft_folder(target.parent)
            files.copy_with_digests(copy.path(f"ledger/checkpoints/{path.name}"), target, durable=False)
    return chain


def _told_of(deriving: Progress, total: int, done: int) -> None:
    deriving(done, total)


class _Run:
    """Takes out of the copy what is in force, into a folder that nobody reads yet."""

    def __init__(self, workspace: Workspace, copy: Guarded, draft: Path, chain: Chain, done: Restored) -> None:
        self._copy, self._draft, self._done = copy, draft, done
        self._ledger = workspace.ledger
        self._fate = Fate(workspace, chain.told, since=done.copied)
        self._objects = Root(copy.root, workspace.settings.store.id)
        self._mirror = Mirror(draft, draft / "work", rehearses=done.dry_run)
        self._certificates = workspace.settings.ingest.trusted_roots
        self._told, self._lost = chain.told, lost_records(workspace.db)
        self._back: dict[str, int] = {}
        """Version that came back of each record that lacks something; others are whole."""

    def take(self, progress: Progress | None) -> None:
        """All of it, objects first: what is lost decides what becomes of papers that wait."""
        self._take_objects(progress)
        self._take_notes()
        self._take_lines()
        for name in ("forms", *([self._certificates] if len(Path(self._certificates).parts) == 1 else [])):
            if name not in STORE_FOLDERS or name == "forms":
                for place in self._copy.files_below(name):
                    self._put(place, place)
        for name in WAITING:
            self._take_waiting(name)
        self._mirror.flush()
        self._done.destroyed = sum(self._objects.is_there(one) for one in self._fate.destroyed)

    def _put(self, place: str, to: str) -> None:
        self._mirror.put_file(self._copy.path(place), to)

    def _take_objects(self, progress: Progress | None) -> None:
        odd: dict[str, Holding] = {}
        total = self._fate.count()
        for count, one in enumerate(self._fate.holdings(), start=1):
            if one.record_id in self._fate.executing:
                self._done.executing.append(one.code)
            version = self._objects.version(one.record_id, one.version, one.commitment)
            if version is None:
                odd[one.record_id] = one
            else:
                self._take_object(one, version)
            if progress is not None:
                progress(count, total)
        self._take_older(odd)
        for place in [*self._copy.files_below("objects/extensions"), *_loose(self._copy)]:
            self._put(place, place)

    def _take_object(self, one: Holding, version: Version) -> None:
        wrong: list[str] = []
        if self._done.dry_run:
            wrong = [name for name in version.contents() if kind_of(self._objects.file(one.record_id, name)) != "file"]
        else:
            target = self._draft / self._objects.place(one.record_id)
            wrong, _ = draft_object(self._objects, one.record_id, version, target)
        lack = Lack(one.record_id, one.code, (version.number, one.version), tuple(wrong))
        known = self._lost.get(one.record_id)
        if known is not None and version.number == one.version and not wrong:
            self._done.found.append(one.code)
        elif known is not None and (known.whole or all(map(known.covers, wrong))):
            self._done.written_off.append(lack)
            self._back[one.record_id] = version.number if version.number < one.version else 0
            return
        if wrong:
            self._done.damaged.append(lack)
        if version.number < one.version:
            self._back[one.record_id] = version.number
            self._done.older.append(lack)
        elif not wrong:
            self._done.records += 1

    def _take_older(self, odd: dict[str, Holding]) -> None:
        """Objects that do not have their newest version: the newest one of which the ledger vouches."""
        known: dict[str, list[tuple[int, str]]] = {one: [] for one in odd}
        for entry, _ in self._ledger.read() if odd else ():
            body = entry.body
            if body.get("record") in known and "commitment" in body:
                known[str(body["record"])].append((int(str(body["version"])), str(body["commitment"])))
        for record_id, one in odd.items():
            for number, commitment in reversed(known[record_id]):
                version = self._objects.version(record_id, number, commitment)
                if version is not None:
                    self._take_object(one, version)
                    break
            else:
                self._back[record_id] = 0
                if record_id in self._fate.executing:
                    continue
                if (lost := self._lost.get(record_id)) is not None and lost.whole:
                    self._done.written_off.append(Lack(record_id, one.code, (0, one.version)))
                    continue
                lack = Lack(record_id, one.code, (0, one.version),
                            ("inventory.json",) if self._objects.is_there(record_id) else ())
                (self._done.damaged if lack.files else self._done.lost).append(lack)

    def _take_notes(self) -> None:
        found: set[str] = set()
        for place in self._copy.files_below("notes"):
            parts = Path(place).parts
            digest = parts[-1].removesuffix(".json")
            if len(parts) != 3 or not self._fate.keeps_note(parts[1], digest):
                continue
            data = self._copy.path(place).read_bytes()
            if hashlib.sha256(data).hexdigest() == digest:
                self._mirror.put_bytes(data, place)
                found.add(digest)
        self._done.notes = sum(self._fate.is_lost(entry.body, found) for entry, _ in self._ledger.read())

    def _take_lines(self) -> None:
        for pack in self._fate.packs():
            place = f"issued/{pack}.jsonl"
            there, wanted = lines_in(self._copy.path(place)), self._fate.lines_of(pack)
            self._done.documents += [one.number for digest, one in wanted.items()
                                     if digest not in there and not one.is_going]
            if data := b"".join(there.get(digest, b"") for digest in wanted):
                self._mirror.put_bytes(data, place)

    def _take_waiting(self, name: str) -> None:
        """Papers that wait, folder by folder: what was noted about a paper goes where the paper goes."""
        folders: dict[str, list[str]] = {}
        for place in self._copy.files_below(name):
            if not any(place.startswith(f"{one}/") for one in WITHOUT):
                folders.setdefault(place.rpartition("/")[0], []).append(place)
        for folder, places in folders.items():
            shows = self._fate.shows_destroyed(self._copy.path(folder))
            waits_for = _ATTACHMENT.fullmatch(folder.rpartition("/")[2])
            issue = waits_for[1] if waits_for else ""
            papers = [one for one in places if is_paper(Path(one))]
            staying = [one for one in papers if self._stays(one, issue, shows=shows)]
            if staying or not papers:
                # A note without its paper says whose it was: it stays only where nothing is known against it.
                beside = [one for one in places if one.rpartition("/")[2] in OTHER_NAMES and not shows]
                for place in [*staying, *beside]:
                    self._put(place, place)
            self._done.waiting += len(staying)

    def _stays(self, place: str, issue: str, *, shows: bool) -> bool:
        """Whether a paper waits again; else it is withheld, or laid down where papers of lost records lie."""
        fate = self._fate.of_bytes(files.digests_of(self._copy.path(place)).sha256, issue)
        doom = fate.doom or ("shows" if shows and fate.record_id is None else None)
        if doom is not None:
            self._done.withheld.append((place, doom))
            return False
        back = self._back.get(fate.record_id, fate.version) if fate.record_id is not None else fate.version
        if back >= fate.version:
            return True
        target = f"{LOST_PAPERS}/{fate.record_id}/{place.rpartition('/')[2]}"
        self._put(place, target)
        self._done.papers.append(target)
        return False


def _loose(copy: Guarded) -> list[str]:
    """The files of the storage root itself."""
    return [f"objects/{path.name}" for path in sorted((copy.root / "objects").glob("*"))
            if kind_of(path) == "file" and not path.name.startswith(".")]


