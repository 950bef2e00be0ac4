"""What both models of network cards have: the link, packet filters, statistics (ECM 1.2, 6.2, 6.3; NCM 1.0, 6.2)."""

from __future__ import annotations

import ipaddress
import struct
from abc import abstractmethod

from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Interface
from wslusb.usb.ids import ClassCode, Speed, TransferType, is_in
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer

from ...firmware import Firmware, InHandler, OutHandler
from ...gadget import Gadget, Place
from ...options import Options, bad
from ..cdc_parts import descriptors as cdc
from ..cdc_parts.notifications import Notification, Notifications
from .capture import Capture
from .peer import Peer

__all__ = ["MAX_FRAME", "OPTIONS", "Card", "Wire", "card_gadget", "wire_from_options"]

MAX_FRAME = 1514
"""Bytes, without the frame check sequence (wMaxSegmentSize)."""
OPTIONS = {
    "serial": "serial number",
    "speed": "full, high (default) or super",
    "mac": "the address of the host's side, 12 hexadecimal digits",
    "address": "the IPv4 address that answers pings (default 192.0.2.1)",
    "link": "down: as if the cable were out",
    "capture": "a pcap file for all frames",
}
_BITS_PER_SECOND = {Speed.FULL: 9_728_000, Speed.HIGH: 425_984_000, Speed.SUPER: 3_750_000_000}
"""What bulk transfers come to: 19 packets of 64 bytes a millisecond, 13 of 512 a microframe; about three quarters."""
_SET_MULTICAST, _SET_FILTER, _GET_STATISTIC = (0x21, 0x40), (0x21, 0x43), (0xA1, 0x44)
_PROMISCUOUS, _ALL_MULTICAST, _DIRECTED, _BROADCAST, _MULTICAST = 0x01, 0x02, 0x04, 0x08, 0x10
_MULTICAST_FILTERS = 16
_STATISTICS = 0x03
"""Bits of bmEthernetStatistics: frames sent (selector 1) and received (selector 2) without errors."""
_EVERYBODY = b"\xff" * 6


class Wire:
    """The cable, what is at its end, and who looks on."""

    def __init__(self, mac: bytes, peer: Peer, capture: Capture, *, up: bool = True) -> None:
        self.mac = mac
        self.peer = peer
        self.capture = capture
        self.up = up


def card_gadget(
    wire: Wire, serial: str, *, product: tuple[int, str], subclass: cdc.Subclass, data_protocol: int,
    more: tuple[bytes, ...] = (),
) -> Gadget:  # fmt: skip
    """The description, at high speed: notifications, and data in alternate setting 1 alone (ECM 1.2, 3.3)."""
    control = Interface(
        0, 0, ClassCode.COMMUNICATIONS, subclass, endpoints=[cdc.notification_endpoint(0x82)],
        extra=[cdc.header(), cdc.union(0, 1), cdc.ethernet(4, MAX_FRAME, _STATISTICS, _MULTICAST_FILTERS), *more],
    )  # fmt: skip
    quiet = Interface(1, 0, ClassCode.CDC_DATA, 0, data_protocol)
    data = Interface(1, 1, ClassCode.CDC_DATA, 0, data_protocol, endpoints=cdc.bulk_pair(0x81, 0x01))
    identity, name = product
    return Gadget(
        device=DeviceDescriptor(
            0x0525, identity, 0x0200, ClassCode.COMMUNICATIONS, manufacturer=1, product_string=2, serial=3
        ),
        configurations=(Configuration(1, [control, quiet, data]),),
        strings=("wslusb emulator", name, serial, wire.mac.hex().upper()),
    )


class Card(Firmware):
    """Behaviour. A model of card says how frames are packed into bulk transfers."""

    def __init__(self, wire: Wire, speed: Speed) -> None:
        self.wire = wire
        self._bit_rate = _BITS_PER_SECOND[speed]
        self._filter = _DIRECTED | _BROADCAST | _ALL_MULTICAST
        self._groups: set[bytes] = set()
        self._sent = self._received = 0
        self._notifications: Notifications | None = None

    def attached(self) -> None:
        """A capture begins."""
        self.wire.capture.begin()

    @abstractmethod
    def receiver(self) -> OutHandler:
        """A handler for bulk OUT that calls :meth:`from_host`."""

    @abstractmethod
    def transmitter(self) -> InHandler:
        """A handler for bulk IN, for what :meth:`queue` is given."""

    @abstractmethod
    def queue(self, frame: bytes) -> None:
        """Send a frame to the host, or drop it where too many wait."""

    def endpoint(self, place: Place) -> InHandler | OutHandler:
        """Notifications; or the two ends of the data, which come up when the host chooses alternate setting 1."""
        if place.endpoint.transfer == TransferType.INTERRUPT:
            self._notifications = Notifications(self.first_interface + place.interface)
            return self._notifications
        if not is_in(place.endpoint.address):
            return self.receiver()
        self._tell_link()
        return self.transmitter()

    def _tell_link(self) -> None:
        """The speed comes before the connection (NCM 1.0, 7.1)."""
        rate = self._bit_rate if self.wire.up else 0
        if self._notifications is not None:
            self._notifications.notify(
                Notification.CONNECTION_SPEED_CHANGE, lambda: (0, struct.pack("<II", rate, rate))
            )
            self._notifications.notify(Notification.NETWORK_CONNECTION, lambda: (int(self.wire.up), b""))

    def control(self, setup: Setup, data: memoryview) -> Buffer | None:
        """The requests of the Ethernet control model."""
        request = setup.request_type, setup.request
        if request == _SET_FILTER:
            self._filter = setup.value
            return b""
        if request == _SET_MULTICAST and len(data) == 6 * (setup.value & 0x7FFF) <= 6 * _MULTICAST_FILTERS:
            self._groups = {bytes(data[at : at + 6]) for at in range(0, len(data), 6)}
            return b""
        if request == _GET_STATISTIC and setup.value in (1, 2):
            return struct.pack("<I", (self._sent, self._received)[setup.value - 1] & 0xFFFFFFFF)
        return None

    def from_host(self, frame: bytes) -> None:
        """A frame that the host sends. The card counts as its sender."""
        if not self.wire.up:
            return
        self._sent += 1
        self.wire.capture.add(frame)
        reply = self.wire.peer.answer(frame)
        if reply is not None and self._passes(reply[:6]):
            self._received += 1
            self.wire.capture.add(reply)
            self.queue(reply)

    def _passes(self, destination: bytes) -> bool:
        if self._filter & _PROMISCUOUS:
            return True
        if destination == _EVERYBODY:
            return self._filter & _BROADCAST != 0
        if destination[0] & 1:
            wanted = destination in self._groups and self._filter & _MULTICAST
            return bool(wanted or self._filter & _ALL_MULTICAST)
        return bool(destination == self.wire.mac and self._filter & _DIRECTED)


def wire_from_options(options: Options) -> Wire:
    """What :data:`OPTIONS` say of it. LocalError for what is no address."""
    text = options.text("mac", f"0200000010{options.number:02x}")
    try:
        mac, address = bytes.fromhex(text), ipaddress.IPv4Address(options.text("address", "192.0.2.1"))
    except ValueError as error:
        raise bad(str(error)) from error
    if len(mac) != 6 or mac[0] & 1:
        raise bad(f"the mac of one station has 12 digits and is no group's, unlike {text!r}")
    peer = Peer(bytes.fromhex("020000002001"), address)
    return Wire(mac, peer, Capture.from_options(options), up=options.choice("link", ("up", "down"), "up") == "up")
