"""How long it takes from a guest to its host's service and back, with no device at all: pings of a control session."""

from __future__ import annotations

import contextlib
import time

from wslusb.session.connection import Connection
from wslusb.session.states import Role
from wslusb.transport import address as addresses
from wslusb.transport import sockets
from wslusb.transport.link import Link
from wslusb.wire.frame import MessageType
from wslusb.wire.messages import Hello, Purpose

__all__ = ["run"]

_WARM_UP = 10


def run(address: str, count: int) -> list[float]:
    """Microseconds of each of ``count``."""
    connection = Connection(Role.GUEST, Hello(Purpose.CONTROL, name="a probe"))
    link = Link(sockets.connect(addresses.parse(address)), connection)
    with contextlib.closing(link.stream):
        link.shake_hands(first=True)
        taken = [_ping(link, connection) for _ in range(_WARM_UP + count)]
    return taken[_WARM_UP:]


def _ping(link: Link, connection: Connection) -> float:
    started = time.perf_counter_ns()
    link.request(MessageType.PING)
    while (frame := connection.receive()) is None or frame.type != MessageType.PONG:
        if frame is None:
            connection.frames.received(link.stream.recv_into(connection.frames.writable()) or 0)
    return (time.perf_counter_ns() - started) / 1000
