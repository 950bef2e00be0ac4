"""The bytes that usbfs lets be in flight: 16 MB in all, for every process together (devio.c, usbfs_memory_mb).

Above it a submission fails with ENOMEM. A guest cannot know that limit, so what does not fit waits here, in order, for
something else to complete. All open devices of this process share one :class:`Budget`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

from ..turnstile import Turnstile

__all__ = ["LIMIT", "SMALL", "Budget", "cost_of"]

LIMIT = 15 << 20
"""Bytes in flight: under usbfs's 16 MB, which other programs share."""

SMALL = 16 << 10
"""URBs up to this many bytes may use the last 1 MiB too: bulk reads that wait for ever must not keep out the control
request or the command that would let them complete."""

_RESERVE = 1 << 20
_OVERHEAD = 1024  # struct async and struct urb, and scatter lists of large buffers, are counted by usbfs as well
_OVERHEAD_PER_PACKET = 16  # struct usb_iso_packet_descriptor

Waiter = TypeVar("Waiter", bound=Hashable)


def cost_of(size: int, packets: int = 0) -> int:
    """What usbfs counts for a URB of ``size`` bytes and ``packets`` isochronous packets, rounded up."""
    return size + _OVERHEAD + (size >> 9) + _OVERHEAD_PER_PACKET * packets


class Budget(Generic[Waiter]):
    """Bytes in flight, and who waits for them. ``Waiter`` is anything that the callers know again; thread-safe.

    Small and large requests queue apart, each first come, first served. A waiter whose request is granted is returned
    from :meth:`give` or :meth:`refuse`, to whoever made the room: that thread then submits for it.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._lock = Turnstile()
        self._limits = (limit - min(_RESERVE, limit // 8), limit)  # large, small
        self._queues: tuple[deque[tuple[Waiter, int]], ...] = (deque(), deque())
        self.in_flight = 0

    def possible(self, cost: int) -> bool:
        """Whether a URB of that cost can ever be submitted."""
        return cost <= self._limits[cost <= SMALL]

    def take(self, waiter: Waiter, cost: int) -> bool:
        """Reserve ``cost`` now, or put the waiter in the queue: then it is granted by a later :meth:`give`."""
        small = cost <= SMALL
        with self._lock:
            if not self._queues[small] and self.in_flight + cost <= self._limits[small]:
                self.in_flight += cost
                return True
            self._queues[small].append((waiter, cost))
            return False

    def give(self, cost: int) -> list[tuple[Waiter, int]]:
        """Return ``cost``. The waiters that it made room for, each with the cost now reserved for it."""
        with self._lock:
            self.in_flight -= cost
            if self._queues[0] or self._queues[1]:
                return [*self._granted(1), *self._granted(0)]
            return []

    def refuse(self, waiter: Waiter, cost: int) -> bool:
        """The kernel had no room for what was reserved: return it, and wait at the head of the queue.

        False, and nothing has changed, where waiting is no help: when less is in flight than the URB needs, then it is
        not this process that has the memory.
        """
        with self._lock:
            if self.in_flight - cost < cost:
                return False
            self.in_flight -= cost
            self._queues[cost <= SMALL].appendleft((waiter, cost))
            return True

    def withdraw(self, waiter: Waiter) -> None:
        """Leave the queue. What has been granted already is still the caller's to :meth:`give` back."""
        with self._lock:
            for small, queue in enumerate(self._queues):
                if any(other is waiter for other, _ in queue):
                    kept = [entry for entry in queue if entry[0] is not waiter]
                    self._queues[small].clear()
                    self._queues[small].extend(kept)

    def _granted(self, small: int) -> list[tuple[Waiter, int]]:
        granted, queue = [], self._queues[small]
        while queue and self.in_flight + queue[0][1] <= self._limits[small]:
            self.in_flight += queue[0][1]
            granted.append(queue.popleft())
        return granted
