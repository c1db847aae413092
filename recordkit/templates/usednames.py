"""The names a template without a form asks for, so that a form can be drafted from it."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recordkit.templates.meaning import FORM_FILTERS, reading_environment, tag_source, targets
from recordkit.templates.tags import Tag

if TYPE_CHECKING:
    from jinja2 import nodes


@dataclass
class Use:
    """How a template uses a name: ``columns`` when it is looped over, ``values`` it is compared with."""

    columns: list[str] | None = None
    values: set[str] = field(default_factory=set)
    type: str = ""
    optional: bool = False


@dataclass
class NamesOfTemplate:
    """Names in the order of their first use; ``joined`` are dotted ones, which are no fields, with a plain one."""

    names: dict[str, Use] = field(default_factory=dict)
    joined: dict[str, str] = field(default_factory=dict)


def is_plain_name(name: str) -> bool:
    """Whether a field can have this label."""
    return name.isidentifier() and name not in _RESERVED


_RESERVED = {*keyword.kwlist, "true", "false", "none", "loop", "self", "super", "caller", "varargs", "kwargs"}


def names_of(tags: Iterable[Tag]) -> NamesOfTemplate:
    """What a template without a form asks for. Tags that cannot be read are passed over: the check names them."""
    from jinja2 import TemplateError, nodes

    found = NamesOfTemplate()
    local: dict[str, str] = {}
    for tag in tags:
        if tag.opening == "{#" or tag.word in ("colspan", "vm", "hm", "else") or tag.word.startswith("end"):
            continue
        try:
            tree = reading_environment().parse(tag_source(tag))
        except (TemplateError, RecursionError):
            continue
        _collect(tree, found, local)
        for loop in tree.find_all(nodes.For):
            name = _root_name(loop.iter)
            if name and name not in local:
                use = found.names.setdefault(name, Use())
                use.columns, use.optional = use.columns or [], True
            for target in targets(loop.target):
                local[target] = name if name not in local else ""
        for assigned in tree.find_all(nodes.Assign):
            local.update(dict.fromkeys(targets(assigned.target), ""))
    return found


def _root_name(node: nodes.Node) -> str:
    from jinja2 import nodes

    while isinstance(node, nodes.Filter) and node.node is not None:
        node = node.node
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        return f"{node.node.name}_{node.attr}"
    return node.name if isinstance(node, nodes.Name) else ""


def _collect(node: nodes.Node, found: NamesOfTemplate, local: Mapping[str, str]) -> None:
    from jinja2 import nodes

    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        _collect(node.node.node, found, local)  # 签约日期.strftime('%Y'): the method is no part of a field
        return
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        owner = node.node.name
        if local.get(owner):
            columns = found.names[local[owner]].columns
            if columns is not None and node.attr not in columns and is_plain_name(node.attr):
                columns.append(node.attr)
        elif owner not in local and owner != "loop":
            plain = f"{owner}_{node.attr}"
            found.joined[f"{owner}.{node.attr}"] = plain
            found.names.setdefault(plain, Use())
        return
    if isinstance(node, nodes.Filter) and node.name in FORM_FILTERS and isinstance(node.node, nodes.Name):
        found.names.setdefault(node.node.name, Use()).type = FORM_FILTERS[node.name][0]
    if isinstance(node, nodes.Or) and isinstance(node.left, nodes.Name) and node.left.name not in local:
        found.names.setdefault(node.left.name, Use()).optional = True
    if isinstance(node, nodes.If) and isinstance(node.test, nodes.Name) and node.test.name not in local:
        found.names.setdefault(node.test.name, Use()).optional = True
    if isinstance(node, nodes.Compare) and isinstance(node.expr, nodes.Name) and node.expr.name not in local:
        use = found.names.setdefault(node.expr.name, Use())
        for one in node.ops:
            sides = [one.expr] if isinstance(one.expr, nodes.Const) else getattr(one.expr, "items", [])
            use.values |= {side.value for side in sides if isinstance(side, nodes.Const)
                           and isinstance(side.value, str) and side.value}
    if isinstance(node, nodes.Name) and node.ctx == "load" and node.name not in local and node.name != "loop":
        found.names.setdefault(node.name, Use())
    for child in node.iter_child_nodes():
        _collect(child, found, local)
