"""emulator.control: standard requests of USB 2.0, 9.4, each with what must be stalled."""

from __future__ import annotations

import pytest

from emulator.control import ControlEndpoint
from emulator.core import Core
from emulator.devices.loopback import LoopbackFirmware, loopback_gadget
from emulator.firmware import Firmware
from emulator.frames import Frames
from emulator.gadget import Gadget
from emulator.variants import at_speed
from wslusb.device.clock import VirtualClock
from wslusb.device.delivery import Delivery
from wslusb.usb.descriptors import Configuration
from wslusb.usb.ids import Speed
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer

GET_DESCRIPTOR = (0x80, 6)


def make(gadget: Gadget | None = None, firmware: Firmware | None = None, configuration: int = 3) -> ControlEndpoint:
    core = Core(
        gadget or loopback_gadget(),
        firmware or LoopbackFirmware(),
        Delivery().put,
        Frames(VirtualClock(), lambda act: act()),
    )
    core.configure(configuration)
    return ControlEndpoint(core)


def ask(
    control: ControlEndpoint, kind: int, request: int, value: int = 0, index: int = 0, length: int = 0
) -> bytes | None:
    reply = control.answer(Setup(kind, request, value, index, length))
    return None if reply is None else bytes(reply)


def test_device_and_configuration_descriptors() -> None:
    gadget, control = loopback_gadget(), make()
    assert ask(control, *GET_DESCRIPTOR, 0x0100, 0, 18) == gadget.device.pack()
    assert ask(control, *GET_DESCRIPTOR, 0x0201, 0, 9) == gadget.configurations[1].pack()[:9]
    assert ask(control, *GET_DESCRIPTOR, 0x0200, 0, 65535) == gadget.configurations[0].pack()
    for value in (0x0101, 0x0202, 0x0400, 0x0500, 0x0F00, 0x2200):
        assert ask(control, *GET_DESCRIPTOR, value, 0, 255) is None, hex(value)


@pytest.mark.parametrize("value", [0x0100, 0x0200, 0x0301, 0x0600, 0x0700])
def test_never_more_than_asked(value: int) -> None:
    """USB3CV 9.x: every wLength from 0 to past the real size."""
    control, language = make(), 0x0409 if value == 0x0301 else 0
    whole = ask(control, *GET_DESCRIPTOR, value, language, 65535)
    assert whole
    for length in range(len(whole) + 2):
        assert ask(control, *GET_DESCRIPTOR, value, language, length) == whole[:length]


def test_strings() -> None:
    control = make(loopback_gadget(serial="S1"))
    assert ask(control, *GET_DESCRIPTOR, 0x0300, 0, 255) == b"\x04\x03\x09\x04"
    assert ask(control, *GET_DESCRIPTOR, 0x0303, 0x0409, 255) == b"\x06\x03S\x001\x00"
    assert ask(control, *GET_DESCRIPTOR, 0x0303, 0x0407, 255) is None
    assert ask(control, *GET_DESCRIPTOR, 0x0306, 0x0409, 255) is None


def test_half_a_surrogate_pair_is_told_as_the_device_told_it() -> None:
    gadget = Gadget.from_descriptors(loopback_gadget().device.pack(), [], {1: "a\ud83d"})
    assert ask(make(gadget), *GET_DESCRIPTOR, 0x0301, 0x0409, 255) == b"\x06\x03a\x00\x3d\xd8"


def test_qualifier_and_other_speed_of_a_high_speed_device() -> None:
    control = make()
    qualifier = ask(control, *GET_DESCRIPTOR, 0x0600, 0, 255)
    assert qualifier == bytes((10, 6, 0, 2, 0xFF, 0, 0, 64, 2, 0))
    other = ask(control, *GET_DESCRIPTOR, 0x0700, 0, 65535)
    assert other
    assert other[1] == 7
    slow = Configuration.unpack(bytes((9, 2)) + other[2:])
    assert {endpoint.max_packet_size for each in slow.interfaces for endpoint in each.endpoints} == {64, 1023}


