"""What a template or expression may not do to a document or the machine: it is refused, with words for a clerk."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date

import pytest
from docx import Document
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from lxml import etree
from markupsafe import Markup
from word_files import para, picture, word_file

from recordkit.errors import InputRefused
from recordkit.templates.compiled import CompiledTemplate, compile_template
from recordkit.templates.expressions import ExpressionFault, compile_expression
from recordkit.templates.render import form_environment

CONTEXT = {"when": date(2026, 11, 20), "rows": [{"name": "甲"}, {"name": "乙"}], "v": "甲", "name": "唐喆"}


def forms(*paragraphs: str, properties: dict[str, str] | None = None) -> CompiledTemplate:
    whole = word_file("".join(map(para, paragraphs)), header=None, properties=properties)
    return compile_template(whole, form_environment())


def told(refusal: InputRefused) -> str:
    return " ".join([str(refusal), *(str(one.message) for one in refusal.problems)])


def refused(*paragraphs: str) -> str:
    """What is told of a template that is refused when it is compiled or filled."""
    with pytest.raises(InputRefused) as caught:
        forms(*paragraphs).render(CONTEXT)
    return told(caught.value)


def lines(package: bytes) -> list[str]:
    return [one.text for one in Document(io.BytesIO(package)).paragraphs]


@pytest.mark.parametrize("tag", ["when.isoformat", "rows", "rows[0]", "rows[0].items", "v.upper"])
def test_what_has_no_printed_form_is_refused_with_its_place(tag: str) -> None:
    text = refused("前", f"看 {{{{ {tag} }}}}")
    assert "cannot be printed" in text and tag in text and "main text" in text
    assert "built-in" not in text and "唐喆" not in text


def test_the_loop_itself_is_refused() -> None:
    assert "cannot be printed" in refused("{% for one in rows %}{{ loop }}{% endfor %}")


def test_what_has_a_printed_form_is_printed() -> None:
    made = forms("{{ when }} {{ 7 }} {{ 1/4 }} {{ none }} {{ true }} {{ rows|length }} {{ v }}").render(CONTEXT)
    assert lines(made) == ["2026年11月20日 7 0.25  是 2 甲"]


@pytest.mark.parametrize("text", [
    "{{ v|safe }}", "{% if false %}{{ v|safe }}{% endif %}", "{% filter safe %}{{ v }}{% endfilter %}",
    "{{ [v]|map('safe')|first }}", "{% autoescape false %}{{ v }}{% endautoescape %}",
])
def test_a_value_can_not_be_turned_into_markup(text: str) -> None:
    assert "safe" in refused(text) or "autoescape" in refused(text)


def test_an_unknown_filter_is_refused_with_its_place() -> None:
    assert "看 {{ v|没有 }}" in refused("前", "看 {{ v|没有 }}")


HOSTILE = [
    "9**9**9**9**9", "'x' * 10**9", "[1] * 10**9", "10**9 * 'x'", "'%0999999999d' % 1", "2**99999 * 2",
    "(" * 5000 + "1" + ")" * 5000, "-" * 5000 + "1", "9" * 5000, "1" + "+1" * 20000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_an_expression_without_measure_is_a_fault(text: str) -> None:
    with pytest.raises(ExpressionFault):
        compile_expression(text).value({})


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_tag_without_measure_is_refused(text: str) -> None:
    refused(f"{{{{ {text} }}}}")


@pytest.mark.parametrize("text", [
    "{% if v %}" * 120 + "x" + "{% endif %}" * 120,
    "{% for a in rows %}" * 30 + "x" + "{% endfor %}" * 30,
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
], ids=["conditions", "loops", "macro"])
def test_nesting_without_measure_is_refused(text: str) -> None:
    assert "too deeply" in refused(text)


def test_ordinary_computing_goes_on() -> None:
    assert compile_expression("a * 2 + 1 > 8 and 2**10 == 1024 and '%.2f' % a == '4.00'").value({"a": 4}) is True
    assert lines(forms("{{ 3 * 4 }}{{ '—' * 3 }}{{ 7 % 4 }}{{ 'a' + 'b' }}").render({})) == ["12———3ab"]


def test_a_part_whose_text_no_reader_takes_is_refused_before_anything_is_filled() -> None:
    torn = para("{# x") + para("甲", properties='<w:pStyle w:val="#}"/>')
    with pytest.raises(InputRefused, match="damaged in page header"):
        compile_template(word_file(para("体"), header=torn), form_environment())


def swapped(package: bytes, name: str, old: str, new: str) -> bytes:
    """The package with a text of one part replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as source, zipfile.ZipFile(out, "w") as target:
        for one in source.namelist():
            data = source.read(one)
            assert one != name or old.encode() in data
            target.writestr(one, data.replace(old.encode(), new.encode()) if one == name else data)
    return out.getvalue()


