"""The relay between a made-up kernel end and devices: every order of completions and unlinks, resets, and lies."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator import device_provider
from tests.support.kernel import ECONNRESET, RET_SUBMIT, RET_UNLINK, Answer, Kernel, pack_submit, pack_unlink
from tests.support.usb import PuppetDevice
from tests.support.waiting import PATIENCE
from tests.support.world import World
from wslusb.device.api import Device
from wslusb.errors import DeviceError
from wslusb.guest.relay import Relay
from wslusb.transport.stream import Peer, SocketStream
from wslusb.usb.urb import IsoResult, Status

INFO = device_provider("loopback").devices()[0]
SET_ECHO = (0, 9, 2, 0, 0)
SHORT_NOT_OK = 1


class Rig:
    """A relay on a thread, a kernel end, and a device."""

    def __init__(self, device: Device) -> None:
        ours, kernels = socket.socketpair()
        self.kernel = Kernel(kernels)
        self.resetting = False
        self.asked = 0
        self.relay = Relay(SocketStream(ours, Peer("unix", 0)), device, self._is_resetting)
        self._ours = ours
        self.thread = threading.Thread(target=self.relay.run)
        self.thread.start()

    def _is_resetting(self) -> bool:
        self.asked += 1
        return self.resetting

    def close(self) -> None:
        self.kernel.sock.close()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()
        self._ours.close()


@pytest.fixture
def emulated() -> Iterator[Rig]:
    device = device_provider("loopback").open(INFO)
    rig = Rig(device)
    yield rig
    rig.close()
    device.close()


@pytest.fixture
def puppet() -> PuppetDevice:
    return PuppetDevice(INFO)


@pytest.fixture
def rig(puppet: PuppetDevice) -> Iterator[Rig]:
    made = Rig(puppet)
    yield made
    made.close()
    puppet.close()


def told(answer: Answer) -> tuple[int, int, int]:
    return answer.command, answer.number, answer.status


# -- ordinary transfers


def test_echo(emulated: Rig) -> None:
    kernel = emulated.kernel
    kernel.control(1, *SET_ECHO)
    assert told(kernel.answer()) == (RET_SUBMIT, 1, 0)
    kernel.submit(2, 0x81, 1024)
    kernel.submit(3, 0x01, 5, b"hello")
    answers = {answer.number: answer for answer in (kernel.answer(), kernel.answer())}
    assert (answers[2].data, answers[3].actual) == (b"hello", 5)


def test_short_not_ok(emulated: Rig) -> None:
    """The emulator reports SHORT itself, with the data."""
    kernel = emulated.kernel
    kernel.submit(1, 0x80, 64, setup=bytes((0x80, 6, 0, 1, 0, 0, 64, 0)), flags=SHORT_NOT_OK)
    answer = kernel.answer()
    assert (answer.status, answer.data) == (-121, INFO.device_descriptor)


def test_descriptor_and_stall(emulated: Rig) -> None:
    kernel = emulated.kernel
    kernel.control(1, 0x80, 6, 0x0100, 0, 18)
    assert kernel.answer().data == INFO.device_descriptor
    kernel.control(2, 0x80, 6, 0x6600, 0, 18)
    assert kernel.answer().status == -32


def test_control_out_with_data(emulated: Rig) -> None:
    kernel = emulated.kernel
    kernel.submit(1, 0, 4, b"abcd", setup=bytes((0x40, 0x5B, 0, 0, 0, 0, 4, 0)))
    assert kernel.answer().actual == 4
    kernel.control(2, 0xC0, 0x5C, 0, 0, 4)
    assert kernel.answer().data == b"abcd"


def test_interrupt_is_told_from_bulk_by_the_setting(rig: Rig, puppet: PuppetDevice) -> None:
    """CMD_SUBMIT does not say it: the relay follows SET_CONFIGURATION and SET_INTERFACE."""
    kernel = rig.kernel
    kernel.control(1, *SET_ECHO)
    puppet.complete(puppet.next())
    kernel.answer()
    kernel.submit(2, 0x85, 64)
    assert puppet.next().transfer == 3
    kernel.submit(3, 0x81, 64)
    assert puppet.next().transfer == 2


def test_through_a_service(world: World) -> None:
    client = world.client()
    device = client.open(world.info())
    rig = Rig(device)
    rig.kernel.submit(1, 0x81, 1 << 20)
    assert rig.kernel.answer().data == bytes(1 << 20)
    rig.kernel.submit(2, 0x8E, 64)
    assert rig.kernel.answer().status == -22
    rig.close()
    device.close()
    client.close()


def test_isochronous_with_gaps(emulated: Rig) -> None:
    """Linux' drivers may leave room between packets; data cross the wire without."""
    kernel = emulated.kernel
    kernel.control(1, 1, 11, 1, 0, 0)
    assert kernel.answer().status == 0
    packets = [(0, 10), (100, 20), (200, 0), (1000, 1024)]
    kernel.submit(2, 0x83, 4096, packets=packets, flags=2, interval=8)
    answer = kernel.answer()
    assert (answer.status, answer.actual, len(answer.data)) == (0, 1054, 1054)
    kernel.submit(3, 0x03, 4096, bytes(4096), packets=packets, flags=2, interval=8)
    answer = kernel.answer()
    assert (answer.status, answer.actual, [packet[2] for packet in answer.packets]) == (0, 1054, [10, 20, 0, 1024])


