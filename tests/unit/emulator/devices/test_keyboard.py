"""emulator.devices.keyboard: a hand that types, and the requests of the HID class."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from emulator.catalogue import parse_models
from emulator.device import VirtualDevice
from emulator.devices.keyboard import KEYBOARD_REPORT
from tests.support.reports import Listener
from tests.support.usb import start
from wslusb.device import sync
from wslusb.device.clock import VirtualClock
from wslusb.errors import LocalError
from wslusb.usb.descriptors import Configuration, DeviceDescriptor
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status, Urb

SHIFT = 0x02
NOTHING = bytes(8)


@dataclasses.dataclass
class Desk:
    """A keyboard in virtual time."""

    device: VirtualDevice
    clock: VirtualClock

    @classmethod
    def with_options(cls, options: str = "") -> Desk:
        (model,) = parse_models(f"keyboard:{options}" if options else "keyboard")
        clock = VirtualClock()
        return cls(VirtualDevice(model.gadget, model.firmware, clock=clock), clock)

    def ask(self, *setup: int) -> bytes | None:
        """What an IN request brings; None if it is stalled."""
        result = sync.control(self.device, Setup(*setup))
        return result.data if result.status == Status.OK else None

    def tell(self, request: int, value: int, data: bytes = b"") -> bool:
        """Whether a class request OUT is taken."""
        return sync.control(self.device, Setup(0x21, request, value, 0, len(data)), data).status == Status.OK


def report(key: int = 0, modifiers: int = 0) -> bytes:
    return bytes((modifiers, 0, key, 0, 0, 0, 0, 0))


def test_it_types_as_a_hand_does_once_the_host_listens() -> None:
    desk = Desk.with_options("text=aB,wait=500,pace=10")
    desk.clock.advance(5)
    listener = Listener(desk.device)
    assert listener.over(desk.clock, 0.49) == []
    assert listener.over(desk.clock, 1) == [
        report(0x04), report(), report(0, SHIFT), report(0x05, SHIFT), report(0, SHIFT), report(),
    ]  # fmt: skip


def test_it_waits_for_a_host_that_does_not_read() -> None:
    desk = Desk.with_options("text=ab,wait=0,pace=0")
    one = Urb(0, 0x81, TransferType.INTERRUPT, 8)
    waiter = start(desk.device, one)
    desk.clock.advance(10)
    assert waiter.data == report(0x04)
    assert Listener(desk.device).over(desk.clock, 1) == [report(), report(0x05), report()]


def test_it_begins_again_after_a_while_if_told_so() -> None:
    desk = Desk.with_options("text=a,wait=0,pace=10,every=1000")
    listener = Listener(desk.device)
    assert listener.over(desk.clock, 0.5) == [report(0x04), report()]
    assert listener.over(desk.clock, 1) == [report(0x04), report()]


def test_it_begins_anew_when_it_is_configured_anew() -> None:
    desk = Desk.with_options("text=abc,wait=10,pace=10")
    assert Listener(desk.device).over(desk.clock, 0.015) == [report(0x04)]
    desk.device.reset()
    desk.device.select_configuration(1)
    assert Listener(desk.device).over(desk.clock, 0.025) == [report(0x04), report()]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (r"text=\x2c\n", [report(0x36), NOTHING, report(0x28), NOTHING]),
        ("text=z,layout=de", [report(0x1C), NOTHING]),
        ("text=€,layout=de", [report(0, 0x40), report(0x08, 0x40), report(0, 0x40), NOTHING]),
    ],
)
def test_escapes_and_layouts(options: str, expected: list[bytes]) -> None:
    desk = Desk.with_options(f"{options},wait=0,pace=0")
    assert Listener(desk.device).over(desk.clock, 1) == expected


@pytest.mark.parametrize("options", ["text=é", "text=^,layout=de", r"text=\x", "layout=xx", "record=/nowhere/at/all"])
def test_what_cannot_be_made_is_a_local_error(options: str) -> None:
    with pytest.raises(LocalError):
        Desk.with_options(options)


def test_leds_come_back_as_output_reports(tmp_path: Path) -> None:
    record = tmp_path / "leds"
    desk = Desk.with_options(f"record={record}")
    assert desk.tell(9, 0x200, b"\x03")
    assert desk.tell(9, 0x200, b"\xe0")
    assert record.read_text() == "leds num caps\nleds\n"
    assert not desk.tell(9, 0x200, b"\x01\x00"), "two bytes are no report of this keyboard"
    assert not desk.tell(9, 0x300, b"\x01"), "there is no feature report"


def test_get_report_tells_what_is_down_now() -> None:
    desk = Desk.with_options("text=a,wait=0,pace=100")
    Listener(desk.device).over(desk.clock, 0.05)
    assert desk.ask(0xA1, 1, 0x100, 0, 8) == report(0x04)
    desk.clock.advance(1)
    assert desk.ask(0xA1, 1, 0x100, 0, 8) == NOTHING
    assert desk.ask(0xA1, 1, 0x200, 0, 8) is None


def test_idle_rate_repeats_the_report() -> None:
    desk = Desk.with_options()
    listener = Listener(desk.device)
    assert desk.ask(0xA1, 2, 0, 0, 1) == b"\0"
    assert listener.over(desk.clock, 10) == []
    assert desk.tell(10, 125 << 8)
    assert listener.over(desk.clock, 1.6) == [NOTHING] * 3
    assert desk.ask(0xA1, 2, 0, 0, 1) == b"\x7d"
    assert desk.tell(10, 0)
    assert listener.over(desk.clock, 10) == []
    assert not desk.tell(10, 1), "there is no report 1"


def test_protocol_is_remembered_until_the_next_configuration() -> None:
    desk = Desk.with_options()
    assert desk.ask(0xA1, 3, 0, 0, 1) == b"\x01"
    assert desk.tell(11, 0)
    assert desk.ask(0xA1, 3, 0, 0, 1) == b"\x00"
    assert not desk.tell(11, 2)
    desk.device.select_configuration(1)
    assert desk.ask(0xA1, 3, 0, 0, 1) == b"\x01"


@pytest.mark.parametrize(
    ("speed", "packet0", "interval"), [("low", 8, 10), ("full", 64, 10), ("high", 64, 7)]
)  # fmt: skip
def test_speeds(speed: str, packet0: int, interval: int) -> None:
    desk = Desk.with_options(f"speed={speed}")
    device = DeviceDescriptor.unpack(desk.ask(0x80, 6, 0x100, 0, 18) or b"")
    configuration = Configuration.unpack(desk.ask(0x80, 6, 0x200, 0, 255) or b"")
    (interface,) = configuration.interfaces
    (endpoint,) = interface.endpoints
    assert (device.max_packet_size0, endpoint.max_packet_size, endpoint.interval) == (packet0, 8, interval)
    assert (interface.interface_class, interface.subclass, interface.protocol) == (3, 1, 1)


def test_class_descriptors_are_read_from_the_interface() -> None:
    desk = Desk.with_options()
    described = bytes((9, 0x21, 0x11, 1, 0, 1, 0x22, len(KEYBOARD_REPORT), 0))
    assert desk.ask(0x81, 6, 0x2100, 0, 64) == described
    assert desk.ask(0x81, 6, 0x2200, 0, 255) == KEYBOARD_REPORT
    assert desk.ask(0x81, 6, 0x2300, 0, 255) is None, "no physical descriptor"
    assert desk.ask(0x81, 6, 0x2200, 1, 255) is None, "no interface 1"


def test_there_is_no_interface_to_ask_before_the_device_is_configured() -> None:
    desk = Desk.with_options()
    desk.device.reset()
    assert not desk.tell(10, 1 << 8)
    assert desk.ask(0x81, 6, 0x2200, 0, 255) is None
    desk.device.select_configuration(1)
    assert desk.tell(10, 1 << 8)
