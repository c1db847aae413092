"""What is done with volumes (案卷): opened, filled, corrected, closed, opened again. Each act may be given twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from recordkit import pending
from recordkit.archive.access import OPEN, clearance_of, require_access
from recordkit.archive.catalogue import Record, accounts_of, find_record
from recordkit.archive.classes import load_scheme
from recordkit.archive.volumes import (
    PENDING,
    Kind,
    Remarks,
    Volume,
    find_volume,
    open_volume_of_account,
    volume_of,
)
from recordkit.db import Database
from recordkit.errors import InputRefused, RefusedByRule
from recordkit.messages import Message, listed, msg
from recordkit.model import same_account
from recordkit.people import find_person, list_people, require_role
from recordkit.workspace import Workspace, Writer

LONGEST_TITLE = 500
KEEPERS = ("archivist", "administrator")
"""Whoever may take a record out of a volume, once people are registered."""
NOTHING = Remarks()
_BATCH = 200
"""Volumes that are opened in one batch: a writer is not kept waiting, and the ledger's batch stays small."""


@dataclass(frozen=True, slots=True)
class NewVolume:
    """A volume to be opened; ``records`` are ids, in the order in which they will lie in it."""

    kind: Kind
    title: str
    account: str | None = None
    record_class: str | None = None
    records: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """What ``volume create --per-account`` would do.

    Attributes:
        new: volumes of accounts that have none.
        joining: ids of records by the id of the open volume of their account.
        left: how many records stay without, because the volume of their account is closed.
    """

    new: tuple[NewVolume, ...]
    joining: Mapping[str, tuple[str, ...]]
    left: int


def open_volume(workspace: Workspace, new: NewVolume) -> Volume:
    """Begin a volume.

    Raises:
        NotFound: no such class.
        InputRefused: the title is empty or too long, or of the volume of an account the account.
        RefusedByRule: there is an open volume for the same account and class; or it is that of an account and the
            actor may not see restricted records: the answer would tell whether there are any of that account.
    """
    new = _checked(workspace, new)
    with workspace.writing() as writer:
        if new.account is not None:
            _require_clearance(workspace)
        _require_only_one(workspace.db, new.account, new.record_class)
        (volume_id,) = _open(workspace, writer, [new])
    return find_volume(workspace, volume_id)


def plan_per_account(workspace: Workspace, record_class: str | None = None) -> AccountPlan:
    """A volume for every account that has filed records and none; what was filed since joins the open ones.

    Raises:
        NotFound: no such class.
    """
    if record_class is not None:
        record_class = load_scheme(workspace.root).get(record_class).id
    db = workspace.db
    found: dict[str, list[str]] = {}
    parties: dict[str, str] = {}
    classes: dict[str, str] = {}
    for row in db.each(
        "SELECT a.account, r.record_id, r.party, r.record_class FROM record_accounts a JOIN records r "
        "ON r.record_id = a.record_id WHERE a.is_current = 1 AND r.status = 'active' AND r.volume IS NULL "
        "AND (:class IS NULL OR r.record_class = :class) ORDER BY a.account, r.date, r.ordinal",
        {"class": record_class},
    ):
        found.setdefault(row["account"], []).append(row["record_id"])
        classes[row["record_id"]] = row["record_class"]
        if row["party"]:
            parties[row["account"]] = row["party"]
    having = {(row["account"], row["record_class"]) for row in db.each(
        "SELECT account, record_class FROM volumes WHERE account IS NOT NULL")}
    new: list[NewVolume] = []
    joining: dict[str, list[str]] = {}
    left = 0
    for account, records in found.items():
        if not having & {(account, None), (account, record_class)}:
            new.append(NewVolume("account", title_of_account(account, parties.get(account, "")), account, record_class,
                                 tuple(records)))
            continue
        for record_id in records:
            volume = open_volume_of_account(db, account, classes[record_id])
            if volume is None:
                left += 1
            else:
                joining.setdefault(volume[0], []).append(record_id)
    return AccountPlan(tuple(new), {one: tuple(records) for one, records in joining.items()}, left)


def title_of_account(account: str, party: str) -> str:
    """Title (题名) of the volume of an account."""
    return f"{party}（{account}）用户档案"[:LONGEST_TITLE] if party else f"{account}用户档案"


