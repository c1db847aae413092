from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace as replaced
from datetime import date, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from recordkit.errors import InputRefused
from recordkit.settings import CalibreCycle, MetersSection
from recordkit.templates.due_sheets import notice_csv, notice_headings, notice_xlsx
from recordkit.templates.forms import load_form
from recordkit.templates.overage import DueMeters, cycle_of, due_date, find_due
from recordkit.templates.rows import RowSource, read_rows

FORM = load_form(None, "meter-change-notice").spec
RULES = MetersSection()
TODAY = date(2026, 11, 20)
HEADINGS = ("户号", "户名", "接水点编号", "地址", "联系电话", "口径", "表号", "检定日期", "Q3")
GOOD = ("0012003456", "魏堃", "JD-0301-0086", "柳荫街12号", "13900000021", "DN20", "S20201108", "2020-11-12", "2.5")


def register(*rows: Sequence[str], headings: Sequence[str] = HEADINGS) -> RowSource:
    text = "\n".join(",".join(row) for row in (headings, *rows))
    return read_rows(io.BytesIO(text.encode()), kind="csv")


def meter(**changed: str) -> tuple[str, ...]:
    names = dict(zip(("account", "name", "point", "address", "phone", "calibre", "no", "day", "q3"), GOOD, strict=True))
    return tuple({**names, **changed}.values())


def due(*rows: Sequence[str], within: int = 0, rules: MetersSection = RULES, as_of: date = TODAY) -> DueMeters:
    return find_due(FORM, register(*rows), rules, as_of, within)


@pytest.mark.parametrize(
    ("calibre", "years"),
    [(15, 6), (20, 6), (25, 6), (32, 4), (40, 4), (50, 4), (65, 2), (80, 2), (100, 2), (300, 2)],
)
def test_the_cycle_follows_the_calibre(calibre: int, years: int) -> None:
    found = cycle_of(calibre, None, RULES)
    assert found is not None
    assert found.years == years


def test_a_flow_above_16_shortens_the_cycle_and_16_does_not() -> None:
    for q3, years in (("16", 4), ("16.01", 2), ("25", 2)):
        found = cycle_of(40, Decimal(q3), RULES)
        assert found is not None
        assert (found.years, found.by_flow) == (years, years == 2)


def test_the_rule_of_the_flow_never_lengthens_a_cycle_and_can_be_switched_off() -> None:
    longer = cycle_of(100, Decimal(100), replace(RULES, q3_years=5))
    off = cycle_of(50, Decimal(25), replace(RULES, q3_years=0))
    assert longer is not None and off is not None
    assert (longer.years, longer.by_flow) == (2, False)
    assert off.years == 4


def test_a_calibre_beyond_the_table_has_no_cycle() -> None:
    assert cycle_of(65, None, replace(RULES, cycles=(CalibreCycle(50, 4),))) is None
    found = due(meter(calibre="DN65"), rules=replace(RULES, cycles=(CalibreCycle(50, 4),)))
    assert [(one.code, one.cell) for one in found.refused] == [("no-cycle", "F2")]


@pytest.mark.parametrize(
    ("start", "years", "end"),
    [
        (date(2020, 11, 12), 6, date(2026, 11, 12)),
        (date(2020, 2, 29), 6, date(2026, 2, 28)),
        (date(2020, 2, 29), 4, date(2024, 2, 29)),
        (date(2019, 2, 28), 1, date(2020, 2, 28)),
        (date(2020, 12, 31), 2, date(2022, 12, 31)),
    ],
)
def test_the_cycle_ends_on_the_same_day_of_the_year(start: date, years: int, end: date) -> None:
    assert due_date(start, years) == end


def test_a_meter_is_listed_from_its_last_day_on_and_overdue_the_day_after() -> None:
    row = meter(day="2020-11-20")
    assert [one.days for one in due(row).meters] == [0]
    assert due(row, as_of=TODAY - timedelta(days=1)).meters == ()
    assert [one.days for one in due(row, as_of=TODAY - timedelta(days=1), within=1).meters] == [1]
    assert [one.days for one in due(row, as_of=TODAY + timedelta(days=1)).meters] == [-1]


def test_the_most_overdue_meter_comes_first() -> None:
    found = due(meter(no="A1", day="2020-11-19"), meter(no="A2", day="2019-01-01"), meter(no="A3", day="2020-11-20"))
    assert [one.values["old_meter_no"] for one in found.meters] == ["A2", "A1", "A3"]


def test_every_problem_of_every_row_is_named_with_its_cell() -> None:
    found = due(
        meter(calibre="DN22"), meter(day=""), meter(calibre="", day="2020-13-01", q3="abc"), GOOD,
        meter(day="2062-02-28"),
    )
    assert [(one.row, one.cell, one.label, one.code) for one in found.refused] == [
        (2, "F2", "口径", "choice"),
        (3, "H3", "检定日期", "no-date"),
        (4, "F4", "口径", "required"),
        (4, "H4", "检定日期", "wrong-type"),
        (4, "I4", "Q3", "wrong-type"),
        (6, "H6", "检定日期", "range"),
    ]
    assert (found.rows, found.refused_rows, [one.row for one in found.meters]) == (5, 4, [5])


