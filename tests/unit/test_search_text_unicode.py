"""The quick way to the normal form and the one that keeps places are one rule: shown over all of Unicode."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from recordkit.archive.search import text as search_text
from recordkit.archive.search.text import _joins_the_one_before, normalise, normalise_with_offsets

EVERY = range(sys.maxunicode + 1)
ASSIGNED = [chr(one) for one in EVERY if unicodedata.category(chr(one)) not in ("Cn", "Co")]
SIMPLER = {
    ord(line[0]): line[2]
    for line in Path(search_text.__file__).with_name("t2s.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
}
CJK = ("\u1100-\u11ff\u2e80-\u2fdf\u3000-\u303f\u3040-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff"
       "\uf900-\ufaff\U00020000-\U0003ffff")


def is_dropped(char: str) -> bool:
    selector = "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef" or "\u180b" <= char <= "\u180f"
    return not char.isspace() and (selector or unicodedata.category(char) in ("Cc", "Cf", "Cs"))


def by_definition(text: str) -> str:
    """The steps of the module's docstring, each over the whole text."""
    text = unicodedata.normalize("NFKC", text).casefold().translate(SIMPLER)
    text = re.sub(r"\s*[()\[\]〔〕【】〖〗]\s*", "", "".join(char for char in text if not is_dropped(char)))
    text = re.sub(rf"(?<![^\W{CJK}])(?<!\s)\s+(?![^\W{CJK}])(?!\s)", "", text.strip())
    return re.sub(r"\s+", " ", text)


def pieces(chars: str | list[str], size: int) -> Iterator[str]:
    yield from ("".join(chars[start : start + size]) for start in range(0, len(chars), size))


def test_every_character_alone_has_the_form_of_the_definition() -> None:
    # What is not assigned, or private, is one like the other.
    some = [*ASSIGNED, *(chr(one) for one in EVERY[::97])]
    assert [ascii(char) for char in some if normalise(char) != by_definition(char)] == []


@pytest.mark.parametrize("context", ["{}", "户{} 户a {}b ({} ) 1", "e{}\u0301 가{}"])
def test_both_ways_agree_on_every_assigned_character_in_every_neighbourhood(context: str) -> None:
    for some in pieces(ASSIGNED, 500):
        text = "".join(context.replace("{}", char) for char in some)
        assert normalise(text) == normalise_with_offsets(text)[0] == by_definition(text), ascii(some)


def test_a_character_that_is_taken_alone_never_joins_the_one_before() -> None:
    """Then the form of a text is the forms of its pieces, whatever stands beside a character (UAX #15, 9.1)."""
    second = {unicodedata.decomposition(char).split()[1] for char in ASSIGNED
              if len(unicodedata.decomposition(char).split()) == 2 and "<" not in unicodedata.decomposition(char)}
    hangul = {chr(one) for one in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}
    joining = {chr(int(one, 16)) for one in second} | hangul
    for char in ASSIGNED:
        first = unicodedata.normalize("NFKD", char)[0]
        if unicodedata.combining(first) or first in joining:
            assert _joins_the_one_before(char), hex(ord(char))
