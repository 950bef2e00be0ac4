"""wslusb.session.connection: numbers, handles, states, and what each side's frames look like."""

from __future__ import annotations

import pytest

from wslusb.errors import PeerError, PeerReason
from wslusb.session.connection import Connection
from wslusb.session.states import Role, State
from wslusb.wire import limits
from wslusb.wire.frame import Frame, MessageType, pack_header
from wslusb.wire.limits import Limits
from wslusb.wire.messages import Capability, ErrorMessage, Hello, Purpose

M = MessageType


def feed(connection: Connection, data: bytes) -> Frame | None:
    room = connection.frames.writable()
    room[: len(data)] = data
    connection.frames.received(len(data))
    return connection.receive()


def shaken(purpose: Purpose = Purpose.CONTROL, capabilities: int = 0) -> tuple[Connection, Connection]:
    """A guest's and a host's end after the handshake."""
    guest = Connection(Role.GUEST, Hello(purpose, capabilities))
    host = Connection(Role.HOST, Hello(capabilities=capabilities, limits=Limits(1000, 10, 5, 5000)))
    _, frame = guest.request(M.HELLO, guest.hello.pack())
    received = feed(host, frame)
    assert received is not None
    host.hello_received(received.payload)
    answer = feed(guest, host.answer(M.HELLO, received.sequence, Hello(purpose, capabilities).pack()))
    assert answer is not None
    guest.hello_received(answer.payload)
    return guest, host


def refused(connection: Connection, data: bytes) -> PeerReason:
    with pytest.raises(PeerError) as caught:
        feed(connection, data)
    return caught.value.reason


def test_handshake() -> None:
    guest, host = shaken()
    assert (guest.state, host.state) == (State.CONTROL, State.CONTROL)
    assert host.agreed == Limits(1000, 10, 5, 5000)
    guest, host = shaken(Purpose.DATA)
    assert (guest.state, host.state) == (State.DATA, State.DATA)


def test_a_host_must_answer_with_the_same_purpose() -> None:
    guest = Connection(Role.GUEST, Hello(Purpose.DATA))
    with pytest.raises(PeerError) as caught:
        guest.hello_received(memoryview(Hello(Purpose.CONTROL).pack()))
    assert caught.value.reason is PeerReason.BAD_STATE


def test_numbers_go_up_by_one() -> None:
    guest, host = shaken()
    for _ in range(3):
        sequence, frame = guest.request(M.ENUMERATION)
        received = feed(host, frame)
        assert received is not None
        assert received.sequence == sequence
        assert feed(guest, host.answer(M.ENUMERATION, sequence)) is not None
    assert refused(host, pack_header(M.ENUMERATION, 0, sequence)) is PeerReason.DUPLICATE


@pytest.mark.parametrize(
    ("sequence", "reason"),
    [
        (0, PeerReason.OUT_OF_ORDER),
        (1, PeerReason.DUPLICATE),
        (3, PeerReason.OUT_OF_ORDER),
        (0x7FFFFFFF, PeerReason.OUT_OF_ORDER),
        (0xFFFFFFFF, PeerReason.DUPLICATE),
    ],
)
def test_a_number_out_of_order(sequence: int, reason: PeerReason) -> None:
    _, host = shaken()
    assert refused(host, pack_header(M.ENUMERATION, 0, sequence)) is reason


def test_numbers_wrap_and_leave_zero_out() -> None:
    guest, host = shaken()
    guest._sent, host._expected = 0xFFFFFFFE, 0xFFFFFFFF
    for expected in (0xFFFFFFFF, 1, 2):
        sequence, frame = guest.request(M.ENUMERATION)
        assert sequence == expected
        assert feed(host, frame) is not None
    assert refused(host, pack_header(M.ENUMERATION, 0, 0xFFFFFFFF)) is PeerReason.DUPLICATE


def test_an_answer_is_to_a_question_of_its_kind_and_once() -> None:
    guest, host = shaken()
    sequence, _ = guest.request(M.ENUMERATION)
    frame = host.answer(M.ENUMERATION, sequence)
    assert feed(guest, frame) is not None
    assert refused(guest, frame) is PeerReason.UNKNOWN_SEQUENCE
    guest, host = shaken()
    sequence, _ = guest.request(M.ENUMERATION)
    assert refused(guest, host.answer(M.PONG, sequence)) is PeerReason.UNKNOWN_SEQUENCE


def test_pings_that_were_left_out_are_forgotten_with_the_next_pong() -> None:
    guest, host = shaken()
    guest._sent = 0xFFFFFFFD
    pings = [guest.request(M.PING)[0] for _ in range(4)]
    other, _ = guest.request(M.ENUMERATION)
    assert feed(guest, host.answer(M.PONG, pings[2])) is not None
    assert set(guest._pending) == {pings[3], other}


def test_too_many_unanswered_questions() -> None:
    guest, _ = shaken()
    for _ in range(limits.PENDING_REQUESTS):
        guest.request(M.PING)
    with pytest.raises(PeerError) as caught:
        guest.request(M.PING)
    assert caught.value.reason is PeerReason.TIMEOUT


def test_handles() -> None:
    guest, host = shaken(Purpose.DATA)
    for side in (guest, host):
        side.attached(5)
    sequence, frame = guest.request(M.RESET)
    assert frame == pack_header(M.RESET, 0, sequence, 5)
    received = feed(host, frame)
    assert received is not None
    assert received.handle == 5
    assert refused(host, pack_header(M.RESET, 0, sequence + 1, 4)) is PeerReason.BAD_HANDLE


def test_frames_of_urbs_may_be_larger_once_a_device_is_attached() -> None:
    guest, host = shaken(Purpose.DATA)
    assert guest.frames.max_payload == limits.CONTROL_PAYLOAD
    assert host.frames.max_payload == limits.HELLO_PAYLOAD
    host.agreed = Limits()
    host.attached(1)
    assert host.frames.max_payload == limits.URB_HEAD + 8 * limits.ISO_PACKETS + limits.TRANSFER
    assert refused(host, pack_header(M.URB_REQUEST, host.frames.max_payload + 1, 2, 1)) is PeerReason.OVERSIZED


def test_extensions_are_skipped_where_both_know_them() -> None:
    guest, host = shaken(capabilities=Capability.EXTENSIONS)
    _, frame = guest.request(M.ENUMERATION)
    received = feed(host, pack_header(0x41, 3, 77) + b"new" + frame)
    assert received is not None
    assert received.type == M.ENUMERATION
    _, host = shaken()
    assert refused(host, pack_header(0x41, 0, 2)) is PeerReason.UNKNOWN_TYPE


def test_there_are_no_extensions_before_the_hello() -> None:
    host = Connection(Role.HOST, Hello(capabilities=Capability.EXTENSIONS))
    assert refused(host, pack_header(0x41, 0, 1)) is PeerReason.UNKNOWN_TYPE


def test_errors_are_unsolicited_and_last() -> None:
    guest, host = shaken()
    frame = host.error(PeerError(PeerReason.CREDIT, "too much"))
    received = feed(guest, frame)
    assert received is not None
    assert ErrorMessage.unpack(received.payload).reason == PeerReason.CREDIT
    assert (guest.state, host.state) == (State.CLOSED, State.CLOSED)
    assert refused(guest, pack_header(M.PING, 0, 1)) is PeerReason.BAD_STATE
