"""Where the data path puts what is captured: a queue that is bounded, so that nothing ever waits for a file.

What finds no room is dropped and counted. A ring drops its oldest instead: it holds what went by last.
"""

from __future__ import annotations

import enum
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .point import Point

__all__ = ["QUEUE_BYTES", "Counts", "Item", "Kind", "Sink"]

QUEUE_BYTES = 32 << 20
_ITEM_BYTES = 200
"""What an item costs beside its data."""
_GATHER_SECONDS = 0.01
_MOST_COUNTS = 256
"""A ring may be kept for months, and devices come and go: those that left nothing in it are forgotten."""


class Kind(enum.Enum):
    """What an item's data are."""

    URB = enum.auto()
    FROM_HOST = enum.auto()
    FROM_GUEST = enum.auto()


class Item(NamedTuple):
    """One record of URBs, or one run of whole messages. ``gap``: records of its kind that were dropped before it."""

    point: Point
    kind: Kind
    time: int
    data: bytes
    comment: str = ""
    gap: int = 0


@dataclass(slots=True)
class Counts:
    """Of one device, in one view: records that came by, records that are lost, and those since the last kept one."""

    received: int = 0
    dropped: int = 0
    gap: int = 0


class Sink:
    """Items on their way to a file. ``limit`` is in bytes; while one lot is written, another may gather.

    :meth:`put` is for any thread and takes a lock for as long as an append lasts.
    """

    def __init__(self, limit: int = QUEUE_BYTES, *, ring: bool = False) -> None:
        self.limit = limit
        self.full = False
        """Something found no room, and nothing has been taken since: :meth:`skip` counts without making a record."""
        self._ring = ring
        self._items: deque[Item] = deque()
        self._size = 0
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self.counts: dict[tuple[Point, bool], Counts] = {}
        """By point, and whether it is the URB view."""

    def put(self, point: Point, kind: Kind, time: int, data: bytes, comment: str = "") -> None:
        """Add an item, or count it as dropped."""
        size = len(data) + _ITEM_BYTES
        with self._lock:
            counts = self._counts_of(point, kind)
            counts.received += 1
            if self._ring:
                self._make_room(size)
            if self._size + size > self.limit:
                counts.dropped += 1
                counts.gap += 1
                self.full = not self._ring
                return
            self._items.append(Item(point, kind, time, data, comment, counts.gap))
            counts.gap = 0
            self._size += size
        if not self._ready.is_set():
            self._ready.set()

    def skip(self, point: Point, kind: Kind) -> bool:
        """Count an item as dropped while it is full, so that a writer that is stuck costs next to nothing."""
        with self._lock:
            if self.full:
                counts = self._counts_of(point, kind)
                counts.received += 1
                counts.dropped += 1
                counts.gap += 1
            return self.full

    def _counts_of(self, point: Point, kind: Kind) -> Counts:
        key = (point, kind is Kind.URB)
        found = self.counts.get(key)
        if found is None:
            if self._ring and len(self.counts) >= _MOST_COUNTS:
                here = {item.point for item in self._items}
                self.counts = {each: counts for each, counts in self.counts.items() if each[0] in here}
            found = self.counts[key] = Counts()
        return found

    def _make_room(self, size: int) -> None:
        while self._items and self._size + size > self.limit:
            oldest = self._items.popleft()
            self._size -= len(oldest.data) + _ITEM_BYTES
            self._counts_of(oldest.point, oldest.kind).dropped += 1

    def take(self, seconds: float) -> list[Item]:
        """All items that are there, after at most so long a wait for the first."""
        if seconds and self._ready.wait(seconds):
            # Many at a time: to be woken for each costs the data path more than to record it.
            time.sleep(_GATHER_SECONDS)
        with self._lock:
            self._ready.clear()
            self.full = False
            items, self._items = self._items, deque()
            self._size = 0
        return list(items)

    def peek(self) -> list[Item]:
        """All items that are there; they stay."""
        with self._lock:
            return list(self._items)
