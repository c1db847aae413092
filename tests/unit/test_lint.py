from __future__ import annotations

import dataclasses
import io
import random
import zipfile
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from word_files import CODES, PNG, STYLES, para, picture, run, table, text_box, word_file

from recordkit.errors import InputRefused
from recordkit.templates.findings import FormFinding
from recordkit.templates.lint import lint_template
from recordkit.templates.looks import find_looks
from recordkit.templates.render import Letterhead, Renderer
from recordkit.templates.spec import FieldSpec, FormSpec
from recordkit.templates.spec_reader import load_form_spec
from recordkit.templates.wordtext import read_word

FORM = """
id = "trial"
name = "试验单"
version = "1"
number = "试〔{year}〕{seq:04}号"
title = "{customer}试验单"
[roles]
date = "day"
[[fields]]
key = "day"
label = "日期项"
type = "date"
[[fields]]
key = "customer"
label = "户名"
[[fields]]
key = "account"
label = "户号"
type = "account"
[[fields]]
key = "amount"
label = "金额"
type = "money"
required = false
[[fields]]
key = "note"
label = "备注"
required = false
[[fields]]
key = "reason"
label = "换表原因"
type = "choice"
choices = ["逾龄", "其他"]
[[fields]]
key = "signature"
label = "客户签收"
stage = "onsite"
[[fields]]
key = "meters"
label = "计费总水表"
type = "table"
required = false
[[fields.columns]]
key = "meter_no"
label = "注册号"
[[fields.columns]]
key = "size"
label = "水表口径"
type = "calibre"
"""
ROWS = table(["号", "口径"], ["{%tr for m in 计费总水表 %}", ""], ["{{ m.注册号 }}", "{{ m.水表口径 }}"],
             ["{%tr endfor %}", ""])
ALL = para("{{ 日期项 }}{{ 户名 }}{{ 户号 }}{{ 金额 }}{{ 备注 }}{{ 换表原因 }}{{ 客户签收 }}") + ROWS
Trial = tuple[str, str, str]


@pytest.fixture(scope="module")
def spec() -> FormSpec:
    return load_form_spec(FORM.encode())


def findings(spec: FormSpec, data: bytes) -> list[FormFinding]:
    word = read_word(data)
    return [*lint_template(word, spec), *find_looks(word)]


def codes(spec: FormSpec, body: str) -> list[str]:
    return [one.code for one in findings(spec, word_file(ALL + body))]


def split(*pieces: str) -> str:
    """One paragraph whose text Word has split over several runs."""
    return para(inner="".join(map(run, pieces)))


