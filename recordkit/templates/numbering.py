"""Document numbers such as 供合〔2026〕0001号: reading the pattern, rendering one number. Nothing is counted here."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from recordkit.errors import InputRefused
from recordkit.messages import Message, msg

SEQUENCE_MARK = "{seq}"
"""What stands for the serial in a scope. Literal text and office names contain no braces, so it is unique."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_SEQ = re.compile(r"seq(?::0([1-9]))?")
_DATE_PARTS = {"year": r"[0-9]{4}", "yy": r"[0-9]{2}", "mm": r"[0-9]{2}", "dd": r"[0-9]{2}"}
_OFFICE_MAX = 40


@dataclass(frozen=True, slots=True)
class NumberPart:
    """One piece of a pattern: ``kind`` is ``text`` or a placeholder's name, ``text`` the literal."""

    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class NumberPattern:
    """A checked number pattern. Two different (scope, serial) pairs never render to the same number.

    Attributes:
        text: the pattern as written, e.g. ``换通〔{year}〕{seq:04}号``.
        parts: its pieces in order.
        width: least number of digits of the serial; a greater serial simply takes more digits.
    """

    text: str
    parts: tuple[NumberPart, ...]
    width: int

    @property
    def needs_office(self) -> bool:
        """Whether each office has its own sequence."""
        return any(part.kind == "office" for part in self.parts)

    def scope(self, on: date, office: str = "") -> str:
        """The key of the sequence a document of this day and office belongs to, e.g. ``换通〔2026〕{seq}号``.

        The width of the serial is no part of it, so a sequence goes on when the pattern gets wider.

        Raises:
            InputRefused: the pattern names an office and ``office`` is empty or cannot stand in a number.
        """
        return self._fill(on, office, SEQUENCE_MARK)

    def render(self, on: date, office: str, seq: int) -> str:
        """The number itself.

        Raises:
            InputRefused: as ``scope``; also for a serial below 1.
        """
        if seq < 1:
            raise InputRefused(msg("The serial number {seq} is below 1.", seq=seq))
        return self._fill(on, office, f"{seq:0{self.width}d}")

    def parse(self, number: str) -> tuple[str, int] | None:
        """The scope and serial of a number made by this pattern, or None when it was not."""
        found = re.fullmatch("".join(map(self._as_regex, self.parts)), number)
        if found is None:
            return None
        digits = found["seq"]
        if int(digits) < 1 or f"{int(digits):0{self.width}d}" != digits:
            return None
        return number[: found.start("seq")] + SEQUENCE_MARK + number[found.end("seq") :], int(digits)

    def _fill(self, on: date, office: str, serial: str) -> str:
        if self.needs_office:
            _check_office(office, self.text)
        values = {
            "year": f"{on.year:04d}",
            "yy": f"{on.year % 100:02d}",
            "mm": f"{on.month:02d}",
            "dd": f"{on.day:02d}",
            "office": office,
            "seq": serial,
        }
        return "".join(part.text if part.kind == "text" else values[part.kind] for part in self.parts)

    @staticmethod
    def _as_regex(part: NumberPart) -> str:
        if part.kind == "text":
            return re.escape(part.text)
        if part.kind == "seq":
            return r"(?P<seq>[0-9]{1,18})"
        return _DATE_PARTS.get(part.kind, r"[^{}]+")


def parse_number_pattern(pattern: str) -> NumberPattern:
    """Read a pattern with the placeholders {year} {yy} {mm} {dd} {office} and exactly one {seq} or {seq:04}.

    Raises:
        InputRefused: an unknown placeholder, a stray brace, no or several serials, or a serial beside {office} or
            before another digit, where two documents could get one number.
    """
    parts: list[NumberPart] = []
    widths: list[int] = []
    position = 0
    for found in _PLACEHOLDER.finditer(pattern):
        parts += _literal(pattern, pattern[position : found.start()])
        position = found.end()
        name = found[1]
        if serial := _SEQ.fullmatch(name):
            parts.append(NumberPart("seq"))
            widths.append(int(serial[1] or 1))
        elif name in _DATE_PARTS or name == "office":
            parts.append(NumberPart(name))
        else:
            raise _refused(
                pattern,
                msg("{{{name}}} is not a placeholder.", name=name),
                msg("Use {{year}} {{yy}} {{mm}} {{dd}} {{office}} and {{seq:04}}."),
            )
    parts += _literal(pattern, pattern[position:])
    if len(widths) != 1:
        raise _refused(
            pattern,
            msg("a number needs exactly one serial, found {count}.", count=len(widths)),
            msg("Write {{seq:04}} once, where the serial number stands."),
        )
    _check_neighbours(pattern, parts, parts.index(NumberPart("seq")))
    return NumberPattern(pattern, tuple(parts), widths[0])


def _literal(pattern: str, text: str) -> list[NumberPart]:
    if "{" in text or "}" in text:
        raise _refused(
            pattern,
            msg("a brace stands alone."),
            msg("Write placeholders as {{year}} or {{seq:04}}, nothing else in braces."),
        )
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise _refused(pattern, msg("it contains a control character."), msg("Type the pattern again."))
    return [NumberPart("text", text)] if text else []


def _check_neighbours(pattern: str, parts: list[NumberPart], at: int) -> None:
    """Refuse patterns in which office 1 with serial 10001 and office 11 with serial 1 would share a number."""
    before = parts[at - 1] if at else None
    after = parts[at + 1] if at + 1 < len(parts) else None
    digits_follow = after is not None and (after.kind != "text" or after.text[0].isdigit())
    if digits_follow or (before is not None and before.kind == "office"):
        raise _refused(
            pattern,
            msg("the serial stands directly beside other digits or the office, so two documents could get one number."),
            msg("Put a sign such as - or 〕 between them."),
        )


def _check_office(office: str, pattern: str) -> None:
    if not office:
        raise InputRefused(
            msg("The number {pattern} contains the office, but no office was given.", pattern=pattern),
            msg("Name the issuing office."),
        )
    odd = any(unicodedata.category(character) in {"Cc", "Cs"} or character in "{}" for character in office)
    if odd or office != office.strip() or len(office) > _OFFICE_MAX:
        raise InputRefused(
            msg("The office name {office} cannot stand in a number.", office=ascii(office)[:60]),
            msg("Use at most {limit} characters, no braces, no line breaks, no outer spaces.", limit=_OFFICE_MAX),
        )


def _refused(pattern: str, why: Message, todo: Message) -> InputRefused:
    return InputRefused(msg("The number pattern {pattern} cannot be used: {why}", pattern=pattern, why=why), todo)