def test_full_speed_device_has_neither_and_no_bos() -> None:
    gadget = at_speed(loopback_gadget(), Speed.FULL)
    control = make(gadget)
    assert ask(control, *GET_DESCRIPTOR, 0x0600, 0, 10) is None
    assert ask(control, *GET_DESCRIPTOR, 0x0700, 0, 10) is None
    gadget.bos = bytes((5, 15, 5, 0, 0))
    assert ask(control, *GET_DESCRIPTOR, 0x0F00, 0, 255) == gadget.bos


def test_configurations() -> None:
    control = make()
    assert ask(control, 0x80, 8, length=1) == b"\x03"
    for value in (3, 3, 0, 2):  # USB3CV 9.13
        assert ask(control, 0x00, 9, value) == b""
        assert ask(control, 0x80, 8, length=1) == bytes((value,))
    assert ask(control, 0x00, 9, 1) is None
    assert ask(control, 0x80, 8, length=1) == b"\x02"


def test_interfaces() -> None:
    control = make()
    assert ask(control, 0x81, 10, length=1) == b"\0"
    assert ask(control, 0x01, 11, 2, 0) == b""
    assert ask(control, 0x81, 10, length=1) == b"\x02"
    assert ask(control, 0x01, 11, 3, 0) is None
    assert ask(control, 0x01, 11, 0, 1) is None
    assert ask(control, 0x81, 10, 0, 1, 1) is None
    assert ask(control, 0x00, 9, 3) == b""
    assert ask(control, 0x81, 10, length=1) == b"\0"


def test_nothing_but_the_device_answers_when_not_configured() -> None:
    control = make(configuration=0)
    assert ask(control, 0x80, 0, length=2) == b"\0\0"
    assert ask(control, 0x82, 0, 0, 0, 2) == b"\0\0"
    for kind, request, index in ((0x81, 10, 0), (0x81, 0, 0), (0x82, 0, 0x81), (0x01, 11, 0), (0x02, 1, 0x81)):
        assert ask(control, kind, request, 0, index, 2 if kind & 0x80 else 0) is None


def test_status_of_the_device() -> None:
    control = make()
    assert ask(control, 0x80, 0, length=2) == b"\x01\0"
    ask(control, 0x00, 9, 2)
    assert ask(control, 0x00, 3, 1) == b""
    assert ask(control, 0x80, 0, length=2) == b"\x03\0"
    assert ask(control, 0x00, 1, 1) == b""
    assert ask(control, 0x80, 0, length=2) == b"\x01\0"


def test_features_that_do_not_exist() -> None:
    control = make()
    assert ask(control, 0x00, 3, 1) is None, "configuration 3 cannot wake its host"
    assert ask(control, 0x01, 3, 0, 0) is None
    assert ask(control, 0x02, 3, 1, 0x81) is None
    assert ask(control, 0x02, 3, 0, 0x8F) is None
    assert ask(control, 0x02, 3, 0, 0) is None


def test_halt() -> None:
    control = make()
    for endpoint in (0x81, 0x01):
        assert ask(control, 0x82, 0, 0, endpoint, 2) == b"\0\0"
        assert ask(control, 0x02, 3, 0, endpoint) == b""
        assert ask(control, 0x82, 0, 0, endpoint, 2) == b"\x01\0"
        assert ask(control, 0x02, 1, 0, endpoint) == b""
        assert ask(control, 0x82, 0, 0, endpoint, 2) == b"\0\0"
    assert ask(control, 0x02, 1, 0, 0) == b""


@pytest.mark.parametrize(
    "setup", [(0x00, 5, 7), (0x00, 7, 0x0100), (0x82, 12, 0), (0x80, 2, 0), (0x60, 9, 1), (0xE0, 6, 0x100)]
)
def test_reserved_and_host_side_requests_stall(setup: tuple[int, int, int]) -> None:
    assert ask(make(), *setup, length=2 if setup[0] & 0x80 else 0) is None


def test_a_bug_in_firmware_is_a_stall(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(LoopbackFirmware):
        def control(self, setup: Setup, data: memoryview) -> Buffer | None:
            raise ZeroDivisionError(setup, data)

    assert ask(make(firmware=Broken()), 0xC0, 1, length=1) is None
    assert "the firmware failed" in caplog.text
