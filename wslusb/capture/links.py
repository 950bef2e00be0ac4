"""The link types that hold URBs, and how each is read: usbmon's two, and USBPcap's."""

from __future__ import annotations

from collections.abc import Callable

from . import pcapng, usbmon, usbpcap
from .pcapfile import Packet
from .record import Record

__all__ = ["SHORT_USBMON", "URBS", "record"]

SHORT_USBMON = 189
"""LINKTYPE_USB_LINUX: usbmon records with a header of 48 bytes."""
_READERS: dict[int, Callable[[Packet], Record | None]] = {
    SHORT_USBMON: lambda packet: usbmon.read(packet.data, short=True),
    pcapng.LINK_USB: lambda packet: usbmon.read(packet.data),
    usbpcap.LINK_USBPCAP: lambda packet: usbpcap.read(packet.data, packet.time),
}
URBS = {SHORT_USBMON: "usbmon", pcapng.LINK_USB: "usbmon", usbpcap.LINK_USBPCAP: "usbpcap"}
"""What wrote each of them."""


def record(packet: Packet) -> Record | None:
    """The half of a URB that a packet holds; None if it holds none, or is of another link type."""
    reader = _READERS.get(packet.link_type)
    return reader(packet) if reader else None
