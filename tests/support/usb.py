"""URBs for the virtual loopback (emulator/devices/loopback.py), and a Device that does as it is told."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from wslusb.device import sync
from wslusb.device.api import Device
from wslusb.errors import DeviceError
from wslusb.usb.ids import TransferType
from wslusb.usb.info import DeviceInfo
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer, Completion, Done, IsoResult, Status, Urb, UrbFlag

LOOPBACK, SOURCE_SINK = 2, 3
SECONDS = 10.0


def bulk_in(length: int = 512, sequence: int = 0, endpoint: int = 0x81, flags: int = UrbFlag.SHORT_OK) -> Urb:
    return Urb(sequence, endpoint, TransferType.BULK, length, flags)


def bulk_out(data: Buffer, sequence: int = 0, endpoint: int = 0x01, flags: int = 0) -> Urb:
    return Urb(sequence, endpoint, TransferType.BULK, len(data), flags, data)


def iso_urb(lengths: Sequence[int], endpoint: int = 0x83, data: Buffer = b"", sequence: int = 0) -> Urb:
    return Urb(
        sequence, endpoint, TransferType.ISOCHRONOUS, sum(lengths), UrbFlag.ISO_ASAP, data, interval=8,
        iso_lengths=tuple(lengths),
    )  # fmt: skip


def control_urb(setup: Setup, data: Buffer = b"", sequence: int = 0) -> Urb:
    endpoint = 0x80 if setup.is_in else 0
    flags = UrbFlag.SHORT_OK if setup.is_in else 0
    return Urb(sequence, endpoint, TransferType.CONTROL, setup.length, flags, data, setup)


def read_zeroes(device: Device, length: int = 512) -> None:
    """The loopback's first configuration is an endless source of zeroes."""
    result = sync.transfer(device, bulk_in(length), SECONDS)
    assert (result.status, result.data) == (Status.OK, bytes(length))


class Waiter:
    """A ``done`` that can be waited for; it keeps a copy of the data."""

    def __init__(self) -> None:
        self.completions: list[Completion] = []
        self.data = b""
        self.finished = threading.Event()

    def __call__(self, completion: Completion) -> None:
        self.data = bytes(completion.data)
        self.completions.append(completion)
        self.finished.set()

    def wait(self) -> Completion:
        assert self.finished.wait(SECONDS), "no completion"
        assert len(self.completions) == 1, "done was called more than once"
        return self.completions[0]

    @property
    def status(self) -> int:
        return self.wait().status


def start(device: Device, urb: Urb) -> Waiter:
    waiter = Waiter()
    device.submit(urb, waiter)
    return waiter


class PuppetDevice:
    """A Device in the hands of a test: URBs wait until :meth:`complete`, and cancels are noted and nothing else.

    ``obedient`` gives a cancelled URB back at once, as a device with nothing to say does.
    """

    def __init__(self, info: DeviceInfo, *, obedient: bool = False) -> None:
        self.info = info
        self.obedient = obedient
        self.waiting: dict[Urb, Done] = {}
        self.cancelled: list[Urb] = []
        self.calls: list[tuple[str, int, int]] = []
        self.refusal: DeviceError | None = None
        self.arrived = threading.Semaphore(0)
        self._lock = threading.Lock()

    def submit(self, urb: Urb, done: Done) -> None:
        urb.data = bytes(urb.data)
        with self._lock:
            self.waiting[urb] = done
        self.arrived.release()

    def next(self) -> Urb:
        """Wait until one more URB has come: the youngest that waits."""
        assert self.arrived.acquire(timeout=SECONDS), "no URB came"
        with self._lock:
            return list(self.waiting)[-1]

    def complete(
        self, urb: Urb, status: int = Status.OK, data: Buffer = b"", actual: int | None = None,
        iso: Sequence[IsoResult] = (), errors: int = 0,
    ) -> None:  # fmt: skip
        """Say what became of a URB. Nothing is checked: tests lie with it."""
        with self._lock:
            done = self.waiting.pop(urb)
        done(Completion(urb, status, len(data) if actual is None else actual, data, 0, errors, iso))

    def cancel(self, urb: Urb) -> None:
        self.cancelled.append(urb)
        if self.obedient and urb in self.waiting:
            self.complete(urb, Status.CANCELLED)

    def _call(self, name: str, one: int = 0, two: int = 0) -> None:
        self.calls.append((name, one, two))
        if self.refusal is not None:
            raise self.refusal

    def select_configuration(self, value: int) -> None:
        self._call("select_configuration", value)

    def select_interface(self, interface: int, alternate: int) -> None:
        self._call("select_interface", interface, alternate)

    def clear_halt(self, endpoint: int) -> None:
        self._call("clear_halt", endpoint)

    def reset(self) -> None:
        self._call("reset")

    def close(self) -> None:
        self.calls.append(("close", 0, 0))
        for urb in list(self.waiting):
            self.complete(urb, Status.CANCELLED)
