"""The emulator in one process: what a URB costs beside another emulator in Python, and how well a stream keeps time.

The other one is the PyPI package ``usbip``. Its programs drive a device of their own process through its host API over
its ``Loopback`` transport; ours call ``VirtualDevice.submit``. The same device behind both: a vendor request that reads
bytes, and a bulk OUT endpoint whose bytes come back at a bulk IN endpoint. *Its handler* is the function within it that
a transport calls for each URB: no queue between two threads, no host, and nothing that another thread could cancel.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from emulator.device import VirtualDevice
from emulator.devices.loopback import LOOPBACK, LoopbackFirmware, loopback_gadget
from hil.bench.pacing import pacing_measures
from hil.bench.record import Measure, Report
from hil.errors import RigError
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Completion, Urb, UrbFlag

__all__ = ["emulator_bench"]

OURS, THEIRS, HANDLER = "wslusb", "usbip", "usbip's handler"
MARK = 3.0
_PACKET = 512
_VENDOR_IN, _READ = 0xC0, 0x5C
_BATCH = 50

Work = Callable[[], None]
"""One unit of work: all its URBs, checked."""


@dataclass(frozen=True)
class Load:
    """What is measured: ``urbs`` in a unit of work."""

    name: str
    size: int
    urbs: int

    @property
    def is_control(self) -> bool:
        """One control IN transfer; otherwise bulk OUT, and IN again."""
        return self.urbs == 1


LOADS = (Load("control in 64 B", 64, 1), Load("bulk there and back 64 B", 64, 2), Load("the same 64 KiB", 65536, 2))


def emulator_bench(rounds: int, say: Callable[[str], None], *, quick: bool = False) -> Report:
    """Measure. RigError without the package."""
    other = _other()
    report = Report("emulator", {"rounds": rounds, "quick": quick, "usbip": other.version})
    seconds = 0.1 if quick else 0.4
    for load in LOADS:
        say(load.name)
        report.measures.append(_rates(load, other, rounds, seconds))
    for measure in pacing_measures(2.0 if quick else 10.0, say):
        report.measures.append(measure)
    return report


def _rates(load: Load, other: _Other, rounds: int, seconds: float) -> Measure:
    measure = Measure(load.name, "URB/s", ours=OURS, theirs=THEIRS, at_least=MARK)
    contenders = {OURS: _ours(load), THEIRS: other.through_its_host(load), HANDLER: other.its_handler(load)}
    for number in range(-1, rounds):
        for name, work in contenders.items():
            rate = _rate(work, seconds) * load.urbs
            if number >= 0:
                measure.add(name, rate)
    return measure


def _rate(work: Work, seconds: float) -> float:
    """Units of work a second."""
    count, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < seconds:
        for _ in range(_BATCH):
            work()
        count += _BATCH
    return count / passed


def _ours(load: Load) -> Work:
    device = VirtualDevice(loopback_gadget(), LoopbackFirmware())
    device.select_configuration(LOOPBACK)
    size, data, moved = load.size, bytes(load.size), list[int]()

    def done(completion: Completion) -> None:
        moved.append(completion.actual_length)

    def control() -> None:
        moved.clear()
        setup = Setup(_VENDOR_IN, _READ, 0, 0, size)
        device.submit(Urb(0, 0x80, TransferType.CONTROL, size, UrbFlag.SHORT_OK, b"", setup), done)
        _check(moved == [size])

    def bulk() -> None:
        moved.clear()
        device.submit(Urb(0, 0x01, TransferType.BULK, size, 0, data), done)
        device.submit(Urb(0, 0x81, TransferType.BULK, size, UrbFlag.SHORT_OK), done)
        _check(moved == [size, size])

    return control if load.is_control else bulk


def _check(good: bool) -> None:
    if not good:
        raise RigError("a transfer of the benchmark went wrong")


class _Other:
    """The other emulator's device. It has no types: ``Any`` ends here."""

    def __init__(self, package: Any) -> None:
        self.version: str = importlib.import_module("importlib.metadata").version("usbip")
        self._core = importlib.import_module("usbip.core")
        self._device = package.USBDevice(0x1209, 0x0001)
        self._device.set_speed(self._core.SPEED_HIGH)
        self._device.add(_interface(package))
        transport = importlib.import_module("usbip.transport").Loopback()
        self._device.plug(via=transport)
        self._host = importlib.import_module("usbip.host").open(transport=transport)

    def through_its_host(self, load: Load) -> Work:
        host, size, data = self._host, load.size, bytes(load.size)

        def control() -> None:
            _check(len(host.control(_VENDOR_IN, _READ, 0, 0, size)) == size)

        def bulk() -> None:
            host.bulk_out(0x01, data)
            _check(len(host.bulk_in(0x81, size)) == size)

        return control if load.is_control else bulk

    def its_handler(self, load: Load) -> Work:
        core, handle, size, data = self._core, self._device.handle_urb, load.size, bytes(load.size)

        def respond(_urb: object) -> None:
            """For URBs that have to wait; none has."""

        def control() -> None:
            setup = core.Setup(_VENDOR_IN, _READ, 0, 0, size).pack()
            _check(handle(core.Urb(direction=core.IN, length=size, setup=setup), respond).actual == size)

        def bulk() -> None:
            handle(core.Urb(direction=core.OUT, ep=1, length=size, buffer=data), respond)
            _check(handle(core.Urb(direction=core.IN, ep=1, length=size), respond).actual == size)

        return control if load.is_control else bulk


def _interface(package: Any) -> Any:
    base: Any = package.Interface

    class Echo(base):  # type: ignore[misc]
        bulk_out = package.Out(0x01, "bulk", mps=_PACKET)
        bulk_in = package.In(0x81, "bulk", mps=_PACKET)

        def on_out(self, _endpoint: object, data: bytes) -> None:
            self.bulk_in.write(data)

        def on_control(self, setup: Any, _data: bytes = b"") -> bytes:
            return bytes(setup.wLength)

    return Echo()


def _other() -> _Other:
    try:
        return _Other(importlib.import_module("usbip"))
    except ImportError as error:
        raise RigError("the PyPI package usbip is not here: pip install 'usbip==0.7.0'") from error
