"""The proof may give up, but it must never be wrong: what it proves holds in every rendering."""

from __future__ import annotations

import itertools

from docxtpl import DocxTemplate
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment, TemplateError, pass_context
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
    environment.filters[DRAWING_FILTER] = pass_context(lambda *_: next(numbers))
    tree = environment.parse(source)
    proof = Walk("x", frozenset(), number_drawings=True).prove(tree)
    tree.set_environment(environment)
    template = environment.template_class.from_code(environment, environment.compile(tree), {}, None)
    return proof, [
        template.render(a=a, b=b, v=HOSTILE, rows=rows) for a in (0, 1) for b in (0, 1) for rows in ([], [1], [1, 2])
    ]


def wrapped(body: str) -> str:
    return f'<w:body xmlns:w="{NAMESPACE}" xmlns:wp="{DRAWING}">{body}</w:body>'


def parses(text: str) -> bool:
    try:
        etree.fromstring(text)
    except etree.XMLSyntaxError:
        return False
    return True


def mixed(leaves: list[str], around: list[tuple[str, str]], strays: list[str]) -> st.SearchStrategy[str]:
    """Sources that are often, not always, balanced."""
    leaf = st.sampled_from(leaves)
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map("".join),
            st.tuples(st.sampled_from(around), inner).map(lambda one: one[0][0] + one[1] + one[0][1]),
            st.tuples(inner, inner).map(lambda one: f"{{% if a %}}{one[0]}{{% else %}}{one[1]}{{% endif %}}"),
            st.tuples(st.sampled_from(strays), inner, st.sampled_from(strays)).map("".join),
        ),
        max_leaves=8,
    )


CONTENT = mixed(
    [
        "",
        "<w:br/>",
        "{{ v }}",
        "甲",
        "&amp;",
        "<!-- x -->",
        "</w:p><w:p>",
        "<w:t>{{ v }}</w:t>",
        '<w:x a="{{ v }}"/>',
        '<w:x a="1{% if a %}2{{ v }}{% endif %}" b="{{ v }}">',
        "</w:x>",
        "& ",
        "]]>",
        "<z:q/>",
        "{{ y }}",
    ],
    [
        ("<w:p>", "</w:p>"),
        ("<w:t>", "</w:t>"),
        ("{% if a %}", "{% endif %}"),
        ("{% if a %}{% elif b %}", "{% endif %}"),
        ("{% for x in rows %}", "{% endfor %}"),
        ("{% if a %}<w:p>{% else %}<w:p w:q='1'>{% endif %}", "</w:p>"),
        ('<w:x a="', '"/>'),
        ("{% set y %}", "{% endset %}"),
        ("{% with %}", "{% endwith %}"),
    ],
    ["", "", "<w:p>", "</w:p>", "{% if b %}", "{% endif %}"],
)
CELLS = mixed(
    [
        "",
        "<w:tc><w:tcPr/></w:tc>",
        '<w:tc><w:tcPr><w:gridSpan w:val="2"/></w:tcPr></w:tc>',
        "<w:tr><w:tc/><w:tc/></w:tr>",
        '<w:tr><w:tc><w:tcPr><w:gridSpan w:val="{{ b + 1 }}"/></w:tcPr></w:tc></w:tr>',
        "<w:tr><w:tc/></w:tr>",
        "<w:tr><w:tc><w:tbl><w:tblGrid><w:gridCol w:w='9'/></w:tblGrid><w:tr><w:tc/></w:tr></w:tbl></w:tc></w:tr>",
    ],
    [
        ("<w:tr>", "</w:tr>"),
        ("{% if a %}", "{% endif %}"),
        ("{% for x in rows %}", "{% endfor %}"),
        ("<w:tr><w:tc/>", "</w:tr>"),
        ("<w:tr><w:tc><w:tcPr/>", "</w:tc></w:tr>"),
    ],
    ["", "", "</w:tr><w:tr>", "<w:tc/>"],
)


@settings(max_examples=800, deadline=None)
@given(CONTENT)
def test_what_is_proved_well_formed_parses_in_every_rendering(body: str) -> None:
    try:
        proof, made = prove(wrapped(body))
    except TemplateError:
        return
    if proof.well_formed:
        assert all(map(parses, made)), body


@settings(max_examples=800, deadline=None)
@given(CELLS, st.integers(1, 3))
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
        "{% if a %}<w:p/>{% endif %}{% for x in rows %}"
        "<w:p><w:r><w:t>{{ x }}</w:t></w:r></w:p>{% else %}<w:p/>{% endfor %}"
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
