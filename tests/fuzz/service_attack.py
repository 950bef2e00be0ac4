"""A hostile guest: mutated conversations with a live service."""

from __future__ import annotations

import contextlib
import socket

from tests.fuzz.answers import check_answers, handle_in
from tests.fuzz.attacked import Attacked
from tests.fuzz.mutation import Channel, mutations
from tests.fuzz.oracle import Finding, drain, push
from tests.support.peers import RawGuest
from tests.support.usb import bulk_in, bulk_out, control_urb, iso_urb
from wslusb.errors import PeerReason
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Urb, UrbFlag
from wslusb.wire.cancels import Cancel
from wslusb.wire.events import Event, EventKind
from wslusb.wire.frame import MessageType, pack_header
from wslusb.wire.limits import Limits
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
        _message(MessageType.EVENT, 0, Event(EventKind.FAILED, "9-1", 7, 1, "no").pack()),
        _message(MessageType.ENUMERATION, 4),
    ]


def _urbs(handle: int) -> list[bytes]:
    """What follows an ATTACH: URBs of every type, cancels, an abort, a reset, a detach. Numbers go on from 4."""
    messages = [b"".join(encode_request(urb, number, handle)) for number, urb in enumerate(_URBS, 4)]
    number = 4 + len(_URBS)
    messages += [
        _message(MessageType.CANCEL, number, Cancel(12).pack(), handle),
        encode_abort(0x81, number + 1, handle),
        _message(MessageType.PING, number + 2),
        _message(MessageType.RESET, number + 3, b"", handle),
        b"".join(encode_request(bulk_in(512), number + 4, handle)),
        _message(MessageType.DETACH, number + 5, b"", handle),
    ]
    return messages


def _queues(handle: int) -> list[bytes]:
    """Reads that wait for what is not written yet, on two endpoints, with cancels and aborts among them."""
    messages = [b"".join(encode_request(control_urb(_SELECT_ECHO), 3, handle))]
    for number in range(4, 14):
        read = bulk_in(64) if number % 2 else Urb(0, 0x85, TransferType.INTERRUPT, 64, UrbFlag.SHORT_OK, interval=8)
        messages.append(b"".join(encode_request(read, number, handle)))
    messages += [
        _message(MessageType.CANCEL, 14, Cancel(5).pack(), handle),
        b"".join(encode_request(bulk_out(b"for 7"), 15, handle)),
        encode_abort(0x85, 16, handle),
        _message(MessageType.CANCEL, 17, Cancel(7).pack(), handle),
        b"".join(encode_request(bulk_in(4 << 20), 18, handle)),
        b"".join(encode_request(control_urb(Setup(2, 1, 0, 0x81, 0)), 19, handle)),
        b"".join(encode_request(bulk_in(1 << 20), 20, handle)),
        encode_abort(0x81, 21, handle),
        _message(MessageType.PING, 22),
    ]
    return messages


class ServiceAttack(Attacked):
    """A service with a loopback device, for any number of cases."""

    def __call__(self, case: bytes) -> set[str]:
        """Run a case: what the service did, in kinds. Finding for what it must not do."""
        path, refused = self._world.address.path, self.refused
        with RawGuest.control(path) as good, RawGuest(path) as guest:
            talk = _Talk(guest.sock, Channel(case))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                if (kind := _kind(case)) == 0:
                    talk.send(_control())
                else:
                    talk.attach(good.token, kind)
            self.meanwhile()
            guest.stop_writing()
            rest, whole = drain(guest.sock)
            guest.close()
        kinds = check_answers(bytes(talk.said) + rest, bytes(talk.sent), whole=whole)
        if whole and self.refused > refused and "CREDIT" not in kinds:
            raise Finding("more was asked for than there was credit for, and nobody minds")
        if not mutations(case) and (blamed := kinds & set(PeerReason.__members__)):
            raise Finding(f"a guest that did nothing wrong is told {blamed}")
        return kinds | self.after()


def _kind(case: bytes) -> int:
    """Which conversation: a control connection, all kinds of URBs, URBs that wait, the same with little credit."""
    return case[0] & 3 if case else 1


class _Talk:
    """A guest's side of a connection: what it has sent, and what it has heard."""

    def __init__(self, sock: socket.socket, channel: Channel) -> None:
        self._sock, self._channel = sock, channel
        self.sent, self.said = bytearray(), bytearray()

    def send(self, messages: list[bytes]) -> None:
        """Send messages, or what becomes of them."""
        for message in messages:
            for piece in self._channel.through(message):
                self.sent += piece
                push(self._sock, piece, self.said)

    def attach(self, token: bytes, kind: int) -> None:
        """A data connection."""
        limits = Limits(urbs=16, bytes_in_flight=8 << 20) if kind == 3 else Limits()
        hello = Hello(Purpose.DATA, limits=limits, token=token, name="fuzz").pack()
        self.send([_message(MessageType.HELLO, 1, hello)])
        # Once a device that is not there any more is asked for.
        generations = (2, 1) if kind == 1 else (1,)
        for number, generation in enumerate(generations, 2):
            self.send([_message(MessageType.ATTACH, number, AttachRequest("9-1", generation).pack())])
        self.send((_urbs if kind == 1 else _queues)(self._handle()))

    def _handle(self) -> int:
        """The handle in the answer to ATTACH, if there is one."""
        self._sock.settimeout(_ANSWER_SECONDS)
        with contextlib.suppress(TimeoutError):
            while (handle := handle_in(bytes(self.said))) is None and (piece := self._sock.recv(1 << 16)):
                self.said += piece
            return handle or 1
        return 1
