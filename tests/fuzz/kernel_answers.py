"""What a relay writes to vhci_hcd is held against the commands that it read (drivers/usb/usbip/vhci_rx.c).

The kernel believes what it is told: a number that it did not ask about ends the connection, a length beyond its buffer
ends the kernel. Written apart from :mod:`wslusb.wire.usbip`, which is what is looked at.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from tests.fuzz.oracle import Finding
from tests.support.kernel import ECONNRESET, RET_SUBMIT, RET_UNLINK, SUBMIT, UNLINK

__all__ = ["KernelsBook"]

_HEADER = 48
_PACKETS = 1024
_CREDIT = 500
"""Where more URBs wait than a device has credit for, the rest is behind them (docs/architecture.md, "Known limits")."""
_ISO = struct.Struct(">IIIi")


@dataclass(slots=True)
class _Submit:
    """A URB of the kernel."""

    endpoint: int
    is_in: bool
    length: int
    packets: list[tuple[int, int]]
    """(offset, length) each."""


@dataclass(slots=True)
class KernelsBook:
    """Commands by number, and what they were answered.

    ``broken``: why a relay may give the port up. ``vague``: a number came twice, or two unlinks of one URB. That is no
    mistake once the first is answered, and cannot be told from one in what was written.
    """

    submits: dict[int, _Submit] = field(default_factory=dict)
    unlinks: dict[int, int] = field(default_factory=dict)
    broken: str = ""
    vague: bool = False
    _answered: dict[int, int] = field(default_factory=dict)
    """Submits, with the command that ended each: RET_SUBMIT, or RET_UNLINK for one that was stopped."""
    _unlinked: set[int] = field(default_factory=set)
    _targets: set[int] = field(default_factory=set)
    _at: int = 0

    def wrote(self, sent: bytes) -> None:
        """All that the kernel has written, up to what no kernel writes."""
        at = 0
        while not self.broken and len(sent) - at >= _HEADER:
            command, number, _, direction, endpoint = struct.unpack_from(">IIIII", sent, at)
            first, length, _, count, _ = struct.unpack_from(">IIiii", sent, at + 20)
            if command == UNLINK:
                self.vague |= number in self.unlinks or first in self._targets
                self.unlinks[number] = first
                self._targets.add(first)
                at += _HEADER
                continue
            count = max(count, 0)
            if command != SUBMIT or direction > 1 or endpoint > 15 or count > _PACKETS or length >> 31:
                self.broken = "no command"
            else:
                self.vague |= number in self.submits
                body = at + _HEADER + (0 if direction else length)
                if len(sent) < body + 16 * count:
                    return
                table = [_ISO.unpack_from(sent, body + 16 * each)[:2] for each in range(count)]
                if any(offset + size > length or size > 0xFFFF for offset, size in table):
                    self.broken = "packets beyond their buffer"
                self.submits[number] = _Submit(endpoint, bool(direction), length, table)
                at = body + 16 * count

    def read(self, said: bytes) -> set[str]:
        """All that the kernel has read; kinds of answers. Finding for one that a kernel does not survive."""
        kinds = set[str]()
        while not self.vague and len(said) - self._at >= _HEADER:
            command, number, *zeros = struct.unpack_from(">IIIII", said, self._at)
            if any(zeros) or command not in (RET_SUBMIT, RET_UNLINK):
                raise Finding(f"answer {command} to {number}, {zeros}")
            end = self._submitted(said, number) if command == RET_SUBMIT else self._stopped(said, number)
            if not end:
                break
            kinds.add(f"{command} {struct.unpack_from('>i', said, self._at + 20)[0]}")
            self._at = end
        return kinds

    def _submitted(self, said: bytes, number: int) -> int:
        status, actual, _, count, errors = struct.unpack_from(">iiiii", said, self._at + 20)
        submit = self.submits.get(number)
        if submit is None or number in self._answered:
            raise Finding(f"an answer to {number}, which {'was answered' if submit else 'nobody asked'}")
        if status > 0 or not 0 <= actual <= submit.length or not 0 <= errors <= count or count != len(submit.packets):
            raise Finding(f"{actual} bytes, {count} packets, {errors} errors, {status} in answer to {submit}")
        table = self._at + _HEADER + (actual if submit.is_in else 0)
        end: int = table + 16 * count
        if len(said) < end:
            return 0
        moved = 0
        for index, (offset, size) in enumerate(submit.packets):
            told = _ISO.unpack_from(said, table + 16 * index)
            if told[:2] != (offset, size) or told[2] > size:
                raise Finding(f"packet {told} where {offset}, {size} was asked for")
            moved += told[2]
        if count and moved != actual:
            raise Finding(f"packets of {moved} bytes, {actual} in all")
        self._answered[number] = RET_SUBMIT
        return end

    def _stopped(self, said: bytes, number: int) -> int:
        (status,) = struct.unpack_from(">i", said, self._at + 20)
        if number not in self.unlinks or number in self._unlinked or status not in (0, ECONNRESET):
            raise Finding(f"unlink {number} is answered with {status}, {number in self._unlinked}")
        self._unlinked.add(number)
        target = self.unlinks[number]
        if status == ECONNRESET:
            if target in self._answered or target not in self.submits:
                raise Finding(f"unlink {number} of {target} has won, and there is an answer to {target} as well")
            self._answered[target] = RET_UNLINK
        elif target in self.submits and target < number and target not in self._answered:
            raise Finding(f"unlink {number} of {target} has lost, and nothing has been said of {target}")
        return self._at + _HEADER

    @property
    def unanswered(self) -> str:
        """What a kernel waits for that must not take long: unlinks, control transfers, URBs that were unlinked."""
        if self.broken or self.vague:
            return ""
        behind = len(self.submits) - len(self._answered) > _CREDIT
        urbs = [n for n, each in self.submits.items() if n not in self._answered and not each.endpoint and not behind]
        waiting = [n for n in self.unlinks if n not in self._unlinked]
        return f"unlinks {waiting[:9]}, URBs {urbs[:9]}" if urbs or waiting else ""
