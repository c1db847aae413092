"""Every engine against the plain definition of a search, in full: result sets, scores and order must be equal.

python benchmarks/search_oracle.py [--records N] [--queries N] [--seed S] [--engine tantivy|whoosh]...

The definition, the invented records and the random queries are those of tests/oracle; the tests run the same in brief.
Ends with 1 when anything differs.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "oracle"))

from search_oracle import ENGINES, Corpus, compare, filled  # noqa: E402

SHOWN = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=2_500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", action="append", choices=ENGINES)
    chosen = parser.parse_args()
    start = time.perf_counter()
    corpus = Corpus.make(seed=chosen.seed, records=chosen.records, cases=chosen.queries)
    sizes = [len(expected) for expected in corpus.expected]
    print(f"{len(corpus.records)} records, {len(corpus.cases)} queries, seed {chosen.seed}", flush=True)
    print(f"{sum(not size for size in sizes)} find nothing, {sum(size == len(corpus.records) for size in sizes)} "
          f"everything, the others {statistics.median([size for size in sizes if size]):.0f} records at the median")
    print(f"{sum(case.written is None for case in corpus.cases)} are given as trees, the others as typed text")
    print(f"definition: {time.perf_counter() - start:.0f} s")
    mismatches = 0
    for engine in chosen.engine or ENGINES:
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            index = filled(engine, corpus, Path(folder) / "index", shard_size=4_000)
            built = time.perf_counter() - start
            start = time.perf_counter()
            wrong = compare(corpus, index)
            asked = time.perf_counter() - start
        mismatches += len(wrong)
        print(f"{engine}: mismatches = {len(wrong)} (built in {built:.0f} s, asked in {asked:.0f} s)")
        for line in wrong[:SHOWN]:
            print(f"  {line}")
    return 1 if mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
