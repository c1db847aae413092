"""What an order refuses, whom, and in which words; what is told of items that are stopped on their way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from retention_store import TODAY, Archive, make_archive

from recordkit.archive.editing import edit_record
from recordkit.archive.volume_acts import NewVolume, add_to_volume, open_volume
from recordkit.errors import InputRefused, NotFound, RefusedByRule
from recordkit.people import NewPerson, Person, add_person, find_person, list_people
from recordkit.retention import orders
from recordkit.retention.holds import place_hold
from recordkit.retention.order_state import Opinion, decided_remarks, find_order, list_orders, parse_opinion
from recordkit.retention.signing import OnPaper, Paper, code_for, other_self, supervisor_account, what_is_signed
from recordkit.retention.stops import name_the_stopped, stopped_items
from recordkit.templates.registercode import RegisterCode


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    made = make_archive(tmp_path / "档案 库")
    yield made
    made.workspace.close()


def said(error: pytest.ExceptionInfo[RefusedByRule] | pytest.ExceptionInfo[InputRefused]) -> tuple[str, str]:
    return str(error.value.what), str(error.value.todo)


# --- signing --------------------------------------------------------------------------------------------------


def test_a_paper_stands_for_an_act_only_by_a_code_of_this_store_order_state_and_room(archive: Archive) -> None:
    order, signed = "D2037-0002", "abcdef" * 10
    ours = RegisterCode(archive.workspace.store_tag, order, frozenset({"approve", "sign"}), signed[:15])
    foreign = RegisterCode("ZZZZ", order, ours.acts, ours.digest)
    other = RegisterCode(ours.store_tag, "D2037-0001", ours.acts, ours.digest)
    earlier = RegisterCode(ours.store_tag, order, ours.acts, "0" * 15)
    later = RegisterCode(ours.store_tag, order, frozenset({"complete"}), ours.digest)

    def found(*codes: RegisterCode, act: str = "order.approved") -> RegisterCode:
        return code_for(archive.workspace, act, order, Paper("R9", "C001-9", 1, "", codes, TODAY), signed)

    assert found(foreign, other, earlier, later, ours) is ours
    assert found(ours, later, act="order.completed") is later
    todo = ("Print the register with 'recordkit destruction register D2037-0002 --for-signing --out FILE', have it "
            "signed, and file its scan.")
    for codes, why in (
        ((), "C001-9 carries no code of a destruction register that could be read."),
        ((foreign,), "C001-9 carries no code of a destruction register that could be read."),
        ((foreign, other), "C001-9 is the register of order D2037-0001, not of D2037-0002."),
        ((other, earlier), "C001-9 is an earlier print of the register of order D2037-0002: what was signed there is "
                           "no longer what the order says."),
        ((earlier, later), "C001-9 has no room for this signature: it was printed for the supervisors after the "
                           "destruction."),
    ):
        with pytest.raises(RefusedByRule) as refused:
            found(*codes)
        assert said(refused) == (why, todo)
    with pytest.raises(RefusedByRule, match="printed for the approval.*the supervisors before"):
        found(ours, act="order.completed")


def test_what_is_signed_by_hand_is_the_manifest_with_the_opinions_or_the_outcomes() -> None:
    bare = what_is_signed("d")
    assert bare == what_is_signed("d", papers=["R1"])
    assert len({bare, what_is_signed("e"), what_is_signed("d", opinions="o"), what_is_signed("d", outcomes="o"),
                what_is_signed("d", opinions="o", outcomes="o")}) == 5


def test_the_account_of_a_supervisor_behind_another_one_is_found_unless_it_is_out_of_office(archive: Archive) -> None:
    archive.register("twin", "archivist", staff_no="S-sup1")
    register = list_people(archive.workspace.db)
    by_id = {one.id: one for one in register}

    def found(person: Person) -> str | None:
        account = supervisor_account(list_people(archive.workspace.db), person)
        return None if account is None else account.id

    assert (found(by_id["twin"]), found(by_id["sup1"]), found(by_id["arch"])) == ("sup1", "sup1", None)
    assert other_self(register, by_id["twin"], ["arch", "sup1"]) == by_id["sup1"]
    assert other_self(register, by_id["twin"], ["arch", "sup2"]) is None
    archive.revoke("sup1")
    assert found(by_id["twin"]) is None


# --- propose, appraise ----------------------------------------------------------------------------------------


def test_nothing_due_and_nothing_named_makes_no_order(archive: Archive) -> None:
    with pytest.raises(RefusedByRule) as refused:
        archive.propose()
    assert said(refused)[0] == "No record is due for appraisal."
    young = archive.file("未到期", on=date(2030, 1, 1))
    with pytest.raises(RefusedByRule, match="^None of the 1 records can go into an order; .*Not due before 2041-01-01"):
        archive.propose(young)
    assert list_orders(archive.workspace.db) == []


def test_what_is_destroyed_is_not_proposed_again(archive: Archive) -> None:
    gone, stays = archive.file("一"), archive.file("二")
    archive.file("三")
    archive.workspace.actor = "arch"
    add_to_volume(archive.workspace, open_volume(archive.workspace, NewVolume("project", "城东")).code, [gone])
    archive.execute(archive.signed(gone))
    order, refusals = orders.propose_order(archive.workspace, [gone, stays], archive.signer("arch"))
    assert [item.record_id for item in order.items] == [stays]
    assert [(one.record_id, str(one.reason)) for one in refusals] == [(gone, "It is destroyed already.")]


def test_a_supervisor_proposes_nothing_and_the_refusal_says_who_may(archive: Archive) -> None:
    archive.register("both", "archivist", "supervisor")
    archive.file()
    with pytest.raises(RefusedByRule) as refused:
        orders.propose_order(archive.workspace, None, archive.signer("both"))
    assert said(refused)[0] == "both is a supervisor; a supervisor does not propose."


def test_an_opinion_on_every_record_is_changed_by_name_only_and_none_at_all_is_refused(archive: Archive) -> None:
    record = archive.file()
    order = archive.appraise(archive.propose(record))
    with pytest.raises(RefusedByRule, match="^Every record of order D2037-0001 has an opinion"):
        archive.appraise(order, None)
    with pytest.raises(InputRefused, match="^There is no opinion"):
        orders.appraise_order(archive.workspace, order.order_id, {}, archive.signer("appr"))
    other = archive.file("二")
    with pytest.raises(NotFound, match=f"^The record {other} is not in order D2037-0001"):
        archive.appraise(order, {other: Opinion("keep")})
    assert find_order(archive.workspace.db, " D2037-0001 ").status(2) == "appraised"


@pytest.mark.parametrize(("until", "taken"), [(date(2037, 3, 4), False), (TODAY, False), (date(2037, 3, 6), True)])
def test_an_extension_reaches_beyond_today(archive: Archive, until: date, taken: bool) -> None:
    record = archive.file()
    order = archive.propose(record)
    if taken:
        assert archive.appraise(order, {record: Opinion("extend", until)}).status(2) == "closed"
        return
    with pytest.raises(InputRefused, match=f"^The extension to {until} is over already"):
        archive.appraise(order, {record: Opinion("extend", until)})


def test_a_record_that_another_order_took_over_is_decided_there(archive: Archive) -> None:
    record, other = archive.file("一"), archive.file("二")
    first = archive.propose(record, other)
    archive.appraise(first, {record: Opinion("extend", date(2038, 1, 1))})
    assert decided_remarks(archive.workspace.db) == {record: "鉴定决定（D2037-0001）：延期至2038-01-01"}
    archive.reopen(date(2039, 2, 1))
    second = archive.propose(record)
    with pytest.raises(RefusedByRule) as refused:
        archive.appraise(first, {record: Opinion("destroy")})
    assert said(refused) == (f"The record {record} is in order {second.order_id} by now.",
                             f"Decide there: recordkit destruction appraise {second.order_id}")
    archive.appraise(second, {record: Opinion("keep")})
    assert decided_remarks(archive.workspace.db) == {record: f"鉴定决定（{second.order_id}）：永久保管"}


@pytest.mark.parametrize(
    "text", ["", "extend", "extend:", "extend:2040-13-01", "destroy:now", "keep:2040-01-01", "keep 1", "burn"])
def test_what_is_no_opinion_is_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(InputRefused) as refused:
        parse_opinion(text)
    assert said(refused) == (f"{text} is not an opinion.", "Opinions are: destroy, keep, extend:2040-12-31.")


def test_opinions_are_read_with_blanks_around_them() -> None:
    assert parse_opinion(" extend: 2040-12-31 ") == Opinion("extend", date(2040, 12, 31))
    assert (parse_opinion(" keep"), parse_opinion("destroy ")) == (Opinion("keep"), Opinion("destroy"))


def test_an_order_that_is_not_there_is_named(archive: Archive) -> None:
    with pytest.raises(NotFound, match=r"^There is no order D2037-0009\."):
        find_order(archive.workspace.db, "D2037-0009")


# --- on the way -----------------------------------------------------------------------------------------------


def test_who_proposed_and_appraised_enters_no_signature_by_hand(archive: Archive) -> None:
    archive.register("both", "archivist", "appraiser")
    add_person(archive.workspace, NewPerson("hand-boss", "姓名", "P-1", ("approver",), ""), archive.keys["admin"])
    archive.file()
    both = archive.signer("both")
    order, _ = orders.propose_order(archive.workspace, None, both)
    orders.appraise_order(archive.workspace, order.order_id, Opinion("destroy"), both)
    paper = Paper("R9", "C001-9", 1, "", (), TODAY)
    boss = find_person(archive.workspace.db, "hand-boss")
    with pytest.raises(RefusedByRule) as refused:
        orders.approve_order(archive.workspace, order.order_id, OnPaper(boss, paper, TODAY, both))
    assert said(refused) == ("both proposed and appraised order D2037-0001 and cannot enter signatures on paper, too.",
                             "Let another archivist or administrator enter it.")
    # Another one comes further: to the paper itself.
    with pytest.raises(RefusedByRule, match="carries no code"):
        orders.approve_order(archive.workspace, order.order_id, OnPaper(boss, paper, TODAY, archive.signer("arch")))


def test_every_next_step_of_an_order_is_told(archive: Archive) -> None:
    workspace = archive.workspace
    order = archive.propose(archive.file())
    told = [str(orders.next_step(workspace, order))]
    order = archive.appraise(order)
    told.append(str(orders.next_step(workspace, order)))
    order = archive.approve(order)
    told.append(str(orders.next_step(workspace, order)))
    order = archive.sign(order, "sup1")
    told.append(str(orders.next_step(workspace, order)))
    order = archive.sign(order, "sup2")
    told.append(str(orders.next_step(workspace, order)))
    order = archive.sign(order, "sup3")
    told.append(str(orders.next_step(workspace, order)))
    assert told == [
        "Next: recordkit destruction appraise D2037-0001 (an opinion on every record).",
        "Next: recordkit destruction approve D2037-0001.",
        "Next: recordkit destruction sign D2037-0001, by 2 more supervisor(s).",
        "Next: recordkit destruction sign D2037-0001, by 1 more supervisor(s).",
        "Next: recordkit destruction execute D2037-0001.",
        "Next: recordkit destruction execute D2037-0001.",
    ]


def test_a_withdrawal_needs_a_reason_and_comes_once(archive: Archive) -> None:
    order = archive.propose(archive.file())
    with pytest.raises(InputRefused, match="needs a reason"):
        orders.withdraw_order(archive.workspace, order.order_id, " \n")
    assert orders.withdraw_order(archive.workspace, order.order_id, "重复").status(2) == "withdrawn"
    with pytest.raises(RefusedByRule) as refused:
        orders.withdraw_order(archive.workspace, order.order_id, "重复")
    assert said(refused) == ("Order D2037-0001 is withdrawn; this cannot be done with it now.",
                             "Make a new one with: recordkit destruction propose.")
    assert stopped_items(archive.workspace, find_order(archive.workspace.db, order.order_id)) == {}


def test_items_that_were_changed_or_are_gone_are_stopped_by_name_and_kept_ones_are_not_asked(archive: Archive) -> None:
    edited, gone, kept, stays = (archive.file(one) for one in "一二三四")
    order = archive.propose(edited, gone, kept, stays)
    order = archive.appraise(order, {edited: Opinion("destroy"), gone: Opinion("destroy"), kept: Opinion("keep"),
                                     stays: Opinion("destroy")})
    for record in (edited, kept):
        edit_record(archive.workspace, record, {"title": "改过"}, "更正")
    with archive.workspace.writing() as writer:
        writer.add("record.destroyed", {"record": gone, "order": "D2036-0001"})
        writer.commit()
    assert {record: str(why) for record, why in stopped_items(archive.workspace, order).items()} == {
        edited: "the record was changed after the order was proposed; propose it anew",
        gone: "the record or its object is not there"}


@pytest.mark.parametrize(("count", "lines"), [(20, 20), (22, 21)])
def test_at_most_twenty_stopped_items_are_named_and_the_rest_counted(
    archive: Archive, count: int, lines: int
) -> None:
    records = [archive.file(f"件{at}") for at in range(count)]
    order = archive.propose(*records)
    place_hold(archive.workspace, kind="debt", reason="欠款", records=records)
    archive.workspace.notices.clear()
    name_the_stopped(archive.workspace, order)
    told = [str(one) for one in archive.workspace.notices]
    assert len(told) == lines
    assert told[0].startswith("Stopped in order D2037-0001: C001-KF·2024-D10-KFZ-0001 - Held: unsettled debt (H")
    if count > 20:
        assert told[-1] == "2 more are stopped; 'recordkit destruction show D2037-0001' names them."


def test_an_item_that_could_not_be_removed_is_told_as_failed_and_an_order_is_entered_once(archive: Archive) -> None:
    record = archive.file()
    order = archive.signed(record)
    workspace = archive.workspace
    entered = next(entry for entry, _ in workspace.ledger.read() if entry.act == "order.proposed")
    with workspace.writing() as writer:
        writer.add("order.failed", {"order": order.order_id, "records": {record: "undeletable"}})
        writer.add("order.proposed", dict(entered.body))
        writer.commit()
    found = find_order(workspace.db, order.order_id)
    assert [(item.outcome, item.reason) for item in found.items] == [("failed", "undeletable")]
    assert [one.signers("order.signed") for one in list_orders(workspace.db)] == [["sup1", "sup2"]]