def test_a_fault_that_does_not_touch_the_date_leaves_the_meter_in_the_list() -> None:
    found = due(meter(phone="无"))
    assert [(one.cell, one.field, one.severity) for one in found.warnings] == [("E2", "phone", "warning")]
    assert (len(found.meters), found.to_correct) == (1, 1)
    assert found.meters[0].typed == {"phone": "无"}


def test_a_field_empty_in_one_row_is_a_warning_and_empty_in_all_is_to_be_filled() -> None:
    found = due(meter(point=""), meter(no="S2"))
    assert [(one.row, one.cell, one.field) for one in found.warnings] == [(2, "C2", "point_no")]
    assert [one.key for one in found.to_fill] == ["appointment", "fitter"]
    everywhere = due(meter(point=""))
    assert [one.key for one in everywhere.to_fill] == ["point_no", "appointment", "fitter"]
    assert (everywhere.warnings, everywhere.to_correct) == ((), 0)


def test_unknown_columns_are_ignored_but_said() -> None:
    found = find_due(FORM, register((*GOOD, "大表", "x"), headings=(*HEADINGS, "备注", "换表原因")), RULES, TODAY)
    assert [(one.label, one.code, one.row) for one in found.warnings] == [
        ("备注", "unknown-field", None), ("换表原因", "unknown-field", None)]
    assert found.meters[0].values["reason"] == "逾龄"


def test_headings_may_be_keys_labels_and_the_words_of_registers() -> None:
    names = ("account", "客户名称", "point_no", "用水地址", "电话", "口径（mm）", "旧表号", "old_meter_date",
             "常用流量Q3(m³/h)")
    found = find_due(FORM, register(GOOD, headings=names), RULES, TODAY)
    assert [one.label for one in found.warnings] == []
    assert found.meters[0].values["address"] == GOOD[3]


def test_two_columns_of_one_meaning_are_refused() -> None:
    with pytest.raises(InputRefused, match="表号 and 旧表号"):
        find_due(FORM, register((*GOOD, "S1"), headings=(*HEADINGS, "旧表号")), RULES, TODAY)


def test_a_title_line_is_not_taken_for_headings() -> None:
    with pytest.raises(InputRefused, match="heading of a meter register"):
        find_due(FORM, register(GOOD[:2], headings=("水表台账", "2026年")), RULES, TODAY)


def test_a_register_without_the_date_column_refuses_every_row_and_one_without_q3_says_so() -> None:
    found = find_due(FORM, register(GOOD[:7], GOOD[:7], headings=HEADINGS[:7]), RULES, TODAY)
    assert [(one.row, one.code, one.label) for one in found.refused] == [
        (2, "missing-column", "检定日期"), (3, "missing-column", "检定日期")]
    assert "Q3" in str(found.notes[0])
    assert due(GOOD).notes == ()


def test_the_cycle_may_count_from_the_installation() -> None:
    rules = replace(RULES, start="installation")
    found = find_due(FORM, register((*GOOD, "2020-11-21"), headings=(*HEADINGS, "安装日期")), rules, TODAY, 1)
    assert [(one.start, one.days) for one in found.meters] == [(date(2020, 11, 21), 1)]
    assert [one.label for one in due(GOOD, rules=rules).refused] == ["安装日期"]


def test_a_meter_in_two_rows_is_doubted() -> None:
    found = due(GOOD, meter(day="2020-11-13"))
    assert [(one.row, one.code) for one in found.warnings if one.code == "duplicate"] == [(3, "duplicate")]


def test_a_form_without_the_needed_fields_is_refused_by_name() -> None:
    poor = replaced(FORM, fields=tuple(one for one in FORM.fields if one.key != "old_meter_date"))
    with pytest.raises(InputRefused, match="old_meter_date"):
        find_due(poor, register(GOOD), RULES, TODAY)


@pytest.mark.parametrize("name", ["=1+1", "+8", "@x", "魏 & <堃>", "{{ 7*7 }}", "0012", "'0012"])
def test_a_name_stands_in_both_files_as_typed(name: str) -> None:
    found = due(meter(name=name))
    for kind, content in (("xlsx", notice_xlsx(FORM, found, str)), ("csv", notice_csv(FORM, found))):
        rows = list(read_rows(io.BytesIO(content), kind=kind).rows)
        assert [row.values["户名"] for row in rows] == [name]
        assert list(rows[0].values) == notice_headings(FORM)


def test_what_a_spreadsheet_cannot_hold_is_left_empty_and_was_warned_of() -> None:
    found = due(meter(address="柳荫街\x0b12号"))
    assert [one.code for one in found.warnings] == ["illegal-character"]
    rows = list(read_rows(io.BytesIO(notice_xlsx(FORM, found, str)), kind="xlsx").rows)
    assert rows[0].values["地址"] is None
