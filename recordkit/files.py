"""The only module that writes files: stage, sync, rename, sync the folder.

What each platform guarantees. On Linux and macOS a rename within one folder is atomic and the folder can be
synced, so that a file is there whole or not at all even after a power cut. On Windows a rename over an existing
file is atomic on NTFS, folders cannot be synced, and durability of a name rests on the journal of the file system.
"""

from __future__ import annotations

import contextlib
import filecmp
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from recordkit.errors import StoreBusy
from recordkit.messages import msg

_CHUNK = 1 << 20
_SYNCING = 8  # files synced side by side
_SPOOLED = 16 << 20  # bytes kept in memory


@dataclass(frozen=True, slots=True)
class Digests:
    """Lower-case hexadecimal digests of a file and its size in bytes."""

    sha256: str
    sha512: str
    size: int


def _sync(handle: BinaryIO | FileIO) -> None:
    handle.flush()
    os.fsync(handle.fileno())


def _rename(source: Path, target: Path) -> None:
    os.replace(source, target)  # noqa: PTH105  (one place, so that a fault test can stand in its way)


def sync_folder(folder: Path) -> None:
    """Make the names inside ``folder`` durable; does nothing where folders cannot be opened (Windows)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> Path:
    """Create ``folder`` with its parents and make their names durable; harmless when it exists."""
    if folder.is_dir():
        return folder
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)
    return folder


def write_atomic(path: Path, data: bytes, *, overwrite: bool = False) -> None:
    """Write ``data`` so that ``path`` appears whole or not at all.

    Raises:
        FileExistsError: the file exists and ``overwrite`` is false.
    """
    with writing(path, overwrite=overwrite) as handle:
        handle.write(data)


@contextmanager
def writing(path: Path, *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """A stream whose content appears at ``path`` whole at the end of the block, or not at all after an exception.

    Raises:
        FileExistsError: the file exists and ``overwrite`` is false.
    """
    if not overwrite and path.exists():
        raise FileExistsError(str(path))
    make_folder(path.parent)
    # The name is short and ASCII: a Chinese file name close to the limit of 255 bytes must not fail here.
    temporary = path.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        with temporary.open("xb") as handle:
            yield handle
            _sync(handle)
        _put_in_place(temporary, path, overwrite=overwrite)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def _put_in_place(temporary: Path, path: Path, *, overwrite: bool) -> None:
    if overwrite:
        _rename(temporary, path)
        return
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        # The very same file is no other one: a run that goes on may meet what the first one wrote.
        if not filecmp.cmp(temporary, path, shallow=False):
            raise FileExistsError(str(path)) from None
    except OSError:
        # FAT and some network file systems have no hard links; the check narrows the race that a link closes.
        if path.exists():
            raise FileExistsError(str(path)) from None
        _rename(temporary, path)


def probe(folder: Path) -> None:
    """Make a folder and look whether files can be written there.

    Raises:
        OSError: they cannot.
    """
    make_folder(folder)
    trial = folder / f".{secrets.token_hex(8)}.tmp"
    try:
        trial.write_bytes(b"?")
    finally:
        trial.unlink(missing_ok=True)


def write_batch(
    items: Sequence[tuple[Path, bytes]], *, overwrite: bool = False, room: Path | None = None
) -> None:
    """Write many files, each of which appears whole or not at all; durable when this returns.

    Syncing many files side by side lets the disk take them in one go: a loop would wait for it once a file.

    Args:
        items: path and content of each.
        overwrite: replace files that exist.
        room: a staging folder on the same file system where the files begin, so that a killed process leaves nothing
            beside its documents; else they begin in their own folder.

    Raises:
        FileExistsError: one exists and ``overwrite`` is false; those before it in ``items`` are in place.
    """
    from concurrent.futures import ThreadPoolExecutor

    temporaries: list[Path] = []
    handles: list[FileIO] = []
    mark = secrets.token_hex(4)
    for folder in {path.parent for path, _ in items}:
        make_folder(folder)
        if room is not None and room.stat().st_dev != folder.stat().st_dev:
            room = None  # nothing is renamed from one file system to another
    try:
        for number, (path, data) in enumerate(items):
            temporaries.append((room or path.parent) / f".{mark}{number:08x}.tmp")
            handles.append(temporaries[-1].open("xb", buffering=0))
            handles[-1].write(data)
        with ThreadPoolExecutor(_SYNCING) as pool:
            list(pool.map(_sync, handles))
        for handle in handles:
            handle.close()
        for temporary, (path, _) in zip(temporaries, items, strict=True):
            _put_in_place(temporary, path, overwrite=overwrite)
    finally:
        for handle in handles:
            handle.close()
        for temporary in temporaries:
            temporary.unlink(missing_ok=True)
    for folder in {path.parent for path, _ in items}:
        sync_folder(folder)


class Spool:
    """Lines kept for a second pass: in memory while they are few, then in a file that no other program can name."""

    def __init__(self, folder: Path | None = None) -> None:
        """``folder``: where the file lies, should it be needed."""
        import tempfile

        place = str(folder) if folder else None
        self._file = tempfile.SpooledTemporaryFile(max_size=_SPOOLED, dir=place)  # noqa: SIM115  (closed with us)
        self._count = 0

    def append(self, line: bytes) -> None:
        """Add a line; it holds no line feed."""
        self._file.write(line + b"\n")
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        for line in self._file:
            yield line[:-1]


def append_durable(path: Path, data: bytes) -> None:
    """Append ``data`` and return only when it is on the disk. The caller holds the store's lock."""
    fresh = not path.exists()
    with path.open("ab") as handle:
        handle.write(data)
        _sync(handle)
    if fresh:
        sync_folder(path.parent)


