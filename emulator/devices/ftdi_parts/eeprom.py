"""The EEPROM of an FT232R: 64 words that programs such as ftdi_eeprom read and write, and the driver reads."""

from __future__ import annotations

import struct

__all__ = ["Eeprom"]

_WORDS = 64
_HEAD = struct.Struct("<BBHHHBBBBH")
_STRINGS_AT = 0x18
_SIGNAL_FUNCTIONS = bytes((0x23, 0x10, 0x05))
"""What the CBUS pins do, four bits a pin from CBUS0 on: transmit LED, receive LED, TXDEN, PWREN#, SLEEP#."""
_HIGH_DRIVER, _USES_SERIAL = 0x4000, 0x08


class Eeprom:
    """Words by their addresses. An address above the last wraps, as the chip looks at its low bits alone."""

    def __init__(self, words: list[int]) -> None:
        self._words = words

    @classmethod
    def of(cls, device: tuple[int, int, int], configuration: tuple[int, int], strings: tuple[str, str, str]) -> Eeprom:
        """Vendor, product, bcdDevice; bmAttributes and bMaxPower; manufacturer, product, serial."""
        head = _HEAD.pack(_HIGH_DRIVER & 0xFF, _HIGH_DRIVER >> 8, *device, *configuration, _USES_SERIAL, 0, 0x0200)
        places, pool = bytearray(), bytearray()
        for text in strings:
            packed = text.encode("utf-16-le")
            descriptor = bytes((len(packed) + 2, 3)) + packed
            places += bytes((0x80 | _STRINGS_AT + len(pool), len(descriptor)))
            pool += descriptor
        body = (head + places + _SIGNAL_FUNCTIONS).ljust(_STRINGS_AT, b"\0") + pool
        words = list(struct.unpack(f"<{_WORDS}H", body[: 2 * _WORDS - 2].ljust(2 * _WORDS, b"\0")))
        words[-1] = checksum(words[:-1])
        return cls(words)

    def read(self, address: int) -> bytes:
        """A word, little-endian."""
        return struct.pack("<H", self._words[address % _WORDS])

    def write(self, address: int, word: int) -> None:
        """Change a word. The checksum is the writer's business."""
        self._words[address % _WORDS] = word

    def erase(self) -> None:
        """As new."""
        self._words = [0xFFFF] * _WORDS


def checksum(words: list[int]) -> int:
    """The last word: all before it, exclusive-or and rotate."""
    result = 0xAAAA
    for word in words:
        result ^= word
        result = (result << 1 | result >> 15) & 0xFFFF
    return result
