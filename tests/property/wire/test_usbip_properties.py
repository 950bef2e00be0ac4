"""The dialect of vhci_hcd: commands there and back, cut anywhere, and answers that the kernel can trust."""

from __future__ import annotations

import contextlib
import itertools
import struct

from hypothesis import given
from hypothesis import strategies as st

from tests.support.kernel import Asked, Kernel, pack_submit, pack_unlink
from tests.support.strategies import pieces, u8, u16, u32
from wslusb.errors import LocalError
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Completion, IsoResult, Urb
from wslusb.wire.usbip import Submit, SubmitBuffer, Unlink, pack_ret_submit, pack_ret_unlink


@st.composite
def commands(draw: st.DrawFn) -> tuple[bytes, tuple[object, ...]]:
    """A command's bytes, and what must be read from them."""
    number = draw(u32)
    if draw(st.booleans()):
        target = draw(u32)
        return pack_unlink(number, target), ("unlink", number, target)
    endpoint = draw(st.integers(0, 15)) | draw(st.sampled_from([0, 0x80]))
    length = draw(st.integers(0, 120))
    is_in = endpoint >= 0x80
    setup = bytes(8)
    packets: list[tuple[int, int]] = []
    if endpoint & 15 == 0:
        setup = struct.pack("<BBHHH", endpoint, draw(u8), draw(u16), draw(u16), length)
    elif draw(st.booleans()):
        edges = sorted(draw(st.lists(st.integers(0, length), max_size=8)))
        packets = [(at, draw(st.integers(0, after - at))) for at, after in itertools.pairwise(edges)]
    data = b"" if is_in else draw(st.binary(min_size=length, max_size=length))
    flags = draw(st.sampled_from([0, 1, 2, 0x40, 0x43, 0x200]))
    raw = pack_submit(number, endpoint, length, data, setup, flags, packets)
    if packets:
        data = b"".join(data[at : at + size] for at, size in packets) if not is_in else b""
        length = sum(size for _, size in packets)
    return raw, (number, endpoint, length, data, tuple(packets))


def feed(buffer: SubmitBuffer, data: bytes) -> list[tuple[object, ...]]:
    out: list[tuple[object, ...]] = []
    while data:
        room = buffer.writable()
        assert len(room) > 0
        count = min(len(room), len(data))
        room[:count] = data[:count]
        buffer.received(count)
        data = data[count:]
        while (command := buffer.next()) is not None:
            if isinstance(command, Unlink):
                out.append(("unlink", command.sequence, command.target))
                continue
            urb = command.urb
            packets = tuple(zip(command.offsets, urb.iso_lengths, strict=True))
            out.append((command.sequence, urb.endpoint, urb.length, bytes(urb.data), packets))
    return out


@given(
    st.lists(commands(), max_size=8), st.lists(st.integers(0, 5000), max_size=30), st.sampled_from([48, 64, 200, 4096])
)
def test_every_split_gives_the_same_commands(
    made: list[tuple[bytes, tuple[object, ...]]], cuts: list[int], size: int
) -> None:
    buffer = SubmitBuffer(size=size)
    stream = b"".join(raw for raw, _ in made)
    assert [command for piece in pieces(stream, cuts) for command in feed(buffer, piece)] == [each for _, each in made]


@given(st.binary(max_size=200))
def test_junk_raises_nothing_but_local_error(junk: bytes) -> None:
    with contextlib.suppress(LocalError):
        feed(SubmitBuffer(size=64), junk)


@given(st.lists(commands(), min_size=1, max_size=3), st.data())
def test_spoilt_commands(made: list[tuple[bytes, tuple[object, ...]]], data: st.DataObject) -> None:
    stream = bytearray(b"".join(raw for raw, _ in made))
    at = data.draw(st.integers(0, len(stream) - 1))
    stream[at] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(LocalError):
        feed(SubmitBuffer(size=64), bytes(stream))


numbers = st.integers(-5, 300) | st.sampled_from([-(1 << 40), 1 << 40])


@st.composite
def lies(draw: st.DrawFn) -> tuple[Submit, Completion]:
    """Any completion at all, for any URB."""
    lengths = draw(st.lists(st.integers(0, 50), max_size=5))
    endpoint = draw(st.sampled_from([0x81, 0x01]))
    length = sum(lengths) if lengths else draw(st.integers(0, 100))
    transfer = TransferType.ISOCHRONOUS if lengths else TransferType.BULK
    urb = Urb(1, endpoint, transfer, length, iso_lengths=tuple(lengths))
    iso = draw(st.lists(st.builds(IsoResult, numbers, numbers), max_size=6))
    completion = Completion(
        urb, draw(numbers), draw(numbers), draw(st.binary(max_size=120)), draw(numbers), draw(numbers), iso
    )
    offsets = tuple(sum(lengths[:i]) + 10 * i for i in range(len(lengths)))
    return Submit(1, urb, offsets), completion


class Recorded:
    """A socket that gives what was recorded."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def settimeout(self, _seconds: float) -> None:
        pass

    def recv(self, size: int) -> bytes:
        piece, self._data = self._data[:size], self._data[size:]
        return piece


@given(lies())
def test_trap_no_lie_reaches_the_kernel(lie: tuple[Submit, Completion]) -> None:
    """Whatever a device says, the kernel end's checks hold, and the stream stays in step."""
    submit, completion = lie
    urb = submit.urb
    raw = b"".join(bytes(buffer) for buffer in pack_ret_submit(submit, completion))
    kernel = Kernel(Recorded(raw + pack_ret_unlink(2, 0)))  # type: ignore[arg-type]
    kernel.asked[1] = Asked(urb.endpoint, urb.length, list(zip(submit.offsets, urb.iso_lengths, strict=True)))
    kernel.unlinks[2] = 1
    kernel.answer()
    assert kernel.answer().number == 2
