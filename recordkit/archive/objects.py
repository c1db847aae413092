"""Objects on disk: one folder per record in an OCFL 1.1 storage root, readable without recordkit.

Layout: OCFL extension 0003 (hash and id: SHA-256 of the id, three tuples of three, then the id), so that a person
who looks for a record finds a folder of its name. Content names are ASCII. Paths never
leak above this module except where a person must open the file itself.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypedDict
from urllib.parse import quote

from msgspec import Struct

from recordkit import files
from recordkit.errors import IntegrityFailure, NotFound
from recordkit.messages import Message, msg

_ROOT_DECLARATION = ("0=ocfl_1.1", b"ocfl_1.1\n")
_OBJECT_DECLARATION = ("0=ocfl_object_1.1", b"ocfl_object_1.1\n")
_URN = "urn:recordkit:"
_TUPLES = 3
_TUPLE_SIZE = 3
_LAYOUT = "0003-hash-and-id-n-tuple-storage-layout"


_ROOT_FILES: Mapping[str, bytes] = {
    _ROOT_DECLARATION[0]: _ROOT_DECLARATION[1],
    "ocfl_layout.json": json.dumps(
        {"extension": _LAYOUT, "description": "Hash and id n-tuple layout of OCFL extension 0003"}, indent=2
    ).encode(),
    f"extensions/{_LAYOUT}/config.json": json.dumps(
        {"extensionName": _LAYOUT, "digestAlgorithm": "sha256", "tupleSize": _TUPLE_SIZE, "numberOfTuples": _TUPLES},
        indent=2,
    ).encode(),
}


class Fault(Struct, frozen=True):
    """What is wrong with one file of an object: it is another one, or missing, or does not belong there."""

    object_id: str
    file: str
    reason: Message
    kind: Literal["changed", "missing", "stray"] = "changed"


class Reading(Struct, frozen=True):
    """An object read again: what is wrong, bytes of its content files, SHA-512 of its inventory (or empty)."""

    object_id: str
    faults: tuple[Fault, ...]
    bytes: int
    inventory: str


class Contents(Struct, frozen=True):
    """What an inventory lists: number of the newest version, its files (name to path and SHA-512), who made each."""

    head: int
    files: Mapping[str, tuple[Path, str]]
    notes: tuple[VersionNote, ...]


class VersionNote(Struct, frozen=True):
    """Who made a version, when (ISO 8601 UTC) and why, as the OCFL inventory records it."""

    created: str
    message: str
    user: str


class NewObject(Struct, frozen=True):
    """An object that is to be created.

    ``content`` maps ASCII names to files inside the staging folder, which move, or to bytes.
    """

    object_id: str
    content: Mapping[str, Path | bytes]
    note: VersionNote


class AddedVersion(Struct, frozen=True):
    """The next version of an object.

    ``content`` maps the names of files that are new or other ones to files inside the staging folder, which move, or to
    bytes; the object's other files stay as they are. The names in ``without`` belong to the older versions only from
    now on.
    """

    object_id: str
    version: int
    content: Mapping[str, Path | bytes]
    note: VersionNote
    without: Collection[str] = ()


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

    def prepare(self, staging: Path | None = None) -> None:
        """Write the root's declaration and layout, by way of a staging folder; harmless when they exist."""
        missing = [(self._folder / name, data) for name, data in _ROOT_FILES.items()
                   if not (self._folder / name).exists()]
        if missing:
            files.write_batch(missing, room=staging)

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

    def create(
        self, object_id: str, content: Mapping[str, Path | bytes], note: VersionNote, staging: Path
    ) -> str:
        """Put one new object in place; see ``create_many``."""
        return self.create_many([NewObject(object_id, content, note)], staging)[0]

    def create_many(self, objects: Sequence[NewObject], staging: Path) -> list[str]:
        """Put new objects in place together, durably, with as few waits for the disk as possible.

        An object of the same id that the ledger does not know is the leftover of a crash and is replaced; the
        caller guarantees by the id's uniqueness that nothing else can stand there.

        Returns:
            For each object SHA-512 of its inventory: it binds every byte of the object.
        """
        self.prepare(staging)
        moves: list[tuple[Path, Path]] = []
        digests: list[str] = []
        for one in objects:
            target = self._path(one.object_id)
            draft = staging / f"object-{one.object_id}"
            digests.append(self._draft(one, draft))
            if target.exists():
                files.remove_tree(target)
            moves.append((draft, target))
        files.publish_trees(moves)
        return digests

    def _draft(self, new: NewObject, draft: Path) -> str:
        """Write the whole object into a staging folder; SHA-512 of its inventory."""
        manifest, state = self._move_content(new.content, draft, "v1", {}, {})
        inventory: _Inventory = {
            "id": _URN + new.object_id,
            "type": "https://ocfl.io/1.1/spec/#inventory",
            "digestAlgorithm": "sha512",
            "head": "v1",
            "manifest": manifest,
            "versions": {"v1": _version(new.note, state)},
        }
        data = json_bytes(inventory)
        files.draft_file(draft / _OBJECT_DECLARATION[0], _OBJECT_DECLARATION[1])
        _draft_inventory(draft, data)
        _draft_inventory(draft / "v1", data)
        return hashlib.sha512(data).hexdigest()

    def add_versions(self, versions: Sequence[AddedVersion], staging: Path) -> list[str]:
        """Add a version to each of several objects, durably, with as few waits for the disk as possible.

        A version folder beyond the ledger's last one is the leftover of a crash and is removed first. Killed in
        between, some objects have their version and some have not: whoever calls has announced them all.

        Returns:
            For each object SHA-512 of its new inventory.

        Raises:
            NotFound: there is no such object; no version was added.
            IntegrityFailure: an inventory is damaged, or lacks what the ledger knows; no version was added.
        """
        folders: list[tuple[Path, Path]] = []
        inventories: list[tuple[Path, Path]] = []
        digests: list[str] = []
        for one in versions:
            target, name = self._path(one.object_id), f"v{one.version}"
            draft = staging / f"object-{one.object_id}-{name}"
            data = self._draft_version(one, draft)
            folders.append((draft / name, target / name))
            inventories += [(draft / file, target / file) for file in ("inventory.json", "inventory.json.sha512")]
            digests.append(hashlib.sha512(data).hexdigest())
        # The inventory may name a version only once that is on the disk.
        files.publish_trees(folders)
        files.publish_trees(inventories, overwrite=True)
        return digests

    def _draft_version(self, new: AddedVersion, draft: Path) -> bytes:
        """Write the version's folder and the object's new inventory into a staging folder; that inventory."""
        before, name = new.version - 1, f"v{new.version}"
        self.heal(new.object_id, before)
        inventory = self._inventory(new.object_id)
        if f"v{before}" not in inventory["versions"]:
            # Brought back from a copy that was older: a new version on top would hide that one is lost.
            raise IntegrityFailure(
                msg("The object {id} lacks version {version}, which the ledger knows.", id=new.object_id,
                    version=before),
                msg("Look for a later copy of the store that has it: recordkit backup --to DIR --check says which."),
            )
        state = {
            digest: [one for one in names if one not in new.without]
            for digest, names in inventory["versions"][f"v{before}"]["state"].items()
        }
        manifest, state = self._move_content(new.content, draft, name, inventory["manifest"], state)
        inventory["manifest"] = manifest
        inventory["head"] = name
        inventory["versions"][name] = _version(new.note, state)
        data = json_bytes(inventory)
        _draft_inventory(draft, data)
        _draft_inventory(draft / name, data)
        return data

    def exists(self, object_id: str) -> bool:
        """Whether the object's folder is there."""
        return self._path(object_id).is_dir()

    def folder_of(self, object_id: str) -> Path:
        """Where the object lies, or would lie: for copies of whole objects alone.

        Raises:
            NotFound: no object has such an id.
        """
        return self._path(object_id)

    def names(self, object_id: str, version: int | None = None) -> list[str]:
        """Logical file names of a version, else of the newest one; none for a version that does not exist."""
        inventory = self._inventory(object_id)
        wanted = inventory["versions"].get(f"v{version}" if version else inventory["head"])
        return sorted(name for names in wanted["state"].values() for name in names) if wanted else []

    def contents(self, object_id: str) -> Contents:
        """All that the newest inventory lists, read once.

        Raises:
            NotFound, IntegrityFailure, OSError, ValueError, KeyError, TypeError: it cannot be read.
        """
        inventory, folder = self._inventory(object_id), self._path(object_id)
        listed = {
            name: (folder / str(inventory["manifest"][digest][0]), digest)
            for digest, names in inventory["versions"][inventory["head"]]["state"].items() for name in names
        }
        notes = tuple(VersionNote(str(one.get("created", "")), str(one.get("message", "")),
                                  str(one.get("user", {}).get("name", "")))
                      for one in inventory["versions"].values())
        return Contents(int(inventory["head"][1:]), listed, notes)

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

    def current_files(self, object_id: str) -> list[tuple[str, Path, str]]:
        """Every file of the newest version: logical name, where it lies, SHA-512 that it had when it was stored.

        Raises:
            NotFound: no such object.
            IntegrityFailure: the inventory is damaged.
        """
        inventory = self._inventory(object_id)
        folder, manifest = self._path(object_id), inventory["manifest"]
        state = inventory["versions"][inventory["head"]]["state"]
        return sorted((name, folder / str(manifest[digest][0]), digest) for digest, names in state.items()
                      for name in names)

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
        return (object_id for object_id, _ in self.folders() if object_id)

    def folders(self) -> Iterator[tuple[str, str]]:
        """Id and relative name of everything that stands where objects stand; no id for what is none of ours.

        By the folder's name, not its inventory: a damaged object must still be found.
        """
        if not self._folder.is_dir():
            return
        for top in os.scandir(self._folder):
            if not top.is_dir(follow_symlinks=False):
                continue  # for check_root
            if top.name != "extensions":
                yield from self._folders_in(top, (top.name,))

    def _folders_in(self, folder: os.DirEntry[str], names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        try:
            inside = list(os.scandir(folder))
        except FileNotFoundError:  # a destruction took it away this moment
            return
        for inner in inside:
            path = (*names, inner.name)
            if len(names) < _TUPLES and len(inner.name) == _TUPLE_SIZE and inner.is_dir(follow_symlinks=False):
                yield from self._folders_in(inner, path)
                continue
            object_id = inner.name.replace("%3a", ":").removeprefix(_URN)
            own = object_id.isascii() and object_id.isalnum() and self._path(object_id) == self._folder.joinpath(*path)
            yield object_id if own else "", "/".join(path)

    def check(self, object_id: str) -> list[Fault]:
        """Re-read every byte of an object; all findings, not the first."""
        return list(self.read_again(object_id).faults)

    def read_again(self, object_id: str) -> Reading:
        """Re-read every byte of an object, each file once.

        Checks the inventory against its sidecar, each content file against the manifest (SHA-512), and that no
        stray or missing file is there (OCFL 1.1 §3). A file that the disk refuses to give is a finding.
        """
        root, size, faults = self._path(object_id), 0, list[Fault]()

        def found(file: str, reason: Message, kind: Literal["changed", "missing", "stray"] = "changed") -> None:
            faults.append(Fault(object_id, file, reason, kind))

        if not root.is_dir():
            found("", msg("the object is missing"), "missing")
            return Reading(object_id, tuple(faults), 0, "")
        try:
            inventory = self._inventory(object_id)
        except (IntegrityFailure, NotFound) as failure:
            found("inventory.json", failure.what)
            return Reading(object_id, tuple(faults), 0, "")
        except (OSError, ValueError) as error:
            found("inventory.json", msg("it cannot be read: {error}", error=str(error)))
            return Reading(object_id, tuple(faults), 0, "")
        listed = {str(path): digest for digest, paths in inventory["manifest"].items() for path in paths}
        expected = {_OBJECT_DECLARATION[0], "inventory.json", "inventory.json.sha512", *listed}
        for name in inventory["versions"]:
            expected |= {f"{name}/inventory.json", f"{name}/inventory.json.sha512"}
        present = _files_below(root)
        for name in sorted(expected - present):
            found(name, msg("the file is missing"), "missing")
        for name in sorted(present - expected):
            found(name, msg("a file that does not belong to the object"), "stray")
        small: dict[str, bytes] = {}
        for name in sorted(expected & present):
            try:
                if name in listed:
                    digest, length = files.sha512_of(root / name)
                    size += length
                    if digest != listed[name]:
                        found(name, msg("the bytes are not those that were filed"))
                else:
                    small[name] = (root / name).read_bytes()
            except OSError as error:
                found(name, msg("it cannot be read: {error}", error=error.strerror or str(error)))
        for name in inventory["versions"]:
            data, side = small.get(f"{name}/inventory.json"), small.get(f"{name}/inventory.json.sha512")
            if data is not None and side is not None and not _sidecar_holds(data, side):
                found(f"{name}/inventory.json", msg("the bytes are not those that were filed"))
        if small.get(_OBJECT_DECLARATION[0], _OBJECT_DECLARATION[1]) != _OBJECT_DECLARATION[1]:
            found(_OBJECT_DECLARATION[0], msg("the bytes are not those that were filed"))
        own = small.get("inventory.json", b"")
        if small.get(f"{inventory['head']}/inventory.json", own) != own:
            found("inventory.json", msg("it differs from the inventory of its newest version"))
        return Reading(object_id, tuple(faults), size, hashlib.sha512(own).hexdigest())

    def _move_content(
        self,
        content: Mapping[str, Path | bytes],
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
        files.draft_folder(draft / version)
        for name, data in sorted(content.items()):
            digest = hashlib.sha512(data).hexdigest() if isinstance(data, bytes) else files.sha512_of(data)[0]
            if digest not in new_manifest:
                target = files.draft_folder(draft / version / "content") / name
                if isinstance(data, bytes):
                    files.draft_file(target, data)
                else:
                    files.draft_move(data, target)
                new_manifest[digest] = [f"{version}/content/{name}"]
            new_state.setdefault(digest, []).append(name)
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
        files.remove_unfinished(root)
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
        # In one step: a rebuild asks for the folder of every record, and each step of a path is made anew.
        return self._folder / f"{digest[:3]}/{digest[3:6]}/{digest[6:9]}/{urn.replace(':', '%3a')}"


def _files_below(root: Path) -> set[str]:
    """Names of all files, relative, with slashes. A walk without path objects: this runs for every record."""
    found, top = set[str](), len(str(root)) + 1
    for folder, _, names in os.walk(root):
        place = folder[top:].replace(os.sep, "/")
        found.update(f"{place}/{name}" if place else name for name in names)
    return found


def _version(note: VersionNote, state: Mapping[str, list[str]]) -> _Version:
    return {
        "created": note.created,
        "message": note.message,
        "user": {"name": note.user, "address": f"{_URN}actor:{quote(note.user, safe='')}"},
        "state": dict(state),
    }


def json_bytes(value: Mapping[str, object]) -> bytes:
    """The text of a JSON file of an object: UTF-8, keys in order, each outer member and listed item on its own line.

    Told to indent, ``json.dumps`` leaves its C code and takes many times as long.
    """
    members = (f" {_dump(name)}: {_lines(value[name])}" for name in sorted(value))
    return ("{\n" + ",\n".join(members) + "\n}\n").encode()


def _lines(value: object) -> str:
    return "[\n  " + ",\n  ".join(map(_dump, value)) + "]" if value and isinstance(value, list) else _dump(value)


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)




def _write_inventory(folder: Path, data: bytes) -> None:
    files.write_atomic(folder / "inventory.json", data, overwrite=True)
    files.write_atomic(folder / "inventory.json.sha512", _sidecar(data), overwrite=True)


def _draft_inventory(folder: Path, data: bytes) -> None:
    files.draft_file(folder / "inventory.json", data)
    files.draft_file(folder / "inventory.json.sha512", _sidecar(data))


def _sidecar_holds(data: bytes, side: bytes) -> bool:
    return side == _sidecar(data)


def _sidecar(data: bytes) -> bytes:
    return f"{hashlib.sha512(data).hexdigest()} inventory.json\n".encode()
