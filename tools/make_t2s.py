"""Write recordkit/archive/search/t2s.txt: one line per traditional character with its simplified form.

Run with the OpenCC package installed (pip install OpenCC): python tools/make_t2s.py
The output depends only on the version of OpenCC and of Python's Unicode tables, both named in its header.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

TARGET = Path(__file__).parent.parent / "recordkit" / "archive" / "search" / "t2s.txt"
BLOCKS = ((0x2E80, 0x2FDF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0x20000, 0x323AF))
HEADER = """\
# Traditional character, tab, simplified character; one pair per line, sorted by code point.
# Made by tools/make_t2s.py with OpenCC {opencc} (configuration t2s, each character converted alone), Unicode {unicode}.
# The mapping is data of OpenCC, https://github.com/BYVoid/OpenCC, Apache License 2.0.
"""


def simplified_forms(convert: Callable[[str], str]) -> dict[str, str]:
    """Characters whose simplified form differs; followed to its end so that converting twice changes nothing.

    Only characters that NFKC and case folding leave alone are listed: the others never reach the table.
    """
    forms: dict[str, str] = {}
    for first, last in BLOCKS:
        for codepoint in range(first, last + 1):
            char = chr(codepoint)
            if unicodedata.normalize("NFKC", char) != char:
                continue
            form, seen = char, {char}
            while (following := unicodedata.normalize("NFKC", convert(form))) not in seen:
                seen.add(following)
                form = following
            if form != char and len(form) == 1:
                forms[char] = form
    return forms


def main() -> None:
    """Write the table."""
    from opencc import OpenCC

    forms = simplified_forms(OpenCC("t2s").convert)
    lines = [f"{traditional}\t{simplified}\n" for traditional, simplified in sorted(forms.items())]
    header = HEADER.format(opencc=version("OpenCC"), unicode=unicodedata.unidata_version)
    TARGET.write_text(header + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
