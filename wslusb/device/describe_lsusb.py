"""A description as ``lsusb -v`` prints it (usbutils, lsusb.c), so that people and their tools find what they know.

The emulator's importer reads the same bytes out of it. Class-specific descriptors, which lsusb takes apart, are printed
as lsusb prints those that it does not know: as bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..errors import LocalError
from ..printable import printable
from ..usb.descriptors import split
from ..usb.ids import ClassCode, DescriptorType, Speed, is_in
from .describe import Description

__all__ = ["to_lsusb"]

_SPEEDS = {
    Speed.LOW: "Low Speed (1Mbps)", Speed.FULL: "Full Speed (12Mbps)", Speed.HIGH: "High Speed (480Mbps)",
    Speed.SUPER: "SuperSpeed (5Gbps)", Speed.SUPER_PLUS: "SuperSpeed+ (10Gbps)",
}  # fmt: skip
_HEAD = ("bLength", "bDescriptorType")
_KINDS: dict[int, tuple[str, int, tuple[str, ...]]] = {
    DescriptorType.CONFIGURATION: ("Configuration Descriptor:", 2, (
        "wTotalLength", "bNumInterfaces", "bConfigurationValue", "iConfiguration", "bmAttributes", "MaxPower",
    )),
    DescriptorType.INTERFACE_ASSOCIATION: ("Interface Association:", 4, (
        "bFirstInterface", "bInterfaceCount", "bFunctionClass", "bFunctionSubClass", "bFunctionProtocol", "iFunction",
    )),
    DescriptorType.INTERFACE: ("Interface Descriptor:", 4, (
        "bInterfaceNumber", "bAlternateSetting", "bNumEndpoints", "bInterfaceClass", "bInterfaceSubClass",
        "bInterfaceProtocol", "iInterface",
    )),
    DescriptorType.ENDPOINT: ("Endpoint Descriptor:", 6, (
        "bEndpointAddress", "bmAttributes", "wMaxPacketSize", "bInterval", "bRefresh", "bSynchAddress",
    )),
}  # fmt: skip
"""Heading, depth, and the fields after the first two (USB 2.0, 9.6); of an endpoint, only audio's has the last two."""
_DEVICE = (
    "bcdUSB", "bDeviceClass", "bDeviceSubClass", "bDeviceProtocol", "bMaxPacketSize0", "idVendor", "idProduct",
    "bcdDevice", "iManufacturer", "iProduct", "iSerial", "bNumConfigurations",
)  # fmt: skip
_QUALIFIER = (*_DEVICE[:5], "bNumConfigurations", "bReserved")
_PLAIN_ENDPOINT = 7
_VALUES_END = 25
"""The column, behind the indent, where lsusb's values end."""
_ITEMS = {
    0x80: "Main  ): Input", 0x90: "Main  ): Output", 0xA0: "Main  ): Collection", 0xB0: "Main  ): Feature",
    0xC0: "Main  ): End Collection", 0x04: "Global): Usage Page", 0x14: "Global): Logical Minimum",
    0x24: "Global): Logical Maximum", 0x34: "Global): Physical Minimum", 0x44: "Global): Physical Maximum",
    0x54: "Global): Unit Exponent", 0x64: "Global): Unit", 0x74: "Global): Report Size", 0x84: "Global): Report ID",
    0x94: "Global): Report Count", 0xA4: "Global): Push", 0xB4: "Global): Pop", 0x08: "Local ): Usage",
    0x18: "Local ): Usage Minimum", 0x28: "Local ): Usage Maximum", 0x38: "Local ): Designator Index",
    0x48: "Local ): Designator Minimum", 0x58: "Local ): Designator Maximum", 0x78: "Local ): String Index",
    0x88: "Local ): String Minimum", 0x98: "Local ): String Maximum", 0xA8: "Local ): Set Delimiter",
}  # fmt: skip
"""Items by their prefix without its size (HID 1.11, 6.2.2)."""
_ITEM_SIZES = (0, 1, 2, 4)


def to_lsusb(found: Description) -> str:
    """The whole text."""
    return "".join(f"{line}\n" for line in _Printer(found).lines())


