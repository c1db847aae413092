"""What the ledger proves about handovers: who gave and who received, and that both signed the same manifest, once.

Part of the audit. Whether the holdings were those that a handover counts is found by the verifier that needs no
recordkit, and by the catalogue derived anew before each signature.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass

from recordkit.messages import Message, msg
from recordkit.model import Entry
from recordkit.people import Person
from recordkit.retention.signing import digest_of, faults_of_signature, statement_of

HANDOVER_ACTS = ("handover.proposed", "handover.accepted", "handover.withdrawn")


@dataclass(slots=True)
class ProvenHandover:
    """What the ledger proves about one handover; ``status`` proposed, accepted or withdrawn."""

    digest: str
    proposer: str
    receiver: str
    status: str = "proposed"


def check_handover(
    handovers: MutableMapping[str, ProvenHandover],
    entry: Entry,
    store_id: str,
    people: Mapping[str, Person],
    are_one: Callable[[str, str], bool],
) -> list[Message]:
    """What does not hold about an entry of a handover; ``handovers``, by id, are those before it and get what it says.

    ``are_one`` tells whether one human being is behind two accounts.
    """
    by, name = str(entry.body.get("by")), str(entry.body.get("handover"))
    reasons = _proposed(handovers, entry, store_id, name) if entry.act == "handover.proposed" else []
    found = handovers.get(name)
    if found is None:
        return [msg("there is no handover {handover}", handover=name)]
    reasons += faults_of_signature(entry, store_id, found.digest, people)
    if entry.act == "handover.proposed":
        return reasons
    if found.status != "proposed":
        reasons.append(msg("the handover {handover} was not open", handover=name))
    if entry.act == "handover.accepted":
        if by != found.receiver:
            reasons.append(msg("the handover was made to {id}", id=found.receiver))
        if are_one(by, found.proposer):
            reasons.append(msg("{id} had proposed the handover", id=by))
        found.status = "accepted"
    else:
        is_administrator = by in people and "administrator" in people[by].roles
        if by not in (found.proposer, found.receiver) and not is_administrator:
            reasons.append(msg("{id} did not have the role for it", id=by))
        found.status = "withdrawn"
    return reasons


def _proposed(
    handovers: MutableMapping[str, ProvenHandover], entry: Entry, store_id: str, name: str
) -> list[Message]:
    manifest = entry.body.get("manifest")
    told = manifest if isinstance(manifest, Mapping) else {}
    reasons = [msg("the handover {handover} was proposed before", handover=name)] if name in handovers else []
    if (told.get("handover"), told.get("store")) != (name, store_id):
        reasons.append(msg("the statement names another manifest"))
    if told.get("ledger") != {"seq": entry.seq - 1, "head": entry.prev}:
        reasons.append(msg("it names another end of the ledger"))
    handovers[name] = ProvenHandover(digest_of(manifest), str(entry.body.get("by")),
                                     str(statement_of(entry).get("to")))
    return reasons
