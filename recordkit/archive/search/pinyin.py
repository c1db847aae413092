"""How names and titles are read: pinyin without tones, in full and by initials.

Names are read with every usual reading of their characters, the one that a surname has first (单 is Shan, then Dan);
titles and organisations with their most likely reading. ü is written v, as on keyboards, and u beside it.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path

from msgspec import Struct

from recordkit.archive.search.text import normalise

LONGEST_NAME = 4
"""Characters of a person's name, a surname of two among them; what is longer is read as an organisation."""
MOST_READINGS = 8
"""Ways of reading one name that are kept, the more usual ones first."""
_READINGS_OF_A_CHARACTER = 3

SURNAMES: Mapping[str, str] = {
    "区": "ou", "仇": "qiu", "单": "shan", "曾": "zeng", "查": "zha", "解": "xie", "朴": "piao", "盖": "ge gai",
    "覃": "qin tan", "翟": "zhai di", "缪": "miao", "乐": "yue le", "员": "yun", "冼": "xian", "洗": "xian",
    "种": "chong", "秘": "bi", "繁": "po", "任": "ren", "宁": "ning", "应": "ying", "燕": "yan", "葛": "ge",
    "那": "na", "折": "she", "黑": "he hei", "祭": "zhai", "句": "gou", "隗": "wei kui", "逄": "pang", "牟": "mu mou",
    "谌": "chen shen", "郇": "xun huan", "阚": "kan", "车": "che", "卜": "bu", "宓": "mi fu", "柏": "bai bo",
    "薄": "bo", "尉": "wei yu", "费": "fei bi", "莘": "shen xin", "过": "guo", "哈": "ha", "乜": "nie", "召": "shao",
    "贾": "jia", "沈": "shen", "石": "shi", "盛": "sheng", "相": "xiang", "强": "qiang", "纪": "ji", "华": "hua",
    "瞿": "qu", "臧": "zang", "藏": "zang", "郄": "qie xi", "撒": "sa",
}  # fmt: skip
"""Surnames whose reading is not, or not surely, the most usual one of their character; the usual one first."""
COMPOUND_SURNAMES: Mapping[str, str] = {
    "长孙": "zhang sun", "尉迟": "yu chi", "万俟": "mo qi", "单于": "chan yu", "澹台": "tan tai", "令狐": "ling hu",
    "宰父": "zai fu", "拓跋": "tuo ba", "鲜于": "xian yu", "皇甫": "huang fu", "夏侯": "xia hou", "乐正": "yue zheng",
    "子车": "zi ju", "区阳": "ou yang",
}  # fmt: skip
"""The same for surnames of two characters, a syllable for each."""

_SEPARATORS = "[、，,;；/|]+"
_UNREAD = r"[\W_]"


class _Table(Struct, frozen=True):
    """Readings by character, the most usual one first; readings of phrases; the longest phrase by first character."""

    characters: Mapping[str, tuple[str, ...]]
    phrases: Mapping[str, tuple[str, ...]]
    longest: Mapping[str, int]


@cache
def _table() -> _Table:
    characters: dict[str, tuple[str, ...]] = {}
    phrases: dict[str, tuple[str, ...]] = {}
    longest: dict[str, int] = {}
    for line in Path(__file__).with_name("pinyin.txt").read_text(encoding="utf-8").splitlines():
        left, mark, right = line.partition("\t")
        if not mark or line.startswith("#"):
            continue
        if left.isascii():
            characters.update(dict.fromkeys(right, tuple(left.split(","))))
        else:
            phrases[left] = tuple(right.split(" "))
            longest[left[0]] = max(longest.get(left[0], 0), len(left))
    return _Table(characters, phrases, longest)


