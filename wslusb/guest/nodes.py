"""Where a device shows up in this system: its device nodes and network interfaces, read from sysfs."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["find", "wait_usable"]

_POLL = 0.05
_SETTLE = 0.25
"""Seconds without a new node after which a device counts as complete."""
_DISK_SECONDS = 6.0
"""usb-storage scans a disk a second after it was bound (its delay_use), and some spin up."""
_DISK_DRIVERS = frozenset({"usb-storage", "uas"})
_DISK_TYPES = frozenset({"0", "7", "14"})
"""What sd takes: direct access, optical memory, simplified direct access (SPC-4, 6.4.2)."""


def find(device: Path) -> list[str]:
    """Nodes of a USB device, given its folder in sysfs: ``/dev/ttyACM0``, ``/dev/sda``, or ``eth1`` for a network card.

    Partitions and the nodes of the USB device itself (usbfs) are left out. Sorted.
    """
    nodes: set[str] = set()
    for folder, _folders, files in os.walk(device):
        if "dev" in files and "uevent" in files and "partition" not in files:
            with contextlib.suppress(OSError):
                nodes.add(_node((Path(folder) / "uevent").read_text()))
        elif Path(folder).parent.name == "net" and "ifindex" in files:
            nodes.add(Path(folder).name)
    nodes.discard("")
    return sorted(nodes)


def _node(uevent: str) -> str:
    fields = dict(line.partition("=")[::2] for line in uevent.splitlines())
    name = fields.get("DEVNAME", "")
    skipped = not name or fields.get("DEVTYPE") == "usb_device" or name.startswith(("bsg/", "bus/usb/"))
    return "" if skipped else f"/dev/{name}"


def wait_usable(sysfs: Path, busid: str, seconds: float, there: Callable[[], bool] = lambda: True) -> list[str] | None:
    """Wait until the kernel has enumerated a device and its drivers have made their nodes; None if it never does.

    A device without a driver has no nodes and is usable (by libusb programs) as soon as it is configured. One that is
    not ``there`` any more is not waited for.
    """
    device = sysfs / "bus/usb/devices" / busid
    started = time.monotonic()
    nodes: list[str] = []
    since, busy, probed = started, started, False
    while there() and (now := time.monotonic()) < started + seconds:
        if not _configured(device):
            since = busy = now
        elif not probed:
            _wait_for_drivers(device, started + seconds - now)
            probed = True
            since = busy = time.monotonic()
        elif (found := find(device.resolve())) != nodes:
            nodes = found
            since = busy = now
        elif now - since < _DISK_SECONDS and _disks_to_come(device, nodes):
            busy = now
        elif now - busy >= _SETTLE:
            return nodes
        time.sleep(_POLL)
    return nodes if there() and _configured(device) else None


def _wait_for_drivers(device: Path, seconds: float) -> None:
    """Wait until the drivers have probed: a sound card takes a second of control requests before it has a node.

    Probing holds the device's lock, and to read this attribute takes it (drivers/usb/core/sysfs.c). A driver that hangs
    would hold us, so it is a thread that reads.
    """

    def read() -> None:
        with contextlib.suppress(OSError):
            (device / "bConfigurationValue").read_bytes()

    reader = threading.Thread(target=read, name="wslusb-probing", daemon=True)
    reader.start()
    reader.join(seconds)


def _configured(device: Path) -> bool:
    # By its folders: they can be looked at while drivers are probing.
    return any(device.glob(f"{device.name}:*"))


def _target(link: Path) -> str:
    try:
        return link.readlink().name
    except OSError:
        return ""  # it has just gone


def _disks_to_come(device: Path, nodes: list[str]) -> bool:
    """Whether the scan for disks goes on: none is there, one has no node, or is being read for its partitions.

    Linux adds a logical unit only when it has done all of that with the one before (drivers/scsi/sd.c, sd_probe).
    """
    if not _DISK_DRIVERS & {_target(link) for link in device.glob(f"{device.name}:*/driver")}:
        return False
    if not any(node.startswith("/dev/sd") for node in nodes):
        return True
    units = [unit for unit in device.glob("*/host*/target*/*:*:*:*") if _text(unit / "type") in _DISK_TYPES]
    return any(not (unit / "block").exists() for unit in units) or any(
        set(_text(file).split()) - {"0"} for unit in units for file in unit.glob("block/*/inflight")
    )


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
