"""vhci_hcd through sysfs: ports, attach, detach (drivers/usb/usbip/vhci_sysfs.c).

A controller has a high-speed and a SuperSpeed half. ``status`` lists the ports of the first controller, ``status.1``
those of the second, and so on; ports are numbered through.
"""

from __future__ import annotations

import contextlib
import errno
import re
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import LocalError, LocalReason
from ..usb.ids import Speed

__all__ = ["Port", "Vhci"]

_FREE = 4
"""VDEV_ST_NULL of enum usbip_status: no device, no connection."""
_USED = 6
_LINE = re.compile(r"(hs|ss)\s+(\d+)\s+(\d+)\s+(\d+)\s+([0-9a-f]+)\s+(\S+)\s+(\S+)")
_HINT = "run 'modprobe vhci-hcd' as root (WSL2 ships it as a module; Debian: linux-image has it)"


@dataclass(slots=True, frozen=True)
class Port:
    """One line of a status file. ``busid`` is the guest's own name of the device, empty until it has an address."""

    number: int
    superspeed: bool
    status: int
    devid: int
    busid: str

    @property
    def free(self) -> bool:
        """Whether a device can be attached."""
        return self.status == _FREE


class Vhci:
    """The virtual host controllers of this kernel."""

    def __init__(self, sysfs: Path = Path("/sys")) -> None:
        self.sysfs = sysfs
        self._controller = sysfs / "devices/platform/vhci_hcd.0"

    @property
    def present(self) -> bool:
        """Whether the driver is there."""
        return (self._controller / "attach").exists()

    def load(self) -> None:
        """Load the module if it is not there yet. LocalError(MISSING) if the kernel has none."""
        if self.present:
            return
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(["modprobe", "vhci-hcd"], check=False, capture_output=True, timeout=30)
        if not self.present:
            raise LocalError(LocalReason.MISSING, "this kernel has no vhci_hcd", hint=_HINT)

    def ports(self) -> list[Port]:
        """All ports of all controllers, by number."""
        return sorted(self._scan(), key=lambda port: port.number)

    def _scan(self) -> Iterator[Port]:
        """All ports, one controller's file after the other, read when they are wanted."""
        for file in sorted(self._controller.glob("status*")):
            for kind, number, status, _speed, devid, _fd, busid in _LINE.findall(file.read_text()):
                used = busid if int(status) == _USED else ""
                yield Port(int(number), kind == "ss", int(status), int(devid, 16), used)

    def attach(self, sock: socket.socket, devid: int, speed: Speed) -> int:
        """Give the kernel its end of a socket pair; the number of the port that it serves from now on.

        The kernel keeps its own reference: ``sock`` can be closed. LocalError if no port of the right speed is free.
        """
        superspeed = speed >= Speed.SUPER
        for port in self.ports():
            if port.superspeed is not superspeed or not port.free:
                continue
            try:
                self._attach(port.number, sock.fileno(), devid, speed)
            except OSError as error:
                if error.errno == errno.EBUSY:
                    # Somebody else was faster: the next port.
                    continue
                raise self._refused("attach", error) from error
            return port.number
        kind = "SuperSpeed" if superspeed else "high-speed"
        raise LocalError(LocalReason.REFUSED, f"no {kind} port of vhci_hcd is free", hint="detach another device first")

    def _attach(self, number: int, descriptor: int, devid: int, speed: Speed) -> None:
        try:
            self._write("attach", f"{number} {descriptor} {devid} {int(speed)}")
        except OSError as error:
            if error.errno != errno.EINVAL or speed <= Speed.SUPER:
                raise
            # Older kernels know no faster one (WSL2's 5.10: dorssel/usbipd-win#259); data do not flow by that number.
            self._write("attach", f"{number} {descriptor} {devid} {int(Speed.SUPER)}")

    def detach(self, number: int) -> None:
        """Close a port. Harmless if it is closed already."""
        try:
            self._write("detach", str(number))
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENODEV):
                raise self._refused("detach", error) from error

    def port(self, number: int) -> Port | None:
        """One port as it is now."""
        return next((port for port in self._scan() if port.number == number), None)

    def resetting(self, number: int) -> bool:
        """Whether the kernel has just reset this port and is enumerating the device anew.

        Its ``usb_port`` says so since Linux 6.6 (drivers/usb/core/port.c, state_show); before that the device number,
        which is 0 from the reset until SET_ADDRESS, does, for all but SuperSpeed.
        """
        port = self.port(number)
        if port is None or not port.busid:
            return False
        device = self.sysfs / "bus/usb/devices" / port.busid
        with contextlib.suppress(OSError):
            return (device / "port/state").read_text().strip() != "configured"
        with contextlib.suppress(OSError, ValueError):
            return int((device / "devnum").read_text()) == 0
        return False

    def _write(self, name: str, text: str) -> None:
        # One write, unbuffered: the kernel takes the line as a whole and its errno is what we want to see.
        with (self._controller / name).open("wb", buffering=0) as file:
            file.write(text.encode())

    def _refused(self, what: str, error: OSError) -> LocalError:
        if isinstance(error, PermissionError):
            return LocalError(LocalReason.ACCESS_DENIED, f"vhci_hcd: {what} is for root", hint="run the agent as root")
        return LocalError(LocalReason.REFUSED, f"vhci_hcd: {what} failed: {error.strerror}")
