"""Real pyusb over the protocol: a guest with no kernel driver and no root."""

from __future__ import annotations

import array
import errno
from collections.abc import Iterator
from typing import Any

import pytest
import usb.core
import usb.util

import wslusb.guest
from emulator import device_provider
from tests.support.usb import LOOPBACK, SOURCE_SINK
from tests.support.world import World
from wslusb.errors import LocalError
from wslusb.guest import pyusb_backend
from wslusb.usb.descriptors import Configuration, DeviceDescriptor
from wslusb.wire.listing import DeviceState

VENDOR, PRODUCT = 0x0525, 0xA4A0


@pytest.fixture
def backend(world: World) -> Iterator[Any]:
    made = pyusb_backend(str(world.address))
    yield made
    made.close()


@pytest.fixture
def device(backend: Any, world: World) -> Iterator[Any]:
    found = usb.core.find(idVendor=VENDOR, idProduct=PRODUCT, backend=backend)
    assert found is not None
    yield found
    usb.util.dispose_resources(found)
    world.free()


def test_find(backend: Any, world: World) -> None:
    found = list(usb.core.find(find_all=True, backend=backend))
    assert [(each.idVendor, each.idProduct) for each in found] == [(0x0525, 0xA4A0), (0x0525, 0xA4A5)]
    assert usb.core.find(idVendor=0x1234, backend=backend) is None
    assert (found[0].bus, found[0].address, found[0].speed) == (9, 1, usb.util.SPEED_HIGH)
    assert found[0].port_numbers == (1,)
    assert world.state() is DeviceState.SHARED, "looking at a device does not attach it"


def test_descriptors_are_the_devices(device: Any, world: World) -> None:
    info = world.info()
    raw = DeviceDescriptor.unpack(info.device_descriptor)
    assert (device.bcdUSB, device.bDeviceClass, device.bMaxPacketSize0) == (
        raw.bcd_usb, raw.device_class, raw.max_packet_size0,
    )  # fmt: skip
    assert (device.bcdDevice, device.bNumConfigurations) == (raw.bcd_device, 2)
    for shown, packed in zip(device, info.configurations, strict=True):
        read = Configuration.unpack(packed)
        assert (shown.bConfigurationValue, shown.wTotalLength) == (read.value, len(packed))
        assert (shown.bmAttributes, shown.bMaxPower, shown.bNumInterfaces) == (read.attributes, read.max_power, 1)
        settings = [
            (i.bInterfaceNumber, i.bAlternateSetting, i.bInterfaceClass, [
                (e.bEndpointAddress, e.bmAttributes, e.wMaxPacketSize, e.bInterval) for e in i
            ])
            for i in shown
        ]  # fmt: skip
        assert settings == [
            (i.number, i.alternate, i.interface_class, [
                (e.address, e.attributes, e.max_packet_size, e.interval) for e in i.endpoints
            ])
            for i in read.interfaces
        ]  # fmt: skip
    assert device.serial_number == "LOOPBACK0001"


def test_a_program_that_only_looks_keeps_nothing(backend: Any, world: World) -> None:
    found = usb.core.find(idProduct=PRODUCT, backend=backend)
    assert [each.bConfigurationValue for each in found] == [SOURCE_SINK, LOOPBACK]
    assert world.state() is DeviceState.SHARED
    world.works()


def test_echo(device: Any) -> None:
    device.set_configuration(LOOPBACK)
    assert device.get_active_configuration().bConfigurationValue == LOOPBACK
    for data in (b"x", b"hello", bytes(range(256)) * 8 + b"end"):
        assert device.write(0x01, data) == len(data)
        assert bytes(device.read(0x81, 4096)) == data
        assert device.write(0x05, data) == len(data)
        assert bytes(device.read(0x85, 4096)) == data


def test_control_both_ways(device: Any) -> None:
    assert device.ctrl_transfer(0x40, 0x5B, 0, 0, b"four") == 4
    assert bytes(device.ctrl_transfer(0xC0, 0x5C, 0, 0, 4)) == b"four"
    assert device.ctrl_transfer(0x40, 0x5B, 0, 0, None) == 0


def test_a_stall_is_a_usb_error(device: Any) -> None:
    with pytest.raises(usb.core.USBError) as caught:
        device.ctrl_transfer(0xC0, 0xEE, 0, 0, 4)
    assert caught.value.errno == errno.EPIPE
    device.set_configuration(SOURCE_SINK)
    device.ctrl_transfer(0x02, 3, 0, 0x81)
    with pytest.raises(usb.core.USBError):
        device.read(0x81, 512)
    device.clear_halt(0x81)
    assert len(device.read(0x81, 512)) == 512


