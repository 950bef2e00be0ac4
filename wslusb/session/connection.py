"""One end of one connection: checks each frame against state, sequence and handle, and numbers what is sent.

Sequence rule: each sender numbers its requests 1, 2, 3, ... on each connection (0 is left out when the counter
wraps); a response carries its request's number; events and errors are unsolicited and carry 0. A number out of order
is a PeerError, which also finds every duplicate.
"""

from __future__ import annotations

from ..errors import PeerError, PeerReason
from ..wire import limits
from ..wire.frame import Frame, FrameBuffer, MessageType, next_sequence, pack_header
from ..wire.messages import Capability, ErrorMessage, Hello, Purpose
from .states import Role, State, next_state

__all__ = ["Connection"]

_UNSOLICITED = frozenset({MessageType.EVENT, MessageType.ERROR})
_ABOUT_THE_DEVICE = frozenset(
    {MessageType.URB_REQUEST, MessageType.URB_RESPONSE, MessageType.CANCEL, MessageType.RESET, MessageType.DETACH}
)
# What the guest asks and the host answers under the same type. PING and PONG go both ways and differ in type.
_ANSWERS = frozenset(
    {
        MessageType.HELLO,
        MessageType.ENUMERATION,
        MessageType.ATTACH,
        MessageType.DETACH,
        MessageType.CANCEL,
        MessageType.RESET,
    }
)
_EMPTY = {
    Role.HOST: frozenset(
        {MessageType.PING, MessageType.PONG, MessageType.ENUMERATION, MessageType.DETACH, MessageType.RESET}
    ),
    Role.GUEST: frozenset({MessageType.PING, MessageType.PONG}),
}
_EXTENSIONS = range(0x40, 0x80)


