"""Bulk-Only Transport: command, data and status over two bulk pipes (USB Mass Storage Class, Bulk-Only, revision 1.0).

Section numbers below are of that document. Its thirteen cases (6.7) are what host and device may disagree on: direction
and amount of data. H is what the host announced, D what the device has in mind; n none, i IN, o OUT.
"""

from __future__ import annotations

import enum
import struct

from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer

from ...firmware import InHandler, OutHandler
from .scsi import Disk, Task
from .sense import CheckCondition

__all__ = ["BulkOnly"]

_CBW = struct.Struct("<4sIIBBB16s")
_CSW = struct.Struct("<4sIIB")
_RESET, _GET_MAX_LUN = 0xFF, 0xFE


class _Phase(enum.Enum):
    COMMAND = enum.auto()
    DATA_OUT = enum.auto()
    STATUS = enum.auto()
    """Data or status are under way to the host; a new command is not acknowledged before they have arrived."""
    BROKEN = enum.auto()
    """After a CBW that is not valid: both endpoints stall until reset recovery (6.6.1)."""


class _Csw(enum.IntEnum):
    """bCSWStatus (table 5.3)."""

    PASSED = 0
    FAILED = 1
    PHASE_ERROR = 2


class BulkOnly:
    """The transport of one interface. ``data_in`` and ``data_out`` are its endpoints' handlers."""

    def __init__(self, disk: Disk) -> None:
        self.data_in = _DataIn(self)
        self.data_out = _DataOut(self)
        self._disk = disk
        self._phase = _Phase.COMMAND
        self._tag = 0
        self._announced = 0
        self._task = Task()
        self._filled = 0

    def control(self, setup: Setup) -> Buffer | None:
        """The two class requests (3.1, 3.2). Answers None for what is neither."""
        if (setup.request_type, setup.request, setup.value, setup.length) == (0xA1, _GET_MAX_LUN, 0, 1):
            return b"\0"
        if (setup.request_type, setup.request, setup.value, setup.length) == (0x21, _RESET, 0, 0):
            self._phase = _Phase.COMMAND
            self.data_in.pipe.clear()  # the halts stay: the host clears them next (5.3.4)
            self._disk.reset()
            return b""
        return None

    def restart(self) -> None:
        """The endpoints are new, after a configuration was chosen or the port was reset: wait for a command."""
        self._phase = _Phase.COMMAND
        self._disk.reset()

    def received(self, data: memoryview, *, end: bool) -> int | None:
        """Take OUT data, as far as the phase wants it."""
        if self._phase is _Phase.COMMAND:
            self._command(bytes(data))
            return len(data)
        if self._phase is _Phase.DATA_OUT:
            return self._fill(data, end=end)
        if self._phase is _Phase.BROKEN:
            self.data_out.pipe.halt()
        return None

    def drained(self) -> None:
        """The host has its status: ready for the next command."""
        if self._phase is _Phase.STATUS:
            self._phase = _Phase.COMMAND
            self.data_out.pipe.resume()

    def halt_cleared(self) -> None:
        """Keep both endpoints stalled while a reset recovery is due."""
        if self._phase is _Phase.BROKEN:
            self._break()

    def _break(self) -> None:
        self._phase = _Phase.BROKEN
        self.data_in.pipe.clear()
        self.data_in.pipe.halt()
        self.data_out.pipe.halt()

    def _command(self, data: bytes) -> None:
        """Section 6.2: valid is 31 bytes with the signature; meaningful is no reserved bit, block of 1 to 16."""
        if len(data) != _CBW.size or data[:4] != b"USBC":
            self._break()
            return
        _, self._tag, self._announced, flags, unit, length, block = _CBW.unpack(data)
        if flags & 0x7F or unit & 0xF0 or not 1 <= length <= 16:
            self._break()
            return
        host_in = flags & 0x80 != 0
        try:
            self._task = self._disk.execute(block[:length], unit)
        except CheckCondition:
            self._end_early(host_in, _Csw.FAILED)
            return
        self._dispatch(host_in)

    def _dispatch(self, host_in: bool) -> None:
        task, announced = self._task, self._announced
        if task.target is not None and len(task.target):
            if host_in or announced < len(task.target):  # cases 3 (Hn < Do), 8 (Hi <> Do), 13 (Ho < Do)
                self._end_early(host_in, _Csw.PHASE_ERROR)
            else:
                self._phase, self._filled = _Phase.DATA_OUT, 0
        elif len(task.data) and (not host_in or not announced):  # cases 2 (Hn < Di), 10 (Ho <> Di)
            self._end_early(host_in, _Csw.PHASE_ERROR)
        elif len(task.data):
            self._send()
        else:  # cases 1 (Hn = Dn), 4 (Hi > Dn), 9 (Ho > Dn)
            self._finish_without_data(host_in)

    def _finish_without_data(self, host_in: bool) -> None:
        try:
            self._disk.complete(self._task)
        except CheckCondition:
            self._end_early(host_in, _Csw.FAILED)
        else:
            self._end_early(host_in, _Csw.PASSED)

    def _send(self) -> None:
        """Cases 5 (Hi > Di), 6 (Hi = Di), 7 (Hi < Di)."""
        data, announced = self._task.data, self._announced
        pipe = self.data_in.pipe
        pipe.send(data if len(data) <= announced else memoryview(data)[:announced])
        if len(data) < announced:
            pipe.halt_after()
        status = _Csw.PHASE_ERROR if len(data) > announced else _Csw.PASSED
        self._status(status, max(0, announced - len(data)))

    def _fill(self, data: memoryview, *, end: bool) -> int:
        """Cases 11 (Ho > Do) and 12 (Ho = Do): what is too much is stalled, not taken."""
        target = self._task.target
        assert target is not None  # noqa: S101 - the phase says so
        taken = min(len(data), len(target) - self._filled)
        target[self._filled : self._filled + taken] = data[:taken]
        self._filled += taken
        if self._filled < len(target):
            if end:  # the host stopped early: it will not send the rest
                self._status(_Csw.FAILED, self._announced - self._filled)
            return taken
        if self._announced > len(target):
            self.data_out.pipe.halt()
        try:
            self._disk.complete(self._task)
        except CheckCondition:
            self._status(_Csw.FAILED, self._announced - self._filled)
        else:
            self._status(_Csw.PASSED, self._announced - self._filled)
        return taken

    def _end_early(self, host_in: bool, status: _Csw) -> None:
        """No data, though the host may wait for it or be about to send it: stall what it announced (6.7.2, 6.7.3)."""
        if self._announced and host_in:
            self.data_in.pipe.halt_after()
        elif self._announced:
            self.data_out.pipe.halt()
        self._status(status, self._announced)

    def _status(self, status: _Csw, residue: int) -> None:
        # Set here and not before: until the status is queued, a drained pipe says nothing about it.
        self._phase = _Phase.STATUS
        self._task = Task()
        self.data_in.pipe.send(_CSW.pack(b"USBS", self._tag, residue, status))


class _DataIn(InHandler):
    def __init__(self, transport: BulkOnly) -> None:
        self._transport = transport

    def drained(self) -> None:
        self._transport.drained()

    def halt_cleared(self) -> None:
        self._transport.halt_cleared()


class _DataOut(OutHandler):
    def __init__(self, transport: BulkOnly) -> None:
        self._transport = transport

    def received(self, data: memoryview, end: bool) -> int | None:
        return self._transport.received(data, end=end)

    def halt_cleared(self) -> None:
        self._transport.halt_cleared()
