"""The guide to destruction is true: who types its commands ends with a destruction that an auditor verifies."""

from __future__ import annotations

from pathlib import Path

import pytest
from guides import ROOT, Walk, blocks_of
from small_archive import make_small_archive

PAGES = {"en": ROOT / "docs" / "destruction.md", "zh": ROOT / "docs" / "destruction.zh-CN.md"}
DAY = "2037-01-15"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_guide_to_destruction_leads_to_a_verified_one(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_small_archive(tmp_path / "archive")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECORDKIT_LANG", language)
    monkeypatch.setenv("RECORDKIT_STORE", "archive")
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", "guide")
    monkeypatch.setenv("RECORDKIT_ADMIN_KEY", "keys/admin.key")
    tour = Walk(DAY)
    for block in blocks_of(PAGES[language]):
        tour.go(block)
    assert "\n\n".join(tour.faults) == ""
    assert tour.calls > 25


def test_both_guides_give_the_same_commands() -> None:
    said = [[line.partition("  #")[0] for block in blocks_of(page) for line in block.lines if line.startswith("$")]
            for page in PAGES.values()]
    assert len(said[0]) == len(said[1])
