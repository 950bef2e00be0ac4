"""A kernel end of vhci_hcd's socket: USB/IP commands as raw bytes, and a record of what is answered.

It is as strict as ``drivers/usb/usbip/vhci_rx.c`` should be, and drops the connection (AssertionError) where that does.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.support.waiting import PATIENCE

SUBMIT, UNLINK, RET_SUBMIT, RET_UNLINK = 1, 2, 3, 4
_HEADER = struct.Struct(">IIIII")
_SUBMIT = struct.Struct(">IIiii8s")
_RET = struct.Struct(">iiiii8x")
_ISO = struct.Struct(">IIIi")
EINPROGRESS = -115
ECONNRESET = -104


def pack_submit(
    number: int, endpoint: int, length: int, data: bytes = b"", setup: bytes = bytes(8), flags: int = 0,
    packets: Sequence[tuple[int, int]] = (), interval: int = 0, count: int | None = None, start: int = 0,
) -> bytes:  # fmt: skip
    """CMD_SUBMIT; ``packets`` are (offset, length) each. ``endpoint`` has its direction."""
    many = len(packets) if count is None else count
    head = _HEADER.pack(SUBMIT, number, 1, endpoint >> 7, endpoint & 15)
    body = _SUBMIT.pack(flags, length, start, many, interval, setup)
    return head + body + data + b"".join(_ISO.pack(offset, size, 0, 0) for offset, size in packets)


def pack_unlink(number: int, target: int) -> bytes:
    """CMD_UNLINK."""
    return _HEADER.pack(UNLINK, number, 1, 0, 0) + struct.pack(">I24x", target)


@dataclass(slots=True)
class Asked:
    """A URB that the kernel has submitted."""

    endpoint: int
    length: int
    packets: Sequence[tuple[int, int]]


@dataclass(slots=True)
class Answer:
    """RET_SUBMIT or RET_UNLINK. ``number`` is that of the command."""

    command: int
    number: int
    status: int
    data: bytes = b""
    actual: int = 0
    errors: int = 0
    packets: list[tuple[int, int, int, int]] = field(default_factory=list)
    """(offset, length, actual length, status) each."""


class Kernel:
    """The kernel's end. Every answer is checked against what was asked, before a test sees it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.settimeout(PATIENCE)
        self.asked: dict[int, Asked] = {}
        self.unlinks: dict[int, int] = {}

    def submit(
        self, number: int, endpoint: int, length: int, data: bytes = b"", setup: bytes = bytes(8), flags: int = 0,
        packets: Sequence[tuple[int, int]] = (), interval: int = 0,
    ) -> None:  # fmt: skip
        direction = setup[0] & 0x80 if not endpoint & 15 else endpoint & 0x80
        self.asked[number] = Asked(endpoint & 15 | direction, length, packets)
        self.sock.sendall(pack_submit(number, endpoint & 15 | direction, length, data, setup, flags, packets, interval))

    def unlink(self, number: int, target: int) -> None:
        self.unlinks[number] = target
        self.sock.sendall(pack_unlink(number, target))

    def control(self, number: int, request_type: int, request: int, value: int, index: int, length: int) -> None:
        """A control transfer with no OUT data."""
        self.submit(
            number,
            request_type & 0x80,
            length,
            setup=struct.pack("<BBHHH", request_type, request, value, index, length),
        )

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self.sock.recv(size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def answer(self) -> Answer:
        """The next answer. EOFError when the relay has closed the port."""
        command, number, devid, direction, endpoint = _HEADER.unpack(self._exactly(20))
        status, actual, _start, count, errors = _RET.unpack(self._exactly(28))
        assert (devid, direction, endpoint) == (0, 0, 0)
        assert status <= 0
        assert status != EINPROGRESS
        if command == RET_UNLINK:
            target = self.unlinks.pop(number)
            assert status in (0, ECONNRESET)
            if status:
                assert self.asked.pop(target), "an unlink that won and a RET_SUBMIT before it"
            else:
                assert target not in self.asked, "an unlink that lost before its RET_SUBMIT"
            return Answer(command, number, status)
        assert command == RET_SUBMIT
        return self._submitted(number, self.asked.pop(number), status, actual, count, errors)

    def _submitted(self, number: int, asked: Asked, status: int, actual: int, count: int, errors: int) -> Answer:
        assert 0 <= actual <= asked.length, "the kernel would crash the program that waits"
        assert count == len(asked.packets)
        assert 0 <= errors <= count
        data = self._exactly(actual) if asked.endpoint & 0x80 else b""
        packets = [_ISO.unpack(self._exactly(16)) for _ in range(count)]
        for (offset, length), packet in zip(asked.packets, packets, strict=True):
            assert packet[:2] == (offset, length)
            assert packet[2] <= length
            assert packet[3] <= 0
        if packets:
            assert sum(packet[2] for packet in packets) == actual
        return Answer(RET_SUBMIT, number, status, data, actual, errors, packets)

    def silent(self) -> bool:
        """Whether nothing more has been answered so far."""
        self.sock.setblocking(False)
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        finally:
            self.sock.settimeout(PATIENCE)
        return False
