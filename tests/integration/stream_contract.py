"""The contract of :class:`wslusb.transport.stream.Stream` and of listeners, as tests for every transport.

Derive a class in a test module and give it ``connect``, which returns the two ends of a new connection::

    class TestVsockStream(StreamContract):
        def connect(self) -> tuple[Stream, Stream]: ...
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.waiting import PATIENCE
from wslusb.transport.stream import Stream

__all__ = ["StreamContract", "read"]


def read(stream: Stream, size: int) -> bytes:
    """Exactly ``size`` bytes; fewer only at the end."""
    data = bytearray(size)
    view, got = memoryview(data), 0
    while got < size:
        count = stream.recv_into(view[got:])
        assert count is not None, "nothing came"
        if not count:
            break
        got += count
    return bytes(data[:got])


def fill(stream: Stream) -> None:
    """Send until that fails."""
    while True:
        stream.send([bytes(1 << 20)])


class StreamContract:
    """Each case gets a connection of its own."""

    def connect(self) -> tuple[Stream, Stream]:
        """The two ends of a connection."""
        raise NotImplementedError

    @pytest.fixture
    def ends(self) -> Iterator[tuple[Stream, Stream]]:
        ends = self.connect()
        for end in ends:
            end.set_receive_timeout(PATIENCE)
        yield ends
        for end in ends:
            end.close()

    def test_bytes_both_ways(self, ends: tuple[Stream, Stream]) -> None:
        for sender, receiver in (ends, ends[::-1]):
            sender.send([b"hello"])
            assert read(receiver, 5) == b"hello"

    def test_buffers_of_every_kind_go_in_order(self, ends: tuple[Stream, Stream]) -> None:
        ends[0].send([b"one ", bytearray(b"two "), memoryview(b"xthree")[1:], b""])
        assert read(ends[1], 13) == b"one two three"

    def test_a_send_is_whole_although_it_is_larger_than_any_buffer(self, ends: tuple[Stream, Stream]) -> None:
        data = random.Random(1).randbytes(9 << 20)
        sender = threading.Thread(target=ends[0].send, args=([b"head", memoryview(data), b"tail"],))
        sender.start()
        assert read(ends[1], len(data) + 8) == b"head" + data + b"tail"
        sender.join(PATIENCE)

    def test_large_sends_cross_each_other(self, ends: tuple[Stream, Stream]) -> None:
        data = random.Random(2).randbytes(4 << 20)
        senders = [threading.Thread(target=end.send, args=([data],)) for end in ends]
        received: dict[int, bytes] = {}
        readers = [
            threading.Thread(target=lambda n=n, end=end: received.update({n: read(end, len(data))}))
            for n, end in enumerate(ends)
        ]
        for thread in senders + readers:
            thread.start()
        for thread in senders + readers:
            thread.join(PATIENCE)
        assert received == {0: data, 1: data}

    def test_a_receive_that_times_out_gives_none_and_loses_nothing(self, ends: tuple[Stream, Stream]) -> None:
        ends[1].set_receive_timeout(0.05)
        room = memoryview(bytearray(10))
        began = time.monotonic()
        assert ends[1].recv_into(room) is None
        assert 0.02 < time.monotonic() - began < 2
        ends[0].send([b"late"])
        ends[1].set_receive_timeout(PATIENCE)
        assert read(ends[1], 4) == b"late"

    def test_the_end(self, ends: tuple[Stream, Stream]) -> None:
        ends[0].send([b"last words"])
        ends[0].shutdown()
        assert read(ends[1], 100) == b"last words"
        assert ends[1].recv_into(memoryview(bytearray(1))) == 0
        ends[0].shutdown()

    def test_shutdown_wakes_who_receives(self, ends: tuple[Stream, Stream]) -> None:
        counts: list[int | None] = []
        reader = threading.Thread(target=lambda: counts.append(ends[0].recv_into(memoryview(bytearray(1)))))
        reader.start()
        ends[0].shutdown()
        reader.join(PATIENCE)
        assert counts == [0]

    def test_shutdown_wakes_who_sends(self, ends: tuple[Stream, Stream]) -> None:
        errors: list[OSError] = []

        def send() -> None:
            try:
                fill(ends[0])
            except OSError as error:
                errors.append(error)

        sender = threading.Thread(target=send)
        sender.start()
        ends[0].shutdown()
        sender.join(PATIENCE)
        assert len(errors) == 1

    def test_a_peer_that_does_not_read_is_not_waited_for_for_ever(self, ends: tuple[Stream, Stream]) -> None:
        ends[0].set_send_timeout(0.1)
        began = time.monotonic()
        with pytest.raises(OSError):  # noqa: PT011 -- EAGAIN here, another number on other systems
            fill(ends[0])
        assert time.monotonic() - began < PATIENCE

    def test_sending_to_who_has_gone(self, ends: tuple[Stream, Stream]) -> None:
        ends[1].shutdown()
        ends[1].close()
        with pytest.raises(OSError):  # noqa: PT011 -- EPIPE or ECONNRESET
            fill(ends[0])

    def test_both_know_their_peer(self, ends: tuple[Stream, Stream]) -> None:
        for end in ends:
            assert end.peer.kind in ("unix", "vsock")
            assert str(end.peer)
