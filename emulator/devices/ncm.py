"""A network card of the Network Control Model: many frames a transfer (CDC NCM 1.0)."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable

from wslusb.usb.ids import Speed
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer

from ..firmware import InHandler, OutHandler
from ..gadget import Gadget
from ..model import Kind, Model
from ..options import Options
from ..variants import at_speed
from .cdc_parts import descriptors as cdc
from .network_parts import ntb
from .network_parts.card import MAX_FRAME, OPTIONS, Card, Wire, card_gadget, wire_from_options

__all__ = ["KIND", "NcmCard", "ncm_gadget"]

_NTB_DATA = 0x01
_CAPABILITIES = 0x2B
"""Packet filter, net address, largest datagram, input size with a count (NCM 1.0, table 5-2)."""
_BLOCK = 16384
_SMALLEST_BLOCK = 2048
_PARAMETERS = struct.pack("<HHIHHHHIHHHH", 0x1C, 1, _BLOCK, 4, 0, 4, 0, _BLOCK, 4, 0, 4, 0)
"""GET_NTB_PARAMETERS (table 6-3): blocks of 16 bits alone, all alignments 4, any number of datagrams."""
_OUT, _IN = 0x21, 0xA1
_BACKLOG = 256


def ncm_gadget(wire: Wire, serial: str = "NCM0001") -> Gadget:
    """The description, at high speed."""
    return card_gadget(
        wire, serial, product=(0xA4A8, "NCM network adapter"), subclass=cdc.Subclass.NCM,
        data_protocol=_NTB_DATA, more=(cdc.ncm(_CAPABILITIES),),
    )  # fmt: skip


class NcmCard(Card):
    """Behaviour."""

    def __init__(self, wire: Wire, speed: Speed) -> None:
        super().__init__(wire, speed)
        self.input_size = _BLOCK
        """How long a block to the host may be."""
        self.most = 0
        """How many datagrams may be in it; 0 for any number."""
        self._largest = MAX_FRAME
        self._blocks = _Transmitter(self)
        self._requests: dict[tuple[int, int], Callable[[Setup, bytes], Buffer | None]] = {
            (_IN, 0x80): lambda _setup, _data: _PARAMETERS,
            (_IN, 0x81): lambda _setup, _data: self.wire.mac,
            (_OUT, 0x82): self._set_address,
            (_IN, 0x83): lambda _setup, _data: bytes(2),
            (_OUT, 0x84): lambda setup, _data: None if setup.value else b"",
            (_IN, 0x85): lambda _setup, _data: struct.pack("<IHH", self.input_size, self.most, 0),
            (_OUT, 0x86): self._set_input_size,
            (_IN, 0x87): lambda _setup, _data: struct.pack("<H", self._largest),
            (_OUT, 0x88): self._set_largest,
        }

    def receiver(self) -> OutHandler:
        """See :class:`.network_parts.card.Card`."""
        return _Receiver(self)

    def transmitter(self) -> InHandler:
        """See :class:`.network_parts.card.Card`."""
        self._blocks = _Transmitter(self)
        return self._blocks

    def queue(self, frame: bytes) -> None:
        """See :class:`.network_parts.card.Card`."""
        self._blocks.queue(frame)

    def control(self, setup: Setup, data: memoryview) -> Buffer | None:
        """The requests of NCM 1.0, 6.2, and those of all cards."""
        handler = self._requests.get((setup.request_type, setup.request))
        return handler(setup, bytes(data)) if handler else super().control(setup, data)

    def _set_address(self, _setup: Setup, data: bytes) -> Buffer | None:
        if len(data) != 6 or data[0] & 1:
            return None
        self.wire.mac = data
        return b""

    def _set_input_size(self, _setup: Setup, data: bytes) -> Buffer | None:
        if len(data) not in (4, 8):
            return None
        size, most = struct.unpack("<IHH", data.ljust(8, b"\0"))[:2]
        if not _SMALLEST_BLOCK <= size <= _BLOCK:
            return None
        self.input_size, self.most = size, most
        return b""

    def _set_largest(self, _setup: Setup, data: bytes) -> Buffer | None:
        if len(data) != 2 or int.from_bytes(data, "little") > MAX_FRAME:
            return None
        self._largest = int.from_bytes(data, "little")
        return b""


class _Receiver(OutHandler):
    """Bulk OUT: a short packet ends a block, or that it is as long as can be (3.2.2)."""

    def __init__(self, card: NcmCard) -> None:
        self._card = card
        self._block = bytearray()

    def received(self, data: memoryview, end: bool) -> int:
        taken = data[: _BLOCK - len(self._block)]
        self._block += taken
        if len(self._block) == _BLOCK or (end and len(taken) == len(data)):
            block, self._block = bytes(self._block), bytearray()
            self._unpack(block)
        return len(taken)

    def _unpack(self, block: bytes) -> None:
        try:
            frames = ntb.unpack(block)
        except ValueError:  # what makes no sense is dropped as a whole
            return
        for frame in frames:
            self._card.from_host(frame)


class _Transmitter(InHandler):
    """Bulk IN: as many frames as wait and fit go into one block."""

    def __init__(self, card: NcmCard) -> None:
        self._card = card
        self._frames: deque[bytes] = deque()
        self._sequence = 0

    def queue(self, frame: bytes) -> None:
        """Send it when the host asks."""
        if len(self._frames) < _BACKLOG:
            self._frames.append(frame)
            self.pipe.resume()

    def wanted(self, room: int) -> None:
        limit, most = min(room, self._card.input_size), self._card.most or _BACKLOG
        chosen: list[bytes] = []
        size = 0
        while self._frames and len(chosen) < most:
            size += len(self._frames[0])
            if size + ntb.overhead(len(chosen) + 1) > limit:
                break
            chosen.append(self._frames.popleft())
        if chosen:
            block = ntb.pack(self._sequence, chosen)
            self._sequence += 1
            self.pipe.send(block, end=len(block) < self._card.input_size)


def _make(options: Options) -> Model:
    wire, speed = wire_from_options(options), options.speed()
    gadget = ncm_gadget(wire, options.serial(f"NCM{options.number:04d}"))
    return Model(at_speed(gadget, speed), NcmCard(wire, speed))


KIND = Kind(name="ncm", summary="a network card (CDC-NCM)", make=_make, options=OPTIONS, driver="cdc_ncm")
