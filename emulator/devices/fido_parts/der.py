"""As much of DER (X.690) and of certificates (RFC 5280) as an attestation needs: signatures, one self-signed key."""

from __future__ import annotations

from .p256 import PrivateKey

__all__ = ["certificate", "signature"]

_INTEGER, _BIT_STRING, _OBJECT, _UTF8, _UTC_TIME, _SEQUENCE, _SET = 0x02, 0x03, 0x06, 0x0C, 0x17, 0x30, 0x31
_EXPLICIT_0 = 0xA0

_COMMON_NAME = bytes.fromhex("550403")
_EC_PUBLIC_KEY = bytes.fromhex("2a8648ce3d0201")
_PRIME256V1 = bytes.fromhex("2a8648ce3d030107")
_ECDSA_WITH_SHA256 = bytes.fromhex("2a8648ce3d040302")


def _element(tag: int, *contents: bytes) -> bytes:
    body = b"".join(contents)
    if len(body) < 0x80:
        return bytes((tag, len(body))) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


def _integer(value: int) -> bytes:
    """Not negative; the sign bit needs room."""
    return _element(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def signature(key: PrivateKey, message: bytes) -> bytes:
    """An ECDSA signature as certificates and U2F have it: a sequence of r and s (RFC 3279, 2.2.3)."""
    r, s = key.sign(message)
    return _element(_SEQUENCE, _integer(r), _integer(s))


def certificate(key: PrivateKey, name: str, serial: int) -> bytes:
    """A version 3 certificate of a key, signed by itself, valid from 2020 to 2049 (RFC 5280, 4.1)."""
    algorithm = _element(_SEQUENCE, _element(_OBJECT, _ECDSA_WITH_SHA256))
    common_name = _element(_SEQUENCE, _element(_OBJECT, _COMMON_NAME), _element(_UTF8, name.encode()))
    subject = _element(_SEQUENCE, _element(_SET, common_name))
    validity = _element(_SEQUENCE, _element(_UTC_TIME, b"200101000000Z"), _element(_UTC_TIME, b"491231235959Z"))
    curve = _element(_SEQUENCE, _element(_OBJECT, _EC_PUBLIC_KEY), _element(_OBJECT, _PRIME256V1))
    public = _element(_SEQUENCE, curve, _element(_BIT_STRING, b"\0", key.public))
    version = _element(_EXPLICIT_0, _integer(2))
    body = _element(_SEQUENCE, version, _integer(serial), algorithm, subject, validity, subject, public)
    return _element(_SEQUENCE, body, algorithm, _element(_BIT_STRING, b"\0", signature(key, body)))
