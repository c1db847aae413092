"""Rows that a template would refuse to print are refused before they get a number.

Most templates cannot refuse a valid row: they print values, ask whether some are there, compare them with ``==``. That
is seen in their tags, once. For the others every row is printed nowhere first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from jinja2 import nodes
from jinja2.sandbox import SandboxedEnvironment

from recordkit.errors import InputRefused
from recordkit.model import Problem
from recordkit.templates.forms import Form
from recordkit.templates.planning import PlannedDocument
from recordkit.templates.render import Letterhead, Renderer, form_environment
from recordkit.templates.spec import CONTEXT_NAMES, FieldSpec, FormSpec

_HARMLESS = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.For, nodes.And, nodes.Or,
    nodes.Not, nodes.CondExpr, nodes.List, nodes.Tuple, nodes.Keyword, nodes.Operand,
)
_COMPARISONS = frozenset({"eq", "ne", "in", "notin"})
_TESTS = frozenset({"none", "defined", "undefined", "true", "false", "number", "string"})
_FILTERS = frozenset({"中文日期", "日期", "trim", "length"})


class TrialPrint:
    """A ``planning.Lookup`` that refuses the rows that the form's template would refuse."""

    def __init__(self, renderer: Renderer, head: Letterhead) -> None:
        """``head``: what is printed besides the fields; the number is not known yet."""
        self._renderer = renderer
        self._head = head
        compiled = renderer.compiled
        self._needed = bool(compiled.path != "compiled" or compiled.reasons) or may_refuse(
            compiled.sources, form_environment(), renderer.spec
        )

    def review(self, form: Form, block: Sequence[PlannedDocument]) -> tuple[set[int], list[Problem]]:
        """As ``planning.Lookup``."""
        problems: list[Problem] = []
        for one in block if self._needed else ():
            try:
                self._renderer.render(one.values(form.spec), self._head, None)
            except InputRefused as refusal:
                for problem in refusal.problems or (Problem(None, "", "", None, "template", refusal.what),):
                    problems.append(Problem(one.row, problem.field, problem.label, None, problem.code, problem.message))
        return set(), problems


def trial_head(company: str, office: str, today: date) -> Letterhead:
    """A letterhead for trials."""
    return Letterhead("草稿", company, office, today)


def may_refuse(sources: Mapping[str, str], environment: SandboxedEnvironment, spec: FormSpec) -> bool:
    """Whether some valid row of the form could be refused while it is printed.

    Args:
        sources: source of each part with tags, by the part's name.
        environment: that of the form.
        spec: the form.
    """
    if any(name.startswith("docProps/") for name in sources):
        return True  # a document property takes 255 characters
    return any(_is_doubtful(environment.parse(source), spec) for source in sources.values())


def _is_doubtful(tree: nodes.Template, spec: FormSpec) -> bool:
    tables = {one.label: one for one in spec.fields if one.type == "table"}
    tables |= {one.key: one for one in spec.fields if one.type == "table"}
    rows: dict[str, FieldSpec] = {}
    for loop in tree.find_all(nodes.For):
        if isinstance(loop.target, nodes.Name) and isinstance(loop.iter, nodes.Name) and loop.iter.name in tables:
            rows[loop.target.name] = tables[loop.iter.name]
        else:
            return True
    known = {*spec.by_name, *CONTEXT_NAMES, *rows, "loop"}
    return any(not _is_harmless(node, spec, rows, known) for node in tree.find_all(nodes.Node))


def _is_harmless(node: nodes.Node, spec: FormSpec, rows: Mapping[str, FieldSpec], known: set[str]) -> bool:
    if isinstance(node, nodes.Name):
        return node.name in known
    if isinstance(node, nodes.Getattr):
        if not isinstance(node.node, nodes.Name):
            return False
        table = rows.get(node.node.name)
        if table is not None:
            return node.attr in {name for one in table.columns for name in (one.key, one.label)}
        return node.node.name == "loop" and node.attr in ("index", "first", "last")
    if isinstance(node, nodes.Compare):
        return all(one.op in _COMPARISONS for one in node.ops)
    if isinstance(node, nodes.Test):
        return node.name in _TESTS
    if isinstance(node, nodes.Filter):
        if node.name == "大写":
            field = spec.by_name.get(node.node.name) if isinstance(node.node, nodes.Name) else None
            return field is not None and field.type == "money" and field.min is not None and field.min >= 0
        return node.name in _FILTERS
    return isinstance(node, _HARMLESS)
