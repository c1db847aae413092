"""Objects carried from one storage root to another, no faster than the ledger vouches for them.

A version of an object never changes, and its folder has an inventory of its own. So an object is copied as of the
version that the ledger names, by that inventory, whatever an edit is doing to it at the same time; and each file counts
as copied when the bytes that were written have the digest that the inventory gives.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from recordkit import files
from recordkit.archive.catalogue import keyed
from recordkit.archive.checks.ledger_facts import LostNote
from recordkit.archive.objects import ObjectStore
from recordkit.copies.folders import Guarded, Mirror, can_be_read, kind_of

_DECLARATION = ("0=ocfl_object_1.1", b"ocfl_object_1.1\n")
_INVENTORY, _SIDECAR = "inventory.json", "inventory.json.sha512"
TOP = (_INVENTORY, _SIDECAR)
"""What stands at the top of an object and says which version it is."""
_LARGEST = 1 << 28


@dataclass(frozen=True, slots=True)
class Version:
    """A version of an object that the ledger vouches for: its number and the bytes of its inventory."""

    number: int
    data: bytes
    inventory: Mapping[str, Any]

    def contents(self) -> dict[str, str]:
        """SHA-512 of each content file by its place in the object; places that lead out of it are none."""
        return {place: str(digest) for digest, places in self.inventory["manifest"].items() for place in places
                if ".." not in PurePosixPath(place).parts and place.partition("/")[0].startswith("v")}

    def versions(self) -> list[int]:
        """Numbers of this version and those before it."""
        return list(range(1, self.number + 1))

    def names(self) -> set[str]:
        """Every file that an object at this version has."""
        return {*self.contents(), _DECLARATION[0], _INVENTORY, _SIDECAR,
                *(f"v{one}/{name}" for one in self.versions() for name in (_INVENTORY, _SIDECAR))}

    def own_names(self) -> set[str]:
        """Those of them that follow from this version alone, and are written anew with it."""
        return {_DECLARATION[0], _INVENTORY, _SIDECAR, f"v{self.number}/{_INVENTORY}", f"v{self.number}/{_SIDECAR}"}


class Root:
    """A storage root to read from or write to, whose files may be hostile."""

    def __init__(self, folder: Path, store_id: str) -> None:
        """``folder`` of the store or copy, not of its objects."""
        self._guarded, self._store_id = Guarded(folder), store_id
        self._objects = ObjectStore(folder / "objects")
        self._before = len(str(folder / "_")) - 1

    def keyed(self, digest: str) -> str:
        """A digest as the ledger may hold it: bound to this store."""
        return keyed(self._store_id, digest)

    def has_note(self, note: LostNote) -> bool:
        """Whether a note, or a line of issue data, is in its place, whole."""
        path = self._guarded.path(note.place)
        if kind_of(path) != "file":
            return False
        data = path.read_bytes()
        parts = data.split(b"\n") if note.pack else [data]
        return any(hashlib.sha256(part).hexdigest() == note.digest for part in parts)

    def place(self, record_id: str) -> str:
        """Where the object of a record lies, relative to the store."""
        return str(self._objects.folder_of(record_id))[self._before:].replace(os.sep, "/")

    def is_there(self, record_id: str) -> bool:
        """Whether anything stands where the object belongs."""
        return kind_of(self._guarded.path(self.place(record_id))) == "folder"

    def folder(self, record_id: str) -> Path:
        """Where the object lies, or would lie."""
        return self._guarded.path(self.place(record_id))

    def file(self, record_id: str, name: str) -> Path:
        """A file of an object, on plain folders alone."""
        return self._guarded.path(f"{self.place(record_id)}/{name}")

    def version(self, record_id: str, number: int, commitment: str) -> Version | None:
        """A version of an object; None when nothing there is what the ledger's commitment names."""
        for name in (f"v{number}/{_INVENTORY}", _INVENTORY):
            data = self.read(record_id, name)
            if data is not None and keyed(self._store_id, hashlib.sha512(data).hexdigest()) == commitment:
                return Version(number, data, json.loads(data))
        return None

    def holds(self, record_id: str, commitment: str) -> bool:
        """Whether the object's inventory, with its sidecar, is the one that the commitment names."""
        data = self.read(record_id, _INVENTORY)
        return (data is not None and keyed(self._store_id, hashlib.sha512(data).hexdigest()) == commitment
                and self.read(record_id, _SIDECAR) == sidecar(data))

    def holds_bytes(self, record_id: str, version: Version) -> bool:
        """Whether the object stands at this version, and its inventory has its sidecar."""
        return (self.read(record_id, _INVENTORY) == version.data
                and self.read(record_id, _SIDECAR) == sidecar(version.data))

    def faults(self, record_id: str, version: Version) -> list[str]:
        """Files of an object that are missing or are not what the version's inventory says; every byte is read."""
        wrong = []
        for name, digest in version.contents().items():
            path = self.file(record_id, name)
            if kind_of(path) != "file" or _sha512(path) != digest:
                wrong.append(name)
        for number in version.versions():
            data = self.read(record_id, f"v{number}/{_INVENTORY}")
            is_other = number == version.number and data != version.data
            if data is not None and (is_other or self.read(record_id, f"v{number}/{_SIDECAR}") != sidecar(data)):
                wrong.append(f"v{number}/{_INVENTORY}")
        if self.read(record_id, _DECLARATION[0]) not in (None, _DECLARATION[1]):
            wrong.append(_DECLARATION[0])
        if not self.holds_bytes(record_id, version):
            wrong.append(_INVENTORY)
        known = version.names()
        place = self.place(record_id)
        there = {one.removeprefix(f"{place}/") for one in self._guarded.files_below(place)}
        return sorted([*wrong, *(there - known), *(known - there - set(wrong))])

    def read(self, record_id: str, name: str) -> bytes | None:
        """A small file of an object; None when it is not there, or cannot be read."""
        path = self.file(record_id, name)
        try:
            return path.read_bytes() if kind_of(path) == "file" and path.stat().st_size <= _LARGEST else None
        except OSError:
            return None