def test_trap_gaps_are_taken_out_of_what_goes_to_the_device(rig: Rig, puppet: PuppetDevice) -> None:
    rig.kernel.control(1, 0, 9, 3, 0, 0)
    puppet.complete(puppet.next())
    rig.kernel.answer()
    rig.kernel.submit(2, 0x03, 12, b"ab..cd..ef..", packets=[(0, 2), (4, 2), (8, 2)])
    urb = puppet.next()
    assert (urb.data, urb.length, tuple(urb.iso_lengths)) == (b"abcdef", 6, (2, 2, 2))
    puppet.complete(urb, actual=6, iso=[IsoResult(0, 2)] * 3)
    assert rig.kernel.answer().actual == 6


def test_isochronous_without_packets(rig: Rig, puppet: PuppetDevice) -> None:
    """Some Bluetooth drivers send these; there is nothing to ask the device for."""
    for setup in ((0, 9, 3, 0, 0), (1, 11, 1, 0, 0)):
        rig.kernel.control(1, *setup)
        puppet.complete(puppet.next())
        rig.kernel.answer()
    rig.kernel.submit(2, 0x83, 0)
    assert told(rig.kernel.answer()) == (RET_SUBMIT, 2, 0)
    assert not puppet.waiting


def test_an_isochronous_urb_that_ends_before_it_began(rig: Rig, puppet: PuppetDevice) -> None:
    rig.kernel.submit(1, 0x83, 20, packets=[(0, 10), (10, 10)])
    puppet.complete(puppet.next(), Status.GONE)
    answer = rig.kernel.answer()
    assert (answer.status, [packet[2:] for packet in answer.packets]) == (-108, [(0, -108)] * 2)


# -- unlinks


def test_unlink_wins(rig: Rig, puppet: PuppetDevice) -> None:
    rig.kernel.submit(1, 0x81, 512)
    urb = puppet.next()
    rig.kernel.unlink(2, 1)
    rig.kernel.submit(3, 0x81, 512)
    puppet.next()
    assert puppet.cancelled == [urb]
    puppet.complete(urb, Status.CANCELLED)
    assert told(rig.kernel.answer()) == (RET_UNLINK, 2, ECONNRESET)
    assert rig.kernel.silent()


@pytest.mark.parametrize("status", [Status.OK, Status.STALL, Status.GONE])
def test_unlink_loses(rig: Rig, puppet: PuppetDevice, status: Status) -> None:
    rig.kernel.submit(1, 0x81, 512)
    urb = puppet.next()
    rig.kernel.unlink(2, 1)
    rig.kernel.submit(3, 0x81, 512)
    puppet.next()
    puppet.complete(urb, status)
    assert rig.kernel.answer().command == RET_SUBMIT
    assert told(rig.kernel.answer()) == (RET_UNLINK, 2, 0)


