"""Credits: how many URBs and bytes may be in flight on one device.

The host grants them when a device is attached; a response gives back what its request took. Both sides count: the guest
so that it never sends too much, the host so that a guest that does is found out before anything is allocated for it.
"""

from __future__ import annotations

__all__ = ["Credits"]


class Credits:
    """A window of ``urbs`` requests and ``size`` bytes (both directions together: the length of the buffers).

    A URB that is larger than the whole window may go when nothing else is in flight, so that a small window slows a
    device and never stops it.
    """

    # What was taken and what was given back are counted apart: one thread takes, another gives back, and neither needs
    # a lock, because no number has two writers.
    __slots__ = ("_bytes_given", "_bytes_taken", "_urbs_given", "_urbs_taken", "size", "urbs")

    def __init__(self, urbs: int, size: int) -> None:
        self.urbs = urbs
        self.size = size
        self._urbs_taken = self._urbs_given = 0
        self._bytes_taken = self._bytes_given = 0

    @property
    def urbs_used(self) -> int:
        """URBs in flight."""
        return self._urbs_taken - self._urbs_given

    @property
    def bytes_used(self) -> int:
        """Bytes in flight."""
        return self._bytes_taken - self._bytes_given

    def take(self, length: int) -> bool:
        """Take credit for a URB with a buffer of ``length`` bytes, or say that there is not enough."""
        used = self._urbs_taken - self._urbs_given
        if used and (used >= self.urbs or self._bytes_taken - self._bytes_given + length > self.size):
            return False
        self._urbs_taken += 1
        self._bytes_taken += length
        return True

    def give_back(self, length: int) -> None:
        """The URB has been answered."""
        self._urbs_given += 1
        self._bytes_given += length
