"""Events that filed papers let expect, by the rules that come with the program and by an office's own."""

from datetime import date

import pytest
from retention_store import TODAY, Archive

from recordkit import files
from recordkit.archive.classes import load_scheme, parse_scheme
from recordkit.archive.editing import edit_record
from recordkit.archive.filing import NewRecord, file_record
from recordkit.errors import InputRefused, NotFound
from recordkit.retention.events import add_event, event_words, list_events, withdraw_event
from recordkit.retention.proposals import (
    Proposal,
    ProposalRule,
    check_rules,
    choose_proposals,
    confirm_proposals,
    list_proposals,
    load_rules,
    parse_rules,
    reject_proposals,
)
from recordkit.retention.schedule import shipped_schedule

ACCOUNT = "0012003456"


def paper(archive: Archive, record_class: str, on: date, *, account: str | None = ACCOUNT, number: str | None = None,
          party: str | None = None, **fields: object) -> str:
    workspace = archive.workspace
    with workspace.writing() as writer, workspace.staging() as staging:
        scan = staging / "paper"
        files.write_atomic(scan, f"{record_class}{on}{account}{number}{party}{fields}".encode())
        new = NewRecord(record_class, f"{record_class} {on}", on, 1, {"original.txt": scan}, files.digests_of(scan),
                        number=number, form=record_class, fields=fields, extra={"account": account, "party": party})
        return file_record(writer, workspace, new, staging)


def proposed(archive: Archive) -> list[tuple[str, str, date, str]]:
    return [(one.record_id, one.type, one.date, one.paper) for one in list_proposals(archive.workspace)]


def confirm(archive: Archive, ids: list[str] | None, on: date | None = None) -> list[tuple[Proposal, str]]:
    return confirm_proposals(archive.workspace, choose_proposals(archive.workspace, ids), on=on)


def test_a_filed_transfer_ends_the_old_contract_and_not_the_new_one(archive: Archive) -> None:
    old = paper(archive, "supply-contract", date(2015, 3, 1), number="供合〔2015〕0007号", party="陈堃")
    new = paper(archive, "supply-contract", date(2026, 9, 20), number="供合〔2026〕0102号", party="魏冕")
    other = paper(archive, "supply-contract", date(2015, 3, 1), number="供合〔2015〕0008号", account="0012009999")
    transfer = paper(archive, "account-transfer", date(2026, 9, 1), former_customer="陈堃", customer_name="魏冕",
                     former_contract_no="供合[2015]0007号", completed_on="2026-10-08", decision="同意")
    assert proposed(archive) == [
        (old, "contract-ended", date(2026, 10, 8), transfer), (transfer, "completed", date(2026, 10, 8), transfer)]
    assert {archive.decision(one) for one in (old, new, other)} == {"waiting"}


def test_a_transfer_that_was_not_granted_ends_nothing(archive: Archive) -> None:
    paper(archive, "supply-contract", date(2015, 3, 1), party="陈堃")
    paper(archive, "account-transfer", date(2026, 9, 1), former_customer="陈堃", decision="不同意")
    assert proposed(archive) == []


def test_a_transfer_contract_itself_ends_the_one_before_it(archive: Archive) -> None:
    old = paper(archive, "supply-contract", date(2015, 3, 1), number="供合〔2015〕0007号", party="陈堃")
    new = paper(archive, "supply-contract", date(2026, 9, 20), number="供合〔2026〕0102号", party="魏冕",
                customer_kind="过户", former_customer="陈堃", transfer_date="2026-09-25")
    assert proposed(archive) == [(old, "contract-ended", date(2026, 9, 25), new)]


def test_a_filed_closing_closes_every_paper_of_the_account_that_waits_for_it(archive: Archive) -> None:
    contract = paper(archive, "supply-contract", date(2015, 3, 1))
    application = paper(archive, "water-application", date(2015, 2, 1))
    visit = paper(archive, "visit-record", date(2020, 2, 1))
    closing = paper(archive, "account-closing", date(2026, 9, 1), closed_on="2026-10-12", decision="同意")
    found = proposed(archive)
    assert {one for one, *_ in found} == {contract, application, closing} and visit not in {one for one, *_ in found}
    assert {(kind, day, by) for _, kind, day, by in found} == {("account-closed", date(2026, 10, 12), closing)}


