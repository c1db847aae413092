from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from recordkit.errors import InputRefused
from recordkit.templates.expressions import ExpressionFault, compile_expression
from recordkit.templates.spec import FormSpec, placeholders
from recordkit.templates.spec_reader import load_form_spec
from recordkit.templates.validate import sample_problems

FORMS = Path(__file__).parents[2] / "forms"
HEAD = """
id = "notice"
name = "通知"
version = "1"
number = "通〔{year}〕{seq:04}号"
title = "{户名}通知"
"""
ROLES = '[roles]\ndate = "day"\n'
FIELDS = """
[[fields]]
key = "customer"
label = "户名"
[[fields]]
key = "day"
label = "日期"
type = "date"
[[fields]]
key = "reading"
label = "行度"
type = "integer"
stage = "onsite"
[[fields]]
key = "meters"
label = "水表"
type = "table"
required = false
columns = [{key = "no", label = "注册号"}, {key = "size", label = "口径", type = "calibre", required = false}]
"""
GOOD = HEAD + ROLES + FIELDS


def load(text: str) -> FormSpec:
    return load_form_spec(text.encode())


def faults_of(text: str) -> list[tuple[str, str]]:
    with pytest.raises(InputRefused) as refused:
        load(text)
    assert refused.value.todo is not None
    return [(problem.field, problem.code) for problem in refused.value.problems]


def test_required_depends_on_the_stage_and_record_class_is_the_id() -> None:
    spec = load(GOOD)
    assert {one.key: one.required for one in spec.fields} == {
        "customer": True, "day": True, "reading": False, "meters": False,
    }  # fmt: skip
    assert spec.record_class == "notice"
    assert [one.key for one in spec.of_stage("onsite")] == ["reading"]
    assert spec.by_name["户名"] is spec.by_name["customer"]


def test_a_field_with_required_if_is_optional_otherwise_and_columns_have_the_stage_of_the_table() -> None:
    text = GOOD + '[[fields]]\nkey = "agent"\nlabel = "代理人"\nrequired_if = "户名 == \'水厂\'"\n'
    text += '[[fields]]\nkey = "signs"\nlabel = "签名"\ntype = "table"\nstage = "onsite"\n'
    text += 'columns = [{key="a", label="甲"}]\n'
    spec = load(text)
    assert not spec.by_name["agent"].required
    assert spec.by_name["signs"].columns[0].stage == "onsite"
    assert not spec.by_name["signs"].columns[0].required


def test_bounds_are_exact_decimals() -> None:
    spec = load(GOOD + '[[fields]]\nkey = "rate"\nlabel = "费率"\ntype = "decimal"\nmax = 0.1\n')
    assert spec.by_name["rate"].max == Decimal("0.1")


