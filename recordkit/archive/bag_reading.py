"""A bag that comes from elsewhere, looked at before anything in it is trusted. It is only read.

Names first: what is a link, a device, or a name that would be another file on another system is refused before any
file is opened. Manifests next, line by line, by our own reading: a bag whose manifests name what leads out of it, name
something twice, or leave a file out is refused with manifest and line. Bytes last, by the ``bagit`` library.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from recordkit.archive.bagging import MOST_RECORDS, mark_of, validate
from recordkit.errors import InputRefused, IntegrityFailure, NotFound
from recordkit.messages import Message, listed, msg

MOST_FILES = 1_000_000
MOST_BYTES = 4 << 40
"""All files together; what is larger comes in parts. A sparse file claims any size."""
MOST_OF_ONE = 4 << 30
MOST_OF_TAG = 1 << 20
"""Bytes of a tag file that is no manifest."""
DEEPEST = 16
LONGEST_NAME = 200
LONGEST_LINE = 4096
_WIDTHS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
_SOUND = ("sha256", "sha512")
"""Without one of these nothing is proved: equal bytes can be made for the others."""
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
"""Names that Windows takes for devices whatever their ending."""
_LINE = re.compile(r"([0-9A-Fa-f]+)[ \t]+(.+)")
_MANIFEST = re.compile(r"(tag)?manifest-([a-z0-9]+)\.txt")


@dataclass(frozen=True, slots=True)
class ReadBag:
    """A bag that is what it says.

    Attributes:
        records: names of the files by folder below ``data``, for folders that hold a record.json; ``loose`` are those
            that hold none.
        sizes: bytes of each payload file, by path below the bag.
        digests: digest of each payload file by the ``algorithm`` of a sound manifest.
        mark: SHA-256 of its tag manifest.
        info: bag-info.txt; of a label that stands there several times the first value.
    """

    folder: Path
    records: Mapping[str, tuple[str, ...]]
    loose: tuple[str, ...]
    sizes: Mapping[str, int]
    algorithm: str
    digests: Mapping[str, str]
    mark: str
    info: Mapping[str, str]


def read_bag(folder: Path) -> ReadBag:
    """Look at a bag, every byte of it.

    Raises:
        NotFound: there is no such folder.
        InputRefused: it is no bag, or one that must not be opened; file and line are named.
        IntegrityFailure: it lacks a file, or has other bytes than its manifests say.
    """
    if not os.path.lexists(folder):
        raise NotFound(msg("There is no folder {folder}.", folder=str(folder)))
    if folder.is_symlink() or not folder.is_dir():
        raise _refused(folder.name, msg("a bag is a folder"))
    sizes = _names_in(folder)
    if "bagit.txt" not in sizes:
        raise InputRefused(msg("{folder} is no bag: it has no bagit.txt.", folder=str(folder)),
                           msg("Name the folder that 'recordkit export' wrote; unpack it first when it came packed."))
    _require_declaration(folder)
    if "fetch.txt" in sizes:
        raise _refused("fetch.txt", msg("it wants files fetched from elsewhere; a bag brings all its files along"))
    payload = {name: size for name, size in sizes.items() if name.startswith("data/")}
    tags = {name for name in sizes if name not in payload and not name.startswith("tagmanifest-")}
    manifests = {name: found for name in sizes if (found := _MANIFEST.fullmatch(name))}
    for name in tags - manifests.keys():
        if sizes[name] > MOST_OF_TAG:
            raise _refused(name, msg("it is larger than {bytes} bytes", bytes=MOST_OF_TAG))
    read: dict[str, Mapping[str, str]] = {}
    for wants, kind in ((payload.keys(), None), (tags, "tag")):
        of_kind = sorted(name for name, found in manifests.items() if found[1] == kind)
        if not any(manifests[name][2] in _SOUND for name in of_kind):
            raise InputRefused(
                msg("The bag has no {name}.", name=f"{kind or ''}manifest-sha256.txt"),
                msg("SHA-256 or SHA-512 is needed; weaker digests prove nothing. Have it made anew."))
        for name in of_kind:
            read[name] = _read_manifest(folder, name, manifests[name][2], kind)
            _require_same(name, wants, read[name])
    validate(folder)
    chosen = next(name for name in read if name.startswith("manifest-") and manifests[name][2] in _SOUND)
    folders: dict[str, list[str]] = {}
    for name in sorted(payload):
        _, inside, *rest = name.split("/", 2)
        if rest:
            folders.setdefault(inside, []).append(rest[0])
    records = {one: tuple(names) for one, names in folders.items() if "record.json" in names}
    if len(records) > MOST_RECORDS:
        raise _refused("data", msg("the bag has more than {count} records", count=MOST_RECORDS))
    return ReadBag(folder, records, tuple(one for one in folders if one not in records), payload,
                   manifests[chosen][2], {name: digest.lower() for name, digest in read[chosen].items()},
                   mark_of(folder), _read_info(folder) if "bag-info.txt" in sizes else {})


def _refused(what: str, why: Message) -> InputRefused:
    return InputRefused(msg("The bag is refused: {file}: {why}.", file=printable_name(what), why=why),
                        msg("Nothing of it was taken over; ask the sender for a sound one."))


def printable_name(name: str) -> str:
    """A name from a bag as it may be shown: nothing that steers a terminal, and not without end."""
    return "".join(char if char.isprintable() else "?" for char in name[:LONGEST_LINE])[:300]


def _names_in(folder: Path) -> dict[str, int]:
    """Every file with its size, by path below the bag; nothing is opened.

    Raises:
        InputRefused: something is no plain file or folder, or has a name that is unsafe.
    """
    found: dict[str, int] = {}
    total = 0
    for name, size in _walk(folder, "", 1):
        found[name] = size
        total += size
        if len(found) > MOST_FILES:
            raise _refused(name, msg("the bag has more than {count} files", count=MOST_FILES))
        if size > MOST_OF_ONE or total > MOST_BYTES:
            raise _refused(name, msg("the bag is too large"))
    return found


def _walk(folder: Path, before: str, depth: int) -> Iterator[tuple[str, int]]:
    alike: dict[str, str] = {}
    with os.scandir(folder) as inside:
        for one in inside:
            name = before + one.name
            why = unsafe_name(one.name)
            if why is not None:
                raise _refused(name, why)
            key = unicodedata.normalize("NFC", unicodedata.normalize("NFC", one.name).casefold())
            if key in alike:
                raise _refused(name, msg("on another system it is the same file as {other}",
                                         other=printable_name(alike[key])))
            alike[key] = one.name
            mode = one.stat(follow_symlinks=False)
            if getattr(mode, "st_reparse_tag", 0):  # a junction of Windows leads elsewhere as a link does
                raise _refused(name, msg("it is a link or a device, no file"))
            if stat.S_ISDIR(mode.st_mode):
                if depth >= DEEPEST:
                    raise _refused(name, msg("its folders lie too deep"))
                yield from _walk(folder / one.name, f"{name}/", depth + 1)
            elif stat.S_ISREG(mode.st_mode):
                yield name, mode.st_size
            else:
                raise _refused(name, msg("it is a link or a device, no file"))


def unsafe_name(name: str) -> Message | None:
    """Why a part of a path cannot be taken for the same name on every system; None when it can."""
    if not name or name in (".", ".."):
        return msg("it leads out of the bag")
    if any("\ud800" <= char <= "\udfff" for char in name):
        return msg("its name is not UTF-8")
    if any(unicodedata.category(char) in ("Cc", "Cf") for char in name):
        return msg("its name holds control characters")
    if set(name) & set('<>:"|?*\\/'):
        return msg("its name holds characters that some systems do not allow")
    if name[-1] in ". " or name[0] == " ":
        return msg("its name begins or ends with a blank or a dot")
    if name[0] == "~":
        return msg("its name begins with ~")
    if _RESERVED.fullmatch(name):
        return msg("its name is that of a device on Windows")
    if len(name.encode()) > LONGEST_NAME:
        return msg("its name is too long")
    return None


def _require_declaration(folder: Path) -> None:
    """RFC 8493, 2.1.1: two lines, UTF-8 without a byte-order mark."""
    with (folder / "bagit.txt").open("rb") as handle:
        data = handle.read(201)
    found = re.fullmatch(rb"BagIt-Version: (0\.97|1\.0)\r?\nTag-File-Character-Encoding: UTF-8\r?\n?", data)
    if found is None:
        raise _refused("bagit.txt", msg("it is not the declaration of a bag of version 0.97 or 1.0 in UTF-8"))


def _lines(folder: Path, name: str) -> Iterator[tuple[int, str]]:
    """The lines of a tag file, counted from 1."""
    with (folder / name).open("rb") as handle:
        number = 0
        while raw := handle.readline(LONGEST_LINE + 2):
            number += 1
            if len(raw) > LONGEST_LINE + 1:
                raise _wrong(name, number, msg("it is too long"))
            try:
                yield number, raw.decode("utf-8").rstrip("\r\n")
            except UnicodeDecodeError:
                raise _wrong(name, number, msg("it is not UTF-8")) from None


def _wrong(name: str, line: int, why: Message) -> InputRefused:
    return InputRefused(msg("The bag is refused: line {line} of {file}: {why}.", line=line, file=name, why=why),
                        msg("Nothing of it was taken over; ask the sender for a sound one."))


def _read_manifest(folder: Path, name: str, algorithm: str, kind: str | None) -> dict[str, str]:
    """Digests by path, as a manifest gives them.

    Raises:
        InputRefused: a line is none, or names what is not in the bag.
    """
    width = _WIDTHS.get(algorithm)
    if width is None:
        raise _refused(name, msg("its algorithm is unknown"))
    found: dict[str, str] = {}
    for number, line in _lines(folder, name):
        read = _LINE.fullmatch(line)
        if read is None or len(read[1]) != width:
            raise _wrong(name, number, msg("it is not a digest and a path"))
        path = read[2]
        if re.search("%0[AaDd]", path):
            raise _wrong(name, number, msg("the path {path} holds a line break", path=printable_name(path)))
        path = path.replace("%25", "%")
        for part in path.split("/"):
            why = unsafe_name(part)
            if why is not None:
                raise _wrong(name, number, msg("{path}: {why}", path=printable_name(path), why=why))
        if path.startswith("data/") != (kind is None):
            raise _wrong(name, number, msg("{path} does not belong in this manifest", path=printable_name(path)))
        if path in found:
            raise _wrong(name, number, msg("{path} stands here a second time", path=printable_name(path)))
        found[path] = read[1]
    return found


def _require_same(name: str, wants: Iterable[str], listed_here: Mapping[str, str]) -> None:
    """Every file stands in every manifest of its kind, and every line has its file (RFC 8493, 2.1.3)."""
    there, told = set(wants), set(listed_here)
    if strays := sorted(there - told):
        raise InputRefused(
            msg("The bag is refused: {count} file(s) stand in no line of {file}: {names}.", count=len(strays),
                file=name, names=listed(map(printable_name, strays[:5]))),
            msg("Nothing of it was taken over; ask the sender for a sound one."))
    if missing := sorted(told - there):
        raise IntegrityFailure(
            msg("The bag is not complete: {count} file(s) of {file} are missing: {names}.", count=len(missing),
                file=name, names=listed(map(printable_name, missing[:5]))),
            msg("Have it copied or sent again; nothing of it was taken over."))


def _read_info(folder: Path) -> dict[str, str]:
    """The labels of bag-info.txt that are of use to people; what is no label is passed over."""
    found: dict[str, str] = {}
    for _, line in _lines(folder, "bag-info.txt"):
        label, mark, value = line.partition(":")
        if mark and label and not line[0].isspace():
            found.setdefault(label.strip(), printable_name(value.strip()))
    return found
