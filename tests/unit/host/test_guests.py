"""wslusb.host.guests: one session, with a guest that says what a test wants."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.support.peers import RawPeer
from tests.support.waiting import PATIENCE
from wslusb.errors import LocalError, LocalReason, PeerReason
from wslusb.host.guests import Guests, GuestSession
from wslusb.session.connection import Connection
from wslusb.session.states import Role
from wslusb.transport.link import Link
from wslusb.transport.stream import Peer, SocketStream
from wslusb.wire.frame import MessageType
from wslusb.wire.listing import EnumerationAnswer, Listed
from wslusb.wire.messages import Capability, ErrorMessage, Hello


class Rig:
    """A session whose guest is a :class:`RawPeer`, after both hellos."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.guest = RawPeer(theirs)
        self.guest.say(MessageType.HELLO, Hello(capabilities=Capability.KERNEL, name="raw").pack())
        self.link = Link(SocketStream(ours, Peer("vsock", 42)), Connection(Role.HOST, Hello()))
        self.link.shake_hands(first=False)
        self.session = GuestSession(self.link)
        self.session.name = "raw at CID 42"
        self.failure: LocalError | None = None
        self.thread = threading.Thread(target=self.session.run, args=(self._shared,))
        self.thread.start()

    def _shared(self) -> list[Listed]:
        if self.failure is not None:
            raise self.failure
        return []

    def close(self) -> None:
        self.guest.close()
        self.thread.join(PATIENCE)
        self.link.stream.close()


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.close()


def test_a_list_that_cannot_be_had_ends_the_session_with_the_reason(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.guest.say(MessageType.ENUMERATION)
    assert EnumerationAnswer.unpack(rig.guest.expect(MessageType.ENUMERATION).payload).devices == []
    rig.failure = LocalError(LocalReason.BAD_STATE, "bindings.json is damaged", hint="repair it")
    rig.guest.say(MessageType.ENUMERATION)
    error = ErrorMessage.unpack(rig.guest.expect(MessageType.ERROR).payload)
    assert error.reason == PeerReason.INTERNAL
    assert "bindings.json is damaged; on the host: repair it" in error.message
    assert rig.guest.hear() is None
    assert "bindings.json is damaged" in caplog.text


@pytest.mark.parametrize("name", ["42", "CID 42", "raw at CID 42"])
def test_names_of_a_guest(rig: Rig, name: str) -> None:
    guests = Guests()
    guests.add(rig.session)
    rig.session.greeted = True
    assert rig.session.called(name)
    assert guests.with_kernel(name) is guests.with_kernel() is rig.session


def test_the_wrong_name_is_told_who_is_there(rig: Rig) -> None:
    guests = Guests()
    with pytest.raises(LocalError) as caught:
        guests.with_kernel()
    assert (caught.value.reason, caught.value.hint) == (LocalReason.NOT_RUNNING, "run 'wslusb agent' in the guest")
    guests.add(rig.session)
    rig.session.greeted = True
    with pytest.raises(LocalError, match="no agent CID 43") as caught:
        guests.with_kernel("CID 43")
    assert caught.value.hint == "connected are: CID 42"