class Connection:
    """The protocol state of one connection. Not locked: one thread receives; senders share one lock.

    ``frames`` is where received bytes go. ``peer`` is the other side's hello, and ``agreed`` are the limits of both,
    once the handshake is through. ``handle`` is the attached device's, 0 before.
    """

    def __init__(self, role: Role, hello: Hello) -> None:
        self.role = role
        self.hello = hello
        self.state = State.NEW
        self.frames = FrameBuffer()
        self.peer = hello
        self.agreed = hello.limits
        self.handle = 0
        self._sent = 0
        self._expected = 1
        self._pending: dict[int, MessageType] = {}
        self._hot = int(MessageType.URB_REQUEST if role is Role.HOST else MessageType.URB_RESPONSE)

    # -- receiving

    def receive(self) -> Frame | None:
        """The next whole frame that is in order, or None. PeerError for one that is not."""
        while (frame := self.frames.next()) is not None:
            if self._accept(frame):
                return frame
        return None

    def _accept(self, frame: Frame) -> bool:
        """Check one frame; False for one that is skipped."""
        kind, sequence, handle, payload = frame
        if kind == self._hot and self.state is State.ATTACHED and handle == self.handle:
            if self.role is Role.HOST:
                self._expect(sequence)
            return True
        try:
            known = MessageType(kind)
        except ValueError:
            if kind in _EXTENSIONS and self._skips_extensions():
                return False
            raise PeerError(PeerReason.UNKNOWN_TYPE, f"message type {kind:#x}") from None
        state = next_state(self.role, self.state, known)
        if known not in (MessageType.URB_REQUEST, MessageType.URB_RESPONSE) and len(payload) > self._largest():
            raise PeerError(PeerReason.OVERSIZED, f"{known.name} with {len(payload)} bytes")
        if len(payload) and known in _EMPTY[self.role]:
            raise PeerError(PeerReason.MALFORMED, f"{known.name} carries nothing, not {len(payload)} bytes")
        self._check_sequence(known, sequence)
        self._check_handle(known, handle)
        self.state = state
        return True

    def _skips_extensions(self) -> bool:
        both = self.hello.capabilities & self.peer.capabilities
        return self.state is not State.NEW and bool(both & Capability.EXTENSIONS)

    def _largest(self) -> int:
        return limits.HELLO_PAYLOAD if self.state is State.NEW else limits.CONTROL_PAYLOAD

    def _check_sequence(self, kind: MessageType, sequence: int) -> None:
        if kind in _UNSOLICITED:
            if sequence and kind is not MessageType.ERROR:
                raise PeerError(PeerReason.OUT_OF_ORDER, f"{kind.name} with sequence {sequence} in place of 0")
        elif kind is MessageType.PONG or (kind in _ANSWERS and self.role is Role.GUEST):
            asked = MessageType.PING if kind is MessageType.PONG else kind
            if self._pending.pop(sequence, None) is not asked:
                raise PeerError(PeerReason.UNKNOWN_SEQUENCE, f"{kind.name} answers {sequence}, which was not asked")
            if asked is MessageType.PING:
                self._forget_pings(sequence)
        elif kind is not MessageType.URB_RESPONSE:
            self._expect(sequence)

    def _forget_pings(self, before: int) -> None:
        """A side that is busy sending answers no ping (Link): no pong comes for those before an answered one."""
        for sequence, kind in list(self._pending.items()):
            if kind is MessageType.PING and (before - sequence) & 0xFFFFFFFF < 0x80000000:
                del self._pending[sequence]

    def _expect(self, sequence: int) -> None:
        expected = self._expected
        if sequence != expected:
            behind = (expected - sequence) & 0xFFFFFFFF < 0x80000000
            reason = PeerReason.DUPLICATE if behind and sequence else PeerReason.OUT_OF_ORDER
            raise PeerError(reason, f"sequence {sequence} where {expected} is due")
        self._expected = expected + 1 & 0xFFFFFFFF or 1

    def _check_handle(self, kind: MessageType, handle: int) -> None:
        expected = self.handle if kind in _ABOUT_THE_DEVICE else 0
        if handle != expected:
            raise PeerError(PeerReason.BAD_HANDLE, f"{kind.name} with handle {handle} in place of {expected}")

    # -- what has been understood

    def hello_received(self, payload: memoryview) -> Hello:
        """Read the peer's hello: afterwards version and limits are agreed and the state is CONTROL or DATA."""
        peer = Hello.unpack(payload)
        self.hello.version_with(peer)
        if self.role is Role.GUEST and peer.purpose is not self.hello.purpose:
            raise PeerError(PeerReason.BAD_STATE, f"the host answers with a {peer.purpose.name} connection")
        self.peer = peer
        self.agreed = self.hello.limits.agreed(peer.limits)
        self.state = State.DATA if peer.purpose is Purpose.DATA else State.CONTROL
        # What a guest sends here is small; a host's lists and descriptors are not.
        self.frames.max_payload = limits.HELLO_PAYLOAD if self.role is Role.HOST else limits.CONTROL_PAYLOAD
        return peer

    def attached(self, handle: int) -> None:
        """A device is attached under ``handle``: URBs may flow."""
        self.handle = handle
        self.state = State.ATTACHED
        urb = limits.URB_HEAD + 8 * self.agreed.iso_packets + self.agreed.transfer
        self.frames.max_payload = max(limits.CONTROL_PAYLOAD, urb)

    # -- sending

    def number(self) -> int:
        """The sequence number of the next request of this side."""
        self._sent = sequence = next_sequence(self._sent)
        return sequence

    def request(self, kind: MessageType, payload: bytes = b"") -> tuple[int, bytes]:
        """A request other than a URB: its number and its frame. PeerError if the peer leaves too many unanswered."""
        if len(self._pending) >= limits.PENDING_REQUESTS:
            raise PeerError(PeerReason.TIMEOUT, f"{len(self._pending)} requests are unanswered")
        sequence = self.number()
        self._pending[sequence] = kind
        handle = self.handle if kind in _ABOUT_THE_DEVICE else 0
        return sequence, pack_header(kind, len(payload), sequence, handle) + payload

    def answer(self, kind: MessageType, sequence: int, payload: bytes = b"") -> bytes:
        """The frame that answers the request numbered ``sequence``; 0 for an event."""
        handle = self.handle if kind in _ABOUT_THE_DEVICE else 0
        return pack_header(kind, len(payload), sequence, handle) + payload

    def error(self, error: PeerError) -> bytes:
        """The frame that tells the peer what it did, the last one on this connection."""
        payload = ErrorMessage(error.reason, str(error)).pack()
        self.state = State.CLOSED
        return pack_header(MessageType.ERROR, len(payload), 0) + payload
