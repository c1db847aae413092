"""Which Ed25519 points may stand for a person or in a signature: canonical ones that are not of small order.

With a public key of small order anybody can make a signature that many libraries accept for every statement (RFC 8032,
section 8.9, leaves the check to the application), and a point that is encoded in a second way would be a second key of
the same person. Points are 32 bytes: y in little-endian order, the top bit the sign of x (RFC 8032, section 5.1.2).
"""

from __future__ import annotations

_PRIME = 2**255 - 19
_ORDER_EIGHT = 0x5FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
"""y of two points of order 8; the double of such a point has y = 0, which leaves d y⁴ + 2 y² = 1 of the equation."""
SMALL_ORDER = frozenset({0, 1, _PRIME - 1, _ORDER_EIGHT, _PRIME - _ORDER_EIGHT})
"""The y of the eight points whose order is 1, 2, 4 or 8."""


def is_sound_point(encoded: bytes) -> bool:
    """Whether these bytes are the one encoding of a point, and that point is not of order 1, 2, 4 or 8.

    That the point lies on the curve at all is for the library to say that works with it.
    """
    if len(encoded) != 32:
        return False
    y = int.from_bytes(encoded, "little") & ((1 << 255) - 1)
    return y < _PRIME and y not in SMALL_ORDER
