"""LibusbDevice on real USB: settings, halts, resets, and calls that are refused."""

from __future__ import annotations

import threading
import time

import pytest

from tests.integration.device_bench import Bench
from tests.kernel.libusb.hardware import BULK, ECHO, driver
from wslusb.device.libusb import shared_budget
from wslusb.errors import LocalError
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Completion, Status


def test_trap_set_configuration_to_the_current_value_is_not_busy(zero: Bench) -> None:
    for _ in range(3):
        zero.device.select_configuration(1)
        assert driver("ZERO") == "usbfs"
        assert zero.read(BULK, 1024).wait().status == Status.OK
        assert zero.write(BULK, bytes(1024)).wait().status == Status.OK


def test_trap_set_configuration_clears_a_halt(zero: Bench) -> None:
    assert zero.control(Setup(0x02, 3, 0, BULK.source, 0)).wait().status == Status.OK
    assert zero.read(BULK, 512).wait().status == Status.STALL
    zero.device.select_configuration(1)
    assert zero.read(BULK, 512).wait().status == Status.OK


def test_trap_urbs_killed_by_select_interface_are_not_reported_as_finished(echo: Bench) -> None:
    """The kernel kills them with ENOENT, which libusb takes for success with no data."""
    readers = [echo.read(ECHO, 512) for _ in range(4)]
    echo.device.select_interface(0, 0)
    assert all(reader.completions for reader in readers), "not given back before it returned"
    assert {reader.wait().status for reader in readers} == {Status.CANCELLED}


def test_trap_reset_takes_a_while_and_gives_back_what_was_in_flight(echo: Bench) -> None:
    readers = [echo.read(ECHO, 512) for _ in range(4)]
    start = time.monotonic()
    echo.device.reset()
    assert time.monotonic() - start < 3
    assert {reader.wait().status for reader in readers} == {Status.CANCELLED}
    assert driver("ZERO") == "usbfs"


def test_trap_exception_in_a_callback_loses_no_urb(zero: Bench) -> None:
    def fail(_: Completion) -> None:
        raise RuntimeError("as it should be")

    for _ in range(3):
        zero.device.submit(zero.in_urb(BULK, 512), fail)
    assert zero.read(BULK, 512).wait().status == Status.OK
    zero.device.close()
    assert shared_budget.in_flight == 0


def test_blocking_methods_refuse_to_be_called_from_done(zero: Bench) -> None:
    refused: list[str] = []
    finished = threading.Event()

    def done(_: Completion) -> None:
        for method in (zero.device.close, zero.device.reset, lambda: zero.device.clear_halt(0x81)):
            try:
                method()
            except LocalError as error:
                refused.append(error.reason.name)
        finished.set()

    zero.device.submit(zero.in_urb(BULK, 512), done)
    assert finished.wait(10)
    assert refused == ["BAD_STATE"] * 3


def test_same_urb_twice_is_refused(echo: Bench) -> None:
    reader = echo.read(ECHO, 512)
    with pytest.raises(LocalError):
        echo.device.submit(reader.urb, reader.done)
    echo.device.cancel(reader.urb)
    assert reader.wait().status == Status.CANCELLED