LOOP = ["{%tr for m in 计费总水表 %}", ""]
TAGS: list[Trial] = [
    ("unknown-variable", para("{{ 户民 }}"), para("{{ 户名 }}")),
    ("unknown-variable", para("{{ 注册号 }}"), para("{{ 文书编号 }}")),
    ("unknown-variable", para("{{ m.注册号 }}"), ROWS),
    ("unknown-column", table(["甲"], LOOP[:1], ["{{ m.注册 }}"], ["{%tr endfor %}"]),
     table(["甲"], LOOP[:1], ["{{ m['注册号'] }}{{ m.meter_no }}"], ["{%tr endfor %}"])),
    ("unknown-column", para("{{ 户号.尾数 }}"), para("{{ 日期项.year }}")),
    ("unknown-column", table(["甲"], LOOP[:1], ["{{ loop.indx }}"], ["{%tr endfor %}"]),
     table(["甲"], LOOP[:1], ["{{ loop.index }}"], ["{%tr endfor %}"])),
    ("unknown-filter", para("{{ 金额|大小写 }}"), para("{{ 金额|大写 }}")),
    ("unknown-test", para("{% if 金额 is nonee %}a{% endif %}"), para("{% if 金额 is none %}a{% endif %}")),
    ("wrong-filter", para("{{ 户号|大写 }}"), para("{{ 金额|大写 }}")),
    ("wrong-filter", para("{{ 金额|中文日期 }}"), para("{{ 签发日期|中文日期 }}{{ 日期项|日期 }}")),
    ("wrong-filter", para("{{ 计费总水表|trim }}"), para("{{ 计费总水表|length }}")),
    ("unsafe-filter", para("{{ 户名|safe }}"), para("{{ 户名|trim }}")),
    ("table-as-text", para("{{ 计费总水表 }}"),
     para("{{ 计费总水表|length }}{{ 计费总水表[0].注册号 if 计费总水表 }}")),
    ("table-as-text", para("{{ 户名 or 计费总水表 }}"), para("{{ 户名 or 户号 }}")),
    ("table-without-loop", para("{{ 计费总水表.注册号 }}"), para("{{ 计费总水表[0].注册号 if 计费总水表 }}")),
    ("loop-no-table", para("{% for x in 户号 %}a{% endfor %}"), para("{% for x in 计费总水表 %}a{% endfor %}")),
    ("impossible-choice", para("{% if 换表原因 == '逾令' %}a{% endif %}"),
     para("{% if 换表原因 == '逾龄' or 换表原因 in ['其他'] %}a{% endif %}")),
    ("computation", para("{{ 户号/户名 }}"), para("{{ 户号 }}/{{ 户名 }}{% if 金额 %}{{ 金额/2 }}{% endif %}")),
    ("may-be-empty", para("{{ 金额|string }}"), para("{% if 金额 is not none %}{{ 金额|string }}{% endif %}")),
    ("may-be-empty", para("{{ 金额 + 1 }}{{ 金额 * 2 }}"),
     para("{{ 金额 * 2 if 金额 else '' }}{{ 金额 and 金额 - 1 }}")),
    ("may-be-empty", para("{{ 备注|trim }}"), para("{{ 户名|trim }}{{ (备注 or '')|trim }}{{ 备注|default('') }}")),
    ("syntax", para("{% if 户号 = '1' %}a{% endif %}"), para("{% if 户号 == '1' %}a{% endif %}")),
    ("syntax", para("{{ 户号 户名 }}"), para("{{ 户号 ~ 户名 }}")),
    ("syntax", para("{{ }}"), para("{{ 户号 }}")),
    ("syntax", para("{% if 户号 and %}a{% endif %}"), para("{% if 户号 and 户名 %}a{% endif %}")),
    ("syntax", para("{% for m of 计费总水表 %}a{% endfor %}"), para("{% for m in 计费总水表 %}a{% endfor %}")),
    ("syntax", para("{% if 户号 %}a{% else if 户名 %}b{% endif %}"), para("{% if 户号 %}a{% elif 户名 %}b{% endif %}")),
    ("wide-brackets", para("｛｛ 户号 ｝｝"), para("{{ 户号 }}")),
    ("wide-brackets", para("{{ 户号 ｝｝"), para("{{ 户号 }}")),
    ("spaced-brackets", para("{ { 户号 } }"), para("{{户号}}")),
    ("single-brackets", para("{户号}"), para("{1, 2}")),
    ("half-closed", para("{{ 户号 }"), para("{{ 户号 }}")),
    ("too-many-brackets", para("{{{ 户号 }}}"), para("({{ 户号 }})")),
    ("mixed-signs", para("{{ 户号 %}"), para("{{ 户号 }}")),
    ("nested-tag", para("{{ 户号 ~ {{ 户名 }} }}"), para("{{ 户号 }} {{ 户名 }}")),
    ("unclosed-tag", para("{{ 户号"), split("{", "{ 户", "号 }", "}")),
    ("stray-brackets", para("户号 }}"), para("户号 )")),
    ("named-blank", para("【户号】"), para("【注意】")),
    ("named-blank", para("《户名》"), para("《供用水合同》")),
    ("wide-signs", para("{{ 户号|default（'无'） }}"), para("{{ 户号 or '（无，）' }}")),
    ("wide-signs", para("{%p if 户号 ！= '1' %}") + para("a") + para("{%p endif %}"), para("{{ 户号 }}，{{ 户名 }}")),
    ("smart-quotes", para("{{ 户号 or “无” }}"), para("{{ 户号 or '无' }}")),
    ("invisible-sign", para("{{ 户\u200b号 }}"), para("{{ 户号\u3000}}")),
    ("unclosed-block", para("{% if 户号 %}a"), para("{% if 户号 %}a{% endif %}")),
    ("unclosed-block", table(["甲"], LOOP[:1], ["{{ m.注册号 }}"]), ROWS),
    ("stray-statement", para("a{% endif %}"), para("{% if 户号 %}a{% endif %}")),
    ("stray-statement", para("{% for m in 计费总水表 %}a{% endif %}{% endfor %}"),
     para("{% for m in 计费总水表 %}a{% else %}b{% endfor %}")),
    ("stray-statement", para("a{% else %}b"), para("{% if 户号 %}a{% else %}b{% endif %}")),
    ("unknown-statement", para("{% 如果 户号 %}"), para("{# 如果 #}")),
    ("unknown-statement", para("{% 户号 %}"), para("{{ 户号 }}")),
    ("unknown-statement", para("{%pif 户号 %}"), para("{%p if 户号 %}") + para("{%p endif %}")),
    ("space-before-prefix", table(["甲"], ["{% tr for m in 计费总水表 %}"]), ROWS),
    ("other-file", para("{% include 'a.docx' %}"), para("{% set a = 户号 %}{{ a }}")),
    ("prefix-mismatch", para("{%p if 户号 %}") + para("a") + para("{% endif %}"),
     para("{%p if 户号 %}") + para("a") + para("{%p endif %}")),
    ("outside-table", para("{%tr if 户号 %}") + para("{%tr endif %}"), ROWS),
    ("outside-table", para("{% cellbg 'FFFF00' %}"), table(["{% cellbg 'FFFF00' %}a"])),
    ("torn-block", table(["{% if 户号 %}", "{% endif %}"]), table(["{% if 户号 %}a{% endif %}", "b"])),
    ("torn-block", para("{%p if 户号 %}") + table(["{%p endif %}"]),
     para("{%p if 户号 %}") + ROWS + para("{%p endif %}")),
    ("torn-block", table(["甲"], ["{%tr if 户号 %}"]) + table(["甲"], ["{%tr endif %}"]),
     table(["甲"], ["{%tr if 户号 %}"], ["{%tr endif %}"])),
    ("torn-block", para(inner=run("{% if 户号 %}") + text_box(para("{% endif %}"))),
     para(inner=text_box(para("{% if 户号 %}a{% endif %}")))),
    ("same-row", table(["甲", "乙"], ["{%tr if 户号 %}", "{%tr endif %}"]),
     table(["甲"], ["{%tr if 户号 %}"], ["{%tr endif %}"])),
    ("same-paragraph", para("{%p if 户号 %}a{%p endif %}"), para("{% if 户号 %}a{% endif %}")),
    ("across-paragraphs", para("{% if 户号 %}a") + para("b{% endif %}"), para("{% if 户号 %}a{% endif %}")),
    ("text-lost", para("{%p if 户号 %} 有户号") + para("{%p endif %}"), para("{%p if 户号 %}") + para("{%p endif %}")),
    ("text-lost", table(["甲", "乙"], ["{%tr if 户号 %}", "{{ 户名 }}"], ["{%tr endif %}", ""]),
     table(["甲", "乙"], ["{%tr if 户号 %}", ""], ["{%tr endif %}", ""])),
    ("running-together", para("{% if 户号 %}{% endif %}") + para("} 见上"), para("100%") + para("(见上)")),
    ("running-together", para("甲{") + para("{{ 户号 }}"), para("甲") + para("{{ 户号 }}")),
    ("rich-text-tag", para("{{r 户名 }}"), para("{{ 户名 }}")),
    ("sign-in-prefixed-tag", para("{%p if 金额 % 2 %}") + para("{%p endif %}"),
     para("{% if 金额 and 金额 % 2 %}a{% endif %}")),
    ("empty-cell", table([para("{%p if 户号 %}") + para("a") + para("{%p endif %}")]),
     table([para("{%p if 户号 %}") + para("a") + para("{%p endif %}") + para()])),
    ("empty-table", table(["{%tr for m in 计费总水表 %}"], ["{{ m.注册号 }}"], ["{%tr endfor %}"]), ROWS),
    ("tag-in-deletion", para(inner='<w:del w:id="1"><w:r><w:delText>{{ 户号 }}</w:delText></w:r></w:del>'),
     para(inner=f'<w:ins w:id="1">{run("{{ 户号 }}")}</w:ins>')),
    ("tag-in-field", para(inner='<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>QUOTE {{ 户号 }}'
                                '</w:instrText></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'),
     para(inner='<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> PAGE </w:instrText></w:r>'
                '<w:r><w:fldChar w:fldCharType="end"/></w:r>')),
    ("merge-field", para(inner=f'<w:fldSimple w:instr=" MERGEFIELD 户号 ">{run("«张三»")}</w:fldSimple>'),
     para(inner=f'<w:fldSimple w:instr=" PAGE ">{run("1")}</w:fldSimple>')),
    ("unknown-variable", para(inner=text_box(para("{{ 户民 }}"))), para(inner=text_box(para("{{ 户名 }}")))),
]


