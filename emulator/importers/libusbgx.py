"""Gadget schemes of libusbgx (its doc/gadget_schemes.txt): a gadget by the types of its functions.

A scheme holds identifiers, strings and configurations; the descriptors of its functions are the kernel's and are
rebuilt (``functions.py``). What the kernel would choose when the gadget is plugged in is chosen here, and reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Interface
from wslusb.usb.ids import Speed

from .evidence import Evidence, unreadable
from .functions import FUNCTIONS, Allocator
from .libconfig import Group, Value, parse

__all__ = ["read", "recognize"]

_ENGLISH = 0x0409
_DEVICE_FIELDS = {
    "idVendor": ("vendor", 0, 0xFFFF), "idProduct": ("product", 0, 0xFFFF), "bcdUSB": ("bcd_usb", 0x0200, 0xFFFF),
    "bDeviceClass": ("device_class", 0, 0xFF), "bDeviceSubClass": ("subclass", 0, 0xFF),
    "bDeviceProtocol": ("protocol", 0, 0xFF), "bMaxPacketSize0": ("max_packet_size0", 64, 0xFF),
    "bcdDevice": ("bcd_device", 0, 0xFFFF),
}  # fmt: skip
_MAX_FUNCTIONS = 32
_CHOSEN = "endpoint addresses and string indices: the kernel chooses them as the controller allows; numbered in order"


def recognize(head: str) -> bool:
    """Whether a text has the sections of a gadget scheme."""
    return any(word in head for word in ("configs", "functions")) and "=" in head and "attrs" in head


def read(text: str, name: str = "gadget") -> Evidence:
    """The gadget of a scheme. LocalError for what is no scheme."""
    scheme = parse(text)
    take = Allocator()
    evidence = Evidence(name, speed=Speed.HIGH)
    texts = _english(scheme.get("strings"), evidence)
    device = _device(_group(scheme.get("attrs")), evidence)
    device.manufacturer = take.string(_text(texts.get("manufacturer")))
    device.product_string = take.string(_text(texts.get("product")))
    device.serial = take.string(_text(texts.get("serialnumber")))
    functions = {label: _group(each) for label, each in _group(scheme.get("functions")).items()}
    for each in _list(scheme.get("configs")):
        configuration = _configuration(_group(each), functions, take, evidence)
        evidence.configurations.append(configuration.pack())
    device.configuration_count = len(evidence.configurations)
    evidence.device = device.pack()
    evidence.strings = dict(enumerate(take.strings, 1))
    evidence.answers = take.answers
    evidence.missing += ["speed: not in the source; high speed, as the controller would offer", _CHOSEN]
    evidence.missing += dict.fromkeys(take.missing)
    return evidence


def _device(attributes: Group, evidence: Evidence) -> DeviceDescriptor:
    device = DeviceDescriptor(0, 0)
    for name, (attribute, default, high) in _DEVICE_FIELDS.items():
        value = _number(attributes.get(name), name, high)
        if value is None:
            evidence.missing.append(f"{name}: not in the scheme; the kernel's default, {default:#x}")
            value = default
        setattr(device, attribute, value)
    return device


def _configuration(scheme: Group, functions: dict[str, Group], take: Allocator, evidence: Evidence) -> Configuration:
    attributes = _group(scheme.get("attrs"))
    value = _number(scheme.get("id"), "id", 255) or len(evidence.configurations) + 1
    power = _number(attributes.get("bMaxPower"), "bMaxPower", 500)
    bits = _number(attributes.get("bmAttributes"), "bmAttributes", 255)
    texts = _english(scheme.get("strings"), evidence)
    name = take.string(_text(texts.get("configuration")))
    take.next_configuration()
    interfaces = [
        interface
        for function in _bound(_list(scheme.get("functions")), functions, evidence)
        for interface in _interfaces(function, take, evidence)
    ]
    milliamperes = 2 if power is None else power
    return Configuration(value, interfaces, 0x80 | (bits or 0), -(-milliamperes // 2), name)


def _bound(bindings: list[Value], functions: dict[str, Group], evidence: Evidence) -> Iterator[Group]:
    """The functions that a configuration has, by label, by a binding with a label, or written in place."""
    for binding in bindings[:_MAX_FUNCTIONS]:
        target = binding.get("function") if isinstance(binding, dict) else binding
        if isinstance(target, dict):
            yield target
        elif isinstance(target, str) and target in functions:
            yield functions[target]
        else:
            evidence.missing.append(f"function {target!r}: the scheme does not define it; left out")


def _interfaces(function: Group, take: Allocator, evidence: Evidence) -> list[Interface]:
    kind = _text(function.get("type"))
    make = FUNCTIONS.get(kind)
    if make is None:
        evidence.missing.append(f"function of type {kind!r}: its descriptors do not follow from a scheme; left out")
        return []
    return make(take, _group(function.get("attrs")))


def _english(value: Value | None, evidence: Evidence) -> Group:
    groups = [_group(each) for each in _list(value)]
    if len(groups) > 1:
        note = f"strings: {len(groups)} languages are in the scheme; English alone is kept"
        if note not in evidence.missing:
            evidence.missing.append(note)
    english = next((each for each in groups if each.get("lang") == _ENGLISH), None)
    chosen = english or (groups[0] if groups else {})
    evidence.language = evidence.language or _number(chosen.get("lang"), "lang", 0xFFFF) or 0
    return chosen


def _group(value: Value | None) -> Group:
    return value if isinstance(value, dict) else {}


def _list(value: Value | None) -> list[Value]:
    return value if isinstance(value, list) else []


def _text(value: Value | None) -> str:
    return value[:126] if isinstance(value, str) else ""


def _number(value: Value | None, name: str, high: int) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or not 0 <= value <= high:
        raise unreadable(f"{name} is a number from 0 to {high}, not {value!r}")
    return int(value)
