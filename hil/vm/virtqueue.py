"""A split virtqueue as the device sees it, over memory shared with a guest (virtio 1.2, section 2.7).

Views are cut once, when a ring is bound; after that, looking at a ring costs an index into a memoryview.
"""

from __future__ import annotations

import struct
import threading
from dataclasses import dataclass

__all__ = ["BadRingError", "GuestMemory", "Region", "Virtqueue"]

DESC = struct.Struct("<QIHH")
DESC_F_NEXT = 1
DESC_F_WRITE = 2
USED_F_NO_NOTIFY = 1
AVAIL_F_NO_INTERRUPT = 1

_fence_lock = threading.Lock()


class BadRingError(ValueError):
    """The guest's ring points outside of its memory, or goes in circles."""


def fence() -> None:
    """A full memory barrier (the atomic instruction in a lock is one on x86).

    Publishing "wake me up" and then looking for work once more, or publishing a used buffer and then looking
    whether the guest wants an interrupt, loses a wake-up when the CPU lets the look overtake the store.
    """
    with _fence_lock:
        pass


@dataclass(frozen=True, slots=True)
class Region:
    """A piece of guest memory, by the guest's physical address and by the front end's own address."""

    guest: int
    user: int
    size: int
    view: memoryview


class GuestMemory:
    """The regions of one guest."""

    def __init__(self, regions: list[Region]) -> None:
        self._regions = regions

    def at(self, address: int, size: int) -> memoryview:
        """The bytes at a guest physical address."""
        for region in self._regions:
            offset = address - region.guest
            if 0 <= offset <= region.size - size:
                return region.view[offset : offset + size]
        raise BadRingError(f"guest address {address:#x}+{size} is not mapped")

    def at_user(self, address: int, size: int) -> memoryview:
        """The bytes at an address in the front end's process (rings are announced in these)."""
        for region in self._regions:
            offset = address - region.user
            if 0 <= offset <= region.size - size:
                return region.view[offset : offset + size]
        raise BadRingError(f"front-end address {address:#x}+{size} is not mapped")


class Virtqueue:
    """One ring: `take` a chain, read or fill its buffers, `give` it back, `publish` what was given."""

    def __init__(self) -> None:
        self.size = 0
        self.taken = 0
        self.enabled = False
        self._given = 0
        self._memory: GuestMemory | None = None

    @property
    def ready(self) -> bool:
        """Whether the guest has set the ring up and switched it on."""
        return self.enabled and self._memory is not None

    def bind(self, memory: GuestMemory, desc: int, avail: int, used: int) -> None:
        """Find the three parts of the ring in the guest's memory."""
        self._desc = memory.at_user(desc, DESC.size * self.size)
        self._avail = memory.at_user(avail, 4 + 2 * self.size).cast("H")
        used_bytes = memory.at_user(used, 4 + 8 * self.size)
        self._used = used_bytes[:4].cast("H")
        self._used_elements = used_bytes[4:].cast("I")
        self._given = self._used[1]
        self._memory = memory

    def pending(self) -> bool:
        """Whether the guest has made a chain available that was not taken yet."""
        return self._avail[1] != self.taken

    def take(self) -> tuple[int, list[memoryview], list[memoryview]] | None:
        """The next chain as (head, what the guest wrote, what it wants filled), or None."""
        if self._avail[1] == self.taken or self._memory is None:
            return None
        head = index = self._avail[2 + self.taken % self.size]
        self.taken = (self.taken + 1) & 0xFFFF
        readable: list[memoryview] = []
        writable: list[memoryview] = []
        at = self._memory.at
        for _ in range(self.size):
            if index >= self.size:
                raise BadRingError(f"descriptor {index} of a ring of {self.size}")
            address, length, flags, index = DESC.unpack_from(self._desc, DESC.size * index)
            (writable if flags & DESC_F_WRITE else readable).append(at(address, length))
            if not flags & DESC_F_NEXT:
                return head, readable, writable
        raise BadRingError("a descriptor chain without an end")

    def give(self, head: int, written: int) -> None:
        """Hand a chain back; the guest sees it after `publish`."""
        slot = 2 * (self._given % self.size)
        self._used_elements[slot] = head
        self._used_elements[slot + 1] = written
        self._given = (self._given + 1) & 0xFFFF

    def publish(self) -> bool:
        """Show the guest what was given back; whether it wants an interrupt for that."""
        if self._used[1] == self._given:
            return False
        self._used[1] = self._given
        fence()
        return not self._avail[0] & AVAIL_F_NO_INTERRUPT

    def sleep(self) -> bool:
        """Ask to be woken for new chains; False when there is one already (then do not sleep)."""
        self._used[0] = 0
        fence()
        return not self.pending()

    def wake(self) -> None:
        """No wake-ups while the ring is being looked at anyway."""
        self._used[0] = USED_F_NO_NOTIFY
