"""What a disk says of itself: INQUIRY data, vital product data pages, mode pages (SPC-4, 6.6, 7.8, 7.5; SBC-3, 6.5)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .sense import CheckCondition, Sense

__all__ = ["Identification", "mode_pages"]

_ALL_PAGES, _CACHING = 0x3F, 0x08


@dataclass(slots=True, frozen=True)
class Identification:
    """Names of a disk, ASCII; cut or padded to 8, 16 and 4 characters by SCSI. ``serial`` has any length up to 128."""

    vendor: str = "wslusb"
    product: str = "Emulated stick"
    revision: str = "0001"
    serial: str = ""

    def standard(self) -> bytes:
        """The 36 bytes of standard INQUIRY data: a removable direct-access device that claims SPC-4."""
        head = bytes((0x00, 0x80, 0x06, 0x02, 31, 0, 0, 0))
        return head + _field(self.vendor, 8) + _field(self.product, 16) + _field(self.revision, 4)

    def page(self, code: int) -> bytes | None:
        """A vital product data page (bytes 0 to the end); None if the disk has no such page."""
        pages = {
            0x00: bytes((0x00, 0x80, 0x83)),
            0x80: self.serial.encode("ascii", "replace"),
            0x83: self._designator(),
        }
        body = pages.get(code)
        return None if body is None else struct.pack(">BBH", 0, code, len(body)) + body

    def _designator(self) -> bytes:
        """A T10 vendor id designator (SPC-4, 7.8.6.4): ASCII, of the logical unit, unique by its serial number."""
        name = _field(self.vendor, 8) + _field(self.product, 16) + self.serial.encode("ascii", "replace")[:128]
        return bytes((0x02, 0x01, 0, len(name))) + name


def _field(text: str, size: int) -> bytes:
    return text.encode("ascii", "replace")[:size].ljust(size)


def mode_pages(selector: int) -> bytes:
    """The mode pages that byte 2 of a MODE SENSE names. There is one: caching, with no write-back cache.

    Nothing is changeable, so the mask (page control 1) is zeroes; nothing can be saved (page control 3).
    """
    control, page = selector >> 6, selector & 0x3F
    if control == 3:
        raise CheckCondition(Sense.SAVING_UNSUPPORTED)
    if page not in (_ALL_PAGES, _CACHING):
        raise CheckCondition(Sense.INVALID_FIELD)
    return bytes((_CACHING, 18)) + bytes(18)
