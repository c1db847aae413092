"""Reads one raw value by its field's type. What is plain is read on a short way that gives the same as the long one.

Ten thousand rows of sixteen fields pass here in one run, nearly all of them as a spreadsheet's plain text: so what is
ASCII, or a plain ISO date, is not normalised and matched again. Whatever is not plain takes the long way.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from recordkit.messages import Message, listed, msg
from recordkit.templates.chinese import date_parts
from recordkit.templates.fieldvalues import PERSON_PARTS, Person, Scalar, shown
from recordkit.templates.spec import FieldSpec, plain_heading
from recordkit.templates.spreadsheet import DressedNumber, SerialDay

CALIBRES = (15, 20, 25, 32, 40, 50, 65, 80, 100, 150, 200, 250, 300)
"""Nominal diameters of water meters in mm."""

_CALIBRE_NAMES = frozenset(f"DN{size}" for size in CALIBRES)
_EXCEL_DIGITS = 15  # a spreadsheet keeps 15 significant digits; the rest became zeros or noise
_DIGITS_MAX = 28  # Decimal's own precision: beyond it, arithmetic would round
_TRUE = frozenset({"是", "对", "√", "yes", "y", "true", "1"})
_FALSE = frozenset({"否", "不", "×", "no", "n", "false", "0"})
_ILLEGAL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff"  # control characters and lone surrogates
    "\u202a-\u202e\u2066-\u2069"  # marks that turn the reading direction
    + "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(17))
    + "]"
)
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,30}|[0-9]{1,3}(?:,[0-9]{3}){1,9})(?:\.[0-9]{1,30})?")
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " ", 0xFFE5: "¥"}
_LOOSE_BLANK = re.compile(r"(?<![0-9\s])\s+|\s+(?![0-9\s])")
_BLANK_GROUPS = re.compile(r"[+-]?[0-9]{1,3}(?:[ \u00a0\u2009\u202f][0-9]{3}){1,9}(?:\.[0-9]{1,30})?")
_CALIBRE = re.compile(r"(?:DN|Φ|φ|ф|Ø)?([0-9]{1,4})(?:MM)?")
_ACCOUNT = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]*")
_INSTANT = re.compile(r"(.*?[0-9日])(?:\s+|T|(?<=日))([0-9].*)")
_TIME = re.compile(r"([0-9]{1,2})(?::([0-9]{2})(?::([0-9]{2}))?|[时点](?:([0-9]{1,2})分)?)")
_DASHES = re.compile("[‐-―−－]")
_AREA_CODE = re.compile(r"^\((0[0-9]{2,3})\)")
_COUNTRY = re.compile(r"^(?:\+86|0086)-?")
_GROUPED_MOBILE = re.compile(r"1[3-9][0-9](-[0-9]{4}){2}")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_PHONE = re.compile(
    r"1[3-9][0-9]{9}"  # mobile
    r"|(?:0[0-9]{2,3}-?)?[2-9][0-9]{6,7}(?:-[0-9]{1,6})?"  # landline, area code and extension optional
    r"|[48]00-?[0-9]{3}-?[0-9]{4}"
    r"|(?:9[56]|1[012])[0-9]{1,4}"  # service numbers such as 96533, 12345
)
_ID = re.compile(r"[0-9]{17}[0-9X]")
_USCC = re.compile(r"[0-9A-HJ-NP-RTUW-Y]{2}[0-9]{6}[0-9A-HJ-NP-RTUW-Y]{10}")
_PERSON = re.compile(r"(\D*?)[\s,，、:：(（]*(?:(?:居民)?身份证(?:号码|号)?[\s:：]*)?(\d.*?)[\s)）]*", re.DOTALL)

_A_NUMBER = msg("a number")
_A_WHOLE_NUMBER = msg("a whole number")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one value. In a table, ``line`` (from 1) and ``column`` say where.

    A ``warning`` leaves the value in use.
    """

    code: str
    message: Message
    severity: Literal["error", "warning"] = "error"
    line: int | None = None
    column: FieldSpec | None = None


