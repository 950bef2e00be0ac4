"""hil.conformance.rules: every rule passes a sound description and names what is wrong with a broken one."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hil.conformance.rules import CONFIGURATION_RULES, device_rules
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.ids import Speed, TransferType

BULK, INTERRUPT, ISO = TransferType.BULK, TransferType.INTERRUPT, TransferType.ISOCHRONOUS
COMPANION = bytes((6, 48, 0, 0, 0, 0))


def one(*endpoints: Endpoint, attributes: int = 0x80, max_power: int = 50) -> Configuration:
    return Configuration(1, [Interface(0, endpoints=list(endpoints))], attributes, max_power)


def associated(*extra: bytes) -> Configuration:
    return Configuration(1, [Interface(0)], extra=list(extra))


def problems(name: str, configuration: Configuration, speed: Speed = Speed.HIGH) -> list[str]:
    return list(CONFIGURATION_RULES[name][1](configuration, speed))


def test_a_sound_configuration_breaks_no_rule() -> None:
    sound = one(Endpoint(0x81, BULK, 512), Endpoint(0x01, BULK, 512), Endpoint(0x82, INTERRUPT, 64, 4))
    assert {name: problems(name, sound) for name in CONFIGURATION_RULES} == {name: [] for name in CONFIGURATION_RULES}


@pytest.mark.parametrize(
    ("name", "broken", "speed"),
    [
        ("configuration attributes", one(attributes=0x00), Speed.HIGH),
        ("configuration attributes", one(attributes=0x81), Speed.HIGH),
        ("configuration attributes", one(max_power=251), Speed.HIGH),
        ("configuration attributes", one(max_power=113), Speed.SUPER),
        ("configuration attributes", Configuration(0), Speed.HIGH),
        ("interface numbers", Configuration(1, [Interface(1)]), Speed.HIGH),
        ("interface numbers", Configuration(1, [Interface(0), Interface(0, 2)]), Speed.HIGH),
        ("interface numbers", Configuration(1, [Interface(0)], interface_count=2), Speed.HIGH),
        ("endpoint counts", Configuration(1, [Interface(0, endpoint_count=1)]), Speed.HIGH),
        ("endpoint addresses", one(Endpoint(0x80, BULK, 512)), Speed.HIGH),
        ("endpoint addresses", one(Endpoint(0x91, BULK, 512)), Speed.HIGH),
        ("endpoint addresses", one(*[Endpoint(0x81, BULK, 512)] * 2), Speed.HIGH),
        (
            "endpoint addresses",
            Configuration(1, [Interface(n, endpoints=[Endpoint(0x81, BULK, 512)]) for n in (0, 1)]),
            Speed.HIGH,
        ),
        ("endpoint attributes", one(Endpoint(0x81, 0x42, 512)), Speed.HIGH),
        ("endpoint attributes", one(Endpoint(0x81, BULK, 0x8200)), Speed.HIGH),
        ("endpoint attributes", one(Endpoint(0x81, BULK, 8)), Speed.LOW),
        ("packet sizes", one(Endpoint(0x81, BULK, 64)), Speed.HIGH),
        ("packet sizes", one(Endpoint(0x81, BULK, 512)), Speed.FULL),
        ("packet sizes", one(Endpoint(0x81, BULK, 512)), Speed.SUPER),
        ("packet sizes", one(Endpoint(0x81, INTERRUPT, 65, 1)), Speed.FULL),
        ("packet sizes", one(Endpoint(0x81, INTERRUPT, 9, 10)), Speed.LOW),
        ("packet sizes", one(Endpoint(0x81, ISO, 1024, 1)), Speed.FULL),
        ("packet sizes", one(Endpoint(0x81, ISO, 0x1800 | 1024, 1)), Speed.HIGH),
        ("packet sizes", one(Endpoint(0x81, ISO, 0x0800 | 512, 1)), Speed.HIGH),
        ("intervals", one(Endpoint(0x81, INTERRUPT, 8, 0)), Speed.HIGH),
        ("intervals", one(Endpoint(0x81, INTERRUPT, 8, 17)), Speed.HIGH),
        ("intervals", one(Endpoint(0x81, INTERRUPT, 8, 9)), Speed.LOW),
        ("intervals", one(Endpoint(0x81, ISO, 8, 17)), Speed.FULL),
        ("defaults need no bandwidth", one(Endpoint(0x81, ISO, 8, 1)), Speed.HIGH),
        ("defaults need no bandwidth", one(Endpoint(0x81, INTERRUPT, 65, 1)), Speed.HIGH),
        ("interface associations", associated(bytes((8, 11, 0, 2, 1, 0, 0, 0))), Speed.HIGH),
        ("interface associations", associated(bytes((7, 11, 0, 1, 1, 0, 0))), Speed.HIGH),
        ("interface associations", associated(*[bytes((8, 11, 0, 1, 1, 0, 0, 0))] * 2), Speed.HIGH),
        ("endpoint companions", one(Endpoint(0x81, BULK, 1024)), Speed.SUPER),
        ("endpoint companions", one(Endpoint(0x81, BULK, 512, extra=[COMPANION])), Speed.HIGH),
    ],
)  # fmt: skip
def test_a_broken_rule_is_told(name: str, broken: Configuration, speed: Speed) -> None:
    assert len(problems(name, broken, speed)) == 1


DEVICE = DeviceDescriptor(1, 2)


@pytest.mark.parametrize(
    ("fields", "speed"),
    [
        ({"bcd_usb": 0x0110}, Speed.HIGH), ({"bcd_usb": 0x020A}, Speed.FULL), ({"max_packet_size0": 32}, Speed.HIGH),
        ({"max_packet_size0": 64}, Speed.LOW), ({"bcd_usb": 0x0300, "max_packet_size0": 64}, Speed.SUPER),
        ({"subclass": 1}, Speed.HIGH), ({"configuration_count": 0}, Speed.HIGH),
    ],
)  # fmt: skip
def test_a_broken_device_descriptor_is_told(fields: dict[str, Any], speed: Speed) -> None:
    assert len(list(device_rules(dataclasses.replace(DEVICE, **fields), speed))) == 1
    assert not list(device_rules(DEVICE, Speed.HIGH))
