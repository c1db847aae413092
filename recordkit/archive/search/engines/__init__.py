"""Search engines behind the port; each module loads its own library and is imported only when it is chosen."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal

EngineName = Literal["tantivy", "whoosh"]


def is_installed(library: str) -> bool:
    """Whether a library can be imported; it is not loaded."""
    try:
        return find_spec(library) is not None
    except (ImportError, ValueError):
        return False


def usable_engine() -> EngineName:
    """The engine that a new store is set up with: whoosh only where it is there and tantivy is not."""
    return "whoosh" if is_installed("whoosh") and not is_installed("tantivy") else "tantivy"
