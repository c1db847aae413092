"""One record's object looked at from end to end: bytes, inventory, metadata, whether its papers open.

Runs in a child process, like all that parses papers: a paper that kills its reader costs that paper's verdict, never
the run.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recordkit import files
from recordkit.archive.names import DECRYPTED, REPAIRED
from recordkit.archive.objects import Contents, ObjectStore, Reading, VersionNote
from recordkit.archive.pdf import Reason, UnreadablePdf, inspect_pdf
from recordkit.errors import RecordkitError

_HEAD = 1024
"""Bytes in which a PDF's mark stands (ISO 32000-1 Annex H, note 13)."""
_MOST_JSON = 64 << 20
"""Bytes of a JSON paper that are read; the registers of the archive itself have some megabytes."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What became of opening a file.

    Attributes:
        pages: of a PDF; None for anything else and where it does not open.
        encrypted: it is encrypted, with a password or without.
        problem: why it does not open; "" when it does, ``unknown`` where nothing here reads such a file.
    """

    pages: int | None = None
    encrypted: bool = False
    problem: Reason | str = ""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file of the newest version.

    Attributes:
        size: bytes on the disk, None where it is missing.
        sha512: that the inventory gives; ``sha256`` of its bytes, where that was asked for.
        format: by its bytes: pdf, ofd, docx, xlsx, json, text, jpeg, png, tiff; "" for any other.
    """

    size: int | None
    sha512: str
    sha256: str = ""
    format: str = ""
    opened: Opened | None = None


@dataclass(frozen=True, slots=True)
class Examined:
    """All that looking at an object brought.

    Attributes:
        head: number of its newest version; 0 where the inventory cannot be read.
        metadata: record.json; None where it cannot be read, and ``metadata_problem`` says why.
        notes: who made each version, the first one first.
    """

    reading: Reading
    head: int = 0
    metadata: Mapping[str, object] | None = None
    metadata_problem: str = ""
    files: Mapping[str, FileFacts] = field(default_factory=dict)
    notes: tuple[VersionNote, ...] = ()

    def papers(self) -> dict[str, FileFacts]:
        """The original and its attachments, as they came."""
        return {name: facts for name, facts in self.files.items() if is_paper(name)}

    def present(self) -> dict[str, FileFacts]:
        """Those papers that are there."""
        return {name: facts for name, facts in self.papers().items() if facts.size is not None}


def is_paper(name: str) -> bool:
    """Whether a file of an object came from outside: no metadata, no text, no copy that the program made."""
    return name.startswith("original.") or (name.startswith("attachment-") and name.count(".") == 1)


def copies_of(name: str) -> tuple[str, str]:
    """Names that readable copies of a paper have: a repaired one, an unlocked one."""
    before = "" if name.startswith("original.") else f"{name.partition('.')[0]}."
    return before + REPAIRED, before + DECRYPTED


def examine_many(folder: Path, record_ids: Sequence[str], most_pages: int, sha256: bool) -> list[Examined]:
    """``examine`` for several objects, in their order."""
    return [examine(folder, one, most_pages, sha256) for one in record_ids]


def examine(folder: Path, record_id: str, most_pages: int, sha256: bool = False, lost: str = "") -> Examined:
    """Look at an object.

    Args:
        folder: the storage root.
        record_id: which object.
        most_pages: see ``inspect_pdf``.
        sha256: whether papers are hashed by SHA-256, too.
        lost: why its papers are not opened: a process was lost over them; "" to open them.
    """
    objects = ObjectStore(folder)
    reading = objects.read_again(record_id)
    try:
        contents = objects.contents(record_id)
    except (RecordkitError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return Examined(reading, metadata_problem=type(error).__name__)
    metadata, problem = _metadata(contents)
    found = {name: _facts(path, name, digest, most_pages, sha256, lost)
             for name, (path, digest) in contents.files.items()}
    return Examined(reading, contents.head, metadata, problem, found, contents.notes)


def _metadata(contents: Contents) -> tuple[Mapping[str, object] | None, str]:
    path, _ = contents.files.get("record.json", (None, ""))
    if path is None:
        return None, "missing"
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        return None, type(error).__name__
    return (value, "") if isinstance(value, dict) else (None, "TypeError")


def _facts(path: Path, name: str, digest: str, most_pages: int, sha256: bool, lost: str) -> FileFacts:
    try:
        size = path.stat().st_size
    except OSError:
        return FileFacts(None, digest)
    if not (is_paper(name) or name.endswith((REPAIRED, DECRYPTED))):
        return FileFacts(size, digest)
    opened = Opened(problem=lost)
    kind = ""
    try:
        kind = format_of(path)
        if not lost:
            opened = open_paper(path, kind, most_pages)
        hashed = files.digests_of(path).sha256 if sha256 and is_paper(name) else ""
    except OSError:
        return FileFacts(size, digest, format=kind, opened=Opened(problem="not-readable"))
    return FileFacts(size, digest, hashed, kind, opened)


_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "jpeg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"II*\0", "tiff"), (b"MM\0*", "tiff"),
)  # fmt: skip
_PACKED = (("OFD.xml", "ofd"), ("word/document.xml", "docx"), ("xl/workbook.xml", "xlsx"))


def format_of(path: Path) -> str:
    """What a file is by its bytes, whatever it is called; "" for none of those that are known.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if b"%PDF-" in head:
        return "pdf"
    for mark, kind in _MAGIC:
        if head.startswith(mark):
            return kind
    if head.startswith(b"PK\x03\x04"):
        names = _packed_names(path)
        return next((kind for name, kind in _PACKED if name in names), "")
    if b"\0" in head:
        return ""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text[:1] in (b"{", b"["):
        return "json"
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The head may end within a character.
        return "text" if error.start >= len(head) - 3 and len(head) == _HEAD else ""
    return "text" if head else ""


