"""The proof may give up, but it must never be wrong: what it proves holds in every rendering."""

from __future__ import annotations

import itertools

from docxtpl import DocxTemplate
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment, TemplateError
from lxml import etree

from recordkit.templates.proof import ATTRIBUTE_FILTER, DRAWING_FILTER, STRUCTURE_FILTER, Proof, Walk

NAMESPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"
HOSTILE = "<&\"'>]]>"


def prove(source: str) -> tuple[Proof, list[str]]:
    """The proof, and every rendering for two conditions and loops of no, one and two rounds."""
    environment = Environment(autoescape=True)
    environment.filters[ATTRIBUTE_FILTER] = lambda value, _: value
    environment.filters[STRUCTURE_FILTER] = lambda value, _: ""
    numbers = itertools.count(1001)
    environment.filters[DRAWING_FILTER] = lambda _: next(numbers)
    tree = environment.parse(source)
    proof = Walk("x", frozenset(), number_drawings=True).prove(tree)
    tree.set_environment(environment)
    template = environment.template_class.from_code(environment, environment.compile(tree), {}, None)
    return proof, [template.render(a=a, b=b, v=HOSTILE, rows=rows) for a in (0, 1) for b in (0, 1)
                   for rows in ([], [1], [1, 2])]


def wrapped(body: str) -> str:
    return f'<w:body xmlns:w="{NAMESPACE}" xmlns:wp="{DRAWING}">{body}</w:body>'


def parses(text: str) -> bool:
    try:
        etree.fromstring(text)
    except etree.XMLSyntaxError:
        return False
    return True


TAGS = ["<w:p>", "</w:p>", "<w:r>", "</w:r>", "<w:t>", "</w:t>", "<w:br/>", "{{ v }}", "甲", "&amp;", "& ", "<w:x a=\"",
        "\"/>", "\">", "</w:x>", "{% if a %}", "{% elif b %}", "{% else %}", "{% endif %}", "{% if b %}",
        "{% for x in rows %}", "{% endfor %}", "{% set y %}", "{% endset %}", "{{ y }}", "]]>", "<!-- x -->", "<z:q/>",
        "<w:p><w:r><w:t>{{ v }}</w:t></w:r></w:p>", "{% if a %}<w:p>{% else %}<w:p w:q=\"1\">{% endif %}", "</w:p><w:p>"]
ROWS = ["<w:tr>", "</w:tr>", "<w:tc><w:tcPr/></w:tc>", '<w:tc><w:tcPr><w:gridSpan w:val="2"/></w:tcPr></w:tc>',
        "{% if a %}", "{% endif %}", "{% for x in rows %}", "{% endfor %}", "{% else %}", "<w:tr><w:tc/><w:tc/></w:tr>",
        '<w:tc><w:tcPr><w:gridSpan w:val="{{ b + 1 }}"/></w:tcPr></w:tc>']


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(TAGS), max_size=9).map("".join))
def test_what_is_proved_well_formed_parses_in_every_rendering(body: str) -> None:
    try:
        proof, made = prove(wrapped(body))
    except TemplateError:
        return
    if proof.well_formed:
        assert all(map(parses, made)), body


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(ROWS), max_size=9).map("".join), st.integers(1, 3))
def test_tables_proved_to_fit_are_never_changed_by_the_repair(rows: str, columns: int) -> None:
    grid = '<w:gridCol w:w="1000"/>' * columns
    try:
        proof, made = prove(wrapped(f"<w:tbl><w:tblGrid>{grid}</w:tblGrid>{rows}</w:tbl>"))
    except TemplateError:
        return
    if proof.well_formed and proof.tables_fit:
        for one in made:
            repaired = DocxTemplate("").fix_tables(one)
            assert etree.tostring(repaired, method="c14n") == etree.tostring(etree.fromstring(one), method="c14n"), rows


def test_ordinary_templates_are_proved() -> None:
    row = "<w:tr><w:tc><w:p/></w:tc><w:tc><w:p/></w:tc></w:tr>"
    body = (
        "<w:p><w:r><w:t>{{ v }}{% if a %}是{% elif b %}号{% else %}否{% endif %}</w:t></w:r></w:p>"
        "{% if a %}<w:p/>{% endif %}{% for x in rows %}<w:p><w:r><w:t>{{ x }}</w:t></w:r></w:p>{% else %}<w:p/>{% endfor %}"
        "<w:p><w:r><w:t>{% if a %}一</w:t></w:r></w:p><w:p><w:r><w:t>{% endif %}二</w:t></w:r></w:p>"
        f"<w:tbl><w:tblGrid><w:gridCol/><w:gridCol/></w:tblGrid>{row}{{% for x in rows %}}{row}{{% endfor %}}</w:tbl>"
    )
    assert prove(wrapped(body))[0] == Proof(True, True, False)


def test_a_branch_that_closes_what_it_did_not_open_is_not_proved() -> None:
    assert not prove(wrapped("<w:p>{% if a %}</w:p>{% endif %}"))[0].well_formed
    assert not prove(wrapped("<w:p>{% for x in rows %}</w:p>{% endfor %}</w:p>"))[0].well_formed


def test_a_table_whose_rows_are_all_in_a_loop_is_repaired() -> None:
    row = "<w:tr><w:tc/></w:tr>"
    loop = f"<w:tbl><w:tblGrid><w:gridCol/></w:tblGrid>{{% for x in rows %}}{row}{{% endfor %}}</w:tbl>"
    assert prove(wrapped(loop))[0] == Proof(True, False, False)


def test_drawings_are_numbered_as_constants_only_where_each_comes_once() -> None:
    drawing = '<wp:docPr id="7" name="x"/>'
    assert prove(wrapped(drawing * 2))[1][0].count('id="100') == 2
    _, made = prove(wrapped(f"{{% for x in rows %}}{drawing}{{% endfor %}}{drawing}"))
    assert [one.count("wp:docPr") for one in made[:3]] == [1, 2, 3]
    assert 'id="7"' not in "".join(made) and 'id="1001"' in made[0]
