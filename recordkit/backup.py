"""A copy of a store in another folder, and the way back, on which nothing returns that was destroyed.

The copy has the store's own form: the objects are an OCFL storage root, the ledger is lines of JSON; any tool may carry
it further (rsync, rclone to an S3 store, restic). What is derived - catalogue, index, working files - is not copied.
The ledger is read first, so that what it knows is in the objects copied after it, and put in place last: a run that
was cut off leaves a copy whose ledger is older than its objects, never one that calls something destroyed which is
still there.

A copy is older than the newest destruction. So the way back asks for the newest ledger: everything that it says was
destroyed is removed from the copy by the same steps that removed it then, before the store gets its name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from recordkit import files, mirror
from recordkit.archive import catalogue
from recordkit.archive.objects import ObjectStore
from recordkit.checkpoints import Witnesses, kept_checkpoints
from recordkit.errors import InputRefused, IntegrityFailure, NotFound
from recordkit.ledger import Ledger, Verification
from recordkit.messages import msg
from recordkit.model import Entry
from recordkit.retention.order_state import Item
from recordkit.retention.removal import Remover
from recordkit.settings import FILE_NAME, load_settings
from recordkit.store import PROJECTIONS
from recordkit.workspace import Clock, Workspace, open_workspace

NOTE = "backup.json"
"""What a folder with a copy is known by; written when a copy is whole."""
_FOLDERS = ("objects", "notes", "issued", "forms", "inbox", "quarantine", "certificates")
_WITHOUT = ("inbox/done",)
"""Sources that are filed lie there for some days; their bytes are in the objects."""
_NEXT = "ledger.next"
_MOST_GONE = 0.5
"""Share of the files of a copy that one run removes without being told to: a store that lost a folder must not make its
copy lose it, too."""
_FEW = 20


@dataclass(slots=True)
class Backup:
    """What a run did. ``entries`` and ``head``: the ledger as it was copied; ``missing``: objects not in the store."""

    entries: int = 0
    head: str = ""
    copied: int = 0
    bytes: int = 0
    unchanged: int = 0
    removed: int = 0
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Restored:
    """A store that was brought back.

    Attributes:
        entries: of the newest ledger.
        records: active records whose objects are there.
        destroyed: records that the copy still had and the ledger knows as destroyed; they are gone again.
        lost: archival codes of active records that came after the copy: the ledger knows them, their objects are not
            there.
    """

    entries: int
    records: int
    destroyed: int
    lost: tuple[str, ...] = field(default=())


def make_backup(
    workspace: Workspace, target: Path, *, thin_out: bool = False, progress: Callable[[int], None] | None = None
) -> Backup:
    """Bring the copy in ``target`` up to the store; files that are equal in size and time are not copied again.

    Args:
        workspace: the store.
        target: a folder of its own, empty or with a copy of this store.
        thin_out: also remove from the copy when more than half of its files are no longer in the store.
        progress: told the number of files looked at.

    Raises:
        InputRefused: ``target`` holds something else, or lies in the store.
        IntegrityFailure: the ledger is damaged, or the copy has entries that the store lacks; or more than half of the
            copy is no longer in the store.
    """
    root = workspace.root
    _require_copy_of(workspace, target)
    done = Backup()
    mirror.sweep(target)
    with workspace.settled():
        found = workspace.verify_ledger()
        _require_whole(found)
        _require_continuation(workspace.ledger, Ledger(target / "ledger"))
        done.entries, done.head = found.entries, found.head
        destroyed = {
            row["record_id"] for row in workspace.db.all("SELECT record_id FROM records WHERE status = 'destroyed'")
        }
        if (target / _NEXT).exists():
            files.remove_tree(target / _NEXT)
        for path in sorted(_below(root / "ledger")):
            place = path.relative_to(root / "ledger")
            if mirror.is_mirrored(path, target / "ledger" / place):
                done.unchanged += 1
            else:
                _mirror(path, target / _NEXT / place, done)
    copies = ObjectStore(target / "objects")
    gone = [one for one in destroyed if copies.exists(one)]
    strange = _not_in_store(root, target)
    if not thin_out and len(strange) > max(_FEW, _MOST_GONE * sum(1 for _ in _copied(target))):
        raise IntegrityFailure(
            msg("{count} files of the copy are no longer in the store: was a folder of it lost?", count=len(strange)),
            msg("Look at the store first ('recordkit verify'); --thin-out removes them from the copy."),
        )
    for looked, path in enumerate([*root.glob("*.toml"), *_copied(root)], start=1):
        _mirror(path, target / path.relative_to(root), done)
        if progress is not None:
            progress(looked)
    files.remove_files(strange)
    for record_id in gone:
        copies.remove(record_id)
    done.removed = len(strange) + len(gone)
    mirror.sync_tree(target)
    for path in sorted(_below(target / _NEXT)):
        place = target / "ledger" / path.relative_to(target / _NEXT)
        files.make_folder(place.parent)
        files.draft_move(path, place)
        files.sync_folder(place.parent)
    held = catalogue.objects_of(workspace)
    done.missing = tuple(one.record_id for one in catalogue.list_holdings(workspace.db)
                         if not held.exists(one.record_id))
    note = {"store": workspace.settings.store.id, "entries": done.entries, "head": done.head,
            "time": workspace.clock.stamp()}
    files.write_atomic(target / NOTE, json.dumps(note, indent=1).encode() + b"\n", overwrite=True)
    return done


def restore_backup(
    source: Path,
    ledger: Path,
    target: Path,
    clock: Clock,
    actor: str,
    *,
    progress: Callable[[int], None] | None = None,
) -> Restored:
    """Make the store in ``target`` from a copy, with everything gone that ``ledger`` says was destroyed.

    Nothing can be read under ``target`` before that; interrupted, nothing is there.

    Args:
        source: the copy.
        ledger: folder of the newest ledger that was saved, wherever it comes from (the store itself, a later copy).
        target: a folder that does not exist or is empty.
        clock: of the store that is made.
        actor: whoever acts.
        progress: told the number of files copied.

    Raises:
        NotFound: ``source`` is no copy, or ``ledger`` no ledger.
        InputRefused: ``target`` holds something.
        IntegrityFailure: a ledger is damaged; the newest one does not continue that of the copy, or is behind a
            checkpoint; or something that was destroyed could not be removed from the copy.
    """
    if not (source / FILE_NAME).is_file():
        raise NotFound(msg("There is no copy of a store in {folder}.", folder=str(source)))
    folder = ledger / "ledger" if (ledger / "ledger").is_dir() else ledger
    newest = Ledger(folder)
    if not any(folder.glob("ledger-*.jsonl")):
        raise NotFound(msg("There is no ledger in {folder}.", folder=str(folder)),
                       msg("Give the folder of the newest ledger: of the store itself, or of a later copy."))
    if target.exists() and any(target.iterdir()):
        raise InputRefused(msg("The folder {folder} is not empty.", folder=str(target)),
                           msg("Choose another one with --store; a store is never mixed with other files."))
    fate = _read_fate(newest, source, folder)
    draft = target.absolute().with_name(f".{target.absolute().name}.restoring")
    if draft.exists():
        files.remove_tree(draft)
    try:
        files.make_folder(draft)
        draft.chmod(0o700)
        done = Backup()
        for count, path in enumerate([*source.glob("*.toml"), *_below(source / "ledger"), *_copied(source)], start=1):
            _mirror(path, draft / path.relative_to(source), done)
            if progress is not None:
                progress(count)
        destroyed = _replay(draft, clock, actor, fate)
        for path in sorted(_below(draft / "ledger")):
            files.remove_file(path)
        for path in sorted(_below(folder)):
            _mirror(path, draft / "ledger" / path.relative_to(folder), done)
        workspace = open_workspace(draft, PROJECTIONS, clock, actor)
        try:
            objects = catalogue.objects_of(workspace)
            active = catalogue.list_holdings(workspace.db)
            there = {one.code: objects.exists(one.record_id) for one in active}
        finally:
            workspace.close()
        if target.exists():
            target.rmdir()
        files.publish(draft, target.absolute())
    except BaseException:
        if draft.exists():
            files.remove_tree(draft)
        raise
    lost = tuple(code for code, is_there in there.items() if not is_there)
    return Restored(fate.entries, len(there) - len(lost), destroyed, lost)


@dataclass(slots=True)
class _Fate:
    """What a ledger says is gone: records, and the subjects of notes that went with orders that were executed."""

    entries: int = 0
    records: set[str] = field(default_factory=set)
    intents: dict[str, tuple[list[str], list[str]]] = field(default_factory=dict)
    executed: set[str] = field(default_factory=set)

    def take(self, entry: Entry) -> None:
        """Learn from the next entry."""
        body = entry.body
        if entry.act == "record.destroyed":
            self.records.add(str(body["record"]))
        elif entry.act == "order.intended":
            events, holds = body.get("events"), body.get("holds")
            self.intents[str(body["order"])] = (
                [str(one) for one in events] if isinstance(events, list) else [],
                [str(one) for one in holds] if isinstance(holds, list) else [],
            )
        elif entry.act == "order.executed":
            self.executed.add(str(body["order"]))


def _read_fate(newest: Ledger, source: Path, folder: Path) -> _Fate:
    """Read the newest ledger to its end, and hold it against the copy's and every checkpoint that lies with either."""
    _require_continuation(newest, Ledger(source / "ledger"))
    store_id = load_settings(source).store.id
    kept = [*kept_checkpoints(source), *sorted((folder / "checkpoints").glob("*.json"))]
    witnesses, fate = Witnesses(store_id, dict.fromkeys(kept)), _Fate()

    def take(entry: Entry) -> None:
        witnesses.take(entry)
        fate.take(entry)

    found = newest.verify(places=witnesses.places, take=take)
    _require_whole(found)
    for comparison in witnesses.compare(found):
        if comparison.first_bad is not None:
            raise IntegrityFailure(
                msg("The ledger does not agree with the checkpoint {file}: {finding}.", file=comparison.source.name,
                    finding=comparison.findings[0]),
                msg("Look for a newer ledger: without it, what was destroyed since would come back."),
            )
    fate.entries = found.entries
    return fate


