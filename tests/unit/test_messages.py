from __future__ import annotations

import sys
from pathlib import Path

import pytest

from recordkit.cli.i18n import choose_language
from recordkit.messages import msg

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import messages as catalogue  # noqa: E402


def test_the_chinese_catalogue_is_complete_and_compiled() -> None:
    assert catalogue.problems() == []


def test_nested_messages_are_rendered_in_the_reader_s_language() -> None:
    words = {"{a} is {b}": "{a}的状态是{b}", "void": "作废", "x": "甲"}
    told = msg("{a} is {b}", a="1号", b=(msg("void"), msg("x")))
    assert told.render(lambda text: words.get(text, text)) == "1号的状态是作废 / 甲"
    assert str(told) == "1号 is void / x"


def test_a_value_with_braces_is_no_placeholder() -> None:
    assert str(msg("{value} is wrong", value="{other}")) == "{other} is wrong"


@pytest.mark.parametrize(
    ("arguments", "environment", "language"),
    [
        (["--lang", "zh"], {"LANG": "en_US.UTF-8"}, "zh"),
        (["--lang=en", "show"], {"RECORDKIT_LANG": "zh"}, "en"),
        ([], {"RECORDKIT_LANG": "zh"}, "zh"),
        ([], {"LC_ALL": "zh_CN.UTF-8"}, "zh"),
        ([], {"LANG": "zh_TW"}, "zh"),
        ([], {"LANG": "de_DE"}, "en"),
    ],
)
def test_the_language_is_chosen_by_option_then_variable_then_locale(
    arguments: list[str], environment: dict[str, str], language: str
) -> None:
    assert choose_language(arguments, environment) == language


def test_a_text_that_is_an_argument_of_another_one_is_collected() -> None:
    source = 'told = msg("{a} of {b}", a=msg("page"), b=(tr("one"), msg("two", c=i18n.tr("three"))))'
    assert {one.text for one in catalogue.marked_texts(source)} == {"{a} of {b}", "page", "one", "two", "three"}


def test_a_text_marked_inside_an_f_string_is_refused_by_file_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "recordkit" / "cli.py"
    module.parent.mkdir()
    monkeypatch.setattr(catalogue, "ROOT", tmp_path)
    module.write_text('line = f"recordkit match {tr(name)}"\nother = tr("NUMBER")\n', encoding="utf-8")
    assert catalogue.hidden_marks() == []
    module.write_text('\nline = f"recordkit match {key:>{len(tr(\'NUMBER\'))}}"\n', encoding="utf-8")
    assert catalogue.hidden_marks() == ["recordkit/cli.py:2: marked inside an f-string, take it out: 'NUMBER'"]
    assert catalogue.hidden_marks()[0] in catalogue.problems()
