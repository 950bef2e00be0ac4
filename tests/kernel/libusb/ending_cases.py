"""LibusbDevice on real USB: closed, pulled out, and given back by the guardian."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil import gadgets
from tests.integration.device_bench import PATIENCE, Bench
from tests.kernel.libusb.hardware import BULK, ECHO, MIB, Opener, driver, wait_until
from wslusb.device.libusb import shared_budget
from wslusb.device.provider import LibusbProvider
from wslusb.errors import DeviceError
from wslusb.usb.urb import Status


def test_close_completes_waiting_and_flying_urbs_and_ends_the_thread(echo: Bench) -> None:
    readers = [echo.read(ECHO, MIB) for _ in range(30)]
    echo.device.close()
    assert all(reader.completions for reader in readers)
    assert {reader.wait().status for reader in readers} == {Status.CANCELLED}
    assert shared_budget.in_flight == 0
    assert not [thread for thread in threading.enumerate() if "libusb" in thread.name]


def test_close_while_others_wait_to_call_blocking_methods(zero: Bench) -> None:
    """Whoever waited while the device was being closed must not touch libusb's handle afterwards."""
    statuses: list[int] = []
    called = threading.Barrier(7)

    def call() -> None:
        try:
            zero.device.clear_halt(BULK.source)
            called.wait(PATIENCE)
            while True:
                zero.device.clear_halt(BULK.source)
        except DeviceError as error:
            statuses.append(error.status)

    threads = [threading.Thread(target=call) for _ in range(6)]
    for thread in threads:
        thread.start()
    called.wait(PATIENCE)
    zero.device.close()
    for thread in threads:
        thread.join(10)
    assert statuses == [Status.GONE] * 6


def test_twenty_opens_leave_nothing_behind(open_by_serial: Opener) -> None:
    open_by_serial("SN77").close()
    before = len(os.listdir("/proc/self/fd")), threading.active_count()  # noqa: PTH208
    for _ in range(20):
        open_by_serial("SN77").close()
    assert (len(os.listdir("/proc/self/fd")), threading.active_count()) == before  # noqa: PTH208


def test_unplug_with_urbs_in_flight(provider: LibusbProvider, open_by_serial: Opener) -> None:
    bench = Bench(open_by_serial("ZERO"))
    bench.use(ECHO)
    readers = [bench.read(ECHO, 64 * 1024) for _ in range(300)]  # some fly, some wait
    changes = threading.Semaphore(0)
    watching = LibusbProvider()
    watching.watch(changes.release)
    before = next(each for each in provider.devices() if each.serial == "ZERO")
    gadgets.unplug("zero")
    try:
        # Until the hub notices, an empty port answers nothing (EPROTO), as with any controller.
        assert {reader.wait().status for reader in readers} <= {Status.GONE, Status.PROTOCOL}
        assert readers[-1].wait().status == Status.GONE
        assert bench.write(ECHO, b"late").wait().status == Status.GONE
        for call in (bench.device.reset, lambda: bench.device.select_configuration(1)):
            with pytest.raises(DeviceError) as caught:
                call()
            assert caught.value.status == Status.GONE
        assert changes.acquire(timeout=5), "no hot-plug event"
        bench.device.close()
        with pytest.raises(DeviceError):
            provider.open(before)
    finally:
        gadgets.plug("zero")
        wait_until(lambda: driver("ZERO") != "")
        watching.close()
    after = next(each for each in provider.devices() if each.serial == "ZERO")
    assert after.generation == before.generation + 1
    assert changes.acquire(timeout=5), "no hot-plug event"


def test_trap_hot_plug_comes_from_the_kernel_and_not_from_libusb(provider: LibusbProvider) -> None:
    """No udevd runs here, and no callback of libusb's: uevents, faster than the look at sysfs every two seconds."""
    changes = threading.Semaphore(0)
    watching = LibusbProvider()
    watching.watch(changes.release)
    try:
        for change in (gadgets.unplug, gadgets.plug):
            change("acm1")
            assert changes.acquire(timeout=1.5), f"{change.__name__} was not told"
    finally:
        watching.close()
        wait_until(lambda: driver("ACM1", 1) == "cdc_acm")


OWNER = """
import signal, sys
from wslusb.device.provider import LibusbProvider
provider = LibusbProvider()
devices = [provider.open(info) for info in provider.devices() if info.serial in ("SN77", "ACM1")]
print("open", provider._guardian._process.pid, flush=True)
if {orderly}:
    sys.stdin.read()
    for device in devices: device.close()
    provider.close()
else:
    signal.pause()
"""


@contextlib.contextmanager
def owner_of_two(*, orderly: bool) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A service that has the stick and the modem, and the process id of its guardian."""
    script, pipe = OWNER.format(orderly=orderly), subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script], stdin=pipe, stdout=pipe, text=True) as owner:
        assert owner.stdout
        word, number = owner.stdout.readline().split()
        assert word == "open"
        assert (driver("SN77"), driver("ACM1", 1)) == ("usbfs", "usbfs")
        yield owner, int(number)


def test_guardian_gives_devices_back_after_sigkill() -> None:
    with owner_of_two(orderly=False) as (owner, guardian):
        links = [link.readlink() for link in Path(f"/proc/{guardian}/fd").iterdir()]
        assert not any("bus/usb" in str(link) for link in links)
        owner.kill()
    wait_until(lambda: driver("SN77") == "usb-storage" and driver("ACM1", 1) == "cdc_acm")
    wait_until(lambda: not is_running(guardian))


def is_running(process: int) -> bool:
    """Whether it is there, and no zombie that nobody waits for."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_guardian_ends_with_an_orderly_service_and_ignores_its_signals() -> None:
    with owner_of_two(orderly=True) as (owner, guardian):
        os.kill(guardian, signal.SIGINT)
        os.kill(guardian, signal.SIGTERM)
        time.sleep(0.2)
        assert is_running(guardian)
        owner.communicate("")
    assert owner.returncode == 0
    wait_until(lambda: not is_running(guardian))
    wait_until(lambda: driver("SN77") == "usb-storage")