def test_trap_what_was_moved_before_a_cancel_is_delivered(rig: Rig, puppet: PuppetDevice) -> None:
    rig.kernel.submit(1, 0x81, 512)
    urb = puppet.next()
    rig.kernel.unlink(2, 1)
    rig.kernel.submit(3, 0x81, 512)
    puppet.next()
    puppet.complete(urb, Status.CANCELLED, b"half")
    answer = rig.kernel.answer()
    assert (answer.command, answer.status, answer.data) == (RET_SUBMIT, ECONNRESET, b"half")
    assert told(rig.kernel.answer()) == (RET_UNLINK, 2, 0)


def test_trap_every_unlink_is_answered_also_a_late_one(rig: Rig, puppet: PuppetDevice) -> None:
    rig.kernel.submit(1, 0x81, 512)
    puppet.complete(puppet.next(), Status.OK, b"x")
    rig.kernel.unlink(2, 1)
    rig.kernel.unlink(3, 99)
    assert [told(rig.kernel.answer()) for _ in range(3)] == [
        (RET_SUBMIT, 1, 0),
        (RET_UNLINK, 2, 0),
        (RET_UNLINK, 3, 0),
    ]
    assert not puppet.cancelled


def test_a_device_that_cancels_on_its_own(rig: Rig, puppet: PuppetDevice) -> None:
    """A change of the setting gives URBs back that nobody has unlinked: they are submits that failed."""
    rig.kernel.submit(1, 0x81, 512)
    puppet.complete(puppet.next(), Status.CANCELLED)
    assert told(rig.kernel.answer()) == (RET_SUBMIT, 1, ECONNRESET)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["submit", "unlink", "complete", "cancelled", "partial"]), st.integers(0, 30)
    ),
    max_size=60,
)  # fmt: skip


@given(STEPS)
def test_every_interleaving_answers_everything_once(steps: list[tuple[str, int]]) -> None:
    """Each SUBMIT gets one RET_SUBMIT or a RET_UNLINK that won, each UNLINK one RET_UNLINK, and no byte is lost."""
    puppet = PuppetDevice(INFO)
    rig = Rig(puppet)
    kernel, number, moved = rig.kernel, 0, 0
    submitted: list[int] = []
    unlinked: set[int] = set()
    try:
        for action, which in steps:
            if action == "submit":
                number += 1
                kernel.submit(number, 0x81, 512)
                submitted.append(number)
                puppet.next()
            elif action == "unlink" and submitted:
                target = submitted[which % len(submitted)]
                if target not in unlinked:  # the kernel unlinks once
                    unlinked.add(target)
                    number += 1
                    kernel.unlink(number, target)
            elif puppet.waiting:
                urb = list(puppet.waiting)[which % len(puppet.waiting)]
                data = bytes(which) if action != "cancelled" else b""
                moved += len(data)
                puppet.complete(urb, Status.OK if action == "complete" else Status.CANCELLED, data)
        number += 1
        kernel.submit(number, 0x01, 0)  # a last one: everything before it has been read
        puppet.next()
        for urb in list(puppet.waiting):
            puppet.complete(urb)
        received = 0
        while kernel.asked or kernel.unlinks:
            received += len(kernel.answer().data)
        assert received == moved
        assert kernel.silent()
    finally:
        rig.close()


def test_unlinks_race_with_completions_on_threads(rig: Rig, puppet: PuppetDevice) -> None:
    kernel = rig.kernel

    def complete() -> None:
        for _ in range(500):
            puppet.complete(puppet.next(), Status.OK, b"data")

    device = threading.Thread(target=complete)
    device.start()
    submitted = 0
    for number in range(500):
        kernel.submit(2 * number + 1, 0x81, 512)
        kernel.unlink(2 * number + 2, 2 * number + 1)
        if number % 50 == 49:  # the kernel reads all the time; here it must be before the socket is full
            while kernel.asked or kernel.unlinks:
                submitted += kernel.answer().command == RET_SUBMIT
    assert submitted == 500
    device.join()