def open_per_account(
    workspace: Workspace, record_class: str | None = None, progress: Callable[[int, int], None] | None = None
) -> AccountPlan:
    """Do what ``plan_per_account`` says, in batches; killed in between, the next call does the rest.

    ``progress`` is told how many volumes of how many were dealt with.

    Returns:
        What was done: where another process was at it too, less than was planned.

    Raises:
        NotFound: no such class.
    """
    plan = plan_per_account(workspace, record_class)
    joined: dict[str, tuple[str, ...]] = {}
    opened: list[NewVolume] = []
    total = len(plan.joining) + len(plan.new)
    for done, (volume_id, records) in enumerate(plan.joining.items(), start=1):
        with workspace.writing() as writer:
            free = tuple(one for one in records if _is_free(workspace.db, one))
            if free and find_volume(workspace, volume_id).closed is None:
                file_into(workspace.db, writer, volume_id, free)
                writer.commit()
                joined[volume_id] = free
        if progress is not None:
            progress(done, total)
    for start in range(0, len(plan.new), _BATCH):
        with workspace.writing() as writer:
            # Another process may have been at it between the plan and this batch.
            still = [
                replace(new, records=tuple(one for one in new.records if _is_free(workspace.db, one)))
                for new in plan.new[start:start + _BATCH]
                if workspace.db.one("SELECT 1 FROM volumes WHERE account = :account AND record_class IS :class",
                                    {"account": new.account, "class": new.record_class}) is None
            ]
            news = [new for new in still if new.records]
            if news:
                _open(workspace, writer, news)
                opened += news
        if progress is not None:
            progress(len(plan.joining) + min(start + _BATCH, len(plan.new)), total)
    return AccountPlan(tuple(opened), joined, plan.left)


def _is_free(db: Database, record_id: str) -> bool:
    return db.one("SELECT 1 FROM records WHERE record_id = :id AND volume IS NULL AND status = 'active'",
                  {"id": record_id}) is not None


def add_to_volume(workspace: Workspace, reference: str, records: Sequence[str]) -> tuple[Volume, tuple[Record, ...]]:
    """Put records (id, archival code or number) into a volume, behind what lies in it; those that are in it stay.

    Returns:
        The volume, and the records that are new in it.

    Raises:
        NotFound: no such volume or record.
        RefusedByRule: the volume takes nothing more, or not such a record; or a record is destroyed, or in another
            volume, or restricted and the actor may not see it. Nothing is filed then.
    """
    with workspace.writing() as writer:
        volume = find_volume(workspace, reference)
        _require_open(volume)
        named = {record.record_id: record for record in (find_record(workspace.db, one) for one in records)}
        for record in named.values():
            require_access(workspace, record)
        new = [record for record in named.values() if not _is_in(workspace.db, volume, record)]
        hides = volume.restricted and not clearance_of(workspace).full
        for record in new:
            _require_fit(workspace.db, volume, record, hides=hides)
        if new:
            file_into(workspace.db, writer, volume.volume_id, [record.record_id for record in new])
            writer.commit()
    return find_volume(workspace, volume.volume_id), tuple(new)


def take_out(workspace: Workspace, reference: str, record: str, reason: str) -> tuple[Volume, Record]:
    """Take a record out of a volume; its number in the volume is not given again.

    Raises:
        NotFound: no such volume or record.
        InputRefused: no reason.
        RefusedByRule: the volume is closed, the record is not in it, or all others of the volume are destroyed; or,
            where people are registered, the actor is neither archivist nor administrator, or may not see the record.
    """
    if not reason.strip():
        raise InputRefused(msg("To take a record out of a volume needs a reason."), msg("Give it with --reason TEXT."))
    with workspace.writing() as writer:
        volume = find_volume(workspace, reference)
        _require_open(volume)
        found = find_record(workspace.db, record)
        require_keeper(workspace, msg("To take a record out of a volume needs the role {roles}.",
                                      roles=listed(map(msg, KEEPERS))))
        require_access(workspace, found)
        if not _is_in(workspace.db, volume, found):
            raise RefusedByRule(msg("The record {code} is not in volume {volume}.", code=found.code,
                                    volume=volume.code))
        _require_staying(workspace.db, found)
        if volume.records == 1 and volume.destroyed:
            # The volume's title names whose destroyed papers these were: it goes with the last of them.
            raise RefusedByRule(
                msg("All other records of volume {volume} are destroyed; its last one stays in it.",
                    volume=volume.code))
        note = writer.note(found.record_id, {"volume": volume.volume_id, "reason": reason.strip()})
        writer.add("volume.taken-out", {"volume": volume.volume_id, "records": {found.record_id: note}})
        writer.commit()
    return find_volume(workspace, volume.volume_id), found


