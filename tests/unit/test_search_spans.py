import re

from hypothesis import given
from hypothesis import strategies as st
from test_search_grams import holds

from recordkit.archive.search.query import Term
from recordkit.archive.search.spans import spans_of, stands_in
from recordkit.archive.search.text import can_be_searched, normalise


def ways(term: Term) -> list[str]:
    """Patterns of what may be marked of a term."""
    text = term.text
    found = [re.escape(text)]
    if term.fuzzy:
        found += [re.escape(text[:at]) + "." + re.escape(text[at + 1 :]) for at in range(1, len(text) - 1)]
        found += [re.escape(text[1:]), re.escape(text[:-1])]
    return found


TEXTS = st.text("ab 张三", max_size=9)


@given(TEXTS, TEXTS, st.booleans(), st.booleans(), st.booleans())
def test_a_term_has_spans_exactly_where_it_matches(
    value: str, text: str, begins: bool, ends: bool, fuzzy: bool
) -> None:
    text, value = normalise(text), normalise(value)
    if not can_be_searched(text) or not value:
        return
    term = Term("title", text, begins, ends, fuzzy and len(text) > 3)
    spans = spans_of(term, value)
    assert bool(spans) == stands_in(term, value) == holds(term, value), term
    for begin, end in spans:
        piece = value[begin:end]
        assert 0 <= begin < end <= len(value)
        assert any(re.fullmatch(way, piece, re.DOTALL) for way in ways(term))
        assert not begins or begin <= term.fuzzy
        assert not ends or end >= len(value) - term.fuzzy


@given(
    st.text("ab张", min_size=4, max_size=7), st.sets(st.integers(0, 6), max_size=2), st.booleans(), st.booleans(),
    st.text("a三", max_size=2), st.text("a三", max_size=2), st.booleans(), st.booleans(),
)
def test_a_text_with_a_few_wrong_or_missing_characters_is_found_as_defined(
    text: str, wrong: set[int], headless: bool, tailless: bool, before: str, behind: str, begins: bool, ends: bool
) -> None:
    near = "".join("x" if place in wrong else char for place, char in enumerate(text))
    value = before + near[headless : len(near) - tailless] + behind
    term = Term("title", text, begins, ends, fuzzy=True)
    assert bool(spans_of(term, value)) == stands_in(term, value) == holds(term, value)


def test_every_place_is_found_overlaps_included() -> None:
    assert spans_of(Term(None, "哈哈"), "哈哈哈a哈哈") == [(0, 2), (1, 3), (4, 6)]


def test_the_character_that_differs_at_an_end_is_not_part_of_the_place() -> None:
    fuzzy = Term(None, "和平路十号", fuzzy=True)
    assert spans_of(fuzzy, "住和平路十号楼") == [(1, 6)]
    assert spans_of(fuzzy, "住和乎路十号楼") == [(1, 6)]
    assert spans_of(fuzzy, "住利平路十号楼") == [(2, 6)]
    assert spans_of(fuzzy, "平路十号") == [(0, 4)]
    assert spans_of(fuzzy, "和平路十") == [(0, 4)]
    assert spans_of(fuzzy, "利平路十楼") == []


def test_a_long_fuzzy_term_over_a_long_page_of_one_character_is_found_everywhere() -> None:
    assert spans_of(Term(None, "一" * 2000 + "二", fuzzy=True), "一" * 100_000)[0] == (0, 2000)