@pytest.mark.parametrize(
    ("added", "place", "code"),
    [
        ('key = "customer"\nlabel = "另名"', "fields 5 customer", "duplicate"),
        ('key = "x"\nlabel = "户名"', "fields 5 x", "duplicate"),
        ('key = "x"\nlabel = "Customer"', "fields 5 x", "duplicate"),
        ('key = "X y"\nlabel = "甲"', "fields 5 X y: key", "pattern"),
        ('key = "x"\nlabel = "户号/编号"', "fields 5 x: label", "pattern"),
        ('key = "x"\nlabel = "2号"', "fields 5 x: label", "pattern"),
        ('key = "loop"\nlabel = "甲"', "fields 5 loop", "pattern"),
        ('key = "x"\nlabel = "文书编号"', "fields 5 x", "duplicate"),
        ('key = "x"\nlabel = "甲"\ntype = "txt"', "fields 5 x: type", "wrong-type"),
        ('key = "x"\nlabel = "甲"\nrequired = "no"', "fields 5 x: required", "wrong-type"),
        ('key = "x"\nlabel = "甲"\nchoice = ["a"]', "fields 5 x: choice", "unknown-field"),
        ('key = "x"\nlabel = "甲"\ntype = "choice"', "fields 5 x: choices", "required"),
        ('key = "x"\nlabel = "甲"\nchoices = ["a"]', "fields 5 x: choices", "wrong-type"),
        ('key = "x"\nlabel = "甲"\npattern = "("', "fields 5 x: pattern", "pattern"),
        ('key = "x"\nlabel = "甲"\ntype = "integer"\nmin = 3\nmax = 2', "fields 5 x: min", "range"),
        ('key = "x"\nlabel = "甲"\ntype = "table"', "fields 5 x: columns", "required"),
        ('key = "x"\nlabel = "甲"\ntype = "table"\ncolumns = [{key="items", label="乙"}]', "fields 5 x columns 1 items",
         "pattern"),
        ('key = "x"\nlabel = "甲"\ntype = "table"\ncolumns = [{key="a"}]', "fields 5 x columns 1 a", "required"),
        ('key = "x"\nlabel = "甲"\nrequired_if = "客户 == 1"', "fields 5 x: required_if", "unknown-field"),
        ('key = "x"\nlabel = "甲"\nrequired_if = "reading > 1"', "fields 5 x: required_if", "unknown-field"),
        ('key = "x"\nlabel = "甲"\nrequired_if = "1 +"', "fields 5 x: required_if", "rule"),
        ('key = "x"\nlabel = "甲"\nrequired = true\nrequired_if = "true"', "fields 5 x: required_if", "rule"),
        ('key = "x"', "fields 5 x", "required"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_field_is_named_with_its_place(added: str, place: str, code: str) -> None:
    assert faults_of(GOOD + "[[fields]]\n" + added) == [(place, code)]


@pytest.mark.parametrize(
    ("text", "place", "code"),
    [
        (GOOD.replace('"day"\n', '"dya"\n', 1), "roles: date", "unknown-field"),
        (GOOD.replace('date = "day"', 'date = "customer"'), "roles: date", "wrong-type"),
        (HEAD + '[roles]\naccount = "customer"\n' + FIELDS, "roles", "required"),
        (HEAD + ROLES + 'meters = ["meters.nr"]\n' + FIELDS, "roles: meters", "unknown-field"),
        (HEAD + ROLES + 'party = "meters"\n' + FIELDS, "roles: party", "wrong-type"),
        (GOOD.replace("{户名}", "{行度}"), "title", "unknown-field"),
        (GOOD.replace("{户名}", "{户名:>4}"), "title", "pattern"),
        (GOOD.replace("{户名}", "{户名"), "title", "pattern"),
        ('file_name = "{meters}"' + GOOD, "file_name", "unknown-field"),
        (GOOD.replace("{seq:04}", "{nr}"), "number", "pattern"),
        ('numbering_date = "customer"' + GOOD, "numbering_date", "wrong-type"),
        ('acces = "open"' + GOOD, "acces", "unknown-field"),
        (GOOD.replace('id = "notice"', 'id = "../x"'), "id", "pattern"),
        (GOOD + '[[rules]]\ncheck = "nobody"\nmessage = "m"', "rules 1: check", "unknown-field"),
        (GOOD + '[[rules]]\ncheck = "true"\nmessage = "m"\nfields = ["no"]', "rules 1: fields", "unknown-field"),
        (GOOD + '[[attachments]]\nname = "证"\nwhen = "reading"', "attachments 1: when", "unknown-field"),
        ("fields = 1" + HEAD + ROLES, "fields", "wrong-type"),
    ],
)
def test_a_mistake_in_the_form_is_named_with_its_place(text: str, place: str, code: str) -> None:
    assert (place, code) in faults_of(text)


def test_all_mistakes_come_in_one_reading() -> None:
    text = (
        GOOD.replace("{户名}", "{x}") + '[[fields]]\nkey = "A"\nlabel = "a b"\n[[attachments]]\nname = "x"\nwhen = "("'
    )
    assert [place for place, _ in faults_of(text)] == [
        "fields 5 A: key",
        "fields 5 A: label",
        "title",
        "attachments 1: when",
    ]


@pytest.mark.parametrize("data", [b"id = ", b"\xff\xfe", b"id = 1" + b"0" * 5000])
def test_what_is_no_toml_is_refused_with_a_next_step(data: bytes) -> None:
    with pytest.raises(InputRefused) as refused:
        load_form_spec(data, name="some/form.toml")
    assert "some/form.toml" in str(refused.value.what)


def test_the_id_must_be_the_name_of_the_folder(tmp_path: Path) -> None:
    for name in ("notice", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "form.toml").write_text(GOOD, encoding="utf-8")
    assert load_form_spec(tmp_path / "notice").id == "notice"
    with pytest.raises(InputRefused, match="other"):
        load_form_spec(tmp_path / "other" / "form.toml")


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=r"form\.toml"):
        load_form_spec(tmp_path)


def test_placeholders_are_plain_names() -> None:
    assert placeholders("{number} {户名}x{{y}}") == ("number", "户名")
    for text in ("{0}", "{a.b}", "{a!r}", "{a[0]}", "{", "{}"):
        with pytest.raises(ValueError):
            placeholders(text)


def test_a_fraction_in_a_condition_is_exact() -> None:
    assert compile_expression("rate >= 0.1").value({"rate": Decimal("0.1")}) is True


@pytest.mark.parametrize("text", ["().__class__.__mro__", "x.__init__.__globals__", "(1).__class__()"])
def test_a_condition_cannot_reach_python(text: str) -> None:
    with pytest.raises(ExpressionFault):
        str(compile_expression(f"({text})|string").value({"x": "a"}))


def test_shipped_forms_load_and_their_samples_are_valid() -> None:
    paths = sorted(FORMS.glob("*/form.toml"))
    assert paths
    for path in paths:
        spec = load_form_spec(path)
        assert [(p.field, str(p.message)) for p in sample_problems(spec)] == [], path


PERSON = '[[fields]]\nkey = "agent"\nlabel = "经办人"\ntype = "person"\nmax_length = 20\nrequired = false\n'
ACCOUNT = '[[fields]]\nkey = "account"\nlabel = "户号"\ntype = "account"\n'
WITH_ACCOUNT = HEAD + ROLES + 'account = "account"\n' + FIELDS + ACCOUNT


def test_the_number_of_a_person_gets_into_no_title_file_name_or_catalogue() -> None:
    assert load(GOOD + PERSON).by_name["经办人"].is_masked
    assert faults_of(GOOD.replace("{户名}", "{经办人}") + PERSON) == [("title", "unknown-field")]
    assert faults_of('file_name = "{agent}"\n' + GOOD + PERSON) == [("file_name", "unknown-field")]
    assert faults_of(GOOD.replace('date = "day"', 'date = "day"\nparty = "agent"') + PERSON) == [
        ("roles: party", "wrong-type")
    ]


def test_a_gate_is_read_with_its_defaults() -> None:
    spec = load(WITH_ACCOUNT + '[[gates]]\nneeds = "approval"\nsame = ["account"]\n')
    (gate,) = spec.gates
    assert (gate.needs, gate.same, gate.state, gate.level) == ("approval", ("account",), "returned", "warning")
    (gate,) = load(GOOD + '[[gates]]\nneeds = "a"\nnumber = "customer"\nwhen = "户名 == \'甲\'"\n').gates
    assert gate.number == "customer"


@pytest.mark.parametrize(
    ("gate", "fault"),
    [
        ("same = ['account']", ("gates 1", "required")),
        ("needs = 'A!'\nsame = ['account']", ("gates 1: needs", "pattern")),
        ("needs = 'a'\nsame = ['customer']", ("gates 1: same", "required")),
        ("needs = 'a'\nsame = ['account', 'acount']", ("gates 1: same", "unknown-field")),
        ("needs = 'a'\nsame = ['account', 'meters']", ("gates 1: same", "wrong-type")),
        ("needs = 'a'\nnumber = 'reading'", ("gates 1: number", "unknown-field")),
        ("needs = 'a'\nnumber = 'account'\nstate = 'filed'", ("gates 1: state", "wrong-type")),
        ("needs = 'a'\nnumber = 'account'\nlevel = 'stop'", ("gates 1: level", "wrong-type")),
        ("needs = 'a'\nnumber = 'account'\nwithin_days = -1", ("gates 1: within_days", "range")),
        ("needs = 'a'\nnumber = 'account'\nwhen = 'reading > 1'", ("gates 1: when", "unknown-field")),
        ("needs = 'a'\nnumber = 'account'\nwhere = 'x >'", ("gates 1: where", "rule")),
    ],
)
def test_a_wrong_gate_is_refused_at_its_place(gate: str, fault: tuple[str, str]) -> None:
    assert faults_of(WITH_ACCOUNT + f"[[gates]]\n{gate}\n") == [fault]


def test_an_expression_sees_the_parts_of_a_person_and_nothing_outside_its_values() -> None:
    from recordkit.templates.fieldtypes import Person

    values = {"经办人": Person("张三", "110101190303070012"), "x": 2}
    assert compile_expression("经办人.姓名 == '张三' and x * 0.1 == 0.2").value(values) is True
    assert compile_expression("经办人.__class__").value(values) is None
    for text in ("y > 1", "经办人.电话 == 1", "x.__init__ == 1"):
        with pytest.raises(ExpressionFault):
            compile_expression(text).value(values)
    for text in ("x) %}{{ x }}{% set y = (2", "x }}{{ x", "x; x"):
        with pytest.raises(ExpressionFault):
            compile_expression(text)
