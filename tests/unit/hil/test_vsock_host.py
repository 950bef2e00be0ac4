"""hil.vm.vsock_host: a guest's connections as Unix sockets, with credit both ways."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil.vm.vsock_host import BUFFER, CHUNK, HostPort
from hil.vm.vsock_packets import HEADER, TYPE_STREAM, Op, Switch

GUEST, PORT, LOCAL = 42, 7, 1024
Packet = tuple[int, int, bytes]


class Guest:
    """A machine at the switch that keeps what it gets: operation, flags, payload."""

    cid = GUEST
    up = True
    link = None

    def __init__(self) -> None:
        self.got: list[Packet] = []
        self.taken_by_host = 0

    def deliver(self, header: bytes, payload: memoryview, *, owned: bool = False) -> None:  # noqa: ARG002
        _, _, _, _, _, _, op, flags, _, taken = HEADER.unpack(header)
        self.taken_by_host = taken
        self.got.append((op, flags, bytes(payload)))

    def flush(self) -> None:
        pass

    def data(self) -> bytes:
        return b"".join(payload for op, _, payload in self.got if op == Op.RW)


class Loop:
    """The event loop, run by hand."""

    def __init__(self) -> None:
        self.handlers: dict[int, tuple[Callable[[], None], int]] = {}

    def watch(self, fd: int, handler: Callable[[], None], events: int) -> None:
        self.handlers[fd] = (handler, events)

    def unwatch(self, fd: int) -> None:
        del self.handlers[fd]

    def turn(self) -> None:
        for handler, events in list(self.handlers.values()):
            if events:
                handler()


class World:
    """A host port, one guest, and a program that listens here."""

    def __init__(self, folder: Path) -> None:
        self.loop, self.guest = Loop(), Guest()
        self.host = HostPort(2, folder / "host", self.loop)
        self.host.switch = Switch({2: self.host, GUEST: self.guest})
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"{folder}/host_{PORT}")
        self.listener.listen()

    def send(
        self, op: Op, data: bytes = b"", *, flags: int = 0, room: int = 1 << 20, taken: int = 0, port: int = PORT
    ) -> None:
        header = HEADER.pack(GUEST, 2, LOCAL, port, len(data), TYPE_STREAM, op, flags, room, taken)
        self.host.deliver(header, memoryview(data))

    def connect(self, room: int = 1 << 20) -> socket.socket:
        self.send(Op.REQUEST, room=room)
        assert [op for op, _, _ in self.guest.got] == [Op.RESPONSE]
        self.guest.got.clear()
        return self.listener.accept()[0]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.host.lost(GUEST)
    made.listener.close()
    assert not made.loop.handlers, "no descriptor is watched any more"


def test_bytes_go_both_ways(world: World) -> None:
    with world.connect() as program:
        world.send(Op.RW, b"to the host")
        assert program.recv(100) == b"to the host"
        program.sendall(b"to the guest")
        world.loop.turn()
        assert world.guest.data() == b"to the guest"


def test_a_port_that_nobody_listens_at_is_reset(world: World) -> None:
    world.send(Op.REQUEST, port=PORT + 1)
    assert [op for op, _, _ in world.guest.got] == [Op.RST]


def test_a_packet_of_no_connection_is_reset_and_a_reset_is_not_answered(world: World) -> None:
    world.send(Op.RW, b"hello?")
    assert [op for op, _, _ in world.guest.got] == [Op.RST]
    world.guest.got.clear()
    world.send(Op.RST)
    assert not world.guest.got


def test_no_more_is_sent_than_the_guest_has_room_for(world: World) -> None:
    with world.connect(room=1000) as program:
        program.sendall(bytes(5000))
        world.loop.turn()
        assert len(world.guest.data()) == 1000
        (_, events) = world.loop.handlers[next(iter(world.loop.handlers))]
        assert not events & select.EPOLLIN, "it would be woken for nothing"
        world.send(Op.CREDIT_UPDATE, room=1000, taken=600)
        assert len(world.guest.data()) == 1600


def test_what_the_program_does_not_read_is_kept_and_credit_comes_when_it_does(world: World) -> None:
    with world.connect() as program:
        sent = bytes(range(256)) * (BUFFER // 256)
        for at in range(0, BUFFER, CHUNK):
            world.send(Op.RW, sent[at : at + CHUNK])
        assert world.guest.taken_by_host < BUFFER
        got = bytearray()
        program.settimeout(5)
        while len(got) < BUFFER:
            got += program.recv(CHUNK)
            world.loop.turn()
        assert got == sent
        assert world.guest.taken_by_host > BUFFER // 2


def test_the_program_s_end_is_told_after_its_last_bytes(world: World) -> None:
    with world.connect() as program:
        program.sendall(b"bye")
    world.loop.turn()
    assert world.guest.data() == b"bye"
    assert world.guest.got[-1][:2] == (Op.SHUTDOWN, 3)


def test_the_guest_may_end_its_half_and_still_read(world: World) -> None:
    with world.connect() as program:
        world.send(Op.RW, b"request")
        world.send(Op.SHUTDOWN, flags=2)
        assert program.recv(100) == b"request"
        assert program.recv(100) == b""
        program.sendall(b"answer")
        world.loop.turn()
        assert world.guest.data() == b"answer"


def test_a_guest_that_is_gone_takes_its_connections_with_it(world: World) -> None:
    with world.connect() as program:
        world.host.lost(GUEST)
        assert program.recv(100) == b""