class Refusal(Exception):  # noqa: N818  (no failure: the answer to a wrong value)
    """Ends the reading of a value; ``fault`` says why it is refused."""

    def __init__(self, code: str, message: Message) -> None:
        """Keep the fault."""
        super().__init__(code)
        self.fault = Fault(code, message)


def is_writable(number: int | float | Decimal) -> bool:
    """Whether the number is finite and short: 1e999999999 from a file would fill the memory with zeros."""
    exact = Decimal(number)
    return exact.is_finite() and abs(exact.adjusted()) <= _DIGITS_MAX


def refuse_illegal(text: str) -> None:
    """Refuse what breaks a Word file (XML 1.0, 2.2 Char), the catalogue or the reading direction of the print.

    Raises:
        Refusal: it holds such a character.
    """
    if text.isprintable():
        return  # control, format and surrogate characters are not printable, nor are those that mean nothing
    found = _ILLEGAL.search(text)
    if found is not None:
        raise Refusal(
            "illegal-character",
            msg(
                "Character {position} is the invisible U+{code}. Delete it or type the text again.",
                position=found.start() + 1,
                code=f"{ord(found[0]):04X}",
            ),
        )


@lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _narrow(text: str) -> str:
    """Full-width forms to ASCII, without the invisible marks that pasting brings.

    Nothing else is mapped: Unicode's own normal form makes 102 of 10² and 1 of ①.
    """
    if text.isascii():
        return text
    text = text.translate(_FULL_WIDTH)
    if text.isprintable():
        return text
    return "".join(char for char in text if unicodedata.category(char) != "Cf")


def _compact(text: str) -> str:
    """As ``_narrow``, without any white space: identifiers are typed in groups such as 6222 0200."""
    return text if text.isascii() and text.isalnum() else "".join(_narrow(text).split())


def _tight(text: str) -> str:
    """As ``_narrow``, without white space but that between two digits, which may part two numbers."""
    if text.isascii() and text.isalnum():
        return text
    return _LOOSE_BLANK.sub("", _narrow(text).strip())


def wrong(raw: object, spec: FieldSpec, expected: Message) -> Refusal:
    """The refusal of a value that is not of the field's type."""
    return Refusal("wrong-type", msg("{value} is not {expected}.", value=shown(raw, spec), expected=expected))


def _digits_of(raw: int | float | Decimal) -> str | None:
    """A whole number without sign as digits; None when it has a fraction, a sign or is not finite."""
    exact = Decimal(repr(raw)) if isinstance(raw, float) else Decimal(raw)
    if not exact.is_finite() or exact < 0 or exact != exact.to_integral_value():
        return None
    return format(exact.to_integral_value(), "f")


def _text(raw: object, spec: FieldSpec, _: list[Fault]) -> str:
    """Text stays as typed (``<``, ``&`` and ``{{`` included) but for outer white space and line ends."""
    if isinstance(raw, bool) or not isinstance(raw, str | int | float | Decimal):
        # A spreadsheet turns 3-2 (building 3, unit 2) into a date: printing that date would be a silent change.
        raise Refusal(
            "wrong-type",
            msg(
                "The cell does not hold text but {value}. Format it as text and type it again.", value=shown(raw, spec)
            ),
        )
    if isinstance(raw, str):
        text = raw
    else:
        _refuse_dressed(raw)
        digits = _digits_of(raw)
        if digits is not None and len(digits) > _EXCEL_DIGITS:
            raise _rounded()
        text = _plain_number(raw)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.strip()
    _check_shape(text, spec)
    return text


def _rounded() -> Refusal:
    return Refusal(
        "number-not-text",
        msg("The cell holds a number, which a spreadsheet rounds. Format it as text and type all digits again."),
    )


def _refuse_dressed(raw: object) -> None:
    if isinstance(raw, DressedNumber):
        raise Refusal(
            "number-not-text",
            msg("The cell holds a number and shows something else by its number format. Format the cell as text and "
                "type it as it shows."),
        )


