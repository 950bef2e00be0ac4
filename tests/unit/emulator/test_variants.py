"""emulator.variants: versions, power, intervals and stores of devices at other speeds. Rules: the property tests."""

from __future__ import annotations

import pytest

from emulator.gadget import Gadget
from emulator.variants import at_speed, configuration_at
from wslusb.usb.bos import CapabilityType, bos, split_bos, usb_2_0_extension
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.descriptors_extra import Companion
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


@pytest.mark.parametrize("kind", [1, 3])
@pytest.mark.parametrize(
    ("size", "payload", "burst"), [(1024, 1024, 0), (1024 | 1 << 11, 2048, 1), (700 | 1 << 11, 1400, 1),
                                   (1024 | 2 << 11, 3072, 2), (64, 64, 0)],
)  # fmt: skip
def test_a_high_bandwidth_endpoint_moves_as_much_at_super_speed(kind: int, size: int, payload: int, burst: int) -> None:
    variant = at_speed(gadget(Speed.HIGH, Endpoint(0x81, kind, size, 1)), Speed.SUPER)
    endpoint = variant.configurations[0].interfaces[0].endpoints[0]
    companion = Companion.find(endpoint.extra)
    assert companion == Companion(burst=burst, bytes_per_interval=payload)
    assert endpoint.max_packet_size == min(payload, 1024)


def test_between_super_speeds_the_companions_stay() -> None:
    companion = Companion(burst=15, attributes=2, bytes_per_interval=48 * 1024)
    fast = at_speed(gadget(Speed.HIGH, Endpoint(0x81, 1, 1024, 1)), Speed.SUPER)
    fast.configurations[0].interfaces[0].endpoints[0].extra = [companion.pack()]
    faster = configuration_at(fast.configurations[0], Speed.SUPER, Speed.SUPER_PLUS)
    assert faster.interfaces[0].endpoints[0].extra == [companion.pack()]


def test_the_same_speed_is_the_same_gadget() -> None:
    device = gadget(Speed.HIGH)
    assert at_speed(device, Speed.HIGH) is device
