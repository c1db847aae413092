import sys
import unicodedata
from types import FrameType

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from recordkit.archive.search.grams import FIELD_WEIGHTS, KEYWORDS
from recordkit.archive.search.parser import MAX_LENGTH, parse
from recordkit.archive.search.pinyin import plain_reading
from recordkit.archive.search.query import And, Dated, Everything, Is, Not, Or, Query, Term, positive_terms
from recordkit.archive.search.text import can_be_searched, normalise
from recordkit.archive.search.vocabulary import BASIC, FIELD_ALIASES, KEYWORD_ALIASES, Vocabulary
from recordkit.errors import InputRefused, NotFound

CLASSES = (("supply-contract", "supply-contract"), ("供用水合同", "supply-contract"),
           ("meter-change-notice", "meter-change-notice"), ("换表通知书", "meter-change-notice"),
           ("meter-change-slip", "meter-change-slip"), ("换表单", "meter-change-slip"))
FIELDS = {
    **BASIC.fields, "表位": ("fields.meter_position",), "meter_position": ("fields.meter_position",),
    "办结日期": ("fields.closed_on", "fields.completed_on"), "用水量m3/日": ("fields.per_day",),
}
OFFICE = Vocabulary(FIELDS, BASIC.keywords, {**BASIC.values, "class": CLASSES, "form": CLASSES},
                    lambda: [*BASIC.known(), *FIELDS])


def term(text: str, field: str | None = None, **marks: bool) -> Term:
    return Term(field, text, **marks)


def one_of(keyword: str, *values: str) -> Query:
    parts = tuple(Is(keyword, value) for value in values)
    return parts[0] if len(parts) == 1 else Or(parts)


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
        ("(2026)0001号", term("20260001号")),
        ("（2026）第12号", term("2026第12号")),
        ("〔2026〕12", term("202612")),
        ("户名:（2026）12 甲", And((term("202612", "party"), A))),
        ("-(2026)12", Not(term("202612"))),
        ("NOT (2026)12", Not(term("202612"))),
        ("(2026)12*", term("202612", begins=True)),
        ("*(2026)12", term("202612", ends=True)),
        ("((2026)12 OR 甲)", Or((term("202612"), A))),
        ("((2026))12", term("202612")),
        ("(甲 (2026)12号)", And((A, term("202612号")))),
        ("(甲)乙", term("甲乙")),
        ("(2026)", term("2026")),
        ("(甲) 乙", And((A, B))),
        ("(甲 OR 乙) NOT 丙", And((Or((A, B)), Not(C)))),
        ("(甲 OR 乙)丙", And((Or((A, B)), C))),
        ("(甲)OR 乙", Or((A, B))),
        ("(甲)AND（乙）", And((A, B))),
        ("(甲)ORDER", term("甲order")),
        ("(甲)(乙)", And((A, B))),
        ("(户名:甲)乙", And((term("甲", "party"), B))),
        ("(-甲)乙", And((Not(A), B))),
        ("(甲*)乙", And((term("甲", begins=True), B))),
        ('("甲")乙', And((A, B))),
        ('(甲)"乙"', And((A, B))),
        ("C001-KF·2026", term("c001-kf·2026")),
        ("10:30", term("10:30")),
        ('"时间:甲"', term("时间:甲")),
        ("地址:3:4号", term("3:4号", "address")),
    ],
)
def test_meaning(written: str, meaning: Query) -> None:
    assert parse(written) == meaning


