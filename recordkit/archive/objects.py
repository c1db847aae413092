"""Objects on disk: one folder per record in an OCFL 1.1 storage root, readable without recordkit.

Layout: OCFL extension 0003 (hash and id: SHA-256 of the id, three tuples of three, then the id), so that a person
who looks for a record finds a folder of its name. Content names are ASCII. Paths never
leak above this module except where a person must open the file itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict
from urllib.parse import quote

from recordkit import files
from recordkit.errors import IntegrityFailure, NotFound
from recordkit.messages import Message, msg

_ROOT_DECLARATION = ("0=ocfl_1.1", b"ocfl_1.1\n")
_OBJECT_DECLARATION = ("0=ocfl_object_1.1", b"ocfl_object_1.1\n")
_URN = "urn:recordkit:"
_LAYOUT = "0003-hash-and-id-n-tuple-storage-layout"


_ROOT_FILES: Mapping[str, bytes] = {
    _ROOT_DECLARATION[0]: _ROOT_DECLARATION[1],
    "ocfl_layout.json": json.dumps(
        {"extension": _LAYOUT, "description": "Hash and id n-tuple layout of OCFL extension 0003"}, indent=2
    ).encode(),
    f"extensions/{_LAYOUT}/config.json": json.dumps(
        {"extensionName": _LAYOUT, "digestAlgorithm": "sha256", "tupleSize": 3, "numberOfTuples": 3}, indent=2
    ).encode(),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one file of an object."""

    object_id: str
    file: str
    reason: Message


@dataclass(frozen=True, slots=True)
class VersionNote:
    """Who made a version, when (ISO 8601 UTC) and why, as the OCFL inventory records it."""

    created: str
    message: str
    user: str


class _Version(TypedDict):
    created: str
    message: str
    user: dict[str, str]
    state: dict[str, list[str]]


class _Inventory(TypedDict):
    """The parts of an OCFL inventory that are read back."""

    id: str
    type: str
    digestAlgorithm: str
    head: str
    manifest: dict[str, list[str]]
    versions: dict[str, _Version]


