"""From a byte stream to messages: a session for ``sniff`` that puts together what captured pieces have cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scapy.packet import Packet
from scapy.sessions import DefaultSession

from ..wire import limits
from ..wire.frame import HEADER, PORT
from .vsock import PAYLOAD, VsockMon

__all__ = ["Cutter", "WslUsbSession"]

_LARGEST = limits.URB_HEAD + 8 * limits.ISO_PACKETS + limits.TRANSFER
_Flow = tuple[int, int, int, int]


class Cutter:
    """One direction of one connection. Bytes go in as they come, whole messages come out."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._lost = False

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that ``data`` has completed. After a size that no message has, bytes come out as they are."""
        self._data += data
        messages, at = [], 0
        while not self._lost and (size := self._size(at)) <= len(self._data) - at:
            messages.append(bytes(self._data[at : at + size]))
            at += size
        if self._lost and at < len(self._data):
            messages.append(bytes(self._data[at:]))
            at = len(self._data)
        del self._data[:at]
        return messages

    def _size(self, at: int) -> int:
        """Of the message at ``at``, as far as is known."""
        if len(self._data) - at < HEADER.size:
            return HEADER.size
        size = int(HEADER.unpack_from(self._data, at)[1])
        self._lost = size > _LARGEST
        return HEADER.size + size


class WslUsbSession(DefaultSession):
    """``sniff(offline="bug.pcapng", session=WslUsbSession)``: one packet a message, however it was captured.

    Each direction of each connection of link type 271 is put together on its own. A packet has the vsock header and the
    time of the piece that completed it. Packets of other link types pass as they are.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._flows: dict[_Flow, Cutter] = {}

    def recv(self, sock: Any) -> Iterator[Packet]:
        """What the next captured packet has completed: nothing, a message, or several."""
        # Without a size, Scapy cuts what it reads from files at 64 KiB.
        packet = sock.recv(_LARGEST)
        if packet is not None:
            yield from self.messages(packet)

    def messages(self, packet: Packet) -> Iterator[Packet]:
        """The same for a packet at hand."""
        if not isinstance(packet, VsockMon) or packet.op != PAYLOAD or PORT not in (packet.src_port, packet.dst_port):
            yield packet
            return
        flow = (packet.src_cid, packet.src_port, packet.dst_cid, packet.dst_port)
        under = bytes(packet)[: 32 + packet.len]
        for message in self._flows.setdefault(flow, Cutter()).feed(bytes(packet)[len(under) :]):
            whole = VsockMon(under + message)
            whole.time, whole.wirelen, whole.sniffed_on = packet.time, packet.wirelen, packet.sniffed_on
            whole.comments = packet.comments
            yield whole