def _plain_number(raw: int | float | Decimal) -> str:
    return _digits_of(raw) or format(_exact(raw), "f")


def _as_typed(raw: object) -> str:
    """Tight text of a text or number cell; empty for anything else, which then fits no pattern."""
    if isinstance(raw, str):
        return _tight(raw)
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        return ""
    return _plain_number(raw)


def _check_shape(text: str, spec: FieldSpec) -> None:
    if spec.max_length is not None and len(text) > spec.max_length:
        raise Refusal(
            "too-long",
            msg("{count} characters; at most {limit} fit.", count=len(text), limit=spec.max_length),
        )
    if spec.pattern and not _pattern(spec.pattern).fullmatch(text):
        if spec.help:
            raise Refusal(
                "pattern", msg("{value} has not the right form: {help}", value=shown(text, spec), help=spec.help)
            )
        raise Refusal(
            "pattern",
            msg("{value} has not the right form, such as {example}.", value=shown(text, spec), example=spec.example)
            if spec.example
            else msg("{value} has not the form {pattern}.", value=shown(text, spec), pattern=spec.pattern),
        )


def _code_text(raw: object, spec: FieldSpec, warnings: list[Fault]) -> str:
    """Text of an identifier. A number cell has lost leading zeros for good, and digits beyond the fifteenth."""
    if isinstance(raw, str):
        return _compact(raw).lstrip("'")
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        raise wrong(raw, spec, msg("a number written as text"))
    _refuse_dressed(raw)
    digits = _digits_of(raw)
    if digits is None or len(digits) > _EXCEL_DIGITS:
        raise _rounded()
    warnings.append(
        Fault(
            "number-not-text",
            msg("The cell holds a number; leading zeros may be lost. Format the column as text."),
            "warning",
        )
    )
    return digits


def _account(raw: object, spec: FieldSpec, warnings: list[Fault]) -> str:
    text = _code_text(raw, spec, warnings)
    _check_shape(text, spec)
    if not spec.pattern and not _ACCOUNT.fullmatch(text):
        raise Refusal("pattern", msg("{value} may hold digits, letters and - only.", value=shown(text, spec)))
    return text


def _phone(raw: object, spec: FieldSpec, warnings: list[Fault]) -> str:
    text = _code_text(raw, spec, warnings)
    if not _MOBILE.fullmatch(text):
        text = _COUNTRY.sub("", _AREA_CODE.sub(r"\1-", _DASHES.sub("-", text)))
        if _GROUPED_MOBILE.fullmatch(text):
            text = text.replace("-", "")
    if _MOBILE.fullmatch(text):
        warnings.clear()  # eleven digits are a whole mobile number: no zero was lost
    _check_shape(text, spec)
    if not spec.pattern and not _PHONE.fullmatch(text):
        raise Refusal("pattern", msg("{value} is not one phone number.", value=shown(text, spec)))
    return text


def _id_number(raw: object, spec: FieldSpec, warnings: list[Fault]) -> str:
    """GB 11643-1999: 17 digits and a check character by ISO 7064 MOD 11-2; digits 7 to 14 are the date of birth.

    Only the check digit comes from stdnum: its validate() refuses old numbers whose region is in no current table.
    """
    from stdnum.cn import ric

    text = _code_text(raw, spec, warnings).upper()
    if not _ID.fullmatch(text):
        raise Refusal(
            "pattern",
            msg("{value} has not 18 digits (the last may be X).", value=shown(text, spec)),
        )
    if not _is_date(text[6:10], text[10:12], text[12:14]):
        raise Refusal("pattern", msg("{value}: digits 7 to 14 are no date of birth.", value=shown(text, spec)))
    if ric.calc_check_digit(text) != text[17]:
        raise Refusal(
            "check-digit",
            msg("{value}: the check digit is wrong; one digit is mistyped.", value=shown(text, spec)),
        )
    return text


