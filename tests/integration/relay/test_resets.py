"""wslusb.guest.relay: a reset of the port that vhci_hcd keeps to itself reaches the device."""

from __future__ import annotations

import pytest

from tests.support.relay import INFO, Rig
from tests.support.usb import PuppetDevice
from wslusb.errors import DeviceError
from wslusb.usb.urb import Status

GET_DEVICE = (0x80, 6, 0x0100, 0)
CONFIGURE = (0, 9, 3, 0, 0)


def enumerate_once(rig: Rig, puppet: PuppetDevice) -> None:
    rig.kernel.control(1, *CONFIGURE)
    puppet.complete(puppet.next())
    rig.kernel.answer()


@pytest.mark.parametrize("length", [8, 64])
def test_trap_port_reset_that_never_leaves_vhci_reaches_the_device_once(
    rig: Rig, puppet: PuppetDevice, length: int
) -> None:
    enumerate_once(rig, puppet)
    rig.resetting = True
    for number in (2, 3):
        rig.kernel.control(number, *GET_DEVICE, length)
        puppet.complete(puppet.next(), Status.OK, INFO.device_descriptor[:length])
        assert rig.kernel.answer().status == 0
    assert [name for name, *_ in puppet.calls] == ["reset"]
    enumerate_once(rig, puppet)
    rig.kernel.control(4, *GET_DEVICE, length)
    puppet.complete(puppet.next(), Status.OK, b"")
    rig.kernel.answer()
    assert [name for name, *_ in puppet.calls] == ["reset"] * 2


def test_a_program_that_reads_the_descriptor_resets_nothing(rig: Rig, puppet: PuppetDevice) -> None:
    enumerate_once(rig, puppet)
    rig.kernel.control(2, *GET_DEVICE, 64)
    puppet.complete(puppet.next(), Status.OK, INFO.device_descriptor)
    rig.kernel.answer()
    assert (rig.asked, puppet.calls) == (1, [])


def test_the_first_enumeration_and_other_lengths_do_not_even_ask(rig: Rig, puppet: PuppetDevice) -> None:
    rig.resetting = True
    rig.kernel.control(2, *GET_DEVICE, 64)
    puppet.complete(puppet.next())
    rig.kernel.answer()
    enumerate_once(rig, puppet)
    rig.kernel.control(3, *GET_DEVICE, 18)
    puppet.complete(puppet.next())
    rig.kernel.answer()
    assert (rig.asked, puppet.calls) == (0, [])


def test_a_device_that_does_not_survive_the_reset(rig: Rig, puppet: PuppetDevice) -> None:
    enumerate_once(rig, puppet)
    rig.resetting = True
    puppet.refusal = DeviceError(Status.GONE, "it came back as something else")
    rig.kernel.control(2, *GET_DEVICE, 64)
    assert rig.kernel.answer().status == -108
    assert not puppet.waiting
