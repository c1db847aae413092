"""Numbers in a text that belong to a person alone: identity cards, bank cards, telephones; and how they are masked.

It errs on the side of masking: a scan's wrong digit must not lay a number bare, so check digits are not asked for
where the shape says enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]

KEPT_HEAD, KEPT_TAIL = 3, 4
"""Characters of a number that stay readable at its beginning and its end."""

_NUMBERS = re.compile(
    r"(?<![0-9])(?:"
    r"(?P<identity>[0-9]{6}[\s.—–-]?(?:19|20)[0-9]{2}[\s.—–-]?(?:0[1-9]|1[0-2])[\s.—–-]?(?:0[1-9]|[12][0-9]|3[01])[\s.—–-]?"
    r"[0-9]{3}[0-9Xx])"  # GB 11643
    r"|(?P<old>[0-9]{6}[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3})"  # its form before 1999
    r"|(?P<card>[0-9]{16,19})"  # ISO/IEC 7812
    r"|(?P<grouped>[3-6][0-9]{3}(?:[\s.—–-][0-9]{4}){3}(?:[\s.—–-]?[0-9]{1,3})?)"  # a card as it is embossed
    r"|(?P<mobile>(?:\+?86[\s-]?)?1[3-9][0-9](?:[\s.—–-]?[0-9]{4}){2})"
    r"|(?P<landline>[(（]?0[0-9]{2,3}[)）-][0-9]{7,8})"
    r")(?![0-9A-Za-z])"
)
_WIDTHS = {0xFF01 + step: 0x21 + step for step in range(94)} | {0x3000: 0x20}


def personal_spans(text: str) -> Iterator[Span]:
    """The parts of ``text`` that are to be masked, ascending: of each such number all but its head and its tail."""
    for found in _NUMBERS.finditer(text.translate(_WIDTHS)):
        if found["grouped"] is None or _is_card(found[0]):
            yield found.start() + KEPT_HEAD, found.end() - KEPT_TAIL


def masked(text: str) -> str:
    """The text with such numbers masked: 110***********1234."""
    chars = list(text)
    for begin, end in personal_spans(text):
        chars[begin:end] = "*" * (end - begin)
    return "".join(chars)


def _is_card(text: str) -> bool:
    """The check of ISO/IEC 7812 (Luhn): figures of a table side by side are no card."""
    digits = [int(char) for char in text if char.isdigit()][::-1]
    return sum(digits[0::2] + [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]) % 10 == 0
