from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from recordkit.model import Problem
from recordkit.templates.rows import RawRow, read_rows
from recordkit.templates.spec import FormSpec
from recordkit.templates.spec_reader import load_form_spec
from recordkit.templates.spreadsheet import CellError
from recordkit.templates.validate import sample_problems, validate_row, wanted_attachments

FORM = """
id = "contract"
name = "合同"
version = "1"
number = "合{seq}"
title = "{customer}"
[roles]
date = "day"
[[fields]]
key = "customer"
label = "用水人"
[[fields]]
key = "account"
label = "户号"
type = "account"
pattern = "[0-9]{8}"
[[fields]]
key = "day"
label = "日期"
type = "date"
[[fields]]
key = "kind"
label = "类别"
type = "choice"
choices = ["居民", "单位"]
default = "居民"
[[fields]]
key = "bank"
label = "账号"
type = "account"
required_if = "kind == '单位'"
sensitive = true
[[fields]]
key = "count"
label = "只数"
type = "integer"
required = false
[[fields]]
key = "rate"
label = "费率"
type = "decimal"
required = false
[[fields]]
key = "meters"
label = "水表"
type = "table"
required = false
columns = [{key = "no", label = "注册号"}, {key = "size", label = "口径", type = "calibre", required = false}]
[[fields]]
key = "old"
label = "起度"
type = "integer"
required = false
[[fields]]
key = "reading"
label = "行度"
type = "integer"
stage = "onsite"
required = true
[[rules]]
check = "meters|length == count"
fields = ["count", "meters"]
message = "只数不符"
[[rules]]
check = "rate <= 0.1"
fields = ["rate"]
message = "费率偏高"
level = "warning"
[[rules]]
check = "reading >= old"
fields = ["reading"]
message = "行度小于起度"
[[attachments]]
name = "身份证"
when = "kind == '居民'"
[[attachments]]
name = "申请"
"""
SPEC = load_form_spec(FORM.encode())
GOOD = {"用水人": "张三", "户号": "00000012", "日期": "2026-03-02"}


def check(values: Mapping[str, object], spec: FormSpec = SPEC) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in validate_row(spec, RawRow(1, values, {}))[1]]


def grid(values: Mapping[str, object], row: int = 7) -> RawRow:
    return RawRow(row, values, {name: f"{chr(65 + at)}{row}" for at, name in enumerate(values)})


def test_headings_may_be_labels_keys_or_labels_with_a_unit() -> None:
    for names in (
        ["用水人", "户号", "日期"],
        ["customer", "account", "day"],
        [" 用水人*", "户 号：", "日期（年月日）"],
    ):
        values, problems = validate_row(SPEC, RawRow(1, dict(zip(names, GOOD.values(), strict=True)), {}))
        assert problems == []
        assert values["account"] == "00000012"


def test_defaults_fill_empty_fields_and_onsite_fields_are_not_demanded() -> None:
    values, problems = validate_row(SPEC, grid(GOOD | {"类别": " "}))
    assert problems == []
    assert values["kind"] == "居民"
    assert values["count"] is None
    assert "reading" not in values


def test_all_problems_of_a_row_come_at_once_with_row_field_label_and_cell() -> None:
    raw = grid({"户号": "12", "日期": "2026-02-30", "用水人": None, "只数": "x", "用户": 1})
    found = [(p.row, p.field, p.label, p.cell, p.code) for p in validate_row(SPEC, raw)[1]]
    assert found == [
        (7, "", "用户", "E7", "unknown-field"),
        (7, "customer", "用水人", "C7", "required"),
        (7, "account", "户号", "A7", "pattern"),
        (7, "day", "日期", "B7", "wrong-type"),
        (7, "count", "只数", "D7", "wrong-type"),
    ]


def test_an_unknown_column_offers_the_nearest_name() -> None:
    problem = validate_row(SPEC, grid(GOOD | {"用水人名": "x"}))[1][0]
    assert "用水人" in problem.message.params.values()


def test_a_missing_column_of_a_sheet_is_told_from_an_empty_cell() -> None:
    assert [(p.field, p.code) for p in validate_row(SPEC, grid({"用水人": "a", "户号": "00000012"}))[1]] == [
        ("day", "missing-column")
    ]
    assert check({"用水人": "a", "户号": "00000012"}) == [("day", "required")]


def test_a_field_given_twice_is_refused() -> None:
    assert check(GOOD | {"customer": "李四"}) == [("customer", "duplicate")]


def test_required_if_follows_the_other_field() -> None:
    assert check(GOOD | {"类别": "单位"}) == [("bank", "required")]
    assert check(GOOD | {"类别": "居民"}) == []
    assert check(GOOD | {"类别": "别的"}) == [("kind", "choice")]


