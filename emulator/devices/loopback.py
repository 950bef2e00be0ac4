"""A Gadget-Zero-like device, the one that the kernel's usbtest drives (drivers/usb/misc/usbtest.c).

===================  =========  ===============================================================================
configuration 3      alt 0      bulk source 0x81 and sink 0x01
(the first)          alt 1      the same, and isochronous source 0x83 and sink 0x03
                     alt 2      the same as 0, and interrupt source 0x85 and sink 0x05
configuration 2      alt 0      loopback: bulk 0x01 -> 0x81, interrupt 0x05 -> 0x85
===================  =========  ===============================================================================

Values and order are those of g_zero (drivers/usb/gadget/legacy/zero.c), and so are patterns and vendor requests:
pattern 0 is zeroes, pattern 1 is ``(i % maxpacket) % 63``; the sink halts at a byte that does not fit. Vendor OUT 0x5b
fills, and IN 0x5c reads, a buffer of 4 KiB. The loopback keeps packet boundaries. With ``iso=numbered``, which no
g_zero has, isochronous packets count from 0: each has its number in every four bytes, and is up to 16 bytes shorter
than it might be.
"""

from __future__ import annotations

from collections.abc import Sequence

from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.ids import TransferType, is_in
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer

from ..firmware import Firmware, InHandler, IsoHandler, OutHandler
from ..gadget import Gadget, Place
from ..model import Kind, Model
from ..options import Options
from ..variants import at_speed

__all__ = ["KIND", "LOOPBACK", "SOURCE_SINK", "LoopbackFirmware", "loopback_gadget"]

SOURCE_SINK = 3
LOOPBACK = 2
_ECHO_LIMIT = 1 << 20
_CONTROL_BUFFER = 4096
_WORD, _SHORTER = 4, 5
_CONTROL_OUT, _CONTROL_IN = 0x5B, 0x5C


def _pair(number: int, transfer: TransferType, size: int, interval: int) -> list[Endpoint]:
    return [Endpoint(0x80 | number, transfer, size, interval), Endpoint(number, transfer, size, interval)]


def loopback_gadget(serial: str = "LOOPBACK0001") -> Gadget:
    """The description. High speed: interrupt endpoints every 125 us, isochronous ones every millisecond."""
    bulk = _pair(1, TransferType.BULK, 512, 0)
    iso = _pair(3, TransferType.ISOCHRONOUS, 1024, 4)
    interrupt = _pair(5, TransferType.INTERRUPT, 64, 1)
    source_sink = [
        Interface(0, 0, string=4, endpoints=bulk),
        Interface(0, 1, string=4, endpoints=bulk + iso),
        Interface(0, 2, string=4, endpoints=bulk + interrupt),
    ]
    echo = [Interface(0, 0, string=5, endpoints=bulk + interrupt)]
    return Gadget(
        device=DeviceDescriptor(0x0525, 0xA4A0, 0x0200, 0xFF, manufacturer=1, product_string=2, serial=3),
        configurations=(
            Configuration(SOURCE_SINK, source_sink, attributes=0xC0, max_power=1, string=4),
            Configuration(LOOPBACK, echo, attributes=0xE0, max_power=1, string=5),
        ),
        strings=("wslusb emulator", "Loopback", serial, "source and sink data", "loop input to output"),
    )


class LoopbackFirmware(Firmware):
    """Behaviour. ``pattern`` is 0 or 1, as g_zero's module parameter; ``numbered`` are the isochronous packets."""

    def __init__(self, pattern: int = 0, *, numbered: bool = False) -> None:
        self.pattern = pattern
        self.numbered = numbered
        self._stored = b""
        self._echoes: dict[int, _Echo] = {}

    def endpoint(self, place: Place) -> InHandler | OutHandler | IsoHandler:
        """Source or sink, or the two ends of an echo."""
        endpoint = place.endpoint
        if endpoint.transfer == TransferType.ISOCHRONOUS:
            return _NumberedEnd() if self.numbered else _IsoEnd(self.pattern)
        if place.configuration == SOURCE_SINK:
            return _Source(self.pattern) if is_in(endpoint.address) else _Sink(self.pattern)
        if is_in(endpoint.address):  # comes first in each pair
            echo = self._echoes[endpoint.address & 0x7F] = _Echo()
            return echo.source
        return self._echoes[endpoint.address].sink

    def control(self, setup: Setup, data: memoryview) -> Buffer | None:
        """The vendor requests of usbtest's cases 14 and 21: keep the data of the one for the other."""
        if setup.value or setup.index or setup.length > _CONTROL_BUFFER:
            return None
        if (setup.request_type, setup.request) == (0x40, _CONTROL_OUT):
            self._stored = bytes(data) + self._stored[len(data) :]
            return b""
        if (setup.request_type, setup.request) == (0xC0, _CONTROL_IN):
            return self._stored.ljust(setup.length, b"\0")[: setup.length]
        return None


