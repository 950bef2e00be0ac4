"""What becomes of the bytes that a function's endpoints move: kept, blanked to zeroes, or kept in part.

A treatment is asked with the bytes of one transfer and answers with as many. It must not give away what it does not
understand: bytes that are not recognized for certain are blanked.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

__all__ = [
    "BulkOnly",
    "Treatment",
    "blank",
    "ccid",
    "keep",
    "keyboard",
    "mouse",
    "notification",
    "uas_command",
    "uas_status",
]

Treatment = Callable[[bool, bytes], bytes]
"""Whether the bytes go to the host, and the bytes."""


def keep(_is_in: bool, data: bytes) -> bytes:
    """All of it."""
    return data


def blank(_is_in: bool, data: bytes) -> bytes:
    """Zeroes."""
    return bytes(len(data))


def _head(data: bytes, size: int) -> bytes:
    return data[:size].ljust(len(data), b"\0")


_KEY_A, _LEFT_CONTROL = 0x04, 0x01
_BOOT_REPORT = 8


def keyboard(is_in: bool, data: bytes) -> bytes:
    """A boot keyboard's report with every key mapped to one (HID 1.11, B.1), lowest places first; LEDs are kept.

    Where a key stands may tell which it is, in a report that only looks like this one.
    """
    if not is_in:
        return data if len(data) == 1 else bytes(len(data))
    if len(data) != _BOOT_REPORT:
        return bytes(len(data))
    down = sum(map(bool, data[2:]))
    return bytes((_LEFT_CONTROL if data[0] else 0, 0, *[_KEY_A] * down)).ljust(_BOOT_REPORT, b"\0")


def mouse(_is_in: bool, data: bytes) -> bytes:
    """A boot mouse's report: buttons and ways; longer ones may be anything."""
    return data if len(data) <= _BOOT_REPORT else bytes(len(data))


_CCID_HEADER = 10


def ccid(is_in: bool, data: bytes) -> bytes:
    """A message to or from a smart-card reader, whole in one transfer (CCID 1.1, chapter 6): the header is kept."""
    kind = 0x80 if is_in else 0x60
    if len(data) >= _CCID_HEADER and data[0] & 0xE0 == kind & 0xE0:
        (length,) = struct.unpack_from("<I", data, 1)
        if length + _CCID_HEADER == len(data):
            return _head(data, _CCID_HEADER)
    return bytes(len(data))


_NOTIFICATION_HEADER = 8


def notification(is_in: bool, data: bytes) -> bytes:
    """What a communications function tells of its line (CDC 1.2, 6.3): the header, and the two words of a speed."""
    said = _NOTIFICATION_HEADER + int.from_bytes(data[6:8], "little")
    if is_in and data[:1] == b"\xa1" and len(data) in (_NOTIFICATION_HEADER, said) and len(data) <= 16:
        return data
    return bytes(len(data))


_COMMAND_BLOCK, _STATUS_BLOCK = struct.Struct("<4sIIBBB"), struct.Struct("<4sIIB")
_COMMAND_SIZE, _STATUS_SIZE, _LONGEST_COMMAND = 31, 13, 16
_INQUIRY, _READ_CAPACITY_16 = 0x12, 0x9E
_DESCRIBING = {0x03: 18, _INQUIRY: 36, 0x23: 255, 0x25: 8, _READ_CAPACITY_16: 32, 0xA0: 255}
"""Commands whose data describe a medium and say nothing of what is on it, and how many bytes of them do (SPC-4, SBC-3):
sense, inquiry, format capacities, capacity, LUNs. An inquiry's vendor area often has a serial number."""
_MODE_SENSE = {0x1A: (4, 3, 1), 0x5A: (8, 6, 2)}
"""The two commands, with the size of the header, and the place and size of the block descriptors' length in it."""
_MODE_PAGES = {
    0x01: 12, 0x02: 16, 0x03: 24, 0x04: 24, 0x05: 32, 0x07: 12, 0x08: 20, 0x0A: 12, 0x0D: 8, 0x0E: 16, 0x1A: 40,
    0x1B: 12, 0x1C: 12, 0x1D: 36, 0x2A: 32,
}  # fmt: skip
"""Pages that standards know, and how many bytes they have at most (SPC-4, SBC-3, MMC-6, UFI)."""


def _mode_pages(data: bytes, opcode: int) -> bytes:
    """An answer to MODE SENSE: headers, block descriptors, and the pages that are understood. Those are whole."""
    at, place, size = _MODE_SENSE[opcode]
    at += int.from_bytes(data[place : place + size], "big")
    shown = bytearray(data[: min(at, 24)])
    while at + 2 <= len(data):
        end = at + 2 + data[at + 1]
        page, known = data[at:end], _MODE_PAGES.get(data[at] & 0x7F, 0)
        shown += page if len(page) <= known else page[:2].ljust(len(page), b"\0")
        at = end
    return bytes(shown).ljust(len(data), b"\0")[: len(data)]


_MODE_COMMANDS = tuple(bytes((opcode,)) for opcode in _MODE_SENSE)


class BulkOnly:
    """Mass storage, Bulk-Only (BBB 1.0): command and status are kept, and what describes a medium."""

    def __init__(self) -> None:
        self._tag: int | None = None
        self._command = b""
        self._out_left = 0
        self._asked = self._moved = 0

    def __call__(self, is_in: bool, data: bytes) -> bytes:
        """See :data:`Treatment`."""
        return self._in(data) if is_in else self._out(data)

    def _out(self, data: bytes) -> bytes:
        if not self._out_left and len(data) == _COMMAND_SIZE:
            signature, tag, length, flags, lun, size = _COMMAND_BLOCK.unpack_from(data)
            if signature == b"USBC" and not flags & 0x7F and lun < 16 and 1 <= size <= _LONGEST_COMMAND:
                self._tag, self._command, self._asked, self._moved = tag, data[15 : 15 + size], length, 0
                self._out_left = 0 if flags else length
                return _head(data, 15 + size)
        self._out_left = max(0, self._out_left - len(data))
        return bytes(len(data))

    def _in(self, data: bytes) -> bytes:
        if len(data) == _STATUS_SIZE and self._tag is not None:
            signature, tag, _residue, status = _STATUS_BLOCK.unpack(data)
            if signature == b"USBS" and tag == self._tag and status <= 2:
                self._out_left, self._command = 0, b""
                return data
        before, self._moved = self._moved, self._moved + len(data)
        if self._moved > self._asked:
            self._command = b""  # its end was missed
        if not before and self._command[:1] in _MODE_COMMANDS:
            return _mode_pages(data, self._command[0])
        return _head(data, max(0, self._describing() - before))

    def _describing(self) -> int:
        command = self._command
        if not command:
            return 0
        pages = command[0] == _INQUIRY and (len(command) < 2 or command[1] & 1)
        other = command[0] == _READ_CAPACITY_16 and command[1:2] != b"\x10"
        return 0 if pages or other else _DESCRIBING.get(command[0], 0)


_UAS_COMMANDS = {1: 32, 5: 16}
_UAS_STATUSES = {3: 34, 4: 8, 6: 4, 7: 4}
"""Information units by their numbers (UAS, table 10), and how many bytes are told: sense data is 18 bytes long."""


def uas_command(_is_in: bool, data: bytes) -> bytes:
    """The command pipe of USB attached SCSI: commands of 16 bytes and task management."""
    return data if data and _UAS_COMMANDS.get(data[0]) == len(data) else bytes(len(data))


def uas_status(_is_in: bool, data: bytes) -> bytes:
    """Its status pipe."""
    return _head(data, _UAS_STATUSES.get(data[0], 0)) if data else data
