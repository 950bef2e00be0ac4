"""wslusb.transport.stream: time-outs, which are the kernel's, on sockets of any family."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.waiting import PATIENCE
from wslusb.transport.stream import Peer, SocketStream

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ends = socket.socketpair()
    yield ends
    for end in ends:
        end.close()


def test_a_peer_that_reads_a_little_now_and_then_is_given_up(pair: Pair) -> None:
    """The first bytes too late for the kernel's time-out, the others in time: a part goes, the rest in pieces."""
    stream = SocketStream(pair[0], Peer("unix", 0), send_timeout=0.2)
    over = threading.Event()

    def trickle() -> None:
        pause = 0.3
        while not over.wait(pause):
            pair[1].recv(16384)
            pause = 0.01

    reader = threading.Thread(target=trickle)
    reader.start()
    began = time.monotonic()
    with pytest.raises(OSError):  # noqa: PT011 -- EAGAIN of the kernel's time-out, or ETIMEDOUT of ours
        stream.send([bytes(64 << 20)])
    assert time.monotonic() - began < PATIENCE / 2
    over.set()
    reader.join(PATIENCE)


def test_a_slow_peer_gets_everything_in_order(pair: Pair) -> None:
    """What the kernel took only in part goes on where it stopped, although its time-out is over at once."""
    stream = SocketStream(pair[0], Peer("unix", 0))
    stream.set_send_timeout(PATIENCE)
    data = os.urandom(3 << 20)
    got = bytearray()

    def read() -> None:
        while piece := pair[1].recv(10_000):
            got.extend(piece)

    reader = threading.Thread(target=read)
    reader.start()
    stream.send([data[:1000], memoryview(data)[1000:]])
    stream.shutdown()
    reader.join(PATIENCE)
    assert got == data


def test_trap_python_takes_only_numbers_for_vsock_options(pair: Pair) -> None:
    """No AF_VSOCK socket is opened here: the object only believes that it is one, and its descriptor is a Unix one."""
    believer = socket.socket(40, socket.SOCK_STREAM, fileno=pair[0].detach())  # 40: AF_VSOCK
    with pytest.raises(TypeError):
        believer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", 0, 10_000))
    stream = SocketStream(believer, Peer("vsock", 2))
    stream.set_receive_timeout(0.01)
    assert stream.recv_into(memoryview(bytearray(1))) is None
    stream.close()


def test_trap_python_time_outs_would_make_the_socket_non_blocking(pair: Pair) -> None:
    """A ``poll`` before every call. Whatever it was before, the stream's socket blocks and times out all the same."""
    pair[0].settimeout(5)
    assert not os.get_blocking(pair[0].fileno())
    stream = SocketStream(pair[0], Peer("unix", 0))
    stream.set_receive_timeout(0.01)
    assert os.get_blocking(pair[0].fileno())
    assert pair[0].gettimeout() is None
    assert stream.recv_into(memoryview(bytearray(1))) is None
