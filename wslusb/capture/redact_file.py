"""Redacts files: captures of ours that were taken raw, and what usbmon and USBPcap wrote elsewhere.

A file is read twice. The first time tells what the devices are and what must not stay (a serial number may be asked
for long after it went by), the second time writes. Names, comments and what is in no known place are left behind.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import LocalError, LocalReason
from ..wire import limits
from ..wire.frame import HEADER, MessageType
from . import bundle, links, pcapng, vsockmon
from .known import Known
from .pcapfile import Packet, packets
from .profile import Profile, check
from .redact import UrbRedactor, redact_packet
from .redact_wire import HEADER_SIZE, WireRedactor
from .secrets import Secrets
from .usbmon import Place

__all__ = ["Report", "redact_file"]

_NAMES = links.URBS | {pcapng.LINK_VSOCK: "vsock"}
_MOST_FRAME = limits.TRANSFER + limits.MIB


@dataclass(slots=True)
class Report:
    """What became of a file's packets."""

    written: int = 0
    left_out: int = 0


@dataclass(slots=True)
class _Part:
    """A packet of a connection, until the message that it ends in is whole."""

    time: int
    head: bytes
    size: int


class _Direction:
    """One direction of a connection: messages may be cut anywhere, and packets keep their sizes."""

    def __init__(self, redactor: WireRedactor, *, from_host: bool) -> None:
        self._redactor = redactor
        self._from_host = from_host
        self._bytes = bytearray()
        self._shown = bytearray()
        self._parts: list[_Part] = []
        self._lost = False

    def feed(self, time: int, head: bytes, data: bytes) -> Iterator[tuple[int, bytes]]:
        """One more packet; those that can be written now."""
        self._parts.append(_Part(time, head, len(data)))
        self._bytes += data
        while not self._lost and len(self._bytes) >= HEADER_SIZE:
            kind, size, _, _ = HEADER.unpack_from(self._bytes)
            # Where a capture begins in the middle of a message, what follows cannot be understood.
            self._lost = kind not in MessageType.__members__.values() or size > _MOST_FRAME
            end = HEADER_SIZE + size
            if self._lost or len(self._bytes) < end:
                break
            self._shown += self._redactor.frame(self._from_host, bytes(self._bytes[:end]))
            del self._bytes[:end]
        if self._lost:
            yield from self.rest()
        yield from self._whole()

    def rest(self) -> Iterator[tuple[int, bytes]]:
        """What is left of a message that never became whole: blanked."""
        self._shown += bytes(len(self._bytes))
        self._bytes.clear()
        yield from self._whole()

    def _whole(self) -> Iterator[tuple[int, bytes]]:
        while self._parts and self._parts[0].size <= len(self._shown):
            part = self._parts.pop(0)
            yield part.time, part.head + bytes(self._shown[: part.size])
            del self._shown[: part.size]


class _Pass:
    """One reading of a file. ``known`` outlives it: by interface and place, or by the guest's end of a connection.

    Interfaces may be of several machines: what is told of 1.4 on one of them says nothing of 1.4 on another.
    """

    def __init__(self, known: dict[object, Known], secrets: Secrets, profile: Profile, only: Collection[Place]) -> None:
        self._known = known
        self._secrets = secrets
        self._profile = profile
        self._only = only
        self._urbs: dict[tuple[int, Place], UrbRedactor] = {}
        self._directions: dict[tuple[int, vsockmon.End, bool], _Direction] = {}
        self._wires: dict[tuple[int, vsockmon.End], WireRedactor] = {}
        self.left_out = 0

    def run(self, found: Iterator[Packet]) -> Iterator[Packet]:
        """Every packet that stays, as it is to be shown."""
        for packet in found:
            if packet.link_type == pcapng.LINK_VSOCK:
                yield from self._messages(packet)
            elif (shown := self._urb(packet)) is not None:
                yield replace(packet, data=shown)
            else:
                self.left_out += 1
        for (interface, _, _), direction in self._directions.items():
            yield from _packets(interface, direction.rest())

    def _of(self, key: object) -> Known:
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Known(self._secrets, keep_vendor=self._profile.keep_vendor)
        return found

    def _urb(self, packet: Packet) -> bytes | None:
        record = links.record(packet)
        if record is None:
            return None
        place = (record.bus, record.device)
        if self._only and place not in self._only:
            return None
        key = (packet.interface, place)
        redactor = self._urbs.get(key)
        if redactor is None:
            redactor = self._urbs[key] = UrbRedactor(self._of(key))
        return redact_packet(packet.link_type, packet.data, redactor, record)

    def _messages(self, packet: Packet) -> Iterator[Packet]:
        chunk = vsockmon.read(packet.data)
        if chunk is None or self._only:  # which connection is which device's, the packets do not tell
            self.left_out += 1
            return
        guest = chunk.source if chunk.to_host else chunk.destination
        key = (packet.interface, guest)
        direction = self._directions.get((*key, chunk.to_host))
        if direction is None:
            wire = self._wires.get(key)
            if wire is None:
                wire = self._wires[key] = WireRedactor(self._of(key))
            direction = self._directions[*key, chunk.to_host] = _Direction(wire, from_host=not chunk.to_host)
        head = (vsockmon.from_guest if chunk.to_host else vsockmon.from_host)(guest)
        yield from _packets(packet.interface, direction.feed(packet.time, head, chunk.data))


def _packets(interface: int, found: Iterator[tuple[int, bytes]]) -> Iterator[Packet]:
    return (Packet(pcapng.LINK_VSOCK, data, time, interface) for time, data in found)


def redact_file(source: Path, target: Path, *, keep_vendor: bool = False, only: Collection[Place] = ()) -> Report:
    """Write a redacted copy. ``only``: the devices whose packets stay; all, if it is empty.

    LocalError for a file that is no capture of USB, or if the copy has a value in it that was to be taken out.
    """
    profile, secrets, known, report = Profile(keep_vendor=keep_vendor), Secrets(), dict[object, Known](), Report()
    with bundle.open_capture(source) as file:
        for _ in _Pass(known, secrets, profile, only).run(packets(file)):
            report.written += 1
    if not report.written:
        if only:
            places = ", ".join(f"{bus}.{address}" for bus, address in only)
            hint = "without --device the packets of all devices are written"
            what = f"{source} has no packets of {places} that can be redacted"
            raise LocalError(LocalReason.NOT_FOUND, what, hint=hint)
        hint = "files of link types 189, 220 (usbmon), 249 (USBPcap) and 271 (vsock) can be redacted"
        raise LocalError(LocalReason.UNSUPPORTED, f"{source} has no packets that can be redacted", hint=hint)
    for each in known.values():
        each.rewind()
    try:
        report.left_out = _write(source, target, _Pass(known, secrets, profile, only), profile)
    except OSError as error:
        error.filename = error.filename or str(target)
        if target.is_file():  # nobody has looked through it
            target.unlink()
        raise
    check(target, secrets.originals)
    return report


def _write(source: Path, target: Path, second: _Pass, profile: Profile) -> int:
    """The copy; how many packets are left out."""
    numbers = dict[int, int]()
    with bundle.open_capture(source) as file, target.open("wb") as out:
        out.write(pcapng.section(profile.comment()))
        for packet in second.run(packets(file)):
            if packet.interface not in numbers:
                numbers[packet.interface] = len(numbers)
                out.write(pcapng.interface(packet.link_type, _NAMES[packet.link_type]))
            out.write(pcapng.packet(numbers[packet.interface], packet.time, [packet.data]))
    return second.left_out
