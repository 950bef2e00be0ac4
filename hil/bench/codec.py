"""What packing and unpacking costs, without any socket: nanoseconds a call."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

from wslusb.session.connection import Connection
from wslusb.session.states import Role
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Completion, Urb, UrbFlag
from wslusb.wire import urbs
from wslusb.wire.frame import HEADER
from wslusb.wire.messages import Hello
from wslusb.wire.usbip import Submit, SubmitBuffer, pack_ret_submit

__all__ = ["codec_costs"]

_SIZE = 4096
_HANDLE = 1
_CMD_SUBMIT = struct.Struct(">IIIII IIiii8x")


def codec_costs(calls: int) -> dict[str, float]:
    """Nanoseconds a call of everything that a bulk IN URB of 4 KiB meets on its way there and back."""
    return {name: _time(function, calls) for name, function in _functions().items()}


def _functions() -> dict[str, Callable[[], object]]:
    urb = Urb(1, 0x81, TransferType.BULK, _SIZE, UrbFlag.SHORT_OK)
    completion = Completion(urb, 0, _SIZE, memoryview(bytes(_SIZE)))
    request = b"".join(urbs.encode_request(urb, 1, _HANDLE))
    response = b"".join(urbs.encode_response(completion, 1, _HANDLE))
    asked, answered = memoryview(request)[HEADER.size :], memoryview(response)[HEADER.size :]
    limits, submit = Hello().limits, Submit(1, urb)
    return {
        "vhci: read CMD_SUBMIT": _reader(),
        "guest: encode request": lambda: urbs.encode_request(urb, 1, _HANDLE),
        "host: cut and check a frame": _receiver(request),
        "host: decode request": lambda: urbs.decode_request(asked, 1, limits),
        "host: encode response": lambda: urbs.encode_response(completion, 1, _HANDLE),
        "guest: decode response": lambda: urbs.decode_response(answered, urb),
        "vhci: pack RET_SUBMIT": lambda: pack_ret_submit(submit, completion),
    }


def _reader() -> Callable[[], object]:
    """CMD_SUBMIT from the bytes that vhci_hcd writes."""
    command = _CMD_SUBMIT.pack(1, 1, 0x10001, 1, 1, 0, _SIZE, 0, 0, 0)
    buffer = SubmitBuffer()

    def read() -> object:
        buffer.writable()[: len(command)] = command
        buffer.received(len(command))
        return buffer.next()

    return read


def _receiver(frame: bytes) -> Callable[[], object]:
    """A connection that gets one frame after the other, each with the next number."""
    connection = Connection(Role.HOST, Hello())
    connection.attached(_HANDLE)
    numbered = bytearray(frame)
    sequence = 0

    def receive() -> object:
        nonlocal sequence
        sequence += 1
        struct.pack_into("<I", numbered, 8, sequence)
        connection.frames.writable()[: len(numbered)] = numbered
        connection.frames.received(len(numbered))
        return connection.receive()

    return receive


def _time(function: Callable[[], object], calls: int) -> float:
    for _ in range(calls // 10):
        function()
    start = time.perf_counter_ns()
    for _ in range(calls):
        function()
    return (time.perf_counter_ns() - start) / calls