def test_a_new_meter_change_closes_the_one_before_it_of_the_same_meter_only(archive: Archive) -> None:
    first = paper(archive, "meter-change-notice", date(2018, 5, 1), old_meter_no="A1", new_meter_no="A2",
                  changed_at="2018-05-06T09:00")
    slip = paper(archive, "meter-change-slip", date(2018, 5, 2), old_meter_no="A1", new_meter_no="X",
                 fitted_meter_no="A2")
    beside = paper(archive, "meter-change-notice", date(2018, 5, 1), old_meter_no="B1", new_meter_no="B2")
    second = paper(archive, "meter-change-notice", date(2024, 5, 1), old_meter_no="A2", new_meter_no="A3",
                   changed_at="2024-05-07T10:30")
    its_slip = paper(archive, "meter-change-slip", date(2024, 5, 3), old_meter_no="A2")
    third = paper(archive, "meter-change-notice", date(2030, 5, 1), old_meter_no="A3", new_meter_no="A4",
                  changed_at="2030-05-08T10:30")
    assert proposed(archive) == [
        (first, "next-replacement", date(2024, 5, 7), second), (slip, "next-replacement", date(2024, 5, 7), second),
        (second, "next-replacement", date(2030, 5, 8), third), (its_slip, "next-replacement", date(2030, 5, 8), third)]
    assert archive.decision(beside) == "waiting"


def test_of_papers_that_do_not_tell_the_meter_the_next_one_counts(archive: Archive) -> None:
    first = paper(archive, "meter-change-notice", date(2012, 5, 1))
    second = paper(archive, "meter-change-notice", date(2018, 5, 1))
    third = paper(archive, "meter-change-notice", date(2024, 5, 1))
    assert proposed(archive) == [(first, "next-replacement", date(2018, 5, 1), second),
                                 (second, "next-replacement", date(2024, 5, 1), third)]


def test_an_inspection_case_is_closed_by_the_check_that_found_it_put_right(archive: Archive) -> None:
    found_at = "2026-03-01T09:00"
    registration = paper(archive, "violation-registration", date(2026, 3, 1), number="违登1", found_at=found_at)
    approval = paper(archive, "violation-approval", date(2026, 3, 3), number="违批〔2026〕1号", found_at=found_at)
    elsewhere = paper(archive, "violation-approval", date(2026, 3, 3), number="违批〔2026〕2号")
    order = paper(archive, "rectification-order", date(2026, 3, 5), approval_no="违批〔2026〕1号", found_at=found_at,
                  rechecked_on="2026-04-02", recheck_result="部分整改")
    assert proposed(archive) == []
    edit_record(archive.workspace, order, {"recheck_result": "已整改"}, "复查")
    assert {(one, kind, day) for one, kind, day, _ in proposed(archive)} == {
        (one, "case-closed", date(2026, 4, 2)) for one in (registration, approval, order)}
    assert archive.decision(elsewhere) == "waiting"


def test_a_confirmed_proposal_is_an_event_with_its_paper_and_comes_no_more(archive: Archive) -> None:
    old = paper(archive, "supply-contract", date(1995, 3, 1))
    closing = paper(archive, "account-closing", date(2001, 9, 1), closed_on="2001-10-12")
    chosen = next(one for one in list_proposals(archive.workspace) if one.record_id == old)
    before = archive.workspace.db.cursor()
    assert "account" not in str(chosen.why) and "2001-10-12" in str(chosen.why)
    ((_, event_id),) = confirm(archive, [chosen.proposal_id.lower()])
    assert archive.workspace.db.cursor().seq == before.seq + 1
    (event,) = list_events(archive.workspace.db)
    assert (event.event_id, event.records, event.paper, event.date) == (event_id, (old,), closing, date(2001, 10, 12))
    assert archive.decision(old) == "due"
    assert [one for one, *_ in proposed(archive)] == [closing]
    with pytest.raises(NotFound):
        confirm(archive, [chosen.proposal_id])
    assert len(confirm(archive, None)) == 1
    assert proposed(archive) == [] and confirm(archive, None) == []


def test_a_person_may_confirm_with_the_right_day_but_none_ahead_and_none_for_several(archive: Archive) -> None:
    contract = paper(archive, "supply-contract", date(2015, 3, 1))
    paper(archive, "account-closing", date(2026, 9, 1), closed_on="2026-10-12")
    chosen = next(one for one in list_proposals(archive.workspace) if one.record_id == contract)
    for ids, on in (([chosen.proposal_id], date(2037, 3, 6)), (None, TODAY)):
        with pytest.raises(InputRefused):
            confirm(archive, ids, on)
    confirm(archive, [chosen.proposal_id], date(2026, 10, 31))
    assert list_events(archive.workspace.db)[0].date == date(2026, 10, 31)


