"""How a value looks: to people, in JSON, and typed behind a prompt."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path

from recordkit.cli.i18n import tr, tr_list
from recordkit.messages import Message


def shown(value: object) -> str:
    """A cell for people."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    if isinstance(value, Message):
        return value.render(tr)
    if isinstance(value, (list, tuple)):
        return tr_list(shown(one) for one in value)
    return str(value)


def plain(value: object) -> object:
    """What JSON does not know by itself."""
    if isinstance(value, Message):
        return value.render(tr)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, (set, tuple, frozenset)):
        return list(value)
    return str(value)


def quoted(path: str | Path) -> str:
    """A path as it is typed in the next command: in quotes only where a shell would take it apart."""
    text = str(path)
    if re.fullmatch(r"[\w@%+=:,./·〔〕（）-]+", text):
        return text
    import shlex

    return shlex.quote(text)
