"""Which mount a folder lies on, from what the systems print."""

from __future__ import annotations

from pathlib import Path

import pytest

from recordkit.archive import netdisk
from recordkit.archive.netdisk import is_unc, kind_at, linux_mounts, mac_mounts, network_kind

LINUX = """\
sysfs /sys sysfs rw,nosuid 0 0
/dev/sda1 / ext4 rw,relatime 0 0
server:/export /srv nfs4 rw,vers=4.2,addr=10.0.0.2 0 0
/dev/sdb1 /srv/local ext4 rw 0 0
//10.0.0.3/dang /mnt/档案\\040库 cifs rw,vers=3.0 0 0
me@host:/ /home/me/far fuse.sshfs rw 0 0
C:\\134 /mnt/c 9p rw,dirsync,aname=drvfs 0 0
broken
"""
MAC = """\
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
devfs on /dev (devfs, local, nobrowse)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse)
//user@server.local/records on /Volumes/records (2026) (smbfs, nodev, nosuid, mounted by user)
server:/export on /Volumes/nfs (nfs, nodev)
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/me/store", "ext4"),
        ("/srv/store", "nfs4"),
        ("/srvx/store", "ext4"),
        ("/srv/local/store", "ext4"),
        ("/mnt/档案 库/store", "cifs"),
        ("/home/me/far", "fuse.sshfs"),
        ("/mnt/c/Users", "9p"),
    ],
)
def test_the_innermost_mount_of_linux_counts(folder: str, kind: str) -> None:
    assert kind_at(linux_mounts(LINUX), folder) == kind


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/Users/me/store", "apfs"), ("/Volumes/records (2026)/store", "smbfs"), ("/Volumes/nfs/a", "nfs")],
)
def test_the_innermost_mount_of_macos_counts(folder: str, kind: str) -> None:
    assert kind_at(mac_mounts(MAC), folder) == kind


def test_a_later_mount_covers_an_earlier_one_at_the_same_place() -> None:
    assert kind_at([("/", "ext4"), ("/a", "ext4"), ("/a", "nfs")], "/a/b") == "nfs"


@pytest.mark.parametrize(
    ("path", "remote"),
    [(r"\\server\share\store", True), ("//server/share", True), (r"\\?\UNC\server\share", True), (r"C:\store", False),
     (r"\\?\C:\store", False), (r"\\.\pipe\x", False), (r"\store", False)],
)
def test_a_path_that_names_another_computer(path: str, remote: bool) -> None:
    assert is_unc(path) is remote


def test_only_kinds_of_the_network_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert network_kind(tmp_path) is None or network_kind(tmp_path) == "9p"
    monkeypatch.setattr(netdisk, "linux_mounts", lambda text: [("/", "nfs4")])
    monkeypatch.setattr(netdisk, "mac_mounts", lambda text: [("/", "smbfs")])
    monkeypatch.setattr(netdisk, "is_unc", lambda folder: True)
    assert network_kind(tmp_path) in ("nfs4", "smbfs", "UNC")


def test_a_drive_letter_that_stands_for_a_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netdisk, "_drive_type", lambda root: {"Z:\\": 4}.get(root, 3))
    assert netdisk._windows_kind(r"Z:\store", r"Z:\store") == "Z:"
    assert netdisk._windows_kind(r"C:\store", r"\\server\share\store") == "UNC"
    assert netdisk._windows_kind(r"C:\store", r"C:\store") is None
