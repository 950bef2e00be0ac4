"""The memory that holds a device's firmware."""

from __future__ import annotations

from pathlib import Path

__all__ = ["Flash"]

_HEAD, _FIRST_VERSION = b"FW", 0x0100


class Flash:
    """An image of at most ``size`` bytes, kept in ``path`` if there is one.

    An image that begins with ``FW`` and two bytes, little-endian, has them as its version (bcdDevice); any other one
    is the next version. OSError if the file cannot be read.
    """

    def __init__(self, size: int, path: Path | None = None) -> None:
        self.size = size
        self._path = path
        self.image = path.read_bytes() if path is not None and path.exists() else b""
        self.version = self._version_of(self.image, _FIRST_VERSION)

    def program(self, image: bytes) -> None:
        """Replace the image."""
        self.image = image
        self.version = self._version_of(image, self.version + 1)
        if self._path is not None:
            self._path.write_bytes(image)

    @staticmethod
    def _version_of(image: bytes, otherwise: int) -> int:
        return int.from_bytes(image[2:4], "little") if image[:2] == _HEAD and len(image) >= 4 else otherwise
