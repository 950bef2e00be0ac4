"""Any captures, replayed as devices: a kernel enumerates them, and has the descriptors that the capture holds.

Those of tests/samples, and with ``--captures DIR`` every usbmon and USBPcap file in and below that folder.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.vm.uml import UmlMachine
from hil.waiting import poll
from tests.kernel.devices.lab import Lab
from tests.support import samples
from wslusb.capture import pcapfile
from wslusb.errors import LocalError
from wslusb.replay.facts import Facts
from wslusb.replay.provider import Options, ReplayProvider
from wslusb.replay.reading import stories
from wslusb.usb.ids import ClassCode
from wslusb.usb.info import DeviceInfo

DEVICES = "/sys/bus/usb/devices/*-*"
COUNT_AT = 17
"""Of bNumConfigurations in a device descriptor."""


@dataclasses.dataclass(frozen=True)
class Captured:
    """One device of a file; ``name`` is its bus.address, empty where the file has none that could be a device."""

    path: Path
    name: str = ""

    def __str__(self) -> str:
        return f"{self.path.name}:{self.name}"


def found(folder: Path) -> Iterator[Captured]:
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        with path.open("rb") as file:
            if not pcapfile.recognize(file.read(4)):
                continue
        try:
            told = [each for each in stories(path) if not _is_hub(Facts.of(each).info())]
        except LocalError:
            told = []
        yield from (Captured(path, each.name) for each in told)
        if not told:
            yield Captured(path)


def _is_hub(info: DeviceInfo) -> bool:
    return info.device_class == ClassCode.HUB


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "captured" in metafunc.fixturenames:
        folder = metafunc.config.getoption("captures", None)
        all_ = [Captured(samples.CAPTURE, name) for name in samples.ADDRESSES.values()]
        all_ += found(Path(folder)) if folder else ()
        metafunc.parametrize("captured", all_, ids=str)


def expected(info: DeviceInfo) -> bytes:
    """What a kernel has in sysfs: as many configurations as it has got (drivers/usb/core/config.c)."""
    device = bytearray(info.device_descriptor)
    device[COUNT_AT] = len(info.configurations)
    return bytes(device) + b"".join(info.configurations)


def provided(captured: Captured) -> DeviceInfo | LocalError:
    """The device that is served, its configuration guessed if need be, or why none can be made of the capture."""
    try:
        return next(iter(ReplayProvider(Options(captured.path, captured.name, guess=True)).devices()))
    except LocalError as error:
        return error


@pytest.mark.timeout(180)
def test_a_kernel_enumerates_the_device_of_a_capture(captured: Captured, lab: Lab, kernel: UmlMachine) -> None:
    info = provided(captured)
    if isinstance(info, LocalError):
        assert "\n" not in str(info)
        assert info.hint
        pytest.skip(f"refused: {info}")
    with lab.provide(f"replay:{captured.path},device={captured.name},guess=yes"):
        read = f"for each in {DEVICES}; do [ -e $each/bDeviceClass ] && base64 -w0 $each/descriptors && echo; done"
        poll(lambda: bool(kernel.run(read, check=False).stdout), 10, "the kernel has the device")
        (descriptors,) = kernel.run(read, check=False).stdout.split()
        assert base64.b64decode(descriptors) == expected(info)
