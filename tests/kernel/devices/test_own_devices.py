"""A device from docs/examples under the kernel's own driver."""

from __future__ import annotations

from pathlib import Path

from hil.vm.uml import UmlMachine
from tests.kernel.devices.lab import Lab

THERMOMETER = Path(__file__).resolve().parents[3] / "docs/examples/thermometer.py"


def test_the_thermometer_is_bound_by_usbhid_and_read_through_hidraw(lab: Lab, kernel: UmlMachine) -> None:
    with lab.plug(f"{THERMOMETER}:celsius=21") as plugged:
        lab.wait_driver_in_guest("usbhid")
        hidraw = plugged.node("/dev/hidraw")
        said = kernel.run(f"head -c 4 {hidraw} | od -An -td2", timeout=20).stdout.split()
        first, second = (int(word) for word in said)
        assert (second - first, 210 <= first < 260) == (1, True)
