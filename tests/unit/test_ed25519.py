import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from recordkit.ed25519 import SMALL_ORDER, is_sound_point
from recordkit.model import canonical_json
from recordkit.people import signature_holds

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
STATEMENT = {"act": "order.signed", "by": "sup1"}


def encoded(y: int, sign: int = 0) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


def times_eight(point: tuple[int, int]) -> tuple[int, int]:
    """Three doublings in plain coordinates, written from the curve's addition law."""
    d = -121665 * pow(121666, -1, PRIME) % PRIME
    x, y = point
    for _ in range(3):
        cross = d * x * x * y * y % PRIME
        x, y = 2 * x * y * pow(1 + cross, -1, PRIME) % PRIME, (y * y + x * x) * pow(1 - cross, -1, PRIME) % PRIME
    return x, y


def x_of(y: int) -> int | None:
    d = -121665 * pow(121666, -1, PRIME) % PRIME
    square = (y * y - 1) * pow(d * y * y + 1, -1, PRIME) % PRIME
    root = pow(square, (PRIME + 3) // 8, PRIME)
    for candidate in (root, root * pow(2, (PRIME - 1) // 4, PRIME) % PRIME):
        if candidate * candidate % PRIME == square:
            return candidate
    return None


def test_the_points_that_are_refused_vanish_when_multiplied_by_eight_and_there_are_eight() -> None:
    points = set()
    for y in SMALL_ORDER:
        assert y < PRIME
        x = x_of(y)
        assert x is not None
        points |= {(x, y), (-x % PRIME, y)}
    assert len(points) == 8
    assert all(times_eight(point) == (0, 1) for point in points)


@pytest.mark.parametrize("sign", [0, 1])
def test_points_of_small_order_and_second_encodings_are_not_sound(sign: int) -> None:
    for y in sorted(SMALL_ORDER):
        assert not is_sound_point(encoded(y, sign))
    for y in range(PRIME, 2**255):
        assert not is_sound_point(encoded(y, sign))
    assert not is_sound_point(b"")
    assert not is_sound_point(b"\x02" * 31)


def test_real_keys_are_sound() -> None:
    for _ in range(50):
        assert is_sound_point(Ed25519PrivateKey.generate().public_key().public_bytes_raw())


def test_a_signature_that_anybody_can_make_for_a_key_of_small_order_does_not_hold() -> None:
    neutral = encoded(1)
    forged = neutral + bytes(32)
    # The library itself takes it: 0·B = O + k·O for every statement.
    Ed25519PublicKey.from_public_bytes(neutral).verify(forged, canonical_json(STATEMENT))
    assert not signature_holds(neutral.hex(), STATEMENT, forged.hex())


def test_a_signature_written_in_a_second_way_does_not_hold() -> None:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw().hex()
    signature = private.sign(canonical_json(STATEMENT))
    assert signature_holds(public, STATEMENT, signature.hex())
    scalar = int.from_bytes(signature[32:], "little") + ORDER
    second = signature[:32] + scalar.to_bytes(32, "little")
    assert not signature_holds(public, STATEMENT, second.hex())
    assert not signature_holds(public, STATEMENT, (encoded(1) + signature[32:]).hex())
    assert not signature_holds(public, STATEMENT, signature.hex() + "00")
