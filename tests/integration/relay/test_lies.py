"""wslusb.guest.relay: what a device that lies says never reaches the kernel."""

from __future__ import annotations

import pytest

from tests.support.relay import Rig
from tests.support.usb import PuppetDevice
from wslusb.usb.urb import IsoResult, Status


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
