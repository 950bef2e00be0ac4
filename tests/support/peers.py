"""Peers that say whatever a test wants: frames as bytes on a plain socket, with nothing checked before it is sent."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.support.waiting import PATIENCE
from wslusb.errors import PeerReason, WslusbError
from wslusb.guest.remote import RemoteDevice
from wslusb.session.connection import Connection
from wslusb.session.states import Role
from wslusb.transport.link import Link
from wslusb.transport.stream import Peer, SocketStream
from wslusb.usb.info import DeviceInfo
from wslusb.usb.urb import Buffer, Urb
from wslusb.wire.frame import HEADER, MessageType, pack_header
from wslusb.wire.limits import Limits
from wslusb.wire.listing import EnumerationAnswer, Listed
from wslusb.wire.messages import AttachAnswer, AttachRequest, ErrorMessage, Hello, Purpose
from wslusb.wire.urbs import encode_request

HANDLE = 7


@dataclass(slots=True)
class Heard:
    """One frame that has arrived."""

    type: int
    sequence: int
    handle: int
    payload: bytes


class RawPeer:
    """One end of a connection. ``sequence`` counts the requests that were sent as they should be."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.settimeout(PATIENCE)
        self.sequence = 0
        self.handle = 0

    def raw(self, *buffers: Buffer) -> None:
        """Send bytes as they are."""
        self.sock.sendall(b"".join(buffers))

    def say(self, kind: int, payload: bytes = b"", sequence: int | None = None, handle: int | None = None) -> int:
        """Send a frame; its number is the next one unless another is given."""
        if sequence is None:
            self.sequence += 1
            sequence = self.sequence
        self.raw(pack_header(kind, len(payload), sequence, self.handle if handle is None else handle) + payload)
        return sequence

    def urb(self, urb: Urb, sequence: int | None = None, handle: int | None = None) -> int:
        """Send a URB request."""
        if sequence is None:
            self.sequence += 1
            sequence = self.sequence
        self.raw(*encode_request(urb, sequence, self.handle if handle is None else handle))
        return sequence

    def hear(self) -> Heard | None:
        """The next frame, or None at the end."""
        try:
            head = self._exactly(16)
            if head is None:
                return None
            kind, size, sequence, handle = HEADER.unpack(head)
            payload = self._exactly(size)
        except ConnectionResetError:  # a Unix socket says so if the peer had left something unread
            return None
        assert payload is not None, "the connection ended inside a frame"
        return Heard(kind, sequence, handle, payload)

    def _exactly(self, size: int) -> bytes | None:
        data = b""
        while len(data) < size:
            if not (piece := self.sock.recv(size - len(data))):
                assert not data, "the connection ended inside a frame"
                return None if size else b""
            data += piece
        return data

    def expect(self, kind: int) -> Heard:
        """The next frame must be of this type. Pings are answered on the way."""
        while True:
            heard = self.hear()
            assert heard is not None, f"the connection ended in place of {MessageType(kind).name}"
            if heard.type == MessageType.PING != kind:
                self.say(MessageType.PONG, b"", heard.sequence, 0)
                continue
            assert heard.type == kind, f"{heard} in place of {MessageType(kind).name}"
            return heard

    def verdict(self) -> PeerReason | None:
        """Why the other side ended the connection: the reason in its Error frame, after which nothing may come."""
        reason = None
        while (heard := self.hear()) is not None:
            assert reason is None, f"{heard} after an Error frame"
            if heard.type == MessageType.ERROR:
                assert (heard.sequence, heard.handle) == (0, 0)
                error = ErrorMessage.unpack(heard.payload)
                assert error.message
                reason = PeerReason(error.reason)
        return reason

    def stop_writing(self) -> None:
        """End this side's half of the connection."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class RawGuest(RawPeer):
    """A guest at a service's Unix socket."""

    def __init__(self, path: str) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.connect(path)
        super().__init__(sock)
        self.token = b""

    @classmethod
    def control(cls, path: str, capabilities: int = 0) -> RawGuest:
        """With a control session."""
        guest = cls(path)
        guest.say(MessageType.HELLO, Hello(Purpose.CONTROL, capabilities, name="raw").pack())
        guest.token = Hello.unpack(guest.expect(MessageType.HELLO).payload).token
        return guest

    @classmethod
    def data(cls, path: str, token: bytes, limits: Limits | None = None) -> RawGuest:
        """With a data connection of the session that ``token`` is of."""
        guest = cls(path)
        guest.say(MessageType.HELLO, Hello(Purpose.DATA, limits=limits or Limits(), token=token).pack())
        guest.expect(MessageType.HELLO)
        return guest

    def attach(self, busid: str = "9-1") -> AttachAnswer:
        """Attach a device; later frames carry its handle."""
        self.say(MessageType.ATTACH, AttachRequest(busid).pack())
        answer = AttachAnswer.unpack(self.expect(MessageType.ATTACH).payload)
        self.handle = answer.handle
        return answer


