"""Which text layers are taken for what the page says."""

from __future__ import annotations

import random

import pytest

from recordkit.archive.text_quality import judge_text

SIMPLIFIED = (
    "换表通知书 户名：魏堃 用水地址：长沙市岳麓区麓山南路一百二十号三栋二单元 旧表号：S20231101 因水表到期轮换，"
    "我公司将于上述日期更换计费水表，请予配合。“本合同”一式两份——自签字之日起生效……"
)
TRADITIONAL = "換表通知書 戶名 用水地址 臺北市信義區 因水表到期輪換 我公司將於上述日期更換計費水表 簽字之日起生效"
GB_2312 = "".join(
    bytes([high, low]).decode("gb2312", "ignore") for high in range(0xB0, 0xF8) for low in range(0xA1, 0xFF)
)


def drawn(characters: str, count: int = 200) -> str:
    return "".join(random.Random(1).choices(characters, k=count))


@pytest.mark.parametrize(
    "text",
    [
        SIMPLIFIED,
        TRADITIONAL,
        "堃喆昇玥" * 3 + "户名",
        "Notice of meter change, account 0012345678, 2 March 2026",
        "Où êtes-vous né à l'été passé, chère élève préférée, déjà âgée ?",
        "Hợp đồng cung cấp nước sạch giữa bên bán và bên mua tại Hà Nội",
        "Договор водоснабжения между сторонами",
        "བོད་ཡིག་གི་ཆུ་མཁོ་སྤྲོད་ཆ་བྱང་ 供水合同",
        "سۇ تەمىنلەش توختامى 供水合同",
        "¥1.00 ¥2.00 ¥3.00 m³ m³ m³ ±1 ±2 ×3 ×4 20℃ §1 §2",
        "———— …… 、。，；：？！“”‘’（）《》",
    ],
)
def test_what_a_person_wrote_is_text(text: str) -> None:
    layer = judge_text(text, is_scan=False)
    assert (layer.empty, layer.garbage) == (False, False)


@pytest.mark.parametrize(
    "text",
    [
        SIMPLIFIED.encode().decode("latin-1"),
        SIMPLIFIED.encode().decode("cp1252", "ignore"),
        SIMPLIFIED.encode("gbk").decode("latin-1"),
        SIMPLIFIED.encode("gbk").decode("cp1252", "ignore"),
        SIMPLIFIED.encode().decode("gbk", "ignore"),
        SIMPLIFIED.encode("gbk").decode("big5", "ignore"),
        SIMPLIFIED.encode("gbk").decode("utf-8", "replace"),
        drawn("".join(map(chr, range(0x4E00, 0x9FA6)))),
        drawn(GB_2312),
        drawn("".join(map(chr, range(0x21, 0xFFFF)))),
        drawn("".join(map(chr, range(0x21, 0x2FFF)))),
        "".join(chr(0xE000 + ord(one) % 256) for one in SIMPLIFIED),
        "\ufffd" * 40,
        # Numbers of glyphs instead of characters, as fonts without a table give them.
        "".join(chr(ord(one) - 29) if one > " " else one for one in "account 0012345678, 2 March 2026"),
    ],
)
def test_what_no_person_wrote_is_garbage(text: str) -> None:
    assert judge_text(text, is_scan=False).garbage


def test_nothing_is_empty_and_no_garbage() -> None:
    assert judge_text(" \n\t\u3000", is_scan=False) == judge_text("", is_scan=False)
    assert judge_text("", is_scan=False).empty
    assert not judge_text("", is_scan=False).garbage