class ObjectStore:
    """The OCFL storage root of one store. Callers hold the store's lock while they change objects."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self) -> None:
        """Write the root's declaration and layout; harmless when they exist."""
        for name, data in _ROOT_FILES.items():
            if not (self._folder / name).exists():
                files.write_atomic(self._folder / name, data)

    def check_root(self) -> list[Fault]:
        """Whether the root's own files are as they were written, and nothing lies loose beside the objects."""
        faults: list[Fault] = []
        if not self._folder.is_dir() or not any(self._folder.iterdir()):
            return faults
        for name, data in _ROOT_FILES.items():
            path = self._folder / name
            if not path.exists():
                faults.append(Fault("", name, msg("the file is missing")))
            elif path.read_bytes() != data:
                faults.append(Fault("", name, msg("the bytes are not those that were filed")))
        for path in sorted(self._folder.iterdir()):
            if path.is_file() and path.name not in _ROOT_FILES:
                faults.append(Fault("", path.name, msg("a file that does not belong to the archive")))
        return faults

    def create(self, object_id: str, content: Mapping[str, Path], note: VersionNote, staging: Path) -> str:
        """Put a new object in place; ``content`` maps ASCII names to synced files inside ``staging``, which move.

        An object of the same id that the ledger does not know is the leftover of a crash and is replaced; the
        caller guarantees by the id's uniqueness that nothing else can stand there.

        Returns:
            SHA-512 of the inventory: it binds every byte of the object.
        """
        self.prepare()
        target = self._path(object_id)
        draft = staging / f"object-{object_id}"
        files.make_folder(draft / "v1" / "content")
        manifest, state = self._move_content(content, draft, "v1", {}, {})
        inventory: _Inventory = {
            "id": _URN + object_id,
            "type": "https://ocfl.io/1.1/spec/#inventory",
            "digestAlgorithm": "sha512",
            "head": "v1",
            "manifest": manifest,
            "versions": {"v1": _version(note, state)},
        }
        data = _inventory_bytes(inventory)
        files.write_atomic(draft / _OBJECT_DECLARATION[0], _OBJECT_DECLARATION[1])
        _write_inventory(draft, data)
        _write_inventory(draft / "v1", data)
        if target.exists():
            files.remove_tree(target)
        files.publish(draft, target)
        return hashlib.sha512(data).hexdigest()

    def add_version(
        self, object_id: str, version: int, content: Mapping[str, Path], note: VersionNote, staging: Path
    ) -> str:
        """Add version ``version`` with the changed files of ``content``; the other files stay as they are.

        A version folder beyond the ledger's last one is the leftover of a crash and is removed first.

        Returns:
            SHA-512 of the new inventory.

        Raises:
            NotFound: there is no such object.
            IntegrityFailure: the inventory is damaged.
        """
        target = self._path(object_id)
        self.heal(object_id, version - 1)
        inventory = self._inventory(object_id)
        before = inventory["versions"][f"v{version - 1}"]["state"]
        name = f"v{version}"
        draft = staging / f"object-{object_id}-{name}"
        files.make_folder(draft / name / "content")
        manifest, state = self._move_content(content, draft, name, inventory["manifest"], before)
        inventory["manifest"] = manifest
        inventory["head"] = name
        inventory["versions"][name] = _version(note, state)
        data = _inventory_bytes(inventory)
        _write_inventory(draft / name, data)
        files.publish(draft / name, target / name)
        _write_inventory(target, data)
        return hashlib.sha512(data).hexdigest()

    def exists(self, object_id: str) -> bool:
        """Whether the object's folder is there."""
        return self._path(object_id).is_dir()

    def names(self, object_id: str) -> list[str]:
        """Logical file names of the newest version."""
        inventory = self._inventory(object_id)
        state = inventory["versions"][inventory["head"]]["state"]
        return sorted(name for names in state.values() for name in names)

    def locate(self, object_id: str, name: str, version: int | None = None) -> Path:
        """The file on this machine, for a viewer or a copy.

        Raises:
            NotFound: no such object, version or file.
        """
        inventory = self._inventory(object_id)
        wanted = inventory["versions"].get(f"v{version}" if version else inventory["head"])
        for digest, names in wanted["state"].items() if wanted else ():
            if name in names:
                return self._path(object_id) / str(inventory["manifest"][digest][0])
        raise NotFound(msg("The object {id} holds no file {name}.", id=object_id, name=name))

    def read(self, object_id: str, name: str, version: int | None = None) -> bytes:
        """Content of a file.

        Raises:
            NotFound: no such object, version or file.
            IntegrityFailure: the file is listed but cannot be read.
        """
        try:
            return self.locate(object_id, name, version).read_bytes()
        except OSError as error:
            raise IntegrityFailure(
                msg("The file {name} of object {id} cannot be read: {error}", name=name, id=object_id,
                    error=error.strerror or str(error)),
                msg("Run 'recordkit verify' and restore the object from a backup."),
            ) from None

    def recorded_digest(self, object_id: str, name: str) -> str:
        """SHA-512 that a file of the newest version had when it was stored.

        Raises:
            NotFound: no such object or file.
        """
        inventory = self._inventory(object_id)
        for digest, names in inventory["versions"][inventory["head"]]["state"].items():
            if name in names:
                return digest
        raise NotFound(msg("The object {id} holds no file {name}.", id=object_id, name=name))

    def inventory_digest(self, object_id: str) -> str:
        """SHA-512 of the current inventory file."""
        return hashlib.sha512((self._path(object_id) / "inventory.json").read_bytes()).hexdigest()

    def remove(self, object_id: str) -> None:
        """Remove the object with all versions, and the parents that became empty (OCFL forbids empty folders)."""
        files.remove_tree(self._path(object_id), within=self._folder)

    def holds_path_of(self, object_id: str) -> bool:
        """Whether anything at all stands where the object was, asked of the file system itself."""
        return self._path(object_id).exists()

    def ids(self) -> Iterator[str]:
        """Ids of all objects on disk, in no particular order."""
        for declaration in self._folder.rglob(_OBJECT_DECLARATION[0]):
            # By the folder's name, not its inventory: a damaged object must still be found.
            yield declaration.parent.name.replace("%3a", ":").removeprefix(_URN)

    def check(self, object_id: str) -> list[Fault]:
        """Re-read every byte of an object; all findings, not the first.

        Checks the inventory against its sidecar, each content file against the manifest (SHA-512), and that no
        stray or missing file is there (OCFL 1.1 §3).
        """
        faults: list[Fault] = []

        def found(file: str, reason: Message) -> None:
            faults.append(Fault(object_id, file, reason))

        root = self._path(object_id)
        if not root.is_dir():
            found("", msg("the object is missing"))
            return faults
        try:
            inventory = self._inventory(object_id)
        except IntegrityFailure as failure:
            found("inventory.json", failure.what)
            return faults
        listed = {str(path): digest for digest, paths in inventory["manifest"].items() for path in paths}
        expected = {_OBJECT_DECLARATION[0], "inventory.json", "inventory.json.sha512", *listed}
        for name in inventory["versions"]:
            expected |= {f"{name}/inventory.json", f"{name}/inventory.json.sha512"}
            data = root / name / "inventory.json"
            side = root / name / "inventory.json.sha512"
            if data.exists() and side.exists() and not _sidecar_holds(data.read_bytes(), side.read_bytes()):
                found(f"{name}/inventory.json", msg("the bytes are not those that were filed"))
        present = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
        for name in sorted(expected - present):
            found(name, msg("the file is missing"))
        for name in sorted(present - expected):
            found(name, msg("a file that does not belong to the object"))
        for name, digest in sorted(listed.items()):
            if name in present and files.digests_of(root / name).sha512 != digest:
                found(name, msg("the bytes are not those that were filed"))
        declaration = root / _OBJECT_DECLARATION[0]
        if declaration.exists() and declaration.read_bytes() != _OBJECT_DECLARATION[1]:
            found(_OBJECT_DECLARATION[0], msg("the bytes are not those that were filed"))
        head = root / str(inventory["head"]) / "inventory.json"
        if head.exists() and head.read_bytes() != (root / "inventory.json").read_bytes():
            found("inventory.json", msg("it differs from the inventory of its newest version"))
        return faults

    def _move_content(
        self,
        content: Mapping[str, Path],
        draft: Path,
        version: str,
        manifest: Mapping[str, list[str]],
        state: Mapping[str, list[str]],
    ) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        new_manifest = {digest: list(paths) for digest, paths in manifest.items()}
        kept = {
            digest: [name for name in names if name not in content]
            for digest, names in state.items()
        }
        new_state = {digest: names for digest, names in kept.items() if names}
        for name, path in sorted(content.items()):
            digest = files.digests_of(path).sha512
            if digest not in new_manifest:
                files.publish(path, draft / version / "content" / name)
                new_manifest[digest] = [f"{version}/content/{name}"]
            new_state.setdefault(digest, []).append(name)
        if not any((draft / version / "content").iterdir()):
            (draft / version / "content").rmdir()
        return new_manifest, new_state

    def heal(self, object_id: str, version: int) -> None:
        """Bring an object back to ``version``, the newest one that the ledger knows; 0 removes it altogether.

        What lies beyond it is the leftover of a killed process.

        Raises:
            NotFound: there is no such object, and ``version`` is not 0.
        """
        if version == 0:
            self.remove(object_id)
            return
        root = self._path(object_id)
        if not root.is_dir():
            raise NotFound(msg("The object {id} is not in the store.", id=object_id))
        for folder in root.glob("v[0-9]*"):
            if int(folder.name[1:]) > version:
                files.remove_tree(folder)
        data = root / f"v{version}" / "inventory.json"
        if data.exists():
            current = root / "inventory.json"
            side = root / "inventory.json.sha512"
            if current.read_bytes() != data.read_bytes() or not _sidecar_holds(data.read_bytes(), side.read_bytes()):
                _write_inventory(root, data.read_bytes())

    def _inventory(self, object_id: str) -> _Inventory:
        root = self._path(object_id)
        try:
            data = (root / "inventory.json").read_bytes()
            side = (root / "inventory.json.sha512").read_bytes()
        except FileNotFoundError:
            raise NotFound(msg("The object {id} is not in the store.", id=object_id)) from None
        if not _sidecar_holds(data, side):
            raise IntegrityFailure(
                msg("The inventory of object {id} is not what was written.", id=object_id),
                msg("Run 'recordkit verify' and restore the object from a backup."),
            )
        inventory: _Inventory = json.loads(data)
        return inventory

    def _path(self, object_id: str) -> Path:
        if not (object_id.isascii() and object_id.isalnum()):
            # Our ids have no other characters, and no path may be smuggled in as one.
            raise NotFound(msg("The object {id} is not in the store.", id=object_id))
        urn = _URN + object_id
        digest = hashlib.sha256(urn.encode()).hexdigest()
        return self._folder / digest[:3] / digest[3:6] / digest[6:9] / urn.replace(":", "%3a")


def _version(note: VersionNote, state: Mapping[str, list[str]]) -> _Version:
    return {
        "created": note.created,
        "message": note.message,
        "user": {"name": note.user, "address": f"{_URN}actor:{quote(note.user, safe='')}"},
        "state": dict(state),
    }


def _inventory_bytes(inventory: _Inventory) -> bytes:
    return json.dumps(inventory, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def _write_inventory(folder: Path, data: bytes) -> None:
    files.write_atomic(folder / "inventory.json", data, overwrite=True)
    files.write_atomic(folder / "inventory.json.sha512", _sidecar(data), overwrite=True)


def _sidecar_holds(data: bytes, side: bytes) -> bool:
    return side == _sidecar(data)


def _sidecar(data: bytes) -> bytes:
    return f"{hashlib.sha512(data).hexdigest()} inventory.json\n".encode()
