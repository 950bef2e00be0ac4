"""What a capture knows of a mass storage device: its answers to SCSI commands, and the blocks that were read.

USB Mass Storage Class, Bulk-Only Transport 1.0, chapter 5, for the wrappers; SBC-3 for READ and WRITE.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ..usb.ids import DIR_IN
from ..usb.urb import Status
from .story import Exchange
from .wildcards import CBW, CBW_SIZE, CSW, CSW_SIZE

__all__ = ["Command", "Disk", "Outcome"]

_CBW = struct.Struct("<4sIIBBB16s")
_CSW = struct.Struct("<4sIIB")
_READ_10, _READ_16, _WRITE_10 = 0x28, 0x88, 0x2A
_READ_CAPACITY = 0x25
_RANGES = {_READ_10: struct.Struct(">xxIxHx"), _READ_16: struct.Struct(">xxQIxx"), _WRITE_10: struct.Struct(">xxIxHx")}
Key = tuple[int, bytes]
"""Logical unit and command block."""


@dataclass(slots=True, frozen=True)
class Command:
    """A command block wrapper."""

    tag: int
    length: int
    is_in: bool
    lun: int
    block: bytes

    @classmethod
    def unpack(cls, data: bytes) -> Command | None:
        """Read one; None for what is none."""
        if len(data) != CBW_SIZE or data[:4] != CBW:
            return None
        _, tag, length, flags, lun, size, block = _CBW.unpack(data)
        return cls(tag, length, flags & DIR_IN != 0, lun & 0x0F, block[: size & 0x1F])

    @property
    def key(self) -> Key:
        """What makes two commands the same."""
        return self.lun, self.block

    def blocks(self) -> tuple[int, int] | None:
        """First block and count of a READ or WRITE."""
        layout = _RANGES.get(self.block[0]) if self.block else None
        if layout is None or len(self.block) < layout.size:
            return None
        first, count = layout.unpack_from(self.block)
        return first, count


@dataclass(slots=True)
class Outcome:
    """What became of a command: data of either direction, and the status.

    ``stalled``: its data stage ended in a stall. ``empty``: it was one packet without data. ``silent``: it was never
    concluded, and its host gave up. ``blanked``: the data that
    were written are not those of the capture's host.
    """

    packet: int
    data: bytes = b""
    stalled: bool = False
    empty: bool = False
    silent: bool = False
    blanked: bool = False
    residue: int = 0
    status: int = 0

    def wrapper(self, tag: int) -> bytes:
        """The command status wrapper for a command of that tag."""
        return _CSW.pack(CSW, tag, self.residue, self.status)


class Disk:
    """All commands of a story. ``pair``: the OUT and the IN endpoint of the interface."""

    def __init__(self, exchanges: Iterable[Exchange], pair: tuple[int, int]) -> None:
        self._outcomes: dict[Key, list[tuple[Command, Outcome]]] = {}
        self._turns: Counter[Key] = Counter()
        self._blocks: dict[tuple[int, int], bytes] = {}
        self._block_size = 0
        command: Command | None = None
        outcome = Outcome(0)
        for exchange in exchanges:
            if exchange.lane not in pair or exchange.refused:
                continue
            if exchange.waits:
                outcome.silent |= exchange.status is Status.CANCELLED
                continue
            if exchange.cut:  # what is not whole is not there
                command = None
                continue
            begun = Command.unpack(exchange.request.data) if exchange.lane == pair[0] else None
            if begun is not None:
                if command is not None and outcome.silent:
                    self._keep(command, outcome)
                command, outcome = begun, Outcome(exchange.number)
            elif command is not None and _hear(outcome, exchange):
                self._keep(command, outcome)
                command = None
        if command is not None and outcome.silent:
            self._keep(command, outcome)

    def _keep(self, command: Command, outcome: Outcome) -> None:
        self._outcomes.setdefault(command.key, []).append((command, outcome))
        data, place = outcome.data, command.blocks()
        if outcome.silent:
            return
        if command.block[:1] == bytes((_READ_CAPACITY,)) and len(data) == 8:
            self._block_size = int.from_bytes(data[4:8], "big")
        elif place and command.is_in and not outcome.status and place[1] and len(data) % place[1] == 0:
            size = len(data) // place[1]
            self._block_size = self._block_size or size
            for index in range(place[1]) if size == self._block_size else ():
                self._blocks.setdefault((command.lun, place[0] + index), data[index * size : (index + 1) * size])

    @property
    def known(self) -> bool:
        """Whether there is any command."""
        return bool(self._outcomes)

    def find(self, command: Command) -> Outcome | None:
        """What the device did with this command each time, its last answer again and again; reads also by blocks."""
        fitting = [each for begun, each in self._outcomes.get(command.key, ()) if begun.length == command.length]
        if fitting:
            turn = self._turns[command.key]
            self._turns[command.key] += 1
            if turn < len(fitting):
                return fitting[turn]
            return next((each for each in reversed(fitting) if not each.silent), fitting[-1])
        place = command.blocks()
        if place is None or not command.is_in:
            return None
        found = [self._blocks.get((command.lun, place[0] + index)) for index in range(min(place[1], 1 << 16))]
        if not found or None in found:
            return None
        data = b"".join(each for each in found if each is not None)
        return Outcome(0, data) if len(data) == command.length else None


def _hear(outcome: Outcome, exchange: Exchange) -> bool:
    """Take in what came after a command. Whether that was its status."""
    answer, status = exchange.answer, exchange.status
    if answer is None:
        return False
    if not exchange.request.is_in:
        outcome.data += exchange.request.data
        outcome.blanked |= exchange.blanked
    elif len(answer.data) == CSW_SIZE and answer.data[:4] == CSW:
        _, _, outcome.residue, outcome.status = _CSW.unpack(answer.data)
        outcome.silent = False  # a read that timed out was tried again
        return True
    else:
        outcome.data += answer.data
        outcome.empty = not outcome.data and status in (Status.OK, Status.SHORT)
    outcome.stalled |= status == Status.STALL
    return False
