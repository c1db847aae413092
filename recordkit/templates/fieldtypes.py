"""What each field type accepts, how its value is stored, shown and masked.

A raw value comes from a spreadsheet cell, TOML, JSON, YAML or the command line. Reading never guesses: what a
spreadsheet may have damaged (leading zeros, long numbers, dates made out of text) is refused or warned about.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Literal, TypeAlias

from recordkit.errors import IntegrityFailure
from recordkit.messages import Message, msg
from recordkit.templates.chinese import date_parts, display_date
from recordkit.templates.spec import FieldSpec, plain_heading

Scalar: TypeAlias = str | int | Decimal | date | bool | None  # datetime is a date
Value: TypeAlias = Scalar | list[dict[str, Scalar]]

CALIBRES = (15, 20, 25, 32, 40, 50, 65, 80, 100, 150, 200, 250, 300)
"""Nominal diameters of water meters in mm."""

_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SHOWN_MAX = 40
_EXCEL_DIGITS = 15  # a spreadsheet keeps 15 significant digits; the rest became zeros or noise
_DIGITS_MAX = 28  # Decimal's own precision: beyond it, arithmetic would round
_TRUE = frozenset({"是", "对", "√", "yes", "y", "true", "1"})
_FALSE = frozenset({"否", "不", "×", "no", "n", "false", "0"})
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,30}|[0-9]{1,3}(?:,[0-9]{3}){1,9})(?:\.[0-9]{1,30})?")
_TIME = re.compile(r"([0-9]{1,2})(?::([0-9]{2})(?::([0-9]{2}))?|[时点](?:([0-9]{1,2})分)?)")
_PHONE = re.compile(
    r"1[3-9][0-9]{9}"  # mobile
    r"|(?:0[0-9]{2,3}-?)?[2-9][0-9]{6,7}(?:-[0-9]{1,6})?"  # landline, area code and extension optional
    r"|[48]00-?[0-9]{3}-?[0-9]{4}"
    r"|(?:9[56]|1[012])[0-9]{1,4}"  # service numbers such as 96533, 12345
)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK = "10X98765432"
_USCC = re.compile(r"[0-9A-HJ-NP-RTUW-Y]{2}[0-9]{6}[0-9A-HJ-NP-RTUW-Y]{10}")


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


@dataclass(frozen=True, slots=True)
class Parsed:
    """A value read, with what was noticed. After an error ``value`` is None."""

    value: Value
    faults: tuple[Fault, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether any fault is an error."""
        return any(fault.severity == "error" for fault in self.faults)


class _Refuse(Exception):
    def __init__(self, code: str, message: Message) -> None:
        super().__init__(code)
        self.fault = Fault(code, message)


def is_empty(raw: object) -> bool:
    """Whether a cell counts as not filled in: nothing, white space only, an empty list."""
    return raw is None or (isinstance(raw, str) and not raw.strip()) or (isinstance(raw, list) and not raw)


def parse(raw: object, spec: FieldSpec) -> Parsed:
    """Read one raw value by the field's type. An empty one gives None: whether it is required is asked elsewhere."""
    if is_empty(raw):
        return Parsed(None)
    if spec.type == "table":
        return _table(raw, spec)
    warnings: list[Fault] = []
    try:
        if isinstance(raw, str):
            _refuse_illegal(raw)
        elif isinstance(raw, int | float | Decimal) and not _is_writable(raw):
            raise _wrong(raw, spec, msg("a plain number"))
        return Parsed(_READERS[spec.type](raw, spec, warnings), tuple(warnings))
    except _Refuse as refusal:
        return Parsed(None, (refusal.fault,))


def _is_writable(number: int | float | Decimal) -> bool:
    """Whether the number is finite and short: 1e999999999 from a file would fill the memory with zeros."""
    exact = Decimal(number)
    return exact.is_finite() and abs(exact.adjusted()) <= _DIGITS_MAX


