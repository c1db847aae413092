from datetime import date

import pytest

from recordkit.archive.classes import RecordClass
from recordkit.retention.circumstances import day_in
from recordkit.retention.review import Event, Extension, Facts, Hold, decide, governing, months_after
from recordkit.retention.schedule import EVENT_TYPES, shipped_schedule, shipped_scheme
from recordkit.retention.schedule_check import check_schedule, uses_of

VISIT = RecordClass("visit-record", "回访记录", "10y")
CONTRACT = RecordClass(
    "supply-contract", "供用水合同", "30y", trigger="event", events=("contract-ended", "account-closed")
)
FORMED = Facts("R1", "visit-record", date(2024, 6, 1))


def test_ten_years_formed_in_2024_run_through_2034_and_are_due_from_2035():
    last = decide(FORMED, [], [], VISIT, date(2034, 12, 31))
    first = decide(FORMED, [], [], VISIT, date(2035, 1, 1))
    assert (last.decision, last.due, last.start) == ("not-due", date(2035, 1, 1), date(2025, 1, 1))
    assert (first.decision, first.rule) == ("due", "visit-record 10y")


def test_a_period_that_starts_on_29_february_is_due_on_1_march_when_that_day_does_not_exist():
    own_day = RecordClass("x", "类", "1y", start="trigger")
    decision = decide(Facts("R1", "x", date(2024, 2, 29)), [], [], own_day, date(2025, 2, 28))
    assert (decision.decision, decision.due) == ("not-due", date(2025, 3, 1))


def test_a_record_whose_event_is_unknown_waits_however_old_it_is():
    decision = decide(Facts("R1", "supply-contract", date(1950, 1, 1)), [], [], CONTRACT, date(2090, 1, 1))
    assert (decision.decision, decision.due) == ("waiting", None)
    assert "contract-ended" in str(decision.reason)


def test_the_newest_correction_of_a_records_own_event_counts_and_goes_before_the_accounts():
    events = [
        Event("contract-ended", date(2000, 1, 1), "record", 5),
        Event("contract-ended", date(2010, 1, 1), "record", 9),
        Event("contract-ended", date(1999, 1, 1), "account", 11),
    ]
    decision = decide(Facts("R1", "supply-contract", date(1990, 1, 1)), events, [], CONTRACT, date(2030, 1, 1))
    assert decision.start == date(2011, 1, 1)


def test_an_accounts_closing_before_the_record_was_formed_does_not_start_its_period():
    events = [Event("account-closed", date(2010, 5, 1), "account", 3)]
    decision = decide(Facts("R1", "supply-contract", date(2015, 1, 1)), events, [], CONTRACT, date(2090, 1, 1))
    assert decision.decision == "waiting"


def test_a_hold_wins_over_everything_and_names_its_kind_and_the_day_it_would_be_due():
    decision = decide(FORMED, [], [Hold("H1", "litigation")], VISIT, date(2040, 1, 1))
    assert (decision.decision, decision.due) == ("held", date(2035, 1, 1))
    assert "litigation" in str(decision.reason) and "2035-01-01" in str(decision.reason)
    permanent = RecordClass("x", "类", "permanent")
    assert decide(FORMED, [], [Hold("H1", "debt")], permanent, date(2040, 1, 1)).decision == "held"


@pytest.mark.parametrize(("today", "told"), [(date(2036, 5, 1), False), (date(2036, 5, 2), True)])
def test_a_hold_past_its_day_still_stands_and_the_reason_says_so(today, told):
    decision = decide(FORMED, [], [Hold("H1", "debt", date(2036, 5, 1))], VISIT, today)
    assert decision.decision == "held"
    assert ("H1 is past its day 2036-05-01" in str(decision.reason)) is told


def test_a_decision_to_extend_counts_through_its_day_and_never_shortens_a_period():
    until = Extension("D2035-0001", date(2040, 12, 31))
    assert decide(FORMED, [], [], VISIT, date(2040, 12, 31), until).decision == "not-due"
    assert decide(FORMED, [], [], VISIT, date(2041, 1, 1), until).decision == "due"
    early = Extension("D2035-0001", date(2030, 1, 1))
    assert decide(FORMED, [], [], VISIT, date(2034, 1, 1), early).due == date(2035, 1, 1)


