"""wslusb.transport.sockets: files, permissions, and who is there."""

from __future__ import annotations

import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from tests.support.waiting import PATIENCE
from wslusb.errors import LocalError, LocalReason
from wslusb.transport import sockets
from wslusb.transport.address import UnixAddress, VsockAddress
from wslusb.transport.stream import STREAM_BUFFER, Peer
from wslusb.wire.frame import PORT


@pytest.fixture
def address(folder: Path) -> UnixAddress:
    return UnixAddress(str(folder / "s"))


def test_only_the_owner_may_connect(address: UnixAddress) -> None:
    before = os.umask(0)
    try:
        listener = sockets.listen(address)
        assert os.umask(0) == 0, "the process's own umask is as it was"
    finally:
        os.umask(before)
    assert stat.S_IMODE(Path(address.path).stat().st_mode) == 0o600
    listener.close()
    assert not Path(address.path).exists()


def test_a_stale_file_is_replaced(address: UnixAddress) -> None:
    stale = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stale.bind(address.path)
    stale.close()
    sockets.listen(address).close()


def test_a_file_that_somebody_listens_on_is_not(address: UnixAddress) -> None:
    listener = sockets.listen(address)
    with pytest.raises(LocalError) as caught:
        sockets.listen(address)
    assert caught.value.reason is LocalReason.ALREADY_RUNNING
    stream = sockets.connect(address)
    listener.accept().close()
    stream.close()
    listener.close()


def test_an_ordinary_file_is_left_alone(address: UnixAddress) -> None:
    Path(address.path).write_text("precious")
    with pytest.raises(LocalError):
        sockets.listen(address)
    assert Path(address.path).read_text() == "precious"


def test_a_file_of_the_next_listener_is_left_alone(address: UnixAddress) -> None:
    first = sockets.listen(address)
    Path(address.path).rename(address.path + ".old")
    second = sockets.listen(address)
    first.close()
    assert Path(address.path).exists()
    second.close()


@pytest.mark.parametrize(
    ("path", "reason"),
    [("/nonexistent/folder/s", LocalReason.DISCONNECTED), ("/run/" + "x" * 200, LocalReason.BAD_ADDRESS)],
)
def test_where_nobody_can_listen(path: str, reason: LocalReason) -> None:
    with pytest.raises(LocalError) as caught:
        sockets.listen(UnixAddress(path))
    assert caught.value.reason is LocalReason.BAD_ADDRESS
    with pytest.raises(LocalError) as caught:
        sockets.connect(UnixAddress(path))
    assert caught.value.reason is reason


def test_peers_are_known(address: UnixAddress) -> None:
    listener = sockets.listen(address)
    client = sockets.connect(address)
    served = listener.accept()
    me = Peer("unix", os.getuid(), os.getpid())
    assert (client.peer, served.peer) == (me, me)
    assert str(me) == f"uid {os.getuid()} (pid {os.getpid()})"
    assert str(Peer("vsock", 42)) == "CID 42"
    assert str(Peer("unix", 5)) == "uid 5"
    for each in (client, served, listener):
        each.close()


def test_close_wakes_who_accepts(address: UnixAddress) -> None:
    listener = sockets.listen(address)
    errors: list[OSError] = []
    entered = threading.Event()

    def accept() -> None:
        entered.set()
        try:
            listener.accept()
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=accept)
    thread.start()
    entered.wait(PATIENCE)
    listener.close()
    thread.join(PATIENCE)
    assert len(errors) == 1


def test_trap_vsock_buffers_maximum_first_and_before_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    """The size is clamped to the maximum, and both are only read when a connection is made."""
    calls: list[tuple[str, object]] = []

    class Recorder(socket.socket):
        """A Unix socket: no AF_VSOCK socket is opened here."""

        def setsockopt(self, *arguments: object) -> None:
            calls.append(("set", arguments[1:]))

        def connect(self, address: object) -> None:
            calls.append(("connect", address))
            raise ConnectionRefusedError

        def bind(self, address: object) -> None:
            calls.append(("bind", address))
            raise PermissionError

    monkeypatch.setattr(socket, "AF_VSOCK", socket.AF_UNIX, raising=False)
    monkeypatch.setattr(socket, "socket", Recorder)
    buffers: list[tuple[str, object]] = [("set", (2, STREAM_BUFFER)), ("set", (0, STREAM_BUFFER))]
    with pytest.raises(LocalError):
        sockets.connect(VsockAddress(5))
    assert calls == [*buffers, ("connect", (5, PORT))]
    calls.clear()
    with pytest.raises(LocalError):
        sockets.listen(VsockAddress(5))
    assert calls == [*buffers, ("bind", (5, PORT))]
