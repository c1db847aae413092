"""Conditions in a form: one expression of the template language over the form's fields, compiled and sandboxed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from recordkit.messages import Message, msg
from recordkit.templates.unreadable import expression_reason

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.runtime import Context
    from jinja2.sandbox import SandboxedEnvironment

_RESULT = "_result"
"""Where an expression leaves its value. No field's key begins with an underscore, so none is hidden by it."""


class ExpressionFault(ValueError):
    """The text is no expression, or it cannot be computed with the given values. Its ``reason`` is for people."""

    def __init__(self, reason: Message) -> None:
        """Keep the reason untranslated."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled condition. ``names`` are the fields it asks for."""

    text: str
    names: frozenset[str]
    template: Template

    def value(self, values: Mapping[str, object]) -> object:
        """Compute it.

        Raises:
            ExpressionFault: the values do not fit, e.g. a missing one is compared with a number.
        """
        return self.within(scope_of({name: values[name] for name in self.names if name in values}))

    def within(self, scope: Context) -> object:
        """Compute it with the values of ``scope_of``: a row's many conditions share one.

        Raises:
            ExpressionFault: as ``value``.
        """
        from jinja2 import TemplateError, Undefined

        from recordkit.templates.sandbox import EXHAUSTED

        try:
            for _ in self.template.root_render_func(scope):
                pass
        except (
            TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, *EXHAUSTED
        ) as error:
            raise ExpressionFault(msg("it cannot be computed with these values")) from error
        result: object = scope.vars[_RESULT]
        return None if isinstance(result, Undefined) else result


def scope_of(values: Mapping[str, object]) -> Context:
    """Values by name, ready for ``Expression.within``."""
    return _empty_template().new_context(dict(values))


@lru_cache(maxsize=1024)
def compile_expression(text: str) -> Expression:
    """Compile one condition.

    Raises:
        ExpressionFault: not an expression; its ``reason`` says why.
    """
    from jinja2 import TemplateError, nodes
    from jinja2.parser import Parser

    from recordkit.templates.sandbox import EXHAUSTED, boundless

    environment = _environment()
    try:
        parser = Parser(environment, text, state="variable")
        found = parser.parse_expression()
        if not parser.stream.eos:
            raise ExpressionFault(expression_reason(f"unexpected '{parser.stream.current.value}'"))
        assign = nodes.Assign(nodes.Name(_RESULT, "store", lineno=1), found, lineno=1)
        tree = nodes.Template([assign], lineno=1)
        tree.set_environment(environment)
        names = frozenset(name.name for name in tree.find_all(nodes.Name)) - environment.globals.keys() - {_RESULT}
        return Expression(text, names, environment.from_string(tree))
    except TemplateError as error:
        raise ExpressionFault(expression_reason(error.message or "")) from error
    except ExpressionFault:
        raise
    except (*EXHAUSTED, ValueError) as error:  # ValueError: a number of thousands of digits
        raise ExpressionFault(boundless()) from error


@cache
def _empty_template() -> Template:
    return _environment().from_string("")


@cache
def _environment() -> SandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.ext import Extension
    from jinja2.lexer import Token, TokenStream

    from recordkit.templates.sandbox import Sandbox

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

    environment = Sandbox(undefined=StrictUndefined, extensions=[ExactNumbers])
    environment.globals = {"_decimal": Decimal}
    return environment