@lru_cache(maxsize=10_000)
def readings_of_name(name: str) -> tuple[str, ...]:
    """The readings of a party: in full, the more usual ones first, then the initials; none if it has no characters.

    Several names with a comma between are read one by one.
    """
    table = _table().characters
    found: dict[str, None] = {}
    for part in re.split(_SEPARATORS, name):
        plain = _readable(part)
        if not any(char in table for char in plain):
            continue
        ways = _ways_to_read(plain) if is_person(plain) else (_most_likely(plain),)
        found |= dict.fromkeys(variant for way in ways for variant in _with_u("".join(way)))
        found |= dict.fromkeys(_initials(way) for way in ways)
    return tuple(found)


def is_person(name: str) -> bool:
    """Whether a name is short enough for a person's: from one to ``LONGEST_NAME`` characters, all of them Chinese."""
    plain = _readable(name)
    return 0 < len(plain) <= LONGEST_NAME and all(char in _table().characters for char in plain)


def readings_of_title(title: str, names: Iterable[str] = ()) -> tuple[str, ...]:
    """The most likely reading of a title, in full and by initials; names in it are read as ``readings_of_name`` does.

    Args:
        title: as it was written.
        names: those of the parties.
    """
    parts = [title]
    for name in names:
        if name:
            parts = [piece for part in parts for piece in _cut_at(part, name)]
    way = [syllable for part in parts for syllable in _read_piece(part, part in names)]
    if not way or not any(char in _table().characters for char in title):
        return ()
    return tuple(dict.fromkeys((*_with_u("".join(way)), _initials(way))))


def plain_reading(text: str) -> str:
    """Pinyin as somebody types it, in the form of the readings: ``Lǚ Bù``, ``lv bu`` and ``lü'bu`` are ``lvbu``."""
    marks = unicodedata.normalize("NFD", text)
    bare = "".join(char for char in marks if char == "\u0308" or not "\u0300" <= char <= "\u036f")
    normal = normalise(unicodedata.normalize("NFC", bare))
    return re.sub(r"[\s'’]", "", normal).replace("ü", "v") or normal


def _readable(text: str) -> str:
    return re.sub(_UNREAD, "", unicodedata.normalize("NFKC", text).casefold())


def _cut_at(text: str, name: str) -> list[str]:
    pieces = text.split(name)
    return [one for pair in itertools.zip_longest(pieces, [name] * (len(pieces) - 1)) for one in pair if one]


@lru_cache(maxsize=10_000)
def _read_piece(text: str, is_name: bool) -> tuple[str, ...]:
    plain = _readable(text)
    return _ways_to_read(plain)[0] if is_name and is_person(plain) else _most_likely(plain)


@lru_cache(maxsize=10_000)
def _ways_to_read(name: str) -> tuple[tuple[str, ...], ...]:
    """Each way to read a person's name, syllable by syllable, the more usual ones first."""
    choices = [_readings_of(char) for char in name]
    choices[0] = _joined(SURNAMES.get(name[0], "").split(), choices[0])
    for position, syllable in enumerate(COMPOUND_SURNAMES.get(name[:2], "").split()):
        choices[position] = _joined([syllable], choices[position])
    places = itertools.product(*(range(len(one)) for one in choices))
    best = sorted(places, key=lambda place: (sum(place), place))[:MOST_READINGS]
    return tuple(tuple(one[at] for one, at in zip(choices, place, strict=True)) for place in best)


def _joined(first: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *others)))


def _readings_of(char: str) -> tuple[str, ...]:
    return _table().characters.get(char, (char,))[:_READINGS_OF_A_CHARACTER]


def _most_likely(text: str) -> tuple[str, ...]:
    """One syllable for each character, by the longest phrases that are known."""
    table = _table()
    way: list[str] = []
    at = 0
    while at < len(text):
        for length in range(min(table.longest.get(text[at], 0), len(text) - at), 1, -1):
            if (known := table.phrases.get(text[at : at + length])) is not None:
                way += known
                at += length
                break
        else:
            way.append(_readings_of(text[at])[0])
            at += 1
    return tuple(way)


def _with_u(reading: str) -> tuple[str, ...]:
    return (reading, reading.replace("v", "u")) if "v" in reading else (reading,)


def _initials(way: Iterable[str]) -> str:
    return "".join(syllable[0] for syllable in way)
