"""What an order refuses, whom, and in which words; what is told of items that are stopped on their way."""

from __future__ import annotations

from datetime import date

import pytest
from retention_store import TODAY, Archive, change

from recordkit.archive.catalogue import list_records
from recordkit.archive.editing import edit_record
from recordkit.archive.volume_acts import NewVolume, add_to_volume, open_volume
from recordkit.errors import InputRefused, NotFound, RefusedByRule
from recordkit.people import NewPerson, Person, add_person, find_person, list_people
from recordkit.retention import orders
from recordkit.retention.adoption import kept_schedule
from recordkit.retention.holds import place_hold
from recordkit.retention.order_state import (
    Opinion,
    Order,
    decided_remarks,
    find_order,
    list_orders,
    open_order_of,
    open_orders,
    parse_opinion,
)
from recordkit.retention.paper_route import printed_code
from recordkit.retention.signing import OnPaper, Paper, code_for, other_self, supervisor_account, what_is_signed
from recordkit.retention.stops import name_the_stopped, stopped_items
from recordkit.templates.registercode import RegisterCode


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
    found = find_order(archive.workspace.db, " D2037-0001 ")
    assert (found.status(2), found.proposed, found.manifest["format"]) == ("appraised", TODAY.isoformat(), 1)


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
    with pytest.raises(NotFound, match=r"^There is no order D2037-0009\.") as refused:
        find_order(archive.workspace.db, "D2037-0009")
    assert str(refused.value.todo) == "'recordkit destruction list' shows the orders."
    archive.propose(archive.file())
    with pytest.raises(NotFound) as refused:
        find_order(archive.workspace.db, "D2037-0010")
    assert "D2037-0001" in str(refused.value.todo)


def test_the_word_for_an_unusual_share_is_the_count_and_six_characters_of_the_digest(archive: Archive) -> None:
    one, two = archive.file("一"), archive.file("二")
    order = archive.appraise(archive.propose(one, two), {one: Opinion("destroy"), two: Opinion("keep")})
    assert order.confirmation == f"1-{order.digest[:6]}" and len(order.digest) == 64


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


def test_the_newest_report_of_a_complete_appraisal_is_that_of_the_order(archive: Archive) -> None:
    first, other = archive.propose(archive.file("一")), archive.propose(archive.file("二"))
    assert first.report is None
    reports = []
    for opinion in ("destroy", "keep"):
        first = archive.appraise(first, {first.items[0].record_id: parse_opinion(opinion)})
        reports.append(first.report)
        other = archive.appraise(other, {other.items[0].record_id: parse_opinion(opinion)})
    filed = [one.record_id for one in list_records(archive.workspace.db) if one.record_class == "appraisal-report"]
    assert (len(filed), reports) == (4, [filed[0], filed[2]])
    assert (first.report, other.report) == (filed[2], filed[3])
    archive.file("不是报告")
    archive.workspace.rebuild()
    assert find_order(archive.workspace.db, first.order_id) == first


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
    found = find_order(archive.workspace.db, order.order_id)
    assert found.withdrawn == TODAY.isoformat()
    assert stopped_items(archive.workspace, found) == {}


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


def test_a_signature_by_hand_is_entered_with_its_day_and_its_paper(archive: Archive) -> None:
    workspace = archive.workspace
    add_person(workspace, NewPerson("hand-boss", "姓名", "P-1", ("approver",), ""), archive.keys["admin"])
    order = archive.appraise(archive.propose(archive.file()))
    signed = what_is_signed(order.digest, opinions=order.opinions_digest)
    code = RegisterCode(workspace.store_tag, order.order_id, frozenset({"approve"}), signed[:15])
    paper = Paper(archive.file("扫描", record_class="drawing"), "C001-9", 1, "", (code,), TODAY)
    boss = find_person(workspace.db, "hand-boss")
    order = orders.approve_order(workspace, order.order_id, OnPaper(boss, paper, TODAY, archive.signer("arch")))
    assert order.status(2) == "approved"
    entered = workspace.db.all("SELECT entered_by, paper FROM order_papers")
    assert [tuple(row) for row in entered] == [("arch", paper.record)]
    assert [(one.person, one.day, one.route) for one in order.signatures if one.act != "order.proposed"] == [
        ("appr", TODAY.isoformat(), "key"), ("hand-boss", TODAY.isoformat(), "paper")]


