"""Small files of the store in which stays what a person said once: by form, a text for each name.

They may be edited, and hold what is the office's own: names of columns, its place of business. Never a customer's data.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from recordkit import files
from recordkit.errors import InputRefused
from recordkit.messages import Message, msg
from recordkit.templates.unreadable import reason_of

_SIZE_MAX = 1 << 20


def read_remembered(path: Path, todo: Message) -> dict[str, dict[str, str]]:
    """Texts by name, by form; nothing where there is no file.

    Args:
        path: of the file.
        todo: what to do when it cannot be read.

    Raises:
        InputRefused: it is no TOML, or holds anything else than texts by form and name.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_SIZE_MAX)
    except FileNotFoundError:
        return {}
    try:
        tables = tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputRefused(msg("{file} cannot be read: {reason}", file=str(path), reason=reason_of(error)),
                           todo) from error
    if not all(isinstance(table, dict) and all(isinstance(text, str) for text in table.values())
               for table in tables.values()):
        raise InputRefused(msg("{file} is not of the form [form] \"name\" = \"text\".", file=str(path)), todo)
    return {str(form): dict(table) for form, table in tables.items()}


def write_remembered(path: Path, remark: str, tables: Mapping[str, Mapping[str, str]]) -> None:
    """Replace the file; ``remark`` is its first line."""
    lines = [f"# {remark}"]
    for form, table in sorted(tables.items()):
        lines += ["", f"[{_quoted(form)}]", *(f"{_quoted(name)} = {_quoted(text)}" for name, text in table.items())]
    files.write_atomic(path, ("\n".join(lines) + "\n").encode(), overwrite=True)


def _quoted(text: str) -> str:
    # TOML takes JSON's strings but for this one sign, which JSON writes as it stands.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
