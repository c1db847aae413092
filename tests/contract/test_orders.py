import json
from datetime import date

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from retention_store import TODAY

from recordkit.archive.catalogue import find_record, get_record, objects_of
from recordkit.archive.editing import edit_record
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RefusedByRule
from recordkit.people import Signer
from recordkit.retention import destruction, orders
from recordkit.retention.audit import audit_entries, audit_ledger
from recordkit.retention.circumstances import explain_record
from recordkit.retention.holds import place_hold, release_hold
from recordkit.retention.listing import show_order
from recordkit.retention.order_state import Opinion, find_order, list_orders, parse_opinion
from recordkit.retention.register import COLUMNS, register_of
from recordkit.retention.register_print import register_docx, register_xlsx
from recordkit.retention.signing import digest_of, signed_body


def status(archive, order):
    return find_order(archive.workspace.db, order.order_id).status(2)


def outcome_of(execution):
    return {one.record_id: (one.outcome, one.reason_code) for one in execution.outcomes}


# --- propose ---


def test_propose_takes_what_is_due_and_refuses_the_rest_by_reason(archive):
    due = archive.file("到期")
    young = archive.file("未到期", on=date(2030, 1, 1))
    waiting = archive.file("待事件", record_class="supply-contract")
    held = archive.file("冻结")
    drawing = archive.file("图纸", record_class="drawing")
    place_hold(archive.workspace, kind="debt", reason="欠款", records=[held])
    order, refusals = orders.propose_order(
        archive.workspace, [due, young, waiting, held, drawing], archive.signer("arch")
    )
    assert [item.record_id for item in order.items] == [due]
    assert [one.record_id for one in refusals] == [young, waiting, held, drawing]
    assert "unsettled debt" in str(refusals[2].reason) and "permanently" in str(refusals[3].reason)


def test_orders_are_numbered_by_year_and_a_record_is_in_one_open_order_only(archive):
    first = archive.propose(archive.file("一"))
    second = archive.propose(archive.file("二"))
    assert (first.order_id, second.order_id) == ("D2037-0001", "D2037-0002")
    with pytest.raises(RefusedByRule, match="D2037-0001"):
        archive.propose(first.items[0].record_id)
    orders.withdraw_order(archive.workspace, first.order_id, "重做")
    assert archive.propose(first.items[0].record_id).order_id == "D2037-0003"


def test_the_manifest_is_frozen_in_a_permanent_record_that_binds_the_register_rows(archive):
    record = archive.file("回访张三")
    order = archive.propose(record)
    objects = objects_of(archive.workspace)
    manifest = json.loads(objects.read(order.register, "manifest.json"))
    register = json.loads(objects.read(order.register, "original.json"))
    assert digest_of(manifest) == order.digest
    assert manifest["register"] == digest_of(register)
    assert manifest["settings"] == archive.workspace.settings.digest
    item = find_record(archive.workspace.db, record)
    assert manifest["items"] == [
        {"record": record, "version": 1, "commitment": item.commitment, "class": "visit-record", "issue": None,
         "due": "2035-01-01", "rule": "visit-record 10y"}
    ]
    row = register["rows"][0]
    assert [row[column] for column in COLUMNS] == ["1", "回访张三", "2024", item.code, "10年", "12年", "2", ""]
    filed = get_record(archive.workspace.db, order.register)
    assert (filed.record_class, archive.decision(order.register)) == ("destruction-register", "permanent")