@pytest.mark.parametrize("broken", ["<z:q/>", "<w:x w:a='1' xmlns:q='urn:q' xmlns:r='urn:q' q:a='1' r:a='2'/>", "\x01"])
def test_footnotes_that_no_reader_takes_are_refused_before_anything_is_filled(broken: str) -> None:
    whole = word_file(para("体"), header=None, notes={"footnotes": para("{{ v }}") + para("此处")})
    with pytest.raises(InputRefused, match="damaged in footnotes"):
        compile_template(swapped(whole, "word/footnotes.xml", "此处", f"</w:t>{broken}<w:t>"), form_environment())


def test_brackets_of_a_value_before_a_bare_angle_bracket_do_not_end_a_section() -> None:
    whole = word_file(para("体"), header=None, notes={"footnotes": para("{{ v }}!")})
    compiled = compile_template(swapped(whole, "word/footnotes.xml", "}}!", "}}>"), form_environment())
    with zipfile.ZipFile(io.BytesIO(compiled.render({"v": "甲]"}))) as made:
        assert "甲]&gt;" in etree.tostring(etree.fromstring(made.read("word/footnotes.xml")), encoding="unicode")
    with pytest.raises(InputRefused, match="damaged"):
        compiled.render({"v": "甲]]"})


@pytest.mark.parametrize(("text", "printed"), [
    ("{_{ v }_}，{{ v }}", "{_{ v }_}，甲 & 乙"), ("{{ v }}{_% 末", "甲 & 乙{_% 末"),
    ("{{ v }}&amp;lt;", "甲 & 乙&amp;lt;"),
])
def test_properties_hold_what_docxtpl_prints_in_them(text: str, printed: str) -> None:
    made = forms("体", properties={"dc:title": text}).render({"v": "甲 & 乙"})
    assert Document(io.BytesIO(made)).core_properties.title == printed


def test_a_property_torn_by_its_template_is_refused() -> None:
    template = forms("体", properties={"dc:title": "{{ v }}"})
    with pytest.raises(InputRefused, match="damaged in document properties"):
        template.render({"v": Markup("<b>")})


def drawing_ids(package: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(package)) as source:
        return [number for name in source.namelist() if re.match(r"word/(document|header)", name) and "rels" not in name
                for number in re.findall(r'<wp:docPr[^>]* id="(\d+)"', source.read(name).decode())]


LOOP = "{% for one in rows %}", "{% endfor %}"


@pytest.mark.parametrize("header", [
    para(LOOP[0]) + picture("甲", number=3) + para(LOOP[1]) + picture("乙", number=5),
    para(LOOP[0]) + picture("甲", number=3) + para(LOOP[1]) + para("{% macro m() %}{% endmacro %}"),
], ids=["proved", "read"])
def test_drawings_in_a_loop_of_a_header_have_numbers_of_their_own(header: str) -> None:
    template = word_file(para("体") + picture("丙", number=9), header=header)
    environment = SandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
    ids = drawing_ids(compile_template(template, environment).render({"rows": [1, 2, 3]}))
    assert len(ids) == len({*ids}) >= 4
