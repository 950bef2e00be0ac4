"""What is plugged into the machine: Gadget Zero (SourceSink and Loopback), a USB stick, a modem; and who drives it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from tests.integration.device_contract import Pair
from wslusb.device.libusb import LibusbDevice

BULK = Pair(configuration=1, source=0x81, sink=0x02, max_packet=512)
ECHO = Pair(configuration=2, source=0x81, sink=0x02, max_packet=512)
STICK = Pair(configuration=1, source=0x81, sink=0x02, max_packet=512)
MIB = 1 << 20
STICK_SIZE = 32 * MIB
SYSFS = Path("/sys/bus/usb/devices")
Opener = Callable[[str], LibusbDevice]
"""A device by its serial number."""


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def folder(serial: str) -> Path:
    for path in SYSFS.glob("*-*"):
        with contextlib.suppress(OSError):
            if (path / "serial").read_text().strip() == serial:
                return path
    return Path("/none")


def driver(serial: str, interface: int = 0) -> str:
    for link in folder(serial).glob(f"*:*.{interface}/driver"):
        return link.readlink().name
    return ""
