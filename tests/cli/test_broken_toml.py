"""Settings, schedule and forms that are no TOML: told alike, with line and column, in the reader's language."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from conftest import Cli
from test_destruction import CODE, DAY, office  # noqa: F401  (office is a fixture)

from recordkit.tomltold import UNKNOWN, toml_line, toml_reason

BROKEN = {
    "a value is missing": "x = ", "an equals sign": "x y", "something follows": 'x = "a" "b"',
    "a name is missing": "= 1", "a bracket is opened": "[x", "a quotation mark is missing": 'x = "a\n',
    "a name is given twice": "x = 1\nx = 2", "a backslash": 'x = "\\q"', "there is no such date": "x = 2026-02-30",
}


@pytest.mark.parametrize("told", BROKEN)
def test_every_common_mistake_has_words_of_its_own(told: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as error:
        tomllib.loads(BROKEN[told])
    reason = toml_reason(error.value)
    assert told in str(reason)
    assert reason.params["reason"] is not UNKNOWN


def test_the_line_is_shown_as_it_stands() -> None:
    text = 'a = 1\n  b  c\nd = 2\n'
    with pytest.raises(tomllib.TOMLDecodeError) as error:
        tomllib.loads(text)
    assert (toml_line(error.value, text), str(toml_reason(error.value)).split(":")[0]) == ("b  c", "line 2, column 6")


def spoil(path: Path) -> None:
    path.write_text(path.read_text("utf-8") + "\n期限 10年\n", encoding="utf-8")


@pytest.mark.parametrize("name", ["recordkit.toml", "retention.toml"])
def test_no_english_of_the_parser_stands_in_a_chinese_message(cli: Cli, name: str) -> None:
    spoil(cli.store / name)
    line = len((cli.store / name).read_text("utf-8").splitlines())
    cli("retention", "review", expect=3, lang="zh")
    assert str(line) in cli.err
    assert not re.search(r"Expected|Invalid|at line|statement", cli.err)


def test_a_record_is_shown_though_the_schedule_cannot_be_read(office: Cli) -> None:  # noqa: F811
    office("hold", "place", CODE.format(2), "--kind", "debt", "--reason", "欠款", *DAY)
    spoil(office.store / "retention.toml")
    shown = office.json("show", CODE.format(1), *DAY)
    assert (shown["title"], shown["status"]) == ("甲回访记录", "active")
    assert shown["retention"]["period"] is shown["retention"]["due"] is None
    assert "retention.toml" in shown["retention"]["schedule"]
    held = office.json("show", CODE.format(2), *DAY)
    assert held["status"] == "held" and len(held["holds"]) == 1
    assert "retention.toml" in office("show", CODE.format(1), *DAY)
    assert office.json("search", "甲回访记录")["total"] == 1
    office("retention", "review", *DAY, expect=3)
    office("retention", "explain", CODE.format(1), *DAY, expect=3)
