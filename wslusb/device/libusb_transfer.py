"""Transfers with their buffers, allocated once and used again.

A transfer that libusb has seen before, with a buffer set once, costs 1.6 microseconds to submit; a new one costs 8 to
60 (measured). So both are kept, in a stack for each size class, up to a bound in bytes.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from ..turnstile import Turnstile

__all__ = ["ISO_PACKETS", "Part", "Pool", "Slot", "size_class"]

ISO_PACKETS = 128
"""Isochronous packets in one URB of usbfs (drivers/usb/core/devio.c, proc_do_submiturb)."""

_SMALLEST = 512
_ISO_DESCRIPTOR = 12  # struct libusb_iso_packet_descriptor: unsigned length, unsigned actual_length, int status


def size_class(size: int) -> int:
    """The power of two, at least 512, that holds ``size`` bytes."""
    return _SMALLEST if size <= _SMALLEST else 1 << (size - 1).bit_length()


class Part:
    """One libusb transfer. ``iso`` is the memory of its packet descriptors, as unsigned numbers; empty for none."""

    __slots__ = ("address", "iso", "pointer", "transfer")

    def __init__(self, lib: Any, handle: Any, callback: Any, packets: int) -> None:
        self.pointer = lib.libusb_alloc_transfer(packets)
        if not self.pointer:
            raise MemoryError
        self.transfer = self.pointer.contents
        self.address = ctypes.addressof(self.transfer)
        self.transfer.dev_handle = handle
        self.transfer.callback = callback
        self.transfer.timeout = 0  # how long to wait is the guest's to decide
        offset = type(self.transfer).iso_packet_desc.offset
        memory = (ctypes.c_char * (packets * _ISO_DESCRIPTOR)).from_address(self.address + offset)
        self.iso = memoryview(memory).cast("B").cast("I") if packets else memoryview(b"")


class Slot:
    """A buffer of ``size`` bytes and the transfers that move it: one, or for isochronous one for each 128 packets.

    ``view`` is the buffer. ``owner`` is whatever is in flight with it; the pool does not look at it.
    """

    __slots__ = ("base", "key", "memory", "owner", "parts", "size", "view")

    def __init__(self, key: tuple[int, int], make_part: Callable[[int], Part]) -> None:
        self.key = key
        self.size, iso_parts = key
        self.memory = (ctypes.c_char * self.size)()
        self.base = ctypes.addressof(self.memory)
        self.view = memoryview(self.memory).cast("B")
        self.parts = tuple(make_part(ISO_PACKETS if iso_parts else 0) for _ in range(iso_parts or 1))
        self.owner: Any = None
        for part in self.parts:
            part.transfer.buffer = self.base


class Pool:
    """Slots of one open device. ``limit`` bounds the bytes that lie idle, not those in flight.

    Thread-safe. ``by_address`` finds the slot of a transfer that libusb has called back for.
    """

    def __init__(self, lib: Any, handle: Any, callback: Any, *, limit: int = 16 << 20) -> None:
        self._lib, self._handle, self._callback = lib, handle, callback
        self._limit = limit
        self._lock = Turnstile()
        self._idle: dict[tuple[int, int], list[Slot]] = {}
        self.idle_bytes = 0
        self.by_address: dict[int, Slot] = {}

    def take(self, size: int, iso_parts: int = 0) -> Slot:
        """A slot for ``size`` bytes, with ``iso_parts`` isochronous transfers, or with one of another type for 0."""
        key = (size_class(size), iso_parts)
        with self._lock:
            idle = self._idle.get(key)
            if idle:
                self.idle_bytes -= key[0]
                return idle.pop()
        return self._new(key)

    def give(self, slot: Slot) -> None:
        """Take back a slot that is not in flight; what does not fit the bound is freed."""
        slot.owner = None
        with self._lock:
            if self.idle_bytes + slot.size <= self._limit:
                self.idle_bytes += slot.size
                self._idle.setdefault(slot.key, []).append(slot)
                return
        self._free(slot)

    def close(self) -> None:
        """Free every idle slot, and any that is given back later."""
        with self._lock:
            idle, self._idle, self._limit, self.idle_bytes = self._idle, {}, -1, 0
        for slots in idle.values():
            for slot in slots:
                self._free(slot)

    def _new(self, key: tuple[int, int]) -> Slot:
        slot = Slot(key, self._new_part)
        for part in slot.parts:
            self.by_address[part.address] = slot
        return slot

    def _new_part(self, packets: int) -> Part:
        return Part(self._lib, self._handle, self._callback, packets)

    def _free(self, slot: Slot) -> None:
        for part in slot.parts:
            del self.by_address[part.address]
            self._lib.libusb_free_transfer(part.pointer)
