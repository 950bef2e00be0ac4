"""Every limit that a peer cannot exceed, in one place. Lengths are in bytes, times in seconds.

They are checked before anything is allocated for what they bound. docs/protocol.md shows the same table.
"""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * 1024

HELLO_PAYLOAD = 64 * KIB
"""Largest payload before both hellos are through."""
HELLO_SECONDS = 10.0
"""Time in which the handshake must be over."""
CONTROL_PAYLOAD = 1 * MIB
"""Largest payload of everything but URBs."""
TRANSFER = 8 * MIB
"""Largest transfer buffer of one URB (usbfs allows under 16 MiB in flight in all)."""
ISO_PACKETS = 1024
"""Most isochronous packets of one URB (as USB/IP)."""
PACKET_LENGTH = 65535
"""Largest isochronous packet."""
INTERFACES = 32
"""Most interfaces of a configuration."""
ENDPOINTS = 32
"""Most endpoints of a configuration, all alternate settings together: 15 of each direction is what USB allows."""
STRING = 256
"""Longest string, in bytes of UTF-8."""
DESCRIPTORS = 256 * KIB
"""All descriptors of one device together."""
CONFIGURATIONS = 32
"""Most configurations of a device."""
DEVICES = 255
"""Most devices in one enumeration answer."""
NODES = 64
"""Most device nodes that a guest reports for one device."""
DEVICE_URBS = 512
"""URBs in flight on one device, unless the host grants another number."""
# Linux has 300 reads wait at a SuperSpeed network card (usbnet_update_max_qlen in drivers/net/usb/usbnet.c): what it
# writes must find credit beside them.
DEVICE_BYTES = 12 * MIB
"""Bytes in flight on one device, both directions together, unless the host grants another number."""
PENDING_REQUESTS = 1024
"""Requests other than URBs that may wait for an answer on one connection (every URB may have a cancel)."""
ABORTS = 32
"""ABORT_PIPEs under way on one device: one for each endpoint that it may have."""
CONNECTIONS = 256
"""Connections to one service in all."""
CONNECTIONS_PER_PEER = 64
"""Connections of one peer (a CID, a user), so that one guest cannot shut out the others."""
SESSIONS_PER_PEER = 16
"""Control connections of one peer."""
REPORTS_PER_SECOND = 200
"""Reports of a guest (events 6 to 8): an agent sends a few for each device."""
PING_SECONDS = 5.0
"""Silence after which a side asks whether the other is alive."""
DEAD_AFTER_PINGS = 3
"""Unanswered pings after which the peer counts as dead."""
SEND_SECONDS = 15.0
"""Longest time that one send may wait for a peer that does not read."""

URB_HEAD = 36
"""Fixed part of a URB request (docs/protocol.md)."""


@dataclass(slots=True, frozen=True)
class Limits:
    """What one side accepts. Both hellos carry one; the smaller of each pair holds for both sides."""

    transfer: int = TRANSFER
    iso_packets: int = ISO_PACKETS
    urbs: int = DEVICE_URBS
    bytes_in_flight: int = DEVICE_BYTES

    def agreed(self, other: Limits) -> Limits:
        """The limits that hold between a side with these and one with ``other``."""
        return Limits(
            min(self.transfer, other.transfer),
            min(self.iso_packets, other.iso_packets),
            min(self.urbs, other.urbs),
            min(self.bytes_in_flight, other.bytes_in_flight),
        )