@pytest.mark.parametrize(("code", "wrong", "right"), TAGS)
def test_each_fault_is_found_and_its_clean_twin_is_not(spec: FormSpec, code: str, wrong: str, right: str) -> None:
    assert code in codes(spec, wrong)
    assert codes(spec, right) == []


@pytest.mark.parametrize("right", sorted({right for _, _, right in TAGS if "{#" not in right}))
def test_what_the_check_calls_clean_can_be_filled(spec: FormSpec, right: str) -> None:
    """The clean twins are real: the engine fills each of them, with and without values."""
    head = Letterhead("1", "甲", "乙", date(2026, 1, 1))
    row = {"meter_no": "S1", "size": "DN15"}
    needed = {"customer": "张", "account": "1", "reason": "逾龄", "day": date(2026, 1, 1)}
    for values in (needed, {**needed, "meters": [row], "amount": Decimal("2.50")}):
        assert Renderer(spec, word_file(ALL + right)).render(values, head, None)


CLEAN = word_file(ALL)
LOGO: Any = {"media": {"qr.png": PNG, "bars.png": PNG, "logo.png": PNG},
             "header_relations": {"rIdQr": "qr.png", "rIdBars": "bars.png", "rIdLogo": "logo.png"}}
FILES: list[tuple[str, bytes, bytes]] = [
    ("tag-not-filled", word_file(ALL, notes={"endnotes": para("{{ 户号 }}")}),
     word_file(ALL, notes={"endnotes": para("见")})),
    ("tag-not-filled", word_file(ALL, notes={"comments": para("{{ 户号 }}")}),
     word_file(ALL, notes={"footnotes": para("{{ 户号 }}")})),
    ("tag-not-filled", word_file(ALL, properties={"cp:keywords": "{{ 户号 }}"}),
     word_file(ALL, properties={"dc:title": "{{ 户号 }}"})),
    ("tag-not-filled", word_file(ALL, extra={"word/charts/chart1.xml": "<c><v>{{ 户号 }}</v></c>"}),
     word_file(ALL, extra={"word/charts/chart1.xml": "<c><v>1</v></c>"})),
    ("unknown-variable", word_file(ALL, properties={"dc:title": "{{ 户民 }}"}), CLEAN),
    ("unknown-variable", word_file(ALL, footer=para("{{ 户民 }}")), word_file(ALL, footer=para("{{ 户名 }}"))),
    ("unknown-variable", word_file(ALL, notes={"footnotes": para("{{ 户民 }}")}), CLEAN),
    ("unknown-variable", word_file(ALL, header=CODES + picture("{{ 户民 }}", number=3)), CLEAN),
    ("tag-in-link", word_file(ALL, link="https://x/%7B%7B户号%7D%7D"), word_file(ALL, link="https://x/")),
    ("unused-field", word_file(ALL.replace("{{ 户号 }}", "")), CLEAN),
    ("unused-field", word_file(ALL.replace("{{ 客户签收 }}", "")), CLEAN),
    ("unused-field", word_file(ALL.replace("{{ m.水表口径 }}", "")), CLEAN),
    ("no-east-asian-font", word_file(ALL, styles=STYLES.replace(' w:eastAsia="宋体"', ' w:ascii="宋体"')), CLEAN),
    ("spacing-not-fixed", word_file(ALL, styles=STYLES.replace("exact", "auto")), CLEAN),
    ("no-alternative-text", word_file(ALL, header=CODES + picture("", "rIdLogo", number=3), **LOGO),
     word_file(ALL, header=CODES + picture("公司标志", "rIdLogo", number=3), **LOGO)),
    ("no-code-picture", word_file(ALL, header=picture("recordkit:qr")), CLEAN),
    ("small-code-picture", word_file(ALL, header=picture("recordkit:qr", width=12, height=12) + CODES), CLEAN),
    ("shared-code-picture", word_file(ALL, header_relations={"rIdQr": "qr.png", "rIdBars": "qr.png"}), CLEAN),
    ("pages-without-code", word_file(ALL, first_header=para("首页")), word_file(ALL, first_header=CODES)),
    ("large-file", word_file(ALL, media={"qr.png": random.Random(1).randbytes(3 << 20),
                                         "bars.png": PNG}), CLEAN),
]


