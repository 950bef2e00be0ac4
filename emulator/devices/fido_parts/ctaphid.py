"""CTAPHID: messages of up to 7609 bytes in reports of 64, for several programs at once (CTAP 2.1, 11.2).

Programs ask for a channel each. One message is under way at a time; who else begins one meanwhile hears CHANNEL_BUSY.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable

__all__ = ["BROADCAST", "REPORT_SIZE", "Command", "Error", "Transport", "packets"]

REPORT_SIZE = 64
BROADCAST = 0xFFFFFFFF
_FIRST, _NEXT = struct.Struct(">IBH"), struct.Struct(">IB")
_FIRST_SIZE, _NEXT_SIZE = REPORT_SIZE - _FIRST.size, REPORT_SIZE - _NEXT.size
_LONGEST = _FIRST_SIZE + 128 * _NEXT_SIZE
_INITIAL = 0x80
"""Set in the fifth byte of the first packet of a message; the sequence numbers of the others stay below it."""
_PROTOCOL, _DEVICE_VERSION, _CAN_WINK = 2, (1, 0, 0), 0x01


class Command(enum.IntEnum):
    """CMD (11.2.9)."""

    PING = 0x01
    MSG = 0x03
    INIT = 0x06
    WINK = 0x08
    CANCEL = 0x11
    ERROR = 0x3F


class Error(enum.IntEnum):
    """What an ERROR message says (11.2.9.1.6)."""

    INVALID_COMMAND = 0x01
    INVALID_LENGTH = 0x03
    INVALID_SEQUENCE = 0x04
    MESSAGE_TIMEOUT = 0x05
    CHANNEL_BUSY = 0x06
    INVALID_CHANNEL = 0x0B


_AT_ONCE = (Command.INIT, Command.CANCEL)
"""One packet each, and they disturb nobody else's message."""


def packets(channel: int, command: int, data: bytes) -> list[bytes]:
    """A message, cut into reports (11.2.4)."""
    found = [_FIRST.pack(channel, _INITIAL | command, len(data)) + data[:_FIRST_SIZE]]
    for number, start in enumerate(range(_FIRST_SIZE, len(data), _NEXT_SIZE)):
        found.append(_NEXT.pack(channel, number) + data[start : start + _NEXT_SIZE])
    return [packet.ljust(REPORT_SIZE, b"\0") for packet in found]


class Transport:
    """The device's end. ``send`` takes reports for the host, ``message`` answers MSG, ``wink`` blinks.

    Whoever owns it calls :meth:`expired` when :attr:`waiting` has been true for half a second with no packet.
    """

    def __init__(
        self, send: Callable[[bytes], None], message: Callable[[bytes], bytes], wink: Callable[[], None]
    ) -> None:
        self._send = send
        self._message = message
        self._wink = wink
        self._channels = 0
        self._channel = 0
        self._command = 0
        self._size = 0
        self._data = bytearray()
        self._sequence = 0
        self._commands: dict[int, Callable[[int, bytes], None]] = {
            Command.PING: self._ping, Command.MSG: self._msg, Command.INIT: self._init, Command.WINK: self._do_wink,
            Command.CANCEL: self._cancel,
        }  # fmt: skip

    @property
    def waiting(self) -> bool:
        """Whether a message has begun and not ended."""
        return self._channel != 0

    def reset(self) -> None:
        """Forget what is half done, and all channels."""
        self._channels = self._channel = 0

    def expired(self) -> None:
        """The rest of a message did not come in time (11.2.5.1)."""
        if self.waiting:
            self._fail(Error.MESSAGE_TIMEOUT)

    def received(self, report: bytes) -> None:
        """A report from the host."""
        if len(report) != REPORT_SIZE:
            return
        if report[4] & _INITIAL:
            self._first(report)
        else:
            self._next(report)

    def _first(self, report: bytes) -> None:
        channel, command, size = _FIRST.unpack_from(report)
        command &= ~_INITIAL
        refusal = self._refusal(channel, command, size)
        if refusal is not None:
            if channel == self._channel:
                self._channel = 0
            self._reply(channel, Command.ERROR, bytes((refusal,)))
        elif command in _AT_ONCE:
            if command == Command.INIT and channel == self._channel:
                self._channel = 0
            self._run(channel, command, report[_FIRST.size : _FIRST.size + size])
        else:
            self._channel, self._command, self._size, self._sequence = channel, command, size, 0
            self._data[:] = report[_FIRST.size :]
            self._complete()

    def _refusal(self, channel: int, command: int, size: int) -> Error | None:
        if size > _LONGEST:
            return Error.INVALID_LENGTH
        if command == Command.INIT:
            allowed = channel == BROADCAST or 0 < channel <= self._channels
            return (None if size == 8 else Error.INVALID_LENGTH) if allowed else Error.INVALID_CHANNEL
        if not 0 < channel <= self._channels:
            return Error.INVALID_CHANNEL
        if not self.waiting or command == Command.CANCEL:
            return None
        return Error.INVALID_SEQUENCE if channel == self._channel else Error.CHANNEL_BUSY

    def _next(self, report: bytes) -> None:
        """Packets that continue nothing are ignored (11.2.5.3)."""
        channel, sequence = _NEXT.unpack_from(report)
        if not self.waiting or channel != self._channel:
            return
        if sequence != self._sequence:
            self._fail(Error.INVALID_SEQUENCE)
            return
        self._sequence += 1
        self._data += report[_NEXT.size :]
        self._complete()

    def _fail(self, error: Error) -> None:
        channel, self._channel = self._channel, 0
        self._reply(channel, Command.ERROR, bytes((error,)))

    def _complete(self) -> None:
        if len(self._data) >= self._size:
            channel, self._channel = self._channel, 0
            self._run(channel, self._command, bytes(self._data[: self._size]))

    def _run(self, channel: int, command: int, data: bytes) -> None:
        answer = self._commands.get(command)
        if answer is None:
            self._reply(channel, Command.ERROR, bytes((Error.INVALID_COMMAND,)))
        else:
            answer(channel, data)

    def _reply(self, channel: int, command: int, data: bytes) -> None:
        for packet in packets(channel, command, data):
            self._send(packet)

    def _ping(self, channel: int, data: bytes) -> None:
        self._reply(channel, Command.PING, data)

    def _msg(self, channel: int, data: bytes) -> None:
        self._reply(channel, Command.MSG, self._message(data))

    def _init(self, channel: int, data: bytes) -> None:
        """A new channel, or the old one with nothing under way (11.2.9.1.3)."""
        mine = channel
        if channel == BROADCAST:
            self._channels += 1
            mine = self._channels
        told = struct.pack(">8sIBBBBB", data, mine, _PROTOCOL, *_DEVICE_VERSION, _CAN_WINK)
        self._reply(channel, Command.INIT, told)

    def _do_wink(self, channel: int, data: bytes) -> None:
        if data:
            self._reply(channel, Command.ERROR, bytes((Error.INVALID_LENGTH,)))
        else:
            self._wink()
            self._reply(channel, Command.WINK, b"")

    def _cancel(self, channel: int, data: bytes) -> None:
        """Never answered (11.2.9.1.5); what is answered at once cannot be cancelled."""
