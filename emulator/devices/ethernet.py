"""A network card of the Ethernet Control Model: a frame a transfer (CDC ECM 1.2). Behind it, somebody answers pings."""

from __future__ import annotations

from wslusb.usb.ids import Speed

from ..firmware import InHandler, OutHandler
from ..gadget import Gadget
from ..model import Kind, Model
from ..options import Options
from ..variants import at_speed
from .cdc_parts.descriptors import Subclass
from .network_parts.card import MAX_FRAME, OPTIONS, Card, Wire, card_gadget, wire_from_options

__all__ = ["KIND", "EcmCard", "ethernet_gadget"]

_BACKLOG = 1 << 18


def ethernet_gadget(wire: Wire, serial: str = "ETHERNET0001") -> Gadget:
    """The description, at high speed."""
    product = 0xA4A1, "Ethernet adapter"
    return card_gadget(wire, serial, product=product, subclass=Subclass.ETHERNET, data_protocol=0)


class EcmCard(Card):
    """Behaviour: a short packet ends a frame (ECM 1.2, 3.3.1)."""

    def __init__(self, wire: Wire, speed: Speed) -> None:
        super().__init__(wire, speed)
        self._frames = InHandler()

    def receiver(self) -> OutHandler:
        """See :class:`.network_parts.card.Card`."""
        return _Receiver(self)

    def transmitter(self) -> InHandler:
        """See :class:`.network_parts.card.Card`."""
        self._frames = InHandler()
        return self._frames

    def queue(self, frame: bytes) -> None:
        """See :class:`.network_parts.card.Card`."""
        if self._frames.pipe.queued < _BACKLOG:
            self._frames.pipe.send(frame, end=True)


class _Receiver(OutHandler):
    """Bulk OUT: gathers packets to frames."""

    def __init__(self, card: Card) -> None:
        self._card = card
        self._frame = bytearray()

    def received(self, data: memoryview, end: bool) -> int:
        if len(self._frame) <= MAX_FRAME:  # what is longer is no frame, and is dropped at its end
            self._frame += data
        if end:
            frame, self._frame = bytes(self._frame), bytearray()
            # Linux adds a byte where an empty packet would have to follow (usbnet_start_xmit).
            if 0 < len(frame) <= MAX_FRAME + 1:
                self._card.from_host(frame)
        return len(data)


def _make(options: Options) -> Model:
    wire, speed = wire_from_options(options), options.speed()
    gadget = ethernet_gadget(wire, options.serial(f"ETHERNET{options.number:04d}"))
    return Model(at_speed(gadget, speed), EcmCard(wire, speed))


KIND = Kind(
    name="ethernet", summary="a network card (CDC-ECM)", make=_make, options=OPTIONS, driver="cdc_ether"
)  # fmt: skip