def test_a_rule_reports_at_its_first_field_and_exact_bounds_hold() -> None:
    raw = grid(GOOD | {"只数": 2, "水表": "A|15"})
    (problem,) = validate_row(SPEC, raw)[1]
    assert (problem.field, problem.label, problem.cell, problem.code) == ("count", "只数、水表", "D7", "rule")
    assert str(problem.message) == "只数不符"
    assert check(GOOD | {"费率": "0.1"}) == []
    values, (warning,) = validate_row(SPEC, grid(GOOD | {"费率": "0.11"}))
    assert warning.severity == "warning"
    assert values["rate"] == Decimal("0.11")


def test_a_rule_about_absent_or_refused_values_is_not_applied() -> None:
    assert check(GOOD | {"只数": 2}) == []
    assert check(GOOD | {"只数": "x", "水表": "A"}) == [("count", "wrong-type")]


def test_a_condition_that_cannot_be_computed_is_reported_not_raised() -> None:
    text = FORM.replace('check = "rate <= 0.1"', 'check = "customer < 1"').replace("kind == '单位'", "customer > 1")
    assert check(GOOD | {"类别": "单位"}, load_form_spec(text.encode())) == [("bank", "rule"), ("rate", "rule")]


def test_faults_in_a_table_name_line_and_column() -> None:
    (problem,) = validate_row(SPEC, grid(GOOD | {"水表": "A|15;B|16"}))[1]
    assert (problem.field, problem.label, problem.cell) == ("meters[2].size", "水表 2 口径", "D7")


def test_onsite_values_wait_for_their_stage() -> None:
    values, problems = validate_row(SPEC, grid(GOOD | {"行度": 5}))
    assert [(p.field, p.code, p.severity) for p in problems] == [("reading", "unknown-field", "warning")]
    assert "reading" not in values
    assert validate_row(SPEC, grid(GOOD | {"行度": None}))[1] == []


def test_on_return_the_onsite_fields_are_demanded_and_compared_with_what_was_issued() -> None:
    known = validate_row(SPEC, grid(GOOD | {"起度": 10}))[0]
    values, problems = validate_row(
        SPEC, RawRow(1, {"行度": 9, "文书编号": "合1"}, {}), "onsite", known=known, ignore=["文书编号"]
    )
    assert values == {"reading": 9}
    assert [(p.field, p.code) for p in problems] == [("reading", "rule")]
    assert validate_row(SPEC, RawRow(1, {"行度": 11}, {}), "onsite", known=known)[1] == []
    assert [p.code for p in validate_row(SPEC, RawRow(1, {}, {}), "onsite", known=known)[1]] == ["required"]


def test_an_error_cell_and_a_cell_without_heading_are_problems() -> None:
    raw = grid(GOOD | {"只数": CellError("#REF!"), "[E]": "x"})
    assert [(p.field, p.cell, p.code) for p in validate_row(SPEC, raw)[1]] == [
        ("", "E7", "unknown-field"),
        ("count", "D7", "wrong-type"),
    ]


def test_a_sensitive_value_never_stands_in_a_message() -> None:
    found = validate_row(SPEC, grid(GOOD | {"账号": "6222户0200111122223"}))[1]
    assert [problem.code for problem in found] == ["pattern"]
    assert "0200111122" not in str(found[0].message)


def test_a_sheet_read_and_checked_end_to_end() -> None:
    data = "用水人,户号,日期\n<b>甲 & 乙,00000012,2026年3月2日\n".encode("gb18030")
    (raw,) = read_rows(io.BytesIO(data), kind="csv").rows
    values, problems = validate_row(SPEC, raw)
    assert problems == []
    assert values["customer"] == "<b>甲 & 乙"


def test_the_samples_of_the_shipped_forms_are_valid() -> None:
    paths = sorted((Path(__file__).parents[2] / "forms").glob("*/form.toml"))
    assert paths
    for path in paths:
        for sample in path.parent.glob("sample.*"):
            for raw in read_rows(sample).rows:
                found = [(p.field, p.code, str(p.message)) for p in validate_row(load_form_spec(path), raw)[1]]
                assert found == [], sample


def test_attachments_follow_the_kind_of_customer() -> None:
    assert [one.name for one in wanted_attachments(SPEC, {"kind": "居民"})] == ["身份证", "申请"]
    assert [one.name for one in wanted_attachments(SPEC, {"kind": "单位"})] == ["申请"]


def test_samples_that_the_form_itself_refuses_are_found() -> None:
    text = FORM.replace('label = "户号"', 'label = "户号"\nexample = "12"').replace(
        'default = "居民"', 'default = "村民"'
    )
    found: list[Problem] = sample_problems(load_form_spec(text.encode()))
    assert [(p.field, p.code) for p in found] == [("account", "pattern"), ("kind", "choice")]


@pytest.mark.parametrize("module", ["openpyxl", "yaml", "stdnum", "docxtpl", "jinja2", "lxml"])
def test_importing_the_checks_does_not_load(module: str) -> None:
    root = Path(__file__).parents[2]
    code = f"import sys, recordkit.templates.validate; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
