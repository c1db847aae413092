"""A ledger written step by step with real keys, so that any one thing in it can be false and the rest true.

``honest`` gives the steps of an archive with an order signed by keys, one signed on paper, and two handovers;
``with_losses`` two losses behind them, one confirmed and one withdrawn. A test changes steps; ``sealed`` numbers, signs
and chains whatever comes out, as a forger does who knows the format and holds somebody's key. Nothing of the program
but its models is used to write it.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recordkit.model import Entry, canonical_json
from recordkit.templates.registercode import RegisterCode
from recordkit.workspace import store_tag_of

STORE = "11111111-2222-4333-8444-555555555555"
DAY = "2037-03-{:02}T08:00:00Z"
Body = dict[str, Any]


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def key_of(name: str) -> Ed25519PrivateKey:
    """The key of a person of these ledgers; the same in every run."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def public(name: str) -> str:
    """The public key of a person, as the ledger writes it."""
    return key_of(name).public_key().public_bytes_raw().hex()


@dataclass
class Step:
    """One entry before it is sealed.

    Attributes:
        key: whose key signs the statement; None for acts that are not signed.
        after: what a forger does to the body when it was signed already.
    """

    act: str
    body: Body
    key: str | None = None
    time: str = DAY.format(5)
    actor: str = "os:user"
    left: int = 0
    after: Callable[[Body], object] | None = None

    @property
    def statement(self) -> Body:
        """What is signed."""
        found: Body = self.body["statement"]
        return found


@dataclass
class Story:
    """Steps of a ledger, with names for those that tests change."""

    steps: list[Step] = field(default_factory=list)
    named: dict[str, Step] = field(default_factory=dict)

    def add(self, name: str, step: Step) -> Step:
        """Append a step."""
        assert name not in self.named
        self.steps.append(step)
        self.named[name] = step
        return step

    def __getitem__(self, name: str) -> Step:
        return self.named[name]

    def at(self, name: str) -> int:
        """Number of the entry that this step becomes."""
        return next(at for at, step in enumerate(self.steps, start=1) if step is self.named[name])

    def drop(self, *names: str) -> None:
        """Leave steps out."""
        self.steps = [step for step in self.steps if all(step is not self.named[name] for name in names)]

    def before(self, name: str, *steps: Step) -> None:
        """Put steps in front of a named one."""
        at = self.at(name) - 1
        self.steps[at:at] = steps

    def behind(self, name: str, *steps: Step) -> None:
        """Put steps behind a named one."""
        at = self.at(name)
        self.steps[at:at] = steps

    # --- what is added by one call

    def person(self, person: str, *roles: str, staff: str = "", key: str = "", by: str = "admin") -> Step:
        """Somebody is registered; ``key`` whose key it is, "-" for none."""
        return self.add(f"person {person}", Step("person.added", {
            "by": by, "statement": {"act": "person.added", "store": STORE, "seq": None, "id": person,
                                    "name": f"姓名{person}", "staff_no": staff or f"S-{person}", "roles": list(roles),
                                    "public_key": "" if key == "-" else public(key or person)}}, by))

    def filed(self, record: str, record_class: str = "visit-record", day: int = 5) -> Step:
        """A record is filed."""
        return self.add(f"filed {record}", Step("record.filed", {
            "record": record, "class": record_class, "commitment": digest(record)}, time=DAY.format(day)))

    def signed(self, name: str, act: str, by: str, order: str, manifest: Body, **more: Any) -> Step:
        """An act of an order."""
        statement = {"act": act, "store": STORE, "order": order, "digest": digest(manifest), "by": by, **more}
        body: Body = {"order": order, "by": by, "statement": statement}
        if act == "order.proposed":
            body["manifest"] = manifest
        return self.add(name, Step(act, body, by))

    def by_hand(self, name: str, act: str, by: str, order: str, manifest: Body, day: str, room: str,
                entered_by: str = "arch", paper: str = "P1", **more: Any) -> Step:
        """A signature on paper; ``room`` names the signatures that the paper has room for."""
        step = self.signed(name, act, by, order, manifest, **more)
        step.body["entered_by"] = entered_by
        step.key = entered_by
        step.statement.update({
            "route": "paper", "entered_by": entered_by, "signed_on": day,
            "paper": {"record": paper, "version": 1, "commitment": digest(paper)},
            "code": code(order, room, digest({"digest": digest(manifest), **more}))})
        return step

    def handover(self, name: str, act: str, by: str, handover: str, manifest: Body, **more: Any) -> Step:
        """An act of a handover."""
        statement = {"act": act, "store": STORE, "handover": handover, "digest": digest(manifest), "by": by, **more}
        body: Body = {"handover": handover, "by": by, "statement": statement}
        if act == "handover.proposed":
            body["manifest"] = manifest
        return self.add(name, Step(act, body, by))

    def loss(self, name: str, act: str, by: str, loss: str, manifest: Body, records: object) -> Step:
        """A signed act of a loss; ``records`` are notes by record, or a list where no notes are signed."""
        statement = {"act": act, "store": STORE, "loss": loss, "digest": digest(manifest), "by": by}
        if isinstance(records, dict):
            statement["notes"] = digest(records)
        body: Body = {"loss": loss, "by": by, "statement": statement, "records": records}
        if act == "loss.registered":
            body["manifest"] = manifest
        return self.add(name, Step(act, body, by, DAY.format(11)))

    # --- sealing

    def sealed(self) -> list[Body]:
        """The entries, signed and chained. Numbers of statements that are None become those of their entries."""
        head, entries = "0" * 64, []
        for seq, step in enumerate(self.steps, start=1):
            body = copy.deepcopy(step.body)
            manifest = body.get("manifest") if isinstance(body, dict) else None
            if isinstance(manifest, dict) and manifest.get("ledger") == "fill":
                manifest["ledger"] = {"seq": seq - 1, "head": head}
                self._signs_anew(step, manifest)
                body["statement"]["digest"] = digest(manifest)
            if step.key is not None:
                if "seq" in body["statement"] and body["statement"]["seq"] is None:
                    body["statement"]["seq"] = seq
                body["key"] = public(step.key)
                body["signature"] = key_of(step.key).sign(canonical_json(body["statement"])).hex()
            if step.after is not None:
                step.after(body)
            entry = {"seq": seq, "time": step.time, "actor": step.actor, "act": step.act, "body": body,
                     "left": step.left, "prev": head}
            head = digest(entry)
            entries.append({**entry, "hash": head})
        return entries

    def _signs_anew(self, proposal: Step, manifest: Body) -> None:
        # Where the ledger had come to is known only now; the later acts of the handover sign it, too.
        told = digest({**manifest, "ledger": "fill"})
        for other in self.steps:
            is_of_handover = isinstance(other.body, dict) and "handover" in other.body
            if other is not proposal and is_of_handover and other.statement.get("digest") == told:
                other.statement["digest"] = digest(manifest)

    def write(self, folder: Path) -> Path:
        """One file of a ledger."""
        folder.mkdir(parents=True, exist_ok=True)
        lines = b"".join(canonical_json(one) + b"\n" for one in self.sealed())
        (folder / "ledger-000001.jsonl").write_bytes(lines)
        return folder

    def entries(self) -> list[Entry]:
        """As the program reads them."""
        return [Entry(**one) for one in json.loads(json.dumps(self.sealed()))]


