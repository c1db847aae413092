"""Which Ed25519 points may stand for a person or in a signature: canonical ones that are not of small order.

With a public key of small order anybody can make a signature that many libraries accept for every statement (RFC 8032,
section 8.9, leaves the check to the application), and a point that is encoded in a second way would be a second key of
the same person. Points are 32 bytes: y in little-endian order, the top bit the sign of x (RFC 8032, section 5.1.2).
"""

from __future__ import annotations

from functools import cache

_PRIME = 2**255 - 19
_D = -121665 * pow(121666, -1, _PRIME) % _PRIME
_ROOT_OF_MINUS_ONE = pow(2, (_PRIME - 1) // 4, _PRIME)


def is_sound_point(encoded: bytes) -> bool:
    """Whether these bytes are the one encoding of a point, and that point is not of order 1, 2, 4 or 8.

    That the point lies on the curve at all is for the library to say that works with it.
    """
    if len(encoded) != 32:
        return False
    y = int.from_bytes(encoded, "little") & ((1 << 255) - 1)
    return y < _PRIME and y not in _small_order()


@cache
def _small_order() -> frozenset[int]:
    """The y of the eight points of small order: 1, -1 and 0, and those whose double has y = 0.

    Doubling gives y = 0 where y² = -x²; in the curve's equation -x² + y² = 1 + d x² y² that leaves d y⁴ + 2 y² = 1.
    """
    found = {1, _PRIME - 1, 0}
    root = _square_root((1 + _D) % _PRIME)
    for sign in (1, -1) if root is not None else ():
        square = (sign * (root or 0) - 1) * pow(_D, -1, _PRIME) % _PRIME
        y = _square_root(square)
        if y is not None:
            found |= {y, _PRIME - y}
    return frozenset(found)


def _square_root(square: int) -> int | None:
    root = pow(square, (_PRIME + 3) // 8, _PRIME)
    if root * root % _PRIME != square:
        root = root * _ROOT_OF_MINUS_ONE % _PRIME
    return root if root * root % _PRIME == square else None
