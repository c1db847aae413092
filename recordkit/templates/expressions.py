"""Conditions in a form: one expression of the template language over the form's fields, compiled and sandboxed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment


class ExpressionFault(ValueError):
    """The text is no expression, or it cannot be computed with the given values. Never reaches a person as such."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled condition. ``names`` are the fields it asks for."""

    text: str
    names: frozenset[str]
    run: Callable[..., object]

    def value(self, values: Mapping[str, object]) -> object:
        """Compute it.

        Raises:
            ExpressionFault: the values do not fit, e.g. a missing one is compared with a number.
        """
        from jinja2 import TemplateError

        try:
            return self.run({name: values[name] for name in self.names if name in values})
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise ExpressionFault(type(error).__name__) from error


@lru_cache(maxsize=1024)
def compile_expression(text: str) -> Expression:
    """Compile one condition.

    Raises:
        ExpressionFault: not an expression; the text of the error says why.
    """
    from jinja2 import TemplateError, nodes
    from jinja2.parser import Parser

    environment = _environment()
    try:
        tree = nodes.Template([nodes.Output([Parser(environment, text, state="variable").parse_expression()])])
        run = environment.compile_expression(text)
    except TemplateError as error:
        raise ExpressionFault(error.message) from error
    names = frozenset(name.name for name in tree.find_all(nodes.Name)) - environment.globals.keys()
    return Expression(text, names, run)


@cache
def _environment() -> SandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.ext import Extension
    from jinja2.lexer import Token, TokenStream
    from jinja2.sandbox import SandboxedEnvironment

    class ExactNumbers(Extension):
        """Reads 0.1 as the decimal 0.1: as a binary float, ``rate >= 0.1`` is false for the rate 0.1."""

        def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
            for token in stream:
                if token.type != "float":
                    yield token
                    continue
                line = token.lineno
                yield Token(line, "name", "_decimal")
                yield Token(line, "lparen", "(")
                yield Token(line, "string", repr(token.value))
                yield Token(line, "rparen", ")")

    environment = SandboxedEnvironment(undefined=StrictUndefined, extensions=[ExactNumbers])
    environment.globals = {"_decimal": Decimal}
    return environment
