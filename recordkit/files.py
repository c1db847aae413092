"""The only module that writes files: stage, sync, rename, sync the folder.

What each platform guarantees, on a disk of its own (network disks promise none of it; ``archive.netdisk`` warns):

===============================  =====================  ==========================  ==================================
what                             Linux                  macOS                       Windows (NTFS)
===============================  =====================  ==========================  ==================================
a file appears whole or not      yes, ``rename(2)``     yes, ``rename(2)``          yes, ``MoveFileEx`` replaces in one
                                                                                    step; refused while another program
                                                                                    has the old file open
its bytes outlive a power cut    yes, ``fsync``         as far as the drive obeys:  yes, ``FlushFileBuffers``
                                                        ``fsync`` does not empty
                                                        the drive's own cache
its name outlives a power cut    yes, the folder is     yes, the folder is synced   by the journal alone: folders
                                 synced                                             cannot be synced; the last second
                                                                                    may be lost, never torn
only the owner may read a store  yes, mode 0700         yes, mode 0700              no: the folder's rights are those
                                                                                    of its parent; keep it in the
                                                                                    user's own profile
never over a file that is there  yes, by a hard link    yes, by a hard link         yes, by a hard link; FAT and exFAT
                                                                                    have none: looked at just before
===============================  =====================  ==========================  ==================================

Whatever changes a disk goes through the short functions at the top, one call each: so the fault tests can stand in
the way of every single step.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedWriter, FileIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

from recordkit.errors import StoreBusy
from recordkit.lockholder import holder_file, holder_note, told_holder
from recordkit.messages import msg

if TYPE_CHECKING:
    from filelock import BaseFileLock

_CHUNK = 1 << 20
_SYNCING = 8  # files synced side by side
_SPOOLED = 16 << 20  # bytes kept in memory
_UNFINISHED = re.compile(r"\.[0-9a-f]{16}\.tmp")


class Digests(Struct, frozen=True):
    """Lower-case hexadecimal digests of a file and its size in bytes."""

    sha256: str
    sha512: str
    size: int


def _create(path: Path) -> FileIO:
    return path.open("xb", buffering=0)


def _write(handle: BinaryIO | FileIO, data: bytes) -> None:
    view = memoryview(data)
    while view:  # an unbuffered file may take less than it is given
        view = view[handle.write(view) :]


def _sync(handle: BinaryIO | FileIO) -> None:
    handle.flush()
    os.fsync(handle.fileno())


def _rename(source: Path, target: Path) -> None:
    os.replace(source, target)  # noqa: PTH105


def _link(source: Path, target: Path) -> None:
    target.hardlink_to(source)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _make(folder: Path) -> None:
    folder.mkdir(exist_ok=True)


def _remove_empty(folder: Path) -> None:
    folder.rmdir()


def is_full(error: Exception) -> bool:
    """Whether the error says that no room is left for a file: it says nothing about what was to be written."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def sync_folder(folder: Path) -> None:
    """Make the names inside ``folder`` durable; does nothing where folders cannot be opened (Windows)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_file(path: Path) -> None:
    with path.open("r+b", buffering=0) as handle:  # Windows syncs only what it may write to
        _sync(handle)


def _side_by_side(work: Callable[[Path], None], paths: Iterable[Path]) -> None:
    """Sync many things at once: the disk takes them in one go, where a loop would wait for it once for each."""
    from concurrent.futures import ThreadPoolExecutor

    some = list(paths)

    def share(first: int) -> None:
        for path in some[first::_SYNCING]:
            work(path)

    if len(some) <= 1:
        share(0)
    else:
        with ThreadPoolExecutor(_SYNCING) as pool:
            list(pool.map(share, range(min(_SYNCING, len(some)))))


def make_folder(folder: Path) -> Path:
    """Create ``folder`` with its parents and make their names durable; harmless when it exists."""
    if folder.is_dir():
        return folder
    made: list[Path] = []
    _make_missing(folder, made)
    for one in made:
        sync_folder(one.parent)
    return folder


def _make_missing(folder: Path, made: list[Path]) -> None:
    """Create ``folder`` with its parents, unsynced; those that were created are added to ``made``."""
    if not folder.is_dir():
        _make_missing(folder.parent, made)
        _make(folder)
        made.append(folder)


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
    temporary = path.parent / f".{os.urandom(8).hex()}.tmp"
    try:
        with BufferedWriter(_create(temporary)) as handle:
            yield handle
            _sync(handle)
        _put_in_place(temporary, path, overwrite=overwrite)
    finally:
        _remove(temporary)
    sync_folder(path.parent)


def _put_in_place(temporary: Path, path: Path, *, overwrite: bool) -> None:
    if overwrite:
        _rename(temporary, path)
        return
    try:
        _link(temporary, path)
    except FileExistsError:
        # The very same file is no other one: a run that goes on may meet what the first one wrote.
        import filecmp

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
    trial = folder / f".{os.urandom(8).hex()}.tmp"
    try:
        with _create(trial) as handle:
            _write(handle, b"?")
    finally:
        _remove(trial)


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
    mark = os.urandom(4).hex()
    for folder in {path.parent for path, _ in items}:
        make_folder(folder)
        if room is not None and room.stat().st_dev != folder.stat().st_dev:
            room = None  # nothing is renamed from one file system to another
    try:
        for number, (path, data) in enumerate(items):
            temporaries.append((room or path.parent) / f".{mark}{number:08x}.tmp")
            handles.append(_create(temporaries[-1]))
            _write(handles[-1], data)
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
            _remove(temporary)
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
    with path.open("ab", buffering=0) as handle:
        _write(handle, data)
        _sync(handle)
    if fresh:
        sync_folder(path.parent)


def truncate(path: Path, size: int) -> None:
    """Cut a file to ``size`` bytes, durably."""
    with path.open("r+b") as handle:
        handle.truncate(size)
        _sync(handle)


def digests_of(path: Path) -> Digests:
    """Both digests of a file in one reading."""
    with path.open("rb") as handle:
        return _digest(handle, None)


def sha512_of(path: Path) -> tuple[str, int]:
    """SHA-512 of a file, lower-case hexadecimal, and its size in bytes; other threads run meanwhile."""
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha512").hexdigest()
        return digest, handle.tell()


def copy_with_digests(source: Path, target: Path, *, durable: bool = True) -> Digests:
    """Copy a file and digest the very bytes that were written.

    Args:
        source: the file.
        target: where its copy appears.
        durable: whether to sync it; ``publish`` and ``publish_trees`` sync what they move from a staging folder.

    Raises:
        FileExistsError: ``target`` exists.
    """
    with source.open("rb") as reader, _create(target) as writer:
        digests = _digest(reader, writer)
        if durable:
            _sync(writer)
    if durable:
        sync_folder(target.parent)
    return digests


def _digest(reader: BinaryIO, writer: FileIO | None) -> Digests:
    short, long, size = hashlib.sha256(), hashlib.sha512(), 0
    while chunk := reader.read(_CHUNK):
        short.update(chunk)
        long.update(chunk)
        size += len(chunk)
        if writer is not None:
            _write(writer, chunk)
    return Digests(short.hexdigest(), long.hexdigest(), size)


def draft_folder(folder: Path) -> Path:
    """A folder with its parents in a staging folder, not synced; ``publish_trees`` makes it durable."""
    _make_missing(folder, [])
    return folder


def draft_file(path: Path, data: bytes) -> None:
    """A file in a staging folder, neither atomic nor synced; ``publish_trees`` makes it durable.

    Raises:
        FileExistsError: ``path`` exists.
    """
    with _create(path) as handle:
        _write(handle, data)


def draft_move(source: Path, target: Path) -> None:
    """Give a file of a staging folder another name there, not synced; ``publish_trees`` makes it durable."""
    _rename(source, target)


def publish(staged: Path, target: Path) -> None:
    """Move a finished file or folder out of a staging folder to its final name, durably.

    Raises:
        FileExistsError: something stands at ``target``.
    """
    publish_trees([(staged, target)])


def publish_trees(moves: Sequence[tuple[Path, Path]], *, overwrite: bool = False) -> None:
    """Move finished files or folders from a staging folder to their final names; durable when this returns.

    All content is synced before the first name appears, then each folder that was touched is synced once. Killed in
    between, some are in place and some are not: whoever calls has announced them. ``overwrite`` replaces files.

    Raises:
        FileExistsError: something stands at a target; nothing was moved.
    """
    contents: list[Path] = []
    folders: list[Path] = []
    for staged, target in moves:
        if not overwrite and target.exists():
            raise FileExistsError(str(target))
        if not staged.is_dir():
            contents.append(staged)
        for parent, _, names in os.walk(staged):
            folder = Path(parent)
            folders.append(folder)
            contents += [folder / name for name in names]
    _side_by_side(_sync_file, contents)
    _side_by_side(sync_folder, folders)
    made: list[Path] = []
    for staged, target in moves:
        _make_missing(target.parent, made)
        _rename_or_copy(staged, target)
    _side_by_side(sync_folder, {target.parent for _, target in moves} | {one.parent for one in made})


def move_many(moves: Iterable[tuple[Path, Path]]) -> dict[Path, OSError]:
    """Move files into folders (source, folder), each under a free name as ``move_into``; each folder synced once.

    Returns:
        The sources that could not be moved, and why; one that is gone already is none of them.
    """
    touched: set[Path] = set()
    failed: dict[Path, OSError] = {}
    for source, folder in moves:
        try:
            if os.path.lexists(source):
                make_folder(folder)
                _move(source, folder, source.name)
                touched |= {source.parent, folder}
        except OSError as error:
            failed[source] = error
    _side_by_side(sync_folder, (one for one in touched if one.is_dir()))
    return failed


def move_into(source: Path, folder: Path, name: str | None = None) -> Path:
    """Move a file into ``folder`` under a free name (``x.pdf``, ``x (2).pdf``, ...) and return the new path."""
    make_folder(folder)
    target = _move(source, folder, name or source.name)
    sync_folder(folder)
    return target


def free_name(folder: Path, name: str) -> Path:
    """``name`` in ``folder``, or the first of ``x (2).pdf``, ``x (3).pdf`` ... that is free."""
    wanted = Path(name)
    target, turn = folder / wanted.name, 2
    while os.path.lexists(target):
        target, turn = folder / f"{wanted.stem} ({turn}){wanted.suffix}", turn + 1
    return target


def _move(source: Path, folder: Path, name: str) -> Path:
    target = free_name(folder, name)
    _rename_or_copy(source, target)
    return target


def _rename_or_copy(source: Path, target: Path) -> None:
    """Move a file, also to another file system; killed in between, the source is whole and no half file is there."""
    try:
        _rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV or source.is_dir():
            raise
        draft = target.with_name(f".{os.urandom(8).hex()}.tmp")
        try:
            copy_with_digests(source, draft)
            _rename(draft, target)
        finally:
            if draft.exists():
                _remove(draft)
        sync_folder(target.parent)
        _remove(source)


def remove_file(path: Path) -> None:
    """Remove a file durably; harmless when it is gone already."""
    remove_files([path])


def remove_files(paths: Iterable[Path]) -> None:
    """Remove files durably, each folder synced once; harmless for those that are gone already."""
    touched: set[Path] = set()
    for path in paths:
        _remove(path)
        touched.add(path.parent)
    _side_by_side(sync_folder, (one for one in touched if one.is_dir()))


def remove_tree(path: Path, *, within: Path | None = None, under: Path | None = None) -> None:
    """Remove a folder and all below it; then the parents that became empty, up to but without ``within``.

    The folder is renamed first, so that no reader ever sees half of it under its own name: to ``under`` beside it,
    where somebody looks for what a killed run left.
    """
    if path.is_dir():
        doomed = under or path.parent / f".{os.urandom(8).hex()}.gone"
        if doomed != path:
            _rename(path, doomed)
        _remove_below(doomed)
        sync_folder(path.parent)
    if within is not None:
        remove_empty(path.parent, within=within)


def _remove_below(folder: Path) -> None:
    """Remove a folder and all in it; a link in it is removed, not followed."""
    for parent, folders, names in os.walk(folder, topdown=False):
        for name in names:
            _remove(Path(parent) / name)
        for name in folders:
            inner = Path(parent) / name
            (_remove if inner.is_symlink() else _remove_empty)(inner)
    _remove_empty(folder)


def remove_unfinished(folder: Path) -> None:
    """Remove what killed writers began in ``folder`` and never put in place; nobody may be writing there now."""
    if left := [path for path in folder.glob(".*.tmp") if _UNFINISHED.fullmatch(path.name)]:
        remove_files(left)


def _clear_staging(folder: Path, lock: BaseFileLock) -> None:
    """Remove a staging folder; where that fails its lock file stays, by which the next process finds it."""
    with contextlib.suppress(OSError):
        if folder.exists():
            _remove_below(folder)
    lock.release()
    with contextlib.suppress(OSError):
        if not folder.exists():
            _remove(Path(lock.lock_file))


def remove_empty(folder: Path, *, within: Path) -> None:
    """Remove a folder if it is empty, then its parents that became so, up to but without ``within``."""
    while folder != within and within in folder.parents:
        try:
            _remove_empty(folder)
        except FileNotFoundError:
            pass  # killed before it was made; those above it may be there
        except OSError:
            return
        folder = folder.parent


@contextmanager
def locked(path: Path, wait_seconds: float, by: str = "", command: str = "") -> Iterator[None]:
    """Hold the advisory lock file ``path``, waiting at most ``wait_seconds``.

    Those who wait are told ``by`` whom it is held and with which ``command``; see ``lockholder``.

    Raises:
        StoreBusy: another process still holds it.
    """
    from filelock import FileLock, Timeout

    make_folder(path.parent)
    lock = FileLock(path, timeout=wait_seconds)
    try:
        lock.acquire()
    except Timeout:
        raise StoreBusy(told_holder(path), msg("Wait until it has finished, or raise [locks] wait_seconds in "
                                               "recordkit.toml.")) from None
    note = holder_file(path)
    try:
        with contextlib.suppress(OSError):  # a full disk must not keep anybody from making room
            note.write_bytes(holder_note(by, command))
        yield
    finally:
        with contextlib.suppress(OSError):
            note.unlink()
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
        _clear_staging(lock_path.with_suffix(""), stale)
    folder = work / f"{os.getpid()}-{os.urandom(6).hex()}"
    lock = FileLock(folder.with_name(folder.name + ".lock"))
    lock.acquire()
    try:
        _make(folder)
        yield folder
    finally:
        try:
            _clear_staging(folder, lock)
        except KeyboardInterrupt:
            _clear_staging(folder, lock)  # Ctrl-C while it was tidied up: else copies of papers would lie about
            raise
