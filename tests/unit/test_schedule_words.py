"""The words of the schedule: event types, their names, periods; and the schedule that is shipped."""

from __future__ import annotations

import pytest

from recordkit.archive.classes import parse_scheme
from recordkit.errors import NotFound
from recordkit.retention.schedule import (
    EVENT_TYPES,
    event_name,
    event_types,
    shipped_schedule,
    shipped_scheme,
    told_period,
)


def test_a_class_that_is_not_there_is_answered_with_near_ones_by_name() -> None:
    scheme = parse_scheme(shipped_schedule(), "t")
    with pytest.raises(NotFound) as refused:
        scheme.get("来函")
    assert "来文 (incoming-letter)" in str(refused.value.todo)


def test_an_event_has_its_name_and_one_of_the_office_s_own_its_id() -> None:
    assert str(event_name("contract-ended")) == "contract ended"
    assert str(event_name("本局自定")) == "本局自定"


def test_a_store_knows_the_program_s_events_and_those_of_its_own_schedule() -> None:
    own = shipped_schedule().replace(b'events = ["contract-ended", "account-closed"]', b'events = ["own"]')
    assert event_types(parse_scheme(own, "x")) == {*EVENT_TYPES, "own"}
    assert event_types(shipped_scheme()) == set(EVENT_TYPES)


@pytest.mark.parametrize(("period", "told"), [("permanent", "permanent"), ("10y", "10 years"), ("30m", "30 months")])
def test_a_period_is_told_in_words(period: str, told: str) -> None:
    assert str(told_period(period)) == told


def test_the_shipped_schedule_is_one() -> None:
    scheme = shipped_scheme()
    assert scheme.digest == parse_scheme(shipped_schedule(), "x").digest
    assert {"visit-record", "supply-contract", "destruction-register"} <= set(scheme.classes)
