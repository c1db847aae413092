"""The guides to forms are true: what they tell to type, run and save is done, and what they show is what comes."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from conftest import Cli
from guides import ROOT, Block, Walk, blocks_of, missing_lines, texts_of

from recordkit.templates.fieldtypes import parse
from recordkit.templates.fieldvalues import Person
from recordkit.templates.render import Letterhead, Renderer
from recordkit.templates.spec import (
    AttachmentSpec,
    FieldSpec,
    FieldType,
    FormSpec,
    GateSpec,
    RoleSpec,
    RuleSpec,
)

PAGES = {"en": ROOT / "docs" / "forms.md", "zh": ROOT / "docs" / "forms.zh-CN.md"}
DAY = "2026-11-22"
both = pytest.mark.parametrize("language", ["en", "zh"])


def walk(language: str, folder: Path, monkeypatch: pytest.MonkeyPatch, *, with_office: bool) -> Walk:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("RECORDKIT_LANG", language)
    tour = Walk(DAY)
    for block in blocks_of(PAGES[language]):
        if with_office or "office" not in block.task:
            tour.go(block)
    return tour


@both
def test_every_step_of_the_guide_does_what_is_shown(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tour = walk(language, tmp_path, monkeypatch, with_office=False)
    assert "\n\n".join(tour.faults) == ""
    assert tour.calls > 30


@pytest.mark.office
@both
def test_the_steps_with_libreoffice_do_what_is_shown(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, office: str
) -> None:
    tour = walk(language, tmp_path, monkeypatch, with_office=True)
    assert "\n\n".join(tour.faults) == ""


def test_a_line_that_does_not_come_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tour = Walk(DAY)
    tour.go(Block("text", ("typed", "a.docx"), ("甲", "| 乙 | 丙 |")))
    tour.go(Block("text", ("read", "a.docx"), ("甲", "| 乙 | 丙 |")))
    assert tour.faults == []
    tour.go(Block("text", ("read", "a.docx"), ("丁",)))
    tour.go(Block("console", (), ("$ recordkit forms show visit-record", "no such line")))
    assert [fault.splitlines()[:2] for fault in tour.faults] == [
        ["a.docx", "  not there: 丁"], ["forms show visit-record", "  not there: no such line"],
    ]


def test_both_languages_show_the_same_steps() -> None:
    def steps(page: Path) -> list[tuple[str, ...]]:
        found: list[tuple[str, ...]] = []
        for block in blocks_of(page):
            if block.language == "console":
                found += [(line,) for line in block.lines if line.startswith(("$", "  >"))]
            elif block.task and block.task[0] not in ("pictures", "cells"):
                found.append((block.language, *block.task, *block.lines))
            elif not block.task:
                found.append((block.language, *(line.partition("#")[0].rstrip() for line in block.lines)))
        return found

    assert steps(PAGES["en"]) == steps(PAGES["zh"])


@both
def test_every_key_and_type_of_a_form_is_explained(language: str) -> None:
    text = PAGES[language].read_text(encoding="utf-8")
    named = {name for row in re.findall(r"^\| (`.+?) \|", text, re.MULTILINE) for name in re.findall(r"`(\w+)", row)}
    told = {name for name in re.findall(r"`(\w+)", text)}
    in_tables = {one.name for spec in (FormSpec, FieldSpec, GateSpec) for one in dataclasses.fields(spec)}
    elsewhere = {one.name for spec in (RuleSpec, AttachmentSpec, RoleSpec) for one in dataclasses.fields(spec)}
    # exclusive_min stands in the row of min
    assert {*in_tables, *get_args(FieldType)} - named - {"exclusive_min"} == set()
    assert elsewhere | {"exclusive_min"} <= told


@both
def test_what_a_type_is_said_to_take_it_takes(language: str) -> None:
    text = PAGES[language].read_text(encoding="utf-8")
    tried = 0
    plain = {"integer", "decimal", "money", "date", "instant", "calibre", "yes_no", "person"}
    for kind, taken in re.findall(r"^\| `(\w+)` \| [^|`]+ \| (`(?:\\\||[^|])+) \|$", text, re.MULTILINE):
        if kind not in plain:
            continue
        field = FieldSpec(key="a", label="a", type=kind)
        for example in re.findall(r"`([^`{}]+)`", taken):
            read = parse(example.replace("\\|", "|"), field)
            assert not read.refused, (kind, example)
            tried += 1
    assert tried > 25


@both
def test_the_table_of_tags_shows_what_is_printed(language: str, tmp_path: Path) -> None:
    text = PAGES[language].read_text(encoding="utf-8")
    table = text.partition("<!-- printed -->")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\{\{.+?\}\})` \| ?(.*?) ?\|$", table, re.MULTILINE)
    assert len(rows) > 10
    tags = [tag.replace("\\|", "|") for tag, _ in rows]
    labels = {
        "押金": "money", "日期": "date", "时间": "instant", "已加铅封": "yes_no", "备注": "text", "经办人": "person",
    }
    fields = tuple(FieldSpec(key=f"field_{at}", label=label, type=kind, required=False)  # type: ignore[arg-type]
                   for at, (label, kind) in enumerate(labels.items()))
    spec = FormSpec(id="a", name="表", version="1", number="{seq}", title="a", roles=RoleSpec(date="field_1"),
                    fields=fields)
    given = [Decimal("107000.53"), date(2026, 3, 2), datetime(2026, 3, 2, 9, 5), True, None,
             Person("张三", "110101190303070012")]
    values = {one.key: value for one, value in zip(fields, given, strict=True)}
    tour = Walk(DAY)
    template = tmp_path / "t.docx"
    tour.go(Block("text", ("typed", str(template)), tuple(tags)))
    template.write_bytes(Renderer(spec, template.read_bytes()).render(
        values, Letterhead("1", "", "", date(2026, 1, 1)), None))
    assert [one for one in texts_of(template) if one or "" in dict(rows).values()] == [shown for _, shown in rows]
    capitals = Letterhead("1", "", "", date(2026, 1, 1), money_jiao_suffix=True, money_zero_style="after-wan")
    tour.go(Block("text", ("typed", str(tmp_path / "c.docx")), ("{{ 押金|大写 }}",)))
    renderer = Renderer(spec, (tmp_path / "c.docx").read_bytes())
    for amount, end in (("107000.53", "壹拾万零柒仟元伍角叁分"), ("100.50", "伍角整")):
        template.write_bytes(renderer.render({"field_0": Decimal(amount)}, capitals, None))
        assert next(texts_of(template)).endswith(end)
        assert end in text


def _shown_in(language: str, task: str) -> tuple[str, ...]:
    (block,) = [one for one in blocks_of(PAGES[language]) if one.task == (task,)]
    return block.lines


@both
def test_what_is_said_of_cells_is_what_generate_says(language: str, cli: Cli, tmp_path: Path) -> None:
    import openpyxl

    headings = ("客户", "户号", "地址", "电话", "回访人", "回访方式", "回访时间", "事项", "处理结果")
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(headings)
    at = datetime(2026, 11, 18, 15)
    for number in range(2, 11):
        place = (f"客户{number}", f"00120051{number:02}", f"文昌巷{number}号")
        sheet.append((*place, None, "夏玥", "上门", at, "水压低", "已处理"))
    sheet["B2"] = 12005121
    sheet["B3"] = 12005122
    sheet["B3"].number_format = "0000000000"
    sheet["B4"] = 10**15 + 1
    sheet["C5"] = date(2026, 3, 2)
    sheet["G6"] = 45980.5
    sheet["G6"].number_format = "General"
    sheet["C7"] = "=A2&B2"
    sheet.merge_cells("E8:E9")
    sheet.merge_cells("H10:I10")
    book.save(tmp_path / "a.xlsx")
    out = cli("generate", "visit-record", "--data", tmp_path / "a.xlsx", "--dry-run", expect=4, lang=language)
    assert missing_lines(_shown_in(language, "cells"), out + cli.err) == []
    assert (out + cli.err).count(" B3 ") == 0


@both
def test_what_is_said_of_the_code_pictures_is_what_the_check_says(language: str, cli: Cli, tmp_path: Path) -> None:
    import docx

    def shrink(header: Any) -> None:
        for one in header.iter("{*}extent"):
            one.set("cx", "360000")
            one.set("cy", "360000")

    def remove(header: Any) -> None:
        for one in list(header.iter("{*}drawing")):
            one.getparent().remove(one)

    def rename(header: Any) -> None:
        for one in header.iter("{*}docPr"):
            one.set("descr", "")

    printed = ""
    changes: list[Callable[[Any], None]] = [shrink, remove, rename]
    for change in changes:
        folder = tmp_path / change.__name__ / "visit-record"
        shutil.copytree(ROOT / "forms" / "visit-record", folder)
        document = docx.Document(str(folder / "template.docx"))
        change(document.sections[0].header._element)
        document.save(str(folder / "template.docx"))
        printed += cli("forms", "check", folder, lang=language)
    assert missing_lines(_shown_in(language, "pictures"), printed) == []


def test_every_shipped_form_stands_in_the_list_of_forms() -> None:
    text = (ROOT / "forms" / "README.md").read_text(encoding="utf-8")
    shipped = {path.parent.name for path in (ROOT / "forms").glob("*/form.toml")}
    assert set(re.findall(r"`([a-z]+-[a-z-]+|complaint)` [一-鿿]", text)) == shipped
