"""Taking stock: whether every file of the archive is there, with its size; no content is read, which ``verify`` does.

A step between counting the catalogue, which does not see the disk at all, and reading every byte, which takes hours:
one look at the inventory and metadata of each object, and at the directory entry of each file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Any

from recordkit.archive import catalogue
from recordkit.archive.losses import lost_records
from recordkit.messages import Message, msg
from recordkit.workspace import Workspace

MOST_NAMED = 20
"""Files that are named; all that are wrong are counted."""


@dataclass(frozen=True, slots=True)
class Stock:
    """What lies in the objects of the records in force, older versions included.

    Attributes:
        files: how many content files; ``bytes`` of all of them.
        digest: keyed digest over a line ``record path size`` for each, in the order of filing.
        wrong: how many are missing, no files, or not of the size that the metadata says, and not written off as lost.
        told: the first ``MOST_NAMED`` of those.
    """

    files: int
    bytes: int
    digest: str
    wrong: int
    told: tuple[Message, ...]


def take_stock(workspace: Workspace) -> Stock:
    """Look at every file of every record in force; memory does not grow with the archive."""
    objects, store_id = catalogue.objects_of(workspace), workspace.settings.store.id
    whole, count, size, wrong = hashlib.sha256(), 0, 0, 0
    told: list[Message] = []
    lost = lost_records(workspace.db)
    for one in catalogue.list_holdings(workspace.db):
        for name, found, reason in _files_of(objects.folder_of(one.record_id), store_id, one.commitment):
            whole.update(f"{one.record_id} {name} {found}\n".encode())
            count += 1
            size += found or 0
            known = lost.get(one.record_id)
            if reason is not None and (known is None or not known.covers(name)):
                wrong += 1
                if len(told) < MOST_NAMED:
                    told.append(msg("{code}: {file}: {reason}", code=one.code, file=name, reason=reason))
    return Stock(count, size, catalogue.keyed(store_id, whole.hexdigest()), wrong, tuple(told))


def _files_of(folder: Path, store_id: str, commitment: str) -> Iterator[tuple[str, int | None, Message | None]]:
    """Path in the object, bytes (None where there is no such file) and what is wrong, of each content file."""
    missing = msg("the file is missing")
    try:
        data = (folder / "inventory.json").read_bytes()
    except OSError:
        yield "inventory.json", None, missing
        return
    if catalogue.keyed(store_id, hashlib.sha512(data).hexdigest()) != commitment:
        yield "inventory.json", len(data), msg("it is not the one that the ledger names")
        return
    inventory = json.loads(data)  # as it was written: the ledger vouches for it
    said = _said_sizes(folder, inventory)
    for path in sorted(str(one) for paths in inventory["manifest"].values() for one in paths):
        try:
            found = (folder / path).lstat()
        except OSError:
            yield path, None, missing
            continue
        if not S_ISREG(found.st_mode):
            yield path, None, missing
        elif said.get(path, found.st_size) != found.st_size:
            yield path, found.st_size, msg("{size} bytes, the metadata says {said}", size=found.st_size,
                                           said=said[path])
        else:
            yield path, found.st_size, None


def _said_sizes(folder: Path, inventory: Mapping[str, Any]) -> dict[str, int]:
    """Sizes that record.json gives of original and attachments of the newest version, by path in the object.

    Nothing where it cannot be read: that it is missing is said of itself.
    """
    state = inventory["versions"][str(inventory["head"])]["state"]
    paths = {name: str(inventory["manifest"][digest][0]) for digest, names in state.items() for name in names}
    try:
        data = json.loads((folder / paths["record.json"]).read_bytes())
        attached = data.get("attachments")
        listed = [("original.", data), *((str(one["name"]), one) for one in attached or () if one.get("name"))]
        return {path: about["size"] for prefix, about in listed for name, path in paths.items()
                if isinstance(about.get("size"), int)
                and (name.startswith("original.") if prefix == "original." else name == prefix)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
