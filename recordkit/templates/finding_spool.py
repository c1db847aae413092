"""Findings about the rows of a long table: kept as lines of text in a spool, never all of them as objects.

A hundred thousand refused rows have some three hundred thousand findings; as objects they take nearly a gigabyte.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from recordkit.files import Spool
from recordkit.messages import Message
from recordkit.model import Problem

Severity: TypeAlias = Literal["error", "warning"]

# Plain JSON of the standard library: it alone keeps half a surrogate pair and numbers of any length, both of which
# a refused row may hold.
_encode = json.JSONEncoder(separators=(",", ":")).encode


class FindingSpool:
    """Takes findings one by one, in the order in which they are to be told."""

    def __init__(self, room: Path | None = None) -> None:
        """``room``: folder for the spool of a long table."""
        self._spool = Spool(room)
        self._counts: dict[Severity, int] = {"error": 0, "warning": 0}
        self._pass = 0

    def append(self, problem: Problem) -> None:
        """Keep one."""
        self._counts[problem.severity] += 1
        line = _encode((problem.row, problem.field, problem.label, problem.cell, problem.code,
                        _packed_text(problem.message)))
        self._spool.append((problem.severity[0] + line).encode())

    def count(self, severity: Severity | None = None) -> int:
        """How many there are."""
        return sum(self._counts.values()) if severity is None else self._counts[severity]

    def read(self, severity: Severity | None = None) -> Iterator[Problem]:
        """Give them back; those of another severity are passed over.

        Raises:
            RuntimeError: another pass began before this one ended; both would read from one place in the spool.
        """
        self._pass += 1
        mine = self._pass
        wanted = severity[0].encode() if severity else b""
        for line in self._spool:
            if line.startswith(wanted):
                yield _unpacked(line)
                if mine != self._pass:
                    raise RuntimeError("findings are read by one loop at a time")


@dataclass(frozen=True, slots=True)
class Findings:
    """Findings that can be gone through again and again, one pass at a time; of one severity, or all of them."""

    spool: FindingSpool
    severity: Severity | None = None

    def __iter__(self) -> Iterator[Problem]:
        return self.spool.read(self.severity)

    def __len__(self) -> int:
        return self.spool.count(self.severity)


def _packed_text(message: Message) -> tuple[str, dict[str, object]]:
    return message.msgid, {name: _packed(value) for name, value in message.params.items()}


def _packed(value: object) -> object:
    """Messages and tuples in a box that tells what they are; anything but text and numbers as it would be shown."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Message):
        return {"message": _packed_text(value)}
    if isinstance(value, tuple):
        return {"tuple": [_packed(one) for one in value]}
    return str(value)


def _unpacked(line: bytes) -> Problem:
    row, field, label, cell, code, text = json.loads(line[1:])
    return Problem(row, field, label, cell, code, _text(text), "error" if line.startswith(b"e") else "warning")


def _text(packed: Any) -> Message:
    msgid, params = packed
    return Message(msgid, {name: _value(value) for name, value in params.items()})


def _value(packed: Any) -> object:
    if not isinstance(packed, dict):
        return packed
    if "message" in packed:
        return _text(packed["message"])
    return tuple(_value(one) for one in packed["tuple"])
