"""Every mistake that a schedule can have is named with its line and the next step, all of them in one run."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from recordkit.archive.classes import RecordClass, parse_scheme, read_draft
from recordkit.errors import InputRefused
from recordkit.retention.review import Event, Facts, decide
from recordkit.retention.schedule import shipped_schedule
from recordkit.retention.schedule_check import ScheduleFinding, Uses, check_schedule, unused_classes, uses_of

TAIL = """
[[classes]]
id = "appraisal-report"
name = "档案鉴定报告"
period = "permanent"
authority = "手册"

[[classes]]
id = "destruction-register"
name = "档案销毁清册"
period = "permanent"
authority = "手册"
"""


def checked(head: str, uses: Uses | None = None) -> list[ScheduleFinding]:
    return check_schedule((head + TAIL).encode(), "表.toml", uses)


def entry(**values: object) -> str:
    lines = {"id": "visit-record", "name": "回访记录", "period": "10y", "authority": "批准"} | values
    told = {key: f'"{value}"' if isinstance(value, str) else str(value).replace("'", '"')
            for key, value in lines.items() if value is not None}
    return "[[classes]]\n" + "\n".join(f"{key} = {value}" for key, value in told.items()) + "\n"


@pytest.mark.parametrize(
    ("values", "code", "said"),
    [
        ({"period": "10"}, "no-period", "neither 'permanent' nor like"),
        ({"period": "ten"}, "no-period", "visit-record"),
        ({"minimum": "5"}, "no-period", "visit-record"),
        ({"period": None}, "class-without-rule", "no period"),
        ({"id": None}, "rule-without-class", "no id"),
        ({"inherits": "nowhere", "period": None}, "rule-without-class", "nowhere"),
        ({"inherits": "visit-record", "period": None}, "inherits-itself", "visit-record"),
        ({"perriod": "10y"}, "unknown-key", "perriod"),
        ({"trigger": "event"}, "unreachable-trigger", "names none"),
        ({"trigger": "Date"}, "unreadable", "trigger"),
        ({"events": ["completed"]}, "unreachable-trigger", "start nothing"),
        ({"trigger": "event", "events": ["completed"], "field": "day"}, "unreachable-trigger", "field day"),
        ({"period": "permanent", "trigger": "event", "events": ["completed"]}, "unreachable-trigger", "permanent"),
        ({"period": "permanent", "field": "day"}, "unreachable-trigger", "permanent"),
        ({"field": "日期"}, "no-field", "日期"),
        ({"trigger": "event", "events": ["complete"]}, "unknown-event", "misspelt"),
        ({"trigger": "event", "events": ["销户"]}, "unknown-event", "销户"),
        ({"trigger": "event", "events": ["completed", "completed"]}, "repeated-event", "twice"),
        ({"period": "18m", "minimum": "2y"}, "below-minimum", "18 months is below the listed minimum of 2 years"),
        ({"period": "30y", "minimum": "permanent"}, "below-minimum", "minimum of permanent"),
        ({"period": "3y"}, "shorter", "3 years is shorter than the usual 10 years"),
        ({"authority": " "}, "no-authority", "nobody is named"),
    ],
)
def test_a_mistake_is_named_by_code_line_and_next_step(values: dict[str, object], code: str, said: str) -> None:
    # Two lines of comment stand above: the entry's head is the third line.
    found = [one for one in checked("# 一\n# 二\n" + entry(**values)) if one.code == code]
    assert [(one.number, one.line) for one in found] == [(1, 3)]
    assert said in str(found[0].message)
    assert str(found[0].todo)
    assert "line 3" in str(found[0].place)


def test_all_mistakes_of_a_file_come_in_one_run_in_the_order_of_the_file() -> None:
    found = checked(entry(period="x") + entry(id="other", name="别的", period="y") + entry(id="third", name="三",
                                                                                       authority=""))
    assert [(one.code, one.class_id, one.number) for one in found] == [
        ("no-period", "visit-record", 1), ("no-period", "other", 2), ("no-authority", "third", 3)]


def test_two_rules_for_one_class_are_named_at_the_second_and_the_store_refuses_the_file() -> None:
    text = entry() + entry(period="30y") + TAIL
    found = check_schedule(text.encode(), "表.toml")
    assert [(one.code, one.number, one.line) for one in found] == [("two-rules", 2, 6)]
    with pytest.raises(InputRefused, match="line 6.*stands twice"):
        parse_scheme(text.encode(), "表.toml")


def test_a_class_that_inherits_and_says_otherwise_is_named_with_both_values_and_its_own_counts() -> None:
    text = entry() + entry(id="call-record", name="来电记录", inherits="visit-record", start="trigger", period=None,
                           authority=None)
    (found,) = checked(text)
    assert (found.code, found.class_id) == ("contradicts", "call-record")
    assert "start is trigger here and next-january there" in str(found.message)
    taken = parse_scheme((text + TAIL).encode(), "t").get("call-record")
    assert (taken.period, taken.start, taken.authority) == ("10y", "trigger", "批准")


def test_a_rule_is_inherited_over_several_classes() -> None:
    text = (entry(trigger="event", events=["completed"])
            + entry(id="b", name="乙", inherits="visit-record", period=None)
            + entry(id="c", name="丙", inherits="b", period="30y"))
    scheme = parse_scheme((text + TAIL).encode(), "t")
    assert [(scheme.get(one).period, scheme.get(one).events) for one in "bc"] == [
        ("10y", ("completed",)), ("30y", ("completed",))]


def test_two_classes_of_one_name_are_named_at_the_second() -> None:
    (found,) = checked(entry(name="档案销毁清册"))
    assert (found.code, found.class_id) == ("same-name", "destruction-register")
    assert "visit-record" in str(found.message)


def test_classes_that_inherit_from_each_other_are_refused() -> None:
    text = (entry(id="a", name="甲", period=None, inherits="b") + entry(id="b", name="乙", period=None, inherits="a"))
    assert [one.code for one in checked(text)] == ["inherits-itself", "inherits-itself"]


def test_a_date_field_that_no_form_of_the_class_has_can_never_start_a_period() -> None:
    uses = Uses({}, {"visit-record": ("visit-record",)}, {"visit-record": frozenset({"visit_date"})})
    assert checked(entry(field="visit_date"), uses) == []
    (found,) = checked(entry(field="visited"), uses)
    assert (found.code, found.class_id) == ("unreachable-trigger", "visit-record")
    assert "visit_date" in str(found.todo)


def test_a_class_of_records_or_of_a_form_without_a_rule_is_named_with_what_hangs_on_it() -> None:
    uses = Uses({"visit-recrd": 7, "both": 2}, {"complaint": ("complaint",), "both": ("f1", "f2")}, {})
    found = {one.class_id: one for one in checked(entry(), uses)}
    assert set(found) == {"visit-recrd", "complaint", "both"}
    assert {one.code for one in found.values()} == {"class-without-rule"}
    assert "7 records" in str(found["visit-recrd"].message) and "visit-record" in str(found["visit-recrd"].todo)
    assert "f1, f2" in str(found["both"].message) and "2 records" in str(found["both"].message)


def test_the_protocol_of_a_handover_is_kept_for_ever_where_a_schedule_has_it() -> None:
    found = checked(entry(id="handover-record", period="10y"), Uses({}, {}, {}))
    assert ("not-permanent", "handover-record") in {(one.code, one.class_id) for one in found}
    assert checked(entry(id="handover-record", period="permanent"), Uses({}, {}, {})) == []
    (missing,) = checked(entry(), Uses({"handover-record": 1}, {}, {}))
    assert (missing.code, missing.class_id) == ("class-without-rule", "handover-record")


def test_rules_that_nothing_uses_are_told_and_are_no_mistake() -> None:
    uses = Uses({"call-record": 1}, {"visit-record": ("visit-record",)}, {})
    text = entry() + entry(id="call-record", name="来电") + entry(id="drawing", name="图纸", period="permanent") + TAIL
    assert check_schedule(text.encode(), "t", uses) == []
    assert [one.id for one in unused_classes(read_draft(text.encode(), "t"), uses)] == ["drawing"]


def test_an_event_type_of_the_office_s_own_is_no_mistake() -> None:
    assert checked(entry(trigger="event", events=["water-restored"])) == []


def test_a_file_without_the_list_of_classes_is_refused_whole() -> None:
    for text in ("classes = 3", "[classes]\nid = 'x'", "[[classes]\n", "\xff"):
        with pytest.raises(InputRefused, match="表.toml"):
            check_schedule(text.encode("latin-1"), "表.toml")


def test_a_list_written_in_one_line_is_named_by_entry() -> None:
    text = 'classes = [{id = "a", name = "甲", period = "x", authority = "批准"}]'
    found = check_schedule(text.encode(), "t")[0]
    assert (found.code, found.number, found.line, str(found.place)) == ("no-period", 1, None, "entry 1")


def test_the_shipped_schedule_may_be_written_by_windows_with_its_mark() -> None:
    assert parse_scheme(b"\xef\xbb\xbf" + shipped_schedule(), "t").get("visit-record").period == "10y"


@pytest.mark.parametrize(
    ("period", "start", "formed", "due"),
    [
        ("18m", "next-january", date(2024, 6, 1), date(2026, 7, 1)),
        ("1m", "trigger", date(2024, 1, 31), date(2024, 3, 1)),
        ("1m", "trigger", date(2023, 1, 29), date(2023, 3, 1)),
        ("12m", "trigger", date(2024, 2, 29), date(2025, 3, 1)),
        ("13m", "trigger", date(2024, 12, 31), date(2026, 1, 31)),
        ("6m", "trigger", date(2024, 8, 31), date(2025, 3, 1)),
        ("999y", "trigger", date(9500, 1, 1), date.max),
    ],
)
def test_a_period_in_months_never_ends_before_its_last_month_is_over(period, start, formed, due) -> None:
    one = RecordClass("c", "类", period, start=start)
    assert decide(Facts("R", "c", formed), [], [], one, date(2023, 1, 1)).due == due


def test_a_class_that_counts_from_a_date_field_waits_while_the_field_is_empty() -> None:
    one = RecordClass("c", "类", "10y", field="valid_until")
    empty = decide(Facts("R", "c", date(2000, 1, 1)), [Event("completed", date(2001, 1, 1), "record", 1)], [], one,
                   date(2090, 1, 1))
    assert (empty.decision, empty.due) == ("waiting", None) and "valid_until" in str(empty.reason)
    filled = decide(Facts("R", "c", date(2000, 1, 1), date(2030, 5, 5)), [], [], one, date(2040, 12, 31))
    assert (filled.decision, filled.due) == ("not-due", date(2041, 1, 1))


def test_the_code_of_a_period_in_months_is_not_that_of_years() -> None:
    assert [RecordClass("c", "类", one).period_code for one in ("permanent", "30y", "18m")] == ["Y", "D30", "M18"]


def test_a_form_that_cannot_be_read_uses_the_class_of_its_name_whose_fields_nobody_knows(tmp_path: Path) -> None:
    folder = tmp_path / "forms" / "own-form"
    folder.mkdir(parents=True)
    (folder / "form.toml").write_text("id = [", encoding="utf-8")
    uses = uses_of(tmp_path, None)
    assert (uses.forms["own-form"], uses.dates["own-form"]) == (("own-form",), None)
    assert uses.forms["visit-record"] == ("visit-record",)
