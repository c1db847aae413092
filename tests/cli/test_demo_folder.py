"""What the demo tells people to type works in a new terminal, and a demo that stops says what to do."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from recordkit.cli import demo
from recordkit.cli.demo_folder import program_lines, shell_lines
from recordkit.cli.main import run


@pytest.mark.skipif(os.name == "nt" or sys.prefix == sys.base_prefix, reason="needs bash and an environment of its own")
def test_the_lines_of_the_demo_let_a_new_terminal_find_program_and_store(tmp_path: Path) -> None:
    folder = tmp_path / "新 用户" / "recordkit-demo"
    folder.mkdir(parents=True)
    lines = [*shell_lines(folder, {"RECORDKIT_STORE": "store"}), "command -v python; pwd; echo $RECORDKIT_STORE"]
    shell = subprocess.run(["bash", "-c", "\n".join(lines)], env={"PATH": "/usr/bin:/bin"}, capture_output=True,
                           text=True, check=True)
    assert shell.stdout.splitlines() == [str(Path(sys.prefix) / "bin" / "python"), str(folder), "store"]


def test_a_program_outside_of_an_environment_needs_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    assert program_lines() == []


def test_a_demo_that_stops_names_its_step_and_a_folder_for_the_next_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(demo, "ISSUING", (("show", "供合〔2026〕0009号"),))
    assert run(["--lang", "en", "demo", str(tmp_path / "demo")]) == 1
    said = capsys.readouterr().err
    assert "ends in step 2" in said and "exit code 5, not 0" in said
    again = said.rpartition("recordkit demo ")[2].strip()
    (folder,) = shlex.split(again)
    assert Path(folder).parent == tmp_path and not Path(folder).exists()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_text_of_the_demo_sends_people_elsewhere_for_their_own_store(language: str) -> None:
    from recordkit.cli.demo_folder import _text

    text = _text(Path("demo"), {"RECORDKIT_STORE": "store"}, language).decode("utf-8-sig")
    begin, _, real = text.partition("4. For real work" if language == "en" else "四、看中了")
    assert "RECORDKIT_STORE=" in begin and "RECORDKIT_STORE" not in real
    assert ("Make no store inside" in real) or ("不要建在演示文件夹里" in real)
    assert all(line in real for line in program_lines())