def draft_object(source: Root, record_id: str, version: Version, draft: Path, first: int = 1) -> tuple[list[str], int]:
    """Copy an object into a folder that does not exist yet, with its versions from ``first`` on.

    What is not as the inventory says is left out.

    Returns:
        What was left out, and the number of bytes copied.
    """
    wrong: list[str] = []
    size = 0
    wanted = {name: digest for name, digest in version.contents().items() if _number(name) >= first}
    for name, digest in sorted(wanted.items()):
        path, target = source.file(record_id, name), draft / name
        if kind_of(path) != "file":
            wrong.append(name)
            continue
        files.draft_folder(target.parent)
        try:
            digests = files.copy_with_digests(path, target, durable=False)
        except OSError as error:
            if files.is_full(error) or kind_of(path) == "nothing" or can_be_read(path):
                raise
            files.remove_file(target)
            wrong.append(name)  # a bad spot on the disk, or somebody else's file
            continue
        if digests.sha512 == digest:
            size += digests.size
        else:
            files.remove_file(target)
            wrong.append(name)
    for number in version.versions()[first - 1 :]:
        data = version.data if number == version.number else source.read(record_id, f"v{number}/{_INVENTORY}")
        if data is None or (number != version.number
                            and source.read(record_id, f"v{number}/{_SIDECAR}") != sidecar(data)):
            wrong.append(f"v{number}/{_INVENTORY}")
            continue
        files.draft_folder(draft / f"v{number}")
        files.draft_file(draft / f"v{number}" / _INVENTORY, data)
        files.draft_file(draft / f"v{number}" / _SIDECAR, sidecar(data))
    if first == 1:
        files.draft_folder(draft)
        files.draft_file(draft / _DECLARATION[0], _DECLARATION[1])
        files.draft_file(draft / _INVENTORY, version.data)
        files.draft_file(draft / _SIDECAR, sidecar(version.data))
    return wrong, size


def update_object(
    source: Root, target: Root, mirror: Mirror, record_id: str, version: Version, draft: Path, *, anew: bool = False
) -> tuple[list[str], int]:
    """Bring the object in ``target`` up to a version of ``source``; a fault leaves it as it was.

    Versions that are there stay; where what is there is none of this object's versions, or all is wanted ``anew``, it
    is replaced as a whole.

    Returns:
        What is wrong in ``source``, and the number of bytes copied.
    """
    first = 1
    there = target.read(record_id, _INVENTORY)
    for number in () if anew else reversed(version.versions()):
        data = version.data if number == version.number else source.read(record_id, f"v{number}/{_INVENTORY}")
        if data is not None and data == there:
            first = number + 1
            break
    wrong, size = draft_object(source, record_id, version, draft, first)
    if wrong:
        files.remove_tree(draft)
        return wrong, 0
    place = target.folder(record_id)
    kind = kind_of(place)
    if first == 1 and kind == "nothing":
        mirror.move(draft, place)
        return [], size
    if first == 1:
        mirror.discard(place)
        files.publish(draft, place)
        return [], size
    for number in version.versions()[first - 1 :]:
        if kind_of(place / f"v{number}") != "nothing":
            mirror.discard(place / f"v{number}")  # the leftover of a run that was cut off
        files.publish(draft / f"v{number}", place / f"v{number}")
    # Last, and together: until they are there the object is the older one, or the next run takes it up.
    moves = [(mirror.draft(), place / _INVENTORY), (mirror.draft(), place / _SIDECAR)]
    for (path, _), data in zip(moves, (version.data, sidecar(version.data)), strict=True):
        files.draft_file(path, data)
    files.publish_trees(moves, overwrite=True)
    files.remove_tree(draft)
    return [], size


def sidecar(data: bytes) -> bytes:
    """What stands beside an inventory (OCFL 1.1 §3.7)."""
    return f"{hashlib.sha512(data).hexdigest()} {_INVENTORY}\n".encode()


def _sha512(path: Path) -> str:
    try:
        return files.sha512_of(path)[0]
    except OSError:
        return ""


def _number(name: str) -> int:
    folder = name.partition("/")[0].removeprefix("v")
    return int(folder) if folder.isdigit() else 0