def close_volume(workspace: Workspace, reference: str, remarks: Remarks = NOTHING) -> Volume:
    """Close a volume: it takes nothing more until it is opened again. ``remarks`` as for ``note_volume``.

    Raises:
        NotFound: no such volume.
        InputRefused: a text is too long.
        RefusedByRule: it is closed, or has no record; or the actor may not see all of it.
    """
    said = _said(remarks, None)
    with workspace.writing() as writer:
        volume = find_volume(workspace, reference)
        _require_open(volume)
        _require_seen(workspace, volume)
        if not volume.records:
            raise RefusedByRule(msg("Volume {volume} is empty; it cannot be closed.", volume=volume.code),
                                msg("Put records into it: recordkit volume add {volume} RECORD", volume=volume.code))
        note = writer.note(volume.volume_id, said) if said else None
        writer.add("volume.closed", {"volume": volume.volume_id, "date": workspace.clock.today.isoformat(),
                                     "note": note})
        writer.commit()
    return find_volume(workspace, volume.volume_id)


def reopen_volume(workspace: Workspace, reference: str, reason: str) -> Volume:
    """Open a closed volume again.

    Raises:
        NotFound: no such volume.
        InputRefused: no reason.
        RefusedByRule: it is open, or all its records are destroyed, or its account has another open one by now; or the
            actor may not see all of it, or, where people are registered, is neither archivist nor administrator: what
            is said of an open volume anybody may change.
    """
    if not reason.strip():
        raise InputRefused(msg("To open a volume again needs a reason."), msg("Give it with --reason TEXT."))
    with workspace.writing() as writer:
        volume = find_volume(workspace, reference)
        if volume.ended:
            raise _ended(volume)
        if volume.closed is None:
            raise RefusedByRule(msg("Volume {volume} is open.", volume=volume.code))
        _require_seen(workspace, volume)
        require_keeper(workspace, msg("To open a closed volume again needs the role {roles}.",
                                      roles=listed(map(msg, KEEPERS))))
        _require_only_one(workspace.db, volume.account, volume.record_class)
        note = writer.note(volume.volume_id, {"reopened": reason.strip()})
        writer.add("volume.reopened", {"volume": volume.volume_id, "note": note})
        writer.commit()
    return find_volume(workspace, volume.volume_id)


def note_volume(
    workspace: Workspace, reference: str, remarks: Remarks, title: str | None = None, reason: str = ""
) -> Volume:
    """Set the title, or what the 备考表 says; what is empty in ``remarks`` stays as it is.

    Of a closed volume that is done by whoever keeps the archive, with a reason; old and new stay in its history.

    Raises:
        NotFound: no such volume.
        InputRefused: nothing is said, or a text is too long, or the volume is closed and there is no reason.
        RefusedByRule: all its records are destroyed, or the actor may not see all of it; or it is closed, people are
            registered, and the actor is neither archivist nor administrator.
    """
    said = _said(remarks, title)
    if not said:
        raise InputRefused(msg("Nothing is said of the volume."),
                           msg("Give --title, --note, --arranged-by or --checked-by."))
    _require_short(reason.strip())
    with workspace.writing() as writer:
        volume = find_volume(workspace, reference)
        if volume.ended:
            raise _ended(volume)
        _require_seen(workspace, volume)
        if volume.closed is not None:
            require_keeper(workspace, msg("To change what is said of a closed volume needs the role {roles}.",
                                          roles=listed(map(msg, KEEPERS))))
            if not reason.strip():
                raise InputRefused(msg("To change what is said of a closed volume needs a reason."),
                                   msg("Give it with --reason TEXT."))
        note = writer.note(volume.volume_id, {**said, **({"reason": reason.strip()} if reason.strip() else {})})
        writer.add("volume.noted", {"volume": volume.volume_id, "note": note})
        writer.commit()
    return find_volume(workspace, volume.volume_id)


def file_into(db: Database, writer: Writer, volume_id: str, records: Iterable[str]) -> None:
    """Queue that records lie in a volume behind those that it has; one call a volume and commit."""
    row = db.one("SELECT last FROM volumes WHERE volume_id = :id", {"id": volume_id})
    last = 0 if row is None else int(row["last"])
    writer.add("volume.filed", {"volume": volume_id, "records": {
        record_id: last + place for place, record_id in enumerate(records, 1)}})


def join_by_account(workspace: Workspace, writer: Writer, filed: Sequence[tuple[str, str, str]]) -> None:
    """Queue that records, filed in this very batch, join the open volumes of their accounts, if the settings say so.

    ``filed``: record id, account and class of each.
    """
    if workspace.settings.archive.volumes != "per-account":
        return
    joining: dict[str, list[str]] = {}
    for record_id, account, record_class in filed:
        volume = open_volume_of_account(workspace.db, account, record_class)
        if volume is not None:
            joining.setdefault(volume[0], []).append(record_id)
    for volume_id, records in joining.items():
        file_into(workspace.db, writer, volume_id, records)