@pytest.mark.parametrize(("code", "wrong", "right"), FILES)
def test_each_fault_of_a_file_is_found_and_its_clean_twin_is_not(
    spec: FormSpec, code: str, wrong: bytes, right: bytes
) -> None:
    assert code in [one.code for one in findings(spec, wrong)]
    assert findings(spec, right) == []


def test_codes_in_the_body_are_said_to_stand_on_one_page_only(spec: FormSpec) -> None:
    data = word_file(ALL + CODES, header=para("页眉"))
    assert [(one.code, one.severity) for one in findings(spec, data) if one.code == "code-on-first-page-only"] == [
        ("code-on-first-page-only", "remark")] * 2


def test_a_theme_font_counts_when_the_theme_names_one(spec: FormSpec) -> None:
    styles = STYLES.replace('w:eastAsia="宋体"', 'w:eastAsiaTheme="minorEastAsia"')
    theme = ('<a:theme xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><a:minorFont>'
             '<a:ea typeface="{}"/></a:minorFont></a:theme>')
    for typeface, expected in (("", {"no-east-asian-font"}), ("等线", set())):
        data = word_file(ALL, styles=styles, extra={"word/theme/theme1.xml": theme.format(typeface)})
        assert {one.code for one in findings(spec, data)} == expected


def test_all_faults_come_in_one_run_each_with_its_place_the_text_around_and_a_fix(spec: FormSpec) -> None:
    body = ALL + para("正常") + para("户号为｛｛ 户号 ｝｝的用户") + table(["甲", "乙"], ["丙", "请写{{ 户民 }}的名"])
    data = word_file(body, footer=para("{% if 户号 = 1 %}x{% endif %}"), header=CODES + para("{{ 公司 }}"))
    found = {one.code: one for one in findings(spec, data) if one.severity == "error" and one.part != "header"}
    assert set(found) == {"wide-brackets", "unknown-variable", "syntax"}
    assert (str(found["wide-brackets"].place), found["wide-brackets"].text) == (
        "body, paragraph 3", "户号为｛｛ 户号 ｝｝的用户")
    assert str(found["wide-brackets"].fix) == "Type it as {{ 户号 }}"
    assert str(found["unknown-variable"].place) == "body, table 2 row 2 cell 2"
    assert (found["unknown-variable"].text, str(found["unknown-variable"].fix)) == (
        "请写{{ 户民 }}的名", "Did you mean 户名?")
    assert (found["syntax"].part, str(found["syntax"].place)) == ("footer", "footer, paragraph 1")
    assert any(one.part == "header" and "公司" in str(one.message) for one in findings(spec, data))