def test_a_decision_to_keep_makes_a_record_permanent():
    decision = decide(FORMED, [], [], VISIT, date(2090, 1, 1), Extension("D2035-0001", None))
    assert (decision.decision, decision.due) == ("permanent", None)


def test_a_record_of_a_class_that_the_schedule_lost_is_never_due():
    assert decide(FORMED, [], [], None, date(2090, 1, 1)).decision == "waiting"


def test_the_shipped_schedule_has_no_findings_and_the_promised_periods():
    scheme = shipped_scheme()
    assert check_schedule(shipped_schedule(), "retention.toml", uses_of(None, None)) == []
    assert {one: scheme.get(one).period for one in ("visit-record", "supply-contract", "destruction-register")} == {
        "visit-record": "10y", "supply-contract": "30y", "destruction-register": "permanent",
    }
    assert scheme.get("stop-order").access == "restricted"
    assert {event for one in scheme.classes.values() for event in one.events} == set(EVENT_TYPES)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('events = ["next-replacement"]', 'events = ["next-replacment"]', "unknown-event"),
        ('id = "visit-record"\n', 'id = "visit-record"\nevents = ["completed"]\n', "unreachable-trigger"),
        ('id = "drawing"\n', 'id = "drawing"\nevents = ["completed"]\n', "unreachable-trigger"),
        ('name = "回访记录"\nperiod = "10y"', 'name = "回访记录"\nperiod = "3y"', "shorter"),
        ('name = "档案销毁清册"\nperiod = "permanent"', 'name = "档案销毁清册"\nperiod = "10y"', "not-permanent"),
        ('id = "appraisal-report"', 'id = "other-report"', "missing-class"),
    ],
)
def test_a_mistake_in_the_schedule_is_found_by_its_code(old, new, code):
    text = shipped_schedule().decode()
    assert old in text
    found = check_schedule(text.replace(old, new, 1).encode(), "retention.toml")
    assert code in {finding.code for finding in found}


OWN_DAY = RecordClass("x", "类", "1y", start="trigger")


def test_a_period_that_would_end_behind_the_last_day_there_is_ends_on_it():
    assert months_after(date(9998, 6, 1), 12) == date(9999, 6, 1)
    assert months_after(date(9999, 12, 31), 12) == date.max
    assert decide(Facts("R1", "x", date(9999, 6, 1)), [], [], OWN_DAY, date(9999, 12, 30)).due == date.max


def test_a_record_kept_until_the_very_day_it_is_due_is_due_the_day_after():
    until = Extension("D2035-0001", date(2035, 1, 1))
    assert decide(FORMED, [], [], VISIT, date(2035, 1, 1), until).due == date(2035, 1, 2)
    assert decide(FORMED, [], [], VISIT, date(2035, 1, 1), Extension("D", date.max)).due == date.max


def test_a_hold_is_told_by_the_name_of_its_kind_once_and_by_every_id():
    holds = [Hold("H1", "debt"), Hold("H2", "own words"), Hold("H3", "debt")]
    told = str(decide(FORMED, [], holds, VISIT, date(2030, 1, 1)).reason)
    assert told.startswith("Held: unsettled debt / own words (H1, H2, H3). Otherwise: formed on 2024-06-01"), told


@pytest.mark.parametrize("period", ["permanent", "10y"])
def test_which_of_equal_records_governs_a_volume_does_not_depend_on_their_order(period):
    kind = RecordClass("a", "甲", period, trigger="date" if period == "permanent" else "event", events=("completed",))
    members = [(Facts(one, "a", date(2020, 1, 1)), [], kind) for one in ("R3", "R1", "R2")]
    found = governing("V", members)
    assert (found.record_id, found.outcome) == ("R1", "permanent" if period == "permanent" else "waiting")


@pytest.mark.parametrize(
    ("value", "day"),
    [("2026-03-02", date(2026, 3, 2)), ("2026-03-02T08:30", date(2026, 3, 2)), ("2026年", None), ("", None),
     (None, None), (["2026-03-02"], None), ("2026-02-30", None)],
)
def test_a_date_field_holds_a_day_or_none_is_guessed(value, day):
    assert day_in(value) == day
