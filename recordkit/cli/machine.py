"""This computer: which system it is, which fonts it has, and the exact command that brings a missing part on it.

The one place that knows package managers. What is installed by hand elsewhere (LibreOffice under /opt, say) is found
by those who use it; here is only said how to get what they do not find.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from recordkit.cli.i18n import N_
from recordkit.cli.showing import quoted

Family = Literal["debian", "fedora", "macos", "windows", "other"]
Part = Literal["office", "fonts-noto", "fonts-kaiti", "fonts-fangsong", "fontconfig"]


class Machine(Struct, frozen=True):
    """A system: its family of package managers, and the name its makers give it."""

    family: Family
    name: str


_FAMILIES: Mapping[str, Family] = {
    "debian": "debian", "ubuntu": "debian", "fedora": "fedora", "rhel": "fedora", "centos": "fedora",
}
"""By the words ID and ID_LIKE of os-release: what comes from Debian or Fedora says so there."""

_OFFICE_SITE = "https://www.libreoffice.org/download"
_OWN_FONT = N_("copy {files} from a computer with Windows or WPS (mind the licence) into {folder}")
_HANS = 'Add-WindowsCapability -Online -Name "Language.Fonts.Hans~~~und-HANS~0.0.1.0"'  # PowerShell as administrator
_COMMANDS: Mapping[Family, Mapping[Part, str]] = {
    "debian": {
        "office": "sudo apt install libreoffice-writer-nogui libreoffice-calc-nogui",
        "fonts-noto": "sudo apt install fonts-noto-cjk",
        "fonts-kaiti": "sudo apt install fonts-arphic-ukai",
        "fontconfig": "sudo apt install fontconfig",
    },
    "fedora": {
        "office": "sudo dnf install libreoffice-writer libreoffice-calc",
        "fonts-noto": "sudo dnf install google-noto-serif-cjk-fonts google-noto-sans-cjk-fonts",
        "fontconfig": "sudo dnf install fontconfig",
    },
    "macos": {
        "office": "brew install --cask libreoffice",
        "fonts-noto": "brew install --cask font-noto-serif-cjk-sc font-noto-sans-cjk-sc",
    },
    "windows": {
        "office": "winget install --id TheDocumentFoundation.LibreOffice -e",
        "fonts-noto": _HANS,
        "fonts-kaiti": _HANS,
        "fonts-fangsong": _HANS,
    },
    "other": {},
}


def this_machine(os_release: Path = Path("/etc/os-release")) -> Machine:
    """The system this process runs on; a Linux is told by its own name and by those it says it is like."""
    system = platform.system()
    if system == "Windows":
        return Machine("windows", f"Windows {platform.release()}")
    if system == "Darwin":
        return Machine("macos", f"macOS {platform.mac_ver()[0]}")
    try:
        text = os_release.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return Machine("other", system)
    said = {name: value.strip().strip("\"'") for name, mark, value in (line.partition("=") for line in
                                                                       text.splitlines()) if mark}
    ids = [said.get("ID", ""), *said.get("ID_LIKE", "").split()]
    known: list[Family] = [_FAMILIES[one.lower()] for one in ids if one.lower() in _FAMILIES]
    return Machine(known[0] if known else "other", said.get("PRETTY_NAME") or system)


def how_to_get(part: Part, machine: Machine) -> tuple[str, Mapping[str, str]]:
    """A command for this system, or a text to be translated with its parameters, where no package brings the part."""
    command = _COMMANDS[machine.family].get(part)
    if command is not None:
        return command, {}
    if part == "office":
        return _OFFICE_SITE, {}
    if part == "fonts-noto":
        return "https://github.com/notofonts/noto-cjk/releases", {}
    if part == "fontconfig":
        return "https://www.freedesktop.org/wiki/Software/fontconfig", {}
    names = "simfang.ttf" if part == "fonts-fangsong" else "simkai.ttf"
    folder = {"macos": "~/Library/Fonts", "windows": r"C:\Windows\Fonts"}.get(machine.family, "~/.local/share/fonts")
    return _OWN_FONT, {"files": names, "folder": folder}


def how_to_get_extra(extra: str) -> str:
    """The command that brings an optional part into the Python environment that runs now.

    pip takes the installed recordkit's own list of what the extra needs; nothing is looked up by recordkit's name.
    Double quotes are right in bash, zsh, PowerShell and cmd alike.
    """
    if Path(sys.prefix).parent.name == "venvs" and Path(sys.prefix).parents[1].name == "pipx":
        return f'pipx runpip recordkit install "recordkit[{extra}]"'
    program = sys.executable or "python"
    if program.startswith(str(Path.cwd()) + os.sep):
        program = str(Path(program).relative_to(Path.cwd()))
    if os.name != "nt":
        program = quoted(program)
    elif " " in program:
        program = f'& "{program}"'  # PowerShell
    return f'{program} -m pip install "recordkit[{extra}]"'


FONT_FAMILIES: Mapping[Part, tuple[str, ...]] = {
    "fonts-fangsong": ("FangSong", "FangSong_GB2312", "仿宋", "仿宋_GB2312", "STFangsong", "FandolFang"),
    "fonts-kaiti": ("KaiTi", "KaiTi_GB2312", "楷体", "楷体_GB2312", "STKaiti", "FandolKai", "AR PL UKai CN"),
    "fonts-noto": ("Noto Serif CJK SC", "Source Han Serif SC", "SimSun", "宋体", "NSimSun", "STSong", "Songti SC"),
}
"""Fonts that print a kind of text, best first (as ``templates/fonts.conf`` ranks them)."""
_FONT_FILES: Mapping[str, str] = {
    "simfang.ttf": "FangSong", "simkai.ttf": "KaiTi", "simsun.ttc": "SimSun", "stfangso.ttf": "STFangsong",
    "stkaiti.ttf": "STKaiti", "stsong.ttf": "STSong", "songti.ttc": "Songti SC", "kaiti.ttc": "STKaiti",
    "notoserifcjk-regular.ttc": "Noto Serif CJK SC", "notoserifcjksc-regular.otf": "Noto Serif CJK SC",
    "fangsong.ttf": "FangSong", "fangsong_gb2312.ttf": "FangSong_GB2312", "kaiti_gb2312.ttf": "KaiTi_GB2312",
}  # fmt: skip
"""Windows and macOS have no list of fonts that a program could ask cheaply; there the files tell."""


def installed_fonts(environment: Mapping[str, str] = os.environ) -> frozenset[str] | None:
    """Names of font families; None where it cannot be told (no fontconfig on a Linux)."""
    if platform.system() in ("Windows", "Darwin"):
        return frozenset(_FONT_FILES[one] for one in _font_files(environment) if one in _FONT_FILES)
    program = shutil.which("fc-list", path=environment.get("PATH"))
    if program is None:
        return None
    try:
        told = subprocess.run([program, "--format", "%{family}\n"], capture_output=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    lines = told.stdout.decode("utf-8", "replace").splitlines()
    return frozenset(name.strip() for line in lines for name in line.split(","))


def _font_files(environment: Mapping[str, str]) -> Iterable[str]:
    home = Path.home()
    places = [Path(environment.get("WINDIR", r"C:\Windows")) / "Fonts",
              home / "AppData" / "Local" / "Microsoft" / "Windows" / "Fonts", home / "Library" / "Fonts",
              Path("/Library/Fonts"), Path("/System/Library/Fonts"), Path("/System/Library/Fonts/Supplemental")]
    for place in places:
        if place.is_dir():
            yield from (one.name.lower() for one in place.iterdir())
