"""The guide to reports is true: who types its commands sees what it shows, in both languages."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from guides import ROOT, Walk, blocks_of, fenced
from small_archive import DAY, make_small_archive

from recordkit.officerules import STEPS
from recordkit.settings import load_settings

PAGES = {"en": ROOT / "docs" / "reports.md", "zh": ROOT / "docs" / "reports.zh-CN.md"}


@pytest.mark.parametrize("language", PAGES)
def test_every_command_of_the_guide_does_what_it_shows(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_small_archive(tmp_path / "archive")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECORDKIT_LANG", language)
    monkeypatch.setenv("RECORDKIT_STORE", "archive")
    tour = Walk(DAY.isoformat())
    for block in blocks_of(PAGES[language]):
        tour.go(block)
    assert "\n\n".join(tour.faults) == ""
    assert tour.calls > 8


def test_both_languages_give_the_same_commands() -> None:
    said = [[line for block in blocks_of(page) for line in block.lines if line[:1] == "$"] for page in PAGES.values()]
    assert said[0] == said[1]


@pytest.mark.parametrize("language", PAGES)
def test_the_settings_that_it_shows_can_be_used(language: str, tmp_path: Path) -> None:
    make_small_archive(tmp_path / "archive")
    deadlines, calendar = fenced(PAGES[language], "toml")
    path = tmp_path / "archive" / "recordkit.toml"
    path.write_text(path.read_text("utf-8").partition("[deadlines]")[0] + deadlines, "utf-8")
    steps = {one.id: one for one in load_settings(tmp_path / "archive").deadlines.all()}
    assert (steps["complaint-visit"].days, "meter-appointment" in steps) == (5, False)
    assert steps["complaint-archive"].end == ("@filed",)
    assert tomllib.loads(calendar)["years"] == [2027]


@pytest.mark.parametrize("language", PAGES)
def test_it_names_every_step(language: str) -> None:
    text = PAGES[language].read_text("utf-8")
    assert [one.id for one in STEPS if f"`{one.id}`" not in text] == []
