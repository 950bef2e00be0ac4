"""``wslusb report`` on both sides of a real pass-through: what two kernels say, without the serial number in it."""

from __future__ import annotations

import zipfile
from pathlib import Path

from emulator.importers import import_device
from hil.vm.uml import UmlMachine
from tests.kernel.devices.lab import Lab
from wslusb.replay.reading import read

SERIAL = "SNPLANTED0042"
FORMS = (SERIAL.encode(), SERIAL.encode("utf-16-le"))


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_two_bundles_of_one_run_have_it_all_but_the_serial_number(lab: Lab, kernel: UmlMachine) -> None:
    with lab.plug(f"storage:serial={SERIAL},size=4M", attach=False) as plugged:
        (busid,) = plugged.busids
        for machine in (lab.host, lab.guest):
            lab.cli(machine, "capture", busid, "--ring", "4M")
        lab.attach(busid)
        lab.wait_driver_in_guest("usb-storage")
        said = kernel.run("dmesg").stdout
        assert f"SerialNumber: {SERIAL}" in said
        for side, machine in (("host", lab.host), ("guest", lab.guest)):
            path = Path(lab.rig.shared) / f"{side}.zip"
            lab.cli(machine, "report", SERIAL, "-o", str(path))
            found = members(path)
            assert [name for name, data in found.items() for form in FORMS if form in data] == [], side
            assert {"capture.pcapng", "device.toml", "lsusb.txt", "doctor.txt", "kernel.txt"} <= set(found), side
            story = read(path)
            assert any(each.request.data[:4] == b"USBC" for each in story.exchanges), side
            assert import_device(path).model.gadget.device.product == 0xA4A5
            if side == "guest":
                assert b"driver: usb-storage" in found["sysfs.txt"]
                token = found["sysfs.txt"].partition(b"\nserial: ")[2].split(b"\n")[0]
                assert len(token) == len(SERIAL)
                assert b"SerialNumber: " + token in found["kernel.txt"]
                assert b"vhci_hcd" in found["kernel.txt"]
                assert token in found["lsusb.txt"]
        for machine in (lab.host, lab.guest):
            lab.cli(machine, "capture", busid, "--ring", "0")
