"""A machine of its own for every test of the command line: folders, devices, and what listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from wslusb.cli.program import program
from wslusb.control.messages import Json
from wslusb.control.server import ControlServer
from wslusb.system.api import HostDevice
from wslusb.usb.ids import Speed
from wslusb.usb.info import DeviceInfo

STICK = DeviceInfo(
    busid="1-1", vendor=0x46F4, product=1, serial="SN77", manufacturer="QEMU", product_name="Stick", speed=Speed.HIGH
)
MOUSE = DeviceInfo(
    busid="1-2", vendor=0x0627, product=1, port_path="pci-usbv2-2", product_name="マウス", speed=Speed.FULL
)


class Machine:
    """What the command line sees. ``devices`` are plugged in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.devices = [
            HostDevice(info=STICK, bus=1, address=2, drivers={0: "usb-storage"}),
            HostDevice(info=MOUSE, bus=1, address=3, drivers={0: "usbhid", 1: "usbhid"}),
        ]
        self.requests: list[Json] = []
        self._servers: list[ControlServer] = []

    def run(self, *arguments: str) -> Result:
        """``wslusb ARGUMENTS``."""
        return CliRunner().invoke(program, list(arguments))

    def listen(self, role: str, handler: Callable[[Json], Json]) -> None:
        """Let a service or agent run that answers with ``handler``."""

        def remember(request: Json) -> Json:
            self.requests.append(request)
            return handler(request)

        self._servers.append(ControlServer(self.folder / f"{role}.sock", remember))

    def close(self) -> None:
        """Stop what listens."""
        for server in self._servers:
            server.close()


class _System:
    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def devices(self) -> list[HostDevice]:
        return self._machine.devices


@pytest.fixture
def machine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    made = Machine(folder)
    monkeypatch.setenv("WSLUSB_STATE_DIR", str(folder / "state"))
    monkeypatch.setenv("WSLUSB_RUNTIME_DIR", str(folder))
    monkeypatch.delenv("WSLUSB_DEBUG", raising=False)
    for name in ("wslusb.system.current", "wslusb.cli.direct.current", "wslusb.doctor.surroundings.current"):
        monkeypatch.setattr(name, lambda: _System(made))
    yield made
    made.close()
