"""The pictures of the READMEs are there, small, and each says in words what it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PICTURE = re.compile(r'<img src="(?P<file>[^"]+)" width="\d+" alt="(?P<words>[^"]+)">')


def pictures(name: str) -> list[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    found = [one["file"] for one in PICTURE.finditer(text)]
    assert len(found) == text.count("<img"), "a picture without width or words"
    return found


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_every_picture_of_a_readme_is_there_and_small(name: str) -> None:
    files = [ROOT / one for one in pictures(name)]
    assert len(files) == 4
    for file in files:
        assert file.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        assert file.stat().st_size < 150_000, file.name


def test_both_languages_show_the_same_pictures_and_none_lies_about() -> None:
    shown = pictures("README.md")
    assert shown == pictures("README.zh-CN.md")
    assert {ROOT / one for one in shown} == set((ROOT / "docs" / "pictures").iterdir())