# -- devices that lie


@pytest.mark.parametrize(
    ("data", "actual", "iso", "errors"),
    [
        (bytes(513), 513, (), 0),
        (bytes(512), 513, (), 0),
        (b"", -5, (), 0),
        (b"", 1 << 40, (), 0),
        (b"abc", 4, (), 0),
        (b"abcd", 3, (), 0),
        (b"", 0, (IsoResult(0, 0),), 0),
    ],
)
def test_trap_lie_about_a_read_never_reaches_the_kernel(
    rig: Rig, puppet: PuppetDevice, data: bytes, actual: int, iso: tuple[IsoResult, ...], errors: int
) -> None:
    rig.kernel.submit(1, 0x81, 512)
    puppet.complete(puppet.next(), Status.OK, data, actual, iso, errors)
    answer = rig.kernel.answer()
    assert (answer.status, answer.actual, answer.data) == (-71, 0, b"")


@pytest.mark.parametrize("actual", [4, 2, 0, -1, 100000])
def test_trap_lie_about_a_write_never_reaches_the_kernel(rig: Rig, puppet: PuppetDevice, actual: int) -> None:
    rig.kernel.submit(1, 0x01, 3, b"abc")
    puppet.complete(puppet.next(), Status.OK, b"", actual)
    assert (rig.kernel.answer().status, rig.kernel.silent()) == (-71, True)


@pytest.mark.parametrize(
    ("data", "iso", "errors"),
    [
        (bytes(20), [IsoResult(0, 10)], 0),
        (bytes(20), [IsoResult(0, 10)] * 3, 0),
        (bytes(20), [IsoResult(0, 11), IsoResult(0, 9)], 0),
        (bytes(20), [IsoResult(0, 10), IsoResult(0, 9)], 0),
        (bytes(0), [IsoResult(0, -1), IsoResult(0, 1)], 0),
        (bytes(20), (), 0),
    ],
)
def test_trap_lie_about_isochronous_packets_never_reaches_the_kernel(
    rig: Rig, puppet: PuppetDevice, data: bytes, iso: list[IsoResult], errors: int
) -> None:
    rig.kernel.submit(1, 0x83, 20, packets=[(0, 10), (10, 10)])
    puppet.complete(puppet.next(), Status.OK, data, None, iso, errors)
    answer = rig.kernel.answer()
    assert (answer.status, [packet[2:] for packet in answer.packets]) == (-71, [(0, -71)] * 2)


@pytest.mark.parametrize("errors", [-1, 3, 1 << 40])
def test_a_count_of_errors_is_clamped(rig: Rig, puppet: PuppetDevice, errors: int) -> None:
    rig.kernel.submit(1, 0x83, 20, packets=[(0, 10), (10, 10)])
    puppet.complete(puppet.next(), Status.OK, bytes(20), None, [IsoResult(0, 10)] * 2, errors)
    assert 0 <= rig.kernel.answer().errors <= 2


@pytest.mark.parametrize("status", [1, 0xFFFFFFFF, -3, 0x103])
def test_a_status_that_means_nothing_is_an_error(rig: Rig, puppet: PuppetDevice, status: int) -> None:
    rig.kernel.submit(1, 0x81, 512)
    puppet.complete(puppet.next(), status)
    assert rig.kernel.answer().status == -5


# -- resets

GET_DEVICE = (0x80, 6, 0x0100, 0)
CONFIGURE = (0, 9, 3, 0, 0)


def enumerate_once(rig: Rig, puppet: PuppetDevice) -> None:
    rig.kernel.control(1, *CONFIGURE)
    puppet.complete(puppet.next())
    rig.kernel.answer()


