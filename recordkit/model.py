"""Frozen values that several parts share."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from recordkit.messages import Message

Role = Literal["clerk", "archivist", "appraiser", "approver", "supervisor", "administrator", "auditor"]
"""What a registered person is in the archive."""


class Problem(Struct, frozen=True):
    """One finding about the input, addressed so that a clerk can put the finger on it.

    Attributes:
        row: 1-based row of the spreadsheet (header included), or 1-based position in a list; None outside rows.
        field: key of the field, empty when the finding concerns the whole row or file.
        label: Chinese label of the field.
        cell: spreadsheet address such as ``C7``, where there is one.
        code: stable word for programs, e.g. ``required``, ``check-digit``.
        message: what is wrong; a sensitive value appears masked only.
        severity: an ``error`` refuses the row, a ``warning`` does not.
    """

    row: int | None
    field: str
    label: str
    cell: str | None
    code: str
    message: Message
    severity: Literal["error", "warning"] = "error"


class WrongSetting(Struct, frozen=True):
    """A setting that cannot be: its key, its value, what may stand there."""

    key: str
    value: object
    allowed: Message | str


class Entry(Struct, frozen=True):
    """One line of the ledger. ``time`` is ISO 8601 UTC; ``left`` counts the entries still to follow in its batch."""

    seq: int
    time: str
    actor: str
    act: str
    body: Mapping[str, object]
    left: int
    prev: str
    hash: str


class PageText(Struct, frozen=True):
    """Text of one page and where it came from.

    Attributes:
        page: 1-based page number.
        text: the text, lines separated by newlines.
        source: ``embedded`` (the PDF's own text layer), ``ocr`` or ``none``.
        engine: name and version of what read it.
        confidence: mean confidence of OCR from 0 to 1; None for embedded text.
        turned: degrees clockwise (0, 90, 180, 270) by which the page was turned before reading.
        blank: nothing is on the page but what a scanner adds: dust, dark edges, holes, what shines through.
    """

    page: int
    text: str
    source: Literal["embedded", "ocr", "none"]
    engine: str
    confidence: float | None = None
    turned: int = 0
    blank: bool = False


class Finding(Struct, frozen=True):
    """Something an archivist should know about a filed paper; never a reason to lose it."""

    code: str
    message: Message


def canonical_json(value: object) -> bytes:
    """The one byte form that is hashed and signed: sorted keys, no spaces, UTF-8, no NaN (RFC 8785 without floats)."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8")


CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Base32 letters without I, L, O, U, which clerks confuse with digits and each other."""


def crockford(number: int, width: int) -> str:
    """``number`` in base32, exactly ``width`` characters.

    Raises:
        ValueError: it is negative or does not fit.
    """
    if not 0 <= number < 32**width:
        raise ValueError(f"{number} does not fit into {width} base32 characters")
    letters = []
    for _ in range(width):
        number, digit = divmod(number, 32)
        letters.append(CROCKFORD[digit])
    return "".join(reversed(letters))


_BRACKETS = str.maketrans("[]()（）【】［］﹝﹞", "〔〕" * 6)


def as_printed(number: str) -> str:
    """A document number as it is printed, from what people type: 换通[2026]0001号 means 换通〔2026〕0001号."""
    width = {ord(wide): ord(wide) - 0xFEE0 for wide in "０１２３４５６７８９－"}
    return number.strip().translate(width).translate(_BRACKETS)


def same_code(text: str) -> str:
    """The form in which archival codes are compared; SQL has it by this name.

    NFKC, without case, blanks and leading zeros of numbers; one middle dot and one dash, whichever was typed.
    """
    plain = "".join(unicodedata.normalize("NFKC", text).casefold().split()).translate(_SIGNS)
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", plain)


_SIGNS = {**dict.fromkeys(map(ord, "・•‧∙⋅●"), "·"), **dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")}


def same_account(text: str) -> str:
    """The form in which accounts are compared: NFKC, no outer spaces; leading zeros stay."""
    return unicodedata.normalize("NFKC", text).strip()
