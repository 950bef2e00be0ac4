"""USB hardware that QEMU emulates: each piece says how to plug it in, at the start or later.

:mod:`hil.vm.sources` reads what a rig file says of it.
"""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = [
    "BUS", "AnyHardware", "Bridge", "Disk", "Keyboard", "SerialPort", "Speaker", "UsbHardware", "assign_ports",
    "default_hardware", "option_text",
]  # fmt: skip

BUS = "xhci.0"
_PORTS, _SUPERSPEED_PORTS = 15, 8
"""Of the controller that QemuMachine brings: the ports behind the eighth have no SuperSpeed."""
_FILLED = 64 << 20
"""Bytes of a disk that are random: what is behind them are zeroes, and takes no room on this machine."""


@dataclass(kw_only=True)
class UsbHardware:
    """A device. `properties` are what else QEMU is to be told of it; `behind` is plugged into it: disks, cards."""

    id: str
    bus: str = BUS
    port: str | None = None
    properties: dict[str, str] = field(default_factory=dict)
    behind: list[UsbHardware] = field(default_factory=list)

    driver: str = ""

    def device(self) -> dict[str, str]:
        """What QEMU's ``-device`` takes."""
        place = {"port": self.port} if self.port else {}
        return {"driver": self.driver, "id": self.id, "bus": self.bus, **place, **self.properties}

    def devices(self) -> list[dict[str, str]]:
        """Itself, and then what is behind it."""
        return [self.device(), *(each.device() for each in self.behind)]

    @property
    def waits_for_attached(self) -> bool:
        """Whether QEMU plugs it in unseen, so that disks can be added, until `attached` is set.

        Only into a running machine (d->hotplugged in QEMU's hw/usb/dev-uas.c and dev-storage-bot.c).
        """
        return self.driver in ("usb-uas", "usb-bot")

    def backends(self, directory: Path) -> list[str]:
        """QEMU arguments for what stands behind the device; its files go to `directory`."""
        return [word for each in self.behind for word in each.backends(directory)]

    def inherited(self) -> list[socket.socket]:
        """Sockets that QEMU must inherit."""
        return []

    def close(self) -> None:
        """Let go of what this process holds of it."""


@dataclass(kw_only=True)
class AnyHardware(UsbHardware):
    """Any device that QEMU has."""


@dataclass(kw_only=True)
class Disk(UsbHardware):
    """A bulk-only disk (46f4:0001), or a SCSI disk behind a bridge: random data from a seed, or those of `image`."""

    size: int = 64 << 20
    image: Path | None = None
    seed: int = 77

    driver: str = "usb-storage"

    def content(self, offset: int, size: int) -> bytes:
        """What is to be read there."""
        if self.image is None:
            raise ValueError(f"{self.id} is not plugged in")
        with self.image.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def backends(self, directory: Path) -> list[str]:
        """Its image as a block device node."""
        if "drive" in self.properties:
            return []
        if self.image is None:
            self.image = directory / f"{self.id}.img"
            with self.image.open("wb") as file:
                file.write(random.Random(self.seed).randbytes(min(self.size, _FILLED)))
                file.truncate(self.size)
        return ["-blockdev", f"driver=file,node-name={self.id}-file,filename={self.image}"]

    def device(self) -> dict[str, str]:
        """See the base class."""
        return {"drive": f"{self.id}-file"} | super().device()


@dataclass(kw_only=True)
class Bridge(UsbHardware):
    """A bridge to SCSI disks: UAS, or bulk-only without a disk of its own (`usb-bot`).

    A UAS bridge is best in a port without SuperSpeed: there, UAS needs bulk streams, which vhci_hcd does not have, and
    QEMU's speaks nothing else.
    """

    driver: str = "usb-uas"

    @property
    def disk(self) -> Disk:
        """The first disk behind it."""
        return next(each for each in self.behind if isinstance(each, Disk))


@dataclass(kw_only=True)
class SerialPort(UsbHardware):
    """An FTDI adapter (0403:6001); `line` is the far end of its line, for the test to write and read.

    `loop`: the line's far end sends back what comes, as a wire from TX to RX does.
    """

    loop: bool = False
    line: socket.socket = field(init=False)
    _far: socket.socket = field(init=False)
    driver: str = "usb-serial"

    def __post_init__(self) -> None:
        self.line, self._far = socket.socketpair()
        if self.loop:
            threading.Thread(target=self._echo, name=f"loop-{self.id}", daemon=True).start()
        else:
            self.line.settimeout(30)

    def _echo(self) -> None:
        with contextlib.suppress(OSError):
            while data := self.line.recv(1 << 16):
                self.line.sendall(data)

    def backends(self, directory: Path) -> list[str]:  # noqa: ARG002 - it has no files
        """The line as a socket that QEMU inherits."""
        return ["-chardev", f"socket,id={self.id}-line,fd={self._far.fileno()}"]

    def device(self) -> dict[str, str]:
        """See the base class."""
        return {"chardev": f"{self.id}-line"} | super().device()

    def inherited(self) -> list[socket.socket]:
        """The line."""
        return [self._far]

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            self.line.shutdown(socket.SHUT_RDWR)
        self.line.close()
        self._far.close()


@dataclass(kw_only=True)
class Keyboard(UsbHardware):
    """A HID keyboard (0627:0001); keys are pressed with `QemuMachine.press`."""

    driver: str = "usb-kbd"


@dataclass(kw_only=True)
class Speaker(UsbHardware):
    """A USB audio 1.0 speaker (46f4:0002): isochronous OUT; what it plays is in `wav` when the machine has ended."""

    wav: Path | None = None
    driver: str = "usb-audio"

    def backends(self, directory: Path) -> list[str]:
        """A wave file as the sound card."""
        if "audiodev" in self.properties:
            return []
        self.wav = self.wav or directory / f"{self.id}.wav"
        return ["-audiodev", f"wav,id={self.id}-out,path={self.wav}"]

    def device(self) -> dict[str, str]:
        """See the base class."""
        return {"audiodev": f"{self.id}-out"} | super().device()


def option_text(device: dict[str, str]) -> str:
    """The word after ``-device``: a comma in a value is doubled."""
    words = [f"{key}={value}".replace(",", ",,") for key, value in device.items() if key != "driver"]
    return ",".join([device["driver"], *words])


def assign_ports(hardware: Iterable[UsbHardware], qemu_args: Iterable[str] = ()) -> None:
    """Give each a fixed port of its bus, so that a piece that is plugged in again is on the same bus id.

    `qemu_args` may have devices in ports, too: hubs.
    """
    hardware = list(hardware)
    taken = {(piece.bus, piece.port) for piece in hardware}
    for given in (dict(part.partition("=")[::2] for part in word.split(",")) for word in qemu_args):
        taken.add((given.get("bus", BUS), given.get("port")))
    for piece in (each for each in hardware if not each.port):
        numbers = range(1, 256)
        if piece.driver == "usb-uas" and piece.bus == BUS:
            numbers = range(_PORTS, _SUPERSPEED_PORTS, -1)
        free = (str(number) for number in numbers if (piece.bus, str(number)) not in taken)
        piece.port = next(free, str(_PORTS + 1))
        taken.add((piece.bus, piece.port))


def default_hardware() -> list[UsbHardware]:
    """One of each kind."""
    return [
        Disk(id="stick", properties={"serial": "STICK1"}),
        Bridge(id="uas", behind=[Disk(id="uas-disk", driver="scsi-hd", bus="uas.0", seed=78)]),
        SerialPort(id="serial"), Keyboard(id="keyboard"), Speaker(id="speaker"),
    ]  # fmt: skip
