"""Files in a store that are none of its own: copies that a synchronising program made, things put there by hand.

Nobody reads them, so they do no harm by themselves; but they tell that two machines wrote, or that somebody mended by
hand, and what a person looks for may be in them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from recordkit.settings import FILE_NAME
from recordkit.workspace import STORE_FOLDERS

_OWN = {*STORE_FOLDERS, "index", FILE_NAME, "retention.toml", "calendar.toml", "headings.toml", "proposals.toml",
        "catalogue.sqlite3", "catalogue.sqlite3-wal", "catalogue.sqlite3-shm", "backup.json"}
_LEDGER = r"ledger-\d{6,}\.jsonl|checkpoints"
_SYNCED = (r"onedrive.*|dropbox.*|google drive.*|my drive|icloud ?drive|com~apple~clouddocs|nutstore.*|"
           r"我的坚果云|坚果云.*|baidunetdisk.*|baidusyncdisk.*|百度.*同步.*|百度网盘.*|"
           r"wps ?云盘|wps网盘|kdocs|weiyun.*|微云.*|aliyundrive.*|阿里云盘.*|"
           r"nextcloud.*|owncloud.*|syncthing.*")
"""Names of folders that programs keep equal on several machines, as they call them by default."""


def strangers_in(root: Path, known: str = "") -> Iterator[str]:
    """Places of files and folders in the store's own folder and in ``ledger/`` that the program did not make.

    ``known``: the folder of certificates that the settings name. Hidden files and texts of the office's own (``.md``,
    ``.txt``) are left alone.
    """
    for path in sorted(root.iterdir()):
        name = path.name
        if name not in _OWN and name != known and not name.startswith(".") and path.suffix not in (".md", ".txt"):
            yield name
    ledger = root / "ledger"
    for path in sorted(ledger.iterdir()) if ledger.is_dir() else ():
        if not re.fullmatch(_LEDGER, path.name) and not path.name.startswith("."):
            yield f"ledger/{path.name}"


def not_mine(root: Path, most: int = 3) -> Iterator[str]:
    """Places of the store that this process may not read or write, ``most`` of them; records are looked at by folder.

    Asks the system; for an administrator, who may do anything, there are none.
    """
    found: set[str] = set()
    for place in ("", "ledger", "objects", "issued", "notes", "work", "work/locks", "outbox", "inbox", "index"):
        folder = root / place
        if not os.path.exists(folder):  # noqa: PTH110  (the method of Path raises where a folder above is closed)
            continue
        within = sorted(folder.iterdir()) if os.access(folder, os.R_OK | os.X_OK) else []
        for path in (folder, *within):
            name = path.relative_to(root).as_posix()
            if name not in found and len(found) < most and not os.access(path, os.R_OK | os.W_OK):
                found.add(name)
                yield name


def synced_by(root: Path) -> str | None:
    """The folder on the way to the store that a synchronising program keeps, judged by its name; None for none."""
    return next((one for one in root.resolve().parts if re.fullmatch(_SYNCED, one.lower())), None)