def _refuse_illegal(text: str) -> None:
    """Refuse what breaks a Word file (XML 1.0, 2.2 Char), the catalogue or the reading direction of the print."""
    for position, char in enumerate(text, 1):
        category = unicodedata.category(char)
        control = category == "Cc" and char not in "\t\n\r"
        if control or category == "Cs" or char in _BIDI or (ord(char) & 0xFFFE) == 0xFFFE:
            raise _Refuse(
                "illegal-character",
                msg(
                    "Character {position} is the invisible U+{code}. Delete it or type the text again.",
                    position=position,
                    code=f"{ord(char):04X}",
                ),
            )


def shown(raw: object, spec: FieldSpec) -> str:
    """A raw value as messages may quote it: masked where sensitive, on one line, shortened."""
    text = "".join(char if char.isprintable() else "�" for char in str(raw))
    if spec.is_masked:
        return mask(text)
    return text if len(text) <= _SHOWN_MAX else text[: _SHOWN_MAX - 1] + "…"


def mask(value: object) -> str:
    """At most the first three and last two characters, and never more than about half: 110*************12."""
    text = str(value)
    if len(text) < 6:
        return "*" * len(text)
    head, tail = (3, 2) if len(text) >= 10 else (1, 1)
    return text[:head] + "*" * (len(text) - head - tail) + text[-tail:]


def _compact(text: str) -> str:
    """Full-width letters and digits to ASCII, without the white space and invisible marks that pasting brings."""
    normal = unicodedata.normalize("NFKC", text)
    return "".join(char for char in normal if not char.isspace() and unicodedata.category(char) != "Cf")


def _wrong(raw: object, spec: FieldSpec, expected: Message) -> _Refuse:
    return _Refuse("wrong-type", msg("{value} is not {expected}.", value=shown(raw, spec), expected=expected))


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
        raise _Refuse(
            "wrong-type",
            msg(
                "The cell does not hold text but {value}. Format it as text and type it again.", value=shown(raw, spec)
            ),
        )
    text = _plain_number(raw) if not isinstance(raw, str) else raw
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    _check_shape(text, spec)
    return text


def _plain_number(raw: int | float | Decimal) -> str:
    return _digits_of(raw) or format(_exact(raw), "f")


def _as_typed(raw: object) -> str:
    """Compact text of a text or number cell; empty for anything else, which then fits no pattern."""
    if isinstance(raw, str):
        return _compact(raw)
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        return ""
    return _plain_number(raw)


def _check_shape(text: str, spec: FieldSpec) -> None:
    if spec.max_length is not None and len(text) > spec.max_length:
        raise _Refuse(
            "too-long",
            msg("{count} characters; at most {limit} fit.", count=len(text), limit=spec.max_length),
        )
    if spec.pattern and not re.fullmatch(spec.pattern, text):
        if spec.help:
            raise _Refuse(
                "pattern", msg("{value} has not the right form: {help}", value=shown(text, spec), help=spec.help)
            )
        raise _Refuse(
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
        raise _wrong(raw, spec, msg("a number written as text"))
    digits = _digits_of(raw)
    if digits is None or len(digits) > _EXCEL_DIGITS:
        raise _Refuse(
            "number-not-text",
            msg("The cell holds a number, which a spreadsheet rounds. Format it as text and type all digits again."),
        )
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
    if not spec.pattern and not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z._/-]*", text):
        raise _Refuse("pattern", msg("{value} may hold digits, letters and - only.", value=shown(text, spec)))
    return text


def _phone(raw: object, spec: FieldSpec, warnings: list[Fault]) -> str:
    text = re.sub("[‐-―−－]", "-", _code_text(raw, spec, warnings))
    text = re.sub(r"^\((0[0-9]{2,3})\)", r"\1-", text)
    text = re.sub(r"^(?:\+86|0086)-?", "", text)
    if re.fullmatch(r"1[3-9][0-9](-[0-9]{4}){2}", text):
        text = text.replace("-", "")
    if re.fullmatch(r"1[3-9][0-9]{9}", text):
        warnings.clear()  # eleven digits are a whole mobile number: no zero was lost
    _check_shape(text, spec)
    if not spec.pattern and not _PHONE.fullmatch(text):
        raise _Refuse("pattern", msg("{value} is not one phone number.", value=shown(text, spec)))
    return text