def test_a_rejected_proposal_does_not_come_again_but_another_paper_may_propose(archive: Archive) -> None:
    contract = paper(archive, "supply-contract", date(2015, 3, 1))
    paper(archive, "account-closing", date(2026, 9, 1), decision="同意")
    chosen = next(one for one in list_proposals(archive.workspace) if one.record_id == contract)
    with pytest.raises(InputRefused):
        reject_proposals(archive.workspace, [chosen], " ")
    reject_proposals(archive.workspace, [chosen], "客户魏堃撤回申请")
    assert proposed(archive) == []
    archive.workspace.rebuild()
    assert proposed(archive) == []
    ledger = "".join(one.read_text() for one in (archive.root / "ledger").glob("*.jsonl"))
    assert "魏堃" not in ledger and "event.declined" in ledger
    later = paper(archive, "account-closing", date(2028, 9, 1), closed_on="2028-10-12")
    assert (contract, "account-closed", date(2028, 10, 12), later) in proposed(archive)


def test_what_was_settled_since_it_was_listed_is_not_entered_again(archive: Archive) -> None:
    paper(archive, "supply-contract", date(2015, 3, 1))
    paper(archive, "supply-contract", date(2016, 3, 1))
    paper(archive, "account-closing", date(2026, 9, 1), decision="同意")
    listed = list_proposals(archive.workspace)
    assert len(confirm_proposals(archive.workspace, listed[:1])) == 1
    reject_proposals(archive.workspace, listed[1:], "误会")
    assert confirm_proposals(archive.workspace, listed) == [] and reject_proposals(archive.workspace, listed, "x") == []
    assert len(list_events(archive.workspace.db)) == 1


def test_a_confirmed_event_that_was_withdrawn_is_not_proposed_again(archive: Archive) -> None:
    contract = paper(archive, "supply-contract", date(2015, 3, 1))
    paper(archive, "account-closing", date(2026, 9, 1), decision="同意")
    confirm(archive, None)
    event = next(one for one in list_events(archive.workspace.db) if contract in one.records)
    withdraw_event(archive.workspace, event.event_id, "未销户")
    assert event_words(archive.workspace, event.event_id).end == "未销户"
    assert proposed(archive) == [] and archive.decision(contract) == "waiting"


def test_nothing_is_proposed_where_the_period_has_begun_or_the_day_lies_ahead(archive: Archive) -> None:
    paper(archive, "supply-contract", date(2015, 3, 1))
    add_event(archive.workspace, "contract-ended", date(2020, 1, 1), account=ACCOUNT)
    paper(archive, "supply-contract", date(2015, 3, 1), account="2")
    paper(archive, "account-closing", date(2026, 9, 1), account="2", closed_on="2040-01-01", settled_on="")
    paper(archive, "account-closing", date(2019, 9, 1))
    assert proposed(archive) == []


def test_which_papers_propose_is_data_of_the_office(archive: Archive) -> None:
    call = paper(archive, "complaint", date(2020, 3, 1))
    report = paper(archive, "monthly-report", date(2026, 1, 31), decided="2026-02-03")
    contract = paper(archive, "supply-contract", date(2015, 3, 1))
    paper(archive, "account-closing", date(2026, 9, 1))
    path = archive.root / "retention.toml"
    text = path.read_text(encoding="utf-8").partition("[[proposals]]")[0]
    path.write_text(text + '[[proposals]]\npaper = "monthly-report"\nevent = "office-decision"\ndate = ["decided"]\n',
                    encoding="utf-8")
    assert proposed(archive) == [(call, "office-decision", date(2026, 2, 3), report)]
    path.write_text("proposals = []\n" + text, encoding="utf-8")
    assert proposed(archive) == []
    path.write_text(text, encoding="utf-8")
    assert contract in {one for one, *_ in proposed(archive)}, "without any rule, those of the program"


def test_a_wrong_rule_is_named_and_one_that_proposes_nothing_is_found(archive: Archive) -> None:
    path = archive.root / "retention.toml"
    path.write_text(path.read_text(encoding="utf-8") + "\n[[proposals]]\npaper = \"x\"\nevnt = \"y\"\n", "utf-8")
    with pytest.raises(InputRefused, match="evnt|event"):
        load_rules(archive.root)
    scheme = parse_scheme(shipped_schedule(), "retention.toml")
    assert check_rules(parse_rules(shipped_schedule(), "retention.toml") or (), scheme) == []
    wrong = (ProposalRule("complaint", "nonsense"), ProposalRule("complaint", "completed", ("visit-record",)))
    assert [one.code for one in check_rules(wrong, scheme)] == ["proposal-event", "proposal-target"]
    assert load_scheme(archive.root).classes.keys() == scheme.classes.keys()


