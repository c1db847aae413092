"""Compares an engine with the definition; used by the tests and by ``benchmarks/search_oracle.py``."""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bruteforce import BruteForce, Record
from msgspec.structs import replace
from search_cases import Case, Cases, document_of, some_record

from recordkit.archive.search.parser import parse
from recordkit.archive.search.port import IndexDocument, SearchEngine

ENGINES = ("tantivy", "whoosh")
Expected = list[tuple[str, float]]


@dataclass(frozen=True)
class Corpus:
    """Records, queries, and what each query finds by the definition, in order and with its score."""

    seed: int
    records: list[Record]
    cases: list[Case]
    expected: list[Expected]

    @classmethod
    def make(cls, *, seed: int, records: int, cases: int) -> Corpus:
        rng = random.Random(seed)
        made = [some_record(rng, ordinal) for ordinal in range(records)]
        queries = Cases(rng, made)
        asked = [queries.case() for _ in range(cases)]
        definition = BruteForce(made)
        return cls(seed, made, asked, [definition.ranked(case.tree) for case in asked])


def filled(engine: str, corpus: Corpus, folder: Path, shard_size: int) -> SearchEngine:
    """An index of the corpus in which some records had earlier versions and others were removed."""
    module = importlib.import_module(f"recordkit.archive.search.engines.{engine}_engine")
    index: SearchEngine = module.open_index(folder, shard_size=shard_size)
    rng = random.Random(corpus.seed)
    documents = [document_of(record, ordinal) for ordinal, record in enumerate(corpus.records)]
    older = {n: replace(documents[rng.randrange(len(documents))], record_id=documents[n].record_id, ordinal=n)
             for n in range(0, len(documents), 9)}
    doomed = [replace(documents[n], record_id=f"{n}-destroyed") for n in range(0, len(documents), 400)]

    def of_shard(shard: int) -> Iterable[IndexDocument]:
        return [one for one in documents if one.ordinal // shard_size == shard]

    index.apply([*(older.get(n, one) for n, one in enumerate(documents)), *doomed], (), 1, of_shard)
    index.apply((), {one.record_id for one in doomed[::2]}, 2, of_shard)
    index.apply([documents[n] for n in older], (), 3, of_shard)
    index.apply((), {one.record_id for one in doomed}, 4, of_shard)
    index.apply([documents[n] for n in older], (), 5, of_shard)
    return index


def compare(corpus: Corpus, index: SearchEngine) -> list[str]:
    """What differs: by query, and how."""
    rng = random.Random(corpus.seed)
    wrong = []
    for case, expected in zip(corpus.cases, corpus.expected, strict=True):
        queries = [case.query] if case.written is None else [parse(case.written)]
        if queries[0] != case.query:
            queries.append(case.query)
        for query in queries:
            total, hits = index.search(query)
            found = [(hit.record_id, hit.score) for hit in hits]
            if total != len(expected) or found != expected:
                missed = sorted({one for one, _ in expected} - {one for one, _ in found})
                added = sorted({one for one, _ in found} - {one for one, _ in expected})
                wrong.append(f"{case.written or query}: {total} instead of {len(expected)}; missed {missed[:3]}, "
                             f"added {added[:3]}")
                continue
            limit, offset = rng.randrange(1, 30), rng.choice([0, 0, rng.randrange(len(expected) + 1)])
            total, hits = index.search(query, limit=limit, offset=offset)
            page = [(hit.record_id, hit.score) for hit in hits]
            if total != len(expected) or page != expected[offset : offset + limit]:
                wrong.append(f"{case.written or query}: page of {limit} from {offset} differs")
    return wrong
