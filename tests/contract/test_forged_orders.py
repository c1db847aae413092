"""Entries about orders that were forged, or that another program wrote: refused by name, and nothing else goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from retention_store import TODAY, Archive, clock_on

from recordkit.actforms import fault_of
from recordkit.archive import boxes
from recordkit.archive.catalogue import get_record, objects_of
from recordkit.errors import IntegrityFailure, RecordkitError
from recordkit.ledger import Act, Ledger
from recordkit.model import Entry
from recordkit.notes import note_folder
from recordkit.retention.holds import list_holds, place_hold, release_hold
from recordkit.retention.order_state import Intent, Order, find_order
from recordkit.store import PROJECTIONS
from recordkit.templates import issue_data
from recordkit.workspace import Workspace, open_workspace


def forge(archive: Archive, name: str, body: dict[str, object]) -> None:
    """Append an entry with the right hash, as anybody can who writes files and knows the format."""
    archive.workspace.close()
    ledger = Ledger(archive.root / "ledger")
    end = [cursor for _, cursor in ledger.read()][-1]
    ledger.append([Act(name, body)], time=clock_on(TODAY).stamp(), actor="os-user", after=end)
    archive.workspace = open_workspace(archive.root, PROJECTIONS, clock_on(TODAY), "os-user")


def signed(archive: Archive) -> tuple[Order, str]:
    """A signed order and its only record; others stay in the archive."""
    record = archive.file("到期")
    return archive.signed(record), record


def intent(order: Order, record: str, **more: object) -> dict[str, object]:
    return {"order": order.order_id, "records": [record], "place": "三号库房", "method": "粉碎", "actor": "sup1",
            **more}


@pytest.mark.parametrize("more", [{}, {"events": None, "holds": "H1", "volumes": {"V1": 1}, "paper_method": 3},
                                  {"events": [], "holds": [], "volumes": [], "boxes": []}])
def test_an_intent_without_lists_of_notes_is_read_and_finished(archive: Archive, more: dict[str, object]) -> None:
    order, record = signed(archive)
    forge(archive, "order.intended", intent(order, record, **more))
    order = find_order(archive.workspace.db, order.order_id)
    assert order.intent == Intent("三号库房", "粉碎", "sup1", clock_on(TODAY).stamp(), (), ())
    assert [one.outcome for one in archive.execute(order).outcomes] == ["destroyed"]


def test_an_intent_tells_the_notes_that_go_and_one_in_old_tables_tells_none(archive: Archive) -> None:
    order, record = signed(archive)
    forge(archive, "order.intended", intent(order, record, events=["E1", "E2"], holds=["H1"], volumes=["V1"],
                                            paper_method="焚烧"))
    db, stamp = archive.workspace.db, clock_on(TODAY).stamp()
    assert find_order(db, order.order_id).intent == Intent("三号库房", "粉碎", "sup1", stamp, ("E1", "E2"), ("H1",),
                                                           "焚烧", ("V1",))
    db.run("""UPDATE orders SET intent = json_set(intent, '$.events', NULL, '$.holds', NULL, '$.volumes', NULL)""")
    assert find_order(db, order.order_id).intent == Intent("三号库房", "粉碎", "sup1", stamp, (), (), "焚烧")


def test_a_forged_intent_removes_nothing_outside_the_notes_and_no_note_of_a_hold_in_force(
    archive: Archive, tmp_path: Path
) -> None:
    order, record = signed(archive)
    outside = tmp_path / "别处"
    outside.mkdir()
    (outside / "x").write_bytes(b"x")
    hold = place_hold(archive.workspace, kind="litigation", reason="起诉", account="70001")
    names = [str(outside), "../../别处", "..", "../ledger", hold]
    forge(archive, "order.intended", intent(order, record, events=names[:-1], holds=names, volumes=names[:-1]))
    order = find_order(archive.workspace.db, order.order_id)
    assert [one.outcome for one in archive.execute(order).outcomes] == ["destroyed"]
    assert (outside / "x").read_bytes() == b"x"
    assert note_folder(archive.root, hold).is_dir()
    assert [one.account for one in list_holds(archive.workspace)] == ["70001"]
    assert list((archive.root / "ledger").iterdir())
    archive.workspace.rebuild()


@pytest.mark.parametrize("act", ["order.refused", "order.failed", "order.intended", "order.appraised"])
def test_an_entry_without_its_records_changes_nothing(archive: Archive, act: str) -> None:
    order, _ = signed(archive)
    forge(archive, act, {"order": order.order_id})
    found = find_order(archive.workspace.db, order.order_id)
    assert (found.items, found.signatures) == (order.items, order.signatures)


ITEM: dict[str, object] = {"record": "R1", "version": 1, "commitment": "c", "class": "visit-record", "issue": None,
                           "due": "2035-01-01", "rule": "visit-record 10y"}
MALFORMED: dict[str, tuple[str, dict[str, object]]] = {
    "no order": ("order.withdrawn", {}),
    "no manifest": ("order.proposed", {"by": "arch"}),
    "a manifest that is a text": ("order.proposed", {"by": "arch", "manifest": "x"}),
    "no items": ("order.proposed", {"by": "arch", "manifest": {}}),
    "items by name": ("order.proposed", {"by": "arch", "manifest": {"items": {"R1": ITEM}}}),
    "an item that is a text": ("order.proposed", {"by": "arch", "manifest": {"items": ["R1"]}}),
    "an item without a day": ("order.proposed", {"by": "arch", "manifest": {"items": [{**ITEM, "due": ""}]}}),
    "an item without a version": ("order.proposed", {"by": "arch", "manifest": {"items": [{**ITEM, "version": "x"}]}}),
    "no proposer": ("order.proposed", {"manifest": {"items": [ITEM]}}),
    "a proposer that is a list": ("order.proposed", {"by": ["arch"], "manifest": {"items": [ITEM]}}),
    "a number of another kind": ("order.proposed", {"order": "ABC", "by": "arch", "manifest": {"items": [ITEM]}}),
    "an opinion that is none": ("order.appraised", {"statement": {"opinions": {"R1": "burn"}}}),
    "a signature of nobody": ("order.signed", {"signature": "ff"}),
    "a paper that nobody entered": ("order.signed", {"by": "sup1", "signature": "ff",
                                                     "statement": {"paper": {"record": "R1"}}}),
    "a paper of no record": ("order.signed", {"by": "sup1", "signature": "ff", "entered_by": "arch",
                                              "statement": {"paper": {"version": 1}}}),
    "a destruction of nothing": ("record.destroyed", {}),
    "a loss with a list for a manifest": ("loss.registered", {
        "loss": "L2037-0001", "by": "arch", "records": {}, "manifest": [], "statement": {"digest": "d"}}),
    "a handover without a statement": ("handover.proposed", {"handover": "J2037-0001", "by": "arch", "manifest": {},
                                                             "key": "", "signature": ""}),
    "a person who is a list": ("person.added", {"statement": []}),
    "an export of a list": ("records.exported", {"export": "X1", "format": "bagit", "digest": "d", "records": ["R1"]}),
    "a volume with a number that no column takes": ("volume.opened", {
        "volume": "V1", "code": "C", "scope": "S", "serial": 2**63, "kind": "account", "date": "2037-01-01",
        "note": "n"}),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_an_entry_that_has_not_the_form_of_its_act_is_named_and_nothing_is_derived_from_it(
    archive: Archive, name: str
) -> None:
    act, body = MALFORMED[name]
    whole = {"order": "D2037-0007", **body} if name != "no order" else body
    seq = archive.workspace.db.cursor().seq + 1
    with pytest.raises(IntegrityFailure, match=rf"^Entry {seq} of the ledger \({act}\) has not the form of its act: "):
        forge(archive, act, whole)


def test_what_the_program_cannot_enter_though_it_has_its_form_is_no_reason_to_bring_a_copy_back(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(workspace: Workspace, entry: Entry) -> None:
        raise TypeError("a fault of ours")

    monkeypatch.setattr(boxes, "apply_entry", broken)
    with pytest.raises(RecordkitError, match=r"^Entry \d+ of the ledger \(box.placed\) has the form of ") as told:
        boxes.place_box(archive.workspace, "7", "A-1")
    assert told.value.exit_code == 1 and "Bring no older copy back" in str(told.value.todo)
    assert "TypeError: a fault of ours" in str(told.value.what)


def test_all_that_an_order_enters_has_its_form(archive: Archive) -> None:
    record = archive.file()
    release_hold(archive.workspace, place_hold(archive.workspace, kind="litigation", reason="起诉", account="70001"),
                 reason="撤诉")
    archive.execute(archive.signed(record))
    entries = [entry for entry, _ in archive.workspace.ledger.read()]
    assert {"record.filed", "hold.released", "order.signed", "record.destroyed"} <= {one.act for one in entries}
    assert [(one.seq, one.act, place) for one in entries if (place := fault_of(one.act, one.body))] == []


def test_the_form_of_a_proposal_is_enough_to_read_it(archive: Archive) -> None:
    forge(archive, "order.proposed", {"order": "D2036-0041", "by": "arch", "manifest": {"items": [ITEM]}})
    order = find_order(archive.workspace.db, "D2036-0041")
    assert ([item.record_id for item in order.items], order.status(2)) == (["R1"], "proposed")
    with pytest.raises(IntegrityFailure, match="^The register of order D2036-0041 is not what was proposed"):
        archive.execute(_with_signatures(archive, order))


def _with_signatures(archive: Archive, order: Order) -> Order:
    """Entered without a key, as forged: the projection shows them, execution does not believe it."""
    forge(archive, "order.appraised", {"order": order.order_id, "by": "appr", "signature": "ff",
                                       "statement": {"opinions": {"R1": "destroy"}}})
    for act, by in (("order.approved", "boss"), ("order.signed", "sup1"), ("order.signed", "sup2")):
        forge(archive, act, {"order": order.order_id, "by": by, "signature": "ff"})
    found = find_order(archive.workspace.db, order.order_id)
    assert found.status(2) == "signed"
    return found


@pytest.mark.parametrize("pack", ["../ledger/000001", "/tmp/x", "", "."])
def test_a_pack_of_issue_data_lies_in_its_folder_only(archive: Archive, pack: str) -> None:
    before = sorted((archive.root / "ledger").iterdir())
    for act in (lambda: issue_data.remove_line(archive.root, pack, "I1", "d"),
                lambda: issue_data.read_line(archive.root, pack, "d")):
        with pytest.raises(IntegrityFailure, match="is no name of a pack"):
            act()
    assert sorted((archive.root / "ledger").iterdir()) == before


def test_an_intent_names_only_records_of_its_order(archive: Archive) -> None:
    order, record = signed(archive)
    other = archive.file("别的")
    forge(archive, "order.intended", intent(order, record) | {"records": [record, other, 7]})
    with pytest.raises(IntegrityFailure, match="names a record that the appraisal did not give up"):
        archive.execute(order)
    for one in (record, other):
        found = get_record(archive.workspace.db, one)
        assert found is not None and found.status == "active" and objects_of(archive.workspace).exists(one)