@pytest.mark.parametrize(
    ("written", "meaning"),
    [
        ("甲*", term("甲", begins=True)),
        ("甲＊", term("甲", begins=True)),
        ("*甲", term("甲", ends=True)),
        ("＊甲", term("甲", ends=True)),
        ("*甲*", A),
        ("*", Everything()),
        ("＊", Everything()),
        ("* -甲", And((Everything(), Not(A)))),
        ("甲乙丙丁~", term("甲乙丙丁", fuzzy=True)),
        ("甲乙丙丁～", term("甲乙丙丁", fuzzy=True)),
        ("甲乙丙丁~*", term("甲乙丙丁", fuzzy=True, begins=True)),
        ("*甲乙丙丁~", term("甲乙丙丁", fuzzy=True, ends=True)),
        ('"甲 乙"*', term("甲乙", begins=True)),
        ('*"甲 乙"', term("甲乙", ends=True)),
        ("＊“甲 乙”", term("甲乙", ends=True)),
        ("“甲 乙丙 丁”～", term("甲乙丙丁", fuzzy=True)),
        ('"甲*"', term("甲*")),
        ('"甲乙丙丁~"', term("甲乙丙丁~")),
        ('"*甲"', term("*甲")),
        ("100*80", term("100*80")),
        ("~甲", term("~甲")),
        ("户名:张*", term("张", "party", begins=True)),
        ("户名：*公司", term("公司", "party", ends=True)),
        ('地址:"文昌 巷"*', term("文昌巷", "address", begins=True)),
        ("户名:(张* OR 李*)", Or((term("张", "party", begins=True), term("李", "party", begins=True)))),
        ("-户名:张*", Not(term("张", "party", begins=True))),
        ("供合(2026)*", term("供合2026", begins=True)),
        ("(甲*)", term("甲", begins=True)),
        ("pinyin:zhangsan", term("zhangsan", "pinyin")),
        ("拼音:Zhāng", term("zhang", "pinyin")),
        ('拼音:"Zhang San"', term("zhangsan", "pinyin")),
        ("拼音:Lǚ", term("lv", "pinyin")),
        ("拼音:zs*", term("zs", "pinyin", begins=True)),
        ("zs", term("zs")),
        ("日期:2026", Dated("2026", "2026")),
        ("日期：２０２６", Dated("2026", "2026")),
        ("date:2026-03", Dated("2026-03", "2026-03")),
        ("日期:2026-3-2", Dated("2026-03-02", "2026-03-02")),
        ("日期:2026/03/02", Dated("2026-03-02", "2026-03-02")),
        ("日期:2026.3.2", Dated("2026-03-02", "2026-03-02")),
        ("日期:20260302", Dated("2026-03-02", "2026-03-02")),
        ("日期:202603", Dated("2026-03", "2026-03")),
        ("日期:2026年", Dated("2026", "2026")),
        ("日期:2026年3月", Dated("2026-03", "2026-03")),
        ("日期:2026年3月2日", Dated("2026-03-02", "2026-03-02")),
        ("日期:2026-01..2026-06", Dated("2026-01", "2026-06")),
        ("日期:2026-01．．2026-06", Dated("2026-01", "2026-06")),
        ("日期:2026-01…2026-06", Dated("2026-01", "2026-06")),
        ("日期:2026-01~2026-06", Dated("2026-01", "2026-06")),
        ("日期:2026-01～2026-06", Dated("2026-01", "2026-06")),
        ("日期:2026-01—2026-06", Dated("2026-01", "2026-06")),
        ("日期:2026-01——2026-06", Dated("2026-01", "2026-06")),
        ("日期:2026-01–2026-06", Dated("2026-01", "2026-06")),
        ("日期:2026-01-2026-06", Dated("2026-01", "2026-06")),
        ("日期:2026-1-2-2026-3-4", Dated("2026-01-02", "2026-03-04")),
        ("日期:2024-2026", Dated("2024", "2026")),
        ("日期:20260101－20260630", Dated("2026-01-01", "2026-06-30")),
        ("日期:2026.1-2026.6", Dated("2026-01", "2026-06")),
        ("日期:2026-2026-05", Dated("2026", "2026-05")),
        ("日期:2026-01至2026-06", Dated("2026-01", "2026-06")),
        ("日期:2026年1月到2026年6月", Dated("2026-01", "2026-06")),
        ("日期:2026 -甲", And((Dated("2026", "2026"), Not(A)))),
        ("日期:2026年1月至2026年6月", Dated("2026-01", "2026-06")),
        ("日期:2026.1..2026.6.30", Dated("2026-01", "2026-06-30")),
        ("日期:..2026", Dated(None, "2026")),
        ("日期:2026..", Dated("2026", None)),
        ("日期:2026-05..2026", Dated("2026-05", "2026")),
        ("日期:2026..2026-05", Dated("2026", "2026-05")),
        ("日期:2024-02-29", Dated("2024-02-29", "2024-02-29")),
        ('日期:"2026 年 3 月"', Dated("2026-03", "2026-03")),
        ("-日期:2026", Not(Dated("2026", "2026"))),
        ("日期:(2025 OR 2026-03)", Or((Dated("2025", "2025"), Dated("2026-03", "2026-03")))),
        ("张三 日期:2026 户名:李", And((term("张三"), Dated("2026", "2026"), term("李", "party")))),
        ("日期:(2026 户名:甲)", And((Dated("2026", "2026"), term("甲", "party")))),
        ("年度:2026", Is("year", "2026")),
        ("year:2026年", Is("year", "2026")),
        ("年度:2024..2026", one_of("year", "2024", "2025", "2026")),
        ("年度:2024-2026", one_of("year", "2024", "2025", "2026")),
        ("年度:2024~2026", one_of("year", "2024", "2025", "2026")),
        ("年度:2024—2026", one_of("year", "2024", "2025", "2026")),
        ("年度:2024年至2026年", one_of("year", "2024", "2025", "2026")),
        ("年度:2026..", one_of("year", *map(str, range(2026, 2226)))),
        ("年度:..2026", one_of("year", *map(str, range(1827, 2027)))),
        ("年度:9999..", one_of("year", "9999")),
        ("保管期限:10年", Is("period", "D10")),
        ("保管期限:D30", Is("period", "D30")),
        ("period:30", Is("period", "D30")),
        ("period:10y", Is("period", "D10")),
        ("保管期限:永久", Is("period", "Y")),
        ("period:permanent", Is("period", "Y")),
        ("密级:受限", Is("access", "restricted")),
        ("密级:开放", Is("access", "open")),
        ("access:restricted", Is("access", "restricted")),
        ("类别:供用水合同", Is("class", "supply-contract")),
        ("類別:供用水合同", Is("class", "supply-contract")),
        ("class:supply-contract", Is("class", "supply-contract")),
        ("类别:供用", Is("class", "supply-contract")),
        ("类别:用水合", Is("class", "supply-contract")),
        ("类别:换表通知书*", Is("class", "meter-change-notice")),
        ("类别:换表单", Is("class", "meter-change-slip")),
        ("类别:换表*", one_of("class", "meter-change-notice", "meter-change-slip")),
        ("表单:换表通", Is("form", "meter-change-notice")),
        ("类别:(供用水合同 OR 换表单)", Or((Is("class", "supply-contract"), Is("class", "meter-change-slip")))),
        ("-类别:供用水合同 张三", And((Not(Is("class", "supply-contract")), term("张三")))),
        ("表位:厨房", term("厨房", "fields.meter_position")),
        ("Meter_Position:厨房", term("厨房", "fields.meter_position")),
        ("表位:厨*", term("厨", "fields.meter_position", begins=True)),
        ("用水量m³/日:12", term("12", "fields.per_day")),
        ("fields.anything_9:厨房", term("厨房", "fields.anything_9")),
        ("办结日期:2026", Or((term("2026", "fields.closed_on"), term("2026", "fields.completed_on")))),
        ("办结日期:-2026", Not(Or((term("2026", "fields.closed_on"), term("2026", "fields.completed_on"))))),
        ("S2023:5", term("s2023:5")),
    ],
)
def test_meaning_of_marks_keywords_and_form_fields(written: str, meaning: Query) -> None:
    assert parse(written, OFFICE) == meaning


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
    assert_pointed(refused.value, written, position, character)


