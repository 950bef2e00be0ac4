"""The values that must not be in a capture, and the tokens that stand in for them.

A token is as long as what it replaces and the same wherever that value stands, so lengths and matching survive. It is
cut from an HMAC whose salt is drawn anew for each capture and never written: nobody can try serial numbers against it.
"""

from __future__ import annotations

import hashlib
import hmac
import os

__all__ = ["Secrets"]

_SALT_SIZE = 32
_LEAST_REPLACED = 4
"""Bytes. What is shorter would be found everywhere; where a serial number stands by itself, it is replaced anyway."""
_LEAST_TELLING = 3
"""Bytes that are not zero. 00 00 00 00 00 01 may be a serial number in hexadecimal digits, and is in every header."""
_LEAST_SEARCHED = 6
"""Bytes. Shorter ones would be found by chance in the numbers of a long capture's headers."""


class Secrets:
    """Original values and their tokens. ``salt`` is for tests."""

    def __init__(self, salt: bytes | None = None) -> None:
        self._salt = os.urandom(_SALT_SIZE) if salt is None else salt
        self._patterns: dict[bytes, bytes] = {}

    def bytes_token(self, value: bytes) -> bytes:
        """What stands in for ``value``."""
        return self._stream(value, len(value))

    def text_token(self, text: str, length: int | None = None) -> str:
        """What stands in for ``text``: upper-case hexadecimal digits, as many as it has characters, or ``length``."""
        size = len(text) if length is None else length
        return self._stream(text.encode("utf-8", "replace"), (size + 1) // 2).hex().upper()[:size]

    def _stream(self, value: bytes, size: int) -> bytes:
        blocks = range((size + 31) // 32)
        parts = (hmac.digest(self._salt, bytes((i & 0xFF,)) + value, hashlib.sha256) for i in blocks)
        return b"".join(parts)[:size]

    def add_text(self, text: str) -> None:
        """A serial number, or an address written in hexadecimal digits: in UTF-16 and UTF-8, and as those bytes.

        Neither capitals nor marks between the bytes of an address hide it.
        """
        if not text:
            return
        self._add_written(text, text, itself=True)
        if not text.isalpha():  # a word may stand anywhere
            for other in {text.lower(), text.upper()} - {text}:
                self._add_written(other, text)
        if len(text) == 12:
            try:
                value = bytes.fromhex(text)
            except ValueError:
                return
            if len(value) - value.count(0) >= _LEAST_TELLING:
                self._add(value, bytes.fromhex(self.text_token(text)))
                for mark in ":-":
                    self._add_written(value.hex(mark), text)
                    self._add_written(value.hex(mark).upper(), text)

    def _add_written(self, text: str, meant: str, *, itself: bool = False) -> None:
        """One way of writing what ``meant`` is the token of."""
        units, plain = text.encode("utf-16-le", "surrogatepass"), text.encode("utf-8", "replace")
        self._add(units, self.text_token(meant, len(units) // 2).encode("utf-16-le"), itself=itself)
        self._add(plain, self.text_token(meant, len(plain)).encode(), itself=itself)

    def units_token(self, text: str) -> bytes:
        """The token of a text in UTF-16: as many code units as the text has."""
        size = len(text.encode("utf-16-le", "surrogatepass")) // 2
        return self.text_token(text, size).encode("utf-16-le")

    def add_bytes(self, value: bytes) -> None:
        """A number, such as a container id."""
        self._add(value, self.bytes_token(value))

    def _add(self, value: bytes, token: bytes, *, itself: bool = False) -> None:
        """``itself``: whatever else it is another way of writing, this is its own token."""
        if len(value) >= _LEAST_REPLACED and any(value) and (itself or value not in self._patterns):
            self._patterns[value] = token
            # Longer ones first: what is left of one must not be half of another.
            self._patterns = dict(sorted(self._patterns.items(), key=lambda each: -len(each[0])))

    @property
    def originals(self) -> list[bytes]:
        """What is to be looked for in a file that is done. Words are replaced, too, but our own comments have some."""
        return [value for value in self._patterns if len(value) >= _LEAST_SEARCHED and not _is_plain_words(value)]

    def replace(self, data: bytes) -> bytes:
        """``data`` with every known value replaced, wherever it stands."""
        for value, token in self._patterns.items():
            if value in data:
                data = data.replace(value, token)
        return data


def _is_plain_words(value: bytes) -> bool:
    text = value.replace(b" ", b"")
    return text.isalpha() and not text.isupper()
