"""LibusbDevice on the Linux kernel's own gadgets: run by pytest inside a UML machine, as root.

``tests/kernel/test_libusb_device.py`` does that.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil import gadgets
from tests.integration.device_bench import Bench
from tests.kernel.libusb.hardware import BULK, ECHO, STICK_SIZE, Opener, driver, wait_until
from wslusb.device.libusb import LibusbDevice
from wslusb.device.provider import LibusbProvider


@pytest.fixture(scope="session", autouse=True)
def hardware(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    image = gadgets.make_image(Path("/dev/shm/stick.img"), STICK_SIZE, seed=1)  # noqa: S108 - the machine's own
    for gadget in (gadgets.source_sink(), gadgets.mass_storage(image), gadgets.acm()):
        gadget.create()
    provider = LibusbProvider()
    wait_until(lambda: len(provider.devices()) == 3 and all(each.active_configuration for each in provider.devices()))
    wait_until(lambda: driver("SN77") == "usb-storage" and driver("ACM1") == "cdc_acm")
    provider.close()
    yield
    for name in gadgets.gadgets():
        gadgets.remove(name)


@pytest.fixture(scope="session")
def provider(hardware: None) -> Iterator[LibusbProvider]:
    provider = LibusbProvider()
    yield provider
    provider.close()


@pytest.fixture
def open_by_serial(provider: LibusbProvider) -> Iterator[Callable[[str], LibusbDevice]]:
    with contextlib.ExitStack() as stack:

        def open_one(serial: str) -> LibusbDevice:
            info = next(each for each in provider.devices() if each.serial == serial)
            device = provider.open(info)
            stack.callback(device.close)
            return device

        yield open_one


@pytest.fixture
def zero(open_by_serial: Opener) -> Bench:
    bench = Bench(open_by_serial("ZERO"))
    bench.use(BULK)
    return bench


@pytest.fixture
def echo(open_by_serial: Opener) -> Bench:
    bench = Bench(open_by_serial("ZERO"))
    bench.use(ECHO)
    return bench


@pytest.fixture
def stick(open_by_serial: Opener) -> Bench:
    return Bench(open_by_serial("SN77"))