def _uscc(raw: object, spec: FieldSpec, warnings: list[Fault]) -> str:
    """GB 32100-2015. Only the check digit comes from stdnum, whose validate() refuses the N2... of village bodies."""
    from stdnum.cn import uscc

    text = _code_text(raw, spec, warnings).upper()
    if not _USCC.fullmatch(text):
        raise Refusal(
            "pattern",
            msg(
                "{value} has not the 18 digits and letters of a credit code (no I, O, S, V, Z).",
                value=shown(text, spec),
            ),
        )
    if uscc.calc_check_digit(text[:17]) != text[17]:
        raise Refusal(
            "check-digit",
            msg("{value}: the check digit is wrong; one sign is mistyped.", value=shown(text, spec)),
        )
    return text


def _calibre(raw: object, spec: FieldSpec, _: list[Fault]) -> str:
    if isinstance(raw, str) and raw in _CALIBRE_NAMES:
        return raw
    found = _CALIBRE.fullmatch(_as_typed(raw).upper())
    if found is None:
        raise wrong(raw, spec, msg("a meter size such as DN15"))
    if int(found[1]) not in CALIBRES:
        raise Refusal(
            "choice",
            msg(
                "{value} is no size of a water meter; known: {sizes}.", value=shown(raw, spec), sizes=_joined(CALIBRES)
            ),
        )
    return f"DN{int(found[1])}"


def _joined(items: Sequence[object]) -> Message:
    return listed(items)


def _exact(raw: int | float | Decimal) -> Decimal:
    """A cell's number as a person sees it: the shortest decimal, and of a computed cell the 15 digits Excel keeps."""
    if not isinstance(raw, float):
        return Decimal(raw)
    shortest = Decimal(repr(raw))
    return shortest if len(shortest.as_tuple().digits) <= _EXCEL_DIGITS else Decimal(f"{raw:.{_EXCEL_DIGITS}g}")


_SAME_UNITS = {"m³": ("立方米", "立方", "方", "吨", "m3")}
"""Longest first. A ton of water is a cubic metre: meter readers write one for the other."""


def _number(raw: object, spec: FieldSpec, expected: Message) -> Decimal:
    if isinstance(raw, str):
        if _is_short_whole(raw):
            return Decimal(raw)
        text = _tight(raw)
        if spec.type == "money":
            text = text.removeprefix("¥").removesuffix("元")
        elif spec.unit:
            text = _without_unit(text, spec.unit)
        if _BLANK_GROUPS.fullmatch(text):
            text = "".join(text.split())
        if not _NUMBER.fullmatch(text):
            raise wrong(raw, spec, expected)
        number = Decimal(text.replace(",", ""))
    elif isinstance(raw, int | float | Decimal) and not isinstance(raw, bool):
        number = _exact(raw)
    else:
        raise wrong(raw, spec, expected)
    if len(number.as_tuple().digits) > _DIGITS_MAX:
        raise wrong(raw, spec, expected)
    return number


def _without_unit(text: str, unit: str) -> str:
    """A number without the field's unit behind it, by the names that meter readers give it; another unit stays."""
    named = (*_SAME_UNITS.get(unit, ()), _tight(unit))
    return next((text.removesuffix(one) for one in named if text.endswith(one)), text)


def _is_short_whole(raw: object) -> bool:
    return isinstance(raw, str) and len(raw) <= _EXCEL_DIGITS and raw.isascii() and raw.isdigit()


def _check_range(number: Decimal, spec: FieldSpec) -> None:
    low, high = spec.min, spec.max
    if low is not None and (number < low or (spec.exclusive_min and number == low)):
        limit = msg("more than {min}", min=low) if spec.exclusive_min else msg("{min} or more", min=low)
        raise Refusal("range", msg("{value} must be {limit}.", value=shown(f"{number:f}", spec), limit=limit))
    if high is not None and number > high:
        raise Refusal("range", msg("{value} must be {max} or less.", value=shown(f"{number:f}", spec), max=high))


