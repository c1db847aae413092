import re

from hypothesis import given
from hypothesis import strategies as st

from recordkit.archive.personal import personal_spans
from recordkit.archive.search.parser import parse
from recordkit.archive.search.query import Term, positive_terms
from recordkit.archive.search.snippet import MATCH_BEGINS, MATCH_ENDS, WIDTH, Excerpt, excerpt, highlighted


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
    assert found == Excerpt((), "\u2068张三\u2069", "party")


def test_a_term_of_a_field_is_not_marked_on_pages() -> None:
    assert excerpt(["张三"], {"party": ("张三丰",)}, terms("户名:张三")) == Excerpt(
        (), "\u2068张三\u2069丰", "party")
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


def test_a_snippet_is_made_of_whole_sentences_where_they_fit() -> None:
    before, middle, behind = "前" * 45 + "。", "户名：张三，地址：和平路十号。", "后" * 50 + "。"
    assert excerpt([before + middle + behind], {}, terms("张三")).snippet == f"户名：\u2068张三\u2069，{middle[6:]}"
    assert excerpt(["甲。乙；" + middle + "丙！" + behind], {}, terms("张三")).snippet == (
        "甲。乙；户名：\u2068张三\u2069，地址：和平路十号。丙！")


def test_a_sentence_that_does_not_fit_is_cut_and_says_where() -> None:
    long = "头。" + "左" * 80 + "张三" + "右" * 80 + "。尾"
    shown = excerpt([long], {}, terms("张三")).snippet
    assert re.fullmatch("…左{29}\u2068张三\u2069右{29}…", shown)
    shown = excerpt(["头。" * 40 + "张三" + "右" * 80], {}, terms("张三")).snippet
    assert shown == "\u2068张三\u2069" + "右" * 58 + "…"
    shown = excerpt(["左" * 80 + "张三完。" + "尾" * 80], {}, terms("张三")).snippet
    assert shown == "…" + "左" * 56 + "\u2068张三\u2069完。"


def test_a_decimal_point_ends_no_sentence() -> None:
    page = "x" * 30 + " price 12.50 yuan. " + "y" * 50
    assert excerpt([page], {}, terms("price")).snippet.endswith("12.50 yuan.")


def test_ends_beginnings_and_wrong_characters_are_marked_where_they_stand() -> None:
    pages = ["张三丰住和平路", "和平路张三丰", "张三丰"]
    assert excerpt(pages, {}, [Term(None, "张三", begins=True)]) == Excerpt((1, 3), "\u2068张三\u2069丰住和平路")
    assert excerpt(pages, {}, [Term(None, "三丰", ends=True)]) == Excerpt((2, 3), "和平路张\u2068三丰\u2069")
    fuzzy = [Term(None, "和平路十号", fuzzy=True)]
    assert excerpt(["住在和乎路十号楼"], {}, fuzzy) == Excerpt((1,), "住在\u2068和乎路十号\u2069楼")


def test_a_form_field_is_named_with_its_value() -> None:
    form = {"meter_position": ("厨房",), "other": ("厨房外",)}
    fields = {"fields": ("厨房", "厨房外")}
    found = excerpt(["供水"], fields, [Term("fields.other", "厨房")], form_fields=form)
    assert found == Excerpt((), "\u2068厨房\u2069外", "fields.other")
    assert excerpt(["供水"], fields, terms("厨房"), form_fields=form).field == "fields.meter_position"
    assert excerpt(["供水"], fields, terms("字段:厨房"), form_fields=form).field == "fields.meter_position"


def test_a_hit_by_pinyin_shows_whole_the_name_or_title_that_is_read_so() -> None:
    fields = {"title": ("换表通知书",), "party": ("李四", "张三")}
    assert excerpt(["供水"], fields, terms("zs")) == Excerpt((), "\u2068张三\u2069", "party")
    assert excerpt(["供水"], fields, terms("拼音:angs")) == Excerpt((), "\u2068张三\u2069", "party")
    assert excerpt(["供水"], fields, terms("hbtzs")) == Excerpt((), "\u2068换表通知书\u2069", "title")
    assert excerpt(["供水"], fields, terms("angs")) == Excerpt((), "")
    assert excerpt(["DN zs 15"], fields, terms("zs")).snippet == "DN \u2068zs\u2069 15"


def test_personal_numbers_are_masked_even_when_the_snippet_begins_inside_one() -> None:
    page = "身份证110101199003071234，户名张三，" + "右" * 80
    shown = excerpt([page], {}, terms("张三"), hidden=personal_spans).snippet
    assert "110***********1234" in shown
    cut = excerpt(["号" * 80 + "110101199003071234张三" + "右" * 80], {}, terms("三右"), hidden=personal_spans).snippet
    assert re.search(r"\*1234张\u2068三右", cut)
    assert "0307" not in cut


def test_a_masked_number_is_shown_only_to_who_typed_all_of_it() -> None:
    page = "手机13800138000"
    for piece in ("0138", "1380", "0013", "8001", "8000"):
        shown = excerpt([page], {}, terms(piece), hidden=personal_spans).snippet
        assert shown.replace("\u2068", "").replace("\u2069", "") == "手机138****8000"
        # a mark among the asterisks would tell where the piece stands
        assert "\u2068" not in shown or shown.endswith("\u20688000\u2069")
    assert excerpt([page], {}, terms("13800138000"), hidden=personal_spans).snippet == "手机\u206813800138000\u2069"
    pieces = " OR ".join(f"{number:02}" for number in range(100))
    shown = excerpt([page], {}, terms(pieces), hidden=personal_spans).snippet
    assert "***" in shown.replace("\u2068", "").replace("\u2069", "")
    assert excerpt([page], {}, terms("手机"), hidden=personal_spans).snippet == "\u2068手机\u2069138****8000"


def test_what_a_fuzzy_term_finds_of_a_masked_number_stays_masked() -> None:
    fuzzy = [Term(None, "13800138009", fuzzy=True)]
    shown = excerpt(["手机13800138000"], {}, fuzzy, hidden=personal_spans).snippet
    assert shown == "手机138****8000"


def test_a_whole_value_can_be_shown_with_its_marks() -> None:
    assert highlighted("张三的合同", "title", terms("张三")) == "\u2068张三\u2069的合同"
    assert highlighted("张三的合同", "title", terms("户名:张三")) == "张三的合同"
    assert highlighted("张三13800138000", "title", (), personal_spans) == "张三138****8000"


@given(st.text("张三 \n(（ａbＢ李", min_size=1, max_size=200), st.text("张三ab李", min_size=2, max_size=4))
def test_marks_come_in_pairs_and_what_they_hold_is_found(page: str, written: str) -> None:
    found = excerpt([page], {}, terms(f'"{written}"'))
    assert bool(found.pages) == bool(found.snippet)
    marked = re.findall(f"{MATCH_BEGINS}([^{MATCH_ENDS}]*){MATCH_ENDS}", found.snippet)
    assert found.snippet.count(MATCH_BEGINS) == found.snippet.count(MATCH_ENDS) == len(marked)
    assert bool(marked) == bool(found.pages)
    assert all(excerpt([piece], {}, terms(f'"{written}"')).pages for piece in marked)
