"""wslusb.guest.relay: transfers of every kind, there and back."""

from __future__ import annotations

from tests.support.kernel import RET_SUBMIT
from tests.support.relay import INFO, Rig, told
from tests.support.usb import PuppetDevice
from tests.support.world import World
from wslusb.usb.urb import IsoResult, Status

SET_ECHO = (0, 9, 2, 0, 0)
SHORT_NOT_OK = 1


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