class _Printer:
    def __init__(self, found: Description) -> None:
        self._found = found
        self._texts = _texts(found)
        self._power = 8 if int.from_bytes(found.device[2:4], "little") >= 0x0300 else 2
        self._told_reports: set[int] = set()

    def lines(self) -> Iterator[str]:
        found, info = self._found, self._found.info
        bus, _, port = info.busid.partition("-")
        number = int(bus) if bus.isdecimal() else 0
        last = port.rpartition(".")[2]
        address = int(last) if last.isdecimal() else 0
        name = f"{info.hardware_id} {printable(info.description)}"
        yield f"Bus {number % 1000:03d} Device {address % 1000:03d}: ID {name}"
        if info.speed in _SPEEDS:
            yield f"Negotiated speed: {_SPEEDS[info.speed]}"
        yield "Device Descriptor:"
        yield from self._fields(found.device, _DEVICE, 2)
        for raw in found.configurations:
            yield from self._configuration(raw)
        if found.bos:
            yield from self._bos(found.bos)
        if found.qualifier:
            yield "Device Qualifier (for other device speed):"
            yield from self._fields(found.qualifier, _QUALIFIER, 2)

    def _configuration(self, raw: bytes) -> Iterator[str]:
        at, interface = 0, (-1, 0)
        try:
            for piece in split(raw):
                at += len(piece)
                if piece[1] == DescriptorType.INTERFACE and len(piece) > 5:
                    interface = piece[2], piece[5]
                yield from self._piece(piece)
                if piece[1] == DescriptorType.HID and interface[1] == ClassCode.HID:
                    yield from self._report(interface[0])
        except LocalError:  # they do not follow each other to the end
            yield f"{'':8}** UNRECOGNIZED:  {raw[at:].hex(' ')}"

    def _piece(self, piece: bytes) -> Iterator[str]:
        heading, depth, names = _KINDS.get(piece[1], ("", 0, ()))
        least = _PLAIN_ENDPOINT if piece[1] == DescriptorType.ENDPOINT else _length(names)
        if not heading or len(piece) < least:
            yield f"{'':8}** UNRECOGNIZED:  {piece.hex(' ')}"
            return
        yield f"{'':{depth}}{heading}"
        yield from self._fields(piece, names, depth + 2)

    def _fields(self, data: bytes, names: tuple[str, ...], depth: int) -> Iterator[str]:
        at = 0
        for name in (*_HEAD, *names):
            size = _size(name)
            if at + size > len(data):
                break
            value = int.from_bytes(data[at : at + size], "little")
            number, words = self._shown(name, value)
            yield f"{'':{depth}}{name}{number:>{_VALUES_END - len(name)}}{words}"
            at += size
        if at < len(data):
            yield f"{'':{depth}}junk at descriptor end: {data[at:].hex(' ')}"

    def _shown(self, name: str, value: int) -> tuple[str, str]:
        """A value as its number, and what stands behind that."""
        if name.startswith("bcd"):
            return f"{value >> 8:x}.{value & 0xFF:02x}", ""
        if name.startswith(("id", "w")):
            return f"0x{value:04x}", ""
        if name == "bEndpointAddress":
            return f"0x{value:02x}", f"  EP {value & 0xF} {'IN' if is_in(value) else 'OUT'}"
        if name == "bmAttributes":
            return f"0x{value:02x}", ""
        if name == "MaxPower":
            return str(value * self._power), "mA"
        text = self._texts.get(value) if name.startswith("i") else None
        return str(value), f" {printable(text)}" if text else ""

    def _report(self, number: int) -> Iterator[str]:
        raw = self._found.hid_reports.get(number, b"")
        if not raw or number in self._told_reports:
            return
        self._told_reports.add(number)
        items = list(_items(raw))
        if "" in items:
            return  # what lsusb has no words for
        yield f"{'':10}Report Descriptor: (length is {len(raw)})"
        yield from (f"{'':12}{each}" for each in items)

    def _bos(self, raw: bytes) -> Iterator[str]:
        yield "Binary Object Store Descriptor:"
        yield from self._fields(raw[:5], ("wTotalLength", "bNumDeviceCaps"), 2)
        if len(raw) > 5:
            try:
                yield from (f"  ** UNRECOGNIZED:  {piece.hex(' ')}" for piece in list(split(raw[5:])))
            except LocalError:
                yield f"  ** UNRECOGNIZED:  {raw[5:].hex(' ')}"


def _items(raw: bytes) -> Iterator[str]:
    """The items of a report descriptor; an empty line for what is none that is known."""
    at = 0
    while at < len(raw):
        prefix, size = raw[at], _ITEM_SIZES[raw[at] & 3]
        data = raw[at + 1 : at + 1 + size]
        name = _ITEMS.get(prefix & 0xFC)
        if name is None or len(data) < size:
            yield ""
            return
        told = f" [ {' '.join(f'0x{each:02x}' for each in data)} ] {int.from_bytes(data, 'little')}" if data else "none"
        yield f"Item({name}, data={told}"
        at += 1 + size


def _size(name: str) -> int:
    return 2 if name.startswith(("bcd", "id", "w")) else 1


def _length(names: tuple[str, ...]) -> int:
    return sum(map(_size, (*_HEAD, *names)))


def _texts(found: Description) -> Mapping[int, str]:
    """Strings by index, of the first language that has them."""
    texts = dict(found.texts)
    for (language, index), raw in found.strings.items():
        if language:
            texts.setdefault(index, raw[2:].decode("utf-16-le", "replace"))
    return texts
