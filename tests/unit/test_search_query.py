import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordkit.archive.search.grams import FIELD_WEIGHTS
from recordkit.archive.search.parser import FIELD_ALIASES, parse
from recordkit.archive.search.query import And, Not, Or, Query, Term, positive_terms, restrict
from recordkit.errors import InputRefused


def term(text: str, field: str | None = None) -> Term:
    return Term(field, text)


A, B, C = term("甲"), term("乙"), term("丙")


@pytest.mark.parametrize(
    ("written", "meaning"),
    [
        ("甲", A),
        ("  甲\u3000", A),
        ("甲 乙", And((A, B))),
        ("甲\u3000乙 丙", And((A, B, C))),
        ("甲 AND 乙", And((A, B))),
        ("甲 ＡＮＤ 乙", And((A, B))),
        ("甲 OR 乙", Or((A, B))),
        ("甲 乙 OR 丙", Or((And((A, B)), C))),
        ("甲 (乙 OR 丙)", And((A, Or((B, C))))),
        ("甲 （乙 OR 丙）", And((A, Or((B, C))))),
        ("NOT 甲", Not(A)),
        ("-甲", Not(A)),
        ("－甲", Not(A)),
        ("甲 -乙", And((A, Not(B)))),
        ("NOT 甲 乙", And((Not(A), B))),
        ("NOT(甲 OR 乙)", Not(Or((A, B)))),
        ("-（甲 乙）", Not(And((A, B)))),
        ("NOT NOT 甲", Not(Not(A))),
        ("甲 OR NOT 乙", Or((A, Not(B)))),
        ('"甲 乙"', term("甲乙")),
        ("“甲 AND 乙”", term("甲 and 乙")),
        ('＂甲＂ "乙"', And((A, B))),
        ('甲"乙"', And((A, B))),
        ('"(甲)"', A),
        ("ANDY", term("andy")),
        ("and or not", And((term("and"), term("or"), term("not")))),
        ("甲OR乙", term("甲or乙")),
        ("户名:甲", term("甲", "party")),
        ("户名：甲 乙", And((term("甲", "party"), B))),
        ("戶名: 甲", term("甲", "party")),
        ("TITLE:甲", term("甲", "title")),
        ("text:甲", term("甲", "pages")),
        ('户名:"甲 乙"', term("甲乙", "party")),
        ("户名:(甲 OR -乙)", Or((term("甲", "party"), Not(term("乙", "party"))))),
        ("户名:(甲 地址:乙)", And((term("甲", "party"), term("乙", "address")))),
        ("-户名:甲", Not(term("甲", "party"))),
        ("户名:-甲", Not(term("甲", "party"))),
        ("供合(2026)0001号", term("供合20260001号")),
        ("供合（2026）0001號", term("供合20260001号")),
        ("供合〔2026〕0001号", term("供合20260001号")),
        ("(甲 OR 供合(2026)1号)", Or((A, term("供合20261号")))),
        ("甲(乙 丙)", And((A, And((B, C))))),
        ("C001-KF·2026", term("c001-kf·2026")),
        ("10:30", term("10:30")),
        ('"时间:甲"', term("时间:甲")),
        ("地址:3:4号", term("3:4号", "address")),
    ],
)
def test_meaning(written: str, meaning: Query) -> None:
    assert parse(written) == meaning


@pytest.mark.parametrize(
    ("written", "position", "character"),
    [
        ('甲 "乙', 3, '"'),
        ("甲 “乙", 3, "“"),
        ("甲 (乙 OR 丙", 3, "("),
        ("(", 1, "("),
        ("甲)", 2, ")"),
        (")", 1, ")"),
        ("甲 ()", 4, ")"),
        ("OR 甲", 1, "O"),
        ("甲 OR", 3, "O"),
        ("甲 OR OR 乙", 6, "O"),
        ("甲 AND", 3, "A"),
        ("AND", 1, "A"),
        ("NOT", 1, "N"),
        ("甲 -", 3, "-"),
        ("甲 - 乙", 3, "-"),
        ("(甲 OR) 乙", 4, "O"),
        ("户名:", 1, "户"),
        ("甲 户名: OR 乙", 3, "户"),
        ("甲 颜色:乙", 3, "颜"),
        ("甲 x", 3, "x"),
        ("甲 7", 3, "7"),
        ('甲 ""', 3, '"'),
        ('甲 "（）"', 3, '"'),
        ("甲 ，", 3, "，"),
        ("(" * 41 + "甲" + ")" * 41, 41, "("),
        ("NOT " * 41 + "甲", 161, "N"),
        ("甲 " * 2001, 4001, "甲"),
    ],
)
def test_what_cannot_be_read_is_refused_by_position_and_character(written: str, position: int, character: str) -> None:
    with pytest.raises(InputRefused) as refused:
        parse(written)
    assert refused.value.exit_code == 3
    assert refused.value.what.params["position"] == position
    assert refused.value.what.params["character"] == character
    assert f"{position} ({character})" in str(refused.value)


@pytest.mark.parametrize("written", ["", "  ", "\u3000\n"])
def test_an_empty_query_is_refused(written: str) -> None:
    with pytest.raises(InputRefused, match="empty"):
        parse(written)


PIECES = st.sampled_from([*'甲乙ab1 ()（）"“”-:：　', " AND ", " OR ", "NOT ", "户名:"])


@given(st.lists(PIECES, max_size=30).map("".join))
def test_every_text_is_read_or_refused(written: str) -> None:
    try:
        query = parse(written)
    except InputRefused:
        return
    for one in positive_terms(query):
        assert one.text
        assert one.field in (None, *FIELD_WEIGHTS)


def test_labels_of_forms_can_be_added() -> None:
    assert parse("换表原因：逾龄", {**FIELD_ALIASES, "换表原因": "fields"}) == term("逾龄", "fields")


def test_every_alias_names_an_indexed_field_and_every_field_has_one() -> None:
    assert set(FIELD_ALIASES.values()) == set(FIELD_WEIGHTS)


def test_a_restriction_touches_only_terms_without_a_field() -> None:
    query = parse("甲 OR (户名:乙 -丙)")
    assert restrict(query, "pages") == Or((term("甲", "pages"), And((term("乙", "party"), Not(term("丙", "pages"))))))


def test_positive_terms_are_those_that_can_make_a_hit() -> None:
    assert positive_terms(parse("甲 -乙 OR (丙 甲) OR -(-丁)")) == (A, C, term("丁"))