@dataclass(slots=True)
class Ending:
    """A ``closed`` callback that can be waited for."""

    reasons: list[WslusbError | None] = field(default_factory=list)
    happened: threading.Event = field(default_factory=threading.Event)

    def __call__(self, reason: WslusbError | None) -> None:
        self.reasons.append(reason)
        self.happened.set()

    def reason(self) -> WslusbError | None:
        assert self.happened.wait(PATIENCE), "it has not ended"
        assert len(self.reasons) == 1
        return self.reasons[0]


def remote_device(
    info: DeviceInfo, *, urbs: int = 16, size: int = 1 << 20, limits: Limits | None = None,
    answer: DeviceInfo | None = None,
) -> tuple[RemoteDevice, RawPeer, Ending]:  # fmt: skip
    """A RemoteDevice whose host is a :class:`RawPeer`, attached under ``HANDLE``. Its requests are numbered from 3.

    ``answer`` is what the host attaches where it is not ``info``.
    """
    ours, theirs = socket.socketpair()
    host = RawPeer(theirs)
    # The answers may be there before the questions: the guest reads them after it has asked.
    host.say(MessageType.HELLO, Hello(Purpose.DATA, limits=limits or Limits(), token=bytes(16)).pack(), 1, 0)
    host.say(MessageType.ATTACH, AttachAnswer(0, "", HANDLE, urbs, size, answer or info).pack(), 2, 0)
    link = Link(SocketStream(ours, Peer("unix", 0)), Connection(Role.GUEST, Hello(Purpose.DATA, token=bytes(16))))
    link.shake_hands(first=True)
    ending = Ending()
    device = RemoteDevice.attach(link, AttachRequest(info.busid, info.generation), ending)
    host.expect(MessageType.HELLO)
    host.expect(MessageType.ATTACH)
    host.handle = HANDLE
    return device, host, ending


class RawHost:
    """A host at a Unix socket that follows a script on each connection, in a thread of its own.

    ``control`` and ``data`` get the peer after hellos have been exchanged; the connection is closed when they return.
    """

    def __init__(
        self, path: Path, devices: Sequence[Listed] = (), control: Callable[[RawPeer], None] | None = None,
        data: Callable[[RawPeer], None] | None = None,
    ) -> None:  # fmt: skip
        self.devices = list(devices)
        self._scripts = {Purpose.CONTROL: control or self.serve_lists, Purpose.DATA: data or self.serve_lists}
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self.threads: list[threading.Thread] = []
        self.failures: list[BaseException] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(RawPeer(sock),), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _serve(self, peer: RawPeer) -> None:
        with peer:
            try:
                heard = peer.expect(MessageType.HELLO)
                hello = Hello.unpack(heard.payload)
                peer.say(
                    MessageType.HELLO, Hello(hello.purpose, token=bytes(16), name="raw host").pack(), heard.sequence
                )
                self._scripts[hello.purpose](peer)
            except (OSError, AssertionError) as error:
                self.failures.append(error)

    def serve_lists(self, peer: RawPeer) -> None:
        """Answer pings and enumerations until the guest goes."""
        while (heard := peer.hear()) is not None:
            if heard.type == MessageType.PING:
                peer.say(MessageType.PONG, b"", heard.sequence)
            elif heard.type == MessageType.ENUMERATION:
                peer.say(MessageType.ENUMERATION, EnumerationAnswer(self.devices).pack(), heard.sequence)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE)
        for thread in self.threads:
            thread.join(PATIENCE)
