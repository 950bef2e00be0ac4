"""A link: one connection of the protocol on one stream. The only place where the session meets a socket and a thread.

One thread receives (:meth:`Link.frames`), any thread sends under one lock. Silence is measured by the receive
time-out of the socket, so an idle link costs one ping every few seconds and no thread or timer of its own.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

from ..errors import LocalError, LocalReason, PeerError, PeerReason
from ..session.connection import Connection
from ..session.liveness import Liveness
from ..session.states import State
from ..turnstile import Turnstile
from ..usb.urb import Buffer
from ..wire import limits
from ..wire.frame import Frame, MessageType, pack_header
from ..wire.messages import ErrorMessage, Hello
from .stream import Peer, Stream

__all__ = ["Link"]


class Link:
    """Frames to and from one peer.

    ``lock`` guards everything that is sent and the numbers that it carries; whoever must send in a certain order with a
    change of state (the unlink rule) takes it for both and uses :meth:`send_locked`. It is not reentrant.
    """

    def __init__(self, stream: Stream, connection: Connection) -> None:
        self.stream = stream
        self.connection = connection
        self.lock = Turnstile()
        self.tap: Callable[[bool, Sequence[Buffer]], None] | None = None
        """Told of every whole frame: whether it is sent (or was received), and its bytes in parts. It never blocks."""
        self._send = stream.send
        self._sends = 0
        self._stuck = (0, 0.0)
        self.hello_sequence = 0
        self._liveness = Liveness()
        self._ended = False

    @property
    def peer(self) -> Peer:
        """Who is at the other end."""
        return self.stream.peer

    # -- sending

    def send_locked(self, buffers: Sequence[Buffer]) -> None:
        """Send one or more whole frames, with :attr:`lock` held."""
        self._sends += 1
        if (tap := self.tap) is not None:
            tap(True, buffers)
        self._send(buffers)

    def send(self, buffers: Sequence[Buffer]) -> None:
        """Send one or more whole frames."""
        with self.lock:
            self.send_locked(buffers)

    def request(self, kind: MessageType, payload: bytes = b"") -> int:
        """Send a request other than a URB and give its number."""
        with self.lock:
            sequence, frame = self.connection.request(kind, payload)
            self.send_locked((frame,))
            return sequence

    def answer(self, kind: MessageType, sequence: int, payload: bytes = b"") -> None:
        """Send the answer to a request, or an event (sequence 0)."""
        with self.lock:
            self.send_locked((self.connection.answer(kind, sequence, payload),))

    # -- receiving

    def frames(self) -> Iterator[Frame]:
        """Every frame that is not the link's own business, until the peer ends the connection.

        PeerError when it breaks the protocol or dies; LocalError(REFUSED) when it sent an Error frame.
        """
        connection, stream, frames = self.connection, self.stream, self.connection.frames
        while True:
            while (frame := connection.receive()) is not None:
                if (tap := self.tap) is not None:
                    kind, sequence, handle, payload = frame
                    tap(False, (pack_header(kind, len(payload), sequence, handle), payload))
                if frame.type in _OWN:
                    self._own(frame)
                else:
                    yield frame
            count = stream.recv_into(frames.writable())
            if count:
                frames.received(count)
                self._liveness.heard()
            elif count is None:
                self._silence()
            else:
                if frames.pending:
                    raise PeerError(PeerReason.TRUNCATED, f"the connection ended {frames.pending} bytes into a frame")
                return

    def _check_sender(self) -> None:
        """PeerError if one and the same send has waited for the peer to read for too long.

        The kernel's time-out starts anew with every byte that a slow reader takes. This is asked when the peer says
        nothing or pings, which is all that it can do for long while it keeps our requests waiting.
        """
        now = time.monotonic()
        sends, since = self._stuck
        if not self.lock.busy or sends != self._sends:
            self._stuck = (self._sends, now)
        elif now - since > limits.SEND_SECONDS:
            raise PeerError(PeerReason.TIMEOUT, f"the peer has kept a send waiting for {limits.SEND_SECONDS:.0f} s")

    def _own(self, frame: Frame) -> None:
        if frame.type == MessageType.PING:
            self._check_sender()
            # A sender that holds the lock proves better than a pong that this side lives, and the reading thread must
            # not wait for it: the peer may be waiting for us to read.
            if not self.lock.busy:
                self.answer(MessageType.PONG, frame.sequence)
        elif frame.type == MessageType.ERROR:
            message = ErrorMessage.unpack(frame.payload)
            raise LocalError(LocalReason.REFUSED, f"the other side ended the connection: {message.message}")

    def _silence(self) -> None:
        self._check_sender()
        self._liveness.silence()
        if not self.lock.busy:
            self.request(MessageType.PING)

    def shake_hands(self, *, first: bool) -> Hello:
        """Exchange hellos; the guest goes ``first``. PeerError after :data:`limits.HELLO_SECONDS`."""
        deadline = time.monotonic() + limits.HELLO_SECONDS
        connection = self.connection
        if first:
            self.request(MessageType.HELLO, connection.hello.pack())
        while (frame := connection.receive()) is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise PeerError(PeerReason.TIMEOUT, f"no hello within {limits.HELLO_SECONDS:.0f} s")
            self.stream.set_receive_timeout(max(left, 0.01))
            count = self.stream.recv_into(connection.frames.writable())
            if count == 0:
                raise PeerError(PeerReason.TRUNCATED, "the connection ended before the hello")
            connection.frames.received(count or 0)
        self.stream.set_receive_timeout(limits.PING_SECONDS)
        if frame.type == MessageType.ERROR:
            self._own(frame)
        peer = connection.hello_received(frame.payload)
        if not first:
            # The host answers only what it has understood; who calls decides on the token and sends the answer.
            self.hello_sequence = frame.sequence
        return peer

    # -- ending

    def fail(self, error: PeerError) -> None:
        """Tell the peer why, as far as it still listens, and end the connection."""
        with contextlib.suppress(OSError):
            self.stream.set_send_timeout(1.0)
            if self.connection.state is not State.CLOSED and self.lock.wait_free(1.0):
                self.send((self.connection.error(error),))
        self.end()

    def end(self) -> None:
        """End the connection; every thread in it comes back. May be called from any thread, more than once."""
        self._ended = True
        self.stream.shutdown()

    @property
    def ended(self) -> bool:
        """Whether this side has ended it."""
        return self._ended


_OWN = frozenset({int(MessageType.PING), int(MessageType.PONG), int(MessageType.ERROR)})