def _id_number(raw: object, spec: FieldSpec, warnings: list[Fault]) -> str:
    """GB 11643-1999: 17 digits and a check character by ISO 7064 MOD 11-2; digits 7 to 14 are the date of birth.

    The region is not checked: old numbers carry codes that no current table lists.
    """
    text = _code_text(raw, spec, warnings).upper()
    if not re.fullmatch(r"[0-9]{17}[0-9X]", text):
        raise _Refuse(
            "pattern",
            msg("{value} has not 18 digits (the last may be X).", value=shown(text, spec)),
        )
    if not _is_date(text[6:10], text[10:12], text[12:14]):
        raise _Refuse("pattern", msg("{value}: digits 7 to 14 are no date of birth.", value=shown(text, spec)))
    total = sum(int(digit) * weight for digit, weight in zip(text[:17], _ID_WEIGHTS, strict=True))
    if _ID_CHECK[total % 11] != text[17]:
        raise _Refuse(
            "check-digit",
            msg("{value}: the check digit is wrong; one digit is mistyped.", value=shown(text, spec)),
        )
    return text


def _uscc(raw: object, spec: FieldSpec, warnings: list[Fault]) -> str:
    """GB 32100-2015. Only the check digit comes from stdnum, whose validate() refuses the N2... of village bodies."""
    from stdnum.cn import uscc

    text = _code_text(raw, spec, warnings).upper()
    if not _USCC.fullmatch(text):
        raise _Refuse(
            "pattern",
            msg(
                "{value} has not the 18 digits and letters of a credit code (no I, O, S, V, Z).",
                value=shown(text, spec),
            ),
        )
    if uscc.calc_check_digit(text[:17]) != text[17]:
        raise _Refuse(
            "check-digit",
            msg("{value}: the check digit is wrong; one sign is mistyped.", value=shown(text, spec)),
        )
    return text


def _calibre(raw: object, spec: FieldSpec, _: list[Fault]) -> str:
    text = _as_typed(raw)
    found = re.fullmatch(r"(?:DN|Φ|φ|ф|Ø)?([0-9]{1,4})(?:MM)?", text.upper())
    if found is None:
        raise _wrong(raw, spec, msg("a meter size such as DN15"))
    if int(found[1]) not in CALIBRES:
        raise _Refuse(
            "choice",
            msg(
                "{value} is no size of a water meter; known: {sizes}.", value=shown(raw, spec), sizes=_joined(CALIBRES)
            ),
        )
    return f"DN{int(found[1])}"


def _joined(items: Sequence[object]) -> str:
    return "、".join(map(str, items))


def _exact(raw: int | float | Decimal) -> Decimal:
    """A cell's number as a person sees it: the shortest decimal, and of a computed cell the 15 digits Excel keeps."""
    if not isinstance(raw, float):
        return Decimal(raw)
    shortest = Decimal(repr(raw))
    return shortest if len(shortest.as_tuple().digits) <= _EXCEL_DIGITS else Decimal(f"{raw:.{_EXCEL_DIGITS}g}")


def _number(raw: object, spec: FieldSpec, expected: Message) -> Decimal:
    if isinstance(raw, str):
        text = _compact(raw)
        if spec.type == "money":
            text = text.removeprefix("¥").removesuffix("元")
        if not _NUMBER.fullmatch(text):
            raise _wrong(raw, spec, expected)
        number = Decimal(text.replace(",", ""))
    elif isinstance(raw, int | float | Decimal) and not isinstance(raw, bool):
        number = _exact(raw)
    else:
        raise _wrong(raw, spec, expected)
    if len(number.as_tuple().digits) > _DIGITS_MAX:
        raise _wrong(raw, spec, expected)
    return number


def _check_range(number: Decimal, spec: FieldSpec) -> None:
    low, high = spec.min, spec.max
    if low is not None and (number < low or (spec.exclusive_min and number == low)):
        limit = msg("more than {min}", min=low) if spec.exclusive_min else msg("{min} or more", min=low)
        raise _Refuse("range", msg("{value} must be {limit}.", value=shown(f"{number:f}", spec), limit=limit))
    if high is not None and number > high:
        raise _Refuse("range", msg("{value} must be {max} or less.", value=shown(f"{number:f}", spec), max=high))


