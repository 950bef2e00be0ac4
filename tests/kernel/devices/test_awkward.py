"""Devices that break rules: what Linux does about each through wslusb, and that nobody is harmed.

What it does is written beside each device (emulator/devices/awkward_parts/variants.py). That service, agent and kernels
are well afterwards is what the fixture ``lab`` checks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from emulator.devices.awkward_parts.variants import VARIANTS
from hil.vm.uml import UmlMachine
from hil.waiting import poll
from tests.kernel.devices.lab import Lab

USED = [how for how, variant in VARIANTS.items() if variant.linux.product is not None]
GIVEN_UP = [how for how in VARIANTS if how not in USED]


@dataclass(frozen=True)
class Guest:
    """What the guest has made of the devices: its name of each, and the kernel's log."""

    lab: Lab
    devices: dict[str, str]

    def attribute(self, how: str, name: str) -> str:
        path = f"/sys/bus/usb/devices/{self.devices[how]}/{name}"
        return self.lab.guest.run(f"cat {path} 2>/dev/null", check=False).stdout.strip()

    def says(self, pattern: str, seconds: float = 10.0) -> None:
        """Wait until the kernel's log has it."""
        poll(lambda: re.search(pattern, self.lab.kernel_said(self.lab.guest)) is not None, seconds, pattern)

    def asked(self, how: str, what: str) -> list[str]:
        """Do something to a device (tests/kernel/programs/awkward.py): what became of each request."""
        return self.lab.run(self.lab.guest, "awkward", how.upper(), what).split()


def named(*ways: str) -> str:
    return ",".join(f"awkward:how={how},serial={how.upper()}" for how in ways)


@pytest.fixture(scope="class")
def guest(lab_pair: Lab) -> Iterator[Guest]:
    """All that Linux can use, attached at the same time."""
    lab_pair.mark()
    with lab_pair.plug(named(*USED), attach=False) as plugged:
        lab_pair.at_once(lab_pair.guest, "attach", plugged.busids)
        attached = lab_pair.json(lab_pair.guest, "state")["agent"]["attached"]
        names = {each["busid"]: each["guest_busid"] for each in attached}
        yield Guest(lab_pair, {how: names[busid] for how, busid in zip(USED, plugged.busids, strict=True)})
    lab_pair.settle()


class TestWhatLinuxUses:
    @pytest.mark.parametrize("how", [how for how in USED if how not in {"changing", "departing"}])
    def test_linux_uses_the_device_as_is_written(self, guest: Guest, how: str) -> None:
        linux = VARIANTS[how].linux
        assert guest.attribute(how, "product") == linux.product
        assert "DRIVER=usbhid" in guest.attribute(how, f"{guest.devices[how]}:1.0/uevent")
        guest.says(linux.says)

    def test_a_driver_may_try_again_what_was_stalled(self, guest: Guest) -> None:
        assert guest.asked("twice", "interface") == ["0", "EPIPE", "0"]

    def test_a_device_that_changes_is_another_one_after_a_reset(self, guest: Guest) -> None:
        before = guest.attribute("changing", "devnum")
        assert guest.asked("changing", "reset") == ["ENODEV"]
        guest.says(VARIANTS["changing"].linux.says)
        poll(lambda: guest.attribute("changing", "devnum") not in {"", before}, 10, "it is enumerated anew")

    def test_a_device_that_leaves_at_a_request_is_gone(self, guest: Guest) -> None:
        assert guest.asked("departing", "vendor") == ["ESHUTDOWN"]
        guest.says(f"usb {guest.devices['departing']}: {VARIANTS['departing'].linux.says}")
        poll(lambda: guest.attribute("departing", "devnum") == "", 10, "it is gone")


@pytest.mark.long
def test_what_linux_gives_up_harms_nobody(lab: Lab, kernel: UmlMachine) -> None:
    """The attaches fail with one line, and a good device beside them can be used."""
    with lab.plug(named("none", *GIVEN_UP), attach=False) as plugged:
        good, *others = plugged.busids
        tries = [lab.python(lab.guest, "wslusb", "attach", busid) for busid in others]
        failures = [each.wait(90) for each in tries]
        for how in GIVEN_UP:
            assert re.search(VARIANTS[how].linux.says, lab.kernel_said(kernel)), how
        for failure in failures:
            assert failure.returncode == 1
            assert "did not enumerate" in failure.output
        assert lab.attach(good)
