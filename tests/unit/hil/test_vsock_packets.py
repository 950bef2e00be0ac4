from __future__ import annotations

from dataclasses import dataclass

import pytest

from hil.vm.vhost_user import Ring
from hil.vm.vsock_packets import HEADER, RX, TX, Op, Port, Switch
from tests.unit.hil.rings import FakeDriver

ALICE, BOB = 2, 42


@dataclass
class FakeLink:
    rings: list[Ring]


class Guest:
    """A machine at the switch."""

    def __init__(self, switch: Switch, cid: int) -> None:
        self.cid = cid
        self.rx, self.tx = FakeDriver(size=16), FakeDriver(size=16)
        self.port = Port(cid)
        assert isinstance(switch.ports, dict)
        switch.ports[cid] = self.port
        self.port.link = FakeLink([self.rx.ring, self.tx.ring])
        self.switch = switch

    def send(self, to: int, op: Op, payload: bytes = b"", ports: tuple[int, int] = (1000, 5000), cid: int = 0) -> None:
        header = HEADER.pack(cid or self.cid, to, *ports, len(payload), 1, op, 0, 65536, 0)
        self.tx.offer(*([header, payload] if payload else [header]))
        self.switch.transmit(self.port)

    def received(self) -> list[tuple[int, int, bytes]]:
        """(source CID, operation, payload) of each packet."""
        return [
            (fields[0], fields[6], packet[HEADER.size :])
            for packet in self.rx.collect()
            for fields in [HEADER.unpack_from(packet)]
            if fields[4] == len(packet) - HEADER.size
        ]


@pytest.fixture
def switch() -> Switch:
    return Switch({})


@pytest.fixture
def alice(switch: Switch) -> Guest:
    return Guest(switch, ALICE)


@pytest.fixture
def bob(switch: Switch) -> Guest:
    return Guest(switch, BOB)


def test_a_packet_arrives_and_its_buffer_goes_back(alice: Guest, bob: Guest) -> None:
    alice.rx.offer(4096)
    bob.send(ALICE, Op.RW, b"hello")
    assert alice.received() == [(BOB, Op.RW, b"hello")]
    assert bob.tx.used == 1
    assert bob.tx.wants_kick


def test_a_large_packet_is_cut_to_the_receivers_buffers(alice: Guest, bob: Guest) -> None:
    for _ in range(3):
        alice.rx.offer(HEADER.size + 4)
    bob.send(ALICE, Op.RW, b"0123456789")
    assert [payload for _, _, payload in alice.received()] == [b"0123", b"4567", b"89"]


def test_a_chain_of_small_buffers_is_one_packet(alice: Guest, bob: Guest) -> None:
    alice.rx.offer(10, 36, 2, 100)
    bob.send(ALICE, Op.RW, b"0123456789")
    assert alice.received() == [(BOB, Op.RW, b"0123456789")]


def test_packets_wait_for_buffers_and_keep_their_order(alice: Guest, bob: Guest) -> None:
    alice.rx.offer(HEADER.size + 4)
    bob.send(ALICE, Op.RW, b"012345")
    bob.send(ALICE, Op.RW, b"678")
    assert [payload for _, _, payload in alice.received()] == [b"0123"]
    assert alice.rx.wants_kick
    for _ in range(2):
        alice.rx.offer(100)
    alice.port.flush()
    assert [payload for _, _, payload in alice.received()] == [b"45", b"678"]
    assert not alice.rx.wants_kick


def test_a_sender_with_the_header_in_the_same_buffer_as_the_payload(alice: Guest, bob: Guest) -> None:
    alice.rx.offer(4096)
    bob.tx.offer(HEADER.pack(BOB, ALICE, 1, 2, 3, 1, Op.RW, 0, 0, 0) + b"abc")
    bob.switch.transmit(bob.port)
    assert alice.received() == [(BOB, Op.RW, b"abc")]


def test_nobody_there_is_a_reset(bob: Guest) -> None:
    bob.rx.offer(100)
    bob.send(7, Op.REQUEST)
    assert bob.received() == [(7, Op.RST, b"")]
    assert not bob.switch.connections


def test_a_reset_to_nobody_is_not_answered(bob: Guest) -> None:
    bob.rx.offer(100)
    bob.send(7, Op.RST)
    assert bob.received() == []


def test_a_forged_source_is_dropped(alice: Guest, bob: Guest) -> None:
    alice.rx.offer(100)
    bob.send(ALICE, Op.REQUEST, cid=99)
    assert alice.received() == []
    assert bob.tx.used == 1


def connect(alice: Guest, bob: Guest, port: int = 1000) -> None:
    alice.rx.offer(100)
    bob.rx.offer(100)
    bob.send(ALICE, Op.REQUEST, ports=(port, 5000))
    alice.send(BOB, Op.RESPONSE, ports=(5000, port))
    assert alice.received()[-1][1] == Op.REQUEST
    assert bob.received()[-1][1] == Op.RESPONSE


def test_connections_of_the_dead_are_reset(alice: Guest, bob: Guest) -> None:
    connect(alice, bob)
    connect(alice, bob, 1001)
    bob.send(ALICE, Op.RST, ports=(1001, 5000))
    alice.rx.offer(100)
    alice.port.flush()
    assert alice.received() == [(BOB, Op.RST, b"")]
    bob.port.link = None
    alice.rx.offer(100)
    alice.switch.lost(BOB)
    assert alice.received() == [(BOB, Op.RST, b"")]
    assert not alice.switch.connections


def test_a_ring_that_is_off_is_nobody(alice: Guest, bob: Guest) -> None:
    alice.rx.ring.enabled = False
    bob.rx.offer(100)
    bob.send(ALICE, Op.REQUEST)
    assert bob.received() == [(ALICE, Op.RST, b"")]


def test_ring_numbers() -> None:
    assert (RX, TX) == (0, 1)
