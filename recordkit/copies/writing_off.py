"""Writing off records that are lost for good (遗失、损毁): what was found, signed by two people, stays in the ledger.

档案法 and DA/T 1 want loss and damage of archives reported and registered. So an administrator signs which files of
which records are missing or changed and in how many copies they were looked for, and a second person, who has the same
found again, confirms it. From then on nobody is told of these files as of a fault. Nothing is removed.

No way to be rid of a record: what is whole, or what a copy has whole, cannot be written off, and entries, holds and
retention period go on. Who removed files on purpose to have them written off has the entries name it for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from recordkit.archive import losses
from recordkit.archive.catalogue import Record, find_record, get_record, list_holdings
from recordkit.archive.checks.ledger_facts import LedgerFacts, LostNote
from recordkit.archive.losses import Loss, find_loss, next_loss_id
from recordkit.copies.backup import copy_lock, read_note, require_apart
from recordkit.copies.folders import Guarded, kind_of
from recordkit.copies.objects import Root
from recordkit.errors import InputRefused, NotFound, RefusedByRule
from recordkit.messages import Message, listed, msg
from recordkit.people import Signer, find_person, list_people, one_human
from recordkit.retention.holds import list_holds
from recordkit.retention.order_state import open_order_of
from recordkit.retention.signing import digest_of, person_in_office
from recordkit.workspace import Workspace, Writer

FORMAT = 1
_NAMED = 5
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Damage:
    """What is missing or changed of a record.

    Attributes:
        whole: not even its inventory is there as the ledger names it, so that nothing of it can be vouched for.
        files: ``file`` (place in the object, "" for all of it), ``found`` (missing or changed), ``expected`` (digest
            keyed by the store id: of the file's SHA-512, or the commitment; None where nobody knows it).
        strays: files that do not belong to the object.
        mends_itself: all that is damaged follows from what is whole.
    """

    whole: bool
    files: tuple[Mapping[str, object], ...]
    strays: tuple[str, ...] = ()
    mends_itself: bool = False


@dataclass(frozen=True, slots=True)
class LossPlan:
    """What would be registered; nothing is written. ``manifest`` is what is signed, ``records`` those it names."""

    loss_id: str
    manifest: Mapping[str, object]
    records: tuple[Record, ...]
    notes: tuple[LostNote, ...]


def damage_of(root: Root, record: Record) -> Damage:
    """Read every byte of an object and say what differs from what was filed; no files when it is whole.

    Raises:
        PermissionError: this account may not read a file: nobody knows whether it is whole.
    """
    found = root.version(record.record_id, record.version, record.commitment)
    if found is None:
        is_there = root.is_there(record.record_id)
        name = "inventory.json" if is_there else ""
        kind = "changed" if is_there and kind_of(root.file(record.record_id, name)) == "file" else "missing"
        if kind == "changed":
            _require_right(root.file(record.record_id, name))
        return Damage(True, ({"file": name, "found": kind, "expected": record.commitment},))
    wrong = root.faults(record.record_id, found)
    own, contents = found.names(), found.contents()
    for name in wrong:
        if kind_of(root.file(record.record_id, name)) == "file":
            _require_right(root.file(record.record_id, name))
    inventories = {"inventory.json", f"v{found.number}/inventory.json"}
    files = tuple(
        {"file": name,
         "found": "missing" if kind_of(root.file(record.record_id, name)) == "nothing" else "changed",
         "expected": root.keyed(contents[name]) if name in contents else
                     record.commitment if name in inventories else None}
        for name in wrong if name in own)
    return Damage(False, files, tuple(name for name in wrong if name not in own),
                  bool(files) and all(one["file"] in found.own_names() for one in files))


def _require_right(path: Path) -> None:
    try:
        path.open("rb").close()
    except PermissionError:
        raise
    except OSError:
        return  # a bad spot on the disk


def _require_objects(workspace: Workspace) -> None:
    """A disk that is not mounted has lost nothing."""
    folder = workspace.root / "objects"
    if kind_of(folder) != "folder" or not any(folder.iterdir()):
        raise RefusedByRule(
            msg("The folder {folder} is not there, or empty: no record of the archive is.", folder=str(folder)),
            msg("See that the disk is mounted and the store is the right one. A whole store comes back by 'recordkit "
                "restore'."))


def plan_loss(
    workspace: Workspace,
    references: Sequence[str],
    copies: Sequence[Path],
    *,
    no_copy: bool = False,
    progress: Progress | None = None,
) -> LossPlan:
    """What a registration would name.

    Args:
        workspace: the store.
        references: the records; none for every record and every note that is damaged and that no copy has whole.
        copies: folders that ``backup`` fills. The records are looked for in each.
        no_copy: said when there is none; without a copy and without this word nothing is planned.
        progress: told how many records were looked at.

    Raises:
        NotFound: a name answers to no record, or a folder holds no copy.
        InputRefused: no copy is named, or one is of another store.
        StoreBusy: somebody writes to a copy.
        RefusedByRule: a record is whole, in a copy, destroyed or registered already, or there is none to be registered.
    """
    if bool(copies) == no_copy:
        raise InputRefused(
            msg("Say in which copies the records were looked for."),
            msg("Give each copy of the store with --copy DIR; only where there is none at all, --no-copy."))
    with ExitStack() as stack:
        others = []
        for folder in copies:
            place = _require_copy(workspace, folder)
            stack.enter_context(copy_lock(place))
            others.append((folder, Root(place, workspace.settings.store.id)))
        notes = [] if references else _look_for_notes(workspace, [root for _, root in others])
        found = _look(workspace, references, others, progress, needed=not notes)
    loss_id = next_loss_id(workspace.db, workspace.clock.today.year)
    manifest = {
        "format": FORMAT, "loss": loss_id, "store": workspace.settings.store.id,
        "as_of": workspace.clock.today.isoformat(), "copies": len(copies),
        "items": [_item(workspace, record, damage) for record, damage in found],
        "notes": [{"subject": one.subject, "note": one.digest} for one in notes],
    }
    return LossPlan(loss_id, manifest, tuple(record for record, _ in found), tuple(notes))


def lost_notes_of(workspace: Workspace) -> list[LostNote]:
    """Notes and issue data that the ledger names, that are missing or changed, and that are not written off.

    Raises:
        StoreBusy: there are some, and a writer holds the store for longer than the settings allow.
    """
    with closing(LedgerFacts()) as facts:
        end = workspace.db.cursor().seq
        for entry, _ in workspace.ledger.read():
            if entry.seq > end:
                break
            facts.take(entry)
        return facts.settled(workspace)


def _look_for_notes(workspace: Workspace, copies: Sequence[Root]) -> list[LostNote]:
    """Those of them that no copy has whole."""
    return [one for one in lost_notes_of(workspace) if not any(copy.has_note(one) for copy in copies)]


def _require_copy(workspace: Workspace, folder: Path) -> Path:
    place = folder.resolve()
    require_apart(workspace.root, place, folder)
    note = read_note(place)
    if not note:
        raise NotFound(msg("There is no copy of a store in {folder}.", folder=str(folder)),
                       msg("Give the folder that 'recordkit backup --to' fills."))
    if note.get("store") != workspace.settings.store.id:
        raise InputRefused(msg("The folder {folder} is no copy of this store.", folder=str(folder)),
                           msg("Give the folder that 'recordkit backup --to' fills for this store."))
    return Guarded(place).root


def _look(
    workspace: Workspace,
    references: Sequence[str],
    copies: Sequence[tuple[Path, Root]],
    progress: Progress | None,
    *,
    needed: bool,
) -> list[tuple[Record, Damage]]:
    _require_objects(workspace)
    own = Root(workspace.root, workspace.settings.store.id)
    found: list[tuple[Record, Damage]] = []
    if references:
        named = {one.record_id: one for one in (find_record(workspace.db, reference) for reference in references)}
        refused: list[tuple[str, Message]] = []
        for count, record in enumerate(named.values(), start=1):
            damage = damage_of(own, record)
            if (reason := _why_not(workspace, record, damage, copies)) is not None:
                refused.append((record.code, reason))
            found.append((record, damage))
            if progress is not None:
                progress(count, len(named))
        if refused:
            told = listed((msg("{code}: {reason}", code=code, reason=reason) for code, reason in refused), _NAMED)
            raise RefusedByRule(msg("{count} record(s) cannot be written off: {reasons}.", count=len(refused),
                                    reasons=told))
        return found
    ids = [one.record_id for one in list_holdings(workspace.db)]
    for count, record_id in enumerate(ids, start=1):
        every = get_record(workspace.db, record_id)
        if every is not None:
            damage = damage_of(own, every)
            if damage.files and _why_not(workspace, every, damage, copies) is None:
                found.append((every, damage))
        if progress is not None:
            progress(count, len(ids))
    if not found and needed:
        raise RefusedByRule(msg("There is no record that would have to be written off."),
                            msg("'recordkit verify' names what is damaged; 'recordkit mend COPY' brings back what a "
                                "copy has."))
    return found


def _why_not(
    workspace: Workspace, record: Record, damage: Damage, copies: Iterable[tuple[Path, Root]]
) -> Message | None:
    if record.status != "active":
        return msg("the record is destroyed")
    if (known := losses.loss_of(workspace.db, record.record_id)) is not None:
        return msg("it is written off already, as {loss}", loss=known.loss_id)
    row = workspace.db.one(
        "SELECT l.loss_id FROM lost_records l JOIN losses s ON s.loss_id = l.loss_id WHERE l.record_id = :id "
        "AND s.confirmed IS NULL AND s.withdrawn IS NULL", {"id": record.record_id})
    if row is not None:
        return msg("it is registered already, as {loss}, which waits for its confirmation", loss=row["loss_id"])
    if workspace.db.one("SELECT 1 FROM order_items WHERE record_id = :id AND intended = 1 AND outcome IS NULL",
                        {"id": record.record_id}) is not None:
        return msg("its destruction has begun; 'recordkit destruction execute' finishes it")
    if not damage.files:
        if damage.strays:
            return msg("all its files are whole; {names} does not belong to it and is moved out by hand",
                       names=listed(damage.strays, _NAMED))
        return msg("all its files are whole")
    if damage.mends_itself:
        return msg("its papers are whole, and 'recordkit mend COPY' puts the rest right")
    for folder, other in copies:
        version = other.version(record.record_id, record.version, record.commitment)
        if version is not None and not other.faults(record.record_id, version):
            return msg("the copy in {folder} has it whole: recordkit mend {folder}", folder=str(folder))
    return None


def _item(workspace: Workspace, record: Record, damage: Damage) -> dict[str, object]:
    return {
        "record": record.record_id, "code": record.code, "version": record.version, "commitment": record.commitment,
        "whole": damage.whole, "files": [dict(one) for one in damage.files],
        "holds": sorted(one.hold_id for one in list_holds(workspace, record_id=record.record_id)),
        "order": open_order_of(workspace.db, record.record_id),
    }


# --- the acts ---------------------------------------------------------------------------------------------------


def register_loss(
    workspace: Workspace,
    references: Sequence[str],
    copies: Sequence[Path],
    signer: Signer,
    reason: str,
    *,
    no_copy: bool = False,
    progress: Progress | None = None,
) -> Loss:
    """Enter, signed by an administrator, what is lost; it counts when a second person has confirmed it.

    Raises:
        InputRefused: no reason; or as ``plan_loss``.
        RefusedByRule: the signer is no administrator in office; or as ``plan_loss``.
        NotFound, StoreBusy: as ``plan_loss``.
    """
    _require_reason(reason)
    with workspace.writing() as writer:
        person_in_office(workspace, signer, losses.REGISTERED)
        plan = plan_loss(workspace, references, copies, no_copy=no_copy, progress=progress)
        notes = {record.record_id: writer.note(record.record_id,
                                               losses.catalogued_note(workspace, record, reason.strip()))
                 for record in plan.records}
        body = _signed(workspace, signer, losses.REGISTERED, plan.loss_id, digest_of(plan.manifest),
                       notes=digest_of(notes))
        writer.add(losses.REGISTERED, {**body, "manifest": dict(plan.manifest), "records": notes})
        writer.commit()
        return find_loss(workspace, plan.loss_id)


def confirm_loss(workspace: Workspace, loss_id: str, signer: Signer) -> Loss:
    """Confirm, by another person who has the same found again; from now on the records are written off.

    Raises:
        NotFound: no such loss.
        RefusedByRule: it does not wait; the signer is the human being who registered it, or has no role for it; or
            what is missing is not what was registered.
    """
    with workspace.writing() as writer:
        found = find_loss(workspace, loss_id)
        person = person_in_office(workspace, signer, losses.CONFIRMED)
        _require_waiting(found)
        register = list_people(workspace.db)
        if one_human(register, person, find_person(workspace.db, found.registered_by)):
            raise RefusedByRule(
                msg("{id} registered the loss {loss}; another person confirms it.", id=person.id, loss=found.loss_id),
                msg("'recordkit people list' shows who may: administrator, archivist, approver or supervisor."))
        _require_same(workspace, found)
        body = _signed(workspace, signer, losses.CONFIRMED, found.loss_id, found.digest)
        writer.add(losses.CONFIRMED, {**body, "records": [one.record_id for one in found.items]})
        writer.commit()
        return find_loss(workspace, found.loss_id)


def withdraw_loss(workspace: Workspace, loss_id: str, signer: Signer, reason: str) -> Loss:
    """End a registration that nobody has confirmed.

    Raises:
        InputRefused: no reason.
        NotFound: no such loss.
        RefusedByRule: it does not wait, or the signer has no role for it.
    """
    _require_reason(reason)
    with workspace.writing() as writer:
        found = find_loss(workspace, loss_id)
        person_in_office(workspace, signer, losses.WITHDRAWN)
        _require_waiting(found)
        active = [record for one in found.items
                  if (record := get_record(workspace.db, one.record_id)) is not None and record.status == "active"]
        notes = {one.record_id: writer.note(one.record_id, {"reason": reason.strip()}) for one in active}
        body = _signed(workspace, signer, losses.WITHDRAWN, found.loss_id, found.digest, notes=digest_of(notes))
        writer.add(losses.WITHDRAWN, {**body, "records": notes})
        writer.commit()
        return find_loss(workspace, found.loss_id)


def end_losses(workspace: Workspace, writer: Writer, found: Iterable[str]) -> None:
    """Queue that these records, which were written off, are whole again; the caller has read every byte of them."""
    for record_id in found:
        lost, record = losses.loss_of(workspace.db, record_id), get_record(workspace.db, record_id)
        if lost is not None and record is not None:
            writer.add(losses.ENDED, {"loss": lost.loss_id, "record": record_id, "version": record.version,
                                      "commitment": record.commitment})


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise InputRefused(msg("A reason is needed: what happened, when it was noticed, to whom it was reported."),
                           msg("Give it with --reason TEXT."))


def _require_waiting(loss: Loss) -> None:
    if loss.status != "registered":
        raise RefusedByRule(msg("The loss {loss} is {status}; nothing is signed on it any more.", loss=loss.loss_id,
                                status=msg(loss.status)))


def _require_same(workspace: Workspace, loss: Loss) -> None:
    """Stop when what is damaged now is not what was registered."""
    _require_objects(workspace)
    own = Root(workspace.root, workspace.settings.store.id)
    wrong: list[Message] = []
    for one in loss.items:
        record = get_record(workspace.db, one.record_id)
        if record is None or record.status != "active":
            wrong.append(msg("{code} is destroyed", code=one.code))
            continue
        damage = damage_of(own, record)
        now = {(str(file["file"]), str(file["found"])) for file in damage.files}
        then = {(str(file["file"]), str(file["found"])) for file in one.files}
        if not now:
            wrong.append(msg("{code} is whole again", code=one.code))
        elif record.version != one.version or (damage.whole, now) != (one.whole, then):
            wrong.append(msg("of {code} other files are missing or changed now", code=one.code))
    if back := set(loss.notes) - ({one.digest for one in lost_notes_of(workspace)} if loss.notes else set()):
        wrong.append(msg("{count} note(s) are there again", count=len(back)))
    if wrong:
        raise RefusedByRule(
            msg("What was registered as {loss} is not so any more: {reasons}.", loss=loss.loss_id,
                reasons=listed(wrong, _NAMED)),
            msg("Withdraw it and register what is lost now: recordkit lost withdraw {loss} --reason TEXT",
                loss=loss.loss_id))


def _signed(
    workspace: Workspace, signer: Signer, act: str, loss_id: str, digest: str, **more: object
) -> dict[str, object]:
    statement: dict[str, object] = {"act": act, "store": workspace.settings.store.id, "loss": loss_id,
                                    "digest": digest, "by": signer.person.id, **more}
    return {"loss": loss_id, "statement": statement, "by": signer.person.id,
            "key": signer.private.public_key().public_bytes_raw().hex(), "signature": signer.sign(statement)}
