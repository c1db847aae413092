"""What the ledger proves about losses: who registered them, that another person confirmed, which are in force.

Part of the audit. A confirmed loss is told as a remark for ever: whoever removed files on purpose, to have them written
off, has the two signers, the records and their holds named to every auditor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from recordkit.archive.losses import CONFIRMED, ENDED, REGISTERED, WITHDRAWN
from recordkit.messages import Message, listed, msg
from recordkit.model import Entry, Finding
from recordkit.people import Person
from recordkit.retention.signing import digest_of, faults_of_signer

LOSS_ACTS = (REGISTERED, CONFIRMED, WITHDRAWN, ENDED)
_MOST_NAMED = 20


@dataclass(slots=True)
class ProvenLoss:
    """What the ledger proves about one loss.

    Attributes:
        records: it names; ``held`` those under a hold and ``ordered`` those in an open order, as the manifest says.
        status: ``registered``, ``confirmed`` or ``withdrawn``.
        back: records that were found whole again.
    """

    digest: str
    by: str
    records: frozenset[str]
    held: frozenset[str]
    ordered: frozenset[str]
    status: str = "registered"
    back: set[str] = field(default_factory=set)


@dataclass(slots=True)
class LossAudit:
    """All losses by id, and where the human being behind two accounts is asked for."""

    losses: dict[str, ProvenLoss] = field(default_factory=dict)

    def check(
        self, entry: Entry, store_id: str, people: Mapping[str, Person], are_one: Callable[[str, str], bool]
    ) -> tuple[list[Message], Finding | None]:
        """What does not hold about an entry of a loss, and what somebody should look at though it does."""
        name = str(entry.body.get("loss"))
        reasons = self._registered(entry, store_id, name) if entry.act == REGISTERED else []
        loss = self.losses.get(name)
        if loss is None:
            return [*reasons, msg("there is no such loss")], None
        if entry.act == ENDED:
            return self._ended(entry, loss), None
        reasons += _signed(entry, store_id, name, loss, people)
        if entry.act == REGISTERED:
            return reasons, None
        if loss.status != "registered":
            reasons.append(msg("the loss was not waiting"))
        loss.status = "confirmed" if entry.act == CONFIRMED else "withdrawn"
        if entry.act == WITHDRAWN:
            return reasons, None
        named = entry.body.get("records")
        if not isinstance(named, list) or set(named) != loss.records or len(named) != len(loss.records):
            reasons.append(msg("it names other records than were registered"))
        if are_one(str(entry.body.get("by")), loss.by):
            reasons.append(msg("{id} had registered the loss", id=entry.body.get("by")))
        return reasons, _remark(entry, name, loss)

    def _registered(self, entry: Entry, store_id: str, name: str) -> list[Message]:
        manifest, notes = entry.body.get("manifest"), entry.body.get("records")
        assert isinstance(manifest, Mapping) and isinstance(notes, Mapping)
        items = manifest["items"]
        assert isinstance(items, list)
        reasons = [msg("the loss was registered before")] if name in self.losses else []
        if (manifest.get("loss"), manifest.get("store")) != (name, store_id):
            reasons.append(msg("the statement names another manifest"))
        if not (items or manifest["notes"]) or not all(one["files"] for one in items):
            reasons.append(msg("it names a record of which nothing is missing or changed"))
        records = frozenset(str(one["record"]) for one in items)
        if set(notes) != records or _statement(entry).get("notes") != digest_of(notes):
            reasons.append(msg("its notes are not those that were signed"))
        if name not in self.losses:
            self.losses[name] = ProvenLoss(
                digest_of(manifest), str(entry.body.get("by")), records,
                frozenset(str(one["record"]) for one in items if one.get("holds")),
                frozenset(str(one["record"]) for one in items if one.get("order")))
        return reasons

    def _ended(self, entry: Entry, loss: ProvenLoss) -> list[Message]:
        record = str(entry.body.get("record"))
        if loss.status != "confirmed" or record not in loss.records or record in loss.back:
            return [msg("the record {record} was not written off by it", record=record)]
        loss.back.add(record)
        return []


def _signed(
    entry: Entry, store_id: str, name: str, loss: ProvenLoss, people: Mapping[str, Person]
) -> list[Message]:
    body, statement = entry.body, _statement(entry)
    by, reasons = str(body.get("by")), list[Message]()
    said = (statement.get("act"), statement.get("store"), statement.get("loss"), statement.get("by"))
    if said != (entry.act, store_id, name, by):
        reasons.append(msg("the statement was made for another act, store, loss or person"))
    if statement.get("digest") != loss.digest:
        reasons.append(msg("the statement names another manifest"))
    if entry.act == WITHDRAWN and statement.get("notes") != digest_of(body.get("records")):
        reasons.append(msg("its notes are not those that were signed"))
    return reasons + faults_of_signer(entry, statement, people)


def _remark(entry: Entry, name: str, loss: ProvenLoss) -> Finding:
    told = msg("Entry {seq}: {count} record(s) were written off as lost by {loss}, registered by {first}, confirmed by "
               "{second}: {records}", seq=entry.seq, count=len(loss.records), loss=name, first=loss.by,
               second=str(entry.body.get("by")), records=listed(sorted(loss.records), _MOST_NAMED))
    if loss.held:
        told = msg("{told}; under a hold then: {records}", told=told, records=listed(sorted(loss.held), _MOST_NAMED))
    if loss.ordered:
        told = msg("{told}; in an open order of destruction then: {records}", told=told,
                   records=listed(sorted(loss.ordered), _MOST_NAMED))
    return Finding("loss", told)


def _statement(entry: Entry) -> Mapping[str, object]:
    statement = entry.body.get("statement")
    return statement if isinstance(statement, Mapping) else {}
