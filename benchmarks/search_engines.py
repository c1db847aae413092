"""Our tantivy engine beside SQLite's FTS5 trigram index, on the same synthetic records in the same run.

python benchmarks/search_engines.py [--records N] [--seed S]

FTS5 trigram is given the same normal form, so the work compared is the indexing and the finding alone. Our searches
open the index anew each time, as a command does; FTS5 keeps its connection. FTS5 trigram finds nothing for terms of one
or two characters, so its column "misses" counts the terms that it should have found and did not.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from recordkit.archive.search.engines.tantivy_engine import open_index
from recordkit.archive.search.parser import parse
from recordkit.archive.search.port import IndexDocument
from recordkit.archive.search.text import normalise

SENTENCES = [
    "供水单位应当按照国家规定的标准供水，保证水质和水压",
    "用水人应当按期交纳水费，逾期未交的应当支付违约金",
    "计费总水表由供水人负责选型、安装和定期检定",
    "产权分界点为计费总水表处，表前设施由供水人维护",
    "任何单位和个人不得擅自改装、迁移、拆除供水设施",
    "因检修需要停水的，应当提前通知用水人",
    "双方发生争议的，可以协商解决，协商不成的依法起诉",
    "拆下的旧水表由供水人保管一个月，供客户查验",
    "客户对换表时间、换表员的服务表示满意",
    "经现场查看，铅封完好，表盘清晰，运转正常",
]
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈"
GIVEN = "伟芳娜敏静磊洋勇艳杰涛明超兰英华建国平刚桂志文军丽强霞鹏宇浩然梓轩欣怡雨泽"
ROADS = [
    a + b for a in "麓湘芙蓉岳解放人民长兴韶五一城南东塘" for b in ("山路", "中路", "东路", "大道", "西街", "花园")
]
COMMON_CHARACTERS = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产"


def synthetic_record(rng: random.Random, ordinal: int) -> tuple[IndexDocument, str, str]:
    """One record of about 600 characters with its name and address."""
    name = rng.choice(SURNAMES) + "".join(rng.choices(GIVEN, k=rng.choice([1, 2, 2])))
    address = f"{rng.choice(ROADS)}{rng.randrange(1, 400)}号{rng.randrange(1, 30)}栋{rng.randrange(101, 3300)}室"
    meter = f"S{rng.randrange(20200000, 20270000)}{rng.randrange(1000)}"
    number = f"换通〔{2020 + ordinal % 7}〕{ordinal:06d}号"
    date = f"{2020 + ordinal % 7}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"
    parts = [name, address, meter, number, SENTENCES[0], *rng.sample(SENTENCES[1:], 7)]
    text = "\n".join(parts)
    while len(text) < 560:
        text += "，" + "".join(rng.choices(COMMON_CHARACTERS, k=rng.randrange(8, 20)))
    fields = {
        "title": (f"{name}换表通知书",),
        "number": (number,),
        "party": (name,),
        "address": (address,),
        "meters": (meter,),
    }
    return IndexDocument(f"{ordinal:012d}", ordinal, fields, (text,), date), name, address


def milliseconds(search: Callable[[str], object], terms: list[str]) -> tuple[float, float]:
    """p50 and p95 over the terms."""
    times = []
    for term in terms:
        start = time.perf_counter()
        search(term)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times), statistics.quantiles(times, n=20)[18]


def folder_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def fill_fts(path: Path, documents: list[IndexDocument]) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    database.execute("CREATE VIRTUAL TABLE records USING fts5(text, tokenize='trigram')")
    with database:
        for document in documents:
            values = [value for values in document.fields.values() for value in values]
            text = "\n".join(map(normalise, [*values, *document.pages]))
            database.execute("INSERT INTO records(rowid, text) VALUES (?, ?)", (document.ordinal, text))
    return database


def search_fts(database: sqlite3.Connection, term: str) -> int:
    """How many records hold the term; the first 20 by relevance are fetched as well."""
    quoted = '"' + normalise(term).replace('"', '""') + '"'
    database.execute("SELECT rowid FROM records WHERE records MATCH ? ORDER BY rank LIMIT 20", (quoted,)).fetchall()
    total = database.execute("SELECT count(*) FROM records WHERE records MATCH ?", (quoted,)).fetchone()
    return int(total[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    rng = random.Random(chosen.seed)
    made = [synthetic_record(rng, ordinal) for ordinal in range(chosen.records)]
    documents = [document for document, _, _ in made]
    picked = rng.sample(made, min(100, len(made)))
    kinds = {
        "name": [name for _, name, _ in picked],
        "address": [address for _, _, address in picked],
        "phrase in every record": [SENTENCES[0][at : at + 6] for at in range(8)] * 5,
        "one character": list("供水表号路王") * 5,
    }
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        index = open_index(Path(folder) / "index")
        index.apply(documents, (), 1, lambda shard: ())
        ours_seconds = time.perf_counter() - start
        start = time.perf_counter()
        database = fill_fts(Path(folder) / "fts.sqlite3", documents)
        fts_seconds = time.perf_counter() - start
        ours_bytes = folder_size(Path(folder) / "index") / len(documents)
        fts_bytes = (Path(folder) / "fts.sqlite3").stat().st_size / len(documents)
        mean = statistics.mean(len(document.pages[0]) for document in documents)
        print(f"{len(documents)} records of {mean:.0f} characters")
        print(f"{'':34}{'tantivy':>12}{'FTS5 trigram':>14}{'ratio':>8}")
        ours_rate, fts_rate = len(documents) / ours_seconds, len(documents) / fts_seconds
        print(f"{'records/s':34}{ours_rate:12.0f}{fts_rate:14.0f}{ours_rate / fts_rate:8.2f}")
        print(f"{'bytes/record':34}{ours_bytes:12.0f}{fts_bytes:14.0f}{fts_bytes / ours_bytes:8.2f}")
        for kind, terms in kinds.items():
            ours = milliseconds(lambda term: index.search(parse(f'"{term}"'), limit=20), terms)
            theirs = milliseconds(lambda term: search_fts(database, term), terms)
            missed = sum(index.search(parse(f'"{term}"'))[0] != search_fts(database, term) for term in terms)
            print(f"{kind}: {len(terms)} terms, FTS5 misses {missed}")
            for label, mine, other in zip(("p50", "p95"), ours, theirs, strict=True):
                print(f"{'  ' + label + ' ms':34}{mine:12.2f}{other:14.2f}{other / mine:8.2f}")
        database.close()


if __name__ == "__main__":
    main()
