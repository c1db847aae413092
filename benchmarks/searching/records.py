"""The invented records that the search benchmarks are run on: about 600 characters each, the same for every engine."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from recordkit.archive.search.port import SHARD_SIZE, IndexDocument

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
"""The first one stands in every record."""
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈"
GIVEN = "伟芳娜敏静磊洋勇艳杰涛明超兰英华建国平刚桂志文军丽强霞鹏宇浩然梓轩欣怡雨泽"
ROADS = [
    a + b for a in "麓湘芙蓉岳解放人民长兴韶五一城南东塘" for b in ("山路", "中路", "东路", "大道", "西街", "花园")
]
COMMON = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产"
FORMS = ("meter-replacement", "supply-contract", "inspection", "return-visit", "reminder", "removal")
TITLES = ("换表通知书", "供用水合同", "现场查验记录", "回访记录", "催缴通知书", "拆表申请")
CLASSES = ("KF-HB", "KF-HT", "JC-CY", "KF-HF", "YS-CJ", "KF-CB")
PERIODS = ("Y", "D30", "D10")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a person may know of a record."""

    name: str
    address: str
    account: str
    meter: str
    number: str
    code: str
    phone: str
    year: int


@dataclass(frozen=True, slots=True)
class Records:
    """``count`` records made from ``seed``, each from its ordinal alone, in any process; a ``DocumentsOfShard``."""

    count: int
    seed: int = 1

    def __call__(self, shard: int) -> Iterator[IndexDocument]:
        """Those of one shard."""
        return self.between(shard * SHARD_SIZE, (shard + 1) * SHARD_SIZE)

    def between(self, low: int, high: int) -> Iterator[IndexDocument]:
        """The documents of these ordinals."""
        return (self.document(ordinal) for ordinal in range(low, min(high, self.count)))

    @property
    def shards(self) -> list[int]:
        """All that have records."""
        return list(range((self.count + SHARD_SIZE - 1) // SHARD_SIZE))

    def facts(self, ordinal: int) -> Facts:
        """What is searched for."""
        return _facts(self._random(ordinal), ordinal)

    def document(self, ordinal: int) -> IndexDocument:
        """One record."""
        rng = self._random(ordinal)
        facts = _facts(rng, ordinal)
        kind = ordinal % len(FORMS)
        title = f"{facts.name}{TITLES[kind]}"
        date = f"{facts.year}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"
        reading = rng.randrange(1, 9999)
        form_fields = {
            "户名": (facts.name,), "户号": (facts.account,), "用水地址": (facts.address,),
            "水表编号": (facts.meter,), "联系电话": (facts.phone,), "表底数": (str(reading),),
        }
        lines = [
            title, facts.number, facts.name, f"户号{facts.account}", facts.address, f"水表编号{facts.meter}",
            f"联系电话{facts.phone}", f"表底数{reading}", SENTENCES[0], *rng.sample(SENTENCES[1:], 7),
        ]
        text = "\n".join(lines)
        while len(text) < 590:
            text += "，" + "".join(rng.choices(COMMON, k=rng.randrange(8, 20)))
        fields = {
            "title": (title,), "number": (facts.number,), "code": (facts.code,), "party": (facts.name,),
            "account": (facts.account,), "meters": (facts.meter,), "address": (facts.address,),
            "phone": (facts.phone,), "fields": tuple(value for values in form_fields.values() for value in values),
            "pinyin": _readings(facts.name),
        }
        keywords = {
            "class": CLASSES[kind], "year": str(facts.year), "form": FORMS[kind], "period": PERIODS[ordinal % 3],
            "access": "restricted" if kind == 2 else "normal",
        }
        return IndexDocument(
            f"{ordinal:012d}", ordinal, fields, (text,), date, facts.code, form_fields, keywords)

    def _random(self, ordinal: int) -> random.Random:
        return random.Random(self.seed * 1_000_000_007 + ordinal)


def _facts(rng: random.Random, ordinal: int) -> Facts:
    year = 2020 + ordinal % 7
    return Facts(
        name=rng.choice(SURNAMES) + "".join(rng.choices(GIVEN, k=rng.choice([1, 2, 2]))),
        address=f"{rng.choice(ROADS)}{rng.randrange(1, 400)}号{rng.randrange(1, 30)}栋{rng.randrange(101, 3300)}室",
        account=f"{rng.randrange(10**10):010d}",
        meter=f"S{rng.randrange(20200000, 20270000)}{rng.randrange(1000):03d}",
        number=f"换通〔{year}〕{ordinal:07d}号",
        code=f"C001-KF·{year}-{PERIODS[ordinal % 3]}-KFZ-{ordinal:07d}",
        phone=f"1{rng.randrange(3 * 10**9, 10**10):010d}",
        year=year,
    )


@cache
def _sound(char: str) -> str:
    from pypinyin import lazy_pinyin

    return str(lazy_pinyin(char)[0])


def _readings(name: str) -> tuple[str, ...]:
    sounds = [_sound(char) for char in name]
    return "".join(sounds), "".join(sound[0] for sound in sounds)
