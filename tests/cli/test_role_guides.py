"""The guides by role are true: who types their commands sees what they show, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from guides import ROOT, Walk, blocks_of, fenced, steps_in
from small_archive import make_small_archive

# Which day it is, and whether the ten papers of the sample archive are there before the guide begins.
GUIDES = {
    "clerk": ("2026-11-20", False),
    "archivist": ("2026-11-20", False),
    "appraisal": ("2037-01-15", True),
    "administrator": ("2026-11-20", False),
    "developer": ("2037-01-15", True),
}
FEWEST = 6


def page(guide: str, language: str) -> Path:
    return ROOT / "docs" / f"guide-{guide}{'.zh-CN' if language == 'zh' else ''}.md"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("guide", GUIDES)
def test_every_command_of_a_role_does_what_its_guide_shows(
    guide: str, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day, filled = GUIDES[guide]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECORDKIT_LANG", language)
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", "guide-passphrase")
    monkeypatch.setenv("RECORDKIT_ADMIN_KEY", "keys/admin.key")
    if filled:
        make_small_archive(tmp_path / "archive_store")
    tour = Walk(day)
    for block in blocks_of(page(guide, language)):
        tour.go(block)
    assert "\n\n".join(tour.faults) == ""
    assert tour.calls > FEWEST


@pytest.mark.parametrize("guide", GUIDES)
def test_both_languages_of_a_role_give_the_same_commands(guide: str) -> None:
    given = [[step.call for block in blocks_of(page(guide, language)) if block.language == "console"
              for step in steps_in([line for line in block.lines if line[:1] == "$"])] for language in ("en", "zh")]
    assert given[0] == given[1]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("guide", GUIDES)
def test_every_role_is_told_what_it_must_never_do_and_where_help_is(guide: str, language: str) -> None:
    text = page(guide, language).read_text("utf-8")
    last = [line for line in text.splitlines() if line.startswith("## ")][-1]
    assert {"en": "Never", "zh": "绝不能做"}[language] in last
    assert f"troubleshooting{'.zh-CN' if language == 'zh' else ''}.md" in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_program_of_the_developers_guide_runs(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make_small_archive(tmp_path / "archive_store")
    (program,) = fenced(page("developer", language), "python")
    exec(compile(program, "guide-developer", "exec"), {})
    told = capsys.readouterr().out.splitlines()
    assert [line.partition(" ")[2] for line in told[:3]] == ["张三客户回访记录", "张三换表通知书", "张三供用水合同"]
    assert told[3:-1] == [
        "C001-KF·2026-D10-KFZ-0004 due 2037-01-01", "C001-KF·2026-D10-KFZ-0005 due 2037-01-01",
        "C001-KF·2024-D10-KFZ-0001 due 2035-01-01", "C001-KF·2026-D10-KFZ-0006 due 2037-01-01",
    ]
    assert told[-1] == "2"
