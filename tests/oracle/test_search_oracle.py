"""Both engines against the definition, in brief; ``benchmarks/search_oracle.py`` is the long run."""

from __future__ import annotations

from pathlib import Path

import pytest
from search_oracle import ENGINES, Corpus, compare, filled

RECORDS = 1_500
CASES = 400


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus.make(seed=1, records=RECORDS, cases=CASES)


def test_the_queries_tell_engines_apart(corpus: Corpus) -> None:
    """The comparison would be empty if most queries found nothing or everything."""
    sizes = [len(expected) for expected in corpus.expected]
    assert sum(0 < size < RECORDS for size in sizes) > CASES / 2
    assert sum(size == 0 for size in sizes) > CASES / 20
    assert sum(1 < size < 100 for size in sizes) > CASES / 10


@pytest.mark.parametrize("engine", ENGINES)
def test_an_index_finds_exactly_what_the_definition_says_in_its_order(
    engine: str, corpus: Corpus, tmp_path: Path
) -> None:
    assert compare(corpus, filled(engine, corpus, tmp_path / "index", shard_size=600)) == []