def assert_pointed(refused: InputRefused, written: str, position: int, character: str) -> None:
    assert refused.what.params["position"] == position
    assert refused.what.params["character"] == character
    assert f"{position} ({character})" in str(refused)
    assert refused.pointer == (written, position - 1)
    assert refused.todo is not None


@pytest.mark.parametrize(
    ("written", "position", "told", "offered"),
    [
        ("甲 户明:乙", 3, "no field 户明", "户名"),
        ("甲 titel:乙", 3, "no field titel", "title"),
        ("表伟:厨房", 1, "no field 表伟", "表位"),
        ("meter_postion:厨房", 1, "no field meter_postion", "meter_position"),
        ("颜色:乙", 1, "no field 颜色", "Known are: 题名, 文号, 档号, 户名,"),
        ("colour:乙", 1, "no field colour", "Known are: title, number, code, party,"),
        ("类别:食品", 4, "食品 is not known", "Known are: 供用水合同, 换表通知书, 换表单."),
        ("class:food", 7, "food is not known", "Known are: supply-contract, meter-change-notice, meter-change-slip."),
        ("class:meter-change", 7, "part of several: meter-change-notice, meter-change-slip", "star"),
        ("甲 类别:供水合同", 6, "供水合同 is not known", "供用水合同"),
        ("类别:水合*", 4, "水合 is not known", "供用水合同"),
        ("类别:换表", 4, "part of several: 换表通知书, 换表单", "star"),
        ("类别:(供用水合同 OR 没有)", 14, "没有 is not known", "Known are"),
        ("密级:秘密", 4, "秘密 is not known", "Known are: 开放, 受限."),
        ("密级:公天", 4, "公天 is not known", "公开"),
        ("日期:昨天", 4, "昨天 is no date", "2026-03-02"),
        ("日期:2026-13", 4, "2026-13 is no date", "2026"),
        ("日期:2026-02-29", 4, "2026-02-29 is no date", "2026"),
        ("日期:2026-00-10", 4, "is no date", "2026"),
        ("日期:0000", 4, "is no date", "2026"),
        ("日期:..", 4, "is no date", "2026"),
        ("日期:2026-01..x", 4, "x is no date", "2026"),
        ("日期:2026-06..2026-01", 4, "2026-06 lies after 2026-01", "earlier"),
        ("日期:2026..2025-12", 4, "2026 lies after 2025-12", "earlier"),
        ("日期:2026*", 4, "matched whole", "star"),
        ("日期:2026~", 4, "stands between two", "2026-01.."),
        ("类别:供用水合同~", 4, "matched whole", "mark"),
        ("年度:2026-03", 4, "is no year", "2024..2026"),
        ("年度:..", 4, "is no year", "2024..2026"),
        ("年度:2026-03-02", 4, "is no year", "2024..2026"),
        ("年度:2026~", 4, "stands between two", "2026-01.."),
        ("年度:~2026", 4, "stands between two", "2026-01.."),
        ("日期:2026-01—", 4, "stands between two", "2026-01.."),
        ("日期:~2026-01", 4, "stands between two", "2026-01.."),
        ("日期:2026-01 至 2026-06", 12, "white space stands beside", "2026-01..2026-06"),
        ("日期:2026-01 - 2026-06 张三", 12, "white space stands beside", "2026-01..2026-06"),
        ("日期:1-2-3-4-5-6-7-8-9-10", 4, "is no date", "2026"),
        ("日期:2026-06~2026-01", 4, "lies after", "earlier"),
        ("日期:2026-01~2026-06~2026-07", 4, "is no date", "2026"),
        ("甲 ，", 3, "punctuation mark or sign alone", "before it or behind"),
        ("甲 +", 3, "punctuation mark or sign alone", "before it or behind"),
        ("甲 “ - ”", 3, "punctuation mark or sign alone", "before it or behind"),
        ("甲 〔〕", 3, "brackets and invisible", "at least one"),
        ("甲 “\u200b”", 3, "brackets and invisible", "at least one"),
        ("甲 “ ”", 3, "nothing to look for", "at least one"),
        ("年度:2026..2024", 4, "no range", "earlier"),
        ("年度:1000..2024", 4, "no range", "earlier"),
        ("保管期限:短期", 6, "no retention period", "永久"),
        ("户名:*", 4, "star alone", "at least one"),
        ("类别:*", 4, "star alone", "at least one"),
        ('类别:""', 4, "nothing to look for", "at least"),
        ("甲乙丙~", 1, "at least 4 characters", "~"),
        ("甲 ~", 3, "nothing to look for", "at least"),
        ("(甲 乙)*", 6, "mark stands behind a bracket", "each word"),
        ("户名:(甲)~", 7, "mark stands behind a bracket", "each word"),
        ("a*", 1, "from two characters", "before it"),
        ("户名:NOT 甲", 1, "no value", "colon"),
    ],
)
def test_a_refusal_points_tells_why_and_what_to_do(written: str, position: int, told: str, offered: str) -> None:
    with pytest.raises(InputRefused) as refused:
        parse(written, OFFICE)
    assert_pointed(refused.value, written, position, written[position - 1])
    assert told in str(refused.value.what)
    assert offered in str(refused.value.todo)


