"""Ethernet frames that a host would send, made apart from the code that reads them."""

from __future__ import annotations

import ipaddress
import struct

__all__ = ["HOST_IP", "HOST_MAC", "PEER_IP", "arp", "ones_sum", "ping", "ping6", "solicitation"]

HOST_MAC = bytes.fromhex("020000001001")
HOST_IP = ipaddress.IPv4Address("192.0.2.2").packed
PEER_IP = ipaddress.IPv4Address("192.0.2.1").packed
EVERYBODY = b"\xff" * 6


def ones_sum(data: bytes) -> int:
    """The Internet checksum, byte by byte."""
    total = 0
    for position, byte in enumerate(data):
        total += byte << (8 if position % 2 == 0 else 0)
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


def _summed(packet: bytes, at: int, extra: bytes = b"") -> bytes:
    return packet[:at] + struct.pack("!H", ones_sum(extra + packet)) + packet[at + 2 :]


def arp(wanted: bytes = PEER_IP) -> bytes:
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + HOST_MAC + HOST_IP + bytes(6) + wanted
    return EVERYBODY + HOST_MAC + b"\x08\x06" + body


def ping(mac: bytes, payload: bytes, sequence: int = 1) -> bytes:
    message = _summed(struct.pack("!BBHHH", 8, 0, 0, 7, sequence) + payload, 2)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(message), 1, 0x4000, 64, 1, 0) + HOST_IP + PEER_IP
    return mac + HOST_MAC + b"\x08\x00" + _summed(head, 10) + message


def _ipv6(mac: bytes, source: bytes, destination: bytes, message: bytes) -> bytes:
    pseudo = source + destination + struct.pack("!II", len(message), 58)
    head = struct.pack("!IHBB", 6 << 28, len(message), 58, 255) + source + destination
    return mac + HOST_MAC + b"\x86\xdd" + head + _summed(message, 2, pseudo)


def solicitation(source: bytes, target: bytes) -> bytes:
    group = bytes.fromhex("ff0200000000000000000001ff") + target[13:]
    message = struct.pack("!BBHI", 135, 0, 0, 0) + target + b"\x01\x01" + HOST_MAC
    return _ipv6(b"\x33\x33" + group[12:], source, group, message)


def ping6(mac: bytes, source: bytes, target: bytes, payload: bytes) -> bytes:
    return _ipv6(mac, source, target, struct.pack("!BBHHH", 128, 0, 0, 7, 1) + payload)
