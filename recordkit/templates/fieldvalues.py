"""Values of fields: their plain form for storing, how they are printed, and how they are shown masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from recordkit.errors import IntegrityFailure
from recordkit.messages import Message, msg
from recordkit.templates.chinese import display_date
from recordkit.templates.spec import FieldSpec

PERSON_PARTS = {
    "姓名": "name",
    "name": "name",
    "证件号码": "id_number",
    "身份证号": "id_number",
    "身份证号码": "id_number",
    "id": "id_number",
    "id_number": "id_number",
}
"""What a template may ask of a person, as in ``{{ 经办人.姓名 }}``, and what a file may call it."""

_SHOWN_MAX = 40


@dataclass(frozen=True, slots=True)
class Person:
    """A person with the number of the identity card. Templates reach the parts by their Chinese names."""

    name: str
    id_number: str

    def __str__(self) -> str:
        return f"{self.name} {self.id_number}"

    def __getitem__(self, part: str) -> str:
        """A part by one of its names in ``PERSON_PARTS``; an unknown one raises KeyError."""
        return str(getattr(self, PERSON_PARTS[part]))

    def masked(self) -> str:
        """The name, and the number as messages may show it."""
        return f"{self.name} {mask(self.id_number)}"


@dataclass(frozen=True, slots=True)
class Blank:
    """Stands in a template for a value that is not there: ``width`` full-width blanks for the pen, or nothing.

    Its parts are blanks too, so that ``{{ 经办人.姓名 }}`` prints a line where no person was given.
    """

    width: int = 0

    def __str__(self) -> str:
        return "＿" * self.width

    def __bool__(self) -> bool:
        return False

    def __getitem__(self, part: str) -> Blank:
        """The blank of a part; an unknown one raises KeyError as it does for a person."""
        return Blank(self.width) if PERSON_PARTS[part] else self


Scalar: TypeAlias = str | int | Decimal | date | bool | Person | None  # datetime is a date
Value: TypeAlias = Scalar | list[dict[str, Scalar]]


def shown(raw: object, spec: FieldSpec) -> str | Message:
    """A raw value as messages may quote it: masked where sensitive, on one line, shortened.

    Of a list or table only the kind is told: it may be endless, and hold what is sensitive.
    """
    if isinstance(raw, Mapping):
        return msg("a set of names and values")
    if isinstance(raw, list | tuple):
        return msg("a list")
    text = str(raw)
    if not text.isprintable():
        text = "".join(char if char.isprintable() else "�" for char in text)
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


def to_plain(value: Value) -> object:
    """The JSON and TOML form: ISO strings, decimals as strings, ints, bools, None; a person as a table."""
    kind = type(value)
    if kind is str or value is None or kind is bool or kind is int:
        return value
    if isinstance(value, list):
        return [{key: to_plain(cell) for key, cell in row.items()} for row in value]
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Person):
        return {"name": value.name, "id": value.id_number}
    return format(value, "f") if isinstance(value, Decimal) else value


def from_plain(plain: object, spec: FieldSpec) -> Value:
    """The value that ``to_plain`` wrote. Stored values are not validated again: the rules may have changed since.

    Raises:
        IntegrityFailure: what is stored is no value of this type.
    """
    try:
        return _restored(plain, spec)
    except (TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as error:
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
    if spec.type == "person":
        if not isinstance(plain, dict) or not isinstance(plain["name"], str) or not isinstance(plain["id"], str):
            raise TypeError(plain)
        return Person(plain["name"], plain["id"])
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
    if isinstance(value, str):
        return value
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


def display_masked(value: Value, spec: FieldSpec) -> str:
    """The value as a screen may show it: what is sensitive only masked, in tables too; empty for none."""
    if value is None:
        return ""
    if isinstance(value, Person):
        return value.masked()
    if isinstance(value, list):
        columns = {column.key: column for column in spec.columns}
        return "；".join("，".join(display_masked(row[key], columns[key]) for key in row) for row in value)
    text = display(value, spec)
    return mask(text) if spec.is_masked else text
