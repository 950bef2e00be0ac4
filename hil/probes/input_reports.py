"""What a device says on an interrupt IN endpoint, report by report, by URBs and past any driver."""

from __future__ import annotations

import threading

from wslusb.device.api import Device
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Completion, Status, Urb, UrbFlag

from .opened import opened

__all__ = ["run"]

_AHEAD = 4
"""URBs that wait at the endpoint, so that no report finds none."""


def run(
    target: str, busid: str, endpoint: int, length: int, interval: int, seconds: float, count: int = 10_000
) -> list[str]:
    """In hexadecimal, in order, for ``seconds`` or until there are ``count``. It says ``ready`` when it listens."""
    with opened(target, busid) as device:
        listener = _Listener(device, endpoint, length, interval, count)
        listener.begin()
        print("ready", flush=True)  # noqa: T201
        listener.enough.wait(seconds)
        listener.end()
        return listener.found[:count]


class _Listener:
    def __init__(self, device: Device, endpoint: int, length: int, interval: int, count: int) -> None:
        self._device = device
        self._fields = (endpoint, TransferType.INTERRUPT, length, UrbFlag.SHORT_OK)
        self._interval = interval
        self._count = count
        self._waiting: set[Urb] = set()
        self.found: list[str] = []
        self.enough = threading.Event()

    def begin(self) -> None:
        for _ in range(_AHEAD):
            self._listen()

    def end(self) -> None:
        self.enough.set()
        for urb in list(self._waiting):
            self._device.cancel(urb)

    def _listen(self) -> None:
        urb = Urb(0, *self._fields, interval=self._interval)
        self._waiting.add(urb)
        self._device.submit(urb, self._done)

    def _done(self, completion: Completion) -> None:
        self._waiting.discard(completion.urb)
        if completion.status == Status.OK:
            if completion.actual_length:  # a packet of no bytes is no report to any driver (drivers/hid/hid-core.c)
                self.found.append(bytes(completion.data).hex())
        elif completion.status != Status.CANCELLED:
            self.found.append(f"status {Status(completion.status).name}")
            self.enough.set()
        if len(self.found) >= self._count:
            self.enough.set()
        if not self.enough.is_set():
            self._listen()