def test_a_tag_split_over_runs_is_read_whole(spec: FormSpec) -> None:
    found = findings(spec, word_file(ALL + split("{", "{ 户", "民 ", "}}")))
    assert [(one.code, one.text) for one in found] == [("unknown-variable", "{{ 户民 }}")]


def test_one_mistyped_beginning_does_not_make_its_end_a_finding(spec: FormSpec) -> None:
    assert codes(spec, para("｛% if 户号 %}a{% endif %}")) == ["wide-brackets"]
    body = table(["甲"], ["{%tr for m of 计费总水表 %}"], ["{{ m.注册号 }}"], ["{%tr endfor %}"])
    assert codes(spec, body) == ["syntax"]


def test_an_unclosed_block_names_its_opening_place(spec: FormSpec) -> None:
    found = findings(spec, word_file(ALL + para("x") + para("{%p if 户号 %}") + para("a")))
    assert [(str(one.place), str(one.fix)) for one in found] == [
        ("body, paragraph 3", "Write {%p endif %} where it ends.")]


def test_a_file_without_a_form_is_checked_with_its_names_as_given() -> None:
    data = word_file(para("{{ 甲 }}{{ 乙.丙 }}｛｛ 甲 ｝｝{甲}") + para("{% if 甲 %}"))
    assert [one.code for one in lint_template(read_word(data), None)] == [
        "wide-brackets", "single-brackets", "unclosed-block"]


