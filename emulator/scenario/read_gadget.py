"""The description of a device in a scenario file: field by field, or as the bytes that a device gave."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence

from wslusb.errors import LocalError
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.descriptors_extra import InterfaceAssociation
from wslusb.usb.ids import ClassCode, DescriptorType, Speed, TransferType

from .. import rules
from .gadget import WrittenGadget
from .names import CLASSES, HID_REPORTS, SPEEDS, TRANSFERS
from .read_strings import Strings
from .tree import Fields, Node

__all__ = ["GADGET_KEYS", "read_gadget"]

GADGET_KEYS = (
    "checked", "speed", "device", "configurations", "languages", "strings", "bos", "qualifier", "other_speeds",
    "hid_reports",
)  # fmt: skip
_DEVICE_KEYS = (
    "vendor", "product", "bcd_usb", "class", "subclass", "protocol", "max_packet_size0", "bcd_device", "manufacturer",
    "product_string", "serial",
)  # fmt: skip
_CONFIGURATION_KEYS = ("value", "attributes", "max_power", "string", "descriptors", "interfaces")
_INTERFACE_KEYS = (
    "number", "alternate", "class", "subclass", "protocol", "string", "association", "descriptors", "hid_report",
    "endpoints",
)  # fmt: skip
_ENDPOINT_KEYS = ("address", "transfer", "attributes", "max_packet_size", "interval", "tail", "descriptors")
_ASSOCIATION_KEYS = ("first", "count", "class", "subclass", "protocol", "string")
_HID_VERSION, _REPORT = 0x0111, 0x22
_PACKET_SIZE0 = {Speed.LOW: 8, Speed.SUPER: 9, Speed.SUPER_PLUS: 9}
_BCD_USB = {Speed.SUPER: 0x0320, Speed.SUPER_PLUS: 0x0320}


def read_gadget(fields: Fields) -> tuple[WrittenGadget, dict[int, bytes]]:
    """The gadget, and HID report descriptors by interface. LocalError for what is wrong."""
    speed = node.choice(SPEEDS) if (node := fields.get("speed")) else Speed.HIGH
    strings = Strings(fields)
    reports: dict[int, bytes] = {}
    configurations = _configurations(fields.need("configurations"), strings, reports)
    if node := fields.get("hid_reports"):
        for key, value in node.entries():
            reports[_interface_number(key, value)] = _report(value)
    others = fields.get("other_speeds")
    device = _device(fields.need("device"), strings, speed, len(configurations))
    gadget = WrittenGadget(
        device=device,
        configurations=configurations,
        texts=strings.finish(),
        speed=speed,
        bos=fields.hexadecimal("bos"),
        device_qualifier=node.hexadecimal() if (node := fields.get("qualifier")) else None,
        other_speeds=None if others is None else tuple(each.hexadecimal() for each in others.items()),
    )
    if _to_check(fields):
        _check(gadget, fields)
    return gadget, reports


def _to_check(fields: Fields) -> bool:
    """Bytes are not checked unless the file asks for it: many a device that exists breaks rules."""
    if fields.get("checked"):
        return fields.flag("checked")
    return not any(isinstance(node.value, str) for node in (fields.need("device"), *fields.items("configurations")))


def _check(gadget: WrittenGadget, fields: Fields) -> None:
    broken = "; ".join(str(finding) for finding in rules.findings(gadget) if finding.strict)
    if broken:
        fields.node.complain(f"{broken} (checked = false is for devices that break rules on purpose)")


def _device(node: Node, strings: Strings, speed: Speed, count: int) -> DeviceDescriptor:
    if isinstance(node.value, str):
        try:
            return DeviceDescriptor.unpack(node.hexadecimal())
        except LocalError as error:
            node.complain(str(error))
    fields = node.fields(*_DEVICE_KEYS)
    return DeviceDescriptor(
        vendor=fields.need("vendor").integer(0, 0xFFFF), product=fields.need("product").integer(0, 0xFFFF),
        bcd_usb=_bcd(fields, "bcd_usb", _BCD_USB.get(speed, 0x0200)), device_class=_class(fields, 0),
        subclass=fields.integer("subclass", 0), protocol=fields.integer("protocol", 0),
        max_packet_size0=fields.integer("max_packet_size0", _PACKET_SIZE0.get(speed, 64)),
        bcd_device=_bcd(fields, "bcd_device", 0x0100), manufacturer=strings.index(fields, "manufacturer"),
        product_string=strings.index(fields, "product_string"), serial=strings.index(fields, "serial"),
        configuration_count=count,
    )  # fmt: skip


def _configurations(node: Node, strings: Strings, reports: dict[int, bytes]) -> tuple[Configuration, ...]:
    items = node.items()
    if not items:
        node.expected("at least one configuration")
    return tuple(_configuration(item, number, strings, reports) for number, item in enumerate(items, 1))


def _configuration(node: Node, number: int, strings: Strings, reports: dict[int, bytes]) -> Configuration:
    if isinstance(node.value, str):
        try:
            return Configuration.unpack(node.hexadecimal(), keep_rest=True)
        except LocalError as error:
            node.complain(str(error))
    fields = node.fields(*_CONFIGURATION_KEYS)
    interfaces: list[Interface] = []
    for item in fields.items("interfaces"):
        interfaces.append(_interface(item, interfaces, strings, reports))
    return Configuration(
        fields.integer("value", number), interfaces, fields.integer("attributes", 0x80),
        fields.integer("max_power", 50), strings.index(fields, "string"), extra=_descriptors(fields),
    )  # fmt: skip


def _interface(node: Node, before: Sequence[Interface], strings: Strings, reports: dict[int, bytes]) -> Interface:
    fields = node.fields(*_INTERFACE_KEYS)
    alternate = fields.integer("alternate", 0)
    last = before[-1].number if before else -1
    number = fields.integer("number", max(last, 0) if alternate else min(last + 1, 0xFF))
    extra = _descriptors(fields)
    if report := fields.get("hid_report"):
        reports[number] = _report(report)
        if not any(each[1] == DescriptorType.HID for each in extra):
            extra.append(
                struct.pack("<BBHBBBH", 9, DescriptorType.HID, _HID_VERSION, 0, 1, _REPORT, len(reports[number]))
            )
    return Interface(
        number, alternate, _class(fields, ClassCode.VENDOR), fields.integer("subclass", 0),
        fields.integer("protocol", 0), strings.index(fields, "string"),
        [_endpoint(item) for item in fields.items("endpoints")], extra=extra,
        association=_association(association, number, strings) if (association := fields.get("association")) else None,
    )  # fmt: skip


def _association(node: Node, number: int, strings: Strings) -> InterfaceAssociation:
    fields = node.fields(*_ASSOCIATION_KEYS)
    return InterfaceAssociation(
        fields.integer("first", number), fields.need("count").integer(0, 0xFF), _class(fields, 0),
        fields.integer("subclass", 0), fields.integer("protocol", 0), strings.index(fields, "string"),
    )  # fmt: skip


def _endpoint(node: Node) -> Endpoint:
    fields = node.fields(*_ENDPOINT_KEYS)
    address = fields.need("address")
    if not address.integer(0, 0xFF) & 0x0F or address.value & 0x70:
        address.expected("an endpoint address: 1 to 15, with 0x80 for IN")
    if len(fields.present("transfer", "attributes")) != 1:
        node.complain("an endpoint has either transfer or attributes")
    transfer = fields.get("transfer")
    attributes = int(transfer.choice(TRANSFERS)) if transfer else fields.integer("attributes", 0)
    bulk = attributes & 3 == TransferType.BULK
    return Endpoint(
        address.integer(0, 0xFF), attributes, fields.need("max_packet_size").integer(0, 0xFFFF),
        fields.integer("interval", 0) if bulk else fields.need("interval").integer(0, 0xFF),
        fields.hexadecimal("tail"), _descriptors(fields),
    )  # fmt: skip


def _descriptors(fields: Fields) -> list[bytes]:
    found = []
    for item in fields.items("descriptors"):
        data = item.hexadecimal()
        if not 2 <= len(data) <= 0xFF or data[0] != len(data):
            item.complain(
                f"a descriptor begins with its length: {len(data)} bytes, and bLength {data[:1].hex() or 'none'}"
            )
        found.append(data)
    return found


def _report(node: Node) -> bytes:
    return HID_REPORTS.get(node.text()) or node.hexadecimal()


def _interface_number(key: str, value: Node) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", key) or int(key) > 0xFF:
        value.complain("the key of a report descriptor is the number of its interface, 0 to 255")
    return int(key)


def _class(fields: Fields, default: int) -> int:
    node = fields.get("class")
    return int(default) if node is None else node.number_or(CLASSES, 0xFF)


def _bcd(fields: Fields, key: str, default: int) -> int:
    """A version: 0x0200, or "2.00"."""
    node = fields.get(key)
    if node is None:
        return default
    if isinstance(node.value, str):
        match = re.fullmatch(r"([0-9]{1,2})\.([0-9]{1,2})", node.value)
        if not match:
            node.expected("a version such as '2.00', or 0x0200")
        return int(f"{match[1]}{match[2].ljust(2, '0')}", 16)
    return node.integer(0, 0xFFFF)
