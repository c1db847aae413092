"""The guide to searching is true: every query in it finds the papers it says, in both languages."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from conftest import Cli
from guides import ROOT, Walk, blocks_of
from small_archive import DAY, PAPERS, make_small_archive

from recordkit.archive.search.grams import FIELD_WEIGHTS
from recordkit.archive.search.vocabulary import FIELD_ALIASES, KEYWORD_ALIASES

PAGES = {"en": ROOT / "docs" / "searching.md", "zh": ROOT / "docs" / "searching.zh-CN.md"}
NONE = {"en": "none", "zh": "无"}
NUMBERS = [paper.number for paper in PAPERS]
_ROW = re.compile(r"^\| `recordkit (search [^`]+)` \| ([^|]+) \|", re.MULTILINE)
both = pytest.mark.parametrize("language", ["en", "zh"])


@pytest.fixture
def small(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    make_small_archive(tmp_path / "库")
    return Cli(tmp_path / "库", capsys)


def examples(language: str) -> list[tuple[str, str]]:
    """Each command line in the tables, and the papers it is said to find."""
    return [(call, told.strip()) for call, told in _ROW.findall(PAGES[language].read_text(encoding="utf-8"))]


@both
def test_every_query_of_the_guide_finds_what_is_said(language: str, small: Cli) -> None:
    wrong = []
    for call, told in examples(language):
        hits = small.json(*shlex.split(call), "--limit", "0")
        found = sorted(NUMBERS.index(one["number"]) + 1 for one in hits["items"])
        expected = [] if told == NONE[language] else [int(one) for one in re.split(r"[,、]\s*", told)]
        if found != expected or hits["total"] != len(expected):
            wrong.append(f"{call}: {found}, said {expected}")
    assert wrong == []
    assert len(examples(language)) > 70


def test_both_languages_show_the_same_queries() -> None:
    assert [call for call, _ in examples("en")] == [call for call, _ in examples("zh")]


@both
def test_the_papers_of_the_guide_are_those_of_the_archive(language: str) -> None:
    text = PAGES[language].read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (\S+) \| (\S+) \| (\S+) \|", text, re.MULTILINE)
    assert rows == [
        (str(place), paper.number, paper.title, paper.on.isoformat()) for place, paper in enumerate(PAPERS, start=1)
    ]


@both
def test_refusals_and_json_are_as_the_guide_shows_them(
    language: str, small: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECORDKIT_LANG", language)
    monkeypatch.setenv("RECORDKIT_STORE", str(small.store))
    tour = Walk(DAY.isoformat())
    for block in blocks_of(PAGES[language]):
        tour.go(block)
    assert "\n\n".join(tour.faults) == ""
    assert tour.calls > 4


@both
def test_every_name_of_a_field_stands_in_the_guide(language: str) -> None:
    text = PAGES[language].read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", text))
    assert {name for name in (*FIELD_ALIASES, *FIELD_WEIGHTS) if name not in ("pages", "meter")} <= named
    assert {name for name in KEYWORD_ALIASES if name.isascii()} <= named
    for name in KEYWORD_ALIASES:
        assert name in text or name == "年份"
