"""Whether a folder lies on a network file system, where SQLite's locks and its shared memory do not hold.

SQLite's own documentation forbids a database in WAL mode on a network file system (wal.html, "all processes using a
database must be on the same host computer"). Linux tells by ``/proc/self/mounts``, macOS by ``mount``, Windows by the
kind of drive and by UNC paths. What is not seen: a network disk that the system presents as a local one (iSCSI,
a virtual machine's disk), which does no harm, and folders that another program synchronises (OneDrive and the like).
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

_NETWORK = frozenset((
    "nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "9p", "afs", "afpfs", "ceph", "lustre", "glusterfs", "beegfs",
    "gpfs", "ncpfs", "davfs", "webdav", "fuse.sshfs", "fuse.rclone", "fuse.glusterfs", "fuse.davfs2", "fuse.ceph", "fuse.s3fs",
    "fuse.gvfsd-fuse", "vboxsf", "vmhgfs", "fuse.vmhgfs-fuse", "prl_fs",
))
_OCTAL = re.compile(r"\\([0-7]{3})")
_MAC = re.compile(r"^.*? on (?P<place>/.*) \((?P<kind>[a-z][a-z0-9_.]*)[,)]")
_UNC = re.compile(r"^[\\/]{2}(?![?.][\\/](?!UNC))")
_REMOTE_DRIVE = 4  # DRIVE_REMOTE of GetDriveTypeW


def network_kind(folder: Path) -> str | None:
    """The kind of network file system that the folder lies on, such as ``nfs4``; None when there is none."""
    place = folder.resolve()
    if sys.platform == "win32":
        return _windows_kind(str(folder.absolute()), str(place))
    mounts: list[tuple[str, str]] = []
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        if sys.platform == "darwin":
            done = subprocess.run(["/sbin/mount"], capture_output=True, text=True, timeout=10, check=True)
            mounts = list(mac_mounts(done.stdout))
        else:
            mounts = list(linux_mounts(Path("/proc/self/mounts").read_bytes().decode("utf-8", "replace")))
    kind = kind_at(mounts, str(place))
    return kind if kind in _NETWORK else None


def linux_mounts(text: str) -> Iterator[tuple[str, str]]:
    """Place and kind of each line of ``/proc/self/mounts`` (proc(5); white space in places is octal)."""
    for line in text.splitlines():
        parts = line.split(" ")
        if len(parts) >= 3:
            yield _OCTAL.sub(lambda found: chr(int(found[1], 8)), parts[1]), parts[2]


def mac_mounts(text: str) -> Iterator[tuple[str, str]]:
    """Place and kind of each line that ``mount`` prints on macOS: ``//u@host/s on /Volumes/s (smbfs, nodev)``."""
    for line in text.splitlines():
        found = _MAC.match(line)
        if found is not None:
            yield found["place"], found["kind"]


def kind_at(mounts: Iterable[tuple[str, str]], folder: str) -> str | None:
    """Kind of the innermost mount that holds the folder; of two at one place the later one covers the earlier."""
    best, depth = None, -1
    for place, kind in mounts:
        parts = PurePosixPath(place).parts
        if PurePosixPath(folder).parts[: len(parts)] == parts and len(parts) >= depth:
            best, depth = kind, len(parts)
    return best


def is_unc(folder: str) -> bool:
    r"""Whether a Windows path names another computer: ``\\server\share`` or ``\\?\UNC\server\share``."""
    return _UNC.match(folder) is not None


def _windows_kind(*folders: str) -> str | None:
    """A mapped drive is told by its letter, or by the share that it stands for."""
    for folder in folders:
        if is_unc(folder):
            return "UNC"
        if folder[1:2] == ":" and _drive_type(f"{folder[0]}:\\") == _REMOTE_DRIVE:
            return folder[:2]
    return None


def _drive_type(root: str) -> int:
    import ctypes

    kernel = getattr(ctypes, "windll", None)  # only there on Windows
    return int(kernel.kernel32.GetDriveTypeW(ctypes.c_wchar_p(root))) if kernel is not None else 0