def _replay(draft: Path, clock: Clock, actor: str, fate: _Fate) -> int:
    """Destroy in the copy what was destroyed since it was made; how many records that were.

    Raises:
        IntegrityFailure: something of them is still there.
    """
    workspace = open_workspace(draft, PROJECTIONS, clock, actor)
    try:
        objects = catalogue.objects_of(workspace)
        doomed = []
        for record_id in sorted(fate.records):
            record = catalogue.get_record(workspace.db, record_id)
            if record is not None and record.status == "active":
                doomed.append(Item(
                    record_id, record.version, record.commitment, record.record_class, record.issue_id, record.date,
                    rule="", opinion=None, intended=True, outcome=None, reason=None,
                ))
            elif objects.exists(record_id):
                objects.remove(record_id)  # the copy was cut off between the ledger and the objects
        remover = Remover(workspace, doomed)
        remover.sweep()
        for item in doomed:
            remover.remove(item)
        for order_id in fate.executed & set(fate.intents):
            remover.remove_accounts(*fate.intents[order_id])
        left = [place for item in doomed for place in remover.remains(item)]
        if left:
            raise IntegrityFailure(
                msg("What was destroyed is still in the copy: {place}.", place=left[0]),
                msg("Remove it from the copy, and restore again."),
            )
    finally:
        workspace.close()
    for name in ("catalogue.sqlite3", "catalogue.sqlite3-wal", "catalogue.sqlite3-shm"):
        files.remove_file(draft / name)
    for name in ("index", "work"):
        if (draft / name).exists():
            files.remove_tree(draft / name)
    return len(doomed)


