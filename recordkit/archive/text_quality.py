"""Whether a text layer says what the page shows, or is garbage that must be read from the picture instead.

Garbage has known sources: fonts whose glyphs have no Unicode meaning (private use, replacement characters, control
characters), fonts whose table is wrong (characters at random), and text of one encoding taken for another (mojibake).
A word that is spelt wrong, or a layer of poor OCR, is not told from good text here.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

# An image over most of the page makes it a scan. Scanner programs stamp a line such as "Scanned with CamScanner" on
# the picture; that is not the page's text.
_SCAN_STAMP_CHARACTERS = 30
_MOST_GARBAGE = 0.3
# Below this many Hanzi a share says nothing: a page may hold little but a rare name.
_FEWEST_HANZI = 20
# The 3,755 characters of GB 2312 level 1 cover over 99 % of running Chinese text, and 5,401 of Big5 level 1 the same
# in traditional writing; lists of names stay above 85 %. Of the 20,902 Hanzi of Unicode they are 18 % and 26 %.
_FEWEST_COMMON = 0.7
_FEWEST_SUPPLEMENT = 8
_MOST_SUPPLEMENT = 0.3
_MOST_MIXED = 0.3
_WHOLE_SCRIPT = 0.6


@dataclass(frozen=True, slots=True)
class TextLayer:
    """What a text layer is worth: ``garbage`` must be read from the picture, ``empty`` says nothing worth keeping."""

    empty: bool
    garbage: bool


def judge_text(text: str, is_scan: bool) -> TextLayer:
    """Whether the embedded text of a page can stand for it."""
    visible = {character: count for character, count in Counter(text).items() if not character.isspace()}
    if is_scan:
        spoken = sum(n for c, n in visible.items() if c.isalnum())
        return TextLayer(empty=spoken < _SCAN_STAMP_CHARACTERS, garbage=_is_garbage(visible))
    return TextLayer(empty=not visible, garbage=_is_garbage(visible))


def _is_garbage(visible: Mapping[str, int]) -> bool:
    """Whether the characters cannot be what a person wrote."""
    total = sum(visible.values())
    kinds = {character: unicodedata.category(character) for character in visible if character > "\x7f"}
    lost = sum(n for c, n in visible.items()
               if c == "\ufffd" or c < " " or c == "\x7f" or kinds.get(c) in ("Co", "Cn", "Cs", "Cc"))
    return (
        lost > _MOST_GARBAGE * total
        or _is_mojibake(visible, total)
        or _has_rare_hanzi(visible)
        or _mixes_scripts(visible, kinds, total)
    )


def _is_mojibake(visible: Mapping[str, int], total: int) -> bool:
    """GBK or UTF-8 read as Latin-1 or Windows-1252: accented letters and signs everywhere, few plain letters."""
    strange = sum(n for c, n in visible.items() if ("\x80" <= c <= "\xff" or c in _WINDOWS_1252) and c not in _SIGNS)
    letters = sum(n for c, n in visible.items() if c.isascii() and c.isalpha())
    # Even in French or Vietnamese every accented letter stands among two plain ones.
    return strange >= _FEWEST_SUPPLEMENT and strange > _MOST_SUPPLEMENT * total and strange > letters


_SIGNS = frozenset("¥×÷±°²³§·©®µ")  # stand in honest tables of prices and readings
_WINDOWS_1252 = frozenset(bytes(sorted({*range(0x80, 0xA0)} - {0x81, 0x8D, 0x8F, 0x90, 0x9D})).decode("cp1252")) - set(
    "\u2018\u2019\u201c\u201d\u2013\u2014\u2026"  # Chinese uses these: quotes, dashes, dots
)


def _has_rare_hanzi(visible: Mapping[str, int]) -> bool:
    hanzi = {c: n for c, n in visible.items() if "\u4e00" <= c <= "\u9fff" or "\u3400" <= c <= "\u4dbf"}
    total = sum(hanzi.values())
    if total < _FEWEST_HANZI:
        return False
    simplified = sum(n for c, n in hanzi.items() if b"\xb0" <= c.encode("gb2312", "ignore")[:1] <= b"\xd7")
    traditional = sum(n for c, n in hanzi.items() if b"\xa4" <= c.encode("big5", "ignore")[:1] <= b"\xc6")
    return max(simplified, traditional) < _FEWEST_COMMON * total


def _mixes_scripts(visible: Mapping[str, int], kinds: Mapping[str, str], total: int) -> bool:
    """Letters of many scripts at once. A page all in Tibetan, Uyghur or Mongolian is one script, beside Chinese."""
    scripts: Counter[str] = Counter()
    for character, count in visible.items():
        if kinds.get(character, "") in ("Lo", "Ll", "Lu", "Lt", "Lm", "Mn", "Mc"):
            script = unicodedata.name(character, "?").split()[0].removesuffix("-")
            if script not in _AT_HOME:
                scripts[script] += count
    foreign = sum(scripts.values())
    if foreign <= _MOST_MIXED * total or foreign < _FEWEST_HANZI:
        return False
    return max(scripts.values()) < _WHOLE_SCRIPT * foreign


_AT_HOME = frozenset({"CJK", "LATIN", "GREEK", "CYRILLIC", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "FULLWIDTH",
                      "BOPOMOFO", "IDEOGRAPHIC", "MODIFIER", "FEMININE", "MASCULINE"})
