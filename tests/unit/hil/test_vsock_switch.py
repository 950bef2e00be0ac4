from __future__ import annotations

import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from hil.vm.vhost_user import HEADER as MESSAGE
from hil.vm.vhost_user import REGION, RING_ADDRESS, RING_STATE, Request
from hil.vm.vsock_packets import HEADER, RX, TX, Op
from tests.unit.hil.rings import MEMORY, FakeDriver

NEED_REPLY = 1 << 3
PROJECT = Path(__file__).parents[3]


class FrontEnd:
    """A machine's emulator, as far as the switch can tell."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(path))
        self.drivers = [FakeDriver(16, index * MEMORY) for index in range(3)]
        self.kicks = [os.eventfd(0) for _ in self.drivers]
        self.calls = [os.eventfd(0, os.EFD_NONBLOCK) for _ in self.drivers]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
        for fd in (*self.kicks, *self.calls):
            os.close(fd)

    def ask(self, request: int, body: bytes = b"", fds: list[int] | None = None, flags: int = 1 | NEED_REPLY) -> bytes:
        message = MESSAGE.pack(request, flags, len(body)) + body
        socket.send_fds(self.socket, [message], fds or [])
        kind, _, size = MESSAGE.unpack(self.socket.recv(MESSAGE.size, socket.MSG_WAITALL))
        assert kind == request
        return self.socket.recv(size, socket.MSG_WAITALL)

    def set_up(self) -> None:
        table = struct.pack("<II", len(self.drivers), 0)
        table += b"".join(REGION.pack(driver.guest, MEMORY, driver.user, 0) for driver in self.drivers)
        assert self.ask(Request.SET_MEM_TABLE, table, [driver.fd for driver in self.drivers]) == bytes(8)
        for index, driver in enumerate(self.drivers):
            desc, avail, used = driver.addresses
            self.ask(Request.SET_VRING_NUM, RING_STATE.pack(index, driver.size))
            self.ask(Request.SET_VRING_BASE, RING_STATE.pack(index, 0))
            self.ask(Request.SET_VRING_ADDR, RING_ADDRESS.pack(index, 0, desc, used, avail, 0))
            self.ask(Request.SET_VRING_CALL, struct.pack("<Q", index), [self.calls[index]])
            self.ask(Request.SET_VRING_KICK, struct.pack("<Q", index), [self.kicks[index]])
            self.ask(Request.SET_VRING_ENABLE, RING_STATE.pack(index, 1))

    def room(self, size: int = 4096) -> None:
        self.drivers[RX].offer(size)
        os.eventfd_write(self.kicks[RX], 1)

    def send(self, source: int, destination: int, op: Op, payload: bytes = b"") -> None:
        header = HEADER.pack(source, destination, 1000 + source, 1000 + destination, len(payload), 1, op, 0, 0, 0)
        self.drivers[TX].offer(*([header, payload] if payload else [header]))
        os.eventfd_write(self.kicks[TX], 1)

    def packet(self) -> tuple[int, bytes]:
        """The next packet: its operation and its payload."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if packets := self.drivers[RX].collect():
                return HEADER.unpack_from(packets[0])[6], packets[0][HEADER.size :]
            select.select([self.calls[RX]], [], [], 1)
        raise TimeoutError


@pytest.fixture
def sockets(tmp_path: Path) -> Iterator[dict[int, Path]]:
    paths = {2: tmp_path / "2", 42: tmp_path / "42"}
    command = [sys.executable, "-m", "hil.vm.vsock_switch", *(f"{cid}={path}" for cid, path in paths.items())]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"ready\n"
        yield paths
        process.stdin.close()
        assert process.wait(10) == 0


def test_features_and_cid(sockets: dict[int, Path]) -> None:
    with FrontEnd(sockets[42]) as front:
        (features,) = struct.unpack("<Q", front.ask(Request.GET_FEATURES, flags=1))
        assert features == 1 << 32 | 1 << 30
        assert struct.unpack("<Q", front.ask(Request.GET_QUEUE_NUM, flags=1)) == (3,)
        config = front.ask(Request.GET_CONFIG, struct.pack("<III", 0, 8, 0) + bytes(8), flags=1)
        assert struct.unpack("<Q", config[12:]) == (42,)


def test_an_unknown_request_fails_and_is_survived(sockets: dict[int, Path]) -> None:
    with FrontEnd(sockets[42]) as front:
        assert front.ask(99) == struct.pack("<Q", 1)
        assert front.ask(Request.SET_OWNER) == bytes(8)


def test_packets_go_from_machine_to_machine(sockets: dict[int, Path]) -> None:
    with FrontEnd(sockets[2]) as host, FrontEnd(sockets[42]) as guest:
        host.set_up()
        guest.set_up()
        host.room()
        guest.send(42, 2, Op.RW, b"hello")
        assert host.packet() == (Op.RW, b"hello")
        assert host.ask(Request.GET_VRING_BASE, RING_STATE.pack(RX, 0), flags=1) == RING_STATE.pack(RX, 1)


def test_peers_of_a_machine_that_dies_are_reset_and_it_can_come_back(sockets: dict[int, Path]) -> None:
    with FrontEnd(sockets[2]) as host:
        host.set_up()
        for _ in range(2):
            with FrontEnd(sockets[42]) as guest:
                guest.set_up()
                host.room()
                guest.send(42, 2, Op.REQUEST)
                assert host.packet() == (Op.REQUEST, b"")
                host.room()
            assert host.packet() == (Op.RST, b"")


def test_a_machine_that_lies_is_cut_off(sockets: dict[int, Path]) -> None:
    with FrontEnd(sockets[2]) as host, FrontEnd(sockets[42]) as guest:
        host.set_up()
        guest.set_up()
        guest.drivers[TX].bytes[0:16] = struct.pack("<QIHH", 0x10, 44, 0, 0)
        guest.drivers[TX].push(0)
        os.eventfd_write(guest.kicks[TX], 1)
        assert guest.socket.recv(1) == b""
        assert host.ask(Request.SET_OWNER) == bytes(8)
