"""wslusb.device.sync: one transfer at a time."""

from __future__ import annotations

import threading

import pytest

from emulator import device_provider
from tests.support.usb import LOOPBACK, PuppetDevice, bulk_in, bulk_out, iso_urb
from wslusb.device import sync
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status

INFO = device_provider("loopback").devices()[0]


def test_transfer() -> None:
    device = device_provider("loopback").open(INFO)
    result = sync.transfer(device, bulk_in(1024), 5)
    assert (result.status, result.actual_length, result.data) == (Status.OK, 1024, bytes(1024))
    device.select_interface(0, 1)
    result = sync.transfer(device, iso_urb([10, 20]))
    assert [each.actual_length for each in result.iso] == [10, 20]
    device.close()
    assert sync.transfer(device, bulk_in(), 5).status == Status.GONE


def test_control() -> None:
    device = device_provider("loopback").open(INFO)
    assert sync.control(device, Setup(0x80, 6, 0x100, 0, 18)).data == INFO.device_descriptor
    assert sync.control(device, Setup(0x40, 0x5B, 0, 0, 4), b"four").status == Status.OK
    assert sync.control(device, Setup(0xC0, 0x5C, 0, 0, 4)).data == b"four"
    assert sync.control(device, Setup(0xC0, 0xEE, 0, 0, 4)).status == Status.STALL
    device.close()


def test_timeout_and_the_device_is_in_step() -> None:
    device = device_provider("loopback").open(INFO)
    device.select_configuration(LOOPBACK)
    assert sync.transfer(device, bulk_in(), 0.01).status == Status.TIMEOUT
    sync.transfer(device, bulk_out(b"after"), 5)
    assert sync.transfer(device, bulk_in(), 5).data == b"after"
    device.close()


def test_what_was_moved_before_the_timeout_is_told() -> None:
    puppet = PuppetDevice(INFO)

    def cancel(urb: object) -> None:
        puppet.complete(puppet.next(), Status.CANCELLED, b"half")

    puppet.cancel = cancel  # type: ignore[method-assign]
    result = sync.transfer(puppet, bulk_in(), 0.01)
    assert (result.status, result.data, result.actual_length) == (Status.TIMEOUT, b"half", 4)


def test_a_transfer_that_completes_while_it_is_cancelled() -> None:
    puppet = PuppetDevice(INFO)
    puppet.cancel = lambda urb: puppet.complete(puppet.next(), Status.OK, b"whole")  # type: ignore[method-assign]  # noqa: ARG005
    result = sync.transfer(puppet, bulk_in(), 0.01)
    assert (result.status, result.data) == (Status.OK, b"whole")


def test_a_device_that_does_not_even_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "_CANCEL_SECONDS", 0.01)
    assert sync.transfer(PuppetDevice(INFO), bulk_in(), 0.01).status == Status.TIMEOUT


def test_data_are_copied_within_done() -> None:
    puppet = PuppetDevice(INFO)
    buffer = bytearray(b"data")
    results: list[sync.Result] = []
    thread = threading.Thread(target=lambda: results.append(sync.transfer(puppet, bulk_in())))
    thread.start()
    puppet.complete(puppet.next(), Status.OK, memoryview(buffer))
    buffer[:] = b"gone"
    thread.join()
    assert results[0].data == b"data"