def truncate(path: Path, size: int) -> None:
    """Cut a file to ``size`` bytes, durably."""
    with path.open("r+b") as handle:
        handle.truncate(size)
        _sync(handle)


def sha512_of(path: Path) -> tuple[str, int]:
    """SHA-512 of a file, lower-case hexadecimal, and its size in bytes; other threads run meanwhile."""
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha512").hexdigest()
        return digest, handle.tell()


def digests_of(path: Path) -> Digests:
    """Both digests of a file in one reading."""
    with path.open("rb") as handle:
        return _digest(handle, None)


def copy_with_digests(source: Path, target: Path) -> Digests:
    """Copy a file durably and digest the very bytes that were written.

    Raises:
        FileExistsError: ``target`` exists.
    """
    with source.open("rb") as reader, target.open("xb") as writer:
        digests = _digest(reader, writer)
        _sync(writer)
    sync_folder(target.parent)
    return digests


def _digest(reader: BinaryIO, writer: BinaryIO | None) -> Digests:
    short, long, size = hashlib.sha256(), hashlib.sha512(), 0
    while chunk := reader.read(_CHUNK):
        short.update(chunk)
        long.update(chunk)
        size += len(chunk)
        if writer is not None:
            writer.write(chunk)
    return Digests(short.hexdigest(), long.hexdigest(), size)


def publish(staged: Path, target: Path) -> None:
    """Move a finished file or folder, whose files are already synced, to its final name.

    Raises:
        FileExistsError: something stands at ``target``.
    """
    if target.exists():
        raise FileExistsError(str(target))
    make_folder(target.parent)
    if staged.is_dir():
        for folder in [staged, *(path for path in staged.rglob("*") if path.is_dir())]:
            sync_folder(folder)
    _rename(staged, target)
    sync_folder(target.parent)


def move_into(source: Path, folder: Path, name: str | None = None) -> Path:
    """Move a file into ``folder`` under a free name (``x.pdf``, ``x (2).pdf``, ...) and return the new path."""
    make_folder(folder)
    wanted = Path(name or source.name)
    target, turn = folder / wanted.name, 2
    while target.exists():
        target, turn = folder / f"{wanted.stem} ({turn}){wanted.suffix}", turn + 1
    try:
        _rename(source, target)
    except OSError:
        # Another file system: copy, sync, then remove the source; killed in between, both exist and none is lost.
        copy_with_digests(source, target)
        source.unlink()
    sync_folder(folder)
    return target


def remove_file(path: Path) -> None:
    """Remove a file durably; harmless when it is gone already."""
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        sync_folder(path.parent)


def remove_tree(path: Path, *, within: Path | None = None) -> None:
    """Remove a folder and all below it; then the parents that became empty, up to but without ``within``.

    The folder is renamed first, so that no reader ever sees half of it under its own name.
    """
    if path.is_dir():
        doomed = path.parent / f".{secrets.token_hex(8)}.gone"
        _rename(path, doomed)
        shutil.rmtree(doomed)
        sync_folder(path.parent)
    if within is not None:
        _prune(path.parent, within)


def _prune(folder: Path, within: Path) -> None:
    while folder != within and within in folder.parents:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


@contextmanager
def locked(path: Path, wait_seconds: float) -> Iterator[None]:
    """Hold the advisory lock file ``path``, waiting at most ``wait_seconds``.

    Raises:
        StoreBusy: another process still holds it.
    """
    from filelock import FileLock, Timeout

    make_folder(path.parent)
    lock = FileLock(path, timeout=wait_seconds)
    try:
        lock.acquire()
    except Timeout:
        raise StoreBusy(
            msg("Another process is writing to the store {store}.", store=str(path.parents[2])),
            msg("Wait until it has finished, or raise [locks] wait_seconds in recordkit.toml."),
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def staging(work: Path) -> Iterator[Path]:
    """A private folder below ``work`` for files that are not yet in place; removed at the end.

    Folders left by processes that died are cleared first. Each folder is held by a lock, so that a living
    process never loses its files to a neighbour that tidies up.
    """
    from filelock import FileLock, Timeout

    make_folder(work)
    for lock_path in work.glob("*.lock"):
        stale = FileLock(lock_path, timeout=0)
        try:
            stale.acquire()
        except (Timeout, OSError):
            continue
        shutil.rmtree(lock_path.with_suffix(""), ignore_errors=True)
        stale.release()
        with contextlib.suppress(OSError):
            lock_path.unlink()
    folder = work / f"{os.getpid()}-{secrets.token_hex(6)}"
    lock = FileLock(folder.with_name(folder.name + ".lock"))
    lock.acquire()
    try:
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()
        with contextlib.suppress(OSError):
            Path(lock.lock_file).unlink()