def told_astray(workspace: Workspace, record: Record, account: object) -> Message | None:
    """What is to be said when a record that lies in the volume of an account comes to stand under another one.

    It stays where it lies: the longest period of the volume still counts for it.
    """
    found = volume_of(workspace.db, record.record_id)
    if found is None or found.account is None or same_account(str(account or "")) == found.account:
        return None
    return msg("{code} stands under another account than its volume {volume} now; if it belongs elsewhere: recordkit "
               "volume remove {volume} {code} --reason TEXT", code=record.code, volume=found.code)


# --- helpers ----------------------------------------------------------------------------------------------------


def _open(workspace: Workspace, writer: Writer, news: Sequence[NewVolume]) -> list[str]:
    """Open volumes, each with its records, by one commit; their ids."""
    settings, today = workspace.settings, workspace.clock.today
    values = {"fonds": settings.archive.fonds, "category": settings.archive.category, "year": today.year,
              "office": settings.company.office_code}
    template = settings.archive.volume_code
    scope = template.format(**values, seq=0)
    row = workspace.db.one("SELECT max(serial) AS last FROM volumes WHERE scope = :scope", {"scope": scope})
    serial = int(row["last"] or 0) if row is not None else 0
    ids: list[str] = []
    for new in news:
        serial += 1
        code = template.format(**values, seq=serial)
        while workspace.db.one("SELECT 1 FROM volumes WHERE code = :code "
                               "UNION SELECT 1 FROM records WHERE code = :code", {"code": code}) is not None:
            # The template was changed, and an older one gave this code: codes are never given twice.
            serial += 1
            code = template.format(**values, seq=serial)
        volume_id = f"V{writer.next_id()}"
        ids.append(volume_id)
        note = writer.note(volume_id, {"title": new.title, **({"account": new.account} if new.account else {})})
        writer.add("volume.opened", {
            "volume": volume_id, "code": code, "scope": scope, "serial": serial, "kind": new.kind,
            "class": new.record_class, "date": today.isoformat(), "note": note})
        if new.records:
            file_into(workspace.db, writer, volume_id, new.records)
    if workspace.rehearsing:
        writer.commit()
    else:
        with pending.announced(workspace.root, PENDING, ids):
            writer.commit()
    return ids


def _checked(workspace: Workspace, new: NewVolume) -> NewVolume:
    account = same_account(new.account or "") or None
    title = new.title.strip()
    if new.kind == "account" and account is None:
        raise InputRefused(msg("The volume of an account needs the account."), msg("Give it with --account A."))
    if account is not None and not title:
        row = workspace.db.one(
            "SELECT r.party FROM record_accounts a JOIN records r ON r.record_id = a.record_id WHERE a.account = "
            ":account AND a.is_current = 1 AND r.status = 'active' AND r.party IS NOT NULL "
            "AND (:full = 1 OR r.access = :open) ORDER BY r.date DESC, r.ordinal DESC LIMIT 1",
            {"account": account, "full": int(clearance_of(workspace).full), "open": OPEN})
        title = title_of_account(account, row["party"] if row is not None else "")
    if not title:
        raise InputRefused(msg("A volume needs a title."), msg("Give it with --project TITLE."))
    _require_short(title)
    record_class = load_scheme(workspace.root).get(new.record_class).id if new.record_class else None
    return NewVolume(new.kind, title, account, record_class, new.records)


def _require_only_one(db: Database, account: str | None, record_class: str | None) -> None:
    """Of an account and class one volume is open: else nobody knows which one takes the next paper."""
    row = None if account is None else db.one(
        "SELECT code FROM volumes WHERE account = :account AND closed IS NULL AND ended = 0 AND record_class IS :class",
        {"account": account, "class": record_class})
    if row is not None:
        raise RefusedByRule(
            msg("Account {account} has an open volume already: {code}.", account=account, code=row["code"]),
            msg("Close it first: recordkit volume close {code}", code=row["code"]))


def _said(remarks: Remarks, title: str | None) -> dict[str, object]:
    """What a note of the volume says: only what is given."""
    texts = {"situation": remarks.situation.strip(), "arranged_by": remarks.arranged_by.strip(),
             "checked_by": remarks.checked_by.strip(), "title": (title or "").strip()}
    days: dict[str, date | None] = {"arranged_on": remarks.arranged_on, "checked_on": remarks.checked_on}
    for text in texts.values():
        _require_short(text)
    return {**{key: text for key, text in texts.items() if text},
            **{key: day.isoformat() for key, day in days.items() if day is not None}}