def _integer(raw: object, spec: FieldSpec, _: list[Fault]) -> int:
    number = _number(raw, spec, msg("a whole number"))
    if number != number.to_integral_value():
        raise _wrong(raw, spec, msg("a whole number"))
    _check_range(number, spec)
    return int(number)


def _decimal(raw: object, spec: FieldSpec, _: list[Fault]) -> Decimal:
    number = _number(raw, spec, msg("a number"))
    places = 2 if spec.places is None and spec.type == "money" else spec.places
    decimals = -int(number.normalize().as_tuple().exponent)
    if places is not None and decimals > places:
        raise _Refuse(
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
        raise _wrong(raw, spec, msg("a date such as 2026-03-02 or 2026年3月2日"))
    if not 1900 <= parts[0] < 2200:
        raise _Refuse("range", msg("{value}: the year is not plausible.", value=shown(raw, spec)))
    return date(*parts)


def _date(raw: object, spec: FieldSpec, _: list[Fault]) -> date:
    if isinstance(raw, datetime):
        if raw.time() != time() or raw.tzinfo is not None:
            raise _Refuse("wrong-type", msg("{value} has a time of day; only a date fits.", value=shown(raw, spec)))
        raw = raw.date()
    if isinstance(raw, date):
        return _day(raw.isoformat(), raw, spec)
    text = _as_typed(raw)
    return _day(text, raw, spec)


def _instant(raw: object, spec: FieldSpec, warnings: list[Fault]) -> datetime:
    expected = msg("a date with a time such as 2026-03-02 14:30")
    if isinstance(raw, str):
        text = unicodedata.normalize("NFKC", raw).strip()
        found = re.fullmatch(r"(.*?[0-9日])(?:\s+|T|(?<=日))([0-9].*)", text)
        clock = _TIME.fullmatch(_compact(found[2])) if found else None
        if found is None or clock is None:
            raise _wrong(raw, spec, expected)
        hour, minute, second = int(clock[1]), int(clock[2] or clock[4] or 0), int(clock[3] or 0)
        if hour > 23 or minute > 59 or second > 59:
            raise _wrong(raw, spec, expected)
        return datetime.combine(_day(_compact(found[1]), raw, spec), time(hour, minute, second))
    if not isinstance(raw, datetime) or raw.tzinfo is not None:
        raise _wrong(raw, spec, expected)
    _day(raw.date().isoformat(), raw, spec)
    if raw.time() == time():
        warnings.append(Fault("wrong-type", msg("The time is midnight; was it left out?"), "warning"))
    return raw.replace(microsecond=0)


def _choice(raw: object, spec: FieldSpec, _: list[Fault]) -> str:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float | Decimal):
        raise _wrong(raw, spec, msg("one of {choices}", choices=_joined(spec.choices)))
    text = raw if isinstance(raw, str) else _plain_number(raw)
    for choice in spec.choices:
        if plain_heading(choice) == plain_heading(text):
            return choice
    raise _Refuse(
        "choice",
        msg("{value} is not one of {choices}.", value=shown(text, spec), choices=_joined(spec.choices)),
    )


def _yes_no(raw: object, spec: FieldSpec, _: list[Fault]) -> bool:
    if isinstance(raw, bool):
        return raw
    text = _as_typed(raw).casefold()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise _wrong(raw, spec, msg("是 or 否"))


_READERS: Mapping[str, Callable[[object, FieldSpec, list[Fault]], Scalar]] = {
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
}


