import re

from hypothesis import given
from hypothesis import strategies as st

from recordkit.archive.search.grams import FIELD_WEIGHTS, KEYWORDS, Pattern, columns_of, patterns_of
from recordkit.archive.search.port import IndexDocument
from recordkit.archive.search.query import FORM_FIELD, Term
from recordkit.archive.search.text import can_be_searched, normalise


def columns(**fields: tuple[str, ...]) -> dict[str, list[str]]:
    made = dict(columns_of(IndexDocument("r", 0, fields, fields.get("pages", ()), "", "", {"k": fields.get("k", ())})))
    return {name: tokens.split(" ") for name, tokens in made.items()}


def stands(tokens: list[str], pattern: Pattern) -> bool:
    def fits(at: int) -> bool:
        return all(
            at + piece.offset < len(tokens)
            and (tokens[at + piece.offset].startswith(piece.token) if piece.is_prefix
                 else tokens[at + piece.offset] == piece.token)
            for piece in pattern.pieces
        )
    return any(fits(at) for at in range(len(tokens)))


def found(term: Term, **fields: tuple[str, ...]) -> bool:
    """By patterns and their sieves."""
    indexed = columns(**fields)

    def matches(pattern: Pattern) -> bool:
        return stands(indexed.get(pattern.column, []), pattern) and (pattern.sieve is None or matches(pattern.sieve))

    return any(map(matches, patterns_of(term)))


def holds(term: Term, value: str) -> bool:
    """The definition of ``Term``, by regular expressions."""
    text = term.text
    ways = [re.escape(text)]
    if term.fuzzy:
        before, behind = ("." if term.begins else ""), ("." if term.ends else "")
        ways += [re.escape(text[:at]) + "." + re.escape(text[at + 1 :]) for at in range(1, len(text) - 1)]
        ways += [before + re.escape(text[1:]), re.escape(text[:-1]) + behind]
    return any(
        re.search((r"\A" if term.begins else "") + f"(?:{way})" + (r"\Z" if term.ends else ""), value, re.DOTALL)
        for way in ways
    )


TEXTS = st.text("ab 张三", max_size=9)


@given(st.lists(TEXTS, max_size=3), TEXTS, st.booleans(), st.booleans(), st.booleans())
def test_patterns_stand_exactly_where_the_term_does(
    values: list[str], text: str, begins: bool, ends: bool, fuzzy: bool
) -> None:
    text = normalise(text)
    fuzzy = fuzzy and len(text) > 3
    if not can_be_searched(text):
        return
    for name, field in (("title", "title"), ("pages", "pages"), ("k", FORM_FIELD + "k")):
        term = Term(field, text, begins, ends, fuzzy)
        expected = any(holds(term, normal) for normal in map(normalise, values) if normal)
        assert found(term, **{name: tuple(values)}) == expected, term


def test_a_character_at_the_edge_of_a_value_may_be_wrong_but_is_not_missing() -> None:
    for name, field in (("title", "title"), ("pages", "pages"), ("k", FORM_FIELD + "k")):
        term = Term(field, "甲乙丙丁", ends=True, fuzzy=True)
        assert found(term, **{name: ("甲乙丙子",)})
        assert found(term, **{name: ("甲乙丙子", "丑")})
        assert not found(term, **{name: ("甲乙丙", "丑")})
        assert not found(Term(field, "甲乙丙丁", begins=True, fuzzy=True), **{name: ("丑", "乙丙丁")})


def test_a_term_of_a_form_field_is_not_found_in_another_one() -> None:
    document = IndexDocument("r", 0, {}, (), "", "", {"place": ("厨房",), "other": ("阳台",)})
    tokens = {name: text.split(" ") for name, text in columns_of(document)}["keyed"]
    for key, text, expected in (("place", "厨房", True), ("other", "厨房", False), ("other", "阳", True)):
        assert any(stands(tokens, one) for one in patterns_of(Term(FORM_FIELD + key, text))) == expected


def test_single_characters_are_the_cjk_ones() -> None:
    assert columns(title=("张三 DN15", "李"))["title_1"] == sorted({"张", "三", "李"})


def test_a_number_is_looked_for_by_its_threes_and_what_holds_one_only_where_they_stand() -> None:
    number, mixed = Term("title", "0012345678"), Term("title", "户号0012345678")
    assert [one.column for one in patterns_of(number)] == ["title_3"]
    (pattern,) = patterns_of(mixed)
    assert pattern.column == "title" and pattern.sieve is not None and pattern.sieve.column == "title_3"
    assert [one.token for one in pattern.sieve.pieces] == ["001", "234", "567", "678"]
    assert found(mixed, title=("旧户号0012345678号",))
    assert not found(mixed, title=("旧户号001234567", "0012345678"))


def test_no_number_spans_two_runs_of_letters_and_digits() -> None:
    for term, second in (("1234", "2345"), ("12345", "3456"), ("123456", "456789"), ("s123456", "456789")):
        for between in ("-", "号", "，1-"):
            assert not found(Term("title", term), title=(f"s123{between}{second}",)), term
        assert found(Term("title", second[1:]), title=(f"s123-{second}",))


def test_no_token_contains_white_space() -> None:
    assert not any(re.search(r"[^\S\x1c-\x1f]", token) for token in columns(pages=("a b", "c\td"))["pages"])


def test_plain_letters_are_also_somebodys_initials_and_nothing_else_is() -> None:
    assert found(Term(None, "zs"), pinyin=("zhangsan", "zs"))
    assert found(Term(None, "zhangsan"), pinyin=("zhangsan", "zs"))
    assert not found(Term(None, "zhang"), pinyin=("zhangsan", "zs"))
    assert not found(Term(None, "z5"), pinyin=("z5",))
    assert found(Term("pinyin", "hangs"), pinyin=("zhangsan", "zs"))


def test_heavier_columns_are_looked_through_first() -> None:
    weights = [pattern.weight for pattern in patterns_of(Term(None, "张三"))]
    assert weights == sorted(weights, reverse=True)
    assert not set(FIELD_WEIGHTS) & set(KEYWORDS)