def test_a_timeout_leaves_the_device_in_step(device: Any) -> None:
    device.set_configuration(LOOPBACK)
    for number in range(5):
        with pytest.raises(usb.core.USBTimeoutError) as caught:
            device.read(0x81, 512, timeout=5)
        assert caught.value.errno == errno.ETIMEDOUT
        data = b"after %d" % number
        device.write(0x01, data)
        assert bytes(device.read(0x81, 512)) == data


def test_a_timeout_with_some_bytes_is_none(device: Any) -> None:
    device.set_configuration(LOOPBACK)
    device.write(0x01, bytes(512))  # a full packet ends nothing
    assert len(device.read(0x81, 2048, timeout=50)) == 512


def test_isochronous(device: Any) -> None:
    device.set_configuration(SOURCE_SINK)
    device.set_interface_altsetting(0, 1)
    assert len(device.read(0x83, 4096)) == 4096
    assert device.write(0x03, bytes(3000)) == 3000


def test_more_isochronous_packets_than_a_request_can_have(device: Any) -> None:
    device.set_configuration(SOURCE_SINK)
    device.set_interface_altsetting(0, 1)
    with pytest.raises(usb.core.USBError):
        device.read(0x83, 1025 * 1024)
    assert len(device.read(0x83, 1024)) == 1024, "the session has survived it"


def test_an_empty_isochronous_write(device: Any) -> None:
    device.set_configuration(SOURCE_SINK)
    device.set_interface_altsetting(0, 1)
    with pytest.raises(usb.core.USBError):
        device.write(0x03, b"")
    assert device.write(0x03, bytes(5)) == 5


def test_reset(device: Any) -> None:
    device.set_configuration(LOOPBACK)
    device.reset()
    device.set_configuration(SOURCE_SINK)
    assert len(device.read(0x81, 512)) == 512


def test_buffers_of_the_callers(device: Any) -> None:
    device.set_configuration(SOURCE_SINK)
    buffer = array.array("B", b"\xff" * 1024)
    assert device.read(0x81, buffer) == 1024
    assert not any(buffer)


def test_two_devices_at_once(device: Any, backend: Any) -> None:
    stick = usb.core.find(idProduct=0xA4A5, backend=backend)
    device.set_configuration(SOURCE_SINK)
    stick.set_configuration()
    # Bulk-only transport, 6.2: a TEST UNIT READY in a command block wrapper, then its status.
    stick.write(0x02, b"USBC" + bytes((7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6)) + bytes(16))
    assert len(device.read(0x81, 512)) == 512
    assert bytes(stick.read(0x81, 13))[:8] == b"USBS\7\0\0\0"
    usb.util.dispose_resources(stick)


def test_a_device_that_somebody_has(backend: Any, world: World) -> None:
    client = world.client()
    owner = client.open(world.info())
    device = usb.core.find(idProduct=PRODUCT, backend=backend)
    with pytest.raises(usb.core.USBError, match="attached to"):
        device.set_configuration()
    owner.close()
    device.set_configuration()
    usb.util.dispose_resources(device)
    client.close()


def test_a_device_that_is_pulled_out(device: Any, world: World) -> None:
    device.set_configuration(SOURCE_SINK)
    world.provider.unplug("9-1")
    with pytest.raises(usb.core.USBError):
        device.read(0x81, 512)
    world.provider.plug("9-1")


def test_configurations_that_do_not_exist(device: Any) -> None:
    with pytest.raises(ValueError, match="Invalid configuration"):  # pyusb looks for itself
        device.set_configuration(77)
    device.set_configuration(SOURCE_SINK)
    with pytest.raises(ValueError, match="No matching interface"):
        device.set_interface_altsetting(0, 77)


def test_no_host() -> None:
    with pytest.raises(LocalError):
        pyusb_backend("unix:/nonexistent/wslusb")


def test_the_function_keeps_its_name_after_its_module_is_imported() -> None:
    for _ in range(2):
        with pytest.raises(LocalError):
            wslusb.guest.pyusb_backend("unix:/nonexistent/wslusb")


def test_virtual_devices_in_this_process_need_no_service() -> None:
    made = pyusb_backend(device_provider("loopback"))
    found = usb.core.find(idVendor=VENDOR, idProduct=PRODUCT, backend=made)
    assert found.serial_number == "LOOPBACK0001"
    found.set_configuration(LOOPBACK)
    assert (found.write(0x01, b"there"), found.read(0x81, 64).tobytes()) == (5, b"there")
    usb.util.dispose_resources(found)
    made.close()


@pytest.mark.parametrize("wrong", ["unix:/nonexistent/socket", "nonsense"])
def test_a_wrong_address_is_one_error_with_the_next_step_and_no_chain(wrong: str) -> None:
    with pytest.raises(LocalError) as caught:
        pyusb_backend(wrong)
    error = caught.value
    assert (error.__cause__, error.__context__) == (None, None)
    assert len(caught.traceback) == 2
    assert error.__notes__ == [f"hint: {error.hint}"]
