"""USB devices as Linux' sysfs shows them (Documentation/ABI/testing/sysfs-bus-usb). Reading needs no permission.

A device may go away between two reads: a file that is not there reads as empty, a device without descriptors is none.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..errors import LocalError
from ..usb.descriptors import DeviceDescriptor
from ..usb.ids import ClassCode, Speed
from ..usb.info import DeviceInfo
from .api import HostDevice

__all__ = [
    "SYSFS", "driver_of", "drivers", "glance", "hid_reports", "interfaces", "natural", "read_device", "read_devices",
]  # fmt: skip

SYSFS = Path("/sys")

_BUSID = re.compile(r"\d+-\d+(?:\.\d+)*")  # usb1 is a root hub, 1-4:1.0 an interface
_CONFIGURATION_HEADER = 9
_SPEEDS = {
    "1.5": Speed.LOW,
    "12": Speed.FULL,
    "480": Speed.HIGH,
    "53.3-480": Speed.WIRELESS,
    "5000": Speed.SUPER,
    "10000": Speed.SUPER_PLUS,
    "20000": Speed.SUPER_PLUS,
}


def natural(busid: str) -> list[int]:
    """A key that sorts 1-2 before 1-10."""
    return [int(number) for number in re.findall(r"\d+", busid)]


def read_devices(sysfs: Path) -> list[HostDevice]:
    """All devices but hubs, in order of bus and port."""
    folder = sysfs / "bus/usb/devices"
    try:
        busids = [entry.name for entry in folder.iterdir() if _BUSID.fullmatch(entry.name)]
    except OSError:
        return []  # a kernel without USB, or with no controller
    found = (read_device(sysfs, busid) for busid in sorted(busids, key=natural))
    return [device for device in found if device is not None]


def glance(sysfs: Path) -> tuple[tuple[str, bytes, bytes], ...]:
    """What changes when a device comes, goes or is configured: busid, devnum, bConfigurationValue. Hubs are in it.

    It is looked at again and again while URBs flow, and costs a tenth of the system calls of :func:`read_devices`.
    """
    folder = sysfs / "bus/usb/devices"
    try:
        busids = sorted(name for name in os.listdir(folder) if _BUSID.fullmatch(name))  # noqa: PTH208 - see above
    except OSError:
        return ()
    return tuple((b, _peek(f"{folder}/{b}/devnum"), _peek(f"{folder}/{b}/bConfigurationValue")) for b in busids)


def _peek(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(descriptor, 16)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def read_device(sysfs: Path, busid: str) -> HostDevice | None:
    """One device; None if it is not there, is a hub, or is half-way gone."""
    if not _BUSID.fullmatch(busid):
        return None  # it may come from a peer: never a path
    folder = sysfs / "bus/usb/devices" / busid
    raw = _bytes(folder / "descriptors")
    try:
        descriptor = DeviceDescriptor.unpack(raw)
        bus, address = int(_text(folder / "busnum")), int(_text(folder / "devnum"))
    except (LocalError, ValueError):
        return None
    if descriptor.device_class == ClassCode.HUB:
        return None
    return HostDevice(info=_info(folder, raw, descriptor), bus=bus, address=address, drivers=drivers(folder))


def _info(folder: Path, raw: bytes, descriptor: DeviceDescriptor) -> DeviceInfo:
    active = _text(folder / "bConfigurationValue")  # empty: not configured
    return DeviceInfo(
        busid=folder.name,
        vendor=descriptor.vendor,
        product=descriptor.product,
        bcd_device=descriptor.bcd_device,
        device_class=descriptor.device_class,
        subclass=descriptor.subclass,
        protocol=descriptor.protocol,
        speed=_SPEEDS.get(_text(folder / "speed"), Speed.UNKNOWN),
        manufacturer=_text(folder / "manufacturer"),
        product_name=_text(folder / "product"),
        serial=_text(folder / "serial"),
        port_path=_port_path(folder),
        active_configuration=int(active) if active.isdecimal() else 0,
        device_descriptor=raw[: DeviceDescriptor.SIZE],
        configurations=_configurations(raw[DeviceDescriptor.SIZE :], descriptor.configuration_count),
        bos=_bytes(folder / "bos_descriptors"),
    )


def _configurations(raw: bytes, count: int) -> tuple[bytes, ...]:
    """Cut at each wTotalLength; the kernel writes them one after the other (sysfs.c, descriptors_read)."""
    found: list[bytes] = []
    while len(raw) >= _CONFIGURATION_HEADER and len(found) < count:
        total = max(int.from_bytes(raw[2:4], "little"), _CONFIGURATION_HEADER)
        found.append(raw[:total])
        raw = raw[total:]
    return tuple(found)


def _port_path(folder: Path) -> str:
    """Controller, kind of root hub and ports, like udev's ID_PATH: it survives a reboot, bus numbers may not."""
    real = folder.resolve()
    root = next((parent for parent in real.parents if re.fullmatch(r"usb\d+", parent.name)), None)
    if root is None:
        return folder.name
    version = _text(root / "version").partition(".")[0] or "2"
    return f"{root.parent.name}-usbv{version}-{folder.name.partition('-')[2]}"


def interfaces(folder: Path) -> list[Path]:
    """The folders of a device's interfaces in the active configuration, in order of their numbers."""
    try:
        return sorted(folder.glob(f"{folder.name}:*"), key=lambda path: natural(path.name))
    except OSError:
        return []


def drivers(folder: Path) -> dict[int, str]:
    """The driver of each interface that has one, by interface number."""
    named = {int(path.name.rpartition(".")[2]): driver_of(path) for path in interfaces(folder)}
    return {number: name for number, name in named.items() if name}


def driver_of(interface: Path) -> str:
    """The driver that is bound to an interface; empty for none, and for a device that has just gone."""
    try:
        return (interface / "driver").readlink().name
    except OSError:
        return ""


def hid_reports(busid: str, sysfs: Path = SYSFS) -> dict[int, bytes]:
    """The HID report descriptors that the kernel has read, by interface number (drivers/hid/hid-core.c)."""
    folder = sysfs / "bus/usb/devices" / busid
    found = {}
    for interface in interfaces(folder):
        for path in interface.glob("*/report_descriptor"):
            found[int(interface.name.rpartition(".")[2])] = _bytes(path)
    return {number: report for number, report in found.items() if report}


def _text(path: Path) -> str:
    return _bytes(path).decode("utf-8", "replace").strip()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
