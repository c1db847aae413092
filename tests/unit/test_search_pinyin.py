from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordkit.archive.search import pinyin
from recordkit.archive.search.pinyin import (
    COMPOUND_SURNAMES,
    LONGEST_NAME,
    MOST_READINGS,
    SURNAMES,
    readings_of_name,
    readings_of_title,
)
from recordkit.templates.forms import list_form_ids, load_form

GIVEN = "伟芳娜敏静磊洋勇艳杰涛明超兰英华建国强志长晟茜宇轩"


@pytest.mark.parametrize(
    ("name", "readings"),
    [
        ("张三", ["zhangsan", "zs"]),
        ("張 三", ["zhangsan", "zs"]),
        ("单志强", ["shanzhiqiang", "szq", "danzhiqiang", "dzq"]),
        ("曾静", ["zengjing", "zj", "cengjing", "cj"]),
        ("仇英", ["qiuying", "qy", "chouying", "cy"]),
        ("查良", ["zhaliang", "zl", "chaliang", "cl"]),
        ("解明", ["xieming", "xm", "jieming", "jm"]),
        ("区伟", ["ouwei", "ow", "quwei", "qw"]),
        ("吕绿", ["lvlv", "lulu", "ll"]),
        ("欧阳静", ["ouyangjing", "oyj"]),
        ("尉迟恭", ["yuchigong", "ycg"]),
        ("万俟英", ["moqiying", "mqy"]),
        ("单于飞", ["chanyufei", "cyf", "shanyufei", "syf"]),
        ("李乾", ["liqian", "lq"]),
        ("张三、李四", ["zhangsan", "zs", "lisi", "ls"]),
        ("张三（代）", ["zhangsandai", "zsd"]),
        ("长沙市自来水有限公司", ["changshashizilaishuiyouxiangongsi", "csszlsyxgs"]),
        ("重庆朝天门3号店", ["chongqingchaotianmen3haodian", "cqctm3hd"]),
        ("A公司", ["agongsi", "ags"]),
        ("买买提·艾力江", ["maimaitiailijiang", "mmtalj"]),
    ],
)
def test_a_name_is_found_by_each_of_its_usual_readings_and_their_initials(name: str, readings: list[str]) -> None:
    assert set(readings) <= set(readings_of_name(name))


@pytest.mark.parametrize("name", ["", "ABC Ltd.", "0012", "，", "\ud800"])
def test_what_has_no_characters_has_no_reading(name: str) -> None:
    assert readings_of_name(name) == ()
    assert readings_of_title(name) == ()


def test_the_reading_of_a_surname_comes_first() -> None:
    wrong = []
    for surname, readings in {**SURNAMES, **COMPOUND_SURNAMES}.items():
        syllables = readings.split() if surname in COMPOUND_SURNAMES else readings.split()[:1]
        if readings_of_name(surname + "三")[0] != "".join(syllables) + "san":
            wrong.append(surname)
        if surname in SURNAMES:
            every = {reading.removesuffix("san") for reading in readings_of_name(surname + "三")}
            assert set(readings.split()) <= every, surname
    assert wrong == []


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-16"), max_size=12))
def test_readings_are_few_and_made_of_letters_and_digits(name: str) -> None:
    for reading in (*readings_of_name(name), *readings_of_title(name)):
        assert reading.isalnum() or not reading.isascii()
        assert reading == reading.casefold()
    assert len(readings_of_name(name)) <= 3 * MOST_READINGS * (name.count("、") + len(name) + 1)


@settings(deadline=None)
@given(st.text(st.sampled_from(GIVEN), min_size=1, max_size=LONGEST_NAME))
def test_no_name_has_more_ways_of_reading_than_are_kept(name: str) -> None:
    readings = readings_of_name(name)
    assert 0 < sum(len(reading) > len(name) for reading in readings) <= 2 * MOST_READINGS


def test_titles_are_read_as_pypinyin_reads_them() -> None:
    from pypinyin import Style, lazy_pinyin

    titles = [load_form(None, form_id).spec.name for form_id in list_form_ids(None)]
    titles += ["重庆银行长沙分行", "行长办公会议纪要", "水表重新检定结果", "还款通知", "长兴街还建房", "供水调度情况",
               "重要用户"]
    assert len(titles) > 20
    for title in titles:
        assert readings_of_title(title)[0] == "".join(lazy_pinyin(title, style=Style.NORMAL)), title


def test_a_party_in_a_title_is_read_as_a_name() -> None:
    assert readings_of_title("单志强换表通知书", ["单志强"]) == ("shanzhiqianghuanbiaotongzhishu", "szqhbtzs")
    assert readings_of_title("吕某停水") == ("lvmoutingshui", "lumoutingshui", "lmts")
    assert readings_of_title("供合〔2026〕0001号", [""]) == ("gonghe20260001hao", "gh20260001h")


def test_every_common_character_has_the_readings_that_pypinyin_knows() -> None:
    from pypinyin import Style
    from pypinyin import pinyin as read

    table = pinyin._table()
    for codepoint in range(0x4E00, 0x9FA6, 7):
        char = chr(codepoint)
        (known,) = read(char, style=Style.NORMAL, heteronym=True)
        if known != [char]:  # what pypinyin cannot read it gives back
            assert set(table.characters[char]) == {one.replace("ü", "v") for one in known}, char


def test_the_table_names_the_version_it_was_made_from_and_its_licence() -> None:
    head = Path(pinyin.__file__).with_name("pinyin.txt").read_text(encoding="utf-8")[:2000]
    assert f"pypinyin {version('pypinyin')}" in head
    assert "MIT License" in head


def test_reading_a_query_does_not_read_the_table_and_nothing_needs_pypinyin() -> None:
    code = (
        "import sys; from recordkit.archive.search import parser, pinyin; parser.parse('zs pinyin:zhang');"
        "assert pinyin._table.cache_info().currsize == 0; pinyin.readings_of_name('张三');"
        "assert pinyin._table.cache_info().currsize == 1; assert 'pypinyin' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
