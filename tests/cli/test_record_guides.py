"""The guides to catalogue, retention and destruction are true: who types their commands sees what they show."""

from __future__ import annotations

from pathlib import Path

import pytest
from guides import ROOT, Walk, blocks_of
from small_archive import make_small_archive

PAGES = {"retention": ("retention.md", "retention.zh-CN.md"), "destruction": ("destruction.md", "destruction.zh-CN.md"),
         "catalogue": ("catalogue.md", "catalogue.zh-CN.md")}
DAY = "2037-01-15"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("guide", PAGES)
def test_every_command_of_the_guide_does_what_it_shows(
    guide: str, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_small_archive(tmp_path / "archive")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECORDKIT_LANG", language)
    monkeypatch.setenv("RECORDKIT_STORE", "archive")
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", "guide-passphrase")
    monkeypatch.setenv("RECORDKIT_ADMIN_KEY", "keys/admin.key")
    tour = Walk(DAY)
    for block in blocks_of(ROOT / "docs" / PAGES[guide][language == "zh"]):
        tour.go(block)
    assert "\n\n".join(tour.faults) == ""
    assert tour.calls > 15


@pytest.mark.parametrize("guide", PAGES)
def test_both_languages_give_the_same_commands(guide: str) -> None:
    said = [[line.split()[2] for block in blocks_of(ROOT / "docs" / page) for line in block.lines if line[:1] == "$"]
            for page in PAGES[guide]]
    assert said[0] == said[1]
