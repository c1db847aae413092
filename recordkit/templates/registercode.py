"""The code printed on a destruction register that is to be signed by hand, by which its scan finds its order.

Payload: ``RKD``, the store's tag (4 characters), year and serial of the order (3 each), which signatures the paper has
room for (1), the first 60 bits of the digest of what is signed (12), and 2 check characters: 28 characters of
upper-case Crockford base32, drawn as QR code and Code 128 like the codes of documents (``code``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from recordkit.templates.code import ALPHABET, check_characters, crockford32, number_of

PREFIX = "RKD"
LENGTH = 28
QR_MM = 22.0
CODE128_MM = (130.0, 9.0)
DIGITS = 15
"""Hexadecimal digits of the digest that a code carries."""

ACTS = ("approve", "sign", "complete")
"""Signatures a register may have room for, in the order of their bits."""

IN_TEXT = re.compile(rf"(?<![0-9A-Z])RKD[{ALPHABET}]{{{LENGTH - 3}}}(?![0-9A-Z])")
_ORDER = re.compile(r"D(\d{4,5})-(\d{4,5})")


@dataclass(frozen=True, slots=True)
class RegisterCode:
    """What the code on a register says.

    Attributes:
        store_tag: 4 characters of the store.
        order: id of the order, ``D2037-0001``.
        acts: signatures it has room for, out of ``ACTS``.
        digest: the first 15 hexadecimal digits of the digest of what is signed.
    """

    store_tag: str
    order: str
    acts: frozenset[str]
    digest: str

    def encode(self) -> str:
        """The payload to print.

        Raises:
            ValueError: the order's id has another form, or its year or serial is beyond 32767.
        """
        found = _ORDER.fullmatch(self.order)
        if found is None:
            raise ValueError(f"{self.order!r} is no id of an order")
        room = sum(1 << place for place, act in enumerate(ACTS) if act in self.acts)
        body = (self.store_tag + crockford32(int(found[1]), 3) + crockford32(int(found[2]), 3) + crockford32(room, 1)
                + crockford32(int(self.digest[:DIGITS], 16), 12))
        return PREFIX + body + check_characters(body)


def decode_register(payload: str) -> RegisterCode | None:
    """What ``payload`` says, or None when it is no code of a register or was misread; nothing is forgiven."""
    if len(payload) != LENGTH or not payload.startswith(PREFIX):
        return None
    body, check = payload[len(PREFIX) : -2], payload[-2:]
    if not all(character in ALPHABET for character in body) or check != check_characters(body):
        return None
    room = number_of(body[10])
    order = f"D{number_of(body[4:7]):04}-{number_of(body[7:10]):04}"
    if not 0 < room < 1 << len(ACTS):
        return None
    acts = frozenset(act for place, act in enumerate(ACTS) if room >> place & 1)
    return RegisterCode(body[:4], order, acts, f"{number_of(body[11:23]):0{DIGITS}x}")


def register_codes(payloads: Iterable[str], texts: Iterable[str], store_tag: str) -> tuple[RegisterCode, ...]:
    """The codes of this store's registers among payloads seen on pictures and in texts, each once."""
    seen = [*payloads, *(one for text in texts for one in IN_TEXT.findall(text))]
    found = dict.fromkeys(decode_register(one) for one in seen)
    return tuple(one for one in found if one is not None and one.store_tag == store_tag)
