"""The Device contract on the emulator's Gadget Zero, and what only a virtual plug can show."""

from __future__ import annotations

import dataclasses

import pytest

from emulator import device_provider
from emulator.device import VirtualDevice
from emulator.provider import EmulatorProvider
from tests.integration.device_bench import Bench
from tests.integration.device_contract import DeviceContract, Pair, Traits
from wslusb.device.api import Device
from wslusb.errors import DeviceError
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Status

BULK = Pair(configuration=3, source=0x81, sink=0x01, max_packet=512)
ECHO = Pair(configuration=2, source=0x81, sink=0x01, max_packet=512)
LOOPBACK_TRAITS = Traits(
    bulk=BULK,
    echo=ECHO,
    interrupt=Pair(
        configuration=3, alternate=2, transfer=TransferType.INTERRUPT, source=0x85, sink=0x05, max_packet=64
    ),
    iso=Pair(
        configuration=3, alternate=1, transfer=TransferType.ISOCHRONOUS, source=0x83, sink=0x03, max_packet=1024,
        interval=8,
    ),
)  # fmt: skip


class TestVirtualDevice(DeviceContract):
    traits = LOOPBACK_TRAITS

    def open_device(self) -> Device:
        provider = device_provider("loopback")
        return provider.open(provider.devices()[0])


def traits_at(bulk: int, iso: int, interval: int) -> Traits:
    """The loopback's traits with other packet sizes (bytes), and the isochronous interval in (micro)frames."""
    sink = Pair(
        configuration=3, alternate=1, transfer=TransferType.ISOCHRONOUS, source=0x83, sink=0x03, max_packet=iso,
        interval=interval,
    )  # fmt: skip
    source, echo = (dataclasses.replace(pair, max_packet=bulk) for pair in (BULK, ECHO))
    return dataclasses.replace(LOOPBACK_TRAITS, bulk=source, echo=echo, iso=sink)


class TestAtFullSpeed(DeviceContract):
    traits = traits_at(64, 1023, 1)

    def open_device(self) -> Device:
        provider = device_provider("loopback:speed=full")
        return provider.open(provider.devices()[0])


class TestAtSuperSpeed(DeviceContract):
    traits = traits_at(1024, 1024, 8)

    def open_device(self) -> Device:
        provider = device_provider("loopback:speed=super")
        return provider.open(provider.devices()[0])


class TestOfFewTraits(TestVirtualDevice):
    """The suite leaves out what the device has not, and says so."""

    traits = Traits(bulk=BULK, control_buffer=None)

    def test_left_out(self) -> None:
        assert "test_isochronous (iso)" in self.left_out
        assert "test_control_out_then_in (control_buffer)" in self.left_out
        assert not TestVirtualDevice.left_out


@pytest.fixture
def provider() -> EmulatorProvider:
    return device_provider("loopback")


def test_unplug_gives_everything_back_as_gone(provider: EmulatorProvider) -> None:
    bench = Bench(provider.open(provider.devices()[0]))
    bench.use(ECHO)
    readers = [bench.read(ECHO, 512) for _ in range(8)]
    provider.unplug("9-1")
    assert {reader.wait().status for reader in readers} == {Status.GONE}
    assert bench.write(ECHO, b"late").wait().status == Status.GONE
    with pytest.raises(DeviceError) as caught:
        bench.device.reset()
    assert caught.value.status == Status.GONE


def test_a_stale_listing_cannot_reach_the_device_that_came_after(provider: EmulatorProvider) -> None:
    stale = provider.devices()[0]
    fresh = provider.replug("9-1")
    assert fresh.generation == stale.generation + 1
    with pytest.raises(DeviceError) as caught:
        provider.open(stale)
    assert caught.value.status == Status.GONE
    provider.open(fresh).close()


def test_virtual_device_is_a_device(provider: EmulatorProvider) -> None:
    device = provider.open(provider.devices()[0])
    assert isinstance(device, Device)
    assert isinstance(device, VirtualDevice)
    device.close()
