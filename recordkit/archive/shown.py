"""What the catalogue shows of a record.json: read as something that anybody may have written.

Whoever can change one file of an object must not thereby close the whole archive, nor have the ledger blamed for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date

from recordkit.archive.objects import ObjectStore
from recordkit.errors import IntegrityFailure, NotFound
from recordkit.model import same_account

_ALWAYS = frozenset({"title", "sha256"})
_TEXTS = _ALWAYS | {"account", "party", "number"}
_MOST_PAGES = 2**31


def read_metadata(objects: ObjectStore, record_id: str, version: int) -> dict[str, object] | None:
    """What record.json of a version says; None where it is gone, cannot be read, or the catalogue cannot hold it.

    Raises:
        OSError: the object's folder cannot be read.
    """
    try:
        data = objects.read(record_id, "record.json", version)
        metadata = json.loads(data)
        if rb"\u" in data:
            json.dumps(metadata, ensure_ascii=False).encode()
    except (NotFound, IntegrityFailure, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return metadata if isinstance(metadata, dict) and _can_be_shown(metadata) else None


def _can_be_shown(metadata: Mapping[str, object]) -> bool:
    pages, day = metadata.get("pages", 0), metadata.get("date")
    try:
        is_day = isinstance(day, str) and date.fromisoformat(day).isoformat() == day
    except ValueError:
        return False
    return is_day and type(pages) is int and abs(pages) < _MOST_PAGES and all(
        isinstance(metadata[key], str) or (metadata[key] is None and key not in _ALWAYS)
        for key in metadata.keys() & _TEXTS)


def shown_of(metadata: Mapping[str, object]) -> dict[str, object]:
    """The columns of the catalogue that repeat what record.json says; the number is the ledger's at the filing."""
    return {
        "title": metadata.get("title", ""),
        "date": metadata.get("date"),
        "account": metadata.get("account"),
        "party": metadata.get("party"),
        "pages": metadata.get("pages", 0),
        "sha256": metadata.get("sha256", ""),
        "box": same_account(str(metadata["box"])) if metadata.get("box") else None,
        "old_term": " ".join(str(metadata.get("period_term") or "").split()) or None,
        "origin": origin_of(metadata),
    }


def origin_of(metadata: Mapping[str, object]) -> str | None:
    """The code that a record out of a bag had in the archive that it comes from."""
    origin = metadata.get("origin")
    code = origin.get("code") if isinstance(origin, Mapping) else None
    return code if isinstance(code, str) and code else None