def test_a_field_for_the_whole_query_holds_where_no_other_is_named() -> None:
    assert parse("甲 OR (户名:乙 -丙)", within="正文") == Or(
        (term("甲", "pages"), And((term("乙", "party"), Not(term("丙", "pages")))))
    )
    assert parse("2026-01..2026-03 OR 2025", within="日期") == Or((Dated("2026-01", "2026-03"), Dated("2025", "2025")))
    assert parse("厨房", OFFICE, within="表位") == term("厨房", "fields.meter_position")
    with pytest.raises(NotFound, match="户明.*户名"):
        parse("甲", within="户明")


@pytest.mark.parametrize("written", ["", "  ", "\u3000\n"])
def test_an_empty_query_is_refused(written: str) -> None:
    with pytest.raises(InputRefused, match="empty"):
        parse(written)


PIECES = st.sampled_from([
    *'甲乙ab1 ()（）"“”-:：　*＊~～.2', " AND ", " OR ", "NOT ", "户名:", "日期:", "类别:", "表位:", "办结日期:",
    "pinyin:", "2026-01", "供用水合同", "年度:", "保管期限:", "甲乙丙丁",
])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.lists(PIECES, max_size=30).map("".join), st.text(max_size=30)))
def test_every_text_is_read_or_refused_at_a_character_of_it(written: str) -> None:
    try:
        query = parse(written, OFFICE)
    except InputRefused as refused:
        if refused.pointer is None:
            assert not written.strip()
        else:
            assert refused.pointer[0] == written
            assert 0 <= refused.pointer[1] < len(written)
            assert str(refused)
        return
    for one in positive_terms(query):
        assert one.text
        assert one.field is None or one.field in FIELD_WEIGHTS or one.field.startswith("fields.")
        # A bracket dropped between a letter and a mark leaves the two apart; else the text is its own normal form.
        assert one.field == "pinyin" or normalise(one.text) == unicodedata.normalize("NFC", one.text)


