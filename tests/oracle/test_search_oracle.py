import random
from pathlib import Path

import pytest
from bruteforce import SIMPLIFIED, BruteForce, Record

from recordkit.archive.search.engines.tantivy_engine import open_index
from recordkit.archive.search.parser import FIELD_ALIASES, parse
from recordkit.archive.search.port import IndexDocument

SURNAMES = "张陈刘王李欧阳黄吴苏汤"
GIVEN = "伟芳娜敏静磊洋勇艳杰涛明超兰英华建国"
ROADS = ["麓山路", "湘江中路", "解放东路", "长兴街", "苏家湾", "芙蓉区人民路"]
PHRASES = [
    "供水单位应当保证水质",
    "旧水表编号",
    "拆下的水表由供水人保管",
    "用水人应当按期交纳水费",
    "阀门由产权人维护",
    "电话回访 满意",
    "DN15 mm",
    "Meter No",
    "第3次催告",
    "单位（盖章）",
    "读数为0，压力 0.35 MPa",
]
TRADITIONAL = {simplified: traditional for traditional, simplified in SIMPLIFIED.items()}
RECORDS = 300
QUERIES = 600


def damaged(rng: random.Random, text: str) -> str:
    """As a scanner or a careless typist leaves it."""
    out = []
    for char in text:
        roll = rng.random()
        if roll < 0.03:
            char = rng.choice([" ", "\n", "\u3000", "  \n"]) + char
        elif roll < 0.05 and "!" <= char <= "~":
            char = chr(ord(char) + 0xFEE0)
        elif roll < 0.09:
            char = TRADITIONAL.get(char, char)
        elif roll < 0.10:
            char = char.swapcase()
        elif roll < 0.11:
            char += rng.choice(["\u200b", "\u00ad", "\ufeff", "\x0c", "\x00"])
        elif roll < 0.12:
            char = ""
        elif char in "〔〕" and roll < 0.5:
            char = rng.choice(["(", "（", "[", "【"] if char == "〔" else [")", "）", "]", "】"])
        out.append(char)
    return "".join(out)


def some_record(rng: random.Random, ordinal: int) -> Record:
    name = rng.choice(SURNAMES) + "".join(rng.choices(GIVEN, k=rng.choice([1, 2])))
    year, meter = rng.randrange(2022, 2027), f"S{rng.randrange(20200000, 20260000)}"
    number = f"{rng.choice(['供合', '换通', '稽'])}〔{year}〕{ordinal:04d}号"
    address = f"{rng.choice(ROADS)}{rng.randrange(1, 99)}号{rng.randrange(1, 12)}栋"
    account = f"{rng.randrange(10**9):010d}"
    title = f"{name}{rng.choice(['换表通知书', '供用水合同', '回访记录', '整改通知书'])}"
    page = [name, address, f"户号{account}", f"水表编号{meter}", number, *rng.sample(PHRASES, 4)]
    rng.shuffle(page)
    values = {
        "title": (title,),
        "number": (number,),
        "code": (f"C001-KF·{year}-D30-KFZ-{ordinal:04d}",),
        "party": (name,) if rng.random() < 0.8 else (name, rng.choice(SURNAMES)),
        "account": (account,),
        "meters": (meter, f"S{rng.randrange(20200000, 20260000)}"),
        "address": (address,),
        "phone": (f"1{rng.randrange(3 * 10**9, 10**10):010d}",),
        "fields": (name, meter, address, rng.choice(["逾龄", "停滞行", "无铅封", "王"])),
    }
    separator = rng.choice(["，", "\n", " ", "。"])
    pages = tuple(damaged(rng, separator.join(page[at::2])) for at in range(2))
    date = f"{year}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"
    return Record(
        f"R{rng.randrange(10**9):09d}", date, {k: tuple(damaged(rng, v) for v in vs) for k, vs in values.items()}, pages
    )


