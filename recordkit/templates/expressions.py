"""Conditions in a form: one expression of the template language over the form's fields, compiled and sandboxed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import SandboxedEnvironment


class ExpressionFault(ValueError):
    """The text is no expression, or it cannot be computed with the given values. Never reaches a person as such."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled condition. ``names`` are the fields it asks for."""

    text: str
    names: frozenset[str]
    run: Callable[[Mapping[str, object]], object]

    def value(self, values: Mapping[str, object]) -> object:
        """Compute it.

        Raises:
            ExpressionFault: the values do not fit, e.g. a missing one is compared with a number.
        """
        try:
            return self.run(values)
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise ExpressionFault(type(error).__name__) from error
        except Exception as error:
            from jinja2 import TemplateError

            if not isinstance(error, TemplateError):
                raise
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
        environment.compile_expression(text)  # refuses what stands behind the expression, too
        parsed = Parser(environment, text, state="variable").parse_expression()
        parsed.set_environment(environment)
        found = nodes.Template([nodes.Output([parsed])]).find_all(nodes.Name)
        names = frozenset(name.name for name in found) - environment.globals.keys()
        tree = nodes.Template([nodes.Assign(nodes.Name("result", "store"), parsed, lineno=1)], lineno=1)
        return Expression(text, names, _runner(environment, environment.from_string(tree)))
    except TemplateError as error:
        raise ExpressionFault(error.message) from error


def _runner(environment: SandboxedEnvironment, template: Template) -> Callable[[Mapping[str, object]], object]:
    """What computes the expression, a third of the way that ``compile_expression`` goes for every row.

    That one copies the values, makes a full context and evaluates a template; here a context looks into the values.
    """
    from jinja2 import Undefined
    from jinja2.runtime import Context

    pattern = template.new_context()
    missing = pattern.resolve_or_missing("")  # the mark that the template compares with

    class Values(Context):
        """The context of one computation."""

        def __init__(self, values: Mapping[str, object]) -> None:
            self.parent = {}
            self.vars = {}
            self.exported_vars = set()
            self.environment, self.eval_ctx = pattern.environment, pattern.eval_ctx
            self.name, self.blocks, self.globals_keys = None, {}, set()
            self._values = values

        def resolve_or_missing(self, key: str) -> object:
            values = self._values
            return values[key] if key in values else environment.globals.get(key, missing)

    def run(values: Mapping[str, object]) -> object:
        context = Values(values)
        for _ in template.root_render_func(context):
            pass
        result = context.vars["result"]
        return None if isinstance(result, Undefined) else result

    return run


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