def _integer(raw: object, spec: FieldSpec, _: list[Fault]) -> int:
    number = _number(raw, spec, _A_WHOLE_NUMBER)
    if number != number.to_integral_value():
        raise wrong(raw, spec, _A_WHOLE_NUMBER)
    _check_range(number, spec)
    return int(number)


def _decimal(raw: object, spec: FieldSpec, _: list[Fault]) -> Decimal:
    number = _number(raw, spec, _A_NUMBER)
    if spec.type == "decimal" and _is_short_whole(raw):
        _check_range(number, spec)
        return number
    places = 2 if spec.places is None and spec.type == "money" else spec.places
    decimals = -int(number.normalize().as_tuple().exponent)
    if places is not None and decimals > places:
        raise Refusal(
            "range",
            msg("{value} has more than {places} decimal places.", value=shown(f"{number:f}", spec), places=places),
        )
    _check_range(number, spec)
    if spec.type == "money" and places is not None:
        return number.quantize(Decimal(1).scaleb(-places))
    return number if int(number.as_tuple().exponent) <= 0 else number.quantize(Decimal(1))


def _is_date(year: str | int, month: str | int, day: str | int) -> bool:
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True


def _day(text: str, raw: object, spec: FieldSpec) -> date:
    parts = date_parts(text)
    if parts is None or not _is_date(*parts):
        raise wrong(raw, spec, msg("a date such as 2026-03-02 or 2026年3月2日"))
    if not 1900 <= parts[0] < 2200:
        raise Refusal("range", msg("{value}: the year is not plausible.", value=shown(raw, spec)))
    return date(*parts)


def _iso_day(raw: object) -> date | None:
    """The day of a plain 2026-03-02; None for everything else, and for a day that is refused."""
    if not isinstance(raw, str) or len(raw) != 10 or raw[4] != "-" or raw[7] != "-":
        return None
    try:
        day = date.fromisoformat(raw)
    except ValueError:
        return None
    return day if 1900 <= day.year < 2200 else None


def _iso_instant(raw: str) -> datetime | None:
    """The instant of a plain 2026-03-02T14:30 or with seconds; None as in ``_iso_day``."""
    if len(raw) not in (16, 19) or raw[10] not in "T " or raw[13] != ":" or raw[11:13] == "24":
        return None
    if _iso_day(raw[:10]) is None or (len(raw) == 19 and raw[16] != ":"):
        return None
    try:
        return datetime.fromisoformat(raw)
    except ValueError:
        return None


def _date(raw: object, spec: FieldSpec, warnings: list[Fault]) -> date:
    if isinstance(raw, SerialDay):
        text = msg("{number} is the number of a day without its format; read as {date}.", number=raw.number,
                   date=raw.isoformat())
        warnings.append(Fault("serial-day", text, "warning"))
        raw = date(raw.year, raw.month, raw.day)
    if isinstance(raw, datetime):
        if raw.time() != time() or raw.tzinfo is not None:
            raise Refusal("wrong-type", msg("{value} has a time of day; only a date fits.", value=shown(raw, spec)))
        raw = raw.date()
    if isinstance(raw, date):
        return _day(raw.isoformat(), raw, spec)
    return _iso_day(raw) or _day(_as_typed(raw), raw, spec)


def _instant(raw: object, spec: FieldSpec, warnings: list[Fault]) -> datetime:
    if isinstance(raw, str) and (plain := _iso_instant(raw)) is not None:
        return plain
    expected = msg("a date with a time such as 2026-03-02 14:30")
    if isinstance(raw, str):
        found = _INSTANT.fullmatch(_narrow(raw).strip())
        clock = _TIME.fullmatch(_tight(found[2])) if found else None
        if found is None or clock is None:
            raise wrong(raw, spec, expected)
        hour, minute, second = int(clock[1]), int(clock[2] or clock[4] or 0), int(clock[3] or 0)
        if hour > 23 or minute > 59 or second > 59:
            raise wrong(raw, spec, expected)
        return datetime.combine(_day(_tight(found[1]), raw, spec), time(hour, minute, second))
    if not isinstance(raw, datetime) or raw.tzinfo is not None:
        raise wrong(raw, spec, expected)
    _day(raw.date().isoformat(), raw, spec)
    if raw.time() == time():
        warnings.append(Fault("wrong-type", msg("The time is midnight; was it left out?"), "warning"))
    return raw.replace(microsecond=0)


