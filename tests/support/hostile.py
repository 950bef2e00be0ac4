"""What guests and hosts say that may break the protocol, and how one sees that nobody else noticed."""

from __future__ import annotations

import struct

from tests.support.peers import RawGuest
from tests.support.usb import control_urb
from tests.support.world import Guest
from wslusb.device import sync
from wslusb.usb.setup import Setup
from wslusb.wire.events import Event, EventKind
from wslusb.wire.frame import MessageType as M
from wslusb.wire.frame import pack_header
from wslusb.wire.messages import Hello

FIRST = 3
"""The number of the first request to a host after the handshake and the attach."""


def response(
    status: int = 0, actual: int = 0, errors: int = 0, start_frame: int = 0, count: int = 0, rest: bytes = b""
) -> bytes:
    """The payload of a URB_RESPONSE; ``rest`` are results and data."""
    return struct.pack("<IIIII", status, actual, errors, start_frame, count) + rest


def answers(guest: Guest) -> None:
    """The guest's device still does."""
    assert len(sync.control(guest.device, Setup(0x80, 6, 0x0100, 0, 18)).data) == 18


def hello(**changes: object) -> bytes:
    return Hello(**changes).pack()  # type: ignore[arg-type]


def header_only(kind: int, size: int) -> bytes:
    return pack_header(kind, size, 1)


def event(kind: int) -> bytes:
    return bytes((kind,)) + Event(EventKind.ATTACHED, "9-1").pack()[1:]


def choose_echo(guest: RawGuest) -> None:
    """The configuration in which a read waits until something has been written."""
    guest.urb(control_urb(Setup(0, 9, 2, 0, 0)))
    assert guest.expect(M.URB_RESPONSE).payload[:4] == bytes(4)
