"""wslusb.session.states and liveness: the table is total, and silence is counted."""

from __future__ import annotations

import itertools

import pytest

from wslusb.errors import PeerError, PeerReason
from wslusb.session.liveness import Liveness
from wslusb.session.states import TABLE, Role, State, next_state
from wslusb.wire import limits
from wslusb.wire.frame import MessageType

EVERYTHING = list(itertools.product(Role, State, MessageType))


@pytest.mark.parametrize("role", Role)
def test_every_event_in_every_state_has_an_answer(role: Role) -> None:
    for _, state, kind in (each for each in EVERYTHING if each[0] is role):
        if (role, state, kind) in TABLE:
            assert next_state(role, state, kind) is TABLE[role, state, kind]
            continue
        with pytest.raises(PeerError) as caught:
            next_state(role, state, kind)
        assert caught.value.reason is PeerReason.BAD_STATE


def test_nothing_may_come_after_the_end() -> None:
    assert not [key for key in TABLE if key[1] is State.CLOSED]


def test_an_error_ends_every_state() -> None:
    for role, state in itertools.product(Role, set(State) - {State.CLOSED}):
        assert TABLE[role, state, MessageType.ERROR] is State.CLOSED


def test_requests_and_responses_go_one_way() -> None:
    kinds = {role: {kind for (r, _, kind) in TABLE if r is role} for role in Role}
    assert MessageType.URB_REQUEST in kinds[Role.HOST] - kinds[Role.GUEST]
    assert MessageType.URB_RESPONSE in kinds[Role.GUEST] - kinds[Role.HOST]


def test_every_message_type_is_for_something() -> None:
    assert {kind for _, _, kind in TABLE} == set(MessageType)


def test_silence() -> None:
    liveness = Liveness()
    for _ in range(limits.DEAD_AFTER_PINGS):
        liveness.silence()
    liveness.heard()
    for _ in range(limits.DEAD_AFTER_PINGS):
        liveness.silence()
    with pytest.raises(PeerError, match="dead") as caught:
        liveness.silence()
    assert caught.value.reason is PeerReason.TIMEOUT
