"""The back-end side of vhost-user, as far as a virtio-vsock device needs it (QEMU: docs/interop/vhost-user.rst).

The front end (UML's virtio_uml, QEMU's vhost-user-vsock-pci) hands over its memory and the eventfds of its
rings through a Unix socket; `VhostUserConnection` keeps the state and tells its owner when a ring wants work.
"""

from __future__ import annotations

import array
import contextlib
import mmap
import os
import socket
import struct
from collections.abc import Callable
from enum import IntEnum

from hil.vm.virtqueue import GuestMemory, Region, Virtqueue

__all__ = ["DisconnectedError", "Ring", "VhostUserConnection"]

HEADER = struct.Struct("<III")
U64 = struct.Struct("<Q")
RING_STATE = struct.Struct("<II")
RING_ADDRESS = struct.Struct("<IIQQQQ")
REGION = struct.Struct("<QQQQ")
CONFIG = struct.Struct("<III")

VERSION = 1
FLAG_REPLY = 1 << 2
FLAG_NEED_REPLY = 1 << 3
MAX_BODY = 4096
NO_FD = 1 << 8

F_PROTOCOL_FEATURES = 1 << 30
F_VERSION_1 = 1 << 32
PROTOCOL_F_REPLY_ACK = 1 << 3
PROTOCOL_F_BACKEND_REQ = 1 << 5
PROTOCOL_F_CONFIG = 1 << 9

EVENT = U64.pack(1)


class Request(IntEnum):
    """The messages that are understood here."""

    GET_FEATURES = 1
    SET_FEATURES = 2
    SET_OWNER = 3
    SET_MEM_TABLE = 5
    SET_VRING_NUM = 8
    SET_VRING_ADDR = 9
    SET_VRING_BASE = 10
    GET_VRING_BASE = 11
    SET_VRING_KICK = 12
    SET_VRING_CALL = 13
    SET_VRING_ERR = 14
    GET_PROTOCOL_FEATURES = 15
    SET_PROTOCOL_FEATURES = 16
    GET_QUEUE_NUM = 17
    SET_VRING_ENABLE = 18
    SET_BACKEND_REQ_FD = 21
    GET_CONFIG = 24


class DisconnectedError(Exception):
    """The front end has gone."""


class Ring(Virtqueue):
    """A virtqueue with its two eventfds."""

    def __init__(self) -> None:
        super().__init__()
        self.kick = -1
        self.call = -1
        self.addresses: tuple[int, int, int] | None = None

    def interrupt(self) -> None:
        """Show the guest what was given back, and interrupt it if it wants to hear of it."""
        if self.publish() and self.call >= 0:
            # A full pipe (UML's "eventfd" is one) means that an interrupt is on its way already.
            with contextlib.suppress(BlockingIOError):
                os.write(self.call, EVENT)