def test_a_proposal_that_cannot_be_filed_leaves_no_order(archive, monkeypatch):
    record = archive.file()
    monkeypatch.setattr("recordkit.archive.filing.files.digests_of", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        archive.propose(record)
    monkeypatch.undo()
    archive.reopen()
    assert list_orders(archive.workspace.db) == []
    assert archive.propose(record).order_id == "D2037-0001"


def test_only_archivists_and_administrators_propose_and_nothing_due_makes_no_order(archive):
    archive.file()
    with pytest.raises(RefusedByRule, match="archivist"):
        orders.propose_order(archive.workspace, None, archive.signer("sup1"))
    archive.propose()
    with pytest.raises(RefusedByRule, match="No record is due|can go into an order"):
        archive.propose()


def test_the_ledger_holds_no_title_account_or_reason_of_an_order(archive):
    archive.file("回访张三丰", account="880012")
    order = archive.propose()
    orders.withdraw_order(archive.workspace, order.order_id, "另有安排")
    text = "".join(path.read_text() for path in (archive.root / "ledger").glob("*.jsonl"))
    assert not [word for word in ("张三丰", "880012", "另有安排") if word in text]


# --- appraise, approve, sign ---


def test_extended_and_kept_records_leave_the_order_and_review_respects_it(archive):
    gone, longer, kept = archive.file("一"), archive.file("二"), archive.file("三")
    order = archive.propose(gone, longer, kept)
    order = archive.appraise(order, {
        gone: Opinion("destroy"), longer: parse_opinion("extend:2040-12-31"), kept: Opinion("keep"),
    })
    assert [item.record_id for item in order.doomed] == [gone]
    assert [archive.decision(one) for one in (gone, longer, kept)] == ["due", "not-due", "permanent"]
    record = find_record(archive.workspace.db, longer)
    assert explain_record(archive.workspace, record, date(2041, 1, 1)).decision == "due"
    order = archive.sign(archive.sign(archive.approve(order), "sup1"), "sup2")
    assert outcome_of(archive.execute(order)) == {gone: ("destroyed", None)}
    assert [get_record(archive.workspace.db, one).status for one in (longer, kept)] == ["active", "active"]


def test_an_order_that_keeps_everything_is_closed_and_cannot_be_approved_or_withdrawn(archive):
    order = archive.appraise(archive.propose(archive.file()), None)
    order = archive.appraise(order, {order.items[0].record_id: Opinion("keep")})
    assert status(archive, order) == "closed"
    with pytest.raises(RefusedByRule):
        archive.approve(order)
    with pytest.raises(RefusedByRule):
        orders.withdraw_order(archive.workspace, order.order_id, "x")


def test_opinions_of_a_withdrawn_order_no_longer_count(archive):
    first, second = archive.file("一"), archive.file("二")
    order = archive.propose(first, second)
    archive.appraise(order, {first: Opinion("keep")})
    assert archive.decision(first) == "permanent"
    orders.withdraw_order(archive.workspace, order.order_id, "误操作")
    assert archive.decision(first) == "due"


def test_approval_needs_an_opinion_on_every_record(archive):
    first, second = archive.file("一"), archive.file("二")
    order = archive.appraise(archive.propose(first, second), {first: Opinion("destroy")})
    with pytest.raises(RefusedByRule, match="appraise"):
        archive.approve(order)


def test_wrong_opinions_are_refused(archive):
    other = archive.file("旁")
    order = archive.propose(archive.file())
    with pytest.raises(InputRefused):
        parse_opinion("extend:2040")
    with pytest.raises(InputRefused, match="2037-03-05"):
        archive.appraise(order, {order.items[0].record_id: Opinion("extend", TODAY)})
    with pytest.raises(NotFound):
        archive.appraise(order, {other: Opinion("destroy")})
    assert status(archive, order) == "proposed"


def test_nothing_changes_after_approval(archive):
    order = archive.approve(archive.appraise(archive.propose(archive.file())))
    with pytest.raises(RefusedByRule):
        archive.appraise(order, {order.items[0].record_id: Opinion("keep")})
    with pytest.raises(RefusedByRule):
        archive.approve(order)


def test_the_proposer_does_not_approve_not_even_under_a_second_account(archive):
    archive.register("arch-boss", "approver", staff_no="S-arch")
    order = archive.appraise(archive.propose(archive.file()))
    with pytest.raises(RefusedByRule, match="one human being"):
        orders.approve_order(archive.workspace, order.order_id, archive.signer("arch-boss"))
    assert status(archive, order) == "appraised"


def test_supervisors_sign_only_what_is_approved(archive):
    order = archive.appraise(archive.propose(archive.file()))
    with pytest.raises(RefusedByRule, match="approve"):
        archive.sign(order, "sup1")


def approved(archive):
    return archive.approve(archive.appraise(archive.propose(archive.file())))


def test_the_same_supervisor_does_not_sign_twice(archive):
    order = archive.sign(approved(archive), "sup1")
    with pytest.raises(RefusedByRule, match="has signed already"):
        archive.sign(order, "sup1")
    assert status(archive, order) == "approved"


def test_one_human_with_two_accounts_of_one_staff_number_does_not_sign_twice(archive):
    archive.register("sup1-again", "supervisor", staff_no="S-sup1")
    order = archive.sign(approved(archive), "sup1")
    with pytest.raises(RefusedByRule, match="one human being"):
        archive.sign(order, "sup1-again")


@pytest.mark.parametrize("written", ["s-SUP1", "Ｓ－ｓｕｐ１", "S sup1", "S-sup\u200b1", "S\u2013sup1", "Ssup1"])
def test_a_staff_number_written_in_another_way_is_the_same_person(archive, written):
    archive.register("sup1-again", "supervisor", staff_no=written)
    order = archive.sign(approved(archive), "sup1")
    with pytest.raises(RefusedByRule, match="one human being"):
        archive.sign(order, "sup1-again")


def test_one_human_with_two_accounts_of_one_key_does_not_sign_twice(archive):
    archive.register("sup1-again", "supervisor", staff_no="S-999", key=archive.keys["sup1"])
    order = archive.sign(approved(archive), "sup1")
    with pytest.raises(RefusedByRule, match="one human being"):
        archive.sign(order, "sup1-again")


def test_one_human_linked_over_a_third_account_does_not_sign_twice(archive):
    archive.register("link", "clerk", staff_no="S-sup1")
    archive.register("far", "supervisor", staff_no="S-999", key=archive.keys["link"])
    order = archive.sign(approved(archive), "sup1")
    with pytest.raises(RefusedByRule, match="one human being"):
        archive.sign(order, "far")


@pytest.mark.parametrize("other", ["boss", "arch"])
def test_neither_approver_nor_proposer_supervises(archive, other):
    order = approved(archive)
    archive.register("second", "supervisor", staff_no=f"S-{other}")
    with pytest.raises(RefusedByRule, match="cannot supervise"):
        archive.sign(order, "second")


def test_a_revoked_person_or_a_foreign_key_does_not_sign(archive):
    order = approved(archive)
    stale = archive.signer("sup1")
    archive.revoke("sup1")
    with pytest.raises(RefusedByRule, match="revoked"):
        orders.sign_order(archive.workspace, order.order_id, stale)
    forged = Signer(archive.signer("sup2").person, Ed25519PrivateKey.generate())
    with pytest.raises(RefusedByRule, match="key"):
        orders.sign_order(archive.workspace, order.order_id, forged)
    with pytest.raises(RefusedByRule, match="supervisor"):
        orders.sign_order(archive.workspace, order.order_id, archive.signer("appr"))
    assert find_order(archive.workspace.db, order.order_id).signers("order.signed") == []


# --- execute ---


def test_execute_before_two_supervisors_signed_is_refused(archive):
    order = archive.sign(approved(archive), "sup1")
    with pytest.raises(RefusedByRule, match="sign"):
        archive.execute(order)
    assert objects_of(archive.workspace).exists(order.items[0].record_id)


def test_execute_by_somebody_who_did_not_sign_is_refused(archive):
    order = archive.signed(archive.file())
    with pytest.raises(RefusedByRule, match="did not sign"):
        archive.execute(order, actor="sup3")


def test_a_whole_order_is_destroyed_completed_and_shown(archive):
    record = archive.file("一", account="90001")
    order = archive.signed(record)
    execution = archive.execute(order)
    assert outcome_of(execution) == {record: ("destroyed", None)}
    assert archive.forgotten == {record}
    with pytest.raises(RefusedByRule, match="did not sign"):
        orders.complete_order(archive.workspace, order.order_id, archive.signer("sup3"))
    orders.complete_order(archive.workspace, order.order_id, archive.signer("sup2"))
    assert find_order(archive.workspace.db, order.order_id).status(2) == "executed"
    orders.complete_order(archive.workspace, order.order_id, archive.signer("sup1"))
    shown = show_order(archive.workspace, find_order(archive.workspace.db, order.order_id))
    assert shown["status"] == "completed"
    assert shown["executed"] == {"date": "2037-03-05", "place": "三号库房", "method": "粉碎", "actor": "sup1"}
    assert [one["person"] for one in shown["signatures"]] == ["sup1", "sup2"]
    gone = get_record(archive.workspace.db, record)
    assert (gone.status, gone.title, gone.account) == ("destroyed", "", None)
    assert audit_ledger(archive.workspace).findings == []
    before = shown
    archive.workspace.rebuild()
    assert show_order(archive.workspace, find_order(archive.workspace.db, order.order_id)) == before


def test_a_hold_placed_after_the_signatures_stops_the_item_alone(archive):
    first, second = archive.file("一"), archive.file("二")
    order = archive.signed(first, second)
    place_hold(archive.workspace, kind="litigation", reason="起诉", records=[first])
    assert outcome_of(archive.execute(order)) == {first: ("refused", "held"), second: ("destroyed", None)}
    assert objects_of(archive.workspace).check(first) == []
    assert status(archive, order) == "executed"


def test_an_order_of_which_everything_is_stopped_stays_signed(archive):
    record = archive.file()
    order = archive.signed(record)
    hold = place_hold(archive.workspace, kind="litigation", reason="起诉", records=[record])
    assert outcome_of(archive.execute(order)) == {record: ("refused", "held")}
    assert status(archive, order) == "signed"
    release_hold(archive.workspace, hold, "撤诉")
    assert outcome_of(archive.execute(order)) == {record: ("destroyed", None)}


@pytest.mark.parametrize("name", ["original.txt", "record.json"])
def test_a_tampered_object_stops_the_item(archive, name):
    first, second = archive.file("一"), archive.file("二")
    order = archive.signed(first, second)
    path = objects_of(archive.workspace).locate(first, name)
    path.write_bytes(path.read_bytes() + b" ")
    assert outcome_of(archive.execute(order)) == {first: ("refused", "tampered"), second: ("destroyed", None)}
    assert path.exists()


def test_an_object_rewritten_with_a_matching_inventory_stops_the_item(archive, tmp_path):
    from recordkit.archive.objects import VersionNote

    first, second = archive.file("一"), archive.file("二")
    order = archive.signed(first, second)
    objects = objects_of(archive.workspace)
    staged = tmp_path / "original.txt"
    staged.write_bytes(b"forged")
    copy = tmp_path / "record.json"
    copy.write_bytes(objects.read(first, "record.json"))
    note = VersionNote("2037-01-01T00:00:00Z", "filed", "x")
    objects.create(first, {"original.txt": staged, "record.json": copy}, note, tmp_path)
    assert objects.check(first) == []
    assert outcome_of(archive.execute(order))[first] == ("refused", "tampered")


def test_an_edit_after_the_proposal_stops_the_item(archive):
    first, second = archive.file("一"), archive.file("二")
    order = archive.signed(first, second)
    edit_record(archive.workspace, first, {"title": "改"}, "更正")
    assert outcome_of(archive.execute(order))[first] == ("refused", "changed")


@pytest.mark.parametrize("who", ["sup2", "boss", "appr"])
def test_a_person_revoked_after_signing_stops_the_order(archive, who):
    record = archive.file()
    order = archive.signed(record)
    archive.revoke(who)
    with pytest.raises(RefusedByRule, match="revoked|in office"):
        archive.execute(order)
    assert objects_of(archive.workspace).exists(record)


def test_a_third_supervisor_replaces_a_revoked_one(archive):
    record = archive.file()
    order = archive.signed(record)
    archive.revoke("sup2")
    archive.sign(order, "sup3")
    assert outcome_of(archive.execute(order)) == {record: ("destroyed", None)}


def test_a_catalogue_that_shows_more_signatures_than_the_ledger_destroys_nothing(archive):
    record = archive.file()
    order = archive.sign(approved_of(archive, record), "sup1")
    archive.workspace.db.run(
        "INSERT INTO order_signatures VALUES (9999, :id, 'order.signed', 'sup2', '2037-03-05', 'ff')",
        {"id": order.order_id},
    )
    with pytest.raises(IntegrityFailure, match="otherwise than the ledger"):
        archive.execute(order)
    assert objects_of(archive.workspace).exists(record)


def approved_of(archive, record):
    return archive.approve(archive.appraise(archive.propose(record)))


def test_a_changed_register_destroys_nothing(archive):
    record = archive.file()
    order = archive.signed(record)
    path = objects_of(archive.workspace).locate(order.register, "original.json")
    path.write_bytes(path.read_bytes().replace("10年".encode(), "30年".encode()))
    with pytest.raises(IntegrityFailure, match="register"):
        archive.execute(order)
    assert objects_of(archive.workspace).exists(record)


def test_an_order_over_half_of_the_holdings_needs_the_word(archive):
    first, second = archive.file("一"), archive.file("二")
    archive.file("三", on=date(2036, 1, 1))
    order = archive.signed(first, second)

    def execute(confirm):
        return destruction.execute_order(
            archive.workspace, order.order_id, place="库房", method="粉碎", actor="sup1",
            forget=archive.forgotten.update, confirm=confirm,
        )

    with pytest.raises(RefusedByRule, match=order.confirmation):
        execute("yes")
    assert archive.forgotten == set()
    assert len(execute(order.confirmation).outcomes) == 2


def test_completion_is_refused_before_the_execution_and_twice_by_one_person(archive):
    order = archive.signed(archive.file())
    with pytest.raises(RefusedByRule, match="execute"):
        orders.complete_order(archive.workspace, order.order_id, archive.signer("sup1"))
    archive.execute(order)
    orders.complete_order(archive.workspace, order.order_id, archive.signer("sup1"))
    with pytest.raises(RefusedByRule):
        orders.complete_order(archive.workspace, order.order_id, archive.signer("sup1"))


# --- audit and register ---


def entries_of(archive):
    return [entry for entry, _ in archive.workspace.ledger.read()]


@pytest.mark.parametrize(
    ("act", "change"),
    [
        ("person.added", {"signature": "00" * 64}),
        ("order.approved", {"signature": "00" * 64}),
        ("order.signed", {"by": "sup3"}),
        ("order.proposed", {"manifest": {"items": []}}),
        ("order.intended", {"records": ["R-other"]}),
        ("record.destroyed", {"record": "R-other"}),
        ("order.completed", {"key": "00" * 32}),
    ],
)
def test_the_audit_finds_a_forged_entry(archive, act, change):
    from msgspec import structs

    order = archive.signed(archive.file())
    archive.execute(order)
    orders.complete_order(archive.workspace, order.order_id, archive.signer("sup1"))
    store_id = archive.workspace.settings.store.id
    entries = entries_of(archive)
    assert audit_entries(store_id, entries).findings == []
    place = max(position for position, entry in enumerate(entries) if entry.act == act)
    entries[place] = structs.replace(entries[place], body={**entries[place].body, **change})
    assert audit_entries(store_id, entries).findings


@pytest.mark.parametrize("act", ["order.approved", "order.signed", "order.intended", "order.appraised"])
def test_the_audit_finds_a_destruction_without_its_acts(archive, act):
    archive.execute(archive.signed(archive.file()))
    entries = [entry for entry in entries_of(archive) if entry.act != act]
    assert audit_entries(archive.workspace.settings.store.id, entries).findings


def test_the_audit_finds_an_approval_before_the_appraisal_was_complete(archive):
    first, second = archive.file("一"), archive.file("二")
    order = archive.appraise(archive.propose(first, second), {first: Opinion("destroy")})
    opinions = digest_of({first: "destroy"})
    with archive.workspace.writing() as writer:
        writer.add("order.approved", signed_body(
            archive.workspace, archive.signer("boss"), "order.approved", order.order_id, order.digest,
            opinions=opinions,
        ))
        writer.commit()
    assert ["not complete" in str(one.message) for one in audit_ledger(archive.workspace).findings] == [True]


def test_the_plan_of_an_execution_names_what_would_be_refused_and_writes_nothing(archive):
    first, second = archive.file("一"), archive.file("二")
    order = archive.signed(first, second)
    place_hold(archive.workspace, kind="litigation", reason="起诉", records=[first])
    entries = len(entries_of(archive))
    plan = destruction.plan_execution(archive.workspace, order.order_id, "sup1")
    assert [(one.record_id, one.outcome, one.reason_code) for one in plan] == [
        (first, "refused", "held"), (second, None, None),
    ]
    assert len(entries_of(archive)) == entries and objects_of(archive.workspace).exists(second)


def test_the_register_is_exported_as_text_with_what_became_of_each_row(archive):
    import io

    from docx import Document
    from openpyxl import load_workbook

    formula = archive.file('=HYPERLINK("http://x")')
    kept = archive.file("留")
    order = archive.propose(formula, kept)
    order = archive.appraise(order, {formula: Opinion("destroy"), kept: Opinion("keep")})
    order = archive.sign(archive.sign(archive.approve(order), "sup1"), "sup2")
    register = register_of(archive.workspace, archive.execute(order).order)
    assert [(row["题名"], row["备注"]) for row in register.rows] == [('=HYPERLINK("http://x")', "已销毁")]
    sheet = load_workbook(io.BytesIO(register_xlsx(register))).active
    cells = [cell for line in sheet.iter_rows() for cell in line if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    values = [str(cell.value) for cell in cells]
    assert '=HYPERLINK("http://x")' in values and set(COLUMNS) <= set(values)
    assert all(any(one in value for value in values) for one in (order.digest, "姓名boss", "姓名sup2", "监销人（二）"))
    document = Document(io.BytesIO(register_docx(register)))
    text = "\n".join(cell.text for table in document.tables for row in table.rows for cell in row.cells)
    assert order.digest in text and "姓名boss" in text and "三号库房" in text and "监销人（二）" in text
    assert [cell.text for cell in document.tables[-1].rows[0].cells] == list(COLUMNS)
