"""The sandbox that expressions and templates are computed in: its operators cannot make something boundless.

Imported by those who fill or compute, inside their functions: it needs Jinja.
"""

from __future__ import annotations

import re
from collections.abc import Sized
from decimal import Decimal
from typing import Any

from jinja2 import TemplateError
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

from recordkit.messages import Message, msg

LONGEST = 100_000
"""Characters or items that one operator may make."""
_MOST_BITS = 4096
_WIDE = re.compile(r"%[^a-zA-Z%]*(?:\*|[0-9]{5})")

EXHAUSTED = (MemoryError, RecursionError, OverflowError, SyntaxError)
"""What a template or expression of absurd size or depth raises, when it is compiled or computed."""


class Refused(TemplateError):
    """Something in a template that recordkit refuses; ``told`` says it to a person."""

    def __init__(self, told: Message) -> None:
        super().__init__(str(told))
        self.told = told


def boundless() -> Message:
    """What is told of a result or a nesting that grows beyond all measure."""
    return msg("an expression is nested too deeply or its result is too large")


class Sandbox(SandboxedEnvironment):
    """Jinja's sandbox; results of ``+``, ``*``, ``**`` and ``%`` are bounded before they are computed.

    Intercepting also keeps Jinja from computing constants such as ``9**9**9`` while it compiles.
    """

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """The operator's result.

        Raises:
            Refused: it would be longer than ``LONGEST``, or a number of more than some 1200 digits.
        """
        if _too_large(operator, left, right):
            raise Refused(boundless())
        return super().call_binop(context, operator, left, right)


def _too_large(operator: str, left: Any, right: Any) -> bool:
    if operator == "%":
        return isinstance(left, str) and _WIDE.search(left) is not None
    if operator == "+":
        return isinstance(left, Sized) and isinstance(right, Sized) and len(left) + len(right) > LONGEST
    if isinstance(left, int) and isinstance(right, int):
        if operator == "**":
            return left.bit_length() * abs(right) > _MOST_BITS
        return left.bit_length() + right.bit_length() > _MOST_BITS
    if operator == "*" and not isinstance(left, Decimal):
        text, times = (right, left) if isinstance(left, int) else (left, right)
        return isinstance(text, (str, bytes, list, tuple)) and isinstance(times, int) and len(text) * times > LONGEST
    return False
