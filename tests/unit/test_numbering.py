from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordkit.errors import InputRefused
from recordkit.templates.numbering import parse_number_pattern

PATTERNS = (
    "换通〔{year}〕{seq:04}号",
    "{yy}{mm}{dd}{seq:03}",
    "{office}供合〔{year}〕{seq:04}号",
    "{office}-{year}-{seq}",
    "{seq}/{office}",
)
offices = st.text("东城营业厅AB-12", min_size=1, max_size=8)


def test_number_is_rendered_with_full_width_brackets_and_padding() -> None:
    pattern = parse_number_pattern("供合〔{year}〕{seq:04}号")
    assert pattern.render(date(2026, 3, 2), "", 1) == "供合〔2026〕0001号"
    assert parse_number_pattern("{yy}{mm}{dd}{seq:03}").render(date(2026, 3, 2), "", 7) == "260302007"
    assert parse_number_pattern("{year}-{seq}").render(date(2026, 3, 2), "", 7) == "2026-7"


def test_scope_changes_with_everything_but_the_serial_and_its_width() -> None:
    narrow, wide = parse_number_pattern("供合〔{year}〕{seq:04}号"), parse_number_pattern("供合〔{year}〕{seq:06}号")
    assert narrow.scope(date(2026, 1, 1)) == wide.scope(date(2026, 12, 31)) == "供合〔2026〕{seq}号"
    assert narrow.scope(date(2027, 1, 1)) != narrow.scope(date(2026, 1, 1))


@given(st.sampled_from(PATTERNS), st.dates(date(1950, 1, 1), date(2150, 1, 1)), offices, st.integers(1, 10**8))
def test_a_number_read_back_gives_its_scope_and_serial(text: str, day: date, office: str, seq: int) -> None:
    pattern = parse_number_pattern(text)
    assert pattern.parse(pattern.render(day, office, seq)) == (pattern.scope(day, office), seq)


@given(st.sampled_from(PATTERNS), st.data())
def test_two_scopes_or_serials_never_share_a_number(text: str, data: st.DataObject) -> None:
    pattern = parse_number_pattern(text)
    cases = st.tuples(st.dates(date(2025, 1, 1), date(2027, 1, 1)), offices, st.integers(1, 20_000))
    one, two = data.draw(cases), data.draw(cases)
    same = (pattern.scope(*one[:2]), one[2]) == (pattern.scope(*two[:2]), two[2])
    assert (pattern.render(*one) == pattern.render(*two)) == same


@pytest.mark.parametrize(
    "number",
    ["供合〔2026〕001号", "供合〔2026〕00001号", "供合〔2026〕0000号", "供合[2026]0001号", "供合〔2026〕0001", ""],
)
def test_a_number_not_made_by_the_pattern_is_not_read(number: str) -> None:
    assert parse_number_pattern("供合〔{year}〕{seq:04}号").parse(number) is None


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "供合〔{year}〕",
        "{seq}{seq}",
        "{seq:4}",
        "{seq:00}",
        "{jahr}{seq}",
        "{seq} }",
        "{{seq}}",
        "{office}{seq:04}",
        "{seq}{year}",
        "{seq}0",
        "a\n{seq}",
    ],
)
def test_a_pattern_that_could_repeat_or_cannot_be_read_is_refused_with_a_next_step(pattern: str) -> None:
    with pytest.raises(InputRefused) as refused:
        parse_number_pattern(pattern)
    assert refused.value.todo is not None


@pytest.mark.parametrize("office", ["", " 东", "{seq}", "东\n城", "x" * 41])
def test_an_office_that_cannot_stand_in_a_number_is_refused(office: str) -> None:
    with pytest.raises(InputRefused):
        parse_number_pattern("{office}〔{year}〕{seq:04}").render(date(2026, 1, 1), office, 1)


def test_an_office_of_forty_characters_stands_in_a_number_and_a_longer_one_is_told_in_part() -> None:
    pattern = parse_number_pattern("{office}〔{year}〕{seq:04}")
    assert pattern.render(date(2026, 1, 1), "x" * 40, 1) == "x" * 40 + "〔2026〕0001"
    with pytest.raises(InputRefused) as refused:
        pattern.render(date(2026, 1, 1), "x" * 400, 1)
    assert str(refused.value.what).count("x") == 59


def test_a_serial_below_one_is_refused() -> None:
    with pytest.raises(InputRefused):
        parse_number_pattern("{seq}").render(date(2026, 1, 1), "", 0)