def _packed_names(path: Path) -> set[str]:
    try:
        with zipfile.ZipFile(path) as packed:
            return set(packed.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return set()


def open_paper(path: Path, kind: str, most_pages: int) -> Opened:
    """Open a paper as its readers do.

    Raises:
        OSError: the file cannot be read.
    """
    if kind == "pdf":
        try:
            facts = inspect_pdf(path, most_pages)
        except UnreadablePdf as failure:
            locked = failure.reason in ("encrypted", "wrong-password")
            return Opened(encrypted=locked, problem=failure.reason)
        return Opened(facts.pages, facts.encrypted)
    if kind in ("docx", "xlsx", "ofd"):
        return _opened_package(path)
    if kind == "json":
        return _opened_json(path)
    if kind == "text":
        return Opened()
    return Opened(problem="unknown" if kind else "not-a-pdf")


def _opened_package(path: Path) -> Opened:
    try:
        with zipfile.ZipFile(path) as packed:
            locked = any(one.flag_bits & 1 for one in packed.infolist())
            broken = None if locked else packed.testzip()
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, NotImplementedError, EOFError, RuntimeError,
            zlib.error):
        return Opened(problem="damaged")
    if locked:
        return Opened(encrypted=True, problem="encrypted")
    return Opened(problem="damaged") if broken else Opened()


def _opened_json(path: Path) -> Opened:
    if path.stat().st_size > _MOST_JSON:
        return Opened(problem="too-large")
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return Opened(problem="damaged")
    return Opened()


def texts_of(value: Any, place: str = "") -> list[tuple[str, str]]:
    """Every text anywhere in a value of JSON, with the key of the outermost member that it stands under."""
    if isinstance(value, str):
        return [(place, value)]
    found: list[tuple[str, str]] = []
    if isinstance(value, Mapping):
        for key, part in value.items():
            found += [(place or str(key), str(key)), *texts_of(part, place or str(key))]
    elif isinstance(value, list):
        for part in value:
            found += texts_of(part, place)
    return found