def code(order: str, room: str, signed: str) -> str:
    """What a register for signing shows, with room for these signatures (words with blanks between)."""
    return RegisterCode(store_tag_of(STORE), order, frozenset(room.split()), signed).encode()


def held(hold: str, *records: str, account: bool = False, freed: bool = False) -> Step:
    """A hold is placed, or released."""
    body: Body = {"hold": hold}
    if account:
        body["account_note"] = "0" * 64
    else:
        body["records"] = dict.fromkeys(records, "0" * 64)
    return Step("hold.released" if freed else "hold.placed", body)


def settings(**changed: Any) -> Body:
    """Settings of separation of duty, the program's defaults but for ``changed``."""
    return {
        "supervisors": 2, "supervisor_excludes": ["approver", "proposer"], "total_share_millionths": 500000,
        "separate_roles": [["appraiser", "auditor"], ["approver", "auditor"], ["archivist", "auditor"],
                           ["auditor", "supervisor"]],
        "paper": True, "old_terms": {"永久": "permanent", "长期": "50y", "短期": "15y"}, **changed}


def holdings(*records: str) -> Body:
    """What a handover says of these records in force."""
    lines = "".join(f"{record} {digest(record)}\n" for record in records)
    return {"count": len(records), "pages": 2, "digest": hashlib.sha256(lines.encode()).hexdigest()}


def honest() -> Story:
    """A ledger in which everything holds."""
    story = Story()
    story.add("store", Step("store.created", {"store_id": STORE}))
    story.person("admin", "administrator")
    for person, role in (("arch", "archivist"), ("new", "archivist"), ("appr", "appraiser"), ("boss", "approver"),
                         ("sup1", "supervisor"), ("sup2", "supervisor"), ("sup3", "supervisor")):
        story.person(person, role)
    story.person("hand1", "supervisor", key="-")
    story.person("hand2", "supervisor", key="-")
    story.person("chief", "approver", key="-")
    story.add("settings", Step("settings.recorded", {"settings": settings()}))
    for record in ("R1", "R2", "R3", "R4"):
        story.filed(record)
    _by_keys(story)
    _on_paper(story)
    _handovers(story)
    late = DAY.format(10)
    story.add("accepted", Step("settings.accepted", {"by": "admin", "statement": {
        "act": "settings.accepted", "store": STORE, "seq": None, "by": "admin",
        "settings": settings(total_share_millionths=600000)}}, "admin", late))
    story.add("revoked", Step("person.revoked", {"by": "admin", "statement": {
        "act": "person.revoked", "store": STORE, "seq": None, "id": "sup3"}}, "admin", late))
    return story