def _require_copy_of(workspace: Workspace, target: Path) -> None:
    root, place = workspace.root.resolve(), target.resolve()
    if place.is_relative_to(root) or root.is_relative_to(place):
        raise InputRefused(msg("A copy lies outside of the store, not in {folder}.", folder=str(target)),
                           msg("Choose a folder on another disk."))
    if not target.is_dir() or not any(target.iterdir()):
        return
    try:
        own = load_settings(target).store.id == workspace.settings.store.id
    except NotFound:
        own = False
    if not own or (target / "catalogue.sqlite3").exists():
        raise InputRefused(msg("The folder {folder} is no copy of this store.", folder=str(target)),
                           msg("Choose an empty folder, or the one of an earlier copy."))


def _require_whole(found: Verification) -> None:
    if not found.ok:
        raise IntegrityFailure(
            msg("The ledger is damaged at entry {seq}: {reason}", seq=found.first_bad, reason=found.reason),
            msg("Run 'recordkit ledger verify', keep the folder as it is and restore the ledger from a backup."),
        )


def _require_continuation(newer: Ledger, older: Ledger) -> None:
    """The older ledger must be the beginning of the newer one.

    Raises:
        IntegrityFailure: it is not, or is damaged itself.
    """
    old = older.verify()
    _require_whole(old)
    if not old.entries:
        return
    new = newer.verify(places={old.entries})
    _require_whole(new)
    if new.hashes.get(old.entries) != old.head:
        reason = (
            msg("the copy has {old} entries, the ledger {new}", old=old.entries, new=new.entries)
            if new.entries < old.entries else msg("they differ before entry {seq}", seq=old.entries)
        )
        raise IntegrityFailure(
            msg("The ledger does not continue that of the copy: {reason}.", reason=reason),
            msg("Look for a newer ledger: without it, what was destroyed since would come back."),
        )


def _below(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent) / name for name in sorted(names))


def _copied(root: Path) -> Iterator[Path]:
    """The files of a store, or of a copy, that a copy has, ledger and settings excepted."""
    without = tuple(root / name for name in _WITHOUT)
    for name in _FOLDERS:
        for parent, folders, names in os.walk(root / name):
            folders[:] = sorted(one for one in folders if Path(parent, one) not in without)
            yield from (Path(parent, one) for one in sorted(names) if not one.endswith((".tmp", ".gone")))


def _not_in_store(root: Path, target: Path) -> list[Path]:
    """Files of the copy that the store no longer has. Objects only go when the ledger says so."""
    return [
        path for path in _copied(target)
        if (parts := path.relative_to(target).parts)[0] != "objects" and not root.joinpath(*parts).exists()
    ]


def _mirror(source: Path, target: Path, done: Backup) -> None:
    """Copy a file that is not there in the same size and of the same time."""
    try:
        size = mirror.mirror_file(source, target)
    except FileNotFoundError:
        return  # it left the store this moment: filed, or destroyed
    if size is None:
        done.unchanged += 1
    else:
        done.copied += 1
        done.bytes += size


def plain(result: Backup | Restored) -> Mapping[str, object]:
    """Keys and values for scripts."""
    return {name: getattr(result, name) for name in result.__slots__}
