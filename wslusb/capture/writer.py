"""Items as a pcapng file: two interfaces a device, its descriptors first, each record redacted on its way.

Wireshark reads at most 256 KiB a packet of these link types. A longer URB is cut (its length is told), longer messages
go on in the next packet.
"""

from __future__ import annotations

import platform
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .. import __version__
from ..errors import LocalError
from ..usb.descriptors import DeviceDescriptor
from ..usb.ids import DescriptorType, TransferType
from ..usb.info import DeviceInfo
from ..usb.setup import Request, Setup
from ..usb.urb import Completion, Urb
from . import pcapng, usbmon, vsockmon
from .known import Known
from .point import Point
from .profile import Profile
from .redact import UrbRedactor, redact_usbmon
from .redact_wire import WireRedactor
from .secrets import Secrets
from .sink import Counts, Item, Kind

__all__ = ["MOST_PACKET", "Totals", "Writer"]

MOST_PACKET = 256 << 10
_CAPTURED_AT = 36
_U32 = struct.Struct("<I")
_OWN_KEYS = 1 << 33
"""Of the descriptors that are put before: no URB has so great a number."""
_ENGLISH = 0x0409
_FROM_THE_HOST = "told by the host, not asked of the device now"


@dataclass(slots=True)
class Totals:
    """What a progress line shows."""

    urbs: int = 0
    bytes: int = 0


class _Origin:
    """One point in one file: its interfaces' numbers, and its redactors, one a view."""

    def __init__(self, first: int, point: Point, secrets: Secrets, profile: Profile) -> None:
        self.urbs, self.wire = first, first + 1
        views = [Known(secrets, keep_vendor=profile.keep_vendor) for _ in range(2)]
        for each in views:
            each.learn_info(point.info)
        self.urb_redactor = UrbRedactor(views[0])
        self.wire_redactor = WireRedactor(views[1])


class Writer:
    """Makes a file's bytes; the caller puts them where they belong, in order.

    ``secrets``: those of a bundle that the file is a part of, so that the same value has the same token in all of it.
    """

    def __init__(self, profile: Profile, secrets: Secrets | None = None) -> None:
        self.profile = profile
        self.secrets = secrets or Secrets()
        self.totals = Totals()
        self._origins: dict[Point, _Origin] = {}
        self._last = 0

    def begin(self) -> bytes:
        """What the file starts with."""
        system = f"{platform.system()} {platform.release()}"
        return pcapng.section(self.profile.comment(), system=system, application=f"wslusb {__version__}")

    def items(self, items: Iterable[Item]) -> Iterator[bytes]:
        """What the file goes on with."""
        for item in items:
            origin = self._origins.get(item.point)
            if origin is None:
                origin = self._origins[item.point] = _Origin(
                    2 * len(self._origins), item.point, self.secrets, self.profile
                )
                yield from self._introduce(origin, item.point, item.time)
            self._last = max(self._last, item.time)
            yield from self._urb(origin, item) if item.kind is Kind.URB else self._messages(origin, item)

    def end(self, counts: dict[tuple[Point, bool], Counts]) -> bytes:
        """What the file ends with."""
        return b"".join(
            pcapng.statistics(origin.urbs if is_urbs else origin.wire, self._last, each.received, each.dropped)
            for (point, is_urbs), each in list(counts.items())
            if (origin := self._origins.get(point)) is not None
        )

    # -- packets

    def _urb(self, origin: _Origin, item: Item) -> Iterator[bytes]:
        data = item.data
        record = usbmon.read(data)
        if record is None:
            return
        self.totals.urbs += record.first
        self.totals.bytes += len(record.data)
        if not self.profile.raw:
            data = redact_usbmon(data, origin.urb_redactor, record)
        original = len(data)
        if original > MOST_PACKET:
            head = bytearray(data[:MOST_PACKET])
            _U32.pack_into(head, _CAPTURED_AT, MOST_PACKET - 64)
            data = bytes(head)
        yield pcapng.packet(origin.urbs, item.time, [data], original=original, comment=_comment(item))

    def _messages(self, origin: _Origin, item: Item) -> Iterator[bytes]:
        from_host = item.kind is Kind.FROM_HOST
        head = (vsockmon.from_host if from_host else vsockmon.from_guest)(item.point.guest)
        data = item.data if self.profile.raw else origin.wire_redactor.frames(from_host, item.data)
        room, comment = MOST_PACKET - len(head), _comment(item)
        for at in range(0, len(data), room):
            yield pcapng.packet(origin.wire, item.time, [head, data[at : at + room]], comment=comment)
            comment = ""

    # -- what comes before the first packet of a device

    def _introduce(self, origin: _Origin, point: Point, time: int) -> Iterator[bytes]:
        info = point.info
        name = f"wslusb:{info.busid}"
        what = self._text(f"{info.hardware_id} {info.description}")
        yield pcapng.interface(pcapng.LINK_USB, name, f"{what}: URBs")
        yield pcapng.interface(pcapng.LINK_VSOCK, f"{name}/vsock", f"{what}: messages between guest and host")
        for number, (setup, data) in enumerate(_descriptors(info)):
            urb = Urb(_OWN_KEYS + number, 0, TransferType.CONTROL, setup.length, setup=setup)
            answer = Completion(urb, actual_length=len(data), data=data)
            halves = usbmon.submitted(urb, point.place, time), usbmon.completed(answer, point.place, time)
            for half in halves:
                packed = b"".join(half)
                record = usbmon.read(packed)
                if record is not None and not self.profile.raw:
                    packed = redact_usbmon(packed, origin.urb_redactor, record)
                yield pcapng.packet(origin.urbs, time, [packed], comment=_FROM_THE_HOST)

    def _text(self, text: str) -> str:
        return text if self.profile.raw else self.secrets.replace(text.encode()).decode("utf-8", "replace")


def _comment(item: Item) -> str:
    gap = f"{item.gap} records before this were dropped: the writer was too slow" if item.gap else ""
    return "; ".join(filter(None, (item.comment, gap)))


def _descriptors(info: DeviceInfo) -> Iterator[tuple[Setup, bytes]]:
    """The requests that an enumeration would make, with what it would be told. Readers decode by them."""
    try:
        device = DeviceDescriptor.unpack(info.device_descriptor)
    except LocalError:
        return
    yield _get(DescriptorType.DEVICE, 0, info.device_descriptor)
    for number, configuration in enumerate(info.configurations):
        yield _get(DescriptorType.CONFIGURATION, number, configuration)
    if info.bos:
        yield _get(DescriptorType.BOS, 0, info.bos)
    texts = {
        device.manufacturer: info.manufacturer, device.product_string: info.product_name, device.serial: info.serial
    }  # fmt: skip
    for index, text in texts.items():
        if index and text:
            data = text.encode("utf-16-le", "replace")[:252]
            yield _get(DescriptorType.STRING, index, bytes((len(data) + 2, 3)) + data, _ENGLISH)


def _get(kind: int, index: int, data: bytes, language: int = 0) -> tuple[Setup, bytes]:
    return Setup(0x80, Request.GET_DESCRIPTOR, kind << 8 | index, language, min(len(data), 0xFFFF)), data[:0xFFFF]
