"""Folders of which one is a copy of the other: plain files alone, every byte held against what was read.

A link in a copy could lead a run anywhere, and a pipe would hold it for ever; so what is neither file nor folder is
refused in a copy, and left out, by name, in a store.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from recordkit import files
from recordkit.errors import IntegrityFailure
from recordkit.messages import msg

_CHUNK = 1 << 20
_NO_NAME = frozenset({errno.EINVAL, errno.ENAMETOOLONG, errno.EILSEQ})
"""What systems say of a file name that they do not have: a colon on FAT, one that is too long."""
_TOGETHER = 256
"""Files, or objects, that are made durable in one go."""


def is_leftover(name: str) -> bool:
    """Whether a name is that of something half written or half removed."""
    return name.startswith(".") and name.endswith((".tmp", ".gone"))


def kind_of(path: Path) -> str:
    """``file``, ``folder``, ``nothing``, or ``other`` for links, pipes and devices."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "nothing"
    return "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "other"


def are_equal(one: Path, other: Path) -> bool:
    """Whether two files have the same bytes; sizes and times prove nothing."""
    with one.open("rb") as first, other.open("rb") as second:
        while True:
            data = first.read(_CHUNK)
            if data != second.read(_CHUNK):
                return False
            if not data:
                return True


def can_be_read(path: Path) -> bool:
    """Whether the disk gives every byte of a file."""
    try:
        files.sha512_of(path)
    except OSError:
        return False
    return True


@dataclass(slots=True)
class Walk:
    """Files below a folder, sorted, without leftovers; ``others`` collects what is neither file nor folder."""

    root: Path
    without: frozenset[str] = frozenset()
    others: list[str] = field(default_factory=list)

    def below(self, name: str) -> Iterator[str]:
        """Places of the files in folder ``name`` of the root, relative to the root, with slashes."""
        kind = kind_of(self.root / name)
        if kind == "other":
            self.others.append(name)
        if kind != "folder":
            return
        for entry in sorted(os.scandir(self.root / name), key=lambda one: one.name):
            place = f"{name}/{entry.name}"
            if is_leftover(entry.name) or place in self.without:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from self.below(place)
            elif entry.is_file(follow_symlinks=False):
                yield place
            else:
                self.others.append(place)


def _led_out(path: Path) -> IntegrityFailure:
    return IntegrityFailure(
        msg("{place} is a link or a device, neither file nor folder.", place=str(path)),
        msg("Nothing of the kind belongs into a copy: find out who put it there, and remove it."),
    )


