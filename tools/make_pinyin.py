"""Write recordkit/archive/search/pinyin.txt: the readings of characters, and of phrases that are read otherwise.

Run with the pypinyin package installed (pip install pypinyin): python tools/make_pinyin.py
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from importlib.metadata import version
from pathlib import Path

from pypinyin.constants import PHRASES_DICT, PINYIN_DICT

TARGET = Path(__file__).parent.parent / "recordkit" / "archive" / "search" / "pinyin.txt"
HEADER = """\
# Readings without tones, ü written v. First: readings, the most usual one first; tab; the characters that have them.
# Then: a phrase, tab, its readings, where they are not the most usual ones of its characters.
# Made by tools/make_pinyin.py from the data of pypinyin {version}, https://github.com/mozillazg/python-pinyin:
#
# The MIT License (MIT)
#
# Copyright (c) 2016 mozillazg, 闲耘 <hotoo.cn@gmail.com>
#
# Permission is hereby granted, free of charge, to any person obtaining a copy of
# this software and associated documentation files (the "Software"), to deal in
# the Software without restriction, including without limitation the rights to
# use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of
# the Software, and to permit persons to whom the Software is furnished to do so,
# subject to the following conditions:
#
# The above copyright notice and this permission notice shall be included in all
# copies or substantial portions of the Software.
#
# THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
# IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS
# FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
# COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER
# IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
# CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def plain(reading: str) -> str:
    """A reading without its tone."""
    marks = unicodedata.normalize("NFD", reading)
    bare = "".join(char for char in marks if unicodedata.category(char) != "Mn" or char == "\u0308")
    return unicodedata.normalize("NFC", bare).replace("ü", "v").replace("ê", "e")


def main() -> None:
    """Write the file."""
    phrases = {
        phrase: tuple(plain(one[0]) for one in readings)
        for phrase, readings in PHRASES_DICT.items() if len(readings) == len(phrase)
    }
    used = Counter(pair for phrase, readings in phrases.items() for pair in zip(phrase, readings, strict=True))
    usual: dict[str, str] = {}
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for codepoint, written in PINYIN_DICT.items():
        char = chr(codepoint)
        first, *others = dict.fromkeys(map(plain, written.split(",")))
        usual[char] = first
        groups[(first, *sorted(others, key=lambda one, char=char: -used[char, one]))].append(char)  # type: ignore[misc]
    lines = [f"{','.join(readings)}\t{''.join(sorted(chars))}" for readings, chars in sorted(groups.items())]
    lines += [
        f"{phrase}\t{' '.join(readings)}" for phrase, readings in sorted(phrases.items())
        if any(reading != usual.get(char) for char, reading in zip(phrase, readings, strict=True))
    ]
    TARGET.write_text(HEADER.format(version=version("pypinyin")) + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
