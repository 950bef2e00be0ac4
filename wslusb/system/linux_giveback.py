"""Giving a device back to the kernel's drivers when the process that had it is dead.

The kernel frees what a killed process had claimed, but it binds no driver to it again, and the device is in whatever
state the guest left it in.
"""

from __future__ import annotations

import fcntl
import logging
import os
import struct
import sys
import time
from pathlib import Path

from .linux_sysfs import driver_of, interfaces

assert sys.platform == "linux"  # noqa: S101 - tells mypy that the rest is Linux' alone

__all__ = ["DEV", "find", "give_back"]

_log = logging.getLogger(__name__)

DEV = Path("/dev")

# linux/usbdevice_fs.h
_USBDEVFS_RESET = 0x5514
_USBDEVFS_IOCTL = 0xC0105512
_USBDEVFS_CONNECT = 0x5517
_IOCTL = struct.Struct("iiP")  # struct usbdevfs_ioctl: ifno, ioctl_code, data

_RELEASE_TIMEOUT = 5.0  # seconds for the kernel to close a dead process's files: its pipes may be closed first
_RELEASE_STEP = 0.02


def find(sysfs: Path, bus: int, address: int) -> Path | None:
    """The folder of the device with these numbers. Another device in the same port has another address."""
    for path in sorted((sysfs / "bus/usb/devices").glob(f"{bus}-*")):
        try:
            if ":" not in path.name and int((path / "devnum").read_text()) == address:
                return path
        except (OSError, ValueError):
            continue
    return None


def give_back(sysfs: Path, dev: Path, bus: int, address: int, *, reset: bool) -> bool:
    """Reset a device, and have the kernel look for drivers. False if it is not there (any more)."""
    folder = find(sysfs, bus, address)
    if folder is None:
        return False
    _wait_for_release(folder)
    node = dev / f"bus/usb/{bus:03d}/{address:03d}"
    if reset:
        _reset(node)
    for interface in interfaces(folder):
        if not driver_of(interface):
            _probe(sysfs, node, interface.name)
    return True


def _wait_for_release(folder: Path) -> None:
    deadline = time.monotonic() + _RELEASE_TIMEOUT
    while any(_is_usbfs(interface) for interface in interfaces(folder)) and time.monotonic() < deadline:
        time.sleep(_RELEASE_STEP)


def _is_usbfs(interface: Path) -> bool:
    return driver_of(interface) == "usbfs"


def _reset(node: Path) -> None:
    try:
        descriptor = os.open(node, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.ioctl(descriptor, _USBDEVFS_RESET)
        finally:
            os.close(descriptor)
    except OSError as error:
        _log.warning("%s: no reset: %s", node, error)


def _probe(sysfs: Path, node: Path, interface: str) -> None:
    """drivers_probe is root's; who may write to the device's node can ask for the same there."""
    try:
        with (sysfs / "bus/usb/drivers_probe").open("a") as file:
            file.write(f"{interface}\n")
    except PermissionError:
        _connect(node, int(interface.rpartition(".")[2]))
    except OSError as error:
        _log.info("%s: no driver: %s", interface, error)


def _connect(node: Path, number: int) -> None:
    try:
        descriptor = os.open(node, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.ioctl(descriptor, _USBDEVFS_IOCTL, _IOCTL.pack(number, _USBDEVFS_CONNECT, 0))
        finally:
            os.close(descriptor)
    except OSError as error:
        _log.warning("%s: interface %d: no driver: %s", node, number, error)
