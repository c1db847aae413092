"""One normal form of text for every search engine.

A term matches a value when ``normalise(term)`` is a substring of ``normalise(value)``. The normal form is made of

1. Unicode NFKC (UAX #15), so full-width, ligature and compatibility forms are the same as the plain ones;
2. Unicode case folding;
3. traditional characters to simplified ones, character by character (a phrase table would make the form of a
   character depend on its neighbours, and a fragment of a text would no longer be found in it);
4. brackets ( ) [ ] 〔 〕 【 】 〖 〗 dropped with the white space that touches them: 供合〔2026〕0001号 is found by
   供合(2026)0001号, 供合[2026]0001号 and 供合20260001号;
5. control, format and variation characters and lone surrogates dropped;
6. white space dropped unless it touches a letter or digit that is not CJK (OCR and line ends put it between
   Chinese characters); any other run of white space is one space, none at either end.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path

TEXT_VERSION = 3
"""Raised with every change of the normal form or of its grams: an index made with another version must be rebuilt."""

_CJK = (
    "\u1100-\u11ff\u2e80-\u2fdf\u3000-\u303f\u3040-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)

# Each pattern may begin only where a run of white space begins: otherwise a page of blanks would take quadratic time.
_BRACKETS = re.compile(r"(?<!\s)\s*\([\s(]*")
_WORDS = re.compile(r"[^\s(]+")
_JOINED = "\ufdd0"


class _Letters(dict[int, str]):
    """Character to its form after steps 1 to 5, filled on first use; one that may join the one before it to a mark."""

    def __missing__(self, codepoint: int) -> str:
        char = chr(codepoint)
        if "\u4e00" <= char <= "\u9fff":  # the most, and no other step than the fifth concerns them
            form = _folding().get(codepoint, char)
        elif char == _JOINED or _joins_the_one_before(char):
            form = _JOINED
        else:
            form = _fold(char)
        self[codepoint] = form
        return form


class _Folding(dict[int, str]):
    """Character to its folded form (one character or none), filled on first use of each character.

    In a plain dict every character that the table leaves alone would raise an error inside ``str.translate``.
    """

    def __missing__(self, codepoint: int) -> str:
        char = chr(codepoint)
        if char in "()[]〔〕【】〖〗":
            folded = "("
        elif char.isspace():
            folded = char
        elif unicodedata.category(char) in ("Cc", "Cf", "Cs") or _is_variation_selector(codepoint):
            folded = ""
        else:
            folded = char
        self[codepoint] = folded
        return folded


def _is_variation_selector(codepoint: int) -> bool:
    return 0xFE00 <= codepoint <= 0xFE0F or 0xE0100 <= codepoint <= 0xE01EF or 0x180B <= codepoint <= 0x180F


@cache
def _folding() -> _Folding:
    """The table of steps 3 to 5; read once, when the first text is normalised."""
    text = Path(__file__).with_name("t2s.txt").read_text(encoding="utf-8")
    # Each line is of four characters, whose places are known: every search of a scan waits for this table.
    lines = text[text.index("\n", text.rindex("#")) + 1:]
    return _Folding(zip(map(ord, lines[::4]), lines[2::4], strict=True))


_letters = _Letters()


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().translate(_folding())


@lru_cache(maxsize=1 << 16)
def _fold_piece(text: str) -> str:
    """``_fold`` of one character with its marks: of those a text has few different ones."""
    return _fold(text)


def normalise(text: str) -> str:
    """The normal form of ``text``; empty when nothing in it can be searched."""
    # Character by character in one go, which takes a third of the time, where none may join its neighbour.
    folded = text.translate(_letters)
    if _JOINED in folded:
        folded = _fold(text)
    if "(" in folded:
        folded = _BRACKETS.sub("", folded)
    words = folded.split()
    if len(words) < 2:
        return words[0] if words else ""
    pieces = [words[0]]
    for before, word in itertools.pairwise(words):
        if _is_worded(before[-1]) or _is_worded(word[0]):
            pieces.append(" ")
        pieces.append(word)
    return "".join(pieces)


@cache
def _is_worded(char: str) -> bool:
    """Whether it is a letter or digit that is not CJK."""
    return not is_cjk(char) and re.match(r"\w", char) is not None


@cache
def _joins_the_one_before(char: str) -> bool:
    """Whether NFKC may combine ``char`` with what stands before it (marks, and the inner letters of Hangul)."""
    first = unicodedata.normalize("NFKD", char)[0]
    return unicodedata.category(first).startswith("M") or "\u1161" <= first <= "\u1175" or "\u11a8" <= first <= "\u11c2"


def normalise_with_offsets(text: str) -> tuple[str, list[tuple[int, int]]]:
    """``normalise(text)`` and, for each of its characters, the half-open span of ``text`` that it came from."""
    forms, spans = _forms(text)
    folded = "".join(forms)
    words: list[str] = []
    kept: list[tuple[int, int]] = []
    end = 0
    for word in _WORDS.finditer(folded):
        begin = word.start()
        if words and "(" not in folded[end:begin] and (_is_worded(folded[end - 1]) or _is_worded(folded[begin])):
            words.append(" ")
            kept.append((spans[end][0], spans[begin - 1][1]))
        words.append(word[0])
        end = word.end()
        kept += spans[begin:end]
    return "".join(words), kept


def _forms(text: str) -> tuple[list[str], list[tuple[int, int]]]:
    """Steps 1 to 5 for every character with its marks, and for each resulting character its span of ``text``."""
    forms = [_letters[ord(char)] for char in text]
    if _JOINED not in forms:
        lengths = map(len, forms)
        spans = [(at, at + 1) for at, length in enumerate(lengths) for _ in range(length)]
        return forms, spans
    forms, spans, start = [], [], 0
    while start < len(text):
        end = start + 1
        while end < len(text) and _joins_the_one_before(text[end]):
            end += 1
        forms.append(_fold_piece(text[start:end]))
        spans += [(start, end)] * len(forms[-1])
        start = end
    return forms, spans


@cache
def is_cjk(char: str) -> bool:
    """Whether one character of normalised text is Chinese, Japanese, Korean or their punctuation."""
    return any(low <= char <= high for low, high in zip(_CJK[::3], _CJK[2::3], strict=True))


def can_be_searched(term: str) -> bool:
    """Whether a normalised term is long enough: one CJK character, or two characters of any kind."""
    return len(term) > 1 or (len(term) == 1 and is_cjk(term))


def cjk_characters(text: str) -> list[str]:
    """The CJK characters in a text, each once, sorted."""
    return sorted(filter(is_cjk, set(text)))


def leaves(value: object) -> Iterator[str]:
    """The texts and numbers in a plain value, tables included, each as text."""
    if isinstance(value, Mapping):
        for part in value.values():
            yield from leaves(part)
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
