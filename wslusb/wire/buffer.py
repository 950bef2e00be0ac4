"""The buffer that both dialects receive into: ours (:mod:`.frame`) and vhci_hcd's (:mod:`.usbip`).

It knows nothing of what is in it. A class derived from it takes whole messages from the front, as views.
"""

from __future__ import annotations

from . import limits

__all__ = ["BUFFER_SIZE", "ReceiveBuffer"]

BUFFER_SIZE = 256 * limits.KIB
"""What a buffer begins with: two of the largest usual URBs (120 KiB)."""


class ReceiveBuffer:
    """Bytes from ``_start`` to ``_end`` of ``_data`` have arrived and were not taken yet.

    A caller receives into :meth:`writable` and says how much with :meth:`received`. The buffer grows as bytes really
    arrive, never because a header announces them.
    """

    __slots__ = ("_data", "_end", "_start", "_view")

    def __init__(self, size: int) -> None:
        self._data = bytearray(size)
        self._view = memoryview(self._data)
        self._start = self._end = 0

    def writable(self) -> memoryview:
        """Where the next bytes go. Never empty; what was taken before is invalid from now on."""
        if self._start == self._end:
            self._start = self._end = 0
        elif self._end == len(self._data):
            self._make_room()
        return self._view[self._end :]

    def received(self, count: int) -> None:
        """``count`` bytes have been written to :meth:`writable`."""
        self._end += count

    @property
    def pending(self) -> int:
        """Bytes that have arrived and are not part of anything taken so far."""
        return self._end - self._start

    def _expect(self, size: int) -> None:
        """The unfinished message will have ``size`` bytes: it is moved to the front if it would not fit behind."""
        if self._start and self._start + size > len(self._data):
            self._make_room()

    def _make_room(self) -> None:
        """Move the unfinished message to the front; if it is there already, double the buffer."""
        kept = self._end - self._start
        if self._start:
            self._view[:kept] = self._view[self._start : self._end]
        else:
            data = bytearray(2 * len(self._data))
            data[:kept] = self._view
            self._data, self._view = data, memoryview(data)
        self._start, self._end = 0, kept