class VhostUserConnection:
    """One front end. `watch(fd, ring index)` and `unwatch(fd)` are told about kick descriptors."""

    def __init__(
        self, sock: socket.socket, rings: int, config: bytes,
        watch: Callable[[int, int], None], unwatch: Callable[[int], None],
    ) -> None:  # fmt: skip
        self.socket = sock
        self.rings: list[Ring] = [Ring() for _ in range(rings)]
        self._config = config
        self._watch = watch
        self._unwatch = unwatch
        self._memory = GuestMemory([])
        self._fds: list[int] = []
        self._back_channel: list[int] = []

    def close(self) -> None:
        """Let go of everything that belongs to the front end."""
        for ring in self.rings:
            self._set_kick(ring, -1, 0)
            self._set_call(ring, -1)
        self.rings = []
        self._memory = GuestMemory([])
        for fd in self._back_channel:
            os.close(fd)
        self._back_channel = []
        self.socket.close()

    def handle_message(self) -> int | None:
        """Read and answer one message; the index of a ring that may have work now."""
        request, flags, body, fds = self._receive()
        self._fds = fds
        started: int | None = None
        reply: bytes | None = None
        try:
            kind = Request(request)
            if kind is Request.SET_VRING_ENABLE:
                index, on = RING_STATE.unpack_from(body)
                self.rings[index].enabled = bool(on)
                started = index
            else:
                handler: Callable[[bytes], bytes | None] = getattr(self, f"_{kind.name.lower()}", self._accept)
                reply = handler(body)
            status = 0
        except ValueError:
            status = 1
        finally:
            for fd in self._fds:
                os.close(fd)
        if reply is None and flags & FLAG_NEED_REPLY:
            reply = U64.pack(status)
        if reply is not None:
            self.socket.sendall(HEADER.pack(request, VERSION | FLAG_REPLY, len(reply)) + reply)
        return started

    def _receive(self) -> tuple[int, int, bytes, list[int]]:
        try:
            head, ancillary, _, _ = self.socket.recvmsg(HEADER.size, socket.CMSG_SPACE(16 * 4))
        except OSError as error:
            raise DisconnectedError from error
        fds = array.array("i")
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(data[: len(data) // fds.itemsize * fds.itemsize])
        if len(head) < HEADER.size:
            raise DisconnectedError
        request, flags, size = HEADER.unpack(head)
        if size > MAX_BODY:
            raise DisconnectedError(f"message {request} of {size} bytes")
        body = self.socket.recv(size, socket.MSG_WAITALL) if size else b""
        if len(body) < size:
            raise DisconnectedError
        return request, flags, body, list(fds)

    def _accept(self, _: bytes) -> None:
        """Nothing to do for this one."""

    def _get_features(self, _: bytes) -> bytes:
        return U64.pack(F_PROTOCOL_FEATURES | F_VERSION_1)

    def _get_protocol_features(self, _: bytes) -> bytes:
        return U64.pack(PROTOCOL_F_CONFIG | PROTOCOL_F_REPLY_ACK | PROTOCOL_F_BACKEND_REQ)

    def _get_queue_num(self, _: bytes) -> bytes:
        return U64.pack(len(self.rings))

    def _set_backend_req_fd(self, _: bytes) -> None:
        """Nothing is ever asked on it, but UML takes its end for the end of the device."""
        self._back_channel.append(self._fds.pop(0))

    def _get_config(self, body: bytes) -> bytes:
        offset, size, _ = CONFIG.unpack_from(body)
        return body[: CONFIG.size] + self._config[offset : offset + size].ljust(size, b"\0")

    def _set_mem_table(self, body: bytes) -> None:
        (count,) = struct.unpack_from("<I", body)
        regions = []
        for index in range(count):
            guest, size, user, offset = REGION.unpack_from(body, 8 + REGION.size * index)
            # The offset need not be on a page boundary, mmap's has to be.
            slack = offset % mmap.ALLOCATIONGRANULARITY
            mapping = mmap.mmap(self._fds[index], size + slack, offset=offset - slack)
            regions.append(Region(guest, user, size, memoryview(mapping)[slack:]))
        self._memory = GuestMemory(regions)
        for ring in self.rings:
            self._bind(ring)

    def _set_vring_num(self, body: bytes) -> None:
        index, size = RING_STATE.unpack_from(body)
        self.rings[index].size = size

    def _set_vring_addr(self, body: bytes) -> None:
        index, _, desc, used, avail, _ = RING_ADDRESS.unpack_from(body)
        self.rings[index].addresses = (desc, avail, used)
        self._bind(self.rings[index])

    def _bind(self, ring: Ring) -> None:
        if ring.addresses is not None:
            ring.bind(self._memory, *ring.addresses)

    def _set_vring_base(self, body: bytes) -> None:
        index, base = RING_STATE.unpack_from(body)
        self.rings[index].taken = base

    def _get_vring_base(self, body: bytes) -> bytes:
        """This also stops the ring."""
        index, _ = RING_STATE.unpack_from(body)
        ring = self.rings[index]
        ring.enabled = False
        self._set_kick(ring, -1, index)
        return RING_STATE.pack(index, ring.taken)

    def _set_vring_kick(self, body: bytes) -> None:
        (value,) = U64.unpack_from(body)
        fd = -1 if value & NO_FD else self._fds.pop(0)
        self._set_kick(self.rings[value & 0xFF], fd, value & 0xFF)

    def _set_vring_call(self, body: bytes) -> None:
        (value,) = U64.unpack_from(body)
        self._set_call(self.rings[value & 0xFF], -1 if value & NO_FD else self._fds.pop(0))

    def _set_kick(self, ring: Ring, fd: int, index: int) -> None:
        if ring.kick >= 0:
            self._unwatch(ring.kick)
            os.close(ring.kick)
        ring.kick = fd
        if fd >= 0:
            os.set_blocking(fd, False)
            self._watch(fd, index)

    def _set_call(self, ring: Ring, fd: int) -> None:
        if ring.call >= 0:
            os.close(ring.call)
        ring.call = fd
        if fd >= 0:
            os.set_blocking(fd, False)
