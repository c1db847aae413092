import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordkit.archive.search import text as search_text
from recordkit.archive.search.text import (
    can_be_searched,
    normalise,
    normalise_with_offsets,
)

# Letters of several scripts, marks that combine, white space, brackets and characters that vanish.
ALPHABET = st.sampled_from(
    list(
        "户戶号號张，。()〔〕（）【】 \n\u3000aZéßｱﾞ０９Ａﬁ㎥①"
        "\u0301\u0345İΣς\u200b\u00ad\x00\ufe00각ᄀ\u1161\u11a8葛\U000e0100-"
    )
)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("ＤＮ１５", "dn15"),
        ("水錶編號", "水表编号"),
        ("供合〔2026〕0001号", "供合20260001号"),
        ("供合（2026）0001号", "供合20260001号"),
        ("供合【2026】 0001號", "供合20260001号"),
        ("供合 [2026] 0001号", "供合20260001号"),
        ("张 三\n李\u3000四", "张三李四"),
        ("水费，\n按期 。 交纳", "水费,按期。交纳"),
        ("DN 15  mm", "dn 15 mm"),
        ("户号 0012", "户号 0012"),
        ("  张三 ", "张三"),
        ("张\u200b三\x00\x0c丰\ufeff", "张三丰"),
        ("cafe\u0301", "café"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("葛\U000e0100", "葛"),
        ("a\ud800b", "ab"),
        ("5㎥", "5m3"),
        ("（）", ""),
        ("", ""),
    ],
)
def test_normal_form(written: str, normal: str) -> None:
    assert normalise(written) == normal


@given(st.text(ALPHABET | st.characters(), max_size=40))
def test_offsets_accompany_exactly_the_normal_form(text: str) -> None:
    normal, spans = normalise_with_offsets(text)
    assert normal == normalise(text)
    assert len(spans) == len(normal)
    assert all(0 <= begin < end <= len(text) for begin, end in spans)
    assert spans == sorted(spans)


def test_a_page_of_blanks_does_not_take_quadratic_time() -> None:
    blanks = " \n" * 100_000
    assert normalise(f"a{blanks}b{blanks}") == normalise_with_offsets(f"a{blanks}b{blanks}")[0] == "a b"


def test_offsets_lead_back_to_the_characters_as_written() -> None:
    text = "户 號：（００１２） 5㎥"
    normal, spans = normalise_with_offsets(text)
    assert normal == "户号:00125m3"
    assert [text[begin:end] for begin, end in spans] == list("户號：００１２5") + ["㎥", "㎥"]


PLAIN = st.text(st.sampled_from(list("户戶號张，。()〔〕 \n\u3000aZ０９Ａß\u200b")), max_size=30)


@given(PLAIN, PLAIN, PLAIN)
def test_a_piece_of_a_text_is_found_in_it(before: str, piece: str, after: str) -> None:
    assert normalise(piece) in normalise(before + piece + after)


@given(PLAIN)
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


def test_the_table_maps_characters_to_their_end_form_in_one_step() -> None:
    table = {}
    for line in Path(search_text.__file__).with_name("t2s.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            traditional, simplified = line.split("\t")
            table[traditional] = simplified
    assert len(table) > 3000
    assert not set(table) & set(table.values())
    assert all(
        unicodedata.is_normalized("NFKC", char) and char.casefold() == char for pair in table.items() for char in pair
    )
    assert {key: table[key] for key in "戶號錶灣閥"} == {"戶": "户", "號": "号", "錶": "表", "灣": "湾", "閥": "阀"}


def test_terms_are_long_enough_from_one_chinese_or_two_other_characters() -> None:
    assert [can_be_searched(term) for term in ("王", "々", "a1", "张三")] == [True] * 4
    assert [can_be_searched(term) for term in ("", "a", "1", "é", "-")] == [False] * 5


def test_importing_text_and_query_loads_no_engine_and_no_table() -> None:
    code = (
        "import sys, recordkit.archive.search.query, recordkit.archive.search.text as text\n"
        "heavy = {'tantivy', 'opencc', 'pydantic', 'sqlalchemy', 'click', 'sqlite3'} & set(sys.modules)\n"
        "print(sorted(heavy), text._folding.cache_info().currsize)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[] 0"
