"""Where a stick is, inside a machine: its folder in sysfs, its block device, its node for usbfs."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

__all__ = ["VHCI", "find_device", "main"]

DEVICES = Path("/sys/bus/usb/devices")
VHCI = Path("/sys/devices/platform/vhci_hcd.0")
_Found = TypeVar("_Found")


def wait_for(what: str, look: Callable[[], _Found | None], seconds: float) -> _Found:
    """What ``look`` finds within some seconds. TimeoutError if it finds nothing."""
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"there is no {what}")
        time.sleep(0.05)
    return found


def find_device(serial: str, *, imported: bool, seconds: float) -> Path:
    """A device by its serial; ``imported`` says whether it is vhci_hcd's or this machine's own."""

    def look() -> Path | None:
        for file in DEVICES.glob("*/serial"):
            if file.read_text().strip() == serial and ("vhci_hcd" in str(file.resolve())) is imported:
                return DEVICES / file.parent.name
        return None

    return wait_for(f"device with the serial {serial}", look, seconds)


def block_device(device: Path) -> str | None:
    """``/dev/sdX`` of a stick, once it has a medium."""
    for size in device.resolve().glob("*/host*/target*/*/block/*/size"):
        if int(size.read_text()):
            return f"/dev/{size.parent.name}"
    return None


def locate(serial: str, *, imported: bool, seconds: float = 20.0) -> dict[str, str]:
    """The nodes of a stick, when both are there."""
    device = find_device(serial, imported=imported, seconds=seconds)
    disk = wait_for(f"disk on {serial}", lambda: block_device(device), seconds)
    bus, number = (int((device / name).read_text()) for name in ("busnum", "devnum"))
    return {"disk": disk, "usb": f"/dev/bus/usb/{bus:03}/{number:03}"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the nodes of one stick as JSON."""
    parser = argparse.ArgumentParser(prog="python -m hil.bench.locate", description=__doc__)
    parser.add_argument("serial")
    parser.add_argument("--imported", action="store_true", help="the one behind vhci_hcd")
    options = parser.parse_args(arguments)
    print(json.dumps(locate(options.serial, imported=options.imported)))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
