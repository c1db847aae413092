"""What an office may write about codes, fields and terms of its archive, and which fault each mistake is."""

from __future__ import annotations

from pathlib import Path

import pytest

from recordkit.archive.classes import load_scheme, parse_scheme
from recordkit.archive_settings import (
    ArchiveSection,
    OwnField,
    _wrong_in_code,
    _wrong_in_fields,
    code_parts,
    meaning_of_term,
    wrong_in_archive,
)
from recordkit.errors import InputRefused, NotFound
from recordkit.model import WrongSetting
from recordkit.retention.schedule import shipped_schedule


def keys(*fields: OwnField) -> list[str]:
    return [one.key for one in _wrong_in_fields(fields)]


def wrong(**settings: object) -> list[str]:
    return [one.key for one in wrong_in_archive(ArchiveSection(**settings), "KFZ")]  # type: ignore[arg-type]


def code_faults(**settings: object) -> list[WrongSetting]:
    return list(_wrong_in_code(ArchiveSection(**settings), "KFZ"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "faults"), [("{fonds", 1), ("{fonds}-{category}-{year}", 2), ("{fonds}-{category}-{seq}-{seq}", 1)])
def test_a_template_without_its_one_item_number_is_not_looked_at_further(code: str, faults: int) -> None:
    assert [one.key for one in code_faults(code=code, fonds="")] == ["archive.code"] * faults


def test_the_pieces_of_a_template_are_those_between_its_braces() -> None:
    parts = code_parts("A{fonds}-{seq:04}{seq:12}{year}B")
    assert parts is not None
    assert [(one.kind, one.text, one.width) for one in parts] == [
        ("text", "A", 1), ("fonds", "{fonds}", 1), ("text", "-", 1), ("seq", "{seq:04}", 4), ("seq", "{seq:12}", 12),
        ("year", "{year}", 1), ("text", "B", 1)]
    for wrong in ("{year:04}", "{fonds", "fonds}", "{volume}", "{}"):
        assert code_parts(wrong) is None


@pytest.mark.parametrize(
    ("volume_code", "meets"),
    [
        ("{fonds}-{category}·{year}-{office}-AJ{seq:04}", False),
        ("{fonds}-{category}·{year}-D10-{office}-{seq:04}", True),
        ("{fonds}-{category}·{year}-M{seq}-{office}-{seq:04}", True),
        ("{fonds}-{category}·{year}-Y-{office}-{seq:04}", True),
        ("{fonds}-{category}·{year}-Z10-{office}-{seq:04}", False),
        ("{fonds}-{category}·{year}-D10-{office}-{seq:02}", True),
        ("{fonds}-{category}·{year}-D10-{office}-{seq:04}号", False),
        ("{fonds}-{category}·{seq}-D10-{office}-{seq:04}", True),
        ("{fonds}-AJ", True),
    ],
)
def test_no_volume_may_have_a_code_that_a_record_could_have(volume_code: str, meets: bool) -> None:
    assert wrong(volume_code=volume_code) == ["archive.volume_code"] * meets


def test_a_class_in_a_template_stands_for_any_text() -> None:
    for volume_code, meets in (("{fonds}-AJ·{seq:04}", True), ("{fonds}-·{seq:04}", False)):
        found = wrong(code="{fonds}-{class}·{seq:04}", volume_code=volume_code)
        assert found == ["archive.volume_code"] * meets


@pytest.mark.parametrize(
    ("name", "value"),
    [("fonds", ""), ("fonds", "x" * 41), ("fonds", "甲 乙"), ("fonds", "{x"), ("category", "K\nF"),
     ("class_codes", {"a": ""}), ("class_codes", {"a": "x}"})],
)
def test_a_value_that_cannot_stand_in_a_code_is_named_by_its_key(name: str, value: object) -> None:
    code = "{fonds}-{category}·{class}-{seq:04}"
    (found,) = code_faults(code=code, **{name: value})
    assert found.key == (f"archive.{name}" if isinstance(value, str) else "archive.class_codes.a")
    assert code_faults(code=code, fonds="x" * 40) == []


def test_each_mistake_in_a_field_of_the_office_is_named() -> None:
    assert keys(OwnField("project", "工程", "Project"), OwnField("stage", "阶段", type="choice", choices=("甲",))) == []
    at = "archive.fields[0]"
    for key in ("", "Project", "1a", "a-b", "a" * 41):
        assert keys(OwnField(key, "工程")) == [f"{at}.key"]
    assert keys(OwnField("a" * 40, "程" * 40)) == []
    for label in ("", " 工程", "程" * 41, "工=程", "工：程", "工\n程", "[工]"):
        assert keys(OwnField("project", label)) == [f"{at}.label"]
    assert keys(OwnField("project", "工 程")) == []
    assert keys(OwnField("title", "工程")) == [f"{at}.key"]
    assert keys(OwnField("project", "题名", "TITLE")) == [f"{at}.label", f"{at}.label_en"]
    assert keys(OwnField("a", "甲", "A1"), OwnField("a", "乙", "B1"), OwnField("c", "乙", "A1")) == [
        "archive.fields[1].key", "archive.fields[2].label", "archive.fields[2].label_en"]
    assert keys(OwnField("a", "甲", type="choice")) == [f"{at}.choices"]
    assert keys(OwnField("a", "甲", choices=("x",))) == [f"{at}.choices"]
    for choices in (("x", "x"), ("x", " ")):
        assert keys(OwnField("a", "甲", type="choice", choices=choices)) == [f"{at}.choices"]


def test_what_an_old_term_stands_for_is_a_period_and_never_shortens_for_ever() -> None:
    for term, period, key in (("长期", "50y", None), ("长期", "999y", None), ("长期", "9999m", None),
                              ("长期", "permanent", None), ("永久", "permanent", None), ("长期", "0y", "长期"),
                              ("长期", "1000y", "长期"), ("长期", "50", "长期"), (" ", "50y", " "),
                              ("永 久", "50y", "永 久"), ("y", "50y", "y")):
        assert wrong(old_terms={term: period}) == ([] if key is None else [f"archive.old_terms.{key}"])
    terms = ("20年", "定期20年", "D20", "Y", "d030", "长", "D0")
    assert [meaning_of_term(term, {"２０年": "30y"}) for term in terms] == [
        "30y", "20y", "20y", "permanent", "30y", "", ""]


def test_a_store_without_schedule_and_a_class_without_period_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="The store has no retention schedule"):
        load_scheme(tmp_path)
    with pytest.raises(InputRefused):
        parse_scheme('[[classes]]\nid = "a"\nname = "甲"\n'.encode(), "retention.toml")
    with pytest.raises(InputRefused, match="class a has no period and inherits none"):
        parse_scheme('[[classes]]\nid = "a"\nname = "甲"\nperiod = ""\n'.encode(), "retention.toml")


def test_a_class_that_is_not_there_is_answered_with_near_ones(tmp_path: Path) -> None:
    (tmp_path / "retention.toml").write_bytes(shipped_schedule())
    scheme = load_scheme(tmp_path)
    assert scheme.get("visit-record") is scheme.get("回访记录") is scheme.classes["visit-record"]
    for name, near in (("visit-recrod", "回访记录 (visit-record)"), ("完全不是", f"{next(iter(scheme.classes))})")):
        with pytest.raises(NotFound) as refused:
            scheme.get(name)
        assert str(refused.value.what) == f"There is no record class {name}."
        assert near in str(refused.value.todo)
