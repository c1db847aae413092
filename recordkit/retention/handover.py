"""Handover when the archivist changes (handbook ch. 8 §6): what there is, counted and signed by both.

Both sign the digest of one manifest: counts, a digest over the commitments of all holdings, how far the ledger had
come, what is unfinished. It names ids, codes, numbers and counts and no title, so that it may stand in the ledger. The
receiver signs only what is still so: whatever changed in between stops the acceptance. With it the protocol
(交接文据) is filed for ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice

from recordkit.archive.catalogue import keyed, list_holdings
from recordkit.archive.classes import load_scheme
from recordkit.archive.filing import file_generated
from recordkit.archive.losses import lost_notes, lost_records, waiting_losses
from recordkit.archive.retrying import list_quarantine
from recordkit.archive.selection import TERM
from recordkit.archive.stock import take_stock
from recordkit.archive.waiting import list_unmatched
from recordkit.checkpoints import is_signed, kept_checkpoints, read_checkpoint
from recordkit.db import Database
from recordkit.errors import InputRefused, IntegrityFailure, RecordkitError, RefusedByRule
from recordkit.messages import Message, listed, msg
from recordkit.model import canonical_json
from recordkit.notes import read_note
from recordkit.people import Signer, find_person, list_people, one_human, require_office, require_role
from recordkit.retention.handover_grounds import documents_of, line_of, people_digest, require_true_tables
from recordkit.retention.handover_print import TITLE, handover_docx, handover_pages
from recordkit.retention.handover_seen import access_of_manifest
from recordkit.retention.handover_state import Handover, find_handover, list_handovers, next_handover_id
from recordkit.retention.holds import list_holds
from recordkit.retention.order_state import list_orders
from recordkit.retention.schedule import HANDOVER_CLASS
from recordkit.retention.signing import ROLES_OF_ACT, digest_of, person_in_office
from recordkit.settings import FILE_NAME
from recordkit.templates.issue import each_issue
from recordkit.workspace import Workspace

FORMAT = 1
MOST_NAMED = 200
"""Unreturned documents that a manifest names, the oldest first; all are counted."""
_SHOWN = 10
_OF_THE_DAY = frozenset(("as_of", "ledger", "checkpoint"))
"""Parts of a manifest that say when it was made, not what there is."""

_TOLD: Mapping[str, Message] = {
    "remarks": msg("titles or remarks of volumes"), "events": msg("events of accounts or records"),
    "settings": msg("recordkit.toml is another one"), "schedule": msg("retention.toml is another one"),
    "files": msg("sizes of files of the archive"), "people": msg("the register of people"),
    "documents": msg("issued documents or their data"), "lost": msg("what is written off as lost"),
}
"""Parts of a manifest as they are called where they changed; what is not here has words of its own."""



def manifest_of(workspace: Workspace, handover_id: str) -> dict[str, object]:
    """What is handed over, as it is now; plain JSON values.

    Raises:
        IntegrityFailure: a file of the archive, a note of a volume or the data of a document is missing or not what it
            should be, or the catalogue is not what ledger, notes and records give.
    """
    cursor = workspace.db.cursor()
    manifest = {
        "format": FORMAT,
        "handover": handover_id,
        "store": workspace.settings.store.id,
        "as_of": workspace.clock.today.isoformat(),
        "ledger": {"seq": cursor.seq, "head": cursor.hash},
        "checkpoint": _newest_checkpoint(workspace),
        "holdings": holdings_of(workspace.db),
        "classes": _counts(workspace.db, "record_class"),
        "years": _counts(workspace.db, "year"),
        "periods": _counts(workspace.db, TERM),
        "boxes": _counts(workspace.db, "box"),
        "volumes": _volumes(workspace.db),
        "arrangement": _arrangement(workspace),
        "remarks": _remarks(workspace),
        "events": _events(workspace),
        "settings": hashlib.sha256((workspace.root / FILE_NAME).read_bytes()).hexdigest(),
        "schedule": load_scheme(workspace.root).digest,
        "files": _files(workspace),
        "people": people_digest(workspace),
        "documents": documents_of(workspace),
        "unfinished": _unfinished(workspace),
        "lost": _written_off(workspace),
    }
    # Last, for it takes longest, and what is missing is told by name before.
    require_true_tables(workspace)
    return manifest


def _files(workspace: Workspace) -> dict[str, object]:
    """How many files are there and their bytes, with a keyed digest over name and size of each.

    Raises:
        IntegrityFailure: a file is missing or not of the size that it should be; nobody may sign for it.
    """
    stock = take_stock(workspace)
    if stock.wrong:
        raise IntegrityFailure(
            msg("{count} file(s) of the archive are missing or of another size; nobody may sign for them: {files}.",
                count=stock.wrong, files=listed(stock.told)),
            msg("Run 'recordkit verify', bring them back out of a copy with 'recordkit mend COPY', and sign then."))
    return {"count": stock.files, "bytes": stock.bytes, "digest": stock.digest}


def _written_off(workspace: Workspace) -> dict[str, object]:
    """Records that are written off as lost, and losses that wait for their confirmation: who receives must know."""
    lost = lost_records(workspace.db)
    codes = {row["record_id"]: row["code"] for row in workspace.db.each(
        "SELECT record_id, code FROM records WHERE record_id IN (SELECT record_id FROM lost_records)")}
    return {"records": sorted(f"{codes[one.record_id]} {one.loss_id}" for one in lost.values()),
            "waiting": waiting_losses(workspace.db)}


def _remarks(workspace: Workspace) -> str:
    """Keyed digest of what is said of volumes: title, account and remarks, and the notes that they come from.

    Raises:
        IntegrityFailure: a note of a volume is missing or was changed, and is not written off.
    """
    whole, lost, given_up = hashlib.sha256(), dict[str, str](), lost_notes(workspace.db)
    codes: dict[str, str] = {}
    for row in workspace.db.each("SELECT volume_id, code, title, account, remarks FROM volumes WHERE ended = 0 "
                                 "ORDER BY volume_id"):
        codes[row["volume_id"]] = row["code"]
        whole.update(line_of(row))
    for entry in workspace.ledger.naming("volume.", workspace.db.cursor()):
        volume, note = str(entry.body.get("volume")), entry.body.get("note")
        if entry.act.startswith("volume.") and note and volume in codes:
            whole.update(f"{volume} {note}\n".encode())
            if str(note) not in given_up and read_note(workspace.root, volume, str(note)) is None:
                lost[f"notes/{volume}/{note}.json"] = codes[volume]
    if lost:
        raise IntegrityFailure(
            msg("Notes of volumes are missing or changed; nobody may sign for them: {files}.",
                files=_some([f"{code}: {name}" for name, code in lost.items()])),
            msg("Bring them back out of a copy: recordkit mend COPY"))
    return keyed(workspace.settings.store.id, whole.hexdigest())


def _events(workspace: Workspace) -> str:
    """Keyed digest of every event of accounts and records: type, day, account, what replaced it or took it back."""
    whole = hashlib.sha256()
    for statement in ("SELECT * FROM retention_events ORDER BY event_id",
                      "SELECT * FROM retention_event_records ORDER BY event_id, record_id"):
        for row in workspace.db.each(statement):
            whole.update(line_of(row))
        whole.update(b"\n")
    return keyed(workspace.settings.store.id, whole.hexdigest())


def _arrangement(workspace: Workspace) -> str:
    """Keyed digest of what no commitment says: places of boxes, and state and content of volumes.

    Keyed, for a place is free text, and the ledger is to hold none of it, not even to be guessed.
    """
    whole = hashlib.sha256()
    for statement in (
        "SELECT box AS a, coalesce(shelf, '') AS b, '' AS c FROM boxes ORDER BY box",
        "SELECT volume_id AS a, coalesce(closed, '') AS b, ended AS c FROM volumes ORDER BY volume_id",
        "SELECT volume_id AS a, record_id AS b, position AS c FROM volume_records n WHERE EXISTS (SELECT 1 FROM "
        "records r WHERE r.record_id = n.record_id AND r.status = 'active') ORDER BY volume_id, position",
    ):
        for row in workspace.db.each(statement):
            whole.update(line_of(row))
        whole.update(b"\n")
    return keyed(workspace.settings.store.id, whole.hexdigest())


def holdings_of(db: Database) -> dict[str, object]:
    """How many records and pages are held; SHA-256 over a line ``record commitment`` for each, in order of filing."""
    whole, count = hashlib.sha256(), 0
    for one in list_holdings(db):
        whole.update(f"{one.record_id} {one.commitment}\n".encode())
        count += 1
    (row,) = db.all("SELECT coalesce(sum(pages), 0) AS pages FROM records WHERE status = 'active'")
    return {"count": count, "pages": int(row["pages"]), "digest": whole.hexdigest()}


def _counts(db: Database, column: str) -> dict[str, int]:
    """Records by the values of a column or expression; those without one are not among them."""
    rows = db.all(f"SELECT {column} AS name, count(*) AS n FROM records WHERE status = 'active' AND {column} "
                  f"IS NOT NULL GROUP BY {column} ORDER BY {column}")
    return {str(row["name"]): int(row["n"]) for row in rows}


def _volumes(db: Database) -> dict[str, int]:
    (row,) = db.all("SELECT count(*) AS n, count(closed) AS closed FROM volumes")
    return {"open": int(row["n"]) - int(row["closed"]), "closed": int(row["closed"])}


def _newest_checkpoint(workspace: Workspace) -> dict[str, object] | None:
    """The kept checkpoint that speaks of the latest place; one that cannot be read or does not hold is passed over."""
    for path in reversed(kept_checkpoints(workspace.root)):
        try:
            found = read_checkpoint(path)
        except RecordkitError:
            continue
        if is_signed(found):
            return {"seq": found.statement.seq, "head": found.statement.head, "by": found.statement.by}
    return None


def _unfinished(workspace: Workspace) -> dict[str, object]:
    db = workspace.db
    needed = workspace.settings.destruction.supervisors
    (row,) = db.all("SELECT count(*) AS n FROM issues WHERE status = 'issued'")
    issues = each_issue(db, unreturned=True)
    return {
        "waiting": len(list_unmatched(workspace)),
        "quarantine": len(list_quarantine(workspace)),
        "unreturned": {"count": int(row["n"]),
                       "oldest": [one.number for one in islice(issues, MOST_NAMED)]},
        "orders": [{"order": one.order_id, "status": one.status(needed)} for one in list_orders(db)
                   if one.status(needed) not in ("completed", "withdrawn", "closed")],
        "holds": [{"hold": one.hold_id, "kind": one.kind} for one in list_holds(workspace)],
    }


def plan_handover(workspace: Workspace, receiver: str) -> Handover:
    """The handover as it would be proposed; nobody has signed and nothing is written.

    Raises:
        IntegrityFailure: as ``manifest_of``.
        NotFound: nobody is registered as ``receiver``.
        InputRefused: the schedule has no class for its protocol.
        RefusedByRule: the receiver may not keep an archive, or is revoked; or a handover is open already.
    """
    scheme = load_scheme(workspace.root)
    if HANDOVER_CLASS not in scheme.classes:
        raise InputRefused(
            msg("The retention schedule has no class {id}; the protocol could not be filed.", id=HANDOVER_CLASS),
            msg("Add to retention.toml: [[classes]] with id = \"{id}\", name = \"{name}\" and period = \"permanent\".",
                id=HANDOVER_CLASS, name=TITLE))
    if scheme.classes[HANDOVER_CLASS].months is not None:
        raise InputRefused(msg("The class {id} must be permanent.", id=HANDOVER_CLASS),
                           msg("Write: period = \"permanent\""))
    person = find_person(workspace.db, receiver)
    require_office(person)
    require_role(person, ROLES_OF_ACT["handover.accepted"])
    opened = [one.handover_id for one in list_handovers(workspace) if one.status == "proposed"]
    if opened:
        raise RefusedByRule(
            msg("The handover {handover} is not accepted yet.", handover=opened[0]),
            msg("Accept it, or withdraw it: recordkit handover withdraw {handover} --reason TEXT", handover=opened[0]))
    handover_id = next_handover_id(workspace.db, workspace.clock.today.year)
    manifest = manifest_of(workspace, handover_id)
    today = workspace.clock.today.isoformat()
    return Handover(handover_id, digest_of(manifest), manifest, "", person.id, today, "", "")


def propose_handover(workspace: Workspace, receiver: str, signer: Signer, note: str = "") -> Handover:
    """Sign what is handed over, by the outgoing archivist.

    Raises:
        RefusedByRule: as ``plan_handover``; or the signer may not hand over, or is the receiver.
        NotFound, InputRefused, IntegrityFailure: as ``plan_handover``.
    """
    with workspace.writing() as writer:
        person = person_in_office(workspace, signer, "handover.proposed")
        plan = plan_handover(workspace, receiver)
        if one_human(list_people(workspace.db), person, find_person(workspace.db, receiver)):
            raise RefusedByRule(
                msg("{giver} and {receiver} are one person; an archive is handed over to another one.",
                    giver=person.id, receiver=receiver),
                msg("Name another archivist or administrator with --to."))
        said = writer.note(plan.handover_id, {"reason": note}) if note.strip() else None
        body = _signed(workspace, signer, "handover.proposed", plan, to=receiver)
        writer.add("handover.proposed", {**body, "manifest": plan.manifest, "note": said})
        writer.commit()
        return find_handover(workspace, plan.handover_id)


def accept_handover(workspace: Workspace, handover_id: str, signer: Signer) -> Handover:
    """Sign the same manifest, by the receiver, and file the protocol for ever.

    Raises:
        IntegrityFailure: as ``manifest_of``.
        NotFound: no such handover.
        RefusedByRule: it is not open, the signer is not its receiver or not in office, or what is handed over changed.
    """
    with workspace.writing() as writer:
        found = find_handover(workspace, handover_id)
        person = person_in_office(workspace, signer, "handover.accepted")
        _require_open(found)
        if person.id != found.receiver:
            raise RefusedByRule(
                msg("The handover {handover} is made to {receiver}, not to {id}.", handover=found.handover_id,
                    receiver=found.receiver, id=person.id),
                msg("Let {receiver} sign, or withdraw it and propose it anew.", receiver=found.receiver))
        register = list_people(workspace.db)
        giver = find_person(workspace.db, found.proposer)
        if one_human(register, person, giver):
            raise RefusedByRule(msg("{giver} and {receiver} are one person; an archive is handed over to another one.",
                                    giver=giver.id, receiver=person.id))
        _require_same(workspace, found)
        body = _signed(workspace, signer, "handover.accepted", found)
        # The act comes first and takes one number, the record of the protocol the next.
        writer.add("handover.accepted", {**body, "record": f"R{writer.next_id(1)}"})
        signed = replace(found, accepted=workspace.clock.stamp()[:10], accepted_key=str(body["key"]),
                         accepted_signature=str(body["signature"]))
        file_generated(
            writer, workspace, record_class=HANDOVER_CLASS, title=f"{TITLE} {found.handover_id}",
            on=workspace.clock.today,
            pages=handover_pages(workspace, signed),
            content={"original.docx": handover_docx(workspace, signed),
                     "handover.json": canonical_json(plain_handover(signed))},
            fields={"handover": found.handover_id},
            access=access_of_manifest(workspace, signed.manifest),
        )
        return find_handover(workspace, found.handover_id)


def withdraw_handover(workspace: Workspace, handover_id: str, signer: Signer, reason: str) -> Handover:
    """End a handover that was not accepted, by whoever proposed it, its receiver, or an administrator.

    Raises:
        NotFound: no such handover.
        InputRefused: no reason.
        RefusedByRule: it is not open, or the signer is none of these.
    """
    if not reason.strip():
        raise InputRefused(msg("A withdrawal needs a reason."), msg("Give it with --reason TEXT."))
    with workspace.writing() as writer:
        found = find_handover(workspace, handover_id)
        person = person_in_office(workspace, signer, "handover.withdrawn")
        _require_open(found)
        if person.id not in (found.proposer, found.receiver) and "administrator" not in person.roles:
            raise RefusedByRule(
                msg("{id} neither proposed nor receives the handover {handover}.", id=person.id,
                    handover=found.handover_id),
                msg("Let {proposer}, {receiver} or an administrator withdraw it.", proposer=found.proposer,
                    receiver=found.receiver))
        note = writer.note(found.handover_id, {"reason": reason})
        writer.add("handover.withdrawn", _signed(workspace, signer, "handover.withdrawn", found, note=note))
        writer.commit()
        return find_handover(workspace, found.handover_id)


def _require_open(handover: Handover) -> None:
    if handover.status != "proposed":
        raise RefusedByRule(msg("The handover {handover} is {status}; nothing is signed on it any more.",
                                handover=handover.handover_id, status=msg(handover.status)))


def _require_same(workspace: Workspace, handover: Handover) -> None:
    """Stop when anything is not what the outgoing archivist signed; what differs is named."""
    now, then = manifest_of(workspace, handover.handover_id), handover.manifest
    # An older proposal says nothing of what manifests have learnt to tell since.
    keys = [key for key in then if key not in _OF_THE_DAY and now.get(key) != then[key]]
    if not keys:
        return
    again = msg("Withdraw it and propose it anew: recordkit handover withdraw {handover} --reason TEXT",
                handover=handover.handover_id)
    if "holdings" in keys:
        before, holdings = _part(then, "holdings"), _part(now, "holdings")
        raise RefusedByRule(
            msg("The holdings are not those that {proposer} signed: {then} records then, {now} now; {changes}.",
                proposer=handover.proposer, then=before.get("count"), now=holdings.get("count"),
                changes=tuple(_changed_records(workspace.db, handover.seq))), again)
    changes = [*_changed_places(workspace, handover.seq), *_changed_work(_part(then, "unfinished"),
                                                                          _part(now, "unfinished")),
               *(_TOLD[key] for key in keys if key in _TOLD)]
    raise RefusedByRule(
        msg("What {proposer} signed is not so any more: {changes}.", proposer=handover.proposer,
            changes=tuple(changes or [listed(keys)])), again)


def _changed_records(db: Database, since: int) -> list[Message]:
    rows = db.all("SELECT code, status FROM records WHERE touched > :seq ORDER BY touched", {"seq": since})
    gone = [row["code"] for row in rows if row["status"] == "destroyed"]
    changed = [row["code"] for row in rows if row["status"] != "destroyed"]
    told = [msg("filed or changed: {codes}", codes=_some(changed))] if changed else []
    return told + ([msg("destroyed: {codes}", codes=_some(gone))] if gone else [])


def _changed_places(workspace: Workspace, since: int) -> list[Message]:
    """Boxes that were put elsewhere and volumes that were opened, filled, closed, since an entry of the ledger."""
    boxes = [str(row["box"]) for row in workspace.db.all("SELECT box FROM boxes WHERE seq > :seq ORDER BY seq",
                                                         {"seq": since})]
    ids = dict.fromkeys(str(entry.body["volume"]) for entry in workspace.ledger.naming("volume.", workspace.db.cursor())
                        if entry.seq > since and entry.act.startswith("volume."))
    codes = {row["volume_id"]: str(row["code"]) for row in workspace.db.each("SELECT volume_id, code FROM volumes")}
    told = [msg("boxes put elsewhere: {boxes}", boxes=_some(boxes))] if boxes else []
    volumes = [codes.get(one, one) for one in ids]
    return told + ([msg("volumes changed: {codes}", codes=_some(volumes))] if volumes else [])


def _changed_work(then: Mapping[str, object], now: Mapping[str, object]) -> list[Message]:
    """What is unfinished now and was not, or the other way round."""
    told: list[Message] = []
    for key, name, label in (("holds", "hold", msg("holds")), ("orders", "order", msg("orders of destruction"))):
        before, after = _states(then, key, name), _states(now, key, name)
        changed = [one for one in {**before, **after} if before.get(one) != after.get(one)]
        if changed:
            told.append(msg("{what} placed, changed or ended: {ids}", what=label, ids=_some(changed)))
    for key, label in (("waiting", msg("papers that wait")), ("quarantine", msg("files in quarantine"))):
        if then.get(key) != now.get(key):
            told.append(msg("{what}: {then} then, {now} now", what=label, then=then.get(key), now=now.get(key)))
    if then.get("unreturned") != now.get("unreturned"):
        told.append(msg("{what}: {then} then, {now} now", what=msg("documents out, not returned"),
                        then=_part(then, "unreturned").get("count"), now=_part(now, "unreturned").get("count")))
    return told


def _states(unfinished: Mapping[str, object], key: str, name: str) -> dict[str, object]:
    found = unfinished.get(key)
    return {str(one[name]): one for one in found if isinstance(one, Mapping)} if isinstance(found, list) else {}


def _part(manifest: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = manifest.get(key)
    return found if isinstance(found, Mapping) else {}


def _some(codes: list[str]) -> Message:
    return listed([*codes[:_SHOWN], *(["..."] if len(codes) > _SHOWN else [])])


def _signed(workspace: Workspace, signer: Signer, act: str, handover: Handover, **more: object) -> dict[str, object]:
    """Ledger body of a signed act: statement, signer, public key, signature."""
    statement: dict[str, object] = {
        "act": act, "store": workspace.settings.store.id, "handover": handover.handover_id,
        "digest": handover.digest, "by": signer.person.id, **more,
    }
    return {"handover": handover.handover_id, "statement": statement, "by": signer.person.id,
            "key": signer.private.public_key().public_bytes_raw().hex(), "signature": signer.sign(statement)}


def plain_handover(handover: Handover) -> dict[str, object]:
    """All of it as plain JSON values; without what was noted, which can be destroyed."""
    return {
        "handover": handover.handover_id, "status": handover.status, "digest": handover.digest,
        "from": handover.proposer, "to": handover.receiver, "proposed": handover.proposed,
        "accepted": handover.accepted, "withdrawn": handover.withdrawn, "record": handover.record,
        "signatures": [
            {"act": act, "by": by, "day": day, "key": key, "signature": signature}
            for act, by, day, key, signature in (
                ("handover.proposed", handover.proposer, handover.proposed, handover.proposed_key,
                 handover.proposed_signature),
                ("handover.accepted", handover.receiver, handover.accepted, handover.accepted_key,
                 handover.accepted_signature)) if signature],
        "manifest": dict(handover.manifest),
    }