@pytest.mark.parametrize("length", [8, 64])
def test_trap_port_reset_that_never_leaves_vhci_reaches_the_device_once(
    rig: Rig, puppet: PuppetDevice, length: int
) -> None:
    enumerate_once(rig, puppet)
    rig.resetting = True
    for number in (2, 3):
        rig.kernel.control(number, *GET_DEVICE, length)
        puppet.complete(puppet.next(), Status.OK, INFO.device_descriptor[:length])
        assert rig.kernel.answer().status == 0
    assert [name for name, *_ in puppet.calls] == ["reset"]
    enumerate_once(rig, puppet)
    rig.kernel.control(4, *GET_DEVICE, length)
    puppet.complete(puppet.next(), Status.OK, b"")
    rig.kernel.answer()
    assert [name for name, *_ in puppet.calls] == ["reset"] * 2


def test_a_program_that_reads_the_descriptor_resets_nothing(rig: Rig, puppet: PuppetDevice) -> None:
    enumerate_once(rig, puppet)
    rig.kernel.control(2, *GET_DEVICE, 64)
    puppet.complete(puppet.next(), Status.OK, INFO.device_descriptor)
    rig.kernel.answer()
    assert (rig.asked, puppet.calls) == (1, [])


def test_the_first_enumeration_and_other_lengths_do_not_even_ask(rig: Rig, puppet: PuppetDevice) -> None:
    rig.resetting = True
    rig.kernel.control(2, *GET_DEVICE, 64)
    puppet.complete(puppet.next())
    rig.kernel.answer()
    enumerate_once(rig, puppet)
    rig.kernel.control(3, *GET_DEVICE, 18)
    puppet.complete(puppet.next())
    rig.kernel.answer()
    assert (rig.asked, puppet.calls) == (0, [])


def test_a_device_that_does_not_survive_the_reset(rig: Rig, puppet: PuppetDevice) -> None:
    enumerate_once(rig, puppet)
    rig.resetting = True
    puppet.refusal = DeviceError(Status.GONE, "it came back as something else")
    rig.kernel.control(2, *GET_DEVICE, 64)
    assert rig.kernel.answer().status == -108
    assert not puppet.waiting


# -- ends


def test_stop_closes_the_port(rig: Rig) -> None:
    rig.relay.stop()
    with pytest.raises(EOFError):
        rig.kernel.answer()
    rig.relay.stop()


@pytest.mark.parametrize(
    "junk",
    [
        bytes(48),
        b"\xff" * 48,
        struct.pack(">IIIII28x", 9, 1, 1, 0, 0),
        struct.pack(">IIIII28x", 1, 1, 1, 0, 16),
        struct.pack(">IIIII28x", 1, 1, 1, 2, 1),
        pack_submit(1, 0x81, -1 & 0xFFFFFFFF),
        pack_submit(1, 0x83, 10, packets=[(0, 11)]),
        pack_submit(1, 0x83, 10, packets=[(0xFFFFFFFF, 1)]),
        pack_submit(1, 0x83, 70000, packets=[(0, 65536)]),
        pack_submit(1, 0x83, 10, count=1025),
    ],
)
def test_what_no_kernel_writes_closes_the_port(rig: Rig, junk: bytes) -> None:
    rig.kernel.sock.sendall(junk)
    with pytest.raises(EOFError):
        rig.kernel.answer()


@pytest.mark.parametrize("again", [pack_submit(1, 0x81, 512), pack_unlink(3, 1)])
def test_the_same_number_twice_closes_the_port(rig: Rig, puppet: PuppetDevice, again: bytes) -> None:
    """Found by fuzzing: the first of the two was forgotten, and its completion raised in the device's thread."""
    rig.kernel.submit(1, 0x81, 512)
    urb = puppet.next()
    rig.kernel.unlink(2, 1)
    rig.kernel.sock.sendall(again)
    with pytest.raises(EOFError):
        rig.kernel.answer()
    puppet.complete(urb, Status.OK, b"late")


def test_a_completion_after_the_port_was_closed(rig: Rig, puppet: PuppetDevice) -> None:
    rig.kernel.submit(1, 0x81, 512)
    urb = puppet.next()
    rig.kernel.sock.close()
    rig.thread.join(PATIENCE)
    puppet.complete(urb, Status.OK, b"late")
