"""The kinds of faults by the names that plans use.

Randomness is drawn once, by :meth:`What.settled`, which gives the same fault with every parameter fixed: that is what
is recorded, and what a replay uses.
"""

from __future__ import annotations

from .contents import Corrupt, IsoErrors, Short, ZeroLength
from .endings import Babble, BitStuff, Crc, Disconnect, Protocol, Reenumerate, Reset, Stall
from .timing import Bandwidth, Delay, Duplicate, Late, Nak, Timeout, UnlinkRace
from .what import What

__all__ = ["KINDS"]

_ALL: tuple[type[What], ...] = (
    Stall, Short, ZeroLength, Babble, Crc, Protocol, BitStuff, Timeout, Delay, Late, Duplicate, Nak, Disconnect, Reset,
    Reenumerate, Bandwidth, Corrupt, IsoErrors, UnlinkRace,
)  # fmt: skip
KINDS: dict[str, type[What]] = {kind.kind: kind for kind in _ALL}
"""Every kind by its name in a plan."""
