"""ECDSA on the curve P-256 (FIPS 186-5; SEC 2, 2.4.2), for keys that protect nothing.

Pure Python: the emulator needs no library for one kind of device, a signature takes 10 ms, and the same key signs the
same message the same way (RFC 6979), so runs repeat. It is not constant in time: do not lend it to anything real.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

__all__ = ["PrivateKey"]

_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)

_Point = tuple[int, int] | None
"""Affine coordinates; None is the point at infinity."""


def _add(left: _Point, right: _Point) -> _Point:
    if left is None or right is None:
        return left or right
    (x1, y1), (x2, y2) = left, right
    if x1 == x2 and (y1 + y2) % _P == 0:
        return None
    slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, _P) if left == right else (y2 - y1) * pow(x2 - x1, -1, _P)
    x = (slope * slope - x1 - x2) % _P
    return x, (slope * (x1 - x) - y1) % _P


def _multiply(factor: int, point: _Point) -> _Point:
    total: _Point = None
    while factor:
        if factor & 1:
            total = _add(total, point)
        point = _add(point, point)
        factor >>= 1
    return total


def _times_generator(factor: int) -> tuple[int, int]:
    point = _multiply(factor, _G)
    assert point is not None  # noqa: S101 - the factor is from 1 to the order less 1
    return point


class PrivateKey:
    """A key pair. ``secret`` is a number from 1 to the order of the curve less 1."""

    def __init__(self, secret: int) -> None:
        self._secret = secret
        x, y = _times_generator(secret)
        self.public = b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")
        """The public point, uncompressed (SEC 1, 2.3.3)."""

    @classmethod
    def from_seed(cls, seed: bytes) -> PrivateKey:
        """The key that belongs to a seed, always the same."""
        return cls(int.from_bytes(hashlib.sha512(seed).digest(), "big") % (_ORDER - 1) + 1)

    def sign(self, message: bytes) -> tuple[int, int]:
        """``r`` and ``s`` for the SHA-256 of a message (FIPS 186-5, 6.4.1)."""
        digest = hashlib.sha256(message).digest()
        number = int.from_bytes(digest, "big")
        for nonce in _nonces(self._secret, number % _ORDER):
            r = _times_generator(nonce)[0] % _ORDER
            s = pow(nonce, -1, _ORDER) * (number + r * self._secret) % _ORDER
            if r and s:
                break
        return r, s


def _nonces(secret: int, number: int) -> Iterator[int]:
    """RFC 6979, 3.2: numbers that follow from the key and the message and look random; nearly always the first fits."""
    seed = secret.to_bytes(32, "big") + number.to_bytes(32, "big")
    key, value = bytes(32), b"\x01" * 32
    for separator in (b"\0", b"\1"):
        key = hmac.digest(key, value + separator + seed, "sha256")
        value = hmac.digest(key, value, "sha256")
    while True:
        value = hmac.digest(key, value, "sha256")
        found = int.from_bytes(value, "big")
        if 0 < found < _ORDER:
            yield found
        key = hmac.digest(key, value + b"\0", "sha256")
        value = hmac.digest(key, value, "sha256")
