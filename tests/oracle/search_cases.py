"""Invented records with the damage of scanners and typists, and random queries over them."""

from __future__ import annotations

import contextlib
import random
import re
from dataclasses import dataclass
from datetime import date

from bruteforce import SIMPLIFIED, Record, Tree, normal_form

from recordkit.archive.search.parser import FIELD_ALIASES
from recordkit.archive.search.pinyin import plain_reading
from recordkit.archive.search.port import IndexDocument
from recordkit.archive.search.query import Among, And, Dated, Everything, Is, Not, Or, Query, Term
from recordkit.archive.search.text import normalise

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
SOUNDS = {
    "张": "zhang", "陈": "chen", "刘": "liu", "王": "wang", "李": "li", "欧": "ou", "阳": "yang", "黄": "huang",
    "吴": "wu", "苏": "su", "汤": "tang", "伟": "wei", "芳": "fang", "娜": "na", "敏": "min", "静": "jing", "磊": "lei",
    "洋": "yang", "勇": "yong", "艳": "yan", "杰": "jie", "涛": "tao", "明": "ming", "超": "chao", "兰": "lan",
    "英": "ying", "华": "hua", "建": "jian", "国": "guo",
}  # fmt: skip
CLASSES = {"meter-change-notice": "换表通知书", "supply-contract": "供用水合同", "visit-record": "回访记录",
           "rectification-order": "整改通知书"}
REASONS = ["逾龄", "停滞行", "无铅封", "黑面", "王", "逾龄 DN15", "客户要求更换智能水表"]
FIELDS = sorted({*FIELD_ALIASES.values()})
FEWEST_FUZZY = 4


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
    kind = rng.choice(list(CLASSES))
    page = [name, address, f"户号{account}", f"水表编号{meter}", number, *rng.sample(PHRASES, 4)]
    rng.shuffle(page)
    form_fields = {
        "reason": (rng.choice(REASONS),),
        "place": (rng.choice(ROADS), rng.choice(["厨房", "阳台", "室外 3 号井"])),
        "meter_no": (meter,),
    }
    if rng.random() < 0.3:
        form_fields["reasons"] = (rng.choice(REASONS),)
    sounds = [SOUNDS[char] for char in name]
    values = {
        "title": (f"{name}{CLASSES[kind]}",),
        "number": (number,),
        "code": (f"C001-KF·{year}-D30-KFZ-{ordinal:04d}",),
        "party": (name,) if rng.random() < 0.8 else (name, rng.choice(SURNAMES)),
        "account": (account,),
        "meters": (meter, f"S{rng.randrange(20200000, 20260000)}"),
        "address": (address,),
        "phone": (f"1{rng.randrange(3 * 10**9, 10**10):010d}",),
        "fields": tuple(value for some in form_fields.values() for value in some),
        "pinyin": ("".join(sounds), "".join(sound[0] for sound in sounds)),
    }
    separator = rng.choice(["，", "\n", " ", "。"])
    pages = tuple(damaged(rng, separator.join(page[at::2])) for at in range(2))
    date = f"{year}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"
    date = date[: rng.choice([0, 4, 7, 10, 10, 10, 10, 10])]
    keywords = {"class": kind, "year": str(year), "period": rng.choice(["Y", "D30", "D10"]), "access": "normal"}
    if rng.random() < 0.9:
        keywords["form"] = kind
    fields = {key: some if key == "pinyin" else tuple(damaged(rng, value) for value in some)
              for key, some in values.items()}
    return Record(
        f"R{rng.randrange(10**9):09d}", date, fields, pages, f"C001-KF·{year}-D30-KFZ-{ordinal:06d}",
        {key: tuple(damaged(rng, value) for value in some) for key, some in form_fields.items()}, keywords,
    )


def document_of(record: Record, ordinal: int) -> IndexDocument:
    return IndexDocument(record.record_id, ordinal, record.fields, record.pages, record.date, record.code,
                         record.form_fields, record.keywords)


