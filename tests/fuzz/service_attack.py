"""A hostile guest: mutated conversations with a live service."""

from __future__ import annotations

import contextlib
import struct

from tests.fuzz.attacked import Attacked
from tests.fuzz.mutation import Channel
from tests.fuzz.oracle import Finding, check_answers, drain
from tests.support.peers import RawGuest
from tests.support.usb import bulk_in, bulk_out, control_urb, iso_urb
from wslusb.usb.setup import Setup
from wslusb.wire.cancels import Cancel
from wslusb.wire.events import Event, EventKind
from wslusb.wire.frame import HEADER, MessageType, pack_header
from wslusb.wire.messages import AttachRequest, Hello, Purpose
from wslusb.wire.urbs import encode_abort, encode_request

__all__ = ["ServiceAttack"]

_ANSWER_SECONDS = 0.05
"""How long a guest waits for the answer to its ATTACH, which may have been spoilt."""
_SELECT_ECHO, _SELECT_ISO = Setup(0, 9, 2, 0, 0), Setup(1, 11, 1, 0, 0)
_URBS = (
    bulk_in(512), bulk_out(b"abc"), control_urb(Setup(0x80, 6, 0x0100, 0, 18)), control_urb(_SELECT_ISO),
    iso_urb([8, 8]), iso_urb([8, 8], 3, bytes(16)), control_urb(Setup(0x40, 0x5B, 0, 0, 4), b"wxyz"),
    control_urb(_SELECT_ECHO), bulk_in(64), bulk_in(64), bulk_out(b"echo"), bulk_in(0),
)  # fmt: skip


def _message(kind: int, sequence: int, payload: bytes = b"", handle: int = 0) -> bytes:
    return pack_header(kind, len(payload), sequence, handle) + payload


def _control() -> list[bytes]:
    """A control connection from its first byte."""
    return [
        _message(MessageType.HELLO, 1, Hello(Purpose.CONTROL, 3, name="fuzz").pack()),
        _message(MessageType.ENUMERATION, 2),
        _message(MessageType.EVENT, 0, Event(EventKind.ATTACHED, "9-1", 0, 1, "", ("/dev/x",)).pack()),
        _message(MessageType.PING, 3),
        _message(0x41, 0, b"an extension"),
        _message(MessageType.EVENT, 0, Event(EventKind.FAILED, "9-1", 7, 1, "no").pack()),
        _message(MessageType.ENUMERATION, 4),
    ]


def _urbs(handle: int) -> list[bytes]:
    """What follows an ATTACH: URBs of every type, cancels, an abort, a reset, a detach. Numbers go on from 3."""
    messages = [b"".join(encode_request(urb, number, handle)) for number, urb in enumerate(_URBS, 3)]
    number = 3 + len(_URBS)
    messages += [
        _message(MessageType.CANCEL, number, Cancel(11).pack(), handle),
        encode_abort(0x81, number + 1, handle),
        _message(MessageType.PING, number + 2),
        _message(MessageType.RESET, number + 3, b"", handle),
        b"".join(encode_request(bulk_in(512), number + 4, handle)),
        _message(MessageType.DETACH, number + 5, b"", handle),
    ]
    return messages


class ServiceAttack(Attacked):
    """A service with a loopback device, for any number of cases."""

    def __call__(self, case: bytes) -> set[str]:
        """Run a case: what the service did, in kinds. Finding for what it must not do."""
        path = self._world.address.path
        with RawGuest.control(path) as good, RawGuest(path) as guest:
            channel = Channel(case)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                if case[:1] and case[0] & 3 == 0:
                    _send(guest, channel, _control())
                else:
                    self._attach(guest, channel, good.token)
            guest.stop_writing()
            data, whole = drain(guest.sock)
            seen = set(check_answers(data, whole=whole))
            guest.close()
        self._serves()
        self._watch.no_leaks()
        return seen | self._watch.seen()

    def _attach(self, guest: RawGuest, channel: Channel, token: bytes) -> None:
        hello = _message(MessageType.HELLO, 1, Hello(Purpose.DATA, token=token, name="fuzz").pack())
        _send(guest, channel, [hello, _message(MessageType.ATTACH, 2, AttachRequest("9-1").pack())])
        _send(guest, channel, _urbs(_handle(guest)))

    def _serves(self) -> None:
        """A good guest that comes afterwards is served."""
        try:
            self._world.free()
            self._world.works()
        except Exception as error:
            raise Finding(f"a good guest is not served: {error!r}") from error


def _send(guest: RawGuest, channel: Channel, messages: list[bytes]) -> None:
    for message in messages:
        for piece in channel.through(message):
            guest.raw(piece)


def _handle(guest: RawGuest) -> int:
    """The handle in the answer to ATTACH, if there is one."""
    guest.sock.settimeout(_ANSWER_SECONDS)
    data = b""
    with contextlib.suppress(TimeoutError):
        while piece := guest.sock.recv(1 << 16):
            data += piece
            at = 0
            while at + HEADER.size <= len(data):
                kind, size, _sequence, _ = HEADER.unpack_from(data, at)
                if kind == MessageType.ATTACH and len(data) >= at + HEADER.size + 10:
                    (words,) = struct.unpack_from("<H", data, at + HEADER.size + 4)
                    return int.from_bytes(data[at + HEADER.size + 6 + words :][:4], "little")
                at += HEADER.size + size
    guest.sock.settimeout(2)
    return 1
