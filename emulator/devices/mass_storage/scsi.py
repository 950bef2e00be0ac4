"""A SCSI disk as memory sticks have it: command blocks in, data and sense out. It knows nothing of USB.

The commands are those that the drivers of Linux and Windows send to a removable disk (SPC-4, SBC-3, and MMC-5 for
READ FORMAT CAPACITIES). All the others end with INVALID COMMAND OPERATION CODE, which those drivers expect of a stick.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from wslusb.usb.urb import Buffer

from .inquiry import Identification, mode_pages
from .medium import BLOCK_SIZE, Medium
from .sense import CheckCondition, Sense

__all__ = ["Disk", "Task"]

_MAX_LBA_10 = 0xFFFFFFFF


def _unknown(_block: bytes) -> Task:
    raise CheckCondition(Sense.INVALID_COMMAND)


@dataclass(slots=True)
class Task:
    """A command that was understood.

    ``data`` is what it sends to the host. ``target`` is what it fills from the host, in full, after which ``finish``
    is called (and may raise CheckCondition). At most one of the two is there.
    """

    data: Buffer = b""
    target: memoryview | None = None
    finish: Callable[[], None] | None = None


class Disk:
    """One logical unit."""

    def __init__(self, medium: Medium, identification: Identification) -> None:
        self._medium = medium
        self._identification = identification
        self._loaded = True
        self._locked = False
        self.sense = Sense.NONE
        self._commands: dict[int, Callable[[bytes], Task]] = {
            0x00: self._test_unit_ready,
            0x03: self._request_sense,
            0x08: self._read_6,
            0x0A: self._write_6,
            0x12: self._inquiry,
            0x1A: self._mode_sense_6,
            0x1B: self._start_stop,
            0x1E: self._prevent_removal,
            0x23: self._read_format_capacities,
            0x25: self._read_capacity_10,
            0x28: self._read_10,
            0x2A: self._write_10,
            0x2F: self._verify_10,
            0x35: self._synchronize,
            0x5A: self._mode_sense_10,
            0x88: self._read_16,
            0x8A: self._write_16,
            0x8F: self._verify_16,
            0x91: self._synchronize,
            0x9E: self._service_action_in,
            0xA0: self._report_luns,
            0xA8: self._read_12,
            0xAA: self._write_12,
        }

    def execute(self, block: bytes, unit: int = 0) -> Task:
        """Start a command. CheckCondition if it fails; the reason is then in :attr:`sense` until the next command."""
        command = block.ljust(16, b"\0")
        handler = self._absent_unit if unit else self._commands.get(command[0], _unknown)
        try:
            task = handler(command)
        except CheckCondition as condition:
            self.sense = condition.sense
            raise
        self.sense = Sense.NONE
        return task

    def complete(self, task: Task) -> None:
        """The target of a task has been filled. CheckCondition as for :meth:`execute`."""
        try:
            if task.finish is not None:
                task.finish()
        except CheckCondition as condition:
            self.sense = condition.sense
            raise

    def reset(self) -> None:
        """A reset of the bus: the host's lock is gone (SPC-4, 6.19)."""
        self.sense, self._locked = Sense.NONE, False

    def _absent_unit(self, block: bytes) -> Task:
        """INQUIRY and REQUEST SENSE answer for a unit that is not there too (SPC-4, 6.6.1 and 6.39)."""
        if block[0] == 0x03:
            return Task(Sense.UNSUPPORTED_UNIT.pack()[: block[4]])
        if block[0] != 0x12:
            raise CheckCondition(Sense.UNSUPPORTED_UNIT)
        return Task((b"\x7f" + self._identification.standard()[1:])[: int.from_bytes(block[3:5])])

    def _test_unit_ready(self, _block: bytes) -> Task:
        self._need_medium()
        return Task()

    def _need_medium(self) -> None:
        if not self._loaded:
            raise CheckCondition(Sense.MEDIUM_NOT_PRESENT)

    def _request_sense(self, block: bytes) -> Task:
        if block[1] & 1:  # descriptor format, which nobody asks a stick for
            raise CheckCondition(Sense.INVALID_FIELD)
        return Task(self.sense.pack()[: block[4]])

    def _inquiry(self, block: bytes) -> Task:
        page = self._identification.page(block[2]) if block[1] & 1 else None
        if block[1] & ~1 or (page is None and (block[1] & 1 or block[2])):
            raise CheckCondition(Sense.INVALID_FIELD)
        return Task((page or self._identification.standard())[: int.from_bytes(block[3:5])])

    def _mode_sense_6(self, block: bytes) -> Task:
        pages = mode_pages(block[2])
        head = bytes((len(pages) + 3, 0, self._medium.read_only << 7, 0))
        return Task((head + pages)[: block[4]])

    def _mode_sense_10(self, block: bytes) -> Task:
        pages = mode_pages(block[2])
        head = struct.pack(">HBB4x", len(pages) + 6, 0, self._medium.read_only << 7)
        return Task((head + pages)[: int.from_bytes(block[7:9])])

    def _start_stop(self, block: bytes) -> Task:
        eject, start = block[4] & 2, block[4] & 1
        if eject and not start and self._locked:
            raise CheckCondition(Sense.REMOVAL_PREVENTED)
        if eject:
            self._loaded = bool(start)
        return Task()

    def _prevent_removal(self, block: bytes) -> Task:
        self._need_medium()
        self._locked = bool(block[4] & 1)
        return Task()

    def _synchronize(self, _block: bytes) -> Task:
        self._need_medium()
        self._medium.flush()
        return Task()

    def _read_capacity_10(self, _block: bytes) -> Task:
        self._need_medium()
        return Task(struct.pack(">II", min(self._medium.blocks - 1, _MAX_LBA_10), BLOCK_SIZE))

    def _service_action_in(self, block: bytes) -> Task:
        if block[1] & 0x1F != 0x10:  # READ CAPACITY (16)
            raise CheckCondition(Sense.INVALID_FIELD)
        self._need_medium()
        answer = struct.pack(">QI20x", self._medium.blocks - 1, BLOCK_SIZE)
        return Task(answer[: int.from_bytes(block[10:14])])

    def _read_format_capacities(self, block: bytes) -> Task:
        self._need_medium()
        blocks = min(self._medium.blocks, _MAX_LBA_10)
        # One descriptor, type 2: formatted medium (MMC-5, 6.24.3).
        answer = struct.pack(">3xBIB3s", 8, blocks, 2, BLOCK_SIZE.to_bytes(3))
        return Task(answer[: int.from_bytes(block[7:9])])

    def _report_luns(self, block: bytes) -> Task:
        return Task(struct.pack(">I12x", 8)[: int.from_bytes(block[6:10])])

    def _read_6(self, block: bytes) -> Task:
        return self._read(int.from_bytes(block[1:4]) & 0x1FFFFF, block[4] or 256)

    def _read_10(self, block: bytes) -> Task:
        return self._read(int.from_bytes(block[2:6]), int.from_bytes(block[7:9]), block[1])

    def _read_12(self, block: bytes) -> Task:
        return self._read(int.from_bytes(block[2:6]), int.from_bytes(block[6:10]), block[1])

    def _read_16(self, block: bytes) -> Task:
        return self._read(int.from_bytes(block[2:10]), int.from_bytes(block[10:14]), block[1])

    def _write_6(self, block: bytes) -> Task:
        return self._write(int.from_bytes(block[1:4]) & 0x1FFFFF, block[4] or 256)

    def _write_10(self, block: bytes) -> Task:
        return self._write(int.from_bytes(block[2:6]), int.from_bytes(block[7:9]), block[1])

    def _write_12(self, block: bytes) -> Task:
        return self._write(int.from_bytes(block[2:6]), int.from_bytes(block[6:10]), block[1])

    def _write_16(self, block: bytes) -> Task:
        return self._write(int.from_bytes(block[2:10]), int.from_bytes(block[10:14]), block[1])

    def _verify_10(self, block: bytes) -> Task:
        return self._verify(int.from_bytes(block[2:6]), int.from_bytes(block[7:9]), block[1])

    def _verify_16(self, block: bytes) -> Task:
        return self._verify(int.from_bytes(block[2:10]), int.from_bytes(block[10:14]), block[1])

    def _range(self, first: int, count: int, flags: int) -> memoryview:
        """The blocks that a command names. Bits 7..5 of byte 1 ask for protection information, which there is not."""
        self._need_medium()
        if flags & 0xE0:
            raise CheckCondition(Sense.INVALID_FIELD)
        if first + count > self._medium.blocks:
            raise CheckCondition(Sense.BLOCK_OUT_OF_RANGE)
        return self._medium.at(first, count)

    def _read(self, first: int, count: int, flags: int = 0) -> Task:
        return Task(self._range(first, count, flags))

    def _write(self, first: int, count: int, flags: int = 0) -> Task:
        blocks = self._range(first, count, flags)
        if self._medium.read_only:
            raise CheckCondition(Sense.WRITE_PROTECTED)
        return Task(target=blocks)

    def _verify(self, first: int, count: int, flags: int) -> Task:
        blocks = self._range(first, count, flags)
        if not flags & 0x02:  # BYTCHK: compare with what the host sends
            return Task()
        sent = bytearray(len(blocks))

        def compare() -> None:
            if bytes(blocks) != sent:
                raise CheckCondition(Sense.MISCOMPARE)

        return Task(target=memoryview(sent), finish=compare)
