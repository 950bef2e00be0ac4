"""What Linux shows of a device in /sys/bus/usb/devices: the directory, a copy of it, or ``descriptors`` alone.

Linux: Documentation/ABI/stable/sysfs-bus-usb and drivers/usb/core/sysfs.c. ``descriptors`` is the device descriptor and
then every configuration, raw.
"""

from __future__ import annotations

import re
from pathlib import Path

from wslusb.usb.ids import DescriptorType, Speed
from wslusb.usb.setup import Request

from .evidence import Evidence, cut_configurations, unreadable

__all__ = ["SPEEDS", "add_descriptors", "add_strings", "read_blob", "read_directory"]

SPEEDS = {
    "1.5": Speed.LOW, "12": Speed.FULL, "480": Speed.HIGH, "5000": Speed.SUPER, "10000": Speed.SUPER_PLUS,
    "20000": Speed.SUPER_PLUS,
}  # fmt: skip
_STRINGS = {"manufacturer": 14, "product": 15, "serial": 16}
"""Where the device descriptor has the index of each."""
_INTERFACE = re.compile(r"[\w.-]+:(\d{1,3})\.(\d{1,3})", re.ASCII)
_MAX_BYTES = 256 << 10
_MAX_INTERFACES = 64


def read_blob(path: Path) -> Evidence:
    """``descriptors`` alone: no speed and no strings."""
    evidence = Evidence(path.name)
    add_descriptors(evidence, _read(path))
    return evidence


def read_directory(path: Path) -> Evidence:
    """A device's directory. LocalError if it has no ``descriptors``."""
    if not (path / "descriptors").is_file():
        hint = "give a device's own directory, such as /sys/bus/usb/devices/1-4"
        raise unreadable(f"{path} has no file 'descriptors': it is not a USB device of sysfs", hint)
    evidence = Evidence(path.resolve().name)
    add_descriptors(evidence, _read(path / "descriptors"))
    evidence.speed = SPEEDS.get(_text(path / "speed"), Speed.UNKNOWN)
    add_strings(evidence, {name: _text(path / name) for name in (*_STRINGS, "configuration", "bConfigurationValue")})
    bos = path / "bos_descriptors"
    evidence.bos = _read(bos) if bos.is_file() else b""
    for interface in sorted(path.glob("*:*"))[:_MAX_INTERFACES]:
        _add_interface(evidence, interface, _text(path / "bConfigurationValue"))
    return evidence


def add_descriptors(evidence: Evidence, data: bytes) -> None:
    """Take ``descriptors`` apart."""
    if len(data) < 18 or data[0] < 18 or data[1] != DescriptorType.DEVICE:
        raise unreadable(f"{evidence.name}: the first 18 bytes are no device descriptor")
    evidence.device = data[:18]
    evidence.configurations = cut_configurations(data[18:])


def add_strings(evidence: Evidence, texts: dict[str, str]) -> None:
    """Strings by the names of their files; a file that is missing or empty says nothing.

    ``configuration`` is the string of the one that is active, which ``bConfigurationValue`` names.
    """
    for name, offset in _STRINGS.items():
        if evidence.device[offset] and texts.get(name):
            evidence.strings[evidence.device[offset]] = texts[name]
    for configuration in evidence.configurations if texts.get("configuration") else ():
        value, index = configuration[5:7]
        if index and str(value) == texts.get("bConfigurationValue"):
            evidence.strings[index] = texts["configuration"]
            break


def add_interface_string(evidence: Evidence, value: int, number: int, text: str) -> None:
    """The string of an interface, wherever its descriptor of that configuration names one."""
    for configuration in evidence.configurations:
        offset = 0
        while configuration[5:6] == bytes((value,)) and offset + 9 <= len(configuration) and configuration[offset] >= 2:
            if configuration[offset + 1] == DescriptorType.INTERFACE and configuration[offset + 2] == number:
                evidence.strings.setdefault(configuration[offset + 8], text)
                break
            offset += configuration[offset]
    evidence.strings.pop(0, None)


def add_report_descriptor(evidence: Evidence, number: int, data: bytes) -> None:
    """The HID report descriptor of an interface (HID 1.11, 7.1.1)."""
    evidence.answers[0x81, Request.GET_DESCRIPTOR, 0x22 << 8, number] = [data]


def interface_of(name: str) -> tuple[int, int] | None:
    """Configuration value and number of an interface by the name of its directory, ``1-2:1.0``."""
    match = _INTERFACE.fullmatch(name)
    return (int(match[1]), int(match[2])) if match else None


def _add_interface(evidence: Evidence, path: Path, active: str) -> None:
    place = interface_of(path.name)
    if place is None or (active.isdigit() and place[0] != int(active)):
        return
    if text := _text(path / "interface"):
        add_interface_string(evidence, *place, text)
    for report in sorted(path.glob("*/report_descriptor"))[:1]:
        add_report_descriptor(evidence, place[1], _read(report))


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise unreadable(f"{path} is larger than {_MAX_BYTES >> 10} KiB")
    return data


def _text(path: Path) -> str:
    return _read(path).decode("utf-8", "replace").strip() if path.is_file() else ""