ONE, TWO = "D2037-0001", "D2037-0002"
MANIFEST_ONE: Body = {"order": ONE, "items": [{"record": "R1"}, {"record": "R2"}]}
MANIFEST_TWO: Body = {"order": TWO, "items": [{"record": "R3"}]}
DECIDED_ONE = {"R1": "destroy", "R2": "keep"}
DECIDED_TWO = {"R3": "destroy"}
OUTCOMES = {"R3": "destroyed"}


def lost_item(record: str, **changed: Any) -> Body:
    """What the manifest of a loss says of a record."""
    return {"record": record, "code": f"C-{record}", "version": 1, "commitment": digest(record), "whole": False,
            "files": [{"file": "v1/content/original.pdf", "found": "missing", "expected": "0" * 64}],
            "holds": [], "order": None, **changed}


LOST, KEPT = "L2037-0001", "L2037-0002"
LOST_MANIFEST: Body = {"loss": LOST, "store": STORE, "notes": [],
                       "items": [lost_item("R2", holds=["H7"]), lost_item("R4", order="D2037-0003")]}
KEPT_MANIFEST: Body = {"loss": KEPT, "store": STORE, "notes": [], "items": [lost_item("P1")]}


def with_losses() -> Story:
    """An honest ledger in which two records are written off, one of which turns up again; a third is not."""
    story = honest()
    noted = dict.fromkeys(("R2", "R4"), "1" * 64)
    story.loss("registered", "loss.registered", "admin", LOST, LOST_MANIFEST, noted)
    story.loss("confirmed", "loss.confirmed", "boss", LOST, LOST_MANIFEST, ["R2", "R4"])
    story.loss("K registered", "loss.registered", "admin", KEPT, KEPT_MANIFEST, {"P1": "2" * 64})
    story.loss("withdrawn", "loss.withdrawn", "arch", KEPT, KEPT_MANIFEST, {"P1": "3" * 64})
    story.add("ended", Step("loss.ended", {"loss": LOST, "record": "R2", "version": 1, "commitment": digest("R2")},
                            time=DAY.format(11)))
    return story


def _by_keys(story: Story) -> None:
    story.signed("proposed", "order.proposed", "arch", ONE, MANIFEST_ONE)
    story.signed("appraised", "order.appraised", "appr", ONE, MANIFEST_ONE, opinions=DECIDED_ONE, after=0)
    story.signed("approved", "order.approved", "boss", ONE, MANIFEST_ONE, opinions=digest(DECIDED_ONE))
    story.signed("signed 1", "order.signed", "sup1", ONE, MANIFEST_ONE, opinions=digest(DECIDED_ONE))
    story.signed("signed 2", "order.signed", "sup2", ONE, MANIFEST_ONE, opinions=digest(DECIDED_ONE))
    story.add("intended", Step("order.intended", {"order": ONE, "records": ["R1"]}))
    story.add("destroyed", Step("record.destroyed", {"record": "R1", "order": ONE}))
    story.add("executed", Step("order.executed", {"order": ONE}))
    story.signed("completed 1", "order.completed", "sup1", ONE, MANIFEST_ONE)
    story.signed("completed 2", "order.completed", "sup2", ONE, MANIFEST_ONE)


def _on_paper(story: Story) -> None:
    story.signed("hand proposed", "order.proposed", "arch", TWO, MANIFEST_TWO)
    story.signed("hand appraised", "order.appraised", "appr", TWO, MANIFEST_TWO, opinions=DECIDED_TWO)
    story.filed("P1", "destruction-register", 8)
    decided = digest(DECIDED_TWO)
    for name, act, by in (("hand approved", "order.approved", "chief"), ("hand signed 1", "order.signed", "hand1"),
                          ("hand signed 2", "order.signed", "hand2")):
        story.by_hand(name, act, by, TWO, MANIFEST_TWO, "2037-03-07", "approve sign", opinions=decided)
    story.add("hand intended", Step("order.intended", {"order": TWO, "records": ["R3"]}))
    story.add("hand executed", Step("order.executed", {"order": TWO}))
    story.filed("P2", "destruction-register", 9)
    for number, by in enumerate(("hand1", "hand2"), start=1):
        story.by_hand(f"hand completed {number}", "order.completed", by, TWO, MANIFEST_TWO, "2037-03-09", "complete",
                      paper="P2", outcomes=digest(OUTCOMES))
    for step in story.steps[story.at("filed P1") - 1:]:
        step.time = DAY.format(8)
    for step in story.steps[story.at("filed P2") - 1:]:
        step.time = DAY.format(9)


def _handovers(story: Story) -> None:
    for name, handover, last in (("J1", "J2037-0001", "accepted"), ("J2", "J2037-0002", "withdrawn")):
        manifest: Body = {"handover": handover, "store": STORE, "holdings": holdings("R2", "R3", "R4", "P1", "P2"),
                          "ledger": "fill"}
        story.handover(f"{name} proposed", "handover.proposed", "arch", handover, manifest, to="new")
        story.handover(f"{name} {last}", f"handover.{last}", "new", handover, manifest)
    for step in story.steps[story.at("J1 proposed") - 1:]:
        step.time = DAY.format(10)
