"""A small initiator for USB sticks: Bulk-Only Transport, and a few SCSI commands.

It is given two functions, one that sends to the bulk OUT endpoint and one that receives from the bulk IN endpoint, so
it works with pyusb, with a Device, or with a fake. Section numbers are those of "USB Mass Storage Class, Bulk-Only
Transport", revision 1.0.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["BulkOnlyError", "Capacity", "Inquiry", "Stick"]

Buffer = bytes | bytearray | memoryview

_CBW = struct.Struct("<4sIIBBB16s")
_CSW = struct.Struct("<4sIIB")
_TRANSFER_10 = struct.Struct(">BBIBHB")
_IN = 0x80

TEST_UNIT_READY, REQUEST_SENSE, INQUIRY = 0x00, 0x03, 0x12
READ_CAPACITY, READ_10, WRITE_10 = 0x25, 0x28, 0x2A
_SENSE_SIZE, _INQUIRY_SIZE, _CAPACITY_SIZE = 18, 36, 8
_READY_TRIES = 5


class BulkOnlyError(Exception):
    """The stick refused a command, or did not speak the protocol."""


@dataclass(frozen=True)
class Inquiry:
    """Who the stick says it is (SPC-4, 6.6)."""

    vendor: str
    product: str
    revision: str


@dataclass(frozen=True)
class Capacity:
    """How much it holds."""

    blocks: int
    block_size: int

    @property
    def size(self) -> int:
        """In bytes."""
        return self.blocks * self.block_size

    def __str__(self) -> str:
        return f"{self.size / 2**20:.0f} MiB in blocks of {self.block_size}"


class Stick:
    """One logical unit. ``send(data)`` and ``receive(length)`` move one bulk transfer each."""

    def __init__(self, send: Callable[[Buffer], object], receive: Callable[[int], Buffer]) -> None:
        self._send = send
        self._receive = receive
        self._tags = itertools.count(1)

    def inquiry(self) -> Inquiry:
        """INQUIRY."""
        data = self._read(struct.pack(">BBBHB", INQUIRY, 0, 0, _INQUIRY_SIZE, 0), _INQUIRY_SIZE)
        if len(data) < _INQUIRY_SIZE:
            raise BulkOnlyError(f"INQUIRY brought {len(data)} bytes")
        return Inquiry(*(data[a:b].decode("ascii", "replace").strip() for a, b in ((8, 16), (16, 32), (32, 36))))

    def wait_ready(self) -> None:
        """TEST UNIT READY until it is. The first answer after a power-on or reset may well be no (SAM-5, 5.14)."""
        for _ in range(_READY_TRIES):
            if self._command(bytes([TEST_UNIT_READY, 0, 0, 0, 0, 0]), 0, 0):
                return
            self._read(bytes([REQUEST_SENSE, 0, 0, 0, _SENSE_SIZE, 0]), _SENSE_SIZE)
        raise BulkOnlyError("the stick does not become ready")

    def capacity(self) -> Capacity:
        """READ CAPACITY(10)."""
        data = self._read(bytes([READ_CAPACITY, *bytes(9)]), _CAPACITY_SIZE)
        if len(data) != _CAPACITY_SIZE:
            raise BulkOnlyError(f"READ CAPACITY brought {len(data)} bytes")
        last, block_size = struct.unpack(">II", data)
        return Capacity(last + 1, block_size)

    def read(self, block: int, count: int, block_size: int = 512) -> bytes:
        """READ(10): ``count`` blocks from ``block`` on."""
        data = self._read(_TRANSFER_10.pack(READ_10, 0, block, 0, count, 0), count * block_size)
        if len(data) != count * block_size:
            raise BulkOnlyError(f"READ(10) brought {len(data)} of {count * block_size} bytes")
        return data

    def write(self, block: int, data: Buffer, block_size: int = 512) -> None:
        """WRITE(10): whole blocks from ``block`` on."""
        count, rest = divmod(len(data), block_size)
        if rest:
            raise ValueError(f"{len(data)} bytes are no whole number of blocks")
        command = _TRANSFER_10.pack(WRITE_10, 0, block, 0, count, 0)
        if not self._command(command, 0, len(data), lambda: self._send(data)):
            raise BulkOnlyError(f"WRITE(10) of {count} blocks at {block} failed")

    def ask(self, command: bytes, length: int) -> tuple[bool, bytes]:
        """Any command that reads, as it stands in the wrapper: whether it passed, and what came."""
        data: list[Buffer] = []
        passed = self._command(command, _IN, length, lambda: data.append(self._receive(length)) if length else None)
        return passed, b"".join(data)

    def _read(self, command: bytes, length: int) -> bytes:
        passed, data = self.ask(command, length)
        if not passed:
            raise BulkOnlyError(f"command {command[0]:#04x} failed")
        return data

    def _command(self, command: bytes, direction: int, length: int, move: Callable[[], object] = lambda: None) -> bool:
        """Command, data and status (section 5.3); whether it passed."""
        tag = next(self._tags) & 0xFFFFFFFF
        self._send(_CBW.pack(b"USBC", tag, length, direction, 0, len(command), command))
        move()
        status = self._receive(_CSW.size)
        if len(status) != _CSW.size:
            raise BulkOnlyError(f"a status of {len(status)} bytes")
        signature, answered, _residue, code = _CSW.unpack(status)
        if signature != b"USBS" or answered != tag or code > 1:  # 6.3: valid and meaningful; 2 is a phase error
            raise BulkOnlyError(f"the status {bytes(status).hex()} does not fit command {tag}")
        return bool(code == 0)
