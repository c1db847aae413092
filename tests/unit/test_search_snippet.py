import re

from hypothesis import given
from hypothesis import strategies as st

from recordkit.archive.search.parser import parse
from recordkit.archive.search.query import Term, positive_terms
from recordkit.archive.search.snippet import MATCH_BEGINS, MATCH_ENDS, WIDTH, Excerpt, excerpt


def terms(query: str) -> tuple[Term, ...]:
    return positive_terms(parse(query))


def test_matching_pages_are_counted_from_one() -> None:
    assert excerpt(["张三", "李四", "张三"], {}, terms("张三")).pages == (1, 3)


def test_the_match_is_marked_as_it_was_written() -> None:
    shown = excerpt(["户名：張 三（户主）"], {}, terms("张三户")).snippet
    assert shown == "户名：\u2068張 三（户\u2069主）"
    assert (MATCH_BEGINS, MATCH_ENDS) == ("\u2068", "\u2069")


def test_a_long_page_is_cut_around_the_match() -> None:
    page = "前" * 500 + "水表编号Ｓ20231101" + "后" * 500
    shown = excerpt([page], {}, terms("s20231101")).snippet
    assert shown.startswith("…前")
    assert shown.endswith("后…")
    assert f"{MATCH_BEGINS}Ｓ20231101{MATCH_ENDS}" in shown
    assert len(re.sub(f"[…{MATCH_BEGINS}{MATCH_ENDS}]", "", shown)) == WIDTH


def test_the_page_and_the_place_with_most_terms_are_shown() -> None:
    pages = ["张三" + "一" * 200, "张三" + "二" * 200 + "张三李四" + "二" * 200, "李四"]
    found = excerpt(pages, {}, terms("张三 李四"))
    assert found.pages == (1, 2, 3)
    assert f"{MATCH_BEGINS}张三李四{MATCH_ENDS}" in found.snippet


def test_overlapping_matches_are_one_mark() -> None:
    assert excerpt(["供水单位"], {}, terms("供水单 水单位")).snippet == "\u2068供水单位\u2069"
    assert excerpt(["哈哈哈"], {}, terms("哈哈")).snippet == "\u2068哈哈哈\u2069"


def test_a_field_value_is_shown_when_no_page_matches() -> None:
    found = excerpt(["供水"], {"party": ("李四", "张三")}, terms("张三"))
    assert found == Excerpt((), "\u2068张三\u2069")


def test_a_term_of_a_field_is_not_marked_on_pages() -> None:
    assert excerpt(["张三"], {"party": ("张三丰",)}, terms("户名:张三")) == Excerpt((), "\u2068张三\u2069丰")
    assert excerpt(["张三"], {"party": ("张三丰",)}, terms("正文:张三")) == Excerpt((1,), "\u2068张三\u2069")


def test_nothing_found_gives_nothing() -> None:
    assert excerpt(["供水"], {"party": ("李四",)}, terms("张三")) == Excerpt((), "")
    assert excerpt(["供水"], {}, ()) == Excerpt((), "")


def test_invisible_characters_of_the_source_cannot_pass_for_marks() -> None:
    shown = excerpt(["假\u2068标\u2069记\u202e 张\u2069三\x1b"], {}, terms("张三")).snippet
    assert shown == "假标记 \u2068张三\u2069"


def test_line_ends_become_spaces() -> None:
    assert excerpt(["甲乙\n\n丙丁\t戊"], {}, terms("丙丁")).snippet == "甲乙 \u2068丙丁\u2069 戊"


def test_a_match_longer_than_the_snippet_is_shown_whole() -> None:
    long = "供水" * 50
    assert excerpt(["前" * 90 + long + "后" * 90], {}, [Term(None, long)]).snippet.count("供水") == 50


@given(st.text("张三 \n(（ａbＢ李", min_size=1, max_size=200), st.text("张三ab李", min_size=2, max_size=4))
def test_marks_come_in_pairs_and_what_they_hold_is_found(page: str, written: str) -> None:
    found = excerpt([page], {}, terms(f'"{written}"'))
    assert bool(found.pages) == bool(found.snippet)
    marked = re.findall(f"{MATCH_BEGINS}([^{MATCH_ENDS}]*){MATCH_ENDS}", found.snippet)
    assert found.snippet.count(MATCH_BEGINS) == found.snippet.count(MATCH_ENDS) == len(marked)
    assert bool(marked) == bool(found.pages)
    assert all(excerpt([piece], {}, terms(f'"{written}"')).pages for piece in marked)