def _table(raw: object, spec: FieldSpec) -> Parsed:
    """Rows as a list of tables or lists, or one cell: rows by line (else by ;), columns by | in the form's order."""
    if isinstance(raw, str):
        lines = raw.splitlines() if "\n" in raw.strip() else re.split("[;；]", raw)
        raw = [re.split("[|｜]", line) for line in lines]
    if not isinstance(raw, list):
        return Parsed(None, (_wrong(raw, spec, msg("a table")).fault,))
    rows: list[dict[str, Scalar]] = []
    faults: list[Fault] = []
    for line, item in enumerate(raw, 1):
        cells, found = _cells(item, spec)
        faults += [replace(fault, line=line) for fault in found]
        if all(map(is_empty, cells.values())):
            continue
        row: dict[str, Scalar] = {}
        for column in spec.columns:
            given = cells.get(column.key)
            parsed = parse(column.default if is_empty(given) else given, column)
            faults += [replace(fault, line=line, column=column) for fault in parsed.faults]
            if parsed.value is None and not parsed.refused and column.required:
                faults.append(Fault("required", msg("Not filled in."), line=line, column=column))
            row[column.key] = None if isinstance(parsed.value, list) else parsed.value
        rows.append(row)
    if rows and len(rows) < spec.min_rows:
        faults.append(
            Fault("range", msg("{count} rows; at least {limit} are needed.", count=len(rows), limit=spec.min_rows))
        )
    if spec.max_rows is not None and len(rows) > spec.max_rows:
        faults.append(Fault("range", msg("{count} rows; at most {limit} fit.", count=len(rows), limit=spec.max_rows)))
    refused = any(fault.severity == "error" for fault in faults)
    return Parsed(None if refused or not rows else rows, tuple(faults))


def _cells(item: object, spec: FieldSpec) -> tuple[dict[str, object], list[Fault]]:
    if not isinstance(item, Mapping):
        cells = list(item) if isinstance(item, list) else [item]
        if len(cells) > len(spec.columns):
            many = msg("{count} columns; the table has {limit}.", count=len(cells), limit=len(spec.columns))
            return {}, [Fault("wrong-type", many)]
        return dict(zip([column.key for column in spec.columns], cells, strict=False)), []
    names = {plain_heading(name): column.key for column in spec.columns for name in (column.label, column.key)}
    found: dict[str, object] = {}
    faults = []
    for name, cell in item.items():
        key = names.get(plain_heading(str(name)))
        if key is None:
            known = _joined([column.label for column in spec.columns])
            faults.append(
                Fault("unknown-field", msg("{name} is no column; known: {columns}.", name=name, columns=known))
            )
        elif key in found:
            faults.append(Fault("duplicate", msg("{name} is given twice.", name=name)))
        else:
            found[key] = cell
    return found, faults


def to_plain(value: Value) -> object:
    """The JSON and TOML form: ISO strings, decimals as strings, ints, bools, None."""
    if isinstance(value, list):
        return [{key: to_plain(cell) for key, cell in row.items()} for row in value]
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else value


def from_plain(plain: object, spec: FieldSpec) -> Value:
    """The value that ``to_plain`` wrote. Stored values are not validated again: the rules may have changed since.

    Raises:
        IntegrityFailure: what is stored is no value of this type.
    """
    try:
        return _restored(plain, spec)
    except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise IntegrityFailure(
            msg("The stored value of {label} is not of type {type}.", label=spec.label, type=spec.type),
            msg("Verify the store; restore the issue data from a backup."),
        ) from error


def _restored(plain: object, spec: FieldSpec) -> Value:
    if plain is None:
        return None
    if spec.type == "table":
        if not isinstance(plain, list):
            raise TypeError(plain)
        rows: list[dict[str, Scalar]] = []
        for row in plain:
            cells = {column.key: _restored(row.get(column.key), column) for column in spec.columns}
            rows.append({key: cell for key, cell in cells.items() if not isinstance(cell, list)})
        return rows
    kinds = {"integer": int, "yes_no": bool}
    if type(plain) is not kinds.get(spec.type, str):
        raise TypeError(plain)
    if spec.type in {"decimal", "money"}:
        number = Decimal(str(plain))
        if not number.is_finite():
            raise ValueError(plain)
        return number
    if spec.type == "date":
        return date.fromisoformat(str(plain))
    if spec.type == "instant":
        return datetime.fromisoformat(str(plain))
    return plain if isinstance(plain, str | int) else None


def display(value: Value, spec: FieldSpec) -> str:
    """The value as it is printed; an onsite field without one prints its blank line."""
    if value is None:
        return "＿" * spec.blank if spec.stage == "onsite" else ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return f"{display_date(value)}{value:%H}时{value:%M}分"
    if isinstance(value, date):
        return display_date(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list):
        columns = {column.key: column for column in spec.columns}
        return "；".join("，".join(display(row[key], columns[key]) for key in row) for row in value)
    return str(value)
