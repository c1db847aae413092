"""Each single reason for which an execution stops, an item is refused or a removal counts as failed."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from retention_store import TODAY, Archive, change, clock_on

from recordkit.archive.boxes import place_box, place_of, subject_of
from recordkit.archive.catalogue import find_record, get_record, objects_of
from recordkit.archive.editing import edit_record
from recordkit.archive.objects import VersionNote
from recordkit.archive.volume_acts import NewVolume, add_to_volume, open_volume
from recordkit.errors import InputRefused, IntegrityFailure, RefusedByRule
from recordkit.model import canonical_json
from recordkit.notes import note_folder
from recordkit.people import NewPerson, add_person, find_person, revoke_person
from recordkit.retention import destruction, orders
from recordkit.retention.destruction import REASONS, execute_order, outcomes_of, plan_execution
from recordkit.retention.events import add_event, list_events
from recordkit.retention.holds import list_holds, place_hold, release_hold
from recordkit.retention.order_state import Opinion, Order, find_order
from recordkit.retention.paper_route import printed_code
from recordkit.retention.removal import Remover
from recordkit.retention.signing import OnPaper, Paper
from recordkit.templates import issue_data


def execute(archive: Archive, order: Order, **more: Any) -> dict[str, tuple[str | None, str | None]]:
    given = {"place": " 三号库房 ", "method": " 粉碎 ", "actor": "sup1", "forget": archive.forgotten.update,
             "confirm": f" {order.confirmation}\n", **more}
    done = execute_order(archive.workspace, order.order_id, **given)
    return {one.record_id: (one.outcome, one.reason_code) for one in done.outcomes}


def planned(archive: Archive, order: Order, actor: str = "sup1") -> dict[str, tuple[str | None, str | None]]:
    return {one.record_id: (one.outcome, one.reason_code)
            for one in plan_execution(archive.workspace, order.order_id, actor)}


def acts(archive: Archive, act: str) -> list[dict[str, Any]]:
    return [dict(entry.body) for entry, _ in archive.workspace.ledger.read() if entry.act == act]


def stays(archive: Archive, record: str) -> bool:
    found = get_record(archive.workspace.db, record)
    return found is not None and found.status == "active" and objects_of(archive.workspace).exists(record)


# --- whether at all ----------------------------------------------------------------------------------------------


def test_only_what_is_signed_is_planned_and_executed_and_only_by_who_signed(archive: Archive) -> None:
    record = archive.file()
    order = archive.sign(archive.approve(archive.appraise(archive.propose(record))), "sup1")
    for act in (planned, execute):
        with pytest.raises(RefusedByRule) as refused:
            act(archive, order)
        assert str(refused.value.what) == "Order D2037-0001 is approved; this cannot be done with it now."
    archive.sign(order, "sup2")
    for act in (planned, execute):
        with pytest.raises(RefusedByRule) as refused:
            act(archive, order, actor="sup3")
        assert (str(refused.value.what), str(refused.value.todo)) == (
            "sup3 did not sign order D2037-0001 as a supervisor.", "One of the supervisors executes it: sup1, sup2.")
    assert planned(archive, order, "sup2") == {record: (None, None)}
    assert execute(archive, order) == {record: ("destroyed", None)}
    for act in (planned, execute):
        with pytest.raises(RefusedByRule, match="is executed; this cannot"):
            act(archive, order)


def test_loosened_settings_stop_plan_and_execution(archive: Archive) -> None:
    record = archive.file()
    order = archive.signed(record)
    change(archive, 'supervisor_excludes = ["proposer", "approver"]', "supervisor_excludes = []")
    for act in (planned, execute):
        with pytest.raises(RefusedByRule, match="supervisor_excludes"):
            act(archive, order)
    assert stays(archive, record)


def test_new_settings_are_entered_before_the_intent(archive: Archive) -> None:
    order = archive.signed(archive.file())
    change(archive, "total_share = 0.5", "total_share = 0.4")
    before = archive.workspace.db.cursor().seq
    execute(archive, order)
    entered = [entry.act for entry, _ in archive.workspace.ledger.read()][before:]
    assert entered.index("order.intended") == 1 and entered[0].startswith(("duties", "settings"))


def test_a_supervisor_who_was_revoked_executes_nothing(archive: Archive) -> None:
    record = archive.file()
    order = archive.sign(archive.signed(record), "sup3")
    archive.revoke("sup1")
    with pytest.raises(RefusedByRule) as refused:
        execute(archive, order)
    assert (str(refused.value.what), str(refused.value.todo)) == (
        "sup1 was revoked and cannot execute the order.", "Let another of its supervisors do it.")
    assert execute(archive, order, actor="sup2") == {record: ("destroyed", None)}


@pytest.mark.parametrize("who", ["arch", "appr", "boss"])
def test_a_signature_of_somebody_who_was_revoked_since_carries_no_destruction(archive: Archive, who: str) -> None:
    record = archive.file()
    order = archive.signed(record)
    archive.revoke(who)
    for act in (planned, execute):
        with pytest.raises(RefusedByRule) as refused:
            act(archive, order)
        assert (str(refused.value.what), str(refused.value.todo)) == (
            f"{who}, who signed order D2037-0001, was revoked on 2037-03-05.",
            "Withdraw it and propose a new one: recordkit destruction withdraw D2037-0001")
    assert stays(archive, record)


def test_supervisors_are_counted_as_human_beings_in_office(archive: Archive) -> None:
    record = archive.file()
    order = archive.signed(record)
    archive.revoke("sup2")
    with pytest.raises(RefusedByRule) as refused:
        execute(archive, order)
    assert (str(refused.value.what), str(refused.value.todo)) == (
        "Order D2037-0001 has the signatures of 1 supervisors in office; 2 are needed.",
        "Let another supervisor sign: recordkit destruction sign D2037-0001")
    archive.sign(order, "sup3")
    assert planned(archive, order) == {record: (None, None)}


def test_two_signatures_that_turn_out_to_be_of_one_human_being_count_once(archive: Archive) -> None:
    record = archive.file()
    order = archive.signed(record)
    # Registered later, an account links them: the staff number of one, the key of the other.
    archive.register("link", "clerk", staff_no="S-sup1", key=archive.keys["sup2"])
    with pytest.raises(RefusedByRule, match="has the signatures of 1 supervisors in office; 2 are needed"):
        execute(archive, order)
    archive.sign(order, "sup3")
    assert execute(archive, order) == {record: ("destroyed", None)}


def test_a_supervisor_who_turns_out_to_be_the_proposer_does_not_count(archive: Archive) -> None:
    order = archive.signed(archive.file())
    archive.register("link", "clerk", staff_no="S-arch", key=archive.keys["sup2"])
    with pytest.raises(RefusedByRule, match="has the signatures of 1 supervisors in office; 2 are needed"):
        execute(archive, order)


@pytest.mark.parametrize("statement", [
    "UPDATE orders SET digest = 'x'", "UPDATE orders SET proposer = 'admin'",
    "UPDATE order_signatures SET person = 'admin' WHERE act = 'order.approved'",
    "UPDATE order_items SET opinion = 'keep' WHERE record_id = '{other}'",
    "DELETE FROM order_signatures WHERE act = 'order.approved'",
])
def test_tables_that_tell_otherwise_than_the_ledger_destroy_nothing(archive: Archive, statement: str) -> None:
    record, other = archive.file("一"), archive.file("二")
    order = archive.signed(record, other)
    archive.workspace.db.run(statement.format(other=other))
    with pytest.raises((IntegrityFailure, RefusedByRule)) as refused:
        destruction._require_proof(archive.workspace, find_order(archive.workspace.db, order.order_id))
    assert (str(refused.value.what), str(refused.value.todo)) == (
        "The catalogue shows order D2037-0001 otherwise than the ledger.", "Run 'recordkit rebuild --catalogue'.")
    assert stays(archive, record)


def test_an_order_that_the_ledger_does_not_know_destroys_nothing(archive: Archive) -> None:
    order = archive.signed(archive.file())
    archive.workspace.db.run("UPDATE orders SET order_id = 'D2037-0009'")
    for table in ("order_items", "order_signatures"):
        archive.workspace.db.run(f"UPDATE {table} SET order_id = 'D2037-0009'")
    order = find_order(archive.workspace.db, "D2037-0009")
    with pytest.raises(IntegrityFailure, match="shows order D2037-0009 otherwise"):
        planned(archive, order)


def test_a_signature_that_does_not_hold_anywhere_in_the_ledger_stops_begun_and_new_executions(archive: Archive) -> None:
    record, other = archive.file("一"), archive.file("二")
    order, begun = archive.signed(record), archive.signed(other)
    with archive.workspace.writing() as writer:
        writer.add("order.intended", {"order": begun.order_id, "records": [other], "place": "p", "method": "m",
                                      "actor": "sup1"})
        writer.add("order.signed", {"order": "D2036-0001", "by": "sup1", "signature": "ff"})
        writer.commit()
    for one in (order, begun):
        with pytest.raises(IntegrityFailure) as refused:
            execute(archive, one)
        assert str(refused.value.what).startswith("Signatures in the ledger do not hold: Entry ")
        assert str(refused.value.todo) == "Run 'recordkit ledger verify'. Nothing is destroyed while they do not."
    assert stays(archive, record) and stays(archive, other)


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_a_scan_on_which_a_signature_rests_must_be_what_was_filed(archive: Archive, damage: str) -> None:
    workspace = archive.workspace
    add_person(workspace, NewPerson("hand", "姓名", "P-1", ("approver",), ""), archive.keys["admin"])
    record = archive.file("一")
    order = archive.appraise(archive.propose(record))
    code = printed_code(workspace, order)
    scan = archive.file("扫描", record_class="destruction-register")
    paper = Paper(scan, "C001-9", 1, find_record(workspace.db, scan).commitment, (code,), TODAY)
    orders.approve_order(workspace, order.order_id, OnPaper(
        find_person(workspace.db, "hand"), paper, TODAY, archive.signer("arch")))
    order = archive.sign(archive.sign(order, "sup1"), "sup2")
    if damage == "changed":
        objects_of(workspace).locate(scan, "original.txt").write_bytes(b"x")
    else:
        objects_of(workspace).remove(scan)
    for act in (planned, execute):
        with pytest.raises(IntegrityFailure, match=f"^The scan {scan} of the signed register is not what was filed"):
            act(archive, order)
    assert stays(archive, record)


@pytest.mark.parametrize(("place", "method"), [("", "粉碎"), (" \n", "粉碎"), ("库房", ""), ("库房", " ")])
def test_place_and_method_are_named_before_anything_is_destroyed(archive: Archive, place: str, method: str) -> None:
    order = archive.signed(archive.file())
    with pytest.raises(InputRefused) as refused:
        execute(archive, order, place=place, method=method)
    assert (str(refused.value.what), str(refused.value.todo)) == (
        "Place and method of the destruction belong into the register.", "Give --place and --method.")
    assert acts(archive, "order.intended") == []


def test_a_register_that_is_not_what_was_proposed_stops_plan_and_execution(archive: Archive) -> None:
    order = archive.signed(archive.file())
    assert order.register is not None
    path = objects_of(archive.workspace).locate(order.register, "original.json")
    path.write_bytes(path.read_bytes().replace("10年".encode(), "30年".encode()))
    for act in (planned, execute):
        with pytest.raises(IntegrityFailure, match="^The register of order D2037-0001 is not what was proposed"):
            act(archive, order)


# --- the share ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("others", "wanted"), [(1, True), (2, False), (3, False)])
def test_more_than_half_of_what_can_go_wants_the_word_and_the_archives_own_papers_do_not_count(
    archive: Archive, others: int, wanted: bool
) -> None:
    records = [archive.file(one) for one in "一二"]
    for at in range(others):
        archive.file(f"留{at}", on=date(2036, 1, 1))
    order = archive.signed(*records)
    if wanted:
        with pytest.raises(RefusedByRule) as refused:
            execute(archive, order, confirm="")
        assert (str(refused.value.what), str(refused.value.todo)) == (
            "Order D2037-0001 would take 2 of 3 records, more than 50% of the holdings.",
            f"If that is meant, give --confirm {order.confirmation}.")
        assert acts(archive, "order.intended") == []
    assert set(execute(archive, order, confirm=f" {order.confirmation} " if wanted else "").values()) == {
        ("destroyed", None)}


def test_what_is_destroyed_already_is_no_holding(archive: Archive) -> None:
    execute(archive, archive.signed(archive.file("一"), archive.file("二"), archive.file("三")))
    order = archive.signed(archive.file("四"))
    archive.file("留", on=date(2036, 1, 1))
    execute(archive, order, confirm="")
    order = archive.signed(archive.file("五"))
    archive.workspace.db.run("UPDATE records SET status = 'x' WHERE title = '留'")
    with pytest.raises(RefusedByRule, match="would take 1 of 1 records"):
        destruction._require_confirmation(archive.workspace, order, 1, "")


# --- item by item ------------------------------------------------------------------------------------------------


def test_an_item_whose_object_or_row_is_not_there_is_missing(archive: Archive) -> None:
    gone, bare, unknown, whole = (archive.file(one) for one in "一二三四")
    order = archive.signed(gone, bare, unknown, whole)
    objects_of(archive.workspace).remove(gone)
    db = archive.workspace.db
    db.run("UPDATE records SET status = 'destroyed' WHERE record_id = :id", {"id": bare})
    assert planned(archive, order) == {gone: ("refused", "missing"), bare: ("refused", "missing"),
                                       unknown: (None, None), whole: (None, None)}
    db.run("DELETE FROM records WHERE record_id = :id", {"id": unknown})
    (told,) = [one for one in plan_execution(archive.workspace, order.order_id, "sup1") if one.record_id == unknown]
    assert (told.code, told.reason) == ("", REASONS["missing"])


def test_a_changed_record_and_one_of_the_archives_own_are_refused(archive: Archive) -> None:
    edited, own, plain = (archive.file(one) for one in "一二三")
    order = archive.signed(edited, own, plain)
    edit_record(archive.workspace, edited, {"title": "改过"}, "更正")
    archive.workspace.db.run("UPDATE records SET record_class = 'appraisal-report' WHERE record_id = :id", {"id": own})
    told = {one.record_id: one for one in plan_execution(archive.workspace, order.order_id, "sup1")}
    assert {key: (one.outcome, one.reason_code) for key, one in told.items()} == {
        edited: ("refused", "changed"), own: ("refused", "not-due"), plain: (None, None)}
    assert str(told[own].reason) == "class appraisal-report must be permanent: it is the evidence of destruction"
    archive.workspace.db.run("UPDATE records SET version = 1 WHERE record_id = :id", {"id": edited})
    assert planned(archive, order)[edited] == ("refused", "changed")


def test_bytes_that_are_not_those_that_were_filed_are_named_by_their_file(archive: Archive) -> None:
    record = archive.file()
    order = archive.signed(record)
    path = objects_of(archive.workspace).locate(record, "original.txt")
    path.write_bytes(b"x")
    (told,) = plan_execution(archive.workspace, order.order_id, "sup1")
    assert told.reason_code == "tampered" and "original.txt" in str(told.reason)
    assert execute(archive, order) == {record: ("refused", "tampered")}
    assert path.exists() and acts(archive, "order.intended") == []


def test_an_object_rewritten_with_an_inventory_to_match_is_not_what_was_signed_for(
    archive: Archive, tmp_path: Path
) -> None:
    record, other = archive.file("一"), archive.file("二")
    order = archive.signed(record, other)
    objects = objects_of(archive.workspace)
    content = {name: objects.read(record, name) for name in objects.names(record)}
    objects.remove(record)
    staged = {name: tmp_path / name for name in content}
    for name, data in content.items():
        staged[name].write_bytes(b"forged" if name == "original.txt" else data)
    with archive.workspace.staging() as staging:
        objects.create(record, staged, VersionNote(clock_on(TODAY).stamp(), "filed", "x"), staging)
    assert objects.check(record) == []
    assert planned(archive, order) == {record: ("refused", "tampered"), other: (None, None)}


def with_issue(archive: Archive, data: bytes, digest: bytes | None = None) -> str:
    issue = "ABCD00000001"
    issue_data.write_pack(archive.root, "P1", [data])
    with archive.workspace.writing():
        archive.workspace.db.insert("issues", {
            "issue_id": issue, "form": "f", "number": "n", "scope": "", "seq": 1, "revision": 1, "template": "t",
            "data": hashlib.sha256(digest or data).hexdigest(), "status": "issued", "title": "",
            "issue_date": "2020-01-02", "pack": "P1", "position": 1})
    return issue


@pytest.mark.parametrize(("stands", "stopped"), [
    ("as issued", False), ("changed", True), ("gone", False), ("unknown", False)])
def test_issue_data_that_are_there_but_not_as_issued_stop_the_item(
    archive: Archive, stands: str, stopped: bool
) -> None:
    line = canonical_json({"issue": "ABCD00000001", "number": "n"})
    issue = with_issue(archive, line)
    record = archive.file(issue_id=issue)
    order = archive.signed(record)
    if stands == "changed":
        issue_data.write_pack(archive.root, "P1", [line.replace(b'"n"', b'"m"')])
    elif stands == "gone":
        issue_data.remove_pack(archive.root, "P1")
    elif stands == "unknown":
        archive.workspace.db.run("DELETE FROM issues")
    assert planned(archive, order) == {record: ("refused", "tampered") if stopped else (None, None)}


def test_what_is_refused_is_entered_with_its_reason_and_the_rest_goes_on(archive: Archive) -> None:
    held, edited, goes = (archive.file(one) for one in "一二三")
    kept = archive.file("四")
    order = archive.propose(held, edited, goes, kept)
    order = archive.appraise(order, {held: Opinion("destroy"), edited: Opinion("destroy"), goes: Opinion("destroy"),
                                     kept: Opinion("keep")})
    order = archive.sign(archive.sign(archive.approve(order), "sup1"), "sup2")
    place_hold(archive.workspace, kind="debt", reason="欠款", records=[held])
    edit_record(archive.workspace, edited, {"title": "改过"}, "更正")
    assert execute(archive, order) == {held: ("refused", "held"), edited: ("refused", "changed"),
                                       goes: ("destroyed", None)}
    assert acts(archive, "order.refused") == [
        {"order": order.order_id, "records": {held: "held", edited: "changed"}}]
    (intent,) = acts(archive, "order.intended")
    assert intent == {"order": order.order_id, "records": [goes], "place": "三号库房", "method": "粉碎",
                      "actor": "sup1", "events": [], "holds": [], "volumes": [], "boxes": []}
    assert acts(archive, "order.executed") == [
        {"order": order.order_id, "place": "三号库房", "method": "粉碎", "actor": "sup1"}]
    told = {one.record_id: str(one.reason) for one in outcomes_of(
        archive.workspace, find_order(archive.workspace.db, order.order_id))}
    assert told == {held: "it is held", edited: str(REASONS["changed"]), goes: "None"}
    assert stays(archive, kept)


def test_the_execution_gives_the_full_reason_of_what_it_refused(archive: Archive) -> None:
    held, goes = archive.file("一"), archive.file("二")
    order = archive.signed(held, goes)
    hold = place_hold(archive.workspace, kind="debt", reason="欠款", records=[held])
    done = archive.execute(order)
    assert [hold in str(one.reason) for one in done.outcomes] == [True, False]
    assert [one.code for one in done.outcomes] == [
        get_record(archive.workspace.db, one).code for one in (held, goes)]  # type: ignore[union-attr]


# --- what goes with the records ----------------------------------------------------------------------------------


def test_notes_of_accounts_and_volumes_without_a_record_go_and_those_of_others_stay(archive: Archive) -> None:
    workspace = archive.workspace
    alone, shared = (archive.file(one, account=account) for one, account in (("一", "70001"), ("二", "70002")))
    archive.file("留", account="70002", on=date(2036, 1, 1))
    events = [add_event(workspace, "contract-ended", date(2020, 1, 1), account=one) for one in ("70001", "70002")]
    ended, other = (place_hold(workspace, kind="debt", reason="欠款", account=one) for one in ("70001", "70002"))
    release_hold(workspace, ended, "已缴")
    release_hold(workspace, other, "已缴")
    workspace.actor = "arch"
    volumes = [open_volume(workspace, NewVolume("project", title)) for title in ("一卷", "二卷")]
    add_to_volume(workspace, volumes[0].code, [alone])
    order = archive.signed(alone, shared)
    # Placed after the signatures: it still holds, and so does its note.
    execute(archive, order)
    (intent,) = acts(archive, "order.intended")
    assert (intent["events"], intent["holds"], intent["volumes"]) == (
        [events[0]], [ended], [volumes[0].volume_id])
    assert [note_folder(archive.root, one).exists() for one in (*events, ended, other)] == [False, True, False, True]
    assert [note_folder(archive.root, one.volume_id).exists() for one in volumes] == [False, True]
    assert [one.account for one in list_events(workspace.db)] == [None, "70002"]
    assert [one.account for one in list_holds(workspace, released=True)] == [None, "70002"]
    before = [dict(row) for table in ("retention_events", "holds", "volumes") for row in workspace.db.all(
        f"SELECT * FROM {table} ORDER BY 1")]
    workspace.rebuild()
    assert [dict(row) for table in ("retention_events", "holds", "volumes") for row in workspace.db.all(
        f"SELECT * FROM {table} ORDER BY 1")] == before


def test_a_hold_in_force_on_an_account_that_loses_its_last_record_keeps_its_note(archive: Archive) -> None:
    record = archive.file(account="70001")
    order = archive.signed(record)
    hold = place_hold(archive.workspace, kind="debt", reason="欠款", account="70002")
    db = archive.workspace.db
    db.run("UPDATE holds SET account = '70001' WHERE hold_id = :id", {"id": hold})
    assert destruction._orphaned(archive.workspace, [record]) == ([], [], [])
    assert execute(archive, order) == {record: ("destroyed", None)}
    assert note_folder(archive.root, hold).exists()


@pytest.mark.parametrize(("paper_method", "told"), [("", "粉碎"), (" 焚烧 ", "焚烧")])
@pytest.mark.parametrize("goes", [True, False])
def test_how_paper_originals_go_is_told_where_one_goes(
    archive: Archive, paper_method: str, told: str, goes: bool
) -> None:
    boxed, plain = archive.file("一", box="7"), archive.file("二")
    order = archive.signed(boxed, plain)
    if not goes:
        place_hold(archive.workspace, kind="debt", reason="欠款", records=[boxed])
    execute(archive, order, paper_method=paper_method)
    (intent,) = acts(archive, "order.intended")
    assert intent.get("paper_method") == (told if goes else None)
    found = find_order(archive.workspace.db, order.order_id).intent
    assert found is not None and found.paper_method == (told if goes else None)


def test_where_a_box_stands_goes_with_the_last_record_in_it(archive: Archive) -> None:
    record, other = archive.file("一", box="7"), archive.file("二", box="8")
    archive.file("留", box="8", on=date(2036, 1, 1))
    for box in ("7", "8"):
        place_box(archive.workspace, box, f"2-{box}", "移库")
    assert note_folder(archive.root, subject_of("7")).is_dir()
    execute(archive, archive.signed(record, other))
    assert acts(archive, "order.intended")[0]["boxes"] == ["7"]
    places = [place_of(archive.workspace.db, box) for box in ("7", "8")]
    assert [one.shelf for one in places if one is not None] == [None, "2-8"]
    assert [note_folder(archive.root, subject_of(box)).exists() for box in ("7", "8")] == [False, True]


# --- what could not be removed -----------------------------------------------------------------------------------


def stuck(monkeypatch: pytest.MonkeyPatch, name: str, *, times: int = 1) -> list[object]:
    """The next calls of a method of the remover fail as on a file that is in use."""
    calls: list[object] = []
    genuine = getattr(Remover, name)

    def act(self: Remover, *given: Any) -> Any:
        calls.append(given)
        if len(calls) <= times:
            raise PermissionError("in use")
        return genuine(self, *given)

    monkeypatch.setattr(Remover, name, act)
    return calls


def test_a_file_that_is_in_use_fails_its_item_alone_and_the_next_call_finishes(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = archive.file("一"), archive.file("二")
    order = archive.signed(first, second)
    calls = stuck(monkeypatch, "remove")
    done = archive.execute(order)
    assert [(one.outcome, one.reason_code, str(one.reason)) for one in done.outcomes] == [
        ("failed", "undeletable", "a file could not be removed: in use"), ("destroyed", None, "None")]
    assert len(calls) == 2 and archive.forgotten == {first, second}
    assert acts(archive, "order.failed") == [{"order": order.order_id, "records": {first: "undeletable"}}]
    assert acts(archive, "order.executed") == [] and len(acts(archive, "record.destroyed")) == 1
    assert find_order(archive.workspace.db, order.order_id).status(2) == "executing"
    with pytest.raises(RefusedByRule, match="is executing; this cannot"):
        planned(archive, order)
    archive.forgotten.clear()
    assert execute(archive, order, place="", method="", confirm="") == {
        first: ("destroyed", None), second: ("destroyed", None)}
    assert archive.forgotten == {first}
    assert [one["record"] for one in acts(archive, "record.destroyed")] == [second, first]
    assert len(acts(archive, "order.intended")) == 1
    assert acts(archive, "order.executed") == [
        {"order": order.order_id, "place": "三号库房", "method": "粉碎", "actor": "sup1"}]


def test_of_a_volume_whose_note_is_gone_the_tables_say_what_a_rebuild_would_while_a_record_is_stuck(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = archive.workspace
    record = archive.file()
    workspace.actor = "arch"
    volume = open_volume(workspace, NewVolume("project", "一卷"))
    add_to_volume(workspace, volume.code, [record])
    order = archive.signed(record)
    stuck(monkeypatch, "remove")
    assert execute(archive, order) == {record: ("failed", "undeletable")}
    titles = [[row["title"] for row in workspace.db.all("SELECT title FROM volumes")]]
    workspace.rebuild()
    titles.append([row["title"] for row in workspace.db.all("SELECT title FROM volumes")])
    assert titles == [[""], [""]]


def test_a_note_of_an_account_that_is_in_use_fails_every_item(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = archive.file("一"), archive.file("二")
    order = archive.signed(first, second)
    stuck(monkeypatch, "remove_accounts")
    done = archive.execute(order)
    assert [(one.reason_code, str(one.reason)) for one in done.outcomes] == [
        ("undeletable", "a file could not be removed: in use")] * 2
    assert acts(archive, "record.destroyed") == []
    assert set(execute(archive, order).values()) == {("destroyed", None)}


def test_what_was_told_first_of_an_item_is_what_is_told(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    order = archive.signed(archive.file())
    stuck(monkeypatch, "remove")

    def denied(*_: object) -> None:
        raise PermissionError("another file")

    monkeypatch.setattr(Remover, "remove_accounts", denied)
    (one,) = archive.execute(order).outcomes
    assert str(one.reason) == "a file could not be removed: in use"


def test_something_that_is_still_there_or_still_found_is_no_destruction(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (archive.file(one) for one in "一二三")
    order = archive.signed(first, second, third)
    genuine = Remover.remains
    monkeypatch.setattr(Remover, "remains", lambda self, item: (
        ["outbox/a", "outbox/b"] if item.record_id == first else genuine(self, item)))
    asked: list[set[str]] = []

    def still_found(records: set[str]) -> set[str]:
        asked.append(records)
        return {second}

    done = execute_order(archive.workspace, order.order_id, place="p", method="m", actor="sup1",
                         forget=archive.forgotten.update, still_found=still_found, confirm=order.confirmation)
    assert [(one.outcome, one.reason_code, str(one.reason)) for one in done.outcomes] == [
        ("failed", "still-there", "outbox/b is still there"), ("failed", "index", str(REASONS["index"])),
        ("destroyed", None, "None")]
    assert asked == [{first, second, third}]
    monkeypatch.setattr(Remover, "remains", genuine)
    asked.clear()
    assert execute(archive, order, still_found=lambda one: asked.append(one) or set()) == dict.fromkeys(
        (first, second, third), ("destroyed", None))
    assert asked == [{first, second}]


def test_when_nothing_could_be_removed_the_index_is_not_asked(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = archive.signed(archive.file())
    stuck(monkeypatch, "remove")
    execute(archive, order, still_found=lambda _: pytest.fail("asked for nothing"))


def test_leftovers_that_cannot_be_swept_keep_every_item_open(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = archive.file("一"), archive.file("二")
    order = archive.signed(first, second)
    stuck(monkeypatch, "remove", times=2)
    archive.execute(order)
    monkeypatch.setattr(Remover, "sweep", lambda self: ["notes/.x.gone", "notes/.y.gone"])
    done = archive.execute(order)
    assert [(one.reason_code, str(one.reason)) for one in done.outcomes] == [
        ("undeletable", "notes/.y.gone could not be removed")] * 2
    assert acts(archive, "record.destroyed") == []
    monkeypatch.undo()
    assert set(execute(archive, order).values()) == {("destroyed", None)}


def test_a_first_execution_sweeps_nothing(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Remover, "sweep", lambda self: pytest.fail("swept"))
    assert set(execute(archive, archive.signed(archive.file())).values()) == {("destroyed", None)}


def test_a_record_that_waits_for_a_later_one_is_tried_again_in_the_same_call(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = archive.file("一"), archive.file("二")
    order = archive.signed(first, second)
    calls: list[str] = []
    genuine = Remover.remove

    def remove(self: Remover, item: Any) -> None:
        calls.append(item.record_id)
        if calls != [first]:  # What keeps the first goes with the second.
            genuine(self, item)

    monkeypatch.setattr(Remover, "remove", remove)
    assert set(execute(archive, order).values()) == {("destroyed", None)}
    assert calls == [first, second, first]


def test_titles_leave_the_free_pages_of_the_tables_once_the_acts_are_entered(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recordkit.db import Database

    order = archive.signed(archive.file("独一无二的题名"))
    wiped: list[int] = []
    genuine = Database.wipe_traces
    monkeypatch.setattr(Database, "wipe_traces", lambda self: wiped.append(len(acts(archive, "record.destroyed")))
                        or genuine(self))
    execute(archive, order)
    assert wiped == [1]
    for path in archive.root.glob("catalogue.sqlite3*"):
        assert "独一无二的题名".encode() not in path.read_bytes(), path


def test_an_order_whose_records_all_went_before_a_kill_is_closed_without_forgetting_anything(archive: Archive) -> None:
    record = archive.file()
    order = archive.signed(record)
    execute(archive, order)
    body = acts(archive, "order.intended")[0]
    archive.workspace.db.run("UPDATE orders SET executed = NULL")
    archive.forgotten.clear()
    assert execute(archive, order, still_found=lambda _: pytest.fail("asked")) == {record: ("destroyed", None)}
    assert archive.forgotten == set()
    assert len(acts(archive, "order.executed")) == 2 and body["records"] == [record]


def test_revoked_people_are_those_of_the_ledger(archive: Archive) -> None:
    """Who only the tables call revoked is in office."""
    order = archive.signed(archive.file())
    revoke_person(archive.workspace, "sup3", archive.keys["admin"], "调离")
    assert set(execute(archive, order).values()) == {("destroyed", None)}
    assert orders.find_order(archive.workspace.db, order.order_id).executed == TODAY.isoformat()


def test_an_execution_tells_how_many_records_it_has_taken_up(archive: Archive) -> None:
    told: list[tuple[int, int]] = []
    order = archive.signed(archive.file("一"), archive.file("二"))
    execute(archive, order, removing=lambda done, whole: told.append((done, whole)))
    assert told == [(1, 2), (2, 2)]
