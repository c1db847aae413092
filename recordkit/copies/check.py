"""Reads a copy again, byte for byte, and holds it against the ledger of its store."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from recordkit.archive.losses import lost_records
from recordkit.copies.backup import Progress, copy_lock, lines_in, read_note, require_apart, require_copy_of
from recordkit.copies.chain import end_of, laid_down, ledger_of, read_chain
from recordkit.copies.fate import Fate, Holding
from recordkit.copies.folders import Guarded, kind_of
from recordkit.copies.objects import Root
from recordkit.errors import NotFound
from recordkit.messages import Message, msg
from recordkit.workspace import Workspace


@dataclass(frozen=True, slots=True)
class CopyFinding:
    """What is wrong in a copy, or stays wrong in a store; ``code`` is empty for what belongs to no record."""

    code: str
    place: str
    reason: Message

    def plain(self) -> dict[str, object]:
        """Keys and values for scripts."""
        return {"code": self.code, "place": self.place, "reason": self.reason}


@dataclass(slots=True)
class CopyCheck:
    """What reading a copy again found.

    Attributes:
        entries: of the copy's ledger; ``newest`` of the store's.
        time: when the copy was last brought up to date; None when no run has ended yet.
        records: objects that are as the ledger says, every byte read.
        lost: records that are written off, of which the copy has no more than is left.
        behind: records filed, changed or destroyed since, which the next run brings up to date.
    """

    entries: int = 0
    newest: int = 0
    time: str | None = None
    records: int = 0
    lost: int = 0
    behind: int = 0
    findings: list[CopyFinding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether all of it is as the ledger says."""
        return not self.findings

    def plain(self) -> dict[str, object]:
        """Keys and values for scripts."""
        return {"ok": self.ok, **{name: getattr(self, name) for name in self.__slots__},
                "findings": [one.plain() for one in self.findings]}


def check_copy(workspace: Workspace, target: Path, *, progress: Progress | None = None) -> CopyCheck:
    """Hold the copy in ``target`` against the ledger of its store; writes nothing.

    Raises:
        NotFound: there is no copy.
        InputRefused: it is none of this store.
        StoreBusy: a run is bringing it up to date.
        IntegrityFailure: the store's own ledger does not continue it, or a link stands in it.
    """
    place = target.resolve()
    require_apart(workspace.root, place, target)
    note = require_copy_of(workspace, place, target)
    if not note:
        raise NotFound(msg("There is no copy of a store in {folder}.", folder=str(target)))
    with ExitStack() as stack:
        with suppress(OSError):  # a disk that nobody can write to is not being written to
            stack.enter_context(copy_lock(place))
        return _check(workspace, Guarded(place), read_note(place), progress)


def _check(
    workspace: Workspace, copy: Guarded, note: dict[str, object], progress: Progress | None
) -> CopyCheck:
    have, damage = end_of(ledger_of(copy))
    chain = read_chain(workspace.ledger, workspace.settings.store.id, have, laid_down(workspace.root, copy.root),
                       until=workspace.db.cursor())
    done = CopyCheck(have.seq, chain.end.seq, str(note["time"]) if note.get("time") else None)
    if damage is not None:
        done.findings.append(CopyFinding("", "ledger", damage))
    fate = Fate(workspace, chain.told, since=have.seq, until=chain.end.seq)
    objects = Root(copy.root, workspace.settings.store.id)
    odd: dict[str, Holding] = {}
    total, lost = fate.count(), lost_records(workspace.db)
    for count, one in enumerate(fate.holdings(), start=1):
        if one.record_id in lost:
            version = objects.version(one.record_id, one.version, one.commitment)
            if version is not None and not objects.faults(one.record_id, version):
                done.records += 1
            else:
                done.lost += 1
        elif not _is_whole(done, objects, one):
            odd[one.record_id] = one
        if progress is not None:
            progress(count, total)
    _check_odd(workspace, done, objects, fate, odd)
    for record_id in fate.destroyed:
        if objects.is_there(record_id):
            if fate.went_before(record_id):
                done.findings.append(CopyFinding("", objects.place(record_id),
                                                 msg("an object that the ledger calls destroyed")))
            else:
                done.behind += 1
    _check_notes(done, copy)
    _check_lines(done, copy, fate)
    return done


def _is_whole(done: CopyCheck, objects: Root, one: Holding) -> bool:
    """Count an object that has its newest version, or say what is wrong with it; False when it has another one."""
    version = objects.version(one.record_id, one.version, one.commitment)
    if version is None:
        return False
    wrong = objects.faults(one.record_id, version)
    done.findings += [CopyFinding(one.code, f"{objects.place(one.record_id)}/{name}",
                                  msg("the file is missing, or not as it was filed")) for name in wrong]
    done.records += not wrong
    return True


def _check_odd(workspace: Workspace, done: CopyCheck, objects: Root, fate: Fate, odd: dict[str, Holding]) -> None:
    """Objects that do not have the newest version: behind is what changed since the copy, all else is a finding."""
    known: dict[str, list[tuple[int, int, str]]] = {one: [] for one in odd}
    for entry, _ in workspace.ledger.read() if odd else ():
        body = entry.body
        if body.get("record") in known and "commitment" in body:
            known[str(body["record"])].append((entry.seq, int(str(body["version"])), str(body["commitment"])))
    for record_id, one in odd.items():
        then = [said for said in known[record_id] if said[0] <= done.entries]
        if record_id in fate.executing:
            continue
        if not then:
            done.behind += 1
            continue
        _, number, commitment = then[-1]
        if (version := objects.version(record_id, number, commitment)) is None:
            older = [said for said in then if objects.version(record_id, said[1], said[2]) is not None]
            if not objects.is_there(record_id):
                reason = msg("the object is missing")
            elif older:
                reason = msg("version {version} is missing; the newest one there is {older}", version=number,
                             older=older[-1][1])
            else:
                reason = msg("the object was replaced: its inventory is not the one in the ledger")
            done.findings.append(CopyFinding(one.code, objects.place(record_id), reason))
        elif wrong := objects.faults(record_id, version):
            done.findings += [CopyFinding(one.code, f"{objects.place(record_id)}/{name}",
                                          msg("the file is missing, or not as it was filed")) for name in wrong]
        else:
            done.behind += 1


def _check_notes(done: CopyCheck, copy: Guarded) -> None:
    for place in copy.files_below("notes"):
        path = copy.path(place)
        if hashlib.sha256(path.read_bytes()).hexdigest() != path.stem:
            done.findings.append(CopyFinding("", place, msg("the bytes are not those that were filed")))


def _check_lines(done: CopyCheck, copy: Guarded, fate: Fate) -> None:
    for pack in fate.packs():
        place = f"issued/{pack}.jsonl"
        there = lines_in(copy.path(place)) if kind_of(copy.path(place)) == "file" else {}
        for digest, one in fate.lines_of(pack).items():
            if digest not in there and not one.is_going and one.position <= done.entries:
                reason = msg("the data of {number} is not there", number=one.number)
                done.findings.append(CopyFinding("", place, reason))
