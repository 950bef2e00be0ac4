"""emulator.devices.network_parts.peer: who answers, and what does not deserve an answer."""

from __future__ import annotations

import ipaddress
import struct

import pytest

from emulator.devices.network_parts.peer import Peer, link_local
from tests.support.frames import HOST_IP, HOST_MAC, PEER_IP, arp, ones_sum, ping, ping6, solicitation

MAC = bytes.fromhex("020000002001")
HOST6 = link_local(HOST_MAC).packed


@pytest.fixture
def peer() -> Peer:
    return Peer(MAC, ipaddress.IPv4Address(PEER_IP))


def test_who_has_its_address(peer: Peer) -> None:
    reply = peer.answer(arp())
    assert reply is not None
    assert reply[:14] == HOST_MAC + MAC + b"\x08\x06"
    assert reply[20:] == b"\0\2" + MAC + PEER_IP + HOST_MAC + HOST_IP
    assert peer.answer(arp(HOST_IP)) is None


def test_a_ping_comes_back_with_its_data_and_right_checksums(peer: Peer) -> None:
    reply = peer.answer(ping(MAC, b"payload of odd length", 5) + bytes(3))
    assert reply is not None
    head, message = reply[14:34], reply[34:]
    assert (ones_sum(head), ones_sum(message)) == (0, 0)
    assert (head[12:16], head[16:20]) == (PEER_IP, HOST_IP)
    assert struct.unpack("!BBxxHH", message[:8]) == (0, 0, 7, 5)
    assert message[8:] == b"payload of odd length", "without the padding of the frame"


@pytest.mark.parametrize("at", [15, 24, 33, 34, 45])
def test_a_damaged_ping_gets_no_answer(peer: Peer, at: int) -> None:
    frame = bytearray(ping(MAC, b"0123456789ab"))
    frame[at] ^= 0x40
    assert peer.answer(bytes(frame)) is None


def test_frames_for_others_and_cut_ones_get_no_answer(peer: Peer) -> None:
    assert peer.answer(ping(HOST_MAC, b"")) is None
    frame = ping(MAC, b"01234567")
    assert all(peer.answer(frame[:length]) is None for length in range(len(frame)))


def test_neighbour_discovery_and_ping_over_ipv6(peer: Peer) -> None:
    address = link_local(MAC)
    assert address == ipaddress.IPv6Address("fe80::ff:fe00:2001")
    reply = peer.answer(solicitation(HOST6, address.packed))
    assert reply is not None
    assert reply[54] == 136
    assert reply[62:] == address.packed + b"\x02\x01" + MAC
    reply = peer.answer(ping6(MAC, HOST6, address.packed, b"six"))
    assert reply is not None
    assert (reply[54], reply[62:]) == (129, b"six")
    pseudo = reply[22:54] + struct.pack("!II", len(reply) - 54, 58)
    assert ones_sum(pseudo + reply[54:]) == 0
    assert peer.answer(solicitation(HOST6, HOST6)) is None
