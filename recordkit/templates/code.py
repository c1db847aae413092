"""The code printed on every issued paper, by which its signed scan finds its way back.

Payload: ``RK1``, the issue id (12 characters), the revision (1), for a code of one page also the page and the number
of pages (2 each), and 2 check characters: 18 characters for a document, 22 for a page. All of it is upper-case
Crockford base32, so that it fits the alphanumeric mode of QR codes (ISO/IEC 18004) and prints in Code 128
(ISO/IEC 15417), and a person can read it over the phone.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import zxingcpp

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PREFIX = "RK1"
ISSUE_ID_LENGTH = 12
DOCUMENT_LENGTH = 18
PAGE_LENGTH = 22
LARGEST_REVISION = 31
LARGEST_PAGE = 1023

QR_MM = 18.0
CODE128_MM = (62.0, 9.0)

_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_PRIME = 1021  # the largest prime that two base32 characters can hold
# Powers of a primitive root: all distinct, so that exchanging any two characters shows, not only neighbours.
_WEIGHTS = tuple(pow(10, exponent, _PRIME) for exponent in range(1, 41))

_QR_MASK = 3
_QR_QUIET = 4  # modules, ISO/IEC 18004 clause 5.3.8
_CODE128_QUIET = 10  # modules, ISO/IEC 15417 clause 4.4
_IS_INK = bytes([1] * 128 + [0] * 128)
_INK = bytes([255, 0]).ljust(256, b"\0")  # one module to eight one-bit pixels


def crockford32(number: int, width: int) -> str:
    """``number`` in Crockford base32, padded with zeros to ``width`` characters.

    Raises:
        ValueError: the number is negative or needs more characters.
    """
    if not 0 <= number < 32**width:
        raise ValueError(f"{number} does not fit {width} base32 characters")
    return "".join(ALPHABET[number >> shift & 31] for shift in range(5 * (width - 1), -1, -5))


def number_of(characters: str) -> int:
    """The value of base32 characters, most significant first."""
    number = 0
    for character in characters:
        number = number << 5 | _VALUES[character]
    return number


def check_characters(body: str) -> str:
    """Two characters over ``body`` (all between prefix and check), at most 40 characters."""
    # The length goes in too: a page's code cut short must not pass for a document's.
    total = sum(weight * _VALUES[character] for weight, character in zip(_WEIGHTS, body, strict=False)) + len(body)
    return crockford32(total % _PRIME, 2)


@dataclass(frozen=True, slots=True)
class PrintedCode:
    """What the code on a paper says.

    Attributes:
        issue_id: 12 base32 characters; the first 4 tell the store apart, the last 8 are its serial.
        revision: 0 to 31, which printing of the issue this is.
        page: 1-based page, None for a code that stands for the whole document.
        pages: number of pages, 1 to 1023; given if and only if ``page`` is.

    Raises:
        ValueError: a part is out of range.
    """

    issue_id: str
    revision: int
    page: int | None = None
    pages: int | None = None

    def __post_init__(self) -> None:
        if len(self.issue_id) != ISSUE_ID_LENGTH or not all(character in _VALUES for character in self.issue_id):
            raise ValueError(f"issue id {self.issue_id!r} is not {ISSUE_ID_LENGTH} base32 characters")
        if not 0 <= self.revision <= LARGEST_REVISION:
            raise ValueError(f"revision {self.revision} is not 0 to {LARGEST_REVISION}")
        if (self.page is None) != (self.pages is None):
            raise ValueError("page and pages are given together or not at all")
        if self.page is not None and self.pages is not None and not 1 <= self.page <= self.pages <= LARGEST_PAGE:
            raise ValueError(f"page {self.page} of {self.pages} is not within 1 to {LARGEST_PAGE}")

    @property
    def store_tag(self) -> str:
        """The 4 characters of the store that issued the paper."""
        return self.issue_id[:4]

    def encode(self) -> str:
        """The payload to print, 18 or 22 characters."""
        body = self.issue_id + crockford32(self.revision, 1)
        if self.page is not None and self.pages is not None:
            body += crockford32(self.page, 2) + crockford32(self.pages, 2)
        return PREFIX + body + check_characters(body)


def decode(payload: str) -> PrintedCode | None:
    """What ``payload`` says, or None when it is not ours or was misread.

    Nothing is forgiven (no lower case, no O for 0): a foreign code taken for ours would file the paper with a stranger.
    The check finds every single wrong character and every exchange of two neighbours.
    """
    if not payload.startswith(PREFIX) or len(payload) not in (DOCUMENT_LENGTH, PAGE_LENGTH):
        return None
    body, check = payload[len(PREFIX) : -2], payload[-2:]
    if not all(character in _VALUES for character in body) or check != check_characters(body):
        return None
    page, pages = (number_of(body[13:15]), number_of(body[15:17])) if len(body) > 13 else (None, None)
    try:
        return PrintedCode(body[:12], _VALUES[body[12]], page, pages)
    except ValueError:  # page 3 of 2, page 0
        return None


def draw_qr(payload: str) -> bytes:
    """PNG of the QR code with its quiet zone, to be shown ``QR_MM`` square; the same bytes for the same payload."""
    return _png(qr_modules(payload), 8, (QR_MM, QR_MM))


def qr_modules(payload: str) -> list[bytes]:
    """Rows of the QR code from the top with its quiet zone, one byte a module, 1 for ink.

    Level Q survives a quarter of its area being written over.
    """
    import zxingcpp

    # ISO/IEC 18004 lets the encoder try all eight masks and score them, six times the work of the code itself. Readers
    # take the mask from the code; of 400 codes blurred to the edge of what can be read, 187 were read with the scored
    # mask and 191 to 215 with one mask for all.
    modules = _modules(
        zxingcpp.create_barcode(payload, zxingcpp.BarcodeFormat.QRCode, ec_level="Q", data_mask=_QR_MASK)
    )
    margin = b"\0" * _QR_QUIET
    empty = [b"\0" * (len(modules) + 2 * _QR_QUIET)] * _QR_QUIET
    return [*empty, *(margin + row + margin for row in modules), *empty]


def draw_code128(payload: str) -> bytes:
    """PNG of the Code 128 with its quiet zones, to be shown ``CODE128_MM``; the same bytes for the same payload."""
    import zxingcpp

    modules = _modules(zxingcpp.create_barcode(payload, zxingcpp.BarcodeFormat.Code128))
    margin = b"\0" * _CODE128_QUIET
    row = margin + modules[0] + margin
    # Bars have no detail along their length: few lines, tall pixels.
    return _png([row], 32, CODE128_MM)


def _modules(barcode: zxingcpp.Barcode) -> list[bytes]:
    """Rows from the top, one byte a module, 1 for ink, without quiet zones."""
    import zxingcpp

    image: Any = zxingcpp.write_barcode_to_image(barcode, scale=1, add_quiet_zones=False)
    height, width = image.shape
    pixels = memoryview(image).tobytes().translate(_IS_INK)
    return [pixels[width * row : width * (row + 1)] for row in range(height)]


def _png(rows: list[bytes], high: int, size_mm: tuple[float, float]) -> bytes:
    """A black-and-white PNG (ISO/IEC 15948) of modules (1 is ink), each 8 pixels wide and ``high`` tall.

    Its physical size (pHYs) is ``size_mm``, width and height. The two codes are drawn for every issued document, so
    this must cost next to nothing: eight pixels of one bit are one byte a module, and the lines of a module below its
    first one are "as above" (filter type 2), the same bytes for every code, compressed once.
    """
    width, height = len(rows[0]) * 8, len(rows) * high
    per_metre = [round(pixels / mm * 1000) for pixels, mm in zip((width, height), size_mm, strict=True)]
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)),
        (b"pHYs", struct.pack(">IIB", *per_metre, 1)),
        (b"IDAT", _image_data(rows, high)),
        (b"IEND", b""),
    )
    parts = [b"\x89PNG\r\n\x1a\n"]
    for name, data in chunks:
        parts.append(struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)))
    return b"".join(parts)


def _image_data(rows: list[bytes], high: int) -> bytes:
    """The zlib stream (RFC 1950, 1951): first lines as stored blocks, the lines below them as ready pieces."""
    size = len(rows[0]) + 1
    below, packed = _lines_as_above(size, high - 1)
    first = b"\0%b%b" % (struct.pack("<H", size), struct.pack("<H", size ^ 0xFFFF))
    lines = [b"\0" + row.translate(_INK) for row in rows]
    body = b"".join([piece for line in lines for piece in (first, line, packed)])
    checksum = zlib.adler32(b"".join([piece for line in lines for piece in (line, below)]))
    return b"\x78\x01" + body + b"\x01\0\0\xff\xff" + struct.pack(">I", checksum)


@lru_cache(maxsize=64)
def _lines_as_above(size: int, count: int) -> tuple[bytes, bytes]:
    """``count`` lines of ``size`` bytes that repeat the line above, and their deflated form up to a byte border."""
    lines = (b"\2" + b"\0" * (size - 1)) * count
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return lines, packer.compress(lines) + packer.flush(zlib.Z_FULL_FLUSH)


def blank_picture() -> bytes:
    """A white PNG that takes a code's place on a draft."""
    return _png([b"\0"], 8, (1, 1))
