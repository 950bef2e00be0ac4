"""The kernel's own usbip over a socket of our choice: the contender that wslusb is measured against.

It runs inside a machine, as root. ``usbip`` and ``usbipd`` know TCP alone, but both kernel drivers take any stream
socket: ``usbip-host`` by the file ``usbip_sockfd``, ``vhci_hcd`` by ``attach`` (drivers/usb/usbip/stub_dev.c and
vhci_sysfs.c). The kernels keep the socket; the two programs end as soon as they have handed it over.

    python -m hil.bench.usbip export SERIAL vsock:7001     # prints "ready DEVID SPEED", waits for the other
    python -m hil.bench.usbip import vsock:2:7001 DEVID SPEED
"""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from hil.bench.locate import VHCI, find_device

__all__ = ["main"]

DRIVER = Path("/sys/bus/usb/drivers/usbip-host")
FREE = "004"
"""VDEV_ST_NULL in a line of vhci_hcd's status."""
SPEEDS = {"12": 2, "1.5": 1, "480": 3, "5000": 5, "10000": 6}
"""Of a device's file ``speed``, as enum usb_device_speed (linux/usb/ch9.h)."""
SUPER = 5
_SECONDS = 20.0


def endpoint(text: str) -> tuple[int, tuple[int, int] | tuple[str, int]]:
    """Socket family and address of ``vsock:PORT``, ``vsock:CID:PORT`` or ``tcp:PORT`` (of this machine)."""
    kind, *numbers = text.split(":")
    port = int(numbers[-1])
    if kind == "tcp":
        return socket.AF_INET, ("127.0.0.1", port)
    family: int = socket.AF_VSOCK
    return family, (int(numbers[0]) if len(numbers) == 2 else 0xFFFFFFFF, port)


def take_from_driver(device: Path) -> None:
    """Put ``usbip-host`` in the place of whatever driver a device has."""
    write(DRIVER / "match_busid", f"add {device.name}")
    if (device / "driver").exists():
        write(device / "driver/unbind", device.name)
    write(DRIVER / "bind", device.name)


def export(serial: str, address: str) -> None:
    """Give one device to the first that connects."""
    device = find_device(serial, imported=False, seconds=_SECONDS)
    take_from_driver(device)
    family, place = endpoint(address)
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.bind(place)
        listener.listen(1)
        numbers = [int((device / name).read_text()) for name in ("busnum", "devnum")]
        speed = SPEEDS[(device / "speed").read_text().strip()]
        print("ready", numbers[0] << 16 | numbers[1], speed, flush=True)  # noqa: T201
        listener.settimeout(_SECONDS)
        connection, _ = listener.accept()
    hand_over(connection, device / "usbip_sockfd", "{}")


def attach(address: str, devid: int, speed: int) -> None:
    """Attach the device that an exporter gives at ``address`` to the first free port of its speed."""
    family, place = endpoint(address)
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.settimeout(_SECONDS)
    connection.connect(place)
    lines = (line.split() for line in (VHCI / "status").read_text().splitlines())
    port = next(words[1] for words in lines if words[0] == ("ss" if speed >= SUPER else "hs") and words[2] == FREE)
    hand_over(connection, VHCI / "attach", f"{int(port)} {{}} {devid} {speed}")


def hand_over(connection: socket.socket, file: Path, form: str) -> None:
    """Write the descriptor into a sysfs file. The socket has to block, and not to have Nagle's delay, as usbipd's."""
    connection.settimeout(None)
    if connection.family == socket.AF_INET:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    write(file, form.format(connection.fileno()))
    connection.close()


def write(file: Path, text: str) -> None:
    """One unbuffered write, so that the kernel's errno is what is seen."""
    with file.open("wb", buffering=0) as raw:
        raw.write(text.encode())


def main(arguments: Sequence[str] | None = None) -> int:
    """Export or import one device."""
    parser = argparse.ArgumentParser(prog="python -m hil.bench.usbip", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    exporting = verbs.add_parser("export")
    exporting.add_argument("serial")
    exporting.add_argument("address")
    importing = verbs.add_parser("import")
    importing.add_argument("address")
    importing.add_argument("devid", type=int)
    importing.add_argument("speed", type=int)
    options = parser.parse_args(arguments)
    if options.verb == "export":
        export(options.serial, options.address)
    else:
        attach(options.address, options.devid, options.speed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
