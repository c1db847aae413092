"""JSON written as it comes: a list of a million items is never held."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping

import click

from recordkit.cli.showing import plain

_TOGETHER = 200
"""Items written in one go: click flushes after each piece."""


def print_list(name: str, items: Iterable[Mapping[str, object]]) -> int:
    """Print one member of a JSON object whose value is a list, without a comma behind it; how many items it has.

    The caller prints what stands before and behind: brace, comma, other members.
    """
    count = 0
    click.echo(f"  {json.dumps(name)}: [", nl=False)
    rest = iter(items)
    while part := list(itertools.islice(rest, _TOGETHER)):
        told = [f"\n    {json.dumps(item, ensure_ascii=False, default=plain)}" for item in part]
        click.echo(("," if count else "") + ",".join(told), nl=False)
        count += len(part)
    click.echo("\n  ]" if count else "]", nl=False)
    return count


def print_listing(
    items: Iterable[Mapping[str, object]], more: Callable[[], Mapping[str, object]] | None = None
) -> None:
    """Print a JSON document with ``items`` and ``total``, as ``App.print_items`` does.

    ``more`` gives further members; it is asked when every item was printed.
    """
    click.echo("{")
    total = print_list("items", items)
    told = {"total": total, **(more() if more is not None else {})}
    for name, value in told.items():
        click.echo(f',\n  "{name}": {json.dumps(value, ensure_ascii=False, default=plain)}', nl=False)
    click.echo("\n}")
