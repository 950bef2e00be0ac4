"""The host on the other end of the wire: it answers ARP, neighbour solicitations and pings, and nothing else.

RFC 826 (ARP), 791 and 792 (IPv4, ICMP), 4443 and 4861 (ICMPv6, neighbour discovery).
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable

from .checksum import checksum

__all__ = ["Peer", "link_local"]

_ETHERNET = struct.Struct("!6s6sH")
_ARP = struct.Struct("!HHBBH6s4s6s4s")
_IPV4 = struct.Struct("!BBHHHBBH4s4s")
_IPV6 = struct.Struct("!IHBB16s16s")
_ARP_REQUEST, _ARP_REPLY = 1, 2
_ICMP, _ICMPV6 = 1, 58
_ECHO_REQUEST, _ECHO_REPLY = 8, 0
_ECHO_REQUEST6, _ECHO_REPLY6, _SOLICITATION, _ADVERTISEMENT = 128, 129, 135, 136
_SOLICITED_AND_OVERRIDE = 0x60000000
_TARGET_LINK_ADDRESS = b"\x02\x01"


def link_local(mac: bytes) -> ipaddress.IPv6Address:
    """The address that a station makes of its MAC (RFC 4291, appendix A)."""
    tail = bytes((mac[0] ^ 0x02, *mac[1:3], 0xFF, 0xFE, *mac[3:]))
    return ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + tail)


class Peer:
    """A station with a MAC, an IPv4 address, and the IPv6 link-local address of its MAC."""

    def __init__(self, mac: bytes, address: ipaddress.IPv4Address) -> None:
        self.mac = mac
        self._ipv4 = address.packed
        self._ipv6 = link_local(mac).packed
        self._protocols: dict[int, Callable[[bytes], bytes | None]] = {
            0x0806: self._arp, 0x0800: self._internet, 0x86DD: self._internet6
        }  # fmt: skip

    def answer(self, frame: bytes) -> bytes | None:
        """The frame that it sends back, if any. Frames may be padded; those that make no sense get no answer."""
        if len(frame) < _ETHERNET.size:
            return None
        destination, source, kind = _ETHERNET.unpack_from(frame)
        handler = self._protocols.get(kind)
        if handler is None or (destination != self.mac and not destination[0] & 1):
            return None
        try:
            reply = handler(frame[_ETHERNET.size :])
        except struct.error:  # it ends in the middle of a header
            return None
        return None if reply is None else _ETHERNET.pack(source, self.mac, kind) + reply

    def _arp(self, packet: bytes) -> bytes | None:
        *kinds, operation, their_mac, their_ip, _, wanted = _ARP.unpack_from(packet)
        if kinds != [1, 0x0800, 6, 4] or operation != _ARP_REQUEST or wanted != self._ipv4:
            return None
        return _ARP.pack(1, 0x0800, 6, 4, _ARP_REPLY, self.mac, self._ipv4, their_mac, their_ip)

    def _internet(self, packet: bytes) -> bytes | None:
        first, _, total, _, fragment, _, protocol, _, source, destination = _IPV4.unpack_from(packet)
        head = (first & 0x0F) * 4
        if first >> 4 != 4 or head < _IPV4.size or not head <= total <= len(packet) or checksum(packet[:head]):
            return None
        if protocol != _ICMP or destination != self._ipv4 or fragment & 0x3FFF:
            return None
        echo = _echo(packet[head:total], _ECHO_REQUEST, _ECHO_REPLY)
        if echo is None:
            return None
        fields = (0x45, 0, _IPV4.size + len(echo), 0, 0, 64, _ICMP, 0, self._ipv4, source)
        header = bytearray(_IPV4.pack(*fields))
        struct.pack_into("!H", header, 10, checksum(header))
        return bytes(header) + echo

    def _internet6(self, packet: bytes) -> bytes | None:
        first, length, protocol, _, source, destination = _IPV6.unpack_from(packet)
        message = packet[_IPV6.size : _IPV6.size + length]
        if first >> 28 != 6 or protocol != _ICMPV6 or len(message) < length:
            return None
        if checksum(_pseudo(source, destination, length) + message):
            return None
        reply = self._icmpv6(message, destination)
        if reply is None:
            return None
        whole = bytearray(reply)
        struct.pack_into("!H", whole, 2, checksum(_pseudo(self._ipv6, source, len(whole)) + whole))
        return _IPV6.pack(6 << 28, len(whole), _ICMPV6, 255, self._ipv6, source) + whole

    def _icmpv6(self, message: bytes, destination: bytes) -> bytes | None:
        kind, target = message[:1], message[8:24]
        if kind == bytes((_SOLICITATION,)) and target == self._ipv6:
            head = struct.pack("!BBHI", _ADVERTISEMENT, 0, 0, _SOLICITED_AND_OVERRIDE)
            return head + self._ipv6 + _TARGET_LINK_ADDRESS + self.mac
        if kind == bytes((_ECHO_REQUEST6,)) and destination == self._ipv6:
            return bytes((_ECHO_REPLY6, 0, 0, 0)) + message[4:]
        return None


def _echo(message: bytes, request: int, reply: int) -> bytes | None:
    if len(message) < 8 or message[0] != request or checksum(message):
        return None
    answer = bytearray(message)
    answer[0] = reply
    answer[2:4] = b"\0\0"
    struct.pack_into("!H", answer, 2, checksum(answer))
    return bytes(answer)


def _pseudo(source: bytes, destination: bytes, length: int) -> bytes:
    """What ICMPv6's checksum covers besides the message (RFC 8200, 8.1)."""
    return source + destination + struct.pack("!II", length, _ICMPV6)
