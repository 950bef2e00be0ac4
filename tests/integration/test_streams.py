"""The stream contract on socket pairs, Unix listeners, and the dialect of Firecracker and Cloud Hypervisor."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.stream_contract import StreamContract, read
from tests.support.monitor import Monitor
from tests.support.waiting import PATIENCE
from tests.support.world import World
from wslusb.errors import LocalError, LocalReason
from wslusb.guest.client import HostClient
from wslusb.host.service import Service
from wslusb.transport import sockets
from wslusb.transport.address import HybridAddress, UnixAddress
from wslusb.transport.stream import Peer, SocketStream, Stream


class TestSocketPair(StreamContract):
    def connect(self) -> tuple[Stream, Stream]:
        one, two = socket.socketpair()
        return SocketStream(one, Peer("unix", 1)), SocketStream(two, Peer("unix", 2, 3))


class TestUnixListener(StreamContract):
    @pytest.fixture(autouse=True)
    def listening(self, folder: Path) -> Iterator[None]:
        self.address = UnixAddress(str(folder / "s"))
        self.listener = sockets.listen(self.address)
        yield
        self.listener.close()

    def connect(self) -> tuple[Stream, Stream]:
        return sockets.connect(self.address), self.listener.accept()


class TestHybrid(StreamContract):
    """From outside the machine: ``CONNECT port`` at the monitor's socket."""

    @pytest.fixture(autouse=True)
    def running(self, folder: Path) -> Iterator[None]:
        self.path = folder / "vm"
        with Monitor(self.path) as self.monitor:
            yield

    def connect(self) -> tuple[Stream, Stream]:
        inside = self.monitor.listen(1234)
        outside = sockets.connect(HybridAddress(str(self.path), 1234))
        return outside, inside.accept()


class TestHybridListener(StreamContract):
    """From inside the machine: the monitor connects to ``<path>_<port>``."""

    @pytest.fixture(autouse=True)
    def running(self, folder: Path) -> Iterator[None]:
        self.path = folder / "vm"
        self.listener = sockets.listen(HybridAddress(str(self.path), 1234))
        with Monitor(self.path) as self.monitor:
            yield
        self.listener.close()

    def connect(self) -> tuple[Stream, Stream]:
        return self.monitor.guest_connects(1234), self.listener.accept()


def test_nobody_listens_inside(folder: Path) -> None:
    with Monitor(folder / "vm"), pytest.raises(LocalError, match="the monitor answered") as caught:
        sockets.connect(HybridAddress(str(folder / "vm"), 99))
    assert caught.value.reason is LocalReason.DISCONNECTED


@pytest.mark.parametrize("answer", [b"", b"ERROR\n", b"OK", b"x" * 64, b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_a_monitor_that_says_something_else(folder: Path, answer: bytes) -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(folder / "vm"))
    listener.listen()

    def serve() -> None:
        sock, _ = listener.accept()
        with sock:
            sock.recv(100)
            sock.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    with pytest.raises(LocalError) as caught:
        sockets.connect(HybridAddress(str(folder / "vm")))
    assert caught.value.reason is LocalReason.DISCONNECTED
    thread.join(PATIENCE)
    listener.close()


def test_what_follows_the_ok_line_is_the_streams(folder: Path) -> None:
    with Monitor(folder / "vm", greeting=b"first bytes") as monitor:
        monitor.listen(5)
        stream = sockets.connect(HybridAddress(str(folder / "vm"), 5))
        assert read(stream, 11) == b"first bytes"
        stream.close()


def test_a_service_in_a_virtual_machines_dialect(folder: Path) -> None:
    """The host listens where the monitor delivers; the guest connects through the monitor."""
    world = World(folder)
    world.service.listeners[0].close()
    world.service = Service(world.catalog, [sockets.listen(HybridAddress(str(folder / "vm")))])
    with world, Monitor(folder / "vm") as monitor:
        world.service.bind("9-1")
        path = folder / "inside"
        monitor.forward(path)
        client = HostClient(UnixAddress(str(path)))
        assert [listed.info.busid for listed in client.devices()] == ["9-1"]
        client.close()
