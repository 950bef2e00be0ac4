"""Which message may arrive in which state of a connection, as a table: (role, state, message type) -> state.

``role`` is the side that receives. A message that has no entry is a PeerError. docs/protocol.md draws this table
(``nox -s docs`` makes the drawing from it and fails when the two differ).
"""

from __future__ import annotations

import enum
from types import MappingProxyType

from ..errors import PeerError, PeerReason
from ..wire.frame import MessageType as M

__all__ = ["TABLE", "Role", "State", "next_state"]


class Role(enum.Enum):
    """Which end of a connection this is. The guest connects, the host accepts."""

    HOST = "host"
    GUEST = "guest"


class State(enum.Enum):
    """State of one connection, the same at both ends but for the messages that are under way."""

    NEW = "new"
    CONTROL = "control"
    DATA = "data"
    ATTACHED = "attached"
    CLOSED = "closed"


_ALWAYS = {M.PING: None, M.PONG: None, M.ERROR: State.CLOSED}
# None: the state stays. HELLO leads to CONTROL or to DATA, as its purpose says: Connection decides.
_ROWS: dict[tuple[Role, State], dict[M, State | None]] = {
    (Role.HOST, State.NEW): {M.HELLO: None, M.ERROR: State.CLOSED},
    (Role.HOST, State.CONTROL): {M.ENUMERATION: None, M.EVENT: None, **_ALWAYS},
    (Role.HOST, State.DATA): {M.ATTACH: None, **_ALWAYS},
    (Role.HOST, State.ATTACHED): {
        M.URB_REQUEST: None,
        M.CANCEL: None,
        M.RESET: None,
        M.DETACH: None,
        **_ALWAYS,
    },
    (Role.GUEST, State.NEW): {M.HELLO: None, M.ERROR: State.CLOSED},
    (Role.GUEST, State.CONTROL): {M.ENUMERATION: None, M.EVENT: None, **_ALWAYS},
    (Role.GUEST, State.DATA): {M.ATTACH: None, **_ALWAYS},
    (Role.GUEST, State.ATTACHED): {
        M.URB_RESPONSE: None,
        M.CANCEL: None,
        M.RESET: None,
        M.DETACH: State.CLOSED,
        **_ALWAYS,
    },
}
TABLE = MappingProxyType(
    {(role, state, kind): new or state for (role, state), row in _ROWS.items() for kind, new in row.items()}
)
"""The whole table. ATTACH leads from DATA to ATTACHED when its answer says that the device is there."""


def next_state(role: Role, state: State, kind: M) -> State:
    """The state after ``kind`` has arrived; PeerError if it may not arrive now."""
    try:
        return TABLE[role, state, kind]
    except KeyError:
        raise PeerError(PeerReason.BAD_STATE, f"{kind.name} in state {state.value}") from None
