"""Runs in a machine of the rig: plugs kernel gadgets into dummy_hcd and writes down what Linux says of them.

    python tests/samples/record.py DIRECTORY

For each gadget DIRECTORY/NAME has `sysfs/` (the attributes of the device and of its interfaces), `lsusb.txt`,
`umockdev.txt` and `usbmon.txt`; `usbmon.pcap` holds what usbmon saw while all of them were plugged in one by
one. `make.py` boots the machine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from hil import gadgets
from hil.gadgets import Function, Gadget
from tests.support.usbmon import Monitor

SYSFS = Path("/sys/bus/usb/devices")
DEBUG = Path("/sys/kernel/debug")
ATTRIBUTES = (
    "descriptors", "bos_descriptors", "speed", "bConfigurationValue", "configuration", "manufacturer", "product",
    "serial", "busnum", "devnum",
)  # fmt: skip


def composite() -> Gadget:
    """Functions of many classes; tests/samples/composite.scheme describes the same gadget."""
    functions = [
        Function("acm.usb0"),
        Function("ecm.usb0", {"dev_addr": "02:00:00:00:00:02", "host_addr": "02:00:00:00:00:01"}),
        Function("mass_storage.usb0", {"lun.0/removable": "1"}),
        Function("hid.usb0", {"protocol": "1", "subclass": "1", "report_length": "8",
                              "report_desc": gadgets.BOOT_KEYBOARD_REPORT}),
    ]  # fmt: skip
    strings = {"manufacturer": "wslusb", "product": "Composite gadget"}
    return Gadget("composite", 0x1D6B, 0x0104, [functions], "COMPOSITE1", strings)


def midi() -> Gadget:
    """A MIDI port."""
    return Gadget("midi", 0x1D6B, 0x0109, [[Function("midi.usb0")]], "MIDI1")


def network() -> Gadget:
    """CDC NCM, and a printer."""
    return Gadget("network", 0x1D6B, 0x0108, [[Function("ncm.usb0"), Function("printer.usb0")]], "NETWORK1")


GADGETS: dict[str, Callable[[], Gadget]] = {
    "acm": lambda: gadgets.acm(serial="ACM1"),
    "keyboard": lambda: gadgets.hid(serial="KBD1"),
    "zero": lambda: gadgets.source_sink(serial="ZERO"),
    "composite": composite,
    "midi": midi,
    "network": network,
}


def plugged(serial: str) -> Path:
    """Wait for the device with this serial number, until it is configured."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for path in SYSFS.glob("*/serial"):
            value = path.parent / "bConfigurationValue"
            if path.read_text().strip() == serial and value.read_text().strip():
                return path.parent.resolve()
        time.sleep(0.05)
    raise TimeoutError(serial)


def copy_sysfs(device: Path, target: Path) -> None:
    """The attributes that an importer may look at, under the same names."""
    target.mkdir(parents=True)
    for name in ATTRIBUTES:
        if (device / name).exists():
            (target / name).write_bytes((device / name).read_bytes())
    for source in (*device.glob("*:*/interface"), *device.glob("*:*/*/report_descriptor")):
        copy = target / source.relative_to(device).as_posix().replace(":", "_")  # some systems have no colons in names
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.read_bytes())


def unbind_usbhid(device: Path) -> None:
    """Take its interfaces from usbhid."""
    for interface in device.glob("*:*"):
        driver = interface / "driver"
        if driver.exists() and driver.resolve().name == "usbhid":
            (driver / "unbind").write_text(interface.name)


def output(command: Sequence[str]) -> bytes:
    """What a program prints."""
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode or not done.stdout:
        print(f"{command}: {done.returncode} {done.stderr.decode()}")  # noqa: T201
    return done.stdout


def record(name: str, target: Path) -> None:
    """One gadget: in, written down, out."""
    gadget = GADGETS[name]()
    text = os.open(DEBUG / "usb/usbmon/0u", os.O_RDONLY | os.O_NONBLOCK)
    gadget.create()
    try:
        device = plugged(gadget.serial)
        time.sleep(0.5)  # a class driver may still be talking; it belongs into the capture
        copy_sysfs(device, target / "sysfs")
        (target / "usbmon.txt").write_bytes(drain(text))
        bus, number = ((device / each).read_text().strip() for each in ("busnum", "devnum"))
        unbind_usbhid(device)  # lsusb claims an interface to read its report descriptor
        (target / "lsusb.txt").write_bytes(output(["lsusb", "-v", "-s", f"{bus}:{number}"]))
        (target / "umockdev.txt").write_bytes(output(["umockdev-record", str(device)]))
    finally:
        os.close(text)
        gadgets.remove(gadget.name)


def drain(descriptor: int) -> bytes:
    """All lines that are there (the file has no poll)."""
    found = b""
    with contextlib.suppress(BlockingIOError):
        while piece := os.read(descriptor, 1 << 16):
            found += piece
    return found


def main() -> None:
    """Record every gadget."""
    target = Path(sys.argv[1])
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    subprocess.run(["mount", "-t", "debugfs", "debugfs", DEBUG], check=False, capture_output=True)
    monitor = Monitor(target / "usbmon.pcap")
    monitor.start()
    for name in GADGETS:
        record(name, target / name)
    monitor.end()


if __name__ == "__main__":
    main()
