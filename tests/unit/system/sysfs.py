"""A made tree that looks like Linux' sysfs, for tests on machines without USB."""

from __future__ import annotations

from pathlib import Path

from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface

CONTROLLER = "devices/pci0000:00/0000:00:14.0"


def configuration(value: int = 1, interfaces: int = 1) -> bytes:
    made = [Interface(number, endpoints=[Endpoint(0x81 + number, 2, 512)]) for number in range(interfaces)]
    return Configuration(value, made).pack()


PLAIN = (configuration(),)


class Tree:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.devices = root / "bus/usb/devices"
        self.devices.mkdir(parents=True)
        (root / "bus/usb/drivers_probe").touch()
        self.add_root_hub(1, "2.00")

    def add_root_hub(self, bus: int, version: str) -> None:
        folder = self._folder(f"usb{bus}", f"{CONTROLLER}/usb{bus}")
        (folder / "version").write_text(f" {version}\n")
        (folder / "descriptors").write_bytes(DeviceDescriptor(0x1D6B, 2, device_class=9).pack())
        (folder / "busnum").write_text(f"{bus}\n")
        (folder / "devnum").write_text("1\n")

    def add(
        self, busid: str, address: int, *, device_class: int = 0, configurations: tuple[bytes, ...] = PLAIN,
        drivers: dict[int, str] | None = None, **files: str,
    ) -> Path:  # fmt: skip
        bus = int(busid.partition("-")[0])
        folder = self._folder(busid, f"{CONTROLLER}/usb{bus}/{busid}")
        descriptor = DeviceDescriptor(0x46F4, 0xAA, device_class=device_class, configuration_count=len(configurations))
        (folder / "descriptors").write_bytes(b"".join((descriptor.pack(), *configurations)))
        attributes = {"busnum": str(bus), "devnum": str(address), "bConfigurationValue": "1", "speed": "480"} | files
        for name, text in attributes.items():
            (folder / name).write_text(f"{text}\n")
        for number, driver in (drivers or {}).items():
            self.add_interface(busid, number, driver)
        return folder

    def add_interface(self, busid: str, number: int, driver: str) -> None:
        name = f"{busid}:1.{number}"
        folder = self.devices / busid / name
        folder.mkdir()
        (self.devices / name).symlink_to(folder.resolve())
        if driver:
            self.bind(busid, number, driver)

    def bind(self, busid: str, number: int, driver: str) -> None:
        place = self.root / f"bus/usb/drivers/{driver}"
        place.mkdir(parents=True, exist_ok=True)
        link = self.devices / busid / f"{busid}:1.{number}" / "driver"
        link.unlink(missing_ok=True)
        link.symlink_to(place)

    def probed(self) -> list[str]:
        return (self.root / "bus/usb/drivers_probe").read_text().split()

    def _folder(self, name: str, path: str) -> Path:
        folder = self.root / path
        folder.mkdir(parents=True)
        (self.devices / name).symlink_to(folder)
        return folder
