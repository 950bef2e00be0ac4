"""The USB/IP codec: what vhci_hcd writes, cut into pieces, and what it is answered."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tests.support.kernel import pack_submit, pack_unlink
from tests.support.strategies import flat
from wslusb.errors import LocalError
from wslusb.usb.urb import Completion, Status
from wslusb.wire import limits
from wslusb.wire.usbip import Submit, SubmitBuffer, Unlink, pack_ret_submit, pack_ret_unlink

GET_DEVICE = bytes((0x80, 6, 0, 1, 0, 0, 18, 0))


def seeds() -> Iterator[bytes]:
    """The first byte is the size of the pieces."""
    commands = [
        pack_submit(1, 0x80, 18, setup=GET_DEVICE),
        pack_submit(2, 0, 4, b"abcd", bytes((0x40, 0x5B, 0, 0, 0, 0, 4, 0))),
        pack_submit(3, 0x81, 512, flags=1),
        pack_submit(4, 0x01, 5, b"hello", flags=0x40),
        pack_submit(5, 0x85, 64, interval=8),
        pack_submit(6, 0x83, 64, packets=[(0, 10), (32, 20)], flags=2),
        pack_submit(7, 0x03, 12, b"ab..cd..ef..", packets=[(0, 2), (4, 2), (8, 2)]),
        pack_unlink(8, 3),
    ]
    for command in commands:
        yield b"\x30" + command
    yield b"\x07" + b"".join(commands)


def run(data: bytes) -> None:
    """Nothing but LocalError, the same in pieces as in one; an answer is bounded by its request, whatever it is."""
    whole = _read(data, len(data) + 1, max(256, len(data)))
    assert _read(data, (data[0] if data else 0) + 1, 256) == whole, "in pieces as in one"


def _read(data: bytes, step: int, size: int) -> list[tuple[object, ...]]:
    """What is understood of it, in pieces of ``step`` bytes."""
    buffer, understood = SubmitBuffer(size=size), list[tuple[object, ...]]()
    buffer.transfers = {0x85: 3, 0x05: 3}
    with contextlib.suppress(LocalError):
        for start in range(1, len(data), step):
            piece = data[start : start + step]
            while piece:
                room = buffer.writable()
                room[: len(piece)] = piece[: len(room)]
                buffer.received(min(len(piece), len(room)))
                piece = piece[len(room) :]
                while (command := buffer.next()) is not None:
                    understood.append(_flat(command))
                    _answer(command)
            assert len(buffer._data) <= 4 * max(len(data), 256), "it grows as bytes arrive, not as they are announced"
    return understood


def _flat(command: Submit | Unlink) -> tuple[object, ...]:
    if isinstance(command, Unlink):
        return command.sequence, command.target
    return command.sequence, command.offsets, flat(command.urb)


def _answer(command: Submit | Unlink) -> None:
    if isinstance(command, Unlink):
        assert len(pack_ret_unlink(command.sequence, 0)) == 48
        return
    urb = command.urb
    assert 0 <= urb.length <= 0x7FFFFFFF
    assert len(urb.iso_lengths) == len(command.offsets) <= limits.ISO_PACKETS
    if urb.setup is None and not urb.is_in:
        assert len(urb.data) == urb.length
    for actual, payload in ((0, b""), (urb.length, bytes(min(urb.length, 64))), (urb.length + 1, b"x"), (-1, b"")):
        for status in (Status.OK, Status.STALL, Status.CANCELLED, 0x12345):
            packets = pack_ret_submit(command, Completion(urb, status, actual, payload))
            head = packets[0]
            told = int.from_bytes(bytes(head[24:28]), "big", signed=True)
            assert 0 <= told <= urb.length, f"{told} bytes for a request of {urb.length}"
            body = sum(map(len, packets[1:])) - 16 * len(urb.iso_lengths)
            assert body == (told if urb.is_in else 0), f"{body} bytes of data, {told} told"
