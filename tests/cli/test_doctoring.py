"""``doctor`` names the command that brings a missing part on this very system."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest
from conftest import Cli

from recordkit.cli import machine

DEBIAN_LIKE = 'NAME="Deepin"\nID=deepin\nID_LIKE=debian\nPRETTY_NAME="Deepin 23"\n'
ROCKY = 'ID="rocky"\nID_LIKE="rhel centos fedora"\nPRETTY_NAME="Rocky Linux 9"\n'


def row(cli: Cli, part: str) -> dict[str, object]:
    (found,) = [one for one in cli.json("doctor")["items"] if part in str(one["part"])]
    return dict(found)


def as_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str, release: str = "") -> None:
    """This computer stands for another one on which neither LibreOffice nor a font is installed."""
    from recordkit.templates import office

    (tmp_path / "os-release").write_text(release, encoding="utf-8")
    real = machine.this_machine
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(machine, "this_machine", lambda: real(tmp_path / "os-release"))
    monkeypatch.setattr(machine, "installed_fonts", lambda: frozenset())
    monkeypatch.setattr(office, "_USUAL_PLACES", ())
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.parametrize(
    ("system", "release", "office", "noto"),
    [
        ("Linux", DEBIAN_LIKE, "sudo apt install libreoffice-writer-nogui", "sudo apt install fonts-noto-cjk"),
        ("Linux", ROCKY, "sudo dnf install libreoffice-writer", "sudo dnf install google-noto-serif-cjk-fonts"),
        ("Darwin", "", "brew install --cask libreoffice", "brew install --cask font-noto-serif-cjk-sc"),
        ("Windows", "", "winget install --id TheDocumentFoundation.LibreOffice", "Add-WindowsCapability -Online"),
        ("Linux", "ID=unheard-of\n", "https://www.libreoffice.org", "https://"),
    ],
)
def test_what_is_missing_comes_with_the_command_of_the_system(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str, release: str, office: str, noto: str
) -> None:
    as_system(monkeypatch, tmp_path, system, release)
    for part, command in (("LibreOffice", office), ("Noto", noto)):
        told = row(cli, part)
        assert (told["found"], told["needed"]) == (None, True)
        assert str(told["how"]).startswith(command)
    # No system but Windows brings 仿宋: then it is said which file to copy, and where to.
    fangsong = str(row(cli, "仿宋")["how"])
    assert "Add-WindowsCapability" in fangsong if system == "Windows" else "simfang.ttf" in fangsong


def test_a_system_that_names_itself_is_told_before_those_it_is_like(tmp_path: Path) -> None:
    release = tmp_path / "os-release"
    release.write_text("ID=fedora\nID_LIKE='debian'\nPRETTY_NAME=\"Fedora 41\"\n", encoding="utf-8")
    assert machine.this_machine(release) == machine.Machine("fedora", "Fedora 41")
    assert machine.this_machine(tmp_path / "none").family == "other"


def test_the_list_of_fonts_is_read_with_every_name_of_a_family(tmp_path: Path) -> None:
    program = tmp_path / "fc-list"
    program.write_text("#!/bin/sh\nprintf 'FangSong,仿宋\\nNoto Serif CJK SC\\n'\n", encoding="utf-8")
    program.chmod(0o755)
    assert machine.installed_fonts({"PATH": str(tmp_path)}) == {"FangSong", "仿宋", "Noto Serif CJK SC"}
    program.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    assert machine.installed_fonts({"PATH": str(tmp_path)}) is None
    assert machine.installed_fonts({"PATH": str(tmp_path / "none")}) is None


def test_an_extra_is_installed_where_this_program_runs(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/opt/档案 程序/bin/python")
    assert machine.how_to_get_extra("ocr") == "'/opt/档案 程序/bin/python' -m pip install \"recordkit[ocr]\""
    monkeypatch.setattr(sys, "prefix", "/home/a/.local/pipx/venvs/recordkit")
    assert machine.how_to_get_extra("pdf") == 'pipx runpip recordkit install "recordkit[pdf]"'


def test_people_are_shown_each_command_on_a_line_of_its_own(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    as_system(monkeypatch, tmp_path, "Linux", DEBIAN_LIKE)
    lines = cli("doctor").splitlines()
    assert "    -> sudo apt install libreoffice-writer-nogui libreoffice-calc-nogui" in lines
    assert "✗ needed: 2; " in lines[-1]
    assert any(line.startswith("✓ ledger") for line in lines)
