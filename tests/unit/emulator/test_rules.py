"""emulator.rules: every rule is broken once, and says where, which field and by which section."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.gadget import Gadget
from emulator.rules import Finding, check, findings
from emulator.rules.bos import BOS_RULES
from emulator.rules.configuration import CONFIGURATION_RULES, SETTING_RULES
from emulator.rules.device import DEVICE_RULES
from emulator.rules.endpoint import ENDPOINT_RULES
from emulator.variants import at_speed
from wslusb.errors import LocalError, LocalReason
from wslusb.usb.bos import bos, usb_2_0_extension
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.descriptors_extra import Companion, InterfaceAssociation
from wslusb.usb.ids import Speed

BULK, INTERRUPT, ISO = 2, 3, 1


def sound(speed: Speed = Speed.HIGH) -> Gadget:
    """A device with an endpoint of each type that its speed has, and nothing wrong with it."""
    settings = [
        Interface(0, 0, endpoints=[Endpoint(0x83, INTERRUPT, 16, 4)], association=InterfaceAssociation(0, 2, 0xFF)),
        Interface(1, 0, string=2),
        Interface(1, 1, endpoints=[Endpoint(0x81, BULK, 512), Endpoint(0x02, ISO, 0x1400, 1)]),
    ]
    device = DeviceDescriptor(1, 2, 0x0200, 0xEF, 2, 1, manufacturer=1)
    gadget = Gadget(device=device, configurations=(Configuration(1, settings),), strings=("maker", "setting"))
    return at_speed(gadget, speed)


Change = Callable[[Gadget], object]
"""What makes a sound gadget another."""


@pytest.mark.parametrize("speed", [Speed.LOW, Speed.FULL, Speed.HIGH, Speed.SUPER])
def test_nothing_is_wrong_at_any_speed(speed: Speed) -> None:
    assert list(findings(sound(speed))) == []


def test_interrupt_endpoints_of_the_speeds() -> None:
    endpoints = [
        sound(speed).configurations[0].interfaces[0].endpoints[0]
        for speed in (Speed.LOW, Speed.FULL, Speed.HIGH, Speed.SUPER)
    ]
    assert [(each.max_packet_size, each.interval) for each in endpoints] == [(8, 10), (16, 1), (16, 4), (16, 4)]


def interrupt(gadget: Gadget) -> Endpoint:
    return gadget.configurations[0].interfaces[0].endpoints[0]


def bulk(gadget: Gadget) -> Endpoint:
    return gadget.configurations[0].interfaces[2].endpoints[0]


def iso(gadget: Gadget) -> Endpoint:
    return gadget.configurations[0].interfaces[2].endpoints[1]


def device(**fields: int | bytes) -> Change:
    return lambda gadget: [setattr(gadget.device, name, value) for name, value in fields.items()]


def configuration(**fields: int | bytes | list[bytes]) -> Change:
    return lambda gadget: [setattr(gadget.configurations[0], name, value) for name, value in fields.items()]


def setting(index: int, **fields: object) -> Change:
    def change(gadget: Gadget) -> None:
        for name, value in fields.items():
            setattr(gadget.configurations[0].interfaces[index], name, value)

    return change


def of(find: Callable[[Gadget], Endpoint], **fields: object) -> Change:
    def change(gadget: Gadget) -> None:
        for name, value in fields.items():
            setattr(find(gadget), name, value)

    return change


def gadget_with(**fields: object) -> Change:
    return lambda gadget: [setattr(gadget, name, value) for name, value in fields.items()]


LOW, FULL, HIGH, SUPER = Speed.LOW, Speed.FULL, Speed.HIGH, Speed.SUPER
COMPANION = Companion().pack()
INTERFACE_0, SETTING_1 = "configuration 1, interface 0, alternate 0", "configuration 1, interface 1, alternate 1"
CASES: list[tuple[Speed, Change, str]] = [
    (HIGH, device(vendor=0x10000), "device: descriptor cannot be written, for a field does not fit into its bytes"),
    (HIGH, configuration(string=256), "configuration 1: wTotalLength cannot be told, for a field does not fit"),
    (LOW, device(max_packet_size0=64), "device: bMaxPacketSize0 is 64; at LOW speed it is 8 (USB 2.0, 5.5.3"),
    (FULL, device(max_packet_size0=7), "device: bMaxPacketSize0 is 7; at FULL speed it is 8, 16, 32 or 64"),
    (HIGH, device(max_packet_size0=32), "device: bMaxPacketSize0 is 32"),
    (SUPER, device(max_packet_size0=64), "device: bMaxPacketSize0 is 64; at SUPER speed it is 9 (2^9 bytes)"),
    (HIGH, device(bcd_usb=0x0110), "device: bcdUSB is 0x0110; HIGH speed needs at least 0x0200 (USB 2.0, 9.6.1"),
    (HIGH, device(bcd_usb=0x020A), "device: bcdUSB is 0x020a, which is not binary-coded decimal"),
    (SUPER, device(bcd_usb=0x0210), "device: bcdUSB is 0x0210; SUPER speed needs at least 0x0300"),
    (HIGH, device(bcd_usb=0x0300), "device: bcdUSB is 0x0300; below SuperSpeed a USB 3 device says 0x0210"),
    (HIGH, device(protocol=2), "device: bDeviceClass is ef 02 02 (class, subclass, protocol); with interface assoc"),
    (HIGH, device(device_class=0), "device: bDeviceSubClass is 2; it is 0 where bDeviceClass is"),
    (HIGH, device(configuration_count=2), "device: bNumConfigurations is 2 and there are 1"),
    (HIGH, gadget_with(configurations=()), "device: bNumConfigurations is 1 and there are 0"),
    (HIGH, device(tail=b"x"), "device: bLength is 19"),
    (HIGH, device(product_string=3), "device: string indices iProduct 3, and there are 2 strings"),
    (
        HIGH,
        gadget_with(strings=("maker", "x" * 127)),
        "device: strings 'xxxxxxxxxxxxxxxxxxxx'... is longer than the 126",
    ),
    (
        HIGH,
        gadget_with(strings=("maker", "half \ud83d")),
        r"device: strings 'half \ud83d' holds half of a surrogate pair",
    ),
    (HIGH, lambda g: setattr(g, "configurations", g.configurations * 2), "bConfigurationValue 1 is that of two"),
    (HIGH, device(bcd_usb=0x0201), "device: BOS is missing; a device with bcdUSB 0x0201 has one (USB 3.2, 9.6.2)"),
    (HIGH, gadget_with(bos=b"\5\x0f\6\0\0"), "device: BOS cannot be read"),
    (HIGH, gadget_with(bos=b"\5\x0f\x08\0\1\3\x0f\2"), "device: BOS cannot be read"),
    (HIGH, gadget_with(bos=b"\4\x0f\4\0"), "device: BOS cannot be read"),
    (SUPER, gadget_with(bos=bos(usb_2_0_extension())), "device: BOS lacks SUPERSPEED"),
    (
        HIGH,
        configuration(value=0),
        "configuration 0: bConfigurationValue is 0; 0 means not configured (USB 2.0, 9.4.7)",
    ),
    (HIGH, configuration(attributes=0x40), "configuration 1: bmAttributes is 0x40; bit 7 is 1"),
    (HIGH, configuration(attributes=0x81), "configuration 1: bmAttributes is 0x81; bit 7 is 1"),
    (HIGH, configuration(max_power=251), "configuration 1: bMaxPower is 251, 502 mA; a port gives 500 mA"),
    (SUPER, configuration(max_power=113), "configuration 1: bMaxPower is 113, 904 mA; a port gives 900 mA"),
    (HIGH, configuration(total_length=9), "configuration 1: wTotalLength is 9; the configuration has 65 bytes"),
    (HIGH, configuration(extra=[bytes((255, 0x24)) + bytes(253)] * 257), "wTotalLength cannot say 65600 bytes"),
    (HIGH, configuration(rest=b"\0"), "configuration 1: what follows are 1 bytes that are no descriptor"),
    (HIGH, configuration(interface_count=3), "configuration 1: bNumInterfaces is 3; there are 2"),
    (HIGH, setting(0, number=2), "configuration 1: bInterfaceNumber are [1, 2]; they count from 0"),
    (HIGH, setting(1, alternate=2), "bAlternateSetting of interface 1 are [2, 1]; they count from 0, each once"),
    (HIGH, setting(1, alternate=1), "bAlternateSetting of interface 1 are [1, 1]"),
    (HIGH, of(bulk, address=0x83), "configuration 1: bEndpointAddress 0x83 is of interface 0 and of interface 1"),
    (HIGH, setting(0, association=InterfaceAssociation(0, 3, 1)), "interface association counts 3 interfaces from 0"),
    (HIGH, setting(1, association=InterfaceAssociation(0, 1, 1)), "interfaces from 0, and stands before interface 1"),
    (HIGH, setting(1, string=9), "configuration 1: string indices iInterface of 1 9, and there are 2 strings"),
    (HIGH, setting(0, association=InterfaceAssociation(0, 2, 1, string=7)), "string indices iFunction before 0 7"),
    (HIGH, setting(0, endpoint_count=2), f"{INTERFACE_0}: bNumEndpoints is 2; there are 1"),
    (HIGH, of(iso, address=0x81), f"{SETTING_1}: bEndpointAddress 0x81 is there twice (USB 2.0, 9.6.6)"),
    (
        LOW,
        setting(0, endpoints=[Endpoint(each, 3, 8, 10) for each in (1, 2, 3)]),
        "endpoints are 3; a low-speed device",
    ),
    (
        HIGH,
        setting(0, endpoints=[Endpoint(0x84, ISO, 8, 1)]),
        f"{INTERFACE_0}: wMaxPacketSize of an isochronous endpoint",
    ),
    (
        FULL,
        setting(2, endpoints=[Endpoint(each, ISO, 700, 1) for each in (1, 2)]),
        "add up to 1400 bytes a (micro)frame",
    ),
    (HIGH, of(bulk, address=0x91), "endpoint 0x91: bEndpointAddress is 0x91; numbers are 1 to 15"),
    (HIGH, of(bulk, address=0x80), "endpoint 0x80: bEndpointAddress is 0x80"),
    (HIGH, of(bulk, attributes=0x42), "endpoint 0x81: bmAttributes is 0x42; only the bits 0x03 of a high-speed bulk"),
    (HIGH, of(iso, attributes=0x31), "endpoint 0x02: bmAttributes has the reserved usage type 3"),
    (HIGH, of(interrupt, attributes=0x13), "endpoint 0x83: bmAttributes is 0x13; only the bits 0x03"),
    (LOW, of(interrupt, attributes=BULK), "bmAttributes says bulk; a low-speed device has interrupt endpoints alone"),
    (HIGH, of(bulk, attributes=0), "bmAttributes says control; hosts drive the one of endpoint 0 alone"),
    (FULL, of(bulk, max_packet_size=512), "wMaxPacketSize is 512; a full-speed bulk endpoint has 8, 16, 32 or 64"),
    (HIGH, of(bulk, max_packet_size=64), "wMaxPacketSize is 64; a high-speed bulk endpoint has 512 (USB 2.0, 5.6.3, "),
    (SUPER, of(bulk, max_packet_size=512), "wMaxPacketSize is 512; a super-speed bulk endpoint has 1024"),
    (LOW, of(interrupt, max_packet_size=9), "wMaxPacketSize is 9; a low-speed interrupt endpoint has at most 8"),
    (FULL, of(interrupt, max_packet_size=65), "wMaxPacketSize is 65; a full-speed interrupt endpoint has at most 64"),
    (FULL, of(iso, max_packet_size=1024), "wMaxPacketSize is 1024; a full-speed isochronous endpoint has at most 1023"),
    (HIGH, of(iso, max_packet_size=1025), "wMaxPacketSize is 1025; a high-speed isochronous endpoint has at most 1024"),
    (HIGH, of(iso, max_packet_size=0x1000 | 600), "with 2 more transactions a microframe a packet has 683 to 1024"),
    (HIGH, of(iso, max_packet_size=0x1800 | 600), "wMaxPacketSize is 0x1a58; with 3 more"),
    (FULL, of(iso, max_packet_size=0x0C00), "wMaxPacketSize is 0x0c00; bits 15 to 11 of a full-speed isochronous"),
    (LOW, of(interrupt, interval=9), "bInterval is 9; a low-speed interrupt endpoint has 10 to 255"),
    (FULL, of(interrupt, interval=0), "bInterval is 0; a full-speed interrupt endpoint has 1 to 255"),
    (HIGH, of(interrupt, interval=17), "bInterval is 17; a high-speed interrupt endpoint has 1 to 16"),
    (FULL, of(iso, interval=17), "bInterval is 17; a full-speed isochronous endpoint has 1 to 16"),
    (HIGH, of(bulk, extra=[COMPANION]), "SuperSpeed companion is there at HIGH speed"),
    (SUPER, of(bulk, extra=[]), "SuperSpeed companion is there 0 times; each SuperSpeed endpoint has one right behind"),
    (SUPER, of(bulk, extra=[b"\2\x24", COMPANION]), "SuperSpeed companion is there 1 times"),
    (SUPER, of(bulk, extra=[b"\2\x30"]), "SuperSpeed companion is shorter than its 6 bytes"),
    (SUPER, of(bulk, extra=[Companion(16).pack()]), "bMaxBurst is 16; a burst has at most 16 packets"),
    (SUPER, of(interrupt, extra=[Companion(1).pack()]), "bMaxBurst is 1; bursts are for packets of 1024 bytes"),
    (SUPER, of(iso, extra=[Companion(0, 1).pack()]), "bmAttributes of the companion is 0x01; Mult is 0 to 0 here"),
    (SUPER, of(bulk, extra=[Companion(0, 17).pack()]), "bmAttributes of the companion is 0x11; 0 to 16"),
    (SUPER, of(interrupt, extra=[Companion(0, 0, 17).pack()]), "wBytesPerInterval is 17; at most 16 fit"),
    (SUPER, of(bulk, extra=[Companion(0, 0, 1).pack()]), "wBytesPerInterval is 1; at most 0 fit"),
]


def broken(case: tuple[Speed, Change, str]) -> list[Finding]:
    speed, change, _ = case
    gadget = sound(speed)
    change(gadget)
    return list(findings(gadget))


@pytest.mark.parametrize("case", CASES, ids=[text for _, _, text in CASES])
def test_a_broken_rule_is_named(case: tuple[Speed, Change, str]) -> None:
    found = broken(case)
    assert any(case[2] in str(finding) for finding in found), [str(finding) for finding in found]


def test_every_rule_has_a_case() -> None:
    seen = {(finding.field, finding.section) for case in CASES for finding in broken(case)}
    tables = (DEVICE_RULES, BOS_RULES, CONFIGURATION_RULES, SETTING_RULES, ENDPOINT_RULES)
    assert [rule.field for table in tables for rule in table if (rule.field, rule.section) not in seen] == []


def test_a_gadget_is_checked_as_it_is_built_and_all_that_is_wrong_is_told() -> None:
    settings = [Interface(0, endpoints=[Endpoint(0x81, BULK, 64), Endpoint(0x81, BULK, 512)])]
    with pytest.raises(LocalError) as caught:
        Gadget(device=DeviceDescriptor(1, 2), configurations=(Configuration(1, settings),))
    assert caught.value.reason is LocalReason.BAD_DESCRIPTOR
    assert "0x81 is there twice" in str(caught.value)
    assert "a high-speed bulk endpoint has 512" in str(caught.value)


def test_devices_that_break_rules_on_purpose_are_not_checked() -> None:
    gadget = Gadget(device=DeviceDescriptor(1, 2, configuration_count=9), configurations=(), checked=False)
    assert gadget.device.configuration_count == 9
    with pytest.raises(LocalError):
        check(gadget)


def test_what_hosts_put_up_with_stops_nobody() -> None:
    gadget = sound()
    gadget.configurations[0].interfaces[0].endpoints = [Endpoint(0x83, ISO, 8, 1)]
    assert [finding.strict for finding in findings(gadget)] == [False]
    check(gadget)