@dataclass(frozen=True)
class Case:
    """A query as the definition reads it, as the engines do, and as a person writes it (None: nobody can yet)."""

    tree: Tree
    query: Query
    written: str | None


class Cases:
    """Random queries whose terms are mostly cut from the records."""

    def __init__(self, rng: random.Random, records: list[Record]) -> None:
        self.rng = rng
        self.records = records

    def case(self) -> Case:
        return self.node(self.rng.choice([0, 0, 1, 2, 3]))

    def node(self, depth: int) -> Case:
        roll = self.rng.random()
        if depth == 0 or roll < 0.35:
            return self.term() if self.rng.random() < 0.85 else self.filter()
        if roll < 0.5:
            inner = self.node(depth - 1)
            written = self.rng.choice(["NOT ({})", "-({})", "NOT（{}）"]).format(inner.written)
            return Case(("not", inner.tree), Not(inner.query), inner.written and written)
        parts = [self.node(depth - 1) for _ in range(self.rng.choice([2, 2, 3]))]
        is_or = self.rng.random() < 0.5
        glue = " OR " if is_or else self.rng.choice([" ", " AND ", "\u3000"])
        texts = [part.written for part in parts if part.written is not None]
        written = self.rng.choice(["({})", "（{}）"]).format(glue.join(texts)) if len(texts) == len(parts) else None
        queries = tuple(part.query for part in parts)
        return Case(
            ("or" if is_or else "and", *(part.tree for part in parts)), Or(queries) if is_or else And(queries), written
        )

    def filter(self) -> Case:
        rng = self.rng
        roll = rng.random()
        if roll < 0.1:
            return Case(("everything",), Everything(), rng.choice("*＊"))
        if roll < 0.3:
            ids = frozenset({rng.choice(self.records).record_id for _ in range(rng.randrange(40))} | {"R-unknown"})
            return Case(("among", ids), Among(ids), None)
        if roll < 0.37:
            first = rng.randrange(2020, 2026)
            years = [str(year) for year in range(first, first + rng.randrange(2, 5))]
            between = rng.choice(["..", "…", "至", "~", "—", "-"])
            return Case(("or", *(("is", "year", year) for year in years)), Or(tuple(Is("year", one) for one in years)),
                        f"年度:{years[0]}{between}{years[-1]}")
        if roll < 0.65:
            keyword = rng.choice(["class", "year", "form", "period", "access"])
            value = rng.choice(self.records).keywords.get(keyword, "none")
            # Classes and forms are known to a store only, not to the parser alone.
            written = None if keyword in ("class", "form") or value in ("none", "normal") else f"{keyword}:{value}"
            return Case(("is", keyword, value), Is(keyword, value), written)
        dates = [f"{rng.randrange(2021, 2028)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 32):02d}" for _ in "ab"]
        since, until = (date[: rng.choice([4, 7, 10])] if rng.random() < 0.8 else None for date in sorted(dates))
        written = None
        if since or until:
            # The engines compare a 30th of February as text; a person may not write it.
            with contextlib.suppress(ValueError):
                between = rng.choice(["..", "…", "至", *(["~", "～", "—", "-", "到"] if since and until else [])])
                written = f"{rng.choice(['日期', 'date'])}:{self.day(since)}{between}{self.day(until)}"
        return Case(("dated", since, until), Dated(since, until), written)

    def day(self, day: str | None) -> str:
        """A date as people write it."""
        if not day:
            return ""
        parts = [int(part) for part in day.split("-")]
        date(*(parts + [1, 1])[:3])
        plain = [str(part) for part in parts]
        return self.rng.choice([
            day, day.replace("-", "/"), ".".join(plain), "-".join(plain),
            "".join(part + name for part, name in zip(plain, "年月日", strict=False)),
        ])

    def term(self) -> Case:
        rng = self.rng
        own_field, piece, begins, ends = self.fragment()
        fuzzy = rng.random() < 0.5 and len(normalise(piece)) >= FEWEST_FUZZY
        if fuzzy and rng.random() < 0.7:
            at = rng.choice([0, len(piece) - 1, rng.randrange(len(piece))])
            wrong = piece[:at] + rng.choice(["", "囗", rng.choice(piece), "0"]) + piece[at + 1 :]
            piece = wrong if len(normal_form(wrong)) >= FEWEST_FUZZY else piece
        field = rng.choice([None, None, None, own_field, own_field, rng.choice(FIELDS)])
        if field == "pinyin":
            # Behind "pinyin:" spaces and marks that divide syllables do not count.
            reading = plain_reading(piece)
            field, piece = ("pinyin", reading) if len(reading) >= FEWEST_FUZZY else (None, piece)
        query = Term(field, normalise(piece), begins, ends, fuzzy)
        written = None
        if '"' not in piece and not (begins and ends):
            # A bracket that text touches belongs to it, whether it stands in the word or begins it.
            number = re.fullmatch(r"\w*[(（]\w+[)）]\w+", piece) is not None
            bare = number or piece.isalnum() and piece.upper() == piece and rng.random() < 0.5
            quotes = rng.choice(['"{}"', "“{}”"])
            written = piece if bare and piece not in ("AND", "OR", "NOT") else quotes.format(piece)
            marks = [rng.choice("~～")] * fuzzy + [rng.choice("*＊")] * begins
            rng.shuffle(marks)
            written = rng.choice("*＊") * ends + written + "".join(marks)
            if field is not None:
                written = f"{field}{rng.choice([':', '：'])}{written}"
        return Case(("term", field, piece, begins, ends, fuzzy), query, written)

    def fragment(self) -> tuple[str, str, bool, bool]:
        """A field, a piece of one of its values, and whether the value is said to begin or to end with it.

        The piece is cut anywhere, across script borders too; sometimes it is in another writing, sometimes it is
        absent.
        """
        rng = self.rng
        while True:
            record = rng.choice(self.records)
            named = {**record.fields, "pages": record.pages}
            named |= {f"fields.{key}": values for key, values in record.form_fields.items()}
            name = rng.choice([*named, "pages", "pages", "pages"])
            value = rng.choice(named[name])
            size = rng.choice([1, 1, 2, 2, 3, 3, 4, 5, 6, 8, 10, 12])
            begins, ends = rng.random() < 0.12, rng.random() < 0.12
            start = rng.randrange(max(1, len(value)))
            if begins and rng.random() < 0.8:
                start = 0
            elif ends and rng.random() < 0.8:
                start = max(0, len(value) - size)
            piece = self.rewritten(value[start : start + size])
            if name == "number" and "〔" in value and rng.random() < 0.6:
                # As people type it: (2026)0001号.
                opened, closed = rng.choice(["()", "（）", "〔〕", "[]"])
                typed = re.sub("[〕)）】\\]]", closed, re.sub("[〔(（【[]", opened, value[value.index("〔") :]))
                piece = typed[: size + 7]
            if rng.random() < 0.03:
                piece = rng.choice(["鑫", "不存在的字", "zz", "S20231101X", "水质保证", "号供合", "zs", "lihua"])
            normal = normal_form(piece)
            if len(normal) > 1 or (len(normal) == 1 and "\u4e00" <= normal <= "\u9fff"):
                return name, piece, begins, ends

    def rewritten(self, piece: str) -> str:
        rng = self.rng
        roll = rng.random()
        if roll < 0.1:
            return "".join(TRADITIONAL.get(char, char) for char in piece)
        if roll < 0.2:
            return "".join(chr(ord(char) + 0xFEE0) if char.isascii() and char.isalnum() else char for char in piece)
        if roll < 0.3:
            return piece.swapcase()
        if roll < 0.37 and len(piece) > 1:
            return piece[:-1] + rng.choice(rng.choice(self.records).pages[0] or "x")
        return piece
