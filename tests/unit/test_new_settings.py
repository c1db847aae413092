"""The recordkit.toml of a new store names every setting, and what stands there as a comment is what holds anyway."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from recordkit.new_settings import Language, new_settings_text
from recordkit.settings import ArchiveSection, CompanySection, Settings, read_settings

_SETTING = re.compile(r"^# (\[\[?[a-z.]+\]\]?$|[a-z0-9_]+ = )", re.MULTILINE)


def written(language: Language) -> str:
    return new_settings_text(store_id="a", simulation=False, company=CompanySection(), archive=ArchiveSection(),
                             language=language)


def without_example(text: str) -> str:
    """The text without the example of an own field, which is no default."""
    return re.sub(r"# \[\[archive\.fields\]\]\n(# \w+ = .*\n)+", "", text)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_settings_that_are_comments_change_nothing_when_their_marks_are_taken_away(language: Language) -> None:
    text = without_example(written(language))
    bare = _SETTING.sub(lambda found: found[1], text)
    assert bare.count("\n[") > text.count("\n[")
    as_written, as_meant = (msgspec.structs.replace(read_settings(one.encode(), Path("x")), digest="")
                            for one in (text, bare))
    assert as_written == as_meant == Settings(store=as_written.store)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_setting_that_there_is_stands_in_the_file(language: Language) -> None:
    named = tomllib.loads(_SETTING.sub(lambda found: found[1], written(language)))
    known = msgspec.to_builtins(Settings(store=read_settings(written(language).encode(), Path("x")).store))
    del known["digest"]
    assert {section: set(values) for section, values in named.items()} == {
        section: set(values) for section, values in known.items()}


def test_both_languages_say_the_same_settings_in_the_same_order() -> None:
    settings = [re.findall(r"^(?:# )?([a-z0-9_]+ = [^#\n]*[^#\n ]|\[[a-z.\[\]]+)", written(one), re.MULTILINE)
                for one in ("zh", "en")]
    assert settings[0] == settings[1]
    assert len(settings[0]) > 60


def test_a_name_with_quotes_and_marks_comes_back_as_it_was_typed() -> None:
    name = '清源"市"\\供水 @fonds@'
    text = new_settings_text(store_id="a", simulation=True, company=CompanySection(name, "科", "K"),
                             archive=ArchiveSection("C9", name))
    read = read_settings(text.encode(), Path("x"))
    assert (read.company.name, read.archive.fonds_name, read.store.simulation) == (name, name, True)
