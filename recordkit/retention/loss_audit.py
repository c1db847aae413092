"""What the ledger proves about losses: who registered them, that another person confirmed, which are in force.

Part of the audit. A confirmed loss is told as a remark for ever: whoever removed files on purpose, to have them written
off, has the two signers, the records and their holds named to every auditor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from recordkit.archive.losses import CONFIRMED, ENDED, REGISTERED, WITHDRAWN
from recordkit.messages import Message, listed, msg
from recordkit.model import Entry, Finding
from recordkit.people import Person
from recordkit.retention.signing import digest_of, faults_of_signature, statement_of

LOSS_ACTS = (REGISTERED, CONFIRMED, WITHDRAWN, ENDED)
_MOST_NAMED = 20


@dataclass(slots=True)
class ProvenLoss:
    """What the ledger proves about one loss.

    Attributes:
        records: it names; ``held`` those under a hold and ``ordered`` those in an open order, as the manifest says.
        notes: how many notes and data of documents it names.
        status: ``registered``, ``confirmed`` or ``withdrawn``.
        back: records that were found whole again.
    """

    digest: str
    by: str
    records: frozenset[str]
    held: frozenset[str]
    ordered: frozenset[str]
    notes: int
    status: str = "registered"
    back: set[str] = field(default_factory=set)


def check_loss(
    losses: MutableMapping[str, ProvenLoss],
    entry: Entry,
    store_id: str,
    people: Mapping[str, Person],
    are_one: Callable[[str, str], bool],
) -> tuple[list[Message], Finding | None]:
    """What does not hold about an entry of a loss, and what somebody should look at though it does.

    ``losses``, by id, are those before it and get what it says; ``are_one`` tells whether one human being is behind two
    accounts.
    """
    by, name = str(entry.body.get("by")), str(entry.body.get("loss"))
    reasons = _registered(losses, entry, store_id, name) if entry.act == REGISTERED else []
    loss = losses.get(name)
    if loss is None:
        return [msg("there is no loss {loss}", loss=name)], None
    if entry.act == ENDED:
        return _ended(entry, loss), None
    reasons += faults_of_signature(entry, store_id, loss.digest, people)
    if entry.act != CONFIRMED and statement_of(entry).get("notes") != digest_of(entry.body.get("records")):
        reasons.append(msg("its notes are not those that were signed"))
    if entry.act == REGISTERED:
        return reasons, None
    if loss.status != "registered":
        reasons.append(msg("the loss {loss} was not waiting", loss=name))
    loss.status = "confirmed" if entry.act == CONFIRMED else "withdrawn"
    if entry.act == WITHDRAWN:
        return reasons, None
    named = entry.body.get("records")
    if not isinstance(named, list) or sorted(map(str, named)) != sorted(loss.records):
        reasons.append(msg("it names other records than were registered"))
    if are_one(by, loss.by):
        reasons.append(msg("{id} had registered the loss", id=by))
    return reasons, _remark(entry, name, loss)


def _registered(
    losses: MutableMapping[str, ProvenLoss], entry: Entry, store_id: str, name: str
) -> list[Message]:
    manifest: Any = entry.body["manifest"]
    items, notes = manifest["items"], entry.body["records"]
    records = frozenset(str(one["record"]) for one in items)
    held = frozenset(str(one["record"]) for one in items if one["holds"])
    ordered = frozenset(str(one["record"]) for one in items if one["order"])
    reasons = [msg("the loss {loss} was registered before", loss=name)] if name in losses else []
    if (manifest.get("loss"), manifest.get("store")) != (name, store_id):
        reasons.append(msg("the statement names another manifest"))
    if not (items or manifest["notes"]) or not all(one["files"] for one in items):
        reasons.append(msg("it names a record of which nothing is missing or changed"))
    if not isinstance(notes, Mapping) or set(notes) != records:
        reasons.append(msg("its notes are of other records"))
    losses.setdefault(name, ProvenLoss(digest_of(manifest), str(entry.body.get("by")), records, held, ordered,
                                       len(manifest["notes"])))
    return reasons


def _ended(entry: Entry, loss: ProvenLoss) -> list[Message]:
    record = str(entry.body.get("record"))
    if loss.status != "confirmed" or record not in loss.records or record in loss.back:
        return [msg("the record {record} was not written off by it", record=record)]
    loss.back.add(record)
    return []


def _remark(entry: Entry, name: str, loss: ProvenLoss) -> Finding:
    told = msg("Entry {seq}: {count} record(s) were written off as lost by {loss}, registered by {first}, confirmed by "
               "{second}: {records}", seq=entry.seq, count=len(loss.records), loss=name, first=loss.by,
               second=str(entry.body.get("by")), records=listed(sorted(loss.records), _MOST_NAMED))
    if loss.held:
        told = msg("{told}; under a hold then: {records}", told=told, records=listed(sorted(loss.held), _MOST_NAMED))
    if loss.ordered:
        told = msg("{told}; in an open order of destruction then: {records}", told=told,
                   records=listed(sorted(loss.ordered), _MOST_NAMED))
    if loss.notes:
        told = msg("{told}; notes and data of documents: {count}", told=told, count=loss.notes)
    return Finding("loss", told)