def rendered(query: Query) -> str:
    """A text that means the query."""
    match query:
        case Term(field, text, begins, ends, fuzzy):
            marked = "*" * ends + f'"{text}"' + "~" * fuzzy + "*" * begins
            return f"{field}:{marked}" if field else marked
        case Dated(since, until):
            return f"date:{since or ''}..{until or ''}"
        case Is(keyword, value):
            return f"{keyword}:{value}"
        case Everything():
            return "*"
        case Not(part):
            return f"NOT {rendered(part)}"
        case And(parts):
            return "(" + " ".join(map(rendered, parts)) + ")"
        case Or(parts):
            return "(" + " OR ".join(map(rendered, parts)) + ")"
    raise AssertionError(query)


CHARACTERS = st.sampled_from("甲乙丙ab12 .-*~:()，。AND“")
TEXTS = st.text(CHARACTERS, min_size=1, max_size=8).map(normalise).filter(can_be_searched)
READINGS = st.from_regex("[a-z]{2,8}", fullmatch=True)
MARKS = st.sampled_from([{}, {"begins": True}, {"ends": True}])
ANYWHERE = st.sampled_from([None, *(name for name in FIELD_WEIGHTS if name != "pinyin"), "fields.meter_position"])
DAYS = st.one_of(
    st.dates().map(str), st.integers(1, 9999).map("{:04}".format),
    st.builds("{:04}-{:02}".format, st.integers(1, 9999), st.integers(1, 12)),
)
TERMS = st.builds(lambda text, field, marks: Term(field, text, **marks), TEXTS, ANYWHERE, MARKS)
WRONG = TEXTS.filter(lambda text: len(text) > 3).flatmap(
    lambda text: st.builds(lambda field, marks: Term(field, text, fuzzy=True, **marks), ANYWHERE, MARKS)
)
LEAVES = st.one_of(
    TERMS, WRONG, st.just(Everything()), READINGS.map(lambda text: Term("pinyin", text)),
    DAYS.map(lambda day: Dated(day, None)), DAYS.map(lambda day: Dated(None, day)),
    st.tuples(DAYS, DAYS).map(sorted).map(lambda days: Dated(*days)),
    st.sampled_from([Is("year", "2026"), Is("period", "Y"), Is("period", "D10"), Is("access", "restricted"),
                     Is("class", "supply-contract"), Is("form", "meter-change-slip")]),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(Not), st.lists(inner, min_size=2, max_size=4).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TREES)
