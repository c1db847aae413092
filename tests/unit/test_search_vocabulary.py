from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from recordkit.archive.classes import load_scheme
from recordkit.archive.search.parser import parse
from recordkit.archive.search.query import Is, Or, Query, Term
from recordkit.archive.search.vocabulary import BASIC, KEYWORD_ALIASES, name_of, vocabulary_of
from recordkit.errors import InputRefused
from recordkit.templates import forms as form_module
from recordkit.templates.forms import list_form_ids, list_form_names, load_form
from recordkit.templates.spec import FieldSpec

FORM = """
id = "meter-place"
name = "表位登记表"
name_en = "Meter place"
[[fields]]
key = "meter_position"
label = "表位"
label_en = "Meter position"
[[fields]]
key = "checked_on"
label = "检查日期（首次）"
[[fields]]
key = "party"
label = "户名"
[[fields]]
key = "seals"
label = "铅封表"
columns = [{key = "seal_no", label = "铅封编码"}, {key = "meter_position", label = "表位"}]
"""


def fields_of(query: Query) -> set[str | None]:
    return {one.field for one in (query.parts if isinstance(query, Or) else (query,)) if isinstance(one, Term)}


def add_form(store: Path, form_id: str, text: str) -> Path:
    path = store / "forms" / form_id / "form.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def names_and_keys() -> Iterator[tuple[FieldSpec, str]]:
    for form_id in list_form_ids(None):
        for field in load_form(None, form_id).spec.fields:
            for name in filter(None, (field.key, field.label, field.label_en)):
                yield field, name


def test_every_name_of_a_field_of_a_shipped_form_can_be_searched(store: Path) -> None:
    vocabulary = vocabulary_of(store)
    wrong, tried = [], 0
    keys = {field.key for field, _ in names_and_keys()}
    for field, name in names_and_keys():
        written = name_of(name)
        if written in KEYWORD_ALIASES or (written in keys and written != field.key):
            assert name == field.label_en, "the key and the Chinese label lead to it"
            continue
        found = fields_of(parse(f"{written}:张三丰", vocabulary))
        if written in BASIC.fields:
            assert found == set(BASIC.fields[written])
        elif f"fields.{field.key}" not in found:
            wrong.append(name)
        tried += 1
    assert wrong == []
    assert tried > 700


def test_a_key_of_a_form_field_means_that_field_alone(store: Path) -> None:
    for form_id in list_form_ids(None):
        for field in load_form(None, form_id).spec.fields:
            if field.key not in BASIC.fields:
                assert parse(f"{field.key}:张三丰", vocabulary_of(store)) == Term(f"fields.{field.key}", "张三丰")


def test_a_label_of_several_forms_means_each_of_their_fields(store: Path) -> None:
    vocabulary = vocabulary_of(store)
    assert fields_of(parse("办结日期:2026", vocabulary)) == {"fields.closed_on", "fields.completed_on"}
    assert fields_of(parse("reason:逾龄", vocabulary)) == {"fields.reason"}


def test_a_form_of_the_office_adds_its_names(store: Path) -> None:
    with pytest.raises(InputRefused, match="no field 表位"):
        parse("表位:厨房", vocabulary_of(store))
    add_form(store, "meter-place", FORM)
    vocabulary = vocabulary_of(store)
    for name in ("表位", "meter_position", "METER_POSITION", "表 位".replace(" ", ""), "Meterposition"):
        assert parse(f"{name}:厨房", vocabulary) == Term("fields.meter_position", "厨房")
    assert parse("检查日期(首次):2026-03", vocabulary) == Term("fields.checked_on", "2026-03")
    assert parse("户名:张三", vocabulary) == Term("party", "张三")
    assert parse("表单:表位登记", vocabulary) == Is("form", "meter-place")
    assert parse('表单:"Meter place"', vocabulary) == Is("form", "meter-place")


def test_the_name_of_a_column_means_its_table_unless_a_field_bears_it(store: Path) -> None:
    add_form(store, "meter-place", FORM)
    vocabulary = vocabulary_of(store)
    assert parse("铅封编码:123", vocabulary) == Term("fields.seals", "123")
    assert parse("表位:厨房", vocabulary) == Term("fields.meter_position", "厨房")
    assert parse("稽查证件号:123", vocabulary) == Term("fields.inspectors", "123")


def test_the_office_s_own_version_of_a_form_hides_the_shipped_one(store: Path) -> None:
    own = FORM.replace("meter-place", "repair-order").replace("表位登记表", "报修登记表")
    add_form(store, "repair-order", own)
    names = {one.id: one for one in list_form_names(store)}
    assert names["repair-order"].name == "报修登记表"
    with pytest.raises(InputRefused):
        parse("故障描述:漏水", vocabulary_of(store))


def test_a_changed_form_is_seen_and_a_broken_one_is_passed_over(store: Path) -> None:
    path = add_form(store, "meter-place", FORM)
    assert parse("表位:厨房", vocabulary_of(store)) == Term("fields.meter_position", "厨房")
    path.write_text(FORM.replace('label = "表位"', 'label = "表的位置"'), encoding="utf-8")
    os.utime(path, ns=(1, 1))
    assert parse("表的位置:厨房", vocabulary_of(store)) == Term("fields.meter_position", "厨房")
    for broken in ("[[fields]", "id = 3", "fields = 7", '[[fields]]\nkey = "a"', "name = 1\nfields = [1]", ""):
        path.write_text(broken, encoding="utf-8")
        assert parse("换表原因:逾龄", vocabulary_of(store)) == Term("fields.reason", "逾龄")
    path.write_bytes(b"\xff\xfe")
    assert parse("换表原因:逾龄", vocabulary_of(store)) == Term("fields.reason", "逾龄")


def test_every_class_of_the_schedule_and_every_form_can_be_named(store: Path) -> None:
    vocabulary = vocabulary_of(store)
    for one in load_scheme(store).classes.values():
        for name in (one.id, one.name):
            assert parse(f'类别:"{name}"', vocabulary) == Is("class", one.id)
    for form_id in list_form_ids(store):
        spec = load_form(store, form_id).spec
        for name in filter(None, (spec.id, spec.name, spec.name_en)):
            assert parse(f'表单:"{name}"', vocabulary) == Is("form", form_id)


def test_forms_and_classes_are_read_only_when_a_query_names_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def counted(root: Path | None) -> list[object]:
        read.append("forms")
        return []

    monkeypatch.setattr(form_module, "list_form_names", counted)
    # The folder is no store: reading its classes would be refused.
    vocabulary = vocabulary_of(tmp_path)
    query = "张三 户名:李四 日期:2026 年度:2026 密级:受限 保管期限:永久 fields.reason:逾龄 10:30"
    parse(query, vocabulary)
    assert read == ["forms"], "10: is no name that holds everywhere"
    parse(query.removesuffix(" 10:30"), vocabulary_of(tmp_path))
    assert read == ["forms"]


def test_names_of_forms_are_the_same_as_the_checked_forms_have(store: Path) -> None:
    for one in list_form_names(store):
        spec = load_form(store, one.id).spec
        assert (one.name, one.name_en) == (spec.name, spec.name_en)
        assert list(one.fields) == [field.key for field in spec.fields]
        assert {key: len(names) > 0 for key, names in one.columns.items()} == {
            field.key: True for field in spec.fields if field.columns
        }
