"""Piles through the scanner and through the real ``recordkit ingest``."""

from __future__ import annotations

import json
import multiprocessing
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from recordkit.archive.reading import read_papers
from scanner.judge import CodeCount, Verdict, count_codes, judge, sides_in
from scanner.pile import Pile, scan_pile
from scanner.printed import call

FILING_DAY = "2026-12-01"

Items = dict[str, list[Mapping[str, Any]]]
"""What ``ingest --json`` says, by the file's name."""


def scan_all(piles: Sequence[Pile], folder: Path, jobs: int = 1) -> list[Path]:
    """Scan the piles into ``folder``; files in the order of the piles."""
    folder.mkdir(parents=True, exist_ok=True)
    work = partial(scan_pile, folder=folder)
    if jobs == 1:
        return [work(pile) for pile in piles]
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(work, piles))


def ingest(store: Path, files: Sequence[Path], *options: object) -> Items:
    """Run the command as an archivist does."""
    found: Items = defaultdict(list)
    if files:
        out = call("--store", store, "ingest", *files, *options, "--json", "--as-of", FILING_DAY)
        for item in json.loads(out)["items"]:
            found[Path(item["source"]).name].append(item)
    return found


def ingest_piles(store: Path, piles: Sequence[Pile], folder: Path, *options: object) -> Items:
    """Ingest all piles, batches with ``--split``."""
    single = [folder / pile.name for pile in piles if not pile.split]
    batches = [folder / pile.name for pile in piles if pile.split]
    found = ingest(store, single, *options)
    found |= ingest(store, batches, *options, "--split")
    return found


def verdicts(
    store: Path, piles: Sequence[Pile], folder: Path, items: Items, *, read: Callable[[Pile], bool]
) -> list[Verdict]:
    """One per pile; ``read`` tells whether its pages were read by OCR."""

    def cut(pile: Pile, record: str) -> tuple[int, ...] | None:
        original = folder / f"{record}.original"
        call("--store", store, "get", record, "--out", original, "--force", "--as-of", FILING_DAY)
        try:
            return sides_in(original, folder / pile.name)
        finally:
            original.unlink()

    return [judge(pile, items[pile.name], partial(cut, pile), ocr=read(pile)) for pile in piles]


def read_codes(piles: Sequence[Pile], folder: Path, jobs: int) -> dict[str, CodeCount]:
    """How the codes of each file were read, by its name."""
    readings = read_papers([folder / pile.name for pile in piles], jobs=jobs, ocr=False)
    return {pile.name: count_codes(pile, reading) for pile, reading in zip(piles, readings, strict=True)}
