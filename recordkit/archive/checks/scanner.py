"""The office's virus scanner, started as it is set in recordkit.toml: exit 0 clean, 1 found, anything else not known.

These are the exit codes of clamdscan and clamscan (clamscan(1), RETURN CODES); a found file is told as
``PATH: NAME FOUND``.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recordkit.messages import Message, msg
from recordkit.settings import ChecksSection

TOGETHER = 100
"""Folders of one call: their names must fit into a command line of Windows (32,767 characters)."""
_SAID = 200


@dataclass(frozen=True, slots=True)
class Scan:
    """What one call said.

    Attributes:
        found: which of the folders hold something, and what the scanner calls it.
        problem: why nothing is known; None where the scanner has looked at all of them.
    """

    found: dict[Path, str]
    problem: Message | None = None


def scan_folders(folders: Sequence[Path], setting: ChecksSection, root: Path) -> Scan:
    """Let the scanner look into folders; it is given them as arguments, without a shell.

    Where it says that something was found and not where, each folder is scanned by itself.
    """
    program, *arguments = setting.scanner
    try:
        ended = subprocess.run(
            [program, *arguments, *map(str, folders)], cwd=root, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=setting.scanner_seconds, check=False,
        )
    except subprocess.TimeoutExpired:
        return Scan({}, msg("{command} took longer than {seconds} s", command=program,
                            seconds=f"{setting.scanner_seconds:g}"))
    except (OSError, ValueError) as error:
        return Scan({}, msg("{command} cannot be started: {error}", command=program,
                            error=getattr(error, "strerror", None) or str(error)))
    if ended.returncode == 0:
        return Scan({})
    if ended.returncode != 1:
        said = ended.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        return Scan({}, msg("{command} ended with exit code {code} {said}", command=program, code=ended.returncode,
                            said=" ".join(said)[:_SAID]))
    found = _located(ended.stdout.decode("utf-8", "replace"), folders)
    if found or len(folders) == 1:
        return Scan(found or {folders[0]: "?"})
    for folder in folders:
        one = scan_folders([folder], setting, root)
        if one.problem is not None:
            return one
        found |= one.found
    return Scan(found, None if found else msg("{command} found something and does not say where", command=program))


def _located(output: str, folders: Sequence[Path]) -> dict[Path, str]:
    by_name = {folder.name: folder for folder in folders}
    found: dict[Path, str] = {}
    for line in output.splitlines():
        if not line.endswith(" FOUND"):
            continue
        place, _, name = line.removesuffix(" FOUND").rpartition(": ")
        for part in Path(place).parts:
            if part in by_name:
                found[by_name[part]] = name[:_SAID]
    return found