def _choice(raw: object, spec: FieldSpec, _: list[Fault]) -> str:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float | Decimal):
        raise wrong(raw, spec, msg("one of {choices}", choices=_joined(spec.choices)))
    _refuse_dressed(raw)
    text = raw if isinstance(raw, str) else _plain_number(raw)
    if text in spec.choices:
        return text
    plain = plain_heading(text)
    for choice in spec.choices:
        if plain_heading(choice) == plain:
            return choice
    raise Refusal(
        "choice",
        msg("{value} is not one of {choices}.", value=shown(text, spec), choices=_joined(spec.choices)),
    )


def _yes_no(raw: object, spec: FieldSpec, _: list[Fault]) -> bool:
    if isinstance(raw, bool):
        return raw
    text = _as_typed(raw).casefold()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise wrong(raw, spec, msg("是 or 否"))


def _person(raw: object, spec: FieldSpec, warnings: list[Fault]) -> Person:
    """Name and ID number: a table or list of both, or one text such as ``张三 110101...`` or ``张三|110101...``."""
    name, number = _person_parts(raw, spec)
    for part in (name, number):
        if isinstance(part, str):
            refuse_illegal(part)
    if not isinstance(name, str) or not name.strip() or is_blank(number):
        raise Refusal(
            "required",
            msg("{value} has not both name and ID number. Write them with a | between them.", value=shown(raw, spec)),
        )
    text = " ".join(name.split())
    if spec.max_length is not None and len(text) > spec.max_length:
        raise Refusal("too-long", msg("{count} characters; at most {limit} fit.", count=len(text),
                                      limit=spec.max_length))
    return Person(text, _id_number(number, spec, warnings))


def _person_parts(raw: object, spec: FieldSpec) -> tuple[object, object]:
    if isinstance(raw, Person):
        return raw.name, raw.id_number
    if isinstance(raw, Mapping):
        found: dict[str, object] = {}
        for heading, part in raw.items():
            name = PERSON_PARTS.get(plain_heading(str(heading)))
            if name is None:
                raise Refusal("unknown-field", msg("{name} is no part of a person; known: {names}.", name=heading,
                                                   names=_joined(["姓名", "证件号码"])))
            if name in found:
                raise Refusal("duplicate", msg("{name} is given twice.", name=heading))
            found[name] = part
        return found.get("name"), found.get("id_number")
    parts: Sequence[object] = ()
    if isinstance(raw, list):
        parts = raw
    elif isinstance(raw, str) and ("|" in raw or "｜" in raw):
        parts = re.split("[|｜]", raw)
    elif isinstance(raw, str) and (matched := _PERSON.fullmatch(raw.strip())):
        parts = matched.groups()
    elif isinstance(raw, str):
        parts = (raw, None)
    if len(parts) != 2:
        raise wrong(raw, spec, msg("a person: a name and an ID number with a | between them"))
    return parts[0], parts[1]


def is_blank(raw: object) -> bool:
    """Whether nothing or only white space is given."""
    return raw is None or (isinstance(raw, str) and not raw.strip())


READERS: Mapping[str, Callable[[object, FieldSpec, list[Fault]], Scalar]] = {
    "text": _text,
    "integer": _integer,
    "decimal": _decimal,
    "money": _decimal,
    "date": _date,
    "instant": _instant,
    "choice": _choice,
    "phone": _phone,
    "id_number": _id_number,
    "uscc": _uscc,
    "calibre": _calibre,
    "account": _account,
    "yes_no": _yes_no,
    "person": _person,
}
"""How each type but ``table`` is read: raw value, field, and a list that takes the warnings; raises Refusal."""