def test_records_are_in_the_order_that_still_decides_about_them(archive: Archive) -> None:
    one, two, three = (archive.file(title) for title in "一二三")
    first, second = archive.propose(one, two), archive.propose(three)
    assert open_orders(archive.workspace.db) == {one: first.order_id, two: first.order_id, three: second.order_id}
    archive.appraise(first, {one: Opinion("keep")})
    assert open_orders(archive.workspace.db) == {two: first.order_id, three: second.order_id}
    orders.withdraw_order(archive.workspace, second.order_id, "重复")
    assert (open_order_of(archive.workspace.db, two), open_order_of(archive.workspace.db, three)) == (
        first.order_id, None)


def test_from_the_intent_on_an_order_is_being_executed_and_nothing_stops_it(archive: Archive) -> None:
    record = archive.file()
    order = archive.signed(record)
    with archive.workspace.writing() as writer:
        writer.add("order.intended", {"order": order.order_id, "records": [record], "place": "三号库房",
                                      "method": "粉碎", "actor": "sup1", "events": [], "holds": []})
        writer.commit()
    with pytest.raises(RefusedByRule, match="past the point of no return of order D2037-0001"):
        place_hold(archive.workspace, kind="debt", reason="欠款", records=[record])
    edit_record(archive.workspace, record, {"title": "改过"}, "更正")
    order = find_order(archive.workspace.db, order.order_id)
    assert (order.status(2), order.items[0].intended) == ("executing", True)
    assert stopped_items(archive.workspace, order) == {}
    assert str(orders.next_step(archive.workspace, order)) == (
        "Next: recordkit destruction execute D2037-0001 again, to finish it.")


def test_the_evidence_of_destruction_goes_into_no_order(archive: Archive) -> None:
    archive.propose(archive.file())
    (register,) = (one for one in list_records(archive.workspace.db) if one.record_class == "destruction-register")
    with pytest.raises(RefusedByRule, match="class destruction-register must be permanent: it is the evidence"):
        archive.propose(register.record_id)


def test_of_all_records_those_that_a_hold_keeps_from_an_order_are_told_if_they_would_be_due(archive: Archive) -> None:
    archive.file("到期")
    due, waiting = archive.file("冻结"), archive.file("待事件", record_class="supply-contract")
    place_hold(archive.workspace, kind="debt", reason="欠款", records=[due, waiting])
    _, refusals = orders.propose_order(archive.workspace, None, archive.signer("arch"))
    assert [one.record_id for one in refusals] == [due]


def on_paper(archive: Archive, order: Order, person: str, by: str = "arch", on: date = TODAY) -> OnPaper:
    """A signature by hand on the register as it would be printed now."""
    code = printed_code(archive.workspace, order)
    return OnPaper(find_person(archive.workspace.db, person), Paper("R9", "C001-9", 1, "", (code,), on), on,
                   archive.signer(by))


STEPS = {"approve": orders.approve_order, "sign": orders.sign_order, "complete": orders.complete_order}


def before(archive: Archive, step: str, record: str) -> Order:
    """An order that was proposed and appraised by one and the same person, right before a step."""
    both = archive.signer("both")
    order, _ = orders.propose_order(archive.workspace, [record], both)
    order = orders.appraise_order(archive.workspace, order.order_id, Opinion("destroy"), both)
    if step != "approve":
        order = archive.approve(order)
    if step == "complete":
        order = archive.sign(archive.sign(order, "sup1"), "sup2")
        order = archive.execute(order).order
    return order


@pytest.mark.parametrize("step", STEPS)
def test_at_every_step_on_paper_the_day_must_fit_and_a_second_key_is_needed(archive: Archive, step: str) -> None:
    archive.register("both", "archivist", "appraiser")
    order = before(archive, step, archive.file())
    person = "boss" if step == "approve" else "sup1"
    entries = archive.workspace.db.cursor().seq
    with pytest.raises(InputRefused, match="that day is yet to come"):
        STEPS[step](archive.workspace, order.order_id, on_paper(archive, order, person, on=date(2037, 3, 6)))
    with pytest.raises(RefusedByRule, match="^both proposed and appraised order D2037-0001 and cannot enter"):
        STEPS[step](archive.workspace, order.order_id, on_paper(archive, order, person, by="both"))
    assert archive.workspace.db.cursor().seq == entries
    STEPS[step](archive.workspace, order.order_id, on_paper(archive, order, person))
    assert archive.workspace.db.cursor().seq == entries + 1


