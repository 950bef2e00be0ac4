"""LibusbDevice on real USB: the contract, what is opened, and what is given back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.integration.device_contract import DeviceContract, Traits
from tests.kernel.libusb.hardware import BULK, ECHO, Opener, driver, folder, wait_until
from wslusb.device.api import Device
from wslusb.device.provider import LibusbProvider
from wslusb.errors import DeviceError
from wslusb.usb.ids import Speed
from wslusb.usb.urb import Status


class TestContract(DeviceContract):
    """The contract, as far as the kernel's gadget can: its dummy host controller has no isochronous transfers."""

    traits = Traits(bulk=BULK, echo=ECHO)

    @pytest.fixture(autouse=True)
    def _opener(self, provider: LibusbProvider) -> None:
        self.provider = provider

    def open_device(self) -> Device:
        return self.provider.open(next(each for each in self.provider.devices() if each.serial == "ZERO"))


def test_listing_and_opening(provider: LibusbProvider, open_by_serial: Opener) -> None:
    info = next(each for each in provider.devices() if each.serial == "SN77")
    assert (info.hardware_id, info.speed, info.description) == ("46f4:00aa", Speed.HIGH, "wslusb gadget")
    assert driver("SN77") == "usb-storage"
    device = open_by_serial("SN77")
    assert isinstance(device, Device)
    assert driver("SN77") == "usbfs"
    device.close()
    wait_until(lambda: driver("SN77") == "usb-storage")


def test_all_interfaces_of_a_composite_device_are_given_back(open_by_serial: Opener) -> None:
    device = open_by_serial("ACM1")
    assert (driver("ACM1", 0), driver("ACM1", 1)) == ("usbfs", "usbfs")
    device.close()
    wait_until(lambda: (driver("ACM1", 0), driver("ACM1", 1)) == ("cdc_acm", "cdc_acm"))


def test_configuration_is_put_back_at_close(open_by_serial: Opener) -> None:
    device = open_by_serial("ZERO")
    before = (folder("ZERO") / "bConfigurationValue").read_text()
    device.select_configuration(2)
    assert (folder("ZERO") / "bConfigurationValue").read_text() != before
    device.close()
    assert (folder("ZERO") / "bConfigurationValue").read_text() == before


def test_open_of_a_device_that_is_in_use_says_busy(provider: LibusbProvider, open_by_serial: Opener) -> None:
    device = open_by_serial("SN77")
    with pytest.raises(DeviceError) as caught:
        provider.open(device.info)
    assert caught.value.status == Status.BUSY
    assert "stop it first" in caught.value.hint
    assert driver("SN77") == "usbfs"


def test_open_of_another_device_in_the_same_port_is_refused(provider: LibusbProvider) -> None:
    info = next(each for each in provider.devices() if each.serial == "SN77")
    for wrong in (replace(info, generation=info.generation + 1), replace(info, serial="other")):
        with pytest.raises(DeviceError) as caught:
            provider.open(wrong)
        assert caught.value.status == Status.GONE
