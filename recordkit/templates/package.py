"""Writes a Word package from parts that are ready: the unchanging ones compressed once, the others put together.

A part that is filled for every document consists mostly of text that never changes. That text is deflated once per
template, each piece ending on a byte boundary with no memory of what came before (zlib's full flush), and the values
between the pieces are written as stored deflate blocks (RFC 1951, 3.2.4). The CRC-32 of a long piece is not computed
again either: appending it is a linear map of the CRC so far, kept as four tables of 256 words. Names, order, dates
(1980-01-01) and attributes are fixed, so equal parts give equal bytes on every machine (APPNOTE.TXT 6.3, no ZIP64).
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_CRC_POLYNOMIAL = 0xEDB88320
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_DATE = 0x21  # 1980-01-01, the first day that zip knows
_MODE = 0o600 << 16
_STORED_LIMIT = 0xFFFF
_LAST_BLOCK = b"\x03\x00"  # an empty final block with fixed codes

SHORTEST_PIECE = 160
"""Characters from which a static text is worth a deflate block of its own."""
_SHORTEST_TABLE = 1024  # bytes from which looking a CRC up beats computing it


@dataclass(frozen=True, slots=True)
class Piece:
    """A static stretch of a part: deflated, byte aligned, with what its CRC-32 needs.

    Attributes:
        raw: deflate blocks, none of them the last.
        data: the bytes themselves.
        crc: CRC-32 of ``data``.
        shift: four tables that carry a CRC over ``len(data)`` bytes; None where computing is faster.
    """

    raw: bytes
    data: bytes
    size: int
    crc: int
    shift: tuple[list[int], list[int], list[int], list[int]] | None


def make_piece(text: str) -> Piece:
    """Deflate ``text`` (UTF-8) once for all documents."""
    data = text.encode()
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    raw = packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)
    shift = _shift_tables(len(data)) if len(data) >= _SHORTEST_TABLE else None
    return Piece(raw, data, len(data), zlib.crc32(data), shift)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the package, ready to be written; ``method`` is 0 (stored) or 8 (deflated)."""

    name: str
    method: int
    raw: bytes
    crc: int
    size: int


def stored(name: str, data: bytes) -> Entry:
    """An entry that does not deflate, such as a PNG."""
    return Entry(name, 0, data, zlib.crc32(data), len(data))


def deflated(name: str, data: bytes, level: int = 9) -> Entry:
    """An entry that is compressed as a whole."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -15, 9)
    return Entry(name, 8, packer.compress(data) + packer.flush(), zlib.crc32(data), len(data))


def pieced(name: str, parts: Iterable[Piece | str]) -> Entry:
    """An entry of ready pieces and of texts between them.

    Raises:
        UnicodeEncodeError: a text holds a lone surrogate.
    """
    out: list[bytes] = []
    crc = size = 0
    for part in parts:
        if isinstance(part, str):
            data = part.encode()
            crc = zlib.crc32(data, crc)
            length = len(data)
            size += length
            if length <= _STORED_LIMIT:
                out += (b"\0" + struct.pack("<HH", length, length ^ 0xFFFF), data)
                continue
            for start in range(0, length, _STORED_LIMIT):
                block = data[start : start + _STORED_LIMIT]
                out += (b"\0" + struct.pack("<HH", len(block), len(block) ^ 0xFFFF), block)
        else:
            out.append(part.raw)
            size += part.size
            if part.shift is None:
                crc = zlib.crc32(part.data, crc)
            else:
                one, two, three, four = part.shift
                crc = one[crc & 255] ^ two[crc >> 8 & 255] ^ three[crc >> 16 & 255] ^ four[crc >> 24] ^ part.crc
    out.append(_LAST_BLOCK)
    return Entry(name, 8, b"".join(out), crc, size)


class Layout:
    """The unchanging entries of a package, in front of those that differ from document to document."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        """Write the unchanging entries and their part of the directory once."""
        local: list[bytes] = []
        self._directory = b""
        offset = 0
        for entry in entries:
            head, line = _headers(entry, offset)
            local += (head, entry.raw)
            offset += len(head) + len(entry.raw)
            self._directory += line
        self._local = b"".join(local)
        self._count = len(entries)

    def write(self, entries: Sequence[Entry]) -> bytes:
        """The package with ``entries`` behind the unchanging ones.

        Raises:
            ValueError: it would need ZIP64 (4 GB or more).
        """
        out = [self._local]
        directory = [self._directory]
        offset = len(self._local)
        try:
            for entry in entries:
                head, line = _headers(entry, offset)
                out += (head, entry.raw)
                offset += len(head) + len(entry.raw)
                directory.append(line)
            lines = b"".join(directory)
            count = self._count + len(entries)
            out += (lines, _END.pack(b"PK\5\6", 0, 0, count, count, len(lines), offset, 0))
        except struct.error as error:
            raise ValueError(f"the package is too large: {error}") from None
        return b"".join(out)


def _headers(entry: Entry, offset: int) -> tuple[bytes, bytes]:
    name = entry.name.encode()
    flags = 0 if entry.name.isascii() else 0x800
    common = (flags, entry.method, 0, _DATE, entry.crc, len(entry.raw), entry.size, len(name), 0)
    local = _LOCAL.pack(b"PK\3\4", 20, *common) + name
    # Made by version 2.0 on Unix, whatever the machine: the bytes must not tell where they were written.
    return local, _CENTRAL.pack(b"PK\1\2", 3 << 8 | 20, 20, *common, 0, 0, 0, _MODE, offset) + name


def read_entries(package: bytes) -> dict[str, bytes]:
    """Every file of a package by name, in the order of its directory.

    Raises:
        zipfile.BadZipFile: it is not a whole zip file.
    """
    with zipfile.ZipFile(io.BytesIO(package)) as source:
        return {name: source.read(name) for name in source.namelist()}


def repack(entries: Mapping[str, bytes], swapped: Mapping[str, bytes]) -> bytes:
    """The same parts with some replaced, reproducibly."""
    return Layout(()).write([
        stored(name, swapped[name]) if name in swapped else deflated(name, data) for name, data in entries.items()
    ])


def _shift_tables(length: int) -> tuple[list[int], list[int], list[int], list[int]]:
    """Tables by whose words a CRC-32 is carried over ``length`` bytes (multiplication by x^(8 length) in GF(2))."""
    power = _power_of_x(8 * length)
    images = [_multiply(power, 1 << bit) for bit in range(32)]
    tables = []
    for byte in range(4):
        table = [0]
        for image in images[8 * byte : 8 * byte + 8]:
            table += [word ^ image for word in table]
        tables.append(table)
    return tables[0], tables[1], tables[2], tables[3]


def _multiply(one: int, other: int) -> int:
    """Product of two polynomials modulo the CRC-32 polynomial; bit 31 is x^0."""
    product = 0
    for bit in range(31, -1, -1):
        if one >> bit & 1:
            product ^= other
        other = other >> 1 ^ (_CRC_POLYNOMIAL if other & 1 else 0)
    return product


def _power_of_x(exponent: int) -> int:
    result, square = 1 << 31, 1 << 30
    while exponent:
        if exponent & 1:
            result = _multiply(result, square)
        square = _multiply(square, square)
        exponent >>= 1
    return result