def test_a_field_asked_for_only_in_rules_is_a_remark() -> None:
    rule = '[[rules]]\ncheck = "account != \'0\'"\nmessage = "x"\n'
    spec = load_form_spec((FORM + rule).encode())
    data = word_file(ALL.replace("{{ 户号 }}", ""))
    assert [(one.code, one.severity, one.field) for one in findings(spec, data)] == [
        ("unused-field", "remark", "account")]


def test_what_is_no_word_file_is_refused_and_a_bomb_is_not_unpacked() -> None:
    def package(**parts: bytes) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            for name, data in parts.items():
                made.writestr(name, data)
        return out.getvalue()

    for data in (b"", b"\xd0\xcf\x11\xe0" + b"\0" * 600, CLEAN[:500], package(a=b"1"),
                 package(**{"[Content_Types].xml": b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"})):
        with pytest.raises(InputRefused, match="no|not a Word document"):
            read_word(data)
    with pytest.raises(InputRefused, match="larger than a form can be"):
        read_word(package(**{"word/document.xml": b"\0" * (201 << 20)}))


def test_a_person_with_parts_and_a_type_unknown_here_are_left_alone(spec: FormSpec) -> None:
    person = dataclasses.replace(spec, fields=(*spec.fields, FieldSpec(key="p", label="经办人", type="person")))  # type: ignore[arg-type]
    assert lint_template(read_word(word_file(ALL + para("{{ 经办人.姓名 }}"))), person) == []


def test_findings_come_from_the_top_to_the_bottom(spec: FormSpec) -> None:
    body = para("{{ 甲甲 }}") + para("｛｛ 户号 ｝｝") + table(["{{ 乙乙 }}"]) + para("{户号}")
    body += para("{{ 户号 户名 }}")
    found = lint_template(read_word(word_file(ALL + body, header=para("{{ 丙丙 }}"))), spec)
    assert [one.code for one in found] == [
        "unknown-variable", "wide-brackets", "unknown-variable", "single-brackets", "syntax", "unknown-variable"]
    assert found[-1].part == "header"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("户民", "户名"), ("户 号", ""), ("客户签名", "客户签收"), ("ａｃｃｏｕｎｔ", "account"), ("户名称", "户名"),
     ("签收", "客户签收"), ("xyzzy", "")],
)
def test_the_name_that_was_meant_is_offered(spec: FormSpec, typed: str, meant: str) -> None:
    data = word_file(ALL + para(f"{{{{ {typed} }}}}"))
    found = [one for one in findings(spec, data) if one.code == "unknown-variable"]
    assert [str(one.fix) for one in found] == ([] if " " in typed else [
        f"Did you mean {meant}?" if meant else "'recordkit forms show trial' lists the fields."])