def with_rules(archive: Archive, rules: str) -> None:
    path = archive.root / "retention.toml"
    path.write_text(path.read_text(encoding="utf-8").partition("[[proposals]]")[0] + rules, encoding="utf-8")


def test_a_proposal_says_which_paper_and_which_of_its_days_lets_expect_the_event(archive: Archive) -> None:
    paper(archive, "supply-contract", date(2015, 3, 1))
    by_own_day = paper(archive, "account-closing", date(2026, 9, 1))
    (one,) = (one for one in list_proposals(archive.workspace) if one.paper == by_own_day)
    name = load_scheme(archive.root).classes["account-closing"].name
    assert str(one.why) == f"{name} of 2026-09-01 is filed"
    assert one.told_by == ""
    paper(archive, "supply-contract", date(2015, 3, 1), account="2")
    by_field = paper(archive, "account-closing", date(2026, 9, 1), account="2", closed_on="2026-09-05")
    told = {str(one.why) for one in list_proposals(archive.workspace) if one.paper == by_field}
    assert told == {f"{name} is filed: closed_on 2026-09-05"}


def test_a_paper_that_lacks_a_needed_field_proposes_nothing(archive: Archive) -> None:
    call = paper(archive, "complaint", date(2020, 3, 1))
    with_rules(archive, '[[proposals]]\npaper = "monthly-report"\nevent = "office-decision"\nneeds = ["by", "seal"]\n')
    paper(archive, "monthly-report", date(2026, 1, 31), by="王")
    assert proposed(archive) == []
    report = paper(archive, "monthly-report", date(2026, 2, 28), by="王", seal="是")
    assert {(one[0], one[3]) for one in proposed(archive)} >= {(call, report)}


def test_a_paper_of_a_class_that_the_schedule_has_not_proposes_nothing(archive: Archive) -> None:
    paper(archive, "complaint", date(2020, 3, 1))
    with_rules(archive, '[[proposals]]\npaper = "no-such-class"\nevent = "completed"\n')
    assert proposed(archive) == []


def test_a_paper_without_an_account_may_tell_its_own_event(archive: Archive) -> None:
    own = paper(archive, "change-application", date(2026, 9, 1), account=None, completed_on="2026-09-03")
    assert proposed(archive) == [(own, "completed", date(2026, 9, 3), own)]
    early = paper(archive, "change-application", date(2026, 9, 1), account=None, completed_on="2026-08-31")
    assert early not in {one[0] for one in proposed(archive)}, "no paper is done before its own day"


def test_a_rule_with_a_key_that_there_is_not_is_named_with_its_place(archive: Archive) -> None:
    with_rules(archive, '[[proposals]]\npaper = "complaint"\nevent = "completed"\ntarget = ["x"]\nzz = 1\n'
                        'differs = ["y"]\nonly_ = {}\n')
    with pytest.raises(InputRefused, match=r"unknown key differs - at `\$\.proposals\[0\]`"):
        load_rules(archive.root)


def test_a_paper_whose_class_was_struck_out_of_the_schedule_proposes_nothing(archive: Archive) -> None:
    paper(archive, "supply-contract", date(2015, 3, 1))
    closing = paper(archive, "account-closing", date(2026, 9, 1))
    assert closing in {one[3] for one in proposed(archive)}
    less = shipped_schedule().replace(b'id = "account-closing"', b'id = "another"')
    files.write_atomic(archive.root / "retention.toml", less, overwrite=True)
    assert proposed(archive) == []


def test_of_two_papers_of_one_day_the_one_filed_first_speaks_and_today_is_no_day_ahead(archive: Archive) -> None:
    contract = paper(archive, "supply-contract", date(2015, 3, 1))
    first = paper(archive, "account-closing", date(2026, 9, 1), closed_on=TODAY.isoformat())
    paper(archive, "account-closing", date(2026, 9, 2), closed_on=TODAY.isoformat())
    (one,) = (one for one in list_proposals(archive.workspace) if one.record_id == contract)
    assert (one.paper, one.date) == (first, TODAY)
    assert len(one.proposal_id) == 9 and one.proposal_id.startswith("P")
    ((_, event),) = confirm(archive, [one.proposal_id], on=TODAY)
    assert next(found.date for found in list_events(archive.workspace.db) if found.event_id == event) == TODAY


def test_a_paper_may_be_done_on_its_own_day(archive: Archive) -> None:
    own = paper(archive, "change-application", date(2026, 9, 1), completed_on="2026-09-01")
    assert proposed(archive) == [(own, "completed", date(2026, 9, 1), own)]