def test_the_schedule_by_which_an_order_is_proposed_is_kept(archive: Archive) -> None:
    order = archive.propose(archive.file())
    kept = kept_schedule(archive.root, str(order.manifest["schedule"]))
    assert kept is not None and kept.digest == order.manifest["schedule"]


def test_an_item_whose_settings_were_loosened_is_stopped_at_every_step(archive: Archive) -> None:
    archive.register("both", "archivist", "appraiser")
    waiting = {step: before(archive, step, archive.file(step)) for step in STEPS}
    undecided, _ = orders.propose_order(archive.workspace, [archive.file("四")], archive.signer("both"))
    record = archive.file("五")
    change(archive, 'supervisor_excludes = ["proposer", "approver"]', "supervisor_excludes = []")
    acts = [lambda step=step: STEPS[step](archive.workspace, waiting[step].order_id,
                                          archive.signer("boss" if step == "approve" else "sup1")) for step in STEPS]
    for act in (*acts, lambda: archive.appraise(undecided), lambda: archive.propose(record)):
        with pytest.raises(RefusedByRule, match="supervisor_excludes"):
            act()


def test_an_order_that_is_finished_refuses_what_comes_late_and_says_so(archive: Archive) -> None:
    order = archive.execute(archive.signed(archive.file())).order
    told = [str(orders.next_step(archive.workspace, order))]
    for person in ("sup1", "sup2"):
        order = orders.complete_order(archive.workspace, order.order_id, archive.signer(person))
    told.append(str(orders.next_step(archive.workspace, order)))
    assert told == ["Next: recordkit destruction complete D2037-0001, by each supervisor.", "Nothing is left to do."]
    with pytest.raises(RefusedByRule) as refused:
        archive.sign(order, "sup3")
    assert said(refused) == ("Order D2037-0001 is completed; this cannot be done with it now.",
                             "Nothing is left to do.")


def test_a_completion_names_the_paper_originals_that_were_destroyed_and_no_others(archive: Archive) -> None:
    papers = sorted((archive.file(title, box=str(at)) for at, title in enumerate("一二三四")), reverse=True)
    bare = archive.file("五")
    order = archive.signed(*papers, bare)
    place_hold(archive.workspace, kind="debt", reason="欠款", records=[papers[1]])
    order = archive.execute(order).order
    orders.complete_order(archive.workspace, order.order_id, archive.signer("sup1"))
    second = archive.execute(archive.signed(archive.file("六"))).order
    orders.complete_order(archive.workspace, second.order_id, archive.signer("sup1"))
    statements = [entry.body["statement"] for entry, _ in archive.workspace.ledger.read()
                  if entry.act == "order.completed"]
    assert [one.get("papers") for one in statements] == [  # type: ignore[attr-defined]
        sorted({*papers} - {papers[1]}), None]


def test_whoever_signs_is_told_what_was_stopped_since(archive: Archive) -> None:
    record, other = archive.file("一"), archive.file("二")
    order = archive.propose(record, other)
    place_hold(archive.workspace, kind="debt", reason="欠款", records=[record])
    for step in (archive.appraise, archive.approve, lambda one: archive.sign(one, "sup1")):
        archive.workspace.notices.clear()
        order = step(order)
        assert [str(one).partition(":")[0] for one in archive.workspace.notices] == ["Stopped in order D2037-0001"]


def test_who_signs_twice_is_told_so_by_the_own_name_alone(archive: Archive) -> None:
    order = archive.sign(archive.approve(archive.appraise(archive.propose(archive.file()))), "sup1")
    todo = "Let another person sign; 'recordkit people list' shows who may."
    with pytest.raises(RefusedByRule) as refused:
        archive.sign(order, "sup1")
    assert said(refused) == ("sup1 has signed already; the supervisors must be different people.", todo)
    archive.register("again", "supervisor", staff_no="S-sup1")
    with pytest.raises(RefusedByRule) as refused:
        archive.sign(order, "again")
    assert said(refused) == ("again and sup1 are one human being (same staff number or key), and sup1 has signed "
                             "already; the supervisors must be different people.", todo)
