"""How fast characters go over a line: no faster than its speed, and no more at once than a FIFO holds."""

from __future__ import annotations

__all__ = ["Pace"]

_FIFO = 128


class Pace:
    """One direction of a line. Times are seconds; ``character`` is how long one character takes."""

    def __init__(self) -> None:
        self.waiting = False
        """For the owner: whether it has a timer set."""
        self._free_at = 0.0

    def take(self, wanted: int, now: float, character: float) -> int:
        """How many of so many characters may go now. They count as sent."""
        behind = max(0.0, self._free_at - now)
        taken = min(wanted, max(0, int(_FIFO - behind / character)))
        self._free_at = max(self._free_at, now) + taken * character
        return taken

    def wait(self, character: float) -> float:
        """Seconds until it is worth asking again: half of the FIFO."""
        return _FIFO / 2 * character
