"""emulator.variants: versions, power, intervals and stores of devices at other speeds. Rules: the property tests."""

from __future__ import annotations

import pytest

from emulator.gadget import Gadget
from emulator.variants import at_speed
from wslusb.usb.bos import CapabilityType, bos, split_bos, usb_2_0_extension
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.ids import Speed


def gadget(speed: Speed, *endpoints: Endpoint, version: int = 0x0200, power: int = 50, store: bytes = b"") -> Gadget:
    device = DeviceDescriptor(1, 2, version, serial=1)
    configuration = Configuration(1, [Interface(0, endpoints=list(endpoints))], max_power=power)
    return Gadget(device=device, configurations=(configuration,), strings=("S1",), speed=speed, bos=store)


@pytest.mark.parametrize(
    ("version", "store", "speed", "becomes"),
    [
        (0x0110, b"", Speed.HIGH, 0x0200), (0x0110, b"", Speed.LOW, 0x0110), (0x0110, b"", Speed.SUPER, 0x0320),
        (0x0210, bos(usb_2_0_extension()), Speed.HIGH, 0x0210), (0x0200, b"", Speed.HIGH, 0x0200),
    ],
)  # fmt: skip
def test_version(version: int, store: bytes, speed: Speed, becomes: int) -> None:
    if speed == Speed.SUPER:
        store = b""
    assert at_speed(gadget(Speed.FULL, version=version, store=store), speed).device.bcd_usb == becomes


@pytest.mark.parametrize(("power", "becomes"), [(50, 12), (250, 62), (1, 1), (0, 0)])
def test_power_in_units_of_8_milliamperes(power: int, becomes: int) -> None:
    assert at_speed(gadget(Speed.HIGH, power=power), Speed.SUPER).configurations[0].max_power == becomes


def test_power_that_a_port_does_not_give() -> None:
    hungry = at_speed(gadget(Speed.HIGH), Speed.SUPER)
    hungry.configurations[0].max_power = 112
    assert at_speed(hungry, Speed.HIGH).configurations[0].max_power == 250


@pytest.mark.parametrize(
    ("kind", "interval", "speed", "becomes"),
    [
        (3, 10, Speed.HIGH, 7), (3, 1, Speed.HIGH, 4), (3, 255, Speed.HIGH, 11), (3, 8, Speed.LOW, 10),
        (1, 1, Speed.HIGH, 4), (1, 16, Speed.HIGH, 16), (1, 3, Speed.SUPER, 6),
    ],
)  # fmt: skip
def test_the_interval_is_the_same_time_or_the_next_shorter(
    kind: int, interval: int, speed: Speed, becomes: int
) -> None:
    variant = at_speed(gadget(Speed.FULL, Endpoint(0x81, kind, 8, interval)), speed)
    assert variant.configurations[0].interfaces[0].endpoints[0].interval == becomes


def test_super_speed_brings_a_store_and_companions_and_going_back_takes_the_companions_away() -> None:
    fast = at_speed(gadget(Speed.HIGH, Endpoint(0x81, 3, 16, 1), Endpoint(0x02, 2, 512)), Speed.SUPER)
    kinds = [CapabilityType.USB_2_0_EXTENSION, CapabilityType.SUPERSPEED, CapabilityType.CONTAINER_ID]
    assert [each[2] for each in split_bos(fast.bos)] == kinds
    interrupt, bulk = fast.configurations[0].interfaces[0].endpoints
    assert (interrupt.extra, bulk.extra) == ([bytes((6, 48, 0, 0, 16, 0))], [bytes((6, 48, 0, 0, 0, 0))])
    slow = at_speed(fast, Speed.FULL)
    assert [each.extra for each in slow.configurations[0].interfaces[0].endpoints] == [[], []]
    assert slow.device.bcd_usb == 0x0210


def test_the_same_speed_is_the_same_gadget() -> None:
    device = gadget(Speed.HIGH)
    assert at_speed(device, Speed.HIGH) is device
