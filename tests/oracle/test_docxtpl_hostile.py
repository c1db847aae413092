"""Whatever a person types arrives as typed in every part of the document, or is refused by the field's name."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from docx import Document
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree
from test_docxtpl_differential import by_docxtpl, environment, parts_of
from word_templates import REF, p, tbl, text_box, tr, word

from recordkit.errors import InputRefused
from recordkit.templates.compiled import compile_template

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
PARTS = {
    "word/document.xml": "body",
    "word/header1.xml": "header",
    "word/footer1.xml": "footer",
    "word/footnotes.xml": "footnote",
}
LINK = '<w:hyperlink w:tooltip="«{{ link }}»" w:anchor="x"><w:r><w:t>甲</w:t></w:r></w:hyperlink>'
TEMPLATE = word(
    p("«{{ body }}»", REF, LINK)
    + p(text_box(p("«{{ box }}»")))
    + tbl(1, tr("{%tr for x in rows %}"), tr("«{{ x }}»"), tr("{%tr endfor %}"), tr("尾")),
    header=p("«{{ header }}»"),
    footer=p("«{{ footer }}»"),
    footnotes=p("«{{ footnote }}»"),
    properties={"title": "«{{ title }}»"},
)
FIELDS = ("body", "link", "box", "row", "header", "footer", "footnote", "title")
COMPILED = compile_template(TEMPLATE, environment())
HOSTILE = [
    "<select>",
    "甲 & 乙",
    "{{ 7*7 }}",
    "{% raw %}",
    "{# x #}",
    "\"'“”",
    "\u200f\u202eRTL\u2069",
    "😀🏳️‍🌈",
    "𠀀𪛖",
    "e\u0301",
    "]]>",
    "&#x0;",
    "&amp;",
    "{_{",
    "}_}",
    "{_%",
    "一\n二",
    "栏\t栏",
    "一\r\n二",
    "\r",
    "<w:p>",
    "</w:t>",
    "<!--",
    "<?x?>",
    "\ufeff",
    "\u2028",
    "\x85",
    "\xa0 　",
    "%s {0} {x}",
    "\\n\\1",
    "",
    " 前后 ",
]
ILLEGAL = ["\x00", "\x0b", "\x1f", "\ud800", "\udfff", "\ufffe", "\uffff"]
values = st.one_of(
    st.lists(st.sampled_from(HOSTILE), max_size=4).map("".join),
    st.text(st.characters(blacklist_characters="\a\f«»"), max_size=60),
    st.lists(st.sampled_from(HOSTILE + ILLEGAL), max_size=3).map("".join),
)


def illegal(text: str) -> bool:
    return re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", text) is not None


def read_text(element: etree._Element) -> Iterator[str]:
    for one in element.iter(f"{W}t", f"{W}br", f"{W}tab"):
        yield {f"{W}t": one.text or "", f"{W}br": "\n", f"{W}tab": "\t"}[str(one.tag)]


def between(text: str) -> list[str]:
    return re.findall("«(.*?)»", text, re.DOTALL)


def read_back(package: bytes) -> dict[str, list[str]]:
    """The values found in the document, by field; a text box stands in it twice."""
    with zipfile.ZipFile(io.BytesIO(package)) as source:
        assert source.testzip() is None
        roots = {
            name: etree.fromstring(source.read(name)) for name in source.namelist() if name.endswith((".xml", ".rels"))
        }
    found = {field: between("".join(read_text(roots[name]))) for name, field in PARTS.items()}
    body, box, box_again, row = found["body"]
    found |= {"body": [body], "box": [box, box_again], "row": [row]}
    tooltip = next(
        value
        for one in roots["word/document.xml"].iter(f"{W}hyperlink")
        for name, value in one.items()
        if name.endswith("tooltip")
    )
    found["link"] = between(tooltip)
    found["title"] = between(Document(io.BytesIO(package)).core_properties.title)
    return found


def check(texts: dict[str, str]) -> None:
    context = {**texts, "rows": [texts["row"]]}
    bad = {"rows[1]" if name == "row" else name for name, text in texts.items() if illegal(text)}
    bad |= {"row"} if illegal(texts["row"]) else set()
    try:
        made = COMPILED.render(context)
    except InputRefused as refusal:
        if bad:
            assert {one.field for one in refusal.problems} == bad
        else:
            assert len(texts["title"]) > 253 and "title" in str(refusal)
        return
    assert not bad
    expected = {name: text.replace("\r\n", "\n").replace("\r", "\n") for name, text in texts.items()}
    found = read_back(made)
    assert {name: {*one} for name, one in found.items()} == {name: {text} for name, text in expected.items()}


@settings(max_examples=150, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(FIELDS, values)))
def test_text_arrives_as_typed_in_every_part_or_is_refused_by_field(texts: dict[str, str]) -> None:
    check(texts)


@pytest.mark.parametrize("text", HOSTILE + ILLEGAL, ids=ascii)
@pytest.mark.parametrize("field", FIELDS)
def test_each_hostile_text_in_each_part(field: str, text: str) -> None:
    check({**dict.fromkeys(FIELDS, "平"), field: text})


@pytest.mark.parametrize("field", FIELDS)
def test_fifty_thousand_characters_arrive_or_are_refused(field: str) -> None:
    check({**dict.fromkeys(FIELDS, "平"), field: "长 & 文" * 10_000})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["一", "\a", "\f", "\n", "\t", "<", "&"]), max_size=8).map("".join))
@example("\a\f")
def test_paragraph_and_page_breaks_in_a_value_never_damage_the_file(text: str) -> None:
    compiled = compile_template(word(p("{{ a }}") + p("末")), environment())
    made = compiled.render({"a": text})
    document = Document(io.BytesIO(made))
    assert document.paragraphs[-1].text == "末"
    kept = "".join(one.text for one in document.paragraphs)
    assert [one for one in kept if one in "一<&"] == [one for one in text if one in "一<&"]


MANY = word(
    p("甲{{ a }}", properties='<w:jc w:val="center"/>')
    + '<w:p w:rsidR="00A1"/>'
    + p("{% for x in rows %}{{ x }}；{% endfor %}{{ b }}")
    + tbl(2, tr("{{ a }}", "静"), tr("{%tr for x in rows %}", ""), tr("{{ x }}", "{{ b }}"), tr("{%tr endfor %}", ""))
    + p("静态" * 300) + p("{{ b }}{{ a }}"),
    header=p("{{ b }}"), footnotes=p("{{ a }}"),
)
MANY_COMPILED = compile_template(MANY, environment())
ORDINARY = ["一", "<b>", " & ", "'", '"', "\n", "\t", "\a", "\f", " "]
ordinary = st.lists(st.sampled_from(ORDINARY), max_size=5).map("".join)


@settings(max_examples=60, deadline=None)
@given(ordinary, ordinary, st.lists(ordinary, max_size=3))
def test_lines_and_tabs_anywhere_are_what_docxtpl_makes(a: str, b: str, rows: list[str]) -> None:
    context = {"a": a, "b": b, "rows": rows}
    assert parts_of(MANY_COMPILED.render(context)) == parts_of(by_docxtpl(MANY, context))


def test_bytes_are_the_same_in_every_process() -> None:
    program = (
        "import hashlib,sys; sys.path[:0] = sys.argv[1:]\n"
        "from test_docxtpl_hostile import COMPILED, TEMPLATE, FIELDS\n"
        "context = {**{name: name + ' 甲\\n乙' for name in FIELDS}, 'rows': ['a', 'b']}\n"
        "print(hashlib.sha256(COMPILED.render(context)).hexdigest())\n"
        "from recordkit.templates.forms import load_form\n"
        "from recordkit.templates.render import Letterhead, Renderer\n"
        "from recordkit.templates.code import PrintedCode\n"
        "from datetime import date\n"
        "for name in ('meter-change-notice', 'supply-contract'):\n"
        "    form = load_form(None, name)\n"
        "    made = Renderer(form.spec, form.template).render({}, Letterhead('1', '甲', '乙', date(2026, 1, 2)),\n"
        "                                                    PrintedCode('0123456789AB', 1))\n"
        "    print(hashlib.sha256(made).hexdigest())\n"
    )
    here = Path(__file__).resolve()
    found = []
    for seed, locale in (("0", "C"), ("1", "C.UTF-8"), ("4242", "zh_CN.UTF-8")):
        ran = subprocess.run(
            [sys.executable, "-c", program, str(here.parents[2]), str(here.parent)],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale, "TZ": "Asia/Shanghai"},
        )
        found.append(ran.stdout)
    assert len(found[0].split()) == 3
    assert found[0] == found[1] == found[2]
