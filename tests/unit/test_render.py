"""A form's template filled with validated values: what is printed, and how a refusal reads."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from docx import Document

from recordkit.errors import InputRefused
from recordkit.templates.code import PrintedCode, blank_picture
from recordkit.templates.forms import load_form
from recordkit.templates.render import Letterhead, Renderer
from recordkit.templates.spec import FormSpec

HEAD = Letterhead("访〔2026〕0001号", "清源市自来水有限公司", "客户服务中心", date(2026, 11, 20))


def visit() -> FormSpec:
    return load_form(None, "visit-record").spec


def template(*paragraphs: str) -> bytes:
    document = Document()
    for text in paragraphs:
        document.add_paragraph(text)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def lines(package: bytes) -> list[str]:
    return [one.text for one in Document(io.BytesIO(package)).paragraphs]


def test_the_money_style_is_chosen_by_document_without_a_new_renderer() -> None:
    renderer = Renderer(visit(), template("{{ subject|大写 }}"))
    values = {"subject": Decimal("107000.53")}
    assert lines(renderer.render(values, HEAD, None)) == ["人民币壹拾万柒仟元零伍角叁分"]
    after_wan = replace(HEAD, money_zero_style="after-wan")
    assert lines(renderer.render(values, after_wan, None)) == ["人民币壹拾万零柒仟元伍角叁分"]
    suffix = replace(HEAD, money_jiao_suffix=True)
    assert lines(renderer.render({"subject": Decimal("1409.50")}, suffix, None)) == ["人民币壹仟肆佰零玖元伍角整"]
    assert lines(renderer.render(values, HEAD, None)) == ["人民币壹拾万柒仟元零伍角叁分"]


def told(refusal: InputRefused) -> str:
    return " ".join([str(refusal), *(str(one.message) for one in refusal.problems)])


def test_a_value_no_document_can_hold_is_refused_once_by_key_and_label() -> None:
    spec = visit()
    renderer = Renderer(spec, template("{{ customer_name }} {{ address }}"))
    with pytest.raises(InputRefused) as caught:
        renderer.render({"customer_name": "唐\x0b喆", "address": "好"}, HEAD, None)
    assert [(one.field, one.label) for one in caught.value.problems] == [("customer_name", "客户")]
    assert "U+000B" in told(caught.value) and "唐" not in told(caught.value)


def test_a_mistake_in_a_tag_is_refused_with_its_place_before_anything_is_filled() -> None:
    with pytest.raises(InputRefused) as caught:
        Renderer(visit(), template("第一段", "这里 {{ customer_name ）}} 有错", "第三段"))
    assert "这里 {{ customer_name ）}} 有错" in told(caught.value)
    assert "forms show visit-record" in told(caught.value)


def test_every_missing_name_is_told_in_one_run_with_its_place() -> None:
    renderer = Renderer(visit(), template("甲 {{ 没有 }}", "乙 {{ 客户 }}", "丙 {% if 也没有 %}x{% endif %}"))
    with pytest.raises(InputRefused) as caught:
        renderer.render({}, HEAD, None)
    assert [one.field for one in caught.value.problems] == ["没有", "也没有"]
    assert "甲 {{ 没有 }}" in told(caught.value) and "丙 {% if 也没有 %}" in told(caught.value)


def test_an_expression_that_fails_is_told_with_its_place() -> None:
    renderer = Renderer(visit(), template("第一段", "比 {{ customer_name/address }}"))
    with pytest.raises(InputRefused) as caught:
        renderer.render({"customer_name": "甲", "address": "乙"}, HEAD, None)
    assert "比 {{ customer_name/address }}" in told(caught.value)


def test_a_file_that_is_no_word_document_is_refused() -> None:
    spreadsheet = io.BytesIO()
    with zipfile.ZipFile(spreadsheet, "w") as target:
        target.writestr("xl/workbook.xml", "<x/>")
    for data in (b"", b"PK\3\4", spreadsheet.getvalue(), template("甲")[:-40]):
        with pytest.raises(InputRefused, match="not a Word document"):
            Renderer(visit(), data)


def test_a_draft_carries_blank_pictures_and_an_issue_its_code() -> None:
    form = load_form(None, "visit-record")
    renderer = Renderer(form.spec, form.template)
    with zipfile.ZipFile(io.BytesIO(renderer.render({}, HEAD, None))) as draft:
        pictures = [name for name in draft.namelist() if name.startswith("word/media/")]
        assert len(pictures) == 2 and {draft.read(name) for name in pictures} == {blank_picture()}
    one, other = (renderer.render({}, HEAD, PrintedCode(f"{number:012d}", 1)) for number in (1, 2))
    assert one != other and one == renderer.render({}, HEAD, PrintedCode(f"{1:012d}", 1))
