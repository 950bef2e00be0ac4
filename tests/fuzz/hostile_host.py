"""A host that answers what it hears, through the channel of a case, and holds what the agent says to the protocol."""

from __future__ import annotations

import socket

from emulator import device_provider
from tests.fuzz.mutation import Channel
from tests.fuzz.oracle import Finding
from wslusb.usb.urb import Completion, Status, Urb
from wslusb.wire.cancels import Cancel, CancelAnswer
from wslusb.wire.events import Event, EventKind
from wslusb.wire.frame import HEADER, MessageType, pack_header
from wslusb.wire.limits import Limits
from wslusb.wire.listing import DeviceState, EnumerationAnswer, Listed
from wslusb.wire.messages import AttachAnswer, Hello, Purpose, StatusAnswer
from wslusb.wire.urbs import decode_request, encode_response

__all__ = ["WRITTEN", "HostileHost"]

_INFO = device_provider("loopback").devices()[0]
_HANDLE, _CREDITS = 7, 4
WRITTEN = (b"hello", b"data that wait", bytes([0xEE]) * 4000)
"""What the kernel writes to the device: nothing else may reach a host."""


class HostileHost:
    """One end of one connection of the agent: answers what it hears, through the channel of the case."""

    def __init__(self, sock: socket.socket, channel: Channel) -> None:
        self._sock, self._channel, self._data = sock, channel, b""
        self._purpose: int = Purpose.CONTROL
        self._due, self._waiting = 1, 0
        self.heard: list[int] = []

    def listen(self) -> None:
        """Answer all that is there now. OSError or EOFError at the end."""
        piece = self._sock.recv(1 << 16)
        if not piece:
            raise EOFError
        self._data += piece
        while len(self._data) >= HEADER.size:
            kind, size, sequence, _ = HEADER.unpack_from(self._data)
            if len(self._data) < HEADER.size + size:
                return
            payload, self._data = self._data[HEADER.size : HEADER.size + size], self._data[HEADER.size + size :]
            self.heard.append(kind)
            self._numbers(kind, sequence)
            for message in self._answers(kind, sequence, payload):
                for each in self._channel.through(message):
                    self._sock.sendall(each)

    def _numbers(self, kind: int, sequence: int) -> None:
        """What the agent asks is counted, and is never more than it has credit for."""
        if kind in (MessageType.EVENT, MessageType.ERROR, MessageType.PONG):
            return
        if sequence != self._due:
            raise Finding(f"the agent's message of type {kind:#x} has number {sequence} in place of {self._due}")
        self._due += 1
        self._waiting += kind == MessageType.URB_REQUEST
        if self._waiting > _CREDITS and not self._channel.changes:
            raise Finding(f"{self._waiting} URBs are under way, {_CREDITS} are granted")

    def _answers(self, kind: int, sequence: int, payload: bytes) -> list[bytes]:
        if kind == MessageType.HELLO:
            self._purpose = Hello.unpack(memoryview(payload)).purpose
            hello = _message(kind, sequence, Hello(Purpose(self._purpose), token=bytes(16), name="fuzz").pack())
            wanted = Event(EventKind.ATTACH_WANTED, _INFO.busid, 5, _INFO.generation).pack()
            return [hello, _message(MessageType.EVENT, 0, wanted)] if self._purpose == Purpose.CONTROL else [hello]
        if kind == MessageType.ENUMERATION:
            answer = EnumerationAnswer([Listed(_INFO, DeviceState.SHARED)]).pack()
            return [_message(kind, sequence, answer), _message(MessageType.PING, 1)]
        if kind == MessageType.ATTACH:
            return [_message(kind, sequence, AttachAnswer(0, "", _HANDLE, _CREDITS, 1 << 16, _INFO).pack())]
        if kind == MessageType.URB_REQUEST:
            return self._completions(decode_request(memoryview(payload), sequence, Limits()))
        if kind == MessageType.CANCEL:
            target = Cancel.unpack(memoryview(payload)).target
            given_back = Completion(Urb(target, 0x81, 2, 64), Status.CANCELLED)
            response = b"".join(encode_response(given_back, target, _HANDLE))
            self._waiting -= 1
            return [response, _message(kind, sequence, CancelAnswer(target, True).pack(), _HANDLE)]
        if kind in (MessageType.DETACH, MessageType.RESET):
            return [_message(kind, sequence, StatusAnswer(0).pack(), _HANDLE)]
        return []

    def _completions(self, urb: Urb) -> list[bytes]:
        if urb.setup is None and not urb.is_in and bytes(urb.data) not in WRITTEN:
            raise Finding(f"the kernel has not written {bytes(urb.data[:20])!r}, which the host gets")
        if urb.is_in and urb.length == 64:
            return []  # it waits for its cancel
        data = bytes(urb.length) if urb.is_in and not urb.iso_lengths else b""
        actual = 0 if urb.iso_lengths else urb.length
        self._waiting -= 1
        return [b"".join(encode_response(Completion(urb, 0, actual, data), urb.sequence, _HANDLE))]


def _message(kind: int, sequence: int, payload: bytes = b"", handle: int = 0) -> bytes:
    return pack_header(kind, len(payload), sequence, handle) + payload
