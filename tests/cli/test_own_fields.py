"""Metadata fields that an office adds in recordkit.toml: checked, filed, edited, shown, found, asked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Cli
from papers import pdf_bytes

from recordkit.archive.catalogue import find_record
from recordkit.archive.metadata import CORE
from recordkit.archive.metadata_groups import GROUPS
from recordkit.archive.search.vocabulary import FIELD_ALIASES, KEYWORD_ALIASES
from recordkit.archive_settings import RESERVED, ArchiveSection, OwnField, wrong_in_archive
from recordkit.workspace import Workspace

FIELDS = """
[[archive.fields]]
key = "project"
label = "工程名称"
label_en = "Project"
required = true

[[archive.fields]]
key = "stage"
label = "工程阶段"
type = "choice"
choices = ["设计", "竣工"]
classes = ["visit-record"]

[[archive.fields]]
key = "accepted_on"
label = "验收日期"
type = "date"
"""


@pytest.fixture
def office(cli: Cli) -> Cli:
    """The command line on a store whose office has fields of its own."""
    path = cli.store / "recordkit.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[engines]", FIELDS + "\n[engines]"), encoding="utf-8")
    return cli


def paper(tmp_path: Path, name: str = "甲.pdf") -> Path:
    path = tmp_path / name
    path.write_bytes(pdf_bytes(text=name))
    return path


def filed(office: Cli, tmp_path: Path, *sets: str, name: str = "甲.pdf") -> dict[str, object]:
    arguments = [part for one in sets for part in ("--set", one)]
    found = office.json("ingest", paper(tmp_path, name), "--class", "visit-record", "--no-ocr", *arguments)
    return dict(found["items"][0])


def test_a_field_of_the_office_is_filed_shown_found_and_edited(office: Cli, tmp_path: Path) -> None:
    item = filed(office, tmp_path, "工程名称=柳荫街管网改造", "stage=竣工", "验收日期=2026年3月5日", "户号=0012005101")
    assert item["findings"] == []
    shown = office.json("show", item["code"])
    assert shown["fields"] == {"project": "柳荫街管网改造", "stage": "竣工", "accepted_on": "2026-03-05"}
    assert shown["groups"]["内容描述"]["工程名称"] == "柳荫街管网改造"
    assert re.search(r"^工程名称：柳荫街管网改造$", office("show", item["code"], lang="zh"), re.MULTILINE)
    for query in ("工程名称:柳荫街", "project:管网改造", "Project:柳荫街", "工程阶段:竣工",
                  "工程名称:柳荫街 工程阶段:竣工"):
        assert office.json("search", query)["total"] == 1, query
    assert office.json("search", "工程名称:文昌巷")["total"] == 0
    assert office.json("search", "工程阶段:柳荫街")["total"] == 0
    office("search", "工程名字:柳荫街", expect=3)
    assert "工程名称" in office.err
    office("edit", item["code"], "--set", "工程名称=文昌巷管网改造", "--reason", "更正")
    office("edit", item["code"], "--set", "stage=验收", "--reason", "更正", expect=3)
    assert "工程阶段" in office.err
    assert office.json("search", "工程名称:文昌巷")["total"] == 1
    assert office.json("search", "工程名称:柳荫街")["total"] == 0


def test_a_required_field_that_is_missing_is_a_finding_and_no_refusal(office: Cli, tmp_path: Path) -> None:
    item = filed(office, tmp_path, "户号=0012005101")
    assert item["outcome"] == "archived"
    assert [(one["code"], "工程名称" in one["message"]) for one in item["findings"]] == [  # type: ignore[attr-defined]
        ("missing-field", True)]


def test_wrong_values_and_fields_of_other_classes_are_refused_before_anything_is_filed(
    office: Cli, tmp_path: Path
) -> None:
    source = paper(tmp_path)
    for given, told in (("工程阶段=动工", "工程阶段"), ("验收日期=2026-13-40", "验收日期"), ("工程=甲", "工程名称")):
        office("ingest", source, "--class", "visit-record", "--no-ocr", "--set", given, expect=3)
        assert told in office.err
    office("ingest", source, "--class", "supply-contract", "--no-ocr", "--set", "工程阶段=设计", expect=3)
    assert "工程阶段" in office.err and "supply-contract" in office.err
    assert source.exists() and office.json("search", "*")["total"] == 0


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('key = "project"', 'key = "Project"', "archive.fields[0].key"),
        ('key = "project"', 'key = "code"', "archive.fields[0].key"),
        ('key = "project"', 'key = "stage"', "archive.fields[1].key"),
        ('label = "工程名称"', 'label = "题名"', "archive.fields[0].label"),
        ('label = "工程名称"', 'label = "档号"', "archive.fields[0].label"),
        ('label = "工程名称"', 'label = "工程阶段"', "archive.fields[1].label"),
        ('label = "工程名称"', 'label = ""', "archive.fields[0].label"),
        ('label = "工程名称"', 'label = "工程:名称"', "archive.fields[0].label"),
        ('label_en = "Project"', 'label_en = "Title"', "archive.fields[0].label_en"),
        ('choices = ["设计", "竣工"]', "", "archive.fields[1].choices"),
        ('choices = ["设计", "竣工"]', 'choices = ["设计", "设计"]', "archive.fields[1].choices"),
        ("required = true", "requird = true", "archive.fields[0].requird"),
        ('type = "date"', 'type = "day"', "archive.fields[2].type"),
    ],
)
def test_a_field_that_cannot_be_is_named_by_its_place_when_the_settings_are_read(
    office: Cli, old: str, new: str, told: str
) -> None:
    path = office.store / "recordkit.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    # The commented example stands first and is no setting.
    head, own, rest = text.partition(FIELDS)
    path.write_text(head + own.replace(old, new) + rest, encoding="utf-8")
    for lang in ("en", "zh"):
        office("config", "check", expect=3, lang=lang)
        assert told in office.err


def test_config_check_names_a_class_that_the_schedule_does_not_have(office: Cli) -> None:
    office("config", "check")
    path = office.store / "recordkit.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('classes = ["visit-record"]', 'classes = ["visit-recrod"]')
                    .replace("[[archive.fields]]\nkey = \"project\"",
                             "class_codes = { supply = \"HT\" }\n[[archive.fields]]\nkey = \"project\""),
                    encoding="utf-8")
    office("config", "check", expect=3)
    assert "archive.fields[1].classes" in office.err and "visit-recrod" in office.err
    assert "archive.class_codes names the class supply" in office.err


def test_the_example_in_new_settings_is_sound_when_its_marks_are_taken_away(cli: Cli) -> None:
    path = cli.store / "recordkit.toml"
    text = path.read_text(encoding="utf-8")
    begin = text.index("# [[archive.fields]]")
    end = text.index("\n\n", begin)
    path.write_text(text[:begin] + re.sub(r"^# ", "", text[begin:end], flags=re.MULTILINE) + text[end:],
                    encoding="utf-8")
    cli("config", "check")
    assert cli.json("config", "show")["archive"]["fields"][0]["label"] == "工程名称"


def test_what_the_program_itself_writes_and_searches_is_no_name_for_a_field(
    office: Cli, tmp_path: Path, workspace: Workspace
) -> None:
    item = filed(office, tmp_path, "户号=1")
    workspace.catch_up()
    metadata = find_record(workspace.db, str(item["code"])).metadata
    names = {*metadata, *FIELD_ALIASES, *KEYWORD_ALIASES,
             *(name for one in CORE for name in (one.key, one.label))}
    assert names <= RESERVED
    for one in CORE:
        own = ArchiveSection(fields=(OwnField("own", "自定", one.label_en),))
        assert [one.key for one in wrong_in_archive(own, "KFZ")] == ["archive.fields[0].label_en"]


def test_the_metadata_of_a_record_stands_in_the_groups_of_the_standard(office: Cli, tmp_path: Path) -> None:
    item = filed(office, tmp_path, "工程名称=甲工程", "户号=0012005101", "盒号=A-3", "题名=甲走访")
    groups = office.json("show", item["code"])["groups"]
    assert tuple(groups) == GROUPS
    assert groups["档号"]["档号"] == item["code"] and groups["档号"]["件号"] == 1
    assert groups["内容描述"]["题名"] == "甲走访" and groups["内容描述"]["户号"] == "0012005101"
    assert groups["存储位置"]["盒号"] == "A-3" and groups["电子属性"]["格式信息"] == "PDF"
    assert groups["权限"]["控制标识"] == "开放" and groups["管理过程"]["归档人"].startswith("os:")