def _require_short(text: str) -> None:
    if len(text) > LONGEST_TITLE:
        raise InputRefused(msg("The text {text} has {count} characters; {most} at most.", text=f"{text[:20]}…",
                               count=len(text), most=LONGEST_TITLE))


def _require_open(volume: Volume) -> None:
    if volume.ended:
        raise _ended(volume)
    if volume.closed is not None:
        raise RefusedByRule(
            msg("Volume {volume} was closed on {day}.", volume=volume.code, day=volume.closed.isoformat()),
            msg("Open it again first: recordkit volume reopen {volume} --reason TEXT", volume=volume.code),
        )


def _ended(volume: Volume) -> RefusedByRule:
    return RefusedByRule(msg("All records of volume {volume} are destroyed; it takes no others.", volume=volume.code),
                         msg("Begin a new one: recordkit volume create"))


def _is_in(db: Database, volume: Volume, record: Record) -> bool:
    return db.one("SELECT 1 FROM records WHERE record_id = :id AND volume = :volume",
                  {"id": record.record_id, "volume": volume.volume_id}) is not None


def _require_staying(db: Database, record: Record) -> None:
    """A record that is destroyed, or of which the destruction has begun, is moved no more."""
    if record.status != "active":
        raise RefusedByRule(msg("The record {code} is destroyed; it stays where it was.", code=record.code))
    # The table of orders is kept above, by retention.order_state.
    row = db.one("SELECT order_id FROM order_items WHERE record_id = :id AND intended = 1", {"id": record.record_id})
    if row is not None:
        raise RefusedByRule(msg("The destruction of {code} has begun (order {order}); it stays where it was.",
                                code=record.code, order=row["order_id"]))


def _require_seen(workspace: Workspace, volume: Volume) -> None:
    """Nobody says something else of what they may not see."""
    clearance = clearance_of(workspace)
    if volume.restricted and not clearance.full:
        raise RefusedByRule(
            msg("The volume {volume} has a restricted record; to see it needs the role {roles}.", volume=volume.code,
                roles=clearance.told_roles),
            msg("Say who you are with --as ID; 'recordkit people list' shows who holds which role."))


def _require_clearance(workspace: Workspace) -> None:
    """Stop whoever may not see restricted records, whether there are any or not."""
    clearance = clearance_of(workspace)
    if not clearance.full:
        raise RefusedByRule(
            msg("To open a volume for an account needs the role {roles}.", roles=clearance.told_roles),
            msg("Say who you are with --as ID; 'recordkit people list' shows who holds which role."))


def require_keeper(workspace: Workspace, what: Message) -> None:
    """Stop with ``what`` unless the actor keeps the archive, once anybody is registered.

    A record out of its volume is due by its own, perhaps earlier, day; what a closed volume holds and what stands over
    it was checked; another schedule makes other records due.

    Raises:
        RefusedByRule: a plain name, somebody revoked, or somebody with neither role of ``KEEPERS``.
    """
    if not list_people(workspace.db):
        return
    if workspace.actor.startswith("os:"):
        raise RefusedByRule(
            what, msg("Say who you are with --as ID; 'recordkit people list' shows who holds which role."))
    person = find_person(workspace.db, workspace.actor)
    if person.revoked:
        raise RefusedByRule(msg("{id} was revoked and acts no more.", id=person.id))
    require_role(person, KEEPERS)


def _require_fit(db: Database, volume: Volume, record: Record, *, hides: bool) -> None:
    _require_staying(db, record)
    other = volume_of(db, record.record_id)
    if other is not None:
        raise RefusedByRule(
            msg("The record {code} is in volume {volume} already.", code=record.code, volume=other.code),
            msg("Take it out first: recordkit volume remove {volume} {code} --reason TEXT", volume=other.code,
                code=record.code),
        )
    if volume.record_class not in (None, record.record_class):
        raise RefusedByRule(msg("Volume {volume} takes records of class {wanted} only; {code} is of {other}.",
                                volume=volume.code, wanted=volume.record_class, code=record.code,
                                other=record.record_class))
    strange = volume.account is not None and record.account and (
        volume.account not in accounts_of(db, record.record_id))
    if strange and hides:
        raise RefusedByRule(msg("The record {code} stands under another account than volume {volume}.",
                                code=record.code, volume=volume.code),
                            msg("Correct the account, or keep it in the volume of a project."))
    if strange:
        raise RefusedByRule(
            msg("The record {code} stands under account {other}, not under that of volume {volume}, {account}.",
                code=record.code, other=record.account, volume=volume.code, account=volume.account),
            msg("Correct the account, or keep it in the volume of a project."),
        )
