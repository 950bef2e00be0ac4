"""A gadget's descriptors as lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wslusb.usb.descriptors import Configuration, Endpoint, Interface
from wslusb.usb.descriptors_extra import Companion
from wslusb.usb.ids import ClassCode, DescriptorType, TransferType, is_in

from ..gadget import Gadget

__all__ = ["Line", "lines"]

_TYPES = {
    DescriptorType.INTERFACE_ASSOCIATION: "interface association", 0x21: "class descriptor", 0x24: "class descriptor",
    0x25: "class endpoint descriptor", DescriptorType.SS_ENDPOINT_COMPANION: "endpoint companion",
}  # fmt: skip
_SPEEDS = {1: "low speed", 2: "full speed", 3: "high speed", 5: "SuperSpeed", 6: "SuperSpeed+"}


@dataclass(slots=True, frozen=True)
class Line:
    """One descriptor: how deep it stands, what it says, and its bytes."""

    depth: int
    text: str
    data: bytes


def lines(gadget: Gadget) -> Iterator[Line]:
    """The device, its configurations and everything in them, in their order."""
    device = gadget.device
    names = ", ".join(repr(text) for index in (device.manufacturer, device.product_string, device.serial)
                      if (text := gadget.string(index)))  # fmt: skip
    speed = _SPEEDS.get(gadget.speed, "unknown speed")
    yield Line(
        0,
        f"device {device.vendor:04x}:{device.product:04x}, {speed}, USB {_bcd(device.bcd_usb)},"
        f" release {_bcd(device.bcd_device)}, {_class(device.device_class, device.subclass, device.protocol)},"
        f" {_plural(device.max_packet_size0 if device.max_packet_size0 != 9 else 512, 'byte')} at endpoint 0"
        f"{': ' + names if names else ''}",
        device.pack(),
    )
    for configuration in gadget.configurations:
        yield from _configuration(gadget, configuration)
    if gadget.bos:
        yield Line(1, f"binary object store, {len(gadget.bos)} bytes", gadget.bos)


def _configuration(gadget: Gadget, configuration: Configuration) -> Iterator[Line]:
    whole = configuration.pack()
    power = configuration.max_power * (8 if gadget.speed >= 5 else 2)
    words = ["self-powered" if configuration.attributes & 0x40 else f"{power} mA"]
    if configuration.attributes & 0x20:
        words.append("can wake the host")
    yield Line(
        1,
        f"configuration {configuration.value}, {', '.join(words)}, {len(whole)} bytes"
        f"{_named(gadget, configuration.string)}",
        whole[: whole[0]],
    )
    yield from _extras(2, configuration.extra)
    for interface in configuration.interfaces:
        yield from _interface(gadget, interface)
    if configuration.rest:
        yield Line(2, f"{len(configuration.rest)} bytes that are no descriptors", configuration.rest)


def _interface(gadget: Gadget, interface: Interface) -> Iterator[Line]:
    if (group := interface.association) is not None:
        last = group.first + group.count - 1
        kind = _class(group.function_class, group.subclass, group.protocol)
        yield Line(
            2,
            f"interfaces {group.first} to {last} are one function, {kind}{_named(gadget, group.string)}",
            group.pack(),
        )
    head = Interface(
        interface.number, interface.alternate, interface.interface_class, interface.subclass, interface.protocol,
        interface.string, [], interface.tail, [], len(interface.endpoints),
    )  # fmt: skip
    alternate = f", alternate {interface.alternate}" if interface.alternate else ""
    kind = _class(interface.interface_class, interface.subclass, interface.protocol)
    yield Line(2, f"interface {interface.number}{alternate}, {kind}{_named(gadget, interface.string)}", head.pack())
    yield from _extras(3, interface.extra)
    for endpoint in interface.endpoints:
        yield from _endpoint(endpoint)


def _endpoint(endpoint: Endpoint) -> Iterator[Line]:
    count, size = endpoint.transactions, _plural(endpoint.packet_size, "byte")
    words = [
        f"endpoint {endpoint.address:#04x} {'IN' if is_in(endpoint.address) else 'OUT'}",
        f"{endpoint.transfer.name.lower()}, {f'{count} x ' if count > 1 else ''}{size}",
    ]
    if endpoint.transfer != TransferType.BULK:
        words.append(f"bInterval {endpoint.interval}")
    if (companion := Companion.find(endpoint.extra)) is not None:
        words.append(f"bursts of {companion.burst + 1}")
    own = Endpoint(
        endpoint.address, endpoint.attributes, endpoint.max_packet_size, endpoint.interval, endpoint.tail
    )  # fmt: skip
    yield Line(3, ", ".join(words), own.pack())
    yield from _extras(4, endpoint.extra)


def _extras(depth: int, extra: list[bytes]) -> Iterator[Line]:
    for each in extra:
        kind = _TYPES.get(each[1], "descriptor") if len(each) > 1 else "bytes"
        subtype = f"/{each[2]:#04x}" if len(each) > 2 and each[1] in (0x24, 0x25) else ""
        yield Line(depth, f"{kind} {each[1]:#04x}{subtype}, {_plural(len(each), 'byte')}", each)


def _class(code: int, subclass: int, protocol: int) -> str:
    try:
        name = ClassCode(code).name.lower().replace("_", " ")
    except ValueError:
        name = "class of its interfaces" if not code else "class"
    return f"{name} {code:02x}/{subclass:02x}/{protocol:02x}"


def _named(gadget: Gadget, index: int) -> str:
    text = gadget.string(index)
    return f": {text!r}" if text else ""


def _bcd(value: int) -> str:
    return f"{value >> 8:x}.{value & 0xFF:02x}"


def _plural(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