class _Pattern:
    """As many bytes of a pattern as anybody needs, made once."""

    def __init__(self, pattern: int, max_packet: int) -> None:
        self._period = bytes(index % 63 for index in range(max_packet)) if pattern else bytes(max_packet)
        self._bytes = memoryview(self._period)

        self._expected = b""

    def expected(self, length: int) -> bytes:
        """The same as bytes, which compare a hundred times faster than views do; the last one is kept."""
        if length != len(self._expected):
            self._expected = bytes(self.take(length))
        return self._expected

    def take(self, length: int) -> memoryview:
        if length > len(self._bytes):
            self._bytes = memoryview(self._period * (2 * length // len(self._period) + 1))
        return self._bytes[:length]


class _Source(InHandler):
    """An endless run of full packets."""

    def __init__(self, pattern: int) -> None:
        self._kind = pattern
        self._pattern: _Pattern | None = None

    def wanted(self, room: int) -> None:
        size = self.pipe.max_packet
        self._pattern = self._pattern or _Pattern(self._kind, size)
        self.pipe.send(self._pattern.take(max(size, -(-room // size) * size)))


class _Sink(OutHandler):
    """Swallows what fits the pattern, and halts after a transfer that does not."""

    def __init__(self, pattern: int) -> None:
        self._kind = pattern
        self._pattern: _Pattern | None = None

    def received(self, data: memoryview, end: bool) -> int | None:  # noqa: ARG002
        self._pattern = self._pattern or _Pattern(self._kind, self.pipe.max_packet)
        if bytes(data) != self._pattern.expected(len(data)):
            self.pipe.halt()
        return len(data)


class _Echo:
    """Two endpoints: what comes in at one goes out at the other, packet by packet."""

    def __init__(self) -> None:
        self.source = _EchoSource(self)
        self.sink = _EchoSink(self)


class _EchoSource(InHandler):
    def __init__(self, echo: _Echo) -> None:
        self._echo = echo

    def drained(self) -> None:
        self._echo.sink.pipe.resume()


class _EchoSink(OutHandler):
    def __init__(self, echo: _Echo) -> None:
        self._echo = echo

    def received(self, data: memoryview, end: bool) -> int | None:
        source = self._echo.source.pipe
        if source.queued >= _ECHO_LIMIT:
            return None
        source.send(bytes(data), end=end)
        return len(data)


class _IsoEnd(IsoHandler):
    """Fills every packet that the host asks for; swallows every packet that it sends."""

    def __init__(self, pattern: int) -> None:
        self._kind = pattern
        self._pattern: _Pattern | None = None

    def packets(self, lengths: Sequence[int]) -> tuple[Buffer, Sequence[int]]:
        self._pattern = self._pattern or _Pattern(self._kind, self.pipe.max_packet)
        if not self._kind:
            return self._pattern.take(sum(lengths)), lengths
        return b"".join([self._pattern.take(length) for length in lengths]), lengths


class _NumberedEnd(IsoHandler):
    """Fills packets with their numbers (little-endian), so that who reads can tell each from the others."""

    def __init__(self) -> None:
        self._number = 0

    def packets(self, lengths: Sequence[int]) -> tuple[Buffer, Sequence[int]]:
        pieces = [self._packet(length) for length in lengths]
        return b"".join(pieces), [len(piece) for piece in pieces]

    def _packet(self, length: int) -> bytes:
        number, self._number = self._number, self._number + 1 & 0xFFFFFFFF
        words = length // _WORD
        return number.to_bytes(_WORD, "little") * max(words - number % _SHORTER, min(words, 1))


def _make(options: Options) -> Model:
    pattern = options.integer("pattern", 0, 0, 1)
    gadget = loopback_gadget(options.serial(f"LOOPBACK{options.number:04d}"))
    numbered = options.choice("iso", ("plain", "numbered"), "plain") == "numbered"
    speed = options.speed(allowed=("low", "full", "high", "super"))
    return Model(at_speed(gadget, speed), LoopbackFirmware(pattern, numbered=numbered))


KIND = Kind(
    name="loopback",
    summary="source, sink and loopback of all transfer types",
    make=_make,
    options={
        "serial": "serial number",
        "pattern": "0: zeroes, 1: counting bytes",
        "iso": "plain or numbered: what isochronous packets have in them (default plain: the pattern)",
        "speed": "low, full, high or super (default high)",
    },
    driver="usbtest",
)