class Queries:
    """Random queries as a tree for the definition and as text for the parser."""

    def __init__(self, rng: random.Random, records: list[Record]) -> None:
        self.rng = rng
        self.records = records

    def fragment(self) -> tuple[str, str]:
        """A field and a piece of its value, cut anywhere (across script borders too), sometimes in another writing."""
        rng = self.rng
        while True:
            record = rng.choice(self.records)
            name = rng.choice([*record.fields, "pages", "pages", "pages"])
            value = rng.choice({**record.fields, "pages": record.pages}[name])
            start = rng.randrange(max(1, len(value)))
            piece = value[start : start + rng.choice([1, 1, 2, 2, 3, 3, 4, 5, 8, 13])]
            roll = rng.random()
            if roll < 0.1:
                piece = "".join(TRADITIONAL.get(char, char) for char in piece)
            elif roll < 0.2:
                piece = "".join(
                    chr(ord(char) + 0xFEE0) if char.isascii() and char.isalnum() else char for char in piece
                )
            elif roll < 0.3:
                piece = piece.swapcase()
            elif roll < 0.4 and len(piece) > 1:
                other = rng.choice(rng.choice(self.records).pages)
                piece = piece[:-1] + rng.choice(other)
            normal = BruteForce([Record("x", "", {}, (piece,))]).values["x"][0][1]
            if (len(normal) > 1 or (len(normal) == 1 and "\u4e00" <= normal <= "\u9fff")) and '"' not in piece:
                return name, piece

    def term(self) -> tuple[tuple[object, ...], str]:
        own_field, piece = self.fragment()
        field = self.rng.choice([None, None, None, own_field, own_field, self.rng.choice([*{*FIELD_ALIASES.values()}])])
        bare = piece.isalnum() and not piece.startswith("-") and piece.upper() == piece and self.rng.random() < 0.5
        written = (
            piece if bare and piece not in ("AND", "OR", "NOT") else self.rng.choice(['"{}"', "“{}”"]).format(piece)
        )
        if field is not None:
            written = f"{field}{self.rng.choice([':', '：'])}{written}"
        return ("term", field, piece), written

    def tree(self, depth: int) -> tuple[tuple[object, ...], str]:
        roll = self.rng.random()
        if depth == 0 or roll < 0.35:
            return self.term()
        if roll < 0.5:
            inner, written = self.tree(depth - 1)
            return ("not", inner), self.rng.choice(["NOT ({})", "-({})", "NOT（{}）"]).format(written)
        parts = [self.tree(depth - 1) for _ in range(self.rng.choice([2, 2, 3]))]
        kind = self.rng.choice(["and", "or"])
        glue = " OR " if kind == "or" else self.rng.choice([" ", " AND ", "\u3000"])
        trees, texts = zip(*parts, strict=True)
        return (kind, *trees), self.rng.choice(["({})", "（{}）"]).format(glue.join(texts))


@pytest.fixture(scope="module", params=[1, 2])
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def test_the_index_finds_exactly_what_the_definition_says(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    records = [some_record(rng, ordinal) for ordinal in range(RECORDS)]
    index = open_index(tmp_path / "index", shard_size=120)
    documents = [
        IndexDocument(record.record_id, ordinal, record.fields, record.pages, record.date)
        for ordinal, record in enumerate(records)
    ]
    index.apply(documents, (), 1, lambda shard: ())
    definition = BruteForce(records)
    queries = Queries(rng, records)
    sizes: list[int] = []
    for _ in range(QUERIES):
        tree, written = queries.tree(rng.choice([0, 0, 1, 2, 3]))
        total, hits = index.search(parse(written))
        expected = definition.found(tree)
        found = {hit.record_id for hit in hits}
        assert found == expected, written
        assert total == len(hits) == len(expected), written
        sizes.append(len(expected))
    # The comparison would be empty if most queries found nothing or everything.
    assert sum(0 < size < RECORDS for size in sizes) > QUERIES / 2
    assert sum(size == 0 for size in sizes) > 10


@pytest.mark.parametrize("field", [None, *sorted({*FIELD_ALIASES.values()})])
def test_absent_strings_are_not_found(field: str | None, tmp_path: Path) -> None:
    rng = random.Random(7)
    records = [some_record(rng, ordinal) for ordinal in range(20)]
    index = open_index(tmp_path / "index")
    index.apply(
        [IndexDocument(r.record_id, n, r.fields, r.pages, r.date) for n, r in enumerate(records)], (), 1, lambda _: ()
    )
    prefix = f"{field}:" if field else ""
    for absent in ("鑫", "不存在的字", "zz", "S20231101X", "水质保证", "号供合"):
        assert BruteForce(records).found(("term", field, absent)) == set()
        assert index.search(parse(prefix + absent)) == (0, [])
