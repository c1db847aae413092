"""Numbers in a text that belong to a person alone: identity cards, bank cards, telephones; and how they are masked.

It errs on the side of masking: a scan's wrong digit must not lay a number bare, so check digits are not asked for
where the shape says enough. Digits of any writing count (full width, mathematical, circled), and characters that
nobody sees inside a number do not part it. A telephone number of seven or eight digits without its area code is not
known from a meter's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

Span = tuple[int, int]

KEPT_HEAD, KEPT_TAIL = 3, 4
"""Characters of a number that stay readable at its beginning and its end."""

_GAP = r"[\s.·-]"
_ANY = rf"{_GAP}{{0,2}}"
_AREA = r"(?:10|2[0-9]|[3-9][0-9]{2})"  # behind the 0; accounts and files are numbered 00...


def _spread(*digits: str) -> str:
    """These digits with white space or a stroke between any of them: so a scanner reads boxes."""
    return _ANY.join(digits)


_DIGIT = "[0-9]"
_YEAR = rf"(?:1{_ANY}9|2{_ANY}0){_ANY}{_spread(_DIGIT, _DIGIT)}"
_MONTH = rf"(?:0{_ANY}[1-9]|1{_ANY}[0-2])"
_DAY = rf"(?:0{_ANY}[1-9]|[12]{_ANY}[0-9]|3{_ANY}[01])"


@cache
def _numbers() -> re.Pattern[str]:
    # Compiled when it is first needed: that takes longer than a search that masks nothing.
    return re.compile(
        r"(?<![0-9])(?:"
        # GB 11643; the first digit is that of a region (GB/T 2260)
        rf"(?P<identity>{_spread('[1-9]', *[_DIGIT] * 5)}{_ANY}{_YEAR}{_ANY}{_MONTH}{_ANY}{_DAY}{_ANY}"
        rf"{_spread(*[_DIGIT] * 3, '[0-9Xx×]')})"
        # its form before 1999
        rf"|(?P<old>[1-9][0-9]{{5}}{_GAP}?[0-9]{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]){_GAP}?[0-9]{{3}})"
        r"|(?P<card>[0-9]{16,19})"  # ISO/IEC 7812
        # a card as it is embossed, or its issuer apart
        rf"|(?P<grouped>[3-6][0-9]{{3}}(?:{_GAP}[0-9]{{4}}){{3}}(?:{_GAP}?[0-9]{{1,3}})?"
        rf"|[3-6][0-9]{{5}}{_GAP}[0-9]{{10,13}})"
        rf"|(?P<mobile>(?:(?:\+|00)?86{_GAP}?)?1[3-9](?:"
        rf"[0-9](?:{_GAP}?[0-9]{{4}}){{2}}|[0-9]{{2}}{_GAP}[0-9]{{4}}{_GAP}[0-9]{{3}}|[0-9]{{3}}{_GAP}[0-9]{{6}}"
        rf"|[0-9]{{4}}{_GAP}[0-9]{{5}})"
        rf"|1{_GAP}[3-9](?:{_GAP}[0-9]){{9}})"
        # ITU-T E.164 with the country's code, or the area code and seven or eight digits (eight behind 010 and 02x)
        rf"|(?P<landline>\(?(?:(?:\+|00)86{_GAP}?{_AREA}|0{_AREA})(?:{_GAP}|\)){{1,2}}[1-9][0-9]{{2,3}}{_GAP}?[0-9]{{4}}"
        r"|0(?:10|2[0-9])[1-9][0-9]{7}|0[3-9][0-9]{2}[1-9][0-9]{6,7}|(?:\+|00)86(?:10|2[0-9]|[3-9][0-9]{2})[1-9][0-9]{6,7})"
        r")(?![0-9A-Za-z])"
    )


class _Plain(dict[int, str]):
    """Character to the digit, stroke or white space that it stands for; nothing for what nobody sees."""

    def __missing__(self, codepoint: int) -> str:
        self[codepoint] = plain = _plain(chr(codepoint))
        return plain


def _plain(char: str) -> str:
    if (digit := unicodedata.digit(char, None)) is not None:
        return str(digit)
    if char.isspace():
        return " "
    kind = unicodedata.category(char)
    if kind in ("Cc", "Cf", "Cs", "Mn", "Me") or char == "\u3164":
        return ""
    if kind == "Pd" or char == "−":
        return "-"
    form = unicodedata.normalize("NFKC", char)
    return form if len(form) == 1 else char


_PLAIN = _Plain()


def personal_spans(text: str) -> Iterator[Span]:
    """The parts of ``text`` that are to be masked, ascending: of each such number all but its head and its tail."""
    plain = text.translate(_PLAIN)
    places = range(len(text)) if len(plain) == len(text) else [at for at, char in enumerate(text) if _PLAIN[ord(char)]]
    for found in _numbers().finditer(plain):
        if found["grouped"] is None or _is_card(found[0]):
            yield places[found.start() + KEPT_HEAD], places[found.end() - KEPT_TAIL - 1] + 1


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
