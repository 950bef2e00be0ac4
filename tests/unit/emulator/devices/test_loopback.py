"""emulator.devices.loopback: what usbtest expects of Gadget Zero."""

from __future__ import annotations

import pytest

from emulator.catalogue import parse_models
from emulator.device import VirtualDevice
from emulator.devices.loopback import LOOPBACK, LoopbackFirmware, loopback_gadget
from wslusb.device.clock import VirtualClock
from wslusb.errors import DeviceError
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Completion, Status, Urb, UrbFlag


def make(pattern: int = 0) -> VirtualDevice:
    return VirtualDevice(loopback_gadget(), LoopbackFirmware(pattern), clock=VirtualClock())


def run(device: VirtualDevice, urb: Urb) -> tuple[Status, bytes]:
    seen: list[tuple[Status, bytes]] = []

    def done(completion: Completion) -> None:
        seen.append((Status(completion.status), bytes(completion.data)))

    device.submit(urb, done)
    assert isinstance(device.clock, VirtualClock)
    device.clock.advance(1)
    return seen[0]


def pattern_1(length: int, max_packet: int) -> bytes:
    return bytes((index % max_packet) % 63 for index in range(length))


def test_pattern_1_of_the_source() -> None:
    assert run(make(1), Urb(0, 0x81, 2, 5120)) == (Status.OK, pattern_1(5120, 512))


def test_pattern_1_of_the_interrupt_and_isochronous_sources() -> None:
    device = make(1)
    device.select_interface(0, 2)
    assert run(device, Urb(0, 0x85, TransferType.INTERRUPT, 192)) == (Status.OK, pattern_1(192, 64))
    device.select_interface(0, 1)
    lengths = [1024, 100, 0, 512]
    expected = b"".join(pattern_1(length, 1024) for length in lengths)
    assert run(device, Urb(0, 0x83, 1, sum(lengths), iso_lengths=lengths)) == (Status.OK, expected)


def test_isochronous_packets_that_are_numbered() -> None:
    device = VirtualDevice(loopback_gadget(), LoopbackFirmware(numbered=True), clock=VirtualClock())
    device.select_interface(0, 1)
    lengths = [1024, 100, 0, 4]
    expected = b"".join(number.to_bytes(4, "little") * words for number, words in ((0, 256), (1, 24), (2, 0), (3, 1)))
    assert run(device, Urb(0, 0x83, 1, sum(lengths), iso_lengths=lengths)) == (Status.OK, expected)


@pytest.mark.parametrize("pattern", [0, 1])
def test_sink_halts_at_a_bad_byte(pattern: int) -> None:
    device = make(pattern)
    good = pattern_1(1500, 512) if pattern else bytes(1500)
    for data in (good, good[:3], b"", good):
        assert run(device, Urb(0, 1, 2, len(data), 0, data))[0] == Status.OK
    bad = good[:700] + b"\xff" + good[701:]
    run(device, Urb(0, 1, 2, len(bad), 0, bad))
    assert run(device, Urb(0, 1, 2, len(good), 0, good))[0] == Status.STALL
    device.clear_halt(1)
    assert run(device, Urb(0, 1, 2, len(good), 0, good))[0] == Status.OK


@pytest.mark.parametrize(
    "setup",
    [Setup(0x40, 0x5B, 1, 0, 0), Setup(0x40, 0x5B, 0, 1, 0), Setup(0xC0, 0x5B, 0, 0, 4), Setup(0xC0, 0x5C, 0, 0, 4097)],
)
def test_vendor_requests_that_gadget_zero_stalls(setup: Setup) -> None:
    assert run(make(), Urb(0, 0x80, 0, setup.length, 0, b"", setup))[0] == Status.STALL


def test_echo_holds_back_a_host_that_does_not_read() -> None:
    device = make()
    device.select_configuration(LOOPBACK)
    taken: list[int] = []
    for number in range(20):
        urb = Urb(number, 1, 2, 100_000, 0, bytes((number,)) * 100_000)
        device.submit(urb, lambda completion: taken.append(completion.urb.sequence))
    assert taken == list(range(11)), "1 MiB, and the transfer that crosses it"
    for number in range(20):
        status, data = run(device, Urb(0, 0x81, 2, 100_352, UrbFlag.SHORT_OK))
        assert (status, data == bytes((number,)) * 100_000) == (Status.OK, True)
    assert taken == list(range(20))


def test_interrupt_echo() -> None:
    device = make()
    device.select_configuration(LOOPBACK)
    run(device, Urb(0, 5, TransferType.INTERRUPT, 5, 0, b"hello"))
    assert run(device, Urb(0, 0x85, TransferType.INTERRUPT, 64, UrbFlag.SHORT_OK)) == (Status.OK, b"hello")


@pytest.mark.parametrize(
    "urb",
    [
        Urb(0, 1, 2, 5, 0, b"four"), Urb(0, 0x81, TransferType.INTERRUPT, 8), Urb(0, 0x8F, 2, 8), Urb(0, 0, 0, 8),
        Urb(0, 0x80, 0, 8, 0, b"", Setup(0x80, 6, 0x100, 0, 18)),
        Urb(0, 0x80, 2, 18, 0, b"", Setup(0x80, 6, 0x100, 0, 18)),
    ],
)  # fmt: skip
def test_urbs_that_a_kernel_refuses(urb: Urb) -> None:
    assert run(make(), urb)[0] == Status.INVALID


def test_firmware_can_act_on_its_own() -> None:
    device, seen = make(), []
    device.select_configuration(LOOPBACK)
    device.submit(Urb(0, 0x81, 2, 512, UrbFlag.SHORT_OK), lambda completion: seen.append(bytes(completion.data)))
    with device.running() as core:
        core.pipes[0x81].send(b"pressed")  # type: ignore[attr-defined]
        assert not seen, "nothing is handed out while the lock is held"
    assert seen == [b"pressed"]


@pytest.mark.parametrize(
    ("speed", "packet_0", "endpoints"),
    [
        ("low", 8, {0x85: (8, 10), 0x05: (8, 10)}),
        ("full", 64, {0x81: (64, 0), 0x01: (64, 0), 0x85: (64, 1), 0x05: (64, 1)}),
        ("high", 64, {0x81: (512, 0), 0x01: (512, 0), 0x85: (64, 1), 0x05: (64, 1)}),
        ("super", 9, {0x81: (1024, 0), 0x01: (1024, 0), 0x85: (64, 1), 0x05: (64, 1)}),
    ],
)
def test_speeds(speed: str, packet_0: int, endpoints: dict[int, tuple[int, int]]) -> None:
    (model,) = parse_models(f"loopback:speed={speed}")
    echo = model.gadget.configurations[1].interfaces[0]
    assert model.gadget.device.max_packet_size0 == packet_0
    assert {each.address: (each.max_packet_size, each.interval) for each in echo.endpoints} == endpoints
    device = VirtualDevice(model.gadget, model.firmware, clock=VirtualClock())
    device.select_configuration(LOOPBACK)
    run(device, Urb(0, 5, TransferType.INTERRUPT, 5, 0, b"hello"))
    assert run(device, Urb(0, 0x85, TransferType.INTERRUPT, 64, UrbFlag.SHORT_OK)) == (Status.OK, b"hello")


def test_not_configured() -> None:
    device = make()
    device.reset()
    assert run(device, Urb(0, 0x81, 2, 512))[0] == Status.INVALID
    with pytest.raises(DeviceError) as caught:
        device.clear_halt(0x81)
    assert caught.value.status == Status.STALL
