"""Brings back into a store what a copy of it still has whole: entries of the ledger, records, notes, issue data.

The way for one bad spot on a disk, where ``restore`` would make a whole store anew. Nothing is taken that the chain of
hashes does not bear out, byte for byte; nothing that the ledger calls destroyed comes back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from recordkit import files
from recordkit.archive.catalogue import objects_of
from recordkit.archive.losses import lost_records
from recordkit.copies.backup import Progress, copy_lock, lines_in, read_note, require_apart
from recordkit.copies.chain import end_of, extend_ledger, laid_down, ledger_of, read_chain, require_signatures
from recordkit.copies.check import CopyFinding
from recordkit.copies.fate import Fate, Holding
from recordkit.copies.folders import Guarded, Mirror, kind_of
from recordkit.copies.objects import Root, Version, update_object
from recordkit.copies.writing_off import end_losses, lost_notes_of
from recordkit.db import discard
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RefusedByRule, StoreBusy
from recordkit.ledger import Cursor, Ledger
from recordkit.lockholder import told_holder
from recordkit.messages import Message, listed, msg
from recordkit.model import Entry
from recordkit.settings import load_settings
from recordkit.store import PROJECTIONS, open_store
from recordkit.workspace import LOCK, Clock, Workspace

_CHUNK = 1 << 20
SHORTENED = "ledger.shortened"
"""The act that tells for ever that entries were given up as lost."""


@dataclass(slots=True)
class Mended:
    """What came back out of a copy, or would.

    Attributes:
        entries: of the ledger, as it is now; the last ``fetched`` of them were put together out of store and copy.
        kept: folder in which the damaged ledger was laid down as it was; empty when it was whole.
        given_up: entries that are lost for good and were given up.
        records: archival codes of the records that came back whole.
        notes: how many notes came back; ``documents`` the numbers whose data did.
        left: what is still damaged.
        found: archival codes of the records that were written off as lost and are whole again, which was entered.
        lost: codes of those that are written off and stay so.
    """

    entries: int = 0
    fetched: int = 0
    kept: str = ""
    given_up: int = 0
    records: list[str] = field(default_factory=list)
    notes: int = 0
    documents: list[str] = field(default_factory=list)
    left: list[CopyFinding] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    dry_run: bool = False

    def plain(self) -> dict[str, object]:
        """Keys and values for scripts."""
        return {**{name: getattr(self, name) for name in self.__slots__}, "left": [one.plain() for one in self.left]}


def mend_store(
    root: Path,
    source: Path,
    clock: Clock,
    actor: str,
    *,
    accept_loss: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Mended:
    """Bring back what is damaged in the store ``root`` and whole in its copy ``source``.

    Args:
        root: the store.
        source: the copy.
        clock: for the name of the folder that keeps a damaged ledger.
        actor: who does it.
        accept_loss: end the ledger where store and copy together still have it, and enter that it was shortened.
        dry_run: only say what would be done.
        progress: told how many records were looked at.

    Raises:
        NotFound: there is no store, or no copy.
        InputRefused: its settings cannot be read, or the copy is of another store.
        StoreBusy: somebody writes to store or copy.
        IntegrityFailure: entries of the ledger are lost in both, or the copy's ledger is another one.
        RefusedByRule: nothing is lost that could be given up.
    """
    place = source.resolve()
    require_apart(root, place, source)
    if not read_note(place):
        raise NotFound(msg("There is no copy of a store in {folder}.", folder=str(source)),
                       msg("Give the folder that 'recordkit backup --to' fills."))
    settings = load_settings(root)
    if read_note(place).get("store") != settings.store.id:
        raise InputRefused(msg("The folder {folder} is no copy of this store.", folder=str(source)),
                           msg("Give the folder that 'recordkit backup --to' fills for this store."))
    done = Mended(dry_run=dry_run)
    with copy_lock(place):
        given_up = _mend_ledger(root, Guarded(place), clock, actor, done, accept_loss=accept_loss)
        if dry_run and (done.fetched or done.kept):
            return done  # what the records should be is only known when the ledger is whole
        workspace = open_store(root, clock, actor)
        try:
            if given_up is not None:
                with workspace.writing() as writer:
                    writer.add(SHORTENED, {"kept": done.entries, "known": done.entries + done.given_up,
                                           "head": given_up})
                    writer.commit()
                done.entries += 1
            _Mending(workspace, Guarded(place), done).go(progress)
        finally:
            workspace.close()
    return done


# --- the ledger -------------------------------------------------------------------------------------------------

def _mend_ledger(
    root: Path, copy: Guarded, clock: Clock, actor: str, done: Mended, *, accept_loss: bool
) -> str | None:
    """Make the chain whole again; the hash of the last entry that was known, when some were given up."""
    workspace = Workspace(root, load_settings(root), PROJECTIONS, clock, actor)
    try:
        with _holding(workspace):
            return _splice(workspace, copy, done, accept_loss=accept_loss)
    finally:
        workspace.close()


@contextmanager
def _holding(workspace: Workspace) -> Iterator[None]:
    with workspace.maintaining() as free:
        if not free:
            raise StoreBusy(told_holder(workspace.root / LOCK),
                            msg("Wait until it has finished, and give the same command again."))
        yield


def _splice(workspace: Workspace, copy: Guarded, done: Mended, *, accept_loss: bool) -> str | None:
    own, other = workspace.ledger, ledger_of(copy)
    seen = workspace.db.remembered()
    found = workspace.verify_ledger()
    if found.ok and found.entries:  # a store has one entry at least: an empty ledger is one that is gone
        if accept_loss:
            raise RefusedByRule(msg("The ledger is whole; there is nothing to give up."))
        done.entries = found.entries
        return None
    # A rewritten chain is whole to its end, and yet not the one that was read: nothing in it serves as a beginning.
    begin = end_of(own)[0]
    if seen.seq and begin.seq >= seen.seq and found.first_bad == seen.seq:
        raise IntegrityFailure(
            msg("The ledger is another one than the store has read: {reason}", reason=found.reason or ""),
            msg("Two machines acted in copies of one store, or somebody rewrote it. Keep both; bring the ledger back "
                "with 'recordkit --store NEW restore COPY --ledger NEWEST'."))
    with files.staging(workspace.root / "work") as room:
        # Where the last entry that was read will not bear the copy out, only what a run of 'backup' has put there
        # counts: somebody may have acted in the copy.
        proven = seen.seq > 0 and not accept_loss
        end = _join(own, other, begin, workspace.root, copy, room, None if proven else _noted(copy.root))
        spliced = Ledger(room / "ledger", workspace.settings.ledger.max_bytes)
        known = max(seen.seq, _known(own, begin, end, seen))
        if end.seq < known and not accept_loss:
            raise IntegrityFailure(
                msg("Entries {first} to {last} of the ledger are lost: neither the store nor the copy in {folder} has "
                    "them.", first=end.seq + 1, last=known, folder=str(copy.root)),
                msg("Look for a newer copy of the ledger. Only when there is none: --accept-loss ends the ledger at "
                    "entry {kept} and enters that it was shortened.", kept=end.seq))
        chain = read_chain(spliced, workspace.settings.store.id, begin,
                           () if end.seq < known else laid_down(workspace.root, copy.root))
        require_signatures(chain.findings, msg("Nothing was changed. Look for another copy of the ledger."))
        if seen.seq <= end.seq and not spliced.verify(seen).ok:
            raise IntegrityFailure(
                msg("The ledger of the copy is another one than the store has read."),
                msg("Keep both as they are; find out who acted in the copy."))
        done.entries, done.fetched, done.given_up = end.seq, max(end.seq - begin.seq, 0), max(known - end.seq, 0)
        stamp = workspace.clock.stamp().replace(":", "")
        done.kept = f"outbox/{files.free_name(workspace.root / 'outbox', f'damaged-ledger-{stamp}').name}"
        if not done.dry_run:
            _put(workspace, room / "ledger", workspace.root / done.kept)
            if done.given_up:
                workspace.close()
                discard(workspace.root / "catalogue.sqlite3")
    return seen.hash if done.given_up else None


def _noted(copy: Path) -> int:
    """How many entries the last whole run of ``backup`` has left in a copy."""
    entries = read_note(copy).get("entries")
    return entries if isinstance(entries, int) else 0


def _join(
    own: Ledger, other: Ledger, begin: Cursor, root: Path, copy: Guarded, room: Path, most: int | None
) -> Cursor:
    """Write to ``room``: the store's good beginning, what the copy has behind it, what of the store follows that.

    Of the copy entries up to ``most`` are taken, all when None.
    """
    target = Guarded(room)
    files.make_folder(room / "ledger")
    if begin.seq:
        extend_ledger(root / "ledger", target, Cursor(), begin)
    end = begin
    with suppress(IntegrityFailure):  # an older or a damaged copy: what it had up to there serves
        for _, cursor in other.read(begin):
            if most is not None and cursor.seq > most:
                break
            end = cursor
    if end.seq > begin.seq:
        extend_ledger(copy.path("ledger"), target, begin, end)
    waiting: list[tuple[Entry, bytes, int]] = []
    head, drafts = (end.seq, end.hash), dict[int, list[bytes]]()
    for entry, line, number in own.salvage(begin):
        if entry is None or (entry.seq, entry.prev) != (head[0] + 1, head[1]):
            continue
        head = (entry.seq, entry.hash)
        waiting.append((entry, line, number))
        if entry.left == 0:
            for _, one, place in waiting:
                drafts.setdefault(place, []).append(one)
            waiting = []
    for number, lines in sorted(drafts.items()):
        data = b"".join(lines)
        for start in range(0, len(data), _CHUNK):
            files.append_durable(room / "ledger" / f"ledger-{number:06}.jsonl", data[start : start + _CHUNK])
    return end_of(Ledger(room / "ledger"))[0]


def _known(own: Ledger, begin: Cursor, end: Cursor, seen: Cursor) -> int:
    """Up to which entry there once was a ledger, by what still stands behind the damage.

    Lines behind the last good one that nobody can read were entries, unless the catalogue, which is brought up with
    each batch, tells how many there were.
    """
    most, last, unread = begin.seq, begin.seq, 0
    for entry, _, _ in own.salvage(begin):
        if entry is None:
            unread += 1
        else:
            most, last, unread = max(most, entry.seq), entry.seq, 0
    return most if seen.seq and end.seq >= seen.seq else max(most, last + unread)


def _put(workspace: Workspace, spliced: Path, kept: Path) -> None:
    """Lay the damaged files down as they are, then let the whole ones take their places."""
    folder = workspace.root / "ledger"
    files.make_folder(kept)
    old = sorted(folder.glob("ledger-*.jsonl"))
    for path in old:
        files.copy_with_digests(path, kept / path.name)
    files.sync_folder(kept)
    new = sorted(spliced.glob("ledger-*.jsonl"))
    files.publish_trees([(path, folder / path.name) for path in new], overwrite=True)
    names = {path.name for path in new}
    files.remove_files([path for path in old if path.name not in names])


# --- records, notes, issue data ---------------------------------------------------------------------------------

class _Mending:
    """One run through what the ledger says is in force."""

    def __init__(self, workspace: Workspace, copy: Guarded, done: Mended) -> None:
        self._workspace, self._copy, self._done = workspace, copy, done
        store_id = workspace.settings.store.id
        self._own, self._other = Root(workspace.root, store_id), Root(copy.root, store_id)
        chain = read_chain(workspace.ledger, store_id, Cursor(), (), until=workspace.db.cursor())
        require_signatures(chain.findings, msg("With such a ledger nothing is brought back. Run 'recordkit ledger "
                                               "verify'."))
        self._fate = Fate(workspace, chain.told, until=chain.end.seq)

    def go(self, progress: Progress | None) -> None:
        """All of it; the lock is held only while something is put in place."""
        total, lost = self._fate.count(), lost_records(self._workspace.db)
        for count, one in enumerate(self._fate.holdings(), start=1):
            if one.record_id not in self._fate.executing:
                wrong, known = self._faults(self._own, one), lost.get(one.record_id)
                reason = self._mend_object(one, wrong) if wrong else None
                if known is not None:
                    self._settle_loss(one, is_whole=reason is None)
                if reason is not None and (known is None or not all(map(known.covers, wrong))):
                    self._done.left.append(CopyFinding(one.code, self._own.place(one.record_id), reason))
            if progress is not None:
                progress(count, total)
        with self._workspace.writing(), self._workspace.staging() as room:
            if not self._done.dry_run:
                objects_of(self._workspace).prepare(room)  # the root's own files, which are the same in every store
            mirror = Mirror(self._workspace.root, room, rehearses=self._done.dry_run)
            self._mend_notes(mirror)
            self._mend_lines(mirror)
            mirror.flush()
            self._done.left += [
                CopyFinding("", one.place, msg("the data of {number} is not in the copy", number=one.number) if one.pack
                            else msg("the copy does not have it"))
                for one in lost_notes_of(self._workspace)
                if not (self._done.dry_run and self._other.has_note(one))]

    def _faults(self, root: Root, one: Holding) -> list[str]:
        version = root.version(one.record_id, one.version, one.commitment)
        return ["inventory.json"] if version is None else root.faults(one.record_id, version)

    def _mend_object(self, one: Holding, wrong: list[str]) -> Message | None:
        """Bring an object back; the reason when it cannot be, and is as it was."""
        if strange := self._strange(one, wrong):
            return msg("{names} does not belong to the record: move it out of the archive, then mend again",
                       names=listed(strange))
        own = self._own.version(one.record_id, one.version, one.commitment)
        # Where the papers are whole, what is damaged around them follows from the version that the ledger names.
        if own is not None and set(wrong) <= own.own_names() and self._put_object(self._own, one, own):
            return None
        version = self._other.version(one.record_id, one.version, one.commitment)
        if version is None:
            return (msg("the copy has an older version of it") if self._other.is_there(one.record_id)
                    else msg("the copy does not have it"))
        if self._other.faults(one.record_id, version) or not self._put_object(self._other, one, version):
            return msg("it is damaged in the copy too")
        return None

    def _put_object(self, source: Root, one: Holding, version: Version) -> bool:
        if not self._done.dry_run:
            with self._workspace.writing(), self._workspace.staging() as room:
                mirror = Mirror(self._workspace.root, room)
                failed, _ = update_object(source, self._own, mirror, one.record_id, version, mirror.draft(), anew=True)
                mirror.flush()
            if failed:
                return False
        self._done.records.append(one.code)
        return True

    def _settle_loss(self, one: Holding, *, is_whole: bool) -> None:
        """Enter that a record which was written off is whole again, or tell that it stays lost."""
        if not is_whole:
            self._done.lost.append(one.code)
            return
        self._done.found.append(one.code)
        if not self._done.dry_run:
            with self._workspace.writing() as writer:
                end_losses(self._workspace, writer, [one.record_id])
                writer.commit()
            self._done.entries = self._workspace.db.cursor().seq

    def _strange(self, one: Holding, wrong: list[str]) -> list[str]:
        """Files in the object's folder that no version of it knows: somebody put them there, nobody else has them."""
        version: Version | None = (self._own.version(one.record_id, one.version, one.commitment)
                                   or self._other.version(one.record_id, one.version, one.commitment))
        if version is None:
            return []
        return [name for name in wrong if name not in version.names()]

    def _mend_notes(self, mirror: Mirror) -> None:
        for place in self._copy.files_below("notes"):
            parts = Path(place).parts
            digest = parts[-1].removesuffix(".json")
            if len(parts) != 3 or not self._fate.keeps_note(parts[1], digest) or self._fate.is_going(parts[1]):
                continue
            data = self._copy.path(place).read_bytes()
            if hashlib.sha256(data).hexdigest() == digest:
                before = mirror.copied
                mirror.put_bytes(data, place)
                self._done.notes += mirror.copied - before

    def _mend_lines(self, mirror: Mirror) -> None:
        for pack in self._fate.packs():
            place = f"issued/{pack}.jsonl"
            wanted = self._fate.lines_of(pack)
            here = lines_in(self._workspace.root / place)
            missing = {digest: one for digest, one in wanted.items() if digest not in here and not one.is_going}
            if not missing:
                continue
            there = lines_in(self._copy.path(place)) if kind_of(self._copy.path(place)) == "file" else {}
            back = [one.number for digest, one in missing.items() if digest in there]
            if back:
                self._done.documents += back
                both = {**there, **here}
                mirror.put_bytes(b"".join(both.get(digest, b"") for digest in wanted), place)
