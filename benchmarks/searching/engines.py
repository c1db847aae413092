"""The engines side by side, each with the same few calls."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Protocol

from recordkit.archive.search.shards import ShardedIndex
from searching.asking import Ask
from searching.fts import Fts
from searching.records import Records

MOST_RECORDS = {"tantivy": 10**9, "whoosh": 50_000, "fts5-pairs": 10**9, "fts5-trigram": 10**9}
"""Every engine, and how many records it can be waited for."""


class Opened(Protocol):
    """An engine ready to be asked."""

    def ask(self, ask: Ask) -> int | None:
        """How many match, the page asked for being found as well; None for what the engine cannot be asked."""
        ...


class Ours:
    """``recordkit``'s own index."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.index = open_ours(folder, kind)

    def ask(self, ask: Ask) -> int | None:
        """See ``Opened.ask``."""
        if ask.facets:
            counts = self.index.tally(ask.query, ("class", "year", "form"))
            return max(sum(values.values()) for values in counts.values())
        return self.index.search(ask.query, limit=20, offset=ask.offset, sort=ask.sort)[0]


class Theirs:
    """SQLite's."""

    def __init__(self, folder: Path, grams: str) -> None:
        self.fts = Fts(folder / "fts.sqlite3", grams)

    def ask(self, ask: Ask) -> int | None:
        """See ``Opened.ask``."""
        return self.fts.tally(ask.query) if ask.facets else self.fts.search(ask.query, ask.offset, ask.sort)


def missing(engine: str) -> str:
    """Why an engine cannot be measured here; empty when it can."""
    if engine == "whoosh":
        for module in ("whoosh", "recordkit.archive.search.engines.whoosh_engine"):
            if importlib.util.find_spec(module) is None:
                return f"{module} is not there"
    return ""


def open_ours(folder: Path, kind: str) -> ShardedIndex:
    module = importlib.import_module(f"recordkit.archive.search.engines.{kind}_engine")
    index: ShardedIndex = module.open_index(folder)
    return index


def opened(engine: str, folder: Path) -> Opened:
    name, _, grams = engine.partition("-")
    return Theirs(folder, grams) if name == "fts5" else Ours(folder, name)


def build(engine: str, folder: Path, records: Records, jobs: int) -> None:
    """Index all records into an empty folder."""
    name, _, grams = engine.partition("-")
    if name == "fts5":
        Fts(folder / "fts.sqlite3", grams).build(records.between(0, records.count))
    else:
        open_ours(folder, name).rebuild(records.shards, records, 1, jobs=jobs)
