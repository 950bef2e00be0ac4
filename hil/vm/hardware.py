"""USB hardware that QEMU emulates: each piece says how to plug it in at the start, or later through QMP."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hil.errors import RigError
from wslusb.sizes import byte_count

BUS = "xhci.0"


@dataclass(kw_only=True)
class UsbHardware:
    """A USB device. `device()` is what QMP's device_add takes; `backends()` are its other QEMU arguments."""

    id: str
    port: str | None = None

    driver = ""

    def device(self) -> dict[str, Any]:
        """The device's properties."""
        place = {"port": self.port} if self.port else {}
        return {"driver": self.driver, "id": self.id, "bus": BUS, **place}

    def backends(self, directory: Path) -> list[str]:  # noqa: ARG002 - for subclasses
        """QEMU arguments for what stands behind the device; its files go to `directory`."""
        return []

    def inherited(self) -> list[socket.socket]:
        """Sockets that QEMU must inherit."""
        return []

    def close(self) -> None:
        """Let go of what this process holds of it."""


@dataclass(kw_only=True)
class Stick(UsbHardware):
    """A bulk-only disk at SuperSpeed (46f4:0001), random data from a seed unless `image` names a file."""

    size: int = 64 << 20
    serial: str = "STICK1"
    image: Path | None = None
    seed: int = 77

    driver = "usb-storage"

    def content(self, offset: int, size: int) -> bytes:
        """What is to be read there."""
        if self.image is None:
            raise ValueError(f"{self.id} is not plugged in")
        with self.image.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def backends(self, directory: Path) -> list[str]:
        """Its image as a block device node."""
        return ["-blockdev", f"driver=file,node-name={self.id}-file,filename={self._prepare(directory)}"]

    def device(self) -> dict[str, Any]:
        """See the base class."""
        return super().device() | {"drive": f"{self.id}-file", "serial": self.serial}

    def _prepare(self, directory: Path) -> Path:
        if self.image is None:
            self.image = directory / f"{self.id}.img"
            self.image.write_bytes(random.Random(self.seed).randbytes(self.size))
        return self.image


@dataclass(kw_only=True)
class UasDisk(Stick):
    """A disk that speaks UAS; the disk itself is a SCSI device behind it.

    By default it is in a port without SuperSpeed: there, UAS needs bulk streams, which vhci_hcd does not have, and this
    bridge speaks nothing else.
    """

    serial: str = "UAS1"
    port: str | None = "15"
    driver = "usb-uas"

    def device(self) -> dict[str, Any]:
        """The UAS bridge; `disk()` goes behind it."""
        return UsbHardware.device(self)

    def disk(self) -> dict[str, Any]:
        """The disk."""
        return {
            "driver": "scsi-hd", "id": f"{self.id}-disk", "bus": f"{self.id}.0", "drive": f"{self.id}-file",
            "serial": self.serial,
        }  # fmt: skip


@dataclass(kw_only=True)
class SerialPort(UsbHardware):
    """An FTDI adapter (0403:6001); `line` is the far end of its line, for the test to write and read.

    `loop`: the line's far end sends back what comes, as a wire from TX to RX does.
    """

    loop: bool = False
    line: socket.socket = field(init=False)
    _far: socket.socket = field(init=False)
    driver = "usb-serial"

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

    def device(self) -> dict[str, Any]:
        """See the base class."""
        return super().device() | {"chardev": f"{self.id}-line"}

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

    driver = "usb-kbd"


@dataclass(kw_only=True)
class Speaker(UsbHardware):
    """A USB audio 1.0 speaker (46f4:0002): isochronous OUT; what it plays is in `wav` when the machine has ended."""

    wav: Path | None = None
    driver = "usb-audio"

    def backends(self, directory: Path) -> list[str]:
        """A wave file as the sound card."""
        self.wav = self.wav or directory / f"{self.id}.wav"
        return ["-audiodev", f"wav,id={self.id}-out,path={self.wav}"]

    def device(self) -> dict[str, Any]:
        """See the base class."""
        return super().device() | {"audiodev": f"{self.id}-out"}


@dataclass(kw_only=True)
class AnyHardware(UsbHardware):
    """Any device that QEMU has, with its properties as QEMU names them."""

    driver: str = ""
    properties: dict[str, str] = field(default_factory=dict)

    def device(self) -> dict[str, Any]:
        """See the base class."""
        return super().device() | self.properties


def parse_hardware(name: str, text: str) -> UsbHardware:
    """The piece that ``DRIVER,property=value,...`` means, as after QEMU's ``-device``; `name` becomes its id.

    ``usb-storage`` and ``usb-uas`` have an image of their own (``size=64M``, ``seed=77``, or ``image=FILE``), as
    ``usb-serial`` has a line (``loop=on``) and ``usb-audio`` a wave file.
    """
    driver, *words = text.split(",")
    given = dict(word.partition("=")[::2] for word in words)
    port = {"port": given.pop("port")} if "port" in given else {}
    if driver not in _PIECES:
        return AnyHardware(id=name, driver=driver, properties=given, **port)
    piece, readers = _PIECES[driver]
    if unknown := given.keys() - readers:
        raise RigError(f"{name}: {driver} has no {', '.join(sorted(unknown))} here, only {', '.join(readers)}")
    return piece(id=name, **port, **{key: readers[key](value) for key, value in given.items()})


def _switch(text: str) -> bool:
    return text in ("on", "true", "yes", "1")


_DISK: dict[str, Callable[[str], Any]] = {"size": byte_count, "seed": int, "serial": str, "image": Path}
_PIECES: dict[str, tuple[Callable[..., UsbHardware], dict[str, Callable[[str], Any]]]] = {
    "usb-storage": (Stick, _DISK),
    "usb-uas": (UasDisk, _DISK),
    "usb-serial": (SerialPort, {"loop": _switch}),
    "usb-audio": (Speaker, {}),
}


def default_hardware() -> list[UsbHardware]:
    """One of each kind."""
    return [
        Stick(id="stick"), UasDisk(id="uas", seed=78), SerialPort(id="serial"), Keyboard(id="keyboard"),
        Speaker(id="speaker"),
    ]  # fmt: skip
