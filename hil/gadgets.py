"""Kernel gadgets on dummy_udc: USB hardware, plugged into this very machine, whose firmware is Linux's own.

It runs inside a UML machine, as root:

    python -m hil.gadgets mass-storage --size 64M --serial SN77
    python -m hil.gadgets source-sink
    python -m hil.gadgets list
    python -m hil.gadgets remove sn77

Each command prints the gadget's name and its UDC. See Linux: Documentation/usb/gadget_configfs.rst.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wslusb.sizes import byte_count

ROOT = Path("/sys/kernel/config/usb_gadget")
UDCS = Path("/sys/class/udc")
ENGLISH = "strings/0x409"

BOOT_KEYBOARD_REPORT = bytes.fromhex(
    "05010906a101050719e029e71500250175019508810295017508810395057501050819012905910295017503910395067508150025650507190029658100c0"
)
"""The boot keyboard of the HID specification, appendix B.1: 8 bytes in, 1 byte of LEDs out."""


SPEEDS = {"full": "full-speed", "high": "high-speed", "super": "super-speed"}
"""What configfs calls a gadget's `max_speed`; super needs dummy_hcd.is_super_speed=1 on the kernel command line."""


class GadgetError(Exception):
    """The gadget cannot be made here."""


@dataclass(frozen=True)
class Function:
    """A configfs function: `name` is its directory (`acm.0`), `attributes` what is written below it, in order."""

    name: str
    attributes: Mapping[str, str | bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Gadget:
    """A device to be made. Each entry of `configurations` is a list of functions."""

    name: str
    vendor: int
    product: int
    configurations: Sequence[Sequence[Function]]
    serial: str = "SN1"
    strings: Mapping[str, str] = field(default_factory=lambda: {"manufacturer": "wslusb", "product": "gadget"})
    usb_version: int = 0x0200
    max_speed: str | None = None

    @property
    def path(self) -> Path:
        """Its directory in configfs."""
        return ROOT / self.name

    def create(self, udc: str | None = None) -> str:
        """Make it and plug it in; the name of its UDC."""
        if not ROOT.is_dir():
            raise GadgetError(f"no {ROOT}: is configfs mounted, and CONFIG_USB_CONFIGFS there?")
        udc = udc or free_udc()
        try:
            self._describe()
            write(self.path / "UDC", udc)
        except OSError:
            with contextlib.suppress(OSError):
                remove(self.name)
            raise
        return udc

    def _describe(self) -> None:
        self.path.mkdir()
        write(self.path / "idVendor", f"{self.vendor:#06x}")
        write(self.path / "idProduct", f"{self.product:#06x}")
        write(self.path / "bcdUSB", f"{self.usb_version:#06x}")
        if self.max_speed:
            write(self.path / "max_speed", self.max_speed)
        (self.path / ENGLISH).mkdir(parents=True)
        for name, text in {**self.strings, "serialnumber": self.serial}.items():
            write(self.path / ENGLISH / name, text)
        for number, functions in enumerate(self.configurations, 1):
            self._add_configuration(self.path / f"configs/c.{number}", functions)

    def _add_configuration(self, configuration: Path, functions: Sequence[Function]) -> None:
        configuration.mkdir(parents=True)
        for function in functions:
            directory = self.path / "functions" / function.name
            if not directory.is_dir():
                directory.mkdir(parents=True)
                for name, value in function.attributes.items():
                    write(directory / name, value)
            (configuration / function.name).symlink_to(directory)


def write(path: Path, value: str | bytes) -> None:
    """Set an attribute; configfs wants a single write."""
    with path.open("wb", buffering=0) as file:
        file.write(value.encode() if isinstance(value, str) else value)


def gadgets() -> dict[str, str]:
    """The gadgets that exist, and the UDC that each is on ("" for none)."""
    if not ROOT.is_dir():
        return {}
    return {path.name: (path / "UDC").read_text().strip() for path in sorted(ROOT.iterdir())}


def free_udc() -> str:
    """The first dummy UDC without a gadget (raw-gadget's are not seen: name one if you use both)."""
    taken = set(gadgets().values())
    free = [path.name for path in sorted(UDCS.glob("dummy_udc.*")) if path.name not in taken]
    if not free:
        raise GadgetError("no free dummy_udc: remove a gadget, or boot with a larger dummy_hcd.num")
    return free[0]


def unplug(name: str) -> None:
    """Pull a gadget out of its port; it stays defined."""
    write(ROOT / name / "UDC", "\n")


def plug(name: str, udc: str | None = None) -> str:
    """Put a gadget that was unplugged back."""
    udc = udc or free_udc()
    write(ROOT / name / "UDC", udc)
    return udc


def remove(name: str) -> None:
    """Unplug a gadget and take it apart, in the order that configfs demands."""
    path = ROOT / name
    with contextlib.suppress(OSError):
        unplug(name)
    for configuration in path.glob("configs/*"):
        for link in (entry for entry in configuration.iterdir() if entry.is_symlink()):
            link.unlink()
        configuration.rmdir()
    for directory in (*path.glob("functions/*"), *path.glob("strings/*")):
        directory.rmdir()
    path.rmdir()


def mass_storage(
    image: Path, *, serial: str = "SN77", vendor: int = 0x46F4, product: int = 0x00AA, removable: bool = True
) -> Gadget:
    """A bulk-only disk on an image file."""
    function = Function("mass_storage.0", {"lun.0/removable": str(int(removable)), "lun.0/file": str(image)})
    return Gadget(serial.lower(), vendor, product, [[function]], serial)


def source_sink(*, serial: str = "ZERO") -> Gadget:
    """Gadget Zero: SourceSink is configuration 1, Loopback 2; the kernel's usbtest driver binds to 0525:a4a0."""
    return Gadget(serial.lower(), 0x0525, 0xA4A0, [[Function("SourceSink.0")], [Function("Loopback.0")]], serial)


def acm(*, serial: str = "ACM1") -> Gadget:
    """A CDC-ACM modem: /dev/ttyGS0 here is the far end of the /dev/ttyACM0 that the host side gets."""
    return Gadget(serial.lower(), 0x1D6B, 0x0104, [[Function("acm.0")]], serial)


def hid(*, serial: str = "KBD1") -> Gadget:
    """A boot keyboard: eight bytes written to /dev/hidg0 are a report."""
    attributes: dict[str, str | bytes] = {"protocol": "1", "subclass": "1", "report_length": "8"}
    attributes["report_desc"] = BOOT_KEYBOARD_REPORT
    return Gadget(serial.lower(), 0x1D6B, 0x0105, [[Function("hid.0", attributes)]], serial)


def make_image(path: Path, size: int, seed: int | None) -> Path:
    """A backing file: zeroes, or bytes that `random.Random(seed).randbytes(size)` gives again anywhere."""
    if seed is None:
        with path.open("wb") as file:
            file.truncate(size)
    else:
        path.write_bytes(random.Random(seed).randbytes(size))
    return path


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m hil.gadgets", description="Plug kernel gadgets into dummy_udc.")
    verbs = top.add_subparsers(dest="verb", required=True)
    for name in ("mass-storage", "source-sink", "acm", "hid"):
        verb = verbs.add_parser(name)
        verb.add_argument("--serial")
        verb.add_argument("--speed", choices=SPEEDS, help="the fastest that it offers")
        verb.add_argument("--udc", help="default: the first free dummy_udc")
        if name == "mass-storage":
            verb.add_argument("--image", type=Path, help="backing file (default: one in /dev/shm)")
            verb.add_argument("--size", type=byte_count, default=64 << 20)
            verb.add_argument("--seed", type=int, help="fill it with random.Random(SEED).randbytes")
    for name in ("remove", "unplug", "plug"):
        verbs.add_parser(name).add_argument("name")
    verbs.add_parser("list")
    return top


def build(options: argparse.Namespace) -> Gadget:
    """The gadget that the command line asks for."""
    gadget = _build_kind(options)
    if options.speed:
        version = 0x0320 if options.speed == "super" else 0x0200
        gadget = dataclasses.replace(gadget, max_speed=SPEEDS[options.speed], usb_version=version)
    return gadget


def _build_kind(options: argparse.Namespace) -> Gadget:
    serial = {"serial": options.serial} if options.serial else {}
    if options.verb == "mass-storage":
        image = options.image or Path(f"/dev/shm/{(options.serial or 'SN77').lower()}.img")  # noqa: S108 - a VM's own
        if not image.exists():
            make_image(image, options.size, options.seed)
        return mass_storage(image, **serial)
    return {"source-sink": source_sink, "acm": acm, "hid": hid}[options.verb](**serial)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says."""
    options = parser().parse_args(arguments)
    match options.verb:
        case "list":
            for name, udc in gadgets().items():
                print(name, udc)  # noqa: T201
        case "remove":
            remove(options.name)
        case "unplug":
            unplug(options.name)
        case "plug":
            print(options.name, plug(options.name))  # noqa: T201
        case _:
            gadget = build(options)
            print(gadget.name, gadget.create(options.udc))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