def test_a_query_that_is_written_out_and_read_again_is_the_same(query: Query) -> None:
    written = rendered(query)
    assume(len(written) <= MAX_LENGTH)
    assert parse(written, OFFICE) == query


@pytest.mark.parametrize(
    "piece", ["(", "a(", "a(b ", '"', "甲 ", "-", "NOT ", "户名:", "*", "~", "a(((", "(甲)", "(甲)乙", "日期:2026-",
              '"甲"*', "a(b)", "a) "]
)
def test_reading_takes_steps_in_proportion_to_the_length(piece: str) -> None:
    def steps(length: int) -> int:
        count = 0

        def counted(frame: FrameType, event: str, argument: object) -> object:
            nonlocal count
            count += 1
            return counted

        before = sys.gettrace()
        sys.settrace(counted)
        try:
            parse((piece * length)[:length], OFFICE)
        except InputRefused:
            pass
        finally:
            sys.settrace(before)
        return count

    short, long = steps(1000), steps(4000)
    assert long < 6 * short + 10_000


def test_every_alias_names_an_indexed_field_and_every_field_has_one() -> None:
    assert set(FIELD_ALIASES.values()) == set(FIELD_WEIGHTS)


def test_every_keyword_has_a_name_and_names_are_in_their_plain_form() -> None:
    assert set(KEYWORD_ALIASES.values()) == {"date", *KEYWORDS}
    assert not set(KEYWORD_ALIASES) & set(FIELD_ALIASES)
    for name in (*KEYWORD_ALIASES, *FIELD_ALIASES):
        assert normalise(name).replace(" ", "") == name


@pytest.mark.parametrize(
    ("typed", "plain"),
    [("Lǚ Bù", "lvbu"), ("lü'bu", "lvbu"), ("ZHANG San", "zhangsan"), ("Zhāng’ān", "zhangan"), ("ＺＳ", "zs"),
     ("张三", "张三"), ("'", "'")],
)
def test_pinyin_is_read_as_people_type_it(typed: str, plain: str) -> None:
    assert plain_reading(typed) == plain


def test_positive_terms_are_those_that_can_make_a_hit() -> None:
    assert positive_terms(parse("甲 -乙 OR (丙 甲) OR -(-丁)")) == (A, C, term("丁"))
