"""Whoever falsifies a ledger is named by the program and by the verifier that knows nothing of it, in like words.

Every case is an honest ledger in which one thing is false: all signatures are real ones, of whoever had the key, and
the chain is whole. What is expected stands beside it, a line for each finding: entry, code of the verifier, words; a
second wording behind ``|`` is the program's where it differs; ``V`` and ``A`` begin what only the verifier or only the
program says. Behind ``look`` stands what a person should look at though everything holds; there ``B`` is what both say.
"""

from __future__ import annotations

import copy
import importlib.util
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from forger import (
    DAY,
    DECIDED_ONE,
    DECIDED_TWO,
    KEPT,
    LOST,
    LOST_MANIFEST,
    MANIFEST_ONE,
    MANIFEST_TWO,
    ONE,
    STORE,
    TWO,
    Step,
    Story,
    code,
    digest,
    held,
    holdings,
    honest,
    lost_item,
    settings,
    with_losses,
)
from retention_store import make_archive

from recordkit.retention.audit import Audit, ProvenAct, audit_entries, audit_ledger, remarks_of
from recordkit.templates.registercode import RegisterCode

Forgery = Callable[[Story], object]
STRANGER = "stranger"
DECIDED = digest(DECIDED_TWO)


def verifier() -> ModuleType:
    """The verifier as a module."""
    path = Path(__file__).parents[2] / "tools" / "verify_ledger.py"
    spec = importlib.util.spec_from_file_location("verify_ledger", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def verified(story: Story, folder: Path) -> Any:
    """The verifier when it has read all."""
    found = verifier().Verifier()
    found.read(story.write(folder))
    found.end()
    return found


def audited(story: Story) -> Audit:
    """What the program finds."""
    return audit_entries(STORE, story.entries())


# --- ways to forge


def both(*forgeries: Forgery) -> Forgery:
    """One after the other."""
    return lambda story: [forge(story) for forge in forgeries]


def but(name: str, **changes: Any) -> Forgery:
    """The statement of a step says something else, and is signed so."""
    return lambda story: story[name].statement.update(changes)


def body(name: str, **changes: Any) -> Forgery:
    """The body of a step says something else, outside its statement."""
    return lambda story: story[name].body.update(changes)


def less(name: str, *keys: str) -> Forgery:
    """Something is missing from the body of a step."""
    return lambda story: [story[name].body.pop(key) for key in keys]


def key(name: str, whose: str) -> Forgery:
    """Another key signs a step."""
    return lambda story: setattr(story[name], "key", whose)


def by(name: str, whom: str, whose_key: str = "") -> Forgery:
    """Another person signs a step."""
    return both(key(name, whose_key or whom), but(name, by=whom), body(name, by=whom))


def entered(name: str, whom: str) -> Forgery:
    """Another person enters that a step was signed by hand."""
    return both(key(name, whom), but(name, entered_by=whom), body(name, entered_by=whom))


def spoilt(name: str) -> Forgery:
    """The signature of a step is none."""
    return lambda story: setattr(story[name], "after", lambda sealed: sealed.update(signature="00" * 64))


def without(*names: str) -> Forgery:
    """Steps are left out."""
    return lambda story: story.drop(*names)


def again(name: str, behind: str, **changes: Any) -> Forgery:
    """A step comes once more behind another one, with ``changes`` of its statement."""
    def forge(story: Story) -> None:
        copied = copy.deepcopy(story[name])
        copied.time = story[behind].time
        copied.body.get("statement", {}).update(changes)
        story.behind(behind, copied)

    return forge


def placed(before: str, *steps: Step) -> Forgery:
    """Steps of a forger in front of an honest one."""
    def forge(story: Story) -> None:
        for step in copy.deepcopy(steps):
            step.time = story[before].time
            story.before(before, step)

    return forge


def account(name: str, before: str, *roles: str, **given: str) -> Forgery:
    """One more account, registered in front of a step."""
    def forge(story: Story) -> None:
        step = story.person(name, *roles, **given)
        story.steps.pop()
        placed(before, step)(story)

    return forge


def revoked(whom: str, before: str) -> Forgery:
    """Somebody is revoked in front of a step."""
    def forge(story: Story) -> None:
        step = copy.deepcopy(story["revoked"])
        step.statement["id"] = whom
        placed(before, step)(story)

    return forge


def manifest(name: str, *others: str, **changes: Any) -> Forgery:
    """All who sign a manifest sign another one."""
    def forge(story: Story) -> None:
        changed = {key: value for key, value in {**story[name].body["manifest"], **changes}.items()
                   if value is not None}
        story[name].body["manifest"] = changed
        for one in (name, *others):
            story[one].statement["digest"] = digest(changed)

    return forge


def opinions(said: dict[str, str], *, also: tuple[str, ...] = ("approved", "signed 1", "signed 2")) -> Forgery:
    """The appraisal says something else, and the others sign that."""
    return both(but("appraised", opinions=said), *(but(name, opinions=digest(said)) for name in also))


def roles(person: str, *roles: str) -> Forgery:
    """Somebody has other roles."""
    return but(f"person {person}", roles=list(roles))


def printed(name: str, room: str, order: str = TWO, **signed: Any) -> Forgery:
    """The paper shows another code."""
    return but(name, code=code(order, room, digest({"digest": digest(MANIFEST_TWO), **signed})))


def second_supervisor(name: str = "sup9", **given: str) -> Forgery:
    """The second supervisor signs under another account."""
    return both(account(name, "signed 2", "supervisor", **given), by("signed 2", name, given.get("key", "")))


def noted(name: str, *records: str, **instead: Any) -> Forgery:
    """A loss is signed with notes of these records, or with something in their place."""
    notes = instead.get("records", dict.fromkeys(records, "1" * 64))
    return both(body(name, records=notes), but(name, notes=digest(notes)))


def late(act: str, **said: Any) -> Step:
    """A step of the last day."""
    return Step(act, said, time=DAY.format(10))


CASES: dict[str, Forgery] = {
    # --- the store, its people and its settings
    "a second store": lambda story: story.behind("accepted", late("store.created", store_id=STORE)),
    "a person of another place": but("person boss", seq=3),
    "a person of another store": but("person boss", store="x"),
    "a person of another act": but("person boss", act="person.revoked"),
    "a spoilt registration": spoilt("person boss"),
    "a first person signed by another": key("person admin", STRANGER),
    "a person registered by nobody": body("person boss", by="nobody"),
    "a person registered by an archivist": both(body("person boss", by="arch"), key("person boss", "arch")),
    "a person registered with another key": key("person boss", STRANGER),
    "a person registered by a revoked administrator": both(
        account("admin2", "person sup3", "administrator"), revoked("admin2", "person sup3"),
        body("person sup3", by="admin2"), key("person sup3", "admin2")),
    "a person registered by a second administrator": both(
        account("admin2", "person sup3", "administrator"), body("person sup3", by="admin2"),
        key("person sup3", "admin2")),
    "a person registered twice": again("person boss", "person sup1"),
    "a person in the place of another": again("person boss", "appraised", staff_no="S-9"),
    "a stranger is revoked": but("revoked", id="nobody"),
    "revoked by nobody": body("revoked", by="nobody"),
    "revoked in another place": but("revoked", seq=1),
    "roles that are no list": but("person boss", roles=None),
    "loosened settings": body("settings", settings=settings(
        supervisors=1, supervisor_excludes=[], separate_roles=[], total_share_millionths=1000000)),
    "settings of early versions": lambda story: story["settings"].body["settings"].pop("old_terms"),
    "no settings": body("settings", settings=None),
    "settings accepted in another place": but("accepted", seq=3),
    "settings accepted by another": but("accepted", by="arch"),
    "settings accepted with a spoilt signature": spoilt("accepted"),
    "settings accepted by an archivist": by("accepted", "arch"),
    "settings accepted with another key": key("accepted", STRANGER),
    "accepted settings are in force": lambda story: story.behind(
        "accepted", late("settings.recorded", settings=settings()),
        late("settings.recorded", settings=settings(total_share_millionths=600000))),
    "paper allowed again without a signature": lambda story: story.behind(
        "accepted", late("settings.recorded", settings=settings(paper=False)),
        late("settings.recorded", settings=settings())),
    # --- an order, step by step
    "another manifest": body("proposed", manifest={"order": ONE, "items": [{"record": one} for one in ("R1", "R4")]}),
    "an order proposed twice": again("proposed", "executed"),
    "an order without items": manifest("proposed", "appraised", "approved", "signed 1", "signed 2", "completed 1",
                                       "completed 2", items=None),
    "an order without a manifest": less("proposed", "manifest"),
    "no proposal": without("proposed"),
    "an act of another store": but("approved", store="x"),
    "an act of another order": but("approved", order=TWO),
    "an act of another kind": but("approved", act="order.signed"),
    "an act of another person": but("approved", by="boss2"),
    "an act for another manifest": but("signed 1", digest="0" * 64),
    "a spoilt signature": spoilt("signed 1"),
    "an act with another key": key("signed 1", STRANGER),
    "an act by nobody": by("signed 1", "nobody", STRANGER),
    "an act by a revoked person": revoked("sup1", "signed 1"),
    "an act without the role": by("signed 1", "appr"),
    "proposed by an administrator": by("proposed", "admin"),
    "proposed by an approver": by("proposed", "boss"),
    "appraised by an archivist": by("appraised", "arch"),
    "an opinion on another record": opinions({**DECIDED_ONE, "R4": "destroy"}),
    "no opinions": but("appraised", opinions=None),
    "an appraisal entered once more": again("appraised", "appraised"),
    "a second appraisal": again("appraised", "appraised", after=1),
    "an appraisal after the approval": again("appraised", "approved", after=1),
    "approved opinions of another appraisal": but("approved", opinions="0" * 64),
    "signed for other opinions": but("signed 2", opinions="0" * 64),
    "no approval": without("approved"),
    "an incomplete appraisal": opinions({"R1": "destroy"}),
    "approved by the proposer's other account": both(
        account("arch9", "approved", "approver", staff="S-arch"), by("approved", "arch9")),
    "approved by the proposer": both(roles("arch", "archivist", "approver"), by("approved", "arch")),
    "one supervisor signs twice": by("signed 2", "sup1"),
    "one supervisor under two accounts": second_supervisor(key="sup1"),
    "one supervisor behind a third account": both(
        account("link", "signed 2", "clerk", staff="S-sup1", key="sup9"), second_supervisor()),
    "the proposer supervises": second_supervisor(staff="s-ａｒｃｈ"),
    "the approver supervises": second_supervisor(staff="S-boss"),
    "the appraiser supervises": second_supervisor(staff="S-appr"),
    "the appraiser supervises against the settings": both(
        second_supervisor(staff="S-appr"),
        body("settings", settings=settings(supervisor_excludes=["appraiser", "approver", "proposer"]))),
    "exclusions of a strange form": body("settings", settings=settings(supervisor_excludes="approver")),
    "no settings were recorded": both(without("settings"), second_supervisor(staff="S-boss")),
    "an unknown route": but("signed 1", route="telephone"),
    "entered by somebody, with a key": body("signed 1", entered_by="arch"),
    # --- the execution
    "an intent without an order": body("intended", order="D2037-0009"),
    "an intent after the withdrawal": placed("intended", Step("order.withdrawn", {"order": ONE})),
    "a withdrawal of nothing": placed("intended", Step("order.withdrawn", {"order": "D2037-0009"})),
    "one supervisor only": without("signed 2"),
    "three supervisors asked for": body("settings", settings=settings(supervisors=3)),
    "one supervisor asked for": both(body("settings", settings=settings(supervisors=1)), without("signed 2")),
    "a strange number of supervisors": body("settings", settings=settings(supervisors="3")),
    "an intent for what was kept": body("intended", records=["R1", "R2"]),
    "an intent for another record": body("intended", records=["R1", "R4"]),
    "an intent for nothing": body("intended", records=None),
    "an intent over a hold": placed("intended", held("H1", "R2", "R1"), held("H2", "R4")),
    "destroyed without an order": body("destroyed", order="D2037-0009"),
    "destroyed by another order": body("destroyed", order=TWO),
    "destroyed before the intent": without("intended"),
    "destroyed twice": again("destroyed", "destroyed"),
    "destroyed once more by another order": both(
        again("destroyed", "hand intended"), body("destroyed", order=ONE)),
    "an execution of nothing": body("executed", order="D2037-0009"),
    "appraised without an order": body("appraised", order="D2037-0009"),
    "approved without an order": body("approved", order="D2037-0009"),
    "signed without an order": body("signed 1", order="D2037-0009"),
    "completed without an order": body("completed 1", order="D2037-0009"),
    "completed by another supervisor": by("completed 1", "sup3"),
    "completed twice by one": by("completed 2", "sup1"),
    # --- signatures by hand
    "entered by nobody": both(but("hand approved", entered_by="nobody"), body("hand approved", entered_by="nobody")),
    "entered by somebody revoked": both(
        account("arch9", "hand approved", "archivist"), revoked("arch9", "hand approved"),
        entered("hand approved", "arch9")),
    "entered with another key": key("hand approved", "new"),
    "entered by an appraiser": entered("hand approved", "appr"),
    "entered by an administrator": entered("hand approved", "admin"),
    "the own signature entered": both(
        roles("arch", "archivist", "approver"), but("hand approved", by="arch"), body("hand approved", by="arch")),
    "proposed, appraised and entered by one": both(roles("arch", "archivist", "appraiser"),
                                                   by("hand appraised", "arch")),
    "paper against the settings": body("settings", settings=settings(paper=False)),
    "no settings, but paper": without("settings"),
    "an appraisal by hand": both(
        but("hand appraised", route="paper", signed_on="2037-03-08", paper={"record": "P1"}, code="RKD"),
        entered("hand appraised", "arch")),
    "a scan that was never filed": but("hand approved", paper={"record": "P9", "commitment": digest("P9")}),
    "a version that was never filed": but("hand approved", paper={"record": "P1", "commitment": digest("P9")}),
    "a scan of another class": but("hand approved", paper={"record": "R4", "commitment": digest("R4")}),
    "no scan": but("hand approved", paper=None),
    "a later version of the scan": both(
        placed("hand approved", Step("record.edited", {"record": "P1", "commitment": digest("P1 again")})),
        but("hand approved", paper={"record": "P1", "commitment": digest("P1 again")}),
        without("J1 proposed", "J1 accepted", "J2 proposed", "J2 withdrawn")),
    "signed a day before the step before": but("hand approved", signed_on="2037-03-04"),
    "signed two days before the step before": but("hand approved", signed_on="2037-03-03"),
    "signed a day after its scan": both(but("hand approved", signed_on="2037-03-09"),
                                        but("hand signed 1", signed_on="2037-03-09"),
                                        but("hand signed 2", signed_on="2037-03-08")),
    "signed two days after its scan": but("hand signed 2", signed_on="2037-03-10"),
    "supervised two days before the approval": but("hand signed 1", signed_on="2037-03-05"),
    "completed two days before the execution": but("hand completed 1", signed_on="2037-03-06"),
    "entered before its scan came": both(
        but("hand approved", signed_on="2037-03-06"),
        lambda story: setattr(story["hand approved"], "time", DAY.format(5))),
    "entered before it was signed": lambda story: setattr(story["hand approved"], "time", DAY.format(5)),
    "signed two days after its scan, entered later": both(
        but("hand completed 2", signed_on="2037-03-11"),
        lambda story: setattr(story["hand completed 2"], "time", DAY.format(10))),
    "signed on no day": but("hand approved", signed_on="yesterday"),
    "signed on nothing": but("hand approved", signed_on=None),
    "a code without the room": printed("hand approved", "sign complete", opinions=DECIDED),
    "a code with no room but for it": printed("hand approved", "approve", opinions=DECIDED),
    "a code of another order": printed("hand approved", "approve", ONE, opinions=DECIDED),
    "a code of an earlier print": printed("hand approved", "approve"),
    "no code": but("hand approved", code="RKD"),
    "a code of another store": but("hand approved", code=RegisterCode(
        "0000", TWO, frozenset({"approve"}), digest({"digest": digest(MANIFEST_TWO), "opinions": DECIDED})).encode()),
    "outcomes of another print": but("hand completed 1", outcomes=digest({"R3": "kept"})),
    "entered by somebody, in the statement alone": less("hand approved", "entered_by"),
    # --- handovers
    "a handover proposed twice": again("J1 proposed", "J1 proposed"),
    "a handover of another name": manifest("J1 proposed", "J1 accepted", handover="J2037-0009"),
    "a handover's manifest of another store": manifest("J1 proposed", "J1 accepted", store="x"),
    "a handover without a manifest": less("J1 proposed", "manifest"),
    "no such handover": without("J1 proposed"),
    "a handover of another store": but("J1 accepted", store="x"),
    "a handover of another person": but("J1 accepted", by="arch"),
    "another handover's statement": but("J1 accepted", handover="J2037-0002"),
    "a handover's other act": but("J1 accepted", act="handover.proposed"),
    "a handover's other manifest": but("J1 accepted", digest="0" * 64),
    "a spoilt handover": spoilt("J1 accepted"),
    "a handover by nobody": by("J1 accepted", "nobody", STRANGER),
    "a handover by a revoked person": revoked("new", "J1 accepted"),
    "a handover with another key": key("J1 accepted", STRANGER),
    "proposed by a supervisor": by("J1 proposed", "sup1"),
    "accepted by a supervisor": by("J1 accepted", "sup1"),
    "accepted by an administrator": both(but("J1 proposed", to="admin"), by("J1 accepted", "admin")),
    "accepted by another archivist": both(account("arch9", "person sup3", "archivist"), by("J1 accepted", "arch9")),
    "accepted by the giver's other account": both(
        account("arch9", "person sup3", "archivist", staff="S-arch"), but("J1 proposed", to="arch9"),
        by("J1 accepted", "arch9")),
    "accepted by the giver": both(but("J1 proposed", to="arch"), by("J1 accepted", "arch")),
    "accepted twice": again("J1 accepted", "J1 accepted"),
    "withdrawn twice": again("J2 withdrawn", "J2 withdrawn"),
    "withdrawn by the giver": by("J2 withdrawn", "arch"),
    "withdrawn by an administrator": by("J2 withdrawn", "admin"),
    "withdrawn by another archivist": both(account("arch9", "person sup3", "archivist"), by("J2 withdrawn", "arch9")),
    "withdrawn by nobody": by("J2 withdrawn", "nobody", STRANGER),
    "a record filed in between": placed("J1 accepted", Step("record.filed", {
        "record": "R9", "class": "x", "commitment": "9"})),
    "a record gone in between": placed("J1 accepted", Step("record.destroyed", {"record": "R3", "order": TWO})),
    "a record gone before the withdrawal": placed("J2 withdrawn", Step("record.destroyed", {
        "record": "R3", "order": TWO})),
    "holdings miscounted": manifest("J1 proposed", "J1 accepted", holdings=holdings("R2")),
    "another end of the ledger": manifest("J1 proposed", "J1 accepted", ledger={"seq": 1, "head": "0" * 64}),
    # --- times, holds, forms
    "back-dated": lambda story: setattr(story["executed"], "time", "2001-01-01T00:00:00Z"),
    "a time that is none": lambda story: setattr(story["executed"], "time", "2037-03-05T8:00:00Z"),
    "a hold released on the way": placed("signed 1", held("H1", "R4", "R1"), held("H1", "R1", freed=True)),
    "a hold on another record released": placed("signed 1", held("H1", "R4"), held("H1", "R4", freed=True)),
    "holds on accounts released": placed(
        "signed 1", held("H1", account=True), held("H1", account=True, freed=True), held("H2", account=True),
        held("H2", account=True, freed=True)),
    "a hold on an account of a withdrawn order": placed(
        "signed 1", held("H1", account=True), held("H1", account=True, freed=True),
        Step("order.withdrawn", {"order": ONE})),
    "a hold released after the withdrawal": placed(
        "signed 1", Step("order.withdrawn", {"order": ONE}), held("H1", "R1"), held("H1", "R1", freed=True)),
    "holds released after the intent": placed(
        "executed", held("H1", "R1"), held("H1", "R1", freed=True), held("H2", account=True),
        held("H2", account=True, freed=True)),
    "holds released after an execution without an intent": both(
        without("intended"),
        placed("completed 1", held("H1", "R1"), held("H1", "R1", freed=True), held("H2", account=True, freed=True))),
    "a hold released that was never placed": placed("signed 1", held("H1", "R1", freed=True)),
    "a statement that is none": both(body("approved", statement=[1]),
                                     lambda story: setattr(story["approved"], "key", None)),
    "a hold without a name": placed("signed 1", Step("hold.placed", {"records": {"R1": "0"}})),
}
LOSS_CASES: dict[str, Forgery] = {
    # --- the registration
    "a loss registered twice": again("registered", "registered"),
    "a loss of another name": manifest("registered", "confirmed", loss="L2037-0009"),
    "a loss's manifest of another store": manifest("registered", "confirmed", store="x"),
    "a loss's other manifest": but("registered", digest="0" * 64),
    "a loss without a manifest": less("registered", "manifest"),
    "a loss without items": manifest("registered", "confirmed", items=None),
    "a manifest of a loss that is a list": lambda story: story["registered"].body.update(manifest=[LOST_MANIFEST]),
    "a loss of nothing": both(noted("registered"), manifest("registered", "confirmed", items=[]),
                              without("ended"), body("confirmed", records=[])),
    "a loss of notes alone": both(noted("registered"), manifest(
        "registered", "confirmed", items=[], notes=[{"subject": "V1", "note": "5" * 64}]),
        without("ended"), body("confirmed", records=[])),
    "a loss of what is whole": manifest("registered", "confirmed", items=[lost_item("R2"), lost_item("R4", files=[])]),
    "a loss of another version": manifest(
        "registered", "confirmed", items=[lost_item("R2"), lost_item("R4", commitment=digest("R4 before"))]),
    "a loss of a destroyed record": both(
        noted("registered", "R1", "R2"), manifest("registered", "confirmed", items=[lost_item("R1"), lost_item("R2")]),
        body("confirmed", records=["R1", "R2"])),
    "a loss with notes of other records": noted("registered", "R2", "R3"),
    "a loss with notes that are none": noted("registered", records=["R2", "R4"]),
    "a loss with other notes": body("registered", records=dict.fromkeys(("R2", "R4"), "9" * 64)),
    "a loss of another store": but("registered", store="x"),
    "a loss of another person": but("registered", by="arch"),
    "a loss's other act": but("registered", act="loss.confirmed"),
    "another loss's statement": but("registered", loss=KEPT),
    "an unsigned loss": both(less("registered", "statement"), lambda story: setattr(story["registered"], "key", None)),
    "a spoilt loss": spoilt("registered"),
    "a loss with another key": key("registered", STRANGER),
    "a loss registered by nobody": by("registered", "nobody", STRANGER),
    "a loss registered by somebody revoked": both(
        account("admin2", "person sup3", "administrator"), revoked("admin2", "registered"), by("registered", "admin2")),
    "a loss registered by an archivist": by("registered", "arch"),
    # --- the confirmation
    "a confirmation of no loss": without("registered"),
    "an unsigned confirmation": both(less("confirmed", "statement"),
                                     lambda story: setattr(story["confirmed"], "key", None)),
    "a spoilt confirmation": spoilt("confirmed"),
    "a confirmation of another store": but("confirmed", store="x"),
    "a confirmation with another key": key("confirmed", STRANGER),
    "a confirmation of another manifest": but("confirmed", digest="0" * 64),
    "confirmed by nobody": by("confirmed", "nobody", STRANGER),
    "confirmed by somebody revoked": by("confirmed", "sup3"),
    "confirmed by an appraiser": by("confirmed", "appr"),
    "confirmed by the same person": by("confirmed", "admin"),
    "confirmed by the same person's other account": both(
        account("boss9", "person sup3", "approver", staff="S-admin"), by("confirmed", "boss9")),
    "a confirmation of other records": body("confirmed", records=["R2", "R3"]),
    "a confirmation of fewer records": body("confirmed", records=["R2"]),
    "a confirmation of one record twice": body("confirmed", records=["R2", "R4", "R4"]),
    "a confirmation of no list": body("confirmed", records={"R2": "", "R4": ""}),
    "a loss confirmed twice": again("confirmed", "confirmed"),
    "confirmed after the withdrawal": lambda story: (
        story.loss("K confirmed", "loss.confirmed", "boss", KEPT, story["K registered"].body["manifest"], ["P1"])),
    # --- the withdrawal, and what turns up again
    "a withdrawn loss is withdrawn again": again("withdrawn", "withdrawn"),
    "a confirmed loss is withdrawn": lambda story: (
        story.loss("L withdrawn", "loss.withdrawn", "arch", LOST, LOST_MANIFEST, {"R2": "4" * 64, "R4": "4" * 64})),
    "a loss withdrawn by whoever registered it": by("withdrawn", "admin"),
    "a loss withdrawn by nobody": by("withdrawn", "nobody", STRANGER),
    "a loss withdrawn by an appraiser": by("withdrawn", "appr"),
    "a withdrawal with other notes": body("withdrawn", records={"P1": "9" * 64}),
    "a spoilt withdrawal of a loss": spoilt("withdrawn"),
    "another record turns up": body("ended", record="R3"),
    "a record turns up twice": again("ended", "ended"),
    "a record turns up of no loss": body("ended", loss="L2037-0009"),
    "a record turns up that was not written off": body("ended", loss=KEPT, record="P1"),
    "a record turns up before the confirmation": without("confirmed"),
}
_PARTS = Path(__file__).with_name("falsified_ledgers.txt").read_text("utf-8").split("# ")
EXPECTED: dict[str, list[str]] = {
    name: lines.splitlines() for name, _, lines in (part.partition("\n") for part in _PARTS if part)}
"""Findings by case, see above."""


def forged(name: str) -> Story:
    """The ledger of a case."""
    story = with_losses() if name in LOSS_CASES else honest()
    (CASES | LOSS_CASES)[name](story)
    return story


@pytest.mark.parametrize("name", [*CASES, *LOSS_CASES])
def test_a_falsified_ledger_is_named_by_both_verifiers(name: str, tmp_path: Path) -> None:
    story = forged(name)
    theirs, ours = Counter[str](), Counter[str]()
    for line in EXPECTED[name]:
        first, _, rest = line.partition(" ")
        if first == "look":
            side, _, words = rest.partition(" ")
            if side != "A":
                theirs[f"look {words}"] += 1
            if side != "V":
                seq, _, told = words.partition(" ")
                ours[f"look Entry {seq}: {told.partition(': ')[2]}" if side == "B" else f"look {words}"] += 1
        elif first == "V":
            theirs[rest] += 1
        elif first == "A":
            ours[rest] += 1
        else:
            told, _, other = line.partition(" | ")
            theirs[told] += 1
            ours[f"{first} {other or told.partition(': ')[2]}"] += 1
    acts = [entry.act for entry in story.entries()]
    found, audit = verified(story, tmp_path), audited(story)
    assert Counter([f"{seq} {code}: {english}" for seq, code, english, _ in found.findings]
                   + [f"look {seq} {code}: {english}" for seq, code, english, _ in found.remarks]) == theirs
    told = {f"Entry {seq} ({act}): ": f"{seq} " for seq, act in enumerate(acts, start=1)}
    words = [str(one.message) for one in audit.findings]
    assert Counter([next(short + one.removeprefix(long) for long, short in told.items() if one.startswith(long))
                    for one in words] + [f"look {one.message}" for one in remarks_of(audit)]) == ours


def test_there_is_an_expectation_for_every_case_and_each_is_told_in_chinese_too(tmp_path: Path) -> None:
    assert not CASES.keys() & LOSS_CASES.keys() and EXPECTED.keys() == CASES.keys() | LOSS_CASES.keys()
    for at, name in enumerate(EXPECTED):
        if at % 8 == 0:
            found = verified(forged(name), tmp_path / str(at))
            assert all(chinese != english and not chinese.isascii() for *_, english, chinese in found.findings)


def test_an_honest_ledger_has_no_finding_and_both_know_what_it_says(tmp_path: Path) -> None:
    story = honest()
    found, audit = verified(story, tmp_path), audited(story)
    assert (found.findings, found.remarks, audit.findings, remarks_of(audit)) == ([], [], [], [])
    acts = [("proposed", "order.proposed", "arch"), ("appraised", "order.appraised", "appr"),
            ("approved", "order.approved", "boss"), ("signed 1", "order.signed", "sup1"),
            ("signed 2", "order.signed", "sup2"), ("completed 1", "order.completed", "sup1"),
            ("completed 2", "order.completed", "sup2")]
    hand = [("hand approved", "order.approved", "chief", "P1"), ("hand signed 1", "order.signed", "hand1", "P1"),
            ("hand signed 2", "order.signed", "hand2", "P1"), ("hand completed 1", "order.completed", "hand1", "P2"),
            ("hand completed 2", "order.completed", "hand2", "P2")]
    expected = [ProvenAct(story.at(name), ONE, act, who, None, None) for name, act, who in acts]
    expected += [ProvenAct(story.at("hand proposed"), TWO, "order.proposed", "arch", None, None),
                 ProvenAct(story.at("hand appraised"), TWO, "order.appraised", "appr", None, None)]
    expected += [ProvenAct(story.at(name), TWO, act, who, "arch", paper) for name, act, who, paper in hand]
    assert audit.acts == expected
    assert found.acts == [(one.seq, one.order_id, one.act, one.person, one.entered_by) for one in expected]
    one, two = audit.orders[ONE], audit.orders[TWO]
    assert (one.proposer, one.records, one.opinions, one.appraisers, one.approver, one.supervisors, one.completed,
            one.signers, one.intended, one.withdrawn, one.findings) == (
        "arch", {"R1", "R2"}, DECIDED_ONE, ["appr"], "boss", ["sup1", "sup2"], ["sup1", "sup2"],
        {"arch", "appr", "boss", "sup1", "sup2"}, {"R1"}, False, [])
    assert one.digest == digest(MANIFEST_ONE)
    assert one.days == dict.fromkeys([*(act for _, act, _ in acts), "order.executed"], "2037-03-05")
    assert two.days == {"order.proposed": "2037-03-05", "order.appraised": "2037-03-05",
                        "order.approved": "2037-03-07", "order.signed": "2037-03-07", "order.executed": "2037-03-08",
                        "order.completed": "2037-03-09"}
    for name, order in audit.orders.items():
        theirs = found.orders[name]
        assert {key: theirs[key] for key in ("digest", "proposer", "opinions", "approver", "supervisors", "completed",
                                             "withdrawn", "intended", "appraisers", "days", "records")} == {
            "digest": order.digest, "proposer": order.proposer, "opinions": order.opinions,
            "approver": order.approver, "supervisors": order.supervisors, "completed": order.completed,
            "withdrawn": order.withdrawn, "intended": order.intended, "appraisers": order.appraisers,
            "days": order.days, "records": order.records}
    assert audit.destroyed == found.destroyed == {"R1": ONE}
    assert audit.registers == {"P1": {digest("P1"): "2037-03-08"}, "P2": {digest("P2"): "2037-03-09"}}
    assert {name: (one["day"], one["commitments"]) for name, one in found.registers.items()} == {
        "P1": ("2037-03-08", {digest("P1")}), "P2": ("2037-03-09", {digest("P2")})}
    assert {name: (one.proposer, one.receiver, one.status) for name, one in audit.handovers.items()} == {
        "J2037-0001": ("arch", "new", "accepted"), "J2037-0002": ("arch", "new", "withdrawn")}
    assert {name: (one["from"], one["to"], one["open"]) for name, one in found.handovers.items()} == {
        "J2037-0001": ("arch", "new", False), "J2037-0002": ("arch", "new", False)}
    assert (audit.duties, found.duties) == (settings(total_share_millionths=600000),) * 2
    assert audit.people.keys() == found.people.keys()
    assert {name: one.revoked for name, one in audit.people.items() if one.revoked} == {"sup3": "2037-03-10"}
    sup1 = audit.people["sup1"]
    assert (sup1.name, sup1.staff_no, sup1.roles, sup1.since) == ("姓名sup1", "S-sup1", ("supervisor",), "2037-03-05")
    assert audit.last_time == found.last_time == DAY.format(10)
    assert audit.held == found.held == {}


@pytest.mark.parametrize(("what", "said"), [
    ({"store_id": "99999999-2222-4333-8444-555555555555"}, "the ledger is that of another store"),
    ({}, "the ledger is that of another store"),
])
def test_in_the_ledger_of_another_store_nothing_that_was_signed_counts(
    what: dict[str, str], said: str, tmp_path: Path
) -> None:
    story = honest()
    story["store"].body = what
    signed = [step for step in story.steps if step.key is not None]
    found = verified(story, tmp_path).findings
    assert [seq for seq, code, *_ in found if code == "statement"] == [
        at for at, step in enumerate(story.steps, start=1) if step in signed]
    assert [one[:2] for one in found[:1]] == ([(1, "store")] if not what else [(2, "statement")])
    (finding,) = audited(story).findings
    assert said in str(finding.message)


def test_a_ledger_that_does_not_begin_with_a_store_is_named(tmp_path: Path) -> None:
    story = honest()
    story.drop("store")
    found = verified(story, tmp_path)
    assert found.findings[0][:2] == (1, "store") and "making of a store" in found.findings[0][2]
    assert "does not begin with the making of a store" in str(audited(story).findings[0].message)


def test_of_many_records_that_a_hold_had_covered_twenty_are_named(tmp_path: Path) -> None:
    story = honest()
    many = [f"R{at:03}" for at in range(25)]
    manifest("proposed", items=[{"record": one} for one in many])(story)
    placed("appraised", held("H1", *many), held("H1", *many, freed=True))(story)
    (remark,) = verified(story, tmp_path).remarks
    (ours,) = remarks_of(audited(story))
    for words in (remark[2], str(ours.message)):
        assert "on 25 record(s)" in words and [one in words for one in many] == [True] * 20 + [False] * 5


def test_records_that_were_held_are_named_in_their_order(tmp_path: Path) -> None:
    story = honest()
    many = [f"R{at:03}" for at in range(9)]
    said = dict.fromkeys(many, "destroy")
    manifest("proposed", "appraised", "approved", "signed 1", "signed 2", "completed 1", "completed 2",
             items=[{"record": one} for one in many])(story)
    opinions(said)(story)
    body("intended", records=many[::-1])(story)
    without("destroyed", "J1 proposed", "J1 accepted", "J2 proposed", "J2 withdrawn")(story)
    placed("intended", held("H1", *many))(story)
    expected = [f"it names the record {one}, which was held" for one in many]
    assert [english for *_, english, _ in verified(story, tmp_path).findings] == expected
    assert [str(one.message).partition(": ")[2] for one in audited(story).findings] == expected


def test_what_does_not_hold_of_an_order_stands_with_that_order(tmp_path: Path) -> None:
    story = honest()
    both(key("signed 1", STRANGER), body("destroyed", record="R9"))(story)
    audit = audited(story)
    assert [str(one.message).partition(":")[0] for one in audit.orders[ONE].findings] == [
        "Entry 21 (order.signed)", "Entry 24 (record.destroyed)"]
    assert audit.orders[ONE].findings == audit.findings and audit.orders[TWO].findings == []


def test_the_ledger_of_a_store_is_audited_for_that_store(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "store")
    record = archive.file()
    archive.execute(archive.signed(record))
    audit = audit_ledger(archive.workspace)
    assert (list(audit.destroyed), audit.findings, audit_ledger(archive.workspace).findings) == ([record], [], [])
    with archive.workspace.writing() as writer:
        writer.add("order.executed", {"order": "D2099-0001"})
        writer.commit()
    assert [one.code for one in audit_ledger(archive.workspace).findings] == ["signature"]
    archive.workspace.close()


def test_of_many_records_that_are_written_off_twenty_are_named_by_both(tmp_path: Path) -> None:
    story = with_losses()
    many = [f"R{at:03}" for at in range(25)]
    both(noted("registered", *many), manifest("registered", "confirmed", items=[lost_item(one) for one in many]),
         body("confirmed", records=many), without("ended"))(story)
    (remark,) = verified(story, tmp_path).remarks
    (ours,) = remarks_of(audited(story))
    assert str(ours.message) == f"Entry {remark[0]}: {remark[2]}"
    assert remark[2].endswith(f": {', '.join(many[:20])} …") and "25 record(s)" in remark[2] and "25 件" in remark[3]


def test_a_loss_that_holds_is_told_as_a_remark_and_both_know_how_it_stands(tmp_path: Path) -> None:
    story = with_losses()
    found, audit = verified(story, tmp_path), audited(story)
    assert (found.findings, audit.findings) == ([], [])
    assert {name: (one.status, one.by, sorted(one.records), sorted(one.held), sorted(one.ordered), one.back)
            for name, one in audit.losses.items()} == {
        LOST: ("confirmed", "admin", ["R2", "R4"], ["R2"], ["R4"], {"R2"}),
        KEPT: ("withdrawn", "admin", ["P1"], [], [], set())}
    assert {name: (one["status"], one["by"], sorted(one["records"]), sorted(one["held"]), sorted(one["ordered"]),
                   one["back"]) for name, one in found.losses.items()} == {
        name: (one.status, one.by, sorted(one.records), sorted(one.held), sorted(one.ordered), one.back)
        for name, one in audit.losses.items()}
