"""A vhci_hcd made of a folder: an agent attaches devices to it as to a kernel's, and the test has the kernel's ends."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from tests.support.kernel import Kernel
from wslusb.guest.vhci import Vhci

_PORTS = 8
_FREE, _USED = 4, 6


class MadeVhci(Vhci):
    """Eight high-speed ports. A device in port N is 1-(N+1), and enumerated at once if ``enumerates``."""

    def __init__(self, sysfs: Path) -> None:
        super().__init__(sysfs)
        self.enumerates = True
        self.kernels: dict[int, Kernel] = {}
        self._folder = sysfs / "devices/platform/vhci_hcd.0"
        self._folder.mkdir(parents=True)
        (self._folder / "attach").touch()
        self._show()

    def _show(self) -> None:
        lines = []
        for number in range(_PORTS):
            used = number in self.kernels
            busid = f"1-{number + 1}" if used and self.enumerates else "0-0"
            lines.append(f"hs  {number:04} {_USED if used else _FREE:03} 003 00010002 000003 {busid}\n")
        temporary = self._folder / "new"
        temporary.write_text("hub port sta spd dev      sockfd local_busid\n" + "".join(lines))
        temporary.replace(self._folder / "status")

    def _write(self, name: str, text: str) -> None:
        """What the kernel does with a line in ``attach``: it takes a reference to the socket."""
        assert name == "attach"
        number, descriptor, _devid, _speed = map(int, text.split())
        if self.enumerates:
            busid = f"1-{number + 1}"
            (self.sysfs / "bus/usb/devices" / busid / f"{busid}:1.0").mkdir(parents=True, exist_ok=True)
        self.kernels[number] = Kernel(socket.socket(fileno=os.dup(descriptor)))
        self._show()

    def close(self) -> None:
        """The kernel lets go of everything."""
        for kernel in self.kernels.values():
            kernel.sock.close()
