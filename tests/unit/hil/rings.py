"""A guest made of a few pages of memory: it lays out a virtqueue and plays the driver's part."""

from __future__ import annotations

import mmap
import os
import struct

from hil.vm.vhost_user import Ring
from hil.vm.virtqueue import DESC, DESC_F_NEXT, DESC_F_WRITE, GuestMemory, Region

GUEST_BASE = 0x4000_0000
USER_BASE = 0x7F00_0000_0000
AVAIL, USED, BUFFERS, MEMORY = 0x1000, 0x2000, 0x3000, 1 << 17


class FakeDriver:
    """One ring of a guest, from the guest's side."""

    def __init__(self, size: int = 8, offset: int = 0) -> None:
        self.guest, self.user = GUEST_BASE + offset, USER_BASE + offset
        self.fd = os.memfd_create("guest")
        os.ftruncate(self.fd, MEMORY)
        self.bytes = mmap.mmap(self.fd, MEMORY)
        self.size = size
        self.memory = GuestMemory([Region(self.guest, self.user, MEMORY, memoryview(self.bytes))])
        self.ring = Ring()
        self.ring.size = size
        self.ring.bind(self.memory, *self.addresses)
        self.ring.enabled = True
        self.descriptors = 0
        self.cursor = BUFFERS
        self.seen = 0

    def __del__(self) -> None:
        os.close(self.fd)

    @property
    def addresses(self) -> tuple[int, int, int]:
        """Where the ring is, by the front end's addresses: descriptors, available, used."""
        return self.user, self.user + AVAIL, self.user + USED

    def start_at(self, index: int) -> None:
        """Let the ring have gone round before."""
        for offset in (AVAIL, USED):
            struct.pack_into("<H", self.bytes, offset + 2, index)
        self.ring.bind(self.memory, *self.addresses)
        self.ring.taken = index

    def offer(self, *buffers: bytes | int) -> int:
        """Make a chain available: bytes are for the device to read, a number is room for it to write."""
        head = self.descriptors % self.size
        for index, buffer in enumerate(buffers):
            length = buffer if isinstance(buffer, int) else len(buffer)
            if not isinstance(buffer, int):
                self.bytes[self.cursor : self.cursor + length] = buffer
            flags = (DESC_F_WRITE if isinstance(buffer, int) else 0) | (DESC_F_NEXT if index + 1 < len(buffers) else 0)
            slot = self.descriptors % self.size
            following = (slot + 1) % self.size
            DESC.pack_into(self.bytes, DESC.size * slot, self.guest + self.cursor, length, flags, following)
            self.descriptors += 1
            self.cursor += length
        self.push(head)
        return head

    def push(self, head: int) -> None:
        """Put a head on the available ring."""
        index = self.available
        struct.pack_into("<H", self.bytes, AVAIL + 4 + 2 * (index % self.size), head)
        struct.pack_into("<H", self.bytes, AVAIL + 2, (index + 1) & 0xFFFF)

    @property
    def available(self) -> int:
        """The available index."""
        return int.from_bytes(self.bytes[AVAIL + 2 : AVAIL + 4], "little")

    @property
    def used(self) -> int:
        """The used index."""
        return int.from_bytes(self.bytes[USED + 2 : USED + 4], "little")

    @property
    def wants_kick(self) -> bool:
        """Whether the device asked to be told of new chains."""
        return self.bytes[USED] == 0

    def mute(self) -> None:
        """Ask for no interrupts."""
        self.bytes[AVAIL] = 1

    def collect(self) -> list[bytes]:
        """What the device wrote into the chains that it gave back since the last call."""
        found = []
        while self.seen != self.used:
            head, written = struct.unpack_from("<II", self.bytes, USED + 4 + 8 * (self.seen % self.size))
            found.append(self._content(head, written))
            self.seen = (self.seen + 1) & 0xFFFF
        return found

    def _content(self, head: int, written: int) -> bytes:
        content = b""
        while True:
            address, length, flags, following = DESC.unpack_from(self.bytes, DESC.size * head)
            start = address - self.guest
            content += self.bytes[start : start + length]
            if not flags & DESC_F_NEXT:
                return content[:written]
            head = following
