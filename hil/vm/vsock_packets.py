"""How the virtio-vsock switch moves packets between the rings of two machines (virtio 1.2, section 5.10).

Packets go straight from the sender's memory into the receiver's buffers; the credit that the two
kernels give each other bounds what waits here when a receiver has no buffers. A machine that dies takes its
connections with it: its peers get a RST, as they would from a real host.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple, Protocol

from hil.vm.vhost_user import Ring

__all__ = ["HEADER", "RINGS", "RX", "TX", "TYPE_STREAM", "Address", "Link", "Op", "Place", "Port", "Switch", "reset"]

HEADER = struct.Struct("<QQIIIHHIII")
LENGTH = struct.Struct("<I")
LENGTH_OFFSET = 24
RX, TX, RINGS = 0, 1, 3
TYPE_STREAM = 1


class Op(IntEnum):
    """Packet operations."""

    REQUEST = 1
    RESPONSE = 2
    RST = 3
    SHUTDOWN = 4
    RW = 5
    CREDIT_UPDATE = 6
    CREDIT_REQUEST = 7


class Address(NamedTuple):
    """One end of a connection."""

    cid: int
    port: int


Connection = tuple[Address, Address]


def reset(source: Address, destination: Address, kind: int = TYPE_STREAM) -> bytes:
    """The header of a RST packet."""
    return HEADER.pack(source.cid, destination.cid, source.port, destination.port, 0, kind, Op.RST, 0, 0, 0)


class Link(Protocol):
    """What a port needs of its front end."""

    @property
    def rings(self) -> Sequence[Ring]:
        """RX, TX and events."""


class Place(Protocol):
    """What is at the switch: a machine's :class:`Port`, or this machine itself (hil/vm/vsock_host.py)."""

    @property
    def up(self) -> bool:
        """Whether it takes packets."""

    @property
    def link(self) -> Link | None:
        """The front end of a machine."""

    def deliver(self, header: bytes, payload: memoryview, *, owned: bool = False) -> None:
        """Give it a packet."""

    def flush(self) -> None:
        """Move on what waits."""


class Port:
    """A machine's place at the switch: its front end, when there is one, and what waits for its buffers."""

    def __init__(self, cid: int) -> None:
        self.cid = cid
        self.link: Link | None = None
        self.waiting: deque[tuple[bytes, memoryview]] = deque()

    @property
    def up(self) -> bool:
        """Whether the machine's driver takes packets."""
        return self.link is not None and self.link.rings[RX].ready

    def deliver(self, header: bytes, payload: memoryview, *, owned: bool = False) -> None:
        """Give the machine a packet now, or keep (a copy of) what its buffers do not hold."""
        rest = payload if self.waiting else self._fill(header, payload)
        if rest is not None:
            self.waiting.append((header, rest if owned else memoryview(bytes(rest))))
            self.flush()

    def flush(self) -> None:
        """Move what waits into the machine's buffers; ask to be told of new ones if something is left."""
        if self.link is None or not self.link.rings[RX].ready:
            return
        ring = self.link.rings[RX]
        while True:
            while self.waiting:
                header, payload = self.waiting[0]
                rest = self._fill(header, payload)
                if rest is None:
                    self.waiting.popleft()
                    continue
                self.waiting[0] = (header, rest)
                break
            ring.interrupt()
            if not self.waiting:
                ring.wake()  # quiet: nothing is wanted from the guest
                return
            if ring.sleep():
                return

    def _fill(self, header: bytes, payload: memoryview) -> memoryview | None:
        """Copy into receive buffers, a header in each; what is left, or None."""
        if self.link is None:
            return None
        ring = self.link.rings[RX]
        while True:
            chain = ring.take()
            if chain is None:
                return payload
            head, _, buffers = chain
            buffer = buffers[0]
            if len(buffers) > 1:
                written, payload = scatter(buffers, header, payload)
            else:
                size = min(len(payload), len(buffer) - HEADER.size)
                buffer[: HEADER.size] = header
                LENGTH.pack_into(buffer, LENGTH_OFFSET, size)
                written = HEADER.size + size
                buffer[HEADER.size : written] = payload[:size]
                payload = payload[size:]
            ring.give(head, written)
            if not payload:
                return None


def scatter(buffers: list[memoryview], header: bytes, payload: memoryview) -> tuple[int, memoryview]:
    """Fill a chain of several buffers with one packet; bytes written, and the payload that did not fit."""
    size = min(len(payload), sum(map(len, buffers)) - HEADER.size)
    packet = memoryview(header[:LENGTH_OFFSET] + LENGTH.pack(size) + header[LENGTH_OFFSET + 4 :] + payload[:size])
    written = 0
    for buffer in buffers:
        piece = packet[written : written + len(buffer)]
        buffer[: len(piece)] = piece
        written += len(piece)
    return written, payload[size:]


class Switch:
    """Forwards packets by destination CID and remembers who is connected to whom."""

    def __init__(self, ports: Mapping[int, Place]) -> None:
        self.ports = ports
        self.connections: set[Connection] = set()

    def transmit(self, port: Port) -> None:
        """Forward all that a machine has to send."""
        if port.link is None or not port.link.rings[TX].ready:
            return
        ring = port.link.rings[TX]
        while True:
            ring.wake()
            while (chain := ring.take()) is not None:
                head, buffers, _ = chain
                self._packet(port, buffers)
                ring.give(head, 0)
            ring.interrupt()
            if ring.sleep():
                return

    def _packet(self, port: Port, buffers: list[memoryview]) -> None:
        if len(buffers[0]) != HEADER.size or len(buffers) > 2:
            whole = memoryview(b"".join(buffers))
            buffers = [whole[: HEADER.size], whole[HEADER.size :]]
        header = bytes(buffers[0])
        source_cid, destination_cid, source_port, destination_port, length, _, op, *_ = HEADER.unpack(header)
        if source_cid != port.cid:
            return
        payload = buffers[1][:length] if len(buffers) > 1 else memoryview(b"")
        if op <= Op.RST:
            self._note(op, Address(source_cid, source_port), Address(destination_cid, destination_port))
        self.forward(port, header, payload)

    def forward(self, port: Place, header: bytes, payload: memoryview) -> None:
        """Deliver a packet; the sender hears a RST when nobody is there."""
        source_cid, destination_cid, source_port, destination_port, _, kind, op, *_ = HEADER.unpack(header)
        target = self.ports.get(destination_cid)
        if target is not None and target.up:
            target.deliver(header, payload)
            if target.link is not None:
                target.link.rings[RX].interrupt()
        elif op != Op.RST:
            source, destination = Address(source_cid, source_port), Address(destination_cid, destination_port)
            self._note(Op.RST, source, destination)
            port.deliver(reset(destination, source, kind), memoryview(b""))
            port.flush()

    def _note(self, op: int, source: Address, destination: Address) -> None:
        """A connection exists from its request on; any RST ends it."""
        pair = (source, destination) if source <= destination else (destination, source)
        if op == Op.RST:
            self.connections.discard(pair)
        else:
            self.connections.add(pair)

    def lost(self, cid: int) -> None:
        """A machine is gone: reset its connections at the other ends."""
        for pair in [pair for pair in self.connections if cid in (pair[0].cid, pair[1].cid)]:
            self.connections.discard(pair)
            dead, peer = pair if pair[0].cid == cid else pair[::-1]
            target = self.ports.get(peer.cid)
            if target is not None and target.up and peer.cid != cid:
                target.deliver(reset(dead, peer), memoryview(b""))
                target.flush()
