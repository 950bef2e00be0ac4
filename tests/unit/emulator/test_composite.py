"""emulator.composite and the kind of that name: functions side by side, each with the numbers that it knows."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.composite import composite
from emulator.device import VirtualDevice
from emulator.devices.composite import KIND
from emulator.firmware import PASS, Firmware, InHandler, OutHandler, Pass
from emulator.gadget import Gadget, Place
from emulator.model import Model
from emulator.options import Options
from emulator.renumber import Numbers
from tests.support.usb import bulk_in, bulk_out, control_urb, start
from wslusb.errors import LocalError
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.ids import ClassCode, Speed, TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer, Status, Urb, UrbFlag


class Witness(Firmware):
    """Writes down what it hears. It answers what is addressed to its name."""

    def __init__(self, name: int) -> None:
        self.name = name
        self.heard: list[object] = []
        self.places: list[Place] = []

    def attached(self) -> None:
        self.heard.append(("attached", self.board is not None))

    def detached(self) -> None:
        self.heard.append(("detached", self.board is not None))

    def configured(self, value: int) -> None:
        self.heard.append(("configured", value))

    def endpoint(self, place: Place) -> InHandler | OutHandler | None:
        self.places.append(place)
        return None

    def override(self, setup: Setup, data: memoryview) -> Buffer | Pass | None:  # noqa: ARG002
        return b"\x01\x00" if setup.request_type == 0x81 and setup.request == 0 and self.name == 2 else PASS

    def control(self, setup: Setup, data: memoryview) -> Buffer | None:  # noqa: ARG002
        self.heard.append(setup)
        return bytes((self.name,)) if setup.request == self.name else None


def part(name: int, interfaces: int = 1, value: int = 7, **kind: Any) -> Model:
    """A device with a pair of bulk endpoints in each of its interfaces."""
    made = [
        Interface(
            number, string=1, **kind,
            endpoints=[
                Endpoint(0x81 + number, TransferType.BULK, 512), Endpoint(0x01 + number, TransferType.BULK, 512)
            ],
        )
        for number in range(interfaces)
    ]  # fmt: skip
    gadget = Gadget(
        device=DeviceDescriptor(0x1209, name), configurations=(Configuration(value, made),), strings=(f"part {name}",)
    )
    return Model(gadget, Witness(name))


def settings(model: Model) -> list[Interface]:
    return model.gadget.configurations[0].interfaces


def test_interfaces_endpoints_and_strings_get_numbers_of_their_own() -> None:
    made = composite([part(1), part(2, 2), part(3)])
    assert [each.number for each in settings(made)] == [0, 1, 2, 3]
    assert [[each.address for each in interface.endpoints] for interface in settings(made)] == [
        [0x81, 0x01], [0x82, 0x02], [0x83, 0x03], [0x84, 0x04],
    ]  # fmt: skip
    names = [made.gadget.string(each.string) for each in settings(made)]
    assert names == ["part 1", "part 2", "part 2", "part 3"]


def test_functions_of_several_interfaces_are_associated_and_the_device_says_so() -> None:
    made = composite([part(1), part(2, 2, interface_class=ClassCode.AUDIO, subclass=1)])
    assert [each.association is not None for each in settings(made)] == [False, True, False]
    packed = made.gadget.configurations[0].pack()
    assert bytes((8, 11, 1, 2, 1, 1, 0, 0, 9, 4, 1)) in packed, "right before its first interface"
    assert made.gadget.device.pack()[4:7] == bytes((0xEF, 2, 1))
    assert composite([part(1), part(2)]).gadget.device.device_class == 0


def test_each_function_hears_of_its_own_numbers() -> None:
    models = [part(1), part(2, 2, value=9)]
    made = composite(models)
    device = VirtualDevice(made.gadget, made.firmware)
    first, second = (model.firmware for model in models)
    assert isinstance(first, Witness)
    assert isinstance(second, Witness)
    assert [(each.configuration, each.interface, each.endpoint.address) for each in second.places] == [
        (9, 0, 0x81), (9, 0, 0x01), (9, 1, 0x82), (9, 1, 0x02),
    ]  # fmt: skip
    assert second.first_interface == 1
    for request_type, index, own in ((0xA1, 0x0502, 0x0501), (0xA2, 0x83, 0x82), (0xA2, 0x02, 0x01)):
        answer = start(device, control_urb(Setup(request_type, 2, 0, index, 1)))
        assert (answer.status, answer.data) == (Status.OK, b"\x02")
        assert second.heard[-1] == Setup(request_type, 2, 0, own, 1)
    device.close()
    life = [("attached", True), ("configured", 7), ("detached", False)]
    assert [each for each in first.heard if not isinstance(each, Setup)] == life


def test_requests_to_the_device_are_offered_to_one_after_the_other_and_nobody_s_are_stalled() -> None:
    made = composite([part(1), part(2)])
    device = VirtualDevice(made.gadget, made.firmware)
    assert start(device, control_urb(Setup(0xC0, 2, 0, 0, 1))).data == b"\x02"
    assert start(device, control_urb(Setup(0xC0, 3, 0, 0, 1))).status == Status.STALL
    assert start(device, control_urb(Setup(0xA1, 2, 0, 5, 1))).status == Status.STALL


def test_a_function_may_answer_standard_requests_to_its_interfaces_alone() -> None:
    made = composite([part(1), part(2)])
    device = VirtualDevice(made.gadget, made.firmware)
    answers = [start(device, control_urb(Setup(0x81, 0, 0, interface, 2))).data for interface in (0, 1)]
    assert answers == [b"\0\0", b"\x01\0"]


def test_more_endpoints_than_there_are_numbers_are_refused() -> None:
    with pytest.raises(LocalError, match="endpoints"):
        composite([part(1, 8), part(2, 8)])


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ((2, 2, 1), "0524060001", "0524060304"),
        ((2, 2, 1), "0524010001", "0524010004"),
        ((2, 6, 0), "0d240f04000000000000000000", "0d240f0e000000000000000000"),
        ((1, 1, 0), "0a240100011e00020102", "0a240100011e00020405"),
        ((14, 1, 0), "0d240110010000000000000101", "0d240110010000000000000104"),
        ((14, 2, 0), "0e240101000081000100000001", "0e240101000085000100000001"),
        ((3, 1, 1), "0524060001", "0524060001"),
    ],
)
def test_numbers_in_class_specific_descriptors(kind: tuple[int, int, int], before: str, after: str) -> None:
    numbers = Numbers(first_interface=3, first_string=10, endpoints={0x81: 0x85})
    assert numbers.descriptor(bytes.fromhex(before), Interface(0, 0, *kind)).hex() == after


def test_a_feedback_endpoint_is_named_by_its_new_number() -> None:
    endpoint = Endpoint(0x01, TransferType.ISOCHRONOUS | 4, 192, 4, tail=bytes((0, 0x82)))
    feedback = Endpoint(0x82, TransferType.ISOCHRONOUS | 0x10, 4, 4, tail=bytes(2))
    numbers = Numbers(endpoints={0x01: 0x03, 0x82: 0x84})
    changed = numbers.interface(Interface(0, endpoints=[endpoint, feedback]))
    assert [each.pack()[-1] for each in changed.endpoints] == [0x84, 0]


def test_serial_and_storage_work_in_one_device() -> None:
    made = KIND.make(Options({"storage.size": "1M", "serial.answer": "echo"}))
    device = VirtualDevice(made.gadget, made.firmware)
    start(device, bulk_out(b"hello", endpoint=0x01))
    assert start(device, bulk_in(512, endpoint=0x81)).data == b"hello"
    start(
        device, bulk_out(b"USBC" + bytes((1, 0, 0, 0, 8, 0, 0, 0, 0x80, 0, 10, 0x25)).ljust(27, b"\0"), endpoint=0x02)
    )
    assert start(device, bulk_in(8, endpoint=0x83)).data == bytes.fromhex("000007ff00000200")


def test_functions_of_one_kind_have_its_options_all() -> None:
    made = KIND.make(Options({"functions": "serial+serial", "serial.answer": "shell", "serial.lines": "none"}))
    device = VirtualDevice(made.gadget, made.firmware)
    for address_in, address_out in ((0x81, 0x01), (0x83, 0x02)):
        start(device, bulk_out(b"outputs\r", endpoint=address_out))
        assert start(device, bulk_in(512, endpoint=address_in)).data == b"outputs\r\n-\r\n> "


def test_a_notification_names_the_interface_of_the_whole_device() -> None:
    made = KIND.make(Options({"functions": "storage+serial"}))
    device = VirtualDevice(made.gadget, made.firmware)
    assert start(device, control_urb(Setup(0x21, 0x22, 1, 1, 0))).status == Status.OK
    told = start(device, Urb(0, 0x83, TransferType.INTERRUPT, 16, UrbFlag.SHORT_OK))
    assert told.data[:8] == bytes.fromhex("a120000001000200")


def test_a_printer_is_asked_for_its_id_with_the_interface_in_the_high_byte() -> None:
    made = KIND.make(Options({"functions": "serial+printer"}))
    device = VirtualDevice(made.gadget, made.firmware)
    assert b"MFG:" in start(device, control_urb(Setup(0xA1, 0, 0, 0x0200, 1023))).data


@pytest.mark.parametrize(
    "options",
    [{"functions": "serial+composite"}, {"functions": "nothing"}, {"serial.colour": "red"}, {"id": "one"},
     {"functions": "serial+serial+serial+serial+serial+serial+serial+serial"}],
)  # fmt: skip
def test_options_that_make_no_device(options: dict[str, str]) -> None:
    with pytest.raises(LocalError):
        KIND.make(Options(options))


@pytest.mark.parametrize("speed", [Speed.FULL, Speed.HIGH, Speed.SUPER])
def test_the_device_has_one_speed(speed: Speed) -> None:
    made = KIND.make(Options({"speed": speed.name.lower(), "id": "1234:abcd"}))
    sizes = {endpoint.max_packet_size for endpoint in settings(made)[1].endpoints}
    assert (made.gadget.speed, sizes) == (speed, {{2: 64, 3: 512, 5: 1024}[speed]})
    assert (made.gadget.device.vendor, made.gadget.device.product) == (0x1234, 0xABCD)
