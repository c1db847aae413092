"""The code on registers for signing: what it says comes back, and nothing misread is taken for it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from recordkit.templates.code import ALPHABET, decode
from recordkit.templates.registercode import ACTS, LENGTH, RegisterCode, decode_register, register_codes

CODES = st.builds(
    RegisterCode,
    store_tag=st.text(ALPHABET, min_size=4, max_size=4),
    order=st.builds("D{:04}-{:04}".format, st.integers(2000, 9999), st.integers(1, 32767)),
    acts=st.frozensets(st.sampled_from(ACTS), min_size=1),
    digest=st.text("0123456789abcdef", min_size=15, max_size=15),
)


@given(code=CODES)
def test_a_code_says_what_was_printed_and_is_no_documents_code(code: RegisterCode) -> None:
    payload = code.encode()
    assert len(payload) == LENGTH
    assert set(payload) <= set(ALPHABET)
    assert decode_register(payload) == code
    assert decode(payload) is None


@given(code=CODES, place=st.integers(3, LENGTH - 1), letter=st.sampled_from(ALPHABET))
def test_one_wrong_character_is_refused(code: RegisterCode, place: int, letter: str) -> None:
    payload = code.encode()
    wrong = payload[:place] + letter + payload[place + 1 :]
    assert decode_register(wrong) == (code if wrong == payload else None)


@given(code=CODES, place=st.integers(3, LENGTH - 2))
def test_two_neighbours_exchanged_are_refused(code: RegisterCode, place: int) -> None:
    payload = code.encode()
    wrong = payload[:place] + payload[place + 1] + payload[place] + payload[place + 2 :]
    assert decode_register(wrong) == (code if wrong == payload else None)


@given(code=CODES)
def test_codes_stand_on_pictures_and_in_texts_and_those_of_other_stores_do_not_count(code: RegisterCode) -> None:
    payload = code.encode()
    assert register_codes([payload, "RK1", ""], [f"清册　{payload}\n第1页"], code.store_tag) == (code,)
    other = ("0000" if code.store_tag != "0000" else "1111")
    assert register_codes([payload], [], other) == ()
    assert register_codes([], [f"X{payload}", payload.lower()], code.store_tag) == ()
