"""Dead-peer detection without a clock: the shell says when a receive has been silent for one ping interval."""

from __future__ import annotations

from ..errors import PeerError, PeerReason
from ..wire import limits

__all__ = ["Liveness"]


class Liveness:
    """Counts silent intervals. Anything that arrives, not only a pong, shows that the peer lives."""

    __slots__ = ("_silent",)

    def __init__(self) -> None:
        self._silent = 0

    def heard(self) -> None:
        """Bytes have arrived."""
        self._silent = 0

    def silence(self) -> None:
        """Nothing has arrived for :data:`limits.PING_SECONDS`: a ping is due. PeerError if that was once too often."""
        if self._silent >= limits.DEAD_AFTER_PINGS:
            seconds = limits.PING_SECONDS * (self._silent + 1)
            raise PeerError(PeerReason.TIMEOUT, f"nothing heard for {seconds:.0f} s: the peer counts as dead")
        self._silent += 1
