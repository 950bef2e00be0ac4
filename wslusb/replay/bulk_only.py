"""Bulk-Only Transport (mass storage) with the answers of a capture: commands in any order, whatever their tags."""

from __future__ import annotations

from collections.abc import Iterable

from ..usb.urb import Status, Urb
from .disk import Command, Disk, Outcome
from .divergence import Diverged, show_data
from .script import Reply
from .story import Exchange

__all__ = ["BulkOnly", "Missing"]

_FAILED = Outcome(0, stalled=True, status=1)


class BulkOnly:
    """One interface. A command that the capture does not have fails, as one that a disk does not know."""

    def __init__(self, exchanges: Iterable[Exchange], pair: tuple[int, int]) -> None:
        self.disk = Disk(exchanges, pair)
        self._pair = pair
        self._command: Command | None = None
        self._outcome = _FAILED
        self._left = b""
        self._written = 0
        self._empty = self._stall = False

    def reset(self) -> None:
        """Bulk-Only Mass Storage Reset, or a new configuration: the next thing is a command."""
        self._command = None

    def ask(self, urb: Urb) -> Reply:
        """A wrapper, data, or the status. Diverged for a command that the capture has not, or for none."""
        if self._command is None:
            return self._begin(urb)
        if self._outcome.silent and urb.endpoint == self._pair[0] and Command.unpack(bytes(urb.data)) is not None:
            return self._begin(urb)  # after a reset of the port, which captures do not show
        if urb.endpoint == self._pair[0]:
            return self._take(urb)
        if self._left:
            data, self._left = self._left[: urb.length], self._left[urb.length :]
            return Reply(data=data, packet=self._outcome.packet)
        if self._outcome.silent:
            return Reply(waits=True, moved=0, packet=self._outcome.packet)
        if self._empty:
            self._empty = False
            return Reply(packet=self._outcome.packet)
        if self._stall:
            self._stall = False
            return Reply(Status.STALL, packet=self._outcome.packet)
        return self._conclude(urb)

    def _begin(self, urb: Urb) -> Reply:
        command = Command.unpack(bytes(urb.data)) if urb.endpoint == self._pair[0] else None
        if command is None:
            raise Diverged("the host did something else than to send a command", "bulk OUT, a command block wrapper")
        found = self.disk.find(command)
        self._command, self._outcome = command, found or _FAILED
        self._left = self._outcome.data if command.is_in else b""
        self._written = 0
        self._empty = self._outcome.empty
        self._stall = self._outcome.stalled and command.length > 0
        if found is None:
            what = f"the capture has no such command: {command.block.hex(' ')}, {command.length} bytes"
            raise Missing(what, "a command of the capture")
        return Reply(moved=urb.length, packet=found.packet)

    def _take(self, urb: Urb) -> Reply:
        """Data of a command that writes: what was written in the capture, if that is known, and nothing else."""
        if self._stall:
            self._stall = False
            return Reply(Status.STALL, moved=0, packet=self._outcome.packet)
        if self._outcome.silent and self._written >= len(self._outcome.data):
            return Reply(waits=True, moved=0, packet=self._outcome.packet)
        wanted = self._outcome.data[self._written : self._written + urb.length]
        self._written += urb.length
        if bytes(urb.data) != wanted and not (self._outcome.blanked and len(wanted) == urb.length):
            packet, self._outcome = self._outcome.packet, _FAILED
            raise Diverged("the host writes other data", f"{len(wanted)} bytes: {show_data(wanted)}", packet)
        return Reply(moved=urb.length, packet=self._outcome.packet)

    def _conclude(self, urb: Urb) -> Reply:
        command, self._command = self._command, None
        assert command is not None  # noqa: S101 -- there is one until its status is given
        wrapper = self._outcome.wrapper(command.tag)
        if urb.length < len(wrapper):
            raise Diverged("the host asked for less than a status", "bulk IN, 13 bytes", self._outcome.packet)
        return Reply(data=wrapper, packet=self._outcome.packet)


class Missing(Diverged):
    """The capture has no such command. The wrapper is taken, and the command fails: a disk says no in its status."""
