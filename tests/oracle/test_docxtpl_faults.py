"""The only differences from docxtpl that are allowed.

Each test shows docxtpl doing the wrong thing and the compiled template the right one.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from docx import Document
from docxtpl import DocxTemplate
from lxml import etree
from test_docxtpl_differential import by_docxtpl, by_us, environment
from word_templates import REF, p, picture, tbl, tc, text_box, tr, word

from recordkit.errors import InputRefused
from recordkit.templates.compiled import compile_template


def carelessly(template: bytes, context: dict[str, Any]) -> bytes:
    """docxtpl as its own documentation shows it: no autoescape, no environment."""
    source = DocxTemplate(io.BytesIO(template))
    source.render(context)
    out = io.BytesIO()
    source.save(out)
    return out.getvalue()


def lines(package: bytes) -> list[str]:
    return [one.text for one in Document(io.BytesIO(package)).paragraphs]


def part(package: bytes, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(package)) as source:
        return source.read(name).decode()


def texts(xml: str) -> str:
    return "".join(etree.fromstring(xml.encode()).itertext())


def refusal(template: bytes, context: dict[str, Any]) -> InputRefused:
    with pytest.raises(InputRefused) as caught:
        by_us(template, context)
    return caught.value


THREE = word(p("{{ a }}") + p("第二段") + p("第三段"))


def test_docxtpl_lets_a_word_in_angle_brackets_delete_the_rest() -> None:
    assert lines(carelessly(THREE, {"a": "<select>"})) != ["<select>", "第二段", "第三段"]
    assert lines(by_us(THREE, {"a": "<select>"})) == ["<select>", "第二段", "第三段"]


def test_docxtpl_loses_an_ampersand() -> None:
    assert "&" not in lines(carelessly(THREE, {"a": "甲 & 乙"}))[0]
    assert lines(by_us(THREE, {"a": "甲 & 乙"}))[0] == "甲 & 乙"


def test_docxtpl_lets_a_lone_surrogate_delete_the_rest() -> None:
    try:
        theirs = lines(by_docxtpl(THREE, {"a": "坏\ud800字"}))
    except UnicodeEncodeError:
        theirs = []
    assert theirs != ["坏\ud800字", "第二段", "第三段"]
    assert [one.field for one in refusal(THREE, {"a": "坏\ud800字"}).problems] == ["a"]


def test_docxtpl_raises_for_a_control_character_in_a_header() -> None:
    template = word(p("体"), header=p("{{ a }}"))
    with pytest.raises(etree.XMLSyntaxError):
        by_docxtpl(template, {"a": "甲\x0b乙"})
    assert [one.field for one in refusal(template, {"a": "甲\x0b乙"}).problems] == ["a"]


def test_docxtpl_saves_a_malformed_footnote() -> None:
    template = word(p("体", REF), footnotes=p("{{ a }}"))
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(part(by_docxtpl(template, {"a": "甲\x0b乙"}), "word/footnotes.xml").encode())
    assert [one.field for one in refusal(template, {"a": "甲\x0b乙"}).problems] == ["a"]


def test_docxtpl_makes_two_breaks_of_one_windows_line_end() -> None:
    assert lines(by_docxtpl(THREE, {"a": "一\r\n二"}))[0] != "一\n二"
    assert lines(by_us(THREE, {"a": "一\r\n二"}))[0] == "一\n二"


def test_docxtpl_reads_footnote_data_as_a_template_when_there_are_two_sections() -> None:
    template = word(p("体", REF), footnotes=p("{{ a }}"), sections=2)
    assert texts(part(by_docxtpl(template, {"a": "{{ 7*7 }}"}), "word/footnotes.xml")) == "49"
    assert texts(part(by_us(template, {"a": "{{ 7*7 }}"}), "word/footnotes.xml")) == "{{ 7*7 }}"


def test_docxtpl_leaves_tags_in_footnotes_when_there_is_no_section() -> None:
    whole = Document(io.BytesIO(word(p("体", REF), footnotes=p("{{ a }}"))))
    whole.element.body.remove(whole.element.body.sectPr)
    out = io.BytesIO()
    whole.save(out)
    assert texts(part(by_docxtpl(out.getvalue(), {"a": "甲"}), "word/footnotes.xml")) == "{{ a }}"
    assert texts(part(by_us(out.getvalue(), {"a": "甲"}), "word/footnotes.xml")) == "甲"


def test_docxtpl_escapes_properties_twice() -> None:
    template = word(p("体"), properties={"title": "{{ a }}通知"})
    assert Document(io.BytesIO(by_docxtpl(template, {"a": "甲 & 乙"}))).core_properties.title == "甲 &amp; 乙通知"
    assert Document(io.BytesIO(by_us(template, {"a": "甲 & 乙"}))).core_properties.title == "甲 & 乙通知"


def test_docxtpl_writes_the_hour_into_a_package_without_properties() -> None:
    with zipfile.ZipFile(io.BytesIO(THREE)) as source, zipfile.ZipFile(out := io.BytesIO(), "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "_rels/.rels":
                root = etree.fromstring(data)
                for one in list(root):
                    if one.get("Type", "").endswith("core-properties"):
                        root.remove(one)
                data = etree.tostring(root)
            if name != "docProps/core.xml":
                target.writestr(name, data)
    assert "dcterms:modified" in part(by_docxtpl(out.getvalue(), {"a": "甲"}), "docProps/core.xml")
    ours = by_us(out.getvalue(), {"a": "甲"})
    assert b"core.xml" not in ours and lines(ours)[0] == "甲"


def test_docxtpl_prints_none() -> None:
    assert lines(by_docxtpl(THREE, {"a": None}))[0] == "None"
    assert lines(by_us(THREE, {"a": None}))[0] == ""


def test_docxtpl_changes_braces_in_values() -> None:
    assert lines(by_docxtpl(THREE, {"a": "{_{ 甲 }_}"}))[0] == "{{ 甲 }}"
    assert lines(by_us(THREE, {"a": "{_{ 甲 }_}"}))[0] == "{_{ 甲 }_}"


def test_docxtpl_prints_missing_names_as_nothing() -> None:
    template = word(p("{{ a }}，{{ 没有 }}") + tbl(1, tr("格中 {{ 也没有 }}")), header=p("{{ 头里没有 }}"))
    assert lines(carelessly(template, {"a": "甲"}))[0] == "甲，"
    found = refusal(template, {"a": "甲"}).problems
    assert [one.field for one in found] == ["没有", "也没有", "头里没有"]
    told = [str(one.message) for one in found]
    assert "{{ a }}，{{ 没有 }}" in told[0] and "main text" in told[0]
    assert "格中" in told[1] and "table 1" in told[1]
    assert "page header" in told[2]


def test_docxtpl_leaves_equal_drawing_ids_in_headers() -> None:
    import re

    def ids(package: bytes) -> list[str]:
        with zipfile.ZipFile(io.BytesIO(package)) as source:
            return [
                one
                for name in source.namelist()
                if name.startswith("word/") and name.endswith(".xml")
                for one in re.findall(r'<wp:docPr[^>]* id="(\d+)"', source.read(name).decode())
            ]

    drawing = f"<w:r>{picture('@R0@', 1001)}</w:r>"
    template = word(p("{{ a }}", drawing), header=p(drawing, drawing), pictures=1, header_pictures=1)
    theirs, ours = ids(by_docxtpl(template, {"a": ""})), ids(by_us(template, {"a": ""}))
    assert len({*theirs}) < len(theirs) == 3
    assert len({*ours}) == len(ours) == 3 and "1001" in ours


def test_docxtpl_hides_text_between_paragraphs() -> None:
    template = word(p("前") + p("{{p a }}") + p("后"))
    assert "甲" not in "".join(lines(by_docxtpl(template, {"a": "甲"})))
    assert "甲" not in lines(by_us(template, {"a": ""}))
    assert "between paragraphs" in str(refusal(template, {"a": "甲"}))


def test_docxtpl_puts_any_text_where_a_colour_belongs() -> None:
    template = word(tbl(1, tr(tc("{% cellbg a %}甲"))))
    assert 'w:fill="&lt;select&gt;"' in part(by_docxtpl(template, {"a": "<select>"}), "word/document.xml")
    assert "&lt;select&gt;" in str(refusal(template, {"a": "<select>"}))


def test_docxtpl_turns_a_line_break_in_an_attribute_into_a_space() -> None:
    template = word(p('<w:hyperlink w:tooltip="{{ a }}" w:anchor="x"><w:r><w:t>甲</w:t></w:r></w:hyperlink>'))

    def tooltip(package: bytes) -> str:
        root = etree.fromstring(part(package, "word/document.xml").encode())
        return next(
            value for one in root.iter("{*}hyperlink") for name, value in one.items() if name.endswith("tooltip")
        )

    assert tooltip(by_docxtpl(template, {"a": "一\n二\t三"})) == "一 二 三"
    assert tooltip(by_us(template, {"a": "一\n二\t三"})) == "一\n二\t三"


def test_docxtpl_tears_a_link_apart_for_a_new_paragraph() -> None:
    template = word(p('<w:hyperlink w:anchor="x"><w:r><w:t>{{ a }}</w:t></w:r></w:hyperlink>') + p("{{ b }}"))
    context = {"a": "一\a二", "b": "末"}
    source = DocxTemplate(io.BytesIO(template))
    with pytest.raises(etree.XMLSyntaxError):
        source.init_docx()
        source.docx_ids_index = 0
        etree.fromstring(source.build_xml(context, environment()))
    by_docxtpl(template, context)  # and yet it saves
    assert "damaged" in str(refusal(template, context))


def test_docxtpl_nests_runs_when_the_r_is_forgotten() -> None:
    from docxtpl import RichText

    template = word(p("前 {{ a }}"))
    context = {"a": RichText("粗", bold=True)}
    assert etree.fromstring(part(by_docxtpl(template, context), "word/document.xml").encode()).xpath(
        "//*[local-name()='t']/*"
    )
    assert "damaged" in str(refusal(template, context))


def test_docxtpl_itself_called_by_us_has_none_of_the_faults_that_lose_text() -> None:
    template = word(
        p("{{ a }}", REF, text_box(p("{{ a }}"))), footnotes=p("{{ a }}"), sections=2, properties={"title": "{{ a }}"}
    )
    compiled = compile_template(template, environment())
    for value in ("甲 & <乙>", "{{ 7*7 }}", "一\r\n二"):
        made = compiled.render_by_docxtpl({"a": value})
        assert lines(made)[0].startswith(value.replace("\r\n", "\n"))
        assert Document(io.BytesIO(made)).core_properties.title == value.replace("\r\n", "\n")
        assert texts(part(made, "word/footnotes.xml")) == texts(
            part(compiled.render({"a": value}), "word/footnotes.xml")
        )
    with pytest.raises(InputRefused) as caught:
        compiled.render_by_docxtpl({"a": "坏\x00"})
    assert [one.field for one in caught.value.problems] == ["a"]
