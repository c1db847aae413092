"""How the search index of a store is, without changing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from recordkit.archive.catalogue import count_holdings
from recordkit.archive.search.port import IndexDamaged
from recordkit.archive.search.query import Everything
from recordkit.archive.search.service import count_behind, open_engine
from recordkit.workspace import Workspace


@dataclass(frozen=True, slots=True)
class IndexHealth:
    """What ``doctor`` tells of the index.

    Attributes:
        engine: its name in the settings.
        state: ``behind``: the next search takes ``behind`` new or changed records in; ``missing`` or ``damaged``: the
            next search makes it anew.
        records: found in it; ``bytes`` its size on disk.
        detail: what cannot be read of a damaged one.
    """

    engine: str
    state: Literal["current", "behind", "missing", "damaged"]
    records: int
    behind: int
    bytes: int
    detail: str = ""


def index_health(workspace: Workspace) -> IndexHealth:
    """Open every shard of the index and ask it for all records.

    Raises:
        MissingPart: the engine of the settings is not installed.
    """
    name, folder = workspace.settings.engines.search, workspace.root / "index"
    engine = open_engine(workspace)
    held = count_holdings(workspace.db)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    try:
        behind, records = count_behind(workspace, engine), engine.search(Everything(), limit=1)[0]
        if not folder.exists() and held:
            return IndexHealth(name, "missing", 0, held, 0)
        # What a program that was killed has not noted as done: the cursor is old, though the record is in it.
        state: Literal["current", "behind"] = "behind" if behind else "current"
        if not behind and records != held:
            return IndexHealth(name, "damaged", records, held, size, f"{records} of {held}")
        return IndexHealth(name, state, records, behind, size)
    except IndexDamaged as damage:
        return IndexHealth(name, "damaged", 0, held, size, str(damage.what.params["detail"]))
