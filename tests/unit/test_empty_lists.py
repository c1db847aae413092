"""An empty listing says where was looked and what to do next; which commands never print one is written down here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import recordkit.cli

NEVER_EMPTY = {
    "bagging._print_items": "a bag without records is no bag",
    "completing._print": "a file without documents is refused",
    "destroying.destruction_propose": "an order without records is not made",
    "destroying.destruction_execute": "an order without records to destroy is closed",
    "editing._edit_one": "what is set is listed, also where it stays the same",
    "editing.history": "a record was filed",
    "forms.forms_list": "forms are shipped",
    "gaps.catalogue_gaps": "that no number is missing is said in words",
    "generate._tell": "told only where documents were issued",
    "printing_set.catalogue_print": "the lists of a set are written, be it without rows",
    "reviewing.retention_schedule_show": "a schedule without classes is refused",
    "upkeep.verify": "told only where something is damaged",
    "volumes._create_many": "as JSON; the table says it",
    "volumes.volume_history": "a volume was opened",
}
"""Functions of ``recordkit.cli`` that print a table without a word for the empty one, and why."""


def without_a_word() -> Iterator[str]:
    """Functions with a call of ``print_items`` that has columns and no ``empty``."""
    for path in sorted(Path(recordkit.cli.__file__).parent.glob("*.py")):
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            for call in ast.walk(function):
                if (isinstance(function, ast.FunctionDef) and isinstance(call, ast.Call)
                        and isinstance(call.func, ast.Attribute) and call.func.attr == "print_items"
                        and not (isinstance(call.args[1], ast.List) and not call.args[1].elts)
                        and "empty" not in {one.arg for one in call.keywords}):
                    yield f"{path.stem}.{function.name}"


def test_every_listing_that_may_be_empty_has_a_word_for_it() -> None:
    assert set(without_a_word()) == set(NEVER_EMPTY)
