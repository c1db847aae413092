from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from conftest import Cli
from small_archive import PAPERS, make_small_archive

from recordkit.cli.base import columns_of, pointed
from recordkit.cli.examples import EXAMPLES

NUMBERS = [paper.number for paper in PAPERS]


@pytest.fixture
def small(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    make_small_archive(tmp_path / "库")
    return Cli(tmp_path / "库", capsys)


def found(cli: Cli, *arguments: str) -> list[int]:
    """The hits as their places in the small archive, from 1."""
    return [NUMBERS.index(one["number"]) + 1 for one in cli.json("search", *arguments, "--limit", "0")["items"]]


@pytest.mark.parametrize(
    ("arguments", "papers"),
    [
        (["张三", "-合同"], {4, 7}),
        (["张三", '-"合同"'], {4, 7}),
        (["-(张三 OR 李四)"], {2, 3, 5, 6, 9}),
        (["张三", "NOT", "合同"], {4, 7}),
        (["张三", "--field", "户名"], {1, 4, 7}),
        (["厨房", "--field", "计费总水表安装地点"], {1}),
        (["厨房", "--field", "meter_place"], {1}),
        (["2026-06..", "--field", "日期"], {4, 5, 6, 7, 8, 10}),
        (["供用水", "--field", "类别"], {1, 2, 3}),
        (["供水单位~"], {1, 2, 3, 5}),
        (["zs"], {1, 4, 7}),
        (["pinyin:shanzhiqiang"], {5}),
        (["DANZHIQIANG"], {5}),
        (["changxing"], set()),
        (["pinyin:changxing"], {3}),
        (["pinyin:“Oū yáng”"], {2, 6}),
        (["文昌*", "--class", "换表通知书"], {4, 6}),
    ],
)
def test_what_is_typed_finds_these_papers(small: Cli, arguments: list[str], papers: set[int]) -> None:
    assert set(found(small, *arguments)) == papers


def test_a_name_that_was_changed_is_found_by_its_new_reading_only(small: Cli) -> None:
    small("edit", NUMBERS[4], "--set", "party=解建军", "--reason", "更名")
    assert found(small, "xjj") == [5]
    assert found(small, "szq") == []


@pytest.mark.parametrize(
    ("arguments", "code", "lines"),
    [
        (["户名:张三 OR"], 3, ["    户名:张三 OR", "              ^"]),
        (["甲 “乙"], 3, ["    甲 “乙", "       ^"]),
        (["(甲 乙", "丙)", "丁)"], 3, ["    (甲 乙 丙) 丁)", "                 ^"]),
        (["甲\n类别:没有"], 3, ["    甲 类别:没有", "            ^"]),
        (["甲", "--field", "户明"], 5, ["  -> Did you mean 户名"]),
        (["甲", "--class", "供水合同"], 5, ["供用水合同"]),
        (["甲", "-x"], 2, ["No such option"]),
        ([""], 3, ["The query is empty"]),
    ],
)
def test_what_cannot_be_read_is_shown_with_a_caret_and_the_next_step(
    small: Cli, arguments: list[str], code: int, lines: list[str]
) -> None:
    small("search", *arguments, expect=code)
    for line in lines:
        assert line in small.err
    if code == 3:
        assert "  -> " in small.err
        assert small.err.count("^") == len(lines) - 1
    assert "Traceback" not in small.err


def test_the_caret_stands_under_the_character_in_a_long_query_too() -> None:
    query = "甲乙" * 40 + "“" + "丙" * 100
    line, caret = pointed(query, 80)
    assert line.startswith("…") and line.endswith("…")
    at = len(caret) - 1
    assert caret == " " * at + "^"
    assert columns_of(line[: line.index("“")]) == at
    assert pointed("a\u0301甲b", 3) == ("a\u0301甲b", "   ^")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_help_begins_with_examples_that_can_be_read(small: Cli, language: str) -> None:
    text = small("search", "--help", lang=language)
    examples = [line for line, _ in EXAMPLES["search"]]
    assert len(examples) > 8
    for line in examples:
        assert 0 < text.index(f"recordkit {line}") < text.index("--class")
        small(*shlex.split(line))


def test_the_organisation_responsible_for_every_record_is_not_found_by_its_reading(small: Cli) -> None:
    show = small.json("show", NUMBERS[0])
    assert len(show["responsible"]) > 4
    assert found(small, "户名:" + show["responsible"]) != []
    assert found(small, "pinyin:youxiangongsi") == [3]
    small("edit", NUMBERS[5], "--set", "responsible=查理", "--reason", "更正")
    assert found(small, "zhali") == [6]
