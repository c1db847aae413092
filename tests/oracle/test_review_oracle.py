from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st
from retention_oracle import expected, months_in

from recordkit.archive.classes import RecordClass
from recordkit.retention.review import Event, Extension, Facts, Hold, decide

DAYS = st.dates(date(1990, 1, 1), date(2060, 12, 31)) | st.sampled_from([date(2024, 2, 29), date(2000, 2, 29)])
TYPES = ("contract-ended", "account-closed")


@settings(max_examples=400, deadline=None)
@given(
    formed=DAYS,
    period=st.sampled_from(["permanent", "1y", "4y", "10y", "30y", "1m", "13m", "18m"]),
    field=st.sampled_from(["", "ended"]),
    own=st.none() | DAYS,
    trigger=st.sampled_from(["date", "event"]),
    types=st.sampled_from([TYPES, TYPES[:1], TYPES[1:]]),
    start=st.sampled_from(["next-january", "trigger"]),
    events=st.lists(
        st.tuples(st.sampled_from([*TYPES, "case-closed"]), DAYS, st.sampled_from(["record", "account"])), max_size=5
    ),
    hold_ends=st.lists(st.none() | DAYS, max_size=2),
    extension=st.none() | st.just(("keep", None)) | st.tuples(st.just("extend"), DAYS),
    today=DAYS,
)
def test_review_decides_as_the_oracle_that_walks_through_the_days(
    formed, period, field, own, trigger, types, start, events, hold_ends, extension, today
):
    numbered = [(*event, seq) for seq, event in enumerate(events, 1)]
    record_class = RecordClass("c", "类", period, trigger=trigger, events=types, start=start, field=field)
    decision = decide(
        Facts("R1", "c", formed, own),
        [Event(kind, day, scope, seq) for kind, day, scope, seq in numbered],
        [Hold(f"H{position}", "debt", until) for position, until in enumerate(hold_ends)],
        record_class,
        today,
        None if extension is None else Extension("D2037-0001", extension[1]),
    )
    wanted = expected(
        formed=formed,
        months=months_in(period),
        field=field,
        own=own,
        trigger=trigger,
        types=types,
        start=start,
        events=numbered,
        hold_ends=hold_ends,
        extension=extension,
        today=today,
    )
    assert (decision.decision, decision.due) == wanted
    assert str(decision.reason)
