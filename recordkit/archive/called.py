"""A record by what people call it on the telephone: the last digits of its number, its code typed with other signs.

For looking only. What changes a record names it in full: three digits are a paper today and two papers tomorrow.
"""

from __future__ import annotations

import re

from recordkit.archive.access import find_visible, require_access
from recordkit.archive.catalogue import Record, record_of
from recordkit.db import Database, Row
from recordkit.errors import NotFound
from recordkit.messages import listed, msg
from recordkit.workspace import Workspace

_DIGITS = re.compile(r"[0-9]{2,9}")
_SHOWN = 5


def find_called(workspace: Workspace, reference: str) -> Record:
    """``access.find_visible``, or the one active record that is called so.

    Raises:
        NotFound: none is, or several are; these are named by number and code.
        RefusedByRule: as ``access.require_access``.
    """
    try:
        return find_visible(workspace, reference)
    except NotFound:
        rows = _called(workspace.db, reference.strip())
        if not rows:
            raise
    if len(rows) > 1:
        raise NotFound(
            msg("{count} records are called {reference}.", count=len(rows), reference=reference.strip()),
            msg("Give the year or the form too, or a name: {names}.",
                names=listed([f"{row['number'] or ''} {row['code']}".strip() for row in rows], _SHOWN)))
    found = record_of(rows[0])
    require_access(workspace, found)
    return found


def _called(db: Database, text: str) -> list[Row]:
    """Records in force, the newest first; those whose number ends so count before those whose code does."""
    if not _DIGITS.fullmatch(text):
        return db.all("SELECT * FROM records WHERE status = 'active' AND replace(code, '·', '-') = :code",
                      {"code": re.sub("[·.．•・]", "-", text)})
    rows = db.all("SELECT * FROM records WHERE status = 'active' AND (number LIKE :part OR code LIKE :part) "
                  "ORDER BY date DESC", {"part": f"%{text.lstrip('0')}%"})
    for column in ("number", "code"):
        found = [row for row in rows if _running(row[column]) == text.lstrip("0")]
        if found:
            return found
    return []


def _running(number: str | None) -> str | None:
    """The last digits of a number, without the zeros before them."""
    digits = re.findall("[0-9]+", number or "")
    return digits[-1].lstrip("0") if digits else None