class Guarded:
    """Paths below a folder that somebody else can write to: none of them may lead out of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._good: set[str] = set()
        """Folders that were looked at, as they stand in a place."""

    def path(self, place: str) -> Path:
        """The path of a place.

        Raises:
            IntegrityFailure: a link, a pipe or a device stands there or on the way.
        """
        path = self.root / place
        folder, _, name = place.rpartition("/")
        if folder in self._good and name not in ("", ".", "..") and "\\" not in name:
            # Every object of a large store comes by here several times: its parts were looked at the first time.
            self._look(path, place)
            return path
        here, parts = self.root, Path(place).parts
        for count, part in enumerate(parts, start=1):
            here = here / part
            if (text := "/".join(parts[:count])) not in self._good:
                if part == "..":
                    raise _led_out(here)
                self._look(here, text)
        return path

    def _look(self, path: Path, place: str) -> None:
        kind = kind_of(path)
        if kind == "other":
            raise _led_out(path)
        if kind == "folder":
            if len(self._good) > 50_000:
                self._good.clear()
            self._good.add(place)

    def files_below(self, name: str) -> Iterator[str]:
        """Places of the files in a folder of the root.

        Raises:
            IntegrityFailure: something else than files and folders is among them.
        """
        walk = Walk(self.root)
        yield from walk.below(name)
        for place in walk.others:
            self.path(place)


class Mirror:
    """A folder that is brought up to another: what is written appears whole or not at all, many files at once.

    When it only ``rehearses``, it counts, and changes nothing. ``failed`` names the files that cannot be read, or whose
    names the other disk does not take: one of them must not keep all others from being copied.
    """

    def __init__(self, root: Path, staging: Path, *, rehearses: bool = False) -> None:
        self._to, self._staging, self._rehearses = Guarded(root), staging, rehearses
        self._moves: list[tuple[Path, Path]] = []
        self.copied = self.bytes = self.unchanged = self.removed = 0
        self.failed: list[str] = []

    def path(self, place: str) -> Path:
        """Where a place lies; see ``Guarded``."""
        return self._to.path(place)

    def put_file(self, source: Path, place: str) -> None:
        """Copy a file, unless these very bytes are there; one that has left meanwhile is none."""
        target = self.path(place)
        try:
            size = source.stat().st_size
            if kind_of(target) == "file" and target.stat().st_size == size and are_equal(source, target):
                self.unchanged += 1
                return
            if not self._rehearses:
                draft = self.draft()
                size = files.copy_with_digests(source, draft, durable=False).size
                self.move(draft, target)
        except OSError as error:
            if kind_of(source) == "nothing":
                return
            if files.is_full(error) or can_be_read(source):
                raise
            self.failed.append(f"{place}: {error.strerror or error}")
            return
        self.copied += 1
        self.bytes += size

    def put_bytes(self, data: bytes, place: str) -> None:
        """Write a file, unless these very bytes are there."""
        target = self.path(place)
        if kind_of(target) == "file" and target.read_bytes() == data:
            self.unchanged += 1
            return
        self.copied += 1
        self.bytes += len(data)
        if not self._rehearses:
            draft = self.draft()
            files.draft_file(draft, data)
            self.move(draft, target)

    def draft(self) -> Path:
        """A free name in the staging folder, for a file or a folder."""
        return self._staging / secrets.token_hex(8)

    def move(self, draft: Path, target: Path) -> None:
        """Let a draft take its place with the others; a file there is replaced."""
        for parent in target.relative_to(self._to.root).parents:
            if kind_of(self._to.root / parent) == "file":
                files.remove_file(self._to.root / parent)  # it became a folder
        if kind_of(target) == "folder" and kind_of(draft) == "file":
            self.discard(target)
        self._moves.append((draft, target))
        if len(self._moves) >= _TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Put in place what was drafted; durable when this returns."""
        moves, self._moves = self._moves, []
        try:
            files.publish_trees(moves, overwrite=True)
        except OSError as error:
            if error.errno not in _NO_NAME:
                raise
            for move in moves:
                self._place(*move)

    def _place(self, draft: Path, target: Path) -> None:
        """Put in place what a name that this disk does not have has left behind, or that name itself."""
        if kind_of(draft) == "nothing":
            return  # it is in place
        try:
            files.publish_trees([(draft, target)], overwrite=True)
        except OSError as error:
            if error.errno not in _NO_NAME:
                raise
            place = target.relative_to(self._to.root).as_posix()
            self.failed.append(f"{place}: {error.strerror or error}")

    def discard(self, path: Path) -> None:
        """Remove a file or a folder, by way of the staging folder.

        That is cleared by the next run when this one is killed; half removed in its place nobody would know it again.
        """
        draft = self.draft()
        files.draft_move(path, draft)
        files.sync_folder(path.parent)
        files.remove_tree(draft) if kind_of(draft) == "folder" else files.remove_file(draft)
        files.remove_empty(path.parent, within=self._to.root)

    def remove(self, places: Iterable[str]) -> None:
        """Remove files, and the folders that became empty."""
        paths = [self.path(place) for place in places]
        self.removed += len(paths)
        if not self._rehearses:
            files.remove_files(paths)
            for parent in {path.parent for path in paths}:
                files.remove_empty(parent, within=self._to.root)
